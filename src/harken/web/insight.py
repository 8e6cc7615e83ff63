"""What the Insight page shows, worked out once and kept until something is written.

All of a child's record is held in memory and brought up to date from the moment
on that new events bear on, which may lie in the past: people correct. What was
worked out from it holds as long as nothing was written, nothing of the household
changed and a minute has not passed. Whoever can't wait is given the last that is
known, marked as such; it is never passed off as new.

Working out is done by one thread of its own, so that the ears of a room compete with
no more than that, and whoever waits for it holds up nobody else. Pictures and files
are drawn by a process, which another thread waits for.
"""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool

from harken.errors import ParameterError
from harken.insight.around import around_series
from harken.insight.charts import PICTURES
from harken.insight.drawing import Drawn, shared
from harken.insight.record import HEARD_UNTIL, Record
from harken.insight.steps import steps
from harken.insight.summary import Summary, summary
from harken.insight.swift import By, Swift, swift
from harken.journal import Caregiver, Child, Journal, Revision, Room, day_bounds
from harken.web.contract import HubCalls
from harken.web.problems import Refusal

Span = Literal["day", "week", "month", "all"]
SPANS: Mapping[Span, int] = {"day": 1, "week": 7, "month": 30}
"""How many days a span has; `all` has as many as there are."""

GOOD_FOR = timedelta(seconds=60)
"""How long something holds while nothing is written: the clock alone moves on."""

PATIENCE_S = 0.15
"""How long a page waits for new numbers before it shows the last ones, marked as such."""

FIRST_S = 1.0
"""The same where there are no last ones: a page without numbers is of no use to anybody."""

