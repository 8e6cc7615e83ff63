"""`harken demo --live`: a household with a synthetic infant, on the real hub, in real time.

It has eight weeks behind it, which are simulated and say so.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from harken.cli.serve import Running, make_code, need_hub, open_journal, running
from harken.errors import HarkenError

if TYPE_CHECKING:
    import httpx

    from harken.episodes import Event
    from harken.journal import Journal

ROOM = "nursery"
WEEKS = 8
"""Of history."""
AGE_WEEKS = 2
"""Of the infant when it begins: crying rises to its height in it, and falls again."""
CHANGE_WEEK = 5
"""Week of the history with which the household changes a habit."""
CHANGE = "From today we carry Ida more, also while she is calm."
BEGINS = (
    "Simulated from here on. Ida, Anna and Ben do not exist: a program made these eight weeks, so "
    "that there is something to look at."
)
ENDS = "The simulated weeks end here. What follows is live: synthetic cries, heard by the detector."
_DAY_STARTS_HOUR = 7
_SETTLED_S = 420.0
"""After a cry people may still tap; one that ended later than this before now is left out."""
_GIVE_UP_S = 100.0


def live(*, port: int | None, model: str, seed: int) -> None:
    """Run the demo's household until Ctrl-C.

    Parameters
    ----------
    port : int, optional
        By default the hub's own.
    model : str
        As `open_detector` takes it.
    seed : int
        Another number, another infant.
    """
    need_hub()
    from harken.settings import load_settings

    settings = load_settings(port=port, model=model, host="127.0.0.1", https=False, sounder=False)
    with _empty_journal() as journal:
        _prepare(journal, seed)
        asyncio.run(_live(journal, settings, seed))
    typer.echo("harken: stopped; nothing of the demo was kept", err=True)


def headless(*, model: str, seed: int, as_json: bool) -> None:
    """Run one episode from the first cry to calm, answer it as a phone would, and print it.

    Parameters
    ----------
    model : str
    seed : int
    as_json : bool
        Print one JSON object in place of lines to read.

    Raises
    ------
    HarkenError
        If no cry is heard or the episode does not end in time.
    """
    need_hub()
    from harken.settings import load_settings

    settings = load_settings(port=None, model=model, host="127.0.0.1", https=False, sounder=False)
    settings = settings.model_copy(update={"port": 0})
    with _empty_journal() as journal:
        _prepare(journal, seed, quiet=as_json)
        episode = asyncio.run(_headless(journal, settings, seed))
    if as_json:
        typer.echo(json.dumps(episode, indent=2))
    else:
        _print(episode)


@contextmanager
def _empty_journal() -> "Iterator[Journal]":
    with (
        tempfile.TemporaryDirectory(prefix="harken-demo-") as folder,
        open_journal(f"{folder}/journal.db") as journal,
    ):
        yield journal


def _prepare(journal: "Journal", seed: int, *, quiet: bool = False) -> None:
    """Write the household and its history, and say so: it takes some seconds."""
    now = datetime.now(UTC)
    make_household(journal, now=now)
    if not quiet:
        typer.echo(f"Simulating {WEEKS} weeks of the household's past …")
    cries = fill(journal, seed=seed, now=now)
    if not quiet:
        typer.echo(f"{cries} cries, each with who came and what was tried. None of it happened.\n")


def make_household(journal: "Journal", *, now: datetime | None = None) -> None:
    """Write the demo's household: one room, one infant of ten weeks, two caregivers.

    Parameters
    ----------
    journal : Journal
        Empty.
    now : datetime, optional
        With a zone; by default now.
    """
    from harken.journal import Caregiver, Child, DutyTurn, Room

    zone = _zone()
    begin = begins(now or datetime.now(UTC), zone)
    household = journal.household
    household.set_setting("name", "A simulated household")
    household.set_setting("zone", zone)
    household.add(Room(id=ROOM, name="Nursery", ear="off"))
    born = begin.date() - timedelta(weeks=AGE_WEEKS)
    household.add(Child(id="ida", name="Ida", born=born, room=ROOM))
    household.add(Caregiver(id="anna", name="Anna", role="owner"))
    household.add(Caregiver(id="ben", name="Ben", role="caregiver"))
    household.set_duty(
        ROOM,
        [
            DutyTurn(order=1, caregiver="anna", after_s=0.0),
            DutyTurn(order=2, caregiver="ben", after_s=30.0),
        ],
    )


def begins(now: datetime, zone: str) -> datetime:
    """Give when the history begins: at the start of a day, `WEEKS` whole weeks of days ago.

    Parameters
    ----------
    now : datetime
        With a zone.
    zone : str
        IANA name.

    Returns
    -------
    datetime
        In that zone.

    Examples
    --------
    >>> begins(datetime(2026, 3, 1, 5, tzinfo=UTC), "UTC").isoformat()
    '2026-01-03T07:00:00+00:00'
    """
    here = now.astimezone(ZoneInfo(zone))
    day = (here - timedelta(hours=_DAY_STARTS_HOUR)).date() - timedelta(weeks=WEEKS)
    return datetime(day.year, day.month, day.day, _DAY_STARTS_HOUR, tzinfo=here.tzinfo)


def past(*, seed: int, now: datetime, zone: str) -> "list[Event]":
    """Simulate the weeks before now, as a hub would have written them.

    Parameters
    ----------
    seed : int
        Another number, another history; how much of its last day is there depends on `now`.
    now : datetime
        With a zone.
    zone : str
        IANA name.

    Returns
    -------
    list of Event
        In order of time; all before now, and no cry among them that is not over.
    """
    from harken.episodes import Event
    from harken.simulate import Change, hub_events, policy, simulate_dyad

    begin = begins(now, zone)
    # A hub goes on telling until somebody is there: what goes unanswered are cries that end before.
    before, after = (policy(one, answers=1.0) for one in ("usual", "carrying"))
    history = simulate_dyad(
        before,
        weeks=WEEKS + 1 / 7,
        seed=seed,
        age_weeks=float(AGE_WEEKS),
        changes=[Change(week=CHANGE_WEEK, policy=after, says=CHANGE)],
        start_hour=float(_DAY_STARTS_HOUR),
    )
    end_s = (now - begin).total_seconds()
    unsettled = [one.onset for one in history.cries if one.offset > end_s - _SETTLED_S]
    end = begin.astimezone(UTC) + timedelta(seconds=min([end_s, *unsettled]) - 1.0)
    made = hub_events(
        history, start=begin, room=ROOM, child="ida", name="Ida", zone=zone,
        caregivers=("anna", "ben"),
    )  # fmt: skip
    told = [_by(one, end) for one in made if one.at < end]
    notes = [
        Event(
            "care", at, room=ROOM, child="ida", by="caregiver:anna", zone=zone,
            data={"what": "note", "text": text, "caregiver": "anna"},
        )
        for at, text in ((begin.astimezone(UTC), BEGINS), (end, ENDS))
    ]  # fmt: skip
    return [notes[0], *told, notes[1]]


def _by(event: "Event", end: datetime) -> "Event":
    """Let what would go on after the end, such as a sleep, end there."""
    from dataclasses import replace

    until = event.data.get("until")
    if event.kind != "care" or until is None or datetime.fromisoformat(until) <= end:
        return event
    return replace(event, data={**event.data, "until": end.isoformat()})


def fill(journal: "Journal", *, seed: int, now: datetime) -> int:
    """Write the simulated past of the demo's household.

    Parameters
    ----------
    journal : Journal
        With the household.
    seed : int
    now : datetime
        With a zone.

    Returns
    -------
    int
        Number of episodes.
    """
    zone = journal.household.get_setting("zone")
    # By half days: what an append can touch is folded anew, and a short stretch is quick to fold.
    made = past(seed=seed, now=now, zone=zone)
    for _, some in groupby(made, key=lambda one: one.at.timestamp() // (12 * 3600)):
        journal.append(list(some))
    return len(journal.episodes(now=now))


def _zone() -> str:
    """Give the zone of this machine by name, or UTC where it has none."""
    try:
        link = str(Path("/etc/localtime").resolve())
        name = link.split("zoneinfo/", 1)[1]
        ZoneInfo(name)
    except (OSError, IndexError, ValueError, KeyError):
        return "UTC"
    return name


@asynccontextmanager
async def _household(
    journal: "Journal", settings: Any, seed: int, **temper: float
) -> AsyncIterator[Running]:
    """Run the hub with a synthetic infant that is comforted by whoever comes."""
    from harken.simulate.infant import InfantSource, Temper

    made: list[InfantSource] = []

    def infant() -> InfantSource:
        made.append(InfantSource(Temper(**temper), seed=seed + len(made)))
        return made[-1]

    async def comfort() -> None:
        while True:
            await asyncio.sleep(0.2)
            episode = it.hub.state(None)["rooms"][0]["episode"]
            if episode and episode["there"] and not episode["drill"]:
                made[-1].comfort()

    async with running(journal, settings, sources={ROOM: infant}) as it:
        comforting = asyncio.create_task(comfort())
        try:
            yield it
        finally:
            comforting.cancel()


async def _live(journal: "Journal", settings: Any, seed: int) -> None:
    async with _household(journal, settings, seed) as it:
        code = await asyncio.to_thread(make_code, journal, role="owner", name="Anna")
        link = f"{it.url}/join#{code}"
        typer.echo(
            "From here on it is live: a synthetic infant sleeps in the nursery and will cry within "
            "20 seconds.\nBe Anna: open this address, and answer.\n"
        )
        typer.echo(f"    {link}\n")
        typer.echo(f"What the hub hears of the room: {it.url}/hears/{ROOM}")
        typer.echo("To be Ben too, make him a code in Settings and open it in another browser.")
        typer.echo("Stop with Ctrl-C. Nothing of the demo is kept.")
        while not it.server.should_exit:
            await asyncio.sleep(0.2)


async def _headless(journal: "Journal", settings: Any, seed: int) -> dict[str, Any]:
    import httpx

    async with _household(journal, settings, seed, first_s=6.0, soothe_s=4.0) as it:
        code = await asyncio.to_thread(make_code, journal, role="owner", name="Anna")
        async with httpx.AsyncClient(
            base_url=it.url, headers={"X-Harken": "1", "Origin": it.url}, timeout=10.0
        ) as phone:
            joined = await phone.post("/api/join", json={"code": code, "name": "Anna's phone"})
            joined.raise_for_status()
            watching = asyncio.create_task(_report_alerts(phone))
            try:
                return await _answer(phone, journal)
            finally:
                watching.cancel()


async def _report_alerts(phone: "httpx.AsyncClient") -> None:
    """Say of each alert that it was received and shown, as an open page does."""
    async with phone.stream("GET", "/api/live", timeout=None) as live:
        name = ""
        async for line in live.aiter_lines():
            if line.startswith("event:"):
                name = line.partition(":")[2].strip()
            elif line.startswith("data:") and name == "alert":
                alert = json.loads(line.partition(":")[2])["alert"]
                for stage in ("received", "shown"):
                    await phone.post(f"/api/alerts/{alert}/{stage}")


async def _answer(phone: "httpx.AsyncClient", journal: "Journal") -> dict[str, Any]:
    """Wait for the cry, go, arrive, hold, and wait for calm."""
    begun = time.monotonic()

    async def state() -> dict[str, Any]:
        if time.monotonic() - begun > _GIVE_UP_S:
            raise HarkenError("the demo's episode did not come to its end; run harken doctor")
        await asyncio.sleep(0.1)
        got = await phone.get("/api/state")
        got.raise_for_status()
        return dict(got.json()["rooms"][0])

    async def tap(kind: str, **data: Any) -> None:
        from harken.episodes import new_id

        now = datetime.now(UTC).isoformat()
        event = {"id": str(new_id()), "kind": kind, "at": now, "room": ROOM, "data": data}
        sent = await phone.post("/api/events", json={"sent_at": now, "events": [event]})
        sent.raise_for_status()

    room = await state()
    while not (room["episode"] and room["episode"]["told"]):
        room = await state()
    episode = room["episode"]["id"]
    await asyncio.sleep(2.0)
    await tap("acknowledged", episode=episode)
    await asyncio.sleep(4.0)
    await tap("responded", episode=episode, manner="arrived", source="tapped")
    await asyncio.sleep(1.0)
    await tap("soothed", episode=episode, attempt="hold")
    while (await state())["state"] not in ("pausing", "calm"):
        pass
    # A pause for breath is not calm yet: wait until the bout has ended in the sound.
    kept = await asyncio.to_thread(journal.episode, episode)
    while kept is None or any(bout.end == "open" for bout in kept.bouts):
        await state()
        kept = await asyncio.to_thread(journal.episode, episode)
    await tap("calmed", episode=episode)
    kept = await asyncio.to_thread(journal.episode, episode)
    while kept is None or kept.open:
        await state()
        kept = await asyncio.to_thread(journal.episode, episode)
    whole = kept.as_dict()
    first = kept.first_response
    return {
        "onset": whole["onset"],
        "detected_at": whole["bouts"][0]["detected_at"],
        "alerts": whole["alerts"],
        "acknowledged_at": kept.acknowledgements[0].at.isoformat(),
        "first_response": first.as_dict() if first else None,
        "latency_s": kept.latency_s,
        "crying_s": kept.crying_s,
        "time_to_calm_s": kept.time_to_calm_s,
        "helped": kept.helped,
        "outcome": str(kept.outcome),
    }


def _print(episode: dict[str, Any]) -> None:
    onset = datetime.fromisoformat(episode["onset"])

    def after(text: str | None) -> str:
        if text is None:
            return "not told"
        return f"{(datetime.fromisoformat(text) - onset).total_seconds():5.1f} s"

    typer.echo("An episode, from the onset in the sound:")
    typer.echo(f"  {after(episode['detected_at'])}  the hub knew that Ida cries")
    for alert in episode["alerts"]:
        typer.echo(f"  {after(alert['due'])}  Anna was to be told ({alert['channel']})")
        typer.echo(f"  {after(alert['shown'])}  her page showed it")
    typer.echo(f"  {after(episode['acknowledged_at'])}  Anna: I'm going")
    typer.echo(f"  {after(episode['first_response']['at'])}  Anna: I'm here")
    typer.echo(
        f"She cried for {episode['crying_s']:.0f} s and was answered after "
        f"{episode['latency_s']:.1f} s. What was tried last: {episode['helped']}. "
        f"Outcome: {episode['outcome']}."
    )
