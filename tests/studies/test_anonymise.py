"""What is passed on says nothing about who it is, and still fits together."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.clips import write_flac
from harken.errors import ParameterError
from harken.hearing import HOP, Frames, open_detector
from harken.simulate import cry, speak
from harken.sound import RATE, AudioBlock, open_source
from harken.studies import read
from harken.studies.anonymise import Key, anonymise, anonymise_clips, mute_all_but_crying

KEY = Key(bytes(range(32)))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "Family Smith"
    (folder / "metadata").mkdir(parents=True)
    (folder / "annotations/people/raw").mkdir(parents=True)
    (folder / "metadata/children.csv").write_text(
        "experiment,child_id,child_dob,mother,languages\n"
        "lab,tom-smith,2025-11-03,Jane,en\nlab,ann-jones,2025-10-01,Liz,en\n"
    )
    (folder / "metadata/recordings.csv").write_text(
        "experiment,child_id,date_iso,start_time,recording_device_type,recording_filename,"
        "duration,notes\n"
        "lab,tom-smith,2026-01-04,09:00,usb,tom-smith-day1.wav,60000,granny was there\n"
        "lab,tom-smith,2026-01-11,09:00,usb,tom-smith-day2.wav,60000,\n"
    )
    (folder / "metadata/annotations.csv").write_text(
        "set,recording_filename,time_seek,range_onset,range_offset,raw_filename,format\n"
        "people,tom-smith-day1.wav,0,0,60000,day1.csv,csv\n"
    )
    (folder / "annotations/people/raw/day1.csv").write_text(
        "onset,offset,label,speaker,transcription\n1,4,cry,CHI,\n5,7,speech,FEM,hello little Tom\n"
    )
    return folder


def everything(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path.relative_to(folder)}\n{path.read_text('utf-8')}" for path in files)


def test_no_name_date_or_word_is_left(corpus: Path, tmp_path: Path) -> None:
    left = anonymise(corpus, tmp_path / "out", KEY)
    text = everything(tmp_path / "out")
    for secret in (
        "tom-",
        "Tom",
        "smith",
        "Smith",
        "Jane",
        "granny",
        "hello",
        "2026-01",
        "2025-11",
    ):
        assert secret not in text
    assert "children.csv: column mother" in left
    assert "recordings.csv: column notes" in left
    assert "the sound" in left


def test_ages_intervals_and_weekdays_stay(corpus: Path, tmp_path: Path) -> None:
    anonymise(corpus, tmp_path / "out", KEY)
    with (tmp_path / "out/metadata/recordings.csv").open() as file:
        first, second = (date.fromisoformat(row["date_iso"]) for row in csv.DictReader(file))
    with (tmp_path / "out/metadata/children.csv").open() as file:
        born = date.fromisoformat(next(csv.DictReader(file))["child_dob"])
    assert (second - first).days == 7
    assert (first - born).days == (date(2026, 1, 4) - date(2025, 11, 3)).days
    assert first.weekday() == date(2026, 1, 4).weekday()
    assert first <= date(2025, 1, 5)


def test_what_was_heard_is_kept(corpus: Path, tmp_path: Path) -> None:
    anonymise(corpus, tmp_path / "out", KEY)
    (item,) = read(tmp_path / "out")
    assert [(one.onset, one.offset, one.label, one.speaker) for one in item.annotations] == [
        (1.0, 4.0, "cry", "CHI"),
        (5.0, 7.0, "speech", "FEM"),
    ]
    with (tmp_path / "out/metadata/recordings.csv").open() as file:
        assert item.recording in {row["recording_filename"] for row in csv.DictReader(file)}


@given(st.text(max_size=20), st.text(max_size=20))
def test_another_key_gives_other_names(one: str, other: str) -> None:
    second = Key(bytes(32))
    assert KEY.name(one) == KEY.name(one)
    assert KEY.name(one) != second.name(one)
    assert (KEY.name(one) == KEY.name(other)) == (one == other)
    assert 52 <= KEY.weeks(one) <= 260


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    made = Key.read(path)
    assert Key.read(path) == made
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("password")
    with pytest.raises(ParameterError, match="no key"):
        Key.read(path)


def test_nothing_is_written_over(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ParameterError, match="there already"):
        anonymise(corpus, tmp_path / "out", KEY)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_what_is_no_cry_is_wholly_silent(rows: list[tuple[float, float]]) -> None:
    heard = np.array(rows, np.float32)
    flat = np.zeros(len(rows), np.float32)
    frames = Frames(np.arange(len(rows)) * 0.08, heard[:, 0], flat, heard[:, 1], flat)
    out = mute_all_but_crying(np.ones(len(rows) * HOP, np.float32), frames, on=0.5)
    by_frame = np.abs(out).reshape(-1, HOP).max(1)
    keep = (heard[:, 0] >= 0.5) & (heard[:, 1] < 0.5)
    assert np.all(by_frame[~keep] == 0)
    assert np.all(by_frame[keep] > 0.99)


@pytest.mark.slow
def test_a_clip_keeps_the_crying_and_no_speech(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    crying = cry(6.0, rng=rng).samples
    talk = speak(6.0, rng=rng).samples
    level = np.sqrt(np.mean(crying**2)) / max(np.sqrt(np.mean(talk**2)), 1e-9)
    (tmp_path / "in").mkdir()
    write_flac(str(tmp_path / "in/anna-monday.flac"), np.concatenate([talk * level, crying]))
    paths = [tmp_path / "in/anna-monday.flac"]
    (made,) = anonymise_clips(paths, tmp_path / "out", KEY, open_detector("builtin"))
    assert "anna" not in made.name
    with open_source(str(made)) as source:
        out = np.concatenate([one.samples for one in source if isinstance(one, AudioBlock)])
    loud = np.square(out)
    talked = len(talk) - RATE // 2
    assert loud[:talked].sum() < 0.01 * loud.sum()
    assert np.mean(np.abs(out[len(talk) :]) > 0) > 0.4
