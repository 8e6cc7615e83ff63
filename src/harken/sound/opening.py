"""From what a person types to a source of sound."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import av
import av.error
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from harken.errors import ParameterError, SourceError
from harken.sound.decode import Decoder
from harken.sound.live import Backoff, Connection, LiveSource
from harken.sound.microphones import open_microphone
from harken.sound.source import (
    FILE_BLOCK_S,
    LIVE_BLOCK_S,
    Clock,
    FolderSource,
    RecordedSource,
    Source,
    open_pipe,
    open_recording,
    standard_input,
)

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_NETWORK = ("http", "https", "rtsp", "rtsps")


def open_source(
    spec: str | Path,
    *,
    block_s: float | None = None,
    realtime: bool = False,
    silence_after_s: float = 10.0,
    gap_after_s: float = 2.0,
    timeout_s: float = 5.0,
    backoff: Backoff | None = None,
    opener: Callable[[], Connection] | None = None,
    stdin: IO[bytes] | None = None,
    clock: Clock = time,
) -> Source:
    """Open whatever sound can come from.

    ============================  =============================================
    spec                          what it is
    ============================  =============================================
    a path                        a file of any format that FFmpeg reads
    a folder                      its recordings one after another
    ``mic``, ``mic:DEVICE``       a microphone of this machine
    ``rtsp://…``, ``rtsps://…``   a camera
    ``http://…``, ``https://…``   a stream, or a file where the server says
                                  how long it is
    ``-``                         WAV or raw PCM (s16le, 16 kHz, mono) on
                                  standard input
    ============================  =============================================

    A file that is called ``mic`` or ``-`` is ``./mic`` or ``./-``, or a `Path`.

    Every source gives float32 mono at 16 kHz. Resampling is band-limited
    (libswresample). Channels are averaged, but a channel counts only from the
    moment at which it has carried sound (see `Downmix`), so that a stereo file
    with one dead channel keeps its level.

    Parameters
    ----------
    spec : str or Path
        What to open.
    block_s : float, 0.001 to 3600, optional
        Seconds of a block. By default 10 for files, 0.16 for live sources and
        for `realtime`. The last block of a file may be shorter.
    realtime : bool
        Give the blocks of a file no faster than they would have been heard.
    silence_after_s : float, > 0
        Seconds of digital silence or of a frozen stream before a `Silence` is given.
    gap_after_s : float, > 0
        Seconds without any sound before a `Gap` is given; live sources only.
    timeout_s : float, > 0
        Seconds that a server may keep silent before the connection is given up
        and opened again.
    backoff : Backoff, optional
        Waits between tries to open a live source again.
    opener : callable, optional
        Opens the connection of a live source in place of the real thing.
    stdin : binary file, optional
        Read in place of standard input for ``-``.
    clock : Clock, optional
        Time; the module `time` by default.

    Returns
    -------
    Source
        A context manager and an iterator of `AudioBlock`, `Gap` and `Silence`.

    Raises
    ------
    SourceError
        The source cannot be opened; the message says why and what to do. What
        shows only while reading (no samples at all, all of them NaN) is raised
        by the iteration.
    ParameterError
        An argument breaks its rule.

    Examples
    --------
    >>> import io
    >>> with open_source("-", stdin=io.BytesIO(bytes(32_000))) as source:
    ...     [(block.start, block.end) for block in source]
    [(0.0, 1.0)]
    """
    if block_s is not None and not 0.001 <= block_s <= 3600:
        raise ParameterError(f"block_s is {block_s}; it must be from 0.001 to 3600 s")
    times = {
        "silence_after_s": silence_after_s,
        "gap_after_s": gap_after_s,
        "timeout_s": timeout_s,
    }
    for argument, value in times.items():
        if not value > 0:
            raise ParameterError(f"{argument} is {value}; it must be above 0 s")
    short_s = LIVE_BLOCK_S if block_s is None else block_s
    file_s = short_s if realtime else (FILE_BLOCK_S if block_s is None else block_s)

    def live(name: str, connect: Callable[[], Connection]) -> LiveSource:
        return LiveSource(
            opener or connect,
            name=name,
            gap_after_s=gap_after_s,
            silence_after_s=silence_after_s,
            backoff=backoff,
            clock=clock.monotonic,
        )

    if isinstance(spec, str):
        if spec == "-":
            return open_pipe(
                stdin or standard_input(),
                name="standard input",
                block_s=file_s,
                realtime=realtime,
                silence_after_s=silence_after_s,
                clock=clock,
            )
        if spec == "mic" or spec.startswith("mic:"):
            device = spec[4:] or None
            return live(
                spec, lambda: _Reading(*open_microphone(device), name=spec, block_s=short_s)
            )
        address = _ADDRESS.match(spec)
        if address and address["scheme"].lower() in _NETWORK:
            name = masked(spec)
            if opener is not None:
                return live(name, opener)
            container = _open_address(spec, timeout_s)
            if container.duration and container.size > 0 and not _is_rtsp(spec):
                return RecordedSource(
                    container,
                    name=name,
                    block_s=file_s,
                    realtime=realtime,
                    silence_after_s=silence_after_s,
                    clock=clock,
                )
            ready = [container]

            def connect() -> Connection:
                opened = ready.pop() if ready else _open_address(spec, timeout_s)
                return _Reading(opened, opened.close, name=name, block_s=short_s)

            return live(name, connect)
        if address and not Path(spec).exists():
            raise SourceError(
                f"{masked(spec)!r}: addresses of the kind {address['scheme']}:// are not read: "
                f"use {', '.join(_NETWORK)}"
            )
    path = Path(spec)
    if _is_folder(path):
        return FolderSource(
            path,
            block_s=file_s,
            realtime=realtime,
            silence_after_s=silence_after_s,
            clock=clock,
        )
    return open_recording(
        path,
        block_s=file_s,
        realtime=realtime,
        silence_after_s=silence_after_s,
        clock=clock,
    )


def masked(address: str) -> str:
    """Hide the password of an address.

    Examples
    --------
    >>> masked("rtsp://nursery:secret@10.0.0.7/stream")
    'rtsp://nursery:***@10.0.0.7/stream'
    """
    return re.sub(r"(?<=://)([^/@:]*):([^/@]*)@", r"\1:***@", address)


class _Reading:
    """A connection that is read through FFmpeg."""

    def __init__(
        self, container: InputContainer, close: Callable[[], None], *, name: str, block_s: float
    ) -> None:
        self._close = close
        self._name = name
        try:
            self._decoder = Decoder(container, name=name, block_s=block_s, prompt=True)
        except BaseException:
            close()
            raise

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for block in self._decoder.blocks():
            yield block.samples
        if self._decoder.broken:
            raise SourceError(f"{self._name}: the connection broke ({self._decoder.broken})")

    def close(self) -> None:
        self._close()


def _is_rtsp(address: str) -> bool:
    return address.lower().startswith("rtsp")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _open_address(address: str, timeout_s: float) -> InputContainer:
    # Half a second of looking at the stream is enough to know a sound codec.
    options = {"analyzeduration": "500000"}
    if _is_rtsp(address):
        options |= {"rtsp_flags": "prefer_tcp", "allowed_media_types": "audio"}
    try:
        return av.open(address, options=options, timeout=timeout_s)
    except av.error.FFmpegError as error:
        what, remedy = _why(error, timeout_s)
        raise SourceError(f"{masked(address)} cannot be opened ({what}): {remedy}") from None


def _why(error: av.error.FFmpegError, timeout_s: float) -> tuple[str, str]:
    if isinstance(error, av.error.ConnectionRefusedError):
        return "connection refused", "start the server, and check the port"
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return "it wants a password", "write it as scheme://user:password@host/…"
    if isinstance(error, av.error.HTTPNotFoundError):
        return "not found on the server", "check the path after the host name"
    if isinstance(error, av.error.ExitError | av.error.TimeoutError):
        return f"no answer within {timeout_s:g} s", "check that it is switched on and reachable"
    if isinstance(error, av.error.InvalidDataError):
        return "what it sends is no sound", "check the address"
    return error.strerror or type(error).__name__, "check the address and the network"
