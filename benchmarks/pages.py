"""`python -m benchmarks.pages`: how long the hub takes to make a page.

A hub in a process of its own serves a household with no data, with one episode and
with one year (about 5,000 episodes and 15,000 entries of the care log, as a phone and
a nursery device leave them). Each page is asked for many times over the network card's
loopback: when nothing has changed, and each time just after somebody wrote something,
which is what a page of a living household meets. Meanwhile `/healthz` says how long the
hub's event loop lets others wait. It is a part of `python -m benchmarks.hub`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from harken.episodes import Event, new_id
from harken.journal import Caregiver, Child, Device, Journal, Room, token_hash

ROOT = Path(__file__).resolve().parents[1]
ZONE = "Europe/Berlin"
HOUSEHOLDS = ("empty", "one", "year")
EPISODES_A_DAY, CARE_A_DAY, DAYS = 14, 41, 365
COUNT = 40
OTHERS_S = 8.0
PAGES = (
    "/",
    "/journal",
    "/insight?span=day",
    "/insight?span=week",
    "/insight?span=month",
    "/insight?span=all",
    "/evidence",
    "/settings",
    "/board",
)
WORDS = {"empty": "no data", "one": "one episode", "year": "one year"}
_BABY, _ROOM = "ida", "nursery"
_HELPS = {"hold": 0.5, "carry": 0.6, "feed": 0.7, "rock": 0.45, "pat": 0.25, "nappy": 0.3}
"""How often an attempt of the made-up child ends in calm."""


def year_of_events(
    end: datetime, *, days: int = DAYS, seed: int = 5, cries: int = EPISODES_A_DAY
) -> list[Event]:
    """Make up what a household of two leaves in its journal.

    Parameters
    ----------
    end : datetime
        When the last day ends.
    days : int, ≥ 0
    seed : int
    cries : int, ≥ 0
        Episodes a day, on average.

    Returns
    -------
    list of Event
        In no order. Ids are of the seed and the time, so that two runs are alike.
    """
    rng = random.Random(seed)
    events: list[Event] = []

    def add(kind: str, at: datetime, by: str = "hub", /, **data: Any) -> Event:
        ms = int(at.timestamp() * 1000)
        value = (ms & (1 << 48) - 1) << 80 | rng.getrandbits(80)
        value = value & ~(0xF << 76) | 0x7 << 76
        id = UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
        event = Event(kind, at, room=_ROOM, child=_BABY if by != "hub" else None, by=by, zone=ZONE,
                      data=data, id=id)  # fmt: skip
        events.append(event)
        return event

    for number in range(days):
        begin = end - timedelta(days=days - number)
        if number % 9 == 4:
            add("room_unheard", begin + timedelta(hours=11), reason="the phone slept")
            add("room_heard", begin + timedelta(hours=12, minutes=rng.randrange(1, 50)))
        elif number == 0:
            add("room_heard", begin)
        hours = sorted(rng.uniform(0, 23.5) for _ in range(rng.randint(cries - 4, cries + 4)))
        for hour in hours:
            _cry(add, begin + timedelta(hours=hour), rng)
        for _ in range(CARE_A_DAY if cries else 0):
            _care(add, begin + timedelta(hours=rng.uniform(0, 23.9)), rng)
    return [one for one in events if one.at < end]


def _cry(add: Any, onset: datetime, rng: random.Random) -> None:
    bout = str(UUID(int=rng.getrandbits(128), version=4))
    length = timedelta(seconds=rng.lognormvariate(4.2, 0.8))
    add("cry_started", onset, bout=bout, level_dbfs=-24.0,
        detected_at=(onset + timedelta(seconds=1.1)).isoformat())  # fmt: skip
    add("cry_ended", onset + length, bout=bout, onset=onset.isoformat(), mean_cry=0.9,
        peak_dbfs=-15.0)  # fmt: skip
    after = timedelta(seconds=rng.lognormvariate(3.9, 1.0))
    if after >= length or rng.random() < 0.1:
        return
    who = rng.choice(("anna", "ben"))
    by, about = f"caregiver:{who}", {"caregiver": who, "episode": bout}
    add("acknowledged", onset + after / 2, by, **about)
    add("responded", onset + after, by, manner="arrived", source="tapped", **about)
    left = length - after
    for step in range(rng.choice((1, 1, 2))):
        attempt = rng.choice(sorted(_HELPS))
        add("soothed", onset + after + left * (0.2 + 0.4 * step), by, attempt=attempt, **about)
    if rng.random() < 0.5:
        need = rng.choice(("hunger", "nappy", "tired"))
        add("checked", onset + after + left * 0.3, by, need=need, **about)
    if rng.random() < 0.3:
        reason = rng.choice(("hungry", "tired", "wet", "wind"))
        add("reason_tagged", onset + length, by, reason=reason, **about)


def _care(add: Any, at: datetime, rng: random.Random) -> None:
    what = rng.choice(("sleep", "feed", "feed", "nappy", "nappy", "carry", "note"))
    data: dict[str, Any] = {"what": what, "caregiver": rng.choice(("anna", "ben"))}
    if what in ("sleep", "carry", "feed"):
        minutes = rng.uniform(5, 25 if what == "feed" else 90)
        data["until"] = (at + timedelta(minutes=minutes)).isoformat()
    if what == "feed":
        data["side"] = rng.choice(("left", "right"))
    if what == "nappy":
        data["wet"] = True
    if what == "note":
        data["text"] = "Smiled at the lamp."
    entry = add("care", at, f"caregiver:{data['caregiver']}", **data)
    if rng.random() < 0.03:
        moved = (at + timedelta(minutes=2)).isoformat()
        add("corrected", at + timedelta(minutes=30), entry.by, target=str(entry.id), at=moved)
    elif rng.random() < 0.01:
        add("removed", at + timedelta(minutes=30), entry.by, target=str(entry.id))


# A hub in a process of its own.


def prepare(database: Path, which: str, now: datetime) -> str:
    """Write a household, and give the token of Anna's phone.

    Parameters
    ----------
    database : Path
    which : {'empty', 'one', 'year'}
    now : datetime
        Its past ends here.
    """
    token = secrets.token_urlsafe(32)
    with Journal.open(database) as journal:
        household = journal.household
        household.set_setting("name", "The benchmark's household")
        household.set_setting("zone", ZONE)
        household.add(Room(id=_ROOM, name="Nursery", ear="off"))
        born = now.date() - timedelta(days=DAYS)
        household.add(Child(id=_BABY, name="Ida", room=_ROOM, born=born))
        household.add(Caregiver(id="anna", name="Anna", role="owner"))
        household.add(Caregiver(id="ben", name="Ben"))
        household.add(
            Device(
                id=str(new_id()),
                name="Anna's phone",
                kind="phone",
                caregiver="anna",
                token_hash=token_hash(token),
                created=now,
            )
        )
        events: list[Event] = []
        if which == "one":
            add = [e for e in year_of_events(now, days=1, seed=1) if e.kind.startswith("cry")]
            events = add[:2]
        if which == "year":
            events = sorted(year_of_events(now), key=lambda one: one.at)
        for begin in range(0, len(events), 100):
            journal.append(events[begin : begin + 100])
    return token


async def _serve(database: str, port: int) -> None:
    from harken.cli.serve import running
    from harken.settings import load_settings

    settings = load_settings(port=port, host="127.0.0.1", https=False, sounder=False)
    settings = settings.model_copy(update={"model": "builtin"})
    with Journal.open(database) as journal:
        async with running(journal, settings) as it:
            while not it.server.should_exit:
                await asyncio.sleep(0.2)


@contextlib.contextmanager
def hub(which: str) -> Iterator[httpx.Client]:
    """Run a hub of a made-up household, and give Anna's phone."""
    with tempfile.TemporaryDirectory(prefix="harken-pages-") as folder:
        database = Path(folder) / "journal.sqlite"
        token = prepare(database, which, datetime.now(UTC))
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.pages", "--serve", str(database), str(port)]
        # As `harken serve` sets it.
        environment = {**os.environ, "HARKEN_DATA": folder, "OPENBLAS_NUM_THREADS": "1"}
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        try:
            end = time.monotonic() + 60
            while True:
                try:
                    httpx.get(f"{url}/healthz", timeout=2)
                    break
                except httpx.TransportError:
                    if child.poll() is not None or time.monotonic() > end:
                        raise RuntimeError("the hub did not start") from None
                    time.sleep(0.1)
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=url, headers=headers, timeout=30) as phone:
                yield phone
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


