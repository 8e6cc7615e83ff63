"""Taking people out of what a study passes on: names, dates, remarks, and speech in clips.

What this can do is limited, and stands in the docs: a day-long recording can't
be made anonymous, and neither can a voice.
"""

import csv
import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from harken.clips import write_flac
from harken.errors import AnnotationError, ParameterError, SourceError
from harken.hearing import HOP, Detector, Frames
from harken.sound import AudioBlock, Gap, open_source
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats import read, write
from harken.studies.formats.childproject import place_of, rows_of
from harken.studies.formats.text import stem

_NAME, _DATE = "name", "date"
_YES = "0|1"
KEPT: Mapping[str, Mapping[str, str]] = {
    "children": {
        "experiment": _NAME,
        "child_id": _NAME,
        "child_dob": _DATE,
        "child_sex": "m|f|male|female|other",
        "discard": _YES,
    },
    "recordings": {
        "experiment": _NAME,
        "child_id": _NAME,
        "date_iso": _DATE,
        "start_time": r"\d{1,2}:\d{2}(:\d{2})?",
        "recording_device_type": "lena|usb|olympus|babylogger|izyrec|unknown",
        "recording_filename": _NAME,
        "duration": r"\d+(\.\d+)?",
        "might_feature_gaps": _YES,
        "noisy_setting": _YES,
        "discard": _YES,
    },
}
"""Columns that are passed on, and what may stand in them; a remark that stands there becomes NA.

Remarks, places, languages and everything else are not passed on.
"""

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
            If the file is no key, or none can be made there.
        """
        try:
            text = path.read_text("ascii").strip()
        except FileNotFoundError:
            key = cls(secrets.token_bytes(32))
            try:
                path.touch(mode=0o600, exist_ok=False)
                path.write_text(key.secret.hex() + "\n", "ascii")
            except OSError as error:
                raise ParameterError(
                    f"{path}: no key can be made there: {error.strerror or error}"
                ) from error
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
        except (ValueError, OverflowError):
            return "NA"
        return moved.isoformat()

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self.secret, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()


def anonymise(corpus: Path, out: Path, key: Key) -> list[str]:
    """Write a copy of a data set without the people: tables and annotations, no sound.

    Parameters
    ----------
    corpus : Path
        ChildProject data set, one set of it, or a file or folder of annotations.
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
    place = None if (corpus / "metadata").is_dir() else place_of(corpus)
    metadata = (place[0] if place else corpus) / "metadata"
    tables = {name: rows_of(metadata / f"{name}.csv") for name in KEPT}
    left = [
        f"{table}.csv: column {column}"
        for table, rows in tables.items()
        for column in dict.fromkeys(name for row in rows for name in row)
        if column not in KEPT[table]
    ]
    items = read(corpus)
    sets = {item.set: key.name(item.set, kind="set") for item in items if item.set}
    blank: Counter[str] = Counter()
    made = {name: [_row(row, name, key, blank) for row in rows] for name, rows in tables.items()}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # In one step, so that nobody finds half a copy and takes it for the whole.
        with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            part = Path(folder) / "part"
            (part / "metadata").mkdir(parents=True)
            for name, rows in made.items():
                if rows:
                    _write(part / "metadata" / f"{name}.csv", rows)
            lost = write(
                [_without_people(item, key, sets) for item in items], part, format="childproject"
            )
            part.rename(out)
    except OSError as error:
        raise AnnotationError(f"{out}: {error.strerror or error}") from error
    left += [f"{where}, now NA ({count})" for where, count in blank.items()]
    left += [f"metadata/{name}" for name in _others(metadata)]
    left += [f"the set's name {name}, now {new}" for name, new in sets.items()]
    if any(item.clock for item in items):
        left.append("the times of day of LENA's blocks")
    return [*left, *lost, "words, tiers and attributes of annotations", "the sound"]


def _others(metadata: Path) -> list[str]:
    known = {"annotations.csv", *(f"{name}.csv" for name in KEPT)}
    there = sorted(metadata.iterdir()) if metadata.is_dir() else []
    return [each.name + "/" * each.is_dir() for each in there if each.name not in known]


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
    made: list[Path] = []
    for path in paths:
        target = out / f"{key.name(path.stem, kind='recording')}.flac"
        if target in made:
            # Clips of one name lie in several folders.
            target = out / f"{key.name(str(path), kind='recording')}.flac"
        muted = [
            mute_all_but_crying(samples, frames, on=detector.on)
            for samples, frames in _heard(path, detector)
        ]
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_flac(str(target), np.concatenate(muted))
        except OSError as error:
            raise SourceError(f"{target}: it could not be written: {error}") from error
        made.append(target)
    return made


def _heard(path: Path, detector: Detector) -> list[tuple[NDArray[np.float32], Frames]]:
    """Give the sound between gaps, each part with its own frames: none may be shifted."""
    runs: list[tuple[list[NDArray[np.float32]], list[Frames]]] = [([], [])]
    with open_source(str(path)) as source:
        for item in source:
            if isinstance(item, AudioBlock):
                runs[-1][0].append(item.samples)
                runs[-1][1].append(detector.process(item))
            elif isinstance(item, Gap) and runs[-1][0]:
                runs[-1][1].append(detector.flush())
                runs.append(([], []))
    runs[-1][1].append(detector.flush())
    whole = [(np.concatenate(parts), Frames.join(heard)) for parts, heard in runs if parts]
    if not whole:
        raise SourceError(f"{path}: there is no sound in it")
    return whole


def _without_people(item: Annotations, key: Key, sets: Mapping[str, str]) -> Annotations:
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
        set=sets.get(item.set, ""),
        clock=(),
        notes=(),
    )


def _file(name: str, key: Key) -> str:
    # Only the ending of a sound file is none of a name's parts.
    base = stem(name)
    return f"{key.name(base, kind='recording')}{name[len(base) :].lower() or '.wav'}"


def _row(row: Mapping[str, str], table: str, key: Key, blank: Counter[str]) -> dict[str, str]:
    """Give what of a row may be passed on, and count what stood where it doesn't belong."""
    child = row.get("child_id", "")
    kept = {}
    for name, rule in KEPT[table].items():
        text = row.get(name)
        if text is None:
            continue
        if text in ("", "NA"):
            kept[name] = text
        elif rule == _NAME:
            kept[name] = (
                _file(text, key)
                if name == "recording_filename"
                else key.name(text, kind=name.partition("_")[0])
            )
        elif rule == _DATE:
            kept[name] = key.move(text, child)
        else:
            kept[name] = text if re.fullmatch(rule, text, re.IGNORECASE) else "NA"
        if kept[name] == "NA" != text:
            blank[f"{table}.csv: what stands in {name} and doesn't belong there"] += 1
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
