"""Bad input at the command: one line that says what to do, nothing lost, the rest goes on."""

import csv
import ctypes
import os
import resource
import socket
import struct
import threading
import time
import wave

import numpy as np
import psutil
import pytest

pytestmark = pytest.mark.e2e

RATE = 16_000


def encode(path, samples, *, codec, rate=RATE, layout="mono", options=None):
    """Write float32[channels, n] with FFmpeg's own encoders."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options or {})
        form = stream.codec_context.format.name
        step = stream.codec_context.frame_size or 1024
        for start in range(0, samples.shape[1], step):
            part = np.ascontiguousarray(samples[:, start : start + step])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            resampler = av.AudioResampler(form, layout, rate)
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def float_wav(path, samples):
    """Write 32-bit float WAV, NaN and all."""
    data = samples.astype("<f4").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, RATE,
                       4 * RATE, 4, 32)  # fmt: skip
    path.write_bytes(head + struct.pack("<4sI", b"data", len(data)) + data)
    return path


def empty(path, tone):
    path.write_bytes(b"")


def text(path, tone):
    path.write_text("This is no sound.\n" * 50)


def picture(path, tone):
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)


def no_samples(path, tone):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)


def only_nan(path, tone):
    float_wav(path, np.full(RATE, np.nan))


def silent_film(path, tone):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


UNREADABLE = {
    "empty.wav": empty,
    "text.wav": text,
    "picture.wav": picture,
    "no samples.wav": no_samples,
    "only nan.wav": only_nan,
    "film.mp4": silent_film,
}


@pytest.fixture
def analyze(harken, loud_is_crying, tmp_path):
    def run(*arguments, **options):
        done = harken(
            "analyze", *arguments, "--out", "out", "--model", loud_is_crying, "--jobs", 1, **options
        )
        table = tmp_path / "out/recordings.csv"
        if not table.exists():
            return done, []
        with table.open(newline="", encoding="utf-8") as file:
            return done, list(csv.DictReader(file))

    return run


def test_what_cannot_be_read_is_listed_and_the_rest_goes_on(analyze, tmp_path, night, tone):
    for name, make in UNREADABLE.items():
        make(tmp_path / name, tone)
    done, rows = analyze(*UNREADABLE, night.name)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    *lines, last = done.stderr.splitlines()
    assert len(lines) == len(UNREADABLE)
    assert all(line.startswith("harken: ") for line in lines)
    assert f"{len(UNREADABLE)} of {len(UNREADABLE) + 1} recordings could not be read" in last
    assert [row["status"] for row in rows] == ["error"] * len(UNREADABLE) + ["ok"]
    assert rows[-1]["bouts"] == "1"
    for row in rows[:-1]:
        assert row["recording"] in row["error"]
        assert "\n" not in row["error"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_listen_says_in_one_line_what_it_cannot_read(harken, tmp_path, loud_is_crying, tone, name):
    UNREADABLE[name](tmp_path / name, tone)
    done = harken("listen", name, "--format", "jsonl", "--model", loud_is_crying)
    assert done.returncode == 1
    assert done.stderr.startswith("harken: ")
    assert done.stderr.count("\n") == 1
    assert name in done.stderr


def test_a_truncated_mp3_gives_what_is_left_of_it(analyze, tmp_path, tone):
    whole = encode(tmp_path / "whole.mp3", tone((3, 9), seconds=60)[None], codec="libmp3lame")
    content = whole.read_bytes()
    (tmp_path / "cut.mp3").write_bytes(content[: len(content) // 3])
    done, (row,) = analyze("cut.mp3")
    assert "Traceback" not in done.stderr
    assert row["bouts"] == "1"
    assert 15 < float(row["seconds"]) < 25
    assert row["status"] == "partial"
    assert "cut off" in row["error"]
    assert done.returncode == 1


def test_nan_and_infinite_samples_are_repaired_and_told(analyze, tmp_path, tone):
    samples = tone((3, 9), seconds=20)
    samples[RATE : RATE + 100] = np.nan
    samples[2 * RATE] = np.inf
    float_wav(tmp_path / "holes.wav", samples)
    _, (row,) = analyze("holes.wav", "--frames")
    assert row["bouts"] == "1"
    assert row["status"] == "partial"
    assert "NaN" in row["error"]


@pytest.mark.parametrize(
    ("rate", "channels", "layout"), [(8_000, 1, "mono"), (96_000, 1, "mono"), (48_000, 6, "5.1")]
)
def test_rates_and_channels_of_all_kinds_give_the_same_bout(
    analyze, tmp_path, rate, channels, layout
):
    t = np.arange(20 * rate) / rate
    samples = 1e-3 * np.random.default_rng(2).standard_normal((channels, len(t)))
    samples[:, 3 * rate : 9 * rate] += 0.3 * np.sin(2 * np.pi * 450 * t[3 * rate : 9 * rate])
    encode(tmp_path / "a.flac", samples.astype(np.float32), codec="flac", rate=rate, layout=layout)
    done, (row,) = analyze("a.flac")
    assert (done.returncode, row["status"], row["bouts"]) == (0, "ok", "1")
    assert float(row["seconds"]) == pytest.approx(20, abs=0.01)
    assert float(row["cry_seconds"]) == pytest.approx(6, abs=0.25)


def test_a_millisecond_is_a_recording(analyze, tmp_path, tone, write_wav):
    write_wav(tmp_path / "blink.wav", tone(seconds=0.001))
    done, (row,) = analyze("blink.wav", "--frames", "--plot")
    assert done.returncode == 0
    assert (row["seconds"], row["bouts"], row["status"]) == ("0.001", "0", "ok")


@pytest.mark.slow
def test_a_day_is_a_recording_and_memory_stays_flat(start, tmp_path, tone, loud_is_crying):
    hour = (tone((10, 40), seconds=3600) * 32767).astype("<i2").tobytes()
    with wave.open(str(tmp_path / "day.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(24):
            file.writeframes(hour)
    running = start("analyze", "day.wav", "--out", "out", "--frames", "--model", loud_is_crying)
    peaks: dict[int, int] = {}
    watched = psutil.Process(running.pid)
    while running.poll() is None:
        for process in (watched, *children_of(watched)):
            try:
                used = process.memory_info().rss
            except psutil.Error:
                continue
            peaks[process.pid] = max(used, peaks.get(process.pid, 0))
        time.sleep(0.05)
    out, complaint = running.communicate()
    assert (running.returncode, complaint) == (0, "")
    assert out == "1 of 1 recordings, 24 bouts: out\n"
    with (tmp_path / "out/recordings.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["seconds"], row["bouts"]) == ("86400.000", "24")
    assert max(peaks.values()) < 300e6


def children_of(process):
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


NAMES = [
    "with space.wav",
    "quote'and\"more.wav",
    "baby \N{BABY} cries.wav",
    "two\nlines.wav",
    "comma,semicolon;.wav",
    "=1+1.wav",
    "-dash.wav",
    "[bold]markup[].wav",
]


def test_names_of_all_kinds_come_back_from_the_tables(analyze, tmp_path, tone, write_wav):
    (tmp_path / "in").mkdir()
    for name in NAMES:
        write_wav(tmp_path / "in" / name, tone((1, 6), seconds=12))
    done, rows = analyze("in", "--plot", "--frames")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(row["recording"] for row in rows) == sorted(f"in/{name}" for name in NAMES)
    with (tmp_path / "out/bouts.csv").open(newline="", encoding="utf-8") as file:
        bouts = list(csv.DictReader(file))
    assert [row["recording"] for row in bouts] == [row["recording"] for row in rows]
    assert len(list((tmp_path / "out/plots").iterdir())) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_error_about_any_name_is_one_line(harken, tmp_path, loud_is_crying, name):
    (tmp_path / name).write_bytes(b"")
    done = harken("listen", f"./{name}", "--model", loud_is_crying)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_not_unicode_is_written_as_text(analyze, tmp_path, tone, write_wav):
    plain = write_wav(tmp_path / "plain.wav", tone((1, 6), seconds=12))
    plain.rename(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.wav"))
    done, (row,) = analyze(b"caf\xe9.wav", "--frames", "--plot")
    assert done.returncode == 0
    assert row["recording"] == r"caf\xe9.wav"
    assert row["bouts"] == "1"


def test_a_name_that_a_spreadsheet_takes_for_a_formula_is_the_same_path(
    analyze, tmp_path, tone, write_wav
):
    write_wav(tmp_path / "=1+1.wav", tone(seconds=1))
    _, (row,) = analyze("=1+1.wav")
    assert row["recording"] == "./=1+1.wav"
    assert (tmp_path / row["recording"]).exists()


def test_a_path_that_cannot_be_looked_into_does_not_stop_the_rest(analyze, tmp_path, night):
    (tmp_path / "file").write_text("a file, no folder")
    done, rows = analyze("file/inside", "absent", night.name)
    assert done.returncode == 1
    assert [row["status"] for row in rows] == ["ok"]
    assert done.stderr.count("\n") == 2
    assert "file/inside" in done.stderr
    assert "absent" in done.stderr


def as_anyone_else() -> None:
    """Give up root's right to read everything, where this is root; run in the new process."""
    drop_from_bounding_set = 24
    for cap_dac in (1, 2):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, cap_dac, 0, 0, 0)


