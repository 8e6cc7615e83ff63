"""Files and addresses that are wrong: one line says what and where."""

from zoneinfo import ZoneInfo

import pytest

from harken.errors import HarkenError, ParameterError
from harken.exchange import (
    BabyBuddy,
    open_table,
    pull,
    push,
    read_entries,
    read_numbers,
    read_table,
)
from harken.exchange.cells import find_zone
from harken.exchange.incoming import check_source

UTC = ZoneInfo("UTC")
HUCKLEBERRY = "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is empty; the first line must name the columns"),
        (b"\n\n,,\n", "is empty"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"a,b\n1,2,3\n", "line 2: has 3 cells, and the first line names 2"),
        (b"a,a\n1,2\n", "line 1: two columns are called 'a'"),
        (b"a,b\n\"1\n", None),
        (b"a\0b,c\n", "is no text"),
        (b",".join(b"c%d" % i for i in range(300)), "has 300 columns; 200 are the most"),
        (b"a,b\n" + b"x" * 200_000, "line 2: is no CSV"),
    ],
)  # fmt: skip
def test_files_that_are_no_tables(raw, says):
    if says is None:
        assert read_table(raw).rows[0].cells == ("1", "")
        return
    with pytest.raises(HarkenError, match=says):
        read_table(raw, "f.csv")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(HarkenError, match=r"nothing\.csv: cannot be read \(No such file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(HarkenError, match="cannot be read"):
        open_table(tmp_path)


def test_other_alphabets(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_table("Größe;b\nä;1\n".encode(encoding)).rows[0].cells == ("ä", "1")
    found = read_table("Größe;b\nä;1\n".encode("cp1252"))
    assert found.columns[0] == "Größe"
    assert "read as Windows-1252" in found.says[0]


def test_line_breaks_inside_quotes_keep_the_count():
    found = read_table(b'a,b\n"one\ntwo",2\n3,4\n')
    assert [(row.line, row.cells[0]) for row in found.rows] == [(2, "one\ntwo"), (4, "3")]


@pytest.mark.parametrize(
    ("row", "line_column_says"),
    [
        ("Sleep,not a date,,,,,,", "line 2, column 'Start': 'not a date' is no date"),
        ("Sleep,2026-01-13,,,,,,", "line 2, column 'Start': '2026-01-13' is no date with a time"),
        ("Sleep,,,,,,,", "line 2, column 'Start': does not say when"),
        ("Sleep,13/13/2026 10:00,,,,,,", "is no date with a time of day that exists"),
        ("Sleep,2026-01-13 10:00,2026-01-13 09:00,,,,,", "column 'End': ends before it begins"),
        ("Sleep,2026-01-13 10:00,2026-01-15 10:01,,,,,", "column 'End': lasts longer than a day"),
        ("Sleep,2026-01-13 10:00,,99:99:99:99,,,,", "'Duration': '99:99:99:99' is no length"),
        ("Sleep,2040-01-13 10:00,,1:00,,,,", "'Start': '2040-01-13 10:00' lies in the future"),
        ("Diaper,2026-01-13 10:00,,,Mystery,,,", "'Start Condition': 'Mystery' does not say"),
        ("Diaper,2026-01-13 10:00,,,,,,", "does not say wet, dirty or dry"),
        ("Feed,2026-01-13 10:00,,,Formula,Bottle,99 gallons,", "'99 gallons' is no amount"),
        ("Feed,2026-01-13 10:00,,,Formula,Bottle,900 l,", "no amount that a child drinks"),
        ("Temperature,2026-01-13 10:00,,,7,,,", "'7' is no body temperature"),
        (",2026-01-13 10:00,,,,,,", "column 'Type': says nothing of what it is"),
        (f"Sleep,2026-01-13 10:00,,1:00,,,,{'x' * 4001}", "remark of more than 4000"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_read_are_named(row, line_column_says):
    found = read_entries(read_table(f"{HUCKLEBERRY}{row}\n".encode()), zone=UTC, child=None)
    assert found.incoming == ()
    (trouble,) = found.unreadable
    assert line_column_says in str(trouble)


def test_harkens_own_table_is_not_brought_back_so():
    text = b"event,what,at,until,zone,room,child,by\n"
    with pytest.raises(ParameterError, match="harken journal import"):
        read_entries(read_table(text), zone=UTC, child=None)


@pytest.mark.parametrize("more", [{"unit": "pints"}, {"kind": "mood"}])
def test_options_that_cannot_be(more):
    with pytest.raises(ParameterError, match="must be"):
        read_entries(read_table(b"Start,Type\n"), zone=UTC, child=None, **more)


def test_zones_and_names_that_cannot_be():
    for zone in ("Mars/Olympus", "../etc/passwd", "", "a\0b"):
        with pytest.raises(ParameterError, match="zone"):
            find_zone(zone)
    for name in ("", "a b", "ä", "x" * 41, "a/b"):
        with pytest.raises(ParameterError, match="1 to 40 letters"):
            check_source(name)


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ("A,BPM\n", {}, "which column says when; say --map COLUMN=time"),
        ("Time,A,B\n", {}, "which column is measured"),
        ("Time,A,B\n", {"what": "oxygen"}, "which column is measured"),
        ("Time,A\n", {"what": "mood"}, "--what mood: must be one of heart_rate"),
        ("Time,A\n", {"mapping": {"C": "oxygen"}}, "no such column; there are Time, A"),
        ("Time,A\n", {"mapping": {"A": "mood"}}, "a column can be time, heart_rate"),
        ("Time,BPM\n3/4/2026 10:00,120\n", {}, "say --dates day-first"),
    ],
)
def test_tables_of_numbers_that_cannot_be_told(text, more, says):
    with pytest.raises(ParameterError, match=says):
        read_numbers(read_table(text.encode()), zone=UTC, source="sock", **more)


@pytest.mark.parametrize(
    "url",
    ["baby.example", "ftp://baby.example", "http://", "http://[::1", "http://me:pw@baby.example"],
)
def test_addresses_that_cannot_be(url):
    with pytest.raises(ParameterError, match="the address of Baby Buddy"):
        BabyBuddy(url, "0123")


@pytest.mark.parametrize("token", ["", "two words", "ключ", "line\nbreak"])
def test_tokens_that_cannot_be(token):
    with pytest.raises(ParameterError, match="token of Baby Buddy") as refused:
        BabyBuddy("http://baby.example", token)
    assert not token or token not in str(refused.value)


def test_nobody_there(journal):
    with BabyBuddy("http://127.0.0.1:9", "0123", pause=lambda _: None) as buddy:
        for ask in (pull, push):
            with pytest.raises(HarkenError, match="cannot be reached"):
                ask(journal, buddy)


def test_something_else_there(journal, receiver_of):
    for body, says in (
        ("<html>", "answers children/ with something else"),
        ("[]", "answers children/ with something else"),
        ('{"count": 1, "results": [7]}', "answers children/ with something else"),
        ('{"count": "x", "results": []}', "answers children/ with something else"),
    ):
        buddy = BabyBuddy(receiver_of(200, body), "0123")
        with buddy, pytest.raises(HarkenError, match=says):
            pull(journal, buddy)
    for status, says in (
        (404, "is it Baby Buddy"),
        (301, "sends elsewhere"),
        (403, "does not take the token"),
        (500, "failed at children/"),
    ):
        buddy = BabyBuddy(receiver_of(status, "{}"), "0123")
        with buddy, pytest.raises(HarkenError, match=says):
            pull(journal, buddy)
