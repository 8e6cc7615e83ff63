"""`harken demo --live`, used as its user would: eight weeks to look at, and a cry to answer.

With HARKEN_PICTURES=1 it keeps the pictures of docs/pictures that show the demo.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PICTURES = Path(__file__).parents[2] / "docs/pictures"
KEEP = os.environ.get("HARKEN_PICTURES") == "1"
READY_S = 60.0
ALL_DRAWN = """of => {
  document.querySelector(of).scrollIntoView();
  const seen = [...document.querySelectorAll("figure.chart")].filter((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  return seen.length && seen.every((one) => one.querySelector("svg"));
}"""


@pytest.fixture
def demo(tmp_path, free_port, e2e):
    """Run the demo as a process of its own; gives the link that it prints, and what it says."""
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", "from harken.cli.app import main; main()",
             "demo", "--live", "--port", str(free_port()), "--model", "builtin"],
            cwd=tmp_path, stdout=out, stderr=out,
            env={**os.environ, "HARKEN_DATA": str(tmp_path / "data"), "TZ": "UTC",
                 "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def link() -> str | None:
        assert process.poll() is None, said.read_text()
        found = re.search(r"http://\S+/join#\S+", said.read_text())
        return found[0] if found else None

    try:
        yield e2e.wait(link, "the demo to begin", seconds=READY_S), said
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, said.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)


def shrink(path: Path) -> None:
    """Keep a picture in few colours and few bytes."""
    if convert := shutil.which("convert"):
        subprocess.run([convert, path, "-strip", "+dither", "-colors", "64", f"PNG8:{path}"],
                       check=True, timeout=60)  # fmt: skip


@pytest.fixture
def keep(e2e):
    """Keep pictures of a page in each light and size."""

    def keeping(page, name: str, *, of: str | None = None) -> None:
        if not KEEP:
            return
        for shape, size in (("phone", e2e.phone), ("desktop", e2e.desktop)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            if of:  # charts are drawn for the width at which the page is opened
                page.reload()
            for theme in ("day", "night"):
                e2e.shine(page, theme)
                if of:
                    page.wait_for_function(ALL_DRAWN, arg=of)
                page.mouse.move(0, 0)
                path = PICTURES / f"{name}-{theme}-{shape}.png"
                page.screenshot(path=path, animations="disabled", scale="css")
                shrink(path)
        page.set_viewport_size({"width": e2e.phone[0], "height": e2e.phone[1]})

    return keeping


def day(weeks: float) -> str:
    """Give the household's day so many weeks ago."""
    return (datetime.now(UTC) - timedelta(hours=7, weeks=weeks)).date().isoformat()


def take_along(page, home: str, folder: Path) -> None:
    """Get the papers as the page's buttons do; the sheet is a picture of the README."""
    for name, pages in (("sheet", 1), ("report", 2)):
        got = page.request.get(f"{home}/api/{name}?format=pdf")
        assert got.ok, got.text()
        paper = folder / f"{name}.pdf"
        paper.write_bytes(got.body())
        if KEEP and name == "sheet":
            subprocess.run(["pdftoppm", "-png", "-singlefile", "-r", "110", paper,
                            PICTURES / "sheet"], check=True, timeout=60)  # fmt: skip
            shrink(PICTURES / "sheet.png")
        told = subprocess.run(["pdfinfo", paper], capture_output=True, text=True,
                              check=True, timeout=60).stdout  # fmt: skip
        assert re.search(rf"^Pages: +{pages}$", told, re.MULTILINE), told


def test_the_demo_has_a_past_to_look_at_and_a_cry_to_answer(
    demo, phones, e2e, keep, tmp_path, require
):
    require("pdftoppm")
    link, said = demo
    home = link.split("/join")[0]
    assert "Simulating 8 weeks of the household's past" in said.read_text()
    page = phones.new()
    page.goto(link)
    page.get_by_role("button", name="Join").click()
    card = page.locator("section.room")
    expect(card).to_have_attribute("data-state", "crying")
    expect(page.locator("header")).to_contain_text("A simulated household")
    expect(card).to_contain_text("open page: shown")
    keep(page, "now-crying")
    e2e.thumb(page, "I’m going")
    expect(page.get_by_role("button", name="I’m here", exact=True)).to_be_visible()
    keep(page, "now-going")
    e2e.thumb(page, "I’m here")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("button", name="Hold")).to_have_attribute("aria-pressed", "true")
    keep(page, "now-helped")
    expect(card).to_have_attribute("data-state", "pausing")
    e2e.thumb(page, "Calm")
    expect(card).to_have_attribute("data-state", "calm")
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    keep(page, "now-calm")

    page.goto(f"{home}/journal?day={day(1 / 7)}")
    expect(page.locator("#list .entry").nth(10)).to_be_visible()
    expect(page.locator("main")).to_contain_text(re.compile(r"\d+ cries, \d+ answered"))
    keep(page, "journal")
    page.goto(f"{home}/journal?day={day(8)}")
    expect(page.locator("#list")).to_contain_text("Simulated from here on")
    page.goto(f"{home}/journal?day={day(3)}")
    expect(page.locator("#list")).to_contain_text("From today we carry Ida more")

    page.goto(f"{home}/insight?span=all")
    expect(page.locator("#swift")).to_contain_text(
        re.compile(r"Of \d{3} cries, half would be answered")
    )
    expect(page.locator("#swift figure.chart svg").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("From today we carry Ida more")
    keep(page, "insight", of="#swift")

    page.goto(f"{home}/evidence")
    expect(page.locator("#four")).to_be_visible()
    keep(page, "evidence")
    page.goto(f"{home}/board")
    expect(page.locator("#board > *").first).to_contain_text("Ida")
    keep(page, "board")
    take_along(page, home, tmp_path)
