import pytest

torch = pytest.importorskip("torch", reason="missing: PyTorch, which `make train` installs")
pytest.importorskip("onnx")

from training.head import Head  # noqa: E402
from training.losses import peak_loss  # noqa: E402


def _segment(first: int, last: int) -> "torch.Tensor":
    wanted = torch.zeros(1, 128)
    wanted[:, first:last] = 1.0
    return wanted


def test_the_highest_frames_of_a_segment_without_crying_are_judged() -> None:
    calm, sure = torch.full((1, 128), -6.0), torch.ones(1, 128)
    alarm = calm.clone()
    alarm[:, 40:54] = 4.0
    nothing = _segment(0, 0)
    assert peak_loss(alarm, nothing, sure) > 100 * peak_loss(calm, nothing, sure)
    assert peak_loss(alarm, _segment(40, 80), sure) < 0.1


def test_segments_that_are_neither_one_nor_the_other_are_not_judged() -> None:
    alarm = torch.full((1, 128), 4.0)
    blip, unsure = _segment(40, 44), torch.full((1, 128), 0.1)
    assert peak_loss(alarm, blip, torch.ones(1, 128)) == 0
    assert peak_loss(alarm, _segment(0, 128) * 0.4, torch.ones(1, 128)) == 0
    assert peak_loss(-alarm, _segment(0, 128), unsure) == 0


def test_a_head_that_has_learnt_nothing_says_what_yamnet_says() -> None:
    head = Head().eval()
    scores = torch.full((1, 40, 521), 1e-3)
    with torch.inference_mode():
        calm = head(*head.padded(scores, torch.zeros(1, 80, 3), torch.full((1, 80), -40.0)))
        scores[:, 20:, 20] = 0.9
        crying = head(*head.padded(scores, torch.zeros(1, 80, 3), torch.full((1, 80), -40.0)))
    assert (crying[0, 40:, 0] > calm[0, 40:, 0] + 3).all()
