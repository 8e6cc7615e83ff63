"""Rooms with a crying infant in them, as sound, with the exact truth.

A scene is planned first (what sounds when, and how loud) and then rendered in
pieces of half a minute, so that memory does not grow with its length. What is
measured against it is the truth that the plan wrote down, not what somebody
heard afterwards.

The same `SceneSpec` and pool give the same plan and the same truth on any
machine, and the same samples up to the last bit of the Fourier transform and
the version of the codec.
"""

import csv
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from harken.errors import ParameterError
from harken.simulate import sounds, voice
from harken.simulate.acoustics import (
    CODECS,
    at_level,
    coloured_noise,
    microphone,
    reverberate,
    rms_dbfs,
    room_response,
    through_codec,
)
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

BACKGROUNDS = {"white": 0.0, "pink": -3.0, "brown": -6.0}
"""Made backgrounds: name to dB an octave."""

_LEVELS_DB = {
    # Lowest and highest level against the crying of the same scene: an adult
    # beside the cot nearly as loud, a television or the next room far below.
    "laugh": (-12.0, 0.0),
    "babble": (-20.0, -6.0),
    "voice": (-18.0, -3.0),
    "child": (-15.0, 0.0),
    "animal": (-15.0, 0.0),
    "household": (-20.0, 0.0),
    "music": (-22.0, -6.0),
}

