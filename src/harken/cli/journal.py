"""`harken journal` and `harken backup`: what is remembered, moved, kept and made anew."""

import json
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.pipeline import one_line

if TYPE_CHECKING:
    from harken.journal import Journal

app = typer.Typer(
    no_args_is_help=True,
    help="The journal: list episodes, export, import, rebuild, bring back a backup.",
)

JournalOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE|URL",
        help="The journal: a file, or **postgresql://USER:PASSWORD@HOST/NAME**; by default the "
        "one that **harken serve** uses.",
    ),
]


class Format(StrEnum):
    """How episodes are listed."""

    TEXT = "text"
    JSONL = "jsonl"


def _place(database: str | None) -> str:
    """Give where the journal is: as it was typed, as it was set, or in the data folder."""
    from harken.cli.serve import need_hub

    need_hub()
    from harken.journal import default_path
    from harken.settings import load_settings

    return load_settings(database=database).database or str(default_path())


def open_database(database: str | None, *, begin: bool = False) -> "Journal":
    """Open a journal; unless it may begin one, only one that is there.

    Parameters
    ----------
    database : str, optional
        As ``--database`` takes it.
    begin : bool

    Returns
    -------
    Journal

    Raises
    ------
    HarkenError
        If it can't be opened, there is none, or packages are missing.
    """
    from harken.cli.serve import need_hub
    from harken.errors import JournalError

    # Before the journal is imported, which would fail without a word of help.
    need_hub()
    from harken.journal import Journal
    from harken.journal.database import read_url

    place = _place(database)
    url = read_url(place)
    if not begin and url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise JournalError(f"journal {url.database}: there is none yet; 'harken serve' begins one")
    return Journal.open(place)


@app.command("list")
def list_episodes(
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], metavar="DATE", help="From this day on."),
    ] = None,
    last: Annotated[
        int,
        typer.Option("--last", "-n", min=1, max=100_000, metavar="N", help="At most N, the last."),
    ] = 20,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="**text**, or **jsonl** with all there is.")
    ] = Format.TEXT,
    database: JournalOption = None,
) -> None:
    """List the last episodes: when, for how long it cried, when somebody came, how it ended.

    **harken journal list --since 2026-01-31**
    """
    with open_database(database) as journal:
        from harken.journal import day_bounds

        zone = journal.household.get_setting("zone", "UTC")
        starts = journal.household.get_setting("day_starts", "07:00")
        first: date | None = since.date() if since else None
        begin = day_bounds(first, zone, starts)[0] if first else None
        found = journal.episodes(since=begin, limit=last, newest_first=True)
    for one in reversed(found):
        if output is Format.JSONL:
            typer.echo(json.dumps(one.as_dict()))
            continue
        came = "nobody came" if one.latency_s is None else f"answered after {one.latency_s:.0f} s"
        marks = [
            word
            for word, marked in (("drill", one.drill), ("not a cry", one.false_alarm))
            if marked
        ]
        ended = one.outcome.value.replace("_", " ") + "".join(f" ({mark})" for mark in marks)
        when, room = _local(one.onset, zone), one.room or "–"
        typer.echo(one_line(f"{when}  {room}  cried {one.crying_s:.0f} s, {came}, {ended}"))
    if not found and output is Format.TEXT:
        typer.echo("No episodes.")


def _local(at: datetime, zone: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        return at.strftime("%Y-%m-%d %H:%M:%SZ")


@app.command()
def rebuild(database: JournalOption = None) -> None:
    """Make all episodes anew from the events; they are equal unless something was wrong."""
    with open_database(database) as journal:
        count = journal.rebuild()
    typer.echo(f"{count} episode{'' if count == 1 else 's'} made anew")


@app.command()
def export(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR|FILE.zip", help="A new or empty folder, or a file to make."),
    ],
    database: JournalOption = None,
) -> None:
    """Write everything in open formats: events and household as JSON Lines, tables as CSV.

    Sessions and tokens are left out; addresses of channels and cameras are in it, so keep it safe.

    **harken journal export harken-2026-01**
    """
    with open_database(database) as journal:
        journal.export(folder)
    typer.echo(one_line(f"exported to {folder}; it holds the addresses of your channels"))


@app.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR|FILE.zip", help="What **harken journal export** wrote.")
    ],
    database: JournalOption = None,
) -> None:
    """Read an export: all of it or, if something is wrong, nothing. Twice is as good as once.

    **harken journal import harken-2026-01**
    """
    with open_database(database, begin=True) as journal:
        count = journal.import_(folder)
    typer.echo(f"{count} new event{'' if count == 1 else 's'}")


@app.command()
def restore(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The backup; by default the last one.")
    ] = None,
    database: JournalOption = None,
) -> None:
    """Put a backup in the place of the journal, which is kept beside it. Stop the hub first."""
    place = _place(database)
    from harken.journal import restore as bring_back

    backup, moved = bring_back(place, file)
    typer.echo(one_line(f"{backup} is the journal now"))
    if moved is not None:
        typer.echo(one_line(f"the one before is kept as {moved}"))


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Where to; by default a new file in **backups** beside the journal.",
        ),
    ] = None,
    database: JournalOption = None,
) -> None:
    """Write a backup of the journal and the household; the hub may go on running.

    Of PostgreSQL it is an export in one .zip. **harken journal restore** brings one back.

    **harken backup /mnt/stick/harken.sqlite**
    """
    with open_database(database) as journal:
        made = journal.backup(file)
    typer.echo(one_line(f"backup written to {made}"))
