"""A number with what it is based on: its interval and its n, or the word that it is not known."""

import math
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, asdict, dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

from harken.errors import ParameterError

_IN_MINUTES_S = 120.0
"""From here on seconds are told as minutes and seconds."""

FINER = 2
"""How many more digits are said, at most, to tell the ends of an interval apart."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Parameters
    ----------
    value : float or None
        None where it cannot be known from what there is.
    low, high : float or None
        Ends of the interval; None where that end is open or cannot be known.
    n : int, ≥ 0
        How many observations it is based on.
    unit : str
        ``"s"``, ``"min/day"``, ``"share"`` (0 to 1) and so on; empty for a count.
    level : float, above 0, below 1
        How often intervals made like this one hold the truth, if days and cries
        do not hang together.
    how : str
        How it was made, in plain words.

    Examples
    --------
    >>> str(Estimate(34.2, 21.4, 58.0, 31, unit="s"))
    '34 s (21 to 58, n = 31)'
    >>> str(Estimate(138.2, 137.9, 138.4, 152, unit="beats/min"))
    '138.2 beats/min (137.9 to 138.4, n = 152)'
    >>> str(Estimate(None, None, None, 2, unit="s"))
    'not known (n = 2)'
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    _: KW_ONLY
    unit: str = ""
    level: float = 0.95
    how: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.

        Examples
        --------
        >>> share(1, 2).as_dict()["n"]
        2
        """
        return asdict(self)

    def __str__(self) -> str:
        based = f"n = {self.n}"
        if self.value is None:
            known = "" if self.low is None else f", at least {self._say(self.low, named=True)}"
            return f"not known{known} ({based})"
        low, high, finer = self.low, self.high, self.finer(self._say)
        if low is not None and (high is None or finer is not None):
            end = "or more" if high is None else f"to {self._say(high, finer or 0)}"
            based = f"{self._say(low, finer or 0)} {end}, {based}"
        return f"{self._say(self.value, finer or 0, named=True)} ({based})"

    def finer(self, say: Callable[[float, int], str]) -> int | None:
        """Give how many more digits it takes until both ends of the interval are not said alike.

        Ends that round to one number would pass for a value that is known exactly.

        Parameters
        ----------
        say : callable
            (Number, how many more digits than usual) → text.

        Returns
        -------
        int or None, 0 to `FINER`
            None where there are no two ends, or they stay alike: then there is no interval to
            tell.

        Examples
        --------
        >>> one = Estimate(92.2, 91.8, 92.4, 60)
        >>> one.finer(lambda number, more: f"{number:.{more}f}")
        1
        """
        if self.low is None or self.high is None:
            return None
        for more in range(FINER + 1):
            if say(self.low, more) != say(self.high, more):
                return more
        return None

    def _say(self, number: float, finer: int = 0, *, named: bool = False) -> str:
        """Say a number with the digits that the largest of them bears, and so many more."""
        known = [one for one in (self.value, self.low, self.high) if one is not None]
        largest = max(map(abs, known))
        if self.unit == "s" and largest >= _IN_MINUTES_S and not finer:
            minutes, seconds = divmod(round(number), 60)
            return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        digits = finer + (self.unit != "share" and largest < 10)
        text = f"{100 * number if self.unit == 'share' else number:.{digits}f}"
        text = text if finer else text.removesuffix(".0")
        text = text.removeprefix("-") if not text.strip("-0.") else text
        unit = "%" if self.unit == "share" else self.unit
        return f"{text} {unit}".rstrip() if named else text


def unknown(n: int = 0, *, unit: str = "", how: str = "") -> Estimate:
    """Give the estimate that says that it is not known.

    Parameters
    ----------
    n : int, ≥ 0
    unit, how : str

    Returns
    -------
    Estimate

    Examples
    --------
    >>> str(unknown(3))
    'not known (n = 3)'
    """
    return Estimate(None, None, None, n, unit=unit, how=how)


