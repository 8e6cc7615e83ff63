"""What cannot be simulated is refused in one line."""

import math
from datetime import UTC, datetime

import pytest

from harken.errors import HarkenError, ParameterError
from harken.simulate import Change, Parameters, Policy, hub_events, policy, simulate_dyad
from harken.simulate.cohort import simulate_days, write_cohort
from harken.simulate.compare import compare, save_chart, size_trial, trial_size
from harken.simulate.sounding import render_events


@pytest.mark.parametrize("weeks", [0, -1, 105, math.nan, math.inf, "8", True, None])
def test_impossible_lengths(weeks):
    with pytest.raises(ParameterError, match="weeks="):
        simulate_dyad("usual", weeks=weeks)


@pytest.mark.parametrize("age", [-1, 105, math.nan, "2"])
def test_impossible_ages(age):
    with pytest.raises(ParameterError, match="age_weeks="):
        simulate_dyad("usual", weeks=1, age_weeks=age)


@pytest.mark.parametrize("hour", [-1, 24, math.nan])
def test_impossible_hours(hour):
    with pytest.raises(ParameterError, match="start_hour="):
        simulate_dyad("usual", weeks=1, start_hour=hour)


@pytest.mark.parametrize("seed", [-1, 1.5, True, (), (1, -2), ("a",)])
def test_impossible_seeds(seed):
    with pytest.raises((ParameterError, TypeError)):
        simulate_dyad("usual", weeks=1, seed=seed)


def test_an_unknown_policy_names_those_that_there_are():
    with pytest.raises(ParameterError, match="policy 'soon' is not known; there are prompt, usual"):
        simulate_dyad("soon", weeks=1)


@pytest.mark.parametrize("week", [-1, 3])
def test_a_change_outside_the_history(week):
    with pytest.raises(ParameterError, match="change: week="):
        simulate_dyad("usual", weeks=2, changes=[Change(week, "prompt")])


@pytest.mark.parametrize(
    "field",
    [
        {"answers": 1.1}, {"answers": math.nan}, {"latency_s": 0}, {"spread": -1}, {"wait_s": -1},
        {"carried_h": 21}, {"sees": 2}, {"checks_s": (0.0,)}, {"checks_s": ("1",)},
        {"answers": "all"}, {"wait_s": True},
    ],
)  # fmt: skip
def test_impossible_policies(field):
    with pytest.raises(ParameterError, match="policy prompt: "):
        policy("prompt", **field)


def test_a_policy_of_its_own_is_checked_too():
    with pytest.raises(ParameterError, match="policy mine: answers=2"):
        Policy(name="mine", answers=2)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"infant.nope": 1}, "is not known"),
        ({"nope": 1}, "is not known"),
        ({"infant.spread.deep": 1}, "is not known"),
        ({"infant.spread": -1}, "must be 0 or more"),
        ({"infant.spread": "1"}, "must be a number"),
        ({"infant.spread": math.nan}, "must be a number"),
        ({"infant.spread": True}, "must be a number"),
        ({"learning.start": 1.5}, "from 0 to 1"),
        ({"age.awake_h": [1.0]}, "must hold 11 numbers"),
        ({"age.awake_h": 1.0}, "must hold 11 numbers"),
        ({"crying.lasts_s": {"hunger": 1}}, "must name hunger, wet"),
        ({"crying.lasts_s.pain": -5}, "0 or more"),
    ],
)
def test_impossible_numbers(values, says):
    with pytest.raises(ParameterError, match=says):
        Parameters().with_values(values)


@pytest.mark.parametrize("text", ["[", "spread = 1", "[infant]\nspread = 'x'", "[nope]\na = 1"])
def test_impossible_files_of_numbers(text):
    with pytest.raises(ParameterError, match=r"^param"):
        Parameters.read(text)


def test_events_need_a_zone_two_caregivers_and_spells():
    history = simulate_dyad("usual", weeks=1)
    start = datetime(2026, 1, 1, 7, tzinfo=UTC)
    with pytest.raises(ParameterError, match="start must have a zone"):
        hub_events(history, start=start.replace(tzinfo=None))
    with pytest.raises(ParameterError, match="name two, not 1"):
        hub_events(history, start=start, caregivers=("anna",))
    lean = simulate_dyad("usual", weeks=1, keep=False)
    with pytest.raises(ParameterError, match="simulate it with keep=True"):
        hub_events(lean, start=start)


@pytest.mark.parametrize("infants", [0, -1, 10**7, 1.5, True])
def test_impossible_numbers_of_infants(infants):
    with pytest.raises(ParameterError, match="infants="):
        simulate_days("usual", infants=infants, weeks=1)


@pytest.mark.parametrize("option", [{"jobs": -1}, {"seed": -1}, {"jobs": 1.5}, {"seed": True}])
def test_impossible_runs(option):
    with pytest.raises(ParameterError):
        simulate_days("usual", infants=1, weeks=1, **option)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(HarkenError, match="cannot write to"):
        write_cohort("usual", tmp_path / "file" / "out", infants=1, weeks=1, jobs=1)


def test_impossible_comparisons(tmp_path):
    with pytest.raises(ParameterError, match="at least one policy"):
        compare([])
    with pytest.raises(ParameterError, match="named once"):
        compare(["usual", "usual"])
    with pytest.raises(ParameterError, match="must be 1 or more"):
        compare(["usual"], weeks=0.5, infants=1)
    with pytest.raises(ParameterError, match="must end in"):
        save_chart(None, str(tmp_path / "chart.gif"))


@pytest.mark.parametrize(
    "given",
    [
        {"difference": 0, "sd": 1}, {"difference": 1, "sd": 0}, {"difference": math.nan, "sd": 1},
        {"difference": 1, "sd": 1, "power": 1}, {"difference": 1, "sd": 1, "alpha": 0},
    ],
)  # fmt: skip
def test_impossible_trials(given):
    with pytest.raises(ParameterError):
        trial_size(given.pop("difference"), given.pop("sd"), **given)


def test_a_trial_without_a_difference():
    with pytest.raises(ParameterError, match="name a second policy or a difference"):
        size_trial("usual")
    with pytest.raises(ParameterError, match="days=0"):
        size_trial("usual", "prompt", days_each=0)
    with pytest.raises(ParameterError, match="20 or more"):
        size_trial("usual", "prompt", infants=5)
    with pytest.raises(ParameterError, match="differ by less than half a minute"):
        size_trial("usual", policy("usual", says="the same"), infants=20)


def test_sound_needs_a_zone_and_a_length(tmp_path):
    with pytest.raises(ParameterError, match="zone"):
        render_events([], tmp_path / "a.flac", since=datetime(2026, 1, 1))
    with pytest.raises(ParameterError, match="seconds"):
        render_events([], tmp_path / "a.flac", since=datetime(2026, 1, 1, tzinfo=UTC), seconds=0)
