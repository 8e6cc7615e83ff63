"""Server-sent events over a real server: first a snapshot, then news, for many at once."""

import asyncio
import json
import socket
import threading
import time

import httpx
import pytest

from harken.web.contract import Viewer
from harken.web.live import Live, concerns, visible


class Stream:
    """An open page; reads events one by one."""

    def __init__(self, response):
        self.response = response
        self.lines = response.iter_lines()

    def next(self):
        event = {}
        for line in self.lines:
            if not line:
                if "data" in event:
                    return event["event"], json.loads(event["data"]), int(event["id"])
                event = {}
            elif not line.startswith(":"):
                key, _, value = line.partition(": ")
                event[key] = value
        return None


@pytest.fixture
def pages(home, serve):
    server = serve(home)
    opened = []

    def watch(who):
        client = httpx.Client(base_url=server.url, timeout=20)
        context = client.stream("GET", "/api/live", headers=home.headers(who))
        opened.append((client, context))
        response = context.__enter__()
        assert response.status_code == 200
        return Stream(response)

    watch.server = server
    yield watch
    for client, context in opened:
        context.__exit__(None, None, None)
        client.close()


@pytest.mark.e2e
def test_a_page_gets_a_snapshot_then_news(home, pages):
    page = pages("caregiver")
    assert page.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert page.response.headers["cache-control"] == "no-store"
    assert "content-encoding" not in page.response.headers
    kind, data, first = page.next()
    assert kind == "state"
    assert data["me"]["name"] == "Bo"
    assert [room["id"] for room in data["rooms"]]
    with pages.server.http() as other:
        tap = {"events": [home.event()]}
        home.hub.note = "changed"
        began = time.monotonic()
        assert other.post("/api/events", json=tap, headers=home.headers("owner")).is_success
    kind, data, second = page.next()
    assert time.monotonic() - began < 2
    assert (kind, data["rooms"][0]["note"]) == ("state", "changed")
    assert second > first


@pytest.mark.e2e
def test_alerts_go_to_whom_they_are_for(home, pages):
    bo, ann, gran = (pages(who) for who in ("caregiver", "owner", "viewer"))
    for page in (bo, ann, gran):
        assert page.next()[0] == "state"
    publish = pages.server.publish
    publish("alert", {"alert": "1", "caregiver": "bo", "room": "nursery"})
    publish("alert", {"alert": "2", "caregiver": None, "room": "nursery"})
    assert [bo.next()[1]["alert"], bo.next()[1]["alert"]] == ["1", "2"]
    assert ann.next()[1]["alert"] == "2"
    home.hub.note = "x"
    publish("state", {})
    assert gran.next()[0] == "state"


@pytest.mark.e2e
def test_what_is_said_goes_to_the_room(home, pages):
    tablet = pages("nursery")
    assert [room["id"] for room in tablet.next()[1]["rooms"]] == ["nursery"]
    pages.server.publish("say", {"id": "1", "room": "attic", "phrase": "a"})
    pages.server.publish("say", {"id": "2", "room": "nursery", "phrase": "b"})
    assert tablet.next()[1]["id"] == "2"


@pytest.mark.e2e
def test_a_page_whose_device_is_signed_out_ends(home, pages):
    page = pages("caregiver")
    page.next()
    with pages.server.http() as ann:
        answer = ann.delete("/api/devices/caregiver-device", headers=home.headers("owner"))
        assert answer.is_success
    while page.next() is not None:
        pass
    with pages.server.http() as bo:
        assert bo.get("/api/live", headers=home.headers("caregiver")).status_code == 401


@pytest.mark.e2e
def test_a_viewer_who_is_given_another_child_sees_it(home, pages):
    page = pages("viewer")
    assert [room["id"] for room in page.next()[1]["rooms"]] == ["nursery"]
    with pages.server.http() as ann:
        body = {"children": ["ole"]}
        assert ann.patch(
            "/api/caregivers/gran", json=body, headers=home.headers("owner")
        ).is_success
    while page.next() is not None:
        pass
    assert [room["id"] for room in pages("viewer").next()[1]["rooms"]] == ["attic"]


def test_heartbeats_and_moving_levels(home):
    async def drive():
        live = Live(home.hub, people=home.app.state.web.people, heartbeat_s=0.2)
        telling = asyncio.create_task(live.run())
        viewer = Viewer("owner-device", "owner", "Ann", caregiver="ann")
        sent, gone = [], asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message.get("body", b""))

        page = asyncio.create_task(live.stream(viewer, receive, send))
        await asyncio.sleep(0.5)
        states = sum(b"event: state" in body for body in sent)
        for _ in range(20):  # nothing but clocks and levels move
            home.hub.publish("state", {})
            await asyncio.sleep(0.02)
        quiet = sum(b"event: state" in body for body in sent) - states
        gone.set()
        await asyncio.wait_for(page, 5)
        assert len(live) == 0
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        return sent, states, quiet

    sent, states, quiet = asyncio.run(drive())
    assert sent[1] == b"retry: 1000\n\n"
    assert states == 1
    assert b": heartbeat\n\n" in sent
    assert quiet <= 1


