"""What the pages need of the hub, and who asks.

The hub satisfies `HubCalls`; nothing in this room knows how. Everything that a
person may or may not see is decided from a `Viewer`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Protocol, TypedDict

if TYPE_CHECKING:
    from harken.episodes.events import Event
    from harken.journal import Journal

Role = Literal["owner", "caregiver", "nursery", "viewer"]
"""What a signed-in device may do: everything; everything but the household and its people;
be one room's ears; look at the children that were given."""

News = tuple[Literal["state", "alert", "say", "problem"], dict[str, Any]]
"""What the hub tells the pages; see `HubCalls.subscribe`."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a signed-in device, and the person behind it.

    Parameters
    ----------
    device : str
        Id of the device (a session or an API token is one).
    role : {'owner', 'caregiver', 'nursery', 'viewer'}
    name : str
        The person's name, or the device's where there is no person.
    caregiver : str, optional
        Id of the caregiver; None for a nursery device.
    room : str, optional
        Id of the one room of a nursery device.
    children : frozenset of str
        Ids of the children that a viewer was given; unused for other roles.

    Examples
    --------
    >>> aunt = Viewer("d1", "viewer", "Aunt", children=frozenset({"ida"}))
    >>> aunt.sees("ida", "nursery", ["ida", "ole"]), aunt.sees(None, "nursery", ["ida", "ole"])
    (True, False)
    """

    device: str
    role: Role
    name: str
    _: KW_ONLY
    caregiver: str | None = None
    room: str | None = None
    children: frozenset[str] = frozenset()

    @property
    def cares(self) -> bool:
        """Whether this is a caregiver's device (the owner is one)."""
        return self.role in ("owner", "caregiver")

    @property
    def by(self) -> str:
        """Who an event from this device is by, as `Event.by` has it."""
        return f"caregiver:{self.caregiver}" if self.caregiver else f"device:{self.device}"

    @property
    def scope(self) -> tuple[Role, str | None, frozenset[str]]:
        """What decides what is seen: two viewers of one scope see the same, but for `me`."""
        if self.role == "viewer":
            return self.role, None, self.children
        return self.role, self.room if self.role == "nursery" else None, frozenset()

    def me(self) -> dict[str, Any]:
        """Give the snapshot's ``"me"``."""
        return {
            "device": self.device,
            "caregiver": self.caregiver,
            "name": self.name,
            "role": self.role,
            "room": self.room,
        }

    def sees_room(self, room: str, children: Iterable[str]) -> bool:
        """Say whether what happens in a room may be shown.

        A viewer sees a room only if every child in it was given to them: the
        room's sound doesn't say whose cry it is.

        Parameters
        ----------
        room : str
            Id of the room.
        children : iterable of str
            Ids of all the children in that room.
        """
        if self.cares:
            return True
        if self.role == "nursery":
            return room == self.room
        ids = set(children)
        return bool(ids) and ids <= self.children

    def sees(self, child: str | None, room: str | None, children: Iterable[str]) -> bool:
        """Say whether an event or episode may be shown.

        Parameters
        ----------
        child : str, optional
            The child that it is about, where that is known.
        room : str, optional
            The room that it happened in.
        children : iterable of str
            Ids of all the children in that room.
        """
        if self.role == "viewer" and child is not None:
            return child in self.children
        return self.cares if room is None else self.sees_room(room, children)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages are served.

    Parameters
    ----------
    base_url : str
        Address that phones in the home open, e.g. ``"https://192.168.1.20:8765"``;
        join codes and their QR pictures point there.
    https : bool
        Whether browsers come by https (the hub's own, or a proxy's): cookies are
        then ``Secure`` and have the ``__Host-`` prefix.
    allowed_hosts : frozenset of str
        Host names, without port, under which the hub may be asked, beside
        ``localhost``, plain addresses and the host of `base_url`. Any other name
        is refused, which is what stops DNS rebinding.
    setup_code : str, optional
        Printed by the hub on its first run: whoever isn't on this machine needs it
        to make the household. None: only this machine can.
    authority : Path, optional
        Certificate of the hub's own authority, offered at ``/authority`` for phones
        to trust.
    templates, static : Path, optional
        Other folders than the package's own; for tests.

    Examples
    --------
    >>> WebSettings("http://localhost:8765").cookie
    'harken'
    """

    base_url: str
    _: KW_ONLY
    https: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    setup_code: str | None = field(default=None, repr=False)
    authority: Path | None = None
    templates: Path | None = None
    static: Path | None = None

    @property
    def cookie(self) -> str:
        """Name of the cookie that a device is known by."""
        return "__Host-harken" if self.https else "harken"


class Hearing(TypedDict):
    """What the hub hears of one ear right now; sent back to the nursery page.

    ``level_dbfs`` is None for digital silence; ``state`` is the room's state as in
    the snapshot; ``cry`` is the smoothed P(cry), 0 to 1, or None.
    """

    level_dbfs: float | None
    heard: bool
    state: str
    cry: float | None


class Ear(Protocol):
    """One browser that is a room's ears, for as long as its connection lasts."""

    async def push(self, pcm: bytes, seq: int, captured_at: float) -> None:
        """Take a piece of sound.

        Parameters
        ----------
        pcm : bytes
            Little-endian int16, mono, 16 kHz; 2 to 65 536 bytes, always even.
        seq : int
            Counts up by one from frame to frame; the web has refused frames that
            don't count up, a jump is a gap.
        captured_at : float
            Unix time of the first sample by the phone's clock, in seconds, finite.
        """

    def hearing(self) -> Hearing:
        """Give what is heard of this ear now. Cheap; called about four times a second."""

    def close(self) -> None:
        """Say that the connection is over; may be called twice."""


