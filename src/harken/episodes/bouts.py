"""Cry bouts: runs of crying in a detector's frames, live and in a batch by one state machine.

A *burst* opens when the smoothed P(cry) reaches `on` and closes when it falls
below `off`. A burst that goes on for `evidence` begins a bout; later bursts
join it over gaps of at most `max_gap`. The bout is announced at once, as
provisional, and kept if it turns out long enough. Gaps of 5 s and bouts of 3 s
are a default after the published home-recording work, not a quotation of it.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.hearing.frames import HOP_S, Frames

_EPS_S = 1e-6
"""Times that differ by less are equal: 0.08 is no binary fraction."""

_JUMP_S = 1.5 * HOP_S
"""Two frames that start further apart than this have a hole between them."""

_BACKGROUND_S = 3.0
_RISE_DB = 6.0
_BELOW_PEAK_DB = 15.0

_ONE = 1 << 30
"""Probability 1 in fixed point: whole numbers add up to the same sum in any order."""

_LIMITS = {
    "min_duration": 3600.0,
    "max_gap": 3600.0,
    "smoothing": 10.0,
    "evidence": 10.0,
    "min_cry": 3600.0,
    "reach": 10.0,
}
"""Largest value of each field that is a time, in seconds."""


@dataclass(frozen=True, slots=True)
class BoutRule:
    """What counts as a cry bout; the rule in force is stored with every result.

    Parameters
    ----------
    on, off : float, 0 < off < on ≤ 1
        Smoothed P(cry) at which a burst opens, and below which it closes. They
        belong to a detector; see `Detector.on` and `Detector.off`.
    min_duration : float, 0 to 3600 [s]
        Shortest bout, onset to offset.
    max_gap : float, 0 to 3600 [s]
        Longest calm inside a bout.
    smoothing : float, 0 to 10 [s]
        Length of the moving average of P(cry) over the latest frames; below one
        frame and a half there is none.
    evidence : float, 0 to 10 [s]
        How long the smoothed P(cry) must stay at or above `on` without a break
        before a bout is announced; at least one frame.
    min_cry : float, 0 to 3600 [s]
        Frames with P(cry) at or above `off` that a bout must hold in total, so
        that two blips four seconds apart are not a bout of four seconds.
    reach : float, 0 to 10 [s]
        How far before the first frame at or above `off` the onset may be traced
        back to where the level rose.

    Raises
    ------
    ParameterError
        If a field is not a number or outside its range.

    Examples
    --------
    >>> rule = BoutRule(0.6, 0.4)
    >>> rule.max_gap
    5.0
    >>> BoutRule.from_dict(rule.as_dict()) == rule
    True
    """

    on: float
    off: float
    _: KW_ONLY
    min_duration: float = 3.0
    max_gap: float = 5.0
    smoothing: float = 0.4
    evidence: float = 0.24
    min_cry: float = 1.0
    reach: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"rule: {field.name}={value!r} is not a number")
            object.__setattr__(self, field.name, float(value))
        if not 0 < self.off < self.on <= 1:
            raise ParameterError(
                f"rule: on={self.on:g}, off={self.off:g} must keep 0 < off < on ≤ 1"
            )
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ParameterError(f"rule: {name}={value:g} must be from 0 to {most:g} seconds")

    def as_dict(self) -> dict[str, float]:
        """Give every field by name, for storing with a result.

        Returns
        -------
        dict[str, float]

        Examples
        --------
        >>> BoutRule(0.6, 0.4).as_dict()["min_duration"]
        3.0
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object], *, base: Self | None = None) -> Self:
        """Make a rule from named values.

        Parameters
        ----------
        values : mapping of field name to number
        base : BoutRule, optional
            Where the fields come from that `values` does not name; without it
            `on` and `off` must be named.

        Returns
        -------
        BoutRule

        Raises
        ------
        ParameterError
            If a name is unknown, `on` or `off` is missing, or a value breaks the rule.

        Examples
        --------
        >>> BoutRule.from_dict({"max_gap": 10}, base=BoutRule(0.6, 0.4)).max_gap
        10.0
        """
        names = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in names]
        if unknown:
            raise ParameterError(
                f"rule: unknown field {unknown[0]!r}; there are {', '.join(names)}"
            )
        if base is not None:
            return replace(base, **values)  # type: ignore[arg-type]
        missing = [name for name in ("on", "off") if name not in values]
        if missing:
            raise ParameterError(f"rule: {' and '.join(missing)} must be given")
        return cls(**values)  # type: ignore[arg-type]

    @classmethod
    def parse(cls, text: str, base: Self | None = None) -> Self:
        """Make a rule from ``"key=value,key=value"``, as it is typed in a command.

        Parameters
        ----------
        text : str
            Field names and numbers; spaces do not matter; empty changes nothing.
        base : BoutRule, optional
            As in `from_dict`.

        Returns
        -------
        BoutRule

        Raises
        ------
        ParameterError
            If a part is not ``key=number``, a key comes twice, or as in `from_dict`.

        Examples
        --------
        >>> BoutRule.parse("max_gap=10, min_duration=1", BoutRule(0.6, 0.4)).min_duration
        1.0
        """
        values: dict[str, object] = {}
        for part in text.split(","):
            if not part.strip() and not text.strip(", "):
                continue
            name, equals, number = (piece.strip() for piece in part.partition("="))
            if not equals or not name:
                raise ParameterError(f"rule: {part.strip()!r} is not of the form key=number")
            if name in values:
                raise ParameterError(f"rule: {name} is given twice")
            try:
                values[name] = float(number)
            except ValueError:
                raise ParameterError(f"rule: {name}={number!r} is not a number") from None
        return cls.from_dict(values, base=base)


