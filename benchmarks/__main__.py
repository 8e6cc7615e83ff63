"""`make bench`: what is promised beside what is reached, in one table."""

import argparse
import dataclasses
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import calibration, charts, hub, speed, study
from benchmarks import clips as on_clips
from benchmarks import scenes as in_scenes
from benchmarks.metrics import Estimate
from benchmarks.peers import NAMES, Place
from harken.hearing.builtin import shipped
from training.data import AUDIO, FOLDS, YAMNET, Clip, data_hash, load_clips

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench"
PARTS = ("clips", "levels", "corpora", "scenes", "calibration", "speed", "study", "hub")
OURS = ("builtin", "yamnet+head")

Cells = dict[str, str]


@dataclass(frozen=True)
class Row:
    """One line of the table: what is promised, and what each of the four reaches."""

    what: str
    target: str
    cells: Cells
    met: dict[str, bool] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Write who meets the target."""
        return ", ".join(f"{name} {'yes' if ok else 'NO'}" for name, ok in self.met.items()) or "–"


@dataclass(frozen=True)
class Extra:
    """A further table."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def _met(values: dict[str, float], rule: Callable[[str, float], bool]) -> dict[str, bool]:
    return {n: rule(n, values[n]) for n in OURS if n in values and math.isfinite(values[n])}


def _texts(values: dict[str, Any], text: Callable[[Any], str]) -> Cells:
    return {name: text(value) for name, value in values.items()}


def clip_rows(
    asked: dict[str, on_clips.Comparison], alarms: on_clips.Alarms
) -> tuple[list[Row], list[Extra]]:
    """Lines on clips."""
    rows = []
    for what, one in asked.items():
        peer = one.auc["YAMNet"].value
        halved = what == "everything labelled"

        def rule(name: str, value: float, peer: float = peer, halved: bool = halved) -> bool:
            if name == "builtin":
                return value >= peer
            return 1 - value <= (1 - peer) / 2 if halved else value > peer

        rows.append(
            Row(
                f"AUC, cry against {what} ({one.positives} : {one.negatives} clips)",
                f"builtin ≥ YAMNet; head {'1 − AUC ≤ ½ of it' if halved else 'above'}",
                _texts(one.auc, lambda e: e.text(4)),
                _met({n: e.value for n, e in one.auc.items()}, rule),
            )
        )
    far = {name: e.value for name, e in alarms.overall.items()}
    (r8, f8), (r5, f5) = alarms.frigate
    rows.append(
        Row(
            f"false alarms at YAMNet's recall ({alarms.recall:.1%}), clips",
            "builtin ≤ YAMNet; head ≤ ½ of it",
            {
                **_texts(alarms.overall, _percent),
                "Frigate": f"{f8:.1%} at recall {r8:.1%}; {f5:.1%} at {r5:.1%}",
            },
            _met(far, lambda n, v: v <= far["YAMNet"] * (1 if n == "builtin" else 0.5)),
        )
    )
    ahead = Extra(
        "AUC minus YAMNet's, same bootstrap resamples of groups",
        ["cry against", *(n for n in NAMES if n != "YAMNet")],
        [
            [what, *(_of(one.ahead, n, _signed) for n in NAMES if n != "YAMNet")]
            for what, one in asked.items()
        ],
    )
    labels = sorted(next(iter(alarms.by_label.values())))
    by_label = Extra(
        "False alarms by label at YAMNet's recall (share of clips)",
        ["label", *alarms.by_label],
        [[one, *(f"{made[one]:.1%}" for made in alarms.by_label.values())] for one in labels],
    )
    recalls = Extra(
        "False alarms at other recalls (share of clips that are not crying)",
        ["cries found", *alarms.overall],
        [
            [f"{recall:.0%}", *(f"{share:.2%}" for share in made.values())]
            for recall, made in alarms.at_recall.items()
        ],
    )
    return rows, [ahead, recalls, by_label]


