"""What can happen in a household, as events that are appended and never changed.

An event is made by whoever saw it (the hub's ears, a phone, a person) and
carries its own id, so that it can be sent again and counts once. Everything
else that Harken knows of the past is folded from events.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, Self
from uuid import UUID

from harken.errors import ParameterError

ATTEMPTS = (
    "hold", "carry", "feed", "rock", "swaddle", "nappy", "pat", "voice", "song", "medicine",
    "other",
)  # fmt: skip
"""Soothing attempts: what was tried."""

NEEDS = ("hunger", "nappy", "tired", "wind", "pain", "temperature", "ill", "company")
"""Need checks: what was looked at."""

CARE = ("sleep", "feed", "nappy", "carry", "medicine", "temperature", "note")
"""Entries of the care log."""

Check = Literal["text", "number", "time", "id", "flag", "object", "list"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of event means and which data it carries.

    Parameters
    ----------
    says : str
        One sentence, shown in the documentation.
    needs, may : mapping of key to check
        Data that must and that may be there. A check is a type (``"text"``,
        ``"number"``, ``"time"`` (ISO 8601 with offset), ``"id"`` (UUID),
        ``"flag"``, ``"object"``, ``"list"``) or a tuple of allowed texts.
    people : bool
        Whether a person's phone or a script may send it; the rest is the hub's own.
    """

    says: str
    needs: Mapping[str, Check | tuple[str, ...]] = field(default_factory=dict)
    may: Mapping[str, Check | tuple[str, ...]] = field(default_factory=dict)
    people: bool = False


