"""The charts, one function each: what was measured → a picture whose title says the finding.

They are pure, and live in a notebook; `harken.insight.drawing` makes files and
pages of them. Frequency and total duration are two pictures and stay apart. What
was not heard is hollow or left out, never calm. A published figure that was not
confirmed is hatched and says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from harken.evidence import Norm, norms
from harken.insight.around import Around
from harken.insight.carrying import Carrying
from harken.insight.changes import BeforeAfter, Night
from harken.insight.comprehensive import Comprehensive
from harken.insight.consistent import Consistent
from harken.insight.crying import DIARY, Crying, CryingDay, CryingWeek
from harken.insight.estimate import Estimate, share
from harken.insight.helps import Helps
from harken.insight.picture import (
    FONT_PX,
    HATCH,
    INK,
    TIME_LABEL,
    Picture,
    along,
    altair,
    dressed,
    many,
    nothing,
    rows,
    said,
    said_s,
    span_s,
    time_axis,
    time_ticks,
    up,
)
from harken.insight.steps import Steps
from harken.insight.swift import Swift

ATTEMPT_WORDS = {
    "hold": "holding", "carry": "carrying", "feed": "feeding", "rock": "rocking",
    "swaddle": "swaddling", "nappy": "nappy change", "pat": "patting", "voice": "a voice",
    "song": "a song", "medicine": "medicine", "other": "something else",
}  # fmt: skip
"""Soothing attempts as charts name them."""

QUOTED = "quoted, not confirmed"

NEED_WORDS = {
    "hunger": "hunger", "nappy": "the nappy", "tired": "tiredness", "wind": "wind",
    "pain": "pain or teeth", "temperature": "too hot or cold", "ill": "illness",
    "company": "wanting company",
}  # fmt: skip
"""Needs as charts name them."""

_DAYS_OF_A_WEEK = 3
"""A title compares no week of which fewer days are known: one odd day would speak for it."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def swift_curve(swift: Swift) -> Picture:
    """Draw how long cries waited for an answer, with the band, beside the published groups.

    Parameters
    ----------
    swift : Swift

    Returns
    -------
    Picture
    """
    if not swift.answered:
        why = "no cry has been counted" if not swift.n else "no cry has been answered"
        return nothing("swift_curve", f"Not yet known how swiftly cries are answered: {why} yet.")
    a = altair()
    curve = swift.curve
    most = min(max(600.0, swift.median.value or 0.0, *curve.times), 7200.0)
    values: list[dict[str, Any]] = [
        {"s": at, "share": 1 - value, "low": 1 - high, "high": 1 - low}
        for at, value, low, high in zip(
            curve.times, curve.values, curve.low, curve.high, strict=True
        )
    ]
    # On an axis of ratios there is no 0: what was answered before 1 s has been so at 1 s.
    before = [one for one in values if one["s"] <= 1] or values[:1]
    steps = [
        {key: round(number, 4) for key, number in one.items()}
        for one in [{**before[-1], "s": 1.0}, *(one for one in values if 1 < one["s"] <= most)]
    ]
    steps.append({**steps[-1], "s": most})
    across = {
        "scale": a.Scale(type="log", domain=[1, most], nice=False),
        "axis": time_axis("from the onset of the cry", (1.0, most)),
    }
    upward = {
        "scale": a.Scale(domain=[0, 1]),
        "axis": up("of cries answered", format="%", tickCount=5),
    }
    x, y = a.X("s:Q", **across), a.Y("share:Q", **upward)
    base = a.Chart(rows(steps)).encode(x=x)
    marks = [
        {"s": one.at_s, "share": round(one.share.value, 4), "label": f"{one.share.value:.0%}"}
        for one in swift.within
        if one.share.value is not None
    ]
    quoted = _beside(swift)
    layers = [
        base.mark_area(color=INK["accent"], opacity=0.2, interpolate="step-after").encode(
            y=a.Y("low:Q", **upward), y2="high:Q"
        ),
        base.mark_line(color=INK["accent"], strokeWidth=2, interpolate="step-after").encode(y=y),
    ]
    if quoted:
        points = a.Chart(
            rows(
                [
                    {"s": 10, "share": norm.mean / 100, "letter": letter, "ok": norm.confirmed}
                    for letter, norm in quoted
                ]
            )
        ).encode(x=x, y=y)
        layers += [
            points.transform_filter("!datum.ok").mark_square(
                color=HATCH, stroke=INK["line"], strokeWidth=1.2, size=190, opacity=1
            ),
            points.transform_filter("datum.ok").mark_square(
                color=INK["sleep"], size=150, opacity=1
            ),
            points.mark_text(color=INK["ink"], align="right", dx=-11, fontSize=12).encode(
                text="letter:N"
            ),
        ]
    point = a.Chart(rows(marks)).encode(x=x, y=y)
    layers += [
        point.mark_circle(color=INK["accent"], size=70, opacity=1),
        point.mark_text(color=INK["ink"], align="left", dx=9, dy=11, fontSize=12).encode(
            text="label:N"
        ),
    ]
    return dressed(
        "swift_curve",
        layers,
        title=_swift_title(swift),
        alt=f"{_swift_title(swift)}. {_within_words(swift)}{_beside_words(quoted)}",
        note=f"Kaplan–Meier, {many(swift.n, 'cry', 'cries')}, {swift.censored} of which ended "
        f"before anybody came; 95 % band.{_beside_words(quoted)}",
        height=250,
    )


def answered_within(swift: Swift) -> Picture:
    """Draw the share that was answered within 10 s, 30 s, 1 min and 5 min.

    Parameters
    ----------
    swift : Swift

    Returns
    -------
    Picture
    """
    known = [one for one in swift.within if one.share.value is not None]
    if not known:
        return nothing("answered_within", "Not yet known how swiftly cries are answered.")
    values = [_bar(f"within {span_s(one.at_s)}", one.share, "here", quoted=False) for one in known]
    return _bars(
        "answered_within",
        values,
        title=f"Answered within {span_s(known[0].at_s)}: {said(known[0].share)} of cries; within "
        f"{span_s(known[-1].at_s)}: {said(known[-1].share)}",
        alt=_within_words(swift),
        note="Had the crying gone on (Kaplan–Meier). Bars end at the share; lines are 95 % "
        "intervals.",
        axis="of cries",
    )


def answered_10s(swift: Swift) -> Picture:
    """Draw the share answered within 10 s beside the groups of which such a share is published.

    Parameters
    ----------
    swift : Swift

    Returns
    -------
    Picture
        What was only quoted is hatched.
    """
    own = next((one.share for one in swift.within if one.at_s == 10), None)
    if own is None or own.value is None:
        return nothing("answered_10s", "Not yet known which share of cries is answered in 10 s.")
    quoted = _beside(swift)
    values = [_bar("here", own, "here", quoted=False)]
    values += [
        _bar(_short(norm), Estimate(norm.mean / 100, None, None, norm.n or 0), letter,
             quoted=not norm.confirmed)
        for letter, norm in quoted
    ]  # fmt: skip
    title = f"{said(own)} of cries here were answered within 10 s"
    return _bars(
        "answered_10s",
        values,
        title=title,
        alt=f"{title}.{_beside_words(quoted)}",
        note=(f"Hatched: {QUOTED}. " if any(not norm.confirmed for _, norm in quoted) else "")
        + "Here: from the sound to the tap of who came. "
        + " ".join(dict.fromkeys(f"{norm.population}: {norm.how}." for _, norm in quoted)),
        axis="of cries answered within 10 s",
    )


