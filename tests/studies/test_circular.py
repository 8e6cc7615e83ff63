"""Times of day: against SciPy, and against tables worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harken.errors import ParameterError
from harken.studies.circular import (
    child_means,
    hours_apart,
    hours_heard,
    mean_direction,
    permutation_test,
    rayleigh,
    resultant_length,
    time_of_day,
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


def test_rayleigh_is_that_of_others():
    # The example of pingouin.circ_rayleigh, in radians.
    radians = np.array([0.785, 1.570, 3.141, 0.839, 5.934])
    test = rayleigh(radians * 12 / np.pi)
    assert test.statistic == pytest.approx(1.236, abs=5e-4)
    assert test.p == pytest.approx(0.304844, abs=5e-7)


def test_rayleigh_is_right_as_often_as_it_says():
    random = np.random.default_rng(4)
    ps = [rayleigh(random.uniform(0, 24, 15)).p for _ in range(2000)]
    assert np.mean(np.array(ps) < 0.05) == pytest.approx(0.05, abs=0.015)


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
        naive.append(permutation_test(hours, groups, range(len(hours)), times=199).p)
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


def test_a_child_that_cries_a_lot_counts_as_one():
    hours = [6] * 100 + [12, 12, 0, 0]
    children = ["often"] * 100 + ["a", "a", "b", "b"]
    found = time_of_day(hours, children)
    # 6, 12 and 0 o'clock, each one child.
    assert found.hour.value == pytest.approx(6)
    assert found.resultant.value == pytest.approx(1 / 3)


def test_intervals_of_a_direction_are_those_of_a_mean_where_times_lie_close():
    random = np.random.default_rng(8)
    own = random.normal(12, 0.3, 15)
    found = time_of_day(own, range(15), times=4000)
    reach = stats.t.ppf(0.975, 14) * own.std(ddof=1) / math.sqrt(15)
    assert found.hour.high - found.hour.value == pytest.approx(reach, rel=0.05)
    other = random.normal(13, 0.3, 15)
    apart = hours_apart((own, range(15)), (other, range(15)), times=4000)
    test = stats.ttest_ind(other, own, equal_var=False)
    assert apart.value == pytest.approx(other.mean() - own.mean(), abs=0.01)
    ends = test.confidence_interval()
    assert (apart.low, apart.high) == pytest.approx((ends.low, ends.high), abs=0.03)


def test_hours_apart_go_the_shorter_way_round():
    one, other = ([23, 23, 23.5], "abc"), ([1, 1, 0.5], "def")
    assert hours_apart(one, other).value == pytest.approx(5 / 3, abs=0.01)
    assert hours_apart(other, one).value == pytest.approx(-5 / 3, abs=0.01)
    assert hours_apart(one, ([1, 2], "de")).low is None
    assert hours_apart(one, ([6, 18, 12, 0], "defg")).value is None


@pytest.mark.slow
def test_intervals_of_hours_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(9)
    held = 0
    for seed in range(300):
        groups = []
        for centre, children in ((2, 5), (22, 9)):
            own = random.normal(centre, 2, children)
            child = np.repeat(np.arange(children), 20)
            groups.append(((own[child] + random.normal(0, 3, len(child))) % 24, child.tolist()))
        apart = hours_apart(*groups, times=199, seed=seed)
        held += apart.low is not None and apart.low <= -4 <= apart.high
    assert 0.91 <= held / 300 <= 0.99


@given(st.lists(st.tuples(st.floats(0, 24), st.floats(0, 300_000)), min_size=1, max_size=8))
def test_hours_heard_are_all_that_was_heard(recordings):
    begin, seconds = zip(*recordings, strict=True)
    heard = hours_heard(begin, seconds)
    assert heard.sum() == pytest.approx(sum(seconds) / 3600, abs=1e-6)
    assert heard.min() >= -1e-9
    assert heard.max() - heard.min() <= len(recordings) + 1e-9


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mean_direction([]), "there are no times of day"),
        (lambda: mean_direction([1, math.nan]), "is not a number"),
        (lambda: mean_direction([1], period=0), "must be above 0"),
        (lambda: rayleigh([1, 2]), "at least 3 directions, there are 2"),
        (lambda: child_means([1, 2], ["a"]), "of one length"),
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
