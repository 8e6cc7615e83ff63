"""The care log as people left it, and days that are right when the clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.episodes.events import Event, read_time
from harken.errors import ParameterError


@dataclass(frozen=True, slots=True)
class CareEntry:
    """An entry of the care log, with corrections applied.

    Parameters
    ----------
    event : str
        Id of its event: what `corrected` and `removed` target.
    what : {'sleep', 'feed', 'nappy', 'carry', 'medicine', 'temperature', 'note'}
    at : datetime
        When it began, in UTC.
    until : datetime or None
        When it ended; None while it goes on, or where it has no length.
    zone : str
        IANA name of the zone it was seen in.
    room, child : str or None
    by : str
        Who entered it.
    caregiver : str or None
        Who did it.
    side : {'left', 'right', 'both'} or None
        Of a breastfeed.
    ml : float or None [ml]
        Of a bottle.
    food : str or None
        What was eaten.
    wet, solid : bool or None
        Of a nappy.
    name, dose : str or None
        Of a medicine.
    celsius : float or None [°C]
        Of a temperature.
    text : str or None
        A remark.
    """

    event: str
    what: str
    at: datetime
    until: datetime | None
    zone: str
    room: str | None
    child: str | None
    by: str
    caregiver: str | None = None
    side: str | None = None
    ml: float | None = None
    food: str | None = None
    wet: bool | None = None
    solid: bool | None = None
    name: str | None = None
    dose: str | None = None
    celsius: float | None = None
    text: str | None = None

    @classmethod
    def of(cls, event: Event) -> "CareEntry":
        """Make an entry of a `care` event that was resolved.

        Parameters
        ----------
        event : Event

        Returns
        -------
        CareEntry

        Examples
        --------
        >>> at = datetime(2026, 1, 1, tzinfo=UTC)
        >>> CareEntry.of(Event("care", at, data={"what": "feed", "ml": 90})).ml
        90
        """
        data = dict(event.data)
        until = data.pop("until", None)
        return cls(
            event=str(event.id),
            at=event.at,
            until=None if until is None else read_time(until),
            zone=event.zone,
            room=event.room,
            child=event.child,
            by=event.by,
            **data,
        )


def day_bounds(day: date, zone: str, starts: str = "07:00") -> tuple[datetime, datetime]:
    """Give when a day begins and ends: 24 hours, or 23 or 25 when the clocks change.

    Parameters
    ----------
    day : date
        The date on which it begins.
    zone : str
        IANA name, e.g. ``"Europe/Berlin"``.
    starts : str
        Time of day ``"HH:MM"`` at which days begin; at 07:00 a night belongs to
        the day before. One that comes twice is the first of both, one that is
        skipped is the moment at which it would have been.

    Returns
    -------
    (datetime, datetime)
        In UTC; the end is the begin of the next day.

    Raises
    ------
    ParameterError
        If the zone or the time of day is unknown.

    Examples
    --------
    >>> begin, end = day_bounds(date(2026, 3, 28), "Europe/Berlin")
    >>> begin.isoformat(), (end - begin).total_seconds() / 3600
    ('2026-03-28T06:00:00+00:00', 23.0)
    """
    try:
        clock = time.fromisoformat(starts)
        if clock.tzinfo is not None:
            raise ValueError
    except (ValueError, TypeError):
        raise ParameterError(f"{starts!r} is not a time of day like 07:00") from None
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise ParameterError(f"zone {zone!r} is not known; write it like Europe/Berlin") from None
    try:
        begin, end = (
            datetime.combine(one, clock, tzinfo=place).astimezone(UTC)
            for one in (day, day + timedelta(days=1))
        )
    except OverflowError:
        raise ParameterError(f"day {day} is out of range") from None
    return begin, end
