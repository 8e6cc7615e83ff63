"""Export and import: everything in formats that other programs read.

========================  =================================================
``harken.json``           what this is: format, version, numbers of lines
``events.jsonl``          every event, in order of time; `Event.as_dict`
``household.jsonl``       rooms, children, caregivers, channels, plans, duty, settings
``series.jsonl``          readings of sensors, up to a thousand a line
``episodes.csv``          for reading only: made from the events
``care.csv``              for reading only: made from the events
========================  =================================================
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from harken import __version__
from harken.episodes import resolve
from harken.episodes.events import Event, read_time
from harken.errors import HarkenError, JournalError
from harken.journal import schema, series
from harken.journal.care import CareEntry
from harken.journal.household import (
    INTERNAL,
    SECRET,
    TABLES,
    Caregiver,
    Channel,
    Child,
    DutyTurn,
    Plan,
    Room,
    as_dict,
    entry_of,
    from_dict,
    open_settings,
    write_duty,
    write_entry,
    write_setting,
)
from harken.journal.projection import episode_of, insert
from harken.journal.rows import event_of

FORMAT = 2
"""Raised whenever an older Harken could misread an export."""

MANIFEST, EVENTS, HOUSEHOLD = "harken.json", "events.jsonl", "household.jsonl"
SERIES = "series.jsonl"
EPISODES, CARE = "episodes.csv", "care.csv"

_MOVES = {"room": Room, "child": Child, "caregiver": Caregiver, "channel": Channel, "plan": Plan}
"""Entries of the household that move with it; sessions and codes do not."""

_LONGEST_LINE = 1 << 20
_AT_ONCE = 5000
_READINGS_A_LINE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Files = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens a file of an archive by its name, for reading or for writing."""

EPISODE_COLUMNS = (
    "id", "room", "child", "onset", "ended_at", "outcome", "latency_s", "censored_s",
    "time_to_calm_s", "calm_at", "crying_s", "bouts", "alerts", "first_response",
    "answered_by", "soothing", "checks", "reason", "false_alarm", "drill",
)  # fmt: skip
CARE_COLUMNS = (
    "event", "what", "at", "until", "zone", "room", "child", "by", "caregiver", "side", "ml",
    "food", "wet", "solid", "name", "dose", "celsius", "text",
)  # fmt: skip


def cell(value: Any) -> str | int | float:
    """Make a cell of a table that no spreadsheet takes for a formula.

    Parameters
    ----------
    value : any
        None gives an empty cell; a text that begins like a formula gets an
        apostrophe in front.

    Returns
    -------
    str, int or float

    Examples
    --------
    >>> cell("=1+1"), cell("Mia"), cell(-3.5), cell(True), cell(None)
    ("'=1+1", 'Mia', -3.5, 'true', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value.value if isinstance(value, Enum) else value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def export(connection: sa.Connection, path: Path) -> None:
    """Write an export; see `Journal.export`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        All of it is read from.
    path : Path
        A folder, or a file that ends in ``.zip``.

    Raises
    ------
    JournalError
        If it cannot be written.
    """
    try:
        if path.suffix.lower() == ".zip":
            _export_zip(connection, path)
        else:
            _export_folder(connection, path)
    except OSError as error:
        raise JournalError(
            f"{error.filename or path}: the export cannot be written ({error.strerror})"
        ) from error


def _export_folder(connection: sa.Connection, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    known = {MANIFEST, EVENTS, HOUSEHOLD, SERIES, EPISODES, CARE}
    others = [one.name for one in folder.iterdir() if one.name not in known]
    if others:
        raise JournalError(
            f"{folder}: holds other files ({min(others)}); export into a new or empty folder"
        )

    @contextmanager
    def opened(name: str) -> Iterator[IO[bytes]]:
        part = folder / f"{name}.part"
        try:
            with open(part, "wb", opener=_private) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(folder / name)
        finally:
            part.unlink(missing_ok=True)

    # Without its first page an export that broke off is not taken for a whole one.
    (folder / MANIFEST).unlink(missing_ok=True)
    _export(connection, opened)


def _export_zip(connection: sa.Connection, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with (
            open(part, "wb", opener=_private) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            _export(connection, lambda name: packed.open(name, "w", force_zip64=True))
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read: there are addresses with passwords in it."""
    return os.open(path, flags, 0o600)


