"""From events to episodes: pure, in any order, with duplicates, late or wrong clocks.

Events are first resolved (each id once, in order of time, with what people
corrected and took back), then bouts are put together, bouts that lie closer
than `calm_after` become an episode, and what people and channels did is laid to
the episode that it names, or else to the one of its room and time.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from harken.episodes.course import Course
from harken.episodes.episode import (
    Acknowledged,
    Alerted,
    Checked,
    Comment,
    Cried,
    Episode,
    Held,
    Outcome,
    Response,
    Soothing,
    crying_s,
)
from harken.episodes.events import Event, read_time
from harken.episodes.settings import EpisodeSettings
from harken.errors import ParameterError

_ABOUT_OTHERS = ("removed", "corrected", "confirmed")
_HEARD = ("cry_started", "cry_ended", "cry_withdrawn", "cry_lost")
_DONE = (
    "acknowledged", "responded", "soothed", "checked", "calmed", "not_a_cry",
    "something_wrong", "reason_tagged", "commented", "plan_held", "plan_yielded",
)  # fmt: skip
_CRY_ALERTS = ("cry", "drill", "summary")
_TOLD = {
    "alert_sent": "sent",
    "alert_received": "received",
    "alert_shown": "shown",
    "alert_clicked": "clicked",
}
_LAST = datetime.max.replace(tzinfo=UTC)


def resolve(events: Iterable[Event]) -> list[Event]:
    """Give what happened as people left it: in order, once each, corrected, without the removed.

    Removals are followed to their end: an undo of an undo holds, and removals
    that undo each other in a circle count for nothing. Of several corrections the
    latest wins, field by field; one that would make the event invalid is passed
    over, and `removed`, `corrected` and `confirmed` can be removed but not corrected.

    Parameters
    ----------
    events : iterable of Event
        In any order; of two with one id the same one is kept in any order.

    Returns
    -------
    list of Event
        Sorted by time and id, without `removed` and `corrected`.

    Examples
    --------
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> care = Event("care", at, data={"what": "nappy"})
    >>> undo = Event("removed", at, data={"target": str(care.id)})
    >>> resolve([undo, care])
    []
    >>> redo = Event("removed", at, data={"target": str(undo.id)})
    >>> resolve([redo, undo, care]) == [care]
    True
    """
    kept, _ = _resolve(events)
    return [event for event in kept if event.kind not in ("removed", "corrected")]


def fold(
    events: Iterable[Event],
    settings: EpisodeSettings | None = None,
    *,
    now: datetime | None = None,
) -> list[Episode]:
    """Fold events into episodes.

    The same events give the same episodes in any order, however often they
    come, and no valid events make it fail.

    Parameters
    ----------
    events : iterable of Event
        Of any rooms.
    settings : EpisodeSettings, optional
    now : datetime, optional
        Give each episode as it stands at that time (`Episode.as_of`). Without it
        an episode whose bouts have ended is over, with `ended_at` perhaps
        still ahead: that form does not depend on the clock and can be stored.

    Returns
    -------
    list of Episode
        In order of onset.

    Raises
    ------
    ParameterError
        If `now` has no zone.

    Examples
    --------
    >>> at, bout = datetime(2026, 1, 1, tzinfo=UTC), "01942d5f-7c00-7000-8000-000000000000"
    >>> cried = Event("cry_ended", at + timedelta(seconds=40), room="nursery", data={
    ...     "bout": bout, "onset": at.isoformat(), "mean_cry": 0.9})
    >>> came = Event("responded", at + timedelta(seconds=30), room="nursery", data={
    ...     "manner": "arrived", "source": "tapped"})
    >>> (episode,) = fold([came, cried])
    >>> episode.latency_s, episode.crying_s, str(episode.outcome)
    (30.0, 40.0, 'soothed')
    """
    if now is not None and now.tzinfo is None:
        raise ParameterError("now must have a zone")
    episodes = Folding(events, settings or EpisodeSettings()).episodes()
    return episodes if now is None else [one.as_of(now) for one in episodes]


def withdrawn(events: Iterable[Event]) -> list[Cried]:
    """Give the bouts that were announced and did not last: what they cost is a look at the phone.

    Parameters
    ----------
    events : iterable of Event

    Returns
    -------
    list of Cried
        In order of onset, drills left out.

    Examples
    --------
    >>> withdrawn([])
    []
    """
    bouts = Folding(events, EpisodeSettings()).bouts.values()
    found = [bout.cried() for bout in bouts if bout.end == "withdrawn" and not bout.drill]
    return sorted(found, key=lambda one: (one.onset, one.bout))


def _order(event: Event) -> tuple[datetime, int]:
    return event.at, event.id.int


def _canonical(value: Any) -> Any:
    """Give what two events with one id are told apart by, whatever the order of their keys."""
    if isinstance(value, Mapping):
        return "{}", sorted((repr(key), repr(_canonical(one))) for key, one in value.items())
    if isinstance(value, list | tuple):
        return "[]", [_canonical(one) for one in value]
    return type(value).__name__, repr(value)


def least(one: Event, other: Event) -> Event:
    """Choose one of two events with one id: the same one, whichever came first.

    Parameters
    ----------
    one, other : Event

    Returns
    -------
    Event
    """

    def key(event: Event) -> tuple[str, ...]:
        return tuple(repr(_canonical(part)) for part in event.as_dict().values())

    return min(one, other, key=key)


def _resolve(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Give the events that stand, corrected and in order, and those that were removed."""
    by_id: dict[int, Event] = {}
    undone: dict[int, int] = {}
    corrections = []
    for event in events:
        number = event.id.int
        known = by_id.get(number)
        if known is None:
            by_id[number] = event
        elif known is not event:
            by_id[number] = least(known, event)
    for number, event in by_id.items():
        if event.kind == "removed":
            undone[number] = UUID(event.data["target"]).int
        elif event.kind == "corrected":
            corrections.append(event)
    gone = _removed(undone)
    removed = [by_id[number] for number in gone if number in by_id]
    for correction in sorted(corrections, key=_order):
        number = UUID(correction.data["target"]).int
        target = by_id.get(number)
        if (
            target is not None
            and target.kind not in _ABOUT_OTHERS
            and gone.isdisjoint((number, correction.id.int))
        ):
            by_id[number] = _corrected(target, correction.data)
    stand = [event for number, event in by_id.items() if number not in gone]
    return sorted(stand, key=_order), removed


