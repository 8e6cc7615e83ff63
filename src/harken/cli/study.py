"""`harken study`: recordings of a whole corpus, on a laptop or a cluster."""

import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli import study_agree, study_anonymise, study_statistics
from harken.cli.options import ModelOption, RuleOption
from harken.cli.pipeline import one_line
from harken.cli.rules import in_full
from harken.writing import OutputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from harken.studies.run import Step, Study

app = typer.Typer(
    help="Measure crying and its answers in the recordings of a study.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_LARGE = 64_000_000
"""Bytes from which a recording may be long enough to be cut: four hours of MP3 at 36 kbit/s."""

LocalOption = Annotated[
    int,
    typer.Option("--local", metavar="N", min=0, help="Worker processes here; 0: one a core."),
]
ThreadsOption = Annotated[
    int,
    typer.Option(
        "--threads", metavar="N", min=0, help="N threads of one process in place of processes."
    ),
]
ClusterOption = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="A running Dask scheduler, such as **tcp://head:8786**, in place of workers here.",
    ),
]
SlurmOption = Annotated[
    str,
    typer.Option(
        "--slurm",
        metavar="KEY=VALUE,…",
        help="Jobs of SLURM in place of workers here: jobs, cores, memory, time, queue, account, "
        "interface, python, extra. Example: **--slurm jobs=20,cores=8,memory=6GB,queue=cpu**.",
    ),
]


@app.command()
def run(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="A ChildProject data set, a folder of recordings (the first folder below it is "
            "the child), or a CSV with the columns recording and child_id. Addresses that fsspec "
            "knows will do, in the list too.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the results; made if need be."),
    ],
    local: LocalOption = 0,
    threads: ThreadsOption = 0,
    cluster: ClusterOption = "",
    slurm: SlurmOption = "",
    frames: Annotated[
        bool, typer.Option("--frames", help="Also keep probabilities and level, a row each 80 ms.")
    ] = False,
    piece_hours: Annotated[
        float,
        typer.Option(
            "--piece-hours",
            metavar="H",
            min=0.0,
            help="Longer recordings are cut into pieces of this length; 0: never. The bouts are "
            "the same.",
        ),
    ] = 4.0,
    model: ModelOption = "auto",
    rule: RuleOption = "",
) -> None:
    """Find bouts, episodes, adult voices and levels in all recordings of a corpus.

    Writes one Parquet data set to DIR, partitioned by child and recording: **bouts**,
    **episodes** (with answers that are inferred from adult voices), **voice**, **levels** and, if
    wanted, **frames**; and **recordings.csv**, **recordings.parquet** and **run.json**.

    Stop it whenever you like: what is done is kept, and the same command goes on from there. A
    recording that cannot be read is named and does not stop the rest; the exit code is then 1.

    **harken study run corpus/ --out results**
    """
    from harken.studies.corpus import read_corpus
    from harken.studies.provenance import recipe_of
    from harken.studies.run import Study

    _need_parts()
    found = read_corpus(corpus)
    for problem in found.problems:
        typer.echo(f"harken: {one_line(problem)}", err=True)
    recipe = recipe_of(model, in_full(rule), frames=frames)
    with Study(found, out=out, recipe=recipe, piece_s=piece_hours * 3600) as study:
        for name in study.gone:
            typer.echo(
                f"harken: {one_line(name)} is no longer in the corpus; its rows are taken out",
                err=True,
            )
        counts, stopped = _work(study, local, threads, cluster, slurm)
    _tell(counts, out, stopped=stopped)


@app.command()
def status(
    out: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of a run.", show_default=False)
    ],
) -> None:
    """Say how a run stands: it may be going on, stopped or done.

    **harken study status results**
    """
    from harken.studies.reading import read_status

    _need_parts()
    found = read_status(out)
    now = "is running here" if found.running else "is not running here"
    if not found.waiting:
        now = "is done" if not found.running else now
    typer.echo(
        f"{one_line(str(out))} {now}: {found.ok + found.partial + found.error} of "
        f"{found.recordings} recordings, {found.seconds / 3600:.1f} h of sound"
    )
    typer.echo(
        f"  ok {found.ok}, partial {found.partial}, error {found.error}, waiting {found.waiting}"
    )
    if found.pieces:
        typer.echo(f"  pieces of recordings in hand that are done: {found.pieces}")
    for name, line in found.errors:
        typer.echo(f"  {one_line(name)}: {one_line(line)}")
    for problem in found.problems:
        typer.echo(f"  corpus: {one_line(problem)}")


