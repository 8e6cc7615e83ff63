"""Whatever is wrong with a journal's place, file or events is one line that says what to do."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from harken.episodes import Event
from harken.errors import HarkenError, JournalError, ParameterError
from harken.journal import (
    Caregiver,
    Channel,
    Child,
    Device,
    DutyTurn,
    JoinCode,
    Journal,
    Plan,
    Room,
)

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def one_line(caught) -> str:
    text = str(caught.value)
    assert "\n" not in text
    assert text
    return text


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def path(tmp_path, sqlite, cry):
    """A journal's file, closed, with an episode in it and a backup beside it."""
    sqlite.append(cry(0, 20))
    sqlite.backup()
    sqlite.close()
    return tmp_path / "journal.sqlite"


# Addresses


@pytest.mark.parametrize(
    "url",
    ["mysql://me:hidden@host/x", "nonsense://x", "sqlite://", "sqlite:///:memory:", "http://[x",
     "://", "oracle://me:hidden@host"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused(url):
    with pytest.raises(JournalError, match="postgresql://USER:PASSWORD@HOST/NAME") as caught:
        Journal.open(url)
    assert "hidden" not in one_line(caught)


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no.such.host.invalid", "[x"])
def test_a_server_that_is_not_there_is_said(host):
    with pytest.raises(JournalError, match="is it running") as caught:
        Journal.open(f"postgresql://me:hidden@{host}/x")
    assert "hidden" not in one_line(caught)


def test_a_database_that_is_not_there_is_said(postgresql):
    with pytest.raises(JournalError, match="does not exist") as caught:
        Journal.open(postgresql.new().rsplit("/", 1)[0] + "/absent")
    assert "not-shown" not in one_line(caught)


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JournalError, match=r"pip install 'harken\[postgres\]'"):
        Journal.open("postgresql://localhost/x")


@pytest.mark.parametrize("name", ["", "file/journal.sqlite", "file/deeper/journal.sqlite"])
def test_a_place_where_no_journal_can_be_is_said(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match=r"is a folder|cannot be opened") as caught:
        Journal.open(tmp_path / name)
    one_line(caught)


@contextmanager
def as_nobody():
    """For a while be somebody who may not write everywhere, as root may."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def open_to_all(tmp_path):
    """A folder that everybody may reach."""
    folder = tmp_path / "open"
    folder.mkdir()
    for one in (folder, *folder.parents):
        if one.is_relative_to("/tmp") and one.stat().st_uid == os.geteuid() and str(one) != "/tmp":
            one.chmod(one.stat().st_mode | 0o055)
    return folder


@pytest.mark.parametrize("name", ["journal.sqlite", "deeper/journal.sqlite"])
def test_a_folder_that_may_not_be_written_is_said(open_to_all, path, name):
    open_to_all.chmod(0o555)
    with as_nobody(), pytest.raises(JournalError, match="check the path and its perm") as caught:
        Journal.open(open_to_all / name)
    one_line(caught)


def test_a_journal_that_may_only_be_read_is_said_and_stays(open_to_all, path):
    read_only = open_to_all / "journal.sqlite"
    read_only.write_bytes(path.read_bytes())
    read_only.chmod(0o444)
    before = digest(read_only)
    for mode in (0o777, 0o555):
        open_to_all.chmod(mode)
        with (
            as_nobody(),
            pytest.raises(JournalError, match="permissions") as caught,
            Journal.open(read_only) as journal,
        ):
            journal.household.add(Room(id="x", name="x"))
        one_line(caught)
    assert digest(read_only) == before


# Files


def test_a_journal_of_a_newer_harken_is_refused_and_left_as_it_was(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = digest(path)
    with pytest.raises(JournalError, match=r"newer Harken \(schema 9999.*update Harken") as caught:
        Journal.open(path)
    one_line(caught)
    assert digest(path) == before
    assert [one.name for one in path.parent.glob("journal.sqlite*")] == [path.name]


def test_a_database_of_a_newer_harken_is_refused_and_left_as_it_was(postgresql):
    url = postgresql.new()
    Journal.open(url).close()
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(JournalError, match="newer Harken"):
        Journal.open(url)
    with engine.begin() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    engine.dispose()
    assert found == "9999"


def test_a_database_of_another_program_is_left_alone(tmp_path):
    other = tmp_path / "photos.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
        connection.commit()
    before = digest(other)
    with pytest.raises(JournalError, match="of another program"):
        Journal.open(other)
    assert digest(other) == before


def test_a_file_that_is_no_database_names_the_last_backup(path):
    path.write_bytes(b"This is a diary, but not that kind of one.\n" * 99)
    before = digest(path)
    with pytest.raises(JournalError, match="is damaged") as caught:
        Journal.open(path)
    (backup,) = (path.parent / "backups").glob("*.sqlite")
    assert str(backup) in one_line(caught)
    assert "harken journal restore" in one_line(caught)
    assert digest(path) == before


def test_a_damaged_file_without_a_backup_says_so(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"nonsense")
    with pytest.raises(JournalError, match="there is no backup; move it away"):
        Journal.open(path)


def test_damaged_pages_are_found_where_they_are_read(path):
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for start in range(size, len(content), size):
        content[start : start + size] = b"\xa5" * size
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is damaged .* last backup is") as caught:
        Journal.open(path)
    one_line(caught)


def test_after_a_crash_every_page_is_looked_at(path):
    """What a crash left behind: a log beside a file with a page that is damaged."""
    # A page of the events' index, which opening alone would not read.
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'events_kind'"
        ).fetchone()
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    Journal.open(path).close()
    path.with_name("journal.sqlite-wal").write_bytes(b"\0" * 32)
    with pytest.raises(JournalError, match="is damaged"):
        Journal.open(path)


# A full disk


def fill(journal, said):
    for number in range(10_000):
        journal.append([said("commented", number, text="x" * 4000)])


def test_a_full_disk_is_said_and_what_was_written_is_there(sqlite, said):
    @sa.event.listens_for(sqlite._database.engine, "begin")
    def limit(connection):
        connection.exec_driver_sql("PRAGMA max_page_count=200")

    with pytest.raises(JournalError, match="disk is full; free some space") as caught:
        fill(sqlite, said)
    one_line(caught)
    count = len(sqlite.events())
    assert count > 10
    sa.event.remove(sqlite._database.engine, "begin", limit)
    with sqlite._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    sqlite.append([said("commented", 99_999, text="there is room again")])
    assert len(sqlite.events()) == count + 1


def test_a_limit_of_the_system_is_said_and_what_was_written_is_there(sqlite, said, tmp_path):
    sqlite.close()
    path = str(tmp_path / "journal.sqlite")
    code = f"""
import resource, signal
from datetime import UTC, datetime
from harken.episodes import Event
from harken.errors import JournalError
from harken.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal.open({path!r}) as journal:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        for number in range(10_000):
            at = datetime(2026, 1, 1, tzinfo=UTC)
            journal.append([Event("commented", at, data={{"text": "x" * 4000}})])
            print(number)
    except JournalError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    *numbers, said_last = done.stdout.splitlines()
    assert "free some space" in said_last, done.stdout + done.stderr
    with Journal.open(path) as journal:
        assert len(journal.events()) >= len(numbers) > 10


def test_an_import_that_does_not_fit_takes_nothing(sqlite, said, tmp_path, empty):
    fill_some = [said("commented", number, text="x" * 4000) for number in range(500)]
    sqlite.append(fill_some)
    sqlite.export(tmp_path / "big")
    with Journal.open(tmp_path / "small.sqlite") as small:
        with small._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=200")
        with pytest.raises(JournalError, match="disk is full"):
            small.import_(tmp_path / "big")
        assert small.events() == []


# Events


def test_events_are_never_changed_or_deleted(journal, said):
    journal.append([said("commented", 1, text="x")])

    def write(statement):
        with journal._database.writing() as connection:
            connection.exec_driver_sql(statement)

    for statement in ("UPDATE events SET zone = 'x'", "DELETE FROM events"):
        with pytest.raises(JournalError, match="never changed or deleted") as caught:
            write(statement)
        one_line(caught)
    assert len(journal.events()) == 1


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Event("calmed", NOW, room="a\0b"), "no text"),
        (Event("calmed", NOW, child="\ud800"), "no text"),
        (Event("calmed", NOW, by="\0"), "no text"),
        (Event("calmed", NOW, zone="\udfff"), "no text"),
        (Event("plan_started", NOW, data={"waits": [float("nan")]}), "JSON"),
        (Event("plan_started", NOW, data={"waits": [object()]}), "JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_with_it(journal, said, event, message):
    with pytest.raises(ParameterError, match=message) as caught:
        journal.append([said("commented", 1, text="x"), event])
    one_line(caught)
    assert journal.events() == []


def test_the_ends_of_time_are_kept(journal, cry, said):
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    began, over = cry(0, 20)
    told = [
        replace(began, at=first),
        replace(over, at=last),
        Event("responded", last, room="nursery", data={"manner": "arrived", "source": "tapped"}),
        Event("care", first, data={"what": "sleep", "until": last.isoformat()}),
    ]
    for event in told:
        journal.append([event])
    assert len(journal.events(since=first, until=last)) == 2
    assert len(journal.episodes()) == 1
    assert len(journal.care(first, last)) == 1
    kept = journal.episodes()
    journal.rebuild()
    assert journal.episodes() == kept


# Entries of the household


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Room(id="", name="x"), "id='' must be 1 to 64 letters"),
        (lambda: Room(id="../etc", name="x"), "must be 1 to 64 letters"),
        (lambda: Room(id="x" * 65, name="x"), "must be 1 to 64 letters"),
        (lambda: Room(id="x", name="x" * 4001), "longer than 4000"),
        (lambda: Room(id="x", name="\0"), "no text"),
        (lambda: Room(id="x", name=None), "name must be text"),
        (lambda: Room(id="x", name="x", ear="nose"), "must be one of browser, microphone"),
        (lambda: Room(id="x", name="x", ring_after=-1), "from 0 to 3600 seconds"),
        (lambda: Room(id="x", name="x", ring_after=float("nan")), "finite number"),
        (lambda: Room(id="x", name="x", ring_after=True), "finite number"),
        (lambda: Room(id="x", name="x", ring_at_once_dbfs=1), "from -200 to 0 dBFS"),
        (lambda: Room(id="x", name="x", threshold=0), "above 0, up to 1"),
        (lambda: Room(id="x", name="x", listening=1), "true or false"),
        (lambda: Child(id="x", name="x", born=NOW), "must be a date"),
        (lambda: Child(id="x", name="x", room="a b"), "must be 1 to 64 letters"),
        (lambda: Caregiver(id="x", name="x", role="king"), "must be one of owner"),
        (lambda: Caregiver(id="x", name="x", children="mia"), "must be a list"),
        (lambda: Caregiver(id="x", name="x", children=[1]), "must be text"),
        (
            lambda: Device(id="x", name="x", kind="phone", token_hash="t", created=NOW),
            "must be a SHA-256",
        ),
        (
            lambda: Device(
                id="x", name="x", kind="phone", token_hash="0" * 64, created=datetime(2026, 1, 1)
            ),
            "time with a zone",
        ),
        (lambda: JoinCode(code_hash="123456", role="owner", expires=NOW), "must be a SHA-256"),
        (lambda: Channel(id="x", kind="pigeon", name="x"), "must be one of page"),
        (lambda: Channel(id="x", kind="page", name="x", options=[]), "must be an object"),
        (lambda: Channel(id="x", kind="page", name="x", options={"a": NOW}), "JSON values only"),
        (lambda: Plan(id="x", name="x", room="r", waits=[]), "1 to 50"),
        (lambda: Plan(id="x", name="x", room="r", waits=[-1]), "from 0 to 3600"),
        (lambda: Plan(id="x", name="x", room="r", waits=[1], most_s=-1), "from 0 to 86400"),
        (lambda: DutyTurn(order=0, caregiver="a"), "from 1 to 1000"),
        (lambda: DutyTurn(order=1.5, caregiver="a"), "whole number"),
        (lambda: DutyTurn(order=1, caregiver="a", days=[7]), "from 0 .Monday. to 6"),
        (lambda: DutyTurn(order=1, caregiver="a", quiet_from="22:00"), "go together"),
        (
            lambda: DutyTurn(order=1, caregiver="a", quiet_from="24:00", quiet_until="06:00"),
            "'24:00' is not a time of day",
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ParameterError, match=message) as caught:
        make()
    one_line(caught)


@pytest.mark.parametrize("key", ["", "x" * 101])
def test_a_setting_has_a_key(sqlite, key):
    with pytest.raises(ParameterError, match="1 to 100 characters"):
        sqlite.household.set_setting(key, 1)


@pytest.mark.parametrize("value", [float("nan"), object(), {1: {2, 3}}])
def test_a_setting_is_json(sqlite, value):
    with pytest.raises(ParameterError, match="JSON values only"):
        sqlite.household.set_setting("x", value)


def test_a_kind_that_a_household_does_not_have_is_refused(sqlite):
    with pytest.raises(HarkenError, match="no str"):
        sqlite.household.list(str)
