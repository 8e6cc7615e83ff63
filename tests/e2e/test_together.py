"""Two people at once, and phones whose clocks are wrong."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NEAR = timedelta(seconds=2)


def test_two_who_go_at_the_same_moment_are_both_on_the_way(home, phones):
    anna, ben = phones.join(home), phones.join(home, "Ben", role="caregiver")
    home.cry()
    for page in (anna, ben):
        expect(page.get_by_role("button", name="I’m going", exact=True)).to_be_visible()
    soon = anna.evaluate("Date.now() + 1500")
    for page in (anna, ben):
        page.evaluate(
            "at => { setTimeout(() => document.querySelector('#dock .thumb').click(),"
            " at - Date.now()) }",
            soon,
        )
    for page in (anna, ben):
        card = page.locator("section.room")
        expect(card).to_contain_text(re.compile("(Anna and Ben|Ben and Anna) are on the way"))
        expect(page.get_by_role("button", name="I’m here", exact=True)).to_be_visible()
    assert {one.data["caregiver"] for one in home.events("acknowledged")} == {"anna", "ben"}
    assert len(home.events("acknowledged")) == 2
    assert len(home.episode().acknowledgements) == 2


@pytest.mark.parametrize("skew_s", [600.0, -600.0], ids=["fast", "slow"])
def test_a_phone_whose_clock_is_wrong_taps_at_the_right_time(home, phones, e2e, skew_s):
    anna = phones.join(home, skew_s=skew_s)
    card = anna.locator("section.room")
    expect(card).to_have_attribute("data-state", "calm")
    assert abs(anna.evaluate("Date.now()") / 1000 - datetime.now(UTC).timestamp() - skew_s) < 30
    home.cry()
    expect(card).to_have_attribute("data-state", "crying")
    expect(card.locator(".clock")).to_have_text(re.compile(r"^0:\d\d$"))

    for kind, name in (("acknowledged", "I’m going"), ("responded", "I’m here")):
        before = datetime.now(UTC)
        e2e.thumb(anna, name)
        (event,) = e2e.wait(lambda kind=kind: home.events(kind), kind)
        assert before - NEAR < event.at < datetime.now(UTC) + NEAR
    home.hush()
    assert 0 < home.episode().latency_s < 60


def test_a_tap_of_a_wrong_clock_that_waited_is_at_the_right_time_too(home, phones, e2e):
    phones.lossy = True
    anna = phones.join(home, skew_s=600.0)
    home.cry()
    expect(anna.locator("section.room")).to_have_attribute("data-state", "crying")
    anna.context.set_offline(True)
    before = datetime.now(UTC)
    e2e.thumb(anna, "I’m going")
    tapped = datetime.now(UTC)
    expect(anna.locator("#dock").get_by_text("1 tap")).to_be_visible()
    anna.wait_for_timeout(3000)
    anna.context.set_offline(False)
    (event,) = e2e.wait(lambda: home.events("acknowledged"), "the tap")
    assert before - NEAR < event.at < tapped + NEAR
