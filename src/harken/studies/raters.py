"""Agreement among several people, and whether a program is one rater like the others.

Time is cut wherever one of them changes, and every stretch counts by its seconds:
there is no grid whose width would change the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate
from harken.studies.agree import (
    RESAMPLES,
    Span,
    aligned,
    bootstrapped,
    checked,
    children_drawn,
    columns_of,
    common,
    grouped,
    near,
)
from harken.studies.annotation import Annotations, joined
from harken.studies.reliability import alpha_of_counts, cohen_kappa, fleiss_kappa


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One recording, or a segment of one, as several saw it.

    Parameters
    ----------
    recording, child : str
    marks : mapping of str to Annotations
        Who → what they marked; only those who know the recording.
    looked : mapping of str to tuple of (since, until) [s]
        Who → what they looked at.
    weight : float, > 0
    about : mapping of str to str
    segment : str
        As in `harken.studies.agree.Pair`.
    """

    recording: str
    child: str
    marks: Mapping[str, Annotations]
    looked: Mapping[str, tuple[Span, ...]]
    weight: float = 1.0
    about: Mapping[str, str] = field(default_factory=dict)
    segment: str = ""

    def within(self, since: float, until: float, **more: Any) -> "Panel | None":
        """Give what lies in a stretch, with other fields changed; None if not two looked at it."""
        looked = {who: common(each, [(since, until)]) for who, each in self.looked.items()}
        made = replace(self, looked=looked, **more)
        return made if sum(bool(each) for each in looked.values()) > 1 else None


