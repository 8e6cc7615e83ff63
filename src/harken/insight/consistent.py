"""Consistent: the share of cries that was answered, and whether it is the same at all times."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import Outcome
from harken.insight.estimate import Estimate, share, share_by_day, t_of, unknown
from harken.insight.record import Record, Span
from harken.insight.swift import Sources, Wait, sources_of, waits


@dataclass(frozen=True, slots=True)
class HourShare:
    """Cries that began in an hour of the day, and the share that was answered.

    Parameters
    ----------
    hour : int, 0 to 23
    n : int
    answered : Estimate
    """

    hour: int
    n: int
    answered: Estimate


@dataclass(frozen=True, slots=True)
class NightShare:
    """A night, named after the day on whose evening it begins.

    Parameters
    ----------
    date : date
    n : int
        Cries that began in it.
    answered : Estimate
    unanswered : int
        Cries of which nobody knows that they were answered.
    heard_share : float, 0 to 1
        How much of it the room was listened to.
    """

    date: date
    n: int
    answered: Estimate
    unanswered: int
    heard_share: float


@dataclass(frozen=True, slots=True)
class CaregiverShare:
    """Who gave the first answers; in the order of names, which ranks nobody.

    Parameters
    ----------
    caregiver : str or None
        Id; None where nobody said who.
    name : str
    answered : int
        Cries that they answered first.
    share : Estimate
        Of all that were answered.
    """

    caregiver: str | None
    name: str
    answered: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class LongCry:
    """The longest of its kind.

    Parameters
    ----------
    episode : str
        Id.
    onset : datetime
    seconds : float [s]
        How long it is known to have waited.
    outcome : str
        One of `Outcome`.
    """

    episode: str
    onset: datetime
    seconds: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Consistent:
    """Whether cries were answered, and how evenly.

    Parameters
    ----------
    n : int
        Episodes that count.
    answered : Estimate
        Share that somebody answered while it cried.
    answered_inferred : Estimate
        The same with the voices counted that Harken only heard.
    inferred : bool
        Which of the two the rest is made from.
    sources : Sources
        Tapped, confirmed, sensed and inferred answers.
    late : int
        Unanswered cries to which somebody came after the crying had ended.
    soothed, settled_alone, stopped_unanswered : int
        How they ended, by what people vouch for.
    hours : tuple of HourShare
        24 of them.
    nights : tuple of NightShare
        All nights that have begun, those without a cry too.
    caregivers : tuple of CaregiverShare
        Empty unless asked for.
    uneven_hours, uneven_nights : Estimate
        By how much the share differs from hour to hour and from night to night
        beyond chance (a standard deviation); 0: no more than chance does.
    longest_unanswered : LongCry or None
        The longest cry that nobody answered.
    longest_wait : LongCry or None
        The longest wait that ended with an answer.
    says : tuple of str
        What to print beside the figures.
    """

    n: int
    answered: Estimate
    answered_inferred: Estimate
    inferred: bool
    sources: Sources
    late: int
    soothed: int
    settled_alone: int
    stopped_unanswered: int
    hours: tuple[HourShare, ...]
    nights: tuple[NightShare, ...]
    caregivers: tuple[CaregiverShare, ...]
    uneven_hours: Estimate
    uneven_nights: Estimate
    longest_unanswered: LongCry | None
    longest_wait: LongCry | None
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name; dates and times as ISO 8601.
        """
        found = asdict(self)
        for night in found["nights"]:
            night["date"] = night["date"].isoformat()
        for name in ("longest_unanswered", "longest_wait"):
            if found[name] is not None:
                found[name]["onset"] = found[name]["onset"].isoformat()
        for name in ("hours", "nights", "caregivers", "says"):
            found[name] = list(found[name])
        return found


def consistent(record: Record, *, inferred: bool = False, caregivers: bool = False) -> Consistent:
    """Measure whether cries were answered, and how evenly over hours, nights and people.

    Parameters
    ----------
    record : Record
    inferred : bool
        Count a voice that Harken only heard as an answer.
    caregivers : bool
        Say who answered; only where the household wants it.

    Returns
    -------
    Consistent
        Drills, false alarms and cries that go on are left out. A response after
        the crying had ended is no answer.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     str(consistent(Record.of(journal)).answered)
    'not known (n = 0)'
    >>> folder.cleanup()
    """
    plain, heard = waits(record), waits(record, inferred=True)
    counted = heard if inferred else plain
    hours = _hours(record, counted)
    nights = _nights(record, counted)
    unanswered = [one for one in counted if one.response is None]
    answered = [one for one in counted if one.response is not None]
    ends = [one.episode.outcome for one in plain]
    sources = sources_of(plain, heard)
    late = sum(one.response is None and any(r.late for r in one.episode.responses) for one in plain)
    stopped = ends.count(Outcome.STOPPED_UNANSWERED)
    return Consistent(
        n=len(counted),
        answered=_by_day(record, plain),
        answered_inferred=_by_day(record, heard),
        inferred=inferred,
        sources=sources,
        late=late,
        soothed=ends.count(Outcome.SOOTHED),
        settled_alone=ends.count(Outcome.SETTLED_ALONE),
        stopped_unanswered=stopped,
        hours=hours,
        nights=nights,
        caregivers=_caregivers(record, answered) if caregivers else (),
        uneven_hours=_beyond_chance([one.answered for one in hours]),
        uneven_nights=_beyond_chance([one.answered for one in nights]),
        longest_unanswered=_longest(unanswered),
        longest_wait=_longest(answered),
        says=_says(len(counted), sources.inferred, late, stopped, nights),
    )


