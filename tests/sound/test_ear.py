"""Sound that a page pushes: numbers, clocks, losses, lateness."""

import numpy as np
import pytest

from harken.errors import ParameterError
from harken.sound import RATE, AudioBlock, EarSource, Gap

PIECE = 1280
PIECE_S = PIECE / RATE


class Hub:
    """The hub's clock, moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pcm(value: int = 1000) -> bytes:
    return np.full(PIECE, value, "<i2").tobytes()


def send(ear: EarSource, hub: Hub, session: int, seqs, *, phone: float = 0.0, late: float = 0.0):
    """Push pieces as if each were caught when its number says, by a phone whose clock is off."""
    for seq in seqs:
        caught = seq * PIECE_S
        hub.now = max(hub.now, caught + PIECE_S + late)
        assert ear.push(pcm(), seq=seq, caught_at=caught + phone, session=session)


def blocks(items):
    return [item for item in items if isinstance(item, AudioBlock)]


def test_pieces_in_order_are_one_run():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    send(ear, hub, ear.begin(), range(20), phone=600.0)
    items = [next(ear) for _ in range(20)]
    starts = [item.start for item in items]
    assert np.allclose(np.diff(starts), PIECE_S)
    assert starts[0] == pytest.approx(0.0, abs=0.01)  # ten minutes off, and it does not matter
    ear.close()


def test_a_lost_piece_is_a_gap_of_its_length():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    send(ear, hub, ear.begin(), [0, 1, 2, 6, 7])
    items = [next(ear) for _ in range(7)]
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.end is None for gap in gaps] == [True, False]
    assert gaps[1].end - gaps[1].start == pytest.approx(3 * PIECE_S, abs=0.01)
    ear.close()


def test_a_piece_that_is_sent_again_counts_once():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    session = ear.begin()
    send(ear, hub, session, [0, 1])
    ear.push(pcm(), seq=1, caught_at=PIECE_S, session=session)
    send(ear, hub, session, [2])
    assert [item.start for item in (next(ear) for _ in range(3))] == pytest.approx(
        [0, PIECE_S, 2 * PIECE_S], abs=0.01
    )
    ear.close()


def test_pieces_kept_during_a_loss_keep_the_time_at_which_they_were_caught():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    send(ear, hub, ear.begin(), range(10))
    kept = [next(ear) for _ in range(10)]
    hub.now = 5.0
    assert isinstance(next(ear), Gap)
    send(ear, hub, ear.begin(), range(10, 40), late=2.0)
    items = [next(ear) for _ in range(31)]
    assert isinstance(items[0], Gap)
    late = blocks(items)
    assert len(late) == 30
    assert late[0].start == pytest.approx(kept[-1].end, abs=0.02)
    ear.close()


def test_an_older_page_is_not_woven_in():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    old = ear.begin()
    new = ear.begin()
    assert not ear.push(pcm(), seq=0, caught_at=0.0, session=old)
    assert ear.push(pcm(), seq=0, caught_at=0.0, session=new)
    ear.close()


def test_nobody_connected_is_a_gap_that_says_so():
    hub = Hub()
    ear = EarSource(name="Nursery", clock=hub)
    hub.now = 3.0
    gap = next(ear)
    assert isinstance(gap, Gap)
    assert "no phone or tablet is listening yet" in gap.reason
    ear.close()


def test_a_fast_device_is_put_right_and_a_slow_one_followed():
    for pace in (1 + 2e-3, 1 - 5e-5):
        hub = Hub()
        ear = EarSource(name="Nursery", clock=hub)
        session = ear.begin()
        end = 0.0
        for seq in range(20_000):
            true = seq * PIECE_S * (2 - pace)
            hub.now = true + PIECE_S
            ear.push(pcm(), seq=seq, caught_at=true, session=session)
            if seq % 1000 == 999:
                hub.now += 0.0
                while not ear._queue.empty():
                    item = next(ear)
                    if isinstance(item, AudioBlock):
                        end = item.end
        assert end == pytest.approx(hub.now, abs=1.2)
        ear.close()


@pytest.mark.parametrize(
    ("piece", "seq", "at"),
    [(b"", 0, 0.0), (b"a", 0, 0.0), (bytes(70_000), 0, 0.0), (pcm(), -1, 0.0),
     (pcm(), 0, float("nan")), (pcm(), 0, float("inf"))],
)  # fmt: skip
def test_a_malformed_piece_is_refused(piece, seq, at):
    ear = EarSource(name="Nursery")
    with pytest.raises(ParameterError, match="sound:"):
        ear.push(piece, seq=seq, caught_at=at, session=ear.begin())
    ear.close()
