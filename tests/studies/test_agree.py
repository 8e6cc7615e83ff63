"""Agreement by seconds and events, against pyannote.metrics and by hand."""

import csv
from dataclasses import replace
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
from harken.studies.raters import among, among_by_group, panels
from harken.studies.sample import Segment as Drawn
from harken.studies.sample import into_segments

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
        tmp_path / "out", found, groups={"noisy": by_group(pairs, "noisy", resamples=50)},
        worst=disagreements(pairs), remarks=said, how={"reference_labels": ("cry",)},
        recordings=Path("our recordings"),
    )  # fmt: skip
    page = files[0].read_text("utf-8")
    assert "4 recordings of 4 children" in page
    assert "<svg" in page
    assert "<script" not in page
    assert f"{found.recall.value:.2f}" in page
    table = files[1].read_text("utf-8").splitlines()
    assert table[0] == "by,group,measure,value,low,high,n,unit,how"
    assert len(table) == 1 + 2 * 12
    difference = next(row for row in table if row.startswith("all,,difference of totals,"))
    assert float(difference.split(",")[3]) == pytest.approx(found.totals.bias)
    assert (tmp_path / "out/disagreements.csv").read_text().startswith("recording,child,onset")
    assert "disagreements.csv --recordings &#39;our recordings&#39; --out clips</code>" in page
    assert "Several raters" not in page
    picture = bland_altman_picture(found)
    assert "more than the reference" in picture.title
    same, _ = pair([about(n, [(0, 9)]) for n in names], [about(n, [(0, 9)]) for n in names])
    picture = bland_altman_picture(agree(same, resamples=1))
    assert picture.title == "The hypothesis finds about as much as the reference"


def test_the_report_has_several_raters(tmp_path: Path) -> None:
    names = "abcd"
    sides = {
        who: [about(n, [(0, 10 + i + more)]) for i, n in enumerate(names)]
        for who, more in (("ann", 0.0), ("bo & co", 1.0), ("run", 4.0))
    }
    together, _ = panels(sides)
    pairs, _ = pair(sides["ann"], sides["run"])
    raters = among(together, ["ann", "bo & co"], "run", resamples=50)
    groups = among_by_group(together, "child", ["ann", "bo & co"], "run", resamples=50)
    files = write_report(
        tmp_path, agree(pairs, resamples=50), groups={"child": by_group(pairs, "child")}, worst=[],
        raters=raters, rater_groups={"child": groups}, how={},
    )  # fmt: skip
    page, table = (one.read_text("utf-8") for one in files[:2])
    assert "people: ann, bo &amp; co" in page
    assert f"{raters.alpha_with.value:.2f} (" in page
    rows = list(csv.DictReader(table.splitlines()))
    found = {row["measure"]: row for row in rows if row["by"] == "all"}
    assert float(found["alpha_people"]["value"]) == pytest.approx(raters.alpha.value, rel=1e-5)
    assert found["kappa ann | bo & co"]["n"] == "4"
    assert {row["group"] for row in rows if row["measure"] == "alpha_change"} == {"", *names}


def test_the_report_calls_things_by_their_labels(tmp_path: Path) -> None:
    labels = {"reference_labels": ("infant vocalisation",), "hypothesis_labels": ("cry", "fuss")}
    pairs, _ = pair(
        [about("a", [(0, 60)], label="infant vocalisation")], [about("a", [(0, 30)], label="fuss")]
    )
    found = agree(pairs, **labels, resamples=1)
    page = write_report(tmp_path, found, groups={}, worst=[], how=labels)[0].read_text("utf-8")
    said = " ".join(page.split())
    assert "1.0 min of infant vocalisation, the hypothesis 0.5 min of crying or fuss." in said
    assert "1 recording of 1 child" in said


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


def test_two_children_may_have_a_recording_of_one_name() -> None:
    def both(*names: str) -> list[Annotations]:
        return [about(name, [(i * 100, i * 100 + 10)]) for i, name in enumerate(names)]

    pairs, said = pair(both("c1/day1", "c2/day1"), both("c1/day1", "c2/day1"))
    assert [one.recording for one in pairs] == ["c1/day1", "c2/day1"]
    assert agree(pairs, resamples=1).f1.value == 1.0
    pairs, said = pair(both("day1"), both("c1/day1"), about={"day1": {"child_id": "kim"}})
    assert (pairs[0].recording, pairs[0].child, said) == ("c1/day1", "kim", [])
    with pytest.raises(ParameterError, match="may be c1/day1 or c2/day1"):
        pair(both("day1"), both("c1/day1", "c2/day1"))
    with pytest.raises(ParameterError, match="no recording is in both"):
        pair(both("c1/day1"), both("c2/day1"))


def test_several_files_of_one_recording_are_taken_together_and_told() -> None:
    halves = [about("a", [(0, 10)], looked=[(0, 50)]), about("a", [(60, 70)], looked=[(50, 100)])]
    pairs, said = pair(halves, [about("a", [(0, 10), (60, 70)])])
    assert said == ["a: 2 files of the reference are taken together"]
    assert agree(pairs, resamples=1).f1.value == 1.0


