import stat
import subprocess
import sys
import threading

import pytest

from harken.errors import JournalError
from harken.journal import Device, Journal, Room, restore, token_hash
from harken.journal.database import last_backup


def test_a_backup_opens_as_a_journal_with_everything_in_it(sqlite, cry, tmp_path, after):
    sqlite.append(cry(0, 20))
    device = Device(id="d", name="d", kind="phone", token_hash=token_hash("t"), created=after(0))
    sqlite.household.add(device)
    made = sqlite.backup(tmp_path / "kept" / "backup.sqlite")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [path.name for path in made.parent.iterdir()] == ["backup.sqlite"]
    with Journal.open(made) as other:
        assert other.events() == sqlite.events()
        assert other.episodes() == sqlite.episodes()
        assert other.household.device_of("t") == device


def test_a_backup_goes_beside_the_journal_unless_told_otherwise(sqlite, tmp_path):
    first, second = sqlite.backup(), sqlite.backup()
    assert first.parent == tmp_path / "backups"
    assert first != second
    assert last_backup(tmp_path / "journal.sqlite") == second
    elsewhere = sqlite.backup(tmp_path / "elsewhere.sqlite")
    assert last_backup(tmp_path / "journal.sqlite") == elsewhere
    elsewhere.unlink()
    assert last_backup(tmp_path / "journal.sqlite") == second


def test_a_backup_is_whole_while_another_writes(sqlite, cry, tmp_path):
    """Whatever moment it shows: each bout has both its events and its episode."""
    stop = threading.Event()

    def write():
        start = 0
        while not stop.is_set():
            sqlite.append(cry(start, start + 10))
            start += 2000

    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    try:
        for number in range(5):
            made = sqlite.backup(tmp_path / f"{number}.sqlite")
            with Journal.open(made) as other:
                events, episodes = other.events(), other.episodes()
                assert len(events) == 2 * len(episodes)
                assert other.rebuild() == len(episodes)
                assert other.episodes() == episodes
                counts.append(len(episodes))
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts)


def test_of_postgresql_a_backup_is_an_export(postgresql, cry, tmp_path, empty):
    with Journal.open(postgresql.new()) as journal:
        journal.append(cry(0, 20))
        made = journal.backup(tmp_path / "backup.zip")
        with Journal.open(tmp_path / "other.sqlite") as other:
            assert other.import_(made) == 2
            assert other.episodes() == journal.episodes()


def test_of_postgresql_a_backup_goes_into_the_data_folder(postgresql, tmp_path, monkeypatch):
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path))
    with Journal.open(postgresql.new()) as journal:
        made = journal.backup()
        assert made.parent == tmp_path / "backups"
        assert made.suffix == ".zip"
        assert journal.backup(tmp_path / "named").name == "named.zip"


def test_no_file_is_written_over(sqlite, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    with pytest.raises(JournalError, match="there is a file already"):
        sqlite.backup(tmp_path / "photo.jpg")
    assert (tmp_path / "photo.jpg").read_bytes() == b"photo"


def test_a_backup_that_cannot_be_written_is_one_line(sqlite, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be written") as caught:
        sqlite.backup(tmp_path / "file" / "backup.sqlite")
    assert "\n" not in str(caught.value)


def test_a_backup_is_brought_back_and_what_was_there_is_kept(empty, tmp_path, said):
    path = tmp_path / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.household.add(Room(id="nursery", name="Nursery"))
        made = journal.backup()
        journal.append([said("commented", 1, text="after the backup")])
    taken, moved = restore(path)
    assert taken == made
    with Journal.open(path) as journal:
        assert journal.events() == []
        assert len(journal.household.list(Room)) == 1
    assert moved is not None
    with Journal.open(moved) as before:
        assert len(before.events()) == 1
    assert made.is_file()


def test_a_journal_that_is_in_use_is_not_exchanged(sqlite, tmp_path):
    sqlite.backup()
    code = f"from harken.journal import restore; restore({str(tmp_path / 'journal.sqlite')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use; stop the hub first" in done.stderr


@pytest.mark.parametrize("content", [b"", b"nonsense", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_backup_is_not_brought_back(sqlite, tmp_path, content):
    path = tmp_path / "journal.sqlite"
    sqlite.close()
    before = path.read_bytes()
    (tmp_path / "bad.sqlite").write_bytes(content)
    with pytest.raises(JournalError) as caught:
        restore(path, tmp_path / "bad.sqlite")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part*"))


def test_without_a_backup_there_is_nothing_to_bring_back(tmp_path):
    with pytest.raises(JournalError, match="there is no backup"):
        restore(tmp_path / "journal.sqlite")
    with pytest.raises(JournalError, match="there is no such file"):
        restore(tmp_path / "journal.sqlite", tmp_path / "absent")
    with pytest.raises(JournalError, match="not a file"):
        restore("postgresql://localhost/x", tmp_path / "absent")
