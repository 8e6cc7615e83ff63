"""What a room, a microphone and a codec do to sound.

Small, seeded models for rendering and for training: enough to move a close and
clean recording to the far end of a room, through a phone, and down a wire.
"""

from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.sound.blocks import RATE

Samples = NDArray[np.float32]

CODECS = ("none", "mulaw", "adpcm", "mp3", "opus", "aac")
"""Names that `through_codec` takes."""

_CONTAINERS = {
    "adpcm": ("wav", "adpcm_ima_wav", "s16p", None),
    "mp3": ("mp3", "libmp3lame", "s16p", 32_000),
    "opus": ("ogg", "libopus", "s16", 16_000),
    "aac": ("mp4", "aac", "fltp", 32_000),
}


def rms_dbfs(samples: Samples) -> float:
    """RMS level of a run of samples.

    Parameters
    ----------
    samples : float32[n]

    Returns
    -------
    float
        dBFS, 0 for a full-scale square wave; −inf for digital silence or n = 0.

    Examples
    --------
    >>> round(rms_dbfs(np.full(100, 0.1, np.float32)), 1)
    -20.0
    """
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * float(np.log10(power)) if power > 0 else -np.inf


def at_level(samples: Samples, dbfs: float) -> Samples:
    """Scale to an RMS level; digital silence stays as it is.

    Parameters
    ----------
    samples : float32[n]
    dbfs : float
        Wanted RMS level, dBFS.

    Returns
    -------
    float32[n]
        Not clipped.

    Examples
    --------
    >>> round(rms_dbfs(at_level(np.ones(10, np.float32), -30.0)), 1)
    -30.0
    """
    now = rms_dbfs(samples)
    if not np.isfinite(now):
        return samples
    return samples * np.float32(10 ** ((dbfs - now) / 20))


def speed(samples: Samples, factor: float) -> Samples:
    """Play faster or slower, so that pitch, formants and tempo move together.

    A child's voice at 1.3 comes near an infant's; band-limited, by resampling
    in the frequency domain.

    Parameters
    ----------
    samples : float32[n]
    factor : float
        Above 0; 1.25 is a quarter faster, higher and shorter.

    Returns
    -------
    float32[round(n / factor)]

    Raises
    ------
    ParameterError
        If `factor` is not above 0.

    Examples
    --------
    >>> len(speed(np.zeros(1000, np.float32), 1.25))
    800
    """
    if not factor > 0:
        raise ParameterError(f"factor is {factor}; it must be above 0")
    n_in, n_out = len(samples), round(len(samples) / factor)
    if n_in == 0 or n_out == 0:
        return np.zeros(n_out, np.float32)
    # A length with small prime factors keeps the transform fast.
    pad = -n_in % 512
    spectrum = np.fft.rfft(np.pad(samples, (0, pad)))
    n_long = round((n_in + pad) / factor)
    n_long += n_long % 2
    bins = n_long // 2 + 1
    spectrum = (
        spectrum[:bins] if bins <= len(spectrum) else np.pad(spectrum, (0, bins - len(spectrum)))
    )
    out = np.fft.irfft(spectrum, n_long) * (n_long / (n_in + pad))
    return out[:n_out].astype(np.float32)


def coloured_noise(n: int, rng: np.random.Generator, slope_db: float = -3.0) -> Samples:
    """Noise whose spectrum falls or rises steadily.

    Parameters
    ----------
    n : int
        Samples.
    rng : numpy.random.Generator
    slope_db : float
        dB an octave: 0 white, −3 pink, −6 brown.

    Returns
    -------
    float32[n]
        RMS about 0.1 (−20 dBFS).

    Examples
    --------
    >>> noise = coloured_noise(16000, np.random.default_rng(0))
    >>> round(rms_dbfs(noise))
    -20
    """
    size = max(n + (-n % 1024), 1024)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 20.0)
    noise = np.fft.irfft(spectrum * (hz / 1000) ** (slope_db / 6.0206), size)[:n]
    return at_level(noise.astype(np.float32), -20.0)


