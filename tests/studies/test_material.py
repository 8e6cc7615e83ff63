"""What a lab brings: folders, data sets and tables, found and refused by what they are."""

from pathlib import Path

import pytest

from harken.errors import AnnotationError, ParameterError
from harken.studies import Annotation, Annotations, write
from harken.studies.material import about_of, annotations_of, recordings_of, segments_of

CRY = Annotation(onset=1.0, offset=2.0, label="cry", speaker="CHI")


def rttm(path: Path, name: str = "day1") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"SPEAKER {name} 1 1.0 1.0 <NA> <NA> KCHI <NA> <NA>\n")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two children with a recording of one name, and a set of annotations of each."""
    root = tmp_path / "corpus"
    looked = ((0.0, 60.0),)
    write(
        [
            Annotations(recording=f"{child}/day1.wav", annotations=(CRY,), analysed=looked)
            for child in ("kim", "lou")
        ],
        root,
        format="childproject",
    )
    (root / "metadata/children.csv").write_text(
        "experiment,child_id,child_dob,child_sex\nlab,k1,2020-01-15,f\nlab,l1,NA,m\n"
    )
    (root / "metadata/recordings.csv").write_text(
        "experiment,child_id,date_iso,recording_filename,noisy\n"
        "lab,k1,2020-06-20,kim/day1.wav,yes\nlab,l1,2020-06-20,lou/day1.wav,NA\n"
    )
    return root


def test_folders_are_a_part_of_the_name(tmp_path: Path) -> None:
    for child in ("kim", "lou"):
        rttm(tmp_path / child / "day1.rttm")
    rttm(tmp_path / ".trash/day1.rttm")
    rttm(tmp_path / "day2.rttm", "day2")
    found = [one.recording for one in annotations_of(tmp_path)]
    assert found == ["day2", "kim/day1", "lou/day1"]


def test_tables_say_whose_it_is_and_how_old(corpus: Path) -> None:
    by_set = annotations_of(corpus / "annotations/harken")
    assert [one.recording for one in by_set] == ["kim/day1.wav", "lou/day1.wav"]
    assert annotations_of(corpus) == by_set
    # It is found from a set that lies in it, and from recordings.
    for path in (corpus, corpus / "annotations/harken", corpus / "recordings/raw"):
        about = about_of([path])
        assert about["kim/day1"]["child_id"] == "k1"
        assert about["kim/day1"]["age_months"] == "5"
        assert about["kim/day1"]["child_sex"] == "f"
        assert about["lou/day1"].keys().isdisjoint({"age_months", "noisy", "child_dob"})
    assert recordings_of([corpus / "annotations/harken"]) == corpus / "recordings/raw"
    assert about_of([corpus.parent]) == {}
    with pytest.raises(AnnotationError, match="this is no data set"):
        about_of([], corpus.parent)


def test_several_sets_are_never_put_together(corpus: Path) -> None:
    index = corpus / "metadata/annotations.csv"
    text = index.read_text()
    index.write_text(text + "".join(
        line.replace("harken", "an 2", 1) + "\n" for line in text.splitlines()[1:]
    ))  # fmt: skip
    with pytest.raises(ParameterError) as told:
        annotations_of(corpus)
    assert str(told.value).endswith(
        f"name one of {corpus}/annotations/an 2, {corpus}/annotations/harken"
    )


def test_segments_without_what_they_need_are_told(tmp_path: Path) -> None:
    header = "recording,child,since,until,stratum,chance,crying_s"
    path = tmp_path / "segments.csv"
    path.write_text(f"{header}\nkim/day1.wav,kim,0,60,all,0.25,3\n")
    (one,) = segments_of(path)
    assert (one.recording, one.weight) == ("kim/day1", 4.0)
    for row, says in (
        ("a,a,60,0,all,0.5,0", "line 2: it has to end after it begins"),
        ("a,a,0,60,all,0,0", "line 2: it has to end after it begins, and its chance"),
        ("a,a,0,60,all,half,0", "line 2: could not convert string to float: 'half'"),
    ):
        path.write_text(f"{header}\n{row}\n")
        with pytest.raises(AnnotationError, match=says):
            segments_of(path)
