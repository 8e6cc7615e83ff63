"""What no measure can be made from: one line that says what is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from harken.errors import ParameterError
from harken.insight import (
    Record,
    cumulative_incidence,
    kaplan_meier,
    mean_by_day,
    share,
    share_by_day,
    swift,
)
from harken.insight.estimate import t_of, z_of
from harken.journal import Child, Journal

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("durations", "ended"),
    [
        ([1, 2], [1]),
        ([-1.0], [1]),
        ([NAN], [1]),
        ([INF], [0]),
        ([1.0], [2]),
        ([1.0], [-1]),
        ([1.0], [0.5]),
        ([[1.0]], [[1]]),
    ],
)
def test_waits_that_are_none(durations, ended):
    with pytest.raises(ParameterError):
        kaplan_meier(durations, ended)


@pytest.mark.parametrize(
    ("causes", "kinds"), [([3], 2), ([-1], None), ([1.5], None), ([1], 0), ([1, 2], None)]
)
def test_ways_to_end_that_are_none(causes, kinds):
    with pytest.raises(ParameterError):
        cumulative_incidence([5.0], causes, kinds=kinds)


@pytest.mark.parametrize("level", [0, 1, -0.5, 2, NAN])
def test_levels_that_are_none(level):
    with pytest.raises(ParameterError, match="level"):
        z_of(level)
    with pytest.raises(ParameterError, match="level"):
        t_of(level, 3)
    with pytest.raises(ParameterError, match="level"):
        kaplan_meier([5.0], level=level)


def test_degrees_of_freedom_quantiles_shares_and_values_that_are_none():
    with pytest.raises(ParameterError, match="freedom"):
        t_of(0.95, 0)
    for part in (0, 1, -1, NAN):
        with pytest.raises(ParameterError, match="share"):
            kaplan_meier([5.0]).quantile(part)
    for k, n in ((3, 2), (-1, 2)):
        with pytest.raises(ParameterError):
            share(k, n)
        with pytest.raises(ParameterError):
            share_by_day([(1, 1), (k, n)])
    for value in (NAN, INF):
        with pytest.raises(ParameterError, match="finite"):
            mean_by_day([1.0, value])


def test_by_what_a_swift_cannot_be_given(making):
    record = making().record(NOON, NOON + timedelta(days=1))
    with pytest.raises(ParameterError, match="must be one of hour, week, caregiver"):
        swift(record, by="phase of the moon")


def test_stretches_that_are_none(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        journal.household.add(Child(id="mia", name="Mia"))
        record = Record.of(journal, now=NOON)
        for since, until in ((NOON, NOON), (NOON, NOON - timedelta(1)), (NOON, datetime.now())):
            with pytest.raises(ParameterError):
                record.between(since, until)
            with pytest.raises(ParameterError):
                Record.of(journal, since=since, until=until)
        with pytest.raises(ParameterError, match=r"no child 'leo'.*Mia \(mia\)"):
            Record.of(journal, child="leo")
