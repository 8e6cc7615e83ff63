"""The nursery's sound over a real WebSocket: what is taken, and what ends a connection."""

import contextlib
import json
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from harken.errors import ParameterError
from harken.web.sound import read_frame

pytestmark = pytest.mark.e2e


def frame(seq, samples=1600, at=None):
    return struct.pack("<Id", seq, time.time() if at is None else at) + b"\1\0" * samples


@pytest.fixture
def ears(home, serve):
    server = serve(home)
    opened = []

    def listen(who="nursery", room="nursery", origin=None, **more):
        opened.append(
            connect(
                f"{server.ws}/api/rooms/{room}/sound?name=Tablet",
                origin=origin or server.url,
                additional_headers={"Cookie": home.headers(who)["cookie"]},
                compression=None,
                max_size=None,
                **more,
            )
        )
        return opened[-1]

    listen.server = server
    yield listen
    for socket in opened:
        socket.close()


def closed(socket, within=10):
    """The code and reason with which the server closed."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            socket.recv(timeout=within)
        except ConnectionClosed as error:
            return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (None, "cut off")
    pytest.fail("the server did not close the connection")


def until(true, within=5):
    end = time.monotonic() + within
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def test_sound_goes_to_the_hub(home, ears):
    with ears() as socket:
        for seq in (0, 1, 5):
            socket.send(frame(seq, at=100.5))
        until(lambda: home.hub.ears and len(home.hub.ears[0].pieces) == 3)
        assert home.hub.ears[0].pieces == [(0, 100.5, 3200), (1, 100.5, 3200), (5, 100.5, 3200)]
        told = [json.loads(socket.recv(5)) for _ in range(3)]
        assert set(told[-1]) == {"level_dbfs", "heard", "state", "cry"}
        assert told[-1]["heard"]
    until(lambda: home.hub.ears[0].closed)


def test_what_is_said_comes_down_the_same_line(home, ears):
    with ears() as socket:
        json.loads(socket.recv(5))
        ears.server.publish("say", {"id": "1", "room": "nursery", "phrase": "song"})
        ears.server.publish("say", {"id": "2", "room": "attic", "phrase": "song"})
        says = [m["say"] for m in (json.loads(socket.recv(5)) for _ in range(6)) if "say" in m]
        assert [one["id"] for one in says] == ["1"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("text", 1003),
        (b"", 1007),
        (b"x" * 5, 1007),
        (struct.pack("<Id", 0, 1.0), 1007),
        (frame(0) + b"x", 1007),
        (frame(0, at=float("nan")), 1007),
        (frame(0, at=float("inf")), 1007),
        (frame(0, at=-1.0), 1007),
        (frame(0, samples=32_775), 1009),
    ],
)
def test_a_frame_that_breaks_the_rule_ends_its_own_connection_only(home, ears, sent, code):
    with ears("caregiver", "attic") as good, ears() as bad:
        good.send(frame(0))
        bad.send(sent)
        assert closed(bad)[0] == code
        good.send(frame(1))
        until(lambda: max(len(ear.pieces) for ear in home.hub.ears) == 2)
        json.loads(good.recv(5))
    until(lambda: all(ear.closed for ear in home.hub.ears))


def test_megabytes_are_not_even_read(home, ears):
    with ears("caregiver", "attic") as good:
        good.send(frame(0))
        with ears() as bad, contextlib.suppress(ConnectionClosed, OSError):
            bad.send(b"\0" * 50_000_000)
            assert closed(bad)[0] in (1009, None)
        good.send(frame(1))
        until(lambda: max(len(ear.pieces) for ear in home.hub.ears) == 2)


def test_numbers_must_count_up(ears):
    with ears() as socket:
        socket.send(frame(5))
        socket.send(frame(5))
        assert closed(socket) == (1007, "Sequence numbers must count up.")


def test_more_than_real_time_is_refused(ears):
    with ears() as socket:
        with contextlib.suppress(ConnectionClosed):  # it may refuse before all is sent
            for seq in range(20):
                socket.send(frame(seq, samples=32_000))
        assert closed(socket)[0] == 4429


def test_no_sound_ends_it(home, ears):
    home.app.state.web.sound._silent_s = 0.5
    with ears() as socket:
        assert closed(socket) == (4408, "No sound came.")


def test_a_slow_drip_of_bytes_harms_nobody(home, ears):
    import socket as plain

    home.app.state.web.sound._silent_s = 1.0
    raw = plain.create_connection(("127.0.0.1", ears.server.port), 5)
    cookie = home.headers("caregiver")["cookie"]
    raw.sendall(
        f"GET /api/rooms/attic/sound HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"Origin: {ears.server.url}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .encode().replace(b"Origin: " + ears.server.url.encode(), b"Origin: http://127.0.0.1")
    )  # fmt: skip
    assert b"101" in raw.recv(200)
    with ears() as good:
        raw.sendall(bytes([0x82, 0x80 | 126, 0x0C, 0x8C]))  # a frame is announced …
        began = time.monotonic()
        for seq in range(30):
            raw.sendall(b"\0")  # … and comes byte by byte
            good.send(frame(seq))
            time.sleep(0.05)
        until(lambda: max(len(ear.pieces) for ear in home.hub.ears) == 30)
        assert time.monotonic() - began < 5
    until(lambda: all(ear.closed for ear in home.hub.ears))
    raw.close()


def test_one_ear_a_room(home, ears):
    with ears() as first:
        first.send(frame(0))
        with ears("caregiver") as second:
            code, reason = closed(second)
            assert (code, reason) == (4409, "Tablet is this room's ears.")
        with ears() as again:  # the same device, after its network came back
            assert closed(first)[0] == 4410
            again.send(frame(0))
            until(lambda: home.hub.ears[-1].pieces)
    with ears("caregiver"):
        until(lambda: len(home.hub.ears) == 3)


def test_a_device_that_is_signed_out_is_cut_off(home, ears):
    with ears() as socket, ears.server.http() as ann:
        socket.send(frame(0))
        ann.delete("/api/devices/nursery-device", headers=home.headers("owner"))
        assert closed(socket)[0] == 4410


def test_a_room_that_no_browser_hears(home, ears):
    with ears.server.http() as ann:
        ann.patch("/api/rooms/nursery", json={"ear": "off"}, headers=home.headers("owner"))
    with ears() as socket:
        assert closed(socket) == (1008, "This room is not heard by a browser.")


def test_the_hub_falls_over(home, ears, caplog):
    home.hub.ear_fails = True
    with ears() as socket:
        socket.send(frame(0))
        assert closed(socket) == (1011, "Something went wrong in the hub.")
    assert "a room's ears failed" in caplog.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_site_cannot_listen(ears, origin):
    with pytest.raises(InvalidStatus) as caught:
        ears(origin=origin)
    assert caught.value.response.status_code == 403


def test_a_cookie_without_an_origin_is_not_enough(home, ears):
    with pytest.raises(InvalidStatus):
        connect(
            f"{ears.server.ws}/api/rooms/nursery/sound",
            additional_headers={"Cookie": home.headers("owner")["cookie"]},
        )
    bearer = {"Authorization": f"Bearer {home.tokens['script']}"}
    with connect(f"{ears.server.ws}/api/rooms/nursery/sound", additional_headers=bearer) as socket:
        json.loads(socket.recv(5))


def test_the_hub_stops(home, ears):
    with ears() as socket:
        socket.send(frame(0))
        until(lambda: home.hub.ears and home.hub.ears[0].pieces)
        ears.server.loop.call_soon_threadsafe(home.app.state.web.close)
        assert closed(socket)[0] == 1012


@pytest.mark.parametrize("wrong", [b"", b"x", b"x" * 13, struct.pack("<Idh", 0, 1e12, 0)])
def test_frames_that_are_none(wrong):
    with pytest.raises(ParameterError):
        read_frame(wrong)
