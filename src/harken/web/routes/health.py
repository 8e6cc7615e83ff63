"""Whether the hub works; for a watchdog."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from harken.web.access import Parts, viewer_of
from harken.web.models import Health

router = APIRouter(tags=["health"])


@router.get(
    "/healthz",
    summary="Whether the hub works",
    response_model=Health,
    responses={503: {"model": Health, "description": "Something is wrong."}},
)
async def healthz(request: Request, web: Parts) -> JSONResponse:
    """200 while every room that should be heard is heard, else 503.

    Whoever isn't signed in gets numbers only.
    """
    health = web.hub.healthz()
    rooms: dict[str, Any] = health.get("rooms", {})
    if viewer_of(request) is None:
        rooms = {"heard": sum(map(bool, rooms.values())), "all": len(rooms)}
    ok = bool(health.get("ok"))
    return JSONResponse({"ok": ok, "rooms": rooms}, 200 if ok else 503)
