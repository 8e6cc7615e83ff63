"""Pull and push against a server that keeps Baby Buddy's own rules."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from harken.episodes.events import Event
from harken.errors import HarkenError, ParameterError
from harken.exchange import BabyBuddy, pull, push
from harken.journal import Child

BEFORE = timedelta(hours=5)


@pytest.fixture
def buddy(baby_buddy):
    with BabyBuddy(baby_buddy.url, baby_buddy.token, pause=lambda _: None) as opened:
        yield opened


@pytest.fixture
def now():
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def full(baby_buddy, now):
    """A morning of Mia's."""
    mia = baby_buddy.child("Mia")
    at = now - BEFORE
    minutes = lambda n: timedelta(minutes=n)  # noqa: E731
    baby_buddy.put("feedings", child=mia, start=at, end=at + minutes(20), type="breast milk",
                   method="left breast")  # fmt: skip
    baby_buddy.put("feedings", child=mia, start=at + minutes(60), end=at + minutes(70),
                   type="formula", method="bottle", amount=90.0, notes="half left",
                   tags=["night"])  # fmt: skip
    baby_buddy.put("feedings", child=mia, start=at + minutes(80), end=at + minutes(90),
                   type="solid food", method="parent fed", amount=2)  # fmt: skip
    baby_buddy.put("sleep", child=mia, start=at + minutes(100), end=at + minutes(160), nap=True)
    baby_buddy.put("changes", child=mia, time=at + minutes(165), wet=True, solid=True,
                   color="yellow")  # fmt: skip
    baby_buddy.put("temperature", child=mia, time=at + minutes(170), temperature=98.6)
    baby_buddy.put("notes", child=mia, time=at + minutes(175), note="First smile!")
    return mia


def test_a_pull_brings_the_care_log(journal, baby_buddy, buddy, full):
    found = pull(journal, buddy)
    assert (found.writing.new, found.writing.changed, found.writing.missing) == (7, 0, ())
    assert found.children == {full: "mia"}
    assert found.begun == ()
    care = journal.care()
    assert [one.what for one in care] == [
        "feed", "feed", "feed", "sleep", "nappy", "temperature", "note",
    ]  # fmt: skip
    left, bottle, solid, slept, nappy, warm, note = care
    assert (left.side, left.food, left.until - left.at) == ("left", None, timedelta(minutes=20))
    assert (bottle.ml, bottle.food, bottle.text) == (90.0, "formula", "half left · tags: night")
    assert (solid.food, solid.ml, solid.text) == ("solid food", None, "parent fed · amount 2")
    assert slept.until - slept.at == timedelta(minutes=60)
    assert (nappy.wet, nappy.solid, nappy.text) == (True, True, "yellow")
    assert warm.celsius == 37.0
    assert note.text == "First smile!"
    assert {(one.child, one.by, one.zone) for one in care} == {
        ("mia", "device:babybuddy", "Europe/Berlin")
    }


def test_pulling_again_counts_nothing_twice(journal, buddy, full):
    pull(journal, buddy)
    once = journal.care()
    again = pull(journal, buddy)
    assert (again.writing.new, again.writing.changed, again.writing.known) == (0, 0, 7)
    assert journal.care() == once


def test_a_dry_run_writes_nothing(journal, baby_buddy, buddy, full):
    baby_buddy.child("Ida", born=datetime(2026, 2, 2).date())
    found = pull(journal, buddy, dry_run=True)
    assert found.writing.new == 7
    assert [one.name for one in found.begun] == ["Ida"]
    assert journal.events() == []
    assert [one.name for one in journal.household.list(Child)] == ["Mia"]
    assert journal.household.settings().keys() == {"zone"}


def test_what_is_edited_there_is_corrected_here_and_back_again(journal, baby_buddy, buddy, full):
    pull(journal, buddy)
    bottle = next(one for one in baby_buddy.items["feedings"].values() if one["amount"] == 90)
    begun = bottle["start"]
    for amount, shift in ((120.0, 5), (90.0, 0), (120.0, 5)):
        bottle["amount"], bottle["start"] = amount, begun + timedelta(minutes=shift)
        found = pull(journal, buddy)
        assert (found.writing.new, found.writing.changed) == (0, 1)
        kept = next(one for one in journal.care() if one.food == "formula")
        assert (kept.ml, kept.at) == (amount, bottle["start"])
        assert pull(journal, buddy).writing.changed == 0
    assert len(journal.care()) == 7


