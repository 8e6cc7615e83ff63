"""Comprehensive: where crying went on although somebody was there, what was looked at and tried."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harken.episodes import ATTEMPTS, NEEDS, Episode
from harken.insight.estimate import Estimate, mean_by_day, share
from harken.insight.record import Record

WENT_ON_S = 120.0
"""An episode went on where crying lasted this long past the first answer, in seconds."""


@dataclass(frozen=True, slots=True)
class Need:
    """A need, and in how many of the episodes that went on it was looked at.

    Parameters
    ----------
    need : str
        One of `NEEDS`.
    checked : Estimate
        Share of the episodes that went on.
    count : int
        How many that were.
    found : int
        Of these, where it was that.
    not_it : int
        Of these, where it was not that; of the rest nobody said.
    """

    need: str
    checked: Estimate
    count: int
    found: int
    not_it: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried in episodes that went on: the word, and in how many."""

    attempt: str
    count: int


@dataclass(frozen=True, slots=True)
class Comprehensive:
    """What was looked at where crying went on.

    Parameters
    ----------
    went_on_s : float [s]
        The rule: crying lasted this long past the first answer.
    answered : int
        Episodes that somebody answered.
    n : int
        Of these, those that went on.
    any_check : Estimate
        Share of them in which anything was noted as looked at.
    needs_checked : Estimate
        Mean share of the eight needs that was looked at, over them.
    needs : tuple of Need
        All eight, in the order in which they are always listed.
    tried : tuple of Attempt
        What was tried at all, most often first.
    says : tuple of str
        What to print beside the figures.
    """

    went_on_s: float
    answered: int
    n: int
    any_check: Estimate
    needs_checked: Estimate
    needs: tuple[Need, ...]
    tried: tuple[Attempt, ...]
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        found = asdict(self)
        for name in ("needs", "tried", "says"):
            found[name] = list(found[name])
        return found


def comprehensive(record: Record) -> Comprehensive:
    """Measure what was looked at in episodes that went on after somebody had come.

    Parameters
    ----------
    record : Record

    Returns
    -------
    Comprehensive
        A need that was looked at twice in an episode counts once. What nobody
        tapped counts as not noted, which is not the same as not looked at.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     comprehensive(Record.of(journal)).n
    0
    >>> folder.cleanup()
    """
    answered = [one for one in record.counted if one.answered]
    those = [one for one in answered if went_on(one)]
    needs = tuple(_need(need, those) for need in NEEDS)
    shares = [len({check.need for check in one.checks}) / len(NEEDS) for one in those]
    mean = mean_by_day(shares, unit="share")
    high = None if mean.high is None else min(1.0, mean.high)
    counts = {
        name: sum(any(s.attempt == name for s in one.soothing) for one in those)
        for name in ATTEMPTS
    }
    tried = sorted((name for name in ATTEMPTS if counts[name]), key=lambda name: -counts[name])
    return Comprehensive(
        went_on_s=WENT_ON_S,
        answered=len(answered),
        n=len(those),
        any_check=share(sum(bool(one.checks) for one in those), len(those)),
        needs_checked=Estimate(
            mean.value, mean.low, high, mean.n, unit="share", how="Student's t over episodes"
        ),
        needs=needs,
        tried=tuple(Attempt(name, counts[name]) for name in tried),
        says=_says(len(answered), len(those)),
    )


def went_on(episode: Episode) -> bool:
    """Whether crying lasted for two minutes or more past the first answer.

    Parameters
    ----------
    episode : Episode

    Returns
    -------
    bool
        False where nobody answered. Pauses inside the episode do not matter: what
        counts is the last moment at which it is known to have cried.
    """
    first = episode.first_response
    if first is None:
        return False
    last = max((one.heard_until for one in episode.bouts if one.kept), default=episode.onset)
    lasted = (last - max(first.at, episode.onset)).total_seconds()
    return lasted >= WENT_ON_S and math.isfinite(lasted)


def _need(need: str, those: Sequence[Episode]) -> Need:
    count = found = not_it = 0
    for one in those:
        checks = [check.found for check in one.checks if check.need == need]
        count += bool(checks)
        found += True in checks
        not_it += False in checks and True not in checks
    return Need(need, share(count, len(those)), count, found, not_it)


def _says(answered: int, n: int) -> tuple[str, ...]:
    rule = f"An episode went on where it cried for {WENT_ON_S / 60:g} minutes or more after the "
    if not answered:
        return (rule + "first answer. No cry has been answered in this time.",)
    if not n:
        return (rule + f"first answer. None of {answered} did.",)
    went = "1 did" if n == 1 else f"{n} did"
    return (
        rule + f"first answer. Of {answered} that were answered, {went}.",
        "What nobody noted may well have been looked at: nobody taps with both hands full.",
    )
