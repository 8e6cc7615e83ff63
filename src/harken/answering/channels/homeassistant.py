"""What Home Assistant is told over MQTT: discovery, states, availability. Pure.

Key names are written out in full: every version that knows device discovery
takes them, while short ones came and went.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Any

import harken
from harken.episodes.episode import Outcome
from harken.errors import ChannelError

EVENT_TYPES = ("episode_started", "escalated", "acknowledged", "episode_ended")
EXPIRE_AFTER_S = 180
"""A state that was not repeated for this long reads *unavailable*."""

ONLINE, OFFLINE = "online", "offline"
GOING, HERE = "going", "here"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOPIC = re.compile(r"[^#+\x00/]+(/[^#+\x00/]+)*")


@dataclass(frozen=True, slots=True)
class RoomCard:
    """What Home Assistant is told of a room once.

    Parameters
    ----------
    id : str
        Letters, digits, ``-`` and ``_``.
    name : str
        Shown as the device.
    url : str, optional
        Address of the hub's page, ``http://`` or ``https://``.
    """

    id: str
    name: str
    _: KW_ONLY
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomState:
    """What Home Assistant is told of a room whenever it changes.

    Parameters
    ----------
    heard : bool
        Whether the room can be heard; while not, nothing is said of crying.
    crying : bool or None
        None: not known.
    since : datetime or None
        Onset of the cry that goes on, else since when it has been calm.
    level_dbfs : float or None
    last_outcome : str or None
        Of the last episode that is over: one of the four outcomes.
    share_answered : float or None, 0 to 1
        Of the episodes of the last seven days, say; the hub's choice.
    episode : str or None
        Id of the open episode.
    onset : datetime or None
        Of the open episode.
    latency_s : float or None
        Of the open episode, else of the last.
    acknowledged_by : str or None
        Name of who said "I'm going".
    there : bool
        Whether somebody is there.
    """

    heard: bool
    crying: bool | None = None
    since: datetime | None = None
    level_dbfs: float | None = None
    last_outcome: str | None = None
    share_answered: float | None = None
    episode: str | None = None
    onset: datetime | None = None
    latency_s: float | None = None
    acknowledged_by: str | None = None
    there: bool = False

    @classmethod
    def from_snapshot(
        cls, room: Mapping[str, Any], *, share_answered: float | None = None
    ) -> "RoomState":
        """Read a room of the hub's snapshot (``GET /api/state``).

        Parameters
        ----------
        room : mapping
        share_answered : float, optional

        Returns
        -------
        RoomState

        Examples
        --------
        >>> calm = {"heard": True, "state": "calm", "since": None, "level_dbfs": -60.0,
        ...         "episode": None, "last": None}
        >>> RoomState.from_snapshot(calm).crying
        False
        """
        episode, last = room.get("episode") or {}, room.get("last") or {}
        going, there = episode.get("going") or [], episode.get("there") or []
        heard = bool(room.get("heard"))
        return cls(
            heard=heard,
            crying=room.get("state") in ("crying", "pausing") if heard else None,
            since=_time(room.get("since")),
            level_dbfs=room.get("level_dbfs"),
            last_outcome=last.get("outcome"),
            share_answered=share_answered,
            episode=episode.get("id"),
            onset=_time(episode.get("onset")),
            latency_s=None if episode else last.get("latency_s"),
            acknowledged_by=going[-1].get("name") if going else None,
            there=bool(there),
        )

    def quiet(self) -> "RoomState":
        """Give the state without its level, which changes all the time."""
        return replace(self, level_dbfs=None)


@dataclass(frozen=True, slots=True)
class Topics:
    """Where everything goes.

    Parameters
    ----------
    base : str
        First part of every topic of ours.
    prefix : str
        Home Assistant's discovery prefix.

    Raises
    ------
    ChannelError
        If one of them is no topic.

    Examples
    --------
    >>> Topics().state("nursery")
    'harken/nursery/state'
    """

    base: str = "harken"
    prefix: str = "homeassistant"

    def __post_init__(self) -> None:
        for topic in (self.base, self.prefix):
            check_topic(topic)

    @property
    def status(self) -> str:
        """Whether the hub is there: its last will."""
        return f"{self.base}/status"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    @property
    def alerts(self) -> str:
        """Alerts that are about no room."""
        return f"{self.base}/alert"

    def state(self, room: str) -> str:
        """All states of a room, as one JSON object; retained."""
        return f"{self.base}/{room}/state"

    def listening(self, room: str) -> str:
        """Whether the room is heard: ``online`` or ``offline``; retained."""
        return f"{self.base}/{room}/listening"

    def event(self, room: str) -> str:
        """News of episodes, as they happen; not retained."""
        return f"{self.base}/{room}/event"

    def alert(self, room: str) -> str:
        """Alerts about a room, in full; not retained."""
        return f"{self.base}/{room}/alert"

    def command(self, room: str) -> str:
        """Presses of the room's buttons."""
        return f"{self.base}/{room}/command"

    def device(self, room: str) -> str:
        """Discovery of a room in the device form."""
        return f"{self.prefix}/device/{self.node(room)}/config"

    def single(self, room: str, platform: str, entity: str) -> str:
        """Discovery of one entity in the older form."""
        return f"{self.prefix}/{platform}/{self.node(room)}/{entity}/config"

    def node(self, room: str) -> str:
        """Id of a room's device."""
        return f"{re.sub(r'[^A-Za-z0-9_-]', '_', self.base)}_{room}"


