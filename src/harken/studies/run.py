"""A study: recordings of a corpus in, one Parquet data set out, on Dask.

::

    OUT/
      bouts/child_id=…/recording=…/part-0.parquet     likewise episodes, voice, levels, frames
      recordings.parquet, recordings.csv              one row a recording
      run.json                                        what it was made from and with
      .harken/                                        receipts, pieces of what is being heard

The coordinator only hands out work. All that a run knows is on disk, in one
receipt for each recording, so that any run can be stopped, killed or cut off
from power and goes on from there.
"""

import fcntl
import json
import math
import os
import queue
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from harken.errors import SourceError
from harken.studies import work
from harken.studies.answers import BIASES, DEFINITION
from harken.studies.cluster import renew
from harken.studies.corpus import Corpus, Recording, about_file, masked, printable
from harken.studies.findings import TABLES
from harken.studies.pieces import cut
from harken.studies.plan import INNER, Plan, is_planned, read_plan
from harken.studies.provenance import Recipe, RunError, recipe_of, surroundings
from harken.studies.reading import read_status
from harken.studies.work import Cut, Job, Receipt
from harken.writing import OutputError, put, replacing, writing

if TYPE_CHECKING:
    from distributed import Client

PIECE_S = 4 * 3600.0
"""Seconds of a piece of a long recording."""

_TICK_S = 0.5
_ASK_S = 5.0
"""How often the scheduler is asked which workers there are: with thousands that takes long."""

_LOOKS = 16
"""Recordings that are looked at in one go before a run."""

_A_WORKER = 3
"""Recordings in hand for each thread of a worker, so that none waits for work."""

