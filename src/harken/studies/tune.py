"""Fitting the bout rule to a lab's own annotated minutes, judged on children it has not seen."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import BoutRule, find_bouts
from harken.errors import ParameterError
from harken.hearing import Detector, Frames
from harken.insight.estimate import Estimate
from harken.sound import RATE, AudioBlock, Gap, open_source
from harken.studies.agree import Span, bootstrapped, children_drawn, common, length
from harken.studies.annotation import joined

GRID: Mapping[str, tuple[float, ...]] = {
    "on": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "off_share": (0.4, 0.7, 0.9),
    "min_duration": (1.0, 3.0, 5.0),
    "max_gap": (2.0, 5.0, 10.0),
}
"""What is tried: `off_share` is off over on; times in seconds."""

FOLDS = 10
"""Most parts that children are split into; up to this many, each is left out in turn."""

# After a stretch too: whether a cry in its last second is a bout shows only later.
_BEFORE_S, _AFTER_S = 30.0, 15.0


@dataclass(frozen=True, slots=True)
class Minutes:
    """Annotated stretches of one recording, as a detector heard them.

    Parameters
    ----------
    child : str
    frames : tuple of Frames
        As `hear_stretches` gives them.
    looked : tuple of (since, until) [s]
    crying : tuple of (onset, offset) [s]
        What people marked.
    weights : tuple of float, > 0
        How many stretches like it each of `looked` stands for; empty: 1 each.
    """

    child: str
    frames: tuple[Frames, ...]
    looked: tuple[Span, ...]
    crying: tuple[Span, ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Tuned:
    """A rule, and how well rules found this way do on children they were not fitted to.

    Parameters
    ----------
    rule : BoutRule
        Fitted on all children.
    held_out : Estimate
        F1 by seconds on held-out children of rules fitted on the others.
    before : Estimate
        F1 of the rule that was there before, on the same children.
    difference : Estimate
        Held-out minus before, of the same children.
    chosen : mapping of str to int
        Rule, in words → in how many of the fits it was chosen, the most frequent first.
    at_edge : tuple of str
        What of the rule, in words, is the least or most that was tried: more of it may fit
        better still.
    children : int
    minutes : float
        Annotated.
    """

    rule: BoutRule
    held_out: Estimate
    before: Estimate
    difference: Estimate
    chosen: Mapping[str, int]
    at_edge: tuple[str, ...]
    children: int
    minutes: float

    @property
    def better(self) -> bool:
        """Whether the difference is clearly above 0, also as it is told, with two digits."""
        low = self.difference.low
        return low is not None and round(low, 2) > 0

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {**asdict(self), "rule": self.rule.as_dict(), "chosen": dict(self.chosen)}


def hear_stretches(path: str | Path, looked: Sequence[Span], detector: Detector) -> list[Frames]:
    """Hear stretches of a recording, each with 30 s of sound before it and 15 s after it.

    Parameters
    ----------
    path : str or Path
    looked : sequence of (since, until) [s]
    detector : Detector
        Flushed between runs of sound.

    Returns
    -------
    list of Frames
        One a run of sound, in order; stretches that lie near each other share one. Times are
        those of the recording.

    Raises
    ------
    SourceError
        If the recording can't be read.
    """
    runs = list(joined((max(0.0, since - _BEFORE_S), until + _AFTER_S) for since, until in looked))
    heard: list[Frames] = []
    parts: list[Frames] = []
    with open_source(str(path)) as source:
        for item in source:
            if not isinstance(item, AudioBlock):
                if isinstance(item, Gap) and parts:
                    parts.append(detector.flush())
                continue
            end = item.start + len(item.samples) / RATE
            while runs and runs[0][0] < end:
                since, until = runs[0]
                first = max(0, round((since - item.start) * RATE))
                last = max(0, round((until - item.start) * RATE))
                piece = item.samples[first:last]
                if len(piece):
                    parts.append(detector.process(AudioBlock(piece, item.start + first / RATE)))
                if until > end:
                    break
                heard.append(Frames.join([*parts, detector.flush()]))
                parts = []
                runs.pop(0)
            if not runs:
                break
    if parts:
        heard.append(Frames.join([*parts, detector.flush()]))
    return heard


def tune(
    minutes: Sequence[Minutes],
    base: BoutRule,
    *,
    grid: Mapping[str, Sequence[float]] = GRID,
    resamples: int = 500,
    seed: int = 1,
) -> Tuned:
    """Choose the rule with the best F1 by seconds.

    Parameters
    ----------
    minutes : sequence of Minutes
        Of three children or more.
    base : BoutRule
        The rule so far; what isn't in the grid stays.
    grid : mapping of str to sequence of float
        As `GRID`; every combination is tried.
    resamples, seed : int
        For the intervals: children drawn with replacement.

    Returns
    -------
    Tuned

    Raises
    ------
    ParameterError
        If there are fewer than three children, or no crying to fit to.
    """
    children = enough(
        [one.child for one in minutes],
        crying=any(common(one.crying, one.looked) for one in minutes),
    )
    rules = [base, *candidates(base, grid)]
    table = np.array([[score(one, rule) for one in minutes] for rule in rules])
    whose = np.array([children.index(one.child) for one in minutes])
    by_child = np.stack([table[:, whose == i].sum(1) for i in range(len(children))], axis=1)
    folds = np.arange(len(children)) % min(FOLDS, len(children))
    rng = np.random.default_rng(seed)
    rng.shuffle(folds)
    held = np.zeros((len(children), 3))
    chosen: dict[str, int] = {}
    for fold in np.unique(folds):
        inside = folds == fold
        best = _best(by_child[:, ~inside].sum(1))
        held[inside] = by_child[best, inside]
        words = in_words(rules[best])
        chosen[words] = chosen.get(words, 0) + 1
    draws = children_drawn(children, resamples, seed)
    ours, theirs = _f1(draws @ held), _f1(draws @ by_child[0])

    def told(values: NDArray[np.float64]) -> Estimate:
        return bootstrapped(values.tolist(), len(children))

    best = _best(by_child.sum(1))
    return Tuned(
        rule=rules[best],
        held_out=told(ours),
        before=told(theirs),
        difference=told(ours - theirs),
        chosen=dict(sorted(chosen.items(), key=lambda each: -each[1])),
        at_edge=_at_edge(rules[best], grid) if best else (),
        children=len(children),
        minutes=sum(length(one.looked) for one in minutes) / 60,
    )


def enough(children: Sequence[str], *, crying: bool) -> list[str]:
    """Give each child once, if there is enough to fit a rule to.

    Parameters
    ----------
    children : sequence of str
    crying : bool
        Whether anybody marked any.

    Returns
    -------
    list of str

    Raises
    ------
    ParameterError
        If there are fewer than three children, or no crying.
    """
    names = sorted(set(children))
    if len(names) < 3:
        raise ParameterError(
            f"tune: minutes of {len(names)} children; it takes three, so that a rule is judged "
            "on children it was not fitted to"
        )
    if not crying:
        raise ParameterError("tune: nobody marked any crying; there is nothing to fit to")
    return names


def candidates(base: BoutRule, grid: Mapping[str, Sequence[float]]) -> list[BoutRule]:
    """Give every rule of a grid.

    Examples
    --------
    >>> grid = {"on": [0.5], "off_share": [0.5], "min_duration": [1.0, 3.0], "max_gap": [5.0]}
    >>> [rule.min_duration for rule in candidates(BoutRule(0.6, 0.4), grid)]
    [1.0, 3.0]
    """
    return [
        replace(
            base,
            on=on,
            off=round(on * part, 4),
            min_duration=shortest,
            max_gap=gap,
            min_cry=min(base.min_cry, shortest),
        )
        for on, part, shortest, gap in itertools.product(
            grid["on"], grid["off_share"], grid["min_duration"], grid["max_gap"]
        )
    ]


def score(one: Minutes, rule: BoutRule) -> tuple[float, float, float]:
    """Give seconds of crying that people marked, that the rule finds, and that both have.

    Parameters
    ----------
    one : Minutes
        Each stretch counts by its weight.
    rule : BoutRule

    Returns
    -------
    (float, float, float) [s]
    """
    found: list[Span] = []
    for frames in one.frames:
        found += [(bout.onset, bout.offset) for bout in find_bouts(frames, rule)]
    sums = np.zeros(3)
    by_weight: dict[float, list[Span]] = {}
    for span, weight in zip(one.looked, one.weights or [1.0] * len(one.looked), strict=True):
        by_weight.setdefault(weight, []).append(span)
    for weight, looked in by_weight.items():
        truth, heard = common(one.crying, looked), common(found, looked)
        seconds = length(truth), length(heard), length(common(truth, heard))
        sums += weight * np.array(seconds)
    return float(sums[0]), float(sums[1]), float(sums[2])


def in_words(rule: BoutRule) -> str:
    """Write what a grid varies as ``--rule`` takes it.

    Examples
    --------
    >>> in_words(BoutRule(0.6, 0.42))
    'on=0.6,off=0.42,min_duration=3,max_gap=5,min_cry=1'
    """
    names = ("on", "off", "min_duration", "max_gap", "min_cry")
    return ",".join(f"{name}={getattr(rule, name):g}" for name in names)


def _at_edge(rule: BoutRule, grid: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    values = {
        "on": rule.on,
        "min_duration": rule.min_duration,
        "max_gap": rule.max_gap,
    }
    return tuple(
        f"{name}={value:g}"
        for name, value in values.items()
        if len(set(grid[name])) > 1 and value in (min(grid[name]), max(grid[name]))
    )


def _best(sums: NDArray[np.float64]) -> int:
    """Give the first of the rules with the best F1; the rule so far where none has any."""
    return int(np.argmax(np.nan_to_num(_f1(sums), nan=-1.0)))


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN where there is no crying, and none is found."""
    below = sums[..., 0] + sums[..., 1]
    made: NDArray[np.float64] = np.divide(
        2 * sums[..., 2], below, out=np.full(below.shape, np.nan), where=below > 0
    )
    return made
