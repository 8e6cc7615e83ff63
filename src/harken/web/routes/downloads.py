"""What is yours, to take away: the export and the backup."""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from harken.web.access import Carer, Owner, Parts
from harken.web.guard import address_of

router = APIRouter(tags=["taking it away"])

_PIECE = 64 * 1024


@router.get(
    "/export",
    summary="Everything in open formats",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "A zip file."}},
)
async def export(request: Request, web: Parts, me: Carer) -> Response:
    """Download events, household, episodes and care as JSON Lines and CSV, in a zip file."""
    folder = Path(tempfile.mkdtemp(prefix="harken-export-"))
    try:
        await run_in_threadpool(web.hub.journal.export, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    await web.people.audit("exported", address=address_of(request.scope), who=me.by)
    return _Passing(zipped(folder), folder, f"harken-{_today()}.zip", "application/zip")


@router.get(
    "/backup",
    summary="A copy of the database",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The database."}},
)
async def backup(request: Request, web: Parts, me: Owner) -> Response:
    """Download a copy of the database as it is now; it holds secrets, so keep it well."""
    folder = Path(tempfile.mkdtemp(prefix="harken-backup-"))
    try:
        file = await run_in_threadpool(web.hub.journal.backup, folder / "harken.db")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    await web.people.audit("took a backup", address=address_of(request.scope), who=me.by)
    name = f"harken-{_today()}{file.suffix}"
    return _Passing(pieces(file), folder, name, "application/octet-stream")


def zipped(folder: Path) -> Iterator[bytes]:
    """Give a folder as a zip file, piece by piece.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    bytes

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("a")
    ...     whole = io.BytesIO(b"".join(zipped(Path(folder))))
    >>> zipfile.ZipFile(whole).namelist()
    ['a.txt']
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            with archive.open(path.relative_to(folder).as_posix(), "w", force_zip64=True) as entry:
                for piece in pieces(path):
                    entry.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def pieces(path: Path) -> Iterator[bytes]:
    """Give a file piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


class _Sink(io.RawIOBase):
    """A file that is only ever written on, and read away as it grows."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._held += view
        return len(view)

    def take(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


class _Passing(StreamingResponse):
    """A download whose folder goes when it was sent, or when nobody wants it any more."""

    def __init__(self, body: Iterator[bytes], folder: Path, name: str, media_type: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        super().__init__(body, headers=headers, media_type=media_type)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
