"""Who is told first, second, third: days, quiet hours, and turns that change by night. Pure.

A duty list is a list of places in a queue. A place has a delay; who stands in
it can change from night to night. Somebody who sleeps tonight is left out, and
those behind move up, so that nobody waits for a person who isn't asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from harken.errors import ParameterError
from harken.journal.household import DutyTurn

DAY_STARTS = "07:00"
"""When the night's turns end: at 02:00 on Saturday it is still Friday night."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's place in the queue at one moment.

    Parameters
    ----------
    caregiver : str
        Id.
    after_s : float, ≥ 0 [s]
        How long after the ladder began they are told.
    resting : bool
        They have the day off or their quiet hours, and are told only as a last
        resort.
    """

    caregiver: str
    after_s: float
    resting: bool = False


def night_of(at: datetime, *, zone: str = "UTC", day_starts: str = DAY_STARTS) -> date:
    """Give the day to which a moment belongs when a day begins in the morning.

    Parameters
    ----------
    at : datetime
        With a zone.
    zone : str
        IANA name of the household's zone.
    day_starts : str
        ``"HH:MM"`` on the wall clock.

    Returns
    -------
    date

    Raises
    ------
    ParameterError
        If `day_starts` is no time of day.

    Examples
    --------
    >>> from datetime import UTC
    >>> night_of(datetime(2026, 1, 31, 2, 0, tzinfo=UTC)).isoformat()
    '2026-01-30'
    """
    local = at.astimezone(ZoneInfo(zone))
    early = local.time() < read_clock(day_starts)
    return local.date() - timedelta(days=1) if early else local.date()


def read_clock(text: str) -> time:
    """Read a time of day.

    Parameters
    ----------
    text : str
        ``"HH:MM"``, 24 hours.

    Returns
    -------
    time

    Raises
    ------
    ParameterError
        If it is none.

    Examples
    --------
    >>> read_clock("22:30")
    datetime.time(22, 30)
    """
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except (ValueError, TypeError):
        raise ParameterError(f"{text!r} is no time of day; write it like 22:30") from None


def turns_at(
    duty: Sequence[DutyTurn],
    at: datetime,
    *,
    zone: str = "UTC",
    day_starts: str = DAY_STARTS,
) -> list[Turn]:
    """Say who is told in which order at one moment.

    Parameters
    ----------
    duty : sequence of DutyTurn
        The room's list; of several places of one caregiver the earliest counts.
    at : datetime
        With a zone.
    zone, day_starts : str
        As in `night_of`.

    Returns
    -------
    list of Turn
        Those on duty by their delay, then those who rest, with a delay of 0.
        Where everybody rests, nobody does: a cry must reach somebody. Empty for
        an empty list.

    Raises
    ------
    ParameterError
        If a time of day cannot be read.

    Examples
    --------
    >>> from datetime import UTC
    >>> duty = [
    ...     DutyTurn(order=1, caregiver="ada"),
    ...     DutyTurn(order=2, caregiver="ben", after_s=60.0),
    ... ]
    >>> turns_at(duty, datetime(2026, 1, 1, tzinfo=UTC))[1]
    Turn(caregiver='ben', after_s=60.0, resting=False)
    """
    places = sorted(duty, key=lambda turn: (turn.order, turn.after_s, turn.caregiver))
    night = night_of(at, zone=zone, day_starts=day_starts)
    clock = at.astimezone(ZoneInfo(zone)).time()
    taking = [turn for turn in places if turn.rotates]
    shift = night.toordinal() % len(taking) if taking else 0
    taking = taking[shift:] + taking[:shift]

    awake: list[Turn] = []
    resting: list[Turn] = []
    at_s, order = 0.0, None
    for place in places:
        who = taking.pop(0) if place.rotates else place
        if who.caregiver in {turn.caregiver for turn in (*awake, *resting)}:
            continue
        if not _awake(who, night, clock):
            resting.append(Turn(who.caregiver, 0.0, True))
            continue
        # A delay counts from the one before who is awake; the first one's from the onset.
        first = not awake
        begins = places[0].after_s if first else place.after_s
        if first or place.order != order:
            at_s, order = at_s + begins, place.order
        awake.append(Turn(who.caregiver, at_s))
    if not awake:
        return _all_awake(places)
    return [*awake, *resting]


def _all_awake(places: Sequence[DutyTurn]) -> list[Turn]:
    """Give the order where everybody rests: then nobody does."""
    found: dict[str, Turn] = {}
    at_s, order = 0.0, None
    for place in places:
        if place.order != order:
            at_s, order = at_s + place.after_s, place.order
        found.setdefault(place.caregiver, Turn(place.caregiver, at_s))
    return list(found.values())


def _awake(turn: DutyTurn, night: date, clock: time) -> bool:
    if turn.days is not None and night.weekday() not in turn.days:
        return False
    if turn.quiet_from is None or turn.quiet_until is None:
        return True
    begin, end = read_clock(turn.quiet_from), read_clock(turn.quiet_until)
    if begin <= end:
        return not begin <= clock < end
    return end <= clock < begin
