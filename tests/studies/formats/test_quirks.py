"""What real files hold that no manual shows first."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harken.errors import AnnotationError
from harken.studies import Annotation, Annotations, read, write
from harken.studies.annotation import label_of
from harken.studies.formats.lena import LEFT

GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 9
tiers? <exists>
size = {size}
{items}"""
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.1" VERSION="3.1"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.1.xsd">
<HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>{slots}</TIME_ORDER>{tiers}
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>"""


def said(path: Path) -> list[tuple[float, float, str, str]]:
    (item,) = read(path)
    return [(one.onset, one.offset, one.label, one.source) for one in item.annotations]


def slots(*times: int | None) -> str:
    return "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{number}"'
        + ("" if time is None else f' TIME_VALUE="{time}"')
        + "/>"
        for number, time in enumerate(times, 1)
    )


def aligned(key: int, begin: int, end: int, value: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{key}" TIME_SLOT_REF1="ts{begin}" '
        f'TIME_SLOT_REF2="ts{end}"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


def about(key: int, target: int, value: str) -> str:
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{key}" ANNOTATION_REF="a{target}">'
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


# --- whose word it is


@pytest.mark.parametrize("tier", ["FA1", "MA1", "MOT", "UC1"])
def test_what_an_adult_says_or_does_is_no_cry_of_the_infant(tmp_path: Path, tier: str) -> None:
    entries = "".join(
        f'intervals [{k}]: xmin = {k} xmax = {k + 1} text = "{word}" '
        for k, word in enumerate(["cry", "y", "baby", "laughs"])
    )
    items = f'item [1]: class = "IntervalTier" name = "{tier}" xmin = 0 xmax = 9 size = 4 {entries}'
    (tmp_path / "a.TextGrid").write_text(GRID.format(size=1, items=items))
    labels = {label for _, _, label, _ in said(tmp_path / "a.TextGrid")}
    assert len(labels) == 1
    assert labels < {"female adult", "male adult", "other child"}


def test_one_letter_is_a_label_on_the_infants_tier_only(tmp_path: Path) -> None:
    assert label_of("y") == label_of("C") == "other"
    (tmp_path / "a.txt").write_text("1\t2\ty\n")
    assert said(tmp_path / "a.txt") == [(1.0, 2.0, "other", "y")]
    (tmp_path / "a.csv").write_text("onset,offset,label,speaker\n1,2,Y,CHI\n3,4,Y,FEM\n")
    assert said(tmp_path / "a.csv") == [(1.0, 2.0, "cry", "Y"), (3.0, 4.0, "other", "Y")]


@pytest.mark.parametrize("ending", ["TextGrid", "eaf", "csv"])
def test_a_label_stays_on_a_tier_that_would_say_another(tmp_path: Path, ending: str) -> None:
    some = [
        Annotation(onset=k, offset=k + 1, label=label, source=word, tier="CHI", speaker="CHI")
        for k, (label, word) in enumerate(
            [("other", "dog"), ("speech", ""), ("noise", ""), ("cry", ""), ("laugh", "L"),
             ("infant vocalisation", "Y"), ("babble", "a [b]")]
        )
    ]  # fmt: skip
    write([Annotations(recording="a.wav", annotations=tuple(some))], tmp_path / f"a.{ending}")
    assert [(label, word) for _, _, label, word in said(tmp_path / f"a.{ending}")] == [
        (one.label, one.source) for one in some
    ]


# --- TextGrid


def test_a_textgrid_is_read_as_praat_reads_it(tmp_path: Path) -> None:
    items = (
        'item [1]: class = "IntervalTier" name = "a ""b""" xmin = 0 xmax = 9 ! a remark "\n'
        'intervals: size = 2\nintervals [1]: xmin = 0 xmax = 4.5e-05 text = ""\n'
        'intervals [2]: xmin = 4.5e-05 xmax = 9 text = "intervals [3]: xmin = 1 ""x""\ntwo"\n'
        'item [2]: class = "TextTier" name = "bell" xmin = 0 xmax = 9 points: size = 1\n'
        'points [1]: time = 3 mark = ""\n'
    )
    (tmp_path / "a.TextGrid").write_text(GRID.format(size=2, items=items), "utf-16")
    (item,) = read(tmp_path / "a.TextGrid")
    assert [(one.onset, one.offset, one.tier) for one in item.annotations] == [
        (4.5e-05, 9.0, 'a "b"'), (3.0, 3.0, "bell"),
    ]  # fmt: skip
    assert item.annotations[0].source == 'intervals [3]: xmin = 1 "x"\ntwo'
    assert item.duration == 9.0


