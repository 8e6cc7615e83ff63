"""Children, caregivers and the household's own settings."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from harken.episodes import EpisodeSettings
from harken.episodes.events import new_id
from harken.journal import Caregiver, Child, Room
from harken.web.access import Anyone, Carer, Onlooker, Owner, Parts, Web, given
from harken.web.contract import Viewer
from harken.web.joining import join_duty
from harken.web.models import (
    CaregiverIn,
    CaregiverOut,
    CaregiverPatch,
    ChildIn,
    ChildOut,
    ChildPatch,
    Done,
    EntryPath,
    HouseholdIn,
    HouseholdOut,
)
from harken.web.problems import Refusal

router = APIRouter(tags=["household"])

DEFAULTS: dict[str, Any] = {
    "day_starts": "07:00",
    "night_from": "20:00",
    "night_until": "07:00",
    "keep_audio_days": 0,
    "four_questions": False,
    "compare_caregivers": False,
    "pause_after_going": 120.0,
}
"""Settings of the household and what they are where nobody chose."""


@router.get("/household", summary="The household", response_model=HouseholdOut)
def get_household(web: Parts, me: Anyone) -> HouseholdOut:
    """Name, zone and settings."""
    kept = web.household.settings()
    settings = {key: kept.get(key, default) for key, default in DEFAULTS.items()}
    settings["episode"] = web.hub.journal.settings.as_dict()
    return HouseholdOut(
        name=str(kept.get("name", "Harken")),
        zone=str(kept.get("zone", "UTC")),
        settings=settings if me.cares else {},
    )


@router.put("/household", summary="Change the household", response_model=HouseholdOut)
async def put_household(change: HouseholdIn, web: Parts, me: Owner) -> HouseholdOut:
    """Change what is given; the rest stays."""
    settings = given(change.settings) if change.settings else {}
    episode = settings.pop("episode", None)
    named = {"name": change.name, "zone": change.zone, **settings}

    def write() -> None:
        if episode is not None:
            before = web.hub.journal.settings
            after = EpisodeSettings.from_dict(episode, base=before)
            if after != before:
                web.hub.journal.use(after)
        for key, value in named.items():
            if value is not None:
                web.household.set_setting(key, value)

    await run_in_threadpool(write)
    await web.changed()
    return await run_in_threadpool(get_household, web, me)


@router.get("/children", summary="Children", response_model=list[ChildOut])
def get_children(web: Parts, me: Onlooker) -> list[Child]:
    """All children; a viewer's own ones only."""
    children = web.household.list(Child)
    return [one for one in children if me.cares or one.id in me.children]


@router.post("/children", summary="Add a child", response_model=ChildOut)
async def add_child(child: ChildIn, web: Parts, me: Carer) -> Child:
    """Add a child."""

    def write() -> Child:
        _check_room(web, child.room)
        return web.household.add(Child(id=str(new_id()), **child.model_dump()))

    added = await run_in_threadpool(write)
    await web.changed()
    return added


@router.patch("/children/{entry}", summary="Change a child", response_model=ChildOut)
async def change_child(entry: EntryPath, change: ChildPatch, web: Parts, me: Carer) -> Child:
    """Change what is given."""

    def write() -> Child:
        _check_room(web, change.room)
        return web.household.update(replace(_child(web, entry), **given(change)))

    changed = await run_in_threadpool(write)
    await web.changed()
    return changed


@router.delete("/children/{entry}", summary="Remove a child from the household")
async def remove_child(entry: EntryPath, web: Parts, me: Carer) -> Done:
    """Remove a child from the household; what was recorded stays in the journal."""

    def write() -> None:
        _child(web, entry)
        web.household.remove(Child, entry)

    await run_in_threadpool(write)
    await web.changed()
    return Done()


@router.get("/caregivers", summary="Caregivers", response_model=list[CaregiverOut])
def get_caregivers(web: Parts, me: Carer) -> list[Caregiver]:
    """Everybody who looks after the children, or may look on."""
    return list(web.household.list(Caregiver))


@router.post("/caregivers", summary="Add a caregiver", response_model=CaregiverOut)
async def add_caregiver(person: CaregiverIn, web: Parts, me: Owner) -> Caregiver:
    """Add somebody; they sign in with a join code made for them."""

    def write() -> Caregiver:
        _check_children(web, person.children)
        added = web.household.add(Caregiver(id=str(new_id()), **person.model_dump()))
        join_duty(web.household, added)
        return added

    added = await run_in_threadpool(write)
    await web.changed()
    await _audit(web, me, f"added {added.role} {added.id}")
    return added


@router.patch("/caregivers/{entry}", summary="Change a caregiver", response_model=CaregiverOut)
async def change_caregiver(
    entry: EntryPath, change: CaregiverPatch, web: Parts, me: Carer
) -> Caregiver:
    """Change what is given; caregivers may change their own name and colour."""
    changes = given(change)

    def write() -> Caregiver:
        before = _caregiver(web, entry)
        for name in ("role", "children"):
            if name in changes and changes[name] == getattr(before, name):
                del changes[name]  # a form sends what it shows
        if me.role != "owner" and (entry != me.caregiver or changes.keys() & {"role", "children"}):
            raise Refusal(403, "Only an owner changes other people, and who may do what.")
        _check_children(web, changes.get("children") or [])
        after = replace(before, **changes)
        if before.role == "owner" and after.role != "owner":
            _keep_an_owner(web, entry)
        return web.household.update(after)

    async with web.changing:
        changed = await run_in_threadpool(write)
    await web.changed()
    if changes.keys() & {"role", "children"}:
        await _audit(web, me, f"made {entry} {changed.role}")
    return changed


@router.delete("/caregivers/{entry}", summary="Remove a caregiver")
async def remove_caregiver(entry: EntryPath, web: Parts, me: Owner) -> Done:
    """Remove somebody, with their devices, channels, plans and turns of duty."""

    def write() -> None:
        if _caregiver(web, entry).role == "owner":
            _keep_an_owner(web, entry)
        web.household.remove(Caregiver, entry)

    async with web.changing:
        await run_in_threadpool(write)
    await web.changed()
    await _audit(web, me, f"removed {entry}")
    return Done()


def _child(web: Web, entry: str) -> Child:
    found = web.household.get(Child, entry)
    if found is None:
        raise Refusal(404, "There is no such child.")
    return found


def _caregiver(web: Web, entry: str) -> Caregiver:
    found = web.household.get(Caregiver, entry)
    if found is None:
        raise Refusal(404, "There is no such caregiver.")
    return found


def _check_room(web: Web, room: str | None) -> None:
    if room is not None and web.household.get(Room, room) is None:
        raise Refusal(422, "room: there is no such room.")


def _check_children(web: Web, children: list[str]) -> None:
    if set(children) - {one.id for one in web.household.list(Child)}:
        raise Refusal(422, "children: there is no such child.")


def _keep_an_owner(web: Web, leaving: str) -> None:
    if not [one for one in web.household.list(Caregiver, role="owner") if one.id != leaving]:
        raise Refusal(409, "A household needs an owner: make somebody else one first.")


async def _audit(web: Web, me: Viewer, what: str) -> None:
    await web.people.audit("household changed", address="", who=me.by, detail=what)
