"""Policies side by side, what crying records cannot tell apart, and how large a trial must be."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError, ParameterError
from harken.simulate.cohort import simulate_days
from harken.simulate.history import Explanation
from harken.simulate.parameters import Parameters
from harken.simulate.policy import Policy, policy

GIVES_UP = Explanation(gives_up=True, learns_to_settle=False)
SETTLES = Explanation(gives_up=False, learns_to_settle=True)


@dataclass(frozen=True, slots=True)
class Arm:
    """One policy in a comparison; minutes and counts are a day, means over infants.

    Parameters
    ----------
    policy, says : str
    infants : int
    crying_min, crying_sd : float [min/day]
        And its standard deviation between infants.
    bouts : float [per day]
    no_contact_min : float [min/day]
        Crying with nobody there.
    answered : float, 0 to 1
        Share of bouts.
    first_week_min, last_week_min : float [min/day]
        Crying.
    silent_gives_up_min, silent_settles_min : float [min/day]
        Hidden: distress without crying, under each of the two explanations.
    apart_min : float [min/day]
        Largest difference that any day of any infant shows between the two
        explanations in crying, bouts or answers: what a crying record could show.
    to_tell : int or None
        Infants with one reading of distress each, ten minutes after crying
        stopped unanswered, that tell the explanations apart at a power of 80 %;
        None where no number does.
    """

    policy: str
    says: str
    infants: int
    crying_min: float
    crying_sd: float
    bouts: float
    no_contact_min: float
    answered: float
    first_week_min: float
    last_week_min: float
    silent_gives_up_min: float
    silent_settles_min: float
    apart_min: float
    to_tell: int | None

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Policies side by side.

    Parameters
    ----------
    arms : tuple of Arm
    crying : tuple of float64[days] [min/day]
        Of each arm, the mean over infants.
    silent : tuple of (float64[days], float64[days]) [min/day]
        Distress without crying: gives up, learns to settle.
    age_weeks : float
    weeks : float
    """

    arms: tuple[Arm, ...]
    crying: tuple[NDArray[np.float64], ...]
    silent: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    age_weeks: float
    weeks: float

    def words(self) -> list[str]:
        """Say what can and what cannot be told from crying.

        Returns
        -------
        list of str
            A sentence or two each.
        """
        said = [
            "Every number here follows from what was put into the model. It is no evidence about "
            "infants."
        ]
        least = min(self.arms, key=lambda one: one.crying_min)
        most = max(self.arms, key=lambda one: one.crying_min)
        if least is not most:
            said.append(
                f"In these runs crying is least under {least.policy} ({least.crying_min:.0f} min a "
                f"day, {least.bouts:.1f} bouts) and most under {most.policy} "
                f"({most.crying_min:.0f} min, {most.bouts:.1f} bouts)."
            )
        apart = max(one.apart_min for one in self.arms)
        if apart == 0:
            said.append(
                "The two explanations of falling cries, gives up and learns to settle, gave the "
                "same crying record in every run, cry for cry: the largest difference on any day "
                "of any infant is 0. No record of crying, however long, can tell them apart."
            )
        else:
            said.append(f"The two explanations differ by up to {apart:.1f} min of crying on a day.")
        quiet = max(self.arms, key=lambda one: one.silent_gives_up_min - one.silent_settles_min)
        if quiet.silent_gives_up_min - quiet.silent_settles_min >= 0.5:
            said.append(
                f"What differs is hidden: under {quiet.policy} there are "
                f"{quiet.silent_gives_up_min:.0f} min a day of distress without crying if infants "
                f"give up, and {quiet.silent_settles_min:.0f} if they learn to settle."
            )
        told = [one for one in self.arms if one.to_tell is not None]
        if told:
            one = min(told, key=lambda arm: arm.to_tell or 0)
            said.append(
                "A measurement of distress itself would tell them apart, taken while the infant is "
                "quiet: a reading ten minutes after crying stopped unanswered (heart rate, "
                f"cortisol), with the assumed spread of such readings, from about {one.to_tell} "
                f"infants under {one.policy}."
            )
        else:
            said.append(
                "Hardly any cry is left unanswered here, so no measurement of these infants could "
                "tell the explanations apart either."
            )
        said.append("Less crying under a policy is not, by itself, more wellbeing or less.")
        return said

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
        """
        return {
            "age_weeks": self.age_weeks,
            "weeks": self.weeks,
            "arms": [one.as_dict() for one in self.arms],
            "crying_min_by_day": [[round(float(value), 2) for value in one] for one in self.crying],
            "words": self.words(),
        }


def compare(
    policies: Sequence[Policy | str],
    *,
    infants: int = 100,
    weeks: float = 4.0,
    seed: int = 0,
    age_weeks: float = 2.0,
    parameters: Parameters | None = None,
    jobs: int = 1,
) -> Comparison:
    """Run policies side by side on the same infants, under both explanations.

    Parameters
    ----------
    policies : sequence of Policy or str
        At least one; each name once.
    infants, weeks, seed, age_weeks, parameters, jobs
        As `harken.simulate.cohort.simulate_days` takes them.

    Returns
    -------
    Comparison

    Raises
    ------
    ParameterError
        If there is no policy, one comes twice, or an argument is out of its range.

    Examples
    --------
    >>> made = compare(["prompt", "none"], infants=3, weeks=1)
    >>> [one.apart_min for one in made.arms]
    [0.0, 0.0]
    """
    chosen = [policy(one) if isinstance(one, str) else one for one in policies]
    names = [one.name for one in chosen]
    if not chosen:
        raise ParameterError("compare: name at least one policy")
    if len(set(names)) < len(names):
        raise ParameterError("compare: each policy can be named once")
    if weeks < 1:
        raise ParameterError(f"compare: weeks={weeks:g} must be 1 or more")
    arms, crying, silent = [], [], []
    for one in chosen:
        gives_up, settles = (
            simulate_days(
                one, infants=infants, weeks=weeks, seed=seed, age_weeks=age_weeks,
                explanation=explanation, parameters=parameters, jobs=jobs,
            )
            for explanation in (GIVES_UP, SETTLES)
        )  # fmt: skip
        arms.append(_arm(one, gives_up, settles, parameters or Parameters()))
        crying.append(gives_up["crying_min"].mean(axis=0))
        silent.append((gives_up["silent_min"].mean(axis=0), settles["silent_min"].mean(axis=0)))
    return Comparison(tuple(arms), tuple(crying), tuple(silent), age_weeks, weeks)


_RECORD = ("crying_min", "evening_min", "no_contact_min", "bouts", "answered")


def _arm(
    one: Policy,
    gives_up: dict[str, NDArray[np.float64]],
    settles: dict[str, NDArray[np.float64]],
    parameters: Parameters,
) -> Arm:
    each = gives_up["crying_min"].mean(axis=1)
    bouts = float(gives_up["bouts"].sum())
    apart = max(float(np.abs(gives_up[name] - settles[name]).max()) for name in _RECORD)
    unanswered = bouts - float(gives_up["answered"].sum())
    return Arm(
        policy=one.name,
        says=one.says,
        infants=len(each),
        crying_min=float(each.mean()),
        crying_sd=float(each.std(ddof=1)) if len(each) > 1 else 0.0,
        bouts=float(gives_up["bouts"].mean()),
        no_contact_min=float(gives_up["no_contact_min"].mean()),
        answered=float(gives_up["answered"].sum()) / bouts if bouts else 0.0,
        first_week_min=float(gives_up["crying_min"][:, :7].mean()),
        last_week_min=float(gives_up["crying_min"][:, -7:].mean()),
        silent_gives_up_min=float(gives_up["silent_min"].mean()),
        silent_settles_min=float(settles["silent_min"].mean()),
        apart_min=apart,
        to_tell=_to_tell(gives_up["silent_min"], settles["silent_min"], unanswered, parameters),
    )


def _to_tell(
    gives_up: NDArray[np.float64],
    settles: NDArray[np.float64],
    unanswered: float,
    parameters: Parameters,
) -> int | None:
    """Count infants whose one reading each tells a distressed quiet from a calm one.

    The share that is still distressed ten minutes after is taken from how long
    silent distress lasts on average after a cry that stopped unanswered.
    """
    if unanswered < 1:
        return None

    def distressed(silent: NDArray[np.float64]) -> float:
        mean_s = float(silent.sum()) * 60 / unanswered
        return math.exp(-parameters["reading.after_s"] / mean_s) if mean_s > 1 else 0.0

    apart = distressed(gives_up) - distressed(settles)
    if apart < 0.01:
        return None
    # A reading of a mixed group has the spread of the reading and that of the mixture.
    share = distressed(gives_up)
    spread = math.sqrt(parameters["reading.spread"] ** 2 + share * (1 - share))
    return 2 * trial_size(apart, spread)


def trial_size(difference: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Say how many infants each arm of a trial needs to see a difference.

    Two arms of one size, a two-sided test of means; the usual formula with
    Guenther's addition for the t test.

    Parameters
    ----------
    difference : float, > 0
        Between the means of the arms.
    sd : float, > 0
        Between infants of one arm, in the same unit.
    power : float, 0.5 to below 1
    alpha : float, above 0 to below 0.5

    Returns
    -------
    int
        Infants an arm, 2 or more.

    Raises
    ------
    ParameterError
        If an argument is out of its range.

    References
    ----------
    W. C. Guenther (1981), Sample size formulas for normal theory t tests, The
    American Statistician 35, 243-244.

    Examples
    --------
    >>> trial_size(0.5, 1.0)
    64
    """
    for name, value in (("difference", difference), ("sd", sd)):
        if not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{name}={value!r} must be above 0")
    if not 0.5 <= power < 1:
        raise ParameterError(f"power={power!r} must be from 0.5 to below 1")
    if not 0 < alpha < 0.5:
        raise ParameterError(f"alpha={alpha!r} must be above 0 and below 0.5")
    z = NormalDist().inv_cdf(1 - alpha / 2)
    needed = 2 * ((z + NormalDist().inv_cdf(power)) * sd / difference) ** 2 + z * z / 4
    return max(2, math.ceil(needed - 1e-9))


