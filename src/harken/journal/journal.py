"""The journal: events that are appended and never changed, and what is folded from them."""

import hashlib
import threading
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from harken.episodes import Episode, EpisodeSettings, fold, resolve, times
from harken.episodes.events import Event
from harken.errors import JournalError, ParameterError
from harken.journal import archive, projection, schema
from harken.journal import series as kept_series
from harken.journal.backup import back_up
from harken.journal.care import CareEntry
from harken.journal.database import Database, read_url
from harken.journal.household import SETTINGS, Household, write_setting
from harken.journal.rows import by_id, event_of, row_of, sharing
from harken.journal.series import Reading, Series, Step

_FOLDED_WITH = "journal.folded_with"
"""Setting: with which settings the stored episodes were folded."""

_LONGEST_CARE = timedelta(days=1)
_NEAR = timedelta(hours=1)
"""So long after an episode's end an event may still change how it ended."""

_WITHOUT_TRACE = ("audit", "push_lost")
"""Kinds of which neither episodes nor care nor listening are made."""


@dataclass(frozen=True, slots=True)
class Revision:
    """How far a journal had come; from `Journal.revision`.

    Parameters
    ----------
    seq : int, ≥ 0
        Number of the last event that had arrived.
    folded_with : str
        With which settings its episodes were folded.

    Examples
    --------
    >>> str(Revision(7, "{}"))
    '7-44136fa3'
    """

    seq: int
    folded_with: str

    def __str__(self) -> str:
        return f"{self.seq}-{hashlib.sha256(self.folded_with.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class DueAlert:
    """An alert that is still to be sent.

    Parameters
    ----------
    event : Event
        Its `alert_due`.
    attempts : int, ≥ 0
        How often it failed.
    next_try : datetime
    """

    event: Event
    attempts: int
    next_try: datetime


class _Request:
    """Events of one caller that wait to be committed."""

    __slots__ = ("done", "error", "events", "new")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.new: list[Event] = []
        self.error: BaseException | None = None
        self.done = False


