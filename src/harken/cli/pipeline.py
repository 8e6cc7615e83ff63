"""From a source to bouts: the one loop that listen, analyze and demo share."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harken.episodes import BoutEvent, BoutTracker
    from harken.hearing import Detector, Frames, LoudEnded, LoudnessAlarm, LoudStarted
    from harken.sound import AudioBlock, Gap, Silence


def hear(
    blocks: "Iterable[AudioBlock | Gap | Silence]",
    *,
    detector: "Detector",
    tracker: "BoutTracker",
    alarm: "LoudnessAlarm | None" = None,
) -> "Iterator[Frames | Gap | Silence | BoutEvent | LoudStarted | LoudEnded]":
    """Run sound through a detector and a tracker, in order and in flat memory.

    Parameters
    ----------
    blocks : iterable of AudioBlock, Gap or Silence
        A source; its errors pass through.
    detector : Detector
    tracker : BoutTracker
    alarm : LoudnessAlarm, optional

    Yields
    ------
    Frames, Gap, Silence, BoutStarted, BoutEnded, BoutWithdrawn, LoudStarted or LoudEnded
        Frames come before the events that they gave. A gap first brings out the
        frames that were still due before it.
    """
    from harken.sound import AudioBlock, Gap

    for block in blocks:
        if isinstance(block, AudioBlock):
            frames = detector.process(block)
        elif isinstance(block, Gap):
            frames = detector.flush()
        else:
            yield block
            continue
        yield from _follow(frames, tracker, alarm)
        if isinstance(block, Gap):
            yield block
    yield from _follow(detector.flush(), tracker, alarm)
    yield from tracker.flush()
    if alarm is not None:
        yield from alarm.flush()


def _follow(
    frames: "Frames", tracker: "BoutTracker", alarm: "LoudnessAlarm | None"
) -> "Iterator[Frames | BoutEvent | LoudStarted | LoudEnded]":
    yield frames
    yield from tracker.process(frames)
    if alarm is not None:
        yield from alarm.process(frames)


def one_line(message: str) -> str:
    r"""Put a message on one line, so that a file's name cannot break it.

    Examples
    --------
    >>> print(one_line("cannot read 'a\nb.wav'"))
    cannot read 'a\nb.wav'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
