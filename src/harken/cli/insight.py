"""`harken insight`: what the record adds up to, in a terminal or as JSON."""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.journal import JournalOption
from harken.cli.pipeline import one_line

if TYPE_CHECKING:
    from harken.evidence import Norm
    from harken.insight.record import Record
    from harken.insight.summary import Summary


class Stretch(StrEnum):
    """Which days."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


class By(StrEnum):
    """For which parts the waits are given too."""

    HOUR = "hour"
    WEEK = "week"
    CAREGIVER = "caregiver"


class Format(StrEnum):
    """How it is told."""

    TEXT = "text"
    JSON = "json"


_DAYS = {Stretch.DAY: 1, Stretch.WEEK: 7, Stretch.MONTH: 30}


def insight(
    stretch: Annotated[
        Stretch, typer.Argument(metavar="[day|week|month|all]", help="Up to now, today included.")
    ] = Stretch.WEEK,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="From this day on."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="DATE", help="Up to the end of this day."
        ),
    ] = None,
    child: Annotated[
        str | None,
        typer.Option("--child", metavar="NAME|ID", help="Whose; needed where there are several."),
    ] = None,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="Waits by **hour** of the day, **week** of age or **caregiver** (where the "
            "household wants that).",
        ),
    ] = None,
    inferred: Annotated[
        bool,
        typer.Option("--inferred", help="Count voices that were only heard as answers."),
    ] = False,
    corrected: Annotated[
        bool,
        typer.Option("--corrected", help="Age from the due date, for a child born early."),
    ] = False,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="**text**, or **json** with all there is.")
    ] = Format.TEXT,
    database: JournalOption = None,
) -> None:
    """Show what the record adds up to: crying, answers, what was looked at, what helped.

    Every number has its interval and what it is based on. It is a record, not a
    verdict, and no diagnosis.

    **harken insight month**
    """
    from harken.cli.journal import open_database

    with open_database(database) as journal:
        from harken.insight import Record, around_series, summary

        whole = Record.of(journal, child=_child(journal.household, child))
        wants = bool(journal.household.get_setting("compare_caregivers", False))
        record = _cut(whole, stretch, since, until)
        made = summary(
            record,
            whole=whole,
            corrected=corrected,
            inferred=inferred,
            caregivers=wants,
            by=None if by is None else by.value,
            around=around_series(journal, record),
        )
    if output is Format.JSON:
        typer.echo(json.dumps(made.as_dict(), ensure_ascii=False, indent=2))
        return
    for line in _text(made):
        typer.echo(one_line(line))


def _child(household: object, wanted: str | None) -> str | None:
    """Give the id of a child that was named by id or name."""
    from harken.errors import ParameterError
    from harken.journal import Child, Household

    assert isinstance(household, Household)
    children = sorted(household.list(Child), key=lambda one: (one.name.casefold(), one.id))
    if wanted is None:
        if len(children) > 1:
            names = ", ".join(one.name for one in children)
            raise ParameterError(f"there are several children; say --child with one of: {names}")
        return None
    for one in children:
        if wanted in (one.id, one.name) or wanted.casefold() == one.name.casefold():
            return one.id
    names = ", ".join(one.name for one in children) or "none yet"
    raise ParameterError(f"there is no child {wanted!r}; the household has: {names}")


def _cut(
    whole: "Record", stretch: Stretch, since: datetime | None, until: datetime | None
) -> "Record":
    """Give the days that were asked for."""
    from harken.errors import ParameterError
    from harken.journal import day_bounds

    last: date = until.date() if until is not None else whole.date_of(whole.now)
    if since is not None:
        first = since.date()
    elif stretch is Stretch.ALL:
        first = min(last, whole.date_of(whole.since))
    else:
        first = last - timedelta(days=_DAYS[stretch] - 1)
    if first > last:
        raise ParameterError(f"--from {first} must not come after --to {last}")
    begin, _ = day_bounds(first, whole.zone, whole.day_starts)
    _, end = day_bounds(last, whole.zone, whole.day_starts)
    return whole.between(begin, end)


def _text(made: "Summary") -> Iterable[str]:
    """Tell it in lines."""
    first, last = made.days[0].date, made.days[-1].date
    age = made.crying.age_weeks
    old = "" if age is None else f", {int(age // 1)} weeks old"
    if age is not None and made.crying.corrected:
        old += " (from the due date)"
    yield f"{made.name or 'The household'}{old}: {first} to {last}, days from {made.day_starts}"
    partly = sum(not one.complete for one in made.days)
    if partly:
        some = f"{partly} of {len(made.days)} days" if len(made.days) > 1 else "The day"
        yield (
            f"{some} {'was' if partly == 1 else 'were'} not listened to throughout or not over: "
            "never counted as calm."
        )
    yield from _crying(made)
    yield from _swift(made)
    yield from _consistent(made)
    yield from _comprehensive(made)
    yield from _helps(made)
    yield from _care(made)
    yield from _changes(made)
    yield from _around(made)
    yield ""
    yield "In brackets: 95 % interval and what it is based on. Not a medical device."


def _crying(made: "Summary") -> Iterable[str]:
    found = made.crying
    yield ""
    yield "CRYING"
    minutes, bouts = found.minutes_a_day, found.bouts_a_day
    if minutes.value is None and found.minutes_heard.value is not None:
        yield f"  In the {found.heard_hours} hours of the day that are listened to:"
        minutes, bouts = found.minutes_heard, found.bouts_heard
    yield f"  How long    {minutes}"
    often = [one for one in (found.cries_a_day, bouts) if one.value is not None]
    yield f"  How often   {'; '.join(map(str, often)) or bouts}"
    yield f"  Longest calm of a day  {found.longest_calm}"
    yield f"  Between 16 and 24      {found.evening}"
    for norm in found.norms:
        yield f"  {_norm(norm)}"
    yield f"  {found.threes.says}"
    for line in found.says:
        yield f"  {line}"


def _norm(norm: "Norm") -> str:
    doubt = "" if norm.confirmed else " (quoted, not confirmed)"
    return f"Published: {norm.population}: {norm.says}{doubt}"


def _swift(made: "Summary") -> Iterable[str]:
    found = made.swift
    yield ""
    yield "SWIFT: how long until somebody came"
    yield f"  Half of the cries were answered within  {found.median}"
    for one in found.within:
        at = f"{one.at_s:g} s" if one.at_s < 60 else f"{one.at_s / 60:g} min"
        yield f"  Within {at:<7} {one.share}"
    from_ = found.sources
    yield (
        f"  Answers: {from_.tapped} tapped, {from_.confirmed} heard and confirmed, "
        f"{from_.sensor} by a sensor; only heard: {from_.inferred}"
    )
    if not found.inferred and from_.inferred:
        yield f"  With those that were only heard  {found.median_inferred}"
    for norm in found.norms:
        yield f"  {_norm(norm)}"
    for group in found.groups:
        if group.n:
            yield f"  {group.label:<12} {group.median}"
    for line in found.says:
        yield f"  {line}"


def _consistent(made: "Summary") -> Iterable[str]:
    found = made.consistent
    yield ""
    yield "CONSISTENT: whether somebody came"
    yield f"  Answered               {found.answered}"
    if found.sources.inferred:
        yield f"  With the only heard    {found.answered_inferred}"
    yield (
        f"  Soothed {found.soothed}, settled alone {found.settled_alone}, "
        f"stopped unanswered {found.stopped_unanswered}"
    )
    yield f"  Differs from hour to hour, beyond chance    {found.uneven_hours}"
    yield f"  Differs from night to night, beyond chance  {found.uneven_nights}"
    for words, one in (
        ("Longest unanswered cry", found.longest_unanswered),
        ("Longest wait answered ", found.longest_wait),
    ):
        if one is not None:
            when = _clock(made, one.onset)
            yield f"  {words} {_seconds(one.seconds)} on {when}"
    for share in found.caregivers:
        yield f"  Answered first by {share.name}: {share.answered}"
    for line in found.says:
        yield f"  {line}"


def _comprehensive(made: "Summary") -> Iterable[str]:
    found = made.comprehensive
    yield ""
    yield "COMPREHENSIVE: what was looked at where crying went on"
    if found.n:
        yield f"  Anything noted         {found.any_check}"
        yield f"  Of the eight needs     {found.needs_checked}"
        for need in found.needs:
            times = "once" if need.found == 1 else f"{need.found} times"
            was = f", it was that {times}" if need.found else ""
            if need.count:
                yield f"    {need.need:<12} {need.checked}{was}"
    for line in found.says:
        yield f"  {line}"


def _helps(made: "Summary") -> Iterable[str]:
    found = made.helps
    yield ""
    where = f" {found.where}" if found.where else ""
    yield f"WHAT HELPS{where}: calm within five minutes, of all that is known"
    for one in found.ranked:
        if one.here is not None and one.here.n:
            yield f"  {one.attempt:<10} {one.here}"
        else:
            yield f"  {one.attempt:<10} {one.calmed}" + (found.where and ", at all times")
    for one in found.not_yet:
        yield f"  {one.attempt:<10} not yet known (n = {one.n})"
    for line in found.says:
        yield f"  {line}"
    yield f"  {made.reasons.says}"
    for reason in made.reasons.reasons:
        yield f"    {reason.reason}: {reason.count}"


def _care(made: "Summary") -> Iterable[str]:
    found, carried = made.care, made.carrying
    yield ""
    yield "SLEEP, FEEDS, NAPPIES: over days on which they were logged"
    yield f"  Sleep      {found.sleep}"
    yield f"  Feeds      {found.feeds}"
    yield f"  Nappies    {found.nappies}"
    yield f"  Carried    {found.carried}"
    for line in (*found.says, *carried.says):
        yield f"  {line}"


def _changes(made: "Summary") -> Iterable[str]:
    for one in made.changes:
        yield ""
        yield f"CHANGE on {_clock(made, one.change.at)}: {one.change.says}"
        for words, side in (("Nights before", one.before), ("Nights after ", one.after)):
            yield (
                f"  {words}  crying {side.crying}; {side.cries}; answered {side.answered}; "
                f"stopped unanswered {side.stopped_unanswered}"
            )
        yield f"  After minus before  {one.crying}"
        for line in one.says:
            yield f"  {line}"


def _around(made: "Summary") -> Iterable[str]:
    if not made.around:
        return
    yield ""
    yield "AROUND CRIES: what sensors gave. Nothing is judged, and no cause is claimed."
    for one in made.around:
        yield f"  {one.title}, {one.source}"
        yield f"    {one.before_s / 60:g} min before  {one.before}"
        yield f"    During the cry  {one.during}"
        yield f"    {one.after_s / 60:g} min after  {one.after}"
        for line in one.says:
            yield f"    {line}"


def _clock(made: "Summary", at: datetime) -> str:
    from zoneinfo import ZoneInfo

    return at.astimezone(ZoneInfo(made.zone)).strftime("%Y-%m-%d %H:%M")


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
