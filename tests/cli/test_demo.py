import pytest

from harken.cli.demo import Match, compare


def test_each_true_bout_gets_the_found_one_that_shares_most():
    truth = [(10.0, 20.0), (30.0, 40.0), (50.0, 60.0)]
    found = [(1.0, 5.0), (9.0, 11.0), (12.0, 21.0), (39.0, 52.0)]
    assert compare(truth, found) == [
        Match(None, (1.0, 5.0)),
        Match(None, (9.0, 11.0)),
        Match((10.0, 20.0), (12.0, 21.0)),
        Match((30.0, 40.0), (39.0, 52.0)),
        Match((50.0, 60.0), None),
    ]


@pytest.mark.e2e
def test_demo_hears_a_night_and_leaves_a_picture(harken, tmp_path, loud_is_crying):
    done = harken("demo", "--minutes", "2", "--model", loud_is_crying)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bouts found, " in done.stdout
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "night.csv",
        "night.flac",
        "night.png",
    ]
    assert (tmp_path / "demo/night.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.e2e
def test_the_shipped_model_hears_the_demo(harken):
    done = harken("demo", "--model", "builtin")
    assert done.returncode == 0
    assert "3 of 3 bouts found, 0 where nobody cried." in done.stdout
