import csv
import json
import stat
import zipfile
from dataclasses import replace
from datetime import date

import pytest

from harken.errors import JournalError
from harken.journal import (
    Caregiver,
    Channel,
    Child,
    Device,
    DutyTurn,
    JoinCode,
    Journal,
    Plan,
    PushSubscription,
    Room,
    token_hash,
)
from harken.journal.archive import (
    CARE,
    CARE_COLUMNS,
    EPISODE_COLUMNS,
    EPISODES,
    EVENTS,
    FORMAT,
    HOUSEHOLD,
    MANIFEST,
    SERIES,
    cell,
)

FILES = {MANIFEST, EVENTS, HOUSEHOLD, SERIES, EPISODES, CARE}


def settle(household, after):
    household.add(Room(id="nursery", name="Nursery", ear="camera", source="rtsp://a:pass@cam/1"))
    household.add(Child(id="mia", name="=HYPERLINK(1)", born=date(2026, 1, 1), room="nursery"))
    household.add(Caregiver(id="ada", name="Ada", role="owner", children=["mia"]))
    household.add(
        Channel(id="c", kind="apprise", name="T", url="tgram://1:pass/2", options={"a": 1})
    )
    household.add(Plan(id="p", name="Nights", room="nursery", waits=[120], active_since=after(0)))
    household.set_duty(
        "nursery", [DutyTurn(order=1, caregiver="ada", quiet_from="22:00", quiet_until="06:00")]
    )
    household.set_setting("zone", "Europe/Berlin")
    household.set_setting("secret.vapid", "stays-here")
    household.add(
        Device(
            id="d",
            name="d",
            kind="phone",
            caregiver="ada",
            token_hash=token_hash("t"),
            created=after(0),
        )
    )
    household.add(JoinCode(code_hash=token_hash("j"), role="viewer", expires=after(0)))
    household.add(
        PushSubscription(
            id="s", device="d", endpoint="stays-here", p256dh="k", auth="a", created=after(0)
        )
    )


