"""The schema that migrations make is the one that the code uses, from the first release on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import harken.journal
from harken.errors import JournalError
from harken.journal import Journal
from harken.journal.schema import REVISIONS, metadata

MIGRATIONS = Path(harken.journal.__file__).with_name("migrations")


def test_the_tables_are_those_of_the_migrations(journal):
    with journal._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    # SQLite has one kind of text and of whole number, whatever they are called.
    assert [one for one in differences if one[0] != "modify_type"] == []


def test_every_released_schema_is_known():
    script = ScriptDirectory(str(MIGRATIONS))
    assert tuple(reversed([one.revision for one in script.walk_revisions()])) == REVISIONS
    assert script.get_heads() == [REVISIONS[-1]]


def test_a_journal_is_made_with_the_last_schema_and_opened_as_it_is(journal):
    with journal._database.reading() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
    assert [tuple(row) for row in found] == [(REVISIONS[-1],)]


def test_sqlite_is_set_to_lose_nothing(sqlite):
    with sqlite._database.reading() as connection:
        for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == wanted


def test_two_programs_that_begin_a_journal_at_once_begin_one(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(Journal.open, [tmp_path / "journal.sqlite"] * 4))
    for journal in opened:
        journal.close()
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert journal.events() == []


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    from alembic.operations import Operations

    whole = Operations.create_table

    def create_table(self, name, *columns, **options):
        if name == "push_subscriptions":
            raise sqlite3.OperationalError("database or disk is full")
        return whole(self, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", create_table)
    path = tmp_path / "journal.sqlite"
    with pytest.raises(JournalError, match="disk is full"):
        Journal.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    Journal.open(path).close()


def test_every_public_name_is_listed():
    names = list(harken.journal.__all__)
    assert names == sorted(names)
    assert all(getattr(harken.journal, name).__doc__ for name in names if name != "BACK_OFF")
