"""Chance-corrected agreement against hand-worked tables and other packages."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss

from harken.errors import ParameterError
from harken.studies.reliability import (
    alpha_of_counts,
    bland_altman,
    cohen_kappa,
    fleiss_kappa,
    icc,
    krippendorff_alpha,
)


@pytest.mark.parametrize("seed", range(20))
def test_kappas_are_those_of_other_packages(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 200)
    second = np.where(rng.uniform(size=200) < 0.6, first, rng.integers(0, 4, 200))
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    assert cohen_kappa(table) == pytest.approx(cohen_kappa_score(first, second))
    counts = rng.multinomial(5, [0.5, 0.3, 0.2], size=80)
    assert fleiss_kappa(counts) == pytest.approx(their_fleiss(counts))


def test_alpha_of_two_complete_raters_is_near_kappa_and_one_where_they_agree() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2, 4000).tolist()
    second = [a if rng.uniform() < 0.8 else 1 - a for a in first]
    table = np.zeros((2, 2))
    np.add.at(table, (first, second), 1)
    assert krippendorff_alpha([first, second]) == pytest.approx(cohen_kappa(table), abs=0.002)
    assert krippendorff_alpha([first, first]) == 1.0
    assert np.isnan(krippendorff_alpha([["cry"], [None]]))


def test_published_examples() -> None:
    # Fleiss' kappa of ten subjects and fourteen raters, as textbooks work it out: 0.210.
    counts = np.array(
        [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]
    )  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)
    # Krippendorff (2011), A: two observers, binary data, ten units: 0.095.
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha([first, second]) == pytest.approx(0.095, abs=5e-4)
    # As seconds of a recording, without the correction for few units: 1 - 0.4 / 0.42.
    weighted = krippendorff_alpha([first, second], weights=[1.0] * 10)
    assert weighted == pytest.approx(1 - 0.4 / 0.42)
    assert fleiss_kappa(np.array([[2 - a - b, a + b] for a, b in zip(first, second, strict=True)]),
                        weights=[1.0] * 10) == pytest.approx(weighted)  # fmt: skip


def test_a_unit_of_weight_three_is_three_units() -> None:
    rng = np.random.default_rng(2)
    counts = rng.multinomial(4, [0.5, 0.3, 0.2], size=30)
    times = rng.integers(1, 6, 30)
    repeated = np.repeat(counts, times, axis=0)
    assert fleiss_kappa(counts, weights=times) == pytest.approx(fleiss_kappa(repeated))
    ragged = counts.copy()
    ragged[:8, 0] = 0
    one, many = alpha_of_counts(ragged, weights=times), np.repeat(ragged, times, axis=0)
    assert one == pytest.approx(alpha_of_counts(many, weights=np.ones(len(many))))
    assert one == pytest.approx(alpha_of_counts(many), abs=0.01)
    assert alpha_of_counts(ragged, weights=times / 60) == pytest.approx(one)


def test_one_class_is_nothing_to_agree_on_whatever_the_weights() -> None:
    # Shares that add up to 0.9999999 must not turn 0 / 0 into a number.
    weights = np.full(10, 0.1)
    assert np.isnan(fleiss_kappa(np.array([[3, 0]] * 10), weights=weights))
    assert np.isnan(alpha_of_counts(np.array([[3, 0]] * 10), weights=weights))
    assert np.isnan(fleiss_kappa(np.array([[3, 0], [0, 3]]), weights=[0, 0]))


def test_icc_of_shrout_and_fleiss() -> None:
    rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert icc(np.array(rated, float)) == pytest.approx(0.29, abs=0.005)
    same = np.repeat(np.arange(5.0)[:, None], 2, axis=1)
    assert icc(same) == pytest.approx(1.0)
    # Absolute agreement: one that always says 10 more does not agree.
    assert icc(same + np.array([0.0, 10.0])) < 0.1


def test_limits_of_agreement_by_hand() -> None:
    found = bland_altman([1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 5.0, 5.0])
    assert found.bias == pytest.approx(1.0)
    spread = 1.96 * np.sqrt(2 / 3)
    assert (found.low, found.high) == pytest.approx((1 - spread, 1 + spread))
    assert bland_altman([], []).n == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cohen_kappa(np.zeros((2, 3))), "as many rows as columns"),
        (lambda: fleiss_kappa(np.array([[2, 0], [1, 0]])), "same number of raters"),
        (lambda: krippendorff_alpha([[1, 2], [1]]), "as many units"),
        (lambda: krippendorff_alpha([[1, 2], [1, 2]], weights=[1]), "one weight a unit"),
        (lambda: fleiss_kappa(np.array([[2, 0], [0, 2]]), weights=[1, -1]), "one weight a unit"),
        (lambda: icc(np.zeros((1, 2))), "at least two subjects"),
    ],
)
def test_what_cannot_be_computed_is_told(call: object, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        call()  # type: ignore[operator]