def scene_rows(made: in_scenes.SceneReport) -> tuple[list[Row], list[Extra]]:
    """Lines on scenes."""
    of = made.reached
    four = {name: of[name] for name in NAMES if name in of}
    rows = []
    for what, values, best, least in (
        ("≥ 10 dB", {n: r.f1_clear for n, r in of.items()}, made.best_yamnet[0], 0.90),
        ("0–5 dB", {n: r.f1_noisy for n, r in of.items()}, made.best_yamnet[1], 0.80),
    ):
        cells = {name: values[name].text(2) for name in four}
        cells["YAMNet"] += f"; tuned to these: {best:.2f}"
        cells["Frigate"] += f"; at 0.5: {values['Frigate 0.5'].value:.2f}"

        def rule(name: str, value: float, best: float = best, least: float = least) -> bool:
            return value > best and (name == "builtin" or value >= least)

        rows.append(
            Row(
                f"event F1, scenes at {what}",
                f"> YAMNet's best; head ≥ {least:.2f}",
                cells,
                _met({n: e.value for n, e in values.items()}, rule),
            )
        )
    for what, each, most in (
        ("false bouts", {n: r.false_per_hour for n, r in of.items()}, 0.1),
        ("withdrawn starts", {n: r.withdrawn_per_hour for n, r in of.items()}, 1.0),
    ):
        cells = {name: each[name].text(1) for name in four}
        if what == "withdrawn starts":
            cells["Frigate"] = "–"
        rows.append(
            Row(
                f"{what} an hour without crying ({made.calm_hours:g} h)",
                f"≤ {most:g}",
                cells,
                {n: each[n].value <= most for n in OURS if n in each},
            )
        )
    rows += [
        Row(
            "median error of the onset, ≥ 10 dB",
            "≤ 0.3 s",
            {n: f"{r.onset_error_s:.2f} s" for n, r in four.items()},
            {n: of[n].onset_error_s <= 0.3 for n in OURS if n in of},
        ),
        Row(
            "delay from onset to detection, median / p95, ≥ 10 dB",
            "≤ 1.0 / 1.5 s",
            {n: f"{r.delay_s[0]:.2f} / {r.delay_s[1]:.2f} s" for n, r in four.items()},
            {n: of[n].delay_s[0] <= 1.0 and of[n].delay_s[1] <= 1.5 for n in OURS if n in of},
        ),
    ]
    conditions = Extra(
        "Scenes by condition: F1 (found of true, false of detected)",
        ["condition", *of],
        [
            [
                what,
                *(f"{t.f1:.2f} ({t.found}/{t.true}, {t.false}/{t.detected})" for t in row.values()),
            ]
            for what, row in made.tallies.items()
        ],
    )
    minutes = Extra(
        f"Crying minutes an hour against truth, pieces of {in_scenes.PIECE_S / 60:g} min",
        ["", *of],
        [
            ["bias, min/h", *(f"{r.minutes[0]:+.2f}" for r in of.values())],
            ["correlation", *(f"{r.minutes[1]:.3f}" for r in of.values())],
        ],
    )
    trade_off = Extra(
        "Other thresholds: more bouts found, or fewer false ones",
        [
            *("detector", "on/off", "F1 ≥ 10 dB", "F1 0–5 dB"),
            *("false bouts an hour", "withdrawn an hour", "delay, median / p95"),
        ],
        [
            [
                one.name,
                f"{one.on:g}/{one.off:.2f}" + (" (shipped)" if one.shipped else ""),
                f"{one.f1_clear:.2f}",
                f"{one.f1_noisy:.2f}",
                f"{one.false_per_hour:.1f}",
                f"{one.withdrawn_per_hour:.1f}",
                f"{one.delay_s[0]:.2f} / {one.delay_s[1]:.2f} s",
            ]
            for one in made.trade_off
        ],
    )
    labels = sorted({label for each in made.causes.values() for label in each})
    causes = Extra(
        f"What false bouts without crying lie in ({made.calm_hours:g} h)",
        ["label", *made.causes],
        [[label, *(str(each.get(label, 0)) for each in made.causes.values())] for label in labels],
    )
    settings = Extra("Settings", ["detector", "rule"], [list(i) for i in made.settings.items()])
    return rows, [conditions, trade_off, causes, minutes, settings]


def speed_rows(made: speed.SpeedReport) -> list[Row]:
    """Lines on speed and memory."""

    def took(name: str) -> str:
        one = made.paces[name]
        return (
            f"{one.times:.0f} × ({one.seconds / 60:.0f} min in {one.took_s:.2f} s, "
            f"CPU {one.cpu_s:.2f} s)"
        )

    fast = made.paces["builtin"].times
    return [
        Row(
            "speed, one core, FLAC to bouts, × real time",
            "builtin ≥ 1000 and ≥ 3 × YAMNet's own",
            {
                "builtin": f"{took('builtin')}; {made.ratio:.1f} × YAMNet's own",
                "yamnet+head": took("yamnet+head"),
                "YAMNet": f"{took('YAMNet')}, every 0.48 s",
            },
            {"builtin": fast >= 1000 and made.ratio >= 3},
        ),
        Row(
            f"highest memory, {speed.LONG_HOURS} h file (after 1 h)",
            "≤ 300 MB, flat",
            {
                "builtin": f"{made.day.memory_mb:.0f} MB ({made.memory_1h_mb:.0f}); "
                f"{made.day.times:.0f} × real time"
            },
            {"builtin": made.day.memory_mb <= min(300, 1.1 * made.memory_1h_mb)},
        ),
        Row(
            "one live stream, blocks of 0.1 s, share of one core",
            "≤ 3 %",
            _texts(made.live, lambda share: f"{share:.1%}"),
            {name: share <= 0.03 for name, share in made.live.items()},
        ),
    ]


