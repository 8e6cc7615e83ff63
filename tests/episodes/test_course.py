"""How a cry went: synthetic courses whose word is known, and real cries."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.episodes import BoutRule, Course, CourseRule, describe_course, find_bouts
from harken.episodes.course import WORDS
from harken.errors import ParameterError
from harken.hearing import HOP_S, Frames, open_detector, pitch
from harken.sound import open_source

SECONDS = 24.0
STEP_S = 0.1  # ten frames a cycle, so that what is known of a cycle is known exactly
N = round(SECONDS / STEP_S)
TIME = (np.arange(N) + 0.5) * STEP_S


def describe(levels, f0=None, **more):
    return describe_course(levels, f0, hop_s=STEP_S, **more)


def cries(level, breath_db=25.0):
    """Cries of 0.7 s with a breath of 0.3 s after each; the level is that of the cries."""
    return np.where(TIME % 1.0 < 0.7, level, np.asarray(level) - breath_db)


def zigzag(step):
    """Up and down by `step` from one second to the next."""
    return np.where(TIME.astype(int) % 2, step / 2, -step / 2)


def test_a_cry_that_grows_louder_is_rising():
    course = describe(cries(-40 + TIME))
    assert course.words == ("rising", "monotonous")
    assert course.level_change_db == pytest.approx(17.5, abs=2)
    assert course.seconds == pytest.approx(SECONDS)


def test_a_cry_that_fades_is_waning():
    assert describe(cries(-20 - TIME)).words[0] == "waning"


def test_a_cry_that_climbs_in_pitch_is_rising_though_no_louder():
    f0 = 400 * 2 ** (TIME / SECONDS / 2)
    assert "rising" in describe(cries(-30.0), f0).words
    assert describe(cries(-30.0)).words == ("monotonous",)


def test_one_like_the_next_is_monotonous_whatever_the_breaths():
    for breath_db in (10.0, 25.0, 60.0, np.inf):
        with np.errstate(invalid="ignore"):
            level = cries(-30.0, breath_db)
        assert str(describe(level, np.full(N, 420.0))) == "monotonous"


def test_each_unlike_the_last_is_loud_and_varied():
    assert "loud and varied" in describe(cries(-30 + zigzag(9))).words
    f0 = 420 * 2 ** (zigzag(6) / 12)
    assert describe(cries(-30.0), f0).words == ("loud and varied",)


def test_what_varies_but_is_quieter_than_its_own_start_is_not_called_loud():
    words = describe(cries(-30 + zigzag(9) - TIME)).words
    assert words == ("waning",)


def test_pitch_that_varies_is_not_monotonous_and_one_between_is_steady():
    assert str(describe(cries(-30 + zigzag(4)))) == "steady"


def test_the_level_itself_does_not_matter():
    for offset in (-40.0, 0.0, 25.0):
        assert describe(cries(-30 + zigzag(9)) + offset).words == ("loud and varied",)


def test_little_is_too_short_to_tell():
    for n in (0, 1, 10, 59):
        course = describe(np.full(n, -30.0))
        assert str(course) == "too short to tell"
        assert course.words == ()
    assert str(describe(np.full(60, -30.0))) == "monotonous"


def test_no_pitch_found_is_as_no_pitch_given():
    level = cries(-30 + zigzag(9))
    for f0 in (np.full(N, np.nan), np.zeros(N), np.empty(0)):
        assert describe(level, f0) == describe(level)


def test_digital_silence_has_a_course_of_finite_numbers():
    course = describe(np.full(N, -np.inf))
    assert course.words == ("monotonous",)
    assert course.level_change_db == 0


def test_thresholds_are_the_rule_s():
    level = cries(-40 + TIME)
    assert describe(level, rule=CourseRule(change_db=30)).words == ("monotonous",)
    assert describe(level[:40], rule=CourseRule(shortest_s=3)).level_change_db is not None


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.just(-np.inf), st.floats(-120, 0)), max_size=400),
    st.one_of(st.none(), st.lists(st.one_of(st.just(np.nan), st.floats(0, 2000)), max_size=500)),
    st.sampled_from([0.01, HOP_S, 1.0, 30.0]),
)
def test_any_sound_has_a_course_that_can_be_stored(levels, f0, hop_s):
    course = describe_course(levels, f0, hop_s=hop_s)
    assert Course.from_dict(course.as_dict()) == course
    assert set(course.words) <= set(WORDS)
    assert not {"rising", "waning"} <= set(course.words)
    assert not {"loud and varied", "monotonous"} <= set(course.words)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": [[0.0]]}, "levels: must be one-dimensional"),
        ({"levels": [np.nan]}, "without NaN"),
        ({"levels": [np.inf]}, "below \\+inf"),
        ({"levels": [0.0] * 200, "f0": [[400.0]]}, "f0: must be one-dimensional"),
        ({"levels": [0.0], "hop_s": 0}, "hop_s=0 must be"),
        ({"levels": [0.0], "hop_s": np.nan}, "hop_s=nan must be"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        describe_course(**arguments)


@pytest.mark.parametrize(
    "values",
    [
        {},
        [],
        {"words": ["rising"]},
        {**Course(("rising",), 9.0).as_dict(), "words": ["hungry"]},
        {**Course(("rising",), 9.0).as_dict(), "words": "rising"},
        {**Course(("rising",), 9.0).as_dict(), "seconds": None},
        {**Course(("rising",), 9.0).as_dict(), "seconds": "9"},
        {**Course(("rising",), 9.0).as_dict(), "level_step_db": float("nan")},
        {**Course(("rising",), 9.0).as_dict(), "need": "hunger"},
    ],
)
def test_what_is_no_course_is_refused(values):
    with pytest.raises(ParameterError, match="course: "):
        Course.from_dict(values)


@pytest.mark.slow
def test_real_cries_have_a_course(require):
    manifest = require("../shared/audio/manifest.csv")
    require("src/harken/hearing/models/builtin.onnx")
    courses = []
    with manifest.open(encoding="utf-8") as table:
        cries = [row["file"] for row in csv.DictReader(table) if row["label"] == "cry"]
    for name in cries[:40:4]:
        path = manifest.parent / "clips" / name
        detector, frames, samples = open_detector("builtin"), [], []
        with open_source(path) as source:
            for block in source:
                frames.append(detector.process(block))
                samples.append(block.samples)
        frames.append(detector.flush())
        heard, sound = Frames.join(frames), np.concatenate(samples)
        for bout in find_bouts(heard, BoutRule(detector.on, detector.off)):
            rows = (heard.times >= bout.onset - 1e-6) & (heard.times < bout.offset - 1e-6)
            f0 = pitch(sound[round(bout.onset * 16_000) : round(bout.offset * 16_000)]).hz
            course = describe_course(heard.level[rows], f0)
            if course.level_change_db is not None:
                courses.append(course)
    assert len(courses) >= 3
    for course in courses:
        assert course.pitch_step_semitones is not None
        assert 0 < course.level_step_db < 40
        assert abs(course.level_change_db) < 40
