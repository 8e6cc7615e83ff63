"""Who may do what: every route, every role, and nobody without signing in."""

import json
import re
from datetime import UTC, datetime

import pytest
from fastapi.routing import iter_route_contexts
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

WS = "ws://hub.local:8437"
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/join"),
    ("POST", "/api/join"),
    ("GET", "/welcome"),
    ("POST", "/api/welcome"),
    ("GET", "/manifest.webmanifest"),
    ("GET", "/sw.js"),
    ("GET", "/authority"),
    ("GET", "/static/{path:path}"),
}

VIEWER = {
    "GET /", "GET /journal", "GET /board", "GET /evidence", "GET /evidence/waiting",
    "GET /api/evidence/claims", "GET /api/evidence/norms",
    "GET /insight", "GET /api/insight", "GET /api/insight/charts/{name}",
    "GET /api/report", "GET /api/sheet",
    "GET /api/state", "GET /api/live", "GET /api/events", "GET /api/episodes",
    "GET /api/episodes/{episode}", "GET /api/care", "GET /api/series", "GET /api/children",
    "GET /api/rooms",
    "GET /api/household", "GET /api/openapi.json", "GET /api/docs", "POST /api/sign-out",
}  # fmt: skip
NURSERY = {
    "GET /", "GET /nursery", "GET /api/state", "GET /api/live", "GET /api/rooms",
    "GET /api/rooms/{room}/say/{recording}", "GET /api/household", "GET /api/openapi.json",
    "GET /api/docs", "POST /api/sign-out",
}  # fmt: skip
OWNER_ONLY = {
    "PUT /api/household", "POST /api/caregivers", "DELETE /api/caregivers/{entry}",
    "GET /api/backup",
}  # fmt: skip


def routes_of(app):
    """Every (method, path), however deep the routers are."""
    return [
        (method, route.path)
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or {"WS"})
    ]


def filled(path):
    path = path.replace("{path:path}", "js/a.js")
    path = re.sub(r"\{(room)\}", "nursery", path)
    path = re.sub(
        r"\{(episode|alert|drill|recording|bout)\}", "0199b7a4-0000-7000-8000-000000000000", path
    )
    return re.sub(r"\{\w+\}", "nothing", path)


def test_every_route_is_found(home):
    found = routes_of(home.app)
    assert len(found) > 60
    assert ("WS", "/api/rooms/{room}/sound") in found
    assert ("POST", "/api/events") in found


def test_nothing_without_signing_in(home, client_of):
    client = client_of(home)
    for method, path in routes_of(home.app):
        if (method, path) in OPEN:
            continue
        if method == "WS":
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(WS + filled(path)):
                pass
            continue
        for accept in ("*/*", "text/html"):
            answer = client.request(method, filled(path), headers={"accept": accept})
            page = accept == "text/html" and method in ("GET", "HEAD") and "/api/" not in path
            assert answer.status_code == (303 if page else 401), (method, path)
            if page:
                assert answer.headers["location"] == "/join"
            elif method != "HEAD":
                assert answer.json() == {"error": "Sign in first."}


def test_unknown_paths_tell_a_stranger_nothing(home, client_of):
    client = client_of(home)
    assert client.get("/api/nothing").status_code == 401
    assert client.get("/nothing").status_code == 401
    assert client.get("/static/../api/state").status_code in (401, 404)
    assert client.get("/static/%2e%2e/%2e%2e/api/state").status_code == 404


@pytest.mark.parametrize(
    ("who", "allowed"), [("viewer", VIEWER), ("nursery", NURSERY), ("caregiver", None)]
)
def test_roles(home, client_of, who, allowed):
    client = client_of(home, who)
    for method, path in routes_of(home.app):
        call = f"{method} {path}"
        if (method, path) in OPEN or method == "WS" or call == "GET /api/live":
            continue
        may = call not in OWNER_ONLY if allowed is None else call in allowed
        if call == "POST /api/sign-out":
            continue
        body = {"content": b"[]", "headers": {"content-type": "application/json"}}
        answer = client.request(method, filled(path), **(body if method != "GET" else {}))
        assert (answer.status_code != 403) == may, (call, answer.status_code, answer.text)
        assert answer.status_code not in (401, 500)


def test_a_nursery_device_is_shown_its_page(home, client_of):
    client = client_of(home, "nursery")
    assert client.get("/").headers["location"] == "/nursery"
    for path in ("/settings", "/journal", "/hears/nursery", "/board"):
        assert client.get(path, headers={"accept": "text/html"}).status_code == 403


def test_only_the_ears_of_a_room_send_its_sound(home, serve):
    server = serve(home)

    def knock(who, room):
        headers = {"Cookie": home.headers(who)["cookie"]}
        return connect(
            f"{server.ws}/api/rooms/{room}/sound", origin=server.url, additional_headers=headers
        )

    for who, room in (("nursery", "attic"), ("viewer", "nursery"), ("owner", "nowhere")):
        with pytest.raises(InvalidStatus):
            knock(who, room)
    for who in ("nursery", "caregiver"):
        with knock(who, "nursery" if who == "nursery" else "attic") as socket:
            assert json.loads(socket.recv(5))["state"] == "calm"