@app.command()
def rerun(
    run_: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of a run.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Keep the repeated run here; else it is removed."
        ),
    ] = None,
    local: LocalOption = 0,
    threads: ThreadsOption = 0,
    cluster: ClusterOption = "",
    slurm: SlurmOption = "",
) -> None:
    """Repeat a run exactly, and check that every row is the same.

    The recordings, model, rule and length of pieces are those of the run; every recording is
    hashed and heard anew. Exit code 0 only if each table is equal.

    **harken study rerun results**
    """
    from harken.studies.plan import read_plan
    from harken.studies.reading import compare
    from harken.studies.run import study_again

    _need_parts()
    read_plan(run_)
    with ExitStack() as stack:
        again = out or Path(stack.enter_context(_beside(run_)))
        with study_again(run_, out=again) as study:
            counts, stopped = _work(study, local, threads, cluster, slurm)
        if stopped and out is None:
            typer.echo("harken: stopped; nothing was compared", err=True)
            raise typer.Exit(1)
        if stopped:
            _tell(counts, again, stopped=True)
        made = compare(run_, again)
    for line in made.surroundings:
        typer.echo(f"harken: {one_line(line)}", err=True)
    if made.equal:
        typer.echo(f"{made.recordings} recordings: every row of every table is the same")
        return
    for line in made.differences:
        typer.echo(f"  {one_line(line)}")
    typer.echo(
        f"harken: {len(made.differences)} differences in {made.recordings} recordings", err=True
    )
    raise typer.Exit(1)


@contextmanager
def _beside(run: Path) -> "Iterator[str]":
    """Give a folder beside a run, as workers on other machines have to see it."""
    with ExitStack() as stack:
        try:
            made = TemporaryDirectory(prefix=".again-", dir=run.absolute().parent)
            folder = stack.enter_context(made)
        except OSError as error:
            raise OutputError(
                f"cannot write beside {str(run)!r} ({error.strerror}): say with --out where the "
                "repeated run goes"
            ) from None
        yield folder


def _need_parts() -> None:
    from harken.cli.batch import need

    for module in ("pyarrow", "dask", "distributed"):
        need(module, extra="studies", option="harken study")


def _work(
    study: "Study", local: int, threads: int, cluster: str, slurm: str
) -> tuple[dict[str, int], bool]:
    """Hear what is left, with a progress bar; give recordings by status, and whether stopped."""
    from harken.errors import ParameterError
    from harken.studies.cluster import dashboard_of, workers
    from harken.studies.run import cores

    if sum(map(bool, (local, threads, cluster, slurm))) > 1:
        raise ParameterError("give only one of --local, --threads, --cluster and --slurm")
    stopped = False
    if study.todo:
        here = 0 if threads or cluster or slurm else local or cores()
        processes = min(here, max(1, _worth(study))) if here else 0
        with workers(
            processes=processes, threads=threads, address=cluster, slurm=slurm, logs=study.logs
        ) as client:
            link = dashboard_of(client)
            typer.echo(
                f"Dask's dashboard: {link}"
                if link
                else "Dask's dashboard needs bokeh: pip install 'harken[studies]'",
                err=True,
            )
            try:
                with closing(study.run(client)) as steps:
                    _watch(steps)
            except KeyboardInterrupt:
                stopped = True
    return dict(study.write()), stopped


def _worth(study: "Study") -> int:
    """How many workers there is something to do for: starting one takes a second or two."""
    # What is cut, and into how many pieces, is known only once it has been opened.
    return sum(8 if job.size >= _LARGE else 1 for job in study.todo)


def _watch(steps: "Generator[Step, None, None]") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    watched = sys.stderr.isatty()
    bar = Progress(
        TextColumn("{task.fields[count]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[left]}"),
        console=console,
        disable=not watched,
        transient=True,
    )
    told = time.monotonic()
    with bar:
        task = bar.add_task("", total=1.0, count="", left="")
        for step in steps:
            count = f"{step.done} of {step.recordings} recordings"
            left = left_text(step)
            bar.update(task, completed=step.share, count=count, left=left)
            if step.failure:
                console.print(
                    f"harken: {one_line(step.failure)}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
            # A log of a job on a cluster gets a line a minute in place of a bar.
            if not watched and time.monotonic() - told > 60:
                told = time.monotonic()
                typer.echo(f"{count}, {step.share:.0%}{', ' if left else ''}{left}", err=True)


def left_text(step: "Step") -> str:
    """Say how long the rest takes, or that nobody works.

    Parameters
    ----------
    step : Step

    Returns
    -------
    str
    """
    if not step.workers:
        return "waiting for workers"
    if step.left_s is None:
        return ""
    left_s = round(step.left_s)
    return f"{left_s // 3600}:{left_s // 60 % 60:02d}:{left_s % 60:02d} left"


def _tell(counts: dict[str, Any], out: Path, *, stopped: bool) -> None:
    every = sum(counts.values())
    done, wrong = counts.get("ok", 0), counts.get("partial", 0) + counts.get("error", 0)
    shown = one_line(str(out))
    if stopped:
        typer.echo(
            f"harken: stopped; {done + wrong} of {every} recordings are done and kept in {shown}; "
            "the same command goes on from there",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(f"{done} of {every} recordings: {shown}")
    if wrong:
        typer.echo(
            f"harken: {wrong} of {every} recordings could not be read, or not to their end; see "
            f"status and error in {one_line(str(out / 'recordings.csv'))}",
            err=True,
        )
        raise typer.Exit(1)


for _command in (
    study_agree.agree,
    study_agree.sample,
    study_agree.cut,
    study_agree.tune,
    study_anonymise.anonymise,
    study_statistics.statistics,
):
    app.command()(_command)
