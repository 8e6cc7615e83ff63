import importlib.util
import os
import subprocess
import sys
import urllib.request

import pytest

from harken.errors import ParameterError
from harken.studies.cluster import dashboard_of, read_slurm, workers
from harken.studies.provenance import RunError


def test_a_scheduler_that_is_not_there_is_one_line():
    with (
        pytest.raises(RunError, match="no Dask scheduler answers"),
        workers(address="tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.parametrize(
    "options", [{}, {"processes": 1, "threads": 1}, {"address": "a", "slurm": "jobs=1"}]
)
def test_workers_come_from_one_place(options):
    with pytest.raises(ParameterError, match="give one"), workers(**options):
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs", "key=value"),
        ("nodes=3", "nodes"),
        ("jobs=2,jobs=3", "twice"),
        ("jobs=0", "from 1 on"),
        ("cores=many", "from 1 on"),
    ],
)
def test_what_slurm_is_asked_for_must_be_clear(text, said):
    with pytest.raises(ParameterError, match=said):
        read_slurm(text)


@pytest.mark.parametrize("options", [{"processes": 1}, {"threads": 1}])
def test_the_dashboard_is_served_where_its_link_says(options):
    with workers(**options) as client:
        link = dashboard_of(client)
        assert link.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(link, timeout=30) as page:
            assert page.status == 200
            assert b"Dask" in page.read()


def test_without_bokeh_there_is_no_link(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with workers(threads=1) as client:
        assert dashboard_of(client) == ""


CTRL_C = """
import signal, sys
from harken.studies.cluster import slurm_cluster
from harken.studies.provenance import RunError
try:
    slurm_cluster("jobs=1")
except RunError as error:
    print(error)
sys.exit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)
"""


def test_ctrl_c_is_heard_with_slurm_too():
    environment = os.environ | {"PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "needs sbatch" in done.stdout
