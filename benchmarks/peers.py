"""The four that are compared: ours, through the public API, and two peers on YAMNet's scores.

YAMNet is run once on every sound: its scores are kept on disk, and Harken's head
and both peers are given the same ones.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics import Span
from harken.episodes import BoutEnded, BoutRule, BoutStarted, BoutTracker, BoutWithdrawn
from harken.hearing import HOP, HOP_S, Builtin, Frames, YAMNet, level_dbfs
from harken.hearing.yamnet import CLASSES, WINDOW, Backbone
from harken.sound import RATE, AudioBlock
from training.data import CRYING, YAMNET
from training.teacher import score_rows, to_frames

NAMES = ("builtin", "yamnet+head", "YAMNet", "Frigate")
BABY_CRY = CRYING.index(20)
PEAK_FRAMES = 14
"""Frames that a clip's score is the mean of: its highest 1.12 s."""

FRIGATE_RMS = 500 / 32768
FRIGATE_SCORE = 0.8
FRIGATE_CALM_S = 30.0
WINDOW_S = WINDOW / RATE

YAMNET_DELAY_S = (WINDOW / 2 - HOP) / RATE + HOP_S
"""A frame of YAMNet's is known once its row's window has been heard."""


@dataclass(frozen=True)
class Place:
    """Where models are read and scores are kept."""

    models: Path
    cache: Path

    def model(self, fold: int | str, kind: str) -> Path:
        """File of the model that never heard a fold (a number) or a corpus (a name)."""
        name = f"fold{fold}" if isinstance(fold, int) else f"no-{fold}"
        return self.models / f"{name}-{kind}.onnx"


@dataclass(frozen=True, eq=False)
class Heard:
    """What each of the four hears in one sound.

    Parameters
    ----------
    builtin, head : Frames or None
        None where there is no such model.
    classes : float32[n, 3]
        YAMNet's classes 19 to 21 for each frame.
    level : float32[n]
        dBFS of each frame.
    windows, rms : float32[w]
        Highest of those classes, and RMS, of each window of Frigate's.
    delays : dict of name to float
        Seconds, of our detectors.
    rules : dict of name to BoutRule
        The shipped ones, from the models' metadata.
    """

    builtin: Frames | None
    head: Frames | None
    classes: NDArray[np.float32]
    level: NDArray[np.float32]
    windows: NDArray[np.float32]
    rms: NDArray[np.float32]
    delays: dict[str, float]
    rules: dict[str, BoutRule]

    def yamnet(self, *, only_baby: bool) -> Frames:
        """YAMNet as if it were a detector: class 20, or the highest of 19 to 21."""
        cry = self.classes[:, BABY_CRY] if only_baby else self.classes.max(1)
        zero = np.zeros_like(cry)
        return Frames(np.arange(len(cry), dtype=np.float64) * HOP_S, cry, zero, zero, self.level)

    def clip_scores(self) -> dict[str, float]:
        """One score a detector: NaN where there is no model."""
        gated = np.where(self.rms > FRIGATE_RMS, self.windows, 0.0)
        return {
            "builtin": np.nan if self.builtin is None else peak(self.builtin.cry),
            "yamnet+head": np.nan if self.head is None else peak(self.head.cry),
            "YAMNet": peak(self.classes[:, BABY_CRY]),
            "Frigate": float(gated.max()),
        }


def peak(cry: NDArray[np.floating]) -> float:
    """Mean of the highest 14 frames.

    Examples
    --------
    >>> peak(np.repeat([0.0, 1.0], [50, 14]))
    1.0
    """
    return float(np.sort(cry)[-PEAK_FRAMES:].mean()) if len(cry) else 0.0