def _removed(targets: Mapping[int, int]) -> set[int]:
    """Follow removals, given as removal → target, to what does not stand."""
    waiting = dict.fromkeys(targets, 0)
    for target in targets.values():
        if target in waiting:
            waiting[target] += 1
    stands = {removal: True for removal, count in waiting.items() if not count}
    queue, gone = list(stands), set()
    while queue:
        removal = queue.pop()
        target = targets[removal]
        if stands[removal]:
            gone.add(target)
        if target not in waiting or target in stands:
            continue
        waiting[target] -= 1
        if stands[removal] or not waiting[target]:
            stands[target] = not stands[removal]
            queue.append(target)
    # What is left undoes itself in a circle, and so counts for nothing.
    return gone | (targets.keys() - stands.keys())


def _corrected(event: Event, change: Mapping[str, Any]) -> Event:
    at, data = change.get("at"), change.get("data") or {}
    try:
        return Event(
            event.kind,
            read_time(at) if at is not None else event.at,
            event.room,
            event.child,
            event.by,
            event.zone,
            {**event.data, **data},
            event.id,
        )
    except ParameterError:
        return event


@dataclass(slots=True)
class _Bout:
    """What is known of a bout, whichever of its events have come."""

    id: str
    room: str | None
    child: str | None
    drill: bool
    onset: datetime
    heard_until: datetime
    end: Literal["ended", "open", "withdrawn", "lost"]
    detected_at: datetime | None
    mean_cry: float | None = None
    peak_dbfs: float | None = None
    course: Course | None = None
    cut: bool = False
    """Whether it is only known not to go on because another one began."""

    def cried(self) -> Cried:
        return Cried(
            bout=self.id,
            onset=self.onset,
            heard_until=self.heard_until,
            offset=self.heard_until if self.end == "ended" else None,
            end=self.end,
            detected_at=self.detected_at,
            mean_cry=self.mean_cry,
            peak_dbfs=self.peak_dbfs,
            course=self.course,
        )


