"""Several raters by exact time, against other packages on a grid and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss

from harken.errors import ParameterError
from harken.studies import Annotation, Annotations
from harken.studies.agree import agree, pair
from harken.studies.raters import Panel, Raters, among, among_by_group, panels
from harken.studies.reliability import krippendorff_alpha
from harken.studies.sample import Segment, into_segments

Spans = list[tuple[float, float]]


def marked(
    name: str, spans: Spans, *, looked: Spans | None = None, label: str = "cry"
) -> Annotations:
    return Annotations(
        recording=f"{name}.wav",
        annotations=tuple(Annotation(onset=a, offset=b, label=label) for a, b in spans),
        analysed=tuple(looked or [(0.0, 60.0)]),
    )


def compared(*sides: Spans, name: str = "a") -> Raters:
    who = [f"p{i}" for i in range(len(sides))]
    made, _ = panels({one: [marked(name, spans)] for one, spans in zip(who, sides, strict=True)})
    return among(made, who[:-1], who[-1], resamples=1)


SPANS = st.lists(
    st.tuples(st.integers(0, 590), st.integers(1, 100)).map(
        lambda x: (x[0] / 10, min(60.0, (x[0] + x[1]) / 10))
    ),
    max_size=4,
)


def grid(spans: Spans) -> np.ndarray:
    """Whether each tenth of a second has the label."""
    middle = (np.arange(600) + 0.5) / 10
    return np.any([[a <= at < b for at in middle] for a, b in [(-2.0, -1.0), *spans]], axis=0)


def known(value: float | None) -> float:
    return float("nan") if value is None else value


@given(SPANS, SPANS, SPANS)
def test_exact_time_gives_what_a_grid_gives_others(one: Spans, two: Spans, three: Spans) -> None:
    found = compared(one, two, three)
    cells = np.array([grid(one), grid(two), grid(three)]).astype(int)
    if cells.min() == cells.max():
        assert found.fleiss_with.value is None
        assert found.alpha_with.value is None
        return
    table, _ = aggregate_raters(cells.T, n_cat=2)
    assert found.fleiss_with.value == pytest.approx(their_fleiss(table), abs=1e-9)
    # All looked at everything: without its correction for few units alpha is Fleiss' kappa.
    assert found.alpha_with.value == pytest.approx(found.fleiss_with.value, abs=1e-9)
    assert krippendorff_alpha(cells.tolist()) == pytest.approx(found.alpha_with.value, abs=2e-3)
    for each, (i, j) in zip(found.two, [(0, 1), (0, 2), (1, 2)], strict=True):
        if cells[[i, j]].min() == cells[[i, j]].max():
            assert each.kappa.value is None
        else:
            wanted = cohen_kappa_score(cells[i], cells[j])
            assert each.kappa.value == pytest.approx(wanted, abs=1e-9)


@given(SPANS, SPANS, SPANS, st.sampled_from([0.001, 2.0, 60.0]))
def test_the_unit_of_time_changes_nothing(
    one: Spans, two: Spans, three: Spans, scale: float
) -> None:
    def times(spans: Spans) -> Spans:
        return [(a * scale, b * scale) for a, b in spans]

    sides = {
        who: [marked("a", times(spans), looked=times([(0.0, 60.0)]))]
        for who, spans in (("x", one), ("y", two), ("run", three))
    }
    scaled = among(panels(sides)[0], ["x", "y"], "run", resamples=1)
    plain = compared(one, two, three)
    for name in ("fleiss", "fleiss_with", "alpha", "alpha_with", "change"):
        first, second = (known(getattr(each, name).value) for each in (plain, scaled))
        assert second == pytest.approx(first, abs=1e-6, nan_ok=True)


@given(SPANS, SPANS, st.integers(1, 59))
def test_where_a_stretch_is_cut_changes_nothing(one: Spans, two: Spans, at: int) -> None:
    made, _ = panels({"x": [marked("a", one)], "y": [marked("a", two)], "run": [marked("a", two)]})
    parts = [part for each in made for span in ((0, at), (at, 60)) if (part := each.within(*span))]
    whole, cut = (among(each, ["x", "y"], "run", resamples=1) for each in (made, parts))
    assert known(cut.alpha.value) == pytest.approx(known(whole.alpha.value), nan_ok=True)


@given(SPANS, SPANS)
def test_of_two_people_alpha_is_scotts_pi(one: Spans, two: Spans) -> None:
    found = compared(one, two, two)
    first, second = grid(one), grid(two)
    share = (first.mean() + second.mean()) / 2
    chance = share**2 + (1 - share) ** 2
    if 0 < share < 1:
        pi = ((first == second).mean() - chance) / (1 - chance)
        assert found.alpha.value == pytest.approx(pi)
    assert known(found.two[0].kappa.value) == pytest.approx(
        known(agree(pair([marked("a", one)], [marked("a", two)])[0], resamples=1).kappa.value),
        nan_ok=True,
    )


def test_what_only_some_looked_at_counts_for_alpha_and_not_for_fleiss() -> None:
    sides = {
        "ann": [marked("a", [(10, 20)])],
        "bo": [marked("a", [(10, 20)], looked=[(0, 30)])],
        "cy": [marked("a", [(10, 20), (40, 50)], looked=[(0, 60)])],
        "run": [marked("a", [(10, 20)], looked=[(0, 10)])],
    }
    made, said = panels(sides)
    assert said == []
    found = among(made, ["ann", "bo", "cy"], "run", resamples=1)
    # Up to 30 s all people agree; beyond, Ann and Cy differ for 10 s.
    assert (found.people_h, found.all_h) == pytest.approx((30 / 3600, 10 / 3600))
    assert found.fleiss.value == pytest.approx(1.0)
    seen = 10 * 2 / (30 * 3 + 30 * 2)
    share = (10 * 3 + 10) / (30 * 3 + 30 * 2)
    assert found.alpha.value == pytest.approx(1 - seen / (2 * share * (1 - share)))
    # In the first 10 s nobody has the label: there was nothing to agree on.
    assert found.fleiss_with.value is None


def test_labels_of_people_and_of_the_hypothesis_may_differ_and_gaps_be_joined() -> None:
    sides = {
        "ann": [marked("a", [(10, 14), (16, 20)])],
        "bo": [marked("a", [(10, 20)])],
        "lena": [marked("a", [(10, 20)], label="infant vocalisation")],
    }
    made, _ = panels(sides)
    labels = {"hypothesis_labels": ("infant vocalisation",), "join": 5.0, "resamples": 1}
    assert among(made, ["ann", "bo"], "lena", **labels).alpha_with.value == pytest.approx(1.0)
    assert among(made, ["ann", "bo"], "lena", resamples=1).alpha_with.value < 0.7


def test_a_program_is_one_rater_like_the_others_or_it_is_not() -> None:
    rng = np.random.default_rng(4)

    def heard(late: float) -> list[Annotations]:
        return [
            marked(f"c{i}", [(20 + rng.normal(0, late), 35 + rng.normal(0, late))])
            for i in range(16)
        ]

    people = {name: heard(1.0) for name in ("ann", "bo", "cy")}
    good, bad = (
        among(panels({**people, "run": heard(late)})[0], list(people), "run", resamples=300)
        for late in (1.0, 6.0)
    )
    assert good.change.low < 0 < good.change.high
    assert bad.change.high < 0
    assert bad.alpha.value == good.alpha.value
    assert good.alpha.n == 16
    among_people = [one.kappa.value for one in bad.two if one.second != "run"]
    with_run = [one.kappa.value for one in bad.two if one.second == "run"]
    assert max(with_run) < min(among_people)


def test_weights_count_as_that_many_recordings() -> None:
    sides = {
        "ann": [marked("a", [(10, 20)]), marked("b", [(0, 30)])],
        "bo": [marked("a", [(12, 20)]), marked("b", [(0, 15)])],
        "run": [marked("a", [(10, 20)]), marked("b", [(0, 30)])],
    }
    first, second = panels(sides)[0]
    weighted = among([first, replace(second, weight=3.0)], ["ann", "bo"], "run", resamples=1)
    again = [replace(second, recording=f"b{i}") for i in range(3)]
    repeated = among([first, *again], ["ann", "bo"], "run", resamples=1)
    assert weighted.alpha.value == pytest.approx(repeated.alpha.value)
    assert weighted.two[0].kappa.value == pytest.approx(repeated.two[0].kappa.value)


def test_segments_that_were_drawn_and_groups() -> None:
    sides = {
        who: [marked("a", [(0, 5), (30, 40)]), marked("b", [(50, 55)])]
        for who in ("ann", "bo", "run")
    }
    made, _ = panels(sides, about={"a": {"child_id": "1"}, "b": {"child_id": "2"}})
    drawn = [
        Segment(recording=name, child=child, since=0.0, until=30.0, stratum="all", chance=0.5)
        for name, child in (("a", "1"), ("b", "2"))
    ]
    parts, said = into_segments(made, drawn)
    assert said == []
    assert all(isinstance(one, Panel) and one.weight == 2 for one in parts)
    groups = among_by_group(parts, "child", ["ann", "bo"], "run", resamples=1)
    assert groups["1"].alpha.value == pytest.approx(1.0)
    assert groups["2"].alpha.value is None
    assert groups["1"].people_h == pytest.approx(30 / 3600)


def test_what_cannot_be_compared_is_told() -> None:
    sides = {"ann": [marked("a", [])], "bo": [marked("b", [])], "run": [marked("a", [])]}
    with pytest.raises(ParameterError, match="bo has no recording in common"):
        panels(sides)
    made, said = panels({**sides, "bo": [marked("a", []), marked("c", [])]})
    assert said == ["c: only bo has it"]
    with pytest.raises(ParameterError, match="two people or more"):
        among(made, ["ann"], "run")
    with pytest.raises(ParameterError, match="each of another name"):
        among(made, ["ann", "run"], "run")
    with pytest.raises(ParameterError, match="'hunger' is none of"):
        among(made, ["ann", "bo"], "run", reference_labels=("hunger",))
    assert among(made, ["ann", "bo"], "run").alpha.value is None
