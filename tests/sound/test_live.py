"""Live sources come back by themselves, and a gap has its real length."""

import contextlib
import http.server
import importlib.util
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from harken.errors import ParameterError, SourceError
from harken.sound import AudioBlock, Backoff, Gap, LiveSource, Silence, open_source

from .making import noise, rms, tone, write_sound

QUICK = Backoff(first_s=0.02, most_s=0.1)


class Wire:
    """A made-up device: what is put on it is heard; an exception breaks it off."""

    def __init__(self):
        self.plugged = True
        self.items = queue.Queue()
        self.opened = 0
        self.closed = 0

    def __call__(self):
        if not self.plugged:
            raise SourceError("no such microphone: plug it in")
        self.opened += 1
        return self

    def blocks(self):
        while (item := self.items.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self):
        self.closed += 1


class Hands:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@contextlib.contextmanager
def live(**options):
    wire, hands = Wire(), Hands()
    options = {"backoff": QUICK, "clock": hands, **options}
    with LiveSource(wire, name="mic", **options) as source:
        try:
            yield wire, hands, source
        finally:
            wire.items.put(None)


def until(source, wanted):
    """Read up to the first item that is wanted."""
    seen = []
    for item in source:
        seen.append(item)
        if wanted(item):
            return seen
    raise AssertionError(f"it never came; only {seen}")


def begins(item):
    return isinstance(item, Gap) and item.end is None


def ends(item):
    return isinstance(item, Gap) and item.end is not None


def test_blocks_of_a_run_follow_one_another_without_a_hole():
    with live() as (wire, hands, source):
        starts = []
        for n in range(20):
            hands.now = 0.16 * (n + 1) + (0.09 if n % 3 else 0.0)
            wire.items.put(noise(0.16))
            starts.append(next(source).start)
        assert starts == pytest.approx([0.16 * n for n in range(20)])


def test_the_start_is_a_time_of_day():
    before = datetime.now(UTC)
    with live() as (_, _, source):
        assert source.live
        assert before <= source.started_at <= datetime.now(UTC)


def test_a_dead_source_is_told_after_two_seconds_and_once_more_when_it_is_back():
    with live() as (wire, hands, source):
        hands.now = 1.0
        wire.items.put(noise(1.0))
        assert next(source).end == 1.0
        hands.now = 2.9
        threading.Timer(0.3, lambda: setattr(hands, "now", 3.0)).start()
        begun = next(source)
        assert (begun.start, begun.end, hands.now) == (1.0, None, 3.0)
        hands.now = 61.0
        wire.items.put(noise(0.5))
        over, block = next(source), next(source)
        assert (over.start, over.end) == (1.0, 60.5)
        assert (block.start, block.end) == (60.5, 61.0)


def test_an_unplugged_microphone_is_a_gap_with_its_reason_until_it_is_back():
    with live() as (wire, hands, source):
        hands.now = 1.0
        wire.items.put(noise(1.0))
        next(source)
        wire.plugged = False
        wire.items.put(OSError(19, "No such device"))
        hands.now = 4.0
        reason = until(source, begins)[-1].reason
        assert "plug it in" in reason or "No such device" in reason
        hands.now = 100.0
        wire.plugged = True
        wire.items.put(noise(1.0))
        over = until(source, ends)[-1]
        assert (over.start, over.end) == (1.0, 99.0)
        assert next(source).start == 99.0
        assert wire.opened == 2


def test_a_short_break_is_a_gap_as_well():
    with live() as (wire, hands, source):
        hands.now = 1.0
        wire.items.put(noise(1.0))
        next(source)
        wire.items.put(OSError("broken"))
        hands.now = 2.0
        wire.items.put(noise(0.5))
        begun, over, block = next(source), next(source), next(source)
        assert (begun.start, begun.end, over.start, over.end) == (1.0, None, 1.0, 1.5)
        assert block.start == 1.5
        assert begun.reason == "mic: broken"


def test_a_source_that_never_speaks_is_told():
    with live() as (_, hands, source):
        hands.now = 2.5
        begun = next(source)
        assert (begun.start, begun.end) == (0.0, None)


def test_sound_lost_on_the_way_becomes_a_gap_of_its_length():
    with live() as (wire, hands, source):
        items = []
        for n in range(40):
            hands.now = n + 1.0 + (5.0 if n >= 10 else 0.0)
            wire.items.put(noise(1.0))
            items += until(source, lambda item: isinstance(item, AudioBlock))
        gaps = [item for item in items if isinstance(item, Gap)]
        assert len(gaps) == 2
        assert gaps[1].end - gaps[1].start == pytest.approx(5.0)
        assert items[-1].end == pytest.approx(hands.now)


