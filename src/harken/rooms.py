"""A room that is listened to: from its source of sound to events, in a thread of its own.

The thread reads, hears and tracks. Whether it still does is judged from
outside, by `Listener.check`, so that a source that hangs, a detector that
fails and a thread that died all end in the same plain event: this room is not
heard.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import (
    BoutEnded,
    BoutRule,
    BoutStarted,
    BoutTracker,
    BoutWithdrawn,
    Event,
    describe_course,
    new_id,
)
from harken.errors import HarkenError
from harken.hearing import HOP_S, Detector, Frames
from harken.sound import AudioBlock, Gap, Silence, Source

UNHEARD_AFTER_S = 10.0
"""Seconds without sound, or of dead silence, after which a room counts as not heard."""

KEPT_S = 60.0
"""Seconds of frames that are kept for the page *What it hears now*."""

LEAD_S = 3.0
"""Seconds before an onset that a clip begins with."""

CLIP_S = 60.0
"""Most seconds of a clip."""

_PAUSE_S = 1.5
"""A bout whose last crying is longer ago pauses: a breath is shorter."""

_COURSE_S = 600.0
"""Most seconds of a bout whose level is kept to describe its course."""

_VOICE_ON = 0.6
_VOICE_S = 1.0
_VOICE_GAP_S = 1.0
_VOICE_MOST_S = 10.0
_VOICE_NEAR_S = 30.0
"""A voice is told of during crying and up to this long after it."""

_BEFORE_S = 5.0
"""How long after its onset a bout may be told, at the latest; the sound before is still held."""

_DRILL_TAIL_S = 4.0
_RETRY_S = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is known of a room at this moment.

    Parameters
    ----------
    heard : bool or None
        None until it is known.
    unheard_since : datetime or None
    reason : str or None
        Why it is not heard, one plain sentence.
    level_dbfs : float
        Loudest frame of the last second; −inf for digital silence or where there is none.
    bout : UUID text or None
        The bout that goes on.
    onset : datetime or None
        Its onset in the sound.
    crying : bool
        Whether there was crying within the last breath.
    provisional : bool
        Whether the bout has yet to last long enough to count.
    course : str or None
        How it goes, in plain words.
    """

    heard: bool | None
    unheard_since: datetime | None
    reason: str | None
    level_dbfs: float
    bout: str | None
    onset: datetime | None
    crying: bool
    provisional: bool
    course: str | None


