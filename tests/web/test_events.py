"""Taps: once, at the right time, by the right person; and reading them back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes.events import Event, new_id
from harken.errors import JournalError, ParameterError
from harken.web.routes.happening import clock_offset, read_event

NOW = datetime.now(UTC)


def test_a_tap_counts_once(home, client_of):
    bo = client_of(home, "caregiver")
    tap, other = home.event(), home.event()
    first = bo.post("/api/events", json={"events": [tap]}).json()
    assert first == {"accepted": [tap["id"]], "known": [], "refused": []}
    again = bo.post("/api/events", json={"events": [tap, tap, other]}).json()
    assert again == {"accepted": [other["id"]], "known": [tap["id"]], "refused": []}
    assert len(home.journal.events(kinds=["soothed"])) == 2


def test_a_tap_is_by_whoever_is_signed_in_and_in_the_households_zone(home, client_of):
    client_of(home, "caregiver").post("/api/events", json={"events": [home.event()]})
    (event,) = home.journal.events(kinds=["soothed"])
    assert (event.by, event.zone) == ("caregiver:bo", "Europe/Berlin")


@pytest.mark.parametrize("wrong_s", [600, -600, 86_400 * 400, -86_400 * 400])
def test_a_wrong_clock_is_taken_off(home, client_of, wrong_s):
    wrong = timedelta(seconds=wrong_s)
    now = datetime.now(UTC)
    tap = home.event(at=(now + wrong - timedelta(seconds=30)).isoformat())
    sleep = home.event(
        "care",
        at=(now + wrong - timedelta(hours=2)).isoformat(),
        data={"what": "sleep", "until": (now + wrong - timedelta(hours=1)).isoformat()},
    )
    body = {"sent_at": (now + wrong).isoformat(), "events": [tap, sleep]}
    answer = client_of(home, "owner").post("/api/events", json=body).json()
    assert len(answer["accepted"]) == 2, answer
    (event,) = home.journal.events(kinds=["soothed"])
    assert abs(event.at - (now - timedelta(seconds=30))) < timedelta(seconds=5)
    (entry,) = home.journal.care()
    assert abs(entry.until - (now - timedelta(hours=1))) < timedelta(seconds=5)
    assert entry.until - entry.at == timedelta(hours=1)


def test_a_tap_from_a_hole_in_the_wifi_keeps_its_time(home, client_of):
    now = datetime.now(UTC)
    at = now - timedelta(minutes=40)
    tap = home.event(at=at.isoformat())
    client_of(home, "owner").post("/api/events", json={"sent_at": now.isoformat(), "events": [tap]})
    assert home.journal.events(kinds=["soothed"])[0].at == at


def test_the_way_through_the_network_is_no_clock_error():
    assert clock_offset(NOW - timedelta(seconds=1.9), NOW) == timedelta(0)
    assert clock_offset(NOW - timedelta(seconds=2.1), NOW) == timedelta(seconds=2.1)
    assert clock_offset(None, NOW) == timedelta(0)


def test_a_little_in_the_future_is_now(home, client_of):
    tap = home.event(at=(datetime.now(UTC) + timedelta(seconds=60)).isoformat())
    client_of(home, "owner").post("/api/events", json={"events": [tap]})
    assert home.journal.events(kinds=["soothed"])[0].at <= datetime.now(UTC)


def test_part_of_a_batch_may_be_refused(home, client_of):
    good = home.event()
    bad = [
        home.event("cry_started", data={"bout": str(new_id()), "detected_at": NOW.isoformat()}),
        home.event("audit", data={"what": "signed in"}),
        home.event("alert_due", data={}),
        home.event("nonsense"),
        home.event(kind=7),
        home.event(id="7"),
        home.event(id=7),
        home.event(at="yesterday"),
        home.event(at="2026-01-01T00:00:00"),
        home.event(at=(NOW + timedelta(hours=1)).isoformat()),
        home.event(at="0001-01-01T00:00:00+14:00"),
        home.event(room="../x"),
        home.event(room=5),
        home.event(child="a b"),
        home.event(by="hub"),
        home.event(zone="UTC"),
        home.event("responded", data={"manner": "arrived", "source": "heard"}),
        home.event("acknowledged", data={"caregiver": "nobody"}),
        home.event("soothed", data=None),
        home.event("commented", data={"text": "x" * 5000}),
        home.event("care", data={"what": "sleep", "until": "later"}),
        {},
    ]
    bad[-4]["data"] = {"attempt": "sing opera"}
    answer = client_of(home, "owner").post("/api/events", json={"events": [*bad, good]})
    assert answer.status_code == 200
    said = answer.json()
    assert said["accepted"] == [good["id"]]
    assert len(said["refused"]) == len(bad)
    assert all(one["why"] and "\n" not in one["why"] for one in said["refused"])


def test_numbers_that_are_none_are_refused(home, client_of):
    data = {"target": str(new_id()), "data": {"ml": float("nan")}}
    text = json.dumps({"events": [home.event("corrected", data=data)]})
    answer = client_of(home, "owner").post(
        "/api/events", content=text, headers={"content-type": "application/json"}
    )
    assert answer.json()["refused"][0]["why"] == "event: data must be plain JSON"


@pytest.mark.parametrize(
    "body",
    [
        {"events": []},
        {"events": [{}] * 201},
        {"events": "x"},
        {"events": [1]},
        {"events": [{}], "more": 1},
        {"events": [{}], "sent_at": "2026-01-01T00:00:00"},
        {"events": [{}], "sent_at": "0001-01-01T00:00:00+14:00"},
        [],
        None,
    ],
)
def test_batches_that_are_none(home, client_of, body):
    answer = client_of(home, "owner").post("/api/events", json=body)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}


@given(
    st.dictionaries(
        st.sampled_from(["id", "kind", "at", "room", "child", "data", "by", "x"]),
        st.none()
        | st.booleans()
        | st.floats()
        | st.text(max_size=30)
        | st.sampled_from(["soothed", "care", "2026-01-01T00:00:00+00:00", str(new_id())])
        | st.lists(st.integers(), max_size=2)
        | st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.floats(), max_size=3),
    )
)
def test_whatever_is_sent_gives_an_event_or_a_reason(values):
    try:
        event = read_event(values, by="caregiver:x", zone="UTC", offset=timedelta(days=400))
    except ParameterError:
        return
    assert event.by == "caregiver:x"
    assert event.at <= datetime.now(UTC)


def test_the_journal_cannot_be_written(home, client_of, monkeypatch):
    def full(events):
        raise JournalError("journal.db: the disk is full; make room and try again")

    ann = client_of(home, "owner")
    monkeypatch.setattr(home.journal, "append", full)
    answer = ann.post("/api/events", json={"events": [home.event()]})
    assert answer.status_code == 503
    assert answer.json() == {"error": "journal.db: the disk is full; make room and try again"}
    assert ann.get("/api/state").status_code == 200
    assert ann.post("/api/tokens", json={"name": "x"}).status_code == 200  # audit isn't all


def test_reading_events(home, client_of):
    ann = client_of(home, "owner")
    old, new = NOW - timedelta(days=3), NOW - timedelta(minutes=5)
    for at in (old, new):
        ann.post("/api/events", json={"events": [home.event(at=at.isoformat())]})
    rows = ann.get("/api/events", params={"kinds": "soothed, checked"}).json()
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert len(rows) == 2
    day = (NOW - timedelta(days=1)).isoformat()
    assert len(ann.get("/api/events", params={"from": day}).json()) == 1
    assert len(ann.get("/api/events", params={"to": day}).json()) == 1
    assert len(ann.get("/api/events", params={"limit": 1}).json()) == 1
    assert ann.get("/api/events", params={"room": "attic"}).json() == []
    for wrong in ({"from": "x"}, {"limit": 0}, {"kinds": "nonsense"}, {"room": "../"},
                  {"to": "0001-01-01T00:00:00+14:00"}):  # fmt: skip
        assert ann.get("/api/events", params=wrong).status_code == 422, wrong


def test_reading_episodes(home, client_of):
    bout = home.cry()
    ann = client_of(home, "owner")
    ann.post("/api/events", json={"events": [home.event("commented", data={
        "text": "<img onerror=alert(1)>", "episode": bout})]})  # fmt: skip
    (episode,) = ann.get("/api/episodes").json()
    assert episode["id"] == bout
    whole = ann.get(f"/api/episodes/{bout.upper()}").json()
    assert [one["kind"] for one in whole["events"]][:2] == ["cry_started", "cry_ended"]
    assert ann.get(f"/api/episodes/{new_id()}").status_code == 404


def test_clips(home, client_of):
    bout = home.cry()
    home.hub.clips[bout] = b"fLaC"
    ann, gran = client_of(home, "owner"), client_of(home, "viewer")
    assert ann.get(f"/api/episodes/{bout}").json()["clips"] == [bout]
    assert gran.get(f"/api/episodes/{bout}").json()["clips"] == []
    answer = ann.get(f"/api/clips/{bout}")
    assert (answer.content, answer.headers["content-type"]) == (b"fLaC", "audio/flac")
    assert gran.get(f"/api/clips/{bout}").status_code == 403
    assert ann.delete("/api/clips").json() == {"removed": 1}
    assert ann.get(f"/api/clips/{bout}").status_code == 404


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "x", "%00", "'--"])
def test_ids_that_are_paths(home, client_of, path):
    ann = client_of(home, "owner")
    for where in ("episodes", "rooms", "drills", "devices", "children"):
        answer = ann.get(f"/api/{where}/{path}")
        assert answer.status_code in (404, 405, 422)
        assert "root:" not in answer.text


@pytest.fixture
def alert(home):
    """An alert that is due; its id."""
    bout = home.cry()
    alert = str(new_id())
    home.journal.append(
        [
            Event(
                "alert_due",
                datetime.now(UTC) - timedelta(seconds=30),
                room="nursery",
                data={"alert": alert, "about": "cry", "channel": "page", "episode": bout},
            )
        ]
    )
    return alert


def test_an_alerts_own_times(home, client_of, alert):
    bo = client_of(home, "caregiver")
    for what in ("received", "shown", "clicked"):
        for _ in range(2):
            assert bo.post(f"/api/alerts/{alert}/{what}").json() == {"ok": True}
    kinds = [event.kind for event in home.journal.events() if event.kind != "alert_due"]
    assert [kind for kind in kinds if kind.startswith("alert")] == [
        "alert_received",
        "alert_shown",
        "alert_clicked",
    ]
    assert bo.post(f"/api/alerts/{new_id()}/shown").status_code == 404
    assert bo.post(f"/api/alerts/{alert}/eaten").status_code == 404


def test_going_from_the_notification(home, client_of, alert):
    bo = client_of(home, "caregiver")
    now = datetime.now(UTC)
    body = {
        "id": str(new_id()),
        "at": (now + timedelta(minutes=10)).isoformat(),
        "sent_at": (now + timedelta(minutes=10)).isoformat(),
    }
    for _ in range(2):
        assert bo.post(f"/api/alerts/{alert}/going", json=body).json() == {"ok": True}
    (event,) = home.journal.events(kinds=["acknowledged"])
    assert str(event.id) == body["id"]
    assert event.data["caregiver"] == "bo"
    assert event.room == "nursery"
    assert abs(event.at - now) < timedelta(seconds=5)
    assert bo.post(f"/api/alerts/{alert}/going", json={"at": "x"}).status_code == 422
