"""Insight: who may see what, what holds and for how long, and papers to take along."""

import json
import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from harken.episodes.events import Event, new_id
from harken.insight.record import Record
from harken.insight.summary import summary
from harken.journal import Caregiver, Child, Reading, Series
from harken.web import insight as kept
from harken.web.findings import page_of

PAGE = {"accept": "text/html"}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def real(make_home):
    """A home with the shipped templates."""
    return make_home(templates=None, static=None)


@pytest.fixture
def lived(real):
    """A home in whose nursery there was crying on ten days, and somebody came to most of it."""
    now = datetime.now(UTC).replace(microsecond=0)
    events = [Event("room_heard", now - timedelta(days=11), room="nursery")]
    for day in range(10):
        for hour in (2, 9, 17):
            at = now - timedelta(days=day, hours=hour)
            bout = str(new_id(at))
            who = "ann" if hour == 2 else "bo"
            about = {"episode": bout, "caregiver": who}
            by = f"caregiver:{who}"
            seen = (at + timedelta(seconds=1)).isoformat()
            end = at + timedelta(seconds=150 + 5 * day)
            events += [
                Event("cry_started", at, room="nursery", data={"bout": bout, "detected_at": seen}),
                Event("cry_ended", end, room="nursery",
                      data={"bout": bout, "onset": at.isoformat(), "mean_cry": 0.9}),
            ]  # fmt: skip
            if day % 4 == 3:
                continue
            came = at + timedelta(seconds=20 + 2 * day)
            events += [
                Event("responded", came, room="nursery", by=by,
                      data={"manner": "arrived", "source": "tapped", **about}),
                Event("soothed", came + timedelta(seconds=10), room="nursery", by=by,
                      data={"attempt": "hold" if hour == 9 else "feed", **about}),
            ]  # fmt: skip
    real.journal.append(sorted(events, key=lambda one: one.at))
    return real


def test_everybody_who_looks_after_the_children_sees_it(lived, client_of):
    for who in ("owner", "caregiver"):
        answer = client_of(lived, who).get("/api/insight", params={"child": "ida"})
        assert answer.status_code == 200
        assert answer.json()["child"]["name"] == "Ida"
    assert client_of(lived, "nursery").get("/api/insight").status_code == 403
    assert client_of(lived, "nursery").get("/insight", headers=PAGE).status_code == 403
    assert client_of(lived).get("/api/insight").status_code == 401


def test_a_viewer_sees_their_own_children_only(lived, client_of):
    gran = client_of(lived, "viewer")
    for path in ("/api/insight", "/api/sheet", "/api/report", "/api/insight/charts/helps"):
        assert gran.get(path, params={"child": "ole"}).status_code == 404, path
    answer = gran.get("/api/insight")
    assert answer.json()["child"]["id"] == "ida"
    page = gran.get("/insight", headers=PAGE).text
    assert "Ida" in page
    assert "Ole" not in page
    lived.journal.household.update(Caregiver(id="gran", name="Gran", role="viewer", children=[]))
    lived.app.state.web.people.forget()
    assert gran.get("/api/insight").status_code == 404
    assert gran.get("/insight", headers=PAGE).status_code == 404


def test_it_is_what_the_command_prints(lived, client_of):
    told = client_of(lived, "owner").get("/api/insight", params={"span": "all"}).json()
    now = datetime.fromisoformat(told["now"])
    whole = Record.of(lived.journal, child="ida", now=now)
    record = whole.between(
        datetime.fromisoformat(told["since"]), datetime.fromisoformat(told["until"])
    )
    made = summary(record, whole=whole, by="week", at=now).as_dict()
    assert told == json.loads(json.dumps(made))
    assert told["swift"]["n"] == 30
    assert told["swift"]["median"]["n"] == 30


