"""ChildProject data sets: metadata tables, and sets of annotations with their converted tables.

A cry is ``speaker_type=CHI, vcm_type=Y, ling_type=0`` there.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import harken
from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats import elan, lena, rttm, table, textgrid
from harken.studies.formats.text import Losses, read_text, seconds

_READERS: Mapping[str, Callable[[Path], list[Annotations]]] = {
    "csv": table.read,
    "vtc_rttm": rttm.read,
    "vcm_rttm": rttm.read,
    "its": lena.read,
    "TextGrid": textgrid.read,
    "eaf": elan.read,
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
_OURS = ("harken_label", "harken_score")
"""What only Harken knows stands in the raw tables: in a converted one ChildProject warns of it."""
_VCM = {"cry": "Y", "laugh": "L", "babble": "N", "infant vocalisation": "U"}
SET = "harken"


def read(path: Path, *, set_: str | None = None) -> list[Annotations]:
    """Read a data set: every set of annotations, of every recording.

    Parameters
    ----------
    path : Path
        Its folder, the one that holds ``metadata/``.
    set_ : str, optional
        Only this set.

    Returns
    -------
    list of Annotations
        One for each recording and set; the set is the `tier` of its annotations, and
        `analysed` has the ranges that its table gives.

    Raises
    ------
    AnnotationError
        With file and line, if a table can't be read or names a file that there isn't.
    """
    index = path / "metadata" / "annotations.csv"
    if not index.is_file():
        raise AnnotationError(
            f"{path}: no metadata/annotations.csv: this is no ChildProject data set"
        )
    lengths = {
        row["recording_filename"]: seconds(row["duration"], where=f"{path}: recordings.csv") / 1000
        for row in rows_of(path / "metadata" / "recordings.csv")
        if row.get("duration") not in (None, "", "NA")
    }
    found: dict[tuple[str, str], list[tuple[tuple[float, float], list[Annotation]]]] = {}
    notes: dict[tuple[str, str], tuple[str, ...]] = {}
    for number, row in enumerate(rows_of(index), 2):
        where = f"{index}: line {number}"
        name, recording = row.get("set", ""), row.get("recording_filename", "")
        if set_ is not None and name != set_:
            continue
        if row.get("error") not in (None, "", "NA"):
            continue
        looked = _range(row, where=where)
        annotations, said = _entries(path, row, looked, where=where)
        found.setdefault((name, recording), []).append((looked, annotations))
        notes[name, recording] = said
    if set_ is not None and not found:
        raise AnnotationError(f"{path}: it has no set {set_!r} of annotations")
    return [
        Annotations(
            recording=recording,
            annotations=tuple(one for _, each in parts for one in each),
            analysed=tuple(sorted(looked for looked, _ in parts)),
            duration=lengths.get(recording),
            format="childproject",
            notes=notes[name, recording],
        ).sorted()
        for (name, recording), parts in found.items()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write a data set with one set of annotations, ``harken``.

    What a table can't know is left at what ChildProject takes for unknown, and said.

    Parameters
    ----------
    items : sequence of Annotations
        Several of one recording are put together.
    path : Path
        A folder; it is made, or has to be a data set already, whose tables then stay and
        get the set added.

    Returns
    -------
    list of str
        What the format cannot hold, or what Harken doesn't know of the recordings.
    """
    losses = Losses()
    metadata, home = path / "metadata", path / "annotations" / SET
    for folder in (metadata, home / "converted", home / "raw", path / "recordings" / "raw"):
        folder.mkdir(parents=True, exist_ok=True)
    merged: dict[str, list[Annotations]] = {}
    for number, item in enumerate(items, 1):
        name = item.recording or f"recording{number}"
        merged.setdefault(name if Path(name).suffix else f"{name}.wav", []).append(item)
    index = [row for row in _if_there(metadata / "annotations.csv") if row.get("set") != SET]
    recordings = _if_there(metadata / "recordings.csv")
    known = {row.get("recording_filename") for row in recordings}
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    for recording, parts in merged.items():
        end = max(part.end for part in parts)
        stretches = sorted({each for part in parts for each in part.analysed}) or [(0.0, end)]
        if not any(part.analysed for part in parts):
            losses.say(
                f"which stretches of {recording} were analysed isn't known; from 0 s to the end "
                "is written"
            )
        if {"segments"} < {one.tier for part in parts for one in part.annotations}:
            losses.say(
                "that LENA's cries lie inside its segments: here both are segments of CHI, so "
                "count crying by vcm_type=Y and the infant's voice without it"
            )
        stem = Path(recording).stem
        raw = home / "raw" / f"{stem}.csv"
        annotations = [one for part in parts for one in part.annotations]
        outside = [
            one
            for one in annotations
            if not any(since <= one.onset < until for since, until in stretches)
        ]
        losses.add("annotations outside of what was analysed", len(outside))
        for since, until in stretches:
            inside = [one for one in annotations if since <= one.onset < until]
            name = f"{stem}_{_ms(since)}_{_ms(until)}.csv"
            rows = [_segment(one, raw, losses, until) for one in inside]
            _write(home / "converted" / name, _SEGMENTS, rows)
            index.append(
                {
                    "set": SET,
                    "recording_filename": recording,
                    "time_seek": "0",
                    "range_onset": _ms(since),
                    "range_offset": _ms(until),
                    "raw_filename": raw.name,
                    "format": "csv",
                    "filter": "",
                    "annotation_filename": name,
                    "imported_at": now,
                    "package_version": harken.__version__,
                    "error": "",
                    "merged_from": "",
                }
            )
        _write(
            raw, (*_SEGMENTS, *_OURS), [_segment(one, raw, Losses(), end) for one in annotations]
        )
        if recording not in known:
            recordings.append(_recording(recording, parts, end, losses))
    children = _if_there(metadata / "children.csv") or [
        {"experiment": "unknown", "child_id": "unknown", "child_dob": "NA"}
    ]
    for name, rows in (
        ("annotations", index),
        ("recordings", recordings),
        ("children", children),
    ):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        _write(metadata / f"{name}.csv", columns, rows)
    (home / "metannots.yml").write_text(_METANNOTS.format(version=harken.__version__), "utf-8")
    return losses.told()


