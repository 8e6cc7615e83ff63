"""What is in the sound: blocks of samples in, frames with probabilities and a level out."""

from importlib.util import find_spec
from pathlib import Path

from harken.errors import ModelError
from harken.hearing.builtin import Builtin
from harken.hearing.frames import HOP, HOP_S, Detector, Frames
from harken.hearing.level import level_dbfs
from harken.hearing.loudness import LoudEnded, LoudnessAlarm, LoudnessRule, LoudStarted
from harken.hearing.pitch import PitchTrack, pitch
from harken.hearing.store import (
    YAMNET_URL,
    InstalledModel,
    add_model,
    backbone_path,
    data_folder,
    get_yamnet,
    installed_models,
)
from harken.hearing.yamnet import YAMNet

__all__ = [
    "HOP",
    "HOP_S",
    "YAMNET_URL",
    "Builtin",
    "Detector",
    "Frames",
    "InstalledModel",
    "LoudEnded",
    "LoudStarted",
    "LoudnessAlarm",
    "LoudnessRule",
    "PitchTrack",
    "YAMNet",
    "add_model",
    "backbone_path",
    "data_folder",
    "get_yamnet",
    "installed_models",
    "level_dbfs",
    "open_detector",
    "pitch",
]


def open_detector(model: str | Path = "auto") -> Detector:
    """Open a detector by what a user calls it.

    Parameters
    ----------
    model : str or path
        ``"builtin"``: the network in the package. ``"yamnet"``: YAMNet with
        Harken's head, once its file has been added. ``"auto"``: yamnet where it
        has been added and ai-edge-litert is installed, else builtin. The path
        of a ``.tflite`` file: that file as the backbone. The path of an
        ``.onnx`` file, or the name of one that was added: a network of one's own.

    Returns
    -------
    Detector
        Its own state: one for each source.

    Raises
    ------
    ModelError
        If there is no such model or it cannot be used here.
    """
    choice, added = str(model), backbone_path()
    if choice == "auto":
        choice = "yamnet" if added and find_spec("ai_edge_litert") else "builtin"
    if choice == "builtin":
        return Builtin()
    if choice == "yamnet":
        if added is None:
            raise ModelError(
                "YAMNet has not been added; use `harken model get yamnet`, "
                "or `harken model add FILE` with its .tflite file"
            )
        return YAMNet(added)
    for installed in installed_models():
        if installed.name == choice and installed.path is not None:
            return Builtin(installed.path)
    suffix = Path(choice).suffix.lower()
    if suffix == ".tflite":
        return YAMNet(choice)
    if suffix == ".onnx":
        return Builtin(choice)
    raise ModelError(
        f"model {choice!r} is not known; use auto, builtin, yamnet, "
        "or the path of a .tflite or an .onnx file"
    )
