"""Rendered rooms: bouts found, false bouts, onsets, delays, crying minutes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics import (
    Estimate,
    Span,
    Tally,
    agreement,
    f1_estimate,
    first_cover,
    rate_per_hour,
    seconds_in,
    tally,
)
from benchmarks.peers import (
    YAMNET_DELAY_S,
    Followed,
    Heard,
    Place,
    follow,
    frigate,
    hear,
    scored,
    yamnet_rules,
)
from harken import simulate
from harken.simulate import Pool, SceneSpec, find_active, render_scene
from harken.sound import RATE
from training.data import CRYING, Clip

SNRS_DB = (20, 10, 5, 0)
ROOMS_S = (0.3, 0.4, 0.55, 0.7)
CRYING_S, CALM_S = 900.0, 600.0
"""Seconds of one scene with and without crying."""
PIECE_S = 300.0
"""Crying minutes are compared in pieces of this length."""

TRIED_ON = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Thresholds at which the trade-off between bouts found and false ones is shown."""

QUIET_PER_HOUR = 1.0
"""False bouts an hour that a second setting of YAMNet's may have where nobody cries."""

_KINDS = {
    "cry": "cry",
    "laugh": "laugh",
    "babble": "babble",
    "child_speech": "child",
    "speech": "voice",
    "animal": "animal",
    "household": "household",
    "music": "music",
    "noise": "noise",
}
_DISTRACTORS = (
    *("laugh", "babble", "child", "child", "voice", "voice", "voice"),
    *("animal", "animal", "household", "household", "music"),
)
_STEP = RATE // 50
_LEAST_HEARD = 0.2


@dataclass(frozen=True, eq=False)
class Scene:
    """One rendered scene: int16 samples, the true bouts, and what else sounds from when to when."""

    fold: int
    spec: SceneSpec
    crying: bool
    pcm: NDArray[np.int16]
    bouts: tuple[Span, ...]
    others: tuple[tuple[float, float, str], ...] = ()

    @property
    def hours(self) -> float:
        """Its length."""
        return self.spec.seconds / 3600


