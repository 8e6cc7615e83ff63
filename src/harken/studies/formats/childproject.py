"""ChildProject data sets: metadata tables, and sets of annotations with their converted tables.

A cry is ``speaker_type=CHI, vcm_type=Y, ling_type=0`` there.
"""

import csv
import io
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import harken
from harken.errors import AnnotationError, ParameterError
from harken.studies.annotation import Annotation, Annotations, joined
from harken.studies.formats import chat, elan, lena, rttm, table, textgrid
from harken.studies.formats.text import (
    Losses,
    below,
    number,
    read_text,
    seconds,
    stem,
    write_text,
)
from harken.studies.formats.tiers import VCM

_READERS: Mapping[str, Callable[[Path], list[Annotations]]] = {
    "csv": table.read,
    "vtc_rttm": rttm.read,
    "vcm_rttm": rttm.read,
    "its": lena.read,
    "TextGrid": textgrid.read,
    "eaf": elan.read,
    "cha": chat.read,
}
_SEGMENTS = (
    "segment_onset",
    "segment_offset",
    "speaker_type",
    "ling_type",
    "vcm_type",
    "average_db",
    "raw_filename",
)
_INDEX = ("set", "recording_filename", "range_onset", "range_offset", "raw_filename")
_REQUIRED = (
    "experiment", "child_id", "date_iso", "start_time", "recording_device_type",
    "recording_filename",
)  # fmt: skip
_OURS = ("harken_label", "harken_score", "harken_source", "harken_tier")
"""What only Harken knows stands in the raw tables: in a converted one ChildProject warns of it."""
_VCM = {"cry": "Y", "laugh": "L", "babble": "N", "infant vocalisation": "U"}
SET = "harken"


def sets_of(path: Path) -> tuple[str, ...]:
    """Give the names of a data set's sets of annotations.

    Parameters
    ----------
    path : Path
        Its folder, the one that holds ``metadata/``.

    Returns
    -------
    tuple of str
        As ``metadata/annotations.csv`` names them, in order; none where `path` is no data set.
        Each is a path below ``annotations/``, with slashes.

    Raises
    ------
    AnnotationError
        If the table can't be read.
    """
    rows = rows_of(path / "metadata" / "annotations.csv")
    return tuple(sorted({row.get("set", "") for row in rows if _whole(row)} - {""}))


def place_of(path: Path) -> tuple[Path, str] | None:
    """Tell in which data set a path lies, and where below its ``annotations/``.

    Parameters
    ----------
    path : Path
        It need not be there.

    Returns
    -------
    (Path, str) or None
        The data set's folder, and the path below ``annotations/`` with slashes: a set's name,
        if there is a set of this name; empty for ``annotations/`` itself. None where it lies
        below no ``annotations/`` of a data set.
    """
    # Resolving would follow a folder that is a link out of the data set.
    parts = Path(os.path.abspath(path)).parts  # noqa: PTH100
    for depth in range(1, len(parts)):
        root = Path(*parts[:-depth])
        if parts[-depth] == "annotations" and (root / "metadata" / "annotations.csv").is_file():
            # As it was typed, where that can be: messages name it.
            typed = len(path.parts) >= depth and ".." not in path.parts
            name = "/".join(parts[len(parts) - depth + 1 :])
            return path.parents[depth - 1] if typed else root, name
    return None


