"""How a household begins, and how people and devices come into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harken.episodes.events import new_id
from harken.journal import (
    Caregiver,
    Child,
    Device,
    DutyTurn,
    Household,
    JoinCode,
    Room,
    token_hash,
)
from harken.web.contract import Role, Viewer
from harken.web.security import CODE_LIVES_S, new_code, new_token

FIRST_ROOM = "nursery"
_NEXT_TOLD_S = 60.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device that has just come in: its entry, its role, and its token, once."""

    device: Device
    role: Role
    token: str

    def __repr__(self) -> str:
        return f"SignedIn(device={self.device.id!r}, role={self.role!r})"


def found(
    household: Household, *, name: str, owner: str, child: str, zone: str, device: str
) -> SignedIn:
    """Make a household, its owner, a first room and a child; and sign the owner in.

    Can be repeated where an earlier try broke off: the owner comes last.

    Parameters
    ----------
    household : Household
    name, owner, child, device : str
        What to call them.
    zone : str
        IANA name.
    """
    household.set_setting("name", name)
    household.set_setting("zone", zone)
    if household.get(Room, FIRST_ROOM) is None:
        household.add(Room(id=FIRST_ROOM, name="Nursery"))
    if not household.list(Child):
        household.add(Child(id=str(new_id()), name=child, room=FIRST_ROOM))
    person = household.add(Caregiver(id=str(new_id()), name=owner, role="owner"))
    join_duty(household, person)
    return sign_in(household, "owner", name=device, caregiver=person.id)


def make_code(
    household: Household,
    *,
    role: Role,
    caregiver: str | None,
    name: str | None,
    room: str | None,
    children: Sequence[str],
) -> tuple[str, datetime]:
    """Make a join code.

    Parameters
    ----------
    household : Household
    role : str
    caregiver : str, optional
        Somebody who is there already.
    name : str, optional
        Of somebody new, who is added now.
    room : str, optional
        Of a nursery device.
    children : sequence of str
        What a new viewer may see.

    Returns
    -------
    (str, datetime)
        The code, which is kept nowhere, and when it expires.
    """
    now = datetime.now(UTC)
    for old in household.list(JoinCode):
        if old.expires < now:
            household.remove(JoinCode, old.code_hash)
    if role != "nursery" and caregiver is None and name is not None:
        person = Caregiver(id=str(new_id()), name=name, role=role, children=list(children))
        caregiver = household.add(person).id
        join_duty(household, person)
    code = new_code()
    entry = JoinCode(
        code_hash=token_hash(code),
        role=role,
        caregiver=caregiver,
        room=room if role == "nursery" else None,
        children=list(children) if role == "viewer" else [],
        expires=now + timedelta(seconds=CODE_LIVES_S),
    )
    household.add(entry)
    return code, entry.expires


def join(household: Household, code: str, *, name: str, device: str) -> SignedIn | None:
    """Come in by a code.

    Parameters
    ----------
    household : Household
    code : str
        As `read_code` gives it.
    name : str
        Of the person, where the code is for somebody new; of the device else.
    device : str
        What to call the device of somebody new.

    Returns
    -------
    SignedIn or None
        None if the code is unknown, was used or has expired.
    """
    entry = household.use_join_code(code, datetime.now(UTC))
    if entry is None:
        return None
    if entry.role == "nursery":
        return sign_in(household, "nursery", name=name, room=entry.room)
    if entry.caregiver is None:
        person = Caregiver(id=str(new_id()), name=name, role=entry.role, children=entry.children)
        household.add(person)
        join_duty(household, person)
        return sign_in(household, entry.role, name=device, caregiver=person.id)
    there = household.get(Caregiver, entry.caregiver)
    role = there.role if there else entry.role
    return sign_in(household, role, name=name, caregiver=entry.caregiver)


def sign_in(
    household: Household,
    role: Role,
    *,
    name: str,
    caregiver: str | None = None,
    room: str | None = None,
) -> SignedIn:
    """Add a device and give its token."""
    token = new_token()
    device = Device(
        id=str(new_id()),
        name=name,
        kind="nursery" if role == "nursery" else "phone",
        caregiver=caregiver,
        room=room,
        token_hash=token_hash(token),
        created=datetime.now(UTC),
    )
    household.add(device)
    return SignedIn(device, role, token)


def add_script(household: Household, me: Viewer, name: str) -> SignedIn:
    """Add a script of a caregiver's and give its token."""
    token = new_token()
    device = Device(
        id=str(new_id()),
        name=name,
        kind="script",
        caregiver=me.caregiver,
        token_hash=token_hash(token),
        created=datetime.now(UTC),
    )
    household.add(device)
    return SignedIn(device, me.role, token)


def join_duty(household: Household, person: Caregiver) -> None:
    """Put somebody new last in every room's duty, a minute after the one before.

    Nobody who could come should be asked by nobody; Settings changes it.
    """
    if person.role == "viewer":
        return
    for room in household.list(Room):
        turns = list(household.duty(room.id))
        if any(turn.caregiver == person.id for turn in turns):
            continue
        order = max((turn.order for turn in turns), default=0) + 1
        after_s = _NEXT_TOLD_S if turns else 0.0
        turns.append(DutyTurn(order=order, caregiver=person.id, after_s=after_s))
        household.set_duty(room.id, turns)


def device_name(agent: str) -> str:
    """Guess what to call a browser.

    Parameters
    ----------
    agent : str
        Its User-Agent header.

    Examples
    --------
    >>> device_name("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)")
    'iPhone'
    >>> device_name("curl/8")
    'Browser'
    """
    for sign, name in (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android phone"),
        ("Macintosh", "Mac"),
        ("Windows", "Windows computer"),
        ("Linux", "Linux computer"),
    ):
        if sign in agent:
            return name
    return "Browser"
