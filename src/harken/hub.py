"""The one process at home that hears, decides, remembers and serves the pages.

The composition root: it opens the journal, listens to the rooms, asks the
ladder who should be told, lets the dispatcher tell them, and gives the pages
what they show. It decides nothing itself.
"""

import asyncio
import contextlib
import ctypes
import logging
import math
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.answering.channels.homeassistant import RoomCard, RoomState
from harken.answering.channels.push import VapidKeys
from harken.answering.channels.senders import Senders, channels_of
from harken.answering.dispatch import Dispatcher, try_channel
from harken.answering.ladder import LADDER_KINDS, RECENT_S, Situation, decide
from harken.answering.plan import ActivePlan
from harken.clips import Clips
from harken.episodes import Episode, Event, new_id
from harken.errors import HarkenError, ParameterError
from harken.exchange import Inbox
from harken.hearing import HOP_S, Detector, open_detector
from harken.insight.record import HEARD_EVERY_S, HEARD_UNTIL
from harken.journal import (
    Caregiver,
    Channel,
    Child,
    Device,
    DutyTurn,
    Journal,
    Plan,
    PushSubscription,
    Room,
)
from harken.rooms import Glimpse, Listener
from harken.simulate.voice import cry
from harken.sound import EarSource, Source, open_source
from harken.web.contract import Hearing, News, Saying, TestResult, Viewer

log = logging.getLogger("harken")

_LOOK_S = 0.5
_TICK_S = 1.0
_WAITING_NEWS = 512
_TEST_CRY_S = 8.0
_DRILL_LASTS = timedelta(minutes=3)
_PLAYED_S = 12.0
"""How long a phrase or clip may sound in the room; voices are no answers meanwhile."""
_M_ARENA_MAX = -8
"""Of malloc.h in glibc."""
_LAST_EPISODES = timedelta(hours=2)
_OF_THE_HOUSEHOLD = ("push_lost", "something_wrong", "calmed", "alert_due")
"""Kinds of the ladder that may be about no room, and then about all."""


@dataclass(slots=True, eq=False)
class _Room:
    """What the hub holds of a room, so that a snapshot needs no disk."""

    room: Room
    listener: Listener | None = None
    ear: EarSource | None = None
    episodes: list[Episode] = field(default_factory=list)
    """Time-free forms of those of the last hours, in order of onset."""
    recent: list[Event] = field(default_factory=list)
    """What the ladder must know of the past."""
    duty: Sequence[DutyTurn] = ()
    plan: ActivePlan | None = None
    never_heard: bool = False
    """Whether the journal does not say yet that it was ever heard, or was not."""
    next_told: tuple[str | None, datetime] | None = None
    held: tuple[int | None, datetime] | None = None
    wake_at: datetime | None = None

    def current(self, now: datetime) -> Episode | None:
        """Give the episode that is open, a drill only where there is no other."""
        found = [one for one in (e.as_of(now) for e in self.episodes) if one.open]
        found.sort(key=lambda one: (not one.drill, one.onset))
        return found[-1] if found else None

    def last(self, now: datetime) -> Episode | None:
        """Give the newest that is over."""
        over = [one for one in (e.as_of(now) for e in self.episodes) if not one.open]
        return over[-1] if over else None


@dataclass(slots=True)
class _Household:
    """What the snapshot shows of the household; read again when it changes."""

    name: str = "Harken"
    zone: str = "UTC"
    day_starts: str = "07:00"
    settings: dict[str, Any] = field(default_factory=dict)
    children: Sequence[Child] = ()
    caregivers: Sequence[Caregiver] = ()
    channels: Sequence[Channel] = ()

    def name_of(self, caregiver: str | None) -> str | None:
        return next((one.name for one in self.caregivers if one.id == caregiver), None)


@dataclass(slots=True)
class _Drill:
    id: str
    room: str
    started: datetime
    episode: Episode | None = None
    over: bool = False


