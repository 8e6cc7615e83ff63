"""`harken study anonymise`, as it is typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harken.cli.app import app
from harken.errors import ParameterError


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["study", "anonymise", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_key_is_made_once_and_that_is_told(tmp_path: Path) -> None:
    source, key = tmp_path / "tom.csv", tmp_path / "lab.key"
    source.write_text("recording,onset,offset,label\ntom.wav,1,2,cry\n")
    code, said = run(source, tmp_path / "out", "--key", key)
    assert code == 0
    assert f"A new key was made: {key}" in said
    code, said = run(source, tmp_path / "again", "--key", key)
    assert code == 0
    assert "A new key" not in said
    names = [sorted(file.name for file in (tmp_path / one).rglob("*.csv"))
             for one in ("out", "again")]  # fmt: skip
    assert names[0] == names[1]


def test_the_key_is_not_passed_on(tmp_path: Path) -> None:
    source = tmp_path / "tom.csv"
    source.write_text("recording,onset,offset,label\ntom.wav,1,2,cry\n")
    with pytest.raises(ParameterError, match="it would be passed on"):
        run(source, tmp_path / "out", "--key", tmp_path / "out/lab.key")
    assert [path.name for path in tmp_path.iterdir()] == ["tom.csv"]


@pytest.mark.parametrize("more", [[], ["--clips"]])
def test_nothing_to_read_makes_no_key(tmp_path: Path, more: list[str]) -> None:
    with pytest.raises(ParameterError, match="no such file or folder"):
        run(tmp_path / "gone", tmp_path / "out", "--key", tmp_path / "lab.key", *more)
    assert not list(tmp_path.iterdir())
