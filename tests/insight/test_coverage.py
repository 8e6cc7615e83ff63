"""Intervals hold the truth as often as they say, on households whose truth is known.

The generator knows nothing of the estimators: cries, answers and soothing are
drawn from their own laws (see `Household` in conftest.py), go through the real
fold, and the truth is either in closed form or a very long run of the same laws.
"""

from dataclasses import replace
from datetime import timedelta
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest

from harken.insight.changes import changes
from harken.insight.consistent import consistent
from harken.insight.crying import crying
from harken.insight.helps import helps
from harken.insight.record import Change
from harken.insight.swift import swift

pytestmark = pytest.mark.slow

STATED = 0.95


def assert_stated(held: list[bool], *, slack: float = 0.01) -> None:
    """The share that held the truth is as stated, within chance and a hundredth."""
    chance = 3 * sqrt(STATED * (1 - STATED) / len(held))
    found = sum(held) / len(held)
    assert STATED - slack - chance <= found <= min(1.0, STATED + 0.03 + chance), (
        f"{found:.3f} of {len(held)} intervals hold the truth, stated {STATED}"
    )


def holds(estimate, truth: float) -> bool:
    """An end that is open holds everything on its side."""
    low = -np.inf if estimate.low is None else estimate.low
    high = np.inf if estimate.high is None else estimate.high
    return bool(low <= truth <= high)


@pytest.mark.parametrize(("days", "deaf"), [(7, 0.0), (14, 0.0), (14, 0.4)])
def test_minutes_and_bouts_a_day(household, days, deaf):
    long = household(99, days=8000)
    minutes, bouts = float(np.mean(long.minutes())), len(long.cries()) / long.days
    found = [crying(household(seed, days=days).record(deaf=deaf)) for seed in range(500)]
    found = [one for one in found if one.minutes_a_day.value is not None]
    assert len(found) > 480
    assert_stated([holds(one.minutes_a_day, minutes) for one in found])
    assert_stated([holds(one.bouts_a_day, bouts) for one in found])
    # Afternoons that were not heard do not bend the figure either.
    assert np.mean([one.minutes_a_day.value for one in found]) == pytest.approx(minutes, rel=0.03)


@pytest.mark.parametrize("days", [7, 21])
def test_swift_shares_and_median_with_censoring(household, days):
    """Half of the cries end before anybody comes, and the answers that are left are not all."""
    comes_s, spread = 90.0, 1.0
    median, within = [], {10.0: [], 30.0: [], 60.0: [], 300.0: []}
    censored = []
    for seed in range(400):
        made = household(seed, days=days, comes_s=comes_s, comes_spread=spread, long_s=150.0)
        found = swift(made.record())
        censored.append(found.censored / found.n)
        median.append(holds(found.median, comes_s))
        for one in found.within:
            truth = NormalDist(log(comes_s), spread).cdf(log(one.at_s))
            # Where nobody was watched for as long, nothing is said.
            if one.share.value is not None and one.share.low is not None:
                within[one.at_s].append(holds(one.share, truth))
    assert 0.3 < np.mean(censored) < 0.7
    assert_stated(median, slack=0.02)
    for at_s in (10.0, 30.0, 60.0):
        assert_stated(within[at_s], slack=0.02)


@pytest.mark.parametrize("days", [7, 21])
def test_share_answered(household, days):
    """Cries of a bad day are no longer than others here, but there are more of them."""
    law = {"comes_s": 90.0, "comes_spread": 1.0, "long_s": 150.0}
    truth = consistent(household(99, days=2000, **law).record()).answered.value
    found = [consistent(household(seed, days=days, **law).record()) for seed in range(300)]
    assert_stated([holds(one.answered, truth) for one in found])


def test_nights_before_and_after_a_change_that_changed_nothing(household):
    """The interval of the difference holds 0 as often as it says."""
    minutes, cries = [], []
    for seed in range(400):
        record = household(seed, days=14).record()
        at = record.since + timedelta(days=7)
        change = Change("0", at, "note", "a bath before the last feed")
        (found,) = changes(replace(record, changes=(change,)))
        assert (found.before.n, found.after.n) == (7, 7)
        minutes.append(holds(found.crying, 0))
        cries.append(holds(found.cries, 0))
    assert_stated(minutes)
    assert_stated(cries)


def some_ways(seed: int, way) -> dict:
    """Between three and six attempts, some of which work better than others."""
    rng = np.random.default_rng((seed, 77))
    names = ["hold", "feed", "rock", "pat", "song", "voice"][: rng.integers(3, 7)]
    middle = rng.uniform(-1, 1)
    return {
        name: way(1 / (1 + exp(-(middle + rng.normal(0, 0.9)))), rng.lognormal(log(50), 0.4))
        for name in names
    }


@pytest.mark.parametrize(("days", "deaf"), [(7, 0.0), (28, 0.4)])
def test_what_helps(household, way, days, deaf):
    held, raw, said, was, narrower = [], [], [], [], []
    for seed in range(150):
        made = household(seed, days=days, ways=some_ways(seed, way))
        found = helps(made.record(deaf=deaf))
        for one in (*found.ranked, *found.not_yet):
            held.append(holds(one.calmed, made.truth(one.attempt)))
            raw.append(holds(one.raw, made.truth(one.attempt)))
            if one.raw.low is not None:
                narrower.append(one.calmed.high - one.calmed.low < one.raw.high - one.raw.low)
        if found.ranked:
            truths = [made.truth(one.attempt) for one in found.ranked]
            said.append(found.ranked[0].best)
            was.append(truths[0] == max(truths))
    assert_stated(held)
    assert_stated(raw, slack=0.02)
    assert np.mean(narrower) > 0.6
    # Who is called the best with a chance of so much is it about so often.
    assert np.mean(was) == pytest.approx(np.mean(said), abs=0.1)


def test_circumstances(household, way):
    """Where the hour makes no difference, an hour's interval holds the same truth."""
    held = []
    for seed in range(120):
        made = household(seed, days=28, ways=some_ways(seed, way))
        found = helps(made.record(), hour=int(seed % 24))
        held += [holds(one.here, made.truth(one.attempt)) for one in found.ranked]
    assert sum(held) / len(held) >= STATED - 0.02


def test_the_lucky_do_not_win_more_often_than_they_are(household, way):
    """With a handful of tries each, the pooled ranking errs less than the shares as they are."""
    pooled, plain = [], []
    for seed in range(150):
        made = household(seed, days=3, ways=some_ways(seed, way))
        found = helps(made.record(), least=1)
        if len(found.ranked) < 2:
            continue
        for one in found.ranked:
            truth = made.truth(one.attempt)
            pooled.append((one.calmed.value - truth) ** 2)
            plain.append((one.raw.value - truth) ** 2)
    assert np.mean(pooled) < 0.8 * np.mean(plain)