_CHUNK = 30 * RATE
_MARGIN = RATE // 2
_SEAM = 320
_LEAD_S, _TAIL_S = 0.10, 0.25
_JOIN_S = 2.0
_LONGEST_S = 30.0
_APART_S = 10.0
_REPEATS = 4
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
        self._loaded: OrderedDict[int, Utterance] = OrderedDict()
        self._spans: dict[int, Spans] = {}

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

        def add(kind: str, name: str, make: Callable[..., Any], group: str = "", **how: Any) -> None:
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
        key = id(clip)
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        heard = self._loaded[key] = clip.load()
        self._spans[key] = heard.spans
        if len(self._loaded) > _KEPT_CLIPS:
            self._loaded.popitem(last=False)
        return heard

    def spans(self, clip: Clip) -> Spans:
        """Give where a clip is active, in seconds."""
        return self._spans.get(id(clip)) or self.load(clip).spans


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSpec:
    """What a scene shall be.

    Parameters
    ----------
    seconds : float
        1 to 86 400.
    seed : int
        0 or more.
    level_dbfs : float
        RMS of each bout over its active stretches, −70 to 0 dBFS. Peaks above
        full scale are clipped, as a microphone would.
    snr_db : float
        `level_dbfs` minus the RMS of the background, −20 to 60 dB. The level of
        crying is taken over active stretches only, breaths and pauses left out.
    rt60_s : float
        Reverberation time of the room, 0 (no room) to 3 s.
    direct_db : float
        Direct over reflected sound, at the cot; other sounds are 3 dB farther.
    microphone : bool
        Colour everything as one microphone, drawn from the seed.
    codec : str
        One of `harken.simulate.acoustics.CODECS`.
    background : str
        ``white``, ``pink``, ``brown``, a kind of the pool (its clips are laid
        end to end), or ``none``.
    cries_per_hour : float
        Bouts an hour. As many are rendered as fit with 10 s of peace around each.
    cry_s : (float, float)
        Shortest and longest bout, 3.5 s or more; drawn evenly on a log scale.
    distractors_per_hour : float
        Other sounds an hour, spread evenly; they may fall into crying.
    distractors : tuple of str, optional
        Kinds to draw them from; without it, all of the pool but cry and noise.

    Raises
    ------
    ParameterError
        If a field is outside its range.

    Examples
    --------
    >>> SceneSpec(seconds=600, snr_db=5).codec
    'none'
    """

    seconds: float = 600.0
    seed: int = 0
    level_dbfs: float = -25.0
    snr_db: float = 20.0
    rt60_s: float = 0.35
    direct_db: float = 3.0
    microphone: bool = False
    codec: str = "none"
    background: str = "pink"
    cries_per_hour: float = 6.0
    cry_s: tuple[float, float] = (4.0, 180.0)
    distractors_per_hour: float = 20.0
    distractors: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        limits = {
            "seconds": (1.0, 86_400.0),
            "seed": (0, 2**63),
            "level_dbfs": (-70.0, 0.0),
            "snr_db": (-20.0, 60.0),
            "rt60_s": (0.0, 3.0),
            "direct_db": (-20.0, 40.0),
            "cries_per_hour": (0.0, 720.0),
            "distractors_per_hour": (0.0, 3600.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterError(f"{name} is {value}; it must be {low:g} to {high:g}")
        if self.codec not in CODECS:
            raise ParameterError(f"codec is {self.codec!r}; it must be one of {', '.join(CODECS)}")
        if self.background not in (*BACKGROUNDS, *KINDS, "none"):
            names = ", ".join((*BACKGROUNDS, *KINDS, "none"))
            raise ParameterError(f"background is {self.background!r}; it must be one of {names}")
        low, high = self.cry_s
        if not 3.5 <= low <= high <= 3600:
            raise ParameterError(
                f"cry_s is {self.cry_s}; it must be (shortest, longest), 3.5 to 3600 seconds"
            )
        for kind in self.distractors or ():
            if kind not in _LEVELS_DB:
                raise ParameterError(
                    f"distractors has {kind!r}; it must hold only {', '.join(_LEVELS_DB)}"
                )


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One sound of a scene.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    onset_s, offset_s : float
        Seconds from the start of the scene. A crying clip has a row for each
        active stretch; the tail that a room adds is not counted.
    source : str
        Which clip it is.
    level_dbfs : float
        RMS over the clip's active stretches, as it was mixed in.
    """

    kind: str
    onset_s: float
    offset_s: float
    source: str
    level_dbfs: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered scene.

    Parameters
    ----------
    spec : SceneSpec
    truth : tuple of TruthRow
        In order of onset.
    samples : float32[n], optional
        The sound, 16 kHz, within −1 to 1, where no file was asked for.
    path : Path, optional
        The FLAC file, where one was.
    """

    spec: SceneSpec
    truth: tuple[TruthRow, ...]
    samples: Samples | None = field(default=None, repr=False)
    path: Path | None = None

    @property
    def bouts(self) -> list[tuple[float, float]]:
        """Onset and offset of each true bout, by the project's rule; see `true_bouts`."""
        return true_bouts(self.truth)


def true_bouts(
    truth: Iterable[TruthRow], *, max_gap: float = 5.0, min_duration: float = 3.0
) -> list[tuple[float, float]]:
    """Join the crying of a truth table to bouts.

    Parameters
    ----------
    truth : iterable of TruthRow
        In any order; rows that are no crying are passed over.
    max_gap : float, seconds
        Bursts at most this far apart are one bout.
    min_duration : float, seconds
        Shorter bouts are dropped.

    Returns
    -------
    list of (float, float)
        Onset and offset in seconds, ordered and disjoint.

    Examples
    --------
    >>> rows = [TruthRow("cry", a, b, "x", -25.0) for a, b in ((1, 3), (7, 9), (20, 21))]
    >>> true_bouts(rows)
    [(1, 9)]
    """
    joined: list[tuple[float, float]] = []
    for onset, offset in sorted((row.onset_s, row.offset_s) for row in truth if row.kind == "cry"):
        if joined and onset - joined[-1][1] <= max_gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], offset))
        else:
            joined.append((onset, offset))
    return [(onset, offset) for onset, offset in joined if offset - onset >= min_duration]


def write_truth(truth: Iterable[TruthRow], path: Path) -> None:
    """Write a truth table as CSV: kind, onset_s, offset_s, source, level_dbfs.

    Parameters
    ----------
    truth : iterable of TruthRow
    path : Path
        Replaced whole, so that there is never half a table.
    """
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([f.name for f in fields(TruthRow)])
        table.writerows(
            [row.kind, row.onset_s, row.offset_s, row.source, row.level_dbfs] for row in truth
        )
    part.replace(path)


