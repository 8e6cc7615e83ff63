"""Killing the hub at random moments: what it had acknowledged, told and folded is looked at after.

A run of the hub is a process of its own that is killed with SIGKILL: while the
journal is opened, while an infant that never stops cries, while taps are
written and alerts are sent. The next run works on the same database.
"""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harken.episodes import EpisodeSettings, Event
from harken.journal import Caregiver, Child, DutyTurn, Journal, Room

ROOM = "nursery"
_PEOPLE = 60
_TOLD_WITHIN_S = 20.0
_LAST_RUN_S = 8.0
SETTINGS = EpisodeSettings(calm_after=0.5)
"""So that a cry after somebody said that it is calm is a new episode, told from the first on."""
_LONGEST_EPISODE = 10
"""Kills after which somebody says that it is calm, so that one more cry begins."""


@dataclass(slots=True)
class Kills:
    """What was found after the kills.

    Parameters
    ----------
    kills : int
    acknowledged : int
        Events of which a run said that they are kept.
    lost : list of str
        Those that were not there afterwards.
    asked : int
        How often a cry was unanswered when the hub was killed and the next run
        was given the time to tell.
    silent : int
        How often it told nobody.
    told_after_s : list of float
        How long after the start of its process that run told.
    unsent : int
        Alerts that were due and never tried, at the end.
    changed : int
        How often a rebuild changed an episode.
    events, episodes : int
        In the journal at the end.
    """

    kills: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    asked: int = 0
    silent: int = 0
    told_after_s: list[float] = field(default_factory=list)
    unsent: int = 0
    changed: int = 0
    events: int = 0
    episodes: int = 0


def make_household(journal: Journal) -> None:
    """Write a household whose long duty list has somebody to tell every second.

    Parameters
    ----------
    journal : Journal
        Empty.
    """
    household = journal.household
    household.add(Room(id=ROOM, name="Nursery", ear="off", ring_after=0.5))
    household.add(Child(id="ida", name="Ida", room=ROOM))
    for number in range(_PEOPLE):
        household.add(Caregiver(id=f"c{number}", name=f"Carer {number}"))
    household.set_duty(
        ROOM,
        [
            DutyTurn(order=number + 1, caregiver=f"c{number}", after_s=0.0 if number == 0 else 1.0)
            for number in range(_PEOPLE)
        ],
    )


def run_hub(database: str, says: Connection, seed: int, tappers: int) -> None:
    """Run a hub until it is killed, and say what it acknowledged and told.

    Parameters
    ----------
    database : str
    says : Connection
        Gets ``("kept", id)`` once an event is durable, and ``("told", alert)``.
    seed : int
        Of the infant and of the taps.
    tappers : int
        Threads that tap as fast as they are answered.
    """
    asyncio.run(_run_hub(database, says, seed, tappers))


async def _run_hub(database: str, says: Connection, seed: int, tappers: int) -> None:
    from harken.hub import Hub
    from harken.simulate.infant import InfantSource, Temper

    temper = Temper(first_s=0.0, calm_s=1e6, patience_s=1e9)
    lock = threading.Lock()

    def say(*what: str) -> None:
        with lock:
            says.send(what)

    loop = asyncio.get_running_loop()
    hub = Hub(
        Journal.open(database),
        model="builtin",
        sources={ROOM: lambda: InfantSource(temper, seed=seed)},
        sounder=False,
    )
    await hub.start()

    def tap(number: int) -> None:
        rng = random.Random(seed * 100 + number)
        while True:
            event = _tap(rng, number)
            asyncio.run_coroutine_threadsafe(hub.record([event]), loop).result()
            say("kept", str(event.id))
            time.sleep(rng.uniform(0, 0.05))

    for number in range(tappers):
        threading.Thread(target=tap, args=(number,), daemon=True).start()
    async with hub.subscribe(None) as news:
        async for kind, data in news:
            if kind == "alert" and data["about"] == "cry":
                say("told", data["alert"])


