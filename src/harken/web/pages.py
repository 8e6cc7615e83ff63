"""The pages: small templates, filled with what the device may see at first paint."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

import harken
from harken.evidence import FOUR_QUESTIONS, RATINGS, SIDES, on_waiting, questions
from harken.web.access import Parts, Web, the_room, viewer_of
from harken.web.assets import Assets
from harken.web.contract import Viewer, WebSettings
from harken.web.findings import page_of
from harken.web.guard import BY_COOKIE, on_this_machine, set_cookie
from harken.web.insight import as_span
from harken.web.models import RoomPath
from harken.web.problems import SAYS, Refusal
from harken.web.routes.evidence import own_notes
from harken.web.routes.insight import asked_for, children_of
from harken.web.security import read_code
from harken.web.words import FILTERS

FOLDER = Path(__file__).parent
HOME = {"owner": "/", "caregiver": "/", "viewer": "/", "nursery": "/nursery"}
TITLES = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Nothing here",
    429: "A little slower",
    500: "Something went wrong",
    503: "Not just now",
}

router = APIRouter(include_in_schema=False)


class Pages:
    """The templates, and what each of them gets.

    Parameters
    ----------
    settings : WebSettings
    assets : Assets
        Gives the addresses of scripts and styles.
    """

    def __init__(self, settings: WebSettings, *, assets: Assets) -> None:
        self._settings = settings
        self._environment = Environment(
            loader=FileSystemLoader(settings.templates or FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= FILTERS
        self._environment.globals["static"] = assets.address
        self._environment.globals["version"] = harken.__version__
        self._environment.globals["base_url"] = settings.base_url

    def render(self, name: str, **context: Any) -> str:
        """Fill a template.

        Parameters
        ----------
        name : str
            File in the folder of templates.
        **context
            What it gets beside `static`, `version` and `base_url`.
        """
        return self._environment.get_template(name).render(**context)

    def page(
        self, page: str, *, viewer: Viewer | None, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """Make the answer that is a page.

        Parameters
        ----------
        page : str
            Its name; the template is ``PAGE.html``.
        viewer : Viewer, optional
            None for a stranger.
        status : int
        **context
            As in `render`.
        """
        shown = {
            "page": page,
            "status": status,
            "me": viewer.me() if viewer else None,
            "role": viewer.role if viewer else "",
            "household": "Harken",
            "zone": "UTC",
            "state": None,
            **context,
        }
        return HTMLResponse(self.render(f"{page}.html", **shown), status)

    def problem(self, request: Request, status: int, says: str | None) -> HTMLResponse:
        """Make the page that says why there is none.

        Parameters
        ----------
        request : Request
        status : int
        says : str, optional
            One sentence.
        """
        viewer = viewer_of(request)
        title = TITLES.get(status, "That didn't work")
        says = says or SAYS.get(status, SAYS[400])
        link = HOME[viewer.role] if viewer else "/join"
        try:
            return self.page(
                "problem",
                viewer=viewer,
                status=status,
                title=title,
                says=says,
                link=link,
                link_text="Back" if viewer else "Join",
            )
        except TemplateNotFound:
            return HTMLResponse(f"<!doctype html><title>{title}</title><p>{title}.", status)


@router.get("/")
async def now(request: Request, web: Parts) -> Response:
    """Show a card a room. A nursery device is shown its own page."""
    viewer = _signed_in(request)
    if viewer.role == "nursery":
        return RedirectResponse("/nursery", 303)
    return await _show(request, web, "now", four=[asdict(one) for one in FOUR_QUESTIONS])


@router.get("/nursery")
async def nursery(request: Request, web: Parts, room: str = "") -> Response:
    """Make this device a room's ears."""
    viewer = _signed_in(request, "owner", "caregiver", "nursery")
    return await _show(request, web, "nursery", room=viewer.room or room[:64])


@router.get("/journal")
async def journal(request: Request, web: Parts, day: str = "") -> Response:
    """Show a day as a strip and a list."""
    _signed_in(request, "owner", "caregiver", "viewer")
    zone = await run_in_threadpool(web.household.get_setting, "zone", "UTC")
    today = datetime.now(ZoneInfo(zone)).date()
    return await _show(request, web, "journal", day=_day(day) or today.isoformat())


@router.get("/insight")
async def insight(
    request: Request,
    web: Parts,
    child: str = "",
    span: str = "week",
    day: str = "",
    corrected: str = "",
) -> Response:
    """Show what the record adds up to."""
    viewer = _signed_in(request, "owner", "caregiver", "viewer")
    asked = await asked_for(
        web,
        viewer,
        child=child or None,
        span=as_span(span),
        day=date.fromisoformat(_day(day) or "9999-01-01"),
        corrected=corrected == "1",
    )
    answer, fresh = await web.insight.soon(asked)
    children = await run_in_threadpool(children_of, web, viewer)
    context = page_of(asked, answer, fresh=fresh, children=children)
    return await _show(request, web, "insight", **context)


