"""The network of our own, from the waveform up.

It is fully convolutional with a finite reach in time and no padding in time:
given enough sound to the left and right, a frame has one value, however the
sound is cut into blocks.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harken.hearing.frames import HOP
from harken.sound.blocks import RATE

MELS = 64
STEP = 320  # samples between spectra: 20 ms, four a frame
SPECTRUM = 512  # samples a spectrum looks at: 32 ms
LOW_BIN, HIGH_BIN = 2, 246  # of SPECTRUM / 2 + 1: 62 Hz to 7.7 kHz
FLOOR = 1e-9  # added to the power, full scale being 1: about −90 dBFS in a band
TEACHER_CLASSES = 521


def mel_matrix() -> NDArray[np.float32]:
    """Triangular mel filters on the bins that are kept: float32[bins, 64]."""
    hz = np.arange(LOW_BIN, HIGH_BIN + 1) * RATE / SPECTRUM

    def mel(f: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1127 * np.log1p(f / 700)

    edges = np.linspace(mel(np.array(80.0)), mel(np.array(7650.0)), MELS + 2)
    rise = (mel(hz)[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
    fall = (edges[None, 2:] - mel(hz)[:, None]) / np.diff(edges)[None, 1:]
    bank = np.maximum(np.minimum(rise, fall), 0)
    # Low bands are narrower than a bin: give those the nearest bin, not nothing.
    for band in np.flatnonzero(bank.sum(0) < 0.5):
        centre = edges[band + 1]
        bank[np.argmin(np.abs(mel(hz) - centre)), band] = 1.0
    return (bank / bank.sum(0)).astype(np.float32)


def fourier_matrices() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Windowed cosine and sine, folded about the middle of the spectrum's window.

    A real transform of a symmetric window needs half the products: cosines of
    x[m] + x[−m], sines of x[m] − x[−m].

    Returns
    -------
    cosine, sine : float32[256, bins]
    """
    m = np.arange(SPECTRUM // 2) + 0.5
    window = 0.5 + 0.5 * np.cos(2 * np.pi * m / SPECTRUM)
    k = np.arange(LOW_BIN, HIGH_BIN + 1)
    angle = 2 * np.pi * np.outer(m, k) / SPECTRUM
    scale = 2 / SPECTRUM
    return (
        (window[:, None] * np.cos(angle) * scale).astype(np.float32),
        (window[:, None] * np.sin(angle) * scale).astype(np.float32),
    )


class Front(nn.Module):
    """Waveform → mel powers: float32[b, n] → float32[b, n // 320 − 1, 64]."""

    def __init__(self) -> None:
        super().__init__()
        cosine, sine = fourier_matrices()
        self.register_buffer("cosine", torch.from_numpy(cosine))
        self.register_buffer("sine", torch.from_numpy(sine))
        self.register_buffer("mel", torch.from_numpy(mel_matrix()))

    def forward(self, wave: Tensor) -> Tensor:
        """Powers, full scale 1."""
        steps = wave[:, : wave.shape[1] // STEP * STEP].reshape(wave.shape[0], -1, STEP)
        edge = (2 * STEP - SPECTRUM) // 2
        early = steps[:, :-1, edge:].flip(2)
        late = steps[:, 1:, : STEP - edge]
        cosine = (late + early) @ self.cosine
        sine = (late - early) @ self.sine
        return (cosine * cosine + sine * sine) @ self.mel


def _conv(inside: int, outside: int, stride: tuple[int, int]) -> nn.Sequential:
    # No padding in time (its reach is counted), one band of it in frequency.
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=(0, 1), bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    )


class Ear(nn.Module):
    """Mel powers → logits of cry, laugh and voice, and of YAMNet's classes while it learns.

    float32[b, t, 64] → float32[b, frames, 3], float32[b, frames, 521].
    """

    WIDTHS = (24, 40, 56, 80, 112)
    CHANNELS = 128
    DILATIONS = (1, 2, 4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = self.WIDTHS
        self.bands = nn.Sequential(
            _conv(2, a, (1, 2)),
            _conv(a, b, (2, 2)),
            _conv(b, c, (1, 2)),
            _conv(c, d, (2, 2)),
            _conv(d, e, (1, 2)),
        )
        self.flat = nn.Sequential(
            nn.Conv1d(e * 2, self.CHANNELS, 1, bias=False), nn.BatchNorm1d(self.CHANNELS), nn.ReLU()
        )
        self.time = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(self.CHANNELS, self.CHANNELS, 3, dilation=gap, bias=False),
                nn.BatchNorm1d(self.CHANNELS),
            )
            for gap in self.DILATIONS
        )
        self.heads = nn.Conv1d(self.CHANNELS, 3, 1)
        self.teacher = nn.Conv1d(self.CHANNELS, TEACHER_CLASSES, 1)
        self.drop = nn.Dropout(0.1)
        with torch.no_grad():
            # Nearly every class is absent nearly always: nothing of that need be learnt.
            self.teacher.bias.fill_(-6.0)

    # Spectra are 20 ms apart until the two strides of 2. Reach of the 2-D stack
    # to each side, in spectra: 1 + 1 + 2 + 2 + 4.
    SIDE = 10
    AHEAD = 1  # frames of look-ahead in the temporal stack: its first layer alone is centred
    BEHIND = 2 * sum(DILATIONS) - AHEAD
    LEFT_SPECTRA = BEHIND * 4 + SIDE
    RIGHT_SPECTRA = AHEAD * 4 + SIDE

    def forward(self, power: Tensor, gain: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`gain` (float32[b], power) makes the sound louder or softer while training."""
        if gain is not None:
            power = power * gain[:, None, None]
        log = torch.log(power + FLOOR) * 0.25 + 3.0
        x = torch.stack([log, (log - log.mean(2, keepdim=True)) * 2], 1)
        x = x.contiguous(memory_format=torch.channels_last)  # faster to learn with
        x = self.bands(x)
        x = self.flat(x.permute(0, 1, 3, 2).flatten(1, 2))
        for layer, gap in zip(self.time, self.DILATIONS, strict=True):
            centred = gap == 1
            y = layer(x)
            keep = x[:, :, 1:-1] if centred else x[:, :, 2 * gap :]
            x = torch.relu(keep + y)
        x = self.drop(x)
        return self.heads(x).transpose(1, 2), self.teacher(x).transpose(1, 2)


# Frame k is centred on the stack's spectrum LEFT_SPECTRA + 4 k, whose own middle lies one step
# later; half a frame back from there is where the frame begins.
_HALF = HOP // STEP // 2
LEFT = (Ear.LEFT_SPECTRA + 1 - _HALF) * STEP
"""Samples of sound before a frame's start that it depends on."""
RIGHT = (Ear.RIGHT_SPECTRA + 1 - _HALF) * STEP
"""Samples of sound after a frame's end that it depends on."""
