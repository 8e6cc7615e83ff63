"""Sensors of an MQTT channel, as Settings keeps them: beside what else the channel was told."""

import pytest

from harken.answering.channels.sensors import sensors_of
from harken.journal import Channel

SOCK = {"topic": "sock/all", "what": "heart_rate", "key": "pulse", "child": "ida"}


def mqtt(ann, **more):
    body = {"name": "Home", "kind": "mqtt", "url": "mqtt://u:p@broker", **more}
    return ann.post("/api/channels", json=body)


def kept(home, entry):
    return home.journal.household.get(Channel, entry).options


def test_sensors_are_kept_beside_the_other_options(home, client_of):
    ann = client_of(home, "owner")
    made = mqtt(ann, options={"siren_topic": "siren/set"}, sensors=[SOCK]).json()
    assert made["options"] == ["series", "siren_topic"]
    rest = {"source": None, "room": None, "at_key": None, "fahrenheit": False}
    assert made["sensors"] == [SOCK | rest]
    assert kept(home, made["id"]) == {"siren_topic": "siren/set", "series": [SOCK]}
    (sensor,) = sensors_of(kept(home, made["id"])["series"])["sock/all"]
    assert (sensor.series.source, sensor.series.child, sensor.key) == ("all", "ida", "pulse")
    warm = {"topic": "t/warm", "what": "room_temperature", "room": "nursery", "fahrenheit": True}
    path = f"/api/channels/{made['id']}"
    assert ann.patch(path, json={"sensors": [*made["sensors"], warm]}).status_code == 200
    assert kept(home, made["id"])["series"] == [SOCK, warm]
    ann.patch(path, json={"name": "Broker"})
    assert kept(home, made["id"])["series"] == [SOCK, warm]
    ann.patch(path, json={"sensors": []})
    assert kept(home, made["id"]) == {"siren_topic": "siren/set"}
    assert ("household", None) in home.hub.told


def test_only_mqtt_has_sensors(home, client_of):
    ann = client_of(home, "owner")
    made = ann.post("/api/channels", json={"name": "x", "kind": "page"}).json()
    assert made["sensors"] is None
    answer = ann.patch(f"/api/channels/{made['id']}", json={"sensors": [SOCK]})
    assert answer.status_code == 422
    assert answer.json() == {"error": "sensors: only an MQTT channel listens to them."}


@pytest.mark.parametrize(
    ("sensor", "says"),
    [
        (SOCK | {"topic": "sock/#"}, "An MQTT topic may not be empty, hold # or +"),
        (SOCK | {"topic": ""}, "An MQTT topic may not be empty"),
        (SOCK | {"child": "nobody"}, "sensors: there is no such child."),
        (SOCK | {"room": "nowhere"}, "sensors: there is no such room."),
        (SOCK | {"what": "mood"}, "what"),
        (SOCK | {"colour": "red"}, "colour"),
        ({"what": "oxygen"}, "topic"),
    ],
)
def test_what_is_no_sensor_is_refused_in_a_sentence(home, client_of, sensor, says):
    ann = client_of(home, "owner")
    answer = mqtt(ann, sensors=[sensor])
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert ann.get("/api/channels").json() == []


def test_what_no_form_can_show_is_left_as_it_is(home, client_of):
    ann = client_of(home, "owner")
    made = mqtt(ann, options={"series": [{"topic": 5}]}).json()
    assert made["sensors"] is None
    ann.patch(f"/api/channels/{made['id']}", json={"name": "Other"})
    assert kept(home, made["id"]) == {"series": [{"topic": 5}]}


def test_a_viewer_does_not_see_them(home, client_of):
    assert client_of(home, "viewer").get("/api/channels").status_code == 403
