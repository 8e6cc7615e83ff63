import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import EpisodeSettings, Event, fold, new_id
from harken.errors import JournalError
from harken.journal import BACK_OFF, Journal, Room
from harken.journal.journal import default_path


def test_what_was_appended_is_there_after_it_was_opened_again(fresh, cry, said):
    url, events = fresh(), [*cry(0, 20), said("acknowledged", 5, caregiver="ada")]
    with Journal.open(url) as journal:
        assert journal.append(events) == events
    with Journal.open(url) as journal:
        assert journal.events() == sorted(events, key=lambda event: event.at)
        assert [one.crying_s for one in journal.episodes()] == [20]


def test_every_field_of_an_event_comes_back_as_it_was(journal):
    event = Event(
        "commented",
        datetime.fromisoformat("2026-03-29T03:30:00.000001+02:00"),
        room="küche",
        child="mia",
        by="device:x",
        zone="Europe/Berlin",
        data={"text": "<img onerror> 🍼 \0 \ud800 '\"\n"},
    )
    journal.append([event])
    (found,) = journal.events()
    assert found == event
    assert found.at.tzinfo is UTC


def test_an_event_counts_once_and_the_first_telling_of_it_stays(journal, said):
    first = said("commented", 1, text="first")
    other = Event("commented", first.at, id=first.id, data={"text": "other"})
    third = said("commented", 2, text="third")
    assert journal.append([first, other]) == [first]
    assert journal.append([other, third, third]) == [third]
    assert journal.append([first, third]) == []
    assert journal.append([]) == []
    assert journal.events() == [first, third]


def test_events_are_found_by_time_kind_room_and_child(journal, cry, said, after):
    there, here = cry(0, 20, room="there"), cry(100, 120)
    note = said("commented", 50, room=None, text="x")
    journal.append([*here, note, *there])
    assert journal.events() == [*there, note, *here]
    assert journal.events(newest_first=True) == [*here[::-1], note, *there[::-1]]
    assert journal.events(since=after(20), until=after(100)) == [there[1], note]
    assert journal.events(kinds=["cry_started"]) == [there[0], here[0]]
    assert journal.events(kinds=[]) == []
    assert journal.events(room="nursery") == here
    assert journal.events(child="mia", limit=3) == [*there, here[0]]
    assert journal.events(child="leo") == []
    assert journal.last_event("cry_ended", "there") == there[1]
    assert journal.last_event("cry_ended") == here[1]
    assert journal.last_event("calmed", "there") is None


def test_events_of_an_episode_are_those_that_name_it_and_those_of_its_time(journal, cry, said):
    night, morning = cry(0, 20), cry(5000, 5020)
    bout = night[0].data["bout"]
    came = said("responded", 10, manner="arrived", source="tapped")
    undone = said("removed", 6000, room=None, target=str(came.id))
    redone = said("removed", 7000, room=None, target=str(undone.id))
    late = said("commented", 9000, room=None, text="it was the nappy", episode=bout)
    journal.append([*night, *morning, came, undone, redone, late])
    assert journal.events(episode=bout) == [night[0], came, night[1], undone, redone, late]
    assert journal.events(episode=bout, limit=1, newest_first=True) == [late]
    assert journal.events(episode=morning[0].data["bout"]) == morning
    assert journal.events(episode=str(new_id())) == []
    assert journal.events(episode="nonsense") == []


def test_an_episode_is_found_by_any_of_its_bouts_and_stands_as_of_a_time(journal, cry, after):
    first, second = cry(0, 20), cry(40, 60)
    journal.append([*first, *second])
    by_first = journal.episode(first[0].data["bout"])
    assert by_first == journal.episode(second[0].data["bout"].upper())
    assert by_first is not None
    assert not by_first.open
    still = journal.episode(by_first.id, now=after(100))
    assert still is not None
    assert still.open
    assert journal.episode("nonsense") is None
    assert journal.episodes(now=after(100)) == fold([*first, *second], now=after(100))


