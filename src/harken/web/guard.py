"""The one door: every request and every WebSocket passes here before any route sees it.

What isn't listed in `OPEN` needs a signed-in device, so that a route that somebody
adds later is closed until somebody opens it. In order: the Host header, who asks,
whether they may, where an unsafe request came from, and how large it is.
"""

import asyncio
import html
import logging
import math
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harken.errors import HarkenError
from harken.web.contract import Viewer, WebSettings
from harken.web.people import People
from harken.web.problems import answer as problem_answer
from harken.web.problems import problem, status_of, wants_page
from harken.web.security import (
    HEADERS,
    SAFE_METHODS,
    RateLimit,
    allowed_host,
    host_of,
    is_loopback,
    same_origin,
)

log = logging.getLogger(__name__)

OPEN = frozenset(
    {
        "/healthz",
        "/authority",
        "/join",
        "/api/join",
        "/welcome",
        "/api/welcome",
        "/manifest.webmanifest",
        "/sw.js",
    }
)
"""What can be reached without signing in, beside what is below ``/static/``."""

COOKIE_LIVES_S = 400 * 24 * 3600
"""The longest that browsers allow; it begins anew with every page that is opened."""

JSON_LIMIT = 64 * 1024
CLIP_LIMIT = 8 * 1024 * 1024
_BODY_S = 30.0
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

VIEWER = "harken.viewer"
"""Where a request's `Viewer` (or None) is kept in its ASGI scope."""

BY_COOKIE = "harken.by_cookie"
"""Where it is kept whether a person's browser asks, rather than a script."""


class _BodyError(Exception):
    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


