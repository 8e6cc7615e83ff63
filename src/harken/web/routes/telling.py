"""Channels, check-in plans and push: over what people are told, and when it waits."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from harken.answering.channels.sensors import sensors_of
from harken.episodes.events import new_id
from harken.errors import ChannelError
from harken.journal import Caregiver, Channel, Child, Plan, PushSubscription, Room, masked
from harken.web.access import Carer, Parts, Web, given, the_room
from harken.web.contract import Viewer
from harken.web.models import (
    ChannelIn,
    ChannelOut,
    ChannelPatch,
    Done,
    EntryPath,
    PlanIn,
    PlanOut,
    PlanPatch,
    PushIn,
    PushKey,
    Removed,
    SensorIn,
    Tested,
)
from harken.web.problems import Refusal

router = APIRouter(tags=["telling people"])


@router.get("/channels", summary="Channels", response_model=list[ChannelOut])
def get_channels(web: Parts, me: Carer) -> list[ChannelOut]:
    """Over what people are told; what is secret in a URL stays in the hub."""
    return [_out(one) for one in web.household.list(Channel)]


@router.post("/channels", summary="Add a channel", response_model=ChannelOut)
async def add_channel(channel: ChannelIn, web: Parts, me: Carer) -> ChannelOut:
    """Add a channel; send a test over it before you rely on it."""

    def write() -> Channel:
        _check_caregiver(web, channel.caregiver)
        values = channel.model_dump(exclude={"sensors"})
        if channel.sensors is not None:
            values["options"] = _with_sensors(web, channel.kind, channel.options, channel.sensors)
        return web.household.add(Channel(id=str(new_id()), **values))

    added = await run_in_threadpool(write)
    await web.changed()
    return _out(added)


@router.patch("/channels/{entry}", summary="Change a channel", response_model=ChannelOut)
async def change_channel(
    entry: EntryPath, change: ChannelPatch, web: Parts, me: Carer
) -> ChannelOut:
    """Change what is given. A URL that is sent back masked stays as it was."""

    def write() -> Channel:
        before = _channel(web, entry)
        changes = given(change)
        if changes.get("url") == _masked(before):
            del changes["url"]
        _check_caregiver(web, changes.get("caregiver"))
        changes.pop("sensors", None)
        if change.sensors is not None:
            options = changes.get("options", before.options)
            changes["options"] = _with_sensors(web, before.kind, options, change.sensors)
        return web.household.update(replace(before, **changes))

    changed = await run_in_threadpool(write)
    await web.changed()
    return _out(changed)


@router.delete("/channels/{entry}", summary="Remove a channel")
async def remove_channel(entry: EntryPath, web: Parts, me: Carer) -> Done:
    """Remove a channel."""

    def write() -> None:
        _channel(web, entry)
        web.household.remove(Channel, entry)

    await run_in_threadpool(write)
    await web.changed()
    return Done()


@router.post("/channels/{entry}/test", summary="Send a test message", response_model=Tested)
async def test_channel(entry: EntryPath, web: Parts, me: Carer) -> Tested:
    """Send a test message, and say in plain words what came of it."""
    await run_in_threadpool(_channel, web, entry)
    result = await web.hub.test_channel(entry)
    return Tested(ok=result["ok"], says=result["says"])


@router.get("/plans", summary="Check-in plans", response_model=list[PlanOut])
def get_plans(web: Parts, me: Carer) -> list[Plan]:
    """Every caregiver's check-in plans."""
    return list(web.household.list(Plan))


@router.post("/plans", summary="Add a check-in plan", response_model=PlanOut)
async def add_plan(plan: PlanIn, web: Parts, me: Carer) -> Plan:
    """Add a plan; it holds nothing back until somebody starts it (`plan_started`)."""

    def write() -> Plan:
        the_room(web, plan.room)
        _check_caregiver(web, plan.caregiver)
        values = plan.model_dump()
        values["caregiver"] = plan.caregiver or me.caregiver
        return web.household.add(Plan(id=str(new_id()), **values))

    added = await run_in_threadpool(write)
    await web.changed()
    return added


@router.patch("/plans/{entry}", summary="Change a check-in plan", response_model=PlanOut)
async def change_plan(entry: EntryPath, change: PlanPatch, web: Parts, me: Carer) -> Plan:
    """Change what is given."""

    def write() -> Plan:
        return web.household.update(replace(_plan(web, entry), **given(change)))

    changed = await run_in_threadpool(write)
    await web.changed()
    return changed


