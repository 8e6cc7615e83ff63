"""What a comparison leaves for a paper: tables as CSV and LaTeX, figures, the methods in words."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harken.errors import HarkenError
from harken.insight.estimate import Estimate
from harken.insight.picture import (
    TIME_LABEL,
    Picture,
    along,
    altair,
    dressed,
    nothing,
    rows,
    up,
)
from harken.studies.methods import methods
from harken.studies.statistics import Comparison, Effect, Group
from harken.writing import put, writing

GROUP_COLUMNS = (
    "group", "children", "episodes", "answered", "measure", "value", "low", "high", "n", "unit",
)  # fmt: skip
EFFECT_COLUMNS = (
    "outcome", "measure", "contrast", "value", "low", "high", "null", "unit", "children",
    "episodes", "p", "p_holm", "tests", "model", "note",
)  # fmt: skip

_FIGURES = tuple(f"{name}.{end}" for name in ("latency", "effects", "hours")
                 for end in ("svg", "pdf"))  # fmt: skip

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    # After the end of a row these two would be taken for its arguments.
    "[": "{[}", "*": "{*}",
    "–": "--", "−": "$-$", "×": r"$\times$", "<": "$<$", ">": "$>$", "|": "$|$",
}  # fmt: skip

_DASHES = (
    [1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2, 1, 2], [1, 5], [12, 3, 4, 3],
)  # fmt: skip

_RATIOS = 0.02, 50.0
"""Ends of the axis of ratios."""


def group_rows(found: Comparison) -> list[list[str]]:
    """Give what is known of each group, one number a row.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    list of list of str
        Under `GROUP_COLUMNS`.
    """
    return [
        [one.name or "all", str(one.children), str(one.episodes), str(one.answered), name,
         *_numbers(number), str(number.n), number.unit]
        for one in found.groups
        for name, number in _measures(one)
    ]  # fmt: skip


def effect_rows(found: Comparison) -> list[list[str]]:
    """Give the comparisons, one a row.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    list of list of str
        Under `EFFECT_COLUMNS`. What is not known is empty.
    """
    return [
        [
            one.outcome, one.measure, one.contrast, *_numbers(one.estimate), f"{one.null:g}",
            one.estimate.unit, str(one.estimate.n), str(one.episodes), _number(one.p),
            _number(one.p_holm), str(found.tests), one.model, one.note,
        ]
        for one in found.effects
    ]  # fmt: skip


def latex_table(
    columns: Sequence[str], content: Sequence[Sequence[str]], *, caption: str, label: str
) -> str:
    r"""Write a table in LaTeX, with plain ``\hline``, so that it needs no package.

    Parameters
    ----------
    columns : sequence of str
    content : sequence of sequence of str
        Every row as long as `columns`.
    caption, label : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(latex_table(["a_b"], [["5 %"]], caption="C", label="t"))
    \begin{table}
    \caption{C}
    \label{t}
    \begin{tabular}{l}
    \hline
    a\_b \\
    \hline
    5 \% \\
    \hline
    \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    lines = [
        r"\begin{table}", rf"\caption{{{_tex(caption)}}}", rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{'l' * len(columns)}}}", r"\hline",
        " & ".join(map(_tex, columns)) + r" \\", r"\hline",
        *(" & ".join(map(_tex, row)) + r" \\" for row in content),
        r"\hline", r"\end{tabular}", r"\end{table}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def latency_picture(found: Comparison) -> Picture:
    """Draw the share answered by each time, a line a group, with its band.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    Picture
    """
    shown = [one for one in found.groups if len(one.curve.times) > 1]
    if not shown:
        return nothing("latency", "Not known: no group was watched for long enough.")
    most = max(one.curve.times[-1] for one in shown)
    values = [
        {"group": one.name or "all", "at": at, "share": share}
        for one in shown
        for at, share in zip(one.curve.times, one.curve.answered, strict=True)
    ]
    bands = [
        {"group": one.name or "all", "at": at, "low": low, "high": high}
        for one in shown
        if one.curve.low
        for at, low, high in zip(one.curve.times, one.curve.low, one.curve.high, strict=True)
    ]
    a = altair()
    names = [one.name or "all" for one in shown]
    dash = _dash(names)
    label = TIME_LABEL if most > 120 else "datum.value + ' s'"
    x = a.X("at:Q", axis=along("after the cry's onset", values=_ticks(most), labelExpr=label),
            scale=a.Scale(domain=[0, most]))  # fmt: skip
    share = up("share answered", format="%")
    y = a.Y("share:Q", axis=share, scale=a.Scale(domain=[0, 1]))
    # Many bands on one another would hide the lines.
    pale = min(0.18, 0.4 / len(shown))
    band = (
        a.Chart(rows(bands))
        .mark_area(interpolate="step-after", opacity=pale, color=_ink("accent"))
        .encode(x=x, y=a.Y("low:Q", axis=share), y2="high:Q", detail="group:N")
    )
    line = (
        a.Chart(rows(values))
        .mark_line(interpolate="step-after", color=_ink("ink"))
        .encode(x=x, y=y, strokeDash=dash)
    )
    medians = "; ".join(f"{one.name or 'all'}: {one.median_s}" for one in shown)
    return dressed(
        "latency", [band, line] if bands else [line],
        title="Share of cries answered by each time",
        alt=f"Kaplan-Meier curves. Median latency by group, n counts children: {medians}.",
        note=f"Bands: {found.level * 100:g} %, children drawn with replacement"
        + ("; none for a group of one child" if any(one.children < 2 for one in shown) else ""),
    )  # fmt: skip