@pytest.mark.parametrize(("span", "days"), [("day", 1), ("week", 7), ("month", 30)])
def test_spans_are_days_of_the_household(lived, client_of, span, days):
    told = client_of(lived, "owner").get("/api/insight", params={"span": span}).json()
    assert len(told["days"]) == days
    begin = datetime.fromisoformat(told["since"]).astimezone(BERLIN)
    assert (begin.hour, begin.minute) == (7, 0)


def test_what_makes_no_sense_is_refused(lived, client_of):
    ann = client_of(lived, "owner")
    for params in (
        {"span": "year"},
        {"day": "2026-02-30"},
        {"child": "../x"},
        {"corrected": "perhaps"},
    ):
        assert ann.get("/api/insight", params=params).status_code == 422, params
        if "child" not in params:
            assert ann.get("/insight", params=params, headers=PAGE).status_code == 200, params
    assert ann.get("/api/insight", params={"child": "nobody"}).status_code == 404
    assert ann.get("/insight", params={"child": "nobody"}, headers=PAGE).status_code == 404
    assert ann.get("/api/insight/charts/nothing").status_code == 404
    assert ann.get("/api/insight/charts/helps", params={"width": 5}).status_code == 422
    for params in ({"from": "2026-05-02", "to": "2026-05-01"}, {"from": "1999-01-01"}):
        assert ann.get("/api/sheet", params=params).status_code == 422, params


def test_a_day_to_come_is_today(lived, client_of):
    ann = client_of(lived, "owner")
    far = ann.get("/api/insight", params={"span": "day", "day": "9999-12-31"}).json()
    near = ann.get("/api/insight", params={"span": "day"}).json()
    assert far["since"] == near["since"]
    old = ann.get("/api/insight", params={"span": "day", "day": "0001-01-01"})
    assert old.status_code == 200
    assert old.json()["swift"]["n"] == 0


# What holds, and for how long.


def test_it_is_asked_again_by_its_name(lived, client_of):
    ann = client_of(lived, "owner")
    first = ann.get("/api/insight")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-store"
    again = ann.get("/api/insight", headers={"if-none-match": etag})
    assert again.status_code == 304
    assert again.headers["etag"] == etag
    assert not again.content
    assert ann.get("/api/insight", headers={"if-none-match": '"x"'}).status_code == 200


