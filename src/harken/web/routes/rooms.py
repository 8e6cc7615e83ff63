"""Rooms: their ears, what they hear, duty, drills, and speaking to them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from harken.episodes.events import new_id
from harken.journal import Caregiver, DutyTurn, Room, masked
from harken.web.access import Anyone, Carer, Ears, Parts, Web, given, the_room
from harken.web.contract import Saying
from harken.web.guard import CLIP_LIMIT, JSON_LIMIT
from harken.web.models import (
    Done,
    DrillOut,
    Duty,
    EntryPath,
    Phrase,
    RoomIn,
    RoomOut,
    RoomPatch,
    RoomPath,
    Turn,
    UuidPath,
)
from harken.web.problems import Refusal, one_sentence
from harken.web.spoken import TYPES, Recording

router = APIRouter(tags=["rooms"])

_CAMERA = ("rtsp://", "rtsps://", "http://", "https://")


@router.get("/rooms", summary="Rooms", response_model=list[RoomOut])
async def get_rooms(web: Parts, me: Anyone) -> list[RoomOut]:
    """Give all rooms; those who don't look after them see the names of theirs."""
    children = await web.people.children_by_room()
    rooms = await run_in_threadpool(web.household.list, Room)
    return [
        _out(room) if me.cares else _name_only(room)
        for room in rooms
        if me.sees_room(room.id, children.get(room.id, ()))
    ]


@router.post("/rooms", summary="Add a room", response_model=RoomOut)
async def add_room(room: RoomIn, web: Parts, me: Carer) -> RoomOut:
    """Add a room; its duty is that of another room, until somebody changes it."""

    def write() -> Room:
        rooms = web.household.list(Room)
        added = Room(id=str(new_id()), **room.model_dump())
        _check_ear(added)
        web.household.add(added)
        others = [turns for room in rooms if (turns := web.household.duty(room.id))]
        web.household.set_duty(added.id, others[0] if others else _all(web))
        return added

    added = await run_in_threadpool(write)
    await web.changed(room=added.id)
    return _out(added)


@router.patch("/rooms/{entry}", summary="Change a room", response_model=RoomOut)
async def change_room(entry: EntryPath, change: RoomPatch, web: Parts, me: Carer) -> RoomOut:
    """Change what is given. A source that is sent back masked stays as it was."""

    def write() -> Room:
        before = the_room(web, entry)
        changes = given(change)
        if changes.get("source") == masked(before.source):
            del changes["source"]
        after = replace(before, **changes)
        if (after.ear, after.source) != (before.ear, before.source):
            _check_ear(after)
        return web.household.update(after)

    changed = await run_in_threadpool(write)
    await web.changed(room=entry)
    return _out(changed)


@router.delete("/rooms/{entry}", summary="Remove a room")
async def remove_room(entry: EntryPath, web: Parts, me: Carer) -> Done:
    """Remove a room with its devices, plans and duty; its journal stays."""

    def write() -> None:
        the_room(web, entry)
        web.household.remove(Room, entry)

    await run_in_threadpool(write)
    await web.changed(room=entry)
    return Done()


@router.get("/duty/{room}", summary="Who is told first, second, third", response_model=Duty)
def get_duty(room: RoomPath, web: Parts, me: Carer) -> Duty:
    """Give a room's duty."""
    the_room(web, room)
    return Duty(turns=[Turn(**asdict(turn)) for turn in web.household.duty(room)])


@router.put("/duty/{room}", summary="Change who is told", response_model=Duty)
async def put_duty(room: RoomPath, duty: Duty, web: Parts, me: Carer) -> Duty:
    """Put this duty in the place of the room's."""

    def write() -> None:
        the_room(web, room)
        people = {one.id for one in web.household.list(Caregiver) if one.role != "viewer"}
        if {turn.caregiver for turn in duty.turns} - people:
            raise Refusal(422, "turns: there is no such caregiver.")
        web.household.set_duty(room, [DutyTurn(**turn.model_dump()) for turn in duty.turns])

    await run_in_threadpool(write)
    await web.changed(room=room)
    return duty


@router.get("/rooms/{room}/hears", summary="What the hub hears now")
async def hears(room: RoomPath, web: Parts, me: Carer) -> dict[str, Any]:
    """Give the last minute: level, probabilities, thresholds, the rule's state."""
    await run_in_threadpool(the_room, web, room)
    return web.hub.hears(room)


@router.post("/rooms/{room}/check", summary="Check a room's threshold")
async def check(room: RoomPath, web: Parts, me: Carer) -> dict[str, Any]:
    """Suggest a threshold from what was heard in the last minute."""
    await run_in_threadpool(the_room, web, room)
    return web.hub.room_check(room)


