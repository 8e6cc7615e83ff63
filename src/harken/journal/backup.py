"""Backups while the journal is in use, and bringing one back."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from harken.errors import JournalError
from harken.journal.database import Database, backup_folder, last_backup, read_url

_SHARED_FROM, _SHARED_BYTES = 0x40000002, 510
"""Where SQLite's lock on a file lies that everyone who has a journal open shares."""


class _Exports(Protocol):
    def export(self, folder: Path) -> None: ...


def back_up(journal: _Exports, database: Database, path: Path | None) -> Path:
    """Write a backup; see `Journal.backup`.

    Returns
    -------
    Path
    """
    home = database.file
    if path is None:
        if home is None:
            from harken.journal.journal import default_path

            home = default_path()
        made = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        suffix = ".sqlite" if database.file is not None else ".zip"
        path = backup_folder(home) / f"journal-{made}{suffix}"
    path = path.absolute()
    if path.exists():
        raise JournalError(f"{path}: there is a file already; name another for the backup")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if database.file is None:
            journal.export(path if path.suffix == ".zip" else path.with_name(f"{path.name}.zip"))
            return path if path.suffix == ".zip" else path.with_name(f"{path.name}.zip")
        _copy(database, path)
        folder = backup_folder(database.file)
        folder.mkdir(exist_ok=True)
        (folder / "last").write_text(str(path), "utf-8")
    except OSError as error:
        raise JournalError(
            f"{error.filename or path}: the backup cannot be written ({error.strerror})"
        ) from error
    return path


def _copy(database: Database, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        with database.speaking_plainly(), database.engine.connect() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            with closing(sqlite3.connect(part)) as target:
                try:
                    # In one step: it sees one state, and writers need not wait.
                    source.backup(target, pages=-1)
                    target.execute("PRAGMA journal_mode=DELETE")
                except sqlite3.Error as error:
                    raise JournalError(f"{path}: the backup cannot be written ({error})") from error
                (answer,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise JournalError(
                f"{database.file}: is damaged ({answer.splitlines()[-1]}); no backup was made"
            )
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def restore(url: str | Path, backup: Path | None = None) -> tuple[Path, Path | None]:
    """Put a backup in the place of a journal, which is kept beside it.

    Parameters
    ----------
    url : str or Path
        The journal; a file.
    backup : Path, optional
        By default the last one.

    Returns
    -------
    (Path, Path or None)
        The backup that was taken, and where the journal was moved to, if there was one.

    Raises
    ------
    JournalError
        If there is no backup, it is damaged or of a newer Harken, or the journal
        is in use.
    """
    path = Path(read_url(url).database or "")
    if read_url(url).get_backend_name() != "sqlite":
        raise JournalError(
            "a journal in PostgreSQL is not a file: make an empty database, and use "
            "'harken journal import' with the backup"
        )
    backup = backup or last_backup(path)
    if backup is None:
        raise JournalError(f"journal {path}: there is no backup in {backup_folder(path)}")
    if not backup.is_file():
        raise JournalError(f"{backup}: there is no such file")
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_while_in_use(path)
        shutil.copyfile(backup, part)
        _refuse_what_is_no_journal(backup, part)
        # Opening a copy shows that it is whole and of a schema that is known.
        Database(read_url(part)).close()
        moved = None
        if path.exists():
            made = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
            moved = path.with_name(f"{path.name}.{made}")
            path.replace(moved)
            for end in ("-wal", "-shm"):
                log = path.with_name(path.name + end)
                if log.exists():
                    log.replace(moved.with_name(moved.name + end))
        part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        raise JournalError(
            f"{error.filename or path}: the backup cannot be brought back ({error.strerror})"
        ) from error
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)
    return backup, moved


def _refuse_what_is_no_journal(backup: Path, copy: Path) -> None:
    """Refuse a file out of which opening would make an empty journal."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT count(*) FROM events").fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"{backup}: is no backup of a journal ({error})") from error


def _refuse_while_in_use(path: Path) -> None:
    """Refuse if another program has the journal open: it would go on writing to the old file."""
    try:
        import fcntl
    except ImportError:  # Windows does not let go of an open file anyway.
        return
    if not path.exists():
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED_FROM)
        except OSError:
            raise JournalError(f"journal {path}: is in use; stop the hub first") from None