def left_unanswered(swift: Swift) -> Picture:
    """Draw the share of cries that nobody answered beside the groups where that is published.

    Parameters
    ----------
    swift : Swift

    Returns
    -------
    Picture
    """
    if not swift.n:
        return nothing("left_unanswered", "Not yet known: no cry has been counted yet.")
    found = [
        one for one in (*swift.norms, *swift.other_norms) if one.measure == "pct_left_unanswered"
    ]
    own = share(swift.n - swift.answered, swift.n)
    values = [_bar("here", own, "here", quoted=False)]
    values += [
        _bar(_short(norm), Estimate(norm.mean / 100, None, None, norm.n or 0), "",
             quoted=not norm.confirmed)
        for norm in found
    ]  # fmt: skip
    title = f"{said(own)} of cries here ended before anybody came"
    beside = "".join(f" {_norm_words(norm)}." for norm in found)
    return _bars(
        "left_unanswered",
        values,
        title=title,
        alt=f"{title}, of {swift.n}.{beside}",
        note="Short and quiet cries that settled by themselves are among them, and cries that "
        "nobody marked as answered."
        + (f" Hatched: {QUOTED}, and perhaps counted otherwise." if found else ""),
        axis="of cries",
    )


def latency(swift: Swift) -> Picture:
    """Draw the median wait by hour of the day, week of age or caregiver.

    Parameters
    ----------
    swift : Swift
        Made with `by`.

    Returns
    -------
    Picture
        Named `latency_by_hour`, `latency_by_week` or `latency_by_caregiver`. A
        group of fewer than three cries is left out.
    """
    by = swift.by or "hour"
    name = f"latency_by_{by}"
    groups = [one for one in swift.groups if one.n >= 3 and one.median.value is not None]
    if not groups:
        return nothing(name, f"Not yet known how long cries wait by {by}.")
    a = altair()
    values: list[dict[str, Any]] = [
        {
            "key": one.key,
            "place": _place(one.key) if by == "hour" else int(one.key) if by == "week" else 0,
            "label": one.label,
            "s": max(1.0, round(one.median.value or 0.0, 2)),
            "low": max(1.0, _or(one.median.low, one.median.value) or 1.0),
            "high": max(1.0, _or(one.median.high, one.median.value) or 1.0),
            "n": one.n,
        }
        for one in groups
    ]
    most = max(60.0, *(min(one["high"], one["s"] * 20) for one in values))
    least = min(one["low"] for one in values)
    ends = (round(max(1.0, least * 0.8), 2), round(most * 1.2, 2))
    scale = a.Scale(type="log", domain=list(ends), nice=False, clamp=True)
    tooltip = ["label:N", a.Tooltip("s:Q", format=".0f"), "n:Q"]
    told = "; ".join(
        f"{one.label} {said(one.median)}, {many(one.n, 'cry', 'cries')}" for one in groups
    )
    quickest = min(groups, key=lambda one: one.median.value or 0.0)
    slowest = max(groups, key=lambda one: one.median.value or 0.0)
    if by == "caregiver":
        title = "How long cries waited, by who answered them"
    elif len(groups) == 1 or not _apart(quickest.median, slowest.median):
        title = f"Half of the cries are answered within {_median(swift)}, whatever the {by}"
    else:
        title = (
            f"Half of the cries are answered within {span_s(quickest.median.value or 0.0)} "
            f"{_when(quickest.key, by)}, and within {span_s(slowest.median.value or 0.0)} "
            f"{_when(slowest.key, by)}"
        )
    note = "Dots: medians. Lines: 95 % intervals."
    if by == "hour":
        note += " Of so many hours some differ by chance alone."
    if by == "caregiver":
        note += " " + swift.says[-1]
        across = {"scale": scale, "axis": time_axis("median wait", ends)}
        y = a.Y(
            "who:N",
            sort=None,
            axis=a.Axis(title=None, domain=False, ticks=False, labelLimit=170, labelPadding=8),
        )
        for one in values:
            one["who"] = f"{one['label']} ({one['n']})"
        base = a.Chart(rows(values)).encode(y=y)
        layers = [
            base.mark_rule(color=INK["accent"], strokeWidth=7, opacity=0.3).encode(
                x=a.X("low:Q", **across), x2="high:Q"
            ),
            base.mark_point(color=INK["accent"], filled=True, size=90, opacity=1).encode(
                x=a.X("s:Q", **across), tooltip=tooltip
            ),
        ]
        height = 34 * len(values) + 12
        note = f"In brackets: cries answered. {note}"
    else:
        if by == "hour":
            x = a.X("place:Q", **_clock_axis(a))
        else:
            x = a.X(
                "place:Q",
                scale=a.Scale(zero=False, padding=12),
                axis=along("weeks of age", tickMinStep=1, format="d"),
            )
        upward = {
            "scale": scale,
            "axis": up(
                "median wait",
                values=time_ticks(ends),
                labelExpr=TIME_LABEL,
            ),
        }
        base = a.Chart(rows(values)).encode(x=x)
        layers = [
            base.mark_rule(color=INK["accent"], strokeWidth=4, opacity=0.35).encode(
                y=a.Y("low:Q", **upward), y2="high:Q"
            ),
            base.mark_point(color=INK["accent"], filled=True, size=60, opacity=1).encode(
                y=a.Y("s:Q", **upward), tooltip=tooltip
            ),
        ]
        height = 200
    return dressed(name, layers, title=title, alt=f"Median wait: {told}.", note=note, height=height)


def answered_by_hour(consistent: Consistent) -> Picture:
    """Draw the share of cries that was answered, by hour of the day.

    Parameters
    ----------
    consistent : Consistent

    Returns
    -------
    Picture
    """
    known = [one for one in consistent.hours if one.answered.value is not None]
    if not known:
        return nothing("answered_by_hour", "Not yet known: no cry has been counted yet.")
    a = altair()
    values: list[dict[str, Any]] = [
        {
            "place": _place(str(one.hour)),
            "share": _or(one.answered.value, 0),
            "low": _or(one.answered.low, one.answered.value),
            "high": _or(one.answered.high, one.answered.value),
            "n": one.n,
            "hour": f"{one.hour:02d}",
        }
        for one in known
    ]
    x = a.X("place:Q", **_clock_axis(a))
    return dressed(
        "answered_by_hour",
        _share_layers(a, values, x, ["hour:N", a.Tooltip("share:Q", format=".0%"), "n:Q"]),
        title=f"{said(consistent.answered)} of cries were answered"
        + _evenness(consistent.uneven_hours, "hour"),
        alt="Share answered by hour: "
        + "; ".join(f"{one.hour:02d} o’clock {said(one.answered)}, n {one.n}" for one in known)
        + ".",
        note="Dots: shares. Lines: 95 % intervals; they are long where there were few cries.",
        height=190,
    )


