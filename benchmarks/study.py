"""Many recordings: how fast, how well on more workers, how safe, how much memory.

``python -m benchmarks.study`` measures all; ``--only`` some of the parts: *hours*
(recordings an hour), *workers* (two against one), *dask* (against a plain loop),
*kills* (a worker killed again and again), *memory*, *privacy* (speech that stays in clips).
``--scale 0.1`` makes everything ten times shorter, and the results say so. They go into
``build/bench/study.json``; ``--scale-page`` fills docs/scale.md from them.
"""

import argparse
import json
import math
import os
import platform
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from harken.hearing import Frames, open_detector
from harken.simulate import synthetic_night
from harken.simulate.voice import cry, speak
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.anonymise import mute_all_but_crying
from harken.studies.cluster import workers
from harken.studies.corpus import read_corpus
from harken.studies.provenance import Recipe, recipe_of
from harken.studies.reading import compare, read_run
from harken.studies.run import Step, Study
from harken.studies.work import ready

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench" / "study.json"
PARTS = ("hours", "workers", "dask", "kills", "memory", "privacy")
DAY_H = 16.0
KILLS = 20
MODEL = "builtin"


def sound(minutes: float = 20.0) -> NDArray[np.int16]:
    """Give a rendered night with crying, adults and a home around them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.flac"
        synthetic_night(minutes, seed=1, path=path)
        with open_source(path) as source:
            parts = [item.samples for item in source if isinstance(item, AudioBlock)]
    return (np.clip(np.concatenate(parts), -1, 1) * 32767).astype(np.int16)


def write_wav(path: Path, pcm: NDArray[np.int16], seconds: float, *, turn: int = 0) -> Path:
    """Write 16 kHz mono WAV of any length; no two turns of the sound are alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    left = round(seconds * 16_000)
    # 48 hours are more than WAV's 4 GiB: then it becomes RF64.
    with av.open(str(path), "w", format="wav", options={"rf64": "auto"}) as file:
        stream = file.add_stream("pcm_s16le", rate=16_000, layout="mono")
        while left > 0:
            turn += 1
            piece = np.roll(pcm, turn * 12_345)[:left]
            frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
            frame.sample_rate = 16_000
            file.mux(stream.encode(frame))
            left -= len(piece)
        file.mux(stream.encode(None))
    return path


def write_mp3(path: Path, source: Path) -> Path:
    """Write a recording as MP3 of 64 kbit/s."""
    with av.open(str(source)) as read, av.open(str(path), "w") as out:
        stream = out.add_stream("libmp3lame", rate=16_000, layout="mono")
        stream.bit_rate = 64_000
        resampler = av.AudioResampler(stream.codec_context.format, "mono", 16_000)
        for frame in read.decode(audio=0):
            for one in resampler.resample(frame):
                one.pts = None
                out.mux(stream.encode(one))
        out.mux(stream.encode(None))
    return path


def prepared(corpus: Path, out: Path, *, piece_h: float = 4.0) -> Study:
    """Give a study that is about to begin."""
    recipe = recipe_of(MODEL)
    return Study(read_corpus(corpus), out=out, recipe=recipe, piece_s=piece_h * 3600)


def timed(
    corpus: Path, out: Path, count: int, *, piece_h: float = 4.0, spent: list[float] | None = None
) -> float:
    """Seconds of a run on `count` processes that are there and warm; CPU seconds into `spent`."""
    with workers(processes=count, dashboard=False) as client:
        client.wait_for_workers(count, timeout=120)
        warm(client)
        with prepared(corpus, out, piece_h=piece_h) as study, closing(study.run(client)) as steps:
            before = sum(client.run(time.process_time).values())
            begun = time.perf_counter()
            failures = [step.failure for step in steps if step.failure]
            took = time.perf_counter() - begun
            if spent is not None:
                spent.append(sum(client.run(time.process_time).values()) - before)
            study.write()
    assert not failures, failures
    return took


