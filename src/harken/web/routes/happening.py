"""What is going on and what went on: the snapshot, the news, events, episodes, care."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harken.episodes.events import KINDS, Event, read_time
from harken.errors import ParameterError
from harken.evidence import check_note
from harken.journal import Caregiver
from harken.web.access import Anyone, Carer, Onlooker, Parts, Web
from harken.web.contract import Viewer
from harken.web.guard import address_of
from harken.web.live import LiveResponse
from harken.web.models import (
    Done,
    EventBatch,
    From,
    Limit,
    RefusedEvent,
    Removed,
    RoomQuery,
    Taken,
    To,
    Touch,
    UuidPath,
    newest,
)
from harken.web.plans import check_start, keep_track
from harken.web.problems import Refusal

router = APIRouter(tags=["what happens"])

_GIVEN = frozenset({"id", "kind", "at", "room", "child", "data"})
_NOISE = timedelta(seconds=2)
"""A smaller difference of clocks is the way through the network."""

_AHEAD = timedelta(minutes=2)
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_TIMES = ("until", "at")
_TOUCHES = UUID("7d3bb5a0-3c9e-4d52-9f0e-52a8e2f5b1f4")
_HIDDEN = frozenset(
    {"audit", "push_lost", "alert_due", "alert_sent", "alert_failed", "alert_received",
     "alert_shown", "alert_clicked"}
)  # fmt: skip
"""Kinds that only those who look after the household are shown."""

Kinds = Annotated[
    str | None,
    Query(max_length=1000, description="Kinds, separated by commas; see Events."),
]


@router.get("/state", summary="The snapshot that pages show")
async def state(web: Parts, me: Anyone) -> dict[str, Any]:
    """Give everything that the pages render, for what this device may see."""
    return await web.live.snapshot(me)


@router.get(
    "/live",
    summary="News as they come",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
)
async def live(web: Parts, me: Anyone) -> LiveResponse:
    """Server-sent events: first `state`, then `state`, `alert`, `say` and `problem`.

    A comment comes every 10 seconds; when nothing came for 25, connect again.
    """
    return LiveResponse(web.live, me)


@router.post("/events", summary="Taps and entries", response_model=Taken)
async def post_events(batch: EventBatch, web: Parts, me: Carer) -> Taken:
    """Take up to 200 events; a repeat counts once.

    What is in `accepted` or `known` is on the hub's disk and can be forgotten by the
    device. What is in `refused` will be refused again.
    """
    zone, people = await run_in_threadpool(_zone_and_people, web)
    offset = clock_offset(batch.sent_at, datetime.now(UTC))
    events: dict[str, Event] = {}
    refused: list[RefusedEvent] = []
    for values in batch.events:
        given_id = values.get("id")
        try:
            event = read_event(values, by=me.by, zone=zone, offset=offset, people=people)
            check_note(event)
            if event.kind == "plan_started":
                await run_in_threadpool(check_start, event, web.household, datetime.now(UTC))
        except ParameterError as error:
            text = given_id[:100] if isinstance(given_id, str) else None
            refused.append(RefusedEvent(id=text, why=str(error)))
        else:
            events.setdefault(str(event.id), event)
    recorded = await web.hub.record(list(events.values()))
    for room in await run_in_threadpool(keep_track, recorded, web.household):
        await web.changed(room=room)
    new = {str(event.id) for event in recorded}
    return Taken(
        accepted=[one for one in events if one in new],
        known=[one for one in events if one not in new],
        refused=refused,
    )


@router.get("/events", summary="Events")
async def get_events(
    web: Parts,
    me: Onlooker,
    since: From = None,
    to: To = None,
    room: RoomQuery = None,
    kinds: Kinds = None,
    limit: Limit = 1000,
) -> list[dict[str, Any]]:
    """Give events as they were recorded, oldest first.

    `audit` is for an owner only, and `claim_noted` for who wrote it.
    """
    wanted = None
    if kinds is not None:
        wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
        unknown = [kind for kind in wanted if kind not in KINDS]
        if unknown:
            raise Refusal(422, "There is a kind in kinds that is not known.")
    children = await web.people.children_by_room()
    events = await run_in_threadpool(
        lambda: web.hub.journal.events(
            since=since, until=to, room=room, kinds=wanted, limit=limit, newest_first=True
        )
    )
    events = await run_in_threadpool(_shown, web, me, events)
    return [
        event.as_dict()
        for event in newest(events)
        if me.sees(event.child, event.room, children.get(event.room or "", ()))
    ]


@router.get("/episodes", summary="Episodes")
async def get_episodes(
    web: Parts,
    me: Onlooker,
    since: From = None,
    to: To = None,
    room: RoomQuery = None,
    limit: Limit = 500,
) -> list[dict[str, Any]]:
    """Give episodes by their onset, oldest first."""
    seen = await _sees(web, me)
    episodes = await run_in_threadpool(
        lambda: web.hub.journal.episodes(
            since=since, until=to, room=room, limit=limit, newest_first=True
        )
    )
    return [one.as_dict() for one in newest(episodes) if seen(one.child, one.room)]


@router.get("/episodes/{episode}", summary="One episode, with its events")
async def get_episode(episode: UuidPath, web: Parts, me: Onlooker) -> dict[str, Any]:
    """Give an episode by the id of any of its bouts, with `events` and `clips` (bouts)."""
    key = str(UUID(episode))
    seen = await _sees(web, me)
    found = await run_in_threadpool(web.hub.journal.episode, key)
    if found is None or not seen(found.child, found.room):
        raise Refusal(404, "There is no such episode.")
    events = await run_in_threadpool(lambda: web.hub.journal.events(episode=key))
    events = await run_in_threadpool(_shown, web, me, events)
    shown = [event.as_dict() for event in events]
    clips: list[str] = []
    if me.cares:
        bouts = [one.bout for one in found.bouts]
        clips = await run_in_threadpool(lambda: [one for one in bouts if web.hub.has_clip(one)])
    return {**found.as_dict(), "events": shown, "clips": clips}


@router.get(
    "/clips/{bout}",
    summary="The clip of a bout",
    response_class=Response,
    responses={200: {"content": {"audio/flac": {}}, "description": "The clip, as FLAC."}},
)
async def get_clip(bout: UuidPath, web: Parts, me: Carer) -> Response:
    """Give the sound of a bout, where the household has chosen to keep it."""
    clip = await web.hub.clip(bout.lower())
    if clip is None:
        raise Refusal(404, "No clip is kept of this.")
    return Response(clip, media_type="audio/flac")


@router.delete("/clips", summary="Delete every clip now", response_model=Removed)
async def delete_clips(request: Request, web: Parts, me: Carer) -> Removed:
    """Delete the sound of every bout at once; the journal stays."""
    removed = await web.hub.forget_clips()
    await web.people.audit("deleted every clip", address=address_of(request.scope), who=me.by)
    return Removed(removed=removed)


@router.get("/care", summary="The care log")
async def get_care(web: Parts, me: Onlooker, since: From = None, to: To = None) -> Response:
    """Give entries with corrections applied, oldest first."""
    seen = await _sees(web, me)
    entries = await run_in_threadpool(lambda: web.hub.journal.care(since=since, until=to))
    rows = [asdict(one) for one in entries if seen(one.child, one.room)]
    return JSONResponse(json.loads(json.dumps(rows, default=_iso)))


@router.post("/alerts/{alert}/received", summary="A device has the alert")
async def received(alert: UuidPath, web: Parts, me: Carer, touch: Touch | None = None) -> Done:
    """Say that a device has an alert; not yet that it shows it."""
    return await _touched(web, me, alert, "alert_received", touch)


@router.post("/alerts/{alert}/shown", summary="A device shows or sounds the alert")
async def shown(alert: UuidPath, web: Parts, me: Carer, touch: Touch | None = None) -> Done:
    """Say that a device shows or sounds an alert."""
    return await _touched(web, me, alert, "alert_shown", touch)


@router.post("/alerts/{alert}/clicked", summary="Somebody touched the alert")
async def clicked(alert: UuidPath, web: Parts, me: Carer, touch: Touch | None = None) -> Done:
    """Say that somebody touched an alert."""
    return await _touched(web, me, alert, "alert_clicked", touch)


@router.post("/alerts/{alert}/going", summary="“I'm going”, from the notification itself")
async def going(alert: UuidPath, web: Parts, me: Carer, touch: Touch | None = None) -> Done:
    """Acknowledge the episode that an alert is about."""
    return await _touched(web, me, alert, "acknowledged", touch)


def clock_offset(sent_at: datetime | None, now: datetime) -> timedelta:
    """Say by how much a device's clock is slow.

    Parameters
    ----------
    sent_at : datetime, optional
        What it showed when it sent.
    now : datetime
        The hub's clock, in UTC.

    Returns
    -------
    timedelta
        To be added to the device's times; 0 where it is no more than the way here.

    Examples
    --------
    >>> now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> clock_offset(now + timedelta(minutes=10), now)
    datetime.timedelta(days=-1, seconds=85800)
    >>> clock_offset(now - timedelta(seconds=1), now)
    datetime.timedelta(0)
    """
    if sent_at is None or abs(now - sent_at) <= _NOISE:
        return timedelta(0)
    return now - sent_at


def read_event(
    values: dict[str, Any],
    *,
    by: str,
    zone: str,
    offset: timedelta = timedelta(0),
    people: Collection[str] = (),
) -> Event:
    """Read an event that a device sent.

    Parameters
    ----------
    values : dict
        With id, kind, at, room, child and data; who and in which zone is not theirs to say.
    by, zone : str
        As `Event` has them.
    offset : timedelta
        See `clock_offset`; added to the event's time and to the times in its data.
    people : collection of str
        Ids of the caregivers that the data may name.

    Returns
    -------
    Event

    Raises
    ------
    ParameterError
        If it is malformed, not for people, or in the future.
    """
    unknown = values.keys() - _GIVEN
    if unknown:
        raise ParameterError(f"event: {min(unknown)[:40]!r} is not for a device to say")
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS or not KINDS[kind].people:
        raise ParameterError("event: this kind is not for people")
    if not isinstance(values.get("id"), str):
        raise ParameterError("event: id must be a UUID")
    data = values.get("data", {})
    try:
        json.dumps(data, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        raise ParameterError("event: data must be plain JSON") from None
    for name in ("room", "child"):
        value = values.get(name)
        if value is not None and not (isinstance(value, str) and _is_id(value)):
            raise ParameterError(f"event: {name} must be an id")
    event = Event.from_dict({**values, "by": by, "zone": zone})
    if event.data.get("source") == "heard":
        raise ParameterError("event: only the hub hears; the source is tapped or sensor")
    who = event.data.get("caregiver")
    if who is not None and who not in people:
        raise ParameterError("event: there is no such caregiver")
    return _at_hub_time(event, offset)


def _at_hub_time(event: Event, offset: timedelta) -> Event:
    now = datetime.now(UTC)
    at = _moved(event.at, offset)
    if at > now + _AHEAD:
        raise ParameterError("event: at is in the future")
    return Event(
        event.kind,
        min(at, now),
        room=event.room,
        child=event.child,
        by=event.by,
        zone=event.zone,
        data=_moved_data(event.data, offset),
        id=event.id,
    )


def _moved(at: datetime, offset: timedelta) -> datetime:
    try:
        moved = at + offset
    except OverflowError:
        moved = _EARLIEST
    if moved <= _EARLIEST:
        raise ParameterError("event: at is too long ago")
    return moved


def _moved_data(data: Any, offset: timedelta) -> dict[str, Any]:
    """Move the times inside an event's data as well; they are by the same clock."""
    moved = dict(data)
    for key in _TIMES:
        if offset and isinstance(moved.get(key), str):
            moved[key] = _moved(read_time(moved[key]), offset).isoformat()
    if (
        offset
        and isinstance(moved.get("data"), dict)
        and isinstance(moved["data"].get("until"), str)
    ):
        until = _moved(read_time(moved["data"]["until"]), offset).isoformat()
        moved["data"] = {**moved["data"], "until": until}
    return moved


