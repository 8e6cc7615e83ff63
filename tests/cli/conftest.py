"""Recordings and a detector whose answers are known beforehand."""

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

RATE = 16_000
HARKEN = Path(sys.executable).with_name("harken")


@pytest.fixture(scope="session")
def loud_is_crying(tmp_path_factory) -> Path:
    """A builtin whose P(cry) is 1 above about −30 dBFS and 0 below."""
    ten_log = np.float32(10 / np.log(10))
    constants = {
        "tiny": np.float32(1e-12),
        "steep": ten_log,
        "knee": np.float32(30),
        "none": np.array([[[0, 0]]], np.float32),
        "channel": np.array([1], np.int64),
        "last": np.array([2], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["wave", "wave"], ["square"]),
            helper.make_node("Unsqueeze", ["square", "channel"], ["rows"]),
            helper.make_node(
                "AveragePool", ["rows"], ["power"], kernel_shape=[1280], strides=[1280]
            ),
            helper.make_node("Add", ["power", "tiny"], ["some"]),
            helper.make_node("Log", ["some"], ["log"]),
            helper.make_node("Mul", ["log", "steep"], ["dbfs"]),
            helper.make_node("Add", ["dbfs", "knee"], ["over"]),
            helper.make_node("Sigmoid", ["over"], ["cry_row"]),
            helper.make_node("Transpose", ["cry_row"], ["cry"], perm=[0, 2, 1]),
            helper.make_node("Mul", ["cry", "none"], ["others"]),
            helper.make_node("Concat", ["cry", "others"], ["probs"], axis=2),
        ],
        "loud is crying",
        [helper.make_tensor_value_info("wave", TensorProto.FLOAT, [1, "n"])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, "t", 3])],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    about = {
        "kind": "builtin",
        "rate": "16000",
        "hop": "1280",
        "left": "0",
        "right": "0",
        "heads": "cry,laugh,voice",
        "on": "0.6",
        "off": "0.4",
    }
    helper.set_model_props(model, about)
    path = tmp_path_factory.mktemp("model") / "loud.onnx"
    onnx.save(model, path)
    return path


def _tone(*spans: tuple[float, float], seconds: float) -> np.ndarray:
    """Faint noise, and a loud tone in each span (from, to; seconds); float32[n] at 16 kHz."""
    n = round(seconds * RATE)
    samples = 1e-3 * np.random.default_rng(1).standard_normal(n)
    t = np.arange(n) / RATE
    for start, end in spans:
        inside = (t >= start) & (t < end)
        samples[inside] += 0.3 * np.sin(2 * np.pi * 450 * t[inside])
    return samples.astype(np.float32)


def _write_wav(path: Path, samples: np.ndarray, *, rate: int = RATE) -> Path:
    """Write int16 PCM; float32[n] or float32[n, channels]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def night(tmp_path) -> Path:
    """40 s with one bout, 10 to 18 s."""
    return _write_wav(tmp_path / "night.wav", _tone((10, 18), seconds=40))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def harken(tmp_path) -> Run:
    """Run the installed command and give what came of it."""

    def run(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
        settings = {
            "cwd": tmp_path,
            "env": _environment(tmp_path),
            "capture_output": True,
            "text": True,
            "timeout": 120,
        } | options
        return subprocess.run(
            [HARKEN, *map(os.fspath, map(_text, arguments))], check=False, **settings
        )

    return run


def _text(argument: object) -> str | bytes | os.PathLike[str]:
    return argument if isinstance(argument, bytes | os.PathLike) else str(argument)


def _environment(home: Path) -> dict[str, str]:
    """The environment of a person whose home is empty."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in ("PATH", "LANG", "LD_LIBRARY_PATH") or key.startswith("_TYPER")
    }
    return kept | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "default",
        "COLUMNS": "200",
    }


def _events(text: str) -> list[dict]:
    """Read JSON lines strictly: NaN and Infinity are errors."""

    def refuse(constant: str):
        raise ValueError(constant)

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


@pytest.fixture(scope="session")
def tone():
    """See `_tone`."""
    return _tone


@pytest.fixture(scope="session")
def write_wav():
    """See `_write_wav`."""
    return _write_wav


@pytest.fixture(scope="session")
def events():
    """See `_events`."""
    return _events


@pytest.fixture
def start(tmp_path) -> Callable[..., "subprocess.Popen[str]"]:
    """Start the installed command and leave it running; it is ended with the test."""
    running = []

    def begin(*arguments: object, **options: object) -> "subprocess.Popen[str]":
        settings = {
            "cwd": tmp_path,
            "env": _environment(tmp_path),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        } | options
        process = subprocess.Popen([HARKEN, *map(str, arguments)], **settings)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()
