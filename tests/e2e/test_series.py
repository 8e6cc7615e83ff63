"""Sensors' numbers under the day's strip, with gaps open and the same in words."""

import math
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from harken.journal import Child, Reading, Series

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def pulse(at, minutes, silent=()):
    return [
        Reading(at + timedelta(minutes=m), 125 + 18 * math.sin(m / 23) + (m % 7))
        for m in range(minutes)
        if not any(a <= m < b for a, b in silent)
    ]


def test_a_day_with_a_sensor(home, phones, e2e, axe):
    begun = datetime.now(UTC) - timedelta(hours=5)
    child = home.journal.household.list(Child)[0].id
    silent = [(120, 190)]
    home.journal.add_readings(Series("heart_rate", "sock", child=child), pulse(begun, 300, silent))
    warm = [Reading(begun + timedelta(minutes=15 * i), 19 + i / 10) for i in range(20)]
    home.journal.add_readings(Series("room_temperature", "thermometer"), warm)
    page = phones.join(home)
    # By the clock of the household a day may have begun since: then the sensor is in the last.
    zone = ZoneInfo(home.journal.household.get_setting("zone", "UTC"))
    day = (begun.astimezone(zone) - timedelta(hours=7)).date()
    page.goto(f"{home.url}/journal?day={day.isoformat()}")
    drawn = page.locator(".series[data-what=heart_rate]")
    expect(drawn).to_be_visible()
    said = drawn.locator("svg").get_attribute("aria-label")
    expect(drawn.locator("p")).to_have_text(said)
    assert re.match(
        r"Heart rate \(sock\): 1\d\d to 1\d\d beats/min, mean 1\d\d, from \d\d:\d\d", said
    )
    assert not re.search("high|low|normal|alarm|danger", said, re.IGNORECASE)
    # A thermometer that speaks every quarter of an hour has no gap after each word.
    other = page.locator(".series[data-what=room_temperature]")
    assert not re.search("gap|No readings", other.locator("svg").get_attribute("aria-label"))
    assert other.locator("polyline, circle").count() == 1
    # On the narrowest phone nothing is cut off, and a screen reader finds no fault.
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for theme in ("day", "night"):
        e2e.shine(page, theme)
        assert axe(page) == []


def test_a_gap_is_a_gap(home, phones):
    # In the middle of a day, so that both sides of the gap are in it.
    noon = datetime.now(UTC) - timedelta(days=2)
    noon = noon.replace(hour=12, minute=0, second=0, microsecond=0)
    readings = pulse(noon, 300, [(120, 190)])
    home.journal.add_readings(Series("heart_rate", "sock"), readings)
    page = phones.join(home, path=f"/journal?day={noon.date().isoformat()}")
    drawn = page.locator(".series")
    expect(drawn).to_be_visible()
    assert drawn.locator("polyline").count() == 2
    assert re.search(r"No readings \d\d:00 to \d\d:10\.", drawn.locator("p").inner_text())


def test_a_day_without_a_sensor_says_nothing_of_it(home, phones):
    page = phones.join(home, path="/journal")
    expect(page.locator("#sums")).not_to_be_empty()
    expect(page.locator("#series")).to_be_hidden()
