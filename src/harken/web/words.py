"""Numbers as tired people read them: what it is, how sure that is, and what it is based on."""

import re
from datetime import date, datetime
from typing import Any

from harken.insight.estimate import Estimate

_UNITS = {
    "share": "%",
    "min": "min",
    "min/day": "min a day",
    "bouts/day": "a day",
    "h": "h",
    "h/day": "h a day",
    "ml/day": "ml a day",
    "min/night": "min a night",
    "cries/night": "a night",
}


def number(value: float | None, unit: str = "", *, bare: bool = False, finer: int = 0) -> str:
    """Give a number with its unit, as exact as it deserves.

    Parameters
    ----------
    value : float or None
    unit : str
        As `harken.insight.Estimate` has it.
    bare : bool
        Without the unit, where it stands beside already.
    finer : int, ≥ 0
        So many digits behind the point instead, where 0 is as many as usual.

    Returns
    -------
    str

    Examples
    --------
    >>> number(0.617, "share"), number(34.2, "s"), number(200.0, "s"), number(7500.0, "s")
    ('62 %', '34 s', '3 min 20 s', '2 h 5 min')
    >>> number(92.4, "min/day"), number(13.75, "bouts/day"), number(None)
    ('92 min a day', '14 a day', 'not yet known')
    """
    if value is None:
        return "not yet known"
    if unit == "s" and not finer:
        return _span(value)
    if unit == "share":
        value *= 100
    if finer:
        text = f"{value:.{finer}f}"
    elif abs(value) < 10 and unit != "share":
        text = f"{value:.1f}".removesuffix(".0")
    else:
        text = f"{value:.0f}"
    text = text.replace("-", "−" if text.strip("-0.") else "")
    return text if bare else f"{text} {_named(unit)}".rstrip()


def _named(unit: str) -> str:
    return _UNITS.get(unit, "a day" if unit.endswith("/day") else unit)


def figure(known: Estimate, unit: str | None = None) -> str:
    """Give the value of an estimate, with as many digits as its interval needs.

    Parameters
    ----------
    known : Estimate
    unit : str, optional
        In place of its own.

    Returns
    -------
    str

    Examples
    --------
    >>> from harken.insight import share
    >>> figure(share(8, 10)), figure(Estimate(138.2, 137.9, 138.4, 152, unit="beats/min"))
    ('80 %', '138.2 beats/min')
    """
    return number(known.value, known.unit if unit is None else unit, finer=_finer(known) or 0)


def _finer(known: Estimate) -> int | None:
    return known.finer(lambda end, more: _said(end, known, more))


def _said(end: float, known: Estimate, finer: int) -> str:
    return number(end, known.unit, bare=known.unit != "s", finer=finer)


def ends(known: Estimate) -> str:
    """Give the ends of an interval without the unit; nothing where it has no width.

    Parameters
    ----------
    known : Estimate

    Returns
    -------
    str

    Examples
    --------
    >>> from harken.insight import share
    >>> ends(share(8, 10)), ends(Estimate(8.0, 8.0, 8.0, 3))
    ('49 to 94', '')
    """
    low, high, finer = known.low, known.high, _finer(known)
    if low is None or high is None or finer is None:
        return ""
    return f"{_said(low, known, finer)} to {_said(high, known, finer)}"


def likely(known: Estimate, one: str = "", many: str = "") -> str:
    """Say how sure a number is and what it is based on.

    Parameters
    ----------
    known : Estimate
    one, many : str
        What was counted, of one and of several; by default "one" for n.

    Returns
    -------
    str

    Examples
    --------
    >>> from harken.insight import share
    >>> likely(share(8, 10), "cry", "cries")
    'likely 49 to 94 %, from 10 cries'
    >>> likely(Estimate(138.2, 137.9, 138.4, 152, unit="beats/min"), "cry", "cries")
    'likely 137.9 to 138.4 beats/min, from 152 cries'
    >>> likely(share(0, 0), "cry", "cries")
    'no cries yet'
    """
    if known.n == 0:
        return f"no {many} yet" if many else "nothing yet"
    based = f"from {known.n:,} {one if known.n == 1 else many}".strip().replace(",", " ")
    if not one:
        based = f"n = {known.n}"
    low, high = known.low, known.high
    if low is None and high is None:
        return based
    if low is None or high is None:
        if low is not None:
            return f"likely {number(low, known.unit)} or more, {based}"
        return f"likely {number(high, known.unit)} or less, {based}"
    between = ends(known)
    if not between:
        return based
    named = "" if known.unit == "s" else _named(known.unit)
    return f"likely {between} {named}".rstrip() + f", {based}"


def typeset(text: str) -> str:
    """Give a sentence with curly quotes, and a dash in a range of numbers.

    Examples
    --------
    >>> typeset("a parent's 'cry it out', 0-12 months")
    'a parent’s ‘cry it out’, 0–12 months'
    >>> typeset('"colic" (2012-05-01, 10.1016/0022-1)')
    '“colic” (2012-05-01, 10.1016/0022-1)'
    """
    text = re.sub(r"(^|[\s(\[“])'", r"\1‘", re.sub(r'(^|[\s(\[])"', r"\1“", text))
    text = text.replace("'", "’").replace('"', "”")
    return re.sub(r"(?<![\w./–-])(\d{1,4})-(\d{1,4})(?![\w./-]|\.\d)", r"\1–\2", text)


def days_words(since: date, until: date) -> str:
    """Give a stretch of days in words.

    Examples
    --------
    >>> days_words(date(2026, 3, 3), date(2026, 3, 3))
    'Tuesday 3 March 2026'
    >>> days_words(date(2026, 2, 25), date(2026, 3, 3))
    '25 February to 3 March 2026'
    """
    if since == until:
        return f"{until:%A} {until.day} {until:%B} {until.year}"
    first = f"{since.day}"
    if (since.year, since.month) != (until.year, until.month):
        first += f" {since:%B}"
    if since.year != until.year:
        first += f" {since.year}"
    return f"{first} to {until.day} {until:%B} {until.year}"


def day_words(day: date | datetime) -> str:
    """Give a day as a table has it.

    Examples
    --------
    >>> day_words(date(2026, 3, 3))
    'Tue 3 Mar'
    """
    return f"{day:%a} {day.day} {day:%b}"


def count(n: int, one: str, many: str) -> str:
    """Give a number of things.

    Examples
    --------
    >>> count(1, "cry", "cries"), count(0, "cry", "cries")
    ('1 cry', 'no cries')
    """
    return f"{n or 'no'} {one if n == 1 else many}"


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f}".removesuffix(".0") + " s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


FILTERS: dict[str, Any] = {
    "number": number,
    "figure": figure,
    "ends": ends,
    "likely": likely,
    "typeset": typeset,
    "day_words": day_words,
    "count": count,
}
"""What the templates call them."""
