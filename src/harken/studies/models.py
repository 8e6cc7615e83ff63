"""Models of cries that hang together by child: Cox, GEE and mixed.

Cries of one child are alike, so errors are worked out over children. The usual
sandwich is too small where a group has few of them; here each child's part is
corrected for how much that child pulled the fit towards itself (Kauermann and
Carroll), and intervals use *t* with degrees of freedom that follow from how many
children a comparison really rests on (Bell and McCaffrey). Two children against
twenty-two have little more than one, and not twenty-two.
"""

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST_LOG = 12.0
"""A ratio of more than e to this is a model that runs away, as where a group has no event."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A coefficient with its error.

    Parameters
    ----------
    value, error : float
        NaN where there is none.
    df : float, ≥ 1
        Degrees of freedom of *t*.

    Examples
    --------
    >>> [round(end, 2) for end in Fit(1.0, 0.5, 10.0).interval(0.95)]
    [-0.11, 2.11]
    """

    value: float
    error: float
    df: float

    def interval(self, level: float) -> tuple[float, float]:
        """Give both ends of the interval of *t*.

        Parameters
        ----------
        level : float, above 0, below 1

        Returns
        -------
        (float, float)
        """
        from scipy.stats import t

        reach = float(t.ppf(0.5 + level / 2, self.df)) * self.error
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float:
        """How often chance alone would give as much, if the coefficient were 0."""
        from scipy.stats import t

        return float(2 * t.sf(abs(self.value / self.error), self.df))

    @property
    def usable(self) -> bool:
        """Whether there is an answer: rows without any variance leave none."""
        return math.isfinite(self.error) and self.error > 1e-9 and math.isfinite(self.value)

    @property
    def ratio(self) -> bool:
        """Whether the coefficient can be told as a ratio, and did not run away."""
        return self.usable and abs(self.value) < _LARGEST_LOG


NONE = Fit(math.nan, math.nan, 1.0)
"""No answer."""


def difference(one: Fit, other: Fit) -> Fit:
    """Give one less the other, where children of the one are not those of the other.

    Parameters
    ----------
    one, other : Fit
        Each with as many degrees of freedom as it has children, less one.

    Returns
    -------
    Fit
        With Welch's degrees of freedom, but no more than for groups that spread alike: a few
        children who happen to be alike would else be taken for a sure number.

    Source
    ------
    Welch, Biometrika 34 (1947) 28-35.

    Examples
    --------
    >>> apart = difference(Fit(3.0, 0.3, 9.0), Fit(1.0, 0.4, 9.0))
    >>> apart.value, apart.error, round(apart.df, 2)
    (2.0, 0.5, 16.69)
    """
    value, error = one.value - other.value, math.hypot(one.error, other.error)
    n, m = one.df + 1, other.df + 1
    alike = (1 / n + 1 / m) ** 2 / (1 / (n * n * one.df) + 1 / (m * m * other.df))
    parts = one.error**4 / one.df + other.error**4 / other.df
    return Fit(value, error, min(alike, error**4 / parts) if parts > 0 else alike)


