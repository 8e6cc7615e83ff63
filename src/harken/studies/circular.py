"""Times of day: they go round, so that 23:30 and 00:30 are an hour apart, with midnight between.

Cries of one child are alike. Each child therefore counts as one, however often it
cries: a test takes one direction a child, and an interval comes from drawing
children.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate
from harken.studies.models import NONE, Fit, difference

PERIOD_H = 24.0

_NOWHERE = 1e-9
"""A resultant shorter than this points nowhere."""


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """When it happens, as a direction on a clock of 24 hours.

    Parameters
    ----------
    hour : Estimate [h]
        Mean direction, 0 up to 24, each child as one. Its ends may go beyond 0 or 24, where
        the interval spans midnight; it is not known where times have no direction.
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
    of: dict[Hashable, Hashable] = {}
    for child, group in zip(children, groups, strict=True):
        if of.setdefault(child, group) != group:
            raise ParameterError(f"child {child!r} is in two groups, which can't be dealt anew")
    means = child_means(hours, children, period=period)
    size = len(of)
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


def child_means(
    hours: ArrayLike, children: Sequence[Hashable], *, period: float = PERIOD_H
) -> NDArray[np.complex128]:
    """Give each child's mean of its times, as a point in the unit circle.

    Parameters
    ----------
    hours : array-like, shape=(n,) [h]
    children : sequence, shape=(n,)
        Whose each time is.
    period : float, > 0 [h]

    Returns
    -------
    array of complex, shape=(children,)
        In the order in which children first come. Its angle is the child's mean direction,
        its length how alike the child's times are.

    Raises
    ------
    ParameterError
        If lengths differ, or as `mean_direction`.

    Examples
    --------
    >>> child_means([6, 6, 0, 12], ["a", "a", "b", "b"]).round(6).tolist()
    [1j, 0j]
    """
    unit = _unit(hours, period)
    if len(unit) != len(children):
        raise ParameterError("hours and children must be of one length")
    place: dict[Hashable, int] = {}
    index = np.array([place.setdefault(child, len(place)) for child in children])
    means = np.zeros(len(place), np.complex128)
    np.add.at(means, index, unit)
    means /= np.bincount(index)
    return means


def time_of_day(
    hours: ArrayLike,
    children: Sequence[Hashable],
    *,
    times: int = 999,
    seed: int = 0,
    period: float = PERIOD_H,
    level: float = 0.95,
) -> TimeOfDay:
    """Give mean direction and resultant length over children, with their intervals.

    Parameters
    ----------
    hours : array-like, shape=(n,) [h]
    children : sequence, shape=(n,)
        Whose each time is. Each child counts as one, however many times it has.
    times : int, ≥ 99
        Draws of children.
    seed : int
    period : float, > 0 [h]
    level : float, above 0, below 1

    Returns
    -------
    TimeOfDay
        Without intervals where there are fewer than three children. The interval of the
        hour is open where draws point any way.

    Raises
    ------
    ParameterError
        As `child_means`.

    Examples
    --------
    >>> found = time_of_day([17, 18, 19, 20, 18, 19], ["a", "a", "b", "b", "c", "c"])
    >>> round(found.hour.value, 1), found.children
    (18.5, 3)
    """
    means = child_means(hours, children, period=period)
    size, n = len(means), len(children)
    how = "children drawn with replacement" if size >= 3 else "too few children for an interval"
    direction, length = _directions(means, times, seed, period)
    low, high = length.interval(level) if length.usable else (None, None)
    return TimeOfDay(
        _hour(direction, size, period, level, how),
        Estimate(
            length.value,
            None if low is None else max(0.0, low),
            None if high is None else min(1.0, high),
            size,
            level=level,
            how=how,
        ),
        size,
        n,
    )


def hours_apart(
    first: tuple[ArrayLike, Sequence[Hashable]],
    second: tuple[ArrayLike, Sequence[Hashable]],
    *,
    times: int = 999,
    seed: int = 0,
    period: float = PERIOD_H,
    level: float = 0.95,
) -> Estimate:
    """Say how much later in the day the second group's mean direction is.

    Parameters
    ----------
    first, second : (array-like [h], sequence)
        Times, and whose each is; no child is in both.
    times, seed, period, level
        As in `time_of_day`.

    Returns
    -------
    Estimate [h]
        From −12 to 12, the shorter way round. Not known where a group has no direction;
        without interval where one has fewer than three children, or draws point any way.

    Raises
    ------
    ParameterError
        As `child_means`.

    Examples
    --------
    >>> apart = hours_apart(([22, 23, 23], ["a", "b", "c"]), ([1, 2, 2], ["d", "e", "f"]))
    >>> round(apart.value, 6)
    3.0
    """
    means = [child_means(*one, period=period) for one in (first, second)]
    one, other = (_directions(each, times, seed + k, period)[0] for k, each in enumerate(means))
    apart = difference(other, one)
    half = period / 2
    turned = Fit((apart.value + half) % period - half, apart.error, apart.df)
    how = "each group's children drawn with replacement"
    return _hour(turned, sum(map(len, means)), period, level, how)


def hours_heard(start_hour: ArrayLike, heard_s: ArrayLike) -> NDArray[np.float64]:
    """Give how long each hour of the day was listened to.

    Parameters
    ----------
    start_hour : array-like, shape=(n,), 0 to 24 [h]
        When each recording begins.
    heard_s : array-like, shape=(n,), ≥ 0 [s]
        How long it goes on without a break.

    Returns
    -------
    array, shape=(24,) [h]

    Examples
    --------
    >>> hours_heard([22.5], [2 * 3600])[[21, 22, 23, 0, 1]].tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    begin = np.asarray(start_hour, np.float64)[:, None]
    end = begin + np.asarray(heard_s, np.float64)[:, None] / 3600
    hour = np.arange(24.0)

    def until(at: NDArray[np.float64]) -> NDArray[np.float64]:
        passed: NDArray[np.float64] = at // 24 + np.clip(at % 24 - hour, 0, 1)
        return passed

    heard: NDArray[np.float64] = (until(end) - until(begin)).sum(axis=0)
    return heard


def _directions(
    means: NDArray[np.complex128], times: int, seed: int, period: float
) -> tuple[Fit, Fit]:
    """Give the hour and the length of the mean direction, with errors from drawing children."""
    size, mean = len(means), complex(means.mean())
    length = abs(mean)
    nowhere = length < _NOWHERE
    hour = np.nan if nowhere else float(np.angle(mean) / (2 * np.pi) * period % period)
    hour = 0.0 if hour >= period else hour
    if size < 3:
        return Fit(hour, NONE.error, 1.0), Fit(length, NONE.error, 1.0)
    even = np.full(size, 1 / size)
    drawn = np.random.default_rng(seed).multinomial(size, even, max(99, times)) @ means / size
    # Drawing k of k children makes errors too small by k − 1 to k.
    more = np.sqrt(size / (size - 1))
    around = np.angle(drawn if nowhere else drawn / mean) / (2 * np.pi) * period
    return (
        Fit(hour, float(around.std(ddof=1) * more), size - 1.0),
        Fit(length, float(np.abs(drawn).std(ddof=1) * more), size - 1.0),
    )


def _hour(found: Fit, n: int, period: float, level: float, how: str) -> Estimate:
    value = found.value if np.isfinite(found.value) else None
    low, high = found.interval(level) if found.usable else (0.0, np.inf)
    # Draws that point all round the clock: any two ends would say more than is known.
    if high - low > period / 2:
        return Estimate(value, None, None, n, unit="h", level=level, how=how)
    return Estimate(value, low, high, n, unit="h", level=level, how=how)


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
