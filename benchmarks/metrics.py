"""Measures, all of them pure: scores and times in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2  # type: ignore[import-untyped]

Span = tuple[float, float]
"""Begin and end, in seconds."""


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 4) -> str:
        """Write it as ``0.9917 [0.9861, 0.9960]``.

        Examples
        --------
        >>> Estimate(0.5, 0.4, 0.6).text(2)
        '0.50 [0.40, 0.60]'
        """
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def group_weights(
    groups: Sequence[str], *, resamples: int = 1000, seed: int = 1
) -> NDArray[np.float32]:
    """How often each row counts when whole groups are drawn with replacement.

    Parameters
    ----------
    groups : sequence of str, length n
    resamples, seed : int

    Returns
    -------
    float32[1 + resamples, n]
        The first row is the sample itself: every row counts once.
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.vstack([np.ones(len(index)), drawn[:, index]]).astype(np.float32)


def auc(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Area under the ROC curve for each row of weights; ties count one half.

    Parameters
    ----------
    scores : float[n]
    positive : bool[n]
    weights : float32[b, n]

    Returns
    -------
    float64[b]
        NaN where one side has no weight.

    Examples
    --------
    >>> one = np.ones((1, 4), np.float32)
    >>> auc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False]), one).tolist()
    [0.875]
    """
    order = np.argsort(scores, kind="stable")
    steps = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    yes = positive[order].astype(np.float64)
    ordered = weights[:, order].astype(np.float64)
    hits = np.add.reduceat(ordered * yes, steps, axis=1)
    misses = np.add.reduceat(ordered * (1 - yes), steps, axis=1)
    below = np.cumsum(misses, axis=1) - misses / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        area: NDArray[np.float64] = (hits * below).sum(1) / (hits.sum(1) * misses.sum(1))
    return area


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Value of the sample (the first entry) and the 95 % interval of the resamples."""
    rest = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(rest, [2.5, 97.5]) if len(rest) else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))


def threshold_for(scores: NDArray[np.floating], recall: float) -> float:
    """Highest threshold at which at least this share of `scores` reaches it.

    Examples
    --------
    >>> threshold_for(np.array([0.9, 0.8, 0.2, 0.1]), 0.5)
    0.8
    """
    kept = max(int(np.ceil(recall * len(scores) - 1e-9)), 1)
    return float(np.sort(scores)[::-1][kept - 1])


def covered(span: Span, others: Sequence[Span]) -> float:
    """Seconds of `span` that lie in any of `others`, which are disjoint.

    Examples
    --------
    >>> covered((0, 10), [(-5, 2), (8, 20)])
    4
    """
    return sum(max(0, min(span[1], b) - max(span[0], a)) for a, b in others)


@dataclass(frozen=True)
class Tally:
    """Bouts counted in scenes; tallies add up."""

    true: int = 0
    found: int = 0
    detected: int = 0
    false: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.true + other.true,
            self.found + other.found,
            self.detected + other.detected,
            self.false + other.false,
        )

    @property
    def precision(self) -> float:
        """Share of the detected bouts that are not false; 1 if there are none."""
        return 1 - self.false / self.detected if self.detected else 1.0

    @property
    def recall(self) -> float:
        """Share of the true bouts that are found; 1 if there are none."""
        return self.found / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def tally(truth: Sequence[Span], detected: Sequence[Span]) -> Tally:
    """Count one scene.

    A true bout is found if at least half of it lies in detected ones; a
    detected one is false if less than a fifth of it lies in true ones.

    Examples
    --------
    >>> tally([(0, 10), (20, 30)], [(1, 9), (50, 60)])
    Tally(true=2, found=1, detected=2, false=1)
    """
    return Tally(
        true=len(truth),
        found=sum(covered(one, detected) >= 0.5 * (one[1] - one[0]) for one in truth),
        detected=len(detected),
        false=sum(covered(one, truth) < 0.2 * (one[1] - one[0]) for one in detected),
    )


def f1_estimate(scenes: Sequence[Tally], *, resamples: int = 1000, seed: int = 1) -> Estimate:
    """F1 of all scenes together, with an interval from drawing scenes with replacement.

    Examples
    --------
    >>> f1_estimate([Tally(true=10, found=9, detected=10, false=1)] * 3).text(2)
    '0.90 [0.90, 0.90]'
    """
    counts = np.array([[t.true, t.found, t.detected, t.false] for t in scenes], np.float64)
    weights = group_weights([str(i) for i in range(len(scenes))], resamples=resamples, seed=seed)
    drawn = (weights @ counts).round().astype(int).tolist()
    return estimate(np.array([Tally(*row).f1 for row in drawn]))


def first_cover(truth: Sequence[Span], detected: Sequence[Span]) -> list[tuple[int, int]]:
    """Pair true bouts with the first detected bout over each, where that says when it began.

    A true bout that is found but lies in a detected bout that had already
    covered an earlier true one is left out: nobody announced it.

    Returns
    -------
    list of (index in truth, index in detected)

    Examples
    --------
    >>> first_cover([(0, 10), (20, 30)], [(1, 28)])
    [(0, 0)]
    """
    pairs, used = [], set()
    for i, one in enumerate(truth):
        if covered(one, detected) < 0.5 * (one[1] - one[0]):
            continue
        over = [j for j, other in enumerate(detected) if covered(one, [other]) > 0]
        if over and over[0] not in used:
            pairs.append((i, over[0]))
        used.update(over)
    return pairs


def seconds_in(spans: Sequence[Span], begin: float, end: float) -> float:
    """Seconds of [begin, end) that lie in disjoint `spans`."""
    return covered((begin, end), spans)


def rate_per_hour(events: int, hours: float) -> Estimate:
    """Events an hour with the exact 95 % interval of a Poisson count.

    Garwood (1936), "Fiducial limits for the Poisson distribution".

    Examples
    --------
    >>> rate_per_hour(0, 2.0).text(2)
    '0.00 [0.00, 1.84]'
    """
    low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    high = chi2.ppf(0.975, 2 * events + 2) / 2
    return Estimate(events / hours, float(low) / hours, float(high) / hours)


def agreement(truth: NDArray[np.float64], found: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of found − truth, and Pearson's correlation (NaN if either never varies)."""
    if np.ptp(truth) == 0 or np.ptp(found) == 0:
        return float(np.mean(found - truth)), float("nan")
    return float(np.mean(found - truth)), float(np.corrcoef(truth, found)[0, 1])
