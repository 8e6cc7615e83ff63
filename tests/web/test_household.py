"""Children, caregivers, rooms, duty, channels, plans, push: changed, checked, told to the hub."""

import pytest

from harken.journal import Channel, Device, PushSubscription, Room

P256DH, AUTH = "B" * 87, "a" * 22
NAMES = ["<img src=x onerror=alert(1)>", "Zoë 🍼", "'; DROP TABLE children; --", "=1+1"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_kept_as_it_is(home, client_of, name):
    ann = client_of(home, "owner")
    for what, body in (
        ("children", {"name": name}),
        ("caregivers", {"name": name}),
        ("rooms", {"name": name}),
        ("channels", {"name": name, "kind": "webhook", "url": "https://x.example/h"}),
        ("plans", {"name": name, "room": "nursery", "waits": [120]}),
    ):
        made = ann.post(f"/api/{what}", json=body)
        assert made.status_code == 200, made.text
        assert made.json()["name"] == name
        assert made.headers["content-type"] == "application/json"
        entry = made.json()["id"]
        assert entry in {one["id"] for one in ann.get(f"/api/{what}").json()}
        renamed = ann.patch(f"/api/{what}/{entry}", json={"name": "Other"})
        assert renamed.json() == made.json() | {"name": "Other"}
        assert ann.delete(f"/api/{what}/{entry}").json() == {"ok": True}
        assert ann.delete(f"/api/{what}/{entry}").status_code == 404
        assert ann.patch(f"/api/{what}/{entry}", json={"name": "x"}).status_code == 404
    assert ("household", None) in home.hub.told


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "\x00", "x" * 81, None, 5, ["x"], "\ud800"])
def test_names_that_are_none(home, client_of, name):
    import json

    ann = client_of(home, "owner")
    for what in ("children", "caregivers", "rooms", "tokens"):
        answer = ann.post(
            f"/api/{what}",
            content=json.dumps({"name": name}),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code in (400, 422), (what, answer.text)
        assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("children", {"name": "x", "room": "nowhere"}),
        ("children", {"name": "x", "born": "31.1.2026"}),
        ("children", {"name": "x", "id": "mine"}),
        ("caregivers", {"name": "x", "role": "god"}),
        ("caregivers", {"name": "x", "colour": "red;background:url(x)"}),
        ("caregivers", {"name": "x", "children": ["nobody"]}),
        ("rooms", {"name": "x", "ear": "file", "source": "/etc/passwd"}),
        ("rooms", {"name": "x", "ear": "camera", "source": "file:///etc/passwd"}),
        ("rooms", {"name": "x", "ear": "camera"}),
        ("rooms", {"name": "x", "ear": "microphone", "source": "/dev/x"}),
        ("rooms", {"name": "x", "ring_after": -1}),
        ("rooms", {"name": "x", "ring_at_once_dbfs": 5}),
        ("rooms", {"name": "x", "threshold": 0}),
        ("channels", {"name": "x", "kind": "pigeon"}),
        ("channels", {"name": "x", "kind": "apprise", "caregiver": "nobody"}),
        ("channels", {"name": "x", "kind": "apprise", "url": "a b"}),
        ("plans", {"name": "x", "room": "nursery", "waits": []}),
        ("plans", {"name": "x", "room": "nursery", "waits": [-1]}),
        ("plans", {"name": "x", "room": "nowhere", "waits": [1]}),
        ("push/subscriptions", {"endpoint": "http://x.example/1", "keys": {}}),
    ],
)
def test_entries_that_make_no_sense(home, client_of, path, body):
    answer = client_of(home, "owner").post(f"/api/{path}", json=body)
    assert answer.status_code in (404, 422), answer.text
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("children/ida", {"name": None}),
        ("caregivers/bo", {"role": None}),
        ("rooms/nursery", {"ring_after": None}),
        ("rooms/nursery", {"ear": "file"}),
        ("rooms/nursery", {"listening": None}),
    ],
)
def test_what_cannot_be_nothing(home, client_of, path, body):
    assert client_of(home, "owner").patch(f"/api/{path}", json=body).status_code == 422


def test_a_child_may_have_no_room(home, client_of):
    ann = client_of(home, "owner")
    assert ann.patch("/api/children/ida", json={"room": None}).json()["room"] is None


