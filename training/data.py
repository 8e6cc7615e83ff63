"""The clips, their labels, their folds, and what is known of each 80 ms of them."""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from harken.hearing.frames import HOP
from harken.sound.blocks import RATE

AUDIO = Path(__file__).resolve().parents[2] / "shared" / "audio"
YAMNET = AUDIO.parent / "peers" / "yamnet.tflite"
FOLDS = 4

CRYING = (19, 20, 21)  # crying, sobbing · baby cry, infant cry · whimper
LAUGHING = (13, 14, 15, 16, 17, 18)
BABBLING = (4,)
ADULT = (0, 2, 3)  # speech · conversation · narration


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip of the collection, decoded."""

    file: str
    label: str
    detail: str
    group: str
    fold: int
    age_band: str
    pcm: NDArray[np.int16]

    @property
    def samples(self) -> NDArray[np.float32]:
        """float32[n], 16 kHz."""
        return self.pcm.astype(np.float32) / np.float32(32768)

    @cached_property
    def frame_level(self) -> NDArray[np.float32]:
        """RMS of each whole frame, dBFS, not below −100."""
        n = len(self.pcm) // HOP
        power = np.mean(np.square(self.samples[: n * HOP].reshape(n, HOP), dtype=np.float64), 1)
        return (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)


def assign_folds(rows: list[dict[str, str]], folds: int = FOLDS) -> dict[str, int]:
    """Deal groups into folds so that every label, rare ones first, is spread evenly.

    Parameters
    ----------
    rows : list of dict
        With ``group``, ``label`` and ``seconds``, as in the manifest.
    folds : int

    Returns
    -------
    dict of str to int
        Group → fold; the same for the same rows in any order.

    Examples
    --------
    >>> rows = [{"group": g, "label": "cry", "seconds": "5"} for g in "abcd"]
    >>> sorted(assign_folds(rows, 2).values())
    [0, 0, 1, 1]
    """
    groups: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        groups[row["group"]][row["label"]] += float(row["seconds"])
        total[row["label"]] += float(row["seconds"])

    def rarest(group: str) -> str:
        return min(groups[group], key=lambda label: total[label])

    held = [defaultdict[str, float](float) for _ in range(folds)]
    fold: dict[str, int] = {}
    for group in sorted(groups, key=lambda g: (total[rarest(g)], -groups[g][rarest(g)], g)):
        label = rarest(group)
        best = min(range(folds), key=lambda f: (held[f][label], sum(held[f].values()), f))
        fold[group] = best
        for name, seconds in groups[group].items():
            held[best][name] += seconds
    return fold


def _decode(path: Path) -> NDArray[np.int16]:
    with av.open(str(path)) as source:
        return np.concatenate([frame.to_ndarray()[0] for frame in source.decode(audio=0)])


def load_clips(folder: Path = AUDIO) -> list[Clip]:
    """Read the manifest and decode every clip (16 kHz mono s16 FLAC)."""
    with (folder / "manifest.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    fold = assign_folds(rows)
    return [
        Clip(
            file=row["file"],
            label=row["label"],
            detail=row["detail"],
            group=row["group"],
            fold=fold[row["group"]],
            age_band=row["donor_age_weeks_band"],
            pcm=_decode(folder / "clips" / row["file"]),
        )
        for row in rows
    ]


def data_hash(clips: list[Clip]) -> str:
    """SHA-256 over names, labels and samples, so that weights can name their data."""
    digest = hashlib.sha256()
    for clip in sorted(clips, key=lambda c: c.file):
        digest.update(f"{clip.file}\t{clip.label}\t{clip.group}\n".encode())
        digest.update(clip.pcm.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Targets:
    """What is wanted of each frame: float32[n, 3] for cry, laugh, voice, and how sure that is."""

    wanted: NDArray[np.float32]
    weight: NDArray[np.float32]


def targets_of(clip: Clip, scores: NDArray[np.float32]) -> Targets:
    """Frame targets of one clip from its label, YAMNet's scores and the level.

    A clip that is labelled cry does not hold crying throughout: a frame counts
    as crying where the sound is near the clip's own peak, the more surely the
    more the teacher agrees. A clip with another label holds no crying at all,
    whatever the teacher says; an upload that nobody has settled is taught by
    the teacher, with little weight.

    Parameters
    ----------
    clip : Clip
    scores : float32[n, 521]
        YAMNet's scores on the frame grid.
    """
    n = len(scores)
    level = np.pad(
        clip.frame_level, (0, max(n - len(clip.frame_level), 0)), constant_values=-100.0
    )[:n]
    wanted = np.zeros((n, 3), np.float32)
    weight = np.ones((n, 3), np.float32)
    peak = np.percentile(level, 95)
    loud = level > max(peak - 30, -75)

    heard = scores[:, CRYING].max(1)
    sure = np.clip(heard / 0.4, 0, 1)
    if clip.label == "cry":
        near = level > max(peak - 18, -75)
        faint = heard.max() < 0.2
        wanted[:, 0] = np.where(near, np.maximum(sure, 0.6 if faint else 0.75), 0.5 * sure * loud)
        weight[:, 0] = np.where(near, 0.5 + 0.5 * sure, 0.3)
    elif clip.label == "unknown_upload":
        wanted[:, 0] = sure * loud
        weight[:, 0] = 0.0 if clip.detail.startswith("rejected") else 0.15
    elif clip.label in ("laugh", "babble", "child_speech"):
        weight[:, 0] = 2.0
    elif clip.detail.startswith("rejected"):
        weight[:, 0] = 1.5

    laughing = np.clip(scores[:, LAUGHING + BABBLING].max(1) / 0.4, 0, 1) * loud
    wanted[:, 1] = laughing
    if clip.label in ("laugh", "babble"):
        wanted[:, 1] = np.maximum(laughing, 0.8 * loud)
    elif clip.label in ("animal", "household", "noise", "music", "silence"):
        wanted[:, 1] = 0.0
    elif clip.label in ("cry", "unknown_upload", "child_speech"):
        weight[:, 1] = 0.5

    talking = np.clip(scores[:, ADULT].max(1) / 0.4, 0, 1) * loud
    wanted[:, 2] = talking
    if clip.label == "speech":
        wanted[:, 2] = np.maximum(talking, 0.7 * loud) if "guessed" not in clip.detail else talking
    elif clip.label in ("child_speech", "laugh", "babble"):
        wanted[:, 2], weight[:, 2] = 0.0, 0.5
    elif clip.label in ("animal", "household", "noise", "silence"):
        wanted[:, 2] = 0.0
    elif clip.label in ("cry", "unknown_upload", "music"):
        weight[:, 2] = 0.5
    return Targets(wanted, weight)


def frames_of(pcm_or_samples: NDArray[np.generic]) -> int:
    """Whole frames in a run of samples."""
    return len(pcm_or_samples) // HOP


SECONDS = 10.24
"""Length of a training segment: 128 frames."""
SEGMENT = round(SECONDS * RATE)
SEGMENT_FRAMES = SEGMENT // HOP
