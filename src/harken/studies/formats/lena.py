"""LENA .its: segments by who is heard, and within an infant's the cries that LENA marked.

A segment CHN or CHF is the infant's voice of any kind. Crying is taken from
``startCryN`` and ``endCryN`` alone: ``childCryVfxLen`` counts vegetative
sounds in.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats.text import Losses, finer, stem, whole, xml_text

CLASSES = {
    "CHN": ("infant vocalisation", "CHI"),
    "CHF": ("infant vocalisation", "CHI"),
    "CXN": ("other child", "OCH"),
    "CXF": ("other child", "OCH"),
    "FAN": ("female adult", "FEM"),
    "FAF": ("female adult", "FEM"),
    "MAN": ("male adult", "MAL"),
    "MAF": ("male adult", "MAL"),
    "OLN": ("overlap", ""),
    "OLF": ("overlap", ""),
    "TVN": ("television", ""),
    "TVF": ("television", ""),
    "NON": ("noise", ""),
    "NOF": ("noise", ""),
    "SIL": ("silence", ""),
}
"""LENA's class of a segment: (label, speaker). N is near and clear, F far or faint."""

PARTS = {"Cry": "cry", "Vfx": "infant vocalisation", "Utt": "babble"}
"""What LENA marks inside an infant's segment, and the label it gets."""

NOTE = (
    "A segment CHN or CHF is the infant's voice of any kind; only the parts that LENA marked as "
    "cry are labelled cry."
)
LEFT = "LENA's conversations, pauses and summaries are left out; its segments are not."
_SEGMENTS, _PART = "segments", re.compile(r"^start(Cry|Vfx|Utt)(\d+)$")
_NAMES = {label: name for name, (label, _) in reversed(CLASSES.items())}
_BY_SPEAKER = {"CHI": "CHN", "OCH": "CXN", "FEM": "FAN", "MAL": "MAN"}
_TAKEN = re.compile(r"^(spkr|startTime|endTime|average_dB|(start|end)(Cry|Vfx|Utt)\d+)$")
_SECONDS = re.compile(r"^PT?(\d+(?:\.\d+)?)S$")


