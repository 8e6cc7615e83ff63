"""Which names mean the same recording: a run, a table and a file each write it in their own way."""

from collections.abc import Iterable

from harken.errors import ParameterError
from harken.studies.formats.text import below, stem


def plain(name: str) -> str:
    """Give a recording's name without the ending of a sound file, with the folders it has.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Its parts with ``/`` between them. What merely looks like an ending stays.

    Examples
    --------
    >>> plain("c1/day1.wav"), plain("../raw/day1.MP3"), plain("2016.04.20")
    ('c1/day1', 'raw/day1', '2016.04.20')
    """
    return below(stem(name.replace("\\", "/")))


def match(names: Iterable[str], others: Iterable[str], *, ours: str, theirs: str) -> dict[str, str]:
    """Say which of the others each name means.

    Two names mean the same recording if they are equal, or if one is the other with folders
    before it: two children may each have a ``day1``.

    Parameters
    ----------
    names, others : iterable of str
        As `plain` gives them.
    ours, theirs : str
        What the two are, for the message.

    Returns
    -------
    dict
        Name → other; names that mean none of the others are left out.

    Raises
    ------
    ParameterError
        If a name may mean several of the others, or several may mean one.

    Examples
    --------
    >>> match(["day1", "day3"], ["c1/day1", "c1/day2"], ours="a", theirs="b")
    {'day1': 'c1/day1'}
    """
    names, there = list(dict.fromkeys(names)), set(others)
    found = {name: name for name in names if name in there}
    left: dict[str, list[str]] = {}
    for other in sorted(there - found.keys()):
        left.setdefault(other.rpartition("/")[2], []).append(other)
    taken: dict[str, str] = {}
    for name in names:
        if name in found:
            continue
        may = [one for one in left.get(name.rpartition("/")[2], ()) if _within(name, one)]
        if len(may) > 1:
            raise _unclear(name, ours, may, theirs)
        for one in may:
            if one in taken:
                raise _unclear(one, theirs, [taken[one], name], ours)
            taken[one], found[name] = name, one
    return found


def _within(first: str, second: str) -> bool:
    return f"/{first}".endswith(f"/{second}") or f"/{second}".endswith(f"/{first}")


def _unclear(name: str, whose: str, may: list[str], of: str) -> ParameterError:
    return ParameterError(
        f"{name!r} of {whose} may be {' or '.join(may)} of {of}: write recordings with their "
        f"folders ({may[0]}) in both"
    )
