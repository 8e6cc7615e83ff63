"""The clinic sheet: fourteen days on one page, a row a day, for a person who asks how it goes.

It is a form rather than a chart, so it is drawn by hand: SVG in millimetres that
needs no other package. Hours stand under each other by the clock on the wall.
On the day on which the clocks go forward the hour that was skipped is struck
out; where they go back the hour that came twice holds both, each at half its
width.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import TYPE_CHECKING, Literal
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from harken.errors import ParameterError
from harken.insight.care_totals import CareDay, care_totals, lengths
from harken.insight.crying import CryingDay, crying
from harken.insight.record import Day, Record

if TYPE_CHECKING:
    from harken.insight.drawing import Pen

Paper = Literal["a4", "letter"]

PAPERS: dict[str, tuple[float, float]] = {"a4": (297.0, 210.0), "letter": (279.4, 215.9)}
"""Width and height of a page laid across [mm]."""

DAYS = 14

_MARGIN = 9.0
_LABEL = 23.0
_TOTALS = (("Crying", 17.0), ("Bouts", 11.0), ("Sleep", 14.0), ("Feeds", 11.0), ("Nappies", 13.0))
_EDGE = sum(width for _, width in _TOTALS)
_HEAD = 27.0
_FOOT = 18.0
_INK, _SOFT, _LINE, _HAIR = "#1a1512", "#4d443c", "#a59a8c", "#ddd6cb"
_CRY, _SLEEP, _WET = "#9c3a1a", "#b9c2d6", "#7f99c4"
_FONT = "'Noto Sans','DejaVu Sans','Liberation Sans',Arial,sans-serif"


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a moment of a day stands on a row of 24 hours by the clock on the wall.

    Parameters
    ----------
    begin : datetime
        When the day begins, in UTC.
    starts : datetime
        The same by the clock on the wall, without a zone.
    place : ZoneInfo
    change : datetime or None
        When the clocks change on that day, in UTC.
    shift_h : float [h]
        By how much: above 0 forward, below 0 back.
    """

    begin: datetime
    starts: datetime
    place: ZoneInfo
    change: datetime | None = None
    shift_h: float = 0.0

    @classmethod
    def of(cls, day: Day, zone: str, starts: str) -> "Clock":
        """Make the clock of a day.

        Returns
        -------
        Clock
        """
        place = ZoneInfo(zone)
        wall = datetime.combine(day.date, time.fromisoformat(starts))
        before = day.since.astimezone(place).utcoffset() or timedelta()
        after = day.until.astimezone(place).utcoffset() or timedelta()
        if before == after:
            return cls(day.since, wall, place)
        low, high = day.since, day.until
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) / 2
            if middle.astimezone(place).utcoffset() == before:
                low = middle
            else:
                high = middle
        shift_h = (after - before).total_seconds() / 3600
        return cls(day.since, wall, place, high.replace(microsecond=0), shift_h)

    def hour(self, at: datetime) -> float:
        """Give how many hours of the row lie before a moment.

        Parameters
        ----------
        at : datetime

        Returns
        -------
        float, 0 to 24 [h]
        """
        twice = timedelta(hours=-self.shift_h)
        if self.change is not None and twice > timedelta() and abs(at - self.change) < twice:
            since = at - (self.change - twice)
            hour = self._wall(self.change - twice) + since.total_seconds() / 7200
        else:
            hour = self._wall(at)
        return min(24.0, max(0.0, hour))

    def _wall(self, at: datetime) -> float:
        wall = at.astimezone(self.place).replace(tzinfo=None, fold=0)
        return (wall - self.starts).total_seconds() / 3600

    def odd(self) -> tuple[float, float] | None:
        """Give the hours of the row that were skipped or came twice.

        Returns
        -------
        (float, float) or None
            Begin and end [h]; None on a day like any other.
        """
        if self.change is None:
            return None
        if self.shift_h > 0:
            end = self._wall(self.change)
            return max(0.0, end - self.shift_h), min(24.0, end)
        begin = self._wall(self.change + timedelta(hours=self.shift_h))
        return max(0.0, begin), min(24.0, begin - self.shift_h)


