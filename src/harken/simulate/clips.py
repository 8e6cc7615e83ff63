"""The sounds that scenes are made of: recordings, or voices and things made from nothing."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.simulate import sounds, voice
from harken.simulate.voice import Utterance
from harken.sound import AudioBlock, open_source
from harken.sound.blocks import RATE

Samples = NDArray[np.float32]
Spans = tuple[tuple[float, float], ...]

KINDS = (
    "cry",
    "laugh",
    "babble",
    "voice",
    "child",
    "animal",
    "household",
    "music",
    "noise",
)
"""What a clip can be; `noise` is used as background only."""

_KEPT_CLIPS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One sound that scenes can be made of.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    content : Path, float32[n] or callable
        A recording, samples at 16 kHz, or a maker that gives an `Utterance`.
    source : str
        Its name in the truth.
    group : str
        Whose voice it is: a bout is made of clips of one group. Empty stands for
        a group of its own.
    active : tuple of (float, float), optional
        Where in the clip, in seconds, the sound of its kind really is: a clip
        labelled as crying does not cry throughout. Without it, the maker's own
        spans, or `find_active`.

    Raises
    ------
    ParameterError
        If the kind is unknown, or `active` is empty, disordered or below 0.

    Examples
    --------
    >>> Clip("cry", np.ones(16000, np.float32), "one second", active=((0.2, 0.8),)).active
    ((0.2, 0.8),)
    """

    kind: str
    content: Path | Samples | Callable[[], Utterance]
    source: str
    group: str = ""
    active: Spans | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ParameterError(f"kind is {self.kind!r}; it must be one of {', '.join(KINDS)}")
        if self.active is not None:
            ends = [time for span in self.active for time in span]
            if not ends or ends[0] < 0 or ends != sorted(ends):
                raise ParameterError(
                    f"active of {self.source!r} must be one or more spans in order, from 0 on"
                )

    def load(self) -> Utterance:
        """Read or make the sound.

        Returns
        -------
        Utterance
            Its samples, and where it is active: in bounds, never empty.

        Raises
        ------
        SourceError
            If the recording cannot be read.
        ParameterError
            If it has no samples.
        """
        spans: Spans | None = None
        if isinstance(self.content, Path):
            samples = _read(self.content)
        elif isinstance(self.content, np.ndarray):
            samples = self.content.astype(np.float32)
        else:
            made = self.content()
            samples, spans = made.samples, made.spans
        if len(samples) == 0:
            raise ParameterError(f"clip {self.source!r} has no samples; leave it out")
        end = len(samples) / RATE
        chosen = self.active if self.active is not None else spans
        inside = tuple((a, min(b, end)) for a, b in chosen or () if min(b, end) - a >= 0.02)
        return Utterance(samples, inside or find_active(samples))


