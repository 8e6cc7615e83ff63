"""A simulated history as a hub's events: they fold, they are stored, and they tell the truth."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import Outcome, fold
from harken.errors import ParameterError
from harken.journal import Child, Journal
from harken.simulate import (
    Change,
    Parameters,
    Policy,
    hub_events,
    like_us,
    read_truth,
    simulate_dyad,
)
from harken.simulate.hub_events import REASONS, write_journal
from harken.simulate.policy import Latencies
from harken.simulate.sounding import render_events

START = datetime(2026, 1, 5, 7, tzinfo=UTC)


def told(name="usual", *, weeks=2, seed=1, age_weeks=4, truthful=False, changes=(), **numbers):
    history = simulate_dyad(name, weeks=weeks, seed=seed, age_weeks=age_weeks, changes=changes)
    numbers = {key.replace("__", "."): value for key, value in numbers.items()}
    parameters = Parameters().with_values(numbers)
    events = hub_events(history, start=START, child="kim", parameters=parameters, truthful=truthful)
    return history, events


def of_kind(events, kind):
    return [event for event in events if event.kind == kind]


def test_they_come_in_order_with_an_id_each_and_the_same_again():
    history, events = told()
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert len({e.id for e in events}) == len(events)
    assert {e.id.version for e in events} == {7}
    assert hub_events(history, start=START, child="kim") == events
    assert {e.room for e in events} == {"nursery"}


def test_told_truthfully_episodes_say_what_happened():
    history, events = told("prompt", weeks=3, truthful=True)
    episodes = fold(events)
    assert not any(one.false_alarm or one.drill or one.open for one in episodes)
    cries = list(history.cries)
    # Spells lie more than a minute apart, so that each is an episode.
    assert len(episodes) == len(cries)
    for episode, cry in zip(episodes, cries, strict=True):
        assert (episode.onset - START).total_seconds() == pytest.approx(cry.onset, abs=0.002)
        if cry.answered is None:
            assert not episode.answered
            assert episode.outcome in (Outcome.STOPPED_UNANSWERED, Outcome.SETTLED_ALONE)
        else:
            assert episode.latency_s == pytest.approx(cry.answered - cry.onset, abs=0.002)
            assert episode.outcome is Outcome.SOOTHED
            assert episode.reason == REASONS[cry.need]
        # Pauses between bouts are no crying.
        assert episode.crying_s <= cry.offset - cry.onset + 5
    heard = sum(one.crying_s for one in episodes)
    assert heard > 0.75 * sum(one.offset - one.onset for one in cries)


def test_a_journal_keeps_them_and_gives_them_back(tmp_path):
    history = simulate_dyad(
        "usual", weeks=2, seed=3, changes=[Change(1, "carrying", "From today we carry her more.")]
    )
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        count = write_journal(history, journal, start=START)
        events = journal.events()
        assert len(events) == count
        assert len(journal.episodes()) == len(fold(events))
        (child,) = journal.household.list(Child)
        assert child.born == (START - timedelta(weeks=2)).date()
        kinds = Counter(one.what for one in journal.care())
        assert {"feed", "nappy", "sleep", "carry", "note"} <= kinds.keys()
        (note,) = [one for one in journal.care() if one.what == "note"]
        assert note.text == "From today we carry her more."
        assert note.at == START + timedelta(days=7)
        with pytest.raises(ParameterError, match="has a household already"):
            write_journal(history, journal, start=START)


def test_people_forget_are_mistaken_and_are_not_always_heard():
    _, events = told(weeks=8)
    kinds = Counter(event.kind for event in events)
    for kind in (
        "room_unheard", "room_heard", "voice_heard", "confirmed", "not_a_cry", "reason_tagged",
        "checked", "calmed", "acknowledged", "alert_due", "alert_sent", "alert_shown", "soothed",
    ):  # fmt: skip
        assert kinds[kind], kind
    assert kinds["responded"] > 5 * kinds["voice_heard"]
    assert len([one for one in fold(events) if one.false_alarm]) == kinds["not_a_cry"]
    assert any(one.proposed for one in fold(events))


def test_nothing_is_heard_while_the_room_is_not():
    _, events = told(weeks=4, telling__unheard_per_week=6.0, telling__unheard_min=200.0)
    lost = of_kind(events, "room_unheard")
    assert len(lost) > 8
    again = of_kind(events, "room_heard")[1:]
    for since, until in zip(lost, again, strict=True):
        for event in events:
            if event.kind in ("cry_started", "cry_ended", "voice_heard"):
                assert not since.at < event.at < until.at, event.kind


def test_a_bout_that_ends_in_silence_is_lost():
    found = 0
    for seed in range(6):
        _, events = told(
            weeks=4, seed=seed, telling__unheard_per_week=60.0, telling__unheard_min=30.0
        )
        lost = of_kind(events, "cry_lost")
        found += len(lost)
        ended = {event.data["bout"] for event in of_kind(events, "cry_ended")}
        assert not ended & {event.data["bout"] for event in lost}
    assert found


def test_a_plan_is_started_ended_and_holds_alerts_back():
    _, events = told("prompt", age_weeks=24, changes=[Change(1, "graduated", "change: checks")])
    (started,) = of_kind(events, "plan_started")
    assert started.data["waits"] == [120.0, 240.0, 360.0]
    held = of_kind(events, "plan_held")
    assert held
    assert min(event.at for event in held) > started.at
    episodes = fold(events)
    planned = [one for one in episodes if one.plan]
    assert planned
    assert not any(one.alerts for one in planned)
    _, events = told("graduated", age_weeks=24, changes=[Change(1, "prompt")])
    assert len(of_kind(events, "plan_ended")) == 1


def test_no_alert_is_due_once_somebody_is_there():
    _, events = told("prompt", truthful=True)
    for episode in fold(events):
        if episode.first_response is not None:
            assert all(one.due <= episode.first_response.at for one in episode.alerts)


def test_like_us_gives_back_a_households_latencies(tmp_path):
    history, events = told("usual", weeks=3, truthful=True)
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        journal.append(events)
        made = like_us(journal)
    assert made.name == "like-us"
    assert made.carried_h == pytest.approx(2.7, abs=0.5)
    cries = [
        cry
        for k in range(6)
        for cry in simulate_dyad(made, weeks=2, seed=(2, k), age_weeks=4).cries
    ]

    def share(some, within):
        soon = [c for c in some if c.answered is not None and c.answered - c.onset <= within]
        return len(soon) / len(some)

    for within in (30, 120, 600):
        assert share(cries, within) == pytest.approx(share(list(history.cries), within), abs=0.1)


def test_like_us_needs_a_record(tmp_path):
    with (
        Journal.open(tmp_path / "journal.sqlite") as journal,
        pytest.raises(ParameterError, match="holds 0 episodes"),
    ):
        like_us(journal)


def test_latencies_are_kaplan_meier():
    made = Latencies.measured([10.0, 20.0, 40.0], [15.0, 50.0])
    # By hand: 4/5, then 2/3 of it, then 1/2 of that; the last one is censored.
    assert made.unanswered == pytest.approx((0.8, 0.8 * 2 / 3, 0.8 * 2 / 3 / 2))
    assert [made.draw(u) for u in (0.9, 0.6, 0.3, 0.1)] == [10.0, 20.0, 40.0, None]


def test_measured_latencies_make_a_policy():
    slow = Latencies.measured([900.0] * 20, [])
    history = simulate_dyad(Policy(name="x", day=slow, night=slow), weeks=1, seed=1)
    waited = [one.answered - one.onset for one in history.cries if one.answered is not None]
    assert waited
    assert waited == pytest.approx([900.0] * len(waited))


def test_crying_can_be_heard(tmp_path):
    _, events = told(weeks=1, truthful=True)
    first = of_kind(events, "cry_started")[0]
    since = first.at - timedelta(seconds=20)
    scene = render_events(events, tmp_path / "cry.flac", since=since, seconds=180.0)
    assert scene.path == tmp_path / "cry.flac"
    assert read_truth(tmp_path / "cry.csv") == scene.truth
    ended = {event.data["bout"]: event.at for event in of_kind(events, "cry_ended")}
    bouts = [
        ((one.at - since).total_seconds(), (ended[one.data["bout"]] - since).total_seconds())
        for one in of_kind(events, "cry_started")
        if one.at < since + timedelta(seconds=180)
    ]
    assert len(scene.bouts) == len(bouts)
    for (onset, offset), (told_onset, told_offset) in zip(scene.bouts, bouts, strict=True):
        assert onset == pytest.approx(told_onset, abs=0.5)
        assert offset == pytest.approx(min(told_offset, 180), abs=1.5)