def sheet_pages(record: Record, *, paper: Paper = "a4") -> list[str]:
    """Draw the clinic sheet.

    Parameters
    ----------
    record : Record
    paper : {'a4', 'letter'}

    Returns
    -------
    list of str
        SVG in millimetres, one for each fourteen days, the oldest first; the
        last page ends with the last day. There is always one.

    Raises
    ------
    ParameterError
        If the paper is unknown.
    """
    if paper not in PAPERS:
        raise ParameterError(f"paper {paper!r} is not known; there are {', '.join(PAPERS)}")
    rows = [
        _Row(day, cried, cared, Clock.of(day, record.zone, record.day_starts))
        for day, cried, cared in zip(
            record.days(), crying(record).days, care_totals(record).days, strict=True
        )
    ]
    first = len(rows) % DAYS
    cuts = [rows[:first]] if first else []
    cuts += [rows[k : k + DAYS] for k in range(first, len(rows), DAYS)]
    return [_page(record, some, paper) for some in cuts or [[]]]


def sheet(
    record: Record,
    *,
    to: Literal["svg", "html", "pdf"] = "pdf",
    paper: Paper = "a4",
    pen: "Pen | None" = None,
) -> bytes:
    """Make the clinic sheet as a file.

    Parameters
    ----------
    record : Record
        More than fourteen days give more than one page.
    to : {'svg', 'html', 'pdf'}
        An SVG holds one page: the last fourteen days.
    paper : {'a4', 'letter'}
    pen : Pen, optional
        What prints PDF; by default the shared one.

    Returns
    -------
    bytes

    Raises
    ------
    ParameterError
        If `to` or `paper` is unknown.
    HarkenError
        If what prints PDF is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     sheet(Record.of(journal), to="svg")[:4]
    b'<svg'
    >>> folder.cleanup()
    """
    if to not in ("svg", "html", "pdf"):
        raise ParameterError(f"a sheet is svg, html or pdf, not {to!r}")
    pages = sheet_pages(record, paper=paper)
    if to == "svg":
        return pages[-1].encode()
    across, down = PAPERS[paper]
    title = f"Harken: {record.name or 'the child'}, day by day"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        f"@page{{size:{across}mm {down}mm;margin:0}}html,body{{margin:0;background:#fff}}"
        "svg{display:block;max-width:100%;height:auto}"
        f"@media print{{svg{{width:{across}mm;height:{down - 0.2:g}mm}}"
        "svg+svg{break-before:page}}"
        f"</style></head><body>{''.join(pages)}</body></html>"
    )
    if to == "html":
        return page.encode()
    from harken.insight.drawing import shared

    return (pen or shared()).to_pdf(page)


@dataclass(frozen=True, slots=True)
class _Row:
    """A day and what it adds up to."""

    day: Day
    cried: CryingDay
    cared: CareDay
    clock: Clock


class _Pad:
    """Collects the marks of a page."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "none"
    ) -> None:
        self.parts.append(
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(width, 0.0):.2f}" height="{height:.2f}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="0.2"/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, colour: str, width: float = 0.15,
        dashes: str = "",
    ) -> None:  # fmt: skip
        more = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(
            f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="{colour}" '
            f'stroke-width="{width:g}"{more}/>'
        )

    def circle(self, x: float, y: float, r: float, *, fill: str) -> None:
        self.parts.append(
            f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r:g}" fill="{fill}" stroke="{_INK}" '
            'stroke-width="0.25"/>'
        )

    def path(self, d: str, *, fill: str = "none", stroke: str = _INK, width: float = 0.25) -> None:
        self.parts.append(
            f'<path d="{d}" fill="{fill}" stroke="{stroke}" stroke-width="{width:g}"/>'
        )

    def text(
        self, x: float, y: float, words: str, *, size: float = 2.9, colour: str = _INK,
        anchor: str = "start", weight: str = "normal",
    ) -> None:  # fmt: skip
        self.parts.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escape(words, quote=False)}</text>'
        )

    def hatch(self, x: float, y: float, width: float, height: float, step: float = 1.3) -> None:
        """Draw slanted lines over a rectangle, cut off at its edges; no renderer has to help."""
        lines = []
        first = math.ceil((x + y) / step)
        for k in range(first, math.floor((x + width + y + height) / step) + 1):
            low = max(x, k * step - y - height)
            high = min(x + width, k * step - y)
            if high > low:
                lines.append(f"M{low:.2f} {k * step - low:.2f}L{high:.2f} {k * step - high:.2f}")
        if lines:
            self.path("".join(lines), stroke=_LINE, width=0.18)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where on the page the rows are [mm]."""

    left: float
    top: float
    hour: float
    row: float

    @property
    def right(self) -> float:
        return self.left + 24 * self.hour

    @property
    def bottom(self) -> float:
        return self.top + DAYS * self.row

    def x(self, hour: float) -> float:
        return self.left + hour * self.hour