def room_response(rng: np.random.Generator, *, rt60_s: float, direct_db: float = 0.0) -> Samples:
    """Impulse response of a room: direct sound, early reflections, decaying tail.

    The tail is noise whose high frequencies die sooner (Moorer 1979, "About
    this reverberation business"); early reflections are a sparse train.

    Parameters
    ----------
    rng : numpy.random.Generator
    rt60_s : float
        Time in which the tail falls by 60 dB, 0 to 3 s; a furnished bedroom has
        about 0.3–0.5.
    direct_db : float
        Energy of the direct sound over that of everything after it, in dB; far
        from the cot it is 0 or below.

    Returns
    -------
    float32[n]
        Unit energy; the direct sound is sample 0.

    Raises
    ------
    ParameterError
        If `rt60_s` is outside 0 to 3.

    Examples
    --------
    >>> response = room_response(np.random.default_rng(0), rt60_s=0.4)
    >>> round(float(np.sum(response ** 2)), 3)
    1.0
    """
    if not 0 <= rt60_s <= 3:
        raise ParameterError(f"rt60_s is {rt60_s}; it must be 0 to 3 seconds")
    n = max(int(rt60_s * RATE), 1)
    t = np.arange(n) / RATE
    tail = np.zeros(n)
    if n > 400:
        for low, high, share in ((0, 1000, 1.0), (1000, 3000, 0.85), (3000, 8000, 0.6)):
            band = band_limit(rng.standard_normal(n).astype(np.float32), low, high)
            tail += band * 10 ** (-3 * t / (rt60_s * share))
        tail[:80] = 0
        tail *= 1 - np.exp(-t / 0.012)
        for delay in rng.integers(30, min(800, n), size=6):
            tail[delay] += rng.choice([-1, 1]) * np.abs(tail).max() * rng.uniform(1, 3) * 0.7
    energy = float(np.sum(tail**2))
    if energy > 0:
        tail *= np.sqrt(10 ** (-direct_db / 10) / energy)
    tail[0] = 1.0
    response: Samples = (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)
    return response


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Put a sound into a room.

    Parameters
    ----------
    samples : float32[n]
    response : float32[m]
        From `room_response`.

    Returns
    -------
    float32[n]
        Same length: the tail after the last sample is cut.

    Examples
    --------
    >>> reverberate(np.ones(4, np.float32), np.ones(1, np.float32)).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    n = len(samples)
    if n == 0 or len(response) == 1:
        return samples * (response[0] if len(response) else np.float32(1))
    size = 1 << int(np.ceil(np.log2(n + len(response))))
    out = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)
    return out[:n].astype(np.float32)


def band_limit(samples: Samples, low_hz: float, high_hz: float) -> Samples:
    """Keep a band, with soft edges of a third of an octave.

    Parameters
    ----------
    samples : float32[n]
    low_hz, high_hz : float
        Edges; 0 and 8000 leave that side open.

    Returns
    -------
    float32[n]

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 3000 * np.arange(16000) / 16000).astype(np.float32)
    >>> rms_dbfs(band_limit(tone, 0, 1000)) < -50
    True
    """
    n = len(samples)
    if n == 0:
        return samples
    size = n + (-n % 512)
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 1e-3)
    gain = np.ones_like(hz)
    if low_hz > 0:
        gain *= np.clip(0.5 + 3 * np.log2(hz / low_hz), 0, 1)
    if high_hz < RATE / 2:
        gain *= np.clip(0.5 - 3 * np.log2(hz / high_hz), 0, 1)
    return np.fft.irfft(np.fft.rfft(samples, size) * gain, size)[:n].astype(np.float32)