def level_table(made: dict[int, on_clips.Comparison]) -> Extra:
    """AUC at each level."""
    one = next(iter(made.values()))
    return Extra(
        f"AUC by level, the same {one.positives} : {one.negatives} clips scaled",
        ["RMS", *NAMES],
        [
            [f"{level} dBFS", *(_of(c.auc, n, lambda e: e.text(4)) for n in NAMES)]
            for level, c in made.items()
        ],
    )


def group_table(title: str, made: dict[str, on_clips.Comparison | None]) -> Extra:
    """AUC by age band or corpus."""
    return Extra(
        title,
        ["", "clips", *NAMES],
        [
            [
                what,
                f"{c.positives} : {c.negatives}" if c else "",
                *(_of(c.auc, n, lambda e: e.text(4)) if c else "not run" for n in NAMES),
            ]
            for what, c in made.items()
        ],
    )


def _of(values: dict[str, Any], name: str, text: Callable[[Any], str]) -> str:
    return text(values[name]) if name in values else "–"


def _signed(e: Estimate) -> str:
    return f"{e.value:+.4f} [{e.low:+.4f}, {e.high:+.4f}]"


def _percent(e: Estimate) -> str:
    return f"{e.value:.1%} [{e.low:.1%}, {e.high:.1%}]"


def main_table(rows: Sequence[Row]) -> Extra:
    """Put all lines into the one table."""
    return Extra(
        "Harken beside its peers",
        ["what", "target", *NAMES[:3], "Frigate's rule", "met?"],
        [[r.what, r.target, *(r.cells.get(n, "–") for n in NAMES), r.verdict] for r in rows],
    )


def markdown(table: Extra) -> str:
    """Write a table as Markdown."""
    lines = [f"### {table.title}", "", "| " + " | ".join(table.head) + " |"]
    lines.append("|" + " --- |" * len(table.head))
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join(lines) + "\n"


def show(table: Extra, console: Console) -> None:
    """Print a table."""
    out = Table(title=table.title, title_justify="left", show_lines=len(table.head) == 7)
    for k, name in enumerate(table.head):
        out.add_column(name, overflow="fold", ratio=3 if k == 0 else 2)
    for row in table.rows:
        out.add_row(*row)
    console.print(out)