def test_episodes_are_found_by_onset_room_and_child(journal, cry, after):
    for start in (0, 1000, 2000):
        journal.append(cry(start, start + 10))
    journal.append(cry(1500, 1510, room="there"))
    onsets = [one.onset for one in journal.episodes()]
    assert onsets == [after(x) for x in (0, 1000, 1500, 2000)]
    assert [e.onset for e in journal.episodes(since=after(1000), until=after(2000))] == onsets[1:3]
    assert [e.onset for e in journal.episodes(room="there")] == [after(1500)]
    assert len(journal.episodes(child="mia")) == 4
    assert journal.episodes(child="leo") == []
    assert [e.onset for e in journal.episodes(limit=2, newest_first=True)] == onsets[:1:-1]


def test_stored_episodes_are_the_latest_of_a_room_and_those_that_are_open(journal, cry, after):
    lost = cry(0, 10)[:1]
    told = [*lost, *cry(1000, 1010, room="there"), *cry(2000, 2010), *cry(3000, 3010)]
    journal.append([*told, *cry(4000, 4010)])
    onsets = [one.onset for one in journal.stored_episodes("nursery", since=after(3500))]
    assert onsets == [after(3000), after(4000)]
    (there,) = journal.stored_episodes("there", since=after(9000))
    assert there.ended_at == after(1070)
    journal.append(cry(5000, 5010, room="other")[:1])
    journal.append(cry(6000, 6010, room="third"))
    (still,) = journal.stored_episodes("other", since=after(9000))
    assert still.open
    assert journal.stored_episodes("absent", since=after(0)) == []


def test_what_comes_late_joins_what_was_apart(journal, cry):
    early, late, between = cry(0, 30), cry(130, 160), cry(60, 100)
    journal.append([*early, *late])
    assert len(journal.episodes()) == 2
    journal.append(between)
    (joined,) = journal.episodes()
    assert joined.id == early[0].data["bout"]
    assert len(joined.bouts) == 3


def due(at, *, alert=None, episode=None):
    data = {"alert": str(alert or new_id()), "about": "cry", "channel": "page"}
    return Event(
        "alert_due", at, room="nursery", data=data | ({"episode": episode} if episode else {})
    )


def told(kind, at, alert_due, **data):
    return Event(kind, at, room="nursery", data={"alert": alert_due.data["alert"], **data})


def test_an_alert_is_due_until_it_was_sent(journal, after):
    first, second = due(after(0)), due(after(5))
    journal.append([second, first])
    assert journal.next_due() == after(0)
    assert [one.event for one in journal.due_alerts(after(1))] == [first]
    assert [one.event for one in journal.due_alerts(after(5))] == [first, second]
    journal.append([told("alert_sent", after(6), first)])
    assert [one.event for one in journal.due_alerts(after(9))] == [second]
    journal.append([told("alert_failed", after(6), second, error="gone", final=True)])
    assert journal.due_alerts(after(99)) == []
    assert journal.next_due() is None


def test_an_alert_that_failed_is_tried_again_ever_later(journal, after):
    alert = due(after(0))
    journal.append([alert])
    at = after(0)
    for attempts, wait_s in enumerate([*BACK_OFF, BACK_OFF[-1]], start=1):
        journal.append([told("alert_failed", at, alert, error="no answer")])
        assert journal.due_alerts(at + timedelta(seconds=wait_s - 0.001)) == []
        at += timedelta(seconds=wait_s)
        (one,) = journal.due_alerts(at)
        assert (one.event, one.attempts, one.next_try) == (alert, attempts, at)


def test_the_outbox_is_the_same_in_whatever_order_it_was_told(journal, after):
    alert = due(after(0))
    journal.append([told("alert_failed", after(2), alert, error="x")])
    assert journal.next_due() is None
    journal.append([alert])
    assert journal.next_due() == after(3)
    twice = due(after(9), alert=alert.data["alert"].upper())
    journal.append([twice])
    assert [one.event for one in journal.due_alerts(after(99))] == [alert]
    journal.rebuild()
    assert [one.event for one in journal.due_alerts(after(99))] == [alert]