def test_nothing_holds_longer_than_until_something_is_written(lived, client_of):
    ann = client_of(lived, "owner")
    first = ann.get("/api/insight")
    lived.cry(at=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30))
    second = ann.get("/api/insight", headers={"if-none-match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.json()["swift"]["n"] == first.json()["swift"]["n"] + 1


def test_a_correction_changes_the_past(lived, client_of):
    ann = client_of(lived, "owner")
    before = ann.get("/api/insight", params={"span": "all"}).json()["consistent"]
    response = next(one for one in lived.journal.events(kinds=["responded"]))
    lived.journal.append([Event("removed", datetime.now(UTC), data={"target": str(response.id)})])
    after = ann.get("/api/insight", params={"span": "all"}).json()["consistent"]
    assert sum(before["sources"].values()) == sum(after["sources"].values()) + 1


def test_a_change_of_the_household_counts_at_once(lived, client_of):
    ann = client_of(lived, "owner")
    assert ann.get("/api/insight").json()["crying"]["age_weeks"] is None
    born = (date.today() - timedelta(weeks=9)).isoformat()
    ann.patch("/api/children/ida", json={"born": born})
    assert 7 < ann.get("/api/insight").json()["crying"]["age_weeks"] < 10
    ann.put("/api/household", json={"settings": {"day_starts": "05:00"}})
    begin = datetime.fromisoformat(ann.get("/api/insight").json()["since"]).astimezone(BERLIN)
    assert begin.hour == 5


def test_after_a_minute_it_is_worked_out_anew(lived, client_of, monkeypatch):
    ann = client_of(lived, "owner")
    first = ann.get("/api/insight").headers["etag"]
    assert ann.get("/api/insight").headers["etag"] == first
    monkeypatch.setattr(kept, "GOOD_FOR", timedelta(0))
    assert ann.get("/api/insight").headers["etag"] != first


def test_what_is_kept_equals_what_is_read_anew(lived, client_of):
    ann = client_of(lived, "owner")
    ann.get("/api/insight", params={"span": "all"})
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5, hours=1)
    lived.cry(at=old)
    lived.journal.append([Event("care", old, room="nursery", data={"what": "feed", "ml": 90})])
    told = ann.get("/api/insight", params={"span": "all"}).json()
    now = datetime.fromisoformat(told["now"])
    whole = Record.of(lived.journal, child="ida", now=now)
    since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
    made = summary(whole.between(since, until), whole=whole, by="week", at=now).as_dict()
    assert told == json.loads(json.dumps(made))


def test_old_numbers_say_that_they_are_old(lived, client_of, monkeypatch):
    ann = client_of(lived, "owner")
    fresh = ann.get("/insight", headers=PAGE).text
    assert 'data-fresh="yes"' in fresh
    go_on = threading.Event()
    working = kept.Insight._work_out

    def slow(self, *args):
        go_on.wait(10)
        return working(self, *args)

    monkeypatch.setattr(kept.Insight, "_work_out", slow)
    lived.cry()
    begun = time.monotonic()
    old = ann.get("/insight", headers=PAGE).text
    assert time.monotonic() - begun < 3
    assert 'data-fresh="no"' in old
    assert "before the last entry" in old
    first = ann.get("/insight", params={"span": "month"}, headers=PAGE).text
    assert 'data-fresh="no"' in first
    assert "are being worked out" in first
    assert 'id="swift"' not in first
    go_on.set()
    ann.get("/api/insight")
    assert 'data-fresh="yes"' in ann.get("/insight", headers=PAGE).text


def test_many_who_ask_at_once_are_answered_by_one_piece_of_work(lived, client_of, monkeypatch):
    ann = client_of(lived, "owner")
    ann.get("/api/insight")
    times = []
    working = kept.Insight._work_out

    def counted(self, *args):
        times.append(threading.current_thread().name)
        time.sleep(0.2)
        return working(self, *args)

    monkeypatch.setattr(kept.Insight, "_work_out", counted)
    lived.cry()
    asking = [threading.Thread(target=ann.get, args=("/api/insight",)) for _ in range(6)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(times) == 1
    assert times[0].startswith("insight")


def test_what_nobody_asks_for_is_forgotten(lived, client_of, monkeypatch):
    monkeypatch.setattr(kept, "_KEPT_S", 0.1)
    ann = client_of(lived, "owner")
    first = ann.get("/api/insight").json()
    insight = lived.app.state.web.insight
    end = time.monotonic() + 10
    while insight._held or insight._answers:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert ann.get("/api/insight").json()["swift"] == first["swift"]


def test_who_joins_work_that_began_before_gets_what_was_written_since(
    lived, client_of, monkeypatch
):
    ann = client_of(lived, "owner")
    before = ann.get("/api/insight").json()["swift"]["n"]
    begun, go_on = threading.Event(), threading.Event()
    working = kept.Insight._work_out

    def slow(self, *args):
        begun.set()
        go_on.wait(10)
        return working(self, *args)

    monkeypatch.setattr(kept.Insight, "_work_out", slow)
    lived.cry(at=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50))
    first = threading.Thread(target=ann.get, args=("/api/insight",))
    first.start()
    assert begun.wait(10)
    lived.cry(at=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20))
    told = []
    second = threading.Thread(target=lambda: told.append(ann.get("/api/insight").json()))
    second.start()
    time.sleep(0.3)
    go_on.set()
    first.join()
    second.join()
    assert told[0]["swift"]["n"] == before + 2


