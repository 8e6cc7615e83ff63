"""Curves against tables worked by hand, and against lifelines on random censored data."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.insight import cumulative_incidence, kaplan_meier, share

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import AalenJohansenFitter, KaplanMeierFitter
    from lifelines.utils import median_survival_times

# Remission under 6-mercaptopurine, weeks; the textbook's example (Freireich 1963, Cox 1972).
REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_the_textbook_table():
    curve = kaplan_meier(REMISSION, RELAPSED)
    rows = {
        time: (value, risk, gone)
        for time, value, risk, gone in zip(
            curve.times, curve.values, curve.at_risk, curve.ended, strict=True
        )
        if gone
    }
    assert {time: row[1:] for time, row in rows.items()} == {
        6: (21, 3), 7: (17, 1), 10: (15, 1), 13: (12, 1), 16: (11, 1), 22: (7, 1), 23: (6, 1),
    }  # fmt: skip
    wanted = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {time: round(row[0], 3) for time, row in rows.items()} == wanted
    median = curve.quantile()
    assert (median.value, median.low, median.high, median.n) == (23, 13, None, 21)
    # Greenwood at 10 weeks: 0.753 · √(3/(21·18) + 1/(17·16) + 1/(15·14)) = 0.0963.
    place = curve.times.index(10)
    log = np.log(0.7529)
    half = 1.959964 * 0.0963 / (0.7529 * -log)
    assert curve.low[place] == pytest.approx(np.exp(-np.exp(np.log(-log) + half)), abs=1e-3)
    assert curve.high[place] == pytest.approx(np.exp(-np.exp(np.log(-log) - half)), abs=1e-3)


def test_a_cry_that_stopped_first_is_not_counted_as_answered_then():
    every = kaplan_meier([10, 20, 30, 40])
    censored = kaplan_meier([10, 20, 30, 40], [1, 0, 1, 1])
    assert every.values == (1, 0.75, 0.5, 0.25, 0)
    assert censored.values == (1, 0.75, 0.75, 0.375, 0)


def test_two_ways_to_end_by_hand():
    # At 10 one of 5 by way 1; at 20 one of 4 by way 2; 30 unseen; at 40 one of 2 by way 1.
    curves = cumulative_incidence([10, 20, 30, 40, 50], [1, 2, 0, 1, 0])
    assert curves[1].values == pytest.approx((0, 0.2, 0.2, 0.2, 0.2 + 0.6 / 2, 0.5))
    assert curves[2].values == pytest.approx((0, 0, 0.8 / 4, 0.2, 0.2, 0.2))
    assert curves[1].at_risk == (5, 5, 4, 3, 2, 1)
    assert curves[2].ended == (0, 0, 1, 0, 0, 0)


def test_without_censoring_the_curves_are_plain_shares_with_the_binomial_error():
    durations, causes = np.arange(1, 41), np.tile([1, 2, 2, 1], 10)
    curve = cumulative_incidence(durations, causes)[1]
    place = curve.times.index(20)
    p = curve.values[place]
    assert p == pytest.approx(10 / 40)
    half = 1.959964 * np.sqrt(p * (1 - p) / 40) / (p * -np.log(p))
    wanted = [np.exp(-np.exp(np.log(-np.log(p)) + sign * half)) for sign in (1, -1)]
    assert (curve.low[place], curve.high[place]) == pytest.approx(tuple(wanted), rel=1e-6)


def test_where_all_ended_the_edge_stays_as_it_was():
    curve = kaplan_meier([5, 10, 20])
    assert curve.values[-1] == curve.low[-1] == 0
    assert curve.high[-1] == curve.high[-2] > 0
    assert curve.by(100).value == 1
    assert kaplan_meier([7]).high == (1, 1)


def test_what_nobody_was_watched_for_is_not_known():
    curve = kaplan_meier([10, 20, 30], [1, 0, 0])
    assert curve.by(30).value == pytest.approx(1 / 3)
    assert curve.by(31).value is None
    assert curve.quantile().value is None
    assert curve.quantile().low is None, "three waits do not bound a median"
    assert kaplan_meier([10] * 4 + [30] * 6, [1] * 4 + [0] * 6).quantile().low == 10
    assert curve.by(0).value == 0


def test_that_none_has_ended_yet_does_not_say_that_none_would():
    """Of 44 who waited longer than 10 s the true share may still be some per cent."""
    curve = kaplan_meier([30.0] * 44)
    assert str(curve.by(10)) == "0 % (0 to 8, n = 44)"
    assert curve.by(10).high == pytest.approx(share(0, 44).high)
    (only,) = cumulative_incidence([30.0] * 44, [1] * 44).values()
    assert str(only.by(10)) == "0 % (0 to 8, n = 44)"
    # Of those who were watched on: the others say nothing of later.
    lost = kaplan_meier([5.0] * 40 + [30.0] * 4, [0] * 40 + [1] * 4)
    assert lost.by(10).high == pytest.approx(share(0, 4).high)
    assert kaplan_meier([7, 9]).quantile().low is None, "two waits do not bound a median"


def test_nothing_at_all():
    curve = kaplan_meier([])
    assert (curve.times, curve.values, curve.n) == ((0.0,), (1.0,), 0)
    assert str(curve.by(10)) == str(curve.quantile()) == "not known (n = 0)"
    (only,) = cumulative_incidence([], []).values()
    assert only.values == (0.0,)
    assert kaplan_meier([0, 0, 5]).by(0).value == pytest.approx(2 / 3)


def test_a_curve_is_ready_for_json():
    kept = kaplan_meier([5, 10], [1, 0]).as_dict()
    assert kept["times"] == [0, 5, 10]
    assert kept["values"] == [1, 0.5, 0.5]
    assert kept["n"] == 2


DATA = st.lists(
    st.tuples(st.integers(1, 60).map(float), st.sampled_from([0, 1, 1])), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(DATA, st.sampled_from([0.9, 0.95]))
def test_kaplan_meier_equals_lifelines(data, level):
    times, ended = map(np.array, zip(*data, strict=True))
    mine = kaplan_meier(times, ended, level=level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter(alpha=1 - level).fit(times, ended)
        band = theirs.confidence_interval_
        crossing = median_survival_times(band).to_numpy().ravel()
    assert mine.times[-len(theirs.timeline) + 1 :] == tuple(theirs.timeline[1:])
    assert mine.values == pytest.approx(tuple(theirs.survival_function_.iloc[:, 0]))
    alive = (np.array(mine.values) > 1e-9) & (np.array(mine.values) < 1)
    assert np.array(mine.low)[alive] == pytest.approx(band.iloc[:, 0].to_numpy()[alive])
    assert np.array(mine.high)[alive] == pytest.approx(band.iloc[:, 1].to_numpy()[alive])
    median = mine.quantile()
    if mine.values[-1] > 1e-9:
        assert (median.high or np.inf) == pytest.approx(crossing[1])
        # Before anything has ended, the band of lifelines has no width.
        whole = [low for low, value in zip(mine.low, mine.values, strict=True) if value == 1]
        if min(whole) > 0.5:
            assert (median.low or np.inf) == pytest.approx(crossing[0])
    if np.abs(np.array(mine.values) - 0.5).min() > 1e-9:  # there rounding decides for lifelines
        assert (median.value or np.inf) == pytest.approx(theirs.median_survival_time_)


@pytest.mark.parametrize("seed", range(25))
def test_cumulative_incidence_equals_lifelines(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 120))
    # Without ties: lifelines moves those apart at random.
    times = np.cumsum(rng.exponential(5, n) + 0.01)
    rng.shuffle(times)
    causes = rng.choice([0, 1, 2, 3], n, p=[0.3, 0.4, 0.2, 0.1])
    curves = cumulative_incidence(times, causes, kinds=3)
    waiting = np.array(kaplan_meier(times, causes > 0).values)
    assert sum(np.array(one.values) for one in curves.values()) + waiting == pytest.approx(1)
    for cause, curve in curves.items():
        if not (causes == cause).any():
            assert set(curve.values) == {0.0}
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = AalenJohansenFitter().fit(times, causes, event_of_interest=cause)
        wanted = theirs.cumulative_density_.iloc[:, 0].to_numpy()
        assert curve.values == pytest.approx(tuple(wanted))
        band = theirs.confidence_interval_.to_numpy()
        edges = np.array([curve.high, curve.low]).T
        known = np.isfinite(band).all(axis=1) & (wanted > 0) & (np.array(curve.at_risk) > 1)
        order = np.sort(band[known], axis=1)
        assert np.sort(edges[known], axis=1) == pytest.approx(order, abs=1e-6)


def test_the_bands_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    held = {"survival": 0, "median": 0, "incidence": 0}
    runs = 400
    for _ in range(runs):
        waiting = rng.exponential(30, 60)
        stopped = rng.exponential(60, 60)
        curve = kaplan_meier(np.minimum(waiting, stopped), waiting <= stopped)
        at = curve.by(20)
        held["survival"] += at.low <= 1 - np.exp(-20 / 30) <= at.high
        median = curve.quantile()
        held["median"] += median.low <= 30 * np.log(2) <= (median.high or np.inf)
        first = cumulative_incidence(
            np.minimum(waiting, stopped), np.where(waiting <= stopped, 1, 2)
        )[1].by(20)
        truth = (2 / 3) * (1 - np.exp(-20 / 20))
        held["incidence"] += first.low <= truth <= first.high
    for name, count in held.items():
        assert 0.91 <= count / runs <= 0.985, (name, count / runs)