def _tap(rng: random.Random, number: int) -> Event:
    """Make a tap that neither ends nor pauses the telling."""
    kind, data = rng.choice(
        [
            ("soothed", {"attempt": "rock"}),
            ("checked", {"need": "hunger", "found": True}),
            ("commented", {"text": "still awake"}),
            ("care", {"what": "note", "text": "a note"}),
        ]
    )
    return Event(kind, datetime.now(UTC), room=ROOM, by=f"caregiver:c{number}", data=data)


class Killer:
    """Starts runs of the hub on one database and kills them.

    Parameters
    ----------
    database : Path
        Of a journal with `SETTINGS` and `make_household`'s household.
    seed : int
    """

    def __init__(self, database: Path, *, seed: int = 0) -> None:
        self._database = database
        self._rng = random.Random(seed)
        self._seed = seed * 100_000
        # Processes are forked from one that has loaded everything and done nothing.
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["benchmarks.kills", "harken.hub"])
        self._acknowledged: list[str] = []
        self.found = Kills()

    def kill(self, times: int) -> Kills:
        """Kill so many runs, and look at the journal after each.

        Parameters
        ----------
        times : int, ≥ 1

        Returns
        -------
        Kills
        """
        for number in range(times):
            # Every other run is first given the time to tell of the cry that nobody answered.
            self._one_run(must_tell=number % 2 == 1)
            self._look(rebuild=True)
            if number % _LONGEST_EPISODE == _LONGEST_EPISODE - 1:
                self._somebody_says_calm()
        self._one_run(must_tell=True, then_s=_LAST_RUN_S)
        self.found.kills += times
        self._look(rebuild=True, last=True)
        return self.found

    def _one_run(self, *, must_tell: bool, then_s: float | None = None) -> None:
        listen, says = self._context.Pipe(duplex=False)
        self._seed += 1
        process = self._context.Process(
            target=run_hub, args=(str(self._database), says, self._seed, 3), daemon=True
        )
        process.start()
        says.close()
        begun, told = time.monotonic(), False
        if must_tell:
            self.found.asked += 1
            while not told and time.monotonic() - begun < _TOLD_WITHIN_S and process.is_alive():
                told = self._read(listen, 0.2)
            self.found.silent += not told
            if told:
                self.found.told_after_s.append(time.monotonic() - begun)
        time.sleep(self._rng.uniform(0, 0.8) if then_s is None else then_s)
        process.kill()
        process.join()
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._read(listen, 0.0, whole=True)
        listen.close()

    def _read(self, listen: Connection, wait_s: float, *, whole: bool = False) -> bool:
        """Take what a run said; give whether it told of the cry."""
        told = False
        if not whole and not listen.poll(wait_s):
            return told
        while whole or listen.poll(0):
            what, id = listen.recv()
            if what == "kept":
                self._acknowledged.append(id)
            told = told or what == "told"
        return told

    def _look(self, *, rebuild: bool, last: bool = False) -> None:
        with Journal.open(self._database) as journal:
            events = journal.events()
            there = {str(event.id) for event in events}
            self.found.lost += [one for one in self._acknowledged if one not in there]
            self.found.acknowledged += len(self._acknowledged)
            self._acknowledged.clear()
            if rebuild:
                at = datetime.now(UTC)
                before = journal.episodes(now=at)
                journal.rebuild()
                after = journal.episodes(now=at)
                self.found.changed += before != after
            if last:
                self.found.events, self.found.episodes = len(events), len(journal.episodes())
                self.found.unsent = len(_untried(events))

    def _somebody_says_calm(self) -> None:
        # No response: one that was tapped just before the next cry would count for it.
        with Journal.open(self._database) as journal:
            now = datetime.now(UTC)
            journal.append([Event("calmed", now, room=ROOM, child="ida", by="caregiver:c0")])


def _untried(events: Sequence[Event]) -> set[Any]:
    """Give the alerts about a cry that were due and never sent nor failed."""
    due = {
        event.data["alert"]
        for event in events
        if event.kind == "alert_due" and event.data["about"] == "cry"
    }
    tried = {
        event.data["alert"] for event in events if event.kind in ("alert_sent", "alert_failed")
    }
    return due - tried
