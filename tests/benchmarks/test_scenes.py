import numpy as np
import pytest

from benchmarks.peers import Followed, Heard
from benchmarks.scenes import Scene, causes, trade_off
from harken.episodes import BoutRule
from harken.hearing import HOP_S, Frames
from harken.simulate import SceneSpec

SECONDS = 60.0
LABELS = {"cat.flac": "animal", "horn.flac": "noise"}


def scene(*, bouts=(), others=()):
    spec = SceneSpec(seconds=SECONDS, seed=1, snr_db=20.0)
    return Scene(0, spec, bool(bouts), np.zeros(16, np.int16), tuple(bouts), tuple(others))


def heard(spans, p):
    cry = np.zeros(round(SECONDS / HOP_S), np.float32)
    for begin, end in spans:
        cry[round(begin / HOP_S) : round(end / HOP_S)] = p
    times = np.arange(len(cry)) * HOP_S
    zero, level = np.zeros_like(cry), np.full_like(cry, -30)
    nothing = np.zeros((len(cry), 3), np.float32)
    frames = Frames(times, cry, zero, zero, level)
    rules = {"builtin": BoutRule(0.5, 0.25)}
    return Heard(frames, None, nothing, level, zero, zero, {"builtin": 0.26}, rules)


def test_a_false_bout_is_put_down_to_the_sound_that_most_of_it_lies_in():
    calm = scene(others=[(0.0, 5.0, "cat.flac"), (4.0, 9.0, "horn.flac")])
    crying = scene(bouts=[(0.0, 9.0)], others=[(0.0, 9.0, "cat.flac")])
    made = [Followed(((3.0, 9.0), (20.0, 25.0)), (4.0, 21.0)), Followed(((0.0, 9.0),), (1.0,))]
    assert causes([calm, crying], made, LABELS) == {"noise": 1, "no sound": 1}


def test_other_thresholds_keep_the_ratio_and_trade_bouts_for_false_ones():
    found = [scene(bouts=[(10.0, 20.0)]), scene()]
    choices = trade_off(found, [heard([(10.0, 20.0)], 0.75), heard([(30.0, 40.0)], 0.55)])
    by_on = {c.on: c for c in choices}
    assert [c.on for c in choices if c.shipped] == [0.5]
    assert {round(c.off / c.on, 6) for c in choices} == {0.5}
    assert (by_on[0.5].f1_clear, by_on[0.5].false_per_hour) == (1.0, pytest.approx(60))
    assert (by_on[0.6].f1_clear, by_on[0.6].false_per_hour) == (1.0, 0.0)
    assert by_on[0.8].f1_clear == 0.0
    assert by_on[0.5].delay_s[0] < 1.5
