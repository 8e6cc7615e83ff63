"""Who is signed in, and what is written down about it."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from harken.episodes.events import Event
from harken.errors import HarkenError
from harken.journal import Caregiver, Child, Device, token_hash
from harken.web.contract import HubCalls, Viewer
from harken.web.security import RateLimit, same_secret

log = logging.getLogger(__name__)

_KEPT_S = 60.0
_SEEN_EVERY_S = 60.0


@dataclass(slots=True)
class _Known:
    viewer: Viewer | None
    at: float


class People:
    """Tokens to viewers, from memory where that is fresh.

    Every change to the household that comes through the pages calls `forget`; a
    change by another process is seen after a minute at the latest.

    Parameters
    ----------
    hub : HubCalls
    """

    def __init__(self, hub: HubCalls) -> None:
        self._hub = hub
        self._by_token: dict[str, _Known] = {}
        self._by_device: dict[str, _Known] = {}
        self._seen: dict[str, tuple[str, float]] = {}
        self._children: tuple[float, dict[str, frozenset[str]]] | None = None
        self._owned = False
        self._changes = 0
        self._refusals = RateLimit(3, everybody=60, window_s=600.0)

    def forget(self) -> None:
        """Look everything up again: the household has changed."""
        self._by_token.clear()
        self._by_device.clear()
        self._children = None
        self._owned = False
        self._changes += 1

    async def load(self) -> None:
        """Look all devices up at once, for when every open page is to be checked."""
        changes = self._changes
        found = await run_in_threadpool(self._devices)
        if changes == self._changes:
            now = time.monotonic()
            self._by_device = {device: _Known(viewer, now) for device, viewer in found.items()}

    async def viewer(self, token: str, address: str) -> Viewer | None:
        """Say who has a token.

        Parameters
        ----------
        token : str
        address : str
            Where it came from; noted with the device.

        Returns
        -------
        Viewer or None
            None if the token is unknown or was revoked.
        """
        if not 20 <= len(token) <= 200 or not token.isascii():
            return None
        key = token_hash(token)
        known = self._by_token.get(key)
        if known is None or time.monotonic() - known.at > _KEPT_S:
            changes = self._changes
            viewer = await run_in_threadpool(self._look_up, token, key)
            self._by_token.pop(key, None)
            if viewer is None:
                return None
            known = _Known(viewer, time.monotonic())
            if changes == self._changes:
                self._by_token[key] = known
        if known.viewer is not None:
            await self._note(known.viewer.device, address)
        return known.viewer

    async def still(self, viewer: Viewer) -> bool:
        """Say whether a device is still what it was when it signed in."""
        known = self._by_device.get(viewer.device)
        if known is None or time.monotonic() - known.at > _KEPT_S:
            changes = self._changes
            try:
                now = await run_in_threadpool(self._device, viewer.device)
            except HarkenError:
                # A journal that is busy for a moment isn't a reason to end a page's news.
                return True
            known = _Known(now, time.monotonic())
            if changes == self._changes:
                self._by_device[viewer.device] = known
        return known.viewer == viewer

    async def first_run(self) -> bool:
        """Say whether there is no household yet: nobody owns it."""
        if not self._owned:
            owners = await run_in_threadpool(
                lambda: self._hub.journal.household.list(Caregiver, role="owner")
            )
            self._owned = bool(owners)
        return not self._owned

    async def children_by_room(self) -> dict[str, frozenset[str]]:
        """Give the ids of all the children in each room that has any."""
        if self._children is None or time.monotonic() - self._children[0] > _KEPT_S:
            rooms: dict[str, set[str]] = {}
            changes = self._changes
            for child in await run_in_threadpool(self._hub.journal.household.list, Child):
                if child.room is not None:
                    rooms.setdefault(child.room, set()).add(child.id)
            found = {room: frozenset(ids) for room, ids in rooms.items()}
            if changes == self._changes:
                self._children = (time.monotonic(), found)
            return found
        return self._children[1]

    async def audit(
        self, what: str, *, address: str, who: str | None = None, detail: str | None = None
    ) -> None:
        """Write down that somebody signed in, joined, was refused or changed the household.

        Parameters
        ----------
        what : str
            E.g. ``"joined"``.
        address : str
        who : str, optional
            As `Event.by`.
        detail : str, optional
            Never a secret.
        """
        told = {"what": what, "address": address[:100], "who": who, "detail": detail}
        data = {key: value for key, value in told.items() if value is not None}
        try:
            await self._hub.record([Event("audit", datetime.now(UTC), data=data)])
        except HarkenError as error:
            log.warning("audit %s from %s was not kept: %s", what, address, error)

    async def refused(self, what: str, address: str, who: str | None = None) -> None:
        """Write a refusal down; a flood of them only in part, so that it fills no disk."""
        log.warning("refused from %s: %s", address, what)
        if self._refusals.wait_s(address) == 0:
            self._refusals.fail(address)
            await self.audit("refused", address=address, who=who, detail=what)

    async def _note(self, device: str, address: str) -> None:
        now = time.monotonic()
        before = self._seen.get(device)
        if before and before[0] == address and now - before[1] < _SEEN_EVERY_S:
            return
        self._seen[device] = (address, now)
        try:
            await run_in_threadpool(
                self._hub.journal.household.seen, device, datetime.now(UTC), address=address[:100]
            )
        except HarkenError as error:
            # A full disk keeps nobody from seeing that the child cries.
            log.warning("when %s was last seen was not kept: %s", device, error)

    def _look_up(self, token: str, key: str) -> Viewer | None:
        device = self._hub.journal.household.device_of(token)
        if device is None or not same_secret(device.token_hash, key):
            return None
        return self._viewer_of(device)

    def _devices(self) -> dict[str, Viewer | None]:
        household = self._hub.journal.household
        people = {one.id: one for one in household.list(Caregiver)}
        return {
            one.id: None if one.revoked else _viewer(one, people.get(one.caregiver or ""))
            for one in household.list(Device)
        }

    def _device(self, device: str) -> Viewer | None:
        found = self._hub.journal.household.get(Device, device)
        return None if found is None or found.revoked else self._viewer_of(found)

    def _viewer_of(self, device: Device) -> Viewer | None:
        person = None
        if device.caregiver is not None:
            person = self._hub.journal.household.get(Caregiver, device.caregiver)
        return _viewer(device, person)


def _viewer(device: Device, person: Caregiver | None) -> Viewer | None:
    if device.kind == "nursery":
        return Viewer(device.id, "nursery", device.name, room=device.room) if device.room else None
    if person is None:
        return None
    given = frozenset(person.children) if person.role == "viewer" else frozenset()
    return Viewer(device.id, person.role, person.name, caregiver=person.id, children=given)
