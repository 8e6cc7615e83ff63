"""Agreement of two sets of annotations: by seconds, by events, in totals; by group, with intervals.

Only stretches that both looked at are compared. Intervals come from drawing
children with replacement, since recordings of one child are alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate
from harken.studies.annotation import LABELS, Annotations, joined
from harken.studies.reliability import BlandAltman, bland_altman, cohen_kappa, icc

Span = tuple[float, float]

_OTHER = "nothing"
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One recording as two saw it.

    Parameters
    ----------
    recording : str
    child : str
        Whose recording; the recording itself where that isn't known.
    reference, hypothesis : Annotations
    looked : tuple of (since, until) [s]
        What both looked at.
    weight : float, > 0
        How many stretches like these they stand for; 1 where all were looked at.
    about : mapping of str to str
        What groups can be made by: columns of the corpus' tables.
    """

    recording: str
    child: str
    reference: Annotations
    hypothesis: Annotations
    looked: tuple[Span, ...]
    weight: float = 1.0
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A stretch that one calls by the label and the other doesn't."""

    recording: str
    child: str
    since: float
    until: float
    kind: str  # "missed" (only the reference has it) or "false" (only the hypothesis has it)

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a hypothesis agrees with a reference.

    Parameters
    ----------
    recordings, children : int
    looked_h : float [h]
        What was compared.
    reference_s, hypothesis_s : float [s]
        Weighted seconds with the label.
    precision, recall, f1, kappa : Estimate
        By seconds; kappa is Cohen's.
    event_precision, event_recall, event_f1 : Estimate
        By events that match one to one.
    onset_error, offset_error : Estimate [s]
        Median of hypothesis − reference over matched events.
    correlation, icc : Estimate
        Of the total a recording.
    totals : BlandAltman [s/h]
        Of seconds an hour looked at, hypothesis − reference.
    confusion : mapping of str to mapping of str to float [s]
        Reference's label → hypothesis' label → seconds.
    """

    recordings: int
    children: int
    looked_h: float
    reference_s: float
    hypothesis_s: float
    precision: Estimate
    recall: Estimate
    f1: Estimate
    kappa: Estimate
    event_precision: Estimate
    event_recall: Estimate
    event_f1: Estimate
    onset_error: Estimate
    offset_error: Estimate
    correlation: Estimate
    icc: Estimate
    totals: BlandAltman
    confusion: Mapping[str, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def pair(
    reference: Sequence[Annotations],
    hypothesis: Sequence[Annotations],
    *,
    about: Mapping[str, Mapping[str, str]] | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[list[Pair], list[str]]:
    """Find what is about the same recording on both sides.

    Parameters
    ----------
    reference, hypothesis : sequence of Annotations
        Recordings are paired by name, without folder and ending.
    about : mapping, optional
        Name without ending → columns of the corpus' tables; ``child_id`` says whose it is.
    weights : mapping, optional
        Name without ending → weight, as `harken.studies.sample` gives it.

    Returns
    -------
    (list of Pair, list of str)
        The pairs, and a sentence for each recording that has no counterpart.

    Raises
    ------
    ParameterError
        If nothing can be paired.
    """
    sides = [_by_name(items) for items in (reference, hypothesis)]
    said = [
        f"{name}: only in the {which}"
        for which, one, other in (
            ("reference", sides[0], sides[1]),
            ("hypothesis", sides[1], sides[0]),
        )
        for name in one
        if name not in other
    ]
    pairs = []
    for name in sides[0].keys() & sides[1].keys():
        ours, theirs = sides[0][name], sides[1][name]
        columns = dict((about or {}).get(name, {}))
        end = max(ours.end, theirs.end)
        if not ours.analysed and not theirs.analysed:
            said.append(f"{name}: neither says what was looked at; taken to be all of it")
        looked = common(ours.analysed or ((0.0, end),), theirs.analysed or ((0.0, end),))
        if not looked:
            said.append(f"{name}: the two looked at different stretches")
            continue
        pairs.append(
            Pair(
                recording=name,
                child=columns.get("child_id") or name,
                reference=ours,
                hypothesis=theirs,
                looked=looked,
                weight=(weights or {}).get(name, 1.0),
                about=columns,
            )
        )
    if not pairs:
        raise ParameterError(
            "agree: no recording is in both; they are paired by name without folder and ending"
        )
    return sorted(pairs, key=lambda one: one.recording), sorted(said)


def agree(
    pairs: Sequence[Pair],
    *,
    reference_labels: Iterable[str] = ("cry",),
    hypothesis_labels: Iterable[str] = ("cry",),
    join: float = 0.0,
    collar: float = 0.0,
    onset_within: float = 1.0,
    offset_within: float = 2.0,
    resamples: int = _RESAMPLES,
    seed: int = 1,
) -> Agreement:
    """Compare.

    Parameters
    ----------
    pairs : sequence of Pair
        At least one.
    reference_labels, hypothesis_labels : iterable of str
        Labels that count as the same on each side.
    join : float, ≥ 0 [s]
        Stretches of one side that are this near count as one, as bursts of a bout do. Harken's
        bouts are joined over 5 s; people often mark single bursts.
    collar : float, ≥ 0 [s]
        Around each end of a reference stretch this much is not scored, half on each side, as
        pyannote.metrics has it.
    onset_within : float, > 0 [s]
        Events match if their onsets lie this near …
    offset_within : float, > 0 [s]
        … and their offsets this near, or within half the reference event's length if that is
        more (the event-based metric of the DCASE challenges; Mesaros et al. 2016).
    resamples, seed : int
        For the intervals: children drawn with replacement.

    Returns
    -------
    Agreement

    Raises
    ------
    ParameterError
        If there is no pair, a label is none of Harken's, or a number is out of range.

    Examples
    --------
    >>> from harken.studies import Annotation
    >>> def night(*cries):
    ...     made = tuple(Annotation(onset=a, offset=b, label="cry") for a, b in cries)
    ...     return Annotations(recording="a.wav", annotations=made, analysed=((0.0, 100.0),))
    >>> pairs, _ = pair([night((10, 20))], [night((12, 22))])
    >>> found = agree(pairs)
    >>> found.precision.value, found.recall.value, round(found.kappa.value, 3)
    (0.8, 0.8, 0.778)
    """
    wanted, found = frozenset(reference_labels), frozenset(hypothesis_labels)
    for label in wanted | found:
        if label not in LABELS:
            raise ParameterError(f"agree: label {label!r} is none of {', '.join(LABELS)}")
    if not pairs:
        raise ParameterError("agree: there is nothing to compare")
    if join < 0 or collar < 0 or onset_within <= 0 or offset_within <= 0 or resamples < 1:
        raise ParameterError("agree: join and collar must be 0 or more, the other numbers above 0")
    sides = [spans_of(one, wanted, found, join) for one in pairs]
    rows = [_row(one, each, collar) for one, each in zip(pairs, sides, strict=True)]
    events = [
        _events(one, each, onset_within, offset_within)
        for one, each in zip(pairs, sides, strict=True)
    ]
    counts = np.array([[len(e.both), e.reference, e.hypothesis] for e in events], np.float64)
    seconds = np.array(rows, np.float64) * np.array([[one.weight] for one in pairs])
    counts *= np.array([[one.weight] for one in pairs])
    draws = _draws([one.child for one in pairs], resamples, seed)
    children = len({one.child for one in pairs})

    def over(function: Any, table: NDArray[np.float64], unit: str = "share") -> Estimate:
        values = np.array([function(draw @ table) for draw in draws])
        return _estimate(values, children, unit)

    errors = [error for each in events for error in each.errors]
    whose = [one.child for one, each in zip(pairs, events, strict=True) for _ in each.errors]
    per_hour = [(3600 * row[0] / row[4], 3600 * row[1] / row[4]) for row in rows if row[4] > 0]
    totals = np.array(per_hour, np.float64).reshape(-1, 2)
    return Agreement(
        recordings=len(pairs),
        children=children,
        looked_h=sum(row[4] for row in rows) / 3600,
        reference_s=float(seconds[:, 0].sum()),
        hypothesis_s=float(seconds[:, 1].sum()),
        precision=over(lambda s: _ratio(s[2], s[1]), seconds),
        recall=over(lambda s: _ratio(s[2], s[0]), seconds),
        f1=over(lambda s: _ratio(2 * s[2], s[0] + s[1]), seconds),
        kappa=over(_kappa, seconds, ""),
        event_precision=over(lambda c: _ratio(c[0], c[2]), counts),
        event_recall=over(lambda c: _ratio(c[0], c[1]), counts),
        event_f1=over(lambda c: _ratio(2 * c[0], c[1] + c[2]), counts),
        onset_error=_median([e[0] for e in errors], whose, resamples, seed),
        offset_error=_median([e[1] for e in errors], whose, resamples, seed),
        correlation=_over_recordings(_pearson, totals, pairs, resamples, seed),
        icc=_over_recordings(_icc, totals, pairs, resamples, seed),
        totals=bland_altman(totals[:, 0].tolist(), totals[:, 1].tolist()),
        confusion=confusion(pairs),
    )


def by_group(pairs: Sequence[Pair], column: str, **how: Any) -> dict[str, Agreement]:
    """Compare group by group.

    Parameters
    ----------
    pairs : sequence of Pair
    column : str
        ``child``, or a column of the corpus' tables.
    **how
        As `agree`.

    Returns
    -------
    dict
        Group → its agreement, in order of the groups' names.

    Raises
    ------
    ParameterError
        If no recording has that column.
    """
    groups: dict[str, list[Pair]] = {}
    for one in pairs:
        name = one.child if column == "child" else one.about.get(column, "")
        groups.setdefault(name or "not known", []).append(one)
    if groups.keys() == {"not known"}:
        there = sorted({key for one in pairs for key in one.about})
        raise ParameterError(
            f"agree: no column {column!r}; there are child{''.join(f', {key}' for key in there)}"
        )
    return {name: agree(group, **how) for name, group in sorted(groups.items())}


def disagreements(
    pairs: Sequence[Pair],
    *,
    reference_labels: Iterable[str] = ("cry",),
    hypothesis_labels: Iterable[str] = ("cry",),
    join: float = 0.0,
    most: int = 50,
) -> list[Disagreement]:
    """List the longest stretches on which the two disagree, the worst first.

    Parameters
    ----------
    pairs : sequence of Pair
    reference_labels, hypothesis_labels : iterable of str
    join : float, ≥ 0 [s]
        As `agree`.
    most : int
        How many at most.

    Returns
    -------
    list of Disagreement
    """
    wanted, found = tuple(reference_labels), tuple(hypothesis_labels)
    said = []
    for one in pairs:
        truth, heard = (common(spans, one.looked) for spans in spans_of(one, wanted, found, join))
        for kind, spans in (
            ("missed", without(truth, heard)),
            ("false", without(heard, truth)),
        ):
            said += [
                Disagreement(one.recording, one.child, since, until, kind) for since, until in spans
            ]
    said.sort(key=lambda each: (-each.seconds, each.recording, each.since))
    return said[:most]


def confusion(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """Give the seconds that each label of the reference has under each of the hypothesis.

    Where a side has several labels at once, each counts; where it has none it is ``nothing``.

    Parameters
    ----------
    pairs : sequence of Pair

    Returns
    -------
    dict
        Reference's label → hypothesis' label → seconds, unweighted.
    """
    table: dict[str, dict[str, float]] = {}
    for one in pairs:
        sides = [_labelled(each, one.looked) for each in (one.reference, one.hypothesis)]
        for label, spans in sides[0].items():
            for other, others in sides[1].items():
                if (shared := length(common(spans, others))) > 0:
                    row = table.setdefault(label, {})
                    row[other] = row.get(other, 0.0) + shared
    return {label: dict(sorted(row.items())) for label, row in sorted(table.items())}


def common(first: Iterable[Span], second: Iterable[Span]) -> tuple[Span, ...]:
    """Give what lies in both.

    Examples
    --------
    >>> common([(0, 10), (20, 30)], [(5, 25)])
    ((5, 10), (20, 25))
    """
    a, b = list(joined(first)), list(joined(second))
    both = []
    i = j = 0
    while i < len(a) and j < len(b):
        since, until = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if since < until:
            both.append((since, until))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(both)


def without(first: Iterable[Span], second: Iterable[Span]) -> tuple[Span, ...]:
    """Give what lies in the first and not in the second.

    Examples
    --------
    >>> without([(0, 10)], [(2, 3), (8, 20)])
    ((0, 2), (3, 8))
    """
    left = []
    gone = list(joined(second))
    for since, until in joined(first):
        at = since
        for a, b in gone:
            if b <= at or a >= until:
                continue
            if a > at:
                left.append((at, a))
            at = max(at, b)
        if at < until:
            left.append((at, until))
    return tuple(left)


def near(spans: Iterable[Span], join: float) -> tuple[Span, ...]:
    """Join stretches that are no further apart than this.

    Examples
    --------
    >>> near([(0, 1), (3, 4), (20, 21)], 5)
    ((0, 4), (20, 21))
    """
    return tuple((since, until - join) for since, until in joined((a, b + join) for a, b in spans))


def length(spans: Iterable[Span]) -> float:
    """Add up their lengths; where they overlap it counts once."""
    return float(sum(until - since for since, until in joined(spans)))


def _by_name(items: Sequence[Annotations]) -> dict[str, Annotations]:
    named: dict[str, Annotations] = {}
    for item in items:
        name = Path(item.recording).stem if Path(item.recording).suffix else item.recording
        if before := named.get(name):
            named[name] = Annotations(
                recording=item.recording,
                annotations=before.annotations + item.annotations,
                analysed=joined((*before.analysed, *item.analysed)),
                duration=before.duration or item.duration,
            )
        else:
            named[name] = item
    if len(named) == 1 and "" in named:
        raise ParameterError(
            "agree: a file without the name of its recording can't be paired; name it with "
            "harken convert --recording"
        )
    return named


def spans_of(
    one: Pair, reference_labels: Iterable[str], hypothesis_labels: Iterable[str], join: float = 0.0
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Give what each side marked, with what is near joined.

    Parameters
    ----------
    one : Pair
    reference_labels, hypothesis_labels : iterable of str
    join : float, ≥ 0 [s]

    Returns
    -------
    (tuple of Span, tuple of Span)
        Of the reference and of the hypothesis, wherever they looked.
    """
    return (
        near(one.reference.where(*reference_labels), join),
        near(one.hypothesis.where(*hypothesis_labels), join),
    )


