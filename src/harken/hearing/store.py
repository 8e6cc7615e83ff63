"""Models that the user has added: checked, tried out, and kept in the data folder."""

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from harken.errors import ModelError
from harken.hearing.builtin import Builtin, shipped
from harken.hearing.frames import HOP, Detector
from harken.hearing.yamnet import BABY_CRY, WINDOW, Backbone, YAMNet
from harken.sound.blocks import RATE, AudioBlock

YAMNET_URL = (
    "https://storage.googleapis.com/download.tensorflow.org/models/tflite/task_library/"
    "audio_classification/android/lite-model_yamnet_classification_tflite_1.tflite"
)
"""Where Google publishes YAMNet's classification model for TensorFlow Lite (about 4 MB).

The one place that names it. It is the classification version of
tensorflow.org/lite/examples/audio_classification/overview, with a fixed input
of 0.975 s; the other version there has a free length and does not fit.
"""

_MOST_BYTES = 64 * 1024 * 1024
_RESERVED = ("auto", "builtin", "yamnet")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that can be chosen.

    Parameters
    ----------
    name : str
        What `open_detector` calls it.
    kind : str
        ``"yamnet"`` (a backbone, ``.tflite``) or ``"builtin"`` (``.onnx``).
    path : Path or None
        Its file; None for the network in the package.
    bytes : int
        Size of the file, 0 for the one in the package.
    """

    name: str
    kind: str
    path: Path | None
    bytes: int


def data_folder() -> Path:
    """Give the folder in which Harken keeps its data; it may not exist yet.

    Returns
    -------
    Path
        ``$HARKEN_DATA`` if set, else the system's place for a user's data.
    """
    chosen = os.environ.get("HARKEN_DATA")
    return Path(chosen) if chosen else user_data_path("harken", appauthor=False)


def _models() -> Path:
    return data_folder() / "models"


def backbone_path() -> Path | None:
    """Give YAMNet's file, or None if it has not been added.

    Returns
    -------
    Path or None
    """
    path = _models() / "yamnet.tflite"
    return path if path.is_file() else None


def installed_models() -> list[InstalledModel]:
    """List what can be chosen, the network in the package first.

    Returns
    -------
    list of InstalledModel

    Examples
    --------
    >>> installed_models()[0].name
    'builtin'
    """
    models = [InstalledModel("builtin", "builtin", None, 0)]
    folder = _models()
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            kind = {".tflite": "yamnet", ".onnx": "builtin"}.get(path.suffix)
            if kind and path.is_file():
                models.append(InstalledModel(path.stem, kind, path, path.stat().st_size))
    return models


def identify(model: str, detector: Detector) -> dict[str, Any]:
    """Give what says which detector this is.

    Parameters
    ----------
    model : str
        What `harken.hearing.open_detector` was asked for.
    detector : Detector
        What it gave.

    Returns
    -------
    dict
        ``name``, and ``sha256`` of all its files together.
    """
    added = {one.name: one.path for one in installed_models()}
    path = added.get(model) or added.get(detector.name)
    if path is None and detector.name != "builtin":
        path = Path(model)
    content = hashlib.sha256()
    if path is not None:
        content.update(path.read_bytes())
    if path is None or isinstance(detector, YAMNet):
        content.update(shipped("builtin.onnx"))
    if isinstance(detector, YAMNet):
        content.update(shipped("yamnet_head.onnx"))
    return {"name": detector.name, "sha256": content.hexdigest()}


def add_model(path: str | Path) -> InstalledModel:
    """Check a model file, try it out on synthetic sound, and keep a copy of it.

    A ``.tflite`` file becomes the backbone ``yamnet``, in the place of one that
    was added before; an ``.onnx`` file becomes a detector by the name of the
    file.

    Parameters
    ----------
    path : path
        YAMNet's classification model, or a network with the contract of `Builtin`.

    Returns
    -------
    InstalledModel

    Raises
    ------
    ModelError
        If the file cannot be read, has other inputs or outputs, fails the try,
        or cannot be kept.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file")
    suffix = path.suffix.lower()
    if suffix == ".tflite":
        name = "yamnet"
        try_backbone(Backbone(path))
    elif suffix == ".onnx":
        name = path.stem
        if name in _RESERVED:
            raise ModelError(f"{path.name}: the name {name} is taken; rename the file")
        try_builtin(Builtin(path))
    else:
        raise ModelError(f"{path.name}: must be a .tflite or an .onnx file")
    kept = _models() / f"{name}{suffix}"
    try:
        content = path.read_bytes()
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, suffix=".part", delete=False) as part:
            try:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(kept)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        kept.chmod(0o644)
    except OSError as error:
        raise ModelError(f"{kept}: cannot be written: {error.strerror}") from error
    return InstalledModel(
        name, "yamnet" if suffix == ".tflite" else "builtin", kept, kept.stat().st_size
    )


