"""Every format becomes the same mono sound at 16 kHz."""

import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.sound import AudioBlock, open_source
from harken.sound.decode import Downmix

from .making import heard, noise, rms, tone, write_sound


def decibels(value, reference):
    return 20 * np.log10(max(value, 1e-12) / reference)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_f32le"])
def test_any_rate_gives_the_same_tone(tmp_path, rate, codec):
    path = write_sound(tmp_path / "a.wav", tone(1.0, rate=rate), rate=rate, codec=codec)
    got = heard(path)
    assert len(got) == 16_000
    assert got.dtype == np.float32
    middle = slice(800, -800)
    assert rms(got[middle] - tone(1.0)[middle]) < 1e-3


@pytest.mark.parametrize(
    ("codec", "step"),
    [
        ("pcm_u8", 2**-7),
        ("pcm_s16le", 2**-15),
        ("pcm_s24le", 2**-23),
        ("pcm_s32le", 2**-23),
        ("pcm_f32le", 2**-23),
        ("pcm_f64le", 2**-23),
    ],
)
def test_samples_at_16_khz_arrive_as_they_were_written(tmp_path, codec, step):
    sound = noise(1.0)
    got = heard(write_sound(tmp_path / "a.wav", sound, codec=codec))
    assert np.abs(got - sound).max() <= step


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.flac", "flac", 16_000),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.ogg", "libopus", 48_000),
        ("a.webm", "libopus", 48_000),
        ("a.m4a", "aac", 44_100),
        ("a.mp4", "aac", 48_000),
        ("a.mkv", "pcm_s16le", 32_000),
        ("a.aiff", "pcm_s16be", 22_050),
    ],
)
def test_compressed_formats_keep_level_and_length(tmp_path, name, codec, rate):
    path = write_sound(tmp_path / name, tone(3.0, rate=rate), rate=rate, codec=codec)
    got = heard(path)
    assert len(got) == pytest.approx(48_000, abs=1700)
    assert decibels(rms(got[8000:40_000]), rms(tone(3.0)[8000:40_000])) == pytest.approx(0, abs=0.5)


def test_sound_beside_a_picture_is_read(tmp_path):
    path = write_sound(tmp_path / "a.mp4", tone(2.0), codec="aac", picture=True)
    assert rms(heard(path)[4000:28_000]) == pytest.approx(rms(tone(2.0)), rel=0.05)


def test_what_lies_above_8_khz_does_not_come_back_as_something_lower(tmp_path):
    t = np.arange(3 * 44_100) / 44_100
    high = (0.5 * np.sin(2 * np.pi * 10_000 * t)).astype(np.float32)
    got = heard(write_sound(tmp_path / "a.wav", high, rate=44_100))
    assert decibels(rms(got[1600:-1600]), rms(high)) < -80


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_resampling_shifts_nothing(tmp_path, rate):
    click = np.zeros(2 * rate, np.float32)
    click[rate] = 0.9
    got = heard(write_sound(tmp_path / "a.wav", click, rate=rate))
    assert int(np.argmax(np.abs(got))) == 16_000


@pytest.mark.parametrize("dead", [0.0, 0.3, 1e-4])
@pytest.mark.parametrize("alive", [0, 1])
def test_a_dead_channel_takes_no_level(tmp_path, dead, alive):
    sound = np.full((2, 64_000), dead, np.float32)
    if dead == 1e-4:
        sound = (dead * np.random.default_rng(0).uniform(-1, 1, sound.shape)).astype(np.float32)
    sound[alive] = noise(4.0)
    got = heard(write_sound(tmp_path / "a.wav", sound))
    assert rms(got[1600:]) == pytest.approx(rms(sound[alive][1600:]), rel=1e-3)


def test_living_channels_are_averaged(tmp_path):
    sound = np.stack([noise(1.0, seed=n) for n in range(6)])
    sound[3] = 0
    got = heard(write_sound(tmp_path / "a.wav", sound, codec="pcm_f32le"))
    wanted = sound[[0, 1, 2, 4, 5]].mean(axis=0)
    assert np.abs(got[200:] - wanted[200:]).max() < 1e-5


def test_ten_channels_without_a_layout_are_read(tmp_path):
    sound = np.stack([noise(1.0, seed=n) for n in range(10)])
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(10)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((sound.T * 32_767).astype("<i2").tobytes())
    assert rms(heard(tmp_path / "a.wav")[200:]) == pytest.approx(0.1 / np.sqrt(10), rel=0.02)


def test_a_channel_that_comes_in_later_makes_no_click():
    low = (0.5 * np.sin(2 * np.pi * 50 * np.arange(32_000) / 16_000)).astype(np.float32)
    sound = np.stack([low, np.where(np.arange(32_000) < 16_200, 0, low).astype(np.float32)])
    got = Downmix(2).process(sound)
    assert np.abs(np.diff(got[1000:])).max() < 2 * np.abs(np.diff(low)).max()
    assert rms(got[1000:15_000]) == pytest.approx(rms(low[1000:15_000]), rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    joins=st.lists(st.integers(0, 6000), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 5999), max_size=8),
)
def test_downmix_is_the_same_whatever_the_blocks(joins, cuts):
    sound = np.stack([noise(6000 / 16_000, seed=n) for n in range(len(joins))])
    for channel, join in zip(sound, joins, strict=True):
        channel[:join] = 0
    mix = Downmix(len(joins))
    parts = [mix.process(part) for part in np.split(sound, sorted(cuts), axis=1)]
    assert np.abs(np.concatenate(parts) - Downmix(len(joins)).process(sound)).max() < 1e-6


@pytest.mark.parametrize("block_s", [0.05, 0.16, 1.0, 7.7])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_block_length_changes_no_sample(tmp_path, block_s, rate):
    path = write_sound(tmp_path / "a.wav", tone(12.0, rate=rate), rate=rate)
    with open_source(path, block_s=block_s) as source:
        blocks = [item for item in source if isinstance(item, AudioBlock)]
    assert {len(block.samples) for block in blocks[:-1]} == {round(block_s * 16_000)}
    ends = [0.0, *(block.end for block in blocks)]
    assert [block.start for block in blocks] == pytest.approx(ends[:-1], abs=1e-9)
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), heard(path))


def test_values_above_full_scale_are_left_as_they_are(tmp_path):
    path = write_sound(tmp_path / "a.wav", 30 * noise(1.0), codec="pcm_f32le")
    assert np.array_equal(heard(path), 30 * noise(1.0))