def _bout(key: str, told: Mapping[str, Event]) -> _Bout | None:
    """Put a bout together from its events by kind; None where nothing tells when it began."""
    started, ended = told.get("cry_started"), told.get("cry_ended")
    if started is not None:
        onset = started.at
    elif ended is not None:
        onset = min(read_time(ended.data["onset"]), ended.at)
    else:
        return None
    first = started or ended
    assert first is not None
    detected_at = read_time(started.data["detected_at"]) if started is not None else None
    made = _Bout(
        id=key,
        room=first.room,
        child=first.child or (ended.child if ended is not None else None),
        drill=any(told[kind].data.get("drill") is True for kind in told if kind in _HEARD[:2]),
        onset=onset,
        # A clock that was put back meanwhile makes a bout of no length, never a negative one.
        heard_until=max(onset, detected_at or onset),
        end="open",
        detected_at=detected_at,
        peak_dbfs=_number(started.data.get("level_dbfs")) if started is not None else None,
    )
    # What was measured at its end says more than a withdrawal, and that more than a hole.
    if ended is not None:
        made.end, made.heard_until = "ended", max(onset, ended.at)
        made.mean_cry = _number(ended.data["mean_cry"])
        made.peak_dbfs = _number(ended.data.get("peak_dbfs"))
        made.course = _course(ended.data.get("course"))
    elif "cry_withdrawn" in told:
        made.end = "withdrawn"
    elif "cry_lost" in told:
        made.end, made.heard_until = "lost", max(onset, told["cry_lost"].at)
    return made


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _course(value: Any) -> Course | None:
    try:
        return None if value is None else Course.from_dict(value)
    except ParameterError:
        return None


@dataclass(slots=True, eq=False)
class _Draft:
    """An episode in the making."""

    room: str | None
    drill: bool
    bouts: list[_Bout]
    next_onset: datetime | None
    onset: datetime = field(init=False)
    heard_until: datetime = field(init=False)
    cut: bool = field(init=False)
    end: Literal["ended", "open", "lost"] = field(init=False)
    heard_again: datetime | None = None
    until: datetime | None = None
    """When it was over; None: it is not."""
    tapped: datetime | None = None
    """When a tap said that it was calm, where that ended it."""
    done: list[Event] = field(default_factory=list)
    alerts: list[Event] = field(default_factory=list)
    voices: list[Event] = field(default_factory=list)
    withdrawn: list[_Bout] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.onset = self.bouts[0].onset
        self.heard_until = max(bout.heard_until for bout in self.bouts)
        self.cut = self.bouts[-1].cut
        surest = max(
            (bout for bout in self.bouts if not bout.cut),
            key=lambda bout: (bout.heard_until, bout.onset, bout.id),
            default=self.bouts[-1],
        )
        if any(bout.end == "open" for bout in self.bouts):
            self.end = "open"
        else:
            self.end = "lost" if self.cut or surest.end == "lost" else "ended"

    def calm(self) -> None:
        """Let the first tap on *calm* after the crying end it, where it is not over before."""
        taps = [e.at for e in self.done if e.kind == "calmed" and e.at >= self.heard_until]
        if (
            taps
            and self.end != "open"
            and not self.cut
            and (self.until is None or taps[0] <= self.until)
        ):
            self.until = self.tapped = taps[0]
            self.heard_again = min(self.heard_again or taps[0], taps[0])

    @property
    def silent_from(self) -> datetime | None:
        """From when on it is known not to cry; None where it may be crying still."""
        if self.end == "ended":
            return self.heard_until
        return self.heard_again if self.end == "lost" else None

    def crying_during(self, since: datetime, until: datetime, before: float) -> float:
        """Seconds of crying in the longest piece of a stretch that began not long before it."""
        latest = _later(since, before)
        return max(
            (
                (
                    min(until, _LAST if bout.end == "open" else bout.heard_until)
                    - max(since, bout.onset)
                ).total_seconds()
                for bout in self.bouts
                if bout.onset <= latest
            ),
            default=0.0,
        )

    def stopped_after(self, at: datetime) -> float | None:
        """Seconds until the crying paused that went on at a time."""
        for bout in self.bouts:
            if bout.end == "ended" and bout.onset <= at <= bout.heard_until:
                return (bout.heard_until - at).total_seconds()
        return None


