"""Whether somebody came, and how evenly."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.insight import consistent

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)
WEEK = MONDAY + timedelta(days=7)


def at(hours):
    return MONDAY + timedelta(hours=hours)


def test_the_share_and_how_cries_ended(making):
    made = making()
    for hours in range(6):
        made.cry(at(hours), 90, came_s=30)
    made.cry(at(7), 20)
    made.cry(at(8), 300)
    made.cry(at(9), 100, came_s=115)  # a tap that comes late, but within what a tap may take
    made.cry(at(10), 100, came_s=150)  # after the crying had ended
    found = consistent(made.record(MONDAY, WEEK))
    assert (found.n, found.answered.value, found.answered.n) == (10, 0.7, 10)
    assert (found.soothed, found.settled_alone, found.stopped_unanswered) == (7, 1, 2)
    assert found.late == 1
    assert found.longest_unanswered.seconds == 300
    assert found.longest_unanswered.outcome == "stopped_unanswered"
    assert found.longest_wait.seconds == 115
    said = " ".join(found.says)
    assert "2 cries stopped without an answer" in said
    assert "after the crying had ended" in said


def test_only_heard_answers_are_shown_apart(making):
    made = making()
    made.cry(MONDAY, 90)
    since = MONDAY + timedelta(seconds=20)
    made._add("voice_heard", since, {"until": (since + timedelta(seconds=4)).isoformat()})
    made.cry(at(1), 90, came_s=10)
    record = made.record(MONDAY, WEEK)
    plain, heard = consistent(record), consistent(record, inferred=True)
    assert (plain.answered.value, plain.answered_inferred.value) == (0.5, 1.0)
    assert plain.sources.inferred == 1
    assert [sum(one.answered.value or 0 for one in each.hours) for each in (plain, heard)] == [1, 2]
    assert plain.longest_unanswered is not None
    assert heard.longest_unanswered is None
    assert heard.stopped_unanswered == 1, "how it ended is by what people vouch for"


def test_by_hour_and_night(making):
    made = making(zone="Europe/Berlin")
    evening = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
    made.cry(evening, 90, came_s=5)
    made.cry(evening + timedelta(hours=3), 90)
    made.cry(evening + timedelta(hours=12), 90)  # by day
    made.unheard(evening + timedelta(hours=24), evening + timedelta(hours=26))
    since = datetime(2026, 1, 5, 6, tzinfo=UTC)
    found = consistent(made.record(since, since + timedelta(days=3)))
    assert {one.hour: (one.n, one.answered.value) for one in found.hours if one.n} == {
        23: (1, 1.0), 2: (1, 0.0), 11: (1, 0.0),
    }  # fmt: skip
    assert [(one.date, one.n, one.unanswered) for one in found.nights] == [
        (date(2026, 1, 5), 2, 1),
        (date(2026, 1, 6), 0, 0),
        (date(2026, 1, 7), 0, 0),
    ]
    assert found.nights[0].answered.value == 0.5
    assert found.nights[1].heard_share == pytest.approx(9 / 11)
    assert "1 of 3 nights" in " ".join(found.says)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_a_night_on_which_the_clocks_change_holds_its_cries_once(making, day):
    made = making(zone="Europe/Berlin")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for hours in range(48):
        made.cry(noon + timedelta(hours=hours), 20, came_s=5)
    found = consistent(made.record(noon, noon + timedelta(days=2)))
    length = {date(2026, 3, 28): 10, date(2026, 10, 24): 12}[day]
    assert [(one.date, one.n) for one in found.nights][:1] == [(day, length)]
    assert sum(one.n for one in found.hours) == 48


def test_caregivers_are_named_only_if_asked_for_and_by_name(making):
    made = making()
    for hours in range(3):
        made.cry(at(hours), 90, came_s=5, by="ben")
    made.cry(at(4), 90, came_s=5)
    made.cry(at(5), 90)
    record = made.record(MONDAY, WEEK)
    assert consistent(record).caregivers == ()
    found = consistent(record, caregivers=True).caregivers
    assert [(one.name, one.answered, one.share.value) for one in found] == [
        ("Ada", 1, 0.25),
        ("Ben", 3, 0.75),
    ]


def test_unevenness_is_what_chance_does_not_explain(making):
    made = making()
    for day in range(14):
        for hour in range(14, 20):  # 21 to 03 o'clock
            came = 5 if day % 2 else None
            made.cry(at(24 * day + hour), 90, came_s=came)
    torn = consistent(made.record(MONDAY, MONDAY + timedelta(days=14)))
    # Half of the nights all, half of them none: the shares are 0.5 from their mean.
    assert torn.uneven_nights.value == pytest.approx(0.5, abs=0.04)
    assert torn.uneven_hours.value == 0
    few = consistent(replace(torn_record(making), until=WEEK))
    assert few.uneven_nights.value is None


def torn_record(making):
    made = making()
    made.cry(at(15), 90)
    return made.record(MONDAY, WEEK)


def test_nothing_and_one(making):
    made = making()
    found = consistent(made.record(MONDAY, WEEK))
    assert (found.n, found.answered.value, found.longest_unanswered) == (0, None, None)
    assert len(found.hours) == 24
    made.cry(MONDAY, 30)
    one = consistent(made.record(MONDAY, WEEK))
    assert (one.answered.value, one.answered.n, one.settled_alone) == (0.0, 1, 1)
    assert one.answered.high > 0.7


def test_the_json_form_is_json(making):
    made = making()
    made.cry(MONDAY, 90, came_s=20)
    made.cry(at(1), 90)
    kept = consistent(made.record(MONDAY, WEEK), caregivers=True).as_dict()
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept["longest_unanswered"]["onset"] == "2026-01-05T08:00:00+00:00"
