"""`harken journal` and `harken backup`, as they are typed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import Event, new_id
from harken.journal import Channel, Journal, Room

pytestmark = pytest.mark.e2e

AT = datetime(2026, 1, 31, 2, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    """A journal with one answered episode, where the command looks for it."""
    path = tmp_path / "data" / "harken" / "journal.sqlite"
    bout = str(new_id())
    data = {"bout": bout, "onset": AT.isoformat(), "mean_cry": 0.9}
    with Journal.open(path) as journal:
        journal.household.add(Room(id="nursery", name="Nursery"))
        journal.household.add(Channel(id="c", kind="apprise", name="T", url="tgram://secret/1"))
        journal.household.set_setting("zone", "Europe/Berlin")
        journal.append(
            [
                Event("cry_ended", AT + timedelta(seconds=40), room="nursery", data=data),
                Event(
                    "responded",
                    AT + timedelta(seconds=30),
                    room="nursery",
                    data={"manner": "arrived", "source": "tapped"},
                ),
            ]
        )
    return path


def test_episodes_are_listed_in_the_time_of_the_household(harken, place):
    done = harken("journal", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2026-01-31 03:00:00  nursery  cried 40 s, answered after 30 s, soothed\n"
    assert harken("journal", "list", "--since", "2026-01-31").stdout == "No episodes.\n"
    (line,) = harken("journal", "list", "--format", "jsonl").stdout.splitlines()
    assert json.loads(line)["latency_s"] == 30


def test_a_journal_moves_house(harken, place, tmp_path):
    done = harken("journal", "export", "moved")
    assert (done.returncode, done.stderr) == (0, "")
    other = tmp_path / "other.sqlite"
    done = harken("journal", "import", "moved", "--database", other)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 new events\n", "")
    assert harken("journal", "import", "moved", "--database", other).stdout == "0 new events\n"
    with Journal.open(place) as one, Journal.open(other) as two:
        assert one.events() == two.events()
        assert one.episodes() == two.episodes()


def test_rebuild_says_how_many(harken, place):
    done = harken("journal", "rebuild")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 episode made anew\n", "")


def test_a_damaged_journal_names_its_backup_which_is_brought_back(harken, place, tmp_path):
    done = harken("backup")
    assert (done.returncode, done.stderr) == (0, "")
    backup = done.stdout.removeprefix("backup written to ").strip()
    place.write_bytes(b"nonsense" * 1000)
    done = harken("journal", "list")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert backup in done.stderr
    assert "harken journal restore" in done.stderr
    done = harken("journal", "restore")
    assert (done.returncode, done.stderr) == (0, "")
    assert harken("journal", "list").stdout.count("\n") == 1
    (kept,) = place.parent.glob("journal.sqlite.*")
    assert kept.read_bytes().startswith(b"nonsense")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("journal", "list"), "there is none yet"),
        (("journal", "rebuild"), "there is none yet"),
        (("backup",), "there is none yet"),
        (("journal", "export", "x"), "there is none yet"),
        (("journal", "restore"), "there is no backup"),
        (("journal", "import", "absent"), "cannot be read"),
        (("journal", "list", "--database", "mysql://a:secret@b/c"), "cannot be kept in mysql"),
    ],
)
def test_what_cannot_be_done_is_one_line(harken, arguments, message):
    done = harken(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert "secret" not in done.stderr
