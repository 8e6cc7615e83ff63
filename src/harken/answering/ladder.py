"""Who is told, and when: from the onset of a cry until somebody is there. Pure.

`decide` looks at a situation and says what is due by now, as events to be
written down before anything is sent, and when to look again. It keeps nothing:
what was told stands in the situation's own events, so that the same decision
comes out after a crash, and an alert's id is made from what it is about, so
that it cannot come out twice.

One episode is told in steps. A step tells one caregiver over all their
channels, and the household's own channels again. The first steps follow the
duty list; after it everybody on duty is told again and again. An
acknowledgement pauses the steps and a response ends them; under a check-in
plan a response begins the next wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from harken.answering import words
from harken.answering.duty import DAY_STARTS, Turn, turns_at
from harken.answering.plan import ActivePlan, refusal
from harken.episodes.episode import Cried, Episode, Response
from harken.episodes.events import Event
from harken.errors import ParameterError
from harken.journal.household import Caregiver, Channel, Child, DutyTurn, Room

LADDER_KINDS = (
    "alert_due",
    "plan_held",
    "plan_yielded",
    "plan_ended",
    "something_wrong",
    "calmed",
    "room_unheard",
    "push_lost",
)
"""Kinds of events that `Situation.recent` must hold, of the room and of the household."""

RECENT_S = 86_400.0
"""How far back `Situation.recent` must reach, in seconds; and to the onset of an open episode."""

PAGE = "page"
"""Id of the open page as a channel, where the household has no page channel of its own."""

_NAMESPACE = UUID("6f0d3c1e-51a5-5d3b-9d0e-5a4be2a1c0de")
_ORDER = ("page", "speaker", "mqtt", "push", "apprise", "webhook")
"""What sounds in the house comes before what needs the internet."""

_MOST_STEPS = 100
"""Steps that one decision can hold; a duty list is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderSettings:
    """Times of the ladder that are no room's own.

    Parameters
    ----------
    pause_after_going : float, 10 to 1800 [s]
        How long "I'm going" pauses the ladder. Default 120: time to get up and
        walk there; whoever falls asleep again has cost no more than that.
    repeat_every : float, 15 to 3600 [s]
        After the whole duty list was told, everybody on it is told again this
        often while it cries and nobody is there. Default 60.
    left_after : float, 10 to 600 [s]
        A cry that begins after this much quiet since somebody was there is told
        anew, within the same episode: they may have left. So is one that begins
        after a tap on *calm*. Default 30: longer than a pause in a cry that
        somebody is soothing, shorter than the minute that ends an episode.
    everybody_after : float, 60 to 7200 [s]
        When a cry has gone on for this long with nobody there, those who have
        quiet hours or the day off are told too. Default 600.
    unheard_again : tuple of float [s]
        When people are reminded that a room still cannot be heard. Default
        after 5 and 30 minutes.
    flap_window : float, 60 to 7200 [s]
        Messages about a room within this time make it flap. Default 600.
    flap_after : int, 1 to 20
        How many messages are given in that time before the next short ones wait
        for a summary. Default 2.
    flap_sustained : float, 5 to 120 [s]
        What goes on for this long is told in any case. Default 30.

    Raises
    ------
    ParameterError
        If a field is out of its range.

    Examples
    --------
    >>> LadderSettings(pause_after_going=60).pause_after_going
    60
    """

    pause_after_going: float = 120.0
    repeat_every: float = 60.0
    left_after: float = 30.0
    everybody_after: float = 600.0
    unheard_again: tuple[float, ...] = (300.0, 1800.0)
    flap_window: float = 600.0
    flap_after: int = 2
    flap_sustained: float = 30.0

    def __post_init__(self) -> None:
        limits = {
            "pause_after_going": (10, 1800),
            "repeat_every": (15, 3600),
            "left_after": (10, 600),
            "everybody_after": (60, 7200),
            "flap_window": (60, 7200),
            "flap_after": (1, 20),
            "flap_sustained": (5, 120),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"ladder: {name}={value!r} is not a number")
            if not least <= value <= most:
                raise ParameterError(f"ladder: {name}={value:g} must be from {least} to {most}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision about one room depends on.

    Parameters
    ----------
    now : datetime
    room : Room
    children : sequence of Child
        Who sleep in the room.
    caregivers : sequence of Caregiver
        Of the household; viewers are told nothing.
    episodes : sequence of Episode
        Of the room: the open ones, and those of the last hour.
    crying_now : bool
        Whether a bout goes on, by the room's ears.
    level_dbfs : float, optional [dBFS]
        Of the cry, now.
    heard : bool
    unheard_since : datetime, optional
        The last moment that was heard, while it is not heard; the same at every
        call until it is heard again.
    unheard_reason : str, optional
        One plain sentence.
    duty : sequence of DutyTurn
        The room's.
    plan : ActivePlan, optional
    channels : sequence of Channel
        As `channels.channels_of` gives them: the household's, and one for every phone.
    recent : sequence of Event
        Of the kinds in `LADDER_KINDS`, not older than `RECENT_S`; duplicates
        and order do not matter.
    only_ear : bool
        Whether the household listens to no other room.
    zone, day_starts : str
        As in `duty.night_of`.
    settings : LadderSettings
    """

    now: datetime
    room: Room
    children: Sequence[Child] = ()
    caregivers: Sequence[Caregiver] = ()
    episodes: Sequence[Episode] = ()
    crying_now: bool = False
    level_dbfs: float | None = None
    heard: bool = True
    unheard_since: datetime | None = None
    unheard_reason: str | None = None
    duty: Sequence[DutyTurn] = ()
    plan: ActivePlan | None = None
    channels: Sequence[Channel] = ()
    recent: Sequence[Event] = ()
    only_ear: bool = True
    zone: str = "UTC"
    day_starts: str = DAY_STARTS
    settings: LadderSettings = field(default_factory=LadderSettings)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is due, and what comes next if nothing changes.

    Parameters
    ----------
    events : tuple of Event
        ``alert_due``, ``plan_held`` and ``plan_yielded``; to be written in one
        transaction before anything is sent. Their ids are made from what they
        say, so that writing them again changes nothing.
    wake_at : datetime or None
        When to decide again at the latest.
    next_told : tuple of (str or None, datetime), or None
        Whom the next step of the open cry tells, and when; None as caregiver
        means everybody.
    held_until : datetime or None
        Until when a check-in plan holds back the alert of the open cry.
    visit : int or None
        Which visit it then is time for.
    """

    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    next_told: tuple[str | None, datetime] | None = None
    held_until: datetime | None = None
    visit: int | None = None


def decide(situation: Situation) -> Decision:
    """Say what is due now in one room, and when to look again.

    Parameters
    ----------
    situation : Situation

    Returns
    -------
    Decision
        The same for the same situation. With its events among `recent` it is
        empty until something more is due.

    Raises
    ------
    ParameterError
        If a time of day in the duty list cannot be read.

    Examples
    --------
    >>> from datetime import UTC
    >>> room = Room(id="nursery", name="Nursery")
    >>> decide(Situation(now=datetime(2026, 1, 1, tzinfo=UTC), room=room)).events
    ()
    """
    made = _Made(situation)
    for loss in made.losses:
        _tell_push_lost(made, loss)
    _tell_unheard(made)
    for episode in sorted(situation.episodes, key=lambda one: (one.onset, one.id)):
        if episode.open and not episode.false_alarm:
            _climb(made, episode)
    _summarise(made)
    waking = [at for at in made.waking if at > situation.now]
    return Decision(
        tuple(made.events),
        min(waking) if waking else None,
        made.next_told,
        made.held_until,
        made.visit,
    )


class _Made:
    """A decision while it is made, and what the situation's events say of the past."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.events: list[Event] = []
        self.waking: list[datetime] = []
        self.next_told: tuple[str | None, datetime] | None = None
        self.held_until: datetime | None = None
        self.visit: int | None = None
        mine = {
            event.id: event for event in situation.recent if event.room in (None, situation.room.id)
        }
        ordered = sorted(mine.values(), key=lambda event: (event.at, event.id))
        self._known = {event.id for event in ordered}
        self.told = [event for event in ordered if event.kind == "alert_due"]
        self.others = [event for event in ordered if event.kind != "alert_due"]
        self.losses = [event for event in self.others if event.kind == "push_lost"]
        turns = turns_at(
            situation.duty, situation.now, zone=situation.zone, day_starts=situation.day_starts
        )
        late = situation.settings.everybody_after
        carers = {one.id for one in situation.caregivers if one.role != "viewer"}
        self.turns = [
            Turn(turn.caregiver, max(turn.after_s, late), True) if turn.resting else turn
            for turn in turns
            if not situation.caregivers or turn.caregiver in carers
        ]
        viewers = {one.id for one in situation.caregivers if one.role == "viewer"}
        enabled = [
            one for one in situation.channels if one.enabled and one.caregiver not in viewers
        ]
        self.channels = sorted(
            enabled,
            key=lambda one: (
                _ORDER.index(one.kind) if one.kind in _ORDER else len(_ORDER), one.id,
            ),
        )  # fmt: skip
        self._own_page = any(one.kind == "page" for one in situation.channels)
        if not self.channels:
            self._own_page = False  # never silent: a page is better than nothing
        self.turns = [turn for turn in self.turns if self.targets([turn.caregiver])]
        self.awake = [turn.caregiver for turn in self.turns if not turn.resting]
        self.zone = ZoneInfo(situation.zone)
        self.whose = words.spell_names(
            [child.name for child in situation.children], room=situation.room.name
        )

    def name_of(self, caregiver: str) -> str | None:
        """Give a caregiver's name, if it is known."""
        return next((one.name for one in self.situation.caregivers if one.id == caregiver), None)

    def of_kind(self, kind: str) -> list[Event]:
        """Give past events of a kind other than ``alert_due``, in order."""
        return [event for event in self.others if event.kind == kind]

    def targets(self, caregivers: Iterable[str] | None) -> list[tuple[str | None, str]]:
        """List (caregiver, channel) for a step; None as `caregivers` means everybody."""
        wanted = None if caregivers is None else list(caregivers)
        # Whoever the step is for is named with the household's own channels as well.
        whom = wanted[0] if wanted is not None and len(wanted) == 1 else None
        found: list[tuple[str | None, str]] = []
        if not self._own_page:
            found += [(None, PAGE)] if wanted is None else [(one, PAGE) for one in wanted]
        found += [
            (whom if one.caregiver is None else one.caregiver, one.id)
            for one in self.channels
            if one.caregiver is None or wanted is None or one.caregiver in wanted
        ]
        return found

    def write(
        self,
        kind: str,
        at: datetime,
        key: Sequence[object],
        data: dict[str, Any],
        *,
        room: bool = True,
    ) -> None:
        """Add an event, unless it was written before."""
        where = self.situation.room.id if room else None
        made = uuid5(_NAMESPACE, "\n".join(map(str, (kind, where, *key))))
        if made in self._known:
            return
        self._known.add(made)
        event = Event(
            kind,
            at,
            room=where,
            zone=self.situation.zone,
            data={name: value for name, value in data.items() if value is not None},
            id=made,
        )
        self.events.append(event)
        (self.told if kind == "alert_due" else self.others).append(event)

    def tell(
        self,
        about: str,
        at: datetime,
        targets: Iterable[tuple[str | None, str]],
        *,
        key: str,
        step: int,
        text: str,
        urgent: bool,
        room: bool = True,
        **data: Any,
    ) -> None:
        """Add an ``alert_due`` for each target."""
        for caregiver, channel in targets:
            parts = (about, key, step, caregiver or "", channel)
            where = self.situation.room.id if room else None
            alert = uuid5(_NAMESPACE, "\n".join(map(str, ("alert", where, *parts))))
            self.write(
                "alert_due",
                at,
                parts,
                {
                    "alert": str(alert),
                    "about": about,
                    "channel": channel,
                    "caregiver": caregiver,
                    "step": step,
                    "text": text,
                    "urgent": urgent,
                    **data,
                },
                room=room,
            )


def _climb(made: _Made, episode: Episode) -> None:
    """Tell of one open episode what is due by now."""
    now, settings = made.situation.now, made.situation.settings
    crying = _crying(made.situation, episode)
    if crying is None:
        return
    held, base, visit = _base(made, episode, crying)
    if held is not None:
        _hold(made, episode, held, visit)
        return
    if base is None:
        return
    pause = timedelta(seconds=settings.pause_after_going)
    pauses = [one.at + pause for one in episode.acknowledgements]
    pauses += [one.at + pause for one in episode.responses if not _is_there(one)]
    ready = max([_rings_at(made, episode, crying), *pauses])
    for _ in range(_MOST_STEPS):
        due, caregivers, again = _next_step(made, episode, base)
        due = max(due, ready)
        if due > now:
            made.waking.append(due)
            if made.next_told is None or due < made.next_told[1]:
                made.next_told = (_only(caregivers), due)
            return
        before = len(made.events)
        _step(made, episode, now if again else due, caregivers, again=again, visit=visit)
        if len(made.events) == before:
            return


def _only(caregivers: list[str] | None) -> str | None:
    return caregivers[0] if caregivers is not None and len(caregivers) == 1 else None


def _crying(situation: Situation, episode: Episode) -> Cried | None:
    """Give the bout that goes on, or may go on where nobody can hear it."""
    last = max((one for one in episode.bouts if one.kept), key=lambda one: one.onset, default=None)
    if last is None:
        return None
    if situation.heard:
        return last if situation.crying_now and last.end == "open" else None
    return last if last.end in ("open", "lost") else None


def _told_of(made: _Made, episode: Episode) -> list[Event]:
    bouts = {episode.id, *(one.bout for one in episode.bouts)}
    return [
        event
        for event in made.told
        if event.data["about"] in ("cry", "drill") and event.data.get("episode") in bouts
    ]


def _loud(made: _Made) -> bool:
    level = made.situation.level_dbfs
    return level is not None and level >= made.situation.room.ring_at_once_dbfs


def _rings_at(made: _Made, episode: Episode, bout: Cried) -> datetime:
    """Say from when on the cry that goes on now may ring: sustained, or loud."""
    after = made.situation.room.ring_after
    if _flapping(made, episode) and not _told_of(made, episode):
        after = max(after, made.situation.settings.flap_sustained)
    sustained = bout.onset + timedelta(seconds=after)
    return min(sustained, made.situation.now) if _loud(made) else sustained


def _base(
    made: _Made, episode: Episode, crying: Cried
) -> tuple[datetime | None, datetime | None, int | None]:
    """Say until when a plan holds, or else since when the steps count (None: somebody is there).

    Returns (held until, base of the steps, visit of the plan).
    """
    now, plan = made.situation.now, made.situation.plan
    there = [one.at for one in episode.responses if _is_there(one)]
    bouts = {episode.id, *(one.bout for one in episode.bouts)}
    yielded = [
        event.at for event in made.of_kind("plan_yielded") if event.data.get("episode") in bouts
    ]
    if plan is not None and not (yielded or episode.drill) and _allowed(made, plan):
        begun = max(episode.onset, plan.since)
        visits = [at for at in there if at >= begun]
        until = max([begun, *visits]) + timedelta(seconds=plan.wait(len(visits) + 1))
        if until <= now:
            return None, until, len(visits) + 1
        reason = _yields(made, episode, plan, crying)
        if reason is None:
            return until, until, len(visits) + 1
        made.write("plan_yielded", now, (episode.id,), {"reason": reason, "episode": episode.id})
        yielded = [now]
    if not there:
        return None, max([episode.onset, *yielded]), None
    # Under a plan people come and go again. Once it is over, the last visit no longer counts.
    over = yielded
    if episode.plan or any(e.data.get("episode") in bouts for e in made.of_kind("plan_held")):
        ends = [*made.of_kind("plan_ended"), *made.of_kind("something_wrong")]
        over = [*over, *(event.at for event in ends)]
    if over and max(over) > max(there):
        return None, max(over), None
    return None, _anew(made, episode, since=max(there)), None


def _crying_since(made: _Made, episode: Episode) -> datetime:
    there = [one.at for one in episode.responses if _is_there(one)]
    return (_anew(made, episode, since=max(there)) if there else None) or episode.onset


def _anew(made: _Made, episode: Episode, *, since: datetime) -> datetime | None:
    """Give when it cried anew after whoever was there may have left; None where it did not."""
    calms = [event.at for event in made.of_kind("calmed") if event.at >= since]
    quiet_s = made.situation.settings.left_after
    heard_until = None
    for bout in sorted((one for one in episode.bouts if one.kept), key=lambda one: one.onset):
        if bout.onset > since and heard_until is not None:
            paused_s = (bout.onset - max(heard_until, since)).total_seconds()
            if paused_s >= quiet_s or any(calm < bout.onset for calm in calms):
                return bout.onset
        heard_until = max(bout.heard_until, heard_until or bout.heard_until)
    return None


def _is_there(response: Response) -> bool:
    """Whether a response says that somebody is in the room; a voice from afar is not there."""
    return not response.inferred and (response.manner == "arrived" or response.source != "tapped")


def _allowed(made: _Made, plan: ActivePlan) -> bool:
    today = made.situation.now.astimezone(made.zone).date()
    return refusal(made.situation.children, today, read_evidence=plan.read_evidence) is None


def _yields(made: _Made, episode: Episode, plan: ActivePlan, crying: Cried) -> str | None:
    """Say why the plan gives way to this cry, if it does."""
    situation = made.situation
    if not situation.heard:
        return "The room can't be heard."
    wrong = [event.at for event in made.of_kind("something_wrong")]
    if episode.something_wrong is not None:
        wrong.append(episode.something_wrong)
    if wrong and max(wrong) >= plan.since:
        return "Somebody said that something is wrong."
    level = situation.level_dbfs
    if plan.most_dbfs is not None and level is not None and level >= plan.most_dbfs:
        return "The cry is louder than this plan's limit."
    cried = episode.as_of(situation.now).crying_s
    if cried >= plan.most_s:
        return "The cry has gone on for longer than this plan's limit."
    made.waking.append(situation.now + timedelta(seconds=plan.most_s - cried))
    return None


def _hold(made: _Made, episode: Episode, until: datetime, visit: int | None) -> None:
    made.write(
        "plan_held",
        made.situation.now,
        (episode.id, visit),
        {"until": until.isoformat(), "episode": episode.id, "visit": visit},
    )
    made.waking.append(until)
    if made.held_until is None or until < made.held_until:
        made.held_until, made.visit = until, visit


def _next_step(
    made: _Made, episode: Episode, base: datetime
) -> tuple[datetime, list[str] | None, bool]:
    """Give when the next step is due, whom it tells (None: everybody), and whether it is a repeat.

    `base` is when this round of steps began.
    """
    settings = made.situation.settings
    told = _told_of(made, episode)
    if base > episode.onset:
        told = [event for event in told if event.at >= base]
    if not made.turns:
        if not told:
            return base, None, False
        last = max(event.at for event in told)
        return last + timedelta(seconds=settings.repeat_every), None, True
    named = {event.data.get("caregiver") for event in told}
    waiting = [
        (base + timedelta(seconds=turn.after_s), turn.caregiver)
        for turn in made.turns
        if turn.caregiver not in named
    ]
    first = min(waiting, key=lambda one: one[0], default=None)
    everybody = [turn.caregiver for turn in made.turns if turn.caregiver in named]
    again = None
    if told:
        again = max(event.at for event in told) + timedelta(seconds=settings.repeat_every)
    # Whoever waits for their own turn does not keep the rest from being told again,
    # once all who are awake have been told.
    awake_left = any(one not in named for one in made.awake)
    if first is not None and (again is None or awake_left or first[0] <= again):
        return first[0], [first[1]], False
    assert again is not None
    return again, everybody, True


def _step(
    made: _Made,
    episode: Episode,
    due: datetime,
    caregivers: list[str] | None,
    *,
    again: bool,
    visit: int | None,
) -> None:
    told = _told_of(made, episode)
    step = 1 + max((int(event.data.get("step", 0)) for event in told), default=0)
    first = None
    if caregivers is not None and not again:
        before = [event.data.get("caregiver") for event in told]
        named = next((one for one in before if one and one not in caregivers), None)
        first = made.name_of(named) if named else None
    text = words.cry_text(
        made.whose,
        made.situation.room.name,
        (made.situation.now - _crying_since(made, episode)).total_seconds(),
        again=again,
        first=first,
        visit=visit,
    )
    about = "drill" if episode.drill else "cry"
    heard = [one.detected_at for one in episode.bouts if one.kept and one.detected_at]
    made.tell(
        about,
        due,
        made.targets(caregivers),
        key=episode.id,
        step=step,
        text=words.drill_text(text) if episode.drill else text,
        urgent=True,
        episode=episode.id,
        onset=episode.onset.isoformat(),
        detected_at=heard[0].isoformat() if heard else None,
    )


def _tell_unheard(made: _Made) -> None:
    situation = made.situation
    now, settings = situation.now, situation.settings
    if not situation.room.listening:
        return
    if situation.heard:
        _tell_heard(made)
        return
    since = situation.unheard_since
    if since is None:
        return
    stamp = since.isoformat()
    told = [
        event
        for event in made.told
        if event.data["about"] == "unheard" and event.data.get("onset") == stamp
    ]
    first = since
    if not told and _often_unheard(made, since):
        first = since + timedelta(seconds=settings.flap_sustained)
    times = [first, *(since + timedelta(seconds=wait) for wait in sorted(settings.unheard_again))]
    past = [number for number, at in enumerate(times, start=1) if at <= now]
    done = max((int(event.data.get("step", 0)) for event in told), default=0)
    if past and past[-1] > done:
        # After a long sleep the last reminder alone is enough.
        made.tell(
            "unheard",
            now,
            made.targets(made.awake or None),
            key=stamp,
            step=past[-1],
            text=words.unheard_text(
                situation.room.name,
                words.spell_time(since, situation.zone),
                again=done > 0,
                reason=situation.unheard_reason,
            ),
            urgent=True,
            onset=stamp,
        )
    made.waking += [at for at in times if at > now]


def _tell_heard(made: _Made) -> None:
    situation = made.situation
    unheard = [event for event in made.told if event.data["about"] == "unheard"]
    if not unheard:
        return
    stamp = unheard[-1].data["onset"]
    if any(e.data["about"] == "heard" and e.data.get("onset") == stamp for e in made.told):
        return
    enabled = {one.id for one in made.channels} | ({PAGE} if not made._own_page else set())
    targets = {
        (event.data.get("caregiver"), event.data["channel"]): None
        for event in unheard
        if event.data["onset"] == stamp and event.data["channel"] in enabled
    }
    made.tell(
        "heard",
        situation.now,
        targets,
        key=stamp,
        step=1,
        text=words.heard_text(
            situation.room.name,
            words.spell_time(datetime.fromisoformat(stamp), situation.zone),
            words.spell_time(situation.now, situation.zone),
        ),
        urgent=False,
        onset=stamp,
    )


def _tell_push_lost(made: _Made, loss: Event) -> None:
    whose = made.name_of(loss.data.get("caregiver") or "") or "the household"
    made.tell(
        "push_lost",
        loss.at,
        made.targets(None),
        key=str(loss.id),
        step=1,
        text=words.push_lost_text(whose),
        urgent=False,
        room=False,
    )


def _window(made: _Made, before: datetime) -> datetime:
    return before - timedelta(seconds=made.situation.settings.flap_window)


def _flapping(made: _Made, episode: Episode) -> bool:
    """Whether the room has had its messages: what is short from now on waits for a summary."""
    if made.situation.only_ear or episode.drill:
        return False
    since = _window(made, episode.onset)
    mine = {episode.id, *(one.bout for one in episode.bouts)}
    others = {
        event.data.get("episode")
        for event in made.told
        if event.data["about"] == "cry"
        and since <= event.at <= episode.onset
        and event.data.get("episode") not in mine
    }
    return len(others) >= made.situation.settings.flap_after


def _often_unheard(made: _Made, since: datetime) -> bool:
    if made.situation.only_ear:
        return False
    others = {
        event.data.get("onset")
        for event in made.told
        if event.data["about"] == "unheard" and _window(made, since) <= event.at <= since
    }
    return len(others) >= made.situation.settings.flap_after


def _summarise(made: _Made) -> None:
    """Sum up the short cries and losses that were not told one by one."""
    situation = made.situation
    if situation.only_ear:
        return
    done = max((event.at for event in made.told if event.data["about"] == "summary"), default=None)
    told = {event.data.get("episode") for event in made.told if event.data["about"] == "cry"}
    cries = [
        episode.onset
        for episode in situation.episodes
        if not episode.open
        and not (episode.drill or episode.false_alarm or episode.plan or episode.responses)
        and not told & {episode.id, *(one.bout for one in episode.bouts)}
        and episode.crying_s >= situation.room.ring_after
        and _flapping(made, episode)
    ]
    stamps = {event.data.get("onset") for event in made.told if event.data["about"] == "unheard"}
    losses = [
        event.at
        for event in made.of_kind("room_unheard")
        if event.at.isoformat() not in stamps
        and event.at != situation.unheard_since
        and _often_unheard(made, event.at)
    ]
    missed = sorted(at for at in (*cries, *losses) if done is None or at > done)
    if not missed:
        return
    due = missed[0] + timedelta(seconds=situation.settings.flap_window)
    if due > situation.now:
        made.waking.append(due)
        return
    made.tell(
        "summary",
        situation.now,
        made.targets(made.awake or None),
        key=missed[0].isoformat(),
        step=1,
        text=words.summary_text(
            situation.room.name,
            words.spell_time(missed[0], situation.zone),
            len([at for at in cries if at in missed]),
            len([at for at in losses if at in missed]),
        ),
        urgent=False,
        onset=missed[0].isoformat(),
    )


def with_told(situation: Situation, events: Iterable[Event], *, now: datetime) -> Situation:
    """Give the situation a moment later, in which events have been written.

    Parameters
    ----------
    situation : Situation
    events : iterable of Event
        A decision's.
    now : datetime

    Returns
    -------
    Situation
        For a look ahead, and for tests; nothing else has changed.
    """
    return replace(situation, now=now, recent=(*situation.recent, *events))
