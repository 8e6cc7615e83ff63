"""Sounds that are made up: tunes, instruments and speaking voices that are no infant.

The recordings hold minutes of music and one or two horns. Instruments are played
from the samples of a General MIDI soundfont, voices are spoken by eSpeak NG; both
come with packages that only training needs, and nothing of them is kept.
"""

import ctypes
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from harken.simulate.acoustics import speed
from harken.sound.blocks import RATE

Samples = NDArray[np.float32]

_SHORTEST_S = 0.1
"""Shorter samples of the soundfont are single periods and clicks."""


def _one(sound: NDArray[np.floating]) -> Samples:
    peak = np.abs(sound).max() if len(sound) else 0.0
    return (sound / peak if peak > 0 else sound).astype(np.float32)


def tones(seconds: float, rng: np.random.Generator) -> Samples:
    """Tunes, sirens, squeaks, beeps and hums: pitch that moves, and is no infant.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator

    Returns
    -------
    float32[n]
        16 kHz, peak 1.
    """
    out = np.zeros(round(seconds * RATE), np.float64)
    centre = np.exp(rng.uniform(np.log(150), np.log(2500)))
    length = float(np.exp(rng.uniform(np.log(0.06), np.log(1.5))))
    gap = length * rng.uniform(0, 1.2)
    partials = np.arange(1, rng.integers(2, 14))
    strength = partials ** -rng.uniform(0.3, 2.5) * rng.uniform(0.2, 1, len(partials))
    glide, wobble = rng.choice([0, 0, 0.3, 1.0]), rng.choice([0, 0.01, 0.04, 0.15])
    rate, attack = rng.uniform(2, 12), rng.uniform(0.005, 0.3)
    spread = rng.choice([0.0, 0.15, 0.5])
    at = 0.0
    while at < seconds:
        n = min(round(length * rng.uniform(0.7, 1.3) * RATE), len(out) - round(at * RATE))
        if n <= 32:
            break
        t = np.arange(n) / RATE
        hz = (
            centre
            * np.exp(rng.normal(0, spread + 1e-9))
            * np.exp(
                glide * rng.uniform(-1, 1) * t / length + wobble * np.sin(2 * np.pi * rate * t)
            )
        )
        phase = 2 * np.pi * np.cumsum(hz) / RATE
        note = np.zeros(n)
        for k, a in zip(partials, strength, strict=True):
            note += a * np.sin(k * phase) * (k * hz < 7600)
        shape = np.minimum(t / (attack * length), 1) * np.minimum((t[-1] - t) / 0.02, 1)
        if rng.random() < 0.5:
            shape *= np.exp(-t / (length * 0.5))
        start = round(at * RATE)
        out[start : start + n] += note * shape
        at += n / RATE + gap
    return _one(out)


@dataclass(frozen=True, eq=False)
class Recorded:
    """One sample of a soundfont: a note of an instrument that can be held by its loop."""

    name: str
    sound: Samples
    rate: int
    loop: tuple[int, int]


