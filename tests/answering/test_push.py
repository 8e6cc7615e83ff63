"""Web Push against a push service that really decrypts, and really checks the signature."""

import asyncio
import base64
import json
from dataclasses import replace

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02

from harken.answering.channels.push import (
    SETTING,
    PushChannel,
    VapidKeys,
    payload_of,
    topic_of,
)
from harken.answering.message import GoneError, Message
from harken.errors import ChannelError
from harken.journal.household import PushSubscription

from .making import START

MESSAGE = Message(
    alert="a1", about="cry", title="Mia is crying", body="Mia has been crying for 3 s. Nursery.",
    room="nursery", episode="e1", urgent=True, onset=START, actions=("going",), step=1,
)  # fmt: skip
KEYS = VapidKeys.new()


def unpack(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pack(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Phone:
    """A browser's half of a subscription."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    def subscription(self, endpoint):
        public = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return PushSubscription(
            id="sub", device="phone-1", endpoint=endpoint, p256dh=pack(public),
            auth=pack(self.auth), created=START,
        )  # fmt: skip

    def read(self, body):
        return json.loads(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        )


def send(subscription, message=MESSAGE):
    lost = []

    async def gone(one):
        lost.append(one)

    async def once():
        channel = PushChannel(subscription, keys=KEYS, on_gone=gone, timeout_s=0.5)
        try:
            await channel.send(message)
        finally:
            await channel.aclose()

    try:
        asyncio.run(once())
    except ChannelError as error:
        return lost, error
    return lost, None


def test_the_phone_alone_can_read_it(receiver):
    receiver.answers = [201]
    phone = Phone()
    assert send(phone.subscription(receiver.url("/push/token"))) == ([], None)
    (got,) = receiver.got
    assert b"Mia" not in got.body
    read = phone.read(got.body)
    assert read == {
        **MESSAGE.as_dict(),
        "actions": [{"action": "going", "title": "I'm going"}],
        "push": True,
    }


def test_the_headers_say_how_it_is_to_be_carried(receiver):
    receiver.answers = [201]
    send(Phone().subscription(receiver.url()))
    headers = receiver.got[0].headers
    assert headers["ttl"] == "90"
    assert headers["urgency"] == "high"
    assert headers["content-encoding"] == "aes128gcm"
    assert len(headers["topic"]) <= 32
    assert set(headers["topic"]) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    )
    send(Phone().subscription(receiver.url()), replace(MESSAGE, urgent=False))
    assert receiver.got[1].headers["urgency"] == "normal"


def test_the_signature_is_the_hubs(receiver):
    receiver.answers = [201]
    send(Phone().subscription(receiver.url()))
    value = receiver.got[0].headers["authorization"]
    assert Vapid02.verify(value)
    parts = dict(part.strip().split("=", 1) for part in value.removeprefix("vapid ").split(","))
    assert parts["k"] == KEYS.public
    claims = json.loads(unpack(parts["t"].split(".")[1]))
    assert claims["aud"] == f"http://127.0.0.1:{receiver.port}"
    assert claims["sub"].startswith("mailto:")


@pytest.mark.parametrize("status", [404, 410])
def test_a_phone_that_fell_off_is_reported(receiver, status):
    receiver.answers = [status]
    subscription = Phone().subscription(receiver.url())
    lost, error = send(subscription)
    assert lost == [subscription]
    assert isinstance(error, GoneError)
    assert "turn push on again" in str(error)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (307, "does not follow"),
        (400, "did not understand"),
        (403, "refused this hub's key"),
        (413, "too large"),
        (429, "too often"),
        (500, "trouble of its own"),
    ],
)
def test_other_answers_are_said_and_lose_no_phone(receiver, status, says):
    receiver.answers = [status]
    lost, error = send(Phone().subscription(receiver.url("/push/hunter2")))
    assert lost == []
    assert not isinstance(error, GoneError)
    assert says in str(error)
    assert "hunter2" not in str(error)
    assert len(receiver.got) == 1


def test_no_internet_is_said():
    _, error = send(Phone().subscription("https://push.invalid/hunter2"))
    assert str(error) == (
        "push.invalid cannot be found: check the name, and that this hub has a network."
    )


def test_a_slow_service_is_a_timeout(receiver):
    receiver.delay_s = 1.5
    assert "in time" in str(send(Phone().subscription(receiver.url()))[1])


def test_repeats_of_an_episode_replace_each_other():
    again = replace(MESSAGE, alert="a2", step=2)
    assert topic_of(MESSAGE) == topic_of(again)
    assert topic_of(MESSAGE) != topic_of(replace(MESSAGE, episode="e2"))
    unheard = replace(MESSAGE, about="unheard", episode=None)
    assert topic_of(unheard) not in (topic_of(MESSAGE), topic_of(replace(unheard, room="other")))


@given(st.text(max_size=5000), st.sampled_from(["", "x" * 2000]))
def test_a_payload_always_fits(body, title):
    packed = payload_of(replace(MESSAGE, body=body, title=title))
    assert len(packed) <= 3900
    json.loads(packed)


def test_keys_are_made_once_and_kept(tmp_path):
    class Settings(dict):
        def get_setting(self, key, default=None):
            return self.get(key, default)

        def set_setting(self, key, value):
            self[key] = value

    settings = Settings()
    first = VapidKeys.load(settings)
    assert VapidKeys.load(settings).public == first.public
    assert SETTING.startswith("secret.")
    assert settings[SETTING] not in repr(first)
    assert len(unpack(first.public)) == 65
