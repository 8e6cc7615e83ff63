"""An alarm that needs no model: the room has been loud for some time."""

import math
from dataclasses import dataclass, fields

import numpy as np

from harken.errors import ParameterError
from harken.hearing.frames import HOP_S, Frames

_EPS_S = 1e-6
"""Times that differ by less are equal: 0.08 is no binary fraction."""


@dataclass(frozen=True, slots=True)
class LoudnessRule:
    """What counts as sustained loudness.

    Parameters
    ----------
    level_dbfs : float, −120 to 0 [dBFS]
        A frame is loud from this level on.
    seconds : float, 0 to 3600 [s]
        How long it must be loud before it is told.
    pause : float, 0 to 60 [s]
        Longest stretch of quieter frames that does not end it: a cry breathes.

    Raises
    ------
    ParameterError
        If a field is outside its range.

    Examples
    --------
    >>> LoudnessRule(-25, 10).pause
    1.5
    """

    level_dbfs: float
    seconds: float
    pause: float = 1.5

    def __post_init__(self) -> None:
        limits = {"level_dbfs": (-120, 0), "seconds": (0, 3600), "pause": (0, 60)}
        for field in fields(self):
            value, (least, most) = getattr(self, field.name), limits[field.name]
            if not least <= value <= most:
                raise ParameterError(f"loudness: {field.name}={value} must be {least} to {most}")


@dataclass(frozen=True, slots=True)
class LoudStarted:
    """It has been loud for long enough.

    Parameters
    ----------
    start : float [s]
        When it became loud.
    detected_at : float [s]
        End of the frame with which it had lasted long enough.
    """

    start: float
    detected_at: float


@dataclass(frozen=True, slots=True)
class LoudEnded:
    """It is quiet again, after a `LoudStarted` with the same start.

    Parameters
    ----------
    start, end : float [s]
        From the first loud frame to the end of the last one.
    peak_dbfs : float
        Level of its loudest frame.
    """

    start: float
    end: float
    peak_dbfs: float


class LoudnessAlarm:
    """Tells when a room has been loud for some time; how frames are cut up changes nothing.

    Parameters
    ----------
    rule : LoudnessRule

    Examples
    --------
    >>> none = np.zeros(100, np.float32)
    >>> frames = Frames(np.arange(100) * HOP_S, none, none, none, none - 10)
    >>> LoudnessAlarm(LoudnessRule(-20, 5)).process(frames)
    [LoudStarted(start=0.0, detected_at=5.04)]
    """

    def __init__(self, rule: LoudnessRule) -> None:
        self.rule = rule
        self._reset()

    def _reset(self) -> None:
        self._last = -math.inf
        self._start: float | None = None
        self._end = self._peak = -math.inf
        self._told = False

    def process(self, frames: Frames) -> list[LoudStarted | LoudEnded]:
        """Take the next frames; give what is now known.

        Parameters
        ----------
        frames : Frames
            Only times and levels are used. A hole between frames counts as quiet.

        Returns
        -------
        list of LoudStarted, LoudEnded

        Raises
        ------
        ParameterError
            If times do not increase or a level is NaN; the frames are then not taken.
        """
        if not len(frames):
            return []
        times, level = frames.times, frames.level
        if not (np.diff(times, prepend=self._last) > 0).all():
            raise ParameterError("frames: times must increase; flush() before going back in time")
        if np.isnan(level).any():
            raise ParameterError("frames: level must be without NaN")
        self._last = float(times[-1])
        longest = self.rule.pause + _EPS_S
        loud = np.flatnonzero(level >= self.rule.level_dbfs)
        breaks = np.flatnonzero(np.diff(times[loud]) - HOP_S > longest) + 1
        events: list[LoudStarted | LoudEnded] = []
        for stretch in np.split(loud, breaks) if len(loud) else ():
            begin = float(times[stretch[0]])
            if self._start is not None and begin - self._end > longest:
                events += self._over()
            if self._start is None:
                self._start = begin
            ends = times[stretch] + HOP_S
            enough = np.flatnonzero(ends - self._start >= self.rule.seconds - _EPS_S)
            if not self._told and len(enough):
                self._told = True
                events.append(LoudStarted(self._start, float(ends[enough[0]])))
            self._end = float(ends[-1])
            self._peak = max(self._peak, float(level[stretch].max()))
        if self._start is not None and self._last + HOP_S - self._end > longest:
            events += self._over()
        return events

    def flush(self) -> list[LoudStarted | LoudEnded]:
        """End what is open, as there will be no more frames; then begin anew.

        Returns
        -------
        list of LoudEnded
            At most one.
        """
        events = self._over()
        self._reset()
        return events

    def _over(self) -> list[LoudStarted | LoudEnded]:
        told, start = self._told, self._start
        ended = LoudEnded(start or 0.0, self._end, self._peak)
        self._start, self._end, self._peak, self._told = None, -math.inf, -math.inf, False
        return [ended] if told else []
