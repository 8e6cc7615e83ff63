"""What the package promises to those who install it: names, version, pinned parts."""

import re
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import harken

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

PUBLIC = {
    "harken.answering": [
        "LADDER_KINDS",
        "RECENT_S",
        "ActivePlan",
        "Decision",
        "LadderSettings",
        "Refusal",
        "Situation",
        "Turn",
        "decide",
        "night_of",
        "refusal",
        "turns_at",
    ],
    "harken.cli": [
        "main",
    ],
    "harken.episodes": [
        "ATTEMPTS",
        "CARE",
        "KINDS",
        "NEEDS",
        "Acknowledged",
        "Alerted",
        "Bout",
        "BoutEnded",
        "BoutEvent",
        "BoutRule",
        "BoutStarted",
        "BoutTracker",
        "BoutWithdrawn",
        "Checked",
        "Comment",
        "Course",
        "CourseRule",
        "Cried",
        "Episode",
        "EpisodeSettings",
        "Event",
        "Held",
        "Kind",
        "Memory",
        "Outcome",
        "Refolded",
        "Response",
        "Soothing",
        "crying_s",
        "describe_course",
        "find_bouts",
        "fold",
        "keys",
        "new_id",
        "read_time",
        "refold",
        "resolve",
        "times",
        "withdrawn",
    ],
    "harken.hearing": [
        "HOP",
        "HOP_S",
        "YAMNET_URL",
        "Builtin",
        "Detector",
        "Frames",
        "InstalledModel",
        "LoudEnded",
        "LoudStarted",
        "LoudnessAlarm",
        "LoudnessRule",
        "PitchTrack",
        "YAMNet",
        "add_model",
        "backbone_path",
        "data_folder",
        "get_yamnet",
        "installed_models",
        "level_dbfs",
        "open_detector",
        "pitch",
    ],
    "harken.journal": [
        "BACK_OFF",
        "CareEntry",
        "Caregiver",
        "Channel",
        "Child",
        "Device",
        "DueAlert",
        "DutyTurn",
        "Household",
        "JoinCode",
        "Journal",
        "Plan",
        "PushSubscription",
        "Room",
        "day_bounds",
        "default_path",
        "masked",
        "restore",
        "token_hash",
    ],
    "harken.sound": [
        "EXTENSIONS",
        "RATE",
        "AudioBlock",
        "Backoff",
        "Clock",
        "Connection",
        "EarSource",
        "Gap",
        "LiveSource",
        "Microphone",
        "Silence",
        "Source",
        "Watch",
        "find_recordings",
        "list_microphones",
        "open_source",
    ],
    "harken.web": [
        "SERVER_LIMITS",
        "HubCalls",
        "Viewer",
        "WebSettings",
        "create_app",
    ],
}


def test_the_version_is_the_one_that_is_installed():
    assert version("harken") == harken.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", harken.__version__)


@pytest.mark.parametrize("room", PUBLIC)
def test_public_names_are_the_listed_ones(room):
    module = import_module(room)
    assert list(module.__all__) == PUBLIC[room]
    for name in module.__all__:
        assert getattr(module, name).__doc__ or name.isupper()


def test_types_are_shipped():
    assert (ROOT / "src/harken/py.typed").exists()


def pinned(path: Path) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", path.read_text("utf-8"), re.MULTILINE)
    return dict(found)


def needed(*extras: str) -> set[str]:
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    return {re.split(r"[<>=!~;\[ ]", line)[0].lower().replace("_", "-") for line in wanted}


def test_there_is_a_lock_for_running_and_one_for_developing():
    assert [path.name for path in LOCKS] == ["dev.txt", "run.txt"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_locks_pin_by_hash_and_hold_no_address(path):
    text = path.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry


def test_locks_hold_everything_that_the_project_needs_and_agree():
    run, dev = pinned(ROOT / "requirements/run.txt"), pinned(ROOT / "requirements/dev.txt")
    assert needed("plot", "parquet") <= run.keys()
    assert needed("plot", "parquet", "yamnet", "pitch", "dev") <= dev.keys()
    assert {name: dev[name] for name in run} == run
    assert "torch" not in dev
