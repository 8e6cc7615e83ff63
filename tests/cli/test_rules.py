"""Rules by name."""

from pathlib import Path

import pytest

from harken.cli.rules import read_rule, save_rule
from harken.episodes import BoutRule
from harken.errors import ParameterError
from harken.writing import OutputError

BASE = BoutRule(0.6, 0.4)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path))
    return tmp_path


def test_a_rule_is_kept_under_its_name() -> None:
    rule = BoutRule(0.5, 0.2, min_duration=5.0)
    save_rule("our-lab", rule, {"model": "builtin"})
    assert read_rule("our-lab", BASE) == rule


def test_words_stay_words() -> None:
    assert read_rule("", BASE) == BASE
    assert read_rule("max_gap=9", BASE).max_gap == 9


def test_a_name_that_is_none_and_a_file_that_is_broken_are_told(data: Path) -> None:
    with pytest.raises(ParameterError, match="no rule named 'lab'"):
        read_rule("lab", BASE)
    with pytest.raises(ParameterError, match="neither KEY=VALUE nor a name"):
        read_rule("../lab", BASE)
    (data / "rules").mkdir()
    (data / "rules/lab.json").write_text("{}")
    with pytest.raises(ParameterError, match="is not a saved rule"):
        read_rule("lab", BASE)
    (data / "rules/folder.json").mkdir()
    with pytest.raises(ParameterError, match="is not a saved rule"):
        read_rule("folder", BASE)
    with pytest.raises(OutputError, match="cannot write"):
        save_rule("folder", BASE, {})


def test_saving_again_replaces_and_leaves_nothing_else(data: Path) -> None:
    for gap in (5.0, 9.0):
        save_rule("lab", BoutRule(0.5, 0.2, max_gap=gap), {})
    assert read_rule("lab", BASE).max_gap == 9.0
    assert [path.name for path in (data / "rules").iterdir()] == ["lab.json"]