def test_totals_are_of_their_own_children() -> None:
    # Nothing of x is scored: its child must not lend its name to the next one.
    names = ["x", *"abcdef"]
    reference = [about("x", [(0, 1)], looked=[(0, 1)])]
    hypothesis = [about("x", [(0, 1)], looked=[(0, 1)])]
    for i, name in enumerate("abcdef"):
        reference.append(about(name, [(10, 20 + 3 * i)]))
        hypothesis.append(about(name, [(10, 20 + 3 * i + (i % 3))]))
    tables = {name: {"child_id": "z" if name == "x" else name} for name in names}
    pairs, _ = pair(sorted(reference, key=lambda r: r.recording), hypothesis, about=tables)
    pairs.sort(key=lambda one: one.recording != "x")
    found = agree(pairs, collar=4.0, resamples=50)
    assert [(one.recording, one.child) for one in found.by_recording] == [(c, c) for c in "abcdef"]
    assert found.icc.n == 6


def test_an_event_that_the_edge_cuts_is_what_lies_inside() -> None:
    # The program heard all; the person listened from 100 s to 160 s and marked from the edge on.
    person = about("a", [(100, 104), (120, 130), (155, 160)], looked=[(100, 160)])
    program = about("a", [(90, 104.5), (120.5, 131), (155.2, 190)])
    pairs, _ = pair([person], [program])
    found = agree(pairs, resamples=1)
    assert (found.event_recall.value, found.event_precision.value) == (1.0, 1.0)
    # Cut ends say nothing about how well onsets are timed.
    assert (found.onset_error.n, found.offset_error.n) == (2, 2)
    assert found.onset_error.value == pytest.approx((0.5 + 0.2) / 2)
    assert found.offset_error.value == pytest.approx(0.75)


def test_what_lies_outside_joins_nothing() -> None:
    person = about("a", [(57, 58)], looked=[(0, 60)])
    program = about("a", [(57, 58), (61, 62)])
    pairs, _ = pair([person], [program])
    assert agree(pairs, join=5.0, resamples=1).f1.value == 1.0


def drawn(recording: str, child: str, since: float, chance: float, stratum: str = "s") -> Drawn:
    return Drawn(
        recording=recording, child=child, since=since, until=since + 60, stratum=stratum,
        chance=chance,
    )  # fmt: skip


def test_segments_are_weighted_everywhere_and_totals_are_of_recordings() -> None:
    names = "abcd"
    reference = [about(n, [(10, 20), (70, 90 + i)]) for i, n in enumerate(names)]
    hypothesis = [about(n, [(10.2, 20), (70.8, 90 + i)]) for i, n in enumerate(names)]
    whole, _ = pair(reference, hypothesis)
    segments = [drawn(n, n, at, chance) for n in names for at, chance in ((0, 0.1), (60, 1.0))]
    parts, _ = into_segments(whole, segments)
    found = agree(parts, resamples=20)
    assert (found.recordings, found.segments, found.children) == (4, 8, 4)
    assert (found.looked_h, found.stands_for_h) == pytest.approx((8 / 60, 4 * 11 / 60))
    assert found.reference_s == pytest.approx(4 * (10 * 10 + 20) + 6)
    # Ten times as many begin 0.2 s late as 0.8 s.
    assert found.onset_error.value == pytest.approx(0.2)
    assert found.confusion["cry"]["cry"] == pytest.approx(4 * (98 + 19.2) + 6)
    assert [one.recording for one in found.by_recording] == list(names)
    assert found.by_recording[0].reference == pytest.approx(3600 * 120 / 660)
    assert found.totals.n == found.icc.n == 4
    repeated = [replace(one, weight=1.0) for one in parts for _ in range(round(one.weight))]
    alike = agree(repeated, resamples=1)
    assert alike.event_f1.value == pytest.approx(found.event_f1.value)
    assert alike.kappa.value == pytest.approx(found.kappa.value)
    worst = disagreements(parts)
    # What is to be cut out is named by its recording, not by the segment.
    assert {one.recording for one in worst} == set(names)


def test_groups_are_in_the_order_of_their_numbers() -> None:
    ages = {"a": "10", "b": "2", "c": "", "d": "x"}
    sides = [about(name, [(0, 10)]) for name in ages]
    pairs, _ = pair(sides, sides, about={n: {"age": age} for n, age in ages.items()})
    assert list(by_group(pairs, "age", resamples=1)) == ["2", "10", "x", "not known"]


def test_rounding_does_not_make_a_kappa_out_of_nothing() -> None:
    looked = [(0.1 * i, 0.1 * (i + 1)) for i in range(0, 600, 7)]
    pairs, _ = pair([about("a", looked, looked=looked)], [about("a", looked, looked=looked)])
    assert agree(pairs, resamples=5).kappa.value is None
