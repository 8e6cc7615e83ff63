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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

from harken.errors import ParameterError
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
from harken.simulate.clips import KINDS, Clip, Pool, Samples, Spans
from harken.sound.blocks import RATE

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
_SEAM = RATE // 50
_FADE = RATE // 4
_LEAD_S, _TAIL_S = 0.10, 0.25
_JOIN_S = 2.0
_LONGEST_S = 30.0
_APART_S, _EDGE_S = 10.0, 3.0
_REPEATS = 4


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
        Bouts an hour. As many are rendered as fit, 10 s apart and
        3 s from both ends.
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
    """A stretch of a clip in the scene; all in samples.

    `at` (in the scene) and `origin` (in the clip) are its first active sample,
    from which `spans` count; `before` and `after` are what is heard around it.
    """

    clip: Clip
    at: int
    origin: int
    before: int
    after: int
    spans: tuple[tuple[int, int], ...]
    level_dbfs: float

    @property
    def begins(self) -> int:
        return self.at - self.before

    @property
    def ends(self) -> int:
        return self.at + self.spans[-1][1]

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
    count = int(spec.distractors_per_hour * hours + rng.random())
    kinds = spec.distractors or tuple(kind for kind in pool.kinds if kind in _LEVELS_DB)
    needed = [spec.background] if spec.background in KINDS else []
    needed += ["cry"] if spec.cries_per_hour else []
    needed += kinds if spec.distractors_per_hour else []
    for kind in needed:
        if kind not in pool.kinds:
            raise ParameterError(f"the pool has no {kind!r}; add clips or leave it out of the spec")
    placed = _plan_bouts(spec, pool, wanted, rng) if wanted else []
    for onset in np.sort(rng.uniform(0, spec.seconds, count if kinds else 0)).tolist():
        kind = kinds[int(rng.integers(len(kinds)))]
        clips = pool.clips(kind)
        clip = clips[int(rng.integers(len(clips)))]
        level = spec.level_dbfs + float(rng.uniform(*_LEVELS_DB[kind]))
        spans = pool.spans(clip)
        begin, end = spans[0][0], min(spans[-1][1], spans[0][0] + _LONGEST_S)
        one = _place(pool, clip, ((begin, end),), onset, level)
        latest = round(spec.seconds * RATE) - one.spans[-1][1]
        if latest >= 0:
            placed.append(replace(one, at=min(one.at, latest)))
    return placed


def _plan_bouts(
    spec: SceneSpec, pool: Pool, wanted: int, rng: np.random.Generator
) -> list[_Placed]:
    groups = _runs_by_group(pool)
    low, high = (float(np.log(s)) for s in spec.cry_s)
    bouts: list[list[_Placed]] = []
    left = spec.seconds - 2 * _EDGE_S
    for _ in range(wanted):
        length = min(float(np.exp(rng.uniform(low, high))), left)
        if length >= spec.cry_s[0]:
            bouts.append(_build_bout(groups, pool, length, spec, rng))
            left -= bouts[-1][-1].ends / RATE + _APART_S
    # The last bout needs no peace after it but the edge's.
    left += _APART_S if bouts else 0.0
    slack = np.sort(rng.uniform(0, max(left, 0.0), len(bouts))) * RATE
    placed: list[_Placed] = []
    at = int(_EDGE_S * RATE)
    for bout, before in zip(bouts, slack.astype(int).tolist(), strict=True):
        placed += [replace(one, at=one.at + at + before) for one in bout]
        at += bout[-1].ends + int(_APART_S * RATE)
    return placed


def _runs_by_group(pool: Pool) -> list[list[tuple[Clip, Spans]]]:
    """Collect each infant's runs of crying: active stretches at most `_JOIN_S` apart."""
    groups: dict[str, list[tuple[Clip, Spans]]] = {}
    for number, clip in enumerate(pool.clips("cry")):
        runs: list[list[tuple[float, float]]] = []
        for span in pool.spans(clip):
            if runs and span[0] - runs[-1][-1][1] <= _JOIN_S:
                runs[-1].append(span)
            else:
                runs.append([span])
        group = groups.setdefault(clip.group or f"\0{number}", [])
        group += [(clip, tuple(run)) for run in runs if run[-1][1] - run[0][0] >= 0.3]
    filled = [runs for runs in groups.values() if runs]
    if not filled:
        raise ParameterError("no 'cry' clip of the pool is active for 0.3 s; add longer ones")
    return filled