class Pool:
    """The clips that scenes are made of.

    Parameters
    ----------
    clips : iterable of Clip
        Their order counts: it settles which clip a seed draws.

    Examples
    --------
    >>> Pool([Clip("voice", np.ones(16000, np.float32), "one")]).kinds
    ('voice',)
    """

    def __init__(self, clips: Iterable[Clip]) -> None:
        self._clips: dict[str, list[Clip]] = {}
        for clip in clips:
            self._clips.setdefault(clip.kind, []).append(clip)
        self._loaded: OrderedDict[Clip, Utterance] = OrderedDict()
        self._spans: dict[Clip, Spans] = {}

    @classmethod
    def synthetic(cls, seed: int = 0, *, infants: int = 4) -> "Pool":
        """Make a pool from nothing: infants, adults, a dog, a home.

        Parameters
        ----------
        seed : int
        infants : int
            1 or more; each has an age, a pitch and four cries of 8 s.

        Returns
        -------
        Pool
            Sounds are made when they are first used.

        Examples
        --------
        >>> len(Pool.synthetic(0, infants=2).clips("cry"))
        8
        """
        if infants < 1:
            raise ParameterError(f"infants is {infants}; it must be 1 or more")
        rng = np.random.default_rng([seed, 0])
        clips: list[Clip] = []

        def add(
            kind: str, name: str, make: Callable[..., Any], group: str = "", **how: Any
        ) -> None:
            number = len(clips)
            maker = partial(_make, make, (seed, 1, number), how)
            clips.append(Clip(kind, maker, f"made {name} {number}", group))

        for infant in range(infants):
            age, pitch = float(rng.uniform(1, 40)), float(rng.uniform(390, 500))
            for intensity in rng.uniform(0.5, 1.0, 4):
                add("cry", "cry", voice.cry, f"infant {infant}", seconds=8.0, age_weeks=age,
                    pitch_hz=pitch, intensity=float(intensity))  # fmt: skip
        for _ in range(2):
            add("laugh", "laugh", voice.laugh, seconds=4.0)
            add("babble", "babble", voice.babble, seconds=4.0)
            add("animal", "bark", voice.bark, seconds=3.0)
            add("child", "child", voice.speak, seconds=4.0, pitch_hz=float(rng.uniform(260, 300)))
            add("music", "music box", sounds.music_box, seconds=10.0)
        for pitch in (105.0, 130.0, 190.0, 215.0):
            add("voice", "voice", voice.speak, seconds=6.0, pitch_hz=pitch)
        for name, make in sounds.HOUSEHOLD.items():
            add("household", name, make, seconds=4.0)
        return cls(clips)

    @classmethod
    def from_clips(cls, clips: Mapping[str, Iterable[Path | str]]) -> "Pool":
        """Make a pool of recordings about which nothing but the kind is known.

        Parameters
        ----------
        clips : mapping of str to paths
            Kind to its recordings. Where groups or active spans are known, build
            `Clip` objects instead.

        Returns
        -------
        Pool

        Raises
        ------
        ParameterError
            If a kind is unknown.

        Examples
        --------
        >>> Pool.from_clips({"voice": ["a.wav", "b.wav"]}).clips("voice")[1].source
        'b.wav'
        """
        return cls(
            Clip(kind, Path(path), Path(path).name)
            for kind, paths in clips.items()
            for path in paths
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are there, in the order of `KINDS`."""
        return tuple(kind for kind in KINDS if self._clips.get(kind))

    def clips(self, kind: str) -> tuple[Clip, ...]:
        """Give the clips of one kind, in the order they came in.

        Examples
        --------
        >>> Pool([]).clips("cry")
        ()
        """
        return tuple(self._clips.get(kind, ()))

    def load(self, clip: Clip) -> Utterance:
        """Give a clip's sound; the clips used last are kept in memory."""
        if clip in self._loaded:
            self._loaded.move_to_end(clip)
            return self._loaded[clip]
        heard = self._loaded[clip] = clip.load()
        self._spans[clip] = heard.spans
        if len(self._loaded) > _KEPT_CLIPS:
            self._loaded.popitem(last=False)
        return heard

    def spans(self, clip: Clip) -> Spans:
        """Give where a clip is active, in seconds."""
        return self._spans.get(clip) or self.load(clip).spans


def find_active(samples: Samples, *, join_s: float = 2.0) -> Spans:
    """Find where a clip sounds, by level: a stand-in where nobody marked it.

    A stretch is active from 6 dB over the clip's quiet parts on, or from 30 dB
    under its loud parts on, whichever is higher. It cannot tell a cry from any
    other sound.

    Parameters
    ----------
    samples : float32[n]
        n ≥ 1.
    join_s : float
        Stretches at most this far apart are one, seconds.

    Returns
    -------
    tuple of (float, float)
        Seconds, in order; the whole clip where nothing stands out.

    Examples
    --------
    >>> clip = np.zeros(48000, np.float32)
    >>> clip[16000:32000] = 0.5
    >>> find_active(clip)
    ((1.0, 2.0),)
    """
    hop = RATE // 50
    whole = ((0.0, len(samples) / RATE),)
    rows = len(samples) // hop
    if rows < 3:
        return whole
    power = np.mean(np.square(samples[: rows * hop].reshape(rows, hop), dtype=np.float64), axis=1)
    level = 10 * np.log10(power + 1e-12)
    top, floor = np.percentile(level, [95, 10])
    on = level > max(top - 30, min(floor + 6, top - 6))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first < 3:
            continue
        if runs and (first - runs[-1][1]) * hop <= join_s * RATE:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return tuple((first * hop / RATE, last * hop / RATE) for first, last in runs) or whole


def _make(
    make: Callable[..., Utterance | Samples], seed: tuple[int, ...], how: Mapping[str, Any]
) -> Utterance:
    made = make(rng=np.random.default_rng(seed), **how)
    return made if isinstance(made, Utterance) else Utterance(made, find_active(made))


def _read(path: Path) -> Samples:
    with open_source(path) as source:
        blocks = [item.samples for item in source if isinstance(item, AudioBlock)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