class Guard:
    """ASGI middleware, outermost.

    Parameters
    ----------
    app : ASGI app
    people : People
        Knows tokens.
    settings : WebSettings
    """

    def __init__(self, app: ASGIApp, *, people: People, settings: WebSettings) -> None:
        self._app = app
        self._people = people
        self._settings = settings
        self._tokens = RateLimit(20, everybody=400, window_s=60.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request on, or answer it; called by the server."""
        if scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send, scope["path"]))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._refusal(scope)
        except HarkenError as error:
            answer = problem(status_of(error), str(error))
        if answer is None and scope["method"] not in SAFE_METHODS:
            try:
                body = await _read(receive, Headers(scope=scope), _limit(scope["path"]))
            except _BodyError as error:
                answer = problem(error.status, str(error), {"connection": "close"})
            except ConnectionError:
                return
            else:
                receive = _again(body, receive)
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._on(scope, receive, send)

    async def _on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request on; whatever goes wrong there reaches people as one sentence."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if begun:
                raise
            await problem_answer(Request(scope), 500)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        viewer = None
        if allowed_host(headers.get("host"), self._settings):
            viewer, by_cookie = await self._who(scope, headers)
            # Without an Origin it is no browser; a cookie alone then proves too little.
            if not _from_us(headers, self._settings) or (by_cookie and "origin" not in headers):
                viewer = None
        scope[VIEWER] = viewer
        if viewer is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "Sign in first."})
            return
        await self._app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Say why a request may not go on, or let it."""
        headers, path = Headers(scope=scope), scope["path"]
        safe = scope["method"] in SAFE_METHODS
        scope[VIEWER] = None
        if not allowed_host(headers.get("host"), self._settings):
            return problem(400, "Open Harken by an address of its own.")
        given = _has_token(headers, self._settings)
        viewer, by_cookie = await self._who(scope, headers) if given else (None, False)
        scope[VIEWER], scope[BY_COOKIE] = viewer, viewer is not None and by_cookie
        if given and viewer is None:
            address = address_of(scope)
            wait_s = self._tokens.wait_s(address)
            self._tokens.fail(address)
            if wait_s:
                return problem(429, None, {"retry-after": str(math.ceil(wait_s))})
        opened = path in OPEN or path.startswith("/static/")
        if viewer is None and not opened:
            return await self._sign_in(scope, headers)
        if safe or (viewer is not None and not by_cookie):
            return None  # no browser adds a token by itself
        # A form or script of another site can't set this header, nor fake the Origin.
        if headers.get("x-harken") == "1" and _from_us(headers, self._settings):
            return None
        who = viewer.by if viewer else None
        await self._people.refused("cross-site request", address_of(scope), who)
        return problem(403, "This came from another site, or without the header X-Harken.")

    async def _who(self, scope: Scope, headers: Headers) -> tuple[Viewer | None, bool]:
        token, by_cookie = _token(headers, self._settings)
        if token is None:
            return None, by_cookie
        return await self._people.viewer(token, address_of(scope)), by_cookie

    async def _sign_in(self, scope: Scope, headers: Headers) -> Response:
        path = scope["path"]
        if scope["method"] not in SAFE_METHODS or not wants_page(path, headers.get("accept", "")):
            return problem(401, None, {"www-authenticate": "Bearer"})
        if await self._people.first_run():
            return RedirectResponse("/welcome", 303)
        if headers.get("sec-fetch-site") == "cross-site":
            # A strict cookie isn't sent when another site's link was followed. The page
            # asks for itself again; then it is.
            own = html.escape("/" + path.lstrip("/\\"))
            return HTMLResponse(
                f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" '
                f'content="0;url={own}"><title>Harken</title><a href="{own}">Harken</a>'
            )
        return RedirectResponse("/join", 303)


def address_of(scope: Mapping[str, object]) -> str:
    """Give the address that a request came from, as far as the server knows it.

    Examples
    --------
    >>> address_of({"client": ("10.0.0.7", 1234)})
    '10.0.0.7'
    """
    client = scope.get("client")
    return str(client[0]) if isinstance(client, list | tuple) and client else "unknown"


def on_this_machine(scope: Mapping[str, object], headers: Mapping[str, str]) -> bool:
    """Say whether a request came from this very machine, and not through a proxy on it.

    Examples
    --------
    >>> on_this_machine({"client": ("127.0.0.1", 1)}, {"host": "localhost:8765"})
    True
    >>> on_this_machine({"client": ("127.0.0.1", 1)}, {"host": "hub.example"})
    False
    """
    return (
        is_loopback(address_of(scope))
        and is_loopback(host_of(headers.get("host")) or "")
        and not any(name in headers for name in _FORWARDED)
    )


def set_cookie(
    answer: Response, settings: WebSettings, token: str, *, lives_s: int = COOKIE_LIVES_S
) -> None:
    """Let a browser keep its token where no script can read it.

    Parameters
    ----------
    answer : Response
    settings : WebSettings
    token : str
    lives_s : int
        In seconds; 0 takes the cookie away.
    """
    answer.set_cookie(
        settings.cookie,
        token,
        max_age=lives_s,
        path="/",
        secure=settings.https,
        httponly=True,
        samesite="strict",
    )


def _from_us(headers: Headers, settings: WebSettings) -> bool:
    names = ("host", "origin", "sec-fetch-site")
    return same_origin({name: headers[name] for name in names if name in headers}, settings)


def _has_token(headers: Headers, settings: WebSettings) -> bool:
    return _token(headers, settings)[0] is not None


def _token(headers: Headers, settings: WebSettings) -> tuple[str | None, bool]:
    """Give the token of a request and whether it came as a cookie."""
    bearer = headers.get("authorization")
    if bearer is not None:
        kind, _, token = bearer.partition(" ")
        return (token.strip() if kind.lower() == "bearer" else ""), False
    for line in headers.getlist("cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            if name == settings.cookie and value:
                return value, True
    return None, True


def _limit(path: str) -> int:
    return CLIP_LIMIT if path.startswith("/api/rooms/") and path.endswith("/say") else JSON_LIMIT


async def _read(receive: Receive, headers: Headers, limit: int) -> bytes:
    """Read a whole body, neither too large nor too slow."""
    too_large = _BodyError(413, f"That is larger than {limit // 1024} KiB.")
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 18:
        raise _BodyError(400, "The length of the request can't be read.")
    if int(announced) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionError
                body += message.get("body", b"")
                if len(body) > limit:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _BodyError(408, "The request came too slowly; try again.") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was already read to whoever reads it next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


def _with_headers(send: Send, path: str) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if not path.startswith("/static/"):
                # What a household did stays in no cache of a browser or proxy.
                headers.setdefault("cache-control", "no-store")
        await send(message)

    return wrapped
