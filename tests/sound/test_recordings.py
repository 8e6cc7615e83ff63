"""A folder gives its recordings, in order, and nothing else."""

import os

import pytest

from harken.sound import find_recordings


def test_recordings_come_in_the_order_of_their_names(tmp_path):
    for name in ("b/2.wav", "b/1.FLAC", "a.mp3", "c.txt", ".hid.wav", ".dir/x.wav", "z.wav/y.ogg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in find_recordings(tmp_path)]
    assert found == ["a.mp3", "b/1.FLAC", "b/2.wav", "z.wav/y.ogg"]


def test_a_file_is_given_whatever_its_ending(tmp_path):
    path = tmp_path / "sound"
    path.touch()
    assert list(find_recordings(str(path))) == [path]


def test_an_empty_folder_holds_none(tmp_path):
    assert list(find_recordings(tmp_path)) == []


def test_links_that_go_round_do_not(tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "round").symlink_to(tmp_path)
    assert [path.name for path in find_recordings(tmp_path)] == ["a.wav"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_folder_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.wav").touch()
    (tmp_path / "b").chmod(0)
    if os.access(tmp_path / "b", os.R_OK):
        # The superuser may read anything; refuse by hand what others would be refused.
        scan = os.scandir

        def refuse(path):
            if path == tmp_path / "b":
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refuse)
    problems = []
    found = [path.parent.name for path in find_recordings(tmp_path, on_error=problems.append)]
    assert found == ["a", "c"]
    assert problems == [
        f"{str(tmp_path / 'b')!r} may not be read by this account: give it read access (chmod u+r)"
    ]
