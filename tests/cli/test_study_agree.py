"""`harken study agree|sample|cut|tune|anonymise`, as they are typed, on rendered nights."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harken.cli.app import app
from harken.simulate import synthetic_night

pytestmark = pytest.mark.slow


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["study", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "rec").mkdir()
    with (folder / "truth.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["recording", "onset", "offset", "label"])
        for seed in range(3):
            scene = synthetic_night(3.0, seed=seed, path=folder / f"rec/c{seed}.flac")
            for row in scene.truth:
                if row.kind == "cry":
                    out.writerow([f"c{seed}.flac", row.onset_s, row.offset_s, "cry"])
    run("run", folder / "rec", "--out", folder / "run", "--local", 1)
    return folder


def test_a_run_is_compared_and_its_worst_can_be_heard(study: Path) -> None:
    said = run("agree", study / "truth.csv", study / "run", "--join", 5, "--by", "child",
               "--out", study / "agreement")  # fmt: skip
    f1 = float(said.partition("F1, by seconds")[2].split()[0])
    assert f1 > 0.9
    assert (study / "agreement/agreement.html").is_file()
    run("agree", study / "truth.csv", study / "run", "--out", study / "bursts")
    run("cut", study / "bursts/disagreements.csv", "--recordings", study / "rec",
        "--out", study / "clips")  # fmt: skip
    clips = list((study / "clips").glob("*.flac"))
    assert clips
    said = run("anonymise", study / "clips", study / "shared", "--clips",
               "--key", study / "a.key", "--model", "builtin")  # fmt: skip
    assert f"{len(clips)} clips" in said


def test_minutes_are_drawn_and_come_back_with_their_weight(study: Path) -> None:
    for form, ending in (("elan", "eaf"), ("textgrid", "TextGrid")):
        out = study / f"annotate-{form}"
        run("sample", "--recordings", study / "rec", "--heard", study / "run", "--count", 6,
            "--seconds", 20, "--way", "stratified", "--to", form, "--out", out)  # fmt: skip
        assert list(out.glob(f"*.{ending}"))
    drawn = study / "annotate-elan/segments.csv"
    said = run("agree", study / "truth.csv", study / "run", "--segments", drawn,
               "--by", "stratum", "--out", study / "weighted")  # fmt: skip
    assert said.startswith("6 recordings, 3 children, 0.03 h")


def test_a_rule_is_tuned_and_used(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARKEN_DATA", str(study / "data"))
    said = run("tune", study / "truth.csv", "--recordings", study / "rec", "--join", 5,
               "--name", "our-lab", "--model", "builtin")  # fmt: skip
    assert "9 minutes of 3 children" in said
    assert (study / "data/rules/our-lab.json").is_file()
    assert "--rule our-lab" in said
