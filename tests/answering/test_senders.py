"""From the household to channels: which there are, and that changes take and cost nothing."""

import asyncio
from dataclasses import replace

import pytest

from harken.answering.channels.push import PushChannel, VapidKeys
from harken.answering.channels.senders import Senders, channels_of, push_channel
from harken.answering.ladder import PAGE
from harken.answering.message import Message
from harken.errors import ChannelError
from harken.journal.household import Channel, Device, PushSubscription, token_hash

from .making import START

MESSAGE = Message(alert="a", about="cry", title="T", body="B", room="nursery")
HOOK = Channel(id="hook", kind="webhook", name="Hook", url="http://127.0.0.1:1/x")


def device(name, caregiver, **more):
    return Device(
        id=name, name=name, kind="phone", caregiver=caregiver, token_hash=token_hash(name),
        created=START, **more,
    )  # fmt: skip


def subscription(name, of, **more):
    return PushSubscription(
        id=name, device=of, endpoint="https://push.example.org/x", p256dh="p", auth="a",
        created=START, **more,
    )  # fmt: skip


def ids(*args):
    return [(one.id, one.caregiver) for one in channels_of(*args)]


def test_every_phone_is_a_channel():
    devices = [device("phone", "ada"), device("old", "ben", revoked=True), device("wall", None)]
    subscriptions = [
        subscription("s1", "phone"), subscription("s2", "phone", failed_at=START),
        subscription("s3", "old"), subscription("s4", "nowhere"), subscription("s5", "wall"),
    ]  # fmt: skip
    assert ids([HOOK], subscriptions, devices) == [
        ("hook", None), ("push-s1", "ada"), ("push-s5", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("whose", "left"), [("ada", ["push-s2"]), (None, [])])
def test_push_can_be_switched_off(whose, left):
    switch = Channel(id="p", kind="push", name="Push", caregiver=whose, enabled=False)
    devices = [device("a", "ada"), device("b", "ben")]
    subscriptions = [subscription("s1", "a"), subscription("s2", "b")]
    assert [one.id for one in channels_of([switch], subscriptions, devices)] == left
    on = replace(switch, enabled=True)
    assert len(channels_of([on], subscriptions, devices)) == 2


def with_senders(check):
    published = []

    async def publish(data):
        published.append(data)

    async def nothing(*_):
        pass

    async def live():
        senders = Senders(publish=publish, on_press=nothing, on_gone=nothing, keys=VapidKeys.new())
        try:
            await check(senders, published)
        finally:
            await senders.aclose()

    asyncio.run(live())


def test_the_page_is_always_there():
    async def check(senders, published):
        await senders.update([])
        await senders.get(PAGE).send(MESSAGE)
        assert published == [MESSAGE.as_dict()]
        assert senders.get("nothing") is None

    with_senders(check)


def test_what_did_not_change_is_kept_and_what_did_is_made_anew():
    async def check(senders, _):
        await senders.update([HOOK], [subscription("s", "phone")])
        first, phone = senders.get("hook"), senders.get(push_channel(subscription("s", "phone")))
        assert isinstance(phone, PushChannel)
        await senders.update([HOOK], [subscription("s", "phone")])
        assert senders.get("hook") is first
        await senders.update([replace(HOOK, url="http://127.0.0.1:2/x")])
        assert senders.get("hook") is not first
        assert senders.get("push-s") is None
        await senders.update([replace(HOOK, enabled=False)])
        assert senders.get("hook") is None

    with_senders(check)


@pytest.mark.parametrize(
    "channel",
    [
        replace(HOOK, url="nonsense"),
        Channel(id="x", kind="mqtt", name="X", url="nonsense"),
        Channel(id="x", kind="apprise", name="X", url="nonsense"),
        Channel(id="x", kind="speaker", name="X", options={"volume": 7}),
    ],
    ids=lambda one: one.kind,
)
def test_a_channel_that_was_set_up_wrongly_says_so_and_harms_no_other(channel):
    async def check(senders, _):
        await senders.update([channel, replace(HOOK, id="good")])
        with pytest.raises(ChannelError):
            await senders.get(channel.id).send(MESSAGE)
        assert senders.get("good") is not None

    with_senders(check)


def test_a_switch_is_no_channel_to_send_to():
    async def check(senders, _):
        with pytest.raises(ChannelError, match="at each phone"):
            await senders.make(Channel(id="p", kind="push", name="P")).send(MESSAGE)

    with_senders(check)


def test_brokers_are_listed():
    async def check(senders, _):
        broker = Channel(id="m", kind="mqtt", name="M", url="mqtt://127.0.0.1:1")
        await senders.update([broker, HOOK])
        assert len(senders.mqtt) == 1
        assert senders.mqtt[0].problem

    with_senders(check)


def test_of_pages_there_can_be_more():
    async def check(senders, published):
        await senders.update([Channel(id="pages", kind="page", name="Pages")])
        await senders.get("pages").send(MESSAGE)
        assert len(published) == 1

    with_senders(check)
