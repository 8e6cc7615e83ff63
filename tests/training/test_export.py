from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="missing: PyTorch, which `make train` installs")
pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from training.export import export_ear, export_head  # noqa: E402
from training.head import Head  # noqa: E402
from training.network import LEFT, RIGHT, Ear, Front  # noqa: E402


def _shaken(net: torch.nn.Module) -> torch.nn.Module:
    """Move every weight and every running mean away from where it starts."""
    torch.manual_seed(1)
    with torch.no_grad():
        for value in net.parameters():
            value.add_(torch.randn_like(value) * 0.05)
    for layer in net.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2.0)
    return net.eval()


def _run(path: Path, **inputs: "np.ndarray") -> "np.ndarray":
    session = onnxruntime.InferenceSession(path.read_bytes())
    return session.run(None, inputs)[0]


@pytest.mark.parametrize("frames", [1, 2, 37])
def test_the_exported_network_computes_what_the_trained_one_does(
    tmp_path: Path, frames: int
) -> None:
    ear = _shaken(Ear())
    export_ear(ear, tmp_path / "ear.onnx", {})
    wave = np.random.default_rng(0).normal(0, 0.1, (1, LEFT + 1280 * frames + RIGHT))
    wave = wave.astype(np.float32)
    with torch.inference_mode():
        wanted = torch.sigmoid(ear(Front()(torch.from_numpy(wave)))[0]).numpy()
    assert wanted.shape == (1, frames, 3)
    np.testing.assert_allclose(_run(tmp_path / "ear.onnx", wave=wave), wanted, atol=2e-3)


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_the_exported_head_computes_what_the_trained_one_does(tmp_path: Path, rows: int) -> None:
    head = _shaken(Head())
    export_head(head, tmp_path / "head.onnx", {})
    torch.manual_seed(2)
    inputs = head.padded(
        torch.rand(1, rows, 521), torch.rand(1, 2 * rows, 3), -80 * torch.rand(1, 2 * rows)
    )
    with torch.inference_mode():
        wanted = torch.sigmoid(head(*inputs)).numpy()
    names = ("scores", "builtin", "level")
    given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    np.testing.assert_allclose(_run(tmp_path / "head.onnx", **given), wanted, atol=2e-3)
