"""`harken report`: two pages for a health visitor or paediatrician, and the clinic sheet."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harken.cli.journal import JournalOption
from harken.cli.pipeline import one_line

if TYPE_CHECKING:
    from harken.insight.record import Record


class Paper(StrEnum):
    """Size of the paper."""

    A4 = "a4"
    LETTER = "letter"


_REPORT_DAYS = 28
_SHEET_DAYS = 14
_DATE = ["%Y-%m-%d"]


def report(
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_DATE,
            metavar="DATE",
            help="First day, as your days begin; by default 28 days in all, 14 for the sheet.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DATE, metavar="DATE", help="Last day; by default today."),
    ] = None,
    child: Annotated[
        str | None,
        typer.Option("--child", metavar="NAME|ID", help="Whose; needed where there are several."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="**.pdf** or **.html**, of a sheet **.svg** too; by default **report.pdf** or "
            "**sheet.pdf** here.",
        ),
    ] = None,
    sheet: Annotated[
        bool,
        typer.Option("--sheet", help="The clinic sheet instead: 14 days on a page, a row a day."),
    ] = False,
    paper: Annotated[
        Paper, typer.Option("--paper", help="**a4** or **letter**.", case_sensitive=False)
    ] = Paper.A4,
    corrected: Annotated[
        bool,
        typer.Option("--corrected", help="Age from the due date, for a child born early."),
    ] = False,
    database: JournalOption = None,
) -> None:
    """Write a report of two pages for a health visitor or paediatrician, or the clinic sheet.

    It says what was measured and how: crying beside published figures, sleep, feeds,
    answers, notes. It is no diagnosis. PDF needs Pango on this computer; HTML can be
    printed from any browser.

    **harken report --from 2026-01-01 --to 2026-01-28 -o report.pdf**

    **harken report --sheet --paper letter -o sheet.pdf**
    """
    from harken.cli.insight import _child
    from harken.cli.journal import open_database
    from harken.errors import ParameterError

    out = out or Path("sheet.pdf" if sheet else "report.pdf")
    kinds: tuple[str, ...] = (".pdf", ".html", ".svg") if sheet else (".pdf", ".html")
    kind = out.suffix.lower()
    if kind not in kinds:
        raise ParameterError(f"{out}: the name of the file must end in {' or '.join(kinds)}")
    if not out.absolute().parent.is_dir():
        raise ParameterError(f"{out}: there is no folder {out.absolute().parent}; make it first")
    with open_database(database) as journal:
        from harken.insight import Record

        whole = Record.of(journal, child=_child(journal.household, child))
    days = _SHEET_DAYS if sheet else _REPORT_DAYS
    record = _cut(whole, since and since.date(), until and until.date(), days=days)
    body = _made(
        record, kind.removeprefix("."), sheet=sheet, paper=paper.value, corrected=corrected
    )
    out.write_bytes(body)
    typer.echo(one_line(f"wrote {out}"))


def _cut(whole: "Record", since: date | None, until: date | None, *, days: int) -> "Record":
    """Give the days that were asked for."""
    from harken.errors import ParameterError
    from harken.journal import day_bounds

    last = until or whole.date_of(whole.now)
    first = since or last - timedelta(days=days - 1)
    if first > last:
        raise ParameterError(f"--from {first} comes after --to {last}; swap them")
    begin, _ = day_bounds(first, whole.zone, whole.day_starts)
    _, end = day_bounds(last, whole.zone, whole.day_starts)
    return whole.between(begin, end)


def _made(
    record: "Record", kind: str, *, sheet: bool, paper: Literal["a4", "letter"], corrected: bool
) -> bytes:
    from harken.insight.report import report as make_report
    from harken.insight.sheet import sheet as make_sheet

    if sheet:
        return make_sheet(record, to=kind, paper=paper)  # type: ignore[arg-type]
    return make_report(record, to=kind, paper=paper, corrected=corrected)  # type: ignore[arg-type]
