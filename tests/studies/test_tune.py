"""A rule fitted to minutes that people annotated, judged on children it has not seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harken.clips import write_flac
from harken.episodes import BoutRule
from harken.errors import ParameterError
from harken.hearing import Frames, open_detector
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.tune import Minutes, hear_stretches, score, tune

BASE = BoutRule(0.6, 0.4)


def minutes(child: str, *, quiet: float, loud: float, seed: int) -> Minutes:
    """Ten minutes with crying at one probability and everything else at another."""
    rng = np.random.default_rng(seed)
    times = np.arange(7500) * 0.08
    cry = np.full(7500, quiet, np.float32)
    spans = []
    for start in rng.choice(np.arange(2, 56), 6, replace=False):
        since, until = float(start) * 10, float(start) * 10 + 8
        cry[(times >= since) & (times < until)] = loud
        spans.append((since, until))
    flat = np.zeros(7500, np.float32)
    frames = Frames(times, cry, flat, flat, np.full(7500, -30, np.float32))
    return Minutes(child, (frames,), ((0.0, 600.0),), tuple(spans))


def test_a_rule_is_found_that_fits_and_is_judged_on_others() -> None:
    # These homes' crying never reaches the shipped threshold.
    made = [minutes(str(i % 6), quiet=0.1, loud=0.45, seed=i) for i in range(12)]
    found = tune(made, BASE)
    assert found.before.value == 0.0
    assert found.held_out.value > 0.9
    assert found.difference.low > 0.5
    assert found.better
    for low in (None, -0.1, 0.000006, 0.0049):
        assert not replace(found, difference=replace(found.difference, low=low)).better
    assert found.rule.on < 0.45
    assert sum(found.chosen.values()) == 6
    assert (found.children, found.minutes) == (6, 120)


def test_what_one_child_needs_does_not_help_the_others() -> None:
    # The odd child's television reaches what the others' crying does.
    made = [minutes(str(i), quiet=0.1, loud=0.9, seed=i) for i in range(5)]
    odd = minutes("odd", quiet=0.75, loud=0.95, seed=9)
    found = tune([*made, odd], BASE)
    assert found.held_out.value < score_f1([*made, odd], found.rule) + 1e-9


def test_stretches_count_by_their_weight() -> None:
    one = minutes("a", quiet=0.1, loud=0.9, seed=1)
    halves = Minutes("a", one.frames, ((0.0, 300.0), (300.0, 600.0)), one.crying, (3.0, 1.0))
    first, second = (
        score(Minutes("a", one.frames, (span,), one.crying), BASE) for span in halves.looked
    )
    assert score(halves, BASE) == pytest.approx(3 * np.array(first) + np.array(second))


def test_a_rule_at_the_edge_of_what_is_tried_is_told() -> None:
    faint = [minutes(str(i), quiet=0.1, loud=0.35, seed=i) for i in range(4)]
    found = tune(faint, BASE)
    assert "on=0.3" in found.at_edge
    kept = tune([minutes(str(i), quiet=0.1, loud=0.9, seed=i) for i in range(4)], BASE)
    # The rule so far fits: no other is better, so nothing lies at an edge.
    assert (kept.rule, kept.at_edge) == (BASE, ())


def test_children_who_never_cry_do_not_make_it_worse() -> None:
    made = [minutes(str(i), quiet=0.1, loud=0.9, seed=i) for i in range(3)]
    still = [
        Minutes(name, minutes(name, quiet=0.1, loud=0.1, seed=1).frames, ((0.0, 600.0),), ())
        for name in ("x", "y", "z")
    ]
    found = tune([*made, *still], BASE)
    # Some draws have no crying at all: their F1 isn't 0, it isn't known.
    assert found.before.low == pytest.approx(found.before.value, abs=0.05)


def score_f1(made: list[Minutes], rule: BoutRule) -> float:
    sums = np.sum([score(one, rule) for one in made], axis=0)
    return float(2 * sums[2] / (sums[0] + sums[1]))


def test_it_needs_three_children_and_some_crying() -> None:
    with pytest.raises(ParameterError, match="minutes of 2 children; it takes three"):
        tune([minutes(c, quiet=0.1, loud=0.9, seed=1) for c in "ab"], BASE)
    still = [Minutes(c, (Frames.empty(),), ((0.0, 60.0),), ()) for c in "abc"]
    with pytest.raises(ParameterError, match="nobody marked any crying"):
        tune(still, BASE)


def test_stretches_are_heard_as_the_whole_recording_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sound = (rng.normal(size=200 * RATE) * np.repeat(rng.uniform(0, 0.2, 200), RATE)).astype(
        np.float32
    )
    path = tmp_path / "a.flac"
    write_flac(str(path), sound)
    detector = open_detector("builtin")
    with open_source(str(path)) as source:
        parts = [detector.process(one) for one in source if isinstance(one, AudioBlock)]
    whole = Frames.join([*parts, detector.flush()])
    looked = [(60.0, 70.0), (70.0, 80.0), (140.0, 145.0), (195.0, 230.0)]
    heard = hear_stretches(path, looked, detector)
    assert [round(float(one.times[0])) for one in heard] == [30, 110, 165]
    for since, until in looked[:3]:
        run = next(one for one in heard if one.times[0] <= since <= one.times[-1])
        inside = (run.times >= since) & (run.times < until - 1)
        wanted = np.interp(run.times[inside], whole.times, whole.cry)
        assert run.cry[inside] == pytest.approx(wanted, abs=0.1)
    assert heard[2].times[-1] == pytest.approx(200, abs=0.2)
