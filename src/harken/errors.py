"""The one error family of the package.

::

    HarkenError
    ├── SourceError      a source of sound cannot be opened or read
    ├── ModelError       a detector cannot be loaded, added or fetched
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


class ParameterError(HarkenError, ValueError):
    """An argument breaks its rule; the message names argument, value and rule."""
