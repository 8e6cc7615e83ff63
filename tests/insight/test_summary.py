"""All measures at once, for a day, for nothing, and for a year."""

import json
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.errors import ParameterError
from harken.insight import summary

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)


@pytest.fixture
def record(making):
    made = making(born=date(2025, 12, 1))
    for number in range(14):
        made.cry(MONDAY + timedelta(days=number, hours=12), 60, came_s=20, by="ben")
    return made.record(MONDAY, MONDAY + timedelta(days=14))


def test_the_json_form_has_every_measure_and_is_the_same_each_time(record):
    kept = summary(record, by="hour").as_dict()
    assert list(kept) == [
        "child", "since", "until", "now", "zone", "day_starts", "corrected", "inferred", "days",
        "swift", "consistent", "comprehensive", "crying", "helps", "carrying", "changes",
        "reasons", "care", "around",
    ]  # fmt: skip
    text = json.dumps(kept, allow_nan=False)
    assert json.dumps(summary(record, by="hour").as_dict(), allow_nan=False) == text
    assert json.loads(text)["child"] == {
        "id": "mia", "name": "Mia", "born": "2025-12-01", "due": None,
    }  # fmt: skip


def test_what_helps_is_from_all_that_is_known_and_never_from_later(record):
    middle = record.between(record.since, MONDAY + timedelta(days=7))
    week = summary(middle, whole=record)
    assert week.swift.n == 7
    assert week.changes == summary(middle).changes
    assert week.reasons.counted == 7
    assert summary(record.between(MONDAY + timedelta(days=7), record.until)).reasons.counted == 7
    late = record.between(MONDAY + timedelta(days=7), record.until)
    assert summary(late, whole=record).reasons.counted == 14


def test_who_answered_is_said_only_where_it_is_wanted(record):
    plain = json.dumps(summary(record).as_dict())
    assert "Ben" not in plain
    assert '"caregivers": []' in plain
    assert "Ben" in json.dumps(summary(record, caregivers=True).as_dict())
    with pytest.raises(ParameterError, match="where the household wants it"):
        summary(record, by="caregiver")
    groups = summary(record, by="caregiver", caregivers=True).swift.groups
    assert [one.label for one in groups] == ["Ben"]


def test_a_household_with_no_data(making):
    kept = summary(making().record(MONDAY, MONDAY + timedelta(days=1))).as_dict()
    json.dumps(kept, allow_nan=False)
    assert kept["swift"]["median"]["value"] is None
    assert kept["crying"]["minutes_a_day"]["n"] <= 1


def test_one_episode(making):
    made = making()
    made.cry(MONDAY, 40, came_s=10)
    kept = summary(made.record(MONDAY, MONDAY + timedelta(days=1))).as_dict()
    json.dumps(kept, allow_nan=False)
    assert kept["swift"]["n"] == 1
    assert kept["consistent"]["answered"]["value"] == 1


def test_a_year_is_worked_out_while_a_page_loads(household, way):
    ways = {"feed": way(0.8, 40), "rock": way(0.5, 60)}
    year = household(5, days=365, cries_a_day=12.0, ways=ways).record(deaf=0.1)
    assert len(year.episodes) > 3500
    quickest = 10.0
    for _ in range(3):
        begun = time.perf_counter()
        summary(year)
        quickest = min(quickest, time.perf_counter() - begun)
    # A page takes far less on a quiet machine; this is to see that it grows with the record only.
    assert quickest < 2.0
