"""What a run has written: its tables, how it stands, and whether two runs are equal."""

import fcntl
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from harken.studies.answers import Answers, answers
from harken.studies.findings import TABLES, part_of, schema_of
from harken.studies.plan import INNER, no_study, read_plan
from harken.studies.provenance import RunError
from harken.studies.work import Job, receipt_of


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a study; tables are read when they are asked for.

    Parameters
    ----------
    at : Path
    about : mapping
        What run.json holds.
    """

    at: Path
    about: Mapping[str, Any]

    @property
    def recordings(self) -> pa.Table:
        """One row a recording; ``age_days`` where the corpus says when the child was born."""
        try:
            return pq.read_table(self.at / "recordings.parquet")
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(
                f"{str(self.at / 'recordings.parquet')!r} cannot be read ({error}): finish the run "
                "with the same command"
            ) from None

    @property
    def bouts(self) -> pa.Table:
        """Child_id, recording, onset, offset, mean_cry, peak_dbfs, and where each comes from."""
        return self.table("bouts")

    @property
    def episodes(self) -> pa.Table:
        """One row an episode, with the answer that is inferred; see `CryEpisode`."""
        return self.table("episodes")

    @property
    def voice(self) -> pa.Table:
        """Stretches in which an adult voice is heard."""
        return self.table("voice")

    @property
    def levels(self) -> pa.Table:
        """How loud each minute was, and seconds of crying and voices in it."""
        return self.table("levels")

    def dataset(self, table: str) -> ds.Dataset:
        """Give a table as a data set, for filtering without reading all of it.

        Parameters
        ----------
        table : str
            ``bouts``, ``episodes``, ``voice``, ``levels`` or ``frames``.

        Raises
        ------
        RunError
            There is no such table.
        """
        if table not in TABLES:
            raise RunError(f"no table {table!r}; there are {', '.join(TABLES)}")
        if table == "frames" and not self.about.get("frames"):
            raise RunError(f"{str(self.at)!r} holds no frames: run it again with --frames")
        keys = pa.schema([("child_id", pa.string()), ("recording", pa.string())])
        where = ds.HivePartitioning(keys, segment_encoding="uri")
        folder = self.at / table
        files = sorted(str(path) for path in folder.glob("*/*/part-0.parquet"))
        return ds.dataset(
            files,
            schema=schema_of(table, partitions=True),
            format="parquet",
            partitioning=where,
            partition_base_dir=str(folder),
        )

    def table(self, name: str) -> pa.Table:
        """Read a table, by child, recording and time.

        Raises
        ------
        RunError
            There is no such table.
        """
        return self.dataset(name).to_table()

    def answers(self) -> Answers:
        """Sum up inferred answers of all episodes; see `harken.studies.answers.answers`."""
        return answers(self.episodes.to_pylist())


def read_run(at: str | Path) -> Run:
    """Open the results of a study.

    Parameters
    ----------
    at : path
        The folder that was `--out`.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        It is no such folder.
    """
    path = Path(at)
    try:
        about = json.loads((path / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise no_study(path) from None
    if not isinstance(about, dict) or "run" not in about:
        raise no_study(path)
    return Run(path, about)


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands, as far as its folder tells.

    Parameters
    ----------
    recordings, ok, partial, error, waiting : int
    pieces : int
        Pieces of recordings in hand that are done.
    seconds : float [s]
        Of sound heard.
    running : bool
        Whether a process on this machine is writing to it.
    errors : tuple of (recording, line)
    problems : tuple of str
        Of the corpus.
    """

    recordings: int
    ok: int
    partial: int
    error: int
    waiting: int
    pieces: int
    seconds: float
    running: bool
    errors: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


def read_status(at: str | Path) -> Status:
    """Say how a run stands; it may be going on, stopped or done.

    Parameters
    ----------
    at : path

    Returns
    -------
    Status

    Raises
    ------
    RunError
        It is no folder of a study.
    """
    out = Path(at)
    plan = read_plan(out)
    statuses: Counter[str] = Counter()
    errors = []
    seconds = 0.0
    for one in plan.corpus.recordings:
        found = receipt_of(Job(one, str(out), plan.recipe, plan.piece_s, 0, ""))
        if found is None or found.run != plan.recipe.run:
            statuses["waiting"] += 1
            continue
        statuses[found.status] += 1
        seconds += found.seconds
        if found.error:
            errors.append((one.name, found.error))
    return Status(
        recordings=len(plan.corpus.recordings),
        ok=statuses["ok"],
        partial=statuses["partial"],
        error=statuses["error"],
        waiting=statuses["waiting"],
        pieces=sum(1 for _ in (out / INNER / "pieces").glob("*/*.npz")),
        seconds=seconds,
        running=_is_locked(out / INNER / "lock"),
        errors=tuple(errors),
        problems=plan.corpus.problems,
    )


@dataclass(frozen=True, slots=True)
class Again:
    """What a repeated run is beside the first.

    Parameters
    ----------
    recordings : int
        That were compared.
    differences : tuple of str
        One line each; empty where every row of every table is equal.
    surroundings : tuple of str
        Versions underneath that are not those of the first run.
    """

    recordings: int
    differences: tuple[str, ...]
    surroundings: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare(first: str | Path, second: str | Path) -> Again:
    """Compare two runs of the same recordings, row by row.

    Parameters
    ----------
    first, second : path

    Returns
    -------
    Again

    Raises
    ------
    RunError
        One of them holds no study.
    """
    one, two = read_run(first), read_run(second)
    ours, theirs = (
        {(row["child_id"], row["recording"]): row for row in run.recordings.to_pylist()}
        for run in (one, two)
    )
    differences = []
    if one.about["run"] != two.about["run"]:
        differences.append("the model, the rule, the settings or the version are not the same")
    compared = 0
    for key in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None:
            differences.append(f"{key[1]}: only in {'the second' if left is None else 'the first'}")
            continue
        compared += 1
        if left["file_sha256"] != right["file_sha256"]:
            differences.append(f"{key[1]}: the file has changed")
        elif left["status"] != right["status"]:
            differences.append(f"{key[1]}: was {left['status']} and is {right['status']}")
        tables = TABLES if one.about["frames"] and two.about["frames"] else TABLES[:-1]
        for table in tables:
            rows = [_part(run.at, table, *key) for run in (one, two)]
            if rows[0] is None or rows[1] is None:
                if rows[0] is not rows[1]:
                    differences.append(f"{key[1]}: {table} is there only once")
            elif not rows[0].equals(rows[1]):
                differences.append(f"{key[1]}: {table} differ")
    under = [
        f"{name} was {before} and is {now}"
        for name, before in one.about["surroundings"].items()
        if (now := two.about["surroundings"].get(name)) != before
    ]
    return Again(compared, tuple(differences), tuple(under))


def _part(out: Path, table: str, child: str, recording: str) -> pa.Table | None:
    try:
        return pq.ParquetFile(part_of(out, table, child, recording)).read()
    except OSError:
        return None


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