def _row(
    one: Pair, sides: tuple[tuple[Span, ...], tuple[Span, ...]], collar: float
) -> tuple[float, float, float, float, float]:
    """Give seconds: reference, hypothesis, both, either, scored."""
    truth = sides[0]
    scored: tuple[Span, ...] = one.looked
    if collar > 0:
        ends = [end for span in truth for end in span]
        scored = without(scored, [(end - collar / 2, end + collar / 2) for end in ends])
    truth = common(truth, scored)
    heard = common(sides[1], scored)
    both = length(common(truth, heard))
    ours, theirs = length(truth), length(heard)
    return ours, theirs, both, ours + theirs - both, length(scored)


@dataclass(frozen=True, slots=True)
class _Matched:
    both: tuple[tuple[int, int], ...]
    reference: int
    hypothesis: int
    errors: tuple[tuple[float, float], ...]


def _events(
    one: Pair,
    sides: tuple[tuple[Span, ...], tuple[Span, ...]],
    onset_within: float,
    offset_within: float,
) -> _Matched:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    def inside(spans: Iterable[Span]) -> list[Span]:
        # An event belongs to the stretch that its onset lies in.
        return [s for s in spans if any(a <= s[0] < b for a, b in one.looked)]

    truth, heard = inside(sides[0]), inside(sides[1])
    if not truth or not heard:
        return _Matched((), len(truth), len(heard), ())
    near = np.zeros((len(truth), len(heard)), np.int8)
    onsets = np.array([span[0] for span in heard])
    for i, (since, until) in enumerate(truth):
        first = int(np.searchsorted(onsets, since - onset_within, "left"))
        last = int(np.searchsorted(onsets, since + onset_within, "right"))
        slack = max(offset_within, (until - since) / 2)
        for j in range(first, last):
            near[i, j] = abs(heard[j][1] - until) <= slack
    chosen = maximum_bipartite_matching(csr_matrix(near), perm_type="column")
    both = tuple((i, int(j)) for i, j in enumerate(chosen) if j >= 0)
    errors = tuple((heard[j][0] - truth[i][0], heard[j][1] - truth[i][1]) for i, j in both)
    return _Matched(both, len(truth), len(heard), errors)


