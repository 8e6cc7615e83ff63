"""What goes in and out of the API, checked and documented by pydantic.

Nothing that isn't named here is taken, and every text has its length.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from harken.web.contract import Role

_YEARS = (1970, 2200)


def _utc(at: datetime) -> datetime:
    if not _YEARS[0] < at.year < _YEARS[1]:
        raise ValueError("the year is out of range")
    return at.astimezone(UTC)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone like Europe/Berlin") from None
    return name


_PRINTED = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=_PRINTED, strip_whitespace=True)
]
"""A name of a person, room or thing; any letters, one line."""

IdText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
UuidText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
    ),
]
Secret = Annotated[str, StringConstraints(max_length=200)]
Url = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00-\x20\x7f]*$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Colour = Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_zone)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]

RoomPath = Annotated[IdText, Path(description="Id of a room.")]
EntryPath = Annotated[IdText, Path(description="Id of an entry.")]
UuidPath = Annotated[UuidText, Path(description="A UUID.")]
From = Annotated[Moment | None, Query(alias="from", description="From this time on (ISO 8601).")]
To = Annotated[Moment | None, Query(description="Before this time (ISO 8601).")]
RoomQuery = Annotated[IdText | None, Query(description="Only of this room.")]
Limit = Annotated[int, Query(ge=1, le=5000, description="The newest so many.")]


class Strict(BaseModel):
    """Takes what is named, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why the answer is no."""

    error: str = Field(description="One plain sentence.")


class Done(BaseModel):
    """It is done."""

    ok: Literal[True] = True


# Events.


class EventBatch(Strict):
    """Taps and entries, each with the id that its device gave it."""

    sent_at: Moment | None = Field(
        None,
        description="The device's clock when it sends this: by how much it is wrong is taken "
        "off every time in the events.",
    )
    events: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=200,
        description="Objects with id (UUID), kind, at (ISO 8601 with offset), room, child, data.",
    )


class RefusedEvent(BaseModel):
    """An event that was not taken."""

    id: str | None = Field(description="As it was given, where it was text.")
    why: str


class Taken(BaseModel):
    """What became of a batch; only what is refused is to be kept back or dropped."""

    accepted: list[str] = Field(description="Ids that are now on the disk.")
    known: list[str] = Field(description="Ids that were there before.")
    refused: list[RefusedEvent]


class Touch(Strict):
    """A device's own account of when something happened to an alert."""

    id: UuidText | None = Field(None, description="Id for the event; a repeat counts once.")
    at: Moment | None = None
    sent_at: Moment | None = None


# The household.


class HouseholdSettings(Strict):
    """Settings of the whole household."""

    day_starts: Clock | None = Field(None, description="When a day begins, e.g. 07:00.")
    night_from: Clock | None = None
    night_until: Clock | None = None
    keep_audio_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(
        None, description="How long a clip an episode is kept; 0: none is ever stored."
    )
    four_questions: bool | None = Field(
        None,
        description="Whether Now shows what to check while somebody is there, and after a cry one "
        "of the four questions to ask oneself, in turn.",
    )
    compare_caregivers: bool | None = Field(
        None, description="Whether Insight may show who answered how, caregiver by caregiver."
    )
    pause_after_going: Annotated[float, Field(ge=10, le=1800)] | None = Field(
        None, description="How long “I'm going” holds the ladder, in seconds."
    )
    episode: dict[str, float | None] | None = Field(
        None, description="Thresholds of episodes; see the reference."
    )


class HouseholdIn(Strict):
    """A change to the household."""

    name: Name | None = None
    zone: Zone | None = Field(None, description="IANA name, e.g. Europe/Berlin.")
    settings: HouseholdSettings | None = None


class HouseholdOut(BaseModel):
    """The household."""

    name: str
    zone: str
    settings: dict[str, Any]


class ChildIn(Strict):
    """A new child."""

    name: Name
    born: date | None = None
    due: date | None = Field(None, description="Expected day of birth, for one born early.")
    room: IdText | None = None


class ChildPatch(Strict):
    """A change to a child."""

    name: Name | None = None
    born: date | None = None
    due: date | None = None
    room: IdText | None = None


class ChildOut(BaseModel):
    """A child."""

    id: str
    name: str
    born: date | None
    due: date | None
    room: str | None


