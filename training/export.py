"""From fitted networks to ONNX files that need nothing of PyTorch.

The graphs are written node by node: batch norms are folded into the
convolutions before them and the teacher's head is left out.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from harken.hearing.frames import HOP
from harken.sound.blocks import RATE
from training.head import BABY_CRY, Head
from training.network import FLOOR, LEFT, MELS, RIGHT, SPECTRUM, STEP, Ear, Front

_OPSET = 17
_HEADS = "cry,laugh,voice"


class _Graph:
    """A list of nodes in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, value: NDArray[np.float32]) -> str:
        """Keep a weight in half precision: half the file, and no accuracy lost that was seen."""
        return self.add("Cast", self.constant(value.astype(np.float16)), to=TensorProto.FLOAT)

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        out = output or f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def slice(self, x: str, axis: int, start: int, end: int, step: int = 1) -> str:
        parts = (np.array([v], np.int64) for v in (start, end, axis, step))
        return self.add("Slice", x, *(self.constant(p) for p in parts))

    def scaled(self, x: str, factor: float, offset: float = 0.0) -> str:
        y = self.add("Mul", x, self.constant(np.float32(factor)))
        return self.add("Add", y, self.constant(np.float32(offset))) if offset else y

    def odds(self, p: str) -> str:
        above = self.scaled(p, 1.0, 1e-3)
        below = self.add("Sub", self.constant(np.float32(1.001)), p)
        return self.scaled(self.add("Log", self.add("Div", above, below)), 0.3)


def _numpy(x: Tensor) -> NDArray[np.float32]:
    return x.detach().numpy().astype(np.float32)


def _folded(
    conv: nn.Conv1d | nn.Conv2d, norm: nn.modules.batchnorm._BatchNorm
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale = _numpy(norm.weight) / np.sqrt(_numpy(norm.running_var) + norm.eps)  # type: ignore[arg-type]
    weight = _numpy(conv.weight)
    bias = _numpy(norm.bias) - _numpy(norm.running_mean) * scale  # type: ignore[arg-type]
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), bias


def _save(
    graph: _Graph, name: str, inputs: dict[str, list[object]], path: Path, metadata: dict[str, str]
) -> None:
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in inputs.items()],
            [helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, "frames", 3])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="harken",
        ir_version=8,
    )
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


def export_ear(ear: Ear, path: Path, metadata: dict[str, str]) -> None:
    """Write the builtin: `wave` float32[1, n] → `probs` float32[1, frames, 3]."""
    g, front = _Graph(), Front()
    # [1, n] → [steps, 320]
    steps = g.add("Reshape", "wave", g.constant(np.array([-1, STEP], np.int64)))
    edge = (2 * STEP - SPECTRUM) // 2
    big = np.iinfo(np.int32).max
    early = g.slice(g.slice(steps, 0, 0, -1), 1, -1, edge - STEP - 1, -1)
    late = g.slice(g.slice(steps, 0, 1, big), 1, 0, STEP - edge)
    cosine = g.add("MatMul", g.add("Add", late, early), g.constant(_numpy(front.cosine)))
    sine = g.add("MatMul", g.add("Sub", late, early), g.constant(_numpy(front.sine)))
    power = g.add("Add", g.add("Mul", cosine, cosine), g.add("Mul", sine, sine))
    mel = g.add("MatMul", power, g.constant(_numpy(front.mel)))
    log = g.scaled(g.add("Log", g.scaled(mel, 1.0, FLOOR)), 0.25, 3.0)
    mean = g.add("ReduceMean", log, axes=[1], keepdims=1)
    shape = g.scaled(g.add("Sub", log, mean), 2.0)
    lift = g.constant(np.array([1, 1, -1, MELS], np.int64))
    x = g.add("Concat", g.add("Reshape", log, lift), g.add("Reshape", shape, lift), axis=1)
    for block in ear.bands:
        weight, bias = _folded(block[0], block[1])
        x = g.add(
            "Relu",
            g.add(
                "Conv",
                x,
                g.weight(weight),
                g.weight(bias),
                strides=list(block[0].stride),
                pads=[0, 1, 0, 1],
                kernel_shape=[3, 3],
            ),
        )
    # [1, c, t, 2] → [1, 2 c, t]: the flattening that the training did, as a 1 × 2 convolution.
    weight, bias = _folded(ear.flat[0], ear.flat[1])
    weight = weight.reshape(weight.shape[0], -1, 2)[:, :, None, :]
    x = g.add("Relu", g.add("Conv", x, g.weight(weight), g.weight(bias), kernel_shape=[1, 2]))
    for layer, gap in zip(ear.time, ear.DILATIONS, strict=True):
        weight, bias = _folded(layer[0], layer[1])
        y = g.add(
            "Conv",
            x,
            g.weight(weight[:, :, :, None]),
            g.weight(bias),
            dilations=[gap, 1],
            kernel_shape=[3, 1],
        )
        keep = g.slice(x, 2, 1, -1) if gap == 1 else g.slice(x, 2, 2 * gap, big)
        x = g.add("Relu", g.add("Add", keep, y))
    weight, bias = _numpy(ear.heads.weight)[:, :, :, None], _numpy(ear.heads.bias)
    x = g.add("Conv", x, g.weight(weight), g.weight(bias), kernel_shape=[1, 1])
    x = g.add("Squeeze", x, g.constant(np.array([3], np.int64)))
    g.add("Sigmoid", g.add("Transpose", x, perm=[0, 2, 1]), output="probs")
    fixed = {
        "kind": "builtin",
        "rate": str(RATE),
        "hop": str(HOP),
        "left": str(LEFT),
        "right": str(RIGHT),
        "heads": _HEADS,
    }
    _save(g, "harken-builtin", {"wave": [1, "n"]}, path, {**metadata, **fixed})


