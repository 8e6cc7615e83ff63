"""Voices made from nothing: a crying infant, the sounds mistaken for it, an adult.

A source–filter model in numpy. The source is a sum of harmonics (so nothing
folds back over the Nyquist frequency) with jitter, shimmer, subharmonics and
breath noise; the filter is a cascade of formants of a tube open at one end,
moved by the jaw. Everything is drawn from the generator that is passed in.

What a cry is made of, and where that is from:

- breath cycles of expiration, pause, inspiration, pause; the expiration is a
  cry sound of about 1.4 s (SD 0.6) in selected clear cries [1]_ [2]_, with about
  57 breaths a minute in pain crying [3]_;
- pitch 250–700 Hz in phonation, mean near 500 Hz, with rising–falling melody the
  commonest [1]_ [2]_, more arcs a sound with age [4]_; 1000–2000 Hz in
  hyperphonation, and noisy or subharmonic vibration in dysphonation [5]_ [6]_ [7]_;
- formants near 1.1, 3.3 and 5.5 kHz of a tract of about 8 cm [5]_.

The modes in which a larynx leaves regular vibration are those of [8]_.

References
----------
.. [1] Wasz-Höckert O, Lind J, Vuorenkoski V, Partanen T, Valanne E (1968).
   The Infant Cry: a Spectrographic and Auditory Analysis.
.. [2] Michelsson K, Michelsson O (1999). Phonation in the newborn, infant cry.
   Int J Pediatr Otorhinolaryngol 49, S297–S301.
.. [3] Robb MP et al. (2011). Acoustic estimates of respiration in the pain cries
   of newborns. Int J Pediatr Otorhinolaryngol 75, 1265–1270.
.. [4] Wermke K, Mende W (2009). Musical elements in human infants' cries: in the
   beginning is the melody. Musicae Scientiae 13, 151–175.
.. [5] Golub HL, Corwin MJ (1985). A physioacoustic model of the infant cry. In:
   Infant Crying: Theoretical and Research Perspectives, 59–82.
.. [6] LaGasse LL, Neal AR, Lester BM (2005). Assessment of infant cry: acoustic
   cry analysis and parental perception. Ment Retard Dev Disabil Res Rev 11, 83–93.
.. [7] Kheddache Y, Tadj C (2013). Acoustic measures of the cry characteristics of
   healthy newborns and newborns with pathologies. J Biomed Sci Eng 6, 796–804.
.. [8] Mende W, Herzel H, Wermke K (1990). Bifurcations and chaos in newborn infant
   cries. Physics Letters A 145, 418–424.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.sound.blocks import RATE

Samples = NDArray[np.float32]
_Curve = NDArray[np.float64]

_STEP = 80
_STEP_S = _STEP / RATE
_TOP_HZ = 7600.0
_SPEED_OF_SOUND_CM_S = 35_000.0
_PEAK = 0.9

_MELODIES: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = (
    # share, then (place in the sound 0–1, semitones from the infant's own pitch)
    (0.50, ((0.0, -4.0), (0.15, 0.5), (0.4, 2.0), (0.75, 0.5), (1.0, -5.0))),
    (0.20, ((0.0, 1.0), (0.1, 2.5), (0.5, 0.0), (1.0, -5.0))),
    (0.12, ((0.0, -2.0), (0.1, 0.5), (0.85, 0.0), (1.0, -3.0))),
    (0.06, ((0.0, -4.0), (0.5, 0.0), (0.9, 3.0), (1.0, 1.0))),
    (0.12, ((0.0, -3.0), (0.25, 2.0), (0.5, -2.0), (0.7, 1.5), (1.0, -5.0))),
)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A made voice and when it sounds.

    Parameters
    ----------
    samples : float32[n]
        16 kHz, peak 0.9.
    spans : tuple of (float, float)
        Start and end of each expiration, syllable or burst, in seconds, in order,
        disjoint. Inspirations lie between the spans of a cry.
    """

    samples: Samples
    spans: tuple[tuple[float, float], ...]