def test_tiers_of_one_name_are_both_that_speakers(tmp_path: Path) -> None:
    tier = 'item []: class = "IntervalTier" name = "CHI" xmin = 0 xmax = 9 size = 1 0 9 "Y" '
    (tmp_path / "a.TextGrid").write_text(GRID.format(size=2, items=2 * tier))
    (item,) = read(tmp_path / "a.TextGrid")
    assert [(one.label, one.tier) for one in item.annotations] == 2 * [("cry", "CHI")]


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ('"IntervalTier" "CHI" 0 9 1 0 9', "line 8: not a whole TextGrid: it ends before its text"),
        ('"IntervalTier" "CHI" 0 9 1\n0 "cry"', "line 9: no number (time) but 'cry'"),
        ('"IntervalTier" "CHI" 0 9 1\n\n5 3 "cry"', "line 10: tier 'CHI': annotation: it begins"),
        ('"IntervalTier" "CHI" 0 9 1\n-1 3 "cry"', "line 9: tier 'CHI': annotation: it begins at"),
        ('"Tier" "CHI" 0 9 1', "line 8: a tier of class 'Tier'"),
        ('"IntervalTier" "CHI\n', "line 8: a text in quotes has no end"),
    ],
)
def test_a_fault_in_a_textgrid_is_told_with_its_line(tmp_path: Path, items: str, says: str) -> None:
    (tmp_path / "a.TextGrid").write_text(GRID.format(size=1, items=items))
    with pytest.raises(AnnotationError) as caught:
        read(tmp_path / "a.TextGrid")
    assert says in str(caught.value)


def test_praat_itself_reads_what_was_written(tmp_path: Path) -> None:
    parselmouth = pytest.importorskip("parselmouth")
    some = [
        Annotation(onset=1e-05, offset=3, label="cry", speaker="CHI", source='a "b"'),
        Annotation(onset=2, offset=4, label="cry", speaker="CHI", source="ü"),
        *2 * [Annotation(onset=5, offset=5, label="fuss", speaker="CHI")],
    ]
    write(
        [Annotations(recording="a.wav", annotations=tuple(some), duration=9.0)],
        tmp_path / "a.TextGrid",
    )
    grid = parselmouth.Data.read(str(tmp_path / "a.TextGrid"))
    ask = parselmouth.praat.call
    names = [ask(grid, "Get tier name", k + 1) for k in range(ask(grid, "Get number of tiers"))]
    assert names == ["CHI", "CHI~2", "CHI~points", "CHI~points~2"]
    for command, name in (("Save as text file", "long"), ("Save as short text file", "short")):
        ask(grid, command, str(tmp_path / f"{name}.TextGrid"))
        assert said(tmp_path / f"{name}.TextGrid") == said(tmp_path / "a.TextGrid")
    ask(grid, "Save as chronological text file", str(tmp_path / "times.TextGrid"))
    with pytest.raises(AnnotationError, match="a chronological TextGrid; save it from Praat as"):
        read(tmp_path / "times.TextGrid")


# --- ELAN


def test_a_subdivision_without_times_is_divided_evenly(tmp_path: Path) -> None:
    tier = "".join(aligned(k, k, k + 1, word) for k, word in ((1, "cry"), (2, "fuss"), (3, "")))
    tiers = f'<TIER LINGUISTIC_TYPE_REF="t" TIER_ID="CHI">{tier}</TIER>'
    (tmp_path / "a.eaf").write_text(EAF.format(slots=slots(1000, None, None, 4000), tiers=tiers))
    (item,) = read(tmp_path / "a.eaf")
    assert [(one.onset, one.offset) for one in item.annotations] == [(1, 2), (2, 3), (3, 4)]
    assert item.notes == ("Tier CHI: what has no times of its own is evenly divided.",)


def test_all_that_child_tiers_say_is_kept(tmp_path: Path) -> None:
    tiers = (
        f'<TIER LINGUISTIC_TYPE_REF="t" TIER_ID="FA1">{aligned(1, 1, 2, "hello you")}</TIER>'
        '<TIER LINGUISTIC_TYPE_REF="t" PARENT_REF="FA1" TIER_ID="word@FA1">'
        f"{about(2, 1, 'hello')}{about(3, 1, 'you')}</TIER>"
        f'<TIER LINGUISTIC_TYPE_REF="t" PARENT_REF="word@FA1" TIER_ID="xds@FA1">'
        f"{about(4, 3, 'T')}{about(5, 99, 'T')}</TIER>"
    )
    (tmp_path / "a.eaf").write_text(EAF.format(slots=slots(0, 900), tiers=tiers))
    (item,) = read(tmp_path / "a.eaf")
    assert dict(item.annotations[0].attributes) == {"word": "hello you", "xds": "T"}
    assert item.notes == ("What child tiers say of annotations that aren't there is left out: 1.",)