@dataclass(frozen=True, slots=True)
class Bout:
    """A run of crying that was long enough.

    Parameters
    ----------
    onset, offset : float [s]
        When it begins and ends in the sound, from the start of the source.
    mean_cry : float, 0 to 1
        Mean P(cry) of its frames, the pauses for breath included.
    peak_dbfs : float
        Level of its loudest frame; −inf if all were digital silence.
    """

    onset: float
    offset: float
    mean_cry: float
    peak_dbfs: float


@dataclass(frozen=True, slots=True)
class BoutStarted:
    """A bout seems to have begun; provisional until it is ended or withdrawn.

    Parameters
    ----------
    onset : float [s]
        When it began in the sound.
    detected_at : float [s]
        When a live listener knew: the end of the deciding frame, plus the
        delay of the detector.
    """

    onset: float
    detected_at: float


@dataclass(frozen=True, slots=True)
class BoutEnded:
    """A bout that was announced has lasted long enough and is over; fields as in `Bout`."""

    onset: float
    offset: float
    mean_cry: float
    peak_dbfs: float


@dataclass(frozen=True, slots=True)
class BoutWithdrawn:
    """A bout that was announced did not last.

    Parameters
    ----------
    onset : float [s]
        As it was announced.
    at : float [s]
        When a live listener knew, as `BoutStarted.detected_at`.
    """

    onset: float
    at: float


BoutEvent = BoutStarted | BoutEnded | BoutWithdrawn


@dataclass(frozen=True, slots=True)
class _Totals:
    """What the tracker had taken before some point in time."""

    frames: int
    cry: int
    """Sum of P(cry), in fixed point."""
    over: int
    """Frames at or above `off`."""


@dataclass(slots=True)
class _Open:
    """A bout, or a burst that has yet to give the evidence to become one."""

    onset: float
    offset: float
    start: _Totals
    stop: _Totals
    announced: bool = False
    peak: float = -np.inf
    peak_since: float = -np.inf
    """Peak of the frames of earlier calls that come after the offset."""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Frames without a hole: `known` ones of earlier calls, then the new ones."""

    known: int
    times: NDArray[np.float64]
    cry: NDArray[np.float32]
    level: NDArray[np.float32]
    sums: NDArray[np.int64]
    """Sum of P(cry) in fixed point, since the tracker began, up to each frame's end."""
    overs: NDArray[np.int64]
    """Number of frames at or above `off`, likewise."""

    @classmethod
    def empty(cls) -> "_Run":
        real, whole = np.empty(0, np.float32), np.empty(0, np.int64)
        return cls(0, np.empty(0, np.float64), real, real, whole, whole)


def _fixed(cry: NDArray[np.float32] | np.float32) -> NDArray[np.int64]:
    return np.rint(np.multiply(cry, _ONE, dtype=np.float64)).astype(np.int64)


def _first_at_or_after(indices: NDArray[np.intp], start: int, stop: int) -> int:
    """Give the first of sorted `indices` in [start, stop), or `stop`."""
    i = int(np.searchsorted(indices, start))
    return min(int(indices[i]), stop) if i < len(indices) else stop


