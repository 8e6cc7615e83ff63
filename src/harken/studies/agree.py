"""Agreement of two sets of annotations: by seconds, by events, in totals; by group, with intervals.

Only stretches that both looked at are compared. Intervals come from drawing
children with replacement, since recordings of one child are alike.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.insight.estimate import Estimate
from harken.studies.annotation import LABELS, Annotations, joined
from harken.studies.names import match, plain
from harken.studies.reliability import BlandAltman, bland_altman, cohen_kappa, icc

Span = tuple[float, float]

RESAMPLES = 1000
"""How often children are drawn anew for an interval."""

SHORTEST_S = 0.1
"""A disagreement that is shorter is no more than one of where an end lies."""

_OTHER = "nothing"
_UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One recording, or a segment of one, as two saw it.

    Parameters
    ----------
    recording : str
        Its name, with the folders that tell it from others of its name.
    child : str
        Whose recording; the recording itself where that isn't known.
    reference, hypothesis : Annotations
    looked : tuple of (since, until) [s]
        What both looked at, within the segment if it is one.
    weight : float, > 0
        How many stretches like these they stand for; 1 where all were looked at.
    about : mapping of str to str
        What groups can be made by: columns of the corpus' tables.
    segment : str
        Its name, if it is a segment that `harken.studies.sample` drew.
    """

    recording: str
    child: str
    reference: Annotations
    hypothesis: Annotations
    looked: tuple[Span, ...]
    weight: float = 1.0
    about: Mapping[str, str] = field(default_factory=dict)
    segment: str = ""

    def within(self, since: float, until: float, **more: Any) -> "Pair | None":
        """Give what lies in a stretch, with other fields changed; None if not both looked at it."""
        looked = common(self.looked, [(since, until)])
        return replace(self, looked=looked, **more) if looked else None


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