def test_what_takes_long_is_not_waited_for_in_vain(lived, client_of, monkeypatch):
    ann = client_of(lived, "owner")
    monkeypatch.setattr(kept, "PATIENCE_S", 0.0)
    assert 'data-fresh="yes"' in ann.get("/insight", headers=PAGE).text
    assert 'data-fresh="yes"' in ann.get("/insight", headers=PAGE).text
    lived.cry()
    assert 'data-fresh="no"' in ann.get("/insight", headers=PAGE).text
    ann.get("/api/insight")
    assert 'data-fresh="yes"' in ann.get("/insight", headers=PAGE).text


# Days.


def test_the_night_on_which_the_clocks_change(lived, client_of):
    ann = client_of(lived, "owner")
    for day, hours in (("2026-03-28", 23), ("2025-10-25", 25), ("2026-03-30", 24)):
        (told,) = ann.get("/api/insight", params={"span": "day", "day": day}).json()["days"]
        assert told["date"] == day
        since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
        assert (until - since) / timedelta(hours=1) == hours
        (cried,) = ann.get("/api/insight", params={"span": "day", "day": day}).json()["crying"][
            "days"
        ]
        assert cried["length_s"] == hours * 3600


def test_a_night_that_spans_midnight_is_one_night(real, client_of):
    evening = datetime(2026, 3, 10, 23, 50, tzinfo=BERLIN)
    for at in (evening, evening + timedelta(minutes=20)):
        real.cry(at=at.astimezone(UTC))
    told = client_of(real, "owner").get("/api/insight", params={"span": "day", "day": "2026-03-10"})
    assert told.json()["swift"]["n"] == 2


def test_days_without_listening_are_marked_and_not_calm(lived, client_of):
    ann = client_of(lived, "owner")
    told = ann.get("/api/insight", params={"span": "month"}).json()["crying"]["days"]
    deaf = [one for one in told if one["heard_s"] == 0]
    assert len(deaf) >= 18
    assert all(one["longest_calm_s"] is None and not one["complete"] for one in deaf)
    page = ann.get("/insight", params={"span": "month"}, headers=PAGE).text
    assert "never counted as calm" in page
    assert page.count("<td>none</td>") == len(deaf)


def test_one_cry_of_one_day_is_told_as_one(real, client_of):
    since = datetime(2026, 3, 10, 7, tzinfo=BERLIN).astimezone(UTC)
    heard = [
        ("room_heard", 0, {}),
        ("room_unheard", 20, {"reason": "gone"}),
        ("room_heard", 21, {}),
    ]
    real.journal.append(
        [
            Event(kind, since + timedelta(hours=hours), room="nursery", data=data)
            for kind, hours, data in heard
        ]
    )
    real.cry(at=since + timedelta(hours=2))
    page = client_of(real, "owner").get(
        "/insight", params={"span": "day", "day": "2026-03-10"}, headers=PAGE
    )
    text = " ".join(page.text.split())
    assert "There was one cry, and it ended before anybody came." in text
    assert "The cry ended before anybody came. That counts as a wait" in text
    assert "The room was listened to only in part: 1 h missing." in text
    assert not re.search("[Oo]f 1 (day|cr)|1 (day|cry) of 1", text)


# The page.


def test_the_page_has_its_numbers_at_first_paint(lived, client_of):
    text = client_of(lived, "owner").get("/insight", headers=PAGE).text
    for part in ("swift", "consistent", "comprehensive", "crying", "helps", "usually",
                 "carrying", "changes", "care"):  # fmt: skip
        assert f'<section class="panel" id="{part}"' in text, part
    assert "Half were answered within" in text
    assert re.search(r"likely \d+ s to [^,]+, from \d+ cries", text)
    assert "A cry that stopped is not the same as a cry that was answered." in text
    assert "Not yet known" in text
    assert text.count('data-chart="crying_minutes"') == 1
    assert text.count('data-chart="crying_bouts"') == 1


