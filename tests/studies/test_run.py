import csv
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import fsspec
import fsspec.implementations.memory
import pytest

from harken.simulate import read_truth, true_bouts
from harken.studies import run as running
from harken.studies.cluster import workers
from harken.studies.corpus import read_corpus
from harken.studies.provenance import RunError, recipe_of
from harken.studies.reading import compare, read_run, read_status
from harken.studies.run import Study, study_again
from harken.writing import OutputError

DASK = Path(sys.executable).with_name("dask")
TRACE = ["rule", "model", "file_sha256", "harken", "run"]


@pytest.fixture
def corpus(short_nights, tmp_path) -> Path:
    """Two children, two recordings each, and what is no recording."""
    folder = tmp_path / "corpus"
    for k, path in enumerate(short_nights):
        child = folder / ("amy", "ben")[k % 2]
        child.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, child / path.name)
    (folder / "ben" / "broken.wav").write_bytes(b"RIFF" + bytes(40))
    return folder


def _study(corpus, out, *, rule="", frames=False, piece_s=0.0) -> Study:
    recipe = recipe_of("builtin", rule, frames=frames)
    return Study(read_corpus(corpus), out=out, recipe=recipe, piece_s=piece_s)


def _here(corpus, out, **options) -> list[str]:
    """Run without Dask; give what failed."""
    with _study(corpus, out, **options) as study:
        failures = [step.failure for step in study.run_here() if step.failure]
        study.write()
    return failures


def _on(client, corpus, out, **options) -> list[str]:
    with _study(corpus, out, **options) as study, closing(study.run(client)) as steps:
        failures = [step.failure for step in steps if step.failure]
        study.write()
    return failures


class _Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path, *, preload: Path | None = None) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0",
            "OMP_NUM_THREADS": "1",
        }
        place = folder / "scheduler.json"
        self._processes = [
            self._start("scheduler", "--scheduler-file", place, "--no-dashboard", "--port", "0",
                        "--host", "127.0.0.1")
        ]  # fmt: skip
        extra = ["--preload", preload] if preload else []
        for k in range(2):
            self._processes.append(
                self._start("worker", "--scheduler-file", place, "--nthreads", "1", "--nworkers",
                            "1", "--no-dashboard", "--name", f"node{k}", "--memory-limit", "0",
                            "--local-directory", folder / f"node{k}", *extra)
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not place.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.address = json.loads(place.read_text())["address"]

    def _start(self, *arguments: object) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [DASK, *map(str, arguments)], stdout=log, stderr=log, env=self._environment
            )

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = _Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture
def client(cluster):
    with workers(address=cluster.address) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


def test_two_nodes_give_what_one_loop_gives(client, corpus, tmp_path):
    here = _here(corpus, tmp_path / "here", frames=True)
    there = _on(client, corpus, tmp_path / "there", frames=True)
    assert here == there
    assert len(here) == 1
    made = compare(tmp_path / "here", tmp_path / "there")
    assert made.differences == ()
    assert made.recordings == 5


def test_a_golden_study(client, corpus, short_nights, tmp_path):
    _on(client, corpus, tmp_path / "out", frames=True)
    run = read_run(tmp_path / "out")
    assert run.bouts.column_names == [
        "child_id", "recording", "onset", "offset", "mean_cry", "peak_dbfs", *TRACE,
    ]  # fmt: skip
    recordings = {row["recording"]: row for row in run.recordings.to_pylist()}
    assert {name: row["status"] for name, row in recordings.items()} == {
        "amy/night0.flac": "ok",
        "ben/night1.flac": "ok",
        "amy/night2.flac": "ok",
        "ben/night3.flac": "ok",
        "ben/broken.wav": "error",
    }
    bouts = run.bouts.to_pylist()
    found = 0
    for k, path in enumerate(short_nights):
        name = f"{('amy', 'ben')[k % 2]}/{path.name}"
        mine = [row for row in bouts if row["recording"] == name]
        truth = true_bouts(read_truth(path.with_suffix(".csv")))
        for onset, offset in truth:
            found += any(
                abs(row["onset"] - onset) < 1.5 and abs(row["offset"] - offset) < 1.5
                for row in mine
            )
        assert len(mine) == recordings[name]["bouts"]
        assert {row["file_sha256"] for row in mine} <= {recordings[name]["file_sha256"]}
    assert found >= 0.7 * sum(
        len(true_bouts(read_truth(path.with_suffix(".csv")))) for path in short_nights
    )
    assert {row["run"] for row in bouts} == {run.about["run"]}
    assert {row["child_id"] for row in bouts} == {"amy", "ben"}
    levels = run.levels.to_pylist()
    assert sum(row["heard_s"] for row in levels) == pytest.approx(
        sum(row["seconds"] for row in recordings.values()), abs=1
    )
    assert run.dataset("frames").count_rows() == round(sum(r["heard_s"] for r in levels) / 0.08)
    assert run.answers().n == run.episodes.num_rows == len(run.episodes.to_pylist())
    assert set(run.voice.column_names) > {"onset", "offset", "mean_voice", "level_dbfs"}