@dataclass(frozen=True, slots=True)
class Total:
    """How much of a recording has the label, by the one and by the other.

    Parameters
    ----------
    recording, child : str
    reference, hypothesis : float [s/h]
        Seconds an hour scored; of segments that were drawn, weighted by what they stand for.
    """

    recording: str
    child: str
    reference: float
    hypothesis: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a hypothesis agrees with a reference.

    Where segments were drawn, everything but `recordings`, `children`, `segments` and `looked_h`
    is weighted by what they stand for.

    Parameters
    ----------
    recordings, children : int
    segments : int
        How many that were drawn; 0 where whole recordings are compared.
    looked_h : float [h]
        What was compared.
    stands_for_h : float [h]
        What that stands for; the same where whole recordings are compared.
    reference_s, hypothesis_s : float [s]
        With the label.
    precision, recall, f1, kappa : Estimate
        By seconds; kappa is Cohen's.
    event_precision, event_recall, event_f1 : Estimate
        By events that match one to one.
    onset_error, offset_error : Estimate [s]
        Median of hypothesis − reference over matched events; n is how many. Where an event is
        cut by the edge of what was looked at, that end of it doesn't count.
    correlation, icc : Estimate
        Of the totals; n is how many recordings.
    totals : BlandAltman [s/h]
        Hypothesis − reference.
    by_recording : tuple of Total
        What these three are made of.
    confusion : mapping of str to mapping of str to float [s]
        Reference's label → hypothesis' label → seconds.
    """

    recordings: int
    children: int
    segments: int
    looked_h: float
    stands_for_h: float
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
    by_recording: tuple[Total, ...]
    confusion: Mapping[str, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def pair(
    reference: Sequence[Annotations],
    hypothesis: Sequence[Annotations],
    *,
    about: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[list[Pair], list[str]]:
    """Find what is about the same recording on both sides.

    Parameters
    ----------
    reference, hypothesis : sequence of Annotations
        Recordings are paired by name, without ending; see `harken.studies.names.match`.
    about : mapping, optional
        Recording → columns of the corpus' tables; ``child_id`` says whose it is.

    Returns
    -------
    (list of Pair, list of str)
        The pairs, and a sentence for each recording that has no counterpart.

    Raises
    ------
    ParameterError
        If nothing can be paired, or it isn't clear with what.
    """
    sides = {"the reference": reference, "the hypothesis": hypothesis}
    found, said = aligned(sides)
    columns = columns_of(found, about)
    pairs = []
    for name, marks in found.items():
        if len(marks) < 2:
            said.append(f"{name}: only in {next(iter(marks))}")
            continue
        ours, theirs = marks.values()
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
                child=columns[name].get("child_id") or name,
                reference=ours,
                hypothesis=theirs,
                looked=looked,
                about=columns[name],
            )
        )
    if not pairs:
        names = [next((one for one in found if who in found[one]), "none") for who in sides]
        raise ParameterError(
            f"agree: no recording is in both (the reference has {names[0]}, the hypothesis "
            f"{names[1]}): they are paired by name without ending, and have to have looked at "
            "the same stretches"
        )
    return sorted(pairs, key=lambda one: one.recording), sorted(said)


def aligned(
    sides: Mapping[str, Sequence[Annotations]],
) -> tuple[dict[str, dict[str, Annotations]], list[str]]:
    """Bring together what several say about the same recordings.

    Parameters
    ----------
    sides : mapping of str to sequence of Annotations
        Who → what they marked.

    Returns
    -------
    (dict, list of str)
        Recording, by the longest of its names → who → what they marked, in the order of `sides`;
        and a sentence for each recording that one of them has several files of.

    Raises
    ------
    ParameterError
        If it isn't clear which recording is meant.
    """
    found: dict[str, dict[str, Annotations]] = {}
    said: list[str] = []
    for who, items in sides.items():
        named = _by_name(items, who, said)
        before = " and ".join(one for one in sides if any(one in each for each in found.values()))
        known = match(named, found, ours=who, theirs=before)
        for name, item in named.items():
            marks = found.pop(known[name]) if name in known else {}
            found[max(name, known.get(name, name), key=len)] = {**marks, who: item}
    return found, said


def columns_of(
    recordings: Iterable[str], about: Mapping[str, Mapping[str, str]] | None
) -> dict[str, dict[str, str]]:
    """Give each recording its columns of the corpus' tables; none where they don't know it."""
    names, about = list(recordings), about or {}
    known = match(names, about, ours="the annotations", theirs="the tables")
    return {name: dict(about[known[name]]) if name in known else {} for name in names}


def agree(
    pairs: Sequence[Pair],
    *,
    reference_labels: Iterable[str] = ("cry",),
    hypothesis_labels: Iterable[str] = ("cry",),
    join: float = 0.0,
    collar: float = 0.0,
    onset_within: float = 1.0,
    offset_within: float = 2.0,
    resamples: int = RESAMPLES,
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
        more (the event-based metric of the DCASE challenges; Mesaros et al. 2016). Of an event
        that the edge of what was looked at cuts, what lies inside is the event, on both sides:
        who listens to a minute can't know what comes before it.
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
    wanted, theirs = checked(reference_labels), checked(hypothesis_labels)
    if not pairs:
        raise ParameterError("agree: there is nothing to compare")
    if join < 0 or collar < 0 or onset_within <= 0 or offset_within <= 0 or resamples < 1:
        raise ParameterError("agree: join and collar must be 0 or more, the other numbers above 0")
    sides = [spans_of(one, wanted, theirs, join) for one in pairs]
    weight = np.array([one.weight for one in pairs])
    scored = np.array(
        [_row(one, each, collar) for one, each in zip(pairs, sides, strict=True)], np.float64
    )
    events = [
        _events(one, each, onset_within, offset_within)
        for one, each in zip(pairs, sides, strict=True)
    ]
    seconds = scored * weight[:, None]
    counts = np.array([[e.both, e.reference, e.hypothesis] for e in events], np.float64)
    counts *= weight[:, None]
    whose = [one.child for one in pairs]
    draws = children_drawn(whose, resamples, seed)
    children = len(set(whose))

    def over(function: Any, table: NDArray[np.float64], unit: str = "share") -> Estimate:
        return bootstrapped([function(draw @ table) for draw in draws], children, unit)

    def median(errors: Callable[[_Matched], tuple[float, ...]]) -> Estimate:
        index = np.array([i for i, each in enumerate(events) for _ in errors(each)], np.intp)
        values = np.array([error for each in events for error in errors(each)])
        medians = [weighted_median(values, (draw * weight)[index]) for draw in draws]
        several = len({whose[i] for i in index}) > 1
        return bootstrapped(medians, len(index), "s", several=several)

    totals = _totals(pairs, seconds)
    return Agreement(
        recordings=len({one.recording for one in pairs}),
        children=children,
        segments=sum(bool(one.segment) for one in pairs),
        looked_h=float(scored[:, 4].sum() / 3600),
        stands_for_h=float(seconds[:, 4].sum() / 3600),
        reference_s=float(seconds[:, 0].sum()),
        hypothesis_s=float(seconds[:, 1].sum()),
        precision=over(lambda s: _ratio(s[2], s[1]), seconds),
        recall=over(lambda s: _ratio(s[2], s[0]), seconds),
        f1=over(lambda s: _ratio(2 * s[2], s[0] + s[1]), seconds),
        kappa=over(_kappa, seconds, ""),
        event_precision=over(lambda c: _ratio(c[0], c[2]), counts),
        event_recall=over(lambda c: _ratio(c[0], c[1]), counts),
        event_f1=over(lambda c: _ratio(2 * c[0], c[1] + c[2]), counts),
        onset_error=median(lambda each: each.onsets),
        offset_error=median(lambda each: each.offsets),
        correlation=_over_recordings(_pearson, totals, resamples, seed),
        icc=_over_recordings(_icc, totals, resamples, seed),
        totals=bland_altman([one.reference for one in totals], [one.hypothesis for one in totals]),
        by_recording=totals,
        confusion=confusion(pairs, reference_labels=wanted, hypothesis_labels=theirs, join=join),
    )


class Heard(Protocol):
    """What can be put into groups: a recording, or a segment of one, as several saw it."""

    @property
    def child(self) -> str:
        """Whose it is."""

    @property
    def about(self) -> Mapping[str, str]:
        """Columns of the corpus' tables."""


