"""The tables that are shipped: whole, pointing to each other, and in words of their own."""

import csv
import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.evidence import SHOWS, SIDES, claim, claims, measures, norms, topics
from harken.evidence.claims import read_claims, read_norms

ALL = claims()
every_claim = pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
every_norm = pytest.mark.parametrize("one", norms(), ids=lambda one: f"{one.claim_id}-{one.mean}")


def rows(name):
    text = (files("harken.evidence") / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True)))


def test_every_row_is_read_and_none_is_made_up():
    assert [one.id for one in ALL] == [row["id"] for row in rows("claims.csv")]
    assert [(one.claim_id, one.population) for one in norms()] == [
        (row["claim_id"], row["population"]) for row in rows("norms.csv")
    ]
    assert len(ALL) == 163


@every_claim
def test_a_claim_has_what_a_reader_needs(one):
    assert re.fullmatch(r"[A-Z]\d{2}[a-e]?", one.id)
    assert one.claim.endswith(".")
    assert one.claim[0].isupper() or one.claim[0] == "!"
    assert one.limits[-1] in ".)"
    assert one.source_authors
    assert one.source_venue
    assert one.design
    assert one.direction in SIDES
    assert one.kind in SHOWS
    assert one.shows
    assert one.cannot.endswith(one.limits)
    assert one.n is None or re.search(r"\d", one.n), one.n
    assert one.source_year is None or 1950 <= one.source_year <= 2026
    assert one.doi is None or re.fullmatch(r"10\.\d{4,9}/\S+", one.doi)
    assert one.topic in topics()
    json.dumps(one.as_dict(), allow_nan=False)


@every_claim
def test_a_claim_stands_alone(one):
    assert not re.match(r"(That|Those|These|It|They|In the same|The same)\b", one.claim)


@every_claim
def test_what_could_not_be_checked_says_so(one):
    assert (one.doubt is None) == one.confirmed == (one.checked == "yes")
    assert one.confirmed <= (one.checked_where is not None)
    if one.kind == "quoted" and one.in_article:
        assert not one.confirmed
    if one.value is None:
        assert not one.confirmed


def test_what_people_do_takes_no_side():
    assert {one.direction for id in range(1, 10) for one in (claim(f"S0{id}"),)} == {"descriptive"}


def test_both_sides_are_there():
    count = {side: sum(one.direction == side for one in ALL) for side in SIDES}
    assert all(count.values())


@pytest.mark.parametrize(
    ("id", "whole", "part", "says"),
    [
        ("S11", 2.16, 1.23, 43),
        ("S14", 1.28, 0.63, 51),
        ("N25", 98, 98 - 48, 49),
    ],
)
def test_shares_are_what_their_parts_make(id, whole, part, says):
    assert claim(id).value == str(says)
    assert round(100 * (whole - part) / whole) == says


@pytest.mark.parametrize(
    ("id", "hours"), [("S12", 1.23), ("S13", 2.16)], ids=["extra carrying", "control"]
)
def test_hours_and_minutes_agree(id, hours):
    assert claim(id).value == f"{hours * 60:.1f}"
    assert str(hours) in claim(id).claim


@every_norm
def test_a_norm_is_its_claims_figure(one):
    source = one.claim
    assert one.confirmed == source.confirmed
    figures = [float(x) for x in re.findall(r"\d+(?:\.\d+)?", source.value or "")]
    assert one.mean in figures, source.value
    assert one.sd is None or one.sd in figures, source.value
    assert one.n is None or str(one.n) in (source.n or "")
    assert one.age_weeks_low is None or one.age_weeks_low <= one.age_weeks_high
    assert one.how.startswith(source.measure)
    json.dumps(one.as_dict(), allow_nan=False)


def test_shares_answered_within_ten_seconds_are_quotations():
    found = norms("pct_answered_within_10s") + norms("pct_left_unanswered")
    assert {one.claim_id for one in found} == {"S01", "S02", "S03", "S04", "S05"}
    assert not any(one.confirmed for one in found)


def test_an_age_is_counted_in_whole_weeks():
    def means(age):
        return [one.mean for one in norms("cry_fuss_min_per_day", age)]

    assert means(10) == means(12.99) == [68.0]
    assert means(13) == means(9.99) == means(520) == []
    assert 126.0 in means(6.5)


def test_a_norm_without_an_age_is_given_at_any():
    (one,) = norms("mean_response_latency_s", 40)
    assert (one.age_weeks_low, one.age_weeks_high) == (None, None)


def test_norms_of_everything():
    assert set(norms()) == {one for measure in measures() for one in norms(measure)}


def test_claims_by_topic_are_all_claims():
    assert sorted(one.id for topic in topics() for one in claims(topic)) == sorted(
        one.id for one in ALL
    )


@given(st.text())
def test_any_text_is_a_table_or_a_plain_refusal(text):
    from harken.errors import ParameterError

    for read in (read_claims, lambda lines: read_norms(lines, {})):
        with pytest.raises(ParameterError) as told:
            read(iter(text.splitlines(keepends=True)))
        assert "\n" not in str(told.value)
