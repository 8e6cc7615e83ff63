"""Audacity labels: onset, offset and a text, with tabs between them."""

from collections.abc import Sequence
from pathlib import Path

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations, unwritten, written
from harken.studies.formats.text import Losses, lines, seconds, span


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
        found.append(Annotation(onset=onset, offset=offset, label=label, source=source))
    notes = (f"{bands} lines with frequencies were passed over.",) if bands else ()
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
    if item.analysed:
        losses.say("which stretches were analysed")
    if item.clock:
        losses.say("the time of day")
    rows = []
    for one in item.sorted().annotations:
        losses.of(one, keeps=frozenset())
        text = " ".join(written(one).split())
        rows.append(f"{one.onset:.6f}\t{one.offset:.6f}\t{text}\n")
    path.write_text("".join(rows), "utf-8")
    return losses.told()
