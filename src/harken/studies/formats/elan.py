"""ELAN .eaf, through pympi: tiers in time, and tiers that say more about another's annotations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations, in_full
from harken.studies.formats.text import Losses, finer, write_text, xml_text
from harken.studies.formats.tiers import (
    VCM,
    apart,
    by_tier,
    layered,
    said_on,
    speaker_of,
    speaker_told,
    text_on,
    untouched,
)

_LOOKED = "analysed"
_LETTERS = {"cry": "Y", "laugh": "L"}
# Tiers that say where somebody annotated, not what is heard there.
_CODED = ("code_", "code ", "on_off")


def read(path: Path) -> list[Annotations]:
    """Read an .eaf file.

    What child tiers say (``vcm@CHI``, ``xds@FA1``) becomes an attribute of the
    annotation that they are about; ``vcm@CHI`` with Y makes it a cry. Tiers
    named ``code_…`` say which stretches were annotated. Where a subdivision has
    no times of its own, as ELAN allows, it is divided evenly, and a note says so.

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
        # pympi would warn of newer versions of the format; it reads them all the same.
        eaf = pympi.Elan.Eaf(str(path), suppress_version_warning=True)
        tiers = {name: eaf.tiers[name] for name in eaf.get_tier_names()}
        slots = eaf.timeslots
    except (KeyError, ValueError, AttributeError, TypeError, IndexError) as error:
        raise AnnotationError(f"{path}: element {error}: not a whole ELAN file") from error
    said = _said(tiers)
    found: list[Annotation] = []
    analysed: list[tuple[float, float]] = []
    notes: dict[str, None] = {}
    for name, (aligned, _, _, _) in tiers.items():
        divided = _divided(aligned, slots)
        times = slots | divided
        if divided:
            notes[f"Tier {name}: what has no times of its own is evenly divided."] = None
        for key, (begin, end, value, _) in aligned.items():
            where = f"{path}: tier {name!r}, annotation {key}"
            onset, offset = (_time(times.get(slot), where=where) for slot in (begin, end))
            if name.startswith(_CODED):
                analysed.append((onset, offset))
            if name.startswith("code_"):
                if value not in (None, "", _LOOKED):
                    notes[f"Tier {name}: only its times are read, as what was analysed."] = None
                continue
            found.append(
                _annotation(onset, offset, value or "", name, said.get(key, {}), where=where)
            )
    if astray := len(said.keys() - {key for aligned, *_ in tiers.values() for key in aligned}):
        notes[f"What child tiers say of annotations that aren't there is left out: {astray}."] = (
            None
        )
    media = [Path(str(each.get("MEDIA_URL", ""))).name for each in eaf.get_linked_files()]
    return [
        Annotations(
            recording=media[0] if media else "",
            annotations=tuple(found),
            analysed=tuple(sorted(set(analysed))),
            format="elan",
            notes=tuple(notes),
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
    losses.of_item(item, keeps=frozenset({"analysed"}))
    eaf = pympi.Elan.Eaf(author="Harken")
    eaf.remove_tier("default")
    eaf.add_linguistic_type("said", constraints="Symbolic_Association", timealignable=False)
    if name := xml_text(Path(item.recording).name, losses):
        if name != item.recording:
            losses.say(f"the folder of {item.recording}")
        kind = "audio/x-wav" if name.lower().endswith(".wav") else "audio/*"
        # ELAN looks beside the .eaf file first where the path begins so.
        eaf.add_linked_file(f"file:///{name}", relpath=f"./{name}", mimetype=kind)
    rows: list[tuple[str, int, int, Annotation | None]] = []
    if item.analysed:
        eaf.add_tier("code_analysed")
        rows += [("code_analysed", *_span(since, until), None) for since, until in item.analysed]
    for tier_name, annotations in by_tier(item.annotations):
        clean = xml_text(tier_name, losses)
        for layer, row in enumerate(apart(annotations, times=_span_of)):
            tier = layered(clean, layer)
            eaf.add_tier(tier)
            rows += [(tier, *_span_of(one), one) for one in row]
    _fill(eaf, rows, losses)
    text = pympi.Elan.to_string(eaf, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
    return losses.told()


def _fill(
    eaf: Any, rows: Sequence[tuple[str, int, int, Annotation | None]], losses: Losses
) -> None:
    """Put annotations and what is said of them on their tiers."""
    # ELAN's format wants slots in order of time, and pympi would look for each parent by time.
    edges = sorted(
        (time, end, number)
        for number, (_, begin, stop, _) in enumerate(rows)
        for end, time in ((0, begin), (1, stop))
    )
    slots = {(number, end): eaf.generate_ts_id(time) for time, end, number in edges}
    for number, (tier, _, _, one) in enumerate(rows):
        key = _add(eaf, tier)
        value, attributes = _LOOKED, dict[str, str]()
        if one is not None:
            value, attributes = _said_of(one, tier, losses)
            point = round(1000 * one.onset) == round(1000 * one.offset)
            losses.add("points, which are now 1 ms long", int(point))
            losses.add("time finer than 1 ms", int(finer(one.onset, one.offset)))
        eaf.tiers[tier][0][key] = (slots[number, 0], slots[number, 1], value, None)
        for name, text in attributes.items():
            about = f"{name}@{tier}"
            if about not in eaf.tiers:
                eaf.add_tier(about, ling="said", parent=tier)
            eaf.tiers[about][1][_add(eaf, about)] = (key, text, None, None)


def _add(eaf: Any, tier: str) -> str:
    key = str(eaf.generate_annotation_id())
    eaf.annotations[key] = tier
    return key


def _said_of(one: Annotation, tier: str, losses: Losses) -> tuple[str, dict[str, str]]:
    """Give an annotation's text and what its child tiers say."""
    losses.of(one, keeps=frozenset({"tier", "speaker", "attributes"}))
    losses.add("speaker", int(one.speaker not in ("", speaker_told(one.label, untouched(tier)))))
    attributes: dict[str, str] = {}
    for name, text in one.attributes.items():
        if "@" in name or not name:
            losses.add(f"attribute {name}")
        elif text:
            attributes[xml_text(name, losses)] = xml_text(text, losses)
    value = text_on(one, untouched(tier))
    if speaker_of(untouched(tier)) == "CHI":
        if one.label in _LETTERS:
            attributes.setdefault("vcm", _LETTERS[one.label])
        if VCM.get(attributes.get("vcm", ""), one.label) != one.label:
            value = f"{one.label} [{one.source}]"
    return xml_text(value, losses), attributes


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
            if value:
                # A subdivision has several about one annotation.
                about = said.setdefault(root, {})
                what = name.partition("@")[0]
                about[what] = f"{about[what]} {value}" if what in about else value
    return said


def _annotation(
    onset: float, offset: float, value: str, tier: str, said: dict[str, str], *, where: str
) -> Annotation:
    name, text = untouched(tier), value.strip()
    speaker = speaker_of(name)
    label, source = said_on(text, speaker)
    vcm = said.get("vcm", "")
    if vcm in VCM and speaker == "CHI" and in_full(text) is None:
        label, source = VCM[vcm], source or ("" if text else vcm)
    if offset < onset:
        raise AnnotationError(f"{where}: it ends before it begins")
    return Annotation(
        onset=onset,
        offset=offset,
        label=label,
        source=source,
        tier=name,
        speaker=speaker_told(label, name),
        attributes={key: text for key, text in said.items() if text},
    )


def _divided(
    aligned: dict[str, tuple[str, str, str, str]], slots: dict[str, int | None]
) -> dict[str, int]:
    """Give times to the slots that have none, between those of the annotations around."""
    after = {begin: end for begin, end, _, _ in aligned.values()}
    times: dict[str, int] = {}
    for begin in after:
        if (since := slots.get(begin)) is None:
            continue
        chain: list[str] = []
        slot = after[begin]
        while slots.get(slot) is None and slot in after and len(chain) <= len(after):
            chain.append(slot)
            slot = after[slot]
        if chain and (until := slots.get(slot)) is not None:
            step = (until - since) / (len(chain) + 1)
            times |= {each: round(since + step * k) for k, each in enumerate(chain, 1)}
    return times


def _time(milliseconds: int | None, *, where: str) -> float:
    if milliseconds is None:
        raise AnnotationError(f"{where}: its time slot has no time")
    if milliseconds < 0:
        raise AnnotationError(f"{where}: its time is before the recording begins")
    return milliseconds / 1000


def _span_of(one: Annotation) -> tuple[int, int]:
    return _span(one.onset, one.offset)


def _span(onset: float, offset: float) -> tuple[int, int]:
    """Give times in ms as ELAN has them: no points, so the shortest is a millisecond."""
    begin = round(onset * 1000)
    return begin, max(round(offset * 1000), begin + 1)
