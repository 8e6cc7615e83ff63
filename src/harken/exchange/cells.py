"""Tables as other programs write them: delimiters, dates in any order, clocks that change, units.

Nothing is guessed cell by cell: how a column writes its dates is decided from
all of it, once, and shown.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.errors import HarkenError, ParameterError

MOST_BYTES = 64 * 1024 * 1024
_MOST_COLUMNS = 200
_ML = {"ml": 1.0, "oz": 29.5735, "floz": 29.5735, "l": 1000.0, "cl": 10.0}
_KG = {"kg": 1.0, "g": 0.001, "lb": 0.45359237, "lbs": 0.45359237, "oz": 0.028349523}
_NUMBER = r"([-+]?\d+(?:[.,]\d+)?)"
_AMOUNT = re.compile(rf"^{_NUMBER}\s*(ml|fl\.?\s?oz|oz|l|cl)?\.?$", re.IGNORECASE)
_WEIGHT = re.compile(
    rf"^{_NUMBER}\s*(kg|g|lbs?|oz)\.?(?:\s*{_NUMBER}\s*(oz|g)\.?)?$", re.IGNORECASE
)
_WARMTH = re.compile(rf"^{_NUMBER}\s*°?\s*([cf])?\.?$", re.IGNORECASE)
_LENGTH = re.compile(
    r"^(?:(\d+)\s*h(?:ours?|rs?)?)?\s*(?:(\d+)\s*m(?:in(?:ute)?s?)?)?$", re.IGNORECASE
)
_DATE = re.compile(r"^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_CLOCK = re.compile(
    r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([ap])?\.?\s?(?:m\.?)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    line : int
        Where it begins in the file; the first line is 1.
    cells : tuple of str
        As many as the table has columns.
    """

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    columns : tuple of str
    rows : tuple of Row
    says : tuple of str
        What a person should know of how it was read.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    says: tuple[str, ...] = field(default=())


class CellError(HarkenError):
    """A cell cannot be read; the message says what is wrong with it."""


