"""`make train`: from the clips to the two ONNX files, their metrics and pictures.

The same weights come out of the same data, seed and versions, up to the
rounding of the machine's arithmetic; all three are stored in the files.
"""

import argparse
import hashlib
import json
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.charts import corner
from benchmarks.clips import CORPORA, corpora
from training.data import FOLDS, YAMNET, Clip, data_hash, frames_of, load_clips, targets_of
from training.export import export_ear, export_head
from training.fit import ear_on_segments, ear_on_wave, fit_ear
from training.head import Head, fit_head, head_on_clip
from training.network import Ear, Front
from training.pool import render_pool
from training.store import Store, clip_segments, make_store
from training.teacher import score_all, to_frames

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "src" / "harken" / "hearing" / "models"
SIMULATE = ROOT / "src" / "harken" / "simulate"
FOLD_MODELS = ROOT / "benchmarks" / "folds"
HEARD = "heard.pt"
"""What builtins say on the segments that they never heard: float32[n, 128, 3]."""
TOP = 14
"""Frames that the score of a clip is the mean of: its highest 1.12 s."""

# Thresholds of the rule for bouts, chosen on out-of-fold scenes (`make bench`).
ON, OFF = {"builtin": 0.6, "yamnet": 0.5}, {"builtin": 0.42, "yamnet": 0.38}


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    seed: int = 1
    segments: int = 1600  # of 10.24 s, a fold
    head_epochs: int = 4
    ear_epochs: int = 10


def prepare(
    clips: list[Clip],
    plan: Plan,
    work: Path,
    scores: list[NDArray[np.float16]] | None = None,
) -> list[NDArray[np.float16]]:
    """Mix rooms from the clips, have YAMNet score all, and write the store to `work`.

    Parameters
    ----------
    clips : list of Clip
    plan : Plan
    work : Path
        What lies there is used again if it was made from the same.
    scores : list of float16[rows, 521], optional
        YAMNet's on the clips, where they are known.

    Returns
    -------
    list of float16[rows, 521]
        YAMNet's scores on the clips.
    """
    sources = _sources("data", "made", "pool", "store", "teacher")
    key = f"{data_hash(clips)[:16]}-{plan.seed}-{plan.segments}-{sources}"
    scores_at, store_at, key_at = work / "clips.npz", work / "store.pt", work / "key"
    if key_at.exists() and key_at.read_text() == key:
        with np.load(scores_at) as saved:
            flat, ends = saved["scores"], np.cumsum(saved["rows"])
        return np.split(flat, ends[:-1])
    if scores is None:
        _log("YAMNet on the clips")
        scores = score_all([one.pcm for one in clips])
    targets = [
        targets_of(c, to_frames(s, frames_of(c.pcm))) for c, s in zip(clips, scores, strict=True)
    ]
    _log("mixing rooms")
    segments = render_pool(clips, targets, FOLDS, plan.segments, plan.seed)
    _log("YAMNet on the rooms")
    rows = score_all([s.pcm for s in segments])
    whole, whole_rows = clip_segments(clips, targets, scores)
    store = make_store(segments + whole, rows + whole_rows)
    work.mkdir(parents=True, exist_ok=True)
    torch.save(store.__dict__, store_at)
    np.savez(scores_at, scores=np.concatenate(scores), rows=[len(s) for s in scores])
    for old in work.glob("*-*.pt"):
        old.unlink()
    key_at.write_text(key)
    return scores


def _store(work: Path) -> Store:
    return Store(**torch.load(work / "store.pt", mmap=True, weights_only=False))


