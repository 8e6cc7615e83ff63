"""Every format on the real files of a public project's tests, and of LENA."""

from collections import Counter
from pathlib import Path

import pytest

from harken.studies import FORMATS, Annotations, read, write

FILES = (
    "lena/e20160420_165405_010572.its",
    "childproject-examples/tests-data/eaf.eaf",
    "childproject-examples/tests-data/eaf_any_tier.eaf",
    "childproject-examples/valid_raw_data/annotations/eaf_basic/raw/example.eaf",
    "childproject-examples/tests-data/textgrid.TextGrid",
    "childproject-examples/tests-data/vtc.rttm",
    "childproject-examples/tests-data/vcm.rttm",
    "childproject-examples/tests-data/vandam.cha",
    "childproject-examples/tests-data/csv.csv",
    "childproject-examples/tests-data/aclew.csv",
    "childproject-examples/valid_raw_data",
)
WHOLE = ("elan", "textgrid", "rttm", "audacity", "csv", "childproject")


def place(folder: Path, name: str, items: list[Annotations]) -> Path:
    each = FORMATS[name]
    if not each.endings or (len(items) > 1 and not each.many):
        return folder / name
    return folder / f"written{each.endings[0]}"


def read_back(path: Path, name: str) -> list[Annotations]:
    if FORMATS[name].endings and path.is_dir():
        return [item for one in sorted(path.iterdir()) for item in read(one, format=name)]
    return read(path, format=name)


def heard(items: list[Annotations]) -> Counter[tuple[float, float, str]]:
    return Counter(
        (round(one.onset, 3), round(one.offset, 3), one.label)
        for item in items
        for one in item.annotations
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).name)
@pytest.mark.parametrize("name", WHOLE)
def test_a_real_file_keeps_its_times_and_labels_in_every_format(
    corpora: Path, tmp_path: Path, file: str, name: str
) -> None:
    items = read(corpora / file)
    assert sum(len(item.annotations) for item in items) > 4
    path = place(tmp_path, name, items)
    lost = write(items, path, format=name)
    back = heard(read_back(path, name))
    dropped = heard(items) - back
    if name == "childproject" and any("what was analysed" in each for each in lost):
        # A data set holds only what was looked at, cut at its ends, and says so.
        looked = [stretch for item in items for stretch in item.analysed]
        assert all(
            not any(since <= onset and offset <= until for since, until in looked)
            for onset, offset, _ in dropped
        )
    elif name == "elan":
        # ELAN has no points: what lasts no time is a millisecond long there.
        assert sum(dropped.values()) == sum(
            one.seconds < 0.001 for item in items for one in item.annotations
        )
    else:
        assert not dropped
    if name != "childproject":
        assert sum(back.values()) == sum(heard(items).values())


@pytest.mark.parametrize(
    "file", [file for file in FILES if not file.endswith(".cha")], ids=lambda file: Path(file).name
)
def test_a_format_reads_its_own_writing_without_loss(
    corpora: Path, tmp_path: Path, file: str
) -> None:
    items = read(corpora / file)
    name = items[0].format
    path = place(tmp_path, name, items)
    write(items, path, format=name)
    again = read_back(path, name)
    second = place(tmp_path / "again", name, again)
    write(again, second, format=name)
    thrice = read_back(second, name)
    assert [item.annotations for item in again] == [item.annotations for item in thrice]
    first = [(one.label, one.source, one.speaker) for item in items for one in item.annotations]
    if name not in ("childproject", "csv"):
        assert Counter(first) == Counter(
            (one.label, one.source, one.speaker) for item in again for one in item.annotations
        )


def test_lena_says_cry_only_where_it_marked_one(corpora: Path) -> None:
    (day,) = read(corpora / "lena/e20160420_165405_010572.its")
    cries = [one for one in day.annotations if one.label == "cry"]
    infant = [one for one in day.annotations if one.source in ("CHN", "CHF")]
    text = (corpora / "lena/e20160420_165405_010572.its").read_text("utf-8")
    assert len(cries) == text.count(" startCry") > 100
    assert all(one.label == "infant vocalisation" for one in infant)
    marked = sum(one.seconds for one in cries)
    counted = sum(
        float(one.attributes["childCryVfxLen"].strip("PTS"))
        for one in infant
        if "childCryVfxLen" in one.attributes
    )
    assert marked < counted
    assert len(day.analysed) == 2
    # The file says 17:20:30 UTC, and that the recorder's owner was seven hours behind.
    assert [at for _, at in day.clock] == ["2016-04-02T10:20:30-07:00", "2016-04-02T14:48:07-07:00"]


def test_vtc_says_whose_voice_and_vcm_says_cry(corpora: Path) -> None:
    tests = corpora / "childproject-examples/tests-data"
    vtc = {one.source: one for item in read(tests / "vtc.rttm") for one in item.annotations}
    assert (vtc["KCHI"].label, vtc["KCHI"].speaker) == ("infant vocalisation", "CHI")
    assert (vtc["CHI"].label, vtc["CHI"].speaker) == ("other child", "OCH")
    (vcm,) = read(tests / "vcm.rttm")
    cry = next(one for one in vcm.annotations if one.label == "cry")
    assert (cry.onset, cry.seconds, cry.score) == (16.991, pytest.approx(3.52), 1.0)


def test_elan_tells_a_cry_by_its_child_tier_and_where_people_listened(corpora: Path) -> None:
    (item,) = read(corpora / "childproject-examples/tests-data/eaf.eaf")
    cries = [one for one in item.annotations if one.label == "cry"]
    assert len(cries) == 7
    assert {(one.speaker, one.attributes["vcm"]) for one in cries} == {("CHI", "Y")}
    assert item.analysed
    assert item.recording.endswith(".wav")


def test_chat_gives_events_their_label_and_keeps_the_words(corpora: Path) -> None:
    (item,) = read(corpora / "childproject-examples/tests-data/vandam.cha")
    whine = next(one for one in item.annotations if one.label == "fuss")
    assert (whine.onset, whine.offset) == (33.578, 37.359)
    assert whine.source == "&=whines . [+ r]"
    assert item.recording == "BN32_010007"


def test_a_data_set_has_the_ranges_that_were_looked_at(corpora: Path) -> None:
    items = read(corpora / "childproject-examples/valid_raw_data")
    assert {(item.recording, item.analysed) for item in items} == {
        ("sound.wav", ((0.0, 4.0),)),
        ("sound2.wav", ((0.0, 4.0),)),
    }
