"""Taking people out of what a study passes on: names, dates, remarks, and speech in clips.

What this can do is limited, and stands in the docs: a day-long recording can't
be made anonymous, and neither can a voice.
"""

import csv
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.clips import write_flac
from harken.errors import AnnotationError, ParameterError, SourceError
from harken.hearing import HOP, Detector, Frames
from harken.sound import AudioBlock, open_source
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats import read, write
from harken.studies.formats.childproject import rows_of

KEPT = {
    "children": ("experiment", "child_id", "child_dob", "child_sex"),
    "recordings": (
        "experiment", "child_id", "date_iso", "start_time", "recording_device_type",
        "recording_filename", "duration", "might_feature_gaps", "noisy_setting",
    ),
}  # fmt: skip
"""Columns that are passed on; remarks, places, languages and everything else are not."""

_YEAR_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Key:
    """The secret that names and dates are replaced by. Who has it can undo that.

    Parameters
    ----------
    secret : bytes
        32 random ones.

    Examples
    --------
    >>> key = Key(bytes(32))
    >>> key.name("anna") == key.name("anna"), key.name("anna") == key.name("ben")
    (True, False)
    """

    secret: bytes

    @classmethod
    def read(cls, path: Path) -> "Key":
        """Read a key, or make one that only this user may read, where there is none.

        Raises
        ------
        ParameterError
            If the file is no key.
        """
        try:
            text = path.read_text("ascii").strip()
        except FileNotFoundError:
            key = cls(secrets.token_bytes(32))
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(key.secret.hex() + "\n", "ascii")
            return key
        except (OSError, UnicodeDecodeError) as error:
            raise ParameterError(f"{path}: the key can't be read: {error}") from error
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            secret = b""
        if len(secret) != 32:
            raise ParameterError(f"{path}: this is no key of harken study anonymise")
        return cls(secret)

    def name(self, text: str, *, kind: str = "child") -> str:
        """Give a name in the place of another: always the same, and not to be guessed."""
        return f"{kind[0]}{self._digest(kind, text)[:10]}"

    def weeks(self, child: str) -> int:
        """Give by how many whole weeks a child's dates are moved back: 52 to 260."""
        return _YEAR_WEEKS + int(self._digest("dates", child)[:12], 16) % (4 * _YEAR_WEEKS + 1)

    def move(self, day: str, child: str) -> str:
        """Move a date; weekdays, ages and what lies between two dates stay as they were.

        Examples
        --------
        >>> key = Key(bytes(32))
        >>> moved = key.move("2026-03-02", "anna")
        >>> date.fromisoformat(moved).weekday() == date(2026, 3, 2).weekday()
        True
        """
        try:
            moved = date.fromisoformat(day) - timedelta(weeks=self.weeks(child))
        except ValueError:
            return "NA"
        return moved.isoformat()

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self.secret, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()


def anonymise(corpus: Path, out: Path, key: Key) -> list[str]:
    """Write a copy of a data set without the people: tables and annotations, no sound.

    Parameters
    ----------
    corpus : Path
        ChildProject data set, or a file or folder of annotations.
    out : Path
        A folder that isn't there yet.
    key : Key

    Returns
    -------
    list of str
        What was left out, a line each.

    Raises
    ------
    AnnotationError
        If something can't be read or written.
    ParameterError
        If `out` is there already.
    """
    if out.exists():
        raise ParameterError(f"{out}: it is there already; give a new folder")
    children = rows_of(corpus / "metadata" / "children.csv")
    recordings = rows_of(corpus / "metadata" / "recordings.csv")
    left = [
        f"{table}.csv: column {column}"
        for table, rows in (("children", children), ("recordings", recordings))
        for column in dict.fromkeys(name for row in rows for name in row)
        if column not in KEPT[table]
    ]
    items = [_without_people(item, key) for item in read(corpus)]
    metadata = out / "metadata"
    metadata.mkdir(parents=True)
    if recordings:
        _write(metadata / "recordings.csv", [_recording(row, key) for row in recordings])
        _write(metadata / "children.csv", [_child(row, key) for row in children])
    write(items, out, format="childproject")
    return [*left, "words, tiers and attributes of annotations", "times of day", "the sound"]


