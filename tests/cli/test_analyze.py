import csv
import json
import shutil
import signal
import time

import numpy as np
import pytest

pytestmark = pytest.mark.e2e


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def analyze(harken, loud_is_crying):
    def run(*arguments, **options):
        return harken("analyze", *arguments, "--model", loud_is_crying, "--jobs", 2, **options)

    return run


def test_tables_hold_what_is_in_the_recordings(analyze, tmp_path, night, tone, write_wav):
    calm = write_wav(tmp_path / "calm.wav", tone(seconds=5))
    done = analyze(night, calm, "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 of 2 recordings, 1 bout: out\n"
    recordings = rows(tmp_path / "out/recordings.csv")
    assert list(recordings[0]) == [
        "recording",
        "seconds",
        "cry_seconds",
        "bouts",
        "status",
        "error",
    ]
    assert [row["recording"] for row in recordings] == [str(night), str(calm)]
    assert [row["seconds"] for row in recordings] == ["40.000", "5.000"]
    assert [row["bouts"] for row in recordings] == ["1", "0"]
    assert [row["status"] for row in recordings] == ["ok", "ok"]
    (bout,) = rows(tmp_path / "out/bouts.csv")
    assert list(bout) == ["recording", "onset_s", "offset_s", "mean_cry", "peak_dbfs"]
    assert bout["recording"] == str(night)
    assert float(bout["onset_s"]) == pytest.approx(10, abs=0.1)
    assert float(bout["offset_s"]) == pytest.approx(18, abs=0.1)
    lasted = float(bout["offset_s"]) - float(bout["onset_s"])
    assert float(recordings[0]["cry_seconds"]) == pytest.approx(lasted, abs=0.01)


def test_listen_and_analyze_find_the_same(
    analyze, harken, tmp_path, loud_is_crying, tone, write_wav, events
):
    spans = [(3, 4), (7, 12), (16, 19), (40, 47), (55, 56)]
    path = write_wav(tmp_path / "a.wav", tone(*spans, seconds=70))
    analyze(path, "--out", "out")
    live = harken("listen", path, "--format", "jsonl", "--model", loud_is_crying)
    ended = [event for event in events(live.stdout) if event["event"] == "bout_ended"]
    assert [
        (float(row["onset_s"]), float(row["offset_s"])) for row in rows(tmp_path / "out/bouts.csv")
    ] == [(round(event["onset"], 2), round(event["offset"], 2)) for event in ended]
    assert ended


def test_the_rule_and_the_model_in_force_are_stored(analyze, tmp_path, night):
    analyze(night, "--out", "out", "--rule", "min_duration=2")
    about = json.loads((tmp_path / "out/run.json").read_text())
    assert about["rule"]["min_duration"] == 2
    assert about["rule"]["on"] == 0.6
    assert about["model"]["name"] == "loud.onnx"
    assert len(about["model"]["sha256"]) == 64
    assert about["harken"]


def test_what_is_done_is_not_done_again(analyze, tmp_path, night):
    analyze(night, "--out", "out")
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/.harken").glob("*.json")}
    assert len(first) == 1
    analyze(night, "--out", "out")
    assert first == {p: p.stat().st_mtime_ns for p in (tmp_path / "out/.harken").glob("*.json")}
    analyze(night, "--out", "out", "--rule", "min_duration=60")
    assert rows(tmp_path / "out/bouts.csv") == []
    night.touch()
    analyze(night, "--out", "out")
    assert len(list((tmp_path / "out/.harken").glob("*.json"))) == 3
    assert len(rows(tmp_path / "out/bouts.csv")) == 1


def test_folders_are_searched_and_each_file_counts_once(analyze, tmp_path, tone, write_wav):
    (tmp_path / "in/deep").mkdir(parents=True)
    for name in ("b.wav", "deep/a.WAV"):
        write_wav(tmp_path / "in" / name, tone(seconds=1))
    (tmp_path / "in/notes.txt").write_text("no sound")
    done = analyze("in", "in/b.wav", "--out", "out")
    assert done.returncode == 0
    assert [row["recording"] for row in rows(tmp_path / "out/recordings.csv")] == [
        "in/b.wav",
        "in/deep/a.WAV",
    ]


def test_frames_hold_every_80_ms_of_every_recording(analyze, tmp_path, night, tone, write_wav):
    import pyarrow.parquet as pq

    calm = write_wav(tmp_path / "calm.wav", tone(seconds=5))
    analyze(calm, night, "--out", "out", "--frames")
    table = pq.read_table(tmp_path / "out/frames.parquet")
    assert table.column_names == ["recording", "time_s", "cry", "laugh", "voice", "level"]
    names = table["recording"].to_pylist()
    assert names == [str(calm)] * 62 + [str(night)] * 500
    times = np.array(table["time_s"])[62:]
    np.testing.assert_allclose(times, 0.08 * np.arange(500), atol=1e-9)
    cry = np.array(table["cry"])[62:]
    np.testing.assert_array_equal(cry > 0.5, (times > 9.95) & (times < 17.95))


def test_a_picture_is_made_for_each_recording(analyze, tmp_path, night):
    done = analyze(night, "--out", "out", "--plot")
    assert done.returncode == 0
    (picture,) = (tmp_path / "out/plots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    picture.unlink()
    analyze(night, "--out", "out", "--plot")
    assert picture.exists()


def test_stopped_in_the_middle_keeps_what_is_done_and_goes_on_from_there(
    start, analyze, tmp_path, tone, write_wav, loud_is_crying
):
    short = write_wav(tmp_path / "a.wav", tone((2, 8), seconds=20))
    one = write_wav(tmp_path / "long.wav", tone((3, 9), seconds=1800))
    recordings = [short]
    for k in range(12):
        recordings.append(tmp_path / f"b{k:02d}.wav")
        shutil.copy(one, recordings[-1])
    one.unlink()
    running = start(
        "analyze", *recordings, "--out", "out", "--frames", "--jobs", 1, "--model", loud_is_crying
    )
    journal = tmp_path / "out/.harken"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (
        journal.exists() and len(list(journal.glob("*.json"))) >= 2
    ):
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "the same command goes on from there" in complaint
    assert complaint.count("\n") == 1
    kept = {path: path.stat().st_mtime_ns for path in journal.glob("*.json")}
    assert 2 <= len(kept) < len(recordings)
    assert not list((tmp_path / "out").rglob("*.part"))
    states = [row["status"] for row in rows(tmp_path / "out/recordings.csv")]
    assert states.count("ok") == len(kept)
    assert states.count("waiting") == len(recordings) - len(kept)
    assert analyze(*recordings, "--out", "out", "--frames").returncode == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert {row["status"] for row in rows(tmp_path / "out/recordings.csv")} == {"ok"}
    assert len(rows(tmp_path / "out/bouts.csv")) == len(recordings)


def test_two_at_once_do_not_share_a_folder(
    start, analyze, tmp_path, tone, write_wav, loud_is_crying
):
    path = write_wav(tmp_path / "long.wav", tone(seconds=3600))
    first = start("analyze", path, "--out", "out", "--model", loud_is_crying)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (tmp_path / "out/.harken/lock").exists():
        time.sleep(0.01)
    time.sleep(0.05)
    second = analyze(path, "--out", "out")
    assert first.poll() is None
    assert second.returncode == 1
    assert "another harken is writing" in second.stderr
