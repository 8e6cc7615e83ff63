import threading
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.errors import JournalError, ParameterError
from harken.journal import (
    Caregiver,
    Channel,
    Child,
    Device,
    DutyTurn,
    JoinCode,
    Plan,
    PushSubscription,
    Room,
    masked,
    token_hash,
)
from harken.journal.household import TABLES, as_dict, from_dict

NOW = datetime(2026, 1, 31, 23, 59, 59, 123456, tzinfo=UTC)
EVERYTHING = [
    Room(
        id="nursery", name="Nursery", ear="camera", source="rtsp://me:hidden@cam/1", threshold=0.4
    ),
    Child(id="mia", name="Mia 🍼", born=date(2026, 1, 1), due=date(2026, 2, 1), room="nursery"),
    Caregiver(id="ada", name="Ada", role="owner", children=["mia"], colour="#aa0000"),
    Device(
        id="phone",
        name="Ada's phone",
        kind="phone",
        caregiver="ada",
        room="nursery",
        token_hash=token_hash("hidden"),
        created=NOW,
        last_seen=NOW,
        address="192.168.1.2",
    ),
    JoinCode(
        code_hash=token_hash("hidden"), role="viewer", children=["mia"], expires=NOW, used=NOW
    ),
    PushSubscription(
        id="p",
        device="phone",
        endpoint="https://hidden",
        p256dh="hidden",
        auth="hidden",
        created=NOW,
    ),
    Channel(
        id="c",
        caregiver="ada",
        kind="apprise",
        name="Telegram",
        url="tgram://hidden/1",
        enabled=False,
        options={"secret": "hidden", "n": [1, None]},
    ),
    Plan(
        id="plan",
        name="Nights",
        caregiver="ada",
        room="nursery",
        waits=[120, 180.5],
        longer_each_night=60,
        most_dbfs=-12,
        most_s=600,
        active_since=NOW,
    ),
]
each = pytest.mark.parametrize("entry", EVERYTHING, ids=lambda one: type(one).__name__)


@pytest.fixture
def household(journal):
    for entry in EVERYTHING:
        journal.household.add(entry)
    return journal.household


def key_of(entry):
    return entry.code_hash if isinstance(entry, JoinCode) else entry.id


@each
def test_an_entry_comes_back_as_it_was(household, entry):
    kind = type(entry)
    assert household.get(kind, key_of(entry)) == entry
    assert household.list(kind) == [entry]
    assert household.get(kind, "another") is None


@each
def test_an_entry_is_changed_and_removed(household, entry):
    kind = type(entry)
    name = "name" if hasattr(entry, "name") else "auth" if hasattr(entry, "auth") else "role"
    changed = replace(entry, **{name: "owner" if name == "role" else "other"})
    assert household.update(changed) == changed
    assert household.get(kind, key_of(entry)) == changed
    assert household.remove(kind, key_of(entry))
    assert not household.remove(kind, key_of(entry))
    assert household.list(kind) == []
    with pytest.raises(JournalError, match="none to change"):
        household.update(entry)


@each
def test_an_entry_is_there_once(household, entry):
    with pytest.raises(JournalError, match="already one with this id") as caught:
        household.add(entry)
    assert "\n" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@each
def test_json_gives_the_same_entry_again(entry):
    assert from_dict(type(entry), as_dict(entry)) == entry


@each
def test_what_is_secret_is_not_printed(entry):
    assert "hidden" not in repr(entry)
    assert token_hash("hidden") not in repr(entry)


def test_every_field_has_its_column():
    for kind, table in TABLES.items():
        assert [one.name for one in fields(kind)] == list(table.c.keys())


def test_entries_are_listed_by_what_they_have(household):
    household.add(Channel(id="all", kind="page", name="Page"))
    assert [one.id for one in household.list(Channel)] == ["all", "c"]
    assert [one.id for one in household.list(Channel, caregiver=None)] == ["all"]
    assert [one.id for one in household.list(Channel, caregiver="ada", kind="apprise")] == ["c"]
    with pytest.raises(ParameterError, match="no field 'nonsense'"):
        household.list(Channel, nonsense=1)