def test_an_unreadable_folder_is_told_and_the_rest_goes_on(analyze, tmp_path, tone, write_wav):
    (tmp_path / "in/closed").mkdir(parents=True)
    write_wav(tmp_path / "in/a.wav", tone(seconds=1))
    closed_file = write_wav(tmp_path / "in/b.wav", tone(seconds=1))
    (tmp_path / "in/closed").chmod(0)
    closed_file.chmod(0)
    try:
        done, rows = analyze("in", preexec_fn=as_anyone_else)
    finally:
        (tmp_path / "in/closed").chmod(0o700)
    assert done.returncode == 1
    assert [(row["recording"], row["status"]) for row in rows] == [
        ("in/a.wav", "ok"),
        ("in/b.wav", "error"),
    ]
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert "in/closed" in lines[0]
    assert "may not be read" in lines[1]


def test_a_folder_without_recordings_says_so(analyze, tmp_path):
    (tmp_path / "in").mkdir()
    done, rows = analyze("in")
    assert (done.returncode, rows) == (1, [])
    assert done.stderr.count("\n") == 1
    assert "'in'" in done.stderr


def test_an_output_that_cannot_be_written_is_one_line(harken, tmp_path, night, loud_is_crying):
    (tmp_path / "file").write_text("in the way")
    done = harken("analyze", night, "--out", "file/out", "--model", loud_is_crying)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot write 'file/out'" in done.stderr


