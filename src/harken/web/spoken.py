"""What a caregiver says to a room, kept until the nursery page has fetched it."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

TYPES = ("audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg", "audio/wav")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: where it is for, its media type, its bytes."""

    room: str
    media_type: str
    body: bytes


class Spoken:
    """What was said last, in memory only.

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
    >>> spoken = Spoken()
    >>> spoken.keep("1", Recording("nursery", "audio/ogg", b"..."))
    >>> spoken.get("1", room="nursery").body, spoken.get("1", room="other")
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
        self._spoken: OrderedDict[str, tuple[float, Recording]] = OrderedDict()

    def keep(self, key: str, recording: Recording) -> None:
        """Keep a recording."""
        self._spoken[key] = (self._clock(), recording)
        self._tidy()

    def get(self, key: str, *, room: str) -> Recording | None:
        """Give a recording; None if it is unknown, too old, or for another room."""
        self._tidy()
        kept = self._spoken.get(key)
        return kept[1] if kept and kept[1].room == room else None

    def _tidy(self) -> None:
        size = sum(len(recording.body) for _, recording in self._spoken.values())
        while self._spoken:
            at, oldest = next(iter(self._spoken.values()))
            if size <= self._most_bytes and self._clock() - at <= self._lives_s:
                return
            self._spoken.popitem(last=False)
            size -= len(oldest.body)
