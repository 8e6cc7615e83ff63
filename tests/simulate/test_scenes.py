import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.simulate import (
    Clip,
    Pool,
    SceneSpec,
    TruthRow,
    cry,
    read_truth,
    render_scene,
    synthetic_night,
    true_bouts,
    write_truth,
)
from harken.simulate.acoustics import at_level, coloured_noise, rms_dbfs
from harken.sound import RATE, AudioBlock, open_source

DRY = SceneSpec(
    seconds=240,
    seed=5,
    cries_per_hour=60,
    cry_s=(4, 30),
    distractors_per_hour=0,
    rt60_s=0,
    background="none",
    level_dbfs=-25,
)


@pytest.fixture(scope="module")
def pool():
    return Pool.synthetic(0, infants=2)


def active(scene):
    mask = np.zeros(len(scene.samples), bool)
    for row in scene.truth:
        if row.kind == "cry":
            mask[round(row.onset_s * RATE) : round(row.offset_s * RATE)] = True
    return mask


def read(path):
    with open_source(path) as source:
        return np.concatenate([x.samples for x in source if isinstance(x, AudioBlock)])


rows = st.builds(
    lambda kind, onset, length: TruthRow(kind, onset, onset + length, "x", -20.0),
    st.sampled_from(["cry", "voice"]),
    st.floats(0, 200),
    st.floats(0.01, 20),
)


@given(st.lists(rows, max_size=25), st.floats(0, 10), st.floats(0, 10))
def test_true_bouts_are_ordered_apart_long_enough_and_cover_every_long_cry(table, gap, least):
    bouts = true_bouts(table, max_gap=gap, min_duration=least)
    assert all(b - a >= least for a, b in bouts)
    assert all(later[0] - earlier[1] > gap for earlier, later in pairwise(bouts))
    for row in table:
        if row.kind == "cry" and row.offset_s - row.onset_s >= least:
            assert any(a <= row.onset_s and row.offset_s <= b for a, b in bouts)
    ends = {row.onset_s for row in table} | {row.offset_s for row in table}
    assert all(a in ends and b in ends for a, b in bouts)


@settings(max_examples=20, deadline=None)
@given(
    seconds=st.floats(1, 300),
    seed=st.integers(0, 2**31),
    cries=st.floats(0, 120),
    distractors=st.floats(0, 200),
    shortest=st.floats(3.5, 8),
    spread=st.floats(1, 8),
)
def test_the_truth_of_any_scene_is_ordered_in_bounds_and_made_of_whole_bouts(
    pool, seconds, seed, cries, distractors, shortest, spread
):
    spec = SceneSpec(
        seconds=seconds,
        seed=seed,
        cries_per_hour=cries,
        distractors_per_hour=distractors,
        cry_s=(shortest, shortest * spread),
        background="none",
    )
    scene = render_scene(spec, pool)
    assert len(scene.samples) == round(seconds * RATE)
    assert np.abs(scene.samples).max() <= 1
    onsets = [row.onset_s for row in scene.truth]
    assert onsets == sorted(onsets)
    assert all(0 <= row.onset_s < row.offset_s <= len(scene.samples) / RATE for row in scene.truth)
    for a, b in scene.bouts:
        assert shortest - 0.6 <= b - a <= shortest * spread + 2.6
    crying = [row for row in scene.truth if row.kind == "cry"]
    assert all(
        any(a <= row.onset_s and row.offset_s <= b for a, b in scene.bouts) for row in crying
    )
    assert len(scene.bouts) <= int(cries * seconds / 3600) + 1


def test_as_many_bouts_are_rendered_as_were_asked_for(pool):
    assert len(render_scene(DRY, pool).bouts) == 4


def test_crying_has_the_level_asked_for(pool):
    scene = render_scene(DRY, pool)
    mask = active(scene)
    assert rms_dbfs(scene.samples[mask]) == pytest.approx(-25, abs=0.5)
    for row in scene.truth:
        assert -32 < row.level_dbfs < -18


def test_the_background_has_the_level_that_the_snr_gives_it(pool):
    spec = replace(DRY, background="pink", snr_db=15.0)
    scene = render_scene(spec, pool)
    quiet = ~active(scene)
    for a, b in scene.bouts:
        quiet[int((a - 1) * RATE) : int((b + 1) * RATE)] = False
    assert rms_dbfs(scene.samples[quiet]) == pytest.approx(-40, abs=0.3)


