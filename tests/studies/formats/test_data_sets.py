"""Data sets that are somebody's: what is added, and what has to stay."""

import csv
from pathlib import Path

import pytest

from harken.errors import AnnotationError
from harken.studies import Annotation, Annotations, read, write

HEAD = "set,recording_filename,time_seek,range_onset,range_offset,raw_filename,format,"
CRY = Annotation(onset=1.0, offset=2.5, label="cry", speaker="CHI", source="Y", tier="night")


def night(name: str, *some: Annotation, **more: object) -> Annotations:
    return Annotations(recording=name, annotations=some or (CRY,), **more)  # type: ignore[arg-type]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A lab's own: a mark in front, lines as Windows ends them, columns in an order of its own."""
    root = tmp_path / "corpus"
    (root / "metadata").mkdir(parents=True)
    (root / "annotations/vtc/raw").mkdir(parents=True)
    (root / "metadata/children.csv").write_bytes(
        b"\xef\xbb\xbfchild_id,experiment,child_dob\r\nanna,e,2025-01-01\r\n"
    )
    (root / "metadata/recordings.csv").write_bytes(
        b"\xef\xbb\xbfremark,recording_filename,child_id,experiment,date_iso,start_time,"
        b"recording_device_type,duration,might_feature_gaps\r\n"
        b'" ""quoted"", \r\nof two lines",anna/day1.mp3,anna,e,2025-03-01,9:00,usb,60000,0\r\n'
        b"  spaces  ,ben/day1.mp3,ben,e,2025-03-01,9:00,usb,060000,0"
    )
    (root / "metadata/annotations.csv").write_bytes(
        b"note," + HEAD.encode() + b"annotation_filename\n"
        b"x,vtc,anna/day1.mp3,0,0,60000,day1.rttm,vtc_rttm,\n"
    )
    (root / "annotations/vtc/raw/day1.rttm").write_text(
        "SPEAKER day1 1 1 2 <NA> <NA> KCHI <NA> <NA>\n"
    )
    return root


def tables(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (corpus / "metadata").iterdir()}


def test_what_stands_in_the_tables_stays_to_the_byte(corpus: Path) -> None:
    before = tables(corpus)
    write([night("anna/day1.mp3", duration=60.0)], corpus)
    after = tables(corpus)
    assert after["recordings.csv"] == before["recordings.csv"]
    assert after["children.csv"] == before["children.csv"]
    # Two columns more, so a cell more in every row; the cells and the rest are the same.
    old, new = (list(csv.reader(each["annotations.csv"].decode().splitlines()))
                for each in (before, after))  # fmt: skip
    assert [row[: len(old[0])] for row in new[:2]] == old
    assert new[2][:3] == ["", "harken", "anna/day1.mp3"]
    before = tables(corpus)
    write([night("ben/day1.mp3", duration=60.0)], corpus)
    assert tables(corpus)["annotations.csv"].startswith(before["annotations.csv"])
    assert {(item.set, item.recording) for item in read(corpus)} == {
        ("vtc", "anna/day1.mp3"), ("harken", "anna/day1.mp3"), ("harken", "ben/day1.mp3"),
    }  # fmt: skip


def test_a_recording_that_is_new_gets_a_row_and_so_does_nobodys_child(corpus: Path) -> None:
    before = tables(corpus)
    write([night("day9.wav")], corpus)
    after = tables(corpus)
    assert after["recordings.csv"].startswith(before["recordings.csv"] + b"\r\n")
    row = rows(corpus / "metadata/recordings.csv")[-1]
    assert (row["recording_filename"], row["experiment"], row["remark"]) == ("day9.wav", "e", "NA")
    row = rows(corpus / "metadata/children.csv")[-1]
    assert (row["child_id"], row["experiment"]) == ("unknown", "e")
    write([night("day8.wav")], corpus)
    assert len(rows(corpus / "metadata/children.csv")) == 2


def test_one_recording_after_the_other(corpus: Path) -> None:
    for name in ("day2.wav", "day3.wav", "day2.wav"):
        write([night(name)], corpus)
    listed = [row["recording_filename"] for row in rows(corpus / "metadata/annotations.csv")]
    assert listed == ["anna/day1.mp3", "day3.wav", "day2.wav"]
    assert len(read(corpus / "annotations/harken")) == 2


