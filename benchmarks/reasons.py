"""`python -m benchmarks.reasons`: whether the reason a parent ticked can be told from the sound.

Uploads to a phone app, each with the reason that its parent ticked, are taken
apart in three ways and learnt by three learners. All nine pairs are in the
table, so that none can be picked afterwards. The result is kept in
``build/bench/reasons.json`` and written into ``docs/explanation/reasons.md``.
"""

import argparse
import csv
import json
import os
import re
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.metrics import Estimate, estimate, group_weights
from training.data import AUDIO, YAMNET

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "explanation" / "reasons.md"

LEAST_DEVICES = 5
"""A reason that fewer devices ticked cannot be in each of the folds, and is left out."""
FOLDS = 5
REPEATS = 3
"""Ways of dealing into folds that a figure is the mean of."""
DEALS = 20
"""Deals of the reasons among devices that the last column is the mean of."""
PERMUTATIONS = 300

Features = NDArray[np.float64]
Labels = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Cries:
    """Clips of the app with what their parents ticked, and the sounds taken apart.

    Parameters
    ----------
    reason, group, phone : str[n]
        What was ticked; the installation of the app; android or ios.
    kept : bool[n]
        Listeners kept it as crying.
    sound : dict of str to float64[n, k]
        By the name of what it was taken apart into.
    """

    reason: Labels
    group: Labels
    phone: Labels
    kept: NDArray[np.bool_]
    sound: dict[str, Features]

    def only(self, rows: NDArray[np.bool_]) -> "Cries":
        """Those for which `rows`, bool[n], is true."""
        return Cries(
            self.reason[rows],
            self.group[rows],
            self.phone[rows],
            self.kept[rows],
            {name: values[rows] for name, values in self.sound.items()},
        )


# Taking a sound apart.


def melody(samples: NDArray[np.float32]) -> list[float]:
    """Pitch, level and rhythm of a cry, as the literature on cries describes them.

    Parameters
    ----------
    samples : float32[n]
        Mono, 16 kHz.

    Returns
    -------
    list of float, length 22
        Finite.
    """
    from harken.hearing import level_dbfs
    from harken.hearing.pitch import pitch

    hz = pitch(samples, floor_hz=150.0, ceiling_hz=1200.0).hz
    voiced = np.isfinite(hz)
    semitones = 12 * np.log2(hz[voiced] / 440.0) if voiced.any() else np.zeros(1)
    steps = np.diff(semitones) if len(semitones) > 1 else np.zeros(1)
    level = np.maximum(level_dbfs(samples), -100.0)
    loud = level > np.percentile(level, 95) - 15.0
    bursts = _runs(loud)
    pauses = _runs(~loud)
    return [
        *np.percentile(semitones, [5, 25, 50, 75, 95]).tolist(),
        float(semitones.std()),
        float(np.abs(steps).mean()),
        float(np.abs(steps).max()),
        float(voiced.mean()) if len(voiced) else 0.0,
        *np.percentile(level, [5, 25, 50, 75, 95]).tolist(),
        float(level.std()),
        float(np.abs(np.diff(level)).mean()) if len(level) > 1 else 0.0,
        float(loud.mean()),
        len(bursts) / max(len(samples) / 16_000, 0.1),
        *(float(part) for runs in (bursts, pauses) for part in (np.mean(runs), np.max(runs))),
    ]


def _runs(true: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of true; [0] if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(int)))
    return (edges[1::2] - edges[::2]).tolist() or [0]


def spectrum(samples: NDArray[np.float32]) -> list[float]:
    """Shape of the sound in 64 mel bands: mean, spread and quickness of each.

    Parameters
    ----------
    samples : float32[n]
        Mono, 16 kHz.

    Returns
    -------
    list of float, length 192
    """
    powers = _mel_powers(samples)
    bands = 10 * np.log10(powers + 1e-9)
    bands -= bands.mean()  # how loud it was is a matter of the phone and the distance
    quick = np.abs(np.diff(bands, axis=0)).mean(0)
    return [*bands.mean(0).tolist(), *bands.std(0).tolist(), *quick.tolist()]


