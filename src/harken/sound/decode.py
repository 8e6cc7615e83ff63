"""From an opened container to mono blocks at 16 kHz: decode, resample, mix, repair."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import av
import av.error
import av.logging
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from harken.errors import SourceError
from harken.sound.blocks import RATE, AudioBlock

av.logging.set_level(None)

HOLE_S = 0.2
"""Seconds by which a time stamp has to be ahead before it is a hole in the recording."""

LOUDEST = 1e6
"""A sample beyond this (120 dB over full scale) is damage, as NaN is."""

_HEARD = 1e-3
_RAMP = RATE // 100
_PROMPT_S = 0.1
_FILTER = 4096

_TAKEN_AS_IS: dict[str, tuple[type[np.generic], float]] = {
    "s16": (np.int16, 2.0**-15),
    "s16p": (np.int16, 2.0**-15),
    "s32": (np.int32, 2.0**-31),
    "s32p": (np.int32, 2.0**-31),
    "flt": (np.float32, 1.0),
    "fltp": (np.float32, 1.0),
}


class Downmix:
    """Averages channels, leaving out those that have carried no sound so far.

    A channel counts from the moment at which its loudest swing so far (highest
    minus lowest sample) passes 0.001, which is −60 dBFS; until any channel
    counts, all do. A dead channel thus takes no level from a living one, also
    where it holds a constant offset or the noise of a converter. A channel
    that counts once counts for good, and comes in over 10 ms, so that nothing
    clicks. The rule looks at samples only, never at blocks: block sizes change
    nothing.

    Examples
    --------
    >>> one_dead = np.zeros((2, 4), np.float32)
    >>> one_dead[0] = [0.5, -0.5, 0.5, -0.5]
    >>> mix = Downmix(2)
    >>> _ = mix.process(np.tile(one_dead, 100))
    >>> mix.process(one_dead).tolist()
    [0.5, -0.5, 0.5, -0.5]
    """

    def __init__(self, channels: int) -> None:
        self._low = np.full(channels, np.inf, np.float32)
        self._high = np.full(channels, -np.inf, np.float32)
        self._counts = np.zeros(channels, bool)
        self._recent = np.repeat(self._weights()[:, None], _RAMP - 1, axis=1)

    def process(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix the next samples.

        Parameters
        ----------
        samples : float32[channels, n]
            At 16 kHz.

        Returns
        -------
        float32[n]
        """
        channels, n = samples.shape
        if channels == 1 or n == 0:
            return samples.reshape(-1)[:n]
        steady = bool((self._recent == self._recent[:, -1:]).all())
        joins = [] if self._counts.all() else self._joins(samples)
        if steady and not joins:
            return self._mix(self._recent[:, -1:], samples)
        wanted = np.repeat(self._weights()[:, None], n, axis=1)
        for at, channel in joins:
            self._counts[channel] = True
            wanted[:, at:] = self._weights()[:, None]
        line = np.concatenate([self._recent, wanted], axis=1)
        self._recent = line[:, -(_RAMP - 1) :]
        summed = np.cumsum(line, axis=1, dtype=np.float64)
        summed = np.concatenate([np.zeros((channels, 1)), summed], axis=1)
        return self._mix((summed[:, _RAMP:] - summed[:, :-_RAMP]) / _RAMP, samples)

    def _weights(self) -> NDArray[np.float32]:
        counts = self._counts if self._counts.any() else np.ones_like(self._counts)
        weights: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
        return weights

    @staticmethod
    def _mix(weights: NDArray[Any], samples: NDArray[np.float32]) -> NDArray[np.float32]:
        mono: NDArray[np.float32] = weights[0] * samples[0]
        for weight, channel in zip(weights[1:], samples[1:], strict=True):
            mono += weight * channel
        return mono.astype(np.float32, copy=False)

    def _joins(self, samples: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Where (sample, channel) a channel is heard for the first time, in order."""
        joins = []
        for channel in np.flatnonzero(~self._counts):
            x = samples[channel]
            low = min(self._low[channel], x.min())
            high = max(self._high[channel], x.max())
            if high - low > _HEARD:
                lows = np.minimum.accumulate(np.minimum(x, self._low[channel]))
                highs = np.maximum.accumulate(np.maximum(x, self._high[channel]))
                joins.append((int(np.argmax(highs - lows > _HEARD)), int(channel)))
            self._low[channel], self._high[channel] = low, high
        return sorted(joins)


class Decoder:
    """Mono sound at 16 kHz out of one opened container.

    Parameters
    ----------
    container : av.container.InputContainer
        Closed by whoever opened it.
    name : str
        What error messages call it.
    block_s : float, > 0
        Seconds of a block.
    prompt : bool
        Give a block of at least 0.16 s as soon as 0.1 s have passed since the
        last one, for sound that arrives as it is made.
    follow_stamps : bool
        Take time stamps that jump ahead by more than 0.2 s for a hole in the
        recording; otherwise time is the number of samples.

    Attributes
    ----------
    repaired : int
        Samples that were NaN, infinite or beyond all measure; each is now 0.
    skipped : int
        Packets that could not be decoded.
    broken : str or None
        Why reading ended before the end.
    """

    def __init__(
        self,
        container: InputContainer,
        *,
        name: str,
        block_s: float,
        prompt: bool = False,
        follow_stamps: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        stream = container.streams.best("audio")
        if stream is None:
            raise SourceError(
                f"{name} holds no sound (a picture, or a video without sound): "
                "choose a file or stream with an audio track"
            )
        if stream.codec_context is None:
            raise SourceError(
                f"{name} holds sound in a form that this FFmpeg cannot decode: "
                "convert it to WAV or FLAC"
            )
        # More threads make one file no faster and take the core of the next one.
        stream.codec_context.thread_count = 1
        if stream.codec_context.name == "flac":
            # Without it a damaged frame becomes loud noise instead of a hole.
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._container = container
        self._stream = stream
        self._block = max(1, round(block_s * RATE))
        self._least = min(self._block, round(0.16 * RATE)) if prompt else self._block
        self._clock = clock
        self._last_given = clock()
        self._follow = follow_stamps
        self._tick = float(stream.time_base) if stream.time_base else 0.0
        self._origin = (container.start_time or 0) / av.time_base
        self._until = container.duration / av.time_base if container.duration else 0.0
        self._fragile = stream.codec_context.name.startswith("pcm_f")
        self.repaired = 0
        self.skipped = 0
        self._looked_at = 0
        self.broken: str | None = None

        self._kind: tuple[str, int, int] | None = None
        self._resampler: AudioResampler | None = None
        self._dtype: type[np.generic] = np.float32
        self._scale = 1.0
        self._width = 4
        self._channels = 1
        self._mends_first = False
        self._mix = Downmix(1)
        self._last: AudioFrame | None = None
        self._taken = 0
        self._made = 0
        self._raw = bytearray()
        self._waiting = 0
        self._start = 0.0
        self._given = 0

    def blocks(self) -> Iterator[AudioBlock]:
        """Give the sound, block by block, with seconds from the start of the recording.

        A block that does not begin where the last ended follows a hole.
        """
        now = 0.0
        for frame in self._frames():
            if self._follow and frame.pts is not None:
                stamp = frame.pts * self._tick - self._origin
                if now + HOLE_S < stamp < self._until:
                    yield from self._finish()
                    self._start, self._given = stamp, 0
                    now = stamp
            now += frame.samples / frame.sample_rate
            kind = (frame.format.name, frame.sample_rate, frame.layout.nb_channels)
            if kind != self._kind:
                yield from self._finish()
                self._prepare(kind)
            self._take(frame)
            if self._waiting >= self._least and (
                self._waiting >= self._block or self._clock() - self._last_given >= _PROMPT_S
            ):
                yield from self._give(self._least)
        yield from self._finish()

    @property
    def usable(self) -> bool:
        """Whether any sample was not damaged."""
        return self.repaired < self._looked_at

    def _frames(self) -> Iterator[AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.EOFError:
                return
            except (av.error.ExitError, av.error.TimeoutError):
                self.broken = "nothing came for too long"
                return
            except av.error.FFmpegError as error:
                self.broken = error.strerror or type(error).__name__
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.skipped += 1
                continue
            for frame in frames:
                if isinstance(frame, AudioFrame) and frame.samples:
                    yield frame

    def _prepare(self, kind: tuple[str, int, int]) -> None:
        name, rate, channels = kind
        self._kind = kind
        as_is = _TAKEN_AS_IS.get(name) if (rate, channels) == (RATE, 1) else None
        self._dtype, self._scale = as_is or _TAKEN_AS_IS["flt"]
        self._resampler = None if as_is else AudioResampler("flt", None, RATE)
        self._mends_first = self._fragile and not as_is
        self._taken = self._made = 0
        if channels != self._channels:
            self._channels = channels
            self._mix = Downmix(channels)
        self._width = np.dtype(self._dtype).itemsize * channels

    def _take(self, frame: AudioFrame) -> None:
        if self._resampler is None:
            self._keep(frame)
            return
        if self._mends_first:
            frame = self._mended(frame)
        # Holes were dealt with already; by its time stamps the resampler would fill them.
        frame.pts = None
        self._last = frame
        self._taken += frame.samples
        for resampled in self._resampler.resample(frame):
            self._keep(resampled)

    def _keep(self, frame: AudioFrame) -> None:
        # Bytes now, numbers once a block: the fewer calls a frame the better.
        self._raw += memoryview(frame.planes[0])[: frame.samples * self._width]
        self._waiting += frame.samples
        self._made += frame.samples

    def _finish(self) -> Iterator[AudioBlock]:
        """End a run: give all there is, and what the resampler still holds."""
        if self._resampler is not None and self._last is not None:
            taken = self._taken
            if taken < _FILTER:
                # Less than the filter is long comes out as nothing: lengthen it, cut it off again.
                for _ in range(_FILTER // self._last.samples + 1):
                    self._take(self._last)
            for resampled in self._resampler.resample(None):
                self._keep(resampled)
            if taken < _FILTER:
                extra = max(0, self._made - round(taken * RATE / self._last.sample_rate))
                self._waiting -= extra
                del self._raw[self._waiting * self._width :]
            self._resampler = self._last = None
        self._kind = None
        yield from self._give(1)

    def _give(self, least: int) -> Iterator[AudioBlock]:
        while self._waiting >= least:
            n = min(self._waiting, self._block)
            rest = self._raw[n * self._width :]
            del self._raw[n * self._width :]
            values = np.frombuffer(self._raw, self._dtype)
            samples = np.multiply(values, np.float32(self._scale), dtype=np.float32)
            if not self._mends_first:
                self._looked_at += len(samples)
            mono = self._mix.process(self._mend(samples.reshape(-1, self._channels).T))
            self._raw = rest
            self._waiting -= n
            yield AudioBlock(mono, self._start + self._given / RATE)
            self._given += n
        self._last_given = self._clock()

    def _mend(self, samples: NDArray[Any]) -> NDArray[Any]:
        # NaN fails every comparison, so that one look finds all three kinds of damage.
        if samples.max() <= LOUDEST and samples.min() >= -LOUDEST:
            return samples
        damaged = ~(np.abs(samples) <= LOUDEST)
        bad = int(damaged.sum())
        self.repaired += bad
        return np.where(damaged, samples.dtype.type(0), samples)

    def _mended(self, frame: AudioFrame) -> AudioFrame:
        """Mend before resampling, which would smear one NaN over its neighbours."""
        samples = frame.to_ndarray()
        self._looked_at += samples.size
        before = self.repaired
        mended = self._mend(samples)
        if self.repaired == before:
            return frame
        fixed = AudioFrame.from_ndarray(
            np.ascontiguousarray(mended), format=frame.format.name, layout=frame.layout.name
        )
        fixed.sample_rate = frame.sample_rate
        return fixed
