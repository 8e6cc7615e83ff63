"""Drawing: SVG that a page can take as it is, files, and a worker that comes and goes."""

import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from harken.errors import HarkenError, ParameterError
from harken.insight import drawing
from harken.insight.charts import PICTURES, swift_curve
from harken.insight.crying import crying
from harken.insight.drawing import INK, THEMES, Pen
from harken.insight.swift import swift

ROOT = Path(__file__).parents[2]
CSS = (ROOT / "src/harken/web/static/css/harken.css").read_text("utf-8")


@pytest.fixture
def record(household, way):
    return household(7, days=10, ways={"hold": way(0.6, 60), "carry": way(0.8, 40)}).record()


@pytest.fixture(scope="module")
def pen():
    with Pen() as one:
        yield one


@pytest.fixture
def fresh():
    with Pen() as one:
        yield one


@pytest.fixture(autouse=True, scope="module")
def _end_the_shared_worker():
    yield
    drawing.close()


def test_a_page_can_take_the_svg_as_it_is(pen, record):
    cried, answered = crying(record), swift(record)
    wanted = [("swift_curve", (answered,)), ("answered_10s", (answered,))]
    wanted += [("crying_minutes", (cried,)), ("crying_hours", (cried,))]
    for width in (340, 680):
        for one in pen.draw_all(wanted, width=width):
            root = ET.fromstring(one.svg)
            assert root.get("role") == "img"
            assert root.get("aria-label") == one.alt
            assert abs(float(root.get("width")) - width) <= 2, one.name
            for node in root.iter():
                assert node.tag.rpartition("}")[2] not in ("style", "script", "image", "a")
                assert not {"style", "class", "href", "font-family"} & node.attrib.keys()
                assert not any(key.startswith("on") for key in node.attrib)
            assert not re.search(r"#[0-9a-fA-F]{3}", one.svg.replace("url(#", "url("))
            assert set(re.findall(r"var\(--([a-z]+)\)", one.svg)) <= INK.keys()
            assert one.title not in one.svg.replace("&apos;", "'").split(">", 1)[1]


def test_two_drawings_in_one_page_do_not_share_ids(pen, record):
    measure = swift(record)
    many = [
        pen.draw("answered_10s", measure, width=340),
        pen.draw("answered_10s", measure, width=680),
    ]
    many.append(pen.draw("left_unanswered", measure, width=340))
    ids = [one for drawn in many for one in re.findall(r'\bid="([^"]+)"', drawn.svg)]
    assert ids
    assert len(ids) == len(set(ids))
    for drawn in many:
        used = set(re.findall(r"url\(#([^)]+)\)", drawn.svg))
        assert used <= set(re.findall(r'\bid="([^"]+)"', drawn.svg))


def test_only_what_is_not_confirmed_is_hatched(pen, record):
    assert "hatch" in pen.draw("answered_10s", swift(record)).svg
    assert "hatch" not in pen.draw("answered_within", swift(record)).svg


@pytest.mark.parametrize("theme", ["print", "day", "dark", "night"])
def test_a_theme_uses_its_own_colours_and_no_other(pen, record, theme):
    text = pen.draw("answered_10s", swift(record), theme=theme, titled=True).svg
    found = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]+)"', text))
    assert found
    assert found <= set(THEMES[theme].values())
    assert "var(" not in text


def test_colours_are_those_of_the_pages():
    blocks = {"day": r":root \{(.*?)\}", "dark": r'\[data-theme="dark"\] \{(.*?)\}',
              "night": r'\[data-theme="night"\] \{(.*?)\}'}  # fmt: skip
    for theme, block in blocks.items():
        inside = re.search(block, CSS, re.DOTALL)[1]
        css = dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", inside))
        for role, colour in THEMES[theme].items():
            assert css[role] == colour, (theme, role)


