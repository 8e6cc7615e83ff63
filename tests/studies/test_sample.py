"""Drawing minutes: known chances, and estimates that come out right because of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pympi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid

from harken.errors import ParameterError
from harken.studies import Annotation, Annotations, read
from harken.studies.agree import agree, common, length, pair
from harken.studies.sample import (
    WAYS,
    inclusion,
    into_segments,
    sample,
    systematic,
    template,
    write_template,
)


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
    assert np.mean(guesses) == pytest.approx(whole, abs=4 * error + 1e-6)


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
        cut, said = into_segments(pairs, drawn)
        assert said == []
        guesses.append(agree(cut, resamples=1).recall.value)
    assert np.mean(guesses) == pytest.approx(whole, abs=0.01)


def test_a_template_shows_where_to_listen_and_does_not_count() -> None:
    drawn = sample({"a": 600.0}, count=2)
    made = template(drawn)
    assert made.analysed == tuple((one.since, one.until) for one in drawn)
    assert made.where("cry") == ()
    assert {one.source for one in made.annotations} == {"listen here"}


@pytest.mark.parametrize("ending", ["eaf", "TextGrid"])
def test_a_template_is_filled_in_and_read_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"kid 1/a.{ending}"
    write_template(sample({"kid 1/a": 600.0}, count=2), path, media="a.flac", duration=600.0)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    (empty,) = read(path)
    assert empty.where("cry") == ()
    assert {one.source for one in empty.annotations} == {"listen here"}
    since = empty.annotations[0].onset + 5
    if ending == "eaf":
        eaf = pympi.Elan.Eaf(str(path))
        eaf.add_annotation("CHI", round(1000 * since), round(1000 * since) + 3000)
        eaf.add_ref_annotation("vcm@CHI", "CHI", round(1000 * since) + 1000, "Y")
        path.unlink()
        eaf.to_file(str(path))
    else:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
        grid.getTier("CHI").insertEntry((since, since + 3, "cry"))
        grid.save(str(path), format="long_textgrid", includeBlankSpaces=True)
    assert read(path)[0].where("cry") == ((since, since + 3),)


def test_what_was_not_looked_at_is_left_out_and_told() -> None:
    drawn = sample({"a": 600.0, "b": 300.0}, count=15)
    looked = Annotations(recording="a.wav", analysed=((0.0, 150.0),))
    pairs, _ = pair([looked], [looked])
    made, said = into_segments(pairs, drawn)
    assert [one.looked for one in made] == [((0, 60),), ((60, 120),), ((120, 150),)]
    assert made[0].about["stratum"] == "all"
    assert said == [
        "12 of 15 segments were not looked at by both: a_180000_240000, a_240000_300000, "
        "a_300000_360000 and 9 more"
    ]
    with pytest.raises(ParameterError, match="none of the segments"):
        into_segments(pairs, drawn[5:])


def test_only_what_was_heard_is_drawn_from() -> None:
    heard = {"a": Annotations(recording="a", analysed=((0.0, 130.0),))}
    drawn = sample({"a": 600.0, "b": 120.0}, count=4, heard=heard)
    assert [(one.recording, one.since) for one in drawn] == [
        ("a", 0.0), ("a", 60.0), ("b", 0.0), ("b", 60.0),
    ]  # fmt: skip


def test_a_small_stratum_gives_all_that_it_has_and_the_others_more() -> None:
    cries = [Annotation(onset=10.0, offset=o, label="cry") for o in (20.0,)]
    cries += [Annotation(onset=70.0, offset=110.0, label="cry")]
    heard = {"a": Annotations(recording="a", annotations=tuple(cries))}
    drawn = sample({"a": 6000.0}, count=9, way="stratified", heard=heard)
    strata = [one.stratum for one in drawn]
    assert (strata.count("some"), strata.count("much"), strata.count("none")) == (1, 1, 7)
    assert sum(one.weight for one in drawn) == pytest.approx(100)
    with pytest.raises(ParameterError, match="2 segments can't be of 3 strata"):
        sample({"a": 6000.0}, count=2, way="stratified", heard=heard)


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


def test_the_crying_of_each_minute_adds_up() -> None:
    heard = crying(5)
    drawn = sample({"a": 7200.0}, count=120, heard={"a": heard})
    assert sum(one.crying_s for one in drawn) == pytest.approx(length(heard.where("cry")))
    for one in drawn:
        inside = common(heard.where("cry"), [(one.since, one.until)])
        assert one.crying_s == pytest.approx(length(inside), abs=1e-6)
        assert (one.crying_s == 0) == (inside == ())


def test_cries_that_edges_cut_are_judged_as_the_whole_would_be() -> None:
    # People mark a cry from edge to edge of the minute; the program heard where it really began.
    rng = np.random.default_rng(0)
    truth, found, at = [], [], 0.0
    for _ in range(160):
        at += rng.exponential(60) + 6
        lasts, chance = rng.uniform(4, 60), rng.uniform()
        if chance < 0.85:
            truth.append((at, at + lasts))
        if chance < 0.65 or chance >= 0.85:
            found.append((at + rng.normal(0, 0.3), at + lasts + rng.normal(0, 0.5)))
        at += lasts
    whole, heard = about("a", truth, at), about("a", found, at)
    guesses = []
    for seed in range(60):
        drawn = sample({"a": at}, count=60, way="stratified", heard={"a": heard}, seed=seed)
        minutes = [(one.since, one.until) for one in drawn]
        person = replace(about("a", list(common(truth, minutes)), at), analysed=tuple(minutes))
        parts, _ = into_segments(pair([person], [heard])[0], drawn)
        guesses.append(agree(parts, resamples=1))
    wanted = agree(pair([whole], [heard])[0], resamples=1)
    for name in ("recall", "precision", "event_recall", "event_precision"):
        mean = np.mean([getattr(one, name).value for one in guesses])
        assert mean == pytest.approx(getattr(wanted, name).value, abs=0.03)


def about(name: str, spans: list[tuple[float, float]], end: float) -> Annotations:
    return Annotations(
        recording=name,
        annotations=tuple(Annotation(onset=a, offset=b, label="cry") for a, b in spans),
        analysed=((0.0, end),),
    )
