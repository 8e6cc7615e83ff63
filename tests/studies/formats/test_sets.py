"""Sets of a data set: each is named by its path on disk."""

from pathlib import Path

import pytest

from harken.errors import AnnotationError, ParameterError
from harken.studies import Annotation, Annotations, read, write
from harken.studies.formats.childproject import place_of, sets_of

HEAD = "set,recording_filename,time_seek,range_onset,range_offset,raw_filename,format\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One recording, heard by a program and by two people."""
    root = tmp_path / "my corpus"
    rows = ""
    for name, raw, kind in (
        ("vtc", "SPEAKER day 1 1 2 <NA> <NA> KCHI <NA> <NA>\n", "vtc_rttm"),
        ("people/an1", "onset,offset,label,tier\n1,4,cry,night\n", "csv"),
        ("people/an2", "onset,offset,label\n1,3,cry\n50,52,fuss\n", "csv"),
    ):
        file = root / "annotations" / name / "raw" / f"day.{kind[-4:]}"
        file.parent.mkdir(parents=True)
        file.write_text(raw)
        rows += f"{name},day.wav,0,0,60000,{file.name},{kind}\n"
    (root / "metadata").mkdir()
    (root / "metadata/annotations.csv").write_text(
        HEAD + rows.replace("csv.csv", "csv") + "gone,day.wav,0,0,1,x.its,its\n"
    )
    text = (root / "metadata/annotations.csv").read_text().splitlines()
    text[0] += ",error"
    text[-1] += ",it could not be imported"
    (root / "metadata/annotations.csv").write_text("\n".join(text) + "\n")
    return root


def test_the_sets_are_those_that_the_table_names(corpus: Path) -> None:
    assert sets_of(corpus) == ("people/an1", "people/an2", "vtc")
    assert sets_of(corpus / "annotations/vtc") == ()
    assert sets_of(corpus / "nowhere") == ()


@pytest.mark.parametrize("name", ["vtc", "people/an1", "people/an2"])
def test_a_set_is_read_by_its_path(corpus: Path, name: str) -> None:
    (item,) = read(corpus / "annotations" / name)
    assert (item.set, item.recording, item.analysed) == (name, "day.wav", ((0.0, 60.0),))
    assert read(corpus / "annotations" / name, format="childproject") == [item]
    assert item in read(corpus)


def test_the_tier_of_the_source_is_kept(corpus: Path) -> None:
    (item,) = read(corpus / "annotations/people/an1")
    assert [one.tier for one in item.annotations] == ["night"]


def test_a_path_may_begin_anywhere(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = read(corpus / "annotations/people/an1")
    for folder, path in (
        (corpus, "annotations/people/an1"),
        (corpus / "annotations", "people/an1"),
        (corpus / "annotations/people/an1", "."),
        (corpus / "annotations/vtc", "../people/an1/"),
        (corpus / "annotations/vtc", "../vtc/../people/an1"),
    ):
        monkeypatch.chdir(folder)
        assert read(path) == [whole]


def test_an_unknown_set_is_told_with_those_that_there_are(corpus: Path) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(corpus / "annotations/vtcc")
    assert str(caught.value) == (
        f"{corpus}/annotations/vtcc: metadata/annotations.csv doesn't list this set; it lists: "
        f"{corpus}/annotations/people/an1, {corpus}/annotations/people/an2, "
        f"{corpus}/annotations/vtc"
    )


@pytest.mark.parametrize("name", ["people", "."])
def test_a_folder_of_sets_is_none(corpus: Path, name: str) -> None:
    with pytest.raises(AnnotationError, match=r"a folder of sets; name one of them: .*an1, .*an2"):
        read(corpus / "annotations" / name)


def test_files_in_a_set_are_still_files(corpus: Path) -> None:
    (item,) = read(corpus / "annotations/vtc/raw")
    assert (item.recording, item.set) == ("day", "")
    (item,) = read(corpus / "annotations/vtc/raw/day.rttm")
    assert item.set == ""
    with pytest.raises(AnnotationError, match=r"day2\.rttm: there is no such file"):
        read(corpus / "annotations/vtc/raw/day2.rttm")


def test_where_a_path_lies(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(corpus / "annotations/people/an1") == (corpus, "people/an1")
    assert place_of(corpus / "annotations") == (corpus, "")
    assert place_of(corpus) is None
    monkeypatch.chdir(corpus.parent)
    assert place_of(Path("my corpus/annotations/vtc")) == (Path("my corpus"), "vtc")
    monkeypatch.chdir(corpus)
    assert place_of(Path("annotations/vtc")) == (Path(), "vtc")


def test_nothing_is_written_into_a_set(corpus: Path) -> None:
    item = Annotations(recording="day.wav")
    for name in ("vtc", "people", "mine"):
        with pytest.raises(ParameterError, match="it is inside of the data set"):
            write([item], corpus / "annotations" / name)
    assert not (corpus / "annotations/mine").exists()


def test_a_table_says_of_which_set_a_row_is(corpus: Path, tmp_path: Path) -> None:
    items = read(corpus)
    assert not any("set" in what for what in write(items, tmp_path / "a.csv"))
    back = {item.set: item for item in read(tmp_path / "a.csv")}
    assert set(back) == {"people/an1", "people/an2", "vtc"}
    assert len(back["people/an2"].annotations) == 2


def test_a_format_that_has_no_sets_says_so(corpus: Path, tmp_path: Path) -> None:
    lost = write(read(corpus), tmp_path / "a.rttm")
    assert [what for what in lost if "set" in what] == [
        f"the name of the set, {name}" for name in ("vtc", "people/an1", "people/an2")
    ]


@pytest.mark.parametrize(("name", "ending"), [("textgrid", "TextGrid"), ("elan", "eaf")])
def test_each_of_several_sets_gets_a_folder(
    corpus: Path, tmp_path: Path, name: str, ending: str
) -> None:
    write(read(corpus), tmp_path / "out", format=name)
    files = [str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.*")]
    assert sorted(files) == [f"{one}/day.{ending}" for one in ("people/an1", "people/an2", "vtc")]
    with pytest.raises(ParameterError, match=r"these are 3 \(of 3 sets\)"):
        write(read(corpus), tmp_path / f"a.{ending}")


def test_a_data_set_keeps_its_sets_in_another(corpus: Path, tmp_path: Path) -> None:
    write(read(corpus), tmp_path / "copy")
    assert sets_of(tmp_path / "copy") == sets_of(corpus)
    kept = [
        {item.set: (item.analysed, [one.order for one in item.annotations]) for item in read(path)}
        for path in (corpus, tmp_path / "copy")
    ]
    assert kept[0] == kept[1]


def test_a_set_that_is_there_is_never_written_over(corpus: Path) -> None:
    before = (corpus / "metadata/annotations.csv").read_bytes()
    with pytest.raises(ParameterError, match="it has the set vtc already"):
        write([Annotations(recording="day.wav", set="vtc")], corpus)
    assert (corpus / "metadata/annotations.csv").read_bytes() == before
    cry = Annotation(onset=1.0, offset=2.0, label="cry", speaker="CHI")
    write([Annotations(recording="day.wav", annotations=(cry,))], corpus)
    assert sets_of(corpus) == ("harken", "people/an1", "people/an2", "vtc")
