"""Sensors' numbers over the API: bounds, repeats, and who may see what."""

from datetime import UTC, datetime, timedelta

import pytest

from harken.journal import Series

NOW = datetime.now(UTC).replace(microsecond=0)


def told(*values, start=-3600, every=1, **more):
    readings = [
        {"at": (NOW + timedelta(seconds=start + i * every)).isoformat(), "value": value}
        for i, value in enumerate(values)
    ]
    return {"what": "heart_rate", "source": "sock", "child": "ida", "readings": readings} | more


def test_numbers_are_taken_once(home, client_of):
    ann = client_of(home, "script")
    assert ann.post("/api/series", json=told(120, 121)).json() == {
        "accepted": 2, "known": 0, "refused": [],
    }  # fmt: skip
    assert ann.post("/api/series", json=told(99, 98, 97)).json()["accepted"] == 1
    series = Series("heart_rate", "sock", child="ida")
    assert [value for _, value in home.journal.readings(series)] == [120, 121, 97]


def test_what_no_sensor_gives_is_refused_and_the_rest_taken(home, client_of):
    body = told(120, 0, 500, 122)
    body["readings"].append({"at": (NOW + timedelta(hours=1)).isoformat(), "value": 120})
    answer = client_of(home, "owner").post("/api/series", json=body).json()
    assert (answer["accepted"], answer["known"]) == (2, 0)
    assert [one["index"] for one in answer["refused"]] == [1, 2, 4]
    assert "0 is no reading" in answer["refused"][0]["why"]
    assert answer["refused"][2]["why"] == "its time is in the future"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"what": "mood"}, 422),
        ({"source": ""}, 422),
        ({"source": "x" * 81}, 422),
        ({"source": "a\nb"}, 422),
        ({"readings": []}, 422),
        ({"readings": [{"at": "2026-01-01T00:00:00", "value": 1}]}, 422),
        ({"readings": [{"at": "2026-01-01T00:00:00Z", "value": "fast"}]}, 422),
        ({"readings": [{"at": "2026-01-01T00:00:00Z", "value": 120}] * 1001}, 422),
        ({"more": 1}, 422),
        ({"child": "nobody"}, 404),
        ({"room": "nowhere"}, 404),
    ],
)
def test_what_cannot_be_sent(home, client_of, change, status):
    answer = client_of(home, "owner").post("/api/series", json=told(120) | change)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert home.journal.series() == []


def test_steps_for_drawing(home, client_of):
    client_of(home, "owner").post("/api/series", json=told(*range(100, 160), every=2))
    ask = {"from": (NOW - timedelta(hours=1)).isoformat(), "to": NOW.isoformat(), "step": 60}
    (one,) = client_of(home, "owner").get("/api/series", params=ask).json()
    assert {key: one[key] for key in ("what", "title", "unit", "source", "child", "step_s")} == {
        "what": "heart_rate", "title": "Heart rate", "unit": "beats/min", "source": "sock",
        "child": "ida", "step_s": 60,
    }  # fmt: skip
    # Two steps have readings; the others are gaps and are left out.
    assert [(step["low"], step["high"], step["n"]) for step in one["steps"]] == [
        (100.0, 129.0, 30), (130.0, 159.0, 30),
    ]  # fmt: skip
    assert len(client_of(home, "owner").get("/api/series").json()) == 1
    before = {"to": (NOW - timedelta(days=3)).isoformat()}
    assert client_of(home, "owner").get("/api/series", params=before).json() == []


def test_what_cannot_be_asked(home, client_of):
    ann = client_of(home, "owner")
    year = {"from": (NOW - timedelta(days=365)).isoformat(), "step": 60}
    assert "make step longer" in ann.get("/api/series", params=year).json()["error"]
    turned = {"from": NOW.isoformat(), "to": (NOW - timedelta(days=1)).isoformat()}
    for params in (turned, {"step": 1}, {"step": 100_000}, {"from": "0001-01-01T00:00:00Z"}):
        assert ann.get("/api/series", params=params).status_code == 422


def test_a_viewer_sees_the_children_they_were_given(home, client_of):
    ann = client_of(home, "owner")
    ann.post("/api/series", json=told(120))
    ann.post("/api/series", json=told(121, child="ole"))
    ann.post("/api/series", json=told(20, what="room_temperature", child=None, room="attic"))
    ann.post("/api/series", json=told(20, what="room_temperature", child=None, room=None))
    seen = client_of(home, "viewer").get("/api/series").json()
    assert [one["child"] for one in seen] == ["ida"]
    assert len(client_of(home, "caregiver").get("/api/series").json()) == 4
    for who in ("viewer", "nursery"):
        assert client_of(home, who).post("/api/series", json=told(1)).status_code == 403
    assert client_of(home, "nursery").get("/api/series").status_code == 403
