"""Malformed input to the measures: one line that says what to do."""

from datetime import UTC, datetime, timedelta

import pytest

from harken.errors import ParameterError
from harken.insight.carrying import spearman
from harken.insight.helps import helps
from harken.insight.reasons import usual_reasons

FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)


@pytest.fixture
def record(making):
    return making().record(FIRST, FIRST + timedelta(days=1))


@pytest.mark.parametrize(
    "given",
    [
        {"least": 0},
        {"least": 2.5},
        {"least": True},
        {"hour": 24},
        {"hour": -1},
        {"hour": 3.5},
        {"hour": True},
        {"since_feed_s": -1},
        {"since_feed_s": float("nan")},
        {"since_sleep_s": float("inf")},
    ],
)
def test_helps_says_what_is_wrong(record, given):
    (name,) = given
    with pytest.raises(ParameterError, match=name) as caught:
        helps(record, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "given", "word"),
    [
        (datetime(2026, 1, 5, 8), {}, "zone"),
        (FIRST, {"since_feed_s": -1.0}, "since_feed_s"),
        (FIRST, {"since_feed_s": float("nan")}, "since_feed_s"),
        (FIRST, {"least": 0}, "least"),
    ],
)
def test_usual_reasons_says_what_is_wrong(record, at, given, word):
    with pytest.raises(ParameterError, match=word):
        usual_reasons(record, at, **given)


def test_pairs_must_be_pairs():
    with pytest.raises(ParameterError, match="not pairs"):
        spearman([1, 2], [1])
