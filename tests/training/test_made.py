import struct

import numpy as np
import pytest

from training.made import Recorded, instruments, play, read_soundfont, speakers, tones


def _soundfont(sound: np.ndarray, *, rate: int, loop: tuple[int, int]) -> bytes:
    """Smallest file that holds one sample."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    one = struct.pack("<20s5IBbHH", b"Horn", 0, len(sound), *loop, rate, 60, 0, 0, 1)
    end = struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    smpl = chunk(b"LIST", b"sdta" + chunk(b"smpl", sound.astype("<i2").tobytes()))
    shdr = chunk(b"LIST", b"pdta" + chunk(b"shdr", one + end))
    return chunk(b"RIFF", b"sfbk" + smpl + shdr)


def _pitch(sound: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * 16000 / len(sound))


def test_a_soundfont_gives_the_samples_that_are_long_enough() -> None:
    wave = np.round(9000 * np.sin(np.arange(8000) / 5))
    (horn,) = read_soundfont(_soundfont(wave, rate=22050, loop=(4000, 7000)))
    assert (horn.name, horn.rate, horn.loop) == ("Horn", 22050, (4000, 7000))
    assert np.abs(horn.sound).max() == 1
    assert read_soundfont(_soundfont(wave[:1000], rate=22050, loop=(100, 900))) == []


def test_a_sample_is_held_by_its_loop_and_played_at_other_pitches() -> None:
    t = np.arange(2000) / 8000
    horn = Recorded("Horn", np.sin(2 * np.pi * 400 * t).astype(np.float32), 8000, (1000, 1800))
    assert _pitch(play(horn, np.zeros(32000))) == pytest.approx(400, abs=2)
    assert _pitch(play(horn, np.full(32000, 12.0))) == pytest.approx(800, abs=3)


def test_nothing_is_left_above_half_the_rate_of_a_sample_that_is_played_faster() -> None:
    t = np.arange(32000) / 16000
    high = Recorded("Whistle", np.sin(2 * np.pi * 6000 * t).astype(np.float32), 16000, (0, 32000))
    assert np.abs(play(high, np.full(8000, 12.0))).max() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_tones_depend_on_the_seed_alone(seed: int) -> None:
    sound = tones(3.0, np.random.default_rng(seed))
    assert sound.dtype == np.float32
    assert len(sound) == 48000
    assert np.abs(sound).max() == pytest.approx(1)
    np.testing.assert_array_equal(sound, tones(3.0, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_instruments_depend_on_the_seed_alone(seed: int) -> None:
    pytest.importorskip("pretty_midi", reason="missing: pretty-midi, which `make train` installs")
    sound = instruments(3.0, np.random.default_rng(seed))
    assert sound.dtype == np.float32
    assert len(sound) == 48000
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() == pytest.approx(1)
    np.testing.assert_array_equal(sound, instruments(3.0, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_speakers_fill_the_time_they_are_given(seed: int) -> None:
    pytest.importorskip(
        "espeakng_loader", reason="missing: espeakng-loader, which `make train` installs"
    )
    sound, adult = speakers(3.0, np.random.default_rng(seed))
    assert isinstance(adult, bool)
    assert sound.dtype == np.float32
    assert 40000 < len(sound) <= 48000
    assert np.abs(sound).max() == pytest.approx(1)
