"""Praat TextGrid, through praatio: tiers of intervals that never overlap, tiers of points."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harken.errors import AnnotationError
from harken.studies.annotation import SPEAKERS, Annotation, Annotations, unwritten, written
from harken.studies.formats.text import Losses, apart, layered, read_text, untouched

_TIERS = {
    "CHI": "CHI",
    "KCHI": "CHI",
    "OCH": "OCH",
    "C1": "OCH",
    "C2": "OCH",
    "MOT": "FEM",
    "FA": "FEM",
    "FAT": "MAL",
    "MA": "MAL",
}
_VCM = {"Y": "cry", "L": "laugh", "C": "babble", "N": "babble", "U": "infant vocalisation"}


def read(path: Path) -> list[Annotations]:
    """Read a TextGrid, long or short, UTF-8 or UTF-16. Empty intervals are gaps, not annotations.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Annotations
        One; the tier's name is kept, and gives the speaker where it names one.

    Raises
    ------
    AnnotationError
        If it is no TextGrid.
    """
    from praatio import textgrid
    from praatio.utilities import errors

    if "TextGrid" not in read_text(path)[:200]:
        raise AnnotationError(f"{path}: line 1: this is no TextGrid")
    try:
        grid = textgrid.openTextgrid(
            str(path),
            includeEmptyIntervals=False,
            reportingMode="silence",
            duplicateNamesMode="rename",
        )
    except (errors.PraatioException, ValueError, IndexError, KeyError, AttributeError) as error:
        raise AnnotationError(f"{path}: {_where(path)}: not a whole TextGrid") from error
    found = []
    for tier in grid.tiers:
        name = untouched(tier.name.strip())
        speaker = speaker_of(name)
        for onset, offset, text in _entries(tier):
            label, source = unwritten(text.strip())
            label = _VCM.get(text.strip(), label) if speaker == "CHI" else label
            if label == "other" and speaker and source in ("0", "1", ""):
                # The field's convention: 1 is speech-like, 0 is crying or laughing, either of both.
                label = "infant vocalisation" if speaker == "CHI" else _voice(speaker)
            try:
                found.append(
                    Annotation(
                        onset=onset,
                        offset=offset,
                        label=label,
                        source=source,
                        tier=name,
                        speaker=speaker,
                    )
                )
            except ValueError as error:
                raise AnnotationError(f"{path}: tier {name!r}: {error}") from error
    return [
        Annotations(
            recording="",
            annotations=tuple(found),
            duration=float(grid.maxTimestamp),
            format="textgrid",
        ).sorted()
    ]


def write(items: Sequence[Annotations], path: Path) -> list[str]:
    """Write one recording's annotations as a TextGrid (long form, UTF-8).

    Where intervals of a tier overlap, which Praat cannot show, the rest goes to
    a tier of the same name with ``~2`` behind it.

    Parameters
    ----------
    items : sequence of one Annotations
    path : Path

    Returns
    -------
    list of str
        What the format cannot hold.
    """
    from praatio import textgrid

    losses = Losses()
    (item,) = items
    if item.analysed:
        losses.say("which stretches were analysed")
    if item.clock:
        losses.say("the time of day")
    grid = textgrid.Textgrid()
    end = max(item.end, 0.001)
    for name, annotations in by_tier(item.annotations):
        for one in annotations:
            losses.of(one, keeps=frozenset({"tier", "speaker"}))
        points = [one for one in annotations if one.seconds == 0]
        spans = [one for one in annotations if one.seconds > 0]
        for layer, row in enumerate(apart(spans)):
            entries = [(one.onset, one.offset, _text(one)) for one in row]
            grid.addTier(textgrid.IntervalTier(layered(name, layer), entries, 0, end))
        if points:
            entries_at = _at_once(points)
            full = name if not spans else f"{name}~points"
            grid.addTier(textgrid.PointTier(full, entries_at, 0, end))
    if not grid.tiers:
        grid.addTier(textgrid.IntervalTier("CHI", [], 0, end))
    grid.save(str(path), format="long_textgrid", includeBlankSpaces=True)
    return losses.told()


def by_tier(annotations: Iterable[Annotation]) -> list[tuple[str, list[Annotation]]]:
    """Group annotations by the tier they are to stand on: their own, or their speaker's."""
    tiers: dict[str, list[Annotation]] = {}
    for one in annotations:
        tiers.setdefault(one.tier or one.speaker or "sound", []).append(one)
    return sorted(tiers.items(), key=lambda each: (each[0] != "CHI", each[0]))


def speaker_of(tier: str) -> str:
    """Give the speaker type that a tier's name stands for, or nothing.

    Examples
    --------
    >>> speaker_of("CHI*"), speaker_of("FA1"), speaker_of("notes")
    ('CHI', 'FEM', '')
    """
    plain = tier.strip(" *")
    if plain in _TIERS:
        return _TIERS[plain]
    if plain in SPEAKERS:
        return plain
    kind = plain.rstrip("0123456789")
    return {"FA": "FEM", "MA": "MAL", "FC": "OCH", "MC": "OCH", "UC": "OCH"}.get(kind, "")


def _voice(speaker: str) -> str:
    return {"OCH": "other child", "FEM": "female adult", "MAL": "male adult"}[speaker]


def _text(one: Annotation) -> str:
    return " ".join(written(one).split()) or one.label


def _at_once(points: list[Annotation]) -> list[tuple[float, str]]:
    """Join points that fall together, which Praat cannot show side by side."""
    at: dict[float, list[str]] = {}
    for one in points:
        at.setdefault(one.onset, []).append(_text(one))
    return [(time, " + ".join(texts)) for time, texts in sorted(at.items())]


def _entries(tier: Any) -> Iterable[tuple[float, float, str]]:
    from praatio import textgrid

    if isinstance(tier, textgrid.PointTier):
        for point in tier.entries:
            yield float(point.time), float(point.time), point.label
    else:
        for interval in tier.entries:
            yield float(interval.start), float(interval.end), interval.label


def _where(path: Path) -> str:
    text = read_text(path)
    return f"line {len(text.splitlines())}, its last"
