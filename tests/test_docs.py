"""What the pages in docs/ say is what the program does: nothing is missing, nothing is made up."""

import dataclasses
import json
import re
import shlex
from importlib import import_module, util
from pathlib import Path

import pytest

from harken import errors
from harken.cli.batch import Batch, _frame_schema
from harken.cli.listen import _TIMES, describe
from harken.episodes import BoutEnded, BoutRule, BoutStarted, BoutWithdrawn
from harken.hearing import LoudEnded, LoudStarted
from harken.simulate import TruthRow
from harken.sound import Gap, Silence

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ALL_PAGES = [*PAGES, ROOT / "README.md", ROOT / "CHANGELOG.md"]
REFERENCE = DOCS / "reference"

_spec = util.spec_from_file_location("docs_build", DOCS / "build.py")
assert _spec is not None
assert _spec.loader is not None
build = util.module_from_spec(_spec)
_spec.loader.exec_module(build)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_page = pytest.mark.parametrize("path", ALL_PAGES, ids=named)


def section(page: str, title: str) -> str:
    """What stands under a heading, up to the next one of any depth."""
    text = (REFERENCE / page).read_text("utf-8")
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """The names in the first column of the tables in a text."""
    return [
        name
        for line in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", line)
    ]


def code(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def options(command) -> set[str]:
    found, context = command
    return {
        name
        for one, _ in build.parameters(found, context)
        if one.param_type_name == "option"
        for name in (*one.opts, *one.secondary_opts)
    }


COMMANDS = build.commands()
SCRIPTS = (
    ROOT / "training/run.py",
    ROOT / "benchmarks/__main__.py",
    ROOT / "benchmarks/study.py",
    ROOT / "docs/build.py",
)


# What there is, is on the pages.


@pytest.mark.parametrize("path", build.build_reference(), ids=named)
def test_pages_that_are_made_from_the_code_are_fresh(path):
    assert path.read_text("utf-8") == build.build_reference()[path], "run: make docs"


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_is_described_with_all_its_options(typed):
    text = section("commands.md", typed)
    for option in options(COMMANDS[typed]):
        assert re.search(rf"^\| `[^`]*(?<![\w-]){option}(?![\w-])", text, re.MULTILINE), option


def test_every_field_of_the_rule_is_described():
    text = (REFERENCE / "rule.md").read_text("utf-8")
    assert first_cells(text) == [field.name for field in dataclasses.fields(BoutRule)]


EVENTS = [
    BoutStarted(1.0, 2.0),
    BoutEnded(1.0, 5.0, 0.9, -20.0),
    BoutWithdrawn(1.0, 9.0),
    Gap(1.0, None, "no sound"),
    Silence(1.0, None, "digital"),
    LoudStarted(1.0, 2.0),
    LoudEnded(1.0, 2.0, -20.0),
]


@pytest.mark.parametrize(
    "event", [describe(one) for one in EVENTS], ids=lambda event: event["event"]
)
def test_every_event_is_described_with_just_its_keys(event):
    rows = re.findall(r"^\| `(\w+)` ", section("events.md", event["event"]), re.MULTILINE)
    assert rows == list(event)


def test_no_event_is_described_that_does_not_exist():
    text = (REFERENCE / "events.md").read_text("utf-8")
    described = set(re.findall(r"^\| `event` \| text \| \| `(\w+)` \|", text, re.MULTILINE))
    assert described == {describe(event)["event"] for event in EVENTS} | {"error"}


def test_the_times_of_day_of_live_sources_are_described():
    text = section("events.md", "Times")
    assert set(re.findall(r"`(\w+)_time`", text)) == set(_TIMES)


def test_examples_of_events_have_the_keys_of_events():
    keys = {one["event"]: list(one) for one in map(describe, EVENTS)}
    lines = [json.loads(line) for line in section("events.md", "Times").splitlines() if "{" in line]
    assert lines
    for line in lines:
        assert list(line) == keys[line["event"]]


def test_an_error_line_has_the_keys_that_are_described(capsys):
    from harken.cli.listen import Format, listen
    from harken.errors import SourceError

    with pytest.raises((SourceError, errors.ModelError)):
        listen("no such file.wav", output=Format.JSONL)
    line = json.loads(capsys.readouterr().out)
    described = re.findall(r"^\| `(\w+)` ", section("events.md", "error"), re.MULTILINE)
    assert described == list(line)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The tables of a batch of one recording that was not begun."""
    folder = tmp_path_factory.mktemp("batch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harken.hearing.open_detector", lambda model: _Deaf())
        patch.setattr("harken.hearing.store.identify", lambda model, detector: {"name": "deaf"})
        with Batch([folder / "a.wav"], out=folder / "out") as batch:
            batch.write_tables()
    return folder / "out"


class _Deaf:
    name, on, off = "deaf", 0.5, 0.3


@pytest.mark.parametrize("name", ["recordings.csv", "bouts.csv"])
def test_every_column_is_described(written, name):
    header = (written / name).read_text("utf-8").splitlines()[0].split(",")
    rows = re.findall(r"^\| `(\w+)` ", section("files.md", name), re.MULTILINE)
    assert rows == header


def test_every_key_of_a_run_is_described(written):
    keys = json.loads((written / "run.json").read_text("utf-8"))
    rows = re.findall(r"^\| `(\w+)` ", section("files.md", "run.json"), re.MULTILINE)
    assert rows == list(keys)


def test_every_column_of_frames_is_described_with_its_type():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) ", section("files.md", "frames.parquet"), re.MULTILINE)
    types = {"double": "float64", "float": "float32"}
    wanted = [(field.name, types[str(field.type)]) for field in _frame_schema()]
    assert rows == [("recording", "text"), *wanted]


def test_every_column_of_a_truth_table_is_described():
    rows = re.findall(
        r"^\| `(\w+)` ", section("files.md", "What demo and the simulator write"), re.MULTILINE
    )
    assert rows == [field.name for field in dataclasses.fields(TruthRow)]


@pytest.mark.parametrize("room", build.ROOMS)
def test_every_public_name_is_described(room):
    assert first_cells(section("python.md", room)) == import_module(room).__all__


def test_every_error_is_described():
    text = (REFERENCE / "python.md").read_text("utf-8").split("## ")[0]
    wanted = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert first_cells(text) == wanted


# What is on the pages, exists.


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=named)
def test_every_command_that_is_shown_can_be_typed(path):
    text = path.read_text("utf-8")
    blocks = [*code(text, "console"), *code(text, "sh")]
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    for line in lines:
        words = shlex.split(line.split(" | ")[0], comments=True)
        if words[:1] == ["nice"]:
            words = words[1:]
        if words and words[0].removeprefix(".venv/bin/") == "harken":
            words[0] = "harken"
            typed = max(
                (one for one in COMMANDS if words[: len(one.split())] == one.split()), key=len
            )
            given = {word.split("=")[0] for word in words if word.startswith("-") and word != "-"}
            assert given <= options(COMMANDS[typed]), line
            command, context = COMMANDS[typed]
            rest = words[len(typed.split()) :]
            command.make_context(typed, rest, parent=context.parent)
            # A word behind a group's name that is none of its commands.
            assert not (hasattr(command, "commands") and rest and rest[0][0] != "-"), line
        elif words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line


@every_page
def test_no_option_is_mentioned_that_does_not_exist(path):
    known = {option for command in COMMANDS.values() for option in options(command)}
    for script in SCRIPTS:
        known |= set(re.findall(r'add_argument\("(--[\w-]+)"', script.read_text("utf-8")))
    of_systemctl, of_dask = {"--user", "--now"}, {"--nworkers", "--nthreads", "--memory-limit"}
    found = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", path.read_text("utf-8")))
    assert found <= known | of_systemctl | of_dask


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=named)
def test_every_extra_that_is_mentioned_can_be_installed(path):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extras in re.findall(r"harken\[([\w,]+)\]", path.read_text("utf-8")):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", text)


@every_page
def test_links_inside_the_repository_lead_somewhere(path):
    for link in links(path):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_first():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        near = {(page.parent / link.split("#")[0]).resolve() for link in links(page)}
        waiting += near & set(PAGES) - reached
    assert reached == set(PAGES)


@every_page
def test_a_page_has_one_title_and_no_address_of_a_package_index(path):
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    whole = path.read_text("utf-8").lower()
    for address in ("pypi.", "pythonhosted", "index-" + "url", "find-links", "trusted-host"):
        assert address not in whole


@every_page
def test_a_page_praises_nothing(path):
    praise = r"\b(best-in-class|state[- ]of[- ]the[- ]art|blazing|seamless|powerful|effortless)"
    assert not re.search(praise, path.read_text("utf-8"), re.IGNORECASE)


@pytest.mark.parametrize(
    "path", [path for path in PAGES if code(path.read_text("utf-8"), "python")], ids=named
)
def test_examples_run(path, tmp_path, monkeypatch, require):
    text = "\n".join(code(path.read_text("utf-8"), "python"))
    if "open_detector" in text or "Builtin" in text:
        require("src/harken/hearing/models/builtin.onnx")
    monkeypatch.chdir(tmp_path)
    exec(compile(text, str(path), "exec"), {"__name__": "example"})


# docs/build.py


def test_a_block_is_replaced_and_nothing_else():
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    filled = build.fill(page, "x", "new\\1", where="page")
    assert filled == "a\n<!-- x -->\nnew\\1\n<!-- /x -->\nb\n"
    assert build.fill(filled, "x", "new\\1", where="page") == filled


def test_a_page_without_its_block_is_refused():
    with pytest.raises(build.BuildError, match=r"README\.md holds 0 blocks 'x', not 1"):
        build.fill("nothing", "x", "new", where="README.md")


def test_results_that_are_missing_are_one_clear_line(tmp_path, capsys):
    assert build.main(["--only", "bench", "--results", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "make bench" in told


RESULTS = {
    **{part: {} for part in build.MEASURED},
    "table": [
        {
            "what": "AUC | all",
            "target": "≥ 0.9",
            "cells": {"builtin": "0.5000 [0.4000, 0.6000]", "YAMNet": "0.6000 [0.5, 0.7]; tuned"},
            "met": {"builtin": False},
        }
    ],
    "machine": "a machine",
    "data_sha256": "ab" * 32,
    "models_sha256": {"fold0-builtin.onnx": "cd" * 32},
}


def test_a_part_of_the_benchmark_is_not_taken_for_all_of_it(tmp_path):
    partly = {key: value for key, value in RESULTS.items() if key != "scenes"}
    (tmp_path / "results.json").write_text(json.dumps(partly))
    (tmp_path / "table.md").write_text("### T\n")
    with pytest.raises(build.BuildError, match="are without scenes"):
        build.read_results(tmp_path)


def test_the_short_table_has_every_line_and_no_intervals():
    assert build.short_table(RESULTS).splitlines()[2:] == [
        "| AUC \\| all | ≥ 0.9 | 0.5000 | – | 0.6000; tuned | – |"
    ]


def test_the_long_tables_say_what_they_were_measured_on():
    made = build.long_tables(RESULTS, "### T\n\n| a |\n", ["roc.svg"])
    for part in ("a machine", "abababababab", "cdcdcdcdcdcd", "## T", "(../pictures/roc.svg)"):
        assert part in made


def test_what_was_measured_is_put_into_the_pages_and_again_changes_nothing(
    tmp_path, monkeypatch, capsys
):
    for page in (ROOT / "README.md", DOCS / "reference/benchmark.md"):
        copy = tmp_path / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(page.read_bytes())
    (tmp_path / "docs/pictures").mkdir()
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    (tmp_path / "table.md").write_text("### T\n\n| a |\n")
    (tmp_path / "roc.svg").write_text("<svg/>")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "DOCS", tmp_path / "docs")
    arguments = ["--only", "bench", "--results", str(tmp_path)]
    assert build.main(arguments) == 0
    assert "README.md is new" in capsys.readouterr().out
    assert "| AUC \\| all |" in (tmp_path / "README.md").read_text("utf-8")
    assert "## T" in (tmp_path / "docs/reference/benchmark.md").read_text("utf-8")
    assert (tmp_path / "docs/pictures/roc.svg").exists()
    assert build.main(arguments) == 0
    assert capsys.readouterr().out == ""
