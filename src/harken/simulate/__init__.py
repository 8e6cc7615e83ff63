"""An infant's voice and the room it is heard in, made from nothing, with the exact truth."""

from harken.simulate.clips import Clip, Pool, find_active
from harken.simulate.scenes import (
    Scene,
    SceneSpec,
    TruthRow,
    read_truth,
    render_scene,
    synthetic_night,
    true_bouts,
    write_truth,
)
from harken.simulate.voice import Utterance, babble, bark, cry, fuss, laugh, speak

__all__ = [
    "Clip",
    "Pool",
    "Scene",
    "SceneSpec",
    "TruthRow",
    "Utterance",
    "babble",
    "bark",
    "cry",
    "find_active",
    "fuss",
    "laugh",
    "read_truth",
    "render_scene",
    "speak",
    "synthetic_night",
    "true_bouts",
    "write_truth",
]
