"""Which room may use which: the contracts in pyproject.toml, held by import-linter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_rooms_import_only_those_above_them():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "heavy", ["av", "numpy", "onnxruntime", "altair", "pyarrow", "harken.sound", "harken.hearing"]
)
def test_help_loads_nothing_heavy(heavy):
    code = f"import sys, harken.cli.app\nsys.exit({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, check=False)
    assert done.returncode == 0


def test_no_file_name_says_nothing():
    vague = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
    names = {path.stem for path in (ROOT / "src").rglob("*.py")}
    assert not vague & names
