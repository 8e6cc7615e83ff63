"""What the formats share: reading and writing text, names of recordings, losses counted."""

import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from harken.errors import AnnotationError
from harken.studies.annotation import Annotation, Annotations
from harken.writing import OutputError, replacing

_COUNTED = re.compile(r"(.*) \((\d+) annotations?\)")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write a file to that takes the place of `path` at the end, or not at all.

    Raises
    ------
    AnnotationError
        If it cannot be written; what stood there before then still does.
    """
    try:
        with replacing(path) as part:
            yield part
    except OutputError as error:
        cause = error.__cause__
        why = cause.strerror if isinstance(cause, OSError) else None
        raise AnnotationError(f"{path}: it cannot be written: {why or cause}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file as UTF-8, whole or not at all.

    Raises
    ------
    AnnotationError
        If it cannot be written; what stood there before then still does.
    """
    with whole(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a file that are not empty, with their numbers from 1."""
    for number, line in enumerate(io.StringIO(read_text(path), newline=None), 1):
        if line.strip():
            yield number, line.rstrip("\n")


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


def number(value: float) -> str:
    """Write a number without zeros that say nothing, to a billionth.

    Examples
    --------
    >>> number(2.50), number(3.0)
    ('2.5', '3')
    """
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def finer(*times: float) -> bool:
    """Whether any of these seconds is finer than a millisecond.

    Examples
    --------
    >>> finer(1.001, 2.3), finer(1.0005)
    (False, True)
    """
    # 1.001 × 1000 is 1000.9999999999999.
    return any(abs(1000 * time - round(1000 * time)) > 1e-5 for time in times)


def stem(recording: str) -> str:
    """Give a recording's name without the ending of a sound file; folders stay.

    Examples
    --------
    >>> stem("anna/day1.wav"), stem("day1.v2")
    ('anna/day1', 'day1.v2')
    """
    # Loads FFmpeg, which reading a text does without.
    from harken.sound.recordings import EXTENSIONS

    path = PurePosixPath(recording)
    return recording[: -len(path.suffix)] if path.suffix.lower() in EXTENSIONS else recording


def below(name: str) -> str:
    """Give a name that leads nowhere but below the folder it is put in.

    Examples
    --------
    >>> below("/data/day1.wav"), below("../anna/day1.wav")
    ('data/day1.wav', 'anna/day1.wav')
    """
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))


def xml_text(text: str, losses: "Losses") -> str:
    """Take out what XML cannot hold, such as control characters, and count it."""
    clean = _NO_XML.sub(" ", text)
    losses.add("control characters in a text", int(clean != text))
    return clean


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
        self._said: dict[str, list[str]] = {}

    def add(self, what: str, count: int = 1) -> None:
        """Count something that a number of annotations lose."""
        if count:
            self._counts[what] += count

    def say(self, what: str, *, recording: str = "") -> None:
        """Tell of a loss that isn't one of single annotations, but maybe of a recording."""
        names = self._said.setdefault(what, [])
        if recording and recording not in names:
            names.append(recording)

    def of(self, annotation: Annotation, *, keeps: frozenset[str]) -> None:
        """Count the fields of an annotation that a format doesn't keep."""
        for name in ("tier", "speaker", "score", "level_dbfs"):
            if name not in keeps and getattr(annotation, name) not in ("", None):
                self.add(name.replace("_dbfs", " in dBFS"))
        if "attributes" not in keeps:
            for name in annotation.attributes:
                self.add(f"attribute {name}")

    def of_item(self, item: Annotations, *, keeps: frozenset[str] = frozenset()) -> None:
        """Tell what a format doesn't keep of what is known of the recording itself."""
        if item.analysed and "analysed" not in keeps:
            self.say("which stretches were analysed")
        if item.clock and "clock" not in keeps:
            self.say("the time of day")
        if item.duration is not None and "duration" not in keeps:
            self.say("the recording's length")
        if item.set and "set" not in keeps:
            self.say(f"the name of the set, {item.set}")

    def told(self) -> list[str]:
        """Give it all as short lines."""
        said = []
        for what, names in self._said.items():
            if len(names) == 1:
                said.append(f"{names[0]}: {what}")
            else:
                said.append(f"{what} ({len(names)} recordings)" if names else what)
        return said + [
            f"{what} ({count} annotation{'' if count == 1 else 's'})"
            for what, count in self._counts.items()
        ]


def together(lost: Mapping[str, Sequence[str]]) -> list[str]:
    """Put what several files lose into one list.

    Parameters
    ----------
    lost : mapping of str to sequence of str
        Name of each → what `Losses.told` gave.

    Returns
    -------
    list of str

    Examples
    --------
    >>> together({"a": ["score (2 annotations)", "the time of day"], "b": ["score (1 annotation)"]})
    ['a: the time of day', 'score (3 annotations)']
    """
    losses = Losses()
    for name, each in lost.items():
        for what in each:
            if counted := _COUNTED.fullmatch(what):
                losses.add(counted[1], int(counted[2]))
            else:
                losses.say(what, recording=name)
    return losses.told()
