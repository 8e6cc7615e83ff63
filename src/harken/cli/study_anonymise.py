"""`harken study anonymise`: what may leave the lab."""

from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import ModelOption


def anonymise(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A ChildProject data set or one set of it (**corpus/annotations/SET**), "
            "annotations, or with **--clips** a folder of clips.",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A folder that is made.", show_default=False),
    ],
    key: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The secret that names and dates are replaced by; made where there is none. Keep "
            "it away from what you pass on: who has it can undo the replacing.",
        ),
    ] = Path("anonymise.key"),
    clips: Annotated[
        bool, typer.Option("--clips", help="IN holds clips: silence all in them but crying.")
    ] = False,
    model: ModelOption = "auto",
) -> None:
    """Take people out of a data set's tables and annotations, or speech out of clips.

    Names of children and recordings are replaced, dates are moved by whole weeks (another number
    for each child), words and remarks are left out, and no sound is copied. Day-long recordings
    cannot be made anonymous.
    """
    from harken.errors import ParameterError
    from harken.studies.anonymise import Key, anonymise, anonymise_clips

    if target.resolve() in key.resolve().parents:
        raise ParameterError(f"--key {key}: it would be passed on with {target}; keep it elsewhere")
    if not source.exists():
        raise ParameterError(f"{source}: there is no such file or folder")
    new = not key.exists()
    secret = Key.read(key)
    if new:
        typer.echo(f"A new key was made: {key}", err=True)
    if clips:
        from harken.hearing import open_detector
        from harken.sound import find_recordings

        made = anonymise_clips(list(find_recordings(source)), target, secret, open_detector(model))
        typer.echo(f"{len(made)} clips in {target}: all but crying is silent in them.")
        typer.echo(
            "Speech at the same time as crying is mostly still there: listen to every clip before "
            "you pass it on."
        )
        return
    left = anonymise(source, target, secret)
    typer.echo(f"{target}: made. Left out:")
    for what in left:
        typer.echo(f"  {what}")
    typer.echo(f"The key is {key}; keep it apart.")
