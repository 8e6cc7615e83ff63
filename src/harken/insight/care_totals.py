"""Sleep, feeds and nappies a day, from the care log; and how long ago the last ones were.

The care log holds what people wrote down. A day on which nothing of a kind was
written is a day of which that is not known, and not a day without it.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from harken.insight.estimate import Estimate, mean_by_day
from harken.insight.record import Record
from harken.insight.stretches import Stretch, amounts, joined

GOES_ON_S = {"sleep": 16 * 3600.0, "carry": 6 * 3600.0, "feed": 2 * 3600.0}
"""An entry without an end that began longer ago than this was not ended, and has no length [s]."""

FEED_BANDS_H = (0.0, 1.0, 2.0, 3.0, 24.0)
"""Edges of the bands of time since a feed [h]."""

AWAKE_BANDS_H = (0.0, 1.0, 2.0, 4.0, 24.0)
"""Edges of the bands of time since a sleep [h]."""

HOURS_AROUND = 2
"""Up to this many hours earlier or later in the day counts as about that hour."""

_LOOK_BACK_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class CareDay:
    """What the care log holds of one day; None where it holds nothing of that kind.

    Parameters
    ----------
    date : date
        On which it begins.
    whole : bool
        Whether it is over and lies within the record.
    sleep_s : float or None [s]
        Asleep, within the day; where entries overlap it counts once.
    longest_sleep_s : float or None [s]
        Longest stretch of sleep within the day.
    sleeps : int or None
        That began in it; entries that overlap or touch are one.
    feeds : int or None
        All that began in it.
    breast, bottles, meals : int or None
        With a side, with an amount, with food; a feed that says none of these
        is in `feeds` only.
    ml : float or None [ml]
        Of the bottles; None without one.
    nappies, wet, solid : int or None
        Changes, and those marked wet or solid.
    carried_s : float or None [s]
        Carried, within the day; where entries overlap it counts once.
    medicines : int or None
    """

    date: date
    whole: bool
    sleep_s: float | None
    longest_sleep_s: float | None
    sleeps: int | None
    feeds: int | None
    breast: int | None
    bottles: int | None
    meals: int | None
    ml: float | None
    nappies: int | None
    wet: int | None
    solid: int | None
    carried_s: float | None
    medicines: int | None


@dataclass(frozen=True, slots=True)
class CareTotals:
    """Sleep, feeds, nappies and carrying a day.

    Parameters
    ----------
    days : tuple of CareDay
    sleep, longest_sleep, carried : Estimate [h/day]
        Each over whole days of which something of that kind was written down.
    feeds, nappies, wet, solid : Estimate
    ml : Estimate [ml/day]
    unended : int
        Entries that were never ended and so have no length.
    says : tuple of str
        What to print beside the figures.
    """

    days: tuple[CareDay, ...]
    sleep: Estimate
    longest_sleep: Estimate
    feeds: Estimate
    ml: Estimate
    nappies: Estimate
    wet: Estimate
    solid: Estimate
    carried: Estimate
    unended: int
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name; dates as ISO 8601.
        """
        found = asdict(self)
        for one in found["days"]:
            one["date"] = one["date"].isoformat()
        return {**found, "days": list(found["days"]), "says": list(self.says)}


