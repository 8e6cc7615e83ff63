"""Swift: how long until somebody came, where some cries ended before anybody did."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harken.episodes import Episode, Response
from harken.errors import ParameterError
from harken.evidence import Norm, norms
from harken.insight.estimate import Estimate
from harken.insight.record import Record
from harken.insight.survival import Curve, kaplan_meier

AT_S = (10.0, 30.0, 60.0, 300.0)
"""Seconds after the onset at which the share that was answered is given."""

GROUPS = ("hour", "week", "caregiver")
"""What `swift` can be given by."""

NORMS = ("pct_answered_within_10s", "pct_left_unanswered", "mean_response_latency_s")
"""Published figures that lie beside it; the second is no share that was answered."""

_ONE_AGE_WEEKS = 6.0

By = Literal["hour", "week", "caregiver"]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an episode waited.

    Parameters
    ----------
    episode : Episode
    seconds : float, ≥ 0 [s]
        From the onset to the answer, or as far as it is known to have waited.
    response : Response or None
        The answer; None: the crying ended first.
    """

    episode: Episode
    seconds: float
    response: Response | None


@dataclass(frozen=True, slots=True)
class Within:
    """Share that was answered within some seconds."""

    at_s: float
    share: Estimate


@dataclass(frozen=True, slots=True)
class Sources:
    """What the answers rest on; each episode counts once, by its first answer.

    Parameters
    ----------
    tapped : int
        Somebody tapped.
    confirmed : int
        Harken heard a voice, and somebody said that it was an answer.
    sensor : int
        A sensor or an automation said so.
    inferred : int
        Nobody said so: Harken only heard a voice while it cried. These are
        answers only where the switch is on.
    """

    tapped: int
    confirmed: int
    sensor: int
    inferred: int


@dataclass(frozen=True, slots=True)
class SwiftGroup:
    """The same for some of the cries.

    Parameters
    ----------
    key : str
        Hour ``"0"`` to ``"23"``, week of age, or id of a caregiver.
    label : str
        In plain words.
    n, answered : int
    median : Estimate [s]
    within : tuple of Within
    """

    key: str
    label: str
    n: int
    answered: int
    median: Estimate
    within: tuple[Within, ...]


@dataclass(frozen=True, slots=True)
class Swift:
    """How swiftly cries were answered.

    Parameters
    ----------
    n : int
        Episodes that count.
    answered : int
        Of these.
    censored : int
        The others: the crying ended before anybody came. They say that an answer
        would have taken longer than that, and are used so.
    inferred : bool
        Whether voices that Harken only heard count as answers.
    curve : Curve
        Share still waiting; thinned to 300 points.
    median : Estimate [s]
    within : tuple of Within
        Share answered within each of `AT_S`, had the crying gone on.
    median_inferred : Estimate [s]
        The median with the voices counted that nobody has confirmed.
    sources : Sources
    by : {'hour', 'week', 'caregiver'} or None
    groups : tuple of SwiftGroup
        By hour or week in that order, by caregiver in the order of their names.
    age_weeks : float or None
        In the middle of the record.
    norms : tuple of Norm
        Published groups at that age.
    other_norms : tuple of Norm
        The same groups at other ages.
    says : tuple of str
        What to print beside the figures.
    """

    n: int
    answered: int
    censored: int
    inferred: bool
    curve: Curve
    median: Estimate
    within: tuple[Within, ...]
    median_inferred: Estimate
    sources: Sources
    by: By | None
    groups: tuple[SwiftGroup, ...]
    age_weeks: float | None
    norms: tuple[Norm, ...]
    other_norms: tuple[Norm, ...]
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        return {
            "n": self.n,
            "answered": self.answered,
            "censored": self.censored,
            "inferred": self.inferred,
            "curve": self.curve.as_dict(),
            "median": self.median.as_dict(),
            "within": [asdict(one) for one in self.within],
            "median_inferred": self.median_inferred.as_dict(),
            "sources": asdict(self.sources),
            "by": self.by,
            "groups": [
                {**asdict(one), "within": [asdict(each) for each in one.within]}
                for one in self.groups
            ],
            "age_weeks": self.age_weeks,
            "norms": [one.as_dict() for one in self.norms],
            "other_norms": [one.as_dict() for one in self.other_norms],
            "says": list(self.says),
        }