def _by_day(record: Record, those: Sequence[Wait]) -> Estimate:
    days: dict[date, list[int]] = {}
    for one in those:
        count = days.setdefault(record.date_of(one.episode.onset), [0, 0])
        count[0] += one.response is not None
        count[1] += 1
    return share_by_day((k, n) for k, n in days.values())


def _hours(record: Record, those: Sequence[Wait]) -> tuple[HourShare, ...]:
    counts = [[0, 0] for _ in range(24)]
    for one in those:
        count = counts[record.local(one.episode.onset).hour]
        count[0] += one.response is not None
        count[1] += 1
    return tuple(HourShare(hour, n, share(k, n)) for hour, (k, n) in enumerate(counts))


def nights_of(record: Record) -> list[tuple[date, Span]]:
    """Give the nights of a record that have begun, in order.

    Parameters
    ----------
    record : Record

    Returns
    -------
    list of (date, Span)
        The date is that of the evening; the whole night, also where it goes on.
    """
    end = min(record.until, record.now)
    every = ((day.date, record.night_of(day.date)) for day in record.days())
    return [
        (day, night) for day, night in every if night.since < end and night.until > record.since
    ]


def _nights(record: Record, those: Sequence[Wait]) -> tuple[NightShare, ...]:
    found, place = [], 0
    for day, night in nights_of(record):
        while place < len(those) and those[place].episode.onset < night.since:
            place += 1
        k = n = 0
        while place < len(those) and those[place].episode.onset < night.until:
            k += those[place].response is not None
            n += 1
            place += 1
        heard = record.heard_s(night.since, night.until) / night.seconds
        found.append(NightShare(day, n, share(k, n), n - k, min(1.0, heard)))
    return tuple(found)


def _caregivers(record: Record, answered: Sequence[Wait]) -> tuple[CaregiverShare, ...]:
    counts: dict[str | None, int] = {}
    for one in answered:
        who = one.response.caregiver if one.response is not None else None
        counts[who] = counts.get(who, 0) + 1
    named = {who: record.caregivers.get(who, who) if who else "not said who" for who in counts}
    order = sorted(counts, key=lambda who: (who is None, named[who].casefold(), who or ""))
    return tuple(
        CaregiverShare(who, named[who], counts[who], share(counts[who], len(answered)))
        for who in order
    )


def _beyond_chance(groups: Sequence[Estimate]) -> Estimate:
    """Give the standard deviation of shares that chance does not explain, by moments."""
    how = "standard deviation beyond chance, jackknife over groups"
    known = np.array([(one.value, one.n) for one in groups if one.value is not None])
    n = len(known)
    if n < 4 or known[:, 1].sum() < 10:
        return unknown(n, unit="share", how=how)
    value = _excess(known)
    without = np.array([_excess(np.delete(known, place, axis=0)) for place in range(n)])
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    if value <= 0 or error <= 0:
        return Estimate(value, None, None, n, unit="share", how=how)
    half = t_of(0.95, n - 1) * error
    return Estimate(value, max(0.0, value - half), value + half, n, unit="share", how=how)


def _excess(groups: NDArray[np.float64]) -> float:
    """Give it for rows of a share and how many it is of."""
    values, counts = groups.T
    total = counts.sum()
    mean = float((values * counts).sum() / total)
    between = float((counts * (values - mean) ** 2).sum())
    freedom = len(groups) - 1
    scale = float(total - (counts**2).sum() / total)
    if scale <= freedom:
        return 0.0
    return math.sqrt(max(0.0, (between - freedom * mean * (1 - mean)) / (scale - freedom)))


def _longest(those: Sequence[Wait]) -> LongCry | None:
    if not those:
        return None
    one = max(those, key=lambda wait: wait.seconds)
    episode = one.episode
    return LongCry(episode.id, episode.onset, one.seconds, episode.outcome.value)


def _says(
    n: int, inferred: int, late: int, stopped: int, nights: Sequence[NightShare]
) -> tuple[str, ...]:
    if n == 0:
        return ("No cry has been counted in this time yet.",)
    says = []
    if stopped:
        cries = "1 cry" if stopped == 1 else f"{stopped} cries"
        says.append(
            f"{cries} stopped without an answer that anybody noted. That it stopped does not "
            "say that all was well."
        )
    if inferred:
        cries = "1 cry" if inferred == 1 else f"{inferred} cries"
        says.append(
            f"In {cries} Harken only heard a voice: somebody may have been there. "
            "Confirm it in the journal to let it count."
        )
    if late:
        cries = "1 cry" if late == 1 else f"{late} cries"
        says.append(f"To {cries} somebody came after the crying had ended.")
    unheard = sum(one.heard_share < 0.99 for one in nights)
    if unheard:
        says.append(
            (f"In {unheard} of {len(nights)} nights" if len(nights) > 1 else "In the night")
            + " the room was not listened to all the time: cries may be missing."
        )
    return tuple(says)
