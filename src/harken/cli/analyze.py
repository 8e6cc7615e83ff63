"""`harken analyze`: many recordings to tables, on all cores, resumable at any moment."""

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.options import ModelOption, RuleOption
from harken.cli.pipeline import one_line
from harken.errors import SourceError

if TYPE_CHECKING:
    from harken.cli.batch import Batch, Step


def analyze(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Recordings, or folders of them (searched in depth)."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the results; made if need be."),
    ],
    frames: Annotated[
        bool,
        typer.Option(
            "--frames", help="Also frames.parquet: probabilities and level, a row each 80 ms."
        ),
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Also one picture a recording, in plots/.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, metavar="N", help="Recordings at a time; 0: one a core."
        ),
    ] = 0,
    model: ModelOption = "auto",
    rule: RuleOption = "",
) -> None:
    """Find the cry bouts in recordings, and write tables.

    Writes to DIR: **recordings.csv** (recording, seconds, cry_seconds, bouts, status,
    error), **bouts.csv** (recording, onset_s, offset_s, mean_cry, peak_dbfs) and
    **run.json** (the rule, model and version in force). Times are seconds from the start
    of the recording, levels dBFS.

    Stop it whenever you like: what is done is kept, and the same command goes on from there.
    A recording that cannot be read is listed with its error and does not stop the rest; the exit
    code is then 1.

    **harken analyze night.wav --out results**

    **harken analyze recordings/ --out results --frames --plot**
    """
    from harken.cli.batch import Batch

    recordings, problems = _find(paths)
    for problem in problems:
        typer.echo(f"harken: {one_line(problem)}", err=True)
    stopped = False
    with Batch(
        recordings,
        out=out,
        model=model,
        rule=rule,
        frames=frames,
        plot=plot,
        jobs=jobs or len(os.sched_getaffinity(0)),
    ) as batch:
        try:
            _run(batch)
        except KeyboardInterrupt:
            stopped = True
        failed = batch.write_tables()
    done = sum(result.status == "ok" for result in batch.results.values())
    bouts = sum(len(result.bouts) for result in batch.results.values())
    shown = one_line(str(out))
    if stopped:
        typer.echo(
            f"harken: stopped; {done} of {len(recordings)} recordings are done and kept in "
            f"{shown}; the same command goes on from there",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(
        f"{done} of {len(recordings)} recordings, {bouts} {'bout' if bouts == 1 else 'bouts'}: "
        f"{shown}"
    )
    if failed:
        typer.echo(
            f"harken: {failed} of {len(recordings)} recordings could not be read, or not to their "
            f"end; see status and error in {one_line(str(out / 'recordings.csv'))}",
            err=True,
        )
    if failed or problems:
        raise typer.Exit(1)


def _find(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Give the recordings at `paths`, each once, and a line for each path that cannot be read."""
    from harken.sound.recordings import find_recordings

    found: dict[Path, Path] = {}
    problems: list[str] = []
    for path in paths:
        try:
            for recording in find_recordings(path, on_error=problems.append):
                found.setdefault(recording.absolute(), recording)
        except SourceError as error:
            problems.append(str(error))
    if not found:
        raise SourceError(
            problems[0]
            if problems
            else f"no recording in {', '.join(repr(str(path)) for path in paths)}: name a sound or "
            "video file, or a folder that holds some"
        )
    return list(found.values()), problems


def _run(batch: "Batch") -> None:
    """Run the batch, with a progress bar where a person watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.fields[count]}"),
        BarColumn(),
        TextColumn("{task.fields[hours]}"),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar, closing(batch.run()) as steps:
        task = bar.add_task("", total=None, count="", hours="", left="")
        begun = time.monotonic()
        for step in steps:
            bar.update(
                task,
                completed=step.heard_s,
                total=max(step.total_s, step.heard_s) or None,
                count=f"{step.done} of {step.recordings} recordings",
                left=_left(step, time.monotonic() - begun),
                hours=f"{step.heard_s / 3600:.1f} of {step.total_s / 3600:.1f} h",
            )
            if step.failure:
                bar.console.print(
                    f"harken: {one_line(step.failure)}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )


def _left(step: "Step", elapsed_s: float) -> str:
    """Say how long the rest will take at the speed so far; nothing before there is one."""
    if elapsed_s < 2 or not step.heard_s:
        return ""
    left_s = round(elapsed_s * max(0.0, step.total_s - step.heard_s) / step.heard_s)
    return f"{left_s // 3600}:{left_s // 60 % 60:02d}:{left_s % 60:02d} left"
