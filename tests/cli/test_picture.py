import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.cli.picture import Columns, draw
from harken.hearing import HOP_S, Frames


def frames(n: int, start: int = 0) -> Frames:
    rng = np.random.default_rng([n, start])
    cry, laugh, voice = rng.random((3, n)).astype(np.float32)
    level = (-60 * rng.random(n)).astype(np.float32)
    return Frames((start + np.arange(n)) * HOP_S, cry, laugh, voice, level)


@given(st.lists(st.integers(0, 6000), max_size=8))
def test_columns_keep_every_peak_however_frames_are_cut_up(sizes):
    whole = frames(sum(sizes))
    columns = Columns()
    at = 0
    for size in sizes:
        columns.add(whole[at : at + size])
        at += size
    table = columns.table()
    once = Columns()
    once.add(whole)
    for name, values in once.table().items():
        np.testing.assert_array_equal(table[name], values)
    assert len(table["time"]) <= 4096
    if len(whole):
        assert table["cry"].max() == whole.cry.max()
        assert table["level"].max() == whole.level.max()
        assert table["time"][0] == 0
        assert table["until"][-1] >= whole.times[-1]


def test_a_day_takes_as_much_memory_as_an_hour():
    columns = Columns()
    for k in range(0, 1_080_000, 5000):
        columns.add(frames(5000, k))
    table = columns.table()
    assert 2048 <= len(table["time"]) <= 4096
    assert table["until"][-1] == pytest.approx(86_400, abs=60)


@pytest.mark.parametrize("seconds", [0, 1, 59, 600, 86_400])
def test_any_length_fits_on_one_page(seconds):
    columns = Columns()
    columns.add(frames(round(seconds / HOP_S)))
    picture = draw(columns, [(0.5, 0.9, 0.8, None)], title="a\nb", truth=[(0.4, 0.9)])
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert 1000 < width < 2000
    assert height < 1.5 * width