def _build_bout(
    groups: list[list[tuple[Clip, Spans]]],
    pool: Pool,
    length_s: float,
    spec: SceneSpec,
    rng: np.random.Generator,
) -> list[_Placed]:
    """Put runs of one infant one after the other; time 0 is the bout's onset."""
    sizes = np.array([sum(run[-1][1] - run[0][0] for _, run in runs) for runs in groups])
    # An infant with little sound would repeat itself through a long bout.
    enough = np.flatnonzero(sizes * _REPEATS >= length_s)
    runs = groups[int(rng.choice(enough)) if len(enough) else int(np.argmax(sizes))]
    pieces: list[_Placed] = []
    drift, drifts = 0.0, []
    at = end = 0.0
    order: list[int] = []
    # A pause may eat up the rest; a bout is never shorter than half a second less than asked.
    while at < length_s or end < spec.cry_s[0] - 0.5:
        order = order or rng.permutation(len(runs)).tolist()
        clip, run = runs[order.pop()]
        stop = run[0][0] + max(length_s - at, 0.5)
        cut = tuple((a, min(b, stop)) for a, b in run if stop - a >= 0.2)
        drift = float(np.clip(0.8 * drift + rng.normal(0, 1.5), -5, 5))
        pieces.append(_place(pool, clip, cut, at, 0.0))
        drifts.append(drift)
        end = at + cut[-1][1] - cut[0][0]
        at = end + float(rng.uniform(0.2, 2.0))
    active = np.array([sum(b - a for a, b in piece.spans) for piece in pieces])
    power = float(np.sum(active * 10 ** (np.array(drifts) / 10)) / active.sum())
    level = spec.level_dbfs - 10 * float(np.log10(power))
    return [replace(p, level_dbfs=level + d) for p, d in zip(pieces, drifts, strict=True)]


def _place(pool: Pool, clip: Clip, spans: Spans, onset_s: float, level_dbfs: float) -> _Placed:
    """Place a stretch, with as much around it as does not belong to its neighbours."""
    begin, end = spans[0][0], spans[-1][1]
    others = pool.spans(clip)
    before = min([_LEAD_S, begin, *(begin - b for _, b in others if b <= begin)])
    after = min([_TAIL_S, *(max(a - end, 0.0) for a, b in others if b > end)])
    origin = round(begin * RATE)
    return _Placed(
        clip,
        round(onset_s * RATE),
        origin,
        round(before * RATE),
        round(after * RATE),
        tuple((round(a * RATE) - origin, round(b * RATE) - origin) for a, b in spans),
        level_dbfs,
    )


def _mix(spec: SceneSpec, pool: Pool, placed: list[_Placed]) -> Iterator[Samples]:
    total = round(spec.seconds * RATE)
    rng = np.random.default_rng([spec.seed, 1])
    near = room_response(rng, rt60_s=spec.rt60_s, direct_db=spec.direct_db)
    far = room_response(rng, rt60_s=spec.rt60_s, direct_db=spec.direct_db - 3)
    backdrop = _backdrop(spec, pool)
    waiting = sorted(placed, key=lambda one: one.begins, reverse=True)
    sounding: list[tuple[int, Samples]] = []
    for begin in range(0, total, _CHUNK):
        end = min(begin + _CHUNK, total)
        mix = next(backdrop)[: end - begin]
        while waiting and waiting[-1].begins < end:
            one = waiting.pop()
            infant = one.clip.kind in ("cry", "laugh", "babble")
            sounding.append((one.begins, _heard(one, spec, pool, near if infant else far)))
        for at, heard in sounding:
            lo, hi = max(at, begin), min(at + len(heard), end)
            if lo < hi:
                mix[lo - begin : hi - begin] += heard[lo - at : hi - at]
        sounding = [(at, heard) for at, heard in sounding if at + len(heard) > end]
        yield np.clip(mix, -1, 1)