@router.get("/board")
async def board(request: Request, web: Parts) -> Response:
    """Many rooms, for a wall."""
    _signed_in(request, "owner", "caregiver", "viewer")
    return await _show(request, web, "board")


@router.get("/settings")
async def settings(request: Request, web: Parts) -> Response:
    """Children, caregivers, rooms, channels, plans, privacy."""
    _signed_in(request, "owner", "caregiver")
    return await _show(request, web, "settings")


@router.get("/evidence")
async def evidence(request: Request, web: Parts) -> Response:
    """Show what studies found, both sides, with limits; and one's own notes on it."""
    viewer = _signed_in(request, "owner", "caregiver", "viewer")
    notes = await run_in_threadpool(own_notes, web, viewer) if viewer.cares else []
    return await _show(
        request,
        web,
        "evidence",
        questions=questions(),
        four=FOUR_QUESTIONS,
        sides=SIDES,
        ratings=RATINGS,
        notes={one["claim"]: one for one in notes},
    )


@router.get("/evidence/waiting")
async def waiting(request: Request, web: Parts) -> Response:
    """Show what studies hold on age and waiting, before a plan for a child below six months."""
    _signed_in(request, "owner", "caregiver", "viewer")
    return await _show(request, web, "waiting", sections=on_waiting())


@router.get("/hears/{room}")
async def hears(request: Request, web: Parts, room: RoomPath) -> Response:
    """Show what the hub hears in a room, live."""
    _signed_in(request, "owner", "caregiver")
    await run_in_threadpool(the_room, web, room)
    return await _show(request, web, "hears", room=room)


@router.get("/join")
async def join(request: Request, web: Parts, code: str = "") -> Response:
    """Come in by a code."""
    if await web.people.first_run():
        return RedirectResponse("/welcome", 303)
    pages: Pages = request.app.state.pages
    return pages.page("join", viewer=None, code=read_code(code[:40]) or "")


@router.get("/welcome")
async def welcome(request: Request, web: Parts) -> Response:
    """Make the household, on the first run."""
    if not await web.people.first_run():
        return RedirectResponse("/", 303)
    pages: Pages = request.app.state.pages
    return pages.page(
        "welcome",
        viewer=None,
        needs_setup_code=not on_this_machine(request.scope, request.headers),
        zones=sorted(available_timezones()),
    )


@router.get("/manifest.webmanifest")
async def manifest(request: Request, web: Parts) -> Response:
    """Give what makes it installable. A stranger isn't told whose household it is."""
    pages: Pages = request.app.state.pages
    name = "Harken"
    if viewer_of(request) is not None:
        name = await run_in_threadpool(web.household.get_setting, "name", name)
    text = pages.render("manifest.webmanifest", household=name)
    return Response(text, media_type="application/manifest+json")


@router.get("/sw.js")
async def worker(request: Request, web: Parts) -> Response:
    """Give the service worker, for the whole site."""
    return web.assets.worker(request)


@router.get("/static/{path:path}")
async def static(request: Request, web: Parts, path: str) -> Response:
    """Scripts, styles, pictures."""
    return web.assets.serve(request, path)


@router.get("/authority")
async def authority(web: Parts) -> Response:
    """Give the certificate of the hub's own authority, which phones have to trust; no secret."""
    path = web.settings.authority
    if path is None or not path.is_file():
        raise Refusal(404, "This hub has no authority of its own.")
    return FileResponse(path, media_type="application/x-x509-ca-cert", filename="harken-ca.crt")


def _signed_in(request: Request, *roles: str) -> Viewer:
    viewer = viewer_of(request)
    if viewer is None:
        raise Refusal(401)
    if roles and viewer.role not in roles:
        raise Refusal(403, "This page is for those who look after the children.")
    return viewer


async def _show(request: Request, web: Web, page: str, **context: Any) -> Response:
    viewer = _signed_in(request)
    state = await web.live.snapshot(viewer)
    household = state.get("household") or {}
    pages: Pages = request.app.state.pages
    answer = pages.page(
        page,
        viewer=viewer,
        household=household.get("name") or "Harken",
        zone=household.get("zone") or "UTC",
        state=state,
        **context,
    )
    token = request.cookies.get(web.settings.cookie)
    if token and request.scope.get(BY_COOKIE):
        # A phone that is used every night must not be signed out by the calendar.
        set_cookie(answer, web.settings, token)
    return answer


def _day(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError:
        return None
