"""Praat TextGrid: tiers of intervals that never overlap, tiers of points.

They are written through praatio. It is not read with it, since praatio takes -0.5
for 0.5, stops at 5e-05 and names no line. Praat's own rule is short: only numbers,
flags and texts in quotes that stand free mean something.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harken.errors import AnnotationError, ParameterError
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats.text import Losses, read_text, whole
from harken.studies.formats.tiers import (
    apart,
    by_tier,
    layered,
    said_on,
    speaker_of,
    speaker_told,
    text_on,
    untouched,
)

_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?P<flag><[^<>\s]*>)|![^\n]*|(?P<word>[^\s"]+)|(?P<open>")'
)

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


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
        With the line, if it is no whole TextGrid.
    """
    if "TextGrid" not in read_text(path)[:200]:
        raise AnnotationError(f"{path}: line 1: this is no TextGrid")
    tokens = _Tokens(path)
    if "chronological" in tokens.text("file type"):
        raise AnnotationError(f"{path}: a chronological TextGrid; save it from Praat as text file")
    tokens.text("class")
    tokens.number("xmin")
    end = tokens.number("xmax")
    found: list[Annotation] = []
    for _ in range(tokens.count("number of tiers") if tokens.flag() else 0):
        kind, name = tokens.text("tier's class"), untouched(tokens.text("tier's name").strip())
        if kind not in ("IntervalTier", "TextTier"):
            raise AnnotationError(f"{tokens.where}: a tier of class {kind[:20]!r}")
        tokens.number("xmin")
        tokens.number("xmax")
        for _ in range(tokens.count("number of entries")):
            onset = tokens.number("time")
            offset = tokens.number("time") if kind == "IntervalTier" else onset
            text = tokens.text("text").strip()
            if text or kind == "TextTier":
                found.append(_annotation(onset, offset, text, name, where=tokens.where))
    return [
        Annotations(
            recording="",
            annotations=tuple(found),
            duration=end,
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
    losses.of_item(item, keeps=frozenset({"duration"}))
    grid = textgrid.Textgrid()
    end = max(item.end, 0.001)
    for name, annotations in by_tier(item.annotations):
        for one in annotations:
            losses.of(one, keeps=frozenset({"tier", "speaker"}))
            losses.add("speaker", int(one.speaker not in ("", speaker_told(one.label, name))))
        points = [one for one in annotations if one.seconds == 0]
        spans = [one for one in annotations if one.seconds > 0]
        for layer, row in enumerate(apart(spans)):
            entries = [(one.onset, one.offset, text_on(one, name)) for one in row]
            grid.addTier(textgrid.IntervalTier(layered(name, layer), entries, 0, end))
        if points:
            # Praat cannot show points side by side that fall together.
            for layer, row in enumerate(_at_once(points)):
                full = layered(name if not spans else f"{name}~points", layer)
                marks = [(one.onset, text_on(one, name)) for one in row]
                grid.addTier(textgrid.PointTier(full, marks, 0, end))
    if not grid.tiers:
        grid.addTier(textgrid.IntervalTier("CHI", [], 0, end))
    with whole(path) as part:
        grid.save(str(part), format="long_textgrid", includeBlankSpaces=True)
    return losses.told()


def _at_once(points: Sequence[Annotation]) -> list[list[Annotation]]:
    """Spread points over as few layers as it takes for none to fall together in one."""
    layers: list[list[Annotation]] = []
    fallen: Counter[float] = Counter()
    for one in points:
        if fallen[one.onset] == len(layers):
            layers.append([])
        layers[fallen[one.onset]].append(one)
        fallen[one.onset] += 1
    return layers


def _annotation(onset: float, offset: float, text: str, tier: str, *, where: str) -> Annotation:
    label, source = said_on(text, speaker_of(tier))
    try:
        return Annotation(
            onset=onset,
            offset=offset,
            label=label,
            source=source,
            tier=tier,
            speaker=speaker_told(label, tier),
        )
    except ParameterError as error:
        raise AnnotationError(f"{where}: tier {tier!r}: {error}") from error


class _Tokens:
    """What means something in a TextGrid, one after the other, with its line."""

    def __init__(self, path: Path) -> None:
        self._path, self._content = path, read_text(path)
        self._line, self._counted = 1, 0
        self._next = self._each()

    @property
    def where(self) -> str:
        """File and line of what was read last."""
        return f"{self._path}: line {self._line}"

    def number(self, what: str) -> float:
        """Give the next thing, which has to be a number."""
        kind, text = self._take(what)
        if kind != "number":
            raise AnnotationError(f"{self.where}: no number ({what}) but {text[:20]!r}")
        return float(text)

    def count(self, what: str) -> int:
        """Give the next thing, which has to be a whole number."""
        value = self.number(what)
        if not value.is_integer():
            raise AnnotationError(f"{self.where}: no whole number ({what}) but {value:g}")
        return int(value)

    def text(self, what: str) -> str:
        """Give the next thing, which has to be a text in quotes."""
        kind, text = self._take(what)
        if kind != "text":
            raise AnnotationError(f"{self.where}: no text in quotes ({what}) but {text[:20]!r}")
        return text

    def flag(self) -> bool:
        """Whether the next thing is ``<exists>``."""
        kind, text = self._take("<exists>")
        if kind != "flag":
            raise AnnotationError(f"{self.where}: no <exists> but {text[:20]!r}")
        return text == "<exists>"

    def _take(self, what: str) -> tuple[str, str]:
        try:
            return next(self._next)
        except StopIteration:
            raise AnnotationError(
                f"{self.where}: not a whole TextGrid: it ends before its {what}"
            ) from None

    def _each(self) -> Iterator[tuple[str, str]]:
        for found in _TOKEN.finditer(self._content):
            kind, text = found.lastgroup, found[0]
            if kind == "word":
                if not _NUMBER.fullmatch(text):
                    continue
                kind = "number"
            if kind is None:
                continue
            self._line += self._content.count("\n", self._counted, found.start())
            self._counted = found.start()
            if kind == "open":
                raise AnnotationError(f"{self.where}: a text in quotes has no end")
            yield kind, found["text"].replace('""', '"') if kind == "text" else text
