"""From the frames of one recording to its tables, in memory that does not grow with its length."""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harken.episodes import Bout, BoutEnded, BoutTracker
from harken.errors import SourceError
from harken.hearing.frames import HOP_S, Frames
from harken.studies.answers import CryEpisode, Voice, VoiceTracker, episodes_of
from harken.studies.provenance import Recipe
from harken.writing import replacing, writing

TRACE = ("rule", "model", "file_sha256", "harken", "run")
"""Columns of every row by which it can be traced."""

_LONGEST = 255
"""Bytes that a folder's name may have on nearly every disk."""

_ROWS = 1 << 16
_A_MINUTE = round(60 / HOP_S)

_NUMBER, _SHORT, _WHOLE, _YES = pa.float64(), pa.float32(), pa.int32(), pa.bool_()
_COLUMNS: Mapping[str, tuple[tuple[str, pa.DataType], ...]] = {
    "bouts": (
        ("onset", _NUMBER),
        ("offset", _NUMBER),
        ("mean_cry", _NUMBER),
        ("peak_dbfs", _NUMBER),
    ),
    "episodes": (
        ("episode", _WHOLE),
        ("onset", _NUMBER),
        ("offset", _NUMBER),
        ("bouts", _WHOLE),
        ("crying_s", _NUMBER),
        ("longest_bout_s", _NUMBER),
        ("response_onset", _NUMBER),
        ("latency_s", _NUMBER),
        ("censored_s", _NUMBER),
        ("within_10s", _YES),
        ("time_to_calm_s", _NUMBER),
        ("over", _YES),
    ),
    "voice": (
        ("onset", _NUMBER),
        ("offset", _NUMBER),
        ("mean_voice", _NUMBER),
        ("level_dbfs", _NUMBER),
    ),
    "levels": (
        ("onset", _NUMBER),
        ("heard_s", _NUMBER),
        ("leq_dbfs", _NUMBER),
        ("l10_dbfs", _NUMBER),
        ("l50_dbfs", _NUMBER),
        ("l90_dbfs", _NUMBER),
        ("max_dbfs", _NUMBER),
        ("cry_s", _NUMBER),
        ("voice_s", _NUMBER),
    ),
    "frames": (
        ("time_s", _NUMBER),
        ("cry", _SHORT),
        ("laugh", _SHORT),
        ("voice", _SHORT),
        ("level", _SHORT),
    ),
}
TABLES = tuple(_COLUMNS)
"""Names of the tables; `frames` only where they are wanted."""


def schema_of(table: str, *, partitions: bool = False) -> pa.Schema:
    """Give the columns of a table.

    Parameters
    ----------
    table : str
        One of `TABLES`.
    partitions : bool
        Also ``child_id`` and ``recording``, which the names of the folders hold.

    Returns
    -------
    pyarrow.Schema
    """
    named = pa.dictionary(pa.int32(), pa.string())
    where = [("child_id", pa.string()), ("recording", pa.string())] if partitions else []
    return pa.schema([*where, *_COLUMNS[table], *((name, named) for name in TRACE)])


def part_of(out: Path, table: str, child: str, recording: str) -> Path:
    """Give the file in which the rows of a recording lie.

    Letters of any script stand in the names of its folders as they are: three signs for
    each of their bytes would soon be more than a folder's name may have.

    Examples
    --------
    >>> str(part_of(Path("out"), "bouts", "Zoë", "day 1/a.wav"))
    'out/bouts/child_id=Zoë/recording=day%201%2Fa.wav/part-0.parquet'
    """
    folders = f"child_id={_quoted(child)}", f"recording={_quoted(recording)}"
    return out.joinpath(table, *folders, "part-0.parquet")


def _quoted(name: str) -> str:
    return "".join(sign if sign.isalnum() else quote(sign, safe="") for sign in name)


@dataclass(frozen=True, slots=True)
class Found:
    """How much was found; the tables are on disk.

    Parameters
    ----------
    seconds : float [s]
        Where the sound ends; holes of a damaged recording are in it.
    cry_s : float [s]
        Inside bouts.
    bouts, episodes : int
    """

    seconds: float
    cry_s: float
    bouts: int
    episodes: int


@contextmanager
def finding(
    out: Path, child: str, recording: str, *, recipe: Recipe, sha256: str, delay_s: float
) -> Iterator["Findings"]:
    """Give what takes the frames of a recording; at the end its tables are in place.

    Where the body fails nothing is, and what was there before still is.

    Parameters
    ----------
    out : Path
        Folder of the run.
    child, recording : str
    recipe : Recipe
    sha256 : str
        Of the file.
    delay_s : float [s]
        Of the detector.

    Raises
    ------
    OutputError
        A table cannot be written.
    SourceError
        The names of child and recording make no name for a folder.
    """
    path = part_of(out, "frames", child, recording)
    if max(len(name.encode()) for name in path.parts[-3:]) > _LONGEST:
        raise SourceError(
            f"the name {recording!r} of child {child!r} is too long for a folder of the results: "
            "shorten it"
        )
    trace = recipe.columns(sha256)
    with ExitStack() as stack:
        frames = None
        if recipe.frames:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            part = stack.enter_context(replacing(path))
            frames = stack.enter_context(_Rows(part, trace))
        findings = Findings(recipe, delay_s=delay_s, frames=frames)
        yield findings
        for table, rows in findings.tables().items():
            path = part_of(out, table, child, recording)
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part:
                pq.write_table(_table(table, rows, trace), part, compression="zstd")
        if not recipe.frames:
            # Those of a run before this one go with other bouts.
            with writing(path):
                part_of(out, "frames", child, recording).unlink(missing_ok=True)


