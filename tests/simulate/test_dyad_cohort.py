"""Thousands of infants: the same on one core and on two, as tables that others can read."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harken.simulate import Parameters
from harken.simulate.cohort import simulate_days, write_cohort
from harken.simulate.history import STATES, Day


def test_cores_change_nothing():
    one, two = (simulate_days("usual", infants=45, weeks=1, seed=3, jobs=jobs) for jobs in (1, 2))
    assert one.keys() == two.keys() == set(Day._fields) - {"policy"}
    for name, values in one.items():
        assert values.shape == (45, 7)
        np.testing.assert_array_equal(values, two[name], err_msg=name)


def test_more_infants_begin_with_the_same():
    some = simulate_days("usual", infants=3, weeks=1, seed=3)
    more = simulate_days("usual", infants=5, weeks=1, seed=3)
    np.testing.assert_array_equal(more["crying_min"][:3], some["crying_min"])
    other = simulate_days("usual", infants=3, weeks=1, seed=4)
    assert not (other["crying_min"] == some["crying_min"]).any()


def test_tables_hold_what_happened_and_how_it_was_made(tmp_path):
    told = []
    made = write_cohort(
        "graduated", tmp_path / "out", infants=25, weeks=1, seed=2, age_weeks=20, jobs=1,
        parameters=Parameters().with_values({"infant.spread": 0.3}), tell=told.append,
    )  # fmt: skip
    assert told == [20, 25]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "days.parquet",
        "episodes.parquet",
        "run.json",
    ]
    by_day = pq.read_table(tmp_path / "out/days.parquet")
    assert (made.infants, made.days, by_day.num_rows) == (25, 175, 175)
    assert set(by_day["state"].to_pylist()) <= set(STATES)
    spells = pq.read_table(tmp_path / "out/episodes.parquet")
    assert spells.num_rows == made.episodes
    cried = np.array(spells["cried"].to_pylist())
    latency = spells["latency_s"].to_pylist()
    censored = spells["censored_s"].to_pylist()
    assert all((a is None) != (b is None) for a, b in zip(latency, censored, strict=True))
    assert sum(by_day["bouts"].to_pylist()) == pytest.approx(cried.sum(), abs=25)
    about = json.loads((tmp_path / "out/run.json").read_text("utf-8"))
    assert about["policy"]["name"] == "graduated"
    assert about["parameters"]["infant.spread"] == 0.3
    assert about["seed"] == [2]


def test_a_second_run_takes_the_place_of_the_first(tmp_path):
    for infants in (4, 2):
        write_cohort("usual", tmp_path, infants=infants, weeks=1, jobs=1)
    assert pq.read_table(tmp_path / "days.parquet").num_rows == 14


@pytest.mark.parametrize("name", ["days.parquet", "episodes.parquet"])
def test_every_column_is_described(tmp_path, name):
    write_cohort("usual", tmp_path, infants=1, weeks=1, jobs=1)
    page = (Path(__file__).parents[2] / "docs/reference/files.md").read_text("utf-8")
    text = page.split(f"### {name}\n")[1].split("\n#")[0]
    described = re.findall(r"^\| `(\w+)` ", text, re.MULTILINE)
    assert described == pq.read_schema(tmp_path / name).names