def _export(connection: sa.Connection, files: Files) -> None:
    table = schema.events
    care: list[Event] = []
    count = 0
    with files(EVENTS) as file:
        rows = connection.execute(sa.select(table).order_by(table.c.at, table.c.id))
        for row in rows:
            event = event_of(row)
            file.write(_line(event.as_dict()))
            count += 1
            if event.kind in ("care", "removed", "corrected"):
                care.append(event)
    entries = list(_household(connection))
    with files(HOUSEHOLD) as file:
        for entry in entries:
            file.write(_line(entry))
    lines = 0
    with files(SERIES) as file:
        for line in _series(connection):
            file.write(_line(line))
            lines += 1
    with files(EPISODES) as file:
        episodes = schema.episodes
        bodies = connection.scalars(
            sa.select(episodes.c.body).order_by(episodes.c.onset, episodes.c.id)
        )
        _table(file, EPISODE_COLUMNS, map(_episode_row, bodies))
    with files(CARE) as file:
        kept = [CareEntry.of(event) for event in resolve(care) if event.kind == "care"]
        _table(file, CARE_COLUMNS, ([getattr(one, key) for key in CARE_COLUMNS] for one in kept))
    about = {
        "format": FORMAT,
        "harken": __version__,
        "events": count,
        "household": len(entries),
        "series": lines,
    }
    with files(MANIFEST) as file:
        file.write(_line(about))


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False).encode() + b"\n"


