"""Export and backup: whole, for whom they are, and nothing left lying about."""

import io
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import pytest

from harken.journal import Journal
from harken.web.routes.downloads import zipped


@pytest.fixture(autouse=True)
def temporary(monkeypatch, tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_export(home, client_of, temporary, tmp_path):
    home.cry()
    ann = client_of(home, "owner")
    ann.post("/api/events", json={"events": [home.event("commented", data={"text": "=1+1"})]})
    answer = ann.get("/api/export")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="harken-')
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert {"events.jsonl", "household.jsonl", "episodes.csv", "care.csv"} <= set(
        archive.namelist()
    )
    for token in home.tokens.values():
        assert token.encode() not in answer.content
    archive.extractall(tmp_path / "out")
    with Journal.open(tmp_path / "again.db") as again:
        again.import_(tmp_path / "out")
        assert again.episodes() == home.journal.episodes()
    assert list(temporary.iterdir()) == []
    for who in ("viewer", "nursery"):
        assert client_of(home, who).get("/api/export").status_code == 403


def test_backup(home, client_of, temporary, tmp_path):
    home.cry()
    answer = client_of(home, "owner").get("/api/backup")
    assert answer.status_code == 200
    (tmp_path / "b.db").write_bytes(answer.content)
    with sqlite3.connect(tmp_path / "b.db") as database:
        assert database.execute("SELECT count(*) FROM events").fetchone()[0] >= 2
    database.close()
    assert list(temporary.iterdir()) == []
    assert client_of(home, "caregiver").get("/api/backup").status_code == 403


def test_an_export_that_fails_leaves_nothing(home, client_of, temporary, monkeypatch):
    def fails(folder):
        raise OSError("no")

    monkeypatch.setattr(home.journal, "export", fails)
    answer = client_of(home, "owner", raises=False).get("/api/export")
    assert answer.status_code == 500
    assert list(temporary.iterdir()) == []


def test_zips_of_any_size(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "sub" / "big").write_bytes(bytes(range(256)) * 4096)
    parts = list(zipped(Path(folder)))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
    assert archive.namelist() == ["empty", "sub/big"]
    assert archive.read("sub/big") == bytes(range(256)) * 4096
