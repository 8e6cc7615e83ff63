"""CSV: Harken's own columns, ChildProject's, or any others by a mapping that people give."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from harken.errors import AnnotationError, ParameterError
from harken.studies.annotation import (
    LABELS,
    SPEAKERS,
    VOICES,
    Annotation,
    Annotations,
    label_of,
)
from harken.studies.formats.elan import VCM
from harken.studies.formats.text import Losses, read_text, seconds, span

FIELDS = (
    "recording",
    "onset",
    "offset",
    "duration",
    "label",
    "source",
    "tier",
    "speaker",
    "score",
    "level_dbfs",
)
"""What a column can be mapped to; times in seconds, or with ``_ms`` behind it in milliseconds."""

COLUMNS = (
    "recording",
    "onset",
    "offset",
    "label",
    "source",
    "tier",
    "speaker",
    "score",
    "level_dbfs",
)
"""Columns of the files that Harken writes."""

_CHILDPROJECT = {
    "segment_onset": "onset_ms",
    "segment_offset": "offset_ms",
    "speaker_type": "speaker",
}
_KNOWN = {
    "onset": "onset",
    "start": "onset",
    "begin": "onset",
    "start_s": "onset",
    "onset_s": "onset",
    "offset": "offset",
    "end": "offset",
    "stop": "offset",
    "end_s": "offset",
    "offset_s": "offset",
    "duration": "duration",
    "duration_s": "duration",
    "onset_ms": "onset_ms",
    "offset_ms": "offset_ms",
    "start_ms": "onset_ms",
    "end_ms": "offset_ms",
    "label": "label",
    "class": "label",
    "annotation": "label",
    "value": "label",
    "recording": "recording",
    "file": "recording",
    "filename": "recording",
    "recording_filename": "recording",
    "source": "source",
    "tier": "tier",
    "speaker": "speaker",
    "score": "score",
    "confidence": "score",
    "level_dbfs": "level_dbfs",
    "peak_dbfs": "level_dbfs",
    **_CHILDPROJECT,
}
_VOICE = {speaker: label for label, speaker in VOICES.items()} | {"CHI": "infant vocalisation"}


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Guess which column is what, from its name.

    Parameters
    ----------
    columns : sequence of str

    Returns
    -------
    dict
        Column → field; columns that aren't known are left out.

    Examples
    --------
    >>> guess_columns(["File", "Start", "End", "Label", "rater"])
    {'File': 'recording', 'Start': 'onset', 'End': 'offset', 'Label': 'label'}
    """
    guessed: dict[str, str] = {}
    for column in columns:
        what = _KNOWN.get(column.strip().lower().replace(" ", "_"))
        if what and what not in guessed.values():
            guessed[column] = what
    return guessed


def read(path: Path, *, columns: Mapping[str, str] | None = None) -> list[Annotations]:
    """Read a CSV file (commas, semicolons or tabs) whose first line names its columns.

    Parameters
    ----------
    path : Path
    columns : mapping of str to str, optional
        Column → field, over what is guessed; `FIELDS`, and ``onset_ms`` and so on.

    Returns
    -------
    list of Annotations
        One a recording. Columns that are no field become attributes.

    Raises
    ------
    AnnotationError
        With line and column, if a cell can't be read.
    ParameterError
        If a mapping names a column or field that there isn't.
    """
    text = read_text(path)
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    try:
        header = next(reader)
    except StopIteration:
        raise AnnotationError(f"{path}: it is empty; its first line has to name the columns") from (
            None
        )
    names = _names(header, columns or {}, path)
    childproject = "segment_onset" in header
    found: dict[str, list[Annotation]] = {}
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}: line {reader.line_num}"
            if len(row) > len(header):
                raise AnnotationError(f"{where}: {len(row)} cells, but {len(header)} columns")
            cells = dict(zip(header, row, strict=False))
            recording, one = _row(cells, names, where=where, childproject=childproject)
            found.setdefault(recording, []).append(one)
    except csv.Error as error:
        raise AnnotationError(f"{path}: line {reader.line_num}: {error}") from error
    return [
        Annotations(recording=recording, annotations=tuple(each), format="csv").sorted()
        for recording, each in (found or {"": []}).items()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write annotations of any number of recordings as one CSV file.

    Attributes become columns named ``attribute NAME``.

    Parameters
    ----------
    items : sequence of Annotations
    path : Path

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    losses = Losses()
    more: dict[str, None] = {}
    for item in items:
        if item.analysed:
            losses.say("which stretches were analysed")
        if item.clock:
            losses.say("the time of day")
        for one in item.annotations:
            more |= dict.fromkeys(one.attributes)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*COLUMNS, *(f"attribute {name}" for name in more)])
        for item in items:
            for one in item.sorted().annotations:
                out.writerow(
                    [
                        item.recording,
                        _number(one.onset),
                        _number(one.offset),
                        one.label,
                        _safe(one.source),
                        _safe(one.tier),
                        one.speaker,
                        "" if one.score is None else _number(one.score),
                        "" if one.level_dbfs is None else _number(one.level_dbfs),
                        *(_safe(one.attributes.get(name, "")) for name in more),
                    ]
                )
    return losses.told()