def crying_in(clip: Clip, rows: NDArray[np.float16]) -> tuple[Span, ...]:
    """Where a clip labelled cry really holds crying: sound that YAMNet, too, takes for it.

    Parameters
    ----------
    clip : Clip
    rows : float16[r, 521]
        YAMNet's scores, one row each 0.16 s.

    Returns
    -------
    tuple of (float, float)
        Seconds, to 20 ms; empty where YAMNet's classes 19 to 21 never reach 0.2.
    """
    heard = np.repeat(rows[:, CRYING].max(1) >= _LEAST_HEARD, 2560 // _STEP)
    n = len(clip.pcm) // _STEP
    sounds = np.zeros(n, bool)
    for begin, end in find_active(clip.samples, join_s=0.3):
        sounds[round(begin * RATE / _STEP) : round(end * RATE / _STEP)] = True
    on = sounds & heard[:n]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    spans = edges.reshape(-1, 2) * (_STEP / RATE)
    return tuple((float(a), float(b)) for a, b in spans if b - a >= 0.1)


def specs(fold: int, *, hours: float) -> list[tuple[bool, SceneSpec]]:
    """List what is rendered from one fold: each SNR once, then `hours` without crying.

    Rooms go round, so that over four folds each SNR meets each room. About a
    seventh of a scene is crying: in a scene full of it a detector that is always
    on would cover every bout and have no false one.
    """
    rng = np.random.default_rng([7, fold])
    out = []
    calm = max(round(hours * 3600 / CALM_S), 1)
    for k in range(len(SNRS_DB) + calm):
        crying = k < len(SNRS_DB)
        snr = float(SNRS_DB[k]) if crying else float(rng.uniform(10, 25))
        out.append(
            (
                crying,
                SceneSpec(
                    seconds=CRYING_S if crying else CALM_S,
                    seed=1000 * fold + k,
                    level_dbfs=float(rng.uniform(-40, -18)),
                    snr_db=snr,
                    rt60_s=ROOMS_S[(k + fold) % len(ROOMS_S)],
                    direct_db=float(rng.uniform(-3, 6)),
                    microphone=True,
                    background=("noise", "pink", "noise", "brown")[(k + fold // 2) % 4],
                    cries_per_hour=40.0 if crying else 0.0,
                    cry_s=(4.0, 30.0),
                    distractors_per_hour=150.0 if crying else 360.0,
                    distractors=_DISTRACTORS,
                ),
            )
        )
    return out


def pool_of(clips: Iterable[Clip], cache: Path) -> Pool:
    """Clips of one fold as a pool: cries where they are sure, unsettled uploads left out."""
    made = []
    for clip in clips:
        if clip.label not in _KINDS:
            continue
        active = None
        if clip.label == "cry":
            active = crying_in(clip, scored(clip.pcm, cache)[0])
            if not active:
                continue
        made.append(
            simulate.Clip(_KINDS[clip.label], clip.samples, clip.file, clip.group, active=active)
        )
    return Pool(made)


def _rendering() -> str:
    sources = [*sorted(Path(simulate.__file__).parent.glob("*.py")), Path(__file__)]
    return "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in sources)


def render(
    clips: Sequence[Clip], fold: int, *, hours: float, digest: str, cache: Path
) -> list[Scene]:
    """Render the scenes of one fold from its clips alone, or read them where they are kept.

    Parameters
    ----------
    clips : sequence of Clip
        All of them.
    fold : int
    hours : float
        Without crying.
    digest : str
        Names the data.
    cache : Path
    """
    pool: Pool | None = None
    out = []
    for crying, spec in specs(fold, hours=hours):
        key = json.dumps([digest, _rendering(), crying, asdict(spec)])
        kept = cache / "scenes" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
        if not kept.exists():
            if pool is None:
                pool = pool_of((c for c in clips if c.fold == fold), cache)
            made = render_scene(spec, pool)
            assert made.samples is not None
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(".part.npz")
            pcm = np.round(made.samples * 32767).astype(np.int16)
            others = [row for row in made.truth if row.kind != "cry"]
            np.savez(
                part,
                pcm=pcm,
                bouts=np.array(made.bouts, np.float64).reshape(-1, 2),
                others=np.array([(r.onset_s, r.offset_s) for r in others], np.float64),
                sources=np.array([r.source for r in others], np.str_),
            )
            part.replace(kept)
        with np.load(kept) as file:
            bouts = tuple((float(a), float(b)) for a, b in file["bouts"])
            others = tuple(
                (float(a), float(b), str(source))
                for (a, b), source in zip(file["others"], file["sources"], strict=True)
            )
            out.append(Scene(fold, spec, crying, file["pcm"], bouts, others))
    return out


def render_job(job: tuple[list[Clip], int, float, str, Path]) -> int:
    """Render the scenes of one fold into the cache; a job for one process."""
    clips, fold, hours, digest, cache = job
    return len(render(clips, fold, hours=hours, digest=digest, cache=cache))


def hear_job(job: tuple[Scene, Place]) -> Heard:
    """Let all four hear a scene; a job for one process."""
    scene, place = job
    return hear(scene.pcm, scene.fold, place)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What each detector made of every scene, in the order of the scenes."""

    by_name: dict[str, list[Followed]]
    settings: dict[str, str]


def judge(found: Sequence[Scene], heard: Sequence[Heard]) -> Verdicts:
    """Run the rules: ours as shipped, YAMNet at its best setting, Frigate's own."""
    by_name: dict[str, list[Followed]] = {}
    settings = {}
    for name in ("builtin", "yamnet+head"):
        frames = [one.builtin if name == "builtin" else one.head for one in heard]
        if any(one is None for one in frames):
            continue
        by_name[name] = [
            follow(f, one.rules[name], one.delays[name])
            for f, one in zip(frames, heard, strict=True)
            if f is not None
        ]
        rules = sorted({(h.rules[name].on, h.rules[name].off) for h in heard})
        settings[name] = "on/off as shipped: " + ", ".join(f"{a:g}/{b:g}" for a, b in rules)

    tried = [
        (
            f"{'class 20' if only_baby else 'highest of classes 19–21'}, "
            f"on/off {rule.on:g}/{rule.off:g}",
            [follow(one.yamnet(only_baby=only_baby), rule, YAMNET_DELAY_S) for one in heard],
        )
        for only_baby, rule in yamnet_rules()
    ]
    crying = [s.crying for s in found]

    def f1(made: list[Followed]) -> float:
        return sum(_tallies(found, made, crying), Tally()).f1

    def alarms(made: list[Followed]) -> float:
        hours = sum(s.hours for s in found if not s.crying)
        return sum(len(v.bouts) for s, v in zip(found, made, strict=True) if not s.crying) / hours

    best = max(tried, key=lambda one: f1(one[1]))
    calm = max(tried, key=lambda one: (min(-alarms(one[1]), -QUIET_PER_HOUR), f1(one[1])))
    by_name["YAMNet"], by_name["YAMNet quiet"] = best[1], calm[1]
    settings["YAMNet"] = f"best of {len(tried)} by F1 on these very scenes: {best[0]}"
    settings["YAMNet quiet"] = (
        f"the same, of those with at most {QUIET_PER_HOUR:g} false bout an hour: {calm[0]}"
    )
    by_name["Frigate"] = [frigate(one.windows, one.rms) for one in heard]
    by_name["Frigate 0.5"] = [frigate(one.windows, one.rms, least=0.5) for one in heard]
    return Verdicts(by_name, settings)


def best_yamnet(found: Sequence[Scene], heard: Sequence[Heard]) -> float:
    """YAMNet's F1 with the setting that is best for just these scenes: its upper bound."""
    if not found:
        return float("nan")
    return max(
        sum(
            (
                tally(s.bouts, follow(h.yamnet(only_baby=b), rule, YAMNET_DELAY_S).bouts)
                for s, h in zip(found, heard, strict=True)
            ),
            Tally(),
        ).f1
        for b, rule in yamnet_rules()
    )


@dataclass(frozen=True)
class Reached:
    """What one detector reaches on scenes.

    Parameters
    ----------
    f1_clear, f1_noisy : Estimate
        Event F1 at 10 dB and more, and below; the interval is a bootstrap by scene.
    false_per_hour, withdrawn_per_hour : Estimate
        In scenes without crying.
    onset_error_s : float
        Median of the absolute error.
    delay_s : (float, float)
        Median and 95th percentile from true onset to announcement.
    minutes : (float, float)
        Crying minutes an hour less the true ones, and their correlation.
    """

    f1_clear: Estimate
    f1_noisy: Estimate
    false_per_hour: Estimate
    withdrawn_per_hour: Estimate
    onset_error_s: float
    delay_s: tuple[float, float]
    minutes: tuple[float, float]


@dataclass(frozen=True)
class Choice:
    """What a detector of ours would reach with other thresholds; see `Reached`."""

    name: str
    on: float
    off: float
    shipped: bool
    f1_clear: float
    f1_noisy: float
    false_per_hour: float
    withdrawn_per_hour: float
    delay_s: tuple[float, float]


@dataclass(frozen=True)
class SceneReport:
    """All that is measured on scenes.

    `best_yamnet` is its F1 if tuned to clear, to noisy ones; `causes` counts, by
    detector, the labels of the sounds that most of a false bout without crying lies in.
    """

    reached: dict[str, Reached]
    tallies: dict[str, dict[str, Tally]]
    best_yamnet: tuple[float, float]
    settings: dict[str, str]
    scenes: int
    true_bouts: int
    calm_hours: float
    trade_off: tuple[Choice, ...]
    causes: dict[str, dict[str, int]]


def trade_off(found: Sequence[Scene], heard: Sequence[Heard]) -> list[Choice]:
    """Try our detectors with other thresholds, `off` in the shipped ratio to `on`."""
    clear = [s.crying and s.spec.snr_db >= 10 for s in found]
    noisy = [s.crying and s.spec.snr_db < 10 for s in found]
    hours = sum(s.hours for s in found if not s.crying)
    out = []
    for name in ("builtin", "yamnet+head"):
        if any(name not in one.rules for one in heard):
            continue
        shipped = heard[0].rules[name]
        for on in sorted({*TRIED_ON, shipped.on}):
            made = []
            for one in heard:
                frames = one.builtin if name == "builtin" else one.head
                assert frames is not None
                rule = replace(shipped, on=on, off=on * shipped.off / shipped.on)
                made.append(follow(frames, rule, one.delays[name]))
            calm = [v for s, v in zip(found, made, strict=True) if not s.crying]
            _, delays = _latencies(found, made, clear)
            middle, late = np.percentile(delays, [50, 95]) if len(delays) else (np.nan, np.nan)
            out.append(
                Choice(
                    name=name,
                    on=on,
                    off=rule.off,
                    shipped=on == shipped.on,
                    f1_clear=sum(_tallies(found, made, clear), Tally()).f1,
                    f1_noisy=sum(_tallies(found, made, noisy), Tally()).f1,
                    false_per_hour=sum(len(v.bouts) for v in calm) / hours,
                    withdrawn_per_hour=sum(v.withdrawn for v in calm) / hours,
                    delay_s=(float(middle), float(late)),
                )
            )
    return out


def causes(
    found: Sequence[Scene], made: Sequence[Followed], labels: Mapping[str, str]
) -> dict[str, int]:
    """Count the false bouts without crying by the label of the sound that they mostly lie in."""
    out: Counter[str] = Counter()
    for scene, verdict in zip(found, made, strict=True):
        for span in [] if scene.crying else verdict.bouts:
            inside: Counter[str] = Counter()
            for begin, end, source in scene.others:
                inside[source] += max(min(span[1], end) - max(span[0], begin), 0.0)
            source = max(inside, key=lambda s: inside[s], default="")
            out[labels.get(source, "no sound") if inside[source] > 0 else "no sound"] += 1
    return dict(out.most_common())


def report(
    found: Sequence[Scene], heard: Sequence[Heard], labels: Mapping[str, str]
) -> SceneReport:
    """Measure everything; `labels` gives the label of each clip by its file.

    Onsets and delays are taken from scenes of 10 dB and more, over true bouts
    that were found and announced by a bout of their own.
    """
    verdicts = judge(found, heard)
    clear = [s.crying and s.spec.snr_db >= 10 for s in found]
    noisy = [s.crying and s.spec.snr_db < 10 for s in found]
    calm = [not s.crying for s in found]
    hours = sum(s.hours for s in found if not s.crying)
    conditions = {
        **{f"SNR {x} dB": [s.crying and s.spec.snr_db == x for s in found] for x in SNRS_DB},
        **{f"room {x:g} s": [s.crying and s.spec.rt60_s == x for s in found] for x in ROOMS_S},
        **{
            f"crying at {a} to {b} dBFS": [s.crying and a <= s.spec.level_dbfs < b for s in found]
            for a, b in ((-40, -30), (-30, -18))
        },
    }
    reached = {}
    for name, made in verdicts.by_name.items():
        quiet = [v for v, c in zip(made, calm, strict=True) if c]
        onsets, delays = _latencies(found, made, clear)
        middle, late = np.percentile(delays, [50, 95]) if len(delays) else (np.nan, np.nan)
        reached[name] = Reached(
            f1_clear=f1_estimate(_tallies(found, made, clear)),
            f1_noisy=f1_estimate(_tallies(found, made, noisy)),
            false_per_hour=rate_per_hour(sum(len(v.bouts) for v in quiet), hours),
            withdrawn_per_hour=rate_per_hour(sum(v.withdrawn for v in quiet), hours),
            onset_error_s=float(np.median(np.abs(onsets))) if len(onsets) else float("nan"),
            delay_s=(float(middle), float(late)),
            minutes=_minutes(found, made),
        )
    return SceneReport(
        reached=reached,
        tallies={
            what: {
                name: sum(_tallies(found, made, keep), Tally())
                for name, made in verdicts.by_name.items()
            }
            for what, keep in conditions.items()
        },
        best_yamnet=(
            best_yamnet(*_only(found, heard, clear)),
            best_yamnet(*_only(found, heard, noisy)),
        ),
        settings=verdicts.settings,
        scenes=len(found),
        true_bouts=sum(len(s.bouts) for s in found),
        calm_hours=hours,
        trade_off=tuple(trade_off(found, heard)),
        causes={name: causes(found, verdicts.by_name[name], labels) for name in reached},
    )


def _tallies(found: Sequence[Scene], made: Sequence[Followed], keep: Sequence[bool]) -> list[Tally]:
    rows = zip(found, made, keep, strict=True)
    return [tally(s.bouts, v.bouts) for s, v, k in rows if k]


def _only(
    found: Sequence[Scene], heard: Sequence[Heard], keep: Sequence[bool]
) -> tuple[list[Scene], list[Heard]]:
    return (
        [s for s, k in zip(found, keep, strict=True) if k],
        [h for h, k in zip(heard, keep, strict=True) if k],
    )


def _latencies(
    found: Sequence[Scene], made: Sequence[Followed], keep: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    onsets, delays = [], []
    for scene, verdict, wanted in zip(found, made, keep, strict=True):
        if not wanted:
            continue
        for i, j in first_cover(scene.bouts, verdict.bouts):
            onsets.append(verdict.bouts[j][0] - scene.bouts[i][0])
            # A bout that was announced before the crying was announced for something else.
            if verdict.known_at[j] > scene.bouts[i][0]:
                delays.append(verdict.known_at[j] - scene.bouts[i][0])
    return np.array(onsets), np.array(delays)


def _minutes(found: Sequence[Scene], made: Sequence[Followed]) -> tuple[float, float]:
    """Bias in minutes an hour, and correlation, over pieces of five minutes."""
    truth: list[float] = []
    ours: list[float] = []
    for scene, verdict in zip(found, made, strict=True):
        for begin in np.arange(0, scene.spec.seconds, PIECE_S).tolist():
            for into, spans in ((truth, scene.bouts), (ours, verdict.bouts)):
                into.append(seconds_in(spans, begin, begin + PIECE_S) * 60 / PIECE_S)
    return agreement(np.array(truth), np.array(ours))
