import math

import numpy as np
import pytest

from harken.errors import HarkenError, ParameterError
from harken.simulate import (
    Clip,
    Pool,
    SceneSpec,
    babble,
    bark,
    cry,
    laugh,
    read_truth,
    render_scene,
    speak,
    synthetic_night,
)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("make", [cry, babble, laugh, speak, bark])
@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.1, 601.0, math.nan, math.inf])
def test_a_voice_of_impossible_length_is_refused(make, seconds):
    with pytest.raises(ParameterError, match=r"seconds is .*; it must be 0\.2 to 600"):
        make(seconds, rng=rng())


@pytest.mark.parametrize(
    ("name", "value"),
    [("age_weeks", -1.0), ("intensity", 1.1), ("intensity", math.nan), ("pitch_hz", 2000.0)],
)
def test_an_impossible_infant_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"{name} is"):
        cry(1.0, rng=rng(), **{name: value})


@pytest.mark.parametrize(
    "field",
    [
        {"seconds": 0.5},
        {"seconds": math.nan},
        {"seed": -1},
        {"level_dbfs": 3.0},
        {"snr_db": 100.0},
        {"rt60_s": -0.1},
        {"codec": "gsm"},
        {"background": "violet"},
        {"cries_per_hour": -1.0},
        {"cry_s": (1.0, 5.0)},
        {"cry_s": (9.0, 5.0)},
        {"distractors_per_hour": math.inf},
        {"distractors": ("cry",)},
    ],
    ids=str,
)
def test_an_impossible_scene_is_refused_and_the_field_is_named(field):
    with pytest.raises(ParameterError, match=next(iter(field))):
        SceneSpec(**field)


@pytest.mark.parametrize("active", [(), ((-1.0, 2.0),), ((2.0, 1.0),), ((0.0, 2.0), (1.0, 3.0))])
def test_disordered_active_spans_are_refused(active):
    with pytest.raises(ParameterError, match="active of 'x'"):
        Clip("cry", np.ones(16000, np.float32), "x", active=active)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ParameterError, match="kind is 'ghost'"):
        Pool.from_clips({"ghost": ["a.wav"]})


def test_a_clip_without_samples_is_refused():
    with pytest.raises(ParameterError, match="'x' has no samples"):
        Clip("cry", np.zeros(0, np.float32), "x").load()


def test_a_clip_that_is_no_sound_is_refused(tmp_path):
    path = tmp_path / "not a sound.wav"
    path.write_text("no sound")
    with pytest.raises(HarkenError, match="not a sound"):
        Clip("cry", path, path.name).load()


@pytest.mark.parametrize(
    ("spec", "lacks"),
    [
        (SceneSpec(cries_per_hour=1), "cry"),
        (SceneSpec(cries_per_hour=0, background="noise"), "noise"),
        (SceneSpec(cries_per_hour=0, distractors=("laugh",)), "laugh"),
    ],
)
def test_a_pool_that_lacks_a_kind_is_refused(spec, lacks):
    pool = Pool([Clip("voice", np.ones(16000, np.float32), "x")])
    with pytest.raises(ParameterError, match=f"no '{lacks}'"):
        render_scene(spec, pool)


def test_cries_too_short_to_build_a_bout_of_are_refused():
    pool = Pool([Clip("cry", np.ones(1600, np.float32), "x")])
    spec = SceneSpec(seconds=60, cries_per_hour=120, distractors_per_hour=0)
    with pytest.raises(ParameterError, match=r"active for 0\.3 s"):
        render_scene(spec, pool)


def test_a_silent_clip_is_mixed_in_as_silence():
    pool = Pool([Clip("cry", np.zeros(32000, np.float32), "x")])
    spec = SceneSpec(
        seconds=30, cries_per_hour=240, cry_s=(4, 5), distractors_per_hour=0, background="none"
    )
    assert not render_scene(spec, pool).samples.any()


def test_only_flac_is_written(tmp_path):
    with pytest.raises(ParameterError, match=r"must end in \.flac"):
        render_scene(SceneSpec(), Pool.synthetic(), tmp_path / "scene.wav")


def test_nothing_is_left_where_rendering_fails(tmp_path):
    broken = Clip("voice", np.ones(16000, np.float32), "x")
    pool = Pool([broken])
    pool.load(broken)
    spec = SceneSpec(seconds=60, cries_per_hour=0, distractors_per_hour=600, distractors=("voice",))

    def fail(_clip):
        raise ParameterError("gone")

    pool.load = fail
    with pytest.raises(ParameterError, match="gone"):
        render_scene(spec, pool, tmp_path / "scene.flac")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minutes", [0.0, 601.0, math.nan])
def test_an_impossible_night_is_refused(minutes):
    with pytest.raises(ParameterError, match="minutes is"):
        synthetic_night(minutes)


def test_a_table_that_is_no_truth_is_refused(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ParameterError, match="not a truth table"):
        read_truth(path)


def test_a_pool_without_infants_is_refused():
    with pytest.raises(ParameterError, match="infants is 0"):
        Pool.synthetic(infants=0)