@dataclass(frozen=True, slots=True)
class Trial:
    """How large a trial must be, from simulated infants.

    Parameters
    ----------
    difference_min : float [min/day]
        To be seen between the arms.
    mean_min, sd_min : float [min/day]
        Crying in the first arm, and its spread between infants, over `days` days each.
    against_min : float or None [min/day]
        Crying in the second arm, where one was named.
    days : int
        Days of record an infant.
    arm : int
        Infants each arm needs.
    power : float
        As asked for.
    reached : float or None
        Share of simulated trials of that size that saw the difference.
    """

    difference_min: float
    mean_min: float
    sd_min: float
    against_min: float | None
    days: int
    arm: int
    power: float
    reached: float | None

    def __str__(self) -> str:
        text = (
            f"To see a difference of {self.difference_min:.0f} min a day from "
            f"{self.mean_min:.0f} (SD {self.sd_min:.0f} between infants, {self.days} days of "
            f"record each) with a power of {self.power:.0%}, a trial needs {self.arm} infants in "
            "each arm."
        )
        if self.reached is not None:
            text += f" Of 1000 simulated trials of that size, {self.reached:.0%} saw it."
        return text


def size_trial(
    answering: Policy | str,
    against: Policy | str | None = None,
    *,
    difference_min: float | None = None,
    days_each: int = 7,
    age_weeks: float = 6.0,
    power: float = 0.8,
    infants: int = 300,
    seed: int = 0,
    parameters: Parameters | None = None,
    jobs: int = 1,
) -> Trial:
    """Say how many infants a trial needs, from simulated ones.

    Parameters
    ----------
    answering : Policy or str
        Of the first arm.
    against : Policy or str, optional
        Of the second arm; the difference is then what is simulated.
    difference_min : float, optional [min/day]
        To be seen, in place of the simulated one; one of both must be given.
    days_each : int, 1 to 56
        Days of record an infant, from `age_weeks` on.
    age_weeks : float
    power : float, 0.5 to below 1
    infants : int, 20 or more
        How many are simulated an arm.
    seed, parameters, jobs
        As elsewhere.

    Returns
    -------
    Trial

    Raises
    ------
    ParameterError
        If neither or an impossible difference is given, or an argument is out of range.
    """
    if isinstance(days_each, bool) or not isinstance(days_each, int) or not 1 <= days_each <= 56:
        raise ParameterError(f"days={days_each!r} must be a whole number from 1 to 56")
    if infants < 20:
        raise ParameterError(f"infants={infants} must be 20 or more: a spread is to be measured")
    if against is None and difference_min is None:
        raise ParameterError("name a second policy or a difference in minutes a day")
    # A week to live in first, so that what is learned has settled.
    before = min(1.0, age_weeks)

    def each(one: Policy | str) -> NDArray[np.float64]:
        made = simulate_days(
            one, infants=infants, weeks=before + days_each / 7, seed=seed,
            age_weeks=age_weeks - before, parameters=parameters, jobs=jobs,
        )  # fmt: skip
        crying: NDArray[np.float64] = made["crying_min"][:, -days_each:].mean(axis=1)
        return crying

    first = each(answering)
    second = None if against is None else each(against)
    sd = float(first.std(ddof=1))
    if second is not None:
        sd = math.sqrt((sd**2 + float(second.var(ddof=1))) / 2)
    if difference_min is None:
        assert second is not None
        difference_min = abs(float(first.mean() - second.mean()))
        if difference_min < 0.5:
            raise ParameterError(
                "the two policies differ by less than half a minute a day here; name a difference"
            )
    arm = trial_size(difference_min, sd, power=power)
    reached = None
    if second is not None:
        reached = _reached(first, second, arm, seed)
    return Trial(
        difference_min,
        float(first.mean()),
        sd,
        None if second is None else float(second.mean()),
        days_each,
        arm,
        power,
        reached,
    )


