"""Hours carried a day against the crying of that day: a picture, and no proof of anything.

One household's days cannot show what carrying does. Who cries more may be
carried more, both change with age, and crying elsewhere is not heard.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from harken.errors import ParameterError
from harken.evidence import Claim, claim
from harken.insight.care_totals import CareTotals, care_totals
from harken.insight.crying import DIARY, NEARLY, Crying, crying
from harken.insight.estimate import Estimate, unknown, z_of
from harken.insight.record import Record

LEAST_DAYS = 7
"""Fewer pairs of days than this and no correlation is given."""

TRIALS = ("S12", "S13", "R08")
"""The claims that stand beside it: the trial's two arms, and the trial that found no difference."""


@dataclass(frozen=True, slots=True)
class CarryingDay:
    """One day on which carrying was written down.

    Parameters
    ----------
    date : date
    carried_h : float [h]
        Carried, within the day; where entries overlap it counts once.
    crying_min : float [min]
        Crying that was heard.
    heard_share : float, 0 to 1
        How much of the day was listened to.
    used : bool
        Whether the pair counts: the day is over and was heard throughout, or nearly.
    """

    date: date
    carried_h: float
    crying_min: float
    heard_share: float
    used: bool


@dataclass(frozen=True, slots=True)
class Carrying:
    """Carrying and crying, day by day.

    Parameters
    ----------
    days : tuple of CarryingDay
    correlation : Estimate, −1 to 1
        Spearman's, over the days that are used. Not known with fewer than `least`.
    least : int
    not_logged : int
        Days without an entry of carrying, which may have been days with carrying.
    not_heard : int
        Days with one that were not heard throughout, or are not over.
    trial : tuple of Claim
        What trials found: minutes with more carrying, with the usual, and a
        trial in infants with colic that found no difference.
    says : tuple of str
        What to print beside the picture.
    """

    days: tuple[CarryingDay, ...]
    correlation: Estimate
    least: int
    not_logged: int
    not_heard: int
    trial: tuple[Claim, ...]
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
        found["trial"] = [one.as_dict() for one in self.trial]
        return {**found, "days": list(found["days"]), "says": list(self.says)}


def carrying(
    record: Record, *, cried: Crying | None = None, totals: CareTotals | None = None
) -> Carrying:
    """Put the hours carried beside the crying of the same day.

    Parameters
    ----------
    record : Record
    cried : Crying, optional
    totals : CareTotals, optional
        What `crying` and `care_totals` give for the same record, where that is
        known already.

    Returns
    -------
    Carrying

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     str(carrying(Record.of(journal)).correlation)
    'not known (n = 0)'
    >>> folder.cleanup()
    """
    by_date = {one.date: one for one in (cried or crying(record)).days}
    days, not_logged = [], 0
    for one in (totals or care_totals(record)).days:
        if one.carried_s is None:
            not_logged += 1
            continue
        that = by_date[one.date]
        heard = that.heard_s / that.length_s
        days.append(
            CarryingDay(
                date=one.date,
                carried_h=one.carried_s / 3600,
                crying_min=that.crying_s / 60,
                heard_share=heard,
                used=one.whole and heard >= NEARLY,
            )
        )
    used = [one for one in days if one.used]
    known = len(used) >= LEAST_DAYS
    correlation = unknown(len(used), how="Spearman")
    if known:
        correlation = spearman([one.carried_h for one in used], [one.crying_min for one in used])
    says = [
        "One household’s days can’t show what carrying does: an infant that cries more may be "
        "carried more, and both change with age.",
        "What is cried while carried elsewhere is not heard here, and that alone makes such days "
        "look calmer.",
        "In a trial in Canada infants of six weeks who were carried more fussed and cried 74 "
        "minutes a day and the others 130; in a later one, of infants who cried much, carrying "
        "made no difference.",
        DIARY,
    ]
    if not known:
        says.insert(0, f"Not yet known: {len(used)} of {LEAST_DAYS} days that can be compared.")
    return Carrying(
        days=tuple(days),
        correlation=correlation,
        least=LEAST_DAYS,
        not_logged=not_logged,
        not_heard=len(days) - len(used),
        trial=tuple(map(claim, TRIALS)),
        says=tuple(says),
    )


def spearman(one: Sequence[float], other: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Give how well two lists rise together, by rank.

    Parameters
    ----------
    one, other : sequence of float
        Pairs, of one length.
    level : float, above 0, below 1

    Returns
    -------
    Estimate, −1 to 1
        Not known with fewer than four pairs, or where a list is all alike.

    Raises
    ------
    ParameterError
        If the lengths differ.

    Source
    ------
    Interval on Fisher's scale with the standard error √((1 + r²/2) / (n − 3)):
    D. G. Bonett and T. A. Wright (2000), Psychometrika 65, 23–28.

    Examples
    --------
    >>> str(spearman([1, 2, 3, 4, 5, 6, 7], [2, 1, 4, 3, 6, 5, 7]))
    '0.9 (0.3 to 1, n = 7)'
    """
    n = len(one)
    if n != len(other):
        raise ParameterError(f"spearman: {n} and {len(other)} values are not pairs")
    how = "Spearman, Bonett and Wright's interval"
    if n < 4 or len(set(one)) == 1 or len(set(other)) == 1:
        return unknown(n, how=how)
    r = float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])
    r = max(-1.0, min(1.0, r))
    if abs(r) > 1 - 1e-9:
        return Estimate(round(r), None, None, n, level=level, how=how)
    half = z_of(level) * math.sqrt((1 + r * r / 2) / (n - 3))
    low, high = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
    return Estimate(r, low, high, n, level=level, how=how)


def _ranks(values: Sequence[float]) -> list[float]:
    """Give ranks from 1; those that are equal share the mean of theirs."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle = last - (count - 1) / 2
    return [float(one) for one in middle[place]]