def swift(
    record: Record, *, by: By | None = None, inferred: bool = False, corrected: bool = False
) -> Swift:
    """Measure how long cries waited for an answer.

    Parameters
    ----------
    record : Record
    by : {'hour', 'week', 'caregiver'}, optional
        Give it for parts too: by hour of the day of the onset; by week of age
        (of the record, where the day of birth is not known); or by who answered.
        A cry that nobody answered has no caregiver, so by caregiver there are only
        answered cries: nothing to rank people by.
    inferred : bool
        Count a voice that Harken only heard as an answer.
    corrected : bool
        Count ages from the due date for a child born early.

    Returns
    -------
    Swift
        Drills, false alarms and cries that go on are left out. A response after
        the crying had ended is no answer.

    Raises
    ------
    ParameterError
        If `by` is none of the above.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     str(swift(Record.of(journal)).median)
    'not known (n = 0)'
    >>> folder.cleanup()
    """
    if by is not None and by not in GROUPS:
        raise ParameterError(f"by={by!r} must be one of {', '.join(GROUPS)}")
    plain, heard = waits(record), waits(record, inferred=True)
    counted = heard if inferred else plain
    curve = _curve(counted)
    other = _curve(heard)
    sources = sources_of(plain, heard)
    age, beside, others = published(record, corrected=corrected)
    answered = sum(one.response is not None for one in counted)
    return Swift(
        n=len(counted),
        answered=answered,
        censored=len(counted) - answered,
        inferred=inferred,
        curve=curve.thinned(),
        median=curve.quantile(),
        within=_within(curve),
        median_inferred=other.quantile(),
        sources=sources,
        by=by,
        groups=_groups(record, counted, by, corrected=corrected),
        age_weeks=age,
        norms=beside,
        other_norms=others,
        says=_says(len(counted), answered, sources, by, inferred=inferred),
    )


def waits(record: Record, *, inferred: bool = False) -> list[Wait]:
    """Give how long each episode that counts waited, in order of onset.

    Parameters
    ----------
    record : Record
    inferred : bool
        Count a voice that Harken only heard as an answer.

    Returns
    -------
    list of Wait
    """
    return [_wait(one, inferred=inferred) for one in record.counted]


def sources_of(plain: Sequence[Wait], heard: Sequence[Wait]) -> Sources:
    """Give what the answers rest on.

    Parameters
    ----------
    plain, heard : sequence of Wait
        The same episodes, without and with the voices that were only heard.

    Returns
    -------
    Sources
    """
    found = [one.response for one in plain if one.response is not None]
    return Sources(
        tapped=sum(one.source == "tapped" for one in found),
        confirmed=sum(one.source == "heard" for one in found),
        sensor=sum(one.source == "sensor" for one in found),
        inferred=sum(
            one.response is None and two.response is not None
            for one, two in zip(plain, heard, strict=True)
        ),
    )


def _wait(episode: Episode, *, inferred: bool) -> Wait:
    first = episode.first_response
    if inferred:
        heard = next((one for one in episode.proposed if not one.late), None)
        if heard is not None and (first is None or heard.at < first.at):
            seconds = (heard.at - episode.onset).total_seconds()
            return Wait(episode, max(0.0, seconds), heard)
    if first is not None and episode.latency_s is not None:
        return Wait(episode, episode.latency_s, first)
    return Wait(episode, max(0.0, episode.censored_s or 0.0), None)


