"""Audacity labels: onset, offset and a text, with tabs between them."""

from collections.abc import Sequence
from pathlib import Path

from harken.errors import AnnotationError
from harken.studies.annotation import VOICES, Annotation, Annotations, unwritten, written
from harken.studies.formats.text import Losses, finer, lines, seconds, span, write_text


def read(path: Path) -> list[Annotations]:
    """Read a label track of Audacity; lines with frequencies are passed over and counted.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One, without the name of a recording: the format has none.

    Raises
    ------
    AnnotationError
        With the line, if one is no label.
    """
    found: list[Annotation] = []
    bands = 0
    for number, line in lines(path):
        where = f"{path}: line {number}"
        if line.startswith("\\"):
            bands += 1
            continue
        fields = line.split("\t", 2)
        if len(fields) < 2:
            raise AnnotationError(
                f"{where}: a label is 'onset, tab, offset, tab, text'; export it from Audacity"
            )
        # In some countries Audacity writes a comma where others have a point.
        onset, offset = (
            seconds(text.replace(",", "."), where=where, what=what)
            for text, what in zip(fields, ("onset", "offset"), strict=False)
        )
        span(onset, offset, where=where)
        label, source = unwritten(fields[2].strip() if len(fields) > 2 else "")
        found.append(
            Annotation(
                onset=onset,
                offset=offset,
                label=label,
                source=source,
                speaker=VOICES.get(label, ""),
            )
        )
    notes = (f"Lines with frequencies, which are passed over: {bands}.",) if bands else ()
    return [
        Annotations(recording="", annotations=tuple(found), format="audacity", notes=notes).sorted()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write one recording's annotations as a label track.

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
    losses.of_item(item)
    rows = []
    for one in item.sorted().annotations:
        losses.of(one, keeps=frozenset({"speaker"}))
        losses.add("speaker", int(one.speaker not in ("", VOICES.get(one.label))))
        losses.add("time finer than 1 µs", int(finer(1000 * one.onset, 1000 * one.offset)))
        text = " ".join(written(one).split())
        rows.append(f"{one.onset:.6f}\t{one.offset:.6f}\t{text}\n")
    write_text(path, "".join(rows))
    return losses.told()
