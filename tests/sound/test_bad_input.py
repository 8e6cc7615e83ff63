"""What is wrong with a source is said in one line with a remedy; what can be read is read."""

import io
import os
import socket

import av
import numpy as np
import pytest

from harken.errors import ParameterError, SourceError
from harken.sound import AudioBlock, find_recordings, open_source

from .making import heard, noise, rms, tone, write_picture, write_sound


def fails(spec, message, **options):
    with (
        pytest.raises(SourceError, match=message) as caught,
        open_source(spec, **options) as source,
    ):
        list(source)
    assert "\n" not in str(caught.value)
    assert ": " in str(caught.value)


def test_missing_file(tmp_path):
    fails(tmp_path / "no.wav", "no such file or folder: '.*no.wav': check the name")


def test_missing_file_whose_folder_is_a_file(tmp_path):
    write_sound(tmp_path / "a.wav", noise(0.1))
    fails(tmp_path / "a.wav" / "b.wav", "no such file")


def test_missing_folder():
    with pytest.raises(SourceError, match="no such file or folder: '/no/where'"):
        list(find_recordings("/no/where"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = write_sound(tmp_path / "a.wav", noise(0.1))
    path.chmod(0)
    if os.access(path, os.R_OK):
        # The superuser may read anything; refuse by hand what others would be refused.
        def refuse(self, *args):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(type(path), "open", refuse)
    fails(path, r"may not be read by this account: give it read access \(chmod u\+r\)")


def test_empty_file(tmp_path):
    (tmp_path / "a.wav").touch()
    fails(tmp_path / "a.wav", r"is empty \(0 bytes\)")


def test_folder_without_recordings(tmp_path):
    fails(tmp_path, "holds no recording")


def test_folder_with_nothing_but_trouble(tmp_path):
    (tmp_path / "a.wav").write_text("not sound")
    fails(tmp_path, "none of its 1 recordings could be read")


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary, she slept through the night.\n" * 50,
        b"\x00" * 5000,
        bytes(range(256)) * 100,
        b"RIFF",
        b"#EXTM3U\nhttp://127.0.0.1:9/a.mp3\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
)
def test_something_else_that_is_named_wav(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    fails(tmp_path / "a.wav", "a.wav")


def test_picture_that_is_named_wav(tmp_path):
    image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
    with av.open(str(tmp_path / "a.png"), "w", format="image2", options={"update": "1"}) as png:
        stream = png.add_stream("png", rate=1, width=64, height=64)
        stream.pix_fmt = "rgb24"
        png.mux(stream.encode(image))
        png.mux(stream.encode(None))
    (tmp_path / "a.png").rename(tmp_path / "a.wav")
    fails(tmp_path / "a.wav", r"holds no sound \(a picture")


def test_video_without_sound(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        write_picture(container, container.add_stream("mpeg4", rate=10))
    fails(tmp_path / "a.mp4", "video without sound")


def test_no_samples(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(1.0))
    wav = path.read_bytes()
    at = wav.index(b"data") + 4
    path.write_bytes(wav[:at] + bytes(4))
    fails(path, r"holds no sound that can be decoded \(0 samples\)")


def test_one_millisecond(tmp_path):
    assert len(heard(write_sound(tmp_path / "a.wav", noise(0.001)))) == 16
    assert len(heard(write_sound(tmp_path / "b.wav", tone(0.001, rate=44_100), rate=44_100))) == 16


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac")])
def test_cut_off_file_gives_what_is_there_and_says_so(tmp_path, name, codec):
    path = write_sound(tmp_path / name, tone(20.0), codec=codec)
    whole = heard(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with open_source(path) as source:
        got = np.concatenate([block.samples for block in source])
        problem = source.problem
    assert len(got) == pytest.approx(len(whole) / 2, rel=0.1)
    kept = len(got) - 8000
    assert np.abs(got[:kept] - whole[:kept]).max() < 1e-3
    assert "cut off" in problem
    assert "of the 20.0 s" in problem


def test_cut_off_wav_gives_what_is_there(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(20.0))
    path.write_bytes(path.read_bytes()[:320_044])
    assert len(heard(path)) == pytest.approx(160_000, abs=50)


def test_video_whose_end_is_missing(tmp_path):
    path = write_sound(tmp_path / "a.m4a", noise(5.0), codec="aac")
    path.write_bytes(path.read_bytes()[:-2000])
    fails(path, "is not a sound file that can be read")


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac")])
def test_damage_in_the_middle_is_skipped(tmp_path, name, codec):
    path = write_sound(tmp_path / name, noise(20.0), codec=codec)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8000] = np.random.default_rng(0).bytes(8000)
    path.write_bytes(content)
    with open_source(path) as source:
        items = list(source)
        assert "damaged" in source.problem
    # MP3 keeps no time stamps: what is lost there is lost to the clock as well.
    assert items[-1].end == pytest.approx(20.0, abs=4 if codec == "libmp3lame" else 0.01)
    assert max(np.abs(item.samples).max() for item in items if isinstance(item, AudioBlock)) < 1


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
def test_samples_that_are_no_numbers_become_zero_and_are_counted(tmp_path, rate, codec):
    sound = tone(2.0, rate=rate)
    path = write_sound(tmp_path / "a.wav", sound, rate=rate, codec=codec)
    content = path.read_bytes()
    at = content.index(b"data") + 8
    values = np.frombuffer(content[at:], "<f4" if codec == "pcm_f32le" else "<f8").copy()
    values[rate : rate + 30] = np.nan
    values[rate + 50] = np.inf
    values[rate + 60] = -1e30
    path.write_bytes(content[:at] + values.tobytes())
    with open_source(path) as source:
        got = np.concatenate([block.samples for block in source])
        assert source.repaired == 32
        assert "32 samples were NaN or infinite" in source.problem
    assert np.isfinite(got).all()
    away = np.r_[0:15_000, 17_000:32_000]
    assert rms(got[away] - tone(2.0)[away]) < 2e-3


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_nothing_but_nan(tmp_path, rate):
    path = write_sound(tmp_path / "a.wav", tone(1.0, rate=rate), rate=rate, codec="pcm_f32le")
    content = path.read_bytes()
    at = content.index(b"data") + 8
    count = (len(content) - at) // 4
    path.write_bytes(content[:at] + np.full(count, np.nan, "<f4").tobytes())
    fails(path, "holds no usable sample")


@pytest.mark.parametrize(
    "name",
    [
        "two words.wav",
        'it\'s "quoted".wav',
        "baby \U0001f476.wav",
        "two\nlines.wav",
        "-dash.wav",
        "foo:bar",
        "http:",
        "100%d.wav",
        "#hash?query=1.wav",
        b"latin-\xe9.wav",
    ],
)
def test_names_are_only_names(tmp_path, monkeypatch, name):
    name = os.fsdecode(name)
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "plain.wav", noise(1.0)).rename(tmp_path / name)
    assert len(heard(name)) == 16_000
    assert len(heard(tmp_path / name)) == 16_000


def test_a_name_with_a_zero_byte():
    fails("a\0b.wav", "is no file name")


def test_a_device_file_is_no_recording():
    fails("/dev/null", "is no file")


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_refused_connection(scheme, free_port):
    port = free_port()
    fails(f"{scheme}://user:secret@127.0.0.1:{port}/x", r"user:\*\*\*@.*\(connection refused\)")


def test_a_server_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        fails(address, "no answer within 0.3 s", timeout_s=0.3)


def test_an_address_of_another_kind():
    fails("ftp://host/a.wav", "ftp:// are not read: use http, https, rtsp, rtsps")


def test_empty_standard_input():
    fails("-", "standard input is empty", stdin=io.BytesIO())


@pytest.mark.parametrize("block_s", [0, -1, float("nan"), 1e9])
def test_a_block_length_that_is_none(block_s):
    with pytest.raises(ParameterError, match=r"block_s is .*; it must be from 0.001 to 3600 s"):
        open_source("a.wav", block_s=block_s)


@pytest.mark.parametrize("name", ["silence_after_s", "gap_after_s", "timeout_s"])
def test_times_that_are_none(tmp_path, name):
    path = write_sound(tmp_path / "a.wav", noise(0.1))
    with pytest.raises(ParameterError, match=f"{name} is 0; it must be above 0 s"):
        open_source(path, **{name: 0})
