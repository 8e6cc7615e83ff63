"""Where the seconds of answering go: from the onset of a cry until somebody is there.

Each step is counted from the onset, and all in the same cries: those in which
somebody was told, said that they were going, and then was there. So the steps
show where time goes when somebody comes, and are no measure of how often that
is: for this see `swift`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from harken.episodes import Episode
from harken.insight.estimate import Estimate, unknown
from harken.insight.record import Record

StepName = Literal["told", "shown", "going", "there"]

STEPS: tuple[StepName, ...] = ("told", "shown", "going", "there")
"""A channel took the first alert; a phone showed one; somebody said "I'm going"; was there."""

LEAST = 6
"""With fewer cries than this there is a median, and no interval."""

_DRAWS = 400


@dataclass(frozen=True, slots=True)
class Step:
    """One step, from the onset.

    Parameters
    ----------
    name : {'told', 'shown', 'going', 'there'}
    n : int
        Cries in which it is known.
    median_s : Estimate [s]
        With a bootstrap interval over cries.
    middle_half_s : (float, float) or None [s]
        A quarter of the cries had it sooner than the first, a quarter later
        than the second.
    """

    name: StepName
    n: int
    median_s: Estimate
    middle_half_s: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Steps:
    """Where the seconds go.

    Parameters
    ----------
    answered : int
        Cries that were answered.
    cries : int
        Those of them that went through the steps, and are counted here.
    steps : tuple of Step
        In order; those of which nothing is known have an n of 0.
    says : tuple of str
        What to print beside it.
    """

    answered: int
    cries: int
    steps: tuple[Step, ...]
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        found = asdict(self)
        return {**found, "steps": list(found["steps"]), "says": list(self.says)}


def steps(record: Record) -> Steps:
    """Measure how long each step of answering took, in the cries that were answered.

    Parameters
    ----------
    record : Record

    Returns
    -------
    Steps
        Of the cries with every step but `shown`, which not every channel tells;
        where nobody ever says that they are going, of those with `told` and `there`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     steps(Record.of(journal)).cries
    0
    >>> folder.cleanup()
    """
    answered = [one for one in record.counted if one.answered]
    told = [one for one in answered if _AT["told"](one) is not None]
    through = [one for one in told if _AT["going"](one) is not None]
    chosen = through if len(through) >= LEAST else told
    names = STEPS if chosen is through else tuple(one for one in STEPS if one != "going")
    return Steps(
        answered=len(answered),
        cries=len(chosen),
        steps=tuple(_step(name, chosen) for name in names),
        says=(
            f"In the {len(chosen)} of {len(answered)} answered cries that went through these "
            "steps; who is in the room already needs no alert.",
        ),
    )


def _step(name: StepName, episodes: list[Episode]) -> Step:
    at = _AT[name]
    found = np.array(
        [
            max(0.0, (moment - one.onset).total_seconds())
            for one in episodes
            if (moment := at(one)) is not None
        ]
    )
    n = len(found)
    how = "median, bootstrap by cry"
    if n == 0:
        return Step(name, 0, unknown(0, unit="s", how=how), None)
    median = float(np.median(found))
    if n < LEAST:
        return Step(name, n, Estimate(median, None, None, n, unit="s", how="median"), None)
    draws = np.random.default_rng(1).integers(0, n, (_DRAWS, n))
    low, high = np.quantile(np.median(found[draws], axis=1), [0.025, 0.975])
    first, third = np.quantile(found, [0.25, 0.75])
    estimate = Estimate(median, float(low), float(high), n, unit="s", how=how)
    return Step(name, n, estimate, (float(first), float(third)))


def _there(episode: Episode) -> datetime | None:
    first = episode.first_response
    return None if first is None else first.at


def _before_there(episode: Episode, moments: list[datetime | None]) -> datetime | None:
    """Give the first of some moments, if it came before somebody was there."""
    there = _there(episode)
    known = [one for one in moments if one is not None]
    first = min(known, default=None)
    return first if first is not None and (there is None or first <= there) else None


_AT: dict[StepName, Callable[[Episode], datetime | None]] = {
    "told": lambda one: _before_there(one, [alert.sent for alert in one.alerts]),
    "shown": lambda one: _before_there(one, [alert.shown for alert in one.alerts]),
    "going": lambda one: _before_there(one, [said.at for said in one.acknowledgements]),
    "there": _there,
}
