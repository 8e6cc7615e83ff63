"""A room that is listened to: what it tells, and that it is never silent about being deaf."""

import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from harken.errors import ModelError, SourceError
from harken.hearing import HOP_S, Frames, open_detector
from harken.rooms import UNHEARD_AFTER_S, Listener
from harken.simulate.infant import InfantSource, Temper
from harken.sound import AudioBlock, Gap, Source

BLOCK = 2560


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Script(Source):
    """A source that plays what a test gives it, block by block, and can hang."""

    live = True

    def __init__(self, items, *, hang=True):
        super().__init__(silence_after_s=8.0)
        self.name = "script"
        self.started_at = datetime(2026, 1, 1, tzinfo=UTC)
        self._script = list(items)
        self._hang = hang
        self._closed = threading.Event()
        self.done = threading.Event()

    def close(self):
        self._closed.set()

    def _read(self):
        yield from self._script
        self.done.set()
        if self._hang:
            self._closed.wait()


class Told(list):
    """Events as they are told, with their kinds at hand."""

    def __call__(self, events):
        self.extend(events)

    @property
    def kinds(self):
        return [event.kind for event in self]


def noise(seconds, start=0.0, level=0.01, seed=0):
    rng = np.random.default_rng(seed)
    out = []
    for k in range(round(seconds / 0.16)):
        samples = (level * rng.standard_normal(BLOCK)).astype(np.float32)
        out.append(AudioBlock(samples, start + k * 0.16))
    return out


def crying(seconds, *, patience=1e9, first=1.0):
    """The sound of a synthetic infant, as blocks, faster than it sounds."""
    ticks = [0.0]
    infant = InfantSource(
        Temper(first_s=first, patience_s=patience, calm_s=1e6),
        clock=lambda: ticks[0],
        sleep=lambda s: ticks.__setitem__(0, ticks[0] + s),
    )
    return [next(infant) for _ in range(round(seconds / 0.16))]


@pytest.fixture
def listening():
    opened = []

    def start(source, told, *, detector=lambda: open_detector("builtin"), **options):
        open_source = source if callable(source) else lambda: source
        listener = Listener("nursery", open_source, detector, told, **options)
        opened.append(listener)
        listener.start()
        return listener

    yield start
    for listener in opened:
        listener.close()


