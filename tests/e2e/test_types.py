"""The pages' scripts are typed by their comments; the compiler has the last word."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def test_the_scripts_of_the_pages_have_no_type_errors(require):
    compiler = require("node_modules/.bin/tsc")
    checked = subprocess.run(
        [compiler, "--noEmit", "-p", "tsconfig.json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
