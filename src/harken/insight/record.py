"""What measures are made from: a child's episodes, care and days, and when nobody listened.

This is the only file of the room that reads a journal; everything else here is a
pure function of a `Record`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.episodes import Episode, Event, resolve
from harken.errors import ParameterError
from harken.journal import CareEntry, Caregiver, Child, Journal, Room, day_bounds

HEARD_UNTIL = "heard_until"
"""Setting of the household: until when each room was heard, as the hub last wrote it down."""

HEARD_EVERY_S = 60.0
"""How often the hub writes that down, in seconds."""

_CARE_BEFORE = timedelta(days=1)
_EARS = ("cry_started", "cry_ended", "voice_heard")
_PLANS = ("plan_started", "plan_ended")
_CHANGES = ("change:", "change of ", "from today", "from tonight", "from now on", "new routine")
_EARLY = timedelta(weeks=3)
"""Born longer than this before the due date is born early: before 37 whole weeks."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time.

    Parameters
    ----------
    since, until : datetime
        In UTC; `since` comes before `until`.
    """

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.until - self.since).total_seconds()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the household: it begins when the household says, so that a night is one.

    Parameters
    ----------
    date : date
        On which it begins.
    since, until : datetime
        In UTC; 24 hours apart, or 23 or 25 when the clocks change.
    heard_s : float, ≥ 0 [s]
        How much of it the room was listened to, within the record and up to now.
    unheard : tuple of Span
        When it was not listened to, within the day, the record and up to now.
    complete : bool
        Whether all of it has passed, lies in the record, and was heard. A day
        that is not must never be counted as calm.
    """

    date: date
    since: datetime
    until: datetime
    heard_s: float
    unheard: tuple[Span, ...]
    complete: bool

    @property
    def length_s(self) -> float:
        """Seconds from its begin to its end."""
        return (self.until - self.since).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name; times as ISO 8601.
        """
        return {
            "date": self.date.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "heard_s": self.heard_s,
            "unheard": [
                {"since": one.since.isoformat(), "until": one.until.isoformat()}
                for one in self.unheard
            ],
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a household did otherwise from then on.

    Parameters
    ----------
    event : str
        Id of its event.
    at : datetime
    kind : {'plan_started', 'plan_ended', 'note'}
        `note`: a note of the care log that names a change, see `names_a_change`.
    says : str
        In plain words.
    """

    event: str
    at: datetime
    kind: Literal["plan_started", "plan_ended", "note"]
    says: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a child in a stretch of time.

    Parameters
    ----------
    episodes : tuple of Episode
        Whose onset lies in the stretch, in order, as they stand at `now`; drills,
        false alarms and open ones are among them, see `counted`.
    care : tuple of CareEntry
        Entries that overlap the stretch or the day before it, in order of begin:
        what came before the first cry can be told.
    unheard : tuple of Span
        When the child's room was not listened to, in order and apart, within the
        stretch and up to now.
    since, until : datetime
        The stretch, in UTC; `until` does not belong to it.
    now : datetime
        When it was looked at.
    zone : str
        IANA name of the household's zone.
    day_starts : str
        Time of day at which its days begin.
    child : str or None
        Id; None: the whole household.
    name : str
        Of the child; empty for the household.
    born, due : date or None
    caregivers : mapping of id to name
    changes : tuple of Change
        All up to `until`, those before the stretch too, in order.
    night_from, night_until : str
        Times of day between which it is night in this household.
    household : str
        Its name, as Settings has it; empty where it was given none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     record = Record.of(journal)
    >>> record.counted, record.days()[-1].complete
    ((), False)
    >>> folder.cleanup()
    """

    episodes: tuple[Episode, ...]
    care: tuple[CareEntry, ...]
    unheard: tuple[Span, ...]
    since: datetime
    until: datetime
    now: datetime
    zone: str
    day_starts: str
    child: str | None
    name: str
    born: date | None
    due: date | None
    caregivers: Mapping[str, str]
    changes: tuple[Change, ...]
    night_from: str = "20:00"
    night_until: str = "07:00"
    household: str = ""

    @property
    def counted(self) -> tuple[Episode, ...]:
        """The episodes that measures count: over, and neither drills nor false alarms."""
        return tuple(one for one in self.episodes if one.counts)

    def days(self) -> tuple[Day, ...]:
        """Give the days that the record touches, in order.

        Returns
        -------
        tuple of Day
        """
        zone = ZoneInfo(self.zone)
        starts = time.fromisoformat(self.day_starts)
        first = self.date_of(self.since)
        end = min(self.until, self.now)
        days: list[Day] = []
        place = 0
        since = _begin(first, starts, zone)
        while since < self.until:
            day = first + timedelta(days=len(days))
            until = _begin(day + timedelta(days=1), starts, zone)
            begin, last = max(since, self.since), min(until, end)
            while place < len(self.unheard) and self.unheard[place].until <= begin:
                place += 1
            unheard = []
            for span in self.unheard[place:]:
                if span.since >= last:
                    break
                unheard.append(Span(max(span.since, begin), min(span.until, last)))
            seen_s = max(0.0, (last - begin).total_seconds())
            heard_s = max(0.0, seen_s - sum(one.seconds for one in unheard))
            whole = begin == since and last == until and not unheard
            days.append(Day(day, since, until, heard_s, tuple(unheard), whole))
            since = until
        return tuple(days)

    def date_of(self, at: datetime) -> date:
        """Give the date of the day that a moment belongs to: of the evening, for a night.

        Parameters
        ----------
        at : datetime
            With a zone.

        Returns
        -------
        date
        """
        day = self.local(at).date()
        starts, zone = time.fromisoformat(self.day_starts), ZoneInfo(self.zone)
        return day if at >= _begin(day, starts, zone) else day - timedelta(days=1)

    def night_of(self, day: date) -> Span:
        """Give the night that belongs to a day: it begins on its evening.

        Parameters
        ----------
        day : date
            As `date_of` gives it.

        Returns
        -------
        Span
        """
        zone = ZoneInfo(self.zone)
        begins, ends = (time.fromisoformat(one) for one in (self.night_from, self.night_until))
        early = begins < time.fromisoformat(self.day_starts)
        first = day + timedelta(days=1) if early else day
        last = first if begins < ends else first + timedelta(days=1)
        return Span(_begin(first, begins, zone), _begin(last, ends, zone))

    def age_weeks(self, at: datetime, corrected: bool = False) -> float | None:
        """Give how old the child is, in weeks.

        Parameters
        ----------
        at : datetime
            With a zone.
        corrected : bool
            Count from the due date, for a child born early (before 37 weeks); of
            others the age is the same.

        Returns
        -------
        float or None
            None where the day of birth is not known; below 0 before the due date.
        """
        if self.born is None:
            return None
        origin = self.born
        if corrected and self.early and self.due is not None:
            origin = self.due
        begin = datetime.combine(origin, time(), ZoneInfo(self.zone))
        return (at.astimezone(UTC) - begin.astimezone(UTC)) / timedelta(weeks=1)

    @property
    def early(self) -> bool:
        """Whether the child was born early, before 37 weeks, as far as that is known."""
        return self.born is not None and self.due is not None and self.due - self.born > _EARLY

    def local(self, at: datetime) -> datetime:
        """Give a moment by the household's clock.

        Parameters
        ----------
        at : datetime
            With a zone.

        Returns
        -------
        datetime
        """
        return at.astimezone(ZoneInfo(self.zone))

    def heard_s(self, since: datetime, until: datetime) -> float:
        """Give how much of a stretch was listened to, within the record and up to now.

        Parameters
        ----------
        since, until : datetime

        Returns
        -------
        float [s]
        """
        begin, end = max(since, self.since), min(until, self.until, self.now)
        seen_s = max(0.0, (end - begin).total_seconds())
        first = bisect_left(self.unheard, begin, key=lambda span: span.until)
        for span in self.unheard[first:]:
            if span.since >= end:
                break
            seen_s -= (min(span.until, end) - max(span.since, begin)).total_seconds()
        return max(0.0, seen_s)

    def between(self, since: datetime, until: datetime) -> Self:
        """Give the part of it that lies in a stretch; nothing is read again.

        Parameters
        ----------
        since, until : datetime
            With a zone; what lies outside the record stays unknown, not calm.

        Returns
        -------
        Record

        Raises
        ------
        ParameterError
            If the stretch has no zone or no length.
        """
        _check_span(since, until)
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        first = bisect_left(self.episodes, since, key=lambda one: one.onset)
        last = bisect_left(self.episodes, until, key=lambda one: one.onset)
        before = since - _CARE_BEFORE
        known = [Span(since, self.since)] if since < self.since else []
        known += self.unheard
        if self.until < until:
            known.append(Span(self.until, until))
        return replace(
            self,
            episodes=self.episodes[first:last],
            care=tuple(
                one
                for one in self.care
                if one.at < until and (one.at >= before or (one.until or one.at) > before)
            ),
            unheard=_clipped(known, since, min(until, self.now)),
            since=since,
            until=until,
            changes=tuple(one for one in self.changes if one.at < until),
        )

    @classmethod
    def of(
        cls,
        journal: Journal,
        *,
        child: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
        known: Self | None = None,
        touched: datetime | None = None,
    ) -> Self:
        """Read a record from a journal.

        Parameters
        ----------
        journal : Journal
        child : str, optional
            Id; by default the only child, or the whole household where there are several.
        since, until : datetime, optional
            With a zone; by default from the begin of the day on which anything is
            known, up to `now`.
        now : datetime, optional
            When it is looked at; by default now.
        known : Record, optional
            All of the child's, read earlier and of the same household: only what
            may have changed since is read again. Without `since` and `until` only.
        touched : datetime, optional
            The earliest moment that was written about since then, from
            `Journal.touched_since`; None: nothing was written.

        Returns
        -------
        Record
            An episode or entry that names no child is the child's where only one
            child sleeps in its room, or lives in the household.

        Raises
        ------
        ParameterError
            If there is no such child, or the stretch has no zone or no length.
        """
        household = journal.household
        children = household.list(Child)
        rooms = household.list(Room)
        settings = household.settings()
        zone, day_starts = _clock(settings)
        now = (now or datetime.now(UTC)).astimezone(UTC)
        until = now if until is None else until
        if child is None and len(children) == 1:
            child = children[0].id
        mine = next((one for one in children if one.id == child), None)
        if child is not None and mine is None:
            named = ", ".join(f"{one.name} ({one.id})" for one in children) or "none yet"
            raise ParameterError(f"there is no child {child!r}; the household has: {named}")

        whose = _Whose(child, children)
        if since is not None:
            _check_span(since, until)
        before = None if since is None else since - _CARE_BEFORE
        kept = None if since is not None else _same_as_before(known, touched)
        episodes = tuple(
            one
            for one in journal.episodes(since=kept or since, until=until, now=now)
            if whose.is_it(one.child, one.room)
        )
        care = tuple(
            one for one in journal.care(kept or before, until) if whose.is_it(one.child, one.room)
        )
        if known is not None and kept is not None:
            episodes = (*(one for one in known.episodes if one.onset < kept), *episodes)
            care = (
                *(one for one in known.care if one.at < kept),
                *(one for one in care if one.at >= kept),
            )
        listened = _rooms_of(mine, rooms, episodes)
        ears = [
            _Ears.of(journal, room, settings.get(HEARD_UNTIL), until=min(until, now))
            for room in listened
        ]
        if since is None:
            firsts = [
                *(one.onset for one in episodes[:1]),
                *(one.at for one in care[:1]),
                *(one.began for one in ears if one.began is not None),
            ]
            earliest = min([*firsts, until - timedelta(microseconds=1)])
            since = _day_begin(earliest, zone, day_starts)
            notes = care
        else:
            notes = tuple(journal.care(until=until, what=("note",)))
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        end = min(until, now)
        unheard = [span for one in ears for span in one.unheard(since, end, now)]
        if not ears and since < end:
            unheard = [Span(since, end)]
        return cls(
            episodes=episodes,
            care=care,
            unheard=_clipped(unheard, since, end),
            since=since,
            until=until,
            now=now,
            zone=zone,
            day_starts=day_starts,
            child=child,
            name=mine.name if mine else "",
            born=mine.born if mine else None,
            due=mine.due if mine else None,
            caregivers={one.id: one.name for one in household.list(Caregiver)},
            changes=_changes(journal, whose, [room.id for room in listened], until, notes),
            night_from=_clock_time(settings.get("night_from"), "20:00"),
            night_until=_clock_time(settings.get("night_until"), "07:00"),
            household=_one_line(settings.get("name")),
        )


def _same_as_before(known: Record | None, touched: datetime | None) -> datetime | None:
    """Give up to when a record that was read earlier still holds; None: not at all."""
    if known is None:
        return None
    going_on = [one.onset for one in known.episodes if one.ended_at is None]
    running = [one.at for one in known.care if one.until is not None and one.until > known.now]
    until = min([known.now, *going_on, *running, *([] if touched is None else [touched])])
    return until if known.since < until else None


def names_a_change(text: str) -> bool:
    """Whether a note of the care log names a change, for nights before and after to be compared.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
        Where it begins with “Change:”, “From today”, “From tonight”, “From now
        on” or “New routine”, in capitals or not.

    Examples
    --------
    >>> names_a_change("From tonight: bath before the last feed"), names_a_change("slept well")
    (True, False)
    """
    return text.strip().casefold().startswith(_CHANGES)


@dataclass(frozen=True, slots=True)
class _Whose:
    """Tells what is a child's, where an event names the child, only the room, or neither."""

    child: str | None
    children: Sequence[Child]

    def is_it(self, child: str | None, room: str | None) -> bool:
        if self.child is None:
            return True
        if child is not None:
            return child == self.child
        if len(self.children) == 1:
            return True
        there = [one.id for one in self.children if one.room == room and room is not None]
        return there == [self.child]