_METANNOTS = """segmentation: '{{set}}'
segmentation_type: 'permissive'
method: 'automated'
annotation_algorithm_name: 'Harken'
annotation_algorithm_version: '{version}'
has_speaker_type: 'Y'
has_vcm_type: 'Y'
""".replace("{{set}}", SET)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a table of metadata; none where there is no file.

    Raises
    ------
    AnnotationError
        With the line, if a row has more cells than there are columns.
    """
    if not path.is_file():
        return []
    reader = csv.DictReader(io.StringIO(read_text(path)))
    rows = []
    for row in reader:
        if None in row:
            raise AnnotationError(f"{path}: line {reader.line_num}: more cells than columns")
        rows.append({key: (value or "").strip() for key, value in row.items()})
    return rows


def _if_there(path: Path) -> list[dict[str, str]]:
    return rows_of(path)


def _entries(
    path: Path, row: Mapping[str, str], looked: tuple[float, float], *, where: str
) -> tuple[list[Annotation], tuple[str, ...]]:
    home = path / "annotations" / row["set"]
    shift = float(row.get("time_seek") or 0) / 1000
    converted = row.get("annotation_filename") or ""
    kind, raw = row.get("format") or "", home / "raw" / row.get("raw_filename", "")
    ours = kind == "csv" and raw.is_file() and _OURS[0] in read_text(raw).partition("\n")[0]
    if converted and (home / "converted" / converted).is_file() and not ours:
        items, shift = table.read(home / "converted" / converted), 0.0
    else:
        if kind not in _READERS:
            raise AnnotationError(
                f"{where}: format {kind!r} isn't read; one of {', '.join(_READERS)} is"
            )
        if not raw.is_file():
            raise AnnotationError(f"{where}: {raw} is not there")
        items = _READERS[kind](raw)
        if wanted := row.get("filter"):
            items = [item for item in items if item.recording == wanted]
    found = []
    for item in items:
        for one in item.annotations:
            onset, offset = one.onset + shift, one.offset + shift
            if looked[0] <= onset < looked[1]:
                found.append(_moved(one, onset, min(offset, looked[1]), row["set"]))
    return found, tuple(dict.fromkeys(note for item in items for note in item.notes))


def _moved(one: Annotation, onset: float, offset: float, name: str) -> Annotation:
    attributes = dict(one.attributes)
    label = attributes.pop("harken_label", "")
    score = attributes.pop("harken_score", "")
    attributes.pop("raw_filename", "")
    level = attributes.pop("average_db", "")
    ling = attributes.pop("ling_type", "")
    if ling not in ("", "NA") and not (ling == "0" and one.label in ("cry", "laugh")):
        attributes["ling_type"] = ling
    if one.tier:
        attributes["tier"] = one.tier
    return Annotation(
        onset=round(onset, 9),
        offset=round(offset, 9),
        label=label or one.label,
        source=one.source,
        tier=name,
        speaker=one.speaker,
        score=float(score) if score not in ("", "NA") else one.score,
        level_dbfs=float(level) if level not in ("", "NA") else one.level_dbfs,
        attributes={key: value for key, value in attributes.items() if value != "NA"},
    )


def _range(row: Mapping[str, str], *, where: str) -> tuple[float, float]:
    since, until = (
        seconds(row.get(key, ""), where=where, what=key) / 1000
        for key in ("range_onset", "range_offset")
    )
    if until < since:
        raise AnnotationError(f"{where}: its range ends before it begins")
    return since, until


def _segment(one: Annotation, raw: Path, losses: Losses, until: float) -> dict[str, str]:
    losses.of(one, keeps=frozenset({"speaker", "score", "level_dbfs", "tier"}))
    vcm = _VCM.get(one.label, "NA") if one.speaker in ("CHI", "") else "NA"
    speaker = one.speaker or ("CHI" if vcm == "Y" else "NA")
    if one.source and one.source not in (vcm, speaker):
        losses.add("the source's own word")
    losses.add("time finer than 1 ms", int(round(one.onset * 1000) != one.onset * 1000))
    return {
        "segment_onset": _ms(one.onset),
        "segment_offset": _ms(min(one.offset, until)),
        "speaker_type": speaker,
        "ling_type": "0" if one.label in ("cry", "laugh") else "NA",
        "vcm_type": vcm,
        "average_db": "NA" if one.level_dbfs is None else f"{one.level_dbfs:.2f}",
        "raw_filename": raw.name,
        "harken_label": one.label,
        "harken_score": "NA" if one.score is None else f"{one.score:.4f}",
    }


def _recording(
    name: str, parts: Sequence[Annotations], end: float, losses: Losses
) -> dict[str, str]:
    clock = next((item.clock for item in parts if item.clock), ())
    day, start = "NA", "NA"
    if clock and clock[0][0] == 0.0:
        at = clock[0][1]
        day, start = at[:10], at[11:19]
    else:
        losses.say(f"when {name} was made isn't known; NA is written")
    losses.say("whose recordings these are isn't known; child and experiment 'unknown' are written")
    gaps = any(len(item.analysed) > 1 for item in parts)
    return {
        "experiment": "unknown",
        "child_id": "unknown",
        "date_iso": day,
        "start_time": start,
        "recording_device_type": "unknown",
        "recording_filename": name,
        "duration": _ms(max([end, *(item.duration or 0.0 for item in parts)])),
        "might_feature_gaps": "1" if gaps else "0",
    }


def _ms(value: float) -> str:
    return str(round(value * 1000))


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