def _mel_powers(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give 64 mel bands every 20 ms: float64[m, 64]."""
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(samples, (0, max(0, 1024 - len(samples)))), 512
    )[::320]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(512), axis=1)))
    hz = np.fft.rfftfreq(512, 1 / 16_000)
    edges = 700 * (np.exp(np.linspace(_mel(80.0), _mel(7650.0), 66) / 1127) - 1)
    rise = (hz[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - hz[:, None]) / np.diff(edges)[1:]
    bank = np.clip(np.minimum(rise, fall), 0, None)
    for band in np.flatnonzero(bank.sum(0) == 0):
        bank[np.argmin(np.abs(hz - edges[band + 1])), band] = 1.0
    return np.asarray(power @ bank, np.float64)


def _mel(hz: float) -> float:
    return float(1127 * np.log1p(hz / 700))


class Tagger:
    """What YAMNet's last layer makes of a sound: 1,024 numbers learnt from other sound."""

    def __init__(self, path: Path = YAMNET) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        with warnings.catch_warnings():
            # It warns that keeping the layers inside costs memory; they are what is wanted.
            warnings.simplefilter("ignore")
            self._run = Interpreter(
                model_content=path.read_bytes(),
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
        self._run.allocate_tensors()
        self._input = self._run.get_input_details()[0]
        self._layer = next(
            one["index"]
            for one in self._run.get_tensor_details()
            if "global_average_pooling2d/Mean" in one["name"] and one["shape"][-1] == 1024
        )

    def __call__(self, samples: NDArray[np.float32]) -> list[float]:
        """Mean and spread over the clip: 2,048 numbers for float32[n]."""
        window, step = 15_600, 7_800
        padded = np.pad(samples, (0, max(0, window - len(samples))))
        rows = []
        for start in range(0, len(padded) - window + 1, step):
            piece = padded[start : start + window].reshape(self._input["shape"])
            self._run.set_tensor(self._input["index"], piece)
            self._run.invoke()
            rows.append(self._run.get_tensor(self._layer).ravel().copy())
        layers = np.array(rows, np.float64)
        return [*layers.mean(0).tolist(), *layers.std(0).tolist()]


def read_cries(folder: Path = AUDIO) -> Cries:
    """Read the app's clips that listeners have screened, and take each apart."""
    import av

    tagger = Tagger()
    ways: dict[str, Callable[[NDArray[np.float32]], list[float]]] = {
        "melody": melody,
        "spectrum": spectrum,
        "YAMNet": tagger,
    }
    rows: list[tuple[str, str, str, bool]] = []
    sound: dict[str, list[list[float]]] = {name: [] for name in ways}
    with (folder / "manifest.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            rejected = row["detail"].startswith("rejected by listeners")
            # Those with label unknown_upload sound of crying although they were rejected.
            if not row["donor_reason"] or not (
                row["label"] == "cry" or (rejected and row["label"] != "unknown_upload")
            ):
                continue
            with av.open(str(folder / "clips" / row["file"])) as source:
                pcm = np.concatenate([one.to_ndarray()[0] for one in source.decode(audio=0)])
            samples = (pcm / 32768).astype(np.float32)
            phone = "ios" if "; ios" in row["detail"] or "ios" in row["source_path"] else "android"
            rows.append((row["donor_reason"], row["group"], phone, row["label"] == "cry"))
            for name, way in ways.items():
                sound[name].append(way(samples))
    reason, group, phone_of, kept = (np.array(column) for column in zip(*rows, strict=True))
    return Cries(
        reason, group, phone_of, kept, {name: np.array(made) for name, made in sound.items()}
    )


# Learning, and dealing into folds.


def learners() -> dict[str, Callable[[], Any]]:
    """Give what makes each learner; each weighs the reasons alike, however rare."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]
    from sklearn.linear_model import RidgeClassifier  # type: ignore[import-untyped]
    from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
    from sklearn.svm import SVC  # type: ignore[import-untyped]

    def made(last: Any) -> Any:
        return make_pipeline(StandardScaler(), PCA(0.95, svd_solver="full"), last)

    return {
        "linear": lambda: made(RidgeClassifier(alpha=100.0, class_weight="balanced")),
        "curved": lambda: made(SVC(C=1.0, class_weight="balanced")),
        "nearest": lambda: made(KNeighborsClassifier(1)),
    }


Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def deal_folds(
    labels: Labels, groups: Labels | None, *, folds: int = FOLDS, seed: int = 0
) -> list[Fold]:
    """Deal clips into folds with all labels in each as evenly as can be.

    Parameters
    ----------
    labels : str[n]
    groups : str[n] or None
        Clips of one group stay in one fold; None deals clip by clip, which is the mistake.
    folds, seed : int

    Returns
    -------
    list of (rows to learn from, rows to judge)

    Examples
    --------
    >>> labels, groups = np.array(["a", "b"] * 4), np.array(list("wwxxyyzz"))
    >>> for learn, judge in deal_folds(labels, groups, folds=2):
    ...     print(sorted(set(groups[learn]) & set(groups[judge])))
    []
    []
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # type: ignore[import-untyped]

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare label is not in every fold
        made = kind(folds, shuffle=True, random_state=seed)
        return list(made.split(np.zeros(len(labels)), labels, groups))


def guesses(sound: Features, labels: Labels, folds: Sequence[Fold], learner: Any) -> Labels:
    """Guess the label of each clip by a learner that was not taught with its fold.

    Parameters
    ----------
    sound : float64[n, k]
    labels : str[n]
    folds : sequence of (rows to learn from, rows to judge)
    learner : callable
        Makes a new one.

    Returns
    -------
    str[n]
    """
    out = np.empty_like(labels)
    for learn, judge in folds:
        out[judge] = learner().fit(sound[learn], labels[learn]).predict(sound[judge])
    return out


# Judging.


def balanced_accuracy(
    truth: Labels, guessed: Labels, weights: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Mean over the labels of the share that was guessed right.

    Whoever always says the same gets one part in the number of labels, however
    common that label is.

    Parameters
    ----------
    truth, guessed : str[n]
    weights : float[b, n], optional
        How often each clip counts, for each resample.

    Returns
    -------
    float64[b]
        NaN where a label has no weight.

    Examples
    --------
    >>> truth = np.array(["hungry"] * 8 + ["tired"] * 2)
    >>> balanced_accuracy(truth, np.array(["hungry"] * 10)).tolist()
    [0.5]
    """
    if weights is None:
        weights = np.ones((1, len(truth)))
    right = (truth == guessed).astype(np.float64)
    shares = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for label in np.unique(truth):
            of = weights * (truth == label)
            shares.append((of @ right) / of.sum(1))
    mean: NDArray[np.float64] = np.mean(shares, axis=0)
    return mean


def swap_among_devices(labels: Labels, groups: Labels, rng: np.random.Generator) -> Labels:
    """Give each device the reasons of another device that sent as many clips.

    What a device's clips have in common stays, and so does how often each
    reason is there; what a reason has to do with a sound is gone.

    Parameters
    ----------
    labels, groups : str[n]
    rng : Generator

    Returns
    -------
    str[n]

    Examples
    --------
    >>> labels, groups = np.array(list("aabb")), np.array(list("xxyy"))
    >>> made = swap_among_devices(labels, groups, np.random.default_rng(0))
    >>> "".join(made) in ("aabb", "bbaa")
    True
    """
    rows = {name: np.flatnonzero(groups == name) for name in np.unique(groups)}
    alike = defaultdict(list)
    for name, its in rows.items():
        alike[len(its)].append(name)
    out = np.empty_like(labels)
    for names in alike.values():
        for name, other in zip(names, rng.permutation(names), strict=True):
            out[rows[name]] = labels[rows[str(other)]]
    return out


def p_value(found: float, by_chance: NDArray[np.float64]) -> float:
    """Share of the deals without meaning that do as well, the found one counted among them.

    Phipson and Smyth (2010), "Permutation p-values should never be zero".

    Examples
    --------
    >>> p_value(0.9, np.array([0.2, 0.3, 0.1]))
    0.25
    """
    return float((1 + np.sum(by_chance >= found)) / (1 + len(by_chance)))


@dataclass(frozen=True)
class Try:
    """One way of taking sounds apart with one learner, asked one question.

    Parameters
    ----------
    sound, learner : str
    apart : Estimate
        Balanced accuracy where a device is on one side only; 95 % by resampling devices.
    accuracy : float
        Share guessed right in the same folds.
    p : float
        Of the permutation test, reasons swapped among devices.
    mixed : Estimate
        Balanced accuracy where clips are dealt without regard to the device.
    swapped : float
        The same for reasons that were swapped among devices and mean nothing; mean of deals.
    """

    sound: str
    learner: str
    apart: Estimate
    accuracy: float
    p: float
    mixed: Estimate
    swapped: float


@dataclass(frozen=True)
class Answer:
    """All that was tried on one question.

    Parameters
    ----------
    question : str
    clips, devices : dict of str to int
        By label.
    in_all : int
        Devices.
    chance : float
        Balanced accuracy of a guess.
    majority : float
        Share that is right of whoever always says the most common label.
    tries : list of Try
    best_p : float
        How often the best of as many tries does as well by chance.
    permutations : int
    """

    question: str
    clips: dict[str, int]
    devices: dict[str, int]
    in_all: int
    chance: float
    majority: float
    tries: list[Try]
    best_p: float
    permutations: int


def ask(question: str, cries: Cries, labels: Labels, *, permutations: int = PERMUTATIONS) -> Answer:
    """Ask all learners one question of all takes on the sound.

    Parameters
    ----------
    question : str
    cries : Cries
    labels : str[n]
        What is to be guessed.
    permutations : int
    """
    made = learners()
    pairs = [(sound, learner) for sound in cries.sound for learner in made]
    weights = group_weights(cries.group.tolist()).astype(np.float64)

    def score(of: Labels, groups: Labels | None, seed: int) -> NDArray[np.float64]:
        folds = deal_folds(of, groups, seed=seed)
        return np.array(
            [
                balanced_accuracy(of, guesses(cries.sound[sound], of, folds, made[learner]))[0]
                for sound, learner in pairs
            ]
        )

    rng = np.random.default_rng(7)
    by_chance = np.array(
        [
            score(swap_among_devices(labels, cries.group, rng), cries.group, seed)
            for seed in range(permutations)
        ]
    ).reshape(permutations, len(pairs))
    swapped = np.mean(
        [score(swap_among_devices(labels, cries.group, rng), None, k) for k in range(DEALS)], axis=0
    )
    # One deal into folds, as each permutation has one: like is compared with like.
    one_deal = score(labels, cries.group, 0)
    tries = []
    for k, (sound, learner) in enumerate(pairs):
        both: dict[bool, list[NDArray[np.float64]]] = {True: [], False: []}
        right = []
        for seed in range(REPEATS):
            for grouped in both:
                folds = deal_folds(labels, cries.group if grouped else None, seed=seed)
                guessed = guesses(cries.sound[sound], labels, folds, made[learner])
                both[grouped].append(balanced_accuracy(labels, guessed, weights))
                if grouped:
                    right.append(float(np.mean(guessed == labels)))
        tries.append(
            Try(
                sound,
                learner,
                estimate(np.mean(both[True], axis=0)),
                float(np.mean(right)),
                p_value(float(one_deal[k]), by_chance[:, k]),
                estimate(np.mean(both[False], axis=0)),
                float(swapped[k]),
            )
        )
    counts = Counter(labels.tolist())
    return Answer(
        question,
        dict(counts.most_common()),
        {one: len(set(cries.group[labels == one])) for one, _ in counts.most_common()},
        len(set(cries.group)),
        1 / len(counts),
        max(counts.values()) / len(labels),
        tries,
        p_value(float(one_deal.max()), by_chance.max(axis=1)) if permutations else float("nan"),
        permutations,
    )


@dataclass(frozen=True)
class Control:
    """Something that is in the sound, asked of the same features and learners.

    Parameters
    ----------
    question : str
    clips, devices : int
    best : Estimate
        Highest balanced accuracy of all pairs, a device on one side only.
    worst : float
    """

    question: str
    clips: int
    devices: int
    best: Estimate
    worst: float


def control(question: str, cries: Cries, labels: Labels) -> Control:
    """Ask something that is known to be in the sound, to see that the method can find it."""
    weights = group_weights(cries.group.tolist()).astype(np.float64)
    folds = deal_folds(labels, cries.group)
    found = [
        estimate(balanced_accuracy(labels, guesses(sound, labels, folds, learner), weights))
        for sound in cries.sound.values()
        for learner in learners().values()
    ]
    best = max(found, key=lambda one: one.value)
    worst = min(one.value for one in found)
    return Control(question, len(labels), len(set(cries.group)), best, worst)


# Telling.


def percent(value: float) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.2)
    '20.0 %'
    """
    return f"{100 * value:.1f} %"


def with_interval(one: Estimate) -> str:
    """Write a share with its interval.

    Examples
    --------
    >>> with_interval(Estimate(0.2, 0.1, 0.31))
    '20.0 % (10.0 to 31.0)'
    """
    return f"{percent(one.value)} ({100 * one.low:.1f} to {100 * one.high:.1f})"


HEAD = (
    "sound",
    "learner",
    "devices apart",
    "p",
    "plain accuracy",
    "devices mixed",
    "mixed, reasons swapped",
)


def rows(answer: Answer) -> list[list[str]]:
    """Lines of the table of one question."""
    return [
        [
            one.sound,
            one.learner,
            with_interval(one.apart),
            f"{one.p:.2f}",
            percent(one.accuracy),
            with_interval(one.mixed),
            percent(one.swapped),
        ]
        for one in answer.tries
    ]


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def describe(answers: Sequence[Answer], controls: Sequence[Control]) -> str:
    """Write what was found, as Markdown for the page.

    Parameters
    ----------
    answers : sequence of Answer
    controls : sequence of Control

    Returns
    -------
    str
    """
    parts = []
    for one in answers:
        of = ", ".join(
            f"{label} {clips} of {one.devices[label]}" for label, clips in one.clips.items()
        )
        parts += [
            f"**{one.question}** {sum(one.clips.values())} cries of {one.in_all} devices "
            f"(cries of devices: {of}). Chance, and whoever always says "
            f"*{next(iter(one.clips))}*: {percent(one.chance)}; the latter has a plain accuracy of "
            f"{percent(one.majority)}.",
            _markdown(HEAD, rows(one)),
            f"The best of these {len(one.tries)} tries, with devices apart, against the best of "
            f"{len(one.tries)} in {one.permutations} deals of the reasons among devices: "
            f"p = {one.best_p:.2f}.",
        ]
    parts += [
        "**Asked of the same sounds in the same way, with devices apart:**",
        _markdown(
            ("question", "clips", "devices", "best of nine", "worst"),
            [
                [
                    one.question,
                    str(one.clips),
                    str(one.devices),
                    with_interval(one.best),
                    percent(one.worst),
                ]
                for one in controls
            ],
        ),
    ]
    return "\n\n".join(parts)


def fill(page: str, content: str) -> str:
    """Put what was found into the page's block."""
    made, count = re.subn(
        r"(<!-- reasons -->).*?(<!-- /reasons -->)",
        lambda match: f"{match[1]}\n{content}\n{match[2]}",
        page,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{PAGE.name} holds {count} blocks 'reasons', not 1")
    return made


def measure(*, permutations: int = PERMUTATIONS) -> tuple[list[Answer], list[Control]]:
    """Ask all questions of the app's clips."""
    everything = read_cries()
    cries = everything.only(everything.kept)
    ticked = {
        one: len(set(cries.group[cries.reason == one])) for one in np.unique(cries.reason).tolist()
    }
    often = cries.only(np.isin(cries.reason, [k for k, n in ticked.items() if n >= LEAST_DEVICES]))
    hungry = np.where(cries.reason == "hungry", "hungry", "something else")
    answers = [
        ask("Which reason?", often, often.reason, permutations=permutations),
        ask("Hungry, or something else?", cries, hungry, permutations=permutations),
    ]
    kept = np.where(everything.kept, "cry", "no cry")
    controls = [
        control("A cry, or rejected by listeners?", everything, kept),
        control("Which phone recorded it, Android or iOS?", cries, cries.phone),
    ]
    return answers, controls


def main() -> None:
    """Ask whether ticked reasons can be told from the sound; print, keep and write the page."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks.reasons", description=main.__doc__)
    parse.add_argument("--permutations", type=int, default=PERMUTATIONS, help="deals by chance")
    parse.add_argument("--out", type=Path, default=OUT, help="folder for reasons.json")
    parse.add_argument("--no-page", action="store_true", help="leave the page in docs/ as it is")
    given = parse.parse_args()
    for needed in (AUDIO / "manifest.csv", YAMNET):
        if not needed.exists():
            parse.exit(1, f"{needed} is missing; this benchmark needs it\n")
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    begun = time.monotonic()
    answers, controls = measure(permutations=given.permutations)
    console = Console(width=150 if not Console().is_terminal else None)
    for answer in answers:
        table = Table(*HEAD, title=answer.question, title_justify="left")
        for line in rows(answer):
            table.add_row(*line)
        console.print(table)
        console.print(
            f"chance {percent(answer.chance)}; always the most common: plain accuracy "
            f"{percent(answer.majority)}; best of all by chance: p = {answer.best_p:.3f}"
        )
    for one in controls:
        console.print(f"{one.question} best {with_interval(one.best)}, n = {one.clips}")
    given.out.mkdir(parents=True, exist_ok=True)
    kept = {
        "answers": [asdict(one) for one in answers],
        "controls": [asdict(one) for one in controls],
        "took_s": round(time.monotonic() - begun, 1),
    }
    (given.out / "reasons.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if not given.no_page:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(fill(page, describe(answers, controls)), encoding="utf-8")
    console.print(f"{kept['took_s']:.0f} s; also in {given.out / 'reasons.json'}", style="dim")


if __name__ == "__main__":
    main()
