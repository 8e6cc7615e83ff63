"""Signing in and out: join codes, devices, tokens, the first run."""

import math
from dataclasses import asdict, replace
from typing import Any

import segno
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harken.journal import Caregiver, Child, Device, PushSubscription
from harken.web.access import Anyone, Carer, Parts, Web, the_room
from harken.web.guard import BY_COOKIE, address_of, on_this_machine, set_cookie
from harken.web.joining import (
    SignedIn,
    add_script,
    device_name,
    found,
    join,
    make_code,
)
from harken.web.models import (
    CodeIn,
    CodeOut,
    DeviceOut,
    Done,
    EntryPath,
    Join,
    Joined,
    TokenIn,
    TokenOut,
    Welcome,
)
from harken.web.problems import Refusal
from harken.web.security import read_code, same_secret

router = APIRouter(tags=["signing in"])


@router.post("/welcome", summary="First run: make the household", response_model=Joined)
async def post_welcome(welcome: Welcome, request: Request, web: Parts) -> Response:
    """Make the household and sign its owner in.

    Only once, and only from the hub's own machine or with the setup code.
    """
    address = address_of(request.scope)
    if not await web.people.first_run():
        raise Refusal(409, "This household is there already; join it with a code.")
    if not on_this_machine(request.scope, request.headers):
        await _slow_down(web, address)
        expected = web.settings.setup_code
        if expected is None or not same_secret(expected, _typed(welcome.setup_code)):
            await web.people.refused("wrong setup code", address)
            raise Refusal(403, "Type the setup code that the hub printed when it started.")
        web.joining.forgive(address)
    async with web.changing:
        if not await web.people.first_run():
            raise Refusal(409, "This household is there already; join it with a code.")
        signed_in = await run_in_threadpool(
            lambda: found(
                web.household,
                name=welcome.household,
                owner=welcome.name,
                child=welcome.child,
                zone=welcome.zone,
                device=_device_name(request),
            )
        )
        web.people.forget()
    await web.changed(room="nursery")
    return await _come_in(web, request, signed_in, "made the household")


@router.post("/join-codes", summary="Make a join code", response_model=CodeOut)
async def post_code(code: CodeIn, request: Request, web: Parts, me: Carer) -> CodeOut:
    """Make a code for a person or a device: it works once, for 15 minutes.

    Caregivers may let in a nursery device, or another device of their own.
    """
    _by_a_person(request)
    own = code.role == me.role and code.caregiver == me.caregiver is not None
    if me.role != "owner" and not (code.role == "nursery" or own):
        raise Refusal(403, "Only an owner lets other people in.")

    def write() -> tuple[str, Any]:
        _check_code(web, code)
        return make_code(
            web.household,
            role=code.role,
            caregiver=code.caregiver,
            name=code.name,
            room=code.room,
            children=code.children,
        )

    text, expires = await run_in_threadpool(write)
    if code.name is not None:
        await web.changed()
    await web.people.audit(
        "made a join code", address=address_of(request.scope), who=me.by, detail=code.role
    )
    # Behind the # it reaches no log of a server or proxy.
    url = f"{web.settings.base_url.rstrip('/')}/join#{text}"
    picture = segno.make(url, error="m", micro=False)
    qr = picture.svg_data_uri(scale=6, border=4, dark="#000", light="#fff")
    return CodeOut(code=text, url=url, qr=qr, expires=expires)


@router.post("/join", summary="Join by a code", response_model=Joined)
async def post_join(joining: Join, request: Request, web: Parts) -> Response:
    """Sign a person or a device in."""
    address = address_of(request.scope)
    await _slow_down(web, address)
    code = read_code(joining.code)
    signed_in = None
    if code is not None:
        signed_in = await run_in_threadpool(
            lambda: join(web.household, code, name=joining.name, device=_device_name(request))
        )
    if signed_in is None:
        await web.people.refused("wrong join code", address)
        raise Refusal(403, "This code is wrong, was used or has expired; ask for a new one.")
    web.joining.forgive(address)
    await web.changed()
    return await _come_in(web, request, signed_in, "joined")


@router.post("/sign-out", summary="Sign this device out")
async def sign_out(request: Request, web: Parts, me: Anyone) -> Response:
    """Forget this device."""
    await run_in_threadpool(_revoke, web, me.device)
    await web.changed()
    await web.people.audit("signed out", address=address_of(request.scope), who=me.by)
    answer = JSONResponse({"ok": True})
    set_cookie(answer, web.settings, "", lives_s=0)
    return answer