def hours_picture(found: Comparison) -> Picture:
    """Draw when in the day crying begins, a line a group.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    Picture
    """
    shown = [one for one in found.groups if one.hours]
    if not shown:
        return nothing("hours", "Times of day are not known.")
    values = [
        {"group": one.name or "all", "hour": hour, "share": round(share, 5)}
        for one in shown
        for hour, share in enumerate((*one.hours, one.hours[-1]))
    ]
    a = altair()
    line = (
        a.Chart(rows(values))
        .mark_line(interpolate="step-after", color=_ink("ink"))
        .encode(
            x=a.X("hour:Q", scale=a.Scale(domain=[0, 24]),
                  axis=along("hour of the day", values=list(range(0, 25, 3)))),
            y=a.Y("share:Q", axis=up("share of cries", format="%")),
            strokeDash=_dash([one.name or "all" for one in shown]),
        )
    )  # fmt: skip
    said = "; ".join(
        f"{one.name or 'all'}: most in the hour from {max(range(24), key=one.hours.__getitem__)}, "
        f"mean direction {estimate_text(one.clock.hour)}"
        for one in shown
        if one.clock is not None
    )
    return dressed(
        "hours", [line], title="When in the day crying begins", alt=f"Share by hour. {said}.",
        note="Each child counts as one, however often it cries"
        + _listened(found.evenly),
    )  # fmt: skip