def test_long_recordings_in_pieces_on_two_nodes_are_those_of_one_loop(
    client, long_night, transcode, tmp_path
):
    folder = tmp_path / "corpus"
    folder.mkdir()
    shutil.copy(long_night, folder / "a.flac")
    transcode(long_night, folder / "b.m4a", "aac", 44_100)
    _here(folder, tmp_path / "whole", frames=True)
    _on(client, folder, tmp_path / "cut", frames=True, piece_s=300)
    assert compare(tmp_path / "whole", tmp_path / "cut").differences == ()
    rows = {row["recording"]: row for row in read_run(tmp_path / "cut").recordings.to_pylist()}
    assert rows["a.flac"]["pieces"] == 2
    # Its decoder makes up noise, so pieces would not be those of the whole.
    assert rows["b.m4a"]["pieces"] == 1
    assert not list((tmp_path / "cut/.harken/pieces").glob("*/*"))


def test_pieces_that_do_not_agree_are_heard_whole(long_night, tmp_path):
    from harken.studies import work

    (tmp_path / "corpus").mkdir()
    shutil.copy(long_night, tmp_path / "corpus/a.flac")
    with _study(tmp_path / "corpus", tmp_path / "out", piece_s=300) as study:
        (job,) = study.todo
        found = work.begin(job)
        assert isinstance(found, work.Cut)
        for piece in found.pieces:
            assert work.hear(job, found, piece.number) == ""
        kept = sorted(job.pieces(found.sha256).iterdir())
        shutil.copy(kept[0], kept[1])
        receipt = work.finish(job, found)
    assert receipt.status == "ok"
    assert receipt.pieces == 1
    assert receipt.whole.startswith("piece 1")
    _here(tmp_path / "corpus", tmp_path / "whole")
    left, right = (read_run(tmp_path / name).bouts for name in ("out", "whole"))
    assert left.equals(right)


def test_what_is_done_is_not_done_again(corpus, tmp_path):
    out = tmp_path / "out"
    with _study(corpus, out) as study, closing(study.run_here()) as steps:
        next(steps)
        next(steps)
    status = read_status(out)
    assert (status.ok, status.waiting, status.running) == (2, 3, False)
    before = {path: path.stat().st_mtime_ns for path in out.glob("bouts/*/*/*")}
    assert len(before) == 2
    _here(corpus, out)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert read_status(out).waiting == 0
    with _study(corpus, out) as study:
        # Only what failed is tried again.
        assert [job.recording.name for job in study.todo] == ["ben/broken.wav"]


def test_a_file_is_known_by_its_content(corpus, tmp_path):
    out = tmp_path / "out"
    _here(corpus, out)
    touched, other = corpus / "amy/night0.flac", corpus / "amy/night2.flac"
    os.utime(touched, (1, 1))
    shutil.copy(touched, other)
    before = {path: path.stat().st_mtime_ns for path in out.glob("bouts/*/*/*")}
    _here(corpus, out)
    changed = {p.parent.name for p, at in before.items() if p.stat().st_mtime_ns != at}
    assert changed == {"recording=amy%2Fnight2.flac"}
    problems = read_run(out).about["corpus"]["problems"]
    assert any("is the same file as" in one for one in problems)
    # The new time of change is known now.
    with _study(corpus, out) as study:
        assert len(study.todo) == 1


