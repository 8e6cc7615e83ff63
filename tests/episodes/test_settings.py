"""The thresholds of an episode: stored, read again, and refused where they make no sense."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import CourseRule, EpisodeSettings
from harken.errors import ParameterError


def test_settings_survive_being_stored():
    chosen = EpisodeSettings(calm_after=90, settled_alone_loudest=None, voice_least=0.75)
    assert EpisodeSettings.from_dict(chosen.as_dict()) == chosen
    assert EpisodeSettings.from_dict({}, base=chosen) == chosen
    assert EpisodeSettings.from_dict({"calm_after": 5}, base=chosen).voice_least == 0.75
    assert EpisodeSettings.from_dict({}) == EpisodeSettings()


@given(st.floats(0, 3600), st.one_of(st.none(), st.floats(-120, 0)))
def test_any_settings_survive_being_stored(calm_after, loudest):
    chosen = EpisodeSettings(calm_after=calm_after, settled_alone_loudest=loudest)
    assert EpisodeSettings.from_dict(chosen.as_dict()) == chosen


def test_whole_numbers_are_taken_and_kept_as_seconds():
    assert type(EpisodeSettings(calm_after=90).calm_after) is float


@pytest.mark.parametrize("rule", [EpisodeSettings, CourseRule], ids=lambda one: one.__name__)
def test_every_threshold_says_its_range_its_default_and_why(rule):
    text = rule.__doc__
    for field in fields(rule):
        assert re.search(rf"\b{field.name}\b", text), field.name
    assert text.count("Default") >= 7


def test_the_page_on_episodes_lists_every_setting():
    page = Path(__file__).parents[2] / "docs/explanation/episodes.md"
    table = re.findall(r"^\| `(\w+)` \| (\S+)", page.read_text("utf-8"), re.MULTILINE)
    assert [name for name, _ in table] == [field.name for field in fields(EpisodeSettings)]
    for name, default in table:
        assert float(default.replace("−", "-")) == getattr(EpisodeSettings(), name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"calm_after": -1}, "calm_after=-1 must be from 0 to 3600 seconds"),
        ({"calm_after": 3601}, "calm_after=3601 must be"),
        ({"calm_after": float("nan")}, "calm_after=nan must be"),
        ({"calm_after": None}, "calm_after=None is not a number"),
        ({"calm_after": "60"}, "calm_after='60' is not a number"),
        ({"calm_after": True}, "calm_after=True is not a number"),
        ({"settled_alone_longest": float("inf")}, "settled_alone_longest=inf"),
        ({"settled_alone_loudest": 1}, "settled_alone_loudest=1 must be from -120 to 0 dBFS"),
        ({"already_there": -0.1}, "already_there=-0.1"),
        ({"tap_delay": 301}, "tap_delay=301"),
        ({"late_notes": 86_401}, "late_notes=86401"),
        ({"voice_shortest": 61}, "voice_shortest=61"),
        ({"voice_least": 1.1}, "voice_least=1.1 must be from 0 to 1 (a mean probability)"),
        ({"voice_before": -1}, "voice_before=-1"),
        ({"own_voice": 601}, "own_voice=601"),
        ({"calm": 1}, "unknown field 'calm'; there are calm_after, settled_alone_longest"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ParameterError, match=r"^episode settings: ") as caught:
        EpisodeSettings.from_dict(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cycle_s": 0}, "cycle_s=0 must be from 0.2 to 10 seconds"),
        ({"start_s": float("nan")}, "start_s=nan"),
        ({"change_db": "4"}, "change_db='4' is not a number"),
        ({"varied_db": True}, "varied_db=True is not a number"),
        ({"even_db": 7}, "even_db must be below varied_db"),
        ({"varied_semitones": 1}, "even_semitones must be below varied_semitones"),
        ({"loud": 1}, "unknown field 'loud'; there are cycle_s, start_s"),
    ],
)
def test_a_course_rule_that_makes_no_sense_is_refused(values, message):
    with pytest.raises(ParameterError, match=r"^course rule: ") as caught:
        CourseRule.from_dict(values)
    assert message in str(caught.value)