def _rooms_of(
    child: Child | None, rooms: Sequence[Room], episodes: Sequence[Episode]
) -> list[Room]:
    """Give the rooms that have to be heard for a child to be: its own, or else the only one."""
    if child is not None and child.room is not None:
        return [one for one in rooms if one.id == child.room]
    if len(rooms) == 1:
        return list(rooms)
    used = {one.room for one in episodes}
    return [one for one in rooms if one.id in used or (child is None and one.listening)]


@dataclass(frozen=True, slots=True)
class _Ears:
    """When a room was listened to, as far as the journal tells."""

    began: datetime | None
    """The first sign of listening."""
    turns: tuple[tuple[datetime, bool], ...]
    """When it began (True) and ceased (False) to be heard."""
    last: datetime | None
    """The last moment that is known to have been heard; None: it may go on."""

    @classmethod
    def of(cls, journal: Journal, room: Room, noted: Any, *, until: datetime) -> Self:
        turns = tuple(
            (one.at, one.kind == "room_heard")
            for one in journal.events(
                kinds=("room_heard", "room_unheard"), room=room.id, until=until
            )
        )
        firsts = [
            event.at
            for kind in _EARS
            for event in journal.events(kinds=(kind,), room=room.id, until=until, limit=1)
        ]
        began = min([*firsts, *(at for at, _ in turns[:1])], default=None)
        known = _time(noted.get(room.id)) if isinstance(noted, Mapping) else None
        last = None
        if known is not None or not room.listening:
            # Who was not stopped properly left no word of it: only what was heard counts.
            signs = [known, began, *(at for at, heard in turns if heard)]
            signs += [
                event.at
                for kind in _EARS
                for event in journal.events(
                    kinds=(kind,), room=room.id, until=until, limit=1, newest_first=True
                )
            ]
            last = max((one for one in signs if one is not None), default=None)
        return cls(began, turns, last)

    def unheard(self, since: datetime, until: datetime, now: datetime) -> list[Span]:
        """Give the stretches without listening."""
        if self.began is None:
            return _spans([(since, until)])
        pieces = [(since, min(self.began, until))]
        deaf: datetime | None = None
        for at, heard in self.turns:
            if not heard:
                deaf = deaf or at
            elif deaf is not None:
                pieces.append((deaf, at))
                deaf = None
        if deaf is not None:
            pieces.append((deaf, until))
        if self.last is not None and now - self.last > timedelta(seconds=2 * HEARD_EVERY_S):
            pieces.append((self.last, until))
        return _spans(pieces)


