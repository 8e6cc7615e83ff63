"""Every page for everybody: by eye in any light, by screen reader, by keyboard, on a small phone.

With HARKEN_PICTURES=1 the same tests keep the pictures of docs/pictures that test_demo.py does not.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PICTURES = Path(__file__).parents[2] / "docs/pictures"
KEEP = os.environ.get("HARKEN_PICTURES") == "1"
FROM_THE_DEMO = ("now-", "journal", "insight", "evidence", "board")
THEMES = ("day", "dark", "night")
BIG = 150_000

PAGES = {
    "journal": ("/journal?day={yesterday}", "#list .entry"),
    "settings": ("/settings", "#devices-title"),
    "hears": ("/hears/nursery", "#facts"),
    "board": ("/board", "#board > *"),
    "evidence": ("/evidence", "#four"),
    "waiting": ("/evidence/waiting", "main"),
}


def keep(page, name: str, theme: str, shape: str) -> None:
    """Keep a picture for the docs, in few colours and few bytes."""
    page.mouse.move(0, 0)  # or the button that was pressed last is drawn as under the mouse
    path = PICTURES / f"{name}-{theme}-{shape}.png"
    page.screenshot(path=path, animations="disabled", scale="css")
    if convert := shutil.which("convert"):
        subprocess.run([convert, path, "-strip", "+dither", "-colors", "64", f"PNG8:{path}"],
                       check=True, timeout=60)  # fmt: skip


@pytest.fixture
def look(axe, e2e):
    """Look at a page in each light and size: readable, narrow enough, and no fault for axe."""

    def looking(page, name: str, *, pictured: bool = True) -> None:
        faults = []
        for theme in THEMES:
            e2e.shine(page, theme)
            for shape, size in (("small", (320, 568)), ("phone", e2e.phone),
                                ("desktop", e2e.desktop)):  # fmt: skip
                page.set_viewport_size({"width": size[0], "height": size[1]})
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size[0], f"{name} is {wide} px wide on {size[0]} px"
                if shape == "small":
                    faults += [(theme, *one) for one in axe(page)]
                elif KEEP and pictured and theme != "dark" and not name.startswith(FROM_THE_DEMO):
                    keep(page, name, theme, shape)
        assert faults == []

    return looking


@pytest.mark.parametrize("name", PAGES)
def test_page_is_for_everybody(make_home, phones, e2e, look, name):
    home = make_home(past=e2e.past_events())
    path, ready = PAGES[name]
    page = phones.join(home, path=path.format(yesterday=e2e.yesterday))
    phones.join(home, "Ben", role="caregiver")
    expect(page.locator(ready).first).to_be_visible()
    if name in ("hears", "board"):
        page.wait_for_timeout(30_000 if KEEP and name == "hears" else 0)
        home.cry()
        e2e.wait(lambda: home.hub.state(None)["rooms"][0]["episode"], "the cry to be heard")
        # The picture of the last minute is to have a cry in it.
        page.wait_for_timeout(5000 if KEEP else 1000)
    look(page, name, pictured=name != "waiting")


def test_the_nursery_is_for_everybody(hub_process, nursery_browser, phones, look):
    _, home = hub_process
    page = phones.join(home, role="nursery", path="/nursery", browser=nursery_browser)
    expect(page.locator("#why")).to_contain_text("Lay this device near the cot in Nursery")
    look(page, "nursery-idle", pictured=False)
    page.get_by_role("button", name="Listen").click()
    expect(page.locator("#word")).to_have_text("Listening")
    expect(page.locator("#level-text")).to_contain_text("crying")
    look(page, "nursery")


def test_the_doors_are_for_everybody(make_home, phones, look):
    home = make_home(names=None)
    page = phones.new()
    page.goto(home.url)
    expect(page.get_by_label("The baby’s name")).to_be_visible()
    look(page, "welcome")
    page.get_by_label("Your name").fill("Anna")
    page.get_by_label("The baby’s name").fill("Ida")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("section.room")).to_be_visible()
    page.goto(f"{home.url}/nowhere")
    expect(page.get_by_role("link", name="Back", exact=True)).to_be_visible()
    look(page, "problem", pictured=False)
    phones.said[:] = [one for one in phones.said if "status of 404" not in one]
    stranger = phones.new()
    stranger.goto(home.url)
    expect(stranger.get_by_label("Code")).to_be_visible()
    look(stranger, "join", pictured=False)


def test_now_is_for_everybody_from_calm_to_calm(make_home, phones, e2e, look):
    home = make_home(past=e2e.past_events())
    page = phones.join(home)
    card = page.locator("section.room")
    expect(card).to_have_attribute("data-state", "calm")
    look(page, "now-calm")
    home.cry()
    expect(card).to_contain_text("open page: shown")
    expect(card.locator(".word")).to_have_text("Crying")
    look(page, "now-crying")
    e2e.thumb(page, "I’m going")
    expect(page.get_by_role("button", name="I’m here", exact=True)).to_be_visible()
    look(page, "now-going")
    e2e.thumb(page, "I’m here")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("button", name="Hold")).to_have_attribute("aria-pressed", "true")
    look(page, "now-helped")


def test_the_keyboard_alone_goes_from_crying_to_calm(home, phones, e2e):
    page = phones.join(home)
    home.cry()
    expect(page.get_by_role("button", name="I’m going", exact=True)).to_be_visible()

    def press(name: str, key: str) -> None:
        for _ in range(60):
            here = page.evaluate("document.activeElement?.textContent ?? ''")
            if here == name:
                break
            page.keyboard.press("Tab")
        else:
            pytest.fail(f"the Tab key does not reach {name}")
        assert page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            " || getComputedStyle(document.activeElement).boxShadow !== 'none'"
        ), f"{name} does not show that it has the focus"
        page.wait_for_timeout(1000)  # see `thumb` in conftest.py
        page.keyboard.press(key)

    press("I’m going", "Enter")
    e2e.wait(lambda: home.events("acknowledged"), "the first tap")
    press("I’m here", "Enter")
    e2e.wait(lambda: home.events("responded"), "the second tap")
    press("Hold", "Space")
    e2e.wait(lambda: home.events("soothed"), "what helped")
    home.hush()
    expect(page.locator("section.room")).to_have_attribute("data-state", "pausing")
    press("Calm", "Enter")
    expect(page.locator("section.room")).to_have_attribute("data-state", "calm")
    assert home.episode().outcome == "soothed"
    # What a page makes up itself is a UUIDv7, so that it may come twice and counts once.
    kinds = ("acknowledged", "responded", "soothed", "calmed")
    assert [one.id.version for kind in kinds for one in home.events(kind)] == [7] * 4


def test_nothing_moves_for_those_who_do_not_want_it(home, phones):
    page = phones.join(home)
    home.cry()
    expect(page.locator("section.room")).to_have_attribute("data-state", "crying")
    moving = (
        "document.getAnimations().filter(one => one.playState === 'running'"
        " && one.effect.getComputedTiming().duration > 0).length"
    )
    page.wait_for_function(moving)
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(f"!({moving})")
    assert not page.evaluate(moving)


def test_the_first_load_of_now_is_small(home, phones):
    page = phones.new(service_workers="block")
    phones.sign_in(page, home)
    took: dict[str, int] = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on(
        "Network.responseReceived",
        lambda it: took.update({it["requestId"]: int(it["response"]["encodedDataLength"])}),
    )
    client.on(
        "Network.dataReceived",
        lambda it: took.update(
            {it["requestId"]: took.get(it["requestId"], 0) + int(it["encodedDataLength"])}
        ),
    )
    client.on(
        "Network.loadingFinished",
        lambda it: took.update({it["requestId"]: int(it["encodedDataLength"])}),
    )
    page.goto(home.url)
    expect(page.locator("section.room")).to_have_attribute("data-state", "calm")
    page.wait_for_timeout(1000)
    assert len(took) > 8
    assert 20_000 < sum(took.values()) < BIG
