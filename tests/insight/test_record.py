"""What measures are made from: days, nights, ages, changes, and when nobody listened."""

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.episodes import Event, new_id
from harken.insight import Record, Span, names_a_change
from harken.insight.record import HEARD_UNTIL
from harken.journal import Caregiver, Child, Journal, Room, day_bounds

BERLIN = "Europe/Berlin"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        household = opened.household
        household.set_setting("zone", BERLIN)
        household.add(Room(id="nursery", name="Nursery"))
        household.add(Child(id="mia", name="Mia", born=date(2025, 12, 1), room="nursery"))
        household.add(Caregiver(id="ada", name="Ada"))
        yield opened


def later(**spans):
    return NOON + timedelta(**spans)


def cry(at, seconds=30.0, room="nursery", child=None):
    bout = str(new_id(at))
    data = {"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}
    return Event("cry_ended", at + timedelta(seconds=seconds), room=room, child=child, data=data)


def ear(kind, at, room="nursery"):
    return Event(kind, at, room=room, data={"reason": "gone"} if kind == "room_unheard" else {})


def spans(record):
    return [(one.since, one.until) for one in record.unheard]


def test_a_household_with_no_data_was_never_heard(journal):
    record = Record.of(journal, now=NOON)
    assert (record.child, record.name, record.caregivers) == ("mia", "Mia", {"ada": "Ada"})
    assert (record.episodes, record.care, record.changes) == ((), (), ())
    (day,) = record.days()
    assert (day.date, day.heard_s, day.complete) == (date(2026, 1, 5), 0.0, False)
    assert spans(record) == [(record.since, NOON)]


def test_an_empty_journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        record = Record.of(journal, now=NOON)
    assert (record.child, record.name, record.zone) == (None, "", "UTC")
    assert record.household == ""
    assert not record.days()[0].complete


def test_one_episode(journal):
    journal.append([cry(NOON)])
    record = Record.of(journal, now=later(hours=2))
    assert len(record.counted) == 1
    # A room is known to be listened to from its first sign on.
    assert spans(record) == [(record.since, later(seconds=30))]
    begin, _ = day_bounds(date(2026, 1, 5), BERLIN)
    assert record.since == begin


def test_days_not_listened_to_are_marked_and_never_complete(journal):
    journal.append(
        [
            ear("room_heard", later(days=-4)),
            ear("room_unheard", later(days=-2)),
            ear("room_heard", later(days=-2, hours=3)),
            cry(NOON),
        ]
    )
    record = Record.of(journal, now=later(hours=1))
    assert spans(record) == [
        (record.since, later(days=-4)),
        (later(days=-2), later(days=-2, hours=3)),
    ]
    days = record.days()
    assert [one.complete for one in days] == [False, True, False, True, False]
    assert days[2].heard_s == 21 * 3600
    assert days[2].unheard == (Span(later(days=-2), later(days=-2, hours=3)),)
    assert days[4].heard_s == 7 * 3600  # from 07:00 in Berlin to now, 14:00 there
    assert record.heard_s(later(days=-2, hours=2), later(days=-2, hours=4)) == 3600


def test_a_room_that_is_unheard_stays_so_until_it_is_heard_again(journal):
    journal.append([ear("room_unheard", NOON), ear("room_unheard", later(hours=1))])
    record = Record.of(journal, now=later(hours=5))
    assert spans(record) == [(record.since, later(hours=5))]


def test_a_hub_that_was_killed_is_no_calm(journal):
    """It wrote down until when it heard the room, and nothing since."""
    journal.append([ear("room_heard", NOON)])
    journal.household.set_setting(HEARD_UNTIL, {"nursery": later(hours=2).isoformat()})
    record = Record.of(journal, now=later(hours=6))
    assert spans(record)[-1] == (later(hours=2), later(hours=6))
    alive = Record.of(journal, now=later(hours=2, seconds=70))
    assert spans(alive) == [(alive.since, NOON)]


def test_a_room_that_is_switched_off_was_heard_up_to_its_last_sign(journal):
    journal.append([ear("room_heard", NOON), cry(later(hours=1))])
    household = journal.household
    household.update(replace(household.get(Room, "nursery"), listening=False))
    record = Record.of(journal, now=later(hours=6))
    assert spans(record)[-1] == (later(hours=1, seconds=30), later(hours=6))


def test_a_note_of_the_hub_that_cannot_be_read_is_passed_over(journal):
    journal.append([ear("room_heard", NOON)])
    for odd in ({"nursery": "yesterday"}, {"nursery": "2026-01-05T12:00:00"}, [1], "x", {}):
        journal.household.set_setting(HEARD_UNTIL, odd)
        record = Record.of(journal, now=later(hours=6))
        assert spans(record) == [(record.since, NOON)]


@pytest.mark.parametrize(
    ("night", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)]
)
def test_a_night_on_which_the_clocks_change_is_one_night(journal, night, hours):
    begin, end = day_bounds(night, BERLIN)
    journal.append([ear("room_heard", begin - timedelta(days=2))])
    record = Record.of(journal, now=end + timedelta(days=1))
    (day,) = [one for one in record.days() if one.date == night]
    assert (day.since, day.until, day.length_s) == (begin, end, hours * 3600)
    assert day.heard_s == hours * 3600
    assert day.complete
    assert record.date_of(end - timedelta(seconds=1)) == night
    assert record.date_of(end) == night + timedelta(days=1)
    assert record.night_of(night).seconds == (hours - 13) * 3600


