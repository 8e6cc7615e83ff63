"""Speed and memory on one core, each measured in a process of its own."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from harken.episodes import BoutRule, BoutTracker
from harken.hearing import HOP_S, Builtin, Detector, Frames, YAMNet, level_dbfs
from harken.hearing.yamnet import BABY_CRY, WINDOW, Backbone
from harken.sound import RATE, AudioBlock, open_source
from training.data import YAMNET

MINUTES = 30
LONG_HOURS = 16
LIVE_S = 120.0
LIVE_BLOCK = RATE // 10
YAMNET_HOP = round(0.48 * RATE)
"""Samples between windows in YAMNet's own pipeline."""

ROOT = Path(__file__).resolve().parents[1]


def write_flac(path: Path, pieces: Iterator[NDArray[np.int16]]) -> None:
    """Write 16 kHz mono FLAC of any length in flat memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.flac")
    at = 0
    with av.open(str(part), "w") as out:
        stream = out.add_stream("flac", rate=RATE, layout="mono")
        for pcm in pieces:
            for k in range(0, len(pcm), 4608):
                some = np.ascontiguousarray(pcm[None, k : k + 4608])
                frame = av.AudioFrame.from_ndarray(some, format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
                at += some.shape[1]
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    part.replace(path)


def repeated(sounds: Sequence[NDArray[np.int16]], seconds: float) -> Iterator[NDArray[np.int16]]:
    """`sounds` one after the other, over and over, for so long."""
    left, k = round(seconds * RATE), 0
    while left > 0:
        piece = sounds[k % len(sounds)][:left]
        left, k = left - len(piece), k + 1
        yield piece


def _blocks(path: Path) -> Iterator[AudioBlock]:
    with open_source(path) as source:
        for item in source:
            if isinstance(item, AudioBlock):
                yield item


def _memory_mb() -> float:
    """Highest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike getrusage's, this one does not begin with what the parent held.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_file(detector: Detector, path: Path) -> dict[str, float]:
    """From a file to bouts, as `harken analyze` does: seconds, and memory on the way."""
    begun, cpu = time.perf_counter(), time.process_time()
    seconds, early, bouts = 0.0, 0.0, 0
    tracker = BoutTracker(BoutRule(detector.on, detector.off), delay_s=detector.delay_s)
    for block in _blocks(path):
        bouts += len(tracker.process(detector.process(block)))
        seconds = block.end
        if not early and seconds >= 3600:
            early = _memory_mb()
    bouts += len(tracker.process(detector.flush())) + len(tracker.flush())
    return {
        "took_s": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu,
        "seconds": seconds,
        "memory_1h_mb": early,
        "memory_mb": _memory_mb(),
        "events": bouts,
    }


