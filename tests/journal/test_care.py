from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from harken.episodes import CARE, Event
from harken.errors import ParameterError
from harken.journal import CareEntry, day_bounds
from harken.journal.archive import CARE_COLUMNS

HOUR = timedelta(hours=1)


def test_every_kind_of_entry_is_kept_and_given_back(journal, said, after):
    told = [
        said("care", 0, what="sleep", until=after(3600).isoformat()),
        said("care", 1, what="feed", side="left"),
        said("care", 2, what="feed", ml=120, food="formula"),
        said("care", 3, what="nappy", wet=True, solid=False),
        said("care", 4, what="carry", until=after(60).isoformat(), caregiver="ada"),
        said("care", 5, what="medicine", name="vitamin D", dose="1 drop"),
        said("care", 6, what="temperature", celsius=37.2),
        said("care", 7, what="note", text="smiled"),
    ]
    journal.append(told)
    entries = journal.care()
    assert {one.what for one in entries} == set(CARE)
    assert [one.event for one in entries] == [str(event.id) for event in told]
    sleep, left, bottle, nappy, carry, medicine, temperature, note = entries
    assert sleep.until == after(3600)
    assert (left.side, bottle.ml, bottle.food) == ("left", 120, "formula")
    assert (nappy.wet, nappy.solid, carry.caregiver) == (True, False, "ada")
    assert (medicine.name, medicine.dose, temperature.celsius) == ("vitamin D", "1 drop", 37.2)
    assert (note.text, note.zone, note.by) == ("smiled", "Europe/Berlin", "caregiver:ada")
    assert journal.episodes() == []


def test_corrections_and_removals_are_applied_from_wherever_they_stand(journal, said, after):
    moved, gone, back, changed = (said("care", i, what="feed", ml=i) for i in range(4))
    day = 86_400
    undo = said("removed", 50 * day, target=str(back.id))
    journal.append(
        [
            said("corrected", 40 * day, target=str(moved.id), at=after(20 * day).isoformat()),
            said("removed", 41 * day, target=str(gone.id)),
            undo,
            said("removed", 60 * day, target=str(undo.id)),
            said("corrected", 42 * day, target=str(changed.id), data={"ml": 99}),
            moved,
            gone,
            back,
            changed,
        ]
    )
    first = journal.care(after(0), after(day))
    assert [(one.event, one.ml) for one in first] == [(str(back.id), 2), (str(changed.id), 99)]
    (only,) = journal.care(after(20 * day), after(21 * day))
    assert (only.event, only.at) == (str(moved.id), after(20 * day))


def test_an_entry_that_reaches_into_a_day_belongs_to_it_as_well(journal, said, after):
    night = said("care", 0, what="sleep", until=after(3600).isoformat())
    journal.append([night])
    for since, until, count in (
        (after(0), after(1), 1),
        (after(3599), after(9999), 1),
        (after(3600), after(9999), 0),
        (after(-9), after(0), 0),
    ):
        assert len(journal.care(since, until)) == count


def test_care_is_found_by_child(journal):
    for child in ("mia", "leo", None):
        journal.append(
            [Event("care", datetime(2026, 1, 1, tzinfo=UTC), child=child, data={"what": "feed"})]
        )
    assert [one.child for one in journal.care(child="leo")] == ["leo"]
    assert len(journal.care()) == 3


def test_every_field_is_a_column_of_the_export():
    assert tuple(CareEntry.__dataclass_fields__) == CARE_COLUMNS


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 27), "Europe/Berlin", 24),
        (date(2026, 3, 28), "Europe/Berlin", 23),
        (date(2026, 10, 24), "Europe/Berlin", 25),
        (date(2026, 10, 25), "Europe/Berlin", 24),
        (date(2026, 3, 7), "America/New_York", 23),
        (date(2026, 10, 31), "America/New_York", 25),
        (date(2026, 4, 4), "Australia/Lord_Howe", 24.5),
        (date(2026, 6, 1), "Asia/Kathmandu", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day, zone, hours):
    begin, end = day_bounds(day, zone)
    assert (end - begin) / HOUR == hours
    assert begin.tzinfo is UTC


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia"])
@pytest.mark.parametrize("starts", ["00:00", "02:30", "07:00", "23:59"])
def test_days_follow_each_other_without_gap_or_overlap(zone, starts):
    days = [day_bounds(date(2026, 1, 1) + timedelta(days=n), zone, starts) for n in range(400)]
    assert all(one[1] == other[0] for one, other in pairwise(days))
    assert all(begin < end for begin, end in days)


def test_the_sleep_of_a_night_is_as_long_as_it_was(journal):
    """From 20:00 to 06:00 by the clock on the wall: 9 h in spring, 11 h in autumn."""
    for began, ended, hours in (
        ("2026-03-28T20:00+01:00", "2026-03-29T06:00+02:00", 9),
        ("2026-10-24T20:00+02:00", "2026-10-25T06:00+01:00", 11),
    ):
        at = datetime.fromisoformat(began)
        journal.append(
            [Event("care", at, zone="Europe/Berlin", data={"what": "sleep", "until": ended})]
        )
        (one,) = journal.care(*day_bounds(at.date(), "Europe/Berlin"))
        assert (one.until - one.at) / HOUR == hours


@pytest.mark.parametrize(
    ("day", "zone", "starts", "message"),
    [
        (date(2026, 1, 1), "Mars/Base", "07:00", "'Mars/Base' is not known"),
        (date(2026, 1, 1), "../../etc/passwd", "07:00", "is not known"),
        (date(2026, 1, 1), "", "07:00", "is not known"),
        (date(2026, 1, 1), "UTC", "25:00", "not a time of day"),
        (date(2026, 1, 1), "UTC", "07:00+01:00", "not a time of day"),
        (date.max, "UTC", "07:00", "out of range"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(day, zone, starts, message):
    with pytest.raises(ParameterError, match=message):
        day_bounds(day, zone, starts)
