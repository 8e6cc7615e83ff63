"""Which minutes to annotate by hand, and what each of them stands for.

Every segment that could be drawn has a known chance of being drawn; its weight
is one over that chance (Horvitz & Thompson 1952), so that estimates from the
drawn minutes are about all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

import numpy as np

from harken.errors import ParameterError
from harken.studies.annotation import Annotation, Annotations, joined
from harken.studies.formats import write
from harken.studies.names import match
from harken.writing import put, replacing, writing

Way = Literal["random", "high", "stratified"]
WAYS: tuple[Way, ...] = ("random", "high", "stratified")
"""How segments are drawn: all alike; more often where there is much crying; so many from each of
the strata without, with some and with much of it."""

LISTEN = "listen here"
"""The word on a template's tier that shows where to listen."""

_STRATA = ("none", "some", "much")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch to annotate.

    Parameters
    ----------
    recording : str
    child : str
    since, until : float [s]
    stratum : str
        Where it was drawn from; ``all`` without strata.
    chance : float, above 0, to 1
        Of being drawn.
    crying_s : float [s]
        Crying in it by what was known before; 0 where nothing was.
    """

    recording: str
    child: str
    since: float
    until: float
    stratum: str
    chance: float
    crying_s: float = 0.0

    @property
    def weight(self) -> float:
        """How many segments like this one it stands for."""
        return 1 / self.chance

    @property
    def name(self) -> str:
        """Name of its template, and of its row when it comes back annotated."""
        return f"{self.recording}_{round(self.since * 1000)}_{round(self.until * 1000)}"

    def as_dict(self) -> dict[str, Any]:
        """Give the row of the table of segments."""
        return {**asdict(self), "weight": self.weight, "name": self.name}


def sample(
    recordings: Mapping[str, float],
    *,
    count: int,
    seconds: float = 60.0,
    way: Way = "random",
    heard: Mapping[str, Annotations] | None = None,
    children: Mapping[str, str] | None = None,
    seed: int = 1,
) -> list[Segment]:
    """Draw segments to annotate.

    Parameters
    ----------
    recordings : mapping of str to float [s]
        Name → length. What is left at the end, shorter than a segment, can't be drawn.
    count : int, ≥ 1
        How many. `stratified` takes a third from each stratum that there is; where one has
        fewer, the others give more.
    seconds : float, > 0 [s]
        Length of each.
    way : {'random', 'high', 'stratified'}
    heard : mapping, optional
        Name → annotations with the label ``cry``, of a run or another tool; `high` and
        `stratified` need them. Where they say which stretches they looked at, only segments
        inside are drawn; a recording that isn't in it counts as one without crying.
    children : mapping, optional
        Name → whose recording.
    seed : int
        The same seed draws the same.

    Returns
    -------
    list of Segment
        By recording and time.

    Raises
    ------
    ParameterError
        If there are fewer segments than are wanted, or `heard` is needed and missing, or fewer
        are wanted than there are strata: what can't be drawn would stand for nothing.

    Examples
    --------
    >>> drawn = sample({"a": 600.0, "b": 600.0}, count=5, seconds=60.0)
    >>> len(drawn), drawn[0].weight
    (5, 4.0)
    """
    if count < 1 or seconds <= 0:
        raise ParameterError("sample: draw one segment or more, each longer than 0 s")
    if way not in WAYS:
        raise ParameterError(f"sample: {way!r} is none of {', '.join(WAYS)}")
    if way != "random" and not heard:
        raise ParameterError(f"sample: {way!r} needs to know where crying was heard; give a run")
    grid = [
        (name, i * seconds, crying)
        for name, whole in sorted(recordings.items())
        for i, crying in _segments(int(whole // seconds), seconds, (heard or {}).get(name))
    ]
    if len(grid) < count:
        raise ParameterError(
            f"sample: the recordings have {len(grid)} segments of {seconds:g} s; {count} were "
            "asked for"
        )
    rng = np.random.default_rng(seed)
    crying = np.array([one[2] for one in grid])
    if way == "stratified":
        chosen = _by_stratum(crying, count, rng)
    else:
        size = np.ones(len(grid)) if way == "random" else crying + seconds / 20
        chances = inclusion(size, count)
        chosen = [(i, "all", float(chances[i])) for i in systematic(chances, rng)]
    return [
        Segment(
            recording=grid[i][0],
            child=(children or {}).get(grid[i][0], grid[i][0]),
            since=grid[i][1],
            until=grid[i][1] + seconds,
            stratum=stratum,
            chance=chance,
            crying_s=float(grid[i][2]),
        )
        for i, stratum, chance in sorted(chosen)
    ]


def inclusion(size: np.ndarray, count: int) -> np.ndarray:
    """Give each unit's chance of being drawn, in proportion to its size, at most 1.

    Parameters
    ----------
    size : float[n], > 0
    count : int, 1 to n

    Returns
    -------
    float[n]
        They add up to `count`.

    Examples
    --------
    >>> inclusion(np.array([1.0, 1.0, 8.0]), 2).tolist()
    [0.5, 0.5, 1.0]
    """
    chances = np.zeros(len(size))
    certain = np.zeros(len(size), bool)
    while True:
        rest = count - certain.sum()
        chances = np.where(certain, 1.0, 0.0)
        if rest > 0:
            chances[~certain] = rest * size[~certain] / size[~certain].sum()
        over = (chances >= 1) & ~certain
        if not over.any():
            return chances
        certain |= over


def systematic(chances: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Draw units with exactly their chances: one random start, equal steps, in random order.

    Madow (1949), "On the theory of systematic sampling, II".

    Parameters
    ----------
    chances : float[n], 0 to 1
    rng : numpy Generator

    Returns
    -------
    list of int
        As many as the chances add up to.
    """
    order = rng.permutation(len(chances))
    sums = np.cumsum(chances[order])
    marks = np.arange(rng.uniform(), sums[-1] - 1e-9, 1.0)
    return sorted(int(order[i]) for i in np.searchsorted(sums, marks, "right"))