def _chunks(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk over RIFF chunks: their name, and where their content begins and ends."""
    while start + 8 <= stop:
        (size,) = struct.unpack_from("<I", data, start + 4)
        yield data[start : start + 4], start + 8, start + 8 + size
        start += 8 + size + size % 2


def read_soundfont(data: bytes) -> list[Recorded]:
    """Read the samples of a SoundFont 2 file that are long enough to be a note.

    Which keys of which instrument they belong to is not read: for a sound that is
    only to be no infant, the samples and their loops are enough.
    """
    found = {
        name: (start, stop)
        for _, begin, end in _chunks(data, 12, len(data))
        for name, start, stop in _chunks(data, begin + 4, end)
    }
    begin, end = found[b"smpl"]
    pcm = np.frombuffer(data[begin:end], "<i2")
    begin, end = found[b"shdr"]
    out = []
    for at in range(begin, end - 46, 46):  # the last one only marks the end
        name, first, last, loop, loop_end, rate, *_ = struct.unpack_from("<20s5I", data, at)
        if not rate or last - first < _SHORTEST_S * rate:
            continue
        sound = _one(pcm[first:last].astype(np.float32))
        inside = first <= loop < loop_end - 8 < last
        loops = (loop - first, min(loop_end, last) - first) if inside else (0, len(sound))
        out.append(Recorded(name.split(b"\0")[0].decode("latin-1"), sound, rate, loops))
    return out


@cache
def _orchestra() -> list[Recorded]:
    """Give the samples of the soundfont that the package pretty-midi carries (TimGM6mb)."""
    with as_file(files("pretty_midi") / "TimGM6mb.sf2") as path:
        return read_soundfont(path.read_bytes())


def play(one: Recorded, semitones: NDArray[np.float64]) -> Samples:
    """Play a sample with a pitch that moves.

    Parameters
    ----------
    one : Recorded
    semitones : float64[n]
        Away from its own pitch, for each sample of the result.

    Returns
    -------
    float32[n]
        16 kHz.
    """
    step = one.rate / RATE * 2 ** (semitones / 12)
    sound = one.sound
    fastest = float(step.max())
    if fastest > 1:
        # What would come to lie above half the rate must go first.
        spectrum = np.fft.rfft(sound)
        spectrum[int(len(spectrum) / fastest) :] = 0
        sound = np.fft.irfft(spectrum, len(sound)).astype(np.float32)
    at = np.cumsum(step)
    first, last = one.loop
    at = np.where(at < last, at, first + (at - first) % (last - first))
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def instruments(seconds: float, rng: np.random.Generator) -> Samples:
    """Tunes, held notes and chords, and notes that glide, of sampled instruments.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator

    Returns
    -------
    float32[n]
        16 kHz, peak 1.
    """
    out = np.zeros(round(seconds * RATE), np.float32)
    orchestra = _orchestra()
    band = [orchestra[k] for k in rng.integers(len(orchestra), size=rng.integers(1, 3))]
    style = rng.choice(["tune", "held", "glide"], p=[0.4, 0.35, 0.25])
    base = rng.uniform(-14, 14)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12]) if rng.random() < 0.6 else np.arange(13)
    length = {"tune": (0.1, 0.8), "held": (0.7, 4.0), "glide": (0.35, 1.6)}[str(style)]
    length_s = float(np.exp(rng.uniform(*np.log(length))))
    gap_s = length_s * rng.uniform(0, 0.3 if style == "tune" else 1.2)
    chord = (
        [0.0] if rng.random() < 0.5 else [0.0, *rng.choice([3, 4, 5, 7, 12], rng.integers(1, 3))]
    )
    wobble, wobble_hz = rng.choice([0, 0, 0.15, 0.5]), rng.uniform(4, 8)
    attack_s, release_s = rng.uniform(0.003, 0.15), rng.uniform(0.03, 0.3)
    decay = rng.random() < 0.4
    at = 0
    while at < len(out) - 800:
        n = min(round(length_s * rng.uniform(0.8, 1.25) * RATE), len(out) - at)
        t = np.arange(n) / RATE
        note = base + (rng.choice(scale) if style == "tune" else rng.choice([0, 0, 0, 2, -2, 5]))
        bend = wobble * np.sin(2 * np.pi * wobble_hz * t)
        if style == "glide":
            rise, fall = rng.uniform(-7, 9), rng.uniform(-9, 7)
            bend = bend + np.interp(t / t[-1], [0, rng.uniform(0.2, 0.8), 1], [-rise, 0, -fall])
        shape = np.minimum(t / attack_s, 1) * np.minimum((t[-1] - t) / release_s, 1)
        if decay:
            shape = shape * np.exp(-t / (0.4 * length_s))
        for one in band:
            for above in chord:
                out[at : at + n] += play(one, note + above + bend) * shape.astype(np.float32)
        at += n + round(gap_s * RATE)
    return _one(out)


_ESPEAK_RETRIEVES = 1
_ESPEAK_UTF8, _ESPEAK_PHONEMES = 1, 0x100
_SPEED, _PITCH, _RANGE = 1, 3, 4
_LANGUAGES = ("en-us", "de", "fr-fr", "es", "it", "pt", "pl", "ru", "tr", "fi", "hi", "cmn", "ja")
_MEN, _WOMEN = ("m1", "m2", "m3", "m5", "m7"), ("f1", "f2", "f3", "f4", "f5", "whisperf")
_ONSETS = ("", "b", "d", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "h", "y", "ch", "sh")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "au", "oo", "ee")
_CALLS = ("a:", "o:", "u:", "i:", "e:", "m:", "n:")


class _Voice:
    """eSpeak NG, whose state is one for the whole process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate = self._library.espeak_Initialize(
            _ESPEAK_RETRIEVES, 0, espeakng_loader.get_data_path().encode(), 0
        )
        if self.rate <= 0:
            raise RuntimeError("eSpeak NG could not be started")
        self._parts: list[NDArray[np.int16]] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._callback = kind(self._take)  # kept, as the library only holds its address
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, wave: "ctypes._Pointer[ctypes.c_short]", n: int, _: object) -> int:
        if n > 0:
            self._parts.append(np.ctypeslib.as_array(wave, (n,)).copy())
        return 0

    def say(self, text: str, voice: str, **settings: int) -> Samples:
        """Speak a text, or phonemes in double brackets: float32[n] at `rate`."""
        self._parts.clear()
        self._library.espeak_SetVoiceByName(voice.encode())
        for key, value in settings.items():
            which = {"words_a_minute": _SPEED, "pitch": _PITCH, "liveliness": _RANGE}[key]
            self._library.espeak_SetParameter(which, value, 0)
        said = text.encode()
        flags = _ESPEAK_UTF8 | _ESPEAK_PHONEMES
        self._library.espeak_Synth(said, len(said) + 1, 0, 1, 0, flags, None, None)
        self._library.espeak_Synchronize()
        return _one(np.concatenate(self._parts)) if self._parts else np.zeros(0, np.float32)


