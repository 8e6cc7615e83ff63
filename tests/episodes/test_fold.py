"""Episodes from events: one night at a time, each with a reason to be as it is."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import (
    Course,
    EpisodeSettings,
    Event,
    Outcome,
    fold,
    new_id,
    resolve,
    withdrawn,
)
from harken.errors import ParameterError

START = datetime(2026, 1, 31, 1, 0, tzinfo=UTC)
ROOM = "nursery"


def at(seconds):
    return START + timedelta(seconds=seconds)


def event(kind, seconds, *, room=ROOM, by="hub", child=None, **data):
    for key in ("onset", "detected_at", "until"):
        if key in data:
            data[key] = at(data[key]).isoformat()
    return Event(kind, at(seconds), room=room, by=by, child=child, data=data)


def bout():
    return str(new_id())


def cry(onset, offset=None, *, peak=-30.0, id=None, **more):
    """Start and, where it has one, end of a bout."""
    id = id or bout()
    drill = {"drill": True} if more.pop("drill", False) else {}
    started = event("cry_started", onset, bout=id, detected_at=onset + 1, **drill, **more)
    if offset is None:
        return [started]
    told = {"bout": id, "onset": onset, "mean_cry": 0.8, **drill, **more}
    if peak is not None:
        told["peak_dbfs"] = peak
    return [started, event("cry_ended", offset, **told)]


def arrived(seconds, *, by="caregiver:ada", **more):
    data = {"manner": "arrived", "source": "tapped", **more}
    return event("responded", seconds, by=by, **data)


def only(events, settings=None, **more):
    (episode,) = fold(events, settings, **more)
    return episode


# What an episode is.


def test_a_cry_that_is_answered_and_calms_is_soothed():
    episode = only([*cry(0, 90), arrived(40), event("soothed", 50, attempt="rock")])
    assert episode.outcome is Outcome.SOOTHED
    assert (episode.onset, episode.calm_at, episode.ended_at) == (at(0), at(90), at(150))
    assert (episode.latency_s, episode.censored_s) == (40, None)
    assert (episode.time_to_calm_s, episode.crying_s) == (50, 90)
    assert episode.helped == "rock"
    assert episode.soothing[0].stopped_s == 40
    assert episode.first_response.caregiver == "ada"
    assert episode.counts
    assert not episode.provisional


def test_nothing_happened_is_no_episode():
    assert fold([]) == []
    assert fold([arrived(0), event("calmed", 5), event("room_heard", 9)]) == []


def test_bouts_are_one_episode_until_it_has_been_calm_for_long_enough():
    for gap, count in ((59.9, 1), (60, 2), (300, 2)):
        episodes = fold([*cry(0, 30), *cry(30 + gap, 60 + gap)])
        assert len(episodes) == count, gap
        assert sum(one.crying_s for one in episodes) == 60
    assert len(fold([*cry(0, 30), *cry(50, 60)], EpisodeSettings(calm_after=10))) == 2


def test_crying_counts_once_where_bouts_overlap():
    assert only([*cry(0, 30), *cry(20, 40), *cry(5, 10), *cry(60, 70)]).crying_s == 50


def test_rooms_are_apart():
    first, second = fold([*cry(0, 30), *cry(5, 30, room="attic"), arrived(10, room="attic")])
    assert (first.room, first.answered) == (ROOM, False)
    assert (second.room, second.latency_s) == ("attic", 5)


def test_the_end_alone_tells_of_a_bout():
    _, ended = cry(0, 30)
    assert only([ended]).crying_s == 30


def test_a_bout_with_a_clock_that_was_put_back_has_no_length():
    episode = only([*cry(0, -100)])
    assert episode.crying_s == 0
    assert episode.bouts[0].offset == at(0)


def test_what_was_heard_of_a_bout_is_kept_with_it():
    course = Course(("rising",), 30.0, 5.0, 3.0)
    id = bout()
    ended = event(
        "cry_ended", 30, bout=id, onset=0, mean_cry=1, peak_dbfs=-12, course=course.as_dict()
    )
    (heard,) = only([*cry(0, id=id), ended]).bouts
    assert heard.course == course
    assert (heard.mean_cry, heard.peak_dbfs, heard.detected_at) == (1.0, -12.0, at(1))
    odd = event("cry_ended", 30, bout=id, onset=0, mean_cry=1, course={"words": "hungry"})
    assert only([odd]).bouts[0].course is None


def test_the_child_is_the_one_that_any_part_names():
    assert only([*cry(0, 30), event("soothed", 9, child="mia", attempt="hold")]).child == "mia"
    assert only(cry(0, 30, child="leo")).child == "leo"
    assert only(cry(0, 30)).child is None


# While it goes on.


def test_a_bout_without_an_end_is_still_crying_however_late_it_is():
    events = cry(0)
    for now in (None, at(5), at(100_000)):
        episode = only(events, now=now)
        assert episode.open
        assert episode.provisional
        assert episode.outcome is Outcome.STILL_CRYING
        assert episode.ended_at is None
    assert only(events, now=at(100)).crying_s == 100
    assert only(events, now=at(100)).censored_s == 100
    assert only([*events, arrived(20)], now=at(100)).latency_s == 20
    assert only(events, now=at(-5)).crying_s == 1


def test_a_pause_is_not_the_end():
    events = [*cry(0, 30), arrived(10)]
    pausing, over = only(events, now=at(89.9)), only(events, now=at(90))
    assert pausing.open
    assert not pausing.provisional
    assert (pausing.crying_s, pausing.calm_at, pausing.time_to_calm_s) == (30, None, None)
    assert over.outcome is Outcome.SOOTHED
    assert over == only(events) == only(events, now=at(1e6))


def test_the_clock_needs_a_zone():
    with pytest.raises(ParameterError, match="zone"):
        fold([], now=datetime(2026, 1, 1))
    with pytest.raises(ParameterError, match="zone"):
        only(cry(0)).as_of(datetime(2026, 1, 1))


# How it ends.


@pytest.mark.parametrize(
    ("seconds", "peak", "outcome"),
    [
        (60, -30.0, "settled_alone"),
        (60.1, -30.0, "stopped_unanswered"),
        (10, -15.0, "settled_alone"),
        (10, -14.9, "stopped_unanswered"),
        (10, None, "settled_alone"),
    ],
)
def test_short_and_quiet_is_settled_alone_and_the_rest_stopped_unanswered(seconds, peak, outcome):
    episode = only(cry(0, seconds, peak=peak))
    assert episode.outcome == outcome
    assert (episode.latency_s, episode.censored_s) == (None, seconds)


def test_what_settled_alone_means_is_a_setting():
    mild = EpisodeSettings(settled_alone_longest=5, settled_alone_loudest=None)
    assert only(cry(0, 5, peak=0.0), mild).outcome is Outcome.SETTLED_ALONE
    assert only(cry(0, 6), mild).outcome is Outcome.STOPPED_UNANSWERED


def test_a_tap_on_calm_after_the_crying_ends_it_at_the_tap():
    episode = only([*cry(0, 30), arrived(20), event("calmed", 35)])
    assert (episode.ended_at, episode.calm_at) == (at(35), at(30))
    assert only([*cry(0, 30), event("calmed", 200)]).ended_at == at(90)


def test_a_tap_on_calm_does_not_end_what_goes_on():
    again = [*cry(0, 30), event("calmed", 35), *cry(50, 70)]
    assert only(again).ended_at == at(130)
    assert only([*cry(0, 30), event("calmed", 20)]).ended_at == at(90)
    assert only([*cry(0), event("calmed", 20)]).open


def test_a_drill_is_marked_counts_for_nothing_and_hides_no_cry():
    drill, real = sorted(fold([*cry(0, 30, drill=True), *cry(10, 50)]), key=lambda one: one.onset)
    assert (drill.drill, drill.counts) == (True, False)
    assert (real.drill, real.counts, real.crying_s) == (False, True, 40)
    first, second = fold([*cry(0, 30, drill=True), *cry(10, 50), arrived(20)])
    assert not first.responses
    assert second.latency_s == 10
    assert only([*cry(0, 30, drill=True), arrived(20)]).latency_s == 20


def test_not_a_cry_marks_a_false_alarm_until_a_new_bout_begins():
    denied = [*cry(0, 30), event("not_a_cry", 20)]
    assert only(denied).false_alarm
    assert not only(denied).counts
    assert not only([*denied, *cry(50, 60)]).false_alarm
    assert only([*denied, *cry(50, 60), event("not_a_cry", 55)]).false_alarm
    undone = event("removed", 25, target=str(denied[-1].id))
    assert not only([*denied, undone]).false_alarm


# Bouts that did not last, and bouts that were lost.


def test_withdrawn_bouts_are_no_episode_but_are_counted():
    id = bout()
    events = [*cry(0, id=id), event("cry_withdrawn", 8, bout=id)]
    assert fold(events) == []
    assert [one.bout for one in withdrawn(events)] == [id]
    drill = [*cry(0, id=bout(), drill=True)]
    drill.append(event("cry_withdrawn", 8, bout=drill[0].data["bout"]))
    assert withdrawn(drill) == []


def test_a_withdrawn_bout_in_an_episode_is_listed_and_adds_nothing():
    id = bout()
    events = [*cry(0, 30), *cry(50, id=id), event("cry_withdrawn", 58, bout=id)]
    episode = only([*events, event("acknowledged", 52, episode=id)])
    assert [one.end for one in episode.bouts] == ["ended", "withdrawn"]
    assert (episode.crying_s, episode.ended_at) == (30, at(90))
    assert len(episode.acknowledgements) == 1
    undo = event("removed", 60, target=str(events[-1].id))
    assert only([*events, undo]).open


def test_a_bout_with_an_end_was_not_withdrawn():
    id = bout()
    assert only([*cry(0, 30, id=id), event("cry_withdrawn", 8, bout=id)]).crying_s == 30


def test_nobody_knows_how_a_lost_bout_ended():
    id = bout()
    lost = [*cry(0, id=id), event("cry_lost", 20, bout=id)]
    episode = only(lost, now=at(10_000))
    assert episode.open
    assert not episode.provisional
    assert (episode.crying_s, episode.censored_s) == (20, 20)
    assert episode.bouts[0].offset is None

    heard = [*lost, event("room_heard", 500)]
    assert only(heard, now=at(559)).open
    over = only(heard)
    assert (over.ended_at, over.calm_at) == (at(560), None)
    assert over.outcome is Outcome.STOPPED_UNANSWERED, "short, but nobody knows"
    assert only([*heard, arrived(300)]).latency_s == 300
    assert only([*heard, arrived(540)]).latency_s is None

    tapped = only([*lost, arrived(100), event("calmed", 130), event("room_heard", 500)])
    assert (tapped.ended_at, tapped.calm_at, tapped.time_to_calm_s) == (at(130), at(130), 30)
    assert tapped.outcome is Outcome.SOOTHED


def test_a_bout_after_a_hole_is_another_episode():
    id = bout()
    lost = [*cry(0, id=id), event("cry_lost", 20, bout=id)]
    first, second = fold([*lost, event("room_heard", 500), *cry(510, 540)])
    assert (first.ended_at, second.onset) == (at(510), at(510))
    assert len(fold([*lost, *cry(40, 60)])) == 1


def test_a_bout_without_an_end_gives_way_to_the_next():
    first, second = fold([*cry(0), *cry(5000, 5030)])
    assert (first.bouts[0].end, first.ended_at) == ("lost", at(5000))
    assert first.crying_s == 1, "no more than is known"
    assert second.crying_s == 30


# Responses.


def test_an_acknowledgement_is_not_a_response():
    episode = only([*cry(0, 90), event("acknowledged", 10, by="caregiver:ben")])
    assert not episode.answered
    assert episode.acknowledgements[0].caregiver == "ben"


def test_a_voice_from_afar_is_a_response_of_its_own_manner():
    spoke = event("responded", 12, manner="voice", source="tapped", caregiver="ada")
    episode = only([*cry(0, 90), spoke, arrived(60)])
    assert episode.latency_s == 12
    assert [one.manner for one in episode.responses] == ["voice", "arrived"]


def test_who_comes_after_the_crying_has_not_answered_it():
    late = only([*cry(0, 90), arrived(111)])
    assert (late.latency_s, late.censored_s) == (None, 90)
    assert late.responses[0].late
    assert late.outcome is Outcome.STOPPED_UNANSWERED
    tap = only([*cry(0, 90), arrived(110)])
    assert (tap.latency_s, tap.time_to_calm_s, tap.outcome) == (110, None, "soothed")
    sensed = only([*cry(0, 90), arrived(95, source="sensor")])
    assert not sensed.answered, "a sensor has its own time"
    strict = EpisodeSettings(tap_delay=0)
    assert not only([*cry(0, 90), arrived(91)], strict).answered


def test_who_comes_in_a_pause_has_answered_when_it_cries_again():
    assert only([*cry(0, 30), arrived(60), *cry(80, 99)]).latency_s == 60


def test_who_was_there_already_has_a_latency_of_zero():
    episode = only([*cry(0, 90), arrived(-10)])
    assert (episode.latency_s, episode.time_to_calm_s) == (0, 90)
    assert only([*cry(0, 90), arrived(-16)]).latency_s is None
    named = cry(0, 90)
    assert only([*named, arrived(-500, episode=named[0].data["bout"])]).latency_s == 0


def test_who_is_there_between_two_episodes_is_there_for_the_one_to_come():
    first, second = fold([*cry(0, 30), *cry(200, 230), arrived(190)])
    assert not first.responses
    assert second.latency_s == 0


def test_a_voice_during_crying_is_only_proposed_until_somebody_confirms_it():
    heard = event("voice_heard", 20, until=26, mean_voice=0.9)
    episode = only([*cry(0, 90), heard])
    (one,) = episode.proposed
    assert (one.inferred, one.confirmed, one.source, one.manner) == (True, False, "heard", "voice")
    assert episode.as_dict()["proposed"][0]["inferred"] is True
    assert (episode.responses, episode.latency_s) == ((), None)
    assert episode.outcome is Outcome.STOPPED_UNANSWERED

    confirmed = event("confirmed", 400, target=str(heard.id))
    said = only([*cry(0, 90), heard, confirmed])
    assert said.proposed == ()
    assert said.responses[0].confirmed
    assert not said.responses[0].inferred
    assert (said.latency_s, said.outcome) == (20, "soothed")
    undo = event("removed", 500, target=str(confirmed.id))
    assert only([*cry(0, 90), heard, confirmed, undo]).latency_s is None
    gone = event("removed", 500, target=str(heard.id))
    assert only([*cry(0, 90), heard, confirmed, gone]).responses == ()


def test_a_response_that_was_heard_is_inferred_too():
    heard = arrived(20, source="heard", by="hub")
    assert only([*cry(0, 90), heard]).latency_s is None
    assert only([*cry(0, 90), heard]).proposed[0].manner == "arrived"
    confirmed = event("confirmed", 50, target=str(heard.id))
    assert only([*cry(0, 90), heard, confirmed]).latency_s == 20


@pytest.mark.parametrize(
    ("voice", "others"),
    [
        ({"seconds": 100, "until": 110}, []),
        ({"seconds": 20, "until": 20.9}, []),
        ({"seconds": 89.5, "until": 99}, []),
        ({"seconds": 20, "until": 10}, []),
        ({"seconds": 20, "until": 26, "mean_voice": 0.59}, []),
        ({"seconds": -121, "until": 80}, []),
        ({"seconds": 20, "until": 26, "room": "attic"}, []),
        ({"seconds": 20, "until": 26}, [arrived(10)]),
        ({"seconds": 20, "until": 26}, [arrived(-10, manner="voice")]),
    ],
    ids=[
        "after the crying",
        "a word",
        "overlaps by a word",
        "ends before it begins",
        "not sure",
        "a radio",
        "another room",
        "somebody is there",
        "out of the loudspeaker",
    ],
)
def test_a_voice_that_is_no_answer_is_not_proposed(voice, others):
    voice = dict(voice)
    heard = event("voice_heard", voice.pop("seconds"), **voice)
    assert only([*cry(0, 90), heard, *others]).proposed == ()


def test_a_voice_before_the_arrival_is_proposed():
    heard = event("voice_heard", 20, until=26)
    assert len(only([*cry(0, 90), heard, arrived(70)]).proposed) == 1


# What people did, and to which episode it belongs.


def test_a_tap_belongs_to_the_episode_that_it_names_however_late():
    cries = [*cry(0, 30), *cry(40, 50)]
    for id in (cries[0].data["bout"], cries[2].data["bout"]):
        said = event("commented", 40_000, text="teeth", episode=id, by="caregiver:ben")
        comments = only([*cries, said]).comments
        assert [(one.text, one.caregiver) for one in comments] == [("teeth", "ben")]


def test_a_tap_that_names_an_unknown_episode_belongs_to_none():
    denied = event("not_a_cry", 20, episode=bout())
    assert not only([*cry(0, 30), denied]).false_alarm


def test_a_tap_without_a_name_belongs_to_the_last_episode_of_its_room_for_a_while():
    first, second = fold([
        *cry(0, 30),
        *cry(1000, 1030),
        event("soothed", 800, attempt="feed"),
        event("reason_tagged", 1500, reason="hungry"),
        event("reason_tagged", 1600, reason="teeth"),
        event("checked", 3000, need="wind"),
    ])  # fmt: skip
    assert [one.attempt for one in first.soothing] == ["feed"]
    assert second.reason == "teeth"
    assert not second.checks


def test_what_was_tried_looked_at_and_said_is_kept():
    episode = only([
        *cry(0, 90),
        event("checked", 50, need="hunger", found=False, caregiver="ben"),
        event("checked", 55, need="wind", found=True, note="much"),
        event("soothed", 60, attempt="pat", by="device:page"),
        event("something_wrong", 61),
        event("plan_held", 3, until=123, visit=1),
        event("plan_yielded", 62, reason="something is wrong"),
    ])  # fmt: skip
    assert [(one.need, one.found, one.caregiver) for one in episode.checks] == [
        ("hunger", False, "ben"),
        ("wind", True, None),
    ]
    assert episode.soothing[0].caregiver is None
    assert episode.something_wrong == at(61)
    assert (episode.plan[0].until, episode.plan[0].visit) == (at(123), 1)
    assert episode.plan_yielded == "something is wrong"


def test_nothing_helped_where_it_was_not_soothed():
    assert only([*cry(0, 90), event("soothed", 95, attempt="song")]).helped is None
    after = only([*cry(0, 90), arrived(5), event("soothed", 300, attempt="song")])
    assert (after.helped, after.soothing[0].stopped_s) == ("song", None)


def test_each_alert_carries_its_own_times():
    id, alert, other = bout(), str(new_id()), str(new_id())
    told = {"about": "cry", "episode": id}
    episode = only([
        *cry(0, 90, id=id),
        event("alert_due", 3, alert=alert, channel="push", caregiver="ada", step=0, **told),
        event("alert_due", 30, alert=other, channel="page", **told),
        event("alert_failed", 4, alert=alert, error="no network", attempt=1),
        event("alert_sent", 6, alert=alert.upper()),
        event("alert_sent", 9, alert=alert),
        event("alert_shown", 7, alert=alert),
        event("alert_failed", 31, alert=other, error="no page"),
        event("alert_failed", 32, alert=other, error="still no page"),
        event("alert_due", 8, alert=str(new_id()), channel="push", about="unheard", episode=id),
        event("alert_due", 3000, alert=str(new_id()), channel="push", about="cry"),
    ])  # fmt: skip
    first, second = episode.alerts
    assert (first.caregiver, first.due, first.sent, first.shown) == ("ada", at(3), at(6), at(7))
    assert (first.failed, first.received, first.clicked) == (None, None, None)
    assert (second.failed, second.sent) == ("still no page", None)


# What people take back and put right.


def test_an_undo_of_an_undo_holds():
    came = arrived(40)
    events = [*cry(0, 90), came]
    for count in range(5):
        assert only(events).answered == (count % 2 == 0)
        events.append(event("removed", 50 + count, target=str(events[-1].id)))


def test_removals_in_a_circle_count_for_nothing():
    came = arrived(40)
    one, other = new_id(), new_id()
    circle = [
        Event("removed", at(1), data={"target": str(other)}, id=one),
        Event("removed", at(2), data={"target": str(one)}, id=other),
    ]
    itself = new_id()
    circle.append(Event("removed", at(3), data={"target": str(itself)}, id=itself))
    assert only([*cry(0, 90), came, *circle]).answered
    third = event("removed", 9, target=str(one))
    assert [e.id for e in resolve([*circle, third])] == []
    removes = Event("removed", at(1), data={"target": str(came.id)}, id=new_id())
    assert not only([*cry(0, 90), came, removes, *circle]).answered


def test_a_circle_that_is_broken_from_outside_is_followed():
    came = arrived(40)
    one, other = new_id(), new_id()
    removed = [
        Event("removed", at(1), data={"target": str(other)}, id=one),
        Event("removed", at(2), data={"target": str(one)}, id=other),
        event("removed", 3, target=str(one)),
    ]
    # `one` is gone, so `other` stands; that it removes `one` again changes nothing.
    assert only([*cry(0, 90), came, *removed]).answered


def test_taking_back_the_start_of_a_cry_takes_back_the_cry():
    started, ended = cry(0, 90)
    assert fold([started, ended, event("removed", 99, target=str(started.id))]) == []
    assert only([started, ended, event("removed", 99, target=str(ended.id))]).open


def test_a_correction_moves_an_event_and_changes_its_data():
    came = arrived(400)
    moved = event("corrected", 500, target=str(came.id), at=at(30).isoformat())
    episode = only([*cry(0, 90), came, moved])
    assert (episode.latency_s, episode.first_response.caregiver) == (30, "ada")
    other = event("corrected", 501, target=str(came.id), data={"caregiver": "ben"})
    assert only([*cry(0, 90), came, moved, other]).first_response.caregiver == "ben"
    latest = event("corrected", 502, target=str(came.id), at=at(35).isoformat())
    assert only([latest, *cry(0, 90), moved, came]).latency_s == 35
    assert only([latest, *cry(0, 90), moved, came, event("removed", 503, target=str(latest.id))]
                ).latency_s == 30  # fmt: skip


@pytest.mark.parametrize(
    "data", [{"manner": "flew"}, {"manner": None}, {"unknown": 1}, {"episode": "mine"}]
)
def test_a_correction_that_makes_no_sense_is_passed_over_whole(data):
    came = arrived(40)
    wrong = event("corrected", 50, target=str(came.id), at=at(60).isoformat(), data=data)
    assert only([*cry(0, 90), came, wrong]).latency_s == 40


def test_corrections_and_removals_are_not_corrected():
    came = arrived(40)
    undo = event("removed", 50, target=str(came.id))
    elsewhere = event("corrected", 60, target=str(undo.id), data={"target": str(new_id())})
    assert not only([*cry(0, 90), came, undo, elsewhere]).answered


def test_care_is_resolved_by_the_same_rules():
    slept = event("care", 0, what="sleep")
    until = event("corrected", 9, target=str(slept.id), data={"until": at(3600).isoformat()})
    (entry,) = resolve([until, slept])
    assert (entry.id, entry.kind) == (slept.id, "care")
    assert entry.data["until"] == at(3600).isoformat()


# Time.


def test_a_night_in_which_the_clock_changes_is_as_long_as_it_is():
    onset = datetime.fromisoformat("2026-03-29T01:59:30+01:00")
    offset = datetime.fromisoformat("2026-03-29T03:00:30+02:00")
    data = {"bout": bout(), "onset": onset.isoformat(), "mean_cry": 0.9}
    assert only([Event("cry_ended", offset, room=ROOM, data=data)]).crying_s == 60


def test_the_ends_of_time_are_only_times():
    first, last = (one.replace(tzinfo=UTC) for one in (datetime.min, datetime.max))
    data = {"bout": bout(), "onset": first.isoformat(), "mean_cry": 0.9}
    episode = only([Event("cry_ended", last, room=ROOM, data=data), arrived(0)])
    assert episode.ended_at == last
    assert episode.answered


@pytest.mark.slow
def test_a_hundred_thousand_events_fold_in_seconds():
    events = []
    for n in range(10_000):
        id, alert, onset = bout(), str(new_id()), n * 400
        events += [
            *cry(onset, onset + 90, id=id),
            event("alert_due", onset + 3, alert=alert, about="cry", channel="p", episode=id),
            event("alert_sent", onset + 4, alert=alert),
            event("alert_shown", onset + 5, alert=alert),
            event("acknowledged", onset + 8, episode=id),
            event("voice_heard", onset + 30, until=onset + 40),
            arrived(onset + 31),
            event("soothed", onset + 50, attempt="hold"),
            event("calmed", onset + 95),
        ]
    began = time.process_time()
    episodes = fold(events)
    assert time.process_time() - began < 5
    assert len(episodes) == 10_000
    assert all(one.latency_s == 31 for one in episodes)
