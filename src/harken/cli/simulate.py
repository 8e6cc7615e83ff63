"""`harken simulate`: infants and caregivers by the thousand, policies side by side, trial sizes."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.pipeline import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from harken.simulate import Explanation, History, Parameters, Policy

app = typer.Typer(invoke_without_command=True)

LIKE_US = "like-us"

NOT = (
    "A simulation is no evidence about infants: it gives back what was put into it "
    "(docs/explanation/simulator.md)."
)


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


InfantsOption = Annotated[
    int, typer.Option("--infants", min=1, max=1_000_000, metavar="N", help="How many infants.")
]
WeeksOption = Annotated[
    float, typer.Option("--weeks", min=0.1, max=104, metavar="W", help="For how long.")
]
SeedOption = Annotated[
    int,
    typer.Option("--seed", min=0, metavar="N", help="The same gives the same on any machine."),
]
AgeOption = Annotated[
    float, typer.Option("--age", min=0, max=104, metavar="WEEKS", help="Age at the start.")
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=0, metavar="N", help="Processes; 0: one a core.")
]
ParametersOption = Annotated[
    Path | None,
    typer.Option(
        "--parameters",
        metavar="FILE",
        help="TOML with numbers to change, as **harken simulate parameters** names them.",
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE|URL",
        help="The journal that **like-us** measures; by default the one that **harken serve** "
        "uses.",
    ),
]


@app.callback()
def simulate(
    ctx: typer.Context,
    infants: InfantsOption = 100,
    weeks: WeeksOption = 12.0,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="NAME",
            help="How crying is answered: **prompt**, **usual**, **fixed**, **graduated**, "
            "**none**, **like-us** or another of **harken simulate policies**.",
        ),
    ] = "usual",
    like_us: Annotated[
        bool,
        typer.Option("--like-us", help="The same as **--policy like-us**: as this household."),
    ] = False,
    age: AgeOption = 0.0,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder for **days.parquet**, **episodes.parquet** and **run.json**. Of one "
            "infant also a new **.sqlite** (a journal for **harken serve**) or a **.jsonl** (its "
            "events).",
        ),
    ] = None,
    sound: Annotated[
        Path | None,
        typer.Option(
            "--sound",
            metavar="FILE",
            help="With one infant: the busiest hour of the last day as **.flac**, its truth beside "
            "it.",
        ),
    ] = None,
    gives_up: Annotated[
        bool,
        typer.Option("--gives-up/--no-gives-up", help="Unanswered crying falls, distress stays."),
    ] = True,
    settles: Annotated[
        bool,
        typer.Option(
            "--learns-to-settle/--no-learns-to-settle",
            help="Unanswered crying falls because distress does.",
        ),
    ] = True,
    parameters: ParametersOption = None,
    jobs: JobsOption = 0,
    database: DatabaseOption = None,
) -> None:
    """Simulate infants and their caregivers.

    Distress is hidden and crying can be heard; the tables hold both. One infant can be written as
    what a hub would have written of it, so that every page and measure works, and as sound.

    **harken simulate --infants 1000 --weeks 12 --policy usual --out infants**

    **harken simulate --infants 1 --weeks 8 --policy prompt --out kim.sqlite --sound cry.flac**

    **harken simulate compare prompt graduated none**

    A simulation is no evidence about infants: it gives back what was put into it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from harken.errors import ParameterError
    from harken.simulate import Explanation

    numbers = _parameters(parameters)
    chosen = _policy(LIKE_US if like_us else policy, database)
    explanation = Explanation(gives_up, settles)
    one = out is not None and out.suffix in (".jsonl", ".sqlite")
    if one or sound is not None:
        if infants != 1:
            raise ParameterError("events and sound are of one infant: add --infants 1")
        if out is not None and not one:
            raise ParameterError("with --sound, --out must end in .sqlite or .jsonl")
        _one(chosen, weeks, seed, age, explanation, numbers, out, sound)
        return
    if out is None:
        _print_days(chosen, infants, weeks, seed, age, explanation, numbers, jobs)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from harken.simulate.cohort import write_cohort

    bar = Progress(
        TextColumn("{task.completed} of {task.total} infants"),
        BarColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=infants)
        made = write_cohort(
            chosen,
            out,
            infants=infants,
            weeks=weeks,
            seed=seed,
            age_weeks=age,
            explanation=explanation,
            parameters=numbers,
            jobs=jobs,
            tell=lambda done: bar.update(task, completed=done),
        )
    typer.echo(
        f"{made.infants} infants, {made.days} days, {made.episodes} times of distress, "
        f"{made.crying_min:.0f} min of crying a day: {one_line(str(out))}"
    )
    typer.echo(NOT)