def warm(client: Any) -> None:
    """Let every worker load what it needs: once a run, whatever its length."""
    recipe = recipe_of(MODEL)
    tasks = [
        client.submit(_load, recipe, workers=[worker], pure=False)
        for worker in client.scheduler_info(n_workers=-1)["workers"]
    ]
    client.gather(tasks)


def _load(recipe: Recipe) -> None:
    ready(recipe)


@contextmanager
def watched() -> Iterator[Callable[[], float]]:
    """Give a function for the highest resident memory [MB] of any process started meanwhile."""
    most, over = 0.0, threading.Event()
    me = psutil.Process()

    def look() -> None:
        nonlocal most
        while not over.wait(0.05):
            for child in me.children(recursive=True):
                try:
                    if "spawn_main" in " ".join(child.cmdline()):
                        most = max(most, child.memory_info().rss / 1e6)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: most
    finally:
        over.set()
        watcher.join()


def measure_hours(pcm: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """Day-long recordings an hour on two cores, WAV and MP3."""
    hours = DAY_H * scale
    found: dict[str, Any] = {"hours_each": hours}
    for kind in ("wav", "mp3"):
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "corpus"
            for k in range(2):
                path = write_wav(corpus / f"{k}.wav", pcm, hours * 3600, turn=100 * k)
                if kind == "mp3":
                    write_mp3(path.with_suffix(".mp3"), path)
                    path.unlink()
            size = sum(path.stat().st_size for path in corpus.iterdir())
            out = Path(folder) / "out"
            took = timed(corpus, out, 2)
            written = sum(p.stat().st_size for p in out.rglob("*.parquet"))
            found[kind] = {
                "took_s": took,
                "an_hour": 3600 / took * 2 * hours / DAY_H,
                "speed": 2 * hours * 3600 / took,
                "input_mb": size / 1e6,
                "tables_mb": written / 1e6,
            }
    return found


def measure_workers(pcm: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """Two workers against one, on the same recordings."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        for k in range(8):
            write_wav(corpus / f"{k}.wav", pcm, max(120.0, 4 * 3600 * scale), turn=100 * k)
        one = timed(corpus, Path(folder) / "one", 1)
        two = timed(corpus, Path(folder) / "two", 2)
    return {"one_s": one, "two_s": two, "times": one / two, "recordings": 8}


def measure_dask(pcm: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """Compare a worker of Dask with a plain loop, on 200 recordings of five minutes."""
    count = max(10, round(200 * scale))
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        for k in range(count):
            write_wav(corpus / f"{k:03}.wav", pcm, 300.0, turn=7 * k)
        loops, dasks, loop_cpu, dask_cpu = [], [], [], list[float]()
        # In turns, so that what else the machine does falls on both.
        for turn in range(3):
            with prepared(corpus, Path(folder) / f"loop{turn}") as study:
                begun, spent = time.perf_counter(), time.process_time()
                steps: list[Step] = list(study.run_here())
                loops.append(time.perf_counter() - begun)
                loop_cpu.append(time.process_time() - spent)
                study.write()
            assert len(steps) == count
            dasks.append(timed(corpus, Path(folder) / f"dask{turn}", 1, spent=dask_cpu))
    loop, dask = min(loops), min(dasks)
    return {
        "recordings": count,
        "loop_s": loop,
        "dask_s": dask,
        "over": dask / loop - 1,
        # What else the machine does changes these less.
        "loop_cpu_s": min(loop_cpu),
        "dask_cpu_s": min(dask_cpu),
        "over_cpu": min(dask_cpu) / min(loop_cpu) - 1,
    }


def measure_kills(pcm: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """Kill a worker at 20 random moments, and compare the tables with an undisturbed run."""
    draw = random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        for k in range(24):
            write_wav(corpus / f"{k:02}.wav", pcm, max(700.0, 3600 * scale), turn=11 * k)
        calm = timed(corpus, Path(folder) / "calm", 2, piece_h=0.1)
        wait_s = max(0.5, calm / KILLS)
        kills, runs = 0, 0
        over = threading.Event()

        def strike() -> None:
            nonlocal kills
            while kills < KILLS and not over.wait(draw.uniform(0.2, 1.8) * wait_s):
                those = [
                    one
                    for one in psutil.Process().children(recursive=True)
                    if "spawn_main" in " ".join(one.cmdline())
                ]
                if those:
                    os.kill(draw.choice(those).pid, signal.SIGKILL)
                    kills += 1

        out = Path(folder) / "struck"
        with workers(processes=2, dashboard=False) as client:
            client.wait_for_workers(2, timeout=120)
            striker = threading.Thread(target=strike, daemon=True)
            striker.start()
            failures = []
            while kills < KILLS or not runs:
                # Where the recordings end before the kills do, they are heard again.
                place = out.with_name(f"struck{runs}")
                with prepared(corpus, place, piece_h=0.1) as study:
                    with closing(study.run(client)) as steps:
                        failures += [step.failure for step in steps if step.failure]
                    study.write()
                runs += 1
            over.set()
            striker.join()
        differences = [
            line
            for k in range(runs)
            for line in compare(Path(folder) / "calm", out.with_name(f"struck{k}")).differences
        ]
    return {
        "kills": kills,
        "runs": runs,
        "failures": len(failures),
        "differences": len(differences),
        "equal": not differences and not failures,
    }


def measure_memory(pcm: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """Highest resident memory of a worker, for recordings of several lengths, cut and whole."""
    found = {}
    for hours in (1.0, DAY_H, 48.0):
        for piece_h in (4.0, 0.0):
            with tempfile.TemporaryDirectory() as folder:
                length = max(300.0, hours * 3600 * scale)
                write_wav(Path(folder) / "corpus/a.wav", pcm, length)
                with watched() as most:
                    timed(Path(folder) / "corpus", Path(folder) / "out", 1, piece_h=piece_h)
                    found[f"{hours:g} h {'whole' if not piece_h else 'cut'}"] = most()
                run = read_run(Path(folder) / "out")
                assert run.recordings.num_rows == 1
    return {"mb": found, "most_mb": max(found.values())}


def measure_privacy(_: NDArray[np.int16], scale: float) -> dict[str, Any]:
    """How much of an adult's synthetic voice stays where everything but crying is silenced."""
    seconds, detector = max(10.0, 60 * scale), open_detector(MODEL)
    energy: list[float] = []
    stays: dict[str, list[float]] = {"0 dB": [], "10 dB": []}
    for seed in range(1, 5):
        rng = np.random.default_rng(seed)
        speech = speak(seconds, rng=rng)
        crying = cry(seconds, rng=rng).samples
        kept = _only_crying(speech.samples, detector)
        energy.append(float(np.square(kept).sum() / np.square(speech.samples).sum()))
        said = np.zeros(len(speech.samples), bool)
        for since, until in speech.spans:
            said[round(since * RATE) : round(until * RATE)] = True
        for louder in stays:
            gain = _rms(crying[said]) / _rms(speech.samples[said])
            both = crying + speech.samples * gain * 10 ** (float(louder.split()[0]) / 20)
            kept = _only_crying((0.5 * both / np.abs(both).max()).astype(np.float32), detector)
            stays[louder].append(float((kept[said] != 0).mean()))
    return {"energy_alone": energy, "stays": stays}


def _only_crying(samples: NDArray[np.float32], detector: Any) -> NDArray[np.float32]:
    frames = Frames.join([detector.process(AudioBlock(samples, 0.0)), detector.flush()])
    return mute_all_but_crying(samples, frames, on=detector.on)


def _rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(samples).mean()))


