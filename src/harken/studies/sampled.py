"""Waiting times by Kaplan–Meier, and what they would be with other children like these.

A number's error is the spread that it has when whole children are drawn with
replacement, each with all of its cries.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.studies.models import Fit, difference

_AT_ONCE = 50
"""Draws at a time, so that memory does not grow with their number."""


class Sampled:
    """Waiting times of each group, and children drawn with replacement.

    Parameters
    ----------
    episodes : pandas.DataFrame
        As in `StudyTable`.
    names : sequence of str
        Groups.
    nested : bool
        Whether each child is in one group; children are then drawn within groups.
    times : int, ≥ 2
        Draws.
    seed : int, ≥ 0

    Source
    ------
    Field & Welsh, Journal of the Royal Statistical Society B 69 (2007) 369-390.
    """

    def __init__(
        self, episodes: Any, names: Sequence[str], nested: bool, times: int, seed: int
    ) -> None:
        order = np.lexsort((~episodes["answered"].to_numpy(bool), episodes["waited_s"].to_numpy()))
        rows = episodes.iloc[order]
        self.waited = rows["waited_s"].to_numpy(float)
        self.answered = rows["answered"].to_numpy(bool)
        group = rows["group"].to_numpy(object)
        children, self.child = np.unique(rows["child_id"].to_numpy(str), return_inverse=True)
        self.children, self.nested = len(children), nested
        self.of = {name: group == name for name in names}
        self.rows = len(rows)
        random = np.random.default_rng(seed)
        self.drawn = np.zeros((times, self.children))
        # Groups keep their size. Their order does not hang on which is compared with which.
        parts = [np.unique(self.child[self.of[name]]) for name in sorted(names)] if nested else []
        for part in parts or [np.arange(self.children)]:
            even = np.full(len(part), 1 / len(part))
            self.drawn[:, part] = random.multinomial(len(part), even, times)

    def count(self, *names: str) -> int:
        """Give how many children are in any of the groups."""
        return len(np.unique(self.child[np.any([self.of[one] for one in names], axis=0)]))

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

    def fit(self, seen: float, draws: NDArray[np.float64], name: str | None = None) -> Fit:
        """Give a number of one group with its error; without a name, one of all children.

        There is no error where there is one child, or where too many draws have no value.
        """
        own = self.children if name is None else self.count(name)
        whole = own if self.nested else self.children
        known = draws[np.isfinite(draws)]
        if own < 2 or len(known) < 0.95 * len(draws):
            return Fit(seen, math.nan, 1.0)
        # Drawing k of k children makes errors too small by k − 1 to k.
        error = float(known.std(ddof=1)) * math.sqrt(whole / (whole - 1))
        return Fit(seen, error, own - 1.0)

    def apart(
        self,
        name: str,
        seen: float,
        draws: NDArray[np.float64],
        base: str,
        base_seen: float,
        base_draws: NDArray[np.float64],
    ) -> Fit:
        """Give how much a group has more than another."""
        if self.nested:
            return difference(self.fit(seen, draws, name), self.fit(base_seen, base_draws, base))
        with np.errstate(invalid="ignore"):
            return self.fit(seen - base_seen, draws - base_draws)


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
    reach = np.where(weights > 0, waited, -np.inf).max(axis=1)
    for k, at in enumerate(ats, start=1):
        place = int(np.searchsorted(waited, at, side="right")) - 1
        found[:, k] = 1 - left[:, place] if place >= 0 else 0.0
        # Nobody was watched for that long, and some were still waiting.
        found[(at > reach) & (left[:, -1] > 1e-12), k] = np.nan
    return found


def logs(seen: float, draws: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Give logarithms of what was seen and of draws; that of 0 is −inf."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(seen)), np.log(draws)
