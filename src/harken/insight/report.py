"""The report: two pages for a health visitor or paediatrician, as HTML that stands alone or PDF.

It says what was measured and how before it says any number, gives each number
its interval and what it rests on, and draws no conclusion.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from harken.errors import HarkenError, ParameterError
from harken.insight.care_totals import CareDay, CareTotals, care_totals
from harken.insight.charts import ATTEMPT_WORDS
from harken.insight.consistent import Consistent, consistent
from harken.insight.crying import Crying, CryingWeek, crying
from harken.insight.drawing import Pen, shared
from harken.insight.estimate import Estimate
from harken.insight.helps import Helps, helps
from harken.insight.picture import many, said, said_s, span_s
from harken.insight.record import Record
from harken.insight.swift import Swift, swift

Paper = Literal["a4", "letter"]

PAPERS: dict[str, tuple[float, float]] = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height of a page [mm]."""

WIDE = {"a4": 820, "letter": 980}
"""Pixels of a picture across the page: the more, the smaller and lower it is printed."""

NARROW = {"a4": 430, "letter": 520}
"""The same for one of half the width."""

_WEEKS = 9
_NOTES = 6
_LONGEST_NOTE = 130
_LONGEST_NAME, _LONGEST_HOUSEHOLD = 40, 80
_HELPS = 4
_NOTED = ("note", "medicine", "temperature")

Row = tuple[str, str, str]


def report(
    record: Record,
    *,
    to: Literal["html", "pdf"] = "pdf",
    paper: Paper = "a4",
    corrected: bool = False,
    pen: Pen | None = None,
) -> bytes:
    """Make the report.

    Parameters
    ----------
    record : Record
        The time that it is about.
    to : {'html', 'pdf'}
    paper : {'a4', 'letter'}
        Also of the HTML, when it is printed.
    corrected : bool
        Count ages from the due date for a child born early.
    pen : Pen, optional
        What draws and prints; by default the shared one.

    Returns
    -------
    bytes
        Two pages. The HTML holds its pictures and asks for nothing else.

    Raises
    ------
    ParameterError
        If `to` or `paper` is unknown.
    HarkenError
        If packages are missing, or what prints PDF.
    """
    if to not in ("html", "pdf"):
        raise ParameterError(f"a report is html or pdf, not {to!r}")
    if paper not in PAPERS:
        raise ParameterError(f"paper {paper!r} is not known; there are {', '.join(PAPERS)}")
    pen = pen or shared()
    page = _page(record, paper, pen, corrected=corrected)
    return page.encode() if to == "html" else pen.to_pdf(page)


def _page(record: Record, paper: str, pen: Pen, *, corrected: bool) -> str:
    try:
        import jinja2
    except ImportError:
        raise HarkenError("reports need more packages: pip install 'harken[report]'") from None
    cried = crying(record, corrected=corrected)
    cared = care_totals(record)
    answered = swift(record, corrected=corrected)
    even = consistent(record)
    helped = helps(record)
    wide = pen.draw_all(
        [("crying_minutes", (cried,)), ("crying_hours", (cried,))], width=WIDE[paper], theme="print"
    )
    narrow = pen.draw_all([("swift_curve", (answered,))], width=NARROW[paper], theme="print")
    across, down = PAPERS[paper]
    notes, left_out = _notes(record)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harken.insight"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(
        name=_cut(record.name, _LONGEST_NAME) or "The child",
        household=_cut(record.household, _LONGEST_HOUSEHOLD),
        dates=_dates(record),
        ages=_ages(record),
        across=across,
        down=down,
        how=_how(record, cried, corrected=corrected),
        short=_short(cried, cared),
        pictures={one.name: one for one in (*wide, *narrow)},
        weeks=[_week(one, cared, cried) for one in cried.weeks[-_WEEKS:]],
        threes=cried.threes.says,
        answers=_answers(answered, even, record),
        answers_says=answered.says[:2],
        helps_title=_helps_title(helped),
        helped=[
            (
                ATTEMPT_WORDS.get(one.attempt, one.attempt),
                said(one.calmed),
                many(one.n, "try", "tries"),
            )
            for one in helped.ranked[:_HELPS]
        ],
        notes=notes,
        more_notes=""
        if not left_out
        else f"{many(left_out, 'more entry', 'more entries')} in the journal.",
        foot=_foot(record),
    )


