"""Clips hold just the sound that was asked for."""

from pathlib import Path

import numpy as np
import pytest

from harken.clips import write_flac
from harken.errors import ParameterError
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.cut import cut, find_named, recordings_in


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


def test_recordings_are_found_by_name(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert find_named(recording.parent, ["day.wav"]) == {"day.wav": ("day", recording)}
    with pytest.raises(ParameterError, match="no recording named 'night'"):
        find_named(recording.parent, ["night"])
    with pytest.raises(ParameterError, match="no recordings in it"):
        recordings_in(tmp_path / "empty")


def test_two_children_may_have_recordings_of_one_name(tmp_path: Path) -> None:
    for child in ("c1", "c2"):
        (tmp_path / child).mkdir()
        write_flac(str(tmp_path / child / "day.flac"), np.zeros(RATE, np.float32))
    assert set(recordings_in(tmp_path)) == {"c1/day", "c2/day"}
    assert find_named(tmp_path, ["c2/day.wav"])["c2/day.wav"][1] == tmp_path / "c2/day.flac"
    with pytest.raises(ParameterError, match="'day' of the table may be c1/day or c2/day"):
        find_named(tmp_path, ["day"])
    made = cut(tmp_path / "c1/day.flac", [(0.0, 0.5)], tmp_path / "clips", name="c1/day")
    assert made == [tmp_path / "clips/c1/day_0.0-0.5.flac"]
    assert made[0].is_file()
    write_flac(str(tmp_path / "c1/day.wav.flac"), np.zeros(RATE, np.float32))
    (tmp_path / "c1/day.wav.flac").rename(tmp_path / "c1/day.wav")
    with pytest.raises(ParameterError, match="differ only in their ending"):
        recordings_in(tmp_path)
