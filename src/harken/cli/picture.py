"""A recording on one page: what was heard, and the bouts in it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from harken.hearing import Frames

_MOST = 2048
"""Columns held at least, once there are as many frames; at most twice as many."""

_FLOOR_DBFS = -90.0

_STRIPS_S = {
    60: 10,
    300: 30,
    600: 60,
    1800: 300,
    3600: 600,
    7200: 900,
    14400: 1800,
    28800: 3600,
}
"""Lengths that a strip can have, and its ticks [s]: 1 min to 8 h."""

_STRIPS = 6
"""Strips of a picture at most, where the longest length allows it."""


class Columns:
    """The course of a recording in flat memory: a few thousand columns, whatever its length.

    When there are too many columns, pairs of them are put together: the greater
    probability, the greater level.

    Examples
    --------
    >>> from harken.hearing import Frames
    >>> columns = Columns()
    >>> n = 100_000
    >>> cry = np.zeros(n, np.float32)
    >>> cry[77_777] = 1
    >>> columns.add(Frames(np.arange(n) * 0.08, cry, cry, cry, cry - 60))
    >>> table = columns.table()
    >>> 2048 <= len(table["time"]) <= 4096, float(table["cry"].max())
    (True, 1.0)
    """

    def __init__(self) -> None:
        self._width = 1
        self._rows: NDArray[np.float64] = np.empty((0, 5))
        self._rest: NDArray[np.float64] = np.empty((0, 5))

    def add(self, frames: "Frames") -> None:
        """Take the next frames.

        Parameters
        ----------
        frames : Frames
            Of any number.
        """
        level = np.maximum(frames.level, _FLOOR_DBFS)
        new = np.column_stack([frames.times, frames.cry, frames.laugh, frames.voice, level])
        while len(new):
            room = (2 * _MOST - len(self._rows)) * self._width - len(self._rest)
            rest = np.concatenate([self._rest, new[:room]])
            new = new[room:]
            whole = len(rest) - len(rest) % self._width
            self._rows = np.concatenate([self._rows, _merge(rest[:whole], self._width)])
            self._rest = rest[whole:]
            if len(self._rows) == 2 * _MOST:
                self._rows = _merge(self._rows, 2)
                self._width *= 2

    def table(self) -> dict[str, NDArray[np.float64]]:
        """Give the columns.

        Returns
        -------
        dict of float64[n]
            ``time`` (start, s), ``cry``, ``laugh``, ``voice`` (greatest
            probability), ``level`` (greatest, dBFS, −90 at least), ``until``
            (end, s).
        """
        rows = self._rows
        if len(self._rest):
            rows = np.concatenate([rows, _merge(self._rest, len(self._rest))])
        table = dict(zip(("time", "cry", "laugh", "voice", "level"), rows.T, strict=True))
        table["until"] = table["time"] + 0.08 * self._width
        return table


def _merge(rows: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    groups = rows.reshape(-1, width, 5) if len(rows) else rows.reshape(0, 1, 5)
    merged: NDArray[np.float64] = groups.max(axis=1)
    merged[:, 0] = groups[:, 0, 0]
    return merged


def draw(
    columns: Columns,
    bouts: Sequence[Sequence[float | None]],
    *,
    title: str,
    truth: Sequence[tuple[float, float]] = (),
) -> bytes:
    """Draw a recording: strips of time with P(cry), level, bouts and, where known, the truth.

    Parameters
    ----------
    columns : Columns
        May be empty: a recording can be shorter than a frame.
    bouts : sequence of (onset s, offset s, …)
    title : str
    truth : sequence of (onset s, offset s)
        Drawn as a line under the bouts.

    Returns
    -------
    bytes
        A PNG picture, about 1100 pixels wide; a day takes six strips of four hours.
    """
    import altair as alt
    import vl_convert

    table = columns.table()
    end_s = float(table["until"].max(initial=0.08))
    # A last frame may hang over the end of the sound: it gets no strip of its own.
    about_s = end_s - 1.0
    strip_s = next((s for s in _STRIPS_S if about_s <= s * _STRIPS), max(_STRIPS_S))
    count = max(1, math.ceil(about_s / strip_s))
    strips = []
    for k in range(count):
        stop = (k + 1) * strip_s if count > 1 else end_s
        ticks = np.arange(k * strip_s, stop + 1e-6, _STRIPS_S[strip_s]).tolist()
        strips.append(
            _strip(alt, table, bouts, truth, start=float(k * strip_s), stop=stop, ticks=ticks)
        )
    legend = "orange: P(cry) · brown band: bout found"
    legend += " · green band: truth" if truth else ""
    chart = (
        alt.vconcat(*strips, spacing=8)
        .properties(
            title=alt.TitleParams(
                title[-120:],
                subtitle=f"{legend} · dotted: level, dBFS",
                anchor="start",
            ),
            background="white",
            padding=12,
        )
        .configure_view(stroke="#cccccc")
        .configure_axis(grid=False)
    )
    picture: bytes = vl_convert.vegalite_to_png(chart.to_json(), scale=1.5)
    return picture


def _strip(
    alt: Any,
    table: dict[str, NDArray[np.float64]],
    bouts: Sequence[Sequence[float | None]],
    truth: Sequence[tuple[float, float]],
    *,
    start: float,
    stop: float,
    ticks: list[float],
) -> Any:
    inside = (table["until"] > start) & (table["time"] < stop)
    rows = [
        {"t": max(t, start), "u": min(u, stop), "cry": round(c, 3), "level": round(v, 1)}
        for t, u, c, v in zip(
            *(table[name][inside].tolist() for name in ("time", "until", "cry", "level")),
            strict=True,
        )
    ]
    if rows:
        rows.append(rows[-1] | {"t": rows[-1]["u"]})
    axis = alt.Axis(title=None, values=ticks, labelExpr=_CLOCK if stop > 3600 else _MINUTES)
    x = alt.X("t:Q", scale=alt.Scale(domain=[start, stop], nice=False), axis=axis)
    unit = alt.Scale(domain=[0, 1.3], nice=False)
    data = alt.Data(values=rows)
    cry = (
        alt.Chart(data)
        .mark_area(color="#ea580c", opacity=0.8, interpolate="step-after")
        .encode(
            x=x,
            y=alt.Y("cry:Q", scale=unit, axis=alt.Axis(title="P(cry)", values=[0, 0.5, 1])),
        )
    )
    level = (
        alt.Chart(data)
        .mark_line(color="#334155", strokeWidth=0.8, strokeDash=[1, 1])
        .encode(
            x=x,
            y=alt.Y(
                "level:Q",
                scale=alt.Scale(domain=[_FLOOR_DBFS, 30], nice=False),
                axis=alt.Axis(title="dBFS", values=[-80, -40, 0], orient="right"),
            ),
        )
    )
    spans = [
        _spans(alt, bouts, start, stop, x, unit, low=1.05, high=1.16, colour="#7c2d12"),
        _spans(alt, truth, start, stop, x, unit, low=1.21, high=1.26, colour="#15803d"),
    ]
    return (
        alt.layer(alt.layer(cry, *spans), level)
        .resolve_scale(y="independent")
        .properties(width=980, height=110)
    )


def _spans(
    alt: Any,
    spans: Sequence[Sequence[float | None]],
    start: float,
    stop: float,
    x: Any,
    y: Any,
    *,
    low: float,
    high: float,
    colour: str,
) -> Any:
    rows = [
        {"t": max(span[0] or 0.0, start), "u": min(span[1] or 0.0, stop), "low": low, "high": high}
        for span in spans
        if (span[1] or 0.0) > start and (span[0] or 0.0) < stop
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(color=colour)
        .encode(x=x, x2="u:Q", y=alt.Y("low:Q", scale=y), y2="high:Q")
    )


_MINUTES = "floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')"
_CLOCK = "floor(datum.value / 3600) + ':' + format(floor(datum.value / 60) % 60, '02d') + ' h'"
