"""Sends what is due, again where it failed, and writes down what became of it.

What is due stands in the journal before anything is sent, and stays there until
a result is written, so that a crash loses no alert. It may send one twice: a
channel can drop what it has had by the alert's id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from harken.answering.message import GoneError, Message, Sender
from harken.episodes.episode import Episode
from harken.episodes.events import Event, new_id
from harken.errors import ChannelError, HarkenError

GIVE_UP_S = 3600.0
"""After this an alert is given up, whatever it is about."""

SEND_S = 30.0
"""Longest time that one try may take."""

_LOOK_S = 30.0
_BUSY_S = 1.0
_RECORD_AGAIN_S = (0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)


class Due(Protocol):
    """An alert that is to be tried now; the journal's `DueAlert`."""

    @property
    def event(self) -> Event:
        """The ``alert_due``."""

    @property
    def attempts(self) -> int:
        """How often it was tried before."""


class Outbox(Protocol):
    """What of the journal is read; called in a worker thread. `Journal` has this shape."""

    def due_alerts(self, now: datetime) -> Sequence[Due]:
        """Give the alerts whose next try is due; back-off is the journal's."""

    def next_due(self) -> datetime | None:
        """Give when the next try is due."""

    def episode(self, id: str, *, now: datetime | None = None) -> Episode | None:
        """Give the episode of a bout, as it stands at a time."""

    def last_event(self, kind: str, room: str | None = None) -> Event | None:
        """Give the newest event of a kind in a room."""


Record = Callable[[Sequence[Event]], Awaitable[object]]
"""Makes events durable and publishes them; `Hub.record`."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test message.

    Parameters
    ----------
    ok : bool
    says : str
        One plain sentence: what to look for, or what went wrong.
    """

    ok: bool
    says: str