def _labelled(item: Annotations, looked: Sequence[Span]) -> dict[str, tuple[Span, ...]]:
    labels = sorted({one.label for one in item.annotations})
    spans = {label: common(item.where(label), looked) for label in labels}
    said = [span for each in spans.values() for span in each]
    return {**spans, _OTHER: without(looked, said)}


def _draws(groups: Sequence[str], resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each pair counts: first as they are, then with children drawn anew."""
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    rows: NDArray[np.float64] = np.vstack([np.ones(len(index)), drawn[:, index]])
    return rows


def _estimate(values: NDArray[np.float64], n: int, unit: str) -> Estimate:
    first, rest = float(values[0]), values[1:][np.isfinite(values[1:])]
    how = "bootstrap over children"
    if not np.isfinite(first):
        return Estimate(None, None, None, n, unit=unit, how=how)
    if n < 2 or len(rest) == 0:
        return Estimate(first, None, None, n, unit=unit, how="one child: no interval")
    low, high = np.percentile(rest, [2.5, 97.5])
    return Estimate(first, float(low), float(high), n, unit=unit, how=how)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _kappa(sums: NDArray[np.float64]) -> float:
    ours, theirs, both, either, scored = sums
    table = [[both, ours - both], [theirs - both, scored - either]]
    return cohen_kappa(np.array(table, np.float64))


def _median(values: Sequence[float], whose: Sequence[str], resamples: int, seed: int) -> Estimate:
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0, unit="s", how="no event matched")
    every = np.asarray(values, np.float64)
    if len(set(whose)) < 2:
        return Estimate(
            float(np.median(every)), None, None, n, unit="s", how="one child: no interval"
        )
    draws = _draws(whose, resamples, seed)
    medians = np.array(
        [np.median(np.repeat(every, draw.astype(int))) if draw.any() else np.nan for draw in draws]
    )
    return _estimate(medians, n, "s")


def _over_recordings(
    function: Any, totals: NDArray[np.float64], pairs: Sequence[Pair], resamples: int, seed: int
) -> Estimate:
    n = len(totals)
    if n < 3:
        return Estimate(None, None, None, n, how="fewer than three recordings")
    draws = _draws([one.child for one in pairs][:n], resamples, seed).astype(int)
    values = np.array([function(np.repeat(totals, draw, axis=0)) for draw in draws])
    children = len({one.child for one in pairs})
    made = _estimate(values, children, "")
    return Estimate(made.value, made.low, made.high, n, how=made.how)


def _pearson(totals: NDArray[np.float64]) -> float:
    if len(totals) < 2 or np.ptp(totals[:, 0]) == 0 or np.ptp(totals[:, 1]) == 0:
        return float("nan")
    return float(np.corrcoef(totals[:, 0], totals[:, 1])[0, 1])


def _icc(totals: NDArray[np.float64]) -> float:
    return icc(totals) if len(totals) > 1 else float("nan")