def cry(
    seconds: float,
    *,
    rng: np.random.Generator,
    age_weeks: float = 8.0,
    intensity: float = 0.7,
    pitch_hz: float | None = None,
) -> Utterance:
    """Make an infant cry.

    Parameters
    ----------
    seconds : float
        0.2 to 600.
    rng : numpy.random.Generator
        Settles everything that is left open.
    age_weeks : float
        0 to 60; sets the length of the tract and how often a melody has two arcs.
    intensity : float
        0 (a low whine) to 1 (a scream): pitch, length of the sounds, how open the
        mouth is, spectral tilt, hyperphonation and roughness.
    pitch_hz : float, optional
        The infant's own pitch at middle intensity, 250 to 700. The same age and
        pitch are the same infant; without it one is drawn around 430 Hz.

    Returns
    -------
    Utterance
        ``round(seconds * 16000)`` samples; a span an expiration.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    >>> heard = cry(4.0, rng=np.random.default_rng(0))
    >>> len(heard.samples), len(heard.spans) >= 2
    (64000, True)
    """
    _within("seconds", seconds, 0.2, 600.0)
    _within("age_weeks", age_weeks, 0.0, 60.0)
    _within("intensity", intensity, 0.0, 1.0)
    pitch = float(np.clip(rng.normal(430, 45), 330, 560)) if pitch_hz is None else pitch_hz
    _within("pitch_hz", pitch, 250.0, 700.0)
    pitch *= 2 ** ((intensity - 0.5) * 2 / 12)

    tracks = _Tracks(seconds, pitch)
    spans: list[tuple[float, float]] = []
    at = float(rng.uniform(0.02, 0.1))
    mood = 0.0
    while at < seconds - 0.15:
        # Crying swells and ebbs over several breaths.
        mood = 0.8 * mood + rng.normal(0, 0.06)
        effort = float(np.clip(intensity + mood, 0, 1))
        length = (0.5 + 0.47 * effort) * float(np.exp(rng.normal(0, 0.28)))
        length = min(max(length, 0.35), 2.4, seconds - at)
        _expire(tracks, at, length, effort, age_weeks, rng)
        spans.append((at, at + length))
        at += length + float(rng.uniform(0.03, 0.12))
        if effort < 0.45:
            at += float(rng.uniform(0.1, 0.9)) * (0.6 - effort) / 0.6
        gasp = float(rng.uniform(0.12, 0.26))
        if at + gasp < seconds:
            _inspire(tracks, at, gasp, effort, rng)
        at += gasp + float(rng.uniform(0.02, 0.12))
    return _finish(tracks, _crying(age_weeks), spans, rng)


def fuss(
    seconds: float,
    *,
    rng: np.random.Generator,
    age_weeks: float = 8.0,
    pitch_hz: float | None = None,
) -> Utterance:
    """Make the low whining that comes before a cry: `cry` at intensity 0.15.

    Parameters, returns and errors are those of `cry`.

    Examples
    --------
    >>> len(fuss(2.0, rng=np.random.default_rng(0)).samples)
    32000
    """
    return cry(seconds, rng=rng, age_weeks=age_weeks, intensity=0.15, pitch_hz=pitch_hz)


