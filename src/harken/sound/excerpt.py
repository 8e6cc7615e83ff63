"""A stretch out of a long recording, with the very samples that reading all of it gives.

A recording is read in blocks of 60 s. An excerpt begins and ends between two
blocks, where resampling of any whole rate stands at the same point of its
cycle as at the very beginning; only what filters remember is missing, and that
is gone after some milliseconds. Whoever needs exactness reads a block earlier
than needed and compares.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from harken.errors import SourceError
from harken.sound.blocks import RATE, AudioBlock
from harken.sound.decode import Decoder
from harken.sound.recordings import shown
from harken.sound.source import FILE_BLOCK_S, not_sound

_SEEKS_EXACTLY = frozenset({"wav", "w64", "aiff", "au", "caf", "flac"})
"""Containers in which FFmpeg finds any sample by its number."""

_DRAWS_NOISE = frozenset({"aac", "aac_fixed", "aac_latm"})
"""Codecs whose decoder makes noise up from where it began: no two beginnings are alike."""

_BEFORE_S = 2.0
"""Seconds that are decoded before the excerpt: codecs remember some packets."""


class IrregularError(SourceError):
    """A recording that can only be read from its beginning to its end."""


class Excerpt:
    """Blocks `first` to `last` of a recording, each 60 s long.

    Parameters
    ----------
    file : path or binary file
        A file that can seek.
    first : int, ≥ 0
        Number of the first block.
    last : int or None
        Number of the block before which to stop; None: to the end.

    Attributes
    ----------
    cheap : bool
        Whether its beginning is found at once; otherwise all packets before it are
        passed over, which takes about a second for some hours of MP3.
    repeats : bool
        Whether its codec gives the same samples wherever reading begins.

    Raises
    ------
    IrregularError
        It has no whole number of samples a second, or says no length.
    SourceError
        It cannot be opened.
    """

    def __init__(self, file: str | Path | IO[bytes], first: int, last: int | None) -> None:
        self._first, self._last = first, last
        self._container, self._name = _open(file)
        try:
            self._decoder = _From(self._container, name=self._name, first=first)
        except BaseException:
            self._container.close()
            raise
        self.cheap, self.repeats = self._decoder.seeks, self._decoder.repeats

    def __enter__(self) -> "Excerpt":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def duration_s(self) -> float | None:
        """Seconds that the container promises; None where it doesn't say."""
        return self._container.duration / av.time_base if self._container.duration else None

    def blocks(self) -> Iterator[AudioBlock]:
        """Give the blocks, with seconds from the start of the recording.

        Raises
        ------
        IrregularError
            There is a hole, damage or an early end in it.
        """
        number, over = self._first, False
        for block in self._decoder.blocks():
            start = (number - self._first) * FILE_BLOCK_S
            whole = len(block.samples) == round(FILE_BLOCK_S * RATE)
            wanted = self._last is None or whole
            # Only the last block of a recording may be short; one more follows a hole.
            if over or abs(block.start - start) > 0.5 / RATE or not wanted:
                raise IrregularError(f"{self._name}: its sound has holes, or ends early")
            self._refuse_damage()
            yield AudioBlock(block.samples, number * FILE_BLOCK_S)
            number, over = number + 1, not whole
            if number == self._last:
                return
        self._refuse_damage()
        if self._last is not None or number == self._first:
            raise IrregularError(f"{self._name}: it ends earlier than its header says")

    def _refuse_damage(self) -> None:
        decoder = self._decoder
        if decoder.broken or decoder.repaired or decoder.skipped:
            raise IrregularError(f"{self._name}: it is damaged")

    def state(self) -> tuple[Any, ...]:
        """Give what the channels heard so far do to the samples that follow.

        Two readings whose states are equal mix what follows alike.

        Returns
        -------
        tuple
        """
        mix = self._decoder._mix
        waiting = ~mix._counts
        return (
            mix._counts.tolist(),
            mix._low[waiting].tolist(),
            mix._high[waiting].tolist(),
            mix._recent.tolist() if not (mix._recent == mix._recent[:, -1:]).all() else [],
        )


