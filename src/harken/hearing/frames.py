"""What a detector gives: frames of 80 ms with probabilities and a level."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harken.sound.blocks import AudioBlock

HOP = 1280
"""Samples a frame: 80 ms at 16 kHz."""

HOP_S = 0.08
"""Seconds a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A run of detector output, one row each 80 ms.

    Parameters
    ----------
    times : float64[n]
        Start of each frame, in seconds from the start of the source.
    cry, laugh, voice : float32[n]
        Probability, 0 to 1, of an infant's cry, of laughing or babbling, of an
        adult voice.
    level : float32[n]
        RMS level in dBFS (0 is a full-scale square wave); −inf for digital silence.
    """

    times: NDArray[np.float64]
    cry: NDArray[np.float32]
    laugh: NDArray[np.float32]
    voice: NDArray[np.float32]
    level: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, rows: slice) -> "Frames":
        return Frames(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def empty(cls) -> "Frames":
        """No frames.

        Examples
        --------
        >>> len(Frames.empty())
        0
        """
        return cls(np.empty(0, np.float64), *(np.empty(0, np.float32) for _ in range(4)))

    @classmethod
    def join(cls, parts: Sequence["Frames"]) -> "Frames":
        """Put runs of frames end to end.

        Examples
        --------
        >>> len(Frames.join([Frames.empty(), Frames.empty()]))
        0
        """
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


class Detector(Protocol):
    """Anything that turns sound into frames.

    Attributes
    ----------
    name : str
        What people see: ``"builtin"``, ``"yamnet"``, or a file name.
    rate, hop : int
        16 000 samples a second; 1280 samples a frame.
    delay_s : float
        Seconds of sound after the end of a frame that may have to pass before
        the frame is given: look-ahead plus at most one step of the detector.
    on, off : float
        Thresholds on P(cry) that go with this detector, 0 to 1, off < on.
    """

    name: str
    rate: int
    hop: int
    delay_s: float
    on: float
    off: float

    def process(self, block: AudioBlock) -> Frames:
        """Take the next block; give the frames that are now known.

        A block that does not begin where the last one ended starts a new run:
        frames of the old run that are still due are given first.
        """
        ...

    def flush(self) -> Frames:
        """Give what is still due; the next block starts a new run."""
        ...
