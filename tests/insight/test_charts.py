"""Charts by their data and encodings, not by pixels."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import Alerted
from harken.errors import HarkenError
from harken.insight import charts
from harken.insight.around import Around, AroundPoint
from harken.insight.carrying import carrying
from harken.insight.changes import changes
from harken.insight.charts import PICTURES, QUOTED
from harken.insight.comprehensive import comprehensive
from harken.insight.consistent import consistent
from harken.insight.crying import DIARY, crying
from harken.insight.drawing import HATCH, INK
from harken.insight.estimate import Estimate
from harken.insight.helps import helps
from harken.insight.picture import many, nothing, said, said_s, span_s, time_ticks
from harken.insight.record import Change
from harken.insight.steps import steps
from harken.insight.swift import swift
from harken.journal import CareEntry


@pytest.fixture
def record(household, way):
    made = household(
        7, days=21, ways={"hold": way(0.6, 60), "carry": way(0.8, 40), "song": way(0.4, 60)}
    ).record(deaf=0.3)
    begin = made.since
    care = tuple(
        CareEntry(
            f"c{day}", "carry", at, at + timedelta(hours=1 + day % 4), "UTC", None, "mia", "x"
        )
        for day in range(21)
        for at in [begin + timedelta(days=day, hours=2)]
    )
    change = Change("e", begin + timedelta(days=10, hours=3), "note", "we carry her more")
    return replace(made, care=care, changes=(change,))


@pytest.fixture
def empty(making):
    made = making()
    made.unheard(made_at(0), made_at(3))
    return made.record(made_at(0), made_at(3))


def made_at(days):
    return datetime(2026, 1, 5, 7, tzinfo=UTC) + timedelta(days=days)


def measured(record, name):
    """What a picture takes, by the names in its `takes`."""
    kind, _, by = name.partition(":")
    if kind == "swift":
        return swift(record, by=by or None)
    if kind == "change":
        found = changes(record)
        return found[0] if found else None
    if kind == "around":
        return around_of(None if not record.counted else 140.0)
    every = {"consistent": consistent, "comprehensive": comprehensive, "crying": crying}
    every |= {"helps": helps, "carrying": carrying, "steps": steps}
    return every[kind](record)


def around_of(value):
    def estimate(number, n=8):
        if number is None:
            return Estimate(None, None, None, 0, unit="beats/min")
        return Estimate(number, number - 5, number + 5, n, unit="beats/min")

    course = tuple(
        AroundPoint(k * 60.0, estimate(None if k in (3, 4) else value and value + k))
        for k in range(-10, 20)
    )
    known = estimate(value)
    return Around(
        "heart_rate", "Heart rate", "beats/min", "sock", 600, 1200, 60, 8, 8, known, known, known,
        known, course, 0.1, ("What was measured.",),
    )  # fmt: skip


def alert_of(onset):
    due, sent, shown = (onset + timedelta(seconds=k) for k in (3, 4, 5))
    return Alerted("a", "cry", "ada", "page", None, due, sent=sent, shown=shown)


def drawn(record, name):
    wanted = PICTURES[name]
    return wanted.make(*(measured(record, one) for one in wanted.takes))


def tables(picture):
    """The data of each layer, in order."""
    spec = picture.chart.to_dict()
    shared = spec.get("data")
    return [spec["datasets"][one.get("data", shared)["name"]] for one in spec["layer"]]


def texts(part):
    if isinstance(part, dict):
        for one in part.values():
            yield from texts(one)
    elif isinstance(part, list):
        for one in part:
            yield from texts(one)
    elif isinstance(part, str):
        yield part


@pytest.mark.parametrize("name", [one for one in PICTURES if one != "steps"])
def test_every_picture_says_its_finding_and_names_colours_only_by_role(record, name):
    picture = drawn(record, name)
    assert picture.name == name
    assert picture.chart is not None, picture.title
    assert re.search(r"\d|who answered", picture.title)
    assert not picture.title.endswith(".")
    assert picture.alt.endswith(".")
    assert re.search(r"\d", picture.alt)
    spec = picture.chart.to_dict()
    assert spec["description"] == picture.alt
    assert " ".join(spec["title"]["text"]) == picture.title
    assert spec["height"] <= 420
    colours = {one.lower() for one in texts(spec) if re.fullmatch(r"#[0-9a-fA-F]{3,8}", one)}
    assert colours <= {*INK.values(), HATCH}
    assert "row" not in json.dumps(spec["layer"][0].get("encoding", {}))
    assert not {"hconcat", "vconcat", "facet", "repeat"} & spec.keys(), "one view fits any width"
    assert "NaN" not in json.dumps(spec)


@pytest.mark.parametrize("name", [one for one in PICTURES if "nights" not in one])
def test_nothing_is_drawn_of_what_is_not_known(empty, name):
    picture = drawn(empty, name)
    assert picture.chart is None
    assert picture.title.endswith(".")
    assert picture._repr_mimebundle_() == {"text/plain": picture.title}


def test_the_curve_is_what_was_measured(record):
    found = swift(record)
    picture = charts.swift_curve(found)
    curve = found.curve
    steps_, quoted, marks = tables(picture)[0], tables(picture)[2], tables(picture)[-1]
    assert [(one["s"], one["share"]) for one in marks] == [
        (one.at_s, round(one.share.value, 4)) for one in found.within
    ]
    for one in steps_:
        past = [v for t, v in zip(curve.times, curve.values, strict=True) if t <= one["s"] + 1e-3]
        assert one["share"] == pytest.approx(1 - past[-1], abs=1e-4)
        assert 0 <= one["low"] <= one["share"] <= one["high"] <= 1
    assert [one["s"] for one in steps_] == sorted(one["s"] for one in steps_)
    assert quoted
    assert not any(one["ok"] for one in quoted)
    assert QUOTED in picture.note
    assert said(found.within[0].share) in picture.alt


def test_published_shares_that_were_only_quoted_are_hatched_and_say_so(record):
    picture = charts.answered_10s(swift(record))
    values = tables(picture)[0]
    assert [one["label"] for one in values if not one["quoted"]] == ["here"]
    assert all(QUOTED in one["label"] for one in values if one["quoted"])
    spec = picture.chart.to_dict()
    hatched = [one for one in spec["layer"] if one["mark"].get("color") == HATCH]
    assert [one["transform"] for one in hatched] == [[{"filter": "datum.quoted"}]]
    apart = charts.left_unanswered(swift(record))
    assert "American and Dutch" not in json.dumps(values)
    assert "American and Dutch" in json.dumps(tables(apart)[0])


def test_days_not_heard_throughout_are_hollow_and_days_not_heard_are_left_out(record):
    found = crying(record)
    picture = charts.crying_minutes(found)
    days = next(one for one in tables(picture) if "heard" in one[0])
    assert [one["heard"] for one in days] == [
        "throughout" if one.complete else "in part" for one in found.days if one.heard_s > 0
    ]
    hollow = [
        one["mark"]
        for one in picture.chart.to_dict()["layer"]
        if one.get("transform") == [{"filter": "datum.heard == 'in part'"}]
    ]
    assert [one["filled"] for one in hollow] == [False]
    deaf = replace(found, days=tuple(replace(one, heard_s=0.0) for one in found.days))
    assert charts.crying_minutes(deaf).chart is None


def test_norms_of_the_age_stand_beside_with_their_spread_and_the_word_about_diaries(record):
    picture = charts.crying_minutes(crying(record))
    bands = next(one for one in tables(picture) if "population" in one[0])
    assert [one["letter"] for one in bands] == list("ABCD")[: len(bands)]
    assert all(one["low"] < one["y"] < one["high"] for one in bands)
    assert DIARY in picture.note
    unborn = replace(record, born=None)
    picture = charts.crying_minutes(crying(unborn))
    assert not any("population" in one[0] for one in tables(picture))
    assert DIARY not in picture.note


def test_how_often_and_how_long_are_two_pictures(record):
    found = crying(record)
    often, long = charts.crying_bouts(found), charts.crying_minutes(found)
    assert "minute" not in often.title + often.alt
    assert "bouts" not in long.title + long.alt
    days = next(one for one in tables(often) if "heard" in one[0])
    assert [one["y"] for one in days] == [one.bouts for one in found.days if one.heard_s > 0]


def test_no_title_lets_one_odd_day_speak_for_a_week(household):
    found = crying(household(7, days=35).record())
    first, second, *rest = found.weeks
    odd = replace(
        first,
        minutes_a_day=Estimate(380.0, None, None, 1),
        bouts_a_day=Estimate(110.0, None, None, 1),
    )
    known = replace(found, weeks=(odd, second, *rest))
    for draw in (charts.crying_minutes, charts.crying_bouts):
        title = draw(known).title
        assert f"in week {second.week}, " in title
        assert "380" not in title
        assert "110" not in title
    assert f"in week {first.week}, " in charts.crying_minutes(found).title


def test_the_strip_has_every_hour_once_and_hatches_those_that_were_not_heard(record):
    found = crying(record)
    hours = tuple(
        replace(one, minutes=Estimate(None, None, None, 0)) if one.hour in (3, 4) else one
        for one in found.hours
    )
    picture = charts.crying_hours(replace(found, hours=hours))
    blank, strip = tables(picture)[:2]
    assert [one["hour"] for one in blank] == ["03", "04"]
    assert sorted(one["hour"] for one in strip + blank) == [f"{k:02d}" for k in range(24)]
    assert strip[0]["hour"] == "07"
    assert "Not listened to: 03, 04" in picture.alt


def test_what_helps_is_ranked_with_tries_and_what_is_not_known_is_only_named(record):
    found = helps(record)
    picture = charts.helps(found)
    values = tables(picture)[0]
    assert [one["n"] for one in values] == [one.n for one in found.ranked]
    assert [one["share"] for one in values] == sorted(
        (one["share"] for one in values), reverse=True
    )
    few = replace(found, ranked=found.ranked[:1], not_yet=found.ranked[1:])
    picture = charts.helps(few)
    assert len(tables(picture)[0]) == 1
    assert "Tried too seldom to say" in picture.note
    unknown = charts.helps(replace(found, known=False, ranked=(), not_yet=found.ranked))
    assert unknown.chart is None
    assert unknown.title.startswith("Not yet known what helps")


def test_by_caregiver_the_order_is_that_of_names(record):
    found = swift(record, by="caregiver")
    one = found.groups[0]
    quick = replace(one, key="z", label="Zoe", median=replace(one.median, value=2.0, low=1.0))
    picture = charts.latency(replace(found, groups=(one, quick)))
    values = tables(picture)[0]
    assert [value["who"].split(" (")[0] for value in values] == [one.label, "Zoe"]
    assert picture.chart.to_dict()["layer"][0]["encoding"]["y"]["sort"] is None
    assert "2 s" not in picture.title


def test_a_wait_that_is_not_known_has_no_dot(record):
    found = swift(record, by="hour")
    picture = charts.latency(found)
    values = tables(picture)[0]
    known = [one for one in found.groups if one.n >= 3 and one.median.value is not None]
    assert [one["n"] for one in values] == [one.n for one in known]
    assert {one["place"] for one in values} <= set(range(24))


def test_a_cry_that_stopped_unanswered_stands_out_and_is_never_a_good_end(record):
    (compared,) = changes(record)
    picture = charts.nights_answers(compared)
    spec = picture.chart.to_dict()
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "soothed": INK["hair"],
        "settled alone": INK["sleep"],
        "stopped unanswered": INK["ink"],
    }
    total = sum(one["high"] - one["low"] for one in tables(picture)[0])
    nights = (*compared.before.nights, *compared.after.nights)
    assert total == sum(one.soothed + one.settled_alone + one.stopped_unanswered for one in nights)
    assert f"{compared.after.stopped_unanswered} in {compared.after.n} after" in picture.title


def test_nights_before_and_after_have_their_means_and_say_when_they_do_not_tell(record):
    (compared,) = changes(record)
    picture = charts.nights_crying(compared)
    values, _, means = tables(picture)[0], tables(picture)[2], tables(picture)[-1]
    assert len(values) == len(compared.before.nights) + len(compared.after.nights)
    assert [one["y"] for one in means] == [
        round(side.crying.value, 2) for side in (compared.before, compared.after)
    ]
    vague = replace(compared, crying=Estimate(-3.0, -9.0, 4.0, 12, unit="min/night"))
    assert "do not tell" in charts.nights_crying(vague).title
    sure = replace(compared, crying=Estimate(-6.0, -9.0, -4.0, 12, unit="min/night"))
    assert "less crying a night was heard by 6 min (4 to 9)" in charts.nights_crying(sure).title


def test_gaps_of_a_sensor_stay_gaps():
    picture = charts.around(around_of(140.0))
    values = tables(picture)[0]
    stretches = {one["x"]: one["stretch"] for one in values}
    assert len(values) == 28
    assert stretches[2.5] != stretches[5.5]
    assert picture.title == (
        "Heart rate (beats/min) around 8 cries: 140 (135 to 145) before, 140 (135 to 145) during, "
        "140 (135 to 145) after"
    )


def test_carrying_claims_no_cause(record):
    found = carrying(record)
    picture = charts.carrying(found)
    values = tables(picture)[0]
    assert [(one["x"], one["used"]) for one in values] == [
        (round(one.carried_h, 3), one.used) for one in found.days
    ]
    assert found.says[0] in picture.note
    for low, high, word in ((-0.8, -0.2, "less"), (0.2, 0.8, "more"), (-0.4, 0.3, "do not tell")):
        some = replace(found, correlation=Estimate((low + high) / 2, low, high, 15))
        assert word in charts.carrying(some).title


def test_where_the_seconds_go_is_of_the_same_cries_and_in_order(making):
    made = making()
    for k in range(8):
        at = made_at(0) + timedelta(hours=k)
        made.cry(
            at,
            120,
            came_s=40 + k,
            more=[("acknowledged", 20, {})],
        )
    made.cry(made_at(0) + timedelta(hours=12), 60, came_s=1)
    record = made.record(made_at(0), made_at(1))
    told = tuple(
        replace(one, alerts=(alert_of(one.onset),)) if one.latency_s > 2 else one
        for one in record.episodes
    )
    found = steps(replace(record, episodes=told))
    assert (found.answered, found.cries) == (9, 8)
    assert [(one.name, one.n, one.median_s.value) for one in found.steps] == [
        ("told", 8, 4.0), ("shown", 8, 5.0), ("going", 8, 20.0), ("there", 8, 43.5),
    ]  # fmt: skip
    picture = charts.steps(found)
    assert picture.title == "Somebody was told after 4 s, and was there after 44 s"
    assert [one["s"] for one in tables(picture)[0]] == [4, 5, 20, 43.5]
    assert found.as_dict()["steps"][0]["median_s"]["value"] == 4


def test_an_interval_that_rounds_to_one_number_is_told_more_finely():
    assert said_s(Estimate(150.2, 149.6, 150.4, 90)) == "150.2 s (149.6 s to 150.4 s)"
    assert said_s(Estimate(14.0, 14.0, 14.0, 9)) == "14 s"
    assert said(Estimate(12.0, 12.0, 12.0, 9), digits=0) == "12"
    assert said(Estimate(0.999, 0.9984, 0.9991, 4000, unit="share")) == "99.9 % (99.8 to 99.9)"


def test_numbers_are_said_as_people_say_them():
    assert [span_s(one) for one in (0, 3.14, 34.4, 60, 65, 150, 600, 5400, 90_000)] == [
        "0 s", "3.1 s", "34 s", "1 min", "65 s", "2½ min", "10 min", "1½ h", "25 h",
    ]  # fmt: skip
    assert said(Estimate(None, None, None, 2)) == "not known"
    assert said(Estimate(0.5, None, None, 1), digits=1) == "0.5"
    assert many(1, "day") == "1 day"
    assert time_ticks((1, 10_000))[0] == 1
    assert len(time_ticks((50, 100))) >= 1


def test_a_missing_package_is_one_line(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(HarkenError, match=r"pip install 'harken\[report\]'"):
        charts.altair()
    assert nothing("swift_curve", "Not yet known.").chart is None