def test_a_rooms_source_keeps_its_password(home, client_of):
    ann = client_of(home, "owner")
    source = "rtsp://me:secret@camera.lan/stream?key=1"
    made = ann.post("/api/rooms", json={"name": "x", "ear": "camera", "source": source}).json()
    assert "secret" not in str(made)
    assert "key" not in made["source"]
    body = {"source": made["source"], "ring_after": 5}
    changed = ann.patch(f"/api/rooms/{made['id']}", json=body).json()
    assert changed["ring_after"] == 5
    assert home.journal.household.get(Room, made["id"]).source == source
    assert "secret" not in ann.get("/api/rooms").text
    assert ("room", made["id"]) in home.hub.told


def test_a_channels_url_keeps_its_secret(home, client_of):
    ann = client_of(home, "owner")
    body = {"name": "T", "kind": "apprise", "url": "tgram://1:secret/2", "options": {"key": "s3"}}
    made = ann.post("/api/channels", json=body).json()
    assert made["url"] == "tgram://…"
    assert made["options"] == ["key"]
    ann.patch(f"/api/channels/{made['id']}", json={"url": "tgram://…", "enabled": False})
    kept = home.journal.household.get(Channel, made["id"])
    assert (kept.url, kept.enabled, kept.options) == (body["url"], False, {"key": "s3"})
    told = ann.post(f"/api/channels/{made['id']}/test").json()
    assert told == {"ok": False, "says": "The service did not answer."}
    assert ann.post("/api/channels/nothing/test").status_code == 404


def test_duty(home, client_of):
    bo = client_of(home, "caregiver")
    turns = {
        "turns": [
            {"order": 1, "caregiver": "bo", "after_s": 0, "days": [0, 1], "rotates": True,
             "quiet_from": "22:00", "quiet_until": "06:00"},
            {"order": 2, "caregiver": "ann", "after_s": 60},
        ]
    }  # fmt: skip
    assert bo.put("/api/duty/nursery", json=turns).status_code == 200
    got = bo.get("/api/duty/nursery").json()["turns"]
    assert [turn["caregiver"] for turn in got] == ["bo", "ann"]
    assert got[0]["quiet_from"] == "22:00"
    for wrong in (
        {"turns": [{"order": 1, "caregiver": "nobody"}]},
        {"turns": [{"order": 1, "caregiver": "gran"}]},
        {"turns": [{"order": 0, "caregiver": "bo"}]},
        {"turns": [{"order": 1, "caregiver": "bo", "quiet_from": "25:00"}]},
        {"turns": [{"order": 1, "caregiver": "bo", "quiet_from": "22:00"}]},
        {"turns": [{"order": 1, "caregiver": "bo", "days": [7]}]},
    ):
        assert bo.put("/api/duty/nursery", json=wrong).status_code == 422, wrong
    assert bo.get("/api/duty/nowhere").status_code == 404
    assert bo.get("/api/duty/nursery").json()["turns"] == got


def test_a_new_room_has_somebody_on_duty(home, client_of):
    ann = client_of(home, "owner")
    room = ann.post("/api/rooms", json={"name": "Den"}).json()["id"]
    assert [one["caregiver"] for one in ann.get(f"/api/duty/{room}").json()["turns"]] == ["ann"]


def test_the_households_settings(home, client_of):
    ann = client_of(home, "owner")
    before = ann.get("/api/household").json()
    assert before["settings"]["keep_audio_days"] == 0
    assert before["settings"]["episode"]["calm_after"] == 60
    body = {
        "name": "New",
        "zone": "Asia/Tokyo",
        "settings": {"night_from": "20:30", "episode": {"calm_after": 90}},
    }
    after = ann.put("/api/household", json=body).json()
    assert (after["name"], after["zone"]) == ("New", "Asia/Tokyo")
    assert after["settings"]["night_from"] == "20:30"
    assert after["settings"]["episode"]["calm_after"] == 90
    assert home.journal.settings.calm_after == 90
    for wrong in (
        {"zone": "Mars/Olympus"},
        {"zone": "../etc/passwd"},
        {"settings": {"night_from": "8pm"}},
        {"settings": {"keep_audio_days": -1}},
        {"settings": {"secret.vapid": "x"}},
        {"settings": {"episode": {"calm_after": -1}}},
        {"settings": {"episode": {"nonsense": 1}}},
    ):
        answer = ann.put("/api/household", json=wrong)
        assert answer.status_code == 422, wrong
    assert client_of(home, "viewer").get("/api/household").json()["settings"] == {}


