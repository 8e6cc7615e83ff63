from pathlib import Path

import fsspec
import pytest

from harken.errors import SourceError
from harken.studies.corpus import UNKNOWN, about_file, masked, opened, read_corpus


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")


@pytest.fixture
def project(tmp_path) -> Path:
    """A small ChildProject data set in good order."""
    raw = tmp_path / "recordings" / "raw"
    _touch(raw / "a.wav", raw / "b.wav")
    _write(
        tmp_path / "metadata/recordings.csv",
        "experiment,child_id,date_iso,start_time,recording_device_type,recording_filename,duration\n"
        "x,1,2020-04-20,9:00,usb,a.wav,4000\n"
        "x,2,2020-04-21,9:00,usb,b.wav,4000\n",
    )
    _write(
        tmp_path / "metadata/children.csv",
        "experiment,child_id,child_dob\nx,1,2020-01-01\nx,2,2020-02-02\n",
    )
    return tmp_path


def _names(corpus) -> list[tuple[str, str]]:
    return [(one.child, one.name) for one in corpus.recordings]


def test_a_childproject_data_set_tells_whose_and_when(project):
    corpus = read_corpus(project)
    assert corpus.kind == "childproject"
    assert corpus.problems == ()
    assert _names(corpus) == [("1", "a.wav"), ("2", "b.wav")]
    about = corpus.recordings[0].about
    assert (about["child_dob"], about["date_iso"], about["start_time"]) == (
        "2020-01-01",
        "2020-04-20",
        "9:00",
    )


@pytest.mark.parametrize(
    ("line", "said", "count"),
    [
        ("x,1,2020-04-22,9:00,usb,gone.wav,4000", "line 4: no such file: recordings/raw/gone", 2),
        ("x,1,2020-04-22,9:00,usb,a.wav,4000", "line 4: a.wav was given in line 2 already;", 2),
        ("x,2,2020-04-22,9:00,usb,a.wav,4000", "in line 2 already for another child", 2),
        ("x,1,2020-04-22,9:00,usb,,4000", "line 4: no recording_filename", 2),
        ("x,,2020-04-22,9:00,usb,c.wav,4000", "line 4: no child_id", 3),
        ("x,9,2020-04-22,9:00,usb,c.wav,4000", "child 9 is not in children.csv", 3),
        ("x,9", "line 4: not as many cells", 2),
    ],
)
def test_what_is_wrong_with_metadata_is_told_by_line_and_the_rest_is_heard(
    project, line, said, count
):
    table = project / "metadata/recordings.csv"
    if "c.wav" in line:
        _touch(project / "recordings/raw/c.wav")
    table.write_text(table.read_text() + line + "\n")
    corpus = read_corpus(project)
    assert len(corpus.recordings) == count
    assert any(said in problem for problem in corpus.problems), corpus.problems


def test_files_that_no_table_names_are_told(project):
    _touch(project / "recordings/raw/late.wav")
    assert any("late.wav is not in recordings.csv" in one for one in read_corpus(project).problems)


def test_discarded_recordings_and_twice_given_children(project):
    recordings = project / "metadata/recordings.csv"
    head, *rows = recordings.read_text().splitlines()
    recordings.write_text("\n".join([head + ",discard", rows[0] + ",1", rows[1] + ",0"]) + "\n")
    children = project / "metadata/children.csv"
    children.write_text(children.read_text() + "x,2,2019-01-01\n")
    corpus = read_corpus(project)
    assert _names(corpus) == [("2", "b.wav")]
    assert corpus.recordings[0].about["child_dob"] == "2020-02-02"
    said = " ".join(corpus.problems)
    assert "marked discard" in said
    assert "child 2 is given twice" in said


