"""A hub of a few lines for the pages' own tests: it says what the test tells it to say."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

import harken
from harken.evidence import FOUR_QUESTIONS
from harken.web.words import FILTERS

WEB = Path(harken.__file__).parent / "web"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'"
)
QR = "data:image/svg+xml," + (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E"
    "%3Cpath d='M0 0h3v3H0zM6 0h3v3H6zM0 6h3v3H0zM4 4h2v2H4zM7 7h1v2H7z'/%3E%3C/svg%3E"
)


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def a_room(name: str = "Nursery", state: str = "calm", **more: Any) -> dict[str, Any]:
    return {
        "id": name.lower(), "name": name, "children": [{"id": "mia", "name": "Mia"}],
        "ear": "browser", "heard": state != "unheard", "unheard_since": None,
        "unheard_reason": None, "state": state, "since": ago(8040), "provisional": False,
        "level_dbfs": -41.5, "episode": None, "last": None, **more,
    }  # fmt: skip


def an_episode(seconds: float = 14, **more: Any) -> dict[str, Any]:
    return {
        "id": "0190b1d2-0000-7000-8000-000000000001", "onset": ago(seconds),
        "crying_s": seconds, "course": None, "told": [], "going": [], "there": [], "soothing": [],
        "checks": [], "proposed": [], "calm_at": None, "false_alarm": False, "drill": False,
        "next": None, "plan": None, **more,
    }  # fmt: skip


class Stub:
    """What the test says, and what the page sent."""

    def __init__(self) -> None:
        self.rooms = [a_room()]
        self.me: dict[str, Any] = {
            "device": "d1", "caregiver": "anna", "name": "Anna", "role": "owner", "room": None,
        }  # fmt: skip
        self.problems: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.posts: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.frames: list[bytes] = []
        self.refuse = False
        self.version = 0
        self.alerts: list[dict[str, Any]] = []
        self.address = ""

    def changed(self) -> None:
        self.version += 1

    def snapshot(self) -> dict[str, Any]:
        return {
            "now": ago(0), "household": {"name": "Ash Lane", "zone": "Europe/Berlin"},
            "me": self.me, "rooms": self.rooms,
            "caregivers": [{"id": "anna", "name": "Anna"}, {"id": "ben", "name": "Ben"}],
            "problems": self.problems,
            "settings": {"night_from": None, "night_until": None, "four_questions": False},
        }  # fmt: skip

    def take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        room = next((one for one in self.rooms if one["id"] == event["room"]), None)
        episode = room and room["episode"]
        if not episode:
            return
        entry = {
            "event": event["id"], "caregiver": self.me["caregiver"], "name": self.me["name"],
            "at": event["at"],
        }  # fmt: skip
        kind, data = event["kind"], event["data"]
        if kind == "acknowledged":
            episode["going"].append(entry)
        elif kind == "responded":
            episode["there"].append(entry | {"manner": data["manner"], "source": data["source"]})
        elif kind == "soothed":
            episode["soothing"].append(entry | {"attempt": data["attempt"]})
        elif kind == "calmed":
            episode["calm_at"] = event["at"]
        elif kind == "not_a_cry":
            episode["false_alarm"] = True
        elif kind == "confirmed":
            episode["proposed"] = []
            episode["there"].append(entry | {"manner": "arrived", "source": "heard"})
        elif kind == "removed":
            for name in ("going", "there", "soothing", "proposed"):
                episode[name] = [x for x in episode[name] if x["event"] != data["target"]]


def build(stub: Stub) -> FastAPI:
    """Make the application."""
    app = FastAPI()
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    env.filters |= FILTERS

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        if request.method not in ("GET", "HEAD") and request.headers.get("X-Harken") != "1":
            return JSONResponse({"error": "The header X-Harken is missing."}, 403)
        answer: Response = await call_next(request)
        answer.headers["Content-Security-Policy"] = CSP
        return answer

    app.mount("/static", StaticFiles(directory=WEB / "static"))

    def page(name: str, path: str, **more: Any) -> None:
        async def show(request: Request) -> HTMLResponse:
            context = {
                "page": name, "me": stub.me, "role": stub.me["role"], "household": "Ash Lane",
                "zone": "Europe/Berlin", "version": "0", "state": stub.snapshot(),
                "static": lambda file: f"/static/{file}", "base_url": stub.address, **more,
            }  # fmt: skip
            return HTMLResponse(env.get_template(f"{name}.html").render(context))

        app.get(path)(show)

    page("now", "/", four=[asdict(one) for one in FOUR_QUESTIONS])
    page("nursery", "/nursery", room="")
    page("journal", "/journal", day=datetime.now(UTC).date().isoformat())
    page("settings", "/settings")

    @app.get("/manifest.webmanifest")
    async def manifest() -> Response:
        text = env.get_template("manifest.webmanifest").render(
            household="Ash Lane", static=lambda file: f"/static/{file}"
        )
        return Response(text, media_type="application/manifest+json")

    @app.get("/sw.js")
    async def worker() -> Response:
        files = [f"/static/{one.relative_to(WEB / 'static')}"
                 for one in (WEB / "static").rglob("*") if one.is_file()]  # fmt: skip
        text = (WEB / "static/sw.js").read_text("utf-8")
        text = text.replace("__VERSION__", "stub").replace("__FILES__", json.dumps(files))
        return Response(text, media_type="text/javascript",
                        headers={"Service-Worker-Allowed": "/"})  # fmt: skip

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/api/live")
    async def live() -> StreamingResponse:
        async def stream() -> AsyncIterator[str]:
            seen = -1
            told = len(stub.alerts)
            beat = time.monotonic()
            while not stub.refuse:
                if stub.version != seen:
                    seen = stub.version
                    yield f"event: state\ndata: {json.dumps(stub.snapshot())}\n\n"
                for alert in stub.alerts[told:]:
                    yield f"event: alert\ndata: {json.dumps(alert)}\n\n"
                told = len(stub.alerts)
                if time.monotonic() - beat > 5:
                    beat = time.monotonic()
                    yield ": heartbeat\n\n"
                await asyncio.sleep(0.02)

        if stub.refuse:
            return StreamingResponse(iter(()), 503)
        return StreamingResponse(stream(), media_type="text/event-stream")

    @app.post("/api/events")
    async def events(request: Request) -> Response:
        if stub.refuse:
            return JSONResponse({"error": "The hub is stopping."}, 503)
        body = await request.json()
        stub.posts.append(("/api/events", body))
        known = {one["id"] for one in stub.events}
        new = [one for one in body["events"] if one["id"] not in known]
        for one in new:
            stub.take(one)
        stub.changed()
        ids = [one["id"] for one in new]
        old = [one["id"] for one in body["events"] if one["id"] not in ids]
        return JSONResponse({"accepted": ids, "known": old, "refused": []})

    @app.websocket("/api/rooms/{room}/sound")
    async def sound(socket: WebSocket, room: str) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                stub.frames.append(await socket.receive_bytes())
                if len(stub.frames) % 4 == 0:
                    await socket.send_json(
                        {"level_dbfs": -32.0, "heard": True, "state": "calm", "cry": 0.02}
                    )

    @app.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def rest(path: str, request: Request) -> Response:
        if request.method != "GET":
            body = await request.body()
            stub.posts.append((f"{request.method} /api/{path}", body.decode("utf-8", "replace")))
        if path == "state":
            return JSONResponse(stub.snapshot())
        answer = stub.answers.get(f"{request.method} {path}", stub.answers.get(path))
        if answer is not None:
            return JSONResponse(answer)
        return JSONResponse([] if request.method == "GET" else {})

    return app


@contextlib.contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """Serve the stub on a free port of this machine."""
    server = uvicorn.Server(
        uvicorn.Config(build(stub), port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    stub.address = f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        stub.refuse = True
        server.should_exit = True
        thread.join()
