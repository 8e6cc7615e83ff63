"""What pages do in states and with answers that a real hub would give once in a while."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

THEMES = ("day", "dark", "night")
EPISODE = "0190b1d2-0000-7000-8000-000000000001"
VOICE = "0190b1d2-0000-7000-8000-0000000000aa"

Opening = Callable[..., Page]


@pytest.fixture
def told(stubs: ModuleType) -> list[dict[str, Any]]:
    def alert(channel: str, shown: str | None) -> dict[str, Any]:
        return {"alert": channel, "caregiver": "anna", "name": "Anna", "channel": channel,
                "due": stubs.ago(11), "sent": stubs.ago(11), "shown": shown,
                "failed": None}  # fmt: skip

    return [alert("page", stubs.ago(10)), alert("push", None)]


@pytest.fixture
def scenes(stubs: ModuleType, told: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    going = [{"event": "g1", "caregiver": "anna", "name": "Anna", "at": stubs.ago(60)}]
    there = [{"event": "t1", "caregiver": "anna", "name": "Anna", "at": stubs.ago(40),
              "manner": "arrived", "source": "tapped"}]  # fmt: skip
    crying = stubs.an_episode(
        14, told=told, next={"caregiver": "ben", "name": "Ben", "at": stubs.ago(-95)}
    )
    return {
        "calm": [stubs.a_room()],
        "crying": [stubs.a_room(state="crying", since=stubs.ago(14), episode=crying)],
        "helped": [
            stubs.a_room(
                state="pausing",
                since=stubs.ago(20),
                episode=stubs.an_episode(90, told=told, going=going, there=there),
            )
        ],
        "held": [
            stubs.a_room(
                state="crying",
                since=stubs.ago(60),
                episode=stubs.an_episode(
                    60,
                    plan={"visit": 2, "until": stubs.ago(-100)},
                    proposed=[{"event": VOICE, "at": stubs.ago(30), "until": stubs.ago(25)}],
                ),
            )
        ],
        "unheard": [
            stubs.a_room(
                state="unheard",
                unheard_since=stubs.ago(600),
                unheard_reason="the phone's page was closed",
            )
        ],
        "several": [
            stubs.a_room(),
            stubs.a_room("Attic", state="crying", since=stubs.ago(31), episode=crying),
            stubs.a_room("Garden", state="unheard", unheard_since=stubs.ago(90)),
        ],
    }


@pytest.fixture
def lists(stub: Any, stubs: ModuleType) -> None:
    """What the journal and the settings show."""
    stub.answers = {
        "household": {"name": "Ash Lane", "zone": "Europe/Berlin",
                      "settings": {"day_starts": "00:00"}},
        "children": [{"id": "mia", "name": "Mia", "born": "2026-06-01", "due": None,
                      "room": "nursery"}],
        "caregivers": [
            {"id": "anna", "name": "Anna", "role": "owner", "children": [], "colour": ""},
            {"id": "aunt", "name": "Aunt", "role": "viewer", "children": ["mia"], "colour": ""},
        ],
        "rooms": [{"id": "nursery", "name": "Nursery", "ear": "browser", "source": "",
                   "ring_after": 3, "ring_at_once_dbfs": -15, "threshold": 0.5,
                   "listening": True}],
        "channels": [{"id": "c1", "kind": "apprise", "name": "Pushover", "caregiver": "anna",
                      "url": "pover://…", "enabled": True, "options": []}],
        "POST channels/c1/test": {"ok": False, "says": "The server refused the token."},
        "plans": [{"id": "p1", "name": "Our plan", "room": "nursery", "caregiver": None,
                   "waits": [120, 180, 300], "longer_each_night": 0, "most_dbfs": None,
                   "most_s": 900, "active_since": None}],
        "duty/nursery": {"turns": [{"order": 1, "caregiver": "anna", "after_s": 0, "days": None,
                                    "quiet_from": None, "quiet_until": None,
                                    "rotates": False}]},
        "devices": [{"id": "d1", "name": "Anna’s phone", "kind": "phone", "caregiver": "anna",
                     "room": None, "created": stubs.ago(9e4), "last_seen": stubs.ago(20),
                     "address": "192.168.1.4", "this": True}],
        "POST join-codes": {"code": "K7QD-2MXP", "url": f"{stub.address}/join#K7QD-2MXP",
                            "qr": stubs.QR, "expires": stubs.ago(-600)},
        "episodes": [{
            "id": EPISODE, "room": "nursery", "child": "mia", "onset": stubs.ago(5000),
            "ended_at": stubs.ago(4600), "calm_at": stubs.ago(4700), "latency_s": 48.0,
            "crying_s": 190.0, "outcome": "soothed", "drill": False, "false_alarm": False,
            "provisional": False, "bouts": [], "plan": [], "proposed": [], "reason": None,
            "responses": [{"event": "r1", "at": stubs.ago(4952), "manner": "arrived",
                           "source": "tapped", "caregiver": "anna", "inferred": False}],
            "soothing": [{"event": "s1", "at": stubs.ago(4900), "attempt": "hold",
                          "caregiver": "anna"}],
            "comments": [{"event": "k1", "at": stubs.ago(4000), "caregiver": "anna",
                          "text": "<img src=x onerror=alert(1)> a tooth?"}],
            "something_wrong": None,
        }],
        "care": [
            {"event": "e1", "what": "sleep", "at": stubs.ago(4500), "until": None,
             "room": "nursery", "child": "mia", "caregiver": "anna", "side": None, "ml": None,
             "food": None, "wet": None, "solid": None, "name": None, "dose": None,
             "celsius": None, "text": None},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("scene", ["calm", "crying", "helped", "held", "unheard", "several"])
def test_now_is_accessible_in_every_state(
    stub: Any, scenes: dict[str, Any], open_page: Opening, e2e: Any, axe: Any, scene: str
) -> None:
    stub.rooms = scenes[scene]
    page = open_page(stub.address, size=(320, 568))
    expect(page.locator("section.room")).to_have_count(len(stub.rooms))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        """[...document.querySelectorAll('button, .button, summary')]
        .map((one) => [one.textContent, one.getBoundingClientRect()])
        .filter(([, box]) => box.height && (box.height < 55.5 || box.width < 55.5))
        .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
    )
    assert small == []
    for theme in THEMES:
        e2e.shine(page, theme)
        assert axe(page) == []


