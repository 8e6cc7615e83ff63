"""The order in which claims are read: every claim under one question, both sides in sight."""

import pytest

from harken.evidence import FOUR_QUESTIONS, SIDES, claims, on_waiting, question, questions, topics

every_question = pytest.mark.parametrize("one", questions(), ids=lambda one: one.key)


def test_every_topic_belongs_to_one_question():
    asked = [topic for one in questions() for topic in one.topics]
    assert sorted(asked) == sorted(topics())
    assert sum(len(one.claims) for one in questions()) == len(claims())


@every_question
def test_a_question_shows_both_sides_even_if_one_has_nothing(one):
    sides = one.sides()
    assert list(sides) == list(SIDES)
    assert sum(map(len, sides.values())) == len(one.claims)
    assert one.asks.endswith("?")
    assert question(one.key) is one


@every_question
def test_what_is_elsewhere_is_not_here(one):
    assert not {other.id for other in one.elsewhere} & {mine.id for mine in one.claims}
    assert len(set(one.also)) == len(one.also)


def test_there_are_four_questions_and_it_is_said_whose_they_are():
    assert len(FOUR_QUESTIONS) == len({one.key for one in FOUR_QUESTIONS}) == 4
    for one in FOUR_QUESTIONS:
        assert one.asks.endswith("?")
        assert one.why
        assert one.whose.startswith("From ")


def test_what_is_read_before_waiting_holds_both_sides():
    shown = [one for _, found in on_waiting() for one in found]
    assert {one.direction for one in shown} == set(SIDES)
    assert len({one.id for one in shown}) == len(shown)