def babble(seconds: float, *, rng: np.random.Generator, age_weeks: float = 30.0) -> Utterance:
    """Make contented babble: soft syllables with an opening and closing mouth.

    Parameters
    ----------
    seconds : float
        0.2 to 600.
    rng : numpy.random.Generator
    age_weeks : float
        0 to 60.

    Returns
    -------
    Utterance
        ``round(seconds * 16000)`` samples; a span a syllable.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    >>> len(babble(1.5, rng=np.random.default_rng(0)).samples)
    24000
    """
    _within("seconds", seconds, 0.2, 600.0)
    _within("age_weeks", age_weeks, 0.0, 60.0)
    pitch = float(rng.uniform(270, 380))
    tracks = _Tracks(seconds, pitch)
    spans: list[tuple[float, float]] = []
    at = float(rng.uniform(0.02, 0.1))
    while at < seconds - 0.15:
        for _ in range(int(rng.integers(1, 6))):
            length = min(float(rng.uniform(0.14, 0.34)), seconds - at)
            if length < 0.1:
                break
            tracks.put(
                at,
                length,
                semitones=_curve(length, ((0, 0), (0.4, rng.uniform(-1, 3)), (1, -2))),
                loud=_swell(length, 0.05, 0.07) * rng.uniform(0.4, 1.0),
                breath=0.05,
                jaw=_curve(length, ((0, 0.0), (0.5, rng.uniform(0.4, 0.8)), (1, 0.0))),
                tongue=float(rng.uniform(-1, 1)),
                tilt=-7.0,
            )
            spans.append((at, at + length))
            at += length + float(rng.uniform(0.01, 0.06))
        at += float(rng.uniform(0.3, 1.2))
    return _finish(tracks, _Body(_infant_tract_cm(age_weeks)), spans, rng)


def laugh(seconds: float, *, rng: np.random.Generator, age_weeks: float = 30.0) -> Utterance:
    """Make an infant laugh: four to five short breathy bursts a second.

    Parameters
    ----------
    seconds : float
        0.2 to 600.
    rng : numpy.random.Generator
    age_weeks : float
        0 to 60.

    Returns
    -------
    Utterance
        ``round(seconds * 16000)`` samples; a span a burst.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    >>> len(laugh(1.0, rng=np.random.default_rng(0)).samples)
    16000
    """
    _within("seconds", seconds, 0.2, 600.0)
    _within("age_weeks", age_weeks, 0.0, 60.0)
    pitch = float(rng.uniform(430, 540))
    tracks = _Tracks(seconds, pitch)
    spans: list[tuple[float, float]] = []
    at = float(rng.uniform(0.02, 0.1))
    while at < seconds - 0.1:
        beat = float(rng.uniform(0.19, 0.24))
        fall = float(rng.uniform(-0.3, 0.1))
        height = float(rng.uniform(0, 1))
        for i in range(int(rng.integers(4, 12))):
            length = min(beat * float(rng.uniform(0.36, 0.48)), seconds - at)
            if length < 0.06:
                break
            tracks.put(
                at,
                length,
                semitones=_curve(length, ((0, -3), (0.3, 2), (1, 2))) + height + fall * i,
                loud=_swell(length, 0.07, 0.1) * 0.98**i,
                breath=_curve(length, ((0, 0.05), (0.3, 0.07), (1, 1))),
                jaw=0.37,
                tongue=0.7,
                tilt=-3.8,
            )
            spans.append((at, at + length))
            at += beat
        gasp = float(rng.uniform(0.15, 0.3))
        if at + gasp < seconds:
            _inspire(tracks, at, gasp, 0.3, rng)
        at += gasp + float(rng.uniform(0.1, 0.9))
    return _finish(
        tracks, _Body(_infant_tract_cm(age_weeks), width_hz=95.0, width_share=0.01), spans, rng
    )


