"""Cutting a stream into steps that each need what comes before and after them."""

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.hearing.frames import HOP
from harken.sound.blocks import RATE, AudioBlock


class Context:
    """Rows of one run, given out in steps together with the context that each step needs.

    A step is `hop` rows; it is due once the `right` rows after it are known.
    Outside the run lies the row `outside`.

    Parameters
    ----------
    hop, left, right : int
        Rows in a step, and rows needed before and after it.
    outside : float32[...]
        The row that stands before and after the run, e.g. ``0.0`` for samples.

    Examples
    --------
    >>> context = Context(hop=2, left=1, right=0, outside=np.float32(0))
    >>> context.push(np.arange(1, 6, dtype=np.float32))
    >>> [part.tolist() for part in context.due(least=1, most=1)]
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """

    def __init__(
        self, *, hop: int, left: int, right: int, outside: NDArray[np.float32] | np.float32
    ) -> None:
        self.hop, self.left, self.right = hop, left, right
        self._outside = np.asarray(outside, np.float32)
        self.clear()

    def clear(self) -> None:
        """Begin a new run."""
        self._parts = [self._padding(self.left)]
        self._held = self.left

    def push(self, rows: NDArray[np.float32]) -> None:
        """Take the next rows of the run."""
        if len(rows):
            self._parts.append(rows)
            self._held += len(rows)

    def due(self, *, least: int, most: int) -> list[NDArray[np.float32]]:
        """Give the steps that are due, each with its context, and forget them.

        Parameters
        ----------
        least : int
            Give nothing while fewer steps are due.
        most : int
            Most steps in one part.

        Returns
        -------
        list of float32[left + hop * steps + right, ...]
            Not to be written to: parts share their context.
        """
        steps = (self._held - self.left - self.right) // self.hop
        if steps < least:
            return []
        rows = np.concatenate(self._parts)
        # A copy, so that the rest does not keep a long block alive.
        rest = rows[steps * self.hop :].copy()
        self._parts, self._held = [rest], len(rest)
        return [
            rows[first * self.hop : min(first + most, steps) * self.hop + self.left + self.right]
            for first in range(0, steps, most)
        ]

    def finish(self) -> None:
        """Say that the run is over: every step that is wholly inside it becomes due."""
        self.push(self._padding(self.right))

    def _padding(self, n: int) -> NDArray[np.float32]:
        return np.broadcast_to(self._outside, (n, *self._outside.shape))


class RunClock:
    """Tells where one run of blocks ends and the next one begins.

    A run is a stretch of blocks that each begin where the last one ended, give
    or take half a frame: clocks of sound cards drift, and a frame's time is
    counted from the start of its run.
    """

    def __init__(self) -> None:
        self.start: float | None = None
        self._end = 0.0

    def continues(self, block: AudioBlock) -> bool:
        """Whether the block belongs to the run; true also before the first one.

        Raises
        ------
        ParameterError
            If the block is not finite mono sound of 16 kHz.
        """
        _check(block)
        return self.start is None or abs(block.start - self._end) <= HOP / 2 / RATE

    def add(self, block: AudioBlock) -> None:
        """Take the block into the run."""
        if self.start is None:
            self.start = block.start
        self._end = block.end


def _check(block: AudioBlock) -> None:
    samples = block.samples
    if block.rate != RATE:
        raise ParameterError(f"block: rate={block.rate} must be {RATE}; resample it first")
    if not isinstance(samples, np.ndarray) or samples.ndim != 1:
        shape = getattr(samples, "shape", type(samples).__name__)
        raise ParameterError(f"block: samples must be one-dimensional, not {shape}; mix it to mono")
    if samples.dtype != np.float32:
        raise ParameterError(f"block: samples must be float32, not {samples.dtype}")
    if not np.isfinite(block.start):
        raise ParameterError(f"block: start={block.start} must be a finite time in seconds")
    # The sum of squares is not finite if any sample is not, and takes no copy.
    if not np.isfinite(np.dot(samples, samples)):
        raise ParameterError(
            f"block: samples at {block.start:g} s must be finite (NaN or inf found)"
        )
