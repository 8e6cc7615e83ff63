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
    "harken.evidence": [
        "FOUR_QUESTIONS",
        "RATINGS",
        "SHOWS",
        "SIDES",
        "Claim",
        "ClaimNote",
        "Norm",
        "Question",
        "SelfQuestion",
        "check_note",
        "claim",
        "claims",
        "measures",
        "norms",
        "notes_by",
        "on_waiting",
        "question",
        "questions",
        "topics",
    ],
    "harken.exchange": [
        "FIELDS",
        "BabyBuddy",
        "Entries",
        "Inbox",
        "Incoming",
        "Layout",
        "Numbers",
        "Pulled",
        "Pushed",
        "Table",
        "Trouble",
        "Writing",
        "entry_id",
        "guess",
        "note_text",
        "open_table",
        "plan",
        "pull",
        "push",
        "read_entries",
        "read_numbers",
        "read_table",
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
    "harken.insight": [
        "Around",
        "AroundPoint",
        "Attempt",
        "BeforeAfter",
        "CareDay",
        "CareTotals",
        "CaregiverShare",
        "Carrying",
        "CarryingDay",
        "Change",
        "Comprehensive",
        "Consistent",
        "Crying",
        "CryingDay",
        "CryingHour",
        "CryingWeek",
        "Curve",
        "Day",
        "Drawn",
        "Estimate",
        "Help",
        "HelpPoint",
        "Helps",
        "HourShare",
        "LongCry",
        "Need",
        "Night",
        "NightShare",
        "Pen",
        "Picture",
        "Record",
        "Side",
        "Sources",
        "Span",
        "Step",
        "Steps",
        "Summary",
        "Swift",
        "SwiftGroup",
        "Threes",
        "UsualReason",
        "UsualReasons",
        "Wait",
        "Within",
        "around",
        "around_series",
        "care_totals",
        "carrying",
        "changes",
        "comprehensive",
        "consistent",
        "crying",
        "cumulative_incidence",
        "difference",
        "helps",
        "kaplan_meier",
        "mean_by_day",
        "names_a_change",
        "png",
        "report",
        "share",
        "share_by_day",
        "sheet",
        "steps",
        "summary",
        "svg",
        "swift",
        "usual_reasons",
        "waits",
        "went_on",
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
        "Quantity",
        "Reading",
        "Revision",
        "Room",
        "Series",
        "Step",
        "day_bounds",
        "default_path",
        "masked",
        "restore",
        "token_hash",
    ],
    "harken.studies": [
        "FORMATS",
        "LABELS",
        "SPEAKERS",
        "Annotation",
        "Annotations",
        "Format",
        "convert",
        "guess",
        "read",
        "write",
    ],
    "harken.simulate": [
        "Arm",
        "Care",
        "Change",
        "Clip",
        "Comparison",
        "Day",
        "Explanation",
        "History",
        "Latencies",
        "Parameter",
        "Parameters",
        "Policy",
        "Pool",
        "Scene",
        "SceneSpec",
        "Spell",
        "Trial",
        "TruthRow",
        "Utterance",
        "Written",
        "babble",
        "bark",
        "compare",
        "cry",
        "find_active",
        "fuss",
        "hub_events",
        "laugh",
        "like_us",
        "policies",
        "policy",
        "read_truth",
        "render_events",
        "render_scene",
        "simulate_days",
        "simulate_dyad",
        "size_trial",
        "speak",
        "synthetic_night",
        "trial_size",
        "true_bouts",
        "with_carrying",
        "write_cohort",
        "write_journal",
        "write_truth",
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
    assert needed("plot", "parquet", "report", "simulate") <= run.keys()
    extras = ("plot", "parquet", "report", "simulate", "studies", "yamnet", "pitch", "dev")
    assert needed(*extras) <= dev.keys()
    assert {name: dev[name] for name in run} == run
    assert "torch" not in dev
