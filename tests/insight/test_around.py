"""Averages around onsets against a table worked by hand, and intervals that hold the truth."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from harken.episodes import Event, fold, new_id
from harken.errors import ParameterError
from harken.insight import Record, around
from harken.insight.around import LEAST
from harken.journal import Reading, Series

START = datetime(2026, 3, 1, 20, tzinfo=UTC)
PULSE = Series("heart_rate", "sock", child="mia")


def s(seconds):
    return timedelta(seconds=seconds)


def cried(at, seconds):
    bout = str(new_id(at))
    data = {"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}
    return Event("cry_ended", at + s(seconds), room="nursery", child="mia", data=data)


def record(*cries):
    events = [cried(START + s(at), length) for at, length in cries]
    until = START + timedelta(days=30)
    return Record(
        episodes=tuple(fold(events, now=until)), care=(), unheard=(), since=START - s(86_400),
        until=until, now=until, zone="UTC", day_starts="07:00", child="mia", name="Mia",
        born=date(2026, 1, 10), due=None, caregivers={}, changes=(),
    )  # fmt: skip


def readings(*pairs):
    return [Reading(START + s(at), float(value)) for at, value in pairs]


def test_against_a_table_worked_by_hand():
    # A cry of 60 s at 0, another of 60 s at 10 000.
    given = record((0, 60), (10_000, 60))
    told = readings((-90, 110), (-30, 120), (0, 150), (30, 160), (60, 140), (100, 130),
                    (9_990, 100), (10_000, 180))  # fmt: skip
    found = around(given, PULSE, told, before_s=120, after_s=120, step_s=60)
    assert (found.episodes, found.covered) == (2, 2)
    # Each cry counts once: (115 + 100) / 2, (155 + 180) / 2, and the second has nothing after.
    assert (found.before.value, found.before.n) == (107.5, 2)
    assert (found.during.value, found.during.n) == (167.5, 2)
    assert (found.after.value, found.after.n) == (135.0, 1)
    assert (found.change.value, found.change.n) == (60.0, 2)
    assert [(one.at_s, one.mean.value, one.mean.n) for one in found.course] == [
        (-120, 110.0, 1), (-60, 110.0, 2), (0, 167.5, 2), (60, 135.0, 1),
    ]  # fmt: skip
    assert found.gaps == 2 / 8
    assert found.before.unit == "beats/min"


def test_a_gap_stays_a_gap():
    found = around(record((0, 60)), PULSE, readings((-500, 120), (700, 118)), step_s=60)
    assert [one.mean.value for one in found.course].count(None) == len(found.course) - 2
    assert (found.during.value, found.during.n) == (None, 0)
    assert found.change.value is None
    # Every step is there, in order, so that nobody joins what lies apart.
    assert {b.at_s - a.at_s for a, b in pairwise(found.course)} == {60}


def test_nothing_at_all():
    for given, told in ((record(), []), (record((0, 60)), []), (record(), readings((0, 120)))):
        found = around(given, PULSE, told)
        assert found.covered == 0
        assert found.before.value is None
        assert found.as_dict()["what"] == "heart_rate"
    assert around(record(), PULSE, []).gaps is None


def test_few_cries_have_no_interval():
    cries = [(i * 10_000, 60) for i in range(LEAST)]
    told = readings(*[(i * 10_000 + 10, 150 + i) for i in range(LEAST)])
    few = around(record(*cries[:-1]), PULSE, told)
    assert few.during.low is None
    assert any("too few for an interval" in one for one in few.says)
    enough = around(record(*cries), PULSE, told)
    assert enough.during.low < enough.during.value < enough.during.high
    assert enough == around(record(*cries), PULSE, told)


def test_drills_and_other_children_do_not_count():
    given = record((0, 60))
    drill = replace(given, episodes=tuple(replace(one, drill=True) for one in given.episodes))
    assert around(drill, PULSE, []).episodes == 0
    assert around(given, Series("heart_rate", "sock", child="ole"), []).episodes == 0
    assert around(given, Series("room_temperature", "t", room="attic"), []).episodes == 0
    assert around(given, Series("room_temperature", "t", room="nursery"), []).episodes == 1


def test_nothing_is_judged():
    said = " ".join(around(record((0, 60)), PULSE, readings((0, 250))).says)
    assert "does not say what is high or low" in said


@pytest.mark.parametrize(
    "more",
    [{"before_s": 0}, {"after_s": 90_000}, {"step_s": 0.5}, {"step_s": 5000}, {"level": 1.0},
     {"before_s": float("nan")}],
)  # fmt: skip
def test_lengths_that_cannot_be(more):
    with pytest.raises(ParameterError):
        around(record(), PULSE, [], **more)


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    drawn, held, tries = random.Random(3), 0, 200
    cries = [(i * 10_000, 60) for i in range(30)]
    given = record(*cries)
    for i in range(tries):
        told = readings(*[(at + 10, drawn.gauss(150, 15)) for at, _ in cries])
        found = around(given, PULSE, told, step_s=900, seed=i)
        held += found.during.low <= 150 <= found.during.high
    assert 0.88 <= held / tries <= 0.99
