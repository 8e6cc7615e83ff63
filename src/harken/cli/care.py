"""`harken care` and `harken series`: care logs and sensors' numbers from files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.journal import JournalOption, open_database
from harken.cli.pipeline import one_line

if TYPE_CHECKING:
    from harken.exchange import Entries
    from harken.exchange.tables import Trouble
    from harken.journal import CareEntry, Journal

app = typer.Typer(no_args_is_help=True, help="The care log: bring in what other apps export.")
series_app = typer.Typer(
    no_args_is_help=True,
    help="Sensors' numbers: heart rate, oxygen, room temperature, movement.",
)

_MOST_LINES = 20


class Dates(StrEnum):
    """How dates with slashes are written."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class Unit(StrEnum):
    """What amounts without a unit are in."""

    ML = "ml"
    OZ = "oz"


DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be done; write nothing.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="What a column is, where the guess is wrong; **-** leaves it out. May be repeated.",
    ),
]
ChildOption = Annotated[
    str | None,
    typer.Option("--child", metavar="ID", help="Whose it is; needed where there are several."),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="NAME",
        help="Zone of the times in the file, like **Europe/Berlin**; by default the household's.",
    ),
]
DatesOption = Annotated[
    Dates | None, typer.Option("--dates", help="How dates like 3/4/2026 are to be read.")
]
SkipOption = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable", help="Leave out rows that cannot be read, and take the rest."
    ),
]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    dry_run: DryRun = False,
    columns: MapOption = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="What every row is, e.g. **sleep**, where no column says so."),
    ] = None,
    child: ChildOption = None,
    zone: ZoneOption = None,
    dates: DatesOption = None,
    unit: Annotated[
        Unit | None, typer.Option("--unit", help="Of amounts that have none; by default ml.")
    ] = None,
    as_notes: Annotated[
        bool,
        typer.Option("--as-notes", help="Keep rows that the care log has no entry for as notes."),
    ] = False,
    skip: SkipOption = False,
    database: JournalOption = None,
) -> None:
    """Bring in a care log: Huckleberry's and Baby Tracker's exports, or any table with a header.

    What each column is, is guessed and shown. Twice is as good as once, and a newer export of the
    same app corrects what was changed there.

    **harken care import huckleberry.csv --dry-run**
    """
    with open_database(database, begin=True) as journal:
        from harken.exchange import open_table, plan, read_entries
        from harken.exchange.cells import find_zone
        from harken.journal import Child

        children = journal.household.list(Child)
        whose = _child(journal, child)
        place = find_zone(zone or str(journal.household.get_setting("zone", "UTC")))
        table = open_table(file)
        found = read_entries(
            table,
            zone=place,
            child=whose,
            names={one.name: one.id for one in children},
            mapping=_mapping(columns),
            kind=kind,
            unit=unit.value if unit else None,
            day_first=None if dates is None else dates is Dates.DAY_FIRST,
            as_notes=as_notes,
        )
        _show(table.says, found, place.key)
        _stop_if(found.unreadable, skip)
        times = [one.at for one in found.incoming]
        kinds = {one.what for one in found.incoming}
        heads = {one.child for one in found.incoming}
        from datetime import timedelta

        covers = (min(times), max(times) + timedelta(microseconds=1)) if times else None
        writing = plan(journal, found.layout.source, found.incoming, zone=place.key, covers=covers)
        if not dry_run:
            journal.append(writing.events)
        gone = [one for one in writing.missing if one.what in kinds and one.child in heads]
        show_missing(gone, place.key, "this file")
        say_done(writing.new, writing.changed, writing.known, dry_run=dry_run)


def _child(journal: "Journal", child: str | None) -> str | None:
    from harken.errors import ParameterError
    from harken.journal import Child

    children = journal.household.list(Child)
    ids = [one.id for one in children]
    if child is not None and child not in ids:
        raise ParameterError(
            f"--child {child}: there is no such child; there are "
            + (", ".join(f"{one.id} ({one.name})" for one in children) or "none yet")
        )
    return child if child is not None or len(ids) != 1 else ids[0]


def _mapping(given: Sequence[str] | None) -> dict[str, str]:
    from harken.errors import ParameterError

    found = {}
    for one in given or ():
        # A column's name may hold an equals sign, what it is may not.
        column, mark, named = one.rpartition("=")
        if not mark or not column.strip():
            raise ParameterError(f"--map {one}: write COLUMN=FIELD, e.g. 'Started at=at'")
        found[column.strip()] = named.strip()
    return found


def _show(says: Iterable[str], found: "Entries", zone: str) -> None:
    layout = found.layout
    echo(f"It is {layout.title}. Times are read in {zone}.")
    for column, named in layout.columns.items():
        echo(f"  {column} → {named}")
    if layout.kind:
        echo(f"  every row → {layout.kind}")
    for one in says:
        echo(f"Note: {one}")
    counts = Counter(one.what for one in found.incoming)
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"
    echo(f"It holds: {told}.")
    for column, count in found.unused.items():
        cells = f"{count} cell holds" if count == 1 else f"{count} cells hold"
        echo(f"Not brought in: column {column!r} ({cells} something).")
    _list("Read so:", found.says)
    if found.unheld:
        _list(f"Not brought in ({len(found.unheld)}):", found.unheld)
        if any("no kind of entry" in one.says for one in found.unheld):
            echo("  With --as-notes they become notes.")


