"""MQTT against a real Mosquitto: what is retained, what is said when, and what when all dies."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import aiomqtt
import pytest

from harken.answering.channels import mqtt
from harken.answering.channels.homeassistant import RoomCard, RoomState
from harken.answering.channels.mqtt import MqttChannel
from harken.answering.message import Message
from harken.errors import ChannelError

from .making import START

CARD = RoomCard("nursery", "Nursery")
CALM = RoomState(heard=True, crying=False, since=START, level_dbfs=-60.0)
CRYING = RoomState(heard=True, crying=True, since=START, level_dbfs=-20.0, episode="e1",
                   onset=START)  # fmt: skip
CRY = Message(alert="a1", about="cry", title="Mia is crying", body="Nursery.", room="nursery",
              episode="e1", urgent=True, onset=START, step=1)  # fmt: skip


class Broker:
    def __init__(self, program, folder, port, more=""):
        self.port = port
        config = folder / f"mosquitto-{port}.conf"
        config.write_text(
            f"user root\nlistener {port} 127.0.0.1\n{more or 'allow_anonymous true'}\n"
        )
        self.command = [str(program), "-c", str(config)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the broker does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"


@pytest.fixture
def brokers(require, free_port, tmp_path):
    program, running = require("mosquitto"), []

    def make(more=""):
        running.append(Broker(program, tmp_path, free_port(), more))
        return running[-1]

    yield make
    for one in running:
        one.stop()


@pytest.fixture
def broker(brokers):
    return brokers()


class Watcher:
    """Sees everything, with whether it was retained."""

    def __init__(self, client):
        self.client = client
        self.seen = []

    async def run(self):
        async for message in self.client.messages:
            self.seen.append((str(message.topic), message.payload.decode(), message.retain))

    async def until(self, check, seconds=5.0):
        async with asyncio.timeout(seconds):
            while True:
                for one in self.seen:
                    if check(*one):
                        return one
                await asyncio.sleep(0.01)

    async def sees(self, topic, payload=None, **more):
        return await self.until(
            lambda where, what, _: where == topic and payload in (None, what), **more
        )

    def on(self, topic):
        return [payload for where, payload, _ in self.seen if where == topic]


@asynccontextmanager
async def watching(broker):
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("#", qos=1)
        watcher = Watcher(client)
        task = asyncio.create_task(watcher.run())
        try:
            yield watcher
        finally:
            task.cancel()


@asynccontextmanager
async def channel(broker, *, rooms=(CARD,), on_press=None, **options):
    async def nothing(room, what):
        pass

    made = MqttChannel(broker.url, options=options, on_press=on_press or nothing)
    made.announce(rooms)
    made.start()
    try:
        yield made
    finally:
        await made.aclose()


async def retained(broker):
    """What somebody who comes later finds."""
    async with watching(broker) as late:
        await asyncio.sleep(0.3)
        assert all(kept for _, _, kept in late.seen)
        return {topic: payload for topic, payload, _ in late.seen}


def test_a_room_is_announced_and_its_state_kept(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CALM)
            await watcher.sees("harken/status", "online")
            await watcher.sees("harken/nursery/state")
            kept = await retained(broker)
        assert set(kept) == {
            "homeassistant/device/harken_nursery/config",
            "harken/status",
            "harken/nursery/state",
            "harken/nursery/listening",
        }
        assert json.loads(kept["harken/nursery/state"])["crying"] == "OFF"
        assert kept["harken/nursery/listening"] == "online"

    asyncio.run(live())


def test_the_hub_is_online_only_after_everything_else_is_told(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CALM)
            await watcher.sees("harken/status", "online")
            topics = [topic for topic, payload, _ in watcher.seen if payload]
            assert topics[-1] == "harken/status" or "harken/nursery/state" in topics
            assert topics.index("homeassistant/device/harken_nursery/config") < topics.index(
                "harken/status"
            )

    asyncio.run(live())


def test_until_its_first_sound_a_room_is_unavailable(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker):
            await watcher.sees("harken/nursery/listening", "offline")
            await watcher.sees("harken/status", "online")
            assert watcher.on("harken/nursery/state") == []

    asyncio.run(live())


def test_a_dead_microphone_is_unavailable_and_never_not_crying(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CRYING)
            await watcher.sees("harken/nursery/listening", "online")
            made.update("nursery", replace(CRYING, heard=False))
            await watcher.sees("harken/nursery/listening", "offline")
            await watcher.until(lambda _, payload, __: '"problem":"ON"' in payload)
            states = [json.loads(one) for one in watcher.on("harken/nursery/state")]
            assert [one["crying"] for one in states] == ["ON", None]
            order = [topic for topic, payload, _ in watcher.seen]
            assert order[-2:] == ["harken/nursery/listening", "harken/nursery/state"]
            made.update("nursery", CALM)
            await watcher.until(lambda *_: watcher.on("harken/nursery/listening")[-1] == "online")

    asyncio.run(live())


def test_a_hub_that_is_killed_is_offline(broker):
    code = f"""
