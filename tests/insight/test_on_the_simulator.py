"""Measures on the journal of a simulated infant, whose hidden truth is known beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
import pytest

from harken.insight import Record, care_totals, crying, helps, swift
from harken.insight.record import Span
from harken.journal import Child, Journal, Room
from harken.simulate import hub_events, simulate_dyad

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 5, 7, tzinfo=UTC)
DAYS = 14


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Five histories, and the records that a hub would have of them with nothing forgotten."""
    found = []
    for seed in range(5):
        history = simulate_dyad("usual", weeks=DAYS / 7, seed=seed, age_weeks=5)
        events = hub_events(history, start=START, child="ida", truthful=True)
        path = tmp_path_factory.mktemp("told") / "journal.sqlite"
        with Journal.open(path) as journal:
            journal.household.add(Room(id="nursery", name="Nursery"))
            journal.household.add(Child(id="ida", name="Ida", room="nursery"))
            for _, day in groupby(events, key=lambda event: event.at.date()):
                journal.append(list(day))
            end = START + timedelta(days=DAYS)
            record = Record.of(
                journal, child="ida", since=START, until=end, now=end + timedelta(hours=2)
            )
        found.append((history, events, record))
    return found


def test_crying_is_what_the_bouts_add_up_to(told):
    for _, events, record in told:
        heard = [
            (event.at - datetime.fromisoformat(event.data["onset"])).total_seconds()
            for event in events
            if event.kind == "cry_ended" and event.at < record.until
        ]
        found = crying(record)
        assert all(one.complete for one in found.days)
        assert sum(one.crying_s for one in found.days) == pytest.approx(sum(heard), rel=0.01)
        assert found.minutes_a_day.value == pytest.approx(sum(heard) / 60 / DAYS, rel=0.01)
        assert found.bouts_a_day.value == pytest.approx(len(heard) / DAYS, rel=0.02)


def test_care_is_what_was_done(told):
    for history, _, record in told:
        found, truth = care_totals(record), history.days[:DAYS]
        assert found.feeds.value == pytest.approx(np.mean([one.feeds for one in truth]), rel=0.1)
        assert found.carried.value == pytest.approx(
            np.mean([one.carried_h for one in truth if one.carried_h > 0]), rel=0.1
        )
        assert found.sleep.value == pytest.approx(np.mean([one.sleep_h for one in truth]), abs=0.75)


def test_the_median_wait_counts_those_that_nobody_came_to(told):
    for history, _, record in told:
        answered = [one.answered - one.onset for one in history.spells if one.answered is not None]
        found = swift(record)
        assert found.n > 50
        assert found.median.value >= np.median(answered) * 0.8


def test_hours_that_are_not_heard_leave_the_figure_within_its_interval(told):
    """A third of the hours are taken away by chance; the interval still holds the whole."""
    rng = np.random.default_rng(5)
    held = []
    for _, _, record in told:
        whole = crying(record)
        for _ in range(10):
            deaf = [
                Span(START + timedelta(hours=hour), START + timedelta(hours=hour + 1))
                for hour in np.flatnonzero(rng.random(24 * DAYS) < 1 / 3).tolist()
            ]
            part = crying(_without(record, deaf))
            estimate = part.minutes_a_day
            assert estimate.value is not None
            assert sum(one.crying_s for one in part.days) < sum(one.crying_s for one in whole.days)
            held.append(estimate.low <= whole.minutes_a_day.value <= estimate.high)
    # The days are the same days, so the interval for days like them holds more than 95 %.
    assert np.mean(held) >= 0.95


def test_what_helps_is_ranked_from_hundreds_of_tries(told):
    for _, _, record in told:
        found = helps(record)
        assert found.known
        values = [one.calmed.value for one in found.ranked]
        assert values == sorted(values, reverse=True)
        assert all(one.calmed.low < one.calmed.value < one.calmed.high for one in found.ranked)
        assert found.left_out <= 0.1 * found.trials


def _without(record, deaf):
    """The same record as if nobody had listened then: no cry that began in it is known."""
    kept = tuple(
        one
        for one in record.episodes
        if not any(span.since <= one.onset < span.until for span in deaf)
    )
    return replace(record, episodes=kept, unheard=tuple(deaf))
