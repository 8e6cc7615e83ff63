"""Kill -9 at random moments: nothing acknowledged is lost, and every cry is told on."""

import pytest

from benchmarks.kills import SETTINGS, Killer, make_household
from harken.journal import Journal


@pytest.mark.slow
def test_a_killed_hub_loses_nothing_and_tells_on(tmp_path):
    database = tmp_path / "journal.sqlite"
    with Journal.open(database, settings=SETTINGS) as journal:
        make_household(journal)
    found = Killer(database, seed=1).kill(6)
    assert found.acknowledged > 20
    assert found.lost == []
    assert found.asked == 4
    assert found.silent == 0
    assert found.unsent == 0
    assert found.changed == 0
