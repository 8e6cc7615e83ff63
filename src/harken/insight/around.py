"""A sensor's numbers before, during and after a cry, averaged over cries, with gaps left as gaps.

Each cry counts once, however often the sensor spoke in it, and the cry is what
is drawn anew for the interval. Nothing here says what is high or low for a
child: it is what was measured, beside when it cried.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from harken.errors import ParameterError
from harken.insight.estimate import Estimate
from harken.insight.record import Record
from harken.journal import Journal, Reading, Series

LEAST = 5
"""With fewer cries than this there is a mean, and no interval."""

BEFORE_S, AFTER_S = 600.0, 1200.0
"""How far it looks before the onset and after the calm."""

_DRAWS = 1000
_HOW = "mean over cries; bootstrap by cry"


@dataclass(frozen=True, slots=True)
class AroundPoint:
    """One step of the time around the onset.

    Parameters
    ----------
    at_s : float [s]
        When the step begins, from the onset; below 0 before it.
    mean : Estimate
        Its value is None where no cry has a reading in the step: a gap. Its n is
        the number of cries that have one.
    """

    at_s: float
    mean: Estimate


@dataclass(frozen=True, slots=True)
class Around:
    """What a sensor gave around cries.

    Parameters
    ----------
    what, title, unit : str
        What was measured; see `harken.journal.series.QUANTITIES`.
    source : str
        What measured it.
    before_s, after_s, step_s : float, > 0 [s]
        How far it looks before the onset and after the calm, and the steps of `course`.
    episodes : int, ≥ 0
        Cries in the record.
    covered : int, ≥ 0
        Those with a reading at least in one of the three parts.
    before, during, after : Estimate
        Mean in the time before the onset, from the onset to the calm, and after it.
    change : Estimate
        `during` less `before`, in the cries that have both.
    course : tuple of AroundPoint
        In order, from `before_s` before the onset to `after_s` after it; every
        step is there, those without a reading with no value.
    gaps : float or None, 0 to 1
        Share of steps, over all cries, without a reading; None without a cry.
    says : tuple of str
        Sentences to print near it.
    series : str
        Id of the series.
    """

    what: str
    title: str
    unit: str
    source: str
    before_s: float
    after_s: float
    step_s: float
    episodes: int
    covered: int
    before: Estimate
    during: Estimate
    after: Estimate
    change: Estimate
    course: tuple[AroundPoint, ...]
    gaps: float | None
    says: tuple[str, ...]
    series: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        return asdict(self)


def around(
    record: Record,
    series: Series,
    readings: Sequence[Reading],
    *,
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
    step_s: float = 60.0,
    level: float = 0.95,
    seed: int = 1,
) -> Around:
    """Average a series around the onsets of a record's cries.

    Parameters
    ----------
    record : Record
        Its counted episodes are used.
    series : Series
        What the readings are of.
    readings : sequence of Reading
        In order of time, as `Journal.readings` gives them.
    before_s, after_s : float, > 0, ≤ 86 400 [s]
    step_s : float, ≥ 1 [s]
    level : float, above 0, below 1
        Of the intervals.
    seed : int
        The same gives the same intervals.

    Returns
    -------
    Around

    Raises
    ------
    ParameterError
        If a length of time is out of range.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     record = Record.of(journal)
    >>> found = around(record, Series("heart_rate", "sock"), [])
    >>> found.covered, str(found.during)
    (0, 'not known (n = 0)')
    >>> folder.cleanup()
    """
    for name, value in (("before_s", before_s), ("after_s", after_s)):
        if not 0 < value <= 86_400:
            raise ParameterError(f"{name}={value:g} must be above 0 and at most 86400 s")
    if not 1 <= step_s <= before_s + after_s:
        raise ParameterError(f"step_s={step_s:g} must be from 1 s to all that is looked at")
    if not 0 < level < 1:
        raise ParameterError(f"level={level:g} must lie between 0 and 1")
    episodes = [one for one in record.counted if _is_of(one.child, one.room, series)]
    times = [one.at for one in readings]
    values = [one.value for one in readings]

    def mean(since: datetime, until: datetime) -> float | None:
        first, last = bisect_left(times, since), bisect_left(times, until)
        return math.fsum(values[first:last]) / (last - first) if last > first else None

    first_step = -math.ceil(before_s / step_s)
    steps = range(first_step, math.ceil(after_s / step_s))
    parts: list[tuple[float | None, float | None, float | None]] = []
    rows: list[list[float | None]] = []
    for one in episodes:
        # What counts is over, so it has become calm; the end of the episode serves as well.
        calm = max(one.calm_at or one.ended_at or one.onset, one.onset)
        begin, end = one.onset - _s(before_s), calm + _s(after_s)
        parts.append((mean(begin, one.onset), mean(one.onset, calm), mean(calm, end)))
        rows.append(
            [mean(one.onset + _s(k * step_s), one.onset + _s((k + 1) * step_s)) for k in steps]
        )
    unit = series.unit

    def over(known: Sequence[float | None], salt: int) -> Estimate:
        return _mean(
            [one for one in known if one is not None], unit=unit, level=level, seed=seed + salt
        )

    before, during, after = (over([part[i] for part in parts], i) for i in range(3))
    changes = [None if part[0] is None or part[1] is None else part[1] - part[0] for part in parts]
    course = tuple(
        AroundPoint(k * step_s, over([row[i] for row in rows], 10 + i)) for i, k in enumerate(steps)
    )
    cells = [cell for row in rows for cell in row]
    covered = sum(any(one is not None for one in part) for part in parts)
    return Around(
        what=series.what,
        title=series.quantity.title,
        unit=unit,
        source=series.source,
        before_s=before_s,
        after_s=after_s,
        step_s=step_s,
        episodes=len(episodes),
        covered=covered,
        before=before,
        during=during,
        after=after,
        change=over(changes, 3),
        course=course,
        gaps=sum(one is None for one in cells) / len(cells) if cells else None,
        says=_says(series, len(episodes), covered),
        series=series.id,
    )


def around_series(journal: Journal, record: Record, *, own: bool = False) -> tuple[Around, ...]:
    """Average every series that has readings around the cries of a record.

    Only what lies around cries is read, and nothing where there is no series.

    Parameters
    ----------
    journal : Journal
    record : Record
    own : bool
        Only series that are of the record's child, none of a room: for who may not see
        all that happens in it.

    Returns
    -------
    tuple of Around
        In the order of `Journal.series`; a series of another child, and one without
        a reading around a cry, is left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     around_series(journal, Record.of(journal))
    ()
    >>> folder.cleanup()
    """
    every = journal.series()
    if not every:
        return ()
    stretches = _stretches(record)
    found = []
    for one in every:
        wanted = {record.child} if own else {record.child, None}
        if record.child is not None and one.child not in wanted:
            continue
        readings: list[Reading] = []
        for since, until in stretches:
            readings += journal.readings(one, since=since, until=until)
        made = around(record, one, readings) if readings else None
        if made is not None and made.covered:
            found.append(made)
    return tuple(found)


def _stretches(record: Record) -> list[tuple[datetime, datetime]]:
    """Give the time around the cries; what overlaps is joined, so that nothing is read twice."""
    found: list[tuple[datetime, datetime]] = []
    for one in sorted(record.counted, key=lambda each: each.onset):
        since = one.onset - _s(BEFORE_S)
        # The course runs on from the onset, the part after the cry from its calm.
        until = max(one.calm_at or one.ended_at or one.onset, one.onset) + _s(AFTER_S)
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return found


def _is_of(child: str | None, room: str | None, series: Series) -> bool:
    """Whether a cry is one of the child that the sensor is on, or of the room it is in."""
    if series.child is not None and child is not None:
        return child == series.child
    return series.room is None or room is None or room == series.room


def _mean(values: Sequence[float], *, unit: str, level: float, seed: int) -> Estimate:
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0, unit=unit, level=level, how=_HOW)
    middle = math.fsum(values) / n
    if n < LEAST:
        how = f"mean over cries; an interval needs {LEAST} of them"
        return Estimate(middle, None, None, n, unit=unit, level=level, how=how)
    drawn = np.random.default_rng(seed).integers(0, n, (_DRAWS, n))
    means = np.sort(np.asarray(values)[drawn].mean(axis=1))
    cut = round((1 - level) / 2 * _DRAWS)
    low, high = float(means[cut]), float(means[_DRAWS - 1 - cut])
    return Estimate(middle, low, high, n, unit=unit, level=level, how=_HOW)


def _says(series: Series, episodes: int, covered: int) -> tuple[str, ...]:
    title, source = series.quantity.title, series.source
    found = [f"{title} as {source} gave it, in {covered} of {episodes} cries; each counts once."]
    if covered < LEAST:
        found.append(f"Fewer than {LEAST} cries have readings: too few for an interval.")
    found.append(
        "Where it gave nothing there is a gap. Harken does not say what is high or low, "
        "and no alarm comes of it."
    )
    return tuple(found)


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
