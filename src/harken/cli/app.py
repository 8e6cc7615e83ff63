"""The `harken` command: its groups, and what a person sees when something fails.

Exit codes: 0 all well, 1 something failed or was stopped, 2 usage. A failure is
one line on standard error; ``HARKEN_DEBUG=1`` shows the traceback as well.
"""

import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
import typer.core
import typer.main

from harken import __version__
from harken.cli import (
    analyze,
    babybuddy,
    care,
    convert,
    demo,
    doctor,
    drill,
    evidence,
    insight,
    journal,
    listen,
    model,
    report,
    serve,
    simulate,
    study,
)
from harken.cli.pipeline import one_line
from harken.errors import HarkenError, ParameterError


class _Group(typer.core.TyperGroup):
    """Ends quietly on Ctrl-C, which Typer would otherwise answer by itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("harken: stopped", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    name="harken",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Audio stays on this machine. Harken is not a medical device.",
)
app.command()(listen.listen)
app.command()(analyze.analyze)
app.command()(convert.convert)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(serve.invite)
app.command()(drill.drill)
app.command()(evidence.evidence)
app.command()(insight.insight)
app.command()(report.report)
app.command()(journal.backup)
app.command()(doctor.doctor)
app.add_typer(journal.app, name="journal")
app.add_typer(model.app, name="model")
app.add_typer(care.app, name="care")
app.add_typer(care.series_app, name="series")
app.add_typer(babybuddy.app, name="babybuddy")
app.add_typer(simulate.app, name="simulate")
app.add_typer(study.app, name="study")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harken {__version__}")
        raise typer.Exit


@app.callback()
def _harken(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Hears a baby's cry in a room, a stream or a folder of recordings.

    Begin with **harken demo** (no recording needed) or
    **harken doctor** (what works on this machine).
    """


def main() -> NoReturn:
    """Run the command line; never returns, and never shows a traceback unasked."""
    signal.signal(signal.SIGTERM, _stop)
    # Before numpy is loaded: its matrices are small here, and threads that wait for each other
    # by spinning would take the processor from what listens.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        try:
            typer.main.get_command(app)(prog_name="harken")
        finally:
            # Here, where a full disk or a reader that has gone can still be told or passed over.
            sys.stdout.flush()
        sys.exit(0)
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except KeyboardInterrupt:
        _fail("stopped")
    except ParameterError as error:
        _fail(str(error), error, code=2)
    except HarkenError as error:
        _fail(str(error), error)
    except OSError as error:
        _drop_output()
        where = f" {error.filename!r}" if error.filename else ""
        _fail(f"the system refused{where}: {error.strerror or error}; run 'harken doctor'", error)
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        _fail(
            f"unexpected trouble ({what}). This is a fault in Harken: run the command again "
            "with HARKEN_DEBUG=1 set and report what it prints",
            error,
        )


def _drop_output() -> None:
    """Send the rest of standard output nowhere, so that Python's own flush at exit cannot fail."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, error: Exception | None = None, *, code: int = 1) -> NoReturn:
    if error is not None and os.environ.get("HARKEN_DEBUG", "0") not in ("", "0"):
        raise error
    typer.echo(f"harken: {one_line(message)}", err=True)
    sys.exit(code)
