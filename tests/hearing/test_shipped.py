"""The shipped weights on sound whose truth is known: synthetic nights, and recordings."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harken.episodes import BoutRule, find_bouts
from harken.hearing import Builtin, Frames
from harken.simulate import synthetic_night
from harken.simulate.acoustics import at_level
from harken.sound import AudioBlock
from training.data import load_clips

ROOT = Path(__file__).parents[2]


def heard(detector: Builtin, samples: np.ndarray) -> Frames:
    frames = detector.process(AudioBlock(samples.astype(np.float32), 0.0))
    return Frames.join([frames, detector.flush()])


def bouts_of(detector: Builtin, samples: np.ndarray) -> list[tuple[float, float]]:
    rule = BoutRule(detector.on, detector.off)
    return [(b.onset, b.offset) for b in find_bouts(heard(detector, samples), rule)]


@pytest.mark.parametrize("seed", [3, 5])
def test_a_synthetic_night_is_heard_as_it_was_made(seed):
    night = synthetic_night(6, seed=seed)
    found = bouts_of(Builtin(), night.samples)
    assert len(found) == len(night.bouts) > 0
    for (onset, offset), (heard_on, heard_off) in zip(night.bouts, found, strict=True):
        assert heard_on == pytest.approx(onset, abs=0.4)
        assert heard_off == pytest.approx(offset, abs=1.5)


@pytest.mark.parametrize("level", [-50.0, -30.0, -15.0])
def test_a_soft_night_and_a_loud_one_hold_the_same_bouts(level):
    night = synthetic_night(3, seed=1)
    wanted = bouts_of(Builtin(), night.samples)
    found = bouts_of(Builtin(), at_level(night.samples, level))
    assert len(found) == len(wanted) > 0
    np.testing.assert_allclose(found, wanted, atol=0.5)


def test_recordings_that_a_model_never_heard_are_told_apart(require):
    require("../shared/audio/manifest.csv")
    fold = 0
    detector = Builtin(ROOT / "benchmarks" / "folds" / f"fold{fold}-builtin.onnx")
    clips = [c for c in load_clips() if c.fold == fold and c.label != "unknown_upload"]
    peaks = [np.sort(heard(detector, c.samples).cry)[-14:].mean() for c in clips]
    crying = [c.label == "cry" for c in clips]
    assert roc_auc_score(crying, peaks) > 0.96
