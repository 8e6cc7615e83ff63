"""Scripts, styles and pictures, read once and served from memory.

Only what was found in the folder at start-up can be asked for: a path is looked up
in a table, never opened. A file is served under its own name (asked again by its
ETag each time) and under ``v-HASH/name``, where HASH is of the whole folder (kept
for ever). Modules import each other by relative names, so that one page never
mixes two versions.
"""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from harken.web.problems import Refusal

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""By hand: a machine's own table of types may be odd (text/plain for .js)."""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    media_type: str
    etag: str


class Assets:
    """The static folder in memory.

    Parameters
    ----------
    folder : Path
        Read once, with all that is below it; may be missing.
    also : Path, optional
        Another folder whose content counts into the version (the templates).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.js").write_text("1")
    ...     Assets(Path(folder)).address("a.js").startswith("/static/v-")
    True
    """

    def __init__(self, folder: Path, *, also: Path | None = None) -> None:
        self._files = {name: _read(path) for name, path in _walk(folder)}
        digest = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            digest.update(f"{name}\0{file.etag}\0".encode())
        for name, path in _walk(also) if also else ():
            digest.update(f"{name}\0".encode() + path.read_bytes())
        self.version = digest.hexdigest()[:12]
        """Changes whenever any file does."""
        worker = self._files.get("sw.js")
        self._worker = None if worker is None else self._fill(worker)

    def address(self, name: str) -> str:
        """Give the address of a file that may be kept for ever.

        Parameters
        ----------
        name : str
            Its path below the folder, e.g. ``"js/now.js"``.
        """
        return f"/static/v-{self.version}/{name}"

    def serve(self, request: Request, path: str) -> Response:
        """Answer a request for a file.

        Parameters
        ----------
        request : Request
        path : str
            What stands behind ``/static/``.

        Raises
        ------
        Refusal
            If there is no such file.
        """
        first, _, rest = path.partition("/")
        versioned = first == f"v-{self.version}"
        file = self._files.get(rest if versioned else path)
        if file is None:
            raise Refusal(404)
        keep = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return _answer(request, file, keep, {})

    def worker(self, request: Request) -> Response:
        """Answer a request for the service worker.

        Raises
        ------
        Refusal
            If there is none.
        """
        if self._worker is None:
            raise Refusal(404)
        return _answer(request, self._worker, "no-cache", {"service-worker-allowed": "/"})

    def _fill(self, worker: _File) -> _File:
        names = json.dumps([self.address(name) for name in sorted(self._files) if name != "sw.js"])
        text = worker.body.decode().replace("__VERSION__", self.version)
        return _made(text.replace("__FILES__", names).encode(), worker.media_type)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts):
            yield path.relative_to(folder).as_posix(), path


def _read(path: Path) -> _File:
    guess = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _made(path.read_bytes(), _TYPES.get(path.suffix, guess))


def _made(body: bytes, media_type: str) -> _File:
    packed = gzip.compress(body, 9, mtime=0)
    small = len(packed) < 0.9 * len(body)
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return _File(body, packed if small else None, media_type, etag)


def _answer(request: Request, file: _File, keep: str, headers: dict[str, str]) -> Response:
    headers = {"cache-control": keep, "etag": file.etag, "vary": "accept-encoding", **headers}
    asked = request.headers.get("if-none-match", "")
    if file.etag in (tag.strip().removeprefix("W/") for tag in asked.split(",")):
        return Response(status_code=304, headers=headers)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)
