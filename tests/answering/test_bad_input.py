"""Settings of plans, ladders and channels that cannot be used: one plain sentence each."""

import asyncio
import math

import pytest

from harken.answering import ActivePlan, LadderSettings, night_of
from harken.answering.channels.homeassistant import RoomCard, Topics, components, discovery
from harken.answering.channels.mqtt import MqttChannel
from harken.answering.channels.push import PushChannel, VapidKeys
from harken.answering.channels.speaker import SpeakerChannel
from harken.answering.channels.webhook import WebhookChannel
from harken.answering.message import Message
from harken.episodes.events import Event
from harken.errors import ChannelError, ParameterError
from harken.journal.household import PushSubscription

from .making import START

SECRET = "hunter2"


async def press(room, what):
    raise AssertionError


async def gone(subscription):
    raise AssertionError


@pytest.mark.parametrize(
    "changes",
    [
        {"waits": ()},
        {"waits": (-1.0,)},
        {"waits": (1801.0,)},
        {"waits": (math.nan,)},
        {"waits": ("60",)},
        {"waits": (True,)},
        {"most_s": 0},
        {"most_s": 1801},
        {"most_s": math.nan},
    ],
)
def test_plans(changes):
    with pytest.raises(ParameterError, match=r"^plan: "):
        ActivePlan(**{"waits": (60.0,), "since": START, **changes})


def test_a_plan_of_another_event():
    with pytest.raises(ParameterError, match="starts none"):
        ActivePlan.from_event(Event("plan_ended", START))


@pytest.mark.parametrize(
    "changes",
    [
        {"pause_after_going": 5},
        {"pause_after_going": 3600},
        {"repeat_every": 1},
        {"everybody_after": math.inf},
        {"flap_after": 0},
        {"flap_sustained": math.nan},
        {"flap_window": "600"},
        {"repeat_every": True},
    ],
)
def test_ladder_settings(changes):
    with pytest.raises(ParameterError, match=r"^ladder: "):
        LadderSettings(**changes)


@pytest.mark.parametrize("clock", ["7", "25:00", "noon", ""])
def test_times_of_day(clock):
    with pytest.raises(ParameterError, match="no time of day"):
        night_of(START, day_starts=clock)


def test_a_message_of_another_event():
    with pytest.raises(ParameterError, match="is no alert"):
        Message.from_event(Event("room_heard", START))


@pytest.mark.parametrize(
    "url",
    ["", "example.org", f"ftp://{SECRET}@x", "https://", f"http://[{SECRET}", "https://x:99999/"],
)
def test_webhook_addresses(url):
    with pytest.raises(ChannelError, match="must begin with https") as caught:
        WebhookChannel(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"secret": 5},
        {"headers": "a"},
        {"headers": {"a b": "c"}},
        {"headers": {"a": "b\r\nc: d"}},
        {"headers": {"a": 5}},
        {"ca": "/no/such/file"},
        {"ca": __file__},
    ],
)
def test_webhook_options(options):
    with pytest.raises(ChannelError):
        WebhookChannel("https://example.org", options=options)


@pytest.mark.parametrize(
    "url", ["", "broker", "http://broker", f"mqtt://u:{SECRET}@", "mqtt://broker:port"]
)
def test_mqtt_addresses(url):
    with pytest.raises(ChannelError, match="must be like mqtt://") as caught:
        asyncio.run(_mqtt(url))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"base": "a/#"},
        {"base": "/a"},
        {"base": 5},
        {"discovery_prefix": "a+"},
        {"form": "both"},
        {"siren_topic": "a/+"},
        {"siren_topic": "a", "siren_for_s": 0},
        {"siren_topic": "a", "siren_for_s": math.nan},
        {"siren_topic": "a", "siren_on": {"state": "ON"}},
    ],
)
def test_mqtt_options(options):
    with pytest.raises(ChannelError):
        asyncio.run(_mqtt("mqtt://broker", options))


def test_mqtt_ca():
    with pytest.raises(ChannelError, match="CA file"):
        asyncio.run(_mqtt("mqtts://broker", {"ca": "/no/such/file"}))


async def _mqtt(url, options=None):
    MqttChannel(url, options=options, on_press=press)


def test_rooms_and_forms_of_discovery():
    with pytest.raises(ChannelError, match="letters, digits"):
        components(Topics(), "a/b")
    with pytest.raises(ChannelError, match="'device' or 'single'"):
        discovery(Topics(), RoomCard("a", "A"), form="both")


@pytest.mark.parametrize("options", [
    {"volume": 2}, {"volume": "loud"}, {"times": 0}, {"times": True}, {"device": "-x"},
    {"device": 5}, {"volume": math.nan},
])  # fmt: skip
def test_speaker_options(options):
    async def make():
        SpeakerChannel(options)

    with pytest.raises(ChannelError):
        asyncio.run(make())


@pytest.mark.parametrize("private", ["", "AAAA", "%", "€", "A" * 43])
def test_push_keys(private):
    with pytest.raises(ChannelError, match="damaged") as caught:
        VapidKeys(private)
    assert private == "" or private not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    ["", "http://push.example.org/x", "file:///etc/passwd", "https://", "http://169.254.1.1/x"],
)
def test_push_addresses(endpoint):
    subscription = PushSubscription(
        id="s", device="d", endpoint=endpoint, p256dh="p", auth="a", created=START
    )
    with pytest.raises(ChannelError, match="https://"):
        PushChannel(subscription, keys=VapidKeys.new(), on_gone=gone)


def test_a_push_subscription_with_damaged_keys():
    async def send():
        subscription = PushSubscription(
            id="s", device="d", endpoint="https://push.example.org/x", p256dh="!", auth="?",
            created=START,
        )  # fmt: skip
        channel = PushChannel(subscription, keys=VapidKeys.new(), on_gone=gone)
        try:
            await channel.send(Message(alert="a", about="test", title="t", body="b"))
        finally:
            await channel.aclose()

    with pytest.raises(ChannelError, match="turn push off and on again"):
        asyncio.run(send())


@pytest.mark.parametrize(
    "url", ["", "   ", f"nosuch://{SECRET}", f"tgram://{SECRET}", "not an address"]
)
def test_apprise_addresses(url, logged):
    pytest.importorskip("apprise")
    from harken.answering.channels.apprise import AppriseChannel

    with pytest.raises(ChannelError) as caught:
        AppriseChannel(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in logged()