class Hub:
    """Everything that runs at home, in one event loop.

    Parameters
    ----------
    journal : Journal
        Open; closed by its owner.
    model : str
        As `open_detector` takes it.
    sources : mapping of room id to callable, optional
        Opens the sound of a room in place of its own ear; for the demo and tests.
    clips : Clips, optional
        Where clips of cries are kept if the household asks for it; without it none are.
    sounder : bool
        Whether the hub's own loudspeaker may sound.
    base_url : str
        Where phones open the pages; alerts link there.
    contact : str, optional
        Whom a push service may write to: ``mailto:`` or ``https://``.
    now : callable
        The time of day, with a zone.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        model: str = "auto",
        sources: Mapping[str, Callable[[], Source]] | None = None,
        clips: Clips | None = None,
        sounder: bool = True,
        base_url: str = "http://localhost:8437",
        contact: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._model = model
        self._sources = dict(sources or {})
        self._clips = clips
        self._clips_seen_at: datetime | None = None
        self._noted_at = now()
        self._now = now
        self._home = _Household()
        self._rooms: dict[str, _Room] = {}
        self._drills: dict[str, _Drill] = {}
        self._problems: list[dict[str, Any]] = []
        self._listeners: set[asyncio.Queue[News]] = set()
        self._heard: asyncio.Queue[list[Event]] = asyncio.Queue()
        self._poke = asyncio.Event()
        self._reading = threading.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sounder = sounder
        self._base_url = base_url
        self._contact = contact
        self._keys = VapidKeys.load(journal.household)
        self._senders: Senders | None = None
        self._inbox = Inbox(journal)
        self._dispatcher = Dispatcher(
            journal,
            record=self.record,
            senders=lambda channel: self._senders.get(channel) if self._senders else None,
            clock=now,
        )

    @property
    def journal(self) -> Journal:
        """The open journal."""
        return self._journal

    async def start(self) -> None:
        """Read the past, go on with what was unfinished, and begin to listen."""
        self._loop = asyncio.get_running_loop()
        _share_memory()
        await asyncio.to_thread(self._read_household)
        for room in await asyncio.to_thread(self._journal.household.list, Room):
            await self._open_room(room)
        self._senders = Senders(
            publish=self._tell_pages,
            on_press=self._pressed,
            on_gone=self._gone,
            keys=self._keys,
            contact=self._contact,
            on_reading=self._inbox.take,
        )
        await self._update_senders()
        self._tasks = [
            asyncio.create_task(work(), name=f"hub {work.__name__}")
            for work in (
                self._take_heard,
                self._climb,
                self._watch,
                self._dispatcher.run,
                self._inbox.run,
            )
        ]
        self._poke.set()

    async def close(self) -> None:
        """Stop listening and telling; what is due stays due."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(
            *(asyncio.to_thread(one.listener.close) for one in self._rooms.values() if one.listener)
        )
        await self._note_heard()
        heard: list[Event] = []
        while not self._heard.empty():
            heard += self._heard.get_nowait()
        if heard:
            # What the rooms told in the last moment is kept, if it can be.
            with contextlib.suppress(HarkenError):
                kept = [self._with_child(event) for event in heard]
                await asyncio.to_thread(self._journal.append, kept)
        if self._senders is not None:
            await self._senders.aclose()
        await self._inbox.flush()

    # Until when each room was heard: a hub that is killed can say nothing, and that is no calm.

    async def _note_heard(self) -> None:
        """Write down until when the rooms were heard, and that they are where nothing says so."""
        now = self._now()
        self._noted_at = now
        heard = {
            name: until
            for name, state in self._rooms.items()
            if state.listener is not None and (until := state.listener.heard_until) is not None
        }
        if not heard:
            return
        first = [
            self._with_child(Event("room_heard", heard[name], room=name, zone=self._home.zone))
            for name, state in self._rooms.items()
            if state.never_heard and name in heard
        ]
        household = self._journal.household

        def write() -> None:
            noted = household.get_setting(HEARD_UNTIL)
            noted = noted if isinstance(noted, dict) else {}
            times = {name: until.isoformat() for name, until in heard.items()}
            household.set_setting(HEARD_UNTIL, {**noted, **times})
            self._journal.append(first)

        # What cannot be written now is written the next time.
        with contextlib.suppress(HarkenError):
            await asyncio.to_thread(write)
            for event in first:
                if event.room in self._rooms:
                    self._rooms[event.room].never_heard = False

    def _away(self, room: str, now: datetime) -> datetime | None:
        """Give the last moment at which a room was heard, where nobody has listened since."""
        noted = self._journal.household.get_setting(HEARD_UNTIL)
        try:
            last = datetime.fromisoformat(noted[room])
        except (KeyError, TypeError, ValueError):
            return None
        return last if now - last > timedelta(seconds=2 * HEARD_EVERY_S) else None

    # Clips of cries, where the household has asked for them.

    @property
    def _keeps_clips(self) -> bool:
        return self._clips is not None and self._days_of_clips > 0

    @property
    def _days_of_clips(self) -> float:
        return float(self._home.settings.get("keep_audio_days") or 0)

    def _keep_clip(self, bout: str, samples: NDArray[np.float32]) -> None:
        """Take a clip from a listener's thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is gone: the hub is closing
            asyncio.run_coroutine_threadsafe(self._write_clip(bout, samples), self._loop)

    async def _write_clip(self, bout: str, samples: NDArray[np.float32]) -> None:
        if self._clips is None or not self._keeps_clips or not len(samples):
            return
        try:
            await asyncio.to_thread(self._clips.keep, bout, samples)
            self._settle_problem("clips")
        except HarkenError as error:
            self._raise_problem("clips", _one_line(error))

    async def _forget_clips(self, now: datetime) -> None:
        """Delete what is older than the household wants; once an hour, and when that changes."""
        seen = self._clips_seen_at
        if self._clips is None or (seen is not None and now - seen < timedelta(hours=1)):
            return
        self._clips_seen_at = now
        before = now - timedelta(days=self._days_of_clips) if self._keeps_clips else None
        await asyncio.to_thread(self._clips.forget, before=before)

    async def clip(self, bout: str) -> bytes | None:
        """Give the clip of a bout as FLAC; None where none is kept."""
        return None if self._clips is None else await asyncio.to_thread(self._clips.read, bout)

    def has_clip(self, bout: str) -> bool:
        """Say whether a clip of a bout is kept."""
        return self._clips is not None and self._clips.has(bout)

    async def forget_clips(self) -> int:
        """Delete all clips now, and say how many."""
        return 0 if self._clips is None else await asyncio.to_thread(self._clips.forget)

    # Reading the past.

    def _read_household(self) -> None:
        household = self._journal.household
        settings = household.settings()
        self._home = _Household(
            name=str(settings.get("name", "Harken")),
            zone=str(settings.get("zone", "UTC")),
            day_starts=str(settings.get("day_starts", "07:00")),
            settings=settings,
            children=household.list(Child),
            caregivers=household.list(Caregiver),
            channels=channels_of(
                [one for one in household.list(Channel) if one.kind != "speaker" or self._sounder],
                household.list(PushSubscription),
                household.list(Device),
            ),
        )

    async def _update_senders(self) -> None:
        assert self._senders is not None
        household = self._journal.household
        channels = await asyncio.to_thread(household.list, Channel)
        subscriptions = await asyncio.to_thread(household.list, PushSubscription)
        await self._senders.update(channels, subscriptions)
        for broker in self._senders.mqtt:
            broker.announce(
                [
                    RoomCard(one.room.id, one.room.name, url=self._base_url)
                    for one in self._rooms.values()
                ]
            )
        self._tell_brokers()

    def _tell_brokers(self) -> None:
        if self._senders is None or not self._senders.mqtt:
            return
        for room in self.state(None)["rooms"]:
            for broker in self._senders.mqtt:
                broker.update(room["id"], RoomState.from_snapshot(room))

    async def _tell_pages(self, message: dict[str, Any]) -> None:
        self._publish(("alert", message))

    async def _pressed(self, room: str, button: str) -> None:
        """Take a button of Home Assistant for a tap."""
        kind = "acknowledged" if button == "going" else "responded"
        data = {} if button == "going" else {"manner": "arrived", "source": "tapped"}
        await self.record(
            [Event(kind, self._now(), room=room, by="device:mqtt", zone=self._home.zone, data=data)]
        )

    async def _gone(self, subscription: PushSubscription) -> None:
        """Tell the household that a phone fell off."""
        household, now = self._journal.household, self._now()
        device = await asyncio.to_thread(household.get, Device, subscription.device)
        await asyncio.to_thread(household.update, replace(subscription, failed_at=now))
        data = {"device": device.name if device else subscription.device}
        if device is not None and device.caregiver is not None:
            data["caregiver"] = device.caregiver
        await self.record([Event("push_lost", now, zone=self._home.zone, data=data)])
        await self.household_changed()

    async def _open_room(self, room: Room) -> None:
        state = _Room(room)
        self._rooms[room.id] = state
        was_heard = await asyncio.to_thread(self._read_room, state)
        if not room.listening or (room.ear == "off" and room.id not in self._sources):
            return
        rule: dict[str, object] = {}
        if room.threshold is not None:
            rule = {"on": room.threshold, "off": room.threshold * 0.7}
        state.listener = Listener(
            room.id,
            lambda: self._source(state),
            self._detector,
            self._tell,
            rule=rule,
            zone=self._home.zone,
            was_heard=was_heard,
            keep_clip=self._keep_clip if self._keeps_clips else None,
            now=self._now,
        )
        state.listener.start()

    def _detector(self) -> Detector:
        return open_detector(self._model)

    def _source(self, state: _Room) -> Source:
        room = state.room
        if room.id in self._sources:
            return self._sources[room.id]()
        if room.ear == "browser":
            state.ear = EarSource(name=room.name, silence_after_s=8.0)
            return state.ear
        if room.ear == "microphone":
            return open_source(room.source or "mic")
        return open_source(room.source, realtime=room.ear == "file")

    def _read_room(self, state: _Room) -> bool | None:
        """Read what happened; end what the last run left open. Gives whether it was heard."""
        room = state.room.id
        now = self._now()
        self._read_recent(state)
        heard = self._journal.last_event("room_heard", room)
        unheard = self._journal.last_event("room_unheard", room)
        was_heard = None
        if heard or unheard:
            was_heard = not unheard or bool(heard and heard.at >= unheard.at)
        away = self._away(room, now) if was_heard is not False else None
        if away is not None:
            data = {
                "reason": "nobody listened: Harken or this room was off",
                "detected_at": now.isoformat(),
            }
            told = Event("room_unheard", away, room=room, zone=self._home.zone, data=data)
            self._journal.append([self._with_child(told)])
            was_heard = False
        state.never_heard = was_heard is None
        lost = [
            Event("cry_lost", bout.heard_until, room=room, zone=self._home.zone,
                  data={"bout": bout.bout})
            for episode in state.episodes
            for bout in episode.bouts
            if bout.end == "open"
        ]  # fmt: skip
        if lost:
            # Nobody knows how it went on while the hub was away; it is told on until somebody does.
            self._journal.append(lost)
            self._read_recent(state)
            return False
        if any(one.as_of(now).open for one in state.episodes):
            return False
        return was_heard

    def _read_recent(self, state: _Room) -> None:
        # One at a time: of two that read at once, the one that saw less could be the last to write.
        with self._reading:
            self._read_past(state)

    def _read_past(self, state: _Room) -> None:
        room, now = state.room.id, self._now()
        since = now - _LAST_EPISODES
        state.episodes = self._journal.stored_episodes(room, since=since)
        unfinished = [one.onset for one in state.episodes if one.as_of(now).open]
        earliest = min([now - timedelta(seconds=RECENT_S), *unfinished])
        of_all = self._journal.events(since=earliest, kinds=_OF_THE_HOUSEHOLD)
        state.recent = [
            *self._journal.events(since=earliest, kinds=LADDER_KINDS, room=room),
            *(event for event in of_all if event.room is None),
        ]
        state.duty = self._journal.household.duty(room)
        state.plan = self._active_plan(room, now)

    def _read_all(self, states: Sequence[_Room]) -> None:
        for state in states:
            self._read_recent(state)

    def _active_plan(self, room: str, now: datetime) -> ActivePlan | None:
        started = self._journal.last_event("plan_started", room)
        ended = self._journal.last_event("plan_ended", room)
        running = started is not None and (ended is None or ended.at < started.at)
        for plan in self._journal.household.list(Plan, room=room):
            tonight = ActivePlan.tonight(
                plan,
                now,
                zone=self._home.zone,
                day_starts=self._home.day_starts,
                read_evidence=bool(running and started and started.data.get("read_evidence")),
            )
            if tonight is not None:
                return tonight
        return ActivePlan.from_event(started) if running and started else None

    # Writing.

    def _tell(self, events: list[Event]) -> None:
        """Take events from a listener's thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is gone: the hub is closing
            self._loop.call_soon_threadsafe(self._heard.put_nowait, events)

    async def record(self, events: Sequence[Event]) -> list[Event]:
        """Write events; durable when this returns.

        Parameters
        ----------
        events : sequence of Event

        Returns
        -------
        list[Event]
            Those that were new.
        """
        events = [self._with_child(event) for event in events]
        new = await asyncio.to_thread(self._journal.append, events)
        if not new:
            return new
        rooms = {event.room for event in new}
        touched = [state for room, state in self._rooms.items() if room in rooms or None in rooms]
        await asyncio.to_thread(self._read_all, touched)
        for event in new:
            if event.kind == "push_lost":
                text = "A phone can no longer be reached by push."
                self._publish(("problem", {"kind": "push_lost", "text": text,
                                           "since": event.at.isoformat()}))  # fmt: skip
        self._note_drills()
        self._publish(("state", {}))
        self._poke.set()
        self._dispatcher.nudge()
        self._tell_brokers()
        return new

    def _with_child(self, event: Event) -> Event:
        """Say whose room it is, where only one child sleeps in it."""
        if event.child is not None or event.room is None:
            return event
        children = [one.id for one in self._home.children if one.room == event.room]
        return replace(event, child=children[0]) if len(children) == 1 else event

    async def _take_heard(self) -> None:
        while True:
            events = await self._heard.get()
            while not self._heard.empty():
                events = [*events, *self._heard.get_nowait()]
            await self._persist(events)

    async def _persist(self, events: list[Event]) -> None:
        """Write what was heard, trying again for as long as the disk refuses."""
        wait_s = 0.5
        while True:
            try:
                await self.record(events)
                self._settle_problem("journal")
                return
            except HarkenError as error:
                log.error("the journal cannot be written: %s", error)
                self._raise_problem("journal", f"Nothing can be written down: {error}")
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 30.0)

    def _raise_problem(self, kind: str, text: str) -> None:
        if all(one["kind"] != kind for one in self._problems):
            problem = {"kind": kind, "text": text, "since": self._now().isoformat()}
            self._problems.append(problem)
            self._publish(("problem", problem))

    def _settle_problem(self, kind: str) -> None:
        self._problems = [one for one in self._problems if one["kind"] != kind]

    # Deciding.

    async def _climb(self) -> None:
        """Ask the ladder whenever something happened or the time has come."""
        while True:
            now = self._now()
            waits = [
                (state.wake_at - now).total_seconds()
                for state in self._rooms.values()
                if state.wake_at is not None
            ]
            with contextlib.suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it can swallow the cancelling that ends this task.
                async with asyncio.timeout(max(0.02, min([5.0, *waits]))):
                    await self._poke.wait()
            self._poke.clear()
            try:
                await self._decide_all()
            except Exception as error:
                # Whatever breaks here must not end the telling: it is said and tried again.
                log.error("the ladder could not be climbed: %s", error)
                self._raise_problem("ladder", f"Nobody can be told: {_one_line(error)}")
                await asyncio.sleep(1.0)
            else:
                self._settle_problem("ladder")

    async def _decide_all(self) -> None:
        now = self._now()
        for state in list(self._rooms.values()):
            decision = decide(self._situation(state, now))
            told = decision.next_told, decision.held_until
            changed = told != (state.next_told, state.held[1] if state.held else None)
            state.next_told = decision.next_told
            state.held = (
                (decision.visit, decision.held_until) if decision.held_until is not None else None
            )
            state.wake_at = decision.wake_at
            if decision.events:
                await self.record(decision.events)
            elif changed:
                self._publish(("state", {}))

    def _situation(self, state: _Room, now: datetime) -> Situation:
        glimpse = state.listener.glimpse() if state.listener else None
        level = glimpse.level_dbfs if glimpse and math.isfinite(glimpse.level_dbfs) else None
        listening = [one for one in self._rooms.values() if one.room.listening]
        return Situation(
            now=now,
            room=state.room,
            children=[one for one in self._home.children if one.room == state.room.id],
            caregivers=self._home.caregivers,
            episodes=[one.as_of(now) for one in state.episodes],
            crying_now=bool(glimpse and glimpse.bout),
            level_dbfs=level,
            heard=bool(glimpse and glimpse.heard),
            unheard_since=glimpse.unheard_since if glimpse else None,
            unheard_reason=glimpse.reason if glimpse else None,
            duty=state.duty,
            plan=state.plan,
            channels=self._home.channels,
            recent=state.recent,
            only_ear=len(listening) <= 1,
            zone=self._home.zone,
            day_starts=self._home.day_starts,
        )

    async def _watch(self) -> None:
        """See whether the rooms are heard, let time pass on the pages, end drills."""
        last_tick = 0.0
        known: dict[str, tuple[object, ...]] = {}
        assert self._loop is not None
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                busy = self._look(known)
                await self._end_drills(self._now())
                await self._forget_clips(self._now())
                if self._now() - self._noted_at >= timedelta(seconds=HEARD_EVERY_S):
                    await self._note_heard()
            except Exception as error:
                # A room that is not watched could fall silent unseen.
                log.error("the rooms could not be looked at: %s", error)
                self._raise_problem("watch", f"Rooms are not watched: {_one_line(error)}")
                continue
            self._settle_problem("watch")
            if busy and self._loop.time() - last_tick >= _TICK_S:
                last_tick = self._loop.time()
                self._publish(("state", {}))

    def _look(self, known: dict[str, tuple[object, ...]]) -> bool:
        """See how each room stands, and tell where that changed; say whether one cries."""
        now, busy = self._now(), False
        for name, state in self._rooms.items():
            if state.listener is None:
                continue
            state.listener.check()
            glimpse = state.listener.glimpse()
            current = state.current(now)
            busy = busy or current is not None
            stand = (glimpse.heard, glimpse.crying, glimpse.provisional,
                     current.id if current else None)  # fmt: skip
            if known.get(name) != stand:
                known[name] = stand
                self._poke.set()
                self._publish(("state", {}))
                self._tell_brokers()
            if glimpse.bout is not None:
                # Its level may have crossed the one at which phones ring at once.
                self._poke.set()
        return busy

    # Telling the pages.

    def _publish(self, news: News) -> None:
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    @asynccontextmanager
    async def subscribe(self, viewer: Viewer | None = None) -> AsyncIterator[AsyncIterator[News]]:
        """Listen to what happens; see `harken.web.contract.HubCalls`."""
        queue: asyncio.Queue[News] = asyncio.Queue(_WAITING_NEWS)
        self._listeners.add(queue)

        async def news() -> AsyncIterator[News]:
            while True:
                yield await queue.get()

        try:
            yield news()
        finally:
            self._listeners.discard(queue)

    def state(self, viewer: Viewer | None) -> dict[str, Any]:
        """Give the snapshot that pages render; see `harken.web.contract.HubCalls`."""
        now = self._now()
        rooms = [
            self._room_shown(state, now)
            for state in self._rooms.values()
            if viewer is None or viewer.sees_room(state.room.id, self._children_of(state.room.id))
        ]
        cares = viewer is None or viewer.cares
        settings = self._home.settings
        return {
            "now": now.isoformat(),
            "household": {"name": self._home.name, "zone": self._home.zone},
            "me": viewer.me() if viewer else None,
            "rooms": rooms,
            "caregivers": [
                {"id": one.id, "name": one.name}
                for one in self._home.caregivers
                if cares and one.role != "viewer"
            ],
            "problems": list(self._problems) if cares else [],
            "settings": {
                "night_from": settings.get("night_from", "20:00"),
                "night_until": settings.get("night_until", "07:00"),
                "four_questions": bool(settings.get("four_questions", False)),
            },
        }

    def _children_of(self, room: str) -> list[str]:
        return [one.id for one in self._home.children if one.room == room]

    def _room_shown(self, state: _Room, now: datetime) -> dict[str, Any]:
        room, listener = state.room, state.listener
        glimpse = listener.glimpse() if listener else None
        current, last = state.current(now), state.last(now)
        standing, since = _standing(state, glimpse, current, last)
        level = glimpse.level_dbfs if glimpse else -math.inf
        return {
            "id": room.id,
            "name": room.name,
            "children": [
                {"id": one.id, "name": one.name}
                for one in self._home.children
                if one.room == room.id
            ],
            "ear": room.ear,
            "heard": bool(glimpse and glimpse.heard),
            "unheard_since": _iso(glimpse.unheard_since) if glimpse else None,
            "unheard_reason": glimpse.reason if glimpse and not glimpse.heard else None,
            "state": standing,
            "since": _iso(since),
            "provisional": bool(glimpse and glimpse.bout and glimpse.provisional),
            "level_dbfs": round(level, 1) if math.isfinite(level) else None,
            "episode": self._episode_shown(state, current, glimpse) if current else None,
            "last": self._last_shown(last) if last else None,
        }

    def _episode_shown(
        self, state: _Room, episode: Episode, glimpse: Glimpse | None
    ) -> dict[str, Any]:
        name = self._home.name_of
        kinds = {one.id: one.kind for one in self._home.channels}
        course = glimpse.course if glimpse and glimpse.course else None
        return {
            "id": episode.id,
            "onset": _iso(episode.onset),
            "crying_s": round(episode.crying_s, 1),
            "course": course,
            "told": [
                {
                    "alert": one.alert,
                    "caregiver": one.caregiver,
                    "name": name(one.caregiver),
                    "channel": kinds.get(one.channel, one.channel),
                    "due": _iso(one.due),
                    "sent": _iso(one.sent),
                    "shown": _iso(one.shown),
                    "failed": one.failed,
                }
                for one in episode.alerts
            ],
            "going": [
                {"event": one.event, "caregiver": one.caregiver, "name": name(one.caregiver),
                 "at": _iso(one.at)}
                for one in episode.acknowledgements
            ],
            "there": [
                {"event": one.event, "caregiver": one.caregiver, "name": name(one.caregiver),
                 "at": _iso(one.at), "manner": one.manner, "source": one.source}
                for one in episode.responses
            ],
            "soothing": [
                {"event": one.event, "attempt": one.attempt, "caregiver": one.caregiver,
                 "name": name(one.caregiver), "at": _iso(one.at)}
                for one in episode.soothing
            ],
            "checks": [
                {"event": one.event, "need": one.need, "found": one.found, "at": _iso(one.at)}
                for one in episode.checks
            ],
            "proposed": [
                {"event": one.event, "at": _iso(one.at), "until": _iso(one.until)}
                for one in episode.proposed
            ],
            "calm_at": _iso(episode.calm_at),
            "false_alarm": episode.false_alarm,
            "drill": episode.drill,
            "next": None if state.next_told is None else {
                "caregiver": state.next_told[0],
                "name": name(state.next_told[0]),
                "at": _iso(state.next_told[1]),
            },
            "plan": None if state.held is None else {
                "visit": state.held[0], "until": _iso(state.held[1]),
            },
        }  # fmt: skip

    def _last_shown(self, episode: Episode) -> dict[str, Any]:
        first = episode.first_response
        return {
            "id": episode.id,
            "onset": _iso(episode.onset),
            "outcome": str(episode.outcome),
            "latency_s": episode.latency_s,
            "crying_s": round(episode.crying_s, 1),
            "ended_at": _iso(episode.ended_at),
            "calm_at": _iso(episode.calm_at),
            "helped": episode.helped,
            "answered_by": self._home.name_of(first.caregiver) if first else None,
            "false_alarm": episode.false_alarm,
            "drill": episode.drill,
        }

    # What pages ask for.

    def _state_of(self, room: str) -> _Room:
        if room not in self._rooms:
            raise ParameterError(f"room {room!r} is not known")
        return self._rooms[room]

    def hears(self, room: str) -> dict[str, Any]:
        """Give the last minute of a room; see `harken.web.contract.HubCalls`."""
        listener = self._state_of(room).listener
        if listener is None or listener.rule is None:
            return {"hop_s": HOP_S, "times": [], "cry": [], "voice": [], "level": [], "on": None,
                    "off": None, "rule": {}, "model": None, "state": "off"}  # fmt: skip
        frames, glimpse, rule = listener.recent(), listener.glimpse(), listener.rule
        level = np.maximum(frames.level, -120)
        state = "bout" if glimpse.bout else "calm"
        return {
            "hop_s": HOP_S,
            "times": np.round(frames.times, 2).tolist(),
            "cry": np.round(frames.cry.astype(float), 3).tolist(),
            "voice": np.round(frames.voice.astype(float), 3).tolist(),
            "level": np.round(level.astype(float), 1).tolist(),
            "on": rule.on,
            "off": rule.off,
            "rule": rule.as_dict(),
            "model": listener.model,
            "state": state if glimpse.heard else "unheard",
        }

    def room_check(self, room: str) -> dict[str, Any]:
        """Give the threshold that the last minute suggests, after a guided room check.

        The page has asked for quiet, then for talking, then played the test cry,
        20 s each. The threshold is put half-way between the highest of the first
        two and the middle of the third.
        """
        listener = self._state_of(room).listener
        frames = listener.recent() if listener else None
        if frames is None or len(frames) < round(50 / HOP_S):
            raise ParameterError("the room check needs a minute of sound; try again in a minute")
        window = 5
        smooth = np.convolve(frames.cry, np.ones(window) / window, "same")
        third = len(smooth) // 3
        other, crying = smooth[: 2 * third], smooth[2 * third :]
        high = float(np.percentile(other, 99))
        heard = float(np.percentile(crying, 75))
        ok = heard > high + 0.15
        suggestion = min(max((high + heard) / 2, 0.2), 0.85) if ok else None
        quiet = frames.level[:third]
        return {
            "ok": ok,
            "suggested": round(suggestion, 2) if suggestion is not None else None,
            "now": listener.rule.on if listener and listener.rule else None,
            "quiet_dbfs": round(float(np.median(np.maximum(quiet, -120))), 1),
            "talking_cry": round(high, 2),
            "test_cry": round(heard, 2),
            "says": (
                "The test cry stands out clearly from talking and quiet."
                if ok
                else "The test cry did not stand out. Bring the ear nearer to the cot, away from "
                "fans and radios, and try again."
            ),
        }

    def tuning(self, room: str, threshold: float, *, days: int = 14) -> dict[str, Any]:
        """Say what another threshold would have missed and caught of what was heard.

        Reads the journal, so it is to be called from a worker thread.

        Parameters
        ----------
        room : str
        threshold : float, 0 to 1
            P(cry) at which a burst would open.
        days : int, ≥ 1
            How far back.

        Returns
        -------
        dict
            ``cries`` and ``false_alarms`` (bouts that were told, by what people said
            of them), ``cries_missed`` and ``false_alarms_gone`` (those of each whose
            smoothed P(cry) never reached the threshold), ``nights`` and
            ``false_wakeups_a_night``. Bouts that were withdrawn, or came before a
            lower threshold, are in none: what was not told cannot be counted.
        """
        state, now = self._state_of(room), self._now()
        since = now - timedelta(days=days)
        tops = {
            event.data["bout"]: float(event.data["top_cry"])
            for event in self._journal.events(since=since, kinds=["cry_ended"], room=room)
            if event.data.get("top_cry") is not None
        }
        told: dict[bool, list[float]] = {True: [], False: []}
        wakeups = 0
        for episode in self._journal.episodes(since=since, room=room, now=now):
            if episode.drill:
                continue
            rang = any(one.about == "cry" and one.sent for one in episode.alerts)
            wakeups += episode.false_alarm and rang
            told[episode.false_alarm] += [
                tops[one.bout] for one in episode.bouts if one.kept and one.bout in tops
            ]
        first = next(iter(self._journal.events(room=room, limit=1)), None)
        nights = min(days, max(1, math.ceil((now - first.at).total_seconds() / 86_400))) if (
            first
        ) else 1  # fmt: skip
        rule = state.listener.rule if state.listener else None
        return {
            "threshold": threshold,
            "now": rule.on if rule else state.room.threshold,
            "days": days,
            "nights": nights,
            "cries": len(told[False]),
            "cries_missed": sum(top < threshold for top in told[False]),
            "false_alarms": len(told[True]),
            "false_alarms_gone": sum(top < threshold for top in told[True]),
            "false_wakeups_a_night": round(wakeups / nights, 2),
        }

    def ear(self, room: str, device: str) -> "HubEar":
        """Make a browser the ears of a room; see `harken.web.contract.HubCalls`."""
        state = self._state_of(room)
        if state.room.ear != "browser" or state.listener is None:
            raise ParameterError(
                f"{state.room.name} is not heard by a browser; change its ear in Settings"
            )
        return HubEar(self, state.room.id)

    async def say(self, room: str, what: Saying, by: str) -> None:
        """Play something in a room; see `harken.web.contract.HubCalls`."""
        state = self._state_of(room)
        if what.get("phrase") == "test_cry":
            # The phone in the caregiver's hand plays it, whatever the room's ears are.
            if state.listener is not None:
                state.listener.expect_drill(_PLAYED_S + _TEST_CRY_S)
            return
        if state.room.ear != "browser":
            raise ParameterError(
                f"{state.room.name} has no phone or tablet in it that could speak; "
                "its ear is not a browser"
            )
        if state.listener is not None:
            state.listener.deaf_to_voices(_PLAYED_S)
        shown = {key: value for key, value in what.items() if key != "clip"}
        self._publish(("say", {**shown, "room": room, "by": by}))
        if state.current(self._now()) is not None:
            caregiver = by.removeprefix("caregiver:") if by.startswith("caregiver:") else None
            data: dict[str, Any] = {"manner": "voice", "source": "tapped"}
            if caregiver:
                data["caregiver"] = caregiver
            await self.record(
                [Event("responded", self._now(), room=room, by=by, zone=self._home.zone, data=data)]
            )

    async def drill(self, room: str, by: str) -> str:
        """Mix a test cry into the room's sound, and follow who is told; gives the drill's id."""
        state = self._state_of(room)
        if state.listener is None or not state.listener.glimpse().heard:
            raise ParameterError(f"{state.room.name} is not heard; a drill needs a room that is")
        drill = _Drill(str(new_id()), room, self._now())
        self._drills[drill.id] = drill
        data: dict[str, Any] = {"drill": drill.id}
        if by.startswith("caregiver:"):
            data["caregiver"] = by.removeprefix("caregiver:")
        await self.record(
            [Event("drill_started", drill.started, room=room, by=by, zone=self._home.zone,
                   data=data)]
        )  # fmt: skip
        state.listener.inject(await asyncio.to_thread(_test_cry))
        return drill.id

    def drill_report(self, drill: str) -> dict[str, Any] | None:
        """Give who rang and after how long; see `harken.web.contract.HubCalls`."""
        one = self._drills.get(drill)
        if one is None:
            return None
        episode = one.episode
        kinds = {channel.id: channel for channel in self._home.channels}
        onset = episode.onset if episode else None

        def after(at: datetime | None) -> float | None:
            return round((at - onset).total_seconds(), 2) if at and onset else None

        detected = episode.bouts[0].detected_at if episode else None
        return {
            "drill": one.id,
            "room": one.room,
            "started": _iso(one.started),
            "over": one.over,
            "heard": episode is not None,
            "onset": _iso(onset),
            "detected_after_s": after(detected),
            "alerts": [
                {
                    "caregiver": alert.caregiver,
                    "name": self._home.name_of(alert.caregiver),
                    "channel": kinds[alert.channel].name if alert.channel in kinds else
                    alert.channel,
                    "due_after_s": after(alert.due),
                    "sent_after_s": after(alert.sent),
                    "received_after_s": after(alert.received),
                    "shown_after_s": after(alert.shown),
                    "failed": alert.failed,
                }
                for alert in (episode.alerts if episode else ())
            ],
            "acknowledged_after_s": after(
                episode.acknowledgements[0].at if episode and episode.acknowledgements else None
            ),
        }  # fmt: skip

    def _note_drills(self) -> None:
        for drill in self._drills.values():
            for episode in self._rooms[drill.room].episodes if drill.room in self._rooms else ():
                if episode.drill and episode.onset >= drill.started - timedelta(seconds=2):
                    drill.episode = episode

    async def _end_drills(self, now: datetime) -> None:
        for drill in [one for one in self._drills.values() if not one.over]:
            ended = drill.episode is not None and not drill.episode.as_of(now).open
            if ended or now - drill.started > _DRILL_LASTS:
                # Where the disk refuses, the next look tries again: rooms are watched meanwhile.
                with contextlib.suppress(HarkenError):
                    await self.record(
                        [Event("drill_ended", now, room=drill.room, zone=self._home.zone,
                               data={"drill": drill.id})]
                    )  # fmt: skip
                    drill.over = True

    async def test_channel(self, channel: str) -> TestResult:
        """Send a test message over a channel, and say in plain words what came of it."""
        assert self._senders is not None
        known = next((one for one in self._home.channels if one.id == channel), None)
        sender = self._senders.get(channel)
        if sender is None:
            raise ParameterError("this channel is switched off or not there; turn it on first")
        tried = await try_channel(sender, kind=known.kind if known else "page")
        return {"ok": tried.ok, "says": tried.says}

    async def room_changed(self, room: str) -> None:
        """Open, close or reopen a room after its settings changed."""
        kept = await asyncio.to_thread(self._journal.household.get, Room, room)
        old = self._rooms.get(room)
        if old is not None and kept is not None and _heard_alike(old.room, kept):
            # Its ears stay open: who is told, and when, is no matter of theirs.
            old.room = kept
            await self.household_changed()
            return
        if old is not None and old.listener is not None:
            await self._note_heard()
            self._rooms.pop(room)
            await asyncio.to_thread(old.listener.close)
        self._rooms.pop(room, None)
        await self.household_changed()
        if kept is not None:
            await self._open_room(kept)
        self._publish(("state", {}))
        self._poke.set()

    async def household_changed(self) -> None:
        """Read the household again after it changed."""
        await asyncio.to_thread(self._read_household)
        await asyncio.to_thread(self._read_all, list(self._rooms.values()))
        self._clips_seen_at = None
        for state in self._rooms.values():
            if state.listener is not None:
                state.listener.keep_clip = self._keep_clip if self._keeps_clips else None
        await self._update_senders()
        self._publish(("state", {}))
        self._poke.set()

    def push_key(self) -> str:
        """Give the public VAPID key."""
        return self._keys.public

    def healthz(self) -> dict[str, Any]:
        """Give whether everything that should run does."""
        rooms = {
            state.room.id: bool(state.listener.glimpse().heard)
            for state in self._rooms.values()
            if state.listener is not None
        }
        running = bool(self._tasks) and not any(task.done() for task in self._tasks)
        return {"ok": running and all(rooms.values()) and not self._problems, "rooms": rooms}


