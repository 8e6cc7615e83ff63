"""`harken model`: which detectors there are, and adding one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harken.cli.pipeline import one_line

app = typer.Typer(
    no_args_is_help=True,
    help="Detectors: list them, add one of your own, fetch YAMNet.",
)


class Published(StrEnum):
    """What can be fetched from its publisher."""

    YAMNET = "yamnet"


@app.command("list")
def list_models() -> None:
    """List the detectors that **--model** can name."""
    from harken.hearing import installed_models

    for one in installed_models():
        where = "in the package" if one.path is None else f"{one.bytes / 1e6:.1f} MB, {one.path}"
        typer.echo(one_line(f"{one.name:<12} {where}"))


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="YAMNet's classification model (.tflite), or a network of your own (.onnx).",
        ),
    ],
) -> None:
    """Check a detector, try it on synthetic sound, and keep a copy of it.

    **harken model add yamnet.tflite**
    """
    from harken.hearing import add_model

    added = add_model(file)
    typer.echo(one_line(f"{added.name} is added; use it with --model {added.name}"))


@app.command()
def get(
    name: Annotated[Published, typer.Argument(metavar="yamnet", help="What to fetch.")],
) -> None:
    """Fetch YAMNet (4 MB, Apache-2.0) from Google, its publisher.

    It makes the detector with fewer false alarms; **--model auto** then takes it by itself. It
    needs the extra: **pip install 'harken[yamnet]'**.
    """
    from harken.hearing import get_yamnet

    added = get_yamnet()
    typer.echo(one_line(f"{added.name} is added; --model auto takes it from now on"))
