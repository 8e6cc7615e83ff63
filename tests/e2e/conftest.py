"""A real hub, real browsers, and an infant's real cry at the microphone."""

import asyncio
import concurrent.futures
import contextlib
import csv
import os
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as datetime_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from harken.cli.serve import make_code, running
from harken.episodes import Event, new_id
from harken.journal import Caregiver, Child, DutyTurn, Journal, Room
from harken.settings import load_settings
from harken.simulate import cry
from harken.simulate.acoustics import at_level, coloured_noise
from harken.sound import RATE, AudioBlock, Source, open_source

CHROMIUM = "chromium"
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PHONE, DESKTOP = (390, 844), (1280, 800)
PATIENCE_S = 45.0
BOUNCE_MS = 1000
ROOM = "nursery"
BERLIN = ZoneInfo("Europe/Berlin")
YESTERDAY = (datetime.now(BERLIN) - timedelta(days=1, hours=7)).date()
"""The newest whole day, as families count: it began at 7 o'clock and is over."""

CLIP = "dac-F4A0C710-AC2D-42E0-8EA9-3E4CAC31EE20-1430318416-1.0-m-04-hu.flac"
"""Of a family's own phone, four weeks old and hungry; YAMNet is sure of it from end to end."""
SHARED = Path(__file__).parents[2] / "../shared/audio"
QUIET_DBFS, CRY_DBFS = -62.0, -20.0

# What Chromium itself writes to the console when the network is gone.
_NETWORK = re.compile(r"net::ERR_|WebSocket connection to .* failed|Failed to fetch|status of 503")

expect.set_options(timeout=PATIENCE_S * 1000)


def until(holds, what: str, *, seconds: float = PATIENCE_S):
    """Wait until something holds, and give it."""
    give_up = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < give_up, f"{what}: not after {seconds:.0f} s"
        time.sleep(0.05)
    return found


