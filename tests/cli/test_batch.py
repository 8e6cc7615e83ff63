import os
from collections import deque
from pathlib import Path

import pytest

from harken.cli.analyze import _left
from harken.cli.batch import OutputError, Step, _Job, _SoundClock, put, replacing, table_name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("in/a.wav", "in/a.wav"),
        ("=1.wav", "./=1.wav"),
        ("-1.wav", "./-1.wav"),
        ("@a.wav", "./@a.wav"),
        ("in/=1.wav", "in/=1.wav"),
        ("\N{BABY}.wav", "\N{BABY}.wav"),
        ("a\nb.wav", "a\nb.wav"),
        (os.fsdecode(b"\xe9.wav"), r"\xe9.wav"),
    ],
)
def test_a_name_in_a_table_is_text_and_no_formula(name, written):
    assert table_name(Path(name)) == written


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.csv"
    put(path, b"old")

    def fail_halfway() -> None:
        with replacing(path) as part:
            part.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    put(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_refused_write_names_the_file_and_the_remedy(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*a\.csv.*make room"):
        put(tmp_path / "file/a.csv", b"")


def test_time_in_all_is_told_by_the_bytes_of_what_nobody_has_opened(tmp_path):
    jobs = []
    for name, size in (("a.wav", 100), ("b.wav", 300), ("c.mp3", 50), ("d.wav", 200)):
        path = tmp_path / name
        path.write_bytes(bytes(size))
        jobs.append(_Job(path, name, name, path, None, None))
    clock = _SoundClock(deque(jobs))
    assert clock.read([]) == (0, 0)
    # a is 10 s long: 0.1 s a byte, for b and d as for c, of whose kind nothing is known.
    assert clock.read([(jobs[0], 2.0, 10.0)]) == pytest.approx((2.0, 10 + 30 + 5 + 20))
    clock.finish(jobs[0], 10.0)
    assert clock.read([(jobs[2], 0.0, 100.0)]) == pytest.approx((10.0, 10 + 30 + 100 + 20))
    for job, seconds in zip(jobs[1:], (30.0, 100.0, 20.0), strict=True):
        clock.finish(job, seconds)
    assert clock.read([]) == pytest.approx((160.0, 160.0))


def test_the_time_left_is_by_sound_and_not_by_files():
    assert _left(Step(0.0, 100.0, 0, 10), 5.0) == ""
    assert _left(Step(3600.0, 4 * 3600.0, 9, 10), 30.0) == "0:01:30 left"