def published(
    record: Record, *, corrected: bool = False
) -> tuple[float | None, tuple[Norm, ...], tuple[Norm, ...]]:
    """Give the child's age in the middle of a record, and the published groups beside it.

    Parameters
    ----------
    record : Record
    corrected : bool

    Returns
    -------
    age : float or None [weeks]
    norms : tuple of Norm
        At that age, those without an age among them; empty where the record
        spans more than six weeks, which are of no one age.
    others : tuple of Norm
        The rest.
    """
    end = min(record.until, record.now)
    middle = record.since + (max(end, record.since) - record.since) / 2
    age = record.age_weeks(middle, corrected)
    every = [one for name in NORMS for one in norms(name)]
    weeks = (end - record.since).total_seconds() / 604800
    beside: list[Norm] = []
    if age is not None and age >= 0 and weeks <= _ONE_AGE_WEEKS:
        beside = [one for name in NORMS for one in norms(name, age)]
    return age, tuple(beside), tuple(one for one in every if one not in beside)


def _curve(those: Iterable[Wait]) -> Curve:
    every = list(those)
    return kaplan_meier([one.seconds for one in every], [one.response is not None for one in every])


def _within(curve: Curve) -> tuple[Within, ...]:
    return tuple(Within(at, curve.by(at)) for at in AT_S)


def _groups(
    record: Record, those: Sequence[Wait], by: By | None, *, corrected: bool
) -> tuple[SwiftGroup, ...]:
    if by is None:
        return ()
    label: Callable[[str], str]
    if by == "hour":
        keyed = [(str(record.local(one.episode.onset).hour), one) for one in those]
        order = [str(hour) for hour in range(24)]
        label = "{:0>2}:00".format
    elif by == "week":
        keyed = [(str(week_of(record, one.episode, corrected=corrected)), one) for one in those]
        order = sorted({key for key, _ in keyed}, key=int)
        label = ("week {}" if record.born is not None else "week {} of the record").format
    else:
        keyed = [(one.response.caregiver or "", one) for one in those if one.response is not None]
        names = {key: record.caregivers.get(key, key) or "not said who" for key, _ in keyed}
        # By name: an order by speed would be a ranking.
        order = sorted(names, key=lambda key: (key == "", names[key].casefold(), key))
        label = names.__getitem__
    found: dict[str, list[Wait]] = {key: [] for key in order}
    for key, one in keyed:
        found[key].append(one)
    groups = []
    for key in order:
        curve = _curve(found[key])
        answered = sum(one.response is not None for one in found[key])
        groups.append(
            SwiftGroup(key, label(key), len(found[key]), answered, curve.quantile(), _within(curve))
        )
    return tuple(groups)


def week_of(record: Record, episode: Episode, *, corrected: bool = False) -> int:
    """Give the whole week of age at an episode; of the record where the birth is not known.

    Parameters
    ----------
    record : Record
    episode : Episode
    corrected : bool

    Returns
    -------
    int
        The first week of the record is 1.
    """
    age = record.age_weeks(episode.onset, corrected)
    if age is not None:
        return int(age // 1)
    return int((episode.onset - record.since).total_seconds() // 604800) + 1


def _says(
    n: int, answered: int, sources: Sources, by: By | None, *, inferred: bool
) -> tuple[str, ...]:
    if n == 0:
        return ("No cry has been counted in this time yet.",)
    says = []
    if n > answered:
        gone = f"{n - answered} of {n} cries" if n > 1 else "The cry"
        says.append(
            f"{gone} ended before anybody came. That counts as a wait that was at least that "
            "long, so the figures hold for crying that goes on."
        )
    if sources.inferred:
        counted = "They count here." if inferred else "They do not count here."
        says.append(
            f"In {sources.inferred} more, Harken only heard a voice in the room and nobody has "
            f"said that it was an answer. {counted}"
        )
    if sources.tapped:
        says.append("A tap is made after arriving: the true wait may be some seconds shorter.")
    if by == "caregiver":
        says.append(
            "By caregiver there are only cries that somebody answered; who was asleep, at work "
            "or told first is not in these numbers. They compare no people."
        )
    return tuple(says)
