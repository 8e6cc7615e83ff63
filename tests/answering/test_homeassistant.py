"""Discovery payloads, field by field, against Home Assistant's published rules.

There is no Home Assistant here. The rules are those of its MQTT integration as
`conventions` has them: which keys a platform takes, of which form, and what must
be there. Anything else in a payload is an error.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harken.answering.channels.homeassistant import (
    EVENT_TYPES,
    RoomCard,
    RoomState,
    Topics,
    components,
    discovery,
    events_between,
    forgetting,
    state_payload,
)

ROOT = Path(__file__).parents[2]
CARD = RoomCard("nursery", "Nursery", url="https://harken.lan:8443/")
AT = datetime(2026, 1, 31, 2, 14, 5, tzinfo=UTC)

# What a value may be.


def text(value):
    assert isinstance(value, str)
    assert value


def topic(value):
    text(value)
    assert not set("#+") & set(value)


def template(value):
    assert re.fullmatch(r"\{\{ value_json\.\w+( \| tojson)? \}\}", value)


def icon(value):
    assert re.fullmatch(r"mdi:[a-z-]+", value)


def url(value):
    assert re.match(r"https?://", value)


def positive(value):
    assert isinstance(value, int)
    assert value > 0


def texts(value):
    assert isinstance(value, list)
    assert value
    for one in value:
        text(one)


def one_of(*allowed):
    def check(value):
        assert value in allowed

    return check


def availability(value):
    assert isinstance(value, list)
    for one in value:
        assert set(one) <= {"topic", "payload_available", "payload_not_available", "value_template"}
        topic(one["topic"])


COMMON = {
    "platform": one_of("binary_sensor", "sensor", "event", "button"),
    "name": text,
    "unique_id": text,
    "icon": icon,
    "entity_category": one_of("diagnostic", "config"),
    "availability": availability,
    "availability_mode": one_of("all", "any", "latest"),
    "json_attributes_topic": topic,
    "json_attributes_template": template,
}
READ = {"state_topic": topic, "value_template": template}
PLATFORMS = {
    "binary_sensor": (
        {"state_topic"},
        {
            **READ,
            "device_class": one_of("sound", "problem", "connectivity"),
            "expire_after": positive,
            "off_delay": positive,
        },
    ),
    "sensor": (
        {"state_topic"},
        {
            **READ,
            "device_class": one_of("duration", "timestamp", "sound_pressure", "enum"),
            "state_class": one_of("measurement", "total_increasing"),
            "unit_of_measurement": text,
            "expire_after": positive,
            "options": texts,
        },
    ),
    "event": ({"state_topic", "event_types"}, {**READ, "event_types": texts}),
    "button": ({"command_topic"}, {"command_topic": topic, "payload_press": text}),
}
DEVICE = {
    "identifiers": texts, "name": text, "manufacturer": text, "model": text, "sw_version": text,
    "suggested_area": text, "configuration_url": url,
}  # fmt: skip
ORIGIN = {"name": text, "sw_version": text, "support_url": url}


def check_all(values, rules, needed):
    assert set(needed) <= set(values)
    for key, value in values.items():
        assert key in rules, f"{key} is no key of this platform"
        rules[key](value)


def check_component(config):
    needed, rules = PLATFORMS[config["platform"]]
    check_all(config, {**COMMON, **rules}, {"platform", "unique_id", *needed})
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", config["unique_id"])
    if config.get("device_class") == "enum":
        assert "options" in config
        assert "state_class" not in config
        assert "unit_of_measurement" not in config
    if config.get("device_class") == "timestamp":
        assert "unit_of_measurement" not in config


def check_device(payload):
    assert set(payload) == {"device", "origin", "components"}
    check_all(payload["device"], DEVICE, {"identifiers"})
    check_all(payload["origin"], ORIGIN, {"name"})
    for entity, config in payload["components"].items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", entity)
        check_component(config)


@pytest.fixture(params=["harken", "home/harken"])
def topics(request):
    return Topics(base=request.param, prefix="homeassistant")


def test_the_device_form_is_one_retained_payload(topics):
    made = {key: value for key, value in discovery(topics, CARD).items() if value}
    ((where, payload),) = made.items()
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", where)
    check_device(json.loads(payload))


def test_the_single_form_is_one_payload_for_each_entity(topics):
    made = discovery(topics, CARD, form="single")
    full = {key: value for key, value in made.items() if value}
    assert len(full) == len(components(topics, "nursery"))
    for where, payload in full.items():
        found = re.fullmatch(r"homeassistant/(\w+)/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)/config", where)
        config = json.loads(payload)
        check_all(config.pop("device"), DEVICE, {"identifiers"})
        check_all(config.pop("origin"), ORIGIN, {"name"})
        check_component({"platform": found[1], **config})


def test_each_form_deletes_the_other_first(topics):
    for form in ("device", "single"):
        payloads = list(discovery(topics, CARD, form=form).values())
        empty = payloads.count("")
        assert empty
        assert not any(payloads[:empty])


def test_both_forms_hold_the_same_entities(topics):
    whole = json.loads(discovery(topics, CARD)[topics.device("nursery")])["components"]
    single = discovery(topics, CARD, form="single")
    ids = {json.loads(one)["unique_id"] for one in single.values() if one}
    assert ids == {one["unique_id"] for one in whole.values()}
    assert len(ids) == len(whole)


def test_the_entities():
    parts = components(Topics(), "nursery")
    assert {key: one["platform"] for key, one in parts.items()} == {
        "crying": "binary_sensor",
        "listening": "binary_sensor",
        "since": "sensor",
        "level": "sensor",
        "last_outcome": "sensor",
        "share_answered": "sensor",
        "happened": "event",
        "going": "button",
        "here": "button",
    }
    assert parts["crying"]["device_class"] == "sound"
    assert parts["listening"]["device_class"] == "problem"
    assert parts["since"]["device_class"] == "timestamp"
    assert parts["happened"]["event_types"] == list(EVENT_TYPES)


def test_a_dead_microphone_is_unavailable_and_still_a_problem():
    parts = components(Topics(), "nursery")
    for key in ("crying", "since", "level"):
        assert parts[key]["availability"] == [
            {"topic": "harken/status"}, {"topic": "harken/nursery/listening"},
        ]  # fmt: skip
        assert parts[key]["availability_mode"] == "all"
    for key in ("listening", "going", "here", "last_outcome"):
        assert parts[key]["availability"] == [{"topic": "harken/status"}]


def test_states_of_a_room_come_over_one_topic():
    parts = components(Topics(), "nursery")
    over = {one["state_topic"] for key, one in parts.items() if key != "happened"
            and "state_topic" in one}  # fmt: skip
    assert over == {"harken/nursery/state"}
    assert parts["happened"]["state_topic"] == "harken/nursery/event"


def test_every_template_finds_its_key():
    state = json.loads(state_payload(RoomState(heard=True, crying=True)))
    for config in components(Topics(), "nursery").values():
        if config["platform"] in ("sensor", "binary_sensor"):
            key = re.search(r"value_json\.(\w+)", config["value_template"])[1]
            assert key in state
    assert "attributes" in state


CRYING = RoomState(
    heard=True, crying=True, since=AT, level_dbfs=-23.456, last_outcome="soothed",
    share_answered=0.987654, episode="e1", onset=AT, acknowledged_by="Ada",
)  # fmt: skip

GOLDEN = (
    '{"crying":"ON","problem":"OFF","since":"2026-01-31T02:14:05+00:00","level_dbfs":-23.5,'
    '"last_outcome":"soothed","share_answered":98.8,"attributes":{"episode_id":"e1",'
    '"onset":"2026-01-31T02:14:05+00:00","latency_s":null,"acknowledged_by":"Ada",'
    '"somebody_is_there":false}}'
)


def test_the_state_is_pinned():
    assert state_payload(CRYING) == GOLDEN


def test_what_is_not_heard_is_not_known_to_be_calm():
    state = json.loads(state_payload(RoomState(heard=False, crying=False)))
    assert state["crying"] is None
    assert state["problem"] == "ON"


def test_the_documentation_lists_the_keys_and_topics():
    page = (ROOT / "docs/reference/mqtt.md").read_text("utf-8")
    cells = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    state = json.loads(GOLDEN)
    attributes = state.pop("attributes")
    for key in (*state, *attributes, *EVENT_TYPES, *components(Topics(), "nursery")):
        assert key in cells, key
    topics = Topics()
    for where in (
        topics.status, topics.alerts, topics.state("ROOM"), topics.listening("ROOM"),
        topics.event("ROOM"), topics.alert("ROOM"), topics.command("ROOM"), topics.device("ROOM"),
    ):  # fmt: skip
        assert where in cells, where


def test_what_happens_between_two_states():
    calm = RoomState(heard=True, crying=False)
    first = RoomState(heard=True, crying=True, episode="e1", onset=AT)
    going = RoomState(heard=True, crying=True, episode="e1", onset=AT, acknowledged_by="Ada")
    over = RoomState(heard=True, crying=False, last_outcome="soothed", latency_s=41.0)
    other = RoomState(heard=True, crying=True, episode="e2", onset=AT, last_outcome="soothed")

    def kinds(a, b):
        return [one["event_type"] for one in events_between(a, b)]

    assert kinds(calm, calm) == []
    assert kinds(calm, first) == ["episode_started"]
    assert kinds(first, going) == ["acknowledged"]
    assert kinds(going, going) == []
    assert kinds(going, over) == ["episode_ended"]
    assert kinds(going, other) == ["episode_ended", "episode_started"]
    assert events_between(going, over)[0]["outcome"] == "soothed"
    assert {kind for pair in ((calm, first), (first, going), (going, over)) for kind in
            kinds(*pair)} <= set(EVENT_TYPES)  # fmt: skip


def test_a_room_of_the_hubs_snapshot_is_read():
    room = {
        "heard": True, "state": "pausing", "since": AT.isoformat(), "level_dbfs": -40.0,
        "episode": {"id": "e1", "onset": AT.isoformat(), "going": [{"name": "Ada"}], "there": []},
        "last": {"outcome": "settled_alone", "latency_s": None},
    }  # fmt: skip
    found = RoomState.from_snapshot(room, share_answered=0.5)
    assert found == RoomState(
        heard=True, crying=True, since=AT, level_dbfs=-40.0, last_outcome="settled_alone",
        share_answered=0.5, episode="e1", onset=AT, acknowledged_by="Ada",
    )  # fmt: skip
    deaf = RoomState.from_snapshot({**room, "heard": False, "state": "unheard"})
    assert deaf.crying is None


def test_a_removed_room_leaves_nothing_behind(topics):
    made = set(discovery(topics, CARD)) | set(discovery(topics, CARD, form="single"))
    kept = {topics.state("nursery"), topics.listening("nursery")}
    assert set(forgetting(topics, "nursery")) == made | kept
