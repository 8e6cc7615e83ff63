"""The network is fed rightly: aligned, in any blocks, without look-ahead beyond its word."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.hearing import HOP, HOP_S, Builtin, level_dbfs
from harken.sound.blocks import RATE, AudioBlock

SHIPPED = files("harken.hearing") / "models" / "builtin.onnx"
needs_shipped = pytest.mark.skipif(not SHIPPED.is_file(), reason="no network in the package yet")


@pytest.fixture(scope="module")
def tiny(kit):
    return Builtin(kit.tiny_builtin())


@pytest.fixture(scope="module")
def shipped():
    return Builtin()


def reference(samples, kit):
    """What the tiny network says of each frame, worked out without it."""
    n, reach = len(samples) // HOP, kit.left + HOP + kit.right
    padded = np.concatenate([np.zeros(kit.left), samples, np.zeros(kit.right)]) ** 2
    ramp = np.linspace(0.1, 1, reach)
    rows = np.stack([padded[k * HOP : k * HOP + reach] for k in range(n)])
    return 1 / (1 + np.exp(2 - 40 * rows @ ramp / reach))


def test_frames_hear_the_samples_that_they_stand_for(tiny, kit):
    samples = kit.room(70_000)
    frames = kit.feed(tiny, samples, start=5.0)
    assert len(frames) == len(samples) // HOP
    np.testing.assert_allclose(frames.times, 5 + np.arange(len(frames)) * HOP_S)
    np.testing.assert_allclose(frames.cry, reference(samples, kit), atol=1e-5)
    np.testing.assert_array_equal(frames.level, level_dbfs(samples))


@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 60_000), data=st.data())
def test_block_sizes_change_nothing(tiny, kit, n, data):
    cuts = data.draw(st.lists(st.integers(0, n), max_size=12))
    samples = kit.room(n)
    kit.assert_same(kit.feed(tiny, samples, cuts), kit.feed(tiny, samples))


def test_a_block_longer_than_one_run_of_the_network_changes_nothing(tiny, kit):
    samples = kit.room(95 * RATE)
    whole = kit.feed(tiny, samples)
    assert len(whole) == len(samples) // HOP
    kit.assert_same(kit.feed(tiny, samples, range(0, len(samples), 7777)), whole)


@needs_shipped
@settings(max_examples=15, deadline=None)
@given(n=st.integers(0, 160_000), data=st.data())
def test_block_sizes_change_nothing_for_the_network_in_the_package(shipped, kit, n, data):
    cuts = data.draw(st.lists(st.integers(0, n), max_size=12))
    samples = kit.room(n)
    kit.assert_same(kit.feed(shipped, samples, cuts), kit.feed(shipped, samples))


@needs_shipped
def test_the_network_in_the_package_is_calm_in_silence_and_looks_half_a_second_ahead(shipped, kit):
    frames = kit.feed(shipped, np.zeros(10 * RATE, np.float32))
    assert frames.cry.max() < shipped.off
    assert shipped.delay_s <= 0.5 + HOP_S


@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_frame_is_never_later_than_the_delay(kit, step):
    detector = Builtin(kit.tiny_builtin(), step=step)
    late = kit.lateness_s(detector, kit.room(40_000))
    assert late <= detector.delay_s + 160 / RATE
    assert late >= detector.delay_s - 1e-9


def test_a_hole_between_blocks_begins_a_new_run(tiny, kit):
    first, second = kit.room(30_000, seed=1), kit.room(20_000, seed=2)
    tiny.flush()
    early = tiny.process(AudioBlock(first, start=0.0))
    late = tiny.process(AudioBlock(second, start=60.0))
    end = tiny.flush()
    alone = kit.feed(tiny, first), kit.feed(tiny, second, start=60.0)
    got = [*early.times, *late.times, *end.times]
    assert got == [*alone[0].times, *alone[1].times]
    np.testing.assert_allclose(
        np.r_[early.cry, late.cry, end.cry], np.r_[alone[0].cry, alone[1].cry], atol=1e-5
    )


def test_a_clock_that_drifts_a_little_does_not_break_a_run(tiny, kit):
    samples = kit.room(32_000)
    parts = [
        tiny.process(AudioBlock(samples[a : a + 1600], start=a / RATE * 1.002))
        for a in range(0, 32_000, 1600)
    ]
    parts.append(tiny.flush())
    times = np.concatenate([part.times for part in parts])
    np.testing.assert_allclose(times, np.arange(25) * HOP_S)


def test_less_than_a_frame_gives_nothing(tiny, kit):
    assert len(kit.feed(tiny, kit.room(HOP - 1))) == 0
    assert len(kit.feed(tiny, kit.room(0))) == 0


def test_flush_twice_gives_nothing_more(tiny, kit):
    kit.feed(tiny, kit.room(10_000))
    assert len(tiny.flush()) == 0


def test_it_says_what_it_is(tiny, kit, tmp_path):
    assert (tiny.name, tiny.rate, tiny.hop, tiny.on, tiny.off) == ("builtin", RATE, HOP, 0.6, 0.4)
    own = tmp_path / "my own.onnx"
    own.write_bytes(kit.tiny_builtin())
    assert Builtin(own).name == "my own.onnx"
