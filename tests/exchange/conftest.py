"""A journal, and a server that keeps the rules of Baby Buddy's API."""

import asyncio
import socket
import threading
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from harken.episodes.events import Event, new_id
from harken.journal import Caregiver, Child, Journal, Room

TOKEN = "0123456789abcdef0123456789abcdef01234567"
START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
SPANS = ("feedings", "sleep")
POINTS = ("changes", "notes", "temperature")
FIELDS = {
    "feedings": ("type", "method", "amount", "notes", "tags"),
    "sleep": ("nap", "notes", "tags"),
    "changes": ("wet", "solid", "color", "amount", "notes", "tags"),
    "notes": ("note", "image", "tags"),
    "temperature": ("temperature", "notes", "tags"),
}
PAGE = 100


class BabyBuddyServer:
    """What Baby Buddy's lists answer and refuse, as its serializers, models and filters say.

    `offset_s` sets its clock wrong, `fails` holds statuses to answer with first, and
    `before` is called with every request.
    """

    def __init__(self):
        self.empty()
        self.app = FastAPI()
        self.app.add_api_route("/api/{endpoint}/", self.listed, methods=["GET"])
        self.app.add_api_route("/api/{endpoint}/", self.added, methods=["POST"])
        self.app.add_api_route("/api/{endpoint}/{item}/", self.changed, methods=["PATCH"])
        self.app.middleware("http")(self.door)

    def empty(self):
        self.items = {"children": {}, **{name: {} for name in (*SPANS, *POINTS)}}
        self.offset_s = 0.0
        self.fails = []
        self.asked = []
        self.before = lambda method, path: None
        self._next = 1

    @property
    def now(self):
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    async def door(self, request: Request, call_next):
        self.asked.append((request.method, request.url.path, dict(request.query_params)))
        await asyncio.to_thread(self.before, request.method, request.url.path)
        if self.fails:
            answer = JSONResponse({"detail": "out of order"}, self.fails.pop(0))
        elif request.headers.get("authorization") != f"Token {TOKEN}":
            answer = JSONResponse({"detail": "Invalid token."}, 401)
        else:
            answer = await call_next(request)
        answer.headers["date"] = format_datetime(self.now, usegmt=True)
        return answer

    def child(self, first, last="Doe", born=date(2026, 1, 10)):
        id = self._id()
        self.items["children"][id] = {
            "id": id, "first_name": first, "last_name": last, "birth_date": born.isoformat(),
            "birth_time": None, "slug": f"{first}-{last}".lower(), "picture": None,
        }  # fmt: skip
        return id

    def put(self, endpoint, **values):
        """Somebody enters something on its pages."""
        item, errors = self._checked(endpoint, values, None)
        assert not errors, errors
        return item["id"]

    def _id(self):
        self._next += 1
        return self._next - 1

    async def listed(self, endpoint: str, request: Request):
        if endpoint not in self.items:
            return JSONResponse({"detail": "Not found."}, 404)
        asked = request.query_params
        found = [one for one in self.items[endpoint].values() if self._passes(one, asked)]
        field = asked.get("ordering", "-id")
        # Only these can be ordered by; another is passed over, as there.
        allowed = {"children": ("birth_date",), "notes": ("time",)}.get(
            endpoint, ("start", "end", "duration", "amount", "time", "temperature")
        )
        if field.lstrip("-") not in allowed:
            field = "-end" if endpoint in SPANS else "-time" if endpoint in POINTS else "id"
        found.sort(key=lambda one: one[field.lstrip("-")], reverse=field.startswith("-"))
        limit, offset = int(asked.get("limit", PAGE)), int(asked.get("offset", 0))
        more = offset + limit < len(found)
        return {
            "count": len(found),
            "next": f"http://elsewhere.invalid/api/{endpoint}/?offset={offset}" if more else None,
            "previous": None,
            "results": [self._shown(one) for one in found[offset : offset + limit]],
        }

    def _shown(self, item):
        # It writes times in its own zone.
        zone = datetime.fromisoformat("2026-01-01T00:00:00-05:00").tzinfo
        return {
            key: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
            for key, value in item.items()
        }

    def _passes(self, one, asked):
        for name, field in (("date", "time"), ("start", "start")):
            least, most = (asked.get(f"{name}_{end}") for end in ("min", "max"))
            if least and one[field] < datetime.fromisoformat(least):
                return False
            if most and one[field] > datetime.fromisoformat(most):
                return False
        return "tags" not in asked or bool(set(asked["tags"].split(",")) & set(one["tags"]))

    async def added(self, endpoint: str, request: Request):
        item, errors = self._checked(endpoint, await request.json(), None)
        return JSONResponse(errors, 400) if errors else JSONResponse(self._shown(item), 201)

    async def changed(self, endpoint: str, item: int, request: Request):
        old = self.items[endpoint].get(item)
        if old is None:
            return JSONResponse({"detail": "Not found."}, 404)
        found, errors = self._checked(endpoint, await request.json(), old)
        return JSONResponse(errors, 400) if errors else JSONResponse(self._shown(found))

    def _checked(self, endpoint, values, old):
        times = ("start", "end") if endpoint in SPANS else ("time",)
        item = dict(old or {"id": None, "child": None, **dict.fromkeys(FIELDS[endpoint])})
        item["tags"] = item.get("tags") or []
        errors = {}
        item |= {key: value for key, value in values.items() if key in item or key in times}
        for key in times:
            if isinstance(item.get(key), str):
                item[key] = datetime.fromisoformat(item[key])
        if endpoint == "notes":
            item.setdefault("time", self.now)
            if not item["note"]:
                errors["note"] = ["This field is required."]
        for field in ("child", *times):
            if item.get(field) is None:
                errors[field] = ["This field is required."]
        if item["child"] is not None and item["child"] not in self.items["children"]:
            errors["child"] = [f'Invalid pk "{item["child"]}" - object does not exist.']
        if errors:
            return None, errors
        # A note may lie in the future there; nothing else may.
        for field in times if endpoint != "notes" else ():
            if item[field] > self.now:
                return None, {field: ["Date/time can not be in the future."]}
        if endpoint in SPANS:
            start, end = item["start"], item["end"]
            if start > end:
                return None, {"non_field_errors": ["Start time must come before end time."]}
            if end - start > timedelta(hours=24):
                return None, {"non_field_errors": ["Duration too long."]}
            if any(
                other["child"] == item["child"] and other["start"] <= end and other["end"] >= start
                for other in self.items[endpoint].values()
                if other["id"] != item["id"]
            ):
                said = "Another entry intersects the specified time period."
                return None, {"non_field_errors": [said]}
            item["duration"] = str(end - start)
        if item["id"] is None:
            item["id"] = self._id()
        self.items[endpoint][item["id"]] = item
        return item, {}


