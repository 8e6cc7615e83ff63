"""What every source of sound is, and those that end: files, folders, standard input."""

import io
import stat
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import av
import av.error
from av.container import InputContainer

from harken.errors import SourceError
from harken.sound.blocks import RATE, AudioBlock, Gap, Silence
from harken.sound.decode import Decoder
from harken.sound.recordings import find_recordings, shown, unreadable
from harken.sound.watch import Watch

FILE_BLOCK_S = 60.0
"""Seconds of a block of a file: long enough that Python's share of the work is small."""

LIVE_BLOCK_S = 0.16
"""Seconds of a block of sound that arrives as it is made: two frames of a detector."""

# The containers whose header says how long the sound is; others guess it from the size.
_SAYS_LENGTH = frozenset({"aiff", "caf", "flac", "matroska", "mov", "mp4", "w64", "wav", "webm"})


class Clock(Protocol):
    """Time that passes, so that tests can make it pass."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let time pass."""
        ...


class Source(ABC):
    """Where sound comes from: an iterator of blocks and events, and a context manager.

    Attributes
    ----------
    name : str
        What people see; passwords in addresses are masked.
    live : bool
        Whether sound arrives as it is made, so that nothing can be read twice.
    started_at : datetime or None
        Time of day of second 0 (UTC); live sources only.
    duration_s : float or None
        Seconds that the container promises; None where it does not say.
    problem : str or None
        One line on what was wrong with a source that could be read all the
        same (cut off, damaged packets); known once iteration has ended.
    repaired : int
        Samples that were NaN, infinite or beyond all measure, and are now 0.
    skipped : int
        Packets that could not be decoded.
    """

    name: str
    live: bool = False
    started_at: datetime | None = None
    duration_s: float | None = None
    problem: str | None = None
    repaired: int = 0
    skipped: int = 0

    def __init__(self, *, silence_after_s: float) -> None:
        self._watch = Watch(after_s=silence_after_s)
        self._items = self._watched()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AudioBlock | Gap | Silence:
        return next(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or device; nothing more is given."""

    @abstractmethod
    def _read(self) -> Iterator[AudioBlock | Gap]:
        """Give the sound and the gaps in it."""

    def _watched(self) -> Iterator[AudioBlock | Gap | Silence]:
        for item in self._read():
            if isinstance(item, Gap):
                yield from self._watch.flush()
                yield item
            else:
                yield item
                yield from self._watch.process(item)
        yield from self._watch.flush()


class RecordedSource(Source):
    """Sound that comes to an end: a file, an address of a file, or a pipe.

    Parameters
    ----------
    container : av.container.InputContainer
        Opened; closed by this source.
    name : str
        What people see.
    block_s : float, > 0
        Seconds of a block; the last one may be shorter.
    prompt : bool
        Give short blocks where sound arrives slowly, as through a pipe.
    realtime : bool
        Give each block when its last sample would have been heard.
    silence_after_s : float, > 0
        Seconds that silence has to last before it is told.
    clock : Clock
        What `realtime` waits on.
    """

    def __init__(
        self,
        container: InputContainer,
        *,
        name: str,
        block_s: float = FILE_BLOCK_S,
        prompt: bool = False,
        realtime: bool = False,
        silence_after_s: float = 10.0,
        clock: Clock = time,
    ) -> None:
        super().__init__(silence_after_s=silence_after_s)
        self.name = name
        self._container = container
        self._realtime = realtime
        self._clock = clock
        self._closed = False
        try:
            self._decoder = Decoder(
                container,
                name=name,
                block_s=block_s,
                prompt=prompt,
                follow_stamps=not prompt,
                clock=clock.monotonic,
            )
        except BaseException:
            container.close()
            raise
        if container.duration and not prompt:
            self.duration_s = container.duration / av.time_base

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._container.close()

    def _read(self) -> Iterator[AudioBlock | Gap]:
        begun = self._clock.monotonic()
        end = 0.0
        given = False
        holes = 0
        blocks = self._decoder.blocks()
        while not self._closed and (block := next(blocks, None)) is not None:
            self.repaired = self._decoder.repaired
            self.skipped = self._decoder.skipped
            if block.start > end + 0.5 / RATE:
                holes += bool(end)
                reason = "the recording has a hole here" if end else "the sound begins later"
                yield Gap(end, None, reason)
                yield Gap(end, block.start, reason)
            if self._realtime:
                self._clock.sleep(max(0.0, begun + block.end - self._clock.monotonic()))
            yield block
            given = True
            end = block.end
        if self._closed:
            return
        self.repaired = self._decoder.repaired
        self.skipped = self._decoder.skipped
        if not given:
            raise SourceError(
                f"{self.name} holds no sound that can be decoded (0 samples): "
                "copy or record it again"
            )
        if not self._decoder.usable:
            raise SourceError(
                f"{self.name} holds no usable sample (all are NaN or infinite): "
                "export it again from the program that made it"
            )
        self.problem = self._what_was_wrong(end, holes)

    def _what_was_wrong(self, read_s: float, holes: int) -> str | None:
        wrong = []
        promised = self.duration_s
        if self._decoder.broken:
            wrong.append(f"reading ended at {read_s:.1f} s ({self._decoder.broken})")
        elif promised and read_s < promised - max(0.5, promised / 100) and self._length_is_told():
            wrong.append(
                f"cut off: {read_s:.1f} s of the {promised:.1f} s that its header promises"
            )
        if holes:
            wrong.append(f"damaged: {holes} holes")
        if self.skipped:
            wrong.append(f"damaged: {self.skipped} packets left out")
        if self.repaired:
            wrong.append(f"damaged: {self.repaired} samples were NaN or infinite, taken as 0")
        return f"{self.name}: {'; '.join(wrong)}" if wrong else None

    def _length_is_told(self) -> bool:
        formats = set(self._container.format.name.split(","))
        return bool(formats & _SAYS_LENGTH) or ("mp3" in formats and self._mp3_tag())

    def _mp3_tag(self) -> bool:
        """Whether an MP3 begins with a frame that tells its length (Xing, Info or VBRI)."""
        try:
            with Path(self._container.name.removeprefix("file:")).open("rb") as file:
                head = file.read(10)
                if head[:3] == b"ID3":
                    size = sum(byte << 7 * place for place, byte in enumerate(head[:5:-1]))
                    file.seek(10 + size)
                    head = b""
                head += file.read(2048)
        except OSError:
            return False
        return any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


class FolderSource(Source):
    """The recordings of a folder one after another, on one running clock.

    The first begins at 0 s and each other one where the one before ended. At
    each border there is a pair of `Gap` events of no length, whose reason
    names the recording that follows; sound before and after it does not belong
    together. A recording that cannot be read has such a pair as well, with the
    error as its reason, and is listed in `problem`.

    Parameters
    ----------
    folder : Path
    block_s, realtime, silence_after_s, clock
        As in `RecordedSource`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        block_s: float,
        realtime: bool,
        silence_after_s: float,
        clock: Clock = time,
    ) -> None:
        super().__init__(silence_after_s=silence_after_s)
        self.name = shown(folder)
        self._options: dict[str, Any] = {
            "block_s": block_s,
            "realtime": realtime,
            "silence_after_s": silence_after_s,
            "clock": clock,
        }
        self._problems: list[str] = []
        self._paths = list(find_recordings(folder, on_error=self._problems.append))
        if not self._paths:
            raise SourceError(
                f"{self.name} holds no recording: choose a folder with sound or video files"
            )
        self._current: RecordedSource | None = None
        self._closed = False

    def close(self) -> None:
        """Close the recording that is being read."""
        self._closed = True
        if self._current:
            self._current.close()

    def _read(self) -> Iterator[AudioBlock | Gap]:
        now = 0.0
        heard = False
        for path in self._paths:
            if self._closed:
                return
            try:
                self._current = source = open_recording(path, **self._options)
            except SourceError as error:
                self._problems.append(str(error))
                yield from _border(now, str(error))
                continue
            if path is not self._paths[0]:
                yield from _border(now, f"next recording: {source.name}")
            begun = now
            try:
                for item in source._read():
                    if isinstance(item, Gap):
                        end = None if item.end is None else begun + item.end
                        yield Gap(begun + item.start, end, item.reason)
                        continue
                    yield AudioBlock(item.samples, begun + item.start)
                    heard = True
                    now = begun + item.end
            except SourceError as error:
                self._problems.append(str(error))
                yield from _border(now, str(error))
            finally:
                source.close()
            if source.problem:
                self._problems.append(source.problem)
            self.repaired += source.repaired
            self.skipped += source.skipped
        self.problem = "; ".join(self._problems) or None
        if not heard and not self._closed:
            raise SourceError(
                f"{self.name}: none of its {len(self._paths)} recordings could be read; "
                f"the first: {self._problems[0] if self._problems else 'no sound'}"
            )


