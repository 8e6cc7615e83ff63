"""Sensors on the broker, told to the hub in Settings by hand."""

import pytest
from playwright.sync_api import expect

from harken.journal import Channel, Child

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_sensor_is_added_changed_and_taken_out(home, phones, e2e, axe):
    household = home.journal.household
    child = household.list(Child)[0]
    options = {"siren_topic": "siren/set"}
    broker = "mqtt://127.0.0.1:9"
    household.add(
        Channel(id="m", kind="mqtt", name="Broker", url=broker, enabled=False, options=options)
    )
    page = phones.join(home, path="/settings")
    item = page.locator("#channels .item", has=page.get_by_text("Broker", exact=True)).first
    sensors = item.get_by_role("group", name="Sensors")

    def opened():
        item.locator("summary").click()
        expect(sensors).to_be_visible()

    def keep():
        item.get_by_role("button", name="Keep").click()
        expect(sensors).to_be_hidden()

    def series():
        return household.get(Channel, "m").options.get("series")

    opened()
    sensors.get_by_role("button", name="Add a sensor").click()
    topic = sensors.get_by_label("Topic")
    expect(topic).to_be_focused()
    expect(sensors.get_by_label("It speaks in °F")).to_be_hidden()
    topic.fill("sock/all")
    sensors.get_by_label("Key of the number").fill("pulse")
    sensors.get_by_label("Of whom").select_option(child.name)
    sensors.get_by_role("button", name="Add a sensor").click()
    warm = sensors.get_by_role("group", name="2.")
    warm.get_by_label("Topic").fill("nursery/#")
    warm.get_by_label("What it measures").select_option("Room temperature")
    warm.get_by_label("It speaks in °F").check()
    # On the narrowest phone nothing is cut off, and a screen reader finds no fault.
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert axe(page) == []
    item.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("An MQTT topic may not")).to_be_visible()
    assert series() is None
    # Chromium writes of the refusal too.
    phones.said[:] = [one for one in phones.said if "status of 422" not in one]
    warm.get_by_label("Topic").fill("nursery/warm")
    keep()
    expect(item).to_contain_text("2 sensors")
    pulse = {"topic": "sock/all", "what": "heart_rate", "key": "pulse", "child": child.id}
    assert series() == [
        pulse, {"topic": "nursery/warm", "what": "room_temperature", "fahrenheit": True},
    ]  # fmt: skip
    page.reload()
    opened()
    expect(sensors.get_by_label("Key of the number").first).to_have_value("pulse")
    warm.get_by_role("button", name="Take out").click()
    keep()
    e2e.wait(lambda: series() == [pulse], "the sensor is taken out")
    kept = household.get(Channel, "m")
    assert (kept.options["siren_topic"], kept.url) == ("siren/set", broker)


def test_what_is_no_broker_has_no_sensors(home, phones):
    page = phones.join(home, path="/settings")
    adding = page.locator("#channels details", has_text="Add a way to tell you")
    adding.locator("summary").click()
    sensors = adding.get_by_role("group", name="Sensors")
    expect(sensors).to_be_hidden()
    adding.get_by_label("What", exact=True).select_option("Home Assistant (MQTT)")
    sensors.get_by_role("button", name="Add a sensor").click()
    # A row that is no longer asked for must not hold up what is.
    adding.get_by_label("What", exact=True).select_option("The open page")
    expect(sensors).to_be_hidden()
    adding.get_by_label("Name", exact=True).first.fill("Every page")
    adding.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#channels")).to_contain_text("Every page")
