"""CSV: Harken's own columns, ChildProject's, or any others by a mapping that people give."""

import ast
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harken.errors import AnnotationError, ParameterError
from harken.studies.annotation import (
    SPEAKERS,
    Annotation,
    Annotations,
    label_of,
)
from harken.studies.formats.lena import CLASSES, PARTS
from harken.studies.formats.text import Losses, number, read_text, seconds, span, write_text
from harken.studies.formats.tiers import VCM, VOICE

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
    "set",
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
"""Columns of the files that Harken writes, and ``set`` where a data set's are known."""

_CHILDPROJECT = {
    "segment_onset": "onset_ms",
    "segment_offset": "offset_ms",
    "speaker_type": "speaker",
    "speaker_id": "tier",
    "average_db": "level_dbfs",
    "harken_label": "label",
    "harken_source": "source",
    "harken_tier": "tier",
    "harken_score": "score",
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
    "set": "set",
    **_CHILDPROJECT,
}
# LENA's marks in a segment, as ChildProject keeps them: lists of {'start': s, 'end': s}.
_MARKED = {"cries": "Cry", "vfxs": "Vfx", "utterances": "Utt"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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

    With semicolons or tabs a number may have a decimal comma.

    Parameters
    ----------
    path : Path
    columns : mapping of str to str, optional
        Column → field, over what is guessed; `FIELDS`, and ``onset_ms`` and so on.

    Returns
    -------
    list of Annotations
        One a recording (and set, where there is such a column). Columns that are no field
        become attributes.

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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        header = next(reader)
    except StopIteration:
        raise AnnotationError(f"{path}: it is empty; its first line has to name the columns") from (
            None
        )
    header = _each_once(header)
    names = _names(header, columns or {}, path)
    childproject = "segment_onset" in header
    found: dict[tuple[str, str], list[Annotation]] = {}
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}: line {reader.line_num}"
            if len(row) > len(header):
                raise AnnotationError(f"{where}: {len(row)} cells, but {len(header)} columns")
            cells = {key: cell.strip() for key, cell in zip(header, row, strict=False)}
            if mark != ",":
                cells |= _with_points(cells, names)
            if childproject:
                cells = {key: "" if cell == "NA" else cell for key, cell in cells.items()}
            which, of = (unsafe(cells.get(names.get(key, ""), "")) for key in ("recording", "set"))
            found.setdefault((which, of), []).extend(
                _row(cells, names, where=where, childproject=childproject)
            )
    except csv.Error as error:
        raise AnnotationError(f"{path}: line {reader.line_num}: {error}") from error
    return [
        Annotations(recording=recording, annotations=tuple(each), set=name, format="csv").sorted()
        for (recording, name), each in (found or {("", ""): []}).items()
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
        losses.of_item(item, keeps=frozenset({"set"}))
        if not item.annotations:
            name = item.recording or "a recording without a name"
            losses.say("that nothing is marked in it", recording=name)
        for one in item.annotations:
            more |= dict.fromkeys(one.attributes)
    sets = any(item.set for item in items)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    columns = [*COLUMNS, *(["set"] if sets else [])]
    out.writerow([*columns, *(safe(f"attribute {name}") for name in more)])
    for item in items:
        for one in item.sorted().annotations:
            out.writerow(
                [
                    safe(item.recording),
                    number(one.onset),
                    number(one.offset),
                    one.label,
                    safe(one.source),
                    safe(one.tier),
                    one.speaker,
                    "" if one.score is None else number(one.score),
                    "" if one.level_dbfs is None else number(one.level_dbfs),
                    *([safe(item.set)] if sets else []),
                    *(safe(one.attributes.get(name, "")) for name in more),
                ]
            )
    write_text(path, text.getvalue())
    return losses.told()


def _each_once(header: Sequence[str]) -> list[str]:
    """Give columns of one name a number, so that none of them is lost."""
    names: list[str] = []
    for column in header:
        name, again = column, 1
        while name in names:
            again += 1
            name = f"{column}_{again}"
        names.append(name)
    return names


def _with_points(cells: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Give the cells that are numbers with a point where they have a decimal comma."""
    words = {"recording", "label", "source", "tier", "speaker", "set"}
    return {
        column: cells[column].replace(",", ".")
        for what, column in names.items()
        if what not in words and cells.get(column, "").count(",") == 1
    }


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
) -> Iterator[Annotation]:
    def cell(what: str) -> str:
        return cells.get(names.get(what, ""), "")

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
    speaker, said, source = cell("speaker"), cell("label"), unsafe(cell("source"))
    attributes = {
        unsafe(column).removeprefix("attribute "): unsafe(text)
        for column, text in cells.items()
        if column not in names.values() and text
    }
    if speaker not in SPEAKERS:
        attributes["speaker"], speaker = speaker, ""
    label = VCM.get(said, "") if speaker == "CHI" else ""
    label = label or label_of(said)
    if childproject and not said:
        vcm, segment = attributes.pop("vcm_type", ""), attributes.pop("lena_speaker", "")
        label = VCM.get(vcm) or CLASSES.get(segment, ("",))[0] or VOICE.get(speaker, "other")
        source = vcm or segment or speaker
        yield from _marked(attributes, where=where)
    elif childproject:
        attributes.pop("vcm_type", None)
    elif not said:
        label = VOICE.get(speaker, "other")
    elif said != label:
        source = source or said
    if attributes.get("ling_type") == "0" and label in ("cry", "laugh") and childproject:
        del attributes["ling_type"]
    score = _float(cell("score"), where, names.get("score", ""))
    if score is not None and not 0 <= score <= 1:
        # Per cent, or how loud: no probability, and kept as it is.
        attributes[names["score"]], score = cell("score"), None
    yield Annotation(
        onset=onset,
        offset=offset,
        label=label,
        source=source,
        tier=unsafe(cell("tier")),
        speaker=speaker,
        score=score,
        level_dbfs=_float(cell("level_dbfs"), where, names.get("level_dbfs", "")),
        attributes=attributes,
    )


def _marked(attributes: dict[str, str], *, where: str) -> Iterator[Annotation]:
    """Give what LENA marked inside a segment, out of the columns that ChildProject keeps it in."""
    for column, what in _MARKED.items():
        text = attributes.pop(column, "")
        try:
            marks = ast.literal_eval(text or "[]")
            times = [(float(each["start"]), float(each["end"])) for each in marks]
        except (ValueError, SyntaxError, TypeError, KeyError):
            # Some other table's column of this name.
            attributes[column] = text
            continue
        for onset, offset in times:
            span(onset, offset, where=f"{where}: {column}")
            yield Annotation(
                onset=onset,
                offset=offset,
                label=PARTS[what],
                source=what.upper(),
                tier=what.lower(),
                speaker="CHI",
            )


def _float(text: str, where: str, column: str) -> float | None:
    if text in ("", "NA"):
        return None
    try:
        return float(text)
    except ValueError:
        raise AnnotationError(f"{where}: {column} {text!r} is not a number") from None


def safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula.

    Examples
    --------
    >>> safe("=1+1"), unsafe(safe("'=1+1"))
    ("'=1+1", "'=1+1")
    """
    return f"'{text}" if text.lstrip("'")[:1] in _FORMULA else text


def unsafe(text: str) -> str:
    """Undo `safe`."""
    return text[1:] if text[:1] == "'" and text.lstrip("'")[:1] in _FORMULA else text