@pytest.fixture(scope="session")
def _baby_buddy():
    server = BabyBuddyServer()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            server.app, log_level="critical", date_header=False, lifespan="off", ws="none"
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        server.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.token = TOKEN
        yield server
        running.should_exit = True
        thread.join()


@pytest.fixture
def baby_buddy(_baby_buddy):
    """A running server that holds nothing; `url` is where, `items` what it holds."""
    _baby_buddy.empty()
    return _baby_buddy


@pytest.fixture(scope="session")
def household_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("exchange") / "journal.sqlite"
    with Journal.open(path) as journal:
        household = journal.household
        household.add(Room(id="nursery", name="Nursery"))
        household.add(Child(id="mia", name="Mia", born=date(2026, 1, 10), room="nursery"))
        household.add(Caregiver(id="ada", name="Ada", role="owner"))
        household.set_setting("zone", "Europe/Berlin")
    return path


@pytest.fixture
def place(household_file, tmp_path):
    """Where a journal with a small household is."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(household_file.read_bytes())
    return path


@pytest.fixture
def journal(place):
    """A journal with one room, one child and one caregiver, in Berlin."""
    with Journal.open(place) as opened:
        yield opened


def _cried(at, seconds=40.0, *, answered_s=None, room="nursery"):
    """The events of an episode that is over."""
    bout = str(new_id(at))
    end = at + timedelta(seconds=seconds)
    events = [
        Event("cry_started", at, room=room, data={"bout": bout, "detected_at": at.isoformat()}),
        Event("cry_ended", end, room=room,
              data={"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}),
    ]  # fmt: skip
    if answered_s is not None:
        came = at + timedelta(seconds=answered_s)
        given = {"manner": "arrived", "source": "tapped", "caregiver": "ada"}
        events.append(Event("responded", came, room=room, by="caregiver:ada", data=given))
    return events


@pytest.fixture(scope="session")
def cried():
    """See `_cried`."""
    return _cried


@pytest.fixture(scope="session")
def start():
    """20:00 UTC on 1 March 2026."""
    return START


@pytest.fixture
def receiver_of():
    """Makes servers that always answer the same, and gives where they are."""
    running = []

    def make(status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Location", "http://elsewhere.invalid/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield make
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