def test_a_page_that_does_not_read_is_dropped(home):
    async def drive():
        live = Live(home.hub, people=home.app.state.web.people, send_s=0.2)
        viewer = Viewer("owner-device", "owner", "Ann", caregiver="ann")
        sent = []

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)
            if len(sent) > 2:
                await asyncio.Event().wait()

        await asyncio.wait_for(live.stream(viewer, receive, send), 5)
        assert len(live) == 0

    asyncio.run(drive())


def test_a_page_is_owed_at_most_so_much(home):
    async def drive():
        live = Live(home.hub, people=home.app.state.web.people)
        telling = asyncio.create_task(live.run())
        viewer = Viewer("owner-device", "owner", "Ann", caregiver="ann")
        stuck = asyncio.Event()

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            if b"event: state" in message.get("body", b""):
                await stuck.wait()

        page = asyncio.create_task(live.stream(viewer, receive, send))
        await asyncio.sleep(0.3)
        for number in range(100):
            home.hub.publish("alert", {"alert": str(number), "caregiver": None})
        await asyncio.sleep(0.2)
        stuck.set()
        await asyncio.wait_for(page, 5)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)

    asyncio.run(drive())


def test_when_the_news_fail_pages_are_not_left_in_the_dark(home, caplog):
    async def drive():
        live = Live(home.hub, people=home.app.state.web.people)
        telling = asyncio.create_task(live.run())
        viewer = Viewer("owner-device", "owner", "Ann", caregiver="ann")

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            pass

        page = asyncio.create_task(live.stream(viewer, receive, send))
        await asyncio.sleep(0.2)
        state, home.hub.state = home.hub.state, None
        home.hub.publish("state", {})
        await asyncio.wait_for(page, 5)  # ended, so that it comes again
        home.hub.state = state
        await asyncio.sleep(0.7)
        assert home.hub.queues
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)

    asyncio.run(drive())
    assert "the pages' news stopped" in caplog.text


def test_news_for_whom():
    nursery = Viewer("d", "nursery", "Tablet", room="a")
    gran = Viewer("d", "viewer", "Gran", children=frozenset({"ida"}))
    bo = Viewer("d", "caregiver", "Bo", caregiver="bo")
    assert concerns("problem", {}, bo)
    assert not concerns("problem", {}, gran)
    assert not concerns("alert", {"caregiver": None}, nursery)
    assert not concerns("say", {"room": "a"}, bo)
    assert concerns("say", {"room": "a"}, nursery)


def test_a_snapshot_is_not_changed_by_looking():
    snapshot = {"rooms": [{"id": "a"}], "problems": [1], "caregivers": [1]}
    gran = Viewer("d", "viewer", "Gran")
    assert visible(snapshot, viewer=gran, children={})["rooms"] == []
    assert snapshot["rooms"] == [{"id": "a"}]


@pytest.mark.alone
@pytest.mark.e2e
@pytest.mark.slow
def test_a_thousand_pages_are_told_within_a_second(home, serve):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 1000
    if hard < 4 * many:
        pytest.skip(f"only {hard} files may be open on this machine")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * many), hard))
    server = serve(home)
    ask = (
        f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Cookie: {home.headers('caregiver')['cookie']}\r\n\r\n"
    ).encode()
    arrived = []

    async def page(ready):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(ask)
        while b"event: state" not in await reader.readline():
            pass
        ready.release()
        while b"event: alert" not in (await reader.readline()):
            pass
        arrived.append(time.monotonic())
        writer.close()

    async def crowd():
        ready = asyncio.Semaphore(0)
        tasks = []
        for n in range(many):
            tasks.append(asyncio.create_task(page(ready)))
            if n % 50 == 49:
                await asyncio.sleep(0.05)
        for _ in range(many):
            await asyncio.wait_for(ready.acquire(), 60)
        await asyncio.sleep(1)
        asked = home.hub.asked
        began = time.monotonic()
        server.publish("state", {})
        server.publish("alert", {"alert": "1", "caregiver": None, "room": "nursery"})
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        return began, home.hub.asked - asked

    began, asked = asyncio.run(crowd())
    assert len(arrived) == many
    assert max(arrived) - began < 1.0
    assert asked <= 2


def test_a_slow_page_keeps_nobody_waiting(home, serve):
    server = serve(home)
    home.hub.note = "x" * 200_000
    deaf = socket.create_connection(("127.0.0.1", server.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    cookie = home.headers("owner")["cookie"]
    deaf.sendall(f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    stop = threading.Event()

    def change():
        while not stop.wait(0.05):
            home.hub.note = "x" * 200_000 + str(time.monotonic())
            server.publish("state", {})

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with (
            server.http() as client,
            client.stream("GET", "/api/live", headers=home.headers("caregiver")) as response,
        ):
            page = Stream(response)
            for _ in range(5):
                began = time.monotonic()
                assert page.next()[0] == "state"
                assert time.monotonic() - began < 2
    finally:
        stop.set()
        changing.join()
        deaf.close()
