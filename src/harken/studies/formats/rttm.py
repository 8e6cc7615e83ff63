"""RTTM: ten fields a line, several recordings a file; classes of VTC and VCM.

VTC says who speaks (KCHI, CHI, FEM, MAL, SPEECH): KCHI is the infant's voice
and CHI is *another* child. VCM says what the infant's voice is (CRY, CNS, NCS).
"""

from collections.abc import Sequence
from pathlib import Path

from harken.errors import AnnotationError
from harken.studies.annotation import VOICES, Annotation, Annotations, label_of
from harken.studies.formats.text import Losses, lines, seconds

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
    for number, line in lines(path):
        where = f"{path}: line {number}"
        if line.lstrip().startswith(";"):
            continue
        fields = line.split()
        if fields[0] != "SPEAKER":
            raise AnnotationError(f"{where}: it begins with {fields[0][:20]!r}, not with SPEAKER")
        if not 8 <= len(fields) <= 10:
            raise AnnotationError(f"{where}: {len(fields)} fields, not 10 with spaces between them")
        onset = seconds(fields[3], where=where, what="onset")
        length = seconds(fields[4], where=where, what="duration")
        name = fields[7]
        label, speaker = CLASSES.get(name) or _by_word(name)
        score = _score(fields[8] if len(fields) > 8 else _NONE, where=where)
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
            )
        )
    infants = {"KCHI"} & {one.source for each in found.values() for one in each}
    return [
        Annotations(
            recording=recording,
            annotations=tuple(annotations),
            format="rttm",
            notes=(NOTE,) if infants else (),
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
    for item in items:
        recording = _file_id(item.recording or path.stem, losses)
        if item.analysed:
            losses.say("which stretches were analysed")
        if item.clock:
            losses.say("the time of day")
        for one in item.sorted().annotations:
            losses.of(
                one, keeps=frozenset({"score", "speaker"} if one.label in VOICES else {"score"})
            )
            name = _name(one)
            if one.source and name != one.source:
                losses.add(f"the source's word, now {name}")
            score = _NONE if one.score is None else f"{one.score:.4g}"
            rows.append(
                f"SPEAKER {recording} 1 {_number(one.onset)} {_number(one.seconds)} {_NONE} {_NONE}"
                f" {name} {score} {_NONE}\n"
            )
    path.write_text("".join(rows), "utf-8")
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


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def _file_id(name: str, losses: Losses) -> str:
    stem = Path(name).stem if Path(name).suffix.lower() in (".wav", ".flac", ".mp3") else name
    if " " in stem:
        losses.say(f"the spaces in the name {stem!r}")
    return stem.replace(" ", "_") or "recording"


def _score(text: str, *, where: str) -> float | None:
    if text in (_NONE, "NA"):
        return None
    value = seconds(text, where=where, what="confidence")
    return min(value, 1.0)