@cache
def _voice() -> _Voice:
    return _Voice()


def speakers(seconds: float, rng: np.random.Generator) -> tuple[Samples, bool]:
    """Nonsense, spoken or called out by a synthetic adult or, played faster, a child.

    Parameters
    ----------
    seconds : float
        At most.
    rng : numpy.random.Generator

    Returns
    -------
    sound : float32[n]
        16 kHz, peak 1.
    adult : bool
        False for a child.
    """
    adult = bool(rng.random() < 0.55)
    variants = _WOMEN if not adult or rng.random() < 0.6 else _MEN
    voice = f"{rng.choice(_LANGUAGES)}+{rng.choice(variants)}"
    factor = rng.uniform(0.95, 1.08) if adult else rng.uniform(1.15, 1.55)
    speaker = _voice()
    parts: list[Samples] = []
    lasts = 0.0
    while lasts < seconds:
        if rng.random() < 0.2:
            calls = "".join(rng.choice(_CALLS, rng.integers(1, 6)))
            text, pace = f"[[{calls}]]", int(rng.integers(80, 140))
        else:
            words = (
                "".join(f"{rng.choice(_ONSETS)}{rng.choice(_VOWELS)}" for _ in range(syllables))
                for syllables in rng.integers(1, 5, rng.integers(1, 9))
            )
            text = " ".join(words) + str(rng.choice([".", "?", "!", ","]))
            pace = int(rng.integers(100, 240))
        said = speaker.say(
            text,
            voice,
            words_a_minute=pace,
            pitch=int(rng.integers(20, 100)),
            liveliness=int(rng.integers(10, 100)),
        )
        pause = np.zeros(int(rng.uniform(0, 0.8) * speaker.rate), np.float32)
        parts += [said, pause]
        lasts += (len(said) + len(pause)) / speaker.rate / factor + 0.05
    spoken = speed(np.concatenate(parts), factor * speaker.rate / RATE)
    return _one(spoken[: round(seconds * RATE)]), adult
