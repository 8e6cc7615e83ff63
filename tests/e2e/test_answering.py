"""A real cry at a real browser's microphone, answered on another: the whole way, once."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_cry_is_heard_told_answered_and_remembered(hub_process, nursery_browser, phones, e2e):
    _, home = hub_process
    anna = phones.new()
    anna.goto(f"{home.url}/join#{home.code('owner', 'Anna')}")
    anna.get_by_label("Who are you").fill("Anna's phone")
    anna.get_by_role("button", name="Join").click()
    anna.get_by_role("button", name="Turn on sound").click()
    ben = phones.join(home, "Ben", role="caregiver")

    cot = phones.join(home, "Old phone", role="nursery", path="/nursery", browser=nursery_browser)
    cot.get_by_role("button", name="Listen").click()
    expect(cot.locator("#word")).to_have_text("Listening")
    expect(cot.locator("#level-text")).to_have_text(re.compile("The hub hears −[456]"))

    card = anna.locator("section.room")
    expect(card).to_have_attribute("data-state", "crying")
    expect(anna.get_by_role("button", name="Silence this phone")).to_be_visible()
    expect(card).to_contain_text("open page: shown")
    expect(cot.locator("#level-text")).to_contain_text("crying")
    expect(ben.locator("section.room")).to_have_attribute("data-state", "crying")
    expect(ben.locator("section.room")).to_contain_text("Nobody is going yet")

    e2e.thumb(anna, "I’m going")
    expect(ben.locator("section.room")).to_contain_text("Anna is on the way")
    expect(ben.get_by_role("button", name="I’m going too")).to_be_visible()
    expect(anna.get_by_role("button", name="Silence this phone")).to_have_count(0)

    e2e.thumb(anna, "I’m here")
    expect(ben.locator("section.room")).to_contain_text("Anna is there")
    anna.get_by_role("button", name="Hold").click()
    expect(anna.get_by_role("button", name="Hold")).to_have_attribute("aria-pressed", "true")
    expect(card).to_have_attribute("data-state", "pausing")
    e2e.thumb(anna, "Calm")
    expect(card).to_have_attribute("data-state", "calm")
    expect(card).to_contain_text("by Anna, soothed, held")

    episode = home.episode()
    first = next(one for one in episode.alerts if one.caregiver == "anna")
    assert episode.outcome == "soothed"
    assert episode.onset <= first.due <= first.sent <= first.shown
    assert episode.onset < episode.acknowledgements[0].at < episode.responses[0].at
    assert 8 < episode.crying_s < 18

    anna.goto(f"{home.url}/journal")
    entry = anna.locator("#list .entry")
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text(
        re.compile(r"Ida: Cried 0:1\d, .*answered after \d:\d\d by Anna, soothed, held")
    )
