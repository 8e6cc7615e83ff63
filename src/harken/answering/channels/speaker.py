"""The hub's own loudspeaker: a chime that needs no network and no phone.

The chime is made here: soft steps that rise for a cry, and two low tones for a
room that is not heard, so that they can be told apart half asleep.
"""

import asyncio
import io
import math
import shutil
import wave
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.answering.message import Message
from harken.errors import ChannelError

RATE = 48_000
_TUNES: Mapping[str, tuple[float, ...]] = {
    "cry": (523.25, 659.26, 783.99),
    "unheard": (329.63, 246.94),
    "heard": (392.0, 523.25),
}
"""Frequencies of each tune in Hz; what has none of its own sounds like ``heard``."""

_NOTE_S, _GAP_S, _REST_S = 0.32, 0.06, 0.5
_OVERTONES = (1.0, 0.35, 0.12)
_PATIENCE_S = 10.0


def make_chime(about: str, *, volume: float = 0.8, times: int = 1) -> NDArray[np.int16]:
    """Make the sound for a message.

    Parameters
    ----------
    about : str
        As `Message.about`; ``drill`` and ``test`` sound as ``cry`` does.
    volume : float, 0 to 1
        Of the largest sample.
    times : int, ≥ 1
        How often the tune is played.

    Returns
    -------
    int16 array, shape (n,)
        At 48 kHz, mono.

    Examples
    --------
    >>> make_chime("cry").dtype, make_chime("cry", times=2).size > make_chime("cry").size
    (dtype('int16'), True)
    """
    tune = _TUNES["cry" if about in ("drill", "test") else about if about in _TUNES else "heard"]
    time = np.arange(round(_NOTE_S * RATE)) / RATE
    # A soft start and a long fade: no click, and no fright.
    shape = np.minimum(1.0, time / 0.02) * np.exp(-time / 0.14) * (1 - time / _NOTE_S)
    gap, rest = np.zeros(round(_GAP_S * RATE)), np.zeros(round(_REST_S * RATE))
    parts = []
    for hz in tune:
        tones = (
            strength * np.sin(2 * math.pi * hz * number * time)
            for number, strength in enumerate(_OVERTONES, start=1)
        )
        parts += [shape * sum(tones), gap]
    once = np.concatenate([*parts, rest])
    sound = np.tile(once / np.abs(once).max(), times) * volume
    return (sound * 32_767).astype(np.int16)


class SpeakerChannel:
    """Plays a chime through the loudspeaker of the computer that the hub runs on.

    Parameters
    ----------
    options : mapping
        ``device`` (text): name of an output, as the system names it.
        ``volume`` (number, 0 to 1), ``times`` (number, 1 to 20): how loud, how often.

    Raises
    ------
    ChannelError
        If an option cannot be used.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        options = options or {}
        device = options.get("device") or None
        if not isinstance(device, str | None) or (device or "").startswith("-"):
            raise ChannelError("The loudspeaker's device must be the name of an output.")
        self._device = device
        self._volume = _number(options, "volume", 0.8, 0.0, 1.0)
        self._times = round(_number(options, "times", 3, 1, 20))
        self._playing = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Play the chime of a message, and return when it has sounded.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ChannelError
            If no way to play sound works.
        """
        times = self._times if message.urgent else 1
        sound = make_chime(message.about, volume=self._volume, times=times)
        async with self._playing:
            for command in _players(self._device):
                if await _play_program(command, sound):
                    return
            if await asyncio.to_thread(_play_here, sound, self._device):
                return
        which = f"The loudspeaker {self._device!r}" if self._device else "The loudspeaker"
        raise ChannelError(
            f"{which} of the hub can't be used: check that one is connected, and install "
            "alsa-utils where there is no sound server."
        )

    async def aclose(self) -> None:
        """Do nothing: every chime ends by itself."""


def _number(
    options: Mapping[str, Any], name: str, default: float, least: float, most: float
) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ChannelError(f"The loudspeaker's {name} must be from {least:g} to {most:g}.")
    return float(value)


def _players(device: str | None) -> list[list[str]]:
    """Give the programs that can play a WAV file from their input, the sound server's first."""
    pulse = [] if device is None else [f"--device={device}"]
    alsa = [] if device is None else ["-D", device]
    raw = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1"]
    commands = [["pacat", "--playback", *raw, *pulse], ["aplay", "-q", "-t", "wav", *alsa, "-"]]
    return [command for command in commands if shutil.which(command[0])]


async def _play_program(command: list[str], sound: NDArray[np.int16]) -> bool:
    try:
        player = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    fed = _wav(sound) if command[0] == "aplay" else sound.tobytes()
    try:
        async with asyncio.timeout(len(sound) / RATE + _PATIENCE_S):
            await player.communicate(fed)
    except TimeoutError:
        return False
    finally:
        if player.returncode is None:
            player.kill()
            await player.wait()
    return player.returncode == 0


def _wav(sound: NDArray[np.int16]) -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return held.getvalue()


def _play_here(sound: NDArray[np.int16], device: str | None) -> bool:
    """Play through FFmpeg's own ALSA output, where no program does it."""
    import av

    if "alsa" not in av.formats_available:
        return False
    try:
        with av.open(device or "default", mode="w", format="alsa") as out:
            stream = out.add_stream("pcm_s16le", rate=RATE)
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(sound[None, :], format="s16", layout="mono")
            frame.sample_rate = RATE
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True
