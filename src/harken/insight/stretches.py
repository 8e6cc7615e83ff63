"""Stretches of time as numbers: joined where they overlap, so that nothing is counted twice."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Stretch = tuple[float, float]
"""Begin and end in seconds since 1970."""


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that overlap or touch.

    Parameters
    ----------
    stretches : iterable of (float, float) [s]
        In any order. One that does not end after its begin counts for nothing.

    Returns
    -------
    list of (float, float)
        In order, with a gap between any two.

    Examples
    --------
    >>> joined([(5, 8), (0, 2), (7, 9), (3, 3)])
    [(0, 2), (5, 9)]
    """
    found: list[Stretch] = []
    for begin, end in sorted(one for one in stretches if one[1] > one[0]):
        if found and begin <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return found


def gaps(stretches: Sequence[Stretch], begin: float, end: float) -> list[Stretch]:
    """Give what joined stretches leave free between two moments.

    Parameters
    ----------
    stretches : sequence of (float, float) [s]
        As `joined` gives them.
    begin, end : float [s]

    Returns
    -------
    list of (float, float)
        In order.

    Examples
    --------
    >>> gaps([(1, 2), (5, 9)], 0, 8)
    [(0, 1), (2, 5)]
    """
    free, at = [], begin
    for since, until in stretches:
        if since >= end:
            break
        if since > at:
            free.append((at, since))
        at = max(at, until)
    if at < end:
        free.append((at, end))
    return free


def amounts(
    stretches: Sequence[Stretch], begins: ArrayLike, ends: ArrayLike
) -> NDArray[np.float64]:
    """Give how much of each window is covered.

    Parameters
    ----------
    stretches : sequence of (float, float) [s]
        As `joined` gives them.
    begins, ends : float[n] [s]
        The windows.

    Returns
    -------
    float64[n] [s]

    Examples
    --------
    >>> amounts([(1, 2), (5, 9)], [0, 6], [6, 10]).tolist()
    [2.0, 3.0]
    """
    begins, ends = np.asarray(begins, np.float64), np.asarray(ends, np.float64)
    if not stretches:
        return np.zeros(begins.shape)
    edges = np.asarray(stretches, np.float64)
    # Seconds are counted from the first edge: at the scale of 1970 a float keeps only 0.2 µs.
    zero = edges[0, 0]
    points = edges.ravel() - zero
    lengths = np.cumsum(edges[:, 1] - edges[:, 0])
    covered = np.stack([np.concatenate([[0.0], lengths[:-1]]), lengths], axis=1).ravel()
    return np.asarray(
        np.interp(ends - zero, points, covered) - np.interp(begins - zero, points, covered)
    )
