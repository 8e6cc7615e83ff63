"""The ladder in virtual time: who is told, when, and that nothing is ever lost or told twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.answering import ActivePlan, LadderSettings, decide
from harken.answering.ladder import PAGE, with_told
from harken.episodes.events import Event
from harken.journal.household import Caregiver, Channel, DutyTurn

from .making import CHANNELS, DUTY, START, Life, seconds


def text_of(event):
    return event.data["text"].split("\n")


# The first message.


@pytest.mark.parametrize("ring_after", [0.0, 3.0, 20.0])
def test_phones_ring_once_the_cry_was_sustained(ring_after):
    life = Life().room(ring_after=ring_after)
    life.cry()
    assert bool(life.alerts) is (ring_after == 0)
    life.wait(ring_after + 1)
    assert life.phones() == [(ring_after, "ada-phone")]


def test_a_squeak_rings_nobody():
    life = Life()
    life.cry()
    life.wait(2)
    life.stop()
    life.wait(300)
    assert life.alerts == []


def test_a_second_cry_in_the_episode_must_be_sustained_too():
    life = Life().room(ring_after=10.0)
    life.cry()
    life.wait(5)
    life.stop()
    life.wait(30)
    life.cry()
    life.wait(39)
    assert life.alerts == []
    life.wait(41)
    assert life.phones() == [(40, "ada-phone")]


def test_a_loud_cry_rings_at_once():
    life = Life().room(ring_after=60.0)
    life.cry(level=-30.0)
    life.wait(1)
    life.level = -14.0
    life.decide()
    assert life.phones() == [(1, "ada-phone")]


def test_the_message_is_short_and_plain():
    life = Life()
    life.cry()
    life.wait(70)
    titles = [text_of(event) for event in life.alerts if event.data["channel"].endswith("phone")]
    assert titles[0] == ["Mia is crying", "Mia has been crying for 3 s. Nursery."]
    assert titles[1] == [
        "Mia is crying", "Mia has been crying for 60 s. Nursery. Ada was told first.",
    ]  # fmt: skip


def test_an_alert_carries_its_times():
    life = Life()
    life.cry()
    life.wait(4)
    data = life.alerts[0].data
    assert (data["onset"], data["detected_at"]) == (START.isoformat(),) * 2
    assert (life.alerts[0].at, data["step"], data["urgent"]) == (START + seconds(3), 1, True)


# Order.


def test_the_next_are_told_in_turn_and_then_all_again():
    life = Life()
    life.cry()
    life.wait(181)
    assert life.phones() == [(3, "ada-phone"), (60, "ben-phone"), (180, "eve-phone")]
    life.wait(241)
    assert life.phones()[3:] == [(240, "ada-phone"), (240, "ben-phone"), (240, "eve-phone")]
    assert "still crying" in life.alerts[-1].data["text"]


def test_what_sounds_in_the_house_comes_first():
    life = Life()
    life.cry()
    life.wait(4)
    assert [channel for _, _, channel in life.told()] == [PAGE, "speaker", "ada-phone"]


def test_the_next_to_be_told_is_known():
    life = Life()
    life.cry()
    assert life.decision.next_told == ("ada", START + seconds(3))
    life.wait(4)
    assert life.decision.next_told == ("ben", START + seconds(60))
    life.wait(181)
    assert life.decision.next_told == (None, START + seconds(240))


def test_calm_stops_the_ladder_and_crying_resumes_it():
    life = Life()
    life.cry()
    life.wait(10)
    life.stop()
    assert life.decision.wake_at is None
    life.wait(65)
    life.cry()
    life.wait(67)
    assert life.phones() == [(3, "ada-phone")]
    life.wait(69)
    assert life.phones()[1:] == [(68, "ben-phone")]


def test_sleepers_are_told_as_a_last_resort():
    asleep = replace(DUTY[0], quiet_from="00:00", quiet_until="06:00")
    life = Life(duty=(asleep, *DUTY[1:]))
    life.cry()
    life.wait(599)
    assert "ada-phone" not in {channel for _, channel in life.phones()}
    life.wait(601)
    assert (600, "ada-phone") in life.phones()


# Nobody configured.


def test_a_household_without_duty_tells_everybody():
    life = Life(duty=())
    life.cry()
    life.wait(4)
    assert life.told() == [
        (3, None, PAGE), (3, None, "speaker"), (3, "ada", "ada-phone"), (3, "ben", "ben-phone"),
        (3, "eve", "eve-phone"),
    ]  # fmt: skip
    assert life.decision.next_told == (None, START + seconds(63))


def test_a_fresh_household_has_the_page():
    life = Life(duty=(), channels=(), caregivers=(), children=())
    life.cry()
    life.wait(64)
    assert life.told() == [(3, None, PAGE), (63, None, PAGE)]
    assert text_of(life.alerts[0])[0] == "A baby in Nursery is crying"


def test_the_page_can_be_switched_off_but_not_the_last_way():
    off = Channel(id="pages", kind="page", name="Pages", enabled=False)
    life = Life(duty=(), channels=(off, *CHANNELS))
    life.cry()
    life.wait(4)
    assert PAGE not in {channel for _, _, channel in life.told()}
    only = Life(duty=(), channels=(off,))
    only.cry()
    only.wait(4)
    assert only.told() == [(3, None, PAGE)]


def test_whoever_cannot_be_reached_keeps_nobody_waiting():
    off = Channel(id="pages", kind="page", name="Pages", enabled=False)
    life = Life(channels=(off, CHANNELS[2]))
    life.cry()
    life.wait(400)
    assert {channel for _, _, channel in life.told()} == {"ben-phone"}
    assert life.told()[0][0] <= 60


def test_disabled_channels_and_viewers_are_not_told():
    granny = Caregiver(id="gran", name="Gran", role="viewer")
    life = Life(
        caregivers=(granny,),
        duty=(DutyTurn(order=1, caregiver="gran"),),
        channels=(
            Channel(id="gran-phone", caregiver="gran", kind="push", name="Gran"),
            replace(CHANNELS[1], enabled=False),
            CHANNELS[2],
        ),
    )
    life.cry()
    life.wait(4)
    assert {channel for _, _, channel in life.told()} == {PAGE, "ben-phone"}


# Answers.


def test_going_pauses_and_does_not_stop():
    life = Life()
    life.cry()
    life.wait(10)
    life.going()
    assert life.decision.next_told == ("ben", START + seconds(130))
    life.wait(129)
    assert life.phones() == [(3, "ada-phone")]
    life.wait(131)
    assert life.phones()[1] == (130, "ben-phone")


def test_going_before_anybody_was_told_pauses_as_well():
    life = Life()
    life.cry()
    life.wait(1)
    life.going()
    life.wait(120)
    assert life.alerts == []
    life.wait(122)
    assert life.phones()[0] == (121, "ada-phone")


def test_whoever_is_alone_and_falls_asleep_again_is_woken_again():
    life = Life(duty=DUTY[:1])
    life.cry()
    life.wait(10)
    life.going()
    life.wait(131)
    assert life.phones() == [(3, "ada-phone"), (130, "ada-phone")]


def test_somebody_there_ends_it():
    life = Life()
    life.cry()
    life.wait(10)
    life.here()
    life.wait(3600)
    assert life.phones() == [(3, "ada-phone")]
    assert life.decision.wake_at is None


def test_a_cry_soon_after_calm_is_told_anew_from_the_first_on():
    life = Life()
    life.cry()
    life.wait(10)
    life.here()
    life.wait(20)
    life.stop()
    life.happen("calmed", by="caregiver:ada", caregiver="ada")
    life.wait(40)  # within the minute after which an episode ends
    life.cry()
    life.wait(200)
    assert life.phones()[1:3] == [(43, "ada-phone"), (100, "ben-phone")]
    told = [one for one in life.alerts if one.data["channel"] == "ada-phone"]
    assert "3 s" in told[1].data["text"]


def test_a_cry_after_half_a_minute_of_quiet_is_told_although_nobody_said_calm():
    life = Life()
    life.cry()
    life.wait(10)
    life.here()
    life.wait(20)
    life.stop()
    life.wait(45)  # a pause of 25 s: whoever came is still there
    life.cry()
    life.wait(80)
    assert life.phones() == [(3, "ada-phone")]
    life.stop()
    life.wait(115)  # a pause of 35 s: they may have left
    life.cry()
    life.wait(130)
    life.stop()
    life.wait(140)  # and a short pause in that cry changes nothing
    life.cry()
    life.wait(180)
    assert life.phones()[1:] == [(118, "ada-phone"), (175, "ben-phone")]
    life.here("ben")
    life.wait(400)
    assert len(life.phones()) == 3


def test_undo_of_here_resumes():
    life = Life()
    life.cry()
    life.wait(10)
    life.here()
    life.wait(80)
    life.happen("removed", target=str(next(e.id for e in life.events if e.kind == "responded")))
    life.decide()
    assert life.phones()[1:] == [(60, "ben-phone")]


def test_a_voice_from_afar_pauses_only():
    life = Life()
    life.cry()
    life.wait(10)
    life.here(manner="voice")
    life.wait(131)
    assert life.phones()[1] == (130, "ben-phone")


def test_a_heard_voice_counts_once_it_is_confirmed():
    life = Life()
    life.cry()
    life.wait(10)
    until = (life.now + seconds(5)).isoformat()
    heard = life.happen("voice_heard", until=until, mean_voice=0.9)
    life.wait(61)
    assert life.phones()[-1] == (60, "ben-phone")
    life.happen("confirmed", target=str(heard.id), by="caregiver:ada")
    life.decide()
    life.wait(1000)
    assert life.phones()[-1] == (60, "ben-phone")


def test_not_a_cry_ends_it_until_the_next_bout():
    life = Life()
    life.cry()
    life.wait(10)
    life.happen("not_a_cry", by="caregiver:ada")
    life.decide()
    life.wait(200)
    assert life.phones() == [(3, "ada-phone")]
    life.stop()
    life.wait(230)
    life.cry()
    life.wait(234)
    assert len(life.phones()) > 1


def test_a_withdrawn_start_does_not_silence_the_cry_that_follows():
    life = Life().room(ring_after=0.0)
    life.cry()
    life.wait(2)
    life.happen("cry_withdrawn", bout=life.bout.data["bout"])
    life.bout = None
    life.wait(10)
    life.cry()
    life.wait(11)
    assert life.phones() == [(0, "ada-phone"), (10, "ada-phone")]


def test_an_onset_that_is_corrected_rings_nobody_again():
    life = Life(duty=DUTY[:1])
    life.cry()
    life.wait(20)
    onset = (START + seconds(10)).isoformat()
    data = {"target": str(life.bout.id), "at": onset}
    life.events.append(Event("corrected", life.now, room="nursery", data=data))
    assert life.decide() == []
    assert life.situation().episodes[0].onset == START + seconds(10)
    life.wait(62)
    assert life.phones() == [(3, "ada-phone")]
    life.wait(64)
    assert life.phones()[1:] == [(63, "ada-phone")]


# Not heard.


def test_not_heard_is_told_to_all_who_are_awake_at_once():
    asleep = replace(DUTY[2], quiet_from="00:00", quiet_until="06:00")
    life = Life(duty=(*DUTY[:2], asleep))
    life.wait(50)
    told = life.lose()
    assert {event.data["about"] for event in told} == {"unheard"}
    assert life.phones("unheard") == [(50, "ada-phone"), (50, "ben-phone")]
    assert text_of(told[0]) == [
        "Nursery can't be heard",
        "Not since 01:00. No sound arrives. Please look at the microphone.",
    ]
    assert told[0].data["urgent"]


def test_not_heard_is_repeated_and_then_heard_again_is_told_to_the_same():
    life = Life(duty=DUTY[:1])
    life.lose()
    life.wait(301)
    life.wait(1801)
    assert life.phones("unheard") == [(0, "ada-phone"), (300, "ada-phone"), (1800, "ada-phone")]
    found = life.find()
    assert life.phones("heard") == [(1801, "ada-phone")]
    assert not found[0].data["urgent"]
    assert text_of(found[0])[1] == "It could not be heard from 01:00 to 01:30."
    life.wait(4000)
    assert len(life.phones("heard")) == 1


def test_heard_again_without_having_been_told_says_nothing():
    life = Life().room(listening=False)
    life.lose()
    life.wait(100)
    life.find()
    assert life.alerts == []


def test_a_cry_that_was_lost_goes_on_being_told_while_nobody_can_hear():
    life = Life()
    life.cry()
    life.wait(10)
    life.lose()
    life.wait(61)
    assert life.phones() == [(3, "ada-phone"), (60, "ben-phone")]
    life.find()
    life.wait(300)
    assert len(life.phones()) == 2


# Flapping.


def short_cry(life, at, lasts=5.0):
    life.wait(at)
    life.cry()
    life.wait(at + lasts)
    life.stop()


def test_after_two_messages_short_cries_wait_for_a_summary():
    life = Life(duty=DUTY[:1], only_ear=False)
    for at in (0, 100, 200, 300, 400):
        short_cry(life, at)
    assert life.phones() == [(3, "ada-phone"), (103, "ada-phone")]
    life.wait(801)
    assert life.phones("summary") == [(800, "ada-phone")]
    assert text_of(life.alerts[-1]) == ["Nursery since 01:03", "3 short cries."]
    life.wait(3000)
    assert len(life.phones("summary")) == 1


def test_a_cry_that_goes_on_or_is_loud_is_told_although_it_flaps():
    for level, at in ((-30.0, 230), (-10.0, 200)):
        life = Life(duty=DUTY[:1], only_ear=False)
        for begin in (0, 100):
            short_cry(life, begin)
        life.wait(200)
        life.cry(level=level)
        life.wait(231)
        assert life.phones()[2] == (at, "ada-phone")


def test_the_only_ear_is_never_coalesced():
    life = Life(duty=DUTY[:1])
    for at in (0, 100, 200, 300):
        short_cry(life, at)
    assert len(life.phones()) == 4
    life.wait(3000)
    assert life.phones("summary") == []


def test_short_losses_are_coalesced_too():
    life = Life(duty=DUTY[:1], only_ear=False)
    for at in (0, 60, 120, 180):
        life.wait(at)
        life.lose()
        life.wait(at + 10)
        life.find()
    assert life.phones("unheard") == [(0, "ada-phone"), (60, "ada-phone")]
    assert len(life.phones("heard")) == 2
    life.wait(721)
    assert text_of(life.alerts[-1])[1] == "2 short times when it could not be heard."


def test_a_loss_that_lasts_is_told_although_it_flaps():
    life = Life(duty=DUTY[:1], only_ear=False)
    for at in (0, 60):
        life.wait(at)
        life.lose()
        life.wait(at + 10)
        life.find()
    life.wait(120)
    life.lose()
    life.wait(151)
    assert life.phones("unheard")[2] == (150, "ada-phone")


# Drills and lost phones.


def test_a_drill_goes_through_the_same_ladder_and_says_so():
    life = Life()
    life.cry(drill=True)
    life.wait(61)
    assert life.phones("drill") == [(3, "ada-phone"), (60, "ben-phone")]
    assert life.told("cry") == []
    assert all("drill" in event.data["text"].lower() for event in life.alerts)


def test_a_phone_that_fell_off_is_told_to_everybody_once():
    life = Life()
    lost = life.happen("push_lost", room=None, device="phone-1", caregiver="ada")
    first = life.decide()
    assert {event.room for event in first} == {None}
    assert life.phones("push_lost") == [(0, "ada-phone"), (0, "ben-phone"), (0, "eve-phone")]
    assert "A phone of Ada" in first[0].data["text"]
    assert life.decide() == []
    other = Life().room(id="other")
    other.events = [lost]
    assert [event.id for event in other.decide()] == [event.id for event in first]


# What never happens.

SETTINGS = LadderSettings()


def keys(events):
    return [
        (
            event.data.get("episode") or event.data.get("onset"),
            event.data["about"],
            event.data["step"],
            event.data.get("caregiver"),
            event.data["channel"],
        )
        for event in events
        if event.kind == "alert_due"
    ]


@st.composite
def lives(draw):
    """A night of crying, taps and losses, with the ladder awake or asleep."""
    plan = draw(st.booleans())
    life = Life(
        duty=draw(st.sampled_from([(), DUTY[:1], DUTY, tuple(reversed(DUTY))])),
        only_ear=draw(st.booleans()),
        plan=ActivePlan((60.0, 90.0), START - timedelta(hours=1), most_s=300.0) if plan else None,
    ).room(ring_after=draw(st.sampled_from([0.0, 3.0, 15.0])))
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(
            st.sampled_from(
                ["cry", "stop", "going", "here", "lose", "find", "wrong", "undo", "wait"]
            )
        )
        if kind == "cry" and life.bout is None and life.heard:
            life.cry(level=draw(st.sampled_from([-40.0, -20.0, -10.0])))
        elif kind == "stop" and life.bout is not None:
            life.stop()
        elif kind == "lose" and life.heard:
            life.lose()
        elif kind == "find" and not life.heard:
            life.find()
        elif kind == "wrong":
            life.happen("something_wrong", by="caregiver:ada")
            life.decide()
        elif kind == "undo":
            taps = [one for one in life.events if one.kind in ("acknowledged", "responded")]
            if taps:
                life.happen("removed", target=str(draw(st.sampled_from(taps)).id))
                life.decide()
        elif kind in ("going", "here"):
            getattr(life, kind)(draw(st.sampled_from(["ada", "ben"])))
        life.wait(life.t + draw(st.sampled_from([0.5, 4.0, 20.0, 70.0, 200.0])), sleep=draw(
            st.booleans()
        ))  # fmt: skip
    return life


@settings(max_examples=150, deadline=None)
@given(lives())
def test_nothing_is_told_twice(life):
    told = keys(life.events)
    assert len(told) == len(set(told))
    assert len({event.id for event in life.events}) == len(life.events)
    assert len({event.data["alert"] for event in life.alerts}) == len(life.alerts)


@settings(max_examples=100, deadline=None)
@given(lives())
def test_a_decision_is_repeated_exactly_and_once_written_is_empty(life):
    situation = life.situation()
    first = decide(situation)
    assert decide(situation) == first
    again = decide(with_told(situation, first.events, now=situation.now))
    assert again.events == ()
    shuffled = replace(situation, recent=[*reversed(situation.recent), *situation.recent])
    assert decide(shuffled).events == first.events


@settings(max_examples=100, deadline=None)
@given(lives())
def test_a_cry_that_nobody_answers_ends_up_telling_everybody_on_duty(life):
    life.but(plan=None)
    if not life.heard:
        life.find()
    if life.bout is None:
        life.wait(life.t + 200)
        life.cry()
    episode = next(one for one in life.situation().episodes if one.open)
    taps = [one.event for one in (*episode.acknowledgements, *episode.responses)]
    for tap in taps:
        life.happen("removed", target=tap)
    life.wait(life.t + 700)
    bouts = {one.bout for one in episode.bouts}
    told = {
        event.data.get("caregiver")
        for event in life.alerts
        if event.data["about"] == "cry" and event.data["episode"] in bouts
    }
    assert {turn.caregiver for turn in life.given["duty"]} <= told or not life.given["duty"]
    assert told


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_due_is_lost_in_a_crash(data):
    """The ladder that dies after writing, or before, tells the same as the one that lives."""
    lived, died = Life(), Life()
    at = 0.0
    for life in (lived, died):
        life.cry()
    died.bout = lived.bout
    died.events = list(lived.events)
    while at < 400:
        at += data.draw(st.sampled_from([1.0, 7.0, 30.0]))
        lived.wait(at)
        died.now = START + seconds(at)
        decision = decide(died.situation())
        written = data.draw(st.booleans())
        if written:
            died.events += decision.events
    lived.wait(at + 1)
    died.now = START + seconds(at + 1)
    died.decide()
    first = {key for key in keys(lived.events) if key[2] <= 3}
    assert first <= set(keys(died.events))
    assert len(keys(died.events)) == len(set(keys(died.events)))


def test_a_pause_is_over_after_its_time_however_often_somebody_says_going():
    life = Life(duty=DUTY[:1])
    life.cry()
    for at in (10, 100, 200):
        life.wait(at)
        life.going()
    life.wait(319)
    assert life.phones() == [(3, "ada-phone")]
    life.wait(321)
    assert life.phones()[1] == (320, "ada-phone")


def test_events_of_other_rooms_do_not_matter():
    life = Life()
    life.cry()
    situation = life.situation()
    other = Event("something_wrong", START, room="other")
    assert decide(replace(situation, recent=[*situation.recent, other])) == decide(situation)
