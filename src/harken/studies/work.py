"""What a worker does: everything that is done with one recording, and leaves it done.

Each step can be done again at any time and on any machine that sees the same
disk. What a step has found is moved into place whole; the receipt of a
recording is written last. A worker that is killed leaves nothing half done.
"""

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from harken import __version__
from harken.errors import HarkenError, SourceError
from harken.hearing import Detector, Frames, open_detector
from harken.hearing.store import identify
from harken.sound.blocks import AudioBlock, Gap, Silence
from harken.sound.excerpt import Excerpt
from harken.sound.opening import open_source
from harken.studies.corpus import Recording, masked, opened
from harken.studies.findings import TABLES, Found, finding, part_of
from harken.studies.pieces import (
    HeardPiece,
    NotAlikeError,
    Piece,
    cut,
    hear_piece,
    hear_whole,
    join,
)
from harken.studies.plan import INNER, is_planned
from harken.studies.provenance import Recipe, RunError, digest, hash_stream
from harken.writing import OutputError, put, replacing, writing

_HERE = threading.local()


class WorkerError(RunError):
    """A worker cannot do its part of any recording: the run stops."""


@dataclass(frozen=True, slots=True)
class Job:
    """One recording, and what to do with it.

    Parameters
    ----------
    recording : Recording
    out : str
        Folder of the run.
    recipe : Recipe
    piece_s : float [s]
        Length of a piece; 0: never cut.
    size : int [bytes]
    mark : str
        See `harken.studies.corpus.about_file`.
    """

    recording: Recording
    out: str
    recipe: Recipe
    piece_s: float
    size: int
    mark: str

    @property
    def id(self) -> str:
        """What stands for the recording in names of files."""
        return digest([self.recording.child, self.recording.name])[:32]

    @property
    def receipt(self) -> Path:
        """Where its receipt lies."""
        return Path(self.out) / INNER / "done" / f"{self.id}.json"

    def pieces(self, sha256: str) -> Path:
        """Give the folder of the pieces of a recording that is being heard."""
        name = digest([self.id, sha256, self.recipe.hearing])[:32]
        return Path(self.out) / INNER / "pieces" / name

    def written(self) -> bool:
        """Whether all its tables are there."""
        child, name = self.recording.child, self.recording.name
        wanted = TABLES if self.recipe.frames else TABLES[:-1]
        return all(part_of(Path(self.out), table, child, name).is_file() for table in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a recording.

    Parameters
    ----------
    status : str
        ``ok``; ``partial``: damaged or cut off, and what could be read counts; ``error``:
        nothing counts.
    error : str
        One line; empty where all is well.
    seconds, cry_s : float [s]
    bouts, episodes : int
    sha256 : str
        Of its file; empty where it cannot be read.
    run : str
        `Recipe.run`.
    at, size, mark
        Where the file was, passwords left out, and what told that it had not changed.
    pieces : int
        In how many it was heard.
    whole : str
        Why a long recording was heard whole; empty where it was not.
    """

    status: str
    error: str = ""
    seconds: float = 0.0
    cry_s: float = 0.0
    bouts: int = 0
    episodes: int = 0
    sha256: str = ""
    run: str = ""
    at: str = ""
    size: int = 0
    mark: str = ""
    pieces: int = 1
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """A long recording: hear its pieces, then join them."""

    sha256: str
    pieces: tuple[Piece, ...]


def receipt_of(job: Job) -> Receipt | None:
    """Read the receipt of a recording; None where there is none."""
    try:
        return Receipt(**json.loads(job.receipt.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def finished(job: Job) -> Receipt | None:
    """Give the receipt where nothing is left to do, as far as can be told without reading.

    Parameters
    ----------
    job : Job

    Returns
    -------
    Receipt or None
        None too where the file has changed, or nothing tells whether it has.
    """
    found = receipt_of(job)
    if found is None or found.status == "error" or found.run != job.recipe.run or not job.mark:
        return None
    same = _where(job) == {"at": found.at, "size": found.size, "mark": found.mark}
    return found if same and job.written() else None


def begin(job: Job) -> Receipt | Cut:
    """Hash a recording; hear it, if it is not long and has not been heard.

    Parameters
    ----------
    job : Job

    Returns
    -------
    Receipt or Cut

    Raises
    ------
    OutputError
        A result cannot be written.
    WorkerError
        This machine does not see the folder of the run, or has other software.
    """
    detector = _detector(job)
    try:
        with _at_hand(job) as (path, sha256):
            known = receipt_of(job)
            if (
                known is not None
                and known.status != "error"
                and (known.sha256, known.run) == (sha256, job.recipe.run)
                and job.written()
            ):
                return _receive(job, replace(known, **_where(job)))
            found = _cut(job, path, sha256)
            return found or _hear(job, path, sha256, detector)
    except (OutputError, WorkerError):
        raise
    except Exception as error:
        return fail(job, error)


def hear(job: Job, found: Cut, number: int) -> str:
    """Hear one piece, if it has not been heard, and keep its frames.

    Parameters
    ----------
    job : Job
    found : Cut
    number : int

    Returns
    -------
    str
        Why the recording has to be heard whole; empty where all is well.

    Raises
    ------
    OutputError, WorkerError
        As `begin`.
    """
    piece = found.pieces[number]
    detector = _detector(job)
    path = _piece_path(job, found.sha256, piece)
    if _load(path) is not None:
        return ""
    try:
        if job.recording.remote:
            with opened(job.recording.at, block_size=1 << 23, cache_type="readahead") as file:
                heard = hear_piece(file, piece, detector)
        else:
            heard = hear_piece(job.recording.at, piece, detector)
    except OutputError:
        raise
    except Exception as error:
        return _line(error)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("wb") as file:
        state = json.dumps([heard.begins, heard.ends, heard.seconds])
        np.savez(
            file,
            rows=heard.rows,
            state=np.frombuffer(state.encode(), np.uint8),
            **{name: getattr(heard.frames, name) for name in _FRAMES},
        )
    return ""


def finish(job: Job, found: Cut, why: str = "") -> Receipt:
    """Join the pieces of a recording and write its tables.

    Parameters
    ----------
    job : Job
    found : Cut
    why : str
        Why to hear it whole instead; empty: join.

    Returns
    -------
    Receipt

    Raises
    ------
    OutputError, WorkerError
        As `begin`.
    """
    detector = _detector(job)
    folder = job.pieces(found.sha256)
    try:
        if not why:
            try:
                return _join(job, found, detector)
            except NotAlikeError as error:
                why = _line(error)
        with _at_hand(job) as (path, sha256):
            return _hear(job, path, sha256, detector, whole=why)
    except (OutputError, WorkerError):
        raise
    except Exception as error:
        return fail(job, error)
    finally:
        for one in folder.glob("*") if folder.is_dir() else ():
            with suppress(OSError):
                one.unlink()
        with suppress(OSError):
            folder.rmdir()


def fail(job: Job, error: Exception | str) -> Receipt:
    """Write down that a recording could not be heard; rows of an earlier run go.

    Parameters
    ----------
    job : Job
    error : Exception or str

    Returns
    -------
    Receipt
    """
    forget(Path(job.out), job.recording)
    message = error if isinstance(error, str) else _line(error)
    return _receive(job, Receipt(status="error", error=message, run=job.recipe.run, **_where(job)))


def forget(out: Path, recording: Recording) -> None:
    """Take the rows of a recording out of the results."""
    for table in TABLES:
        path = part_of(out, table, recording.child, recording.name)
        with suppress(OSError):
            path.unlink()
        for folder in path.parents[:2]:
            with suppress(OSError):
                folder.rmdir()


def _cut(job: Job, path: Path, sha256: str) -> Cut | None:
    """Say how to cut it; None where it is short, or has to be heard whole."""
    try:
        with Excerpt(path, 0, None) as excerpt:
            duration_s = excerpt.duration_s
            # What must be passed over packet by packet would be fetched anew for every piece.
            fetched = job.recording.remote and not excerpt.cheap
            if fetched or not excerpt.repeats:
                return None
    except SourceError:
        return None
    pieces = cut(duration_s, piece_s=job.piece_s)
    return Cut(sha256, pieces) if len(pieces) > 1 else None


def _hear(job: Job, path: Path, sha256: str, detector: Detector, *, whole: str = "") -> Receipt:
    with (
        open_source(path) as source,
        _finding(job, sha256, detector) as findings,
    ):
        seconds = 0.0

        def watched() -> Iterator[AudioBlock | Gap | Silence]:
            nonlocal seconds
            for item in source:
                seconds = item.end if isinstance(item, AudioBlock) else seconds
                yield item

        try:
            for frames in hear_whole(watched(), detector):
                findings.add(frames)
        except BaseException:
            # The next recording must not begin with the rest of this one.
            with suppress(Exception):
                detector.flush()
            raise
        found = findings.finish(seconds)
        problem = masked((source.problem or "").replace(str(path), job.recording.at))
    return _done(job, found, sha256, problem, pieces=1, whole=whole)


def _join(job: Job, found: Cut, detector: Detector) -> Receipt:
    seconds = 0.0

    def each() -> Iterator[HeardPiece]:
        nonlocal seconds
        for piece in found.pieces:
            heard = _load(_piece_path(job, found.sha256, piece))
            if heard is None:
                raise NotAlikeError(f"piece {piece.number} is gone")
            seconds = heard.seconds
            yield heard

    with _finding(job, found.sha256, detector) as findings:
        for frames in join(each()):
            findings.add(frames)
        made = findings.finish(seconds)
    return _done(job, made, found.sha256, "", pieces=len(found.pieces))


def _finding(job: Job, sha256: str, detector: Detector) -> Any:
    return finding(
        Path(job.out),
        job.recording.child,
        job.recording.name,
        recipe=job.recipe,
        sha256=sha256,
        delay_s=detector.delay_s,
    )


def _done(
    job: Job, found: Found, sha256: str, problem: str, *, pieces: int, whole: str = ""
) -> Receipt:
    return _receive(
        job,
        Receipt(
            status="partial" if problem else "ok",
            error=problem,
            sha256=sha256,
            run=job.recipe.run,
            pieces=pieces,
            whole=whole,
            **asdict(found),
            **_where(job),
        ),
    )


def _receive(job: Job, receipt: Receipt) -> Receipt:
    with writing(job.receipt):
        job.receipt.parent.mkdir(parents=True, exist_ok=True)
    put(job.receipt, json.dumps(asdict(receipt), allow_nan=False).encode())
    return receipt


def _where(job: Job) -> dict[str, Any]:
    return {"at": masked(job.recording.at), "size": job.size, "mark": job.mark}


@contextmanager
def _at_hand(job: Job) -> Iterator[tuple[Path, str]]:
    """Give the file on this machine's disk, and its hash; what is elsewhere is fetched."""
    at = job.recording.at
    if not job.recording.remote:
        with opened(at) as file:
            sha256 = hash_stream(file.read)
        yield Path(at), sha256
        return
    with tempfile.TemporaryDirectory(prefix="harken-") as folder:
        name = PurePosixPath(at.partition("?")[0]).name or "recording"
        path = Path(folder) / (name if name not in (".", "..") else "recording")
        with opened(at, block_size=1 << 23, cache_type="readahead") as file, path.open("wb") as to:

            def keep(some: bytes) -> None:
                # What the network refuses concerns this recording, and the disk all of them.
                try:
                    to.write(some)
                    to.flush()
                except OSError as error:
                    raise OutputError(
                        f"cannot keep a copy of a recording in {folder!r} ({error.strerror}): make "
                        "room there, or name another folder in TMPDIR"
                    ) from None

            sha256 = hash_stream(file.read, keep)
        try:
            yield path, sha256
        except SourceError as error:
            # Nobody knows the copy.
            raise SourceError(str(error).replace(str(path), at)) from None


_FRAMES = ("times", "cry", "laugh", "voice", "level")


def _piece_path(job: Job, sha256: str, piece: Piece) -> Path:
    return job.pieces(sha256) / f"{piece.first}-{piece.last or 'end'}.npz"


def _load(path: Path) -> HeardPiece | None:
    try:
        with np.load(path) as held:
            begins, ends, seconds = json.loads(held["state"].tobytes())
            frames = Frames(*(held[name] for name in _FRAMES))
            return HeardPiece(held["rows"], frames, tuple(begins), tuple(ends), seconds)
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _detector(job: Job) -> Detector:
    """Give this thread's detector, the one that the run was begun with."""
    if not is_planned(Path(job.out)):
        raise WorkerError(
            f"a worker on {os.uname().nodename} does not see {job.out!r}: put --out on a disk that "
            "all workers share"
        )
    return ready(job.recipe)


def ready(recipe: Recipe) -> Detector:
    """Give this thread's detector of a recipe; it is opened once.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    Detector

    Raises
    ------
    WorkerError
        This machine has another version or another model.
    """
    if recipe.harken != __version__:
        raise WorkerError(
            f"a worker on {os.uname().nodename} has harken {__version__} and the run "
            f"{recipe.harken}: install the same on all machines"
        )
    known: dict[str, tuple[str, Detector]] = _HERE.__dict__.setdefault("detectors", {})
    if recipe.model not in known:
        detector = open_detector(recipe.model)
        known[recipe.model] = identify(recipe.model, detector)["sha256"], detector
    sha256, detector = known[recipe.model]
    if sha256 != recipe.model_sha256:
        raise WorkerError(
            f"a worker on {os.uname().nodename} has another model {recipe.model!r} than the run: "
            "add the same file there"
        )
    return detector


def _line(error: Exception) -> str:
    text = str(error) if isinstance(error, HarkenError) else f"{type(error).__name__}: {error}"
    return masked(" ".join(text.split()))
