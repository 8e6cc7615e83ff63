"""Rules and frames that make no sense are refused with one plain line."""

import numpy as np
import pytest

from harken.episodes import BoutRule, BoutTracker, find_bouts
from harken.errors import ParameterError
from harken.hearing.frames import HOP_S, Frames

RULE = BoutRule(0.5, 0.3)


def frames_of(cry, times=None, level=None):
    cry = np.asarray(cry, np.float32)
    times = np.arange(len(cry)) * HOP_S if times is None else np.asarray(times, float)
    level = np.full(len(cry), -40, np.float32) if level is None else np.asarray(level, np.float32)
    return Frames(times, cry, cry, cry, level)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"on": 0.3, "off": 0.5}, "0 < off < on ≤ 1"),
        ({"on": 0.5, "off": 0.5}, "0 < off < on ≤ 1"),
        ({"on": 1.1, "off": 0.5}, "0 < off < on ≤ 1"),
        ({"on": 0.5, "off": 0}, "0 < off < on ≤ 1"),
        ({"on": float("nan"), "off": 0.2}, "0 < off < on ≤ 1"),
        ({"on": "0.5", "off": 0.2}, "on='0.5' is not a number"),
        ({"on": True, "off": 0.2}, "on=True is not a number"),
        ({"on": 0.5, "off": 0.2, "max_gap": -1}, "max_gap=-1 must be from 0 to 3600 seconds"),
        ({"on": 0.5, "off": 0.2, "min_duration": float("inf")}, "min_duration=inf"),
        ({"on": 0.5, "off": 0.2, "smoothing": 11}, "smoothing=11 must be from 0 to 10"),
        ({"on": 0.5, "off": 0.2, "evidence": float("nan")}, "evidence=nan"),
        ({"on": 0.5}, "off must be given"),
        ({}, "on and off must be given"),
        ({"on": 0.5, "off": 0.2, "gap": 1}, "unknown field 'gap'; there are on, off, min_duration"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(values, message):
    with pytest.raises(ParameterError, match=r"^rule: ") as caught:
        BoutRule.from_dict(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_gap", "'max_gap' is not of the form key=number"),
        ("max_gap=", "is not a number"),
        ("max_gap=five", "max_gap='five' is not a number"),
        ("=3", "is not of the form"),
        ("max_gap=1,", "is not of the form"),
        ("max_gap=1,max_gap=2", "max_gap is given twice"),
        ("max_gap=nan", "max_gap=nan must be"),
        ("on=0.2", "0 < off < on"),
    ],
)
def test_a_typed_rule_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(ParameterError) as caught:
        BoutRule.parse(text, RULE)
    assert message in str(caught.value)


@pytest.mark.parametrize("delay_s", [-0.1, float("nan"), float("inf")])
def test_a_delay_must_be_a_time(delay_s):
    with pytest.raises(ParameterError, match="delay_s"):
        BoutTracker(RULE, delay_s=delay_s)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (frames_of([0.1, np.nan]), "without NaN"),
        (frames_of([0.1, 1.5]), "from 0 to 1"),
        (frames_of([0.1, -0.5]), "from 0 to 1"),
        (frames_of([0.1, np.inf]), "from 0 to 1"),
        (frames_of([0.1, 0.1], times=[1.0, 0.9]), "times must increase"),
        (frames_of([0.1, 0.1], times=[1.0, 1.0]), "times must increase"),
        (frames_of([0.1, 0.1], times=[1.0, np.nan]), "times must be finite"),
        (frames_of([0.1, 0.1], level=[np.nan, 0]), "level"),
        (frames_of([0.1, 0.1], level=[np.inf, 0]), "level"),
        (frames_of([0.1, 0.1], times=[0.0]), "one length"),
        (frames_of([[0.1, 0.1]], times=[[0.0, 0.1]], level=[[0, 0]]), "one-dimensional"),
    ],
)
def test_frames_that_make_no_sense_are_refused(frames, message):
    with pytest.raises(ParameterError, match=r"^frames: ") as caught:
        find_bouts(frames, RULE)
    assert message in str(caught.value)


def test_going_back_in_time_is_refused_and_loses_nothing():
    cry = frames_of(np.full(100, 0.9))
    tracker = BoutTracker(RULE)
    told = tracker.process(cry)
    with pytest.raises(ParameterError, match="flush"):
        tracker.process(cry)
    assert len(told) + len(tracker.flush()) == 2
