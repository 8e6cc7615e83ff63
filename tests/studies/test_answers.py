import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import Bout, EpisodeSettings
from harken.errors import ParameterError
from harken.hearing import HOP_S, Frames
from harken.insight import kaplan_meier
from harken.studies.answers import (
    BIASES,
    DEFINITION,
    Voice,
    VoiceRule,
    VoiceTracker,
    answers,
    episodes_of,
)


def _frames(voice, level=None, first=0) -> Frames:
    voice = np.asarray(voice, np.float32)
    none = np.zeros_like(voice)
    level = none - 40 if level is None else np.asarray(level, np.float32)
    return Frames(np.arange(first, first + len(voice)) * HOP_S, none, none, voice, level)


def _slowly(frames: Frames, rule: VoiceRule) -> list[tuple[float, float]]:
    """The definition, frame by frame."""
    found, current = [], []
    for time, voice in zip(frames.times, frames.voice, strict=True):
        if voice < np.float32(rule.voice):
            continue
        if current and time - (current[-1] + HOP_S) > rule.pause_s + 1e-6:
            found.append(current)
            current = []
        current.append(time)
    found += [current] if current else []
    spans = [(one[0], one[-1] + HOP_S) for one in found]
    return [(a, b) for a, b in spans if b - a >= rule.shortest_s - 1e-6]


@given(
    runs=st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=20),
    sizes=st.lists(st.integers(0, 60), max_size=20),
)
def test_voices_are_those_of_the_definition_however_frames_are_cut(runs, sizes):
    voice = np.concatenate([np.zeros(0), *[np.full(n, 0.9 if on else 0.1) for on, n in runs]])
    frames = _frames(voice)
    tracker, found, at = VoiceTracker(), [], 0
    for size in [*sizes, len(frames)]:
        found += tracker.process(frames[at : at + size])
        at = min(len(frames), at + size)
    found += tracker.flush()
    assert [(one.onset, one.offset) for one in found] == _slowly(frames, VoiceRule())


def test_a_voice_that_is_far_is_left_out_where_near_is_asked_for():
    frames = _frames([0.9] * 50, [-60.0] * 50)
    for near, count in ((-70.0, 1), (-50.0, 0)):
        tracker = VoiceTracker(VoiceRule(near_dbfs=near))
        assert len([*tracker.process(frames), *tracker.flush()]) == count


CRY = [Bout(100.0, 130.0, 0.9, -20.0), Bout(150.0, 170.0, 0.8, -25.0)]


@pytest.mark.parametrize(
    ("voice", "latency", "within", "calm"),
    [
        ((105.0, 110.0), 5.0, True, 65.0),
        ((115.0, 118.0), 15.0, False, 55.0),
        ((95.0, 104.0), 0.0, True, 70.0),  # somebody was there
        ((155.0, 160.0), 55.0, False, 15.0),
        ((135.0, 140.0), None, False, None),  # in the pause: it overlaps no crying
        ((180.0, 190.0), None, False, None),  # it was calm already
        ((106.0, 106.5), None, False, None),  # too short
    ],
)
def test_an_answer_is_a_voice_while_it_cries(voice, latency, within, calm):
    voices = [Voice(*voice, 0.8, -40.0)]
    (one,) = episodes_of(CRY, voices, until=400.0)
    assert (one.onset, one.offset, one.bouts, one.crying_s) == (100.0, 170.0, 2, 50.0)
    assert (one.latency_s, one.within_10s, one.time_to_calm_s) == (latency, within, calm)
    assert one.censored_s == (70.0 if latency is None else None)


def test_a_voice_that_goes_on_for_minutes_is_a_conversation_and_no_answer():
    chatter = [Voice(100.0 - 121.0 + 0.0, 180.0, 0.8, -40.0)]
    chatter = [Voice(max(0.0, one.onset), one.offset, 0.8, -40.0) for one in chatter]
    late_cry = [Bout(200.0, 230.0, 0.9, -20.0)]
    talk = [Voice(60.0, 260.0, 0.8, -40.0)]
    (one,) = episodes_of(late_cry, talk, until=400.0)
    assert one.latency_s is None
    (one,) = episodes_of(CRY, chatter, until=400.0)
    assert one.latency_s == 0.0


def test_a_voice_answers_one_episode():
    first, second = Bout(100.0, 130.0, 0.9, -20.0), Bout(195.0, 230.0, 0.9, -20.0)
    through = [Voice(110.0, 220.0, 0.8, -40.0)]
    one, two = episodes_of([first, second], through, until=400.0)
    assert (one.latency_s, two.latency_s) == (10.0, None)
    assert two.censored_s == 35.0
    one, two = episodes_of([first, second], [*through, Voice(222.0, 225.0, 0.8, -40.0)], until=400)
    assert two.latency_s == 27.0


@pytest.mark.parametrize(("mean", "heard"), [(0.59, False), (0.6, True)])
def test_a_voice_must_be_clear(mean, heard):
    (one,) = episodes_of(CRY, [Voice(105.0, 110.0, mean, -40.0)], until=400.0)
    assert (one.latency_s is not None) is heard


def test_a_short_cry_without_a_voice_says_nothing_about_ten_seconds():
    (one,) = episodes_of([Bout(10.0, 16.0, 0.9, -20.0)], [], until=300.0)
    assert one.within_10s is None
    assert one.censored_s == pytest.approx(6.0)


def test_bouts_a_minute_apart_are_two_episodes_and_a_recording_may_end_too_early():
    bouts = [Bout(10.0, 20.0, 0.9, -20.0), Bout(81.0, 90.0, 0.9, -20.0)]
    one, two = episodes_of(bouts, [], until=149.0)
    assert (one.episode, two.episode) == (1, 2)
    assert (one.over, two.over) == (True, False)
    assert len(episodes_of(bouts, [], until=500.0, settings=EpisodeSettings(calm_after=120))) == 1


def test_the_sum_is_the_survival_curve_of_its_episodes():
    voices = [Voice(105.0, 110.0, 0.8, -40.0)]
    later = [Bout(b.onset + 1000, b.offset + 1000, 0.9, -20.0) for b in CRY]
    made = episodes_of([*CRY, *later], voices, until=2000.0)
    found = answers(made)
    curve = kaplan_meier([5.0, 70.0], [True, False])
    assert (found.n, found.heard) == (2, 1)
    assert found.curve == curve
    assert dict(found.within)[10.0] == curve.by(10.0)
    assert found.to_calm.value == 65.0
    about = found.as_dict()
    assert about["definition"] == DEFINITION
    assert about["biases"] == list(BIASES)


def test_nothing_gives_nothing():
    assert episodes_of([], [Voice(1.0, 3.0, 0.8, -40.0)], until=10.0) == []
    assert answers([]).latency.value is None


@pytest.mark.parametrize(
    "wrong", [{"voice": 0}, {"voice": 2}, {"pause_s": -1}, {"near_dbfs": 3}, {"shortest_s": "1"}]
)
def test_a_rule_out_of_range_is_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        VoiceRule(**wrong)


def test_an_unknown_field_is_named():
    with pytest.raises(ParameterError, match="volume"):
        VoiceRule.from_dict({"volume": 1.0})
