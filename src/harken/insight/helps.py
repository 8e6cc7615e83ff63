"""What helps this baby: what came of each soothing attempt, with few tries held back.

A try can end in three ways: the infant is calm, something else is tried, or it
still cries. Each forestalls the others (competing risks). What a few tries show
is pulled towards what all attempts show in this household (partial pooling), so
that three lucky ones do not win.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.episodes import ATTEMPTS, Episode, Soothing
from harken.errors import ParameterError
from harken.insight.care_totals import (
    AWAKE_BANDS_H,
    FEED_BANDS_H,
    Since,
    band_of,
    band_words,
    near_hour,
)
from harken.insight.estimate import Estimate, share, unknown
from harken.insight.record import Record
from harken.insight.survival import Curve, cumulative_incidence

HORIZON_S = 300.0
"""How soon it must be calm for an attempt to count as one that helped [s]."""

TOGETHER_S = 20.0
"""Attempts tapped within this time were made together and share what came of them [s]."""

LEAST = 5
"""Fewer tries than this and it is not yet known."""

_POINTS_S = (0, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600)
_CALM, _OTHER = 1, 2

_STEPS = 200
_TYPICAL_TRIES = 8.0
_FACTOR = 0.8
"""Standard deviation of the logarithm of the tries that the common share counts as."""
_CONTEXT_TRIES = (4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, slots=True)
class HelpPoint:
    """Shares of the tries at a time since the attempt; they add up to 1."""

    at_s: float
    calmed: float
    other: float
    crying: float


@dataclass(frozen=True, slots=True)
class Help:
    """What came of one kind of attempt.

    Parameters
    ----------
    attempt : str
        One of `ATTEMPTS`.
    n : int
        Tries.
    calmed : Estimate
        Share that was calm within five minutes, before anything else was tried;
        partially pooled, with a credible interval. What is ranked by, unless
        circumstances were asked for.
    raw : Estimate
        The same share in its own tries alone.
    other, crying : Estimate
        Shares in which something else was tried first, and that still cried
        after five minutes with nothing else tried.
    median_s : Estimate [s]
        By when half of the tries had led to calm; not known where fewer did.
    best : float, 0 to 1
        Chance that it is the best of those that are ranked; 0 if it is not.
    here : Estimate or None
        `calmed` in the circumstances that were asked for; its n is the tries in
        them. Then this is what is ranked by.
    curve : tuple of HelpPoint
    """

    attempt: str
    n: int
    calmed: Estimate
    raw: Estimate
    other: Estimate
    crying: Estimate
    median_s: Estimate
    best: float
    here: Estimate | None
    curve: tuple[HelpPoint, ...]


@dataclass(frozen=True, slots=True)
class Helps:
    """What helps this baby.

    Parameters
    ----------
    horizon_s : float [s]
    least : int
        Tries below which an attempt is not ranked.
    trials, episodes : int
        Tries in all, and cries in which there were any.
    left_out : int
        Attempts of which nothing can be told: noted for a cry whose end nobody
        heard, or before it began.
    noted_after : int
        Tries that were noted when it was calm already.
    overall : Estimate
        Share of all tries that was calm within five minutes.
    where : str
        The circumstances that were asked for, in words; empty if none were.
    ranked : tuple of Help
        Tried often enough, best first.
    not_yet : tuple of Help
        Tried less often: not yet known.
    known : bool
        Whether anything is ranked.
    says : tuple of str
        What to print beside the list.
    """

    horizon_s: float
    least: int
    trials: int
    episodes: int
    left_out: int
    noted_after: int
    overall: Estimate
    where: str
    ranked: tuple[Help, ...]
    not_yet: tuple[Help, ...]
    known: bool
    says: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form.

        Returns
        -------
        dict
            Every field by name.
        """
        found = asdict(self)
        for name in ("ranked", "not_yet"):
            found[name] = [{**one, "curve": list(one["curve"])} for one in found[name]]
        return {**found, "says": list(self.says)}


