"""A small hub on the real journal, and a household in it: nothing of the web is replaced."""

import asyncio
import contextlib
import shutil
import socket
import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn

from harken.episodes.events import Event, new_id
from harken.errors import ParameterError
from harken.journal import Caregiver, Child, Device, DutyTurn, Journal, Room, token_hash
from harken.web import SERVER_LIMITS, WebSettings, create_app
from harken.web.security import new_token

with warnings.catch_warnings():
    # Starlette would rather have httpx2, which isn't the client that Harken itself uses.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

BASE = "http://hub.local:8437"
TEMPLATES = ("now", "nursery", "journal", "settings", "evidence", "waiting", "insight",
             "hears",
             "board", "join", "welcome", "problem")  # fmt: skip


class Ear:
    def __init__(self, hub, room):
        self.hub, self.room, self.pieces, self.closed = hub, room, [], False

    async def push(self, pcm, seq, captured_at):
        if self.hub.ear_fails:
            raise RuntimeError("the detector fell over")
        self.pieces.append((seq, captured_at, len(pcm)))

    def hearing(self):
        return {"level_dbfs": -40.0, "heard": bool(self.pieces), "state": "calm", "cry": 0.1}

    def close(self):
        self.closed = True


class Hub:
    """What `HubCalls` asks for, in its plainest form."""

    def __init__(self, journal):
        self.journal = journal
        self.queues = set()
        self.ears, self.said, self.told = [], [], []
        self.ear_fails = self.leaks = False
        self.asked = 0
        self.note = ""
        self.clips = {}

    async def record(self, events):
        new = await asyncio.to_thread(self.journal.append, events)
        self.publish("state", {})
        return new

    def publish(self, kind, data):
        for queue in self.queues:
            queue.put_nowait((kind, data))

    def state(self, viewer):
        self.asked += 1
        household = self.journal.household
        children = household.list(Child)
        rooms = [
            {
                "id": room.id,
                "name": room.name,
                "children": [
                    {"id": one.id, "name": one.name} for one in children if one.room == room.id
                ],
                "state": "calm",
                "level_dbfs": -40.0,
                "episode": None,
                "note": self.note,
            }
            for room in household.list(Room)
            if viewer is None
            or self.leaks
            or viewer.sees_room(room.id, [one.id for one in children if one.room == room.id])
        ]
        return {
            "now": datetime.now(UTC).isoformat(),
            "household": {
                "name": household.get_setting("name", "Harken"),
                "zone": household.get_setting("zone", "UTC"),
            },
            "me": viewer.me() if viewer else None,
            "rooms": rooms,
            "caregivers": [{"id": one.id, "name": one.name} for one in household.list(Caregiver)],
            "problems": [],
            "settings": {},
        }

    @contextlib.asynccontextmanager
    async def subscribe(self, viewer=None):
        queue = asyncio.Queue()
        self.queues.add(queue)

        async def news():
            while True:
                yield await queue.get()

        try:
            yield news()
        finally:
            self.queues.discard(queue)

    def hears(self, room):
        return {"hop_s": 0.08, "times": [], "cry": [], "voice": [], "level": []}

    def room_check(self, room):
        return {"suggested": 0.5}

    def tuning(self, room, threshold):
        return {"threshold": threshold, "cries": 0, "false_alarms": 0}

    def ear(self, room, device):
        if self.journal.household.get(Room, room).ear != "browser":
            raise ParameterError("This room is not heard by a browser.")
        self.ears.append(Ear(self, room))
        return self.ears[-1]

    async def say(self, room, what, by):
        self.said.append((room, what, by))
        self.publish("say", {k: v for k, v in what.items() if k != "clip"} | {"room": room})

    async def drill(self, room, by):
        return str(new_id())

    def drill_report(self, drill):
        return None

    async def test_channel(self, channel):
        return {"ok": False, "says": "The service did not answer."}

    async def room_changed(self, room):
        self.told.append(("room", room))

    async def household_changed(self):
        self.told.append(("household", None))
        self.publish("state", {})

    async def clip(self, bout):
        return self.clips.get(bout)

    def has_clip(self, bout):
        return bout in self.clips

    async def forget_clips(self):
        count = len(self.clips)
        self.clips.clear()
        return count

    def push_key(self):
        return "B" * 87

    def healthz(self):
        return {"ok": True, "rooms": {"nursery": True, "attic": True}}