class Findings:
    """Takes frames in order; finds bouts, voices, levels and, at the end, episodes.

    Parameters
    ----------
    recipe : Recipe
    delay_s : float [s]
        Of the detector.
    frames : writer, optional
        Gets the frames as well.
    """

    def __init__(self, recipe: Recipe, *, delay_s: float, frames: "_Rows | None" = None) -> None:
        self._recipe = recipe
        self._tracker = BoutTracker(recipe.rule, delay_s=delay_s)
        self._voices = VoiceTracker(recipe.voice)
        self._levels = _Minutes(recipe)
        self._frames = frames
        self.bouts: list[Bout] = []
        self.voices: list[Voice] = []
        self.episodes: list[CryEpisode] = []
        self.seconds = 0.0

    def add(self, frames: Frames) -> None:
        """Take the next frames."""
        if not len(frames):
            return
        self.bouts += _ended(self._tracker.process(frames))
        self.voices += self._voices.process(frames)
        self._levels.add(frames)
        if self._frames is not None:
            self._frames.add(frames)

    def finish(self, seconds: float) -> Found:
        """Say that there are no more.

        Parameters
        ----------
        seconds : float [s]
            Where the sound ends.
        """
        self.bouts += _ended(self._tracker.flush())
        self.voices += self._voices.flush()
        self._levels.finish()
        if self._frames is not None:
            self._frames.finish()
        seconds = round(seconds, 6)
        self.episodes = episodes_of(
            self.bouts, self.voices, until=seconds, settings=self._recipe.settings
        )
        self.seconds = seconds
        cry_s = math.fsum(bout.offset - bout.onset for bout in self.bouts)
        return Found(round(seconds, 3), round(cry_s, 3), len(self.bouts), len(self.episodes))

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Give the rows of every table but the frames."""
        bouts = [
            {
                "onset": round(one.onset, 3),
                "offset": round(one.offset, 3),
                "mean_cry": round(one.mean_cry, 6),
                "peak_dbfs": _finite(one.peak_dbfs),
            }
            for one in self.bouts
        ]
        voices = [
            {
                "onset": round(one.onset, 3),
                "offset": round(one.offset, 3),
                "mean_voice": round(one.mean_voice, 6),
                "level_dbfs": _finite(one.level_dbfs),
            }
            for one in self.voices
        ]
        return {
            "bouts": bouts,
            "episodes": [asdict(one) for one in self.episodes],
            "voice": voices,
            "levels": self._levels.rows,
        }


class _Minutes:
    """Sums up each minute: how loud it was, and how much of it held crying and voices."""

    def __init__(self, recipe: Recipe) -> None:
        self._cry = np.float64(recipe.rule.on)
        self._voice = np.float32(recipe.voice.voice)
        self._held: list[Frames] = []
        self._minute = -1
        self.rows: list[dict[str, Any]] = []

    def add(self, frames: Frames) -> None:
        # Half a frame is added, as 0.08 is no binary fraction.
        minutes = ((frames.times + HOP_S / 2) // 60).astype(np.int64)
        starts = [0, *(np.flatnonzero(np.diff(minutes)) + 1).tolist(), len(frames)]
        for begin, end in pairwise(starts):
            if minutes[begin] != self._minute:
                self.finish()
                self._minute = int(minutes[begin])
            self._held.append(frames[begin:end])

    def finish(self) -> None:
        if not self._held:
            return
        held = Frames.join(self._held)
        self._held = []
        level = held.level.astype(np.float64)
        power = float(np.mean(np.power(10.0, level / 10)))
        with np.errstate(invalid="ignore"):
            high, middle, low = np.percentile(level, (90, 50, 10), method="nearest")
        self.rows.append(
            {
                "onset": self._minute * 60.0,
                "heard_s": round(len(held) * HOP_S, 3),
                "leq_dbfs": _finite(10 * math.log10(power) if power > 0 else -math.inf),
                "l10_dbfs": _finite(float(high)),
                "l50_dbfs": _finite(float(middle)),
                "l90_dbfs": _finite(float(low)),
                "max_dbfs": _finite(float(level.max())),
                "cry_s": round(int((held.cry >= self._cry).sum()) * HOP_S, 3),
                "voice_s": round(int((held.voice >= self._voice).sum()) * HOP_S, 3),
            }
        )


class _Rows:
    """Writes frames to a Parquet file in flat memory."""

    def __init__(self, path: Path, trace: Mapping[str, str]) -> None:
        self._trace = trace
        self._held: list[Frames] = []
        self._count = 0
        self._writer = pq.ParquetWriter(path, schema_of("frames"), compression="zstd")

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, frames: Frames) -> None:
        self._held.append(frames)
        self._count += len(frames)
        if self._count >= _ROWS:
            self.finish()

    def finish(self) -> None:
        held = Frames.join(self._held)
        self._held, self._count = [], 0
        arrays: list[NDArray[Any]] = [held.times, held.cry, held.laugh, held.voice, held.level]
        columns = [pa.array(one) for one in arrays]
        columns += [_same(self._trace[name], len(held)) for name in TRACE]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=schema_of("frames")))


def _table(name: str, rows: list[dict[str, Any]], trace: Mapping[str, str]) -> pa.Table:
    columns = [pa.array([row[key] for row in rows], kind) for key, kind in _COLUMNS[name]]
    columns += [_same(trace[key], len(rows)) for key in TRACE]
    return pa.Table.from_arrays(columns, schema=schema_of(name))


def _same(value: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([value]))


def _ended(events: list[Any]) -> list[Bout]:
    return [
        Bout(event.onset, event.offset, event.mean_cry, event.peak_dbfs)
        for event in events
        if isinstance(event, BoutEnded)
    ]


def _finite(level: float) -> float | None:
    return round(level, 2) if math.isfinite(level) else None