@dataclass(frozen=True, slots=True)
class Try:
    """One try: what, for how long, and how it ended.

    Parameters
    ----------
    attempt : str
    at : datetime
        When it began, as far as is known.
    time_s : float, ≥ 0 [s]
        Until it ended; the longest it can have taken where it was noted afterwards.
    end : {0, 1, 2}
        0: nobody knows how it went on; 1: calm; 2: something else was tried.
    noted_after : bool
        It was noted when it was calm already.
    """

    attempt: str
    at: datetime
    time_s: float
    end: int
    noted_after: bool = False


def helps(
    record: Record,
    *,
    least: int = LEAST,
    hour: int | None = None,
    since_feed_s: float | None = None,
    since_sleep_s: float | None = None,
) -> Helps:
    """Rank what was tried by how often it was calm within five minutes.

    Parameters
    ----------
    record : Record
    least : int, ≥ 1
        Tries below which an attempt is not ranked.
    hour : int, 0 to 23, optional
        Also give it for this hour of the day, two hours earlier to two later.
    since_feed_s : float, ≥ 0 [s], optional
        Also give it for this long after a feed.
    since_sleep_s : float, ≥ 0 [s], optional
        Also give it for this long after a sleep.

    Returns
    -------
    Helps
        With several circumstances, for tries that share all of them.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Source
    ------
    Shares by time: Aalen and Johansen, see `cumulative_incidence`. Pooling: the
    hierarchical beta-binomial model (A. Gelman and others, *Bayesian Data
    Analysis*, 3rd ed. 2013, section 5.3), summed over a grid. Attempt a helps in
    a share p of its tries, and p ~ Beta(m·s, (1 − m)·s), where the common share m
    may be anything and s, the tries that the common share counts as, is 8 within
    a factor of 5 or so (lognormal, assumed). In circumstances it helps in
    q ~ Beta(p·c, (1 − p)·c), with c from 4 to 128, learned.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from harken.journal import Journal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Journal.open(Path(folder.name) / "journal.sqlite") as journal:
    ...     helps(Record.of(journal)).known
    False
    >>> folder.cleanup()
    """
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        raise ParameterError(f"least={least!r} must be a whole number from 1")
    if hour is not None and (isinstance(hour, bool) or hour not in range(24)):
        raise ParameterError(f"hour={hour!r} must be a whole hour from 0 to 23")
    for name, value in (("since_feed_s", since_feed_s), ("since_sleep_s", since_sleep_s)):
        if value is not None and not 0 <= value < float("inf"):
            raise ParameterError(f"{name}={value!r} must be a number of seconds from 0")

    found, left_out, episodes = tries(record)
    by_attempt = {
        attempt: those
        for attempt in ATTEMPTS
        if (those := [one for one in found if one.attempt == attempt])
    }
    asked = _Asked(record, hour, since_feed_s, since_sleep_s)
    alike = {attempt: [asked.alike(one) for one in those] for attempt, those in by_attempt.items()}
    counts = {attempt: _count(those) for attempt, those in by_attempt.items()}
    pooled = dict(zip(counts, pool(list(counts.values())), strict=True))
    here: Mapping[str, NDArray[np.float64]] = {}
    if asked.where:
        here = dict(zip(by_attempt, _pool_here(by_attempt, alike), strict=True))
    ranked = [attempt for attempt in by_attempt if len(by_attempt[attempt]) >= least]
    shown = here or pooled
    best = dict(zip(ranked, _best([shown[attempt] for attempt in ranked]), strict=True))

    made = []
    for attempt, those in by_attempt.items():
        curves = _curves(those)
        n = len(those)
        made.append(
            Help(
                attempt=attempt,
                n=n,
                calmed=_summary(pooled[attempt], n),
                raw=_share_by(those, curves, _CALM),
                other=_share_by(those, curves, _OTHER),
                crying=_still(those, curves),
                median_s=curves[_CALM].quantile(0.5),
                best=best.get(attempt, 0.0),
                here=_summary(here[attempt], sum(alike[attempt])) if here else None,
                curve=_points(curves),
            )
        )
    made.sort(key=lambda one: (-((one.here or one.calmed).value or 0.0), -one.n, one.attempt))
    noted_after = sum(one.noted_after for one in found)
    there = tuple(one for one in made if one.n >= least)
    every = _share_by(found, _curves(found), _CALM) if found else unknown(unit="share")
    return Helps(
        horizon_s=HORIZON_S,
        least=least,
        trials=len(found),
        episodes=episodes,
        left_out=left_out,
        noted_after=noted_after,
        overall=every,
        where=asked.where,
        ranked=there,
        not_yet=tuple(one for one in made if one.n < least),
        known=bool(there),
        says=_says(there, least, len(found), noted_after),
    )