def test_push(home, client_of):
    bo = client_of(home, "caregiver")
    assert bo.get("/api/push/key").json() == {"key": "B" * 87}
    body = {
        "endpoint": "https://fcm.googleapis.com/fcm/send/abc",
        "keys": {"p256dh": P256DH, "auth": AUTH},
        "expirationTime": None,
    }
    for _ in range(2):
        assert bo.post("/api/push/subscriptions", json=body).json() == {"ok": True}
    (kept,) = home.journal.household.list(PushSubscription)
    assert kept.device == "caregiver-device"
    channels = bo.get("/api/channels").json()
    assert [(one["kind"], one["caregiver"]) for one in channels] == [("push", "bo")]
    assert bo.delete("/api/push/subscriptions").json() == {"removed": 1}
    assert bo.delete("/api/push/subscriptions").json() == {"removed": 0}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://router.local/x",
        "https://nas/x",
        "https://a@fcm.googleapis.com/x",
        "https://2130706433/x",
        "javascript:alert(1)",
    ],
)
def test_push_goes_to_the_internet_only(home, client_of, endpoint):
    body = {"endpoint": endpoint, "keys": {"p256dh": P256DH, "auth": AUTH}}
    answer = client_of(home, "owner").post("/api/push/subscriptions", json=body)
    assert answer.status_code == 422, answer.text


def test_a_revoked_device_gets_no_push(home, client_of):
    bo = client_of(home, "caregiver")
    body = {"endpoint": "https://x.example/1", "keys": {"p256dh": P256DH, "auth": AUTH}}
    bo.post("/api/push/subscriptions", json=body)
    client_of(home, "owner").delete("/api/devices/caregiver-device")
    assert home.journal.household.list(PushSubscription) == []


def test_tokens(home, client_of):
    ann = client_of(home, "owner")
    made = ann.post("/api/tokens", json={"name": "My script"}).json()
    stranger = client_of(home)
    answer = stranger.get("/api/state", headers={"authorization": f"Bearer {made['token']}"})
    assert answer.json()["me"]["role"] == "owner"
    assert home.journal.household.get(Device, made["id"]).kind == "script"
    ann.delete(f"/api/devices/{made['id']}")
    answer = stranger.get("/api/state", headers={"authorization": f"Bearer {made['token']}"})
    assert answer.status_code == 401


def test_drills_and_hearing(home, client_of):
    bo = client_of(home, "caregiver")
    assert len(bo.post("/api/rooms/nursery/drill").json()["drill"]) == 36
    assert bo.post("/api/rooms/nowhere/drill").status_code == 404
    assert bo.get("/api/drills/0199b7a4-0000-7000-8000-000000000000").status_code == 404
    assert bo.get("/api/rooms/nursery/hears").json()["hop_s"] == 0.08
    assert bo.post("/api/rooms/nursery/check").json() == {"suggested": 0.5}


def test_saying_a_phrase(home, client_of):
    bo = client_of(home, "caregiver")
    assert bo.post("/api/rooms/nursery/say", json={"phrase": "i-am-here"}).json() == {"ok": True}
    room, what, by = home.hub.said[0]
    assert (room, what["phrase"], by) == ("nursery", "i-am-here", "caregiver:bo")
    for wrong in ({"phrase": "../x"}, {"phrase": ""}, {}, {"phrase": "x", "y": 1}, []):
        assert bo.post("/api/rooms/nursery/say", json=wrong).status_code == 422, wrong


def test_saying_something_of_ones_own(home, client_of):
    bo = client_of(home, "caregiver")
    sound = {"content-type": "audio/webm;codecs=opus"}
    clip = b"\x1a\x45\xdf\xa3" * 50_000
    answer = bo.post("/api/rooms/nursery/say", content=clip, headers=sound)
    assert answer.json() == {"ok": True}
    _, what, _ = home.hub.said[0]
    assert what["clip"] == clip
    tablet = client_of(home, "nursery")
    got = tablet.get(what["url"])
    assert (got.content, got.headers["content-type"]) == (clip, "audio/webm")
    assert client_of(home, "viewer").get(what["url"]).status_code == 403
    assert bo.get(what["url"].replace("nursery", "attic")).status_code == 404
    assert bo.get(what["url"][:-1] + ("0" if what["url"][-1] != "0" else "1")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "size", "status"),
    [
        ("text/html", 5, 415),
        ("image/svg+xml", 5, 415),
        ("", 5, 415),
        ("audio/webm", 0, 422),
        ("audio/webm", 8 * 1024 * 1024 + 1, 413),
        ("application/json", 70_000, 413),
    ],
)
def test_clips_that_are_none(home, client_of, kind, size, status):
    answer = client_of(home, "owner").post(
        "/api/rooms/nursery/say", content=b"x" * size, headers={"content-type": kind}
    )
    assert answer.status_code == status
    assert home.hub.said == []