class Folding:
    """One fold: takes events apart by what they are about, then makes the episodes.

    Parameters
    ----------
    events : iterable of Event
    settings : EpisodeSettings

    Attributes
    ----------
    bouts : dict of str to bout
        All that are known, the withdrawn ones too.
    """

    def __init__(self, events: Iterable[Event], settings: EpisodeSettings) -> None:
        self._settings = settings
        self._texts: dict[str, str] = {}
        stand, removed = _resolve(events)
        self.bouts: dict[str, _Bout] = {}
        self._confirmed: set[str] = set()
        self._heard_again: defaultdict[str | None, list[datetime]] = defaultdict(list)
        self._done: list[Event] = []
        self._alerts: list[Event] = []
        self._told: defaultdict[str, list[Event]] = defaultdict(list)
        self._voices: list[Event] = []

        told: defaultdict[str, dict[str, Event]] = defaultdict(dict)
        for event in stand:
            kind = event.kind
            if kind in _HEARD:
                parts = told[self._id(event.data["bout"])]
                # It begins with the first word of it and ends with the last.
                if kind != "cry_started" or kind not in parts:
                    parts[kind] = event
            elif kind in _DONE:
                self._done.append(event)
            elif kind == "alert_due":
                if event.data["about"] in _CRY_ALERTS:
                    self._alerts.append(event)
            elif kind in _TOLD or kind == "alert_failed":
                self._told[self._id(event.data["alert"])].append(event)
            elif kind == "voice_heard":
                self._voices.append(event)
            elif kind == "confirmed":
                self._confirmed.add(self._id(event.data["target"]))
            elif kind == "room_heard":
                self._heard_again[event.room].append(event.at)
        for event in removed:
            # Whoever takes back the start of a cry means the cry, whatever else was told of it.
            if event.kind == "cry_started":
                key = self._id(event.data["bout"])
                if "cry_started" not in told.get(key, {}):
                    told.pop(key, None)
        for key, parts in told.items():
            made = _bout(key, parts)
            if made is not None:
                self.bouts[key] = made

    def _id(self, text: str) -> str:
        """Spell an id in the one way of many that Python reads."""
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = str(UUID(text))
        return known

    def episodes(self) -> list[Episode]:
        """Give the episodes, without regard to the clock.

        Returns
        -------
        list of Episode
            In order of onset.
        """
        drafts = self._group()
        self._attach(drafts)
        made = [self._finish(draft) for draft in drafts]
        return sorted(made, key=lambda one: (one.onset, one.id))

    def _group(self) -> list[_Draft]:
        """Join kept bouts of a room that lie closer than `calm_after`; drills apart from cries."""
        places: defaultdict[tuple[str | None, bool], list[_Bout]] = defaultdict(list)
        for bout in self.bouts.values():
            if bout.end != "withdrawn":
                places[bout.room, bout.drill].append(bout)
        drafts = []
        for (room, drill), bouts in places.items():
            bouts.sort(key=lambda bout: (bout.onset, bout.id))
            for bout in bouts[:-1]:
                # One ear hears one bout at a time: a new one says that this one is not going on.
                if bout.end == "open":
                    bout.end, bout.cut = "lost", True
            group: list[_Bout] = []
            reach = bouts[0].onset
            for bout in bouts:
                if group and bout.onset >= _later(reach, self._settings.calm_after):
                    drafts.append(_Draft(room, drill, group, bout.onset))
                    group = []
                reach = max(reach, bout.heard_until)
                group.append(bout)
            drafts.append(_Draft(room, drill, group, None))
        for draft in drafts:
            draft.heard_again, draft.until = self._over(draft)
        return drafts

    def _over(self, draft: _Draft) -> tuple[datetime | None, datetime | None]:
        """When silence could be heard again after a loss, and when the episode is over."""
        calm_after = self._settings.calm_after
        if draft.end == "open":
            return None, None
        if draft.end == "ended":
            return None, _later(draft.heard_until, calm_after)
        if draft.cut and draft.next_onset is not None:
            return draft.next_onset, draft.next_onset
        heard = self._heard_again.get(draft.room, [])
        after = bisect_right(heard, draft.heard_until)
        again = heard[after] if after < len(heard) else None
        known = [_later(again, calm_after)] if again is not None else []
        if draft.next_onset is not None:
            known.append(draft.next_onset)
            again = min(again or draft.next_onset, draft.next_onset)
        return again, min(known, default=None)

    def _attach(self, drafts: list[_Draft]) -> None:
        """Lay what was done and told to the episode that it names, or that of its room and time."""
        places: dict[tuple[str | None, bool], _Timeline] = {}
        for draft in drafts:
            places.setdefault((draft.room, draft.drill), _Timeline()).add(draft)
        holder = {bout.id: draft for draft in drafts for bout in draft.bouts}
        calmed = [event for event in self._done if event.kind == "calmed"]
        others = [event for event in self._done if event.kind != "calmed"]
        self._lay(calmed, places, holder)
        for draft in drafts:
            draft.calm()
        for bout in self.bouts.values():
            if bout.end == "withdrawn" and (bout.room, bout.drill) in places:
                around = places[bout.room, bout.drill].inside(bout.onset)
                if around is not None:
                    around.withdrawn.append(bout)
                    holder[bout.id] = around
        self._lay([*others, *self._alerts], places, holder)
        for event in self._voices:
            found = self._by_voice(event, _lines(places, event.room))
            if found is not None:
                found.voices.append(event)

    def _lay(
        self,
        events: Iterable[Event],
        places: "Mapping[tuple[str | None, bool], _Timeline]",
        holder: Mapping[str, _Draft],
    ) -> None:
        for event in events:
            named = event.data.get("episode")
            if named is None:
                found = self._by_time(event, _lines(places, event.room))
            else:
                found = holder.get(self._id(named))
            if found is not None:
                (found.alerts if event.kind == "alert_due" else found.done).append(event)

    def _by_time(self, event: Event, lines: Sequence["_Timeline"]) -> _Draft | None:
        at, settings = event.at, self._settings
        for line in lines:
            around = line.inside(at)
            if around is not None:
                return around
        if event.kind in ("alert_due", "plan_held", "plan_yielded"):
            return None
        ahead = [
            draft
            for line in lines
            if (draft := line.next(at)) is not None
            and draft.onset <= _later(at, settings.already_there)
        ]
        behind = [
            draft
            for line in lines
            if (draft := line.last(at)) is not None
            and draft.until is not None
            and at <= _later(draft.until, settings.late_notes)
        ]
        # Somebody who says "I'm here" is there for what comes; other taps are about what was.
        nearest = [min(ahead, key=lambda d: d.onset)] if ahead else []
        latest = [max(behind, key=lambda d: d.onset)] if behind else []
        first = nearest + latest if event.kind == "responded" else latest + nearest
        return first[0] if first else None

    def _by_voice(self, event: Event, lines: Sequence["_Timeline"]) -> _Draft | None:
        until = read_time(event.data["until"])
        confirmed = str(event.id) in self._confirmed
        least = 0.0 if confirmed else self._settings.voice_shortest
        mean = event.data.get("mean_voice")
        if not confirmed and mean is not None and mean < self._settings.voice_least:
            return None
        for line in lines:
            # The earliest of those that it overlaps: a voice goes on from one into the next.
            for draft in line.between(event.at, until):
                overlap = draft.crying_during(event.at, until, self._settings.voice_before)
                if overlap > 0 and overlap >= least:
                    return draft
        return self._by_time(event, lines) if confirmed else None

    def _finish(self, draft: _Draft) -> Episode:
        onset = draft.onset
        of_kind: defaultdict[str, list[Event]] = defaultdict(list)
        for event in draft.done:
            of_kind[event.kind].append(event)
        bouts = [bout.cried() for bout in draft.bouts]
        responses, proposed = self._responses(draft, of_kind["responded"])
        first = next((one for one in responses if not one.late), None)
        latency = None if first is None else max(0.0, (first.at - onset).total_seconds())

        calm_at = draft.heard_until if draft.end == "ended" else draft.tapped
        to_calm = None
        if first is not None and calm_at is not None and first.at <= calm_at:
            to_calm = (calm_at - max(first.at, onset)).total_seconds()

        cried_s = crying_s(bouts)
        if draft.until is None:
            outcome = Outcome.STILL_CRYING
        elif first is not None:
            outcome = Outcome.SOOTHED
        elif self._short_and_quiet(bouts, cried_s):
            outcome = Outcome.SETTLED_ALONE
        else:
            outcome = Outcome.STOPPED_UNANSWERED
        denied = [event.at for event in of_kind["not_a_cry"]]
        wrong = of_kind["something_wrong"]
        bouts += [bout.cried() for bout in draft.withdrawn]
        children = [bout.child for bout in draft.bouts] + [event.child for event in draft.done]
        return Episode(
            id=draft.bouts[0].id,
            room=draft.room,
            child=next((child for child in children if child is not None), None),
            onset=onset,
            ended_at=draft.until,
            bouts=tuple(sorted(bouts, key=lambda one: (one.onset, one.bout))),
            alerts=self._alerted(draft.alerts),
            acknowledgements=tuple(
                Acknowledged(str(e.id), e.at, _caregiver(e)) for e in of_kind["acknowledged"]
            ),
            responses=tuple(responses),
            proposed=tuple(proposed),
            soothing=tuple(
                Soothing(
                    str(e.id),
                    e.at,
                    e.data["attempt"],
                    _caregiver(e),
                    e.data.get("note"),
                    draft.stopped_after(e.at),
                )
                for e in of_kind["soothed"]
            ),
            checks=tuple(
                Checked(
                    str(e.id),
                    e.at,
                    e.data["need"],
                    e.data.get("found"),
                    _caregiver(e),
                    e.data.get("note"),
                )
                for e in of_kind["checked"]
            ),
            comments=tuple(
                Comment(str(e.id), e.at, e.data["text"], _caregiver(e))
                for e in of_kind["commented"]
            ),
            reason=_latest(of_kind["reason_tagged"], "reason"),
            plan=tuple(
                Held(str(e.id), e.at, read_time(e.data["until"]), _number(e.data.get("visit")))
                for e in of_kind["plan_held"]
            ),
            plan_yielded=_latest(of_kind["plan_yielded"], "reason"),
            something_wrong=wrong[0].at if wrong else None,
            false_alarm=bool(denied) and draft.bouts[-1].onset <= denied[-1],
            drill=draft.drill,
            outcome=outcome,
            latency_s=latency,
            censored_s=((draft.heard_until - onset).total_seconds() if latency is None else None),
            calm_at=calm_at,
            time_to_calm_s=to_calm,
            crying_s=cried_s,
            provisional=all(bout.end == "open" for bout in draft.bouts),
        )

    def _responses(
        self, draft: _Draft, tapped: Sequence[Event]
    ) -> tuple[list[Response], list[Response]]:
        """Give those that somebody vouches for, and those that are only inferred."""
        every = []
        for event in (*tapped, *draft.voices):
            heard = event.kind == "voice_heard" or event.data["source"] == "heard"
            confirmed = heard and str(event.id) in self._confirmed
            source: Literal["tapped", "heard", "sensor"]
            source = "heard" if heard else event.data["source"]
            grace = self._settings.tap_delay if source == "tapped" else 0.0
            stopped = draft.silent_from
            every.append(
                Response(
                    event=str(event.id),
                    at=event.at,
                    manner=event.data.get("manner", "voice"),
                    source=source,
                    caregiver=_caregiver(event),
                    inferred=heard and not confirmed,
                    confirmed=confirmed,
                    late=stopped is not None and event.at > _later(stopped, grace),
                    until=read_time(event.data["until"]) if event.kind == "voice_heard" else None,
                )
            )
        every.sort(key=lambda one: (one.at, one.event))
        vouched = [one for one in every if not one.inferred]
        # Once somebody is there, a voice is theirs; after a voice from afar it may be that one.
        there = min((r.at for r in vouched if r.manner == "arrived"), default=_LAST)
        afar = [r.at for r in vouched if r.manner == "voice" and r.source != "heard"]
        proposed = [
            one
            for one in every
            if one.inferred
            and (
                one.until is None
                or (
                    one.at < there
                    and not any(at <= one.at <= _later(at, self._settings.own_voice) for at in afar)
                )
            )
        ]
        return vouched, proposed

    def _short_and_quiet(self, bouts: Sequence[Cried], cried_s: float) -> bool:
        settings = self._settings
        if any(bout.end == "lost" for bout in bouts) or cried_s > settings.settled_alone_longest:
            return False
        most = settings.settled_alone_loudest
        return most is None or not any(
            bout.peak_dbfs is not None and bout.peak_dbfs > most for bout in bouts
        )

    def _alerted(self, due: Sequence[Event]) -> tuple[Alerted, ...]:
        alerts: dict[str, Alerted] = {}
        for event in due:
            alert = self._id(event.data["alert"])
            if alert in alerts:
                continue
            known: dict[str, datetime] = {}
            failed = None
            for told in self._told.get(alert, ()):
                if told.kind == "alert_failed":
                    failed = told.data["error"]
                else:
                    known.setdefault(_TOLD[told.kind], told.at)
            alerts[alert] = Alerted(
                alert=alert,
                about=event.data["about"],
                caregiver=event.data.get("caregiver"),
                channel=event.data["channel"],
                step=_number(event.data.get("step")),
                due=event.at,
                failed=None if "sent" in known else failed,
                **known,
            )
        return tuple(alerts.values())