def _is_id(text: str) -> bool:
    return (
        0 < len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    )


def _zone_and_people(web: Web) -> tuple[str, frozenset[str]]:
    people = frozenset(one.id for one in web.household.list(Caregiver))
    return str(web.household.get_setting("zone", "UTC")), people


def _shown(web: Web, me: Viewer, events: Iterable[Event]) -> list[Event]:
    """Give the events that this device may see, whatever their child and room; blocks."""
    found = [event for event in events if _may_see(me, event)]
    if any(event.kind == "corrected" for event in found):
        # What corrects somebody's private note holds it.
        notes = web.hub.journal.events(kinds=["claim_noted"])
        private = {note.id for note in notes if note.by != me.by}
        found = [
            event
            for event in found
            if event.kind != "corrected" or UUID(event.data["target"]) not in private
        ]
    return found


def _may_see(me: Viewer, event: Event) -> bool:
    if event.kind == "audit":
        return me.role == "owner"
    if event.kind == "claim_noted":
        return event.by == me.by
    return me.cares or event.kind not in _HIDDEN


async def _sees(web: Web, me: Viewer) -> Callable[[str | None, str | None], bool]:
    children = await web.people.children_by_room()
    return lambda child, room: me.sees(child, room, children.get(room or "", ()))


async def _touched(web: Web, me: Viewer, alert: str, kind: str, touch: Touch | None) -> Done:
    key = str(UUID(alert))
    due = await run_in_threadpool(_alert, web, key)
    touch = touch or Touch.model_validate({})
    zone, _ = await run_in_threadpool(_zone_and_people, web)
    now = datetime.now(UTC)
    # The same device says the same thing twice when it didn't hear our answer.
    event_id = touch.id or str(uuid5(_TOUCHES, f"{key} {kind} {me.device}"))
    data: dict[str, Any] = {"alert": key}
    if kind == "acknowledged":
        named = {"episode": due.data.get("episode"), "caregiver": me.caregiver}
        data = {name: value for name, value in named.items() if value is not None}
    event = Event(
        kind,
        touch.at or now,
        room=due.room,
        child=due.child,
        by=me.by,
        zone=zone,
        data=data,
        id=UUID(event_id),
    )
    await web.hub.record([_at_hub_time(event, clock_offset(touch.sent_at, now))])
    return Done()


def _alert(web: Web, alert: str) -> Event:
    found = web.alerts.get(alert)
    if found is None:
        # A thousand phones speak of the same alert within a second: read once, not for each.
        since = datetime.now(UTC) - timedelta(days=1)
        recent = web.hub.journal.events(since=since, kinds=["alert_due"])
        web.alerts = {event.data["alert"]: event for event in recent}
        found = web.alerts.get(alert)
    if found is None:
        raise Refusal(404, "There is no such alert.")
    return found


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