def test_a_burst_after_a_stall_loses_nothing_and_is_no_gap():
    with live(gap_after_s=30.0) as (wire, hands, source):
        for n in range(30):
            hands.now = 25.0 if 5 <= n < 25 else n + 1.0
            wire.items.put(noise(1.0, seed=n))
            assert next(source).start == n


def test_silence_and_frozen_streams_are_told_live():
    with live() as (wire, hands, source):
        items, loop = [], noise(1.0)
        for n in range(28):
            hands.now = n + 1.0
            wire.items.put(np.zeros(16_000, np.float32) if n < 12 else loop)
            items += until(source, lambda item: isinstance(item, AudioBlock))
        assert [item for item in items if isinstance(item, Silence)] == [
            Silence(0.0, None, "digital"),
            Silence(0.0, 12.0, "digital"),
            Silence(13.0, None, "frozen"),
        ]


def test_waits_between_tries_grow_and_a_sound_resets_them():
    wire, waits = Wire(), []
    tried = threading.Event()

    class Counting(Backoff):
        def wait_s(self, tries):
            waits.append(tries)
            wire.plugged = len(waits) >= 4
            if len(waits) == 4:
                wire.items.put(noise(0.1))
                wire.items.put(OSError("again"))
            if len(waits) == 5:
                tried.set()
            return 0.001

    wire.items.put(noise(0.1))
    wire.items.put(OSError("broken"))
    with LiveSource(wire, name="mic", backoff=Counting()) as source:
        assert tried.wait(5)
        source.close()
        wire.items.put(None)
    assert waits[:5] == [0, 1, 2, 3, 0]


def test_closing_ends_iteration_and_lets_go_of_the_device():
    with live() as (wire, _, source):
        threading.Timer(0.2, source.close).start()
        wire.items.put(noise(0.1))
        begun = time.monotonic()
        assert all(isinstance(item, AudioBlock) for item in source)
        assert time.monotonic() - begun < 2
        wire.items.put(None)
        source._thread.join(1)
        assert wire.closed == 1


def test_the_first_failure_to_open_is_the_callers():
    wire = Wire()
    wire.plugged = False
    with pytest.raises(SourceError, match="plug it in"):
        LiveSource(wire, name="mic")


@pytest.mark.parametrize("waits", [(0, 1), (2, 1), (-1, 1), (float("nan"), 1)])
def test_waits_that_are_none_are_refused(waits):
    with pytest.raises(ParameterError, match="0 < first_s <= most_s"):
        Backoff(first_s=waits[0], most_s=waits[1])


def wait_for_port(port):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


