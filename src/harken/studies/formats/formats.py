"""Which formats there are, which one a file has, and from any to any."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from harken.errors import AnnotationError, ParameterError
from harken.studies.annotation import Annotations
from harken.studies.formats import audacity, chat, childproject, elan, lena, rttm, table, textgrid
from harken.studies.formats.text import below, stem, together


@dataclass(frozen=True, slots=True)
class Format:
    """A format of the field.

    Parameters
    ----------
    name : str
        As it is typed.
    says : str
        What it is, in a line.
    endings : tuple of str
        Of its files; none for a folder.
    read : callable
        Path → list of Annotations.
    write : callable or None
        (Annotations, path) → what was lost; None for one that is read only.
    many : bool
        Whether one file can hold several recordings.
    needs : str
        Package that it takes, from the extra ``studies``.
    """

    name: str
    says: str
    endings: tuple[str, ...]
    read: Callable[[Path], list[Annotations]]
    write: Callable[[Sequence[Annotations], Path], list[str]] | None
    many: bool = False
    needs: str = ""


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(
            "childproject",
            "ChildProject data set (a folder)",
            (),
            childproject.read,
            childproject.write,
            many=True,
            needs="pympi",
        ),
        Format("lena", "LENA", (".its",), lena.read, lena.write),
        Format("elan", "ELAN", (".eaf",), elan.read, elan.write, needs="pympi"),
        Format(
            "textgrid",
            "Praat TextGrid",
            (".textgrid",),
            textgrid.read,
            textgrid.write,
            needs="praatio",
        ),
        Format(
            "rttm", "RTTM, classes of VTC and VCM too", (".rttm",), rttm.read, rttm.write, many=True
        ),
        Format("chat", "CHAT (read only)", (".cha",), chat.read, None, needs="pylangacq"),
        Format("audacity", "Audacity labels", (".txt",), audacity.read, audacity.write),
        Format(
            "csv",
            "CSV, with a mapping of its columns",
            (".csv", ".tsv"),
            table.read,
            table.write,
            many=True,
        ),
    )
}
"""The formats by name."""

# Texts and tables in a folder may be anything.
_IN_FOLDERS = {end for each in FORMATS.values() for end in each.endings} - {".txt", ".csv", ".tsv"}


def guess(path: str | Path, *, to_write: bool = False) -> Format:
    """Tell a file's format by its ending, a folder's by what it holds.

    Parameters
    ----------
    path : str or Path
        A folder ``annotations/SET`` of a data set is that set.
    to_write : bool
        Whether it is yet to be made: a path without an ending is then a data set.

    Returns
    -------
    Format

    Raises
    ------
    ParameterError
        If it can't be told.

    Examples
    --------
    >>> guess("night.TextGrid").name
    'textgrid'
    """
    path = Path(path)
    for each in FORMATS.values():
        if path.suffix.lower() in each.endings:
            return each
    if (path / "metadata").is_dir() or (to_write and not path.suffix and not path.exists()):
        return FORMATS["childproject"]
    if not path.is_file() and childproject.place_of(path):
        return FORMATS["childproject"]
    raise ParameterError(
        f"{path}: its format can't be told from its name; say it with one of {', '.join(FORMATS)}"
    )


def read(
    path: str | Path, *, format: str | None = None, columns: Mapping[str, str] | None = None
) -> list[Annotations]:
    """Read annotations.

    Parameters
    ----------
    path : str or Path
        A file; a data set, or one set of it (``corpus/annotations/SET``); or a folder of .its,
        .eaf, .TextGrid, .rttm and .cha files. Folders in it are a part of a recording's name,
        as where two children have recordings of one name.
    format : str, optional
        One of `FORMATS`; by default it is told by the file's ending.
    columns : mapping, optional
        For CSV: column → field; see `harken.studies.formats.table.read`.

    Returns
    -------
    list of Annotations
        One a recording (in a data set: one a recording and set).

    Raises
    ------
    AnnotationError
        If it can't be read; the message names file and line or element.
    ParameterError
        If the format isn't known.
    """
    path = Path(path)
    if path.is_dir() and format is None and not _is_set(path):
        return _read_each(path)
    if not path.exists() and (path.suffix or not childproject.place_of(path)):
        raise AnnotationError(f"{path}: there is no such file or folder")
    chosen = _chosen(format) if format else guess(path)
    _need(chosen)
    if columns and chosen.name != "csv":
        raise ParameterError(f"--map is for CSV, and {path} is {chosen.says}")
    return table.read(path, columns=columns) if chosen.name == "csv" else chosen.read(path)


def write(
    items: Sequence[Annotations],
    path: str | Path,
    *,
    format: str | None = None,
    overwrite: bool = True,
) -> list[str]:
    """Write annotations.

    Parameters
    ----------
    items : sequence of Annotations
    path : str or Path
        A file; a folder for a data set, and for several recordings in a format that holds
        one: then a file each is made in it, in the folders of the recording's name, and in a
        folder for each set where there are several.
    format : str, optional
    overwrite : bool
        Whether a file that is there may be replaced. A data set only ever gets more.

    Returns
    -------
    list of str
        What the format cannot hold.

    Raises
    ------
    AnnotationError
        If it can't be written.
    ParameterError
        If the format is read only, one file is to hold several recordings and can't, or a
        file is there and may not be replaced.
    """
    path = Path(path)
    chosen = _chosen(format) if format else guess(path, to_write=True)
    _need(chosen)
    if chosen.write is None:
        raise ParameterError(f"{chosen.says.partition(' ')[0]} can be read, but not written")
    if chosen.many:
        places = [(path, items)]
    elif not items:
        raise ParameterError(f"{path}: there is no recording to write")
    elif path.is_dir() or (len(items) != 1 and not path.suffix):
        places = _places(chosen, items, path)
    elif len(items) != 1:
        raise ParameterError(
            f"{path}: {chosen.says} holds one recording, and these are {_counted(items)}; give a "
            "folder to write a file each"
        )
    else:
        places = [(path, items)]
    if not overwrite and (there := [str(each) for each, _ in places if each.is_file()]):
        raise ParameterError(
            f"{there[0]}: it is there already; name a new file, or replace it with --overwrite"
        )
    lost: dict[str, list[str]] = {}
    try:
        for each, one in places:
            each.parent.mkdir(parents=True, exist_ok=True)
            said = chosen.write(one, each)
            if each == path:
                return said
            (item,) = one
            inside = each.relative_to(path)
            name = f"/{below(stem(item.recording))}"
            if item.recording and not f"/{inside.with_suffix('').as_posix()}".endswith(name):
                said = [f"the recording's name, {item.recording}", *said]
            lost[str(inside)] = said
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
    return together(lost)


def convert(
    source: str | Path,
    target: str | Path,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    recording: str | None = None,
    overwrite: bool = True,
) -> tuple[list[Annotations], list[str]]:
    """Convert annotations from any format to any other.

    Parameters
    ----------
    source, target : str or Path
    source_format, target_format : str, optional
    columns : mapping, optional
        For a CSV source.
    recording : str, optional
        Take only the recording of this name; where the source has but one without a name,
        it gets this one. Without it, such a recording is named after the source's file where
        the target holds several.
    overwrite : bool
        As in `write`.

    Returns
    -------
    (list of Annotations, list of str)
        What was read, and what the target cannot hold.

    Raises
    ------
    AnnotationError, ParameterError
        As `read` and `write`.
    """
    items = read(source, format=source_format, columns=columns)
    if recording is not None:
        named = [item for item in items if item.recording == recording]
        if not named and len(items) == 1 and not items[0].recording:
            named = [replace(items[0], recording=recording)]
        if not named:
            there = ", ".join(item.recording or "one without a name" for item in items)
            raise ParameterError(f"--recording {recording}: {source} has {there or 'none'}")
        items = named
    chosen = _chosen(target_format) if target_format else guess(target, to_write=True)
    if chosen.many:
        # Beside others a recording needs a name; a file's is all that there is.
        items = [
            item if item.recording else replace(item, recording=Path(source).stem) for item in items
        ]
    elif chosen.write and Path(source).is_dir() and not Path(target).suffix:
        # One recording or many: a script finds them in the same place. Why not, `write` tells.
        with suppress(OSError):
            Path(target).mkdir(parents=True, exist_ok=True)
    return items, write(items, target, format=target_format, overwrite=overwrite)


def _chosen(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        raise ParameterError(f"format {name!r} is none of {', '.join(FORMATS)}") from None


def _need(chosen: Format) -> None:
    from importlib.util import find_spec

    if chosen.needs and find_spec(chosen.needs) is None:
        raise ParameterError(f"{chosen.says} needs pip install 'harken[studies]'")


def _is_set(path: Path) -> bool:
    """Whether a folder is a data set or one of its sets, and not one of single files."""
    if (path / "metadata").is_dir():
        return True
    if not (place := childproject.place_of(path)):
        return False
    return place[1] in childproject.sets_of(place[0]) or not _files(path)


def _files(folder: Path) -> list[Path]:
    there = (file for file in sorted(folder.iterdir()) if file.is_file())
    return [file for file in there if file.suffix.lower() in _IN_FOLDERS]


def _read_each(folder: Path) -> list[Annotations]:
    files = [
        file
        for place in (folder, *sorted(folder.rglob("*/")))
        if not any(part.startswith(".") for part in place.relative_to(folder).parts)
        for file in _files(place)
    ]
    if not files:
        raise AnnotationError(
            f"{folder}: no data set (metadata/) and no annotations "
            f"({', '.join(sorted(_IN_FOLDERS))})"
        )
    return [
        item
        if item.recording and file.parent == folder
        else replace(item, recording=_inside(file, folder, item.recording))
        for file in files
        for item in read(file)
    ]


def _inside(file: Path, folder: Path, recording: str) -> str:
    name = Path(recording).name or file.stem
    return (file.parent.relative_to(folder) / name).as_posix()


def _counted(items: Sequence[Annotations]) -> str:
    sets = len({item.set for item in items})
    return f"{len(items)}" + (f" (of {sets} sets)" if sets > 1 else "")


def _places(
    chosen: Format, items: Sequence[Annotations], folder: Path
) -> list[tuple[Path, Sequence[Annotations]]]:
    """Give each recording a file of its own in a folder, and each of several sets a folder."""
    ending = {"textgrid": ".TextGrid"}.get(chosen.name, chosen.endings[0])
    several = len({item.set for item in items}) > 1
    places: dict[Path, Sequence[Annotations]] = {}
    for number, item in enumerate(items, 1):
        home = folder / below(item.set) if several else folder
        name = below(stem(item.recording)) or f"recording{number}"
        path, again = home / f"{name}{ending}", 1
        while path in places:
            again += 1
            path = home / f"{name}_{again}{ending}"
        places[path] = [item]
    return list(places.items())