def open_recording(path: Path, **options: Any) -> RecordedSource:
    """Open a file of any format that FFmpeg reads.

    Parameters
    ----------
    path : Path
    **options
        As in `RecordedSource`.

    Raises
    ------
    SourceError
        The file is missing, not readable, empty, no sound file, or without sound.
    """
    name = shown(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISFIFO(found.st_mode):
            raise SourceError(f"{name} is no file: choose a sound or video file, or a folder")
        # A pipe cannot be tried: opening it takes what is in it.
        if stat.S_ISREG(found.st_mode):
            if found.st_size == 0:
                raise SourceError(f"{name} is empty (0 bytes): copy or record it again")
            with path.open("rb"):
                pass
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError:
        raise SourceError(f"{name} is no file name: check it") from None
    try:
        # "file:" keeps a name such as "foo:bar" or "-x" from being an address or an option,
        # and the white list keeps a playlist that is named .wav from opening addresses.
        # Larger packets of PCM are fewer calls; only the WAV reader knows the option.
        container = av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file,crypto,data", "max_size": "8192"},
        )
    except av.error.FFmpegError as error:
        raise not_sound(name, error) from None
    return RecordedSource(container, name=name, **options)


def open_pipe(pipe: IO[bytes], *, name: str, **options: Any) -> RecordedSource:
    """Open WAV or raw PCM (s16le, 16 kHz, mono) that arrives through a pipe.

    The first four bytes tell: ``RIFF`` or ``RF64`` is WAV, anything else raw PCM.

    Parameters
    ----------
    pipe : binary file
        Read to its end; not closed.
    name : str
    **options
        As in `RecordedSource`.

    Raises
    ------
    SourceError
        Nothing arrived, or the WAV header is damaged.
    """
    head = b""
    while len(head) < 4 and (more := pipe.read(4 - len(head))):
        head += more
    if not head:
        raise SourceError(f"{name} is empty: pipe WAV or raw PCM (s16le, 16 kHz, mono) into it")
    wav = head in (b"RIFF", b"RF64")
    wave_options = {"ignore_length": "1"}
    raw_options = {"sample_rate": str(RATE), "ch_layout": "mono"}
    try:
        container = av.open(
            _Rejoined(head, pipe),
            mode="r",
            format="wav" if wav else "s16le",
            options=wave_options if wav else raw_options,
            buffer_size=4096,
        )
    except av.error.FFmpegError as error:
        raise not_sound(name, error) from None
    return RecordedSource(container, name=name, prompt=True, **options)