def _reached(first: NDArray[np.float64], second: NDArray[np.float64], arm: int, seed: int) -> float:
    """Run trials of that size on simulated infants and count those that see the difference."""
    rng = np.random.default_rng([seed, 77])
    runs = 1000
    one = first[rng.integers(len(first), size=(runs, arm))]
    other = second[rng.integers(len(second), size=(runs, arm))]
    error = np.sqrt((one.var(axis=1, ddof=1) + other.var(axis=1, ddof=1)) / arm)
    t = np.abs(one.mean(axis=1) - other.mean(axis=1)) / np.where(error > 0, error, np.inf)
    return float((t > _t_limit(2 * arm - 2)).mean())


def _t_limit(freedom: int) -> float:
    """Two-sided 5 % point of Student's t, by Cornish and Fisher's expansion."""
    z = NormalDist().inv_cdf(0.975)
    n = float(freedom)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def draw(made: Comparison) -> Any:
    """Draw a comparison: crying by policy, and distress without crying by explanation.

    Parameters
    ----------
    made : Comparison

    Returns
    -------
    altair.HConcatChart

    Raises
    ------
    HarkenError
        If Altair is not installed.
    """
    try:
        import altair as alt
    except ImportError:
        raise HarkenError("a chart needs Altair: pip install 'harken[plot]'") from None
    return _panels(alt, made)