def test_with_a_caregiver_goes_what_is_theirs(household):
    household.set_duty("nursery", [DutyTurn(order=1, caregiver="ada")])
    household.remove(Caregiver, "ada")
    for kind in (Device, Channel, Plan, PushSubscription):
        assert household.list(kind) == []
    assert household.duty("nursery") == []
    assert household.get(Child, "mia") is not None


def test_with_a_room_goes_its_plan_but_no_child(household):
    household.remove(Room, "nursery")
    assert household.list(Plan) == []
    assert household.get(Child, "mia").room is None


def test_what_is_named_must_exist(household):
    for entry in (
        Child(id="leo", name="Leo", room="absent"),
        Channel(id="x", kind="page", name="x", caregiver="absent"),
    ):
        with pytest.raises(JournalError, match="does not exist"):
            household.add(entry)


def test_duty_is_set_as_a_whole(household):
    household.add(Caregiver(id="ben", name="Ben"))
    turns = [
        DutyTurn(order=2, caregiver="ben", after_s=60),
        DutyTurn(
            order=1,
            caregiver="ada",
            days=[0, 6],
            quiet_from="22:30",
            quiet_until="06:00",
            rotates=True,
        ),
    ]
    household.set_duty("nursery", turns)
    assert household.duty("nursery") == turns
    household.set_duty("nursery", turns[:1])
    assert household.duty("nursery") == turns[:1]
    with pytest.raises(JournalError, match="does not exist"):
        household.set_duty("nursery", [DutyTurn(order=1, caregiver="absent")])
    assert household.duty("nursery") == turns[:1]


def test_settings_are_json(household):
    assert household.get_setting("zone") is None
    assert household.get_setting("zone", "UTC") == "UTC"
    for value in ("Europe/Berlin", None, 0.5, {"a": [1, {"b": False}]}):
        household.set_setting("zone", value)
        assert household.get_setting("zone", "other") == value
    household.set_setting("secret.vapid", "hidden")
    assert household.get_setting("secret.vapid") == "hidden"
    assert household.settings() == {"zone": value}


def test_a_token_opens_its_device_until_it_is_revoked(household):
    device = household.get(Device, "phone")
    assert household.device_of("hidden") == device
    assert household.device_of("guess") is None
    household.update(replace(device, revoked=True))
    assert household.device_of("hidden") is None


def test_a_token_is_kept_only_as_a_hash(sqlite, tmp_path):
    token = "a-token-that-is-long-and-random"
    sqlite.household.add(
        Device(id="d", name="d", kind="script", token_hash=token_hash(token), created=NOW)
    )
    sqlite.close()
    assert token.encode() not in (tmp_path / "journal.sqlite").read_bytes()


def test_being_seen_is_noted_once_a_minute(household):
    household.seen("phone", NOW + timedelta(seconds=30), address="192.168.1.2")
    assert household.get(Device, "phone").last_seen == NOW
    household.seen("phone", NOW + timedelta(seconds=61), address="192.168.1.2")
    assert household.get(Device, "phone").last_seen == NOW + timedelta(seconds=61)
    household.seen("phone", NOW + timedelta(seconds=62), address="10.0.0.1")
    assert household.get(Device, "phone").address == "10.0.0.1"
    household.seen("absent", NOW)


def test_a_join_code_is_good_once_and_not_for_ever(household):
    code = JoinCode(code_hash=token_hash("code"), role="caregiver", expires=NOW)
    household.add(code)
    assert household.use_join_code("guess", NOW - timedelta(minutes=1)) is None
    assert household.use_join_code("code", NOW) is None
    used = household.use_join_code("code", NOW - timedelta(minutes=1))
    assert used == replace(code, used=NOW - timedelta(minutes=1))
    assert household.use_join_code("code", NOW - timedelta(minutes=1)) is None


def test_of_many_at_once_one_gets_the_code(household):
    household.add(JoinCode(code_hash=token_hash("code"), role="caregiver", expires=NOW))
    got = []
    threads = [
        threading.Thread(
            target=lambda: got.append(household.use_join_code("code", NOW - timedelta(1)))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in got) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("mic:0", "mic:0"),
        ("rtsp://me:pass@cam.lan:554/s?key=1", "rtsp://cam.lan/…"),
        ("https://hooks.example/secret", "https://hooks.example/…"),
        ("pover://user@token", "pover://…"),
        ("http://[bad", "http://…"),
    ],
)
def test_an_address_is_masked(url, shown):
    assert masked(url) == shown
