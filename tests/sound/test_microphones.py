"""Microphones of this machine, through ALSA and through the programs of the system."""

import shutil
import subprocess
import sys

import av
import numpy as np
import pytest

from harken.errors import SourceError
from harken.sound import AudioBlock, Gap, list_microphones, microphones, open_source

from .making import noise, rms

linux = pytest.mark.skipif(sys.platform != "linux", reason="ALSA is on Linux only")
alsa = pytest.mark.skipif("alsa" not in av.formats_available, reason="this PyAV has no ALSA")


@pytest.fixture
def made_up_microphone(tmp_path, monkeypatch):
    """An ALSA device that plays a file: the real library, without hardware."""
    sound = noise(60.0)
    (tmp_path / "sound.raw").write_bytes((sound * 32_767).astype("<i2").tobytes())
    (tmp_path / "alsa.conf").write_text(
        "pcm.crib {\n  type file\n  slave.pcm { type null }\n"
        f'  file "/dev/null"\n  infile "{tmp_path / "sound.raw"}"\n  format "raw"\n'
        '  hint { show on description "The crib" }\n}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "alsa.conf"))
    return sound


def first_second(source):
    got = []
    for item in source:
        if isinstance(item, AudioBlock):
            got.append(item.samples)
        if sum(map(len, got)) >= 16_000:
            return np.concatenate(got)
    raise AssertionError("the microphone ended")


@linux
@alsa
def test_an_alsa_device_is_heard(made_up_microphone):
    with open_source("mic:crib") as source:
        assert (source.live, source.name) == (True, "mic:crib")
        got = first_second(source)
    assert rms(got) == pytest.approx(rms(made_up_microphone), rel=0.1)


@linux
@alsa
def test_an_alsa_device_is_listed(made_up_microphone):
    pytest.importorskip("av.device", reason="this PyAV lists no devices")
    assert microphones.Microphone("crib", "The crib") in list_microphones()


@linux
def test_a_recorder_program_is_heard(made_up_microphone, monkeypatch):
    if shutil.which("arecord") is None:
        pytest.skip("missing: arecord (package alsa-utils)")
    monkeypatch.setattr(microphones, "_formats", list)
    with open_source("mic:crib") as source:
        got = first_second(source)
    assert rms(got) == pytest.approx(rms(made_up_microphone), rel=0.1)


@linux
def test_a_recorder_that_dies_is_a_gap_and_is_started_again(monkeypatch, tmp_path):
    program = tmp_path / "recorder"
    program.write_text("#!/bin/sh\nhead -c 9600 /dev/urandom\nexec sleep 0.6\n")
    program.chmod(0o755)
    monkeypatch.setattr(microphones, "_formats", list)
    monkeypatch.setattr(microphones, "_recorders", lambda _: [[str(program)]])
    with open_source("mic", gap_after_s=0.2) as source:
        gaps = []
        for item in source:
            if isinstance(item, Gap):
                gaps.append(item)
            if len(gaps) == 2:
                break
    assert gaps[0].end is None
    assert gaps[1].end > gaps[1].start


def test_an_unknown_microphone_is_one_line_with_a_remedy():
    with pytest.raises(SourceError, match=r"microphone 'no-such' cannot be opened .*harken doctor"):
        open_source("mic:no-such")


def test_what_the_sound_library_says_stays_off_the_screen():
    code = (
        "from harken.sound import open_source\n"
        "try: open_source('mic:no-such')\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout.split(), done.stderr) == ([b"SourceError"], b"")


def test_the_kernels_table_is_read(tmp_path):
    (tmp_path / "pcm").write_text(
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n"
        "00-03: HDMI 0 : HDMI 0 : playback 1\n"
        "01-00: USB Audio : USB Audio : capture 1\n"
    )
    assert microphones._listed_by_kernel(tmp_path / "pcm") == [
        microphones.Microphone("plughw:0,0", "ALC257 Analog"),
        microphones.Microphone("plughw:1,0", "USB Audio"),
    ]
    assert microphones._listed_by_kernel(tmp_path / "none") == []
