"""The demo's past: simulated, said to be so, and whole up to the moment it goes on live."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from harken.cli.household import (
    AGE_WEEKS,
    BEGINS,
    CHANGE,
    ENDS,
    ROOM,
    WEEKS,
    begins,
    fill,
    make_household,
    past,
)
from harken.episodes import Outcome
from harken.journal import Child, Journal

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        Journal.open(tmp_path_factory.mktemp("demo") / "journal.db") as opened,
    ):
        patch.setattr("harken.cli.household._zone", lambda: "UTC")
        make_household(opened, now=NOW)
        opened.cries = fill(opened, seed=0, now=NOW)
        yield opened


def test_the_same_number_gives_the_same_past_and_another_one_another():
    made, again, other = (past(seed=seed, now=NOW, zone="UTC") for seed in (3, 3, 4))

    def told(events):
        # The notes are written anew each time, by hand as it were.
        return [one.as_dict() for one in events if one.data.get("text") not in (BEGINS, ENDS)]

    assert told(made) == told(again)
    assert told(made) != told(other)


def test_a_later_hour_shows_more_of_the_same_past():
    early, late = (past(seed=1, now=NOW + timedelta(hours=h), zone="UTC")[1:-1] for h in (0, 5))
    until = early[-1].at - timedelta(hours=4)
    assert [one for one in early if one.at < until] == [one for one in late if one.at < until]
    assert len(late) > len(early)


@pytest.mark.parametrize("hour", [0, 6, 7, 12, 23])
@pytest.mark.parametrize("seed", range(4))
def test_all_of_it_is_past_and_in_order(hour, seed):
    now = NOW.replace(hour=hour)
    made = past(seed=seed, now=now, zone="Europe/Berlin")
    assert all(one.at <= other.at for one, other in pairwise(made))
    assert made[-1].at < now
    # Cut off before a cry that was not over: not for longer than such a cry lasts.
    assert made[-1].at > now - timedelta(hours=3)
    for one in made:
        if one.kind == "care" and "until" in one.data:
            assert datetime.fromisoformat(one.data["until"]) < now


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 5, 20, 4, 59, tzinfo=UTC), "2026-03-24T07:00:00+01:00"),
        (datetime(2026, 5, 20, 5, 0, tzinfo=UTC), "2026-03-25T07:00:00+01:00"),
    ],
)
def test_it_begins_at_seven_also_when_the_clocks_have_changed_since(now, day):
    assert begins(now, "Europe/Berlin").isoformat() == day


def test_every_episode_is_over_and_nothing_is_left_to_be_told(journal):
    episodes = journal.episodes(now=NOW)
    assert len(episodes) == journal.cries > 300
    assert not [one for one in episodes if one.open]
    assert journal.due_alerts(NOW + timedelta(days=1)) == []
    outcomes = {one.outcome for one in episodes}
    assert {Outcome.SOOTHED, Outcome.STOPPED_UNANSWERED} <= outcomes


def test_the_infant_is_as_old_as_the_past_says(journal):
    (child,) = journal.household.list(Child)
    assert (begins(NOW, "UTC").date() - child.born).days == 7 * AGE_WEEKS
    assert (NOW.date() - child.born).days == 7 * (AGE_WEEKS + WEEKS)
    assert child.room == ROOM


def test_it_says_where_the_simulation_begins_and_ends_and_what_changed(journal):
    notes = [one for one in journal.care() if one.what == "note"]
    assert [one.text for one in notes] == [BEGINS, CHANGE, ENDS]
    assert "simulated" in journal.household.get_setting("name")
    assert notes[1].at - notes[0].at == timedelta(weeks=5)


def test_both_caregivers_answer_and_both_keep_the_log(journal):
    responses = [one.first_response for one in journal.episodes(now=NOW)]
    assert {one.caregiver for one in responses if one} >= {"anna", "ben"}
    assert {one.caregiver for one in journal.care()} >= {"anna", "ben"}
    assert {one.what for one in journal.care()} >= {"sleep", "feed", "nappy", "carry", "note"}