PersonRole = Literal["owner", "caregiver", "viewer"]


class CaregiverIn(Strict):
    """A new caregiver."""

    name: Name
    role: PersonRole = "caregiver"
    children: list[IdText] = Field([], max_length=100, description="What a viewer may see.")
    colour: Colour = ""


class CaregiverPatch(Strict):
    """A change to a caregiver."""

    name: Name | None = None
    role: PersonRole | None = None
    children: list[IdText] | None = Field(None, max_length=100)
    colour: Colour | None = None


class CaregiverOut(BaseModel):
    """A caregiver."""

    id: str
    name: str
    role: PersonRole
    children: list[str]
    colour: str


Ear = Literal["browser", "microphone", "camera", "file", "off"]
RingAfter = Annotated[float, Field(ge=0, le=3600)]
Dbfs = Annotated[float, Field(ge=-200, le=0)]
Threshold = Annotated[float, Field(gt=0, le=1)]


class RoomIn(Strict):
    """A new room."""

    name: Name
    ear: Ear = "browser"
    source: Url = Field("", description="mic:…, or rtsp(s):// and http(s):// of a camera.")
    ring_after: RingAfter = Field(3.0, description="Seconds of crying before phones ring.")
    ring_at_once_dbfs: Dbfs = -15.0
    threshold: Threshold | None = None
    listening: bool = True


class RoomPatch(Strict):
    """A change to a room."""

    name: Name | None = None
    ear: Ear | None = None
    source: Url | None = None
    ring_after: RingAfter | None = None
    ring_at_once_dbfs: Dbfs | None = None
    threshold: Threshold | None = None
    listening: bool | None = None


class RoomOut(BaseModel):
    """A room; only id and name for those who don't look after it."""

    id: str
    name: str
    ear: Ear
    source: str = Field(description="With what is secret left out.")
    ring_after: float | None
    ring_at_once_dbfs: float | None
    threshold: float | None
    listening: bool


ChannelKind = Literal["page", "speaker", "apprise", "push", "mqtt", "webhook"]


JsonKey = Annotated[str, StringConstraints(max_length=200)]


class SensorIn(Strict):
    """What a sensor says over MQTT: its topic, and whose numbers they are."""

    topic: str = Field(max_length=200, description="Without wildcards.")
    what: Literal["heart_rate", "oxygen", "room_temperature", "movement"]
    source: Name | None = Field(None, description="Its name; null: the topic's last part.")
    room: IdText | None = Field(None, description="Where; null: not said.")
    child: IdText | None = Field(None, description="Of whom; null: not said.")
    key: JsonKey | None = Field(
        None, description="Where the number stands in a JSON payload; null: it is the payload."
    )
    at_key: JsonKey | None = Field(None, description="Where its time stands; null: it is now.")
    fahrenheit: bool = Field(False, description="Whether a room temperature is in °F.")


Sensors = Annotated[
    list[SensorIn] | None,
    Field(
        max_length=100,
        description="Of MQTT: what sensors are listened to. They take the place of the option "
        "`series`, and leave the other options as they are.",
    ),
]


class ChannelIn(Strict):
    """A new way of telling people."""

    kind: ChannelKind
    name: Name
    caregiver: IdText | None = Field(None, description="Whom it reaches; null: everybody.")
    url: Url = ""
    enabled: bool = True
    options: dict[str, Any] = Field({}, max_length=50)
    sensors: Sensors = None


class ChannelPatch(Strict):
    """A change to a channel; a URL that isn't given stays as it was."""

    name: Name | None = None
    caregiver: IdText | None = None
    url: Url | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = Field(None, max_length=50)
    sensors: Sensors = None


class ChannelOut(BaseModel):
    """A channel; its URL and options are secrets and stay in the hub, but for sensors."""

    id: str
    kind: ChannelKind
    name: str
    caregiver: str | None
    url: str = Field(description="Scheme only; the rest is secret.")
    enabled: bool
    options: list[str] = Field(description="Names of the options that are set.")
    sensors: list[SensorIn] | None = Field(
        description="Of MQTT: what sensors are listened to; null: of another kind, or the option "
        "`series` can't be read."
    )


class Tested(BaseModel):
    """What came of a test message."""

    ok: bool
    says: str


Wait = Annotated[float, Field(ge=0, le=3600)]


