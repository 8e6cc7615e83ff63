"""`harken convert`: annotations from any of the field's formats to any other."""

from pathlib import Path
from typing import Annotated

import typer

from harken.cli.pipeline import one_line


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A file (.its, .eaf, .TextGrid, .rttm, .cha, .csv, Audacity's .txt), the folder "
            "of a ChildProject data set, or one set of it: **corpus/annotations/SET**.",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A file of any of these, but .cha; a name without an ending makes a data set. For "
            "several recordings in a format that holds one, a folder, with **--to**.",
            show_default=False,
        ),
    ],
    read_as: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help="Format of IN; by default by its ending."),
    ] = None,
    write_as: Annotated[
        str | None,
        typer.Option("--to", metavar="FORMAT", help="Format of OUT; by default by its ending."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="For CSV: which column is onset, offset, duration, label, recording, speaker, "
            "score, tier; with **_ms** behind a time for milliseconds. May be given again.",
        ),
    ] = None,
    recording: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Take only this recording; names it where the source doesn't. By default it is "
            "named after the file.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there already.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if the target cannot hold everything.")
    ] = False,
) -> None:
    """Convert annotations between the field's formats, and list what the target cannot hold.

    Formats: **childproject**, **lena**, **elan**, **textgrid**, **rttm**, **chat** (read only),
    **audacity**, **csv**. A class of LENA or VTC stays what it is: an infant's vocalisation is
    called a cry only where the source says so.
    """
    from harken.studies import convert

    items, lost = convert(
        source,
        target,
        source_format=read_as,
        target_format=write_as,
        columns=_mapping(columns or []),
        recording=recording,
        overwrite=overwrite,
    )
    count = sum(len(item.annotations) for item in items)
    recordings = _number(len({item.recording for item in items}), "recording")
    sets = {item.set for item in items}
    of = f"{recordings} in {len(sets)} sets" if len(sets) > 1 else recordings
    typer.echo(f"{target}: {_number(count, 'annotation')} of {of}", err=True)
    for note in dict.fromkeys(note for item in items for note in item.notes):
        typer.echo(f"Note: {one_line(note)}", err=True)
    if lost:
        typer.echo("The target cannot hold:", err=True)
        for what in lost:
            typer.echo(f"  {one_line(what)}", err=True)
        if strict:
            raise typer.Exit(1)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        column, equals, what = pair.rpartition("=")
        if not equals or not column or not what:
            raise typer.BadParameter(f"{pair!r} is not COLUMN=FIELD", param_hint="--map")
        mapping[column] = what
    return mapping
