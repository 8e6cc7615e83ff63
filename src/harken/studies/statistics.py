"""Groups and ages compared, with children as what was sampled.

A hundred cries of one child are not a hundred children. So: models of
`harken.studies.models`, whose errors are over children, and intervals from
drawing children. All use *t*, with degrees of freedom that follow from how many
children a number rests on.

A cry that stopped before anybody came says that the answer took longer than
that; it is censored, and never left out.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError, ParameterError
from harken.insight.estimate import Estimate
from harken.insight.picture import many
from harken.studies.circular import (
    TimeOfDay,
    child_means,
    hours_apart,
    hours_heard,
    permutation_test,
    rayleigh,
    time_of_day,
)
from harken.studies.models import NONE, Fit, cox, gee, mixed
from harken.studies.sampled import Sampled, logs
from harken.studies.tables import StudyTable

LEAST_CHILDREN = 6
"""Fewer children than this are described, and not compared."""

FEW_CHILDREN = 20
"""With fewer, a note says that much is not seen."""

WITHIN_S = (10.0, 60.0)

_AGE_STEP_WEEKS = 4.0
_LEAST_AGE_SPREAD_WEEKS = 0.5
_LARGEST_SPAN = 12.0
"""An interval of a ratio from x to more than e to this times x says nothing."""
_EVEN = 0.8
"""Least time that an hour of the day was listened to, as a share of the most."""
_COX = "Cox model, errors clustered by child"
_LOGIT = "GEE, logit, exchangeable within child"
_GAUSSIAN = "GEE, Gaussian, exchangeable within child, weighted by time heard"
_MIXED = "linear mixed model of the logarithm, an intercept for each child"
_DRAWN = "Kaplan–Meier; children drawn with replacement"
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
    """Share answered by each time, with a band from drawing children.

    Parameters
    ----------
    times : tuple of float [s]
        From the onset on.
    answered : tuple of float, 0 to 1
    low, high : tuple of float, 0 to 1
        Empty for a group of one child.
    """

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
    made : str
        How the episodes were found, as in `StudyTable`.
    nested : bool
        Whether each child is in one group.
    evenly : bool or None
        Whether every hour of the day was listened to alike; None where that is not known.
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
    made: str = ""
    nested: bool = True
    evenly: bool | None = None


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
        Groups are described whatever there is; where nothing can be compared (one group and no
        age, too few children, a group of one child) a note says why. A model
        that finds no answer says so in its own note.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    HarkenError
        If a package is missing.
    """
    _packages()
    if not 0.5 <= level <= 0.999:
        raise ParameterError(f"level={level!r} must be from 0.5 to 0.999")
    if not 99 <= times <= 100_000:
        raise ParameterError(f"times={times!r} must be from 99 to 100000")
    if seed < 0:
        raise ParameterError(f"seed={seed!r} must be 0 or more")
    if not within_s or not all(0 < one < math.inf for one in within_s):
        raise ParameterError("within_s must hold times above 0 s")
    notes, used = list(table.notes), ["Kaplan-Meier", "bootstrap"]
    episodes, recordings = _in_groups(table, notes)
    names = sorted(episodes["group"].unique())
    if reference is not None:
        if reference not in names:
            raise ParameterError(
                f"no group {reference!r}; there are {', '.join(filter(None, names)) or 'none'}"
            )
        names = [reference, *(one for one in names if one != reference)]
    aged = age and _aged(episodes, names, notes)
    nested = bool((episodes.groupby("child_id")["group"].nunique() == 1).all())
    if not nested:
        notes.append("some children are in more than one group")
    evenly = _evenly(recordings, names)
    _tell_hours(episodes, evenly, notes)
    sampled = Sampled(episodes, names, nested, times, seed)
    groups = [
        _group(one, episodes, recordings, sampled, within_s, level, times, seed) for one in names
    ]
    children = episodes["child_id"].nunique()
    effects: list[Effect] = []
    if why := _why_not(episodes, names, aged):
        notes.append(f"nothing is compared: {why}")
    else:
        if children < FEW_CHILDREN:
            notes.append(
                f"{children} children are few: a difference that is not found may well be there"
            )
        if episodes["answered"].any():
            effects += _sizes(names, sampled, within_s, level)
            effects += _cox(episodes, names, aged, level, used)
            effects += _answered(episodes, names, aged, level, used)
        else:
            notes.append("no cry was answered: there are no latencies to compare")
        effects += _crying(episodes, names, aged, nested, level, used, notes)
        if recordings is not None and len(recordings):
            effects += _amount(recordings, names, aged, level, used, notes)
        effects += _clock(episodes, names, nested, evenly, level, times, seed, used)
    if any(one.clock is not None for one in groups):
        used.append("circular")
    ps = [one.p for one in effects if one.p is not None]
    adjusted = iter(holm(ps))
    effects = [replace(one, p_holm=next(adjusted)) if one.p is not None else one for one in effects]
    if ps:
        used.append("Holm")
    return Comparison(
        groups=tuple(groups),
        effects=tuple(effects),
        tests=len(ps),
        notes=tuple(notes),
        used=tuple(dict.fromkeys(used)),
        children=children,
        episodes=len(episodes),
        censored=int((~episodes["answered"]).sum()),
        level=level,
        times=times,
        seed=seed,
        made=table.made,
        nested=nested,
        evenly=evenly,
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
        Cohen's d, pooled, less its bias; the interval turns the noncentral *t* round, so that it
        holds for few children too, were the children's values normal. Not known where nothing
        varies.

    Raises
    ------
    ParameterError
        If there are too few.

    Source
    ------
    Hedges, Journal of Educational Statistics 6 (1981) 107-128; Steiger & Fouladi, in What if
    there were no significance tests?, 1997, 221-257 (the interval).

    Examples
    --------
    >>> round(hedges_g([1, 2, 3, 4], [3, 4, 5, 6]).value, 3)
    1.347
    """
    from scipy.special import nctdtrinc

    a, b = np.asarray(first, float), np.asarray(second, float)
    if min(len(a), len(b)) < 2:
        raise ParameterError("a standardised difference needs at least 2 children in each group")
    n, m = len(a), len(b)
    how = "Hedges' g of the means of children"
    df = n + m - 2
    pooled = math.sqrt(((n - 1) * a.var(ddof=1) + (m - 1) * b.var(ddof=1)) / df)
    apart = float(b.mean() - a.mean())
    if pooled <= 1e-9 * max(abs(a).max(), abs(b).max()):
        return Estimate(None, None, None, n + m, level=level, how=how)
    size, less = math.sqrt(n * m / (n + m)), 1 - 3 / (4 * df - 1)
    # Under the sizes at its ends, what was seen comes with the shares that the level leaves.
    low, high = (
        float(nctdtrinc(df, share, apart / pooled * size)) / size * less
        for share in (0.5 + level / 2, 0.5 - level / 2)
    )
    return Estimate(apart / pooled * less, low, high, n + m, level=level, how=how)


def _group(
    name: str,
    episodes: Any,
    recordings: Any,
    sampled: Sampled,
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
    median = _ratio_of(sampled.fit(*logs(seen[0], draws[:, 0]), name), children, level, "s", _DRAWN)
    if seen[0] == 0:
        median = replace(median, value=0.0)
    fits = [sampled.fit(seen[k], draws[:, k], name) for k in range(1, len(ats) + 1)]
    count = len(within_s)
    shares = [_within(one, children, level, "share", _DRAWN, (0, 1)) for one in fits[:count]]
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
        tuple(zip(map(float, within_s), shares, strict=True)),
        _rate(recordings, name, level),
        clock,
        _hours(timed),
        _curve(grid, fits[count:], children, level),
    )


def _curve(grid: Sequence[float], fits: Sequence[Fit], children: int, level: float) -> Curve:
    known = [
        (at, fit)
        for at, fit in zip(grid, fits, strict=True)
        if math.isfinite(fit.value) and (children < 2 or math.isfinite(fit.error))
    ]
    bands = [fit.interval(level) for _, fit in known if children > 1]
    return Curve(
        tuple(at for at, _ in known),
        tuple(fit.value for _, fit in known),
        tuple(max(0.0, low) for low, _ in bands),
        tuple(min(1.0, high) for _, high in bands),
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
    fit = Fit(float(each.mean()), float(each.std(ddof=1)) / math.sqrt(n), n - 1.0)
    return _within(fit, n, level, "min/h", how, (0, math.inf))


def _ratio_of(fit: Fit, n: int, level: float, unit: str, how: str) -> Estimate:
    """Tell a logarithm as what it is the logarithm of."""
    value = math.exp(fit.value) if math.isfinite(fit.value) and fit.value < 700 else None
    low, high = fit.interval(level) if fit.usable else (-math.inf, math.inf)
    if value is None or high - low > 2 * _LARGEST_SPAN:
        return Estimate(value, None, None, n, unit=unit, level=level, how=how)
    return Estimate(value, math.exp(low), math.exp(high), n, unit=unit, level=level, how=how)


def _within(
    fit: Fit, n: int, level: float, unit: str, how: str, ends: tuple[float, float]
) -> Estimate:
    """Tell a number that can't be beyond its ends."""
    value = fit.value if math.isfinite(fit.value) else None
    if not fit.usable:
        return Estimate(value, None, None, n, unit=unit, level=level, how=how)
    low, high = fit.interval(level)
    if low <= ends[0] and high >= ends[1]:
        # All that there can be is no interval.
        return Estimate(value, None, None, n, unit=unit, level=level, how=how)
    return Estimate(
        value, max(ends[0], low), min(ends[1], high), n, unit=unit, level=level, how=how
    )


def _in_groups(table: StudyTable, notes: list[str]) -> tuple[Any, Any]:
    """Give episodes and recordings of the groups that have episodes."""
    episodes, recordings = table.episodes, table.recordings
    if (episodes["group"] != "").any():
        if unnamed := int((episodes["group"] == "").sum()):
            notes.append(f"{many(unnamed, 'episode')} without a group left out")
        episodes = episodes[episodes["group"] != ""].reset_index(drop=True)
    if recordings is None:
        return episodes, None
    names = episodes["group"].unique()
    silent_groups = sorted(set(recordings["group"]) - set(names) - {""})
    notes += [f"group {name!r} has no cry, and is left out" for name in silent_groups]
    recordings = recordings[recordings["group"].isin(names)].reset_index(drop=True)
    if silent := len(set(recordings["child_id"]) - set(episodes["child_id"])):
        notes.append(
            f"{many(silent, 'child', 'children')} did not cry, and count in crying an hour alone"
        )
    return episodes, recordings


def _why_not(episodes: Any, names: Sequence[str], aged: bool) -> str:
    """Say why nothing can be compared; empty where it can."""
    children = episodes["child_id"].nunique()
    if len(names) < 2 and not aged:
        return (
            "there is one group, and no age that differs; name groups with --children or GROUP=RUN"
        )
    if children < LEAST_CHILDREN:
        return f"it takes at least {LEAST_CHILDREN} children, however many cries each has"
    counts = episodes.groupby("group")["child_id"].nunique()
    for name in names:
        if counts[name] < 2:
            return f"group {name!r} has one child, and nothing tells that child from its group"
    return ""


def _aged(episodes: Any, names: Sequence[str], notes: list[str]) -> bool:
    """Say whether age can be in the models; where it is known and can't, a note says why."""
    known = episodes["age_weeks"].notna()
    if not known.any():
        return False
    left = "age is left out of the models: "
    if not known.all():
        missing = episodes.loc[~known, "child_id"].nunique()
        notes.append(left + f"it is not known of {many(missing, 'child', 'children')}")
    elif not _has_age(episodes):
        notes.append(left + "it hardly differs")
    elif len(names) > 1 and not _told_apart(episodes, names):
        notes.append(left + "groups and ages can't be told apart")
    else:
        return True
    return False


def _evenly(recordings: Any, names: Sequence[str]) -> bool | None:
    """Say whether each group was listened to at every hour of the day alike."""
    if recordings is None:
        return None
    for name in names:
        rows = recordings[(recordings["group"] == name) & recordings["start_hour"].notna()]
        if not len(rows):
            return None
        heard = hours_heard(rows["start_hour"], rows["heard_s"])
        if heard.min() < _EVEN * heard.max():
            return False
    return True


def _tell_hours(episodes: Any, evenly: bool | None, notes: list[str]) -> None:
    timed = int(episodes["hour"].notna().sum())
    if not timed:
        return
    if timed < len(episodes):
        notes.append(
            f"{many(len(episodes) - timed, 'episode')} without a time of day left out where it "
            "counts"
        )
    if evenly is False:
        notes.append(
            "hours of the day were not listened to alike: when crying begins is also when there "
            "was a recording, so no direction is tested against any hour alike"
        )
    elif evenly is None:
        notes.append(
            "times of day are taken as if every hour had been listened to alike, which is not known"
        )


def _sizes(
    names: Sequence[str], sampled: Sampled, within_s: Sequence[float], level: float
) -> list[Effect]:
    """Compare medians and shares, in seconds and in cries out of a hundred."""
    effects = []
    base, base_draws = sampled.values(names[0], within_s)
    for name in names[1:]:
        seen, draws = sampled.values(name, within_s)
        contrast, n = f"{name} against {names[0]}", sampled.count(name, names[0])
        fit = sampled.apart(
            name, *logs(seen[0], draws[:, 0]), names[0], *logs(base[0], base_draws[:, 0])
        )
        ratio = _ratio_of(fit, n, level, "", _DRAWN)
        note = "" if ratio.value is not None else "a group's median is not known, or is 0"
        effects.append(
            Effect(
                "latency", "ratio of medians", contrast, ratio, 1.0, _DRAWN, sampled.rows, note=note
            )
        )
        for k, at in enumerate(within_s, start=1):
            fit = sampled.apart(name, seen[k], draws[:, k], names[0], base[k], base_draws[:, k])
            less = _within(fit, n, level, "share", _DRAWN, (-1, 1))
            measure = f"difference in share within {at:g} s"
            nobody = seen[k] == base[k] == 0
            note = "nobody was answered so soon in either group" if nobody else ""
            effects.append(
                Effect("latency", measure, contrast, less, 0.0, _DRAWN, sampled.rows, note=note)
            )
    return effects


def _has_age(rows: Any) -> bool:
    known = rows["age_weeks"]
    return bool(known.notna().all() and known.std() > _LEAST_AGE_SPREAD_WEEKS)


def _told_apart(rows: Any, names: Sequence[str]) -> bool:
    """Say whether age differs within a group at all."""
    spreads = rows[rows["group"].isin(names)].groupby("group")["age_weeks"].std().fillna(0.0)
    return bool(spreads.max() > _LEAST_AGE_SPREAD_WEEKS)


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
    design, says = _design(episodes, names, aged)
    known = ("latency", "hazard ratio", 1.0, _COX)
    if not episodes.groupby("group")["answered"].any().all():
        # The likelihood has no top then: the fit ends somewhere, with a tiny error.
        why = "nobody answered in one of the groups: hazards have no ratio"
        return [_effect(known, one, NONE, episodes, level, why=why) for one in says.values()]
    waited, answered = episodes["waited_s"].to_numpy(float), episodes["answered"].to_numpy(bool)
    fits, even = cox(waited, answered, design, episodes["child_id"].to_numpy(str))
    used += ["Cox", "robust by cluster", "few children"]
    effects = []
    for term, contrast in says.items():
        note = ""
        if math.isfinite(even[term]):
            used.append("proportional")
            note = f"hazards proportional? p = {_p(even[term])}, over children"
            if even[term] < 0.05:
                note += "; the ratio is an average over time: trust medians and shares"
        effects.append(_effect(known, contrast, fits[term], episodes, level, note))
    return effects


def _answered(
    episodes: Any, names: Sequence[str], aged: bool, level: float, used: list[str]
) -> list[Effect]:
    design, says = _design(episodes, names, aged)
    counts = episodes.groupby("group")["answered"].agg(["sum", "count"])
    known = ("answered", "odds ratio", 1.0, _LOGIT)
    if ((counts["sum"] == 0) | (counts["sum"] == counts["count"])).any():
        why = "a group has all or none of its cries answered: odds have no ratio"
        return [_effect(known, one, NONE, episodes, level, why=why) for one in says.values()]
    used += ["GEE", "few children"]
    child = episodes["child_id"].to_numpy(str)
    fits = gee(episodes["answered"].to_numpy(float), design, child, logit=True)
    note = "answered before the crying ended; it ends sooner or later for other reasons too"
    return [
        _effect(known, contrast, fits[term], episodes, level, note)
        for term, contrast in says.items()
    ]


def _crying(
    episodes: Any,
    names: Sequence[str],
    aged: bool,
    nested: bool,
    level: float,
    used: list[str],
    notes: list[str],
) -> list[Effect]:
    """Compare how long an episode's crying lasts, as geometric means."""
    rows = episodes[episodes["crying_s"] > 0]
    if not len(rows):
        return []
    counts = rows.groupby("group")["child_id"].nunique()
    if rows["child_id"].nunique() < LEAST_CHILDREN or any(counts.get(one, 0) < 2 for one in names):
        notes.append(
            "crying an episode is not compared: in too few children was it heard to its end"
        )
        return []
    aged = aged and _has_age(rows)
    design, says = _design(rows, names, aged)
    outcome = np.log(rows["crying_s"].to_numpy(float))
    fits, share = mixed(outcome, design, rows["child_id"].to_numpy(str))
    used.append("mixed model")
    note = (
        f"share of variance that lies between children: {share:.2f}"
        if share >= 1e-4
        else "children hardly differ: the variance between them was estimated as 0"
    )
    known = ("crying an episode", "ratio of geometric means", 1.0, _MIXED)
    effects = [
        _effect(known, contrast, fits[term], rows, level, note) for term, contrast in says.items()
    ]
    if not nested:
        # A child that is in both groups is no two children.
        return effects
    means = np.log(rows["crying_s"]).groupby([rows["group"], rows["child_id"]]).mean()
    for name in names[1:]:
        used.append("Hedges' g")
        g = hedges_g(means[names[0]].tolist(), means[name].tolist(), level=level)
        effects.append(
            Effect("crying an episode", "standardised difference", f"{name} against {names[0]}",
                   g, 0.0, g.how, len(rows), note="of the logarithm; a child is one, age is not in")
        )  # fmt: skip
    return effects


def _amount(
    recordings: Any,
    names: Sequence[str],
    aged: bool,
    level: float,
    used: list[str],
    notes: list[str],
) -> list[Effect]:
    """Compare minutes of crying in an hour that was listened to."""
    counts = recordings.groupby("group")["child_id"].nunique()
    if any(counts.get(name, 0) < 2 for name in names):
        notes.append("crying an hour is not compared: a group has too few children with recordings")
        return []
    aged = aged and _has_age(recordings)
    design, says = _design(recordings, names, aged)
    if not says:
        return []
    heard = recordings["heard_s"].to_numpy(float)
    rate = recordings["crying_s"].to_numpy(float) / heard * 60
    child = recordings["child_id"].to_numpy(str)
    fits = gee(rate, design, child, weights=heard / heard.mean())
    used += ["GEE", "few children"]
    known = ("crying an hour", "difference", 0.0, _GAUSSIAN)
    note = "rows are recordings or days"
    return [
        _effect(known, contrast, fits[term], recordings, level, note, unit="min/h")
        for term, contrast in says.items()
    ]


def _clock(
    episodes: Any,
    names: Sequence[str],
    nested: bool,
    evenly: bool | None,
    level: float,
    times: int,
    seed: int,
    used: list[str],
) -> list[Effect]:
    rows = episodes[episodes["hour"].notna()]
    of = {
        name: (own["hour"].to_numpy(float), own["child_id"].tolist())
        for name, own in rows.groupby("group")
    }
    effects = []
    for name, own in ((one, of[one]) for one in names if one in of):
        means = child_means(*own)
        means = means[np.abs(means) > 1e-9]
        if evenly is False or len(means) < 3:
            continue
        directions = np.angle(means) * 12 / np.pi
        test = rayleigh(directions)
        used.append("Rayleigh")
        alike = time_of_day(
            directions, range(len(directions)), times=times, seed=seed, level=level
        ).resultant
        effects.append(
            Effect("time of day", "how alike children's directions are",
                   f"{name or 'all'} against any hour alike", alike, 0.0,
                   "Rayleigh's test of one direction a child", len(own[1]), test.p,
                   note=f"0, any; 1, all the same; {test.note}")
        )  # fmt: skip
    if not nested or len(names) < 2 or any(_children(of, name) < 2 for name in names):
        return effects
    test = permutation_test(
        rows["hour"].tolist(), rows["group"].tolist(), rows["child_id"].tolist(),
        times=max(times, 999), seed=seed,
    )  # fmt: skip
    used.append("permutation")
    note = "holds if groups were listened to at the same hours"
    known = ("time of day", "difference of mean directions")
    for name in names[1:]:
        apart = hours_apart(of[names[0]], of[name], times=times, seed=seed, level=level)
        effects.append(
            Effect(*known, f"{name} against {names[0]}", apart, 0.0,
                   "directions; children drawn with replacement", len(rows), note=note)
        )  # fmt: skip
    if len(names) == 2:
        effects[-1] = replace(effects[-1], p=test.p, model="children dealt to groups anew")
    else:
        none = Estimate(None, None, None, test.n, unit="h", level=level, how=test.name)
        effects.append(
            Effect(*known, "all groups", none, 0.0, "children dealt to groups anew", len(rows),
                   test.p, note=f"one test of all groups; {note}")
        )  # fmt: skip
    return effects


def _children(of: Any, name: str) -> int:
    return len(set(of[name][1])) if name in of else 0


def _effect(
    known: tuple[str, str, float, str],
    contrast: str,
    fit: Fit,
    rows: Any,
    level: float,
    note: str = "",
    *,
    unit: str = "",
    why: str = _NO_ANSWER,
) -> Effect:
    """Tell a coefficient, or `why` there is none; `known` is outcome, measure, null, model."""
    outcome, measure, null, model = known
    n = rows["child_id"].nunique()
    if not (fit.ratio if null == 1 else fit.usable):
        none = Estimate(None, None, None, n, unit=unit, level=level, how=model)
        return Effect(outcome, measure, contrast, none, null, model, len(rows), note=why)
    found = (
        _ratio_of(fit, n, level, unit, model)
        if null == 1
        else _within(fit, n, level, unit, model, (-math.inf, math.inf))
    )
    return Effect(outcome, measure, contrast, found, null, model, len(rows), fit.p, note=note)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _packages() -> None:
    from importlib.util import find_spec

    for name in ("lifelines", "pandas", "scipy", "statsmodels"):
        if find_spec(name) is None:
            raise HarkenError(f"statistics need {name}: pip install 'harken[studies]'")