def test_a_home_without_anything_is_told_kindly(make_home, client_of):
    home = make_home(templates=None, static=None)
    text = client_of(home, "owner").get("/insight", headers=PAGE).text
    assert "Nothing to add up yet" in text
    assert "Not yet known: nothing was listened to in this time." in text
    for span in ("day", "month", "all"):
        page = client_of(home, "owner").get("/insight", params={"span": span}, headers=PAGE)
        assert page.status_code == 200
    for child in ("ida", "ole"):
        home.journal.household.remove(Child, child)
    home.app.state.web.people.forget()
    text = client_of(home, "owner").get("/insight", headers=PAGE).text
    assert "There is no child in this household yet" in text


def test_what_is_not_yet_known_says_what_is_missing(real, client_of):
    bout = real.cry(length_s=200.0)
    at = datetime.now(UTC) - timedelta(seconds=500)
    about = {"episode": bout, "caregiver": "ann"}
    real.journal.append(
        [
            Event("responded", at, room="nursery", by="caregiver:ann",
                  data={"manner": "arrived", "source": "tapped", **about}),
            Event("soothed", at + timedelta(seconds=5), room="nursery", by="caregiver:ann",
                  data={"attempt": "hold", **about}),
        ]
    )  # fmt: skip
    text = client_of(real, "owner").get("/insight", headers=PAGE).text
    assert "Not yet known: holding has 1 of 5 tries." in text


def test_who_was_quicker_is_told_only_where_all_want_it(lived, client_of):
    ann, gran = client_of(lived, "owner"), client_of(lived, "viewer")
    assert not ann.get("/api/household").json()["settings"]["compare_caregivers"]
    assert ann.get("/api/insight").json()["consistent"]["caregivers"] == []
    assert "who came" not in ann.get("/insight", headers=PAGE).text
    chart = "/api/insight/charts/latency_by_caregiver"
    assert ann.get(chart).status_code in (400, 422)
    ann.put("/api/household", json={"settings": {"compare_caregivers": True}})
    told = ann.get("/api/insight").json()["consistent"]["caregivers"]
    assert [one["name"] for one in told] == ["Ann", "Bo"]
    assert "By who came, as your household wanted it" in ann.get("/insight", headers=PAGE).text
    assert gran.get("/api/insight").json()["consistent"]["caregivers"] == []
    assert "who came" not in gran.get("/insight", headers=PAGE).text
    assert gran.get(chart).status_code in (400, 422)


def test_corrected_age_is_offered_for_those_born_early(lived, client_of):
    ann = client_of(lived, "owner")
    assert 'role="switch"' not in ann.get("/insight", headers=PAGE).text
    born = date.today() - timedelta(weeks=12)
    early = {"born": born.isoformat(), "due": (born + timedelta(weeks=6)).isoformat()}
    ann.patch("/api/children/ida", json=early)
    page = ann.get("/insight", headers=PAGE).text
    assert 'role="switch" aria-checked="false"' in page
    plain = ann.get("/api/insight").json()["crying"]["age_weeks"]
    corrected = ann.get("/api/insight", params={"corrected": "1"}).json()["crying"]["age_weeks"]
    assert plain - corrected == pytest.approx(6, abs=0.2)
    page = ann.get("/insight", params={"corrected": "1"}, headers=PAGE).text
    assert 'role="switch" aria-checked="true"' in page


def test_a_page_that_is_not_worked_out_yet_needs_nothing(home):
    asked = kept.Asked("ida", "week", date(2026, 3, 3), date(2026, 3, 3))
    children = [Child(id="ida", name="Ida")]
    context = page_of(asked, None, fresh=False, children=children)
    assert context["it"] is None
    assert context["days_words"] == "25 February to 3 March 2026"
    assert context["later"] is None


# Pictures and papers.


def test_a_picture(lived, client_of, require):
    ann = client_of(lived, "owner")
    answer = ann.get("/api/insight/charts/swift_curve", params={"width": 340})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg")
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["x-title"]
    etag = answer.headers["etag"]
    again = ann.get("/api/insight/charts/swift_curve", headers={"if-none-match": etag})
    assert again.status_code == 304
    empty = ann.get("/api/insight/charts/carrying")
    assert empty.status_code == 200
    assert 'data-empty="yes"' in empty.text


