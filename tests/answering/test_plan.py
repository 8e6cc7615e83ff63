"""The guard rails of a check-in plan, and when it holds and gives way."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.answering import ActivePlan, refusal
from harken.answering.plan import months_old
from harken.episodes.events import Event
from harken.journal.household import Child, Plan

from .making import MIA, START, Life, seconds

WAITS = (120.0, 180.0, 300.0)


def child(born, due=None, name="Mia"):
    return Child(id=name.lower(), name=name, born=born, due=due)


def plan(**more):
    given = {"waits": WAITS, "since": START - timedelta(hours=3), "caregiver": "ada", **more}
    return ActivePlan(**given)


# Age.


@pytest.mark.parametrize(
    ("born", "due", "months"),
    [
        (date(2026, 2, 1), None, 4),
        (date(2026, 2, 2), None, 3),
        (date(2026, 1, 31), None, 4),
        (date(2025, 12, 1), date(2026, 2, 10), 3),
        (date(2026, 2, 10), date(2026, 2, 1), 3),
        (date(2026, 6, 2), None, -1),
        (None, date(2026, 1, 1), None),
    ],
)
def test_age_counts_from_the_more_cautious_date(born, due, months):
    assert months_old(child(born, due), date(2026, 6, 1)) == months


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_a_due_date_never_makes_a_child_older(born, due):
    on = date(2030, 6, 1)
    assert months_old(child(born, due), on) <= months_old(child(born), on)


@given(st.dates(date(2025, 1, 1), date(2026, 12, 31)), st.booleans())
def test_no_plan_below_four_months_whatever_was_read(on, read):
    young = child(born=on - timedelta(days=119))
    assert refusal([young], on, read_evidence=read).reason == "too_young"


@pytest.mark.parametrize(
    ("children", "read", "reason"),
    [
        ([], True, "unknown_age"),
        ([child(None)], True, "unknown_age"),
        ([child(date(2025, 1, 1)), child(None, name="Leo")], True, "unknown_age"),
        ([child(date(2025, 1, 1)), child(date(2026, 5, 1), name="Leo")], True, "too_young"),
        ([child(date(2026, 5, 1))], True, "too_young"),
        ([child(date(2026, 1, 15))], False, "read_first"),
        ([child(date(2026, 1, 15))], True, None),
        ([child(date(2025, 12, 1))], False, None),
        ([child(date(2025, 6, 1), date(2026, 3, 1))], True, "too_young"),
    ],
)
def test_guard_rails(children, read, reason):
    found = refusal(children, date(2026, 6, 1), read_evidence=read)
    assert (found and found.reason) == reason
    if found is not None:
        assert found.says.endswith(".")
        assert "\n" not in found.says


# Waits.


def test_a_kept_plan_is_longer_each_night():
    kept = Plan(
        id="p", name="Ours", room="nursery", waits=[120.0, 1790.0], longer_each_night=60.0,
        active_since=START - timedelta(days=2, hours=3), caregiver="ada",
    )  # fmt: skip
    tonight = ActivePlan.tonight(kept, START)
    assert tonight.waits == (240.0, 1800.0)
    assert ActivePlan.tonight(kept, START + timedelta(days=1)).waits[0] == 300.0
    assert ActivePlan.tonight(kept, kept.active_since).waits[0] == 120.0


def test_a_plan_that_is_not_active_is_none():
    kept = Plan(id="p", name="Ours", room="nursery", waits=[120.0])
    assert ActivePlan.tonight(kept, START) is None


def test_the_event_that_starts_a_plan_holds_it():
    event = Event(
        "plan_started", START, room="nursery",
        data={"waits": [60, 120], "caregiver": "ada", "most_dbfs": -20, "read_evidence": True},
    )  # fmt: skip
    found = ActivePlan.from_event(event)
    assert (found.waits, found.since, found.most_dbfs) == ((60, 120), START, -20)
    assert found.read_evidence
    assert found.most_s == 1800.0


# Holding.


def held(life):
    return [
        (event.data["visit"], event.data["until"])
        for event in life.events
        if event.kind == "plan_held"
    ]


def reasons(life):
    return [event.data["reason"] for event in life.events if event.kind == "plan_yielded"]


def test_a_plan_holds_the_alert_until_the_visit_and_says_so():
    life = Life(plan=plan())
    life.cry()
    life.wait(119)
    assert life.alerts == []
    assert held(life) == [(1, (START + seconds(120)).isoformat())]
    assert (life.decision.held_until, life.decision.visit) == (START + seconds(120), 1)
    assert life.decision.next_told is None
    life.wait(121)
    assert life.phones() == [(120, "ada-phone")]
    assert "Time for visit 1." in life.alerts[0].data["text"]


def test_after_a_visit_the_next_wait_begins():
    life = Life(plan=plan())
    life.cry()
    life.wait(130)
    life.here()
    life.wait(130 + 179)
    assert life.phones() == [(120, "ada-phone")]
    assert [visit for visit, _ in held(life)] == [1, 2]
    life.wait(130 + 181)
    assert life.phones()[1:] == [(310, "ada-phone")]


def test_if_nobody_makes_the_visit_the_ladder_goes_on():
    life = Life(plan=plan())
    life.cry()
    life.wait(120 + 60 + 120 + 1)
    assert life.phones() == [(120, "ada-phone"), (180, "ben-phone"), (300, "eve-phone")]


def test_going_pauses_a_visit_too():
    life = Life(plan=plan())
    life.cry()
    life.wait(125)
    life.going()
    life.wait(125 + 119)
    assert life.phones() == [(120, "ada-phone")]
    life.wait(125 + 121)
    assert life.phones()[1] == (245, "ben-phone")


def test_calm_and_a_new_cry_begin_the_plan_anew():
    life = Life(plan=plan())
    life.cry()
    life.wait(30)
    life.stop()
    life.wait(200)
    life.cry()
    life.wait(200 + 119)
    assert life.alerts == []
    assert [visit for visit, _ in held(life)] == [1, 1]


def test_it_yields_at_once_when_the_cry_is_too_loud():
    life = Life(plan=plan(most_dbfs=-25.0))
    life.cry()
    life.wait(30)
    life.level = -24.0
    life.decide()
    assert reasons(life) == ["The cry is louder than this plan's limit."]
    assert life.phones() == [(30, "ada-phone")]
    life.level = -40.0
    life.wait(91)
    assert life.phones()[1] == (90, "ben-phone")


def test_it_yields_when_the_cry_is_too_long_over_all_visits():
    life = Life(plan=plan(most_s=200.0))
    life.cry()
    life.wait(130)
    life.here()
    life.wait(199)
    assert reasons(life) == []
    life.wait(201)
    assert reasons(life) == ["The cry has gone on for longer than this plan's limit."]
    assert life.phones()[1] == (200, "ada-phone")


def test_it_yields_when_the_room_cannot_be_heard():
    life = Life(plan=plan())
    life.cry()
    life.wait(30)
    life.lose()
    assert reasons(life) == ["The room can't be heard."]
    assert life.phones("unheard")
    assert life.phones() == [(30, "ada-phone")]


def test_it_yields_when_something_is_wrong_and_stays_off_until_started_anew():
    life = Life(plan=plan())
    life.cry()
    life.wait(30)
    life.happen("something_wrong", by="caregiver:ben")
    life.decide()
    assert reasons(life) == ["Somebody said that something is wrong."]
    assert life.phones() == [(30, "ada-phone")]
    life.here()
    life.stop()
    life.wait(600)
    life.cry()
    life.wait(604)
    assert life.phones()[-1] == (603, "ada-phone")
    life.stop()
    life.wait(1000)
    life.but(plan=plan(since=life.now))
    life.cry()
    life.wait(1060)
    assert life.phones()[-1] == (603, "ada-phone")


def test_ending_a_plan_during_a_cry_rings_although_somebody_was_there_before():
    life = Life(plan=plan())
    life.cry()
    life.wait(130)
    life.here()
    life.wait(160)
    life.happen("plan_ended", by="caregiver:ada")
    life.but(plan=None).decide()
    assert life.phones()[-1] == (160, "ada-phone")


def test_after_it_gave_way_a_visit_ends_the_ladder():
    life = Life(plan=plan(most_dbfs=-25.0))
    life.cry(level=-20.0)
    assert reasons(life)
    life.wait(10)
    life.here()
    life.wait(1000)
    assert life.phones() == [(3, "ada-phone")]


def test_a_plan_started_during_a_cry_counts_from_its_start():
    life = Life(duty=())
    life.cry()
    life.wait(2)
    life.but(plan=plan(since=life.now))
    life.wait(121)
    assert life.alerts == []
    life.wait(123)
    assert life.phones()


def test_a_plan_for_a_child_that_is_too_young_holds_nothing():
    life = Life(plan=plan(), children=(child(START.date() - timedelta(days=60)),))
    life.cry()
    life.wait(4)
    assert life.phones() == [(3, "ada-phone")]
    assert held(life) == []


def test_a_plan_between_four_and_six_months_holds_only_after_reading():
    young = child(START.date() - timedelta(days=150))
    for read, told in ((False, 1), (True, 0)):
        life = Life(plan=plan(read_evidence=read), children=(young,))
        life.cry()
        life.wait(4)
        assert len(life.phones()) == told


def test_a_plan_for_a_child_of_unknown_age_holds_nothing():
    life = Life(plan=plan(), children=(MIA, child(None, name="Leo")))
    life.cry()
    life.wait(4)
    assert life.phones()


def test_a_drill_is_not_held():
    life = Life(plan=plan())
    life.cry(drill=True)
    life.wait(4)
    assert life.phones("drill") == [(3, "ada-phone")]