def test_without_background_nothing_sounds_outside_the_bouts(pool):
    scene = render_scene(DRY, pool)
    outside = np.ones(len(scene.samples), bool)
    for a, b in scene.bouts:
        outside[int((a - 0.11) * RATE) : int((b + 0.26) * RATE)] = False
    assert not scene.samples[outside].any()
    for a, b in scene.bouts:
        assert rms_dbfs(scene.samples[int(a * RATE) : int(b * RATE)]) > -35


def test_truth_is_exact_to_the_sample():
    tone = np.zeros(5 * RATE, np.float32)
    tone[RATE : 4 * RATE] = np.sin(np.arange(3 * RATE) * 0.3)
    pool = Pool([Clip("cry", tone, "tone", active=((1.0, 4.0),))])
    spec = replace(DRY, seconds=30, cries_per_hour=120, cry_s=(3.5, 4))
    scene = render_scene(spec, pool)
    sounding = np.flatnonzero(np.abs(scene.samples) > 1e-6) / RATE
    assert sounding[0] == pytest.approx(scene.bouts[0][0], abs=2 / RATE)
    assert sounding[-1] == pytest.approx(scene.bouts[-1][1], abs=5 / RATE)


def test_a_bout_is_made_of_one_infant(pool):
    groups = {clip.source: clip.group for clip in pool.clips("cry")}
    scene = render_scene(DRY, pool)
    for a, b in scene.bouts:
        inside = {groups[row.source] for row in scene.truth if a <= row.onset_s < b}
        assert len(inside) == 1


def test_clips_are_used_only_where_they_are_active():
    marked = np.full(6 * RATE, 0.9, np.float32)
    marked[2 * RATE : 4 * RATE] = 0.1
    pool = Pool([Clip("cry", marked, "x", active=((2.0, 4.0),))])
    scene = render_scene(replace(DRY, seconds=60), pool)
    mask = active(scene)
    inner = np.flatnonzero(mask[400:-400] & mask[:-800] & mask[800:]) + 400
    assert np.ptp(np.abs(scene.samples[inner])) < 0.05


def test_the_same_spec_and_pool_give_the_same_scene(pool):
    spec = SceneSpec(seconds=90, seed=3, cries_per_hour=80, distractors_per_hour=200)
    first = render_scene(spec, pool)
    again = render_scene(spec, Pool.synthetic(0, infants=2))
    other = render_scene(replace(spec, seed=4), pool)
    assert first.truth == again.truth
    assert np.array_equal(first.samples, again.samples)
    assert first.truth != other.truth


def test_a_pool_that_was_used_travels_to_another_process(pool):
    spec = replace(DRY, seconds=60)
    expected = render_scene(spec, pool)
    assert np.array_equal(
        render_scene(spec, pickle.loads(pickle.dumps(pool))).samples, expected.samples
    )


def test_a_file_holds_the_same_sound_and_truth_as_memory(pool, tmp_path):
    spec = SceneSpec(seconds=70.5, seed=1, cries_per_hour=100, distractors_per_hour=300)
    path = tmp_path / "a scene.flac"
    filed, held = render_scene(spec, pool, path), render_scene(spec, pool)
    assert filed.samples is None
    assert filed.truth == held.truth == read_truth(tmp_path / "a scene.csv")
    heard = read(path)
    assert len(heard) == len(held.samples)
    assert np.abs(heard - held.samples).max() < 1e-4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a scene.csv", "a scene.flac"]


@pytest.mark.parametrize("codec", ["mulaw", "adpcm", "mp3", "opus", "aac"])
def test_a_codec_changes_neither_length_nor_timing(pool, codec):
    spec = SceneSpec(seconds=65, seed=2, cries_per_hour=120, rt60_s=0, distractors_per_hour=0)
    clean = render_scene(spec, pool)
    coded = render_scene(replace(spec, codec=codec), pool)
    assert coded.truth == clean.truth
    assert len(coded.samples) == len(clean.samples)

    def levels(samples):
        return np.sqrt(np.mean(samples[: 64 * RATE].reshape(-1, 320).astype(float) ** 2, axis=1))

    a, b = levels(clean.samples), levels(coded.samples)
    around = [np.corrcoef(a[5:-5], np.roll(b, shift)[5:-5])[0, 1] for shift in range(-3, 4)]
    assert int(np.argmax(around)) == 3
    assert max(around) > 0.9


