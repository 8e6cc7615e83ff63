"""Keep stored episodes equal to a fold of all events without folding all events.

A new event touches few episodes: those that it names, those of its room and
time, and those that lie so near that what was laid to one may now belong to the
other. `refold` finds them through three look-ups and folds just their
surroundings; what it gives is what a fold of everything would give for them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from harken.episodes.episode import Episode
from harken.episodes.events import Event, read_time
from harken.episodes.fold import Folding, least
from harken.episodes.settings import EpisodeSettings
from harken.errors import ParameterError

_NAMES = ("target", "bout", "episode", "alert")
_MOMENTS = ("at", "onset")
_WITHOUT_TIME = (
    "removed", "corrected", "confirmed",
    "alert_sent", "alert_failed", "alert_received", "alert_shown", "alert_clicked",
)  # fmt: skip
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Memory(Protocol):
    """What `refold` asks of a journal. To give more than was asked for does no harm.

    The new events may be in it already, or not yet.
    """

    def sharing(self, keys: Collection[UUID]) -> Iterable[Event]:
        """Give the events that have at least one of these among their `keys`."""
        ...

    def between(self, room: str | None, since: datetime, until: datetime | None) -> Iterable[Event]:
        """Give the events with one of their `times` in a stretch; until None: to the end.

        Those of the room, and those of kind `corrected` of any room.
        """
        ...

    def episodes(
        self, room: str | None, since: datetime, until: datetime | None
    ) -> Iterable[Episode]:
        """Give the stored episodes of the room that overlap a stretch of time.

        An episode reaches from `onset` to `ended_at`, or on for ever.
        """
        ...


@dataclass(frozen=True, slots=True)
class Refolded:
    """What is to be put in the place of what.

    Parameters
    ----------
    bouts : frozenset of str
        Every stored episode that holds any of these bouts goes.
    episodes : tuple of Episode
        These come, in order of onset.
    """

    bouts: frozenset[str]
    episodes: tuple[Episode, ...]


def keys(event: Event) -> frozenset[UUID]:
    """Give the ids that an event carries: its own, and those of what it is about.

    Parameters
    ----------
    event : Event

    Returns
    -------
    frozenset of UUID
        Its id, and those of the event, bout, episode and alert that it names or,
        for a correction, would have its target name.

    Examples
    --------
    >>> from harken.episodes.events import new_id
    >>> target = new_id()
    >>> event = Event("removed", datetime(2026, 1, 1, tzinfo=UTC), data={"target": str(target)})
    >>> keys(event) == {event.id, target}
    True
    """
    found = {event.id}
    for data in _data(event):
        for name in _NAMES:
            try:
                found.add(UUID(data[name]))
            except (KeyError, ValueError, TypeError, AttributeError):
                continue
    return frozenset(found)


def times(event: Event) -> tuple[datetime, ...]:
    """Give the moments that an event bears on, or would have its target bear on.

    Parameters
    ----------
    event : Event

    Returns
    -------
    tuple of datetime
        Its own first.

    Examples
    --------
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> event = Event("corrected", at, data={"target": str(UUID(int=1)), "at": "2026-01-01T09:00Z"})
    >>> [one.hour for one in times(event)]
    [0, 9]
    """
    found = [event.at]
    for data in _data(event):
        for name in _MOMENTS:
            try:
                found.append(read_time(data[name]))
            except (KeyError, ParameterError):
                continue
    return tuple(found)


def refold(
    new: Iterable[Event], memory: Memory, settings: EpisodeSettings | None = None
) -> Refolded:
    """Fold anew what new events touch.

    Parameters
    ----------
    new : iterable of Event
    memory : Memory
        The events so far, and the episodes that a fold of them gave, with the
        same settings and without `now`.
    settings : EpisodeSettings, optional

    Returns
    -------
    Refolded

    Examples
    --------
    >>> class Nothing:
    ...     def sharing(self, keys): return []
    ...     def between(self, room, since, until): return []
    ...     def episodes(self, room, since, until): return []
    >>> refold([], Nothing())
    Refolded(bouts=frozenset(), episodes=())
    """
    settings = settings or EpisodeSettings()
    # The furthest that anything is laid to, or joined with: one step past what may move.
    furthest = max(settings.already_there, settings.voice_before) + settings.late_notes
    reach = timedelta(seconds=settings.calm_after + furthest + 1)
    pool = _Pool(memory)
    pool.add(new)
    pool.close()
    touched = _Stretches()
    for room, first, last in _moments(pool.events):
        touched.add(room, _shift(first, -reach), _shift(last, reach))

    bouts: set[str] = set()
    while True:
        size = touched.size, len(bouts)
        old: dict[str, Episode] = {}
        for room, since, until in touched:
            for episode in memory.episodes(room, since, until):
                old[episode.id] = episode
                bouts.update(one.bout for one in episode.bouts)
        pool.ask(UUID(bout) for bout in bouts)
        around = _Stretches()
        for room, since, until in touched:
            around.add(room, since, until)
        for one in (*old.values(), *pool.episodes(settings, bouts, touched)):
            around.add(one.room, one.onset, one.ended_at)
        for room, since, until in around:
            near = _shift(since, -reach), until and _shift(until, reach)
            pool.add(memory.between(room, *near))
            pool.take(memory.episodes(room, *near))
        made = pool.episodes(settings, bouts, touched)
        bouts.update(one.bout for episode in made for one in episode.bouts)
        was = {_extent(one) for one in old.values()}
        for room, since, until, _ in was ^ {_extent(one) for one in made}:
            touched.add(room, _shift(since, -reach), until and _shift(until, reach))
        if size == (touched.size, len(bouts)):
            return Refolded(frozenset(bouts), tuple(made))


class _Stretches:
    """Stretches of time in rooms."""

    def __init__(self) -> None:
        self._of: defaultdict[str | None, list[tuple[datetime, datetime | None]]]
        self._of = defaultdict(list)
        self.size = 0

    def add(self, room: str | None, since: datetime, until: datetime | None) -> None:
        """Add one, joined with those that it meets."""
        apart: list[tuple[datetime, datetime | None]] = []
        grown = since, until
        for one in self._of[room]:
            if one[0] <= (grown[1] or _LAST) and grown[0] <= (one[1] or _LAST):
                ends = (one[1], grown[1])
                grown = min(one[0], grown[0]), None if None in ends else max(filter(None, ends))
            else:
                apart.append(one)
        if grown not in self._of[room]:
            self.size += 1
        self._of[room] = [*apart, grown]

    def __iter__(self) -> Iterator[tuple[str | None, datetime, datetime | None]]:
        every = [(room, *one) for room, stretches in self._of.items() for one in stretches]
        return iter(every)

    def meet(self, room: str | None, since: datetime, until: datetime | None) -> bool:
        """Whether one of them overlaps a stretch."""
        return any(
            one <= (until or _LAST) and since <= (other or _LAST)
            for one, other in self._of.get(room, ())
        )


class _Pool:
    """The events found so far, with all that share an id with them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._asked: set[UUID] = set()
        self._wanted: set[UUID] = set()
        self._whole: set[str] = set()
        self._seen: set[str] = set()
        self.events: dict[UUID, Event] = {}

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            known = self.events.get(event.id)
            if known is None:
                self._wanted |= keys(event)
                self.events[event.id] = event
            elif known != event:
                self._wanted |= keys(event)
                self.events[event.id] = least(known, event)

    def ask(self, wanted: Iterable[UUID]) -> None:
        self._wanted.update(wanted)

    def take(self, episodes: Iterable[Episode]) -> None:
        """Add all of an episode, and what ended it, for it must end at the same time again."""
        for episode in episodes:
            bouts = {one.bout for one in episode.bouts}
            if not bouts <= self._whole:
                self._whole |= bouts
                self.ask(UUID(bout) for bout in bouts)
                self.add(self._memory.between(episode.room, episode.onset, episode.ended_at))

    def close(self) -> None:
        while wanted := self._wanted - self._asked:
            self._asked |= wanted
            self.add(self._memory.sharing(wanted))

    def episodes(
        self, settings: EpisodeSettings, bouts: set[str], touched: _Stretches
    ) -> list[Episode]:
        """Fold, and give the episodes that hold one of the bouts or lie where something changed."""
        self.close()
        folding = Folding(self.events.values(), settings)
        # A bout without the others of its episode would make another episode.
        while torn := [
            bout
            for bout in folding.bouts.values()
            if bout.end != "withdrawn" and bout.id not in self._seen
        ]:
            for bout in torn:
                self._seen.add(bout.id)
                self.take(self._memory.episodes(bout.room, bout.onset, bout.heard_until))
            self.close()
            folding = Folding(self.events.values(), settings)
        return [
            one
            for one in folding.episodes()
            if touched.meet(one.room, one.onset, one.ended_at)
            or any(cried.bout in bouts for cried in one.bouts)
        ]


