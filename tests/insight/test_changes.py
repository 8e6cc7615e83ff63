"""Nights before and after a change, side by side."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from scipy.stats import ttest_ind

from harken.errors import ParameterError
from harken.insight import Change, changes, difference

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)


def day(number, hours=0.0):
    return MONDAY + timedelta(days=number, hours=hours)


def change(at, says="Change", event="1", kind="note"):
    return Change(event, at, kind, says)


@pytest.fixture
def nights(making):
    """A cry a night at 22 o'clock: ten minutes until day 5, then five, unanswered from then on."""

    def make(days=10, deaf=()):
        made = making()
        for number in range(days):
            minutes = 10 + number % 2 if number < 5 else 5 + number % 2
            made.cry(day(number, 15), 60 * minutes, came_s=60 if number < 5 else None)
            made.cry(day(number, 3), 600)  # by day: no matter of the night
        for number in deaf:
            made.unheard(day(number, 14), day(number, 15.0))
        return made.record(MONDAY, day(days))

    return make


def test_nights_before_and_after(nights):
    record = replace(nights(), changes=(change(day(5, 2)),))
    (found,) = changes(record)
    assert [one.date.day for one in found.before.nights] == [5, 6, 7, 8, 9]
    assert [one.date.day for one in found.after.nights] == [10, 11, 12, 13, 14]
    assert (found.before.n, found.after.n, found.left_out) == (5, 5, None)
    assert [one.crying_s for one in found.before.nights] == [600, 660, 600, 660, 600]
    assert found.before.crying.value == pytest.approx(10.4)
    assert found.crying.value == pytest.approx(-4.8)
    assert (found.before.cries.value, found.cries.value) == (1, 0)
    assert (found.before.answered.value, found.after.answered.value) == (1, 0)
    assert found.before.wait.value == 60
    assert found.after.wait.value is None


def test_less_crying_that_stopped_unanswered_is_never_a_success(nights):
    (found,) = changes(replace(nights(), changes=(change(day(5, 2)),)))
    assert (found.before.stopped_unanswered, found.after.stopped_unanswered) == (0, 5)
    said = " ".join(found.says)
    assert "Stopped without an answer: 0 before, 5 after" in said
    assert "no success" in said
    assert "do not show what brought it about" in said
    for word in ("worked", "helped", "improve", "better"):
        assert word not in said


def test_the_night_in_which_the_change_came_is_on_neither_side(nights):
    (found,) = changes(replace(nights(), changes=(change(day(5, 16)),)))
    assert found.left_out == date(2026, 1, 10)
    assert found.before.nights[-1].date.day == 9
    assert found.after.nights[0].date.day == 11


def test_another_change_bounds_the_nights(nights):
    both = (change(day(3, 2), event="1"), change(day(6, 2), event="2"))
    first, second = changes(replace(nights(), changes=both))
    assert [one.date.day for one in first.before.nights] == [5, 6, 7]
    assert [one.date.day for one in first.after.nights] == [8, 9, 10]
    assert [one.date.day for one in second.before.nights] == [8, 9, 10]
    assert [one.date.day for one in changes(replace(nights(), changes=both), nights=2)[1].after.nights] == [11, 12]  # fmt: skip  # noqa: E501


def test_nights_that_were_not_heard_are_shown_and_not_counted(nights):
    record = replace(nights(deaf=(1, 6)), changes=(change(day(5, 2)),))
    (found,) = changes(record)
    assert [one.counts for one in found.before.nights] == [True, False, True, True, True]
    assert (found.before.n, found.after.n) == (4, 4)
    assert "2 nights not listened to all the time or not over" in " ".join(found.says)


def test_too_few_nights_are_said_to_be_too_few(nights):
    record = nights(days=2)
    (found,) = changes(replace(record, changes=(change(day(1, 2)),)))
    assert (found.before.n, found.after.n) == (1, 1)
    assert found.crying.value is None
    assert "1 night before and 1 after: too few" in found.says[0]


def test_what_may_be_chance_is_said_to_be(nights):
    record = replace(nights(), changes=(change(day(2, 2)),))
    (found,) = changes(record, nights=2)
    assert found.crying.low < 0 < found.crying.high
    assert "may well be chance" in found.says[0]


def test_a_night_that_is_not_over_does_not_count(nights):
    record = replace(nights(), changes=(change(day(5, 2)),), now=day(9, 16))
    (found,) = changes(record)
    assert found.after.nights[-1].counts is False
    assert found.after.n == 4


def test_changes_before_the_record_are_not_compared(nights):
    record = nights()
    assert changes(record) == ()
    assert changes(replace(record, changes=(change(day(-3)),))) == ()


@pytest.mark.parametrize("start", [date(2026, 3, 26), date(2026, 10, 22)])
def test_nights_on_which_the_clocks_change(making, start):
    made = making(zone="Europe/Berlin")
    noon = datetime(start.year, start.month, start.day, 12, tzinfo=UTC)
    for number in range(5):
        made.cry(noon + timedelta(days=number, hours=11), 600, came_s=5)
    record = made.record(noon, noon + timedelta(days=5))
    (found,) = changes(replace(record, changes=(change(noon + timedelta(days=2)),)))
    assert (found.before.n, found.after.n) == (2, 3)
    lengths = [
        (one.until - one.since).total_seconds() / 3600
        for one in (*found.before.nights, *found.after.nights)
    ]
    assert lengths == [11, 11, 10 if start.month == 3 else 12, 11, 11]
    assert found.crying.value == 0


def test_the_difference_has_welchs_interval():
    before, after = [61, 44, 80, 52, 70], [33, 48, 20, 41, 55, 39, 28]
    found = difference(before, after)
    wanted = ttest_ind(after, before, equal_var=False).confidence_interval()
    assert found.value == pytest.approx(wanted.low / 2 + wanted.high / 2)
    # Degrees of freedom are rounded down, so ours is the wider by a little.
    assert found.low == pytest.approx(wanted.low, rel=0.03)
    assert found.low <= wanted.low
    assert found.high >= wanted.high
    assert difference([5, 5], [3, 3]).low is None
    assert difference([5], [3, 3]).value is None


def test_bad_input(nights):
    for number in (0, 61, -1):
        with pytest.raises(ParameterError, match="from 1 to 60"):
            changes(nights(), nights=number)


def test_the_json_form_is_json(nights):
    (found,) = changes(replace(nights(), changes=(change(day(5, 16)),)))
    kept = found.as_dict()
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept["before"]["nights"][0]["date"] == "2026-01-05"
    assert kept["left_out"] == "2026-01-10"
