"""Results on disk, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harken.errors import HarkenError


class OutputError(HarkenError):
    """The results cannot be written."""


def put(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever looks sees the old one or the new one.

    Raises
    ------
    OutputError
    """
    with replacing(path) as part:
        part.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and move it there in one step at the end.

    Raises
    ------
    OutputError
        What was written there is then gone, and `path` is as it was.
    """
    # Two machines that share a disk may have processes of one number.
    part = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    with writing(path):
        try:
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusals while `path` is written into one clear error.

    Raises
    ------
    OutputError
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {str(path)!r}: {error.strerror or error}; make room or choose another "
            "--out (what is done so far is kept)"
        ) from error
