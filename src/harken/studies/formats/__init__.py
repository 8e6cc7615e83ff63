"""The field's own formats: one module each, all with the same two functions."""

from harken.studies.formats.formats import FORMATS, Format, convert, guess, read, write

__all__ = ["FORMATS", "Format", "convert", "guess", "read", "write"]
