"""What another threshold would have done: counted from what was told, and nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from harken.episodes import Event, new_id
from harken.hub import Hub
from harken.journal import Journal, Room

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)


def cried(at, top, *, false_alarm=False, drill=False):
    """Ten seconds of crying whose smoothed P(cry) reached `top`, and what was said of it."""
    bout, end = str(new_id(at)), at + timedelta(seconds=10)
    extra = {"drill": True} if drill else {}
    events = [
        Event("cry_started", at, room="nursery",
              data={"bout": bout, "detected_at": at.isoformat(), **extra}),
        Event("cry_ended", end, room="nursery",
              data={"bout": bout, "onset": at.isoformat(), "mean_cry": top, "top_cry": top,
                    **extra}),
    ]  # fmt: skip
    if false_alarm:
        alert = str(new_id(at))
        events += [
            Event("alert_due", at, room="nursery",
                  data={"alert": alert, "about": "cry", "channel": "page", "episode": bout}),
            Event("alert_sent", at, room="nursery", data={"alert": alert}),
            Event("not_a_cry", end, room="nursery", data={"episode": bout}),
        ]  # fmt: skip
    return events


@pytest.fixture
def hub(tmp_path):
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.household.add(Room(id="nursery", name="Nursery", ear="off"))
        hub = Hub(journal, now=lambda: NOW)
        asyncio.run(hub._open_room(journal.household.get(Room, "nursery")))
        yield hub


def test_it_counts_what_would_have_been_missed_and_spared(hub):
    night = NOW - timedelta(days=2)
    for k, (top, options) in enumerate(
        [(0.95, {}), (0.7, {}), (0.6, {"false_alarm": True}), (0.9, {"false_alarm": True}),
         (0.55, {"drill": True})]
    ):  # fmt: skip
        hub.journal.append(cried(night + timedelta(hours=k), top, **options))
    found = hub.tuning("nursery", 0.8)
    assert (found["cries"], found["cries_missed"]) == (2, 1)
    assert (found["false_alarms"], found["false_alarms_gone"]) == (2, 1)
    assert found["nights"] == 2
    assert found["false_wakeups_a_night"] == 1.0


def test_with_nothing_heard_it_counts_nothing(hub):
    found = hub.tuning("nursery", 0.5)
    assert found["cries"] == found["false_alarms"] == 0
    assert found["false_wakeups_a_night"] == 0
