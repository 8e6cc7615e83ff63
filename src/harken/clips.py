"""Clips of cries, for households that have asked to keep them: nothing by default.

A clip is a FLAC file named after its bout, in a folder that its owner alone can
read. How old it is stands in the bout's id (a UUIDv7), so that a clip that was
copied back from a backup is forgotten in time all the same.
"""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import av
import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError, ParameterError
from harken.sound import RATE


class Clips:
    """The folder of clips.

    Parameters
    ----------
    folder : Path
        Made when the first clip is kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clips = Clips(Path(folder) / "clips")
    ...     clips.keep("01942d5f-7c00-7000-8000-000000000000", np.zeros(1600, np.float32))
    ...     clips.has("01942d5f-7c00-7000-8000-000000000000"), clips.forget()
    (True, 1)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, bout: str, samples: NDArray[np.float32]) -> None:
        """Write a clip; a crash leaves none or a whole one.

        Parameters
        ----------
        bout : str
            Its UUID.
        samples : float32[n]
            16 kHz, mono, −1 to 1.

        Raises
        ------
        HarkenError
            If the folder cannot be written.
        """
        path = self._path(bout)
        part = path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                write_flac(file, samples)
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise HarkenError(
                f"a clip cannot be kept in {self.folder}: {error.strerror or error}"
            ) from error

    def has(self, bout: str) -> bool:
        """Say whether there is a clip of a bout."""
        return self._path(bout).is_file()

    def read(self, bout: str) -> bytes | None:
        """Give a clip as FLAC; None where there is none."""
        try:
            return self._path(bout).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, *, before: datetime | None = None) -> int:
        """Delete clips, and say how many.

        Parameters
        ----------
        before : datetime, optional
            Only those of bouts that began before; without it all.
        """
        gone = 0
        for path in self.folder.glob("*.flac") if self.folder.is_dir() else ():
            if before is None or (at := _begun(path.stem)) is None or at < before:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _path(self, bout: str) -> Path:
        try:
            return self.folder / f"{UUID(bout)}.flac"
        except ValueError:
            raise ParameterError(f"{bout!r} is no bout's id") from None


def _begun(bout: str) -> datetime | None:
    try:
        return datetime.fromtimestamp((UUID(bout).int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def write_flac(file: object, samples: NDArray[np.float32]) -> None:
    """Write sound as FLAC of 16 bits, without any words about it.

    Parameters
    ----------
    file : binary file or path
    samples : float32[n]
        16 kHz, mono, −1 to 1.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        for start in range(0, len(pcm), RATE):
            piece = np.ascontiguousarray(pcm[None, start : start + RATE])
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate = RATE
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