def _panels(alt: Any, made: Comparison) -> Any:
    crying, silent = [], []
    for arm, by_day, (up, settled) in zip(made.arms, made.crying, made.silent, strict=True):
        smooth = _smooth(by_day)
        for day, value in enumerate(smooth):
            week = made.age_weeks + (day + 0.5) / 7
            crying.append({"week": week, "min": float(value), "policy": arm.policy})
        for name, values in (("gives up", up), ("learns to settle", settled)):
            silent.append({"policy": arm.policy, "explanation": name, "min": float(values.mean())})
    names = [arm.policy for arm in made.arms]
    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
    left = (
        alt.Chart(alt.Data(values=crying), width=380, height=260)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("week:Q", title="age, weeks", scale=alt.Scale(zero=False)),
            y=alt.Y("min:Q", title="crying, minutes a day"),
            color=alt.Color(
                "policy:N",
                sort=names,
                scale=alt.Scale(domain=names, range=colours[: len(names)]),
            ),
            strokeDash=alt.StrokeDash("policy:N", sort=names, legend=None),
        )
        .properties(title=_title(made))
    )
    right = (
        alt.Chart(alt.Data(values=silent), width=300, height=260)
        .mark_bar()
        .encode(
            x=alt.X("min:Q", title="distress without crying, minutes a day"),
            y=alt.Y("policy:N", sort=names, title=None),
            yOffset="explanation:N",
            color=alt.Color(
                "explanation:N", scale=alt.Scale(range=["#882255", "#88CCEE"]), title=None
            ),
        )
        .properties(title="The same crying, two explanations: what nobody hears")
    )
    return alt.hconcat(left, right).resolve_scale(color="independent")


def _title(made: Comparison) -> str:
    """Say the finding, and with it what it is worth."""
    least = min(made.arms, key=lambda one: one.last_week_min)
    if least.silent_gives_up_min > max(10.0, least.last_week_min):
        return f"Simulated: least crying under {least.policy}, which need not be least distress"
    return f"Simulated: least crying in the last week under {least.policy}"


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of three days, so that a line can be followed."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.convolve(padded, np.full(3, 1 / 3), "valid")


def save_chart(chart: Any, path: str) -> None:
    """Write a chart as .svg, .png, .html or .json.

    Parameters
    ----------
    chart : altair chart
    path : str

    Raises
    ------
    ParameterError
        If the name has another ending.
    HarkenError
        If what draws pictures is not installed, or it cannot be written.
    """
    from pathlib import Path

    target = Path(path)
    ending = target.suffix.lower()
    if ending not in (".svg", ".png", ".html", ".json"):
        raise ParameterError(f"{path!r} must end in .svg, .png, .html or .json")
    try:
        if ending == ".json":
            data = chart.to_json().encode()
        else:
            import vl_convert

            if ending == ".png":
                data = vl_convert.vegalite_to_png(chart.to_json(), scale=1.5)
            elif ending == ".svg":
                data = vl_convert.vegalite_to_svg(chart.to_json()).encode()
            else:
                data = vl_convert.vegalite_to_html(chart.to_json(), bundle=True).encode()
    except ImportError:
        raise HarkenError("a picture needs vl-convert: pip install 'harken[plot]'") from None
    try:
        target.write_bytes(data)
    except OSError as error:
        raise HarkenError(f"cannot write {path!r}: {error.strerror or error}") from None