import asyncio
from harken.answering.channels.homeassistant import RoomCard, RoomState
from harken.answering.channels.mqtt import MqttChannel
async def press(room, what): pass
async def live():
    made = MqttChannel({broker.url!r}, on_press=press)
    made.announce([RoomCard("nursery", "Nursery")])
    made.update("nursery", RoomState(heard=True, crying=False))
    made.start()
    await asyncio.sleep(60)
asyncio.run(live())
"""

    async def live():
        async with watching(broker) as watcher:
            hub = subprocess.Popen([sys.executable, "-c", code])
            try:
                await watcher.sees("harken/status", "online", seconds=15)
                os.kill(hub.pid, signal.SIGKILL)
                await watcher.sees("harken/status", "offline")
            finally:
                hub.kill()
                hub.wait()
            assert (await retained(broker))["harken/status"] == "offline"

    asyncio.run(live())


def test_a_clean_end_is_offline_too(broker):
    async def live():
        async with channel(broker) as made:
            made.update("nursery", CALM)
            while not made.connected:
                await asyncio.sleep(0.01)
        kept = await retained(broker)
        assert kept["harken/status"] == kept["harken/nursery/listening"] == "offline"

    asyncio.run(live())


def test_all_is_told_again_when_home_assistant_comes_back(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CALM)
            await watcher.sees("harken/nursery/state")
            await watcher.sees("harken/status", "online")
            await asyncio.sleep(0.1)
            watcher.seen.clear()
            await watcher.client.publish("homeassistant/status", "offline", qos=1)
            await asyncio.sleep(0.2)
            assert watcher.on("homeassistant/device/harken_nursery/config") == []
            await watcher.client.publish("homeassistant/status", "online", qos=1)
            await watcher.sees("homeassistant/device/harken_nursery/config")
            await watcher.sees("harken/nursery/state")
            await watcher.sees("harken/nursery/listening", "online")

    asyncio.run(live())


def test_buttons_become_calls_and_nothing_else_does(broker):
    async def live():
        pressed = []

        async def press(room, what):
            pressed.append((room, what))
            if len(pressed) == 1:
                raise RuntimeError("a press that fails")

        async with watching(broker) as watcher, channel(broker, on_press=press):
            await watcher.sees("harken/status", "online")
            send = watcher.client.publish
            await send("harken/nursery/command", "going", qos=1)
            await send("harken/nursery/command", "explode", qos=1)
            await send("harken/nursery/command", b"\xff\xfe", qos=1)
            await send("harken/attic/command", "going", qos=1)
            await send("harken/nursery/command", "here", qos=1)
            async with asyncio.timeout(5):
                while len(pressed) < 2:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        assert pressed == [("nursery", "going"), ("nursery", "here")]

    asyncio.run(live())


def test_a_retained_press_is_an_old_one(broker):
    async def live():
        pressed = []

        async def press(room, what):
            pressed.append(what)

        async with watching(broker) as watcher:
            await watcher.client.publish("harken/nursery/command", "here", qos=1, retain=True)
            async with channel(broker, on_press=press):
                await watcher.sees("harken/status", "online")
                await asyncio.sleep(0.2)
        assert pressed == []

    asyncio.run(live())


def test_alerts_and_events_are_not_retained(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CALM)
            await watcher.sees("harken/status", "online")
            made.update("nursery", CRYING)
            await made.send(CRY)
            await made.send(Message(**{**message_fields(CRY), "alert": "a2", "step": 2}))
            await watcher.until(lambda *_: len(watcher.on("harken/nursery/event")) == 2)
            alerts = [json.loads(one) for one in watcher.on("harken/nursery/alert")]
            assert [one["alert"] for one in alerts] == ["a1", "a2"]
            events = [json.loads(one) for one in watcher.on("harken/nursery/event")]
            assert {one["event_type"] for one in events} == {"episode_started", "escalated"}
            kept = await retained(broker)
        assert not {"harken/nursery/alert", "harken/nursery/event"} & set(kept)

    asyncio.run(live())


def message_fields(message):
    return {name: getattr(message, name) for name in message.__dataclass_fields__}


def test_an_alert_about_no_room_has_its_own_topic(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            await made.send(Message(alert="a", about="push_lost", title="T", body="B"))
            await watcher.sees("harken/alert")

    asyncio.run(live())


def test_levels_alone_are_sent_rarely_and_changes_at_once(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "LEVEL_EVERY_S", 0.5)

    async def live():
        async with watching(broker) as watcher, channel(broker) as made:
            made.update("nursery", CALM)
            await watcher.sees("harken/nursery/state")
            for level in range(30):
                made.update("nursery", RoomState(heard=True, crying=False, since=START,
                                                 level_dbfs=-60.0 + level))  # fmt: skip
                await asyncio.sleep(0.02)
            assert 1 <= len(watcher.on("harken/nursery/state")) <= 3
            made.update("nursery", CRYING)
            await watcher.until(lambda _, payload, __: '"crying":"ON"' in payload, seconds=0.4)

    asyncio.run(live())


def test_the_siren_sounds_and_stops_when_somebody_goes(broker):
    async def live():
        async with watching(broker) as watcher, channel(broker, siren_topic="siren/set") as made:
            made.update("nursery", CRYING)
            await made.send(CRY)
            await watcher.sees("siren/set", '{"state":"ON"}')
            made.update("nursery", RoomState(heard=True, crying=True, episode="e1", onset=START,
                                             acknowledged_by="Ada"))  # fmt: skip
            await watcher.sees("siren/set", '{"state":"OFF"}')
            await asyncio.sleep(0.1)
            assert watcher.on("siren/set") == ['{"state":"ON"}', '{"state":"OFF"}']
            assert "siren/set" not in await retained(broker)

    asyncio.run(live())


def test_the_siren_stops_by_itself_and_not_while_it_is_sounded_anew(broker):
    async def live():
        options = {"siren_topic": "siren/set", "siren_for_s": 1, "siren_on": "1", "siren_off": "0"}
        async with watching(broker) as watcher, channel(broker, **options) as made:
            await made.send(CRY)
            await asyncio.sleep(0.6)
            await made.send(CRY)
            await asyncio.sleep(0.6)
            assert watcher.on("siren/set") == ["1", "1"]
            await watcher.sees("siren/set", "0")
            quiet = Message(alert="h", about="heard", title="T", body="B", room="nursery")
            await made.send(quiet)
            await asyncio.sleep(0.1)
            assert watcher.on("siren/set") == ["1", "1", "0"]

    asyncio.run(live())


def test_a_broker_that_comes_back_is_told_everything(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "_RECONNECT_S", (0.05,))

    async def live():
        async with channel(broker) as made:
            made.update("nursery", CALM)
            while not made.connected:
                await asyncio.sleep(0.01)
            broker.stop()
            while made.connected:
                await asyncio.sleep(0.01)
            assert made.problem
            made.update("nursery", CRYING)
            broker.start()
            while not made.connected:
                await asyncio.sleep(0.01)
            kept = await retained(broker)
            assert json.loads(kept["harken/nursery/state"])["crying"] == "ON"
            assert kept["harken/status"] == "online"
            await made.send(CRY)

    asyncio.run(live())


def test_a_room_that_is_removed_is_forgotten(broker):
    async def live():
        other = RoomCard("attic", "Attic")
        async with watching(broker) as watcher, channel(broker, rooms=(CARD, other)) as made:
            made.update("nursery", CALM)
            made.update("attic", CALM)
            await watcher.until(lambda topic, *_: topic == "harken/attic/listening")
            await watcher.sees("harken/status", "online")
            made.announce([CARD])
            await watcher.sees("harken/attic/listening", "")
            kept = await retained(broker)
        assert not [topic for topic in kept if "attic" in topic]
        assert "homeassistant/device/harken_nursery/config" in kept

    asyncio.run(live())


def test_changing_the_form_leaves_nothing_twice(broker):
    async def live():
        for form in ("single", "device", "single"):
            async with watching(broker) as watcher, channel(broker, form=form):
                await watcher.until(lambda topic, what, kept: what == "online" and not kept)
                configs = [one for one in await retained(broker) if one.endswith("/config")]
                assert (len(configs) == 1) is (form == "device")
                assert any("/device/" in one for one in configs) is (form == "device")

    asyncio.run(live())


def test_prefixes_can_be_chosen(broker):
    async def live():
        async with (
            watching(broker) as watcher,
            channel(broker, discovery_prefix="ha", base="home/ears"),
        ):
            await watcher.sees("ha/device/home_ears_nursery/config")
            await watcher.sees("home/ears/status", "online")

    asyncio.run(live())


def failing(url, **options):
    async def live():
        async def nothing(room, what):
            pass

        made = MqttChannel(url, options=options, on_press=nothing)
        try:
            await made.send(CRY)
        finally:
            await made.aclose()

    with pytest.raises(ChannelError) as caught:
        asyncio.run(live())
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(mqtt, "_PATIENCE_S", 1.0)


def test_a_broker_that_does_not_run(impatient, free_port):
    assert "refused the connection" in failing(f"mqtt://127.0.0.1:{free_port()}")


def test_a_broker_that_does_not_exist(impatient):
    assert "cannot be found" in failing("mqtt://u:hunter2@no-such-host.invalid")


def test_a_wrong_password(brokers, impatient):
    broker = brokers("allow_anonymous false")
    says = failing(broker.url.replace("//", "//user:hunter2@"))
    assert "user" in says
    assert "check" in says


# paho leaves a socket whose handshake failed to the garbage collector.
a_failed_handshake = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


@a_failed_handshake
def test_tls_where_there_is_none(broker, impatient):
    assert "whether it is secure" in failing(broker.url.replace("mqtt:", "mqtts:"))


@a_failed_handshake
def test_tls_with_an_authority_of_ones_own(brokers, tmp_path, impatient):
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    broker = brokers(
        f"allow_anonymous true\ncertfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem"
    )
    url = broker.url.replace("mqtt:", "mqtts:")
    assert "certificate" in failing(url)

    async def live():
        async def nothing(room, what):
            pass

        made = MqttChannel(url, options={"ca": str(tmp_path / "ca.pem")}, on_press=nothing)
        await made.send(CRY)
        await made.aclose()

    asyncio.run(live())
