"""`harken study statistics`: groups and ages compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harken.studies.statistics import Comparison


def statistics(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="[GROUP=]RUN…",
            help="Folders that **harken study run** or **harken simulate** wrote, or CSV or "
            "Parquet files of episodes. Several are groups: **slow=run1 swift=run2**.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the results; made if need be."),
    ],
    children: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV with child_id and the group of each child."),
    ] = None,
    group: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column that is compared.")
    ] = "group",
    reference: Annotated[
        str,
        typer.Option(metavar="GROUP", help="The group that others are compared with."),
    ] = "",
    within: Annotated[
        list[float] | None,
        typer.Option(metavar="S", help="Seconds within which answers are counted; several times."),
    ] = None,
    age: Annotated[
        bool, typer.Option("--age/--no-age", help="Whether age is in the models.")
    ] = True,
    level: Annotated[float, typer.Option(metavar="SHARE", help="Of the intervals.")] = 0.95,
    draws: Annotated[int, typer.Option(metavar="N", help="Draws of children.")] = 999,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the draws.")] = 0,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Whether figures are drawn.")
    ] = True,
) -> None:
    """Compare groups and ages, with children as what was sampled.

    Writes tables (CSV, LaTeX), figures (SVG, PDF) and the methods in words with versions and
    sources. Answers that never came while it cried count as censored, and are not left out.

    **harken study statistics results --children children.csv --out paper**
    """
    from harken.errors import ParameterError
    from harken.studies.results import write_results
    from harken.studies.statistics import WITHIN_S, compare
    from harken.studies.tables import read_table

    # A folder may have an equals sign in its name.
    named = dict(one.split("=", 1) for one in runs if "=" in one and not Path(one).exists())
    if len(runs) == 1 and not named:
        table = read_table(runs[0], children=children, group=group)
    elif len(named) != len(runs) or not all(name and path for name, path in named.items()):
        raise ParameterError("name each of several runs by its group, once: slow=run1 swift=run2")
    else:
        table = read_table(named, children=children, group=group)
    found = compare(
        table,
        reference=reference or None,
        within_s=tuple(within or WITHIN_S),
        age=age,
        level=level,
        times=draws,
        seed=seed,
    )
    written = write_results(found, out, figures=figures)
    _tell(found)
    typer.echo(f"{out}: {', '.join(path.name for path in written)}")


def _tell(found: "Comparison") -> None:
    from harken.cli.pipeline import one_line
    from harken.insight.picture import many
    from harken.studies.results import estimate_text, p_text

    typer.echo(
        f"{many(found.children, 'child', 'children')}, {many(found.episodes, 'episode')}, "
        f"{found.censored} censored"
    )
    for group in found.groups:
        name, count = one_line(group.name or "all"), many(group.children, "child", "children")
        typer.echo(f"  {name}: {count}, median latency {group.median_s}")
    for one in found.effects:
        line = f"{one.outcome}: {one.measure}, {one.contrast}: {estimate_text(one.estimate)}"
        if one.p is not None:
            line += f", p {p_text(one.p)}, for {found.tests} tests {p_text(one.p_holm)}"
        elif one.estimate.low is None and one.note:
            line += f" ({one.note})"
        typer.echo(f"  {one_line(line)}")
    for note in found.notes:
        typer.echo(f"harken: {one_line(note)}", err=True)