def test_another_rule_is_another_run_and_what_left_the_corpus_leaves_the_results(corpus, tmp_path):
    out = tmp_path / "out"
    _here(corpus, out)
    first = read_run(out).about["run"]
    (corpus / "ben/night1.flac").unlink()
    (corpus / "ben/broken.wav").unlink()
    with _study(corpus, out) as study:
        assert sorted(study.gone) == ["ben/broken.wav", "ben/night1.flac"]
    assert _here(corpus, out, rule="max_gap=1") == []
    run = read_run(out)
    with _study(corpus, out, rule="max_gap=1") as study:
        assert study.gone == ()
    assert run.about["run"] != first
    assert set(run.bouts["run"].to_pylist()) == {run.about["run"]}
    assert run.recordings.num_rows == 3
    assert "ben/night1.flac" not in run.bouts["recording"].to_pylist()


def test_a_recording_that_breaks_later_leaves_no_old_rows(corpus, tmp_path):
    out = tmp_path / "out"
    _here(corpus, out)
    (corpus / "amy/night0.flac").write_bytes(b"fLaC" + bytes(100))
    assert len(_here(corpus, out)) == 2
    assert "amy/night0.flac" not in read_run(out).bouts["recording"].to_pylist()


def test_one_folder_is_for_one_corpus_and_one_process(corpus, tmp_path, short_nights):
    with _study(corpus, tmp_path / "out"):
        assert read_status(tmp_path / "out").running
        with pytest.raises(OutputError, match="another harken"):
            _study(corpus, tmp_path / "out")
    with pytest.raises(RunError, match="holds the study of"):
        _study(short_nights[0], tmp_path / "out")


def test_a_run_can_be_repeated_and_a_change_is_found(corpus, tmp_path):
    _here(corpus, tmp_path / "out")
    with study_again(tmp_path / "out", out=tmp_path / "again") as study:
        list(study.run_here())
        study.write()
    assert compare(tmp_path / "out", tmp_path / "again").equal
    shutil.copy(corpus / "ben/night3.flac", corpus / "ben/night1.flac")
    with study_again(tmp_path / "out", out=tmp_path / "third") as study:
        list(study.run_here())
        study.write()
    made = compare(tmp_path / "out", tmp_path / "third")
    assert "ben/night1.flac: the file has changed" in made.differences
    with pytest.raises(RunError, match="already"):
        study_again(tmp_path / "out", out=tmp_path / "third")


@pytest.mark.parametrize("what", ["harken", "model"])
def test_a_run_of_other_software_is_not_called_a_repetition(corpus, tmp_path, what):
    _here(corpus, tmp_path / "out")
    plan = tmp_path / "out/.harken/plan.json"
    content = json.loads(plan.read_text())
    if what == "harken":
        content["recipe"]["harken"] = "0.0.1"
    else:
        content["recipe"]["model"]["sha256"] = "0" * 64
    plan.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"0\.0\.1|is not the one of the run"):
        study_again(tmp_path / "out", out=tmp_path / "again")


def test_a_run_that_is_not_done_is_not_repeated(corpus, tmp_path):
    with _study(corpus, tmp_path / "out") as study, closing(study.run_here()) as steps:
        next(steps)
    with pytest.raises(RunError, match=r"4 recordings of .* were not heard yet"):
        study_again(tmp_path / "out", out=tmp_path / "again")


def test_a_plan_of_another_version_is_one_line(corpus, tmp_path):
    _here(corpus, tmp_path / "out")
    plan = tmp_path / "out/.harken/plan.json"
    content = json.loads(plan.read_text())
    content["recipe"]["voice"]["timbre"] = 1.0
    plan.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"another version of Harken.*timbre"):
        read_status(tmp_path / "out")
    with pytest.raises(RunError, match="another version of Harken"):
        _study(corpus, tmp_path / "out")


@pytest.mark.parametrize("name", ["recordings.csv", "run.json", "bouts"])
def test_what_is_not_harkens_is_not_replaced(corpus, tmp_path, name):
    (corpus / name).write_text("of the lab")
    with pytest.raises(OutputError, match=f"holds '{name}', which is no result"):
        _study(corpus, corpus)
    assert (corpus / name).read_text() == "of the lab"


def test_results_among_the_recordings_are_not_heard(corpus, tmp_path):
    _here(corpus, corpus / "out", frames=True)
    with _study(corpus, corpus / "out") as study:
        assert len(study.jobs) == 5