@router.delete("/plans/{entry}", summary="Remove a check-in plan")
async def remove_plan(entry: EntryPath, web: Parts, me: Carer) -> Done:
    """Remove a plan."""

    def write() -> None:
        _plan(web, entry)
        web.household.remove(Plan, entry)

    await run_in_threadpool(write)
    await web.changed()
    return Done()


@router.get("/push/key", summary="The hub's public push key", response_model=PushKey)
async def push_key(web: Parts, me: Carer) -> PushKey:
    """Give what a browser needs to subscribe."""
    return PushKey(key=web.hub.push_key())


@router.post("/push/subscriptions", summary="Let this device be told by push")
async def subscribe(subscription: PushIn, web: Parts, me: Carer) -> Done:
    """Keep this device's subscription in the place of an earlier one."""
    if not _far_away(subscription.endpoint):
        raise Refusal(422, "endpoint: that is no push service.")
    await run_in_threadpool(_subscribe, web, me, subscription)
    await web.changed()
    return Done()


@router.delete("/push/subscriptions", summary="No more push to this device", response_model=Removed)
async def unsubscribe(web: Parts, me: Carer) -> Removed:
    """Remove this device's subscriptions."""

    def write() -> int:
        mine = web.household.list(PushSubscription, device=me.device)
        return sum(web.household.remove(PushSubscription, one.id) for one in mine)

    removed = await run_in_threadpool(write)
    await web.changed()
    return Removed(removed=removed)


def _subscribe(web: Web, me: Viewer, subscription: PushIn) -> None:
    for one in web.household.list(PushSubscription):
        if one.device == me.device or one.endpoint == subscription.endpoint:
            web.household.remove(PushSubscription, one.id)
    web.household.add(
        PushSubscription(
            id=str(new_id()),
            device=me.device,
            endpoint=subscription.endpoint,
            p256dh=subscription.keys.p256dh,
            auth=subscription.keys.auth,
            created=datetime.now(UTC),
        )
    )
    mine = web.household.list(Channel, caregiver=me.caregiver)
    if me.caregiver and not any(one.kind == "push" for one in mine):
        # Whoever allows push on a phone wants to be told by it.
        name = f"Push, {me.name}"[:80]
        web.household.add(Channel(id=str(new_id()), kind="push", name=name, caregiver=me.caregiver))


def _far_away(endpoint: str) -> bool:
    """Say whether an endpoint is on the internet: the hub will send there by itself."""
    host = urlsplit(endpoint).hostname or ""
    last = host.rpartition(".")[2]
    local = ("local", "localhost", "lan", "home", "internal", "arpa")
    return "." in host and last.isalpha() and last not in local


def _out(channel: Channel) -> ChannelOut:
    values = {**asdict(channel), "url": _masked(channel), "options": sorted(channel.options)}
    return ChannelOut(**values, sensors=_sensors(channel))


def _sensors(channel: Channel) -> list[SensorIn] | None:
    if channel.kind != "mqtt":
        return None
    try:
        return _SENSORS.validate_python(channel.options.get("series", []))
    except ValidationError:
        return None  # whoever wrote it by a script has to see to it: nothing is thrown away here


def _with_sensors(
    web: Web, kind: str, options: Mapping[str, Any], sensors: list[SensorIn]
) -> dict[str, Any]:
    """Put sensors among the options of a channel, once they are known to be listened to."""
    if kind != "mqtt":
        raise Refusal(422, "sensors: only an MQTT channel listens to them.")
    series = [one.model_dump(exclude_defaults=True) for one in sensors]
    for one in sensors:
        if one.room is not None and web.household.get(Room, one.room) is None:
            raise Refusal(422, "sensors: there is no such room.")
        if one.child is not None and web.household.get(Child, one.child) is None:
            raise Refusal(422, "sensors: there is no such child.")
    try:
        sensors_of(series)
    except ChannelError as error:
        raise Refusal(422, str(error)) from None
    rest = {name: value for name, value in options.items() if name != "series"}
    return {**rest, "series": series} if series else rest


_SENSORS = TypeAdapter(list[SensorIn])


def _masked(channel: Channel) -> str:
    return masked(channel.url) if "://" in channel.url or not channel.url else "…"


def _channel(web: Web, entry: str) -> Channel:
    found = web.household.get(Channel, entry)
    if found is None:
        raise Refusal(404, "There is no such channel.")
    return found


def _plan(web: Web, entry: str) -> Plan:
    found = web.household.get(Plan, entry)
    if found is None:
        raise Refusal(404, "There is no such plan.")
    return found


def _check_caregiver(web: Web, caregiver: str | None) -> None:
    if caregiver is not None and web.household.get(Caregiver, caregiver) is None:
        raise Refusal(422, "caregiver: there is nobody with this id.")
