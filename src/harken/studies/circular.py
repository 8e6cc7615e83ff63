"""Times of day: they go round, so that 23:30 and 00:30 are an hour apart, with midnight between.

Cries of one child are alike. Each test here therefore takes *one* direction a
child, never one a cry, and each interval comes from drawing children.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate

PERIOD_H = 24.0

_NOWHERE = 1e-9
"""A resultant shorter than this points nowhere."""


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """When it happens, as a direction on a clock of 24 hours.

    Parameters
    ----------
    hour : Estimate [h]
        Mean direction, 0 up to 24. Its ends may go beyond 0 or 24, where the interval
        spans midnight; it is not known where times have no direction.
    resultant : Estimate, 0 to 1
        Length of the mean direction: 0, spread evenly or in opposite heaps; 1, all at one time.
    children, n : int
        Children, and times of theirs.
    """

    hour: Estimate
    resultant: Estimate
    children: int
    n: int


@dataclass(frozen=True, slots=True)
class CircularTest:
    """What a test gave.

    Parameters
    ----------
    name : str
    statistic : float
    p : float, 0 to 1
        How often chance alone would give as much or more, if there were nothing to
        find. It is not the chance that there is nothing.
    n : int
        Directions that were tested: children, where they are known.
    note : str
        What it rests on and may not hold; may be empty.
    """

    name: str
    statistic: float
    p: float
    n: int
    note: str = ""


def mean_direction(hours: ArrayLike, *, period: float = PERIOD_H) -> float | None:
    """Give the mean direction of times.

    Parameters
    ----------
    hours : array-like, shape=(n,) [h]
        At least one.
    period : float, > 0 [h]

    Returns
    -------
    float or None [h]
        From 0 up to `period`; None where they point nowhere, as 6 and 18 o'clock do.

    Raises
    ------
    ParameterError
        If there are no times, one is not a number, or the period is not above 0.

    Source
    ------
    Mardia & Jupp, Directional Statistics, 2000, ch. 2.

    Examples
    --------
    >>> round(mean_direction([23, 1, 3]), 3)
    1.0
    >>> mean_direction([6, 18]) is None
    True
    """
    mean = complex(_unit(hours, period).mean())
    if abs(mean) < _NOWHERE:
        return None
    # Half a turn of rounding below 0 would else be told as the whole period.
    found = float(np.angle(mean) / (2 * np.pi) * period % period)
    return 0.0 if found >= period else found


def resultant_length(hours: ArrayLike, *, period: float = PERIOD_H) -> float:
    """Give the length of the mean direction: 1 − circular variance.

    Parameters
    ----------
    hours, period
        As in `mean_direction`.

    Returns
    -------
    float, 0 to 1

    Raises
    ------
    ParameterError
        As `mean_direction`.

    Examples
    --------
    >>> round(resultant_length([0, 6]), 4)
    0.7071
    """
    return min(1.0, float(abs(_unit(hours, period).mean())))


def rayleigh(hours: ArrayLike, *, period: float = PERIOD_H) -> CircularTest:
    """Test whether times have one direction at all, against times spread evenly.

    Parameters
    ----------
    hours : array-like, shape=(n,) [h]
        One for each child; times of one child are not independent.
    period : float, > 0 [h]

    Returns
    -------
    CircularTest
        With ``n·R²``.

    Raises
    ------
    ParameterError
        As `mean_direction`, or if there are fewer than three.

    Source
    ------
    Zar, Biostatistical Analysis, 5th ed. 2010, eq. 27.4 (the approximation of p).

    Examples
    --------
    >>> rayleigh([18, 19, 20, 21, 17, 18]).p < 0.01
    True
    """
    unit = _unit(hours, period)
    n = len(unit)
    if n < 3:
        raise ParameterError(f"Rayleigh's test needs at least 3 directions, there are {n}")
    length = float(abs(unit.sum()))
    p = float(np.exp(np.sqrt(1 + 4 * n + 4 * (n * n - length * length)) - (1 + 2 * n)))
    note = "finds one heap, not two opposite ones"
    return CircularTest("Rayleigh", length * length / n, min(1.0, p), n, note)


def watson_williams(*groups: ArrayLike, period: float = PERIOD_H) -> CircularTest:
    """Test whether groups have one mean direction; it trusts in a shape of their spread.

    Parameters
    ----------
    *groups : array-like, shape=(n,) [h]
        Two or more, each with at least two directions: one for each child.
    period : float, > 0 [h]

    Returns
    -------
    CircularTest
        With F. Its note says so where the mean resultant is below 0.45, too spread
        for this test; then trust `permutation_test`.

    Raises
    ------
    ParameterError
        If there are too few groups or directions, or as `mean_direction`.

    Source
    ------
    Watson & Williams, Biometrika 43 (1956) 344-352; correction as in Mardia & Jupp, 2000, 7.4.

    Examples
    --------
    >>> watson_williams([17, 18, 19, 18], [20, 21, 22, 21]).p < 0.01
    True
    """
    from scipy.stats import f

    if len(groups) < 2:
        raise ParameterError("Watson-Williams needs at least two groups")
    units = [_unit(one, period) for one in groups]
    least = min(len(one) for one in units)
    if least < 2:
        raise ParameterError(f"Watson-Williams needs 2 directions in each group, one has {least}")
    n, k = sum(len(one) for one in units), len(units)
    lengths = sum(float(abs(one.sum())) for one in units)
    total = float(abs(np.concatenate(units).sum()))
    inner = max(n - lengths, 1e-12)
    statistic = (1 + 3 / (8 * _kappa(lengths / n))) * (n - k) / (k - 1) * (lengths - total) / inner
    note = "" if lengths / n >= 0.45 else "directions are too spread for it: use the permutation"
    return CircularTest("Watson-Williams", statistic, float(f.sf(statistic, k - 1, n - k)), n, note)


def permutation_test(
    hours: Sequence[float],
    groups: Sequence[Hashable],
    children: Sequence[Hashable],
    *,
    times: int = 1999,
    seed: int = 0,
    period: float = PERIOD_H,
) -> CircularTest:
    """Test whether groups differ in time of day, by dealing children to groups anew.

    Each child counts as one: the mean of its times, with its length. That way a child that
    cries at any hour says little, and one that cries a lot no more than others.

    Parameters
    ----------
    hours : sequence of float, shape=(n,) [h]
    groups, children : sequence, shape=(n,)
        Of each time. A child is in one group.
    times : int, ≥ 99
        How often they are dealt.
    seed : int
    period : float, > 0 [h]

    Returns
    -------
    CircularTest
        The statistic is how much longer the groups' resultants are than that of all, a share
        of all children, 0 to 1. p counts what was seen as one of the deals, so it is never 0.

    Raises
    ------
    ParameterError
        If lengths differ, a child is in two groups, a group has one child, there is one
        group, or as `mean_direction`.

    Examples
    --------
    >>> day = [8, 9, 10, 9, 8, 10, 9, 9]
    >>> night = [20, 21, 22, 21, 20, 22, 21, 21]
    >>> test = permutation_test(day + night, ["a"] * 8 + ["b"] * 8, list(range(16)), times=199)
    >>> test.p
    0.005
    """
    if not len(hours) == len(groups) == len(children):
        raise ParameterError("hours, groups and children must be of one length")
    if times < 99:
        raise ParameterError(f"times={times} must be at least 99")
    unit = _unit(hours, period)
    of: dict[Hashable, Hashable] = {}
    for child, group in zip(children, groups, strict=True):
        if of.setdefault(child, group) != group:
            raise ParameterError(f"child {child!r} is in two groups, which can't be dealt anew")
    place = {child: k for k, child in enumerate(of)}
    index = np.array([place[child] for child in children])
    size = len(of)
    weights = np.bincount(index, minlength=size)
    means = np.bincount(index, unit.real, size) + 1j * np.bincount(index, unit.imag, size)
    means = means / weights
    names = list(dict.fromkeys(of.values()))
    if len(names) < 2:
        raise ParameterError("there is one group only: nothing to compare")
    belongs = np.array([names.index(group) for group in of.values()])
    if (few := np.bincount(belongs).min()) < 2:
        raise ParameterError(f"each group needs at least 2 children, one has {few}")

    def apart(which: NDArray[np.intp]) -> float:
        lengths = [abs(means[which == k].sum()) for k in range(len(names))]
        return float(sum(lengths) - abs(means.sum())) / size

    seen = apart(belongs)
    random = np.random.default_rng(seed)
    more = sum(apart(random.permutation(belongs)) >= seen - 1e-12 for _ in range(times))
    return CircularTest("permutation of children", seen, (1 + more) / (1 + times), size)


def time_of_day(
    hours: Sequence[float],
    children: Sequence[Hashable],
    *,
    times: int = 999,
    seed: int = 0,
    period: float = PERIOD_H,
    level: float = 0.95,
) -> TimeOfDay:
    """Give mean direction and resultant length, with intervals from drawing children.

    Parameters
    ----------
    hours : sequence of float, shape=(n,) [h]
    children : sequence, shape=(n,)
        Whose each time is.
    times : int, ≥ 99
        Draws of the bootstrap.
    seed : int
    period : float, > 0 [h]
    level : float, above 0, below 1

    Returns
    -------
    TimeOfDay
        Without intervals where there are fewer than three children. The interval of the
        hour is open where some draws point any way; that of the resultant is a percentile
        interval, which leans high where there is no direction.

    Raises
    ------
    ParameterError
        If lengths differ, or as `mean_direction`.

    Examples
    --------
    >>> found = time_of_day([17, 18, 19, 20, 18, 19], ["a", "a", "b", "b", "c", "c"])
    >>> round(found.hour.value, 1), found.children
    (18.5, 3)
    """
    if len(hours) != len(children):
        raise ParameterError("hours and children must be of one length")
    unit = _unit(hours, period)
    names, index = np.unique([str(one) for one in children], return_inverse=True)
    size, n = len(names), len(unit)
    mean, length = mean_direction(hours, period=period), resultant_length(hours, period=period)
    how = "children drawn with replacement"
    if size < 3:
        few = "too few children for an interval"
        hour = Estimate(mean, None, None, size, unit="h", level=level, how=few)
        return TimeOfDay(hour, Estimate(length, None, None, size, level=level, how=few), size, n)
    sums = np.bincount(index, unit.real, size) + 1j * np.bincount(index, unit.imag, size)
    weights = np.bincount(index, minlength=size).astype(float)
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), max(99, times))
    means = (drawn @ sums) / (drawn @ weights)
    ends = 50 * (1 - level), 100 - 50 * (1 - level)
    low, high = np.percentile(np.abs(means), ends)
    resultant = Estimate(length, float(low), float(high), size, level=level, how=how)
    if mean is None:
        hour = Estimate(None, None, None, size, unit="h", level=level, how=how)
        return TimeOfDay(hour, resultant, size, n)
    turned = np.angle(means * np.exp(-2j * np.pi * mean / period)) / (2 * np.pi) * period
    low, high = np.percentile(turned, ends)
    if high - low > period / 2:
        # Draws point all round the clock: any two ends would say more than is known.
        hour = Estimate(mean, None, None, size, unit="h", level=level, how=how)
    else:
        hour = Estimate(
            mean, mean + float(low), mean + float(high), size, unit="h", level=level, how=how
        )
    return TimeOfDay(hour, resultant, size, n)


def _unit(hours: ArrayLike, period: float) -> NDArray[np.complex128]:
    values = np.asarray(hours, np.float64)
    if not (np.isfinite(period) and period > 0):
        raise ParameterError(f"period={period!r} must be above 0")
    if values.ndim != 1 or not len(values):
        raise ParameterError("there are no times of day")
    if not np.isfinite(values).all():
        raise ParameterError("a time of day is not a number: leave such rows out")
    turned: NDArray[np.complex128] = np.exp(2j * np.pi * values / period)
    return turned


def _kappa(length: float) -> float:
    """Give the concentration that has this mean resultant (Fisher 1993, eq. 3.47)."""
    if length < 0.53:
        return max(1e-9, 2 * length + length**3 + 5 * length**5 / 6)
    if length < 0.85:
        return -0.4 + 1.39 * length + 0.43 / (1 - length)
    return 1 / max(1e-12, length**3 - 4 * length**2 + 3 * length)
