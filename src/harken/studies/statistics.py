"""Groups and ages compared, with children as what was sampled.

A hundred cries of one child are not a hundred children. So: mixed models with an
intercept for each child, generalised estimating equations and Cox models whose
errors are clustered by child, and intervals from drawing children. With few
children, intervals use *t* with children less parameters as degrees of freedom.

A cry that stopped before anybody came says that the answer took longer than
that; it is censored, and never left out.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError, ParameterError
from harken.insight.estimate import Estimate
from harken.studies.circular import TimeOfDay, permutation_test, rayleigh, time_of_day
from harken.studies.tables import StudyTable

LEAST_CHILDREN = 6
"""Fewer children than this are described, and not compared."""

FEW_CHILDREN = 20
"""With fewer, errors that are clustered by child are rough; a note says so."""

WITHIN_S = (10.0, 60.0)

_AGE_STEP_WEEKS = 4.0
_LEAST_AGE_SPREAD_WEEKS = 0.5
_AT_ONCE = 50
_LARGEST_LOG = 12.0
"""A ratio of more than e to this is a model that runs away, as where a group has no event."""
_COX = "Cox model, errors clustered by child"
_NO_ANSWER = "the model found no answer that can be relied on"


@dataclass(frozen=True, slots=True)
class Effect:
    """One comparison: how large the difference is, and how well that is known.

    Parameters
    ----------
    outcome : str
        ``latency``, ``answered``, ``crying an episode``, ``crying an hour``, ``time of day``.
    measure : str
        What the number is, such as ``ratio of medians``.
    contrast : str
        What is compared with what.
    estimate : Estimate
        `n` counts children.
    null : float
        The value of no difference: 1 for a ratio, 0 for a difference.
    model : str
        How it was made.
    episodes : int
        Rows that went in.
    p : float or None, 0 to 1
        How often chance alone would give as much, if there were no difference. None for
        effect sizes that are told by their interval.
    p_holm : float or None
        The same, for as many tests as this comparison makes.
    note : str
        What may not hold; may be empty.
    """

    outcome: str
    measure: str
    contrast: str
    estimate: Estimate
    null: float
    model: str
    episodes: int
    p: float | None = None
    p_holm: float | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give every field by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Curve:
    """Share answered by each time, with a band from drawing children."""

    times: tuple[float, ...]
    answered: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of one group.

    Parameters
    ----------
    name : str
    children, episodes, answered : int
    median_s : Estimate [s]
        Kaplan–Meier median of the latency.
    within : tuple of (float, Estimate)
        Seconds, and the Kaplan–Meier share answered within these.
    crying_min_h : Estimate [min/h]
        Crying in an hour that was listened to; not known without recordings.
    clock : TimeOfDay or None
    hours : tuple of 24 float, 0 to 1
        Share of a child's cries that begin in each hour of the day, as a mean over children;
        empty where times of day are not known.
    curve : Curve
    """

    name: str
    children: int
    episodes: int
    answered: int
    median_s: Estimate
    within: tuple[tuple[float, Estimate], ...]
    crying_min_h: Estimate
    clock: TimeOfDay | None
    hours: tuple[float, ...]
    curve: Curve


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was found.

    Parameters
    ----------
    groups : tuple of Group
        The first is what others are compared with.
    effects : tuple of Effect
    tests : int
        Tests that `p_holm` is adjusted for.
    notes : tuple of str
        What a reader must know.
    used : tuple of str
        Names of methods that were really run, as in `harken.studies.methods.CITATIONS`.
    children, episodes, censored : int
    level : float
    times, seed : int
        Of the draws.
    """

    groups: tuple[Group, ...]
    effects: tuple[Effect, ...]
    tests: int
    notes: tuple[str, ...]
    used: tuple[str, ...]
    children: int
    episodes: int
    censored: int
    level: float
    times: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Fit:
    """A coefficient with its clustered error."""

    value: float
    error: float
    df: float

    def interval(self, level: float) -> tuple[float, float]:
        from scipy.stats import t

        reach = float(t.ppf(0.5 + level / 2, self.df)) * self.error
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float:
        from scipy.stats import t

        return float(2 * t.sf(abs(self.value / self.error), self.df))

    @property
    def usable(self) -> bool:
        """Whether the model came to an answer: rows without any variance leave it none."""
        return math.isfinite(self.error) and self.error > 1e-9 and math.isfinite(self.value)


_NONE = _Fit(math.nan, math.nan, 1.0)


def compare(
    table: StudyTable,
    *,
    reference: str | None = None,
    within_s: Sequence[float] = WITHIN_S,
    age: bool = True,
    level: float = 0.95,
    times: int = 999,
    seed: int = 0,
) -> Comparison:
    """Compare groups and ages.

    Parameters
    ----------
    table : StudyTable
    reference : str, optional
        The group that others are compared with; by default the first by name.
    within_s : sequence of float, > 0 [s]
        Times of which the share answered within them is told.
    age : bool
        Whether age is in the models, where it is known and differs.
    level : float, 0.5 to 0.999
        Of the intervals.
    times : int, 99 to 100 000
        Draws of children.
    seed : int, ≥ 0

    Returns
    -------
    Comparison

    Raises
    ------
    ParameterError
        If there are too few children or nothing to compare, a group has one child, no cry
        was answered, or an argument is out of its range.
    HarkenError
        If a package is missing. A model that finds no answer says so in its note.
    """
    _packages()
    if not 0.5 <= level <= 0.999:
        raise ParameterError(f"level={level!r} must be from 0.5 to 0.999")
    if not 99 <= times <= 100_000:
        raise ParameterError(f"times={times!r} must be from 99 to 100000")
    if seed < 0:
        raise ParameterError(f"seed={seed!r} must be 0 or more")
    if not within_s or min(within_s) <= 0:
        raise ParameterError("within_s must hold times above 0 s")
    notes, used = list(table.notes), ["Kaplan-Meier", "bootstrap"]
    episodes, recordings = table.episodes, table.recordings
    some = (episodes["group"] != "").any()
    if some and (unnamed := int((episodes["group"] == "").sum())):
        notes.append(f"{unnamed} episodes without a group were left out")
        episodes = episodes[episodes["group"] != ""].reset_index(drop=True)
        if recordings is not None:
            recordings = recordings[recordings["group"] != ""].reset_index(drop=True)
    names = sorted(episodes["group"].unique())
    if reference is not None:
        if reference not in names:
            raise ParameterError(f"no group {reference!r}; there are {', '.join(names) or 'none'}")
        names = [reference, *(one for one in names if one != reference)]
    aged = age and _has_age(episodes)
    if age and not aged and episodes["age_weeks"].notna().any():
        notes.append("age is left out of the models: it is not known of all, or hardly differs")
    if aged and len(names) > 1 and not _told_apart(episodes, names):
        aged = False
        notes.append("age is left out of the models: groups and ages can't be told apart")
    if len(names) < 2 and not aged:
        raise ParameterError(
            "nothing to compare: there is one group, and no age that differs; name groups with "
            "--children or GROUP=RUN"
        )
    children = episodes["child_id"].nunique()
    if children < LEAST_CHILDREN:
        raise ParameterError(
            f"{children} children are too few to compare: it takes at least {LEAST_CHILDREN}, "
            "however many cries each has"
        )
    for name in names:
        count = episodes.loc[episodes["group"] == name, "child_id"].nunique()
        if count < 2:
            raise ParameterError(
                f"group {name!r} has one child: nothing tells that child from its group"
            )
    if not episodes["answered"].any():
        raise ParameterError("no cry was answered: there are no latencies to compare")
    if children < FEW_CHILDREN:
        notes.append(
            f"{children} children are few: intervals are rough, and a difference that is not "
            "found may well be there"
        )
    nested = bool((episodes.groupby("child_id")["group"].nunique() == 1).all())
    if not nested:
        notes.append("some children are in more than one group")
    sampled = _Sampled(episodes, names, nested, times, seed)
    groups = [
        _group(one, episodes, recordings, sampled, within_s, level, times, seed) for one in names
    ]
    effects = _sizes(names, sampled, within_s, level)
    effects += _cox(episodes, names, aged, level, used)
    effects += _answered(episodes, names, aged, level, used)
    effects += _crying(episodes, names, aged, level, used, notes)
    if recordings is not None and len(recordings):
        effects += _amount(recordings, names, aged, level, used)
    effects += _clock(episodes, names, nested, groups, level, times, seed, used)
    ps = [one.p for one in effects if one.p is not None]
    adjusted = iter(holm(ps))
    effects = [replace(one, p_holm=next(adjusted)) if one.p is not None else one for one in effects]
    if ps:
        used.append("Holm")
    return Comparison(
        tuple(groups),
        tuple(effects),
        len(ps),
        tuple(notes),
        tuple(dict.fromkeys(used)),
        children,
        len(episodes),
        int((~episodes["answered"]).sum()),
        level,
        times,
        seed,
    )


def holm(ps: Sequence[float]) -> list[float]:
    """Adjust p-values for how many there are.

    Parameters
    ----------
    ps : sequence of float, 0 to 1

    Returns
    -------
    list of float
        In the same order.

    Source
    ------
    Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.

    Examples
    --------
    >>> [round(one, 3) for one in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(ps)
    most = 0.0
    for rank, k in enumerate(sorted(range(len(ps)), key=lambda k: ps[k])):
        most = max(most, min(1.0, (len(ps) - rank) * ps[k]))
        adjusted[k] = most
    return adjusted


def hedges_g(first: Sequence[float], second: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Give the standardised mean difference, second less first, one value a child.

    Parameters
    ----------
    first, second : sequence of float
        At least two each.
    level : float, above 0, below 1

    Returns
    -------
    Estimate
        Not known where nothing varies.

    Raises
    ------
    ParameterError
        If there are too few.

    Source
    ------
    Hedges, Journal of Educational Statistics 6 (1981) 107-128.

    Examples
    --------
    >>> round(hedges_g([1, 2, 3, 4], [3, 4, 5, 6]).value, 3)
    1.347
    """
    from scipy.stats import norm

    a, b = np.asarray(first, float), np.asarray(second, float)
    if min(len(a), len(b)) < 2:
        raise ParameterError("a standardised difference needs at least 2 children in each group")
    n, m = len(a), len(b)
    how = "Hedges' g of the means of children"
    pooled = math.sqrt(((n - 1) * a.var(ddof=1) + (m - 1) * b.var(ddof=1)) / (n + m - 2))
    if pooled == 0:
        return Estimate(None, None, None, n + m, level=level, how=how)
    g = float(b.mean() - a.mean()) / pooled * (1 - 3 / (4 * (n + m) - 9))
    error = math.sqrt((n + m) / (n * m) + g * g / (2 * (n + m)))
    reach = float(norm.ppf(0.5 + level / 2)) * error
    return Estimate(g, g - reach, g + reach, n + m, level=level, how=how)


class _Sampled:
    """Waiting times of each group, and children drawn with replacement."""

    def __init__(
        self, episodes: Any, names: Sequence[str], nested: bool, times: int, seed: int
    ) -> None:
        order = np.lexsort((~episodes["answered"].to_numpy(bool), episodes["waited_s"].to_numpy()))
        rows = episodes.iloc[order]
        self.waited = rows["waited_s"].to_numpy(float)
        self.answered = rows["answered"].to_numpy(bool)
        group = rows["group"].to_numpy(object)
        children, self.child = np.unique(rows["child_id"].to_numpy(str), return_inverse=True)
        self.children, self.groups = len(children), len(names)
        self.of = {name: group == name for name in names}
        self.rows = len(rows)
        random = np.random.default_rng(seed)
        self.drawn = np.zeros((times, self.children))
        # Groups keep their size. Their order does not hang on which is compared with which.
        parts = [np.unique(self.child[self.of[name]]) for name in sorted(names)] if nested else []
        for part in parts or [np.arange(self.children)]:
            even = np.full(len(part), 1 / len(part))
            self.drawn[:, part] = random.multinomial(len(part), even, times)

    def values(
        self, name: str, ats: Sequence[float]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the median and the shares at times: of what was seen, and of each draw."""
        chosen = self.of[name]
        waited, answered, child = self.waited[chosen], self.answered[chosen], self.child[chosen]
        seen = _kaplan_meier(waited, answered, np.ones((1, len(waited))), ats)[0]
        parts = [
            _kaplan_meier(waited, answered, self.drawn[at : at + _AT_ONCE, child], ats)
            for at in range(0, len(self.drawn), _AT_ONCE)
        ]
        return seen, np.concatenate(parts)

    @property
    def df(self) -> float:
        return max(1.0, self.children - self.groups)

    def spread(self, draws: NDArray[np.float64]) -> float | None:
        """Give the error of what was drawn; None where too many draws have no value."""
        known = draws[np.isfinite(draws)]
        if len(known) < 0.95 * len(draws):
            return None
        # Drawing k of k children makes errors too small by k − 1 to k.
        return float(known.std(ddof=1)) * math.sqrt(self.children / self.df)


def _kaplan_meier(
    waited: NDArray[np.float64],
    answered: NDArray[np.bool_],
    weights: NDArray[np.float64],
    ats: Sequence[float],
) -> NDArray[np.float64]:
    """Give the median, then the share answered by each time; rows are sets of weights."""
    at_risk = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        falls = np.where(at_risk > 0, weights * answered / at_risk, 0.0)
    left = np.cumprod(1 - falls, axis=1)
    found = np.full((len(weights), 1 + len(ats)), np.nan)
    half = left <= 0.5 + 1e-12
    some = half.any(axis=1)
    found[some, 0] = waited[half.argmax(axis=1)[some]]
    for k, at in enumerate(ats, start=1):
        place = int(np.searchsorted(waited, at, side="right")) - 1
        found[:, k] = 1 - left[:, place] if place >= 0 else 0.0
        if at > waited[-1]:
            # Nobody was watched for that long, and some were still waiting.
            found[left[:, -1] > 1e-12, k] = np.nan
    return found


def _group(
    name: str,
    episodes: Any,
    recordings: Any,
    sampled: _Sampled,
    within_s: Sequence[float],
    level: float,
    times: int,
    seed: int,
) -> Group:
    rows = episodes[episodes["group"] == name]
    children = rows["child_id"].nunique()
    grid = _grid(rows["waited_s"].to_numpy(float))
    ats = [*within_s, *grid]
    seen, draws = sampled.values(name, ats)
    how = "Kaplan–Meier; children drawn with replacement"
    median = _log_estimate(seen[0], draws[:, 0], sampled, children, level, "s", how)
    shares = [
        _plain_estimate(seen[k], draws[:, k], sampled, children, level, "share", how, ends=(0, 1))
        for k in range(1, len(ats) + 1)
    ]
    count = len(within_s)
    known = [
        (at, one)
        for at, one in zip(grid, shares[count:], strict=True)
        if one.value is not None and one.low is not None and one.high is not None
    ]
    curve = Curve(
        tuple(at for at, _ in known),
        tuple(float(one.value or 0.0) for _, one in known),
        tuple(float(one.low or 0.0) for _, one in known),
        tuple(float(one.high or 0.0) for _, one in known),
    )
    timed = rows[rows["hour"].notna()]
    clock = (
        time_of_day(
            timed["hour"].tolist(), timed["child_id"].tolist(), times=times, seed=seed, level=level
        )
        if len(timed)
        else None
    )
    return Group(
        name,
        children,
        len(rows),
        int(rows["answered"].sum()),
        median,
        tuple(zip(map(float, within_s), shares[:count], strict=True)),
        _rate(recordings, name, level),
        clock,
        _hours(timed),
        curve,
    )


def _hours(timed: Any) -> tuple[float, ...]:
    """Give the share of cries in each hour; a child that cries a lot counts as one."""
    each = [
        np.bincount(hours.to_numpy(float).astype(int) % 24, minlength=24) / len(hours)
        for _, hours in timed.groupby("child_id")["hour"]
    ]
    return tuple(float(one) for one in np.mean(each, axis=0)) if each else ()


def _grid(waited: NDArray[np.float64]) -> list[float]:
    """Give the times at which a curve is told: up to where few are still watched."""
    most = float(np.quantile(waited, 0.98)) or 1.0
    return [round(float(one), 3) for one in np.linspace(0, most, 61)]


def _rate(recordings: Any, name: str, level: float) -> Estimate:
    how = "mean over children of crying by time heard"
    rows = None if recordings is None else recordings[recordings["group"] == name]
    if rows is None or not len(rows):
        return Estimate(None, None, None, 0, unit="min/h", level=level, how="time heard not known")
    sums = rows.groupby("child_id")[["crying_s", "heard_s"]].sum()
    each = (sums["crying_s"] / sums["heard_s"] * 60).to_numpy(float)
    n = len(each)
    if n < 2:
        return Estimate(float(each[0]), None, None, n, unit="min/h", level=level, how=how)
    low, high = _Fit(float(each.mean()), float(each.std(ddof=1)) / math.sqrt(n), n - 1).interval(
        level
    )
    return Estimate(float(each.mean()), max(0.0, low), high, n, unit="min/h", level=level, how=how)


def _log_estimate(
    seen: float,
    draws: NDArray[np.float64],
    sampled: _Sampled,
    n: int,
    level: float,
    unit: str,
    how: str,
) -> Estimate:
    if not (np.isfinite(seen) and seen > 0):
        return Estimate(None, None, None, n, unit=unit, level=level, how=how)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = sampled.spread(np.log(draws))
    if error is None:
        return Estimate(float(seen), None, None, n, unit=unit, level=level, how=how)
    low, high = _Fit(math.log(seen), error, sampled.df).interval(level)
    ends = math.exp(low), math.exp(high)
    return Estimate(float(seen), *ends, n, unit=unit, level=level, how=how)


def _plain_estimate(
    seen: float,
    draws: NDArray[np.float64],
    sampled: _Sampled,
    n: int,
    level: float,
    unit: str,
    how: str,
    *,
    ends: tuple[float, float],
) -> Estimate:
    if not np.isfinite(seen):
        return Estimate(None, None, None, n, unit=unit, level=level, how=how)
    error = sampled.spread(draws)
    if error is None:
        return Estimate(float(seen), None, None, n, unit=unit, level=level, how=how)
    low, high = _Fit(float(seen), error, sampled.df).interval(level)
    return Estimate(
        float(seen), max(ends[0], low), min(ends[1], high), n, unit=unit, level=level, how=how
    )


def _sizes(
    names: Sequence[str], sampled: _Sampled, within_s: Sequence[float], level: float
) -> list[Effect]:
    """Compare medians and shares, in seconds and in cries out of a hundred."""
    effects = []
    how = "Kaplan–Meier; children drawn with replacement"
    base, base_draws = sampled.values(names[0], within_s)
    for name in names[1:]:
        seen, draws = sampled.values(name, within_s)
        contrast = f"{name} against {names[0]}"
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = _log_estimate(
                float(np.divide(seen[0], base[0])), draws[:, 0] / base_draws[:, 0], sampled,
                sampled.children, level, "", how,
            )  # fmt: skip
        effects.append(
            Effect("latency", "ratio of medians", contrast, ratio, 1.0, how, sampled.rows)
        )
        for k, at in enumerate(within_s, start=1):
            less = _plain_estimate(
                seen[k] - base[k], draws[:, k] - base_draws[:, k], sampled, sampled.children,
                level, "share", how, ends=(-1, 1),
            )  # fmt: skip
            measure = f"difference in share within {at:g} s"
            effects.append(Effect("latency", measure, contrast, less, 0.0, how, sampled.rows))
    return effects


def _has_age(rows: Any) -> bool:
    known = rows["age_weeks"]
    return bool(known.notna().all() and known.std() > _LEAST_AGE_SPREAD_WEEKS)


def _told_apart(rows: Any, names: Sequence[str]) -> bool:
    """Say whether age differs within a group at all."""
    spreads = [rows.loc[rows["group"] == name, "age_weeks"].std() for name in names]
    return bool(max(spreads) > _LEAST_AGE_SPREAD_WEEKS)


def _design(rows: Any, names: Sequence[str], aged: bool) -> tuple[Any, dict[str, str]]:
    """Give columns of a model without its constant, and what each compares."""
    import pandas as pd

    columns, says = {}, {}
    for k, name in enumerate(names[1:], start=1):
        columns[f"g{k}"] = (rows["group"] == name).astype(float)
        says[f"g{k}"] = f"{name} against {names[0]}"
    if aged:
        columns["age"] = (rows["age_weeks"] - rows["age_weeks"].mean()) / _AGE_STEP_WEEKS
        says["age"] = f"{_AGE_STEP_WEEKS:g} weeks older"
    return pd.DataFrame(columns, index=rows.index), says


def _cox(
    episodes: Any, names: Sequence[str], aged: bool, level: float, used: list[str]
) -> list[Effect]:
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError
    from lifelines.statistics import proportional_hazard_test

    design, says = _design(episodes, names, aged)
    frame = design.assign(
        waited_s=episodes["waited_s"], answered=episodes["answered"], child=episodes["child_id"]
    )
    children = frame["child"].nunique()
    df = max(1.0, children - len(says))
    if not episodes.groupby("group")["answered"].any().all():
        # The likelihood has no top then: the fit ends somewhere, with a tiny error.
        note = "nobody answered in one of the groups: hazards have no ratio"
        none = Estimate(None, None, None, children, level=level, how=_COX)
        return [
            Effect("latency", "hazard ratio", one, none, 1.0, _COX, len(frame), note=note)
            for one in says.values()
        ]
    try:
        with _quiet():
            fitted = CoxPHFitter().fit(frame, "waited_s", "answered", cluster_col="child")
            plain = CoxPHFitter().fit(frame.drop(columns="child"), "waited_s", "answered")
            even = proportional_hazard_test(
                plain, frame.drop(columns="child"), time_transform="rank"
            ).summary["p"]
    except ConvergenceError:
        return [
            _ratio("latency", "hazard ratio", one, _NONE, frame, children, level, _COX, "")
            for one in says.values()
        ]
    used += ["Cox", "robust by cluster"]
    effects = []
    for term, contrast in says.items():
        error = float(fitted.standard_errors_[term]) * math.sqrt(children / df)
        fit = _Fit(float(fitted.params_[term]), error, df)
        note = f"hazards proportional? p = {_p(float(even[term]))} (counts cries, not children)"
        if even[term] < 0.05:
            note += "; if not, the ratio is an average over time: trust medians and shares"
        effects.append(
            _ratio("latency", "hazard ratio", contrast, fit, frame, children, level,
                   _COX, note)
        )  # fmt: skip
    return effects


def _answered(
    episodes: Any, names: Sequence[str], aged: bool, level: float, used: list[str]
) -> list[Effect]:
    import statsmodels.api as sm

    design, says = _design(episodes, names, aged)
    counts = episodes.groupby("group")["answered"].agg(["sum", "count"])
    model = "GEE, logit, exchangeable within child"
    children = episodes["child_id"].nunique()
    if ((counts["sum"] == 0) | (counts["sum"] == counts["count"])).any():
        note = "a group has all or none of its cries answered: odds have no ratio"
        none = Estimate(None, None, None, children, level=level, how=model)
        return [
            Effect("answered", "odds ratio", one, none, 1.0, model, len(episodes), note=note)
            for one in says.values()
        ]
    used.append("GEE")
    fits = _gee(episodes["answered"].astype(float), design, episodes, sm.families.Binomial())
    note = "answered before the crying ended; it ends sooner or later for other reasons too"
    return [
        _ratio("answered", "odds ratio", contrast, fits[term], episodes, children, level, model,
               note)
        for term, contrast in says.items()
    ]  # fmt: skip


def _crying(
    episodes: Any,
    names: Sequence[str],
    aged: bool,
    level: float,
    used: list[str],
    notes: list[str],
) -> list[Effect]:
    """Compare how long an episode's crying lasts, as geometric means."""
    rows = episodes[episodes["crying_s"] > 0]
    if not len(rows) or rows["group"].nunique() < len(names):
        return []
    children = rows["child_id"].nunique()
    if children < LEAST_CHILDREN:
        return []
    design, says = _design(rows, names, aged)
    fits, note = _mixed(np.log(rows["crying_s"].to_numpy(float)), design, rows, len(says))
    used.append("mixed model")
    model = "linear mixed model of the logarithm, an intercept for each child"
    effects = [
        _ratio("crying an episode", "ratio of geometric means", contrast, fits[term], rows,
               children, level, model, note)
        for term, contrast in says.items()
    ]  # fmt: skip
    means = np.log(rows["crying_s"]).groupby([rows["group"], rows["child_id"]]).mean()
    for name in names[1:]:
        first, second = means[names[0]], means[name]
        if min(len(first), len(second)) < 2:
            notes.append(f"group {name!r} has too few children with crying that was heard whole")
            continue
        used.append("Hedges' g")
        g = hedges_g(first.tolist(), second.tolist(), level=level)
        contrast = f"{name} against {names[0]}"
        effects.append(
            Effect("crying an episode", "standardised difference", contrast, g, 0.0, g.how,
                   len(rows))
        )  # fmt: skip
    return effects


def _amount(
    recordings: Any, names: Sequence[str], aged: bool, level: float, used: list[str]
) -> list[Effect]:
    """Compare minutes of crying in an hour that was listened to."""
    import statsmodels.api as sm

    groups = recordings.groupby("group")["child_id"].nunique()
    if any(groups.get(name, 0) < 2 for name in names):
        return []
    aged = aged and _has_age(recordings)
    design, says = _design(recordings, names, aged)
    if not says:
        return []
    rate = recordings["crying_s"] / recordings["heard_s"] * 60
    weights = recordings["heard_s"] / recordings["heard_s"].mean()
    fits = _gee(rate, design, recordings, sm.families.Gaussian(), weights)
    used.append("GEE")
    children = recordings["child_id"].nunique()
    model = "GEE, Gaussian, exchangeable within child, weighted by time heard"
    effects = []
    for term, contrast in says.items():
        fit = fits[term]
        if not fit.usable:
            none = Estimate(None, None, None, children, unit="min/h", level=level, how=model)
            effects.append(
                Effect("crying an hour", "difference", contrast, none, 0.0, model,
                       len(recordings), note=_NO_ANSWER)
            )  # fmt: skip
            continue
        low, high = fit.interval(level)
        found = Estimate(fit.value, low, high, children, unit="min/h", level=level, how=model)
        effects.append(
            Effect("crying an hour", "difference", contrast, found, 0.0, model, len(recordings),
                   fit.p, note="rows are recordings or days")
        )  # fmt: skip
    return effects


def _clock(
    episodes: Any,
    names: Sequence[str],
    nested: bool,
    groups: Sequence[Group],
    level: float,
    times: int,
    seed: int,
    used: list[str],
) -> list[Effect]:
    rows = episodes[episodes["hour"].notna()]
    if not len(rows):
        return []
    used.append("circular")
    effects = []
    counts = rows.groupby("group")["child_id"].nunique()
    for one in groups:
        own = rows[rows["group"] == one.name]
        means = [
            float(np.angle(np.exp(2j * np.pi * hours.to_numpy(float) / 24).mean()) * 12 / np.pi)
            for _, hours in own.groupby("child_id")["hour"]
        ]
        if one.clock is not None and len(means) >= 3:
            test = rayleigh(means)
            used.append("Rayleigh")
            effects.append(
                Effect("time of day", "length of the mean direction",
                       f"{one.name or 'all'} against any hour alike", one.clock.resultant, 0.0,
                       "Rayleigh's test of one direction a child", len(own), test.p,
                       note=f"{test.note}; an interval of a length always lies above 0")
            )  # fmt: skip
    if nested and len(names) > 1 and all(counts.get(name, 0) >= 2 for name in names):
        test = permutation_test(
            rows["hour"].tolist(), rows["group"].tolist(), rows["child_id"].tolist(),
            times=max(times, 999), seed=seed,
        )  # fmt: skip
        used.append("permutation")
        clocks = [one.clock for one in groups]
        apart = Estimate(None, None, None, test.n, unit="h", level=level, how=test.name)
        if len(names) == 2 and all(one is not None for one in clocks):
            hours = [one.hour.value for one in clocks if one is not None]
            if hours[0] is not None and hours[1] is not None:
                apart = replace(apart, value=(hours[1] - hours[0] + 12) % 24 - 12)
        contrast = " against ".join(reversed(names)) if len(names) == 2 else "all groups"
        effects.append(
            Effect("time of day", "difference of mean directions", contrast, apart, 0.0,
                   "children dealt to groups anew", len(rows), test.p,
                   note="the interval of each group's direction is in groups.csv")
        )  # fmt: skip
    return effects


def _gee(
    outcome: Any, design: Any, rows: Any, family: Any, weights: Any = None
) -> Mapping[str, _Fit]:
    import statsmodels.api as sm

    children = rows["child_id"].nunique()
    # Rows of a child must lie together, and statsmodels doesn't sort them itself.
    order = np.argsort(rows["child_id"].to_numpy(str), kind="stable")
    df = max(1.0, children - design.shape[1] - 1)
    more = math.sqrt(children / df)
    with _quiet():
        model = sm.GEE(
            outcome.iloc[order].to_numpy(float),
            sm.add_constant(design.iloc[order], has_constant="add"),
            groups=rows["child_id"].to_numpy(str)[order],
            family=family,
            cov_struct=sm.cov_struct.Exchangeable(),
            weights=None if weights is None else weights.iloc[order].to_numpy(float),
        )
        try:
            found = model.fit(maxiter=100)
        except (ValueError, np.linalg.LinAlgError):
            return dict.fromkeys(design, _NONE)
        return {
            term: _Fit(float(found.params[term]), float(found.bse[term]) * more, df)
            for term in design
        }


def _mixed(
    outcome: NDArray[np.float64], design: Any, rows: Any, terms: int
) -> tuple[Mapping[str, _Fit], str]:
    import statsmodels.api as sm

    children = rows["child_id"].nunique()
    with _quiet():
        model = sm.MixedLM(
            outcome,
            sm.add_constant(design, has_constant="add"),
            groups=rows["child_id"].to_numpy(str),
        )
        try:
            # Powell's search needs no gradient, which fails where children are much alike.
            found = model.fit(reml=True, method=["powell", "bfgs", "cg"])
        except (ValueError, np.linalg.LinAlgError):
            return dict.fromkeys(design, _NONE), ""
        df = max(1.0, children - terms - 1)
        fits = {
            term: _Fit(float(found.params[term]), float(found.bse[term]), df) for term in design
        }
    if not found.converged:
        return {term: replace(fit, error=math.nan) for term, fit in fits.items()}, ""
    between = float(np.asarray(found.cov_re)[0, 0])
    if between < 1e-4 * float(found.scale):
        return fits, "children hardly differ: the variance between them was estimated as 0"
    share = between / (between + float(found.scale))
    return fits, f"share of variance that lies between children: {share:.2f}"


def _ratio(
    outcome: str,
    measure: str,
    contrast: str,
    fit: _Fit,
    rows: Any,
    children: int,
    level: float,
    model: str,
    note: str,
) -> Effect:
    if not (fit.usable and abs(fit.value) < _LARGEST_LOG):
        none = Estimate(None, None, None, children, level=level, how=model)
        note = _NO_ANSWER
        return Effect(outcome, measure, contrast, none, 1.0, model, len(rows), note=note)
    low, high = (math.exp(min(one, 700.0)) for one in fit.interval(level))
    found = Estimate(math.exp(fit.value), low, high, children, level=level, how=model)
    return Effect(outcome, measure, contrast, found, 1.0, model, len(rows), fit.p, note=note)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@contextmanager
def _quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Take what a fit warns of, to be told as a note."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said


def _packages() -> None:
    from importlib.util import find_spec

    for name in ("lifelines", "pandas", "scipy", "statsmodels"):
        if find_spec(name) is None:
            raise HarkenError(f"statistics need {name}: pip install 'harken[studies]'")