def test_elan_finds_time_in_order_and_each_remark_at_its_annotation(tmp_path: Path) -> None:
    some = [
        Annotation(onset=5, offset=6, label="cry", speaker="CHI", attributes={"a": "first"}),
        Annotation(onset=6, offset=6, label="cry", speaker="CHI", attributes={"a": "second"}),
        Annotation(onset=6.001, offset=7, label="fuss", speaker="CHI", attributes={"a": "third"}),
        Annotation(onset=1, offset=9, label="female adult", speaker="FEM", source="\x15 ok \x00"),
    ]
    lost = write(
        [Annotations(recording="a/night.mp3", annotations=tuple(some))], tmp_path / "a.eaf"
    )
    assert lost == [
        "the folder of a/night.mp3", "points, which are now 1 ms long (1 annotation)",
        "control characters in a text (1 annotation)",
    ]  # fmt: skip
    text = (tmp_path / "a.eaf").read_text("utf-8")
    times = [int(each.split('"')[0]) for each in text.split('TIME_VALUE="')[1:]]
    assert times == sorted(times)
    (item,) = read(tmp_path / "a.eaf")
    assert item.recording == "night.mp3"
    assert [one.attributes["a"] for one in item.annotations[1:]] == ["first", "second", "third"]


def test_what_is_written_for_elan_holds_together(corpora: Path, tmp_path: Path) -> None:
    for name in ("eaf.eaf", "eaf_any_tier.eaf", "vandam.cha"):
        write(read(corpora / "childproject-examples/tests-data" / name), tmp_path / "a.eaf")
        root = ElementTree.parse(tmp_path / "a.eaf").getroot()
        order = [child.tag for child in root]
        assert order == sorted(order, key=["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE",
                                           "LOCALE", "CONSTRAINT"].index)  # fmt: skip
        slots = {
            slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")
        }
        types = {kind.get("LINGUISTIC_TYPE_ID"): kind for kind in root.iter("LINGUISTIC_TYPE")}
        rules = {rule.get("STEREOTYPE") for rule in root.iter("CONSTRAINT")}
        tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
        aligned = list(root.iter("ALIGNABLE_ANNOTATION"))
        about = list(root.iter("REF_ANNOTATION"))
        ids = [one.get("ANNOTATION_ID") for one in aligned + about]
        assert len(ids) == len(set(ids))
        for tier in tiers.values():
            kind = types[tier.get("LINGUISTIC_TYPE_REF")]
            depends = tier.get("PARENT_REF")
            assert (depends is not None) == (kind.get("CONSTRAINTS") == "Symbolic_Association")
            assert (depends is None) == (kind.get("TIME_ALIGNABLE") == "true")
            assert kind.get("CONSTRAINTS") in {None, *rules}
            targets = [one.get("ANNOTATION_REF") for one in tier.iter("REF_ANNOTATION")]
            assert len(targets) == len(set(targets))
            if depends is not None:
                inside = {one.get("ANNOTATION_ID") for one in tiers[depends].iter()}
                assert set(targets) <= inside
            spans = [
                [int(slots[one.get(f"TIME_SLOT_REF{end}")] or "") for end in (1, 2)]
                for one in tier.iter("ALIGNABLE_ANNOTATION")
            ]
            assert all(begin < end for begin, end in spans)
            assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_hundredths_are_not_finer_than_a_millisecond(tmp_path: Path) -> None:
    some = tuple(
        Annotation(onset=k / 100, offset=(k + 1) / 100, label="cry", speaker="CHI")
        for k in range(2000)
    )
    item = Annotations(recording="a.wav", annotations=some)
    assert write([item], tmp_path / "a.eaf") == []
    assert write([item], tmp_path / "a.its") == []


# --- CSV