class HubEar:
    """One browser that is a room's ears, for as long as its connection lasts."""

    def __init__(self, hub: Hub, room: str) -> None:
        self._hub, self._room = hub, room
        self._source: EarSource | None = None
        self._session = 0

    async def push(self, pcm: bytes, seq: int, captured_at: float) -> None:
        """Take a piece of sound; see `harken.web.contract.Ear`."""
        # Asked for anew: the room may have been opened again since, by a change of its settings.
        state = self._hub._rooms.get(self._room)
        source = state.ear if state is not None else None
        if source is None:
            return  # the room is just being opened
        if source is not self._source:
            self._source, self._session = source, source.begin()
        source.push(pcm, seq=seq, caught_at=captured_at, session=self._session)

    def hearing(self) -> Hearing:
        """Give what is heard now."""
        state = self._hub._rooms.get(self._room)
        listener = state.listener if state is not None else None
        if state is None or listener is None:
            return {"level_dbfs": None, "heard": False, "state": "off", "cry": None}
        glimpse, now = listener.glimpse(), self._hub._now()
        current, last = state.current(now), state.last(now)
        recent = listener.recent().cry[-5:]
        level = glimpse.level_dbfs
        return {
            "level_dbfs": round(level, 1) if math.isfinite(level) else None,
            "heard": bool(glimpse.heard),
            "state": _standing(state, glimpse, current, last)[0],
            "cry": round(float(recent.mean()), 3) if len(recent) else None,
        }

    def close(self) -> None:
        """Say that the connection is over; the gap that follows says the rest."""


def _share_memory() -> None:
    """Let the threads of the rooms share their free memory, where the C library is glibc.

    By itself it gives each thread a heap of its own, and what is free in one is
    of no use to another: with one room that is 40 MB, and more with each room.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _heard_alike(one: Room, other: Room) -> bool:
    """Whether nothing that concerns the ears differs."""
    return (one.ear, one.source, one.threshold, one.listening) == (
        other.ear,
        other.source,
        other.threshold,
        other.listening,
    )


def _standing(
    state: _Room, glimpse: Glimpse | None, current: Episode | None, last: Episode | None
) -> tuple[str, datetime | None]:
    """Give a room's state in one word, and since when."""
    if glimpse is None:
        return "off", None
    if not glimpse.heard:
        return "unheard", glimpse.unheard_since
    if current is not None and not current.false_alarm:
        crying = glimpse.bout is not None and glimpse.crying
        return ("crying" if crying else "pausing"), current.onset
    if last is not None:
        return "calm", last.calm_at or last.ended_at
    return "calm", None


def _one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, HarkenError) else f"{type(error).__name__}: {said}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _test_cry() -> NDArray[np.float32]:
    return cry(_TEST_CRY_S, rng=np.random.default_rng(7), intensity=0.9).samples * np.float32(0.3)
