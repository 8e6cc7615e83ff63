"""All measures of a stretch of time at once: what a page, a report and `harken insight` show."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from harken.errors import ParameterError
from harken.insight.around import Around
from harken.insight.care_totals import CareTotals, Since, care_totals
from harken.insight.carrying import Carrying, carrying
from harken.insight.changes import BeforeAfter, changes
from harken.insight.comprehensive import Comprehensive, comprehensive
from harken.insight.consistent import Consistent, consistent
from harken.insight.crying import Crying, crying
from harken.insight.helps import Helps, helps
from harken.insight.reasons import UsualReasons, usual_reasons
from harken.insight.record import Day, Record
from harken.insight.swift import By, Swift, swift


@dataclass(frozen=True, slots=True)
class Summary:
    """The measures of a record.

    Parameters
    ----------
    child : str or None
        Id; None: the whole household.
    name : str
    born, due : date or None
    since, until, now : datetime
    zone, day_starts : str
    corrected : bool
        Whether ages are asked for from the due date; it changes them only for a
        child born early.
    inferred : bool
        Whether voices that Harken only heard count as answers.
    days : tuple of Day
    swift, consistent, comprehensive, crying, carrying, care
        Of the stretch.
    helps, reasons, changes
        Of all that is known up to the end of the stretch: a week alone holds too little.
    around : tuple of Around
        What sensors gave around the cries of the stretch; empty without sensors.
    """

    child: str | None
    name: str
    born: date | None
    due: date | None
    since: datetime
    until: datetime
    now: datetime
    zone: str
    day_starts: str
    corrected: bool
    inferred: bool
    days: tuple[Day, ...]
    swift: Swift
    consistent: Consistent
    comprehensive: Comprehensive
    crying: Crying
    helps: Helps
    carrying: Carrying
    changes: tuple[BeforeAfter, ...]
    reasons: UsualReasons
    care: CareTotals
    around: tuple[Around, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Times as ISO 8601; the child's id, name and dates under ``child``.
        """
        return {
            "child": {
                "id": self.child,
                "name": self.name,
                "born": None if self.born is None else self.born.isoformat(),
                "due": None if self.due is None else self.due.isoformat(),
            },
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "now": self.now.isoformat(),
            "zone": self.zone,
            "day_starts": self.day_starts,
            "corrected": self.corrected,
            "inferred": self.inferred,
            "days": [one.as_dict() for one in self.days],
            "swift": self.swift.as_dict(),
            "consistent": self.consistent.as_dict(),
            "comprehensive": self.comprehensive.as_dict(),
            "crying": self.crying.as_dict(),
            "helps": self.helps.as_dict(),
            "carrying": self.carrying.as_dict(),
            "changes": [one.as_dict() for one in self.changes],
            "reasons": self.reasons.as_dict(),
            "care": self.care.as_dict(),
            "around": [one.as_dict() for one in self.around],
        }


def summary(
    record: Record,
    *,
    whole: Record | None = None,
    corrected: bool = False,
    inferred: bool = False,
    caregivers: bool = False,
    by: By | None = None,
    at: datetime | None = None,
    around: tuple[Around, ...] = (),
) -> Summary:
    """Work out every measure of a stretch of time.

    Parameters
    ----------
    record : Record
        The stretch.
    whole : Record, optional
        All that is known of the child; by default the stretch alone.
    corrected : bool
        Count ages from the due date, for a child born early.
    inferred : bool
        Count voices that Harken only heard as answers.
    caregivers : bool
        Say who answered; only where the household wants it.
    by : {'hour', 'week', 'caregiver'}, optional
        Give `swift` for parts too.
    at : datetime, optional
        For which moment to say what a cry usually was and what helps at that hour,
        so long after a feed and a sleep; by default the end of the stretch, or now
        where that comes first.
    around : tuple of Around
        As `around_series` gives them: sensors' numbers are not in a record.

    Returns
    -------
    Summary

    Raises
    ------
    ParameterError
        If `by` is ``"caregiver"`` and `caregivers` is not wanted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     summary(Record.of(journal)).swift.n
    0
    >>> folder.cleanup()
    """
    if by == "caregiver" and not caregivers:
        raise ParameterError(
            "by caregiver is shown only where the household wants it; "
            "turn it on under Settings, 'Show on Insight who answered how'"
        )
    whole = record if whole is None else whole
    if whole.until > record.until:
        whole = whole.between(whole.since, record.until)
    # The end of a stretch that is over is no hour that anybody asks about.
    over = at is None and record.until < record.now
    at = min(record.until, record.now) if at is None else at
    cried, totals = crying(record, corrected=corrected), care_totals(record)
    return Summary(
        child=record.child,
        name=record.name,
        born=record.born,
        due=record.due,
        since=record.since,
        until=record.until,
        now=record.now,
        zone=record.zone,
        day_starts=record.day_starts,
        corrected=corrected,
        inferred=inferred,
        days=record.days(),
        swift=swift(record, by=by, inferred=inferred, corrected=corrected),
        consistent=consistent(record, inferred=inferred, caregivers=caregivers),
        comprehensive=comprehensive(record),
        crying=cried,
        helps=helps(whole) if over else _helps_now(whole, at),
        carrying=carrying(record, cried=cried, totals=totals),
        changes=changes(whole),
        reasons=usual_reasons(whole, at),
        care=totals,
        around=around,
    )


def _helps_now(whole: Record, at: datetime) -> Helps:
    """Give what helps at a moment of the day: as near to it as there are tries enough to tell."""
    # No more than a day back is ever looked at.
    since = Since(whole.between(at - timedelta(days=1), at))
    hour, fed, slept = whole.local(at).hour, since.feed(at), since.sleep(at)
    circumstances: list[dict[str, Any]] = [
        {"hour": hour, "since_feed_s": fed, "since_sleep_s": slept},
        {"hour": hour, "since_feed_s": fed},
        {"hour": hour},
    ]
    for asked in circumstances:
        near = helps(whole, **asked)
        if sum(one.here.n for one in near.ranked if one.here is not None) >= near.least:
            return near
        if not near.ranked:
            break
    return helps(whole)
