"""Sending what is due: from a real journal, at once, again where it failed, never for nothing."""

import asyncio
import time
from datetime import timedelta

import pytest

from harken.answering import dispatch
from harken.answering.dispatch import Dispatcher, Tried, try_channel
from harken.answering.message import GoneError, Message
from harken.episodes.events import Event, new_id
from harken.errors import ChannelError, JournalError
from harken.journal import Journal

from .making import START, Life, seconds


class Sender:
    """Fails as often as it is told to, then keeps what it is given."""

    def __init__(self, *errors, delay_s=0.0):
        self.errors, self.delay_s = list(errors), delay_s
        self.got: list[Message] = []

    async def send(self, message):
        await asyncio.sleep(self.delay_s)
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(message)

    async def aclose(self):
        pass


class Hub:
    """A journal, a clock and channels around a dispatcher."""

    def __init__(self, journal, **senders):
        self.journal, self.senders, self.now = journal, senders, START
        self.full = 0
        self.dispatcher = Dispatcher(
            journal, record=self.record, senders=senders.get, clock=lambda: self.now
        )
        self.bout = str(new_id())

    async def record(self, events):
        if self.full:
            self.full -= 1
            raise JournalError("The disk is full.")
        await asyncio.to_thread(self.journal.append, events)

    def cry(self):
        data = {"bout": self.bout, "detected_at": START.isoformat()}
        self.journal.append([Event("cry_started", START, room="nursery", data=data)])

    def due(self, channel, about="cry", **more):
        data = {
            "alert": str(new_id()), "about": about, "channel": channel, "text": "T\nB",
            "urgent": True, **more,
        }  # fmt: skip
        if about == "cry":
            data["episode"] = self.bout
        self.journal.append([Event("alert_due", self.now, room="nursery", data=data)])
        return data["alert"]

    async def look(self):
        await self.dispatcher.look()
        await self.dispatcher.settled()

    def results(self):
        found = self.journal.events(kinds=["alert_sent", "alert_failed"])
        return [(event.kind, dict(event.data)) for event in found]


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def test_what_is_due_is_sent_once_and_written_down(journal):
    phone = Sender()
    hub = Hub(journal, phone=phone)
    hub.cry()
    alert = hub.due("phone")

    async def live():
        await hub.look()
        await hub.look()

    asyncio.run(live())
    assert [message.alert for message in phone.got] == [alert]
    assert phone.got[0].title == "T"
    assert hub.results() == [("alert_sent", {"alert": alert, "attempt": 1})]


def test_what_failed_is_tried_again_later_and_later(journal):
    phone = Sender(*[ChannelError("no network")] * 3)
    hub = Hub(journal, phone=phone)
    hub.cry()
    hub.due("phone")
    at = []

    async def live():
        for tick in range(12):
            hub.now = START + seconds(tick)
            before = len(hub.results())
            await hub.look()
            if len(hub.results()) > before:
                at.append(tick)

    asyncio.run(live())
    assert at == [0, 1, 3, 8]
    assert [kind for kind, _ in hub.results()] == ["alert_failed"] * 3 + ["alert_sent"]
    assert [data["attempt"] for _, data in hub.results()] == [1, 2, 3, 4]
    assert hub.results()[0][1]["error"] == "no network"


class Slow(Sender):
    """Has every message in hand until it may go on."""

    def __init__(self):
        super().__init__()
        self.in_hand, self.go_on = 0, asyncio.Event()

    async def send(self, message):
        self.in_hand += 1
        await self.go_on.wait()
        await super().send(message)


def test_a_slow_channel_keeps_nobody_waiting(journal):
    slow, quick = Slow(), Sender()
    hub = Hub(journal, slow=slow, quick=quick)
    hub.cry()
    for _ in range(3):
        hub.due("slow")
        hub.due("quick")

    async def live():
        await hub.dispatcher.look()
        async with asyncio.timeout(5):
            while len(quick.got) < 3 or slow.in_hand < 3:
                await asyncio.sleep(0.005)
        assert slow.got == []
        slow.go_on.set()
        await hub.dispatcher.settled()

    asyncio.run(live())
    assert len(slow.got) == 3


