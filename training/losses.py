"""What both networks are fitted to."""

from torch import Tensor, nn

PEAK = 14
"""Frames that the verdict on a segment is the mean of: its highest 1.12 s."""


def weighted_loss(logits: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean cross entropy of frames, each with its own weight: all float32[..., 3]."""
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (loss * weight).sum() / weight.sum().clamp_min(1.0)


def peak_loss(logits: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Judge segments by their highest frames, as a bout rule does.

    One false alarm in 128 quiet frames costs a frame's loss little; here it is all
    that counts. Segments that neither surely hold crying nor surely hold none are
    left out.

    Parameters
    ----------
    logits : float32[s, 128]
        Of crying.
    wanted, weight : float32[s, 128]
    """
    highest = logits.topk(PEAK, 1).values.mean(1)
    goal = wanted.topk(PEAK, 1).values.mean(1)
    sure = (wanted > 0.5) & (weight >= 0.3)
    judged = (sure.sum(1) >= PEAK) | (wanted.amax(1) < 0.05)
    each = nn.functional.binary_cross_entropy_with_logits(highest, goal, reduction="none")
    return (each * judged).sum() / judged.sum().clamp_min(1)
