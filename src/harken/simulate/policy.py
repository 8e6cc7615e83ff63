"""How crying is answered: a policy with a name, or this household's own measured latencies."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

from harken.errors import ParameterError

if TYPE_CHECKING:
    from harken.journal import Journal

LEAST_EPISODES = 10
"""Fewer episodes in a journal than this make no policy `like-us`."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Measured response latencies, from which new ones are drawn.

    Parameters
    ----------
    seconds : tuple of float [s]
        Latencies that occurred, rising.
    unanswered : tuple of float, 0 to 1
        Kaplan–Meier share that is not answered yet, after each of them.
    n : int
        Episodes that they come from, the censored ones too.
    """

    seconds: tuple[float, ...]
    unanswered: tuple[float, ...]
    n: int

    def draw(self, u: float) -> float | None:
        """Give the latency at a share of the distribution.

        Parameters
        ----------
        u : float, 0 to 1

        Returns
        -------
        float or None [s]
            None: nobody comes.
        """
        for second, share in zip(self.seconds, self.unanswered, strict=True):
            if u > share:
                return second
        return None

    @classmethod
    def measured(cls, answered: Sequence[float], censored: Sequence[float]) -> Self:
        """Make them from what was measured; crying that ended first is censored.

        Parameters
        ----------
        answered, censored : sequence of float [s]

        Returns
        -------
        Latencies

        Examples
        --------
        >>> Latencies.measured([10.0, 30.0], [20.0]).unanswered
        (0.6666666666666667, 0.0)
        """
        share, at_risk = 1.0, len(answered) + len(censored)
        seconds, unanswered = [], []
        for second, came in sorted([(one, 0) for one in answered] + [(one, 1) for one in censored]):
            if came == 0:
                share *= 1 - 1 / at_risk
                seconds.append(second)
                unanswered.append(share)
            at_risk -= 1
        return cls(tuple(seconds), tuple(unanswered), len(answered) + len(censored))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How crying is answered.

    Parameters
    ----------
    name, says : str
    source : tuple of str
        Ids of claims, or ``("assumed",)``.
    answers : float, 0 to 1
        Share of cries that anybody means to answer.
    at_last_s : float or None, > 0 [s]
        About when somebody goes all the same to a cry that nobody meant to answer;
        None: never.
    latency_s : float or None, > 0 [s]
        Median latency; None: the caregivers' own, by duty, asleep or not.
    spread : float, ≥ 0
        Standard deviation of the logarithm of latency.
    wait_s : float, ≥ 0 [s]
        Nobody sets out before.
    checks_s : tuple of float, > 0 [s]
        Waits before visits at which nobody picks up; the last is repeated.
    night_only : bool
        Wait, checks and latency hold at night; by day caregivers go at once.
    carried_h : float, 0 to 20 [h/day]
        Carrying, feeding left out.
    sees : float, 0 to 1
        How many of the needs that can be seen coming are met before any crying.
    in_arms : bool
        Whether an infant that is carried when it begins to cry is answered at once.
    day, night : Latencies or None
        Measured ones in place of all that.

    Raises
    ------
    ParameterError
        If a field is out of its range.

    Examples
    --------
    >>> policy("fixed").wait_s
    300.0
    """

    name: str
    says: str = ""
    source: tuple[str, ...] = ("assumed",)
    answers: float = 1.0
    at_last_s: float | None = None
    latency_s: float | None = None
    spread: float = 1.0
    wait_s: float = 0.0
    checks_s: tuple[float, ...] = ()
    night_only: bool = False
    carried_h: float = 2.7
    sees: float = 1.0
    in_arms: bool = True
    day: Latencies | None = None
    night: Latencies | None = None

    def __post_init__(self) -> None:
        limits = {
            "answers": (0.0, 1.0),
            "at_last_s": (0.1, 86_400.0),
            "latency_s": (0.1, 86_400.0),
            "spread": (0.0, 3.0),
            "wait_s": (0.0, 86_400.0),
            "carried_h": (0.0, 20.0),
            "sees": (0.0, 1.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is None and name in ("at_last_s", "latency_s"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"policy {self.name}: {name}={value!r} is not a number")
            if not least <= value <= most:
                raise ParameterError(
                    f"policy {self.name}: {name}={value:g} must be from {least:g} to {most:g}"
                )
            object.__setattr__(self, name, float(value))
        for wait in self.checks_s:
            if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 < wait <= 86400:
                raise ParameterError(
                    f"policy {self.name}: a wait of {wait!r} s must be above 0, up to a day"
                )


def policy(name: str, **changes: Any) -> Policy:
    """Give a policy by its name.

    Parameters
    ----------
    name : str
        One of `policies`.
    **changes
        Fields of `Policy` to set otherwise.

    Returns
    -------
    Policy

    Raises
    ------
    ParameterError
        If there is none of that name, or a field is out of its range.

    Examples
    --------
    >>> policy("usual", carried_h=4.4).carried_h
    4.4
    """
    known = policies()
    if name not in known:
        raise ParameterError(f"policy {name!r} is not known; there are {', '.join(known)}")
    return replace(known[name], **changes)


@cache
def policies() -> Mapping[str, Policy]:
    """Give all policies by name, as they stand in the file.

    Returns
    -------
    mapping of str to Policy

    Examples
    --------
    >>> list(policies())[:3]
    ['prompt', 'usual', 'carrying']
    """
    text = (files("harken.simulate") / "policies.toml").read_text("utf-8")
    names = {one.name for one in fields(Policy)}
    made = {}
    for name, values in tomllib.loads(text).items():
        source = values.pop("source")
        share = values.pop("within_10_s", None)
        if share is not None:
            spread = values.get("spread", 1.0)
            values["latency_s"] = round(
                math.exp(math.log(10.0) - spread * NormalDist().inv_cdf(share)), 3
            )
        unknown = values.keys() - names
        if unknown:
            raise ParameterError(f"policy {name}: unknown field {min(unknown)!r}")
        values["checks_s"] = tuple(values.get("checks_s", ()))
        sources = (source,) if isinstance(source, str) else tuple(source)
        made[name] = Policy(name=name, source=sources, **values)
    return made


def like_us(
    journal: "Journal", *, child: str | None = None, carried_h: float | None = None
) -> Policy:
    """Make a policy of a household's own record: its measured latencies, by day and by night.

    Crying that ended before anybody came is censored, not counted as never
    answered. Carrying is what the care log holds a day, where it holds any.

    Parameters
    ----------
    journal : Journal
    child : str, optional
        Id; by default all children.
    carried_h : float, optional [h/day]
        In place of what the care log says.

    Returns
    -------
    Policy
        Named ``like-us``.

    Raises
    ------
    ParameterError
        If there are too few episodes, or none was answered.
    """
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(str(journal.household.get_setting("zone") or "UTC"))
    seconds: dict[bool, tuple[list[float], list[float]]] = {
        False: ([], []),
        True: ([], []),
    }
    episodes = [
        one
        for one in journal.episodes()
        if one.counts and (child is None or one.child in (None, child))
    ]
    for one in episodes:
        hour = one.onset.astimezone(zone).hour
        came, ended = seconds[hour >= 19 or hour < 7]
        if one.latency_s is not None:
            came.append(one.latency_s)
        else:
            ended.append(one.censored_s or 0.0)
    answered = [second for half in seconds.values() for second in half[0]]
    if len(episodes) < LEAST_EPISODES or not answered:
        raise ParameterError(
            f"this journal holds {len(episodes)} episodes, {len(answered)} of them answered; "
            f"--like-us needs at least {LEAST_EPISODES}, one of them answered"
        )
    censored = [second for half in seconds.values() for second in half[1]]
    every = Latencies.measured(answered, censored)
    made = {
        night: Latencies.measured(*half) if len(half[0]) >= LEAST_EPISODES else every
        for night, half in seconds.items()
    }
    if carried_h is None:
        carried_h = _carried_h(journal, child)
    return Policy(
        name="like-us",
        says="As this household answered.",
        source=("this household's journal",),
        carried_h=carried_h,
        day=made[False],
        night=made[True],
    )


def _carried_h(journal: "Journal", child: str | None) -> float:
    """Hours a day by the care log; the usual where it has no carrying."""
    spans = [
        ((one.until - one.at).total_seconds(), one.at.date())
        for one in journal.care(child=child)
        if one.what == "carry" and one.until is not None
    ]
    if not spans:
        return 2.7
    days = len({day for _, day in spans})
    return min(20.0, sum(seconds for seconds, _ in spans) / 3600 / days)
