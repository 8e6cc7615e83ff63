"""Apprise against a real JSON receiver; what it says of failures, and that it keeps secrets."""

import asyncio
import json

import pytest

from harken.answering.channels.apprise import AppriseChannel, _why
from harken.answering.message import Message
from harken.errors import ChannelError

pytest.importorskip("apprise")

MESSAGE = Message(alert="a", about="cry", title="Mia is crying", body="Nursery.", urgent=True)


def send(url, message=MESSAGE, **options):
    asyncio.run(AppriseChannel(url, options=options).send(message))


def fails(url, **options):
    with pytest.raises(ChannelError) as caught:
        send(url, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("about", "kind"), [("cry", "warning"), ("unheard", "failure"), ("heard", "info")]
)
def test_a_message_arrives(receiver, about, kind):
    send(
        f"json://127.0.0.1:{receiver.port}/x", Message(alert="a", about=about, title="T", body="B")
    )
    body = json.loads(receiver.got[0].body)
    assert (body["title"], body["message"], body["type"]) == ("T", "B", kind)


def test_tags_choose_among_addresses(receiver):
    base = f"json://127.0.0.1:{receiver.port}"
    urls = f"night, loud={base}/a\nday={base}/b"
    send(urls, tags="night")
    assert [got.path.rstrip("/") for got in receiver.got] == ["/a"]
    send(urls)
    assert len(receiver.got) == 3


def test_tags_that_choose_nothing_are_a_failure(receiver):
    assert "check the tags" in fails(f"day=json://127.0.0.1:{receiver.port}/a", tags="night")
    assert receiver.got == []


@pytest.mark.parametrize(
    ("status", "says"), [(401, "refused the sign-in"), (404, "no such address"), (500, "(500)")]
)
def test_a_refusal_is_said_without_the_address(receiver, status, says, logged, capfd):
    receiver.answers = [status]
    told = fails(f"json://user:hunter2@127.0.0.1:{receiver.port}/hunter2")
    assert says in told
    out, err = capfd.readouterr()
    for place in (told, logged(), out, err):
        assert "hunter2" not in place


def test_a_service_that_does_not_run(free_port):
    assert "check" in fails(f"json://127.0.0.1:{free_port()}/hunter2")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("Failed: Name or service not known", "cannot be found"),
        ("[Errno 111] Connection refused", "refused the connection"),
        ("certificate verify failed", "not trusted"),
        ("Read timed out.", "in time"),
        ("error=429.", "too often"),
        ("", "did not take the message"),
    ],
)
def test_the_log_is_turned_into_plain_words(said, says):
    assert says in _why(said)
