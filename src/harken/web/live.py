"""Server-sent events: every open page sees the same thing within a moment.

The hub is subscribed to once. A snapshot is made and serialised once for each
scope (see `Viewer.scope`), not once for each page; what differs, who one is, is
put in front as text. A page that reads slowly keeps at most one snapshot waiting,
the newest; one that doesn't read at all is dropped, and gets a snapshot when it
comes again.
"""

import asyncio
import contextlib
import copy
import itertools
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harken.web.contract import HubCalls, Role, Viewer
from harken.web.people import People

log = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
GATHER_S = 0.1
"""Changes that come within this time after a snapshot go out with the next one."""

QUIET_S = 0.9
"""How often a snapshot goes out in which only a clock or a level moved."""

_QUIET_PER_PAGE_S = 0.002
_SEND_S = 15.0
_MOST_WAITING = 64
_MOVING = ("level_dbfs", "crying_s")

Said = Callable[[dict[str, Any]], None]


@dataclass(eq=False, slots=True)
class _Page:
    viewer: Viewer
    me: bytes
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    state: bytes | None = None
    waiting: deque[bytes] = field(default_factory=deque)
    gone: bool = False

    def close(self) -> None:
        self.gone = True
        self.wake.set()


@dataclass(slots=True)
class _Shown:
    """The latest snapshot of one scope: its text without ``me``, and what stands still in it."""

    body: bytes
    still: str
    at: float


class Live:
    """All open pages, and what they are told.

    Parameters
    ----------
    hub : HubCalls
    people : People
        Asked at every heartbeat whether a page's device may still look.
    heartbeat_s, send_s : float
        Time between signs of life, and how long a page may take to read, in seconds.
    """

    def __init__(
        self,
        hub: HubCalls,
        *,
        people: People,
        heartbeat_s: float = HEARTBEAT_S,
        send_s: float = _SEND_S,
    ) -> None:
        self._hub = hub
        self._people = people
        self._heartbeat_s = heartbeat_s
        self._send_s = send_s
        self._pages: dict[tuple[Role, str | None, frozenset[str]], set[_Page]] = {}
        self._shown: dict[tuple[Role, str | None, frozenset[str]], _Shown] = {}
        self._listeners: dict[str, set[Said]] = {}
        self._changed = asyncio.Event()
        self._number = itertools.count(1)
        self._closed = False

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    async def run(self) -> None:
        """Listen to the hub until cancelled. A failure ends every stream: never silent."""
        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._publish())
                    tasks.create_task(self._listen())
            except* Exception as errors:
                log.exception("the pages' news stopped; starting again", exc_info=errors)
            self._drop_all()
            await asyncio.sleep(0.5)

    def close(self) -> None:
        """End every stream at once, and take no new one; for shutting down."""
        self._closed = True
        self._drop_all()

    async def recheck(self) -> None:
        """End the streams of devices that may no longer look, or see something else now."""
        for page in [page for pages in self._pages.values() for page in pages]:
            if not await self._people.still(page.viewer):
                page.close()
        self._changed.set()

    def listen_in(self, room: str, said: Said) -> Callable[[], None]:
        """Call `said` with whatever is to be played in a room.

        Returns
        -------
        callable
            Ends it.
        """
        listeners = self._listeners.setdefault(room, set())
        listeners.add(said)
        return lambda: listeners.discard(said)

    async def snapshot(self, viewer: Viewer) -> dict[str, Any]:
        """Give the snapshot for one device, checked once more against what it may see."""
        return visible(
            self._hub.state(viewer), viewer=viewer, children=await self._people.children_by_room()
        )

    async def _listen(self) -> None:
        async with self._hub.subscribe(None) as news:
            async for kind, data in news:
                if kind == "state":
                    self._changed.set()
                else:
                    self._tell(kind, data)
        raise RuntimeError("the hub's news ended")

    async def _publish(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for scope, pages in list(self._pages.items()):
                if not pages:
                    self._forget(scope)
                    continue
                before = self._shown.get(scope)
                now = await self._show(next(iter(pages)).viewer)
                quiet_s = max(QUIET_S, _QUIET_PER_PAGE_S * len(self))
                if before and now.still == before.still and now.at - before.at < quiet_s:
                    now.at = before.at
                    continue
                for page in pages:
                    page.state = now.body
                    page.wake.set()
            await asyncio.sleep(GATHER_S)

    async def _show(self, viewer: Viewer) -> _Shown:
        snapshot = await self.snapshot(viewer)
        snapshot.pop("me", None)
        shown = _Shown(_json(snapshot)[1:], _still(snapshot), time.monotonic())
        self._shown[viewer.scope] = shown
        return shown

    def _forget(self, scope: tuple[Role, str | None, frozenset[str]]) -> None:
        self._pages.pop(scope, None)
        self._shown.pop(scope, None)

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        frame = b"event: %b\ndata: %b\n\n" % (kind.encode(), _json(data))
        for pages in self._pages.values():
            for page in pages:
                if concerns(kind, data, page.viewer):
                    page.waiting.append(frame)
                    if len(page.waiting) > _MOST_WAITING:
                        page.close()
                    page.wake.set()
        if kind == "say":
            for said in list(self._listeners.get(str(data.get("room")), ())):
                said(data)

    def _drop_all(self) -> None:
        for pages in self._pages.values():
            for page in pages:
                page.close()

    async def stream(self, viewer: Viewer, receive: Receive, send: Send) -> None:
        """Tell one page, until it goes away."""
        page = _Page(viewer, _json(viewer.me()))
        scope = viewer.scope
        await self._send(
            send,
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                ],
            },
        )
        self._pages.setdefault(scope, set()).add(page)
        watch = asyncio.create_task(_until_gone(receive, page))
        try:
            shown = self._shown.get(scope)
            if shown is None or self._changed.is_set() or time.monotonic() - shown.at > GATHER_S:
                shown = await self._show(viewer)
            page.state = page.state or shown.body
            await self._send(send, _chunk(b"retry: 1000\n\n"))
            await self._tell_page(page, send)
        except (TimeoutError, OSError):
            log.info("a page of %s read too slowly and was dropped", viewer.name)
            return
        finally:
            watch.cancel()
            self._pages.get(scope, set()).discard(page)
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        with contextlib.suppress(TimeoutError, OSError):
            await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell_page(self, page: _Page, send: Send) -> None:
        checked = time.monotonic()
        while not page.gone and not self._closed:
            if time.monotonic() - checked >= self._heartbeat_s:
                checked = time.monotonic()
                if not await self._people.still(page.viewer):
                    return
            parts: list[bytes] = []
            if page.state is not None:
                body, page.state = page.state, None
                number = next(self._number)
                parts.append(b'id: %d\nevent: state\ndata: {"me":%b,%b\n\n')
                parts[-1] = parts[-1] % (number, page.me, body)
            while page.waiting:
                parts.append(b"id: %d\n%b" % (next(self._number), page.waiting.popleft()))
            if parts:
                await self._send(send, _chunk(b"".join(parts)))
            page.wake.clear()
            if page.state is not None or page.waiting or page.gone:
                continue
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    await page.wake.wait()
            except TimeoutError:
                await self._send(send, _chunk(b": heartbeat\n\n"))

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self._send_s):
            await send(message)