def test_names_in_any_script_and_names_that_are_too_long(corpus, tmp_path):
    names = ("запись первого дня 1.flac", "日" * 60 + ".flac", "a=b%2F c?.flac")
    for name in (*names, "x" * 246 + ".flac"):
        shutil.copy(corpus / "ben/night1.flac", corpus / "ben" / name)
    odd = os.fsdecode(b"day\xff.flac")
    shutil.copy(corpus / "ben/night1.flac", corpus / "ben" / odd)
    failures = _here(corpus, tmp_path / "out", frames=True)
    assert sum("too long" in one for one in failures) == 1
    assert len(failures) == 2
    run = read_run(tmp_path / "out")
    rows = run.bouts.to_pylist()
    bouts = {
        name: [(row["onset"], row["offset"]) for row in rows if row["recording"] == f"ben/{name}"]
        for name in ("night1.flac", *names, "day\\xff.flac")
    }
    assert len(bouts["night1.flac"]) > 0
    assert all(found == bouts["night1.flac"] for found in bouts.values())
    assert run.dataset("frames").count_rows() > 0
    with _study(corpus, tmp_path / "out", frames=True) as study:
        assert len(study.todo) == 2
    assert compare(tmp_path / "out", tmp_path / "out").equal


def test_frames_that_are_not_wanted_any_more_go(corpus, tmp_path):
    _here(corpus, tmp_path / "out", frames=True)
    assert list((tmp_path / "out/frames").glob("*/*/*"))
    _here(corpus, tmp_path / "out", rule="max_gap=1")
    assert not list((tmp_path / "out/frames").glob("*/*/*"))


@pytest.mark.parametrize("read", [read_run, read_status])
def test_what_is_no_study_is_one_line(tmp_path, read):
    with pytest.raises(RunError, match="holds no study"):
        read(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="holds no study"):
        read(tmp_path)


def test_tables_that_are_not_there_are_named(corpus, tmp_path):
    _here(corpus, tmp_path / "out")
    run = read_run(tmp_path / "out")
    with pytest.raises(RunError, match="--frames"):
        run.table("frames")
    with pytest.raises(RunError, match="bouts"):
        run.table("cries")


class _Flaky(fsspec.implementations.memory.MemoryFileSystem):
    """An object store whose connection breaks."""

    protocol = "flaky"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("flaky://"))

    def _open(self, path, mode="rb", **options):
        if mode == "rb" and path.endswith("reset.flac"):
            raise ConnectionResetError("reset by https://me:secret@store/a?key=secret")
        return super()._open(path, mode, **options)