def share(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Give a share with Wilson's interval, which stays right for small n and near 0 and 1.

    Parameters
    ----------
    k, n : int, 0 ≤ k ≤ n
        How many of how many.
    level : float, above 0, below 1

    Returns
    -------
    Estimate
        From 0 to 1; not known where n is 0.

    Raises
    ------
    ParameterError
        If k is not from 0 to n.

    Source
    ------
    E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209–212.

    Examples
    --------
    >>> str(share(8, 10))
    '80 % (49 to 94, n = 10)'
    """
    if not 0 <= k <= n:
        raise ParameterError(f"share: k={k} must be from 0 to n={n}")
    if n == 0:
        return Estimate(None, None, None, 0, unit="share", level=level, how="Wilson")
    z = z_of(level)
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, middle - half)
    high = 1.0 if k == n else min(1.0, middle + half)
    return Estimate(p, low, high, n, unit="share", level=level, how="Wilson")


def mean_by_day(
    values: Iterable[float], *, unit: str = "", least: float | None = 0.0, level: float = 0.95
) -> Estimate:
    """Give the mean over days with Student's interval: the day is what is drawn anew, not the cry.

    Parameters
    ----------
    values : iterable of float
        One number a day, of whole days.
    unit : str
    least : float or None
        Where the quantity ends: the interval goes no lower.
    level : float, above 0, below 1

    Returns
    -------
    Estimate
        Not known without a day; without an interval for a single one, and where
        all are alike.

    Raises
    ------
    ParameterError
        If a value is not finite.

    Examples
    --------
    >>> str(mean_by_day([100, 120, 140], unit="min/day"))
    '120 min/day (70 to 170, n = 3)'
    >>> str(mean_by_day([100.0], unit="min/day"))
    '100 min/day (n = 1)'
    """
    every = [float(one) for one in values]
    if not all(map(math.isfinite, every)):
        raise ParameterError("mean_by_day: every value must be a finite number")
    n = len(every)
    how = "Student's t over days"
    if n == 0:
        return Estimate(None, None, None, 0, unit=unit, level=level, how=how)
    mean = math.fsum(every) / n
    if n == 1:
        return Estimate(mean, None, None, 1, unit=unit, level=level, how="a single day")
    if max(every) == min(every):
        # Days that are all alike say nothing of how days differ.
        return Estimate(mean, None, None, n, unit=unit, level=level, how=how)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in every) / (n - 1))
    half = t_of(level, n - 1) * spread / math.sqrt(n)
    low = mean - half if least is None else max(least, mean - half)
    return Estimate(mean, low, mean + half, n, unit=unit, level=level, how=how)


def share_by_day(counts: Iterable[tuple[int, int]], *, level: float = 0.95) -> Estimate:
    """Give a share where what happens on one day hangs together, as cries of one night do.

    Parameters
    ----------
    counts : iterable of (int, int), 0 ≤ k ≤ n
        How many of how many, day by day; days with none of anything say nothing.
    level : float, above 0, below 1

    Returns
    -------
    Estimate
        Wilson's interval for as many independent observations as the days are
        worth: never more than there are.

    Raises
    ------
    ParameterError
        If a count is not from 0 to its n.

    Source
    ------
    J. N. K. Rao and A. J. Scott (1992), Biometrics 48, 577–585: counts divided by
    the design effect.

    Examples
    --------
    >>> str(share_by_day([(2, 2), (2, 3), (4, 5)]))
    '80 % (49 to 94, n = 10)'
    >>> str(share_by_day([(4, 4), (0, 4), (4, 4), (0, 4)]))
    '50 % (13 to 87, n = 16)'
    """
    days = [(k, n) for k, n in counts if n or k]
    hits, total = sum(k for k, _ in days), sum(n for _, n in days)
    if any(not 0 <= k <= n for k, n in days):
        raise ParameterError("share_by_day: each k must be from 0 to its n")
    plain = share(hits, total, level=level)
    if plain.value is None or len(days) < 2 or not 0 < plain.value < 1:
        return plain
    p = plain.value
    spread = math.fsum((k - p * n) ** 2 for k, n in days) * len(days) / (len(days) - 1)
    effect = max(1.0, spread / (total * p * (1 - p)))
    worth, z = total / effect, z_of(level)
    middle = (p + z * z / (2 * worth)) / (1 + z * z / worth)
    half = z / (1 + z * z / worth) * math.sqrt(p * (1 - p) / worth + (z / (2 * worth)) ** 2)
    how = "Wilson, for cries that hang together by day"
    return Estimate(p, middle - half, middle + half, total, unit="share", level=level, how=how)


@lru_cache(maxsize=64)
def z_of(level: float = 0.95) -> float:
    """Give how many standard errors on either side make an interval of the normal law.

    Parameters
    ----------
    level : float, above 0, below 1

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        If the level is out of range.

    Examples
    --------
    >>> round(z_of(0.95), 3)
    1.96
    """
    if not 0 < level < 1:
        raise ParameterError(f"level={level:g} must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + level) / 2)


@lru_cache(maxsize=2048)
def t_of(level: float, freedom: int) -> float:
    """Give how many standard errors on either side make an interval of Student's law.

    Parameters
    ----------
    level : float, above 0, below 1
    freedom : int, ≥ 1
        Degrees of freedom.

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        If a value is out of range.

    Source
    ------
    The probability of staying within ±t as a finite sum of cosines: Abramowitz
    and Stegun, 26.7.3 and 26.7.4. It is inverted by bisection.

    Examples
    --------
    >>> round(t_of(0.95, 9), 3)
    2.262
    """
    if freedom < 1:
        raise ParameterError(f"freedom={freedom} must be at least 1")
    if not 0 < level < 1:
        raise ParameterError(f"level={level:g} must lie between 0 and 1")
    if freedom > 2000:
        return z_of(level)
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """Give the probability of staying within tan(angle)·√freedom on either side."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