def speak(seconds: float, *, rng: np.random.Generator, pitch_hz: float | None = None) -> Utterance:
    """Make an adult voice without words: about four syllables a second, in phrases.

    Parameters
    ----------
    seconds : float
        0.2 to 600.
    rng : numpy.random.Generator
    pitch_hz : float, optional
        70 to 300; drawn from 100 to 220 without it. The tract is shorter for a
        higher voice (17.5 cm at 100 Hz, 14.5 cm at 220 Hz).

    Returns
    -------
    Utterance
        ``round(seconds * 16000)`` samples; a span a phrase.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    >>> len(speak(1.0, rng=np.random.default_rng(0)).samples)
    16000
    """
    _within("seconds", seconds, 0.2, 600.0)
    pitch = float(rng.uniform(100, 220)) if pitch_hz is None else pitch_hz
    _within("pitch_hz", pitch, 70.0, 300.0)
    tracks = _Tracks(seconds, pitch)
    spans: list[tuple[float, float]] = []
    at = float(rng.uniform(0.02, 0.1))
    while at < seconds - 0.15:
        began, syllables = at, int(rng.integers(3, 12))
        for i in range(syllables):
            hiss = float(rng.uniform(0.03, 0.1)) if rng.random() < 0.6 else 0.0
            length = min(float(rng.uniform(0.11, 0.26)), seconds - at - hiss)
            if length < 0.06:
                break
            if hiss:
                tracks.put(at, hiss, loud=0.0, breath=_swell(hiss, 0.02, 0.02) * 0.25, jaw=0.0,
                           tongue=1.0, hiss=True)  # fmt: skip
            accent = float(rng.uniform(0, 1))
            slope = 3.0 - 6.0 * i / syllables
            tracks.put(
                at + hiss,
                length,
                semitones=slope + accent * 2 + _curve(length, ((0, -1), (0.4, 0.5), (1, -1))),
                loud=_swell(length, 0.03, 0.05) * (0.5 + 0.5 * accent),
                breath=0.01,
                jaw=_curve(length, ((0, 0.15), (0.5, rng.uniform(0.2, 0.9)), (1, 0.15))),
                tongue=float(rng.uniform(-1, 1)),
                tilt=-8.0,
            )
            at += length + hiss + float(rng.uniform(0.0, 0.05))
        spans.append((began, min(at, seconds)))
        at += float(rng.uniform(0.3, 1.0))
    tract = float(np.clip(17.5 - (pitch - 100) / 40, 12.5, 18.0))
    return _finish(tracks, _Body(tract), spans, rng)


def bark(seconds: float, *, rng: np.random.Generator) -> Utterance:
    """Make a dog bark: one to three short hoarse bursts at a time.

    Parameters
    ----------
    seconds : float
        0.2 to 600.
    rng : numpy.random.Generator

    Returns
    -------
    Utterance
        ``round(seconds * 16000)`` samples; a span a bark.

    Raises
    ------
    ParameterError
        If `seconds` is outside its range.

    Examples
    --------
    >>> len(bark(1.0, rng=np.random.default_rng(0)).samples)
    16000
    """
    _within("seconds", seconds, 0.2, 600.0)
    tracks = _Tracks(seconds, float(rng.uniform(250, 500)))
    spans: list[tuple[float, float]] = []
    at = 0.05
    while at < seconds - 0.1:
        for _ in range(int(rng.integers(1, 4))):
            length = min(float(rng.uniform(0.12, 0.2)), seconds - at)
            if length < 0.06:
                break
            swell = _swell(length, 0.015, 0.08)
            tracks.put(
                at,
                length,
                semitones=_curve(length, ((0, -2), (0.3, 3), (1, -7))),
                loud=swell,
                breath=swell * 0.2,
                jaw=_curve(length, ((0, 0.1), (0.4, 0.9), (1, 0.1))),
                tilt=-5.0,
                rough=0.9,
                halved=0.5,
            )
            spans.append((at, at + length))
            at += length + float(rng.uniform(0.12, 0.35))
        at += float(rng.uniform(0.4, 1.5))
    return _finish(tracks, _Body(13.0), spans, rng)