def answered_by_night(consistent: Consistent) -> Picture:
    """Draw the share of cries that was answered, night by night.

    Parameters
    ----------
    consistent : Consistent

    Returns
    -------
    Picture
        Nights without a cry have no share and are left out.
    """
    known = [one for one in consistent.nights if one.answered.value is not None]
    if not known:
        return nothing("answered_by_night", "Not yet known: no night with a cry yet.")
    a = altair()
    values: list[dict[str, Any]] = [
        {
            "at": _noon(one.date),
            "share": _or(one.answered.value, 0),
            "low": _or(one.answered.low, one.answered.value),
            "high": _or(one.answered.high, one.answered.value),
            "n": one.n,
            "night": one.date.isoformat(),
            "heard": "throughout" if one.heard_share > 0.99 else "in part",
        }
        for one in known
    ]
    x = a.X("at:T", axis=along("night of", format="%-d %b", tickCount=5))
    cries = sum(one.n for one in known)
    answered = cries - sum(one.unanswered for one in known)
    return dressed(
        "answered_by_night",
        _share_layers(a, values, x, ["night:N", a.Tooltip("share:Q", format=".0%"), "n:Q"]),
        title=f"At night {answered} of {many(cries, 'cry', 'cries')} were answered"
        + _evenness(consistent.uneven_nights, "night"),
        alt="Share answered by night: "
        + "; ".join(
            f"{one.date.day} {one.date:%b} {one.answered.value:.0%} of {one.n}" for one in known
        )
        + ".",
        note="Dots: shares. Lines: 95 % intervals. Hollow: nights that were not heard throughout.",
        height=190,
    )


def needs(comprehensive: Comprehensive) -> Picture:
    """Draw which needs were looked at in cries that went on although somebody was there.

    Parameters
    ----------
    comprehensive : Comprehensive

    Returns
    -------
    Picture
    """
    if not comprehensive.n:
        return nothing("needs", "No cry went on for long after somebody had come.")
    some = sorted(comprehensive.needs, key=lambda one: -one.count)
    values: list[dict[str, Any]] = [
        _bar(f"{NEED_WORDS[one.need]} ({one.count})", one.checked, "", quoted=False) for one in some
    ]
    top = some[0]
    title = (
        f"In {many(comprehensive.n, 'cry', 'cries')} that went on, "
        f"{NEED_WORDS[top.need]} was looked at most often: {said(top.checked)}"
        if top.count
        else f"Nothing was noted as looked at in {many(comprehensive.n, 'cry', 'cries')} "
        "that went on"
    )
    return _bars(
        "needs",
        values,
        title=title,
        alt="Share of cries that went on in which it was looked at: "
        + "; ".join(
            f"{NEED_WORDS[one.need]} {said(one.checked)}, it was that in {one.found}"
            for one in some
        )
        + ".",
        note="In brackets: cries. " + " ".join(comprehensive.says),
        axis="of cries that went on",
    )


def _bar(label: str, found: Estimate, letter: str, *, quoted: bool) -> dict[str, Any]:
    return {
        "label": label,
        "share": _or(found.value, 0.0),
        "low": _or(found.low, found.value),
        "high": _or(found.high, found.value),
        "letter": letter,
        "quoted": quoted,
        "text": f"{found.value or 0.0:.0%}",
    }


def _bars(
    name: str,
    values: Sequence[dict[str, Any]],
    *,
    title: str,
    alt: str,
    note: str,
    axis: str,
) -> Picture:
    """Draw shares as level bars, hatched where they are only quoted, each under its own words."""
    a = altair()
    across = {
        "scale": a.Scale(domain=[0, 1]),
        "axis": a.Axis(title=axis, format="%", tickCount=5),
    }
    order = list(dict.fromkeys(one["label"] for one in values))
    y = a.Y(
        "label:N",
        sort=order,
        scale=a.Scale(paddingInner=0.35, paddingOuter=0.2),
        axis=a.Axis(
            title=None, domain=False, ticks=False, labelPadding=8, labelLimit=190,
            labelExpr="split(datum.label, ' | ')",
        ),
    )  # fmt: skip
    base = a.Chart(rows(values)).encode(y=y, x=a.X("share:Q", **across))
    layers = [
        base.transform_filter("!datum.quoted").mark_bar(color=INK["accent"], opacity=0.85),
        base.transform_filter("datum.quoted").mark_bar(color=HATCH, stroke=INK["line"]),
        a.Chart(rows([one for one in values if one["low"] != one["high"]]))
        .mark_rule(color=INK["ink"], strokeWidth=1.6)
        .encode(y=y, x=a.X("low:Q", **across), x2="high:Q"),
    ]
    tall = max(len(one["label"].split(" | ")) for one in values)
    return dressed(
        name, layers, title=title, alt=alt, note=note,
        height=(22 + 14 * tall) * len(values) + 8,
    )  # fmt: skip


def _share_layers(
    a: Any, values: Sequence[dict[str, Any]], x: Any, tooltip: list[Any]
) -> list[Any]:
    upward = {"scale": a.Scale(domain=[0, 1]), "axis": up("of cries answered", format="%")}
    base = a.Chart(rows(values)).encode(x=x)
    point = base.encode(y=a.Y("share:Q", **upward), tooltip=tooltip)
    return [
        base.mark_rule(color=INK["accent"], strokeWidth=3, opacity=0.3).encode(
            y=a.Y("low:Q", **upward), y2="high:Q"
        ),
        point.transform_filter("datum.heard != 'in part'").mark_point(
            color=INK["accent"], filled=True, size=55, opacity=1
        ),
        point.transform_filter("datum.heard == 'in part'").mark_point(
            color=INK["accent"], filled=False, size=55
        ),
    ]


def _clock_axis(a: Any) -> dict[str, Any]:
    """Give a level axis from 7 to 7 o’clock, in whose middle the night lies whole."""
    hour = "(datum.value + 7) % 24"
    return {
        "scale": a.Scale(domain=[-0.6, 23.6], nice=False),
        "axis": along(
            "o’clock",
            values=[2, 5, 8, 11, 14, 17, 20, 23],
            labelExpr=f"({hour} < 10 ? '0' : '') + {hour}",
        ),
    }


def _place(key: str) -> int:
    """Give where an hour stands on an axis from 7 to 7; of a week, the week."""
    return (int(key) - 7) % 24


def _when(key: str, by: str) -> str:
    return f"around {int(key):02d} o’clock" if by == "hour" else f"in week {key}"


