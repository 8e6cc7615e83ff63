"""How much and how often: minutes and bouts of crying a day, beside what is known for the age.

Frequency and total duration are two figures and stay apart. What was not heard
is never counted as calm. The detector tells cries and not fussing, and a diary
counts more than a microphone does; both are said wherever a norm is shown.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import Cried, Episode
from harken.evidence import Norm, norms
from harken.insight.estimate import Estimate, mean_by_day, t_of, unknown
from harken.insight.record import Day, Record
from harken.insight.stretches import Stretch, amounts, gaps, joined

NORMS = (
    "cry_fuss_min_per_day",
    "cry_min_per_day",
    "bouts_per_hour",
    "min_per_hour",
    "pct_modified_wessel_colic",
)
"""The published measures that stand beside these, one after the other."""

DIARY = (
    "Diaries and sound are not the same quantity: a parent’s diary counts fussing and short "
    "pauses too, and gives more minutes than a microphone for the same day."
)
"""What must be said wherever a published figure of crying is shown."""

LONG_SPELL_S = 300.0
"""How much crying makes an episode a long spell, as some published figures count them [s]."""

NEARLY = 0.99
"""Share of a day that must have been heard for its longest calm, or its pair, to count."""

_THREE_H_S = 3 * 3600.0
_LISTENED = 0.2
"""Least share of the days in which an hour of the day must have been heard to say how it was."""
_ONE_AGE_DAYS = 42
"""A longer record than this is of no one age: weeks are compared, not the whole."""
_HOURS = 24
_EVENING = 16


@dataclass(frozen=True, slots=True)
class CryingDay:
    """One day of the household, as far as it was heard.

    Parameters
    ----------
    date : date
        On which it begins.
    age_weeks : float or None [weeks]
        In its middle.
    crying_s : float, ≥ 0 [s]
        Crying that was heard; where bouts overlap it counts once.
    bouts, cries : int
        Bouts and episodes that began in it; one episode may hold several bouts.
    longest_cry_s : float, ≥ 0 [s]
        Longest bout that began in it.
    longest_calm_s : float or None [s]
        Longest stretch that was heard and calm throughout; a stretch that was
        not heard ends it. None where nothing was heard.
    heard_s, length_s : float [s]
        How much of it was listened to, and how long it is: 23, 24 or 25 hours.
    complete : bool
        Whether it is over and was heard throughout.
    """

    date: date
    age_weeks: float | None
    crying_s: float
    bouts: int
    cries: int
    longest_cry_s: float
    longest_calm_s: float | None
    heard_s: float
    length_s: float
    complete: bool


@dataclass(frozen=True, slots=True)
class CryingHour:
    """One hour of the day, over all days.

    Parameters
    ----------
    hour : int, 0 to 23
        By the clock on the wall.
    minutes : Estimate [min]
        Of crying, in an hour that is heard.
    bouts : Estimate
        That begin in an hour that is heard.
    heard_s : float [s]
        Listened to in all.
    """

    hour: int
    minutes: Estimate
    bouts: Estimate
    heard_s: float


@dataclass(frozen=True, slots=True)
class CryingWeek:
    """A week of age, or seven days from the first one where the birth is not known.

    Parameters
    ----------
    week : int
        Whole weeks of age, or weeks since the record began.
    age_weeks : float or None [weeks]
        In its middle.
    since, until : date
        First and last day of it that the record holds.
    minutes_a_day, bouts_a_day, longest_calm : Estimate
        As in `Crying`.
    days, whole_days : int
        That the record holds, and that were heard throughout.
    """

    week: int
    age_weeks: float | None
    since: date
    until: date
    minutes_a_day: Estimate
    bouts_a_day: Estimate
    longest_calm: Estimate
    days: int
    whole_days: int


@dataclass(frozen=True, slots=True)
class Threes:
    """The rule of threes, counted: a fact about the record, and no diagnosis.

    Parameters
    ----------
    days_over : int
        Days with at least three hours of crying that was heard.
    days_unknown : int
        Days that may have had three hours, for all that was heard of them.
    days : int
    weeks : int
        Longest run of weeks, one after the other, each with three such days.
    modified : bool or None
        Whether any seven days hold three such days. None: it cannot be known,
        for hours that were not heard or because the record is too short.
    wessel : bool or None
        Whether three weeks in a row hold three such days each.
    says : str
        The same in a sentence.
    """

    days_over: int
    days_unknown: int
    days: int
    weeks: int
    modified: bool | None
    wessel: bool | None
    says: str


@dataclass(frozen=True, slots=True)
class Crying:
    """How much and how often, over a record.

    Parameters
    ----------
    age_weeks : float or None [weeks]
        In the middle of the days that were heard.
    corrected : bool
        Whether ages are counted from the day on which birth was expected.
    minutes_a_day : Estimate [min/day]
        Of crying. Each hour of the day counts by what was heard of it, so that
        a room which is listened to at night more than by day does not bend the
        sum. Not known where some hour of the day was hardly ever heard.
    minutes_heard : Estimate [min/day]
        The same over the `heard_hours` hours of the day that were heard.
    bouts_a_day, bouts_heard : Estimate [bouts/day]
        How often, in the same way.
    cries_a_day : Estimate [cries/day]
        Episodes, which is what a diary would count: bouts less than a minute
        apart are one.
    long_spells : Estimate [min/day]
        Only crying in episodes with five minutes of it or more, as in some of
        the published figures.
    longest_calm : Estimate [h]
        Of a day, over days of which no more than a hundredth was not heard.
    evening : Estimate
        Share of the crying between 16 and 24 o'clock.
    heard_hours : int, 0 to 24
        Hours of the day that were heard on a fifth of the days at least.
    hours : tuple of CryingHour
        24 of them.
    weeks : tuple of CryingWeek
    days : tuple of CryingDay
    norms : tuple of Norm
        For `age_weeks`; empty where the record spans more than six weeks, which
        are of no one age, or the age is not known.
    threes : Threes
    fuss : None
        The detector tells cries only, so there is no figure of crying and fussing.
    says : tuple of str
        What to print beside the figures.
    """

    age_weeks: float | None
    corrected: bool
    minutes_a_day: Estimate
    minutes_heard: Estimate
    bouts_a_day: Estimate
    bouts_heard: Estimate
    cries_a_day: Estimate
    long_spells: Estimate
    longest_calm: Estimate
    evening: Estimate
    heard_hours: int
    hours: tuple[CryingHour, ...]
    weeks: tuple[CryingWeek, ...]
    days: tuple[CryingDay, ...]
    norms: tuple[Norm, ...]
    threes: Threes
    fuss: None
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
        for one in found["weeks"]:
            one["since"], one["until"] = one["since"].isoformat(), one["until"].isoformat()
        found["norms"] = [one.as_dict() for one in self.norms]
        for name in ("hours", "weeks", "days", "says"):
            found[name] = list(found[name])
        return found


def crying(record: Record, *, corrected: bool = False) -> Crying:
    """Measure crying a day: minutes, bouts, calm, and when.

    Parameters
    ----------
    record : Record
    corrected : bool
        Count ages from the day on which birth was expected, for an infant that
        was born before 37 weeks; of others ages stay as they are.

    Returns
    -------
    Crying
        Drills, false alarms and cries that have not proved long enough are left
        out; a cry that goes on counts as far as it was heard.

    Source
    ------
    The sum over the hours of the day is of ratio estimates, with the error by the
    jackknife over days (W. G. Cochran, *Sampling Techniques*, 3rd ed. 1977, section
    6.17), and Student's t on the scale of the logarithm.


    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     crying(Record.of(journal)).minutes_a_day.value is None
    True
    >>> folder.cleanup()
    """
    heard = _Heard(record)
    ages = [_age(record, one, corrected) for one in heard.days]
    days = tuple(heard.day(place, ages[place]) for place in range(len(heard.days)))
    every = np.arange(len(days))
    minutes_heard, minutes_a_day = heard.a_day(heard.crying, every, 60, "min/day")
    bouts_heard, bouts_a_day = heard.a_day(heard.bouts, every, 3600, "bouts/day")
    _, cries_a_day = heard.a_day(heard.cries, every, 3600, "cries/day")
    _, long_spells = heard.a_day(heard.long_spells, every, 60, "min/day")
    known = [(age, one.heard_s) for age, one in zip(ages, days, strict=True) if age is not None]
    weight = sum(one for _, one in known)
    age = sum(one * much for one, much in known) / weight if weight else None
    is_corrected = corrected and record.early
    beside: tuple[Norm, ...] = ()
    if age is not None and age >= 0 and len(days) <= _ONE_AGE_DAYS:
        beside = tuple(one for name in NORMS for one in norms(name, age))
    threes = count_threes(days)
    return Crying(
        age_weeks=age,
        corrected=is_corrected,
        minutes_a_day=minutes_a_day,
        minutes_heard=minutes_heard,
        bouts_a_day=bouts_a_day,
        bouts_heard=bouts_heard,
        cries_a_day=cries_a_day,
        long_spells=long_spells,
        longest_calm=_longest_calm(days),
        evening=heard.evening(),
        heard_hours=int(heard.listened(every).sum()),
        hours=heard.hours(),
        weeks=_weeks(heard, days),
        days=days,
        norms=beside,
        threes=threes,
        fuss=None,
        says=_says(days, corrected, is_corrected, record),
    )


def count_threes(days: Sequence[CryingDay]) -> Threes:
    """Count the rule of threes: three hours a day, on three days of a week, in three weeks.

    Parameters
    ----------
    days : sequence of CryingDay
        One after the other.

    Returns
    -------
    Threes
        A week is any seven days. It holds for certain, or for certain it does
        not, or it cannot be known; a day of which hours were not heard may have
        had three hours of crying.

    Source
    ------
    M. A. Wessel and others (1954), Pediatrics 14, 421–435; the modified form asks
    for one week. Both were made for diaries, which count fussing too.

    Examples
    --------
    >>> count_threes([]).wessel is None
    True
    """
    sure = [one.crying_s >= _THREE_H_S for one in days]
    maybe = [one.crying_s + one.length_s - one.heard_s >= _THREE_H_S for one in days]
    certain, possible = _longest_run(sure), _longest_run(maybe)

    def met(weeks: int) -> bool | None:
        if certain >= weeks:
            return True
        return False if possible < weeks and len(days) >= 7 * weeks else None

    modified, wessel = met(1), met(3)
    over, unsure = sum(sure), sum(maybe) - sum(sure)
    said = {True: "yes", False: "no", None: "cannot be told from this record"}
    first = f"At least 3 hours of crying were heard on {over} of {len(days)} days"
    if len(days) == 1:
        first = "At least 3 hours of crying were heard on the day: " + (
            "it cannot be known, for hours that were not heard" if unsure else said[bool(over)]
        )
    elif unsure:
        first += f"; on {unsure} more it cannot be known, for hours that were not heard"
    parts = [
        first,
        f"Three such days within a week: {said[modified]}",
        f"In each of three weeks in a row: {said[wessel]}",
        "That is a count, by a rule made for diaries that hold fussing too, and not a diagnosis",
    ]
    return Threes(over, unsure, len(days), certain, modified, wessel, ". ".join(parts) + ".")


def cries(record: Record) -> list[Episode]:
    """Give the episodes whose crying counts: those that count, and those that go on.

    Parameters
    ----------
    record : Record

    Returns
    -------
    list of Episode
        Without drills, false alarms, and cries that have not proved long enough.
    """
    return [
        one
        for one in record.episodes
        if not (one.drill or one.false_alarm or (one.open and one.provisional))
    ]


def _heard_until(bout: Cried, record: Record) -> datetime:
    """Give until when a bout is known to have gone on; an open one goes on now."""
    return max(bout.heard_until, record.now) if bout.end == "open" else bout.heard_until


class _Heard:
    """The record cut up by day and hour of the day: what was heard, and what was heard to cry.

    Attributes
    ----------
    days : list of Day
    crying, long_spells, heard : float64[days, 24] [s]
    bouts, cries : float64[days, 24]
        That began.
    """

    def __init__(self, record: Record) -> None:
        self.days: list[Day] = list(record.days())
        end = min(record.until, record.now).timestamp()
        begin = record.since.timestamp()
        self._bounds = [(one.since.timestamp(), one.until.timestamp()) for one in self.days]
        deaf = [
            (span.since.timestamp(), span.until.timestamp())
            for one in self.days
            for span in one.unheard
        ]
        if self._bounds:
            deaf += [(self._bounds[0][0], begin), (end, self._bounds[-1][1])]
        counted = cries(record)
        kept = [
            [
                (bout.onset.timestamp(), _heard_until(bout, record).timestamp())
                for bout in one.bouts
                if bout.kept
            ]
            for one in counted
        ]
        self._bouts = sorted(bout for one in kept for bout in one)
        self._cried = joined(self._bouts)
        long_ones = joined(
            bout
            for one, bouts in zip(counted, kept, strict=True)
            if one.crying_s >= LONG_SPELL_S
            for bout in bouts
        )
        # Crying that was heard was listened to, whatever else is noted.
        self._deaf = _without(joined(deaf), self._cried)
        self._busy = joined([*self._deaf, *self._cried])

        begins, ends, places, hours = _cells(record, self.days)
        shape = len(self.days), _HOURS

        def table(values: NDArray[np.float64]) -> NDArray[np.float64]:
            found = np.zeros(shape)
            np.add.at(found, (places, hours), values)
            return found

        self._length = table(ends - begins)
        self.crying = table(amounts(self._cried, begins, ends))
        self.long_spells = table(amounts(long_ones, begins, ends))
        self.heard = table(ends - begins - amounts(self._deaf, begins, ends))
        self.bouts = table(_onsets([begin for begin, _ in self._bouts], begins, ends))
        onsets = sorted(one.onset.timestamp() for one in counted)
        self.cries = table(_onsets(onsets, begins, ends))
        self._longest = self._longest_bouts()
        self._calm = self._longest_calms()

    def _longest_bouts(self) -> list[float]:
        onsets = [begin for begin, _ in self._bouts]
        found = []
        for begin, end in self._bounds:
            first, last = bisect_left(onsets, begin), bisect_left(onsets, end)
            found.append(max((b - a for a, b in self._bouts[first:last]), default=0.0))
        return found

    def _longest_calms(self) -> list[float]:
        ends = [end for _, end in self._busy]
        found = []
        for begin, end in self._bounds:
            first = bisect_left(ends, begin)
            last = bisect_left(ends, end) + 1
            free = gaps(self._busy[first:last], begin, end)
            found.append(max((b - a for a, b in free), default=0.0))
        return found

    def day(self, place: int, age: float | None) -> CryingDay:
        one, heard_s = self.days[place], float(self.heard[place].sum())
        begin, end = self._bounds[place]
        return CryingDay(
            date=one.date,
            age_weeks=age,
            crying_s=round(float(self.crying[place].sum()), 3),
            bouts=int(self.bouts[place].sum()),
            cries=int(self.cries[place].sum()),
            longest_cry_s=round(self._longest[place], 3),
            longest_calm_s=round(self._calm[place], 3) if heard_s > 0 else None,
            heard_s=round(heard_s, 3),
            length_s=end - begin,
            complete=one.complete,
        )

    def listened(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which hours of the day were heard often enough to tell how they are."""
        heard = self.heard[places]
        days = int((heard.sum(axis=1) > 0).sum())
        return np.asarray(heard.sum(axis=0) >= max(1.0, _LISTENED * 3600 * days))

    def _whole_day(self, places: NDArray[np.int64]) -> bool:
        """Say whether each hour was heard that there is: a spring night may have no hour 2."""
        there = self._length[places].sum(axis=0) > 0
        return bool(there.any() and self.listened(places)[there].all())

    def a_day(
        self, table: NDArray[np.float64], places: NDArray[np.int64], scale: float, unit: str
    ) -> tuple[Estimate, Estimate]:
        """Sum the rates over the hours of the day that were heard, and over all 24 if they were."""
        listened = self.listened(places)
        used = self.heard[places].sum(axis=1) > 0
        events, heard = table[places][used], self.heard[places][used]
        value, without = _ratio_sum(events[:, listened], heard[:, listened], scale)
        hours, whole_day = int(listened.sum()), self._whole_day(places)
        how = "by hour of the day, jackknife over days"
        if not whole_day:
            how = f"over the {hours} hours of the day that were heard; jackknife over days"
        part = _estimate(value, without, unit, how) if hours else unknown(0, unit=unit, how=how)
        whole = part if whole_day else unknown(len(without), unit=unit, how=how)
        return part, whole

    def evening(self) -> Estimate:
        every = np.arange(len(self.days))
        how = "share of the minutes a day, jackknife over days"
        if not self._whole_day(every):
            return unknown(len(self.days), unit="share", how=how)
        used = self.heard.sum(axis=1) > 0
        events, heard = self.crying[used], self.heard[used]
        total, without = _ratio_sum(events, heard, 60)
        if total <= 0:
            return unknown(len(without), unit="share", how=how)
        late, late_without = _ratio_sum(events[:, _EVENING:], heard[:, _EVENING:], 60)
        shares = late_without / np.maximum(without, 1e-9)
        return _estimate(late / total, shares, "share", how, share=True)

    def hours(self) -> tuple[CryingHour, ...]:
        listened = self.listened(np.arange(len(self.days)))

        def rate(table: NDArray[np.float64], hour: int, scale: float, unit: str) -> Estimate:
            used = self.heard[:, hour] > 0
            if not listened[hour]:
                return unknown(int(used.sum()), unit=unit)
            column = slice(hour, hour + 1)
            value, without = _ratio_sum(table[used, column], self.heard[used, column], scale)
            return _estimate(value, without, unit, "per hour that was heard, jackknife over days")

        return tuple(
            CryingHour(
                hour,
                rate(self.crying, hour, 60, "min"),
                rate(self.bouts, hour, 3600, "bouts"),
                float(self.heard[:, hour].sum()),
            )
            for hour in range(_HOURS)
        )


