"""Events of a kind as people left them, whichever database keeps them."""

from datetime import UTC, datetime, timedelta

from harken.episodes import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)


def about(kind, minute, target, **data):
    return Event(kind, AT + timedelta(minutes=minute), data={"target": str(target.id), **data})


def test_what_stands_is_corrected_in_order_and_without_what_was_removed(journal):
    first, second, third = (
        Event("claim_noted", AT + timedelta(minutes=m), data={"claim": "S11", "text": str(m)})
        for m in range(3)
    )
    other = Event("commented", AT, room="r", data={"text": "something else"})
    gone = about("removed", 3, second)
    journal.append(
        [third, second, first, other, gone, about("corrected", 4, first, data={"text": "0!"})]
    )
    assert [one.data["text"] for one in journal.standing("claim_noted")] == ["0!", "2"]
    journal.append([about("removed", 5, gone)])
    assert [one.data["text"] for one in journal.standing("claim_noted")] == ["0!", "1", "2"]
    assert journal.standing("care") == []
