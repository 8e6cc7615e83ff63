"""Whatever events come, in whatever order: the fold holds, and so does keeping it up to date."""

import random
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harken.episodes import (
    KINDS,
    Course,
    Episode,
    EpisodeSettings,
    Event,
    Outcome,
    fold,
    keys,
    refold,
    resolve,
    times,
    withdrawn,
)

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # summer time begins in Europe at 01:00
ROOMS = ("nursery", "nursery", "nursery", "attic", None)
BOUTS = [str(UUID(int=n)) for n in range(1, 6)]
ALERTS = [str(UUID(int=n)) for n in range(11, 14)]
IDS = [UUID(int=n) for n in range(100, 130)]
IDENTITY = {"bout": BOUTS, "episode": BOUTS, "alert": ALERTS, "target": [str(one) for one in IDS]}
ODD = [
    datetime(1970, 1, 1, tzinfo=UTC),
    *(d.replace(tzinfo=UTC) for d in (datetime.min, datetime.max)),
]
SETTINGS = st.sampled_from(
    [
        EpisodeSettings(),
        EpisodeSettings(calm_after=0, already_there=0, late_notes=0, tap_delay=0),
        EpisodeSettings(calm_after=300, settled_alone_loudest=None, late_notes=60),
    ]
)

seconds = st.one_of(st.integers(0, 200), st.integers(0, 3600), st.floats(0, 600))
moments = st.one_of(
    *([seconds.map(lambda s: START + timedelta(seconds=s))] * 9),
    st.sampled_from(ODD),
)


def values(key, check):
    """Values that a datum may have, few enough to meet each other."""
    if isinstance(check, tuple):
        return st.sampled_from(check)
    if key in IDENTITY:
        return st.sampled_from(IDENTITY[key])
    return {
        "time": moments.map(datetime.isoformat),
        "id": st.sampled_from(BOUTS),
        "text": st.sampled_from(["", "ada", "ben"]),
        "number": st.sampled_from([-40, -12.5, 0, 0.9, 7]),
        "flag": st.booleans(),
        "list": st.just([120, 180]),
        "object": st.sampled_from([{}, {"x": [1]}, Course(("rising",), 9.0, 4.0).as_dict()]),
    }[check]


changes = st.fixed_dictionaries(
    {},
    optional={
        name: values(name, check)
        for kind in ("cry_ended", "voice_heard", "responded", "soothed", "alert_due", "plan_held")
        for name, check in {**KINDS[kind].needs, **KINDS[kind].may}.items()
    },
)


@st.composite
def events(draw):
    kind = draw(st.sampled_from(KINDS_OFTEN))
    data = {
        name: draw(changes if (kind, name) == ("corrected", "data") else values(name, check))
        for name, check in {**KINDS[kind].needs, **KINDS[kind].may}.items()
        if name in KINDS[kind].needs or draw(st.booleans())
    }
    return Event(
        kind,
        draw(moments),
        room=draw(st.sampled_from(ROOMS)),
        child=draw(st.sampled_from([None, "mia"])),
        by=draw(st.sampled_from(["hub", "caregiver:ada", "device:phone"])),
        data=data,
        id=draw(st.sampled_from(IDS)),
    )


KINDS_OFTEN = (
    *KINDS,
    *(["cry_started", "cry_ended"] * 4),
    *(["cry_lost", "room_heard", "cry_withdrawn", "voice_heard", "responded", "calmed"] * 2),
    *(["removed", "corrected", "confirmed"] * 3),
)


