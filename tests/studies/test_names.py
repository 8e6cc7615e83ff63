"""Names of recordings: the same one, however it is written, and never another child's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.errors import ParameterError
from harken.studies.names import match, plain


def meant(names: list[str], others: list[str]) -> dict[str, str]:
    return match(names, others, ours="the reference", theirs="the hypothesis")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("day1.wav", "day1"),
        ("c1/day1.FLAC", "c1/day1"),
        ("/mnt/lab/c1/day1.wav", "mnt/lab/c1/day1"),
        (r"c1\day1.wav", "c1/day1"),
        ("child1.day2", "child1.day2"),
        ("a day with spaces.mp3", "a day with spaces"),
        ("", ""),
    ],
)
def test_an_ending_goes_and_folders_stay(name: str, says: str) -> None:
    assert plain(name) == says


def test_folders_may_be_missing_on_one_side_but_not_differ() -> None:
    assert meant(["day1"], ["c1/day1"]) == {"day1": "c1/day1"}
    assert meant(["mnt/lab/c1/day1"], ["c1/day1"]) == {"mnt/lab/c1/day1": "c1/day1"}
    assert meant(["c1/day1"], ["c2/day1"]) == {}
    assert meant(["c1/day1", "c2/day1"], ["c2/day1"]) == {"c2/day1": "c2/day1"}
    assert meant(["ay1"], ["day1"]) == {}


def test_what_is_not_clear_is_refused() -> None:
    with pytest.raises(ParameterError, match="'day1' of the reference may be c1/day1 or c2/day1"):
        meant(["day1"], ["c1/day1", "c2/day1"])
    with pytest.raises(ParameterError, match="'day1' of the hypothesis may be c1/day1 or c2/day1"):
        meant(["c1/day1", "c2/day1"], ["day1"])


NAMES = st.lists(st.from_regex(r"([ab]/){0,2}[xy]", fullmatch=True), unique=True, max_size=6)


@given(NAMES, NAMES)
def test_no_two_ever_mean_one(names: list[str], others: list[str]) -> None:
    try:
        found = meant(names, others)
    except ParameterError:
        return
    assert len(set(found.values())) == len(found)
    assert all(name in found and found[name] == name for name in set(names) & set(others))