def read(path: Path) -> list[Annotations]:
    """Read an .its file. Names, birth dates and serial numbers in it are left where they are.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One: all blocks of the day, in the time of the sound file; `analysed` has a
        stretch for each time that the recorder was on, and `clock` when that began, in
        local time where the file says how far that is from UTC.

    Raises
    ------
    AnnotationError
        With the line or element, if it is no whole .its file.
    """
    found: list[Annotation] = []
    analysed: list[tuple[float, float]] = []
    clock: list[tuple[float, str]] = []
    name = path.stem
    number = 0
    inside: list[str] = []
    zone: timezone | None = None
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):
            if event == "start":
                inside.append(element.tag)
            else:
                inside.pop()
            if event == "start" and element.tag == "ITS":
                name = element.get("fileName") or name
            elif event == "start" and element.tag == "TransferTime":
                zone = _zone(element)
            elif event == "start" and inside[-2:] == ["ProcessingUnit", "Recording"]:
                # Summaries further down have elements of the same name.
                where = f"{path}: Recording {element.get('num')}"
                analysed.append(_span(element, where=where))
                if begins := element.get("startClockTime"):
                    clock.append((analysed[-1][0], _clock(begins, zone)))
            elif event == "end" and element.tag == "Segment":
                number += 1
                found += _segment(element, where=f"{path}: Segment {number}")
                element.clear()
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
    except ElementTree.ParseError as error:
        raise AnnotationError(f"{path}: line {error.position[0]}: not a whole XML file") from error
    if not analysed:
        raise AnnotationError(f"{path}: no element Recording: this is no .its file of LENA")
    notes = [NOTE, LEFT]
    if len(analysed) > 1:
        notes.append(
            f"The recorder was switched off between {len(analysed)} stretches: time of day jumps."
        )
    return [
        Annotations(
            recording=f"{name}.wav",
            annotations=tuple(found),
            analysed=tuple(analysed),
            duration=max(until for _, until in analysed),
            format="lena",
            clock=tuple(clock),
            notes=tuple(notes),
        ).sorted()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write one recording's annotations as a small .its file.

    LENA's segments never overlap: of two that do, the later is left out and
    counted. Cries, vegetative sounds and utterances are written into the
    infant's segment around them, or into one made for them.

    Parameters
    ----------
    items : sequence of one Annotations
    path : Path

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    losses = Losses()
    (item,) = items
    losses.of_item(item, keeps=frozenset({"analysed", "clock", "duration"}))
    parts = [one for one in item.sorted().annotations if _part_of(one)]
    segments = [one for one in item.sorted().annotations if not _part_of(one)]
    kept: list[Annotation] = []
    for one in segments:
        if one.seconds == 0:
            losses.add("points")
        elif kept and one.onset < kept[-1].offset:
            losses.add("annotations that overlap another")
        else:
            kept.append(one)
    rows = _with_parts(kept, parts, losses)
    looked = item.analysed or ((0.0, item.end),)
    if item.duration is not None and item.duration > looked[-1][1]:
        losses.say("the recording's length")
    name = stem(item.recording) or path.stem
    root = ElementTree.Element("ITS", fileName=xml_text(name, losses))
    unit = ElementTree.SubElement(root, "ProcessingUnit")
    times = dict(item.clock)
    for number, (since, until) in enumerate(looked, 1):
        recording = ElementTree.SubElement(unit, "Recording", num=str(number))
        if since in times:
            recording.set("startClockTime", _utc(times[since], losses))
        recording.set("startTime", _text(since))
        recording.set("endTime", _text(until))
        last = number == len(looked)
        inside = [row for row in rows if row[0].onset < until or last]
        rows = [row for row in rows if not (row[0].onset < until or last)]
        pause = ElementTree.SubElement(
            recording, "Pause", num="1", startTime=_text(since), endTime=_text(until)
        )
        for one, marked in inside:
            ElementTree.SubElement(pause, "Segment", _attributes(one, marked, losses))
    ElementTree.indent(root)
    with whole(path) as part:
        ElementTree.ElementTree(root).write(part, encoding="UTF-8", xml_declaration=True)
    return losses.told()


def _segment(element: ElementTree.Element, *, where: str) -> Iterator[Annotation]:
    kind = element.get("spkr")
    if kind is None:
        raise AnnotationError(f"{where}: it has no attribute spkr")
    onset, offset = _span(element, where=where)
    label, speaker = CLASSES.get(kind, ("other", ""))
    level = element.get("average_dB")
    try:
        level_dbfs = None if level is None else float(level)
    except ValueError:
        raise AnnotationError(f"{where}: average_dB {level!r} is not a number") from None
    more = {key: value for key, value in element.attrib.items() if not _TAKEN.match(key)}
    yield Annotation(
        onset=onset,
        offset=offset,
        label=label,
        source=kind,
        tier=_SEGMENTS,
        speaker=speaker,
        level_dbfs=level_dbfs,
        attributes=more,
    )
    # Older files have a child element for each utterance.
    marked = {key: value for each in element.iter() for key, value in each.attrib.items()}
    for key, value in marked.items():
        if not (part := _PART.match(key)):
            continue
        what, number = part.groups()
        begin = _seconds(value, where=f"{where}: {key}")
        end_key = f"end{what}{number}"
        if (end_text := marked.get(end_key)) is None:
            raise AnnotationError(f"{where}: {key} has no {end_key}")
        end = _seconds(end_text, where=f"{where}: {end_key}")
        if end < begin:
            raise AnnotationError(f"{where}: {end_key} is before {key}")
        yield Annotation(
            onset=begin,
            offset=end,
            label=PARTS[what],
            source=what.upper(),
            tier=what.lower(),
            speaker="CHI",
        )


def _part_of(one: Annotation) -> str:
    """Give which part of an infant's segment an annotation is: Cry, Vfx, Utt, or nothing."""
    if one.label == "cry":
        return "Cry"
    what = one.tier.capitalize()
    return what if PARTS.get(what) == one.label else ""


def _with_parts(
    segments: list[Annotation], parts: list[Annotation], losses: Losses
) -> list[tuple[Annotation, list[Annotation]]]:
    rows: list[tuple[Annotation, list[Annotation]]] = [(one, []) for one in segments]
    alone: list[Annotation] = []
    index = 0
    for part in parts:
        while index < len(rows) and rows[index][0].offset <= part.onset:
            index += 1
        around = rows[index][0] if index < len(rows) else None
        if around is None or around.onset > part.onset:
            alone.append(part)
        else:
            rows[index][1].append(part)
    for part in alone:
        if any(one.onset < part.offset and part.onset < one.offset for one, _ in rows):
            losses.add("annotations that overlap another")
        else:
            made = Annotation(
                onset=part.onset,
                offset=part.offset,
                label="infant vocalisation",
                source="CHN",
                tier=_SEGMENTS,
                speaker="CHI",
                level_dbfs=part.level_dbfs,
            )
            rows.append((made, [part]))
    return sorted(rows, key=lambda row: row[0].order)


def _attributes(one: Annotation, parts: list[Annotation], losses: Losses) -> dict[str, str]:
    kind = one.source if CLASSES.get(one.source, ("",))[0] == one.label else ""
    if not (kind := kind or _NAMES.get(one.label, "")):
        kind = _BY_SPEAKER.get(one.speaker, "NON")
        losses.add(f"the label {one.label}, now {kind}")
    losses.of(one, keeps=frozenset({"tier", "speaker", "level_dbfs", "attributes"}))
    losses.add("tier", int(one.tier not in ("", _SEGMENTS)))
    losses.add("speaker", int(one.speaker not in ("", CLASSES[kind][1])))
    losses.add("the source's own word", int(one.source not in ("", kind)))
    row = {"spkr": kind}
    if one.level_dbfs is not None:
        row["average_dB"] = f"{one.level_dbfs:.2f}"
    for key, value in one.attributes.items():
        if re.fullmatch(r"[A-Za-z]\w*", key, re.ASCII) and not _TAKEN.match(key):
            row[key] = xml_text(value, losses)
        else:
            losses.add(f"attribute {key}")
    counts = dict.fromkeys(PARTS, 0)
    for part in parts:
        what = _part_of(part)
        losses.of(part, keeps=frozenset({"tier", "speaker"}))
        losses.add("tier", int(part.tier not in ("", what.lower())))
        losses.add("speaker", int(part.speaker not in ("", "CHI")))
        losses.add("the source's own word", int(part.source not in ("", what.upper())))
        losses.add("time finer than 1 ms", int(finer(part.onset, part.offset)))
        counts[what] += 1
        row[f"start{what}{counts[what]}"] = _text(part.onset)
        row[f"end{what}{counts[what]}"] = _text(part.offset)
    losses.add("time finer than 1 ms", int(finer(one.onset, one.offset)))
    row["startTime"], row["endTime"] = _text(one.onset), _text(one.offset)
    return row


def _zone(transfer: ElementTree.Element) -> timezone | None:
    """Tell local time by the two clocks at which the recorder was read out."""
    try:
        local, utc = (
            datetime.fromisoformat(transfer.get(key, "")).replace(tzinfo=None)
            for key in ("LocalTime", "UTCTime")
        )
        return timezone(timedelta(minutes=round((local - utc).total_seconds() / 60)))
    except ValueError:
        return None


def _clock(text: str, zone: timezone | None) -> str:
    """Give a time of LENA's, which is UTC, as local time where that is known."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(zone).isoformat() if zone and at.tzinfo else text


def _utc(text: str, losses: Losses) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.utcoffset():
        losses.say("local time: LENA's is UTC")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at.tzinfo else text


def _span(element: ElementTree.Element, *, where: str) -> tuple[float, float]:
    times = []
    for key in ("startTime", "endTime"):
        if (text := element.get(key)) is None:
            raise AnnotationError(f"{where}: it has no attribute {key}")
        times.append(_seconds(text, where=f"{where}: {key}"))
    if times[1] < times[0]:
        raise AnnotationError(f"{where}: it ends before it begins")
    return times[0], times[1]


def _seconds(text: str, *, where: str) -> float:
    if not (found := _SECONDS.match(text)):
        raise AnnotationError(f"{where}: {text!r} is not a time like PT12.27S")
    return float(found[1])


def _text(value: float) -> str:
    return f"PT{value:.3f}".rstrip("0").rstrip(".") + "S"