def test_nights_follow_the_households_settings(journal):
    journal.household.set_setting("night_from", "00:30")
    journal.household.set_setting("night_until", "06:00")
    record = Record.of(journal, now=NOON)
    night = record.night_of(date(2026, 1, 5))
    assert night.since == datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert night.seconds == 5.5 * 3600
    journal.household.set_setting("night_from", None)
    assert Record.of(journal, now=NOON).night_from == "20:00"


def test_the_household_has_its_name(journal):
    journal.household.set_setting("name", " A simulated\nhousehold ")
    record = Record.of(journal, now=NOON)
    assert record.household == "A simulated household"
    assert record.between(record.since, NOON).household == "A simulated household"


def test_settings_that_cannot_be_read_are_the_defaults(journal):
    journal.household.set_setting("name", ["no", "name"])
    journal.household.set_setting("zone", "Mars/Olympus")
    journal.household.set_setting("day_starts", "dawn")
    record = Record.of(journal, now=NOON)
    assert (record.zone, record.day_starts) == ("UTC", "07:00")
    assert record.household == ""


def test_ages_are_corrected_for_a_child_born_early_only(journal):
    record = Record.of(journal, now=NOON)
    born = datetime(2025, 12, 1, tzinfo=UTC)
    assert record.age_weeks(born + timedelta(weeks=6)) == pytest.approx(6, abs=0.01)
    early = replace(record, due=date(2026, 1, 5))
    assert early.early
    assert early.age_weeks(NOON) == pytest.approx(5.08, abs=0.01)
    assert early.age_weeks(NOON, corrected=True) == pytest.approx(0.08, abs=0.01)
    nearly = replace(record, due=date(2025, 12, 15))
    assert not nearly.early
    assert nearly.age_weeks(NOON, corrected=True) == nearly.age_weeks(NOON)
    assert replace(record, born=None).age_weeks(NOON) is None


def test_what_names_no_child_is_the_childs_where_that_is_clear(journal):
    household = journal.household
    household.add(Room(id="attic", name="Attic"))
    journal.append([cry(NOON), cry(later(hours=1), room="attic")])
    assert len(Record.of(journal, now=later(hours=2)).episodes) == 2, "the only child's"
    household.add(Child(id="leo", name="Leo", room="attic"))
    assert len(Record.of(journal, child="leo", now=later(hours=2)).episodes) == 1
    household.add(Child(id="ida", name="Ida", room="attic"))
    assert len(Record.of(journal, child="leo", now=later(hours=2)).episodes) == 0
    everybody = Record.of(journal, now=later(hours=2))
    assert (everybody.child, len(everybody.episodes)) == (None, 2)


def test_with_several_children_a_room_that_is_not_heard_makes_the_household_unheard(journal):
    household = journal.household
    household.add(Room(id="attic", name="Attic"))
    household.add(Child(id="leo", name="Leo", room="attic"))
    journal.append([ear("room_heard", NOON), ear("room_heard", NOON, "attic")])
    journal.append([ear("room_unheard", later(hours=1), "attic")])
    now = later(hours=3)
    assert spans(Record.of(journal, child="mia", now=now))[-1][1] == NOON
    assert spans(Record.of(journal, child="leo", now=now))[-1] == (later(hours=1), now)
    assert spans(Record.of(journal, now=now))[-1] == (later(hours=1), now)


