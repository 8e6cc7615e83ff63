"""The melody of a cry: its fundamental frequency over time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.errors import ModelError, ParameterError
from harken.sound.blocks import RATE


@dataclass(frozen=True, slots=True, eq=False)
class PitchTrack:
    """A contour of the fundamental frequency.

    Parameters
    ----------
    times : float64[n]
        Middle of each analysis window, in seconds from the first sample.
    hz : float64[n]
        Fundamental frequency; NaN where there is none.
    """

    times: NDArray[np.float64]
    hz: NDArray[np.float64]


def pitch(
    samples: NDArray[np.float32],
    *,
    floor_hz: float = 200.0,
    ceiling_hz: float = 900.0,
    step_s: float = 0.01,
) -> PitchTrack:
    """Follow the fundamental frequency with Praat's autocorrelation method.

    Parameters
    ----------
    samples : float32[n]
        Mono, 16 kHz, finite.
    floor_hz, ceiling_hz : float, 20 ≤ floor < ceiling ≤ 4000 [Hz]
        Range that is looked through. Cries lie at about 300 to 600 Hz; those
        above 1000 Hz (hyperphonation) need a higher ceiling.
    step_s : float > 0 [s]
        Time between two estimates.

    Returns
    -------
    PitchTrack
        Empty where the sound is shorter than three periods of `floor_hz`.

    Raises
    ------
    ParameterError
        If an argument breaks its rule.
    ModelError
        If praat-parselmouth is not installed.

    References
    ----------
    P. Boersma (1993), Accurate short-term analysis of the fundamental frequency
    and the harmonics-to-noise ratio of a sampled sound, IFA Proceedings 17,
    97-110; through Praat by way of Parselmouth: Jadoul, Thompson, de Boer
    (2018), Journal of Phonetics 71, 1-15.

    Examples
    --------
    >>> t = np.arange(16_000) / 16_000
    >>> track = pitch(np.sin(2 * np.pi * 440 * t).astype(np.float32))
    >>> round(float(np.nanmedian(track.hz)))
    440
    """
    if not 20 <= floor_hz < ceiling_hz <= RATE / 4:
        raise ParameterError(
            f"floor_hz={floor_hz:g}, ceiling_hz={ceiling_hz:g} must keep "
            f"20 ≤ floor < ceiling ≤ {RATE // 4} Hz"
        )
    if not (np.isfinite(step_s) and step_s > 0):
        raise ParameterError(f"step_s={step_s} must be a finite number of seconds above 0")
    samples = np.asarray(samples)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ParameterError("samples: must be one-dimensional and finite")
    try:
        import parselmouth
    except ImportError:
        raise ModelError(
            "pitch needs the package praat-parselmouth: pip install 'harken[pitch]'"
        ) from None
    if len(samples) / RATE <= 3 / floor_hz:
        return PitchTrack(np.empty(0), np.empty(0))
    sound = parselmouth.Sound(samples.astype(np.float64), sampling_frequency=RATE)
    track = sound.to_pitch_ac(time_step=step_s, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    hz = np.asarray(track.selected_array["frequency"], np.float64)
    return PitchTrack(np.asarray(track.xs(), np.float64), np.where(hz > 0, hz, np.nan))
