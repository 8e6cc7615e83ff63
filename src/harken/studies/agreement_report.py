"""The report on agreement: a page to read, tables to go on with, clips to listen to."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harken
from harken.errors import AnnotationError
from harken.insight.estimate import Estimate
from harken.insight.picture import Picture, along, altair, dressed, nothing, rows, up
from harken.studies.agree import Agreement, Disagreement, Pair, common, length, spans_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MEASURES = (
    ("precision", "precision, by seconds"),
    ("recall", "recall, by seconds"),
    ("f1", "F1, by seconds"),
    ("kappa", "Cohen's kappa, by seconds"),
    ("event_precision", "precision, by events"),
    ("event_recall", "recall, by events"),
    ("event_f1", "F1, by events"),
    ("onset_error", "onset error, median"),
    ("offset_error", "offset error, median"),
    ("correlation", "correlation of totals"),
    ("icc", "ICC(2,1) of totals"),
)
"""Measures of an `Agreement`, and what a reader calls them."""

AROUND_S = 5.0
"""Seconds before and after a disagreement that its clip holds."""


def bland_altman_picture(
    pairs: Sequence[Pair],
    found: Agreement,
    *,
    reference_labels: "Iterable[str]" = ("cry",),
    hypothesis_labels: "Iterable[str]" = ("cry",),
    join: float = 0.0,
) -> Picture:
    """Draw how the two differ in total, a point a recording.

    Parameters
    ----------
    pairs : sequence of Pair
    found : Agreement
        Of these pairs.
    reference_labels, hypothesis_labels : iterable of str
    join : float [s]
        As they were compared.

    Returns
    -------
    Picture
    """
    if len(pairs) < 3:
        return nothing("bland_altman", "Totals can't be compared: fewer than three recordings.")
    ours, theirs = tuple(reference_labels), tuple(hypothesis_labels)
    values = []
    for one in pairs:
        hours = length(one.looked) / 3600
        a, b = (
            length(common(spans, one.looked)) / 60 / hours
            for spans in spans_of(one, ours, theirs, join)
        )
        values.append(
            {"mean": round((a + b) / 2, 4), "difference": round(b - a, 4), "name": one.recording}
        )
    bias, low, high = (
        value / 60 for value in (found.totals.bias, found.totals.low, found.totals.high)
    )
    a_ = altair()
    lines = [
        {"at": bias, "what": "mean"}, {"at": low, "what": "95 in 100"},
        {"at": high, "what": "95 in 100"},
    ]  # fmt: skip
    rule = a_.Chart(rows(lines)).mark_rule(strokeDash=[4, 3]).encode(y=a_.Y("at:Q"))
    text = (
        a_.Chart(rows(lines))
        .mark_text(align="right", dy=-6, dx=-4)
        .encode(y=a_.Y("at:Q"), x=a_.value("width"), text="what:N")
    )
    points = (
        a_.Chart(rows(values))
        .mark_point(filled=True, size=50)
        .encode(
            x=a_.X("mean:Q", axis=along("mean of both, minutes of crying an hour")),
            y=a_.Y("difference:Q", axis=up("hypothesis − reference, minutes an hour")),
        )
    )
    more = "more" if bias > 0 else "less"
    title = f"The hypothesis finds {abs(bias):.1f} min an hour {more} than the reference"
    alt = (
        f"{len(values)} recordings; mean difference {bias:.2f} minutes an hour, 95 in 100 expected "
        f"between {low:.2f} and {high:.2f}."
    )
    return dressed("bland_altman", [rule, text, points], title=title, alt=alt)


def write_report(
    folder: Path,
    pairs: Sequence[Pair],
    found: Agreement,
    *,
    groups: Mapping[str, Mapping[str, Agreement]],
    worst: Sequence[Disagreement],
    remarks: Sequence[str] = (),
    how: Mapping[str, Any],
) -> list[Path]:
    """Write the page and the tables.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    pairs : sequence of Pair
    found : Agreement
    groups : mapping
        Column → group → agreement.
    worst : sequence of Disagreement
    remarks : sequence of str
        What has to be known: recordings left out and so on.
    how : mapping
        Labels, collar and so on, as they were compared with; keyword arguments of `agree`.

    Returns
    -------
    list of Path
        ``agreement.html``, ``agreement.csv``, ``confusion.csv``, ``disagreements.csv``.

    Raises
    ------
    AnnotationError
        If they can't be written.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from harken.insight import drawing

    labels = {
        key: how[key] for key in ("reference_labels", "hypothesis_labels", "join") if key in how
    }
    picture = bland_altman_picture(pairs, found, **labels)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["estimate"] = said
    everything = {"all": {"": found}, **groups}
    page = environment.get_template("agreement.html").render(
        found=found, groups=groups, worst=worst[:20], remarks=remarks, how=how, measures=MEASURES,
        picture=picture, svg=drawing.svg(picture, width=640, theme="print", titled=False),
        labels=sorted({label for row in found.confusion.values() for label in row}),
        version=harken.__version__, around=AROUND_S,
    )  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "agreement.html").write_text(page, "utf-8")
        _table(
            folder / "agreement.csv",
            ["by", "group", "measure", "value", "low", "high", "n", "unit", "how"],
            [
                [by, group, name, *_cells(getattr(one, name))]
                for by, each in everything.items()
                for group, one in each.items()
                for name, _ in MEASURES
            ],
        )
        _table(
            folder / "confusion.csv",
            ["reference", "hypothesis", "seconds"],
            [
                [label, other, f"{seconds:.3f}"]
                for label, row in found.confusion.items()
                for other, seconds in row.items()
            ],
        )
        _table(
            folder / "disagreements.csv",
            ["recording", "child", "onset", "offset", "label"],
            [
                [one.recording, one.child, f"{one.since:.3f}", f"{one.until:.3f}", one.kind]
                for one in worst
            ],
        )
    except OSError as error:
        raise AnnotationError(f"{folder}: {error.strerror or error}") from error
    names = ("agreement.html", "agreement.csv", "confusion.csv", "disagreements.csv")
    return [folder / name for name in names]


def said(one: Estimate) -> str:
    """Say a number between 0 and 1, or of seconds, with its interval.

    Examples
    --------
    >>> said(Estimate(0.912, 0.85, 0.95, 12)), said(Estimate(None, None, None, 0, unit="s"))
    ('0.91 (0.85 to 0.95)', 'not known')
    """
    if one.value is None:
        return "not known"
    unit = " s" if one.unit == "s" else ""
    if one.low is None or one.high is None:
        return f"{one.value:.2f}{unit}"
    return f"{one.value:.2f}{unit} ({one.low:.2f} to {one.high:.2f})"


def _cells(one: Estimate) -> list[str]:
    numbers = ["" if x is None else f"{x:.6g}" for x in (one.value, one.low, one.high)]
    return [*numbers, str(one.n), one.unit, one.how]


def _table(path: Path, columns: Sequence[str], content: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(content)
