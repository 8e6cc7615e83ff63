"""`harken drill`: a test cry in the room, and who rang after how long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.serve import base_url, need_hub, open_journal
from harken.errors import HarkenError, ParameterError

if TYPE_CHECKING:
    import httpx

    from harken.journal import Journal
    from harken.settings import Settings


def drill(
    room: Annotated[str, typer.Argument(metavar="[ROOM]", help="Id or name of the room.")] = "",
    wait: Annotated[
        float,
        typer.Option("--wait", min=5.0, max=170.0, help="Seconds to wait for phones to show it."),
    ] = 30.0,
    port: Annotated[
        int | None, typer.Option("--port", "-p", help="Port of the hub that runs.")
    ] = None,
    database: Annotated[str | None, typer.Option("--database", metavar="URL", hidden=True)] = None,
) -> None:
    """Mix a test cry into a room's sound, and show phone by phone who rang and after how long.

    Needs a hub that runs on this machine. What it writes is marked as a drill; measures leave it
    out.

    **harken drill**
    """
    need_hub()
    from harken.settings import load_settings

    settings = load_settings(port=port, database=database)
    with open_journal(settings.database) as journal, _phone(journal, settings) as phone:
        rooms = _ask(phone, "GET", "/api/state")["rooms"]
        chosen = [one for one in rooms if room in ("", one["id"], one["name"])]
        if len(chosen) != 1:
            names = ", ".join(one["id"] for one in rooms) or "none"
            raise ParameterError(f"name one room; there are: {names}")
        begun = _ask(phone, "POST", f"/api/rooms/{chosen[0]['id']}/drill")
        typer.echo(f"A test cry sounds in {chosen[0]['name']} …")
        report: dict[str, Any] = {}
        end = time.monotonic() + wait
        while time.monotonic() < end:
            time.sleep(0.5)
            report = _ask(phone, "GET", f"/api/drills/{begun['drill']}")
            alerts = report["alerts"]
            if report["over"] or (alerts and all(_settled(one) for one in alerts)):
                break
    _print(report)
    if not report.get("heard"):
        raise HarkenError(
            "the test cry was not heard within the time; see what the room hears on its page"
        )


def _settled(alert: dict[str, Any]) -> bool:
    return alert["shown_after_s"] is not None or alert["failed"] is not None


@contextmanager
def _phone(journal: "Journal", settings: "Settings") -> "Iterator[httpx.Client]":
    """Be a device of the household for a moment: who may read the journal may also ask the hub."""
    import httpx

    from harken.episodes import new_id
    from harken.hearing import data_folder
    from harken.journal import Caregiver, Device, token_hash
    from harken.web.security import new_token

    owner = next(iter(journal.household.list(Caregiver, role="owner")), None)
    if owner is None:
        raise HarkenError("there is no household yet; run harken serve and open its page")
    token = new_token()
    device = Device(
        id=str(new_id()),
        name="harken drill",
        kind="script",
        caregiver=owner.id,
        token_hash=token_hash(token),
        created=datetime.now(UTC),
    )
    journal.household.add(device)
    authority = data_folder() / "tls" / "harken-authority.pem"
    url = base_url(settings.model_copy(update={"host": "127.0.0.1", "public_url": None}))
    try:
        with httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            verify=str(authority) if settings.https and authority.exists() else True,
            timeout=10.0,
        ) as client:
            yield client
    finally:
        journal.household.remove(Device, device.id)


def _ask(client: "httpx.Client", method: str, path: str) -> dict[str, Any]:
    import httpx

    try:
        answer = client.request(method, path)
    except httpx.TransportError as error:
        raise HarkenError(
            f"no hub answers at {client.base_url}: start harken serve, or name its --port"
        ) from error
    if answer.is_error:
        raise HarkenError(str(answer.json().get("error", f"the hub answered {answer.status_code}")))
    return dict(answer.json())


def _print(report: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    def shown(seconds: float | None) -> str:
        return "—" if seconds is None else f"{seconds:.1f} s"

    typer.echo(f"Heard after {shown(report.get('detected_after_s'))} (from the onset).")
    table = Table(box=SIMPLE)
    for heading in ("who", "channel", "due", "sent", "received", "shown", ""):
        table.add_column(heading)
    for one in report.get("alerts", []):
        table.add_row(
            one["name"] or "everybody",
            one["channel"],
            *(shown(one[f"{stage}_after_s"]) for stage in ("due", "sent", "received", "shown")),
            one["failed"] or "",
        )
    Console().print(table)
    typer.echo("Sent means that the service took it; only shown means that a phone rang.")
