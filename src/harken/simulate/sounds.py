"""Things of a home made from nothing: struck objects, motors, a hinge, a music box."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harken.simulate.acoustics import coloured_noise
from harken.sound.blocks import RATE

Samples = NDArray[np.float32]


def knocks(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Make knocks and thuds on wood, one to three a second.

    Parameters
    ----------
    seconds : float
        Above 0.
    rng : numpy.random.Generator

    Returns
    -------
    float32[round(seconds * 16000)]
        Peak 0.9, or silence where it is too short for one; so for every sound here.

    Examples
    --------
    >>> len(knocks(1.0, rng=np.random.default_rng(0)))
    16000
    """
    modes = rng.uniform((90, 180, 300, 600), (160, 290, 550, 1400))
    out = np.zeros(round(seconds * RATE))
    for at in _beats(seconds, rng, 0.3, 1.0):
        _strike(out, at, modes, rng.uniform(0.02, 0.06), rng)
    return _scaled(out)


def dishes(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Handle plates and cutlery.

    Examples
    --------
    >>> len(dishes(1.0, rng=np.random.default_rng(0)))
    16000
    """
    out = np.zeros(round(seconds * RATE))
    for at in _beats(seconds, rng, 0.08, 0.7):
        _strike(out, at, rng.uniform(1500, 7000, 6), rng.uniform(0.02, 0.15), rng)
    return _scaled(out)


def clock(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Make a clock that ticks twice a second.

    Examples
    --------
    >>> len(clock(1.0, rng=np.random.default_rng(0)))
    16000
    """
    modes = rng.uniform(1800, 6000, 4)
    out = np.zeros(round(seconds * RATE))
    for i, at in enumerate(np.arange(0.05, seconds, 0.5)):
        _strike(out, float(at), modes * (1 if i % 2 else 0.9), 0.006, rng)
    return _scaled(out)


def doorbell(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Ring two notes, the second a third lower.

    Examples
    --------
    >>> len(doorbell(1.5, rng=np.random.default_rng(0)))
    24000
    """
    note = rng.uniform(600, 800)
    out = np.zeros(round(seconds * RATE))
    for at, hz in ((0.02, note), (0.6, note * 0.8)):
        _strike(out, at, hz * np.array([1, 2.76, 5.4]), 0.5, rng)
    return _scaled(out)


def music_box(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Play a pentatonic tune on a music box.

    Examples
    --------
    >>> len(music_box(1.0, rng=np.random.default_rng(0)))
    16000
    """
    scale = rng.uniform(480, 560) * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    beat = rng.uniform(0.25, 0.4)
    out = np.zeros(round(seconds * RATE))
    for at in np.arange(0.02, seconds, beat):
        if rng.random() < 0.85:
            _strike(out, float(at), rng.choice(scale) * np.array([1, 2, 3.01]), 0.35, rng)
    return _scaled(out)


def motor(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Run a vacuum cleaner or a hair dryer: hum, whine and rushing air.

    Examples
    --------
    >>> len(motor(1.0, rng=np.random.default_rng(0)))
    16000
    """
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    spin = rng.uniform(180, 320) * (1 - 0.6 * np.exp(-t / 0.4))
    phase = 2 * np.pi * np.cumsum(spin) / RATE
    whine = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in (1, 2, 3, 5, 8))
    air = coloured_noise(n, rng, -2.0).astype(np.float64)
    ramp = np.clip(np.minimum(t, seconds - t) / 0.3, 0, 1)
    return _scaled((air + 0.03 * whine) * ramp)


def creak(seconds: float, *, rng: np.random.Generator) -> Samples:
    """Move a dry hinge: clicks that come faster and slower, ringing in the door.

    Examples
    --------
    >>> len(creak(1.0, rng=np.random.default_rng(0)))
    16000
    """
    modes = rng.uniform((350, 800, 1500, 2600), (600, 1300, 2400, 3600))
    out = np.zeros(round(seconds * RATE))
    at = 0.05
    while at < seconds - 0.1:
        end = min(at + rng.uniform(0.4, 1.2), seconds - 0.05)
        began, turn = at, rng.uniform(0, 3)
        while at < end:
            _strike(out, at, modes, 0.008, rng)
            rate = 45 + 35 * np.sin(turn + 4 * (at - began))
            at += float(np.exp(rng.normal(0, 0.15)) / rate)
        at += rng.uniform(0.3, 1.5)
    return _scaled(out)


HOUSEHOLD: dict[str, Callable[..., Samples]] = {
    "knocks": knocks,
    "dishes": dishes,
    "clock": clock,
    "doorbell": doorbell,
    "motor": motor,
    "creak": creak,
}
"""Every sound of a home by name, music left out."""


def _beats(
    seconds: float, rng: np.random.Generator, shortest: float, longest: float
) -> list[float]:
    times, at = [], 0.02
    while at < seconds:
        times.append(at)
        at += float(rng.uniform(shortest, longest))
    return times


def _strike(
    out: NDArray[np.float64],
    at_s: float,
    modes_hz: NDArray[np.float64],
    decay_s: float,
    rng: np.random.Generator,
) -> None:
    """Add a struck thing: modes that ring and die, the higher ones sooner."""
    first = int(at_s * RATE)
    n = min(int(5 * decay_s * RATE), len(out) - first)
    if n <= 0:
        return
    t = np.arange(n) / RATE
    loud = rng.uniform(0.3, 1.0)
    for hz in modes_hz[modes_hz < RATE / 2]:
        ring = np.exp(-t / (decay_s * (modes_hz.min() / hz) ** 0.5))
        out[first : first + n] += loud * rng.uniform(0.3, 1) * ring * np.sin(2 * np.pi * hz * t)


def _scaled(out: NDArray[np.float64]) -> Samples:
    peak = float(np.abs(out).max()) if len(out) else 0.0
    return (out * (0.9 / peak) if peak else out).astype(np.float32)