def test_decimal_commas_marks_and_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("﻿onset;offset;label;note;note\n1,5;2,25;cry;a;b,c\n", "utf-8")
    (item,) = read(path)
    (one,) = item.annotations
    assert (one.onset, one.offset) == (1.5, 2.25)
    assert dict(one.attributes) == {"note": "a", "note_2": "b,c"}
    path.write_text("onset\toffset\tlabel\n1,5\t2,25\tcry\n", "utf-16")
    assert said(path) == [(1.5, 2.25, "cry", "")]


def test_lines_end_as_any_program_ends_them(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "a.csv").write_bytes(end.join(["onset,offset,label", "1,2,a\u2028b"]).encode())
        assert said(tmp_path / "a.csv") == [(1.0, 2.0, "other", "a\u2028b")]
        (tmp_path / "a.txt").write_bytes(end.join(["1\t2\ta\u2028b", "3\t4\tcry"]).encode())
        assert len(said(tmp_path / "a.txt")) == 2


def test_a_score_that_is_no_probability_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("onset,offset,label,confidence\n1,2,cry,87\n3,4,cry,0.5\n")
    (tmp_path / "a.rttm").write_text("SPEAKER a 1 1 1 <NA> <NA> CRY -3.5 <NA>\n")
    first, second = read(tmp_path / "a.csv")[0].annotations
    assert (first.score, dict(first.attributes)) == (None, {"confidence": "87"})
    assert second.score == 0.5
    (third,) = read(tmp_path / "a.rttm")[0].annotations
    assert (third.score, dict(third.attributes)) == (None, {"confidence": "-3.5"})


def test_a_peak_is_no_mean_level(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("onset,offset,peak_dbfs\n1,2,-3\n")
    (one,) = read(tmp_path / "a.csv")[0].annotations
    assert (one.level_dbfs, dict(one.attributes)) == (None, {"peak_dbfs": "-3"})


def test_the_word_for_a_label_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("onset,offset,label\n1,2,Crying\n")
    assert said(tmp_path / "a.csv") == [(1.0, 2.0, "cry", "Crying")]


@pytest.mark.parametrize("word", ["=1+1", "'=1+1", "''-x", "'quoted'", "-", "\tx", "+49"])
def test_formulas_are_disarmed_and_come_back(tmp_path: Path, word: str) -> None:
    one = Annotation(onset=0, offset=1, label="other", source=word, attributes={"a": word})
    write([Annotations(recording="=a.wav", annotations=(one,))], tmp_path / "a.csv")
    row = (tmp_path / "a.csv").read_text().splitlines()[1]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.split(","))
    (item,) = read(tmp_path / "a.csv")
    assert item.recording == "=a.wav"
    assert item.annotations[0].source == word
    assert item.annotations[0].attributes["a"] == word


def test_what_lena_marked_is_read_from_childprojects_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "segment_onset,segment_offset,speaker_type,lena_speaker,cries,vfxs,utterances\n"
        "1000,4000,CHI,CHN,\"[{'start': 1.5, 'end': 2.5}]\",[],[]\n"
        "5000,6000,NA,CHF,[],[],NA\n"
    )
    assert said(tmp_path / "a.csv") == [
        (1.0, 4.0, "infant vocalisation", "CHN"),
        (1.5, 2.5, "cry", "CRY"),
        (5.0, 6.0, "infant vocalisation", "CHF"),
    ]


# --- RTTM


def test_names_with_spaces_and_lines_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_text(
        "SPKR-INFO day 1 <NA> <NA> <NA> adult_male mike <NA> <NA>\n"
        "  SPEAKER   my day   1  1.0\t2  <NA> <NA>  CRY  <NA> <NA>\n"
        "SPEAKER my day 1 4 1 <NA> <NA> KCHI 0.5 <NA>\n"
    )
    (item,) = read(tmp_path / "a.rttm")
    assert (item.recording, len(item.annotations)) == ("my day", 2)
    assert item.notes[1:] == ("Lines that are not SPEAKER, which are passed over: 1.",)


def test_recordings_of_like_names_stay_apart(tmp_path: Path) -> None:
    cry = Annotation(onset=1.0, offset=2.0, label="cry", speaker="CHI")
    names = ("anna/day.wav", "ben/day.wav", "day.wav", "day.mp3")
    items = [Annotations(recording=name, annotations=(cry,)) for name in names]
    write(items, tmp_path / "a.rttm")
    back = read(tmp_path / "a.rttm")
    assert [item.recording for item in back] == ["anna/day", "ben/day", "day", "day.mp3"]
    write(items, tmp_path / "corpus")
    assert {item.recording for item in read(tmp_path / "corpus")} == set(names)