def test_what_people_corrected_here_stays(journal, baby_buddy, buddy, full):
    pull(journal, buddy)
    note = next(one for one in journal.care() if one.what == "note")
    told = {"target": note.event, "data": {"text": "First real smile!"}}
    journal.append([Event("corrected", datetime.now(UTC), by="caregiver:ada", data=told)])
    assert pull(journal, buddy).writing.changed == 0
    assert journal.care()[-1].text == "First real smile!"


def test_what_is_deleted_there_is_reported_and_stays(journal, baby_buddy, buddy, full):
    pull(journal, buddy)
    baby_buddy.items["sleep"].clear()
    found = pull(journal, buddy)
    (gone,) = found.writing.missing
    assert gone.what == "sleep"
    assert len(journal.care()) == 7
    journal.append([Event("removed", datetime.now(UTC), data={"target": gone.event})])
    assert pull(journal, buddy).writing.missing == ()


def test_what_moves_to_another_child_is_not_there_twice(journal, baby_buddy, buddy, full):
    ida = baby_buddy.child("Ida", born=datetime(2026, 2, 2).date())
    pull(journal, buddy)
    (slept,) = baby_buddy.items["sleep"].values()
    # There and back, as often as somebody changes their mind.
    for child, name in ((ida, "Ida"), (full, "Mia"), (ida, "Ida"), (full, "Mia")):
        slept["child"] = child
        assert pull(journal, buddy).writing.changed + pull(journal, buddy).writing.changed <= 2
        (kept,) = [one for one in journal.care() if one.what == "sleep"]
        assert journal.household.get(Child, kept.child).name == name
        assert pull(journal, buddy).writing.events == ()


def test_many_pages_with_something_new_on_each(journal, baby_buddy, buddy, now):
    mia = baby_buddy.child("Mia")
    for i in range(250):
        baby_buddy.put("changes", child=mia, time=now - timedelta(minutes=500 - i), wet=True,
                       solid=False)  # fmt: skip
    asked = []

    def enter(method, path):
        asked.append(path)
        if asked.count("/api/changes/") == 2 and path == "/api/changes/":
            at = now - timedelta(minutes=1000)
            baby_buddy.put("changes", child=mia, time=at, wet=True, solid=False)

    baby_buddy.before = enter
    found = pull(journal, buddy)
    # One came in front of the page that was being read: nothing is said to be missing.
    assert found.changing
    assert found.writing.missing == ()
    baby_buddy.before = lambda *_: None
    found = pull(journal, buddy)
    assert not found.changing
    assert len(journal.care()) == 251
    # Its own address of the next page leads elsewhere; it was never asked.
    assert all(path == "/api/changes/" or "changes" not in path for path in asked)


def test_a_pull_that_breaks_off_goes_on(journal, baby_buddy, buddy, full):
    def cut(method, path):
        if path == "/api/notes/":
            baby_buddy.fails = [500]

    baby_buddy.before = cut
    with pytest.raises(HarkenError, match=r"failed at notes/ \(status 500\); try again later"):
        pull(journal, buddy)
    baby_buddy.before = lambda *_: None
    assert pull(journal, buddy).writing.new == 7


def test_a_short_outage_is_waited_for(journal, baby_buddy, buddy, full):
    baby_buddy.fails = [503, 502]
    assert pull(journal, buddy).writing.new == 7


def test_since(journal, baby_buddy, buddy, full, now):
    pull(journal, buddy)
    baby_buddy.items["feedings"].clear()
    found = pull(journal, buddy, since=now - BEFORE + timedelta(minutes=100))
    assert found.writing.known == 4
    # What began before was not asked for, so it is not missing.
    assert found.writing.missing == ()


def test_children_are_told_apart(journal, baby_buddy, buddy):
    born = datetime(2026, 1, 10).date()
    mia, ole = baby_buddy.child("Mia Rose", born=born), baby_buddy.child("Ole", born=born)
    with pytest.raises(ParameterError, match=r"who 'Mia Rose Doe' .* say --child 1=ID"):
        pull(journal, buddy)
    with pytest.raises(ParameterError, match="there is no child 'ida' here; there are mia"):
        pull(journal, buddy, children={mia: "ida"})
    with pytest.raises(ParameterError, match="has no child 9; it has 1"):
        pull(journal, buddy, children={9: "mia"})
    journal.household.add(Child(id="ole", name="ole", born=born))
    found = pull(journal, buddy, children={mia: "mia"})
    assert found.children == {mia: "mia", ole: "ole"}
    # And from then on they are known.
    assert pull(journal, buddy).children == found.children