def check_topic(topic: object) -> str:
    """Check a topic to publish to.

    Parameters
    ----------
    topic : object

    Returns
    -------
    str
        The same.

    Raises
    ------
    ChannelError
        If it is none.
    """
    if isinstance(topic, str) and len(topic) <= 200 and _TOPIC.fullmatch(topic):
        return topic
    raise ChannelError("An MQTT topic may not be empty, hold # or +, or begin or end with a slash.")


def components(topics: Topics, room: str) -> dict[str, dict[str, Any]]:
    """Describe the entities of a room.

    Parameters
    ----------
    topics : Topics
    room : str

    Returns
    -------
    dict
        Entity to configuration; what `device_payload` holds under ``components``.
    """
    if not _ID.fullmatch(room):
        raise ChannelError("A room's id may have letters, digits, - and _ only.")
    hub = [{"topic": topics.status}]
    # Both must be there: a dead microphone is *unavailable*, and never *not crying*.
    ears = {"availability": [*hub, {"topic": topics.listening(room)}], "availability_mode": "all"}
    alive = {"availability": hub, "availability_mode": "all"}
    state = {"state_topic": topics.state(room)}

    def value(key: str) -> dict[str, str]:
        return {"value_template": f"{{{{ value_json.{key} }}}}"}

    def button(name: str, press: str, icon: str) -> dict[str, Any]:
        return {
            "platform": "button", "name": name, "command_topic": topics.command(room),
            "payload_press": press, "icon": icon, **alive,
        }  # fmt: skip

    found: dict[str, dict[str, Any]] = {
        "crying": {
            "platform": "binary_sensor", "name": "Crying", "device_class": "sound", **state,
            **value("crying"), "json_attributes_topic": topics.state(room),
            "json_attributes_template": "{{ value_json.attributes | tojson }}",
            "expire_after": EXPIRE_AFTER_S, **ears,
        },
        "listening": {
            "platform": "binary_sensor", "name": "Listening", "device_class": "problem",
            "entity_category": "diagnostic", **state, **value("problem"),
            "expire_after": EXPIRE_AFTER_S, **alive,
        },
        "since": {
            "platform": "sensor", "name": "Since", "device_class": "timestamp", **state,
            **value("since"), **ears,
        },
        "level": {
            "platform": "sensor", "name": "Level", "unit_of_measurement": "dBFS",
            "state_class": "measurement", "icon": "mdi:volume-high", **state,
            **value("level_dbfs"), "expire_after": EXPIRE_AFTER_S, **ears,
        },
        "last_outcome": {
            "platform": "sensor", "name": "Last outcome", "device_class": "enum",
            "options": [one.value for one in Outcome if one is not Outcome.STILL_CRYING],
            **state, **value("last_outcome"), **alive,
        },
        "share_answered": {
            "platform": "sensor", "name": "Share answered", "unit_of_measurement": "%",
            "state_class": "measurement", "icon": "mdi:hand-heart", **state,
            **value("share_answered"), **alive,
        },
        "happened": {
            "platform": "event", "name": "Episode", "state_topic": topics.event(room),
            "event_types": list(EVENT_TYPES), **alive,
        },
        "going": button("I'm going", GOING, "mdi:run"),
        "here": button("I'm here", HERE, "mdi:hand-heart"),
    }  # fmt: skip
    for key, config in found.items():
        config["unique_id"] = f"{topics.node(room)}_{key}"
    return found