def _onsets(
    onsets: Sequence[float], begins: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Count the onsets, which are in order, in each window."""
    known = np.asarray(onsets, np.float64)
    return (np.searchsorted(known, ends) - np.searchsorted(known, begins)).astype(np.float64)


def _ratio_sum(
    events: NDArray[np.float64], heard: NDArray[np.float64], scale: float
) -> tuple[float, NDArray[np.float64]]:
    """Sum the rates over the columns, and give what the sum would be without each day (row)."""
    # An hour of crying in an hour is 60 minutes; a bout a second is 3600 an hour.
    value = float((events.sum(axis=0) / np.maximum(heard.sum(axis=0), 1e-9)).sum() * scale)
    rest = heard.sum(axis=0) - heard
    rates = (events.sum(axis=0) - events) / np.maximum(rest, 1e-9)
    # An hour of the day that was heard on this day only has no rate without it: it keeps its own.
    alone = rest <= 1e-6
    rates[alone] = np.broadcast_to(events.sum(axis=0), rates.shape)[alone] / np.maximum(
        np.broadcast_to(heard.sum(axis=0), rates.shape)[alone], 1e-9
    )
    return value, rates.sum(axis=1) * scale


def _estimate(
    value: float, without: NDArray[np.float64], unit: str, how: str, *, share: bool = False
) -> Estimate:
    """Give an interval from what the value would be without each day."""
    n = len(without)
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())) if n > 1 else 0.0
    if error <= 1e-9 or value <= 0 or (share and value >= 1):
        # Days that are all alike, or a single one, say nothing of how days differ.
        return Estimate(value, None, None, n, unit=unit, how=how)
    # Days are skewed: a few are very bad. On the scale of the logarithm the interval holds.
    slope = value * (1 - value) if share else value
    half = t_of(0.95, n - 1) * error / slope
    low, high = (_moved(value, by, share=share) for by in (-half, half))
    return Estimate(value, low, high, n, unit=unit, how=how)


def _moved(value: float, by: float, *, share: bool) -> float:
    """Move a value on the scale of its logarithm, or of its log odds."""
    if not share:
        return value * math.exp(min(by, 700.0))
    odds = math.log(value / (1 - value)) + by
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, odds))))


def _cells(
    record: Record, days: Sequence[Day]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut the days where the clock on the wall strikes: begins, ends, place of the day, hour."""
    rows: list[tuple[float, float, int, int]] = []
    for place, day in enumerate(days):
        at, end = day.since.timestamp(), day.until.timestamp()
        local = record.local(day.since)
        steady = local.utcoffset() == record.local(day.until).utcoffset()
        moment = day.since
        while at < end:
            into = local.minute * 60 + local.second + local.microsecond / 1e6
            after = min(end, at + 3600 - into)
            rows.append((at, after, place, local.hour))
            step = timedelta(seconds=after - at)
            moment, at = moment + step, after
            # Only where the clocks change must the zone be asked again each hour.
            local = local + step if steady else record.local(moment)
    table = np.asarray(rows, np.float64).reshape(-1, 4)
    return (
        table[:, 0],
        table[:, 1],
        table[:, 2].astype(np.int64),
        table[:, 3].astype(np.int64),
    )


def _without(stretches: Sequence[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """Take joined stretches away from joined stretches."""
    ends = [end for _, end in others]
    found = []
    for begin, end in stretches:
        first = bisect_left(ends, begin)
        last = bisect_left(ends, end) + 1
        found += gaps(others[first:last], begin, end)
    return found


def _longest_calm(days: Sequence[CryingDay]) -> Estimate:
    return mean_by_day(
        [
            one.longest_calm_s / 3600
            for one in days
            if one.heard_s >= NEARLY * one.length_s and one.longest_calm_s is not None
        ],
        unit="h",
    )


def _weeks(heard: _Heard, days: Sequence[CryingDay]) -> tuple[CryingWeek, ...]:
    def week(place: int) -> int:
        age = days[place].age_weeks
        return place // 7 if age is None else int(age // 1)

    found = []
    for number, group in groupby(range(len(days)), week):
        places = list(group)
        there = [days[place] for place in places]
        ages = [one.age_weeks for one in there if one.age_weeks is not None]
        which = np.asarray(places)
        _, minutes = heard.a_day(heard.crying, which, 60, "min/day")
        _, bouts = heard.a_day(heard.bouts, which, 3600, "bouts/day")
        found.append(
            CryingWeek(
                week=number,
                age_weeks=sum(ages) / len(ages) if ages else None,
                since=there[0].date,
                until=there[-1].date,
                minutes_a_day=minutes,
                bouts_a_day=bouts,
                longest_calm=_longest_calm(there),
                days=len(there),
                whole_days=sum(one.complete for one in there),
            )
        )
    return tuple(found)


def _longest_run(over: Sequence[bool]) -> int:
    """Give how many weeks in a row, from any day on, can each hold three such days."""
    total = np.concatenate([[0], np.cumsum(over)]).tolist()
    n, best = len(over), 0
    for start in range(-6, n):
        weeks = 0
        while start + 7 * weeks < n:
            first = max(0, start + 7 * weeks)
            if total[min(n, start + 7 * weeks + 7)] - total[first] < 3:
                break
            weeks += 1
        best = max(best, weeks)
    return best


def _age(record: Record, day: Day, corrected: bool) -> float | None:
    return record.age_weeks(day.since + (day.until - day.since) / 2, corrected=corrected)


def _unheard(days: int, deaf: int, part: int) -> str:
    """Say how many days were not heard, or not to their end; one at least."""
    if days == 1:
        return f"The day was {'not heard at all' if deaf else 'heard in part'}."
    were = "was" if (deaf or part) == 1 else "were"
    if not deaf:
        return f"Of {days} days {part} {were} heard in part."
    rest = f" and {part} in part" if part else ""
    return f"Of {days} days {deaf} {were} not heard at all{rest}."


def _says(
    days: Sequence[CryingDay], wanted: bool, is_corrected: bool, record: Record
) -> tuple[str, ...]:
    says = ["Harken hears cries and not fussing, so this is crying alone.", DIARY]
    deaf = sum(one.heard_s <= 0 for one in days)
    part = sum(not one.complete and one.heard_s > 0 for one in days)
    if deaf or part:
        says.append(f"{_unheard(len(days), deaf, part)} What was not heard is not counted as calm.")
    if is_corrected:
        says.append("Ages are counted from the day on which birth was expected.")
    elif record.born is None:
        says.append("The age is not known: no day of birth was entered.")
    elif wanted:
        says.append(
            "Ages are counted from birth: "
            + (
                "the day on which birth was expected is not known."
                if record.due is None
                else "the birth was not before 37 weeks."
            )
        )
    says.append(
        "How often and how long are two things. The groups that were studied differ in how long "
        "infants cry, and little in how often."
    )
    return tuple(says)
