"""The report on agreement: a page to read, tables to go on with, clips to listen to."""

import csv
import shlex
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import harken
from harken.errors import AnnotationError
from harken.insight import picture as pictures
from harken.insight.estimate import Estimate
from harken.insight.picture import Picture, along, altair, dressed, nothing, rows, up
from harken.studies.agree import Agreement, Disagreement
from harken.studies.raters import Raters

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

RATER_MEASURES = (
    ("fleiss", "Fleiss' kappa, people"),
    ("fleiss_with", "… and the hypothesis"),
    ("alpha", "Krippendorff's alpha, people"),
    ("alpha_with", "… and the hypothesis"),
    ("change", "what it changes alpha by"),
)
"""Measures of `Raters`, and what a reader calls them."""

_HOW = {
    "reference_labels": "what counts in the reference",
    "hypothesis_labels": "what counts in the hypothesis",
    "join": "stretches that count as one are at most this far apart",
    "collar": "not scored around each end of the reference, half on each side",
    "onset_within": "events match if their onsets lie this near",
    "offset_within": "and their offsets this near, or within half the reference's event",
}

AROUND_S = 5.0
"""Seconds before and after a disagreement that its clip holds."""

MOST_IN_TABLE = 20
"""Disagreements on the page; all that are listed stand in its table."""


def bland_altman_picture(found: Agreement) -> Picture:
    """Draw how the two differ in total, a point a recording.

    Parameters
    ----------
    found : Agreement

    Returns
    -------
    Picture
    """
    if len(found.by_recording) < 3:
        return nothing("bland_altman", "Totals can't be compared: fewer than three recordings.")
    values = [
        {
            "mean": round((one.reference + one.hypothesis) / 120, 4),
            "difference": round((one.hypothesis - one.reference) / 60, 4),
            "name": one.recording,
        }
        for one in found.by_recording
    ]
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
            x=a_.X("mean:Q", axis=along("mean of both, minutes an hour")),
            y=a_.Y("difference:Q", axis=up("hypothesis − reference, minutes an hour")),
        )
    )
    more = "more" if bias > 0 else "less"
    title = (
        f"The hypothesis finds {abs(bias):.1f} min an hour {more} than the reference"
        if abs(bias) >= 0.05
        else "The hypothesis finds about as much as the reference"
    )
    alt = (
        f"{len(values)} recordings; mean difference {bias:.2f} minutes an hour, 95 in 100 expected "
        f"between {low:.2f} and {high:.2f}."
    )
    return dressed("bland_altman", [rule, text, points], title=title, alt=alt)