def _plain(value: Any) -> Any:
    """Make something that JSON can hold; what is not finite becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        if hasattr(value, "f1"):
            found["f1"] = value.f1
        return _plain(found)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _models(place: Place) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.models.glob("*.onnx"))
    }


def _is_shipped() -> bool:
    try:
        return bool(shipped("builtin.onnx") and shipped("yamnet_head.onnx"))
    except Exception:
        return False


def _scenes(
    clips: Sequence[Clip], folds: Iterable[int], place: Place, digest: str, hours: float, pool: Any
) -> list[in_scenes.Scene]:
    each = hours / FOLDS
    jobs = [([c for c in clips if c.fold == k], k, each, digest, place.cache) for k in folds]
    list((pool.map if pool else map)(in_scenes.render_job, jobs))
    return [
        scene
        for mine, k, *_ in jobs
        for scene in in_scenes.render(mine, k, hours=each, digest=digest, cache=place.cache)
    ]


def main() -> None:
    """Measure accuracy and speed beside peers; print one table and keep it."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parse.add_argument("--only", default=",".join(PARTS), help=f"parts of {','.join(PARTS)}")
    parse.add_argument("--hours", type=float, default=2.0, help="of scenes without crying")
    parse.add_argument("--level-clips", type=int, default=320, help="clips scaled to each level")
    parse.add_argument("--folds", default="0,1,2,3", help="folds to look at, for a quick try")
    parse.add_argument("--models", type=Path, default=ROOT / "benchmarks" / "folds")
    parse.add_argument("--out", type=Path, default=OUT)
    parse.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    ask = parse.parse_args()
    parts = ask.only.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parse.error(f"--only: unknown part {unknown[0]!r}; there are {', '.join(PARTS)}")
    for needed in (AUDIO, YAMNET):
        if not needed.exists():
            parse.exit(1, f"{needed} is missing; the benchmarks need it\n")

    console = Console(width=200 if not Console().is_terminal else None)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    place = Place(ask.models, OUT / "cache")
    folds = [int(k) for k in ask.folds.split(",")]
    begun = time.monotonic()
    took: dict[str, float] = {}
    rows: list[Row] = []
    extras: list[Extra] = []
    results: dict[str, Any] = {}

    def step(part: str) -> None:
        took[part] = round(time.monotonic() - begun - sum(took.values()), 1)
        console.print(f"{part}: {took[part]:.0f} s", style="dim")

    ask.out.mkdir(parents=True, exist_ok=True)
    everything = load_clips()
    digest = data_hash(everything)
    clips = [c for c in everything if c.fold in folds]
    step("reading")
    with ProcessPoolExecutor(ask.workers, mp_context=get_context("spawn")) as pool:

        def spread(work: Any, jobs: list[Any]) -> list[Any]:
            return list(pool.map(work, jobs))

        if "clips" in parts:
            scores = on_clips.score_all(
                [c.pcm for c in clips], [c.fold for c in clips], place, spread
            )
            groups, cry = [c.group for c in clips], [c.label == "cry" for c in clips]
            asked = {
                what: on_clips.compare(scores, np.array(cry), groups, kept)
                for what, kept in on_clips.questions(clips).items()
            }
            alarms = on_clips.false_alarms(clips, scores)
            ages = on_clips.by_age(clips, scores)
            more, further = clip_rows(asked, alarms)
            rows += more
            extras += [*further, group_table("AUC by age band of the crying infant", dict(ages))]
            results["clips"] = {"auc": asked, "false_alarms": alarms, "age": ages}
            results["clip_scores"] = {
                "file": [c.file for c in clips],
                **{name: values.round(5).tolist() for name, values in scores.items()},
            }
            kept = np.array([c.label != "unknown_upload" for c in clips])
            charts.corner(
                {name: values[kept] for name, values in scores.items()},
                np.array([c.label == "cry" for c in clips])[kept],
                ask.out / "roc.svg",
            )
            step("clips")
        if "scenes" in parts:
            found = _scenes(clips, folds, place, digest, ask.hours, pool)
            step("rendering")
            heard = list(pool.map(in_scenes.hear_job, [(scene, place) for scene in found]))
            made = in_scenes.report(found, heard, {c.file: c.label for c in clips})
            more, further = scene_rows(made)
            rows += more
            extras += further
            results["scenes"] = made
            charts.by_snr(made.tallies, ask.out / "snr.svg")
            step("scenes")
        if "levels" in parts:
            levels = on_clips.by_level(clips, place, spread, most=ask.level_clips)
            extras.append(level_table(levels))
            results["levels"] = levels
            step("levels")
        if "corpora" in parts:
            crossed = on_clips.cross_corpus(clips, place, spread)
            extras.append(group_table("Cross-corpus: trained without it, tested on it", crossed))
            results["corpora"] = crossed
            step("corpora")
    if "calibration" in parts:
        promised, others = calibration.measure(jobs=ask.workers)
        extras += [
            Extra(title, calibration.HEAD, calibration.rows(lines))
            for title, lines in (
                (calibration.TITLE, promised),
                (calibration.TITLE_OTHERS, others),
            )
        ]
        fast = calibration.measure_speed(jobs=ask.workers)
        extras.append(Extra("The simulator", ("what", "at least", "measured", "met"), [fast]))
        results["calibration"] = {"promised": promised, "others": others, "speed": fast}
        step("calibration")
    if "speed" in parts:
        some = _scenes(clips, folds[:1], place, digest, ask.hours, None)
        ours = {} if _is_shipped() else {k: place.model(folds[0], k) for k in ("builtin", "head")}
        timed = speed.report([scene.pcm for scene in some], place.cache, **ours)
        rows += speed_rows(timed)
        results["speed"] = timed
        step("speed")
    if "study" in parts:
        studied = study.measure(study.PARTS)
        extras.append(Extra("Studies", study.HEAD, study.rows(studied)))
        results["study"] = studied
        step("study")
    if "hub" in parts:
        # The last of all, as it needs the machine for itself.
        made_hub = hub.measure(hub.PARTS)
        extras.append(
            Extra("The hub", ["what", "at least", "measured", "met?"], hub.rows(made_hub))
        )
        results["hub"] = made_hub
        step("hub")

    tables = [main_table(rows), *extras]
    for table in tables:
        show(table, console)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    results |= {
        "table": rows,
        "data_sha256": digest,
        "models_sha256": _models(place),
        "machine": machine,
        "took_s": took,
    }
    (ask.out / "table.md").write_text("\n".join(map(markdown, tables)), encoding="utf-8")
    (ask.out / "results.json").write_text(
        json.dumps(_plain(results), indent=1, ensure_ascii=False, allow_nan=False),
        encoding="utf-8",
    )
    console.print(
        f"{machine}; {sum(took.values()) / 60:.1f} min in all; also in {ask.out}", style="dim"
    )


if __name__ == "__main__":
    main()