def test_a_channel_that_hangs_is_given_up_on_for_now(journal, monkeypatch):
    monkeypatch.setattr(dispatch, "SEND_S", 0.05)
    hub = Hub(journal, phone=Sender(delay_s=10))
    hub.cry()
    hub.due("phone")
    asyncio.run(hub.look())
    ((kind, data),) = hub.results()
    assert kind == "alert_failed"
    assert "in time" in data["error"]
    assert not data.get("final")


def test_a_phone_that_is_gone_is_not_tried_again(journal):
    hub = Hub(journal, phone=Sender(GoneError("gone")))
    hub.cry()
    hub.due("phone")

    async def live():
        for tick in (0, 5, 60):
            hub.now = START + seconds(tick)
            await hub.look()

    asyncio.run(live())
    ((_, data),) = hub.results()
    assert data["final"]


def test_an_error_of_a_channels_own_says_nothing_secret(journal, logged):
    hub = Hub(journal, phone=Sender(RuntimeError("https://hunter2@example.org")))
    hub.cry()
    hub.due("phone")
    asyncio.run(hub.look())
    ((_, data),) = hub.results()
    assert data["error"] == "The channel failed (RuntimeError). It will be tried again."
    assert "hunter2" not in logged()


def test_a_channel_that_was_removed_ends_it(journal):
    hub = Hub(journal)
    hub.cry()
    hub.due("phone")
    asyncio.run(hub.look())
    assert hub.results()[0][1]["final"]


def test_after_an_hour_it_is_given_up(journal):
    phone = Sender()
    hub = Hub(journal, phone=phone)
    hub.due("phone", about="summary")
    hub.now = START + timedelta(hours=1, seconds=1)
    asyncio.run(hub.look())
    assert phone.got == []
    assert hub.results()[0][1] == {
        "alert": phone_alert(hub), "error": "Given up after an hour.", "final": True,
    }  # fmt: skip


def phone_alert(hub):
    return hub.journal.events(kinds=["alert_due"])[0].data["alert"]


def test_when_the_cry_is_over_it_is_given_up(journal):
    phone = Sender(ChannelError("no"))
    hub = Hub(journal, phone=phone)
    hub.cry()
    hub.due("phone")

    async def live():
        await hub.look()
        ended = {"bout": hub.bout, "onset": START.isoformat(), "mean_cry": 0.9}
        await hub.record([Event("cry_ended", START + seconds(5), room="nursery", data=ended)])
        hub.now = START + seconds(70)
        await hub.look()

    asyncio.run(live())
    assert phone.got == []
    assert hub.results()[-1][1]["final"]
    assert "over" in hub.results()[-1][1]["error"]


def test_when_somebody_is_there_it_is_given_up(journal):
    phone = Sender(ChannelError("no"))
    hub = Hub(journal, phone=phone)
    hub.cry()
    hub.due("phone")

    async def live():
        await hub.look()
        here = {"manner": "arrived", "source": "tapped"}
        await hub.record([Event("responded", START + seconds(1), room="nursery", data=here)])
        hub.now = START + seconds(2)
        await hub.look()

    asyncio.run(live())
    assert phone.got == []
    assert "there" in hub.results()[-1][1]["error"]


def test_a_cry_that_did_not_last_rings_no_more(journal):
    phone = Sender()
    hub = Hub(journal, phone=phone)
    hub.cry()
    hub.due("phone")
    gone = Event("cry_withdrawn", START + seconds(1), room="nursery", data={"bout": hub.bout})
    journal.append([gone])
    hub.now = START + seconds(2)
    asyncio.run(hub.look())
    assert phone.got == []
    assert hub.results()[0][1]["final"]


def test_a_room_that_is_heard_again_needs_no_message_that_it_is_not(journal):
    phone = Sender()
    hub = Hub(journal, phone=phone)
    hub.due("phone", about="unheard")
    journal.append([Event("room_heard", START + seconds(1), room="nursery")])
    hub.now = START + seconds(2)
    asyncio.run(hub.look())
    assert phone.got == []
    hub.due("phone", about="unheard")
    asyncio.run(hub.look())
    assert len(phone.got) == 1


