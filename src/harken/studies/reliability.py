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


def fleiss_kappa(
    counts: NDArray[np.integer], *, weights: Sequence[float] | NDArray[np.floating] | None = None
) -> float:
    """Agreement of several raters who all rated all units.

    Fleiss (1971), "Measuring nominal scale agreement among many raters".

    Parameters
    ----------
    counts : int[units, classes]
        How many raters gave a unit each class; each row adds up to the same number, at least 2.
    weights : float[units], ≥ 0, optional
        How much each unit counts, as its seconds; 1 each by default. Only their proportions
        matter, not the unit of time.

    Returns
    -------
    float
        NaN where only one class was used, or nothing counts.

    Raises
    ------
    ParameterError
        If the rows don't add up to the same number of raters, or there isn't a weight a unit.

    Examples
    --------
    >>> round(fleiss_kappa(np.array([[3, 0], [0, 3], [2, 1]])), 3)
    0.55
    """
    counts = np.asarray(counts)
    raters = counts.sum(1) if counts.ndim == 2 and len(counts) else np.zeros(1)
    if np.ptp(raters) != 0 or raters[0] < 2:
        raise ParameterError("Fleiss' kappa: every unit needs the same number of raters, 2 or more")
    weight = _weights(weights, len(counts), "Fleiss' kappa")
    if weight.sum() == 0:
        return float("nan")
    n, share = int(raters[0]), weight / weight.sum()
    seen = float(share @ ((np.square(counts).sum(1) - n) / (n * (n - 1))))
    classes = share @ counts / n
    if np.count_nonzero(classes) < 2:
        return float("nan")
    chance = float(np.square(classes).sum())
    return (seen - chance) / (1 - chance)


def krippendorff_alpha(
    ratings: Sequence[Sequence[Any]],
    *,
    weights: Sequence[float] | NDArray[np.floating] | None = None,
) -> float:
    """Agreement of any number of raters, with gaps, for classes without an order.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability".

    Parameters
    ----------
    ratings : raters × units
        A class, or None where a rater didn't rate a unit.
    weights : float[units], ≥ 0, optional
        How much each unit counts, as its seconds. See `alpha_of_counts` for what they change.

    Returns
    -------
    float
        1 for perfect agreement, 0 for chance; NaN where no unit was rated twice, or only one
        class was used.

    Raises
    ------
    ParameterError
        If raters have different numbers of units, or there isn't a weight a unit.

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
    counts = np.zeros((len(ratings[0]) if ratings else 0, len(classes)), np.int64)
    for row in ratings:
        for unit, one in enumerate(row):
            if one is not None:
                counts[unit, index[one]] += 1
    return alpha_of_counts(counts, weights=weights)


def alpha_of_counts(
    counts: NDArray[np.integer], *, weights: Sequence[float] | NDArray[np.floating] | None = None
) -> float:
    """Give Krippendorff's alpha where it is known how many raters gave a unit each class.

    Parameters
    ----------
    counts : int[units, classes]
        Rows may add up to different numbers; units that fewer than two rated don't count.
    weights : float[units], ≥ 0, optional
        How much each unit counts. Without them alpha has its correction for few units, which
        needs to know how many there are. Seconds are no number of units: cut in half, or told in
        minutes, a stretch would be another number. With weights alpha is therefore what it tends
        to for many units, and only their proportions matter; where everybody rated everything,
        that is Fleiss' kappa, and of two raters Scott's pi.

    Returns
    -------
    float
        As `krippendorff_alpha`.

    Raises
    ------
    ParameterError
        If there isn't a weight a unit.

    Examples
    --------
    >>> counts = np.array([[2, 0], [1, 1], [0, 2], [1, 0]])
    >>> round(alpha_of_counts(counts), 3), round(alpha_of_counts(counts, weights=[9, 2, 9, 5]), 3)
    (0.444, 0.8)
    """
    counts = np.asarray(counts, np.float64)
    raters = counts.sum(1)
    weight = _weights(weights, len(counts), "alpha")
    each = np.where(raters > 1, weight / np.maximum(raters - 1, 1), 0.0)
    together = (counts * each[:, None]).T @ counts - np.diag(each @ counts)
    totals = together.sum(1)
    n = float(totals.sum())
    if n <= (1 if weights is None else 0) or np.count_nonzero(totals) < 2:
        return float("nan")
    seen, chance = 1 - np.trace(together) / n, 1 - float(totals @ totals) / n**2
    if weights is None:
        chance *= n / (n - 1)
    return float(1 - seen / chance)


def _weights(
    weights: Sequence[float] | NDArray[np.floating] | None, units: int, what: str
) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(units)
    made = np.asarray(weights, np.float64)
    if made.shape != (units,) or not np.all(made >= 0):
        raise ParameterError(f"{what}: one weight a unit, 0 or more")
    return made


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
