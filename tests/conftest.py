"""What all tests share: what they need from outside, and how they run beside each other."""

import contextlib
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).parents[1]
_MISSING = "missing: "
_chance = random.SystemRandom()


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


def _free_port() -> int:
    """Give a port of this machine on which nobody listens, for a server that cannot choose one.

    Below those that the system hands out, and each worker from a thousand of its
    own: a port of the system's could be another's before the server has it.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 12
    while True:
        port = 20_000 + 1_000 * worker + _chance.randrange(1_000)
        with contextlib.suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """See `_free_port`."""
    return _free_port


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give each file to one worker, and all that drive a browser to the same.

    What a file shares is made once. A browser with a hub that hears is work for
    a whole machine: two at a time would make each other late.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/e2e/"):
                return "tests/e2e"
            return super()._split_scope(nodeid)

    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if reason.startswith(f"Skipped: {_MISSING}") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{reason.removeprefix('Skipped: ')} (everything must be there under CI)"
    return report