def clustered(
    scores: NDArray[np.float64], informations: NDArray[np.float64], *, power: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give errors that are clustered by child, and their degrees of freedom.

    Parameters
    ----------
    scores : array, shape=(children, terms)
        What each child adds to the estimating equations, at their solution.
    informations : array, shape=(children, terms, terms)
        What each child adds to the information; symmetric, positive semidefinite.
    power : float, 0 to 1
        Of the correction for few children: 0, none; ½, Kauermann and Carroll; 1, Mancl and
        DeRouen.

    Returns
    -------
    errors, df : array, shape=(terms,)
        NaN where a term rests on one child alone.

    Raises
    ------
    numpy.linalg.LinAlgError
        If terms can't be told apart.

    Source
    ------
    Kauermann & Carroll, Journal of the American Statistical Association 96 (2001) 1387-1396;
    Bell & McCaffrey, Survey Methodology 28 (2002) 169-181.

    Examples
    --------
    The mean of 1, 2, 3, 4, a child each, has Student's error and degrees of freedom.

    >>> errors, df = clustered(np.array([[-1.5], [-0.5], [0.5], [1.5]]), np.ones((4, 1, 1)))
    >>> round(float(errors[0]), 6), round(np.std([1, 2, 3, 4], ddof=1).item() / 2, 6)
    (0.645497, 0.645497)
    >>> round(float(df[0]), 6)
    3.0
    """
    # In coordinates in which the whole information is 1, a child's part of it is its leverage.
    root = np.linalg.cholesky(np.linalg.inv(informations.sum(axis=0)))
    turned = scores @ root
    leverage = root.T @ informations @ root
    own, axes = np.linalg.eigh(leverage)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(own < 1 - 1e-9, (1 - own) ** -power, np.nan)
    corrected = (axes * factor[:, None, :]) @ axes.transpose(0, 2, 1)
    parts = np.einsum("tp,kpq,kq->kt", root, corrected, turned)
    # What the parts of two children have in common, were the model true: g (δ w − w w′) g.
    weighs = np.einsum("kpq,tq->ktp", corrected, root)
    pulls = np.einsum("kpq,ktq->ktp", leverage, weighs)
    alone = (weighs * pulls).sum(axis=2)
    shared = (pulls * pulls).sum(axis=2)
    both = np.einsum("ktp,ktq->tpq", pulls, pulls)
    first = (alone - shared).sum(axis=0)
    second = (alone * alone - 2 * alone * shared).sum(axis=0) + (both * both).sum(axis=(1, 2))
    return np.sqrt((parts**2).sum(axis=0)), np.maximum(1.0, first**2 / second)


def cox(
    waited_s: NDArray[np.float64],
    answered: NDArray[np.bool_],
    design: Any,
    child: NDArray[Any],
    *,
    power: float = 0.5,
) -> tuple[Mapping[str, Fit], Mapping[str, float]]:
    """Fit a Cox model of the time to an answer, over all children.

    Parameters
    ----------
    waited_s : array, shape=(n,) [s]
        To the answer, or to where watching ended.
    answered : array of bool, shape=(n,)
    design : pandas.DataFrame, n rows
        A column a term.
    child : array, shape=(n,)
    power : float, 0 to 1
        As in `clustered`.

    Returns
    -------
    fits : mapping of term to Fit
        Logarithms of hazard ratios; ties by Efron's method.
    proportional : mapping of term to float
        p of the score test of a hazard ratio that changes with the rank of time, clustered by
        child; NaN where there is no answer.

    Source
    ------
    Lin & Wei, Journal of the American Statistical Association 84 (1989) 1074-1078; Grambsch &
    Therneau, Biometrika 81 (1994) 515-526, whose test is clustered by child here.
    """
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError
    from scipy.stats import rankdata, t

    nothing = dict.fromkeys(design, NONE), dict.fromkeys(design, math.nan)
    frame = design.assign(waited_s=waited_s, answered=answered)
    try:
        with quiet():
            found = CoxPHFitter().fit(frame, "waited_s", "answered").params_[list(design)]
    except ConvergenceError:
        return nothing
    beta, x = found.to_numpy(float), design.to_numpy(float)
    # lifelines clusters too, but takes tied times one after another, in the order of the rows.
    scores, informations = _by_child(child, *_cox_parts(x, waited_s, answered, beta))
    try:
        errors, df = clustered(scores, informations, power=power)
        inverse = np.linalg.inv(informations.sum(axis=0))
    except np.linalg.LinAlgError:
        return nothing
    if not np.abs(scores.sum(axis=0) / np.sqrt(np.diag(informations.sum(axis=0)))).max() < 0.01:
        return nothing
    ranks = rankdata(waited_s[answered])
    tilt = np.zeros(len(waited_s))
    tilt[answered] = ranks - ranks.mean()
    tilted, mixed = _by_child(child, *_cox_parts(x, waited_s, answered, beta, tilt))
    rest = tilted - scores @ inverse @ mixed.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        drift = rest.sum(axis=0) / np.sqrt((rest**2).sum(axis=0))
    even = 2 * t.sf(np.abs(drift), max(1, len(scores) - len(beta) - 1))
    return (
        {term: Fit(*map(float, one)) for term, *one in zip(design, beta, errors, df, strict=True)},
        dict(zip(design, map(float, even), strict=True)),
    )


def gee(
    outcome: NDArray[np.float64],
    design: Any,
    child: NDArray[Any],
    *,
    logit: bool = False,
    weights: NDArray[np.float64] | None = None,
    power: float = 0.5,
) -> Mapping[str, Fit]:
    """Fit generalised estimating equations, exchangeable within a child.

    Parameters
    ----------
    outcome : array, shape=(n,)
        0 and 1 with `logit`.
    design : pandas.DataFrame, n rows
        A column a term, without the constant.
    child : array, shape=(n,)
    logit : bool
        Fit the logarithm of the odds; without it the mean.
    weights : array, shape=(n,), > 0, optional
        What the inverse of a row's variance goes with; not with `logit`.
    power : float, 0 to 1
        As in `clustered`.

    Returns
    -------
    mapping of term to Fit

    Source
    ------
    Liang & Zeger, Biometrika 73 (1986) 13-22.
    """
    import statsmodels.api as sm

    # Rows of a child must lie together, and statsmodels doesn't sort them itself.
    order = np.argsort(child, kind="stable")
    child, y = child[order], outcome[order]
    x = np.column_stack([np.ones(len(y)), design.to_numpy(float)[order]])
    if weights is not None:
        # The weights of statsmodels are no inverse variances where rows hang together.
        root = np.sqrt(weights[order])
        y, x = y * root, x * root[:, None]
    family = sm.families.Binomial() if logit else sm.families.Gaussian()
    found, alike = None, math.nan
    for structure in (sm.cov_struct.Exchangeable(), sm.cov_struct.Independence()):
        with quiet():
            try:
                model = sm.GEE(y, x, groups=child, family=family, cov_struct=structure)
                found = model.fit(maxiter=100)
            except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
                continue
        alike = structure.dep_params if isinstance(structure, sm.cov_struct.Exchangeable) else 0.0
        # Below 0, a child's cries would be less alike than those of others: that is chance.
        if 0 <= alike < 1:
            break
    if found is None or not found.converged:
        return dict.fromkeys(design, NONE)
    mean = np.asarray(found.fittedvalues, float)
    spread = np.sqrt(mean * (1 - mean)) if logit else np.ones(len(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        scores, informations = _gee_parts(x * spread[:, None], (y - mean) / spread, child, alike)
        try:
            errors, df = clustered(scores, informations, power=power)
        except np.linalg.LinAlgError:
            return dict.fromkeys(design, NONE)
    every = zip(design, found.params[1:], errors[1:], df[1:], strict=True)
    return {term: Fit(*map(float, one)) for term, *one in every}


def mixed(
    outcome: NDArray[np.float64], design: Any, child: NDArray[Any]
) -> tuple[Mapping[str, Fit], float]:
    """Fit a linear mixed model with an intercept for each child, by REML.

    Parameters
    ----------
    outcome : array, shape=(n,)
    design : pandas.DataFrame, n rows
        A column a term, without the constant.
    child : array, shape=(n,)

    Returns
    -------
    fits : mapping of term to Fit
        With children less terms and constant as degrees of freedom.
    share : float, 0 to 1
        Of the variance, what lies between children; NaN without an answer.

    Source
    ------
    Laird & Ware, Biometrics 38 (1982) 963-974.
    """
    import statsmodels.api as sm

    nothing = dict.fromkeys(design, NONE), math.nan
    exog = sm.add_constant(design, has_constant="add")
    with quiet():
        try:
            # Powell's search needs no gradient, which fails where children are much alike.
            found = sm.MixedLM(outcome, exog, groups=np.asarray(child, str)).fit(
                reml=True, method=["powell", "bfgs", "cg"]
            )
            errors = found.bse
        except (ValueError, np.linalg.LinAlgError):
            return nothing
    if not found.converged:
        return nothing
    df = max(1.0, len(np.unique(child)) - exog.shape[1])
    between = float(np.asarray(found.cov_re)[0, 0])
    whole = between + float(found.scale)
    fits = {term: Fit(float(found.params[term]), float(errors[term]), df) for term in design}
    return fits, between / whole if whole > 0 else math.nan


def _cox_parts(
    x: NDArray[np.float64],
    waited: NDArray[np.float64],
    answered: NDArray[np.bool_],
    beta: NDArray[np.float64],
    tilt: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what each row adds to score and information, ties by Efron's method.

    `tilt` weighs the times, one value a row (only those of answers count).
    """
    order = np.argsort(waited, kind="stable")
    hazard = np.exp(x @ beta - (x @ beta).max())
    times, first = np.unique(waited[answered], return_inverse=True)
    ties = np.bincount(first)
    begins = np.searchsorted(waited[order], times)

    def waiting(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = values[order][::-1].cumsum(axis=0)[::-1][begins]
        return sums

    def tied(values: NDArray[np.float64]) -> NDArray[np.float64]:
        made = np.zeros((len(times), *values.shape[1:]))
        np.add.at(made, first, values[answered])
        return made

    # Of d answers at once, the l-th finds l/d of the others gone.
    event = np.repeat(np.arange(len(times)), ties)
    gone = (np.arange(len(event)) - np.repeat(ties.cumsum() - ties, ties)) / ties[event]
    weighed = x * hazard[:, None]
    bottom = waiting(hazard)[event] - gone * tied(hazard)[event]
    top = waiting(weighed)[event] - gone[:, None] * tied(weighed)[event]
    mean = top / bottom[:, None]
    at = np.ones(len(times))
    if tilt is not None:
        at[first] = tilt[answered]
    step = at[event] / bottom

    def summed(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        begin = ties.cumsum() - ties
        squares = mean[:, :, None] * mean[:, None, :]
        return (
            np.add.reduceat(weight, begin),
            np.add.reduceat(weight[:, None] * mean, begin),
            np.add.reduceat(weight[:, None, None] * squares, begin),
        )

    def parts(
        rows: NDArray[np.intp] | slice,
        sums: tuple[NDArray[np.float64], ...],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        own, h = x[rows], hazard[rows]
        zero, one, two = sums
        crossed = own[:, :, None] * one[:, None, :]
        squares = own[:, :, None] * own[:, None, :] * zero[:, None, None]
        score = h[:, None] * (own * zero[:, None] - one)
        return score, h[:, None, None] * (squares - crossed - crossed.transpose(0, 2, 1) + two)

    until = np.searchsorted(times, waited, side="right")
    so_far = tuple(
        np.concatenate([np.zeros((1, *one.shape[1:])), one.cumsum(axis=0)])[until]
        for one in summed(step)
    )
    score, information = parts(slice(None), so_far)
    score = -score
    came = np.flatnonzero(answered)
    back, less = parts(came, tuple(one[first] for one in summed(step * gone)))
    expected = np.add.reduceat(mean, ties.cumsum() - ties) / ties[:, None]
    score[came] += back + at[first][:, None] * (x[came] - expected[first])
    information[came] -= less
    return score, information


def _gee_parts(
    slopes: NDArray[np.float64], rest: NDArray[np.float64], child: NDArray[Any], alike: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what each child adds, rows sorted by child and scaled to variance 1."""
    begin = np.flatnonzero(np.concatenate([[True], child[1:] != child[:-1]]))
    count = np.diff([*begin, len(child)])
    common = alike / (1 + alike * (count - 1))
    slope, residual = np.add.reduceat(slopes, begin), np.add.reduceat(rest, begin)
    scores = np.add.reduceat(slopes * rest[:, None], begin)
    squares = np.add.reduceat(slopes[:, :, None] * slopes[:, None, :], begin)
    scores = scores - (common * residual)[:, None] * slope
    squares = squares - common[:, None, None] * slope[:, :, None] * slope[:, None, :]
    return scores / (1 - alike), squares / (1 - alike)


def _by_child(child: NDArray[Any], *parts: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    names, index = np.unique(np.asarray(child, str), return_inverse=True)
    made = []
    for part in parts:
        whole = np.zeros((len(names), *part.shape[1:]))
        np.add.at(whole, index, part)
        made.append(whole)
    return tuple(made)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what a fit warns of from the user: what counts is asked of the result itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
