"""`harken serve` and `harken invite`: the hub, and the codes that people and devices join by."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.errors import HarkenError, ParameterError

if TYPE_CHECKING:
    import uvicorn

    from harken.hub import Hub
    from harken.journal import Journal
    from harken.settings import Settings
    from harken.sound import Source

_NEEDS_HUB = "the hub needs more packages than listening does: pip install 'harken[hub]'"


class Role(StrEnum):
    """Who joins."""

    OWNER = "owner"
    CAREGIVER = "caregiver"
    VIEWER = "viewer"
    NURSERY = "nursery"


def serve(
    host: Annotated[
        str | None,
        typer.Option("--host", help="Address to listen on; **0.0.0.0** for the whole home."),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port of the pages.")] = None,
    https: Annotated[
        bool | None,
        typer.Option(
            "--https/--http",
            help="Make a local authority and certificate: phones need HTTPS for the microphone.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="**auto**, **builtin**, **yamnet** or the path of a file."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="SQLite file or **postgresql+psycopg://** address; by default in the data folder.",
        ),
    ] = None,
) -> None:
    """Run the hub: hear the rooms, tell people, remember, and serve the pages.

    The first run needs no configuration: open the address that it prints. Settings can also stand
    in **harken.toml** or in **HARKEN_…** variables.

    **harken serve**

    **harken serve --host 0.0.0.0 --https**
    """
    need_hub()
    from harken.settings import load_settings

    settings = load_settings(host=host, port=port, https=https, model=model, database=database)
    with only_one(), open_journal(settings.database) as journal:
        asyncio.run(_serve(journal, settings))


def invite(
    role: Annotated[Role, typer.Option("--role", help="What they may do.")] = Role.CAREGIVER,
    name: Annotated[str, typer.Option("--name", help="Whom it is for.")] = "",
    room: Annotated[
        str, typer.Option("--room", help="Id of the room that a nursery device listens in.")
    ] = "",
    database: Annotated[str | None, typer.Option("--database", metavar="URL", hidden=True)] = None,
) -> None:
    """Print a code, a link and a QR picture by which a phone joins; it works once, for 15 minutes.

    For when nobody is signed in any more, or there is no page at hand. Works while the hub runs.

    **harken invite --role owner --name Anna**
    """
    need_hub()
    from harken.settings import load_settings
    from harken.web.security import CODE_LIVES_S

    settings = load_settings(database=database)
    with open_journal(settings.database) as journal:
        code = make_code(journal, role=role.value, name=name, room=room or None)
    link = f"{base_url(settings)}/join#{code}"
    typer.echo(f"Code: {code}  (works once, for {CODE_LIVES_S / 60:.0f} minutes)")
    typer.echo(f"Link: {link}")
    show_qr(link)


def need_hub() -> None:
    """Fail in one clear line where the packages of the hub are missing.

    Raises
    ------
    HarkenError
        If they are.
    """
    from importlib.util import find_spec

    wanted = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "jinja2", "pydantic_settings")
    if not all(find_spec(name) for name in wanted):
        raise HarkenError(_NEEDS_HUB)


@contextmanager
def open_journal(database: str | None) -> "Iterator[Journal]":
    """Open the journal and close it again.

    Raises
    ------
    JournalError
        If it cannot be opened.
    """
    from harken.journal import Journal

    journal = Journal.open(database)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def only_one(folder: Path | None = None) -> Iterator[None]:
    """Hold the data folder for one hub: two would tell everybody twice.

    Raises
    ------
    HarkenError
        If another hub runs, or the folder cannot be written.
    """
    import fcntl

    from harken.hearing import data_folder

    folder = folder or data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "hub.lock").open("w")
    except OSError as error:
        raise HarkenError(
            f"cannot write in {folder}: {error.strerror}; make it writable, "
            "or name another with HARKEN_DATA"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HarkenError(
                f"another hub runs with the data in {folder}; stop it first, "
                "or name another folder with HARKEN_DATA"
            ) from None
        yield


def base_url(settings: "Settings") -> str:
    """Give the address that phones open.

    Returns
    -------
    str
        Without a slash at the end.
    """
    from harken.certificates import lan_address

    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = settings.host
    if host in ("127.0.0.1", "::1", "localhost"):
        host = "localhost"
    elif host in ("0.0.0.0", "::"):
        host = lan_address() or socket.gethostname()
    return f"{'https' if settings.https else 'http'}://{host}:{settings.port}"


def make_code(journal: "Journal", *, role: str, name: str = "", room: str | None = None) -> str:
    """Write a join code into the journal; it works once and expires.

    Parameters
    ----------
    journal : Journal
    role : str
    name : str
        A new caregiver of that name is made, unless there is one with it.
    room : str, optional
        Of a nursery device.

    Returns
    -------
    str
        The code; only its hash is kept.

    Raises
    ------
    ParameterError
        If a nursery device is to listen in a room that is not there.
    """
    from harken.episodes import new_id
    from harken.journal import Caregiver, JoinCode, Room, token_hash
    from harken.web.security import CODE_LIVES_S, new_code

    household = journal.household
    caregiver = None
    if role == Role.NURSERY:
        rooms = [one.id for one in household.list(Room)]
        if room is None and len(rooms) == 1:
            room = rooms[0]
        if room not in rooms:
            raise ParameterError(f"--room: there {_are(rooms)}; name one")
    else:
        people = household.list(Caregiver, role=role)
        known = next((one for one in people if one.name == name), None)
        if known is None and not name and people:
            known = people[0]
        if known is None:
            known = Caregiver(id=str(new_id()), name=name or role.capitalize(), role=role)  # type: ignore[arg-type]
            household.add(known)
        caregiver = known.id
    code = new_code()
    household.add(
        JoinCode(
            code_hash=token_hash(code),
            role=role,  # type: ignore[arg-type]
            caregiver=caregiver,
            room=room,
            expires=datetime.now(UTC) + timedelta(seconds=CODE_LIVES_S),
        )
    )
    return code


def _are(rooms: list[str]) -> str:
    return f"are the rooms {', '.join(rooms)}" if rooms else "is no room yet"


def show_qr(link: str) -> None:
    """Draw a link as a QR picture in the terminal; nothing where there is none."""
    import segno

    if sys.stdout.isatty():
        segno.make(link, error="m").terminal(compact=True)


@dataclass(frozen=True, slots=True)
class Running:
    """A hub that runs and serves.

    Parameters
    ----------
    hub : Hub
    url : str
        Address of the pages, without a slash at the end.
    server : uvicorn.Server
    """

    hub: "Hub"
    url: str
    server: "uvicorn.Server"


@asynccontextmanager
async def running(
    journal: "Journal",
    settings: "Settings",
    *,
    setup_code: str | None = None,
    sources: "Mapping[str, Callable[[], Source]] | None" = None,
) -> "AsyncIterator[Running]":
    """Run a hub and its pages until the block is left.

    Parameters
    ----------
    journal : Journal
    settings : Settings
        Port 0 takes a free one.
    setup_code : str, optional
        As in `WebSettings`.
    sources : mapping, optional
        As in `Hub`.

    Raises
    ------
    HarkenError
        If the port is taken or the address is not this machine's.
    """
    import uvicorn

    from harken.certificates import host_names, make_certificate
    from harken.clips import Clips
    from harken.hearing import data_folder
    from harken.hub import Hub
    from harken.web import SERVER_LIMITS, WebSettings, create_app

    listener = _listen(settings.host, settings.port)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    url = base_url(settings)
    tls: dict[str, Any] = {}
    authority = None
    if settings.https:
        made = make_certificate(
            data_folder() / "tls", list(dict.fromkeys([*host_names(), *settings.names]))
        )
        authority = made.authority
        tls = {"ssl_certfile": str(made.chain), "ssl_keyfile": str(made.key)}
    clips = None if sources else Clips(data_folder() / "clips")
    hub = Hub(
        journal,
        model=settings.model,
        sources=sources,
        clips=clips,
        sounder=settings.sounder,
        base_url=url,
        contact=settings.contact,
    )
    web = WebSettings(
        url,
        https=url.startswith("https:"),
        allowed_hosts=frozenset([*host_names(), *settings.names]),
        setup_code=setup_code,
        authority=authority,
    )
    app = create_app(hub, settings=web)
    with listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, **SERVER_LIMITS, **tls))

        def stop(_signal: int, _frame: FrameType | None) -> None:
            server.force_exit = server.should_exit  # whoever asks twice means it
            server.should_exit = True

        # uvicorn's own handler raises the signal again once all has ended, and an end that was
        # asked for would look like a failure.
        server.handle_exit = stop  # type: ignore[method-assign, assignment]
        await hub.start()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.02)
            yield Running(hub, url, server)
        finally:
            # Open pages hold their streams for ever; end those first.
            app.state.web.close()
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            await hub.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise HarkenError(
            f"cannot listen on {host}:{port}: {error.strerror}; "
            "choose another with --host and --port"
        ) from error
    return listener


async def _serve(journal: "Journal", settings: "Settings") -> None:
    from harken.journal import Caregiver
    from harken.web.security import new_code

    fresh = not journal.household.list(Caregiver, role="owner")
    setup_code = new_code() if fresh else None
    async with running(journal, settings, setup_code=setup_code) as it:
        if fresh:
            typer.echo(f"Open {it.url}/welcome to make your household.")
            typer.echo(f"From another device it asks for this code: {setup_code}")
            link = f"{it.url}/welcome#{setup_code}"
        else:
            typer.echo(f"Harken is at {it.url}")
            link = it.url
        if settings.https:
            typer.echo(f"To trust it on a phone, open {it.url}/authority once; see docs/how-to.")
        if "localhost" not in it.url:
            show_qr(link)
        typer.echo("Stop with Ctrl-C.")
        while not it.server.should_exit:
            await asyncio.sleep(0.2)
    typer.echo("harken: stopped", err=True)
