"""Whatever people type is text on every page, and never markup."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from harken.journal import Channel, Plan

pytestmark = pytest.mark.e2e

EVIL = "<img src=x onerror=window.pwned=1>"


def evil_past(past):
    past = past()
    start = datetime.now(UTC) - timedelta(minutes=30)
    bout = past.cried(start, 2.0)
    past.came(bout, "anna", start + timedelta(seconds=30), "hold")
    by = "caregiver:anna"
    past.add("commented", start, by, text=EVIL, episode=bout, caregiver="anna")
    past.add("reason_tagged", start, by, reason=EVIL, episode=bout, caregiver="anna")
    past.cared("note", start, text=EVIL)
    past.cared("feed", start, food=EVIL)
    past.cared("medicine", start, name=EVIL, dose=EVIL)
    past.add("push_lost", start, device=EVIL)
    return past.events


def test_names_and_notes_are_text_on_every_page(make_home, phones, e2e):
    names = e2e.names(household=EVIL, room=EVIL, child=EVIL, owner=EVIL, caregiver=EVIL)
    home = make_home(names, past=evil_past(e2e.past))
    home.journal.household.add(
        Channel(id="siren", kind="webhook", name=EVIL, url="http://127.0.0.1:9/", enabled=False)
    )
    home.journal.household.add(
        Plan(id="slow", name=EVIL, caregiver="anna", room="nursery", waits=[120.0, 180.0])
    )
    page = phones.join(home, EVIL, device=EVIL)

    def check(least: int) -> None:
        seen = page.get_by_text(EVIL, exact=False)
        e2e.wait(lambda: seen.count() >= least, f"{least} names on {page.url}")
        assert page.locator("img[src='x'], [onerror]").count() == 0
        assert page.evaluate("window.pwned") is None

    expect(page.locator("section.room")).to_have_attribute("data-state", "calm")
    check(3)
    home.cry()
    expect(page.locator("section.room")).to_have_attribute("data-state", "crying")
    check(4)
    e2e.thumb(page, "I’m going")
    expect(page.locator("section.room")).to_contain_text(f"{EVIL} is on the way")
    check(4)
    for path, least in (
        ("/journal", 7), ("/settings", 8), ("/hears/nursery", 1), ("/board", 2), ("/nursery", 1),
        ("/evidence", 1), ("/evidence/waiting", 1),
    ):  # fmt: skip
        page.goto(home.url + path)
        check(least)

    stranger = phones.new()
    stranger.goto(f"{home.url}/join?code={EVIL}#{EVIL}")
    expect(stranger.get_by_label("Code")).to_be_visible()
    stranger.get_by_role("button", name="Join").click()
    expect(stranger.locator("#answer")).not_to_be_empty()
    assert stranger.evaluate("window.pwned") is None
    assert stranger.locator("img[src='x'], [onerror]").count() == 0
    # A refused code is what Chromium itself writes of; nothing else may be said.
    phones.said[:] = [one for one in phones.said if "status of 4" not in one]


@pytest.mark.parametrize("path", [f"/hears/{EVIL}", f"/{EVIL}", f"/journal?day={EVIL}"])
def test_addresses_are_text_too(home, phones, path):
    page = phones.join(home, path=path)
    expect(page.locator("main")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src='x'], [onerror]").count() == 0
    phones.said[:] = [one for one in phones.said if "status of 4" not in one]
