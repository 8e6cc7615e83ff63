"""Fitting the network of our own."""

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from harken.hearing.frames import HOP
from training.data import SEGMENT_FRAMES, frames_of
from training.losses import peak_loss, weighted_loss
from training.network import LEFT, RIGHT, STEP, Ear, Front
from training.store import ROWS, Store

PEAK_WEIGHT, TEACHER_WEIGHT = 0.5, 1.0
"""Beside the loss of the labelled frames."""


def fit_ear(
    store: Store,
    *,
    leave_out: int | None,
    seed: int,
    epochs: int = 12,
    log: Callable[[str], None] = print,
) -> Ear:
    """Fit the network of our own.

    Each example is two segments one after the other, in half the cases with a
    third mixed into it, at a random gain.

    Parameters
    ----------
    store : Store
    leave_out : int or None
        Fold that is not looked at.
    seed : int
    epochs : int
    log : callable
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    ear = Ear()
    rows = store.rows_outside(leave_out)
    batch = 16
    steps = epochs * (len(rows) // (2 * batch))
    optimiser = torch.optim.AdamW(ear.parameters(), lr=3e-3, weight_decay=0.03)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.15)
    steady = AveragedModel(ear, multi_avg_fn=get_ema_multi_avg_fn(0.995), use_buffers=True)
    before, after = LEFT // STEP - 1, RIGHT // STEP - 1
    begun = time.monotonic()
    ear.train()
    calm = rows[(store.wanted[rows, :, 0] > 0.3).float().mean(1).numpy() < 0.05]
    for epoch in range(epochs):
        order = rng.permutation(rows)
        sums = np.zeros(2)
        for k in range(0, len(order) - 2 * batch + 1, 2 * batch):
            some = torch.from_numpy(order[k : k + 2 * batch].reshape(batch, 2))
            power = torch.exp(store.power[some].float())
            want, sure = store.wanted[some], store.weight[some]
            scores = store.scores[some].float()
            alone = torch.ones(batch, 2, 1, 1)
            mixed = np.flatnonzero(rng.random(batch * 2) < 0.4)
            if len(mixed):
                other = torch.from_numpy(rng.choice(calm, len(mixed)))
                more = torch.exp(store.power[other].float())
                flat = power.view(batch * 2, *power.shape[2:])
                ratio = 10 ** (torch.from_numpy(rng.uniform(-25, 3, len(mixed))).float() / 10)
                loud_a = flat[mixed].mean((1, 2)).clamp_min(1e-9)
                loud_b = more.mean((1, 2)).clamp_min(1e-9)
                more = more * (ratio * loud_a / loud_b)[:, None, None]
                here = flat[mixed][:, :512].reshape(len(mixed), SEGMENT_FRAMES, -1).sum(2)
                over = more[:, :512].reshape(len(mixed), SEGMENT_FRAMES, -1).sum(2)
                buried = (over > here * 6)[:, :, None]
                flat[mixed] = flat[mixed] + more
                flat_want = want.view(batch * 2, SEGMENT_FRAMES, 3)
                flat_sure = sure.view(batch * 2, SEGMENT_FRAMES, 3)
                kept = flat_want[mixed]
                drowned = buried & (kept > 0.3)
                added = store.wanted[other] * (~(here > over * 6))[:, :, None]
                flat_want[mixed] = torch.maximum(kept, added)
                flat_sure[mixed] = torch.where(drowned, 0.1, flat_sure[mixed])
                alone.view(-1)[mixed] = 0.0
            # Two segments share the step where they meet.
            joined = torch.cat([power[:, 0, :-1], power[:, 1]], 1)
            joined = nn.functional.pad(joined, (0, 0, before, after))
            gain = 10 ** (torch.from_numpy(rng.uniform(-25, 25, batch)).float() / 10)
            # No louder than full scale.
            gain = torch.minimum(gain, 0.3 / joined.sum(2).amax(1).clamp_min(1e-6))
            # A microphone's colour: a smooth curve over the bands, up to about 8 dB.
            knots = torch.from_numpy(rng.normal(0, 4, (batch, 1, 5))).float()
            colour = nn.functional.interpolate(
                knots, joined.shape[2], mode="linear", align_corners=True
            )
            joined = joined * 10 ** (colour / 10)
            if rng.random() < 0.5:
                low = rng.integers(0, 60)
                joined[:, :, low : low + rng.integers(1, 6)] *= 0.01
            with torch.autocast("cpu", torch.bfloat16):
                logits, classes = ear(joined, gain)
            logits, classes = logits.float(), classes.float()
            own = weighted_loss(
                logits, want.flatten(1, 2), sure.flatten(1, 2) * torch.tensor([2.0, 0.7, 0.5])
            )
            taught = nn.functional.avg_pool1d(classes.transpose(1, 2), 2).transpose(1, 2)
            goal = scores.flatten(1, 2)
            each = nn.functional.binary_cross_entropy_with_logits(
                taught, goal, reduction="none"
            ).sum(2)
            each = each - nn.functional.binary_cross_entropy(
                goal.clamp(1e-4, 1 - 1e-4), goal, reduction="none"
            ).sum(2)
            distil = (each.view(batch, 2, ROWS, 1) * alone).mean()
            peak = peak_loss(
                logits[:, :, 0].reshape(batch * 2, SEGMENT_FRAMES),
                want[..., 0].flatten(0, 1),
                sure[..., 0].flatten(0, 1),
            )
            loss = own + PEAK_WEIGHT * peak + TEACHER_WEIGHT * distil
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(ear.parameters(), 2.0)
            optimiser.step()
            plan.step()
            steady.update_parameters(ear)
            sums += float(own.detach()), float(distil.detach())
        own_mean, distil_mean = sums / max(len(order) // (2 * batch), 1)
        log(
            f"  ear, epoch {epoch + 1}/{epochs}: labels {own_mean:.4f}, teacher {distil_mean:.3f}, "
            f"{time.monotonic() - begun:.0f} s"
        )
    kept = steady.module
    assert isinstance(kept, Ear)
    return kept.eval()


def ear_on_segments(ear: Ear, store: Store, rows: NDArray[np.int64]) -> Tensor:
    """Probabilities of the network on some segments: float32[len(rows), 128, 3]."""
    before, after = LEFT // STEP - 1, RIGHT // STEP - 1
    out = []
    with torch.inference_mode():
        for k in range(0, len(rows), 32):
            power = torch.exp(store.power[torch.from_numpy(rows[k : k + 32])].float())
            out.append(torch.sigmoid(ear(nn.functional.pad(power, (0, 0, before, after)))[0]))
    return torch.cat(out)


def ear_on_wave(ear: Ear, front: Front, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities on a whole sound, as the exported model gives them: float32[n // 1280, 3]."""
    n = frames_of(samples)
    wave = torch.from_numpy(np.pad(samples[: n * HOP], (LEFT, RIGHT)))[None]
    with torch.inference_mode():
        return torch.sigmoid(ear(front(wave))[0])[0].numpy()
