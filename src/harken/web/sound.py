"""The nursery's sound, from a browser over a WebSocket.

A frame is 4 bytes of sequence number, 8 bytes of capture time (little endian,
uint32 and float64) and then int16 samples, mono, 16 kHz. A frame that breaks the
rule ends its own connection with a code, and nobody else's.
"""

import asyncio
import contextlib
import json
import logging
import math
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from harken.errors import HarkenError, ParameterError
from harken.web.contract import Ear, HubCalls, Viewer
from harken.web.live import Live
from harken.web.people import People

log = logging.getLogger(__name__)

RATE = 16_000
FRAME_LIMIT = 64 * 1024
_HEAD = struct.Struct("<Id")
_SILENT_S = 15.0
_STALE_S = 3.0
_AHEAD_S = 30.0
_TELL_S = 0.25
_SEND_S = 5.0

TEXT, MALFORMED, NOT_ALLOWED, TOO_LARGE, HUB = 1003, 1007, 1008, 1009, 1011
TOO_SLOW, BUSY, REPLACED, TOO_FAST = 4408, 4409, 4410, 4429


@dataclass(frozen=True, slots=True)
class Piece:
    """One frame of sound: its number, its capture time in seconds, its samples."""

    seq: int
    captured_at: float
    pcm: bytes


def read_frame(frame: bytes) -> Piece:
    """Take a frame apart.

    Parameters
    ----------
    frame : bytes
        Head (12 bytes), then 1 to 32 762 samples of int16.

    Raises
    ------
    ParameterError
        If it is too short, holds half a sample, or its time is not finite.

    Examples
    --------
    >>> read_frame(struct.pack("<Id2h", 7, 1.5, 1, -1)).seq
    7
    """
    if len(frame) < _HEAD.size + 2 or len(frame) % 2:
        raise ParameterError("a frame is 12 bytes of head and whole int16 samples")
    seq, captured_at = _HEAD.unpack_from(frame)
    if not math.isfinite(captured_at) or not 0 <= captured_at < 1e11:
        raise ParameterError("a frame's capture time must be seconds since 1970")
    return Piece(seq, captured_at, frame[_HEAD.size :])


class _ClosingError(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(eq=False, slots=True)
class _Connection:
    viewer: Viewer
    name: str
    heard_at: float
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = REPLACED
    reason: str = ""

    def close(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        self.closing.set()


class Sound:
    """Every browser that is a room's ears; at most one a room.

    Parameters
    ----------
    hub : HubCalls
    live : Live
        Tells what is to be played in a room.
    silent_s : float
        How long a connection may send nothing, in seconds.
    """

    def __init__(self, hub: HubCalls, *, live: Live, silent_s: float = _SILENT_S) -> None:
        self._hub = hub
        self._live = live
        self._silent_s = silent_s
        self._ears: dict[str, _Connection] = {}

    async def recheck(self, people: People) -> None:
        """End the connections of devices that may no longer be what they were."""
        for connection in list(self._ears.values()):
            if not await people.still(connection.viewer):
                connection.close(REPLACED, "This device was signed out.")

    def close(self) -> None:
        """End every connection; for shutting down."""
        for connection in list(self._ears.values()):
            connection.close(1012, "The hub stops.")

    async def serve(self, socket: WebSocket, *, room: str, viewer: Viewer, name: str) -> None:
        """Hear one browser until it goes away or breaks the rule.

        Parameters
        ----------
        socket : WebSocket
            Not yet accepted; who it is and whether it may was checked.
        room : str
        viewer : Viewer
        name : str
            What the device calls itself.
        """
        connection = _Connection(viewer, name, time.monotonic())
        try:
            await socket.accept()
        except (WebSocketDisconnect, OSError):
            return  # gone before it began
        try:
            self._take_place(room, connection)
            code, reason = await self._hear(socket, connection, room)
        except _ClosingError as closing:
            code, reason = closing.code, str(closing)
        finally:
            self._leave(room, connection)
        await _close(socket, code, reason)

    def _take_place(self, room: str, connection: _Connection) -> None:
        there = self._ears.get(room)
        if there is not None:
            same = there.viewer.device == connection.viewer.device
            if not same and time.monotonic() - there.heard_at < _STALE_S:
                raise _ClosingError(BUSY, f"{there.name or 'Another device'} is this room's ears.")
            there.close(REPLACED, "A newer connection took over.")
        self._ears[room] = connection

    def _leave(self, room: str, connection: _Connection) -> None:
        if self._ears.get(room) is connection:
            del self._ears[room]

    async def _hear(self, socket: WebSocket, connection: _Connection, room: str) -> tuple[int, str]:
        try:
            ear = self._hub.ear(room, connection.viewer.device)
        except HarkenError as error:
            raise _ClosingError(NOT_ALLOWED, str(error)) from None
        said: deque[dict[str, Any]] = deque(maxlen=8)
        stop = self._live.listen_in(room, said.append)
        jobs = [
            asyncio.create_task(self._take(socket, ear, connection)),
            asyncio.create_task(_tell(socket, ear, said)),
            asyncio.create_task(connection.closing.wait()),
        ]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            if jobs[2] in done:
                return connection.code, connection.reason
            return _why(next(job for job in jobs if job in done))
        finally:
            stop()
            ear.close()
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _take(self, socket: WebSocket, ear: Ear, connection: _Connection) -> None:
        began, samples, last = time.monotonic(), 0, -1
        while True:
            try:
                async with asyncio.timeout(self._silent_s):
                    message = await socket.receive()
            except TimeoutError:
                raise _ClosingError(TOO_SLOW, "No sound came.") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            frame = message.get("bytes")
            if frame is None:
                raise _ClosingError(TEXT, "Only sound is sent here.")
            if len(frame) > _HEAD.size + FRAME_LIMIT:
                raise _ClosingError(TOO_LARGE, "A frame is at most 64 KiB.")
            try:
                piece = read_frame(frame)
            except ParameterError as error:
                raise _ClosingError(MALFORMED, str(error)) from None
            if piece.seq <= last:
                raise _ClosingError(MALFORMED, "Sequence numbers must count up.")
            last = piece.seq
            samples += len(piece.pcm) // 2
            connection.heard_at = time.monotonic()
            if samples / RATE > connection.heard_at - began + _AHEAD_S:
                raise _ClosingError(TOO_FAST, "Sound came faster than real time.")
            await ear.push(piece.pcm, piece.seq, piece.captured_at)


async def _tell(socket: WebSocket, ear: Ear, said: deque[dict[str, Any]]) -> None:
    while True:
        try:
            async with asyncio.timeout(_SEND_S):
                while said:
                    await socket.send_text(json.dumps({"say": said.popleft()}, default=str))
                await socket.send_text(json.dumps(ear.hearing()))
        except TimeoutError:
            raise _ClosingError(TOO_SLOW, "You don't read what is sent.") from None
        await asyncio.sleep(_TELL_S)


def _why(job: asyncio.Task[Any]) -> tuple[int, str]:
    error = job.exception()
    if isinstance(error, _ClosingError):
        return error.code, str(error)
    if isinstance(error, WebSocketDisconnect | OSError):
        return 1000, ""
    if isinstance(error, HarkenError):
        return HUB, str(error)
    log.error("a room's ears failed", exc_info=error)
    return HUB, "Something went wrong in the hub."


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    # The other side may be gone already. A reason is at most 123 bytes.
    short = reason.encode()[:120].decode(errors="ignore")
    with contextlib.suppress(RuntimeError, OSError, TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(_SEND_S):
            await socket.close(code, short)