def mute_all_but_crying(
    samples: NDArray[np.float32], frames: Frames, *, on: float, voice_below: float = 0.5
) -> NDArray[np.float32]:
    """Silence everything that isn't an infant's crying alone.

    Parameters
    ----------
    samples : float32[n]
        16 kHz, mono.
    frames : Frames
        Of these samples; the first begins with them.
    on : float, 0 to 1
        P(cry) from which a frame is kept.
    voice_below : float, 0 to 1
        P(adult voice) below which it is.

    Returns
    -------
    float32[n]
        With ramps of 10 ms where it falls silent.

    Raises
    ------
    ParameterError
        If the frames don't cover the samples.

    Examples
    --------
    >>> times, cry = np.array([0.0, 0.08]), np.array([0.9, 0.1], np.float32)
    >>> flat = np.zeros(2, np.float32)
    >>> kept = mute_all_but_crying(
    ...     np.ones(2 * HOP, np.float32), Frames(times, cry, flat, flat, flat), on=0.5
    ... )
    >>> float(kept[600]), float(kept[-1])
    (1.0, 0.0)
    """
    if len(frames) * HOP < len(samples) - 2 * HOP:
        raise ParameterError("mute: the frames do not reach to the end of the samples")
    keep = (frames.cry >= on) & (frames.voice < voice_below)
    gain = np.repeat(keep.astype(np.float32), HOP)[: len(samples)]
    gain = np.pad(gain, (0, len(samples) - len(gain)))
    ramp = 160
    # A ramp may only ever lie inside of what is kept: before its start nothing may be heard.
    ahead = np.convolve(gain, np.ones(ramp, np.float32) / ramp, "full")[: len(gain)]
    behind = np.convolve(gain[::-1], np.ones(ramp, np.float32) / ramp, "full")[: len(gain)][::-1]
    soft: NDArray[np.float32] = (samples * np.minimum(np.minimum(ahead, behind), gain)).astype(
        np.float32
    )
    return soft


def anonymise_clips(paths: Sequence[Path], out: Path, key: Key, detector: Detector) -> list[Path]:
    """Write clips again with nothing in them but crying, under names that say nothing.

    Parameters
    ----------
    paths : sequence of Path
        Short recordings; each is held in memory.
    out : Path
        Made where it isn't there.
    key : Key
    detector : Detector

    Returns
    -------
    list of Path
        FLAC files without metadata, in the order of `paths`.

    Raises
    ------
    SourceError
        If one can't be read or written.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for path in paths:
        samples, frames = _heard(path, detector)
        target = out / f"{key.name(path.stem, kind='recording')}.flac"
        muted = mute_all_but_crying(samples, frames, on=detector.on)
        try:
            write_flac(str(target), muted)
        except OSError as error:
            raise SourceError(f"{target}: it could not be written: {error}") from error
        made.append(target)
    return made


def _heard(path: Path, detector: Detector) -> tuple[NDArray[np.float32], Frames]:
    parts, heard = [], []
    with open_source(str(path)) as source:
        for item in source:
            if isinstance(item, AudioBlock):
                parts.append(item.samples)
                heard.append(detector.process(item))
    heard.append(detector.flush())
    if not parts:
        raise SourceError(f"{path}: there is no sound in it")
    return np.concatenate(parts), Frames.join(heard)


def _without_people(item: Annotations, key: Key) -> Annotations:
    """Keep times, labels and speaker types; drop words, tiers, clocks and attributes."""
    return replace(
        item,
        recording=_file(item.recording, key),
        annotations=tuple(
            Annotation(
                onset=one.onset,
                offset=one.offset,
                label=one.label,
                speaker=one.speaker,
                score=one.score,
                level_dbfs=one.level_dbfs,
            )
            for one in item.annotations
        ),
        clock=(),
        notes=(),
    )


def _file(name: str, key: Key) -> str:
    path = Path(name)
    stem = path.stem if path.suffix else name
    return f"{key.name(stem, kind='recording')}{path.suffix or '.wav'}"


def _recording(row: Mapping[str, str], key: Key) -> dict[str, str]:
    child = row.get("child_id", "")
    kept = {name: row[name] for name in KEPT["recordings"] if name in row}
    kept["child_id"] = key.name(child)
    kept["recording_filename"] = _file(row.get("recording_filename", ""), key)
    if "date_iso" in kept:
        kept["date_iso"] = key.move(kept["date_iso"], child)
    return kept


def _child(row: Mapping[str, str], key: Key) -> dict[str, str]:
    child = row.get("child_id", "")
    kept = {name: row[name] for name in KEPT["children"] if name in row}
    kept["child_id"] = key.name(child)
    if "child_dob" in kept:
        kept["child_dob"] = key.move(kept["child_dob"], child)
    return kept


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