def read_truth(path: Path) -> tuple[TruthRow, ...]:
    """Read what `write_truth` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of TruthRow
        Equal to what was written.

    Raises
    ------
    ParameterError
        If it is not such a table.
    """
    names = [f.name for f in fields(TruthRow)]
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if table.fieldnames != names:
            raise ParameterError(f"{path} is not a truth table; its columns must be {names}")
        return tuple(
            TruthRow(
                row["kind"],
                float(row["onset_s"]),
                float(row["offset_s"]),
                row["source"],
                float(row["level_dbfs"]),
            )
            for row in table
        )


def find_active(samples: Samples, *, join_s: float = _JOIN_S) -> Spans:
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


def render_scene(spec: SceneSpec, pool: Pool, path: Path | str | None = None) -> Scene:
    """Render a scene to memory, or to a FLAC file with its truth beside it.

    Parameters
    ----------
    spec : SceneSpec
    pool : Pool
    path : Path, optional
        A name ending in ``.flac``; the truth goes to the same name with ``.csv``.
        Memory stays flat. Without it the samples are in the scene.

    Returns
    -------
    Scene
        ``round(seconds * 16000)`` samples.

    Raises
    ------
    ParameterError
        If the pool lacks a kind that the spec asks for, or the name does not end
        in ``.flac``.
    SourceError
        If a clip cannot be read.

    Examples
    --------
    >>> spec = SceneSpec(seconds=20, cries_per_hour=180, distractors_per_hour=0, cry_s=(4, 5))
    >>> scene = render_scene(spec, Pool.synthetic(0, infants=1))
    >>> len(scene.samples), len(scene.bouts)
    (320000, 1)
    """
    target = None if path is None else Path(path)
    if target is not None and target.suffix.lower() != ".flac":
        raise ParameterError(f"path is {str(target)!r}; it must end in .flac")
    placed = _plan(spec, pool)
    truth = tuple(sorted((row for one in placed for row in one.truth), key=lambda r: r.onset_s))
    chunks = _through(_mix(spec, pool, placed), spec.codec)
    if target is None:
        return Scene(spec, truth, samples=np.concatenate(list(chunks)))
    _write_flac(chunks, target)
    write_truth(truth, target.with_suffix(".csv"))
    return Scene(spec, truth, path=target)