MEASURES: dict[str, Callable[[NDArray[np.int16], float], dict[str, Any]]] = {
    "hours": measure_hours,
    "workers": measure_workers,
    "dask": measure_dask,
    "kills": measure_kills,
    "memory": measure_memory,
    "privacy": measure_privacy,
}


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Give (what, at least, measured, met) of what was measured."""
    made = []
    if one := found.get("hours"):
        for kind, least in (("wav", 100.0), ("mp3", None)):
            value = one[kind]["an_hour"]
            what = f"day-long ({DAY_H:g} h) recordings an hour, two cores, {kind.upper()}"
            met = "–" if least is None else _met(value >= least)
            made.append((what, "≥ 100" if least else "–", f"{value:.0f}", met))
    if one := found.get("workers"):
        made.append(("two workers against one", "≥ 1.8 ×", f"{one['times']:.2f} ×",
                     _met(one["times"] >= 1.8)))  # fmt: skip
    if one := found.get("dask"):
        what = f"Dask over a plain loop, {one['recordings']} recordings of 5 min"
        value = f"{one['over']:+.1%} (CPU of the worker {one['over_cpu']:+.1%})"
        made.append((what, "≤ 5 %", value, _met(one["over"] <= 0.05)))
    if one := found.get("kills"):
        value = "equal" if one["equal"] else f"{one['differences']} differences"
        what = f"worker killed at {one['kills']} random moments"
        made.append((what, "equal", value, _met(one["equal"])))
    if one := found.get("memory"):
        made.append(("memory a worker", "≤ 600 MB", f"{one['most_mb']:.0f} MB",
                     _met(one["most_mb"] <= 600)))  # fmt: skip
    if one := found.get("privacy"):
        value = f"at most {max(one['energy_alone']):.2%} of its energy"
        made.append(("synthetic speech that stays in a clip, alone", "–", value, "–"))
        for louder, of in one["stays"].items():
            what = f"the same over crying, {louder} above it, of the time"
            made.append((what, "–", f"{min(of):.0%} to {max(of):.0%}", "–"))
    return made


def _met(yes: bool) -> str:
    return "yes" if yes else "NO"


def at_scale(
    found: dict[str, Any],
    *,
    recordings: int = 100_000,
    nodes: int = 200,
    cores: int = 16,
    disk_gb_s: float = 20.0,
    piece_h: float = 4.0,
    tasks_s: float = 1000.0,
    core_hour: float = 0.03,
) -> dict[str, float]:
    """Compute a large study from measured rates; the formulas are those of docs/scale.md."""
    one = found["hours"]
    speed = one["wav"]["speed"] / 2
    size = one["wav"]["input_mb"] / 1e3 / (2 * one["hours_each"]) * DAY_H
    tables = one["wav"]["tables_mb"] / 1e3 / (2 * one["hours_each"]) * DAY_H
    computing = recordings * DAY_H * 3600 / (speed * nodes * cores)
    # Each file is read twice: to be hashed, and to be heard.
    reading = recordings * 2 * size / disk_gb_s
    handing_out = recordings * (2 + DAY_H / piece_h) / tasks_s
    return {
        "speed": speed,
        "input_tb": recordings * size / 1e3,
        "tables_gb": recordings * tables,
        "files": recordings * 4.0,
        "computing_h": computing / 3600,
        "reading_h": reading / 3600,
        "handing_out_h": handing_out / 3600,
        "took_h": max(computing, reading, handing_out) / 3600,
        "needs_gb_s": recordings * 2 * size / computing,
        "cost": max(computing, reading, handing_out) / 3600 * nodes * cores * core_hour,
        "balance_nodes": disk_gb_s * DAY_H * 3600 / (2 * size * speed * cores),
    }


def fill_page(found: dict[str, Any], page: Path) -> None:
    """Put the tables of what was measured, and what follows from it, into docs/scale.md."""
    if "hours" not in found:
        raise SystemExit("nothing is measured yet: python -m benchmarks.study --only hours")
    made = at_scale(found)
    first = max(("computing_h", "reading_h", "handing_out_h"), key=lambda key: made[key])
    name = {
        "computing_h": "the cores",
        "reading_h": "the shared disk",
        "handing_out_h": "the scheduler",
    }[first]
    lines = [
        "| what | value |",
        "| --- | --- |",
        f"| speed of a core (measured) | {made['speed']:.0f} × real time |",
        f"| recordings to read | {made['input_tb']:.0f} TB |",
        f"| tables to write | {made['tables_gb']:.1f} GB in {made['files']:,.0f} files |",
        f"| time of the cores | {made['computing_h']:.2f} h |",
        f"| time of the shared disk | {made['reading_h']:.2f} h |",
        f"| time of the scheduler | {made['handing_out_h']:.2f} h |",
        f"| **time of the study** | **{made['took_h']:.1f} h** |",
        f"| first bottleneck | {name} |",
        f"| what the disk would have to give | {made['needs_gb_s']:.0f} GB/s |",
        f"| nodes that this disk keeps busy | {made['balance_nodes']:.0f} |",
        f"| cost | {made['cost']:.0f} € |",
    ]
    measured = [
        "| what | at least | measured | met |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows(found)),
    ]
    on = found["hours"]["machine"]
    shorter = sorted(key for key in PARTS if key in found and found[key]["scale"] < 1)
    said = f"Measured on {on['cpu']}, {on['cores']} cores, load {on['load']:.1f} before."
    if shorter:
        said += f" Shorter than in full: {', '.join(shorter)}."
    text = page.read_text("utf-8")
    for mark, block in (("scale", lines), ("measured", [*measured, "", said])):
        begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        if not rest or not tail:
            raise SystemExit(f"{page.name}: {begin} … {end} is missing")
        text = head + "\n".join([begin, *block, end]) + tail
    page.write_text(text, "utf-8")


def machine() -> dict[str, Any]:
    """Give what was measured on."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return {"cpu": name, "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}


