import re
import subprocess
import sys

import pytest

from harken import __version__

pytestmark = pytest.mark.e2e


def test_version(harken):
    done = harken("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"harken {__version__}\n", "")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["listen", "analyze", "demo", "doctor", "model", "--install-completion"]),
        (["listen"], ["rtsp://", "jsonl", "--realtime", "--loud", "seconds", "--rule"]),
        (["analyze"], ["recordings.csv", "--frames", "--plot", "--jobs", "--out", "dBFS"]),
        (["demo"], ["--out"]),
        (["doctor"], ["--format"]),
        (["model"], ["add", "get", "list"]),
    ],
)
def test_help_names_what_can_be_done(harken, command, words):
    done = harken(*command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for word in words:
        assert word in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["listen"],
        ["listen", "a.wav", "--format", "xml"],
        ["analyze", "a.wav"],
        ["analyze", "a.wav", "--out", "o", "--jobs", "-1"],
        ["doctor", "--no-such-option"],
        ["model", "get", "gpt"],
    ],
)
def test_usage_errors_exit_with_2(harken, arguments):
    done = harken(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--rule", "onn=0.5"),
        ("--rule", "on=high"),
        ("--rule", "on=0.2,off=0.4"),
        ("--rule", "max_gap=nan"),
        ("--loud", "20:5"),
        ("--loud", "-20"),
        ("--loud", "-inf:1"),
    ],
)
def test_values_that_break_a_rule_exit_with_2_in_one_line(
    harken, night, loud_is_crying, option, value
):
    done = harken("listen", night, "--model", loud_is_crying, f"{option}={value}")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"harken: [^\n]+\n", done.stderr)
    assert option.strip("-") in done.stderr


def test_debug_shows_where_an_error_comes_from(harken):
    quiet = harken("listen", "absent.wav", "--model", "absent.onnx")
    assert "Traceback" not in quiet.stderr
    environment = {"HARKEN_DEBUG": "1", "PATH": "/usr/bin:/bin"}
    loud = harken("listen", "absent.wav", "--model", "absent.onnx", env=environment)
    assert "Traceback" in loud.stderr
    assert loud.returncode == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered_for(harken, shell, monkeypatch):
    # Otherwise Typer asks which shell the tests themselves were started from.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = harken("--show-completion", shell)
    assert done.returncode == 0
    assert "harken" in done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize(
    "words",
    [["journal", "list"], ["insight"], ["report", "-o", "a.html"], ["care", "import", "a.csv"],
     ["babybuddy", "pull"]],
    ids=" ".join,
)  # fmt: skip
def test_without_the_hubs_packages_a_line_says_what_to_install(words, tmp_path):
    typed = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from harken.cli import main; sys.argv = ['harken', *sys.argv[1:]]; main()"
    )
    (tmp_path / "a.csv").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", typed, *words],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'harken[hub]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
