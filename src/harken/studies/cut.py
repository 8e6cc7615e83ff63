"""Clips out of recordings, to be listened to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.clips import write_flac
from harken.errors import ParameterError, SourceError
from harken.sound import RATE, AudioBlock, find_recordings, open_source
from harken.studies.names import match, plain
from harken.writing import writing


def cut(
    recording: str | Path, stretches: Sequence[tuple[float, float]], folder: Path, *, name: str = ""
) -> list[Path]:
    """Cut stretches out of a recording as FLAC, 16 kHz mono; memory is one clip's.

    Parameters
    ----------
    recording : str or Path
    stretches : sequence of (since, until) [s]
        Those that overlap are cut one by one; what lies outside of the recording is left out.
    folder : Path
        Made where it isn't there.
    name : str
        What clips are named after, with folders where they are to lie in some; by default the
        recording.

    Returns
    -------
    list of Path
        ``NAME_SINCE-UNTIL.flac``, in order of time; none for a stretch without sound.

    Raises
    ------
    SourceError
        If the recording can't be read or a clip not be written.
    OutputError
        If the folder can't be made.
    """
    wanted = sorted({(max(0.0, since), until) for since, until in stretches})
    target = folder / (name or Path(recording).stem)
    with writing(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
    open_: dict[tuple[float, float], list[NDArray[np.float32]]] = {}
    made: list[Path] = []
    with open_source(str(recording)) as source:
        for item in source:
            if not isinstance(item, AudioBlock):
                continue
            end = item.start + len(item.samples) / RATE
            while wanted and wanted[0][0] < end:
                open_[wanted.pop(0)] = []
            for (since, until), parts in list(open_.items()):
                first = max(0, round((since - item.start) * RATE))
                last = max(0, round((until - item.start) * RATE))
                parts.append(item.samples[first:last])
                if end >= until:
                    made += _close(target, since, until, open_.pop((since, until)))
            if not wanted and not open_:
                break
    for (since, until), parts in open_.items():
        made += _close(target, since, until, parts)
    return made


def recordings_in(folder: Path) -> dict[str, Path]:
    """Find the recordings in a folder and the folders in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict
        Name, with its folders below `folder` and without ending → path.

    Raises
    ------
    ParameterError
        If there are none, or two differ only in their ending.
    SourceError
        If the folder can't be read.
    """
    found: dict[str, Path] = {}
    for path in find_recordings(folder):
        inside = path.relative_to(folder) if folder.is_dir() else Path(path.name)
        name = plain(inside.as_posix())
        if name in found:
            raise ParameterError(
                f"{folder}: {found[name].name} and {path.name} differ only in their ending, so "
                "that nobody can tell which is meant: keep one of them there"
            )
        found[name] = path
    if not found:
        raise ParameterError(f"{folder}: there are no recordings in it")
    return found


def find_named(folder: Path, names: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """Find the recordings of these names in a folder, whatever their endings.

    Parameters
    ----------
    folder : Path
    names : sequence of str

    Returns
    -------
    dict
        Name → (its name with the folders below `folder`, path).

    Raises
    ------
    ParameterError
        If one is not there, or it isn't clear which is meant.
    """
    there = recordings_in(folder)
    known = match([plain(one) for one in names], there, ours="the table", theirs=str(folder))
    for one in names:
        if plain(one) not in known:
            raise ParameterError(f"{folder}: no recording named {plain(one)!r} is in it")
    return {one: (known[plain(one)], there[known[plain(one)]]) for one in names}


def _close(
    target: Path, since: float, until: float, parts: list[NDArray[np.float32]]
) -> list[Path]:
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not len(samples):
        return []
    path = target.with_name(f"{target.name}_{since:.1f}-{until:.1f}.flac")
    try:
        write_flac(str(path), samples)
    except OSError as error:
        raise SourceError(f"{path}: the clip could not be written: {error}") from error
    return [path]
