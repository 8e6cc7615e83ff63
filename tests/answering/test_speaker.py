"""The loudspeaker, through real programs and the real ALSA library into a file."""

import asyncio
import shutil
import sys

import av
import numpy as np
import pytest

from harken.answering.channels import speaker
from harken.answering.channels.speaker import RATE, SpeakerChannel, make_chime
from harken.answering.message import Message
from harken.errors import ChannelError

linux = pytest.mark.skipif(sys.platform != "linux", reason="ALSA is on Linux only")
CRY = Message(alert="a", about="cry", title="T", body="B", urgent=True)


@pytest.fixture
def made_up_loudspeaker(tmp_path, monkeypatch):
    """An ALSA output that writes to a file: the real library, without hardware."""
    heard = tmp_path / "heard.raw"
    (tmp_path / "alsa.conf").write_text(
        "pcm.loud {\n  type file\n  slave.pcm { type null }\n"
        f'  file "{heard}"\n  format "raw"\n}}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "alsa.conf"))
    return heard


def play(message=CRY, **options):
    async def once():
        channel = SpeakerChannel(options)
        await channel.send(message)
        await channel.aclose()

    asyncio.run(once())


def loudest_hz(sound):
    power = np.abs(np.fft.rfft(sound[: RATE // 4].astype(float)))
    return np.fft.rfftfreq(RATE // 4, 1 / RATE)[power.argmax()]


@linux
@pytest.mark.parametrize("way", ["aplay", "here"])
def test_the_chime_comes_out_of_it(made_up_loudspeaker, monkeypatch, require, way):
    if way == "aplay":
        require("aplay")
        monkeypatch.setattr(
            speaker, "_players", lambda device: [["aplay", "-q", "-D", device, "-"]]
        )
    else:
        if "alsa" not in av.formats_available:
            pytest.skip("this PyAV has no ALSA")
        monkeypatch.setattr(speaker, "_players", lambda device: [])
    play(device="loud", times=2)
    heard = np.fromfile(made_up_loudspeaker, "<i2")
    made = make_chime("cry", times=2)
    # ALSA fills its last period with silence.
    assert np.array_equal(heard[: len(made)], made)
    assert not heard[len(made) :].any()


@linux
def test_a_player_that_fails_is_passed_over(made_up_loudspeaker, monkeypatch, tmp_path):
    broken = tmp_path / "player"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(
        speaker, "_players", lambda device: [[str(tmp_path / "none")], [str(broken)]]
    )
    play(device="loud")
    assert made_up_loudspeaker.stat().st_size > 0


@linux
def test_no_loudspeaker_is_said_with_a_remedy(made_up_loudspeaker):
    with pytest.raises(ChannelError, match=r"loudspeaker 'nosuch' .* can't be used: check"):
        play(device="nosuch")


@linux
def test_chimes_do_not_sound_over_one_another(monkeypatch):
    sounding = []

    async def slow(command, sound):
        assert not sounding
        sounding.append(1)
        await asyncio.sleep(0.05)
        sounding.clear()
        return True

    async def both():
        channel = SpeakerChannel({})
        await asyncio.gather(channel.send(CRY), channel.send(CRY))

    monkeypatch.setattr(speaker, "_players", lambda device: [["x"]])
    monkeypatch.setattr(speaker, "_play_program", slow)
    asyncio.run(both())


def test_a_player_that_hangs_is_stopped(monkeypatch):
    if shutil.which("sleep") is None:
        pytest.skip("missing: sleep")
    monkeypatch.setattr(speaker, "_PATIENCE_S", 0.2)
    sound = make_chime("heard")[:100]
    assert asyncio.run(speaker._play_program(["sleep", "60"], sound)) is False


@pytest.mark.parametrize("about", ["cry", "unheard", "heard", "drill", "test", "summary"])
def test_a_chime_does_not_click_or_clip(about):
    sound = make_chime(about, volume=1.0)
    assert np.abs(sound.astype(int)).max() <= 32_767
    assert abs(int(sound[0])) < 300
    assert abs(int(sound[-1])) < 300
    assert 0.5 < len(sound) / RATE < 3


def test_a_cry_and_a_loss_can_be_told_apart():
    assert loudest_hz(make_chime("cry")) == pytest.approx(523, abs=8)
    assert loudest_hz(make_chime("unheard")) == pytest.approx(330, abs=8)


def test_the_volume_is_what_was_asked_for():
    assert np.abs(make_chime("cry", volume=0.1)).max() == pytest.approx(3277, abs=2)
    assert not make_chime("cry", volume=0.0).any()


def test_what_is_not_urgent_sounds_once(monkeypatch):
    played = []

    async def keep(command, sound):
        played.append(len(sound))
        return True

    monkeypatch.setattr(speaker, "_players", lambda device: [["x"]])
    monkeypatch.setattr(speaker, "_play_program", keep)
    play(times=3)
    play(Message(alert="a", about="heard", title="T", body="B"), times=3)
    assert played == [len(make_chime("cry", times=3)), len(make_chime("heard"))]
