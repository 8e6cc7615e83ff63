"""How long until somebody came: hand-made cries, censored where they ended first."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.insight import swift, waits

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)
WEEK = MONDAY + timedelta(days=7)


def at(hours):
    return MONDAY + timedelta(hours=hours)


@pytest.fixture
def five(making):
    """Answered after 10, 20 and 40 s; one stopped after 15 s, one after 90 s, unanswered."""
    made = making(born=date(2025, 12, 1))
    for hours, came in ((1, 10), (2, 20), (3, 40)):
        made.cry(at(hours), 100, came_s=came)
    made.cry(at(4), 15)
    made.cry(at(5), 90)
    return made


def test_what_ended_first_counts_as_a_wait_that_was_at_least_that_long(five):
    found = swift(five.record(MONDAY, WEEK))
    assert (found.n, found.answered, found.censored) == (5, 3, 2)
    # 1 → 4/5 at 10 → (15 leaves) → · 2/3 at 20 → · 1/2 at 40.
    assert found.curve.values == pytest.approx((1, 0.8, 0.8, 0.8 * 2 / 3, 0.8 / 3, 0.8 / 3))
    assert found.median.value == 40
    assert [one.at_s for one in found.within] == [10, 30, 60, 300]
    shares = [one.share.value for one in found.within]
    assert shares[:3] == pytest.approx([0.2, 1 - 1.6 / 3, 1 - 0.8 / 3])
    assert shares[3] is None, "nobody was watched for five minutes"
    assert found.sources.tapped == 3


def test_a_response_after_the_crying_is_no_answer(making):
    made = making()
    made.cry(MONDAY, 30, came_s=55)
    (wait,) = waits(made.record(MONDAY, WEEK))
    assert wait.response is None
    assert wait.seconds == 30


def test_who_was_there_before_waited_for_nobody(making):
    made = making()
    made.cry(MONDAY, 30, came_s=-8)
    found = swift(made.record(MONDAY, WEEK))
    assert found.median.value == 0
    assert found.within[0].share.value == 1


def test_drills_false_alarms_and_what_goes_on_are_left_out(making):
    made = making()
    made.cry(MONDAY, 60, came_s=5, drill=True)
    made.cry(at(1), 60, more=[("not_a_cry", 20, {})])
    made.cry(at(2), 60, end="open")
    assert swift(made.record(MONDAY, WEEK)).n == 0


def test_heard_and_tapped_answers_are_kept_apart_with_a_switch(making):
    made = making()
    made.cry(MONDAY, 90, came_s=60)
    heard_only = made.cry(at(1), 90)
    confirmed = made.cry(at(2), 90)
    for hours, after in ((0, 20), (1, 30), (2, 40)):
        since = at(hours) + timedelta(seconds=after)
        made._add("voice_heard", since, {"until": (since + timedelta(seconds=4)).isoformat()})
    voice = made.events[-1]
    made._add("confirmed", at(2.1), {"target": str(voice.id)}, by="caregiver:ada")
    assert heard_only != confirmed
    record = made.record(MONDAY, WEEK)
    plain, heard = swift(record), swift(record, inferred=True)
    assert vars_of(plain.sources) == (1, 1, 0, 1)
    assert vars_of(heard.sources) == (1, 1, 0, 1)
    assert sorted(one.seconds for one in waits(record)) == [40, 60, 90]
    assert sorted(one.seconds for one in waits(record, inferred=True)) == [20, 30, 40]
    assert (plain.answered, heard.answered) == (2, 3)
    assert plain.median_inferred == heard.median
    assert "only heard a voice" in " ".join(plain.says)


def vars_of(sources):
    return sources.tapped, sources.confirmed, sources.sensor, sources.inferred


def test_by_hour_of_the_households_clock(making):
    made = making(zone="Europe/Berlin")
    made.cry(datetime(2026, 1, 5, 23, 30, tzinfo=UTC), 60, came_s=30)
    groups = swift(made.record(MONDAY, WEEK), by="hour").groups
    assert [one.key for one in groups] == [str(hour) for hour in range(24)]
    assert [one.n for one in groups if one.n] == [1]
    assert groups[0].n == 1
    assert groups[0].label == "00:00"
    assert groups[0].median.value == 30


def test_by_week_of_age_and_of_the_record_where_the_birth_is_not_known(five):
    record = five.record(MONDAY, WEEK)
    assert [(one.key, one.label) for one in swift(record, by="week").groups] == [("5", "week 5")]
    unborn = replace(record, born=None)
    assert [one.label for one in swift(unborn, by="week").groups] == ["week 1 of the record"]


def test_by_week_of_corrected_age_only_for_a_child_born_early(five):
    record = five.record(MONDAY, WEEK)
    early = replace(record, due=date(2026, 1, 1))
    late = replace(record, due=date(2025, 12, 15))
    assert swift(early, by="week", corrected=True).groups[0].key == "0"
    assert swift(late, by="week", corrected=True).groups[0].key == "5"


def test_by_caregiver_is_in_the_order_of_names_and_ranks_nobody(making):
    made = making()
    for hours in range(4):
        made.cry(at(hours), 90, came_s=5, by="ben")
    made.cry(at(5), 90, came_s=80, by="ada")
    made.cry(at(6), 90)
    found = swift(made.record(MONDAY, WEEK), by="caregiver")
    assert [(one.label, one.n) for one in found.groups] == [("Ada", 1), ("Ben", 4)]
    assert any("compare no people" in line for line in found.says)


def test_published_groups_are_those_at_the_childs_age(five):
    record = five.record(MONDAY, WEEK)
    found = swift(record)
    assert found.age_weeks == pytest.approx(5.5, abs=0.1)
    there = [
        (one.population, one.mean) for one in found.norms if one.measure.endswith("within_10s")
    ]
    assert there == [("Efe", 85), ("!Kung San", 90)]
    assert not any(one.confirmed for one in found.norms if one.measure.startswith("pct"))
    assert {one.population for one in found.other_norms} >= {"Efe", "!Kung San"}
    # Over months a child is of no one age.
    long = swift(replace(record, since=MONDAY - timedelta(days=90)))
    assert long.norms == ()
    assert swift(replace(record, born=None)).norms == ()


def test_the_json_form_is_json(five):
    kept = swift(five.record(MONDAY, WEEK), by="hour").as_dict()
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept["median"]["value"] == 40
    assert kept["norms"][0]["confirmed"] is False


def test_nothing_and_one(making):
    made = making()
    assert swift(made.record(MONDAY, WEEK)).median.value is None
    made.cry(MONDAY, 60, came_s=12)
    one = swift(made.record(MONDAY, WEEK))
    assert str(one.median) == "12 s (n = 1)"
    assert one.within[0].share.value == 0