def test_a_recording_is_known_without_folder_and_ending(corpus: Path) -> None:
    write([night("anna/day1")], corpus)
    assert [item.recording for item in read(corpus / "annotations/harken")] == ["anna/day1.mp3"]
    with pytest.raises(AnnotationError, match=r"any of .* anna/day1\.mp3, ben/day1\.mp3; say"):
        write([night("day1.wav")], corpus)


@pytest.mark.parametrize("name", ["/data/x/day.wav", "../../day.wav", "a/../../../../day.wav"])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    write([night(name), night("day.wav")], tmp_path / "a/b/corpus")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert [each.name for each in (tmp_path / "a").rglob("*") if each.is_file()].count(
        "metannots.yml"
    ) == 1
    assert len(read(tmp_path / "a/b/corpus")) == (1 if name.startswith("../..") else 2)
    write([night("day.wav", set="../../../out")], tmp_path / "a/b/corpus")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_all_that_is_known_comes_back(tmp_path: Path) -> None:
    some = (
        CRY,
        Annotation(onset=3.00025, offset=4.0, label="babble", source="C", speaker="CHI", score=0.25,
                   level_dbfs=-21.125, attributes={"rater": "=2", "x": "a,b"}),
        Annotation(onset=5.0, offset=6.0, label="television", source="TVN", tier="=t"),
    )  # fmt: skip
    item = night("day.wav", *some, analysed=((0.0, 10.0),), duration=60.0)
    write([item], tmp_path / "corpus")
    (back,) = read(tmp_path / "corpus")
    assert (back.annotations, back.analysed, back.duration) == (some, ((0.0, 10.0),), 60.0)
    shown = rows(tmp_path / "corpus/annotations/harken/converted/day_0_10000.csv")
    assert [row["vcm_type"] for row in shown] == ["Y", "C", "NA"]
    assert [row["segment_onset"] for row in shown] == ["1000", "3000", "5000"]


def test_ranges_never_overlap_and_what_is_cut_is_told(tmp_path: Path) -> None:
    long = Annotation(onset=1.0, offset=30.0, label="cry", speaker="CHI")
    lost = write(
        [
            night("day.wav", long, analysed=((2.0, 10.0), (8.0, 20.0))),
            night("day.wav", Annotation(onset=50, offset=51, label="cry"), analysed=((0.0, 9.0),)),
        ],
        tmp_path / "corpus",
    )
    (row,) = rows(tmp_path / "corpus/metadata/annotations.csv")
    assert (row["range_onset"], row["range_offset"]) == ("0", "20000")
    assert "times beyond what was analysed, where annotations are cut (1 annotation)" in lost
    assert "annotations outside of what was analysed (1 annotation)" in lost
    (item,) = read(tmp_path / "corpus")
    assert [(one.onset, one.offset) for one in item.annotations] == [(1.0, 20.0)]


def test_what_reaches_into_a_range_is_cut_at_its_ends(corpus: Path) -> None:
    (corpus / "metadata/annotations.csv").write_text(
        f"{HEAD}\nvtc,day1.wav,1000,2500,3500,day1.rttm,vtc_rttm,\n"
    )
    (item,) = read(corpus)
    assert [(one.onset, one.offset) for one in item.annotations] == [(2.5, 3.5)]


def test_a_row_that_comes_twice_counts_once_and_is_told(corpus: Path) -> None:
    with (corpus / "metadata/annotations.csv").open("a") as file:
        file.write("x,vtc,anna/day1.mp3,0,0,50000,day1.rttm,vtc_rttm,\n")
    (item,) = read(corpus)
    assert len(item.annotations) == 1
    assert any("line 3: its range overlaps an earlier one" in note for note in item.notes)


def test_of_a_file_of_many_recordings_only_this_ones(corpus: Path) -> None:
    with (corpus / "annotations/vtc/raw/day1.rttm").open("a") as file:
        file.write("SPEAKER other 1 5 2 <NA> <NA> FEM <NA> <NA>\n")
    (item,) = read(corpus)
    assert [one.source for one in item.annotations] == ["KCHI"]


