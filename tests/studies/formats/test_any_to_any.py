"""Annotations in, annotations out, whatever they are."""

import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harken.studies import FORMATS, LABELS, Annotation, Annotations, read, write
from harken.studies.annotation import VOICES, unwritten, written
from harken.studies.formats.tiers import apart

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=12)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    onset = draw(st.integers(0, 80_000_000)) / 1000
    length = draw(st.integers(1, 600_000)) / 1000
    label = draw(st.sampled_from(sorted(LABELS)))
    return Annotation(
        onset=onset,
        offset=round(onset + length, 3),
        label=label,
        source=draw(st.sampled_from(["", "CHN", "Y", "a word"]) | WORDS),
        speaker=draw(st.sampled_from(["CHI", "FEM", VOICES.get(label, "")])),
        score=draw(st.none() | st.integers(0, 1000).map(lambda x: x / 1000)),
    )


@given(st.lists(annotations(), max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", ["csv", "rttm", "audacity", "textgrid", "elan"])
def test_times_and_labels_come_back(name: str, some: list[Annotation]) -> None:
    item = Annotations(recording="day.wav", annotations=tuple(some)).sorted()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{FORMATS[name].endings[0]}"
        write([item], path, format=name)
        back = read(path, format=name)
    got = sorted((one.onset, one.offset, one.label) for each in back for one in each.annotations)
    assert got == sorted((one.onset, one.offset, one.label) for one in some)


@given(st.lists(annotations(), max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", ["csv", "textgrid", "elan", "childproject"])
def test_what_is_not_told_as_lost_comes_back(name: str, some: list[Annotation]) -> None:
    item = Annotations(recording="day.wav", annotations=tuple(some), duration=99_000.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{''.join(FORMATS[name].endings[:1])}"
        lost = " ".join(write([item], path, format=name))
        back = [one for each in read(path, format=name) for one in each.annotations]
    for field in ("source", "score", "speaker"):
        if field not in lost:
            gave, got = (
                Counter((a.onset, a.offset, a.label, getattr(a, field)) for a in side)
                for side in (some, back)
            )
            # Where nobody said whose voice it is, a label may tell.
            assert not {row for row in gave - got if row[3] or field != "speaker"}


@given(st.sampled_from(sorted(LABELS)), WORDS)
def test_one_text_holds_the_label_and_the_word(label: str, word: str) -> None:
    one = Annotation(onset=0, offset=1, label=label, source=word)
    got = unwritten(written(one))
    assert got[0] == label
    assert got[1] in (word, "")


@given(st.lists(annotations(), max_size=30))
def test_layers_hold_everything_and_never_overlap(some: list[Annotation]) -> None:
    layers = apart(some)
    assert sorted(one.order for layer in layers for one in layer) == sorted(
        one.order for one in some
    )
    for layer in layers:
        assert all(a.offset <= b.onset for a, b in pairwise(layer))


def test_what_the_target_cannot_hold_is_told_and_counted(tmp_path: Path) -> None:
    item = Annotations(
        recording="day.wav",
        annotations=(
            Annotation(
                onset=1.0, offset=2.0, label="cry", tier="night", speaker="FEM", score=0.9,
                level_dbfs=-20.0, attributes={"rater": "2"},
            ),
        ),
        analysed=((0.0, 60.0),),
        clock=((0.0, "2026-01-01T20:00:00"),),
        duration=60.0,
        set="people",
    )  # fmt: skip
    assert write([item], tmp_path / "a.txt") == [
        "which stretches were analysed", "the time of day", "the recording's length",
        "the name of the set, people", "tier (1 annotation)", "score (1 annotation)",
        "level in dBFS (1 annotation)", "attribute rater (1 annotation)", "speaker (1 annotation)",
    ]  # fmt: skip


def test_lena_leaves_out_what_overlaps_and_says_so(tmp_path: Path) -> None:
    item = Annotations(
        recording="day.wav",
        annotations=(
            Annotation(onset=1.0, offset=4.0, label="female adult", speaker="FEM"),
            Annotation(onset=2.0, offset=3.0, label="male adult", speaker="MAL"),
            Annotation(onset=5.0, offset=8.5, label="cry", speaker="CHI"),
        ),
    )
    lost = write([item], tmp_path / "day.its")
    assert lost == ["annotations that overlap another (1 annotation)"]
    (back,) = read(tmp_path / "day.its")
    assert [(one.label, one.onset, one.offset) for one in back.annotations] == [
        ("female adult", 1.0, 4.0), ("cry", 5.0, 8.5), ("infant vocalisation", 5.0, 8.5),
    ]  # fmt: skip


def test_several_recordings_become_a_file_each(tmp_path: Path) -> None:
    cry = Annotation(onset=1.0, offset=2.0, label="cry")
    names = ("a.wav", "a.mp3", "b/a.wav", "b [1]/a.wav", "")
    items = [Annotations(recording=name, annotations=(cry,)) for name in names]
    lost = write(items, tmp_path / "out", format="textgrid")
    assert [line for line in lost if "name" in line] == [
        "a_2.TextGrid: the recording's name, a.mp3"
    ]
    (tmp_path / "out/segments.csv").write_text("not annotations")
    back = read(tmp_path / "out")
    assert [item.recording for item in back] == ["a", "a_2", "recording5", "b/a", "b [1]/a"]
    (tmp_path / "out/segments.csv").unlink()
    files = sorted((tmp_path / "out").rglob("*.TextGrid"))
    assert [path.relative_to(tmp_path / "out").as_posix() for path in files] == [
        "a.TextGrid", "a_2.TextGrid", "b/a.TextGrid", "b [1]/a.TextGrid", "recording5.TextGrid",
    ]  # fmt: skip


def test_overlapping_annotations_of_a_tier_go_to_a_second_one(tmp_path: Path) -> None:
    cries = tuple(Annotation(onset=s, offset=s + 5, label="cry", speaker="CHI") for s in (1.0, 3.0))
    write([Annotations(recording="a.wav", annotations=cries)], tmp_path / "a.TextGrid")
    text = (tmp_path / "a.TextGrid").read_text("utf-8")
    assert '"CHI"' in text
    assert '"CHI~2"' in text
    (back,) = read(tmp_path / "a.TextGrid")
    assert {one.tier for one in back.annotations} == {"CHI"}