def effects_picture(found: Comparison) -> Picture:
    """Draw ratios between groups or ages, with their intervals.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    Picture
    """
    shown = [
        one
        for one in found.effects
        if one.null == 1
        and one.estimate.value is not None
        and one.estimate.low is not None
        and _RATIOS[0] < one.estimate.value < _RATIOS[1]
    ]
    values = [
        {
            "what": f"{one.outcome}: {one.measure}\n{one.contrast}",
            "value": one.estimate.value,
            "low": max(_RATIOS[0], one.estimate.low or 0.0),
            "high": min(_RATIOS[1], one.estimate.high or _RATIOS[1]),
        }
        for one in shown
    ]
    if not values:
        return nothing("effects", "Not known: no ratio could be estimated.")
    a = altair()
    axis = a.Axis(
        title=None, labelLimit=360, domain=False, ticks=False, labelExpr="split(datum.label, '\\n')"
    )
    y = a.Y("what:N", sort=None, axis=axis)
    x = a.X("value:Q", scale=a.Scale(type="log"), axis=along("ratio; 1 is no difference"))
    base = a.Chart(rows(values))
    none = (
        a.Chart(rows([{"at": 1}]))
        .mark_rule(strokeDash=[4, 3], color=_ink("line"))
        .encode(x=a.X("at:Q"))
    )
    spans = base.mark_rule(color=_ink("ink")).encode(x=a.X("low:Q"), x2="high:Q", y=y)
    points = base.mark_point(filled=True, size=60, color=_ink("accent"), opacity=1).encode(x=x, y=y)
    said = "; ".join(f"{one.measure}, {one.contrast}: {one.estimate}" for one in shown)
    note = f"Intervals: {found.level * 100:g} %, not adjusted for their number"
    if any(one["low"] == _RATIOS[0] or one["high"] == _RATIOS[1] for one in values):
        note += f"; they go on beyond {_RATIOS[0]:g} and {_RATIOS[1]:g}"
    return dressed(
        "effects", [none, spans, points],
        title="How large the differences are", alt=f"Ratios with intervals. {said}.",
        note=note,
        height=40 * len(values) + 20,
    )  # fmt: skip


def write_results(found: Comparison, folder: Path, *, figures: bool = True) -> list[Path]:
    """Write tables, figures and methods.

    Parameters
    ----------
    found : Comparison
    folder : Path
        Made where it isn't there.
    figures : bool
        Without, only tables and methods.

    Returns
    -------
    list of Path
        ``groups.csv``, ``groups.tex``, ``effects.csv``, ``effects.tex``, ``methods.txt``, and
        for figures ``latency``, ``effects`` and ``hours``, where known, as SVG and PDF. Figures
        of an earlier comparison that are not drawn now are removed.

    Raises
    ------
    OutputError
        If they can't be written.
    HarkenError
        If a figure needs a package that is missing.
    """
    groups, effects = group_rows(found), effect_rows(found)
    caption = f"Groups, with {found.level * 100:g} % intervals; n counts children."
    sizes = f"Comparisons, with {found.level * 100:g} % intervals; {found.tests} tests."
    texts = {
        "groups.csv": csv_table(GROUP_COLUMNS, groups),
        "groups.tex": latex_table(
            ("group", "children", "measure", "estimate"),
            [
                [one.name or "all", str(one.children), name, estimate_text(number)]
                for one in found.groups
                for name, number in _measures(one)
            ],
            caption=caption,
            label="tab:groups",
        ),
        "effects.csv": csv_table(EFFECT_COLUMNS, effects),
        "effects.tex": latex_table(
            ("outcome", "measure", "contrast", "estimate", "p", "p (Holm)"),
            [_effect_cells(one) for one in found.effects],
            caption=sizes,
            label="tab:effects",
        ),
        "methods.txt": methods(found),
    }
    content = {name: text.encode() for name, text in texts.items()}
    if figures:
        for picture in (latency_picture(found), effects_picture(found), hours_picture(found)):
            if picture.chart is not None:
                content |= _drawn(picture)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FIGURES:
            if name not in content:
                (folder / name).unlink(missing_ok=True)
    for name, written in content.items():
        put(folder / name, written)
    return [folder / name for name in content]


def csv_table(columns: Sequence[str], content: Sequence[Sequence[str]]) -> str:
    r"""Write a table as CSV.

    Parameters
    ----------
    columns : sequence of str
    content : sequence of sequence of str

    Returns
    -------
    str

    Examples
    --------
    >>> csv_table(["a", "b"], [["1", "x, y"]])
    'a,b\n1,"x, y"\n'
    """
    made = io.StringIO()
    out = csv.writer(made, lineterminator="\n")
    out.writerow(columns)
    out.writerows([_safe(cell) for cell in row] for row in content)
    return made.getvalue()


