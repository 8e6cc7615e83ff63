"""What the tests of measures share: records made by hand, and households with a known truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from harken.episodes import Event, fold
from harken.insight.record import Record, Span
from harken.journal import CareEntry

ROOM, CHILD = "nursery", "mia"


@dataclass
class Making:
    """Puts a record together, event by event, and folds it as a hub does."""

    zone: str = "UTC"
    day_starts: str = "07:00"
    born: date | None = None
    due: date | None = None
    events: list[Event] = field(default_factory=list)
    entries: list[CareEntry] = field(default_factory=list)
    deaf: list[Span] = field(default_factory=list)

    def cry(
        self,
        at: datetime,
        *lengths_s: float,
        came_s: float | None = None,
        by: str = "ada",
        tried: Sequence[tuple[float, str]] = (),
        reason: str | None = None,
        end: str = "ended",
        drill: bool = False,
        more: Sequence[tuple[str, float, dict]] = (),
    ) -> str:
        """Add a cry of bouts and pauses by turns; the rest is in seconds from its onset."""
        first = None
        after = 0.0
        for place, length_s in enumerate(lengths_s):
            if place % 2 == 0:
                bout = self._id()
                first = first or bout
                onset = at + timedelta(seconds=after)
                last = place == len(lengths_s) - 1
                mark = {"drill": True} if drill else {}
                self._add(
                    "cry_started",
                    onset,
                    {
                        "bout": bout,
                        "detected_at": (onset + timedelta(seconds=1)).isoformat(),
                        **mark,
                    },
                )
                offset = onset + timedelta(seconds=length_s)
                if last and end == "lost":
                    self._add("cry_lost", offset, {"bout": bout})
                elif not (last and end == "open"):
                    heard = {"bout": bout, "onset": onset.isoformat(), "mean_cry": 0.9, **mark}
                    self._add("cry_ended", offset, heard)
            after += length_s
        assert first is not None
        told: list[tuple[str, float, dict]] = [*more]
        if came_s is not None:
            told.append(("responded", came_s, {"manner": "arrived", "source": "tapped"}))
        told += [("soothed", after_s, {"attempt": attempt}) for after_s, attempt in tried]
        if reason is not None:
            told.append(("reason_tagged", after + 5, {"reason": reason}))
        for kind, after_s, data in told:
            moment = at + timedelta(seconds=after_s)
            self._add(kind, moment, {"episode": first, **data}, by=f"caregiver:{by}")
        return first

    def care(self, what: str, at: datetime, until: datetime | None = None, **data) -> None:
        self.entries.append(
            CareEntry(self._id(), what, at, until, self.zone, ROOM, CHILD, "caregiver:ada", **data)
        )

    def unheard(self, since: datetime, until: datetime) -> None:
        self.deaf.append(Span(since, until))

    def record(self, since: datetime, until: datetime, now: datetime | None = None) -> Record:
        now = now or until
        return Record(
            episodes=tuple(one for one in fold(self.events, now=now) if since <= one.onset < until),
            care=tuple(sorted(self.entries, key=lambda one: one.at)),
            unheard=tuple(self.deaf),
            since=since,
            until=until,
            now=now,
            zone=self.zone,
            day_starts=self.day_starts,
            child=CHILD,
            name="Mia",
            born=self.born,
            due=self.due,
            caregivers={"ada": "Ada", "ben": "Ben"},
            changes=(),
        )

    def _id(self) -> str:
        self._count = getattr(self, "_count", 0) + 1
        return str(UUID(int=0x01900000000070008000000000000000 + self._count))

    def _add(self, kind: str, at: datetime, data: dict, by: str = "hub") -> None:
        self.events.append(
            Event(
                kind, at, room=ROOM, child=CHILD, by=by, zone=self.zone, data=data,
                id=UUID(self._id()),
            )
        )  # fmt: skip


@pytest.fixture
def making() -> Callable[..., Making]:
    """`making(zone=…, born=…)` gives an empty record to add to."""
    return Making


def heard_parts(
    onset: float, over: float, quiet: Sequence[tuple[float, float]]
) -> list[tuple[float, float, bool]]:
    """Give the parts of a cry that were heard, and whether hearing was lost at the end of each."""
    parts, at = [], onset
    for since, until in quiet:
        if until <= at or since >= over:
            continue
        if since > at:
            parts.append((at, since, True))
        at = until
    if at < over:
        parts.append((at, over, False))
    return [part for part in parts if part[1] - part[0] > 0.1]


START = datetime(2026, 1, 5, 7, tzinfo=UTC)
DAY_S = 86_400.0


@dataclass(frozen=True)
class Way:
    """How one soothing attempt works: in which share it can, and how fast."""

    works: float
    seconds: float


@dataclass
class Household:
    """An infant that cries by the clock and caregivers who come, all of it drawn from known laws.

    Cries are a renewal process with a rate by hour of the day, twice as high
    from 17 to 22 o'clock, and with days that are better or worse. A cry would
    end by itself after a lognormal time. Whoever comes does so after a lognormal
    time of its own, so that the end of a cry and the answer know nothing of each
    other, and then tries one thing after another.
    """

    seed: int
    days: int = 14
    cries_a_day: float = 7.0
    long_s: float = 240.0
    spread: float = 0.9
    worse: float = 0.35
    comes_s: float = 60.0
    comes_spread: float = 1.0
    ways: dict[str, Way] = field(default_factory=dict)
    patience_s: float = 150.0

    def cries(self) -> list[tuple[float, float]]:
        """Onset and length [s] from the begin of the first day."""
        rng = np.random.default_rng((self.seed, 1))
        mood = rng.lognormal(-(self.worse**2) / 2, self.worse, self.days)
        # 19 plain hours and 5 that count double make 29 parts of a day's cries.
        hour = np.full(24, 24 / 29)
        hour[(np.arange(17, 22) - 7) % 24] *= 2
        base = self.cries_a_day / DAY_S
        top = base * hour.max() * mood.max()
        found, at, end = [], 0.0, self.days * DAY_S
        while True:
            at += rng.exponential(1 / top)
            if at >= end:
                return found
            rate = base * hour[int(at % DAY_S // 3600)] * mood[int(at // DAY_S)]
            if rng.random() >= rate / top:
                continue
            length = max(4.0, rng.lognormal(np.log(self.long_s) - self.spread**2 / 2, self.spread))
            length = min(length, end - at - 1)
            if length < 4:
                return found
            found.append((at, length))
            at += length + 5.5

    def deaf(self, share: float) -> list[tuple[float, float]]:
        """Stretches that nobody listened to: afternoons, drawn without regard to the crying."""
        rng = np.random.default_rng((self.seed, 2))
        return [
            (day * DAY_S + 6 * 3600.0, day * DAY_S + 10 * 3600.0)
            for day in range(self.days)
            if rng.random() < share
        ]

    def minutes(self) -> list[float]:
        """Crying by day, as it was, heard or not."""
        table = np.zeros(self.days)
        for at, length in self.cries():
            day = int(at // DAY_S)
            inside = min(length, (day + 1) * DAY_S - at)
            table[day] += inside
            if length > inside:
                table[day + 1] += length - inside
        return (table / 60).tolist()

    def record(self, *, deaf: float = 0.0) -> Record:
        """The record that a hub would have of it."""
        rng = np.random.default_rng((self.seed, 3))
        made = Making(born=START.date() - timedelta(weeks=6))
        quiet = self.deaf(deaf)
        for since, until in quiet:
            made.unheard(self.at(since), self.at(until))
        for onset, whole in self.cries():
            came = onset + rng.lognormal(np.log(self.comes_s), self.comes_spread)
            tried: list[tuple[float, str]] = []
            over = onset + whole
            if came < over and self.ways:
                tried, over = self._soothe(rng, came)
            for at, until, lost in heard_parts(onset, over, quiet):
                made.cry(
                    self.at(at),
                    until - at,
                    came_s=came - at if at <= came < until else None,
                    tried=[(when - at, name) for when, name in tried if at <= when < until],
                    end="lost" if lost else "ended",
                )
        end = START + timedelta(days=self.days)
        return made.record(START, end, end + timedelta(hours=1))

    def _soothe(
        self, rng: np.random.Generator, came: float
    ) -> tuple[list[tuple[float, str]], float]:
        names = list(self.ways)
        tried, at = [], came + 1
        while True:
            name = names[rng.integers(len(names))]
            if tried and name == tried[-1][1]:
                continue
            tried.append((at, name))
            way = self.ways[name]
            calm = rng.exponential(way.seconds) if rng.random() < way.works else np.inf
            # Two attempts are at least 25 s apart, so that they count as two.
            other = 25 + rng.exponential(self.patience_s)
            if calm < other or len(tried) > 12:
                return tried, at + min(calm, other)
            at += other

    def truth(self, name: str, horizon_s: float = 300.0) -> float:
        """Share of tries that are calm by then before anything else is tried."""
        way, after = self.ways[name], 25.0
        a, b = 1 / way.seconds, 1 / self.patience_s
        before = 1 - np.exp(-a * after)
        later = a / (a + b) * (1 - np.exp(-(a + b) * (horizon_s - after)))
        return float(way.works * (before + np.exp(-a * after) * later))

    @staticmethod
    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=float(seconds))


@pytest.fixture
def household() -> Callable[..., Household]:
    """`household(seed, days=…)` gives one with a known truth."""
    return Household


@pytest.fixture
def way() -> Callable[..., Way]:
    """`way(works, seconds)` gives how a soothing attempt works."""
    return Way
