"""`harken babybuddy`: the care log from Baby Buddy, and cries as notes to it."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.care import DryRun, echo, say_done, show_missing
from harken.cli.journal import JournalOption, open_database

if TYPE_CHECKING:
    from harken.exchange import BabyBuddy
    from harken.journal import Journal

app = typer.Typer(
    no_args_is_help=True,
    help="Baby Buddy: pull its care log, push cries as notes. The token comes from "
    "**HARKEN_BABYBUDDY_TOKEN**, harken.toml, or is asked for.",
)

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Address of Baby Buddy; by default **HARKEN_BABYBUDDY_URL** or **babybuddy_url**.",
    ),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], metavar="DATE", help="From this day on."),
]
ChildOption = Annotated[
    list[str] | None,
    typer.Option(
        "--child",
        metavar="NUMBER=ID",
        help="Which child here a child there is, where names do not tell. May be repeated.",
    ),
]
NameOption = Annotated[
    str,
    typer.Option("--name", metavar="NAME", help="What this Baby Buddy is called, if you have two."),
]


@app.command("pull")
def pull_care(
    url: UrlOption = None,
    since: SinceOption = None,
    ounces: Annotated[
        bool, typer.Option("--ounces", help="Its amounts are ounces; it keeps no unit itself.")
    ] = False,
    child: ChildOption = None,
    name: NameOption = "babybuddy",
    dry_run: DryRun = False,
    database: JournalOption = None,
) -> None:
    """Bring in children, feedings, sleep, changes, temperature and notes.

    Twice is as good as once. What was edited there is corrected here; what was deleted there is
    listed and stays.

    **harken babybuddy pull --dry-run**
    """
    with open_database(database, begin=True) as journal, _buddy(url) as buddy:
        from harken.exchange import pull

        found = pull(
            journal,
            buddy,
            name=name,
            since=_begin(journal, since),
            ounces=ounces,
            children=_children(child),
            dry_run=dry_run,
        )
        zone = str(journal.household.get_setting("zone", "UTC"))
    for one in found.begun:
        echo(f"{'Would be a' if dry_run else 'A'} new child: {one.name}")
    echo("Read: " + ", ".join(f"{count} {what}" for what, count in found.counts.items()) + ".")
    for said in found.says:
        echo(said)
    if found.changing:
        echo("Somebody entered something meanwhile: pull again to be sure of all.")
    show_missing(found.writing.missing, zone, "Baby Buddy")
    say_done(found.writing.new, found.writing.changed, found.writing.known, dry_run=dry_run)


@app.command("push")
def push_cries(
    url: UrlOption = None,
    since: SinceOption = None,
    child: ChildOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Write notes anew that were deleted in Baby Buddy.")
    ] = False,
    name: NameOption = "babybuddy",
    dry_run: DryRun = False,
    database: JournalOption = None,
) -> None:
    """Write each cry that is over as a note with the tag **crying**.

    Twice is as good as once. Drills and false alarms are left out, and notes that somebody changed
    there are left alone.

    **harken babybuddy push --since 2026-01-31**
    """
    with open_database(database) as journal, _buddy(url) as buddy:
        from harken.exchange import push

        done = push(
            journal,
            buddy,
            name=name,
            since=_begin(journal, since),
            children=_children(child),
            again=again,
            dry_run=dry_run,
        )
    for said in done.says:
        echo(said)
    if done.left:
        echo(f"{len(done.left)} notes were changed or deleted in Baby Buddy and were left alone.")
    would = "would be " if dry_run else ""
    echo(
        f"{len(done.added)} {would}added, {len(done.changed)} {would}brought up to date, "
        f"{len(done.known)} there already, {len(done.failed)} not taken."
    )
    if done.failed:
        raise typer.Exit(1)


def _buddy(url: str | None) -> "BabyBuddy":
    from harken.errors import ParameterError
    from harken.exchange import BabyBuddy
    from harken.settings import load_settings

    settings = load_settings(babybuddy_url=url)
    address = settings.babybuddy_url
    if not address:
        raise ParameterError("where is Baby Buddy? Say --url http://…, or set HARKEN_BABYBUDDY_URL")
    token = settings.babybuddy_token.get_secret_value() if settings.babybuddy_token else ""
    if not token:
        # Never an option: what is typed as one is seen by everybody on the machine.
        if not sys.stdin.isatty():
            raise ParameterError(
                "the token of Baby Buddy is missing: set HARKEN_BABYBUDDY_TOKEN to the key from "
                "its settings page"
            )
        token = typer.prompt("Token of Baby Buddy (its settings page shows it)", hide_input=True)
    return BabyBuddy(address, token.strip())


def _begin(journal: "Journal", since: datetime | None) -> datetime | None:
    from harken.journal import day_bounds

    if since is None:
        return None
    household = journal.household
    zone, starts = (
        household.get_setting("zone", "UTC"),
        household.get_setting("day_starts", "07:00"),
    )
    return day_bounds(since.date(), str(zone), str(starts))[0]


def _children(given: list[str] | None) -> dict[int, str]:
    from harken.errors import ParameterError

    found = {}
    for one in given or ():
        number, mark, id = one.partition("=")
        if not mark or not number.strip().isdecimal() or not id.strip():
            raise ParameterError(f"--child {one}: write NUMBER=ID, e.g. 1=mia")
        found[int(number)] = id.strip()
    return found