def write_report(
    folder: Path,
    found: Agreement,
    *,
    groups: Mapping[str, Mapping[str, Agreement]],
    worst: Sequence[Disagreement],
    how: Mapping[str, Any],
    raters: Raters | None = None,
    rater_groups: Mapping[str, Mapping[str, Raters]] | None = None,
    remarks: Sequence[str] = (),
    recordings: Path | None = None,
) -> list[Path]:
    """Write the page and the tables.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    found : Agreement
    groups : mapping
        Column → group → agreement.
    worst : sequence of Disagreement
    how : mapping
        Labels, collar and so on, as they were compared with; keyword arguments of `agree`.
    raters : Raters, optional
        Where further people annotated.
    rater_groups : mapping, optional
        Column → group → raters.
    remarks : sequence of str
        What has to be known: recordings left out and so on.
    recordings : Path, optional
        Where they are, for the command that cuts clips out of them.

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

    picture = bland_altman_picture(found)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["estimate"] = said
    of_raters = {"all": {"": raters} if raters else {}, **(rater_groups or {})}
    page = environment.get_template("agreement.html").render(
        what=[_called(how.get(f"{side}_labels", ("cry",))) for side in ("reference", "hypothesis")],
        found=found, groups=groups, raters=raters, rater_groups=rater_groups or {}, worst=worst,
        most=MOST_IN_TABLE, remarks=remarks, how=_in_words(how), measures=MEASURES,
        picture=picture, svg=drawing.svg(picture, width=640, theme="print", titled=False),
        labels=sorted({label for row in found.confusion.values() for label in row}),
        version=harken.__version__, around=AROUND_S, cut=cut_command(folder, recordings),
    )  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "agreement.html").write_text(page, "utf-8")
        _table(
            folder / "agreement.csv",
            ["by", "group", "measure", "value", "low", "high", "n", "unit", "how"],
            [
                [by, group, name, *_cells(number)]
                for by, each in {"all": {"": found}, **groups}.items()
                for group, one in each.items()
                for name, number in _numbers(one)
            ]
            + [
                [by, group, name, *_cells(number)]
                for by, several in of_raters.items()
                for group, many in several.items()
                for name, number in _numbers_of_raters(many)
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


def _in_words(how: Mapping[str, Any]) -> list[str]:
    return [
        f"{_HOW[key]}: {f'{value:g} s' if isinstance(value, int | float) else ', '.join(value)}"
        for key, value in how.items()
    ]


def _called(labels: Iterable[str]) -> str:
    return " or ".join("crying" if one == "cry" else one for one in labels)


def cut_command(folder: Path, recordings: Path | None = None) -> str:
    """Give the command that cuts a report's disagreements out of the recordings.

    Examples
    --------
    >>> cut_command(Path("our report"))
    "harken study cut 'our report/disagreements.csv' --recordings FOLDER --out clips"
    """
    table, where = (
        shlex.quote(str(path)) for path in (folder / "disagreements.csv", recordings or "FOLDER")
    )
    return f"harken study cut {table} --recordings {where} --out clips"


def rows_to_read(found: Agreement) -> list[tuple[str, str]]:
    """Give what is read first: (words, number) of each measure.

    Parameters
    ----------
    found : Agreement

    Returns
    -------
    list of (str, str)
    """
    return [(words, said(getattr(found, name))) for name, words in MEASURES]


def rows_of_raters(found: Raters) -> list[tuple[str, str]]:
    """Give the same of several raters, with each pair of them.

    Parameters
    ----------
    found : Raters

    Returns
    -------
    list of (str, str)
    """
    return [
        *((words, said(getattr(found, name))) for name, words in RATER_MEASURES),
        *((f"kappa, {one.first} and {one.second}", said(one.kappa)) for one in found.two),
    ]


def said(one: Estimate) -> str:
    """Say a number between 0 and 1, or of seconds, with its interval.

    Examples
    --------
    >>> said(Estimate(0.912, 0.85, 0.95, 12)), said(Estimate(None, None, None, 0, unit="s"))
    ('0.91 (0.85 to 0.95)', 'not known')
    >>> said(Estimate(-0.001, -0.5, 0.25, 3, unit="s"))
    '0.00 s (-0.50 to 0.25)'
    >>> said(Estimate(1.0, 1.0, 1.0, 12)), said(Estimate(0.998, 0.997, 0.999, 12))
    ('1.00', '0.998 (0.997 to 0.999)')
    """
    value, bracket, ends = pictures.said(one, digits=2).partition(" (")
    unit = " s" if one.unit == "s" and one.value is not None else ""
    return f"{value}{unit}{bracket}{ends}"


def _numbers(found: Agreement) -> Iterable[tuple[str, Estimate]]:
    for name, _ in MEASURES:
        yield name, getattr(found, name)
    totals = found.totals
    bias, low, high = (None if isnan(x) else x for x in (totals.bias, totals.low, totals.high))
    how = "Bland–Altman: low and high are the limits of agreement, not an interval"
    yield "difference of totals", Estimate(bias, low, high, totals.n, unit="s/h", how=how)


def _numbers_of_raters(found: Raters) -> Iterable[tuple[str, Estimate]]:
    names = ("fleiss_people", "fleiss_with_hypothesis", "alpha_people", "alpha_with_hypothesis",
             "alpha_change")  # fmt: skip
    for name, (field, _) in zip(names, RATER_MEASURES, strict=True):
        yield name, getattr(found, field)
    for one in found.two:
        yield f"kappa {one.first} | {one.second}", one.kappa


def _cells(one: Estimate) -> list[str]:
    numbers = ["" if x is None else f"{x:.6g}" for x in (one.value, one.low, one.high)]
    return [*numbers, str(one.n), one.unit, one.how]


def _table(path: Path, columns: Sequence[str], content: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(content)
