"""Models against other implementations, and against what can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from scipy import stats

from harken.studies.models import Fit, _cox_parts, clustered, cox, difference, gee, mixed


def made(seed, *, sizes=(12, 12), each=15, ratio=1.5, own=0.5, tied=False, drift=0.0):
    """Latencies, censored, of children in two groups; `drift` bends the hazard ratio in time."""
    random = np.random.default_rng(seed)
    children = sum(sizes)
    child = np.repeat(np.arange(children), each)
    slow = (child >= sizes[0]).astype(float)
    factor = np.exp(random.normal(0, own, children))[child]
    answer = 30 * ratio**slow * factor * random.exponential(1, len(child)) ** (1 + drift * slow)
    ends = random.exponential(120, len(child))
    waited = np.minimum(answer, ends)
    if tied:
        waited = (waited / 20).round() * 20
    age = random.uniform(4, 20, children)[child]
    design = pd.DataFrame({"slow": slow, "age": (age - age.mean()) / 4})
    return waited, answer <= ends, design, child.astype(str)


def lifelines_of(waited, answered, design, **more):
    frame = design.assign(t=waited, e=answered)
    if "cluster_col" in more:
        frame["child"] = more["child"]
        more = {"cluster_col": "child"}
    return CoxPHFitter().fit(frame, "t", "e", **more)


def errors_of(fits):
    return [one.error for one in fits.values()]


def test_cox_without_correction_is_that_of_two_others():
    waited, answered, design, child = made(1)
    fits, _ = cox(waited, answered, design, child, power=0)
    other = sm.PHReg(waited, design, status=answered.astype(int), ties="efron").fit(groups=child)
    assert [one.value for one in fits.values()] == pytest.approx(other.params, rel=1e-5)
    assert errors_of(fits) == pytest.approx(other.bse, rel=1e-5)
    third = lifelines_of(waited, answered, design, cluster_col="child", child=child)
    assert errors_of(fits) == pytest.approx(third.standard_errors_, rel=1e-4)


def test_the_information_of_tied_times_is_efrons():
    waited, answered, design, _ = made(2, tied=True)
    other = lifelines_of(waited, answered, design)
    scores, informations = _cox_parts(design.to_numpy(), waited, answered, other.params_.to_numpy())
    assert np.linalg.inv(informations.sum(axis=0)) == pytest.approx(
        other.variance_matrix_.to_numpy(), rel=1e-6
    )
    assert scores.sum(axis=0) == pytest.approx([0, 0], abs=1e-4)
    assert np.linalg.eigvalsh(informations).min() > -1e-12


def test_the_order_of_rows_with_tied_times_changes_nothing():
    waited, answered, design, child = made(3, tied=True)
    turned = np.random.default_rng(0).permutation(len(waited))
    one, even = cox(waited, answered, design, child)
    other, also = cox(
        waited[turned], answered[turned], design.iloc[turned].reset_index(drop=True), child[turned]
    )
    assert errors_of(one) == pytest.approx(errors_of(other))
    assert list(even.values()) == pytest.approx(list(also.values()))


def test_errors_of_few_children_are_those_of_leaving_each_out():
    waited, answered, design, child = made(4, sizes=(3, 9))
    fits, _ = cox(waited, answered, design[["slow"]], child)
    left = [
        lifelines_of(waited[child != one], answered[child != one],
                     design.loc[child != one, ["slow"]]).params_["slow"]
        for one in np.unique(child)
    ]  # fmt: skip
    jackknife = np.sqrt(11 / 12 * ((np.array(left) - np.mean(left)) ** 2).sum())
    plain = cox(waited, answered, design[["slow"]], child, power=0)[0]["slow"].error
    # The jackknife is a little too large, the plain sandwich too small.
    assert plain < fits["slow"].error < jackknife * 1.05


def test_hazards_that_are_not_proportional_are_seen():
    waited, answered, design, child = made(5, sizes=(20, 20), each=30, drift=1.0)
    assert cox(waited, answered, design[["slow"]], child)[1]["slow"] < 0.01


@pytest.mark.slow
def test_proportional_hazards_are_not_doubted_more_often_than_said():
    # Cries of a child hang together; lifelines counts each as a child of its own.
    from lifelines.statistics import proportional_hazard_test

    ours, naive = [], []
    for seed in range(80):
        waited, answered, design, child = made(seed, own=1.0, each=20, ratio=1.0)
        design = design[["slow"]]
        ours.append(cox(waited, answered, design, child)[1]["slow"])
        fitted = lifelines_of(waited, answered, design)
        frame = design.assign(t=waited, e=answered)
        naive.append(float(proportional_hazard_test(fitted, frame).p_value[0]))
    assert np.mean(np.array(ours) < 0.05) < 0.11
    assert np.mean(np.array(naive) < 0.05) > 0.10


def binary(seed, sizes=(8, 10)):
    _, answered, design, child = made(seed, sizes=sizes)
    return answered.astype(float), design, child


@pytest.mark.parametrize(("power", "kind"), [(0, "robust"), (1, "bias_reduced")])
def test_odds_are_those_of_statsmodels(power, kind):
    outcome, design, child = binary(6)
    fits = gee(outcome, design, child, logit=True, power=power)
    order = np.argsort(child, kind="stable")
    other = sm.GEE(
        outcome[order], sm.add_constant(design.iloc[order]), groups=child[order],
        family=sm.families.Binomial(), cov_struct=sm.cov_struct.Exchangeable(),
    ).fit(cov_type=kind)  # fmt: skip
    assert other.cov_struct.dep_params > 0
    assert [one.value for one in fits.values()] == pytest.approx(other.params[1:], rel=1e-6)
    assert errors_of(fits) == pytest.approx(other.bse[1:], rel=1e-6)


def test_rows_in_any_order_give_the_same_odds():
    outcome, design, child = binary(7)
    turned = np.random.default_rng(1).permutation(len(child))
    one = gee(outcome, design, child, logit=True)
    other = gee(outcome[turned], design.iloc[turned].reset_index(drop=True), child[turned],
                logit=True)  # fmt: skip
    assert errors_of(one) == pytest.approx(errors_of(other))


def test_weights_are_inverse_variances():
    random = np.random.default_rng(8)
    child = np.repeat(np.arange(10), 4).astype(str)
    heard = random.uniform(1, 16, 40)
    design = pd.DataFrame({"slow": np.repeat(np.arange(10) % 2, 4).astype(float)})
    outcome = 5 + design["slow"].to_numpy() + np.repeat(random.normal(0, 2, 10), 4)
    outcome = outcome + random.normal(0, 3, 40) / np.sqrt(heard)
    fits = gee(outcome, design, child, weights=heard)
    # Generalised least squares by hand, over a grid of correlations: one of them is the fit.
    x = np.column_stack([np.ones(40), design])
    found = []
    for alike in np.linspace(0, 0.99, 2000):
        top, bottom = np.zeros(2), np.zeros((2, 2))
        for one in np.unique(child):
            own = child == one
            scale = np.diag(1 / np.sqrt(heard[own]))
            inside = np.full((4, 4), alike) + (1 - alike) * np.eye(4)
            inverse = np.linalg.inv(scale @ inside @ scale)
            top += x[own].T @ inverse @ outcome[own]
            bottom += x[own].T @ inverse @ x[own]
        found.append(np.linalg.solve(bottom, top)[1])
    assert np.min(np.abs(np.array(found) - fits["slow"].value)) < 1e-3


def test_children_that_are_each_one_row_are_a_test_of_two_means():
    random = np.random.default_rng(9)
    design = pd.DataFrame({"slow": np.repeat([0.0, 1.0], [5, 9])})
    outcome = random.normal(0, 1, 14)
    fit = gee(outcome, design, np.arange(14).astype(str))["slow"]
    one, other = outcome[:5], outcome[5:]
    assert fit.value == pytest.approx(other.mean() - one.mean())
    # Kauermann and Carroll's correction is exact here: Welch's test.
    assert fit.error == pytest.approx(np.sqrt(one.var(ddof=1) / 5 + other.var(ddof=1) / 9))
    # Bell and McCaffrey's degrees of freedom: Welch's for groups that spread alike.
    wanted = (1 / 5 + 1 / 9) ** 2 / (1 / (25 * 4) + 1 / (81 * 8))
    assert fit.df == pytest.approx(wanted)


def test_two_children_against_many_have_little_to_say():
    outcome, design, child = binary(10, sizes=(22, 2))
    assert gee(outcome, design[["slow"]], child, logit=True)["slow"].df < 2


def test_a_term_that_rests_on_one_child_has_no_error():
    scores = np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    informations = np.array([[[1.0, 1.0], [1.0, 1.0]]] + [[[1.0, 0.0], [0.0, 0.0]]] * 2)
    errors, _ = clustered(scores, informations)
    assert np.isnan(errors[1])


def test_welch_by_scipy():
    random = np.random.default_rng(11)
    a, b = random.normal(0, 3, 6), random.normal(1, 1, 14)
    fits = [Fit(x.mean(), x.std(ddof=1) / np.sqrt(len(x)), len(x) - 1.0) for x in (b, a)]
    test = stats.ttest_ind(b, a, equal_var=False)
    apart = difference(*fits)
    assert apart.p == pytest.approx(test.pvalue)
    assert apart.interval(0.9) == pytest.approx(tuple(test.confidence_interval(0.9)))


def test_a_few_who_are_alike_by_chance_are_no_sure_number():
    many, few = Fit(0.0, 0.3, 20.0), Fit(1.0, 0.01, 2.0)
    assert difference(few, many).df == pytest.approx(2.607, abs=0.001)


def test_a_mixed_model_of_even_children_is_a_t_test_of_their_means():
    random = np.random.default_rng(12)
    child = np.repeat(np.arange(16), 10)
    outcome = np.repeat(random.normal(0, 1, 16), 10) + random.normal(0, 1, 160)
    design = pd.DataFrame({"slow": (child % 2).astype(float)})
    fits, share = mixed(outcome, design, child.astype(str))
    means = outcome.reshape(16, 10).mean(axis=1)
    test = stats.ttest_ind(means[1::2], means[::2])
    assert fits["slow"].value == pytest.approx(means[1::2].mean() - means[::2].mean())
    assert fits["slow"].p == pytest.approx(test.pvalue, rel=1e-3)
    assert 0.2 < share < 0.8


def test_nothing_that_varies_is_no_answer():
    child = np.repeat(np.arange(8), 5).astype(str)
    design = pd.DataFrame({"slow": np.repeat(np.arange(8) % 2, 5).astype(float)})
    assert not mixed(np.ones(40), design, child)[0]["slow"].usable
    assert not gee(np.ones(40), design, child)["slow"].usable
    same = design.assign(again=design["slow"])
    assert not gee(np.random.default_rng(1).normal(size=40), same, child)["slow"].usable
