import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from benchmarks import metrics
from benchmarks.metrics import (
    Tally,
    agreement,
    auc,
    estimate,
    f1_estimate,
    first_cover,
    group_weights,
    rate_per_hour,
    tally,
    threshold_for,
)


def test_examples_in_the_documentation_hold():
    assert doctest.testmod(metrics).failed == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40
    ).filter(lambda rows: len({yes for _, yes, w in rows if w}) == 2)
)
def test_weighted_area_equals_scikit_learns(rows):
    scores, positive, weights = (np.array(column) for column in zip(*rows, strict=True))
    ours = auc(scores.astype(float), positive, weights[None].astype(np.float32))
    assert ours[0] == pytest.approx(roc_auc_score(positive, scores, sample_weight=weights))


def test_resamples_draw_whole_groups_and_the_first_row_is_the_sample():
    weights = group_weights(["a", "b", "a", "c"], resamples=50)
    assert weights.shape == (51, 4)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[1:, 0] + weights[1:, 1] + weights[1:, 3] == 3).all()


def test_an_interval_is_wider_when_the_same_clips_come_from_fewer_voices():
    rng = np.random.default_rng(0)
    positive = np.arange(200) % 2 == 0
    voice = rng.normal(size=10)
    scores = positive + voice[np.arange(200) % 10] + rng.normal(size=200) * 0.1

    def width(groups):
        found = estimate(auc(scores, positive, group_weights(groups)))
        return found.high - found.low

    assert width([str(i % 10) for i in range(200)]) > 1.5 * width([str(i) for i in range(200)])


def test_the_threshold_keeps_the_recall_that_is_asked_for():
    scores = np.linspace(0, 1, 101)
    for recall in (0.01, 0.33, 0.5, 0.97, 1.0):
        assert np.mean(scores >= threshold_for(scores, recall)) >= recall
        assert np.mean(scores > threshold_for(scores, recall)) < recall


@pytest.mark.parametrize(
    ("detected", "expected"),
    [
        ([(10, 20)], Tally(true=1, found=1, detected=1, false=0)),
        ([(15, 20)], Tally(true=1, found=1, detected=1, false=0)),
        ([(15.1, 20)], Tally(true=1, found=0, detected=1, false=0)),
        ([(10, 12.5), (17.5, 20)], Tally(true=1, found=1, detected=2, false=0)),
        ([(19, 24)], Tally(true=1, found=0, detected=1, false=0)),
        ([(19, 24.1)], Tally(true=1, found=0, detected=1, false=1)),
        ([], Tally(true=1)),
    ],
)
def test_found_is_half_of_a_true_bout_and_false_under_a_fifth_in_any(detected, expected):
    assert tally([(10, 20)], detected) == expected


def test_a_detector_that_is_always_on_gets_nothing_where_a_seventh_is_crying():
    truth = [(100.0 * k, 100.0 * k + 14) for k in range(9)]
    assert tally(truth, [(0.0, 900.0)]).f1 == 0


def test_scenes_count_with_their_bouts_when_tallies_add_up():
    total = Tally(4, 4, 4, 0) + Tally(1, 0, 1, 1)
    assert (total.recall, total.precision) == (0.8, 0.8)
    assert f1_estimate([Tally(4, 4, 4, 0), Tally(1, 0, 1, 1)]).value == pytest.approx(0.8)


def test_a_bout_that_runs_on_into_a_later_cry_does_not_time_it():
    truth = [(0.0, 10.0), (20.0, 30.0), (50.0, 60.0)]
    assert first_cover(truth, [(1.0, 31.0), (50.5, 60.0)]) == [(0, 0), (2, 1)]


def test_no_event_in_two_hours_is_not_a_rate_of_nought():
    rate = rate_per_hour(0, 2.0)
    assert rate.value == rate.low == 0
    assert rate.high == pytest.approx(3.689 / 2, abs=1e-3)


def test_agreement_has_a_sign_and_no_correlation_without_variation():
    assert agreement(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == (1.0, pytest.approx(1.0))
    assert np.isnan(agreement(np.array([1.0, 2.0]), np.array([0.0, 0.0]))[1])