def write_template(segments: Sequence[Segment], path: Path, *, media: str, duration: float) -> None:
    """Write what people fill in: where to listen, and an empty tier CHI.

    Parameters
    ----------
    segments : sequence of Segment
        Of one recording.
    path : Path
        ``.eaf`` or ``.TextGrid``.
    media : str
        Name of the recording's file.
    duration : float [s]
        Of the recording.

    Raises
    ------
    AnnotationError, ParameterError
        If it can't be written.
    OutputError
        If its folder can't be made.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write([replace(template(segments), recording=media, duration=duration)], path)
    # Annotations know no tier without any on it.
    if path.suffix == ".eaf":
        import pympi

        eaf = pympi.Elan.Eaf(str(path))
        eaf.add_tier("CHI")
        eaf.add_tier("vcm@CHI", ling="said", parent="CHI")
        text = pympi.Elan.to_string(eaf, encoding="unicode")
        put(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode())
    else:
        from praatio import textgrid

        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
        grid.addTier(textgrid.IntervalTier("CHI", [], 0, grid.maxTimestamp))
        with replacing(path) as part:
            grid.save(str(part), format="long_textgrid", includeBlankSpaces=True)


def template(segments: Sequence[Segment]) -> Annotations:
    """Give the stretches to listen to, as annotations of the tier ``segments``.

    Parameters
    ----------
    segments : sequence of Segment
        Of one recording.

    Returns
    -------
    Annotations
        Its annotations say `LISTEN`, and stand for nothing that is heard.
    """
    recording = segments[0].recording if segments else ""
    return Annotations(
        recording=recording,
        annotations=tuple(
            Annotation(
                onset=one.since, offset=one.until, label="other", source=LISTEN, tier="segments"
            )
            for one in segments
        ),
        analysed=tuple((one.since, one.until) for one in segments),
    )


class _Divisible(Protocol):
    @property
    def recording(self) -> str: ...

    @property
    def about(self) -> Mapping[str, str]: ...

    def within(self, since: float, until: float, **more: Any) -> Self | None: ...


_D = TypeVar("_D", bound=_Divisible)


def into_segments(items: Sequence[_D], drawn: Sequence[Segment]) -> tuple[list[_D], list[str]]:
    """Cut recordings into the segments that were drawn, each with its weight.

    Parameters
    ----------
    items : sequence of Pair, or of `harken.studies.raters.Panel`
        Recordings.
    drawn : sequence of Segment

    Returns
    -------
    (list, list of str)
        A Pair or Panel for each segment, with the child and the stratum it was drawn with; and a
        sentence on segments that were left out, since not all looked at them.

    Raises
    ------
    ParameterError
        If none is left, or it isn't clear whose a segment is.
    """
    names = match(
        {one.recording for one in drawn},
        (one.recording for one in items),
        ours="the table of segments",
        theirs="the annotations",
    )
    by_name = {one.recording: one for one in items}
    made: list[_D] = []
    left = []
    for one in drawn:
        whole = by_name.get(names.get(one.recording, ""))
        part = whole and whole.within(
            one.since,
            one.until,
            child=one.child,
            weight=one.weight,
            about={**whole.about, "child_id": one.child, "stratum": one.stratum},
            segment=one.name,
        )
        if part:
            made.append(part)
        else:
            left.append(one.name)
    if not made:
        raise ParameterError("agree: none of the segments that were drawn was looked at by both")
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    said = f"{len(left)} of {len(drawn)} segments were not looked at by both: "
    return made, [said + ", ".join(left[:3]) + more] if left else []


def _segments(count: int, seconds: float, heard: Annotations | None) -> list[tuple[int, float]]:
    """Give which segments of a recording may be drawn, and the crying in each."""
    if heard is None:
        return [(i, 0.0) for i in range(count)]
    edges = np.arange(count + 1) * seconds
    crying = _inside(joined(heard.where("cry")), edges)
    looked = _inside(joined(heard.analysed or [(0.0, float(edges[-1]))]), edges)
    return [(i, float(crying[i])) for i in range(count) if looked[i] > seconds - 1e-6]


def _inside(spans: Sequence[tuple[float, float]], edges: np.ndarray) -> np.ndarray:
    """Give how many seconds of the spans lie between each two edges."""
    if not spans:
        return np.zeros(len(edges) - 1)
    ends = np.array(spans)
    sums = np.concatenate([[0.0], np.cumsum(ends[:, 1] - ends[:, 0])])
    before = np.stack([sums[:-1], sums[1:]], axis=1).ravel()
    made = np.diff(np.interp(edges, ends.ravel(), before))
    # Rounding must not put a minute without crying among those with some.
    return np.where(made < 1e-9, 0.0, made)


def _by_stratum(
    crying: np.ndarray, count: int, rng: np.random.Generator
) -> list[tuple[int, str, float]]:
    """Draw from each stratum: without crying, below the median of the rest, above it."""
    some = crying[crying > 0]
    edge = float(np.median(some)) if len(some) else 0.0
    stratum = np.where(crying == 0, 0, np.where(crying <= edge, 1, 2))
    there = [s for s in range(3) if (stratum == s).any()]
    if count < len(there):
        raise ParameterError(
            f"sample: {count} segments can't be of {len(there)} strata "
            f"({', '.join(_STRATA[s] for s in there)}): draw {len(there)} or more"
        )
    wanted = dict.fromkeys(there, 0)
    left = count
    # A stratum may be too small for its share; the others then give more.
    while left:
        open_ = [s for s in there if wanted[s] < (stratum == s).sum()]
        for s in open_:
            if left:
                wanted[s] += 1
                left -= 1
    chosen = []
    for s in there:
        units = np.flatnonzero(stratum == s)
        drawn = rng.choice(units, size=wanted[s], replace=False)
        chance = wanted[s] / len(units)
        chosen += [(int(i), _STRATA[s], chance) for i in drawn]
    return chosen