class TestResult(TypedDict):
    """What came of a channel's test message, in plain words."""

    ok: bool
    says: str


class Saying(TypedDict):
    """What is to be played in a room: a phrase or lullaby by its name, or a clip."""

    id: str
    phrase: NotRequired[str]
    clip: NotRequired[bytes]
    type: NotRequired[str]
    url: NotRequired[str]


class HubCalls(Protocol):
    """What the web calls of the hub.

    Plain methods must be quick (no disk, no network: they run on the event loop);
    the journal is called from worker threads. A `HarkenError` that a method raises
    reaches the person as its message, so it must be one plain sentence.
    """

    @property
    def journal(self) -> Journal:
        """The open journal; the web reads it and changes `journal.household`."""

    async def record(self, events: Sequence[Event]) -> list[Event]:
        """Write events, fold them, tell the pages, wake the ladder.

        Returns
        -------
        list[Event]
            Those that were new, durable. An id seen before is left out.
        """

    def state(self, viewer: Viewer | None) -> dict[str, Any]:
        """Give the snapshot that pages render, with only what `viewer` may see.

        `Viewer.sees_room` and `Viewer.sees` say what that is; the web leaves out
        once more what doesn't pass. None: everything, with ``"me"`` None.
        """

    def subscribe(
        self, viewer: Viewer | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[News]]:
        """Listen to what the hub tells the pages.

        The web holds ONE subscription, with None, for all its clients, so that the
        hub's cost doesn't grow with them. It yields:

        - ``("state", {})``: something changed; the web asks `state` once for each
          scope. Send it on every change and, for level meters and clocks, about
          once a second; the web coalesces.
        - ``("alert", {"alert", "about", "caregiver": id|None, "room", "episode",
          "title", "body", "urgent", "onset", "due", ...})``: for open pages of
          that caregiver (None: all caregivers).
        - ``("say", {"id", "room", "by", "phrase"} or {"id", "room", "by", "url",
          "type"})``: for the nursery page of that room; never bytes.
        - ``("problem", {"kind", "text", "since"})``: for all caregivers' pages.

        The iterator must not end before its context does, and its queue must be
        bounded (drop the oldest "state" first).
        """

    def hears(self, room: str) -> dict[str, Any]:
        """Give the last minute of a room: levels, probabilities, threshold, the rule's state."""

    def room_check(self, room: str) -> dict[str, Any]:
        """Give the threshold that the last minute of a room suggests."""

    def tuning(self, room: str, threshold: float) -> dict[str, Any]:
        """Say what another threshold would have missed and caught of the last nights.

        Reads the journal: called from a worker thread.
        """

    def ear(self, room: str, device: str) -> Ear:
        """Make a browser the ears of a room.

        Raises
        ------
        HarkenError
            If the room isn't heard by a browser.
        """

    async def say(self, room: str, what: Saying, by: str) -> None:
        """Play something in a room; recorded as *voice from afar*, never as arrived.

        Parameters
        ----------
        room : str
        what : Saying
            With ``id``; a ``phrase``, or a ``clip`` of at most 8 MiB with its media
            ``type`` and the ``url`` that the nursery page can fetch it from.
        by : str
            As `Event.by`.

        Raises
        ------
        HarkenError
            If nothing in the room can play it.
        """

    async def drill(self, room: str, by: str) -> str:
        """Begin a drill and give its id."""

    def drill_report(self, drill: str) -> dict[str, Any] | None:
        """Give who rang and after how long; None if there is no such drill."""

    async def test_channel(self, channel: str) -> TestResult:
        """Send a test message over a channel."""

    async def room_changed(self, room: str) -> None:
        """Hear of a room that was added, changed or removed."""

    async def household_changed(self) -> None:
        """Hear of a change to anything else of the household."""

    async def clip(self, bout: str) -> bytes | None:
        """Give the clip of a bout as FLAC; None where none is kept."""

    def has_clip(self, bout: str) -> bool:
        """Say whether a clip of a bout is kept; called from a worker thread."""

    async def forget_clips(self) -> int:
        """Delete every clip now, and say how many."""

    def push_key(self) -> str:
        """Give the public VAPID key, base64url without padding, for `applicationServerKey`."""

    def healthz(self) -> dict[str, Any]:
        """Give ``{"ok": bool, "rooms": {id: heard}}``; a watchdog asks for it."""
