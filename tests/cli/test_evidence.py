"""`harken evidence`: a question, a topic, a claim; for people and for programs."""

import json

import pytest

from harken.evidence import FOUR_QUESTIONS, claims, questions

pytestmark = pytest.mark.e2e


def flat(text):
    return " ".join(text.split())


def test_without_a_topic_it_says_what_there_is(harken):
    done = harken("evidence")
    assert (done.returncode, done.stderr) == (0, "")
    for one in questions():
        assert one.key in done.stdout
    for one in FOUR_QUESTIONS:
        assert one.asks in flat(done.stdout)
        assert one.whose in flat(done.stdout)


@pytest.mark.parametrize("typed", ["less", "LESS"])
def test_a_question_shows_both_sides_with_limits(harken, typed):
    told = flat(harken("evidence", typed).stdout)
    assert told.index("For coming at once") < told.index("For waiting, or for sleep training")
    for one in claims("response_and_crying"):
        assert f"{one.id} {flat(one.claim)}" in told
        assert flat(one.cannot) in told
    assert told.count("Not confirmed") == sum(
        not one.confirmed
        for topic in ("response_and_crying", "cry_dynamics")
        for one in claims(topic)
    )


def test_a_topic_with_a_hyphen_and_a_single_claim(harken):
    assert "S01 Efe carers" in flat(harken("evidence", "cross-cultural").stdout)
    told = flat(harken("evidence", "s01").stdout)
    assert told.startswith("S01 Takes no side S01 Efe carers")
    assert "S02" not in told


def test_json_is_everything(harken):
    whole = json.loads(harken("evidence", "--format", "json").stdout)
    assert sum(len(one["claims"]) for one in whole["questions"]) == len(claims())
    assert len(whole["four_questions"]) == 4
    some = json.loads(harken("evidence", "carrying", "-f", "json").stdout)
    assert some == [one.as_dict() for one in claims("carrying")]


@pytest.mark.parametrize("typed", ["nonsense", "", "[bold]"])
def test_what_there_is_not_is_one_line(harken, typed):
    done = harken("evidence", typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "'harken evidence' lists them" in done.stderr
