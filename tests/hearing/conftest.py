"""Tiny networks with the contracts of the real ones, sound, and ways to feed it."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harken.hearing.frames import HOP, Frames
from harken.sound.blocks import RATE, AudioBlock

LEFT, RIGHT = 4000, 1700
ROWS_LEFT, ROWS_RIGHT = 3, 1

BUILTIN_METADATA = {
    "kind": "builtin",
    "rate": "16000",
    "hop": "1280",
    "heads": "cry,laugh,voice",
    "left": str(LEFT),
    "right": str(RIGHT),
    "on": "0.6",
    "off": "0.4",
}
HEAD_METADATA = {
    "kind": "yamnet_head",
    "heads": "cry,laugh,voice",
    "left": str(ROWS_LEFT),
    "right": str(ROWS_RIGHT),
    "on": "0.7",
    "off": "0.3",
}


def serialise(nodes, inputs, outputs, constants, metadata):
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, s) for k, s in inputs.items()],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, s) for k, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def tiny_builtin(output="probs", bias=-2.0, **metadata):
    """Weighs the power of the sound with a ramp over each frame and its context."""
    reach = LEFT + HOP + RIGHT
    ramp = np.linspace(0.1, 1.0, reach, dtype=np.float32) / reach
    weights = np.stack([40 * ramp, 40 * ramp[::-1], 20 * np.ones_like(ramp) / reach])[:, None]
    return serialise(
        [
            helper.make_node("Mul", ["wave", "wave"], ["power"]),
            helper.make_node("Unsqueeze", ["power", "axis"], ["channel"]),
            helper.make_node("Conv", ["channel", "w", "b"], ["logits"], strides=[HOP]),
            helper.make_node("Sigmoid", ["logits"], ["by_head"]),
            helper.make_node("Transpose", ["by_head"], [output], perm=[0, 2, 1]),
        ],
        {"wave": [1, "n"]},
        {output: [1, "t", 3]},
        {
            "axis": np.array([1]),
            "w": weights.astype(np.float32),
            "b": np.full(3, bias, np.float32),
        },
        BUILTIN_METADATA | metadata,
    )


def tiny_head(**metadata):
    """Weighs one score, the builtin's probabilities and the level with a ramp in time."""
    reach = 2 * (ROWS_LEFT + ROWS_RIGHT) + 1
    weights = np.linspace(-0.5, 1, 3 * 5 * reach).reshape(3, 5, reach)
    weights[:, 4] /= 100
    return serialise(
        [
            helper.make_node("Slice", ["scores", "from", "to", "axis"], ["one"]),
            helper.make_node("Concat", ["one", "one"], ["two"], axis=2),
            helper.make_node("Reshape", ["two", "column"], ["per_frame"]),
            helper.make_node("Unsqueeze", ["level", "axis"], ["levels"]),
            helper.make_node("Concat", ["builtin", "per_frame", "levels"], ["all"], axis=2),
            helper.make_node("Transpose", ["all"], ["channels"], perm=[0, 2, 1]),
            helper.make_node("Conv", ["channels", "w"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["by_head"]),
            helper.make_node("Transpose", ["by_head"], ["probs"], perm=[0, 2, 1]),
        ],
        {"scores": [1, "r", 521], "builtin": [1, "f", 3], "level": [1, "f"]},
        {"probs": [1, "t", 3]},
        {
            "from": np.array([0]),
            "to": np.array([1]),
            "axis": np.array([2]),
            "column": np.array([1, -1, 1]),
            "w": weights.astype(np.float32),
        },
        HEAD_METADATA | metadata,
    )


def room(n, seed=0):
    """Noise that comes and goes, with a stretch of digital silence now and then."""
    rng = np.random.default_rng(seed)
    swell = np.repeat(rng.choice([0, 0.01, 0.1, 0.5], n // 4000 + 1), 4000)[:n]
    return (swell * rng.normal(0, 1, n)).clip(-1, 1).astype(np.float32)


def feed(detector, samples, cuts=(), start=0.0):
    """Frames of one run, given in blocks that end at `cuts`."""
    edges = [0, *sorted(cuts), len(samples)]
    parts = [
        detector.process(AudioBlock(samples[a:b], start=start + a / RATE))
        for a, b in pairwise(edges)
    ]
    return Frames.join([*parts, detector.flush()])


def assert_same(got, wanted, atol=1e-4):
    np.testing.assert_allclose(got.times, wanted.times, atol=1e-9)
    for name in ("cry", "laugh", "voice", "level"):
        np.testing.assert_allclose(
            getattr(got, name), getattr(wanted, name), atol=atol, err_msg=name
        )


def lateness_s(detector, samples, block=160):
    """Longest sound time that passes from the end of a frame until it is given."""
    late = 0.0
    for start in range(0, len(samples), block):
        heard = AudioBlock(samples[start : start + block], start=start / RATE)
        frames = detector.process(heard)
        if len(frames):
            late = max(late, heard.end - frames.times[0] - HOP / RATE)
    detector.flush()
    return late


@pytest.fixture(scope="session")
def kit():
    """Give what the tests of this room share."""
    return SimpleNamespace(
        tiny_builtin=tiny_builtin,
        tiny_head=tiny_head,
        serialise=serialise,
        room=room,
        feed=feed,
        assert_same=assert_same,
        lateness_s=lateness_s,
        left=LEFT,
        right=RIGHT,
        rows_left=ROWS_LEFT,
        rows_right=ROWS_RIGHT,
    )


@pytest.fixture(scope="session")
def yamnet_file(require):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    return require("../shared/peers/yamnet.tflite")


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"