def synthetic_night(
    minutes: float = 5.0, *, seed: int = 0, path: Path | str | None = None
) -> Scene:
    """Render a short night in a nursery from nothing but synthetic sounds.

    Crying every minute and a half, an adult, sounds of a home, a quiet room at
    25 dB below the crying.

    Parameters
    ----------
    minutes : float
        1 to 600.
    seed : int
    path : Path, optional
        As in `render_scene`.

    Returns
    -------
    Scene

    Raises
    ------
    ParameterError
        If `minutes` is outside its range.

    Examples
    --------
    >>> night = synthetic_night(1.0)
    >>> night.spec.seconds
    60.0
    """
    if not 1 <= minutes <= 600:
        raise ParameterError(f"minutes is {minutes}; it must be 1 to 600")
    spec = SceneSpec(
        seconds=60.0 * minutes,
        seed=seed,
        level_dbfs=-24.0,
        snr_db=25.0,
        background="brown",
        cries_per_hour=40.0,
        cry_s=(6.0, 45.0),
        distractors_per_hour=90.0,
        distractors=("voice", "household", "music"),
    )
    return render_scene(spec, Pool.synthetic(seed, infants=1), path)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A stretch of a clip in the scene; times in samples, spans within the stretch."""

    clip: Clip
    at: int
    first: int
    last: int
    spans: tuple[tuple[int, int], ...]
    level_dbfs: float

    @property
    def truth(self) -> list[TruthRow]:
        return [
            TruthRow(
                self.clip.kind,
                (self.at + start) / RATE,
                (self.at + stop) / RATE,
                self.clip.source,
                round(self.level_dbfs, 2),
            )
            for start, stop in self.spans
        ]


def _plan(spec: SceneSpec, pool: Pool) -> list[_Placed]:
    rng = np.random.default_rng([spec.seed, 0])
    hours = spec.seconds / 3600
    wanted = int(spec.cries_per_hour * hours + rng.random())
    if spec.background in KINDS and spec.background not in pool.kinds:
        raise ParameterError(f"the pool has no {spec.background!r} for the background")
    placed = _plan_bouts(spec, pool, wanted, rng) if wanted else []
    kinds = spec.distractors or tuple(kind for kind in pool.kinds if kind in _LEVELS_DB)
    count = int(spec.distractors_per_hour * hours + rng.random())
    if count and spec.distractors is None and not kinds:
        return placed
    for kind in kinds if count else ():
        if kind not in pool.kinds:
            raise ParameterError(f"the pool has no {kind!r}; leave it out of distractors")
    for onset in np.sort(rng.uniform(0, spec.seconds, count)).tolist():
        kind = kinds[int(rng.integers(len(kinds)))]
        clips = pool.clips(kind)
        clip = clips[int(rng.integers(len(clips)))]
        level = spec.level_dbfs + float(rng.uniform(*_LEVELS_DB[kind]))
        spans = pool.spans(clip)
        heard = spans[0][0], min(spans[-1][1], spans[0][0] + _LONGEST_S)
        room = spec.seconds - (heard[1] - heard[0])
        if room <= 0:
            continue
        placed.append(_place(pool, clip, (heard,), int(min(onset, room) * RATE), level))
    return sorted(placed, key=lambda one: one.at)


def _plan_bouts(
    spec: SceneSpec, pool: Pool, wanted: int, rng: np.random.Generator
) -> list[_Placed]:
    groups = _runs_by_group(pool)
    if not groups:
        raise ParameterError("the pool has no 'cry'; add clips or set cries_per_hour to 0")
    low, high = (float(np.log(s)) for s in spec.cry_s)
    bouts: list[list[_Placed]] = []
    left = spec.seconds - _APART_S
    for _ in range(wanted):
        length = min(float(np.exp(rng.uniform(low, high))), left - _APART_S)
        if length < spec.cry_s[0]:
            continue
        bout = _build_bout(groups, pool, length, spec.level_dbfs, rng)
        bouts.append(bout)
        left -= _length(bout) / RATE + _APART_S
    slack = np.sort(rng.uniform(0, max(left, 0) * RATE, len(bouts))).astype(int).tolist()
    placed: list[_Placed] = []
    at = int(_APART_S * RATE)
    for bout, before in zip(bouts, slack, strict=True):
        shift = at + before
        placed += [
            _Placed(p.clip, p.at + shift, p.first, p.last, p.spans, p.level_dbfs) for p in bout
        ]
        at += _length(bout) + int(_APART_S * RATE)
    return placed


def _runs_by_group(pool: Pool) -> list[list[tuple[Clip, Spans]]]:
    """Runs of crying of each infant: active stretches at most `_JOIN_S` apart."""
    groups: dict[str, list[tuple[Clip, Spans]]] = {}
    for number, clip in enumerate(pool.clips("cry")):
        runs: list[list[tuple[float, float]]] = []
        for span in pool.spans(clip):
            if runs and span[0] - runs[-1][-1][1] <= _JOIN_S:
                runs[-1].append(span)
            else:
                runs.append([span])
        named = groups.setdefault(clip.group or f"\0{number}", [])
        named += [(clip, tuple(run)) for run in runs if run[-1][1] - run[0][0] >= 0.3]
    return [runs for runs in groups.values() if runs]


def _build_bout(
    groups: list[list[tuple[Clip, Spans]]],
    pool: Pool,
    length_s: float,
    level_dbfs: float,
    rng: np.random.Generator,
) -> list[_Placed]:
    """Put runs of one infant one after the other; time 0 is the bout's onset."""
    sizes = np.array([sum(run[-1][1] - run[0][0] for _, run in runs) for runs in groups])
    # An infant with little sound would repeat itself through a long bout.
    enough = np.flatnonzero(sizes * _REPEATS >= length_s)
    chosen = int(rng.choice(enough)) if len(enough) else int(np.argmax(sizes))
    runs = groups[chosen]
    pieces: list[_Placed] = []
    drifts: list[float] = []
    at, drift = 0.0, 0.0
    order: list[int] = []
    while at < length_s:
        if not order:
            order = rng.permutation(len(runs)).tolist()
        clip, run = runs[order.pop()]
        left = length_s - at
        cut = [(a, min(b, run[0][0] + left)) for a, b in run if run[0][0] + left - a >= 0.2]
        if not cut:
            break
        drift = float(np.clip(0.8 * drift + rng.normal(0, 1.5), -5, 5))
        pieces.append(_place(pool, clip, tuple(cut), round(at * RATE), 0.0))
        drifts.append(drift)
        at += cut[-1][1] - cut[0][0] + float(rng.uniform(0.2, 2.0))
    active = np.array([sum(b - a for a, b in piece.spans) for piece in pieces])
    mean = 10 * np.log10(np.sum(active * 10 ** (np.array(drifts) / 10)) / active.sum())
    return [
        _Placed(p.clip, p.at, p.first, p.last, p.spans, level_dbfs + d - float(mean))
        for p, d in zip(pieces, drifts, strict=True)
    ]


