"""Clips are kept whole, for their owner alone, and no longer than they may be."""

import stat
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from harken.clips import Clips
from harken.episodes import new_id
from harken.errors import HarkenError, ParameterError
from harken.sound import open_source


def test_a_clip_comes_back_as_it_was(tmp_path):
    clips = Clips(tmp_path / "clips")
    bout = str(new_id())
    samples = (0.3 * np.sin(np.arange(40_000) * 0.1)).astype(np.float32)
    clips.keep(bout, samples)
    path = tmp_path / "clips" / f"{bout}.flac"
    assert path.read_bytes() == clips.read(bout)
    with open_source(str(path)) as source:
        heard = np.concatenate([block.samples for block in source])
    assert np.allclose(heard, samples, atol=1e-4)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_clips_are_forgotten_by_the_time_of_their_bout(tmp_path):
    clips = Clips(tmp_path)
    now = datetime.now(UTC)
    old, new = str(new_id(now - timedelta(days=9))), str(new_id(now))
    for bout in (old, new):
        clips.keep(bout, np.zeros(1600, np.float32))
    assert clips.forget(before=now - timedelta(days=7)) == 1
    assert not clips.has(old)
    assert clips.has(new)
    assert clips.forget() == 1
    assert clips.read(new) is None


@pytest.mark.parametrize("bout", ["../../etc/passwd", "", "x" * 300])
def test_an_id_that_is_none_leads_nowhere(tmp_path, bout):
    with pytest.raises(ParameterError):
        Clips(tmp_path).read(bout)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarkenError, match="cannot be kept"):
        Clips(tmp_path / "file" / "clips").keep(str(new_id()), np.zeros(160, np.float32))