def thumb(page: Page, name: str) -> None:
    """Tap the big button, later than what the page takes for the bounce of the tap before."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_visible()
    page.wait_for_timeout(BOUNCE_MS)
    button.click()


def shine(page: Page, theme: str) -> None:
    """Put a page into another light, as its menu does."""
    page.evaluate(
        "theme => { const pick = document.getElementById('theme'); if (pick) pick.value = theme;"
        " localStorage.setItem('harken.theme', theme); dispatchEvent(new Event('harken:theme')) }",
        theme,
    )
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


# The sound of a room.


def _cry(seconds: float) -> np.ndarray:
    """Give a real cry, or a synthetic one where the recordings are not there."""
    if (SHARED / "clips" / CLIP).exists():
        with (SHARED / "manifest.csv").open(newline="") as file:
            label = {row["file"]: row["label"] for row in csv.DictReader(file)}[CLIP]
        assert label == "cry"
        with open_source(str(SHARED / "clips" / CLIP)) as clip:
            heard = np.concatenate([one.samples for one in clip if isinstance(one, AudioBlock)])
    else:
        heard = cry(7.0, rng=np.random.default_rng(7), intensity=0.9).samples
    return at_level(np.resize(heard, round(seconds * RATE)), CRY_DBFS)


def _hiss(seconds: float) -> np.ndarray:
    return at_level(coloured_noise(round(seconds * RATE), np.random.default_rng(3)), QUIET_DBFS)


@pytest.fixture(scope="session")
def cot_wav(tmp_path_factory) -> Path:
    """A quiet room, 12 s of crying, and quiet again; at 48 kHz, as Chromium plays it."""
    before, crying, after = 8.0, 12.0, 90.0
    sound = _hiss(before + crying + after)
    start = round(before * RATE)
    loud = _cry(crying)
    sound[start : start + len(loud)] += loud
    at_48k = np.interp(np.arange(3 * len(sound)) / 3, np.arange(len(sound)), sound)
    path = tmp_path_factory.mktemp("cot") / "cot.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.round(np.clip(at_48k, -1, 1) * 32767).astype("<i2").tobytes())
    return path


class Cot(Source):
    """What the hub hears of the room: quiet, or a cry for as long as the test wants it."""

    live = True

    def __init__(self):
        super().__init__(silence_after_s=10.0)
        self.name, self.started_at = "a cot", datetime.now(UTC)
        self.crying, self._over = threading.Event(), threading.Event()
        self._quiet, self._loud = _hiss(20.0), _cry(14.0)

    def close(self):
        self._over.set()

    def _read(self):
        block, at, begun = 2560, 0, time.monotonic()
        while not self._over.wait(max(0.0, begun + (at + block) / RATE - time.monotonic())):
            where = range(at, at + block)
            sound = np.take(self._quiet, where, mode="wrap")
            if self.crying.is_set():
                sound = sound + np.take(self._loud, where, mode="wrap")
            yield AudioBlock(sound.astype(np.float32), at / RATE)
            at += block


# The household, and the hub that serves it.


@dataclass(frozen=True)
class Names:
    """What everybody and everything is called."""

    household: str = "Ash Lane"
    room: str = "Nursery"
    child: str = "Ida"
    owner: str = "Anna"
    caregiver: str = "Ben"


NAMES = Names()


def make_household(journal: Journal, names: Names = NAMES) -> None:
    household = journal.household
    household.set_setting("name", names.household)
    household.set_setting("zone", "Europe/Berlin")
    household.add(Room(id=ROOM, name=names.room, ear="browser", ring_after=0.0))
    born = date.today() - timedelta(weeks=10)
    household.add(Child(id="ida", name=names.child, born=born, room=ROOM))
    household.add(Caregiver(id="anna", name=names.owner, role="owner"))
    household.add(Caregiver(id="ben", name=names.caregiver, role="caregiver"))
    household.set_duty(
        ROOM,
        [
            DutyTurn(order=1, caregiver="anna", after_s=0.0),
            DutyTurn(order=2, caregiver="ben", after_s=30.0),
        ],
    )


class Past:
    """What happened in the nursery before the test, as events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, at: datetime, by: str = "hub", **data: Any) -> None:
        self.events.append(
            Event(kind, at, room=ROOM, child="ida", by=by, zone="Europe/Berlin", data=data)
        )

    def cried(self, onset: datetime, minutes: float) -> str:
        bout, over = str(new_id()), onset + timedelta(minutes=minutes)
        detected = (onset + timedelta(seconds=1.2)).isoformat()
        self.add("cry_started", onset, bout=bout, detected_at=detected, level_dbfs=-21.0)
        self.add("cry_ended", over, bout=bout, onset=onset.isoformat(), mean_cry=0.93,
                 peak_dbfs=-14.0)  # fmt: skip
        return bout

    def came(self, bout: str, who: str, at: datetime, attempt: str) -> None:
        by, about = f"caregiver:{who}", {"caregiver": who, "episode": bout}
        self.add("acknowledged", at - timedelta(seconds=9), by, **about)
        self.add("responded", at, by, manner="arrived", source="tapped", **about)
        self.add("soothed", at + timedelta(seconds=20), by, attempt=attempt, **about)

    def cared(self, what: str, at: datetime, minutes: float = 0.0, **data: Any) -> None:
        lasted = {"until": (at + timedelta(minutes=minutes)).isoformat()} if minutes else {}
        self.add("care", at, "caregiver:anna", what=what, caregiver="anna", **lasted, **data)


