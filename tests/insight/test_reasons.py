"""What it usually was: counts by hour and time since a feed, and nothing of too few."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from harken.insight.reasons import usual_reasons

FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def record(making):
    made = making()
    for day in range(8):
        begin = FIRST + day * DAY
        made.care("feed", begin + HOUR, side="left")
        made.cry(begin + HOUR * 1.5, 60, reason="Wind" if day % 4 else " wind ")
        made.cry(begin + HOUR * 5, 60, reason="hungry" if day % 4 else "Tired")
        made.cry(begin + HOUR * 17, 60, reason="hungry" if day < 3 else None)
    return made.record(FIRST, FIRST + 8 * DAY, FIRST + 9 * DAY)


def test_counts_are_of_this_hour_and_this_long_after_a_feed(record):
    found = usual_reasons(record, FIRST + 8 * DAY + 4 * HOUR, 4 * 3600)
    assert [(one.reason, one.count) for one in found.reasons] == [("hungry", 6), ("tired", 2)]
    assert str(found.reasons[0].share) == "75 % (41 to 93, n = 8)"
    assert found.like == "around 11 o’clock, 3 hours or more after a feed"
    assert (found.n, found.tagged, found.counted) == (8, 19, 24)
    assert "not heard in the sound" in found.says


def test_a_different_time_since_a_feed_is_different(record):
    found = usual_reasons(record, FIRST + 8 * DAY + 2 * HOUR, 1800)
    assert [(one.reason, one.count) for one in found.reasons] == [("wind", 8)]


def test_the_care_log_tells_how_long_ago_a_feed_was(record):
    at = FIRST + 7 * DAY + 5 * HOUR
    found = usual_reasons(record, at)
    assert found.since_feed_s == 4 * 3600
    # Only what was before that moment.
    assert found.n == 7


def test_without_a_known_feed_the_hour_alone_counts(record):
    found = usual_reasons(record, FIRST + 30 * DAY + 5 * HOUR)
    assert found.since_feed_s is None
    assert found.like == "around 12 o’clock"
    assert found.n == 8


def test_around_midnight_the_hours_meet(record):
    at = FIRST + 8 * DAY + 15 * HOUR
    assert usual_reasons(record, at, 9e4, least=3).n == 3
    assert usual_reasons(record, at - HOUR, 9e4, least=3).hour == 21


def test_too_few_are_not_yet_known(record):
    found = usual_reasons(record, FIRST + 8 * DAY + 16 * HOUR, 9e4)
    assert (found.n, found.known, found.reasons) == (3, False, ())
    assert found.says.startswith("Not yet known: 3 of the 5")
    json.dumps(found.as_dict(), allow_nan=False)


def test_drills_and_false_alarms_are_left_out(making):
    made = making()
    made.cry(FIRST, 60, reason="hungry", drill=True)
    made.cry(FIRST + HOUR, 60, reason="hungry", more=[("not_a_cry", 50, {})])
    assert usual_reasons(made.record(FIRST, FIRST + DAY), FIRST + DAY).counted == 0