def _twice(g: _Graph, rows: str, width: int) -> str:
    """Rows of 0.16 s to frames of 80 ms: [1, r, width] → [1, 2 r, width]."""
    apart = g.add("Unsqueeze", rows, g.constant(np.array([2], np.int64)))
    both = g.add("Concat", apart, apart, axis=2)
    return g.add("Reshape", both, g.constant(np.array([1, -1, width], np.int64)))


def export_head(head: Head, path: Path, metadata: dict[str, str]) -> None:
    """Write the head: `scores`, `builtin`, `level` → `probs` float32[1, frames, 3]."""
    g = _Graph()
    first, second = head.scores[1], head.join[0]
    odds = g.odds("scores")
    rows = g.add("MatMul", odds, g.weight(_numpy(first.weight).T))
    rows = g.add("Relu", g.add("Add", rows, g.weight(_numpy(first.bias))))
    rows = _twice(g, rows, head.scores[1].out_features)
    quiet, full = g.constant(np.float32(-100)), g.constant(np.float32(0))
    loud = g.scaled(g.add("Clip", "level", quiet, full), 1 / 25, 2.0)
    loud = g.add("Unsqueeze", loud, g.constant(np.array([2], np.int64)))
    heard = g.odds("builtin")
    x = g.add("Concat", rows, heard, loud, g.add("Mul", loud, loud), axis=2)
    x = g.add("MatMul", x, g.weight(_numpy(second.weight).T))
    x = g.add("Relu", g.add("Add", x, g.weight(_numpy(second.bias))))
    x = g.add("Transpose", x, perm=[0, 2, 1])
    big = np.iinfo(np.int32).max
    for layer, gap in zip(head.time, head.DILATIONS, strict=True):
        y = g.add(
            "Conv", x, g.weight(_numpy(layer.weight)), g.weight(_numpy(layer.bias)), dilations=[gap]
        )
        x = g.add("Relu", g.add("Add", g.slice(x, 2, 2 * gap, big), y))
    x = g.add("Conv", x, g.weight(_numpy(head.heads.weight)), g.weight(_numpy(head.heads.bias)))
    kept = g.slice(odds, 1, head.LEFT_ROWS, big)
    own = g.add("MatMul", kept, g.weight(_numpy(head.own.weight).T))
    own = _twice(g, g.add("Add", own, g.weight(_numpy(head.own.bias))), head.own.out_features)
    logits = g.add("Add", g.add("Transpose", x, perm=[0, 2, 1]), own)
    baby = _twice(g, g.slice(kept, 2, BABY_CRY, BABY_CRY + 1), 1)
    both = g.add("Add", baby, g.slice(g.slice(heard, 2, 0, 1), 1, 2 * head.LEFT_ROWS, big))
    both = g.scaled(both, 1 / 0.9, head.LIFT)
    cry = g.add("Add", g.scaled(g.slice(logits, 2, 0, 1), 1 / 3), both)
    g.add("Sigmoid", g.add("Concat", cry, g.slice(logits, 2, 1, 3), axis=2), output="probs")
    fixed = {
        "kind": "yamnet_head",
        "left": str(head.LEFT_ROWS),
        "right": str(head.RIGHT_ROWS),
        "heads": _HEADS,
    }
    inputs: dict[str, list[object]] = {
        "scores": [1, "r", 521],
        "builtin": [1, "f", 3],
        "level": [1, "f"],
    }
    _save(g, "harken-yamnet-head", inputs, path, {**metadata, **fixed})
