"""What was looked at where crying went on."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from harken.insight import comprehensive

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)
WEEK = MONDAY + timedelta(days=7)


def at(hours):
    return MONDAY + timedelta(hours=hours)


def check(after_s, need, **data):
    return "checked", after_s, {"need": need, **data}


def test_an_episode_went_on_from_two_minutes_past_the_first_answer(making):
    made = making()
    made.cry(at(0), 149, came_s=30)
    made.cry(at(1), 150, came_s=30)
    made.cry(at(2), 40, 30, 80, came_s=30)  # with a pause: cried until 150
    made.cry(at(3), 120, came_s=-5)  # there already
    made.cry(at(4), 400)  # nobody came
    found = comprehensive(made.record(MONDAY, WEEK))
    assert (found.answered, found.n, found.went_on_s) == (4, 3, 120)


def test_needs_count_once_an_episode(making):
    made = making()
    made.cry(
        at(0), 300, came_s=30,
        more=[
            check(40, "hunger", found=False), check(90, "hunger", found=True), check(60, "nappy"),
        ],
    )  # fmt: skip
    made.cry(at(1), 300, came_s=30, more=[check(50, "nappy", found=False)])
    made.cry(at(2), 300, came_s=30, tried=[(40, "rock"), (200, "rock"), (60, "song")])
    made.cry(at(3), 60, came_s=30, more=[check(40, "ill")])  # did not go on
    found = comprehensive(made.record(MONDAY, WEEK))
    needs = {one.need: (one.count, one.found, one.not_it) for one in found.needs}
    assert needs["hunger"] == (1, 1, 0)
    assert needs["nappy"] == (2, 0, 1)
    assert needs["ill"] == (0, 0, 0)
    assert len(needs) == 8
    assert found.any_check.value == pytest.approx(2 / 3)
    assert found.needs_checked.value == pytest.approx((2 / 8 + 1 / 8 + 0) / 3)
    assert found.needs_checked.n == 3
    assert 0 <= found.needs_checked.low <= found.needs_checked.high <= 1
    assert [(one.attempt, one.count) for one in found.tried] == [("rock", 1), ("song", 1)]
    assert "not noted" in comprehensive.__doc__
    assert any("nobody taps with both hands full" in line for line in found.says)


def test_nothing(making):
    made = making()
    found = comprehensive(made.record(MONDAY, WEEK))
    assert (found.n, found.needs_checked.value, found.any_check.value) == (0, None, None)
    made.cry(MONDAY, 40, came_s=5)
    found = comprehensive(made.record(MONDAY, WEEK))
    assert (found.answered, found.n) == (1, 0)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False)) == found.as_dict()
