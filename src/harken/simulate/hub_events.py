"""From a simulated history to the events that a live hub would have written of it.

They are valid for `Journal.append`, so that every page, report and measure
works on them. People in them forget to tap, name a reason now and then, and
are mistaken now and then; what really happened stays in the history.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from harken.episodes import BoutRule, Event
from harken.errors import ParameterError
from harken.simulate.dyad import draws
from harken.simulate.history import DAY_S, Care, History, Spell
from harken.simulate.parameters import Parameters

if TYPE_CHECKING:
    from harken.journal import Journal

MODEL = "simulated"
"""What the events name as their detector, so that nobody takes them for heard ones."""

REASONS = {
    "hunger": "hungry",
    "wet": "wet nappy",
    "tired": "tired",
    "pain": "wind",
    "alone": "wanted company",
}
"""What a caregiver says of each need of the simulated infant."""

_CHECKS = {
    "hunger": "hunger",
    "wet": "nappy",
    "tired": "tired",
    "pain": "wind",
    "alone": "company",
}
_LOOKED_AT = ("hunger", "nappy", "tired", "wind", "pain", "temperature", "ill", "company")
_TELLING, _IDS = 2, 3
_MOST_STEPS = 6
_RING_AFTER_S, _SECOND_S, _AGAIN_S = 3.0, 30.0, 60.0


def hub_events(
    history: History,
    *,
    start: datetime,
    room: str = "nursery",
    child: str | None = None,
    name: str = "The child",
    caregivers: Sequence[str] = ("anna", "ben"),
    zone: str = "UTC",
    channel: str = "page",
    parameters: Parameters | None = None,
    truthful: bool = False,
) -> list[Event]:
    """Tell a history as a hub and its people would have.

    Parameters
    ----------
    history : History
        With spells and care kept.
    start : datetime
        When it starts, with a zone; its local hour should be the history's `start_hour`.
    room : str
        Id of the child's room.
    child : str, optional
        Id.
    name : str
        What messages call the child.
    caregivers : sequence of str
        Ids of the history's two caregivers.
    zone : str
        IANA zone that the events are seen in.
    channel : str
        Id of the channel over which alerts go.
    parameters : Parameters, optional
        Those named ``telling.…`` say what people tell.
    truthful : bool
        Every arrival is tapped at once, everything is noted, the room is heard
        all the time and nothing else is taken for a cry.

    Returns
    -------
    list of Event
        In order of time; the same for the same arguments, ids included.

    Raises
    ------
    ParameterError
        If `start` has no zone, there are not two caregivers, or the history was
        simulated without keeping its spells.

    Examples
    --------
    >>> from harken.simulate import simulate_dyad
    >>> history = simulate_dyad("prompt", weeks=1, seed=1)
    >>> events = hub_events(history, start=datetime(2026, 1, 5, 7, tzinfo=UTC))
    >>> events[0].kind
    'room_heard'
    """
    if start.tzinfo is None:
        raise ParameterError("start must have a zone")
    if len(caregivers) != 2:
        raise ParameterError(f"caregivers: name two, not {len(caregivers)}")
    if not history.spells and any(day.bouts for day in history.days):
        raise ParameterError("this history holds no spells; simulate it with keep=True")
    telling = _Telling(
        history, start.astimezone(UTC), room, child, name, tuple(caregivers), zone, channel,
        parameters or Parameters(), truthful,
    )  # fmt: skip
    return telling.events()


def write_journal(
    history: History,
    journal: "Journal",
    *,
    start: datetime,
    zone: str = "UTC",
    parameters: Parameters | None = None,
) -> int:
    """Write a history, and a household for it, into an empty journal.

    Parameters
    ----------
    history : History
    journal : Journal
    start : datetime
        As `hub_events` takes it.
    zone : str
        IANA zone of the household.
    parameters : Parameters, optional

    Returns
    -------
    int
        Number of events.

    Raises
    ------
    ParameterError
        As `hub_events`, or if the journal holds rooms or children already.
    """
    from harken.journal import Caregiver, Child, DutyTurn, Room

    household = journal.household
    if len(household.list(Room)) or len(household.list(Child)):
        raise ParameterError("this journal has a household already; name a file that is not there")
    born = start.date() - timedelta(weeks=history.age_weeks)
    household.set_setting("name", "A simulated household")
    household.set_setting("zone", zone)
    household.add(Room(id="nursery", name="Nursery", ear="off"))
    household.add(Child(id="child", name="Kim", born=born, room="nursery"))
    household.add(Caregiver(id="anna", name="Anna", role="owner"))
    household.add(Caregiver(id="ben", name="Ben"))
    turns = [
        DutyTurn(order=1, caregiver="anna", after_s=0.0),
        DutyTurn(order=2, caregiver="ben", after_s=_SECOND_S),
    ]
    household.set_duty("nursery", turns)
    events = hub_events(
        history, start=start, child="child", name="Kim", zone=zone, parameters=parameters
    )
    # Day by day, as a live hub: one piece of eight weeks takes five times as long.
    for _, day in groupby(events, key=lambda event: event.at.date()):
        journal.append(list(day))
    return len(events)


class _Telling:
    """One telling of a history."""

    def __init__(
        self,
        history: History,
        start: datetime,
        room: str,
        child: str | None,
        name: str,
        caregivers: tuple[str, ...],
        zone: str,
        channel: str,
        parameters: Parameters,
        truthful: bool,
    ) -> None:
        self.history, self.start, self.room, self.child = history, start, room, child
        self.name, self.caregivers, self.zone, self.channel = name, caregivers, zone, channel
        self.u: Callable[[], float] = draws(history.seed, _TELLING)
        self._ids: Callable[[], float] = draws(history.seed, _IDS)
        self.rule = BoutRule(0.5, 0.3)
        self.truthful = truthful
        self.made: list[Event] = []
        self.end = history.weeks * 7 * DAY_S
        share = {
            one.name.removeprefix("telling."): float(one.value)
            for one in parameters
            if one.name.startswith("telling.")
        }
        if truthful:
            share |= dict.fromkeys(("taps", "notes", "checks", "reasons", "logs"), 1.0)
            share |= dict.fromkeys(("unheard_per_week", "false_per_week", "mistaken"), 0.0)
        self.p = share

    def events(self) -> list[Event]:
        self._unheard = list(self._holes())
        self._say("room_heard", 0.0, reason="listening")
        for since, until in self._unheard:
            self._say(
                "room_unheard",
                since,
                reason="no sound arrives",
                detected_at=self._text(since + 10.0),
            )
            self._say("room_heard", until)
        self._changes()
        for spell in self.history.cries:
            self._spell(spell)
        for care in self.history.care:
            self._care(care)
        self._false_alarms()
        # Python's sort keeps the order of what happened at one moment.
        return sorted(self.made, key=lambda event: event.at)

    # The room.

    def _holes(self) -> Iterator[tuple[float, float]]:
        """Choose when the room cannot be heard: never while somebody is about to be told."""
        per_week = self.p["unheard_per_week"]
        if not per_week:
            return
        at = 0.0
        while True:
            at += -math.log(1 - self.u()) * 7 * DAY_S / per_week
            lasts = 60.0 * (5.0 - self.p["unheard_min"] * math.log(1 - self.u()))
            if at + lasts > self.end - 3600:
                return
            yield round(at, 3), round(at + lasts, 3)
            at += lasts

    def _is_unheard(self, at: float) -> bool:
        return any(since <= at < until for since, until in self._unheard)

    def _false_alarms(self) -> None:
        per_week = self.p["false_per_week"]
        at = 0.0
        cries = [(one.onset - 900, one.offset + 900) for one in self.history.cries]
        while per_week:
            at += -math.log(1 - self.u()) * 7 * DAY_S / per_week
            if at > self.end - 3600:
                return
            lasts, later = 4.0 + 6.0 * self.u(), 20.0 + 60.0 * self.u()
            who = self.caregivers[0 if self.u() < 0.6 else 1]
            near = any(since <= at <= until for since, until in cries)
            if near or self._is_unheard(at) or self._is_unheard(at + lasts):
                continue
            bout = self._id(at)
            self._bout(bout, at, at + lasts, 0.55, -38.0)
            self._alerts(bout, at, at + later, 0 if who == self.caregivers[0] else 1)
            self._person("not_a_cry", at + later, who, episode=bout)

    # Plans.

    def _changes(self) -> None:
        planned = False
        for at, policy in self.history.policies:
            checks = policy.checks_s or ((policy.wait_s,) if policy.wait_s else ())
            if planned:
                self._person("plan_ended", at, self.caregivers[0], reason="ended by a tap")
            if checks:
                self._person(
                    "plan_started",
                    at,
                    self.caregivers[0],
                    waits=[float(min(wait, 1800.0)) for wait in checks],
                    read_evidence=True,
                )
            planned = bool(checks)
        for at, says in self.history.says:
            self._person("care", at, self.caregivers[0], what="note", text=says)

    def _policy(self, at: float) -> Any:
        return [one for since, one in self.history.policies if since <= at][-1]

    # A cry.

    def _spell(self, spell: Spell) -> None:
        """Tell one spell of crying: its bouts, who was told, who came, what they did."""
        u, p = self.u, self.p
        pieces = self._pieces(spell.onset, spell.offset)
        kept = [one for one in pieces if not self._is_unheard(one[0])]
        if not kept:
            return
        episode, lost = "", False
        for onset, offset in kept:
            bout = self._id(onset)
            episode = episode or bout
            level = self._level(spell, onset)
            hole = next((since for since, _ in self._unheard if onset < since < offset), None)
            lost = lost or hole is not None
            self._bout(bout, onset, offset, 0.72 + 0.25 * spell.intensity, level, hole)
        first = kept[0][0]
        who = spell.caregiver if spell.caregiver is not None else (0 if u() < 0.65 else 1)
        came = spell.answered
        held = self._held(spell, episode)
        if held is None:
            self._alerts(episode, first, spell.offset if came is None else came, who)
        if came is None or lost:
            return
        # Whoever was there already has seen it before any phone showed it.
        at = max(came, first)
        name = self.caregivers[who]
        going = u() < p["going"]
        if going and not spell.in_arms and at - first > 12:
            away = min(5.0 + 20.0 * u(), at - first - 4.0)
            self._person("acknowledged", at - away, name, episode=episode)
        tap = at + (0.0 if self.truthful else -p["tap_late_s"] * math.log(1 - u()))
        if spell.visits:
            for visit in spell.visits:
                self._arrival(visit, name, episode)
                self._person("soothed", visit + 4.0, name, attempt="voice", episode=episode)
        elif u() < p["taps"] or at - first > _SECOND_S:
            self._arrival(tap, name, episode)
        else:
            self._voice(at, name)
        before = 0.0
        for moment, attempt in spell.attempts:
            if u() < p["notes"]:
                # Phones keep the order in which things were tapped.
                before = max(before + 1.0, moment, tap if not spell.visits else moment)
                if before < spell.offset or len(spell.attempts) == 1:
                    before = min(before, max(spell.offset - 0.5, moment))
                    self._person("soothed", before, name, attempt=attempt, episode=episode)
        if spell.offset - at > 60 and u() < p["checks"] and not spell.visits:
            self._checks(spell, at, name, episode)
        if u() < p["calm"]:
            self._person("calmed", spell.offset + 3.0 + 15.0 * u(), name, episode=episode)
        if u() < p["reasons"]:
            needs = list(REASONS)
            need = needs[int(u() * len(needs))] if u() < p["mistaken"] else spell.need
            self._person(
                "reason_tagged",
                spell.offset + 30.0 + 300.0 * u(),
                name,
                reason=REASONS[need],
                episode=episode,
            )

    def _pieces(self, onset: float, offset: float) -> list[tuple[float, float]]:
        """Break crying into bouts, by pauses that are longer than the rule joins."""
        u, p = self.u, self.p
        least = self.rule.min_duration + 1.0
        made, at = [], onset
        while True:
            lasts = least - p["bout_s"] * math.log(1 - u())
            pause = self.rule.max_gap + 0.5 - p["pause_s"] * math.log(1 - u())
            pause = min(pause, 45.0)
            if at + lasts + pause + least >= offset:
                made.append((round(at, 3), round(max(offset, at + least), 3)))
                return made
            made.append((round(at, 3), round(at + lasts, 3)))
            at += lasts + pause

    def _level(self, spell: Spell, at: float) -> float:
        """Level of crying at a time: it rises while nobody comes."""
        part = (at - spell.onset) / max(spell.offset - spell.onset, 1.0)
        intensity = spell.intensity * (0.85 + 0.15 * min(1.0, part))
        noise = 3.0 * (self.u() - 0.5)
        level = -self.p["quiet_dbfs"] + self.p["loud_db"] * intensity + noise
        return round(min(level, -3.0), 1)

    def _bout(
        self,
        bout: str,
        onset: float,
        offset: float,
        mean_cry: float,
        level: float,
        hole: float | None = None,
    ) -> None:
        u = self.u
        detected = onset + 0.7 + 0.5 * u()
        self._hub(
            "cry_started",
            onset,
            bout=bout,
            detected_at=self._text(detected),
            level_dbfs=round(level - 4.0, 1),
            model=MODEL,
        )
        if hole is not None:
            self._hub("cry_lost", hole, bout=bout)
            return
        mean = min(0.99, mean_cry + 0.04 * (u() - 0.5))
        self._hub(
            "cry_ended",
            offset,
            bout=bout,
            onset=self._text(onset),
            mean_cry=round(mean, 3),
            top_cry=round(min(0.999, mean + 0.05), 3),
            peak_dbfs=level,
            model=MODEL,
        )

    def _alerts(self, episode: str, onset: float, until: float, who: int) -> None:
        """Tell first one caregiver, then the other, then both, until somebody comes."""
        for step in range(1, _MOST_STEPS + 1):
            due = onset + (_RING_AFTER_S if step == 1 else _SECOND_S + _AGAIN_S * (step - 2))
            if due >= until:
                return
            told = (who,) if step == 1 else (1 - who,) if step == 2 else (0, 1)
            again = step > 2
            for one in told:
                alert = self._id(due)
                title = f"{self.name} is {'still ' if again else ''}crying"
                self._hub(
                    "alert_due",
                    due,
                    alert=alert,
                    about="cry",
                    channel=self.channel,
                    caregiver=self.caregivers[one],
                    episode=episode,
                    step=step,
                    onset=self._text(onset),
                    detected_at=self._text(onset + 1.0),
                    text=f"{title}\n{self.name} has been crying for {due - onset:.0f} s.",
                    urgent=True,
                )
                self._hub("alert_sent", due + 0.05 + 0.2 * self.u(), alert=alert)
                shown = due + 0.4 + 0.5 * self.u()
                for kind, at in (("alert_received", shown - 0.1), ("alert_shown", shown)):
                    self._person(kind, at, self.caregivers[one], alert=alert)

    def _held(self, spell: Spell, episode: str) -> bool | None:
        """Say that a plan holds the alert back, where one does; None where none does."""
        policy = self._policy(spell.onset)
        waits = policy.checks_s or ((policy.wait_s,) if policy.wait_s else ())
        if not waits or (policy.night_only and not spell.night):
            return None
        at = spell.onset + _RING_AFTER_S
        for visit in range(1, len(spell.visits) + 2):
            until = at + waits[min(visit, len(waits)) - 1]
            self._hub(
                "plan_held",
                at,
                until=self._text(until),
                episode=episode,
                visit=visit,
            )
            if until >= spell.offset or visit > len(spell.visits):
                break
            at = spell.visits[visit - 1] + 1.0
        return True

    def _arrival(self, at: float, name: str, episode: str) -> None:
        self._person("responded", at, name, manner="arrived", source="tapped", episode=episode)

    def _voice(self, at: float, name: str) -> None:
        """Let the room hear whoever came and did not tap; sometimes they confirm it."""
        u = self.u
        event = self._hub(
            "voice_heard",
            at + 1.0,
            until=self._text(at + 4.0 + 8.0 * u()),
            mean_voice=round(0.7 + 0.25 * u(), 3),
        )
        if u() < self.p["confirms"]:
            self._person("confirmed", at + 120.0 + 600.0 * u(), name, caregiver=False,
                         target=str(event.id))  # fmt: skip

    def _checks(self, spell: Spell, at: float, name: str, episode: str) -> None:
        """Look at one need after another until it is found."""
        right = _CHECKS[spell.need]
        moment = at
        for need in _LOOKED_AT:
            moment += 6.0 + 15.0 * self.u()
            if moment >= spell.offset:
                return
            found = need == right
            self._person("checked", moment, name, need=need, found=found, episode=episode)
            if found:
                return

    # The care log.

    def _care(self, care: Care) -> None:
        u = self.u
        logs, kind, amount = u(), u(), u()
        if logs >= self.p["logs"]:
            return
        data: dict[str, Any] = {"what": care.what}
        if care.what != "nappy":
            data["until"] = self._text(care.until)
        if care.what == "feed":
            if kind < self.p["breast"]:
                data["side"] = "left" if amount < 0.5 else "right"
            else:
                data["ml"] = 10 * round(7 + 6 * amount)
        elif care.what == "nappy":
            data |= {"wet": kind < 0.93, "solid": amount < 0.4}
        self._person("care", care.at, self.caregivers[care.caregiver], **data)

    # Events.

    def _when(self, at: float) -> datetime:
        return self.start + timedelta(milliseconds=round(at * 1000))

    def _text(self, at: float) -> str:
        return self._when(at).isoformat()

    def _id(self, at: float) -> str:
        return str(self._uuid(self._when(at)))

    def _uuid(self, at: datetime) -> UUID:
        """Make a UUIDv7 of a time, the same for the same seed."""
        value = (int(at.timestamp() * 1000) & (1 << 48) - 1) << 80
        value |= int(self._ids() * 2**40) << 40 | int(self._ids() * 2**40)
        value = value & ~(0xF << 76) | 0x7 << 76
        return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)

    def _say(self, kind: str, at: float, **data: Any) -> Event:
        return self._add(kind, at, "hub", None, data)

    def _hub(self, kind: str, at: float, **data: Any) -> Event:
        return self._add(kind, at, "hub", self.child, data)

    def _person(self, kind: str, at: float, who: str, **data: Any) -> Event:
        """Add what a person did, saying who where that kind of event does."""
        named = kind.startswith("alert_") or data.pop("caregiver", True) is False
        if not named:
            data["caregiver"] = who
        return self._add(kind, at, f"caregiver:{who}", self.child, data)

    def _add(self, kind: str, at: float, by: str, child: str | None, data: dict[str, Any]) -> Event:
        when = self._when(at)
        event = Event(
            kind,
            when,
            room=self.room,
            child=child,
            by=by,
            zone=self.zone,
            data=data,
            id=self._uuid(when),
        )
        self.made.append(event)
        return event