def get_yamnet(*, url: str = YAMNET_URL, timeout_s: float = 30.0) -> InstalledModel:
    """Fetch YAMNet from its publisher, check it and keep it.

    Parameters
    ----------
    url : str
        Where it is.
    timeout_s : float > 0 [s]
        Longest wait for the next piece.

    Returns
    -------
    InstalledModel

    Raises
    ------
    ModelError
        If it cannot be fetched, or as `add_model`.
    """
    remedy = "fetch it with a browser and use `harken model add FILE`"
    try:
        # Only the constant above or what a caller of this function names is opened.
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            content = answer.read(_MOST_BYTES + 1)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelError(f"YAMNet cannot be fetched ({reason}) from {url}; {remedy}") from error
    if len(content) > _MOST_BYTES:
        raise ModelError(f"what is at {url} is too large to be YAMNet; {remedy}")
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "yamnet.tflite"
        fetched.write_bytes(content)
        return add_model(fetched)


def _synthetic(seconds: float) -> NDArray[np.float32]:
    """Make a wavering harmonic tone over a little noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(450 + 60 * np.sin(2 * np.pi * t)) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 8))
    noise = np.random.default_rng(0).normal(0, 0.01, len(t))
    return np.asarray(0.2 * tone + noise, np.float32)


def try_backbone(backbone: Backbone) -> None:
    """Try a backbone on synthetic sound and on silence.

    Parameters
    ----------
    backbone : Backbone

    Raises
    ------
    ModelError
        If scores leave 0 to 1, differ between two equal runs or not at all
        between sound and silence, or if silence scores as a baby's cry.
    """
    sound = _synthetic(WINDOW / RATE)
    first, again = backbone.scores(sound), backbone.scores(sound)
    silence = backbone.scores(np.zeros(WINDOW, np.float32))
    _sane(backbone.name, first, again, silence, float(silence[BABY_CRY]))


def try_builtin(detector: Builtin) -> None:
    """Try a network of one's own on synthetic sound and on silence; as `try_backbone`.

    Parameters
    ----------
    detector : Builtin

    Raises
    ------
    ModelError
    """

    def cry(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = [detector.process(AudioBlock(samples, start=0.0)), detector.flush()]
        return np.concatenate([part.cry for part in frames])

    sound = _synthetic(4.0)
    first, again, silence = cry(sound), cry(sound), cry(np.zeros_like(sound))
    if len(first) != len(sound) // HOP:
        raise ModelError(f"{detector.name}: gave {len(first)} frames for {len(sound) // HOP}")
    _sane(detector.name, first, again, silence, float(silence.max()))


def _sane(
    name: str,
    sound: NDArray[np.float32],
    again: NDArray[np.float32],
    silence: NDArray[np.float32],
    silent_cry: float,
) -> None:
    for scores in (sound, silence):
        if scores.min() < 0 or scores.max() > 1:
            raise ModelError(f"{name}: gives scores outside 0 to 1")
    if not np.array_equal(sound, again):
        raise ModelError(f"{name}: gives different scores for the same sound")
    if np.array_equal(sound, silence):
        raise ModelError(f"{name}: gives the same scores for sound and for silence")
    if silent_cry > 0.2:
        raise ModelError(f"{name}: hears crying in silence (score {silent_cry:.2f})")