class Journal:
    """What is remembered; made by `Journal.open`.

    It may be used from any number of threads, and closed with `with`. Events of
    threads that append at the same time share one commit.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     fed = Event("care", datetime(2026, 1, 1, tzinfo=UTC), data={"what": "feed"})
    ...     first, again = journal.append([fed]), journal.append([fed])
    ...     len(first), len(again), journal.events() == [fed]
    (1, 0, True)
    >>> folder.cleanup()
    """

    def __init__(self, database: Database, settings: EpisodeSettings | None) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self.household = Household(database)
        if settings is not None and settings != self._stored_settings():
            self.household.set_setting(SETTINGS, settings.as_dict())
        self._settings = settings or self._stored_settings()
        with database.reading() as connection:
            empty = connection.execute(sa.select(schema.events.c.seq).limit(1)).first() is None
        folded_with = self.household.get_setting(_FOLDED_WITH)
        if folded_with != self._settings.as_dict():
            self._remember_settings() if empty else self.rebuild()

    @classmethod
    def open(
        cls, url: str | Path | None = None, *, settings: EpisodeSettings | None = None
    ) -> Self:
        """Open a journal, or begin one where there is none.

        Parameters
        ----------
        url : str or Path, optional
            A file, ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``;
            by default `default_path`.
        settings : EpisodeSettings, optional
            How events become episodes, as `use` sets it; by default what was set
            last. Where the stored episodes were made with others, they are made anew.

        Returns
        -------
        Journal

        Raises
        ------
        JournalError
            If it cannot be opened or made, is damaged, or was written by a newer
            Harken; it is then left as it was.
        """
        database = Database(read_url(default_path() if url is None else url))
        try:
            return cls(database, settings)
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({self._database.name!r})"

    @property
    def name(self) -> str:
        """Where it is kept, without a password."""
        return self._database.name

    @property
    def settings(self) -> EpisodeSettings:
        """How events become episodes."""
        return self._settings

    def _stored_settings(self) -> EpisodeSettings:
        stored = self.household.get_setting(SETTINGS)
        try:
            return EpisodeSettings.from_dict(stored or {})
        except (ParameterError, TypeError):
            # Written by hand or by another version: the defaults are right until somebody chooses.
            return EpisodeSettings()

    def use(self, settings: EpisodeSettings) -> int:
        """Set how events become episodes, for the household and from now on.

        Parameters
        ----------
        settings : EpisodeSettings

        Returns
        -------
        int
            Number of episodes, all made anew.
        """
        self.household.set_setting(SETTINGS, settings.as_dict())
        self._settings = settings
        return self.rebuild()

    def close(self) -> None:
        """Close it; an append that has begun is finished first."""
        with self._turn:
            self._database.close()

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Write events; once it returns they are on the disk.

        Episodes and the outbox change in the same transaction. An event whose id
        is known already is passed over, whatever it says.

        Parameters
        ----------
        events : sequence of Event

        Returns
        -------
        list of Event
            Those that were new.

        Raises
        ------
        JournalError
            If they cannot be written; none of them is then.
        ParameterError
            If the data of one are not JSON, or a text is no text.
        """
        if not events:
            return []
        for event in events:
            row_of(event)
        request = _Request(list(events))
        self._waiting.append(request)
        # Whoever gets the turn writes for all who wait: one fsync for many.
        with self._turn:
            if not request.done:
                self._write_waiting()
        if request.error is not None:
            raise request.error
        return request.new

    def _write_waiting(self) -> None:
        batch: list[_Request] = []
        while self._waiting:
            batch.append(self._waiting.popleft())
        try:
            self._write(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            else:
                # What fails for one must not fail for the others.
                for request in batch:
                    try:
                        self._write([request])
                    except Exception as its_own:
                        request.error = its_own
        except BaseException:
            for request in batch:
                request.error = JournalError("the journal was stopped while it wrote; try again")
            raise
        finally:
            for request in batch:
                request.done = True

    def _write(self, batch: Sequence[_Request]) -> None:
        with self._database.writing() as connection:
            new = projection.insert(connection, [e for one in batch for e in one.events])
            if new:
                projection.project(connection, new, self._settings)
        left = {event.id: event for event in new}
        for request in batch:
            request.new = [e for e in request.events if left.get(e.id) is e and left.pop(e.id)]

    def events(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        kinds: Collection[str] | None = None,
        room: str | None = None,
        child: str | None = None,
        episode: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Event]:
        """Give events as they were seen, uncorrected.

        Parameters
        ----------
        since, until : datetime, optional
            At or after, and before.
        kinds : collection of str, optional
        room, child : str, optional
            Ids.
        episode : str, optional
            Id of any of its bouts: what names its bouts, its alerts or what was
            done in it, and whatever was seen in its room while it lasted.
        limit : int, ≥ 0, optional
        newest_first : bool

        Returns
        -------
        list of Event
            In order of time and id.
        """
        table = schema.events
        conditions: list[sa.ColumnElement[bool]] = []
        if since is not None:
            conditions.append(table.c.at >= since)
        if until is not None:
            conditions.append(table.c.at < until)
        if kinds is not None:
            some = sorted(set(kinds))
            kind = table.c.kind
            conditions.append(kind == some[0] if len(some) == 1 else kind.in_(some))
        if room is not None:
            # By kind and time there is an index in the order that is wanted.
            conditions.append((table.c.room if kinds is None else table.c.room + "") == room)
        if child is not None:
            conditions.append(table.c.child == child)
        order = (table.c.at, table.c.id)
        chosen = (
            sa.select(table)
            .where(*conditions)
            .order_by(*(column.desc() if newest_first else column for column in order))
            .limit(limit)
        )
        with self._database.reading() as connection:
            if episode is None:
                return [event_of(row) for row in connection.execute(chosen)]
            ids = self._ids_of(connection, episode)
            rows = connection.execute(chosen.limit(None))
            return [event_of(row) for row in rows if row.id in ids][:limit]

    def _ids_of(self, connection: sa.Connection, episode: str) -> set[str]:
        """Give the ids of the events that belong to an episode."""
        found = self._find(connection, episode)
        if found is None:
            return set()
        keys = {one.bout for one in found.bouts} | {one.alert for one in found.alerts}
        parts = (found.acknowledgements, found.responses, found.proposed, found.soothing)
        notes = (found.checks, found.comments, found.plan)
        keys |= {one.event for group in (*parts, *notes) for one in group}
        ids = {str(event.id) for event in _with_all_about(connection, keys)}
        table = schema.events
        while_it_lasted = sa.select(table.c.id).where(
            table.c.room == found.room, table.c.at >= found.onset
        )
        if found.ended_at is not None:
            while_it_lasted = while_it_lasted.where(table.c.at <= found.ended_at)
        return ids | set(connection.scalars(while_it_lasted))

    def last_event(self, kind: str, room: str | None = None) -> Event | None:
        """Give the newest event of a kind.

        Parameters
        ----------
        kind : str
        room : str, optional
            Of this room.

        Returns
        -------
        Event or None
        """
        found = self.events(kinds=(kind,), room=room, limit=1, newest_first=True)
        return found[0] if found else None

    def episodes(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        room: str | None = None,
        child: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        now: datetime | None = None,
    ) -> list[Episode]:
        """Give episodes.

        Parameters
        ----------
        since, until : datetime, optional
            Whose onset is at or after, and before.
        room, child : str, optional
            Ids.
        limit : int, ≥ 0, optional
        newest_first : bool
        now : datetime, optional
            When they are looked at: one that has not been calm for long enough
            by then is open. By default now.

        Returns
        -------
        list of Episode
            In order of onset.
        """
        table = schema.episodes
        chosen = sa.select(table.c.body)
        if since is not None:
            chosen = chosen.where(table.c.onset >= since)
        if until is not None:
            chosen = chosen.where(table.c.onset < until)
        if room is not None:
            # The index by room is not in the order of onsets; the one that is serves best.
            chosen = chosen.where(table.c.room + "" == room)
        if child is not None:
            chosen = chosen.where(table.c.child == child)
        order = (table.c.onset, table.c.id)
        chosen = chosen.order_by(*(one.desc() if newest_first else one for one in order))
        with self._database.reading() as connection:
            bodies = connection.scalars(chosen.limit(limit)).all()
        now = now or datetime.now(UTC)
        return [projection.episode_of(body).as_of(now) for body in bodies]

    def stored_episodes(self, room: str, *, since: datetime) -> list[Episode]:
        """Give the latest episodes of a room in the form that does not depend on the clock.

        For who keeps them and lets time pass by itself, with `Episode.as_of`.

        Parameters
        ----------
        room : str
        since : datetime

        Returns
        -------
        list of Episode
            In order of onset: those whose onset is not before `since`, the newest
            before it, and those that are open however long they may be.
        """
        table = schema.episodes
        some = sa.select(table.c.body, table.c.onset, table.c.id)
        # As in `episodes`: by the index in the order of onsets, not through all of the room's.
        mine = some.where(table.c.room + "" == room)
        recent = mine.where(table.c.onset >= since)
        newest = (
            mine.where(table.c.onset < since)
            .order_by(table.c.onset.desc(), table.c.id.desc())
            .limit(1)
        )
        endless = some.where(table.c.room == room, table.c.ends == projection.END_OF_TIME)
        with self._database.reading() as connection:
            rows = [
                *connection.execute(recent),
                *connection.execute(newest),
                *connection.execute(endless),
            ]
        bodies = {row.id: row for row in rows}
        ordered = sorted(bodies.values(), key=lambda row: (row.onset, row.id))
        return [projection.episode_of(row.body) for row in ordered]

    def episode(self, id: str | UUID, *, now: datetime | None = None) -> Episode | None:
        """Look an episode up.

        Parameters
        ----------
        id : str or UUID
            Of any of its bouts.
        now : datetime, optional
            As in `episodes`.

        Returns
        -------
        Episode or None
        """
        with self._database.reading() as connection:
            found = self._find(connection, str(id))
        return None if found is None else found.as_of(now or datetime.now(UTC))

    def _find(self, connection: sa.Connection, bout: str) -> Episode | None:
        try:
            bout = str(UUID(bout))
        except ValueError:
            return None
        table, held = schema.episodes, schema.episode_bouts
        bodies = connection.scalars(
            sa.select(table.c.body)
            .join(held, held.c.episode == table.c.id)
            .where(held.c.bout == bout)
        )
        found = [projection.episode_of(body) for body in bodies]
        # A withdrawn bout may lie in the span of two; a kept one is in one only.
        found.sort(key=lambda one: not any(b.bout == bout and b.kept for b in one.bouts))
        return found[0] if found else None

    def due_alerts(self, now: datetime) -> list[DueAlert]:
        """Give the alerts that are to be sent by now.

        Parameters
        ----------
        now : datetime

        Returns
        -------
        list of DueAlert
            Neither sent nor given up, with `next_try` at or before `now`; the
            longest due first.
        """
        table = schema.outbox
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(table)
                .where(table.c.next_try <= now)
                .order_by(table.c.next_try, table.c.alert)
            ).all()
            known = {str(one.id): one for one in by_id(connection, [row.event for row in rows])}
        return [DueAlert(known[row.event], row.attempts, row.next_try) for row in rows]

    def next_due(self) -> datetime | None:
        """Give when the next alert is to be tried.

        Returns
        -------
        datetime or None
            It may have passed; None: there is none.
        """
        with self._database.reading() as connection:
            found: datetime | None = connection.scalar(
                sa.select(sa.func.min(schema.outbox.c.next_try))
            )
        return found

    def care(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        child: str | None = None,
        *,
        what: Collection[str] | None = None,
    ) -> list[CareEntry]:
        """Give the care log as people left it: corrected, without what was removed.

        Parameters
        ----------
        since, until : datetime, optional
            Entries that overlap the time from `since` to before `until`; one that
            lasts longer than a day is found on its first.
        child : str, optional
            Id.
        what : collection of str, optional
            Only these, e.g. ``("note",)``.

        Returns
        -------
        list of CareEntry
            In order of begin.
        """
        table, moments, named = schema.events, schema.event_times, schema.event_keys
        entry = table.c.kind == "care"
        here = sa.true() if since is None else table.c.at >= projection.later(since, -_LONGEST_CARE)
        there = moments.c.at >= projection.later(since, -_LONGEST_CARE) if since else sa.true()
        if until is not None:
            here, there = here & (table.c.at < until), there & (moments.c.at < until)
        moved = (
            sa.select(table.c.id)
            .join(moments, moments.c.event == table.c.id)
            .where(table.c.kind == "corrected", there)
        )
        # Few entries are ever spoken of again: only those are followed to their end.
        touched = sa.select(table.c.id).join(named, named.c.key == table.c.id).where(entry, here)
        if what is not None:
            # What was corrected into one of them is followed below.
            words = [table.c.data.like(f'%"what": "{one}"%') for one in sorted(what)]
            said = sa.or_(sa.false(), *words)
        else:
            said = sa.true()
        with self._database.reading() as connection:
            plain = [
                event_of(row)
                for row in connection.execute(sa.select(table).where(entry, here, said))
            ]
            ids = {*connection.scalars(touched), *connection.scalars(moved)}
            about = _with_all_about(connection, ids) if ids else []
        found = list({event.id: event for event in (*plain, *about)}.values())
        entries = [CareEntry.of(event) for event in resolve(found) if event.kind == "care"]
        return [
            one
            for one in entries
            if (child is None or one.child == child)
            and (what is None or one.what in what)
            and (until is None or one.at < until)
            and (since is None or one.at >= since or (one.until or one.at) > since)
        ]

    def standing(self, kind: str) -> list[Event]:
        """Give the events of a kind as people left them: corrected, without what was removed.

        Parameters
        ----------
        kind : str

        Returns
        -------
        list of Event
            In order of time and id.
        """
        table = schema.events
        with self._database.reading() as connection:
            ids = set(connection.scalars(sa.select(table.c.id).where(table.c.kind == kind)))
            found = _with_all_about(connection, ids)
        return [event for event in resolve(found) if event.kind == kind]

    def about(self, ids: Collection[UUID | str]) -> list[Event]:
        """Give events by their ids, with all that corrects or removes them.

        Parameters
        ----------
        ids : collection of UUID or str

        Returns
        -------
        list of Event
            In order of time and id; ids that are not known are passed over.
        """
        with self._database.reading() as connection:
            found = _with_all_about(connection, {str(one) for one in ids})
        return sorted(found, key=lambda event: (event.at, event.id))

    def add_readings(self, series: Series, readings: Sequence[Reading]) -> int:
        """Write readings of a sensor; once it returns they are on the disk.

        Parameters
        ----------
        series : Series
            Begun where it is not there yet.
        readings : sequence of Reading
            One whose moment is known already is passed over, whatever it says.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        JournalError
            If they cannot be written; none of them is then.
        ParameterError
            If a value is outside of what a sensor can give, or a time has no zone.
        """
        if not readings:
            return 0
        with self._turn, self._database.writing() as connection:
            return kept_series.insert(connection, series, readings)

    def series(self) -> list[Series]:
        """Give all series, in a steady order."""
        with self._database.reading() as connection:
            return kept_series.every(connection)

    def readings(
        self, series: Series, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Give the readings of a series.

        Parameters
        ----------
        series : Series
        since, until : datetime, optional
            At or after, and before.

        Returns
        -------
        list of Reading
            In order of time.
        """
        with self._database.reading() as connection:
            return kept_series.read(connection, series, since, until)

    def reading_steps(
        self, series: Series, *, since: datetime, until: datetime, step: timedelta
    ) -> list[Step]:
        """Give mean, lowest and highest reading of each step of time, for drawing.

        Parameters
        ----------
        series : Series
        since, until : datetime
            At or after, and before; the first step begins at `since`.
        step : timedelta, > 0

        Returns
        -------
        list of Step
            In order of time; a step without a reading is a gap and is left out.
        """
        with self._database.reading() as connection:
            return kept_series.steps(connection, series, since, until, step)

    def extent(self, series: Series) -> tuple[int, datetime | None, datetime | None]:
        """Give how many readings a series has, and the times of the first and the last.

        Returns
        -------
        (int, datetime or None, datetime or None)
        """
        with self._database.reading() as connection:
            return kept_series.extent(connection, series)

    def forget_series(self, series: Series) -> int:
        """Delete a series with all its readings.

        Returns
        -------
        int
            How many readings there were.
        """
        with self._turn, self._database.writing() as connection:
            return kept_series.forget(connection, series)

    def revision(self) -> Revision:
        """Say how far the journal has come: what was read at an equal revision is as it was.

        Cheap: for who keeps something that was worked out from all of it. The clock
        is not in it (an episode can end by time passing), nor the household.

        Returns
        -------
        Revision

        Examples
        --------
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
        ...     before = journal.revision()
        ...     _ = journal.append([Event("care", datetime.now(UTC), data={"what": "nappy"})])
        ...     journal.revision() == before
        False
        >>> folder.cleanup()
        """
        kept = schema.settings
        with self._database.reading() as connection:
            seq = connection.scalar(sa.select(sa.func.max(schema.events.c.seq))) or 0
            chosen = sa.select(kept.c.value).where(kept.c.key == _FOLDED_WITH)
            return Revision(seq, connection.scalar(chosen) or "")

    def touched_since(self, revision: Revision) -> datetime | None:
        """Give the earliest moment on which anything written after a revision bears.

        What began before it is as it was: whoever keeps all of the journal in
        memory need only read again from there on.

        Parameters
        ----------
        revision : Revision
            From `revision`.

        Returns
        -------
        datetime or None
            None: nothing was written that episodes, care or listening are made of.
            The begin of time, where episodes were made anew with other settings.
        """
        table = schema.events
        with self._database.reading() as connection:
            kept = schema.settings.c
            folded_with = connection.scalar(sa.select(kept.value).where(kept.key == _FOLDED_WITH))
            if (folded_with or "") != revision.folded_with:
                return datetime.min.replace(tzinfo=UTC)
            new = sa.select(table.c.id).where(
                table.c.seq > revision.seq, table.c.kind.not_in(_WITHOUT_TRACE)
            )
            ids = set(connection.scalars(new))
            about = _with_all_about(connection, ids) if ids else []
            moments = [at for event in about for at in times(event)]
            if not moments:
                return None
            # An episode that lasted until then began earlier.
            first = min(moments)
            chosen = sa.select(sa.func.min(schema.episodes.c.onset))
            overlapping = chosen.where(schema.episodes.c.ends >= projection.later(first, -_NEAR))
            onset: datetime | None = connection.scalar(overlapping)
            return min(first, onset or first)

    def rebuild(self) -> int:
        """Make episodes and outbox anew from all events; they are equal unless a thing was wrong.

        Others may append meanwhile: they wait only while the result is written.

        Returns
        -------
        int
            Number of episodes.
        """
        table = schema.events
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(table))
            last, every = 0, []
            for row in rows:
                last = max(last, row.seq)
                every.append(event_of(row))
        folded = fold(every, self._settings)
        alerts = [event for event in every if projection.is_about_alert(event)]
        del every
        with self._turn, self._database.writing() as connection:
            projection.rebuild(connection, folded, alerts)
            rows = connection.execute(sa.select(table).where(table.c.seq > last))
            projection.project(connection, [event_of(row) for row in rows], self._settings)
            write_setting(connection, _FOLDED_WITH, self._settings.as_dict())
            count = sa.select(sa.func.count()).select_from(schema.episodes)
            return connection.scalar(count) or 0

    def _remember_settings(self) -> None:
        with self._turn, self._database.writing() as connection:
            write_setting(connection, _FOLDED_WITH, self._settings.as_dict())

    def export(self, folder: str | Path) -> None:
        """Write all of it in open formats, for reading and for moving house.

        Sessions, tokens, join codes, push subscriptions and secret settings are
        left out; addresses of channels and cameras are in it.

        Parameters
        ----------
        folder : path
            New, empty or holding an earlier export, which is replaced. A path
            that ends in ``.zip`` makes one file.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        with self._database.reading() as connection:
            archive.export(connection, Path(folder))

    def import_(self, folder: str | Path) -> int:
        """Read an export: all of it or, where something is wrong, nothing.

        Events that are there already are passed over; entries of the household
        take the place of those with the same id.

        Parameters
        ----------
        folder : path
            A folder or ``.zip`` that `export` wrote.

        Returns
        -------
        int
            Number of events that were new.

        Raises
        ------
        JournalError
            If it is none, is damaged, or of a newer format.
        """
        with (
            archive.reading(Path(folder)) as source,
            self._turn,
            self._database.writing() as connection,
        ):
            count = archive.import_(connection, source)
            # Should this stop before the rebuild below, the next opening does it.
            connection.execute(
                sa.delete(schema.settings).where(schema.settings.c.key == _FOLDED_WITH)
            )
        self._settings = self._stored_settings()
        self.rebuild()
        return count

    def backup(self, path: str | Path | None = None) -> Path:
        """Write a backup while the journal is in use; it is consistent.

        Of SQLite it is a journal that can be opened; of PostgreSQL an export in
        one ``.zip``.

        Parameters
        ----------
        path : path, optional
            A file that is not there yet; by default one in ``backups`` beside the
            journal, named after the time.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        JournalError
            If it cannot be written, or there is a file.
        """
        return back_up(self, self._database, None if path is None else Path(path))


def default_path() -> Path:
    """Give where the journal is kept unless another place is named.

    Returns
    -------
    Path
        ``journal.sqlite`` in the data folder (``HARKEN_DATA``, or the system's
        place for a user's data).

    Examples
    --------
    >>> default_path().name
    'journal.sqlite'
    """
    # Here, as the detectors that live beside it take long to load.
    from harken.hearing.store import data_folder

    return data_folder() / "journal.sqlite"


def _with_all_about(connection: sa.Connection, ids: Collection[str]) -> list[Event]:
    """Give events, what they target, what targets them, and so on to the end."""
    known: dict[str, Event] = {}
    asked: set[str] = set()
    frontier = set(ids)
    while frontier:
        asked |= frontier
        near = {str(event.id): event for event in sharing(connection, frontier)}
        known |= near
        targets = {str(UUID(e.data["target"])) for e in near.values() if "target" in e.data}
        frontier = (near.keys() | targets) - asked
    return list(known.values())
