"""Opening a database so that what is committed stays, and saying plainly why it cannot be.

SQLite runs with a write-ahead log and `synchronous=FULL`: a commit returns once
the disk has it. PostgreSQL does so by default. Whatever a driver raises becomes
one line in a `JournalError`.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError

from harken.errors import JournalError
from harken.journal.schema import REVISIONS

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_MS = 10_000
"""How long a writer waits for another program that is writing to the same file."""

_LOCK = 0x6861726B656E
"""Number of PostgreSQL's advisory lock: one program changes the journal at a time."""

_SQLITE_MAGIC = b"SQLite format 3\0"


def read_url(given: str | Path) -> sa.URL:
    """Make a database URL of a path or a URL as people write it.

    Parameters
    ----------
    given : str or Path
        A file, ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Returns
    -------
    sqlalchemy.URL
        Of the drivers that the journal uses.

    Raises
    ------
    JournalError
        If it is neither.

    Examples
    --------
    >>> read_url("journal.sqlite").get_backend_name()
    'sqlite'
    >>> str(read_url("postgres://me:secret@localhost/harken"))
    'postgresql+psycopg://me:***@localhost/harken'
    """
    text = str(given)
    if isinstance(given, Path) or "://" not in text:
        return sa.URL.create("sqlite", database=text)
    try:
        url = sa.make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise JournalError(
            "the journal's address cannot be read; write a file, sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not url.database or url.database == ":memory:":
        raise JournalError(
            f"the journal cannot be kept in {url.drivername}://…; write a file, sqlite:///FILE "
            "or postgresql://USER:PASSWORD@HOST/NAME"
        )
    return sa.URL.create("sqlite", database=url.database)


class Database:
    """A database with the journal's schema.

    Parameters
    ----------
    url : sqlalchemy.URL
        From `read_url`.

    Raises
    ------
    JournalError
        If it cannot be reached or made, is damaged, or has a schema that this
        version does not know; it is then left as it was.
    """

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self.file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self.name = str(self.file or url.render_as_string(hide_password=True))
        if self.file is not None:
            self._look_at_file(self.file)
            self.engine = sa.create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = self._postgresql(url)
        try:
            with self.speaking_plainly():
                self._migrate()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    def close(self) -> None:
        """Close every connection; the last one folds SQLite's log into its file."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state from begin to end."""
        with self.speaking_plainly(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give the one connection that may write; on leaving, the disk has what was written."""
        with self.speaking_plainly(), self.engine.connect() as connection:
            connection.execution_options(harken_writes=True)
            with connection.begin():
                if self.file is None:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                yield connection

    @contextmanager
    def speaking_plainly(self) -> Iterator[None]:
        """Turn what a driver raises into one line."""
        try:
            yield
        except DBAPIError as error:
            raise JournalError(self._explain(error)) from error
        except sqlite3.Error as error:
            raise JournalError(self._explain_sqlite(str(error))) from error

    def _explain(self, error: DBAPIError) -> str:
        said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        if self.file is not None:
            return self._explain_sqlite(said)
        for sign, remedy in _MISTAKES.items():
            if sign in said.lower():
                return f"journal {self.name}: {remedy}"
        if isinstance(error, InterfaceError) or _GONE.search(said):
            return f"journal {self.name}: PostgreSQL cannot be reached ({said}); is it running?"
        return f"journal {self.name}: PostgreSQL refused ({said})"

    def _explain_sqlite(self, said: str) -> str:
        assert self.file is not None
        small = said.lower()
        if "malformed" in small or "not a database" in small or "corrupt" in small:
            return damaged(self.file, said)
        for sign, remedy in (_REMEDIES | _MISTAKES).items():
            if sign in small:
                return f"journal {self.file}: {remedy}"
        return f"journal {self.file}: SQLite refused ({said})"

    def _look_at_file(self, path: Path) -> None:
        """Refuse what should not even be opened for writing."""
        try:
            if path.is_dir():
                raise JournalError(f"journal {path}: is a folder; name a file in it")
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                return
            with path.open("rb") as file:
                begin = file.read(16)
        except OSError as error:
            raise JournalError(
                f"journal {path}: cannot be opened ({error.strerror}); "
                "check the path and its permissions, or choose another place"
            ) from error
        if begin and begin != _SQLITE_MAGIC:
            raise JournalError(damaged(path, "not a database"))
        if begin:
            self._look_inside(path)

    def _look_inside(self, path: Path) -> None:
        # A log that was left behind means that a program still runs or was killed: then look at
        # every page, as a killed machine is the one that leaves damage.
        wal = path.with_name(path.name + "-wal")
        unclean = wal.exists() and wal.stat().st_size > 0
        with self.speaking_plainly():
            # Where nobody has it open, no log is made for looking at it either.
            alone = "" if wal.exists() else "&immutable=1"
            address = f"{path.absolute().as_uri()}?mode=ro{alone}"
            connection = sqlite3.connect(address, uri=True, timeout=_BUSY_MS / 1000)
            try:
                named = "SELECT name FROM sqlite_master WHERE type = 'table'"
                tables = {name for (name,) in connection.execute(named)}
                if "alembic_version" in tables:
                    rows = connection.execute("SELECT version_num FROM alembic_version")
                    self._check_revision([row[0] for row in rows])
                elif tables:
                    raise JournalError(f"journal {path}: is a database of another program")
                if unclean:
                    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                    if answer != "ok":
                        raise JournalError(damaged(path, answer.splitlines()[-1]))
            finally:
                connection.close()

    def _check_revision(self, found: list[str]) -> None:
        unknown = [one for one in found if one not in REVISIONS]
        if unknown:
            raise JournalError(
                f"journal {self.name}: was written by a newer Harken (schema {unknown[0]}, this "
                f"one knows up to {REVISIONS[-1]}) and was left as it is; update Harken"
            )

    def _postgresql(self, url: sa.URL) -> sa.Engine:
        try:
            return sa.create_engine(
                url, pool_pre_ping=True, connect_args={"options": "-c timezone=UTC"}
            )
        except ModuleNotFoundError:
            raise JournalError(
                "a journal in PostgreSQL needs psycopg: pip install 'harken[postgres]'"
            ) from None

    def _migrate(self) -> None:
        """Bring the schema up to date, in one transaction."""
        with self.engine.connect() as connection:
            if sa.inspect(connection).has_table("alembic_version"):
                rows = connection.execute(sa.text("SELECT version_num FROM alembic_version"))
                found = [row[0] for row in rows]
                self._check_revision(found)
                if found == [REVISIONS[-1]]:
                    return
        # Only here: loading Alembic takes longer than opening a journal.
        from alembic.operations import Operations
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        script = ScriptDirectory(str(_MIGRATIONS))
        with self.writing() as connection:
            context = MigrationContext.configure(connection)
            # Once more, as another program may have done it while this one waited.
            present = context.get_current_revision()
            missing = list(script.iterate_revisions("head", present or "base"))
            with Operations.context(context):
                for revision in reversed(missing):
                    revision.module.upgrade()
                    context.stamp(script, revision.revision)


_REMEDIES = {
    "full": "the disk is full; free some space and try again, nothing written so far is lost",
    "disk i/o error": "the disk cannot take more or fails (disk I/O error); free some space, "
    "check the disk and try again, nothing written so far is lost",
    "readonly": "may only be read; check the permissions of the file and of its folder",
    "locked": "another program is writing to it; try again when that is done",
    "unable to open": "cannot be opened; check the path and its permissions",
}

_GONE = re.compile(r"connect|terminat|resolve host|shutting down|starting up")
"""What psycopg and PostgreSQL say where there is nobody to answer."""

_MISTAKES = {
    "append-only": "events are appended and never changed or deleted",
    "foreign key": "names a room, child, caregiver or device that does not exist",
    "unique constraint": "there is already one with this id",
}


def backup_folder(path: Path) -> Path:
    """Give the folder in which backups of a journal are put unless another is named.

    Parameters
    ----------
    path : Path
        The journal's file.

    Returns
    -------
    Path
    """
    return path.parent / "backups"


def last_backup(path: Path) -> Path | None:
    """Find the newest backup of a journal.

    Parameters
    ----------
    path : Path
        The journal's file; it need not be readable.

    Returns
    -------
    Path or None
        One in `backup_folder`, or the one that was last written elsewhere.
    """
    folder = backup_folder(path)
    found = list(folder.glob("*.sqlite")) if folder.is_dir() else []
    try:
        elsewhere = Path((folder / "last").read_text("utf-8"))
        found += [elsewhere] if elsewhere.is_file() else []
    except (OSError, ValueError):
        pass
    return max(found, key=lambda one: one.stat().st_mtime, default=None)


def damaged(path: Path, said: str) -> str:
    """Say that a journal is damaged, and which backup there is.

    Parameters
    ----------
    path : Path
        The journal's file.
    said : str
        What SQLite found.

    Returns
    -------
    str
        One line.
    """
    backup = last_backup(path)
    if backup is None:
        return (
            f"journal {path}: is damaged ({said}) and there is no backup; "
            "move it away to begin a new one"
        )
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(backup.stat().st_mtime))
    return (
        f"journal {path}: is damaged ({said}); the last backup is {backup} of {made}: "
        "stop the hub and type 'harken journal restore'"
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Python's driver would begin transactions by itself, and too late for a write lock.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_MS}",
        "fullfsync=ON",  # macOS: without it the disk's own cache may still lose a commit
        "checkpoint_fullfsync=ON",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("harken_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
