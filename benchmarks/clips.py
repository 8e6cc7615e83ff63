"""Clips: areas under the curve and false alarms, by fold models on clips they never heard."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics import Estimate, auc, estimate, group_weights, threshold_for
from benchmarks.peers import FRIGATE_SCORE, NAMES, Place, hear
from harken.simulate.acoustics import at_level
from training.data import AUDIO, Clip

LEVELS_DBFS = (-50, -40, -30, -20, -10, -5)
CORPORA = ("donateacry", "esc10", "giulbia")
VOICES = ("laugh", "babble", "child_speech")
RECALL_AT = 0.5
"""YAMNet's threshold that sets the recall at which false alarms are compared."""
RECALLS = (0.8, 0.9, 0.95, 0.98)
"""Recalls at which they are compared besides."""

Scores = dict[str, NDArray[np.float64]]
Spread = Callable[[Any, list[Any]], list[Any]]
"""Runs a function over jobs in processes, in order."""


def score_clips(
    job: tuple[list[NDArray[np.int16]], list[int | str], Place],
) -> list[dict[str, float]]:
    """Score some sounds, each with the models of its fold; a job for one process."""
    sounds, folds, place = job
    return [hear(p, f, place).clip_scores() for p, f in zip(sounds, folds, strict=True)]


def score_all(
    sounds: Sequence[NDArray[np.int16]], folds: Sequence[int | str], place: Place, spread: Spread
) -> Scores:
    """Score sounds in processes, in order.

    Returns
    -------
    dict of str to float64[n]
        By detector; NaN where there is no model.
    """
    # One fold after the other: a process keeps few models open.
    order = np.argsort([str(f) for f in folds], kind="stable").tolist()
    step = 24
    jobs = [
        ([sounds[i] for i in some], [folds[i] for i in some], place)
        for some in (order[k : k + step] for k in range(0, len(order), step))
    ]
    rows = [row for part in spread(score_clips, jobs) for row in part]
    out = {name: np.empty(len(sounds)) for name in NAMES}
    for i, row in zip(order, rows, strict=True):
        for name in NAMES:
            out[name][i] = row[name]
    return out


@dataclass(frozen=True)
class Comparison:
    """One question asked of all detectors.

    Parameters
    ----------
    positives, negatives : int
        Clips.
    auc : dict of str to Estimate
        With the 95 % interval of a bootstrap by group.
    ahead : dict of str to Estimate
        AUC minus YAMNet's on the same resamples.
    """

    positives: int
    negatives: int
    auc: dict[str, Estimate]
    ahead: dict[str, Estimate]


def compare(
    scores: Scores, positive: NDArray[np.bool_], groups: Sequence[str], rows: NDArray[np.bool_]
) -> Comparison:
    """Ask how well `positive` is told from the rest among `rows`, by every detector."""
    weights = group_weights([g for g, kept in zip(groups, rows, strict=True) if kept])
    yes = positive[rows]
    areas = {
        name: auc(values[rows], yes, weights)
        for name, values in scores.items()
        if np.isfinite(values[rows]).all()
    }
    return Comparison(
        positives=int(yes.sum()),
        negatives=int((~yes).sum()),
        auc={name: estimate(area) for name, area in areas.items()},
        ahead={
            name: estimate(area - areas["YAMNet"])
            for name, area in areas.items()
            if name != "YAMNet"
        },
    )


def questions(clips: Sequence[Clip]) -> dict[str, NDArray[np.bool_]]:
    """Which clips each question is about; crying is told from the rest of them."""
    label = np.array([c.label for c in clips])
    rejected = np.array([c.detail.startswith("rejected by listeners") for c in clips])
    cry = label == "cry"
    return {
        "everything labelled": label != "unknown_upload",
        "laugh, babble, child speech": cry | np.isin(label, VOICES),
        "rejected by listeners": cry | (rejected & (label != "unknown_upload")),
        "rejected, also where YAMNet hears crying": cry | rejected,
    }


@dataclass(frozen=True)
class Alarms:
    """False alarms where every detector finds as much as YAMNet does.

    Parameters
    ----------
    recall : float
        YAMNet's at its threshold 0.5.
    overall : dict of str to Estimate
        Share of the clips that are not crying and reach the threshold.
    by_label : dict of str to dict of str to float
    thresholds : dict of str to float
        One for all folds; each is the score of the last cry that is found.
    at_recall : dict of float to dict of str to float
        Share of false alarms at other recalls.
    frigate : tuple of float
        Recall and false alarms of Frigate's rule at 0.8, and at 0.5.
    """

    recall: float
    overall: dict[str, Estimate]
    by_label: dict[str, dict[str, float]]
    thresholds: dict[str, float]
    at_recall: dict[float, dict[str, float]]
    frigate: tuple[tuple[float, float], tuple[float, float]]