def care_totals(record: Record) -> CareTotals:
    """Add up the care log by day.

    Parameters
    ----------
    record : Record

    Returns
    -------
    CareTotals
        What spans the border of two days is cut there: sleep and carrying count
        for the day in which they happened, the rest for that in which it began.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     str(care_totals(Record.of(journal)).feeds)
    'not known (n = 0)'
    >>> folder.cleanup()
    """
    bounds = [(day.since.timestamp(), day.until.timestamp()) for day in record.days()]
    begins = [begin for begin, _ in bounds]
    last = bounds[-1][1] if bounds else 0.0

    def place(at: float) -> int | None:
        return bisect_right(begins, at) - 1 if begins and begins[0] <= at < last else None

    counts: list[Counter[str]] = [Counter() for _ in bounds]
    ml: defaultdict[int, float] = defaultdict(float)
    for one in record.care:
        where = place(one.at.timestamp())
        if where is None or one.at > record.now:
            continue
        counts[where][one.what] += 1
        if one.what == "feed":
            counts[where]["breast"] += one.side is not None
            counts[where]["bottles"] += one.ml is not None
            counts[where]["meals"] += one.food is not None
            ml[where] += one.ml or 0.0
        elif one.what == "nappy":
            counts[where]["wet"] += bool(one.wet)
            counts[where]["solid"] += bool(one.solid)

    sleep, sleep_open = lengths(record, "sleep")
    carry, carry_open = lengths(record, "carry")
    slept, carried = (amounts(one, begins, [end for _, end in bounds]) for one in (sleep, carry))
    ends = [end for _, end in sleep]
    begun = Counter(where for begin, _ in sleep if (where := place(begin)) is not None)
    days = []
    for number, day in enumerate(record.days()):
        begin, end = bounds[number]
        first, after = bisect_right(ends, begin), bisect_right([b for b, _ in sleep], end)
        inside = [(max(b, begin), min(e, end)) for b, e in sleep[first:after]]
        count = counts[number]

        def told(kind: str, of: str, count: Counter[str] = count) -> int | None:
            return count[kind] if count[of] else None

        asleep, held = float(slept[number]), float(carried[number])
        days.append(
            CareDay(
                date=day.date,
                whole=day.since >= record.since and day.until <= min(record.until, record.now),
                sleep_s=asleep if asleep > 0 else None,
                longest_sleep_s=max((e - b for b, e in inside), default=0.0) or None,
                sleeps=begun[number] if asleep > 0 else None,
                feeds=told("feed", "feed"),
                breast=told("breast", "feed"),
                bottles=told("bottles", "feed"),
                meals=told("meals", "feed"),
                ml=ml[number] if count["bottles"] else None,
                nappies=told("nappy", "nappy"),
                wet=told("wet", "nappy"),
                solid=told("solid", "nappy"),
                carried_s=held if held > 0 else None,
                medicines=told("medicine", "medicine"),
            )
        )

    def mean(read: Callable[[CareDay], float | None], unit: str, per: float = 1.0) -> Estimate:
        values = [value / per for day in days if day.whole and (value := read(day)) is not None]
        return mean_by_day(values, unit=unit)

    unended = sleep_open + carry_open
    says = ["From what was written down: a day without an entry of a kind is left out there."]
    if unended:
        says.append(
            f"{unended} {'entry was' if unended == 1 else 'entries were'} never ended and so "
            f"{'has' if unended == 1 else 'have'} no length."
        )
    return CareTotals(
        days=tuple(days),
        sleep=mean(lambda day: day.sleep_s, "h/day", 3600),
        longest_sleep=mean(lambda day: day.longest_sleep_s, "h", 3600),
        feeds=mean(lambda day: day.feeds, "feeds/day"),
        ml=mean(lambda day: day.ml, "ml/day"),
        nappies=mean(lambda day: day.nappies, "nappies/day"),
        wet=mean(lambda day: day.wet, "wet/day"),
        solid=mean(lambda day: day.solid, "solid/day"),
        carried=mean(lambda day: day.carried_s, "h/day", 3600),
        unended=unended,
        says=tuple(says),
    )


def lengths(record: Record, what: str) -> tuple[list[Stretch], int]:
    """Give when something went on, joined where entries overlap, and how many were never ended.

    Parameters
    ----------
    record : Record
    what : {'sleep', 'carry', 'feed'}

    Returns
    -------
    (list of (float, float) [s], int)
        The last entry without an end goes on until now if it began lately.
    """
    now = min(record.now, record.until).timestamp()
    entries = sorted((one for one in record.care if one.what == what), key=lambda one: one.at)
    found, unended = [], 0
    for number, one in enumerate(entries):
        begin = one.at.timestamp()
        if one.until is not None:
            found.append((begin, min(now, one.until.timestamp())))
        elif number == len(entries) - 1 and now - begin <= GOES_ON_S[what]:
            found.append((begin, now))
        else:
            unended += begin <= now
    return joined(found), unended