# What is measured.


def measure_pages(count: int = COUNT, which: Sequence[str] = HOUSEHOLDS) -> dict[str, Any]:
    """Ask each household's hub for each page, unchanged and just after something was written."""
    found: dict[str, Any] = {"count": count}
    for one in which:
        with hub(one) as phone:
            begun = time.monotonic()
            first = phone.get("/insight")
            found[one] = {
                "first_s": round(time.monotonic() - begun, 3),
                "first_fresh": _is_fresh(first),
                "pages": {path: _page(phone, path, count) for path in PAGES},
                "others_s": _others(phone),
            }
    return found


def _page(phone: httpx.Client, path: str, count: int) -> dict[str, Any]:
    still, after, until_new = [], [], []
    marked = 0
    for _ in range(count):
        begun = time.monotonic()
        phone.get(path).raise_for_status()
        still.append(time.monotonic() - begun)
    for _ in range(count):
        _write(phone)
        begun = time.monotonic()
        answer = phone.get(path)
        after.append(time.monotonic() - begun)
        answer.raise_for_status()
        if _is_fresh(answer) is False:
            marked += 1
            while _is_fresh(phone.get(path)) is False:
                time.sleep(0.02)
        until_new.append(time.monotonic() - begun)
    found = {"still_s": _of(still), "after_s": _of(after), "marked": marked}
    return {**found, "until_new_s": _of(until_new)}