HEAD = ("what", "at least", "measured", "met")
"""Columns of the table."""


def measure(parts: Sequence[str], *, scale: float = 1.0, out: Path = OUT) -> dict[str, Any]:
    """Measure parts, and keep each as soon as it is done beside those of earlier runs.

    Parameters
    ----------
    parts : sequence of str
        Of `PARTS`.
    scale : float, above 0 to 1
        Share of the full length.
    out : Path

    Returns
    -------
    dict
        Part → what was measured.
    """
    found: dict[str, Any] = json.loads(out.read_text("utf-8")) if out.exists() else {}
    pcm = sound(20.0 if scale > 0.1 else 5.0)
    for part in parts:
        before = machine()
        print(f"{part} …", flush=True)
        found[part] = MEASURES[part](pcm, scale) | {"scale": scale, "machine": before}
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=2), "utf-8")
    return found


def main() -> None:
    """Measure, print the table, and keep the numbers."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--only", default=",".join(PARTS), help=f"parts: {' '.join(PARTS)}")
    parse.add_argument("--scale", type=float, default=1.0, help="share of the full length")
    parse.add_argument("--out", type=Path, default=OUT)
    parse.add_argument("--scale-page", action="store_true", help="only fill docs/scale.md")
    given = parse.parse_args()
    found: dict[str, Any] = {}
    if given.out.exists():
        found = json.loads(given.out.read_text("utf-8"))
    if not given.scale_page:
        parts = given.only.split(",")
        unknown = sorted(set(parts) - set(PARTS))
        if unknown or not 0 < given.scale <= 1 or not math.isfinite(given.scale):
            parse.error(f"--only takes {' '.join(PARTS)}, --scale a number from 0 to 1")
        found = measure(parts, scale=given.scale, out=given.out)
        table = Table(*HEAD, title="Studies")
        for row in rows(found):
            table.add_row(*row)
        Console().print(table)
        scaled = sorted(k for k in PARTS if k in found and found[k]["scale"] < 1)
        if scaled:
            print(f"shorter than in full: {', '.join(scaled)}")
    else:
        fill_page(found, ROOT / "docs" / "scale.md")


if __name__ == "__main__":
    main()