def test_other_settings_make_other_episodes_and_are_kept(fresh, cry):
    url = fresh()
    with Journal.open(url) as journal:
        journal.append([*cry(0, 30), *cry(100, 130)])
        assert len(journal.episodes()) == 2
        assert journal.use(EpisodeSettings(calm_after=120)) == 1
        assert len(journal.episodes()) == 1
    with Journal.open(url) as journal:
        assert journal.settings.calm_after == 120
        assert len(journal.episodes()) == 1
    with Journal.open(url, settings=EpisodeSettings()) as journal:
        assert len(journal.episodes()) == 2
    with Journal.open(url) as journal:
        assert journal.settings == EpisodeSettings()


def test_stored_settings_that_make_no_sense_give_the_defaults(fresh):
    url = fresh()
    with Journal.open(url) as journal:
        journal.household.set_setting("episodes", {"calm_after": -1})
    with Journal.open(url) as journal:
        assert journal.settings == EpisodeSettings()


def test_many_threads_append_at_once_and_each_event_is_new_for_one(journal, said):
    shared = [said("commented", i, text=str(i)) for i in range(40)]

    def append(number):
        mine = [said("commented", number + i / 100, text="mine") for i in range(20)]
        return sum(len(journal.append([one, two])) for one, two in zip(mine, shared, strict=False))

    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(append, range(8)))
    assert sum(new) == 8 * 20 + 20
    assert len(journal.events()) == 8 * 20 + 20


def test_what_fails_for_one_fails_for_no_other(sqlite, said, monkeypatch):
    from harken.journal import projection

    whole, poison = projection.project, said("commented", 0, text="poison")

    def project(connection, new, settings):
        if poison in new:
            raise JournalError("refused")
        whole(connection, new, settings)

    monkeypatch.setattr(projection, "project", project)
    with ThreadPoolExecutor(9) as pool:
        with sqlite._turn:  # so that all nine wait, and one of them writes for all
            good = [
                pool.submit(sqlite.append, [said("commented", i, text="good")]) for i in range(8)
            ]
            bad = pool.submit(sqlite.append, [poison])
            while len(sqlite._waiting) < 9:
                time.sleep(0.01)
        assert all(len(one.result()) == 1 for one in good)
        with pytest.raises(JournalError, match="refused"):
            bad.result()
    assert len(sqlite.events()) == 8
    assert poison not in sqlite.events()


def test_one_reads_while_another_writes(fresh, said):
    with Journal.open(fresh()) as journal, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(
            lambda: [journal.append([said("commented", i, text="x")]) for i in range(100)]
        )
        counts = []
        while not writing.done():
            counts.append(len(journal.events()))
        assert counts == sorted(counts)
        writing.result()
        assert len(journal.events()) == 100


def test_two_programs_may_have_one_journal_open(fresh, cry, said):
    url = fresh()
    with Journal.open(url) as one, Journal.open(url) as other:
        began, over = cry(0, 20)
        one.append([began])
        other.append([over, said("responded", 10, manner="arrived", source="tapped")])
        (episode,) = one.episodes()
        assert episode.latency_s == 10
        assert one.rebuild() == 1
        assert other.episodes() == one.episodes()


def test_events_that_came_while_it_was_rebuilt_are_in_the_result(journal, cry, monkeypatch):
    from harken.journal import journal as module

    journal.append(cry(0, 20))
    whole, late = module.fold, cry(1000, 1020)

    def fold_slowly(events, settings):
        made = whole(events, settings)
        journal.append(late)
        return made

    monkeypatch.setattr(module, "fold", fold_slowly)
    assert journal.rebuild() == 2
    assert len(journal.episodes()) == 2


def test_a_journal_opens_where_the_data_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path / "data"))
    assert default_path() == tmp_path / "data" / "journal.sqlite"
    with Journal.open() as journal:
        journal.household.add(Room(id="nursery", name="Nursery"))
    assert default_path().is_file()


def test_it_is_printed_without_a_password(postgresql):
    with Journal.open(postgresql.new()) as journal:
        assert "not-shown" not in repr(journal)
        assert "not-shown" not in journal.name


def test_a_server_that_was_restarted_is_found_again(postgresql, said):
    with Journal.open(postgresql.new()) as journal:
        journal.append([said("commented", 1, text="x")])
        postgresql.restart()
        journal.append([said("commented", 2, text="y")])
        assert len(journal.events()) == 2