@contextlib.contextmanager
def streaming(pieces, port=0, *, frozen=None):
    """Serve bytes over HTTP without a length, a piece each tenth of a second."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in pieces:
                    if server.stop.is_set():
                        break
                    if frozen is not None and frozen.is_set():
                        server.stop.wait(10)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    server.stop.wait(0.1)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.stop = threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def in_pieces(path, seconds):
    content = path.read_bytes()
    size = len(content) // round(seconds * 10)
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.mp3", "libmp3lame", 16_000), ("a.wav", "pcm_s16le", 16_000), ("a.ogg", "libopus", 48_000)],
)
def test_an_http_stream_that_drops_and_comes_back(tmp_path, free_port, name, codec, rate):
    path = write_sound(tmp_path / name, tone(8.0, rate=rate), rate=rate, codec=codec)
    port = free_port()
    options = {"backoff": QUICK, "gap_after_s": 0.3, "timeout_s": 2.0}
    with contextlib.ExitStack() as first:
        first.enter_context(streaming(in_pieces(path, 8.0), port))
        with open_source(f"http://127.0.0.1:{port}/{name}", **options) as source:
            assert source.live
            items = until(source, lambda item: isinstance(item, AudioBlock) and item.end > 1)
            first.close()
            items += until(source, begins)
            down = time.monotonic()
            time.sleep(0.5)
            with streaming(in_pieces(path, 8.0), port):
                items += until(source, ends)
                back = time.monotonic()
                over = items[-1]
                items += until(
                    source, lambda item: isinstance(item, AudioBlock) and item.end > over.end + 0.5
                )
    blocks = [item for item in items if isinstance(item, AudioBlock)]
    assert rms(blocks[-1].samples) == pytest.approx(rms(tone(1.0)), rel=0.1)
    assert over.end - over.start > 0.4
    assert over.end - over.start < back - down + 3
    starts = [block.start for block in blocks]
    assert starts == sorted(starts)


@pytest.mark.e2e
def test_a_frozen_http_server_is_noticed(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(8.0))
    frozen = threading.Event()
    options = {"backoff": QUICK, "gap_after_s": 0.3, "timeout_s": 0.5}
    with (
        streaming(in_pieces(path, 8.0), frozen=frozen) as port,
        open_source(f"http://127.0.0.1:{port}/a.wav", **options) as source,
    ):
        until(source, lambda item: isinstance(item, AudioBlock) and item.end > 0.5)
        frozen.set()
        reason = until(source, begins)[-1].reason
        assert "no sound arrives" in reason or "nothing came for too long" in reason


@pytest.mark.e2e
def test_a_file_on_a_web_server_is_a_recording(tmp_path):
    write_sound(tmp_path / "a.wav", noise(2.0))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with open_source(f"http://127.0.0.1:{server.server_address[1]}/a.wav") as source:
            assert (source.live, source.duration_s) == (False, 2.0)
            assert [item.end for item in source] == [2.0]
        server.shutdown()


RTSP_SERVER = """
import asyncio, sys
from aio_rtsp_toolkit import server
asyncio.run(server.serve(sys.argv[1], host="127.0.0.1", port=int(sys.argv[2])))
"""


class Camera:
    """A real RTSP server in a process of its own, which can die, hang and come back."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", RTSP_SERVER, str(self.folder), str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_port(self.port)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def camera(tmp_path, free_port):
    if importlib.util.find_spec("aio_rtsp_toolkit") is None:
        pytest.skip("missing: the package aio-rtsp-toolkit")
    write_sound(
        tmp_path / "crib.mp4", tone(20.0, rate=44_100), rate=44_100, codec="aac", picture=False
    )
    write_sound(tmp_path / "phone.wav", tone(20.0, rate=8000), rate=8000, codec="pcm_mulaw")
    made = Camera(tmp_path, free_port())
    made.start()
    yield made
    made.stop()


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["crib.mp4", "phone.wav"])
def test_a_camera_is_heard_through_rtsp(camera, name):
    with open_source(f"rtsp://127.0.0.1:{camera.port}/{name}") as source:
        items = until(source, lambda item: isinstance(item, AudioBlock) and item.end > 1.5)
    assert all(isinstance(item, AudioBlock) for item in items)
    assert rms(items[-1].samples) == pytest.approx(rms(tone(1.0)), rel=0.1)
    assert max(len(item.samples) for item in items) <= 3200


@pytest.mark.e2e
def test_a_camera_that_goes_away_and_comes_back(camera):
    options = {"backoff": QUICK, "gap_after_s": 0.5, "timeout_s": 1.0}
    with open_source(f"rtsp://127.0.0.1:{camera.port}/phone.wav", **options) as source:
        until(source, lambda item: isinstance(item, AudioBlock) and item.end > 1)
        camera.stop()
        down = time.monotonic()
        begun = until(source, begins)[-1]
        assert "connection refused" in begun.reason
        assert time.monotonic() - down < 3
        camera.start()
        over = until(source, ends)[-1]
        assert over.end - over.start == pytest.approx(time.monotonic() - down, abs=0.7)
        until(source, lambda item: isinstance(item, AudioBlock) and item.end > over.end + 1)


@pytest.mark.e2e
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process")
def test_a_camera_that_hangs_is_noticed_and_heard_again(camera):
    options = {"backoff": QUICK, "gap_after_s": 0.5, "timeout_s": 1.0}
    with open_source(f"rtsp://127.0.0.1:{camera.port}/phone.wav", **options) as source:
        until(source, lambda item: isinstance(item, AudioBlock) and item.end > 0.5)
        camera.process.send_signal(signal.SIGSTOP)
        until(source, begins)
        time.sleep(1.5)
        camera.process.send_signal(signal.SIGCONT)
        over = until(source, ends)[-1]
        until(source, lambda item: isinstance(item, AudioBlock) and item.end > over.end + 1)


@pytest.mark.e2e
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_ends_a_live_source_at_once(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(8.0))
    code = (
        "import sys\nfrom harken.sound import open_source\n"
        "try:\n"
        "    with open_source(sys.argv[1]) as source:\n"
        "        for item in source: print('heard', flush=True)\n"
        "except KeyboardInterrupt: print('stopped')\n"
    )
    with streaming(in_pieces(path, 8.0)) as port:
        child = subprocess.Popen(
            [sys.executable, "-c", code, f"http://127.0.0.1:{port}/a.wav"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout.readline() == b"heard\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=5)
    assert out.endswith(b"stopped\n")
    assert (child.returncode, err) == (0, b"")