def _parameters(path: Path | None) -> "Parameters":
    from harken.errors import ParameterError
    from harken.simulate import Parameters

    if path is None:
        return Parameters()
    try:
        return Parameters.read(path.read_text("utf-8"))
    except OSError as error:
        raise ParameterError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ParameterError(f"{str(path)!r} is not UTF-8 text") from None


def _policy(name: str, database: str | None) -> "Policy":
    from harken.simulate import like_us, policy

    if name != LIKE_US:
        return policy(name)
    from harken.cli.journal import open_database

    with open_database(database) as journal:
        return like_us(journal)


def _one(
    chosen: "Policy",
    weeks: float,
    seed: int,
    age: float,
    explanation: "Explanation",
    numbers: "Parameters",
    out: Path | None,
    sound: Path | None,
) -> None:
    """Simulate one infant; write its events, its sound, or both."""
    from datetime import UTC, datetime, time, timedelta

    from harken.simulate import hub_events, simulate_dyad

    history = simulate_dyad(
        chosen,
        weeks=weeks,
        seed=seed,
        age_weeks=age,
        explanation=explanation,
        parameters=numbers,
    )
    # A fixed day, so that the same seed gives the same file.
    start = datetime.combine(datetime(2026, 1, 5, tzinfo=UTC).date(), time(7), tzinfo=UTC)
    events = hub_events(history, start=start, parameters=numbers)
    if out is not None and out.suffix == ".jsonl":
        lines = [json.dumps(event.as_dict(), ensure_ascii=False) for event in events]
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
        typer.echo(f"{len(events)} events: {one_line(str(out))}")
    elif out is not None:
        _write_journal(out, history, start, numbers)
    if sound is not None:
        from harken.simulate.sounding import render_events

        begin = max(0.0, weeks * 7 * 86_400 - 86_400)
        hours = [0.0] * 24
        for cry in history.cries:
            if cry.onset >= begin:
                hours[min(23, int((cry.onset - begin) // 3600))] += cry.offset - cry.onset
        busiest = hours.index(max(hours))
        since = start + timedelta(seconds=round(begin + 3600 * busiest))
        scene = render_events(
            events, sound, since=since, seconds=3600.0, age_weeks=age + weeks, seed=seed
        )
        typer.echo(
            f"An hour from {since:%H:%M} with {len(scene.bouts)} bouts: {one_line(str(sound))}, "
            f"its truth in {one_line(sound.with_suffix('.csv').name)}"
        )
    typer.echo(NOT)


def _write_journal(out: Path, history: "History", start: "datetime", numbers: "Parameters") -> None:
    from harken.cli.serve import need_hub
    from harken.errors import ParameterError

    need_hub()
    from harken.journal import Journal
    from harken.simulate.hub_events import write_journal

    if out.exists():
        raise ParameterError(f"{str(out)!r} is there already; name a new file")
    with Journal.open(out) as journal:
        count = write_journal(history, journal, start=start, parameters=numbers)
    typer.echo(f"{count} events; see them with: harken serve --database {one_line(str(out))}")


def _print_days(
    chosen: "Policy",
    infants: int,
    weeks: float,
    seed: int,
    age: float,
    explanation: "Explanation",
    numbers: "Parameters",
    jobs: int,
) -> None:
    """Print a row a week."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from harken.simulate.cohort import simulate_days

    made = simulate_days(
        chosen,
        infants=infants,
        weeks=weeks,
        seed=seed,
        age_weeks=age,
        explanation=explanation,
        parameters=numbers,
        jobs=jobs,
    )
    table = Table(box=SIMPLE)
    for heading in ("week", "crying, min/day", "SD", "bouts/day", "answered", "alone crying, min"):
        table.add_column(heading, justify="right")
    count = made["bouts"].shape[1]
    for first in range(0, count, 7):
        part = {name: values[:, first : first + 7] for name, values in made.items()}
        each = part["crying_min"].mean(axis=1)
        bouts = part["bouts"].sum()
        table.add_row(
            f"{age + first / 7:.0f}",
            f"{each.mean():.0f}",
            f"{each.std():.0f}",
            f"{part['bouts'].mean():.1f}",
            f"{part['answered'].sum() / bouts:.0%}" if bouts else "–",
            f"{part['no_contact_min'].mean():.0f}",
        )
    console = Console()
    console.print(f"{infants} infants, policy {chosen.name}: {chosen.says}", highlight=False)
    console.print(table)
    typer.echo(NOT)


@app.command("compare")
def compare_(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[POLICY]…",
            help="Names of policies, by default prompt, usual, graduated and none.",
        ),
    ] = None,
    infants: InfantsOption = 100,
    weeks: WeeksOption = 4.0,
    age: AgeOption = 2.0,
    seed: SeedOption = 0,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE", help="A chart: .svg, .png, .html or .json."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="**text** or **json**.")
    ] = Format.TEXT,
    parameters: ParametersOption = None,
    jobs: JobsOption = 0,
    database: DatabaseOption = None,
) -> None:
    """Run policies side by side, and say what crying alone can and cannot tell.

    Each policy runs twice on the same infants: once they give up, once they learn to settle.

    **harken simulate compare prompt graduated none --chart compare.svg**
    """
    from harken.simulate.compare import compare, draw, save_chart

    chosen = [_policy(name, database) for name in policies or []] or [
        _policy(name, None) for name in ("prompt", "usual", "graduated", "none")
    ]
    made = compare(
        chosen,
        infants=infants,
        weeks=weeks,
        seed=seed,
        age_weeks=age,
        parameters=_parameters(parameters),
        jobs=jobs,
    )
    if chart is not None:
        save_chart(draw(made), str(chart))
    if output is Format.JSON:
        typer.echo(json.dumps(made.as_dict(), indent=2, ensure_ascii=False))
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE)
    for heading in (
        "policy", "crying, min/day", "first week", "last week", "bouts/day", "answered",
        "crying alone, min/day", "silent distress: gives up", "learns to settle",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for arm in made.arms:
        table.add_row(
            arm.policy,
            f"{arm.crying_min:.0f}",
            f"{arm.first_week_min:.0f}",
            f"{arm.last_week_min:.0f}",
            f"{arm.bouts:.1f}",
            f"{arm.answered:.0%}",
            f"{arm.no_contact_min:.0f}",
            f"{arm.silent_gives_up_min:.0f} min/day",
            f"{arm.silent_settles_min:.0f} min/day",
        )
    console = Console()
    console.print(table)
    for sentence in made.words():
        console.print(f"• {sentence}", highlight=False)
    if chart is not None:
        typer.echo(f"Chart: {one_line(str(chart))}")


@app.command("size")
def size_(
    policy: Annotated[str, typer.Option("--policy", metavar="NAME", help="First arm.")] = "usual",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="NAME", help="Second arm; the difference is simulated."),
    ] = None,
    difference: Annotated[
        float | None,
        typer.Option(
            "--difference", min=0.1, metavar="MIN", help="Minutes of crying a day to be seen."
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=56, metavar="N", help="Days of record an infant.")
    ] = 7,
    age: AgeOption = 6.0,
    power: Annotated[
        float,
        typer.Option("--power", min=0.5, max=0.999, metavar="SHARE", help="Chance to see it."),
    ] = 0.8,
    infants: Annotated[
        int, typer.Option("--infants", min=20, metavar="N", help="How many are simulated an arm.")
    ] = 300,
    seed: SeedOption = 0,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="**text** or **json**.")
    ] = Format.TEXT,
    parameters: ParametersOption = None,
    jobs: JobsOption = 0,
) -> None:
    """Say how many infants a trial needs to see a difference in crying.

    **harken simulate size --policy usual --against carrying**

    **harken simulate size --difference 15 --days 3**
    """
    from dataclasses import asdict

    from harken.simulate.compare import size_trial

    made = size_trial(
        policy,
        against,
        difference_min=difference,
        days_each=days,
        age_weeks=age,
        power=power,
        infants=infants,
        seed=seed,
        parameters=_parameters(parameters),
        jobs=jobs,
    )
    if output is Format.JSON:
        typer.echo(json.dumps(asdict(made), indent=2))
        return
    typer.echo(str(made))
    typer.echo(
        "The spread comes from simulated infants, which were fitted to diaries; a sample of your "
        "own families may be more alike or less."
    )


@app.command("policies")
def policies_() -> None:
    """List the ways of answering, each with its source."""
    from harken.simulate import policies

    for one in policies().values():
        typer.echo(f"{one.name}: {one.says} [{', '.join(one.source)}]")
    typer.echo(f"{LIKE_US}: As this household answered, by its own journal.")


@app.command("parameters")
def parameters_() -> None:
    """List every number of the model with its source, or the word assumed."""
    from harken.simulate import Parameters

    for one in Parameters():
        value = json.dumps(one.value, ensure_ascii=False)
        unit = f" {one.unit}" if one.unit else ""
        typer.echo(f"{one.name} = {value}{unit} [{', '.join(one.source)}]: {one.says}")