class Dispatcher:
    """Takes due alerts out of the journal and hands them to their channels.

    Parameters
    ----------
    outbox : Outbox
    record : callable
        Must have made the events durable when it returns.
    senders : callable
        Gives a channel by its id, or None where it is not there any more.
    clock : callable
        Gives the time, with a zone.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        record: Record,
        senders: Callable[[str], Sender | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._outbox, self._record, self._senders, self._clock = outbox, record, senders, clock
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Look at once: something may have become due. To be called in the event loop."""
        self._nudged.set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then gets a moment to end."""
        try:
            while True:
                self._nudged.clear()
                wait_s = _LOOK_S
                try:
                    wait_s = await self.look()
                except HarkenError as error:
                    _log.error("alerts cannot be read and will be tried again: %s", error)
                    wait_s = _BUSY_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._nudged.wait()
        finally:
            await self._land()

    async def look(self) -> float:
        """Begin to send what is due, without waiting for it.

        Returns
        -------
        float
            When to look again at the latest, in seconds.

        Raises
        ------
        JournalError
            If the journal cannot be read.
        """
        now = self._clock()
        for due in await asyncio.to_thread(self._outbox.due_alerts, now):
            alert = due.event.data["alert"]
            if alert not in self._flying:
                task = asyncio.create_task(self._try(due), name=f"alert {alert}")
                self._flying[alert] = task
                task.add_done_callback(partial(self._landed, alert))
        coming = await asyncio.to_thread(self._outbox.next_due)
        if coming is None:
            return _LOOK_S
        if coming <= now:  # it is under way
            return _BUSY_S
        return min(max((coming - self._clock()).total_seconds(), 0.05), _LOOK_S)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._flying:
            await asyncio.wait(list(self._flying.values()))

    def _landed(self, alert: str, _: asyncio.Task[None]) -> None:
        self._flying.pop(alert, None)
        self._nudged.set()

    async def _land(self) -> None:
        flying = list(self._flying.values())
        if flying:
            _, late = await asyncio.wait(flying, timeout=2.0)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _try(self, due: Due) -> None:
        event, attempt = due.event, due.attempts + 1
        try:
            over = await self._over(event)
        except HarkenError as error:
            _log.error("an alert is sent without a look at its episode: %s", error)
            over = None
        if over is not None:
            await self._write(event, "alert_failed", {"error": over, "final": True})
            return
        sender = self._senders(event.data["channel"])
        if sender is None:
            says = "This channel was removed or switched off."
            await self._write(event, "alert_failed", {"error": says, "final": True})
            return
        try:
            async with asyncio.timeout(SEND_S):
                await sender.send(Message.from_event(event))
        except GoneError as error:
            failed = {"error": str(error), "attempt": attempt, "final": True}
            await self._write(event, "alert_failed", failed)
        except ChannelError as error:
            await self._write(event, "alert_failed", {"error": str(error), "attempt": attempt})
        except TimeoutError:
            says = "The channel did not answer in time. It will be tried again."
            await self._write(event, "alert_failed", {"error": says, "attempt": attempt})
        except Exception as error:
            # What the error says may hold an address with its secrets.
            kind = type(error).__name__
            _log.error("channel %s failed with %s", event.data["channel"], kind)
            says = f"The channel failed ({kind}). It will be tried again."
            await self._write(event, "alert_failed", {"error": says, "attempt": attempt})
        else:
            await self._write(event, "alert_sent", {"attempt": attempt})

    async def _over(self, event: Event) -> str | None:
        """Say why an alert need not be sent any more, if so."""
        now, data = self._clock(), event.data
        if now - event.at > timedelta(seconds=GIVE_UP_S):
            return "Given up after an hour."
        if data["about"] in ("cry", "drill") and data.get("episode"):
            episode = await asyncio.to_thread(self._outbox.episode, data["episode"], now=now)
            if episode is None:
                return "The cry did not last."
            if not episode.open or episode.false_alarm:
                return "It was over before this could be sent."
            if any(one.manner == "arrived" and one.at >= event.at for one in episode.responses):
                return "Somebody was there before this could be sent."
        if data["about"] == "unheard":
            heard = await asyncio.to_thread(self._outbox.last_event, "room_heard", event.room)
            if heard is not None and heard.at > event.at:
                return "The room was heard again before this could be sent."
        return None

    async def _write(self, due: Event, kind: str, data: dict[str, object]) -> None:
        """Record a result, however long it takes: what was sent must not be sent again."""
        event = Event(
            kind,
            self._clock(),
            room=due.room,
            zone=due.zone,
            data={"alert": due.data["alert"], **data},
        )
        tries = 0
        while True:
            try:
                await self._record([event])
                return
            except HarkenError as error:
                _log.error("what became of an alert cannot be written down yet: %s", error)
            await asyncio.sleep(_RECORD_AGAIN_S[min(tries, len(_RECORD_AGAIN_S) - 1)])
            tries += 1


async def try_channel(sender: Sender, *, kind: str = "", room: str | None = None) -> Tried:
    """Send a test message, and say in plain words what became of it.

    Parameters
    ----------
    sender : Sender
    kind : str
        Of the channel, so that the answer can say where to look.
    room : str, optional
        Id of a room, for channels that address by room.

    Returns
    -------
    Tried
    """
    message = Message(
        alert=str(new_id()),
        about="test",
        title="Test from Harken",
        body="This channel works. Nobody is crying.",
        room=room,
        urgent=True,
        due=datetime.now(UTC),
    )
    try:
        async with asyncio.timeout(SEND_S):
            await sender.send(message)
    except ChannelError as error:
        return Tried(False, str(error))
    except TimeoutError:
        return Tried(False, "The channel did not answer in time: check its address.")
    except Exception as error:
        _log.error("the test of a channel failed with %s", type(error).__name__)
        return Tried(False, f"The channel failed ({type(error).__name__}).")
    return Tried(True, _ACCEPTED.get(kind, "Accepted. Look whether it has arrived."))


_ACCEPTED = {
    "page": "Sent to the open pages. Look whether one sounds.",
    "speaker": "The chime was played. Did you hear it?",
    "push": (
        "The push service accepted it. Look whether the phone shows it: a silent phone shows it "
        "without a sound."
    ),
    "apprise": "The service accepted it. Look whether it has arrived.",
    "mqtt": "The broker accepted it.",
    "webhook": "The receiver accepted it.",
}