class _Tracks:
    """What lungs, larynx and mouth do, one row each 5 ms."""

    def __init__(self, seconds: float, pitch_hz: float) -> None:
        self.n = round(seconds * RATE)
        rows = self.n // _STEP + 2
        self.f0 = np.full(rows, pitch_hz)
        self.loud = np.zeros(rows)
        self.breath = np.zeros(rows)
        self.jaw = np.full(rows, 0.3)
        self.tongue = np.zeros(rows)
        self.tilt = np.full(rows, -6.0)
        self.rough = np.zeros(rows)
        self.halved = np.zeros(rows)
        self.hiss = np.zeros(rows, np.bool_)

    def put(
        self,
        at_s: float,
        length_s: float,
        *,
        semitones: _Curve | float = 0.0,
        loud: _Curve | float,
        breath: _Curve | float,
        jaw: _Curve | float,
        tongue: _Curve | float = 0.0,
        tilt: _Curve | float = -6.0,
        rough: _Curve | float = 0.0,
        halved: _Curve | float = 0.0,
        hiss: bool = False,
    ) -> None:
        first = round(at_s / _STEP_S)
        rows = slice(first, min(first + _rows(length_s), len(self.f0)))
        given = {
            "loud": loud,
            "breath": breath,
            "jaw": jaw,
            "tongue": tongue,
            "tilt": tilt,
            "rough": rough,
            "halved": halved,
            "hiss": hiss,
            "f0": self.f0[-1] * 2 ** (np.asarray(semitones) / 12),
        }
        for name, value in given.items():
            curve = np.asarray(value)
            getattr(self, name)[rows] = curve[: rows.stop - first] if curve.ndim else curve


def _expire(
    tracks: _Tracks,
    at: float,
    length: float,
    effort: float,
    age_weeks: float,
    rng: np.random.Generator,
) -> None:
    shares = np.array([share for share, _ in _MELODIES])
    shares[-1] *= 0.5 + min(age_weeks, 30) / 15
    knots = _MELODIES[int(rng.choice(len(shares), p=shares / shares.sum()))][1]
    span = float(rng.uniform(0.7, 1.6))
    lift = float(rng.normal(0, 1.0))
    semitones = _curve(length, [(x, y * span + lift) for x, y in knots])
    t = np.arange(len(semitones)) * _STEP_S
    semitones += rng.uniform(0.3, 1.1) * np.sin(
        2 * np.pi * rng.uniform(5, 9) * t + rng.uniform(0, 6)
    )
    rough = np.full(len(t), 0.06)
    halved = np.zeros(len(t))
    if rng.random() < 0.12 * effort**2:
        _mark(semitones, float(np.clip(rng.normal(14, 2), 11, 18)), rng, 0.15, 0.5)
    if rng.random() < 0.16 + 0.54 * effort:
        _mark(rough, float(rng.uniform(0.5, 1.0)), rng, 0.2, 0.6)
    if rng.random() < 0.47:
        _mark(halved, float(rng.uniform(0.3, 0.8)), rng, 0.15, 0.5)
    loud = _swell(length, float(rng.uniform(0.03, 0.09)), float(rng.uniform(0.08, 0.2)))
    loud *= _curve(length, ((0, 0.8), (0.35, 1.0), (0.8, 0.85), (1, 0.5))) * (0.35 + 0.65 * effort)
    wide = 0.35 + 0.4 * effort
    tracks.put(
        at,
        length,
        semitones=semitones,
        loud=loud,
        breath=loud * (0.08 + 0.09 * rough),
        jaw=wide * _curve(length, ((0, 0.45), (0.25, 1.0), (0.75, 1.0), (1, 0.5))),
        tongue=_curve(length, ((0, rng.uniform(-0.6, 0.6)), (1, rng.uniform(-0.6, 0.6)))),
        tilt=-2.6 + 7.0 * effort,
        rough=rough,
        halved=halved,
    )


def _inspire(
    tracks: _Tracks, at: float, length: float, effort: float, rng: np.random.Generator
) -> None:
    voiced = rng.random() < 0.25 + 0.35 * effort
    swell = _swell(length, 0.05, 0.06)
    tracks.put(
        at,
        length,
        semitones=_curve(length, ((0, 1), (1, rng.uniform(4, 8)))),
        loud=swell * rng.uniform(0.1, 0.25) * voiced,
        breath=swell * rng.uniform(0.05, 0.15) * (0.4 + effort),
        jaw=0.5,
        tilt=-5.0,
        rough=0.6,
    )