def test_a_transcript_in_a_data_set_is_read(corpus: Path) -> None:
    raw = corpus / "annotations/cha/raw"
    raw.mkdir(parents=True)
    (raw / "a.cha").write_text(
        "@UTF8\n@Begin\n@Languages:\teng\n@Participants:\tCHI Target_Child\n"
        "@ID:\teng|x|CHI|||||Target_Child|||\n*CHI:\t&=cries . \x151000_2000\x15\n@End\n"
    )
    with (corpus / "metadata/annotations.csv").open("a") as file:
        file.write("x,cha,anna/day1.mp3,0,0,60000,a.cha,cha,\n")
    (item,) = read(corpus / "annotations/cha")
    assert [one.label for one in item.annotations] == ["cry"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x,vtc,day.wav,soon,0,1000,day1.rttm,vtc_rttm,", "line 3: time_seek 'soon' is not a numb"),
        ("x,vtc,day.wav,0,2000,1000,day1.rttm,vtc_rttm,", "line 3: its range ends before it"),
        ("x,vtc,day.wav,0,0,1000,day1.rttm,alice,", "line 3: format 'alice' isn't read"),
        ("x,vtc,day.wav,0,0,1000,day1.rttm,vtc_rttm,,,", "line 3: more cells than columns"),
        ("x,vtc,day.wav,0,0,1000,day1.csv,csv,", "day1.csv: line 2: average_db 'loud' is not a"),
    ],
)
def test_a_fault_is_told_with_its_line(corpus: Path, row: str, says: str) -> None:
    (corpus / "annotations/vtc/raw/day1.csv").write_text(
        "segment_onset,segment_offset,average_db\n0,10,loud\n"
    )
    with (corpus / "metadata/annotations.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(AnnotationError) as caught:
        read(corpus)
    assert says in str(caught.value)


@pytest.mark.parametrize("column", ["set", "recording_filename", "range_onset", "raw_filename"])
def test_a_column_that_is_missing_is_told(corpus: Path, column: str) -> None:
    index = corpus / "metadata/annotations.csv"
    index.write_text(index.read_text().replace(column, "other"))
    with pytest.raises(
        AnnotationError, match=rf"annotations\.csv: line 1: it has no column {column}"
    ):
        read(corpus)


def test_a_duration_that_is_none_is_told_with_its_line(corpus: Path) -> None:
    table = corpus / "metadata/recordings.csv"
    table.write_bytes(table.read_bytes().replace(b"060000", b"an hour"))
    with pytest.raises(AnnotationError, match=r"recordings\.csv: line 4: duration 'an hour'"):
        read(corpus)


def test_a_set_says_whose_work_it_is_only_where_that_is_known(tmp_path: Path) -> None:
    write([night("a.wav", format="elan")], tmp_path / "people")
    write([night("a.wav", format="lena")], tmp_path / "lena")
    said = [
        (tmp_path / name / "annotations/harken/metannots.yml").read_text()
        for name in ("people", "lena")
    ]
    assert "method" not in said[0]
    assert "Harken'" not in said[0].replace("Written by Harken", "")
    assert "method: 'automated'" in said[1]


def test_the_time_on_the_clock_is_local_or_not_said(tmp_path: Path) -> None:
    for name, clock in (("a", "2026-03-01T09:30:00-07:00"), ("b", "2026-03-01T09:30:00Z")):
        write([night("a.wav", clock=((0.0, clock),))], tmp_path / name)
    first, second = (rows(tmp_path / name / "metadata/recordings.csv")[0] for name in "ab")
    assert (first["date_iso"], first["start_time"]) == ("2026-03-01", "09:30:00")
    assert (second["date_iso"], second["start_time"]) == ("NA", "NA")


def test_a_write_that_breaks_leaves_the_tables_as_they_were(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(corpus)
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "annotations.csv":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AnnotationError, match=r"annotations\.csv: it cannot be written: No space"):
        write([night("anna/day1.mp3")], corpus)
    assert tables(corpus) == before
    assert len(read(corpus)) == 1