def test_a_crash_between_sending_and_writing_sends_again(journal):
    """At least once: the channel drops what it has had, by the alert's id."""
    phone = Sender()
    first = Hub(journal, phone=phone)
    first.cry()
    alert = first.due("phone")
    first.full = 10**6

    async def crash():
        await first.dispatcher.look()
        while not phone.got:
            await asyncio.sleep(0.005)

    asyncio.run(crash())
    second = Hub(journal, phone=phone)
    second.bout = first.bout
    asyncio.run(second.look())
    assert [message.alert for message in phone.got] == [alert, alert]
    assert second.results() == [("alert_sent", {"alert": alert, "attempt": 1})]


def test_what_was_sent_is_not_sent_again_while_the_disk_is_full(journal, monkeypatch):
    monkeypatch.setattr(dispatch, "_RECORD_AGAIN_S", (0.01,))
    phone = Sender()
    hub = Hub(journal, phone=phone)
    hub.cry()
    hub.due("phone")
    hub.full = 5

    async def live():
        await hub.dispatcher.look()
        while not phone.got:
            await asyncio.sleep(0.001)
        await hub.look()

    asyncio.run(live())
    assert len(phone.got) == 1
    assert [kind for kind, _ in hub.results()] == ["alert_sent"]


def test_the_loop_sends_when_nudged_and_when_it_is_time(journal):
    phone = Sender(ChannelError("no"))
    hub = Hub(journal, phone=phone)
    begin = time.monotonic()
    hub.dispatcher = Dispatcher(
        journal,
        record=hub.record,
        senders=hub.senders.get,
        clock=lambda: START + seconds(time.monotonic() - begin),
    )

    async def live():
        running = asyncio.create_task(hub.dispatcher.run())
        await asyncio.sleep(0.05)
        hub.cry()
        hub.due("phone")
        hub.dispatcher.nudge()
        async with asyncio.timeout(5):
            while not phone.got:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(live())
    assert 0.9 < time.monotonic() - begin < 3
    assert [kind for kind, _ in hub.results()] == ["alert_failed", "alert_sent"]


def test_a_journal_that_cannot_be_read_is_tried_again(monkeypatch):
    monkeypatch.setattr(dispatch, "_BUSY_S", 0.01)
    looked = []

    class Broken:
        def due_alerts(self, now):
            looked.append(now)
            raise JournalError("The journal is locked.")

    async def live():
        dispatcher = Dispatcher(Broken(), record=None, senders=lambda _: None)
        running = asyncio.create_task(dispatcher.run())
        async with asyncio.timeout(5):
            while len(looked) < 3:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(live())


def test_a_decision_that_is_written_twice_is_due_once(journal):
    life = Life()
    life.cry()
    life.wait(4)
    for _ in range(2):
        journal.append(life.events)
    due = journal.due_alerts(life.now)
    assert {one.event.data["channel"] for one in due} == {"page", "speaker", "ada-phone"}
    assert len(due) == 3
    (episode,) = journal.episodes(now=life.now)
    assert {one.alert for one in episode.alerts} == {one.event.data["alert"] for one in due}


def test_a_ladder_that_comes_back_after_a_crash_climbs_on(journal):
    before = Life()
    before.cry()
    before.wait(61)
    journal.append(before.events)
    after = Life()
    after.events, after.bout, after.now = journal.events(), before.bout, before.now
    assert after.decide() == []
    after.wait(181)
    assert after.phones() == [(3, "ada-phone"), (60, "ben-phone"), (180, "eve-phone")]


# The test of a channel.


@pytest.mark.parametrize("kind", ["page", "speaker", "push", "apprise", "mqtt", "webhook", ""])
def test_a_test_says_where_to_look(kind):
    sender = Sender()
    tried = asyncio.run(try_channel(sender, kind=kind))
    assert tried.ok
    assert tried.says.strip()
    assert sender.got[0].about == "test"
    assert "Nobody is crying" in sender.got[0].body


def test_a_test_says_what_went_wrong(monkeypatch):
    monkeypatch.setattr(dispatch, "SEND_S", 0.05)

    def tried(sender):
        return asyncio.run(try_channel(sender))

    assert tried(Sender(ChannelError("x refused."))) == Tried(False, "x refused.")
    assert "in time" in tried(Sender(delay_s=1)).says
    assert tried(Sender(ValueError("hunter2"))) == Tried(False, "The channel failed (ValueError).")
