"""The clinic sheet: a row a day by the clock on the wall, also when the clocks change."""

import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from harken.errors import ParameterError
from harken.insight import drawing
from harken.insight.care_totals import care_totals
from harken.insight.crying import crying
from harken.insight.sheet import DAYS, PAPERS, Clock, sheet, sheet_pages

BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True, scope="module")
def _end_the_shared_worker():
    yield
    drawing.close()


def at(day, hour, minute=0, *, month=10, fold=0):
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.fixture
def made(making):
    """Fourteen days over the end of summer time, with every kind of mark."""
    one = making(zone="Europe/Berlin", born=date(2026, 9, 1))
    for day in range(14, 28):
        one.cry(at(day, 9), 300)
        one.cry(at(day, 18, 30), 60, 4, 30)
        one.care("sleep", at(day, 21), at(day, 23, 30))
        one.care("feed", at(day, 8), ml=90)
        one.care("feed", at(day, 12), side="left")
        one.care("nappy", at(day, 10), wet=True)
        one.care("nappy", at(day, 14), wet=True, solid=True)
    one.unheard(at(20, 12), at(20, 16))
    return one


@pytest.fixture
def record(made):
    return made.record(at(14, 7), at(28, 7))


def words(svg):
    return [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]


def marks(svg, colour):
    return [
        node.attrib for node in ET.fromstring(svg).iter(f"{SVG}rect") if node.get("fill") == colour
    ]


def day_of(record, wanted):
    return next(one for one in record.days() if one.date == wanted)


def test_a_sheet_is_one_page_a_fortnight_and_the_last_page_ends_with_the_last_day(made):
    for days, pages in ((1, 1), (14, 1), (15, 2), (28, 2)):
        record = made.record(at(28, 7) - timedelta(days=days), at(28, 7))
        every = sheet_pages(record)
        assert len(every) == pages
        assert "Tue 27 Oct" in words(every[-1])
        assert sum(one.count("Oct") for one in words(every[-1]) if len(one) < 12) <= DAYS


def test_totals_at_the_edge_are_the_measures(record):
    (page,) = sheet_pages(record)
    said = words(page)
    cared, cried = care_totals(record).days, crying(record).days
    assert [one for one in said if re.fullmatch(r"(≥ )?0:0\d", one)] == [
        "0:07" if one.complete else "≥ 0:07" for one in cried
    ] + ["0:07"]
    assert said.count("2:30") == len(cared) + 1
    assert "heard 20:00 h" in said
    assert [one.bouts for one in cried] == [3] * 14
    assert said.count("≥ 3") == 1
    assert "Mean of a day. Crying: the 13 days heard throughout." in " ".join(said)


def test_every_mark_stands_at_its_hour(record):
    (page,) = sheet_pages(record)
    root = ET.fromstring(page)
    hours = {
        node.text: float(node.get("x"))
        for node in root.iter(f"{SVG}text")
        if re.fullmatch(r"\d\d", node.text)
    }
    cries = [float(one["x"]) for one in marks(page, "#9c3a1a")][1:]
    nine = [x for x in cries if x == pytest.approx(hours["09"], abs=0.05)]
    assert len(nine) == 14
    circles = [float(node.get("cx")) for node in ET.fromstring(page).iter(f"{SVG}circle")][1:]
    assert sum(x == pytest.approx(hours["08"], abs=0.05) for x in circles) == 14
    assert sum(x == pytest.approx(hours["12"], abs=0.05) for x in circles) == 14
    sleep = list(marks(page, "#b9c2d6"))[1:]
    assert {round(float(one["x"]) - hours["21"], 1) for one in sleep} == {0}
    width = (hours["23"] - hours["22"]) * 2.5
    assert {round(float(one["width"]) - width, 1) for one in sleep} == {0}