def test_what_a_network_refuses_concerns_one_recording_and_tells_no_secret(short_nights, tmp_path):
    fsspec.register_implementation("flaky", _Flaky, clobber=True)
    system = fsspec.filesystem("flaky")
    for name in ("amy/reset.flac", "amy/good.flac"):
        system.pipe_file(f"/lab-flaky/{name}", short_nights[0].read_bytes())
    system.pipe_file("/lab-flaky/amy/damaged.flac", b"fLaC" + bytes(40))
    damaged, reset = _here("flaky://lab-flaky", tmp_path / "out")
    assert damaged.startswith("'flaky:///lab-flaky/amy/damaged.flac' is not a sound file")
    assert "reset by https://***@store/a?***" in reset
    assert read_status(tmp_path / "out").ok == 1
    system.rm("/lab-flaky", recursive=True)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _served(folder: Path):
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_no_secret_of_an_address_is_written_where_others_read(short_nights, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    shutil.copy(short_nights[0], files / "a.flac")
    out, listed = tmp_path / "out", tmp_path / "list.csv"
    with _served(files) as server:
        place = f"http://127.0.0.1:{server.server_port}/a.flac?Signature="
        listed.write_text(f"recording,child_id\n{place}hidden1,amy\n")
        assert _here(listed, out) == []
        with study_again(out, out=tmp_path / "again") as study:
            assert len(list(study.run_here())) == 1
            study.write()
        # Signed anew it is the same recording, and need not be fetched.
        listed.write_text(f"recording,child_id\n{place}hidden2,amy\n")
        with _study(listed, out) as study:
            assert study.todo == []
        server.shutdown()
    assert compare(out, tmp_path / "again").equal
    listed.unlink()
    held = [path for path in tmp_path.rglob("*") if path.is_file()]
    secret = [path for path in held if b"hidden" in path.read_bytes() or "hidden" in str(path)]
    assert len(secret) == 2
    assert {(path.name, path.stat().st_mode & 0o777) for path in secret} == {
        ("addresses.json", 0o600)
    }


def test_recordings_may_be_elsewhere(client, short_nights, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for path in short_nights[:2]:
        shutil.copy(path, files)
    with _served(files) as server:
        place = f"http://127.0.0.1:{server.server_port}"
        with (tmp_path / "list.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["recording", "child_id"])
            rows.writerows([f"{place}/{path.name}", "amy"] for path in short_nights[:2])
            rows.writerow([f"{place}/gone.flac", "amy"])
        failures = _on(client, tmp_path / "list.csv", tmp_path / "out")
        server.shutdown()
    _here(files, tmp_path / "near")
    far, near = (read_run(tmp_path / name).bouts for name in ("out", "near"))
    assert far.num_rows > 0
    assert far["onset"].equals(near["onset"])
    assert read_status(tmp_path / "out").error == 1
    assert failures == [] or "gone.flac" in failures[0]


def test_a_worker_that_is_killed_loses_nothing(short_nights, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for k in range(12):
        shutil.copy(short_nights[k % 4], folder / f"{k:02}.flac")
    _here(folder, tmp_path / "calm")
    made = _Cluster(tmp_path)
    try:
        with workers(address=made.address) as client:
            client.wait_for_workers(2, timeout=60)
            kills = 0
            with _study(folder, tmp_path / "out") as study, closing(study.run(client)) as steps:
                for step in steps:
                    if step.done > 2 * kills and kills < 3:
                        for pid in list(client.run(os.getpid, on_error="ignore").values())[:1]:
                            os.kill(pid, signal.SIGKILL)
                            kills += 1
                study.write()
            assert kills == 3
    finally:
        made.close()
    assert compare(tmp_path / "calm", tmp_path / "out").differences == ()


def test_a_result_that_goes_with_its_worker_is_waited_for(client, corpus, tmp_path, monkeypatch):
    take, lost = running._next, []

    def take_late(ready):
        future = take(ready)
        if future is not None and future.key not in lost:
            # As the scheduler says it of what only a worker held that has died since.
            lost.append(future.key)
            future._state.lose()
            threading.Timer(0.2, client.loop.add_callback, [future._state.finish]).start()
        return future

    monkeypatch.setattr(running, "_next", take_late)
    assert len(_on(client, corpus, tmp_path / "out")) == 1
    assert len(lost) == read_run(tmp_path / "out").recordings.num_rows == 5


def test_a_file_that_kills_its_worker_is_told_and_the_rest_is_heard(corpus, tmp_path):
    shutil.copy(corpus / "amy/night0.flac", corpus / "amy/poison.flac")
    preload = tmp_path / "preload.py"
    preload.write_text(
        "import os, signal, sys\n"
        "def look(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('poison.flac'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.addaudithook(look)\n"
    )
    made = _Cluster(tmp_path, preload=preload)
    try:
        with workers(address=made.address) as client:
            client.wait_for_workers(2, timeout=60)
            failures = _on(client, corpus, tmp_path / "out")
    finally:
        made.close()
    status = read_status(tmp_path / "out")
    assert (status.ok, status.error, status.waiting) == (4, 2, 0)
    assert any("killed or crashed" in one for one in failures)
    assert dict(status.errors)["amy/poison.flac"].startswith("the process that read it")


def test_processes_and_threads_of_this_machine_do_as_well(corpus, tmp_path):
    _here(corpus, tmp_path / "here")
    for name, options in (("processes", {"processes": 2}), ("threads", {"threads": 2})):
        with workers(**options) as client:
            _on(client, corpus, tmp_path / name)
        assert compare(tmp_path / "here", tmp_path / name).differences == ()


def test_a_worker_that_does_not_see_the_folder_stops_the_run(client, corpus, tmp_path):
    with _study(corpus, tmp_path / "out") as study, closing(study.run(client)) as steps:
        (tmp_path / "out/.harken/plan.json").unlink()
        with pytest.raises(RunError, match="does not see"):
            list(steps)