def test_another_baby_buddy_is_noticed(journal, baby_buddy, buddy, full):
    pull(journal, buddy)
    baby_buddy.items["children"][full]["birth_date"] = "2025-07-07"
    with pytest.raises(ParameterError, match="if this is another Baby Buddy"):
        pull(journal, buddy)


def test_a_new_child_is_begun_once(journal, baby_buddy, buddy):
    baby_buddy.child("Ida", born=datetime(2026, 2, 2).date())
    (ida,) = pull(journal, buddy).begun
    assert (ida.name, str(ida.born), ida.room) == ("Ida", "2026-02-02", None)
    assert pull(journal, buddy).begun == ()
    assert len(journal.household.list(Child)) == 2


def test_ounces(journal, baby_buddy, buddy, now):
    mia = baby_buddy.child("Mia")
    baby_buddy.put("feedings", child=mia, start=now - BEFORE, end=now - BEFORE, type="formula",
                   method="bottle", amount=4)  # fmt: skip
    assert any("--ounces" in line for line in pull(journal, buddy).says)
    assert journal.care()[0].ml == 4
    assert pull(journal, buddy, ounces=True).writing.changed == 1
    assert journal.care()[0].ml == 118.3


def test_what_cannot_be_read_is_said(journal, baby_buddy, buddy, full, now):
    baby_buddy.put("temperature", child=full, time=now - BEFORE, temperature=7)
    (said,) = pull(journal, buddy).says
    assert said.startswith("temperature 9 was left there: its temperature is neither")


def test_clocks_that_differ_are_told(journal, baby_buddy, buddy):
    baby_buddy.offset_s = -300
    (said,) = pull(journal, buddy).says
    assert "Baby Buddy's clock is 300 s behind" in said or "299 s" in said


# Push.


def notes_of(baby_buddy):
    return list(baby_buddy.items["notes"].values())


@pytest.fixture
def told(journal, baby_buddy, cried, now):
    mia = baby_buddy.child("Mia")
    at = now - BEFORE
    journal.append([*cried(at, 130, answered_s=34), *cried(at + timedelta(hours=1), 700)])
    return mia


def test_each_episode_is_a_note(journal, baby_buddy, buddy, told, now):
    done = push(journal, buddy)
    assert len(done.added) == 2
    first, second = notes_of(baby_buddy)
    one, other = journal.episodes()
    assert first["child"] == told
    assert first["tags"] == ["crying"]
    assert first["time"] == one.onset
    local = one.calm_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert first["note"].startswith(
        f"Cried 2 min 10 s. Ada came after 34 s. Soothed. Calm at {local:%H:%M}.\nHarken {one.id}/"
    )
    assert second["note"].startswith(
        "Cried 11 min 40 s. Nobody came before it ended. Stopped unanswered."
    )
    assert other.id in second["note"]