@router.get("/devices", summary="Devices that are signed in", response_model=list[DeviceOut])
def get_devices(web: Parts, me: Carer) -> list[DeviceOut]:
    """All devices for an owner; a caregiver's own and the rooms' for others."""
    return [
        DeviceOut(**_without_secrets(one), this=one.id == me.device)
        for one in web.household.list(Device, revoked=False)
        if me.role == "owner" or one.caregiver == me.caregiver or one.kind == "nursery"
    ]


@router.delete("/devices/{entry}", summary="Sign a device out")
async def remove_device(entry: EntryPath, request: Request, web: Parts, me: Carer) -> Done:
    """Sign a device out at once, wherever it is; caregivers only their own."""

    def write() -> None:
        device = web.household.get(Device, entry)
        if device is None or device.revoked:
            raise Refusal(404, "There is no such device.")
        if me.role != "owner" and device.caregiver != me.caregiver:
            raise Refusal(403, "Only an owner signs other people's devices out.")
        _revoke(web, entry)

    await run_in_threadpool(write)
    await web.changed()
    await web.people.audit(
        "signed a device out", address=address_of(request.scope), who=me.by, detail=entry
    )
    return Done()


@router.post("/tokens", summary="Make a token for a script", response_model=TokenOut)
async def post_token(token: TokenIn, request: Request, web: Parts, me: Carer) -> TokenOut:
    """Make a token with your own rights, for `Authorization: Bearer`; it is shown once."""
    _by_a_person(request)
    made = await run_in_threadpool(add_script, web.household, me, token.name)
    await web.people.audit(
        "made a token", address=address_of(request.scope), who=me.by, detail=made.device.id
    )
    return TokenOut(id=made.device.id, token=made.token)


def _typed(code: str | None) -> str:
    """Give a setup code as it was meant; it may be of another kind than a join code."""
    text = (code or "").strip()
    return read_code(text) or text


def _by_a_person(request: Request) -> None:
    """Refuse a script: a token that leaked must not make more of its kind."""
    if not request.scope.get(BY_COOKIE):
        raise Refusal(403, "A script can't do that; use the page.")


async def _slow_down(web: Web, address: str) -> None:
    wait_s = web.joining.wait_s(address)
    # Counted before it is known whether it fails, so that many tries at once get nowhere.
    web.joining.fail(address)
    if wait_s:
        await web.people.refused("too many tries to join", address)
        raise Refusal(429, None, {"retry-after": str(math.ceil(wait_s))})


async def _come_in(web: Web, request: Request, signed_in: SignedIn, what: str) -> Response:
    device = signed_in.device
    who = f"caregiver:{device.caregiver}" if device.caregiver else f"device:{device.id}"
    await web.people.audit(what, address=address_of(request.scope), who=who, detail=signed_in.role)
    where = "/nursery" if signed_in.role == "nursery" else "/"
    answer = JSONResponse({"role": signed_in.role, "next": where})
    set_cookie(answer, web.settings, signed_in.token)
    return answer


def _device_name(request: Request) -> str:
    return device_name(request.headers.get("user-agent", ""))


def _check_code(web: Web, code: CodeIn) -> None:
    if code.role == "nursery":
        if code.room is None:
            raise Refusal(422, "room: say which room the device is for.")
        the_room(web, code.room)
        return
    children = {one.id for one in web.household.list(Child)}
    if set(code.children) - children:
        raise Refusal(422, "children: there is no such child.")
    if code.caregiver is not None:
        person = web.household.get(Caregiver, code.caregiver)
        if person is None:
            raise Refusal(422, "caregiver: there is nobody with this id.")
        if person.role != code.role:
            raise Refusal(422, f"role: {person.name} is {person.role}; change that first.")


def _revoke(web: Web, device: str) -> None:
    there = web.household.get(Device, device)
    if there is not None:
        web.household.update(replace(there, revoked=True))
    for one in web.household.list(PushSubscription, device=device):
        web.household.remove(PushSubscription, one.id)


def _without_secrets(device: Device) -> dict[str, Any]:
    shown = asdict(device)
    del shown["token_hash"], shown["revoked"]
    return shown