def _apart(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals have nothing in common, so that a title may tell them apart."""
    ends = (one.low, one.high, other.low, other.high)
    if any(end is None for end in ends):
        return False
    assert one.low is not None
    assert one.high is not None
    assert other.low is not None
    assert other.high is not None
    return one.high < other.low or other.high < one.low


def _evenness(found: Estimate, by: str) -> str:
    if found.value is None:
        return ""
    if found.low is None or found.low <= 0:
        return f", from {by} to {by} no more unevenly than by chance"
    return f", from {by} to {by} more unevenly than by chance"


def _median(swift: Swift) -> str:
    return "an unknown time" if swift.median.value is None else span_s(swift.median.value)


def _swift_title(swift: Swift) -> str:
    if swift.median.value is not None:
        return f"Half of the cries were answered within {said_s(swift.median)}"
    known = [one for one in swift.within if one.share.value is not None]
    if not known:
        return "How long cries waited for an answer"
    return f"{said(known[-1].share)} of cries were answered within {span_s(known[-1].at_s)}"


def _within_words(swift: Swift) -> str:
    told = "; ".join(
        f"{span_s(one.at_s)} {said(one.share)}"
        for one in swift.within
        if one.share.value is not None
    )
    return f"Share answered within {told}."


def _beside(swift: Swift) -> list[tuple[str, Norm]]:
    """Give the published shares at the child's age; where that is not one age, at all ages."""
    here = [one for one in swift.norms if one.measure == "pct_answered_within_10s"]
    every = [one for one in swift.other_norms if one.measure == "pct_answered_within_10s"]
    return list(zip(_LETTERS, here or every, strict=False))


def _beside_words(quoted: Sequence[tuple[str, Norm]]) -> str:
    if not quoted:
        return ""
    told = "; ".join(f"{letter}: {_norm_words(norm)}" for letter, norm in quoted)
    return f" Published shares within 10 s, in per cent: {told}."


def _short(norm: Norm) -> str:
    name = norm.population.split(" (")[0].split(",")[0]
    low, high = norm.age_weeks_low, norm.age_weeks_high
    ages = ""
    if low is not None and high is not None:
        ages = f" | {low:g} weeks" if low == high else f" | {low:g}–{high:g} weeks"
    return f"{name}{ages}" + ("" if norm.confirmed else f" | {QUOTED}")


def crying_minutes(crying: Crying) -> Picture:
    """Draw minutes of crying a day, by age, beside diaries of the same age with their spread.

    Parameters
    ----------
    crying : Crying

    Returns
    -------
    Picture
        By date, and without published figures, where the age is not known.
    """
    heard = [one for one in crying.days if one.heard_s > 0]
    if not heard:
        return nothing("crying_minutes", "Not yet known: no day was listened to.")
    bands = _bands(crying)
    note = ["Hollow: days that were not heard throughout, so there may have been more."]
    if bands:
        told = "; ".join(f"{letter}: {_norm_words(norm)}" for letter, norm in bands)
        note = [f"Bands, mean ± one standard deviation: {told}.", DIARY, *note]
    return _by_age(
        crying,
        name="crying_minutes",
        unit="minutes a day",
        day_value=lambda one: one.crying_s / 60,
        week_value=lambda one: one.minutes_a_day,
        bands=bands,
        title=_crying_title(crying),
        note=" ".join(note),
    )


def crying_bouts(crying: Crying) -> Picture:
    """Draw cry bouts a day, by age: how often, apart from how long in all.

    Parameters
    ----------
    crying : Crying

    Returns
    -------
    Picture
    """
    if not any(one.heard_s > 0 for one in crying.days):
        return nothing("crying_bouts", "Not yet known: no day was listened to.")
    known = [one for one in crying.weeks if _tells(one.bouts_a_day)]
    if len(known) >= 3:
        first, last = known[0].bouts_a_day.value, known[-1].bouts_a_day.value
        assert first is not None
        assert last is not None
        title = (
            f"Cry bouts: about {first:.0f} a day in {_week_words(known[0], crying)}, "
            f"{last:.0f} in {_week_words(known[-1], crying)}"
        )
    elif crying.bouts_a_day.value is not None:
        title = f"About {said(crying.bouts_a_day, digits=0)} cry bouts a day"
    else:
        title = "Cry bouts a day, as far as the room was listened to"
    return _by_age(
        crying,
        name="crying_bouts",
        unit="bouts a day",
        day_value=lambda one: float(one.bouts),
        week_value=lambda one: one.bouts_a_day,
        bands=[],
        title=title,
        note="How often it cried, which is apart from how long in all. "
        "Hollow: days that were not heard throughout.",
    )


def crying_hours(crying: Crying) -> Picture:
    """Draw at what time of day it cries, as a strip: the fuller an hour, the more crying.

    Parameters
    ----------
    crying : Crying

    Returns
    -------
    Picture
    """
    known = [one for one in crying.hours if one.minutes.value is not None]
    if not known or not any(one.minutes.value for one in known):
        return nothing("crying_hours", "Not yet known: at what time of day it cries.")
    a = altair()
    order = [(7 + k) % 24 for k in range(24)]
    strip: list[dict[str, Any]] = []
    blank: list[dict[str, Any]] = []
    by_hour = {one.hour: one for one in crying.hours}
    most = max(one.minutes.value or 0.0 for one in known)
    for place, hour in enumerate(order):
        one = by_hour[hour]
        row = {"at": place, "to": place + 1, "hour": f"{hour:02d}"}
        if one.minutes.value is None:
            blank.append(row)
        else:
            strip.append({**row, "minutes": round(one.minutes.value, 3), "n": one.minutes.n})
    hours = "(datum.value + 7) % 24"
    x = a.X(
        "at:Q",
        scale=a.Scale(domain=[0, 24], nice=False),
        axis=along(
            "o’clock",
            values=[2, 5, 8, 11, 14, 17, 20, 23],
            labelExpr=f"({hours} < 10 ? '0' : '') + {hours}",
        ),
    )
    y = {"y": a.value(6), "y2": a.value(54)}
    frame = (
        a.Chart(rows([{"at": 0, "to": 24}]))
        .mark_rect(fill=None, stroke=INK["line"])
        .encode(x=x, x2="to:Q", **y)
    )
    layers = [
        a.Chart(rows(strip))
        .mark_rect(color=INK["accent"], stroke=INK["card"], strokeWidth=1)
        .encode(
            x=x,
            x2="to:Q",
            **y,
            fillOpacity=a.FillOpacity(
                "minutes:Q", scale=a.Scale(domain=[0, most], range=[0.04, 1]), legend=None
            ),
            tooltip=["hour:N", a.Tooltip("minutes:Q", format=".1f"), "n:Q"],
        ),
        frame,
    ]
    if blank:
        layers.insert(0, a.Chart(rows(blank)).mark_rect(color=HATCH).encode(x=x, x2="to:Q", **y))
    peak = max(known, key=lambda one: one.minutes.value or 0.0)
    assert peak.minutes.value is not None
    evening = ""
    if crying.evening.value is not None:
        evening = f"; {said(crying.evening)} of it came between 16 and 24"
    alt = "Crying in minutes an hour, by hour of the day: " + ", ".join(
        f"{one.hour:02d} o’clock {one.minutes.value:.1f}" for one in known
    )
    if blank:
        alt += ". Not listened to: " + ", ".join(row["hour"] for row in blank)
    note = f"Full colour: {peak.minutes.value:.1f} minutes in an hour that is listened to."
    if blank:
        note += " Hatched: hours that were hardly ever listened to."
    return dressed(
        "crying_hours",
        layers,
        title=f"Most crying comes around {peak.hour} o’clock{evening}",
        alt=f"{alt}.",
        note=note,
        height=60,
    )


def _by_age(
    crying: Crying,
    *,
    name: str,
    unit: str,
    day_value: Callable[[CryingDay], float],
    week_value: Callable[[CryingWeek], Estimate],
    bands: Sequence[tuple[str, Norm]],
    title: str,
    note: str,
) -> Picture:
    a = altair()
    heard = [one for one in crying.days if one.heard_s > 0]
    aged = all(one.age_weeks is not None for one in heard)
    days: list[dict[str, Any]] = [
        {
            "x": round(one.age_weeks or 0.0, 3) if aged else _noon(one.date),
            "y": round(day_value(one), 2),
            "date": one.date.isoformat(),
            "heard": "throughout" if one.complete else "in part",
        }
        for one in heard
    ]
    weeks: list[dict[str, Any]] = [
        {
            "x": round(one.age_weeks, 3) if aged and one.age_weeks is not None else _middle(one),
            "y": round(found.value, 2),
            "low": _or(found.low, found.value),
            "high": _or(found.high, found.value),
            "n": found.n,
        }
        for one in crying.weeks
        if (found := week_value(one)).value is not None
    ]
    if aged:
        low = min(one["x"] for one in days)
        high = max(one["x"] for one in days)
        low, high = min(low, high - 1), max(high, low + 1)
        scale = a.Scale(domain=[round(low - 0.15, 2), round(high + 0.15, 2)], nice=False)
        across = {"scale": scale, "axis": along("weeks of age", tickMinStep=1, format="d")}
        x = a.X("x:Q", **across)
    else:
        x = a.X("x:T", axis=along(None, format="%-d %b"))
    # A week of two days may have an endless interval: it is cut off, and the rest not squeezed.
    tops = [one["y"] * 1.1 for one in (*days, *weeks)]
    tops += [norm.mean + (norm.sd or 0.0) for _, norm in bands]
    upward = {
        "scale": a.Scale(domain=[0, round(max(*tops, 1) * 1.06, 2)], nice=False),
        "axis": up(unit),
    }
    y = a.Y("y:Q", **upward)
    layers = []
    if bands and aged:
        layers += _band_layers(bands, across, upward, (low, high))
    point = a.Chart(rows(days)).encode(x=x, y=y, tooltip=["date:N", "y:Q", "heard:N"])
    layers += [
        point.transform_filter("datum.heard == 'throughout'").mark_circle(
            color=INK["soft"], size=20, opacity=0.7
        ),
        point.transform_filter("datum.heard == 'in part'").mark_point(
            color=INK["soft"], size=22, filled=False, strokeWidth=1.2
        ),
    ]
    if len(weeks) > 1 or not aged:
        week = a.Chart(rows(weeks)).encode(x=x)
        layers += [
            week.mark_rule(color=INK["accent"], strokeWidth=2.5, opacity=0.55, clip=True).encode(
                y=a.Y("low:Q", **upward), y2="high:Q"
            ),
            week.mark_line(
                color=INK["accent"],
                strokeWidth=2,
                point={"color": INK["accent"], "fill": INK["accent"], "size": 46},
            ).encode(y=y),
        ]
    told = [
        f"{_week_words(one, crying)} {said(week_value(one), digits=0)}"
        for one in crying.weeks
        if week_value(one).value is not None
    ]
    full = sum(one.complete for one in heard)
    alt = f"{unit.capitalize()}, {many(len(heard), 'day')}, {full} of them heard throughout"
    alt += f". Means by week: {'; '.join(told)}." if told else "."
    if bands:
        alt += " Beside it: " + "; ".join(_norm_words(norm) for _, norm in bands) + "."
    weeks_note = " Line: means by week with 95 % intervals; dots: days." if len(weeks) > 1 else ""
    return dressed(name, layers, title=title, alt=alt, note=note + weeks_note, height=230)


def _band_layers(
    bands: Sequence[tuple[str, Norm]],
    across: Mapping[str, Any],
    upward: Mapping[str, Any],
    ages: tuple[float, float],
) -> list[Any]:
    a = altair()
    values: list[dict[str, Any]] = [
        {
            "letter": letter,
            "x": max(norm.age_weeks_low or 0.0, ages[0]),
            "to": min((norm.age_weeks_high or 0.0) + 1.0, ages[1]),
            "low": max(0.0, norm.mean - (norm.sd or 0.0)),
            "high": norm.mean + (norm.sd or 0.0),
            "y": norm.mean,
            "population": norm.population,
            "quoted": not norm.confirmed,
        }
        for letter, norm in bands
    ]
    # Letters of bands that begin together must not lie on each other.
    for k, one in enumerate(values):
        together = sum(other["x"] == one["x"] for other in values[:k])
        one["mid"] = round(one["x"] + 0.04 * (ages[1] - ages[0]) * together, 3)
    y = a.Y("y:Q", **upward)
    base = a.Chart(rows(values)).encode(x=a.X("x:Q", **across))
    box = base.encode(x2="to:Q", y=a.Y("low:Q", **upward), y2="high:Q")
    return [
        box.transform_filter("!datum.quoted").mark_rect(
            color=INK["sleep"], fillOpacity=0.16, stroke=INK["sleep"], strokeOpacity=0.5
        ),
        box.transform_filter("datum.quoted").mark_rect(color=HATCH, stroke=INK["line"]),
        base.mark_rule(color=INK["sleep"], strokeWidth=1.5, strokeDash=[5, 3]).encode(
            x2="to:Q", y=y
        ),
        a.Chart(rows(values))
        .mark_text(color=INK["ink"], align="left", baseline="bottom", dx=2, dy=-2, fontSize=12)
        .encode(x=a.X("mid:Q", **across), y=y, text="letter:N"),
    ]


def _bands(crying: Crying) -> list[tuple[str, Norm]]:
    """Give the diaries whose spread is known and whose age the record touches."""
    ages = [one.age_weeks for one in crying.days if one.age_weeks is not None and one.heard_s > 0]
    if not ages:
        return []
    found = [
        one
        for one in norms("cry_fuss_min_per_day")
        if one.sd is not None
        and one.age_weeks_low is not None
        and one.age_weeks_high is not None
        and one.age_weeks_low <= max(ages)
        and one.age_weeks_high + 1 > min(ages)
    ]
    return list(zip(_LETTERS, found, strict=False))


def _norm_words(norm: Norm) -> str:
    low, high = norm.age_weeks_low, norm.age_weeks_high
    ages = ""
    if low is not None and high is not None:
        ages = f", {low:g} weeks" if low == high else f", {low:g} to {high:g} weeks"
    spread = f" ± {norm.sd:g}" if norm.sd is not None else ""
    doubt = "" if norm.confirmed else f" ({QUOTED})"
    return f"{norm.population}{ages}: {norm.mean:g}{spread}{doubt}"


def _crying_title(crying: Crying) -> str:
    known = [one for one in crying.weeks if _tells(one.minutes_a_day)]
    if len(known) >= 3:
        most = max(known, key=lambda one: one.minutes_a_day.value or 0.0)
        first, last = known[0], known[-1]
        words = f"Crying: about {_minutes(first)} min a day in {_week_words(first, crying)}"
        if most not in (first, last) and _stands_out(most, first, last):
            words += f", most ({_minutes(most)}) in {_week_words(most, crying)}"
        return f"{words}, {_minutes(last)} in {_week_words(last, crying)}"
    if crying.minutes_a_day.value is not None:
        return f"About {said(crying.minutes_a_day, digits=0)} minutes of crying a day were heard"
    if crying.minutes_heard.value is not None:
        return (
            f"About {said(crying.minutes_heard, digits=0)} minutes of crying a day, in the "
            f"{crying.heard_hours} hours of the day that are listened to"
        )
    return "Crying a day, as far as the room was listened to"


def _tells(week: Estimate) -> bool:
    return week.value is not None and week.n >= _DAYS_OF_A_WEEK


def _stands_out(most: CryingWeek, *others: CryingWeek) -> bool:
    """Whether the most is more than by chance: its interval lies above those of the others."""
    low = most.minutes_a_day.low
    highs = [one.minutes_a_day.high for one in others]
    return low is not None and all(high is not None and low > high for high in highs)


def _minutes(week: CryingWeek) -> str:
    return f"{week.minutes_a_day.value or 0.0:.0f}"


def _week_words(week: CryingWeek, crying: Crying) -> str:
    aged = crying.age_weeks is not None
    return f"week {week.week}" if aged else f"the week of {week.since.day} {week.since:%b}"


def _noon(day: date) -> str:
    return f"{day.isoformat()}T12:00:00"


def _middle(week: CryingWeek) -> str:
    return _noon(week.since + timedelta(days=(week.until - week.since).days // 2))


def _or(end: float | None, value: float | None) -> float | None:
    found = value if end is None else end
    return None if found is None else round(found, 4)


def helps(helps: Helps) -> Picture:
    """Draw what was followed by calm, best first, each with its interval and number of tries.

    Parameters
    ----------
    helps : Helps

    Returns
    -------
    Picture
        Those tried too seldom are named and not drawn.
    """
    seldom = ", ".join(
        f"{ATTEMPT_WORDS.get(one.attempt, one.attempt)} ({one.n})" for one in helps.not_yet
    )
    if not helps.known or not helps.ranked:
        why = f"Not yet known what helps: it takes {helps.least} tries of a kind to say"
        return nothing("helps", f"{why}." if not seldom else f"{why}; so far {seldom}.")
    a = altair()
    minutes = f"{helps.horizon_s / 60:g}"
    here = bool(helps.where) and any(one.here is not None for one in helps.ranked)
    values: list[dict[str, Any]] = []
    for one in helps.ranked:
        found = one.here if here and one.here is not None else one.calmed
        word = ATTEMPT_WORDS.get(one.attempt, one.attempt)
        values.append(
            {
                "what": word,
                "share": _or(found.value, 0.0),
                "low": _or(found.low, found.value),
                "high": _or(found.high, found.value),
                "n": found.n,
                "label": f"{word} ({found.n})",
            }
        )
    order = [one["label"] for one in values]
    y = a.Y(
        "label:N",
        sort=order,
        axis=a.Axis(title=None, domain=False, ticks=False, labelLimit=170, labelPadding=8),
    )
    across = {
        "scale": a.Scale(domain=[0, 1]),
        "axis": a.Axis(title=f"calm within {minutes} min", format="%", tickCount=5),
    }
    base = a.Chart(rows(values)).encode(y=y)
    layers = [
        base.mark_rule(color=INK["accent"], strokeWidth=7, opacity=0.3).encode(
            x=a.X("low:Q", **across), x2="high:Q"
        ),
        base.mark_point(color=INK["accent"], filled=True, size=90, opacity=1).encode(
            x=a.X("share:Q", **across),
            tooltip=["what:N", a.Tooltip("share:Q", format=".0%"), "n:Q"],
        ),
    ]
    best = helps.ranked[0]
    word = ATTEMPT_WORDS.get(best.attempt, best.attempt)
    shown = best.here if here and best.here is not None else best.calmed
    where = f", {helps.where}" if helps.where else ""
    title = f"It was calm within {minutes} min most often after {word}{where}: {said(shown)}"
    if len(helps.ranked) > 1 and best.best < 0.8:
        title += "; the order is not certain"
    alt = f"Share of tries that were followed by calm within {minutes} minutes: " + "; ".join(
        f"{one['what']} {one['share']:.0%} ({one['low']:.0%} to {one['high']:.0%}), "
        f"{many(int(one['n'] or 0), 'try', 'tries')}"
        for one in values
    )
    note = (
        "In brackets: tries. Bars: 95 % intervals. Calm that came after it need not come from it."
    )
    if seldom:
        note += f" Tried too seldom to say: {seldom}."
    return dressed(
        "helps", layers, title=title, alt=f"{alt}.", note=note, height=34 * len(values) + 12
    )


def carrying(carrying: Carrying) -> Picture:
    """Draw hours carried against crying, a dot a day.

    Parameters
    ----------
    carrying : Carrying

    Returns
    -------
    Picture
    """
    used = [one for one in carrying.days if one.used]
    if len(used) < 3:
        return nothing(
            "carrying",
            "Not yet known: carrying and crying are known together of fewer than 3 days.",
        )
    a = altair()
    values: list[dict[str, Any]] = [
        {
            "x": round(one.carried_h, 3),
            "y": round(one.crying_min, 2),
            "date": one.date.isoformat(),
            "used": one.used,
        }
        for one in carrying.days
    ]
    base = a.Chart(rows(values)).encode(
        x=a.X("x:Q", axis=along("hours carried that day", tickCount=6), scale=a.Scale(zero=True)),
        y=a.Y("y:Q", axis=up("minutes of crying that day"), scale=a.Scale(zero=True)),
        tooltip=["date:N", "x:Q", "y:Q"],
    )
    layers = [
        base.transform_filter("datum.used").mark_circle(color=INK["accent"], size=64, opacity=0.65),
        base.transform_filter("!datum.used").mark_point(color=INK["soft"], size=50, filled=False),
    ]
    found = carrying.correlation
    days = many(len(used), "day")
    if found.value is None or found.low is None or found.high is None:
        title = f"Carrying and crying on {days}: too few to say how they go together"
    elif found.high < 0:
        title = f"On days with more carrying less crying was heard ({days})"
    elif found.low > 0:
        title = f"On days with more carrying more crying was heard ({days})"
    else:
        title = f"{days} do not tell whether carrying and crying go together"
    alt = (
        f"{title}. Rank correlation {said(found, digits=2)}. "
        f"Carried {min(one.carried_h for one in used):.1f} to "
        f"{max(one.carried_h for one in used):.1f} hours, crying "
        f"{min(one.crying_min for one in used):.0f} to "
        f"{max(one.crying_min for one in used):.0f} minutes a day."
    )
    note = " ".join(carrying.says)
    if len(used) < len(values):
        note += " Hollow: days that were not heard throughout; they do not count."
    return dressed("carrying", layers, title=title, alt=alt, note=note.strip(), height=240)


def nights_crying(compared: BeforeAfter) -> Picture:
    """Draw minutes of crying, night by night, before and after a change.

    Parameters
    ----------
    compared : BeforeAfter

    Returns
    -------
    Picture
        Less crying is drawn as less crying, and as nothing else.
    """
    nights = [*compared.before.nights, *compared.after.nights]
    if not any(one.counts for one in nights):
        return nothing("nights_crying", f"{_change_words(compared)}: no night to compare yet.")
    a = altair()
    values: list[dict[str, Any]] = [
        {
            **_night_row(place, one),
            "y": round(one.crying_s / 60, 2),
            "counts": one.counts,
        }
        for place, one in enumerate(nights)
    ]
    middle = len(compared.before.nights)
    means: list[dict[str, Any]] = [
        {
            "x": first - 0.45,
            "to": last - 0.55,
            "y": round(side.crying.value, 2),
            "label": f"{side.crying.value:.0f} min",
        }
        for side, first, last in (
            (compared.before, 0, middle),
            (compared.after, middle, len(nights)),
        )
        if side.crying.value is not None and last > first
    ]
    across = _night_axis(a, nights)
    upward = {"scale": a.Scale(zero=True), "axis": up("minutes of crying a night", titleY=-20)}
    x, y = a.X("x:Q", **across), a.Y("y:Q", **upward)
    bars = a.Chart(rows(values)).encode(
        x=x, x2="to:Q", y=y, y2=a.datum(0), tooltip=["night:N", "y:Q"]
    )
    mean = a.Chart(rows(means)).encode(x=x, y=y)
    layers = [
        bars.transform_filter("datum.counts").mark_rect(color=INK["accent"], opacity=0.8),
        bars.transform_filter("!datum.counts").mark_rect(color=HATCH, stroke=INK["line"]),
        *_change_layers(a, compared, across),
        mean.mark_rule(color=INK["ink"], strokeWidth=2).encode(x2="to:Q"),
        mean.mark_text(color=INK["ink"], align="left", dy=-8, fontSize=12).encode(text="label:N"),
    ]
    found = compared.crying
    n = f"{compared.before.n} nights before and {compared.after.n} after"
    if found.value is None or found.low is None or found.high is None:
        finding = f"too few nights to compare crying ({n})"
    elif found.high < 0:
        finding = f"less crying a night was heard by {_less(found)} ({n})"
    elif found.low > 0:
        finding = f"more crying a night was heard by {_less(found)} ({n})"
    else:
        finding = f"{n} do not tell whether there was more or less crying"
    title = f"{_change_words(compared)}: {finding}"
    return dressed(
        "nights_crying",
        layers,
        title=title,
        alt=f"{title}. Minutes of crying by night: "
        + "; ".join(
            f"{one.date.day} {one.date:%b} {one.crying_s / 60:.0f}"
            + ("" if one.counts else " (does not count)")
            for one in nights
        )
        + ".",
        note="Level lines: means. "
        + ("Hatched: nights that were not heard or are not over; they do not count. "
           if any(not one.counts for one in nights) else "")
        + " ".join(compared.says),
        height=210,
    )  # fmt: skip


def nights_answers(compared: BeforeAfter) -> Picture:
    """Draw how each night's cries ended, before and after a change.

    Parameters
    ----------
    compared : BeforeAfter

    Returns
    -------
    Picture
        A cry that stopped unanswered stands out most, at the bottom: it is not a good end.
    """
    nights = [*compared.before.nights, *compared.after.nights]
    if not any(one.cries for one in nights):
        return nothing("nights_answers", f"{_change_words(compared)}: no cry at night.")
    a = altair()
    values: list[dict[str, Any]] = []
    for place, one in enumerate(nights):
        above = 0
        for key, count in (
            ("stopped unanswered", one.stopped_unanswered),
            ("settled alone", one.settled_alone),
            ("soothed", one.soothed),
        ):
            values.append(
                {**_night_row(place, one), "how": key, "low": above, "high": above + count}
            )
            above += count
    across = _night_axis(a, nights)
    upward = {
        "scale": a.Scale(zero=True),
        "axis": up("cries a night", tickMinStep=1, format="d", titleY=-20),
    }
    words = ["soothed", "settled alone", "stopped unanswered"]
    colour = a.Color(
        "how:N",
        scale=a.Scale(domain=words, range=[INK["hair"], INK["sleep"], INK["ink"]]),
        legend=a.Legend(
            title=None,
            orient="bottom",
            direction="horizontal",
            symbolType="square",
            symbolStrokeColor=INK["line"],
            symbolStrokeWidth=1,
            labelColor=INK["ink"],
            labelFontSize=FONT_PX,
            columnPadding=14,
            columns=2,
        ),
    )
    layers = [
        a.Chart(rows([one for one in values if one["high"] > one["low"]]))
        .mark_rect(stroke=INK["line"], strokeWidth=1)
        .encode(
            x=a.X("x:Q", **across),
            x2="to:Q",
            y=a.Y("low:Q", **upward),
            y2="high:Q",
            color=colour,
            tooltip=["night:N", "how:N"],
        ),
        *_change_layers(a, compared, across),
    ]
    sides = (("before", compared.before), ("after", compared.after))
    told = [
        f"{words} {many(side.n, 'night')}: {side.soothed} soothed, {side.settled_alone} settled "
        f"alone, {side.stopped_unanswered} stopped unanswered"
        for words, side in sides
    ]
    title = (
        f"{_change_words(compared)}: {compared.before.stopped_unanswered} cries stopped "
        f"unanswered in {many(compared.before.n, 'night')} before, "
        f"{compared.after.stopped_unanswered} in {compared.after.n} after"
    )
    return dressed(
        "nights_answers",
        layers,
        title=title,
        alt="How cries ended. " + "; ".join(told) + ".",
        note="A cry that stopped unanswered is not a cry that was soothed.",
        height=210,
    )


def _night_row(place: int, night: Night) -> dict[str, Any]:
    return {"x": place - 0.38, "to": place + 0.38, "night": night.date.isoformat()}


def _night_axis(a: Any, nights: Sequence[Night]) -> dict[str, Any]:
    names = ", ".join(f"'{one.date.day} {one.date:%b}'" for one in nights)
    step = max(1, len(nights) // 7)
    return {
        "scale": a.Scale(domain=[-0.6, len(nights) - 0.4], nice=False),
        "axis": along(
            "night of",
            values=list(range(0, len(nights), step)),
            labelExpr=f"[{names}][datum.value]",
        ),
    }


def _change_layers(a: Any, compared: BeforeAfter, across: Mapping[str, Any]) -> list[Any]:
    """Draw where the change is: before the first night after it."""
    place = len(compared.before.nights)
    if not place or not compared.after.nights:
        return []
    at = a.Chart(rows([{"x": place - 0.5, "label": "change"}])).encode(x=a.X("x:Q", **across))
    return [
        at.mark_rule(color=INK["ink"], strokeDash=[4, 3], strokeWidth=1.5),
        at.mark_text(color=INK["ink"], baseline="bottom", dy=-3, fontSize=12).encode(
            y=a.value(0), text="label:N"
        ),
    ]


def _change_words(compared: BeforeAfter) -> str:
    words = compared.change.says.rstrip(".")
    if len(words) > 60:
        words = f"{words[:57].rstrip()}…"
    return f"“{words}”, {compared.change.at.day} {compared.change.at:%B}"


def _less(found: Estimate) -> str:
    least, most = sorted(abs(one) for one in (found.low, found.high) if one is not None)
    value, _, ends = said(
        Estimate(abs(found.value or 0.0), least, most, found.n), digits=0
    ).partition(" (")
    return f"{value} min" + (f" ({ends}" if ends else "")


def around(around: Around) -> Picture:
    """Draw a sensor's numbers around the onset of a cry, with gaps left as gaps.

    Parameters
    ----------
    around : Around

    Returns
    -------
    Picture
    """
    known = [one for one in around.course if one.mean.value is not None]
    if not known:
        return nothing("around", f"{around.title}: no readings around the cries.")
    a = altair()
    values: list[dict[str, Any]] = []
    stretch = 0
    for one in around.course:
        if one.mean.value is None:
            stretch += 1
            continue
        values.append(
            {
                "x": round((one.at_s + around.step_s / 2) / 60, 3),
                "y": round(one.mean.value, 3),
                "low": _or(one.mean.low, one.mean.value),
                "high": _or(one.mean.high, one.mean.value),
                "n": one.mean.n,
                "stretch": stretch,
            }
        )
    unit = f" ({around.unit})" if around.unit else ""
    scale = a.Scale(zero=False, nice=True)
    x = a.X(
        "x:Q",
        scale=a.Scale(domain=[-around.before_s / 60, around.after_s / 60], nice=False),
        axis=along("minutes from the onset of the cry"),
    )
    base = a.Chart(rows(values)).encode(x=x, detail="stretch:N")
    layers = [
        base.mark_area(color=INK["accent"], opacity=0.2).encode(
            y=a.Y("low:Q", scale=scale, axis=up(around.title + unit)), y2="high:Q"
        ),
        base.mark_line(
            color=INK["accent"],
            strokeWidth=2,
            point={"color": INK["accent"], "fill": INK["accent"], "size": 24},
        ).encode(y=a.Y("y:Q", scale=scale, axis=up(around.title + unit))),
        a.Chart(rows([{"x": 0}])).mark_rule(color=INK["ink"], strokeDash=[4, 3]).encode(x=x),
    ]
    before, during, after = (
        said(one).replace(f" {around.unit}", "") if around.unit else said(one)
        for one in (around.before, around.during, around.after)
    )
    based = many(around.covered, "cry", "cries")
    title = f"{around.title}{unit} around {based}: {before} before, {during} during, {after} after"
    gaps = f" {around.gaps:.0%} of the time has no reading." if around.gaps else ""
    return dressed(
        "around",
        layers,
        title=title,
        alt=f"{title}. Mean over cries by minute, with 95 % band.{gaps}",
        note=f"Mean over cries with 95 % band; breaks in the line are gaps.{gaps} "
        + " ".join(around.says),
        height=200,
    )


STEP_WORDS = {
    "told": "somebody was told",
    "shown": "a phone showed it",
    "going": "somebody was going",
    "there": "somebody was there",
}
_STEP_LABELS = {
    "told": "told",
    "shown": "shown by a phone",
    "going": "“I'm going”",
    "there": "there",
}


def steps(steps: Steps) -> Picture:
    """Draw where the seconds of answering go, from the onset until somebody is there.

    Parameters
    ----------
    steps : Steps

    Returns
    -------
    Picture
    """
    known = [one for one in steps.steps if one.median_s.value is not None]
    if not known:
        return nothing(
            "steps", "Not yet known: no cry that somebody was told of has been answered yet."
        )
    a = altair()
    values: list[dict[str, Any]] = []
    for one in known:
        median = one.median_s.value or 0.0
        first, third = one.middle_half_s or (median, median)
        values.append(
            {
                "what": _STEP_LABELS[one.name],
                "s": round(median, 2),
                "low": round(first, 2),
                "high": round(third, 2),
                "label": span_s(median),
            }
        )
    most = max(one["high"] for one in values) * 1.25
    across = {
        "scale": a.Scale(domain=[0, round(max(most, 5), 1)], nice=False),
        "axis": a.Axis(title="seconds from the onset", tickCount=5),
    }
    y = a.Y(
        "what:N",
        sort=[one["what"] for one in values],
        axis=a.Axis(title=None, domain=False, ticks=False, labelLimit=190, labelPadding=8),
    )
    base = a.Chart(rows(values)).encode(y=y)
    layers = [
        base.mark_rule(color=INK["accent"], strokeWidth=7, opacity=0.3).encode(
            x=a.X("low:Q", **across), x2="high:Q"
        ),
        base.mark_point(color=INK["accent"], filled=True, size=90, opacity=1).encode(
            x=a.X("s:Q", **across)
        ),
        base.mark_text(color=INK["ink"], dy=-13, fontSize=12).encode(
            x=a.X("s:Q", **across), text="label:N"
        ),
    ]
    last = known[-1]
    title = f"{STEP_WORDS[last.name].capitalize()} after {values[-1]['label']}"
    if len(known) > 1:
        title = f"{STEP_WORDS[known[0].name].capitalize()} after {values[0]['label']}, and "
        title += f"{STEP_WORDS[last.name].removeprefix('somebody ')} after {values[-1]['label']}"
    alt = "Median seconds from the onset: " + "; ".join(
        f"{STEP_WORDS[one.name]} {said(one.median_s)}, {many(one.n, 'cry', 'cries')}"
        for one in known
    )
    return dressed(
        "steps",
        layers,
        title=f"{title}",
        alt=f"{alt}.",
        note="Dots: medians. Bars: the middle half of the cries. " + " ".join(steps.says),
        height=44 * len(values) + 10,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a picture is made.

    Parameters
    ----------
    make : callable
        Measures → `Picture`.
    takes : tuple of str
        Names of the measures that it takes, in order.
    whole : bool
        Whether they are best made from all that is known of the child, rather
        than from the stretch that is looked at.
    """

    make: Callable[..., Picture]
    takes: tuple[str, ...]
    whole: bool = False


PICTURES: Mapping[str, Wanted] = MappingProxyType(
    {
        "swift_curve": Wanted(swift_curve, ("swift",)),
        "answered_within": Wanted(answered_within, ("swift",)),
        "answered_10s": Wanted(answered_10s, ("swift",)),
        "left_unanswered": Wanted(left_unanswered, ("swift",)),
        "latency_by_hour": Wanted(latency, ("swift:hour",)),
        "latency_by_week": Wanted(latency, ("swift:week",), whole=True),
        "latency_by_caregiver": Wanted(latency, ("swift:caregiver",)),
        "answered_by_hour": Wanted(answered_by_hour, ("consistent",)),
        "answered_by_night": Wanted(answered_by_night, ("consistent",)),
        "needs": Wanted(needs, ("comprehensive",)),
        "crying_minutes": Wanted(crying_minutes, ("crying",)),
        "crying_bouts": Wanted(crying_bouts, ("crying",)),
        "crying_hours": Wanted(crying_hours, ("crying",)),
        "steps": Wanted(steps, ("steps",)),
        "helps": Wanted(helps, ("helps",), whole=True),
        "carrying": Wanted(carrying, ("carrying",)),
        "nights_crying": Wanted(nights_crying, ("change",), whole=True),
        "nights_answers": Wanted(nights_answers, ("change",), whole=True),
        "around": Wanted(around, ("around",)),
    }
)
"""Every picture by name, in the order of the page."""