@pytest.mark.parametrize("limit", [4_096, 20_000])
def test_a_full_disk_is_one_line_and_leaves_no_half_file(analyze, tmp_path, tone, write_wav, limit):
    write_wav(tmp_path / "a.wav", tone((3, 9), seconds=300))

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done, rows = analyze("a.wav", "--frames", preexec_fn=full)
    assert done.returncode == 1
    assert rows == []
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr
    assert "make room" in done.stderr
    left = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [name for name in left if name.endswith((".csv", ".part", ".parquet"))] == []
    done, rows = analyze("a.wav", "--frames")
    assert (done.returncode, rows[0]["bouts"]) == (0, "1")


def test_a_full_disk_under_the_output_of_listen_is_one_line(harken, night, loud_is_crying):
    with open("/dev/full", "w") as full:  # noqa: PTH123 (a device)
        done = harken(
            "listen", night, "--format", "jsonl", "--model", loud_is_crying,
            stdout=full, stderr=-1, capture_output=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("harken: ")
    assert done.stderr.count("\n") == 1


def test_a_crash_of_the_process_costs_one_recording_only(analyze, tmp_path, night, monkeypatch):
    for name in ("b.wav", "c.wav"):
        (tmp_path / name).write_bytes(night.read_bytes())
    (tmp_path / "deadly.wav").write_bytes(night.read_bytes())
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import av, os\n"
        "whole = av.open\n"
        "def deadly(file, *args, **options):\n"
        "    if 'deadly' in str(file):\n"
        "        os._exit(11)\n"
        "    return whole(file, *args, **options)\n"
        "av.open = deadly\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "site")}
    done, rows = analyze("b.wav", "deadly.wav", "night.wav", "c.wav", env=environment)
    assert done.returncode == 1
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "ok"]
    assert "killed or crashed" in rows[1]["error"]


def test_a_stream_that_goes_away_and_comes_back_is_a_gap(start, loud_is_crying, events, tone):
    """A server that sends 6 s of a stream, hangs up, and answers again after a while."""
    pcm = (tone((1, 30), seconds=6) * 32767).astype("<i2").tobytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nConnection: close\r\n\r\n"
    wav = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, RATE,
                      2 * RATE, 2, 16, b"data", 0xFFFFFFFF)  # fmt: skip
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                try:
                    client.sendall(head + wav + pcm)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    running = start(
        "listen", f"http://127.0.0.1:{port}/", "--format", "jsonl", "--model", loud_is_crying
    )
    try:
        told = []
        while not any(event["event"] == "gap" and event["end"] is not None for event in told):
            told += events(running.stdout.readline())
    finally:
        server.close()
    gaps = [event for event in told if event["event"] == "gap"]
    assert gaps[0]["end"] is None
    assert gaps[1]["end"] >= gaps[1]["start"]
    assert gaps[1]["end_time"] > gaps[1]["start_time"][:10]
    started = next(event for event in told if event["event"] == "bout_started")
    assert started["onset_time"].endswith("+00:00")