@pytest.mark.slow
def test_papers_to_take_along(lived, client_of):
    ann = client_of(lived, "owner")
    for path in ("/api/sheet", "/api/report"):
        for kind, begin in (("pdf", b"%PDF"), ("html", b"<!doctype html>")):
            answer = ann.get(path, params={"format": kind})
            assert answer.status_code == 200, answer.text
            assert answer.content[:20].lower().startswith(begin.lower())
            named = answer.headers["content-disposition"]
            assert re.search(
                rf'attachment; filename="harken-[a-z]+-[\d-]+-to-[\d-]+\.{kind}"', named
            )
        assert ann.get(path, params={"format": "exe"}).status_code == 422
        assert ann.get(path, params={"paper": "letter", "format": "html"}).status_code == 200


# Sensors.


def test_without_sensors_nothing_is_said_of_them(lived, client_of):
    ann = client_of(lived, "owner")
    assert ann.get("/api/insight").json()["around"] == []
    assert 'id="around"' not in ann.get("/insight", headers=PAGE).text
    assert ann.get("/api/insight/charts/around").status_code in (400, 422)


def test_a_sensor_stands_beside_the_cries_and_is_not_judged(lived, client_of):
    ann, gran = client_of(lived, "owner"), client_of(lived, "viewer")
    pulse = Series("heart_rate", "sock", child="ida")
    warm = Series("room_temperature", "thermometer", room="nursery")
    other = Series("oxygen", "belt", child="ole")
    now = datetime.now(UTC).replace(microsecond=0)
    for one, value in ((pulse, 130.0), (warm, 19.0), (other, 98.0)):
        steps = range(0, 7 * 86_400, 120)
        lived.journal.add_readings(
            one, [Reading(now - timedelta(seconds=k), value + k % 7 / 10) for k in steps]
        )
    lived.cry(at=now - timedelta(minutes=30))
    told = ann.get("/api/insight", params={"child": "ida"}).json()["around"]
    assert [one["source"] for one in told] == ["sock", "thermometer"]
    assert told[0]["covered"] >= 15
    assert 130 <= told[0]["during"]["low"] <= told[0]["during"]["high"] <= 131
    page = ann.get("/insight", params={"child": "ida"}, headers=PAGE).text
    assert "Nothing here is judged, and no cause is claimed." in page
    for one in (pulse, warm):
        assert f'data-chart="around" data-series="{one.id}"' in page
        chart = ann.get("/api/insight/charts/around", params={"child": "ida", "series": one.id})
        assert chart.headers["x-title"].startswith(one.quantity.title)
    assert page.count('data-chart="around"') == 2
    # In a room another child may sleep: its sensors are not for who may see one child only.
    seen = gran.get("/api/insight").json()["around"]
    assert [one["source"] for one in seen] == ["sock"]
    refused = gran.get("/api/insight/charts/around", params={"series": warm.id})
    assert refused.status_code in (400, 422)


def test_how_often_and_beside_whom_it_is_said(lived, client_of):
    ann = client_of(lived, "owner")
    born = (date.today() - timedelta(weeks=9)).isoformat()
    ann.patch("/api/children/ida", json={"born": born})
    text = ann.get("/insight", headers=PAGE).text
    assert "<dt>Cries</dt>" in text
    assert "Beside published figures of the same age" in text
    assert "Beside diaries" not in text


def test_a_change_has_its_numbers_with_what_they_are_based_on(lived, client_of):
    at = datetime.now(UTC) - timedelta(days=4)
    note = {"what": "note", "text": "From tonight: a song"}
    lived.journal.append([Event("care", at, room="nursery", child="ida", data=note)])
    text = client_of(lived, "owner").get("/insight", headers=PAGE).text
    changed = text[text.index('id="changes"') : text.index('id="care"')]
    assert "Stopped unanswered" in changed
    assert re.search(r"from \d+ nights", changed)