def _others(phone: httpx.Client, seconds: float = OTHERS_S) -> dict[str, float]:
    """Let Insight be asked for all the time, and see how long others wait for the hub."""
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=phone.base_url, headers=phone.headers, timeout=30) as other:
            while not over.is_set():
                _write(other)
                for span in ("week", "all"):
                    other.get(f"/insight?span={span}")

    asking = threading.Thread(target=ask)
    asking.start()
    waits: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        phone.get("/healthz")
        waits.append(time.monotonic() - begun)
        time.sleep(0.02)
    over.set()
    asking.join()
    return _of(waits)


def _write(phone: httpx.Client) -> None:
    now = datetime.now(UTC).isoformat()
    event = {"id": str(new_id()), "kind": "care", "at": now, "room": _ROOM, "child": _BABY,
             "data": {"what": "nappy", "wet": True}}  # fmt: skip
    phone.post("/api/events", json={"sent_at": now, "events": [event]}).raise_for_status()


def _is_fresh(answer: httpx.Response) -> bool | None:
    """Whether a page says that its numbers hold; None where it has none to say it of."""
    if 'data-fresh="yes"' in answer.text:
        return True
    return False if 'data-fresh="no"' in answer.text else None


def _of(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    found = {
        name: round(ordered[max(-(-round(share * len(ordered) * 1000) // 1000) - 1, 0)], 3)
        for name, share in at.items()
    }
    return {"n": len(ordered), **found}


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Give the lines of the table: what, at least, measured, met."""
    made = []
    for which in HOUSEHOLDS:
        if which not in found:
            continue
        one = found[which]
        worst = max(one["pages"], key=lambda path: one["pages"][path]["after_s"]["p95"])
        after = one["pages"][worst]["after_s"]
        still = max(page["still_s"]["p95"] for page in one["pages"].values())
        marked = {path: page["marked"] for path, page in one["pages"].items() if page["marked"]}
        newest = max(page["until_new_s"]["p95"] for page in one["pages"].values())
        said = "none was shown from before it"
        if marked:
            said = f"{sum(marked.values())} of {found['count'] * len(PAGES)} were from before it "
            said += f"and said so, new numbers followed within p95 {1000 * newest:.0f} ms"
        made.append(
            (
                f"page from the hub, p95, household with {WORDS[which]}: each of {len(PAGES)} "
                f"pages {found['count']} times, each time just after something was written",
                "≤ 300 ms",
                f"slowest {worst}: p50 {1000 * after['p50']:.0f} ms, p95 {1000 * after['p95']:.0f} "
                f"ms; unchanged p95 {1000 * still:.0f} ms; {said}; the first after the hub's "
                f"start {1000 * one['first_s']:.0f} ms; others meanwhile wait p95 "
                f"{1000 * one['others_s']['p95']:.0f} ms",
                "yes" if after["p95"] <= 0.3 else "NO",
            )
        )
    return made


def main() -> None:
    """Measure, and print."""
    reads = argparse.ArgumentParser(description=__doc__)
    reads.add_argument("--count", type=int, default=COUNT)
    reads.add_argument("--households", default=",".join(HOUSEHOLDS))
    reads.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    given = reads.parse_args()
    if given.serve:
        asyncio.run(_serve(given.serve[0], int(given.serve[1])))
        return
    found = measure_pages(given.count, given.households.split(","))
    print(json.dumps(found, indent=1))
    for row in rows(found):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