class LiveResponse(Response):
    """The answer that is `Live.stream`; a plain ASGI one, with nothing in between."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, viewer: Viewer) -> None:
        super().__init__()
        self._live = live
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; called by FastAPI."""
        await self._live.stream(self._viewer, receive, send)


def visible(
    snapshot: dict[str, Any], *, viewer: Viewer, children: dict[str, frozenset[str]]
) -> dict[str, Any]:
    """Leave out of a snapshot what a device may not see.

    The hub did so already; a mistake there must not show a child to a stranger.

    Parameters
    ----------
    snapshot : dict
        As `HubCalls.state` gives it; not changed.
    viewer : Viewer
    children : dict of room to ids
        Every child in each room.

    Returns
    -------
    dict

    Examples
    --------
    >>> aunt = Viewer("d", "viewer", "Aunt", children=frozenset({"ida"}))
    >>> rooms = {"rooms": [{"id": "a"}, {"id": "b"}], "caregivers": [], "problems": [1]}
    >>> visible(rooms, viewer=aunt, children={"a": frozenset({"ida"})})["rooms"]
    [{'id': 'a'}]
    """
    snapshot = {**snapshot, "me": viewer.me()}
    if viewer.cares:
        return snapshot
    snapshot["rooms"] = [
        room
        for room in snapshot.get("rooms", [])
        if viewer.sees_room(room["id"], children.get(room["id"], frozenset()))
    ]
    snapshot["problems"] = []
    snapshot["caregivers"] = []
    return snapshot


def concerns(kind: str, data: dict[str, Any], viewer: Viewer) -> bool:
    """Say whether a piece of news is for a device.

    Examples
    --------
    >>> ann = Viewer("d", "caregiver", "Ann", caregiver="ann")
    >>> concerns("alert", {"caregiver": "ann"}, ann), concerns("alert", {"caregiver": "bo"}, ann)
    (True, False)
    """
    if kind == "say":
        return viewer.role == "nursery" and data.get("room") == viewer.room
    if not viewer.cares:
        return False
    return kind != "alert" or data.get("caregiver") in (None, viewer.caregiver)


async def _until_gone(receive: Receive, page: _Page) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    page.close()


def _chunk(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def _still(snapshot: dict[str, Any]) -> str:
    """Give a snapshot's text without what moves by itself."""
    calm = {key: value for key, value in snapshot.items() if key != "now"}
    rooms = copy.deepcopy(calm.get("rooms", []))
    for room in rooms:
        for part in (room, room.get("episode") or {}):
            for key in _MOVING:
                part.pop(key, None)
    return json.dumps({**calm, "rooms": rooms}, sort_keys=True, default=str)