_H = TypeVar("_H", bound=Heard)


def grouped(items: Sequence[_H], column: str) -> dict[str, list[_H]]:
    """Put recordings into groups.

    Parameters
    ----------
    items : sequence of Pair, or of `harken.studies.raters.Panel`
    column : str
        ``child``, or a column of the corpus' tables.

    Returns
    -------
    dict
        Group → what is in it; numbers in their order, then names, and last what isn't known.

    Raises
    ------
    ParameterError
        If no recording has that column.
    """
    groups: dict[str, list[_H]] = {}
    for one in items:
        name = one.child if column == "child" else one.about.get(column, "")
        groups.setdefault(name or _UNKNOWN, []).append(one)
    if groups.keys() == {_UNKNOWN}:
        there = sorted({key for one in items for key in one.about})
        raise ParameterError(
            f"agree: no column {column!r}; there are child{''.join(f', {key}' for key in there)}"
        )
    return dict(sorted(groups.items(), key=lambda each: _place(each[0])))


def by_group(pairs: Sequence[Pair], column: str, **how: Any) -> dict[str, Agreement]:
    """Compare group by group.

    Parameters
    ----------
    pairs : sequence of Pair
    column : str
        As `grouped`.
    **how
        As `agree`.

    Returns
    -------
    dict
        Group → its agreement.

    Raises
    ------
    ParameterError
        If no recording has that column.
    """
    return {name: agree(group, **how) for name, group in grouped(pairs, column).items()}