def test_hours_that_nobody_heard_are_hatched_and_days_that_nobody_heard_have_no_total(made):
    heard = made.record(at(14, 7), at(28, 7))
    plain = replace(heard, unheard=())
    (page,), (clear,) = sheet_pages(heard), sheet_pages(plain)
    hatches = [page.count("<path"), clear.count("<path")]
    assert hatches == [2, 1], "the legend's and one"
    made.unheard(at(21, 7), at(22, 7))
    (page,) = sheet_pages(made.record(at(14, 7), at(28, 7)))
    assert "not listened to" in words(page)
    assert words(page).count("?") == 2
    assert "Wednesday 21 October: not listened to" in ET.fromstring(page).get("aria-label")


def test_when_the_clocks_go_back_the_hour_that_comes_twice_holds_both(record):
    day = day_of(record, date(2026, 10, 24))
    assert day.length_s == 25 * 3600
    clock = Clock.of(day, "Europe/Berlin", "07:00")
    assert clock.odd() == (19.0, 20.0)
    hours = [clock.hour(at(25, 2, m, fold=f)) for f in (0, 1) for m in (0, 30)]
    assert hours == [19.0, 19.25, 19.5, 19.75]
    assert clock.hour(at(25, 1, 59)) == pytest.approx(19 - 1 / 60)
    assert clock.hour(at(25, 3)) == 20
    assert (clock.hour(day.since), clock.hour(day.until)) == (0, 24)
    (page,) = sheet_pages(record)
    assert "clocks back: 25 h" in words(page)
    assert any("came twice" in one for one in words(page))


def test_when_the_clocks_go_forward_the_skipped_hour_is_struck_out(making):
    made = making(zone="Europe/Berlin")
    made.cry(at(29, 3, 10, month=3), 60)
    record = made.record(at(27, 7, month=3), at(30, 7, month=3))
    day = day_of(record, date(2026, 3, 28))
    assert day.length_s == 23 * 3600
    clock = Clock.of(day, "Europe/Berlin", "07:00")
    assert clock.odd() == (19.0, 20.0)
    assert clock.hour(at(29, 1, 59, month=3)) == pytest.approx(19 - 1 / 60)
    assert clock.hour(at(29, 3, month=3)) == 20
    assert (clock.hour(day.since), clock.hour(day.until)) == (0, 24)
    (page,) = sheet_pages(record)
    assert "clocks forward: 23 h" in words(page)
    assert any("struck out" in one for one in words(page))


