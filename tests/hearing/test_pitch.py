"""Known tones have their known pitch."""

import numpy as np
import pytest

from harken.hearing import pitch
from harken.sound.blocks import RATE

pytest.importorskip("parselmouth", reason="praat-parselmouth is not installed")


@pytest.mark.parametrize("hz", [250, 440, 612])
def test_a_sawtooth_has_its_pitch_throughout(hz):
    t = np.arange(RATE) / RATE
    saw = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, 8000 // hz)) * 0.2
    track = pitch(saw.astype(np.float32))
    np.testing.assert_allclose(track.hz[2:-2], hz, rtol=0.005)
    assert np.all(np.diff(track.times) > 0)
    assert 0 < track.times[0] < track.times[-1] < 1


def test_a_glide_is_followed():
    t = np.arange(2 * RATE) / RATE
    hz = 300 + 150 * t
    tone = np.sin(2 * np.pi * np.cumsum(hz) / RATE).astype(np.float32)
    track = pitch(tone)
    inner = slice(5, -5)
    np.testing.assert_allclose(track.hz[inner], 300 + 150 * track.times[inner], rtol=0.02)


def test_noise_and_silence_have_none():
    assert np.isnan(pitch(np.zeros(RATE, np.float32)).hz).all()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.isnan(pitch(noise).hz).mean() > 0.8


def test_what_is_too_short_has_an_empty_track():
    track = pitch(np.ones(100, np.float32))
    assert len(track.times) == len(track.hz) == 0