class PlanIn(Strict):
    """A new check-in plan."""

    name: Name
    room: IdText
    caregiver: IdText | None = None
    waits: list[Wait] = Field(min_length=1, max_length=50, description="Seconds, visit by visit.")
    longer_each_night: Wait = 0.0
    most_dbfs: Dbfs | None = None
    most_s: Annotated[float, Field(ge=0, le=86_400)] | None = None


class PlanPatch(Strict):
    """A change to a check-in plan."""

    name: Name | None = None
    waits: list[Wait] | None = Field(None, min_length=1, max_length=50)
    longer_each_night: Wait | None = None
    most_dbfs: Dbfs | None = None
    most_s: Annotated[float, Field(ge=0, le=86_400)] | None = None


class PlanOut(BaseModel):
    """A check-in plan."""

    id: str
    name: str
    room: str
    caregiver: str | None
    waits: list[float]
    longer_each_night: float
    most_dbfs: float | None
    most_s: float | None
    active_since: datetime | None


class Turn(Strict):
    """Somebody's place in a room's duty."""

    order: int = Field(ge=1, le=1000)
    caregiver: IdText
    after_s: float = Field(0.0, ge=0, le=86_400)
    days: list[Annotated[int, Field(ge=0, le=6)]] | None = Field(None, max_length=7)
    quiet_from: Clock | None = None
    quiet_until: Clock | None = None
    rotates: bool = False


class Duty(Strict):
    """Who is told first, second, third."""

    turns: list[Turn] = Field(max_length=100)


# Joining.


class Welcome(Strict):
    """The first run: a household and its owner."""

    setup_code: Secret | None = Field(None, description="Printed by the hub; not needed on it.")
    household: Name
    name: Name = Field(description="Of whoever owns it.")
    child: Name
    zone: Zone


class CodeIn(Strict):
    """Whom a join code is for."""

    role: Role
    caregiver: IdText | None = Field(None, description="Somebody who is there already.")
    name: Name | None = Field(None, description="Of somebody new; else they say it themselves.")
    room: IdText | None = Field(None, description="Of a nursery device.")
    children: list[IdText] = Field([], max_length=100, description="What a viewer may see.")


class CodeOut(BaseModel):
    """A join code; it is shown once."""

    code: str
    url: str
    qr: str = Field(description="A data: address of an SVG picture.")
    expires: datetime


class Join(Strict):
    """A code, and who or what joins."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    name: Name


class Joined(BaseModel):
    """Signed in; the cookie came with this answer."""

    role: Role
    next: str = Field(description="Path of the page to open.")


class DeviceOut(BaseModel):
    """A device that is signed in."""

    id: str
    name: str
    kind: Literal["phone", "nursery", "script"]
    caregiver: str | None
    room: str | None
    created: datetime
    last_seen: datetime | None
    address: str
    this: bool = Field(description="Whether it is the one that asks.")


class TokenIn(Strict):
    """A token for a script."""

    name: Name


class TokenOut(BaseModel):
    """A token; it is shown once."""

    id: str
    token: str


# Push, alerts, the room.


class PushKeys(Strict):
    """Keys of a push subscription."""

    p256dh: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{80,100}=?$")]
    auth: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,40}={0,2}$")]


class PushIn(Strict):
    """A browser's push subscription, as `PushSubscription.toJSON` gives it."""

    endpoint: Annotated[
        str, StringConstraints(max_length=1000, pattern=r"^https://[^\x00-\x20\x7f@/\\]+/\S*$")
    ]
    keys: PushKeys
    expirationTime: float | None = None  # noqa: N815  (the browser's name)


class PushKey(BaseModel):
    """What `applicationServerKey` wants."""

    key: str


class Removed(BaseModel):
    """How many were removed."""

    removed: int


class DrillOut(BaseModel):
    """A drill that began."""

    drill: str


class Phrase(Strict):
    """A phrase or lullaby of the nursery page, by its name."""

    phrase: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Health(BaseModel):
    """Whether the hub works; by room for those who are signed in, else counted."""

    ok: bool
    rooms: dict[str, Any]


def newest(rows: Sequence[Any]) -> list[Any]:
    """Give rows that were read newest first in the order in which they happened.

    Examples
    --------
    >>> newest([3, 2, 1])
    [1, 2, 3]
    """
    return list(reversed(rows))