def _page(record: Record, rows: Sequence[_Row], paper: Paper) -> str:
    across, down = PAPERS[paper]
    left, top = _MARGIN + _LABEL, _MARGIN + _HEAD
    grid = _Grid(
        left, top, (across - _MARGIN - _EDGE - left) / 24, (down - _MARGIN - _FOOT - top) / DAYS
    )
    pad = _Pad()
    _draw_head(pad, grid, record, rows, across)
    _draw_rules(pad, grid, record, across)
    for k, row in enumerate(rows):
        _draw_day(pad, grid, record, row, grid.top + k * grid.row)
    _draw_means(pad, grid, rows)
    _draw_foot(pad, rows, down)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}mm" height="{down}mm" '
        f'viewBox="0 0 {across} {down}" font-family="{_FONT}" role="img" '
        f'aria-label="{escape(_alt(record, rows))}">'
        f'<rect width="{across}" height="{down}" fill="#fff"/>{"".join(pad.parts)}</svg>'
    )


def _draw_head(pad: _Pad, grid: _Grid, record: Record, rows: Sequence[_Row], across: float) -> None:
    y, wide = _MARGIN + 5, across - 2 * _MARGIN
    dates = _dates(rows) or "no days yet"
    name = _fit(record.name, 5.6, wide - _wide(dates, 4.2) - 6) or "The child"
    pad.text(_MARGIN, y, name, size=5.6, weight="bold")
    pad.text(across - _MARGIN, y, dates, size=4.2, anchor="end")
    if record.household:
        y += 4.6
        pad.text(_MARGIN, y, _fit(record.household, 3.6, wide), size=3.6)
    y += 5.4
    begins = f"A row is a day from {record.day_starts} to {record.day_starts} ({record.zone})."
    pad.text(_MARGIN, y, f"{_age(record, rows)}{begins}", size=2.9, colour=_SOFT)
    pad.text(
        across - _MARGIN, y,
        "Crying: as a listening device in the room heard it. The rest: as it was written down.",
        size=2.9, colour=_SOFT, anchor="end",
    )  # fmt: skip
    _draw_legend(pad, _MARGIN, y + 6.4)
    for clock, place in _hours(record):
        strong = clock in (0, 12)
        pad.text(
            grid.x(place), grid.top - 1.4, f"{clock:02d}", size=2.6, anchor="middle",
            weight="bold" if strong else "normal", colour=_INK if strong else _SOFT,
        )  # fmt: skip
    x = grid.right
    for name, width in _TOTALS:
        pad.text(x + width - 1.5, grid.top - 1.4, name, size=2.6, anchor="end", colour=_SOFT)
        x += width


def _wide(words: str, size: float) -> float:
    """Give at most how wide words are [mm]: of a bold and wide font, as it is not known here."""
    return size * sum(
        1.15
        if one in "MWmw@%…" or east_asian_width(one) in "WF"
        else 0.9
        if one.isupper()
        else 0.72
        for one in words
    )


def _fit(words: str, size: float, room: float) -> str:
    """Cut words that would leave their room [mm]."""
    words = " ".join(words.split())
    if _wide(words, size) <= room:
        return words
    while words and _wide(f"{words}…", size) > room:
        words = words[:-1]
    return f"{words.rstrip()}…"


def _hours(record: Record) -> list[tuple[int, float]]:
    """Give the full hours of the clock, and how far into a row each of them is [h]."""
    starts = time.fromisoformat(record.day_starts)
    early = (starts.minute * 60 + starts.second) / 3600
    first = starts.hour + (1 if early else 0)
    begin = 1 - early if early else 0.0
    return [((first + k) % 24, begin + k) for k in range(24 if early else 25)]


def _draw_legend(pad: _Pad, x: float, y: float) -> None:
    pad.rect(x, y - 2.3, 6, 2.5, fill=_CRY)
    pad.text(x + 7.4, y, "crying")
    x += 22
    _draw_feed(pad, x, y - 1)
    pad.text(x + 2.6, y, "feed")
    x += 14
    for wet, solid, words, width in (
        (True, False, "nappy: wet", 23.0),
        (False, True, "solid", 14.0),
        (True, True, "both", 14.0),
        (False, False, "not said", 20.0),
    ):
        _draw_nappy(pad, x, y - 1, wet, solid)
        pad.text(x + 2.6, y, words)
        x += width
    pad.rect(x, y - 2.3, 6, 2.5, fill=_SLEEP, stroke=_SOFT)
    pad.text(x + 7.4, y, "sleep")
    x += 22
    pad.rect(x, y - 2.5, 6, 3, fill="none", stroke=_LINE)
    pad.hatch(x, y - 2.5, 6, 3)
    pad.text(x + 7.4, y, "the room was not listened to: whether there was crying is not known")


def _draw_feed(pad: _Pad, x: float, y: float) -> None:
    pad.circle(x, y, 0.95, fill=_INK)


