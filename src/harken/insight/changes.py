"""Plans and changes: the nights before and after, side by side, with how little they can show."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from harken.episodes import Episode, Outcome
from harken.errors import ParameterError
from harken.insight.consistent import nights_of
from harken.insight.estimate import Estimate, mean_by_day, share_by_day, t_of, unknown
from harken.insight.record import Change, Record, Span
from harken.insight.survival import kaplan_meier

NIGHTS = 7
"""Nights on either side of a change that are compared, unless another number is given."""

_HEARD = 0.99
"""A night counts where this share of it was heard."""


@dataclass(frozen=True, slots=True)
class Night:
    """A night, named after the day on whose evening it begins.

    Parameters
    ----------
    date : date
    since, until : datetime
    heard_share : float, 0 to 1
        How much of it the room was listened to.
    counts : bool
        Whether it is compared: it is over, and was heard.
    cries : int
        Episodes that began in it.
    crying_s : float [s]
        Crying within it, as far as it was heard.
    longest_cry_s : float [s]
        Most crying of one of its episodes.
    answered, soothed, settled_alone, stopped_unanswered : int
        Of its episodes.
    median_s : float or None [s]
        Of the waits for an answer; None where too many of them ended unanswered.
    """

    date: date
    since: datetime
    until: datetime
    heard_share: float
    counts: bool
    cries: int
    crying_s: float
    longest_cry_s: float
    answered: int
    soothed: int
    settled_alone: int
    stopped_unanswered: int
    median_s: float | None


@dataclass(frozen=True, slots=True)
class Side:
    """The nights on one side of a change.

    Parameters
    ----------
    nights : tuple of Night
        In order; those that do not count are among them, to be shown as gaps.
    n : int
        Nights that count.
    crying : Estimate [min/night]
    cries : Estimate [cries/night]
    answered : Estimate
        Share of the cries.
    wait : Estimate [s]
        Median wait for an answer.
    stopped_unanswered, settled_alone, soothed : int
        Cries, in the nights that count.
    """

    nights: tuple[Night, ...]
    n: int
    crying: Estimate
    cries: Estimate
    answered: Estimate
    wait: Estimate
    stopped_unanswered: int
    settled_alone: int
    soothed: int


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Nights before and after a change.

    Parameters
    ----------
    change : Change
    before, after : Side
    crying, cries : Estimate [min/night, cries/night]
        After less before: below 0 where there was less of it. Not known with
        fewer than two nights on a side.
    left_out : date or None
        The night in the middle of which the change came; it is on neither side.
    says : tuple of str
        What to print beside the figures.
    """

    change: Change
    before: Side
    after: Side
    crying: Estimate
    cries: Estimate
    left_out: date | None
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name; dates and times as ISO 8601.
        """
        found = asdict(self)
        found["change"]["at"] = self.change.at.isoformat()
        found["left_out"] = None if self.left_out is None else self.left_out.isoformat()
        found["says"] = list(self.says)
        for name in ("before", "after"):
            found[name]["nights"] = [
                {
                    key: one.isoformat() if isinstance(one, date) else one
                    for key, one in night.items()
                }
                for night in found[name]["nights"]
            ]
        return found


def changes(record: Record, *, nights: int = NIGHTS) -> tuple[BeforeAfter, ...]:
    """Put the nights before and after each change side by side.

    Parameters
    ----------
    record : Record
    nights : int, 1 to 60
        At most so many on either side; fewer where another change lies nearer.

    Returns
    -------
    tuple of BeforeAfter
        One a change within the record, in order. It compares; what the change
        brought about and what came by itself, a growing child above all, the
        nights of one household cannot tell apart.

    Raises
    ------
    ParameterError
        If `nights` is out of range.

    Source
    ------
    The interval of a difference is B. L. Welch's (1947), Biometrika 34, 28–35.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     changes(Record.of(journal))
    ()
    >>> folder.cleanup()
    """
    if not 1 <= nights <= 60:
        raise ParameterError(f"nights={nights} must be from 1 to 60")
    inside = [one for one in record.changes if one.at >= record.since]
    if not inside:
        return ()
    spans = nights_of(record)
    made: dict[date, tuple[Night, list[Episode]]] = {}
    found = []
    for change in inside:
        earlier = [one.at for one in record.changes if one.at < change.at]
        later = [one.at for one in record.changes if one.at > change.at]
        floor = max(earlier, default=record.since)
        ceiling = min(later, default=record.until)
        before = [one for one in spans if one[1].until <= change.at and one[1].since >= floor]
        after = [one for one in spans if one[1].since >= change.at and one[1].until <= ceiling]
        middle = [day for day, span in spans if span.since < change.at < span.until]
        before, after = before[-nights:], after[:nights]
        for day, span in (*before, *after):
            if day not in made:
                made[day] = _night(record, day, span)
        sides = [_side([made[day] for day, _ in those]) for those in (before, after)]
        found.append(_compare(change, sides[0], sides[1], middle[0] if middle else None))
    return tuple(found)


def _night(record: Record, day: date, span: Span) -> tuple[Night, list[Episode]]:
    end = min(record.until, record.now)
    heard = min(1.0, record.heard_s(span.since, span.until) / span.seconds)
    # A cry that began before the night may reach into it.
    near = record.between(span.since - timedelta(days=1), span.until)
    cried = [
        (max(bout.onset, span.since), min(bout.heard_until, span.until))
        for one in near.episodes
        if not (one.drill or one.false_alarm)
        for bout in one.bouts
        if bout.kept and bout.heard_until > span.since and bout.onset < span.until
    ]
    total, until = 0.0, span.since
    for begin, stop in sorted(cried):
        total += max(0.0, (stop - max(begin, until)).total_seconds())
        until = max(until, stop)
    those = [one for one in near.counted if one.onset >= span.since]
    ends = [one.outcome for one in those]
    return (
        Night(
            date=day,
            since=span.since,
            until=span.until,
            heard_share=heard,
            counts=heard >= _HEARD and span.until <= end,
            cries=len(those),
            crying_s=total,
            longest_cry_s=max((one.crying_s for one in those), default=0.0),
            answered=sum(one.answered for one in those),
            soothed=ends.count(Outcome.SOOTHED),
            settled_alone=ends.count(Outcome.SETTLED_ALONE),
            stopped_unanswered=ends.count(Outcome.STOPPED_UNANSWERED),
            median_s=_wait(those).value,
        ),
        those,
    )


def _wait(those: Sequence[Episode]) -> Estimate:
    return kaplan_meier(
        [(one.latency_s if one.latency_s is not None else one.censored_s) or 0.0 for one in those],
        [one.answered for one in those],
    ).quantile()


def _side(those: Sequence[tuple[Night, list[Episode]]]) -> Side:
    counted = [night for night, _ in those if night.counts]
    return Side(
        nights=tuple(night for night, _ in those),
        n=len(counted),
        crying=mean_by_day([one.crying_s / 60 for one in counted], unit="min/night"),
        cries=mean_by_day([one.cries for one in counted], unit="cries/night"),
        answered=share_by_day((one.answered, one.cries) for one in counted),
        wait=_wait([one for night, some in those if night.counts for one in some]),
        stopped_unanswered=sum(one.stopped_unanswered for one in counted),
        settled_alone=sum(one.settled_alone for one in counted),
        soothed=sum(one.soothed for one in counted),
    )


def _compare(change: Change, before: Side, after: Side, middle: date | None) -> BeforeAfter:
    minutes, counts = (
        difference(
            [value(one) for one in before.nights if one.counts],
            [value(one) for one in after.nights if one.counts],
            unit=unit,
        )
        for value, unit in (
            (lambda one: one.crying_s / 60, "min/night"),
            (lambda one: float(one.cries), "cries/night"),
        )
    )
    return BeforeAfter(
        change, before, after, minutes, counts, middle, _says(before, after, minutes)
    )


def difference(
    before: Sequence[float], after: Sequence[float], *, unit: str = "", level: float = 0.95
) -> Estimate:
    """Give by how much the mean differs, after less before, with Welch's interval.

    Parameters
    ----------
    before, after : sequence of float
        One number a night.
    unit : str
    level : float, above 0, below 1

    Returns
    -------
    Estimate
        Its n is the number of nights of both; not known with fewer than two on a
        side, and without an interval where all of them are alike.

    Examples
    --------
    >>> str(difference([60, 70, 80], [30, 40, 20], unit="min/night"))
    '-40 min/night (-63 to -17, n = 6)'
    >>> str(difference([60], [30, 40], unit="min/night"))
    'not known (n = 3)'
    """
    n = len(before) + len(after)
    how = "difference of means, Welch"
    if min(len(before), len(after)) < 2:
        return unknown(n, unit=unit, how=how)
    means = [math.fsum(those) / len(those) for those in (before, after)]
    errors = [
        math.fsum((one - mean) ** 2 for one in those) / (len(those) - 1) / len(those)
        for those, mean in zip((before, after), means, strict=True)
    ]
    value = means[1] - means[0]
    error = sum(errors)
    if error <= 0:
        return Estimate(value, None, None, n, unit=unit, level=level, how=how)
    freedom = error**2 / sum(
        one**2 / (len(those) - 1) for one, those in zip(errors, (before, after), strict=True)
    )
    # Whole degrees of freedom, rounded down: the interval is a little wider, never narrower.
    half = t_of(level, max(1, math.floor(freedom + 1e-9))) * math.sqrt(error)
    return Estimate(value, value - half, value + half, n, unit=unit, level=level, how=how)


def _says(before: Side, after: Side, minutes: Estimate) -> tuple[str, ...]:
    nights = f"{_count(before.n, 'night')} before and {after.n} after"
    says = []
    if minutes.value is None:
        says.append(f"{nights}: too few to say whether anything differs.")
    elif minutes.low is None or minutes.high is None or minutes.low <= 0 <= minutes.high:
        says.append(f"{nights} are few: the difference may well be chance.")
    else:
        more = "more" if minutes.value > 0 else "less"
        says.append(
            f"{nights}: there was {more} crying after. So few nights can mislead, and a child "
            "changes with every week by itself: they do not show what brought it about."
        )
    if before.stopped_unanswered or after.stopped_unanswered:
        says.append(
            f"Stopped without an answer: {before.stopped_unanswered} before, "
            f"{after.stopped_unanswered} after. A cry that stopped is not a cry that was "
            "answered, and less crying of that kind is no success."
        )
    gone = [len(side.nights) - side.n for side in (before, after)]
    if any(gone):
        says.append(
            f"{_count(sum(gone), 'night')} not listened to all the time or not over: left out."
        )
    return tuple(says)


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
