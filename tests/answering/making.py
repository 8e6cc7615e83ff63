"""A household in virtual time: events go in, the ladder decides, its decisions go in again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from harken.answering import LADDER_KINDS, Decision, Situation, decide
from harken.episodes import fold
from harken.episodes.events import Event, new_id
from harken.journal.household import Caregiver, Channel, Child, DutyTurn, Room

START = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
NURSERY = Room(id="nursery", name="Nursery")
MIA = Child(id="mia", name="Mia", born=date(2025, 6, 1), room="nursery")
ADA, BEN, EVE = (
    Caregiver(id="ada", name="Ada", role="owner"),
    Caregiver(id="ben", name="Ben"),
    Caregiver(id="eve", name="Eve"),
)
CHANNELS = (
    Channel(id="speaker", kind="speaker", name="Hall"),
    Channel(id="ada-phone", caregiver="ada", kind="push", name="Ada's phone"),
    Channel(id="ben-phone", caregiver="ben", kind="push", name="Ben's phone"),
    Channel(id="eve-phone", caregiver="eve", kind="push", name="Eve's phone"),
)
DUTY = (
    DutyTurn(order=1, caregiver="ada"),
    DutyTurn(order=2, caregiver="ben", after_s=60.0),
    DutyTurn(order=3, caregiver="eve", after_s=120.0),
)


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


class Life:
    """What happened so far, and the clock; times are seconds since the start."""

    def __init__(self, **situation):
        given = {
            "room": NURSERY, "children": (MIA,), "caregivers": (ADA, BEN, EVE),
            "duty": DUTY, "channels": CHANNELS,
        }  # fmt: skip
        self.given = {**given, **situation}
        self.events: list[Event] = []
        self.now = START
        self.level: float | None = None
        self.bout: Event | None = None
        self.heard = True
        self.unheard_since: datetime | None = None
        self.decision = Decision()

    @property
    def t(self) -> float:
        return (self.now - START).total_seconds()

    def happen(self, kind: str, *, at: float | None = None, room: str | None = "nursery", **data):
        when = self.now if at is None else START + seconds(at)
        by = data.pop("by", "hub")
        event = Event(kind, when, room=room, by=by, data=data)
        self.events.append(event)
        return event

    def cry(self, level: float | None = -30.0, **data):
        self.level = level
        self.bout = self.happen(
            "cry_started", bout=str(new_id()), detected_at=self.now.isoformat(), **data
        )
        return self.decide()

    def stop(self):
        self.happen(
            "cry_ended",
            bout=self.bout.data["bout"],
            onset=self.bout.at.isoformat(),
            mean_cry=0.9,
        )
        self.bout, self.level = None, None
        return self.decide()

    def lose(self, reason="No sound arrives."):
        if self.bout is not None:
            self.happen("cry_lost", bout=self.bout.data["bout"])
            self.bout, self.level = None, None
        self.happen("room_unheard", reason=reason)
        self.heard, self.unheard_since = False, self.now
        return self.decide()

    def find(self):
        self.happen("room_heard")
        self.heard, self.unheard_since = True, None
        return self.decide()

    def going(self, who="ada"):
        self.happen("acknowledged", by=f"caregiver:{who}", caregiver=who)
        return self.decide()

    def here(self, who="ada", **data):
        given = {"manner": "arrived", "source": "tapped", "caregiver": who, **data}
        self.happen("responded", by=f"caregiver:{who}", **given)
        return self.decide()

    def situation(self) -> Situation:
        return Situation(
            now=self.now,
            episodes=[
                one for one in fold(self.events, now=self.now) if one.room == self.given["room"].id
            ],
            crying_now=self.bout is not None,
            level_dbfs=self.level,
            heard=self.heard,
            unheard_since=self.unheard_since,
            unheard_reason=None if self.heard else "No sound arrives.",
            recent=[event for event in self.events if event.kind in LADDER_KINDS],
            **self.given,
        )

    def decide(self) -> list[Event]:
        self.decision = decide(self.situation())
        self.events += self.decision.events
        return list(self.decision.events)

    def wait(self, until: float, *, sleep: bool = False) -> list[Event]:
        """Let time pass, waking when the ladder asked to (or, asleep, only at the end)."""
        end, found = START + seconds(until), []
        while self.now < end:
            wake = self.decision.wake_at
            self.now = end if sleep or wake is None or wake > end else wake
            found += self.decide()
        return found

    @property
    def alerts(self) -> list[Event]:
        return [event for event in self.events if event.kind == "alert_due"]

    def told(self, about="cry") -> list[tuple[float, str | None, str]]:
        return [
            ((one.at - START).total_seconds(), one.data.get("caregiver"), one.data["channel"])
            for one in self.alerts
            if one.data["about"] == about
        ]

    def phones(self, about="cry") -> list[tuple[float, str]]:
        return [(at, channel) for at, _, channel in self.told(about) if channel.endswith("phone")]

    def but(self, **changes) -> "Life":
        self.given = {**self.given, **changes}
        return self

    def room(self, **changes) -> "Life":
        return self.but(room=replace(self.given["room"], **changes))