def test_without_children_ages_are_not_known(project):
    (project / "metadata/children.csv").unlink()
    corpus = read_corpus(project)
    assert "ages are not known" in corpus.problems[0]
    assert len(corpus.recordings) == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["s,gone.wav,0,4000,"], "line 2: annotations of gone.wav, which is no recording"),
        (["s,a.wav,0,4000,a.csv"], "no such file: annotations/s/converted/a.csv"),
        (["s,a.wav,0,2000,", "s,a.wav,0,2000,"], "line 3: set s has this range of a.wav in line 2"),
        (
            ["s,a.wav,0,2000,", "s,a.wav,1000,3000,"],
            "line 3: set s annotates a part of a.wav twice",
        ),
        (["s,a.wav,0,9000,"], "line 2: its range ends after the recording does"),
        (["s,a.wav,3000,1000,"], "line 2: its range ends before it begins"),
        (["s,a.wav,x,1000,"], "line 2: range_onset and range_offset are no numbers"),
    ],
    ids=["no recording", "missing", "duplicate", "overlap", "too long", "backwards", "no number"],
)
def test_what_is_wrong_with_annotations_is_told_by_line(project, rows, said):
    head = "set,recording_filename,range_onset,range_offset,annotation_filename"
    _write(project / "metadata/annotations.csv", "\n".join([head, *rows]) + "\n")
    corpus = read_corpus(project)
    assert len(corpus.recordings) == 2
    assert any(said in one for one in corpus.problems), corpus.problems


def test_two_sets_may_annotate_the_same(project):
    _write(
        project / "metadata/annotations.csv",
        "set,recording_filename,range_onset,range_offset,annotation_filename\n"
        "s,a.wav,0,2000,\nt,a.wav,0,2000,\ns,a.wav,2000,3000,\n",
    )
    assert read_corpus(project).problems == ()


def test_a_real_data_set_of_the_field(require):
    corpus = read_corpus(require("../shared/corpora/childproject-examples") / "valid_raw_data")
    assert corpus.kind == "childproject"
    assert corpus.recordings
    assert {one.child for one in corpus.recordings} <= {"1", "2"}
    assert any("discard" in one for one in corpus.problems)


def test_the_first_folder_is_the_child(tmp_path):
    _touch(tmp_path / "amy/one.wav", tmp_path / "amy/deep/two.MP3", tmp_path / "three.flac")
    _touch(tmp_path / "notes.txt", tmp_path / ".hidden.wav")
    assert _names(read_corpus(tmp_path)) == [
        ("amy", "amy/deep/two.MP3"),
        ("amy", "amy/one.wav"),
        (UNKNOWN, "three.flac"),
    ]


