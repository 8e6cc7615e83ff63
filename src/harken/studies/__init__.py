"""Many recordings: the field's formats."""

from harken.studies.annotation import LABELS, SPEAKERS, Annotation, Annotations
from harken.studies.formats import FORMATS, Format, convert, guess, read, write

__all__ = [
    "FORMATS",
    "LABELS",
    "SPEAKERS",
    "Annotation",
    "Annotations",
    "Format",
    "convert",
    "guess",
    "read",
    "write",
]
