import json
import os

import pytest

pytestmark = pytest.mark.e2e

NAMES = ["decoder", "model", "yamnet", "microphones", "extras", "data folder", "hub", "disk"]


def test_everything_that_is_needed_works_here(harken):
    done = harken("doctor")
    assert done.returncode == 0, done.stdout
    assert [line[6:18].strip() for line in done.stdout.splitlines()] == NAMES
    assert "fail" not in done.stdout


def test_json_holds_the_same_checks_with_numbers(harken):
    report = json.loads(harken("doctor", "--format", "json").stdout)
    assert [check["name"] for check in report["checks"]] == NAMES
    for check in report["checks"]:
        assert list(check) == ["name", "status", "sentence", "numbers"]
        assert check["status"] in ("ok", "warn", "fail")
        assert "\n" not in check["sentence"]
    numbers = {check["name"]: check["numbers"] for check in report["checks"]}
    assert numbers["decoder"]["formats"] > 100
    assert numbers["disk"]["free_mb"] > 0


def test_a_data_folder_that_cannot_be_written_fails_and_says_what_to_do(harken, tmp_path):
    (tmp_path / "file").write_text("in the way")
    environment = {"PATH": os.environ["PATH"], "HARKEN_DATA": str(tmp_path / "file/data")}
    done = harken("doctor", env=environment)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert "data folder" in line
    assert "HARKEN_DATA" in line
