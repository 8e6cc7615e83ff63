"""`harken demo`: the main job on sound that is made on the spot, beside its exact truth."""

import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import ModelOption
from harken.cli.pipeline import hear, one_line

Span = tuple[float, float]


class Format(StrEnum):
    """How the episode is printed."""

    TEXT = "text"
    JSON = "json"


def demo(
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the sound and the picture."),
    ] = Path("demo"),
    minutes: Annotated[
        float,
        typer.Option("--minutes", min=1.0, max=600.0, metavar="N", help="Length of the night."),
    ] = 5.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Another number, another night.")
    ] = 0,
    model: ModelOption = "auto",
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Run a household with a synthetic infant and eight simulated weeks behind it, and "
            "its pages.",
        ),
    ] = False,
    headless: Annotated[
        bool,
        typer.Option(
            "--headless", help="As --live, but answer by itself, print the one episode and end."
        ),
    ] = False,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="With --headless: text or JSON.")
    ] = Format.TEXT,
    port: Annotated[
        int | None, typer.Option("--port", "-p", help="With --live: port of the pages.")
    ] = None,
) -> None:
    """Hear a synthetic infant: a night in a few seconds, or a household that is live.

    No recording and no microphone is needed: the cries are synthetic. Without **--live** it makes
    a short night, hears it and compares with the truth, and leaves in DIR: **night.flac** (the
    sound), **night.csv** (what is in it) and **night.png** (what was heard).

    With **--live** the household has eight weeks behind it, so that the journal and what it adds
    up to can be seen. They are simulated, and marked so; what comes after is live.

    **harken demo**

    **harken demo --minutes 30 --seed 7 --out another-night**

    **harken demo --live** and open the address that it prints

    **harken demo --headless --format json**
    """
    if live or headless:
        from harken.cli import household

        if headless:
            household.headless(model=model, seed=seed, as_json=output is Format.JSON)
        else:
            household.live(port=port, model=model, seed=seed)
        return
    _night(out, minutes, seed, model)


def _night(out: Path, minutes: float, seed: int, model: str) -> None:
    from harken.cli.picture import Columns, draw
    from harken.episodes import BoutEnded, BoutRule, BoutStarted, BoutTracker
    from harken.hearing import Frames, open_detector
    from harken.simulate.scenes import synthetic_night
    from harken.sound import open_source
    from harken.writing import replacing, writing

    detector = open_detector(model)
    typer.echo(f"Making a night of {minutes:g} min …")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        scene = synthetic_night(minutes, seed=seed, path=out / "night.flac")
    rule = BoutRule(detector.on, detector.off)
    tracker = BoutTracker(rule, delay_s=detector.delay_s)
    columns = Columns()
    found: list[BoutEnded] = []
    told: dict[float, float] = {}
    begun = time.perf_counter()
    with open_source(out / "night.flac") as source:
        for item in hear(source, detector=detector, tracker=tracker):
            if isinstance(item, Frames):
                columns.add(item)
            elif isinstance(item, BoutStarted):
                told[item.onset] = item.detected_at
            elif isinstance(item, BoutEnded):
                found.append(item)
    took_s = time.perf_counter() - begun
    typer.echo(
        f"Heard it in {took_s:.1f} s, {60 * minutes / took_s:.0f} times as fast as it sounds, "
        f"with the detector {detector.name}.\n"
    )
    _print_table(compare(scene.bouts, [(bout.onset, bout.offset) for bout in found]), told)
    left = "night.flac, night.csv"
    if find_spec("altair") and find_spec("vl_convert"):
        bouts = [(bout.onset, bout.offset) for bout in found]
        with replacing(out / "night.png") as part:
            part.write_bytes(draw(columns, bouts, title="A synthetic night", truth=scene.bouts))
        left += " and night.png"
    else:
        typer.echo("No picture: pip install 'harken[plot]' adds it.")
    typer.echo(one_line(f"In {out}: {left}."))


@dataclass(frozen=True, slots=True)
class Match:
    """A true bout beside the bout that was found for it; None where there is none."""

    truth: Span | None
    found: Span | None


def compare(truth: list[Span], found: list[Span]) -> list[Match]:
    """Put each true bout beside the found one that shares most time with it.

    Parameters
    ----------
    truth, found : list of (onset s, offset s)

    Returns
    -------
    list of Match
        In order of time. Found bouts that belong to no true one stand alone.

    Examples
    --------
    >>> compare([(10.0, 20.0)], [(10.5, 20.0), (40.0, 45.0)])
    [Match(truth=(10.0, 20.0), found=(10.5, 20.0)), Match(truth=None, found=(40.0, 45.0))]
    """
    matches = []
    left = list(found)
    for true in truth:
        best = max(left, key=lambda one: _shared_s(one, true), default=None)
        if best is not None and _shared_s(best, true) > 0:
            left.remove(best)
        else:
            best = None
        matches.append(Match(true, best))
    matches += [Match(None, one) for one in left]
    return sorted(matches, key=lambda match: match.truth or match.found or (0.0, 0.0))


def _shared_s(one: Span, other: Span) -> float:
    return min(one[1], other[1]) - max(one[0], other[0])


def _print_table(matches: list[Match], told: dict[float, float]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE)
    for heading in ("cried, s", "heard, s", "onset error, s", "told after, s"):
        table.add_column(heading, justify="right")
    for match in matches:
        true, heard = match.truth, match.found
        error = f"{heard[0] - true[0]:+.2f}" if true and heard else ""
        delay = f"{told[heard[0]] - true[0]:.2f}" if true and heard and heard[0] in told else ""
        table.add_row(_span(true), _span(heard), error, delay)
    Console().print(table)
    hits = sum(match.truth is not None and match.found is not None for match in matches)
    wrong = sum(match.truth is None for match in matches)
    true_bouts = sum(match.truth is not None for match in matches)
    typer.echo(f"{hits} of {true_bouts} bouts found, {wrong} where nobody cried.")


def _span(span: Span | None) -> str:
    return "—" if span is None else f"{span[0]:.1f} – {span[1]:.1f}"
