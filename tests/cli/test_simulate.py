"""`harken simulate`: what it writes, prints and refuses."""

import json

import pyarrow.parquet as pq
import pytest

from harken.episodes import Event, fold
from harken.journal import Journal
from harken.simulate import read_truth

pytestmark = pytest.mark.e2e


def test_a_row_a_week_and_what_it_is_not(harken):
    done = harken("simulate", "--infants", "4", "--weeks", "2", "--jobs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if "%" in line]
    assert [row[0] for row in rows] == ["0", "1"]
    assert "no evidence about infants" in done.stdout


def test_tables_for_many(harken, tmp_path):
    done = harken(
        "simulate", "--infants", "3", "--weeks", "1", "--policy", "prompt", "--out", "made",
        "--seed", "5",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 infants, 21 days, ")
    assert pq.read_table(tmp_path / "made/days.parquet").num_rows == 21
    assert json.loads((tmp_path / "made/run.json").read_text("utf-8"))["seed"] == [5]


def test_events_of_one_and_their_sound(harken, tmp_path):
    done = harken(
        "simulate", "--infants", "1", "--weeks", "0.2", "--out", "kim.jsonl", "--sound", "kim.flac"
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "kim.jsonl").read_text("utf-8").splitlines()
    events = [Event.from_dict(json.loads(line)) for line in lines]
    assert fold(events)
    assert read_truth(tmp_path / "kim.csv")
    assert (tmp_path / "kim.flac").read_bytes().startswith(b"fLaC")


def test_a_journal_of_one_and_a_policy_measured_from_it(harken, tmp_path):
    done = harken("simulate", "--infants", "1", "--weeks", "1", "--out", "kim.sqlite")
    assert (done.returncode, done.stderr) == (0, "")
    with Journal.open(tmp_path / "kim.sqlite") as journal:
        assert len(journal.episodes()) > 50
    done = harken(
        "simulate", "--like-us", "--database", "kim.sqlite", "--infants", "2", "--weeks", "1"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "policy like-us: As this household answered." in done.stdout
    again = harken("simulate", "--infants", "1", "--weeks", "1", "--out", "kim.sqlite")
    assert (again.returncode, again.stderr) == (
        2,
        "harken: 'kim.sqlite' is there already; name a new file\n",
    )


def test_policies_side_by_side(harken, tmp_path):
    done = harken(
        "simulate", "compare", "prompt", "none", "--infants", "4", "--weeks", "2", "--jobs", "1",
        "--chart", "both.svg",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "No record of crying, however long, can tell them apart." in " ".join(
        done.stdout.split()
    )
    assert (tmp_path / "both.svg").read_text("utf-8").startswith("<svg")
    done = harken(
        "simulate", "compare", "prompt", "none", "--infants", "4", "--weeks", "2", "--jobs", "1",
        "--format", "json",
    )  # fmt: skip
    assert [arm["apart_min"] for arm in json.loads(done.stdout)["arms"]] == [0.0, 0.0]


def test_how_large_a_trial_must_be(harken):
    done = harken(
        "simulate", "size", "--policy", "usual", "--against", "carrying", "--infants", "40",
        "--jobs", "1",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("To see a difference of ")
    done = harken(
        "simulate", "size", "--difference", "20", "--infants", "20", "--format", "json",
        "--jobs", "1",
    )  # fmt: skip
    assert json.loads(done.stdout)["difference_min"] == 20


def test_every_number_and_policy_is_listed(harken):
    done = harken("simulate", "parameters")
    assert done.returncode == 0
    assert all("[" in line for line in done.stdout.splitlines())
    assert "learning.start = 0.65 share [assumed]: " in done.stdout
    done = harken("simulate", "policies")
    assert done.stdout.splitlines()[0] == "prompt: Whoever has duty goes at once. [assumed]"
    assert done.stdout.splitlines()[-1].startswith("like-us: ")


def test_numbers_of_ones_own(harken, tmp_path):
    (tmp_path / "mine.toml").write_text("[hazard]\npain_per_day = 0\nalone_per_day = 0\n")
    mine, shipped = (
        harken("simulate", "--infants", "2", "--weeks", "1", "--jobs", "1", *more).stdout
        for more in (("--parameters", "mine.toml"), ())
    )
    assert mine != shipped


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--policy", "soon"], "policy 'soon' is not known; there are prompt, usual"),
        (["--parameters", "nope.toml"], "cannot read 'nope.toml': No such file"),
        (["--infants", "2", "--out", "a.jsonl"], "add --infants 1"),
        (["--sound", "a.flac"], "add --infants 1"),
        (["--infants", "1", "--sound", "a.flac", "--out", "here"], "must end in .sqlite or .jsonl"),
        (["size"], "name a second policy or a difference"),
        (["compare", "usual", "usual"], "each policy can be named once"),
        (["compare", "usual", "--chart", "a.gif", "--infants", "1", "--weeks", "1"], "must end in"),
    ],
)
def test_what_cannot_be_done_is_one_line(harken, typed, says):
    done = harken("simulate", *typed)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("harken: ")
    assert says in line


def test_there_must_be_a_journal_to_be_like(harken):
    done = harken("simulate", "--like-us", "--database", "nope.sqlite")
    assert done.returncode == 1
    assert "there is none yet" in done.stderr
