"""Evidence in a real browser: notes of one's own, links that lead somewhere, and the questions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from harken.evidence import FOUR_QUESTIONS, claim
from harken.journal import Child, Plan

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def opened(page, id):
    page.evaluate("id => { location.hash = id }", id)
    article = page.locator(f"#{id}")
    expect(article).to_be_visible()
    return article


def test_a_note_is_kept_undone_changed_and_removed_and_is_one_s_own(home, phones):
    page = phones.join(home, path="/evidence")
    article = opened(page, "S11")
    article.get_by_role("button", name="Add a note on S11").click()
    article.get_by_role("button", name="I am not sure").click()
    article.get_by_label("Your note").fill("We carried her, and she slept.")
    article.get_by_role("button", name="Keep").click()
    expect(article.locator(".mine")).to_have_text(
        "Your note: I am not sure. We carried her, and she slept."
    )
    expect(article.get_by_role("button", name="Change your note on S11")).to_be_focused()
    (event,) = home.events("claim_noted")
    assert (event.by.partition(":")[0], event.room, event.child) == ("caregiver", None, None)

    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(article.locator(".mine")).to_have_count(0)
    page.reload()
    article = opened(page, "S11")
    expect(article.locator(".mine")).to_have_count(0)

    article.get_by_role("button", name="Add a note on S11").click()
    article.get_by_label("Your note").fill("Hm.")
    article.get_by_role("button", name="Keep").click()
    article.get_by_role("button", name="Change your note on S11").click()
    article.get_by_role("button", name="It convinces me").click()
    article.get_by_role("button", name="Keep").click()
    expect(article.locator(".mine")).to_have_text("Your note: It convinces me. Hm.")
    page.reload()
    article = opened(page, "S11")
    expect(article.locator(".mine")).to_have_text("Your note: It convinces me. Hm.")

    ben = phones.join(home, "Ben", role="caregiver", path="/evidence")
    theirs = opened(ben, "S11")
    expect(theirs.get_by_role("button", name="Add a note on S11")).to_be_visible()
    expect(theirs.locator(".mine")).to_have_count(0)

    article.get_by_role("button", name="Change your note on S11").click()
    article.get_by_role("button", name="Remove").click()
    expect(article.get_by_role("button", name="Add a note on S11")).to_be_focused()
    page.reload()
    expect(opened(page, "S11").locator(".mine")).to_have_count(0)


def test_a_link_opens_what_it_points_into(home, phones):
    page = phones.join(home, path="/evidence#T05")
    expect(page.locator("#T05")).to_be_in_viewport()
    body = page.locator("#q-body")
    body.locator("summary").first.click()
    body.get_by_role("link", name=claim("T21").claim).click()
    expect(page.locator("#T21")).to_be_in_viewport()


def test_a_plan_for_a_baby_of_five_months_starts_after_reading(home, phones, e2e):
    household = home.journal.household
    born = date.today() - timedelta(days=152)
    household.update(replace(household.get(Child, "ida"), born=born))
    household.add(Plan(id="slow", name="Slow", room="nursery", waits=[120.0, 180.0]))
    page = phones.join(home, path="/settings#plans")
    page.get_by_role("button", name="Start this plan").click()
    page.get_by_role("button", name="Read about age").click()
    expect(page.get_by_role("heading", name="Under six months")).to_be_visible()
    start = page.get_by_role("button", name="Start the plan")
    expect(start).to_be_disabled()
    page.get_by_label("I have read this").check()
    start.click()
    e2e.wait(lambda: home.events("plan_started"), "the plan to start")
    assert home.events("plan_started")[-1].data["read_evidence"] is True


def test_one_of_the_four_questions_is_shown_in_turn_after_a_cry_if_wanted(make_home, phones, e2e):
    past = e2e.past()
    lately = datetime.now(UTC) - timedelta(minutes=6)
    past.came(past.cried(lately, 1.0), "anna", lately + timedelta(seconds=20), "hold")
    home = make_home(past=past.events)
    page = phones.join(home)
    card = page.locator("section.room")
    expect(card).to_contain_text("Last cry")
    asked = page.get_by_role("region", name="A question to ask oneself")
    expect(asked).to_have_count(0)  # off by default

    page.goto(f"{home.url}/settings")
    page.get_by_label("Show the four questions").check()
    page.locator("#household-form").get_by_role("button", name="Keep").click()
    expect(page.locator("#toast")).to_contain_text("The household is kept.")
    page.goto(home.url)
    expect(asked).to_contain_text(FOUR_QUESTIONS[0].asks)
    page.reload()
    expect(asked).to_contain_text(FOUR_QUESTIONS[0].asks)
    before = len(home.journal.events())
    asked.get_by_role("button", name="Close").click()
    expect(asked).to_have_count(0)
    page.reload()
    expect(card).to_contain_text("Last cry")
    expect(asked).to_have_count(0)
    assert len(home.journal.events()) == before

    # What this phone remembers after another cry.
    page.evaluate('localStorage.setItem(\'harken.question\', \'{"episode": "older", "turn": 0}\')')
    page.reload()
    expect(asked).to_contain_text(FOUR_QUESTIONS[1].asks)
    asked.get_by_role("link", name="All four").click()
    expect(page.locator("#four-need")).to_be_in_viewport()

    page.goto(home.url)
    expect(asked).to_be_visible()
    home.cry()
    expect(card).to_have_attribute("data-state", "crying")
    expect(asked).to_have_count(0)
