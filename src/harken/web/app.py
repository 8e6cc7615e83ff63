"""The application: routes, the door in front of them, and what runs beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import harken
from harken.web.access import Anyone, Web
from harken.web.assets import Assets
from harken.web.contract import HubCalls, WebSettings
from harken.web.guard import Guard
from harken.web.insight import Insight
from harken.web.live import Live
from harken.web.models import Phrase, Problem
from harken.web.pages import FOLDER, Pages
from harken.web.pages import router as pages_router
from harken.web.people import People
from harken.web.problems import SAYS, add_problems
from harken.web.routes import (
    devices,
    docs,
    downloads,
    evidence,
    happening,
    health,
    household,
    insight,
    rooms,
    series,
    telling,
)
from harken.web.sound import FRAME_LIMIT, Sound

SERVER_LIMITS: dict[str, Any] = {
    "ws_max_size": FRAME_LIMIT + 1024,
    "ws_max_queue": 16,
    "ws_ping_interval": 10.0,
    "ws_ping_timeout": 10.0,
    "ws_per_message_deflate": False,
    "h11_max_incomplete_event_size": 32 * 1024,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 3,
    "server_header": False,
    "forwarded_allow_ips": "127.0.0.1,::1",
    "backlog": 4096,
}
"""Options for `uvicorn.Config`: what only the server itself can limit."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": SAYS[status]}
    for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503)
}
_UNPACKED = ("/static/", "/api/live", "/api/export", "/api/backup", "/api/clips/")


def create_app(hub: HubCalls, *, settings: WebSettings) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    hub : HubCalls
        Running by the time the first request comes.
    settings : WebSettings

    Returns
    -------
    FastAPI
        To be served with `SERVER_LIMITS`. Its lifespan holds the one subscription to
        the hub; `app.state.web.close()` ends all open streams, for shutting down.
    """
    templates = settings.templates or FOLDER / "templates"
    assets = Assets(settings.static or FOLDER / "static", also=templates)
    people = People(hub)
    live = Live(hub, people=people)
    web = Web(hub, settings, people, live, Sound(hub, live=live), assets, Insight(hub))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        telling = asyncio.create_task(live.run())
        try:
            yield
        finally:
            web.close()
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    app = FastAPI(
        title="Harken",
        version=harken.__version__,
        description="What the hub offers to its pages and to scripts. Times are ISO 8601 with "
        "an offset; an answer that isn't 200 says why in `error`.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # Newer FastAPI can report to OpenTelemetry where the environment says so; nothing
        # leaves this home that its people didn't ask for.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.web = web
    app.state.pages = Pages(settings, assets=assets)
    _add_routes(app, settings)
    add_problems(app)
    app.add_middleware(_Packed)
    # Added last, so that it stands outermost.
    app.add_middleware(Guard, people=people, settings=settings)
    return app


def _add_routes(app: FastAPI, settings: WebSettings) -> None:
    api = APIRouter(prefix="/api", responses=_ANSWERS)
    parts = (happening, household, rooms, telling, devices, series, evidence, insight, downloads)
    for part in parts:
        api.include_router(part.router)
    api.include_router(docs.router)

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request, me: Anyone) -> JSONResponse:
        return JSONResponse(_schema(app, settings))

    app.include_router(api)
    app.include_router(health.router)
    app.include_router(pages_router)
    app.openapi = lambda: _schema(app, settings)  # type: ignore[method-assign]


def _schema(app: FastAPI, settings: WebSettings) -> dict[str, Any]:
    """Give the OpenAPI schema, with how one signs in."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = {
            "cookie": {"type": "apiKey", "in": "cookie", "name": settings.cookie},
            "token": {"type": "http", "scheme": "bearer"},
        }
        parts["schemas"].setdefault("Phrase", Phrase.model_json_schema())
        schema["security"] = [{"cookie": []}, {"token": []}]
        for path in ("/healthz", "/api/join", "/api/welcome"):
            for call in schema["paths"][path].values():
                call["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema


class _Packed:
    """Compress answers, except streams and what is compressed already."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._packed = GZipMiddleware(app, minimum_size=1000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] != "http" or scope["path"].startswith(_UNPACKED)
        await (self._plain if plain else self._packed)(scope, receive, send)
