"""Numbers with their intervals, against scipy's laws and worked examples."""

import numpy as np
import pytest
from scipy.stats import binomtest, t

from harken.insight import Estimate, mean_by_day, share, share_by_day
from harken.insight.estimate import t_of, unknown, z_of


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
def test_students_law_equals_scipys(level):
    for freedom in [*range(1, 40), 100, 101, 1999, 5000]:
        assert t_of(level, freedom) == pytest.approx(t.ppf((1 + level) / 2, freedom), rel=1e-3)
    assert t_of(level, 3) == pytest.approx(t.ppf((1 + level) / 2, 3), rel=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (50, 61), (61, 61)])
def test_wilsons_interval_equals_scipys(k, n):
    wanted = binomtest(k, n).proportion_ci(0.95, "wilson")
    found = share(k, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_a_share_of_nothing_is_not_known():
    assert str(share(0, 0)) == "not known (n = 0)"
    assert str(share_by_day([])) == "not known (n = 0)"


def test_days_that_hang_together_are_worth_less_and_never_more():
    even = share_by_day([(1, 2)] * 20)
    assert (even.low, even.high) == (share(20, 40).low, share(20, 40).high)
    torn = share_by_day([(2, 2), (0, 2)] * 10)
    assert torn.value == even.value
    assert torn.high - torn.low > even.high - even.low
    assert share_by_day([(5, 5), (0, 0)]) == share(5, 5)


def test_the_interval_by_day_holds_the_truth_where_nights_differ():
    rng = np.random.default_rng(3)
    held = {"day": 0, "plain": 0}
    for _ in range(400):
        nights = rng.beta(3, 2, 21)
        counts = [(rng.binomial(8, night), 8) for night in nights]
        by_day, plain = share_by_day(counts), share(sum(k for k, _ in counts), 168)
        held["day"] += by_day.low <= 0.6 <= by_day.high
        held["plain"] += plain.low <= 0.6 <= plain.high
    assert held["day"] / 400 >= 0.91
    assert held["plain"] < held["day"]


def test_a_mean_over_days_has_students_interval():
    values = [31, 12, 55, 40, 22]
    found = mean_by_day(values, unit="min/day")
    half = t.ppf(0.975, 4) * np.std(values, ddof=1) / np.sqrt(5)
    assert (found.value, found.low, found.high) == pytest.approx((32, 32 - half, 32 + half))
    assert mean_by_day([0, 0, 30]).low == 0
    assert mean_by_day([0, 0, 30], least=None).low < 0
    assert str(mean_by_day([7])) == "7 (n = 1)"
    assert str(mean_by_day([8, 8, 8], unit="feeds/day")) == "8 feeds/day (n = 3)"
    assert mean_by_day([]).value is None


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (Estimate(34.2, 21.4, 58, 31, unit="s"), "34 s (21 to 58, n = 31)"),
        (Estimate(34.2, 21.4, None, 31, unit="s"), "34 s (21 or more, n = 31)"),
        (Estimate(34.2, 21.4, 130, 9, unit="s"), "34 s (21 s to 2 min 10 s, n = 9)"),
        (Estimate(None, 20, None, 3, unit="s"), "not known, at least 20 s (n = 3)"),
        (Estimate(0.5, 0.2, 0.8, 4, unit="share"), "50 % (20 to 80, n = 4)"),
        (Estimate(3.25, None, None, 1, unit="h"), "3.2 h (n = 1)"),
        (Estimate(-0.01, -0.2, 0.2, 8), "0 (-0.2 to 0.2, n = 8)"),
        (unknown(2), "not known (n = 2)"),
        (Estimate(138.2, 137.9, 138.4, 152), "138.2 (137.9 to 138.4, n = 152)"),
        (Estimate(12.02, 12.0, 12.04, 900), "12.02 (12.00 to 12.04, n = 900)"),
        (Estimate(0.001, 0.0002, 0.004, 900, unit="share"), "0.1 % (0.0 to 0.4, n = 900)"),
        (Estimate(200.3, 200.1, 200.4, 60, unit="s"), "200.3 s (200.1 to 200.4, n = 60)"),
        (Estimate(7, 7, 7, 9), "7 (n = 9)"),
        (Estimate(138.0, 138.0, 138.0 + 1e-12, 9), "138 (n = 9)"),
    ],
)
def test_an_estimate_says_what_it_is_based_on(estimate, said):
    assert str(estimate) == said


def test_an_estimate_is_ready_for_json():
    assert share(1, 2).as_dict()["how"] == "Wilson"
    assert set(unknown().as_dict()) == {"value", "low", "high", "n", "unit", "level", "how"}
    assert z_of(0.95) == pytest.approx(1.959964)
