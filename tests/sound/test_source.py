"""Files, folders and pipes: time, events, pace, memory."""

import io
import os
import struct
import subprocess
import sys
import threading
import time

import av
import numpy as np
import psutil
import pytest

from harken.sound import AudioBlock, Gap, Silence, open_source

from .making import heard, noise, told, tone, write_sound


class MadeTime:
    """A clock that goes only when somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_a_file_says_what_it_is(tmp_path):
    path = write_sound(tmp_path / "a.flac", noise(3.0), codec="flac")
    with open_source(str(path)) as source:
        assert (source.name, source.live, source.started_at) == (repr(str(path)), False, None)
        assert source.duration_s == pytest.approx(3.0)
        list(source)
        assert (source.problem, source.repaired, source.skipped) == (None, 0, 0)


def test_silence_in_a_file_is_told_beside_its_samples(tmp_path):
    sound = np.concatenate([noise(2), np.zeros(12 * 16_000, np.float32), noise(2, seed=1)])
    path = write_sound(tmp_path / "a.wav", sound)
    assert told(path) == [Silence(2.0, None, "digital"), Silence(2.0, 14.0, "digital")]
    assert len(heard(path)) == len(sound)


def test_silence_of_a_telephone_codec_is_silence_after_resampling(tmp_path):
    sound = np.concatenate([tone(2, rate=8000), np.zeros(12 * 8000, np.float32)])
    path = write_sound(tmp_path / "a.wav", sound, rate=8000, codec="pcm_mulaw")
    begun, over = told(path)
    assert (begun.kind, over.end) == ("digital", pytest.approx(14.0, abs=0.01))
    assert begun.start == pytest.approx(2.0, abs=0.05)


def test_a_hole_between_time_stamps_is_a_gap_of_its_length(tmp_path):
    sound = noise(4.0)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for at in range(0, 64_000, 1600):
            part = (sound[None, at : at + 1600] * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate = 16_000
            frame.pts = at if at < 32_000 else at + 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_source(tmp_path / "a.mkv") as source:
        first, begun, over, second = source
    assert (first.start, first.end) == (0.0, 2.0)
    assert (begun.start, begun.end, over.end) == (2.0, None, 5.0)
    assert second.start == pytest.approx(5.0, abs=0.002)


def test_realtime_gives_each_block_when_it_would_have_been_heard(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(2.0))
    clock = MadeTime()
    with open_source(path, realtime=True, clock=clock) as source:
        for block in source:
            assert block.end - block.start <= 0.16 + 1e-9
            assert clock.now - 100.0 == pytest.approx(block.end)


def test_a_closed_source_gives_nothing_more(tmp_path):
    source = open_source(write_sound(tmp_path / "a.wav", noise(3.0)), block_s=1.0)
    assert next(source).end == 1.0
    source.close()
    assert list(source) == []


def test_a_folder_is_one_running_clock_with_borders(tmp_path):
    write_sound(tmp_path / "1.wav", noise(2.0))
    (tmp_path / "2.wav").write_text("no sound")
    write_sound(tmp_path / "3.flac", noise(1.0), codec="flac")
    with open_source(tmp_path) as source:
        items = list(source)
        problem = source.problem
    blocks = [item for item in items if isinstance(item, AudioBlock)]
    assert [(block.start, block.end) for block in blocks] == [(0.0, 2.0), (2.0, 3.0)]
    borders = [item for item in items if isinstance(item, Gap)]
    assert [(gap.start, gap.end) for gap in borders] == [(2.0, None), (2.0, 2.0)] * 2
    assert "is not a sound file" in borders[0].reason
    assert "3.flac" in borders[2].reason
    assert "2.wav" in problem


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_wav_through_a_pipe(tmp_path, rate):
    path = write_sound(tmp_path / "a.wav", noise(2.0)[: 2 * rate], rate=rate)
    got = heard("-", stdin=io.BytesIO(path.read_bytes()))
    assert np.array_equal(got, heard(path))


def test_wav_of_unknown_length_through_a_pipe(tmp_path):
    wav = write_sound(tmp_path / "a.wav", noise(2.0)).read_bytes()
    at = wav.index(b"data") + 4
    endless = wav[:at] + b"\xff\xff\xff\xff" + wav[at + 4 :]
    assert len(heard("-", stdin=io.BytesIO(endless))) == 32_000


def test_raw_samples_through_a_pipe():
    steps = (noise(1.5) * 32_767).astype("<i2")
    got = heard("-", stdin=io.BytesIO(steps.tobytes()))
    assert np.array_equal(got, steps.astype(np.float32) / 32_768)


def test_a_slow_pipe_is_heard_as_it_speaks():
    reading, writing = os.pipe()
    steps = (noise(3.0) * 32_767).astype("<i2").tobytes()

    def speak():
        with open(writing, "wb", buffering=0) as pipe:  # noqa: PTH123
            for at in range(0, len(steps), 3200):
                pipe.write(steps[at : at + 3200])
                time.sleep(0.1)

    speaker = threading.Thread(target=speak)
    begun = time.monotonic()
    speaker.start()
    with open(reading, "rb") as pipe, open_source("-", stdin=pipe) as source:  # noqa: PTH123
        late = [time.monotonic() - begun - item.end for item in source]
    speaker.join()
    assert len(late) >= 8
    assert np.median(late) < 1.0


@pytest.mark.e2e
def test_standard_input_is_read_and_ffmpeg_keeps_its_log_to_itself(tmp_path):
    wav = write_sound(tmp_path / "a.wav", noise(1.0)).read_bytes()
    code = (
        "import sys; from harken.sound import open_source\n"
        "print(sum(len(b.samples) for b in open_source('-')))\n"
        f"open({str(tmp_path / 'b.mp3')!r}, 'wb').write(bytes(range(256)) * 400)\n"
        "try: list(open_source(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b.mp3")],
        input=wav,
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"16000", b"SourceError"]
    assert done.stderr == b""


@pytest.mark.slow
def test_memory_is_flat_over_a_day(tmp_path):
    path = tmp_path / "day.wav"
    day, hour = 86_400 * 32_000, 3600 * 32_000
    head = write_sound(path, noise(1.0)).read_bytes()
    data = head.index(b"data") + 8
    speech = head[data:]
    with path.open("r+b") as file:
        file.seek(data - 4)
        file.write(struct.pack("<I", day))
        for at in range(0, day, hour):
            file.seek(data + at)
            file.write(speech)
        file.truncate(data + day)
    process = psutil.Process()
    used, spoken = [], 0
    with open_source(path) as source:
        for item in source:
            if isinstance(item, AudioBlock):
                end = item.end
                spoken += int(item.samples.any())
                if item.end % 3600 == 0:
                    used.append(process.memory_info().rss)
    assert (end, spoken, len(used)) == (86_400, 24, 24)
    assert max(used) - used[0] < 20e6
