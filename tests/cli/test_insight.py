"""`harken insight`, as it is typed."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.episodes import Event, new_id
from harken.insight import share_by_day
from harken.journal import Caregiver, Child, Journal, Reading, Room, Series

pytestmark = pytest.mark.e2e

FIRST = datetime(2026, 1, 26, 12, tzinfo=UTC)


def cry(at, came_s, who="ben"):
    data = {"bout": str(new_id(at)), "onset": at.isoformat(), "mean_cry": 0.9}
    events = [Event("cry_ended", at + timedelta(seconds=60), room="nursery", data=data)]
    if came_s is not None:
        events.append(
            Event("responded", at + timedelta(seconds=came_s), room="nursery",
                  by=f"caregiver:{who}", data={"manner": "arrived", "source": "tapped"})
        )  # fmt: skip
    return events


@pytest.fixture
def place(tmp_path):
    """A journal with a week of cries, where the command looks for it."""
    path = tmp_path / "data" / "harken" / "journal.sqlite"
    with Journal.open(path) as journal:
        household = journal.household
        household.add(Room(id="nursery", name="Nursery"))
        household.add(Child(id="c1", name="Mia", born=date(2025, 12, 22), room="nursery"))
        household.add(Caregiver(id="ben", name="Ben"))
        household.set_setting("zone", "Europe/Berlin")
        events = [Event("room_heard", FIRST - timedelta(days=2), room="nursery")]
        for day in range(7):
            at = FIRST + timedelta(days=day)
            events += cry(at, None if day == 3 else 10 + day)
        note = {"what": "note", "text": "From tonight: a song"}
        events.append(Event("care", FIRST + timedelta(days=4), child="c1", data=note))
        journal.append(events)
    return path


RANGE = ("--from", "2026-01-26", "--to", "2026-02-01")


def test_the_measures_are_printed_with_what_they_are_based_on(harken, place):
    done = harken("insight", *RANGE)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Mia, 5 weeks old: 2026-01-26 to 2026-02-01, days from 07:00"
    text = done.stdout
    assert "Half of the cries were answered within  14 s (10 to 16, n = 7)" in text
    answered = share_by_day([(1, 1)] * 6 + [(0, 1)])
    assert f"Answered               {answered}" in text
    assert "Soothed 6, settled alone 1, stopped unanswered 0" in text
    assert "Efe: 85 % answered within 10 s (quoted, not confirmed)" in text
    assert "CHANGE on 2026-01-30 13:00: From tonight: a song" in text
    assert "Not a medical device" in text
    assert "Ben" not in text


def test_json_is_the_summary(harken, place):
    done = harken("insight", *RANGE, "--format", "json", "--by", "hour", "--inferred")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["child"]["name"] == "Mia"
    assert (found["swift"]["n"], found["inferred"]) == (7, True)
    assert len(found["swift"]["groups"]) == 24
    assert len(found["days"]) == 7
    assert all(day["complete"] for day in found["days"])


def test_days_up_to_now_are_the_default(harken, place):
    for stretch, days in (("day", 1), ("week", 7), ("month", 30)):
        found = json.loads(harken("insight", stretch, "-f", "json").stdout)
        assert len(found["days"]) == days
        assert not found["days"][-1]["complete"]
    found = json.loads(harken("insight", "all", "-f", "json").stdout)
    assert found["swift"]["n"] == 7
    assert found["since"] == "2026-01-24T06:00:00+00:00"
    since = json.loads(harken("insight", "--from", "2026-01-29", "-f", "json").stdout)
    assert since["swift"]["n"] == 4
    alone = json.loads(harken("insight", "day", "--to", "2026-01-27", "-f", "json").stdout)
    assert (alone["swift"]["n"], len(alone["days"])) == (1, 1)
    text = harken("insight", "day").stdout
    assert "The day was not listened to throughout or not over: never counted as calm." in text
    text = harken("insight", "day", "--to", "2026-01-27").stdout
    assert "1 day" not in text


def test_caregivers_are_shown_only_where_the_household_wants_it(harken, place):
    done = harken("insight", *RANGE, "--by", "caregiver")
    assert done.returncode == 2
    assert done.stderr.startswith("harken: by caregiver is shown only where the household wants it")
    assert done.stderr.count("\n") == 1
    with Journal.open(place) as journal:
        journal.household.set_setting("compare_caregivers", True)
    done = harken("insight", *RANGE, "--by", "caregiver")
    assert "Ben          12 s (" in done.stdout
    assert "They compare no people." in done.stdout


def test_a_household_with_no_data(harken, place, tmp_path):
    other = tmp_path / "other.sqlite"
    Journal.open(other).close()
    done = harken("insight", "--database", other)
    assert (done.returncode, done.stderr) == (0, "")
    assert "not known (n = 0)" in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--child", "leo"), "there is no child 'leo'; the household has: Mia"),
        (("--from", "2026-02-02", "--to", "2026-02-01"), "must not come after"),
    ],
)
def test_bad_input(harken, place, given, said):
    done = harken("insight", *given)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_with_several_children_one_is_named(harken, place):
    with Journal.open(place) as journal:
        journal.household.add(Child(id="c2", name="Leo"))
    done = harken("insight", *RANGE)
    assert done.returncode == 2
    assert "say --child with one of: Leo, Mia" in done.stderr
    assert "Half of the cries" in harken("insight", *RANGE, "--child", "mia").stdout
    assert harken("insight", *RANGE, "--child", "c2").stdout.startswith("Leo:")


def test_there_is_no_journal_yet(harken, tmp_path):
    done = harken("insight")
    assert done.returncode == 1
    assert "there is none yet" in done.stderr


def test_what_sensors_gave_around_the_cries(harken, place):
    assert "AROUND CRIES" not in harken("insight", *RANGE).stdout
    series = Series("heart_rate", "sock", child="c1")
    with Journal.open(place) as journal:
        journal.add_readings(
            series,
            [
                Reading(FIRST + timedelta(days=day, seconds=k), 140.0 + day)
                for day in range(7)
                for k in range(-600, 600, 30)
            ],
        )
    text = harken("insight", *RANGE).stdout
    assert "AROUND CRIES: what sensors gave. Nothing is judged, and no cause is claimed." in text
    assert "Heart rate, sock" in text
    (during,) = [one for one in text.splitlines() if "During the cry" in one]
    assert re.fullmatch(r" +During the cry +143 beats/min \(14[12] to 14[45], n = 7\)", during)
    (told,) = json.loads(harken("insight", *RANGE, "--format", "json").stdout)["around"]
    assert (told["series"], told["covered"]) == (series.id, 7)
