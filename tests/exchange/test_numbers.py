"""Tables of sensors' numbers, and numbers that come one by one."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.errors import JournalError
from harken.exchange import Inbox, read_numbers, read_table
from harken.exchange.inbox import MOST_WAITING
from harken.journal import Reading, Series

BERLIN = ZoneInfo("Europe/Berlin")
PULSE = Series("heart_rate", "sock", child="mia")


def read(text, **more):
    given = {"zone": BERLIN, "source": "sock", "child": "mia", **more}
    return read_numbers(read_table(text.encode()), **given)


def test_one_column_of_times_and_some_of_numbers():
    found = read(
        "Timestamp,Heart Rate (bpm),SpO2,Battery\n"
        "2026-01-13 02:00:00,131,98%,55\n2026-01-13 02:00:10,0,--,55\n2026-01-13 02:00:20,,97,55\n"
    )
    assert found.time == "Timestamp"
    assert found.columns == {"Heart Rate (bpm)": "heart_rate", "SpO2": "oxygen"}
    assert found.unused == ("Battery",)
    assert found.gaps == 3
    at = datetime(2026, 1, 13, 1, tzinfo=UTC)
    assert found.readings == {
        PULSE: [Reading(at, 131.0)],
        Series("oxygen", "sock", child="mia"): [
            Reading(at, 98.0),
            Reading(at + timedelta(seconds=20), 97.0),
        ],
    }


def test_a_history_of_home_assistant():
    found = read(
        "entity_id,state,last_changed\nsensor.room,20.5,2026-01-13T01:00:00.000Z\n"
        "sensor.room,unavailable,2026-01-13T01:05:00.000Z\n",
        what="room_temperature",
    )
    assert found.columns == {"state": "room_temperature"}
    assert found.gaps == 1
    ((reading,),) = found.readings.values()
    assert reading == (datetime(2026, 1, 13, 1, tzinfo=UTC), 20.5)


def test_fahrenheit_and_a_mapping():
    found = read("When,Room (°F)\n1768266000,68\n", mapping={
        "When": "time", "Room (°F)": "room_temperature"})  # fmt: skip
    ((reading,),) = found.readings.values()
    assert reading.value == 20.0


def test_an_hour_that_comes_twice_goes_on():
    rows = "".join(f"2026-10-25 02:{m:02d},12{m % 10}\n" for m in range(0, 60, 10))
    found = read(f"Time,BPM\n2026-10-25 01:50,120\n{rows}{rows}2026-10-25 03:00,125\n")
    times = [at for at, _ in found.readings[PULSE]]
    steps = {b - a for a, b in pairwise(times)}
    assert steps == {timedelta(minutes=10)}
    (said,) = found.says
    assert said.line == 3
    assert "02:00 to 03:00 came twice" in said.says


def test_what_is_no_number_is_named():
    found = read("Time,BPM\n2026-01-13 02:00,fast\nnever,120\n2040-01-01 00:00,120\n")
    assert [str(one) for one in found.unreadable] == [
        "line 2, column 'BPM': 'fast' is no number",
        "line 3, column 'Time': 'never' is no date with a time of day",
        "line 4, column 'Time': lies in the future; are zone and date right?",
    ]
    assert found.readings == {PULSE: []}


@given(st.lists(st.text(alphabet="0123456789.,-% abn", max_size=6), max_size=20))
def test_every_cell_is_a_reading_a_gap_or_named(cells):
    cells = [one.replace(",", "").strip() for one in cells]
    rows = "".join(f"2026-01-13T02:00:{i:02d}Z,{cell}\n" for i, cell in enumerate(cells))
    found = read("Time,BPM\n" + rows)
    held = len(found.readings[PULSE])
    assert held + found.gaps + len(found.unreadable) == len(cells)


# One by one.


def reading(second, value=120.0):
    return Reading(datetime(2026, 1, 13, 2, tzinfo=UTC) + timedelta(seconds=second), value)


def test_numbers_that_come_are_written_some_at_a_time(journal):
    inbox = Inbox(journal)
    for i in range(50):
        inbox.take(PULSE, reading(i / 10))
    inbox.take(Series("oxygen", "sock"), reading(0, 98.0))
    assert journal.series() == []
    asyncio.run(inbox.flush())
    # More than one a second would fill the disk, and nothing shows them.
    assert [at.second for at, _ in journal.readings(PULSE)] == [0, 1, 2, 3, 4]
    asyncio.run(inbox.flush())
    assert len(journal.series()) == 2


def test_what_cannot_be_written_is_kept_and_tried_again(journal, monkeypatch, caplog):
    inbox, write = Inbox(journal), journal.add_readings

    def refuse(series, readings):
        raise JournalError("the disk is full")

    monkeypatch.setattr(journal, "add_readings", refuse)
    for i in range(MOST_WAITING + 5):
        inbox.take(PULSE, reading(i))
    with caplog.at_level(logging.ERROR):
        asyncio.run(inbox.flush())
        asyncio.run(inbox.flush())
    assert caplog.text.count("the disk is full") == 1
    monkeypatch.setattr(journal, "add_readings", write)
    asyncio.run(inbox.flush())
    kept = journal.readings(PULSE)
    assert len(kept) == MOST_WAITING
    assert kept[-1] == reading(MOST_WAITING + 4)


def test_writing_goes_on_until_it_is_stopped(journal, monkeypatch):
    monkeypatch.setattr("harken.exchange.inbox.WRITE_EVERY_S", 0.01)
    inbox = Inbox(journal)

    async def play():
        task = asyncio.create_task(inbox.run())
        inbox.take(PULSE, reading(0))
        for _ in range(200):
            await asyncio.sleep(0.01)
            if journal.series():
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    assert len(journal.readings(PULSE)) == 1
