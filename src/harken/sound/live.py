"""Sound that arrives as it is made, from sources that go away and come back."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError, SourceError
from harken.sound.blocks import RATE, AudioBlock, Gap
from harken.sound.source import Source

_LATE_S = 2.0
_LATE_FOR_S = 10.0
_WAITING_BLOCKS = 512
_LOOK_S = 0.05


class Connection(Protocol):
    """An open way to a live source."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Give float32[n], mono, 16 kHz, as it arrives; end or raise when it breaks off."""
        ...

    def close(self) -> None:
        """Let go of it. Called by the thread that reads."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next try: doubling, up to a limit.

    Parameters
    ----------
    first_s : float, > 0
        Seconds before the first try again.
    most_s : float, >= first_s
        Longest wait in seconds.

    Examples
    --------
    >>> [Backoff(first_s=0.5, most_s=3.0).wait_s(tries) for tries in range(5)]
    [0.5, 1.0, 2.0, 3.0, 3.0]
    """

    first_s: float = 0.5
    most_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.most_s:
            raise ParameterError(
                f"first_s is {self.first_s} and most_s {self.most_s}; "
                "it must be 0 < first_s <= most_s"
            )

    def wait_s(self, tries: int) -> float:
        """Seconds to wait after `tries` failures in a row since the last sound."""
        return float(min(self.most_s, self.first_s * 2.0 ** min(tries, 32)))


@dataclass(frozen=True, slots=True)
class _Arrived:
    samples: NDArray[np.float32]
    at: float


@dataclass(frozen=True, slots=True)
class _Lost:
    reason: str


class LiveSource(Source):
    """A microphone or a network stream.

    A thread of its own reads; when the source breaks off it opens it again,
    waiting longer each time. Second 0 is the moment of opening, and the time
    axis is the clock's: a block that follows a gap begins where the clock says
    that it was heard, so that a gap has its real length. Within a run of sound
    time is the number of samples. Where that falls behind the clock by more
    than 2 s for 10 s, sound was lost on the way, and a gap says so; where a
    server sends the past first (a burst), time runs ahead of the clock by as
    much until the next gap.

    Iteration never ends by itself; `close` (from any thread) or leaving the
    ``with`` block ends it.

    Parameters
    ----------
    opener : callable
        Gives a `Connection`, or raises `SourceError` where it cannot. It is
        called once at once (its error is the caller's), later by the thread.
    name : str
        What people see.
    gap_after_s : float, > 0
        Seconds without any sound before a gap is told.
    silence_after_s : float, > 0
        Seconds that silence has to last before it is told.
    backoff : Backoff
    clock : callable
        Seconds that never go backwards.
    """

    live = True

    def __init__(
        self,
        opener: Callable[[], Connection],
        *,
        name: str,
        gap_after_s: float = 2.0,
        silence_after_s: float = 10.0,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not gap_after_s > 0:
            raise ParameterError(f"gap_after_s is {gap_after_s}; it must be above 0 s")
        super().__init__(silence_after_s=silence_after_s)
        self.name = name
        self._opener = opener
        self._gap_after = gap_after_s
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._queue: queue.Queue[_Arrived | _Lost] = queue.Queue(_WAITING_BLOCKS)
        self._stop = threading.Event()
        first = opener()
        self._begun = clock()
        self.started_at = datetime.now(UTC)
        self._thread = threading.Thread(
            target=self._capture, args=(first,), name=f"harken {name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening. A read that hangs in the network ends by itself, out of sight."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)

    def _capture(self, connection: Connection | None) -> None:
        tries = 0
        while not self._stop.is_set():
            reason = "the source ended"
            try:
                connection = connection or self._opener()
                for samples in connection.blocks():
                    tries = 0
                    if not self._put(_Arrived(samples, self._clock())):
                        break
            except SourceError as error:
                reason = str(error)
            except Exception as error:
                # Whatever breaks here must not end the thread: nobody would be told.
                reason = f"{self.name}: {error or type(error).__name__}"
            finally:
                if connection is not None:
                    connection.close()
                connection = None
            self._put(_Lost(" ".join(reason.split())))
            self._stop.wait(self._backoff.wait_s(tries))
            tries += 1

    def _put(self, item: _Arrived | _Lost) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def _read(self) -> Iterator[AudioBlock | Gap]:
        end = 0.0
        heard_at: float | None = None
        in_gap = False
        reason: str | None = None
        late_since: float | None = None
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_LOOK_S)
            except queue.Empty:
                if not in_gap and self._now() - (heard_at or 0.0) >= self._gap_after:
                    in_gap = True
                    yield Gap(end, None, reason or f"{self.name}: no sound arrives")
                continue
            if isinstance(item, _Lost):
                reason = item.reason
                continue
            fresh = heard_at is None or in_gap or reason is not None
            told = heard_at is not None or in_gap
            heard_at = item.at - self._begun
            length = len(item.samples) / RATE
            start = max(end, heard_at - length)
            if fresh or start - end <= _LATE_S:
                late_since = None
            elif late_since is None:
                late_since = heard_at
            lost = late_since is not None and heard_at - late_since > _LATE_FOR_S
            if not fresh and not lost:
                start = end
            elif told:
                missing = "sound was lost on the way" if lost else "no sound arrived"
                why = reason or f"{self.name}: {missing}"
                if not in_gap:
                    yield Gap(end, None, why)
                yield Gap(end, start, why)
                late_since = None
            in_gap, reason = False, None
            yield AudioBlock(item.samples, start)
            end = start + length

    def _now(self) -> float:
        return self._clock() - self._begun