def not_sound(name: str, error: av.error.FFmpegError) -> SourceError:
    """Say in one line why FFmpeg could not open a file."""
    if isinstance(error, av.error.InvalidDataError):
        return SourceError(
            f"{name} is not a sound file that can be read (damaged, or another kind of file): "
            "convert it to WAV or FLAC, or copy it again"
        )
    return SourceError(
        f"{name} cannot be opened ({error.strerror or type(error).__name__}): "
        "convert it to WAV or FLAC, or copy it again"
    )


def standard_input() -> IO[bytes]:
    """Give standard input as bytes.

    Raises
    ------
    SourceError
        There is none, or a person is typing into it.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise SourceError("'-' is standard input, which is closed: pipe sound into the command")
    if sys.stdin.isatty():
        raise SourceError(
            "'-' is standard input, which is a terminal: pipe WAV or raw PCM into the command"
        )
    return sys.stdin.buffer


class _Rejoined:
    """A pipe whose first bytes have been read; gives what is there, without waiting for more."""

    def __init__(self, head: bytes, pipe: IO[bytes]) -> None:
        self._head = head
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        if isinstance(self._pipe, io.BufferedReader):
            return self._pipe.read1(size)
        return self._pipe.read(size)


def _border(at: float, reason: str) -> Iterator[Gap]:
    yield Gap(at, None, reason)
    yield Gap(at, at, reason)
