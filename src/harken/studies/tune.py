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
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.agree import Span, common, length
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

_CONTEXT_S = 30.0


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
    """

    child: str
    frames: tuple[Frames, ...]
    looked: tuple[Span, ...]
    crying: tuple[Span, ...]


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
        Rule, in words → in how many of the fits it was chosen.
    children : int
    minutes : float
        Annotated.
    """

    rule: BoutRule
    held_out: Estimate
    before: Estimate
    difference: Estimate
    chosen: Mapping[str, int]
    children: int
    minutes: float

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {**asdict(self), "rule": self.rule.as_dict(), "chosen": dict(self.chosen)}


def hear_stretches(path: str | Path, looked: Sequence[Span], detector: Detector) -> list[Frames]:
    """Hear stretches of a recording, each with 30 s of sound before it.

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
    runs = list(joined((max(0.0, since - _CONTEXT_S), until) for since, until in looked))
    heard: list[Frames] = []
    parts: list[Frames] = []
    with open_source(str(path)) as source:
        for item in source:
            if not isinstance(item, AudioBlock):
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
    children = sorted({one.child for one in minutes})
    if len(children) < 3:
        raise ParameterError(
            f"tune: minutes of {len(children)} children; it takes three, so that a rule is judged "
            "on children it was not fitted to"
        )
    rules = [base, *candidates(base, grid)]
    table = np.array([[score(one, rule) for one in minutes] for rule in rules])
    if table[0, :, 0].sum() == 0:
        raise ParameterError("tune: nobody marked any crying; there is nothing to fit to")
    whose = np.array([children.index(one.child) for one in minutes])
    by_child = np.stack([table[:, whose == i].sum(1) for i in range(len(children))], axis=1)
    folds = np.arange(len(children)) % min(FOLDS, len(children))
    rng = np.random.default_rng(seed)
    rng.shuffle(folds)
    held = np.zeros((len(children), 3))
    chosen: dict[str, int] = {}
    for fold in np.unique(folds):
        inside = folds == fold
        best = int(np.argmax(_f1(by_child[:, ~inside].sum(1))))
        held[inside] = by_child[best, inside]
        words = in_words(rules[best])
        chosen[words] = chosen.get(words, 0) + 1
    draws = np.vstack(
        [
            np.ones(len(children)),
            rng.multinomial(
                len(children), np.full(len(children), 1 / len(children)), size=resamples
            ),
        ]
    )
    ours, theirs = _f1(draws @ held), _f1(draws @ by_child[0])
    return Tuned(
        rule=rules[int(np.argmax(_f1(by_child.sum(1))))],
        held_out=_estimate(ours, len(children)),
        before=_estimate(theirs, len(children)),
        difference=_estimate(ours - theirs, len(children)),
        chosen=dict(sorted(chosen.items(), key=lambda each: -each[1])),
        children=len(children),
        minutes=sum(length(one.looked) for one in minutes) / 60,
    )


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
    rule : BoutRule

    Returns
    -------
    (float, float, float) [s]
    """
    found: list[Span] = []
    for frames in one.frames:
        bouts = [(bout.onset, bout.offset) for bout in find_bouts(frames, rule)]
        found += common(bouts, one.looked)
    truth = common(one.crying, one.looked)
    return length(truth), length(joined(found)), length(common(truth, found))


def in_words(rule: BoutRule) -> str:
    """Write what a grid varies as ``--rule`` takes it.

    Examples
    --------
    >>> in_words(BoutRule(0.6, 0.42))
    'on=0.6,off=0.42,min_duration=3,max_gap=5,min_cry=1'
    """
    names = ("on", "off", "min_duration", "max_gap", "min_cry")
    return ",".join(f"{name}={getattr(rule, name):g}" for name in names)


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    below = sums[..., 0] + sums[..., 1]
    made: NDArray[np.float64] = np.where(below > 0, 2 * sums[..., 2] / np.maximum(below, 1e-12), 0)
    return made


def _estimate(values: NDArray[np.float64], n: int) -> Estimate:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Estimate(
        float(values[0]), float(low), float(high), n, how="bootstrap over held-out children"
    )