class _Replay(Backbone):
    """YAMNet's scores as they were kept, in the order in which the detector asks for them."""

    def __init__(self) -> None:
        self.name = "yamnet.tflite"
        self._rows: Iterator[NDArray[np.float32]] = iter(())

    def load(self, rows: NDArray[np.float16]) -> None:
        self._rows = iter(rows.astype(np.float32))

    def scores(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        return next(self._rows)


@lru_cache(maxsize=4)
def _builtin(path: Path) -> Builtin | None:
    return Builtin(path) if path.exists() else None


@lru_cache(maxsize=4)
def _head(builtin: Path, head: Path) -> tuple[_Replay, YAMNet] | None:
    if not (builtin.exists() and head.exists()):
        return None
    replay = _Replay()
    return replay, YAMNet(replay, head=head, builtin=Builtin(builtin))


def scored(pcm: NDArray[np.int16], cache: Path) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """YAMNet's scores on one sound, from the cache if it was heard before.

    Returns
    -------
    rows : float16[ceil(n / 2560), 521]
        One each 0.16 s, as the detector hears it.
    windows : float32[max(n // 15600, 1), 3]
        Classes 19 to 21 of windows without overlap, as Frigate hears it.
    """
    kept = cache / "yamnet" / f"{hashlib.sha256(pcm.tobytes()).hexdigest()[:24]}.npz"
    if kept.exists():
        with np.load(kept) as file:
            return file["rows"], file["windows"]
    samples = pcm.astype(np.float32) / np.float32(32768)
    rows = score_rows(samples)
    assert rows.shape[1] == CLASSES
    windows = _frigate_scores(samples)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{np.random.default_rng().integers(1 << 40)}.npz")
    np.savez(part, rows=rows, windows=windows)
    part.replace(kept)
    return rows, windows


@lru_cache(maxsize=1)
def _backbone() -> Backbone:
    return Backbone(YAMNET)


def _windows(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    n = max(len(samples) // WINDOW, 1)
    return np.pad(samples, (0, max(n * WINDOW - len(samples), 0)))[: n * WINDOW].reshape(n, WINDOW)


def _frigate_scores(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    columns = list(CRYING)
    return np.stack([_backbone().scores(window)[columns] for window in _windows(samples)])


def hear(pcm: NDArray[np.int16], fold: int | str, place: Place) -> Heard:
    """Let all four hear one sound.

    Parameters
    ----------
    pcm : int16[n]
        16 kHz mono.
    fold : int or str
        Whose models: those that never heard this fold or corpus.
    place : Place
    """
    rows, windows = scored(pcm, place.cache)
    samples = pcm.astype(np.float32) / np.float32(32768)
    block = AudioBlock(samples, 0.0)
    n = len(samples) // HOP
    delays, rules = {}, {}

    ours = _builtin(place.model(fold, "builtin"))
    frames = head_frames = None
    if ours is not None:
        frames = Frames.join([ours.process(block), ours.flush()])
        delays["builtin"], rules["builtin"] = ours.delay_s, BoutRule(ours.on, ours.off)
    pair = _head(place.model(fold, "builtin"), place.model(fold, "head"))
    if pair is not None:
        replay, yamnet = pair
        replay.load(rows)
        head_frames = Frames.join([yamnet.process(block), yamnet.flush()])
        delays["yamnet+head"] = yamnet.delay_s
        rules["yamnet+head"] = BoutRule(yamnet.on, yamnet.off)
    return Heard(
        builtin=frames,
        head=head_frames,
        classes=to_frames(rows[:, CRYING], n),
        level=level_dbfs(samples),
        windows=windows.max(1),
        rms=np.sqrt(np.mean(np.square(_windows(samples)), axis=1)),
        delays=delays,
        rules=rules,
    )


@dataclass(frozen=True)
class Followed:
    """What a rule makes of one sound: bouts, when each was known, and false starts."""

    bouts: tuple[Span, ...]
    known_at: tuple[float, ...]
    withdrawn: int = 0


def follow(frames: Frames, rule: BoutRule, delay_s: float) -> Followed:
    """Run a bout rule over frames, as a live listener would."""
    tracker = BoutTracker(rule, delay_s=delay_s)
    events = [*tracker.process(frames), *tracker.flush()]
    started = {e.onset: e.detected_at for e in events if isinstance(e, BoutStarted)}
    ended = [e for e in events if isinstance(e, BoutEnded)]
    return Followed(
        bouts=tuple((e.onset, e.offset) for e in ended),
        known_at=tuple(started[e.onset] for e in ended),
        withdrawn=sum(isinstance(e, BoutWithdrawn) for e in events),
    )


def frigate(
    windows: NDArray[np.floating],
    rms: NDArray[np.floating],
    *,
    least: float = FRIGATE_SCORE,
) -> Followed:
    """Events of the rule that a home user of Frigate gets.

    A window of 0.975 s is a hit if its RMS is over 500 of 32768 and any of
    YAMNet's classes 19 to 21 is above `least`. An event begins with the window
    of its first hit and ends with that of its last, once 30 s have gone by
    without another; the seconds that Frigate keeps after the last hit are not
    counted, which is in its favour.

    Examples
    --------
    >>> frigate(np.array([0.0, 0.9, 0.0, 0.9]), np.full(4, 0.1)).bouts
    ((0.975, 3.9),)
    """
    hits = np.flatnonzero((rms > FRIGATE_RMS) & (windows > least))
    breaks = np.flatnonzero(np.diff(hits) * WINDOW_S > FRIGATE_CALM_S)
    firsts = hits[np.concatenate([[0], breaks + 1])] if len(hits) else hits
    lasts = hits[np.concatenate([breaks, [len(hits) - 1]])] if len(hits) else hits
    return Followed(
        bouts=tuple(
            (float(a) * WINDOW_S, float(b + 1) * WINDOW_S)
            for a, b in zip(firsts, lasts, strict=True)
        ),
        known_at=tuple(float(a + 1) * WINDOW_S for a in firsts),
    )


def yamnet_rules() -> Sequence[tuple[bool, BoutRule]]:
    """Every setting that is tried for YAMNet under our bout rule."""
    return [
        (only_baby, BoutRule(on, on * ratio))
        for only_baby in (True, False)
        for on in (
            0.003,
            0.006,
            0.01,
            0.02,
            0.05,
            0.1,
            0.15,
            0.2,
            0.25,
            0.3,
            0.35,
            0.4,
            0.5,
            0.6,
            0.7,
            0.8,
            0.9,
        )
        for ratio in (0.5, 0.8)
    ]