def false_alarms(clips: Sequence[Clip], scores: Scores) -> Alarms:
    """Compare false alarms on everything labelled, at YAMNet's own recall."""
    label = np.array([c.label for c in clips])
    cry, other = label == "cry", ~np.isin(label, ("cry", "unknown_upload"))
    recall = float(np.mean(scores["YAMNet"][cry] >= RECALL_AT))
    weights = group_weights([c.group for c, kept in zip(clips, other, strict=True) if kept])
    overall, by_label, thresholds = {}, {}, {}
    at_recall: dict[float, dict[str, float]] = {one: {} for one in RECALLS}
    for name in ("builtin", "yamnet+head", "YAMNet"):
        values = scores[name]
        if not np.isfinite(values).all():
            continue
        least = thresholds[name] = threshold_for(values[cry], recall)
        alarm = values >= least
        overall[name] = estimate(weights.astype(np.float64) @ alarm[other] / weights.sum(1))
        for one in RECALLS:
            at_recall[one][name] = float(np.mean(values[other] >= threshold_for(values[cry], one)))
        by_label[name] = {
            one: float(alarm[label == one].mean()) for one in np.unique(label[other]).tolist()
        }
    rule = tuple(
        (float(np.mean(scores["Frigate"][cry] > t)), float(np.mean(scores["Frigate"][other] > t)))
        for t in (FRIGATE_SCORE, 0.5)
    )
    return Alarms(recall, overall, by_label, thresholds, at_recall, (rule[0], rule[1]))


def by_age(clips: Sequence[Clip], scores: Scores) -> dict[str, Comparison]:
    """Cries of each age band against everything else that is labelled."""
    label = np.array([c.label for c in clips])
    band = np.array([c.age_band for c in clips])
    cry = label == "cry"
    others = ~cry & (label != "unknown_upload")
    groups = [c.group for c in clips]
    bands = ("0-4", "4-8", "8-26", "30-104", "104+", "")
    return {
        f"{one} weeks" if one else "age not known": compare(
            scores, cry, groups, others | (cry & (band == one))
        )
        for one in bands
        if (cry & (band == one)).sum() >= 5
    }


def by_level(
    clips: Sequence[Clip], place: Place, spread: Spread, *, most: int
) -> dict[int, Comparison]:
    """Scale the same clips, a fixed sample of at most `most`, to each level."""
    labelled = [c for c in clips if c.label != "unknown_upload"]
    labelled.sort(key=lambda c: (c.label != "cry", c.label, c.fold, c.file))
    cries = sum(c.label == "cry" for c in labelled)
    few = [
        labelled[i]
        for first, last in ((0, cries), (cries, len(labelled)))
        for i in np.unique(np.linspace(first, last - 1, min(most // 2, last - first)).astype(int))
    ]
    cry = np.array([c.label == "cry" for c in few])
    out = {}
    for level in LEVELS_DBFS:
        sounds = [scaled(c, level) for c in few]
        scores = score_all(sounds, [c.fold for c in few], place, spread)
        out[level] = compare(scores, cry, [c.group for c in few], np.ones(len(few), bool))
    return out


def scaled(clip: Clip, dbfs: float) -> NDArray[np.int16]:
    """Scale a clip to an RMS level, clipped at full scale as a microphone would: int16[n]."""
    loud = np.clip(at_level(clip.samples, dbfs), -1, 1)
    return np.round(loud * 32767).astype(np.int16)


def corpora(folder: Path = AUDIO) -> dict[str, str]:
    """Repository of each clip by its file, letters and digits only."""
    with (folder / "manifest.csv").open(newline="") as table:
        return {
            row["file"]: re.sub(r"[^a-z0-9]", "", row["source_repo"].lower())
            for row in csv.DictReader(table)
        }


def cross_corpus(
    clips: Sequence[Clip], place: Place, spread: Spread
) -> dict[str, Comparison | None]:
    """Each corpus by the models that were trained without it; None where there are none."""
    known = {p.name.split("-")[1] for p in place.models.glob("no-*-builtin.onnx")}
    source = corpora()
    out: dict[str, Comparison | None] = {}
    for name in [*CORPORA, *sorted(known - set(CORPORA))]:
        mine = [c for c in clips if name in source[c.file] and c.label != "unknown_upload"]
        cry = np.array([c.label == "cry" for c in mine])
        if name not in known or not cry.any() or cry.all():
            out[name] = None
            continue
        scores = score_all([c.pcm for c in mine], [name] * len(mine), place, spread)
        out[name] = compare(scores, cry, [c.group for c in mine], np.ones(len(mine), bool))
    return out
