"""Which minutes to annotate by hand, and what each of them stands for.

Every segment that could be drawn has a known chance of being drawn; its weight
is one over that chance (Horvitz & Thompson 1952), so that estimates from the
drawn minutes are about all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from harken.errors import ParameterError
from harken.studies.agree import common, length
from harken.studies.annotation import Annotation, Annotations

Way = Literal["random", "high", "stratified"]
WAYS: tuple[Way, ...] = ("random", "high", "stratified")
"""How segments are drawn: all alike; more often where there is much crying; so many from each of
the strata without, with some and with much of it."""

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
        How many. `stratified` takes a third from each stratum that there is.
    seconds : float, > 0 [s]
        Length of each.
    way : {'random', 'high', 'stratified'}
    heard : mapping, optional
        Name → annotations with the label ``cry``, of a run or another tool; `high` and
        `stratified` need them.
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
        If there are fewer segments than are wanted, or `heard` is needed and missing.

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
        (name, i * seconds, _crying(heard, name, i * seconds, (i + 1) * seconds))
        for name, whole in sorted(recordings.items())
        for i in range(int(whole // seconds))
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


def template(segments: Sequence[Segment], *, tiers: Sequence[str] = ("CHI",)) -> Annotations:
    """Make what people fill in: the stretches to listen to, and an empty tier for each voice.

    Parameters
    ----------
    segments : sequence of Segment
        Of one recording.
    tiers : sequence of str

    Returns
    -------
    Annotations
        To be written as .eaf or TextGrid; a tier ``segments`` shows where to listen.
    """
    recording = segments[0].recording if segments else ""
    return Annotations(
        recording=recording,
        annotations=tuple(
            Annotation(
                onset=one.since,
                offset=one.until,
                label="other",
                source="listen here",
                tier="segments",
            )
            for one in segments
        ),
        analysed=tuple((one.since, one.until) for one in segments),
    )


def split(item: Annotations, segments: Sequence[Segment]) -> list[tuple[Segment, Annotations]]:
    """Cut a recording's annotations into the drawn segments, so that each has its weight.

    Parameters
    ----------
    item : Annotations
        Of the segments' recording.
    segments : sequence of Segment

    Returns
    -------
    list of (Segment, Annotations)
        Only what lies in the segment, which is all that counts as looked at.
    """
    return [
        (
            one,
            Annotations(
                recording=one.name,
                annotations=tuple(
                    each
                    for each in item.annotations
                    if each.onset < one.until
                    and each.offset > one.since
                    and each.tier != "segments"
                ),
                analysed=((one.since, one.until),),
                duration=item.duration,
            ),
        )
        for one in segments
    ]


def _crying(
    heard: Mapping[str, Annotations] | None, name: str, since: float, until: float
) -> float:
    if not heard or name not in heard:
        return 0.0
    return length(common(heard[name].where("cry"), [(since, until)]))


def _by_stratum(
    crying: np.ndarray, count: int, rng: np.random.Generator
) -> list[tuple[int, str, float]]:
    """Draw from each stratum: without crying, below the median of the rest, above it."""
    some = crying[crying > 0]
    edge = float(np.median(some)) if len(some) else 0.0
    stratum = np.where(crying == 0, 0, np.where(crying <= edge, 1, 2))
    there = [s for s in range(3) if (stratum == s).any()]
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
        if wanted[s] == 0:
            continue
        drawn = rng.choice(units, size=wanted[s], replace=False)
        chance = wanted[s] / len(units)
        chosen += [(int(i), _STRATA[s], chance) for i in drawn]
    return chosen
