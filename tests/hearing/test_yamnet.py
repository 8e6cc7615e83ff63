"""YAMNet and its head against the whole run at once, in any blocks."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.hearing import HOP, Builtin, YAMNet, level_dbfs
from harken.hearing.yamnet import BABY_CRY, WINDOW, Backbone
from harken.sound.blocks import RATE, AudioBlock


@pytest.fixture(scope="module")
def detector(kit, yamnet_file):
    return YAMNet(yamnet_file, head=kit.tiny_head(), builtin=Builtin(kit.tiny_builtin()))


def reference(samples, kit, yamnet_file):
    """The contract of the head, worked out on the whole run."""
    frames = kit.feed(Builtin(kit.tiny_builtin()), samples)
    rows = -(-len(frames) // 2)
    backbone = Backbone(yamnet_file)
    reach = WINDOW // 2
    padded = np.concatenate([np.zeros(reach), samples, np.zeros(reach + 2 * HOP)])
    centres = [round((k + 0.5) * 0.16 * RATE) for k in range(rows)]
    scores = np.stack([backbone.scores(padded[c : c + WINDOW].astype(np.float32)) for c in centres])
    heard = np.zeros((2 * rows, 3))
    heard[: len(frames)] = np.stack([frames.cry, frames.laugh, frames.voice], axis=1)
    level = np.full(2 * rows, -100.0)
    level[: len(frames)] = np.maximum(level_dbfs(samples), -100)
    around = (kit.rows_left, kit.rows_right)
    twice = tuple(2 * n for n in around)
    feed = {
        "scores": np.pad(scores, (around, (0, 0))),
        "builtin": np.pad(heard, (twice, (0, 0))),
        "level": np.pad(level, twice, constant_values=-100),
    }
    session = onnxruntime.InferenceSession(kit.tiny_head(), providers=["CPUExecutionProvider"])
    (probs,) = session.run(None, {k: v[None].astype(np.float32) for k, v in feed.items()})
    return probs[0, : len(frames)]


@pytest.mark.parametrize("n", [0, 1000, 1280, 2600, 25_600, 26_900, 27_000, 50_000])
def test_frames_are_those_of_the_whole_run(detector, kit, yamnet_file, n):
    samples = kit.room(n)
    frames = kit.feed(detector, samples)
    assert len(frames) == n // HOP
    if n >= HOP:
        wanted = reference(samples, kit, yamnet_file)
        np.testing.assert_allclose(frames.cry, wanted[:, 0], atol=1e-4)
        np.testing.assert_allclose(frames.voice, wanted[:, 2], atol=1e-4)
        np.testing.assert_array_equal(frames.level, level_dbfs(samples))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 60_000), data=st.data())
def test_block_sizes_change_nothing(detector, kit, n, data):
    cuts = data.draw(st.lists(st.integers(0, n), max_size=12))
    samples = kit.room(n)
    kit.assert_same(kit.feed(detector, samples, cuts), kit.feed(detector, samples))


def test_a_long_block_changes_nothing(detector, kit):
    samples = kit.room(35 * RATE)
    samples[5 * RATE : 30 * RATE] = 0
    whole = kit.feed(detector, samples)
    kit.assert_same(kit.feed(detector, samples, range(0, len(samples), 8000)), whole)


def test_a_frame_is_never_later_than_the_delay(detector, kit):
    late = kit.lateness_s(detector, kit.room(40_000))
    assert late <= detector.delay_s + 160 / RATE


def test_a_hole_between_blocks_begins_a_new_run(detector, kit):
    samples = kit.room(30_000)
    early = detector.process(AudioBlock(samples, start=0.0))
    late = detector.process(AudioBlock(samples, start=100.0))
    end = detector.flush()
    alone = kit.feed(detector, samples)
    times = np.r_[early.times, late.times, end.times]
    np.testing.assert_allclose(times, np.r_[alone.times, alone.times + 100])
    np.testing.assert_allclose(
        np.r_[early.cry, late.cry, end.cry], np.r_[alone.cry, alone.cry], atol=1e-4
    )


def test_it_says_what_it_is(detector):
    assert (detector.name, detector.rate, detector.hop) == ("yamnet", RATE, HOP)
    assert (detector.on, detector.off) == (0.7, 0.3)


def test_silence_is_tagged_once_and_is_no_cry(yamnet_file):
    backbone = Backbone(yamnet_file)
    silence = np.zeros(WINDOW, np.float32)
    scores = backbone.scores(silence)
    assert scores[BABY_CRY] < 0.05
    np.testing.assert_array_equal(backbone.scores(silence), scores)
    assert not np.array_equal(backbone.scores(silence + np.float32(0.1)), scores)


def test_loading_it_writes_nothing_to_the_terminal(yamnet_file, capfd):
    Backbone(yamnet_file)
    assert capfd.readouterr() == ("", "")
