"""Episodes and the outbox, kept equal to the events in the transaction that appends them.

What an event can touch is found by `harken.episodes.refold`; only that is folded
anew. `rebuild` folds everything, and the result is equal.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from harken.episodes import Episode, EpisodeSettings, keys, refold, times
from harken.episodes.events import Event
from harken.journal import schema
from harken.journal.rows import by_id, chunks, event_of, row_of, sharing

BACK_OFF = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds from a failed try of an alert to the next; the last one goes on."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""When an episode that is open ends, as far as it is stored."""

_APART = frozenset({"care", "audit", "push_lost"})
"""Kinds that no episode is made of."""


class _Queries:
    """What `Memory` asks for, put into words once for a room and once for no room."""

    def __init__(self, *, room: bool) -> None:
        since: sa.BindParameter[datetime] = sa.bindparam("since")
        until: sa.BindParameter[datetime] = sa.bindparam("until")
        events, moments, episodes = (
            table.c for table in (schema.events, schema.event_times, schema.episodes)
        )

        def here(column: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
            # In either case an index answers.
            return column == sa.bindparam("room") if room else column.is_(None)

        self.own = sa.select(schema.events).where(
            here(events.room), events.at >= since, events.at <= until
        )
        self.others = sa.select(moments.event).where(
            sa.or_(here(moments.room), moments.room.is_(None)),
            moments.at >= since,
            moments.at <= until,
        )
        self.episodes = sa.select(episodes.body).where(
            here(episodes.room), episodes.ends >= since, episodes.onset <= until
        )


_IN_ROOM, _IN_NO_ROOM = _Queries(room=True), _Queries(room=False)
_WIDER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is known of a room from `since` to `until`."""

    since: datetime
    until: datetime
    own: list[Event]
    others: list[Event]
    episodes: list[Episode]


class Memory:
    """What `refold` asks of the journal, inside one transaction in which events do not change.

    It asks many times for stretches that overlap, so each is read with some time
    on either side, and the next answers come from that.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._read: dict[str | None, _Stretch] = {}

    def sharing(self, keys: Collection[UUID]) -> list[Event]:
        """Give the events that have one of these ids or name one."""
        return sharing(self._connection, map(str, keys))

    def between(self, room: str | None, since: datetime, until: datetime | None) -> list[Event]:
        """Give the events of a room that bear on a moment from `since` to `until`."""
        until = until or END_OF_TIME
        near = self._around(room, since, until)
        return [*(one for one in near.own if since <= one.at <= until), *near.others]

    def episodes(self, room: str | None, since: datetime, until: datetime | None) -> list[Episode]:
        """Give the stored episodes of a room that overlap a stretch of time."""
        until = until or END_OF_TIME
        return [
            one
            for one in self._around(room, since, until).episodes
            if one.onset <= until and since <= (one.ended_at or END_OF_TIME)
        ]

    def _around(self, room: str | None, since: datetime, until: datetime) -> _Stretch:
        known = self._read.get(room)
        if known is not None:
            if known.since <= since and until <= known.until:
                return known
            since, until = min(since, known.since), max(until, known.until)
        since, until = later(since, -_WIDER), later(until, _WIDER)
        queries = _IN_NO_ROOM if room is None else _IN_ROOM
        values: dict[str, Any] = {"since": since, "until": until}
        if room is not None:
            values["room"] = room
        own = {row.id: event_of(row) for row in self._connection.execute(queries.own, values)}
        others = set(self._connection.scalars(queries.others, values)) - own.keys()
        bodies = self._connection.scalars(queries.episodes, values).all()
        self._read[room] = _Stretch(
            since,
            until,
            list(own.values()),
            by_id(self._connection, others),
            [episode_of(body) for body in bodies],
        )
        return self._read[room]


# The same few are read again and again: on every page, and with each event near them.
@lru_cache(maxsize=2_000)
def episode_of(body: str) -> Episode:
    """Read an episode as it is stored."""
    return Episode.from_dict(json.loads(body))


def insert(connection: sa.Connection, events: Iterable[Event]) -> list[Event]:
    """Append the events whose ids are not there yet.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        That writes.
    events : iterable of Event

    Returns
    -------
    list of Event
        The new ones; of several with one id the first.
    """
    rows: dict[str, dict[str, Any]] = {}
    first: dict[str, Event] = {}
    for event in events:
        text = str(event.id)
        if text not in first:
            first[text], rows[text] = event, row_of(event)
    table = schema.events
    for chunk in chunks(list(rows)):
        for known in connection.scalars(sa.select(table.c.id).where(table.c.id.in_(chunk))):
            del rows[known]
    if not rows:
        return []
    new = [first[text] for text in rows]
    connection.execute(sa.insert(table), list(rows.values()))
    named = [
        {"key": str(key), "event": str(event.id)}
        for event in new
        for key in keys(event)
        if key != event.id
    ]
    if named:
        connection.execute(sa.insert(schema.event_keys), named)
    # A correction belongs to the room of what it corrects, which may not have come yet.
    moments = [
        {"event": str(event.id), "at": at, "room": None if anywhere else event.room}
        for event in new
        for anywhere in (event.kind == "corrected",)
        for at in set(times(event))
        if anywhere or at != event.at
    ]
    if moments:
        connection.execute(sa.insert(schema.event_times), moments)
    return new


def project(connection: sa.Connection, new: Sequence[Event], settings: EpisodeSettings) -> None:
    """Bring episodes and outbox up to date with events that were just inserted.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        That inserted them.
    new : sequence of Event
    settings : EpisodeSettings
    """
    _tell(connection, new)
    telling = [event for event in new if event.kind not in _APART]
    if not telling:
        return
    result = refold(telling, Memory(connection), settings)
    stale: set[str] = set()
    held = schema.episode_bouts.c
    for chunk in chunks(result.bouts):
        stale.update(connection.scalars(sa.select(held.episode).where(held.bout.in_(chunk))))
    for chunk in chunks(stale):
        for column in (held.episode, schema.episodes.c.id):
            connection.execute(sa.delete(column.table).where(column.in_(chunk)))
    _store(connection, result.episodes)


def rebuild(connection: sa.Connection, folded: Sequence[Episode], alerts: Iterable[Event]) -> None:
    """Put episodes and outbox in the place of all that are there.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        That writes.
    folded : sequence of Episode
        Of all events.
    alerts : iterable of Event
        All events about alerts.
    """
    for table in (schema.episode_bouts, schema.episodes, schema.outbox):
        connection.execute(sa.delete(table))
    _store(connection, folded)
    rows = _outbox_rows(alerts)
    if rows:
        connection.execute(sa.insert(schema.outbox), rows)


def _store(connection: sa.Connection, folded: Sequence[Episode]) -> None:
    if not folded:
        return
    connection.execute(
        sa.insert(schema.episodes),
        [
            {
                "id": one.id,
                "room": one.room,
                "child": one.child,
                "onset": one.onset,
                "ends": one.ended_at or END_OF_TIME,
                "outcome": one.outcome.value,
                "body": json.dumps(one.as_dict(), separators=(",", ":")),
            }
            for one in folded
        ],
    )
    connection.execute(
        sa.insert(schema.episode_bouts),
        [
            {"bout": bout, "episode": one.id}
            for one in folded
            for bout in {cried.bout for cried in one.bouts}
        ],
    )


def is_about_alert(event: Event) -> bool:
    """Whether an event can change the outbox."""
    return event.kind in ("alert_due", "alert_sent", "alert_failed")


def _tell(connection: sa.Connection, new: Sequence[Event]) -> None:
    """Make the rows of the outbox anew that new events are about."""
    alerts = {str(UUID(event.data["alert"])) for event in new if is_about_alert(event)}
    if not alerts:
        return
    for chunk in chunks(alerts):
        connection.execute(sa.delete(schema.outbox).where(schema.outbox.c.alert.in_(chunk)))
    rows = _outbox_rows(filter(is_about_alert, sharing(connection, alerts)), only=alerts)
    if rows:
        connection.execute(sa.insert(schema.outbox), rows)


def _outbox_rows(
    alerts: Iterable[Event], only: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """Fold the events of alerts, in whatever order they came."""
    told: dict[str, list[Event]] = {}
    for event in alerts:
        alert = str(UUID(event.data["alert"]))
        if only is None or alert in only:
            told.setdefault(alert, []).append(event)
    rows = []
    for alert, events in told.items():
        events.sort(key=lambda event: (event.at, event.id))
        due = next((event for event in events if event.kind == "alert_due"), None)
        if due is None:
            continue
        failed = [event for event in events if event.kind == "alert_failed"]
        next_try: datetime | None = due.at
        if failed:
            wait_s = BACK_OFF[min(len(failed), len(BACK_OFF)) - 1]
            next_try = later(failed[-1].at, timedelta(seconds=wait_s))
        if any(e.kind == "alert_sent" or e.data.get("final") is True for e in events):
            next_try = None
        rows.append(
            {
                "alert": alert,
                "event": str(due.id),
                "attempts": len(failed),
                "next_try": next_try,
            }
        )
    return rows


def later(at: datetime, by: timedelta) -> datetime:
    """Move a time, as far as the calendar goes.

    Examples
    --------
    >>> later(datetime.max.replace(tzinfo=UTC), timedelta(1)).year
    9999
    """
    try:
        return at + by
    except OverflowError:
        return END_OF_TIME if by > timedelta(0) else datetime.min.replace(tzinfo=UTC)
