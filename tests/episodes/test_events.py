"""Events: what they carry, that they survive being stored, and that their ids sort by time."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import ATTEMPTS, CARE, KINDS, NEEDS, Event, new_id, read_time

AT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
ID = "01942d5f-7c00-7000-8000-000000000000"
SAMPLES = {
    "text": "x",
    "number": 1.5,
    "time": "2026-10-25T02:30:00+02:00",
    "id": ID,
    "flag": False,
    "object": {"a": [1, None]},
    "list": [120, 180],
}


def sample(check):
    return check[0] if isinstance(check, tuple) else SAMPLES[check]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_being_stored(kind):
    rule = KINDS[kind]
    for data in (rule.needs, {**rule.needs, **rule.may}):
        event = Event(kind, AT, room="r", data={key: sample(one) for key, one in data.items()})
        stored = json.loads(json.dumps(event.as_dict()))
        assert Event.from_dict(stored) == event


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_in_a_sentence_what_it_means(kind):
    says = KINDS[kind].says
    assert says[0].isupper() or says[0] == '"'
    assert says.endswith(".")
    assert not KINDS[kind].needs.keys() & KINDS[kind].may.keys()


def test_what_only_the_hub_may_say_is_not_for_people():
    assert not any(KINDS[kind].people for kind in KINDS if kind.startswith(("cry_", "room_")))
    assert all(KINDS[kind].people for kind in ("acknowledged", "responded", "removed", "care"))
    assert not any(KINDS[kind].people for kind in ("alert_due", "alert_sent", "audit"))


def test_lists_of_words_hold_no_word_twice():
    for words in (ATTEMPTS, NEEDS, CARE):
        assert len(set(words)) == len(words)


def test_time_is_kept_in_utc_whatever_the_zone():
    summer = timezone(timedelta(hours=2))
    event = Event("calmed", AT.astimezone(summer), zone="Europe/Berlin")
    assert event.at == AT
    assert event.at.tzinfo is UTC
    assert event.as_dict()["at"] == "2026-10-25T00:30:00.000000+00:00"
    assert event.as_dict()["zone"] == "Europe/Berlin"


def test_the_hour_that_comes_twice_is_two_hours():
    first, second = (read_time(f"2026-10-25T02:30:00+0{n}:00") for n in (2, 1))
    assert second - first == timedelta(hours=1)


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_survives_being_stored(at):
    event = Event("calmed", at)
    assert Event.from_dict(event.as_dict()) == event


@given(st.integers(0, 2**44), st.integers(1, 10**6))
def test_ids_sort_by_the_time_at_which_they_were_made(ms, later):
    start = datetime(1970, 1, 1, tzinfo=UTC)
    one = new_id(start + timedelta(milliseconds=ms))
    other = new_id(start + timedelta(milliseconds=ms + later))
    assert one < other
    assert str(one) < str(other)
    assert (one.version, one.variant) == (7, "specified in RFC 4122")


def test_ids_made_at_once_differ():
    assert len({new_id(AT) for _ in range(1000)}) == 1000


def test_data_that_may_be_there_may_be_null():
    assert Event("soothed", AT, data={"attempt": "hold", "note": None}).data["note"] is None