def _changes(
    journal: Journal,
    whose: _Whose,
    rooms: Sequence[str],
    until: datetime,
    care: Iterable[CareEntry],
) -> tuple[Change, ...]:
    """Give what began or ended, as people left it."""
    found: list[Change] = []
    plans = journal.events(kinds=_PLANS, until=until)
    if plans:
        events = [*plans, *journal.events(kinds=("removed", "corrected"))]
        for event in resolve(events):
            if event.room is not None and rooms and event.room not in rooms:
                continue
            if event.kind == "plan_started":
                found.append(Change(str(event.id), event.at, "plan_started", _plan(event)))
            elif event.kind == "plan_ended":
                found.append(
                    Change(str(event.id), event.at, "plan_ended", "the check-in plan ended")
                )
    found += [
        Change(one.event, one.at, "note", _first_line(one.text))
        for one in care
        if one.what == "note"
        and one.text is not None
        and names_a_change(one.text)
        and whose.is_it(one.child, one.room)
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.event)))


def _plan(event: Event) -> str:
    waits = [one for one in event.data["waits"] if isinstance(one, int | float)]
    if not waits:
        return "a check-in plan began"
    minutes = ", ".join(f"{one / 60:g}" for one in waits[:5])
    return f"a check-in plan began: visits after {minutes} min"


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0].strip()
    if line.casefold().startswith("change:"):
        line = line[len("change:") :].strip() or "a change"
    return line if len(line) <= 200 else line[:199] + "…"


