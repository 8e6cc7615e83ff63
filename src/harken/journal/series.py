"""Numbers that a sensor gives all the time: heart rate, oxygen, room temperature, movement.

They are kept beside the events and never judged: no alarm comes of them, and
nothing here says what is high or low for a child.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import sqlalchemy as sa

from harken.errors import ParameterError
from harken.journal import schema
from harken.journal.household import check_text
from harken.journal.rows import chunks

_SERIES = UUID("5d0ce1b6-5a0c-4f0e-8d1b-6d6ad2a5b7c3")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_LONGEST = 80
_YEARS = (1970, 2200)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a series measures.

    Parameters
    ----------
    title : str
        As it is shown.
    unit : str
        Empty where a maker has a unit of its own.
    least, most : float
        What a sensor can give at all; what lies outside is no reading.
    """

    title: str
    unit: str
    least: float
    most: float


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "heart_rate": Quantity("Heart rate", "beats/min", 1.0, 400.0),
        "oxygen": Quantity("Oxygen", "%", 1.0, 100.0),
        "room_temperature": Quantity("Room temperature", "°C", -40.0, 80.0),
        "movement": Quantity("Movement", "", 0.0, 1e9),
    }
)
"""What can be kept as a series."""


class Reading(NamedTuple):
    """One number of a series.

    Parameters
    ----------
    at : datetime
        In UTC, to the millisecond.
    value : float
        In the unit of the series.
    """

    at: datetime
    value: float


