"""Webhooks against a real server: the body as it is documented, the signature, and what fails."""

import asyncio
import hashlib
import hmac
import json
import re
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from harken.answering.channels.webhook import WebhookChannel, body_of, sign
from harken.answering.message import Message
from harken.errors import ChannelError

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 1, 31, 2, 14, 5, 250_000, tzinfo=UTC)
MESSAGE = Message(
    alert="01890000-0000-7000-8000-000000000001",
    about="cry",
    title="Mia is crying",
    body="Mia has been crying for 3 s. Nursery.",
    room="nursery",
    episode="01890000-0000-7000-8000-000000000002",
    caregiver="ada",
    urgent=True,
    onset=AT,
    detected_at=AT.replace(second=6),
    due=AT.replace(second=8),
    step=1,
    actions=("going",),
)

GOLDEN = (
    '{"version":1,"alert":"01890000-0000-7000-8000-000000000001","about":"cry",'
    '"title":"Mia is crying","body":"Mia has been crying for 3 s. Nursery.","room":"nursery",'
    '"episode":"01890000-0000-7000-8000-000000000002","caregiver":"ada","url":"/","urgent":true,'
    '"onset":"2026-01-31T02:14:05.250000+00:00","detected_at":"2026-01-31T02:14:06.250000+00:00",'
    '"due":"2026-01-31T02:14:08.250000+00:00","step":1,"actions":["going"]}'
)
"""The body is a promise to other programs: it changes only with its version."""


def send(url, message=MESSAGE, **more):
    async def once():
        channel = WebhookChannel(url, **more)
        try:
            await channel.send(message)
        finally:
            await channel.aclose()

    asyncio.run(once())


def fails(url, **more):
    with pytest.raises(ChannelError) as caught:
        send(url, **more)
    says = str(caught.value)
    assert "\n" not in says
    assert says.endswith(".")
    return says


def test_the_body_is_pinned():
    assert body_of(MESSAGE).decode() == GOLDEN


def test_every_key_of_the_body_is_described():
    page = (ROOT / "docs/reference/webhook.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(json.loads(GOLDEN))


def test_the_example_in_the_documentation_is_signed_as_it_says():
    page = (ROOT / "docs/reference/webhook.md").read_text("utf-8")
    secret, stamp, body, signature = (
        re.search(rf"^{name}: (.+)$", page, re.MULTILINE)[1]
        for name in ("secret", "timestamp", "body", "signature")
    )
    assert sign(secret, stamp, body.encode()) == signature


def test_a_message_is_posted_and_signed(receiver):
    send(receiver.url("/hook?key=1"), options={"secret": "key"}, clock=lambda: 1_767_225_600.7)
    (got,) = receiver.got
    assert (got.method, got.path) == ("POST", "/hook?key=1")
    assert got.body.decode() == GOLDEN
    assert got.headers["content-type"] == "application/json"
    assert got.headers["harken-timestamp"] == "1767225600"
    assert got.headers["idempotency-key"] == MESSAGE.alert
    wanted = hmac.new(b"key", b"1767225600." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["harken-signature"] == f"sha256={wanted}"


def test_without_a_secret_nothing_is_signed(receiver):
    send(receiver.url())
    assert "harken-signature" not in receiver.got[0].headers


def test_headers_of_ones_own_are_sent_but_replace_none_of_ours(receiver):
    options = {"headers": {"Authorization": "Bearer x", "Content-Type": "text/plain"}}
    send(receiver.url(), options=options)
    assert receiver.got[0].headers["authorization"] == "Bearer x"
    assert receiver.got[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_accepted(receiver, status):
    receiver.answers = [status]
    send(receiver.url())


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (301, "sends on to another address"),
        (307, "sends on to another address"),
        (400, "did not understand"),
        (401, "refused the sign-in"),
        (403, "does not allow"),
        (404, "knows no such address"),
        (410, "is gone"),
        (418, "answered 418"),
        (429, "too often"),
        (500, "trouble of its own"),
        (503, "trouble of its own"),
    ],
)
def test_other_answers_are_said_in_plain_words(receiver, status, says):
    receiver.answers = [status]
    told = fails(receiver.url("/hook?key=hunter2"))
    assert says in told
    assert "hunter2" not in told
    assert len(receiver.got) == 1, "a redirect was followed"


def test_the_address_is_in_no_log(receiver, logged):
    send(receiver.url("/hunter2?key=hunter2"))
    assert "hunter2" not in logged()


def test_a_slow_answer_is_a_timeout(receiver):
    receiver.delay_s = 1.0
    assert "did not answer in time" in fails(receiver.url(), timeout_s=0.2)


def test_a_refused_connection(free_port):
    says = fails(f"http://user:hunter2@127.0.0.1:{free_port()}/hunter2")
    assert says == "127.0.0.1 refused the connection: check that it runs there, and the port."


def test_a_name_that_does_not_exist():
    assert "no-such-host.invalid cannot be found" in fails("https://no-such-host.invalid/")


def test_plain_http_where_tls_is_expected(receiver):
    says = fails(receiver.url().replace("http:", "https:"))
    assert "does not speak TLS" in says


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made, tmp_path / "ca.pem"


def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_ones_own_authority(receivers, authority):
    made, file = authority
    receiver = receivers(tls=serving(made.issue_cert("127.0.0.1")))
    assert "certificate" in fails(receiver.url())
    send(receiver.url(), options={"ca": str(file)})
    assert len(receiver.got) == 1


def test_a_certificate_for_another_name(receivers, authority):
    made, file = authority
    receiver = receivers(tls=serving(made.issue_cert("other.example")))
    assert "for another name" in fails(receiver.url(), options={"ca": str(file)})


def test_a_server_that_hangs_up():
    with socket.create_server(("127.0.0.1", 0)) as server:

        async def once():
            async def hang_up():
                connection, _ = await asyncio.to_thread(server.accept)
                connection.close()

            channel = WebhookChannel(f"http://127.0.0.1:{server.getsockname()[1]}/")
            task = asyncio.create_task(hang_up())
            try:
                with pytest.raises(ChannelError, match="closed the connection"):
                    await channel.send(MESSAGE)
            finally:
                await task
                await channel.aclose()

        asyncio.run(once())
