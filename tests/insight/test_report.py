"""The report: two pages whatever there is to say, that stand alone and say how it was measured."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from harken.errors import ParameterError
from harken.insight import drawing
from harken.insight.consistent import consistent
from harken.insight.crying import crying
from harken.insight.report import PAPERS, report
from harken.journal import CareEntry

SINCE = datetime(2026, 1, 5, 7, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def _end_the_shared_worker():
    yield
    drawing.close()


@pytest.fixture
def record(household, way):
    made = household(
        7, days=28, ways={"hold": way(0.6, 60), "carry": way(0.8, 40), "song": way(0.4, 60)}
    ).record(deaf=0.3)
    care = [note(day, f"Note {day}: " + "slept badly, and so did we; " * 8) for day in range(28)]
    care += [entry("medicine", 27, name="Vitamin D", dose="1 drop")]
    care += [entry("temperature", 27.5, celsius=37.9)]
    care += [entry("feed", day + k / 8, ml=90) for day in range(28) for k in range(8)]
    care += [
        entry("sleep", day + 0.5, until=SINCE + timedelta(days=day + 0.7)) for day in range(28)
    ]
    return replace(made, care=tuple(sorted(care, key=lambda one: one.at)))


def entry(what, day, until=None, **data):
    at = SINCE + timedelta(days=day)
    return CareEntry(f"{what}{day}", what, at, until, "UTC", None, "mia", "caregiver:ada", **data)


def note(day, text):
    return entry("note", day + 0.3, text=text)


class Page(HTMLParser):
    def __init__(self, body):
        super().__init__()
        self.tags, self.said = [], []
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.said).split())


def printed(body, folder, require):
    require("pdfinfo")
    path = folder / "report.pdf"
    path.write_bytes(body)

    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    pages = [said("pdftotext", "-layout", "-f", k, "-l", k, path, "-") for k in "12"]
    return said("pdfinfo", path), pages


@pytest.mark.parametrize("paper", PAPERS)
def test_it_prints_on_two_pages_with_all_of_its_text(record, tmp_path, require, paper):
    info, pages = printed(report(record, paper=paper), tmp_path, require)
    assert re.search(r"Pages:\s+2\n", info)
    size = re.search(r"size:\s+([\d.]+) x ([\d.]+)", info).groups()
    width, height = (float(one) for one in size)
    assert (width, height) == pytest.approx([mm / 25.4 * 72 for mm in PAPERS[paper]], abs=1)
    assert "Mia: crying, answers, sleep and feeds" in info
    first = ("What was measured, and how", "In short", "Crying by age", "weeks of age", "o’clock")
    for words in (*first, "Most crying comes around", "Page 1 of 2", "Not a medical device"):
        assert words in pages[0], words
    for words in ("Week by week", "Answers", "Half of the cries were answered", "quoted, not",
                  "calm within 5 minutes", "Notes", "Medicine: Vitamin D 1 drop",
                  "Temperature 37.9", "more entries in the journal", "Page 2 of 2"):  # fmt: skip
        assert words in pages[1], words


@pytest.mark.parametrize("paper", PAPERS)
def test_with_next_to_nothing_known_it_is_two_pages_too(making, tmp_path, require, paper):
    made = making()
    record = made.record(SINCE, SINCE + timedelta(days=3))
    info, pages = printed(report(record, paper=paper), tmp_path, require)
    assert re.search(r"Pages:\s+2\n", info)
    assert "No notes were written down" in pages[1]
    assert "Not yet known" in pages[1]
    assert "day of birth not known" in pages[0]


@pytest.mark.parametrize("paper", PAPERS)
def test_a_year_with_long_notes_is_two_pages(household, tmp_path, require, paper):
    made = household(3, days=365).record()
    care = [note(355 + k, "Long nights. " * 40) for k in range(6)]
    care.append(entry("temperature", 364, celsius=37.9))
    info, pages = printed(report(replace(made, care=tuple(care)), paper=paper), tmp_path, require)
    assert re.search(r"Pages:\s+2\n", info)
    assert "Temperature 37.9" in pages[1]
    assert "1 more entry in the journal" in pages[1]


LONG = "The household of everybody " * 9


@pytest.mark.parametrize("paper", PAPERS)
def test_each_page_says_whose_it_is(record, tmp_path, require, paper):
    ours = replace(record, household="A simulated household")
    info, pages = printed(report(ours, paper=paper), tmp_path, require)
    assert re.search(r"Pages:\s+2\n", info)
    assert "A simulated household" in "\n".join(pages[0].splitlines()[:6])
    for page in pages:
        assert "Mia, A simulated household. Harken, " in " ".join(page.split())


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["Wilhelmina " * 8, "M" * 80])
def test_long_names_are_cut_and_push_nothing_off_a_page(record, tmp_path, require, paper, name):
    long = replace(record, name=name.strip(), household=LONG)
    info, pages = printed(report(long, paper=paper), tmp_path, require)
    assert re.search(r"Pages:\s+2\n", info)
    said = [" ".join(page.split()) for page in pages]
    assert "…" in said[0]
    for words in ("The household of everybody", "Most crying comes around", "Full colour:",
                  "Page 1 of 2"):  # fmt: skip
        assert words in said[0], words
    assert "Page 2 of 2" in said[1]
    assert said[1].count("The household") <= 1


def test_a_household_without_a_name_leaves_no_gap(record):
    body = report(record, to="html").decode()
    assert "<small>crying, answers" in body
    assert "Mia. Harken, " in body
    assert "Mia, " not in body


def test_the_page_stands_alone(record):
    page = Page(report(record, to="html"))
    tags = [tag for tag, _ in page.tags]
    assert tags[0] == "html"
    assert not {"script", "link", "iframe", "object"} & set(tags)
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith("data:image/svg+xml;base64,")
        if tag == "img":
            assert len(attributes["alt"]) > 40
    assert tags.count("img") == 3
    assert ("html", {"lang": "en"}) in page.tags
    assert "url(" not in report(record, to="html").decode().split("</style>")[0]


def test_it_says_how_it_was_measured_before_any_number(record):
    text = Page(report(record, to="html")).text
    whole = sum(one.complete for one in crying(record).days)
    for words in (
        "by a listening device in the room in which Mia sleeps",
        f"Of 28 days, {whole} were heard throughout",
        "never counted as calm",
        "Diaries and sound are not the same quantity",
        "not a diagnosis",
    ):
        assert words in text, words
    assert text.index("What was measured") < text.index("In short")


def test_how_cries_ended_is_told_in_the_words_of_the_house(record):
    text = Page(report(record, to="html")).text
    found = consistent(record)
    assert f"{found.soothed} soothed" in text
    assert f"{found.stopped_unanswered} stopped unanswered" in text
    assert "Longest cry that nobody answered" in text


def test_what_people_wrote_is_text_and_stays_short(record):
    odd = replace(
        record,
        name="<b>M",
        household="<i>H",
        care=(note(2, "<script>alert(1)</script> & so " + "x" * 500),),
    )
    body = report(odd, to="html").decode()
    assert "<script" not in body
    assert "&lt;b&gt;M" in body
    assert "<i>H" not in body
    assert "&lt;i&gt;H" in body
    text = Page(body.encode()).text
    assert "<script>alert(1)</script> & so xxx" in text
    assert "…" in text


def test_a_child_born_early_has_both_ages(record):
    early = replace(record, due=record.born + timedelta(weeks=5))
    text = Page(report(early, to="html")).text
    assert re.search(r"10 weeks old at the end \(5 weeks corrected\)", text)
    text = Page(report(early, to="html", corrected=True)).text
    assert "Ages are counted from the due date" in text


def test_what_is_no_report_is_refused(record):
    with pytest.raises(ParameterError, match="a report is html or pdf, not 'doc'"):
        report(record, to="doc")
    with pytest.raises(ParameterError, match="paper 'a5' is not known"):
        report(record, paper="a5")
