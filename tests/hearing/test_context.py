"""Steps with their context are the same however the rows come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.hearing.context import Context


@given(
    n=st.integers(0, 60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    hop=st.integers(1, 4),
    left=st.integers(0, 7),
    right=st.integers(0, 5),
    least=st.integers(1, 4),
    most=st.integers(1, 5),
)
def test_every_step_of_a_run_is_given_once_with_its_context(n, cuts, hop, left, right, least, most):
    rows = np.arange(1, n + 1, dtype=np.float32)
    context = Context(hop=hop, left=left, right=right, outside=np.float32(-1))
    parts = []
    for piece in np.split(rows, sorted(min(c, n) for c in cuts)):
        context.push(piece)
        parts += context.due(least=least, most=most)
    context.finish()
    parts += context.due(least=1, most=most)
    padded = np.concatenate([np.full(left, -1), rows, np.full(right, -1)])
    given_ = [
        part[i * hop : left + (i + 1) * hop + right]
        for part in parts
        for i in range((len(part) - left - right) // hop)
    ]
    assert all(len(part) <= left + most * hop + right for part in parts)
    assert len(given_) == n // hop
    for k, step in enumerate(given_):
        np.testing.assert_array_equal(step, padded[k * hop : left + (k + 1) * hop + right])


def test_rows_may_have_columns():
    context = Context(hop=1, left=1, right=0, outside=np.array([0, -100], np.float32))
    context.push(np.array([[1, 2]], np.float32))
    (part,) = context.due(least=1, most=1)
    assert part.tolist() == [[0, -100], [1, 2]]