def _log(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _fit_fold(job: tuple[Path, Plan, int | None, int]) -> Path:
    """Fit the network with one fold left out and save its weights."""
    work, plan, fold, threads = job
    torch.set_num_threads(threads)
    out = _weights(work, plan, fold)
    if out.exists():
        return out
    store = _store(work)
    ear = fit_ear(
        store,
        leave_out=fold,
        seed=plan.seed,
        epochs=plan.ear_epochs,
        log=lambda s: _log(f"{out.stem}{s}"),
    )
    torch.save(ear.state_dict(), out)
    return out


def _fit_head(job: tuple[Path, Plan, int | None, int]) -> Path:
    """Fit the head with one fold left out and save its weights."""
    work, plan, fold, threads = job
    torch.set_num_threads(threads)
    head = fit_head(
        _store(work),
        leave_out=fold,
        builtin=torch.load(work / HEARD, mmap=True),
        seed=plan.seed,
        epochs=plan.head_epochs,
        log=_log,
    )
    out = work / f"head-{'all' if fold is None else fold}.pt"
    torch.save(head.state_dict(), out)
    return out


def load_head(path: Path) -> Head:
    """Load a head that `_fit_head` saved."""
    head = Head()
    head.load_state_dict(torch.load(path, weights_only=True))
    return head.eval()


def _weights(work: Path, plan: Plan, fold: int | None) -> Path:
    name = "all" if fold is None else f"fold{fold}"
    return work / f"{name}-{plan.ear_epochs}-{_sources('network', 'losses', 'fit')}.pt"


def _sources(*names: str) -> str:
    """Name the code that something was made by, so that nothing stale is used again."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in [*(here / f"{name}.py" for name in names), *sorted(SIMULATE.glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def load_ear(path: Path) -> Ear:
    """Load a network that `_fit_fold` saved."""
    ear = Ear()
    ear.load_state_dict(torch.load(path, weights_only=True))
    return ear.eval()


def clip_score(cry: NDArray[np.float32]) -> float:
    """Mean of the highest 1.12 s of P(cry); 0 for an empty clip."""
    return float(np.sort(cry)[-TOP:].mean()) if len(cry) else 0.0


def aucs(clips: list[Clip], score: NDArray[np.float64]) -> dict[str, float]:
    """ROC AUC of cry against everything labelled, the hard voices, and rejected uploads."""
    label = np.array([c.label for c in clips])
    cry = label == "cry"
    rejected = np.array([c.detail.startswith("rejected") for c in clips]) & (
        label != "unknown_upload"
    )
    against = {
        "everything": ~cry & (label != "unknown_upload"),
        "laugh, babble, child": np.isin(label, ["laugh", "babble", "child_speech"]),
        "rejected uploads": rejected & ~cry,
    }
    for one in sorted(set(label) - {"cry", "unknown_upload"}):
        against[one] = label == one
    return {k: float(roc_auc_score(cry[cry | v], score[cry | v])) for k, v in against.items()}


def fit_folds(
    clips: list[Clip], scores: list[NDArray[np.float16]], plan: Plan, work: Path, digest: str
) -> None:
    """Fit with each fold left out and with none, and write models, metrics and pictures."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [(work, plan, fold, 1) for fold in (None, *range(FOLDS))]
        list(pool.map(_fit_fold, jobs))

        torch.set_num_threads(2)
        front, store = Front(), _store(work)
        ears = [load_ear(_weights(work, plan, k)) for k in range(FOLDS)]
        out_of_fold = torch.zeros(len(store.fold), *store.wanted.shape[1:])
        for k, ear in enumerate(ears):
            mine = np.flatnonzero(store.fold == k)
            out_of_fold[torch.from_numpy(mine)] = ear_on_segments(ear, store, mine)
        torch.save(out_of_fold, work / HEARD)
        files = list(pool.map(_fit_head, [(work, plan, k, 1) for k in (*range(FOLDS), None)]))
    heads = [load_head(path) for path in files]

    result: dict[str, NDArray[np.float64]] = {
        name: np.zeros(len(clips)) for name in ("yamnet", "builtin", "yamnet+head")
    }
    for i, one in enumerate(clips):
        n = frames_of(one.pcm)
        heard = ear_on_wave(ears[one.fold], front, one.samples)
        joined = head_on_clip(heads[one.fold], scores[i], heard, one.frame_level)[:n]
        result["yamnet"][i] = clip_score(to_frames(scores[i], n)[:, 20])
        result["builtin"][i] = clip_score(heard[:, 0])
        result["yamnet+head"][i] = clip_score(joined[:, 0])
    metrics = {name: aucs(clips, score) for name, score in result.items()}

    for k in range(FOLDS):
        _export(f"fold{k}", ears[k], heads[k], plan, digest)
    about = _about(plan, digest)
    export_ear(
        load_ear(_weights(work, plan, None)), MODELS / "builtin.onnx", about | _limits("builtin")
    )
    export_head(heads[-1], MODELS / "yamnet_head.onnx", about | _limits("yamnet"))
    kept = np.array([one.label != "unknown_upload" for one in clips])
    crying = np.array([one.label == "cry" for one in clips])
    corner({name: score[kept] for name, score in result.items()}, crying[kept], work / "roc.svg")
    (work / "metrics.json").write_text(json.dumps(metrics, indent=1))
    for name, values in metrics.items():
        _log(name + " " + ", ".join(f"{k} {v:.4f}" for k, v in values.items()))


def fit_corpora(
    clips: list[Clip], scores: list[NDArray[np.float16]], plan: Plan, work: Path
) -> None:
    """Fit with each corpus left out; `make bench` then tests on it.

    A quarter as many rooms are mixed, from the other corpora alone. A head is fitted on
    the outputs that its builtin gives on sound that it was trained with.
    """
    source = corpora()
    plan = replace(plan, segments=plan.segments // 4)
    places, digests = [], []
    for corpus in CORPORA:
        rest = [i for i, one in enumerate(clips) if corpus not in source[one.file]]
        places.append(work / f"no-{corpus}")
        digests.append(data_hash([clips[i] for i in rest]))
        _log(f"without {corpus}")
        prepare([clips[i] for i in rest], plan, places[-1], [scores[i] for i in rest])
    jobs = [(place, plan, None, 1) for place in places]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        ears = [load_ear(path) for path in pool.map(_fit_fold, jobs)]
        for place, ear in zip(places, ears, strict=True):
            store = _store(place)
            torch.save(ear_on_segments(ear, store, store.rows_outside(None)), place / HEARD)
        heads = [load_head(path) for path in pool.map(_fit_head, jobs)]
    for corpus, ear, head, digest in zip(CORPORA, ears, heads, digests, strict=True):
        _export(f"no-{corpus}", ear, head, plan, digest)


def _about(plan: Plan, digest: str) -> dict[str, str]:
    return {
        "seed": str(plan.seed),
        "data_sha256": digest,
        "versions": f"python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}",
        "trained": time.strftime("%Y-%m-%d"),
    }


def _limits(kind: str) -> dict[str, str]:
    return {"on": str(ON[kind]), "off": str(OFF[kind])}


def _export(name: str, ear: Ear, head: Head, plan: Plan, digest: str) -> None:
    about = _about(plan, digest)
    export_ear(ear, FOLD_MODELS / f"{name}-builtin.onnx", about | _limits("builtin"))
    export_head(head, FOLD_MODELS / f"{name}-head.onnx", about | _limits("yamnet"))


def main() -> None:
    """Run the whole training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "training")
    parser.add_argument("--segments", type=int, default=Plan.segments, help="rooms of 10 s a fold")
    parser.add_argument("--epochs", type=int, default=Plan.ear_epochs)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--cross-corpus", action="store_true", help="leave out corpora, not folds")
    given = parser.parse_args()
    plan = Plan(seed=given.seed, segments=given.segments, ear_epochs=given.epochs)
    begun = time.monotonic()
    clips = load_clips()
    scores = prepare(clips, plan, given.work)
    if given.cross_corpus:
        fit_corpora(clips, scores, plan, given.work)
    else:
        fit_folds(clips, scores, plan, given.work, data_hash(clips))
    _log(f"done in {(time.monotonic() - begun) / 60:.0f} min; teacher {YAMNET.name}")


if __name__ == "__main__":
    main()
