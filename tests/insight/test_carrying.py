"""Carrying against crying: pairs by hand, and the correlation against scipy's rank."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from harken.insight.carrying import carrying, spearman

FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def household_of(making, hours, minutes):
    made = making()
    for place, (carried, cried) in enumerate(zip(hours, minutes, strict=True)):
        at = FIRST + place * DAY
        if carried:
            made.care("carry", at + HOUR, at + HOUR + timedelta(hours=carried))
        made.cry(at + 12 * HOUR, cried * 60)
    return made


def test_pairs_are_of_one_day(making):
    hours, minutes = [1, 2, 3, 4, 5, 6, 7], [70, 60, 65, 40, 30, 20, 10]
    found = carrying(household_of(making, hours, minutes).record(FIRST, FIRST + 7 * DAY))
    assert [(one.carried_h, one.crying_min) for one in found.days] == list(
        zip(map(float, hours), map(float, minutes), strict=True)
    )
    assert all(one.used for one in found.days)
    assert found.correlation.value == pytest.approx(-0.9643, abs=1e-4)
    assert found.correlation.n == 7
    assert found.correlation.low < -0.9643 < found.correlation.high < 0


def test_days_without_an_entry_and_days_not_heard_are_left_out_and_counted(making):
    made = household_of(making, [1, 0, 3, 4, 5, 6, 7, 2], [70, 60, 65, 40, 30, 20, 10, 5])
    made.unheard(FIRST + 2 * DAY, FIRST + 2 * DAY + 3 * HOUR)
    found = carrying(made.record(FIRST, FIRST + 8 * DAY, FIRST + 7 * DAY + 20 * HOUR))
    assert (found.not_logged, found.not_heard) == (1, 2)
    assert [one.used for one in found.days] == [True, False, True, True, True, True, False]
    assert found.correlation.value is None
    assert found.says[0] == "Not yet known: 5 of 7 days that can be compared."
    assert found.days[1].heard_share == pytest.approx(21 / 24)


def test_it_claims_no_cause_and_shows_both_trials(making):
    found = carrying(making().record(FIRST, FIRST + DAY))
    assert [one.id for one in found.trial] == ["S12", "S13", "R08"]
    text = " ".join(found.says)
    assert "can’t show what carrying does" in text
    assert "is not heard here" in text
    assert "made no difference" in text
    json.dumps(found.as_dict(), allow_nan=False)


def test_spearman_equals_scipys_and_knows_ties():
    rng = np.random.default_rng(3)
    for n in (4, 9, 40):
        one, other = rng.integers(0, 6, n).astype(float), rng.normal(size=n)
        if len(set(one)) == 1:
            continue
        found = spearman(one.tolist(), other.tolist())
        assert found.value == pytest.approx(stats.spearmanr(one, other).statistic)
        assert -1 <= found.low < found.value < found.high <= 1


@pytest.mark.parametrize("pairs", [([], []), ([1, 2, 3], [1, 2, 3]), ([1] * 9, list(range(9)))])
def test_spearman_of_too_little_is_not_known(pairs):
    assert spearman(*pairs).value is None


def test_spearman_of_a_perfect_row_has_no_interval():
    found = spearman(range(8), range(8))
    assert (found.value, found.low, found.high) == (1, None, None)
