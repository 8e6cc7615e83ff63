"""Comparisons recover what rows were made from, as often as they say."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from scipy.stats import nct

from harken.errors import ParameterError
from harken.studies.statistics import compare, hedges_g, holm
from harken.studies.tables import study_table

RATIO = 2.0
"""How much later the group `slow` is answered than `swift`, in every made study."""


def made(seed, *, children=24, each=25, ratio=RATIO, own=0.5, age=False, slow=None):
    """A study whose truth is known.

    Latencies are exponential times a factor of each child; crying ends by itself, not knowing of
    any answer; crying and hours have a mean of each child too.
    """
    random = np.random.default_rng(seed)
    group = np.arange(children) % 2 if slow is None else (np.arange(children) < slow).astype(int)
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
    measures = {one.measure for one in found.effects}
    assert not measures & {"difference of mean directions", "standardised difference"}
    assert effect(found, "hazard ratio", "before against after").estimate.low is not None


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
        assert one.note, one


def test_a_difference_of_0_says_why_it_has_no_interval():
    frame = made(16)
    frame["latency_s"] += 20
    found = compare(study_table(frame), reference="swift", times=99, within_s=(10.0, 60.0))
    one = effect(found, "difference in share within 10 s")
    assert (one.estimate.value, one.estimate.low) == (0, None)
    assert one.note == "nobody was answered so soon in either group"
    assert effect(found, "difference in share within 60 s").note == ""


def described(found, why):
    """All that is said of groups, where nothing is compared."""
    assert found.effects == ()
    assert found.tests == 0
    (note,) = [one for one in found.notes if one.startswith("nothing is compared: ")]
    assert why in note
    return found.groups


def test_two_children_are_described_and_not_compared():
    frame = made(30, children=2)
    swift, slow = described(compare(study_table(frame), times=99, reference="swift"), "at least 6")
    for group in (swift, slow):
        # What one child did is known; how children differ is not.
        assert group.median_s.value > 0
        assert group.median_s.low is None
        assert all(one.value is not None and one.low is None for _, one in group.within)
        assert group.clock.hour.low is None


def test_one_group_is_described():
    frame = made(31).assign(group="all of them")
    (group,) = described(compare(study_table(frame), times=99), "there is one group")
    assert group.median_s.low < group.median_s.value < group.median_s.high


def test_a_group_of_one_child_is_described():
    frame = made(32)
    frame["group"] = np.where(frame["child_id"] == "c0", "alone", "rest")
    alone, rest = described(compare(study_table(frame), times=99), "group 'alone' has one child")
    assert alone.median_s.low is None
    assert rest.median_s.low is not None


def test_without_any_answer_crying_is_compared_and_latency_is_not():
    found = compare(study_table(made(33).assign(censored=True)), times=99)
    assert "no cry was answered: there are no latencies to compare" in found.notes
    assert {one.outcome for one in found.effects} == {"crying an episode", "time of day"}
    for group in found.groups:
        assert group.median_s.value is None
        assert [one.value for _, one in group.within] == [0, 0]
        assert [one.low for _, one in group.within] == [None, None]


def test_a_median_of_0_is_a_median():
    frame = made(34)
    frame.loc[np.arange(len(frame)) % 4 > 0, ["latency_s", "censored"]] = [0.0, False]
    found = compare(study_table(frame), times=99)
    assert [one.median_s.value for one in found.groups] == [0, 0]
    assert [one.median_s.low for one in found.groups] == [None, None]
    assert effect(found, "ratio of medians", "swift against slow").estimate.value is None


def test_missing_ages_are_said():
    frame = made(35, age=True)
    frame.loc[frame["child_id"].isin(["c1", "c2"]), "age_weeks"] = np.nan
    found = compare(study_table(frame), times=99)
    assert "age is left out of the models: it is not known of 2 children" in found.notes
    assert not any("older" in one.contrast for one in found.effects)


def test_a_group_of_two_children_is_not_as_sure_as_one_of_many():
    found = compare(study_table(made(36, slow=2)), reference="swift", times=499)
    swift, slow = (one.median_s for one in found.groups)
    assert slow.low is None or slow.high / slow.low > 3 * (swift.high / swift.low)


def test_children_who_never_cried_are_no_others():
    frame = made(37)
    days = pd.DataFrame(
        {
            "child_id": [*sorted(set(frame["child_id"])), "calm", "other"],
            "heard_s": 36000.0,
            "crying_s": [*np.random.default_rng(1).gamma(4, 500, 24), 0.0, 9.0],
        }
    )
    about = frame[["child_id", "group"]].drop_duplicates()
    more = pd.DataFrame({"child_id": ["calm", "other"], "group": ["slow", "third"]})
    about = pd.concat([about, more], ignore_index=True)
    found = compare(study_table(frame, recordings=days, children=about), times=99)
    assert "group 'third' has no cry, and is left out" in found.notes
    assert "1 child did not cry, and count in crying an hour alone" in found.notes
    assert [one.crying_min_h.n for one in found.groups] == [13, 12]


def test_hours_need_a_day_that_was_listened_to():
    frame = made(38)
    days = pd.DataFrame({"child_id": sorted(set(frame["child_id"])), "crying_s": 60.0})
    about = frame[["child_id", "group"]].drop_duplicates()
    told = {}
    for name, start, heard_s in (("day", "08:00", 36000.0), ("all", "08:00", 86400.0)):
        rows = days.assign(start_time=start, heard_s=heard_s)
        told[name] = compare(study_table(frame, recordings=rows, children=about), times=99)
    assert [told[one].evenly for one in ("day", "all")] == [False, True]
    assert compare(study_table(frame), times=99).evenly is None
    kinds = {name: [one.measure for one in found.effects] for name, found in told.items()}
    assert kinds["all"].count("how alike children's directions are") == 2
    assert "how alike children's directions are" not in kinds["day"]
    assert any("not listened to alike" in note for note in told["day"].notes)
    assert not any("listened to alike" in note for note in told["all"].notes)


def test_episodes_without_a_time_of_day_are_counted():
    frame = made(39)
    frame.loc[:9, "hour"] = np.nan
    found = compare(study_table(frame), times=99)
    assert any("10 episodes without a time of day left out" in note for note in found.notes)


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


def test_three_groups_have_one_test_of_hours():
    frame = made(9, children=30)
    number = frame["child_id"].str[1:].astype(int)
    frame["group"] = number.map(lambda one: "abc"[one % 3])
    found = compare(study_table(frame), times=99)
    hours = [one for one in found.effects if one.measure == "difference of mean directions"]
    assert [one.contrast for one in hours] == ["b against a", "c against a", "all groups"]
    assert [one.p is None for one in hours] == [True, True, False]
    assert all(one.estimate.low < one.estimate.value < one.estimate.high for one in hours[:2])


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_hedges_by_hand():
    # Means 2 and 4, both variances 1, six values: d = 2, times 1 − 3/(4·6 − 9).
    g = hedges_g([1, 2, 3], [3, 4, 5])
    assert g.value == pytest.approx(2 * (1 - 3 / 15))
    # At its ends, what was seen is at the edge of what chance gives: t is 2·√(3·3/6) of 4 df.
    for end, share in ((g.low, 0.975), (g.high, 0.025)):
        centre = end / (1 - 3 / 15) * math.sqrt(1.5)
        assert nct.cdf(2 * math.sqrt(1.5), 4, centre) == pytest.approx(share)
    assert hedges_g([3, 4, 5], [1, 2, 3]).low == pytest.approx(-g.high)
    assert hedges_g([0.1 + 0.2] * 3, [0.3] * 3).value is None
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
@pytest.mark.parametrize(("children", "slow"), [(8, 4), (24, 3)])
def test_intervals_hold_for_few_children_and_uneven_groups(children, slow):
    studies = 60
    held, told = {}, {}
    for seed in range(studies):
        frame = made(9000 + seed, children=children, each=12, ratio=1.0, slow=slow)
        found = compare(study_table(frame), reference="swift", times=199)
        for one in found.effects:
            if one.estimate.low is not None and one.outcome != "time of day":
                told[one.measure] = told.get(one.measure, 0) + 1
                held[one.measure] = held.get(one.measure, 0) + holds(one.estimate, one.null)
    rates = {name: held[name] / told[name] for name in told if told[name] > 40}
    assert len(rates) >= 6
    assert min(rates.values()) >= 0.86, rates


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
        (SOME, {"reference": "who"}, "no group 'who'; there are slow, swift"),
        (SOME, {"level": 2}, "level=2 must be"),
        (SOME, {"times": 3}, "times=3 must be"),
        (SOME, {"seed": -1}, "seed=-1 must be"),
        (SOME, {"within_s": (0,)}, "above 0 s"),
        (SOME, {"within_s": (math.nan,)}, "above 0 s"),
        (SOME.iloc[:0], {}, "there is no cry episode"),
    ],
)
def test_what_cannot_be_done_is_one_line(frame, more, says):
    with pytest.raises(ParameterError, match=says) as error:
        compare(study_table(frame), **more)
    assert "\n" not in str(error.value)
