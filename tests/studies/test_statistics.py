"""Comparisons recover what rows were made from, as often as they say."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter

from harken.errors import ParameterError
from harken.studies.statistics import compare, hedges_g, holm
from harken.studies.tables import study_table

RATIO = 2.0
"""How much later the group `slow` is answered than `swift`, in every made study."""


def made(seed, *, children=24, each=25, ratio=RATIO, own=0.5, age=False):
    """A study whose truth is known.

    Latencies are exponential times a factor of each child; crying ends by itself, not knowing of
    any answer; crying and hours have a mean of each child too.
    """
    random = np.random.default_rng(seed)
    group = np.arange(children) % 2
    child = np.repeat(np.arange(children), each)
    of = group[child]
    factor = np.exp(random.normal(0, own, children))[child]
    latency = 30 * ratio**of * factor * random.exponential(1, len(child))
    ends = random.exponential(150, len(child))
    crying = np.exp(4 + random.normal(0, own, children)[child] + random.normal(0, 1, len(child)))
    hour = (18 + random.normal(0, 1.5, children)[child] + random.normal(0, 3, len(child))) % 24
    frame = pd.DataFrame(
        {
            "child_id": [f"c{one}" for one in child],
            "group": np.where(of == 1, "slow", "swift"),
            "latency_s": np.minimum(latency, ends),
            "censored": latency > ends,
            "crying_s": crying,
            "hour": hour,
        }
    )
    if age:
        frame["age_weeks"] = np.linspace(4, 20, children)[random.permutation(children)][child]
    return frame


def effect(found, measure, contrast="slow against swift"):
    (one,) = [one for one in found.effects if one.measure == measure and one.contrast == contrast]
    return one


@pytest.fixture(scope="module")
def found():
    return compare(study_table(made(1, age=True)), reference="swift", times=499)


def test_every_outcome_is_compared(found):
    outcomes = {one.outcome for one in found.effects}
    assert outcomes == {"latency", "answered", "crying an episode", "time of day"}
    assert [one.name for one in found.groups] == ["swift", "slow"]
    assert effect(found, "hazard ratio", "4 weeks older").estimate.n == 24


def test_medians_are_those_of_lifelines():
    frame = made(2)
    found = compare(study_table(frame), reference="swift", times=99)
    for group in found.groups:
        rows = frame[frame["group"] == group.name]
        fitted = KaplanMeierFitter().fit(rows["latency_s"], ~rows["censored"])
        assert group.median_s.value == pytest.approx(fitted.median_survival_time_)
        for at, share in group.within:
            assert share.value == pytest.approx(1 - fitted.predict(at))


def test_ties_of_answers_and_ends_are_those_of_lifelines():
    frame = made(3)
    frame["latency_s"] = (frame["latency_s"] / 20).round() * 20
    found = compare(study_table(frame), times=99, within_s=(20, 40))
    for group in found.groups:
        rows = frame[frame["group"] == group.name]
        fitted = KaplanMeierFitter().fit(rows["latency_s"], ~rows["censored"])
        assert group.median_s.value == pytest.approx(fitted.median_survival_time_)
        for at, share in group.within:
            assert share.value == pytest.approx(1 - fitted.predict(at))


def test_hazard_ratio_is_that_of_lifelines():
    frame = made(4)
    found = compare(study_table(frame), reference="swift", times=99)
    rows = pd.DataFrame(
        {
            "slow": (frame["group"] == "slow").astype(float),
            "t": frame["latency_s"],
            "e": ~frame["censored"],
        }
    )
    fitted = CoxPHFitter().fit(rows, "t", "e")
    assert effect(found, "hazard ratio").estimate.value == pytest.approx(
        fitted.hazard_ratios_["slow"]
    )


def test_leaving_out_censored_cries_would_look_swifter():
    frame = made(5)
    found = compare(study_table(frame), times=99)
    for group in found.groups:
        rows = frame[(frame["group"] == group.name) & ~frame["censored"]]
        assert group.median_s.value > rows["latency_s"].median()


def test_p_values_are_adjusted_for_their_number(found):
    ps = [one.p for one in found.effects if one.p is not None]
    assert found.tests == len(ps) > 3
    adjusted = [one.p_holm for one in found.effects if one.p is not None]
    assert adjusted == holm(ps)
    assert all(one >= p for one, p in zip(adjusted, ps, strict=True))


def test_the_same_seed_gives_the_same():
    table = study_table(made(6))
    assert compare(table, times=99, seed=3) == compare(table, times=99, seed=3)


def test_which_group_is_named_first_turns_ratios_over():
    table = study_table(made(7))
    one = effect(compare(table, reference="swift", times=99), "ratio of medians")
    other = effect(
        compare(table, reference="slow", times=99), "ratio of medians", "swift against slow"
    )
    assert one.estimate.value == pytest.approx(1 / other.estimate.value)
    assert one.estimate.low == pytest.approx(1 / other.estimate.high)


def test_age_alone_can_be_compared():
    frame = made(8, age=True).drop(columns="group")
    found = compare(study_table(frame), times=99)
    assert len(found.groups) == 1
    assert effect(found, "hazard ratio", "4 weeks older").estimate.low is not None


def test_three_groups_are_each_compared_with_the_first():
    frame = made(9, children=30)
    number = frame["child_id"].str[1:].astype(int)
    frame["group"] = number.map(lambda one: "abc"[one % 3])
    found = compare(study_table(frame), times=99)
    contrasts = {one.contrast for one in found.effects if one.measure == "hazard ratio"}
    assert contrasts == {"b against a", "c against a"}


def test_children_in_two_groups_are_said():
    frame = made(10)
    frame["group"] = np.where(np.arange(len(frame)) % 2, "after", "before")
    found = compare(study_table(frame), times=99)
    assert "some children are in more than one group" in found.notes
    assert not any("difference of mean" in one.measure for one in found.effects)


def test_a_median_that_nobody_saw_is_not_told():
    frame = made(11)
    late = frame["group"] == "slow"
    frame.loc[late & (np.arange(len(frame)) % 5 > 0), "censored"] = True
    frame.loc[late, "latency_s"] = frame.loc[late, "latency_s"].clip(upper=5)
    found = compare(study_table(frame), reference="swift", times=99, within_s=(2, 60))
    slow = found.groups[1]
    assert slow.median_s.value is None
    assert slow.within[1][1].value is None
    assert effect(found, "ratio of medians").estimate.value is None


def test_all_answered_is_no_odds_ratio():
    frame = made(12)
    frame.loc[frame["group"] == "swift", "censored"] = False
    one = effect(compare(study_table(frame), times=99), "odds ratio", "swift against slow")
    assert one.estimate.value is None
    assert "have no ratio" in one.note


def test_rows_without_variance_are_no_answer_and_no_crash():
    number = np.arange(240)
    frame = pd.DataFrame(
        {
            "child_id": [f"c{one % 12}" for one in number],
            "group": np.where(number % 2, "slow", "swift"),
            "latency_s": 5.0 + number * 37 % 60,
            "censored": number % 7 == 0,
            "crying_s": 60.0,
        }
    )
    days = pd.DataFrame(
        {"child_id": [f"c{one}" for one in range(12)], "heard_s": 3600.0, "crying_s": 60.0}
    )
    about = frame[["child_id", "group"]].drop_duplicates()
    found = compare(study_table(frame, recordings=days, children=about), times=99)
    for measure in ("ratio of geometric means", "difference"):
        one = effect(found, measure, "swift against slow")
        assert one.estimate.value is None
        assert one.p is None


def test_groups_of_two_ages_are_not_two_differences():
    frame = made(15)
    frame["age_weeks"] = np.where(frame["group"] == "slow", 4.0, 12.0)
    found = compare(study_table(frame), times=99)
    assert any("can't be told apart" in note for note in found.notes)
    assert not any("older" in one.contrast for one in found.effects)


def test_a_group_that_nobody_answered_has_no_ratio():
    frame = made(16)
    frame.loc[frame["group"] == "slow", "censored"] = True
    found = compare(study_table(frame), reference="swift", times=99)
    for measure in ("ratio of medians", "hazard ratio", "odds ratio"):
        one = effect(found, measure)
        assert one.estimate.value is None, one
        assert one.p is None


def test_few_children_are_said():
    found = compare(study_table(made(13, children=8)), times=99)
    assert any("8 children are few" in note for note in found.notes)


def test_minutes_an_hour_need_time_heard():
    frame = made(14)
    days = pd.DataFrame(
        {
            "child_id": sorted(set(frame["child_id"])) * 3,
            "heard_s": 36000.0,
            "crying_s": np.random.default_rng(1).gamma(4, 500, 72),
        }
    )
    about = frame[["child_id", "group"]].drop_duplicates()
    found = compare(study_table(frame, recordings=days, children=about), times=99)
    one = [one for one in found.effects if one.outcome == "crying an hour"]
    assert [each.estimate.unit for each in one] == ["min/h"]
    assert found.groups[0].crying_min_h.value == pytest.approx(3.3, abs=1)


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_hedges_by_hand():
    # Means 2 and 4, both variances 1, six values: d = 2, times 1 − 3/(4·6 − 9).
    g = hedges_g([1, 2, 3], [3, 4, 5])
    assert g.value == pytest.approx(2 * (1 - 3 / 15))
    assert hedges_g([1, 1], [1, 1]).value is None
    with pytest.raises(ParameterError, match="at least 2 children"):
        hedges_g([1], [1, 2])


def true_median(ratio, own=0.5):
    """The median of the mixture over children that `made` draws from."""
    factor = np.exp(own * np.sqrt(2) * np.polynomial.hermite.hermgauss(60)[0])
    weight = np.polynomial.hermite.hermgauss(60)[1] / math.sqrt(math.pi)
    low, high = 0.0, 1000.0
    for _ in range(80):
        middle = (low + high) / 2
        left = float((weight * np.exp(-middle / (30 * ratio * factor))).sum())
        low, high = (middle, high) if left > 0.5 else (low, middle)
    return low


def true_share(at, ratio, own=0.5):
    nodes, weight = np.polynomial.hermite.hermgauss(60)
    factor = np.exp(own * np.sqrt(2) * nodes)
    return 1 - float((weight / math.sqrt(math.pi) * np.exp(-at / (30 * ratio * factor))).sum())


def holds(estimate, truth):
    return estimate.low <= truth <= estimate.high


def naive_cox(frame):
    """An interval that takes every cry for a child of its own."""
    rows = pd.DataFrame(
        {
            "slow": (frame["group"] == "slow").astype(float),
            "t": frame["latency_s"],
            "e": ~frame["censored"],
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ends = CoxPHFitter().fit(rows, "t", "e").confidence_intervals_.iloc[0]
    return tuple(ends)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say_and_naive_ones_do_not():
    # No difference between groups, so that 0 is the truth of each model, whatever it averages.
    studies = 120
    measures = (
        "hazard ratio",
        "odds ratio",
        "ratio of geometric means",
        "ratio of medians",
        "difference in share within 60 s",
        "naive",
    )
    held = dict.fromkeys(measures, 0)
    for seed in range(studies):
        frame = made(1000 + seed, children=24, each=20, ratio=1.0)
        found = compare(study_table(frame), reference="swift", times=199)
        for one in found.effects:
            if one.measure in held:
                held[one.measure] += holds(one.estimate, one.null)
        low, high = naive_cox(frame)
        held["naive"] += low <= 0 <= high
    rates = {name: count / studies for name, count in held.items()}
    naive = rates.pop("naive")
    # 95 in 100, less and more what 120 studies leave to chance.
    assert all(0.89 <= rate <= 1.0 for rate in rates.values()), rates
    assert naive < 0.80


@pytest.mark.slow
def test_a_true_difference_is_held_too():
    studies = 100
    ratio = true_median(RATIO) / true_median(1.0)
    assert ratio == pytest.approx(RATIO)
    less = true_share(60, RATIO) - true_share(60, 1.0)
    held = {"ratio of medians": 0, "difference in share within 60 s": 0}
    truth = {"ratio of medians": ratio, "difference in share within 60 s": less}
    for seed in range(studies):
        found = compare(study_table(made(5000 + seed, each=20)), reference="swift", times=199)
        for name, true in truth.items():
            held[name] += holds(effect(found, name).estimate, true)
    assert all(0.88 <= count / studies <= 1.0 for count in held.values()), held


SOME = made(20, children=8, each=3)


@pytest.mark.parametrize(
    ("frame", "more", "says"),
    [
        (SOME.drop(columns="child_id"), {}, "no column 'child_id'; there are"),
        (SOME.drop(columns="latency_s"), {}, "no column 'latency_s'"),
        (SOME.drop(columns="censored"), {}, "give a column censored or censored_s"),
        (SOME.assign(latency_s="soon"), {}, "'latency_s' holds what is not a number"),
        (SOME.assign(latency_s=-1.0), {}, "no episode is left"),
        (SOME.assign(hour=30.0), {}, "not from 0 to 24"),
        (SOME.assign(censored=True), {}, "no cry was answered"),
        (SOME[SOME["child_id"].isin(["c0", "c1", "c2"])], {}, "3 children are too few"),
        (SOME.assign(group="one"), {}, "nothing to compare"),
        (
            SOME.assign(group=np.where(SOME["child_id"] == "c0", "alone", "rest")),
            {},
            "group 'alone' has one child",
        ),
        (SOME, {"reference": "who"}, "no group 'who'; there are slow, swift"),
        (SOME, {"level": 2}, "level=2 must be"),
        (SOME, {"times": 3}, "times=3 must be"),
        (SOME, {"seed": -1}, "seed=-1 must be"),
        (SOME, {"within_s": (0,)}, "above 0 s"),
    ],
)
def test_what_cannot_be_done_is_one_line(frame, more, says):
    with pytest.raises(ParameterError, match=says) as error:
        compare(study_table(frame), **more)
    assert "\n" not in str(error.value)
