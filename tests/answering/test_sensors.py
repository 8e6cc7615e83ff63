"""Sensors over MQTT: what is a reading, and a real Mosquitto from topic to journal."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.answering.channels.mqtt import MqttChannel
from harken.answering.channels.sensors import read_payload, sensors_of
from harken.errors import ChannelError
from harken.journal import Reading, Series

NOW = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
PULSE = {"topic": "sock/pulse", "what": "heart_rate", "child": "mia"}


def sensor(**more):
    return sensors_of([{**PULSE, **more}])["sock/pulse"][0]


def test_a_topic_may_hold_several_numbers():
    both = [
        {"topic": "sock", "what": "heart_rate", "key": "bpm", "source": "left sock"},
        {"topic": "sock", "what": "oxygen", "key": "spo2"},
        {"topic": "room/temp", "what": "room_temperature", "room": "nursery"},
    ]
    found = sensors_of(both)
    assert [one.series.what for one in found["sock"]] == ["heart_rate", "oxygen"]
    assert [one.series.source for one in found["sock"]] == ["left sock", "sock"]
    assert found["room/temp"][0].series == Series("room_temperature", "temp", room="nursery")
    assert sensors_of(None) == {}


@pytest.mark.parametrize(
    ("more", "payload", "value"),
    [
        ({}, b"131", 131.0),
        ({}, b' "131.5" ', 131.5),
        ({"key": "bpm"}, b'{"bpm": 131}', 131.0),
        ({"key": "sensor.pulse.value"}, b'{"sensor": {"pulse": {"value": "99"}}}', 99.0),
        ({}, b"unavailable", None),
        ({}, b"", None),
        ({}, b"0", None),
        ({}, b"9999", None),
        ({}, b"true", None),
        ({}, b"NaN", None),
        ({}, b"1e999", None),
        ({}, b'"nan"', None),
        ({}, b"\xff\xfe", None),
        ({}, b"[131]", None),
        ({}, b"1" * 5000, None),
        ({}, b"[" * 100_000, None),
        ({"key": "bpm"}, b"131", None),
        ({"key": "bpm"}, b'{"bpm": null}', None),
        ({"what": "room_temperature", "fahrenheit": True}, b"68", 20.0),
    ],
)
def test_what_is_a_reading(more, payload, value):
    found = read_payload(sensor(**more), payload, NOW)
    assert found == (None if value is None else Reading(NOW, value))


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ((NOW - timedelta(minutes=5)).isoformat(), NOW - timedelta(minutes=5)),
        ((NOW - timedelta(minutes=5)).timestamp(), NOW - timedelta(minutes=5)),
        ((NOW + timedelta(hours=1)).isoformat(), None),
        ((NOW - timedelta(days=30)).isoformat(), None),
        ("2026-06-01T02:00:00", None),
        (1e300, None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_sensor_may_say_its_own_time(told, at):
    payload = json.dumps({"bpm": 120, "time": told}).encode()
    found = read_payload(sensor(key="bpm", at_key="time"), payload, NOW)
    assert found == (None if at is None else Reading(at, 120.0))


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_payload_makes_it_fail(payload):
    found = read_payload(sensor(key="a.b", at_key="t"), payload, NOW)
    assert found is None or 1 <= found.value <= 400
    read_payload(sensor(fahrenheit=True), payload, NOW)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({}, "must be a list"),
        ([PULSE] * 101, "up to 100"),
        (["sock/pulse"], "must have a topic"),
        ([{"topic": "t"}], "must have a topic and what"),
        ([{**PULSE, "colour": 1}], "has no 'colour'"),
        ([{**PULSE, "topic": "sock/#"}], "MQTT topic"),
        ([{**PULSE, "topic": 7}], "MQTT topic"),
        ([{**PULSE, "what": "mood"}], "'mood' is not known"),
        ([{**PULSE, "what": ["x"]}], "not known"),
        ([{**PULSE, "key": 7}], "key of a sensor"),
        ([{**PULSE, "child": 7}], "child must be"),
    ],
)
def test_options_that_cannot_be(option, says):
    with pytest.raises(ChannelError, match=says):
        sensors_of(option)


def test_from_a_topic_to_the_hub(broker_port):
    """Against a real Mosquitto: what was retained is passed over, and the rest comes once."""
    came = []

    async def nothing(room, what):
        pass

    async def play():
        async with aiomqtt.Client("127.0.0.1", broker_port) as other:
            await other.publish("sock/pulse", "99", retain=True)
            made = MqttChannel(
                f"mqtt://127.0.0.1:{broker_port}",
                options={"series": [PULSE, {"topic": "sock/pulse", "what": "oxygen", "key": "o"}]},
                on_press=nothing,
                on_reading=lambda series, reading: came.append((series, reading.value)),
            )
            made.start()
            try:
                async with asyncio.timeout(10):
                    while not made.connected:
                        await asyncio.sleep(0.02)
                    for payload in ("131", "unavailable", "132"):
                        await other.publish("sock/pulse", payload, qos=1)
                    while len(came) < 2:
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(0.1)
            finally:
                await made.aclose()

    asyncio.run(play())
    assert came == [(Series("heart_rate", "pulse", child="mia"), value) for value in (131, 132)]