def circumstances(record: Record, at: datetime) -> dict[str, Any]:
    """Give the hour, the time since a feed and the time since a sleep, as `helps` takes them.

    Parameters
    ----------
    record : Record
    at : datetime
        With a zone.

    Returns
    -------
    dict
        ``hour``, ``since_feed_s`` and ``since_sleep_s``; None where none was
        written down in the 24 hours before: ``helps(record, **circumstances(record, at))``.

    Raises
    ------
    ParameterError
        If the time has no zone.
    """
    if at.tzinfo is None:
        raise ParameterError("at must have a zone")
    since = Since(record)
    return {
        "hour": record.local(at).hour,
        "since_feed_s": since.feed(at),
        "since_sleep_s": since.sleep(at),
    }


def tries(record: Record) -> tuple[list[Try], int, int]:
    """Give what was tried and how it ended.

    Parameters
    ----------
    record : Record

    Returns
    -------
    (list of Try, int, int)
        The tries; how many attempts could not be placed; in how many cries there
        were tries.
    """
    found: list[Try] = []
    left_out = episodes = 0
    for episode in record.episodes:
        if episode.drill or episode.false_alarm or not episode.soothing:
            continue
        of_it, lost = _tries_of(episode, record.now)
        found += of_it
        left_out += lost
        episodes += bool(of_it)
    return found, left_out, episodes


def _tries_of(episode: Episode, now: datetime) -> tuple[list[Try], int]:
    calm = episode.calm_at
    heard = max(
        max(bout.heard_until, now) if bout.end == "open" else bout.heard_until
        for bout in episode.bouts
        if bout.kept
    )
    end = heard if calm is None else calm
    during: list[tuple[datetime, dict[str, None]]] = []
    after: list[Soothing] = []
    for one in sorted(episode.soothing, key=lambda each: each.at):
        if one.at >= end:
            after.append(one)
            continue
        at = max(one.at, episode.onset)
        if during and one.attempt in during[-1][1]:
            continue
        if during and (at - during[-1][0]).total_seconds() <= TOGETHER_S:
            during[-1][1][one.attempt] = None
        else:
            during.append((at, {one.attempt: None}))

    told = during[-1][1] if during else {}
    noted = dict.fromkeys(one.attempt for one in after if one.attempt not in told)
    found = []
    for place, (at, attempts) in enumerate(during):
        last = place == len(during) - 1
        until = end if last else during[place + 1][0]
        how = _OTHER
        if last and calm is None:
            how = 0
        elif last and not noted:
            how = _CALM
        spent = max(0.0, (until - at).total_seconds())
        found += [Try(attempt, at, spent, how) for attempt in attempts]
    if calm is None:
        return found, len(after)
    # It began between the arrival and the calm: it counts with the longest it can have taken.
    first = episode.first_response
    begin = episode.onset if first is None else min(max(episode.onset, first.at), calm)
    begin = max([begin, *(at for at, _ in during)])
    spent = (calm - begin).total_seconds()
    found += [Try(attempt, begin, spent, _CALM, noted_after=True) for attempt in noted]
    return found, 0