def read(path: Path, *, set_: str | None = None) -> list[Annotations]:
    """Read a data set: every set of annotations, of every recording.

    Parameters
    ----------
    path : Path
        Its folder, the one that holds ``metadata/``; or a set's, ``annotations/SET`` below it.
    set_ : str, optional
        Only this set.

    Returns
    -------
    list of Annotations
        One for each recording and set, with the set's name; `analysed` has the ranges that
        the table gives.

    Raises
    ------
    AnnotationError
        With file and line, if a table can't be read or names a file that there isn't.
    """
    index = path / "metadata" / "annotations.csv"
    if set_ is None and not index.is_file() and (place := place_of(path)):
        path, set_ = place
        index = path / "metadata" / "annotations.csv"
    if not index.is_file():
        raise AnnotationError(
            f"{path}: no metadata/annotations.csv: this is no ChildProject data set"
        )
    if set_ is not None and set_ not in (there := sets_of(path)):
        raise AnnotationError(_no_set(path, set_, there))
    listed = path / "metadata" / "recordings.csv"
    lengths = {
        row.get("recording_filename", ""): seconds(
            row["duration"], where=f"{listed}: line {line}", what="duration"
        )
        / 1000
        for line, row in _numbered(listed)
        if row.get("duration") not in (None, "", "NA")
    }
    found: dict[tuple[str, str], list[tuple[tuple[float, float], list[Annotation]]]] = {}
    notes: dict[tuple[str, str], dict[str, None]] = {}
    for line, row in _numbered(index):
        where = f"{index}: line {line}"
        if missing := [column for column in _INDEX if column not in row]:
            raise AnnotationError(f"{index}: line 1: it has no column {missing[0]}")
        name, recording = row.get("set", ""), row.get("recording_filename", "")
        if set_ is not None and name != set_:
            continue
        if not _whole(row):
            continue
        looked = _range(row, where=where)
        annotations, said = _entries(path, row, looked, where=where)
        parts = found.setdefault((name, recording), [])
        if any(since < looked[1] and looked[0] < until for (since, until), _ in parts):
            said += (
                f"{where}: its range overlaps an earlier one of {recording} in the set {name}; "
                "what is in both is read once.",
            )
            earlier = {(one.order, one.label) for _, each in parts for one in each}
            annotations = [one for one in annotations if (one.order, one.label) not in earlier]
        parts.append((looked, annotations))
        notes.setdefault((name, recording), {}).update(dict.fromkeys(said))
    return [
        Annotations(
            recording=recording,
            annotations=tuple(one for _, each in parts for one in each),
            analysed=tuple(sorted(looked for looked, _ in parts)),
            duration=lengths.get(recording),
            set=name,
            format="childproject",
            notes=tuple(notes[name, recording]),
        ).sorted()
        for (name, recording), parts in found.items()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write a data set: what names a set into that set, the rest into the set ``harken``.

    What a table can't know is left at what ChildProject takes for unknown, and said.
    The tables of ``raw/`` hold what ChildProject has no column for, and are read back.

    Parameters
    ----------
    items : sequence of Annotations
        Several of one recording and set are put together.
    path : Path
        A folder; it is made, or has to be a data set already. Its tables then stay as they are
        and get rows added; in the set ``harken`` a recording's annotations are replaced.

    Returns
    -------
    list of str
        What the format cannot hold, or what Harken doesn't know of the recordings.

    Raises
    ------
    AnnotationError
        If it cannot be written, or a name stands for several recordings of the data set.
    ParameterError
        If it is a folder inside of a data set, or the data set has such a set already.
    """
    metadata = path / "metadata"
    if not metadata.is_dir() and (place := place_of(path)):
        raise ParameterError(f"{path}: it is inside of the data set {place[0]}; give that one")
    there = {name.lower() for name in sets_of(path)} - {SET}
    if taken := sorted({item.set for item in items if item.set.lower() in there}):
        raise ParameterError(
            f"{path}: it has the set {taken[0]} already; give another data set, or convert "
            f"{path / 'annotations' / taken[0]} to a file"
        )
    losses = Losses()
    recordings = rows_of(metadata / "recordings.csv")
    known = [row.get("recording_filename", "") for row in recordings]
    merged: dict[tuple[str, str], list[Annotations]] = {}
    for count, item in enumerate(items, 1):
        name = _known(below(item.recording) or f"recording{count}", known, path)
        merged.setdefault((below(item.set) or SET, name), []).append(item)
    index = []
    added: dict[str, dict[str, str]] = {}
    for (set_, recording), parts in merged.items():
        index += _write_set(path / "annotations" / set_, set_, recording, parts, losses)
        if recording not in known:
            added[recording] = _recording(recording, parts, losses)
    formats: dict[str, set[str]] = {}
    for (set_, _), parts in merged.items():
        formats.setdefault(set_, set()).update(part.format for part in parts)
    for set_, each in formats.items():
        write_text(path / "annotations" / set_ / "metannots.yml", _metannots(set_, each))
    (path / "recordings" / "raw").mkdir(parents=True, exist_ok=True)
    children = rows_of(metadata / "children.csv")
    # ChildProject wants one experiment in a data set, and NA where it asks for yes or no.
    experiments = {row.get("experiment") or "unknown" for row in (*children, *recordings)}
    experiment = experiments.pop() if len(experiments) == 1 else "unknown"
    child = {"experiment": experiment, "child_id": "unknown", "child_dob": "NA"}
    if added and not any(row.get("child_id") == "unknown" for row in children):
        _add_rows(metadata / "children.csv", [child], rest="NA")
    new = [row | {"experiment": experiment} for row in added.values()]
    _add_rows(metadata / "recordings.csv", new, rest="NA", columns=_REQUIRED)
    # Last, so that whoever looks meanwhile finds no row without its file.
    _add_rows(
        metadata / "annotations.csv",
        index,
        without=lambda row: (row.get("set", ""), row.get("recording_filename", "")) in merged,
    )
    return losses.told()


def _write_set(
    home: Path, set_: str, recording: str, parts: Sequence[Annotations], losses: Losses
) -> list[dict[str, str]]:
    """Write the tables of one recording in a set, and give their rows in the index."""
    for part in parts:
        losses.of_item(part, keeps=frozenset({"analysed", "duration", "clock", "set"}))
    end = max(part.end for part in parts)
    stretches = sorted({each for part in parts for each in part.analysed}) or [(0.0, end)]
    if any(one[1] > other[0] for one, other in pairwise(stretches)):
        # ChildProject takes no set whose ranges overlap.
        stretches = list(joined(stretches))
    if not any(part.analysed for part in parts):
        losses.say(
            "which stretches were analysed isn't known; from 0 s to the end is written",
            recording=recording,
        )
    annotations = [one for part in parts for one in part.sorted().annotations]
    if {"segments"} < {one.tier for one in annotations}:
        losses.say(
            "that LENA's cries lie inside its segments: here both are segments of CHI, so "
            "count crying by vcm_type=Y and the infant's voice without it"
        )
    base = stem(recording)
    raw = home / "raw" / f"{base}.csv"
    index = []
    kept: set[int] = set()
    for since, until in stretches:
        inside = [
            (number, one)
            for number, one in enumerate(annotations)
            if one.onset < until and (one.offset > since or one.onset == one.offset == since)
        ]
        kept |= {number for number, _ in inside}
        rows = [_segment(one, raw.name) | _cut(one, since, until, losses) for _, one in inside]
        name = f"{base}_{_ms(since)}_{_ms(until)}.csv"
        _write(home / "converted" / name, _SEGMENTS, rows)
        index.append(
            {
                "set": set_,
                "recording_filename": recording,
                "time_seek": "0",
                "range_onset": _ms(since),
                "range_offset": _ms(until),
                "raw_filename": f"{base}.csv",
                "format": "csv",
                "annotation_filename": name,
                "imported_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
                "package_version": harken.__version__,
            }
        )
    losses.add("annotations outside of what was analysed", len(annotations) - len(kept))
    more = dict.fromkeys(f"attribute {key}" for one in annotations for key in one.attributes)
    _write(raw, (*_SEGMENTS, *_OURS, *more), [_segment(one, raw.name) for one in annotations])
    return index


def _known(name: str, known: Sequence[str], path: Path) -> str:
    """Give the name that a data set has for a recording, by name or else without the ending."""
    if name in known:
        return name
    alike = [each for each in known if stem(each) == stem(name)] or [
        each for each in known if Path(stem(each)).name == stem(name)
    ]
    if len(alike) > 1:
        raise AnnotationError(
            f"{path}: {name} may be any of its recordings {', '.join(alike)}; say which with "
            "--recording"
        )
    return alike[0] if alike else name if Path(name).suffix else f"{name}.wav"


def _metannots(set_: str, formats: Collection[str]) -> str:
    """Say what is known of a set: whose work it is only where the format tells."""
    lines = [f"segmentation: {_quoted(set_)}", "segmentation_type: 'permissive'"]
    if formats == {"lena"}:
        lines += ["method: 'automated'", "annotation_algorithm_name: 'LENA'"]
    lines += ["has_speaker_type: 'Y'", "has_vcm_type: 'Y'"]
    lines.append(f"notes: {_quoted(f'Written by Harken {harken.__version__}')}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a table of metadata; none where there is no file.

    Raises
    ------
    AnnotationError
        With the line, if a row has more cells than there are columns.
    """
    return [row for _, row in _numbered(path)]


def _numbered(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Give the rows of a table with the lines on which they end."""
    if not path.is_file():
        return []
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    rows = []
    try:
        for row in reader:
            if None in row:
                raise AnnotationError(f"{path}: line {reader.line_num}: more cells than columns")
            cells = {key: (value or "").strip() for key, value in row.items()}
            rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise AnnotationError(f"{path}: line {reader.line_num}: {error}") from error
    return rows


def _whole(row: Mapping[str, str]) -> bool:
    """Whether ChildProject could import what a row of its table of annotations names."""
    return row.get("error") in (None, "", "NA")


def _no_set(path: Path, name: str, there: Sequence[str]) -> str:
    below = [each for each in there if not name or each.startswith(f"{name}/")]
    what = (
        "a folder of sets; name one of them"
        if below
        else "metadata/annotations.csv doesn't list this set; it lists"
    )
    listed = ", ".join(str(path / "annotations" / each) for each in below or there)
    return f"{path / 'annotations' / name}: {what}: {listed or 'none'}"


def _entries(
    path: Path, row: Mapping[str, str], looked: tuple[float, float], *, where: str
) -> tuple[list[Annotation], tuple[str, ...]]:
    home = path / "annotations" / row["set"]
    shift = _shift(row, where=where)
    converted = home / "converted" / (row.get("annotation_filename") or ".")
    kind, raw = row.get("format") or "", home / "raw" / row.get("raw_filename", "")
    ours = kind == "csv" and raw.is_file() and _OURS[0] in read_text(raw).partition("\n")[0]
    if converted.is_file() and not ours:
        items = table.read(converted)
        # A segment's times were moved when it was converted; what LENA marked inside wasn't.
        shifts = {True: shift, False: 0.0}
    else:
        if kind not in _READERS:
            raise AnnotationError(
                f"{where}: format {kind!r} isn't read; one of {', '.join(_READERS)} is"
            )
        if not raw.is_file():
            raise AnnotationError(f"{where}: {raw} is not there")
        items = _READERS[kind](raw)
        shifts = {True: shift, False: shift}
        if wanted := row.get("filter"):
            items = [item for item in items if item.recording == wanted]
        elif len(items) > 1:
            # ChildProject would take all for this recording's, and warns.
            name = Path(stem(row.get("recording_filename", ""))).name
            items = [each for each in items if Path(stem(each.recording)).name == name] or items
    found = []
    for item in items:
        for one in item.annotations:
            by = shifts[one.tier in ("cry", "vfx", "utt")]
            onset, offset = round(one.onset + by, 9), round(one.offset + by, 9)
            # As ChildProject does it: what reaches into the range is cut at its ends.
            cut = max(onset, looked[0]), min(offset, looked[1])
            if cut[0] < cut[1] or onset == offset == cut[0] == cut[1]:
                found.append(replace(one, onset=cut[0], offset=cut[1], attributes=_own(one)))
    return found, tuple(dict.fromkeys(note for item in items for note in item.notes))


def _own(one: Annotation) -> dict[str, str]:
    """Give an annotation's attributes without the name of the file that it came from."""
    return {key: value for key, value in one.attributes.items() if key != "raw_filename"}


def _shift(row: Mapping[str, str], *, where: str) -> float:
    text = row.get("time_seek") or "0"
    try:
        return float(text) / 1000
    except ValueError:
        raise AnnotationError(f"{where}: time_seek {text!r} is not a number") from None


def _range(row: Mapping[str, str], *, where: str) -> tuple[float, float]:
    since, until = (
        seconds(row.get(key, ""), where=where, what=key) / 1000
        for key in ("range_onset", "range_offset")
    )
    if until < since:
        raise AnnotationError(f"{where}: its range ends before it begins")
    return since, until


def _segment(one: Annotation, raw: str) -> dict[str, str]:
    """Give all that is known of an annotation as a row."""
    vcm = _VCM.get(one.label, "NA") if one.speaker in ("CHI", "") else "NA"
    if one.source in VCM and VCM[one.source] == one.label and vcm != "NA":
        vcm = one.source
    onset, offset = number(1000 * one.onset), number(1000 * one.offset)
    return {
        "segment_onset": onset,
        "segment_offset": offset,
        "speaker_type": one.speaker or ("CHI" if vcm == "Y" else "NA"),
        "ling_type": "0" if one.label in ("cry", "laugh") else "NA",
        "vcm_type": vcm,
        "average_db": "NA" if one.level_dbfs is None else number(one.level_dbfs),
        "raw_filename": raw,
        "harken_label": one.label,
        "harken_score": "NA" if one.score is None else number(one.score),
        "harken_source": table.safe(one.source),
        "harken_tier": table.safe(one.tier),
    } | {f"attribute {key}": table.safe(value) for key, value in one.attributes.items()}


def _cut(one: Annotation, since: float, until: float, losses: Losses) -> dict[str, str]:
    """Give an annotation's times within a range, in whole milliseconds."""
    losses.add(
        "times beyond what was analysed, where annotations are cut",
        int(one.onset < since or one.offset > until),
    )
    return {
        "segment_onset": _ms(max(one.onset, since)),
        "segment_offset": _ms(min(one.offset, until)),
    }


def _recording(name: str, parts: Sequence[Annotations], losses: Losses) -> dict[str, str]:
    clock = next((item.clock for item in parts if item.clock), ())
    day, start = "NA", "NA"
    # A time in UTC alone doesn't say what a clock in the room showed.
    if clock and clock[0][0] == 0.0 and not clock[0][1].endswith("Z"):
        at = clock[0][1]
        day, start = at[:10], at[11:19]
    else:
        losses.say("when it was made isn't known; NA is written", recording=name)
    if len(clock) > 1:
        losses.say("the time of day of all stretches but the first", recording=name)
    losses.say("whose it is isn't known; child 'unknown' is written", recording=name)
    by_lena = all(item.format == "lena" for item in parts)
    return {
        "experiment": "unknown",
        "child_id": "unknown",
        "date_iso": day,
        "start_time": start,
        "recording_device_type": "lena" if by_lena else "unknown",
        "recording_filename": name,
        "duration": _ms(max(max(item.end, item.duration or 0.0) for item in parts)),
        "might_feature_gaps": str(int(by_lena and any(len(item.analysed) > 1 for item in parts))),
    }


def _ms(value: float) -> str:
    return str(round(value * 1000))


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    out = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    write_text(path, text.getvalue())


def _add_rows(
    path: Path,
    rows: Sequence[Mapping[str, str]],
    *,
    without: Callable[[Mapping[str, str]], bool] = lambda row: False,
    rest: str = "",
    columns: Collection[str] | None = None,
) -> None:
    """Add rows to somebody's table. What stands there stays, to the byte, and in its columns.

    Parameters
    ----------
    path : Path
    rows : sequence of mapping
    without : callable, optional
        Row → whether it goes.
    rest : str
        What is written into columns that the rows don't have.
    columns : collection of str, optional
        Those that may be added to a table that is there; all by default.
    """
    if not rows:
        return
    if not path.is_file():
        _write(path, list(dict.fromkeys(key for row in rows for key in row)), rows)
        return
    lines = list(io.StringIO(read_text(path), newline=""))
    reader = csv.reader(lines)
    header = next(reader, [])
    kept, done = ["".join(lines[: reader.line_num])], reader.line_num
    for cells in reader:
        if not without(dict(zip(header, (cell.strip() for cell in cells), strict=False))):
            kept.append("".join(lines[done : reader.line_num]))
        done = reader.line_num
    ours = dict.fromkeys(key for row in rows for key in row)
    new = [key for key in ours if key not in header and (columns is None or key in columns)]
    end = "\r\n" if kept[0].endswith("\r\n") else "\n"
    text = io.StringIO()
    if new:
        # A column more is a cell more in every row; the cells are the same.
        again = csv.writer(text, lineterminator=end)
        for row_number, cells in enumerate(csv.reader(kept)):
            whole = [*cells, *[""] * (len(header) - len(cells))]
            again.writerow([*whole, *(new if row_number == 0 else [""] * len(new))])
    else:
        text.write("".join(kept))
        if kept and not kept[-1].endswith("\n"):
            text.write(end)
    out = csv.DictWriter(
        text, [*header, *new], restval=rest, extrasaction="ignore", lineterminator=end
    )
    out.writerows(rows)
    mark = "\ufeff" if path.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    write_text(path, mark + text.getvalue())
