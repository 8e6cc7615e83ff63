"""`harken report`, as it is typed."""

import subprocess
from datetime import UTC, date, datetime, timedelta

import pytest

from harken.episodes import Event, new_id
from harken.journal import Child, Journal, Room

pytestmark = pytest.mark.e2e

SINCE = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    """A journal with three weeks of a child, where the command looks for it."""
    path = tmp_path / "data" / "harken" / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.household.add(Room(id="nursery", name="Nursery"))
        child = Child(id="mia", name="Mia", room="nursery", born=date(2025, 12, 1))
        journal.household.add(child)
        journal.household.set_setting("zone", "Europe/Berlin")
        events = [Event("room_heard", SINCE - timedelta(hours=2), room="nursery")]
        for day in range(21):
            at = SINCE + timedelta(days=day)
            data = {"bout": str(new_id()), "onset": at.isoformat(), "mean_cry": 0.9}
            answer = {"manner": "arrived", "source": "tapped"}
            fed = {"what": "feed", "ml": 90}
            events += [
                Event("cry_ended", at + timedelta(seconds=300), room="nursery", data=data),
                Event("responded", at + timedelta(seconds=40), room="nursery", data=answer),
                Event("care", at + timedelta(hours=1), child="mia", data=fed),
            ]
        journal.append(events)
    return path


def test_a_report_is_written_as_pdf_and_as_html(harken, place, tmp_path, require):
    require("pdftotext")
    span = ("--from", "2026-01-05", "--to", "2026-01-25")
    done = harken("report", *span, "-o", "out.pdf")
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote out.pdf\n", "")
    said = ["pdftotext", tmp_path / "out.pdf", "-"]
    text = subprocess.run(said, capture_output=True, text=True, check=True).stdout
    assert "5 January 2026 to 25 January 2026" in text
    assert "21 cries" in text
    done = harken("report", *span, "--child", "mia", "--paper", "letter", "-o", "out.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "215.9mm 279.4mm" in (tmp_path / "out.html").read_text("utf-8")


def test_a_sheet_is_fourteen_days_up_to_a_day(harken, place, tmp_path):
    done = harken("report", "--sheet", "--to", "2026-01-25", "-o", "sheet.svg")
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote sheet.svg\n", "")
    text = (tmp_path / "sheet.svg").read_text("utf-8")
    assert "12 January to 25 January 2026" in text
    done = harken("report", "--sheet", "--to", "2026-01-25", "--paper", "letter")
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote sheet.pdf\n", "")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["-o", "x.doc"], "x.doc: the name of the file must end in .pdf or .html"),
        (["-o", "x.svg"], "x.svg: the name of the file must end in .pdf or .html"),
        (["-o", "away/x.pdf"], "away/x.pdf: there is no folder"),
        (["--from", "2026-01-09", "--to", "2026-01-08"], "--from 2026-01-09 comes after --to"),
        (["--child", "Zoe"], "there is no child 'Zoe'; the household has: Mia"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(harken, place, typed, says):
    done = harken("report", *typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"harken: {says}")
    assert done.stderr.count("\n") == 1


def test_without_a_journal_there_is_no_report(harken):
    done = harken("report", "-o", "x.pdf")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is none yet" in done.stderr