def _list(title: str, troubles: Sequence["Trouble"]) -> None:
    if troubles:
        echo(title)
    for one in troubles[:_MOST_LINES]:
        echo(f"  {one}")
    if len(troubles) > _MOST_LINES:
        rest = Counter(one.says for one in troubles[_MOST_LINES:])
        for says, count in rest.items():
            echo(f"  and {count} more: {says}")


def _stop_if(unreadable: Sequence["Trouble"], skip: bool) -> None:
    from harken.errors import HarkenError

    if unreadable:
        _list(f"Cannot be read ({len(unreadable)}):", unreadable)
        if not skip:
            raise HarkenError(
                f"nothing was brought in: {unreadable[0]}; correct the file, or say "
                "--skip-unreadable to take the rest"
            )


def show_missing(gone: Sequence["CareEntry"], zone: str, where: str) -> None:
    """List entries that came once and are there no longer.

    Parameters
    ----------
    gone : sequence of CareEntry
    zone : str
    where : str
        From where they are missing.
    """
    from zoneinfo import ZoneInfo

    if gone:
        echo(f"Came earlier and not in {where} any more ({len(gone)}); they stay until you remove "
             "them on the Journal page:")  # fmt: skip
    for one in gone[:_MOST_LINES]:
        echo(f"  {one.what} of {one.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")
    if len(gone) > _MOST_LINES:
        echo(f"  and {len(gone) - _MOST_LINES} more")


def say_done(new: int, changed: int, known: int, *, dry_run: bool) -> None:
    """Say what was written, or would be."""
    would = "would be " if dry_run else ""
    echo(f"{new} new, {changed} {would}corrected, {known} known already."
         + (" Nothing was written." if dry_run else ""))  # fmt: skip


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def echo(text: str) -> None:
    """Print one line, whatever is in it."""
    typer.echo(one_line(text))


@series_app.command("import")
def import_series(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="What measured it, e.g. **sock**.")
    ],
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            help="What the column of values is: **heart_rate**, **oxygen**, **room_temperature**, "
            "**movement**; where its name does not say so.",
        ),
    ] = None,
    room: Annotated[
        str | None, typer.Option("--room", metavar="ID", help="The room that it was measured in.")
    ] = None,
    child: ChildOption = None,
    columns: MapOption = None,
    zone: ZoneOption = None,
    dates: DatesOption = None,
    skip: SkipOption = False,
    dry_run: DryRun = False,
    database: JournalOption = None,
) -> None:
    """Bring in a sensor's numbers: a column of times, and one for each quantity.

    Empty cells stay gaps. Twice is as good as once. No alarm ever comes of them.

    **harken series import sock.csv --source sock**
    """
    with open_database(database, begin=True) as journal:
        from harken.errors import ParameterError
        from harken.exchange import open_table, read_numbers
        from harken.exchange.cells import find_zone
        from harken.journal import Room

        if room is not None and journal.household.get(Room, room) is None:
            raise ParameterError(f"--room {room}: there is no such room")
        place = find_zone(zone or str(journal.household.get_setting("zone", "UTC")))
        table = open_table(file)
        found = read_numbers(
            table,
            zone=place,
            source=source,
            room=room,
            child=_child(journal, child),
            what=what,
            mapping=_mapping(columns),
            day_first=None if dates is None else dates is Dates.DAY_FIRST,
        )
        echo(f"Times are in column {found.time!r}, read in {place.key}.")
        for column, measure in found.columns.items():
            echo(f"  {column} → {measure}")
        for one in table.says:
            echo(f"Note: {one}")
        if found.unused:
            echo(f"Not brought in: {', '.join(found.unused)}.")
        _list("Read so:", found.says)
        _stop_if(found.unreadable, skip)
        total = new = 0
        for one_series, readings in found.readings.items():
            total += len(readings)
            if not dry_run:
                new += journal.add_readings(one_series, readings)
    gaps = _many(found.gaps, "gap")
    if dry_run:
        echo(f"{_many(total, 'reading')}, {gaps}. Nothing was written.")
    else:
        echo(f"{_many(new, 'new reading')}, {total - new} known already, {gaps}.")


@series_app.command("list")
def list_series(database: JournalOption = None) -> None:
    """List the series that are kept: what, from what, of whom, how many, from when until when."""
    with open_database(database) as journal:
        zone = str(journal.household.get_setting("zone", "UTC"))
        rows = [(one, journal.extent(one)) for one in journal.series()]
    from zoneinfo import ZoneInfo

    place = ZoneInfo(zone)
    for one, (count, first, last) in rows:
        about = " ".join(filter(None, (one.child, one.room)))
        ends = " to ".join(f"{at.astimezone(place):%Y-%m-%d %H:%M}" for at in (first, last) if at)
        told = (one.id, one.what, one.source, about or "–", _many(count, "reading"), ends)
        echo("  ".join(told))
    if not rows:
        echo("No series.")


@series_app.command("forget")
def forget_series(
    id: Annotated[str, typer.Argument(metavar="ID", help="As **harken series list** shows it.")],
    database: JournalOption = None,
) -> None:
    """Delete a series with all its readings; a backup made before is the only way back."""
    with open_database(database) as journal:
        from harken.errors import ParameterError

        found: Mapping[str, object] = {one.id: one for one in journal.series()}
        if id not in found:
            raise ParameterError(f"series {id}: there is none; see 'harken series list'")
        count = next(journal.forget_series(one) for one in journal.series() if one.id == id)
    echo(f"{_many(count, 'reading')} deleted")
