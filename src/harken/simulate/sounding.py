"""The crying of events as sound, by the synthetic voice in a room, with its truth."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from harken.episodes import Event, read_time
from harken.errors import ParameterError
from harken.simulate.acoustics import at_level, coloured_noise, reverberate, room_response
from harken.simulate.clips import Samples
from harken.simulate.scenes import Scene, SceneSpec, TruthRow, _write_flac, write_truth
from harken.simulate.voice import cry
from harken.sound import RATE

_PIECE_S = 30.0
_CHUNK = 30 * RATE
_ROOM_DBFS = -62.0
_LOUDEST_DBFS = -12.0


def render_events(
    events: Iterable[Event],
    path: Path | str,
    *,
    since: datetime,
    seconds: float = 3600.0,
    age_weeks: float = 8.0,
    seed: int = 0,
) -> Scene:
    """Render the bouts of a stretch of events to a FLAC file, with its truth as CSV beside it.

    What is heard then is what the events say: the same bouts at the same times.
    Only crying is rendered; a room's other sounds are in `render_scene`.

    Parameters
    ----------
    events : iterable of Event
        Of one room, as `hub_events` gives them.
    path : path
        The file; its truth is beside it, as ``.csv``.
    since : datetime
        Where the sound begins, with a zone.
    seconds : float, 1 to 86 400
    age_weeks : float, 0 to 60
        Older infants sound as at 60 weeks.
    seed : int, ≥ 0
        Another number, another voice.

    Returns
    -------
    Scene

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    """
    if since.tzinfo is None:
        raise ParameterError("since must have a zone")
    spec = SceneSpec(seconds=seconds, seed=seed)
    rows = list(_bouts(events, since, seconds))
    truth: list[TruthRow] = []
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_flac(_mixed(rows, spec, min(age_weeks, 60.0), truth), target)
    write_truth(truth, target.with_suffix(".csv"))
    return Scene(spec, tuple(truth), path=target)


def _bouts(
    events: Iterable[Event], since: datetime, seconds: float
) -> Iterator[tuple[float, float, float, float]]:
    """Give onset, offset, level and intensity of what is heard in the stretch."""
    for event in events:
        if event.kind != "cry_ended":
            continue
        onset = (read_time(event.data["onset"]) - since).total_seconds()
        offset = (event.at - since).total_seconds()
        if offset <= 0.5 or onset >= seconds - 0.5:
            continue
        peak = float(event.data.get("peak_dbfs", -25.0))
        # The level that is told is that of the loudest frame; crying as a whole lies below.
        level = min(peak - 6.0, _LOUDEST_DBFS)
        intensity = (float(event.data["mean_cry"]) - 0.72) / 0.25
        yield max(0.0, onset), min(offset, seconds), level, min(1.0, max(0.0, intensity))


def _mixed(
    bouts: list[tuple[float, float, float, float]],
    spec: SceneSpec,
    age_weeks: float,
    truth: list[TruthRow],
) -> Iterator[Samples]:
    """Mix the room and the crying chunk by chunk, so that memory stays flat."""
    rng = np.random.default_rng([spec.seed, 11])
    response = room_response(rng, rt60_s=spec.rt60_s, direct_db=spec.direct_db)
    pitch_hz = float(rng.uniform(380, 480))
    room = at_level(coloured_noise(_CHUNK, rng), _ROOM_DBFS)
    total = round(spec.seconds * RATE)
    pieces = sorted(_cut(bouts))
    rest = np.zeros(0, np.float32)
    at = 0
    while at < total:
        n = min(_CHUNK, total - at)
        mix = np.zeros(max(n, len(rest)), np.float32)
        mix[: len(rest)] += rest
        while pieces and pieces[0][0] * RATE < at + n:
            onset, offset, level, intensity = pieces.pop(0)
            voice = cry(
                offset - onset, rng=rng, age_weeks=age_weeks, intensity=intensity, pitch_hz=pitch_hz
            )
            wet = at_level(reverberate(np.pad(voice.samples, (0, len(response))), response), level)
            begin = round(onset * RATE) - at
            if begin + len(wet) > len(mix):
                mix = np.pad(mix, (0, begin + len(wet) - len(mix)))
            mix[begin : begin + len(wet)] += wet
            if voice.spans:
                first, last = voice.spans[0][0], voice.spans[-1][1]
                truth.append(
                    TruthRow("cry", round(onset + first, 3), round(onset + last, 3), "dyad", level)
                )
        yield np.clip(mix[:n] + room[:n], -1, 1).astype(np.float32)
        rest = mix[n:]
        at += n


def _cut(
    bouts: list[tuple[float, float, float, float]],
) -> Iterator[tuple[float, float, float, float]]:
    """Cut long bouts into pieces that fit into memory together with the rest of a chunk."""
    for onset, offset, level, intensity in bouts:
        count = max(1, round((offset - onset) / _PIECE_S))
        edges = np.linspace(onset, offset, count + 1)
        for begin, end in pairwise(edges):
            if end - begin >= 0.2:
                yield float(begin), float(end), level, intensity