def _draw_nappy(pad: _Pad, x: float, y: float, wet: bool | None, solid: bool | None) -> None:
    """Draw a square: its left half filled for wet, its right one for solid."""
    half = 0.95
    pad.rect(x - half, y - half, 2 * half, 2 * half, fill="#fff", stroke=_INK)
    if wet:
        pad.rect(x - half, y - half, half, 2 * half, fill=_WET, stroke=_INK)
    if solid:
        pad.rect(x, y - half, half, 2 * half, fill=_INK, stroke=_INK)


def _draw_day(pad: _Pad, grid: _Grid, record: Record, row: _Row, y: float) -> None:
    day, lane = row.day, grid.row / 10.5

    def x_of(at: datetime) -> float:
        return grid.x(row.clock.hour(min(max(at, day.since), day.until)))

    for span in day.unheard:
        x1, x2 = x_of(span.since), x_of(span.until)
        pad.hatch(x1, y, x2 - x1, grid.row)
    if row.clock.change is not None:
        _draw_change(pad, grid, row.clock, y)
    for begin_s, end_s in lengths(record, "sleep")[0]:
        begin, end = (datetime.fromtimestamp(one, UTC) for one in (begin_s, end_s))
        if begin < day.until and end > day.since:
            x1, x2 = x_of(begin), x_of(end)
            pad.rect(x1, y + 7.6 * lane, max(x2 - x1, 0.3), 2.2 * lane, fill=_SLEEP, stroke=_SOFT)
    for one in record.episodes:
        if one.drill or one.false_alarm or one.provisional:
            continue
        for cry in one.bouts:
            if cry.kept and cry.onset < day.until and cry.heard_until > day.since:
                x1, x2 = x_of(cry.onset), x_of(cry.heard_until)
                # A minute is an eighth of a millimetre: what there is must be seen.
                pad.rect(x1, y + 0.7 * lane, max(x2 - x1, 0.35), 2.5 * lane, fill=_CRY)
    for entry in record.care:
        if day.since <= entry.at < day.until:
            if entry.what == "feed":
                _draw_feed(pad, x_of(entry.at), y + 4.4 * lane)
            elif entry.what == "nappy":
                _draw_nappy(pad, x_of(entry.at), y + 6.4 * lane, entry.wet, entry.solid)
    note = _note(record, row)
    high = 4.6 if note else 6.3
    pad.text(_MARGIN, y + high * lane, f"{day.date:%a} {day.date.day} {day.date:%b}", size=3.2)
    if note:
        pad.text(_MARGIN, y + 8.2 * lane, note, size=2.3, colour=_SOFT)
    if day.since >= record.now:
        return
    x = grid.right
    for (_, width), words in zip(_TOTALS, _cells(row), strict=True):
        pad.text(x + width - 1.5, y + 6.3 * lane, words, size=3.1, anchor="end")
        x += width


def _draw_change(pad: _Pad, grid: _Grid, clock: Clock, y: float) -> None:
    odd = clock.odd()
    if odd is None or odd[1] <= odd[0]:
        return
    x1, x2 = grid.x(odd[0]), grid.x(odd[1])
    if clock.shift_h > 0:
        pad.rect(x1, y, x2 - x1, grid.row, fill="#efe9df")
        pad.line(x1, y, x2, y + grid.row, colour=_SOFT, width=0.2)
        pad.line(x1, y + grid.row, x2, y, colour=_SOFT, width=0.2)
    else:
        for x in (x1, (x1 + x2) / 2, x2):
            pad.line(x, y, x, y + grid.row, colour=_INK, width=0.25, dashes="0.7 0.5")


def _note(record: Record, row: _Row) -> str:
    day, change = row.day, row.clock.change
    if day.since >= record.now:
        return "not yet"
    if change is not None:
        way = "forward" if row.clock.shift_h > 0 else "back"
        return f"clocks {way}: {day.length_s / 3600:g} h"
    if day.heard_s <= 0:
        return "not listened to"
    if day.until > record.now:
        return "not over yet"
    return f"heard {_hours_of(day.heard_s)} h" if not day.complete else ""


def _cells(row: _Row) -> tuple[str, ...]:
    if row.day.heard_s <= 0:
        crying_h = bouts = "?"
    else:
        # Of a day that was not heard throughout, only the least is known.
        least = "" if row.day.complete else "≥ "
        crying_h, bouts = least + _hours_of(row.cried.crying_s), least + str(row.cried.bouts)
    cared = row.cared
    return (
        crying_h,
        bouts,
        "–" if cared.sleep_s is None else _hours_of(cared.sleep_s),
        "–" if cared.feeds is None else str(cared.feeds),
        "–" if cared.nappies is None else str(cared.nappies),
    )


