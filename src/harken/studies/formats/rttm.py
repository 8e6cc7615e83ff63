"""RTTM: ten fields a line, several recordings a file; classes of VTC and VCM.

VTC says who speaks (KCHI, CHI, FEM, MAL, SPEECH): KCHI is the infant's voice
and CHI is *another* child. VCM says what the infant's voice is (CRY, CNS, NCS).
"""

from collections.abc import Sequence
from pathlib import Path

from harken.errors import AnnotationError
from harken.studies.annotation import VOICES, Annotation, Annotations, label_of
from harken.studies.formats.text import Losses, below, lines, number, seconds, stem, write_text

CLASSES = {
    "KCHI": ("infant vocalisation", "CHI"),
    "CHI": ("other child", "OCH"),
    "OCH": ("other child", "OCH"),
    "FEM": ("female adult", "FEM"),
    "MAL": ("male adult", "MAL"),
    "SPEECH": ("speech", ""),
    "CRY": ("cry", "CHI"),
    "NCS": ("babble", "CHI"),
    "CNS": ("babble", "CHI"),
    "LAU": ("laugh", "CHI"),
}
"""Class of the field: (label, speaker)."""

_NAMES = {
    "cry": "CRY",
    "infant vocalisation": "KCHI",
    "other child": "CHI",
    "female adult": "FEM",
    "male adult": "MAL",
    "speech": "SPEECH",
}
_NONE = "<NA>"
# Kinds of lines that RTTM has besides SPEAKER: words, noises, who a speaker is.
_OTHERS = {
    "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT",
    "IP", "SU", "CB", "A/P", "SPKR-INFO",
}  # fmt: skip
NOTE = (
    "KCHI is the infant's voice of any kind; only a line of class CRY says that the infant cries."
)


def read(path: Path) -> list[Annotations]:
    """Read an RTTM file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One a recording, in the order in which they come.

    Raises
    ------
    AnnotationError
        With the line, if one isn't RTTM.
    """
    found: dict[str, list[Annotation]] = {}
    others = 0
    for at, line in lines(path):
        where = f"{path}: line {at}"
        if line.lstrip().startswith(";"):
            continue
        fields = line.split()
        if fields[0] in _OTHERS:
            others += 1
            continue
        if len(fields) > 10:
            # Programs that know no better write a recording's name with its spaces.
            fields = [fields[0], " ".join(fields[1:-8]), *fields[-8:]]
        if fields[0] != "SPEAKER":
            raise AnnotationError(f"{where}: it begins with {fields[0][:20]!r}, not with SPEAKER")
        if len(fields) < 8:
            raise AnnotationError(f"{where}: {len(fields)} fields, not 10 with spaces between them")
        onset = seconds(fields[3], where=where, what="onset")
        length = seconds(fields[4], where=where, what="duration")
        name = fields[7]
        label, speaker = CLASSES.get(name) or _by_word(name)
        score, more = _score(fields[8] if len(fields) > 8 else _NONE, where=where)
        # Rounding keeps 1985.492 + 3.459 from becoming 1988.9510000000002.
        offset = round(onset + length, 9)
        found.setdefault(fields[1], []).append(
            Annotation(
                onset=onset,
                offset=max(onset, offset),
                label=label,
                source=name,
                speaker=speaker,
                score=score,
                attributes=more,
            )
        )
    notes = []
    if any(one.source == "KCHI" for each in found.values() for one in each):
        notes.append(NOTE)
    if others:
        notes.append(f"Lines that are not SPEAKER, which are passed over: {others}.")
    return [
        Annotations(
            recording=recording,
            annotations=tuple(annotations),
            format="rttm",
            notes=tuple(notes),
        ).sorted()
        for recording, annotations in found.items()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write an RTTM file.

    Parameters
    ----------
    items : sequence of Annotations
        Each with the name of its recording, or the file's name is taken.
    path : Path

    Returns
    -------
    list of str
        What RTTM cannot hold.
    """
    losses = Losses()
    rows = []
    ids: dict[str, str] = {}
    for item in items:
        recording = _file_id(item.recording or path.stem, ids, losses)
        losses.of_item(item)
        if not item.annotations:
            losses.say("that nothing is marked in it", recording=recording)
        for one in item.sorted().annotations:
            name = _name(one)
            label, speaker = CLASSES.get(name) or _by_word(name)
            losses.of(one, keeps=frozenset({"score", "speaker"}))
            losses.add("speaker", int(one.speaker not in ("", speaker)))
            if one.source and name != one.source:
                losses.add(f"the source's word, now {name}")
            if label != one.label:
                losses.add(f"the label {one.label}, now {label}")
            score = _NONE if one.score is None else number(one.score)
            rows.append(
                f"SPEAKER {recording} 1 {number(one.onset)} {number(one.seconds)} {_NONE} {_NONE}"
                f" {name} {score} {_NONE}\n"
            )
    write_text(path, "".join(rows))
    return losses.told()


def _name(one: Annotation) -> str:
    if one.source in CLASSES and CLASSES[one.source][0] == one.label:
        return one.source
    if one.label in _NAMES:
        return _NAMES[one.label]
    # A word of the source's own may stand there if it is one word and is read back as it was.
    word = one.source not in CLASSES and one.source.split() == [one.source]
    if word and label_of(one.source) == one.label:
        return one.source
    return one.label.replace(" ", "_")


def _by_word(name: str) -> tuple[str, str]:
    label = label_of(name.replace("_", " "))
    return label, VOICES.get(label, "")


def _file_id(recording: str, ids: dict[str, str], losses: Losses) -> str:
    """Give a recording's name as RTTM has them: without ending and spaces, each another."""
    name = "_".join(stem(below(recording)).split()) or "recording"
    if ids.setdefault(name, recording) != recording:
        # Two of one name but for their endings stay two.
        name = "_".join(below(recording).split())
        ids[name] = recording
    if " " in recording:
        losses.say(f"the spaces in the name {recording!r}")
    return name


def _score(text: str, *, where: str) -> tuple[float | None, dict[str, str]]:
    if text in (_NONE, "NA"):
        return None, {}
    try:
        value = float(text)
    except ValueError:
        raise AnnotationError(f"{where}: confidence {text!r} is not a number") from None
    # What isn't between 0 and 1 is no probability, and is kept as it is.
    return (value, {}) if 0 <= value <= 1 else (None, {"confidence": text})