def _length(bout: list[_Placed]) -> int:
    return bout[-1].at + bout[-1].spans[-1][1]


def _place(pool: Pool, clip: Clip, spans: Spans, onset: int, level_dbfs: float) -> _Placed:
    """Place a stretch so that its first active sample is `onset`, with a little around it."""
    around = [span for span in pool.spans(clip) if span[1] <= spans[0][0]]
    before = around[-1][1] if around else 0.0
    first = round(max(spans[0][0] - _LEAD_S, before) * RATE)
    # A run that was cut short has no tail of its own: what follows is still crying.
    cut = any(a < spans[-1][1] + _TAIL_S and b > spans[-1][1] for a, b in pool.spans(clip))
    last = round((spans[-1][1] + (0.0 if cut else _TAIL_S)) * RATE)
    start = round(spans[0][0] * RATE)
    inside = tuple((round(a * RATE) - start, round(b * RATE) - start) for a, b in spans)
    return _Placed(clip, onset, first - start, last - start, inside, level_dbfs)


def _mix(spec: SceneSpec, pool: Pool, placed: list[_Placed]) -> Iterator[Samples]:
    """Render in chunks; `at` of a placed stretch is its first active sample."""
    total = round(spec.seconds * RATE)
    rng = np.random.default_rng([spec.seed, 1])
    colour = partial(_coloured, seed=spec.seed) if spec.microphone else _as_it_is
    cot = colour(room_response(rng, rt60_s=spec.rt60_s, direct_db=spec.direct_db))
    elsewhere = colour(room_response(rng, rt60_s=spec.rt60_s, direct_db=spec.direct_db - 3))
    backdrop = _backdrop(spec, pool, colour)
    waiting = sorted(placed, key=lambda one: one.at + one.first)
    sounding: list[tuple[int, Samples]] = []
    for begin in range(0, total, _CHUNK):
        end = min(begin + _CHUNK, total)
        mix = next(backdrop)[: end - begin]
        while waiting and waiting[0].at + waiting[0].first < end:
            one = waiting.pop(0)
            infant = one.clip.kind in ("cry", "laugh", "babble")
            sounding.append((one.at + one.first, _heard(one, pool, cot if infant else elsewhere)))
        for at, heard in sounding:
            lo, hi = max(at, begin), min(at + len(heard), end)
            if lo < hi:
                mix[lo - begin : hi - begin] += heard[lo - at : hi - at]
        sounding = [(at, heard) for at, heard in sounding if at + len(heard) > end]
        yield np.clip(mix, -1, 1)


def _heard(one: _Placed, pool: Pool, response: Samples) -> Samples:
    """Cut, fade, put into the room, and set the level over the active stretches."""
    samples = pool.load(one.clip).samples
    start = round(pool_start(one, pool) * RATE)
    first, last = max(start + one.first, 0), min(start + one.last, len(samples))
    piece = samples[first:last].copy()
    fade = min(round(0.03 * RATE), len(piece) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))).astype(np.float32)
    piece[:fade] *= ramp
    piece[len(piece) - fade :] *= ramp[::-1]
    wet = reverberate(np.pad(piece, (0, len(response))), response)
    lead = -one.first
    active = np.concatenate([wet[lead + a : lead + b] for a, b in one.spans])
    now = rms_dbfs(active)
    return wet * np.float32(10 ** ((one.level_dbfs - now) / 20) if np.isfinite(now) else 0.0)