_KEPT_S = 900.0
_MOST_ANSWERS = 24
_MOST_PICTURES = 48
_CLOSED = "The hub is being stopped; ask again when it is back."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page, a picture or a file is about.

    Parameters
    ----------
    child : str or None
        Id; None where there is no child yet.
    span : {'day', 'week', 'month', 'all'}
    day : date
        The last day of it, in the household's days.
    today : date
        The household's day that it is.
    corrected : bool
        Whether the age of one born early is counted from the due date.
    caregivers : bool
        Whether who answered may be told apart.
    cares : bool
        Whether it is for somebody who looks after the children: sensors of a room, in which
        another child may sleep, are for them only.
    """

    child: str | None
    span: Span
    day: date
    today: date
    corrected: bool = False
    caregivers: bool = False
    cares: bool = False


@dataclass(slots=True)
class Answer:
    """What was worked out for something asked.

    Parameters
    ----------
    asked : Asked
    stamp : str
        Names what it was worked out from.
    at : datetime
        When.
    record, whole : Record
        Of the span, and of all up to its end.
    summary : Summary
        The measures; `as_dict` is what `harken insight --format json` prints.
    by_caregiver : Swift or None
        How swiftly by who came, where that may be told.
    took_s : float [s]
        How long that took.
    pictures : dict
        By name, width and the change or series, as far as they were drawn.
    """

    asked: Asked
    stamp: str
    at: datetime
    record: Record
    whole: Record
    summary: Summary
    by_caregiver: Swift | None
    took_s: float = 0.0
    pictures: "OrderedDict[tuple[str, int, str | None], Drawn]" = field(default_factory=OrderedDict)

    @property
    def etag(self) -> str:
        """Its name for HTTP; the moment is in it, as the clock is in the numbers."""
        return f'"{self.stamp}-{int(self.at.timestamp() * 1000):x}"'


@dataclass(slots=True)
class _Held:
    """All that is known of a child, and up to which word of the journal."""

    revision: Revision
    household: str
    record: Record


class Insight:
    """The measures of a household's children, kept.

    Parameters
    ----------
    hub : HubCalls
    now : callable
        Gives the time.
    """

    def __init__(self, hub: HubCalls, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._hub = hub
        self._now = now
        self._held: dict[str | None, _Held] = {}
        self._answers: OrderedDict[Asked, Answer] = OrderedDict()
        self._coming: dict[Asked, asyncio.Future[Answer]] = {}
        self._closed = False
        self._rest: asyncio.TimerHandle | None = None
        self._worker = ThreadPoolExecutor(1, "insight")
        self._drawer = ThreadPoolExecutor(1, "pictures")

    def close(self) -> None:
        """Take nothing more on; what has begun is finished."""
        self._closed = True
        if self._rest is not None:
            self._rest.cancel()
        for one in (self._worker, self._drawer):
            one.shutdown(wait=False, cancel_futures=True)

    async def fresh(self, asked: Asked) -> Answer:
        """Give what holds now, worked out anew where it has to be.

        Parameters
        ----------
        asked : Asked

        Returns
        -------
        Answer

        Raises
        ------
        HarkenError
            If there is no such child.
        """
        begun_before = asked in self._coming
        answer = await self._until(asyncio.shield(self._ask(asked)))
        if begun_before:
            # What was written between its begin and this question may be missing in it.
            answer = await self._until(asyncio.shield(self._ask(asked)))
        return answer

    async def soon(self, asked: Asked) -> tuple[Answer | None, bool]:
        """Give what holds now if it comes in time, else what was worked out last.

        Parameters
        ----------
        asked : Asked

        Returns
        -------
        answer : Answer or None
            None: nothing was worked out yet, and it takes longer.
        fresh : bool
            Whether it holds now. What does not must be shown as such.
        """
        holding = await run_in_threadpool(self._holding, asked)
        if holding is not None:
            return holding, True
        last = self._answers.get(asked)
        if last is not None and last.took_s > PATIENCE_S:
            # It would not come in time, and whoever waits in vain only waits.
            self._ask(asked)
            return last, False
        try:
            within_s = FIRST_S if last is None else PATIENCE_S
            return await asyncio.wait_for(self.fresh(asked), within_s), True
        except TimeoutError:
            return self._answers.get(asked), False

    async def read(self, child: str | None, since: date, until: date) -> Record:
        """Give the record of some days.

        Parameters
        ----------
        child : str or None
        since, until : date
            The first and the last, in the household's days.

        Returns
        -------
        Record
        """

        def work() -> Record:
            whole, _ = self._whole(child, self._now())
            return whole.between(
                day_bounds(since, whole.zone, whole.day_starts)[0],
                day_bounds(until, whole.zone, whole.day_starts)[1],
            )

        return await self._until(self._begin(self._worker, work))

    async def draw(
        self,
        answer: Answer,
        name: str,
        width: int,
        *,
        change: str | None = None,
        series: str | None = None,
    ) -> Drawn:
        """Draw a picture of what was worked out, or give it as it was drawn.

        Parameters
        ----------
        answer : Answer
        name : str
            One of `harken.insight.charts.PICTURES`.
        width : int [px]
        change : str, optional
            Of pictures about one change: id of its event; by default the last one.
        series : str, optional
            Of pictures about a sensor: id of its series; by default the first one.

        Returns
        -------
        Drawn

        Raises
        ------
        HarkenError
            If it can't be drawn, or packages for that are missing.
        """
        about = series if PICTURES[name].takes == ("around",) else change
        drawn = answer.pictures.get((name, width, about))
        if drawn is None:
            # What it is made from is work like any other; the drawing itself is not ours.
            measures = await self._until(
                self._begin(self._worker, lambda: _measures(answer, name, about))
            )
            drawn = await self.make(lambda: shared().draw(name, *measures, width=width))
            answer.pictures[name, width, about] = drawn
            while len(answer.pictures) > _MOST_PICTURES:
                answer.pictures.popitem(last=False)
        return drawn

    async def make(self, work: Callable[[], T]) -> T:
        """Let the thread that waits for the drawing process do something."""
        return await self._until(self._begin(self._drawer, work))

    def _begin(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> "asyncio.Future[T]":
        if self._closed:
            raise Refusal(503, _CLOSED)
        return asyncio.get_running_loop().run_in_executor(thread, work)

    async def _until(self, coming: "asyncio.Future[T]") -> T:
        """Wait for something; that it will not come any more is said in words."""
        try:
            return await coming
        except asyncio.CancelledError:
            if self._closed:
                raise Refusal(503, _CLOSED) from None
            raise

    def _ask(self, asked: Asked) -> "asyncio.Future[Answer]":
        """Begin to work something out, or join who waits for it already."""
        coming = self._coming.get(asked)
        if coming is None:
            coming = self._begin(self._worker, lambda: self._answer(asked))
            self._coming[asked] = coming
            self._begin_to_rest()
            coming.add_done_callback(lambda done: self._came(asked, done))
        return coming

    def _begin_to_rest(self) -> None:
        """Forget everything some time after nobody has asked: a year of records is 75 MB."""
        if self._rest is not None:
            self._rest.cancel()
        if not self._closed:
            loop = asyncio.get_running_loop()
            self._rest = loop.call_later(_KEPT_S, lambda: self._begin(self._worker, self._forget))

    def _forget(self) -> None:
        self._held.clear()
        self._answers.clear()

    def _came(self, asked: Asked, done: "asyncio.Future[Answer]") -> None:
        if self._coming.get(asked) is done:
            del self._coming[asked]
        if not done.cancelled():
            done.exception()  # who waited has it; where nobody did, it is no news

    def _holding(self, asked: Asked) -> Answer | None:
        """Give what was worked out, if it holds still."""
        known = self._answers.get(asked)
        if known is None or self._now() - known.at >= GOOD_FOR:
            return None
        stamp = f"{self._hub.journal.revision()}-{_household(self._hub.journal)}"
        return known if known.stamp == stamp else None

    def _answer(self, asked: Asked) -> Answer:
        answer = self._holding(asked)
        if answer is None:
            begun, now = time.monotonic(), self._now()
            whole, stamp = self._whole(asked.child, now)
            answer = self._work_out(asked, whole, stamp, now)
            answer.took_s = time.monotonic() - begun
            self._answers[asked] = answer
        self._answers.move_to_end(asked)
        while len(self._answers) > _MOST_ANSWERS:
            self._answers.popitem(last=False)
        return answer

    def _whole(self, child: str | None, now: datetime) -> tuple[Record, str]:
        """Give all that is known of a child, and the name of that state."""
        journal = self._hub.journal
        # Before anything is read: what is written meanwhile is then read again next time.
        revision, household = journal.revision(), _household(journal)
        held = self._held.get(child)
        if held is None or held.household != household:
            record = Record.of(journal, child=child, now=now)
        else:
            touched = journal.touched_since(held.revision)
            record = Record.of(journal, child=child, now=now, known=held.record, touched=touched)
        self._held[child] = _Held(revision, household, record)
        return record, f"{revision}-{household}"

    def _work_out(self, asked: Asked, whole: Record, stamp: str, now: datetime) -> Answer:
        _, end = day_bounds(asked.day, whole.zone, whole.day_starts)
        if asked.span == "all":
            since = min(whole.since, end - timedelta(days=1))
        else:
            first = asked.day - timedelta(days=SPANS[asked.span] - 1)
            since, _ = day_bounds(first, whole.zone, whole.day_starts)
        record = whole.between(since, end)
        before = whole.between(min(whole.since, since), end)
        made = summary(
            record,
            whole=before,
            corrected=asked.corrected,
            caregivers=asked.caregivers,
            by="week" if asked.span == "all" else "hour",
            at=min(now, end),
            around=around_series(self._hub.journal, record, own=not asked.cares),
        )
        people = swift(record, by="caregiver") if asked.caregivers else None
        return Answer(asked, stamp, now, record, before, made, people)


def as_span(text: str) -> Span:
    """Read a span as an address has it; what is none is a week.

    Examples
    --------
    >>> as_span("month"), as_span("x")
    ('month', 'week')
    """
    return next((one for one in (*SPANS, "all") if one == text), "week")


def _measures(answer: Answer, name: str, about: str | None) -> list[Any]:
    """Give what a picture is made from."""
    return [_measure(answer, one, about) for one in PICTURES[name].takes]


def _measure(answer: Answer, name: str, about: str | None) -> Any:
    it, asked = answer.summary, answer.asked
    if name in ("swift:hour", "swift:week", "swift:caregiver"):
        by = cast(By, name.partition(":")[2])
        if by == "caregiver" and not asked.caregivers:
            raise ParameterError("Who was quicker is shown only where the household wants it.")
        # By week it is about the long run, whatever stretch is looked at.
        record = answer.whole if by == "week" else answer.record
        return swift(record, by=by, corrected=asked.corrected)
    if name == "steps":
        return steps(answer.record)
    if name == "change":
        found = [one for one in it.changes if about in (None, one.change.event)]
        if not found:
            raise ParameterError("There is no such change.")
        return found[-1]
    if name == "around":
        given = [one for one in it.around if about in (None, one.series)]
        if not given:
            raise ParameterError("No sensor gave anything around a cry in this time.")
        return given[0]
    try:
        return getattr(it, name)
    except AttributeError:
        raise ParameterError("This picture is not one of the Insight page.") from None


def today(journal: Journal, now: datetime) -> date:
    """Give the household's day that it is; blocks.

    Parameters
    ----------
    journal : Journal
    now : datetime

    Returns
    -------
    date
        Of yesterday while today has not begun.
    """
    settings = journal.household.settings()
    zone, starts = str(settings.get("zone", "UTC")), str(settings.get("day_starts", "07:00"))
    day = now.astimezone(ZoneInfo(zone)).date()
    return day if now >= day_bounds(day, zone, starts)[0] else day - timedelta(days=1)


def _household(journal: Journal) -> str:
    """Name the state of what a record takes from the household, beside its events."""
    household = journal.household
    settings = household.settings()
    # Until when rooms were heard moves with every minute, and is read each time.
    settings.pop(HEARD_UNTIL, None)
    parts = [
        [
            (one.id, one.name, str(one.born), str(one.due), one.room)
            for one in household.list(Child)
        ],
        [(one.id, one.name, one.listening) for one in household.list(Room)],
        [(one.id, one.name) for one in household.list(Caregiver)],
        settings,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]
