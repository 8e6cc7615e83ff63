"""Which files of a folder are recordings."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from harken.errors import SourceError

# fmt: off
EXTENSIONS = frozenset({
    ".3ga", ".3gp", ".3gpp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape",
    ".asf", ".au", ".avi", ".awb", ".caf", ".dts", ".eac3", ".flac", ".flv", ".gsm", ".m2ts",
    ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg",
    ".mpga", ".mts", ".oga", ".ogg", ".ogv", ".opus", ".qt", ".ra", ".rf64", ".snd", ".spx",
    ".ts", ".tta", ".w64", ".wav", ".wave", ".webm", ".wma", ".wmv", ".wv",
})
# fmt: on
"""Endings of sound and video files, in small letters."""


def shown(name: str | Path) -> str:
    r"""Write a name so that it fits into one line whatever it holds.

    Examples
    --------
    >>> print(shown("two\nlines.wav"))
    'two\nlines.wav'
    """
    return repr(str(name))


def find_recordings(
    path: str | Path, *, on_error: Callable[[str], None] | None = None
) -> Iterator[Path]:
    """Find the recordings in a folder and the folders in it, in the order of their names.

    Taken are files with a known sound or video ending, in small or capital
    letters. Hidden files and folders (a leading dot) are left out; links to
    folders are not followed. A path that is a file is given as it is, whatever
    its ending.

    Parameters
    ----------
    path : str or Path
        A folder or a file.
    on_error : callable, optional
        Gets one line for each folder that cannot be read. The search goes on.

    Yields
    ------
    Path
        Beginning with `path`; none where the folder holds no recording.

    Raises
    ------
    SourceError
        There is nothing at `path`, or the folder itself cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.wav", "a.MP3", "notes.txt", ".hidden.wav"):
    ...         (Path(folder) / name).touch()
    ...     [found.name for found in find_recordings(folder)]
    ['a.MP3', 'b.wav']
    """
    path = Path(path)
    try:
        is_folder = path.is_dir()
        if not is_folder:
            path.lstat()
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError:
        raise SourceError(f"{shown(path)} is no file name: check it") from None
    if is_folder:
        yield from _walk(path, on_error, top=True)
    else:
        yield path


def unreadable(path: Path, error: OSError) -> SourceError:
    """Say in one line why a file or folder cannot be read, and what to do."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceError(f"no such file or folder: {shown(path)}: check the name")
    if isinstance(error, PermissionError):
        return SourceError(
            f"{shown(path)} may not be read by this account: give it read access (chmod u+r)"
        )
    return SourceError(
        f"{shown(path)} cannot be read ({error.strerror or error}): "
        "check the disk or the network drive"
    )


def _walk(folder: Path, on_error: Callable[[str], None] | None, *, top: bool) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        problem = unreadable(folder, error)
        if top:
            raise problem from None
        if on_error:
            on_error(str(problem))
        return
    for entry in found:
        if entry.name.startswith("."):
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, on_error, top=False)
        elif path.suffix.lower() in EXTENSIONS and not entry.is_dir():
            yield path
