"""What a caregiver says to a room, kept until the nursery page has fetched it."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

CLIP_TYPES = ("audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg", "audio/wav")


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording: where it is for, its media type, its bytes."""

    room: str
    media_type: str
    body: bytes


class Clips:
    """The latest clips, in memory only.

    Parameters
    ----------
    most_bytes : int
        In all; the oldest go first.
    lives_s : float
        In seconds.
    clock : callable
        Gives a time that never goes back, in seconds.

    Examples
    --------
    >>> clips = Clips()
    >>> clips.keep("1", Clip("nursery", "audio/ogg", b"..."))
    >>> clips.get("1", room="nursery").body, clips.get("1", room="other")
    (b'...', None)
    """

    def __init__(
        self,
        *,
        most_bytes: int = 32 * 1024 * 1024,
        lives_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._lives_s = lives_s
        self._clock = clock
        self._clips: OrderedDict[str, tuple[float, Clip]] = OrderedDict()

    def keep(self, clip_id: str, clip: Clip) -> None:
        """Keep a clip."""
        self._clips[clip_id] = (self._clock(), clip)
        self._tidy()

    def get(self, clip_id: str, *, room: str) -> Clip | None:
        """Give a clip; None if it is unknown, too old, or for another room."""
        self._tidy()
        kept = self._clips.get(clip_id)
        return kept[1] if kept and kept[1].room == room else None

    def _tidy(self) -> None:
        size = sum(len(clip.body) for _, clip in self._clips.values())
        while self._clips:
            at, oldest = next(iter(self._clips.values()))
            if size <= self._most_bytes and self._clock() - at <= self._lives_s:
                return
            self._clips.popitem(last=False)
            size -= len(oldest.body)
