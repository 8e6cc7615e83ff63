"""A synthetic infant in a room, live: it cries until somebody comes, and goes on if nobody does.

This is the demo's infant, a rule of a few lines that lets every page show
something true to the sound. It is no model of an infant.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.simulate.acoustics import at_level, coloured_noise, reverberate, room_response
from harken.simulate.voice import cry
from harken.sound import RATE, AudioBlock, Gap, Source

_BLOCK = 2560
_ROOM_DBFS = -62.0
_CRY_DBFS = -24.0
_CHUNK_S = 4.0
_NOISE_S = 20.0


@dataclass(frozen=True, slots=True)
class Temper:
    """When the synthetic infant cries and what calms it.

    Parameters
    ----------
    first_s : float, ≥ 0 [s]
        Quiet before the first cry.
    calm_s : float, > 0 [s]
        Quiet between cries, on average.
    patience_s : float, > 0 [s]
        How long it cries when nobody comes; then it stops by itself.
    soothe_s : float, ≥ 0 [s]
        How long it cries on after somebody has come.

    Raises
    ------
    ParameterError
        If one is out of its range.
    """

    first_s: float = 8.0
    calm_s: float = 150.0
    patience_s: float = 180.0
    soothe_s: float = 6.0

    def __post_init__(self) -> None:
        if not (
            self.first_s >= 0 and self.calm_s > 0 and self.patience_s > 0 and self.soothe_s >= 0
        ):
            raise ParameterError("temper: times must be positive numbers of seconds")


class InfantSource(Source):
    """Sound of a room with a synthetic infant in it, at the speed at which it sounds.

    Parameters
    ----------
    temper : Temper
    seed : int
        Another number, another infant.
    name : str
        What people see.
    clock, sleep : callable
        Seconds that never go backwards, and what lets them pass.

    Examples
    --------
    >>> infant = InfantSource(Temper(first_s=0.0), sleep=lambda s: None)
    >>> len(next(infant).samples)
    2560
    >>> infant.close()
    """

    live = True

    def __init__(
        self,
        temper: Temper | None = None,
        *,
        seed: int = 0,
        name: str = "a synthetic infant",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(silence_after_s=10.0)
        self.name = name
        self.started_at = datetime.now(UTC)
        self._temper = temper or Temper()
        self._rng = np.random.default_rng(seed)
        self._clock, self._sleep = clock, sleep
        self._stop = threading.Event()
        self._comforted = threading.Event()

    def comfort(self) -> None:
        """Say that somebody has come: the crying wanes. From any thread."""
        self._comforted.set()

    def close(self) -> None:
        """Fall silent; iteration ends."""
        self._stop.set()

    def _read(self) -> Iterator[AudioBlock | Gap]:
        begun, at = self._clock(), 0
        for samples in self._sound():
            wait_s = begun + (at + len(samples)) / RATE - self._clock()
            if wait_s > 0:
                self._sleep(wait_s)
            if self._stop.is_set():
                return
            yield AudioBlock(samples, at / RATE)
            at += len(samples)

    def _sound(self) -> Iterator[NDArray[np.float32]]:
        rng, temper = self._rng, self._temper
        room = at_level(coloured_noise(round(_NOISE_S * RATE), rng), _ROOM_DBFS)
        response = room_response(rng, rt60_s=0.35, direct_db=6.0)
        age_weeks, pitch_hz = float(rng.uniform(4, 20)), float(rng.uniform(380, 480))
        at = 0
        quiet_s = temper.first_s
        while True:
            for _ in range(max(1, round(quiet_s * RATE / _BLOCK))):
                yield np.take(room, range(at, at + _BLOCK), mode="wrap")
                at += _BLOCK
            self._comforted.clear()
            cried_s, comforted_s = 0.0, 0.0
            while cried_s < temper.patience_s and comforted_s <= temper.soothe_s:
                calming = comforted_s / max(temper.soothe_s, 1e-9)
                tired = cried_s / temper.patience_s
                voiced = cry(
                    _CHUNK_S,
                    rng=rng,
                    age_weeks=age_weeks,
                    intensity=float(np.clip(0.85 - 0.3 * tired - 0.4 * calming, 0.3, 1)),
                    pitch_hz=pitch_hz,
                ).samples
                louder = -8.0 * calming - 4.0 * tired
                heard = at_level(reverberate(voiced, response), _CRY_DBFS + louder)
                heard = heard[: len(heard) // _BLOCK * _BLOCK]
                for start in range(0, len(heard), _BLOCK):
                    ground = np.take(room, range(at, at + _BLOCK), mode="wrap")
                    yield np.clip(ground + heard[start : start + _BLOCK], -1, 1)
                    at += _BLOCK
                    cried_s += _BLOCK / RATE
                    if self._comforted.is_set():
                        comforted_s += _BLOCK / RATE
            quiet_s = float(temper.calm_s * rng.uniform(0.7, 1.3))
