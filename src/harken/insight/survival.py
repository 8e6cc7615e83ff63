"""Times that may end unseen: Kaplan–Meier for one way to end, Aalen–Johansen for several.

A cry that stopped before anybody came says that the answer took *longer* than
that, not that there was none and not that it took that long. These curves use
such times for what they say. Bands are made on the scale log(−log), so they
stay within 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate, share, z_of


@dataclass(frozen=True, slots=True)
class Curve:
    """A step curve: each value holds from its time to the next one.

    Parameters
    ----------
    times : tuple of float [s]
        Begins with 0; then each time at which something ended, seen or unseen.
    values : tuple of float, 0 to 1
        Of `kaplan_meier` the share still waiting, from 1 down; of
        `cumulative_incidence` the share that has ended in this way, from 0 up.
    low, high : tuple of float, 0 to 1
        The band.
    at_risk : tuple of int
        How many were still waiting just before the time.
    ended : tuple of int
        How many ended at the time, in the way that the curve is about.
    n : int
        How many there are.
    level : float
    falls : bool
        Whether it is the share still waiting.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    at_risk: tuple[int, ...]
    ended: tuple[int, ...]
    n: int
    level: float = 0.95
    falls: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name, tuples as lists.
        """
        return {
            "times": list(self.times),
            "values": list(self.values),
            "low": list(self.low),
            "high": list(self.high),
            "at_risk": list(self.at_risk),
            "ended": list(self.ended),
            "n": self.n,
            "level": self.level,
            "falls": self.falls,
        }

    def by(self, time: float) -> Estimate:
        """Give the share that has ended by a time, with the band there.

        Parameters
        ----------
        time : float, ≥ 0 [s]

        Returns
        -------
        Estimate
            Not known where nobody was watched for that long.

        Examples
        --------
        >>> str(kaplan_meier([4, 8, 20, 40], [1, 1, 0, 1]).by(10))
        '50 % (16 to 94, n = 4)'
        """
        how = "Kaplan–Meier" if self.falls else "Aalen–Johansen"
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        alone = time > self.times[-1] and not self._over
        if place < 0 or self.n == 0 or alone:
            return Estimate(None, None, None, self.n, unit="share", level=self.level, how=how)
        value, low, high = self.values[place], self.low[place], self.high[place]
        if self.falls:
            value, low, high = 1 - value, 1 - high, 1 - low
        return Estimate(value, low, high, self.n, unit="share", level=self.level, how=how)

    def quantile(self, share: float = 0.5) -> Estimate:
        """Give the time by which a share has ended, with its interval; by default the median.

        Parameters
        ----------
        share : float, above 0, below 1

        Returns
        -------
        Estimate
            Not known where so many did not end in sight; its low end may be known
            then. The high end is open where the band never comes so far.

        Raises
        ------
        ParameterError
            If the share is out of range.

        Source
        ------
        R. Brookmeyer and J. Crowley (1982), Biometrics 38, 29–41: the times at
        which the band crosses the share.

        Examples
        --------
        >>> str(kaplan_meier([5, 10, 20, 30, 60]).quantile())
        '20 s (5 or more, n = 5)'
        """
        if not 0 < share < 1:
            raise ParameterError(f"share={share:g} must lie between 0 and 1")
        how = "Kaplan–Meier" if self.falls else "Aalen–Johansen"
        value, soon, late = (
            self._first(line, share)
            for line in (
                self.values,
                self.low if self.falls else self.high,
                self.high if self.falls else self.low,
            )
        )
        # From 0 on is no bound at all: too few were watched.
        known = soon if soon or value == 0 or late is not None else None
        return Estimate(value, known, late, self.n, unit="s", level=self.level, how=how)

    def thinned(self, most: int = 300) -> "Curve":
        """Give the curve with fewer points, for drawing: those that stay are as they were.

        Parameters
        ----------
        most : int, ≥ 2
            Points that may stay.

        Returns
        -------
        Curve
            Itself where it has no more.
        """
        count = len(self.times)
        if count <= most:
            return self
        places = np.unique(np.linspace(0, count - 1, most).round().astype(int)).tolist()
        sums = np.concatenate([[0], np.cumsum(self.ended)])
        ends = [sums[place + 1] for place in places]
        return replace(
            self,
            times=tuple(self.times[place] for place in places),
            values=tuple(self.values[place] for place in places),
            low=tuple(self.low[place] for place in places),
            high=tuple(self.high[place] for place in places),
            at_risk=tuple(self.at_risk[place] for place in places),
            ended=tuple(np.diff([0, *ends]).tolist()),
        )

    @property
    def _over(self) -> bool:
        """Whether nobody is left of whom it is not known how it went on."""
        return self.falls and self.n > 0 and self.values[-1] == 0

    def _first(self, line: Sequence[float], share: float) -> float | None:
        for time, value in zip(self.times, line, strict=True):
            # 1 − 0.1 − … is a hair off: a value that is the share up to rounding is the share.
            if (value <= 1 - share + 1e-12) if self.falls else (value >= share - 1e-12):
                return time
        return None


def kaplan_meier(
    durations: ArrayLike, observed: ArrayLike | None = None, *, level: float = 0.95
) -> Curve:
    """Estimate the share still waiting, where some were not watched to the end.

    Parameters
    ----------
    durations : float[n], ≥ 0 [s]
        How long each was watched.
    observed : bool[n], optional
        Whether it ended then; False: it had not ended when watching stopped. By
        default all ended.
    level : float, above 0, below 1

    Returns
    -------
    Curve
        Of one point where n is 0. Where all have ended the band's upper edge stays
        as it was: that nobody waited longer here does not say that nobody would.
        Where none has ended, its lower edge is Wilson's for none of those who went
        on: that none was seen does not say that there is none.

    Raises
    ------
    ParameterError
        If the lengths differ, or a duration is negative or not finite.

    Source
    ------
    E. L. Kaplan and P. Meier (1958), J. Am. Stat. Assoc. 53, 457–481; the band by
    Greenwood's variance on the scale log(−log), as R's survfit with
    ``conf.type="log-log"``.

    Examples
    --------
    >>> curve = kaplan_meier([6, 6, 6, 7, 10], [1, 1, 0, 1, 0])
    >>> [round(one, 3) for one in curve.values]
    [1.0, 0.6, 0.3, 0.3]
    """
    times, ended = _read(durations, observed)
    if ended.max(initial=0) > 1:
        raise ParameterError("observed must hold true and false only")
    points, at_risk, counts = _table(times, ended)
    gone = counts[:, 1:].sum(axis=1) if counts.shape[1] > 1 else np.zeros(len(points), np.int64)
    n = len(times)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        survival = np.cumprod(1 - np.where(at_risk > 0, gone / np.maximum(at_risk, 1), 0.0))
        # Exactly 0 where the last ones ended, whatever the rounding before.
        survival[(at_risk > 0) & (gone == at_risk)] = 0.0
        survival = np.minimum.accumulate(survival) if len(survival) else survival
        terms = np.where(gone > 0, gone / (at_risk * (at_risk - gone)), 0.0)
        error = np.sqrt(np.cumsum(terms))
        log = np.log(survival)
        shift = z_of(level) * error / log
        low = np.exp(-np.exp(np.log(-log) - shift))
        high = np.exp(-np.exp(np.log(-log) + shift))
    whole, none = survival == 1, survival == 0
    low[whole], high[whole] = 1 - _at_most(at_risk, counts, level)[whole], 1.0
    low[none] = 0.0
    if none.any():
        first = int(np.argmax(none))
        high[none] = high[first - 1] if first else 1.0
    return Curve(
        (0.0, *points.tolist()),
        (1.0, *survival.tolist()),
        (1 - _none_of(n, level), *low.tolist()),
        (1.0, *high.tolist()),
        (n, *at_risk.tolist()),
        (0, *gone.tolist()),
        n,
        level,
    )


def cumulative_incidence(
    durations: ArrayLike, causes: ArrayLike, *, kinds: int | None = None, level: float = 0.95
) -> dict[int, Curve]:
    """Estimate the share that has ended in each of several ways, where each forestalls the others.

    Parameters
    ----------
    durations : float[n], ≥ 0 [s]
    causes : int[n], ≥ 0
        Way in which it ended; 0: it had not ended when watching stopped.
    kinds : int, ≥ 1, optional
        How many ways there are; by default the highest in `causes`.
    level : float, above 0, below 1

    Returns
    -------
    dict of int to Curve
        By way, from 1 to `kinds`. At any time the curves and the share still
        waiting add up to 1.

    Raises
    ------
    ParameterError
        If the lengths differ, a duration is negative or not finite, or a cause is
        not a whole number from 0 to `kinds`.

    Source
    ------
    O. Aalen and S. Johansen (1978), Scand. J. Stat. 5, 141–150; variance by the
    delta method as in E. Marubini and M. G. Valsecchi (1995), *Analysing Survival
    Data*, with the band on the scale log(−log).

    Examples
    --------
    >>> curves = cumulative_incidence([10, 20, 30, 40], [1, 2, 0, 1])
    >>> curves[1].values, curves[2].values[-1]
    ((0.0, 0.25, 0.25, 0.25, 0.75), 0.25)
    """
    times, causes_ = _read(durations, causes)
    most = int(causes_.max(initial=0))
    kinds = max(1, most) if kinds is None else kinds
    if kinds < 1 or most > kinds:
        raise ParameterError(f"causes must be whole numbers from 0 to kinds={kinds}")
    points, at_risk, counts = _table(times, causes_, kinds=kinds)
    n = len(times)
    gone = counts[:, 1:].sum(axis=1)
    risk = np.maximum(at_risk, 1).astype(float)
    before = np.concatenate([[1.0], np.cumprod(1 - gone / risk)[:-1]]) if len(points) else risk
    curves: dict[int, Curve] = {}
    z = z_of(level)
    for cause in range(1, kinds + 1):
        own = counts[:, cause]
        rise = np.cumsum(before * own / risk)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = np.where(gone < at_risk, gone / (risk * (risk - gone)), 0.0)
            term = before * own / risk**2
            # Σ (F(t) − F(tᵢ))² aᵢ, and so on, by sums that grow: F(t) stands outside them.
            square = (
                rise**2 * np.cumsum(left)
                - 2 * rise * np.cumsum(left * rise)
                + np.cumsum(left * rise**2)
            )
            cross = rise * np.cumsum(term) - np.cumsum(term * rise)
            own_part = np.cumsum(before**2 * own * (risk - own) / risk**3)
            variance = np.maximum(square + own_part - 2 * cross, 0.0)
            log = np.log(rise)
            shift = z * np.sqrt(variance) / (rise * np.abs(log))
            low = np.exp(-np.exp(np.log(-log) + shift))
            high = np.exp(-np.exp(np.log(-log) - shift))
        none, all_ = rise <= 0, rise >= 1
        low[none], high[none] = 0.0, _at_most(at_risk, counts, level)[none]
        high[all_] = 1.0
        if all_.any():
            first = int(np.argmax(all_))
            low[all_] = low[first - 1] if first else 0.0
        curves[cause] = Curve(
            (0.0, *points.tolist()),
            (0.0, *np.minimum(rise, 1.0).tolist()),
            (0.0, *low.tolist()),
            (_none_of(n, level), *high.tolist()),
            (n, *at_risk.tolist()),
            (0, *own.tolist()),
            n,
            level,
            falls=False,
        )
    return curves


@lru_cache(maxsize=4096)
def _none_of(n: int, level: float) -> float:
    """Give how large a share may be of which none was seen among n."""
    return share(0, n, level=level).high or 0.0 if n else 1.0


def _at_most(
    at_risk: NDArray[np.int64], counts: NDArray[np.int64], level: float
) -> NDArray[np.float64]:
    """Give that for each time, where nothing has been seen to end: of those who went on."""
    going_on = np.maximum(at_risk - counts.sum(axis=1), 1)
    return np.array([_none_of(one, level) for one in going_on.tolist()], np.float64)


def _read(
    durations: ArrayLike, ended: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    times = np.asarray(durations, dtype=np.float64)
    if ended is None:
        ended = np.ones(times.shape, np.int64)
    given = np.asarray(ended)
    if times.ndim != 1 or given.shape != times.shape:
        raise ParameterError("durations and what became of them must be two lists of one length")
    if not np.isfinite(times).all() or (times < 0).any():
        raise ParameterError("durations must be numbers from 0 up")
    whole = given.astype(np.int64)
    if (whole != given).any() or (whole < 0).any():
        raise ParameterError("what became of a duration must be a whole number from 0 up")
    return times, whole


def _table(
    times: NDArray[np.float64], ended: NDArray[np.int64], *, kinds: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Give the times at which something ended, who was at risk, and the counts by way."""
    points, place = np.unique(times, return_inverse=True)
    counts = np.zeros((len(points), kinds + 1), np.int64)
    np.add.at(counts, (place, ended), 1)
    leaving = counts.sum(axis=1)
    at_risk = len(times) - np.concatenate([[0], np.cumsum(leaving)[:-1]]).astype(np.int64)
    return points, at_risk[: len(points)], counts
