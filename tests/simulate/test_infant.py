"""The demo's infant: it cries until somebody comes, and goes on if nobody does."""

from itertools import pairwise

import numpy as np
import pytest

from harken.episodes import BoutEnded, BoutRule, BoutStarted, BoutTracker
from harken.errors import ParameterError
from harken.hearing import open_detector
from harken.simulate.infant import InfantSource, Temper
from harken.sound import RATE


def hear(infant, seconds, *, comfort_at=None):
    """Listen with the real detector, and comfort it at a time."""
    detector = open_detector("builtin")
    tracker = BoutTracker(BoutRule(detector.on, detector.off), delay_s=detector.delay_s)
    found = []
    for block in infant:
        if block.start >= seconds:
            break
        if comfort_at is not None and block.start >= comfort_at:
            infant.comfort()
            comfort_at = None
        found += tracker.process(detector.process(block))
    infant.close()
    return found


def infant(**temper):
    ticks = [0.0]
    return InfantSource(
        Temper(**temper), seed=3, clock=lambda: ticks[0],
        sleep=lambda s: ticks.__setitem__(0, ticks[0] + s),
    )  # fmt: skip


def test_it_cries_when_it_should_and_stops_by_itself():
    started, ended = hear(infant(first_s=5.0, patience_s=20.0, calm_s=1e6), 60.0)
    assert isinstance(started, BoutStarted)
    assert isinstance(ended, BoutEnded)
    assert started.onset == pytest.approx(5.0, abs=0.5)
    assert ended.offset - ended.onset == pytest.approx(20.0, abs=5.0)


def test_it_is_calmed_by_whoever_comes():
    _, ended = hear(
        infant(first_s=5.0, patience_s=1e6, calm_s=1e6, soothe_s=4.0), 60.0, comfort_at=15.0
    )
    assert isinstance(ended, BoutEnded)
    assert 15.0 < ended.offset < 27.0


def test_nobody_comes_and_it_goes_on():
    (started,) = hear(infant(first_s=2.0, patience_s=1e6), 60.0)
    assert isinstance(started, BoutStarted)


def test_its_sound_is_whole_and_within_full_scale():
    source = infant(first_s=1.0)
    blocks = [next(source) for _ in range(60)]
    source.close()
    for one, other in pairwise(blocks):
        assert other.start == pytest.approx(one.end, abs=0.5 / RATE)
    sound = np.concatenate([one.samples for one in blocks])
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1


@pytest.mark.parametrize("wrong", [{"first_s": -1}, {"calm_s": 0}, {"patience_s": 0}])
def test_a_temper_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ParameterError, match="temper"):
        Temper(**wrong)
