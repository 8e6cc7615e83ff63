"""What there is to hear: a ChildProject data set, a folder of recordings, or a list.

A corpus of a lab is seldom clean. What is missing, given twice or contradicts
itself is told with its file and line, and the rest is heard.
"""

import csv
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from harken.errors import HarkenError, SourceError
from harken.sound.recordings import EXTENSIONS, find_recordings, shown, unreadable

UNKNOWN = "unknown"
"""Child of a recording of which nobody says whose it is."""

KINDS: Mapping[str, str] = {
    "childproject": "a ChildProject data set: a folder with metadata/recordings.csv",
    "folder": "a folder of recordings; the first folder below it is the child",
    "list": "a CSV with a column recording, and child_id where it is known",
    "recording": "one recording",
}
"""Kinds of corpora, and what each is."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|[a-z]+::")
_HIDING = re.compile(r"(?P<kind>[A-Za-z][A-Za-z0-9+.-]+://)(?P<who>[^/\s]*@)?(?P<rest>[^\s'\"]*)")
_MARKS = (
    "ETag", "etag", "Content-MD5", "Digest", "mtime", "LastModified", "Last-Modified",
    "last_modified", "version", "created",
)  # fmt: skip
"""What the file systems of fsspec call that which changes with a file."""

_NOTHING = ("", "NA", "na", "None", "nan", "NaN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording of a corpus.

    Parameters
    ----------
    child : str
        Id of the child; `UNKNOWN` where nobody says.
    name : str
        What results call it; with the child it is unique in its corpus. It holds no password.
    at : str
        Path, or address as fsspec takes it; an address may hold a password or a signature.
    about : mapping of str to str
        What else the corpus says of it: ``date_iso``, ``start_time``, ``child_dob``, …

    Examples
    --------
    >>> one = Recording(child="c1", name="day1.wav", at="s3://lab/day1.wav")
    >>> one.remote
    True
    """

    child: str
    name: str
    at: str
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def remote(self) -> bool:
        """Whether it is read through fsspec."""
        return is_address(self.at)

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"child": self.child, "name": self.name, "at": self.at, "about": dict(self.about)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recording":
        """Read what `as_dict` gave."""
        return cls(
            child=str(values["child"]),
            name=str(values["name"]),
            at=str(values["at"]),
            about=dict(values.get("about", {})),
        )


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings, and what was wrong with the corpus.

    Parameters
    ----------
    at : str
        Where it is; what is written or shown of it is `masked`.
    kind : str
        One of `KINDS`.
    recordings : tuple of Recording
        In order of child and name; each once.
    problems : tuple of str
        One line each: what is missing, given twice or contradicts itself, and what was
        done about it.
    """

    at: str
    kind: str
    recordings: tuple[Recording, ...]
    problems: tuple[str, ...] = ()


def is_address(text: str) -> bool:
    """Whether a text is an address and no path.

    Examples
    --------
    >>> is_address("https://lab.example/day1.wav"), is_address("a/day1.wav")
    (True, False)
    """
    return _ADDRESS.match(text) is not None


def read_corpus(at: str | Path) -> Corpus:
    """Read what there is to hear.

    Parameters
    ----------
    at : str or Path
        A ChildProject data set, a folder, a CSV list or one recording; a list, a folder
        and its recordings may also be addresses that fsspec knows (``s3://``,
        ``https://``, …). Paths in a list begin at its folder.

    Returns
    -------
    Corpus

    Raises
    ------
    SourceError
        There is no such corpus, it cannot be read, or no recording is in it.
    """
    text = os.fspath(at)
    if not text:
        raise SourceError("no corpus is named: name a folder, a list or a recording")
    if is_address(text):
        found = _remote(text)
    else:
        # Workers, and who repeats the run, may be in another folder.
        path = Path(text).absolute()
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
            is_project = is_folder and (path / "metadata" / "recordings.csv").is_file()
        except OSError as error:
            raise unreadable(path, error) from None
        if not is_folder and not is_file:
            raise SourceError(f"no such corpus: {shown(text)}: check the name")
        if is_project:
            found = _childproject(path)
        elif is_folder:
            found = _folder(path)
        elif path.suffix.lower() in (".csv", ".tsv"):
            found = _list(str(path), _text_of(path), _beside(path))
        else:
            one = Recording(child=UNKNOWN, name=printable(path.name), at=str(path))
            found = Corpus(str(path), "recording", (one,))
    if not found.recordings:
        why = f" ({found.problems[0]})" if found.problems else ""
        raise SourceError(f"{shown(masked(text))} holds no recording that can be heard{why}")
    order = sorted(found.recordings, key=lambda one: (one.child, one.name))
    return Corpus(found.at, found.kind, tuple(order), found.problems)


def _folder(path: Path) -> Corpus:
    problems: list[str] = []
    recordings = []
    for one in find_recordings(path, on_error=problems.append):
        inside = one.relative_to(path)
        child = inside.parts[0] if len(inside.parts) > 1 else UNKNOWN
        recordings.append(
            Recording(child=printable(child), name=printable(inside.as_posix()), at=str(one))
        )
    problems += _linked(path)
    return Corpus(str(path), "folder", tuple(recordings), tuple(problems))


def _linked(path: Path) -> list[str]:
    """Name the links to folders: as they could lead in circles, none is followed."""
    problems = []
    for at, folders, _ in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        problems += [
            f"{printable(str(Path(at, name)))} is a link to a folder; left out: name the "
            "recordings in it in a list"
            for name in folders
            if Path(at, name).is_symlink()
        ]
    return problems


def _list(at: str, text: str, place: Callable[[str], str]) -> Corpus:
    rows, problems = _rows(text, where=masked(at))
    names = ("recording", "recording_filename", "path", "url")
    column = next((one for one in names if rows and one in rows[0][1]), None)
    if rows and column is None:
        raise SourceError(
            f"{shown(masked(at))}: line 1: no column recording (there are "
            f"{', '.join(rows[0][1])}): name the column with paths or addresses so"
        )
    recordings: list[Recording] = []
    by_place: dict[str, int] = {}
    typed = Counter(_bare(row.get(column or "", "").strip()) for _, row in rows)
    for line, row in rows:
        where = f"{masked(at)}: line {line}"
        written = row.get(column or "", "").strip()
        name = _bare(written)
        if name != written and typed[name] > 1:
            # The query tells them apart, and may be a secret.
            name += "?" + hashlib.sha256(written.encode()).hexdigest()[:8]
        if name in _NOTHING:
            problems.append(f"{where}: no recording is named; left out")
            continue
        child = row.get("child_id", row.get("child", "")).strip()
        if child in _NOTHING:
            problems.append(f"{where}: nobody says whose recording {name} is; {UNKNOWN!r} is taken")
            child = UNKNOWN
        found = place(written)
        if found in by_place:
            problems.append(
                f"{where}: {name} was named in line {by_place[found]} already; heard once"
            )
            continue
        by_place[found] = line
        if not is_address(found) and not Path(found).is_file():
            problems.append(f"{where}: no such file: {name}; left out")
            continue
        about = {k: v for k, v in row.items() if k not in (column, "child_id", "child") and v}
        recordings.append(Recording(child=child, name=name, at=found, about=about))
    return Corpus(at, "list", tuple(recordings), tuple(problems))


def _childproject(path: Path) -> Corpus:
    table = path / "metadata" / "recordings.csv"
    rows, problems = _rows(_text_of(table), where=str(table))
    children = _children(path, problems)
    raw = path / "recordings" / "raw"
    recordings: dict[str, Recording] = {}
    lines: dict[str, int] = {}
    lengths: dict[str, float] = {}
    named: set[str] = set()
    for line, row in rows:
        where = f"{table}: line {line}"
        name = row.get("recording_filename", "").strip()
        if name in _NOTHING:
            problems.append(f"{where}: no recording_filename; left out")
            continue
        named.add(name)
        if row.get("discard", "").strip() in ("1", "1.0", "True", "true"):
            problems.append(f"{where}: {name} is marked discard; left out")
            continue
        if name in lines:
            same = recordings.get(name)
            other = same is not None and same.child != row.get("child_id", "").strip()
            problems.append(
                f"{where}: {name} was given in line {lines[name]} already"
                + (" for another child" if other else "")
                + "; heard once, as that line says"
            )
            continue
        lines[name] = line
        child = row.get("child_id", "").strip()
        if child in _NOTHING:
            problems.append(f"{where}: no child_id; {UNKNOWN!r} is taken")
            child = UNKNOWN
        elif children is not None and child not in children:
            problems.append(f"{where}: child {child} is not in children.csv; its age is not known")
        if not (raw / name).is_file():
            problems.append(f"{where}: no such file: recordings/raw/{name}; left out")
            continue
        about = {
            key: value
            for key, value in (row | (children or {}).get(child, {})).items()
            if key not in ("child_id", "recording_filename") and value not in _NOTHING
        }
        recordings[name] = Recording(child=child, name=name, at=str(raw / name), about=about)
        with_length = about.get("duration", "")
        if re.fullmatch(r"\d+(\.\d+)?", with_length):
            lengths[name] = float(with_length)
    if raw.is_dir():
        for one in find_recordings(raw, on_error=problems.append):
            inside = one.relative_to(raw).as_posix()
            if inside not in named:
                problems.append(
                    f"recordings/raw/{printable(inside)} is not in recordings.csv; left out"
                )
    problems += _annotation_problems(path, named, lengths)
    return Corpus(str(path), "childproject", tuple(recordings.values()), tuple(problems))


def _children(path: Path, problems: list[str]) -> dict[str, dict[str, str]] | None:
    table = path / "metadata" / "children.csv"
    if not table.is_file():
        problems.append(f"{table} is missing: ages are not known")
        return None
    children: dict[str, dict[str, str]] = {}
    rows, wrong = _rows(_text_of(table), where=str(table))
    problems += wrong
    for line, row in rows:
        child = row.get("child_id", "").strip()
        if child in children:
            problems.append(f"{table}: line {line}: child {child} is given twice; the first holds")
        elif child not in _NOTHING:
            children[child] = {"child_dob": row.get("child_dob", "")}
    return children


def _annotation_problems(
    path: Path, recordings: Iterable[str], lengths: Mapping[str, float]
) -> list[str]:
    """Say what is wrong with the index of annotations; nothing is heard differently for it."""
    table = path / "metadata" / "annotations.csv"
    if not table.is_file():
        return []
    rows, problems = _rows(_text_of(table), where=str(table))
    known = set(recordings)
    ranges: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for line, row in rows:
        where = f"{table}: line {line}"
        name, set_ = row.get("recording_filename", ""), row.get("set", "")
        if name not in known:
            problems.append(f"{where}: annotations of {name or 'nothing'}, which is no recording")
        made = row.get("annotation_filename", "")
        if made not in _NOTHING and row.get("error", "") in _NOTHING:
            converted = path / "annotations" / set_ / "converted" / made
            if not converted.is_file():
                problems.append(f"{where}: no such file: annotations/{set_}/converted/{made}")
        try:
            since, until = float(row["range_onset"]), float(row["range_offset"])
        except (KeyError, ValueError):
            problems.append(f"{where}: range_onset and range_offset are no numbers")
            continue
        if until <= since:
            problems.append(f"{where}: its range ends before it begins")
            continue
        if until > lengths.get(name, until):
            problems.append(f"{where}: its range ends after the recording does")
        ranges.setdefault((set_, name), []).append((since, until, line))
    for (set_, name), found in ranges.items():
        found.sort()
        for (one, end, first), (two, stop, second) in pairwise(found):
            if (one, end) == (two, stop):
                problems.append(
                    f"{table}: line {second}: set {set_} has this range of {name} in line {first} "
                    "already"
                )
            elif two < end:
                problems.append(
                    f"{table}: line {second}: set {set_} annotates a part of {name} twice: its "
                    f"range overlaps that of line {first}"
                )
    return problems


def _remote(at: str) -> Corpus:
    if at.lower().partition("?")[0].endswith((".csv", ".tsv")):
        with opened(at) as file:
            content = file.read()
        base = at.partition("?")[0].rpartition("/")[0]
        return _list(
            at,
            _decoded(content, masked(at)),
            lambda name: name if is_address(name) else f"{base}/{name}",
        )
    files = remote_files(at)
    recordings = []
    for found, inside in files:
        if PurePosixPath(inside).suffix.lower() in EXTENSIONS:
            parts = PurePosixPath(inside).parts
            child = parts[0] if len(parts) > 1 else UNKNOWN
            recordings.append(Recording(child=child, name=inside, at=found))
    return Corpus(at, "folder", tuple(recordings))


def opened(at: str, **options: Any) -> Any:
    """Open a recording or list for reading, wherever it is; a context manager.

    Parameters
    ----------
    at : str
        A path, or an address that fsspec knows.
    **options
        For fsspec's files: ``block_size``, ``cache_type``.

    Raises
    ------
    SourceError
        It cannot be opened.
    """
    if not is_address(at):
        try:
            return Path(at).open("rb")
        except OSError as error:
            raise unreadable(Path(at), error) from None
    system, path = _filesystem(at)
    try:
        return system.open(path, "rb", **options)
    except Exception as error:
        raise _unreachable(at, error) from None


def about_file(at: str) -> tuple[int, str]:
    """Give the size of a file and what changes when it changes: no reading of the whole.

    Parameters
    ----------
    at : str

    Returns
    -------
    size : int [bytes]
        0 where a server does not say.
    mark : str
        Time of change, ETag or version; empty where nothing says, so that only its content
        can tell.

    Raises
    ------
    SourceError
        It cannot be found or reached.
    """
    if not is_address(at):
        try:
            found = Path(at).stat()
        except OSError as error:
            raise unreadable(Path(at), error) from None
        return found.st_size, str(found.st_mtime_ns)
    system, path = _filesystem(at)
    try:
        info = system.info(path)
    except Exception as error:
        raise _unreachable(at, error) from None
    mark = next((str(info[key]) for key in _MARKS if info.get(key)), "")
    return int(info.get("size") or 0), mark


def remote_files(at: str) -> list[tuple[str, str]]:
    """Give (address, path below `at`) of all files below an address, in order.

    Raises
    ------
    SourceError
        It cannot be reached.
    """
    system, path = _filesystem(at)
    try:
        found = sorted(system.find(path))
    except Exception as error:
        raise _unreachable(at, error) from None
    base = path.rstrip("/") + "/"
    if found == [path]:
        return [(at, PurePosixPath(path).name)]
    return [(system.unstrip_protocol(one), one.removeprefix(base)) for one in found]


def _filesystem(at: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise SourceError(
            f"{masked(at)} is read with fsspec: pip install 'harken[studies]'"
        ) from None
    try:
        system, path = fsspec.core.url_to_fs(at)
    except (ValueError, ImportError) as error:
        raise SourceError(f"{masked(at)} cannot be read: {error}") from None
    return system, path


def _unreachable(at: str, error: Exception) -> HarkenError:
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, FileNotFoundError):
        what = "not found"
    return SourceError(
        f"{masked(at)} cannot be read ({masked(what)}): check the address and the access"
    )


def masked(text: str) -> str:
    """Hide what may be secret in the addresses of a text: who one logs in as, and the query.

    Examples
    --------
    >>> masked("https://lab:secret@host/a.wav?X-Signature=1 is gone")
    'https://***@host/a.wav?*** is gone'
    """
    return _HIDING.sub(_hide, text)


def _hide(address: re.Match[str]) -> str:
    rest, query, _ = address["rest"].partition("?")
    return address["kind"] + ("***@" if address["who"] else "") + rest + ("?***" if query else "")


def _bare(name: str) -> str:
    """Give a name for results: an address without password and query; anything else as it is."""
    if not is_address(name):
        return name
    return masked(name).replace("***@", "").removesuffix("?***")


def _beside(path: Path) -> Callable[[str], str]:
    def place(name: str) -> str:
        return name if is_address(name) else str(path.parent / name)

    return place


def _rows(text: str, *, where: str) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Read a table: (line, row) of each row, and what is wrong with it."""
    problems = []
    head = text.partition("\n")[0]
    delimiter = next((one for one in (",", ";", "\t") if one in head), ",")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values():
                problems.append(f"{where}: line {reader.line_num}: not as many cells as columns")
            plain = {key: (value or "") for key, value in row.items() if key is not None}
            if any(plain.values()):
                rows.append((reader.line_num, plain))
    except csv.Error as error:
        raise SourceError(f"{where}: line {reader.line_num}: {error}") from None
    return rows, problems


def _text_of(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise unreadable(path, error) from None


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SourceError(f"{where}: line {line}: is not UTF-8: save it as UTF-8") from None


def printable(name: str) -> str:
    r"""Give a name that can be written: bytes that are not UTF-8 become ``\xNN``.

    Examples
    --------
    >>> print(printable(os.fsdecode(b"day\xff.wav")))
    day\xff.wav
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
