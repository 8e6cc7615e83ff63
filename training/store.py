"""What both networks are trained on, computed once and kept."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data import SEGMENT, SEGMENT_FRAMES, Clip, Targets
from training.network import STEP, Front
from training.pool import Segment

ROWS = SEGMENT_FRAMES // 2


@dataclass(eq=False)
class Store:
    """Everything that is trained on, segment by segment.

    power float16[n, 513, 64] (log), wanted and weight float32[n, 128, 3], scores
    float16[n, 64, 521], level float32[n, 128], fold int[n].
    """

    power: Tensor
    wanted: Tensor
    weight: Tensor
    scores: Tensor
    level: Tensor
    fold: NDArray[np.int64]

    def rows_outside(self, fold: int | None) -> NDArray[np.int64]:
        """Give the segments that may be trained on when `fold` is left out."""
        return np.flatnonzero(self.fold != (-1 if fold is None else fold))


def log_power(pcm: NDArray[np.int16], front: Front) -> Tensor:
    """Log mel powers of segments, with one step of zeros to each side."""
    wave = torch.from_numpy(pcm.astype(np.float32) / 32768)
    with torch.inference_mode():
        return torch.log(front(nn.functional.pad(wave, (STEP, STEP))) + 1e-12).half()


def frame_level(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Level of each frame of segments, dBFS, not below −100."""
    x = pcm.astype(np.float32).reshape(len(pcm), SEGMENT_FRAMES, -1) / 32768
    return (10 * np.log10(np.maximum(np.mean(x * x, 2), 1e-10))).astype(np.float32)


def clip_segments(
    clips: list[Clip], targets: list[Targets], scores: list[NDArray[np.float16]]
) -> tuple[list[Segment], list[NDArray[np.float16]]]:
    """Take the clips as they are, cut and filled up to the length of a segment."""
    out, rows = [], []
    for one, target, score in zip(clips, targets, scores, strict=True):
        for at in range(0, max(len(one.pcm) - SEGMENT // 4, 1), SEGMENT):
            first = at // (SEGMENT // SEGMENT_FRAMES)
            pcm = np.zeros(SEGMENT, np.int16)
            piece = one.pcm[at : at + SEGMENT]
            pcm[: len(piece)] = piece
            wanted = np.zeros((SEGMENT_FRAMES, 3), np.float32)
            weight = np.ones((SEGMENT_FRAMES, 3), np.float32) * 0.2
            some = slice(first, first + SEGMENT_FRAMES)
            n = len(target.wanted[some])
            wanted[:n], weight[:n] = target.wanted[some], target.weight[some]
            row = np.zeros((ROWS, 521), np.float16)
            got = score[first // 2 : first // 2 + ROWS]
            row[: len(got)] = got
            row[len(got) :] = got[-1] if len(got) else 0
            out.append(Segment(one.fold, pcm, wanted, weight))
            rows.append(row)
    return out, rows


def make_store(segments: list[Segment], scores: list[NDArray[np.float16]]) -> Store:
    """Compute what both networks need from rendered segments."""
    front = Front()
    pcm = np.stack([s.pcm for s in segments])
    return Store(
        power=torch.cat([log_power(pcm[k : k + 64], front) for k in range(0, len(pcm), 64)]),
        wanted=torch.from_numpy(np.stack([s.wanted for s in segments])),
        weight=torch.from_numpy(np.stack([s.weight for s in segments])),
        scores=torch.from_numpy(np.stack([s[:ROWS] for s in scores])),
        level=torch.from_numpy(frame_level(pcm)),
        fold=np.array([s.fold for s in segments]),
    )
