"""The care log by day, by hand, with overlaps, open entries and nights that change the clocks."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from harken.insight.care_totals import Since, care_totals, lengths

FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_sleep_that_two_people_entered_counts_once(making):
    made = making()
    made.care("sleep", FIRST + 2 * HOUR, FIRST + 4 * HOUR)
    made.care("sleep", FIRST + 3 * HOUR, FIRST + 5 * HOUR)
    made.care("sleep", FIRST + 8 * HOUR, FIRST + 9 * HOUR)
    (day,) = care_totals(made.record(FIRST, FIRST + 24 * HOUR)).days
    assert (day.sleep_s, day.longest_sleep_s, day.sleeps) == (4 * 3600, 3 * 3600, 2)


def test_a_night_belongs_to_the_day_before_and_is_cut_where_the_day_begins(making):
    made = making()
    made.care("sleep", FIRST + 13 * HOUR, FIRST + 25 * HOUR)
    one, other = care_totals(made.record(FIRST, FIRST + 48 * HOUR)).days
    assert (one.sleep_s, one.sleeps) == (11 * 3600, 1)
    assert (other.sleep_s, other.sleeps, other.longest_sleep_s) == (3600, 0, 3600)


def test_sleep_from_before_the_record_is_cut(making):
    made = making()
    made.care("sleep", FIRST - 3 * HOUR, FIRST + HOUR)
    made.care("feed", FIRST - HOUR, side="left")
    (day,) = care_totals(made.record(FIRST, FIRST + 24 * HOUR)).days
    assert (day.sleep_s, day.sleeps, day.feeds) == (3600, 0, None)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 28, 23), (10, 24, 25)])
def test_a_night_in_which_the_clocks_change_has_its_true_length(making, month, day, hours):
    made = making(zone="Europe/Berlin")
    begin = datetime(2026, month, day, 6 if month == 3 else 5, tzinfo=UTC)
    end = begin + hours * HOUR
    made.care("sleep", end - 10 * HOUR, end)
    (one,) = care_totals(made.record(begin, end)).days
    assert one.whole
    assert one.sleep_s == 10 * 3600


def test_feeds_and_nappies_are_counted_by_what_they_were(making):
    made = making()
    made.care("feed", FIRST + HOUR, side="left")
    made.care("feed", FIRST + 2 * HOUR, ml=90.0)
    made.care("feed", FIRST + 3 * HOUR, ml=60.5)
    made.care("feed", FIRST + 4 * HOUR, food="pear")
    made.care("feed", FIRST + 5 * HOUR)
    made.care("nappy", FIRST + 6 * HOUR, wet=True)
    made.care("nappy", FIRST + 7 * HOUR, wet=True, solid=True)
    made.care("nappy", FIRST + 8 * HOUR)
    made.care("medicine", FIRST + 9 * HOUR, name="vitamin D")
    found = care_totals(made.record(FIRST, FIRST + 24 * HOUR))
    (day,) = found.days
    assert (day.feeds, day.breast, day.bottles, day.meals, day.ml) == (5, 1, 2, 1, 150.5)
    assert (day.nappies, day.wet, day.solid, day.medicines) == (3, 2, 1, 1)
    assert str(found.feeds) == "5 feeds/day (n = 1)"


def test_a_day_without_an_entry_is_not_a_day_without_feeds(making):
    made = making()
    for place in range(6):
        made.care("feed", FIRST + place * HOUR, side="left")
    for place in range(8):
        made.care("feed", FIRST + (48 + place) * HOUR, side="left")
    found = care_totals(made.record(FIRST, FIRST + 72 * HOUR))
    assert [one.feeds for one in found.days] == [6, None, 8]
    assert (found.feeds.value, found.feeds.n) == (7.0, 2)
    assert found.ml.value is None
    assert found.sleep.value is None
    assert found.days[0].ml is None


def test_a_day_that_goes_on_is_in_no_mean(making):
    made = making()
    made.care("nappy", FIRST + HOUR)
    made.care("nappy", FIRST + 25 * HOUR)
    made.care("nappy", FIRST + 30 * HOUR)
    found = care_totals(made.record(FIRST, FIRST + 48 * HOUR, FIRST + 26 * HOUR))
    assert [one.whole for one in found.days] == [True, False]
    # What was entered ahead of the clock has not happened.
    assert [one.nappies for one in found.days] == [1, 1]
    assert found.nappies.n == 1


def test_the_last_sleep_goes_on_and_one_that_was_never_ended_has_no_length(making):
    made = making()
    made.care("sleep", FIRST + HOUR)
    made.care("sleep", FIRST + 12 * HOUR)
    now = FIRST + 14 * HOUR
    found = care_totals(made.record(FIRST, FIRST + 24 * HOUR, now))
    assert found.days[0].sleep_s == 2 * 3600
    assert found.unended == 1
    assert "never ended" in found.says[-1]
    asleep, unended = lengths(made.record(FIRST, FIRST + 72 * HOUR, FIRST + 40 * HOUR), "sleep")
    assert (asleep, unended) == ([], 2)


def test_nothing_written_is_nothing_known(making):
    found = care_totals(making().record(FIRST, FIRST + 24 * HOUR))
    (day,) = found.days
    assert day.sleep_s is day.feeds is day.nappies is day.carried_s is None
    assert found.carried.n == 0
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["days"][0]["date"] == (
        "2026-01-05"
    )


def test_how_long_ago_a_feed_and_a_sleep_were(making):
    made = making()
    made.care("feed", FIRST, FIRST + timedelta(minutes=20), side="left")
    made.care("sleep", FIRST + HOUR, FIRST + 2 * HOUR)
    made.cry(FIRST + 3 * HOUR, 200, came_s=10, tried=[(60, "feed")])
    since = Since(made.record(FIRST, FIRST + 72 * HOUR))
    assert since.feed(FIRST - HOUR) is None
    assert since.feed(FIRST) is None
    assert since.feed(FIRST + timedelta(minutes=10)) == 0
    assert since.feed(FIRST + timedelta(minutes=50)) == 1800
    assert since.feed(FIRST + 3 * HOUR) == 160 * 60
    assert since.feed(FIRST + 3 * HOUR + timedelta(seconds=90)) == 30
    assert since.feed(FIRST + 30 * HOUR) is None
    assert since.sleep(FIRST + timedelta(minutes=90)) == 0
    assert since.sleep(FIRST + 3 * HOUR) == 3600
    assert since.sleep(FIRST) is None