def linear(colour):
    full = colour.lstrip("#")
    full = "".join(c * 2 for c in full) if len(full) == 3 else full
    rgb = np.array([int(full[k : k + 2], 16) for k in (0, 2, 4)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = [np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


BLIND = {
    "nobody": np.eye(3),
    "no red cones": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
    "no green cones": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "no blue cones": np.array(
        [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]
    ),
}
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear light."""

TOGETHER = [("accent", "sleep"), ("accent", "soft"), ("accent", "card"), ("ink", "sleep"),
            ("ink", "hair"), ("sleep", "hair"), ("sleep", "card"), ("line", "card")]  # fmt: skip
"""Roles that stand beside each other in some chart and must be told apart."""


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("theme", ["print", "day", "dark"])
def test_colours_that_stand_together_can_be_told_apart_by_anybody(theme, eyes):
    for one, other in TOGETHER:
        a, b = (lab(BLIND[eyes] @ linear(THEMES[theme][role])) for role in (one, other))
        if {one, other} == {"accent", "soft"}:
            # Small grey dots under the line of the weeks: form tells them apart as well.
            assert np.linalg.norm(a - b) > 6
        else:
            assert np.linalg.norm(a - b) > 15, (one, other)


def test_at_night_where_all_is_red_lightness_tells_them_apart():
    night = {role: lab(linear(colour))[0] for role, colour in THEMES["night"].items()}
    for one, other in [("accent", "sleep"), ("ink", "sleep"), ("sleep", "hair"), ("sleep", "card")]:
        assert abs(night[one] - night[other]) > 12, (one, other)


@pytest.mark.parametrize("theme", ["print", "day", "dark", "night"])
def test_words_can_be_read(theme):
    def luminance(role):
        return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(THEMES[theme][role]))

    for role, least in (("ink", 4.5), ("soft", 4.5), ("accent", 3)):
        light, dark = sorted((luminance(role), luminance("card")), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, role


def test_files_are_what_they_should_be(record):
    picture = swift_curve(swift(record))
    body = drawing.png(picture, width=500, theme="night", scale=2)
    assert body.startswith(b"\x89PNG")
    assert abs(int.from_bytes(body[16:20], "big") - 1000) <= 4
    text = drawing.svg(picture, width=500)
    # The title is broken into lines; its first word is drawn, and no colour is left to a page.
    assert picture.title.split()[0] in text
    assert "var(" not in text
    assert (
        picture.title.split()[0]
        not in drawing.svg(picture, width=500, titled=False).split(">", 1)[1]
    )


def test_what_draws_is_not_in_the_process_that_asks():
    code = (
        "import sys; from harken.insight.drawing import Pen; import harken.insight.charts;"
        "from harken.insight.estimate import Estimate;"
        "from harken.insight.around import Around, AroundPoint;"
        "e = Estimate(1.0, 0.5, 2.0, 9);"
        "a = Around('x', 'X', '', 's', 60, 60, 60, 9, 9, e, e, e, e,"
        "           (AroundPoint(0.0, e),), 0.0, ());"
        "pen = Pen(); drawn = pen.draw('around', a, width=340); pen.close();"
        "assert drawn.svg.startswith('<svg'), drawn;"
        "print([m for m in ('altair', 'vl_convert', 'weasyprint', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_worker_ends_when_nobody_wants_a_picture_and_starts_again(record):
    measure = swift(record)
    with Pen(idle_s=0.4) as pen:
        assert not pen.running
        first = pen.draw("swift_curve", measure)
        worker = pen._worker
        assert pen.running
        until = time.monotonic() + 10
        while pen.running and time.monotonic() < until:
            time.sleep(0.05)
        assert not pen.running
        assert worker.returncode == 0
        assert pen.draw("swift_curve", measure) == first


def test_a_worker_that_is_killed_is_replaced(pen, record):
    measure = swift(record)
    first = pen.draw("swift_curve", measure)
    pen._worker.kill()
    pen._worker.wait()
    assert pen.draw("swift_curve", measure) == first


def test_threads_take_turns(pen, record):
    def timers():
        return {each for each in threading.enumerate() if isinstance(each, threading.Timer)}

    others, until = timers(), time.monotonic() + 10
    one, other = swift(record), crying(record)
    wanted = [("swift_curve", one), ("crying_bouts", other)] * 8
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda pair: pen.draw(*pair, width=340), wanted))
    assert [each.name for each in drawn] == [name for name, _ in wanted]
    assert len({each.svg for each in drawn}) == 2
    # One ends the worker when it rests. Those called off are threads for a moment longer, and
    # pens of other tests have their own.
    while len(timers() - others) > 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(timers() - others) == 1


def test_a_picture_that_is_not_known_is_said_and_not_drawn(pen, making):
    made = making()
    from datetime import UTC, datetime

    record = made.record(datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 6, 7, tzinfo=UTC))
    drawn = pen.draw("swift_curve", swift(record))
    assert drawn.svg == ""
    assert drawn.title.startswith("Not yet known")
    picture = swift_curve(swift(record))
    assert drawing.svg(picture) == ""
    with pytest.raises(ParameterError, match="there is nothing to draw: Not yet known"):
        drawing.png(picture)


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("swift", {}, "picture 'swift' is not known; there are"),
        ("swift_curve", {"width": 10}, "width=10 must be from 240 to 2400 pixels"),
        ("swift_curve", {"theme": "neon"}, "theme 'neon' is not known"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_starts(fresh, record, name, more, says):
    with pytest.raises(ParameterError, match=re.escape(says)):
        fresh.draw(name, swift(record), **more)
    assert not fresh.running


def test_what_goes_wrong_in_the_worker_is_one_line_and_the_next_picture_is_drawn(pen, record):
    with pytest.raises(HarkenError) as caught:
        pen.draw("swift_curve", "no measure")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("a picture could not be drawn")
    assert pen.draw("swift_curve", swift(record)).svg


def test_a_drawing_that_takes_too_long_is_given_up(record):
    measure = swift(record)
    with Pen(patience_s=0.01) as pen, pytest.raises(HarkenError, match="the worker ended"):
        pen.draw("swift_curve", measure)
    for name in ("idle_s", "patience_s"):
        with pytest.raises(ParameterError, match=name):
            Pen(**{name: 0})


def test_missing_packages_are_named(monkeypatch, pen, record):
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    with pytest.raises(HarkenError, match=r"pip install 'harken\[report\]'"):
        pen.draw("swift_curve", swift(record))
    with pytest.raises(HarkenError, match=r"pip install 'harken\[report\]'"):
        pen.to_pdf("<p>hello")


def test_without_pango_there_is_one_line_that_says_what_to_do(monkeypatch):
    class NoPango:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(sys, "meta_path", [NoPango, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    with pytest.raises(HarkenError, match="PDF needs Pango") as caught:
        drawing._pdf("<p>hello")
    assert "print that from a browser" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_sizes_of_files_are_refused(record):
    picture = swift_curve(swift(record))
    for more in ({"theme": "page"}, {"scale": 0}, {"scale": 9}, {"width": 1}):
        with pytest.raises(ParameterError):
            drawing.png(picture, **more)


def test_every_picture_has_a_name_and_what_it_takes():
    known = {"swift", "swift:hour", "swift:week", "swift:caregiver", "crying", "helps", "carrying",
             "consistent", "comprehensive", "change", "steps", "around"}  # fmt: skip
    for name, wanted in PICTURES.items():
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert set(wanted.takes) <= known
