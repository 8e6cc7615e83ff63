"""The figures: what was found, by whom, how, on how many, and what it cannot show.

`claims.csv` holds one figure a row, `norms.csv` those of them that can be drawn
as a reference, each pointing to its claim. An empty cell is unknown, never zero.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from harken.errors import ParameterError

Direction = Literal["supports_prompt_response", "supports_sleep_training", "mixed", "descriptive"]
Checked = Literal["yes", "partly", "no"]

SHOWS = {
    "trial": (
        "Who got what was drawn by lot, so a difference can come from what was done.",
        "How it would be for other families, or over a longer time.",
    ),
    "before_after": (
        "What was found before and after, or day by day.",
        "What caused the change: nothing was drawn by lot, and crying falls with age by itself.",
    ),
    "experiment": (
        "What a change did there and then, in an arranged situation.",
        "What happens over days at home.",
    ),
    "pooled": (
        "What many studies have in common.",
        "Anything better than the studies in it.",
    ),
    "observed": (
        "What goes with what.",
        "Which of the two brings about the other, or whether a third thing brings about both.",
    ),
    "measured": ("How it was for those who were measured.", "Why."),
    "machine": (
        "How a machine or a data set did on these recordings.",
        "How it does in another room.",
    ),
    "definition": (
        "How something is named, counted or done.",
        "Anything about a child.",
    ),
    "review": (
        "What its authors gathered from others’ work and made of it.",
        "What they left out.",
    ),
    "opinion": ("An argument or advice.", "A finding: nothing was measured for it."),
    "quoted": ("That somebody wrote it.", "What was found: the study behind it was not seen."),
}
"""What a kind of study can show, and what none of its kind can."""

SIDES: dict[Direction, str] = {
    "supports_prompt_response": "For coming at once",
    "supports_sleep_training": "For waiting, or for sleep training",
    "mixed": "Cuts both ways",
    "descriptive": "Takes no side",
}
"""What each direction is called; what people do takes none."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure that somebody published, in the project's own words.

    Parameters
    ----------
    id : str
        Short and lasting, e.g. ``"S11"``.
    topic : str
        One of `topics()`.
    claim : str
        The figure, in a sentence.
    direction : str
        A key of `SIDES`: for which side the finding speaks.
    kind : str
        A key of `SHOWS`: the kind of study.
    population, design : str
        Who was studied, and how.
    n : str or None
        On how many; None where it is not known.
    age : str or None
        Of the children; None where it does not apply.
    measure, unit : str
        What the value is.
    value : str or None
        As published: it may hold a bound or a spread. None where it could not be read.
    source_authors : str
    source_year : int or None
    source_title : str or None
    source_venue : str
    doi : str or None
    limits : str
        What it cannot show.
    in_article : bool
        Whether the web article that the project starts from quotes it.
    checked : {'yes', 'partly', 'no'}
        Whether the source could be read, usually its abstract.
    checked_where : str or None

    Raises
    ------
    ParameterError
        If a field that is always known is empty, or is not one of its words.
    """

    id: str
    topic: str
    claim: str
    direction: Direction
    kind: str
    population: str
    design: str
    n: str | None
    age: str | None
    measure: str
    value: str | None
    unit: str
    source_authors: str
    source_year: int | None
    source_title: str | None
    source_venue: str
    doi: str | None
    limits: str
    in_article: bool
    checked: Checked
    checked_where: str | None

    def __post_init__(self) -> None:
        where = f"claims.csv, {self.id or 'a row without id'}"
        for name in (
            "id", "topic", "claim", "population", "design", "measure", "unit",
            "source_authors", "source_venue", "limits",
        ):  # fmt: skip
            if not getattr(self, name):
                raise ParameterError(f"{where}: {name} is empty")
        for name, words in (
            ("direction", get_args(Direction)),
            ("kind", tuple(SHOWS)),
            ("checked", get_args(Checked)),
        ):
            if getattr(self, name) not in words:
                raise ParameterError(
                    f"{where}: {name}={getattr(self, name)!r} must be one of {', '.join(words)}"
                )

    @property
    def confirmed(self) -> bool:
        """Whether the source itself was seen, at least its abstract."""
        return self.checked == "yes"

    @property
    def doubt(self) -> str | None:
        """What to say beside the figure where its source was not fully seen; else None."""
        return {
            "yes": None,
            "partly": "Not confirmed: the source was seen only in part, or at second hand.",
            "no": "Not confirmed: the source could not be read.",
        }[self.checked]

    @property
    def shows(self) -> str:
        """What a study of this kind can show."""
        return SHOWS[self.kind][0]

    @property
    def cannot(self) -> str:
        """What it can't show: first what no study of its kind can, then its own limits."""
        return f"{SHOWS[self.kind][1]} {self.limits}"

    @property
    def side(self) -> str:
        """For which side it speaks, in words."""
        return SIDES[self.direction]

    @property
    def source(self) -> str:
        """Authors, year, title and venue in one line."""
        year = "no date" if self.source_year is None else str(self.source_year)
        parts = (f"{self.source_authors} ({year})", self.source_title, self.source_venue)
        return ". ".join(part.rstrip(".") for part in parts if part) + "."

    def as_dict(self) -> dict[str, Any]:
        """Give every field by name, and what it shows in words.

        Returns
        -------
        dict
            JSON values only.

        Examples
        --------
        >>> claim("S11").as_dict()["value"]
        '43'
        """
        return {
            **asdict(self),
            "confirmed": self.confirmed,
            "shows": self.shows,
            "cannot": self.cannot,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Norm:
    """A published figure for an age, to be drawn beside a household's own.

    A norm whose claim was not confirmed is a quotation: draw it hatched and call
    it "quoted, not confirmed".

    Parameters
    ----------
    age_weeks_low, age_weeks_high : float or None [weeks]
        First and last whole week of age; None where the age was not stated.
    population : str
        Whose figure it is.
    measure : str
        One of `measures()`, with the unit in its name.
    mean : float
    sd : float or None
        Between children; None where it is not known.
    n : int or None
        Children; None where it is not known.
    claim_id : str
        The claim that it comes from: source, design, limits.
    confirmed : bool
        Whether the source itself was seen.
    """

    age_weeks_low: float | None
    age_weeks_high: float | None
    population: str
    measure: str
    mean: float
    sd: float | None
    n: int | None
    claim_id: str
    confirmed: bool

    @property
    def claim(self) -> Claim:
        """The claim that it comes from."""
        return claim(self.claim_id)

    @property
    def how(self) -> str:
        """What was measured and how, e.g. ``"cry+fuss per day; meta-analysis of diaries"``."""
        return f"{self.claim.measure}; {self.claim.design}"

    @property
    def says(self) -> str:
        """The figure with its spread and unit.

        Examples
        --------
        >>> norms("cry_fuss_min_per_day", 3)[0].says
        '117 ± 66 min of crying and fussing a day'
        """
        spread = "" if self.sd is None else f" ± {_figure(self.sd)}"
        for begin, end, unit in _MEASURES:
            if self.measure.startswith(begin) and self.measure.endswith(end):
                return f"{_figure(self.mean)}{spread}{unit}"
        return f"{_figure(self.mean)}{spread} {self.measure.replace('_', ' ')}"

    def as_dict(self) -> dict[str, Any]:
        """Give every field by name, with how it was measured and the source.

        Returns
        -------
        dict
            JSON values only.

        Examples
        --------
        >>> norms("cry_fuss_min_per_day", 11)[0].as_dict()["mean"]
        68.0
        """
        return {**asdict(self), "how": self.how, "source": self.claim.source}


_MEASURES = (
    ("pct_answered_within_10s", "", " % answered within 10 s"),
    ("pct_left_unanswered", "", " % left unanswered"),
    ("pct_modified_wessel", "", " % met the rule of threes in its modified form"),
    ("pct_crying_3h", "", " % cried 3 h or more a day"),
    ("pct_crying_2h", "", " % cried 2 h or more between 18 and 24 o’clock"),
    ("pct_", "", " %"),
    ("mean_response_latency_s", "", " s until the answer, on average"),
    ("cry_fuss_", "min_per_day", " min of crying and fussing a day"),
    ("fuss_cry_", "", " min a day"),
    ("held_", "", " min held a day"),
    ("cry_min_per_day", "", " min of crying a day"),
    ("bouts_per_hour", "", " bouts an hour"),
    ("min_per_hour", "", " min an hour"),
)
"""How measures begin and end, and what stands behind their figure."""


def _figure(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:.0f}"


def claims(topic: str | None = None) -> tuple[Claim, ...]:
    """Give the claims on a topic, or all of them.

    Parameters
    ----------
    topic : str, optional
        One of `topics()`.

    Returns
    -------
    tuple of Claim
        In the order of the table.

    Raises
    ------
    ParameterError
        If there is no such topic.

    Examples
    --------
    >>> [one.id for one in claims(topic="carrying")]
    ['S11', 'S12', 'S13', 'S14']
    """
    if topic is None:
        return tuple(_claims().values())
    if topic not in topics():
        raise ParameterError(f"topic {topic!r} is not known; take one of {', '.join(topics())}")
    return tuple(one for one in _claims().values() if one.topic == topic)


def claim(id: str) -> Claim:
    """Give one claim.

    Parameters
    ----------
    id : str
        Small or capital letters.

    Returns
    -------
    Claim

    Raises
    ------
    ParameterError
        If there is no such claim.

    Examples
    --------
    >>> claim("s11").source_year
    1986
    """
    found = _by_small_id().get(id.casefold()) if isinstance(id, str) else None
    if found is None:
        raise ParameterError(
            f"claim {id!r} is not known; 'harken evidence' lists the topics, and each its claims"
        )
    return found


def topics() -> tuple[str, ...]:
    """Give the topics of the claims.

    Returns
    -------
    tuple of str
        In the order of the table.

    Examples
    --------
    >>> "colic" in topics()
    True
    """
    return tuple(dict.fromkeys(one.topic for one in _claims().values()))


def norms(measure: str | None = None, age_weeks: float | None = None) -> tuple[Norm, ...]:
    """Give published figures to compare with.

    Parameters
    ----------
    measure : str, optional
        One of `measures()`; by default all.
    age_weeks : float, 0 or more [weeks], optional
        Only those for this age, counted in whole weeks as the sources do, and
        those whose age was not stated.

    Returns
    -------
    tuple of Norm
        In the order of the table; empty where nothing is known.

    Raises
    ------
    ParameterError
        If the measure is not known, or the age is not a number from 0.

    Examples
    --------
    >>> [(one.mean, one.sd) for one in norms("cry_fuss_min_per_day", 11.5)]
    [(68.0, 46.2)]
    >>> [one.confirmed for one in norms("pct_answered_within_10s", 5)]
    [False, False]
    """
    if measure is not None and measure not in measures():
        raise ParameterError(f"measure {measure!r} is not known; take one of {measures()}")
    if age_weeks is not None and (
        isinstance(age_weeks, bool)
        or not isinstance(age_weeks, int | float)
        or not 0 <= age_weeks < float("inf")
    ):
        raise ParameterError(f"age_weeks={age_weeks!r} must be a number of weeks from 0")
    return tuple(
        one
        for one in _norms()
        if measure in (None, one.measure)
        and (
            age_weeks is None
            or one.age_weeks_low is None
            or one.age_weeks_high is None
            or one.age_weeks_low <= age_weeks // 1 <= one.age_weeks_high
        )
    )


def measures() -> tuple[str, ...]:
    """Give what there are norms for.

    Returns
    -------
    tuple of str
        In the order of the table.

    Examples
    --------
    >>> measures()[0]
    'cry_fuss_min_per_day'
    """
    return tuple(dict.fromkeys(one.measure for one in _norms()))


def read_claims(lines: Iterator[str]) -> dict[str, Claim]:
    """Read a table of claims.

    Parameters
    ----------
    lines : iterator of str
        CSV with the fields of `Claim` as its head.

    Returns
    -------
    dict of id to Claim

    Raises
    ------
    ParameterError
        If a column or a value is not as it must be, or an id comes twice.
    """
    found: dict[str, Claim] = {}
    for row in _rows(lines, "claims.csv", [one.name for one in fields(Claim)]):
        year, in_article = row["source_year"], row["in_article"]
        if year is not None and not (year.isascii() and year.isdigit() and len(year) == 4):
            raise ParameterError(f"claims.csv, {row['id']}: source_year={year!r} is not a year")
        if in_article not in ("yes", "no"):
            raise ParameterError(f"claims.csv, {row['id']}: in_article must be yes or no")
        values: dict[str, Any] = {
            **row,
            "source_year": None if year is None else int(year),
            "in_article": in_article == "yes",
        }
        one = Claim(**values)
        if one.id.casefold() in (known.casefold() for known in found):
            raise ParameterError(f"claims.csv, {one.id}: the id comes twice")
        found[one.id] = one
    return found


def read_norms(lines: Iterator[str], known: dict[str, Claim]) -> tuple[Norm, ...]:
    """Read a table of norms.

    Parameters
    ----------
    lines : iterator of str
        CSV with the fields of `Norm` as its head, save `confirmed`, which is the claim's.
    known : dict of id to Claim

    Returns
    -------
    tuple of Norm

    Raises
    ------
    ParameterError
        If a column or a value is not as it must be, or a norm points to no claim.
    """
    found = []
    head = [one.name for one in fields(Norm) if one.name != "confirmed"]
    for row in _rows(lines, "norms.csv", head):
        where = f"norms.csv, {row['claim_id']}"
        source = known.get(row["claim_id"] or "")
        if source is None:
            raise ParameterError(f"{where}: there is no such claim")
        low, high, mean, sd, n = (
            _number(where, name, row[name])
            for name in ("age_weeks_low", "age_weeks_high", "mean", "sd", "n")
        )
        if (low is None) != (high is None) or (low is not None and high is not None and low > high):
            raise ParameterError(f"{where}: the ages must be two weeks in order, or both empty")
        if mean is None or not row["population"] or not row["measure"]:
            raise ParameterError(f"{where}: population, measure and mean must be there")
        if n is not None and n != int(n):
            raise ParameterError(f"{where}: n={n} is not a whole number")
        found.append(
            Norm(
                low,
                high,
                row["population"],
                row["measure"],
                mean,
                sd,
                None if n is None else int(n),
                source.id,
                source.confirmed,
            )
        )
    return tuple(found)


def _rows(lines: Iterator[str], name: str, head: list[str]) -> Iterator[dict[str, str | None]]:
    table = csv.reader(lines, strict=True)
    try:
        if next(table, None) != head:
            raise ParameterError(f"{name}: the columns must be {', '.join(head)}")
        for cells in table:
            if len(cells) != len(head):
                raise ParameterError(
                    f"{name}, line {table.line_num}: {len(cells)} cells, not {len(head)}"
                )
            yield {key: cell.strip() or None for key, cell in zip(head, cells, strict=True)}
    except csv.Error as error:
        raise ParameterError(f"{name}, line {table.line_num}: {error}") from None


def _number(where: str, name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ParameterError(f"{where}: {name}={text!r} is not a number from 0")
    return value


def _lines(name: str) -> Iterator[str]:
    return iter((files("harken.evidence") / name).read_text("utf-8").splitlines(keepends=True))


@cache
def _claims() -> dict[str, Claim]:
    return read_claims(_lines("claims.csv"))


@cache
def _by_small_id() -> dict[str, Claim]:
    return {id.casefold(): one for id, one in _claims().items()}


@cache
def _norms() -> tuple[Norm, ...]:
    return read_norms(_lines("norms.csv"), _claims())
