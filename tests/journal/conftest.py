"""Journals in SQLite and in a PostgreSQL server that the tests start themselves."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from harken.episodes import Event, new_id
from harken.journal import Journal

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


class _Server:
    """A PostgreSQL server in a folder of its own, on a port of its own."""

    def __init__(self, programs: Path, port: int) -> None:
        self._programs = programs
        self._numbers = count()
        self._journals: set[str] = set()
        # Its own folder, as an unprivileged user has to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="harken-postgresql-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
        self.port = port
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "harken", "-A", "trust", "-E", "UTF8", "-N")
        # No test cuts the power, and waiting for the disk is most of what a server does here.
        options = (
            f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 "
            "-c fsync=off -c full_page_writes=off"
        )
        self._run("pg_ctl", "-D", data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-w", "-m", "fast", "restart")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _administer(self, database: str) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="harken", dbname=database, autocommit=True
        )

    def new(self) -> str:
        """Make a database without any table and give its URL."""
        name = f"journal{next(self._numbers)}"
        with self._administer("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._url(name)

    def empty(self) -> str:
        """Give the URL of an empty journal that nobody has open; made or emptied, as is quicker."""
        with self._administer("postgres") as connection:
            busy = {
                row[0]
                for row in connection.execute("SELECT DISTINCT datname FROM pg_stat_activity")
            }
        for name in self._journals - busy:
            with self._administer(name) as connection:
                connection.execute(_EMPTY_IT)
            return self._url(name)
        url = self.new()
        Journal.open(url).close()
        self._journals.add(url.rsplit("/", 1)[1])
        return url

    def _url(self, name: str) -> str:
        return f"postgresql://harken:not-shown@127.0.0.1:{self.port}/{name}"


_EMPTY_IT = """
DO $$ DECLARE every text; BEGIN
    SELECT string_agg(quote_ident(tablename), ', ') INTO every
    FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version';
    ALTER TABLE events DISABLE TRIGGER events_append_only;
    EXECUTE 'TRUNCATE ' || every || ' RESTART IDENTITY CASCADE';
    ALTER TABLE events ENABLE TRIGGER events_append_only;
END $$
"""


@pytest.fixture(scope="session")
def postgresql(free_port: Callable[[], int]) -> Iterator[_Server]:
    """A running server; skips where PostgreSQL is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = shutil.which("initdb")
    if on_path:
        places.append(Path(on_path).parent)
    if not places:
        pytest.skip("missing: postgresql")
    server = _Server(places[-1], free_port())
    yield server
    server.remove()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty journal's file, to be copied: that is faster than making one."""
    path = tmp_path_factory.mktemp("empty") / "journal.sqlite"
    Journal.open(path).close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Makes empty journals and gives where they are; tests that use it run on both databases."""
    if request.param == "sqlite":
        empty = request.getfixturevalue("empty")
        folder = tmp_path_factory.mktemp("fresh")
        numbers = count()
        return lambda: str(shutil.copy(empty, folder / f"{next(numbers)}.sqlite"))
    server: _Server = request.getfixturevalue("postgresql")
    return server.empty


@pytest.fixture
def journal(fresh: Callable[[], str]) -> Iterator[Journal]:
    """An empty journal, open; on both databases."""
    with Journal.open(fresh()) as opened:
        yield opened


@pytest.fixture
def sqlite(empty: Path, tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in SQLite, open."""
    with Journal.open(shutil.copy(empty, tmp_path / "journal.sqlite")) as opened:
        yield opened


def _after(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def _cry(start: float, end: float, *, room: str = "nursery", bout: UUID | None = None, **data):
    """The two events of a bout, from second to second after midnight of 1 January 2026."""
    bout = bout or new_id()
    began = {"bout": str(bout), "detected_at": _after(start + 0.5).isoformat(), **data}
    over = {"bout": str(bout), "onset": _after(start).isoformat(), "mean_cry": 0.9, **data}
    return [
        Event("cry_started", _after(start), room=room, child="mia", data=began),
        Event("cry_ended", _after(end), room=room, child="mia", data=over),
    ]


def _said(
    kind: str, at: float, /, *, room: str | None = "nursery", by: str = "caregiver:ada", **data
):
    """What a caregiver tapped, in seconds after midnight of 1 January 2026."""
    return Event(kind, _after(at), room=room, by=by, zone="Europe/Berlin", data=data)


@pytest.fixture(scope="session")
def after():
    """See `_after`."""
    return _after


@pytest.fixture(scope="session")
def cry():
    """See `_cry`."""
    return _cry


@pytest.fixture(scope="session")
def said():
    """See `_said`."""
    return _said
