"""Events as rows, and rows as events."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from harken.episodes.events import Event
from harken.errors import JournalError, ParameterError
from harken.journal import schema
from harken.journal.household import check_text

_CHUNK = 400
"""Values in one statement: SQLite of any build takes 999."""

T = TypeVar("T")


def row_of(event: Event) -> dict[str, Any]:
    """Make a row of an event.

    Parameters
    ----------
    event : Event

    Returns
    -------
    dict

    Raises
    ------
    ParameterError
        If it cannot be kept and read again: its data are no JSON, or a text is no text.
    """
    try:
        data = json.dumps(dict(event.data), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ParameterError(f"event {event.kind}: data must hold JSON values only") from None
    row: dict[str, Any] = {
        "id": str(event.id),
        "kind": event.kind,
        "at": event.at,
        "zone": event.zone,
        "room": event.room,
        "child": event.child,
        "seen_by": event.by,
        "data": data,
    }
    for name in ("zone", "room", "child", "seen_by"):
        if row[name] is not None:
            check_text(f"event {event.kind}: {name}", row[name])
    return row


def event_of(row: sa.Row[Any]) -> Event:
    """Make an event of a row of `schema.events`.

    Returns
    -------
    Event

    Raises
    ------
    JournalError
        If this version does not know its kind or data.
    """
    try:
        return _event(
            row.kind, row.at, row.room, row.child, row.seen_by, row.zone, row.data, row.id
        )
    except ParameterError as error:
        raise JournalError(
            f"the journal holds an event that this Harken cannot read ({error}); update Harken"
        ) from error


# The events around the present are read again with each new one.
@lru_cache(maxsize=20_000)
def _event(
    kind: str,
    at: datetime,
    room: str | None,
    child: str | None,
    by: str,
    zone: str,
    data: str,
    id: str,
) -> Event:
    return Event(kind, at, room, child, by, zone, json.loads(data), UUID(id))


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut values into lists that fit one statement.

    Yields
    ------
    list
        Never empty.
    """
    rest = iter(values)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


_BY_ID = sa.select(schema.events).where(schema.events.c.id.in_(sa.bindparam("ids", expanding=True)))
_NAMING = sa.select(schema.event_keys.c.event).where(
    schema.event_keys.c.key.in_(sa.bindparam("keys", expanding=True))
)


def by_id(connection: sa.Connection, ids: Iterable[str]) -> list[Event]:
    """Give the events that have one of some ids.

    Returns
    -------
    list of Event
        In no order.
    """
    return [
        event_of(row) for chunk in chunks(ids) for row in connection.execute(_BY_ID, {"ids": chunk})
    ]


def sharing(connection: sa.Connection, keys: Iterable[str]) -> list[Event]:
    """Give the events that have one of some ids, or name one in their data.

    Returns
    -------
    list of Event
        Once each, in no order.
    """
    found = set(keys)
    for chunk in chunks(list(found)):
        found.update(connection.scalars(_NAMING, {"keys": chunk}))
    return by_id(connection, found)