class _From(Decoder):
    """Reads on from the beginning of a block."""

    def __init__(self, container: InputContainer, *, name: str, first: int) -> None:
        super().__init__(container, name=name, block_s=FILE_BLOCK_S, follow_stamps=True)
        rate = int(getattr(self._stream.codec_context, "sample_rate", 0) or 0)
        stamped = rate and self._tick and container.duration
        # A block must be a whole number of samples, and a stamp must tell which one it is.
        if not stamped or round(first * FILE_BLOCK_S * rate) != first * FILE_BLOCK_S * rate:
            raise IrregularError(f"{name}: it does not say how long it is")
        self._rate = rate
        self._from = round(first * FILE_BLOCK_S * rate)
        self._start_s = first * FILE_BLOCK_S
        known = self._stream.codec_context.name
        self.repeats = known not in _DRAWS_NOISE
        self.seeks = bool(
            set(container.format.name.split(",")) & _SEEKS_EXACTLY
            and (known.startswith("pcm_") or known == "flac")
        )

    def _frames(self) -> Iterator[AudioFrame]:
        if not self._from:
            yield from super()._frames()
            return
        wanted = self._start_s + self._origin
        if self.seeks:
            try:
                self._container.seek(
                    int(max(0.0, wanted - _BEFORE_S) / self._tick), stream=self._stream
                )
            except av.error.FFmpegError as error:
                raise IrregularError(f"{self._name_of()}: {error.strerror}") from None
        begun = False
        origin = self._origin
        # From here on the clock of the reader begins with the excerpt.
        self._origin += self._start_s
        self._until -= self._start_s
        for frame in self._after(wanted - _BEFORE_S):
            if begun:
                yield frame
                continue
            if frame.pts is None or frame.sample_rate != self._rate:
                raise IrregularError(f"{self._name_of()}: its packets bear no times")
            at = round((frame.pts * self._tick - origin) * self._rate)
            if at > self._from:
                raise IrregularError(f"{self._name_of()}: its beginning cannot be found")
            if at + frame.samples <= self._from:
                continue
            begun = True
            yield _without(frame, self._from - at)

    def _after(self, since: float) -> Iterator[AudioFrame]:
        """Decode what follows a time stamp; what only leads in to it may fail."""
        leading = True
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                self.broken = error.strerror or type(error).__name__
                return
            if packet is None:
                return
            stamp = None if packet.pts is None else packet.pts * self._tick
            if leading and stamp is not None and stamp < since:
                continue
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                if stamp is None or stamp >= since + _BEFORE_S / 2:
                    self.skipped += 1
                continue
            for frame in frames:
                if isinstance(frame, AudioFrame) and frame.samples:
                    leading = False
                    yield frame

    def _name_of(self) -> str:
        return shown(self._container.name or "the recording")


def _without(frame: AudioFrame, samples: int) -> AudioFrame:
    """Give a frame without its first samples."""
    if not samples:
        return frame
    values: Any = frame.to_ndarray()
    if not frame.format.is_planar:
        samples *= frame.layout.nb_channels
    cut = AudioFrame.from_ndarray(
        np.ascontiguousarray(values[:, samples:]),
        format=frame.format.name,
        layout=frame.layout.name,
    )
    cut.sample_rate = frame.sample_rate
    return cut


def _open(file: str | Path | IO[bytes]) -> tuple[InputContainer, str]:
    named = isinstance(file, str | Path)
    name = shown(file if isinstance(file, str | Path) else getattr(file, "path", "the recording"))
    try:
        if named:
            return (
                av.open(
                    f"file:{file}",
                    options={"protocol_whitelist": "file,crypto,data", "max_size": "8192"},
                ),
                name,
            )
        return av.open(file, mode="r", options={"max_size": "8192"}), name
    except av.error.FFmpegError as error:
        raise not_sound(name, error) from None