class Home:
    """A household with two rooms, two children, and somebody in every role."""

    def __init__(self, file, **settings):
        self.journal = Journal.open(file)
        self.hub = Hub(self.journal)
        self.settings = WebSettings(**({"base_url": BASE} | settings))
        self.app = create_app(self.hub, settings=self.settings)
        self.tokens = {}

    def furnish(self):
        household = self.journal.household
        household.set_setting("name", "Home")
        household.set_setting("zone", "Europe/Berlin")
        for room in ("nursery", "attic"):
            household.add(Room(id=room, name=room.capitalize()))
        household.add(Child(id="ida", name="Ida", room="nursery"))
        household.add(Child(id="ole", name="Ole", room="attic"))
        household.add(Caregiver(id="ann", name="Ann", role="owner"))
        household.add(Caregiver(id="bo", name="Bo", role="caregiver"))
        household.add(Caregiver(id="gran", name="Gran", role="viewer", children=["ida"]))
        household.set_duty("nursery", [DutyTurn(order=1, caregiver="ann")])
        self.device("owner", kind="phone", caregiver="ann")
        self.device("caregiver", kind="phone", caregiver="bo")
        self.device("viewer", kind="phone", caregiver="gran")
        self.device("nursery", kind="nursery", room="nursery")
        self.device("script", kind="script", caregiver="ann")

    def device(self, name, **of):
        token = new_token()
        self.journal.household.add(
            Device(
                id=f"{name}-device",
                name=f"{name}'s device",
                token_hash=token_hash(token),
                created=datetime.now(UTC),
                **of,
            )
        )
        self.tokens[name] = token
        return token

    def event(self, kind="soothed", **values):
        data = {"attempt": "hold"} if kind == "soothed" else values.pop("data", {})
        return {
            "id": str(new_id()),
            "kind": kind,
            "at": datetime.now(UTC).isoformat(),
            "room": "nursery",
            "data": data,
        } | values

    def cry(self, room="nursery", child=None, at=None, length_s=20.0):
        """An episode in the journal; gives its id."""
        bout = str(new_id())
        at = at or datetime.now(UTC).replace(microsecond=0) - self.ago(600)
        self.journal.append(
            [
                Event("cry_started", at, room=room, child=child,
                      data={"bout": bout, "detected_at": (at + self.ago(1)).isoformat()}),
                Event("cry_ended", at + self.ago(length_s), room=room, child=child,
                      data={"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}),
            ]
        )  # fmt: skip
        return bout

    @staticmethod
    def ago(seconds):
        return timedelta(seconds=seconds)

    def headers(self, who=None, **more):
        given = {"x-harken": "1"}
        if who:
            given["cookie"] = f"{self.settings.cookie}={self.tokens[who]}"
        return given | more


@pytest.fixture(scope="session")
def journals(tmp_path_factory):
    """A journal of nobody and one of a household, to be copied: making one takes a while."""
    folder = tmp_path_factory.mktemp("journals")
    Journal.open(folder / "empty.db").close()
    home = Home(folder / "furnished.db")
    home.furnish()
    home.journal.close()
    return folder, home.tokens


@pytest.fixture
def make_home(tmp_path, journals, plain_pages, static_files):
    made = []
    folder, tokens = journals

    def make(*, empty=False, **settings):
        file = tmp_path / f"home{len(made)}.db"
        shutil.copy(folder / ("empty.db" if empty else "furnished.db"), file)
        pages = {"templates": plain_pages, "static": static_files}
        made.append(Home(file, **(pages | settings)))
        made[-1].tokens = dict(tokens)
        return made[-1]

    yield make
    for home in made:
        home.journal.close()


@pytest.fixture
def plain_pages(tmp_path):
    """Templates that show what they get, for tests that are not about the real ones."""
    folder = tmp_path / "templates"
    folder.mkdir()
    for name in TEMPLATES:
        text = "<!doctype html><title>{{ page }}</title>{{ household }}|{{ role }}|{{ version }}"
        if name == "problem":
            text += "<h1>{{ status }} {{ title }}</h1><p>{{ says }}</p><a href='{{ link }}'>x</a>"
        text += "<script type='application/json'>{{ state|tojson }}</script>"
        text += "{{ static('js/a.js') }}"
        (folder / f"{name}.html").write_text(text)
    (folder / "manifest.webmanifest").write_text('{"name": {{ household|tojson }}}')
    return folder


@pytest.fixture
def static_files(tmp_path):
    folder = tmp_path / "static"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "a.js").write_text("export const a = 1;\n" * 50)
    (folder / "sw.js").write_text("const VERSION = '__VERSION__', FILES = __FILES__;")
    (folder / ".hidden").write_text("secret")
    return folder


@pytest.fixture
def home(make_home):
    return make_home()


@pytest.fixture
def client_of():
    """A browser of somebody in a home: `client_of(home, "owner")`; without a name a stranger."""
    running = {}
    with contextlib.ExitStack() as stack:

        def make(home, who=None, *, address="10.0.0.9", raises=True):
            client = TestClient(
                home.app,
                base_url=home.settings.base_url,
                client=(address, 50000),
                follow_redirects=False,
                raise_server_exceptions=raises,
                headers={"x-harken": "1"},
            )
            if who:
                client.headers["cookie"] = f"{home.settings.cookie}={home.tokens[who]}"
            if home not in running:
                running[home] = stack.enter_context(client)
            client.portal = running[home].portal  # all on one event loop, as in life
            return client

        yield make


@pytest.fixture
def serve():
    """Serve a home by a real server on a free port, for streams and WebSockets."""
    with contextlib.ExitStack() as stack:

        def start(home, **limits):
            listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
            config = uvicorn.Config(home.app, log_config=None, **(SERVER_LIMITS | limits))
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
            thread.start()
            until = time.monotonic() + 10
            while not server.started and time.monotonic() < until:
                time.sleep(0.01)

            loop = server.servers[0].get_loop()

            def stop():
                loop.call_soon_threadsafe(home.app.state.web.close)
                server.should_exit = True
                thread.join(15)
                listener.close()
                assert not thread.is_alive()

            stack.callback(stop)
            port = listener.getsockname()[1]
            return SimpleNamespace(
                url=f"http://127.0.0.1:{port}",
                ws=f"ws://127.0.0.1:{port}",
                port=port,
                publish=lambda *news: loop.call_soon_threadsafe(home.hub.publish, *news),
                loop=loop,
                http=lambda: httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10),
            )

        yield start


@pytest.fixture
def root():
    return Path(__file__).parents[2]