class _Timeline:
    """The episodes of a room, in order and apart."""

    def __init__(self) -> None:
        self._onsets: list[datetime] = []
        self._drafts: list[_Draft] = []

    def add(self, draft: _Draft) -> None:
        self._onsets.append(draft.onset)
        self._drafts.append(draft)

    def last(self, at: datetime) -> _Draft | None:
        """Give the last that began by then."""
        count = bisect_right(self._onsets, at)
        return self._drafts[count - 1] if count else None

    def next(self, at: datetime) -> _Draft | None:
        """Give the first that began later."""
        count = bisect_right(self._onsets, at)
        return self._drafts[count] if count < len(self._drafts) else None

    def inside(self, at: datetime) -> _Draft | None:
        """Give the one that was not over at the time."""
        draft = self.last(at)
        return draft if draft is not None and (draft.until or _LAST) >= at else None

    def between(self, since: datetime, until: datetime) -> list[_Draft]:
        """Those that began by `until` and were perhaps not over at `since`."""
        first = max(0, bisect_right(self._onsets, since) - 1)
        return self._drafts[first : bisect_right(self._onsets, until)]


def _lines(
    places: Mapping[tuple[str | None, bool], _Timeline], room: str | None
) -> list[_Timeline]:
    """Give the timelines of a room: cries first, so that a drill never takes what is theirs."""
    return [places[room, drill] for drill in (False, True) if (room, drill) in places]


def _later(at: datetime, seconds: float) -> datetime:
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return _LAST


def _caregiver(event: Event) -> str | None:
    """Who it is about: named in the event, or else whose phone it was."""
    named: str | None = event.data.get("caregiver")
    if named is None and event.by.startswith("caregiver:"):
        named = event.by.removeprefix("caregiver:")
    return named


def _latest(events: Sequence[Event], key: str) -> str | None:
    return events[-1].data[key] if events else None
