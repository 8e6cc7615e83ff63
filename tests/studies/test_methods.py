"""What is said was done is what was done; tables and figures hold the numbers."""

import csv
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import harken
from harken.insight import drawing
from harken.insight.estimate import Estimate
from harken.studies.methods import CITATIONS, methods, versions
from harken.studies.results import (
    EFFECT_COLUMNS,
    GROUP_COLUMNS,
    csv_table,
    effects_picture,
    estimate_text,
    hours_picture,
    latency_picture,
    latex_table,
    write_results,
)
from harken.studies.statistics import compare
from harken.studies.tables import study_table


@pytest.fixture(scope="module")
def found():
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(1)
    child = np.repeat(np.arange(12), 15)
    latency = random.exponential(30 * (1 + child % 2))
    ends = random.exponential(100, len(child))
    frame = pd.DataFrame(
        {
            "child_id": child.astype(str),
            "group": np.where(child % 2, "50% & more", "swift"),
            "latency_s": np.minimum(latency, ends),
            "censored": latency > ends,
            "crying_s": random.exponential(100, len(child)),
            "hour": random.normal(18, 3, len(child)) % 24,
        }
    )
    return compare(study_table(frame, notes=["made for a test"]), reference="swift", times=99)


@pytest.fixture(scope="module", autouse=True)
def _pen():
    yield
    drawing.close()


def test_methods_name_what_was_run_with_versions_and_sources(found):
    text = methods(found)
    for part in (
        "180 cry episodes of 12 children",
        f"In {found.censored} episodes nobody had answered",
        "99 draws of whole children",
        f"{found.tests} tests were made",
        f"Harken {harken.__version__}",
        "made for a test",
        "no shared frailty was fitted",
        "neither the chance that there is none",
        "draws of whole children with replacement within groups",
    ):
        assert part in text
    for name in found.used:
        assert CITATIONS[name] in text
    for name, number in versions(found).items():
        assert f"{name} {number}" in text


def test_sources_are_numbered_as_they_are_cited(found):
    said, _, sources = methods(found).partition("\n\nSources\n\n")
    lines = sources.strip().splitlines()
    assert [line.partition("] ")[0] for line in lines] == [f"[{k}" for k, _ in enumerate(lines, 1)]
    cited = [int(one) for part in re.findall(r"\[([\d, ]+)\]", said) for one in part.split(",")]
    assert list(dict.fromkeys(cited)) == list(range(1, len(lines) + 1))


def test_nothing_is_claimed_that_was_not_run(found):
    text = methods(replace(found, used=("Kaplan-Meier", "bootstrap"), tests=0))
    for word in ("Cox", "Generalised", "Rayleigh", "Holm", "statsmodels", "Hedges"):
        assert word not in text


def test_a_model_that_found_nothing_is_not_told_as_used(found):
    assert "were used for: answered (logit link)." in methods(found)
    unknown = Estimate(None, None, None, 12)
    effects = [
        replace(one, estimate=unknown, contrast="4 weeks older") if "GEE" in one.model else one
        for one in found.effects
    ]
    text = methods(replace(found, effects=tuple(effects)))
    assert "were used for" not in text
    assert "Age, as a straight line" not in text


def test_how_episodes_were_found_is_said_and_only_what_is_so(found):
    assert "Found by ear." in methods(replace(found, made="Found by ear."))
    assert "within groups" not in methods(replace(found, nested=False))
    one = methods(
        replace(found, groups=found.groups[:1], effects=(), used=("Kaplan-Meier",), tests=0)
    )
    for words in ("between groups", "within groups", " groups (", "tests were made", "[]"):
        assert words not in one
    assert "nobody had answered" not in methods(replace(found, censored=0))


