"""`harken evidence`: what studies found, with source, design, n and limits."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from harken.evidence import Claim


class Format(StrEnum):
    """How it is told."""

    TEXT = "text"
    JSON = "json"


def evidence(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOPIC]",
            help="A question (**less**), a topic (**carrying**) or a claim (**S11**); without it, "
            "what there is.",
        ),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="**text**, or **json** with all there is.")
    ] = Format.TEXT,
) -> None:
    """Show what studies found, both sides, each with what it can and can't show.

    A claim whose source could not be checked says so. Harken takes no side.

    **harken evidence less**
    """
    if topic is None:
        _overview(output)
        return
    title, about, found, also = _find(topic)
    if output is Format.JSON:
        typer.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=False, indent=2))
        return
    _tell(title, about, found, also)


def _find(topic: str) -> tuple[str, str, "tuple[Claim, ...]", "tuple[Claim, ...]"]:
    """Give a title, what to know first, the claims, and those of other questions."""
    from harken.errors import ParameterError
    from harken.evidence import claim, claims, questions, topics

    wanted = topic.strip().casefold().replace("-", "_")
    for one in questions():
        if wanted == one.key:
            return one.asks, one.about, one.claims, one.elsewhere
    if wanted in topics():
        return wanted.replace("_", " ").capitalize(), "", claims(wanted), ()
    try:
        single = claim(wanted)
    except ParameterError:
        raise ParameterError(
            f"evidence: {topic!r} is no question, topic or claim; 'harken evidence' lists them"
        ) from None
    return single.id, "", (single,), ()


def _overview(output: Format) -> None:
    from dataclasses import asdict

    from harken.evidence import FOUR_QUESTIONS, questions

    if output is Format.JSON:
        whole: dict[str, Any] = {
            "questions": [one.as_dict() for one in questions()],
            "four_questions": [asdict(one) for one in FOUR_QUESTIONS],
        }
        typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    console = _console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("ask with", "question", "claims", "topics"):
        table.add_column(head, justify="right" if head == "claims" else "left")
    for one in questions():
        table.add_row(
            Text(one.key, style="bold"), one.asks, str(len(one.claims)), ", ".join(one.topics)
        )
    console.print(table)
    console.print()
    console.print("Four questions to ask oneself when a baby cries", style="bold")
    for number, self_asked in enumerate(FOUR_QUESTIONS, 1):
        console.print(Text(f"{number}. {self_asked.asks} {self_asked.why}"))
        console.print(Text(f"   {self_asked.whose}", style="dim"))


def _tell(title: str, about: str, found: "tuple[Claim, ...]", also: "tuple[Claim, ...]") -> None:
    from rich.text import Text

    from harken.evidence import SIDES

    console = _console()
    console.print(Text(title, style="bold"))
    if about:
        console.print(Text(about))
    for direction, name in SIDES.items():
        here = [one for one in found if one.direction == direction]
        if here:
            console.print()
            console.print(Text(name, style="bold underline"))
        for one in here:
            _tell_claim(console, one)
    if also:
        console.print()
        console.print(Text("See also", style="bold underline"))
        for one in also:
            console.print(Text.assemble((one.id, "bold"), f"  {one.claim} {one.side}."))


def _tell_claim(console: "Console", one: "Claim") -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text.assemble((one.id, "bold"), "  ", one.claim))
    lines = []
    if one.doubt is not None:
        lines.append(Text(one.doubt, style="bold"))
    n = "n not known" if one.n is None else f"n = {one.n}"
    about = "; ".join(part for part in (f"{one.design}, {n}", one.population, one.age) if part)
    lines += [
        Text(f"{about[0].upper()}{about[1:]}."),
        Text.assemble(("Can show: ", "bold"), one.shows),
        Text.assemble(("Can’t show: ", "bold"), one.cannot),
        Text(one.source + (f" doi:{one.doi}" if one.doi else ""), style="dim"),
    ]
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 4), expand=False))


def _console() -> "Console":
    from rich.console import Console

    # Numbers and names are told as they are, not coloured by what they look like.
    return Console(highlight=False, emoji=False, markup=False)
