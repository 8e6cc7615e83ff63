"""Private notes: the latest counts, undo works, and nobody sees another's."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import Event
from harken.evidence import RATINGS, notes_by

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BO = "caregiver:ann", "caregiver:bo"


def noted(minute, by=ANN, claim="S11", **data):
    return Event(
        "claim_noted", AT + timedelta(minutes=minute), by=by, data={"claim": claim, **data}
    )


def removed(minute, target, by=ANN):
    return Event("removed", AT + timedelta(minutes=minute), by=by, data={"target": str(target.id)})


def test_the_latest_note_counts_and_undo_brings_back_the_one_before():
    first, second = noted(0, text="hm"), noted(1, text="yes", rating="convinces")
    note = notes_by(ANN, [second, first])["S11"]
    assert (note.text, note.rating, note.at) == ("yes", "convinces", second.at)
    assert note.events == (str(first.id), str(second.id))
    assert notes_by(ANN, [first, second, removed(2, second)])["S11"].text == "hm"
    assert notes_by(ANN, [first, second, removed(2, second), removed(3, first)]) == {}


def test_a_rating_alone_is_a_note():
    note = notes_by(ANN, [noted(0, rating="unsure")])["S11"]
    assert (note.text, note.rating) == ("", "unsure")


def test_a_note_that_was_corrected_is_read_corrected():
    first = noted(0, text="hm")
    correction = Event(
        "corrected", AT, by=ANN, data={"target": str(first.id), "data": {"text": "aha"}}
    )
    assert notes_by(ANN, [first, correction])["S11"].text == "aha"


writings = st.lists(
    st.builds(
        noted,
        st.integers(0, 99),
        st.sampled_from([ANN, BO]),
        st.sampled_from(["S11", "N04"]),
        text=st.text(max_size=9),
        rating=st.sampled_from([None, *RATINGS]),
    ),
    max_size=20,
)


@given(writings, st.randoms())
def test_only_one_s_own_are_given_in_any_order(events, chance):
    shuffled = [*events, *events]
    chance.shuffle(shuffled)
    mine = notes_by(ANN, shuffled)
    assert mine == notes_by(ANN, [one for one in events if one.by == ANN])
    own = {str(one.id) for one in events if one.by == ANN}
    for note in mine.values():
        assert set(note.events) <= own
        assert note.text or note.rating