def run_yamnet(path: Path) -> dict[str, float]:
    """YAMNet's own pipeline: a window each 0.48 s, class 20 over a threshold, the same rule."""
    from benchmarks.peers import WINDOW_S, follow

    begun, cpu = time.perf_counter(), time.process_time()
    backbone, held, scores, levels = Backbone(YAMNET), np.zeros(0, np.float32), [], []
    seconds = 0.0
    for block in _blocks(path):
        held = np.concatenate([held, block.samples])
        seconds = block.end
        n = max((len(held) - WINDOW) // YAMNET_HOP + 1, 0)
        for k in range(n):
            window = held[k * YAMNET_HOP : k * YAMNET_HOP + WINDOW]
            scores.append(backbone.scores(window)[BABY_CRY])
        levels.append(level_dbfs(held[: n * YAMNET_HOP]))
        held = held[n * YAMNET_HOP :]
    cry = np.repeat(np.array(scores, np.float32), YAMNET_HOP // round(HOP_S * RATE))
    level = np.concatenate(levels)
    zero = np.zeros_like(cry)
    frames = Frames(np.arange(len(cry), dtype=np.float64) * HOP_S, cry, zero, zero, level)
    made = follow(frames, BoutRule(0.3, 0.15), WINDOW_S)
    return {
        "took_s": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu,
        "seconds": seconds,
        "memory_mb": _memory_mb(),
        "events": len(made.bouts),
    }


def run_live(detector: Detector, path: Path) -> dict[str, float]:
    """Two minutes in blocks of 0.1 s as fast as they go: seconds of CPU a second of sound."""
    sound = np.concatenate([b.samples for _, b in zip(range(20), _blocks(path), strict=False)])
    sound = np.resize(sound, round(LIVE_S * RATE)).astype(np.float32)
    tracker = BoutTracker(BoutRule(detector.on, detector.off), delay_s=detector.delay_s)
    begun = time.process_time()
    for k in range(0, len(sound), LIVE_BLOCK):
        block = AudioBlock(sound[k : k + LIVE_BLOCK], k / RATE)
        tracker.process(detector.process(block))
    return {"share": (time.process_time() - begun) / LIVE_S}


def main() -> None:
    """Measure one thing on one core and print it as JSON."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("what", choices=["file", "yamnet", "live"])
    parse.add_argument("sound", type=Path)
    parse.add_argument("--builtin", type=Path)
    parse.add_argument("--head", type=Path)
    parse.add_argument("--with-head", action="store_true")
    ask = parse.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if ask.what == "yamnet":
        print(json.dumps(run_yamnet(ask.sound)))
        return
    builtin = Builtin(ask.builtin)
    detector = YAMNet(YAMNET, head=ask.head, builtin=builtin) if ask.with_head else builtin
    run = run_file if ask.what == "file" else run_live
    print(json.dumps(run(detector, ask.sound)))


def measure(*words: str | Path, times: int = 1) -> dict[str, float]:
    """Run this file in a new process `times` times; the median of each number."""
    runs = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.speed", *map(str, words)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


@dataclass(frozen=True)
class Pace:
    """One run over a file: seconds of sound, on the clock, and of CPU; highest memory."""

    seconds: float
    took_s: float
    cpu_s: float
    memory_mb: float

    @property
    def times(self) -> float:
        """Multiple of real time."""
        return self.seconds / self.took_s


@dataclass(frozen=True)
class SpeedReport:
    """Half an hour by each, 16 h by the builtin (memory after 1 h too), live shares of a core."""

    paces: dict[str, Pace]
    day: Pace
    memory_1h_mb: float
    live: dict[str, float]

    @property
    def ratio(self) -> float:
        """How many times as fast as YAMNet's own pipeline the builtin is."""
        return self.paces["builtin"].times / self.paces["YAMNet"].times


def report(
    sounds: Sequence[NDArray[np.int16]],
    cache: Path,
    *,
    builtin: Path | None = None,
    head: Path | None = None,
) -> SpeedReport:
    """Measure everything.

    Parameters
    ----------
    sounds : sequence of int16[n]
        Scenes, repeated to half an hour and to 16 hours.
    cache : Path
        The shorter file is kept there.
    builtin, head : Path, optional
        Models; by default the shipped ones.
    """
    short, long = cache / f"speed-{MINUTES}min.flac", cache / f"speed-{LONG_HOURS}h.flac"
    write_flac(short, repeated(sounds, MINUTES * 60))
    ours: list[str | Path] = ["--builtin", builtin] if builtin else []
    both = [*ours, "--with-head"]
    both += ["--head", head] if head else []
    runs = {
        "builtin": measure("file", short, *ours, times=3),
        "yamnet+head": measure("file", short, *both),
        "YAMNet": measure("yamnet", short, times=3),
    }
    live = {
        "builtin": measure("live", short, *ours, times=3)["share"],
        "yamnet+head": measure("live", short, *both)["share"],
    }
    write_flac(long, repeated(sounds, LONG_HOURS * 3600))
    try:
        day = measure("file", long, *ours)
    finally:
        long.unlink()
    return SpeedReport(
        paces={name: _pace(run) for name, run in runs.items()},
        day=_pace(day),
        memory_1h_mb=day["memory_1h_mb"],
        live=live,
    )


def _pace(run: dict[str, float]) -> Pace:
    return Pace(run["seconds"], run["took_s"], run["cpu_s"], run["memory_mb"])


if __name__ == "__main__":
    main()
