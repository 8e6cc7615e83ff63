"""Care logs that other programs export as tables: what each column is, is guessed and shown.

A table is read whole before anything is written. A cell that cannot be read is
named by line and column; a row that the care log has no entry for is listed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from harken.errors import HarkenError, ParameterError
from harken.exchange.cells import (
    CellError,
    Clock,
    Row,
    Table,
    celsius,
    choices,
    is_day_first,
    kilograms,
    length,
    millilitres,
)
from harken.exchange.incoming import Incoming

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "what": "kind of entry: sleep, feed, diaper …",
        "at": "date and time at which it began",
        "date": "date alone; the time is in another column",
        "time": "time of day alone; the date is in another column",
        "until": "date and time, or time of day, at which it ended",
        "length": "how long it took: 1:30, or minutes",
        "amount": "of a bottle: 120 ml, 4 oz",
        "side": "of a breastfeed: left, right, both",
        "left": "how long at the left breast",
        "right": "how long at the right breast",
        "status": "of a nappy: wet, dirty, mixed",
        "wet": "of a nappy: yes or no",
        "solid": "of a nappy: yes or no",
        "temperature": "of the body, °C or °F",
        "name": "of a medicine",
        "dose": "of a medicine",
        "food": "what was eaten",
        "weight": "of the child; kept as a note",
        "text": "a remark; several columns are joined",
        "child": "name of the child",
        "-": "left out on purpose",
    }
)
"""What a column can be."""

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "what": ("type", "what", "event", "event type", "activity", "category", "kind"),
    "at": ("start", "start time", "started", "started at", "begin", "begins", "at", "timestamp",
           "datetime", "date time", "date/time", "time", "from"),
    "date": ("date", "day"),
    "until": ("end", "end time", "ended", "ended at", "until", "stop", "finish", "to"),
    "length": ("duration", "length", "total duration", "minutes"),
    "amount": ("amount", "volume", "ml", "oz", "quantity", "milk"),
    "side": ("side", "breast", "start side"),
    "left": ("left", "left duration"),
    "right": ("right", "right duration"),
    "status": ("status", "diaper", "nappy", "contents", "diaper type"),
    "wet": ("wet", "pee", "urine"),
    "solid": ("solid", "dirty", "poo", "poop", "stool"),
    "temperature": ("temperature", "temp", "body temperature", "celsius", "fahrenheit"),
    "name": ("medicine", "medication", "medication name", "drug"),
    "dose": ("dose", "dosage"),
    "food": ("food", "foods", "meal"),
    "weight": ("weight",),
    "text": ("note", "notes", "comment", "comments", "remark", "remarks", "details", "text"),
    "child": ("baby", "child", "baby name", "child name", "baby_name"),
}  # fmt: skip
_KINDS: Mapping[str, tuple[str, ...]] = {
    "sleep": ("sleep", "nap", "night sleep", "sleeping"),
    "feed": ("feed", "feeding", "nursing", "nurse", "breastfeed", "breastfeeding", "breast",
             "bottle", "bottle feed", "bottle feeding", "formula", "expressed", "solids",
             "solid food", "solid", "meal", "eating"),
    "nappy": ("diaper", "nappy", "diaper change", "nappy change", "change", "potty"),
    "medicine": ("meds", "med", "medicine", "medication", "vitamin", "supplement"),
    "temperature": ("temperature", "temp", "fever"),
    "carry": ("carry", "carrying", "carried", "babywearing"),
    "note": ("note", "notes", "comment", "milestone", "journal", "growth", "weight", "height"),
}  # fmt: skip
_FOODS = ("formula", "expressed", "breast milk")
_UNIT = re.compile(r"[\[(]\s*([^)\]]*?)\.?\s*[\])]")
_HUCKLEBERRY = {"type", "start", "start condition", "end condition"}
_SIDED = re.compile(r"^(\d{1,2}:\d{2}(?::\d{2})?)\s*([LR])?$", re.IGNORECASE)
_LONGEST_TEXT = 4000
_YES = frozenset({"yes", "y", "true", "1", "x", "✓"})
_NO = frozenset({"no", "n", "false", "0", ""})
_WET = re.compile(r"\b(pee|wet|urine|both|mixed)", re.IGNORECASE)
_SOLID = re.compile(r"\b(poo|poop|dirty|soiled|stool|bm|both|mixed|solid)", re.IGNORECASE)
_DRY = re.compile(r"\b(dry|clean|empty)\b", re.IGNORECASE)
_AHEAD = timedelta(minutes=10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout:
    """What each column of a table is.

    Parameters
    ----------
    source : str
        What wrote it: ``"huckleberry"``, ``"baby-tracker-sleep"``, ``"harken"`` or
        ``"table"``.
    title : str
        The same for people.
    columns : mapping of str to str
        Column to one of `FIELDS`; of a program's own layout to what it says.
    kind : str or None
        What every row is, where no column says so.
    food : str or None
        What every feed was, where the table is of one food.
    """

    source: str
    title: str
    columns: Mapping[str, str]
    kind: str | None = None
    food: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A place in a table, and what is to be said of it.

    Parameters
    ----------
    line : int
    column : str
        Empty where it is about the whole row.
    says : str
    """

    line: int
    column: str
    says: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", column {self.column!r}" if self.column else "")
        return f"{where}: {self.says}"


