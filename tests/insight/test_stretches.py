"""Stretches against a second-by-second count."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harken.insight.stretches import amounts, gaps, joined

STRETCHES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def seconds(stretches):
    return {at for begin, end in stretches for at in range(begin, end)}


@given(STRETCHES)
def test_joined_covers_the_same_seconds_once(stretches):
    found = joined(stretches)
    assert seconds(found) == seconds(stretches)
    assert sum(end - begin for begin, end in found) == len(seconds(stretches))
    assert all(one[1] < other[0] for one, other in pairwise(found))


@given(STRETCHES, st.integers(0, 60), st.integers(0, 60))
def test_gaps_are_what_is_left(stretches, begin, end):
    free = gaps(joined(stretches), begin, end)
    assert seconds(free) == set(range(begin, end)) - seconds(stretches)


@given(STRETCHES, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1))
def test_amounts_count_the_seconds_of_each_window(stretches, windows):
    windows = [(min(one), max(one)) for one in windows]
    found = amounts(joined(stretches), *zip(*windows, strict=True))
    wanted = [len(seconds(stretches) & set(range(*one))) for one in windows]
    assert found.tolist() == [float(one) for one in wanted]
