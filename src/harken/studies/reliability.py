"""How far two or more raters agree beyond chance, and how far two measurements of a total do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError


def cohen_kappa(table: NDArray[np.floating]) -> float:
    """Agreement of two raters beyond chance, from a table of how often each pair of classes came.

    Cohen (1960), "A coefficient of agreement for nominal scales".

    Parameters
    ----------
    table : float[k, k], ≥ 0
        Counts, or seconds; rows are one rater's classes, columns the other's.

    Returns
    -------
    float
        NaN where both used one class only: there was nothing to agree on.

    Raises
    ------
    ParameterError
        If the table isn't square.

    Examples
    --------
    >>> round(cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]])), 3)
    0.4
    """
    table = np.asarray(table, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ParameterError("kappa: the table must have as many rows as columns")
    total = table.sum()
    if total == 0:
        return float("nan")
    seen = np.trace(table) / total
    chance = float(table.sum(0) @ table.sum(1)) / total**2
    return float((seen - chance) / (1 - chance)) if chance < 1 else float("nan")


def fleiss_kappa(counts: NDArray[np.integer]) -> float:
    """Agreement of several raters who all rated all units.

    Fleiss (1971), "Measuring nominal scale agreement among many raters".

    Parameters
    ----------
    counts : int[units, classes]
        How many raters gave a unit each class; each row adds up to the same number, at least 2.

    Returns
    -------
    float
        NaN where only one class was used.

    Raises
    ------
    ParameterError
        If the rows don't add up to the same number of raters.

    Examples
    --------
    >>> round(fleiss_kappa(np.array([[3, 0], [0, 3], [2, 1]])), 3)
    0.55
    """
    counts = np.asarray(counts)
    raters = counts.sum(1) if counts.ndim == 2 and len(counts) else np.zeros(1)
    if np.ptp(raters) != 0 or raters[0] < 2:
        raise ParameterError("Fleiss' kappa: every unit needs the same number of raters, 2 or more")
    n = int(raters[0])
    seen = float(np.mean((np.square(counts).sum(1) - n) / (n * (n - 1))))
    chance = float(np.square(counts.sum(0) / counts.sum()).sum())
    return (seen - chance) / (1 - chance) if chance < 1 else float("nan")


def krippendorff_alpha(ratings: Sequence[Sequence[Any]]) -> float:
    """Agreement of any number of raters, with gaps, for classes without an order.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability".

    Parameters
    ----------
    ratings : raters × units
        A class, or None where a rater didn't rate a unit.

    Returns
    -------
    float
        1 for perfect agreement, 0 for chance; NaN where no unit was rated twice, or only one
        class was used.

    Raises
    ------
    ParameterError
        If raters have different numbers of units.

    Examples
    --------
    >>> a = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
    >>> b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
    >>> c = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
    >>> d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
    >>> round(krippendorff_alpha([a, b, c, d]), 3)
    0.743
    """
    if len({len(row) for row in ratings}) > 1:
        raise ParameterError("alpha: every rater needs as many units, with None for a gap")
    classes = sorted({one for row in ratings for one in row if one is not None}, key=str)
    index = {one: i for i, one in enumerate(classes)}
    together = np.zeros((len(classes), len(classes)))
    for unit in zip(*ratings, strict=True):
        given = np.bincount([index[one] for one in unit if one is not None], minlength=len(classes))
        count = given.sum()
        if count > 1:
            together += (np.outer(given, given) - np.diag(given)) / (count - 1)
    totals = together.sum(1)
    n = totals.sum()
    if n <= 1:
        return float("nan")
    chance = n * n - float(totals @ totals)
    return float(1 - (n - 1) * (n - np.trace(together)) / chance) if chance else float("nan")


def icc(values: NDArray[np.floating]) -> float:
    """Intraclass correlation for absolute agreement of single measurements, ICC(2,1) or ICC(A,1).

    Shrout & Fleiss (1979), "Intraclass correlations: uses in assessing rater reliability".

    Parameters
    ----------
    values : float[n, k]
        n subjects, each measured by the same k raters; n, k ≥ 2.

    Returns
    -------
    float
        NaN where nothing varies.

    Raises
    ------
    ParameterError
        If there are fewer than two of either.

    Examples
    --------
    >>> rated = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]])
    >>> round(icc(np.vstack([rated, [6, 2, 4, 7]])), 2)
    0.29
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ParameterError("ICC: it needs at least two subjects and two raters")
    n, k = values.shape
    grand = values.mean()
    rows = k * np.square(values.mean(1) - grand).sum()
    columns = n * np.square(values.mean(0) - grand).sum()
    rest = np.square(values - grand).sum() - rows - columns
    by_row, by_column, error = rows / (n - 1), columns / (k - 1), rest / ((n - 1) * (k - 1))
    below = by_row + (k - 1) * error + k * (by_column - error) / n
    return float((by_row - error) / below) if below > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """How two measurements of the same differ.

    Parameters
    ----------
    bias : float
        Mean of second − first.
    low, high : float
        Limits of agreement: 95 in 100 differences are expected between them.
    n : int
    """

    bias: float
    low: float
    high: float
    n: int


def bland_altman(first: Sequence[float], second: Sequence[float]) -> BlandAltman:
    """Give bias and limits of agreement.

    Bland & Altman (1986), "Statistical methods for assessing agreement".

    Parameters
    ----------
    first, second : sequence of float, of one length
        The limits are NaN where there are fewer than two.

    Returns
    -------
    BlandAltman

    Examples
    --------
    >>> bland_altman([10, 20, 30], [11, 21, 32]).bias
    1.3333333333333333
    """
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    if len(differences) == 0:
        return BlandAltman(float("nan"), float("nan"), float("nan"), 0)
    bias = float(differences.mean())
    spread = 1.96 * float(differences.std(ddof=1)) if len(differences) > 1 else float("nan")
    return BlandAltman(bias, bias - spread, bias + spread, len(differences))