@pytest.mark.alone
def test_a_slow_phone_can_use_now_within_a_second(
    stub: Any, scenes: dict[str, Any], open_page: Opening
) -> None:
    stub.rooms = scenes["crying"]
    page = open_page("about:blank")
    page.add_init_script(
        """new MutationObserver(() => {
        if (!window.usable && document.querySelector('.thumb')) window.usable = performance.now();
        }).observe(document, {childList: true, subtree: true})"""
    )
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    client.send("Network.enable")
    client.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 40, "downloadThroughput": 1_000_000,
         "uploadThroughput": 500_000},
    )  # fmt: skip
    page.goto(stub.address, wait_until="commit")
    page.get_by_role("button", name="I’m going").wait_for()
    assert page.evaluate("window.usable") < 1000


def test_a_double_tap_is_one_tap(stub: Any, scenes: dict[str, Any], open_page: Opening) -> None:
    stub.rooms = scenes["crying"]
    page = open_page(stub.address)
    page.get_by_role("button", name="I’m going", exact=True).dblclick()
    page.wait_for_timeout(500)
    assert [one["kind"] for one in stub.events] == ["acknowledged"]


def test_every_tap_can_be_undone(stub: Any, scenes: dict[str, Any], open_page: Opening) -> None:
    stub.rooms = scenes["crying"]
    page = open_page(stub.address)
    page.get_by_role("button", name="I’m going", exact=True).click()
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="I’m going", exact=True)).to_be_visible()
    page.keyboard.press("g")
    expect(page.get_by_role("button", name="I’m here", exact=True)).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="I’m going", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    kinds = [one["kind"] for one in stub.events]
    assert kinds == ["acknowledged", "removed", "acknowledged", "removed"]
    assert stub.events[1]["data"]["target"] == stub.events[0]["id"]


def test_a_tap_outlives_the_page(stub: Any, scenes: dict[str, Any], open_page: Opening) -> None:
    stub.rooms = scenes["crying"]
    page = open_page(stub.address)
    page.route("**/api/events", lambda route: route.abort())
    page.get_by_role("button", name="I’m going", exact=True).click()
    expect(page.locator("#dock")).to_contain_text("waiting to be sent")
    page.unroute("**/api/events")
    page.reload()
    page.wait_for_timeout(1000)
    assert [one["kind"] for one in stub.events] == ["acknowledged"]


def test_a_heard_answer_is_asked_about(
    stub: Any, scenes: dict[str, Any], open_page: Opening
) -> None:
    stub.rooms = scenes["held"]
    page = open_page(stub.address)
    expect(page.locator(".held")).to_contain_text("Held by your plan: visit 2 in 1:")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.locator(".coming").first).to_contain_text("Anna is there")
    page.wait_for_timeout(200)
    assert [(one["kind"], one["data"]) for one in stub.events] == [("confirmed", {"target": VOICE})]


def test_an_alert_is_reported_and_rings_until_somebody_goes(
    stub: Any, scenes: dict[str, Any], stubs: ModuleType, open_page: Opening
) -> None:
    stub.rooms = scenes["crying"]
    stub.rooms[0]["episode"]["told"] = []
    page = open_page(stub.address)
    page.get_by_role("button", name="Turn on sound").click()
    expect(page.get_by_role("button", name="Sound is on")).to_be_visible()
    alert = "0190b1d2-0000-7000-8000-0000000000bb"
    stub.alerts.append({"alert": alert, "about": "cry", "title": "Mia is crying", "body": "",
                        "room": "nursery", "episode": EPISODE, "urgent": True})  # fmt: skip
    expect(page.get_by_role("button", name="Silence this phone")).to_be_visible()
    page.wait_for_timeout(300)
    assert [path for path, _ in stub.posts] == [
        f"POST /api/alerts/{alert}/received", f"POST /api/alerts/{alert}/shown",
    ]  # fmt: skip
    page.get_by_role("button", name="I’m going", exact=True).click()
    expect(page.get_by_role("button", name="Silence this phone")).to_be_hidden()