def _heard(one: _Placed, spec: SceneSpec, pool: Pool, response: Samples) -> Samples:
    """Cut, fade, put into the room, and set the level over the active stretches."""
    samples = pool.load(one.clip).samples
    piece = samples[one.origin - one.before : one.origin + one.spans[-1][1] + one.after].copy()
    for edge, width in ((piece, one.before), (piece[::-1], one.after)):
        # At least 10 ms, so that a stretch cut out of its middle does not click.
        n = min(max(width, RATE // 100), len(piece) // 2)
        edge[:n] *= 0.5 - 0.5 * np.cos(np.pi * (np.arange(n, dtype=np.float32) + 0.5) / n)
    wet = reverberate(np.pad(_coloured(piece, spec), (0, len(response))), response)
    now = rms_dbfs(np.concatenate([wet[one.before + a : one.before + b] for a, b in one.spans]))
    return wet * np.float32(10 ** ((one.level_dbfs - now) / 20) if np.isfinite(now) else 0.0)


def _coloured(samples: Samples, spec: SceneSpec) -> Samples:
    if not spec.microphone:
        return samples
    return microphone(samples, np.random.default_rng([spec.seed, 3]))


def _backdrop(spec: SceneSpec, pool: Pool) -> Iterator[Samples]:
    """Chunks of background without end, at its level."""
    if spec.background == "none":
        while True:
            yield np.zeros(_CHUNK, np.float32)
    pieces = (
        at_level(_coloured(piece, spec), spec.level_dbfs - spec.snr_db)
        for piece in _backdrop_pieces(spec, pool)
    )
    ready = next(pieces)
    while True:
        while len(ready) < _CHUNK + _FADE:
            piece = next(pieces)
            n = min(_FADE, len(piece) // 4, len(ready) // 4)
            ramp = np.sin(np.pi / 2 * (np.arange(n, dtype=np.float32) + 0.5) / max(n, 1))
            keep = len(ready) - n
            cross = ready[keep:] * ramp[::-1] + piece[:n] * ramp
            ready = np.concatenate([ready[:keep], cross, piece[n:]])
        yield ready[:_CHUNK].copy()
        ready = ready[_CHUNK:]


def _backdrop_pieces(spec: SceneSpec, pool: Pool) -> Iterator[Samples]:
    rng = np.random.default_rng([spec.seed, 2])
    clips = pool.clips(spec.background)
    while True:
        if clips:
            yield pool.load(clips[int(rng.integers(len(clips)))]).samples[:_CHUNK]
        else:
            yield coloured_noise(_CHUNK, rng, BACKGROUNDS[spec.background])


def _through(chunks: Iterator[Samples], codec: str) -> Iterator[Samples]:
    """Pass chunks through a codec, each with some of its neighbours, and blend the seams."""
    if codec == "none":
        yield from chunks
        return
    before, blend = np.zeros(0, np.float32), np.zeros(0, np.float32)
    chunk: Samples | None = next(chunks)
    while chunk is not None:
        after = next(chunks, None)
        ahead = np.zeros(0, np.float32) if after is None else after[:_MARGIN]
        heard = through_codec(np.concatenate([before, chunk, ahead]), codec)[len(before) :]
        n = min(len(blend), len(chunk))
        ramp = np.arange(n, dtype=np.float32) / max(n, 1)
        out = heard[: len(chunk)].copy()
        out[:n] = blend[:n] * (1 - ramp) + out[:n] * ramp
        yield np.clip(out, -1, 1)
        blend = heard[len(chunk) : len(chunk) + _SEAM]
        before, chunk = chunk[-_MARGIN:], after


def _write_flac(chunks: Iterator[Samples], path: Path) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with av.open(str(part), "w", format="flac") as out:
            stream = out.add_stream("flac", rate=RATE, layout="mono")
            stream.codec_context.format = "s16"
            stream.codec_context.open()
            step = stream.codec_context.frame_size
            at, rest = 0, np.zeros(0, np.int16)
            for chunk in chain(chunks, [None]):
                if chunk is not None:
                    pcm = np.round(chunk * 32767).astype(np.int16)
                    rest = np.concatenate([rest, pcm])
                while len(rest) >= step or (chunk is None and len(rest)):
                    frame = av.AudioFrame.from_ndarray(rest[None, :step], "s16", "mono")
                    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
                    out.mux(stream.encode(frame))
                    at, rest = at + step, rest[step:]
            out.mux(stream.encode(None))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