def _clock(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Give the household's zone and when its days begin; what cannot be read is the default."""
    zone = settings.get("zone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        zone = "UTC"
    return zone, _clock_time(settings.get("day_starts"), "07:00")


def _one_line(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _clock_time(text: Any, default: str) -> str:
    try:
        return text if time.fromisoformat(text).tzinfo is None else default
    except (ValueError, TypeError):
        return default


def _day_begin(at: datetime, zone: str, day_starts: str) -> datetime:
    """Give when the household's day began that a moment belongs to."""
    day = at.astimezone(ZoneInfo(zone)).date()
    begin, _ = day_bounds(day, zone, day_starts)
    return begin if begin <= at else day_bounds(day - timedelta(days=1), zone, day_starts)[0]


def _begin(day: date, starts: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, starts, tzinfo=zone).astimezone(UTC)


def _time(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def _spans(pieces: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    return [Span(since, until) for since, until in pieces if since < until]


def _clipped(spans: Iterable[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Give spans in order and apart, within a stretch."""
    found: list[Span] = []
    for one in sorted(spans, key=lambda span: span.since):
        begin, end = max(one.since, since), min(one.until, until)
        if begin >= end:
            continue
        if found and begin <= found[-1].until:
            if end > found[-1].until:
                found[-1] = Span(found[-1].since, end)
        else:
            found.append(Span(begin, end))
    return tuple(found)


def _check_span(since: datetime, until: datetime) -> None:
    if since.tzinfo is None or until.tzinfo is None:
        raise ParameterError("since and until must have a zone")
    if not since < until:
        raise ParameterError(
            f"since={since.isoformat()} must come before until={until.isoformat()}"
        )
