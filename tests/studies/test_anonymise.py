"""What is passed on says nothing about who it is, and still fits together."""

import csv
from datetime import date
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.clips import write_flac
from harken.errors import AnnotationError, ParameterError
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


def test_what_stands_in_the_wrong_column_is_left_out_too(corpus: Path, tmp_path: Path) -> None:
    (corpus / "metadata/recordings.csv").write_text(
        "experiment,child_id,date_iso,start_time,recording_device_type,recording_filename,"
        "duration,discard\n"
        "Smiths,tom-smith,04/01/2026,about 9 at Jane's,Tom's phone,tom-smith-day1.wav,60000,"
        "granny was there\n"
    )
    left = anonymise(corpus, tmp_path / "out", KEY)
    text = everything(tmp_path / "out")
    for secret in ("Smith", "Jane", "Tom", "granny", "2026"):
        assert secret not in text.replace(f"{date.today():%Y-%m-%d}", "")
    for column in ("date_iso", "start_time", "recording_device_type", "discard"):
        what = f"recordings.csv: what stands in {column} and doesn't belong there, now NA (1)"
        assert what in left


def test_names_of_sets_and_files_beside_the_tables_are_told_and_gone(
    corpus: Path, tmp_path: Path
) -> None:
    (corpus / "metadata/remarks of Jane.csv").touch()
    (corpus / "metadata/recordings").mkdir()
    (corpus / "annotations/people").rename(corpus / "annotations/Jane")
    table = corpus / "metadata/annotations.csv"
    table.write_text(table.read_text().replace("people", "Jane"))
    left = anonymise(corpus, tmp_path / "out", KEY)
    assert "Jane" not in everything(tmp_path / "out")
    assert "metadata/remarks of Jane.csv" in left
    assert "metadata/recordings/" in left
    assert f"the set's name Jane, now {KEY.name('Jane', kind='set')}" in left
    (item,) = read(tmp_path / "out" / "annotations" / KEY.name("Jane", kind="set"))
    assert len(item.annotations) == 2


def test_two_sets_stay_two(corpus: Path, tmp_path: Path) -> None:
    (corpus / "annotations/vtc/raw").mkdir(parents=True)
    (corpus / "annotations/vtc/raw/a.rttm").write_text(
        "SPEAKER tom 1 1 2 <NA> <NA> KCHI <NA> <NA>\n"
    )
    with (corpus / "metadata/annotations.csv").open("a") as file:
        file.write("vtc,tom-smith-day1.wav,0,0,60000,a.rttm,vtc_rttm\n")
    anonymise(corpus, tmp_path / "out", KEY)
    assert sorted(len(item.annotations) for item in read(tmp_path / "out")) == [1, 2]
    anonymise(corpus / "annotations/vtc", tmp_path / "one", KEY)
    assert [len(item.annotations) for item in read(tmp_path / "one")] == [1]
    first, second = (
        (tmp_path / name / "metadata/recordings.csv").read_text() for name in ("out", "one")
    )
    assert first == second


def test_recordings_of_one_name_stay_apart(corpus: Path, tmp_path: Path) -> None:
    for table in ("recordings", "annotations"):
        path = corpus / "metadata" / f"{table}.csv"
        text = path.read_text().replace("tom-smith-day1.wav", "tom/day.wav")
        path.write_text(text.replace("tom-smith-day2.wav", "ann/day.wav"))
    anonymise(corpus, tmp_path / "out", KEY)
    with (tmp_path / "out/metadata/recordings.csv").open() as file:
        assert len({row["recording_filename"] for row in csv.DictReader(file)}) == 2


def test_what_looks_like_an_ending_is_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("recording,onset,offset,label\nmonday.Smith,1,2,cry\n")
    anonymise(tmp_path / "a.csv", tmp_path / "out", KEY)
    assert "Smith" not in everything(tmp_path / "out")


def test_half_a_copy_is_none(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("harken.studies.anonymise.write", full)
    with pytest.raises(AnnotationError, match="out: No space left"):
        anonymise(corpus, tmp_path / "out", KEY)
    assert sorted(tmp_path.iterdir()) == before


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
    with pytest.raises(ParameterError, match="no key can be made there"):
        Key.read(tmp_path / "nowhere/a.key")


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


def test_clips_of_one_name_stay_two_and_say_nothing(tmp_path: Path) -> None:
    crying = cry(2.0, rng=np.random.default_rng(1)).samples
    paths = [tmp_path / "in" / child / "clip.flac" for child in ("anna", "ben")]
    for path in paths:
        path.parent.mkdir(parents=True)
        write_flac(str(path), crying)
    made = anonymise_clips(paths, tmp_path / "out", KEY, open_detector("builtin"))
    assert len(set(made)) == 2
    for path in made:
        with av.open(str(path)) as file:
            assert {key.lower() for key in file.metadata} <= {"encoder"}
            assert {key.lower() for key in file.streams.audio[0].metadata} <= {"encoder"}


@pytest.mark.slow
def test_where_only_adults_speak_there_is_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    parts = [make(3.0, rng=rng).samples for make in (speak, cry, speak, cry, speak)]
    parts = [0.05 * part / np.sqrt(np.mean(part**2)) for part in parts]
    write_flac(str(tmp_path / "a.flac"), np.concatenate(parts))
    (made,) = anonymise_clips(
        [tmp_path / "a.flac"], tmp_path / "out", KEY, open_detector("builtin")
    )
    with open_source(str(made)) as source:
        out = np.concatenate([one.samples for one in source if isinstance(one, AudioBlock)])
    ends = np.cumsum([len(part) for part in parts])
    kept = [
        float(np.sum(piece**2) / np.sum(part**2))
        for piece, part in zip(np.split(out, ends[:-1]), parts, strict=True)
    ]
    assert max(kept[::2]) < 0.01
    assert min(kept[1::2]) > 0.9