def _household(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    for kind in TABLES:
        name = kind.__name__.lower()
        if name in _MOVES:
            order = TABLES[kind].c.id
            for row in connection.execute(sa.select(TABLES[kind]).order_by(order)).mappings():
                yield {"entry": name, **as_dict(entry_of(kind, row))}
    turns: dict[str, list[dict[str, Any]]] = {}
    duty = schema.duty.c
    for row in connection.execute(
        sa.select(schema.duty).order_by(duty.room, duty.position)
    ).mappings():
        turns.setdefault(row["room"], []).append(as_dict(entry_of(DutyTurn, row)))
    for room, some in turns.items():
        yield {"entry": "duty", "room": room, "turns": some}
    for key, value in open_settings(connection).items():
        yield {"entry": "setting", "key": key, "value": value}


def _series(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    for one in series.every(connection):
        about = {"what": one.what, "source": one.source, "room": one.room, "child": one.child}
        for piece in series.pieces(connection, one, _READINGS_A_LINE):
            told = [[at.isoformat(timespec="milliseconds"), value] for at, value in piece]
            yield {**about, "readings": told}


def _episode_row(body: str) -> Sequence[Any]:
    one = episode_of(body)
    first = one.first_response
    values = {
        **{name: getattr(one, name, None) for name in EPISODE_COLUMNS},
        "bouts": sum(bout.kept for bout in one.bouts),
        "alerts": len(one.alerts),
        "first_response": first and first.at,
        "answered_by": first and first.caregiver,
        "soothing": " ".join(dict.fromkeys(part.attempt for part in one.soothing)),
        "checks": " ".join(dict.fromkeys(part.need for part in one.checks)),
    }
    return list(values.values())


def _table(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    text.flush()
    text.detach()


@contextmanager
def reading(path: Path) -> Iterator["Source"]:
    """Open an export for reading; see `Journal.import_`.

    Parameters
    ----------
    path : Path
        A folder or a ``.zip``.

    Yields
    ------
    Source

    Raises
    ------
    JournalError
        If it is no export, or one of a newer format.
    """
    try:
        if path.is_dir():
            yield Source(path, lambda name: _open_inside(path, name))
        else:
            # Read by name and never unpacked: a name in it cannot lead anywhere.
            with zipfile.ZipFile(path) as packed:
                yield Source(path, packed.open)
    except zipfile.BadZipFile:
        raise JournalError(
            f"{path}: is neither a folder nor a .zip that 'harken journal export' wrote"
        ) from None
    except OSError as error:
        raise JournalError(
            f"{error.filename or path}: cannot be read ({error.strerror})"
        ) from error
    except KeyError as error:
        raise JournalError(f"{path}: is no whole export ({error.args[0]})") from None


def _open_inside(folder: Path, name: str) -> IO[bytes]:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise JournalError(f"{folder}: is no whole export (there is no file {name} in it)")
    return path.open("rb")


class Source:
    """An export that is open, with its first page read.

    Parameters
    ----------
    path : Path
        Where it is, for messages.
    files : callable
        Opens a file of it.
    """

    def __init__(self, path: Path, files: Files) -> None:
        self.path = path
        self._files = files
        ((_, about),) = islice(self._lines(MANIFEST), 1)
        version = about.get("format")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise JournalError(f"{path}: is no export of Harken ({MANIFEST} names no format)")
        if version > FORMAT:
            raise JournalError(
                f"{path}: was exported by a newer Harken (format {version}, this one knows up "
                f"to {FORMAT}); update Harken"
            )
        self.holds_series = version > 1
        self._expected = {
            EVENTS: about.get("events"),
            HOUSEHOLD: about.get("household"),
            SERIES: about.get("series"),
        }

    def lines(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the objects of a file, each with where it stands.

        Raises
        ------
        JournalError
            If a line is no JSON object or too long, or some are missing.
        """
        count = 0
        for where, values in self._lines(name):
            count += 1
            yield where, values
        if count != self._expected[name]:
            raise JournalError(
                f"{self.path}: {name} has {count} lines and should have {self._expected[name]}; "
                "it was cut off or changed"
            )

    def _lines(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._files(name) as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                where = f"{self.path}: {name}, line {number}"
                try:
                    values = json.loads(line)
                except (ValueError, RecursionError):
                    values = None
                if not isinstance(values, dict):
                    raise JournalError(f"{where}: is not a JSON object")
                yield where, values
            if not number and name == MANIFEST:
                raise JournalError(f"{self.path}: is no export of Harken ({name} is empty)")


def import_(connection: sa.Connection, source: Source) -> int:
    """Insert what an export holds; episodes are to be rebuilt afterwards.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        That writes.
    source : Source

    Returns
    -------
    int
        Number of events that were new.

    Raises
    ------
    JournalError
        At the first line that is wrong.
    """
    for where, values in source.lines(HOUSEHOLD):
        with _at(where):
            _take(connection, dict(values))
    events = _events(source)
    count = 0
    while some := list(islice(events, _AT_ONCE)):
        count += len(insert(connection, some))
    if source.holds_series:
        for where, values in source.lines(SERIES):
            with _at(where):
                _take_readings(connection, values)
    return count


@contextmanager
def _at(where: str) -> Iterator[None]:
    try:
        yield
    except HarkenError as error:
        raise JournalError(f"{where}: {error}") from error


def _events(source: Source) -> Iterator[Event]:
    for where, values in source.lines(EVENTS):
        with _at(where):
            event = Event.from_dict(values)
        yield event


def _take_readings(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    about = {key: value for key, value in values.items() if key != "readings"}
    try:
        one = series.Series(**about)
    except TypeError:
        raise JournalError("series must have what, source, room and child") from None
    told = values.get("readings")
    if not isinstance(told, list):
        raise JournalError("series must have readings")
    found = []
    for pair in told:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise JournalError("a reading must be a time and a number")
        found.append(series.Reading(read_time(pair[0]), one.check(pair[1])))
    series.insert(connection, one, found)


def _take(connection: sa.Connection, values: dict[str, Any]) -> None:
    kind = values.pop("entry", None)
    if isinstance(kind, str) and kind in _MOVES:
        write_entry(connection, from_dict(_MOVES[kind], values))
    elif kind == "duty":
        room, turns = values.get("room"), values.get("turns")
        if not isinstance(room, str) or not isinstance(turns, list):
            raise JournalError("duty must name a room and its turns")
        write_duty(connection, room, [from_dict(DutyTurn, turn) for turn in turns])
    elif kind == "setting":
        key = values.get("key")
        if not isinstance(key, str) or key.startswith((SECRET, INTERNAL)):
            raise JournalError("this setting cannot be imported")
        write_setting(connection, key, values.get("value"))
    else:
        raise JournalError(f"{kind!r} is no entry of a household that can be imported")
