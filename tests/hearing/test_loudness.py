"""The alarm without a model: told in time, over in time, the same for any blocks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.hearing import HOP_S, Frames, LoudEnded, LoudnessAlarm, LoudnessRule, LoudStarted

EPS = 1e-6


def frames_of(level, times=None):
    level = np.asarray(level, np.float32)
    times = np.arange(len(level)) * HOP_S if times is None else times
    none = np.zeros_like(level)
    return Frames(np.asarray(times, float), none, none, none, level)


def events_of(frames, rule, cuts=()):
    alarm = LoudnessAlarm(rule)
    events = []
    for a, b in pairwise([0, *sorted(cuts), len(frames)]):
        events += alarm.process(frames[a:b])
    return events + alarm.flush()


def reference(frames, rule):
    """One frame at a time."""
    events, start, end, peak, told = [], None, 0.0, 0.0, False
    for time, level in zip(frames.times.tolist(), frames.level.tolist(), strict=True):
        quiet = time + (0 if level >= rule.level_dbfs else HOP_S) - end
        if start is not None and quiet > rule.pause + EPS:
            if told:
                events.append(LoudEnded(start, end, peak))
            start, told = None, False
        if level >= rule.level_dbfs:
            if start is None:
                start, peak = time, level
            end, peak = time + HOP_S, max(peak, level)
            if not told and end - start >= rule.seconds - EPS:
                told = True
                events.append(LoudStarted(start, end))
    return events + ([LoudEnded(start, end, peak)] if told else [])


@given(
    parts=st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from([-np.inf, -60.0, -30.0, -20.0, -5.0])),
        max_size=12,
    ),
    hole=st.sampled_from([0.0, 0.5, 5.0]),
    seconds=st.sampled_from([0.0, 0.5, 2.0]),
    pause=st.sampled_from([0.0, 0.3, 1.5]),
    cuts=st.lists(st.integers(0, 480), max_size=10),
)
def test_any_blocks_give_what_the_reference_gives(parts, hole, seconds, pause, cuts):
    level = np.concatenate([[-70.0], *(np.full(n, x) for n, x in parts)])
    times = np.arange(len(level)) * HOP_S
    times[len(times) // 2 :] += hole
    frames, rule = frames_of(level, times), LoudnessRule(-25, seconds, pause)
    wanted = reference(frames, rule)
    assert events_of(frames, rule) == wanted
    assert events_of(frames, rule, [min(c, len(level)) for c in cuts]) == wanted


def test_a_cry_may_breathe():
    breaths = np.tile(np.r_[np.full(12, -20.0), np.full(6, -60.0)], 10)
    frames = frames_of(np.r_[breaths, np.full(50, -60.0)])
    started, ended = events_of(frames, LoudnessRule(-25, 5))
    assert started.start == 0
    assert 5 <= started.detected_at < 6
    assert ended.peak_dbfs == -20
    assert ended.end == pytest.approx((180 - 6) * HOP_S)
    assert events_of(frames, LoudnessRule(-25, 5, pause=0.2)) == []


def test_silence_is_never_loud():
    assert events_of(frames_of(np.full(500, -np.inf)), LoudnessRule(-120, 0)) == []
