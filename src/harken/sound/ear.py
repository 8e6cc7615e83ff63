"""Sound that a paired browser sends: numbered pieces with the time at which they were caught."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.sound.blocks import RATE, AudioBlock, Gap
from harken.sound.source import Source

MOST_BYTES = 65_536
"""Largest piece that is taken: about two seconds."""

_JUMP_S = 1.0
"""A piece that follows in number and comes this much later in time was not the next one caught."""
_AHEAD_S = 0.3
"""A device whose samples run fast is put right by leaving out a piece when it is this far ahead."""
_LATEST_S = 15.0
"""A piece that comes later than this after it was caught was stamped by a clock that was set."""
_LEAK = 1e-4
"""How fast the anchor may follow a device's clock that is slow: 100 parts in a million."""
_WAITING_PIECES = 2048
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class _Piece:
    samples: NDArray[np.float32]
    seq: int
    caught_at: float
    came_at: float
    session: int


class EarSource(Source):
    """A phone or tablet in the room, whose page pushes what its microphone catches.

    The time axis is the hub's clock. A device's own clock may be wrong by
    minutes; only differences of its times are used, anchored at the piece that
    took least time on the way. Pieces that follow each other in number are one
    run; where numbers or times jump, the gap between has its real length, also
    when pieces that were kept during a loss of connection arrive late.

    Parameters
    ----------
    name : str
        What people see.
    gap_after_s : float, > 0
        Seconds without any piece before a gap is told.
    silence_after_s : float, > 0
        Seconds that silence has to last before it is told.
    clock : callable
        Seconds that never go backwards.

    Examples
    --------
    >>> ear = EarSource(name="Nursery")
    >>> session = ear.begin()
    >>> ear.push(bytes(3200), seq=0, caught_at=50.0, session=session)
    True
    >>> block = next(ear)
    >>> len(block.samples)
    1600
    >>> ear.close()
    """

    live = True

    def __init__(
        self,
        *,
        name: str,
        gap_after_s: float = 2.0,
        silence_after_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not gap_after_s > 0:
            raise ParameterError(f"gap_after_s is {gap_after_s}; it must be above 0 s")
        super().__init__(silence_after_s=silence_after_s)
        self.name = name
        self._gap_after = gap_after_s
        self._clock = clock
        self._queue: queue.Queue[_Piece] = queue.Queue(_WAITING_PIECES)
        self._stop = threading.Event()
        self._begun = clock()
        self._sessions = 0
        self.started_at = datetime.now(UTC)
        self.lost_pieces = 0

    def begin(self) -> int:
        """Begin a new connection of the device; give its number.

        Pieces of an earlier connection that arrive after this are not taken:
        two open pages must not be woven into one sound.
        """
        self._sessions += 1
        return self._sessions

    def push(self, pcm: bytes, *, seq: int, caught_at: float, session: int) -> bool:
        """Take one piece; from any thread.

        Parameters
        ----------
        pcm : bytes
            int16, little-endian, mono, 16 kHz; at most 64 KiB.
        seq : int, ≥ 0
            Its number; one more than that of the piece before.
        caught_at : float [s]
            When its first sample was caught, on the device's clock.
        session : int
            What `begin` gave.

        Returns
        -------
        bool
            Whether it was taken: not if a newer connection has begun, or the
            detector lags so far behind that there is no room.

        Raises
        ------
        ParameterError
            If the piece is empty, of odd length or too long, or a number is not finite.
        """
        if not pcm or len(pcm) % 2 or len(pcm) > MOST_BYTES:
            raise ParameterError(
                f"sound: a piece of {len(pcm)} bytes; it must be 2 to {MOST_BYTES}, and even"
            )
        if seq < 0 or not np.isfinite(caught_at):
            raise ParameterError("sound: seq must be 0 or more and the time finite")
        if session != self._sessions:
            return False
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        try:
            self._queue.put_nowait(
                _Piece(samples, seq, caught_at, self._clock() - self._begun, session)
            )
        except queue.Full:
            self.lost_pieces += 1
            return False
        return True

    def close(self) -> None:
        """Stop listening; iteration ends."""
        self._stop.set()

    def _read(self) -> Iterator[AudioBlock | Gap]:
        end, last_seq, session = 0.0, -1, 0
        heard_at: float | None = None
        in_gap = False
        offset: float | None = None
        while not self._stop.is_set():
            try:
                piece = self._queue.get(timeout=_LOOK_S)
            except queue.Empty:
                waited = self._clock() - self._begun - (heard_at or 0.0)
                if not in_gap and waited >= self._gap_after:
                    in_gap = True
                    yield Gap(end, None, self._reason(heard_at))
                continue
            length = len(piece.samples) / RATE
            delay = piece.came_at - (piece.caught_at + length)
            if offset is None or delay - offset > _LATEST_S:
                offset = delay
            # The least delay seen anchors the device's clock to ours.
            offset = min(offset + _LEAK * length, delay)
            if piece.session != session:
                session, last_seq = piece.session, -1
            if piece.seq <= last_seq:
                continue  # sent again: it is here already
            follows = last_seq < 0 or piece.seq == last_seq + 1
            start = piece.caught_at + offset
            first, last_seq = heard_at is None, piece.seq
            heard_at = piece.came_at
            if follows and not in_gap and not first and start - end <= _JUMP_S:
                if end - start > _AHEAD_S:
                    continue
                start = end
            else:
                start = max(start, end)
                if not in_gap and not first:
                    yield Gap(end, None, f"{self.name}: sound was lost on the way")
                if in_gap or not first:
                    yield Gap(end, start, self._reason(heard_at))
            in_gap = False
            yield AudioBlock(piece.samples, start)
            end = start + length

    def _reason(self, heard_at: float | None) -> str:
        if heard_at is None:
            return f"{self.name}: no phone or tablet is listening yet"
        return f"{self.name}: the phone or tablet in the room sends no sound"
