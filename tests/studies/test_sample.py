"""Drawing minutes: known chances, and estimates that come out right because of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.errors import ParameterError
from harken.studies import Annotation, Annotations
from harken.studies.agree import agree, pair
from harken.studies.sample import WAYS, inclusion, sample, split, systematic, template


def crying(seed: int, hours: float = 2.0) -> Annotations:
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, hours * 3600 - 200, 8))
    return Annotations(
        recording="a",
        annotations=tuple(
            Annotation(onset=float(s), offset=float(s + rng.uniform(5, 150)), label="cry")
            for s in starts
        ),
        analysed=((0.0, hours * 3600),),
    )


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=40), st.data())
def test_chances_add_up_and_are_kept(sizes: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(sizes)))
    chances = inclusion(np.array(sizes), count)
    assert chances.sum() == pytest.approx(count)
    assert np.all((chances > 0) & (chances <= 1))
    drawn = systematic(chances, np.random.default_rng(1))
    assert len(drawn) == len(set(drawn)) == count


def test_units_are_drawn_as_often_as_their_chance_says() -> None:
    chances = inclusion(np.array([1.0, 2.0, 3.0, 4.0, 30.0]), 3)
    times = np.zeros(5)
    for seed in range(4000):
        times[systematic(chances, np.random.default_rng(seed))] += 1
    assert times / 4000 == pytest.approx(chances, abs=0.03)


@pytest.mark.parametrize("way", WAYS)
def test_weighted_minutes_estimate_the_whole(way: str) -> None:
    heard = {"a": crying(1)}
    whole = sum(b - a for a, b in heard["a"].where("cry"))
    guesses = []
    for seed in range(400):
        drawn = sample({"a": 7200.0}, count=24, way=way, heard=heard, seed=seed)  # type: ignore[arg-type]
        guesses.append(sum(one.weight * one.crying_s for one in drawn))
        assert len(drawn) == 24
    error = np.std(guesses) / np.sqrt(len(guesses))
    assert np.mean(guesses) == pytest.approx(whole, abs=4 * error)


def test_drawing_where_crying_is_gives_a_tighter_estimate() -> None:
    heard = {"a": crying(2)}

    def spread(way: str) -> float:
        return float(
            np.std(
                [
                    sum(
                        one.weight * one.crying_s
                        for one in sample(
                            {"a": 7200.0},
                            count=24,
                            way=way,
                            heard=heard,
                            seed=seed,  # type: ignore[arg-type]
                        )
                    )
                    for seed in range(200)
                ]
            )
        )

    assert max(spread("high"), spread("stratified")) < spread("random") / 2


def test_segments_keep_their_weight_when_they_come_back() -> None:
    truth = crying(3)
    heard = Annotations(
        recording="a",
        annotations=tuple(
            Annotation(onset=one.onset + 2, offset=one.offset + 2, label="cry")
            for one in truth.annotations
        ),
        analysed=truth.analysed,
    )
    pairs, _ = pair([truth], [heard])
    whole = agree(pairs, resamples=1).recall.value
    guesses = []
    for seed in range(60):
        drawn = sample({"a": 7200.0}, count=30, way="high", heard={"a": heard}, seed=seed)
        sides = [[made for _, made in split(item, drawn)] for item in (truth, heard)]
        weights = {one.name: one.weight for one in drawn}
        cut, _ = pair(sides[0], sides[1], weights=weights)
        guesses.append(agree(cut, resamples=1).recall.value)
    assert np.mean(guesses) == pytest.approx(whole, abs=0.01)


def test_a_template_shows_where_to_listen_and_does_not_count() -> None:
    drawn = sample({"a": 600.0}, count=2)
    made = template(drawn)
    assert made.analysed == tuple((one.since, one.until) for one in drawn)
    assert all(not each.annotations for _, each in split(made, drawn))


def test_the_same_seed_draws_the_same() -> None:
    first, second = (sample({"a": 6000.0, "b": 900.0}, count=9, seed=4) for _ in range(2))
    assert first == second
    assert first != sample({"a": 6000.0, "b": 900.0}, count=9, seed=5)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"count": 0}, "one segment or more"),
        ({"count": 100}, "have 10 segments of 60 s; 100 were asked for"),
        ({"count": 1, "way": "best"}, "'best' is none of"),
        ({"count": 1, "way": "high"}, "needs to know where crying was heard"),
    ],
)
def test_what_cannot_be_drawn_is_told(more: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        sample({"a": 600.0}, **more)  # type: ignore[arg-type]
