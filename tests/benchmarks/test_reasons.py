import doctest

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from benchmarks import reasons
from benchmarks.metrics import Estimate, group_weights
from benchmarks.reasons import (
    HEAD,
    PAGE,
    Control,
    Cries,
    ask,
    balanced_accuracy,
    deal_folds,
    describe,
    fill,
    guesses,
    learners,
    melody,
    p_value,
    spectrum,
    swap_among_devices,
)


def test_examples_in_the_documentation_hold():
    assert doctest.testmod(reasons).failed == 0


def test_balanced_accuracy_equals_scikit_learns():
    rng = np.random.default_rng(0)
    truth, guessed = (rng.choice(list("abc"), 60, p=[0.7, 0.2, 0.1]) for _ in range(2))
    assert balanced_accuracy(truth, guessed)[0] == pytest.approx(
        balanced_accuracy_score(truth, guessed)
    )


def test_a_resample_without_a_label_is_not_a_number():
    truth = np.array(list("aab"))
    found = balanced_accuracy(truth, truth, np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]]))
    assert found[0] == 1
    assert np.isnan(found[1])


def devices(n=120, each=3, seed=0):
    """Sounds that say which device it was, and labels that go by device and mean nothing."""
    rng = np.random.default_rng(seed)
    group = np.array([f"d{k // each}" for k in range(n)])
    sound = rng.normal(size=(n // each, 6))[np.arange(n) // each] + 0.1 * rng.normal(size=(n, 6))
    labels = np.where(rng.random(n // each) < 0.7, "hungry", "tired")[np.arange(n) // each]
    return sound, labels, group


def test_no_device_is_on_both_sides_and_every_clip_is_judged_once():
    _, labels, group = devices()
    folds = deal_folds(labels, group)
    for learn, judge in folds:
        assert not set(group[learn]) & set(group[judge])
    assert sorted(np.concatenate([judge for _, judge in folds])) == list(range(len(labels)))


def test_knowing_the_device_looks_like_knowing_the_reason_only_if_devices_are_mixed():
    sound, labels, group = devices()
    nearest = learners()["nearest"]
    mixed = guesses(sound, labels, deal_folds(labels, None), nearest)
    apart = guesses(sound, labels, deal_folds(labels, group), nearest)
    assert balanced_accuracy(labels, mixed)[0] > 0.9
    assert balanced_accuracy(labels, apart)[0] < 0.7


def test_swapping_keeps_what_a_device_has_in_common_and_how_common_each_reason_is():
    labels = np.array(list("aaabbbccdda"))
    group = np.array(list("uuuvvvwwxxy"))
    made = {"".join(swap_among_devices(labels, group, np.random.default_rng(k))) for k in range(40)}
    assert made == {three + two + "a" for three in ("aaabbb", "bbbaaa") for two in ("ccdd", "ddcc")}


def test_p_is_never_nought_and_one_where_chance_always_does_as_well():
    assert p_value(1.0, np.zeros(99)) == 0.01
    assert p_value(0.0, np.zeros(99)) == 1.0


@pytest.fixture(scope="module")
def answered():
    """Two takes on the sound: one tells the reason, the other only the device."""
    sound, labels, group = devices(90)
    rng = np.random.default_rng(3)
    telling = np.where(labels == "tired", 2.0, -2.0)[:, None] + rng.normal(size=(90, 3))
    yes = np.ones(90, bool)
    cries = Cries(labels, group, labels, yes, {"telling": telling, "device": sound})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reasons, "DEALS", 3)
        return ask("Which?", cries, labels, permutations=19)


def test_what_is_in_the_sound_is_found_and_what_is_not_is_not(answered):
    of = {(one.sound, one.learner): one for one in answered.tries}
    assert of["telling", "linear"].apart.low > 0.8
    assert of["telling", "linear"].p == 0.05
    assert answered.best_p == 0.05
    device = of["device", "nearest"]
    assert device.apart.value < 0.7
    assert device.mixed.value > 0.9
    assert device.swapped > 0.9


def test_an_answer_says_what_it_is_based_on(answered):
    assert sum(answered.clips.values()) == 90
    assert answered.in_all == 30
    assert answered.chance == 0.5
    assert answered.majority == max(answered.clips.values()) / 90
    told = describe([answered], [Control("A cry?", 90, 30, Estimate(0.9, 0.8, 0.95), 0.7)])
    assert "90 cries of 30 devices" in told
    assert "| A cry? | 90 | 30 | 90.0 % (80.0 to 95.0) | 70.0 % |" in told
    assert told.count("| device | nearest |") == 1


def test_the_interval_is_that_of_devices_and_not_of_clips():
    _, labels, group = devices()
    guessed = np.where(np.char.endswith(group, "1"), "tired", labels)

    def width(of):
        drawn = balanced_accuracy(labels, guessed, group_weights(of).astype(float))[1:]
        return np.ptp(np.percentile(drawn, [2.5, 97.5]))

    assert width(group.tolist()) > 1.3 * width([str(k) for k in range(len(group))])


@pytest.mark.parametrize("take", [melody, spectrum])
@pytest.mark.parametrize("seconds", [0.5, 7.0])
@pytest.mark.parametrize("level", [0.0, 1e-4, 0.3])
def test_a_sound_is_taken_apart_into_finite_numbers(take, seconds, level):
    rng = np.random.default_rng(1)
    found = [
        take((level * rng.normal(size=round(s * 16_000))).astype(np.float32)) for s in (seconds, 3)
    ]
    assert np.isfinite(found).all()
    assert len(found[0]) == (22 if take is melody else 192)


def test_the_melody_of_a_tone_is_its_pitch_and_the_spectrum_knows_no_loudness():
    t = np.arange(48_000) / 16_000
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    assert melody(tone)[2] == pytest.approx(0.0, abs=0.1)
    noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32)
    assert spectrum(noise) == pytest.approx(spectrum(noise / 4), abs=0.1)


def test_only_the_block_of_a_page_is_filled():
    page = "a\n<!-- reasons -->\nold\n<!-- /reasons -->\nb\n"
    assert fill(page, "new\\1") == "a\n<!-- reasons -->\nnew\\1\n<!-- /reasons -->\nb\n"
    with pytest.raises(ValueError, match="0 blocks"):
        fill("nothing", "new")


def test_the_page_shows_every_try_of_both_questions():
    page = PAGE.read_text("utf-8")
    block = page.split("<!-- reasons -->\n")[1].split("\n<!-- /reasons -->")[0]
    assert block.count(f"| {' | '.join(HEAD)} |") == 2
    for sound in ("melody", "spectrum", "YAMNet"):
        for learner in learners():
            assert block.count(f"| {sound} | {learner} | ") == 2