_Heard = frozenset[tuple[str, datetime, datetime, str]]


def _extent(episode: Episode) -> tuple[str | None, datetime, datetime | None, _Heard]:
    """Give what decides which events are laid to an episode and not to its neighbours."""
    heard = ((one.bout, one.onset, one.heard_until, one.end) for one in episode.bouts)
    return episode.room, episode.onset, episode.ended_at, frozenset(heard)


def _data(event: Event) -> tuple[Any, ...]:
    change = event.data.get("data") if event.kind == "corrected" else None
    return (event.data, change) if isinstance(change, dict) else (event.data,)


def _moments(
    events: Mapping[UUID, Event],
) -> list[tuple[str | None, datetime, datetime]]:
    """Give where and when events may be laid to an episode by room and time."""
    told: dict[UUID, list[datetime]] = {}
    for event in events.values():
        if event.kind == "corrected":
            # When it was corrected matters to nobody, when it would have been does.
            told.setdefault(UUID(event.data["target"]), []).extend(times(event)[1:])
    found = []
    for event in events.values():
        named = event.data.get("episode") is not None and event.id not in told
        if not named and event.kind not in _WITHOUT_TIME:
            moments = [*times(event), *told.get(event.id, ())]
            found.append((event.room, min(moments), max(moments)))
    return found


def _shift(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return _LAST if by > timedelta(0) else _FIRST
