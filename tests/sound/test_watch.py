"""Silence and frozen streams are told, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.errors import ParameterError
from harken.sound import RATE, AudioBlock, Silence, Watch
from harken.sound.watch import STILL

from .making import noise, tone


def watched(samples, *, after_s=1.0, sizes=(1600,), start=0.0):
    watch, events, at, turn = Watch(after_s=after_s), [], 0, 0
    while at < len(samples):
        part = samples[at : at + sizes[turn % len(sizes)]]
        events += watch.process(AudioBlock(part, start + at / RATE))
        at += len(part)
        turn += 1
    return events + watch.flush()


def slow_stills(samples, after_s):
    """The same rule for digital silence, one sample at a time."""
    events, since, need = [], 0, round(after_s * RATE)
    for n in range(1, len(samples) + 1):
        if n == len(samples) or abs(samples[n] - samples[n - 1]) > STILL:
            if n - since >= need:
                events += [(since / RATE, None), (since / RATE, n / RATE)]
            since = n
    return events


def test_zeros_are_told_once_and_once_more_when_over():
    sound = np.concatenate([noise(1), np.zeros(32_000, np.float32), noise(1, seed=1)])
    assert watched(sound) == [Silence(1.0, None, "digital"), Silence(1.0, 3.0, "digital")]


def test_silence_is_told_as_soon_as_it_has_lasted():
    watch = Watch(after_s=1.0)
    told = [
        (n, event)
        for n in range(30)
        for event in watch.process(AudioBlock(np.zeros(1600, np.float32), n / 10))
    ]
    assert told == [(9, Silence(0.0, None, "digital"))]


def test_a_constant_offset_is_silence():
    assert watched(np.full(32_000, 0.25, np.float32))[0] == Silence(0.0, None, "digital")


def test_the_least_noise_of_sixteen_bits_is_no_silence():
    steps = np.random.default_rng(0).integers(-1, 2, 80_000)
    assert watched((steps / 32768).astype(np.float32)) == []


def test_silence_shorter_than_asked_is_not_told():
    assert watched(np.concatenate([noise(1), np.zeros(15_000, np.float32), noise(1)])) == []


@pytest.mark.parametrize("loop_s", [0.004, 0.064, 0.37, 1.0])
def test_the_same_buffer_over_and_over_is_a_frozen_stream(loop_s):
    loop = noise(loop_s, seed=2)
    copies = int(8 / loop_s)
    sound = np.concatenate([noise(3), *[loop] * copies, noise(2, seed=3)])
    begun, over = watched(sound)
    assert begun == Silence(pytest.approx(3 + loop_s, abs=0.001), None, "frozen")
    assert over == Silence(begun.start, pytest.approx(3 + copies * loop_s, abs=0.001), "frozen")


def test_a_loop_with_a_pause_in_it_is_frozen():
    loop = np.concatenate([noise(0.05, seed=2), np.zeros(800, np.float32)])
    assert watched(np.tile(loop, 80))[0].kind == "frozen"


def test_a_frozen_stream_is_told_within_two_more_seconds():
    watch, loop = Watch(after_s=10.0), noise(0.02)
    told = next(n for n in range(1000) if watch.process(AudioBlock(loop, n * len(loop) / RATE)))
    assert 10 <= told * 0.02 <= 12.1


def test_living_sound_is_not_told():
    assert watched(noise(30)) == []
    assert watched(tone(30)) == []


def test_a_jump_in_time_ends_what_lasted():
    watch = Watch(after_s=1.0)
    watch.process(AudioBlock(np.zeros(32_000, np.float32), 0.0))
    assert watch.process(AudioBlock(np.zeros(1600, np.float32), 60.0)) == [
        Silence(0.0, 2.0, "digital")
    ]


def test_an_empty_block_changes_nothing():
    assert Watch(after_s=1.0).process(AudioBlock(np.empty(0, np.float32), 0.0)) == []


@pytest.mark.parametrize("after_s", [0, -1, float("nan")])
def test_a_time_that_is_no_time_is_refused(after_s):
    with pytest.raises(ParameterError, match="must be above 0 s"):
        Watch(after_s=after_s)


pieces = st.lists(
    st.tuples(
        st.sampled_from(["noise", "zero", "offset", "loop", "long loop"]),
        st.integers(1, 40_000),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


def scene(parts):
    made = {
        "noise": lambda n, seed: noise(n / RATE, seed=seed),
        "zero": lambda n, _: np.zeros(n, np.float32),
        "offset": lambda n, seed: np.full(n, 0.1 * seed, np.float32),
        "loop": lambda n, seed: np.resize(noise(0.01, seed=seed), n),
        "long loop": lambda n, seed: np.resize(noise(0.41, seed=seed), n),
    }
    return np.concatenate([made[kind](n, seed) for kind, n, seed in parts])


@settings(max_examples=40, deadline=None)
@given(
    parts=pieces,
    sizes=st.lists(st.integers(1, 50_000), min_size=1, max_size=4),
    after_s=st.sampled_from([0.3, 1.0, 1.3, 2.5]),
)
def test_block_sizes_change_nothing_and_a_slow_reference_agrees(parts, sizes, after_s):
    sizes = [max(size, 200) for size in sizes]
    sound = scene(parts)
    whole = watched(sound, after_s=after_s, sizes=[len(sound)])
    pieced = watched(sound, after_s=after_s, sizes=sizes)
    for kind in ("digital", "frozen"):
        assert [e for e in pieced if e.kind == kind] == [e for e in whole if e.kind == kind]
    still = [(e.start, e.end) for e in whole if e.kind == "digital"]
    assert still == slow_stills(sound, after_s)
