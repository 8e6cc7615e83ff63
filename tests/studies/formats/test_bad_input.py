"""Broken files of every format: a clear message with the line or the element."""

from pathlib import Path

import pytest

from harken.errors import AnnotationError, ParameterError
from harken.studies import Annotation, Annotations, read, write

EAF = """<?xml version="1.0"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.0" VERSION="3.0"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" {time}/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="900"/>
</TIME_ORDER><TIER LINGUISTIC_TYPE_REF="t" TIER_ID="CHI"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="{end}">
<ANNOTATION_VALUE>cry</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>"""
ITS = (
    '<ITS fileName="d"><ProcessingUnit>\n<Recording num="1" startTime="PT0.00S" endTime="PT9.00S">'
    "<Pause>\n{segment}</Pause></Recording></ProcessingUnit></ITS>"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><ITS>&j;</ITS>"
)

CASES = [
    ("a.rttm", "SPEAKER a 1 0 1 <NA> <NA> KCHI\nSPEKER a 1 0 1\n", "line 2: it begins with"),
    ("a.rttm", "SPEAKER a 1 0 1\n", "line 1: 5 fields, not 10"),
    ("a.rttm", "SPEAKER a 1 zero 1 <NA> <NA> KCHI <NA> <NA>\n", "line 1: onset 'zero' is not"),
    ("a.rttm", "SPEAKER a 1 0 -1 <NA> <NA> KCHI <NA> <NA>\n", "line 1: duration '-1' is not"),
    ("a.rttm", "SPEAKER a 1 nan 1 <NA> <NA> KCHI <NA> <NA>\n", "line 1: onset 'nan' is not"),
    ("a.txt", "1.0 2.0 cry\n", "line 1: a label is"),
    ("a.txt", "1.0\t2.0\tcry\n5.0\t4.0\tcry\n", "line 2: it ends at 4 s, before it begins"),
    ("a.csv", "", "it is empty"),
    ("a.csv", "when,what\n1,cry\n", "no columns for onset and offset among when, what"),
    ("a.csv", "onset,offset\n1,2\n1,x\n", "line 3: offset 'x' is not a number"),
    ("a.csv", "onset,offset\n1,2,3\n", "line 2: 3 cells, but 2 columns"),
    ("a.csv", "onset,offset,label\n3,2,cry\n", "line 2: it ends at 2 s"),
    ("a.csv", 'onset,offset,score\n1,2,"high"\n', "line 2: score 'high' is not a number"),
    ("a.csv", "onset,duration\n1,\n", "line 2: it has neither offset nor duration"),
    ("a.its", ITS.format(segment="<Segment"), "line"),
    ("a.its", "<ITS/>", "no element Recording"),
    ("a.its", BOMB, "line"),
    (
        "a.its",
        ITS.format(segment='<Segment spkr="CHN" startTime="PT1.00S"/>'),
        "Segment 1: it has no attribute endTime",
    ),
    (
        "a.its",
        ITS.format(segment='<Segment spkr="CHN" startTime="1.0" endTime="PT2S"/>'),
        "Segment 1: startTime: '1.0' is not a time like",
    ),
    (
        "a.its",
        ITS.format(segment='<Segment startTime="PT1S" endTime="PT2S"/>'),
        "Segment 1: it has no attribute spkr",
    ),
    (
        "a.its",
        ITS.format(
            segment='<Segment spkr="CHN" startTime="PT1S" endTime="PT2S" startCry1="PT1S"/>'
        ),
        "Segment 1: startCry1 has no endCry1",
    ),
    ("a.eaf", "<ANNOTATION_DOCUMENT>", "line 1: not a whole XML file"),
    ("a.eaf", "<html/>", "its root is 'html'"),
    ("a.eaf", EAF.format(time="", end="ts2"), "tier 'CHI', annotation a1: its time slot"),
    ("a.eaf", EAF.format(time='TIME_VALUE="950"', end="ts2"), "annotation a1: it ends before"),
    ("a.eaf", EAF.format(time='TIME_VALUE="soon"', end="ts2"), "not a whole ELAN file"),
    ("a.TextGrid", "hello", "line 1: this is no TextGrid"),
    (
        "a.TextGrid",
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n',
        "not a whole TextGrid",
    ),
    ("a.cha", "*CHI:\thello .\n", "no @Begin"),
]


@pytest.mark.parametrize(("name", "text", "says"), CASES)
def test_a_broken_file_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(AnnotationError) as caught:
        read(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_bytes(b"; fine\nSPEAKER \xff")
    with pytest.raises(AnnotationError, match="line 2: not UTF-8"):
        read(tmp_path / "a.rttm")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such file"):
        read(tmp_path / "a.rttm")
    with pytest.raises(AnnotationError, match="no such file"):
        read(tmp_path / "a.docx")
    (tmp_path / "a.docx").touch()
    with pytest.raises(ParameterError, match="can't be told from its name"):
        read(tmp_path / "a.docx")
    (tmp_path / "a.rttm").touch()
    with pytest.raises(ParameterError, match="is none of"):
        read(tmp_path / "a.rttm", format="word")


def test_a_data_set_names_the_line_of_its_table(tmp_path: Path) -> None:
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    with pytest.raises(AnnotationError, match=r"no metadata/annotations\.csv"):
        read(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="no data set"):
        read(tmp_path / "empty")
    head = "set,recording_filename,time_seek,range_onset,range_offset,raw_filename,format\n"
    (metadata / "annotations.csv").write_text(f"{head}vtc,a.wav,0,0,1000,gone.rttm,vtc_rttm\n")
    with pytest.raises(AnnotationError, match=r"line 2: .*gone.rttm is not there"):
        read(tmp_path)
    (metadata / "annotations.csv").write_text(f"{head}vtc,a.wav,0,soon,1000,a.rttm,vtc_rttm\n")
    with pytest.raises(AnnotationError, match="line 2: range_onset 'soon'"):
        read(tmp_path)


def test_several_recordings_need_a_folder_where_a_file_holds_one(tmp_path: Path) -> None:
    items = [Annotations(recording="a"), Annotations(recording="b")]
    with pytest.raises(ParameterError, match="holds one recording, and these are 2"):
        write(items, tmp_path / "a.TextGrid")
    with pytest.raises(ParameterError, match="can be read, but not written"):
        write(items[:1], tmp_path / "a.cha")


def test_a_mapping_must_fit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("from,to\n1,2\n")
    with pytest.raises(ParameterError, match="no column 'start'"):
        read(tmp_path / "a.csv", columns={"start": "onset"})
    with pytest.raises(ParameterError, match="a field is one of"):
        read(tmp_path / "a.csv", columns={"from": "begin"})
    (item,) = read(tmp_path / "a.csv", columns={"from": "onset_ms", "to": "offset_ms"})
    assert (item.annotations[0].onset, item.annotations[0].offset) == (0.001, 0.002)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"onset": 2.0, "offset": 1.0, "label": "cry"}, "begins at 2 s and ends at 1 s"),
        ({"onset": -1.0, "offset": 1.0, "label": "cry"}, "begins at -1 s"),
        ({"onset": float("nan"), "offset": 1.0, "label": "cry"}, "not finite"),
        ({"onset": 0.0, "offset": 1.0, "label": "hunger"}, "'hunger' is none of"),
        ({"onset": 0.0, "offset": 1.0, "label": "cry", "speaker": "DOG"}, "speaker 'DOG'"),
    ],
)
def test_an_annotation_that_cannot_be_is_refused(more: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Annotation(**more)  # type: ignore[arg-type]
