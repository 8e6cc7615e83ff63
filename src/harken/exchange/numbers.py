"""Tables of sensors' numbers: one column of times, and a column for each quantity."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from harken.errors import ParameterError
from harken.exchange.cells import CellError, Clock, Table, choices, is_day_first, number
from harken.exchange.tables import Trouble
from harken.journal import Reading, Series
from harken.journal.series import QUANTITIES

_TIMES = ("time", "at", "timestamp", "datetime", "date time", "date/time", "last changed",
          "last_changed", "last_updated", "start")  # fmt: skip
_NAMES: Mapping[str, tuple[str, ...]] = {
    "heart_rate": ("heart rate", "heartrate", "hr", "bpm", "pulse", "pulse rate"),
    "oxygen": ("oxygen", "spo2", "o2", "oxygen saturation", "saturation", "oxygen level"),
    "room_temperature": ("room temperature", "room temp", "temperature", "temp"),
    "movement": ("movement", "motion", "activity", "moves"),
}
_VALUES = ("value", "state", "reading", "mean")
_NOTHING = frozenset(
    {"", "-", "--", "n/a", "na", "nan", "none", "null", "unknown", "unavailable", "off"}
)
_AHEAD = timedelta(minutes=10)
_BRACKETS = re.compile(r"[\[(].*?[\])]")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a table of readings holds.

    Parameters
    ----------
    time : str
        The column of times.
    columns : mapping of str to str
        Column to what it measures.
    readings : mapping of Series to list of Reading
        In order of the file.
    unreadable : tuple of Trouble
    says : tuple of Trouble
        Hours that came twice.
    gaps : int, ≥ 0
        Cells without a reading: empty, or outside of what a sensor can give.
    unused : tuple of str
        Columns that are left out.
    """

    time: str
    columns: Mapping[str, str]
    readings: Mapping[Series, list[Reading]]
    unreadable: tuple[Trouble, ...] = ()
    says: tuple[Trouble, ...] = ()
    gaps: int = 0
    unused: tuple[str, ...] = field(default=())


def read_numbers(
    table: Table,
    *,
    zone: ZoneInfo,
    source: str,
    room: str | None = None,
    child: str | None = None,
    what: str | None = None,
    mapping: Mapping[str, str] | None = None,
    day_first: bool | None = None,
    now: datetime | None = None,
) -> Numbers:
    r"""Read the numbers of a table.

    Parameters
    ----------
    table : Table
    zone : ZoneInfo
        Of times without an offset.
    source : str
        What gave them.
    room, child : str, optional
        Ids; where or of whom.
    what : str, optional
        What the one column of values measures, where its name does not say it.
    mapping : mapping of str to str, optional
        Column to ``"time"``, a quantity or ``"-"``, before what is guessed.
    day_first : bool, optional
        Whether ``3/4/2026`` is in April; by default told from all dates.
    now : datetime, optional

    Returns
    -------
    Numbers

    Raises
    ------
    ParameterError
        If columns cannot be told.

    Examples
    --------
    >>> from harken.exchange.cells import read_table
    >>> table = read_table(b"Time,BPM\n2026-01-01T02:00:00Z,131\n2026-01-01T02:01:00Z,--\n")
    >>> found = read_numbers(table, zone=ZoneInfo("UTC"), source="sock", child="mia")
    >>> found.columns, found.gaps
    ({'BPM': 'heart_rate'}, 1)
    """
    when, columns = _columns(table, what, dict(mapping or {}))
    at = {column: i for i, column in enumerate(table.columns)}
    if day_first is None:
        day_first = is_day_first(row.cells[at[when]] for row in table.rows)
    if day_first is None:
        raise ParameterError(
            f"{table.name}: its dates may have the day or the month first; say --dates day-first "
            "or --dates month-first"
        )
    clock = Clock(zone, day_first)
    latest = (now or datetime.now(UTC)) + _AHEAD
    series = {column: Series(measure, source, room, child) for column, measure in columns.items()}
    readings: dict[Series, list[Reading]] = {one: [] for one in series.values()}
    bad: list[Trouble] = []
    says: list[Trouble] = []
    gaps = 0
    last: datetime | None = None
    for row in table.rows:
        try:
            moment, said = _moment(clock, row.cells[at[when]], last)
            if moment > latest:
                raise CellError("lies in the future; are zone and date right?")
        except CellError as error:
            bad.append(Trouble(row.line, when, str(error)))
            continue
        last = moment
        if said and all(one.says != said for one in says):
            says.append(Trouble(row.line, when, said))
        for column, one in series.items():
            text = row.cells[at[column]]
            try:
                value = _value(text, column, one)
            except CellError as error:
                bad.append(Trouble(row.line, column, str(error)))
                continue
            if value is None:
                gaps += 1
            else:
                readings[one].append(Reading(moment, value))
    unused = tuple(one for one in table.columns if one != when and one not in columns)
    return Numbers(when, columns, readings, tuple(bad), tuple(says), gaps, unused)