@router.get("/rooms/{room}/tuning", summary="What another threshold would have done")
async def tuning(
    room: RoomPath,
    web: Parts,
    me: Carer,
    threshold: Annotated[float, Query(gt=0, le=1, description="P(cry), 0 to 1.")],
) -> dict[str, Any]:
    """Count the cries of the last two weeks that it would have missed.

    And the false alarms (what people marked as *not a cry*) that it would have spared.
    """
    await run_in_threadpool(the_room, web, room)
    return await run_in_threadpool(web.hub.tuning, room, threshold)


@router.post("/rooms/{room}/drill", summary="Begin a drill", response_model=DrillOut)
async def drill(room: RoomPath, web: Parts, me: Carer) -> DrillOut:
    """Let a test cry be heard, and see who rings and how soon."""
    await run_in_threadpool(the_room, web, room)
    return DrillOut(drill=await web.hub.drill(room, me.by))


@router.get("/drills/{drill}", summary="What came of a drill")
async def drill_report(drill: UuidPath, web: Parts, me: Carer) -> dict[str, Any]:
    """Give, phone by phone, who rang and after how long."""
    report = web.hub.drill_report(drill.lower())
    if report is None:
        raise Refusal(404, "There is no such drill.")
    return report


_SAY_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Phrase"}},
            **{name: {"schema": {"type": "string", "format": "binary"}} for name in TYPES},
        },
    }
}


@router.post("/rooms/{room}/say", summary="Speak to a room", openapi_extra=_SAY_BODY)
async def say(room: RoomPath, request: Request, web: Parts, me: Carer) -> Done:
    """Play a phrase by its name (JSON), or a recording (audio, at most 8 MiB).

    It counts as a voice from afar, never as somebody who came.
    """
    await run_in_threadpool(the_room, web, room)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    what = Saying(id=str(new_id()))
    if kind == "application/json":
        if len(body) > JSON_LIMIT:
            raise Refusal(413)
        try:
            what["phrase"] = Phrase.model_validate_json(body).phrase
        except ValidationError as error:
            raise Refusal(422, one_sentence(error.errors())) from None
    elif kind in TYPES:
        if not 0 < len(body) <= CLIP_LIMIT:
            raise Refusal(422, "The recording is empty.")
        web.spoken.keep(what["id"], Recording(room, kind, body))
        what["clip"], what["type"] = body, kind
        what["url"] = f"/api/rooms/{room}/say/{what['id']}"
    else:
        raise Refusal(415, "Send JSON with a phrase, or a recording as webm, ogg, mp4, mp3 or wav.")
    await web.hub.say(room, what, me.by)
    return Done()


@router.get(
    "/rooms/{room}/say/{recording}",
    summary="A recording that is to be played",
    response_class=Response,
    responses={
        200: {
            "description": "The recording.",
            "content": {name: {} for name in TYPES},
        }
    },
)
async def get_recording(room: RoomPath, recording: UuidPath, web: Parts, me: Ears) -> Response:
    """Fetch what is to be played; it is kept for five minutes, in memory."""
    await run_in_threadpool(the_room, web, room, me)
    found = web.spoken.get(recording.lower(), room=room)
    if found is None:
        raise Refusal(404, "This recording is gone.")
    return Response(found.body, media_type=found.media_type)


@router.websocket("/rooms/{room}/sound")
async def sound(
    socket: WebSocket,
    room: RoomPath,
    web: Parts,
    me: Ears,
    name: Annotated[str, Query(max_length=80)] = "",
) -> None:
    """Take the room's sound, from a browser; see `harken.web.sound`."""
    await run_in_threadpool(the_room, web, room, me)
    await web.sound.serve(socket, room=room, viewer=me, name=name or me.name)


def _out(room: Room) -> RoomOut:
    return RoomOut(**{**asdict(room), "source": masked(room.source)})


def _name_only(room: Room) -> RoomOut:
    return RoomOut(
        id=room.id,
        name=room.name,
        ear=room.ear,
        source="",
        ring_after=None,
        ring_at_once_dbfs=None,
        threshold=None,
        listening=room.listening,
    )


def _check_ear(room: Room) -> None:
    if room.ear == "file":
        raise Refusal(422, "ear: a file is chosen on the hub's command line only.")
    if room.ear == "camera" and not room.source.startswith(_CAMERA):
        raise Refusal(422, "source: a camera's address begins with rtsp:// or http://.")
    if room.ear == "microphone" and not (room.source == "mic" or room.source.startswith("mic:")):
        raise Refusal(422, "source: a microphone is written as mic: or mic:NAME.")


def _all(web: Web) -> Sequence[DutyTurn]:
    people = [one for one in web.household.list(Caregiver) if one.role != "viewer"]
    return [
        DutyTurn(order=place, caregiver=one.id, after_s=0.0 if place == 1 else 60.0)
        for place, one in enumerate(people, 1)
    ]
