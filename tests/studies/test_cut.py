"""Clips hold just the sound that was asked for."""

from pathlib import Path

import numpy as np
import pytest

from harken.clips import write_flac
from harken.errors import ParameterError
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.cut import cut, find_named


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A minute whose every second has its own level, so that a clip tells where it is from."""
    levels = np.repeat(np.arange(60, dtype=np.float32) / 100, RATE)
    sign = np.where(np.arange(len(levels)) % 2, 1, -1).astype(np.float32)
    path = tmp_path / "day.flac"
    write_flac(str(path), levels * sign)
    return path


def heard(path: Path) -> np.ndarray:
    with open_source(str(path)) as source:
        return np.concatenate([one.samples for one in source if isinstance(one, AudioBlock)])


def test_a_clip_holds_its_stretch_and_no_more(recording: Path, tmp_path: Path) -> None:
    made = cut(recording, [(10.0, 12.5), (11.0, 13.0), (58.0, 70.0), (80.0, 90.0)], tmp_path / "c")
    assert [path.name for path in made] == [
        "day_10.0-12.5.flac", "day_11.0-13.0.flac", "day_58.0-70.0.flac",
    ]  # fmt: skip
    first, second, last = map(heard, made)
    assert len(first) == 2.5 * RATE
    assert np.abs(first[:RATE]) == pytest.approx(0.10, abs=1e-3)
    assert np.abs(first[-RATE // 4 :]) == pytest.approx(0.12, abs=1e-3)
    assert np.abs(second) == pytest.approx(np.repeat([0.11, 0.12], RATE), abs=1e-3)
    assert len(last) == 2 * RATE


def test_recordings_are_found_by_name(recording: Path) -> None:
    assert find_named(recording.parent, ["day"]) == {"day": recording}
    with pytest.raises(ParameterError, match="no recording named 'night'"):
        find_named(recording.parent, ["night"])