@dataclass(frozen=True, slots=True)
class Two:
    """How far two raters agree.

    Parameters
    ----------
    first, second : str
    kappa : Estimate
        Cohen's, by seconds.
    looked_h : float [h]
        What both looked at, not weighted.
    """

    first: str
    second: str
    kappa: Estimate
    looked_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Raters:
    """How far several raters agree, by seconds: the label, or not the label.

    Parameters
    ----------
    people : tuple of str
        The reference first.
    hypothesis : str
    people_h, all_h : float [h]
        What all people looked at; what all people and the hypothesis looked at. Not weighted.
    fleiss, fleiss_with : Estimate
        Fleiss' kappa where all looked: among people, and with the hypothesis as one more.
    alpha, alpha_with : Estimate
        Krippendorff's alpha where at least two looked, of the same.
    change : Estimate
        `alpha_with` − `alpha`. Below 0: the hypothesis agrees less with people than they do
        with each other.
    two : tuple of Two
        Every pair of raters.
    """

    people: tuple[str, ...]
    hypothesis: str
    people_h: float
    all_h: float
    fleiss: Estimate
    fleiss_with: Estimate
    alpha: Estimate
    alpha_with: Estimate
    change: Estimate
    two: tuple[Two, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def panels(
    sides: Mapping[str, Sequence[Annotations]],
    *,
    about: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[list[Panel], list[str]]:
    """Find what is about the same recording.

    Parameters
    ----------
    sides : mapping of str to sequence of Annotations
        Who → what they marked. Who doesn't say what they looked at has looked at all of it.
    about : mapping, optional
        As in `harken.studies.agree.pair`.

    Returns
    -------
    (list of Panel, list of str)
        Recordings that two or more know, and a sentence for each other.

    Raises
    ------
    ParameterError
        If somebody has no recording in common with any other.
    """
    found, said = aligned(sides)
    columns = columns_of(found, about)
    made = []
    for name, marks in found.items():
        if len(marks) < 2:
            said.append(f"{name}: only {next(iter(marks))} has it")
            continue
        end = max(one.end for one in marks.values())
        made.append(
            Panel(
                recording=name,
                child=columns[name].get("child_id") or name,
                marks=marks,
                looked={who: joined(one.analysed or [(0.0, end)]) for who, one in marks.items()},
                about=columns[name],
            )
        )
    for who in sides:
        if not any(who in one.marks for one in made):
            raise ParameterError(
                f"agree: {who} has no recording in common with any other; they are paired by "
                "name without ending"
            )
    return sorted(made, key=lambda one: one.recording), sorted(said)


def among(
    panels: Sequence[Panel],
    people: Sequence[str],
    hypothesis: str,
    *,
    reference_labels: Iterable[str] = ("cry",),
    hypothesis_labels: Iterable[str] = ("cry",),
    join: float = 0.0,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> Raters:
    """Compare several raters.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    people : sequence of str
        At least two; names as in the panels.
    hypothesis : str
    reference_labels, hypothesis_labels : iterable of str
        What counts for people, and what for the hypothesis.
    join : float, ≥ 0 [s]
        As `harken.studies.agree.agree`.
    resamples, seed : int
        For the intervals: children drawn with replacement.

    Returns
    -------
    Raters

    Raises
    ------
    ParameterError
        If there is no panel, a name is given twice, or a label is none of Harken's.

    Examples
    --------
    >>> from harken.studies import Annotation
    >>> def heard(onset, offset):
    ...     cry = Annotation(onset=onset, offset=offset, label="cry")
    ...     looked = ((0.0, 100.0),)
    ...     return [Annotations(recording="a.wav", annotations=(cry,), analysed=looked)]
    >>> both, _ = panels({"ann": heard(10, 20), "bo": heard(10, 21), "run": heard(10, 40)})
    >>> found = among(both, ["ann", "bo"], "run")
    >>> round(found.alpha.value, 2), round(found.alpha_with.value, 2)
    (0.95, 0.53)
    """
    who = [*people, hypothesis]
    if not panels or len(people) < 2 or len(set(who)) < len(who):
        raise ParameterError("agree: it takes two people or more, each of another name")
    labels = [checked(reference_labels)] * len(people) + [checked(hypothesis_labels)]
    patterns, seconds = _patterns(panels, who, labels, join)
    whose = [one.child for one in panels]
    children = len(set(whose))
    weight = np.array([one.weight for one in panels])
    draws = (children_drawn(whose, resamples, seed) * weight) @ seconds
    plain = seconds.sum(0)
    n = len(people)

    def over(function: Any, raters: slice, *, complete: bool) -> tuple[list[float], float]:
        part = patterns[:, raters]
        looked = (part >= 0).sum(1)
        kept = looked == part.shape[1] if complete else looked > 1
        counts = np.stack([(part[kept] == one).sum(1) for one in (0, 1)], axis=1)
        hours = float(plain[kept].sum() / 3600)
        if not kept.any():
            return [float("nan")] * len(draws), hours
        return [function(counts, weights=draw) for draw in draws[:, kept]], hours

    two = []
    for first, second in combinations(range(n + 1), 2):
        part = patterns[:, [first, second]]
        cells = [(part == (a, b)).all(1) for a in (1, 0) for b in (1, 0)]
        tables = np.stack([draws @ cell for cell in cells], axis=1).reshape(-1, 2, 2)
        kappa = bootstrapped([cohen_kappa(table) for table in tables], children)
        hours = float(plain[np.any(cells, axis=0)].sum() / 3600)
        two.append(Two(who[first], who[second], kappa, hours))
    fleiss, people_h = over(fleiss_kappa, slice(0, n), complete=True)
    fleiss_with, all_h = over(fleiss_kappa, slice(0, n + 1), complete=True)
    alpha, _ = over(alpha_of_counts, slice(0, n), complete=False)
    alpha_with, _ = over(alpha_of_counts, slice(0, n + 1), complete=False)
    return Raters(
        people=tuple(people),
        hypothesis=hypothesis,
        people_h=people_h,
        all_h=all_h,
        fleiss=bootstrapped(fleiss, children),
        fleiss_with=bootstrapped(fleiss_with, children),
        alpha=bootstrapped(alpha, children),
        alpha_with=bootstrapped(alpha_with, children),
        change=bootstrapped(np.subtract(alpha_with, alpha).tolist(), children),
        two=tuple(two),
    )


def among_by_group(
    panels: Sequence[Panel], column: str, people: Sequence[str], hypothesis: str, **how: Any
) -> dict[str, Raters]:
    """Compare several raters group by group; see `harken.studies.agree.grouped` and `among`."""
    groups = grouped(panels, column)
    return {name: among(group, people, hypothesis, **how) for name, group in groups.items()}


def _patterns(
    panels: Sequence[Panel], who: Sequence[str], labels: Sequence[Iterable[str]], join: float
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Give every way in which raters judged a moment, and each recording's seconds of it.

    int8[k, raters] (1: the label; 0: not; -1: didn't look), float[panels, k].
    """
    columns: dict[tuple[int, ...], int] = {}
    cells: list[tuple[int, int, float]] = []
    for row, one in enumerate(panels):
        looked = [one.looked.get(name, ()) for name in who]
        marked = [
            near(common(one.marks[name].where(*label), there), join) if there else ()
            for name, label, there in zip(who, labels, looked, strict=True)
        ]
        edges = np.unique([edge for each in (*looked, *marked) for span in each for edge in span])
        if len(edges) < 2:
            continue
        middle = (edges[1:] + edges[:-1]) / 2
        states = np.array(
            [
                np.where(_inside(middle, there), _inside(middle, marks), -1)
                for there, marks in zip(looked, marked, strict=True)
            ]
        )
        for state, length in zip(states.T.tolist(), np.diff(edges).tolist(), strict=True):
            if sum(each >= 0 for each in state) > 1:
                column = columns.setdefault(tuple(state), len(columns))
                cells.append((row, column, length))
    seconds = np.zeros((len(panels), len(columns)))
    for row, column, length in cells:
        seconds[row, column] += length
    patterns = np.array(list(columns), np.int8).reshape(len(columns), len(who))
    return patterns, seconds


def _inside(times: NDArray[np.float64], spans: Sequence[Span]) -> NDArray[np.int8]:
    edges = np.array(spans, np.float64).ravel()
    made: NDArray[np.int8] = (np.searchsorted(edges, times) % 2).astype(np.int8)
    return made