def test_pushing_again_sends_nothing_twice(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    again = push(journal, buddy)
    assert (again.added, again.changed, len(again.known)) == ((), (), 2)
    assert len(notes_of(baby_buddy)) == 2


def test_a_dry_run_sends_nothing(journal, baby_buddy, buddy, told):
    assert len(push(journal, buddy, dry_run=True).added) == 2
    assert notes_of(baby_buddy) == []
    assert len(push(journal, buddy).added) == 2


def test_what_is_pushed_does_not_come_back(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    assert pull(journal, buddy).writing.new == 0


def test_an_episode_that_changes_changes_its_note(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    one = journal.episodes()[1]
    notes_of(baby_buddy)[1]["tags"].append("evening")
    journal.append([Event("reason_tagged", one.onset, room="nursery", by="caregiver:ada",
                          data={"reason": "hungry", "episode": one.id})])  # fmt: skip
    done = push(journal, buddy)
    assert done.changed == (one.id,)
    assert "It turned out to be: hungry." in notes_of(baby_buddy)[1]["note"]
    assert notes_of(baby_buddy)[1]["tags"] == ["crying", "evening"]
    journal.append([Event("not_a_cry", one.onset, room="nursery", by="caregiver:ada",
                          data={"episode": one.id})])  # fmt: skip
    push(journal, buddy)
    assert notes_of(baby_buddy)[1]["note"].startswith("It was no cry")


def test_a_note_that_somebody_changed_is_left_alone(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    one = journal.episodes()[0]
    notes_of(baby_buddy)[0]["note"] += "\nShe had a tooth coming."
    journal.append([Event("commented", one.onset, room="nursery", by="caregiver:ada",
                          data={"text": "x", "episode": one.id}),
                    Event("reason_tagged", one.onset, room="nursery", by="caregiver:ada",
                          data={"reason": "a tooth", "episode": one.id})])  # fmt: skip
    assert push(journal, buddy).left == (one.id,)
    assert notes_of(baby_buddy)[0]["note"].endswith("She had a tooth coming.")


def test_a_note_that_somebody_deleted_stays_deleted(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    gone = journal.episodes()[0].id
    baby_buddy.items["notes"].pop(notes_of(baby_buddy)[0]["id"])
    assert push(journal, buddy).left == (gone,)
    assert len(notes_of(baby_buddy)) == 1
    assert push(journal, buddy, again=True).added == (gone,)


def test_reaching_further_back_later(journal, baby_buddy, buddy, told, now):
    late = now - BEFORE + timedelta(minutes=30)
    assert len(push(journal, buddy, since=late).added) == 1
    done = push(journal, buddy)
    assert (len(done.added), done.left) == (1, ())
    assert len(push(journal, buddy).known) == 2


def test_a_push_that_breaks_off_goes_on(journal, baby_buddy, buddy, told):
    def cut(method, path):
        if method == "POST" and notes_of(baby_buddy):
            baby_buddy.fails = [500]

    baby_buddy.before = cut
    with pytest.raises(HarkenError, match="status 500"):
        push(journal, buddy)
    baby_buddy.before = lambda *_: None
    assert len(push(journal, buddy).added) == 1
    assert len(notes_of(baby_buddy)) == 2


def test_an_answer_that_is_lost_makes_no_second_note(journal, baby_buddy, buddy, told):
    push(journal, buddy)
    # As it is where the note arrived and the answer did not: nothing was remembered here.
    journal.household.set_setting("exchange.babybuddy", {})
    done = push(journal, buddy)
    assert (done.added, len(done.known)) == ((), 2)


def test_a_clock_that_is_behind(journal, baby_buddy, buddy, told, cried, now):
    baby_buddy.offset_s = -3600
    journal.append(cried(now - timedelta(minutes=10)))
    done = push(journal, buddy)
    assert len(done.added) == 2
    assert len(done.failed) == 1
    assert any("it is still to come; set the clock right" in line for line in done.says)
    baby_buddy.offset_s = 0
    assert len(push(journal, buddy).added) == 1


def test_what_it_refuses_is_one_line_and_is_sent_again(journal, baby_buddy, buddy, told):
    def refuse(method, path):
        if method == "POST" and not notes_of(baby_buddy) and not baby_buddy.refused:
            baby_buddy.refused, baby_buddy.fails = True, [400]

    baby_buddy.refused, baby_buddy.before = False, refuse
    done = push(journal, buddy)
    assert (len(done.added), len(done.failed)) == (1, 1)
    assert done.says[-1].endswith("was not pushed: out of order")
    # What came after it was sent; it is tried again all the same.
    assert push(journal, buddy).added == done.failed
    assert len(notes_of(baby_buddy)) == 2


def test_cries_of_a_child_that_is_not_there_wait(journal, baby_buddy, buddy, told, now):
    del baby_buddy.items["children"][told]
    baby_buddy.child("Ole", born=datetime(2025, 1, 1).date())
    done = push(journal, buddy)
    assert len(done.failed) == 2
    assert "its child is not known in Baby Buddy" in done.says[0]
    baby_buddy.child("Mia")
    assert len(push(journal, buddy).added) == 2


def test_open_episodes_and_drills_wait(journal, baby_buddy, buddy, cried, now):
    baby_buddy.child("Mia")
    events = cried(now - timedelta(seconds=30), 20)
    drill = [replace(one, data={**one.data, "drill": True}) for one in cried(now - BEFORE)]
    journal.append([*events, *drill])
    assert push(journal, buddy).added == ()
    assert notes_of(baby_buddy) == []


def test_the_token_is_in_no_log(journal, baby_buddy, buddy, full, caplog):
    caplog.set_level(logging.DEBUG)
    pull(journal, buddy)
    with BabyBuddy(baby_buddy.url, "wrong-token") as other, pytest.raises(HarkenError) as refused:
        pull(journal, other)
    assert "does not take the token" in str(refused.value)
    told = caplog.text + str(refused.value) + repr(buddy) + repr(other)
    assert baby_buddy.token not in told
    assert "wrong-token" not in told