class Since:
    """How long ago the last feed ended and how long the infant had been awake.

    Parameters
    ----------
    record : Record
        Feeds are those of the care log, and soothing attempts by feeding.
    """

    def __init__(self, record: Record) -> None:
        fed = [(one.at, one.until or one.at) for one in record.care if one.what == "feed"]
        fed += [
            (tried.at, tried.at)
            for episode in record.episodes
            if not episode.drill
            for tried in episode.soothing
            if tried.attempt == "feed"
        ]
        self._feeds = _sorted(fed)
        asleep, _ = lengths(record, "sleep")
        self._sleeps = [begin for begin, _ in asleep], [end for _, end in asleep]

    def feed(self, at: datetime) -> float | None:
        """Give how long ago the last feed was.

        Parameters
        ----------
        at : datetime

        Returns
        -------
        float or None [s]
            Since its end, or its begin where no end was written; 0 during one.
            None where none was written down in the 24 hours before.
        """
        return _since(self._feeds, at.timestamp())

    def sleep(self, at: datetime) -> float | None:
        """Give how long ago the last sleep ended.

        Parameters
        ----------
        at : datetime

        Returns
        -------
        float or None [s]
            0 during one. None where none was written down in the 24 hours before.
        """
        return _since(self._sleeps, at.timestamp())


def _sorted(stretches: Iterable[tuple[datetime, datetime]]) -> tuple[list[float], list[float]]:
    """Give the begins in order, and the latest end of all up to each."""
    begins: list[float] = []
    ends: list[float] = []
    for begin, end in sorted(stretches):
        begins.append(begin.timestamp())
        ends.append(max(end.timestamp(), begins[-1], *(ends[-1:])))
    return begins, ends


def _since(known: tuple[list[float], list[float]], at: float) -> float | None:
    begins, ends = known
    place = bisect_right(begins, at) - 1
    # What begins at this very moment is what comes next, not what came before.
    while place >= 0 and begins[place] == at:
        place -= 1
    if place < 0:
        return None
    ago = max(0.0, at - ends[place])
    return ago if ago <= _LOOK_BACK_S else None


def band_of(since_s: float | None, bands_h: Sequence[float]) -> int | None:
    """Give the band that a time since something lies in.

    Parameters
    ----------
    since_s : float or None, ≥ 0 [s]
    bands_h : sequence of float [h]
        Edges, from 0; the last band has no end.

    Returns
    -------
    int or None
        From 0; None where the time is not known.

    Examples
    --------
    >>> band_of(5400, FEED_BANDS_H), band_of(None, FEED_BANDS_H)
    (1, None)
    """
    if since_s is None:
        return None
    return min(bisect_right(bands_h, since_s / 3600), len(bands_h) - 1) - 1


def band_words(band: int, bands_h: Sequence[float]) -> str:
    """Say a band in words.

    Parameters
    ----------
    band : int
    bands_h : sequence of float [h]

    Returns
    -------
    str

    Examples
    --------
    >>> [band_words(one, FEED_BANDS_H) for one in (0, 1, 3)]
    ['within an hour', '1 to 2 hours', '3 hours or more']
    """
    low, high = bands_h[band], bands_h[band + 1]
    if low == 0:
        return "within an hour" if high == 1 else f"within {high:g} hours"
    return f"{low:g} hours or more" if band == len(bands_h) - 2 else f"{low:g} to {high:g} hours"


def near_hour(hour: int, other: int) -> bool:
    """Say whether two hours of the day lie close together, around midnight too.

    Parameters
    ----------
    hour, other : int, 0 to 23

    Returns
    -------
    bool

    Examples
    --------
    >>> near_hour(23, 1), near_hour(12, 15)
    (True, False)
    """
    apart = abs(hour - other)
    return min(apart, 24 - apart) <= HOURS_AROUND