def open_table(path: Path) -> Table:
    """Read a file of comma, semicolon or tab separated values.

    Parameters
    ----------
    path : Path
        UTF-8, UTF-16 with its mark, or else Windows' Western alphabet, which is said.

    Returns
    -------
    Table

    Raises
    ------
    HarkenError
        If it cannot be read, is no table, or a row has more cells than the header.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise HarkenError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; split it up")
        raw = path.read_bytes()
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror})") from None
    return read_table(raw, str(path))


def read_table(raw: bytes, name: str = "table") -> Table:
    r"""Read the bytes of such a file; see `open_table`.

    Parameters
    ----------
    raw : bytes
    name : str
        For messages.

    Returns
    -------
    Table

    Examples
    --------
    >>> read_table(b"Type,Start\nSleep,2026-01-01 10:00\n").rows[0]
    Row(line=2, cells=('Sleep', '2026-01-01 10:00'))
    """
    if raw.startswith(b"PK\x03\x04"):
        raise HarkenError(f"{name}: is a workbook or archive; save it as CSV, and import that")
    text, says = _text(raw, name)
    # A line break inside quotes is no end of a line, so the module must see them as they are.
    first = next(iter(text.splitlines()), "")
    mark = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=False)
    header: tuple[str, ...] | None = None
    rows: list[Row] = []
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            plain = [cell.strip() for cell in cells]
            if not any(plain):
                continue
            if header is None:
                header = _header(plain, name)
                continue
            if any(plain[len(header) :]):
                raise HarkenError(
                    f"{name}: line {line}: has {len(plain)} cells, and the first line names "
                    f"{len(header)}; is a comma or quote missing?"
                )
            plain += [""] * (len(header) - len(plain))
            rows.append(Row(line, tuple(plain[: len(header)])))
    except csv.Error as error:
        raise HarkenError(f"{name}: line {reader.line_num}: is no CSV ({error})") from None
    if header is None:
        raise HarkenError(f"{name}: is empty; the first line must name the columns")
    return Table(name, header, tuple(rows), says)


def _text(raw: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return _plain(raw.decode("utf-16"), name), ()
        return _plain(raw.decode("utf-8-sig"), name), ()
    except UnicodeDecodeError:
        said = "it is not UTF-8 and was read as Windows-1252; look whether names are right"
        return _plain(raw.decode("cp1252", errors="replace"), name), (said,)


def _plain(text: str, name: str) -> str:
    if "\0" in text:
        raise HarkenError(f"{name}: is no text; save it as CSV in UTF-8")
    return text


def _header(cells: Sequence[str], name: str) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > _MOST_COLUMNS:
        raise HarkenError(f"{name}: has {len(cells)} columns; {_MOST_COLUMNS} are the most")
    # A column without a name still holds something, and must be told from the others.
    named = [cell or f"column {i + 1}" for i, cell in enumerate(cells)]
    twice = [one for one in named if named.count(one) > 1]
    if twice:
        raise HarkenError(f"{name}: line 1: two columns are called {twice[0]!r}; rename one")
    return tuple(named)


@dataclass(frozen=True, slots=True)
class Clock:
    """How a file writes its times, and where its clock hung.

    Parameters
    ----------
    zone : ZoneInfo
        For times without an offset.
    day_first : bool
        Whether ``3/4/2026`` is in April.

    Examples
    --------
    >>> clock = Clock(ZoneInfo("Europe/Berlin"))
    >>> clock.local("1/31/26, 7:05 PM").isoformat()
    '2026-01-31T19:05:00'
    """

    zone: ZoneInfo
    day_first: bool = False

    def local(self, text: str) -> datetime:
        """Read a date with a time of day, as it is written.

        Parameters
        ----------
        text : str

        Returns
        -------
        datetime
            With a zone only where the text has an offset.

        Raises
        ------
        CellError
            If it is none.
        """
        plain = " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())
        stamp = re.fullmatch(r"\d{9,13}", plain)
        if stamp:
            seconds = int(plain) / (1000 if len(plain) > 10 else 1)
            return _in_range(text, datetime.fromtimestamp(seconds, UTC))
        if ":" in plain:
            try:
                return _in_range(text, datetime.fromisoformat(plain))
            except ValueError:
                pass
        found = _DATE.match(plain)
        clock = _CLOCK.match(plain[found.end() :].lstrip(" ,T")) if found else None
        if found is None or clock is None:
            raise CellError(f"{text[:40]!r} is no date with a time of day")
        try:
            return _in_range(text, datetime(*self._day(found), *_time_of_day(clock)))
        except ValueError:
            raise CellError(f"{text[:40]!r} is no date with a time of day that exists") from None

    def _day(self, found: "re.Match[str]") -> tuple[int, int, int]:
        one, mark, two, three = found[1], found[2], int(found[3]), found[4]
        if len(one) == 4:
            return int(one), two, int(three)
        year = int(three) + (2000 if len(three) <= 2 else 0)
        first = int(one)
        day_first = mark == "." or self.day_first
        return (year, two, first) if day_first else (year, first, two)

    def utc(self, local: datetime) -> tuple[datetime, str | None]:
        """Give a time in UTC, and what must be said of it where the clocks change.

        Parameters
        ----------
        local : datetime

        Returns
        -------
        (datetime, str or None)
            A time that came twice is the first of the two; one that was skipped
            is as much later as the clocks were put forward.

        Examples
        --------
        >>> at, said = Clock(ZoneInfo("Europe/Berlin")).utc(datetime(2026, 10, 25, 2, 30))
        >>> at.isoformat()
        '2026-10-25T00:30:00+00:00'
        >>> said
        '2026-10-25 02:30 came twice (the clocks changed); the first was taken'
        """
        if local.tzinfo is not None:
            return local.astimezone(UTC), None
        both = choices(local, self.zone)
        shown = f"{local:%Y-%m-%d %H:%M}"
        if len(both) == 2:
            return both[0], f"{shown} came twice (the clocks changed); the first was taken"
        back = both[0].astimezone(self.zone).replace(tzinfo=None)
        if back != local:
            return both[0], (f"{shown} did not exist (the clocks changed); {back:%H:%M} was taken")
        return both[0], None


def choices(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Give the moments that a local time may be: two where the clocks are put back.

    Parameters
    ----------
    local : datetime
        Without a zone.
    zone : ZoneInfo

    Returns
    -------
    tuple of datetime
        In UTC, in order; one that is skipped gives the one after the gap.
    """
    found = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    there = [one for one in found if one.astimezone(zone).replace(tzinfo=None, fold=0) == local]
    if not there:
        # As the clock would have shown it, had it not been put forward.
        return (max(found),)
    return tuple(sorted(set(there)))