def _draw_rules(pad: _Pad, grid: _Grid, record: Record, across: float) -> None:
    for clock, place in _hours(record):
        strong = clock in (0, 12)
        pad.line(
            grid.x(place), grid.top, grid.x(place), grid.bottom,
            colour=_SOFT if strong else _HAIR, width=0.25 if strong else 0.15,
        )  # fmt: skip
    for x in (grid.left, grid.right):
        pad.line(x, grid.top, x, grid.bottom, colour=_SOFT, width=0.25)
    for k in range(DAYS + 1):
        y = grid.top + k * grid.row
        pad.line(_MARGIN, y, across - _MARGIN, y, colour=_LINE)


def _draw_means(pad: _Pad, grid: _Grid, rows: Sequence[_Row]) -> None:
    y = grid.bottom + 4.4
    heard = [row.cried for row in rows if row.day.complete]
    cared = [row.cared for row in rows if row.cared.whole]
    cells = (
        _hours_of(_mean([one.crying_s for one in heard])),
        _count(_mean([one.bouts for one in heard])),
        _hours_of(_mean([one.sleep_s for one in cared])),
        _count(_mean([one.feeds for one in cared])),
        _count(_mean([one.nappies for one in cared])),
    )
    n = len(heard)
    words = (
        f"Mean of a day. Crying: the {n} {'day' if n == 1 else 'days'} heard throughout. The rest: "
        "whole days with an entry of that kind."
    )
    pad.text(grid.right - 1.5, y, words, size=2.6, anchor="end", colour=_SOFT)
    x = grid.right
    for (_, width), cell in zip(_TOTALS, cells, strict=True):
        pad.text(x + width - 1.5, y, cell, size=3.1, anchor="end", weight="bold")
        x += width


def _draw_foot(pad: _Pad, rows: Sequence[_Row], down: float) -> None:
    lines = [
        "Crying and sleep in hours:minutes, in the day in which they were. ≥: not heard all the "
        "time, so it may have been more. –: nothing was written down, which is not none.",
        "Sound gives fewer minutes than a diary of crying and fussing does for the same day. "
        "Made by Harken from its own record; it is not a medical device, and this is no diagnosis.",
    ]
    shifts = {row.clock.shift_h > 0 for row in rows if row.clock.change is not None}
    if True in shifts:
        lines.insert(1, "The clocks went forward: the hour that is struck out was skipped.")
    if False in shifts:
        lines.insert(
            1,
            "The clocks went back: the hour between dashed lines came twice and holds both, the "
            "first on the left of the middle line.",
        )
    y = down - _MARGIN - 3.6 * (len(lines) - 1)
    for words in lines:
        pad.text(_MARGIN, y, words, size=2.6, colour=_SOFT)
        y += 3.6


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def _hours_of(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = math.floor(seconds / 60 + 0.5)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:.1f}".removesuffix(".0")


def _dates(rows: Sequence[_Row]) -> str:
    if not rows:
        return ""
    first, last = rows[0].day.date, rows[-1].day.date
    if first == last:
        return _date(first)
    if first.year != last.year:
        return f"{_date(first)} to {_date(last)}"
    return f"{first.day} {first:%B} to {_date(last)}"


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _age(record: Record, rows: Sequence[_Row]) -> str:
    weeks = record.age_weeks(rows[-1].day.since) if rows else None
    if weeks is None or weeks < 0:
        return ""
    whole = math.floor(weeks)
    return f"{whole} {'week' if whole == 1 else 'weeks'} old on the last day. "


def _alt(record: Record, rows: Sequence[_Row]) -> str:
    whose = ", ".join(filter(None, (record.name or "The child", record.household)))
    start = f"{whose}, {_dates(rows) or 'no days yet'}, a row a day."
    lines = []
    for row in rows:
        if row.day.heard_s <= 0:
            cried = "not listened to"
        else:
            least = "" if row.day.complete else "at least "
            cried = f"crying {least}{_hours_of(row.cried.crying_s)} h, {row.cried.bouts} bouts"
        cared = [
            f"{words} {value}"
            for words, value in (
                ("sleep", row.cared.sleep_s and f"{_hours_of(row.cared.sleep_s)} h"),
                ("feeds", row.cared.feeds),
                ("nappies", row.cared.nappies),
            )
            if value is not None
        ]
        day = row.day.date
        lines.append(f"{day:%A} {day.day} {day:%B}: {', '.join([cried, *cared])}.")
    return " ".join([start, *lines])
