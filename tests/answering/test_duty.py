"""Who is told first: order, delays, days, quiet hours, turns by night."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.answering import Turn, night_of, turns_at
from harken.journal.household import DutyTurn

NIGHT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)  # a Monday, and still Sunday's night


def turn(order, caregiver, after_s=0.0, **more):
    return DutyTurn(order=order, caregiver=caregiver, after_s=after_s, **more)


def test_delays_count_from_the_one_before():
    duty = [turn(2, "ben", 60), turn(1, "ada", 5), turn(3, "eve", 120)]
    assert turns_at(duty, NIGHT) == [Turn("ada", 5), Turn("ben", 65), Turn("eve", 185)]


def test_the_same_order_is_told_together():
    duty = [turn(1, "ada"), turn(2, "ben", 60), turn(2, "eve", 60)]
    assert [one.after_s for one in turns_at(duty, NIGHT)] == [0, 60, 60]


@pytest.mark.parametrize(
    ("quiet", "asleep"),
    [
        (("22:00", "06:00"), True),
        (("00:30", "01:30"), True),
        (("01:00", "01:30"), True),
        (("00:30", "01:00"), False),
        (("02:00", "06:00"), False),
        (("23:00", "00:30"), False),
    ],
)
def test_quiet_hours_wrap_around_midnight(quiet, asleep):
    duty = [turn(1, "ada", quiet_from=quiet[0], quiet_until=quiet[1]), turn(2, "ben", 60)]
    assert (turns_at(duty, NIGHT)[0].caregiver == "ben") is asleep


def test_whoever_is_behind_a_sleeper_moves_up():
    asleep = {"quiet_from": "22:00", "quiet_until": "06:00"}
    duty = [turn(1, "ada", 5, **asleep), turn(2, "ben", 60), turn(3, "eve", 120)]
    assert turns_at(duty, NIGHT) == [
        Turn("ben", 5), Turn("eve", 125), Turn("ada", 0, resting=True),
    ]  # fmt: skip


def test_quiet_hours_are_the_wall_clocks_of_the_household():
    duty = [turn(1, "ada", quiet_from="02:30", quiet_until="03:30"), turn(2, "ben")]
    assert turns_at(duty, NIGHT)[0].caregiver == "ada"
    assert turns_at(duty, NIGHT, zone="Europe/Berlin")[0].caregiver == "ben"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_nights_on_which_the_clocks_change_have_a_queue_at_every_minute(zone, day):
    duty = [
        turn(1, "ada", quiet_from="02:15", quiet_until="02:45"),
        turn(2, "ben", 60, quiet_from="22:00", quiet_until="02:30"),
    ]
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
    for minute in range(0, 24 * 60, 5):
        at = datetime.fromtimestamp(begin + 60 * minute, UTC)
        assert {one.caregiver for one in turns_at(duty, at, zone=zone)} == {"ada", "ben"}


def test_days_are_those_on_which_the_night_began():
    sunday = [turn(1, "ada", days=[6]), turn(2, "ben", days=[0])]
    assert turns_at(sunday, NIGHT)[0].caregiver == "ada"
    assert turns_at(sunday, NIGHT.replace(hour=8))[0].caregiver == "ben"


def test_where_everybody_rests_nobody_does():
    duty = [turn(1, "ada", days=[2]), turn(2, "ben", 60, days=[3])]
    assert turns_at(duty, NIGHT) == [Turn("ada", 0), Turn("ben", 60)]


def test_the_first_place_changes_from_night_to_night():
    duty = [turn(1, "ada", rotates=True), turn(2, "ben", 60, rotates=True), turn(3, "eve", 60)]
    nights = [turns_at(duty, NIGHT.replace(day=day)) for day in (1, 2, 3)]
    assert nights[0][0].caregiver != nights[1][0].caregiver
    assert nights[0] == nights[2]
    assert {night[2].caregiver for night in nights} == {"eve"}
    assert [one.after_s for one in nights[1]] == [0, 60, 120]


def test_the_turn_does_not_change_in_the_middle_of_the_night():
    duty = [turn(1, "ada", rotates=True), turn(2, "ben", rotates=True)]
    evening, morning = datetime(2026, 5, 31, 22, tzinfo=UTC), NIGHT.replace(hour=6, minute=59)
    assert turns_at(duty, evening) == turns_at(duty, morning)
    assert turns_at(duty, NIGHT.replace(hour=7)) != turns_at(duty, morning)


def test_somebody_in_two_places_is_told_once():
    duty = [turn(1, "ada"), turn(2, "ben", 60), turn(3, "ada", 60)]
    assert [one.caregiver for one in turns_at(duty, NIGHT)] == ["ada", "ben"]


clocks = st.one_of(st.none(), st.sampled_from(["00:00", "01:00", "06:30", "12:00", "22:00"]))


@st.composite
def duties(draw):
    found = []
    for _ in range(draw(st.integers(0, 5))):
        quiet = draw(st.tuples(clocks, clocks))
        if None in quiet:
            quiet = (None, None)
        found.append(
            turn(
                draw(st.integers(1, 4)),
                draw(st.sampled_from("abcd")),
                draw(st.sampled_from([0.0, 5.0, 60.0, 600.0])),
                days=draw(st.one_of(st.none(), st.lists(st.integers(0, 6), unique=True))),
                quiet_from=quiet[0],
                quiet_until=quiet[1],
                rotates=draw(st.booleans()),
            )
        )
    return found


@given(duties(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_nobody_is_lost_and_somebody_is_always_awake(duty, at):
    found = turns_at(duty, at.replace(tzinfo=UTC), zone="Europe/Berlin")
    assert sorted(one.caregiver for one in found) == sorted({one.caregiver for one in duty})
    assert not duty or not found[0].resting
    awake = [one.after_s for one in found if not one.resting]
    assert awake == sorted(awake)


def test_a_night_is_named_by_its_evening():
    assert night_of(datetime(2026, 6, 1, 6, 59, tzinfo=UTC)).day == 31
    assert night_of(datetime(2026, 6, 1, 7, 0, tzinfo=UTC)).day == 1
    assert night_of(datetime(2026, 6, 1, 2, 0, tzinfo=UTC), day_starts="01:00").day == 1