_BOUT: dict[str, Check | tuple[str, ...]] = {"bout": "id"}
_EPISODE: dict[str, Check | tuple[str, ...]] = {"episode": "id", "caregiver": "text"}

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # What the ears of a room hear.
        "cry_started": Kind(
            "A bout seems to have begun, provisionally; `at` is its onset in the sound.",
            {**_BOUT, "detected_at": "time"},
            {"level_dbfs": "number", "drill": "flag", "model": "text"},
        ),
        "cry_ended": Kind(
            "A bout is over; `at` is its offset in the sound.",
            {**_BOUT, "onset": "time", "mean_cry": "number"},
            {"top_cry": "number", "peak_dbfs": "number", "course": "object", "rule": "object",
             "model": "text", "drill": "flag"},
        ),
        "cry_withdrawn": Kind("A bout that was announced did not last.", _BOUT),
        "cry_lost": Kind(
            "A bout was going on when the room could no longer be heard; `at` is the last moment "
            "that was heard. Nobody knows how it ended.",
            _BOUT,
        ),
        "voice_heard": Kind(
            "An adult voice in the room; `at` is when it began. During crying it is proposed as "
            "a response.",
            {"until": "time"},
            {"mean_voice": "number"},
        ),
        "room_unheard": Kind(
            "The room cannot be heard any more; `at` is the last moment that was heard.",
            {"reason": "text"},
            {"detected_at": "time"},
        ),
        "room_heard": Kind(
            "The room is heard again, or for the first time.", {}, {"reason": "text"}
        ),
        # Who was told.
        "alert_due": Kind(
            "Somebody is to be told; written before anything is sent.",
            {"alert": "id", "about": ("cry", "unheard", "heard", "drill", "summary", "push_lost"),
             "channel": "text"},
            {"caregiver": "text", "episode": "id", "step": "number", "onset": "time",
             "detected_at": "time", "text": "text", "urgent": "flag"},
        ),
        "alert_sent": Kind(
            "The channel accepted the alert; that it was shown is another matter.",
            {"alert": "id"},
            {"attempt": "number"},
        ),
        "alert_failed": Kind(
            "The channel did not take the alert.",
            {"alert": "id", "error": "text"},
            {"attempt": "number", "final": "flag"},
        ),
        "alert_received": Kind("A device has the alert.", {"alert": "id"}, people=True),
        "alert_shown": Kind("A device shows or sounds the alert.", {"alert": "id"}, people=True),
        "alert_clicked": Kind("Somebody touched the alert.", {"alert": "id"}, people=True),
        # What people do.
        "acknowledged": Kind(
            "\"I'm going\": somebody has seen it. Not a response.", {}, _EPISODE, people=True
        ),
        "responded": Kind(
            "Somebody reached the infant.",
            {"manner": ("arrived", "voice"), "source": ("tapped", "heard", "sensor")},
            _EPISODE,
            people=True,
        ),
        "soothed": Kind(
            "Something was tried.", {"attempt": ATTEMPTS}, {**_EPISODE, "note": "text"}, people=True
        ),
        "checked": Kind(
            "A need was looked at.",
            {"need": NEEDS},
            {**_EPISODE, "found": "flag", "note": "text"},
            people=True,
        ),
        "calmed": Kind("Somebody says that the infant is calm.", {}, _EPISODE, people=True),
        "not_a_cry": Kind("What was told was no cry.", {}, _EPISODE, people=True),
        "something_wrong": Kind(
            "Somebody says that something is wrong: every plan yields at once.",
            {},
            _EPISODE,
            people=True,
        ),
        "reason_tagged": Kind(
            "What the cry turned out to be, in a caregiver's words.",
            {"reason": "text"},
            _EPISODE,
            people=True,
        ),
        "commented": Kind("A remark.", {"text": "text"}, _EPISODE, people=True),
        "confirmed": Kind("A proposed response was one.", {"target": "id"}, people=True),
        "removed": Kind("An event did not happen (undo).", {"target": "id"}, people=True),
        "corrected": Kind(
            "An event was otherwise: its time, some of its data, or both.",
            {"target": "id"},
            {"at": "time", "data": "object"},
            people=True,
        ),
        # A caregiver's own choice to wait between visits.
        "plan_started": Kind(
            "A check-in plan begins.",
            {"waits": "list"},
            {"caregiver": "text", "most_dbfs": "number", "most_s": "number",
             "read_evidence": "flag"},
            people=True,
        ),
        "plan_ended": Kind(
            "A check-in plan is over.",
            {},
            {"caregiver": "text", "reason": "text"},
            people=True,
        ),
        "plan_held": Kind(
            "A plan holds the alert back until the next visit.",
            {"until": "time"},
            {"episode": "id", "visit": "number"},
        ),
        "plan_yielded": Kind("A plan gave way.", {"reason": "text"}, {"episode": "id"}),
        # The care log.
        "care": Kind(
            "An entry of the care log; `at` is when it began.",
            {"what": CARE},
            {"until": "time", "caregiver": "text", "side": ("left", "right", "both"),
             "ml": "number", "food": "text", "wet": "flag", "solid": "flag", "name": "text",
             "dose": "text", "celsius": "number", "text": "text"},
            people=True,
        ),
        # What somebody thinks of what studies found.
        "claim_noted": Kind(
            "A caregiver's own note on a claim of the evidence, or their rating of it; shown only "
            "to who wrote it.",
            {"claim": "text"},
            {"text": "text", "rating": ("convinces", "unsure", "doubtful")},
            people=True,
        ),
        # A rehearsal, and the household itself.
        "drill_started": Kind("A drill begins.", {"drill": "id"}, {"caregiver": "text"}),
        "drill_ended": Kind("A drill is over.", {"drill": "id"}),
        "push_lost": Kind(
            "A phone can no longer be reached by push.", {"device": "text"}, {"caregiver": "text"}
        ),
        "audit": Kind(
            "Somebody signed in, joined, was refused, or changed the household.",
            {"what": "text"},
            {"who": "text", "address": "text", "detail": "text"},
        ),
    }
)  # fmt: skip
"""Every kind of event, in the order in which the documentation lists them."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "flag": (bool,),
    "object": (dict,),
    "list": (list,),
}
_LONGEST_TEXT = 4000


def new_id(at: datetime | None = None) -> UUID:
    """Make a UUIDv7: it sorts by the time at which it was made.

    Parameters
    ----------
    at : datetime, optional
        By default now.

    Returns
    -------
    UUID
        RFC 9562, section 5.7.

    Examples
    --------
    >>> new_id().version
    7
    """
    ms = int((at or datetime.now(UTC)).timestamp() * 1000)
    value = (ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    at : datetime
        When it happened, with a zone; kept in UTC.
    room : str, optional
        Id of the room; of all rooms where it is None.
    child : str, optional
        Id of the child, where it is about one.
    by : str
        Who saw it: ``"hub"``, ``"caregiver:ID"`` or ``"device:ID"``.
    zone : str
        IANA name of the zone that it was seen in, e.g. ``"Europe/Berlin"``.
    data : mapping
        What `KINDS` lists for the kind; JSON values only.
    id : UUID
        Made by whoever saw it; by default new.

    Raises
    ------
    ParameterError
        If the kind is unknown, the time has no zone, or data are missing,
        unknown or of another type.

    Examples
    --------
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> event = Event("soothed", at, room="r", data={"attempt": "hold"})
    >>> Event.from_dict(event.as_dict()) == event
    True
    """

    kind: str
    at: datetime
    room: str | None = None
    child: str | None = None
    by: str = "hub"
    zone: str = "UTC"
    data: Mapping[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ParameterError(f"event: kind {self.kind!r} is not known")
        if self.at.tzinfo is None:
            raise ParameterError("event: at must have a zone")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        _check_data(self.kind, self.data)

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            With id, kind, at, zone, room, child, by and data.
        """
        return {
            "id": str(self.id),
            "kind": self.kind,
            "at": self.at.isoformat(timespec="microseconds"),
            "zone": self.zone,
            "room": self.room,
            "child": self.child,
            "by": self.by,
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the JSON form.

        Raises
        ------
        ParameterError
            If a field is missing, unknown or malformed.
        """
        if not isinstance(values, Mapping):
            raise ParameterError("event: must be an object")
        names = {one.name for one in fields(cls)}
        unknown = values.keys() - names
        if unknown:
            raise ParameterError(f"event: unknown field {min(unknown)!r}")
        try:
            given = dict(values)
            given["id"], given["at"] = UUID(values["id"]), read_time(values["at"])
        except KeyError as error:
            raise ParameterError(f"event: {error.args[0]} is missing") from None
        except (ValueError, TypeError, AttributeError):
            raise ParameterError("event: id must be a UUID and at a time with a zone") from None
        if "kind" not in given:
            raise ParameterError("event: kind is missing")
        for name in ("kind", "by", "zone"):
            if name in given and not isinstance(given[name], str):
                raise ParameterError(f"event: {name} must be text")
        for name in ("room", "child"):
            if not isinstance(given.get(name), str | None):
                raise ParameterError(f"event: {name} must be text or null")
        if not isinstance(given.get("data", {}), dict):
            raise ParameterError("event: data must be an object")
        return cls(**given)


def read_time(text: str) -> datetime:
    """Read an ISO 8601 time with an offset, and give it in UTC.

    Raises
    ------
    ParameterError
        If it is none, or has no offset.

    Examples
    --------
    >>> read_time("2026-03-29T03:00:00+02:00").isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ParameterError(f"{text!r} is not an ISO 8601 time") from None
    if at.tzinfo is None:
        raise ParameterError(f"{text!r} has no offset; write it like 2026-01-31T23:59:00+01:00")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ParameterError(f"{text!r} is out of range") from None


def _check_data(kind: str, data: Mapping[str, Any]) -> None:
    rule = KINDS[kind]
    allowed = {**rule.may, **rule.needs}
    missing = [key for key in rule.needs if data.get(key) is None]
    if missing:
        raise ParameterError(f"event {kind}: {missing[0]} is missing")
    for key, value in data.items():
        if key not in allowed:
            raise ParameterError(f"event {kind}: unknown data {key!r}")
        if value is not None:
            _check_value(f"event {kind}: {key}", allowed[key], value)


def _check_value(what: str, check: Check | tuple[str, ...], value: Any) -> None:
    if isinstance(check, tuple):
        if value not in check:
            raise ParameterError(f"{what}={value!r} must be one of {', '.join(check)}")
        return
    if check == "time":
        read_time(value)
    elif check == "id":
        try:
            UUID(value)
        except (ValueError, TypeError, AttributeError):
            raise ParameterError(f"{what}={value!r} is not a UUID") from None
    elif not isinstance(value, _TYPES[check]) or (check == "number" and isinstance(value, bool)):
        raise ParameterError(f"{what}={value!r} must be a {check}")
    elif isinstance(value, int | float) and not abs(value) < 1e12:
        raise ParameterError(f"{what}={value!r} must be a finite number")
    elif isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise ParameterError(f"{what} is longer than {_LONGEST_TEXT} characters")
