"""CHAT .cha, read only, through pylangacq: utterances with times; crying as ``&=cries``."""

import re
from pathlib import Path
from typing import Any

from harken.errors import AnnotationError
from harken.studies.annotation import VOICES, Annotation, Annotations, label_of
from harken.studies.formats.text import read_text
from harken.studies.formats.tiers import VOICE

_ROLES = {
    "Target_Child": "CHI",
    "Mother": "FEM",
    "Grandmother": "FEM",
    "Father": "MAL",
    "Grandfather": "MAL",
    "Sister": "OCH",
    "Brother": "OCH",
    "Sibling": "OCH",
    "Child": "OCH",
    "Playmate": "OCH",
}
# What the child does instead of words, or how it says them: &=cries, [=! cries].
_EVENT = re.compile(r"(?:&=|\[=!\s*)(?:\w+:)?(\w+)")
_TIMES = re.compile("\x15(\\d+)_(\\d+)\x15")


def read(path: Path) -> list[Annotations]:
    """Read a CHAT transcript.

    An utterance of the target child is a cry only where it has an event such as
    ``&=cries`` or ``[=! cries]``. Postcodes such as ``[+ r]`` (reflexive: a laugh or
    a cry, which isn't told) stay in the source's words.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One. Utterances without times are counted in `notes`.

    Raises
    ------
    AnnotationError
        If it is no CHAT.
    """
    import pylangacq

    text = read_text(path)
    if "@Begin" not in text[:500]:
        raise AnnotationError(f"{path}: line 1: no @Begin near it: this is no CHAT transcript")
    try:
        reader = pylangacq.CHAT.from_strs([text], strict=False)
        utterances, people = reader.utterances(), reader.headers()[0].participants
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise AnnotationError(f"{path}: {' '.join(str(error).split())[:120]}") from error
    roles = {one.code: _ROLES.get(one.role, "") for one in people}
    found, untimed = [], 0
    for utterance in utterances:
        if utterance.participant is None:
            continue
        if utterance.time_marks is None:
            untimed += 1
            continue
        found.append(_annotation(utterance, roles, path))
    media = re.search(r'^@Media:\s*(?:"([^"\n]+)"|([^,\s]+))', text, re.MULTILINE)
    notes = (f"Utterances without times, which are left out: {untimed}.",) if untimed else ()
    return [
        Annotations(
            recording=(media[1] or media[2]) if media else "",
            annotations=tuple(found),
            format="chat",
            notes=notes,
        ).sorted()
    ]


def _annotation(utterance: Any, roles: dict[str, str], path: Path) -> Annotation:
    code = utterance.participant
    speaker = "CHI" if code == "CHI" else roles.get(code, "")
    tiers = dict(utterance.tiers or {})
    line = tiers.pop(code, "")
    said = " ".join(_TIMES.sub("", line).split())
    # An utterance with several marks goes from the first to the last.
    marks = [(int(since), int(until)) for since, until in _TIMES.findall(line)]
    begin, end = utterance.time_marks
    end = max([end, *(until for _, until in marks)]) if end >= begin else end
    if end < begin:
        raise AnnotationError(f"{path}: an utterance of {code} at {begin} ms ends before it begins")
    events = [label_of(word) for word in _EVENT.findall(said)] if speaker == "CHI" else []
    known = [label for label in events if VOICES.get(label) == "CHI"]
    label = "cry" if "cry" in known else next(iter(known), VOICE.get(speaker, "speech"))
    return Annotation(
        onset=begin / 1000,
        offset=end / 1000,
        label=label,
        source=said,
        tier=code,
        speaker=speaker,
        attributes={key.lstrip("%"): _TIMES.sub("", value) for key, value in tiers.items()},
    )