def _plain(column: str) -> str:
    return " ".join(_BRACKETS.sub(" ", column).lower().replace("_", " ").split())


def _columns(table: Table, what: str | None, mapping: dict[str, str]) -> tuple[str, dict[str, str]]:
    for column, named in mapping.items():
        if column not in table.columns:
            raise ParameterError(
                f"--map {column}=…: there is no such column; there are {', '.join(table.columns)}"
            )
        if named not in ("time", "-", *QUANTITIES):
            raise ParameterError(
                f"--map {column}={named}: a column can be time, {', '.join(QUANTITIES)} "
                "(- leaves it out)"
            )
    if what is not None and what not in QUANTITIES:
        raise ParameterError(f"--what {what}: must be one of {', '.join(QUANTITIES)}")
    free = [one for one in table.columns if one not in mapping]
    times = [column for column, named in mapping.items() if named == "time"]
    times += [one for one in free if one.lower() in _TIMES or _plain(one) in _TIMES]
    if not times:
        raise ParameterError(
            f"{table.name}: cannot tell which column says when; say --map COLUMN=time "
            f"(columns: {', '.join(table.columns)})"
        )
    found = {column: named for column, named in mapping.items() if named in QUANTITIES}
    free = [one for one in free if one != times[0]]
    for column in free:
        measure = next((one for one, names in _NAMES.items() if _plain(column) in names), None)
        if measure is not None and measure not in found.values():
            found[column] = measure
    if what is not None:
        named_so = {column: one for column, one in found.items() if one == what}
        values = [one for one in free if _plain(one) in _VALUES] or (free if len(free) == 1 else [])
        found = named_so or ({values[0]: what} if values else {})
    if not found:
        raise ParameterError(
            f"{table.name}: cannot tell which column is measured; say --map COLUMN=heart_rate "
            f"(or {', '.join(list(QUANTITIES)[1:])})"
        )
    return times[0], found


def _moment(clock: Clock, text: str, last: datetime | None) -> tuple[datetime, str | None]:
    local = clock.local(text)
    if local.tzinfo is None:
        both = choices(local, clock.zone)
        if len(both) == 2:
            # Time does not run back: what would is of the second of the two hours.
            second = last is not None and both[0] < last
            hour = local.replace(minute=0, second=0, microsecond=0)
            said = (
                f"{hour:%Y-%m-%d %H:%M} to {hour + timedelta(hours=1):%H:%M} came twice (the "
                "clocks changed); the two were told apart by the order of the lines"
            )
            return both[1] if second else both[0], said
    return clock.utc(local)


def _value(text: str, column: str, series: Series) -> float | None:
    if text.strip().lower() in _NOTHING:
        return None
    value = number(text.strip().removesuffix("%"))
    if series.what == "room_temperature" and re.search(r"[(\[ °]f\b|fahrenheit", column.lower()):
        value = round((value - 32) / 1.8, 2)
    kind = series.quantity
    return value if kind.least <= value <= kind.most else None