def test_one_recording_is_a_corpus(tmp_path):
    _touch(tmp_path / "one.wav")
    assert _names(read_corpus(tmp_path / "one.wav")) == [(UNKNOWN, "one.wav")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_names_recordings_beside_it_and_elsewhere(tmp_path, delimiter):
    _touch(tmp_path / "sound/a.wav")
    rows = [
        ["recording", "child_id", "date_iso"],
        ["sound/a.wav", "amy", "2020-04-20"],
        ["s3://lab/b.wav", "ben", ""],
        ["sound/gone.wav", "ben", ""],
        ["sound/a.wav", "ben", ""],
        ["", "ben", ""],
        ["https://lab.example/c.wav", "", ""],
    ]
    text = "\n".join(delimiter.join(row) for row in rows)
    corpus = read_corpus(_write(tmp_path / "list.csv", "\ufeff" + text))
    assert _names(corpus) == [
        ("amy", "sound/a.wav"),
        ("ben", "s3://lab/b.wav"),
        (UNKNOWN, "https://lab.example/c.wav"),
    ]
    assert [one.remote for one in corpus.recordings] == [False, True, True]
    said = "\n".join(corpus.problems)
    for words in ("line 4: no such file", "line 5: sound/a.wav was named in line 2", "line 6"):
        assert words in said


def test_object_storage_is_a_corpus():
    system = fsspec.filesystem("memory")
    for name in ("amy/a.wav", "amy/notes.txt", "ben/x/b.flac"):
        system.pipe_file(f"/lab-folder/{name}", b"RIFF")
    corpus = read_corpus("memory://lab-folder")
    assert _names(corpus) == [("amy", "amy/a.wav"), ("ben", "ben/x/b.flac")]
    at = corpus.recordings[0].at
    assert about_file(at)[0] == 4
    with opened(at) as file:
        assert file.read() == b"RIFF"
    system.pipe_file("/lab-folder/list.csv", b"recording,child_id\namy/a.wav,amy\n")
    listed = read_corpus("memory://lab-folder/list.csv")
    assert [one.at for one in listed.recordings] == ["memory://lab-folder/amy/a.wav"]
    system.rm("/lab-folder", recursive=True)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("", "no corpus is named"),
        ("nowhere", "no such corpus"),
        ("a\0b", "no such corpus"),
        ("memory://nothing-here/list.csv", "cannot be read"),
        ("nosuch://lab/a", "cannot be read"),
    ],
)
def test_what_is_no_corpus_is_one_line(at, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=said) as error:
        read_corpus(at)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,child\na.wav,b\n", "no column recording"),
        ("recording,child_id\ngone.wav,amy\n", "holds no recording that can be heard"),
        ("", "holds no recording"),
    ],
)
def test_a_list_that_names_nothing_is_refused(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        read_corpus(_write(tmp_path / "list.csv", text))


def test_a_list_in_another_encoding_names_its_line(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("recording,child_id\na.wav,Zoë\n".encode("latin-1"))
    with pytest.raises(SourceError, match="line 2: is not UTF-8"):
        read_corpus(path)


def test_passwords_and_signatures_are_not_shown():
    assert masked("s3://key:secret@lab/a.wav?sig=1") == "s3://***@lab/a.wav?***"
    assert masked("'https://token@host/a' (404, url='http://host/a?key=1')") == (
        "'https://***@host/a' (404, url='http://host/a?***')"
    )
    assert masked("what?.wav, me@lab") == "what?.wav, me@lab"


def test_what_is_secret_in_an_address_is_not_in_names_and_problems(tmp_path):
    rows = [
        "https://lab:hidden@host/amy.wav,amy",
        "https://host/ben.wav?Signature=hidden,ben",
        "https://host/get?file=1&key=hidden,cat",
        "https://host/get?file=2&key=hidden,cat",
        "https://host/get?file=2&key=hidden,dan",
    ]
    corpus = read_corpus(_write(tmp_path / "list.csv", "\n".join(["recording,child_id", *rows])))
    names = [one.name for one in corpus.recordings]
    assert names[:2] == ["https://host/amy.wav", "https://host/ben.wav"]
    assert len(set(names)) == 4
    assert all(name.startswith("https://host/get?") for name in names[2:])
    assert any("line 6" in one for one in corpus.problems)
    assert "hidden" not in " ".join([*names, *corpus.problems])
    assert corpus.recordings[0].at == rows[0].removesuffix(",amy")


def test_where_a_corpus_is_does_not_depend_on_where_one_is(tmp_path, monkeypatch):
    _touch(tmp_path / "corpus/amy/a.wav")
    monkeypatch.chdir(tmp_path)
    near = read_corpus("corpus")
    assert near == read_corpus(tmp_path / "corpus")
    assert near.recordings[0].at == str(tmp_path / "corpus/amy/a.wav")


def test_links_to_folders_are_named_and_links_to_files_are_heard(tmp_path):
    _touch(tmp_path / "disk/ben/b.wav", tmp_path / "corpus/amy/a.wav")
    (tmp_path / "corpus/ben").symlink_to(tmp_path / "disk/ben")
    (tmp_path / "corpus/amy/again").symlink_to(tmp_path / "corpus")
    (tmp_path / "corpus/amy/b.wav").symlink_to(tmp_path / "disk/ben/b.wav")
    corpus = read_corpus(tmp_path / "corpus")
    assert _names(corpus) == [("amy", "amy/a.wav"), ("amy", "amy/b.wav")]
    assert [one.partition(" is a link")[0] for one in corpus.problems] == [
        str(tmp_path / "corpus/ben"),
        str(tmp_path / "corpus/amy/again"),
    ]