_RECORDINGS = pa.schema(
    [
        ("child_id", pa.string()),
        ("recording", pa.string()),
        ("at", pa.string()),
        ("date_iso", pa.string()),
        ("start_time", pa.string()),
        ("child_dob", pa.string()),
        ("age_days", pa.int32()),
        ("seconds", pa.float64()),
        ("cry_s", pa.float64()),
        ("bouts", pa.int32()),
        ("episodes", pa.int32()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("file_sha256", pa.string()),
        ("pieces", pa.int32()),
        ("run", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is.

    Parameters
    ----------
    done, recordings : int
    share : float, 0 to 1
        Of the work, by size of the files.
    left_s : float or None [s]
        How long the rest takes at the speed so far; None before there is one.
    workers : int
        Threads of workers that are there.
    failure : str
        A line about a recording that has just failed, or empty.
    """

    done: int
    recordings: int
    share: float
    left_s: float | None
    workers: int
    failure: str = ""


@dataclass(slots=True)
class _Doing:
    """A recording that is being heard."""

    job: Job
    weight: float
    cut: Cut | None = None
    waiting: int = 0
    whole: str = ""
    killed: bool = False
    steps: int = 0
    """Steps that are with the workers."""


class Study:
    """A run of a corpus into a folder; locked until it is left (it is a context manager).

    Parameters
    ----------
    corpus : Corpus
    out : Path
        Made if need be.
    recipe : Recipe
        See `harken.studies.provenance.recipe_of`.
    piece_s : float, 0 or from 300 on [s]
        Length of the pieces of a long recording; 0: never cut.

    Raises
    ------
    OutputError
        `out` cannot be made, written or locked, or holds other files of these names.
    RunError
        `out` holds the study of another corpus.
    ParameterError
        `piece_s` breaks its rule.

    Attributes
    ----------
    jobs : list of Job
        One for each recording.
    receipts : dict of str to Receipt
        Of those that are done, by `Job.id`.
    gone : tuple of str
        Names of recordings that were in the corpus before; their rows were taken out.
    """

    def __init__(
        self, corpus: Corpus, *, out: Path, recipe: Recipe, piece_s: float = PIECE_S
    ) -> None:
        cut(None, piece_s=piece_s)
        self.corpus, self.out, self.recipe = corpus, out.absolute(), recipe
        self._piece_s = piece_s
        if not is_planned(self.out):
            _refuse_others(self.out)
        with writing(out):
            lock = self.out / INNER / "lock"
            lock.parent.mkdir(parents=True, exist_ok=True)
            self._lock = lock.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            why = (
                "another harken is writing to it: wait for it or"
                if isinstance(error, BlockingIOError)
                else f"its disk gives no locks ({error.strerror}):"
            )
            raise OutputError(f"{str(out)!r}: {why} choose another --out") from None
        try:
            self._begin()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let others write to the folder."""
        self._lock.close()

    def _begin(self) -> None:
        self.gone: tuple[str, ...] = ()
        if is_planned(self.out):
            before = read_plan(self.out).corpus
            if before.at != masked(self.corpus.at):
                raise RunError(
                    f"{str(self.out)!r} holds the study of {before.at!r}; choose another --out"
                )
            here = {(one.child, one.name) for one in self.corpus.recordings}
            gone = [one for one in before.recordings if (one.child, one.name) not in here]
            for one in gone:
                work.forget(self.out, one)
                self._job(one, (0, "")).receipt.unlink(missing_ok=True)
            self.gone = tuple(one.name for one in gone)
        # Each look at a server or a network drive takes a while, most of it waiting.
        with ThreadPoolExecutor(_LOOKS) as pool:
            looks = list(pool.map(_look, self.corpus.recordings))
        self.jobs = [self._job(*both) for both in zip(self.corpus.recordings, looks, strict=True)]
        self.receipts = {job.id: found for job in self.jobs if (found := work.finished(job))}
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        Plan(self.corpus, self.recipe, self._piece_s).write(self.out)
        self._write_run(ended=None)

    def _job(self, recording: Recording, look: tuple[int, str]) -> Job:
        return Job(recording, str(self.out), self.recipe, self._piece_s, *look)

    @property
    def todo(self) -> list[Job]:
        """Recordings that have to be heard, or at least looked at."""
        return [job for job in self.jobs if job.id not in self.receipts]

    @property
    def logs(self) -> Path:
        """Folder for what workers elsewhere print."""
        return self.out / INNER / "logs"

    def run_here(self) -> Generator[Step, None, None]:
        """Hear what has not been heard yet in this process, one after another, without Dask.

        Yields
        ------
        Step
            After each recording.
        """
        todo = self.todo
        clock = _Clock(todo)
        for job in todo:
            found = work.begin(job)
            if isinstance(found, Cut):
                numbers = range(len(found.pieces))
                why = next((w for n in numbers if (w := work.hear(job, found, n))), "")
                found = work.finish(job, found, why)
            self.receipts[job.id] = found
            clock.done += _weight(job)
            yield self._step(clock, 1, found.error)

    def run(self, client: "Client") -> Generator[Step, None, None]:
        """Hear what has not been heard yet on the workers of a Dask cluster.

        Closing the iterator gives up what is in hand; it is left for the next run.

        Parameters
        ----------
        client : distributed.Client

        Yields
        ------
        Step
            Several times a second.

        Raises
        ------
        OutputError
            A result cannot be written. What was finished before is kept.
        RunError
            The scheduler is gone, or a worker cannot do its part.
        """
        todo = deque(self.todo)
        if not todo:
            return
        clock = _Clock(todo)
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        doing: dict[str, tuple[_Doing, Any]] = {}
        suspects: deque[Job] = deque()
        in_hand: set[str] = set()
        threads, asked = _threads(client), time.monotonic()

        def submit(one: _Doing, function: Any, *arguments: Any, priority: int = 0) -> None:
            future: Any = client.submit(
                function, one.job, *arguments, pure=False, priority=priority, retries=0
            )
            doing[future.key] = one, future
            one.steps += 1
            future.add_done_callback(ready.put)

        def start(job: Job) -> None:
            in_hand.add(job.id)
            submit(_Doing(job, _weight(job)), work.begin)

        try:
            while todo or suspects or doing:
                while todo and len(in_hand) < max(4, _A_WORKER * threads):
                    start(todo.popleft())
                if suspects and not doing and not todo:
                    # Any of those in flight may have killed it: each is tried by itself.
                    start(suspects.popleft())
                failure = ""
                future = _next(ready)
                if future is not None and future.status in ("pending", "lost"):
                    # Its result went with a worker before it was fetched; Dask makes it anew.
                    future.add_done_callback(ready.put)
                elif future is not None and future.key in doing:
                    one, _ = doing.pop(future.key)
                    one.steps -= 1
                    receipt = self._after(one, _outcome(future), submit, suspects, clock)
                    future.release()
                    if receipt is not None:
                        failure = receipt.error
                        self.receipts[one.job.id] = receipt
                    if not one.steps:
                        in_hand.discard(one.job.id)
                if time.monotonic() - asked > (_ASK_S if threads else _TICK_S):
                    if client.status not in ("running", "connecting"):
                        raise RunError(_GONE)
                    threads, asked = _threads(client), time.monotonic()
                    renew(client, seen=threads > 0)
                    if not threads and not clock.done:
                        # Time in the queue of a cluster says nothing of the speed.
                        clock.begun = asked
                yield self._step(clock, threads, failure)
        finally:
            if doing:
                connected: Any = client
                connected.cancel([future for _, future in doing.values()], force=True)

    def _after(
        self,
        one: _Doing,
        outcome: Any,
        submit: Any,
        suspects: "deque[Job]",
        clock: "_Clock",
    ) -> Receipt | None:
        """Take what came of a step, and begin the next one."""
        if isinstance(outcome, _Killed):
            one.killed = True
        if isinstance(outcome, Receipt):
            clock.done += one.weight
            clock.part -= one.weight if one.cut is not None else 0.0
            return outcome
        if isinstance(outcome, Cut):
            one.cut, one.waiting = outcome, len(outcome.pieces)
            for piece in outcome.pieces:
                submit(one, work.hear, outcome, piece.number, priority=10)
            return None
        if one.cut is not None and one.waiting:
            one.waiting -= 1
            if isinstance(outcome, str):
                clock.part += one.weight / len(one.cut.pieces)
                one.whole = one.whole or outcome
            if one.waiting:
                return None
            if not one.killed:
                submit(one, work.finish, one.cut, one.whole, priority=20)
                return None
        if one.cut is not None:
            clock.part = max(0.0, clock.part - one.weight)
        if one.job.id in clock.suspected:
            clock.done += one.weight
            return work.fail(one.job, "the process that read it was killed or crashed, every time")
        clock.suspected.add(one.job.id)
        suspects.append(one.job)
        return None

    def _step(self, clock: "_Clock", threads: int, failure: str) -> Step:
        return Step(len(self.receipts), len(self.jobs), clock.share, clock.left_s, threads, failure)

    def write(self) -> Counter[str]:
        """Write the table of recordings, and run.json as it stands now.

        Returns
        -------
        Counter
            Recordings by status; those not done yet are ``waiting``.

        Raises
        ------
        OutputError
            They cannot be written; those of an earlier run are then unchanged.
        """
        rows = []
        for job in self.jobs:
            one = job.recording
            found = self.receipts.get(job.id) or Receipt(status="waiting")
            row: dict[str, Any] = {
                "child_id": one.child,
                "recording": one.name,
                "at": printable(masked(one.at)),
                "date_iso": one.about.get("date_iso"),
                "start_time": one.about.get("start_time"),
                "child_dob": one.about.get("child_dob"),
                "age_days": _age(one.about),
                "seconds": found.seconds,
                "cry_s": found.cry_s,
                "bouts": found.bouts,
                "episodes": found.episodes,
                "status": found.status,
                "error": found.error,
                "file_sha256": found.sha256,
                "pieces": found.pieces,
                "run": self.recipe.run,
            }
            rows.append(row)
        table = pa.Table.from_pylist(rows, schema=_RECORDINGS)
        with replacing(self.out / "recordings.parquet") as part:
            pq.write_table(table, part, compression="zstd")
        with replacing(self.out / "recordings.csv") as part:
            pa_csv.write_csv(table, part)
        self._write_run(ended=datetime.now(UTC).isoformat(timespec="seconds"))
        return Counter(row["status"] for row in rows)

    def _write_run(self, *, ended: str | None) -> None:
        statuses = Counter(one.status for one in self.receipts.values())
        content: dict[str, Any] = {
            "run": self.recipe.run,
            **self.recipe.as_dict(),
            "piece_s": self._piece_s,
            "surroundings": surroundings(),
            "corpus": {
                "at": printable(masked(self.corpus.at)),
                "kind": self.corpus.kind,
                "problems": [*self.corpus.problems, *_twins(self.jobs, self.receipts)],
            },
            "recordings": {
                "all": len(self.jobs),
                **{status: statuses[status] for status in ("ok", "partial", "error")},
                "waiting": len(self.jobs) - sum(statuses.values()),
            },
            "started": self._started,
            "ended": ended,
            "answers": {"definition": DEFINITION, "biases": list(BIASES)},
        }
        put(
            self.out / "run.json",
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False).encode(),
        )


def study_again(at: str | Path, *, out: Path) -> Study:
    """Prepare to repeat a run: the same recordings, model, rule and pieces, all heard anew.

    Parameters
    ----------
    at : path
        Folder of the run.
    out : Path
        Where the repeated one goes; must not hold a study.

    Returns
    -------
    Study

    Raises
    ------
    RunError
        The version or the model of the run is not the one here, the run is not done, or `at`
        holds no study.
    """
    plan = read_plan(at, whole=True)
    recipe = plan.recipe
    if is_planned(out):
        raise RunError(f"{str(out)!r} holds a study already: choose another --out")
    here = recipe_of(recipe.model)
    if here.harken != recipe.harken:
        raise RunError(
            f"the run was made by harken {recipe.harken} and this is {here.harken}: to repeat it "
            f"exactly, pip install harken=={recipe.harken}"
        )
    if here.model_sha256 != recipe.model_sha256:
        raise RunError(
            f"the model {recipe.model!r} here is not the one of the run (sha256 "
            f"{recipe.model_sha256[:12]}…): add that file again (harken model add)"
        )
    if waiting := read_status(at).waiting:
        raise RunError(
            f"{waiting} recordings of {str(at)!r} were not heard yet: finish the run with the "
            "command that began it, then repeat it"
        )
    return Study(plan.corpus, out=out, recipe=recipe, piece_s=plan.piece_s)


_GONE = "the Dask scheduler is gone; what is done is kept, and the same command goes on from there"


@dataclass(frozen=True, slots=True)
class _Killed:
    """The workers that had a task died, several times."""


@dataclass(slots=True)
class _Clock:
    """Work by size of files, and the time that it takes."""

    todo: Iterable[Job]
    done: float = 0.0
    part: float = 0.0
    total: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    suspected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.total = math.fsum(map(_weight, self.todo))

    @property
    def share(self) -> float:
        return min(1.0, (self.done + self.part) / self.total) if self.total else 1.0

    @property
    def left_s(self) -> float | None:
        elapsed = time.monotonic() - self.begun
        if elapsed < 2 or not self.share:
            return None
        return elapsed * (1 - self.share) / self.share


def _look(recording: Recording) -> tuple[int, str]:
    try:
        return about_file(recording.at)
    except SourceError:
        # A worker may see it nevertheless; else it says why not.
        return 0, ""


def _refuse_others(out: Path) -> None:
    """Refuse a folder in which results would replace what is not Harken's."""
    for name in (*TABLES, "recordings.csv", "recordings.parquet", "run.json"):
        if (out / name).exists():
            raise OutputError(
                f"{str(out)!r} holds {name!r}, which is no result of a study: choose another --out"
            )


def _weight(job: Job) -> float:
    # A file of which nobody knows the size counts as a small one.
    return float(max(job.size, 1_000_000))


def _threads(client: "Client") -> int:
    workers = client.scheduler_info(n_workers=-1).get("workers", {})
    return sum(int(one.get("nthreads", 1)) for one in workers.values())


def _next(ready: "queue.SimpleQueue[Any]") -> Any:
    try:
        return ready.get(timeout=_TICK_S / 2)
    except queue.Empty:
        return None


def _outcome(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return _Killed()
    except (OutputError, RunError):
        raise
    except CancelledError:
        raise RunError(_GONE) from None
    except Exception as error:
        raise RunError(f"a worker failed ({type(error).__name__}: {error}): see its log") from None


def _twins(jobs: Sequence[Job], receipts: Mapping[str, Receipt]) -> list[str]:
    """Name recordings whose files are the same, byte for byte."""
    seen: dict[str, str] = {}
    problems = []
    for job in jobs:
        found = receipts.get(job.id)
        if found is None or not found.sha256:
            continue
        name = f"{job.recording.child}/{job.recording.name}"
        if found.sha256 in seen:
            problems.append(f"{name} is the same file as {seen[found.sha256]}; both were heard")
        else:
            seen[found.sha256] = name
    return problems


def _age(about: Mapping[str, str]) -> int | None:
    try:
        born = date.fromisoformat(about["child_dob"][:10])
        return (date.fromisoformat(about["date_iso"][:10]) - born).days
    except (KeyError, ValueError):
        return None


def cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0))