class Step(NamedTuple):
    """The readings of a series in one step of time.

    Parameters
    ----------
    at : datetime
        When the step begins, in UTC.
    mean, low, high : float
        Of its readings.
    n : int, ≥ 1
        How many there are; a step without any is left out.
    """

    at: datetime
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Series:
    """A sensor, and what it measures where or of whom.

    Parameters
    ----------
    what : str
        One of `QUANTITIES`.
    source : str
        What gives it: ``"sock"``, ``"thermometer"``; 1 to 80 characters. Two
        sensors of the same quantity need two names.
    room, child : str or None
        Ids; where or of whom.

    Raises
    ------
    ParameterError
        If the quantity is unknown, or a text is none.

    Examples
    --------
    >>> Series("heart_rate", "sock", child="mia").unit
    'beats/min'
    >>> Series("heart_rate", "sock", child="mia").id == Series("heart_rate", "sock").id
    False
    """

    what: str
    source: str
    room: str | None = None
    child: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.what, str) or self.what not in QUANTITIES:
            raise ParameterError(
                f"series: {str(self.what)[:40]!r} is not known; there are {', '.join(QUANTITIES)}"
            )
        if not isinstance(self.source, str) or not 0 < len(self.source.strip()) <= _LONGEST:
            raise ParameterError(f"series: source must be text of 1 to {_LONGEST} characters")
        for name in ("source", "room", "child"):
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, str) or len(value) > _LONGEST:
                raise ParameterError(f"series: {name} must be a short text")
            check_text(f"series: {name}", value)

    @property
    def quantity(self) -> Quantity:
        """What it measures."""
        return QUANTITIES[self.what]

    @property
    def unit(self) -> str:
        """The unit of its values."""
        return self.quantity.unit

    @property
    def id(self) -> str:
        """The same for the same sensor in every journal."""
        parts = (self.what, self.source, self.room or "", self.child or "")
        return str(uuid5(_SERIES, "\n".join(parts)))

    def check(self, value: object) -> float:
        """Give a value as a number, if a sensor can have given it.

        Parameters
        ----------
        value : object

        Returns
        -------
        float

        Raises
        ------
        ParameterError
            If it is no number, or outside of what `quantity` allows.

        Examples
        --------
        >>> Series("oxygen", "sock").check(98)
        98.0
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{self.what}: {str(value)[:40]!r} is no number")
        kind = self.quantity
        # Written so that a number which is none fails as well.
        if not kind.least <= value <= kind.most:
            unit = f" {kind.unit}" if kind.unit else ""
            raise ParameterError(
                f"{self.what}: {value:g} is no reading (it must be from {kind.least:g} to "
                f"{kind.most:g}{unit})"
            )
        return float(value)


def to_ms(at: datetime) -> int:
    """Give a time as milliseconds since 1970.

    Raises
    ------
    ParameterError
        If it has no zone, or its year is out of range.

    Examples
    --------
    >>> to_ms(datetime(1970, 1, 2, tzinfo=UTC))
    86400000
    """
    if at.tzinfo is None:
        raise ParameterError("a reading's time must have a zone")
    if not _YEARS[0] <= at.year < _YEARS[1]:
        raise ParameterError(f"a reading's time {at.isoformat()} is out of range")
    return (at - _EPOCH) // _MS


def of_ms(ms: int) -> datetime:
    """Give the time of milliseconds since 1970, in UTC."""
    return _EPOCH + ms * _MS


def insert(connection: sa.Connection, series: Series, readings: Sequence[Reading]) -> int:
    """Write readings whose moments are not there yet.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        That writes.
    series : Series
    readings : sequence of Reading
        In any order; of two at the same millisecond the first is kept.

    Returns
    -------
    int
        How many were new.
    """
    rows: dict[int, float] = {}
    for at, value in readings:
        rows.setdefault(to_ms(at), series.check(value))
    if not rows:
        return 0
    number = _number(connection, series)
    table = schema.readings
    for chunk in chunks(list(rows)):
        known = sa.select(table.c.at_ms).where(table.c.series == number, table.c.at_ms.in_(chunk))
        for at_ms in connection.scalars(known).all():
            del rows[at_ms]
    if rows:
        connection.execute(
            sa.insert(table),
            [{"series": number, "at_ms": at_ms, "value": value} for at_ms, value in rows.items()],
        )
    return len(rows)


def _number(connection: sa.Connection, series: Series) -> int:
    table = schema.series
    found = connection.scalar(sa.select(table.c.number).where(table.c.id == series.id))
    if found is None:
        row = {
            "id": series.id,
            "what": series.what,
            "source": series.source,
            "room": series.room,
            "child": series.child,
        }
        found = connection.execute(sa.insert(table).returning(table.c.number), row).scalar_one()
    return int(found)


def every(connection: sa.Connection) -> list[Series]:
    """Give all series, in a steady order."""
    table = schema.series
    rows = connection.execute(sa.select(table)).all()
    found = [Series(row.what, row.source, row.room, row.child) for row in rows]
    order = list(QUANTITIES)
    return sorted(found, key=lambda one: (order.index(one.what), one.source, one.id))


def read(
    connection: sa.Connection,
    series: Series,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Reading]:
    """Give the readings of a series, in order of time.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    series : Series
    since, until : datetime, optional
        At or after, and before.

    Returns
    -------
    list of Reading
    """
    table = schema.readings
    chosen = _within(sa.select(table.c.at_ms, table.c.value), series, since, until)
    rows = connection.execute(chosen.order_by(table.c.at_ms))
    return [Reading(of_ms(row.at_ms), row.value) for row in rows]


def pieces(connection: sa.Connection, series: Series, size: int) -> Iterator[list[Reading]]:
    """Give all readings of a series, some at a time, in order of time.

    Yields
    ------
    list of Reading
        `size` at most, and never none.
    """
    table = schema.readings
    after = -(1 << 62)
    chosen = (
        _within(sa.select(table.c.at_ms, table.c.value), series, None, None)
        .where(table.c.at_ms > sa.bindparam("after"))
        .order_by(table.c.at_ms)
        .limit(size)
    )
    while rows := connection.execute(chosen, {"after": after}).all():
        after = rows[-1].at_ms
        yield [Reading(of_ms(row.at_ms), row.value) for row in rows]


def steps(
    connection: sa.Connection, series: Series, since: datetime, until: datetime, step: timedelta
) -> list[Step]:
    """Give mean, lowest and highest of every step of time that has a reading.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    series : Series
    since, until : datetime
        At or after, and before; the first step begins at `since`.
    step : timedelta, ≥ 1 ms

    Returns
    -------
    list of Step
        In order of time; steps without a reading are left out.
    """
    table = schema.readings
    begin, length = to_ms(since), max(1, step // _MS)
    which = ((table.c.at_ms - begin) // length).label("step")
    value, over = table.c.value, sa.func
    wanted = sa.select(which, over.avg(value), over.min(value), over.max(value), over.count())
    chosen = _within(wanted, series, since, until).group_by(which).order_by(which)
    return [
        Step(of_ms(begin + int(row[0]) * length), float(row[1]), row[2], row[3], row[4])
        for row in connection.execute(chosen)
    ]


def extent(
    connection: sa.Connection, series: Series
) -> tuple[int, datetime | None, datetime | None]:
    """Give how many readings there are, and when the first and the last were.

    Returns
    -------
    (int, datetime or None, datetime or None)
    """
    at_ms, over = schema.readings.c.at_ms, sa.func
    chosen: Any = sa.select(over.count(), over.min(at_ms), over.max(at_ms))
    count, first, last = connection.execute(_within(chosen, series, None, None)).one()
    if not count:
        return 0, None, None
    return count, of_ms(first), of_ms(last)


def forget(connection: sa.Connection, series: Series) -> int:
    """Delete a series with all its readings.

    Returns
    -------
    int
        How many readings there were.
    """
    table, named = schema.readings, schema.series
    number = connection.scalar(sa.select(named.c.number).where(named.c.id == series.id))
    if number is None:
        return 0
    done = connection.execute(sa.delete(table).where(table.c.series == number))
    connection.execute(sa.delete(named).where(named.c.number == number))
    return int(done.rowcount)


def _within(
    chosen: sa.Select[Any],
    series: Series,
    since: datetime | None,
    until: datetime | None,
) -> sa.Select[Any]:
    table, named = schema.readings, schema.series
    number = sa.select(named.c.number).where(named.c.id == series.id).scalar_subquery()
    chosen = chosen.where(table.c.series == number)
    if since is not None:
        chosen = chosen.where(table.c.at_ms >= to_ms(since))
    if until is not None:
        chosen = chosen.where(table.c.at_ms < to_ms(until))
    return chosen
