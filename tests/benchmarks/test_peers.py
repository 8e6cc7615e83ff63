import doctest
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import WINDOW_S, Heard, Place, follow, frigate, hear
from harken.episodes import BoutRule
from harken.hearing import HOP, HOP_S, Frames, YAMNet
from harken.hearing.builtin import shipped
from harken.sound import AudioBlock

LOUD = 0.1
YAMNET = Path(__file__).resolve().parents[2] / ".." / "shared" / "peers" / "yamnet.tflite"


def heard(classes, windows=(0.0,), rms=(LOUD,)):
    classes = np.asarray(classes, np.float32)
    level = np.full(len(classes), -30, np.float32)
    return Heard(None, None, classes, level, np.array(windows), np.array(rms), {}, {})


def test_examples_in_the_documentation_hold():
    assert doctest.testmod(peers).failed == 0


def test_frigate_hears_nothing_under_its_volume_gate():
    windows = np.full(3, 0.99)
    assert not frigate(windows, np.full(3, 500 / 32768)).bouts
    assert frigate(windows, np.full(3, 501 / 32768)).bouts == ((0.0, pytest.approx(3 * WINDOW_S)),)


def test_frigate_needs_more_than_its_score():
    assert not frigate(np.full(2, 0.8), np.full(2, LOUD)).bouts
    assert frigate(np.full(2, 0.6), np.full(2, LOUD), least=0.5).bouts


def test_frigate_ends_an_event_after_thirty_seconds_without_a_hit():
    windows = np.zeros(100)
    windows[[0, 30]] = 0.9
    assert len(frigate(windows, np.full(100, LOUD)).bouts) == 1
    windows[[30, 31]] = 0.0, 0.9
    made = frigate(windows, np.full(100, LOUD))
    assert [pytest.approx(bout) for bout in made.bouts] == [
        (0, WINDOW_S),
        (31 * WINDOW_S, 32 * WINDOW_S),
    ]
    assert made.known_at == pytest.approx((WINDOW_S, 32 * WINDOW_S))


def test_the_score_of_a_clip_is_its_best_second_and_frigates_is_gated():
    classes = np.zeros((50, 3))
    classes[10:24, 1] = 0.7
    classes[:, 0] = 0.9
    scores = heard(classes, windows=[0.95, 0.6], rms=[0.001, LOUD]).clip_scores()
    assert scores["YAMNet"] == pytest.approx(0.7)
    assert scores["Frigate"] == pytest.approx(0.6)
    assert np.isnan(scores["builtin"])
    assert np.isnan(scores["yamnet+head"])


def test_a_bout_is_known_after_the_delay_of_its_detector():
    cry = np.zeros((200, 3), np.float32)
    cry[50:150] = 0.9
    frames = heard(cry).yamnet(only_baby=True)
    soon, late = (follow(frames, BoutRule(0.5, 0.25), delay) for delay in (0.0, 0.5))
    assert soon.bouts == late.bouts
    assert soon.bouts[0] == pytest.approx((50 * HOP_S, 150 * HOP_S))
    assert late.known_at[0] - soon.known_at[0] == pytest.approx(0.5)


@pytest.mark.skipif(not YAMNET.exists(), reason="../shared/peers/yamnet.tflite is missing")
def test_kept_scores_give_the_head_what_it_hears_live(tmp_path):
    place = Place(tmp_path, tmp_path)
    for name, kind in (("builtin.onnx", "builtin"), ("yamnet_head.onnx", "head")):
        place.model(0, kind).write_bytes(shipped(name))
    rng = np.random.default_rng(0)
    pcm = (rng.normal(size=37 * HOP + 700) * 2000).astype(np.int16)
    first, again = hear(pcm, 0, place), hear(pcm, 0, place)
    head = YAMNet(YAMNET)
    live = Frames.join(
        [
            head.process(AudioBlock(pcm.astype(np.float32) / np.float32(32768), 0.0)),
            head.flush(),
        ]
    )
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    assert first.head is not None
    assert again.head is not None
    np.testing.assert_array_equal(first.head.cry, again.head.cry)
    # Scores are kept in half precision.
    np.testing.assert_allclose(first.head.cry, live.cry, atol=5e-3)
