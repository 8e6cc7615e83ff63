"""Events that make no sense are refused with one plain line, wherever they come from."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import KINDS, Event, read_time
from harken.errors import ParameterError

AT = datetime(2026, 1, 1, tzinfo=UTC)
ID = "01942d5f-7c00-7000-8000-000000000000"
GOOD = Event("soothed", AT, room="r", data={"attempt": "hold"}).as_dict()


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("slept", {}, "kind 'slept' is not known"),
        ("soothed", {}, "soothed: attempt is missing"),
        ("soothed", {"attempt": None}, "attempt is missing"),
        ("soothed", {"attempt": "shout"}, "attempt='shout' must be one of hold, carry"),
        ("soothed", {"attempt": ["hold"]}, "must be one of"),
        ("soothed", {"attempt": "hold", "at": 1}, "unknown data 'at'"),
        ("soothed", {"attempt": "hold", "note": "x" * 4001}, "note is longer than 4000"),
        ("soothed", {"attempt": "hold", "note": 1}, "note=1 must be a text"),
        ("soothed", {"attempt": "hold", "episode": "mine"}, "episode='mine' is not a UUID"),
        ("soothed", {"attempt": "hold", "episode": 7}, "episode=7 is not a UUID"),
        ("checked", {"need": "love"}, "need='love' must be one of"),
        ("checked", {"need": "wind", "found": 1}, "found=1 must be a flag"),
        ("responded", {"manner": "arrived", "source": "guessed"}, "source='guessed'"),
        ("voice_heard", {"until": "soon"}, "'soon' is not an ISO 8601 time"),
        ("voice_heard", {"until": "2026-01-01T00:00:00"}, "has no offset"),
        ("voice_heard", {"until": 5}, "5 is not an ISO 8601 time"),
        ("voice_heard", {"until": "0001-01-01T00:00:00+01:00"}, "is out of range"),
        ("cry_ended", {"bout": ID, "onset": AT.isoformat(), "mean_cry": "1"}, "must be a number"),
        ("cry_ended", {"bout": ID, "onset": AT.isoformat(), "mean_cry": True}, "must be a number"),
        ("cry_ended", {"bout": ID, "onset": AT.isoformat(), "mean_cry": float("nan")}, "finite"),
        ("cry_ended", {"bout": ID, "onset": AT.isoformat(), "mean_cry": 1e12}, "finite"),
        ("corrected", {"target": ID, "data": [1]}, "must be a object"),
        ("plan_started", {"waits": "2, 3"}, "must be a list"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(kind, data, message):
    with pytest.raises(ParameterError) as caught:
        Event(kind, AT, data=data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ParameterError, match="at must have a zone"):
        Event("calmed", datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "id must be a UUID"),
        ({"id": 5}, "id must be a UUID"),
        ({"id": "5"}, "id must be a UUID"),
        ({"at": None}, "at a time with a zone"),
        ({"at": 0}, "at a time with a zone"),
        ({"kind": 5}, "kind must be text"),
        ({"kind": "slept"}, "not known"),
        ({"by": None}, "by must be text"),
        ({"zone": 1}, "zone must be text"),
        ({"room": 1}, "room must be text or null"),
        ({"child": []}, "child must be text or null"),
        ({"data": None}, "data must be an object"),
        ({"data": []}, "data must be an object"),
        ({"extra": 1}, "unknown field 'extra'"),
    ],
)
def test_json_that_is_no_event_is_refused(change, message):
    with pytest.raises(ParameterError) as caught:
        Event.from_dict({**GOOD, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("missing", ["id", "at"])
def test_json_without_what_an_event_must_have_is_refused(missing):
    with pytest.raises(ParameterError, match=f"{missing} is missing"):
        Event.from_dict({key: value for key, value in GOOD.items() if key != missing})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from([*KINDS]), st.data())
def test_any_json_is_an_event_or_is_refused(kind, data):
    fields = {key: data.draw(JSON) for key in {**KINDS[kind].needs, **KINDS[kind].may}}
    with contextlib.suppress(ParameterError):
        made = Event.from_dict({**GOOD, "kind": kind, "data": fields})
        assert Event.from_dict(made.as_dict()) == made


@given(JSON)
def test_any_json_is_a_time_or_is_refused(value):
    with contextlib.suppress(ParameterError):
        assert read_time(value).tzinfo is UTC


@pytest.mark.parametrize("values", [None, [], "cry", 3, {"id": ID, "at": AT.isoformat()}, {}])
def test_what_is_no_event_at_all_is_refused(values):
    with pytest.raises(ParameterError, match="event"):
        Event.from_dict(values)
