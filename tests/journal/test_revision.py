"""How far a journal has come, and from when on something that was kept has to be read again."""

from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import EpisodeSettings
from harken.episodes.events import Event, new_id
from harken.journal import Journal

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)


def ago(hours):
    return AT - timedelta(hours=hours)


def cry(at, seconds=60.0, room="nursery"):
    bout = str(new_id(at))
    return [
        Event("cry_started", at, room=room, data={"bout": bout, "detected_at": at.isoformat()}),
        Event("cry_ended", at + timedelta(seconds=seconds), room=room,
              data={"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}),
    ]  # fmt: skip


def care(at, what="feed", **data):
    return Event("care", at, room="nursery", data={"what": what, **data})


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        yield journal


def test_a_revision_is_equal_until_something_is_written(journal):
    first = journal.revision()
    assert journal.revision() == first
    assert str(journal.revision()) == str(first)
    fed = care(AT)
    journal.append([fed])
    second = journal.revision()
    assert second != first
    journal.append([fed])
    assert journal.revision() == second
    journal.use(EpisodeSettings(calm_after=30.0))
    assert journal.revision() != second


def test_what_a_new_event_bears_on(journal):
    journal.append([*cry(ago(50)), *cry(ago(5)), care(ago(40))])
    before = journal.revision()
    assert journal.touched_since(before) is None
    journal.append([Event("audit", AT, data={"what": "joined"})])
    assert journal.touched_since(before) is None
    journal.append([care(ago(1))])
    assert journal.touched_since(before) == ago(1)


def test_a_correction_reaches_back_to_what_it_corrects(journal):
    fed = care(ago(40))
    journal.append([fed])
    before = journal.revision()
    moved = Event("corrected", AT, data={"target": str(fed.id), "at": ago(60).isoformat()})
    journal.append([moved])
    assert journal.touched_since(before) == ago(60)
    then = journal.revision()
    journal.append([Event("removed", AT, data={"target": str(moved.id)})])
    assert journal.touched_since(then) == ago(60)


def test_an_episode_that_lasted_until_then_is_touched_from_its_onset(journal):
    journal.append(cry(ago(2), seconds=3600.0))
    before = journal.revision()
    journal.append([Event("responded", ago(1.2), room="nursery",
                          data={"manner": "arrived", "source": "tapped"})])  # fmt: skip
    assert journal.touched_since(before) == ago(2)


def test_with_other_settings_everything_is_touched(journal):
    journal.append(cry(ago(2)))
    before = journal.revision()
    journal.use(EpisodeSettings(calm_after=30.0))
    assert journal.touched_since(before) == datetime.min.replace(tzinfo=UTC)


def test_care_of_a_kind(journal):
    note, fed = care(ago(3), "note", text="from tonight: a bath"), care(ago(2))
    was_note, nappy = care(ago(4), "note", text="no"), care(ago(1), "nappy")
    journal.append([note, fed, was_note, nappy])
    became = {"target": str(nappy.id), "data": {"what": "note", "text": "a note after all"}}
    journal.append(
        [
            Event("corrected", AT, data=became),
            Event("removed", AT, data={"target": str(was_note.id)}),
        ]
    )
    notes = journal.care(what=("note",))
    assert [one.text for one in notes] == ["from tonight: a bath", "a note after all"]
    assert [one.what for one in journal.care(what=("feed", "nappy"))] == ["feed"]
    assert journal.care(what=()) == []
    assert len(journal.care()) == 3
