"""The head on YAMNet: what it is, and how it is fitted.

Like the network of our own it has a finite reach in time and no padding in it.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.losses import weighted_loss
from training.network import TEACHER_CLASSES
from training.store import Store

BABY_CRY = 20  # of YAMNet's classes


class Head(nn.Module):
    """YAMNet's scores, the builtin's probabilities and the level → logits of cry, laugh, voice.

    scores float32[b, r, 521], builtin float32[b, 2 r, 3], level float32[b, 2 r] →
    float32[b, 2 (r − left − right), 3].
    """

    WIDTH = 48
    LEFT_ROWS = 12  # 1.92 s
    RIGHT_ROWS = 0
    LIFT = 1.75
    """Odds of crying are low in a noisy room; this puts the shipped threshold at 0.5."""
    DILATIONS = (1, 2, 4, 5)  # frames; a kernel of 3, looking back only: 24 frames

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(TEACHER_CLASSES, 64), nn.ReLU(), nn.Dropout(0.2)
        )
        self.join = nn.Sequential(nn.Linear(64 + 5, self.WIDTH), nn.ReLU())
        self.time = nn.ModuleList(
            nn.Conv1d(self.WIDTH, self.WIDTH, 3, dilation=gap) for gap in self.DILATIONS
        )
        self.heads = nn.Conv1d(self.WIDTH, 3, 1)
        self.drop = nn.Dropout(0.1)
        # What is learnt is a correction of YAMNet's own verdict, which starts as it is.
        self.own = nn.Linear(TEACHER_CLASSES, 3)
        with torch.no_grad():
            self.own.weight.zero_()
            self.own.bias.fill_(0.5)
            for head, classes in enumerate(((BABY_CRY,), (14,), (0,))):
                self.own.weight[head, list(classes)] = 3.0
            self.heads.weight.mul_(0.1)

    def padded(
        self, scores: Tensor, builtin: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Add the context that a run begins and ends with: nothing heard."""
        left, right = self.LEFT_ROWS, self.RIGHT_ROWS
        pad = nn.functional.pad
        return (
            pad(scores, (0, 0, left, right)),
            pad(builtin, (0, 0, 2 * left, 2 * right)),
            pad(level, (2 * left, 2 * right), value=-100.0),
        )

    def forward(self, scores: Tensor, builtin: Tensor, level: Tensor) -> Tensor:
        """Logits."""
        odds = torch.log((scores + 1e-3) / (1.001 - scores)) * 0.3
        x = self.scores(odds).repeat_interleave(2, 1)
        heard = torch.log((builtin + 1e-3) / (1.001 - builtin)) * 0.3
        loud = (level.clamp(-100, 0)[:, :, None] + 50) / 25
        x = self.join(torch.cat([x, heard, loud, loud * loud], 2)).transpose(1, 2)
        for layer, gap in zip(self.time, self.DILATIONS, strict=True):
            x = torch.relu(x[:, :, 2 * gap :] + layer(x))
        kept = odds[:, self.LEFT_ROWS :]
        own = self.own(kept).repeat_interleave(2, 1)
        logits = self.heads(self.drop(x)).transpose(1, 2) + own
        if self.training:
            return logits
        # What was learnt here errs where YAMNet, which heard thousands of hours, does not, and
        # the builtin, which learnt from noisy rooms, hears what both miss: their mean is better
        # than any of them.
        baby = kept[:, :, BABY_CRY, None].repeat_interleave(2, 1)
        both = (baby + heard[:, 2 * self.LEFT_ROWS :, :1]) / 0.3
        mean = (logits[:, :, :1] + both) / 3 + self.LIFT
        return torch.cat([mean, logits[:, :, 1:]], 2)


def fit_head(
    store: Store,
    *,
    leave_out: int | None,
    builtin: Tensor,
    seed: int,
    epochs: int = 12,
    log: Callable[[str], None] = print,
) -> Head:
    """Fit the temporal head on YAMNet's scores.

    Parameters
    ----------
    store : Store
    leave_out : int or None
        Fold that is not looked at.
    builtin : float32[n, 128, 3]
        Out-of-fold probabilities of the builtin for every segment.
    seed : int
    epochs : int
    log : callable
        Takes one line now and then.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = Head()
    rows = store.rows_outside(leave_out)
    batch = 32
    steps = epochs * (len(rows) // batch)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps, pct_start=0.1)
    begun, total = time.monotonic(), 0.0
    head.train()
    for epoch in range(epochs):
        order = rng.permutation(rows)
        for k in range(0, len(order) - batch + 1, batch):
            some = torch.from_numpy(order[k : k + batch])
            scores = store.scores[some].float()
            ear = builtin[some]
            level = store.level[some] + torch.randn(batch, 1) * 6
            logits = head(*head.padded(scores, ear, level))
            loss = weighted_loss(logits, store.wanted[some], store.weight[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
            total += loss.item()
        if epoch % 4 == 3:
            mean = total / max(len(order) // batch, 1) / 4
            log(f"  head, epoch {epoch + 1}: loss {mean:.4f}, {time.monotonic() - begun:.0f} s")
            total = 0.0
    return head.eval()


def head_on_clip(
    head: Head,
    rows: NDArray[np.float16],
    builtin: NDArray[np.float32],
    level: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Probabilities of a head on a whole clip: float32[2 · rows, 3]."""
    n = 2 * len(rows)

    def fit(x: NDArray[np.float32], fill: float) -> Tensor:
        extra = [(0, max(n - len(x), 0))] + [(0, 0)] * (x.ndim - 1)
        return torch.from_numpy(np.pad(x, extra, constant_values=fill)[:n])[None]

    with torch.inference_mode():
        inputs = head.padded(
            torch.from_numpy(rows.astype(np.float32))[None], fit(builtin, 0.0), fit(level, -100.0)
        )
        return torch.sigmoid(head(*inputs))[0].numpy()
