"""Stored episodes and alerts equal those folded from everything, whatever comes in what order."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harken.episodes import ATTEMPTS, Event, fold
from harken.journal import Journal
from harken.journal.projection import _outbox_rows, is_about_alert

BOUTS = [str(UUID(int=(7 << 76) | (2 << 62) | n)) for n in range(1, 7)]
ALERTS = [str(UUID(int=(7 << 76) | (2 << 62) | n)) for n in range(11, 14)]
KINDS = [
    "cry_started", "cry_ended", "cry_ended", "cry_withdrawn", "cry_lost", "voice_heard",
    "room_heard", "alert_due", "alert_sent", "alert_failed", "acknowledged", "responded",
    "soothed", "calmed", "not_a_cry", "commented", "confirmed", "removed", "corrected", "care",
]  # fmt: skip
ROOMS = ["nursery", "there", None]


@st.composite
def event_lists(draw, after):
    """Events that have much to do with each other, in any order, some of them twice."""
    moment = st.integers(0, 4000).map(lambda tenth: after(tenth))
    made = []
    for number in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(KINDS))
        at, bout = draw(moment), draw(st.sampled_from(BOUTS))
        target = str(draw(st.sampled_from(made)).id) if made else bout
        named = {"episode": bout} if draw(st.booleans()) else {}
        data = {
            "cry_started": {"bout": bout, "detected_at": at.isoformat()},
            "cry_ended": {
                "bout": bout,
                "onset": (at - timedelta(seconds=draw(st.integers(0, 300)))).isoformat(),
                "mean_cry": 0.5,
            },
            "cry_withdrawn": {"bout": bout},
            "cry_lost": {"bout": bout},
            "voice_heard": {"until": (at + timedelta(seconds=9)).isoformat()},
            "alert_due": {"alert": draw(st.sampled_from(ALERTS)), "about": "cry", "channel": "c"}
            | named,
            "alert_sent": {"alert": draw(st.sampled_from(ALERTS))},
            "alert_failed": {
                "alert": draw(st.sampled_from(ALERTS)),
                "error": "x",
                "final": draw(st.booleans()),
            },
            "responded": {"manner": "arrived", "source": "tapped", **named},
            "soothed": {"attempt": draw(st.sampled_from(ATTEMPTS)), **named},
            "commented": {"text": "x", **named},
            "confirmed": {"target": target},
            "removed": {"target": target},
            "corrected": {"target": target, "at": draw(moment).isoformat()},
            "care": {"what": "nappy"},
        }.get(kind, named if kind in ("acknowledged", "calmed", "not_a_cry") else {})
        room = draw(st.sampled_from(ROOMS))
        identity = UUID(int=(7 << 76) | (2 << 62) | (100 + number))
        made.append(Event(kind, at, room=room, data=data, id=identity))
    told = draw(st.permutations(made))
    return told + draw(st.lists(st.sampled_from(made), max_size=3))


def check(url, told, cuts):
    with Journal.open(url) as journal:
        start = 0
        for stop in (*sorted(cut for cut in cuts if cut < len(told)), len(told)):
            journal.append(told[start:stop])
            start = stop
        far = max(event.at for event in told) + timedelta(days=1000)
        kept = episodes_of(journal, far)
        due = journal.due_alerts(far)
        every = journal.events()
        assert len(every) == len({event.id for event in told})
        assert kept == fold(every, journal.settings, now=far)
        rows = {row["alert"]: row for row in _outbox_rows(filter(is_about_alert, every))}
        assert [(one.attempts, one.next_try) for one in due] == sorted(
            ((r["attempts"], r["next_try"]) for r in rows.values() if r["next_try"]),
            key=lambda pair: pair[1],
        )
        assert journal.rebuild() == len(kept)
        assert episodes_of(journal, far) == kept
        assert sorted(map(str, journal.due_alerts(far))) == sorted(map(str, due))


def episodes_of(journal, now):
    return journal.episodes(now=now)


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_episodes_and_alerts_equal_a_fold_of_everything(fresh, after, data):
    told = data.draw(event_lists(after))
    cuts = data.draw(st.lists(st.integers(1, 14), max_size=14))
    assume(told)
    check(fresh(), told, cuts)


def test_one_by_one_backwards_is_as_good_as_all_at_once(fresh, cry, said):
    told = [
        *cry(0, 20),
        said("responded", 10, manner="arrived", source="tapped"),
        *cry(50, 70),
        *cry(400, 420),
        said("soothed", 60, attempt="hold"),
    ]
    check(fresh(), told[::-1], range(len(told)))