def _names(header: Sequence[str], columns: Mapping[str, str], path: Path) -> dict[str, str]:
    fields = {*FIELDS, "onset_ms", "offset_ms", "duration_ms"}
    for column, what in columns.items():
        if column not in header:
            raise ParameterError(
                f"--map {column}={what}: {path} has no column {column!r}; it has "
                f"{', '.join(header)}"
            )
        if what not in fields:
            raise ParameterError(f"--map {column}={what}: a field is one of {', '.join(FIELDS)}")
    guessed = {
        column: what
        for column, what in guess_columns(header).items()
        if what not in columns.values() and column not in columns
    }
    names = {what: column for column, what in (guessed | dict(columns)).items()}
    ends = {"offset", "offset_ms", "duration", "duration_ms"}
    if not (names.keys() & {"onset", "onset_ms"} and names.keys() & ends):
        raise AnnotationError(
            f"{path}: no columns for onset and offset among {', '.join(header)}; name them with "
            "--map COLUMN=onset --map COLUMN=offset"
        )
    return names


def _row(
    cells: Mapping[str, str], names: Mapping[str, str], *, where: str, childproject: bool
) -> tuple[str, Annotation]:
    def cell(what: str) -> str:
        return (cells.get(names.get(what, "")) or "").strip()

    def time(what: str) -> float | None:
        if text := cell(what):
            return seconds(text, where=where, what=names[what])
        if text := cell(f"{what}_ms"):
            return seconds(text, where=where, what=names[f"{what}_ms"]) / 1000
        return None

    onset, offset, length = time("onset"), time("offset"), time("duration")
    if onset is None:
        raise AnnotationError(f"{where}: it has no onset")
    if offset is None:
        if length is None:
            raise AnnotationError(f"{where}: it has neither offset nor duration")
        offset = round(onset + length, 9)
    span(onset, offset, where=where)
    speaker = cell("speaker")
    said = cell("label")
    label, source = label_of(said), _unsafe(cell("source"))
    vcm = (cells.get("vcm_type") or "").strip()
    if childproject:
        label = VCM.get(vcm, "") or _VOICE.get(speaker, "other")
        source = vcm or speaker
    elif label == "other" and said not in LABELS:
        source = source or said
        label = _VOICE.get(speaker, "other") if not said else "other"
    used = set(names.values())
    attributes = {
        column.removeprefix("attribute "): _unsafe(text.strip())
        for column, text in cells.items()
        if column not in used
        and text
        and text.strip()
        and not (childproject and column == "vcm_type")
    }
    if speaker not in SPEAKERS:
        attributes["speaker"] = speaker
        speaker = ""
    return cell("recording"), Annotation(
        onset=onset,
        offset=offset,
        label=label,
        source=source,
        tier=_unsafe(cell("tier")),
        speaker=speaker,
        score=_float(cell("score"), where, names.get("score", ""), 1.0),
        level_dbfs=_float(cell("level_dbfs"), where, names.get("level_dbfs", ""), None),
        attributes=attributes,
    )


def _float(text: str, where: str, column: str, most: float | None) -> float | None:
    if text in ("", "NA"):
        return None
    try:
        value = float(text)
    except ValueError:
        raise AnnotationError(f"{where}: {column} {text!r} is not a number") from None
    return value if most is None else min(value, most)


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _unsafe(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text