def past_events() -> list[Event]:
    """Give an ordinary yesterday, and a cry of this last hour."""
    past = Past()
    yesterday = datetime.combine(YESTERDAY, datetime_time(7), BERLIN)

    def at(hours: float, seconds: float = 0.0) -> datetime:
        return yesterday + timedelta(hours=hours, seconds=seconds)

    past.came(past.cried(at(2.2), 1.5), "anna", at(2.2, 24), "feed")
    tooth = past.cried(at(9.6), 3.0)
    past.came(tooth, "ben", at(9.6, 61), "carry")
    past.cried(at(14.1), 1.4)
    past.came(past.cried(at(17.9), 2.1), "anna", at(17.9, 18), "hold")
    past.add("commented", at(10), "caregiver:ben", text="Her tooth, I think.", episode=tooth,
             caregiver="ben")  # fmt: skip
    for hours, minutes in ((2.8, 95), (11, 130), (18.5, 260)):
        past.cared("sleep", at(hours), minutes)
    past.cared("feed", at(2.3), 20, side="left")
    past.cared("feed", at(9.8), 15, ml=90.0)
    past.cared("feed", at(17.95), 18, side="right")
    past.cared("nappy", at(4.6), wet=True)
    past.cared("nappy", at(13.5), wet=True, solid=True)
    past.cared("note", at(15.0), text="Smiled at the lamp.")
    lately = datetime.now(UTC) - timedelta(minutes=47)
    past.came(past.cried(lately, 1.1), "ben", lately + timedelta(seconds=21), "rock")
    return past.events


@dataclass
class Home:
    """A household whose hub runs."""

    url: str
    journal: Journal
    cot: Cot | None = None
    hub: Any = None

    def code(self, role: str, name: str = "", room: str | None = None) -> str:
        return make_code(self.journal, role=role, name=name, room=room)

    def events(self, kind: str) -> list[Event]:
        return self.journal.events(kinds=[kind])

    def episode(self) -> Any:
        return self.journal.episodes(newest_first=True, limit=1)[0]

    def cry(self) -> None:
        assert self.cot is not None
        self.cot.crying.set()

    def hush(self) -> None:
        assert self.cot is not None
        self.cot.crying.clear()


@contextlib.contextmanager
def _serving(journal: Journal, cot: Cot):
    """Run a hub in a thread of its own: Playwright keeps this one's event loop."""
    settings = load_settings(model="builtin", host="127.0.0.1", https=False, sounder=False)
    settings = settings.model_copy(update={"port": 0})
    up: concurrent.futures.Future = concurrent.futures.Future()

    async def serve():
        stop = asyncio.Event()
        async with running(journal, settings, sources={ROOM: lambda: cot}) as it:
            up.set_result((it, asyncio.get_running_loop(), stop))
            await stop.wait()

    def work():
        try:
            asyncio.run(serve())
        except BaseException as error:
            if up.done():
                raise
            up.set_exception(error)

    thread = threading.Thread(target=work, name="hub")
    thread.start()
    try:
        it, loop, stop = up.result(PATIENCE_S)
        yield Home(it.url, journal, cot, it.hub)
        loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join(PATIENCE_S)


@pytest.fixture
def make_home(tmp_path, monkeypatch):
    """Start a hub in this process whose room sounds as the test wants."""
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path / "data"))
    with contextlib.ExitStack() as stack:

        def make(names: Names | None = NAMES, past: list[Event] | None = None) -> Home:
            journal = Journal.open(tmp_path / "journal.db")
            stack.callback(journal.close)
            if names is not None:
                make_household(journal, names)
            if past:
                journal.append(past)
            return stack.enter_context(_serving(journal, Cot()))

        yield make


@pytest.fixture
def home(make_home) -> Home:
    return make_home()


class HubProcess:
    """`harken serve`, which a test may kill and start again with the same data."""

    def __init__(self, folder: Path, port: int):
        self.database, self.port = folder / "journal.db", port
        self.url = f"http://localhost:{self.port}"
        self._env = {
            **os.environ, "HARKEN_DATA": str(folder / "data"),
            "HARKEN_DATABASE": str(self.database), "HARKEN_SOUNDER": "false",
        }  # fmt: skip
        self._said = folder / "hub.txt"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from harken.cli.app import main; main()",
                 "serve", "--port", str(self.port), "--model", "builtin"],
                env=self._env, stdout=said, stderr=said,
            )  # fmt: skip
        until(self._answers, "the hub to start")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._said.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/healthz", timeout=5.0).status_code in (200, 503)
        return False

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_S)


@pytest.fixture
def hub_process(tmp_path, free_port):
    """A running `harken serve` and its household, whose ears are a browser."""
    process = HubProcess(tmp_path, free_port())
    journal = Journal.open(process.database)
    make_household(journal)
    try:
        process.start()
        yield process, Home(process.url, journal)
    finally:
        process.close()
        journal.close()


