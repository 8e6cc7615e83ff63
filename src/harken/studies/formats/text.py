"""What the formats share: reading text with its faults told by line, and losses counted."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation


def read_text(path: Path) -> str:
    """Read a text file that is UTF-8, or UTF-16 with its mark.

    Raises
    ------
    AnnotationError
        If it cannot be read or is neither.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AnnotationError(
            f"{path}: line {line}: not UTF-8 text; save the file as UTF-8"
        ) from error


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a file that are not empty, with their numbers from 1."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield number, line


def seconds(text: str, *, where: str, what: str = "time") -> float:
    """Read a number of seconds, ≥ 0.

    Raises
    ------
    AnnotationError
        With `where` in front, if it is none.

    Examples
    --------
    >>> seconds("1.25", where="a.rttm: line 1")
    1.25
    """
    try:
        value = float(text)
    except ValueError:
        raise AnnotationError(f"{where}: {what} {text!r} is not a number of seconds") from None
    if not math.isfinite(value) or value < 0:
        raise AnnotationError(f"{where}: {what} {text!r} is not a time of the recording")
    return value


def span(onset: float, offset: float, *, where: str) -> tuple[float, float]:
    """Check that a stretch ends after it begins.

    Raises
    ------
    AnnotationError
        If it doesn't.
    """
    if offset < onset:
        raise AnnotationError(f"{where}: it ends at {offset:g} s, before it begins at {onset:g} s")
    return onset, offset


class Losses:
    """Counts what a format cannot hold.

    Examples
    --------
    >>> losses = Losses()
    >>> losses.add("score", 2)
    >>> losses.told()
    ['score (2 annotations)']
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._said: list[str] = []

    def add(self, what: str, count: int = 1) -> None:
        """Count something that a number of annotations lose."""
        if count:
            self._counts[what] += count

    def say(self, sentence: str) -> None:
        """Tell of a loss that isn't one of single annotations."""
        if sentence not in self._said:
            self._said.append(sentence)

    def of(self, annotation: Annotation, *, keeps: frozenset[str]) -> None:
        """Count the fields of an annotation that a format doesn't keep."""
        for name in ("tier", "speaker", "score", "level_dbfs"):
            if name not in keeps and getattr(annotation, name) not in ("", None):
                self.add(name.replace("_dbfs", " in dBFS"))
        if "attributes" not in keeps:
            for name in annotation.attributes:
                self.add(f"attribute {name}")

    def told(self) -> list[str]:
        """Give it all as short lines."""
        counted = [
            f"{what} ({count} annotation{'' if count == 1 else 's'})"
            for what, count in self._counts.items()
        ]
        return self._said + counted


def apart(annotations: list[Annotation]) -> list[list[Annotation]]:
    """Spread annotations over as few layers as it takes for none to overlap within one.

    Examples
    --------
    >>> a, b, c = (Annotation(onset=s, offset=s + 2, label="cry") for s in (0.0, 1.0, 2.0))
    >>> [[x.onset for x in layer] for layer in apart([a, b, c])]
    [[0.0, 2.0], [1.0]]
    """
    layers: list[list[Annotation]] = []
    for one in sorted(annotations, key=lambda each: each.order):
        for layer in layers:
            if layer[-1].offset <= one.onset:
                layer.append(one)
                break
        else:
            layers.append([one])
    return layers


def untouched(name: str) -> str:
    """Give a tier's name without the number that `layered` put behind it.

    Examples
    --------
    >>> untouched("CHI~2"), untouched("CHI")
    ('CHI', 'CHI')
    """
    stem, mark, number = name.rpartition("~")
    return stem if mark and (number.isdigit() or number == "points") else name


def layered(name: str, layer: int) -> str:
    """Name the tier of a layer from 0.

    Examples
    --------
    >>> layered("CHI", 0), layered("CHI", 1)
    ('CHI', 'CHI~2')
    """
    return name if layer == 0 else f"{name}~{layer + 1}"
