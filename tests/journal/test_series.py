"""Readings of sensors: once each, in steps, and moved with the rest of the journal."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harken.errors import JournalError, ParameterError
from harken.journal import Journal, Reading, Series, Step
from harken.journal.archive import MANIFEST, SERIES
from harken.journal.series import QUANTITIES

SOCK = Series("heart_rate", "sock", child="mia")
WARM = Series("room_temperature", "=thermometer", room="nursery")


def beats(after, *values, every=1.0, start=0.0):
    return [Reading(after(start + i * every), float(value)) for i, value in enumerate(values)]


def test_readings_come_back_as_they_were(journal, after):
    readings = beats(after, 120, 121.5, 122)
    assert journal.add_readings(SOCK, list(reversed(readings))) == 3
    assert journal.readings(SOCK) == readings
    assert journal.readings(SOCK, since=after(1), until=after(2)) == readings[1:2]
    assert journal.readings(WARM) == []
    assert journal.series() == [SOCK]
    assert journal.extent(SOCK) == (3, after(0), after(2))
    assert journal.extent(WARM) == (0, None, None)


def test_a_moment_counts_once_and_the_first_stays(journal, after):
    assert journal.add_readings(SOCK, beats(after, 120, 121)) == 2
    assert journal.add_readings(SOCK, [*beats(after, 99, 98, 97), *beats(after, 55)]) == 1
    assert [value for _, value in journal.readings(SOCK)] == [120, 121, 97]
    assert journal.add_readings(SOCK, []) == 0


def test_series_are_told_apart(journal, after):
    every = [
        SOCK,
        Series("heart_rate", "sock", child="ole"),
        Series("oxygen", "sock", child="mia"),
        Series("heart_rate", "belt", child="mia"),
    ]
    for i, one in enumerate(every):
        journal.add_readings(one, beats(after, 90 + i))
    assert {one: journal.readings(one)[0].value for one in journal.series()} == {
        one: 90.0 + i for i, one in enumerate(every)
    }
    assert len({one.id for one in every}) == 4


def test_steps_hold_what_was_measured_and_leave_gaps_out(journal, after):
    journal.add_readings(SOCK, beats(after, 120, 124, 128, every=20))
    journal.add_readings(SOCK, beats(after, 100, start=185))
    minute = timedelta(minutes=1)
    assert journal.reading_steps(SOCK, since=after(0), until=after(240), step=minute) == [
        Step(after(0), 124.0, 120.0, 128.0, 3),
        Step(after(180), 100.0, 100.0, 100.0, 1),
    ]
    assert journal.reading_steps(SOCK, since=after(10), until=after(50), step=minute) == [
        Step(after(10), 126.0, 124.0, 128.0, 2)
    ]


def test_a_forgotten_series_is_gone(journal, after):
    journal.add_readings(SOCK, beats(after, 120, 121))
    journal.add_readings(WARM, beats(after, 20))
    assert journal.forget_series(SOCK) == 2
    assert journal.forget_series(SOCK) == 0
    assert journal.series() == [WARM]
    assert journal.readings(SOCK) == []
    # Its number may come again, and must not bring the old readings back.
    journal.add_readings(SOCK, beats(after, 99))
    assert [value for _, value in journal.readings(SOCK)] == [99]


def test_moving_house_takes_them_along(journal, fresh, after, tmp_path):
    journal.add_readings(SOCK, beats(after, *([120.25] * 2500), every=0.5))
    journal.add_readings(WARM, beats(after, -3.5))
    journal.export(tmp_path / "one")
    lines = (tmp_path / "one" / SERIES).read_text().splitlines()
    assert len(lines) == 4
    assert json.loads(lines[0])["readings"][1] == ["2026-01-01T00:00:00.500+00:00", 120.25]
    with Journal.open(fresh()) as other:
        other.import_(tmp_path / "one")
        other.import_(tmp_path / "one")
        assert other.series() == journal.series()
        for one in (SOCK, WARM):
            assert other.readings(one) == journal.readings(one)
        other.export(tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_an_export_of_before_there_were_series_can_be_read(journal, fresh, tmp_path, after, said):
    journal.append([said("care", 1, what="note", text="x")])
    journal.export(tmp_path / "old")
    (tmp_path / "old" / SERIES).unlink()
    about = json.loads((tmp_path / "old" / MANIFEST).read_text())
    del about["series"]
    (tmp_path / "old" / MANIFEST).write_text(json.dumps({**about, "format": 1}))
    with Journal.open(fresh()) as other:
        assert other.import_(tmp_path / "old") == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"what": "mood", "source": "s", "room": None, "child": None, "readings": []}, "'mood'"),
        ({"what": "oxygen", "readings": []}, "must have what, source"),
        ({"what": "oxygen", "source": "s", "room": None, "child": None}, "must have readings"),
        ({"what": "oxygen", "source": "s", "room": None, "child": None, "readings": [[1, 2]]},
         "a time and a number"),
        ({"what": "oxygen", "source": "s", "room": None, "child": None,
          "readings": [["2026-01-01T00:00:00", 90]]}, "has no offset"),
        ({"what": "oxygen", "source": "s", "room": None, "child": None,
          "readings": [["2026-01-01T00:00:00Z", 900]]}, "900 is no reading"),
    ],
)  # fmt: skip
def test_a_damaged_export_is_refused_whole(sqlite, tmp_path, line, says, after):
    sqlite.add_readings(SOCK, beats(after, 120))
    sqlite.export(tmp_path / "one")
    (tmp_path / "one" / SERIES).write_text(json.dumps(line) + "\n")
    with Journal.open(tmp_path / "other.sqlite") as other:
        with pytest.raises(JournalError, match=says) as refused:
            other.import_(tmp_path / "one")
        assert "series.jsonl, line 1" in str(refused.value)
        assert other.series() == []


def test_a_backup_holds_them(sqlite, tmp_path, after):
    sqlite.add_readings(SOCK, beats(after, 120, 121))
    path = sqlite.backup(tmp_path / "backup.sqlite")
    with Journal.open(path) as copy:
        assert copy.readings(SOCK) == sqlite.readings(SOCK)


def test_a_journal_of_the_first_release_gets_the_tables(empty, tmp_path, after, said):
    path = shutil.copy(empty, tmp_path / "old.sqlite")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("DROP TABLE readings")
        old.execute("DROP TABLE series")
        old.execute("UPDATE alembic_version SET version_num = '0001'")
    with Journal.open(path) as journal:
        journal.append([said("care", 1, what="note", text="x")])
        assert journal.add_readings(SOCK, beats(after, 120)) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("mood", "sock"), "'mood' is not known; there are heart_rate"),
        (("oxygen", ""), "source must be text"),
        (("oxygen", "x" * 81), "source must be text"),
        (("oxygen", "a\0b"), "no text"),
        (("oxygen", "sock", 7), "room must be a short text"),
    ],
)
def test_series_that_cannot_be(given, says):
    with pytest.raises(ParameterError, match=says):
        Series(*given)


@pytest.mark.parametrize("value", [0, -1, 401, float("nan"), float("inf"), True, "120", None])
def test_values_that_no_sensor_gives(sqlite, after, value):
    with pytest.raises(ParameterError):
        sqlite.add_readings(SOCK, [*beats(after, 120), Reading(after(9), value)])
    assert sqlite.series() == []


@pytest.mark.parametrize("year", [1969, 2200, 9999])
def test_times_that_cannot_be(sqlite, year):
    with pytest.raises(ParameterError, match="out of range"):
        sqlite.add_readings(SOCK, [Reading(datetime(year, 1, 1, tzinfo=UTC), 120)])
    with pytest.raises(ParameterError, match="must have a zone"):
        sqlite.add_readings(SOCK, [Reading(datetime(2026, 1, 1), 120)])


PAIRS = st.lists(
    st.tuples(st.integers(0, 10_000_000), st.floats(1, 400)), max_size=40, unique_by=lambda x: x[0]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PAIRS, st.integers(1, 600_000))
def test_steps_are_what_the_readings_add_up_to(sqlite, pairs, step_ms):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sqlite.forget_series(SOCK)
    readings = [Reading(start + timedelta(milliseconds=ms), value) for ms, value in pairs]
    sqlite.add_readings(SOCK, readings)
    step = timedelta(milliseconds=step_ms)
    until = start + timedelta(milliseconds=10_000_001)
    found = sqlite.reading_steps(SOCK, since=start, until=until, step=step)
    assert sum(one.n for one in found) == len(readings)
    for one in found:
        inside = [value for at, value in readings if one.at <= at < one.at + step]
        assert len(inside) == one.n
        assert (min(inside), max(inside)) == (one.low, one.high)
        assert one.mean == pytest.approx(sum(inside) / len(inside))


def test_every_quantity_is_plain():
    for name, quantity in QUANTITIES.items():
        assert name.isidentifier()
        assert quantity.least < quantity.most
