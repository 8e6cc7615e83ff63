"""A plan starts only where it may, and is known to be in force."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.journal import Child, Plan


@pytest.fixture
def born(home):
    def change(months):
        ida = home.journal.household.get(Child, "ida")
        day = date.today() - timedelta(days=round(months * 30.5)) if months is not None else None
        home.journal.household.update(replace(ida, born=day))

    return change


def start(home, **data):
    return home.event("plan_started", data={"waits": [120.0, 180.0], **data})


@pytest.mark.parametrize(
    ("months", "data", "why"),
    [
        (None, {}, "Enter when Ida was born first"),
        (2, {"read_evidence": True}, "younger than 4 months"),
        (5, {}, "Please read first"),
        (5, {"read_evidence": True}, None),
        (12, {}, None),
        (12, {"waits": []}, "plan"),
        (12, {"waits": [-1]}, "plan"),
        (12, {"waits": ["x"]}, "plan"),
        (12, {"waits": [1e9]}, "plan"),
    ],
)
def test_who_may_wait(home, client_of, born, months, data, why):
    born(months)
    answer = client_of(home, "owner").post("/api/events", json={"events": [start(home, **data)]})
    refused = answer.json()["refused"]
    if why is None:
        assert refused == []
    else:
        assert why in refused[0]["why"]
        assert home.journal.events(kinds=["plan_started"]) == []


def test_a_plan_needs_a_room(home, client_of):
    event = start(home) | {"room": None}
    answer = client_of(home, "owner").post("/api/events", json={"events": [event]})
    assert answer.json()["refused"][0]["why"] == "plan: room is missing"


def test_which_plan_is_in_force(home, client_of, born):
    born(12)
    ann = client_of(home, "owner")
    ids = [
        ann.post("/api/plans", json={"name": "P", "room": "nursery", "waits": waits}).json()["id"]
        for waits in ([120, 180], [60])
    ]

    def in_force():
        plans = ann.get("/api/plans").json()
        return [plan["id"] for plan in plans if plan["active_since"]]

    now = datetime.now(UTC)
    ann.post("/api/events", json={"events": [start(home)]})
    assert in_force() == [ids[0]]
    assert ("room", "nursery") in home.hub.told
    late = home.event("plan_ended", at=(now - timedelta(hours=1)).isoformat(), data={})
    ann.post("/api/events", json={"events": [late]})
    assert in_force() == [ids[0]]
    ann.post("/api/events", json={"events": [start(home, waits=[60.0], caregiver="ann")]})
    assert in_force() == [ids[1]]
    ann.post("/api/events", json={"events": [home.event("plan_ended", data={})]})
    assert in_force() == []
    assert home.journal.household.get(Plan, ids[1]).active_since is None
