"""Policies side by side, in numbers, words and a chart; and how large a trial must be."""

import json
import math

import numpy as np
import pytest

from harken.simulate import policy
from harken.simulate.compare import compare, draw, save_chart, size_trial, trial_size


@pytest.fixture(scope="module")
def made():
    return compare(["prompt", "usual", "none"], infants=12, weeks=3, seed=1, age_weeks=3)


def test_the_same_crying_in_every_arm_under_both_explanations(made):
    assert [arm.apart_min for arm in made.arms] == [0.0, 0.0, 0.0]


def test_arms_say_what_a_record_shows_and_what_it_does_not(made):
    prompt, usual, none = made.arms
    assert prompt.crying_min < usual.crying_min
    assert none.last_week_min < 0.4 * none.first_week_min
    assert none.answered == 0 < usual.answered < prompt.answered
    assert none.silent_gives_up_min > 60
    assert none.silent_settles_min == 0
    assert prompt.to_tell is None
    assert 10 < none.to_tell < 500


def test_words_say_what_can_and_cannot_be_told(made):
    said = " ".join(made.words())
    assert "It is no evidence about infants." in said
    assert "No record of crying, however long, can tell them apart." in said
    assert "while the infant is quiet" in said
    assert f"about {made.arms[2].to_tell} infants under none" in said
    assert "not, by itself, more wellbeing" in said


def test_words_where_everybody_is_answered():
    said = " ".join(compare(["kung"], infants=4, weeks=1).words())
    assert "Hardly any cry is left unanswered" in said


def test_it_can_be_json(made):
    kept = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert [arm["policy"] for arm in kept["arms"]] == ["prompt", "usual", "none"]
    assert len(kept["crying_min_by_day"][0]) == 21
    assert kept["words"] == made.words()


def test_the_chart_shows_the_numbers(made):
    chart = draw(made).to_dict()
    left, right = chart["hconcat"]
    lines = left["data"]["values"]
    assert {row["policy"] for row in lines} == {"prompt", "usual", "none"}
    last = [row for row in lines if row["policy"] == "none"][-2]
    smooth = made.crying[2][-3:].mean()
    assert last["min"] == pytest.approx(smooth)
    assert last["week"] == pytest.approx(3 + 19.5 / 7)
    bars = {(row["policy"], row["explanation"]): row["min"] for row in right["data"]["values"]}
    assert bars["none", "gives up"] == pytest.approx(made.arms[2].silent_gives_up_min)
    assert bars["none", "learns to settle"] == 0
    assert left["title"].startswith("Simulated: least crying under none, which need not be")


@pytest.mark.parametrize("ending", ["svg", "png", "json", "html"])
def test_a_chart_can_be_kept(made, tmp_path, ending):
    path = tmp_path / f"chart.{ending}"
    save_chart(draw(made), str(path))
    begin = {"svg": b"<svg", "png": b"\x89PNG", "json": b"{", "html": b"<!DOCTYPE"}[ending]
    assert path.read_bytes().lstrip().lower().startswith(begin.lower())


def test_the_same_again(made):
    again = compare(["prompt", "usual", "none"], infants=12, weeks=3, seed=1, age_weeks=3)
    assert again.as_dict() == made.as_dict()


@pytest.mark.parametrize(
    ("effect", "power", "arm"),
    # Cohen 1988, table 2.4.1, two-sided 5 %.
    [(0.2, 0.8, 393), (0.5, 0.8, 64), (0.8, 0.8, 26), (1.0, 0.8, 17), (0.5, 0.9, 85)],
)
def test_trial_sizes_are_those_of_the_tables(effect, power, arm):
    assert trial_size(effect, 1.0, power=power) == pytest.approx(arm, abs=1)
    assert trial_size(effect * 50, 50.0, power=power) == trial_size(effect, 1.0, power=power)


def test_a_trial_of_carrying_and_what_it_reaches():
    made = size_trial("usual", "carrying", infants=120, seed=1)
    assert made.difference_min == pytest.approx(made.mean_min - made.against_min)
    assert 8 <= made.arm <= 40
    assert 0.65 < made.reached <= 1.0
    assert str(made).startswith("To see a difference of ")
    assert "in each arm" in str(made)


def test_a_smaller_difference_needs_more_and_more_days_need_fewer():
    small, large = (size_trial("usual", difference_min=x, infants=60, seed=1).arm for x in (10, 40))
    assert small > 10 * large
    short, long = (
        size_trial("usual", difference_min=20, days_each=n, infants=60, seed=1).sd_min
        for n in (1, 14)
    )
    assert long < short


def test_a_policy_can_be_made_by_hand():
    slow = policy("usual", latency_s=600.0)
    made = compare([slow], infants=2, weeks=1)
    assert math.isfinite(made.arms[0].crying_min)
    assert np.isfinite(made.crying[0]).all()
