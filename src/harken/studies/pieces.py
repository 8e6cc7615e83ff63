"""A long recording cut into pieces whose frames are those of the whole, bit for bit.

Cries are found in frames, and frames depend on little: some seconds of sound
around them, and the point at which the detector's steps begin. So

- a recording is read in blocks of 60 s, and pieces begin between two blocks: the
  detector then takes the same steps, over the same samples, as in a recording
  that is heard whole;
- a piece begins two blocks early. The first of them fills the memory of the
  decoder, the resampler and the detector. The frames of the second are those
  that the piece before has given too. **They have to be equal in every bit, or
  the recording is heard whole**;
- bouts are never joined. The frames are, and one tracker runs over all of them.

A recording with a hole, damage or a wrong length in its header is heard whole as
well. Nothing here is a tolerance.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError, ParameterError
from harken.hearing.frames import HOP, HOP_S, Detector, Frames
from harken.sound.blocks import RATE, AudioBlock, Gap, Silence
from harken.sound.excerpt import Excerpt, IrregularError
from harken.sound.source import FILE_BLOCK_S

LEAD = 2
"""Blocks that a piece begins early."""

_ROWS = round(FILE_BLOCK_S * RATE / HOP)
"""Frames of a block."""


class NotAlikeError(HarkenError):
    """Two pieces do not agree where they overlap."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks of a recording, those that lead in left out.

    Parameters
    ----------
    number : int
    first, last : int and int or None
        Blocks of 60 s; the last piece goes on to the end.
    """

    number: int
    first: int
    last: int | None

    @property
    def lead(self) -> int:
        """Blocks that are heard before the first."""
        return min(LEAD, self.first)


@dataclass(frozen=True, slots=True, eq=False)
class HeardPiece:
    """What came of a piece.

    Parameters
    ----------
    rows : int64[n]
        Number of each frame, counted from the start of the recording; from one block
        before the piece on.
    frames : Frames
    begins, ends : tuple
        What the channels did up to the beginning and the end; see `Excerpt.state`.
    seconds : float
        Where the sound that was heard ends, from the start of the recording.
    """

    rows: NDArray[np.int64]
    frames: Frames
    begins: tuple[Any, ...]
    ends: tuple[Any, ...]
    seconds: float


def cut(duration_s: float | None, *, piece_s: float) -> tuple[Piece, ...]:
    """Say how to cut a recording.

    Parameters
    ----------
    duration_s : float or None
        As its header says.
    piece_s : float, ≥ 0
        Seconds of a piece, rounded to whole blocks; 0: never cut.

    Returns
    -------
    tuple of Piece
        One where it is not worth it: where the second would be shorter than half a piece.

    Raises
    ------
    ParameterError
        If `piece_s` is above 0 and shorter than five minutes, or not finite.

    Examples
    --------
    >>> [(one.first, one.last) for one in cut(16 * 3600, piece_s=4 * 3600)]
    [(0, 240), (240, 480), (480, 720), (720, None)]
    >>> len(cut(3600, piece_s=3600))
    1
    """
    if not math.isfinite(piece_s) or 0 < piece_s < 5 * FILE_BLOCK_S or piece_s < 0:
        raise ParameterError(
            f"piece_s={piece_s:g} must be 0 (never cut) or at least {5 * FILE_BLOCK_S:g} seconds"
        )
    if not duration_s or not piece_s:
        return (Piece(0, 0, None),)
    length = round(piece_s / FILE_BLOCK_S)
    count = max(1, round(duration_s / FILE_BLOCK_S / length))
    # A last piece of less than a block could end before it begins.
    while count > 1 and (count - 1) * length * FILE_BLOCK_S > duration_s - 2 * FILE_BLOCK_S:
        count -= 1
    return tuple(
        Piece(k, k * length, (k + 1) * length if k + 1 < count else None) for k in range(count)
    )


def hear_whole(items: Iterable[AudioBlock | Gap | Silence], detector: Detector) -> Iterator[Frames]:
    """Hear a recording from its beginning to its end.

    Parameters
    ----------
    items : iterable of AudioBlock, Gap or Silence
        What a source gives.
    detector : Detector

    Yields
    ------
    Frames
        In order.
    """
    for item in items:
        if isinstance(item, AudioBlock):
            yield detector.process(item)
        elif isinstance(item, Gap):
            yield detector.flush()
    yield detector.flush()


def hear_piece(file: str | Path | IO[bytes], piece: Piece, detector: Detector) -> HeardPiece:
    """Hear one piece.

    Parameters
    ----------
    file : path or binary file
        A file that can seek.
    piece : Piece
    detector : Detector
        Begun anew; it is flushed at the end.

    Returns
    -------
    HeardPiece

    Raises
    ------
    IrregularError
        The recording has to be heard whole.
    """
    parts: list[Frames] = []
    begins: tuple[Any, ...] = ()
    start = piece.first - piece.lead
    number, seconds = start, 0.0
    try:
        with Excerpt(file, start, piece.last) as excerpt:
            for block in excerpt.blocks():
                # The block goes in as the first of a run: its time is counted anew below.
                parts.append(detector.process(block))
                seconds, number = block.end, number + 1
                if number == piece.first:
                    begins = excerpt.state()
            ends = excerpt.state()
        if piece.last is None:
            parts.append(detector.flush())
    finally:
        detector.flush()
    if number <= piece.first:
        raise IrregularError("the recording ends earlier than its header says")
    frames = Frames.join(parts)
    rows = np.arange(start * _ROWS, start * _ROWS + len(frames), dtype=np.int64)
    if len(frames) and abs(frames.times[-1] - rows[-1] * HOP_S) > HOP_S / 100:
        raise IrregularError("the sound of the recording has holes")
    kept = slice(_ROWS * max(0, piece.lead - 1), None)
    # A recording that is heard whole counts in the same way: number times length of a frame.
    times = rows.astype(np.float64) * HOP_S
    timed = Frames(times, frames.cry, frames.laugh, frames.voice, frames.level)
    return HeardPiece(rows[kept], timed[kept], begins, ends, seconds)


def join(pieces: Iterable[HeardPiece]) -> Iterator[Frames]:
    """Put the frames of pieces end to end, as if the recording had been heard whole.

    Parameters
    ----------
    pieces : iterable of HeardPiece
        All of one recording, in order; each is let go of before the next is taken.

    Yields
    ------
    Frames

    Raises
    ------
    NotAlikeError
        Two of them do not agree where they overlap; what was given before counts for
        nothing then.
    """
    until = 0
    state: tuple[Any, ...] | None = None
    tail: Frames | None = None
    for number, piece in enumerate(pieces):
        begin = int(np.searchsorted(piece.rows, until))
        if number and tail is not None:
            _compare(tail, piece.frames[:begin], state, piece.begins, number)
        elif len(piece.rows) and piece.rows[0] != 0:
            raise NotAlikeError("the first piece is missing")
        if begin >= len(piece.rows) or piece.rows[begin] != until:
            raise NotAlikeError(f"piece {number} does not begin where the one before it ends")
        yield piece.frames[begin:]
        until, state = int(piece.rows[-1]) + 1, piece.ends
        tail = piece.frames[-_ROWS:]


def _compare(
    tail: Frames, lead: Frames, ended: tuple[Any, ...] | None, began: tuple[Any, ...], number: int
) -> None:
    if ended != began:
        raise NotAlikeError(f"piece {number} mixes its channels unlike the one before it")
    n = len(lead)
    if not 0 < n <= len(tail):
        raise NotAlikeError(f"piece {number} does not overlap the one before it")
    for name in ("times", "cry", "laugh", "voice", "level"):
        if not np.array_equal(getattr(tail, name)[-n:], getattr(lead, name)):
            raise NotAlikeError(
                f"piece {number} gives other frames than the one before it where they overlap"
            )