class _Asked:
    """The circumstances that were asked for, and whether a try had them."""

    def __init__(
        self,
        record: Record,
        hour: int | None,
        since_feed_s: float | None,
        since_sleep_s: float | None,
    ) -> None:
        self._record, self._hour = record, hour
        self._feed = band_of(since_feed_s, FEED_BANDS_H)
        self._awake = band_of(since_sleep_s, AWAKE_BANDS_H)
        words = []
        if hour is not None:
            words.append(f"around {hour} o’clock")
        if self._feed is not None:
            words.append(f"{band_words(self._feed, FEED_BANDS_H)} after a feed")
        if self._awake is not None:
            words.append(f"{band_words(self._awake, AWAKE_BANDS_H)} after a sleep")
        self.where = ", ".join(words)
        self._since = Since(record) if self._feed is not None or self._awake is not None else None

    def alike(self, one: Try) -> bool:
        if self._hour is not None and not near_hour(self._record.local(one.at).hour, self._hour):
            return False
        if self._since is None:
            return True
        if self._feed is not None and band_of(self._since.feed(one.at), FEED_BANDS_H) != self._feed:
            return False
        return self._awake is None or (
            band_of(self._since.sleep(one.at), AWAKE_BANDS_H) == self._awake
        )


def _curves(those: Sequence[Try]) -> dict[int, Curve]:
    return cumulative_incidence([one.time_s for one in those], [one.end for one in those], kinds=2)


def _all_known(those: Sequence[Try]) -> bool:
    return all(one.end or one.time_s >= HORIZON_S for one in those)


def _ended(those: Sequence[Try], how: int) -> int:
    return sum(one.end == how and one.time_s <= HORIZON_S for one in those)


def _share_by(those: Sequence[Try], curves: Mapping[int, Curve], how: int) -> Estimate:
    """Give the share that has ended so by the horizon: counted where all is known."""
    if _all_known(those):
        return share(_ended(those, how), len(those))
    return curves[how].by(min(HORIZON_S, curves[how].times[-1]))


def _still(those: Sequence[Try], curves: Mapping[int, Curve]) -> Estimate:
    if _all_known(those):
        gone = _ended(those, _CALM) + _ended(those, _OTHER)
        return share(len(those) - gone, len(those))
    shares = [_share_by(those, curves, how).value or 0.0 for how in (_CALM, _OTHER)]
    return Estimate(
        max(0.0, 1 - sum(shares)), None, None, len(those), unit="share", how="Aalen–Johansen"
    )


def _count(those: Sequence[Try]) -> tuple[float, float]:
    """Give successes and tries that say as much as these do, unknown ends among them."""
    if not those:
        return 0.0, 0.0
    known = sum(bool(one.end) or one.time_s >= HORIZON_S for one in those)
    value = _share_by(those, _curves(those), _CALM).value or 0.0
    return value * known, float(known)


def _points(curves: Mapping[int, Curve]) -> tuple[HelpPoint, ...]:
    found = []
    for at in _POINTS_S:
        calmed, other = (
            one.values[bisect_right(one.times, at) - 1] for one in (curves[_CALM], curves[_OTHER])
        )
        found.append(HelpPoint(float(at), calmed, other, max(0.0, 1 - calmed - other)))
    return tuple(found)


def _shares() -> NDArray[np.float64]:
    """Give the middles of the steps of the grid of shares."""
    return (np.arange(_STEPS) + 0.5) / _STEPS


