"""Crying a day against tables made by hand, with nights that change the clocks."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harken.evidence import norms
from harken.insight.crying import DIARY, CryingDay, count_threes, cries, crying
from harken.journal import day_bounds

MINUTE = timedelta(minutes=1)
FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)


def at(day, clock):
    """A moment of the day that begins at 07:00: "02:00" is in its night."""
    hour, minute = map(int, clock.split(":"))
    after = ((hour - 7) % 24) * 60 + minute
    return FIRST + timedelta(days=day, minutes=after)


def days_of(*minutes, heard_h=24.0):
    """Days with that much crying for the rule of threes."""
    heard = heard_h if isinstance(heard_h, list) else [heard_h] * len(minutes)
    return [
        CryingDay(
            date(2026, 1, 5) + timedelta(days=place), None, one * 60.0, 1, 1, 0.0, 0.0,
            hours * 3600, 86_400.0, hours == 24,
        )
        for place, (one, hours) in enumerate(zip(minutes, heard, strict=True))
    ]  # fmt: skip


def test_minutes_and_bouts_of_whole_days_are_plain_means(making):
    made = making(born=date(2025, 11, 24))
    made.cry(at(0, "08:00"), 60)
    made.cry(at(0, "20:00"), 120, 20, 60)
    made.cry(at(1, "03:00"), 180)
    found = crying(made.record(FIRST, FIRST + timedelta(days=2)))
    assert [one.crying_s for one in found.days] == [240.0, 180.0]
    assert [one.bouts for one in found.days] == [3, 1]
    assert [one.longest_cry_s for one in found.days] == [120.0, 180.0]
    assert found.minutes_a_day.value == pytest.approx(3.5)
    assert found.bouts_a_day.value == pytest.approx(2.0)
    assert (found.minutes_a_day.n, found.minutes_a_day.unit) == (2, "min/day")
    assert found.minutes_a_day.low < 3.5 < found.minutes_a_day.high
    assert found.evening.value == pytest.approx(180 / 420)
    assert found.long_spells.value == 0
    assert [one.cries for one in found.days] == [2, 1]
    assert found.cries_a_day.value == pytest.approx(1.5)
    assert found.fuss is None
    assert found.heard_hours == 24


def test_frequency_and_duration_are_apart(making):
    """Two records with the same number of bouts, one of them with bouts twice as long."""
    both = []
    for length in (60, 120):
        made = making()
        for day in range(3):
            for clock in ("08:00", "12:00", "22:00"):
                made.cry(at(day, clock), length + day)
        both.append(crying(made.record(FIRST, FIRST + timedelta(days=3))))
    short, long = both
    assert short.bouts_a_day.value == long.bouts_a_day.value == pytest.approx(3)
    assert long.minutes_a_day.value == pytest.approx(6.05)
    assert short.minutes_a_day.value == pytest.approx(3.05)


def test_a_night_that_spans_midnight_is_one(making):
    made = making()
    made.cry(at(0, "23:58"), 240)
    made.cry(at(0, "06:59"), 120)
    days = crying(made.record(FIRST, FIRST + timedelta(days=2))).days
    assert [one.crying_s for one in days] == [300.0, 60.0]
    assert [one.bouts for one in days] == [2, 0]


def test_a_day_can_begin_at_another_time(making):
    made = making(day_starts="00:00")
    made.cry(datetime(2026, 1, 5, 23, 58, tzinfo=UTC), 240)
    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    days = crying(made.record(midnight, midnight + timedelta(days=2))).days
    assert [one.crying_s for one in days] == [120.0, 120.0]


def test_overlapping_bouts_count_once_in_minutes(making):
    made = making()
    made.cry(at(0, "08:00"), 100)
    made.cry(at(0, "08:00") + timedelta(seconds=40), 100)
    (day,) = crying(made.record(FIRST, FIRST + timedelta(days=1))).days
    assert (day.crying_s, day.bouts) == (140.0, 2)


def test_drills_false_alarms_and_what_did_not_last_are_left_out_and_an_open_cry_counts(making):
    made = making()
    made.cry(at(0, "08:00"), 60, drill=True)
    made.cry(at(0, "09:00"), 60, more=[("not_a_cry", 30, {})])
    made.cry(at(0, "10:00"), 60)
    made.cry(at(0, "11:00"), 60, 20, 90, end="open")
    now = at(0, "11:00") + timedelta(seconds=110)
    found = crying(made.record(FIRST, FIRST + timedelta(days=1), now))
    assert found.days[0].crying_s == 60 + 60 + 30
    made.events.clear()
    made.cry(at(0, "11:00"), 60, end="open")
    found = crying(made.record(FIRST, FIRST + timedelta(days=1), now))
    assert found.days[0].crying_s == 0


def test_what_was_not_heard_is_not_calm(making):
    made = making()
    made.cry(at(0, "12:00"), 600)
    made.unheard(at(0, "14:00"), at(0, "02:00"))
    record = made.record(FIRST, FIRST + timedelta(days=1))
    (day,) = crying(record).days
    # From 07:00 to 12:00, from 12:10 to 14:00, and from 02:00 to 07:00 again.
    assert day.longest_calm_s == 5 * 3600
    assert day.heard_s == 12 * 3600
    assert not day.complete
    found = crying(record)
    assert found.minutes_a_day.value is None
    assert found.bouts_a_day.value is None
    assert found.heard_hours == 12
    assert found.minutes_heard.value == pytest.approx(10)
    assert found.longest_calm.value is None
    assert found.evening.value is None
    assert any("not counted as calm" in one for one in found.says)


@pytest.mark.parametrize(
    ("days", "deaf_h", "says"),
    [
        (1, [(0, 24)], "The day was not heard at all. What was not heard is not counted as calm."),
        (1, [(3, 4)], "The day was heard in part. "),
        (3, [(3, 4)], "Of 3 days 1 was heard in part. "),
        (3, [(3, 4), (24, 72)], "Of 3 days 2 were not heard at all and 1 in part. "),
        (3, [(24, 48)], "Of 3 days 1 was not heard at all. "),
    ],
)
def test_days_that_were_not_heard_are_told_in_a_plain_sentence(making, days, deaf_h, says):
    made = making()
    begin = datetime(2026, 1, 5, 7, tzinfo=UTC)
    for since, until in deaf_h:
        made.unheard(begin + timedelta(hours=since), begin + timedelta(hours=until))
    found = crying(made.record(begin, begin + timedelta(days=days)))
    assert any(one.startswith(says) for one in found.says)


def test_a_day_that_nobody_heard_says_nothing(making):
    made = making()
    made.unheard(FIRST, FIRST + timedelta(days=1))
    made.cry(at(1, "12:00"), 600)
    found = crying(made.record(FIRST, FIRST + timedelta(days=2)))
    assert found.days[0].longest_calm_s is None
    assert found.days[0].heard_s == 0
    assert found.minutes_a_day.value == pytest.approx(10)
    assert found.minutes_a_day.n == 1
    assert found.minutes_a_day.low is None


def test_hours_that_are_heard_on_some_days_only_do_not_bend_the_sum(making):
    """Evenings with an hour of crying each are heard on half of the days."""
    made = making()
    for day in range(10):
        made.cry(at(day, "10:00"), 600)
        if day % 2:
            made.unheard(at(day, "16:00"), at(day, "00:00"))
        else:
            made.cry(at(day, "18:00"), 3600)
    found = crying(made.record(FIRST, FIRST + timedelta(days=10)))
    assert found.minutes_a_day.value == pytest.approx(70)
    assert found.bouts_a_day.value == pytest.approx(2)
    assert found.hours[18].minutes.value == pytest.approx(60)
    assert found.hours[18].minutes.n == 5
    assert found.evening.value == pytest.approx(60 / 70)


def test_hours_are_by_the_clock_on_the_wall_when_it_changes(making):
    berlin = "Europe/Berlin"
    for day, length_h in ((date(2026, 3, 28), 23), (date(2026, 10, 24), 25)):
        made = making(zone=berlin)
        begin = datetime(day.year, day.month, day.day, 6 if day.month == 3 else 5, tzinfo=UTC)
        end = begin + timedelta(hours=length_h)
        made.cry(end - timedelta(hours=1, minutes=-10), 300)
        found = crying(made.record(begin, end))
        (one,) = found.days
        assert (one.length_s, one.heard_s) == (length_h * 3600, length_h * 3600)
        assert one.complete
        heard = [hour.heard_s / 3600 for hour in found.hours]
        assert heard[2] == (0 if length_h == 23 else 2)
        assert sum(heard) == length_h
        assert found.hours[6].minutes.value == pytest.approx(5)
        assert found.heard_hours == (23 if length_h == 23 else 24)
        # The hour that the night does not have is not missing.
        assert found.minutes_a_day.value == pytest.approx(5)


def test_a_zone_with_half_hours_has_whole_hours_too(making):
    made = making(zone="Asia/Kolkata", day_starts="07:00")
    begin = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    made.cry(begin + timedelta(hours=3, minutes=50), 1200)
    found = crying(made.record(begin, begin + timedelta(days=1)))
    assert found.hours[10].minutes.value == pytest.approx(10)
    assert found.hours[11].minutes.value == pytest.approx(10)


def test_weeks_are_those_of_age_and_norms_those_of_the_age(making):
    made = making(born=FIRST.date() - timedelta(weeks=5))
    for day in range(14):
        made.cry(at(day, "12:00"), 600 + 60 * day)
    found = crying(made.record(FIRST, FIRST + timedelta(days=14)))
    assert [one.week for one in found.weeks] == [5, 6]
    assert [one.days for one in found.weeks] == [7, 7]
    assert found.weeks[0].minutes_a_day.value == pytest.approx(13)
    assert found.age_weeks == pytest.approx(6, abs=0.1)
    known = norms("cry_fuss_min_per_day", found.age_weeks)
    assert [one for one in found.norms if one.measure == "cry_fuss_min_per_day"] == list(known)
    assert found.says[1] == DIARY
    assert "not fussing" in found.says[0]


def test_a_long_record_is_of_no_one_age(making):
    made = making(born=FIRST.date() - timedelta(weeks=2))
    found = crying(made.record(FIRST, FIRST + timedelta(days=50)))
    assert found.norms == ()
    assert len(found.weeks) == 8


def test_ages_of_a_child_born_early_can_be_corrected(making):
    born = FIRST.date() - timedelta(weeks=10)
    made = making(born=born, due=born + timedelta(weeks=6))
    record = made.record(FIRST, FIRST + timedelta(days=1))
    plain, corrected = crying(record), crying(record, corrected=True)
    assert plain.age_weeks == pytest.approx(10.1, abs=0.1)
    assert corrected.age_weeks == pytest.approx(4.1, abs=0.1)
    assert (plain.corrected, corrected.corrected) == (False, True)
    assert {one.claim_id for one in corrected.norms} != {one.claim_id for one in plain.norms}
    made.due = born + timedelta(days=3)
    found = crying(made.record(FIRST, FIRST + timedelta(days=1)), corrected=True)
    assert not found.corrected
    assert any("not before 37 weeks" in one for one in found.says)


def test_before_the_due_date_there_are_no_norms(making):
    made = making(born=FIRST.date(), due=FIRST.date() + timedelta(weeks=6))
    found = crying(made.record(FIRST, FIRST + timedelta(days=1)), corrected=True)
    assert found.age_weeks < 0
    assert found.norms == ()


def test_nothing_known_is_nothing_said(making):
    made = making()
    made.unheard(FIRST, FIRST + timedelta(days=1))
    found = crying(made.record(FIRST, FIRST + timedelta(days=1)))
    assert found.minutes_a_day.value is None
    assert found.minutes_heard.value is None
    assert found.age_weeks is None
    assert found.norms == ()
    assert found.threes.modified is None
    assert found.threes.wessel is None
    json.dumps(found.as_dict(), allow_nan=False)


def test_one_cry_is_a_number_without_an_interval(making):
    made = making()
    made.cry(at(0, "12:00"), 90)
    found = crying(made.record(FIRST, FIRST + timedelta(days=1)))
    assert str(found.minutes_a_day) == "1.5 min/day (n = 1)"
    assert found.as_dict()["days"][0]["date"] == "2026-01-05"


def test_the_day_that_goes_on_is_not_whole(making):
    made = making()
    made.cry(at(1, "08:00"), 90)
    found = crying(made.record(FIRST, FIRST + timedelta(days=2), at(1, "09:00")))
    assert [one.complete for one in found.days] == [True, False]
    assert found.days[1].heard_s == 2 * 3600
    assert found.days[1].longest_calm_s == 3600


@pytest.mark.parametrize(
    ("days", "modified", "wessel"),
    [
        (days_of(*[180, 0, 180, 0, 180, 0, 0]), True, None),
        (days_of(*[180, 0, 180, 0, 179, 0, 0]), False, None),
        (days_of(*[180, 180, 0, 0, 0, 0, 0, 180]), False, None),
        (days_of(*[180, 180, 180, 0, 0, 0, 0] * 3), True, True),
        # The weeks are any seven days, one after the other.
        (days_of(*[0, 0, *[180, 180, 180, 0, 0, 0, 0] * 3]), True, True),
        (days_of(*[180, 180, 180, 0, 0, 0, 0] * 2, *[0] * 7), True, False),
        (days_of(*[180, 180, 180, *[0] * 11] * 3), True, False),
        (days_of(*[0] * 21), False, False),
        (days_of(*[180] * 2), None, None),
        (days_of(*[180] * 3), True, None),
        ([], None, None),
    ],
)
def test_the_rule_of_threes_is_counted_exactly(days, modified, wessel):
    found = count_threes(days)
    assert (found.modified, found.wessel) == (modified, wessel)
    assert "not a diagnosis" in found.says


def test_a_day_that_was_not_heard_may_have_been_one_of_three():
    found = count_threes(days_of(180, 180, 10, 0, 0, 0, 0, heard_h=[24, 24, 21, 24, 24, 24, 24]))
    assert (found.days_over, found.days_unknown) == (2, 1)
    assert found.modified is None
    # 10 minutes and 2 hours that were not heard cannot have been three.
    found = count_threes(days_of(180, 180, 10, 0, 0, 0, 0, heard_h=[24, 24, 22, 24, 24, 24, 24]))
    assert found.modified is False


def test_the_longest_run_of_weeks_equals_a_slow_count():
    rng = np.random.default_rng(4)
    for _ in range(40):
        over = rng.random(40) < 0.45
        best = 0
        for start in range(-6, 40):
            weeks = 0
            while True:
                days = [start + 7 * weeks + one for one in range(7)]
                if sum(over[one] for one in days if 0 <= one < 40) < 3:
                    break
                weeks += 1
            best = max(best, weeks)
        assert count_threes(days_of(*(180 * over).tolist())).weeks == best


MINUTES = st.integers(0, 3 * 1440)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cried=st.lists(st.tuples(MINUTES, st.integers(1, 200)), max_size=8),
    deaf=st.lists(st.tuples(MINUTES, st.integers(1, 900)), max_size=5),
    begins=st.sampled_from(["2026-03-27", "2026-10-23", "2026-06-01"]),
    cut=st.integers(0, 600),
    now=MINUTES,
)
def test_days_equal_a_count_minute_by_minute(making, cried, deaf, begins, cut, now):
    """Any bouts and any gaps, over nights in which the clocks change, against the slow way."""
    zone = "Europe/Berlin"
    begin, _ = day_bounds(date.fromisoformat(begins), zone)
    since = begin + cut * MINUTE
    _, until = day_bounds(date.fromisoformat(begins) + timedelta(days=2), zone)
    now = max(since + MINUTE, begin + now * MINUTE)
    made = making(zone=zone)
    for after, minutes in cried:
        made.cry(begin + after * MINUTE, minutes * 60)
    end = min(until, now)
    for after, minutes in sorted(deaf):
        first, last = begin + after * MINUTE, begin + (after + minutes) * MINUTE
        first = max(first, since, *(span.until for span in made.deaf))
        if first < min(last, end):
            made.unheard(first, min(last, end))
    record = made.record(since, until, now)
    found = crying(record)
    bouts = [bout for one in cries(record) for bout in one.bouts if bout.kept]

    def is_in(at, spans):
        return any(one <= at < other for one, other in spans)

    loud = [(one.onset, one.heard_until) for one in bouts]
    quiet = [(one.since, one.until) for one in made.deaf]
    by_hour = [0] * 24
    for day, one in zip(record.days(), found.days, strict=True):
        minutes = [day.since + place * MINUTE for place in range(round(one.length_s / 60))]
        state = [
            "cry" if is_in(at, loud) else "heard" if since <= at < end and not is_in(at, quiet)
            else "deaf"
            for at in minutes
        ]  # fmt: skip
        assert one.crying_s == 60 * state.count("cry")
        assert one.heard_s == 60 * (len(state) - state.count("deaf"))
        assert one.bouts == sum(day.since <= bout.onset < day.until for bout in bouts)
        runs = [len(list(run)) for kind, run in groupby(state) if kind == "heard"]
        if one.longest_calm_s is not None:
            assert one.longest_calm_s == 60 * max(runs, default=0)
        for at, kind in zip(minutes, state, strict=True):
            by_hour[record.local(at).hour] += kind != "deaf"
    assert [one.heard_s for one in found.hours] == [60.0 * one for one in by_hour]


def test_a_year_takes_no_longer_than_a_page_may(household):
    record = household(5, days=365, cries_a_day=12).record()
    began = time.process_time()
    found = crying(record)
    assert time.process_time() - began < 0.5
    assert len(found.days) == 365
    assert len(found.weeks) == 53