# Browsers.


@pytest.fixture(scope="module")
def playwright(require):
    # Not for the session: while Playwright runs, no later test could use asyncio.run.
    require(CHROMIUM)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright, require) -> Any:
    browser = playwright.chromium.launch(executable_path=require(CHROMIUM), args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def nursery_browser(playwright, require, cot_wav):
    """A browser of its own, whose microphone hears the cot."""
    browser = playwright.chromium.launch(
        executable_path=require(CHROMIUM),
        args=[*ARGS, f"--use-file-for-fake-audio-capture={cot_wav}"],
    )
    yield browser
    browser.close()


class Phones:
    """Browsers that have joined; what their consoles say goes against the test."""

    def __init__(self, browser: Browser):
        self._browser = browser
        self._contexts: list[Any] = []
        self.said: list[str] = []
        self.lossy = False
        """Whether the network is taken away on purpose, which Chromium writes of."""

    def new(
        self, *, browser: Browser | None = None, size: tuple[int, int] = PHONE,
        theme: str = "day", skew_s: float = 0.0, **more: Any,
    ) -> Page:  # fmt: skip
        """Open an empty page, as on a phone that has never seen the hub."""
        context = (browser or self._browser).new_context(
            viewport={"width": size[0], "height": size[1]}, locale="en-GB",
            timezone_id="Europe/Berlin",
            permissions=["microphone", "notifications", "screen-wake-lock"], **more,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_S * 1000)
        self._contexts.append(context)
        context.add_init_script(
            f"try {{ localStorage.setItem('harken.theme', '{theme}') }} catch {{ }}"
        )
        if skew_s:
            context.add_init_script(
                f"{{ const wrong = {skew_s * 1000}, True = Date;"
                "globalThis.Date = class extends True {"
                "constructor(...all) { all.length ? super(...all) : super(True.now() + wrong); }"
                "static now() { return True.now() + wrong; } } }"
            )
        page = context.new_page()
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        return page

    def _hear(self, page: Page, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.said.append(f"{page.url}: {message.text}")

    def sign_in(
        self, page: Page, home: Home, name: str = "Anna", *, role: str = "owner", device: str = ""
    ) -> None:
        """Let a phone join the household, without the page for it."""
        room = ROOM if role == "nursery" else None
        answer = page.request.post(
            f"{home.url}/api/join",
            data={"code": home.code(role, name, room), "name": device or f"{name}'s phone"},
            headers={"X-Harken": "1", "Origin": home.url},
        )
        assert answer.ok, answer.text()

    def join(
        self, home: Home, name: str = "Anna", *, role: str = "owner", path: str = "/",
        device: str = "", **more: Any,
    ) -> Page:  # fmt: skip
        """Open a page of the household on a phone that has joined it."""
        page = self.new(**more)
        self.sign_in(page, home, name, role=role, device=device)
        page.goto(home.url + path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        said = [one for one in self.said if not (self.lossy and _NETWORK.search(one))]
        assert said == []


@pytest.fixture
def phones(browser):
    phones = Phones(browser)
    yield phones
    phones.close()


@pytest.fixture(scope="session")
def axe(require):
    """Find what axe holds against a page as it is shown now."""
    script = require("node_modules/axe-core/axe.min.js").read_text("utf-8")

    def look(page: Page) -> list[tuple[str, list[str]]]:
        if not page.evaluate("'axe' in globalThis"):
            page.evaluate(script)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            (one["id"], [f"{node['html'][:160]} :: {node['failureSummary']}"
                         for node in one["nodes"][:3]])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]  # fmt: skip

    return look


@pytest.fixture(scope="session")
def e2e():
    """What tests use that is no fixture: names, sizes and waiting."""

    class E2E:
        names, past, past_events, yesterday = Names, Past, past_events, YESTERDAY
        phone, desktop = PHONE, DESKTOP
        wait, thumb, shine = staticmethod(until), staticmethod(thumb), staticmethod(shine)

    return E2E