def test_care_of_the_day_before_is_at_hand(journal):
    entries = [
        Event("care", later(hours=hours), child="mia", data={"what": "feed"})
        for hours in (-40, -20, 1)
    ]
    journal.append(entries)
    record = Record.of(journal, since=NOON, until=later(hours=2), now=later(hours=3))
    assert [one.at for one in record.care] == [later(hours=-20), later(hours=1)]
    whole = Record.of(journal, now=later(hours=3))
    assert whole.between(NOON, later(hours=2)).care == record.care


def test_changes_are_plans_and_notes_that_name_one(journal):
    note = {"what": "note", "text": "From tonight: a bath before the last feed\nand songs"}
    gone = Event("care", NOON, child="mia", data={"what": "note", "text": "Change: undone"})
    journal.append(
        [
            Event("care", later(hours=1), child="mia", data=note),
            Event("care", NOON, child="mia", data={"what": "note", "text": "slept well"}),
            gone,
            Event("removed", later(hours=1), data={"target": str(gone.id)}),
            Event("plan_started", later(hours=2), room="nursery", data={"waits": [120, 240]}),
            Event("plan_ended", later(hours=3), room="nursery"),
            Event("plan_started", later(hours=4), room="elsewhere", data={"waits": [60]}),
        ]
    )
    found = Record.of(journal, now=later(hours=9)).changes
    assert [(one.kind, one.says) for one in found] == [
        ("note", "From tonight: a bath before the last feed"),
        ("plan_started", "a check-in plan began: visits after 2, 4 min"),
        ("plan_ended", "the check-in plan ended"),
    ]
    assert Record.of(journal, since=NOON, until=later(hours=2), now=NOON).changes == found[:1]


@pytest.mark.parametrize(
    ("text", "does"),
    [("CHANGE: x", True), (" from now on more", True), ("changed a nappy", False), ("", False)],
)
def test_which_notes_name_a_change(text, does):
    assert names_a_change(text) is does


def test_a_part_of_a_record_equals_one_that_is_read_for_it(journal):
    journal.append([cry(later(hours=hours)) for hours in range(0, 60, 5)])
    journal.append([ear("room_heard", later(days=-1)), ear("room_unheard", later(hours=20))])
    now = later(hours=70)
    whole = Record.of(journal, now=now)
    for since, until in ((10, 40), (-5, 22), (30, 90)):
        asked = later(hours=since), later(hours=until)
        read = Record.of(journal, since=asked[0], until=asked[1], now=now)
        assert whole.between(*asked) == read
    assert pickle.loads(pickle.dumps(whole)) == whole


def test_what_lies_outside_a_record_is_unheard_and_not_calm(journal):
    journal.append([ear("room_heard", later(days=-3))])
    whole = Record.of(journal, since=NOON, until=later(hours=6), now=later(days=1))
    wide = whole.between(later(hours=-2), later(hours=8))
    assert spans(wide) == [
        (later(hours=-2), NOON),
        (later(hours=6), later(hours=8)),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 900)), max_size=8),
    st.integers(0, 4000),
    st.integers(1, 4000),
)
def test_heard_seconds_add_up(deaf, since, length):
    """However a record is cut into days, what was heard is the same."""
    pieces = [(NOON + timedelta(minutes=a), NOON + timedelta(minutes=a + b)) for a, b in deaf]
    begin, end = later(minutes=since), later(minutes=since + length)
    made = Record(
        (), (), (), NOON, later(days=10), later(days=10), BERLIN, "07:00",
        None, "", None, None, {}, (),
    )  # fmt: skip
    covered = sorted(pieces)
    joined: list[Span] = []
    for one, two in covered:
        if joined and one <= joined[-1].until:
            joined[-1] = Span(joined[-1].since, max(two, joined[-1].until))
        else:
            joined.append(Span(one, two))
    record = replace(made, unheard=tuple(joined)).between(begin, end)
    silent = sum(
        max(0.0, (min(one.until, end) - max(one.since, begin)).total_seconds()) for one in joined
    )
    assert sum(day.heard_s for day in record.days()) == pytest.approx(60 * length - silent)
    assert record.heard_s(begin, end) == pytest.approx(60 * length - silent)
    for day in record.days():
        assert day.complete == (
            day.since >= begin and day.until <= end and day.heard_s == day.length_s
        )