def test_the_first_sign_is_shown_without_ringing(
    stub: Any, stubs: ModuleType, open_page: Opening
) -> None:
    stub.rooms = [stubs.a_room(state="crying", since=stubs.ago(1), provisional=True,
                               episode=stubs.an_episode(1))]  # fmt: skip
    page = open_page(stub.address)
    expect(page.locator(".word")).to_have_text("Crying?")
    expect(page.locator(".about")).to_contain_text("phones do not ring yet")
    expect(page.get_by_role("button", name="Silence this phone")).to_be_hidden()


def test_a_room_that_is_not_heard_is_said_loudly(
    stub: Any, scenes: dict[str, Any], open_page: Opening
) -> None:
    stub.rooms = scenes["unheard"]
    page = open_page(stub.address)
    expect(page.locator(".loudly")).to_contain_text("Nobody is listening to Nursery since")
    expect(page.locator(".loudly")).to_contain_text("the phone's page was closed")


def test_a_viewer_has_nothing_to_tap(stub: Any, scenes: dict[str, Any], open_page: Opening) -> None:
    stub.rooms, stub.me["role"], stub.me["caregiver"] = scenes["crying"], "viewer", None
    page = open_page(stub.address)
    expect(page.locator(".word")).to_have_text("Crying")
    expect(page.locator("#dock")).to_be_hidden()


def test_the_nursery_sends_numbered_sound(stub: Any, open_page: Opening) -> None:
    page = open_page(stub.address + "/nursery", permissions=["microphone"])
    page.get_by_role("button", name="Listen", exact=True).click()
    expect(page.locator("#word")).to_have_text("Listening", timeout=10_000)
    expect(page.locator("#level-text")).to_contain_text("−32 dBFS")
    page.wait_for_timeout(1500)
    frames = list(stub.frames)
    assert len(frames) > 12
    assert {len(one) for one in frames} == {12 + 2 * 1280}
    numbers = [int.from_bytes(one[:4], "little") for one in frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.usefixtures("lists")
def test_the_journal_adds_and_shows_text_as_text(stub: Any, open_page: Opening) -> None:
    page = open_page(stub.address + "/journal")
    expect(page.locator("#list")).to_contain_text("answered after 0:48 by Anna")
    expect(page.locator("#list")).to_contain_text("<img src=x")
    page.get_by_role("button", name="Feed").click()
    page.get_by_label("Bottle, ml").fill("120")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_timeout(400)
    (event,) = stub.events
    assert (event["kind"], event["data"]["what"], event["data"]["ml"]) == ("care", "feed", 120)
    assert event["child"] == "mia"


@pytest.mark.usefixtures("lists")
def test_an_entry_is_one_line_until_the_keyboard_opens_it(stub: Any, open_page: Opening) -> None:
    page = open_page(stub.address + "/journal")
    change = page.get_by_role("button", name="Change Sleep")
    remove = page.get_by_role("button", name="Remove", exact=True)
    expect(change).to_have_attribute("aria-expanded", "false")
    expect(remove).to_be_hidden()
    box = change.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    change.focus()
    page.keyboard.press("Enter")
    expect(change).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Correct", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_timeout(400)
    assert [(one["kind"], one["data"]["target"]) for one in stub.events] == [("removed", "e1")]


@pytest.mark.usefixtures("lists")
def test_settings_say_what_went_wrong(stub: Any, open_page: Opening) -> None:
    page = open_page(stub.address + "/settings")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#channels .result")).to_contain_text("The server refused the token.")
    page.get_by_role("button", name="Make a code").click()
    expect(page.locator("#code")).to_contain_text("K7QD-2MXP")
    page.get_by_role("button", name="Start this plan").click()
    page.wait_for_timeout(300)
    assert stub.events[-1]["kind"] == "plan_started"
    assert json.loads(json.dumps(stub.events[-1]["data"]["waits"])) == [120, 180, 300]


def test_now_opens_without_a_network(stub: Any, scenes: dict[str, Any], open_page: Opening) -> None:
    page = open_page(stub.address, service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_timeout(1500)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#lost")).to_contain_text("Not connected since", timeout=10_000)
    expect(page.locator(".word")).to_have_text("Not connected")
    kept = page.evaluate(
        """caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)
        .then((one) => one.keys()).then((all) => all.map((each) => each.url)))))"""
    )
    assert not any("/api/" in url for urls in kept for url in urls)
