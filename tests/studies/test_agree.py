"""Agreement by seconds and events, against pyannote.metrics and by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyannote.core import Annotation as Their
from pyannote.core import Segment, Timeline
from pyannote.metrics.detection import DetectionPrecisionRecallFMeasure

from harken.errors import ParameterError
from harken.studies import Annotation, Annotations
from harken.studies.agree import (
    agree,
    by_group,
    common,
    disagreements,
    length,
    pair,
    without,
)
from harken.studies.agreement_report import bland_altman_picture, write_report
from harken.studies.annotation import joined

Spans = list[tuple[float, float]]


def about(
    name: str, spans: Spans, *, looked: Spans | None = None, label: str = "cry"
) -> Annotations:
    return Annotations(
        recording=f"{name}.wav",
        annotations=tuple(Annotation(onset=a, offset=b, label=label) for a, b in spans),
        analysed=tuple(looked or [(0.0, 600.0)]),
    )


SPANS = st.lists(
    st.tuples(st.integers(0, 5900), st.integers(1, 400)).map(
        lambda x: (x[0] / 10, min(600.0, (x[0] + x[1]) / 10))
    ),
    max_size=8,
)


def theirs(spans: Spans) -> Their:
    made = Their()
    for i, (since, until) in enumerate(spans):
        made[Segment(since, until), i] = "cry"
    return made


@given(SPANS, SPANS, st.sampled_from([0.0, 0.5, 2.0]))
def test_seconds_are_those_of_pyannote(truth: Spans, heard: Spans, collar: float) -> None:
    # Where stretches touch, pyannote leaves a collar out between them; Harken takes them as one.
    truth, heard = list(joined(truth)), list(joined(heard))
    pairs, _ = pair([about("a", truth)], [about("a", heard)])
    found = agree(pairs, collar=collar, resamples=1)
    metric = DetectionPrecisionRecallFMeasure(collar=collar)
    detail = metric(theirs(truth), theirs(heard), uem=Timeline([Segment(0, 600)]), detailed=True)
    both = detail["relevant retrieved"]
    if detail["retrieved"] > 1e-6:
        assert found.precision.value == pytest.approx(both / detail["retrieved"], abs=1e-6)
    if detail["relevant"] > 1e-6:
        assert found.recall.value == pytest.approx(both / detail["relevant"], abs=1e-6)


@given(SPANS, SPANS)
def test_stretches_add_up(first: Spans, second: Spans) -> None:
    both, only = common(first, second), without(first, second)
    assert length(both) + length(only) == pytest.approx(length(first))
    assert length(common(both, only)) == 0
    assert length(common(first, second)) == pytest.approx(length(common(second, first)))


def test_events_match_one_to_one_within_their_collars() -> None:
    truth = [(10.0, 20.0), (30.0, 31.0), (50.0, 60.0)]
    # The first is 0.6 s late; one falls 5 s short, which half its length allows; the third is off.
    heard = [(10.6, 15.5), (30.2, 31.4), (52.0, 60.0)]
    pairs, _ = pair([about("a", truth)], [about("a", heard)])
    found = agree(pairs, resamples=10)
    assert found.event_recall.value == pytest.approx(2 / 3)
    assert found.onset_error.value == pytest.approx(0.4)
    assert found.onset_error.n == 2
    strict = agree(pairs, onset_within=0.5, resamples=10)
    assert strict.event_recall.value == pytest.approx(1 / 3)


def test_two_heard_events_never_match_the_same_true_one() -> None:
    pairs, _ = pair([about("a", [(10.0, 20.0)])], [about("a", [(9.6, 14.0), (10.4, 20.0)])])
    # They touch nothing of each other: one matches, one is false.
    found = agree(pairs, resamples=10)
    assert found.event_precision.value in (0.5, 1.0)
    pairs, _ = pair([about("a", [(10.0, 10.4)])], [about("a", [(9.6, 10.0), (10.2, 10.6)])])
    found = agree(pairs, resamples=10)
    assert (found.event_precision.value, found.event_recall.value) == (0.5, 1.0)


def test_only_what_both_looked_at_counts() -> None:
    pairs, said = pair(
        [about("a", [(10, 20), (300, 320)], looked=[(0, 100)]), about("b", [])],
        [about("a", [(10, 20), (90, 110)], looked=[(0, 200)]), about("c", [])],
    )
    found = agree(pairs, resamples=10)
    assert found.looked_h == pytest.approx(100 / 3600)
    assert found.recall.value == 1.0
    assert found.precision.value == pytest.approx(0.5)
    assert said == ["b: only in the reference", "c: only in the hypothesis"]


def test_kappa_of_a_table_by_hand() -> None:
    pairs, _ = pair(
        [about("a", [(0, 30)], looked=[(0, 100)])], [about("a", [(10, 50)], looked=[(0, 100)])]
    )
    # 20 s both, 10 only the reference, 20 only the hypothesis, 50 neither.
    seen, chance = 0.7, 0.3 * 0.4 + 0.7 * 0.6
    assert agree(pairs).kappa.value == pytest.approx((seen - chance) / (1 - chance))


def test_intervals_are_over_children_not_recordings() -> None:
    rng = np.random.default_rng(3)
    reference, hypothesis, tables = [], [], {}
    for child in range(8):
        late = rng.uniform(0, 8)  # a child's recordings are all alike
        for day in range(10):
            name = f"{child}_{day}"
            reference.append(about(name, [(100, 120)]))
            hypothesis.append(about(name, [(100 + late, 120 + late)]))
            tables[name] = {"child_id": str(child)}
    clustered, _ = pair(reference, hypothesis, about=tables)
    alone, _ = pair(reference, hypothesis)
    wide, narrow = agree(clustered).recall, agree(alone).recall
    assert wide.value == pytest.approx(narrow.value)
    assert wide.n == 8
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for study in range(60):
        reference, hypothesis, tables = [], [], {}
        for child in range(20):
            for day in range(3):
                name = f"{child}_{day}"
                kept = rng.beta(8, 2)
                reference.append(about(name, [(100, 200)]))
                hypothesis.append(about(name, [(100, 100 + 100 * kept)]))
                tables[name] = {"child_id": str(child)}
        pairs, _ = pair(reference, hypothesis, about=tables)
        recall = agree(pairs, resamples=200, seed=study).recall
        held += recall.low <= 0.8 <= recall.high
    assert 50 <= held <= 60


def test_groups_and_their_names() -> None:
    tables = {"a": {"child_id": "1", "noisy": "yes"}, "b": {"child_id": "2"}}
    pairs, _ = pair(
        [about("a", [(0, 10)]), about("b", [(0, 10)])],
        [about("a", [(0, 10)]), about("b", [(5, 10)])],
        about=tables,
    )
    groups = by_group(pairs, "noisy", resamples=10)
    assert groups["yes"].recall.value == 1.0
    assert groups["not known"].recall.value == 0.5
    assert list(by_group(pairs, "child", resamples=10)) == ["1", "2"]
    with pytest.raises(ParameterError, match="no column 'age'"):
        by_group(pairs, "age")


def test_the_worst_come_first_and_labels_may_differ() -> None:
    pairs, _ = pair(
        [about("a", [(0, 10), (100, 103)], label="infant vocalisation")],
        [about("a", [(50, 90), (100, 103)])],
    )
    labels = {"reference_labels": ["infant vocalisation"], "hypothesis_labels": ["cry"]}
    worst = disagreements(pairs, **labels)
    assert [(one.kind, one.since, one.until) for one in worst] == [
        ("false", 50.0, 90.0),
        ("missed", 0.0, 10.0),
    ]
    found = agree(pairs, **labels, resamples=10)
    assert found.confusion["infant vocalisation"]["cry"] == pytest.approx(3.0)
    assert found.confusion["nothing"]["cry"] == pytest.approx(40.0)


def test_the_report_says_what_was_found(tmp_path: Path) -> None:
    names = "abcd"
    pairs, said = pair(
        [about(n, [(0, 10 + i)]) for i, n in enumerate(names)],
        [about(n, [(1, 12 + i)]) for i, n in enumerate(names)],
        about={n: {"child_id": n, "noisy": "no"} for n in names},
    )
    found = agree(pairs, resamples=50)
    files = write_report(
        tmp_path / "out", pairs, found, groups={"noisy": by_group(pairs, "noisy", resamples=50)},
        worst=disagreements(pairs), remarks=said, how={"reference_labels": ("cry",)},
    )  # fmt: skip
    page = files[0].read_text("utf-8")
    assert "4 recordings of 4 children" in page
    assert "<svg" in page
    assert "<script" not in page
    assert f"{found.recall.value:.2f}" in page
    table = files[1].read_text("utf-8").splitlines()
    assert table[0] == "by,group,measure,value,low,high,n,unit,how"
    assert len(table) == 1 + 2 * 11
    assert (tmp_path / "out/disagreements.csv").read_text().startswith("recording,child,onset")
    picture = bland_altman_picture(pairs, found)
    assert "more than the reference" in picture.title


def test_nothing_in_common_is_told() -> None:
    with pytest.raises(ParameterError, match="no recording is in both"):
        pair([about("a", [])], [about("b", [])])
    with pytest.raises(ParameterError, match="without the name"):
        pair([Annotations(recording="")], [about("b", [])])
    pairs, _ = pair([about("a", [])], [about("a", [])])
    with pytest.raises(ParameterError, match="'hunger' is none of"):
        agree(pairs, reference_labels=["hunger"])
    with pytest.raises(ParameterError, match="nothing to compare"):
        agree([])
    found = agree(pairs)
    assert found.precision.value is None
    assert str(found.recall) == "not known (n = 1)"


def test_bursts_and_a_bout_agree_where_pauses_are_joined() -> None:
    bursts: Spans = [(10.0, 11.0), (12.0, 13.5), (16.0, 20.0), (40.0, 41.0)]
    pairs, _ = pair([about("a", bursts)], [about("a", [(10.0, 20.0), (40.0, 41.0)])])
    assert agree(pairs, resamples=1).precision.value == pytest.approx(7.5 / 11)
    near = agree(pairs, join=5.0, resamples=1)
    assert (near.precision.value, near.event_f1.value) == (1.0, 1.0)
    assert disagreements(pairs, join=5.0) == []
