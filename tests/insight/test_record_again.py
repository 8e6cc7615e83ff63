"""A record that is brought up to date equals one that is read anew."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes.events import Event, new_id
from harken.insight import Record
from harken.journal import Child, Journal, Room

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def something(rng, journal, at):
    """An event as a household leaves it: new, late, or about what was long ago."""
    kind = rng.choice(("cry", "cry", "end", "care", "care", "removed", "corrected", "responded",
                       "unheard", "heard", "audit"))  # fmt: skip
    bout = str(new_id(at))
    if kind == "cry":
        return Event("cry_started", at, room="nursery",
                     data={"bout": bout, "detected_at": at.isoformat()})  # fmt: skip
    if kind == "end":
        started = journal.events(kinds=["cry_started"])
        if started:
            one = rng.choice(started)
            end = one.at + timedelta(seconds=rng.uniform(5, 400))
            return Event("cry_ended", end, room="nursery",
                         data={"bout": one.data["bout"], "onset": one.at.isoformat(),
                               "mean_cry": 0.9})  # fmt: skip
    if kind in ("removed", "corrected"):
        known = journal.events(kinds=["care", "responded", "removed", "cry_ended"])
        if known:
            target = str(rng.choice(known).id)
            moved = (at - timedelta(hours=rng.uniform(0, 90))).isoformat()
            more = {"at": moved} if kind == "corrected" else {}
            return Event(kind, at, room="nursery", data={"target": target, **more})
    if kind == "responded":
        return Event("responded", at, room="nursery",
                     data={"manner": "arrived", "source": "tapped"})  # fmt: skip
    if kind in ("unheard", "heard"):
        reason = {"reason": "slept"} if kind == "unheard" else {}
        return Event(f"room_{kind}", at, room="nursery", data=reason)
    if kind == "audit":
        return Event("audit", at, data={"what": "joined"})
    text = rng.choice(("slept well", "From tonight: a bath"))
    until = (at + timedelta(hours=rng.uniform(0.1, 9))).isoformat()
    data = rng.choice(({"what": "sleep", "until": until}, {"what": "nappy", "wet": True},
                       {"what": "note", "text": text}))  # fmt: skip
    return Event("care", at, room="nursery", data=data)


@pytest.mark.parametrize("seed", range(6))
def test_again_is_anew(tmp_path, seed):
    rng = random.Random(seed)
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        journal.household.add(Room(id="nursery", name="Nursery"))
        journal.household.add(Child(id="ida", name="Ida", room="nursery"))
        now = NOW
        for _ in range(20):
            journal.append([something(rng, journal, now - timedelta(hours=rng.uniform(0, 400)))])
        revision, known = journal.revision(), Record.of(journal, now=now)
        for _ in range(40):
            now += timedelta(minutes=rng.choice((0.1, 2, 90)))
            for _ in range(rng.randint(0, 2)):
                late = timedelta(hours=rng.choice((0, 0, 0.2, 30, 500)) * rng.random())
                journal.append([something(rng, journal, now - late)])
            reached, touched = journal.revision(), journal.touched_since(revision)
            known = Record.of(journal, now=now, known=known, touched=touched)
            revision = reached
            assert known == Record.of(journal, now=now)