def device_of(topics: Topics, card: RoomCard) -> dict[str, Any]:
    """Describe a room as a device.

    Returns
    -------
    dict
    """
    device: dict[str, Any] = {
        "identifiers": [topics.node(card.id)],
        "name": card.name,
        "manufacturer": "Harken",
        "model": "Room",
        "sw_version": harken.__version__,
        "suggested_area": card.name,
    }
    if card.url is not None and card.url.startswith(("http://", "https://")):
        device["configuration_url"] = card.url
    return device


ORIGIN: Mapping[str, str] = {"name": "Harken", "sw_version": harken.__version__}


def discovery(topics: Topics, card: RoomCard, *, form: str = "device") -> dict[str, str]:
    """Give what is to be published, retained, for Home Assistant to find a room.

    Parameters
    ----------
    topics : Topics
    card : RoomCard
    form : {'device', 'single'}
        One payload for the room (Home Assistant from 2024.11 on), or one for
        each entity. The other form is deleted, so that nothing is there twice.

    Returns
    -------
    dict
        Topic to payload; an empty payload deletes.

    Examples
    --------
    >>> made = discovery(Topics(), RoomCard("nursery", "Nursery"))
    >>> json.loads(made["homeassistant/device/harken_nursery/config"])["device"]["name"]
    'Nursery'
    """
    if form not in ("device", "single"):
        raise ChannelError("The form of the discovery must be 'device' or 'single'.")
    parts = components(topics, card.id)
    device, origin = device_of(topics, card), dict(ORIGIN)
    whole = {"device": device, "origin": origin, "components": parts}
    # What is deleted goes first: an entity may not be there in both forms at once.
    made = {topics.device(card.id): ""} if form == "single" else {}
    for entity, config in parts.items():
        topic = topics.single(card.id, config["platform"], entity)
        alone = {key: value for key, value in config.items() if key != "platform"}
        alone |= {"device": device, "origin": origin}
        made[topic] = _json(alone) if form == "single" else ""
    if form == "device":
        made[topics.device(card.id)] = _json(whole)
    return made


def forgetting(topics: Topics, room: str) -> Iterator[str]:
    """Give the topics whose retained payloads are to be deleted when a room is removed.

    Yields
    ------
    str
    """
    yield topics.device(room)
    for entity, config in components(topics, room).items():
        yield topics.single(room, config["platform"], entity)
    yield topics.state(room)
    yield topics.listening(room)


def state_payload(state: RoomState) -> str:
    """Give the payload of a room's state topic.

    Parameters
    ----------
    state : RoomState

    Returns
    -------
    str
        JSON; null is *unknown*. `docs/reference/mqtt.md` lists its keys.
    """
    crying = state.crying if state.heard else None
    return _json({
        "crying": None if crying is None else "ON" if crying else "OFF",
        "problem": "OFF" if state.heard else "ON",
        "since": _iso(state.since),
        "level_dbfs": None if state.level_dbfs is None else round(state.level_dbfs, 1),
        "last_outcome": state.last_outcome,
        "share_answered": (
            None if state.share_answered is None else round(100 * state.share_answered, 1)
        ),
        "attributes": {
            "episode_id": state.episode,
            "onset": _iso(state.onset),
            "latency_s": state.latency_s,
            "acknowledged_by": state.acknowledged_by,
            "somebody_is_there": state.there,
        },
    })  # fmt: skip


def events_between(old: RoomState, new: RoomState) -> Sequence[dict[str, Any]]:
    """Say what happened between two states of a room.

    Parameters
    ----------
    old, new : RoomState

    Returns
    -------
    list of dict
        Payloads of the event topic, in order.

    Examples
    --------
    >>> before, after = RoomState(heard=True), RoomState(heard=True, episode="e", crying=True)
    >>> [one["event_type"] for one in events_between(before, after)]
    ['episode_started']
    """
    found: list[dict[str, Any]] = []
    if old.episode is not None and new.episode != old.episode:
        ended = {"episode_id": old.episode, "onset": _iso(old.onset), "outcome": new.last_outcome,
                 "latency_s": new.latency_s}  # fmt: skip
        found.append({"event_type": "episode_ended", **ended})
    if new.episode is not None and new.episode != old.episode:
        found.append({
            "event_type": "episode_started", "episode_id": new.episode, "onset": _iso(new.onset),
            "level_dbfs": new.level_dbfs,
        })  # fmt: skip
    before = old.acknowledged_by if old.episode == new.episode else None
    if new.episode is not None and new.acknowledged_by not in (None, before):
        found.append({
            "event_type": "acknowledged", "episode_id": new.episode, "onset": _iso(new.onset),
            "acknowledged_by": new.acknowledged_by,
        })  # fmt: skip
    return found


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
