"""Chance-corrected agreement against hand-worked tables and other packages."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss

from harken.errors import ParameterError
from harken.studies.reliability import (
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
        (lambda: icc(np.zeros((1, 2))), "at least two subjects"),
    ],
)
def test_what_cannot_be_computed_is_told(call: object, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        call()  # type: ignore[operator]
