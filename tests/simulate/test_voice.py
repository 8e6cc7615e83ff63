import csv
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.simulate import babble, bark, cry, fuss, laugh, sounds, speak
from harken.sound import RATE

VOICES = {"cry": cry, "fuss": fuss, "babble": babble, "laugh": laugh, "speak": speak, "bark": bark}


def rng(seed=0):
    return np.random.default_rng(seed)


def pitches(heard):
    """Pitch of each active 64 ms by autocorrelation, hertz; unvoiced ones left out."""
    found = []
    for start, stop in heard.spans:
        for at in np.arange(start + 0.1, stop - 0.15, 0.05):
            piece = heard.samples[int(at * RATE) : int(at * RATE) + 1024].astype(float)
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(1024), 4096)) ** 2
            ac = np.fft.irfft(spectrum)
            lags = np.arange(RATE // 750, RATE // 180)
            best = lags[np.argmax(ac[lags])]
            if ac[best] > 0.5 * ac[0]:
                found.append(RATE / best)
    return np.array(found)


def band_shares(samples):
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    edges = (0, 800, 1600, 2800, 8000)
    return np.array([power[(hz >= a) & (hz < b)].sum() for a, b in itertools.pairwise(edges)]) / (
        power.sum()
    )


@pytest.mark.parametrize("name", VOICES)
@settings(max_examples=15, deadline=None)
@given(seconds=st.floats(0.2, 6.0), seed=st.integers(0, 2**32))
def test_a_voice_has_the_length_asked_for_and_its_spans_lie_in_it(name, seconds, seed):
    heard = VOICES[name](seconds, rng=rng(seed))
    assert heard.samples.dtype == np.float32
    assert len(heard.samples) == round(seconds * RATE)
    assert np.isfinite(heard.samples).all()
    assert np.abs(heard.samples).max() <= 0.9001
    ends = [time for span in heard.spans for time in span]
    assert ends == sorted(ends)
    assert all(0 <= a < b <= len(heard.samples) / RATE for a, b in heard.spans)


@pytest.mark.parametrize("name", VOICES)
def test_a_seed_settles_a_voice(name):
    make = VOICES[name]
    first, again, other = (make(2.0, rng=rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.samples, again.samples)
    assert first.spans == again.spans
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("name", VOICES)
def test_a_voice_is_loud_in_its_spans_and_quiet_between(name):
    heard = VOICES[name](10.0, rng=rng(1))
    inside = np.zeros(len(heard.samples), bool)
    for a, b in heard.spans:
        inside[round(a * RATE) : round(b * RATE)] = True
    power = heard.samples.astype(float) ** 2
    assert power[inside].mean() > 10 * power[~inside].mean()


def test_a_cry_breathes_about_once_a_second():
    starts = [a for a, _ in cry(60.0, rng=rng(0), intensity=0.8).spans]
    lengths = [b - a for a, b in cry(60.0, rng=rng(0), intensity=0.8).spans]
    assert 0.9 < np.median(np.diff(starts)) < 1.7
    assert 0.5 < np.median(lengths) < 1.4


@pytest.mark.parametrize("age_weeks", [1, 8, 40])
def test_the_pitch_of_a_cry_is_that_of_infants(age_weeks):
    found = np.concatenate(
        [pitches(cry(8.0, rng=rng(seed), age_weeks=age_weeks, intensity=0.6)) for seed in range(4)]
    )
    assert len(found) > 100
    assert 350 < np.median(found) < 560
    assert np.mean((found > 240) & (found < 720)) > 0.85


def test_the_own_pitch_of_an_infant_is_kept():
    low, high = (np.median(pitches(cry(10.0, rng=rng(2), pitch_hz=hz))) for hz in (360, 520))
    assert 1.25 < high / low < 1.65


def test_an_adult_speaks_lower_than_an_infant_cries():
    assert np.median(pitches(speak(8.0, rng=rng(0), pitch_hz=200.0))) < 260


def test_most_of_a_cry_lies_about_its_first_two_formants():
    shares = np.mean([band_shares(cry(8.0, rng=rng(seed)).samples) for seed in range(4)], axis=0)
    assert shares[1] + shares[2] > 0.5
    assert 0.01 < shares[0] < 0.4
    assert shares[3] > 0.005


def test_a_scream_is_brighter_than_a_whine():
    whine, scream = (
        np.mean([band_shares(cry(8.0, rng=rng(s), intensity=i).samples) for s in range(4)], axis=0)
        for i in (0.1, 1.0)
    )
    assert scream[2:].sum() > 2 * whine[2:].sum()


@pytest.mark.parametrize("make", [*sounds.HOUSEHOLD.values(), sounds.music_box])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.3])
def test_a_thing_has_the_length_asked_for(make, seconds):
    heard = make(seconds, rng=rng(0))
    assert heard.dtype == np.float32
    assert len(heard) == round(seconds * RATE)
    assert np.abs(heard).max() <= 0.9001
    assert seconds < 1 or np.abs(heard).max() > 0.8


class Yamnet:
    """The peer: scores of 521 classes, a window of 0.975 s each 0.48 s."""

    def __init__(self, folder):
        from ai_edge_litert.interpreter import Interpreter

        self.model = Interpreter(str(folder / "yamnet.tflite"), num_threads=1)
        self.model.allocate_tensors()
        self.into = self.model.get_input_details()[0]["index"]
        self.out = self.model.get_output_details()[0]["index"]
        with (folder / "yamnet_class_map.csv").open() as file:
            self.names = [row["display_name"] for row in csv.DictReader(file)]

    def mean(self, samples):
        rows = []
        for at in range(0, len(samples) - 15600 + 1, 7680):
            self.model.set_tensor(self.into, samples[at : at + 15600])
            self.model.invoke()
            rows.append(self.model.get_tensor(self.out)[0].copy())
        scores = np.mean(rows, axis=0)
        return dict(zip(self.names, scores.tolist(), strict=True))


@pytest.fixture(scope="module")
def yamnet(require):
    pytest.importorskip("ai_edge_litert")
    return Yamnet(require("../shared/peers/yamnet.tflite").parent)


def test_yamnet_hears_a_baby_cry_in_a_made_one(yamnet):
    scores = [
        yamnet.mean(cry(5.0, rng=rng(seed), age_weeks=age, intensity=intensity).samples)
        for age, intensity in itertools.product((2, 12, 40), (0.5, 0.7, 0.95))
        for seed in (1, 2)
    ]
    found = [score["Baby cry, infant cry"] for score in scores]
    assert np.median(found) >= 0.85
    assert min(found) >= 0.5
    heard = {max(score, key=score.get) for score in scores}
    assert heard <= {"Baby cry, infant cry", "Crying, sobbing"}


def test_yamnet_hears_speech_in_a_made_adult(yamnet):
    scores = [yamnet.mean(speak(5.0, rng=rng(seed)).samples) for seed in range(4)]
    assert np.median([score["Speech"] for score in scores]) > 0.5
    assert max(score["Baby cry, infant cry"] for score in scores) < 0.1


@pytest.mark.parametrize(
    "make", [*sounds.HOUSEHOLD.values(), sounds.music_box, babble, laugh, bark]
)
def test_yamnet_hears_no_cry_in_anything_else(yamnet, make):
    heard = make(5.0, rng=rng(1))
    score = yamnet.mean(getattr(heard, "samples", heard))
    assert score["Baby cry, infant cry"] < 0.1
