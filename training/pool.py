"""Rooms full of clips: the sound that the network is trained on.

Every segment is mixed from the clips of one fold only, so that a fold that is
left out is left out of the mixtures too. Where each clip lies is known, so the
targets of the mixture are exact to the frame.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from harken.hearing.frames import HOP
from harken.simulate.acoustics import (
    at_level,
    clip,
    coloured_noise,
    microphone,
    reverberate,
    rms_dbfs,
    room_response,
    speed,
    through_codec,
)
from harken.simulate.sounds import HOUSEHOLD
from harken.simulate.voice import babble, cry, laugh, speak
from training.data import SEGMENT, SEGMENT_FRAMES, Clip, Targets
from training.made import instruments, speakers, tones

Samples = NDArray[np.float32]

_FRONT = {
    "cry": 0.40,
    "laugh": 0.07,
    "babble": 0.05,
    "child_speech": 0.12,
    "speech": 0.12,
    "animal": 0.10,
    "household": 0.08,
    "music": 0.04,
    "unknown_upload": 0.05,
}
"""How often each label is drawn as a foreground sound."""

_MADE = {
    "cry": 0.08,
    "tones": 0.22,
    "instruments": 0.32,
    "household": 0.13,
    "speakers": 0.18,
    "voice": 0.07,
}
"""How often each kind is drawn as a made-up sound."""

_MADE_SHARE = 0.25
"""Share of the sounds of a mixture that are made up."""

_SPEEDS = {
    "cry": (0.85, 1.2),
    "laugh": (0.85, 1.35),
    "babble": (0.85, 1.25),
    "child_speech": (0.95, 1.6),
    "speech": (0.9, 1.1),
    "animal": (0.7, 1.4),
    "household": (0.7, 1.4),
    "music": (0.8, 1.3),
    "noise": (0.8, 1.25),
    "silence": (0.9, 1.1),
    "unknown_upload": (0.9, 1.1),
}


@dataclass(frozen=True, eq=False)
class Segment:
    """One mixture of 10.24 s."""

    fold: int
    pcm: NDArray[np.int16]
    wanted: NDArray[np.float32]
    weight: NDArray[np.float32]


def _stretch(targets: Targets, factor: float) -> Targets:
    n = round(len(targets.wanted) / factor)
    rows = np.minimum((np.arange(n) * factor).astype(int), len(targets.wanted) - 1)
    return Targets(targets.wanted[rows], targets.weight[rows])


class Mixer:
    """Draws segments from the clips of one fold; what it gives depends on the seed alone."""

    def __init__(self, clips: list[Clip], targets: list[Targets], fold: int) -> None:
        self.fold = fold
        self._by_label: dict[str, dict[str, list[tuple[Clip, Targets]]]] = {}
        for one, wanted in zip(clips, targets, strict=True):
            groups = self._by_label.setdefault(one.label, {})
            groups.setdefault(one.group, []).append((one, wanted))

    def _draw(self, label: str, rng: np.random.Generator) -> tuple[Clip, Targets]:
        groups = list(self._by_label[label].values())
        # Between one vote a group and one vote a clip: rare voices are heard often enough.
        sizes = np.sqrt([len(group) for group in groups])
        group = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        return group[rng.integers(len(group))]

    def segment(self, seed: int) -> Segment:
        """Mix one segment."""
        rng = np.random.default_rng([seed, self.fold])
        rt60 = rng.choice([0.0, rng.uniform(0.15, 0.9)], p=[0.35, 0.65])
        response = room_response(rng, rt60_s=float(rt60), direct_db=rng.uniform(-6, 12))
        mix = np.zeros(SEGMENT, np.float32)
        wanted = np.zeros((SEGMENT_FRAMES, 3), np.float32)
        weight = np.ones((SEGMENT_FRAMES, 3), np.float32)

        floor = self._background(rng)
        floor_db = rng.uniform(-75, -25)
        snr = rng.uniform(-5, 35)
        mix += at_level(floor, floor_db)

        for _ in range(rng.choice([0, 1, 2, 3], p=[0.06, 0.4, 0.36, 0.18])):
            drawn = self._made(rng) if rng.random() < _MADE_SHARE else self._recorded(rng)
            if drawn is None:
                continue
            sound, target = drawn
            if rng.random() < 0.5:
                sound = microphone(sound, rng)
            if rng.random() < 0.85:
                sound = reverberate(sound, response)
            near = snr + rng.uniform(-10, 5)
            sound = at_level(sound, floor_db + near)
            if rng.random() < 0.04:
                sound = clip(sound, rng.uniform(3, 15)) * np.abs(sound).max()

            start = int(rng.integers(-len(sound) // 3, SEGMENT - HOP * 8)) // HOP * HOP
            cut = max(-start, 0)
            sound, target = (
                sound[cut:],
                Targets(target.wanted[cut // HOP :], target.weight[cut // HOP :]),
            )
            at = max(start, 0)
            n = min(len(sound), SEGMENT - at)
            before = mix[at : at + n].copy()
            mix[at : at + n] += sound[:n]
            rows = min(len(target.wanted), n // HOP)
            if rows == 0:
                continue
            there = slice(at // HOP, at // HOP + rows)
            new = target.wanted[:rows]
            # Buried under what was there already, nobody could hear it: no verdict.
            power = np.square(sound[: rows * HOP].reshape(rows, HOP)).mean(1)
            under = np.square(before[: rows * HOP].reshape(rows, HOP)).mean(1)
            buried = (power < under * 10 ** (-0.9))[:, None]
            doubt = np.where(buried & (new > 0.3), 0.1, target.weight[:rows]).astype(np.float32)
            old, sure = wanted[there], weight[there]
            takes = new >= old
            wanted[there] = np.where(takes, new, old)
            weight[there] = np.where(
                takes & (new > 0.3), doubt, np.where(old > 0.3, sure, np.maximum(doubt, 0.1))
            )
        if rng.random() < 0.35:
            mix = microphone(mix, rng)
        peak = float(np.abs(mix).max())
        level = min(
            rng.uniform(-55, -8) - rms_dbfs(mix),
            -20 * np.log10(max(peak, 1e-9)) + (3 if rng.random() < 0.1 else 0),
        )
        mix = np.clip(mix * np.float32(10 ** (level / 20)), -1, 1)
        if rng.random() < 0.25:
            mix = through_codec(mix, str(rng.choice(["mulaw", "adpcm", "mp3", "opus", "aac"])))
        return Segment(
            self.fold, np.round(np.clip(mix, -1, 1) * 32767).astype(np.int16), wanted, weight
        )

    def _recorded(self, rng: np.random.Generator) -> tuple[Samples, Targets] | None:
        label = str(
            rng.choice(list(_FRONT), p=np.array(list(_FRONT.values())) / sum(_FRONT.values()))
        )
        if label not in self._by_label:
            return None
        one, target = self._draw(label, rng)
        low, high = _SPEEDS[label]
        factor = 1.0
        if rng.random() < 0.7:
            factor = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        if label == "speech" and rng.random() < 0.25:
            # An adult played faster comes near a child; whose voice it then is nobody can say.
            factor = rng.uniform(1.25, 1.7)
            target = Targets(target.wanted, target.weight * np.array([1, 1, 0], np.float32))
        if abs(factor - 1) < 0.005:
            return one.samples, target
        return speed(one.samples, factor), _stretch(target, factor)

    def _made(self, rng: np.random.Generator) -> tuple[Samples, Targets]:
        """Draw a made-up sound: now and then a cry, mostly what is near one and is none."""
        kind = rng.choice(list(_MADE), p=list(_MADE.values()))
        seconds = float(rng.uniform(2, 9))
        voice, sure_of_voice = 0.0, 0.2
        if kind == "cry":
            age, intensity = rng.uniform(0, 40), rng.uniform(0.4, 1)
            sound = cry(seconds, age_weeks=age, intensity=intensity, rng=rng).samples
        elif kind == "tones":
            sound = tones(seconds, rng)
        elif kind == "instruments":
            sound = instruments(seconds, rng)
        elif kind == "household":
            name = str(rng.choice(sorted(HOUSEHOLD)))
            sound = HOUSEHOLD[name](seconds, rng=rng)
        elif kind == "speakers":
            sound, adult = speakers(seconds, rng)
            voice, sure_of_voice = float(adult), 0.2 if adult else 0.0
        else:
            speaker = [laugh, babble, speak][rng.integers(3)]
            sound = speaker(seconds, rng=rng).samples
        n = len(sound) // HOP
        row = np.array([kind == "cry", 0, voice], np.float32)
        # That an instrument is no infant is certain; how near a made-up infant comes is not.
        certain = kind in ("tones", "instruments", "household", "speakers")
        sure = np.array([1.0 if certain else 0.5, 0.2, sure_of_voice], np.float32)
        return sound, Targets(np.tile(row, (n, 1)), np.tile(sure, (n, 1)))

    def _background(self, rng: np.random.Generator) -> NDArray[np.float32]:
        kind = rng.choice(["coloured", "noise", "silence", "none"], p=[0.35, 0.45, 0.12, 0.08])
        if kind == "none":
            return np.zeros(SEGMENT, np.float32)
        if kind == "coloured" or kind not in self._by_label:
            return coloured_noise(SEGMENT, rng, rng.uniform(-7, 0))
        sound = self._draw(str(kind), rng)[0].samples
        return np.tile(sound, -(-SEGMENT // len(sound)))[:SEGMENT]


def _some(job: tuple[Mixer, list[int]]) -> list[Segment]:
    mixer, seeds = job
    return [mixer.segment(seed) for seed in seeds]


def render_pool(
    clips: list[Clip], targets: list[Targets], folds: int, a_fold: int, seed: int, workers: int = 2
) -> list[Segment]:
    """Mix `a_fold` segments from each fold, in processes; same seed, same sound."""
    jobs = []
    for fold in range(folds):
        mine = [i for i, one in enumerate(clips) if one.fold == fold]
        mixer = Mixer([clips[i] for i in mine], [targets[i] for i in mine], fold)
        seeds = [seed * 1_000_003 + k for k in range(a_fold)]
        half = -(-a_fold // workers)
        jobs += [(mixer, seeds[k : k + half]) for k in range(0, a_fold, half)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [segment for part in pool.map(_some, jobs) for segment in part]