def _measures(one: Group) -> list[tuple[str, Estimate]]:
    measures = [("median latency", one.median_s)]
    measures += [(f"answered within {at:g} s", share) for at, share in one.within]
    measures += [("crying an hour", one.crying_min_h)]
    if one.clock is not None:
        measures += [("mean time of day", one.clock.hour)]
        measures += [("length of the mean direction", one.clock.resultant)]
    return measures


def _safe(cell: str) -> str:
    """Keep a spreadsheet from taking a group's name for a formula."""
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell
    return cell


def _drawn(picture: Picture) -> dict[str, bytes]:
    from harken.insight import drawing

    try:
        import vl_convert
    except ImportError:
        raise HarkenError("figures need more packages: pip install 'harken[studies]'") from None
    text = drawing.svg(picture, width=680, theme="print")
    pdf: bytes = vl_convert.svg_to_pdf(text)
    return {f"{picture.name}.svg": text.encode(), f"{picture.name}.pdf": pdf}


def _listened(evenly: bool | None) -> str:
    """Say what hours of crying rest on."""
    if evenly:
        return ""
    if evenly is None:
        return ". Which hours were listened to is not known"
    return ". Hours were not listened to alike: crying is low where few recordings are"


def _ticks(most: float) -> list[float]:
    """Give at most seven marks of an axis of seconds, from 0 on."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)
    step = next((one for one in steps if most / one <= 6), 3600)
    return [float(one) for one in range(0, int(most) + 1, step)]


def _dash(names: Sequence[str]) -> Any:
    a = altair()
    return a.StrokeDash(
        "group:N", scale=a.Scale(domain=names, range=[_DASHES[k % 8] for k in range(len(names))]),
        legend=a.Legend(
            title=None, orient="bottom", symbolStrokeColor=_ink("ink"), symbolSize=900, columns=4
        ),
    )  # fmt: skip


def _ink(role: str) -> str:
    from harken.insight.drawing import INK

    return INK[role]


def _numbers(one: Estimate) -> list[str]:
    return [_number(one.value), _number(one.low), _number(one.high)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _interval(value: str, low: str, high: str, unit: str) -> str:
    if not value:
        return "not known"
    text = f"{value} ({low} to {high})" if low and high else value
    return f"{text} {unit}" if unit not in ("", "share") else text


def p_text(p: float | None) -> str:
    """Say a p-value as papers do.

    Parameters
    ----------
    p : float or None

    Returns
    -------
    str

    Examples
    --------
    >>> p_text(0.0302), p_text(1e-9), p_text(None)
    ('0.030', '< 0.001', '')
    """
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def estimate_text(one: Estimate) -> str:
    """Say an estimate with its interval, with as many digits as a ratio bears.

    Parameters
    ----------
    one : Estimate

    Returns
    -------
    str

    Examples
    --------
    >>> estimate_text(Estimate(1.934, 1.801, 2.07, 40))
    '1.93 (1.80 to 2.07)'
    """
    known = [abs(end) for end in (one.value, one.low, one.high) if end is not None]
    most, least = max(known, default=0), min(known, default=0)
    digits = 3 if most < 1 else 2 if most < 100 else 0
    # With the digits of a wide interval's high end its low end would be told as 0.
    wide = digits == 0 and least < 10

    def said(value: float | None) -> str:
        return "" if value is None else f"{value:.3g}" if wide else f"{value:.{digits}f}"

    return _interval(said(one.value), said(one.low), said(one.high), one.unit)


def _effect_cells(one: Effect) -> list[str]:
    return [one.outcome, one.measure, one.contrast, estimate_text(one.estimate), p_text(one.p),
            p_text(one.p_holm)]  # fmt: skip


def _tex(text: str) -> str:
    text = re.sub(r"(?<!\S)-(?=\d)|(?<=\()-(?=\d)", "−", " ".join(text.split()))
    return "".join(_SPECIAL.get(one, one) for one in text)
