"""Times of day: against SciPy, and against tables worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harken.errors import ParameterError
from harken.studies.circular import (
    mean_direction,
    permutation_test,
    rayleigh,
    resultant_length,
    time_of_day,
    watson_williams,
)

some_hours = st.lists(st.floats(0, 23.99), min_size=1, max_size=30)


@given(some_hours)
def test_mean_and_length_are_those_of_scipy(hours):
    length = resultant_length(hours)
    assert length == pytest.approx(1 - stats.circvar(hours, high=24), abs=1e-9)
    mean = mean_direction(hours)
    if length > 1e-6:
        apart = abs(mean - stats.circmean(hours, high=24))
        assert min(apart, 24 - apart) < 1e-6
        assert 0 <= mean < 24


@given(some_hours, st.floats(0, 24))
def test_turning_the_clock_changes_no_length(hours, turn):
    turned = [(one + turn) % 24 for one in hours]
    assert resultant_length(turned) == pytest.approx(resultant_length(hours), abs=1e-9)


def test_a_table_worked_out_by_hand():
    # Three at 0, one at 6 o'clock: sums of cosines 3 and of sines 1.
    hours = [0, 0, 0, 6]
    assert resultant_length(hours) == pytest.approx(math.sqrt(10) / 4)
    assert mean_direction(hours) == pytest.approx(math.degrees(math.atan2(1, 3)) / 15)


def test_opposite_times_point_nowhere():
    assert mean_direction([6, 18]) is None
    assert resultant_length([6, 18]) == pytest.approx(0, abs=1e-12)


def test_rayleigh_by_hand():
    # R = √10 of n = 4: z = 2.5, p = exp(√(1 + 16 + 4·6) − 9).
    test = rayleigh([0, 0, 0, 6])
    assert test.statistic == pytest.approx(2.5)
    assert test.p == pytest.approx(math.exp(math.sqrt(41) - 9))
    assert test.n == 4


def test_rayleigh_is_right_as_often_as_it_says():
    random = np.random.default_rng(4)
    ps = [rayleigh(random.uniform(0, 24, 15)).p for _ in range(2000)]
    assert np.mean(np.array(ps) < 0.05) == pytest.approx(0.05, abs=0.015)


def test_watson_williams_by_hand():
    # Groups at 0 ± 1 h and 2 ± 1 h: each resultant 2·cos 15°, that of all 4·cos² 15°.
    test = watson_williams([23, 1], [1, 3])
    one, every = 2 * math.cos(math.radians(15)), 4 * math.cos(math.radians(15)) ** 2
    mean = 2 * one / 4
    kappa = 1 / (mean**3 - 4 * mean**2 + 3 * mean)
    wanted = (1 + 3 / (8 * kappa)) * 2 * (2 * one - every) / (4 - 2 * one)
    assert test.statistic == pytest.approx(wanted)
    assert test.p == pytest.approx(stats.f.sf(wanted, 1, 2))


def test_watson_williams_is_right_as_often_as_it_says():
    random = np.random.default_rng(5)
    ps = [
        watson_williams(*(random.vonmises(1, 3, (2, 12)) * 24 / (2 * np.pi))).p for _ in range(1500)
    ]
    assert np.mean(np.array(ps) < 0.05) == pytest.approx(0.05, abs=0.02)


def test_watson_williams_says_when_it_should_not_be_trusted():
    assert "permutation" in watson_williams([0, 8, 16, 3], [1, 9, 17, 5]).note
    assert watson_williams([17, 18, 19], [20, 21, 22]).note == ""


def clustered(random, children=12, each=30):
    """Children who each have an hour of their own; two groups without a difference."""
    own = random.normal(18, 3, children)
    hours = (np.repeat(own, each) + random.normal(0, 2, children * each)) % 24
    return hours, np.repeat(np.arange(children) % 2, each), np.repeat(np.arange(children), each)


def test_dealing_children_is_right_where_counting_cries_is_not():
    random = np.random.default_rng(6)
    ours, naive = [], []
    for _ in range(120):
        hours, groups, children = clustered(random)
        ours.append(permutation_test(hours, groups, children, times=199).p)
        naive.append(watson_williams(hours[groups == 0], hours[groups == 1]).p)
    assert np.mean(np.array(ours) < 0.05) < 0.12
    assert np.mean(np.array(naive) < 0.05) > 0.4


def test_an_interval_across_midnight_stays_in_one_piece():
    random = np.random.default_rng(7)
    hours = (np.repeat(random.normal(0, 1, 20), 10)) % 24
    found = time_of_day(hours, np.repeat(np.arange(20), 10))
    hour = found.hour
    assert hour.high - hour.low < 3
    assert hour.low <= hour.value <= hour.high
    assert found.resultant.low < found.resultant.value < found.resultant.high
    assert found.hour.n == found.children == 20


def test_no_interval_is_told_that_is_not_known():
    assert time_of_day([1, 2], ["a", "b"]).hour.low is None
    even = np.tile(np.arange(0, 24, 3), 4)
    assert time_of_day(even, np.arange(32)).hour.low is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mean_direction([]), "there are no times of day"),
        (lambda: mean_direction([1, math.nan]), "is not a number"),
        (lambda: mean_direction([1], period=0), "must be above 0"),
        (lambda: rayleigh([1, 2]), "at least 3 directions, there are 2"),
        (lambda: watson_williams([1, 2]), "at least two groups"),
        (lambda: watson_williams([1, 2], [3]), "one has 1"),
        (lambda: permutation_test([1], ["a"], [1, 2]), "of one length"),
        (lambda: permutation_test([1, 2], ["a", "b"], [1, 1]), "in two groups"),
        (lambda: permutation_test([1, 2], ["a", "a"], [1, 2]), "one group only"),
        (lambda: permutation_test([1, 2, 3], ["a", "a", "b"], [1, 2, 3]), "one has 1"),
        (lambda: permutation_test([1], ["a"], [1], times=9), "at least 99"),
        (lambda: time_of_day([1], []), "of one length"),
    ],
)
def test_what_cannot_be_done_is_one_line(call, says):
    with pytest.raises(ParameterError, match=says) as error:
        call()
    assert "\n" not in str(error.value)