def disagreements(
    pairs: Sequence[Pair],
    *,
    reference_labels: Iterable[str] = ("cry",),
    hypothesis_labels: Iterable[str] = ("cry",),
    join: float = 0.0,
    most: int = 50,
) -> list[Disagreement]:
    """List the longest stretches on which the two disagree, the worst first.

    Those shorter than `SHORTEST_S` are left out.

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
                Disagreement(one.recording, one.child, since, until, kind)
                for since, until in spans
                if until - since >= SHORTEST_S
            ]
    said.sort(key=lambda each: (-each.seconds, each.recording, each.since))
    return said[:most]


def confusion(
    pairs: Sequence[Pair],
    *,
    reference_labels: Iterable[str] = (),
    hypothesis_labels: Iterable[str] = (),
    join: float = 0.0,
) -> dict[str, dict[str, float]]:
    """Give the seconds that each label of the reference has under each of the hypothesis.

    Where a side has several labels at once, each counts; where it has none it is ``nothing``.

    Parameters
    ----------
    pairs : sequence of Pair
    reference_labels, hypothesis_labels : iterable of str
        Labels of which what is near is joined, as `agree` joins it.
    join : float, ≥ 0 [s]

    Returns
    -------
    dict
        Reference's label → hypothesis' label → seconds, weighted.
    """
    table: dict[str, dict[str, float]] = {}
    ours, theirs = frozenset(reference_labels), frozenset(hypothesis_labels)
    for one in pairs:
        first = _labelled(one.reference, one.looked, ours, join)
        second = _labelled(one.hypothesis, one.looked, theirs, join)
        for label, spans in first.items():
            for other, others in second.items():
                if (shared := length(common(spans, others))) > 0:
                    row = table.setdefault(label, {})
                    row[other] = row.get(other, 0.0) + one.weight * shared
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
    kept: list[Span] = []
    for since, until in joined(spans):
        if kept and since - kept[-1][1] <= join:
            kept[-1] = (kept[-1][0], until)
        else:
            kept.append((since, until))
    return tuple(kept)


def length(spans: Iterable[Span]) -> float:
    """Add up their lengths; where they overlap it counts once."""
    return float(sum(until - since for since, until in joined(spans)))


def checked(labels: Iterable[str]) -> frozenset[str]:
    """Give labels, if each is one of Harken's.

    Raises
    ------
    ParameterError
        If one isn't.
    """
    made = frozenset(labels)
    for label in sorted(made):
        if label not in LABELS:
            raise ParameterError(f"label {label!r} is none of {', '.join(LABELS)}")
    return made


def _by_name(items: Sequence[Annotations], who: str, said: list[str]) -> dict[str, Annotations]:
    named: dict[str, Annotations] = {}
    several: dict[str, int] = {}
    for item in items:
        name = plain(item.recording)
        if not name:
            raise ParameterError(
                f"agree: {who} has a file without the name of its recording, which can't be "
                "paired; name it with harken convert --recording"
            )
        if before := named.get(name):
            several[name] = several.get(name, 1) + 1
            named[name] = Annotations(
                recording=item.recording,
                annotations=before.annotations + item.annotations,
                analysed=joined((*before.analysed, *item.analysed)),
                duration=before.duration or item.duration,
            )
        else:
            named[name] = item
    said += [f"{name}: {n} files of {who} are taken together" for name, n in several.items()]
    return named


def spans_of(
    one: Pair, reference_labels: Iterable[str], hypothesis_labels: Iterable[str], join: float = 0.0
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Give what each side marked of what both looked at, with what is near joined.

    Parameters
    ----------
    one : Pair
    reference_labels, hypothesis_labels : iterable of str
    join : float, ≥ 0 [s]
        Joined stretches may span what wasn't looked at; what lies outside joins nothing, since
        the other side may not know of it.

    Returns
    -------
    (tuple of Span, tuple of Span)
        Of the reference and of the hypothesis.
    """
    return (
        near(common(one.reference.where(*reference_labels), one.looked), join),
        near(common(one.hypothesis.where(*hypothesis_labels), one.looked), join),
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


def _totals(pairs: Sequence[Pair], seconds: NDArray[np.float64]) -> tuple[Total, ...]:
    """Add up each recording's segments; `seconds` are weighted."""
    sums: dict[str, NDArray[np.float64]] = {}
    for one, row in zip(pairs, seconds, strict=True):
        sums[one.recording] = sums.get(one.recording, np.zeros(5)) + row
    child = {one.recording: one.child for one in pairs}
    return tuple(
        Total(name, child[name], float(3600 * row[0] / row[4]), float(3600 * row[1] / row[4]))
        for name, row in sums.items()
        if row[4] > 0
    )


@dataclass(frozen=True, slots=True)
class _Matched:
    both: int
    reference: int
    hypothesis: int
    onsets: tuple[float, ...]
    offsets: tuple[float, ...]


def _events(
    one: Pair,
    sides: tuple[tuple[Span, ...], tuple[Span, ...]],
    onset_within: float,
    offset_within: float,
) -> _Matched:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    truth, heard = sides
    onsets = np.array([span[0] for span in heard])
    rows: list[int] = []
    columns: list[int] = []
    for i, (since, until) in enumerate(truth):
        first = int(np.searchsorted(onsets, since - onset_within, "left"))
        last = int(np.searchsorted(onsets, since + onset_within, "right"))
        slack = max(offset_within, (until - since) / 2)
        found = [j for j in range(first, last) if abs(heard[j][1] - until) <= slack]
        rows += [i] * len(found)
        columns += found
    if not rows:
        return _Matched(0, len(truth), len(heard), (), ())
    may = csr_matrix((np.ones(len(rows), np.int8), (rows, columns)), (len(truth), len(heard)))
    chosen = maximum_bipartite_matching(may, perm_type="column")
    both = [(truth[i], heard[j]) for i, j in enumerate(chosen) if j >= 0]
    edges = {edge for span in joined(one.looked) for edge in span}
    errors = [
        tuple(b[end] - a[end] for a, b in both if not edges & {a[end], b[end]}) for end in (0, 1)
    ]
    return _Matched(len(both), len(truth), len(heard), errors[0], errors[1])


def _labelled(
    item: Annotations, looked: Sequence[Span], compared: frozenset[str], join: float
) -> dict[str, tuple[Span, ...]]:
    labels = sorted({one.label for one in item.annotations})
    spans = {
        label: near(common(item.where(label), looked), join if label in compared else 0.0)
        for label in labels
    }
    spans = {label: common(each, looked) for label, each in spans.items()}
    said = [span for each in spans.values() for span in each]
    return {**spans, _OTHER: without(looked, said)}


def children_drawn(whose: Sequence[str], resamples: int, seed: int) -> NDArray[np.float64]:
    """Give how often each recording counts where children are drawn with replacement.

    Parameters
    ----------
    whose : sequence of str, n
        The child of each recording.
    resamples, seed : int

    Returns
    -------
    float[resamples + 1, n]
        First as they are: 1 each. Of one child there is nothing to draw, and nothing else.
    """
    names, index = np.unique(np.asarray(whose), return_inverse=True)
    if len(names) < 2:
        return np.ones((1, len(index)))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    rows: NDArray[np.float64] = np.vstack([np.ones(len(index)), drawn[:, index]])
    return rows


def bootstrapped(
    values: Sequence[float], n: int, unit: str = "", *, several: bool | None = None
) -> Estimate:
    """Make an estimate of a number, and what it was in each draw.

    Parameters
    ----------
    values : sequence of float
        First the number itself; NaN where it isn't known.
    n : int
        What it is based on.
    unit : str
    several : bool, optional
        Whether there is more than one child; by default whether `n` is above 1.

    Returns
    -------
    Estimate
    """
    drawn = np.asarray(values, np.float64)
    first, rest = float(drawn[0]), drawn[1:][np.isfinite(drawn[1:])]
    how = "bootstrap over children"
    if not np.isfinite(first):
        return Estimate(None, None, None, n, unit=unit, how=how)
    if not (n > 1 if several is None else several):
        return Estimate(first, None, None, n, unit=unit, how="one child: no interval")
    if len(rest) == 0:
        return Estimate(first, None, None, n, unit=unit, how="known in no other draw of children")
    low, high = np.percentile(rest, [2.5, 97.5])
    return Estimate(first, float(low), float(high), n, unit=unit, how=how)


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Give the number below and above which there is as much weight.

    Parameters
    ----------
    values, weights : float[n]
        Weights ≥ 0.

    Returns
    -------
    float
        Where it lies between two numbers, their mean; NaN where nothing counts.

    Examples
    --------
    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0]))
    2.0
    >>> weighted_median(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
    2.0
    >>> weighted_median(np.array([3.0, 1.0]), np.array([2.0, 1.0]))
    3.0
    """
    order = np.argsort(values, kind="stable")
    values, sums = values[order], np.cumsum(weights[order])
    if len(sums) == 0 or sums[-1] <= 0:
        return float("nan")
    # Weights are one over a chance: their sums are only nearly equal where they should be.
    half, slack = sums[-1] / 2, 1e-9 * sums[-1]
    low = int(np.searchsorted(sums, half - slack))
    high = min(int(np.searchsorted(sums, half + slack, "right")), len(values) - 1)
    return float((values[low] + values[high]) / 2)


def _place(name: str) -> tuple[bool, bool, float, str]:
    try:
        return name == _UNKNOWN, False, float(name), name
    except ValueError:
        return name == _UNKNOWN, True, 0.0, name


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _kappa(sums: NDArray[np.float64]) -> float:
    ours, theirs, both, either, scored = sums
    table = np.array([[both, ours - both], [theirs - both, scored - either]])
    # Sums of times are only nearly 0 where they should be.
    return cohen_kappa(np.where(table < 1e-9 * scored, 0, table))


def _over_recordings(
    function: Callable[[NDArray[np.float64]], float],
    totals: Sequence[Total],
    resamples: int,
    seed: int,
) -> Estimate:
    n = len(totals)
    if n < 3:
        return Estimate(None, None, None, n, how="fewer than three recordings")
    whose = [one.child for one in totals]
    table = np.array([[one.reference, one.hypothesis] for one in totals])
    draws = children_drawn(whose, resamples, seed).astype(int)
    values = [function(np.repeat(table, draw, axis=0)) for draw in draws]
    return bootstrapped(values, n, several=len(set(whose)) > 1)


def _pearson(totals: NDArray[np.float64]) -> float:
    if len(totals) < 2 or np.ptp(totals[:, 0]) == 0 or np.ptp(totals[:, 1]) == 0:
        return float("nan")
    return float(np.corrcoef(totals[:, 0], totals[:, 1])[0, 1])


def _icc(totals: NDArray[np.float64]) -> float:
    return icc(totals) if len(totals) > 1 else float("nan")
