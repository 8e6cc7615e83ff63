"""What all tests share: how a test says that something it needs is not here."""

import os
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).parents[1]
_MISSING = "missing: "


def _require(needed: str) -> Path:
    """Give where a program or a path of the repository is; skip the test where it is not.

    Under CI a test that is skipped for this reason fails: there everything must be.
    """
    path = ROOT / needed
    if "/" not in needed:
        path = Path(which(needed) or "")
        found = which(needed) is not None
    else:
        found = path.exists()
    if not found:
        pytest.skip(f"{_MISSING}{needed}")
    return path


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """`require("ffmpeg")` or `require("../shared/peers/yamnet.tflite")`."""
    return _require


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if reason.startswith(f"Skipped: {_MISSING}") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{reason.removeprefix('Skipped: ')} (everything must be there under CI)"
    return report
