"""Answers in recordings without taps: adult voices near crying, as responses that are inferred.

In a home that uses Harken somebody taps *I'm here*. In a lab's recording nobody
does. What can be had from sound alone is this: an adult voice is heard near the
microphone while the infant cries. It is called an *inferred response* and never
counted together with tapped ones.

The rules are those of the live hub: a voice is proposed as a response by
`harken.episodes.fold`, with the settings of `EpisodeSettings`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import Bout, EpisodeSettings, Event, fold, new_id
from harken.errors import ParameterError
from harken.hearing.frames import HOP_S, Frames
from harken.insight.estimate import Estimate
from harken.insight.survival import Curve, kaplan_meier

DEFINITION = (
    "An inferred response is an adult voice that the detector hears (P(voice) at or above the "
    "rule's `voice`, joined over pauses of at most `pause_s`, kept from `shortest_s` on where its "
    "median level is at least `near_dbfs`) and that overlaps a bout of an episode for at least "
    "`voice_shortest` seconds with a mean P(voice) of at least `voice_least`. It may have begun up "
    "to `voice_before` seconds before that bout. A stretch of voice answers one episode, the first "
    "that it overlaps so; of several voices the first counts. The latency is counted from the "
    "first onset of the episode to the beginning of the voice, and is 0 where the voice was there "
    "before. An episode in which no voice is heard before the crying ends is censored at that "
    "moment."
)
"""What counts as an answer, in words for a methods section."""

BIASES = (
    "Whoever answers without a word (picks the infant up, feeds, rocks) is not heard: the share "
    "answered is too low and latencies are too long, most of all at night.",
    "A voice is no arms: somebody who talks to another adult, to a sibling or on the telephone "
    "beside the cot counts as an answer, and so may a television or radio with speech.",
    "Loud crying covers a voice, so that answers to loud crying are missed more often than "
    "answers to quiet crying.",
    "A voice covers crying in turn: where it is about as loud, the bout ends where the voice "
    "begins, and a voice that overlaps no crying is not counted. In 60 scenes laid together from "
    "real clips, about a third of the voices that were heard as an infant cried were lost so.",
    "A voice is heard better the nearer the recorder is. A recorder that the infant wears goes "
    "with it into other rooms; one that stands beside the cot misses answers elsewhere.",
    "How often the detector takes other sounds for a voice, or misses one, is not the same in "
    "every home: compare with people's annotations of some of your own minutes.",
)
"""What is known to be wrong with it; each one sentence or two."""

AT_S = (10.0, 30.0, 60.0, 300.0)
"""Seconds after the onset at which the share answered is given."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRule:
    """What counts as an adult voice near the infant.

    Parameters
    ----------
    voice : float, above 0, up to 1
        P(voice) of a frame from which it is a voice. Default 0.6, as in the live hub.
    pause_s : float, 0 to 60 [s]
        Longest pause inside a stretch of voice. Default 1.
    shortest_s : float, 0 to 60 [s]
        Shortest stretch that is kept. Default 1.
    near_dbfs : float, −200 to 0 [dBFS]
        Least median level of its frames. Default −200, every voice that is heard: what
        level is near depends on the recorder.

    Raises
    ------
    ParameterError
        If a field is not a number or outside its range.

    Examples
    --------
    >>> VoiceRule(near_dbfs=-45).near_dbfs
    -45.0
    """

    voice: float = 0.6
    pause_s: float = 1.0
    shortest_s: float = 1.0
    near_dbfs: float = -200.0

    def __post_init__(self) -> None:
        limits = {
            "voice": (1e-6, 1.0),
            "pause_s": (0.0, 60.0),
            "shortest_s": (0.0, 60.0),
            "near_dbfs": (-200.0, 0.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"voice rule: {name}={value!r} is not a number")
            if not least <= value <= most:
                raise ParameterError(
                    f"voice rule: {name}={value:g} must be from {least:g} to {most:g}"
                )
            object.__setattr__(self, name, float(value))

    def as_dict(self) -> dict[str, float]:
        """Give every field by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "VoiceRule":
        """Read what `as_dict` gave; what is not named keeps its default.

        Raises
        ------
        ParameterError
            If a name is unknown, or a value is outside its range.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ParameterError(
                    f"voice rule: unknown field {name!r}; there are {', '.join(names)}"
                )
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Voice:
    """A stretch in which an adult voice is heard.

    Parameters
    ----------
    onset, offset : float [s]
    mean_voice : float, 0 to 1
        Mean P(voice) of its frames at or above the rule's `voice`.
    level_dbfs : float
        Median level of these frames; −inf in digital silence.
    """

    onset: float
    offset: float
    mean_voice: float
    level_dbfs: float


class VoiceTracker:
    """Finds stretches of adult voice in frames as they come; how they are cut changes nothing.

    Parameters
    ----------
    rule : VoiceRule, optional

    Examples
    --------
    >>> n = 50
    >>> voice = np.full(n, 0.8, np.float32)
    >>> none, level = np.zeros(n, np.float32), np.full(n, -40, np.float32)
    >>> tracker = VoiceTracker()
    >>> tracker.process(Frames(np.arange(n) * HOP_S, none, none, voice, level))
    []
    >>> [(one.onset, one.offset) for one in tracker.flush()]
    [(0.0, 4.0)]
    """

    def __init__(self, rule: VoiceRule | None = None) -> None:
        self._rule = rule or VoiceRule()
        self._times: list[NDArray[np.float64]] = []
        self._voice: list[NDArray[np.float32]] = []
        self._level: list[NDArray[np.float32]] = []
        self._last = -np.inf

    def process(self, frames: Frames) -> list[Voice]:
        """Take the next frames; give the stretches that are over.

        Parameters
        ----------
        frames : Frames

        Returns
        -------
        list of Voice
            In order.
        """
        found: list[Voice] = []
        on = np.flatnonzero(frames.voice >= np.float32(self._rule.voice))
        times, voice, level = frames.times[on], frames.voice[on], frames.level[on]
        if len(times):
            before = np.concatenate([[self._last], times[:-1]])
            starts = np.flatnonzero(times - (before + HOP_S) > self._rule.pause_s + 1e-6)
            begin = 0
            for start in (*starts.tolist(), len(times)):
                if start > begin:
                    self._keep(times[begin:start], voice[begin:start], level[begin:start])
                if start < len(times):
                    found += self._end()
                begin = start
            self._last = float(times[-1])
        if len(frames) and frames.times[-1] - self._last > self._rule.pause_s + HOP_S:
            found += self._end()
        return found

    def flush(self) -> list[Voice]:
        """End what is open; there will be no more frames."""
        found = self._end()
        self._last = -np.inf
        return found

    def _keep(
        self, times: NDArray[np.float64], voice: NDArray[np.float32], level: NDArray[np.float32]
    ) -> None:
        self._times.append(times.copy())
        self._voice.append(voice.copy())
        self._level.append(level.copy())

    def _end(self) -> list[Voice]:
        if not self._times:
            return []
        times = np.concatenate(self._times)
        voice, level = np.concatenate(self._voice), np.concatenate(self._level)
        self._times, self._voice, self._level = [], [], []
        onset, offset = float(times[0]), float(times[-1]) + HOP_S
        loud = float(np.median(level))
        if offset - onset < self._rule.shortest_s - 1e-6 or loud < self._rule.near_dbfs:
            return []
        return [Voice(onset, offset, float(np.mean(voice, dtype=np.float64)), loud)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CryEpisode:
    """An episode of a recording, and the answer that is inferred.

    Parameters
    ----------
    episode : int
        Its number in the recording, from 1.
    onset, offset : float [s]
        The first onset, and the end of the last bout.
    bouts : int
    crying_s, longest_bout_s : float [s]
    response_onset : float or None [s]
        When the voice began that is taken for an answer; None: none was heard.
    latency_s : float or None [s]
        From the onset to that; 0 where the voice was there before.
    censored_s : float or None [s]
        Where there is no latency: onset to the end of the crying.
    within_10s : bool or None
        Whether it was answered within 10 s; None where the crying ended earlier, unanswered.
    time_to_calm_s : float or None [s]
        From the answer to the end of the last bout.
    over : bool
        Whether the recording goes on long enough to say that the calm lasted.
    """

    episode: int
    onset: float
    offset: float
    bouts: int
    crying_s: float
    longest_bout_s: float
    response_onset: float | None
    latency_s: float | None
    censored_s: float | None
    within_10s: bool | None
    time_to_calm_s: float | None
    over: bool


def episodes_of(
    bouts: Sequence[Bout],
    voices: Sequence[Voice],
    *,
    until: float,
    settings: EpisodeSettings | None = None,
) -> list[CryEpisode]:
    """Put the bouts of a recording into episodes, and infer answers from voices.

    Parameters
    ----------
    bouts : sequence of Bout
    voices : sequence of Voice
    until : float [s]
        Where the recording ends.
    settings : EpisodeSettings, optional
        `calm_after`, `voice_shortest`, `voice_least` and `voice_before` count.

    Returns
    -------
    list of CryEpisode
        In order of onset.

    Examples
    --------
    >>> cried = [Bout(10.0, 40.0, 0.9, -20.0)]
    >>> came = [Voice(18.0, 25.0, 0.8, -35.0)]
    >>> (one,) = episodes_of(cried, came, until=300.0)
    >>> one.latency_s, one.within_10s, one.time_to_calm_s, one.over
    (8.0, True, 22.0, True)
    """
    settings = settings or EpisodeSettings()
    events = []
    for bout in bouts:
        onset = _at(bout.onset)
        data: dict[str, Any] = {
            "bout": str(new_id(onset)),
            "onset": onset.isoformat(),
            "mean_cry": min(1.0, bout.mean_cry),
        }
        events.append(Event("cry_ended", _at(bout.offset), room="recording", data=data))
    events += [
        Event(
            "voice_heard",
            _at(voice.onset),
            room="recording",
            data={"until": _at(voice.offset).isoformat(), "mean_voice": min(1.0, voice.mean_voice)},
        )
        for voice in voices
    ]
    made = []
    for number, episode in enumerate(fold(events, settings), 1):
        spans = [(_seconds(one.onset), _seconds(one.heard_until)) for one in episode.bouts]
        onset_s, offset_s = spans[0][0], max(end for _, end in spans)
        first = next((one for one in episode.proposed if not one.late), None)
        heard = None if first is None else _seconds(first.at)
        latency = None if heard is None else max(0.0, heard - onset_s)
        lasted = offset_s - onset_s
        within = latency <= 10.0 if latency is not None else (False if lasted >= 10.0 else None)
        made.append(
            CryEpisode(
                episode=number,
                onset=onset_s,
                offset=offset_s,
                bouts=len(spans),
                crying_s=round(episode.crying_s, 6),
                longest_bout_s=round(max(end - begin for begin, end in spans), 6),
                response_onset=heard,
                latency_s=None if latency is None else round(latency, 6),
                censored_s=round(lasted, 6) if latency is None else None,
                within_10s=within,
                time_to_calm_s=(
                    None if heard is None else round(offset_s - max(heard, onset_s), 6)
                ),
                over=until - offset_s >= settings.calm_after,
            )
        )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How crying was answered, as far as voices tell.

    Parameters
    ----------
    n : int
        Episodes.
    heard : int
        In how many a voice was heard before the crying ended.
    curve : Curve
        Share still without a voice.
    latency : Estimate [s]
        Median, by Kaplan–Meier.
    within : tuple of (s, Estimate)
        Share answered within each of `AT_S`, had the crying gone on.
    to_calm : Estimate [s]
        Median from the voice to the end of the crying; where the recording ends before it
        is known to be over it counts as longer than that.
    definition : str
    biases : tuple of str
    """

    n: int
    heard: int
    curve: Curve
    latency: Estimate
    within: tuple[tuple[float, Estimate], ...]
    to_calm: Estimate
    definition: str = DEFINITION
    biases: tuple[str, ...] = BIASES

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form, the curve left out."""
        return {
            "n": self.n,
            "heard": self.heard,
            "latency": self.latency.as_dict(),
            "within": [{"at_s": at, "share": one.as_dict()} for at, one in self.within],
            "to_calm": self.to_calm.as_dict(),
            "definition": self.definition,
            "biases": list(self.biases),
        }


def answers(episodes: Iterable[Mapping[str, Any] | CryEpisode]) -> Answers:
    """Sum up inferred answers.

    Intervals take episodes as independent. Those of one child are not: with several
    children use the statistics that cluster by child.

    Parameters
    ----------
    episodes : iterable of CryEpisode or mapping
        Rows of the table `episodes` will do.

    Returns
    -------
    Answers

    Examples
    --------
    >>> print(answers([]).latency)
    not known (n = 0)
    """
    rows = [asdict(one) if isinstance(one, CryEpisode) else one for one in episodes]
    answered = [row["latency_s"] is not None for row in rows]
    waited = [
        row["latency_s"] if row["latency_s"] is not None else row["censored_s"] for row in rows
    ]
    curve = kaplan_meier(waited, answered)
    calm = [row for row in rows if row["time_to_calm_s"] is not None]
    to_calm = kaplan_meier(
        [row["time_to_calm_s"] for row in calm], [bool(row["over"]) for row in calm]
    )
    return Answers(
        n=len(rows),
        heard=sum(answered),
        curve=curve,
        latency=curve.quantile(),
        within=tuple((at, curve.by(at)) for at in AT_S),
        to_calm=to_calm.quantile(),
    )


def _at(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _seconds(at: datetime) -> float:
    return (at - _EPOCH).total_seconds()
