"""Exports of other apps, row by row: what each becomes, and what is said where it cannot."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.errors import HarkenError, ParameterError
from harken.exchange import guess, plan, read_entries, read_table
from harken.exchange.cells import (
    CellError,
    Clock,
    celsius,
    choices,
    is_day_first,
    kilograms,
    length,
    millilitres,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 12, 1, tzinfo=UTC)
HUCKLEBERRY = "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n"


def table(text, name="file.csv"):
    return read_table(text.encode(), name)


def read(text, name="file.csv", **more):
    return read_entries(table(text, name), **{"zone": BERLIN, "child": "mia", "now": NOW, **more})


def only(text, **more):
    found = read(text, **more)
    assert found.unreadable == ()
    assert found.unheld == ()
    (one,) = found.incoming
    return one


def huckleberry(row, **more):
    return only(f"{HUCKLEBERRY}{row}\n", **more)


def utc(*at):
    return datetime(*at, tzinfo=UTC)


# Huckleberry.


@pytest.mark.parametrize(
    ("row", "what", "data"),
    [
        ("Feed,2026-01-13 05:51,2026-01-13 06:19,00:28,,Breast,00:28L,", "feed",
         {"side": "left", "until": "2026-01-13T05:19:00+00:00"}),
        ("Feed,2026-01-13 05:51,2026-01-13 06:05,00:14,00:14R,Breast,,", "feed",
         {"side": "right", "until": "2026-01-13T05:05:00+00:00"}),
        ("Feed,2026-01-13 17:20,2026-01-13 18:09,00:49,00:24R,Breast,00:25L,", "feed",
         {"side": "both", "until": "2026-01-13T17:09:00+00:00", "text": "00:24R, 00:25L"}),
        ("Feed,2026-01-13 09:15,2026-01-13 09:35,00:20,10:00,,08:30,", "feed",
         {"side": "both", "until": "2026-01-13T08:35:00+00:00", "text": "10:00, 08:30"}),
        ("Feed,2026-01-13 12:00,,,Breast Milk,Bottle,3 oz,", "feed",
         {"food": "breast milk", "ml": 88.7}),
        ("Feed,2026-01-13 12:00,,,120ml,Bottle,90ml,", "feed",
         {"ml": 90.0, "text": "offered 120ml"}),
        ("Feed,2026-01-13 12:00,,,Formula,Bottle,,", "feed", {"food": "formula"}),
        ("Solids,2026-01-13 12:00,,,banana,,loved it,yum", "feed",
         {"food": "banana", "text": "loved it · yum"}),
        ("Diaper,2026-01-13 22:19,,black,,,Poo:medium,", "nappy",
         {"wet": False, "solid": True, "text": "Poo:medium · black"}),
        ('Diaper,2026-01-13 23:13,,,,,"Both, poo:large",', "nappy",
         {"wet": True, "solid": True, "text": "Both, poo:large"}),
        ("Diaper,2026-01-13 10:02,,,Pee,,,gran did it", "nappy",
         {"wet": True, "solid": False, "text": "gran did it"}),
        ("Diaper,2026-01-13 10:02,,,Pee + Poo,,,", "nappy", {"wet": True, "solid": True}),
        ("Diaper,2026-01-13 10:02,,,Dry,,,", "nappy", {"wet": False, "solid": False}),
        ("Sleep,2026-01-13 06:00,2026-01-13 07:50,01:50,,,,", "sleep",
         {"until": "2026-01-13T06:50:00+00:00"}),
        ("Sleep,2026-01-13 06:00,,01:50,Upset,Crib,Happy,", "sleep",
         {"until": "2026-01-13T06:50:00+00:00", "text": "Upset, Crib, Happy"}),
        ("Medication,2026-01-13 08:00,,,Vitamin D,Drops,1ml,", "medicine",
         {"name": "Vitamin D", "dose": "1ml Drops"}),
        ("Temperature,2026-01-13 08:00,,,99.5 F,,,", "temperature", {"celsius": 37.5}),
        ("Growth,2026-01-13 08:00,,,7.98 lb,,,53 cm", "note",
         {"text": "Growth: 7.98 lb (3.62 kg) · 53 cm"}),
    ],
)  # fmt: skip
def test_huckleberry(row, what, data):
    one = huckleberry(row)
    assert (one.what, one.child, dict(one.data)) == (what, "mia", data)


def test_what_huckleberry_has_and_the_care_log_lacks_is_listed():
    text = (
        f"{HUCKLEBERRY}Pump,2026-01-13 06:35,,,0ml,,20ml,\nTummy time,2026-01-13 07:35,,00:05,,,,\n"
        "Sleep,2026-01-13 09:00,,,,,,\n"
    )
    found = read(text)
    assert found.incoming == ()
    assert [(one.line, one.says) for one in found.unheld] == [
        (2, "'Pump' is no kind of entry here"),
        (3, "'Tummy time' is no kind of entry here"),
        (4, "has no end, so it is not known how long it lasted"),
    ]
    kept = read(text, as_notes=True)
    assert [one.data["text"] for one in kept.incoming] == ["Pump: 0ml, 20ml", "Tummy time"]
    assert len(kept.unheld) == 1


def test_columns_that_are_not_used_are_counted():
    text = HUCKLEBERRY.replace("\n", ",Logged By\n") + "Diaper,2026-01-13 10:02,,,Pee,,,,Ann\n"
    assert read(text).unused == {"Logged By": 1}


# Baby Tracker.


@pytest.mark.parametrize(
    ("name", "text", "what", "at", "data"),
    [
        ("sleep.csv", 'Baby,Time,Duration(minutes),Note\nMia,"1/13/26, 19:54",660\n', "sleep",
         utc(2026, 1, 13, 18, 54), {"until": "2026-01-14T05:54:00+00:00"}),
        ("nursing.csv",
         "Baby,Time,Start Side,Left duration (min),Right duration (min),Total Duration (min),Note\n"
         'Mia,"5/14/25, 10:53",Right,,59,59\n', "feed", utc(2025, 5, 14, 8, 53),
         {"side": "right", "until": "2025-05-14T09:52:00+00:00", "text": "right 59 min"}),
        ("nursing.csv",
         "Baby,Time,Start Side,Left duration (min),Right duration (min),Total Duration (min),Note\n"
         'Mia,"4/29/25, 09:29",Left,36,8,44,x\n', "feed", utc(2025, 4, 29, 7, 29),
         {"side": "both", "until": "2025-04-29T08:13:00+00:00",
          "text": "left 36 min, right 8 min · x"}),
        ("expressed.csv", 'Baby,Time,Amount (oz.),Note\nMia,"2/3/25, 08:38",0.6\n', "feed",
         utc(2025, 2, 3, 7, 38), {"ml": 17.7, "food": "breast milk"}),
        ("formula.csv", 'Baby,Time,Amount (ml.),Note\nMia,"2/3/25, 08:38",60\n', "feed",
         utc(2025, 2, 3, 7, 38), {"ml": 60.0, "food": "formula"}),
        ("diaper.csv", 'Baby,Time,Status,Note\nMia,"1/13/26, 15:58",Mixed\n', "nappy",
         utc(2026, 1, 13, 14, 58), {"wet": True, "solid": True}),
        ("temp.csv", 'Baby,Time,Temperature (°F),Note\nMia,"1/13/26, 15:58",98.6\n', "temperature",
         utc(2026, 1, 13, 14, 58), {"celsius": 37.0}),
        ("medication.csv",
         'Baby,Time,Medication name,Amount,Note\nMia,"1/13/26, 15:58",Vitamin D,1 drop,\n',
         "medicine", utc(2026, 1, 13, 14, 58), {"name": "Vitamin D", "dose": "1 drop"}),
    ],
)  # fmt: skip
def test_baby_tracker(name, text, what, at, data):
    found = read(text, name, names={"mia": "mia"})
    assert found.layout.source.startswith("baby-tracker-")
    (one,) = found.incoming
    assert (one.what, one.at, dict(one.data)) == (what, at, data)


# Any table.


def test_columns_are_guessed_and_shown():
    text = "Date;Time;Activity;Amount (ml);Notes;Mood\n31.1.2026;19:05;Bottle;90;half left;good\n"
    found = read(text)
    assert found.layout.columns == {
        "Date": "date", "Time": "time", "Activity": "what", "Amount (ml)": "amount",
        "Notes": "text",
    }  # fmt: skip
    assert found.unused == {"Mood": 1}
    (one,) = found.incoming
    assert (one.what, one.at) == ("feed", utc(2026, 1, 31, 18, 5))
    assert dict(one.data) == {"ml": 90.0, "text": "half left"}


def test_a_mapping_goes_before_the_guess():
    text = "When,Was,Mood\n2026-01-31 19:05,great,calm\n"
    with pytest.raises(ParameterError, match="which column says when; say --map COLUMN=at"):
        read(text)
    with pytest.raises(ParameterError, match="what the rows are; say --kind"):
        read(text, mapping={"When": "at"})
    one = only(text, mapping={"When": "at", "Was": "text", "Mood": "text"}, kind="note")
    assert one.data["text"] == "great · calm"


@pytest.mark.parametrize(
    ("mapping", "says"),
    [({"Wen": "at"}, "no such column; there are When, Was"), ({"When": "whenever"}, "can be what")],
)
def test_mappings_that_cannot_be(mapping, says):
    with pytest.raises(ParameterError, match=says):
        read("When,Was\n2026-01-31 19:05,great\n", mapping=mapping)


def test_an_end_that_is_only_a_clock_may_lie_after_midnight():
    one = only("Date,Time,End,Type\n2026-01-31,22:30,06:15,Sleep\n")
    assert one.data["until"] == "2026-02-01T05:15:00+00:00"


def test_children_are_told_by_name():
    text = "Child,Start,Type\nMia,2026-01-31 19:05,Pee\nOle,2026-01-31 19:06,Pee\n"
    text = (
        text.replace("Pee", "Diaper")
        .replace("Type", "Type,Status")
        .replace("Diaper\n", "Diaper,wet\n")
    )
    found = read(text, child=None, names={"Mia": "m1", "ole": "o1"})
    assert [one.child for one in found.incoming] == ["m1", "o1"]
    with pytest.raises(ParameterError, match="is about Ole, who is not known here"):
        read(text, names={"Mia": "m1"})


# Times.


def test_an_hour_that_comes_twice_is_told():
    found = read(f"{HUCKLEBERRY}Diaper,2026-10-25 02:30,,,Pee,,,\n")
    assert found.incoming[0].at == utc(2026, 10, 25, 0, 30)
    (said,) = found.says
    assert str(said) == (
        "line 2: 2026-10-25 02:30 came twice (the clocks changed); the first was taken"
    )


@pytest.mark.parametrize(
    ("took", "at", "until"),
    [
        ("00:20", (0, 50), (1, 10)),
        ("01:20", (0, 50), (2, 10)),
    ],
)
def test_begin_end_and_length_together_tell_which_hour(took, at, until):
    end = "02:10" if took == "00:20" else "03:10"
    found = read(f"{HUCKLEBERRY}Sleep,2026-10-25 02:50,2026-10-25 {end},{took},,,,\n")
    (one,) = found.incoming
    assert found.says == ()
    if took == "00:20":
        assert one.at == utc(2026, 10, 25, *at)
        assert one.data["until"] == utc(2026, 10, 25, *until).isoformat()
    else:
        # 02:50 to 03:10 is 20 minutes, or 1 h 20 from the first 02:50.
        assert one.at == utc(2026, 10, 25, *at)
        assert one.data["until"] == utc(2026, 10, 25, *until).isoformat()


def test_an_hour_that_did_not_exist_is_told():
    found = read(f"{HUCKLEBERRY}Diaper,2026-03-29 02:30,,,Pee,,,\n")
    assert found.incoming[0].at == utc(2026, 3, 29, 1, 30)
    assert "did not exist (the clocks changed); 03:30 was taken" in found.says[0].says


def test_a_sleep_over_the_change_of_clocks_has_its_true_length():
    one = huckleberry("Sleep,2026-10-24 20:00,2026-10-25 06:00,11:00,,,,")
    assert datetime.fromisoformat(one.data["until"]) - one.at == timedelta(hours=11)


def test_dates_whose_order_is_not_clear_are_asked_for():
    text = "Start,Type,Status\n3/4/2026 10:00,Diaper,wet\n"
    with pytest.raises(ParameterError, match="say --dates day-first or --dates month-first"):
        read(text)
    assert only(text, day_first=True).at == utc(2026, 4, 3, 8)
    assert only(text, day_first=False).at == utc(2026, 3, 4, 9)
    both = text + "3/31/2026 10:00,Diaper,wet\n"
    assert [one.at.month for one in read(both).incoming] == [3, 3]
    with pytest.raises(ParameterError, match="some dates have the day first"):
        read(both + "31/3/2026 10:00,Diaper,wet\n")


@pytest.mark.parametrize(
    "text",
    ["2026-01-31 19:05", "2026-01-31T19:05:00", "1/31/26, 7:05 PM", "01/31/2026 19:05",
     "31.01.2026 19:05", "31.1.26, 19:05", "2026/01/31 19:05", "1/31/2026 7:05 p.m.",
     "1/31/26, 7:05\u202fPM", "2026-01-31T19:05:00+01:00", "2026-01-31T18:05:00Z",
     "1769882700", "1769882700000"],
)  # fmt: skip
def test_dates_as_programs_write_them(text):
    clock = Clock(BERLIN)
    assert clock.utc(clock.local(text))[0] == utc(2026, 1, 31, 18, 5)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_local_times_go_to_utc_and_back(local):
    for at in choices(local, BERLIN):
        back = at.astimezone(BERLIN).replace(tzinfo=None)
        assert back == local or timedelta(0) < back - local <= timedelta(hours=1)


# Twice.


def test_twice_is_as_good_as_once_and_what_was_edited_is_corrected(journal):
    text = (
        f"{HUCKLEBERRY}Diaper,2026-01-13 10:02,,,Pee,,,\n"
        "Feed,2026-01-13 12:00,,,Formula,Bottle,90ml,\n"
        "Feed,2026-01-13 12:00,,,Formula,Bottle,30ml,\n"
    )

    def bring(text):
        found = read(text)
        times = [one.at for one in found.incoming]
        writing = plan(journal, "huckleberry", found.incoming, zone="Europe/Berlin",
                       covers=(min(times), max(times) + timedelta(seconds=1)))  # fmt: skip
        journal.append(writing.events)
        return writing

    assert bring(text).new == 3
    assert {one.ml for one in journal.care()} == {None, 90, 30}
    again = bring(text)
    assert (again.new, again.changed, again.known) == (0, 0, 3)
    edited = bring(text.replace("90ml", "95ml"))
    assert (edited.new, edited.changed) == (0, 1)
    assert {one.ml for one in journal.care()} == {None, 95, 30}
    less = bring("\n".join(text.splitlines()[:3]) + "\n")
    assert [one.ml for one in less.missing] == [30]
    assert len(journal.care()) == 3


def test_a_row_that_repeats_counts_once_and_is_told():
    row = "Diaper,2026-01-13 10:02,,,Pee,,,\n"
    found = read(f"{HUCKLEBERRY}{row}{row}")
    assert len(found.incoming) == 1
    assert str(found.says[0]) == "line 3: is the same as line 2; it counts once"


# Units.


def test_units():
    assert (millilitres("4oz"), millilitres("4 fl. oz"), millilitres("0,5 l")) == (
        118.3,
        118.3,
        500,
    )
    assert millilitres("4", "oz") == 118.3
    assert (kilograms("8 lbs"), kilograms("3620 g"), kilograms("7lb 15oz")) == (3.629, 3.62, 3.6)
    assert (celsius("37.2"), celsius("99"), celsius("99 °F"), celsius("37", "c")) == (
        37.2, 37.22, 37.22, 37.0,
    )  # fmt: skip
    assert length("0:05:30") == timedelta(minutes=5, seconds=30)
    assert is_day_first(["2026-01-02 10:00", ""]) is False


@given(st.text(max_size=30))
def test_no_cell_makes_a_parser_fail_otherwise(text):
    for parse in (millilitres, kilograms, celsius, length, Clock(BERLIN).local):
        with suppress(CellError):
            parse(text)


@given(st.binary(max_size=400))
def test_no_file_makes_it_fail_otherwise(raw):
    with suppress(HarkenError):
        read_entries(read_table(raw), zone=BERLIN, child=None, now=NOW)


CELLS = ("", "Sleep", "Feed", "Diaper", "Pee", "2026-01-13 10:02", "2026-10-25 02:30", "1:30",
         "120ml", "00:20L", "Bottle", "x")  # fmt: skip
ROWS = st.lists(st.tuples(*[st.sampled_from(CELLS)] * 8), max_size=8)


@given(ROWS)
def test_every_row_is_read_or_named(rows):
    text = HUCKLEBERRY + "".join(",".join(row) + "\n" for row in rows)
    found = read(text)
    told = {one.line for one in (*found.unreadable, *found.unheld)}
    same = {one.line for one in found.says if "is the same as" in one.says}
    lines = {i + 2 for i, row in enumerate(rows) if any(row)}
    assert told | same | {int(one.where.split()[1]) for one in found.incoming} == lines
    assert len(found.incoming) + len(told) + len(same) == len(lines)
    assert guess(table(text)).source == "huckleberry"