class Listener:
    """Listens to one room until it is closed.

    Parameters
    ----------
    room : str
        Its id.
    open_source : callable
        Opens the source; may raise `HarkenError`, and is then tried again.
    open_detector : callable
        Opens a detector of its own.
    tell : callable
        Takes events as they come to be known, from the listener's thread or
        the one that calls `check`.
    rule : mapping, optional
        Fields of `BoutRule` that differ from the defaults; `on` and `off` are the
        detector's unless named.
    zone : str
        IANA zone that events are seen in.
    was_heard : bool or None
        What the journal says last; None where it says nothing.
    keep_clip : callable, optional
        Takes the id of a bout that has ended and its sound, float32[n] at 16 kHz,
        from `LEAD_S` before the onset, at most `CLIP_S`. May be set and taken away
        later; without it no sound is held longer than hearing needs.
    clock : callable
        Seconds that never go backwards.
    now : callable
        The time of day, with a zone.
    """

    def __init__(
        self,
        room: str,
        open_source: Callable[[], Source],
        open_detector: Callable[[], Detector],
        tell: Callable[[list[Event]], None],
        *,
        rule: Mapping[str, object] | None = None,
        zone: str = "UTC",
        was_heard: bool | None = None,
        keep_clip: Callable[[str, NDArray[np.float32]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.room = room
        self._open_source, self._open_detector, self._tell = open_source, open_detector, tell
        self._zone, self._clock, self._now = zone, clock, now
        self._rule_fields = dict(rule or {})
        self.keep_clip = keep_clip
        self._sound: list[AudioBlock] = []
        self.rule: BoutRule | None = None
        self.model = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._source: Source | None = None
        self._heard: bool | None = None
        self._was_heard = was_heard
        self._heard_clock = clock()
        self._heard_at = now()
        self._unheard_since: datetime | None = None
        self._reason: str | None = None
        self._dead = False
        self._anew = False
        self._bout: str | None = None
        self._onset: datetime | None = None
        self._offset: datetime | None = None
        self._levels: list[NDArray[np.float32]] = []
        self._course: str | None = None
        self._top = 0.0
        self._frames = Frames.empty()
        self._injected: deque[NDArray[np.float32]] = deque()
        self._drill_until = -np.inf
        self._drill = False
        self._deaf_to_voices_until = -np.inf
        self._voice: tuple[float, float, float] | None = None
        self._cried_until = -np.inf
        self._thread = threading.Thread(target=self._run, name=f"harken {room}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; what is open stays open, for `cry_lost` to say."""
        self._stop.set()
        with self._lock:
            source = self._source
        if source is not None:
            source.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=3.0)

    def inject(self, samples: NDArray[np.float32]) -> None:
        """Mix a test cry into the sound of the room; what is heard of it is marked as a drill.

        Parameters
        ----------
        samples : float32[n]
            16 kHz, mono.
        """
        with self._lock:
            self._injected.append(samples)

    def expect_drill(self, seconds: float) -> None:
        """Mark what begins within the next seconds as a drill: a test cry plays in the room."""
        with self._lock:
            self._drill_until = self._clock() + seconds

    def deaf_to_voices(self, seconds: float) -> None:
        """Take no voice for an answer for some seconds: the hub's own talk-back plays."""
        with self._lock:
            self._deaf_to_voices_until = self._clock() + seconds

    def glimpse(self) -> Glimpse:
        """Say what is known of the room now."""
        with self._lock:
            recent = self._frames.level[-round(1 / HOP_S) :]
            crying = (
                self._offset is not None
                and self._bout is not None
                and (self._heard_at - self._offset).total_seconds() <= _PAUSE_S
            )
            least = self.rule.min_duration if self.rule else 0.0
            provisional = (
                self._onset is not None
                and self._offset is not None
                and (self._offset - self._onset).total_seconds() < least
            )
            return Glimpse(
                self._heard,
                self._unheard_since,
                self._reason,
                float(recent.max()) if len(recent) and self._heard else -np.inf,
                self._bout,
                self._onset,
                crying,
                provisional,
                self._course,
            )

    @property
    def heard_until(self) -> datetime | None:
        """The last moment that was heard, where the room is heard; else None."""
        with self._lock:
            return self._heard_at if self._heard else None

    def recent(self) -> Frames:
        """Give the frames of the last minute."""
        with self._lock:
            return self._frames

    def check(self) -> None:
        """See whether the room is still heard; to be called a few times a second."""
        with self._lock:
            silent_s = self._clock() - self._heard_clock
            if self._heard is False or silent_s < UNHEARD_AFTER_S:
                return
            if not self._thread.is_alive() and not self._stop.is_set():
                self._reason = "the listening stopped; restart Harken"
            reason = self._reason or "no sound arrives"
            events = self._lose(reason)
        self._tell(events)

    def _lose(self, reason: str) -> list[Event]:
        """Say that the room is not heard, since the last moment that was. Holds the lock."""
        events = []
        if self._bout is not None:
            events.append(self._event("cry_lost", self._heard_at, bout=self._bout))
        if self._was_heard is not False:
            events.append(
                self._event(
                    "room_unheard",
                    self._heard_at,
                    reason=reason,
                    detected_at=self._now().isoformat(),
                )
            )
        self._heard, self._was_heard = False, False
        self._unheard_since, self._reason = self._heard_at, reason
        self._anew = True
        self._forget_bout()
        return events

    def _event(self, kind: str, at: datetime, **data: Any) -> Event:
        return Event(kind, at, room=self.room, zone=self._zone, data=data)

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            begun = self._clock()
            try:
                detector = self._open_detector()
                rule = BoutRule.from_dict(
                    self._rule_fields, base=BoutRule(detector.on, detector.off)
                )
                source = self._open_source()
                with self._lock:
                    self._source, self.rule, self.model = source, rule, detector.name
                if self._stop.is_set():
                    source.close()  # closed while it was being opened
                with source:
                    self._listen(source, detector, rule)
                reason = "the recording ended" if not source.live else "the source ended"
            except HarkenError as error:
                reason = str(error)
            except Exception as error:
                # Whatever breaks here must not end the listening: it is told and tried again.
                reason = f"the detector failed ({type(error).__name__}: {error})"
            with self._lock:
                self._source, self._reason, self._anew = None, " ".join(reason.split()), True
            tries = 0 if self._clock() - begun > 30 else tries + 1
            self._stop.wait(_RETRY_S[min(tries, len(_RETRY_S) - 1)])

    def _listen(self, source: Source, detector: Detector, rule: BoutRule) -> None:
        started = source.started_at or self._now()
        tracker = BoutTracker(rule, delay_s=detector.delay_s)

        def when(seconds: float) -> datetime:
            return started + timedelta(seconds=seconds)

        for item in source:
            if self._stop.is_set():
                return
            if isinstance(item, Silence):
                with self._lock:
                    self._dead = item.end is None
                    if self._dead:
                        # It has lasted long enough already: `check` need not wait once more.
                        self._heard_clock = -np.inf
                        self._heard_at = when(item.start)
                        self._reason = (
                            "the microphone gives dead silence"
                            if item.kind == "digital"
                            else "the stream is frozen"
                        )
                continue
            if isinstance(item, Gap):
                frames = detector.flush()
                with self._lock:
                    if item.end is None:
                        self._reason = item.reason
            else:
                block = self._mixed(item)
                if self.keep_clip is None:
                    self._sound.clear()
                else:
                    self._hold(block)
                frames = detector.process(block)
            self._hear(frames, tracker, when, sounding=isinstance(item, AudioBlock))

    def _hold(self, block: AudioBlock) -> None:
        """Hold the sound of the bout that goes on, or of the last seconds where there is none."""
        bout = self._bout is not None
        held_s = block.end - self._sound[0].start if self._sound else 0.0
        if bout and held_s > CLIP_S + LEAD_S + 2 * _BEFORE_S:
            return
        self._sound.append(block)
        if not bout:
            while self._sound[0].end < block.end - LEAD_S - 2 * _BEFORE_S:
                self._sound.pop(0)

    def _cut(self, onset: float, offset: float) -> NDArray[np.float32]:
        """Give what is held of a bout."""
        begin, end = onset - LEAD_S, min(offset, onset - LEAD_S + CLIP_S)
        parts = []
        for one in self._sound:
            first = max(0, round((begin - one.start) * one.rate))
            last = min(len(one.samples), round((end - one.start) * one.rate))
            if first < last:
                parts.append(one.samples[first:last])
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _mixed(self, block: AudioBlock) -> AudioBlock:
        """Add what was injected to a block."""
        with self._lock:
            if not self._injected:
                return block
            samples = block.samples.copy()
            at = 0
            while self._injected and at < len(samples):
                piece = self._injected.popleft()
                n = min(len(piece), len(samples) - at)
                samples[at : at + n] += piece[:n]
                at += n
                if n < len(piece):
                    self._injected.appendleft(piece[n:])
            self._drill_until = max(self._drill_until, self._clock() + _DRILL_TAIL_S)
        return AudioBlock(np.clip(samples, -1, 1), block.start, block.rate)

    def _hear(
        self,
        frames: Frames,
        tracker: BoutTracker,
        when: Callable[[float], datetime],
        *,
        sounding: bool,
    ) -> None:
        with self._lock:
            events: list[Event] = []
            if self._anew and len(frames):
                # What was open when the room was lost has been told as lost.
                tracker.flush()
                self._anew = False
            if len(frames):
                self._keep(frames)
                if not self._dead:
                    self._heard_at = when(float(frames.times[-1]) + HOP_S)
            if sounding and not self._dead:
                # Sound arrives: a detector that waits for a block's worth of it is no loss.
                self._heard_clock = self._clock()
                if len(frames) and not self._heard:
                    if self._was_heard is False or self._heard is False:
                        events.append(self._event("room_heard", when(float(frames.times[0]))))
                    self._heard, self._was_heard = True, True
                    self._unheard_since = self._reason = None
            for found in tracker.process(frames):
                events += self._follow(found, tracker, when)
            self._update(tracker, when)
            events += self._voices(frames, when)
        if events:
            self._tell(events)

    def _keep(self, frames: Frames) -> None:
        most = round(KEPT_S / HOP_S)
        self._frames = Frames.join([self._frames, frames])[-most:]
        if self._bout is not None:
            self._levels.append(frames.level)
            self._top = max(self._top, self._highest(len(frames)))

    def _highest(self, count: int) -> float:
        """Give the highest smoothed P(cry) that ends in one of the latest frames."""
        window = max(1, round(self.rule.smoothing / HOP_S)) if self.rule else 1
        cry = self._frames.cry[-(count + window - 1) :].astype(np.float64)
        if len(cry) < window:
            return 0.0
        return float(np.convolve(cry, np.full(window, 1 / window), "valid").max())

    def _follow(
        self,
        found: BoutStarted | BoutEnded | BoutWithdrawn,
        tracker: BoutTracker,
        when: Callable[[float], datetime],
    ) -> list[Event]:
        if isinstance(found, BoutStarted):
            onset = when(found.onset)
            self._bout, self._onset, self._offset = str(new_id(onset)), onset, None
            since = self._frames.times >= found.onset
            self._levels = [self._frames.level[since]]
            self._top = self._highest(int(since.sum()))
            peak = self._levels[0].max() if since.any() else -np.inf
            data: dict[str, Any] = {
                "bout": self._bout,
                "detected_at": when(found.detected_at).isoformat(),
                "model": self.model,
            }
            if np.isfinite(peak):
                data["level_dbfs"] = round(float(peak), 1)
            self._drill = self._clock() <= self._drill_until
            if self._drill:
                data["drill"] = True
            return [self._event("cry_started", onset, **data)]
        if self._bout is None or self._onset is None:
            return []
        if isinstance(found, BoutWithdrawn):
            event = self._event("cry_withdrawn", when(found.at), bout=self._bout)
        else:
            self._cried_until = found.offset
            data = {
                "bout": self._bout,
                "onset": self._onset.isoformat(),
                "mean_cry": round(found.mean_cry, 4),
                "top_cry": round(min(self._top, 1.0), 4),
                "rule": tracker.rule.as_dict(),
                "model": self.model,
            }
            if np.isfinite(found.peak_dbfs):
                data["peak_dbfs"] = round(found.peak_dbfs, 1)
            count = round((found.offset - found.onset) / HOP_S)
            course = describe_course(np.concatenate(self._levels)[:count], hop_s=HOP_S)
            data["course"] = course.as_dict()
            if self._drill:
                data["drill"] = True
            event = self._event("cry_ended", when(found.offset), **data)
            if self.keep_clip is not None and not self._drill:
                self.keep_clip(self._bout, self._cut(found.onset, found.offset))
        self._forget_bout()
        return [event]

    def _update(self, tracker: BoutTracker, when: Callable[[float], datetime]) -> None:
        if self._bout is None or tracker.going_on is None:
            return
        _, offset = tracker.going_on
        self._offset, self._cried_until = when(offset), offset
        levels = np.concatenate(self._levels)[-round(_COURSE_S / HOP_S) :]
        self._levels = [levels]
        course = describe_course(levels, hop_s=HOP_S)
        self._course = None if course.level_change_db is None else str(course)

    def _forget_bout(self) -> None:
        self._bout = self._onset = self._offset = self._course = None
        self._levels = []

    def _voices(self, frames: Frames, when: Callable[[float], datetime]) -> list[Event]:
        """Give the adult voices near crying that have ended or gone on for long."""
        events: list[Event] = []
        for start, voice in zip(frames.times.tolist(), frames.voice.tolist(), strict=True):
            end = start + HOP_S
            if voice >= _VOICE_ON:
                begun, _, total = self._voice or (start, end, 0.0)
                self._voice = (begun, end, total + voice * HOP_S)
            if self._voice is None:
                continue
            begun, last, total = self._voice
            if end - last <= _VOICE_GAP_S and last - begun < _VOICE_MOST_S:
                continue
            self._voice = None
            lasted = last - begun
            if (
                lasted >= _VOICE_S
                and total / lasted >= _VOICE_ON / 2
                and (self._bout is not None or begun - self._cried_until <= _VOICE_NEAR_S)
                and self._clock() > self._deaf_to_voices_until
            ):
                events.append(
                    self._event(
                        "voice_heard",
                        when(begun),
                        until=when(last).isoformat(),
                        mean_voice=round(total / lasted, 3),
                    )
                )
        return events
