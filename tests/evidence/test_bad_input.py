"""What is no claim, no age and no table is refused in one line that says what to do."""

import csv
import io
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from harken.episodes import Event
from harken.errors import ParameterError
from harken.evidence import Claim, check_note, claim, claims, norms, question
from harken.evidence.claims import read_claims, read_norms

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("id", ["", "S99", "*", None, 11, "S11 "])
def test_no_such_claim(id):
    with pytest.raises(ParameterError, match=r"harken evidence"):
        claim(id)


@pytest.mark.parametrize("topic", ["", "Carrying", "nonsense", 5])
def test_no_such_topic(topic):
    with pytest.raises(ParameterError, match=r"take one of .*carrying"):
        claims(topic)


def test_no_such_question():
    with pytest.raises(ParameterError, match=r"take one of how_much, "):
        question("why")


@pytest.mark.parametrize("age", [-1, -0.1, float("nan"), float("inf"), "6", True, 1j])
def test_no_such_age(age):
    with pytest.raises(ParameterError, match=r"number of weeks from 0"):
        norms("cry_fuss_min_per_day", age)


def test_no_such_measure():
    with pytest.raises(ParameterError, match=r"take one of"):
        norms("crying")


@pytest.mark.parametrize(
    "change",
    [{"limits": ""}, {"claim": None}, {"direction": "left"}, {"kind": "rumour"},
     {"checked": "maybe"}, {"design": ""}, {"source_authors": None}],
)  # fmt: skip
def test_a_claim_that_is_not_whole(change):
    with pytest.raises(ParameterError, match=r"claims\.csv, S11"):
        replace(claim("S11"), **change)


def table(*lines):
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return iter(text.getvalue().splitlines(keepends=True))


CLAIM = {"id": "X01", "topic": "t", "claim": "C.", "direction": "mixed", "kind": "trial",
         "population": "p", "design": "d", "n": "", "age": "", "measure": "m", "value": "1",
         "unit": "u", "source_authors": "a", "source_year": "1999", "source_title": "",
         "source_venue": "v", "doi": "", "limits": "l", "in_article": "no", "checked": "yes",
         "checked_where": "w"}  # fmt: skip
HEAD = [one.name for one in fields(Claim)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source_year": "ca. 1999"}, "not a year"),
        ({"in_article": "perhaps"}, "yes or no"),
        ({"id": ""}, "a row without id"),
        ({"direction": ""}, "direction=None"),
    ],
)
def test_a_table_of_claims_with_a_fault(change, says):
    with pytest.raises(ParameterError, match=says):
        read_claims(table(HEAD, list((CLAIM | change).values())))


def test_a_table_of_claims_in_another_form():
    assert list(read_claims(table(HEAD, list(CLAIM.values())))) == ["X01"]
    with pytest.raises(ParameterError, match="comes twice"):
        read_claims(table(HEAD, list(CLAIM.values()), list((CLAIM | {"id": "x01"}).values())))
    with pytest.raises(ParameterError, match="3 cells, not 21"):
        read_claims(table(HEAD, ["a", "b", "c"]))
    with pytest.raises(ParameterError, match="columns must be"):
        read_claims(table(HEAD[1:]))


NORM = {"age_weeks_low": "1", "age_weeks_high": "6", "population": "p", "measure": "m",
        "mean": "2", "sd": "", "n": "", "claim_id": "X01"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"claim_id": "X02"}, "no such claim"),
        ({"claim_id": ""}, "no such claim"),
        ({"age_weeks_low": "7"}, "two weeks in order"),
        ({"age_weeks_low": ""}, "two weeks in order"),
        ({"mean": ""}, "must be there"),
        ({"mean": "many"}, "not a number"),
        ({"mean": "nan"}, "not a number"),
        ({"sd": "-1"}, "not a number"),
        ({"n": "1.5"}, "not a whole number"),
        ({"population": ""}, "must be there"),
    ],
)
def test_a_table_of_norms_with_a_fault(change, says):
    known = read_claims(table(HEAD, list(CLAIM.values())))
    assert len(read_norms(table(list(NORM), list(NORM.values())), known)) == 1
    with pytest.raises(ParameterError, match=says):
        read_norms(table(list(NORM), list((NORM | change).values())), known)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"claim": "S99", "text": "x"}, "not known"),
        ({"claim": "s11", "text": "x"}, "write the claim as S11"),
        ({"claim": "S11"}, "write something"),
        ({"claim": "S11", "text": "  ", "rating": None}, "write something"),
    ],
)
def test_a_note_on_nothing_or_with_nothing(data, says):
    with pytest.raises(ParameterError, match=says):
        check_note(Event("claim_noted", AT, data=data))


@pytest.mark.parametrize(
    "data", [{}, {"claim": 5}, {"claim": "S11", "rating": "best"}, {"claim": "S11", "stars": 5}]
)
def test_a_note_that_is_no_event(data):
    with pytest.raises(ParameterError):
        Event("claim_noted", AT, data=data)
