"""A caregiver's own choice to wait between visits, and its guard rails. Pure.

A plan holds alerts back; it never records less and never lasts longer than
its caregiver's limits. Whether it is a good idea is not for Harken to say;
below four months it is not offered at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Self

from harken.answering.duty import DAY_STARTS, night_of
from harken.episodes.events import Event
from harken.errors import ParameterError
from harken.journal.household import Child, Plan

YOUNGEST_MONTHS = 4
"""Below this age no plan is possible."""

READ_BELOW_MONTHS = 6
"""Below this age a plan needs the page with what studies found on age to be read first."""

LONGEST_WAIT_S = 1800.0
LONGEST_CRYING_S = 1800.0
"""Crying in one episode at which every plan yields, whatever its own limit."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot start.

    Parameters
    ----------
    reason : str
        ``"too_young"``, ``"unknown_age"`` or ``"read_first"``.
    says : str
        One plain sentence for the page.
    """

    reason: Literal["too_young", "unknown_age", "read_first"]
    says: str


def months_old(child: Child, on: date) -> int | None:
    """Give a child's age in full months, by the more cautious of its dates.

    Parameters
    ----------
    child : Child
        With `born`, and `due` where it came early: then its age counts from the
        day when it was expected.
    on : date

    Returns
    -------
    int or None
        None where the date of birth is not known; negative before it.

    Examples
    --------
    >>> months_old(Child(id="m", name="Mia", born=date(2026, 1, 31)), date(2026, 5, 30))
    3
    >>> early = Child(id="m", name="Mia", born=date(2026, 1, 1), due=date(2026, 2, 15))
    >>> months_old(early, date(2026, 5, 30))
    3
    """
    if child.born is None:
        return None
    since = max(child.born, child.due or child.born)
    return (on.year - since.year) * 12 + on.month - since.month - (on.day < since.day)


def refusal(children: Sequence[Child], on: date, *, read_evidence: bool = False) -> Refusal | None:
    """Say why no plan may hold alerts back for these children, if so.

    Parameters
    ----------
    children : sequence of Child
        All who sleep in the room; the youngest counts.
    on : date
        Today, where the household is.
    read_evidence : bool
        Whether the caregiver has read the page on age.

    Returns
    -------
    Refusal or None
        None where a plan may start.

    Examples
    --------
    >>> mia = Child(id="m", name="Mia", born=date(2026, 1, 1))
    >>> refusal([mia], date(2026, 4, 30)).reason
    'too_young'
    >>> refusal([mia], date(2026, 6, 1)).reason
    'read_first'
    >>> refusal([mia], date(2026, 6, 1), read_evidence=True) is None
    True
    """
    if not children:
        return Refusal(
            "unknown_age",
            "Say first which child sleeps in this room: a plan depends on the child's age.",
        )
    ages = {child.name: months_old(child, on) for child in children}
    for name, months in ages.items():
        if months is None:
            return Refusal(
                "unknown_age",
                f"Enter when {name} was born first: a plan depends on the child's age.",
            )
    name, youngest = min(
        ((name, months) for name, months in ages.items() if months is not None),
        key=lambda one: one[1],
    )
    if youngest < YOUNGEST_MONTHS:
        return Refusal(
            "too_young",
            f"{name} is younger than {YOUNGEST_MONTHS} months (counted from the due date if born "
            "early). Harken does not hold alerts back at this age.",
        )
    if youngest < READ_BELOW_MONTHS and not read_evidence:
        return Refusal(
            "read_first",
            f"{name} is younger than {READ_BELOW_MONTHS} months. Please read first what studies "
            "found on age, and how weak they are.",
        )
    return None


@dataclass(frozen=True, slots=True)
class ActivePlan:
    """A plan as it stands tonight.

    Parameters
    ----------
    waits : tuple of float, each 0 to 1800 [s]
        Before the first visit, the second, and so on; the last one is repeated.
    since : datetime
        When it was started.
    caregiver : str, optional
        Whose plan it is.
    most_dbfs : float, optional [dBFS]
        Level of the cry at which it yields.
    most_s : float, ≤ 1800 [s]
        Crying in one episode after which it yields.
    read_evidence : bool
        Whether the page on age was read.

    Raises
    ------
    ParameterError
        If there is no wait, or a number is out of its range.

    Examples
    --------
    >>> from datetime import UTC
    >>> plan = ActivePlan((120.0, 180.0), datetime(2026, 1, 1, tzinfo=UTC))
    >>> [plan.wait(visit) for visit in (1, 2, 3)]
    [120.0, 180.0, 180.0]
    """

    waits: tuple[float, ...]
    since: datetime
    caregiver: str | None = None
    most_dbfs: float | None = None
    most_s: float = LONGEST_CRYING_S
    read_evidence: bool = False

    def __post_init__(self) -> None:
        if not self.waits:
            raise ParameterError("plan: waits must hold at least one time in seconds")
        for wait in self.waits:
            if not _number(wait) or not 0 <= wait <= LONGEST_WAIT_S:
                raise ParameterError(
                    f"plan: a wait of {wait!r} s must be from 0 to {LONGEST_WAIT_S:g} seconds"
                )
        if not _number(self.most_s) or not 0 < self.most_s <= LONGEST_CRYING_S:
            raise ParameterError(
                f"plan: most_s={self.most_s!r} must be above 0 and at most {LONGEST_CRYING_S:g} s"
            )

    def wait(self, visit: int) -> float:
        """Give how long to wait before a visit.

        Parameters
        ----------
        visit : int, ≥ 1

        Returns
        -------
        float
            Seconds.
        """
        return self.waits[min(visit, len(self.waits)) - 1]

    @classmethod
    def tonight(
        cls,
        plan: Plan,
        at: datetime,
        *,
        zone: str = "UTC",
        day_starts: str = DAY_STARTS,
        read_evidence: bool = False,
    ) -> Self | None:
        """Give a kept plan as it stands at a moment, longer by the nights since it began.

        Parameters
        ----------
        plan : Plan
        at : datetime
        zone, day_starts : str
            As in `duty.night_of`.
        read_evidence : bool
            Whether its caregiver has read the page on age.

        Returns
        -------
        ActivePlan or None
            None where it is not active, or begins later.

        Raises
        ------
        ParameterError
            As the class.
        """
        since = plan.active_since
        if since is None or since > at:
            return None
        first = night_of(since, zone=zone, day_starts=day_starts)
        nights = (night_of(at, zone=zone, day_starts=day_starts) - first).days
        return cls(
            waits=tuple(
                min(wait + nights * plan.longer_each_night, LONGEST_WAIT_S) for wait in plan.waits
            ),
            since=since,
            caregiver=plan.caregiver,
            most_dbfs=plan.most_dbfs,
            most_s=min(plan.most_s or LONGEST_CRYING_S, LONGEST_CRYING_S),
            read_evidence=read_evidence,
        )

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """Read a plan from the event that started it.

        Parameters
        ----------
        event : Event
            Of the kind ``plan_started``.

        Returns
        -------
        ActivePlan

        Raises
        ------
        ParameterError
            If it is of another kind, or as the class.
        """
        if event.kind != "plan_started":
            raise ParameterError(f"plan: a {event.kind} event starts none")
        data = event.data
        return cls(
            waits=tuple(data["waits"]),
            since=event.at,
            caregiver=data.get("caregiver"),
            most_dbfs=data.get("most_dbfs"),
            most_s=min(data.get("most_s") or LONGEST_CRYING_S, LONGEST_CRYING_S),
            read_evidence=bool(data.get("read_evidence")),
        )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