def _mark(
    curve: _Curve, height: float, rng: np.random.Generator, shortest: float, longest: float
) -> None:
    """Raise one stretch of a curve by about `height`, with edges of 15 ms."""
    n = len(curve)
    width = max(int(n * rng.uniform(shortest, longest)), 8)
    first = int(rng.integers(0, max(n - width, 1)))
    box = np.zeros(n)
    box[first : first + width] = height
    curve += np.convolve(box, np.full(3, 1 / 3), "same")


def _rows(length_s: float) -> int:
    return max(round(length_s / _STEP_S), 2)


def _curve(length_s: float, knots: object) -> _Curve:
    """Go smoothly through (place 0–1, value) knots; one value each 5 ms."""
    points = np.asarray(knots, np.float64)
    rows = _rows(length_s)
    line = np.interp(np.linspace(0, 1, rows), points[:, 0], points[:, 1])
    width = max(min(rows // 6, 16), 1)
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(line, width, mode="edge")
    smooth = np.convolve(padded, window / window.sum(), "same")
    return smooth[width : width + rows]


def _swell(length_s: float, attack_s: float, release_s: float) -> _Curve:
    """0 to 1 and back to 0 with raised-cosine edges; one value each 5 ms."""
    t = np.linspace(0, length_s, _rows(length_s))
    edges = np.minimum(t / attack_s, (length_s - t) / release_s)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(edges, 0, 1))


@dataclass(frozen=True, slots=True)
class _Body:
    """A tract and a larynx at rest; formants as multiples of the neutral tube's."""

    tract_cm: float
    first: float = 0.55
    second: float = 1.0
    reach: float = 0.2
    third: float = 1.0
    width_hz: float = 60.0
    width_share: float = 0.06
    jitter: float = 0.003
    shimmer: float = 0.03


def _infant_tract_cm(age_weeks: float) -> float:
    return 7.8 + 0.022 * age_weeks


def _crying(age_weeks: float) -> _Body:
    # The open, tense mouth of a cry: fitted so that band energies, harmonicity and
    # pitch of made cries come to the middle of recorded ones.
    return _Body(_infant_tract_cm(age_weeks), 0.63, 0.91, 0.1, 1.11, 130.0, 0.026, 0.004, 0.17)


def _formants(tracks: _Tracks, body: _Body) -> _Curve:
    """Formant frequencies, hertz; float64[4, rows]."""
    quarter_wave = _SPEED_OF_SOUND_CM_S / (4 * body.tract_cm)
    jaw, tongue = tracks.jaw, tracks.tongue
    return quarter_wave * np.stack(
        [
            body.first + 0.6 * jaw,
            3 * (body.second + body.reach * tongue - 0.1 * jaw),
            5 * (body.third + 0.05 * tongue),
            7 * np.ones_like(jaw),
        ]
    )


def _response(hz: _Curve, formants: _Curve, body: _Body) -> _Curve:
    """Gain of a cascade of resonances, 1 at 0 Hz; `hz` and one formant row broadcast."""
    gain = np.ones(np.broadcast_shapes(hz.shape, formants[0].shape))
    for formant in formants:
        width = body.width_hz + body.width_share * formant
        gain *= formant**2 / np.hypot(formant**2 - hz**2, hz * width)
    return gain


def _voice(
    tracks: _Tracks, formants: _Curve, body: _Body, rng: np.random.Generator
) -> tuple[_Curve, _Curve]:
    """Sum the harmonics of the larynx; also the phase of its cycle, for the breath."""
    n, rows = tracks.n, len(tracks.f0)
    # Jitter and shimmer change from cycle to cycle, faster than the tracks.
    fast = np.arange(0, rows * _STEP, 16)
    wobble = rng.standard_normal((2, len(fast)))
    at_fast = np.interp(fast, np.arange(rows) * _STEP, tracks.rough)
    jitter = 1 + wobble[0] * (body.jitter + 0.057 * at_fast**2)
    shimmer = 1 + wobble[1] * (body.shimmer + 0.25 * at_fast)
    f0_fast = np.interp(fast, np.arange(rows) * _STEP, tracks.f0) * jitter
    f0 = np.repeat(f0_fast, 16)[:n]
    phase = np.cumsum(f0) * (2 * np.pi / RATE)

    sounding = tracks.loud > 0
    lowest = float(tracks.f0[sounding].min()) if sounding.any() else _TOP_HZ
    turn = np.exp(1j * (phase % (2 * np.pi))).astype(np.complex64)
    partial = np.ones_like(turn)
    ramp = (np.arange(_STEP) / _STEP).astype(np.float32)
    out = np.zeros((rows - 1) * _STEP, np.float32)
    for k in range(1, int(_TOP_HZ / lowest) + 1):
        hz = k * tracks.f0
        gain = tracks.loud * k ** (tracks.tilt / 6.0206) * _response(hz, formants, body)
        gain *= np.clip((_TOP_HZ - hz) / 600, 0, 1)
        partial *= turn
        g = gain.astype(np.float32)
        curve = (g[:-1, None] + (g[1:] - g[:-1])[:, None] * ramp).ravel()
        out[:n] += curve[:n] * partial.imag
    out[:n] *= np.repeat(shimmer, 16)[:n]
    halved = np.repeat(tracks.halved, _STEP)[:n]
    return out[:n] * (1 + halved * np.cos(phase / 2)), phase


def _breath(
    tracks: _Tracks, formants: _Curve, phase: _Curve, body: _Body, rng: np.random.Generator
) -> _Curve:
    """Noise of moving air, shaped by the mouth and pulsed by the larynx."""
    hop, size = 2 * _STEP, 512
    frames = len(tracks.f0) // 2 + 2
    noise = rng.standard_normal((frames + 1) * hop)
    pieces = np.lib.stride_tricks.sliding_window_view(noise, 2 * hop)[::hop]
    row = np.minimum(np.arange(len(pieces)) * 2, len(tracks.f0) - 1)
    hz = np.fft.rfftfreq(size, 1 / RATE).astype(np.float64)
    shape = _response(hz, formants[:, row, None], body)
    hissing = tracks.hiss[row]
    shape[hissing] = (np.clip((hz - 2500) / 2500, 0, 1) * 3.0)[None]
    shape *= tracks.breath[row, None]
    window = np.hanning(2 * hop + 1)[:-1]
    shaped = np.fft.irfft(np.fft.rfft(pieces * window, size) * shape, size)
    out = np.zeros((len(pieces) + 3) * hop + size)
    for part in range(0, size, hop):
        width = min(hop, size - part)
        lane = out[part : part + len(pieces) * hop].reshape(-1, hop)
        lane[:, :width] += shaped[:, part : part + width]
    cut = out[hop : hop + tracks.n]
    return cut * (1 + 0.5 * np.cos(phase) * (np.repeat(tracks.loud, _STEP)[: tracks.n] > 0))


def _finish(
    tracks: _Tracks, body: _Body, spans: list[tuple[float, float]], rng: np.random.Generator
) -> Utterance:
    formants = _formants(tracks, body)
    voice, phase = _voice(tracks, formants, body, rng)
    out = voice + _breath(tracks, formants, phase, body, rng)
    peak = float(np.abs(out).max())
    scaled = out * (_PEAK / peak) if peak > 0 else out
    end = tracks.n / RATE
    return Utterance(
        scaled.astype(np.float32), tuple((start, min(stop, end)) for start, stop in spans)
    )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{name} is {value}; it must be {low:g} to {high:g}")
