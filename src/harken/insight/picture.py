"""What a chart is before it is drawn: its finding as the title, its data in words, and the marks.

Every chart is one view of its own width, so that it fits a phone and a page, and
names colours only by their role. What it tells by colour it tells by shape, dash
or words as well.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harken.errors import HarkenError
from harken.insight.drawing import HATCH, INK
from harken.insight.estimate import Estimate

FONT_PX = 12

FONT = "DejaVu Sans, Verdana, Noto Sans, sans-serif"
"""What texts are measured in: wide, so that they have room in whatever font a page uses."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, with what it says.

    Parameters
    ----------
    name : str
        As in `harken.insight.charts.PICTURES`.
    title : str
        The finding, in a sentence; where there is nothing to draw, why.
    alt : str
        The data in words, for a person who does not see it.
    note : str
        What must be known to read it rightly; may be empty.
    chart : altair.Chart or altair.LayerChart or None
        None where there is nothing to draw.
    """

    name: str
    title: str
    alt: str
    note: str
    chart: Any

    def _repr_mimebundle_(self, *args: Any, **more: Any) -> Any:
        """Show the chart live in a notebook."""
        if self.chart is None:
            return {"text/plain": self.title}
        return self.chart._repr_mimebundle_(*args, **more)


def altair() -> Any:
    """Give Altair.

    Raises
    ------
    HarkenError
        If it is not installed.
    """
    try:
        import altair
    except ImportError:
        raise HarkenError("charts need more packages: pip install 'harken[report]'") from None
    return altair


def nothing(name: str, why: str) -> Picture:
    """Give a picture of which nothing is known yet.

    Parameters
    ----------
    name : str
    why : str
        A sentence.

    Returns
    -------
    Picture

    Examples
    --------
    >>> nothing("swift_curve", "Not yet known: no cry was heard.").chart is None
    True
    """
    return Picture(name, why, why, "", None)


def dressed(
    name: str,
    layers: Sequence[Any],
    *,
    title: str,
    alt: str,
    note: str = "",
    height: int = 220,
    independent: Mapping[str, str] | None = None,
) -> Picture:
    """Give layers their title, height and plain dress.

    Parameters
    ----------
    name, title, alt, note
        As in `Picture`.
    layers : sequence of altair.Chart
        The first lies below.
    height : int [px]
    independent : mapping, optional
        Scales that the layers do not share, for `resolve_scale`.

    Returns
    -------
    Picture
    """
    a = altair()
    chart = a.layer(*layers)
    if independent:
        chart = chart.resolve_scale(**independent)
    head = a.TitleParams(
        text=textwrap.wrap(title, 72),
        subtitle=textwrap.wrap(note, 96),
        anchor="start",
        frame="bounds",
        color=INK["ink"],
        subtitleColor=INK["soft"],
        fontSize=15,
        subtitleFontSize=FONT_PX,
        fontWeight="bold",
        offset=14,
    )
    chart = (
        chart.properties(
            title=head, width=600, height=height, description=alt, background=INK["card"]
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK["soft"],
            titleColor=INK["soft"],
            gridColor=INK["hair"],
            domainColor=INK["line"],
            tickColor=INK["line"],
            labelFontSize=FONT_PX,
            titleFontSize=FONT_PX,
            titleFontWeight="normal",
            labelFlush=False,
            titlePadding=8,
        )
    )
    return Picture(name, title, alt, note, chart)


def rows(values: Sequence[Mapping[str, Any]]) -> Any:
    """Give rows as the data of a layer, within the chart itself."""
    return altair().InlineData(values=[dict(one) for one in values])


def up(words: str, **more: Any) -> Any:
    """Give an upright axis whose title stands above it, where it can be read without tilting."""
    plain = {
        "title": words,
        "titleAngle": 0,
        "titleAnchor": "start",
        "titleAlign": "left",
        "titleBaseline": "bottom",
        "titleX": -4,
        "titleY": -8,
        "domain": False,
        "ticks": False,
        "tickCount": 5,
    }
    return altair().Axis(**{**plain, **more})


def along(words: str | None, **more: Any) -> Any:
    """Give a level axis without a grid."""
    return altair().Axis(**{"title": words, "grid": False, "labelOverlap": True, **more})


def said(estimate: Estimate, *, digits: int | None = None) -> str:
    """Say a number with its interval, without its unit.

    Parameters
    ----------
    estimate : Estimate
    digits : int, optional
        Behind the point; by default what `Estimate` prints. More of them where the
        ends of the interval would else be one number.

    Returns
    -------
    str

    Examples
    --------
    >>> from harken.insight.estimate import share
    >>> said(share(8, 10))
    '80 % (49 to 94)'
    >>> said(Estimate(92.2, 91.8, 92.4, 60), digits=0)
    '92.2 (91.8 to 92.4)'
    """
    if digits is None:
        return (
            str(estimate).replace(f", n = {estimate.n})", ")").replace(f" (n = {estimate.n})", "")
        )

    def say(number: float, more: int) -> str:
        # Rounded first, so that there is no -0.
        return f"{round(number, digits + more) + 0.0:.{digits + more}f}"

    return _with_ends(estimate, say)


def said_s(estimate: Estimate) -> str:
    """Say a length of time with its interval, as it is said aloud.

    Parameters
    ----------
    estimate : Estimate [s]

    Returns
    -------
    str

    Examples
    --------
    >>> said_s(Estimate(150.0, 124.0, 184.0, 31)), said_s(Estimate(150.0, 148.0, 156.0, 31))
    ('2½ min (2 min to 3 min)', '150 s (148 s to 156 s)')
    """
    return _with_ends(
        estimate, lambda number, more: f"{number:.{more - 1}f} s" if more else span_s(number)
    )


def _with_ends(estimate: Estimate, say: Callable[[float, int], str]) -> str:
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None:
        return "not known"
    finer = estimate.finer(say)
    if low is None or high is None or finer is None:
        return say(value, 0)
    return f"{say(value, finer)} ({say(low, finer)} to {say(high, finer)})"


def span_s(seconds: float) -> str:
    """Say a length of time as it is said aloud.

    Parameters
    ----------
    seconds : float [s]

    Returns
    -------
    str

    Examples
    --------
    >>> span_s(34.4), span_s(60), span_s(150), span_s(5400)
    ('34 s', '1 min', '2½ min', '1½ h')
    """
    if seconds < 10 and seconds != round(seconds):
        return f"{seconds:.1f} s"
    if seconds < 119.5 and seconds != 60:
        return f"{seconds:.0f} s"
    for size, unit in ((60, "min"), (3600, "h")):
        if seconds < 59.5 * size or unit == "h":
            halves = round(seconds / size * 2)
            if halves < 10:
                return f"{'' if halves == 1 else halves // 2}{'½' if halves % 2 else ''} {unit}"
            return f"{seconds / size:.0f} {unit}"
    raise AssertionError


def many(n: int, one: str, more: str = "") -> str:
    """Say a number with its noun.

    Examples
    --------
    >>> many(1, "cry", "cries"), many(3, "day")
    ('1 cry', '3 days')
    """
    return f"{n} {one if n == 1 else more or one + 's'}"


TIME_LABEL = (
    "datum.value < 60 ? datum.value + ' s' : datum.value < 3600 ? (datum.value / 60) + ' min' "
    ": (datum.value / 3600) + ' h'"
)
"""How an axis writes seconds."""


def time_axis(words: str | None, ends: tuple[float, float]) -> Any:
    """Give a level axis of seconds, written as people say them."""
    return along(words, values=time_ticks(ends), labelExpr=TIME_LABEL)


def time_ticks(ends: tuple[float, float]) -> list[int]:
    """Give the marks of an axis of seconds, 10 s, 30 s, 1 min and 5 min among them.

    Parameters
    ----------
    ends : (float, float) [s]
        Of the axis.

    Returns
    -------
    list of int [s]

    Examples
    --------
    >>> time_ticks((1, 7200)), time_ticks((20, 200))
    ([1, 3, 10, 30, 60, 300, 1800, 7200], [20, 30, 60, 120])
    """
    plain = [one for one in (1, 3, 10, 30, 60, 300, 1800, 7200) if ends[0] <= one <= ends[1]]
    fine = [one for one in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if ends[0] <= one <= ends[1]]
    return plain if len(plain) >= 4 else fine


__all__ = [
    "FONT_PX",
    "HATCH",
    "INK",
    "TIME_LABEL",
    "Picture",
    "along",
    "altair",
    "dressed",
    "many",
    "nothing",
    "rows",
    "said",
    "said_s",
    "span_s",
    "time_axis",
    "time_ticks",
    "up",
]
