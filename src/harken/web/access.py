"""What routes need: the app's parts, and who asks.

`Guard` has let nobody in who isn't signed in; here it is said of each route which
roles it is for. A route without one of these is refused by a test.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from harken.episodes.events import Event
from harken.journal import Household, Room
from harken.web.assets import Assets
from harken.web.contract import HubCalls, Role, Viewer, WebSettings
from harken.web.guard import VIEWER
from harken.web.insight import Insight
from harken.web.live import Live
from harken.web.people import People
from harken.web.problems import Refusal
from harken.web.security import RateLimit
from harken.web.sound import Sound
from harken.web.spoken import Spoken


@dataclass(slots=True)
class Web:
    """The parts that the routes share; `app.state.web`."""

    hub: HubCalls
    settings: WebSettings
    people: People
    live: Live
    sound: Sound
    assets: Assets
    insight: Insight
    spoken: Spoken = field(default_factory=Spoken)
    joining: RateLimit = field(default_factory=lambda: RateLimit(10, everybody=60, window_s=300.0))
    alerts: dict[str, Event] = field(default_factory=dict)
    """The `alert_due` events of the last day, as far as a device has spoken of one."""

    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the household is changed in more than one step."""

    @property
    def household(self) -> Household:
        """Whoever lives and helps there; blocks, so call it from a worker thread."""
        return self.hub.journal.household

    async def changed(self, *, room: str | None = None) -> None:
        """Tell everybody that the household, or a room, was changed."""
        self.people.forget()
        await self.people.load()
        await self.live.recheck()
        await self.sound.recheck(self.people)
        if room is not None:
            await self.hub.room_changed(room)
        await self.hub.household_changed()

    def close(self) -> None:
        """End all streams at once; for shutting down."""
        self.live.close()
        self.sound.close()
        self.insight.close()


def _web(connection: HTTPConnection) -> Web:
    web: Web = connection.app.state.web
    return web


def viewer_of(connection: HTTPConnection) -> Viewer | None:
    """Give who asks, as `Guard` found it; None for a stranger."""
    viewer: Viewer | None = connection.scope.get(VIEWER)
    return viewer


class Only:
    """A dependency that lets some roles in.

    Parameters
    ----------
    *roles : str
    """

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    def __call__(self, connection: HTTPConnection) -> Viewer:
        """Give who asks, or refuse; called by FastAPI."""
        viewer = viewer_of(connection)
        if viewer is None:
            raise Refusal(401)
        if viewer.role not in self.roles:
            raise Refusal(403)
        return viewer


Parts = Annotated[Web, Depends(_web)]
Anyone = Annotated[Viewer, Depends(Only("owner", "caregiver", "nursery", "viewer"))]
Onlooker = Annotated[Viewer, Depends(Only("owner", "caregiver", "viewer"))]
Carer = Annotated[Viewer, Depends(Only("owner", "caregiver"))]
Owner = Annotated[Viewer, Depends(Only("owner"))]
Ears = Annotated[Viewer, Depends(Only("owner", "caregiver", "nursery"))]


def the_room(web: Web, room: str, viewer: Viewer | None = None) -> Room:
    """Give a room, or refuse; blocks.

    Raises
    ------
    Refusal
        404 if there is none, or a nursery device asks for another than its own:
        what isn't one's own doesn't exist.
    """
    found = web.household.get(Room, room)
    if found is None or (viewer is not None and viewer.role == "nursery" and viewer.room != room):
        raise Refusal(404, "There is no such room.")
    return found


def given(model: Any) -> dict[str, Any]:
    """Give the fields of a change that were sent."""
    changes: dict[str, Any] = model.model_dump(exclude_unset=True)
    return changes
