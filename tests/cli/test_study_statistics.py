"""`harken study statistics`, as it is typed."""

import pytest

from harken.simulate import policy, write_cohort


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohorts")
    for seed, (name, latency_s) in enumerate({"swift": 30.0, "slow": 60.0}.items()):
        answering = policy("usual", latency_s=latency_s, answers=1.0)
        write_cohort(answering, folder / name, infants=8, weeks=0.5, seed=seed, age_weeks=6, jobs=1)
    return folder


@pytest.mark.e2e
def test_two_groups_are_compared(harken, cohorts, tmp_path):
    done = harken(
        "study", "statistics", f"swift={cohorts / 'swift'}", f"slow={cohorts / 'slow'}",
        "--out", "paper", "--reference", "swift", "--draws", "199", "--within", "20", "--no-age",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "16 children" in done.stdout
    assert "difference in share within 20 s, slow against swift" in done.stdout
    assert "these infants are simulated" in done.stderr
    names = {path.name for path in (tmp_path / "paper").iterdir()}
    assert {"methods.txt", "effects.csv", "effects.tex", "latency.svg", "latency.pdf"} <= names


@pytest.mark.e2e
def test_groups_may_stand_in_a_file(harken, cohorts, tmp_path):
    lines = [f"{child},{'ab'[child % 2]}" for child in range(8)]
    (tmp_path / "children.csv").write_text("\n".join(["child_id,arm", *lines]), "utf-8")
    done = harken(
        "study", "statistics", cohorts / "swift", "--children", "children.csv", "--group", "arm",
        "--out", "paper", "--no-figures", "--draws", "99",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "b against a" in done.stdout
    assert not (tmp_path / "paper" / "latency.svg").exists()


@pytest.mark.e2e
def test_one_group_is_described(harken, cohorts, tmp_path):
    done = harken(
        "study", "statistics", cohorts / "swift", "--out", "paper", "--draws", "99", "--no-age"
    )
    assert done.returncode == 0, done.stderr
    assert "nothing is compared: there is one group" in done.stderr
    assert "median latency" in done.stdout
    assert (tmp_path / "paper" / "groups.csv").exists()
    assert not (tmp_path / "paper" / "effects.svg").exists()


@pytest.mark.e2e
def test_a_folder_may_have_an_equals_sign(harken, cohorts, tmp_path):
    (tmp_path / "a=b").symlink_to(cohorts / "swift")
    done = harken("study", "statistics", "a=b", "--out", "paper", "--no-figures", "--draws", "99")
    assert done.returncode == 0, done.stderr


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["{swift}", "{slow}"], "name each of several runs by its group"),
        (["a={swift}", "a={slow}"], "name each of several runs by its group"),
        (["a={swift}", "b={slow}", "--reference", "c"], "no group 'c'; there are a, b"),
        (["a={swift}", "b=nowhere"], "cannot be read"),
        (["{swift}", "--children", "nowhere.csv"], "cannot be read"),
        (["a={swift}", "b={slow}", "--within", "-1"], "above 0 s"),
    ],
)
def test_what_cannot_be_done_is_one_line(harken, cohorts, typed, says):
    words = [one.format(swift=cohorts / "swift", slow=cohorts / "slow") for one in typed]
    done = harken("study", "statistics", *words, "--out", "paper")
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("harken: ")
    assert says in line
