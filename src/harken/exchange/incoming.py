"""Entries of the care log that come from elsewhere: written once, and corrected when they change.

An entry's event has an id that is made from where it came from and what it is
called there, so that the same entry coming again is the same event. What was
changed there becomes a `corrected` event; what is gone there is reported, and
nothing is removed without a person.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from harken.episodes import resolve
from harken.episodes.events import Event
from harken.errors import ParameterError
from harken.journal import CareEntry, Journal

_ENTRIES = UUID("6c1f4a52-93a4-4a0e-8a7b-2b8f0d5f9e11")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An entry as it is elsewhere.

    Parameters
    ----------
    key : str
        What it is called there; never used for another entry.
    what : str
        Kind of entry, one of `harken.episodes.CARE`.
    at : datetime
        When it began, with a zone.
    child : str or None
        Id of the child here.
    data : mapping
        What the kind carries besides `what`; see the care log.
    where : str
        Where it stands there, for messages: ``"line 14"``, ``"feeding 12"``.
    """

    key: str
    what: str
    at: datetime
    child: str | None
    data: Mapping[str, Any]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to be written to the journal, and what a person should know.

    Parameters
    ----------
    events : tuple of Event
        New entries and corrections.
    new, changed, known : int, ≥ 0
        Numbers of entries.
    missing : tuple of CareEntry
        Entries that came from there once, lie in the stretch that was read and
        are there no longer. They stay until somebody removes them.
    """

    events: tuple[Event, ...]
    new: int
    changed: int
    known: int
    missing: tuple[CareEntry, ...] = field(default=())


def entry_id(source: str, key: str, child: str | None) -> UUID:
    """Give the id of an entry's event.

    Parameters
    ----------
    source : str
        Where it comes from.
    key : str
        What it is called there.
    child : str or None
        Id of the child here.

    Returns
    -------
    UUID
        Version 5: the same on any machine.

    Examples
    --------
    >>> entry_id("babybuddy", "feedings/1", "mia") == entry_id("babybuddy", "feedings/1", "ida")
    False
    """
    return uuid5(_ENTRIES, "\n".join((source, key, child or "")))


def plan(
    journal: Journal,
    source: str,
    incoming: Iterable[Incoming],
    *,
    zone: str,
    now: datetime | None = None,
    covers: tuple[datetime | None, datetime | None] | None = (None, None),
    children: Sequence[str | None] = (),
) -> Writing:
    """Compare entries with what came from the same place before.

    Nothing is written: `Journal.append` takes `Writing.events`.

    Parameters
    ----------
    journal : Journal
    source : str
        Where they come from: letters, digits and hyphens.
    incoming : iterable of Incoming
    zone : str
        IANA name of the zone that they were seen in.
    now : datetime, optional
        When they were read; by default now.
    covers : (datetime or None, datetime or None) or None
        From when until before when everything was read, for `missing`; None: it
        was not read whole, and nothing can be said to be missing.
    children : sequence of str or None
        Ids of children here that an entry may have belonged to before.

    Returns
    -------
    Writing

    Raises
    ------
    ParameterError
        If an entry is none of the care log's.
    """
    now = now or datetime.now(UTC)
    by = f"device:{source}"
    entries = list(incoming)
    ids = [entry_id(source, one.key, one.child) for one in entries]
    elsewhere = {
        entry_id(source, one.key, child): one
        for one in entries
        for child in {*children, None}
        if child != one.child
    }
    about: dict[UUID, list[Event]] = {}
    for event in journal.about([*ids, *elsewhere]):
        target = event.data.get("target")
        about.setdefault(event.id if target is None else UUID(target), []).append(event)
    events: list[Event] = []
    new = changed = known = 0
    for entry, id in zip(entries, ids, strict=True):
        wanted = Event(
            "care",
            entry.at,
            child=entry.child,
            by=by,
            zone=zone,
            data={"what": entry.what, **_said(entry.data)},
            id=id,
        )
        past = about.get(id, [])
        if not past:
            events.append(wanted)
            new += 1
            continue
        correction = _correction(past, wanted, by=by, now=now, zone=zone)
        # It was another child's for a while: what took it back is taken back.
        back = [_removal(one, uuid5(one.id, "back"), now=now) for one in _taken_back(about, id, by)]
        events += [*back, *([] if correction is None else [correction])]
        if correction is None and not back:
            known += 1
        else:
            changed += 1
    for id in elsewhere:
        # It is another child's now: the entry of the one is taken back.
        first = next((event for event in about.get(id, ()) if event.id == id), None)
        if first is not None and not _taken_back(about, id, by):
            turn = sum(event.kind == "removed" for event in about[id])
            events.append(_removal(first, uuid5(id, f"moved {turn}"), now=now))
            changed += 1
    missing: tuple[CareEntry, ...] = ()
    if covers is not None:
        missing = _missing(journal, by, {*ids, *elsewhere}, covers)
    return Writing(tuple(events), new, changed, known, missing)


def _taken_back(about: Mapping[UUID, Sequence[Event]], id: UUID, by: str) -> list[Event]:
    """Give what the source itself took an entry back with, and did not undo."""
    taken = [one for one in about.get(id, ()) if one.kind == "removed" and one.by == by]
    return [
        one
        for one in taken
        if not any(each.kind == "removed" and each.by == by for each in about.get(one.id, ()))
    ]


def _removal(target: Event, id: UUID, *, now: datetime) -> Event:
    return Event(
        "removed",
        now,
        child=target.child,
        by=target.by,
        zone=target.zone,
        data={"target": str(target.id)},
        id=id,
    )


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _correction(
    past: Sequence[Event], wanted: Event, *, by: str, now: datetime, zone: str
) -> Event | None:
    """Give the event that makes of what the source last said what it says now.

    What people corrected here is theirs and stays: only the source's own word is
    compared with its new one.
    """
    own = [event for event in past if event.by == by and event.kind in ("care", "corrected")]
    last = next((event for event in resolve(own) if event.id == wanted.id), None)
    if last is None or (last.at == wanted.at and _said(last.data) == dict(wanted.data)):
        return None
    gone = {key: None for key in _said(last.data) if key not in wanted.data}
    change = {
        key: value for key, value in wanted.data.items() if last.data.get(key) != value
    } | gone
    data: dict[str, Any] = {"target": str(wanted.id)}
    if last.at != wanted.at:
        data["at"] = wanted.at.isoformat()
    if change:
        data["data"] = change
    turn = sum(event.kind == "corrected" for event in own)
    said = json.dumps([turn, wanted.at.isoformat(), dict(wanted.data)], sort_keys=True)
    id = uuid5(wanted.id, hashlib.sha256(said.encode()).hexdigest())
    # Of several corrections the latest counts, so this one must not lie before the last.
    at = max([now, *(event.at for event in own if event.kind == "corrected")])
    return Event("corrected", at, child=wanted.child, by=by, zone=zone, data=data, id=id)


def _missing(
    journal: Journal,
    by: str,
    ids: set[UUID],
    covers: tuple[datetime | None, datetime | None],
) -> tuple[CareEntry, ...]:
    since, until = covers
    came = {
        str(event.id)
        for event in journal.events(kinds=("care",))
        if event.by == by and event.id not in ids
    }
    if not came:
        return ()
    return tuple(
        one
        for one in journal.care()
        if one.event in came
        and (since is None or one.at >= since)
        and (until is None or one.at < until)
    )


def check_source(name: str) -> str:
    """Check the name of a place that entries come from.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ParameterError
        If it is not 1 to 40 letters, digits and hyphens.

    Examples
    --------
    >>> check_source("babybuddy")
    'babybuddy'
    """
    plain = name.replace("-", "").replace("_", "")
    if not (0 < len(name) <= 40 and name.isascii() and plain.isalnum()):
        raise ParameterError(f"name={name[:40]!r} must be 1 to 40 letters, digits and hyphens")
    return name