class BoutTracker:
    """Finds bouts in frames as they come; how they are cut up changes nothing.

    - A burst opens when the smoothed P(cry) reaches `rule.on` and closes when it
      falls below `rule.off`. Before the first frame of a run P(cry) counts as 0.
    - Its onset is the earliest frame at or above `off` that took part in opening
      it, or earlier where P(cry) was at or above `off` without a break, or
      earlier still, by at most `rule.reach`, where the level stood 6 dB over the
      background (lowest tenth of the 3 s before) and within 15 dB of the burst.
    - Its offset is the end of its last frame at or above `off`, unsmoothed; the
      frame that opens it is in any case a part of it.
    - A burst that gives `rule.evidence` begins a bout, one that does not is
      passed over; in a bout, every burst that begins within `rule.max_gap` of
      the offset so far belongs to it.
    - A bout is over when no burst can join it any more: `max_gap` after its
      offset, plus the length of the smoothing. It is kept if it lasts
      `min_duration` and holds `min_cry`, and withdrawn otherwise.
    - A hole in the frame times counts as calm; smoothing begins anew after it.

    Parameters
    ----------
    rule : BoutRule
    delay_s : float, ≥ 0 [s]
        Delay of the detector that gives the frames; `Detector.delay_s`.

    Raises
    ------
    ParameterError
        If `delay_s` is not finite or below 0.

    Examples
    --------
    >>> n = 200
    >>> cry = np.where(np.arange(n) < 100, 0.9, 0).astype(np.float32)
    >>> level = np.full(n, -30, np.float32)
    >>> frames = Frames(np.arange(n) * HOP_S, cry, 0 * cry, 0 * cry, level)
    >>> tracker = BoutTracker(BoutRule(0.5, 0.3))
    >>> [type(event).__name__ for event in tracker.process(frames)]
    ['BoutStarted', 'BoutEnded']
    """

    def __init__(self, rule: BoutRule, *, delay_s: float = 0.0) -> None:
        if not (np.isfinite(delay_s) and delay_s >= 0):
            raise ParameterError(
                f"delay_s={delay_s!r} must be a finite number of seconds from 0 on"
            )
        self.rule = rule
        self.delay_s = float(delay_s)
        self._window = max(1, round(rule.smoothing / HOP_S))
        self._evidence = max(1, round(rule.evidence / HOP_S))
        self._reach = round(rule.reach / HOP_S)
        self._background = round(_BACKGROUND_S / HOP_S)
        self._memory = self._window + 2 * self._reach + self._background
        self._calm_s = rule.max_gap + (self._window - 1) * HOP_S + _EPS_S
        self._reset()

    def _reset(self) -> None:
        self._last: float | None = None
        self._count = self._sum = self._over = 0
        self._closed_until = -np.inf
        self._bout: _Open | None = None
        self._begin_run()

    def _begin_run(self) -> None:
        self._known = _Run.empty()
        self._run_sum = self._sum
        self._bursting = False
        self._on_frames = 0

    def process(self, frames: Frames) -> list[BoutEvent]:
        """Take the next frames; give what is now known.

        Parameters
        ----------
        frames : Frames
            Of any number, 0 too. P(cry) from 0 to 1; levels may be −inf.

        Returns
        -------
        list of BoutStarted, BoutEnded, BoutWithdrawn
            In the order in which they came to be known.

        Raises
        ------
        ParameterError
            If times are not finite or do not increase, a P(cry) is NaN or not
            from 0 to 1, a level is NaN or +inf, or lengths differ; the frames
            are then not taken.
        """
        self._check(frames)
        if not len(frames):
            return []
        events: list[BoutEvent] = []
        times = frames.times
        jumps = np.flatnonzero(np.diff(times) > _JUMP_S) + 1
        if self._last is not None and times[0] - self._last > _JUMP_S:
            self._jump(float(times[0]), events)
        start = 0
        for stop in (*jumps.tolist(), len(frames)):
            if start:
                self._jump(float(times[start]), events)
            self._advance(frames[start:stop], events)
            start = stop
        return events

    @property
    def going_on(self) -> tuple[float, float] | None:
        """Onset and offset so far [s] of the bout that was announced and is not over."""
        bout = self._bout
        return (bout.onset, bout.offset) if bout is not None and bout.announced else None

    def flush(self) -> list[BoutEvent]:
        """End what is open, as there will be no more frames; then begin anew.

        Returns
        -------
        list of BoutEnded, BoutWithdrawn
            At most one.
        """
        events: list[BoutEvent] = []
        if self._bout is not None and self._bout.announced:
            self._close(events)
        self._reset()
        return events

    def _check(self, frames: Frames) -> None:
        times, cry, level = frames.times, frames.cry, frames.level
        if times.ndim != 1 or times.shape != cry.shape or times.shape != level.shape:
            raise ParameterError(
                f"frames: times, cry and level must be one-dimensional and of one length, "
                f"not {times.shape}, {cry.shape}, {level.shape}"
            )
        if not np.isfinite(times).all():
            raise ParameterError("frames: times must be finite")
        if (np.diff(times) <= 0).any() or (
            self._last is not None and len(times) and times[0] <= self._last
        ):
            raise ParameterError("frames: times must increase; flush() before going back in time")
        if not ((cry >= 0) & (cry <= 1)).all():
            raise ParameterError("frames: cry must be from 0 to 1, without NaN")
        if not (level < np.inf).all():
            raise ParameterError("frames: level must be below +inf, without NaN")

    def _jump(self, time: float, events: list[BoutEvent]) -> None:
        """Begin a new run of frames at `time`, after a hole."""
        bout = self._bout
        if bout is not None and not bout.announced:
            self._bout = None
        elif bout is not None and time - bout.offset > self.rule.max_gap + _EPS_S:
            self._close(events)
        self._begin_run()

    def _advance(self, frames: Frames, events: list[BoutEvent]) -> None:
        """Take frames that follow the known ones without a hole."""
        window, known = self._window, len(self._known.times)
        over = frames.cry >= np.float64(self.rule.off)
        run = _Run(
            known,
            np.concatenate([self._known.times, frames.times]),
            np.concatenate([self._known.cry, frames.cry]),
            np.concatenate([self._known.level, frames.level]),
            np.concatenate([self._known.sums, self._sum + np.cumsum(_fixed(frames.cry))]),
            np.concatenate([self._known.overs, self._over + np.cumsum(over)]),
        )
        n = len(run.times)
        before = np.concatenate([np.full(window, self._run_sum), run.sums])[known:n]
        smoothed = (run.sums[known:] - before) / (window * _ONE)
        on = smoothed >= self.rule.on
        opens = np.flatnonzero(on) + known
        closes = np.flatnonzero(smoothed < self.rule.off) + known
        overs = np.flatnonzero(over) + known
        proofs = self._proofs(on) + known

        shift = self._count - known
        at = known
        while at < n:
            if self._bursting:
                assert self._bout is not None
                close = _first_at_or_after(closes, at, n)
                proof = _first_at_or_after(proofs, at, close)
                if not self._bout.announced and proof < close:
                    self._bout.announced = True
                    events.append(BoutStarted(self._bout.onset, self._known_at(run, proof)))
                last = int(np.searchsorted(overs, close)) - 1
                if last >= 0 and overs[last] + shift >= self._bout.stop.frames:
                    self._extend(run, int(overs[last]))
                if close < n:
                    self._bursting = False
                    if not self._bout.announced:
                        self._bout = None
                at = close
            else:
                begin = _first_at_or_after(opens, at, n)
                if self._bout is not None:
                    calm = self._bout.offset + self._calm_s
                    over_at = max(at, int(np.searchsorted(run.times, calm, side="right")))
                    if over_at <= begin and over_at < n:
                        self._close(events, self._known_at(run, over_at))
                if begin < n:
                    self._open(run, begin, events)
                at = begin

        if self._bout is not None:
            rest = max(known, self._bout.stop.frames - shift)
            if rest < n:
                self._bout.peak_since = max(self._bout.peak_since, float(run.level[rest:].max()))
        self._last = float(run.times[-1])
        self._count += n - known
        self._sum = int(run.sums[-1])
        self._over = int(run.overs[-1])
        keep = slice(max(0, n - self._memory), n)
        self._known = _Run(
            0,
            *(
                # A copy, so that a long call's arrays are not kept alive by their last frames.
                getattr(run, name)[keep].copy()
                for name in ("times", "cry", "level", "sums", "overs")
            ),
        )

    def _proofs(self, on: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Where the smoothed P(cry) has been at or above `on` for just long enough."""
        edges = np.diff(on.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
        starts = np.flatnonzero(edges == 1)
        stops = np.flatnonzero(edges == -1)
        if on[0]:
            starts[0] -= self._on_frames
        self._on_frames = min(int(stops[-1] - starts[-1]), self._evidence) if on[-1] else 0
        proofs = starts + self._evidence - 1
        return proofs[(proofs < stops) & (proofs >= 0)]

    def _open(self, run: _Run, begin: int, events: list[BoutEvent]) -> None:
        """Let the burst that opens at frame `begin` join the bout, or become one."""
        shift = self._count - run.known
        if self._bout is not None:
            floor = max(0, self._bout.stop.frames - shift)
        else:
            floor = int(np.searchsorted(run.times, self._closed_until, side="right"))
        first = self._trace(run, begin, min(floor, begin))
        onset = float(run.times[first])
        if self._bout is not None and onset - self._bout.offset > self.rule.max_gap + _EPS_S:
            self._close(events, self._known_at(run, begin))
        if self._bout is None:
            cry = run.cry[first]
            self._bout = _Open(
                onset=onset,
                offset=onset,
                start=_Totals(
                    first + shift,
                    int(run.sums[first] - _fixed(cry)),
                    int(run.overs[first] - (cry >= np.float64(self.rule.off))),
                ),
                stop=_Totals(first + shift, 0, 0),
            )
        self._extend(run, begin)
        self._bursting = True

    def _trace(self, run: _Run, begin: int, floor: int) -> int:
        """Where the sound began that opens a burst at `begin`; never before `floor`."""
        off = np.float64(self.rule.off)
        window = max(floor, begin - self._window + 1)
        taking_part = np.flatnonzero(run.cry[window : begin + 1] >= off)
        first = window + int(taking_part[0]) if len(taking_part) else begin

        bound = max(floor, begin - self._window + 1 - self._reach)
        while first > bound and run.cry[first - 1] >= off:
            first -= 1

        bound = max(floor, first - self._reach)
        before = run.level[max(0, first - self._reach - self._background) : bound]
        if len(before):
            background = np.sort(before)[len(before) // 10]
            peak = run.level[first : begin + 1].max()
            least = max(background + _RISE_DB, peak - _BELOW_PEAK_DB)
            while first > bound and run.level[first - 1] > least:
                first -= 1
        return first

    def _extend(self, run: _Run, last: int) -> None:
        """Let the bout reach to the end of frame `last`, which is a new one."""
        bout, shift = self._bout, self._count - run.known
        assert bout is not None
        since = max(0, bout.stop.frames - shift)
        bout.peak = max(bout.peak, bout.peak_since, float(run.level[since : last + 1].max()))
        bout.peak_since = -np.inf
        bout.offset = float(run.times[last]) + HOP_S
        bout.stop = _Totals(last + 1 + shift, int(run.sums[last]), int(run.overs[last]))

    def _close(self, events: list[BoutEvent], at: float | None = None) -> None:
        """End or withdraw the bout, known `at` or else with the last frame taken."""
        bout, rule = self._bout, self.rule
        assert bout is not None
        if at is None:
            assert self._last is not None
            at = self._last + HOP_S + self.delay_s
        crying_s = (bout.stop.over - bout.start.over) * HOP_S
        lasted_s = bout.offset - bout.onset
        if lasted_s >= rule.min_duration - _EPS_S and crying_s >= rule.min_cry - _EPS_S:
            total = (bout.stop.cry - bout.start.cry) / _ONE
            mean = total / (bout.stop.frames - bout.start.frames)
            events.append(BoutEnded(bout.onset, bout.offset, mean, bout.peak))
        else:
            events.append(BoutWithdrawn(bout.onset, at))
        self._closed_until = bout.offset + rule.max_gap + _EPS_S
        self._bout = None

    def _known_at(self, run: _Run, frame: int) -> float:
        return float(run.times[frame]) + HOP_S + self.delay_s


def find_bouts(frames: Frames, rule: BoutRule) -> list[Bout]:
    """Find the bouts of a whole recording.

    Parameters
    ----------
    frames : Frames
        All frames of the recording, in order.
    rule : BoutRule

    Returns
    -------
    list of Bout
        Ordered and disjoint, more than `rule.max_gap` apart; empty without crying.

    Raises
    ------
    ParameterError
        As `BoutTracker.process`.

    Examples
    --------
    >>> find_bouts(Frames.empty(), BoutRule(0.5, 0.3))
    []
    """
    tracker = BoutTracker(rule)
    events = [*tracker.process(frames), *tracker.flush()]
    return [
        Bout(event.onset, event.offset, event.mean_cry, event.peak_dbfs)
        for event in events
        if isinstance(event, BoutEnded)
    ]