def test_a_room_and_a_microphone_leave_truth_and_level(pool):
    spec = replace(DRY, seconds=120)
    dry = render_scene(spec, pool)
    wet = render_scene(replace(spec, rt60_s=0.6, microphone=True), pool)
    assert wet.truth == dry.truth
    assert rms_dbfs(wet.samples[active(wet)]) == pytest.approx(-25, abs=0.7)
    assert not np.allclose(wet.samples, dry.samples, atol=1e-3)


def test_distractors_are_drawn_from_the_kinds_asked_for(pool):
    spec = replace(DRY, cries_per_hour=0, distractors_per_hour=300, distractors=("voice", "laugh"))
    scene = render_scene(spec, pool)
    assert {row.kind for row in scene.truth} == {"voice", "laugh"}
    assert len(scene.truth) == 20
    assert all(-43 <= row.level_dbfs <= -25 for row in scene.truth)
    assert scene.bouts == []


def test_clips_of_the_pool_can_be_the_background():
    noise = coloured_noise(3 * RATE, np.random.default_rng(0))
    pool = Pool([Clip("noise", noise, "a"), Clip("noise", at_level(noise, -50), "b")])
    spec = SceneSpec(
        seconds=95, cries_per_hour=0, distractors_per_hour=0, background="noise", snr_db=10
    )
    scene = render_scene(spec, pool)
    seconds = scene.samples.reshape(-1, RATE)
    assert all(rms_dbfs(second) == pytest.approx(-35, abs=2) for second in seconds)


def test_recordings_are_read_from_files(tmp_path):
    source = render_scene(
        SceneSpec(seconds=15, cries_per_hour=240, cry_s=(5, 6), distractors_per_hour=0, snr_db=60),
        Pool.synthetic(1, infants=1),
        tmp_path / "one cry.flac",
    )
    pool = Pool.from_clips({"cry": [source.path]})
    scene = render_scene(replace(DRY, seconds=60), pool)
    assert len(scene.bouts) == 1
    assert {row.source for row in scene.truth} == {"one cry.flac"}


def test_a_truth_table_comes_back_equal(tmp_path):
    table = (
        TruthRow("cry", 1.0000625, 2.1, 'a "quoted", name', -20.25),
        TruthRow("voice", 3.0, 1e4 / 3, "line\nbreak", -31.0),
    )
    write_truth(table, tmp_path / "truth.csv")
    assert read_truth(tmp_path / "truth.csv") == table


def test_the_synthetic_night_has_crying_and_other_sounds_whatever_the_seed():
    for seed in range(4):
        night = synthetic_night(5.0, seed=seed)
        assert len(night.samples) == 300 * RATE
        assert len(night.bouts) >= 3
        assert all(6 - 0.6 <= b - a <= 47.6 for a, b in night.bouts)
        assert {"cry", "voice"} <= {row.kind for row in night.truth}


def test_the_first_synthetic_night_is_the_one_it_has_always_been():
    night = synthetic_night(5.0, seed=0)
    assert np.array(night.bouts) == pytest.approx(
        np.array([(91.800, 97.946), (246.155, 272.247), (286.036, 296.354)]), abs=1e-3
    )
    others = [(row.source, round(row.onset_s)) for row in night.truth if row.kind != "cry"]
    assert others == [
        ("made dishes 19", 41),
        ("made music box 13", 117),
        ("made clock 20", 158),
        ("made voice 15", 195),
        ("made clock 20", 206),
        ("made voice 17", 207),
        ("made music box 13", 216),
    ]
    assert rms_dbfs(night.samples) == pytest.approx(-33.3, abs=0.3)
    assert rms_dbfs(night.samples[: 30 * RATE]) == pytest.approx(-49.0, abs=0.3)


def test_rendering_keeps_memory_flat(pool, tmp_path):
    psutil = pytest.importorskip("psutil")
    spec = SceneSpec(seconds=300, cries_per_hour=12)
    render_scene(spec, pool, tmp_path / "short.flac")
    before = psutil.Process().memory_info().rss
    render_scene(replace(spec, seconds=1800), pool, tmp_path / "long.flac")
    assert psutil.Process().memory_info().rss - before < 60e6


def test_crying_of_a_made_clip_is_where_its_expirations_are():
    heard = cry(8.0, rng=np.random.default_rng(0))
    pool = Pool([Clip("cry", lambda: heard, "made")])
    scene = render_scene(replace(DRY, seconds=60, cry_s=(6, 7)), pool)
    lengths = {round(b - a, 3) for a, b in heard.spans}
    got = [round(row.offset_s - row.onset_s, 3) for row in scene.truth]
    assert sum(length in lengths for length in got) >= len(got) - 2
