"""The one error family of the package.

::

    HarkenError
    ├── SourceError      a source of sound cannot be opened or read
    ├── ModelError       a detector cannot be loaded, added or fetched
    ├── JournalError     the journal cannot be opened, read or written
    ├── ChannelError     an alert could not be handed over
    ├── AnnotationError  a file of annotations cannot be read or written
    └── ParameterError   an argument breaks its rule

A message is one line for a tired reader: what is wrong with which thing, and
what to do about it. The command line prints it as it is.
"""


class HarkenError(Exception):
    """Root of every error that Harken raises on purpose."""


class SourceError(HarkenError):
    """A source of sound cannot be opened or read."""


class ModelError(HarkenError):
    """A detector cannot be loaded, added or fetched."""


class JournalError(HarkenError):
    """The journal cannot be opened, read or written."""


class ChannelError(HarkenError):
    """An alert could not be handed over; the message says in plain words what to do."""


class AnnotationError(HarkenError):
    """A file of annotations cannot be read or written; the message names file and line."""


class ParameterError(HarkenError, ValueError):
    """An argument breaks its rule; the message names argument, value and rule."""
