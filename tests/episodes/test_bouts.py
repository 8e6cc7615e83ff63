"""Bouts against a slow, obvious reference, for any frames and any way of cutting them up."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harken.episodes import (
    BoutEnded,
    BoutEvent,
    BoutRule,
    BoutStarted,
    BoutTracker,
    BoutWithdrawn,
    find_bouts,
)
from harken.hearing.frames import HOP_S, Frames

RULE = BoutRule(0.5, 0.3)
EPS = 1e-6


def frames_of(cry, level=None, times=None):
    cry = np.asarray(cry, np.float32)
    if level is None:
        level = np.full(len(cry), -40.0)
    if times is None:
        times = np.arange(len(cry)) * HOP_S
    none = np.zeros_like(cry)
    return Frames(np.asarray(times, float), cry, none, none, np.asarray(level, np.float32))


def seconds(*parts):
    """Values for stretches given as (seconds, value)."""
    edges = np.rint(np.cumsum([0, *(s for s, _ in parts)]) / HOP_S).astype(int)
    return np.repeat([value for _, value in parts], np.diff(edges))


def events_of(frames, rule=RULE, cuts=(), delay_s=0.0):
    tracker = BoutTracker(rule, delay_s=delay_s)
    edges = [0, *sorted(cuts), len(frames)]
    events = []
    for start, stop in pairwise(edges):
        events += tracker.process(frames[start:stop])
    return events + tracker.flush()


def reference(frames, rule, delay_s=0.0) -> list[BoutEvent]:
    """One frame at a time, with the whole past at hand."""
    t, p, level = (getattr(frames, name).tolist() for name in ("times", "cry", "level"))
    w = max(1, round(rule.smoothing / HOP_S))
    need = max(1, round(rule.evidence / HOP_S))
    reach, back = round(rule.reach / HOP_S), round(3.0 / HOP_S)
    events: list[BoutEvent] = []
    bursting, bout, closed_until, run, streak = False, None, -np.inf, 0, 0

    def close(at):
        nonlocal bout, closed_until
        rows = slice(bout["first"], bout["last"] + 1)
        onset, offset = t[bout["first"]], t[bout["last"]] + HOP_S
        over = sum(x >= rule.off for x in p[rows])
        if offset - onset >= rule.min_duration - EPS and over * HOP_S >= rule.min_cry - EPS:
            mean = sum(p[rows]) / len(p[rows])
            events.append(BoutEnded(onset, offset, mean, max(level[rows])))
        else:
            events.append(BoutWithdrawn(onset, at))
        closed_until = offset + rule.max_gap + EPS
        bout = None

    def trace(k, floor):
        low = max(floor, k - w + 1)
        first = next((i for i in range(low, k + 1) if p[i] >= rule.off), k)
        while first - 1 >= max(floor, k - w + 1 - reach) and p[first - 1] >= rule.off:
            first -= 1
        bound = max(floor, first - reach)
        before = sorted(level[max(run, first - reach - back) : bound])
        if before:
            least = max(before[len(before) // 10] + 6, max(level[first : k + 1]) - 15)
            while first > bound and level[first - 1] > least:
                first -= 1
        return first

    for k in range(len(t)):
        at = t[k] + HOP_S + delay_s
        if k and t[k] - t[k - 1] > 1.5 * HOP_S:
            run, bursting, streak = k, False, 0
            if bout and not bout["announced"]:
                bout = None
            if bout and t[k] - t[bout["last"]] - HOP_S > rule.max_gap + EPS:
                close(t[k - 1] + HOP_S + delay_s)
        smoothed = sum(p[max(run, k - w + 1) : k + 1]) / w
        streak = streak + 1 if smoothed >= rule.on else 0
        if bursting and smoothed < rule.off:
            bursting = False
            if not bout["announced"]:
                bout = None
        if not bursting:
            calm = rule.max_gap + (w - 1) * HOP_S + EPS
            if bout and t[k] > t[bout["last"]] + HOP_S + calm:
                close(at)
            if smoothed >= rule.on:
                bursting = True
                if bout:
                    floor = max(run, bout["last"] + 1)
                else:
                    floor = next((i for i in range(run, k) if t[i] > closed_until), k)
                first = trace(k, floor)
                if bout and t[first] - t[bout["last"]] - HOP_S > rule.max_gap + EPS:
                    close(at)
                bout = bout or {"first": first, "announced": False}
                bout["last"] = k
        if bursting:
            if p[k] >= rule.off:
                bout["last"] = k
            if streak >= need and not bout["announced"]:
                bout["announced"] = True
                events.append(BoutStarted(t[bout["first"]], at))
    if bout and bout["announced"]:
        close(t[-1] + HOP_S + delay_s)
    return events


@st.composite
def scenes(draw, max_parts=14):
    """Frames with stretches of every kind, now and then with a hole between two frames."""
    parts = draw(
        st.lists(
            st.tuples(
                st.integers(1, 90),
                st.sampled_from([0, 8, 16, 20, 24, 32, 40, 56, 64]),
                st.sampled_from([0, 0, 12, 64]),
                st.sampled_from([-np.inf, -70.0, -50.0, -40.0, -20.0]),
            ),
            min_size=1,
            max_size=max_parts,
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Probabilities of sixty-fourths, so that sums of them are exact in the reference too.
    cry = [
        np.clip(p + rng.integers(-spread, spread + 1, n), 0, 64) / 64 for n, p, spread, _ in parts
    ]
    level = [at + rng.normal(0, 4, n) for n, _, _, at in parts]
    n = sum(map(len, cry))
    steps = np.full(n, HOP_S)
    holes = draw(st.lists(st.tuples(st.integers(0, n - 1), st.sampled_from([0.2, 2.0, 4.95, 9.0]))))
    for where, hole in holes[:3]:
        steps[where] += hole
    times = draw(st.sampled_from([0.0, 1234.56])) + np.cumsum(steps)
    return frames_of(np.concatenate(cry), np.concatenate(level), times)


RULES = st.builds(
    BoutRule,
    on=st.sampled_from([0.4, 0.5, 0.75, 1.0]),
    off=st.sampled_from([0.05, 0.25, 0.39]),
    min_duration=st.sampled_from([0.0, 1.0, 3.0]),
    max_gap=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    smoothing=st.sampled_from([0.0, 0.16, 0.4, 1.2]),
    evidence=st.sampled_from([0.0, 0.24, 0.8]),
    min_cry=st.sampled_from([0.0, 1.0]),
    reach=st.sampled_from([0.0, 0.4, 1.0]),
)


def assert_same(got, wanted):
    assert [type(e) for e in got] == [type(e) for e in wanted]
    for one, other in zip(got, wanted, strict=True):
        for name in one.__slots__:
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)


@settings(max_examples=400)
@given(scenes(), RULES)
@example(frames_of([]), RULE)
def test_tracker_equals_the_reference(frames, rule):
    assert_same(events_of(frames, rule, delay_s=0.5), reference(frames, rule, delay_s=0.5))


@settings(max_examples=300)
@given(scenes(), RULES, st.data())
def test_cutting_the_frames_up_anywhere_changes_nothing(frames, rule, data):
    cuts = data.draw(st.lists(st.integers(0, len(frames)), max_size=20))
    assert events_of(frames, rule, cuts) == events_of(frames, rule)


@settings(max_examples=60)
@given(scenes(max_parts=6), RULES)
def test_frame_by_frame_equals_all_at_once(frames, rule):
    assert events_of(frames, rule, range(len(frames))) == events_of(frames, rule)


@settings(max_examples=300)
@given(scenes(), RULES)
def test_invariants(frames, rule):
    events = events_of(frames, rule, delay_s=0.1)
    pending = None
    ends = -np.inf
    for event in events:
        if isinstance(event, BoutStarted):
            assert pending is None, "a bout began within another one"
            assert event.detected_at >= event.onset + HOP_S + 0.1 - EPS
            pending = event.onset
            continue
        assert event.onset == pending, "ended or withdrawn, but not begun"
        pending = None
        if isinstance(event, BoutWithdrawn):
            assert event.at > event.onset
            continue
        assert event.onset - ends > rule.max_gap
        assert event.offset - event.onset >= rule.min_duration - EPS
        assert 0 <= event.mean_cry <= 1
        assert event.peak_dbfs <= frames.level.max()
        ends = event.offset
    assert pending is None, "neither ended nor withdrawn"
    bouts = find_bouts(frames, rule)
    assert [(b.onset, b.offset) for b in bouts] == [
        (e.onset, e.offset) for e in events if isinstance(e, BoutEnded)
    ]


def test_a_plain_cry_is_announced_within_a_second_and_has_exact_edges():
    frames = frames_of(seconds((10, 0), (6, 0.9), (10, 0)))
    started, ended = events_of(frames, delay_s=0.4)
    assert started.onset == pytest.approx(10.0)
    assert started.detected_at - started.onset <= 1.0
    assert (ended.onset, ended.offset) == (started.onset, pytest.approx(16.0))
    assert ended.mean_cry == pytest.approx(0.9)


def test_bursts_join_over_a_gap_of_five_seconds_and_not_over_a_longer_one():
    for gap, count in ((4.88, 1), (5.04, 2)):
        frames = frames_of(seconds((5, 0), (4, 0.9), (gap, 0), (4, 0.9), (10, 0)))
        assert len(find_bouts(frames, RULE)) == count, gap


def test_mean_counts_the_pauses_and_peak_only_the_bout():
    cry = seconds((4, 0), (4, 1), (4, 0), (4, 1), (8, 0))
    level = seconds((4, -10), (4, -30), (4, -25), (4, -30), (8, -5))
    (bout,) = find_bouts(frames_of(cry, level), RULE)
    assert bout.mean_cry == pytest.approx(2 / 3)
    assert bout.peak_dbfs == -25


def test_a_short_cry_is_withdrawn_and_not_kept():
    frames = frames_of(seconds((5, 0), (2, 0.9), (10, 0)))
    started, withdrawn = events_of(frames, delay_s=0.3)
    assert isinstance(withdrawn, BoutWithdrawn)
    assert withdrawn.onset == started.onset
    assert 12 < withdrawn.at < 13
    assert find_bouts(frames, RULE) == []


def test_a_blip_without_evidence_says_nothing():
    frames = frames_of(seconds((4, 0), (0.24, 0.95), (12, 0)))
    assert events_of(frames, replace(RULE, evidence=0.4)) == []
    assert [type(e) for e in events_of(frames, replace(RULE, evidence=0.24))] == [
        BoutStarted,
        BoutWithdrawn,
    ]


def test_two_short_cries_far_apart_hold_too_little_crying():
    frames = frames_of(seconds((4, 0), (0.4, 1), (4, 0), (0.4, 1), (10, 0)))
    assert [type(e) for e in events_of(frames)] == [BoutStarted, BoutWithdrawn]
    assert len(find_bouts(frames, replace(RULE, min_cry=0.5))) == 1


def test_onset_goes_back_to_where_the_level_rose():
    cry = seconds((10, 0), (5, 0.9), (10, 0))
    level = seconds((9.6, -60), (5.4, -25), (10, -60))
    (bout,) = find_bouts(frames_of(cry, level), RULE)
    assert bout.onset == pytest.approx(9.6)


def test_onset_does_not_go_back_into_quieter_talk_nor_further_than_its_reach():
    cry = seconds((10, 0), (5, 0.9), (10, 0))
    talk = seconds((8, -60), (2, -45), (5, -25), (10, -60))
    (bout,) = find_bouts(frames_of(cry, talk), RULE)
    assert bout.onset == pytest.approx(10.0)
    loud = seconds((8, -60), (2, -30), (5, -25), (10, -60))
    (bout,) = find_bouts(frames_of(cry, loud), RULE)
    assert bout.onset == pytest.approx(10.0 - 12 * HOP_S)
    (bout,) = find_bouts(frames_of(cry, loud), replace(RULE, reach=0.0))
    assert bout.onset == pytest.approx(10.0)


def test_digital_silence_before_a_cry_is_a_background_like_any_other():
    cry = seconds((4, 0), (5, 0.9), (10, 0))
    level = seconds((3.84, -np.inf), (5.16, -20), (10, -np.inf))
    (bout,) = find_bouts(frames_of(cry, level), RULE)
    assert bout.onset == pytest.approx(3.84)
    silent = frames_of(cry, np.full(len(cry), -np.inf))
    assert find_bouts(silent, RULE)[0].peak_dbfs == -np.inf


def test_a_long_hole_ends_a_bout_at_its_last_frame_and_a_short_one_is_calm():
    cry = seconds((4, 0.9), (4, 0.9))
    for hole, count in ((4.0, 1), (6.0, 2)):
        times = np.arange(len(cry)) * HOP_S
        times[50:] += hole
        bouts = find_bouts(frames_of(cry, times=times), RULE)
        assert len(bouts) == count
        assert bouts[0].onset == 0
        assert bouts[-1].offset == pytest.approx(times[-1] + HOP_S)
    assert bouts[0].offset == pytest.approx(4.0)


def test_a_long_hole_is_known_with_the_frame_after_it_and_told_for_the_one_before():
    times = np.r_[np.arange(25) * HOP_S, 60.0]
    cry = np.r_[np.full(25, 0.9), 0.0]
    tracker = BoutTracker(RULE)
    tracker.process(frames_of(cry, times=times)[:25])
    assert tracker.process(frames_of(cry, times=times)[25:]) == [
        BoutWithdrawn(0.0, pytest.approx(2.0))
    ]


def test_flush_begins_anew():
    frames = frames_of(seconds((4, 0.9), (10, 0)))
    tracker = BoutTracker(RULE)
    first = tracker.process(frames) + tracker.flush()
    assert tracker.flush() == []
    assert tracker.process(frames) + tracker.flush() == first


def test_a_rule_survives_being_stored():
    rule = BoutRule(0.7, 0.2, max_gap=8)
    assert BoutRule.from_dict(rule.as_dict()) == rule
    assert BoutRule.parse(",".join(f"{k}={v}" for k, v in rule.as_dict().items())) == rule
    assert BoutRule.parse("", rule) == rule
    assert BoutRule.parse(" off = 0.1 ", rule) == replace(rule, off=0.1)


@settings(max_examples=100)
@given(RULES)
def test_any_rule_survives_being_typed(rule):
    assert BoutRule.parse(",".join(f"{k}={v!r}" for k, v in rule.as_dict().items())) == rule
