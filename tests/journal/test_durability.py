"""Nothing that was acknowledged is lost, and a crash leaves a journal that is whole."""

import random
import select
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from harken.journal import Journal

pytestmark = pytest.mark.slow

WRITER = """
import sys, threading
from datetime import UTC, datetime, timedelta
from harken.episodes import Event, new_id
from harken.journal import Journal

journal, out = Journal.open(sys.argv[1]), threading.Lock()
at = datetime(2026, 1, 1, tzinfo=UTC)

def write(number):
    for turn in range(100_000):
        start = at + timedelta(seconds=200 * turn)
        room, bout = f"room{number}", str(new_id())
        began = Event("cry_started", start, room=room,
                      data={"bout": bout, "detected_at": start.isoformat()})
        due = Event("alert_due", start, room=room, data={
            "alert": str(new_id()), "about": "cry", "channel": "page", "episode": bout})
        over = Event("cry_ended", start + timedelta(seconds=9), room=room,
                     data={"bout": bout, "onset": start.isoformat(), "mean_cry": 0.9})
        for events in ([began, due], [over]):
            journal.append(events)
            with out:
                print(*(event.id for event in events), flush=True)

for number in range(4):
    threading.Thread(target=write, args=(number,)).start()
"""


def acknowledged(url, seconds):
    """Start a writer, kill it after some seconds of writing, give what it had acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        ready, _, _ = select.select([process.stdout], [], [], 60)
        assert ready, "nothing was written within a minute"
        time.sleep(seconds)
    finally:
        process.kill()
        out, _ = process.communicate()
    # The last line may be cut off; what it told of was acknowledged all the same.
    whole = out.decode().rpartition("\n")[0]
    return whole.split()


def test_a_writer_that_is_killed_has_lost_nothing_it_acknowledged(fresh):
    url, chance = fresh(), random.Random(1)
    told = set()
    for _ in range(6):
        told |= set(acknowledged(url, chance.uniform(0.02, 0.6)))
        with Journal.open(url) as journal:
            events = journal.events()
            assert told <= {str(event.id) for event in events}
            far = events[-1].at + timedelta(days=1)
            kept, due = journal.episodes(now=far), journal.due_alerts(far)
            # Every cry that nobody was told of yet is still due.
            assert len(due) == sum(event.kind == "alert_due" for event in events)
            journal.rebuild()
            assert journal.episodes(now=far) == kept
            assert journal.due_alerts(far) == due
    assert len(told) > 20