def test_a_viewer_sees_only_the_children_they_were_given(home, client_of):
    own, others = home.cry("nursery"), home.cry("attic")
    both = home.cry("nursery", child="ole", at=datetime.now(UTC) - home.ago(7200))
    for child, room in (("ida", "nursery"), ("ole", "attic"), (None, "attic"), (None, "nursery")):
        event = home.event("care", child=child, room=room, data={"what": "note", "text": "x"})
        assert (
            client_of(home, "owner")
            .post("/api/events", json={"events": [event]})
            .json()["accepted"]
        )
    gran, ann = client_of(home, "viewer"), client_of(home, "owner")
    assert [one["id"] for one in gran.get("/api/children").json()] == ["ida"]
    assert [one["id"] for one in gran.get("/api/rooms").json()] == ["nursery"]
    assert gran.get("/api/rooms").json()[0]["source"] == ""
    assert {one["id"] for one in gran.get("/api/episodes").json()} <= {own}
    assert len(ann.get("/api/episodes").json()) >= 2
    assert gran.get(f"/api/episodes/{others}").status_code == 404
    assert gran.get(f"/api/episodes/{own}").status_code == 200
    assert {(e["room"], e["child"]) for e in gran.get("/api/care").json()} == {
        ("nursery", "ida"),
        ("nursery", None),
    }
    seen = gran.get("/api/events").json()
    assert seen
    assert all(e["room"] == "nursery" and e["child"] in (None, "ida") for e in seen)
    assert not {"audit", "alert_due", "push_lost"} & {e["kind"] for e in seen}
    state = gran.get("/api/state").json()
    assert [room["id"] for room in state["rooms"]] == ["nursery"]
    assert state["me"]["name"] == "Gran"
    assert both not in {one["id"] for one in gran.get("/api/episodes").json()}


def test_the_web_checks_the_hub(home, client_of):
    home.hub.leaks = True
    state = client_of(home, "viewer").get("/api/state").json()
    assert [room["id"] for room in state["rooms"]] == ["nursery"]
    assert state["caregivers"] == []


def test_a_shared_room_is_hidden_from_whoever_was_given_one_of_its_children(home, client_of):
    client_of(home, "owner").patch("/api/children/ole", json={"room": "nursery"})
    assert client_of(home, "viewer").get("/api/state").json()["rooms"] == []


def test_only_an_owner_reads_the_audit(home, client_of):
    client_of(home, "owner").post("/api/tokens", json={"name": "x"})
    assert client_of(home, "owner").get("/api/events?kinds=audit").json()
    assert client_of(home, "caregiver").get("/api/events?kinds=audit").json() == []
    assert client_of(home, "viewer").get("/api/events?kinds=audit").json() == []


def test_caregivers_do_not_raise_themselves(home, client_of):
    bo = client_of(home, "caregiver")
    assert bo.patch("/api/caregivers/bo", json={"colour": "#aabbcc"}).status_code == 200
    assert bo.patch("/api/caregivers/bo", json={"role": "owner"}).status_code == 403
    assert bo.patch("/api/caregivers/ann", json={"name": "x"}).status_code == 403
    assert bo.post("/api/join-codes", json={"role": "owner", "caregiver": "bo"}).status_code == 403
    assert bo.post("/api/join-codes", json={"role": "viewer"}).status_code == 403
    assert bo.post("/api/join-codes", json={"role": "caregiver"}).status_code == 403
    own = bo.post("/api/join-codes", json={"role": "caregiver", "caregiver": "bo"})
    assert own.status_code == 200
    assert bo.delete("/api/devices/owner-device").status_code == 403
    assert {one["id"] for one in bo.get("/api/devices").json()} == {
        "caregiver-device",
        "nursery-device",
    }


def test_a_household_keeps_an_owner(home, client_of):
    ann = client_of(home, "owner")
    assert ann.patch("/api/caregivers/ann", json={"role": "viewer"}).status_code == 409
    assert ann.delete("/api/caregivers/ann").status_code == 409
    assert ann.patch("/api/caregivers/bo", json={"role": "owner"}).status_code == 200
    assert ann.patch("/api/caregivers/ann", json={"role": "caregiver"}).status_code == 200
    assert ann.put("/api/household", json={"name": "Mine"}).status_code == 403


def test_a_script_makes_no_others(home, client_of):
    client = client_of(home)
    bearer = {"authorization": f"Bearer {home.tokens['script']}"}
    assert client.get("/api/state", headers=bearer).status_code == 200
    assert client.post("/api/tokens", json={"name": "x"}, headers=bearer).status_code == 403
    code = client.post("/api/join-codes", json={"role": "owner"}, headers=bearer)
    assert code.status_code == 403