def _foot(record: Record) -> str:
    """Say on each page whose it is: pages part."""
    whose = ", ".join(filter(None, (record.name, record.household)))
    return (
        f"{_cut(whose, _LONGEST_HOUSEHOLD) or 'The child'}. Harken, "
        f"{_date(record.local(record.now).date())}, from the household’s own record. "
        "Not a medical device; no diagnosis, no advice."
    )


def _how(record: Record, cried: Crying, *, corrected: bool) -> list[str]:
    days = [one for one in cried.days if one.heard_s > 0]
    whole = sum(one.complete for one in cried.days)
    heard_h = sum(one.heard_s for one in cried.days) / 3600
    name = record.name or "the child"
    lines = [
        f"Crying was heard by a listening device in the room in which {name} sleeps; nobody had to "
        "write it down. It tells cries, not fussing, and hears nothing that is cried elsewhere. A "
        "bout is crying of 3\u00a0s or more, joined over pauses of up to 5\u00a0s, unless the "
        "household chose otherwise.",
        f"Of {many(len(cried.days), 'day')}, {whole} were heard throughout and "
        f"{len(days) - whole} in part, {heard_h:.0f} hours in all. Hours that were not heard are "
        "left out and never counted as calm.",
        "An answer is somebody who reached the child while it cried, as they tapped or confirmed "
        "it. Sleep, feeds, nappies and notes are what the family wrote down: a day without an "
        "entry of a kind is left out there. Figures are means, with 95\u00a0% intervals in "
        "brackets.",
    ]
    if corrected and cried.corrected:
        lines[1] += " Ages are counted from the due date, as for a child born early."
    return lines


def _short(cried: Crying, cared: CareTotals) -> tuple[list[Row], list[Row]]:
    minutes, bouts = cried.minutes_a_day, cried.bouts_a_day
    hours = ""
    if minutes.value is None and cried.minutes_heard.value is not None:
        minutes, bouts = cried.minutes_heard, cried.bouts_heard
        hours = f" in the {cried.heard_hours} hours of the day that were heard"
    first = [
        _row(f"Crying{hours}, minutes a day", minutes, "day"),
        _row(f"Cry bouts{hours}, a day", bouts, "day"),
        _row("Crying in spells of 5 min or more, minutes a day", cried.long_spells, "day"),
        _row("Longest calm of a day, hours", cried.longest_calm, "day"),
        _row("Of the crying between 16 and 24 o’clock", cried.evening, "day"),
    ]
    second = [
        _row("Sleep, hours a day", cared.sleep, "day"),
        _row("Longest sleep of a day, hours", cared.longest_sleep, "day"),
        _row("Feeds a day", cared.feeds, "day"),
        _row("Milk from bottles, ml a day", cared.ml, "day"),
        _row("Nappies a day", cared.nappies, "day"),
        _row("Carried, hours a day", cared.carried, "day"),
    ]
    return first, [one for one in second if one[1] != "not known"] or second[:3]


def _row(words: str, found: Estimate, of: str, more: str = "") -> Row:
    if found.value is None:
        return words, "not known", ""
    large = max(abs(one) for one in (found.value, found.low, found.high) if one is not None) >= 20
    value, spread = _split(said(found, digits=None if found.unit == "share" else 0 if large else 1))
    return words, value, f"{spread} {many(found.n, of, more)}".strip()


def _split(words: str) -> tuple[str, str]:
    """Take a number and its interval, in brackets, apart."""
    value, bracket, rest = words.partition(" (")
    return value, f"{bracket}{rest}".strip()


