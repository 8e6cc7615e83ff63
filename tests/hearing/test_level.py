"""Levels are RMS in dBFS of a full-scale square wave; silence is never loud."""

import numpy as np
import pytest

from harken.hearing import HOP, level_dbfs
from harken.sound.blocks import RATE


def test_a_full_scale_square_is_zero_and_a_sine_three_below():
    square = np.where(np.arange(HOP) % 40 < 20, 1, -1).astype(np.float32)
    sine = np.sin(2 * np.pi * 500 * np.arange(HOP) / RATE).astype(np.float32)
    level = level_dbfs(np.concatenate([square, sine]))
    assert level.dtype == np.float32
    assert level == pytest.approx([0, -3.0103], abs=1e-3)


def test_digital_silence_is_minus_infinity_without_a_warning():
    level = level_dbfs(np.zeros(3 * HOP, np.float32))
    assert level.tolist() == [-np.inf] * 3


def test_what_is_left_of_a_frame_is_left_out():
    assert len(level_dbfs(np.ones(HOP - 1, np.float32))) == 0
    assert len(level_dbfs(np.ones(2 * HOP + 1, np.float32))) == 2


def test_it_agrees_with_a_plain_reference_from_faint_to_loud():
    rng = np.random.default_rng(0)
    samples = (rng.normal(0, 1, 50 * HOP) * np.repeat(10.0 ** -(np.arange(50) ** 0.4), HOP)).astype(
        np.float32
    )
    rows = samples.reshape(-1, HOP).astype(np.float64)
    wanted = 20 * np.log10(np.sqrt((rows**2).mean(axis=1)))
    np.testing.assert_allclose(level_dbfs(samples), wanted, atol=1e-3)