class Memory:
    """What a journal would find in its tables."""

    def __init__(self):
        self.all: list[Event] = []
        self.stored: list[Episode] = []

    def sharing(self, wanted):
        return [one for one in self.all if keys(one) & set(wanted)]

    def between(self, room, since, until):
        return [
            one
            for one in self.all
            if (one.room == room or one.kind == "corrected")
            and any(since <= at and (until is None or at <= until) for at in times(one))
        ]

    def episodes(self, room, since, until):
        return [
            one
            for one in self.stored
            if one.room == room
            and (until is None or one.onset <= until)
            and (one.ended_at is None or since <= one.ended_at)
        ]

    def append(self, new, chosen):
        known = {one.id for one in self.all}
        for one in new:
            if one.id not in known:
                known.add(one.id)
                self.all.append(one)
        again = refold(self.all[-len(new) :] if new else [], self, chosen)
        kept = [e for e in self.stored if not again.bouts & {one.bout for one in e.bouts}]
        self.stored = sorted([*kept, *again.episodes], key=lambda one: (one.onset, one.id))


def assert_sound(episode, chosen):
    """What holds of every episode."""
    assert Episode.from_dict(episode.as_dict()) == episode
    kept = [one for one in episode.bouts if one.kept]
    assert episode.id in {one.bout for one in kept}
    assert episode.onset == min(one.onset for one in kept)
    assert all(one.heard_until >= one.onset for one in episode.bouts)
    assert (episode.latency_s is None) != (episode.censored_s is None)
    assert episode.open == (episode.ended_at is None) == (episode.outcome is Outcome.STILL_CRYING)
    if not episode.open:
        assert episode.answered == (episode.outcome is Outcome.SOOTHED)
        assert episode.ended_at >= max(one.heard_until for one in kept)
    for name in ("latency_s", "censored_s", "time_to_calm_s", "crying_s"):
        assert (getattr(episode, name) or 0) >= 0
    assert not any(one.inferred for one in episode.responses)
    assert all(one.inferred for one in episode.proposed)
    if episode.outcome is Outcome.SETTLED_ALONE:
        assert episode.crying_s <= chosen.settled_alone_longest
    for one in (*episode.responses, *episode.soothing, *episode.checks, *episode.proposed):
        assert all(type(getattr(one, f.name)) is not UUID for f in fields(one))


@settings(max_examples=400, deadline=None)
@given(st.lists(events(), max_size=25), SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_events_and_how_often_they_come_changes_nothing(happened, chosen, chance):
    arrived = happened + chance.sample(happened, len(happened) // 2)
    chance.shuffle(arrived)
    folded = fold(arrived, chosen)
    assert folded == fold(happened, chosen)
    assert resolve(arrived) == resolve(happened)
    assert withdrawn(arrived) == withdrawn(happened)
    note(f"{min(len(folded), 4)} episodes")
    for episode in folded:
        assert_sound(episode, chosen)


@settings(max_examples=200, deadline=None)
@given(st.lists(events(), max_size=25), SETTINGS, moments)
def test_the_clock_only_holds_open_what_is_not_over(happened, chosen, now):
    for stored, seen in zip(fold(happened, chosen), fold(happened, chosen, now=now), strict=True):
        assert seen == stored.as_of(now)
        if stored.ended_at is not None and stored.ended_at <= now:
            assert seen == stored
        else:
            assert seen.open
            assert seen.calm_at is None
            assert seen.crying_s >= stored.crying_s or not stored.provisional
        assert seen.answered == stored.answered
        assert_sound(seen, chosen)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(events(), max_size=3), max_size=12), SETTINGS)
def test_folding_anew_what_is_touched_equals_folding_everything(batches, chosen):
    memory = Memory()
    for batch in batches:
        memory.append(batch, chosen)
        assert memory.stored == fold(memory.all, chosen)