def _week(week: CryingWeek, cared: CareTotals, cried: Crying) -> tuple[str, ...]:
    days = [one for one in cared.days if week.since <= one.date <= week.until and one.whole]
    name = _day(week.since)
    if week.until != week.since:
        name += f" to {_day(week.until)}"
    if cried.age_weeks is not None:
        name = f"{week.week} ({name})"
    return (
        name,
        _plain(week.minutes_a_day, 0),
        _plain(week.bouts_a_day, 0),
        _plain(week.longest_calm, 1) if week.longest_calm.n > 2 else _mean_only(week.longest_calm),
        _mean(days, "sleep_s", 3600),
        _mean(days, "feeds"),
        _mean(days, "nappies"),
        f"{week.whole_days} of {week.days}",
    )


def _plain(found: Estimate, digits: int) -> str:
    return said(found, digits=digits) if found.value is not None else "–"


def _mean_only(found: Estimate) -> str:
    """Of two days the interval says nothing: it may be longer than a day."""
    return "–" if found.value is None else f"{found.value:.1f}"


def _mean(days: Sequence[CareDay], what: str, per: float = 1.0) -> str:
    values = [value / per for one in days if (value := getattr(one, what)) is not None]
    return f"{sum(values) / len(values):.1f}" if values else "–"


def _answers(answered: Swift, even: Consistent, record: Record) -> list[Row]:
    rows = [_row("Cries answered while they went on", even.answered, "cry", "cries")]
    if answered.median.value is not None:
        rows.append(("Half were answered within", *_split(said_s(answered.median))))
    if even.n:
        rows.append(
            (
                "How they ended",
                f"{even.soothed} soothed",
                f"{even.settled_alone} settled alone, {even.stopped_unanswered} stopped unanswered",
            )
        )
    longest = even.longest_unanswered
    if longest is not None:
        rows.append(
            (
                "Longest cry that nobody answered",
                span_s(longest.seconds),
                f"{record.local(longest.onset):%-d %B, %H:%M}",
            )
        )
    return rows


def _helps_title(helped: Helps) -> str:
    if not helped.known:
        return f"Not yet known: it takes {helped.least} tries of a kind to say."
    seldom = ", ".join(ATTEMPT_WORDS.get(one.attempt, one.attempt) for one in helped.not_yet)
    rest = len(helped.ranked) - _HELPS
    words = (
        f"In {many(helped.episodes, 'cry', 'cries')} something that was tried was written down. "
    )
    words += "That it was calm afterwards does not show why."
    if rest > 0:
        words += f" The first {_HELPS} of {len(helped.ranked)}."
    if seldom:
        words += f" Tried too seldom to say: {seldom}."
    return words


def _notes(record: Record) -> tuple[list[tuple[str, str]], int]:
    some = [
        one
        for one in record.care
        if one.what in _NOTED and record.since <= one.at < min(record.until, record.now)
    ]
    shown = some[-_NOTES:]
    return [
        (
            f"{record.local(one.at):%-d %b, %H:%M}",
            _cut(
                {
                    "note": one.text,
                    "medicine": " ".join(filter(None, ("Medicine:", one.name, one.dose, one.text))),
                    "temperature": " ".join(
                        filter(None, (f"Temperature {one.celsius or 0:g} °C", one.text))
                    ),
                }[one.what]
                or "–",
                _LONGEST_NOTE,
            ),
        )
        for one in shown
    ], len(some) - len(shown)


def _cut(text: str, longest: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"


def _dates(record: Record) -> str:
    last = min(record.until, record.now) - timedelta(microseconds=1)
    first, end = record.date_of(record.since), record.date_of(max(last, record.since))
    return _date(first) if first == end else f"{_date(first)} to {_date(end)}"


def _ages(record: Record) -> str:
    end = min(record.until, record.now)
    weeks = record.age_weeks(end)
    if record.born is None or weeks is None or weeks < 0:
        return "day of birth not known"
    words = f"born {_date(record.born)}, {_weeks(weeks)} old at the end"
    if record.early:
        corrected = record.age_weeks(end, corrected=True)
        if corrected is not None:
            words += f" ({_weeks(max(0.0, corrected))} corrected)"
    return words


def _weeks(weeks: float) -> str:
    return many(int(weeks), "week")


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