@dataclass(frozen=True, slots=True)
class Entries:
    """What a table holds.

    Parameters
    ----------
    layout : Layout
    incoming : tuple of Incoming
    unreadable : tuple of Trouble
        Cells that cannot be read; their rows are not among `incoming`.
    unheld : tuple of Trouble
        Rows that the care log has no entry for.
    says : tuple of Trouble
        What was read in a way that a person should know: hours that came twice,
        rows that repeat.
    unused : mapping of str to int
        Columns that are left out, and how many of their cells hold something.
    day_first : bool
        How dates like 3/4/2026 were read.
    """

    layout: Layout
    incoming: tuple[Incoming, ...]
    unreadable: tuple[Trouble, ...] = ()
    unheld: tuple[Trouble, ...] = ()
    says: tuple[Trouble, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    day_first: bool = False


def guess(
    table: Table, *, mapping: Mapping[str, str] | None = None, kind: str | None = None
) -> Layout:
    """Guess what each column of a table is.

    Parameters
    ----------
    table : Table
    mapping : mapping of str to str, optional
        Column to field, before what is guessed.
    kind : str, optional
        What every row is.

    Returns
    -------
    Layout

    Raises
    ------
    ParameterError
        If the mapping names a column or field that there is not, or it cannot be
        told when an entry began or what it is.

    Examples
    --------
    >>> from harken.exchange.cells import read_table
    >>> layout = guess(read_table(b"Baby,Time,Duration(minutes),Note"))
    >>> layout.source, layout.kind
    ('baby-tracker-sleep', 'sleep')
    """
    mapping = dict(mapping or {})
    for column, named in mapping.items():
        if column not in table.columns:
            raise ParameterError(
                f"--map {column}=…: there is no such column; there are {', '.join(table.columns)}"
            )
        if named not in FIELDS:
            raise ParameterError(
                f"--map {column}={named}: a column can be {', '.join(FIELDS)} (- leaves it out)"
            )
    if kind is not None and kind not in _KINDS:
        raise ParameterError(f"kind={kind!r} must be one of {', '.join(_KINDS)}")
    plain = {_plain(column): column for column in table.columns}
    if not mapping and plain.keys() >= _HUCKLEBERRY:
        return Layout("huckleberry", "a Huckleberry export", _huckleberry_columns(table))
    if not mapping and plain.keys() >= {"event", "what", "at", "until", "zone"}:
        return Layout("harken", "Harken's own care.csv", {})
    columns: dict[str, str] = dict(mapping)
    taken = set(mapping.values())
    for column in table.columns:
        if column in columns:
            continue
        found = next((one for one, names in _HEADERS.items() if _plain(column) in names), None)
        if found == "at" and _plain(column) == "time" and "date" in plain and "at" not in taken:
            found = "time"
        if found is not None and (found == "text" or found not in taken):
            columns[column] = found
            taken.add(found)
    source, title, sort, food = _baby_tracker(table, plain)
    if mapping or source is None:
        source, title = "table", "a table"
    kind = kind or (sort if "what" not in taken else None)
    if "at" not in taken and not {"date", "time"} <= taken:
        raise ParameterError(
            f"{table.name}: cannot tell which column says when; say --map COLUMN=at "
            f"(columns: {', '.join(table.columns)})"
        )
    if "what" not in taken and kind is None:
        kind = _kind_of_fields(taken)
        if kind is None:
            raise ParameterError(
                f"{table.name}: cannot tell what the rows are; say --kind sleep (or feed, nappy …) "
                "or --map COLUMN=what"
            )
    return Layout(source, title, columns, kind, food)


def _plain(column: str) -> str:
    """Give a column's name without its unit, in small letters."""
    return " ".join(_UNIT.sub(" ", column).lower().split())


def _unit(column: str) -> str:
    found = _UNIT.search(column)
    name = found[1].lower().replace(".", "").strip() if found else _plain(column)
    return {"minutes": "min", "minute": "min", "mins": "min", "hours": "h", "seconds": "s",
            "°f": "f", "°c": "c", "fahrenheit": "f", "celsius": "c", "fl oz": "oz"}.get(
        name, name
    )  # fmt: skip


def _kind_of_fields(taken: set[str]) -> str | None:
    if "status" in taken or {"wet", "solid"} & taken:
        return "nappy"
    if "temperature" in taken:
        return "temperature"
    if "name" in taken:
        return "medicine"
    if {"side", "left", "right", "amount", "food"} & taken:
        return "feed"
    return None


def _baby_tracker(
    table: Table, plain: Mapping[str, str]
) -> tuple[str | None, str, str | None, str | None]:
    """Tell which of Baby Tracker's files it is: source, title, kind, food."""
    if "time" not in plain or not plain.keys() & {"baby"}:
        return None, "", None, None
    names = set(plain)
    stem = Path(table.name).stem.lower()
    if "status" in names:
        sort, kind, food = "diaper", "nappy", None
    elif "total duration" in names:
        sort, kind, food = "nursing", "feed", None
    elif "temperature" in names:
        sort, kind, food = "temperature", "temperature", None
    elif "medication name" in names:
        sort, kind, food = "medication", "medicine", None
    elif "amount" in names:
        sort, kind = "bottle", "feed"
        food = next((one for one in ("formula", "expressed") if one in stem), None)
        sort = food or sort
        food = {"expressed": "breast milk"}.get(food or "", food)
    elif "duration" in names:
        sort, kind, food = "sleep", "sleep", None
    else:
        return None, "", None, None
    return f"baby-tracker-{sort}", f"Baby Tracker's {sort} table", kind, food


def _huckleberry_columns(table: Table) -> dict[str, str]:
    says = {
        "type": "what it is", "start": "when it began", "end": "when it ended",
        "duration": "how long it took", "start condition": "depends on the type",
        "start location": "depends on the type", "end condition": "depends on the type",
        "notes": "remark",
    }  # fmt: skip
    return {column: says[_plain(column)] for column in table.columns if _plain(column) in says}


def read_entries(
    table: Table,
    *,
    zone: ZoneInfo,
    child: str | None,
    names: Mapping[str, str] | None = None,
    mapping: Mapping[str, str] | None = None,
    kind: str | None = None,
    unit: str | None = None,
    day_first: bool | None = None,
    as_notes: bool = False,
    now: datetime | None = None,
) -> Entries:
    """Read the entries of a table.

    Parameters
    ----------
    table : Table
    zone : ZoneInfo
        Of its times, where they have no offset.
    child : str or None
        Id of the child that rows are about which name none that is known.
    names : mapping of str to str, optional
        Names of children to their ids.
    mapping, kind
        As `guess` takes them.
    unit : {'ml', 'oz'}, optional
        Of amounts where neither cell nor column says it; by default ml.
    day_first : bool, optional
        Whether ``3/4/2026`` is in April; by default told from all dates.
    as_notes : bool
        Whether rows of kinds that the care log lacks become notes.
    now : datetime, optional

    Returns
    -------
    Entries

    Raises
    ------
    ParameterError
        If columns cannot be told, a child is not known, or the order of day and
        month is not clear.
    """
    layout = guess(table, mapping=mapping, kind=kind)
    if layout.source == "harken":
        raise ParameterError(
            f"{table.name}: is Harken's own care.csv, made for reading; bring back the export "
            "that it was in with 'harken journal import'"
        )
    if unit not in (None, "ml", "oz"):
        raise ParameterError(f"unit={unit!r} must be ml or oz")
    reader = _Reader(table, layout, zone, day_first, unit, as_notes, now or datetime.now(UTC))
    whose = reader.children(child, names or {})
    return reader.read(whose)


@dataclass(slots=True)
class _Draft:
    """What a row says, before times and ids."""

    what: str
    data: dict[str, Any] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    at: tuple[str, str] = ("", "")
    """Column and cell."""
    date: tuple[str, str] | None = None
    until: tuple[str, str] | None = None
    length: timedelta | None = None


class _UnheldError(Exception):
    """The care log has no entry for a row."""


class _PlaceError(Exception):
    """A cell of a column cannot be read."""

    def __init__(self, column: str, says: str) -> None:
        super().__init__(says)
        self.column = column


class _Reader:
    """Reads the rows of one table."""

    def __init__(
        self,
        table: Table,
        layout: Layout,
        zone: ZoneInfo,
        day_first: bool | None,
        unit: str | None,
        as_notes: bool,
        now: datetime,
    ) -> None:
        self._table, self._layout, self._zone = table, layout, zone
        self._unit, self._as_notes, self._now = unit, as_notes, now
        self._at = {column: i for i, column in enumerate(table.columns)}
        self._plain = {_plain(column): column for column in table.columns}
        self._of: dict[str, list[str]] = {}
        for column, named in layout.columns.items():
            self._of.setdefault(named, []).append(column)
        if day_first is None:
            day_first = self._tell_day_first()
        self._clock = Clock(zone, day_first)

    def _tell_day_first(self) -> bool:
        own = self._layout.source == "huckleberry"
        columns = (
            [self._plain[one] for one in ("start", "end") if one in self._plain]
            if own
            else [one for named in ("at", "date", "until") for one in self._of.get(named, ())]
        )
        texts = [self._cell(row, column) for row in self._table.rows for column in columns]
        told = is_day_first(texts)
        if told is None and self._layout.source.startswith("baby-tracker"):
            # All that is known of it puts the month first.
            return False
        if told is None:
            raise ParameterError(
                f"{self._table.name}: dates like "
                f"{next(one for one in texts if one)[:20]!r} may have the day or the month first; "
                "say --dates day-first or --dates month-first"
            )
        return told

    def _cell(self, row: Row, column: str) -> str:
        return row.cells[self._at[column]]

    def children(self, child: str | None, names: Mapping[str, str]) -> Callable[[Row], str | None]:
        """Say whose each row is."""
        columns = self._of.get("child", [])
        if not columns:
            return lambda row: child
        known = {name.casefold(): id for name, id in names.items()}
        found = {self._cell(row, columns[0]) for row in self._table.rows} - {""}
        strange = sorted(one for one in found if one.casefold() not in known)
        if strange and names and (child is None or len(found) > 1):
            raise ParameterError(
                f"{self._table.name}: is about {', '.join(strange[:5])}, who "
                f"{'is' if len(strange) == 1 else 'are'} not known here; say --child ID, or give "
                "the child that name"
            )
        return lambda row: known.get(self._cell(row, columns[0]).casefold(), child)

    def read(self, whose: Callable[[Row], str | None]) -> Entries:
        """Read every row."""
        incoming: list[Incoming] = []
        bad: list[Trouble] = []
        unheld: list[Trouble] = []
        says: list[Trouble] = []
        turns: Counter[tuple[str, str, str | None]] = Counter()
        seen: dict[tuple[str, str, str | None, str], int] = {}
        for row in self._table.rows:
            notes: list[str] = []
            try:
                draft = self._draft(row)
                at, until = self._times(draft, notes)
                data = self._data(draft, until)
            except _PlaceError as error:
                bad.append(Trouble(row.line, error.column, str(error)))
                continue
            except _UnheldError as error:
                unheld.append(Trouble(row.line, "", str(error)))
                continue
            says += [Trouble(row.line, "", one) for one in notes]
            child = whose(row)
            same = (draft.what, at.isoformat(), child, repr(sorted(data.items())))
            if same in seen:
                says.append(
                    Trouble(row.line, "", f"is the same as line {seen[same]}; it counts once")
                )
                continue
            seen[same] = row.line
            turn = (draft.what, at.isoformat(), child)
            key = f"{draft.what}/{at.isoformat()}/{turns[turn]}"
            turns[turn] += 1
            incoming.append(Incoming(key, draft.what, at, child, data, f"line {row.line}"))
        return Entries(
            self._layout,
            tuple(incoming),
            tuple(bad),
            tuple(unheld),
            tuple(says),
            self._unused(),
            self._clock.day_first,
        )

    def _unused(self) -> dict[str, int]:
        used = set(self._layout.columns)
        left = [column for column in self._table.columns if column not in used]
        left += self._of.get("-", [])
        counts = {
            column: sum(bool(self._cell(row, column)) for row in self._table.rows)
            for column in left
        }
        return {column: count for column, count in counts.items() if count}

    # A row.

    def _draft(self, row: Row) -> _Draft:
        if self._layout.source == "huckleberry":
            return self._huckleberry(row)
        return self._general(row)

    def _general(self, row: Row) -> _Draft:
        def cells(named: str) -> Iterator[tuple[str, str]]:
            for column in self._of.get(named, ()):
                if text := self._cell(row, column):
                    yield column, text

        def first(named: str) -> tuple[str, str] | None:
            return next(cells(named), None)

        told = first("what")
        what = self._layout.kind or ""
        word = ""
        if told is not None:
            word = told[1]
            what = self._kind(word) or what
        if not what:
            if told is None:
                raise _PlaceError(self._of.get("what", [""])[0], "says nothing of what it is")
            what = self._unheld(word)
        draft = _Draft(what)
        draft.at = first("at") or first("time") or ("", "")
        draft.date = first("date") if "time" in self._of else None
        draft.until = first("until")
        if pair := first("length"):
            draft.length = _took(pair)
        sides = {named: _took(pair) for named in ("left", "right") if (pair := first(named))}
        if what == "feed":
            self._feed(draft, first, word, sides)
        elif what == "nappy":
            self._nappy(draft, first, told)
        elif what == "temperature":
            pair = first("temperature")
            if pair is None:
                raise _PlaceError(self._of.get("temperature", [""])[0], "holds no temperature")
            unit = _unit(pair[0])
            named_unit = unit if unit in ("c", "f") else None
            draft.data["celsius"] = _try(pair, lambda text: celsius(text, named_unit))
        elif what == "medicine":
            for named in ("name", "dose"):
                if pair := first(named):
                    draft.data[named] = pair[1]
            if (pair := first("amount")) and "dose" not in draft.data:
                draft.data["dose"] = pair[1]
        if what == "note" and (pair := first("weight")):
            draft.text.append(_weight(pair))
        draft.text += [text for _, text in cells("text")]
        if self._as_notes and what == "note" and word and not self._kind(word):
            draft.text.insert(0, word)
        return draft

    def _feed(
        self,
        draft: _Draft,
        first: Callable[[str], tuple[str, str] | None],
        word: str,
        sides: Mapping[str, timedelta],
    ) -> None:
        long = {side: one for side, one in sides.items() if one}
        if pair := first("side"):
            draft.data["side"] = _side(pair[1])
            if draft.data["side"] is None:
                raise _PlaceError(pair[0], f"{pair[1][:40]!r} is no side (left, right, both)")
        if long:
            # Where it began at one side and went on at the other, it was both.
            draft.data["side"] = "both" if len(long) == 2 else next(iter(long))
            if draft.length is None:
                draft.length = sum(long.values(), timedelta())
            draft.text.append(
                ", ".join(f"{side} {_minutes(one)} min" for side, one in sorted(long.items()))
            )
        if pair := first("amount"):
            unit = _unit(pair[0])
            unit = unit if unit in ("ml", "oz") else self._unit or "ml"
            draft.data["ml"] = _try(pair, lambda text: millilitres(text, unit))
        food = first("food")
        told = next((one for one in _FOODS if one == word.lower()), None)
        if food:
            draft.data["food"] = food[1]
        elif self._layout.food or told:
            draft.data["food"] = self._layout.food or told
        elif "solid" in word.lower():
            draft.data["food"] = "solid food"

    def _nappy(
        self,
        draft: _Draft,
        first: Callable[[str], tuple[str, str] | None],
        told: tuple[str, str] | None,
    ) -> None:
        flags = {}
        for named in ("wet", "solid"):
            if pair := first(named):
                flags[named] = _flag(pair)
        if flags:
            draft.data |= {"wet": flags.get("wet", False), "solid": flags.get("solid", False)}
        elif pair := first("status"):
            draft.data |= _contents(pair)
        elif told is None or self._kind(told[1]) is None:
            raise _PlaceError(self._of.get("status", [""])[0], "does not say wet, dirty or dry")

    def _huckleberry(self, row: Row) -> _Draft:
        def cell(name: str) -> tuple[str, str]:
            column = self._plain.get(name, "")
            return column, self._cell(row, column) if column else ""

        kind = cell("type")
        if not kind[1]:
            raise _PlaceError(kind[0], "says nothing of what it is")
        word = kind[1].lower()
        begun, place, ended = (
            cell(name) for name in ("start condition", "start location", "end condition")
        )
        what = self._kind(word) or self._unheld(kind[1])
        draft = _Draft(what, at=cell("start"))
        if cell("end")[1]:
            draft.until = cell("end")
        took = cell("duration")
        conditions = [one for one in (begun, place, ended) if one[1]]
        if what == "nappy":
            said = ", ".join(text for _, text in (begun, ended) if text)
            draft.data |= _contents((ended[0] if ended[1] else begun[0], said))
            # A colour may stand under Duration.
            extra = [said, took[1]] if ":" in said or took[1] else []
            draft.text += [one for one in extra if one]
        else:
            if took[1]:
                draft.length = _try(took, length)
            if what == "feed":
                self._huckleberry_feed(draft, begun, place, ended)
            elif what == "temperature":
                value = next((one for one in (ended, begun) if one[1]), begun)
                draft.data["celsius"] = _try(value, celsius)
            elif what == "medicine":
                draft.data["name"] = begun[1] or "medicine"
                dose = " ".join(text for _, text in (ended, place) if text)
                if dose:
                    draft.data["dose"] = dose
            elif what == "note" and word in ("growth", "weight", "height"):
                draft.text.append("Growth: " + ", ".join(_weight(one) for one in conditions))
            elif conditions:
                whole = ", ".join(text for _, text in conditions)
                draft.text.append(f"{kind[1]}: {whole}" if what == "note" else whole)
            elif what == "note" and self._kind(word) is None:
                draft.text.append(kind[1])
        if cell("notes")[1]:
            draft.text.append(cell("notes")[1])
        return draft

    def _huckleberry_feed(
        self,
        draft: _Draft,
        begun: tuple[str, str],
        place: tuple[str, str],
        ended: tuple[str, str],
    ) -> None:
        where = place[1].lower()
        if where == "bottle":
            amount = next((one for one in (ended, begun) if any(map(str.isdigit, one[1]))), None)
            if amount is not None:
                unit = self._unit or "ml"
                draft.data["ml"] = _try(amount, lambda text: millilitres(text, unit))
            if begun[1] and (amount is None or begun[1] != amount[1]):
                if any(map(str.isdigit, begun[1])):
                    draft.text.append(f"offered {begun[1]}")
                else:
                    draft.data["food"] = begun[1].lower()
            return
        sided = [_SIDED.match(text) for _, text in (begun, ended)]
        sides = {found[2].upper() for found in sided if found and found[2]}
        if where == "breast" or any(sided):
            # Without a letter it is not said which side was which.
            unnamed = sum(bool(found and not found[2]) for found in sided)
            if len(sides) + unnamed == 2:
                draft.data["side"] = "both"
            elif sides:
                draft.data["side"] = {"L": "left", "R": "right"}[sides.pop()]
            elif "left" in where or "right" in where:
                draft.data["side"] = "left" if "left" in where else "right"
            parts = [text for _, text in (begun, ended) if text]
            if len(parts) > 1 or (parts and not any(sided)):
                draft.text.append(", ".join(parts))
            return
        draft.data["food"] = begun[1] or place[1] or "solid food"
        rest = [text for _, text in (place, ended) if text and text != draft.data["food"]]
        if rest:
            draft.text.append(", ".join(rest))

    def _kind(self, word: str) -> str | None:
        plain = " ".join(word.lower().replace("_", " ").split())
        return next((kind for kind, words in _KINDS.items() if plain in words), None)

    def _unheld(self, word: str) -> str:
        """Say that the care log has no such entry, unless it is to be a note."""
        if self._as_notes:
            return "note"
        raise _UnheldError(f"{word[:40]!r} is no kind of entry here")

    # Its times and data.

    def _times(self, draft: _Draft, notes: list[str]) -> tuple[datetime, datetime | None]:
        column, text = draft.at
        if not text:
            raise _PlaceError(column or "", "does not say when it was")
        if draft.date is not None:
            text = f"{draft.date[1]} {text}"
        local = _try((column, text), self._clock.local)
        ended: datetime | None = None
        if draft.until is not None:
            ended = self._until(draft.until, local)
        at, until = self._settled(draft, local, ended, notes)
        if at > self._now + _AHEAD:
            raise _PlaceError(column, f"{text[:40]!r} lies in the future; are zone and date right?")
        if until is None and draft.length is not None and draft.length:
            until = at + draft.length
        if until is not None:
            where = draft.until[0] if draft.until else ""
            if until < at:
                raise _PlaceError(where, "ends before it begins")
            if until - at > timedelta(days=1):
                raise _PlaceError(where, "lasts longer than a day")
        if draft.what in ("sleep", "carry") and until is None:
            raise _UnheldError("has no end, so it is not known how long it lasted")
        return at, until

    def _until(self, pair: tuple[str, str], begun: datetime) -> datetime:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?(\s*[AaPp]\.?[Mm]\.?)?", pair[1]):
            ended = _try(pair, lambda text: self._clock.local(f"{begun:%Y-%m-%d} {text}"))
            ended = ended.replace(tzinfo=begun.tzinfo)
            return ended + timedelta(days=1) if ended < begun else ended
        return _try(pair, self._clock.local)

    def _settled(
        self, draft: _Draft, local: datetime, ended: datetime | None, notes: list[str]
    ) -> tuple[datetime, datetime | None]:
        """Settle which of two hours is meant where the clocks were put back."""
        if local.tzinfo is None and (ended is None or ended.tzinfo is None):
            begins = choices(local, self._zone)
            ends: Sequence[datetime | None] = (
                choices(ended, self._zone) if ended is not None else (None,)
            )
            if len(begins) > 1 or len(ends) > 1:
                pairs = [(a, b) for a in begins for b in ends if b is None or b >= a]
                fit: list[tuple[datetime, datetime | None]] = [
                    (a, b)
                    for a, b in pairs
                    if b is not None
                    and draft.length is not None
                    and abs((b - a) - draft.length) <= timedelta(minutes=1)
                ]
                # Begin, end and length together may tell.
                if len(fit) == 1:
                    return fit[0]
                pairs = fit or pairs
                if pairs:
                    shown = local if len(begins) > 1 else ended
                    notes.append(
                        f"{shown:%Y-%m-%d %H:%M} came twice (the clocks changed); "
                        "the first was taken"
                    )
                    return pairs[0]
        at, said = self._clock.utc(local)
        notes += [said] if said else []
        if ended is None:
            return at, None
        until, said = self._clock.utc(ended)
        notes += [said] if said else []
        return at, until

    def _data(self, draft: _Draft, until: datetime | None) -> dict[str, Any]:
        data = {key: value for key, value in draft.data.items() if value is not None}
        if until is not None and draft.what in ("sleep", "feed", "carry"):
            data["until"] = until.isoformat()
        text = " · ".join(filter(None, draft.text))
        if len(text) > _LONGEST_TEXT:
            raise _PlaceError("", f"has a remark of more than {_LONGEST_TEXT} characters")
        if text:
            data["text"] = text
        elif draft.what == "note":
            raise _UnheldError("is a note without words")
        return data


def _try(pair: tuple[str, str], read: Callable[[str], T]) -> T:
    try:
        return read(pair[1])
    except (CellError, HarkenError, OverflowError, ValueError) as error:
        raise _PlaceError(pair[0], str(error)) from None


def _took(pair: tuple[str, str]) -> timedelta:
    unit = _unit(pair[0])
    unit = unit if unit in ("min", "h", "s") else "min"
    return _try(pair, lambda text: length(text, unit))


def _minutes(took: timedelta) -> str:
    return f"{took.total_seconds() / 60:g}"


def _side(text: str) -> str | None:
    word = text.strip().lower()
    if word in ("l", "left", "left breast"):
        return "left"
    if word in ("r", "right", "right breast"):
        return "right"
    return "both" if word in ("both", "both breasts", "left & right", "l+r", "lr") else None


def _flag(pair: tuple[str, str]) -> bool:
    word = pair[1].strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise _PlaceError(pair[0], f"{pair[1][:40]!r} is neither yes nor no")


def _contents(pair: tuple[str, str]) -> dict[str, bool]:
    wet, solid = bool(_WET.search(pair[1])), bool(_SOLID.search(pair[1]))
    if not wet and not solid and not _DRY.search(pair[1]):
        raise _PlaceError(pair[0], f"{pair[1][:40]!r} does not say wet, dirty or dry")
    return {"wet": wet, "solid": solid}


def _weight(pair: tuple[str, str]) -> str:
    """Give a weight as it was written, with kilograms beside pounds."""
    try:
        value = kilograms(pair[1])
    except CellError:
        return pair[1]
    return pair[1] if "kg" in pair[1].lower() else f"{pair[1]} ({value:g} kg)"