def find_zone(name: str) -> ZoneInfo:
    """Give a time zone by its name.

    Raises
    ------
    ParameterError
        If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterError(f"zone {name!r} is not known; write it like Europe/Berlin") from None


def is_day_first(texts: Iterable[str]) -> bool | None:
    """Say from all dates of a file whether the day or the month is written first.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    bool or None
        None: no date tells. False as well where no date is of that form.

    Raises
    ------
    ParameterError
        If some say one and some the other.

    Examples
    --------
    >>> is_day_first(["3/4/2026 10:00", "3/31/2026 10:00"])
    False
    >>> is_day_first(["3/4/2026 10:00"]) is None
    True
    """
    days = months = unclear = False
    for text in texts:
        found = _DATE.match(text.strip())
        if found is None or len(found[1]) == 4 or found[2] == ".":
            continue
        first, second = int(found[1]), int(found[3])
        if first > 12:
            days = True
        elif second > 12:
            months = True
        elif first != second:
            unclear = True
    if days and months:
        raise ParameterError(
            "some dates have the day first and some the month; make them alike in the file"
        )
    return None if unclear and not days and not months else days


def _in_range(text: str, at: datetime) -> datetime:
    if not 1970 < at.year < 2200:
        raise CellError(f"{text[:40]!r} is out of range")
    return at


def _time_of_day(found: "re.Match[str]") -> tuple[int, int, int]:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    half = (found[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, minute, second


def number(text: str) -> float:
    """Read a number; a comma may be its decimal sign.

    Raises
    ------
    CellError
        If it is none.

    Examples
    --------
    >>> number("3,5")
    3.5
    """
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CellError(f"{text[:40]!r} is no number")
    return value


def millilitres(text: str, unit: str = "ml") -> float:
    """Read an amount of liquid.

    Parameters
    ----------
    text : str
        ``"120ml"``, ``"4 oz"``, ``"4.5"``.
    unit : {'ml', 'oz'}
        Where the text has none.

    Returns
    -------
    float [ml]
        To a tenth.

    Raises
    ------
    CellError

    Examples
    --------
    >>> millilitres("4 oz"), millilitres("90", "ml")
    (118.3, 90.0)
    """
    found = _AMOUNT.match(text.strip())
    if found is None:
        raise CellError(f"{text[:40]!r} is no amount like 120 ml or 4 oz")
    named = re.sub(r"[.\s]", "", (found[2] or unit).lower())
    value = round(number(found[1]) * _ML[named], 1)
    if not 0 <= value <= 5000:
        raise CellError(f"{text[:40]!r} is no amount that a child drinks")
    return value


def kilograms(text: str) -> float:
    """Read a weight with its unit.

    Returns
    -------
    float [kg]
        To a gram.

    Raises
    ------
    CellError

    Examples
    --------
    >>> kilograms("7 lb 15 oz"), kilograms("3.62kg")
    (3.6, 3.62)
    """
    found = _WEIGHT.match(text.strip())
    if found is None:
        raise CellError(f"{text[:40]!r} is no weight like 3.6 kg or 7 lb 15 oz")
    value = number(found[1]) * _KG[found[2].lower()]
    if found[3]:
        value += number(found[3]) * _KG[found[4].lower()]
    return round(value, 3)


def celsius(text: str, unit: str | None = None) -> float:
    """Read a body temperature; without a unit it is told by its size.

    Parameters
    ----------
    text : str
    unit : {'c', 'f'}, optional
        Where the text has none.

    Returns
    -------
    float [°C]
        To a hundredth, from 30 to 45.

    Raises
    ------
    CellError

    Examples
    --------
    >>> celsius("98.6"), celsius("37,2 °C")
    (37.0, 37.2)
    """
    found = _WARMTH.match(text.strip())
    value = number(found[1]) if found else math.nan
    named = ((found[2] if found else None) or unit or ("f" if value > 60 else "c")).lower()
    warm = (value - 32) / 1.8 if named == "f" else value
    if not 30 <= warm <= 45:
        raise CellError(f"{text[:40]!r} is no body temperature (30 to 45 °C, 86 to 113 °F)")
    return round(warm, 2)


def length(text: str, unit: str = "min") -> timedelta:
    """Read how long something took.

    Parameters
    ----------
    text : str
        ``"1:30"`` (hours and minutes), ``"0:01:30"``, ``"90"``, ``"1h 30m"``, ``"90 min"``.
    unit : {'min', 'h', 's'}
        Of a plain number.

    Returns
    -------
    timedelta

    Raises
    ------
    CellError

    Examples
    --------
    >>> [str(length(text)) for text in ("1:30", "90", "1h 30m")]
    ['1:30:00', '1:30:00', '1:30:00']
    """
    plain = text.strip()
    parts = plain.split(":")
    if 2 <= len(parts) <= 3 and all(re.fullmatch(r"\d{1,4}", part) for part in parts):
        hours, minutes, seconds = (*map(int, parts), 0)[:3]
        found = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    elif re.fullmatch(r"\d+(?:[.,]\d+)?", plain) and len(plain) < 9:
        found = timedelta(seconds=number(plain) * {"min": 60, "h": 3600, "s": 1}[unit])
    elif (match := _LENGTH.match(plain)) and (match[1] or match[2]) and len(plain) < 20:
        found = timedelta(hours=int(match[1] or 0), minutes=int(match[2] or 0))
    else:
        raise CellError(f"{text[:40]!r} is no length of time like 1:30 or 90")
    if found > timedelta(days=3):
        raise CellError(f"{text[:40]!r} is longer than three days")
    return found
