"""Insight in a real browser: numbers at once, pictures by and by, by eye, keyboard and axe."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BIG = 150_000


def weeks(e2e, days: int = 24):
    """Three weeks and more of a household: both come, most cries are answered, one plan."""
    past, rng = e2e.past(), random.Random(8)
    now = datetime.now(UTC).replace(microsecond=0)
    past.add("room_heard", now - timedelta(days=days, hours=1))
    for day in range(days):
        begin = now - timedelta(days=day + 1)
        if day == 6:
            past.add("room_unheard", begin + timedelta(hours=9), reason="the tablet slept")
            past.add("room_heard", begin + timedelta(hours=13))
        for number in range(9):
            onset = begin + timedelta(hours=2.6 * number + rng.random())
            minutes = rng.uniform(0.6, 9.0 if number in (5, 6) else 4.0)
            bout = past.cried(onset, minutes)
            if number % 5 == 4:
                continue
            who = ("anna", "ben")[number % 2]
            came = onset + timedelta(minutes=minutes * rng.uniform(0.1, 0.6))
            past.came(bout, who, came, ("carry", "hold", "feed", "rock")[number % 4])
            if number % 3 == 0:
                past.add("reason_tagged", came, f"caregiver:{who}", reason="hungry", episode=bout,
                         caregiver=who)  # fmt: skip
            if number % 2 == 0:
                past.add("checked", came, f"caregiver:{who}", need="hunger", episode=bout,
                         caregiver=who, found=number == 0)  # fmt: skip
            past.cared("feed", came + timedelta(minutes=4), 15, side="left")
            past.cared("nappy", came + timedelta(minutes=25), wet=True)
        past.cared("sleep", begin + timedelta(hours=1), 200)
        past.cared("sleep", begin + timedelta(hours=14), 90)
        past.cared("carry", begin + timedelta(hours=5), 60 + 15 * (day % 7))
    past.cared("note", now - timedelta(days=9), text="From tonight: a bath before the last feed")
    return past.events


def drawn(page):
    """Scroll through the page, so that every picture is drawn, and open what is closed."""
    page.evaluate("document.querySelectorAll('details.more').forEach(one => { one.open = true })")
    for figure in page.locator("figure[data-chart]:not([data-optional])").all():
        figure.scroll_into_view_if_needed()
        expect(figure.locator("figcaption")).not_to_be_empty()
    return page.locator("figure[data-chart] svg").count()


def test_insight_is_for_everybody(make_home, phones, e2e, axe):
    home = make_home(past=weeks(e2e))
    page = phones.join(home, path="/insight?span=month")
    expect(page.locator("#swift .numbers")).to_be_visible()
    expect(page.locator("#asof")).to_contain_text("As of")
    assert drawn(page) >= 8
    for width, height in (e2e.desktop, e2e.phone, (320, 568)):
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} px wide on {width} px"
    for theme in ("day", "dark", "night"):
        e2e.shine(page, theme)
        assert axe(page) == []


def test_a_first_load_on_a_desktop_has_wide_pictures(make_home, phones, e2e):
    home = make_home(past=weeks(e2e))
    page = phones.join(home, path="/insight?span=month", size=e2e.desktop)
    drawn(page)
    figure = page.locator("figure[data-chart=swift_curve]")
    wide = figure.evaluate("one => [one.clientWidth, one.querySelector('svg').clientWidth]")
    assert wide[1] >= 0.9 * min(wide[0], 760)
    label = figure.locator("svg").get_attribute("aria-label")
    assert label
    assert len(label) > 20


def test_a_home_without_anything_is_told_so(home, phones, axe):
    page = phones.join(home, path="/insight")
    expect(page.locator("#nothing-title")).to_have_text("Nothing to add up yet")
    expect(page.locator("#helps")).to_contain_text("Not yet known")
    drawn(page)
    assert axe(page) == []


def test_by_keyboard_alone(make_home, phones, e2e):
    home = make_home(past=weeks(e2e))
    page = phones.join(home, path="/insight")

    def reach(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement?.textContent?.trim() ?? ''") == name:
                outline = "getComputedStyle(document.activeElement).outlineStyle"
                assert page.evaluate(outline) != "none"
                return
        pytest.fail(f"the Tab key does not reach {name}")

    reach("Month")
    page.keyboard.press("Enter")
    page.wait_for_url("**/insight?*span=month*")
    expect(page.locator("nav a[aria-current=page]", has_text="Month")).to_be_visible()
    reach("The hours and nights as tables")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Night", exact=True)).to_be_visible()


def test_numbers_are_never_older_than_they_say(make_home, phones, e2e):
    home = make_home(past=weeks(e2e))
    page = phones.join(home, path="/insight?span=day")
    other = phones.join(home, "Ben", role="caregiver", path="/journal")
    before = page.locator("#care").inner_text()
    event = e2e.past()
    event.cared("nappy", datetime.now(UTC) - timedelta(minutes=1), wet=True)
    sent = event.events[0].as_dict()
    answer = other.request.post(
        f"{home.url}/api/events",
        data={"events": [{k: sent[k] for k in ("id", "kind", "at", "room", "child", "data")}]},
        headers={"X-Harken": "1", "Origin": home.url},
    )
    assert answer.ok, answer.text()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    news = page.locator("#news")
    expect(news).to_contain_text("Something was written down since.")
    assert page.locator("#care").inner_text() == before
    news.get_by_role("button", name="Show new numbers").click()
    expect(news).to_be_hidden()
    expect(page.locator("#main")).to_have_attribute("data-fresh", "yes")


def test_it_works_without_javascript(make_home, phones, e2e):
    home = make_home(past=weeks(e2e))
    page = phones.join(home, path="/insight", java_script_enabled=False)
    expect(page.locator("#crying .numbers").first).to_be_visible()
    expect(page.locator("noscript p")).to_be_visible()


def test_the_first_load_is_small(make_home, phones, e2e):
    home = make_home(past=weeks(e2e))
    page = phones.new(service_workers="block")
    phones.sign_in(page, home)
    took: dict[str, int] = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on(
        "Network.loadingFinished",
        lambda it: took.update({it["requestId"]: int(it["encodedDataLength"])}),
    )
    page.goto(f"{home.url}/insight")
    expect(page.locator("#swift figure[data-chart=swift_curve] svg")).to_be_visible()
    page.wait_for_timeout(1000)
    assert 20_000 < sum(took.values()) < BIG, took