@cache
def _prior() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the weight of each (common share, tries that it counts as), and its law of shares."""
    common = np.linspace(0.025, 0.975, 39)
    strength = np.exp(np.linspace(np.log(2), np.log(200), 13))
    weight = np.exp(-((np.log(strength / _TYPICAL_TRIES) / _FACTOR) ** 2) / 2)
    weights = np.tile(weight / weight.sum() / len(common), len(common))
    laws = _beta(np.repeat(common, len(strength))[:, None], np.tile(strength, len(common))[:, None])
    return np.log(weights), laws


@cache
def _contexts() -> tuple[NDArray[np.float64], ...]:
    """Give, for each strength, the law of the share in circumstances, by that in all of them."""
    return tuple(_beta(_shares()[:, None], one) for one in _CONTEXT_TRIES)


def _beta(mean: NDArray[np.float64], strength: NDArray[np.float64] | float) -> NDArray[np.float64]:
    shares = _shares()
    log = (mean * strength - 1) * np.log(shares) + ((1 - mean) * strength - 1) * np.log1p(-shares)
    law = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(law / law.sum(axis=1, keepdims=True))


def _likelihood(successes: float, tried: float) -> NDArray[np.float64]:
    shares = _shares()
    log = successes * np.log(shares) + (tried - successes) * np.log1p(-shares)
    return np.asarray(np.exp(log - log.max()))


def pool(counts: Sequence[tuple[float, float]]) -> list[NDArray[np.float64]]:
    """Give what is known of each share, when they are thought to be of one kind.

    Parameters
    ----------
    counts : sequence of (float, float)
        Successes and tries.

    Returns
    -------
    list of float64[200]
        For each, the probability that its share lies in each 200th of 0 to 1.

    Examples
    --------
    >>> lucky, steady = pool([(3, 3), (40, 50)])
    >>> middles = (np.arange(200) + 0.5) / 200
    >>> bool(lucky @ middles < steady @ middles + 0.1)
    True
    """
    if not counts:
        return []
    log_weights, laws = _prior()
    likely = np.stack([_likelihood(*one) for one in counts])
    evidence = likely @ laws.T
    logs = log_weights + np.log(np.maximum(evidence, 1e-300)).sum(axis=0)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    found = []
    for one, given in zip(likely, evidence, strict=True):
        known = one * ((weights / np.maximum(given, 1e-300)) @ laws)
        found.append(known / known.sum())
    return found


def _pool_here(
    by_attempt: Mapping[str, Sequence[Try]], alike: Mapping[str, Sequence[bool]]
) -> list[NDArray[np.float64]]:
    """Give what is known of each share in circumstances: it starts from that in all of them."""
    if not by_attempt:
        return []
    log_weights, laws = _prior()
    outside, inside = [], []
    for attempt, those in by_attempt.items():
        pairs = list(zip(those, alike[attempt], strict=True))
        outside.append(_likelihood(*_count([one for one, like in pairs if not like])))
        inside.append(_likelihood(*_count([one for one, like in pairs if like])))
    effective = [
        [away * (law @ near) for away, near in zip(outside, inside, strict=True)]
        for law in _contexts()
    ]
    evidence = np.stack([np.stack(one) @ laws.T for one in effective])
    logs = log_weights + np.log(np.maximum(evidence, 1e-300)).sum(axis=1)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    found = []
    for place, (away, near) in enumerate(zip(outside, inside, strict=True)):
        known = np.zeros(_STEPS)
        for strength, law in enumerate(_contexts()):
            given = np.maximum(evidence[strength, place], 1e-300)
            known += near * ((((weights[strength] / given) @ laws) * away) @ law)
        found.append(known / known.sum())
    return found


def _summary(known: NDArray[np.float64], n: int, level: float = 0.95) -> Estimate:
    edges = np.arange(_STEPS + 1) / _STEPS
    sums = np.concatenate([[0.0], np.cumsum(known)])
    low, high = np.interp([(1 - level) / 2, (1 + level) / 2], sums, edges)
    return Estimate(
        float(known @ _shares()),
        float(low),
        float(high),
        n,
        unit="share",
        level=level,
        how="partially pooled over what was tried; credible interval",
    )


def _best(known: Sequence[NDArray[np.float64]]) -> list[float]:
    """Give the chance of each to be the largest, as if they were known apart from each other."""
    if not known:
        return []
    below = [np.cumsum(one) - one / 2 for one in known]
    chances = []
    for place, one in enumerate(known):
        others = [each for number, each in enumerate(below) if number != place]
        chances.append(float(one @ np.prod(others, axis=0)) if others else 1.0)
    return [one / sum(chances) for one in chances]


def _says(ranked: Sequence[Help], least: int, trials: int, noted_after: int) -> tuple[str, ...]:
    if not ranked:
        return (
            f"Not yet known: nothing was tried {least} times yet. Tap what you try, also what "
            "does not help.",
        )
    says = [
        "This is what followed, and not what caused it: an infant may calm by itself, and people "
        "try first what they expect to work.",
        "Each attempt starts from what all of them have in common here, so a few lucky tries do "
        "not win.",
    ]
    if noted_after:
        says.append(
            f"{noted_after} of {trials} tries were noted when it was calm already. People note "
            "what worked, so such shares are rather too high."
        )
    return tuple(says)
