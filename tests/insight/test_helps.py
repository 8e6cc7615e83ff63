"""What helps: tries made by hand, and that a few lucky ones do not win."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from harken.insight.helps import Helps, circumstances, helps, pool, tries

FIRST = datetime(2026, 1, 5, 7, tzinfo=UTC)
END = FIRST + timedelta(days=60)


def tries_of(made, now=None):
    found, left_out, _ = tries(made.record(FIRST, END, now))
    return [(one.attempt, one.time_s, one.end) for one in found], left_out


def one_each(made, counts, calm_s=60):
    """Cries with one attempt each: so many of them calm in time, of so many."""
    at = FIRST
    for attempt, (calm, n) in counts.items():
        for place in range(n):
            length = 20 + (calm_s if place < calm else 600)
            made.cry(at, length, came_s=15, tried=[(20, attempt)])
            at += timedelta(hours=1)
    return made


def test_a_try_ends_with_the_calm_that_lasts(making):
    made = making()
    # The crying pauses for half a minute 20 s after the attempt; it is calm only after the second.
    made.cry(FIRST, 60, 30, 50, came_s=30, tried=[(40, "hold")])
    assert tries_of(made) == ([("hold", 100, 1)], 0)


def test_another_attempt_ends_a_try(making):
    made = making()
    made.cry(FIRST, 400, came_s=10, tried=[(20, "pat"), (80, "hold"), (200, "feed")])
    assert tries_of(made) == ([("pat", 60, 2), ("hold", 120, 2), ("feed", 200, 1)], 0)


def test_attempts_within_twenty_seconds_are_made_together(making):
    made = making()
    made.cry(FIRST, 100, came_s=10, tried=[(20, "hold"), (35, "song"), (36, "hold")])
    assert tries_of(made) == ([("hold", 80, 1), ("song", 80, 1)], 0)


def test_the_same_attempt_tapped_again_goes_on(making):
    made = making()
    made.cry(FIRST, 200, came_s=10, tried=[(20, "hold"), (90, "hold")])
    assert tries_of(made) == ([("hold", 180, 1)], 0)


def test_what_is_noted_when_it_is_calm_counts_from_the_arrival(making):
    made = making()
    made.cry(FIRST, 100, came_s=30, tried=[(130, "hold"), (132, "song")])
    found, left_out, episodes = tries(made.record(FIRST, END))
    assert [(one.attempt, one.time_s, one.end) for one in found] == [
        ("hold", 70, 1), ("song", 70, 1),
    ]  # fmt: skip
    assert all(one.noted_after for one in found)
    assert (left_out, episodes) == (0, 1)


def test_what_is_noted_afterwards_came_after_what_was_tapped_before(making):
    made = making()
    made.cry(FIRST, 100, came_s=10, tried=[(20, "pat"), (130, "hold")])
    made.cry(FIRST + timedelta(hours=1), 100, came_s=10, tried=[(20, "pat"), (130, "pat")])
    assert tries_of(made) == ([("pat", 80, 2), ("hold", 80, 1), ("pat", 80, 1)], 0)


def test_a_cry_whose_end_nobody_heard_is_not_known(making):
    made = making()
    made.cry(FIRST, 100, came_s=10, tried=[(20, "pat"), (60, "hold"), (300, "feed")], end="lost")
    assert tries_of(made) == ([("pat", 40, 2), ("hold", 40, 0)], 1)


def test_a_cry_that_goes_on_is_known_up_to_now(making):
    made = making()
    made.cry(FIRST, 40, 10, 500, came_s=10, tried=[(20, "hold")], end="open")
    assert tries_of(made, FIRST + timedelta(seconds=320)) == ([("hold", 300, 0)], 0)


def test_drills_and_false_alarms_are_left_out(making):
    made = making()
    made.cry(FIRST, 100, came_s=10, tried=[(20, "hold")], drill=True)
    made.cry(FIRST + timedelta(hours=1), 100, tried=[(20, "hold")], more=[("not_a_cry", 50, {})])
    assert tries_of(made) == ([], 0)


def test_shares_by_five_minutes_are_counted(making):
    made = making()
    at = FIRST
    for _ in range(6):
        made.cry(at, 80, came_s=10, tried=[(20, "hold")])
        made.cry(at + timedelta(hours=1), 400, came_s=10, tried=[(20, "hold"), (120, "feed")])
        made.cry(at + timedelta(hours=2), 700, came_s=10, tried=[(20, "hold")])
        at += timedelta(hours=4)
    found = helps(made.record(FIRST, END))
    hold = next(one for one in found.ranked if one.attempt == "hold")
    assert hold.n == 18
    assert hold.raw.value == hold.other.value == hold.crying.value == pytest.approx(1 / 3)
    assert hold.raw.how == "Wilson"
    assert hold.median_s.value == 680
    by = {point.at_s: point for point in hold.curve}
    assert by[60].calmed == pytest.approx(1 / 3)
    assert by[90].other == 0
    assert by[120].other == pytest.approx(1 / 3)
    assert all(one.calmed + one.other + one.crying == pytest.approx(1) for one in hold.curve)
    assert (found.trials, found.episodes, found.left_out) == (24, 18, 0)


def test_unknown_ends_count_for_what_they_say(making):
    """Two of six are lost at 40 s; of four known ones two are calm at 60 s."""
    made = making()
    for place, (length, end) in enumerate(
        [(80, "ended"), (80, "ended"), (600, "ended"), (600, "ended"), (60, "lost"), (60, "lost")]
    ):
        at = FIRST + timedelta(hours=place)
        made.cry(at, length, came_s=10, tried=[(20, "hold")], end=end)
    (hold,) = helps(made.record(FIRST, END)).ranked
    assert hold.raw.value == pytest.approx(0.5)
    assert hold.raw.how == "Aalen–Johansen"
    assert hold.crying.value == pytest.approx(0.5)
    assert hold.n == 6


def test_three_lucky_tries_do_not_win(making):
    counts = {"song": (3, 3), "hold": (40, 50), "pat": (5, 30), "rock": (15, 30)}
    for least in (1, 5):
        found = helps(one_each(making(), counts).record(FIRST, END), least=least)
        assert found.ranked[0].attempt == "hold"
    assert [one.attempt for one in found.not_yet] == ["song"]
    song, hold = found.not_yet[0], found.ranked[0]
    assert song.raw.value == 1
    assert song.calmed.value < hold.calmed.value
    width = {one.attempt: one.calmed.high - one.calmed.low for one in (song, hold)}
    assert width["song"] > width["hold"]
    assert song.best == 0
    assert sum(one.best for one in found.ranked) == pytest.approx(1)


def test_many_tries_are_left_as_they_are(making):
    counts = {"hold": (80, 100), "pat": (20, 100)}
    hold, pat = helps(one_each(making(), counts).record(FIRST, FIRST + timedelta(days=90))).ranked
    assert hold.calmed.value == pytest.approx(0.8, abs=0.02)
    assert pat.calmed.value == pytest.approx(0.2, abs=0.02)
    assert hold.best > 0.99


def test_the_model_equals_the_same_sum_by_random_draws():
    """The grid against importance sampling from the prior, written out as the docs say it."""
    counts = [(3, 3), (12, 20), (2, 10)]
    rng = np.random.default_rng(8)
    n = 400_000
    common = rng.uniform(0, 1, n)
    strength = np.exp(rng.normal(np.log(8), 0.8, n))
    first, second = common * strength, (1 - common) * strength
    shares = rng.beta(first[:, None], second[:, None], (n, 3))
    shares = np.clip(shares, 1e-12, 1 - 1e-12)
    log = sum(
        k * np.log(shares[:, place]) + (m - k) * np.log1p(-shares[:, place])
        for place, (k, m) in enumerate(counts)
    )
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    grid = (np.arange(200) + 0.5) / 200
    for place, known in enumerate(pool(counts)):
        mean = float(weights @ shares[:, place])
        assert float(known @ grid) == pytest.approx(mean, abs=0.01)
        spread = float(np.sqrt(weights @ (shares[:, place] - mean) ** 2))
        assert float(np.sqrt(known @ (grid - known @ grid) ** 2)) == pytest.approx(spread, abs=0.01)


def test_circumstances_start_from_all_tries_and_move_with_their_own(making):
    """By day holding helps nine times of ten, in the evening twice of ten."""
    made = making()
    for day in range(30):
        morning = FIRST + timedelta(days=day, hours=2)
        evening = FIRST + timedelta(days=day, hours=12)
        made.cry(morning, 80 if day % 10 else 700, came_s=10, tried=[(20, "hold")])
        made.cry(evening, 80 if day % 10 < 2 else 700, came_s=10, tried=[(20, "hold")])
        made.cry(evening + timedelta(hours=4), 200, came_s=10, tried=[(20, "pat")])
    record = made.record(FIRST, END)

    def here(**asked) -> Helps:
        return helps(record, **asked).ranked

    everywhere = {one.attempt: one.calmed.value for one in here()}
    assert all(one.here is None for one in here())
    evening = {one.attempt: one.here for one in here(hour=19)}
    morning = {one.attempt: one.here for one in here(hour=9)}
    assert evening["hold"].n == morning["hold"].n == 30
    assert evening["hold"].value < 0.35 < everywhere["hold"] < 0.75 < morning["hold"].value
    # Nothing was tried at 3 o’clock: it stays where it was, and is less sure.
    night = {one.attempt: one.here for one in here(hour=3)}
    assert night["hold"].n == 0
    assert night["hold"].value == pytest.approx(everywhere["hold"], abs=0.1)
    assert night["hold"].high - night["hold"].low > evening["hold"].high - evening["hold"].low
    assert helps(record, hour=19).where == "around 19 o’clock"
    # The list is ranked by what was asked for: in the evening patting comes first.
    assert [one.attempt for one in here(hour=19)] == ["pat", "hold"]
    assert sum(one.best for one in here(hour=19)) == pytest.approx(1)


def test_time_since_a_feed_and_a_sleep_are_circumstances(making):
    made = making()
    for day in range(8):
        at = FIRST + timedelta(days=day)
        made.care("feed", at, at + timedelta(minutes=20), side="left")
        made.care("sleep", at + timedelta(hours=1), at + timedelta(hours=2))
        made.cry(at + timedelta(hours=1, minutes=30), 80, came_s=10, tried=[(20, "pat")])
        made.cry(at + timedelta(hours=4), 80, came_s=10, tried=[(20, "hold")])
    record = made.record(FIRST, END)
    found = helps(record, since_feed_s=4 * 3600, since_sleep_s=2.5 * 3600)
    assert found.where == "3 hours or more after a feed, 2 to 4 hours after a sleep"
    now = circumstances(record, FIRST + timedelta(hours=4))
    assert now == {"hour": 11, "since_feed_s": 220 * 60.0, "since_sleep_s": 2 * 3600.0}
    assert helps(record, **now).where == (
        "around 11 o’clock, 3 hours or more after a feed, 2 to 4 hours after a sleep"
    )
    assert {one.attempt: one.here.n for one in found.ranked} == {"hold": 8, "pat": 0}
    found = helps(record, since_sleep_s=0)
    assert {one.attempt: one.here.n for one in found.ranked} == {"hold": 0, "pat": 8}


def test_nothing_tried_is_not_yet_known(making):
    made = making()
    made.cry(FIRST, 80)
    found = helps(made.record(FIRST, END))
    assert not found.known
    assert found.ranked == found.not_yet == ()
    assert found.overall.value is None
    assert found.says[0].startswith("Not yet known")
    assert helps(made.record(FIRST, END), hour=3).ranked == ()
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["ranked"] == []


def test_one_try_is_not_yet_known_but_shown(making):
    made = making()
    made.cry(FIRST, 80, came_s=10, tried=[(20, "hold")])
    found = helps(made.record(FIRST, END), hour=7)
    assert not found.known
    (hold,) = found.not_yet
    assert hold.n == 1
    assert 0.3 < hold.calmed.value < 0.9
    assert hold.here is not None
    json.dumps(found.as_dict(), allow_nan=False)


def test_what_was_noted_afterwards_is_said(making):
    made = making()
    for day in range(6):
        made.cry(FIRST + timedelta(days=day), 80, came_s=10, tried=[(100, "hold")])
    found = helps(made.record(FIRST, END))
    assert found.noted_after == 6
    assert "rather too high" in found.says[-1]
    assert "not what caused it" in found.says[0]
