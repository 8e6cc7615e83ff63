"""`harken study agree|sample|cut|tune|anonymise`, as they are typed, on rendered nights."""

import csv
import html
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harken.cli.app import app
from harken.errors import HarkenError
from harken.simulate import synthetic_night

pytestmark = pytest.mark.slow


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["study", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def fails(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["study", *map(str, arguments)])
    assert isinstance(done.exception, HarkenError), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


def run_app(*arguments: object) -> None:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.output


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
    assert said.startswith("6 segments of 3 recordings, 3 children, 0.03 h")
    page = html.unescape((study / "weighted/agreement.html").read_text("utf-8"))
    printed = page.partition("<code>")[2].partition("</code>")[0]
    assert printed.endswith("--out clips")
    run(*shlex.split(printed)[2:-1], study / "clips of segments")
    assert list((study / "clips of segments").glob("c?_*.flac"))
    said = fails("sample", "--recordings", study / "rec", "--out", study / "annotate-elan")
    assert "segments.csv is there already" in said


def test_a_rule_is_tuned_and_used(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARKEN_DATA", str(study / "data"))
    said = run("tune", study / "truth.csv", "--recordings", study / "rec", "--join", 5,
               "--name", "our-lab", "--model", "builtin")  # fmt: skip
    assert "9 minutes of 3 children" in said
    assert (study / "data/rules/our-lab.json").is_file()
    assert "--rule our-lab" in said
    assert "of  3 fits" in said
    said = run("tune", study / "truth.csv", "--recordings", study / "rec", "--join", 5,
               "--segments", segments_of(study), "--name", "our-lab",
               "--model", "builtin")  # fmt: skip
    assert "3 minutes of 3 children" in said
    assert "Rule replaced" in said


def segments_of(study: Path) -> Path:
    """Write a table of the first minute of each recording, whose child is another name."""
    path = study / "segments.csv"
    rows = [f"c{i},kid{i},0.0,60.0,all,0.5,0.0" for i in range(3)]
    path.write_text("\n".join(["recording,child,since,until,stratum,chance,crying_s", *rows]))
    return path


def test_several_people_and_the_program(study: Path) -> None:
    rows = (study / "truth.csv").read_text().splitlines()
    with (study / "second person.csv").open("w") as file:
        file.write("\n".join(rows[:-1]) + "\n")
    said = run("agree", study / "truth.csv", study / "run", "--join", 5, "--by", "child",
               "--rater", study / "second person.csv", "--out", study / "raters")  # fmt: skip
    assert "Krippendorff's alpha, people" in said
    assert "kappa, truth and second person" in said
    assert "kappa, second person and run" in said
    table = (study / "raters/agreement.csv").read_text("utf-8")
    assert "child,c0,alpha_with_hypothesis," in table
    said = fails("agree", study / "truth.csv", study / "run", "--rater", study / "truth.csv")
    assert "given twice" in said


def test_children_in_folders_are_kept_apart(study: Path, tmp_path: Path) -> None:
    for child in (0, 1):
        (tmp_path / f"rec/kid{child}").mkdir(parents=True)
        shutil.copy(study / f"rec/c{child}.flac", tmp_path / f"rec/kid{child}/day.flac")
    run("run", tmp_path / "rec", "--out", tmp_path / "run", "--local", 1)
    run("sample", "--recordings", tmp_path / "rec", "--heard", tmp_path / "run", "--count", 4,
        "--seconds", 45, "--out", tmp_path / "todo")  # fmt: skip
    assert {one.relative_to(tmp_path / "todo").as_posix() for one in (tmp_path / "todo").rglob(
        "*.eaf")} == {"kid0/day.eaf", "kid1/day.eaf"}  # fmt: skip
    said = run("agree", tmp_path / "todo", tmp_path / "run", "--segments",
               tmp_path / "todo/segments.csv", "--out", tmp_path / "report")  # fmt: skip
    assert said.startswith("4 segments of 2 recordings, 2 children")
    run("cut", tmp_path / "report/disagreements.csv", "--recordings", tmp_path / "rec",
        "--out", tmp_path / "clips")  # fmt: skip
    assert list((tmp_path / "clips/kid0").glob("day_*.flac"))
    (tmp_path / "mixed.csv").write_text("recording,onset,offset,label\nday.flac,1,2,cry\n")
    said = fails("agree", tmp_path / "mixed.csv", tmp_path / "run")
    assert "may be kid0/day or kid1/day" in said


def test_a_data_set_of_several_sets_wants_one_named(study: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "our corpus"
    run_app("convert", study / "truth.csv", corpus)
    index = corpus / "metadata/annotations.csv"
    said = run("agree", corpus, study / "run", "--join", 5, "--out", tmp_path / "one")
    assert said.startswith("3 recordings")
    shutil.copytree(corpus / "annotations/harken", corpus / "annotations/eaf/an1")
    header, *rows = index.read_text().splitlines()
    place = header.split(",").index("set")
    more = []
    for row in rows:
        cells = row.split(",")
        cells[place] = "eaf/an1"
        more.append(",".join(cells))
    index.write_text("\n".join([header, *rows, *more]) + "\n")
    for arguments in (
        ("agree", corpus, study / "run"),
        ("agree", study / "truth.csv", corpus),
        ("agree", study / "truth.csv", study / "run", "--rater", corpus),
        ("sample", "--recordings", study / "rec", "--heard", corpus, "--out", tmp_path / "no"),
        ("tune", corpus, "--recordings", study / "rec", "--name", "x"),
    ):
        said = fails(*arguments)
        assert f"name one of {corpus}/annotations/eaf/an1, {corpus}/annotations/harken" in said
    said = run("agree", corpus / "annotations/eaf/an1", study / "run", "--join", 5, "--rater",
               corpus / "annotations/harken", "--out", tmp_path / "two")  # fmt: skip
    assert "kappa, an1 and harken" in said


def test_a_lab_that_gives_the_wrong_thing_is_told(study: Path, tmp_path: Path) -> None:
    truth, found = study / "truth.csv", study / "run"
    segments = tmp_path / "segments.csv"
    segments.write_text("recording,child,since,until,stratum,chance,crying_s\nc0,c0,0,60,all,0,1\n")
    (tmp_path / "empty.csv").write_text("recording,child,since,until,stratum,chance,crying_s\n")
    for arguments, says in (
        (("agree", truth, found, "--segments", tmp_path / "empty.csv"), "no segments in it"),
        (("agree", tmp_path / "none", found), "none: there is no such file or folder"),
        (("agree", truth, found, "--segments", truth), "has no column 'child'; give the segments"),
        (("agree", truth, found, "--segments", segments), "line 2: it has to end after"),
        (("agree", truth, found, "--segments", tmp_path / "none"), "there is no such file"),
        (("tune", found, "--recordings", study / "rec", "--name", "x"), "is a run"),
        (("cut", truth, "--recordings", tmp_path), "no recordings in it"),
    ):
        assert says in fails(*arguments)
    said = run("agree", found, truth, "--out", tmp_path / "swapped")
    assert "REFERENCE is a run" in said


@pytest.mark.parametrize("form", ["elan", "textgrid"])
def test_drawn_minutes_without_their_table_are_told(study: Path, tmp_path: Path, form: str) -> None:
    todo = tmp_path / "todo"
    run("sample", "--recordings", study / "rec", "--count", 5, "--to", form, "--out", todo)
    said = run("agree", todo, study / "run", "--out", tmp_path / "report")
    assert f"give --segments {todo / 'segments.csv'}" in said
    # Where to listen is no annotation of anything.
    assert "other" not in (tmp_path / "report/confusion.csv").read_text()


def test_lenas_segments_are_not_those_that_were_drawn(study: Path, tmp_path: Path) -> None:
    rows = ["recording,onset,offset,label,tier"]
    rows += [f"c{i}.flac,{at},{at + 5},cry,segments" for i in range(3) for at in (10, 50, 100)]
    (tmp_path / "lena.csv").write_text("\n".join(rows))
    run("agree", tmp_path / "lena.csv", tmp_path / "lena.csv", "--segments",
        segments_of(study), "--out", tmp_path / "report")  # fmt: skip
    with (tmp_path / "report/confusion.csv").open() as file:
        found = {(row["reference"], row["hypothesis"]): row for row in csv.DictReader(file)}
    assert float(found["cry", "cry"]["seconds"]) == pytest.approx(2 * 3 * 10)