@pytest.mark.parametrize("starts", ["00:00", "02:30", "07:30", "19:00"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"])
def test_time_never_goes_back_on_a_row(making, starts, zone):
    made = making(zone=zone, day_starts=starts)
    for month in (3, 4, 10):
        begin = datetime(2026, month, 1, 12, tzinfo=UTC)
        record = made.record(begin, begin + timedelta(days=30))
        for day in record.days():
            clock = Clock.of(day, zone, starts)
            step = (day.until - day.since) / 100
            hours = [clock.hour(day.since + k * step) for k in range(101)]
            assert hours == sorted(hours)
            assert hours[0] >= 0
            assert hours[-1] == pytest.approx(24, abs=1e-6)
        assert len(sheet_pages(record)) == 3


def test_a_day_that_goes_on_is_no_whole_day(made):
    record = made.record(at(14, 7), at(28, 7), now=at(27, 22))
    (page,) = sheet_pages(record)
    assert "not over yet" in words(page)
    assert words(page).count("≥ 0:07") == 2
    early = made.record(at(14, 7), at(28, 7), now=at(26, 10))
    (page,) = sheet_pages(early)
    assert "not yet" in words(page)


def test_drills_and_false_alarms_leave_no_mark(making):
    made = making(zone="Europe/Berlin")
    made.cry(at(14, 9), 60, drill=True)
    made.cry(at(14, 10), 60, more=[("not_a_cry", 65, {})])
    (page,) = sheet_pages(made.record(at(14, 7), at(15, 7)))
    assert len(marks(page, "#9c3a1a")) == 1, "the legend's"


@pytest.mark.parametrize("paper", PAPERS)
def test_the_page_stands_alone_and_has_its_size(record, paper):
    across, down = PAPERS[paper]
    page = sheet(record, to="svg", paper=paper).decode()
    root = ET.fromstring(page)
    assert root.get("width") == f"{across}mm"
    assert root.get("viewBox") == f"0 0 {across} {down}"
    assert root.get("role") == "img"
    for node in root.iter():
        assert not {"style", "class", "href"} & node.attrib.keys()
        x, y = float(node.get("x", 0)), float(node.get("y", 0))
        assert 0 <= x + float(node.get("width", "0").rstrip("m")) <= across + 1e-6
        assert 0 <= y <= down
    html = sheet(record, to="html", paper=paper).decode()
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in html


def test_names_are_words_and_not_marks_of_a_page(record):
    odd = replace(record, name='<b onload="x">&')
    page = sheet(odd, to="html").decode()
    assert "<b onload" not in page
    assert words(sheet_pages(odd)[0])[0] == '<b onload="x">&'


def test_it_says_whose_household_it_is(record):
    (page,) = sheet_pages(replace(record, household="A simulated <household>"))
    assert words(page)[2] == "A simulated <household>"
    assert "Mia, A simulated <household>, 14 October" in ET.fromstring(page).get("aria-label")
    (plain,) = sheet_pages(record)
    assert len(words(plain)) == len(words(page)) - 1
    assert "" not in words(plain)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["Wilhelmina " * 8, "W" * 80, "子" * 80])
def test_long_names_are_cut_at_the_edge(record, tmp_path, require, paper, name):
    require("pdftotext")
    path = tmp_path / "sheet.pdf"
    path.write_bytes(sheet(replace(record, name=name, household=3 * name), paper=paper))
    (first, dates, home, *_) = words(sheet_pages(replace(record, name=name, household=3 * name))[0])
    assert first.endswith("…")
    assert home.endswith("…")
    found = subprocess.run(
        ["pdftotext", "-bbox", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    width = float(re.search(r'page width="([\d.]+)"', found).group(1))
    boxes = [
        (*(float(one) for one in box[:4]), box[4])
        for box in re.findall(
            r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', found
        )
    ]
    assert max(box[2] for box in boxes) <= width
    day = next(box for box in boxes if box[4] == dates.split()[0])
    named = [box for box in boxes if box[1] < day[3] and box[3] > day[1] and box[0] < day[0]]
    assert max(box[2] for box in named) < day[0]


@pytest.mark.parametrize("paper", PAPERS)
def test_printed_it_is_one_page_with_its_text(record, tmp_path, require, paper):
    require("pdfinfo")
    path = tmp_path / "sheet.pdf"
    path.write_bytes(sheet(record, paper=paper))
    info = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Pages:\s+1\n", info)
    size = re.search(r"size:\s+([\d.]+) x ([\d.]+)", info).groups()
    width, height = (float(one) for one in size)
    assert (width, height) == pytest.approx([mm / 25.4 * 72 for mm in PAPERS[paper]], abs=1)
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    )
    for words_ in ("Mia", "Sat 24 Oct", "clocks back: 25 h", "Nappies", "not a medical device"):
        assert words_ in text.stdout


def test_more_weeks_are_more_pages(made, tmp_path, require):
    require("pdfinfo")
    path = tmp_path / "sheet.pdf"
    path.write_bytes(sheet(made.record(at(1, 7), at(28, 7))))
    info = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Pages:\s+2\n", info)


def test_what_is_no_sheet_is_refused(record):
    with pytest.raises(ParameterError, match="a sheet is svg, html or pdf, not 'png'"):
        sheet(record, to="png")
    with pytest.raises(ParameterError, match="paper 'a5' is not known"):
        sheet(record, paper="a5")
