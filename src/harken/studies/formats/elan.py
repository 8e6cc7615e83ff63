"""ELAN .eaf, through pympi: tiers in time, and tiers that say more about another's annotations."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations, unwritten, written
from harken.studies.formats.text import Losses, apart, layered, untouched
from harken.studies.formats.textgrid import by_tier, speaker_of

VCM = {
    "Y": "cry",
    "L": "laugh",
    "C": "babble",
    "N": "babble",
    "U": "infant vocalisation",
}
_LETTERS = {"cry": "Y", "laugh": "L"}
_VOICES = {
    "CHI": "infant vocalisation",
    "OCH": "other child",
    "FEM": "female adult",
    "MAL": "male adult",
}
# Tiers that say where somebody annotated, not what is heard there.
_CODED = ("code_", "code ", "on_off")


def read(path: Path) -> list[Annotations]:
    """Read an .eaf file.

    What child tiers say (``vcm@CHI``, ``xds@FA1``) becomes an attribute of the
    annotation that they are about; ``vcm@CHI`` with Y makes it a cry. Tiers
    named ``code_…`` say which stretches were annotated.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One, named after the first linked recording.

    Raises
    ------
    AnnotationError
        With the line or element, if it is no whole .eaf file.
    """
    _check(path)
    import pympi

    try:
        # pympi prints where it meets a newer version of the format; it reads them all the same.
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            eaf = pympi.Elan.Eaf(str(path))
        tiers = {name: eaf.tiers[name] for name in eaf.get_tier_names()}
        slots = eaf.timeslots
    except (KeyError, ValueError, AttributeError, TypeError, IndexError) as error:
        raise AnnotationError(f"{path}: element {error}: not a whole ELAN file") from error
    said = _said(tiers)
    found: list[Annotation] = []
    analysed: list[tuple[float, float]] = []
    for name, (aligned, _, _, _) in tiers.items():
        for key, (begin, end, value, _) in aligned.items():
            where = f"{path}: tier {name!r}, annotation {key}"
            onset, offset = (_time(slots.get(slot), where=where) for slot in (begin, end))
            if name.startswith(_CODED):
                analysed.append((onset, offset))
            if name.startswith("code_"):
                continue
            found.append(
                _annotation(onset, offset, value or "", name, said.get(key, {}), where=where)
            )
    media = [Path(str(each.get("MEDIA_URL", ""))).name for each in eaf.get_linked_files()]
    return [
        Annotations(
            recording=media[0] if media else "",
            annotations=tuple(found),
            analysed=tuple(sorted(analysed)),
            format="elan",
        ).sorted()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write one recording's annotations as .eaf.

    An infant's annotations get a child tier ``vcm@TIER`` (Y: crying), as the
    field's own tools read it. Overlaps on a tier go to ``TIER~2``.

    Parameters
    ----------
    items : sequence of one Annotations
    path : Path

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    import pympi

    losses = Losses()
    (item,) = items
    if item.clock:
        losses.say("the time of day")
    eaf = pympi.Elan.Eaf(author="Harken")
    eaf.remove_tier("default")
    eaf.add_linguistic_type("said", constraints="Symbolic_Association", timealignable=False)
    if item.recording:
        eaf.add_linked_file(item.recording, relpath=item.recording, mimetype="audio/x-wav")
    if item.analysed:
        eaf.add_tier("code_analysed")
        for since, until in item.analysed:
            eaf.add_annotation("code_analysed", *_milliseconds(since, until), value="analysed")
    rounded = 0
    for name, annotations in by_tier(item.annotations):
        for layer, row in enumerate(apart(annotations)):
            tier = layered(name, layer)
            eaf.add_tier(tier)
            for one in row:
                losses.of(one, keeps=frozenset({"tier", "speaker", "attributes"}))
                onset, offset = _milliseconds(one.onset, one.offset)
                rounded += onset != one.onset * 1000 or offset != one.offset * 1000
                eaf.add_annotation(tier, onset, offset, value=written(one))
                for key, value in _attributes(one).items():
                    about = f"{key}@{tier}"
                    if about not in eaf.get_tier_names():
                        eaf.add_tier(about, ling="said", parent=tier)
                    # At a time, pympi finds the parent by looking; half a step in, it is this one.
                    eaf.add_ref_annotation(about, tier, (onset + offset) // 2, value)
    losses.add("time finer than 1 ms", rounded)
    path.unlink(missing_ok=True)
    eaf.to_file(str(path))
    return losses.told()


def _check(path: Path) -> None:
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise AnnotationError(f"{path}: line {line}: not a whole XML file") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise AnnotationError(f"{path}: its root is {root.tag!r}, not ANNOTATION_DOCUMENT of ELAN")


def _said(tiers: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Give what child tiers say: annotation → {name of the tier: value}, through all levels."""
    said: dict[str, dict[str, str]] = {}
    parent: dict[str, str] = {}
    for _, refs, _, _ in tiers.values():
        for key, (target, *_) in refs.items():
            parent[key] = target
    for name, (_, refs, _, _) in tiers.items():
        for key, (target, value, *_) in refs.items():
            root, seen = target, {key}
            while root in parent and root not in seen:
                seen.add(root)
                root = parent[root]
            said.setdefault(root, {})[name.partition("@")[0]] = value or ""
    return said


def _annotation(
    onset: float, offset: float, value: str, tier: str, said: dict[str, str], *, where: str
) -> Annotation:
    name = untouched(tier)
    speaker = speaker_of(name)
    label, source = unwritten(value.strip())
    if label == "other" and speaker:
        label = _VOICES[speaker]
    attributes = dict(said)
    vcm = attributes.get("vcm", "")
    if vcm in VCM and speaker == "CHI":
        label = VCM[vcm]
        if source in ("", vcm):
            source = vcm
    if offset < onset:
        raise AnnotationError(f"{where}: it ends before it begins")
    return Annotation(
        onset=onset,
        offset=offset,
        label=label,
        source=source,
        tier=name,
        speaker=speaker,
        attributes={key: text for key, text in attributes.items() if text},
    )


def _attributes(one: Annotation) -> dict[str, str]:
    attributes = {key: value for key, value in one.attributes.items() if "@" not in key}
    if one.speaker == "CHI" and one.label in _LETTERS:
        attributes.setdefault("vcm", _LETTERS[one.label])
    return attributes


def _time(milliseconds: int | None, *, where: str) -> float:
    if milliseconds is None:
        raise AnnotationError(f"{where}: its time slot has no time")
    if milliseconds < 0:
        raise AnnotationError(f"{where}: its time is before the recording begins")
    return milliseconds / 1000


def _milliseconds(onset: float, offset: float) -> tuple[int, int]:
    begin = round(onset * 1000)
    # ELAN has no points: the shortest annotation is a millisecond.
    return begin, max(round(offset * 1000), begin + 1)