def microphone(samples: Samples, rng: np.random.Generator) -> Samples:
    """Colour a sound as some phone's or camera's microphone would.

    Parameters
    ----------
    samples : float32[n]
    rng : numpy.random.Generator
        Draws the edges of the band, a tilt and a broad peak.

    Returns
    -------
    float32[n]
        About the level it had.

    Examples
    --------
    >>> len(microphone(np.zeros(100, np.float32), np.random.default_rng(0)))
    100
    """
    n = len(samples)
    if n == 0:
        return samples
    size = n + (-n % 512)
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 20.0)
    octaves = np.log2(hz / 1000)
    db = rng.uniform(-2.0, 2.0) * octaves
    db += rng.uniform(-6, 6) * np.exp(-(((octaves - rng.uniform(-1, 2.5)) / 0.7) ** 2))
    db -= 12 * np.maximum(np.log2(rng.uniform(50, 250) / hz), 0)
    db -= 24 * np.maximum(np.log2(hz / rng.uniform(4500, 9000)), 0)
    out = np.fft.irfft(np.fft.rfft(samples, size) * 10 ** (db / 20), size)[:n].astype(np.float32)
    return at_level(out, rms_dbfs(samples))


def clip(samples: Samples, over_db: float) -> Samples:
    """Overdrive: amplify, then cut at full scale.

    Parameters
    ----------
    samples : float32[n]
    over_db : float
        How far the peak is pushed over full scale, 0 dB or more.

    Returns
    -------
    float32[n]
        Within −1 to 1.

    Examples
    --------
    >>> float(clip(np.array([0.1, 0.5], np.float32), 6.0).max())
    1.0
    """
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    if peak == 0:
        return samples
    pushed: Samples = samples / np.float32(peak) * np.float32(10 ** (over_db / 20))
    return pushed.clip(-1, 1)


def through_codec(samples: Samples, codec: str) -> Samples:
    """Encode and decode, as a telephone, a camera or a browser would.

    Parameters
    ----------
    samples : float32[n]
        Within −1 to 1; what is over is clipped.
    codec : str
        One of `CODECS`: ``mulaw`` is 8 kHz telephone sound (ITU-T G.711).

    Returns
    -------
    float32[n]
        Same length; the codec's own delay is the decoder's to undo.

    Raises
    ------
    ParameterError
        If `codec` is not in `CODECS`.

    Examples
    --------
    >>> tone = 0.3 * np.sin(np.arange(16000) * 0.2).astype(np.float32)
    >>> len(through_codec(tone, "mulaw"))
    16000
    """
    if codec not in CODECS:
        raise ParameterError(f"codec is {codec!r}; it must be one of {', '.join(CODECS)}")
    n = len(samples)
    if codec == "none" or n == 0:
        return samples
    if codec == "mulaw":
        low = band_limit(np.clip(samples, -1, 1), 250, 3400)
        squeezed = np.sign(low) * np.log1p(255 * np.abs(low)) / np.log(256)
        coarse = np.round(squeezed * 127) / 127
        wide: Samples = (np.sign(coarse) * np.expm1(np.abs(coarse) * np.log(256)) / 255).astype(
            np.float32
        )
        return wide
    container, name, sample_format, bit_rate = _CONTAINERS[codec]
    wire = BytesIO()
    with av.open(wire, "w", format=container) as out:
        stream = out.add_stream(name, rate=RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        if bit_rate:
            stream.bit_rate = bit_rate
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        fit = av.AudioResampler(
            sample_format, "mono", RATE, frame_size=stream.codec_context.frame_size
        )
        for piece in [*fit.resample(frame), *fit.resample(None), None]:
            out.mux(stream.encode(piece))
    wire.seek(0)
    back = av.AudioResampler("flt", "mono", RATE)
    with av.open(wire, "r") as source:
        decoded = [
            piece.to_ndarray()[0]
            for got in [*source.decode(audio=0), None]
            for piece in back.resample(got)
        ]
    heard = np.concatenate(decoded) if decoded else np.zeros(0, np.float32)
    return np.pad(heard[:n], (0, max(n - len(heard), 0))).astype(np.float32)
