"""What it usually was: reasons that caregivers gave, by hour and time since a feed.

Counts of what people wrote down, and nothing else. The sound takes no part in it:
that a reason can be told from a cry has not been shown.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from harken.errors import ParameterError
from harken.insight.care_totals import FEED_BANDS_H, Since, band_of, band_words, near_hour
from harken.insight.estimate import Estimate, share
from harken.insight.record import Record

LEAST_REASONS = 5
"""Fewer tagged cries that were alike than this and it is not yet known."""


@dataclass(frozen=True, slots=True)
class UsualReason:
    """A reason and how often it was given.

    Parameters
    ----------
    reason : str
        In a caregiver's words; capitals and blanks aside, equal words are one.
    count : int
    share : Estimate
        Of the tagged cries that were alike.
    """

    reason: str
    count: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class UsualReasons:
    """What it usually was at an hour and a time since a feed.

    Parameters
    ----------
    hour : int, 0 to 23
    since_feed_s : float or None [s]
        None where no feed is known.
    like : str
        Which cries count as alike, in words.
    n : int
        Tagged cries that were alike.
    tagged, counted : int
        Cries with a reason, and all cries.
    reasons : tuple of UsualReason
        Most frequent first; empty where it is not yet known.
    known : bool
    says : str
    """

    hour: int
    since_feed_s: float | None
    like: str
    n: int
    tagged: int
    counted: int
    reasons: tuple[UsualReason, ...]
    known: bool
    says: str

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        found = asdict(self)
        return {**found, "reasons": list(found["reasons"])}


def usual_reasons(
    record: Record,
    at: datetime,
    since_feed_s: float | None = None,
    *,
    least: int = LEAST_REASONS,
) -> UsualReasons:
    """Count what cries turned out to be at this hour and this long after a feed.

    Parameters
    ----------
    record : Record
    at : datetime
        With a zone; its hour of the day counts.
    since_feed_s : float, ≥ 0 [s], optional
        By default as the care log has it at that time; where it has none the
        hour alone counts.
    least : int, ≥ 1
        Tagged cries below which it is not yet known.

    Returns
    -------
    UsualReasons
        Of cries before `at`, up to two hours earlier or later in the day, in the
        same band since a feed: within 1 h, 1 to 2, 2 to 3, or 3 h or more.

    Raises
    ------
    ParameterError
        If the time has no zone, or a value is out of range.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     record = Record.of(journal)
    >>> folder.cleanup()
    >>> usual_reasons(record, record.now).known
    False
    """
    if at.tzinfo is None:
        raise ParameterError("at must have a zone")
    if since_feed_s is not None and not 0 <= since_feed_s < float("inf"):
        raise ParameterError(f"since_feed_s={since_feed_s!r} must be a number of seconds from 0")
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        raise ParameterError(f"least={least!r} must be a whole number from 1")
    since = Since(record)
    if since_feed_s is None:
        since_feed_s = since.feed(at)
    hour, band = record.local(at).hour, band_of(since_feed_s, FEED_BANDS_H)
    counted = [one for one in record.counted if one.onset < at]
    tagged = [(one, text) for one in counted if (text := _plain(one.reason))]
    alike = []
    for one, text in tagged:
        if near_hour(record.local(one.onset).hour, hour) and (
            band is None or band_of(since.feed(one.onset), FEED_BANDS_H) == band
        ):
            alike.append(text)
    n = len(alike)
    known = n >= least
    found = sorted(Counter(alike).items(), key=lambda one: (-one[1], one[0])) if known else []
    like = f"around {hour} o’clock" + (
        "" if band is None else f", {band_words(band, FEED_BANDS_H)} after a feed"
    )
    if known:
        says = (
            f"Of {n} tagged cries {like}, so many turned out to be this. "
            "It is a count of what was written down, not heard in the sound."
        )
    else:
        says = (
            f"Not yet known: {n} of the {least} tagged cries {like} that it takes. "
            "Tag what a cry turned out to be, and counts will show here."
        )
    return UsualReasons(
        hour=hour,
        since_feed_s=since_feed_s,
        like=like,
        n=n,
        tagged=len(tagged),
        counted=len(counted),
        reasons=tuple(UsualReason(reason, count, share(count, n)) for reason, count in found),
        known=known,
        says=says,
    )


def _plain(reason: str | None) -> str:
    return " ".join((reason or "").split()).casefold()
