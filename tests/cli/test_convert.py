"""`harken convert`, as it is typed."""

from pathlib import Path

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
    assert "1 annotations of 1 recording" in said
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
