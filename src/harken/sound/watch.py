"""Stretches of sound that no living room makes: digital silence and frozen streams."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.sound.blocks import RATE, AudioBlock, Silence

STILL = 1.5e-5
"""Half a step of 16 bits: a change from sample to sample that is no sound."""

_LONGEST_LOOP = RATE
_NEEDLE = 32
_LOOK_EVERY = 2 * RATE
_HISTORY = _LOOK_EVERY + 2 * _LONGEST_LOOP + _NEEDLE


class Watch:
    """Tells digital silence and frozen streams from sound, whatever the block sizes.

    *Digital silence*: no sample differs from the one before by more than half
    a step of 16 bits, so that a constant offset (also one that went through a
    resampler) counts. *Frozen*: every sample equals, bit by bit, the one a
    fixed time of at most 1 s earlier, as when a driver hands out the same
    buffer over and over. Either is told once it has lasted `after_s`, with the
    time at which it began, and once more when it is over.

    Parameters
    ----------
    after_s : float, > 0
        Seconds that silence has to last before it is told. A frozen stream is
        noticed up to 2 s after that.

    Examples
    --------
    >>> watch = Watch(after_s=1.0)
    >>> watch.process(AudioBlock(np.zeros(24_000, np.float32), start=0.0))
    [Silence(start=0.0, end=None, kind='digital')]
    >>> watch.flush()
    [Silence(start=0.0, end=1.5, kind='digital')]
    """

    def __init__(self, *, after_s: float = 10.0) -> None:
        if not after_s > 0:
            raise ParameterError(f"after_s is {after_s}; it must be above 0 s")
        self._after = max(2, round(after_s * RATE))
        self._end: float | None = None
        self._block: NDArray[np.float32] = np.empty(0, np.float32)
        self._past: NDArray[np.float32] = np.empty(0, np.float32)
        self._begin(0.0)

    def process(self, block: AudioBlock) -> list[Silence]:
        """Take the next block; give what is now known to have begun or ended.

        Parameters
        ----------
        block : AudioBlock
            float32[n] at 16 kHz. One that does not begin where the last ended
            (to half a sample) starts a new stretch; what lasted is told to be over.

        Returns
        -------
        list of Silence
            In the order in which they became known; mostly empty.
        """
        events: list[Silence] = []
        if self._end is None or abs(block.start - self._end) > 0.5 / RATE:
            events += self.flush()
            self._begin(block.start)
        samples = block.samples
        if len(samples) == 0:
            return events
        self._block = samples
        # Pieces end on a grid of the stream itself, so that block sizes change nothing.
        at = 0
        while at < len(samples):
            step = min(
                _LOOK_EVERY - self._seen % _LOOK_EVERY,
                self._after - self._seen % self._after,
                len(samples) - at,
            )
            events += self._look_for_still(at, at + step)
            events += self._look_for_loop(at, at + step)
            self._seen += step
            at += step
        self._past = self._span(max(len(samples) - _HISTORY, -len(self._past)), len(samples))
        self._end = self._at + self._seen / RATE
        return events

    def flush(self) -> list[Silence]:
        """End the stretch: tell what lasted until now as over."""
        events = list(self._over_still(self._seen)) + list(self._over_loop(self._seen))
        self._begin(0.0)
        self._end = None
        return events

    def _begin(self, at: float) -> None:
        self._at = at
        self._seen = 0
        self._past = np.empty(0, np.float32)
        self._still_from = 0
        self._still_told = False
        self._loop = 0
        self._loop_from = 0
        self._loop_told = False

    def _span(self, lo: int, hi: int) -> NDArray[np.float32]:
        """Give samples lo to hi of the block; those before it have negative numbers."""
        if lo >= 0:
            return self._block[lo:hi]
        past = self._past[len(self._past) + lo : len(self._past) + min(hi, 0)]
        return np.concatenate([past, self._block[: max(hi, 0)]])

    def _look_for_still(self, lo: int, hi: int) -> Iterator[Silence]:
        offset = self._seen - lo
        before = max(lo - 1, -len(self._past))
        sound = self._span(before, hi)
        moved = _first_move(sound)
        if moved is not None:
            # A piece is never longer than `after_s`, so only its two edges can matter.
            yield from self._tell_still(before + moved + offset)
            yield from self._over_still(before + moved + offset)
            self._still_from = before + _last_move(sound) + offset
        yield from self._tell_still(hi + offset)

    def _tell_still(self, now: int) -> Iterator[Silence]:
        if not self._still_told and now - self._still_from >= self._after:
            self._still_told = True
            yield Silence(self._time(self._still_from), None, "digital")

    def _over_still(self, now: int) -> Iterator[Silence]:
        if self._still_told:
            yield Silence(self._time(self._still_from), self._time(now), "digital")
        self._still_told = False

    def _look_for_loop(self, lo: int, hi: int) -> Iterator[Silence]:
        offset = self._seen - lo
        if self._loop:
            same = self._span(lo, hi) == self._span(lo - self._loop, hi - self._loop)
            if not same.all():
                broken = lo + int(np.argmin(same)) + offset
                yield from self._tell_loop(broken)
                yield from self._over_loop(broken)
                self._loop = 0
        if not self._loop and (hi + offset) % _LOOK_EVERY == 0:
            oldest = -len(self._past)
            window = self._span(max(oldest, hi - _NEEDLE - _LONGEST_LOOP), hi)
            self._loop = _loop_at_end(window)
            if self._loop:
                tail = self._span(max(oldest, hi - _HISTORY), hi)
                same = tail[self._loop :] == tail[: -self._loop]
                length = len(same) if same.all() else int(np.argmin(same[::-1]))
                self._loop_from = hi - length + offset
        if self._loop:
            yield from self._tell_loop(hi + offset)

    def _tell_loop(self, now: int) -> Iterator[Silence]:
        if not self._loop_told and now - self._loop_from >= self._after:
            self._loop_told = True
            yield Silence(self._time(self._loop_from), None, "frozen")

    def _over_loop(self, now: int) -> Iterator[Silence]:
        if self._loop_told:
            yield Silence(self._time(self._loop_from), self._time(now), "frozen")
        self._loop_told = False

    def _time(self, sample: int) -> float:
        return self._at + sample / RATE


def _first_move(x: NDArray[np.float32]) -> int | None:
    """Index of the first sample that differs from the one before; None where none does."""
    # Living sound moves within a few samples: a short look spares the long one.
    for part in (x[:64], x):
        moves = np.abs(np.diff(part)) > STILL
        if moves.any():
            return int(np.argmax(moves)) + 1
    return None


def _last_move(x: NDArray[np.float32]) -> int:
    """Index of the last sample that differs from the one before, where there is one."""
    for part in (x[-64:], x):
        moves = np.abs(np.diff(part)) > STILL
        if moves.any():
            return len(x) - 1 - int(np.argmax(moves[::-1]))
    return 0


def _loop_at_end(x: NDArray[np.float32]) -> int:
    """Smallest distance at which the last samples occurred before; 0 where they did not.

    Digital silence is not a loop.
    """
    if float(np.ptp(x[-_NEEDLE:])) <= STILL * _NEEDLE:
        # A pause inside the loop matches everything; what came before it does not.
        x = x[: _last_move(x) + 1]
    if len(x) <= _NEEDLE or float(np.ptp(x[-_NEEDLE:])) <= STILL * _NEEDLE:
        return 0
    needle = x[-_NEEDLE:]
    ends = np.flatnonzero(x[_NEEDLE - 1 : -1] == needle[-1]) + _NEEDLE - 1
    for back in range(1, _NEEDLE):
        if len(ends) == 0:
            return 0
        ends = ends[x[ends - back] == needle[-1 - back]]
    return len(x) - 1 - int(ends[-1]) if len(ends) else 0