def test_all_is_written(found, tmp_path):
    written = write_results(found, tmp_path / "new" / "paper")
    assert {path.name for path in written} == {
        "groups.csv", "groups.tex", "effects.csv", "effects.tex", "methods.txt",
        "latency.svg", "latency.pdf", "effects.svg", "effects.pdf", "hours.svg", "hours.pdf",
    }  # fmt: skip
    for path in written:
        assert path.stat().st_size > 100
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF")
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().get("aria-label")
    with (tmp_path / "new/paper/effects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == EFFECT_COLUMNS
    assert len(rows) == len(found.effects)
    assert float(rows[0]["value"]) == pytest.approx(found.effects[0].estimate.value, rel=1e-3)
    with (tmp_path / "new/paper/groups.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == GROUP_COLUMNS


def test_latex_escapes_and_is_square(found, tmp_path):
    write_results(found, tmp_path, figures=False)
    for name in ("groups.tex", "effects.tex"):
        text = (tmp_path / name).read_text("utf-8")
        assert r"50\% \& more" in text
        rows = [line for line in text.splitlines() if line.endswith(r"\\")]
        columns = text.split(r"\begin{tabular}{")[1].split("}")[0]
        for line in rows:
            assert line.replace(r"\&", "").count("&") == len(columns) - 1


def test_a_table_is_escaped():
    text = latex_table(["a"], [["50 % & _x{~^\\"]], caption="c", label="l")
    assert r"50 \% \& \_x\{\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    text = latex_table(["a"], [["-0.1 (-0.2 to -0.0)"], ["a-1"]], caption="c", label="l")
    assert "$-$0.1 ($-$0.2 to $-$0.0)" in text
    assert "a-1" in text


def test_no_row_is_an_argument_of_the_row_before():
    text = latex_table(
        ["a"], [["x"], ["[1ex]"], ["*"], ["two\nlines\n\nmore"]], caption="c", label="l"
    )
    assert "{[}1ex] \\\\\n{*} \\\\\ntwo lines more \\\\\n" in text


def test_no_cell_is_a_formula():
    assert csv_table(["a", "b"], [["=1+1", "-3.5"]]) == "a,b\n'=1+1,-3.5\n"


def test_pictures_say_their_numbers(found):
    picture = latency_picture(found)
    assert str(found.groups[0].median_s) in picture.alt
    assert "ratio of medians" in effects_picture(found).alt


def test_hours_are_shares_of_a_day(found):
    for one in found.groups:
        assert sum(one.hours) == pytest.approx(1)
    assert "most in the hour from" in hours_picture(found).alt


def test_figures_of_an_earlier_comparison_do_not_stay(found, tmp_path):
    write_results(found, tmp_path)
    write_results(replace(found, effects=()), tmp_path)
    assert not (tmp_path / "effects.svg").exists()
    assert (tmp_path / "latency.svg").exists()
    write_results(found, tmp_path, figures=False)
    assert not list(tmp_path.glob("*.pdf"))


def test_a_band_is_as_wide_as_what_is_not_known(found):
    for one in found.groups:
        curve = one.curve
        assert curve.times[0] == curve.answered[0] == curve.low[0] == curve.high[0] == 0
        assert all(
            a <= b <= c for a, b, c in zip(curve.low, curve.answered, curve.high, strict=True)
        )


def test_nothing_to_draw_is_said(found):
    bare = replace(found, effects=(), groups=())
    assert effects_picture(bare).chart is None
    assert latency_picture(bare).chart is None
    assert hours_picture(bare).chart is None


def test_estimates_are_said_with_the_digits_they_bear():
    assert estimate_text(Estimate(None, None, None, 3)) == "not known"
    assert estimate_text(Estimate(-0.0876, -0.11, -0.0689, 3)) == "-0.088 (-0.110 to -0.069)"
    assert estimate_text(Estimate(2.0, None, None, 3, unit="h")) == "2.00 h"
    # No low end is told as 0 because the high one is large.
    assert estimate_text(Estimate(2.0, 0.012, 4321.0, 3)) == "2 (0.012 to 4.32e+03)"
