"""What a source of sound gives: blocks of samples, and events where there are none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second of every block in Harken."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """A run of mono samples without a hole.

    Parameters
    ----------
    samples : float32[n]
        Nominally −1 to 1, always finite.
    start : float
        Time of the first sample, in seconds from the start of the source.
    rate : int
        Samples a second; always 16 000 behind `open_source`.

    Examples
    --------
    >>> block = AudioBlock(np.zeros(8000, np.float32), start=2.0)
    >>> block.end
    2.5
    """

    samples: NDArray[np.float32]
    start: float
    rate: int = RATE

    @property
    def end(self) -> float:
        """Time just after the last sample, in seconds from the start of the source."""
        return self.start + len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch for which there is no sound at all: a lost connection, a dead device.

    Given once when it begins (`end` is None) and once when it is over.

    Parameters
    ----------
    start, end : float, float or None
        Seconds from the start of the source.
    reason : str
        One plain sentence.
    """

    start: float
    end: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch that cannot be a living room's sound: digital silence or a frozen stream.

    Given once when it has lasted long enough to be told (`end` is None) and
    once when it is over. `kind` is ``"digital"`` (every sample zero) or
    ``"frozen"`` (the same samples over and over).
    """

    start: float
    end: float | None
    kind: str
