import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from harken.cli.study import left_text
from harken.studies.reading import read_run
from harken.studies.run import Step


@pytest.fixture
def corpus(tmp_path, tone, write_wav):
    """Two children; three recordings of which one is broken."""
    folder = tmp_path / "corpus"
    for child, name, span in (("amy", "a.wav", (10, 18)), ("ben", "b.wav", (5, 12))):
        (folder / child).mkdir(parents=True)
        write_wav(folder / child / name, tone(span, seconds=30))
    (folder / "ben/broken.wav").write_bytes(b"RIFF" + bytes(40))
    return folder


def test_a_study_from_beginning_to_repetition(harken, corpus, loud_is_crying, tmp_path):
    command = ["study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying]
    done = harken(*command, "--local", "1")
    assert done.returncode == 1, done.stderr
    assert "2 of 3 recordings" in done.stdout
    assert "broken.wav" in done.stderr
    assert "Dask's dashboard" in done.stderr
    run = read_run(tmp_path / "out")
    assert [(row["child_id"], row["onset"], row["offset"]) for row in run.bouts.to_pylist()] == [
        ("amy", pytest.approx(10, abs=0.2), pytest.approx(18, abs=0.2)),
        ("ben", pytest.approx(5, abs=0.2), pytest.approx(12, abs=0.2)),
    ]
    told = harken("study", "status", tmp_path / "out")
    assert told.returncode == 0
    assert "is done: 3 of 3 recordings" in told.stdout
    assert "ok 2, partial 0, error 1, waiting 0" in told.stdout
    again = harken("study", "rerun", tmp_path / "out", "--threads", "1")
    assert again.returncode == 0, again.stderr
    assert "3 recordings: every row of every table is the same" in again.stdout
    assert not list(tmp_path.glob(".again-*"))


def test_a_repetition_that_differs_says_where(
    harken, corpus, loud_is_crying, tmp_path, tone, write_wav
):
    (corpus / "ben/broken.wav").unlink()
    first = harken(
        "study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying, "--threads", "1"
    )
    assert first.returncode == 0, first.stderr
    write_wav(corpus / "amy/a.wav", tone((11, 19), seconds=30))
    again = harken("study", "rerun", tmp_path / "out", "-o", tmp_path / "again", "--threads", "1")
    assert again.returncode == 1
    assert "amy/a.wav: the file has changed" in again.stdout
    assert "amy/a.wav: bouts differ" in again.stdout
    assert (tmp_path / "again/run.json").is_file()


def test_a_study_that_is_stopped_goes_on(start, harken, corpus, loud_is_crying, tmp_path):
    for k in range(60):
        (corpus / f"amy/{k:02}.wav").write_bytes((corpus / "amy/a.wav").read_bytes())
    command = ["study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying]
    process = start(*command, "--local", "1")
    deadline = time.monotonic() + 60
    done = tmp_path / "out/.harken/done"
    while time.monotonic() < deadline and len(list(done.glob("*.json"))) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped" in errors
    assert "the same command goes on from there" in errors
    assert "waiting 0" not in harken("study", "status", tmp_path / "out").stdout
    assert harken(*command, "--local", "1").returncode == 1
    assert "waiting 0" in harken("study", "status", tmp_path / "out").stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--local", "1", "--threads", "1"], "give only one of"),
        (["--slurm", "jobs=none"], "from 1 on"),
        (["--slurm", "jobs=1"], "needs sbatch"),
        (["--cluster", "tcp://127.0.0.1:1"], "no Dask scheduler answers"),
        (["--piece-hours", "0.01"], "piece_s"),
        (["--rule", "loud=1"], "loud"),
        (["--model", "none"], "model 'none'"),
    ],
)
def test_what_cannot_be_is_one_line(harken, corpus, tmp_path, options, said):
    # No sbatch, wherever this runs.
    environment = os.environ | {"PATH": str(Path(sys.executable).parent)}
    done = harken("study", "run", corpus, "-o", tmp_path / "out", *options, env=environment)
    assert done.returncode in (1, 2)
    lines = done.stderr.strip().splitlines()
    assert said in lines[-1]
    assert lines[-1].startswith("harken: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["status", "rerun"])
def test_what_is_no_study_is_one_line(harken, tmp_path, command):
    done = harken("study", command, tmp_path)
    assert done.returncode == 1
    assert "holds no study" in done.stderr


SBATCH = """#!/bin/sh
# Stands in for SLURM: a job is a process of this machine.
cp "$1" "{folder}/job.sh"
setsid {shell} "{folder}/job.sh" > "{folder}/job.log" 2>&1 &
echo $! > "{folder}/pid"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- -"$1" 2> "{folder}/cancel.log" || true
"""


def test_jobs_of_slurm_are_asked_for_and_given_back(harken, corpus, loud_is_crying, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (programs / name).write_text(text.format(folder=tmp_path, shell="sh"))
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = harken(
        "study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying,
        "--slurm", f"jobs=1,cores=2,memory=2GB,queue=cpu,account=lab,time=00:10:00,"
        f"extra=--constraint=avx2,interface=lo,python={sys.executable}",
        env=environment,
    )  # fmt: skip
    assert "2 of 3 recordings" in done.stdout, done.stderr
    job = (tmp_path / "job.sh").read_text()
    for line in ("-p cpu", "-A lab", "-t 00:10:00", "--constraint=avx2", "--cpus-per-task=2"):
        assert f"#SBATCH {line}" in job
    assert "MALLOC_TRIM_THRESHOLD_" in job
    assert list((tmp_path / "out/.harken/logs").iterdir()) == []
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(0, 10, 0.0, None, 0), "waiting for workers"),
        (Step(0, 10, 0.0, None, 2), ""),
        (Step(5, 10, 0.5, 5400.4, 2), "1:30:00 left"),
    ],
)
def test_the_time_left_is_said_once_it_is_known(step, said):
    assert left_text(step) == said


def test_run_json_says_what_was_in_force(harken, corpus, loud_is_crying, tmp_path):
    harken(
        "study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying, "--threads", "1",
        "--rule", "max_gap=2",
    )  # fmt: skip
    about = json.loads((tmp_path / "out/run.json").read_text())
    assert about["rule"]["max_gap"] == 2.0
    assert about["recordings"] == {"all": 3, "ok": 2, "partial": 0, "error": 1, "waiting": 0}
    assert about["ended"] >= about["started"]
    assert about["answers"]["biases"]
    (corpus / "ben/broken.wav").unlink()
    again = harken(
        "study", "run", corpus, "-o", tmp_path / "out", "--model", loud_is_crying, "--threads", "1",
        "--rule", "max_gap=2",
    )  # fmt: skip
    assert again.returncode == 0
    assert "ben/broken.wav is no longer in the corpus; its rows are taken out" in again.stderr
