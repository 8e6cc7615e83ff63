"""Many simulated infants, on all cores, in memory or as Parquet.

Each infant has random numbers of its own, made from the seed and its number,
so that neither the number of cores nor that of infants changes what happens
to any of them.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken import __version__
from harken.errors import HarkenError, ParameterError
from harken.simulate.dyad import simulate_dyad
from harken.simulate.history import STATES, Change, Day, Explanation, History
from harken.simulate.parameters import NEEDS, Parameters
from harken.simulate.policy import Policy, policy

Columns = dict[str, NDArray[Any]]

_CHUNK = 20
"""Infants that one worker simulates at a time."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "need": NEEDS,
    "state": STATES,
    "manner": ("", "arrived", "visit"),
}
"""Columns that hold one of a few texts, kept as their number."""

MOST_INFANTS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Job:
    answering: Policy
    weeks: float
    seed: tuple[int, ...]
    age_weeks: float
    changes: tuple[Change, ...]
    explanation: Explanation
    parameters: Parameters
    keep: bool
    infants: range


def simulate_days(
    answering: Policy | str,
    *,
    infants: int,
    weeks: float,
    seed: int = 0,
    age_weeks: float = 0.0,
    changes: Iterable[Change] = (),
    explanation: Explanation | None = None,
    parameters: Parameters | None = None,
    jobs: int = 1,
) -> Columns:
    """Simulate many infants and give their days.

    Parameters
    ----------
    answering, weeks, age_weeks, changes, explanation, parameters
        As `simulate_dyad` takes them.
    infants : int, 1 to 1 000 000
    seed : int, ≥ 0
    jobs : int, ≥ 0
        Processes; 0: one a core.

    Returns
    -------
    dict of str to array, shape=(infants, days)
        The fields of `Day`; `state` as a number of `STATES`, `policy` left out.

    Raises
    ------
    ParameterError
        As `simulate_dyad`, or if a number is out of its range.

    Examples
    --------
    >>> simulate_days("prompt", infants=2, weeks=1)["crying_min"].shape
    (2, 7)
    """
    job = _job(
        answering, infants, weeks, seed, age_weeks, changes, explanation, parameters, keep=False
    )
    parts = [part for part, _ in _run(job, jobs)]
    names = [name for name in parts[0] if name != "infant"]
    return {
        name: np.concatenate([part[name] for part in parts]).reshape(infants, -1) for name in names
    }


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_cohort` wrote: counts of rows, and the mean minutes of crying a day."""

    infants: int
    days: int
    episodes: int
    crying_min: float


def write_cohort(
    answering: Policy | str,
    out: Path | str,
    *,
    infants: int,
    weeks: float,
    seed: int = 0,
    age_weeks: float = 0.0,
    changes: Iterable[Change] = (),
    explanation: Explanation | None = None,
    parameters: Parameters | None = None,
    jobs: int = 0,
    tell: Callable[[int], None] = lambda done: None,
) -> Written:
    """Simulate many infants into **days.parquet**, **episodes.parquet** and **run.json**.

    The tables hold what is hidden too: the need, the distress, what it expects.

    Parameters
    ----------
    answering, infants, weeks, seed, age_weeks, changes, explanation, parameters, jobs
        As `simulate_days` takes them.
    out : path
        A folder, made if need be; tables of an earlier run there are replaced.
    tell : callable
        Called with the number of infants that are done.

    Returns
    -------
    Written

    Raises
    ------
    ParameterError
        As `simulate_days`.
    HarkenError
        If pyarrow is not installed, or the folder cannot be written.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise HarkenError("Parquet needs pyarrow: pip install 'harken[parquet]'") from None
    job = _job(
        answering, infants, weeks, seed, age_weeks, changes, explanation, parameters, keep=True
    )
    folder = Path(out)
    counted = {"days": 0, "episodes": 0}
    crying, done = 0.0, 0
    writers: dict[str, Any] = {}
    # Written beside and moved into place, so that a run that was stopped leaves no half a table.
    part = {name: folder / f".{name}.parquet.part" for name in counted}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for by_day, by_spell in _run(job, jobs):
            for name, columns in (("days", by_day), ("episodes", by_spell)):
                table = _table(pa, columns)
                if name not in writers:
                    writers[name] = parquet.ParquetWriter(part[name], table.schema)
                writers[name].write_table(table)
                counted[name] += len(table)
            crying += float(by_day["crying_min"].sum())
            done = int(by_day["infant"][-1]) + 1
            tell(done)
        for name, writer in writers.items():
            writer.close()
            part[name].replace(folder / f"{name}.parquet")
        (folder / "run.json").write_text(
            json.dumps(_about(job, infants), indent=1, ensure_ascii=False), encoding="utf-8"
        )
    except OSError as error:
        raise HarkenError(f"cannot write to {folder}: {error.strerror or error}") from None
    finally:
        for name, writer in writers.items():
            writer.close()
            part[name].unlink(missing_ok=True)
    return Written(infants, counted["days"], counted["episodes"], crying / max(1, counted["days"]))


def _job(
    answering: Policy | str,
    infants: int,
    weeks: float,
    seed: int,
    age_weeks: float,
    changes: Iterable[Change],
    explanation: Explanation | None,
    parameters: Parameters | None,
    *,
    keep: bool,
) -> _Job:
    if isinstance(infants, bool) or not isinstance(infants, int):
        raise ParameterError(f"infants={infants!r} is not a whole number")
    if not 1 <= infants <= MOST_INFANTS:
        raise ParameterError(f"infants={infants} must be from 1 to {MOST_INFANTS}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ParameterError(f"seed={seed!r} must be a whole number of 0 or more")
    first = policy(answering) if isinstance(answering, str) else answering
    return _Job(
        first,
        weeks,
        (seed,),
        age_weeks,
        tuple(changes),
        explanation or Explanation(),
        parameters or Parameters(),
        keep,
        range(infants),
    )


def _run(job: _Job, jobs: int) -> Iterator[tuple[Columns, Columns]]:
    """Simulate chunk by chunk, and give them in the order of the infants."""
    from dataclasses import replace

    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 0:
        raise ParameterError(f"jobs={jobs!r} must be a whole number of 0 or more")
    workers = jobs or len(os.sched_getaffinity(0))
    starts = range(0, len(job.infants), _CHUNK)
    chunks = [replace(job, infants=job.infants[at : at + _CHUNK]) for at in starts]
    workers = min(workers, len(chunks))
    # Bad arguments are told here, and not from another process.
    simulate_dyad(job.answering, weeks=0.01, age_weeks=job.age_weeks, parameters=job.parameters)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) if workers > 1 else nullcontext() as pool:
        if pool is None:
            yield from map(_simulate, chunks)
            return
        # A few chunks ahead and no more, so that memory stays flat however many there are.
        left = iter(chunks)
        going = [pool.submit(_simulate, one) for one in islice(left, workers + 2)]
        while going:
            found = going.pop(0).result()
            going += [pool.submit(_simulate, one) for one in islice(left, 1)]
            yield found


def _simulate(job: _Job) -> tuple[Columns, Columns]:
    by_day: list[Columns] = []
    by_spell: list[Columns] = []
    for infant in job.infants:
        history = simulate_dyad(
            job.answering,
            weeks=job.weeks,
            seed=(*job.seed, infant),
            age_weeks=job.age_weeks,
            changes=job.changes,
            explanation=job.explanation,
            parameters=job.parameters,
            keep=job.keep,
        )
        by_day.append(day_columns(history.days, infant))
        if job.keep:
            by_spell.append(spell_columns(history, infant))
    return _joined(by_day), _joined(by_spell)


def _joined(parts: list[Columns]) -> Columns:
    if not parts:
        return {}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def day_columns(every: Sequence[Day], infant: int = 0) -> Columns:
    """Give days as columns.

    Parameters
    ----------
    every : sequence of Day
    infant : int
        Its number.

    Returns
    -------
    dict of str to array, shape=(days,)

    Examples
    --------
    >>> history = simulate_dyad("prompt", weeks=1)
    >>> len(day_columns(history.days)["bouts"])
    7
    """
    made: Columns = {"infant": np.full(len(every), infant, np.int32)}
    for k, name in enumerate(Day._fields):
        if name == "policy":
            continue
        values = [one[k] for one in every]
        if name == "state":
            made[name] = np.array([STATES.index(one) for one in values], np.int8)
        elif name in ("day", "bouts", "answered", "feeds", "nappies"):
            made[name] = np.array(values, np.int32)
        else:
            made[name] = np.array(values, np.float64)
    return made


def spell_columns(history: History, infant: int = 0) -> Columns:
    """Give what happened as columns: one row a time of distress, cried out or not.

    Parameters
    ----------
    history : History
    infant : int

    Returns
    -------
    dict of str to array, shape=(spells,)
        Times in seconds from the start. `latency_s` is NaN where nobody came;
        `censored_s` then holds how long it cried.
    """
    spells = history.spells
    answered = np.array([np.nan if s.answered is None else s.answered for s in spells], np.float64)
    onset = np.array([s.onset for s in spells], np.float64)
    offset = np.array([s.offset for s in spells], np.float64)
    return {
        "infant": np.full(len(spells), infant, np.int32),
        "need": np.array([NEEDS.index(s.need) for s in spells], np.int8),
        "distress_until_s": np.round([s.until for s in spells], 3),
        "onset_s": np.round(onset, 3),
        "offset_s": np.round(offset, 3),
        "cried": offset > onset,
        "latency_s": np.round(answered - onset, 3),
        "censored_s": np.where(np.isnan(answered), np.round(offset - onset, 3), np.nan),
        "manner": np.array([_TEXTS["manner"].index(s.manner) for s in spells], np.int8),
        "caregiver": np.array(
            [-1 if s.caregiver is None else s.caregiver for s in spells], np.int8
        ),
        "attempts": np.array([len(s.attempts) for s in spells], np.int16),
        "calmed": np.array([s.calmed for s in spells], bool),
        "night": np.array([s.night for s in spells], bool),
        "in_arms": np.array([s.in_arms for s in spells], bool),
    }


def _table(pa: Any, columns: Columns) -> Any:
    made = {}
    for name, values in columns.items():
        if name in _TEXTS:
            texts = pa.array(_TEXTS[name])
            made[name] = pa.DictionaryArray.from_arrays(pa.array(values), texts)
        elif name in ("latency_s", "censored_s"):
            made[name] = pa.array(values, mask=np.isnan(values))
        elif name == "caregiver":
            made[name] = pa.array(values, mask=values < 0)
        else:
            made[name] = pa.array(values)
    return pa.table(made)


def _about(job: _Job, infants: int) -> dict[str, Any]:
    """Say all that is needed to make the same again."""
    from dataclasses import asdict

    return {
        "harken": __version__,
        "infants": infants,
        "weeks": job.weeks,
        "age_weeks": job.age_weeks,
        "seed": list(job.seed),
        "policy": asdict(job.answering),
        "changes": [asdict(one) for one in job.changes],
        "explanation": asdict(job.explanation),
        "parameters": {one.name: one.value for one in job.parameters},
        "not": "a simulation is no evidence about infants: it gives back what was put into it",
    }