@pytest.mark.parametrize("name", ["a.rttm", "a.csv"])
def test_a_recording_without_annotations_is_told(tmp_path: Path, name: str) -> None:
    lost = write([Annotations(recording="quiet.wav")], tmp_path / name)
    assert [what.removeprefix("quiet").removeprefix(".wav") for what in lost] == [
        ": that nothing is marked in it"
    ]


# --- CHAT, Audacity


def test_a_transcript_keeps_all_its_marks_and_events(tmp_path: Path) -> None:
    (tmp_path / "a.cha").write_text(
        "@UTF8\n@Begin\n@Languages:\teng\n@Participants:\tCHI Target_Child, MOT Mother\n"
        "@ID:\teng|x|CHI|||||Target_Child|||\n@ID:\teng|x|MOT|||||Mother|||\n"
        '@Media:\t"my day, one", audio\n'
        "*MOT:\thello \x150_1000\x15 there . \x152000_3000\x15\n"
        "*CHI:\t0 [=! cries] . \x153000_4000\x15\n"
        "%com:\tloud \x153000_4000\x15\n"
        "*CHI:\t&=laughs &=cries . \x154000_5000\x15\n"
        "*MOT:\t&=cries . \x156000_7000\x15\n*MOT:\tno time .\n@End\n"
    )
    assert said(tmp_path / "a.cha") == [
        (0.0, 3.0, "female adult", "hello there ."),
        (3.0, 4.0, "cry", "0 [=! cries] ."),
        (4.0, 5.0, "cry", "&=laughs &=cries ."),
        (6.0, 7.0, "female adult", "&=cries ."),
    ]
    (item,) = read(tmp_path / "a.cha")
    assert item.recording == "my day, one"
    assert item.annotations[1].attributes["com"].strip() == "loud"
    assert item.notes == ("Utterances without times, which are left out: 1.",)


def test_lines_with_frequencies_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,5\t2,5\tcry\n\\\t300\t900\n3\t3\n")
    assert said(tmp_path / "a.txt") == [(1.5, 2.5, "cry", ""), (3.0, 3.0, "other", "")]
    assert read(tmp_path / "a.txt")[0].notes == (
        "Lines with frequencies, which are passed over: 1.",
    )


# --- LENA


def test_what_lena_cannot_hold_is_told(tmp_path: Path) -> None:
    some = (
        Annotation(onset=1, offset=2, label="fuss", tier="cry", speaker="CHI"),
        Annotation(onset=3, offset=4, label="cry", source="Y", speaker="CHI", score=0.5),
        Annotation(onset=5.0005, offset=6, label="noise", attributes={"a b": "x", "spkr": "CHN"}),
    )
    lost = write([Annotations(recording="a.wav", annotations=some)], tmp_path / "a.its")
    assert lost == [
        "the label fuss, now CHN (1 annotation)", "tier (1 annotation)", "score (1 annotation)",
        "the source's own word (1 annotation)", "attribute a b (1 annotation)",
        "attribute spkr (1 annotation)", "time finer than 1 ms (1 annotation)",
    ]  # fmt: skip
    labels = [label for _, _, label, _ in said(tmp_path / "a.its")]
    assert labels == ["infant vocalisation", "cry", "infant vocalisation", "noise"]


def test_utterances_of_older_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.its").write_text(
        '<ITS fileName="d"><ProcessingUnit><Recording num="1" startTime="P0S" endTime="P9S">'
        '<Pause><Segment spkr="CHN" startTime="P1S" endTime="P3S">'
        '<UTT startUtt1="P1.5S" endUtt1="P2S"/></Segment></Pause></Recording>'
        "</ProcessingUnit></ITS>"
    )
    assert [(one[0], one[2]) for one in said(tmp_path / "a.its")] == [
        (1.0, "infant vocalisation"), (1.5, "babble"),
    ]  # fmt: skip
    assert LEFT in read(tmp_path / "a.its")[0].notes


# --- all


@pytest.mark.parametrize("ending", ["its", "eaf", "TextGrid", "rttm", "txt", "csv"])
def test_a_file_that_cannot_be_written_is_left_as_it_was(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("somebody's")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cry = Annotation(onset=1.0, offset=2.0, label="cry", speaker="CHI")
    with pytest.raises(AnnotationError, match=r"cannot be written: No space left on device$"):
        write([Annotations(recording="a.wav", annotations=(cry,))], path)
    assert path.read_text() == "somebody's"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