def until(true, seconds=60.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_a_cry_is_told_when_it_begins_and_when_it_is_over(listening):
    told = Told()
    source = Script(crying(30.0, patience=10.0))
    listener = listening(source, told)
    until(lambda: "cry_ended" in told.kinds)
    started, ended = told[0], told[1]
    assert told.kinds[:2] == ["cry_started", "cry_ended"]
    assert started.data["bout"] == ended.data["bout"]
    assert (started.at - source.started_at).total_seconds() == pytest.approx(1.0, abs=0.4)
    assert 8 < (ended.at - started.at).total_seconds() < 16
    assert ended.data["rule"]["max_gap"] == 5.0
    assert "drill" not in started.data
    assert listener.glimpse().bout is None


def test_while_it_cries_a_glimpse_says_so(listening):
    told = Told()
    source = Script(crying(12.0))
    listener = listening(source, told)
    until(source.done.is_set)
    glimpse = listener.glimpse()
    assert glimpse.heard
    assert glimpse.crying
    assert not glimpse.provisional
    assert glimpse.level_dbfs > -40
    assert glimpse.course is not None
    assert len(listener.recent()) > 100


def test_a_source_that_hangs_is_told_and_the_cry_counts_as_lost(listening):
    told, clock = Told(), Clock()
    source = Script(crying(8.0))
    listener = listening(source, told, clock=clock)
    until(source.done.is_set)
    until(lambda: "cry_started" in told.kinds)
    listener.check()
    assert "room_unheard" not in told.kinds
    clock.now += UNHEARD_AFTER_S + 0.1
    listener.check()
    assert told.kinds[-2:] == ["cry_lost", "room_unheard"]
    lost, unheard = told[-2:]
    assert unheard.at == lost.at
    assert (unheard.at - source.started_at).total_seconds() == pytest.approx(8.0, abs=0.6)
    assert unheard.data["reason"] == "no sound arrives"
    listener.check()
    assert told.kinds.count("room_unheard") == 1
    glimpse = listener.glimpse()
    assert glimpse.heard is False
    assert not glimpse.crying
    assert glimpse.unheard_since == unheard.at


def test_a_source_that_cannot_be_opened_is_told_with_its_reason(listening):
    def no_source():
        raise SourceError("cam: refused; check its address")

    told, clock = Told(), Clock()
    listener = listening(no_source, told, clock=clock)
    until(lambda: listener.glimpse().reason is not None)
    clock.now += 11
    listener.check()
    assert told.kinds == ["room_unheard"]
    assert told[0].data["reason"] == "cam: refused; check its address"


def test_a_detector_that_fails_is_told(listening):
    class Broken:
        name, rate, hop, delay_s, on, off = "broken", 16_000, 1280, 0.0, 0.5, 0.3

        def process(self, block):
            raise ModelError("broken: gave a value that is not a number")

        def flush(self):
            return Frames.empty()

    told, clock = Told(), Clock()
    listener = listening(Script(noise(1)), told, detector=Broken, clock=clock)
    until(lambda: listener.glimpse().reason is not None)
    clock.now += 11
    listener.check()
    assert told.kinds == ["room_unheard"]
    assert "not a number" in told[0].data["reason"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_told(listening):
    class Deadly:
        name, rate, hop, delay_s, on, off = "deadly", 16_000, 1280, 0.0, 0.5, 0.3

        def process(self, block):
            raise SystemExit

        def flush(self):
            return Frames.empty()

    told, clock = Told(), Clock()
    listener = listening(Script(noise(1)), told, detector=Deadly, clock=clock)
    until(lambda: not listener._thread.is_alive())
    clock.now += 11
    listener.check()
    assert told.kinds == ["room_unheard"]
    assert "restart" in told[0].data["reason"]


def test_digital_silence_is_not_calm(listening):
    told, clock = Told(), Clock()
    zeros = [AudioBlock(np.zeros(BLOCK, np.float32), 2.08 + k * 0.16) for k in range(120)]
    source = Script([*noise(2.08), *zeros])
    listener = listening(source, told, clock=clock)
    until(source.done.is_set)
    until(lambda: listener.glimpse().reason is not None)
    listener.check()
    assert told.kinds == ["room_unheard"]
    assert "dead silence" in told[0].data["reason"]
    assert (told[0].at - source.started_at).total_seconds() == pytest.approx(2.1, abs=0.2)


def test_heard_again_is_told_too_and_a_new_cry_is_a_new_bout(listening):
    told, clock = Told(), Clock()
    sounded, release = threading.Event(), threading.Event()

    def items():
        yield from crying(8.0)
        sounded.set()
        release.wait()
        yield Gap(8.0, 60.0, "the phone was away")
        again = crying(8.0)
        yield from (AudioBlock(one.samples, one.start + 60.0) for one in again)

    class Waiting(Script):
        def _read(self):
            yield from items()
            self.done.set()
            self._closed.wait()

    source = Waiting([])
    listener = listening(source, told, clock=clock)
    until(sounded.is_set)
    clock.now += 11
    listener.check()
    assert told.kinds[-1] == "room_unheard"
    release.set()
    until(source.done.is_set)
    until(lambda: told.kinds.count("cry_started") == 2)
    assert told.kinds == ["cry_started", "cry_lost", "room_unheard", "room_heard", "cry_started"]
    bouts = {event.data["bout"] for event in told if event.kind == "cry_started"}
    assert len(bouts) == 2


def test_a_room_that_was_not_heard_before_is_told_when_it_is(listening):
    told = Told()
    listener = listening(Script(noise(3)), told, was_heard=False)
    until(lambda: listener.glimpse().heard)
    assert told.kinds == ["room_heard"]


def test_an_injected_cry_is_heard_by_the_real_detector_and_marked_as_a_drill(listening):
    from harken.simulate.voice import cry

    told = Told()
    samples = cry(6.0, rng=np.random.default_rng(7), intensity=0.9).samples * np.float32(0.3)
    source = Script(noise(30.0, level=0.001))
    listener = Listener("nursery", lambda: source, lambda: open_detector("builtin"), told)
    listener.inject(samples)
    listener.start()
    until(lambda: "cry_ended" in told.kinds)
    listener.close()
    assert [event.data.get("drill") for event in told] == [True, True]


def test_a_voice_during_crying_is_told_and_the_hubs_own_is_not(listening):
    class Voiced:
        """Crying all the time, and a voice from second 3 to 5."""

        name, rate, hop, delay_s, on, off = "voiced", 16_000, 1280, 0.0, 0.5, 0.3

        def process(self, block):
            n = len(block.samples) // 1280
            times = block.start + np.arange(n) * HOP_S
            voice = ((times >= 3) & (times < 5)).astype(np.float32)
            full = np.full(n, 0.9, np.float32)
            return Frames(times, full, full * 0, voice, full * 0 - 30)

        def flush(self):
            return Frames.empty()

    told = Told()
    source = Script(noise(10))
    listening(source, told, detector=Voiced)
    until(source.done.is_set)
    until(lambda: "voice_heard" in told.kinds)
    voice = next(event for event in told if event.kind == "voice_heard")
    assert (voice.at - source.started_at).total_seconds() == pytest.approx(3.04, abs=0.1)

    deaf = Told()
    source = Script(noise(10))
    listener = Listener("nursery", lambda: source, Voiced, deaf)
    listener.deaf_to_voices(60)
    listener.start()
    until(source.done.is_set)
    listener.close()
    assert "voice_heard" not in deaf.kinds


def test_a_clip_is_given_of_each_bout_only_where_it_is_asked_for(listening):
    told, clips = Told(), {}
    source = Script(crying(30.0, patience=10.0, first=6.0))
    listening(source, told, keep_clip=clips.__setitem__)
    until(lambda: "cry_ended" in told.kinds)
    (bout, samples), *more = clips.items()
    assert not more
    assert bout == told[0].data["bout"]
    lasted = (told[1].at - told[0].at).total_seconds()
    assert len(samples) / 16_000 == pytest.approx(lasted + 3.0, abs=0.3)
    loud = np.abs(samples).reshape(-1, 160).max(1) if len(samples) % 160 == 0 else None
    assert loud is None or loud[:250].max() < loud[300:].max()

    held = listening(Script(crying(20.0)), Told())
    until(lambda: len(held.recent()) > 200)
    assert not held._sound