@pytest.fixture
def full(journal, cry, said, after):
    """A journal with something of everything."""
    settle(journal.household, after)
    fed = said("care", 500, what="feed", ml=90, text="=1+1\n+x")
    journal.append(
        [
            *cry(0, 40),
            said("responded", 30, manner="arrived", source="tapped", caregiver="ada"),
            said("soothed", 32, attempt="hold", note="\0 \ud800 🍼"),
            said("reason_tagged", 60, reason="@SUM(A1)"),
            *cry(4000, 4010, room=None),
            fed,
            said("corrected", 900, target=str(fed.id), data={"ml": 120}),
            said("audit", 1, room=None, what="joined"),
        ]
    )
    return journal


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_moving_house_changes_nothing(full, fresh, tmp_path):
    full.export(tmp_path / "one")
    assert files_of(tmp_path / "one").keys() == FILES
    with Journal.open(fresh()) as other:
        assert other.import_(tmp_path / "one") == len(full.events())
        assert other.events() == full.events()
        assert other.episodes() == full.episodes()
        assert other.care() == full.care()
        assert other.household.duty("nursery") == full.household.duty("nursery")
        for kind in (Room, Child, Caregiver, Channel, Plan):
            assert other.household.list(kind) == full.household.list(kind)
        assert other.household.settings() == full.household.settings()
        other.export(tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_an_import_into_the_other_kind_of_database_is_equal_too(empty, full, tmp_path, postgresql):
    full.export(tmp_path / "one")
    url = postgresql.new() if full.name.endswith(".sqlite") else tmp_path / "other.sqlite"
    with Journal.open(url) as other:
        other.import_(tmp_path / "one")
        other.export(tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_one_file_is_as_good_as_a_folder(full, fresh, tmp_path):
    full.export(tmp_path / "one.zip")
    with Journal.open(fresh()) as other:
        assert other.import_(tmp_path / "one.zip") == len(full.events())
        assert other.episodes() == full.episodes()


def test_sessions_and_secrets_stay_and_only_the_owner_may_read_the_rest(full, tmp_path):
    full.export(tmp_path / "one")
    full.export(tmp_path / "one.zip")
    everything = b"".join(files_of(tmp_path / "one").values())
    for secret in (token_hash("t"), token_hash("j"), "stays-here"):
        assert secret.encode() not in everything
    assert b"tgram://1:pass/2" in everything
    for path in (*(tmp_path / "one").iterdir(), tmp_path / "one.zip"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_importing_twice_is_as_good_as_once(full, fresh, tmp_path):
    full.export(tmp_path / "one")
    assert full.import_(tmp_path / "one") == 0
    full.export(tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_an_import_changes_what_it_names_and_leaves_the_rest(full, fresh, tmp_path, said):
    full.export(tmp_path / "one")
    with Journal.open(fresh()) as other:
        other.household.add(Room(id="nursery", name="Other name"))
        other.household.add(Room(id="there", name="There"))
        mine = said("commented", 7, text="mine")
        other.append([mine])
        other.import_(tmp_path / "one")
        assert [one.name for one in other.household.list(Room)] == ["Nursery", "There"]
        assert mine in other.events()


def test_stored_settings_move_and_hold(full, fresh, tmp_path):
    full.use(replace(full.settings, calm_after=0.0))
    full.export(tmp_path / "one")
    with Journal.open(fresh()) as other:
        other.import_(tmp_path / "one")
        assert other.settings == full.settings


def test_tables_have_their_columns_and_no_formulas(full, tmp_path):
    full.export(tmp_path / "one")
    with (tmp_path / "one" / EPISODES).open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert tuple(header) == EPISODE_COLUMNS
    episode = dict(zip(header, first, strict=True))
    assert episode["latency_s"] == "30.0"
    assert episode["answered_by"] == "ada"
    assert episode["reason"] == "'@SUM(A1)"
    assert (episode["bouts"], episode["false_alarm"]) == ("1", "false")
    assert second[EPISODE_COLUMNS.index("latency_s")] == ""
    with (tmp_path / "one" / CARE).open(encoding="utf-8", newline="") as file:
        header, entry = csv.reader(file)
    assert tuple(header) == CARE_COLUMNS
    assert entry[CARE_COLUMNS.index("text")] == "'=1+1\n+x"
    assert entry[CARE_COLUMNS.index("ml")] == "120"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_that_begins_like_a_formula_is_defused(begin):
    assert cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"
    assert cell(f"a{begin}b") == f"a{begin}b"


def test_an_export_replaces_an_earlier_one_but_no_other_files(full, tmp_path, said):
    folder = tmp_path / "one"
    full.export(folder)
    full.append([said("commented", 9, text="x")])
    full.export(folder)
    assert json.loads((folder / MANIFEST).read_text())["events"] == len(full.events())
    (folder / "photo.jpg").write_bytes(b"")
    with pytest.raises(JournalError, match=r"holds other files \(photo\.jpg\)"):
        full.export(folder)


# What cannot be imported


@pytest.fixture
def exported(sqlite, cry, after, tmp_path):
    settle(sqlite.household, after)
    sqlite.append(cry(0, 40))
    sqlite.export(tmp_path / "exported")
    return tmp_path / "exported"


@pytest.fixture
def refuses(empty, tmp_path):
    """Imports, expects one line that says a thing, and that nothing was taken."""

    def check(folder, message):
        with Journal.open(tmp_path / "refuses.sqlite") as other:
            with pytest.raises(JournalError, match=message) as caught:
                other.import_(folder)
            assert "\n" not in str(caught.value)
            assert other.events() == []
            assert other.household.list(Room) == []

    return check


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_newer_format_is_refused(exported, refuses):
    change(exported / MANIFEST, format=FORMAT + 1)
    refuses(exported, "newer Harken .*; update Harken")


@pytest.mark.parametrize("version", [None, "1", 0, True, []])
def test_a_folder_that_names_no_format_is_refused(exported, refuses, version):
    change(exported / MANIFEST, format=version)
    refuses(exported, "no export of Harken")


@pytest.mark.parametrize("name", [EVENTS, HOUSEHOLD])
@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'{"id": "x"}']
)
def test_a_line_that_is_no_event_or_entry_is_refused(exported, refuses, name, line):
    path = exported / name
    path.write_bytes(path.read_bytes() + line + b"\n")
    refuses(exported, rf"{name}, line \d+: ")


@pytest.mark.parametrize("name", [EVENTS, HOUSEHOLD])
def test_a_file_that_was_cut_off_is_refused(exported, refuses, name):
    path = exported / name
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    refuses(exported, "was cut off or changed")


@pytest.mark.parametrize("name", [EVENTS, HOUSEHOLD, MANIFEST])
def test_a_file_that_is_missing_or_leads_elsewhere_is_refused(exported, refuses, name, tmp_path):
    (exported / name).rename(tmp_path / "elsewhere")
    refuses(exported, f"no file {name}")
    (exported / name).symlink_to(tmp_path / "elsewhere")
    refuses(exported, f"no file {name}")


@pytest.mark.parametrize(
    "entry",
    [
        {"entry": "device", "id": "d"},
        {"entry": "room", "id": "../../etc", "name": "x"},
        {"entry": "room", "id": "x", "name": 7},
        {"entry": "room", "id": "x", "name": "x", "ring_after": 1e999},
        {"entry": "room", "id": "x", "name": "x", "rank": 1},
        {"entry": "room", "name": "x"},
        {"entry": "child", "id": "x", "name": "x", "born": "yesterday"},
        {"entry": "child", "id": "x", "name": "x", "room": "absent"},
        {"entry": "duty", "room": "absent", "turns": [{"order": 1, "caregiver": "absent"}]},
        {"entry": "duty", "room": "nursery", "turns": [7]},
        {"entry": "duty", "room": ["nursery"], "turns": []},
        {"entry": "setting", "key": "secret.vapid", "value": "x"},
        {"entry": "setting", "key": "journal.folded_with", "value": "x"},
        {"entry": "setting", "key": 7, "value": "x"},
        {"entry": ["room"]},
        {},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(exported, refuses, entry):
    lines = (exported / HOUSEHOLD).read_text().splitlines()
    lines[-1] = json.dumps(entry)
    (exported / HOUSEHOLD).write_text("\n".join(lines))
    refuses(exported, "household.jsonl, line|does not exist")


def test_a_zip_whose_names_lead_out_of_it_writes_nothing(tmp_path, refuses):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../../evil", "x")
        packed.writestr(f"../{MANIFEST}", json.dumps({"format": 1}))
    refuses(path, "no whole export")
    assert not (tmp_path.parent / "evil").exists()


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path, refuses):
    (tmp_path / "text.zip").write_text("no zip")
    refuses(tmp_path / "text.zip", "neither a folder nor a .zip")
    refuses(tmp_path / "absent", "cannot be read")


def test_an_export_that_cannot_be_written_is_one_line(sqlite, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be written") as caught:
        sqlite.export(tmp_path / "file" / "folder")
    assert "\n" not in str(caught.value)
