"""Many recordings on many cores, so that nothing that was done is ever done again.

In the output folder, ``.harken/`` holds one small file for each finished
recording. Its name is a hash of the recording's path, size and time of change,
and of the version, model and rule, so that whatever would change the result
changes the name. Each is moved into place in one step once all that belongs
to it is on disk. A run that was stopped, killed or cut off from power finds
them and goes on from there.
"""

import csv
import fcntl
import hashlib
import io
import json
import math
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from harken import __version__
from harken.cli.pipeline import hear, one_line
from harken.cli.rules import read_rule
from harken.errors import HarkenError
from harken.writing import OutputError, put, replacing, writing

if TYPE_CHECKING:
    from harken.episodes import BoutRule
    from harken.hearing import Detector, Frames
    from harken.sound import AudioBlock, Gap, Silence

_ROWS = 1 << 17
"""Rows of a row group in frames.parquet: about three hours."""


class _Stopped(Exception):  # noqa: N818 (not an error)
    """The batch was told to stop."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one recording.

    Parameters
    ----------
    seconds : float
        Length of the sound that was heard.
    bouts : list of [onset s, offset s, mean P(cry), peak dBFS or None]
        None stands for digital silence, −inf dBFS.
    status : str
        ``ok``; ``partial``: damaged or cut off, and what could be read counts;
        ``error``: could not be read; ``waiting``: not done yet.
    error : str
        One line; empty where all is well.
    """

    seconds: float = 0.0
    bouts: list[list[float | None]] = field(default_factory=list)
    status: str = "waiting"
    error: str = ""

    @property
    def cry_seconds(self) -> float:
        """Seconds inside bouts."""
        return math.fsum((bout[1] or 0.0) - (bout[0] or 0.0) for bout in self.bouts)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a batch is; seconds are seconds of sound, not of work.

    `failure` is a line about a recording that has just failed, or empty.
    """

    heard_s: float
    total_s: float
    done: int
    recordings: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    recording: Path
    title: str
    key: str
    done_at: Path
    frames_at: Path | None
    plot_at: Path | None


class Batch:
    """Recordings to be heard, and the folder in which the results gather.

    Parameters
    ----------
    recordings : list of Path
    out : Path
        Made if need be; locked until the batch is left (it is a context manager).
    model, rule : str
        As on the command line; see `harken.hearing.open_detector` and `read_rule`.
    frames, plot : bool
        Whether to write frames.parquet, and a picture a recording.
    jobs : int, ≥ 1
        Recordings heard at a time.

    Raises
    ------
    OutputError
        `out` cannot be made, written or locked.
    ModelError
        The model cannot be opened.
    ParameterError
        The rule cannot be read.
    """

    def __init__(
        self,
        recordings: list[Path],
        *,
        out: Path,
        model: str = "auto",
        rule: str = "",
        frames: bool = False,
        plot: bool = False,
        jobs: int = 1,
    ) -> None:
        from harken.episodes import BoutRule
        from harken.hearing import open_detector
        from harken.hearing.store import identify

        if frames:
            need("pyarrow", extra="parquet", option="--frames")
        if plot:
            need("altair", extra="plot", option="--plot")
            need("vl_convert", extra="plot", option="--plot")
        detector = open_detector(model)
        self.rule = read_rule(rule, BoutRule(detector.on, detector.off))
        self.about: dict[str, Any] = {
            "harken": __version__,
            "model": identify(model, detector),
            "rule": self.rule.as_dict(),
        }
        self.recordings = recordings
        self.results: dict[Path, Result] = {}
        self._model = model
        self._slots = max(1, min(jobs, len(recordings)))
        self._out = out
        self._journal = out / ".harken"
        with writing(out):
            self._journal.mkdir(parents=True, exist_ok=True)
            if plot:
                (out / "plots").mkdir(exist_ok=True)
            self._lock = (self._journal / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise OutputError(
                f"another harken is writing to {str(out)!r}; wait for it or choose another --out"
            ) from None
        for rest in self._journal.glob("*.part"):
            rest.unlink()
        fingerprint = json.dumps(self.about, sort_keys=True)
        self._jobs = [self._job(path, fingerprint, frames, plot) for path in recordings]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let others write to the folder."""
        self._lock.close()

    def _job(self, recording: Path, fingerprint: str, frames: bool, plot: bool) -> _Job:
        try:
            stat = recording.stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "unreadable"
        where = str(recording.absolute())
        key = _hash(where, state, fingerprint)
        safe = "".join(
            c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in recording.stem
        )
        picture = f"{safe[:80].lstrip('.')}-{_hash(where)[:8]}.png"
        return _Job(
            recording=recording,
            title=table_name(recording),
            key=key,
            done_at=self._journal / f"{key}.json",
            frames_at=self._journal / f"{key}.parquet" if frames else None,
            plot_at=self._out / "plots" / picture if plot else None,
        )

    def _finished(self, job: _Job) -> Result | None:
        """Give the result of an earlier run, if all that is wanted now is there."""
        if not all(part is None or part.exists() for part in (job.frames_at, job.plot_at)):
            return None
        try:
            return Result(**json.loads(job.done_at.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def run(self) -> Generator[Step, None, None]:
        """Hear what has not been heard yet.

        Closing the iterator stops the work within a moment; recordings that
        were being heard are left for the next run.

        Yields
        ------
        Step
            Several times a second.

        Raises
        ------
        OutputError
            A result cannot be written. What was finished before is kept.
        """
        todo: deque[_Job] = deque()
        for job in self._jobs:
            earlier = self._finished(job)
            if earlier is None:
                todo.append(job)
            else:
                self.results[job.recording] = earlier
        if not todo:
            return
        context = multiprocessing.get_context("spawn")
        heard = context.Array("d", self._slots, lock=False)
        lengths = context.Array("d", self._slots, lock=False)
        stop = context.Value("b", 0, lock=False)

        def new_pool() -> ProcessPoolExecutor:
            return ProcessPoolExecutor(
                self._slots,
                mp_context=context,
                initializer=_begin_worker,
                initargs=(self._model, self.rule, heard, lengths, stop),
            )

        clock = _SoundClock(todo)
        free = list(range(self._slots))
        running: dict[Future[Result | None], tuple[_Job, int]] = {}
        suspects: deque[_Job] = deque()
        pool = new_pool()

        def submit(job: _Job) -> None:
            nonlocal pool
            slot = free.pop()
            heard[slot] = lengths[slot] = 0.0
            with _interrupt_held():
                try:
                    future = pool.submit(_hear_recording, job, slot)
                except BrokenProcessPool:
                    pool = new_pool()
                    future = pool.submit(_hear_recording, job, slot)
            running[future] = (job, slot)

        alone = False
        try:
            while todo or suspects or running:
                if not running:
                    alone = bool(suspects)
                if alone and not running:
                    submit(suspects.popleft())
                while todo and free and not alone and not suspects:
                    submit(todo.popleft())
                finished, _ = wait(running, timeout=0.25, return_when=FIRST_COMPLETED)
                broken = False
                failures = []
                for future in finished:
                    job, slot = running.pop(future)
                    free.append(slot)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        broken = True
                        if not alone:
                            # Any of those in flight may have done it: each is tried by itself.
                            suspects.append(job)
                            continue
                        result = Result(
                            status="error",
                            error=one_line(
                                f"{job.title!r}: the process that read it was killed or crashed"
                            ),
                        )
                    if result is None:
                        continue
                    self.results[job.recording] = result
                    clock.finish(job, result.seconds)
                    if result.status != "ok":
                        failures.append(result.error)
                if broken:
                    suspects.extend(job for job, _ in running.values())
                    running.clear()
                    free = list(range(self._slots))
                    pool.shutdown(wait=True)
                    pool = new_pool()
                now = [(job, heard[slot], lengths[slot]) for job, slot in running.values()]
                for failure in failures or [""]:
                    yield Step(*clock.read(now), len(self.results), len(self.recordings), failure)
        finally:
            stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)
            for future, (job, _) in running.items():
                if future.done() and not future.cancelled() and not future.exception():
                    result = future.result()
                    if result is not None:
                        self.results[job.recording] = result

    def write_tables(self) -> int:
        """Write the tables from all results; recordings not done yet are ``waiting``.

        Returns
        -------
        int
            Recordings with the status ``error`` or ``partial``.

        Raises
        ------
        OutputError
            They cannot be written; tables of an earlier run are then unchanged.
        """
        recordings = io.StringIO(newline="")
        bouts = io.StringIO(newline="")
        recording_rows = csv.writer(recordings)
        bout_rows = csv.writer(bouts)
        recording_rows.writerow(["recording", "seconds", "cry_seconds", "bouts", "status", "error"])
        bout_rows.writerow(["recording", "onset_s", "offset_s", "mean_cry", "peak_dbfs"])
        failed = 0
        for job in self._jobs:
            result = self.results.get(job.recording, Result())
            failed += result.status in ("error", "partial")
            recording_rows.writerow(
                [
                    job.title,
                    f"{result.seconds:.3f}",
                    f"{result.cry_seconds:.2f}",
                    len(result.bouts),
                    result.status,
                    result.error,
                ]
            )
            bout_rows.writerows([job.title, *bout] for bout in result.bouts)
        put(self._out / "recordings.csv", recordings.getvalue().encode())
        put(self._out / "bouts.csv", bouts.getvalue().encode())
        put(self._out / "run.json", json.dumps(self.about, indent=2, allow_nan=False).encode())
        if any(job.frames_at for job in self._jobs):
            with replacing(self._out / "frames.parquet") as part:
                _join_frames(self._jobs, part)
        return failed


class _SoundClock:
    """Seconds of sound in all, also of recordings that nobody has opened yet.

    A file that has not been opened counts with its bytes, at the seconds a byte
    of the files of its kind that have been.
    """

    def __init__(self, jobs: "deque[_Job]") -> None:
        self._bytes = {job.key: _size(job.recording) for job in jobs}
        self._kinds = {job.key: job.recording.suffix.lower() for job in jobs}
        self._done: dict[str, float] = {}

    def finish(self, job: _Job, seconds: float) -> None:
        self._done[job.key] = seconds

    def read(self, now: list[tuple[_Job, float, float]]) -> tuple[float, float]:
        """Give seconds heard and seconds in all; `now` is job, seconds heard, length or 0."""
        heard_s = math.fsum(self._done.values()) + math.fsum(seconds for _, seconds, _ in now)
        lengths = self._done | {job.key: max(length, seconds) for job, seconds, length in now}
        known: dict[str, tuple[float, int]] = {}
        for key, seconds in lengths.items():
            for kind in (self._kinds[key], ""):
                all_seconds, all_bytes = known.get(kind, (0.0, 0))
                known[kind] = all_seconds + seconds, all_bytes + self._bytes[key]
        total_s = math.fsum(lengths.values())
        for key, size in self._bytes.items():
            if key not in lengths:
                seconds, of_bytes = known.get(self._kinds[key]) or known.get("", (0.0, 0))
                total_s += size * seconds / of_bytes if of_bytes else 0.0
        return heard_s, total_s


def need(module: str, *, extra: str, option: str) -> None:
    """Refuse, with the remedy, an option whose extra is not installed.

    Raises
    ------
    OutputError
    """
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise OutputError(f"{option} needs {module}: pip install 'harken[{extra}]'")


def table_name(recording: Path) -> str:
    r"""Give a recording's name for the tables: its path as typed, made safe to write and open.

    Bytes that are not UTF-8 are written as ``\xNN``. A spreadsheet takes what
    begins with ``=``, ``+``, ``-`` or ``@`` for a formula; ``./`` in front stops
    that and is the same path.

    Examples
    --------
    >>> table_name(Path("=1+1.wav"))
    './=1+1.wav'
    """
    name = os.fsencode(recording).decode("utf-8", "backslashreplace")
    return f"./{name}" if name[:1] in "=+-@\t\r" else name


_worker: "tuple[Detector, BoutRule, Any, Any, Any]"


def _begin_worker(model: str, rule: "BoutRule", heard: Any, lengths: Any, stop: Any) -> None:
    global _worker  # noqa: PLW0603 (the way of a pool's initializer)
    from harken.hearing import open_detector

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = (open_detector(model), rule, heard, lengths, stop)


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Hold Ctrl-C back, for processes started here for good: only the first one decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _hear_recording(job: _Job, slot: int) -> Result | None:
    """Hear one recording in a worker; None if the batch was stopped meanwhile."""
    from harken.cli.picture import Columns, draw
    from harken.episodes import BoutEnded, BoutTracker
    from harken.hearing import Frames
    from harken.sound import AudioBlock, open_source

    detector, rule, heard, lengths, stop = _worker
    seconds = 0.0
    bouts: list[list[float | None]] = []
    trouble = ""
    broken = False

    def watched() -> "Iterator[AudioBlock | Gap | Silence]":
        nonlocal seconds, trouble, broken
        try:
            with open_source(os.fspath(job.recording)) as source:
                lengths[slot] = source.duration_s or 0.0
                for block in source:
                    if stop.value:
                        raise _Stopped
                    if isinstance(block, AudioBlock):
                        heard[slot] = seconds = block.end
                    yield block
                trouble = one_line(source.problem or "")
        except HarkenError as error:
            # The end of what could be read: the bouts before it are kept.
            trouble, broken = one_line(str(error)), True

    tracker = BoutTracker(rule, delay_s=detector.delay_s)
    columns = Columns() if job.plot_at else None
    try:
        with _frame_writer(job.frames_at) as write:
            for item in hear(watched(), detector=detector, tracker=tracker):
                if isinstance(item, Frames):
                    write(item)
                    if columns is not None:
                        columns.add(item)
                elif isinstance(item, BoutEnded):
                    peak = round(item.peak_dbfs, 1) if math.isfinite(item.peak_dbfs) else None
                    bouts.append(
                        [round(item.onset, 2), round(item.offset, 2), round(item.mean_cry, 3), peak]
                    )
        if columns is not None and job.plot_at is not None and not broken:
            with replacing(job.plot_at) as part:
                part.write_bytes(draw(columns, bouts, title=job.title))
    except _Stopped:
        return None
    except OutputError:
        raise
    except Exception as error:
        broken = True
        trouble = one_line(
            str(error)
            if isinstance(error, HarkenError)
            else f"unexpected trouble ({type(error).__name__}: {error})"
        )
        with suppress(Exception):
            detector.flush()
    status = "error" if broken else "partial" if trouble else "ok"
    result = Result(seconds=round(seconds, 3), bouts=bouts, status=status, error=trouble)
    if status != "error":
        put(job.done_at, json.dumps(asdict(result), allow_nan=False).encode())
    return result


@contextmanager
def _frame_writer(path: Path | None) -> "Iterator[Callable[[Frames], None]]":
    """Give a function that writes frames to a Parquet file in flat memory."""
    if path is None:
        yield lambda frames: None
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harken.hearing import Frames

    held: list[Frames] = []
    with replacing(path) as part, part.open("wb") as file:

        def write(frames: Frames, *, rows: int = _ROWS) -> None:
            held.append(frames)
            if sum(map(len, held)) >= rows:
                run = Frames.join(held)
                held.clear()
                writer.write_table(
                    pa.table(
                        [run.times, run.cry, run.laugh, run.voice, run.level],
                        schema=_frame_schema(),
                    )
                )

        with pq.ParquetWriter(file, _frame_schema(), compression="zstd") as writer:
            yield write
            write(Frames.empty(), rows=0)


def _frame_schema() -> Any:
    import pyarrow as pa

    numbers = [(name, pa.float32()) for name in ("cry", "laugh", "voice", "level")]
    return pa.schema([("time_s", pa.float64()), *numbers])


def _join_frames(jobs: list[_Job], path: Path) -> None:
    """Put the frames of all recordings into one file, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name_type = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("recording", name_type), *_frame_schema()])
    held: list[Any] = []

    def write(file: "pq.ParquetWriter", *, rows: int) -> None:
        if held and sum(table.num_rows for table in held) >= rows:
            file.write_table(pa.concat_tables(held).unify_dictionaries())
            held.clear()

    opened: IO[bytes]
    with path.open("wb") as opened, pq.ParquetWriter(opened, schema, compression="zstd") as file:
        for job in jobs:
            if job.frames_at is None or not job.frames_at.exists():
                continue
            with pq.ParquetFile(job.frames_at) as part:
                for group in range(part.num_row_groups):
                    table = part.read_row_group(group)
                    names = pa.DictionaryArray.from_arrays(
                        pa.array([0] * table.num_rows, pa.int32()), [job.title]
                    )
                    held.append(table.add_column(0, schema.field("recording"), names))
                    write(file, rows=_ROWS)
        write(file, rows=0)


def _hash(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:32]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
