"""`harken convert`, as it is typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harken.cli.app import app

RTTM = "SPEAKER night 1 1.5 2.25 <NA> <NA> {} 0.9 <NA>\n"


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    return done.exit_code, done.output


def test_it_converts_and_tells_what_is_lost(tmp_path: Path) -> None:
    source, target = tmp_path / "a.rttm", tmp_path / "a.TextGrid"
    source.write_text(RTTM.format("KCHI"))
    code, said = run(source, target)
    assert code == 0
    assert "1 annotation of 1 recording\n" in said
    assert "only a line of class CRY says that the infant cries" in said
    assert "score (1 annotation)" in said
    assert "infant vocalisation" not in target.read_text().replace("KCHI", "")


def test_strict_makes_a_loss_an_error(tmp_path: Path) -> None:
    source = tmp_path / "a.rttm"
    source.write_text(RTTM.format("CRY"))
    assert run(source, tmp_path / "a.csv", "--strict")[0] == 0
    assert run(source, tmp_path / "a.txt", "--strict")[0] == 1


def test_columns_are_mapped(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.rttm"
    source.write_text("von,bis,was\n1000,3500,cry\n")
    maps = ["--map", "von=onset_ms", "--map", "bis=offset_ms", "--map", "was=label"]
    assert run(source, target, *maps, "--recording", "night.wav")[0] == 0
    assert target.read_text() == "SPEAKER night 1 1 2.5 <NA> <NA> CRY <NA> <NA>\n"
    assert run(source, target, "--map", "von")[0] == 2


def test_a_recording_is_chosen(tmp_path: Path) -> None:
    source, target = tmp_path / "a.rttm", tmp_path / "b.txt"
    source.write_text(RTTM.format("CRY") + RTTM.format("CRY").replace("night", "day"))
    assert run(source, target, "--recording", "day")[0] == 0
    assert target.read_text() == "1.500000\t3.750000\tCRY\n"


def test_a_set_of_a_data_set_is_converted_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_text(RTTM.format("CRY"))
    corpus = tmp_path / "my corpus"
    assert run(tmp_path / "a.rttm", corpus)[0] == 0
    code, said = run(corpus / "annotations/harken", tmp_path / "out.rttm")
    assert code == 0, said
    assert (tmp_path / "out.rttm").read_text() == RTTM.format("CRY")
    code, said = run(corpus / "annotations/harkne", tmp_path / "b.rttm")
    assert code == 1


def test_a_data_set_of_one_recording_gets_a_folder_as_one_of_many_does(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").write_text(RTTM.format("CRY"))
    assert run(tmp_path / "a.rttm", tmp_path / "corpus")[0] == 0
    code, said = run(tmp_path / "corpus", tmp_path / "praat", "--to", "textgrid")
    assert code == 0, said
    assert [each.name for each in (tmp_path / "praat").iterdir()] == ["night.TextGrid"]
    assert run(tmp_path / "corpus", tmp_path / "words", "--to", "chat")[0] == 1
    assert not (tmp_path / "words").exists()


def test_a_file_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    source, target = tmp_path / "a.rttm", tmp_path / "a.eaf"
    source.write_text(RTTM.format("CRY"))
    target.write_text("a day of somebody's work")
    code, _ = run(source, target)
    assert code != 0
    assert target.read_text() == "a day of somebody's work"
    assert run(source, target, "--overwrite")[0] == 0
    assert "<ANNOTATION_DOCUMENT" in target.read_text()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/night.eaf").write_text("more of it")
    assert run(source, tmp_path / "out", "--to", "elan")[0] != 0
    assert (tmp_path / "out/night.eaf").read_text() == "more of it"


def test_losses_of_many_files_are_told_together(tmp_path: Path) -> None:
    source = tmp_path / "a.rttm"
    source.write_text("".join(RTTM.format("CRY").replace("night", f"n{k}") for k in range(40)))
    code, said = run(source, tmp_path / "out", "--to", "textgrid")
    assert code == 0
    assert "40 annotations of 40 recordings" in said
    assert said.splitlines()[-2:] == ["The target cannot hold:", "  score (40 annotations)"]
    code, said = run(source, tmp_path / "corpus")
    assert "  when it was made isn't known; NA is written (40 recordings)" in said.splitlines()


@pytest.mark.parametrize("ending", ["TextGrid", "csv", "txt"])
def test_a_recording_without_a_name_is_named_after_its_file(tmp_path: Path, ending: str) -> None:
    (tmp_path / "night.rttm").write_text(RTTM.format("CRY"))
    for name in ("day1", "day2"):
        assert run(tmp_path / "night.rttm", tmp_path / f"{name}.{ending}")[0] == 0
        if ending == "csv":
            table = (tmp_path / f"{name}.csv").read_text().replace("night", "")
            (tmp_path / f"{name}.csv").write_text(table)
        assert run(tmp_path / f"{name}.{ending}", tmp_path / "corpus")[0] == 0
    table = (tmp_path / "corpus/metadata/annotations.csv").read_text()
    assert "day1.wav" in table
    assert "day2.wav" in table


def test_a_file_in_which_nothing_is_marked(tmp_path: Path) -> None:
    (tmp_path / "a.rttm").touch()
    assert run(tmp_path / "a.rttm", tmp_path / "a.csv")[0] == 0
    code, _ = run(tmp_path / "a.rttm", tmp_path / "a.TextGrid")
    assert code != 0
    assert not (tmp_path / "a.TextGrid").exists()