class Household(RuleBasedStateMachine):
    """A hub and phones: clocks that step, taps that come late or twice, and much undoing."""

    @initialize(chosen=SETTINGS)
    def begin(self, chosen):
        self.chosen = chosen
        self.now = START
        self.made: list[Event] = []
        self.waiting: list[Event] = []
        self.memory = Memory()
        self.going_on: dict[str, tuple[str, datetime]] = {}
        self.count = 0

    def id(self):
        self.count += 1
        return UUID(int=1000 + self.count)

    def tell(self, kind, late, *, room="nursery", **data):
        event = Event(kind, self.now, room=room, data=data, id=self.id())
        self.made.append(event)
        if late:
            self.waiting.append(event)
        else:
            self.memory.append([event], self.chosen)

    @rule(s=st.sampled_from([0.5, 3, 20, 58, 60, 61, 200, 1200]))
    def time_passes(self, s):
        self.now += timedelta(seconds=s)

    @rule(s=st.sampled_from([-600, -30, -1, 45, 3600]))
    def clock_steps(self, s):
        self.now += timedelta(seconds=s)

    @rule(late=st.booleans(), room=st.sampled_from(["nursery", "attic"]), drill=st.booleans())
    def cry_starts(self, late, room, drill):
        bout = str(self.id())
        detected_at = (self.now + timedelta(seconds=1)).isoformat()
        self.going_on[bout] = room, self.now
        self.tell("cry_started", late, room=room, bout=bout, detected_at=detected_at, drill=drill)

    @rule(
        late=st.booleans(),
        how=st.sampled_from(["ended", "ended", "withdrawn", "lost"]),
        which=st.randoms(),
    )
    def cry_is_over(self, late, how, which):
        if not self.going_on:
            return self.cry_starts(late, "nursery", False)
        bout = which.choice(sorted(self.going_on))
        room, onset = self.going_on[bout]
        if which.random() < 0.8:
            del self.going_on[bout]
        data = {"onset": onset.isoformat(), "mean_cry": 0.8, "peak_dbfs": -20.0}
        self.tell(f"cry_{how}", late, room=room, bout=bout, **(data if how == "ended" else {}))
        return None

    @rule(
        late=st.booleans(),
        room=st.sampled_from(["nursery", "attic"]),
        kind=st.sampled_from(
            ["acknowledged", "calmed", "not_a_cry", "something_wrong", "room_heard"]
        ),
        name=st.booleans(),
    )
    def somebody_taps(self, late, room, kind, name):
        named = {"episode": min(self.going_on)} if self.going_on and name else {}
        self.tell(kind, late, room=room, **(named if kind != "room_heard" else {}))

    @rule(late=st.booleans(), manner=st.sampled_from(["arrived", "voice"]))
    def somebody_comes(self, late, manner):
        self.tell("responded", late, manner=manner, source="tapped")

    @rule(late=st.booleans(), s=st.sampled_from([0.5, 5, 100]))
    def a_voice_is_heard(self, late, s):
        until = (self.now + timedelta(seconds=s)).isoformat()
        self.tell("voice_heard", late, until=until, mean_voice=0.8)

    @rule(
        late=st.booleans(),
        which=st.randoms(),
        kind=st.sampled_from(["removed", "removed", "confirmed"]),
    )
    def somebody_changes_their_mind(self, late, which, kind):
        if self.made:
            self.tell(kind, late, target=str(which.choice(self.made).id))

    @rule(late=st.booleans(), which=st.randoms(), s=st.sampled_from([-300, -5, 5, 3600]))
    def somebody_corrects_a_time(self, late, which, s):
        if self.made:
            target = which.choice(self.made)
            at = (target.at + timedelta(seconds=s)).isoformat()
            self.tell("corrected", late, room=None, target=str(target.id), at=at)

    @rule(which=st.randoms())
    def what_waited_arrives(self, which):
        which.shuffle(self.waiting)
        self.memory.append(self.waiting, self.chosen)
        self.waiting = []

    @rule(which=st.randoms())
    def something_is_sent_again(self, which):
        if self.made:
            self.memory.append([which.choice(self.made)], self.chosen)

    @invariant()
    def the_fold_is_that_of_sorted_events_once_each(self):
        arrived = list(self.memory.all)
        random.Random(len(arrived)).shuffle(arrived)
        once = {event.id: event for event in arrived}
        plain = fold(sorted(once.values(), key=lambda e: (e.at, e.id)), self.chosen)
        assert fold(arrived, self.chosen) == plain
        assert self.memory.stored == plain
        for episode in plain:
            assert_sound(episode, self.chosen)


Household.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestHousehold = Household.TestCase
