"""One infant, its caregivers and one policy, as a discrete-event model on SimPy.

**Distress** is hidden and **crying** can be heard; they are two variables.
Distress arises from needs (hunger, a wet nappy, tiredness, pain, being alone),
whose hazards depend on age, hour and the time since care. Whether and how long
the infant cries about it depends on what it has learned: the chance that
crying brings help. Where nobody comes, that chance falls and crying with it.
Two explanations of that are switches: *gives up* (distress stays) and *learns
to settle* (distress goes too). They change nothing that can be heard.

Next times are drawn and not stepped to: an infant wakes at candidate times that
come at the highest rate its needs can have, and most of them turn out to be
nothing. What is hidden is drawn from numbers of its own, so that it cannot
change what can be heard.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np

from harken.errors import HarkenError, ParameterError
from harken.simulate.history import DAY_S, Care, Change, Day, Explanation, History, Spell
from harken.simulate.parameters import NEEDS, Parameters
from harken.simulate.policy import Policy, policy

_OTHERS = ("hold", "carry", "rock", "feed", "nappy", "pat", "voice", "song", "swaddle")
_GAP_S = 75.0
"""Least quiet after a spell: with less, one need would count as two."""


def simulate_dyad(
    answering: Policy | str = "usual",
    *,
    weeks: float = 8.0,
    seed: int | Sequence[int] = 0,
    age_weeks: float = 2.0,
    changes: Iterable[Change] = (),
    explanation: Explanation | None = None,
    parameters: Parameters | None = None,
    start_hour: float = 7.0,
    keep: bool = True,
) -> History:
    """Simulate one infant and its caregivers.

    Parameters
    ----------
    answering : Policy or str
        How crying is answered, or the name of a policy.
    weeks : float, above 0 to 104
    seed : int or sequence of int, ≥ 0
        The same gives the same history on any machine.
    age_weeks : float, 0 to 104
        At the start.
    changes : iterable of Change
        Of routine, in any order.
    explanation : Explanation, optional
        By default both: nobody knows which holds.
    parameters : Parameters, optional
    start_hour : float, 0 to below 24
        Hour of the day at which the history, and each of its days, starts.
    keep : bool
        Keep spells and care; without, only days, for thousands of infants.

    Returns
    -------
    History

    Raises
    ------
    ParameterError
        If an argument is out of its range or a policy unknown.
    HarkenError
        If SimPy is not installed.

    Examples
    --------
    >>> history = simulate_dyad("prompt", weeks=1, seed=1)
    >>> len(history.days)
    7
    >>> all(cry.answered is not None or cry.offset > cry.onset for cry in history.cries)
    True
    """
    first = policy(answering) if isinstance(answering, str) else answering
    _check(weeks, age_weeks, start_hour)
    entropy = _seed(seed)
    turns = [(0.0, first, "")]
    for change in sorted(changes, key=lambda one: one.week):
        if not 0 <= change.week <= weeks:
            raise ParameterError(f"change: week={change.week!r} must be from 0 to {weeks:g}")
        new = change.policy
        # Days are lived by one routine: a change holds from the first morning on.
        at = math.ceil(change.week * 7 - 1e-9) * DAY_S
        turns.append((at, policy(new) if isinstance(new, str) else new, change.says))
    model = _Model(
        turns,
        weeks=weeks,
        seed=entropy,
        age_weeks=age_weeks,
        explanation=explanation or Explanation(),
        parameters=parameters or Parameters(),
        start_hour=start_hour,
        keep=keep,
    )
    model.run()
    return History(
        spells=tuple(model.spells),
        care=tuple(sorted(model.care, key=lambda one: one.at)),
        days=tuple(model.days),
        weeks=weeks,
        age_weeks=age_weeks,
        start_hour=start_hour,
        seed=entropy,
        policies=tuple((at, one) for at, one, _ in turns),
        says=tuple((at, says) for at, _, says in turns if says),
    )


def _check(weeks: float, age_weeks: float, start_hour: float) -> None:
    for name, value, least, most in (
        ("weeks", weeks, 0.0, 104.0),
        ("age_weeks", age_weeks, 0.0, 104.0),
        ("start_hour", start_hour, 0.0, 24.0),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{name}={value!r} is not a number")
        if not least <= value <= most or (name == "weeks" and value == 0):
            raise ParameterError(f"{name}={value:g} must be from {least:g} to {most:g}")
        if name == "start_hour" and value == 24:
            raise ParameterError("start_hour=24 must be below 24")


def _seed(seed: int | Sequence[int]) -> tuple[int, ...]:
    made = (seed,) if isinstance(seed, int | np.integer) else tuple(seed)
    if not made or any(
        isinstance(one, bool) or not isinstance(one, int | np.integer) or one < 0 for one in made
    ):
        raise ParameterError(f"seed={seed!r} must be a whole number of 0 or more")
    return tuple(int(one) for one in made)


def _uniforms(rng: np.random.Generator) -> Callable[[], float]:
    """Give numbers from 0 to below 1, drawn many at a time."""

    def endless() -> Iterator[float]:
        while True:
            yield from rng.random(2048).tolist()

    return endless().__next__


def draws(seed: Sequence[int], stream: int) -> Callable[[], float]:
    """Give one of the streams of random numbers of a seed.

    Parameters
    ----------
    seed : sequence of int
    stream : int
        0: what happens; 1: what is hidden; 2 and above: what is told of it.

    Returns
    -------
    callable
        Gives a number from 0 to below 1 at each call.

    Examples
    --------
    >>> draws((1,), 0)() == draws((1,), 0)()
    True
    """
    sequence = np.random.SeedSequence([*seed, stream])
    return _uniforms(np.random.Generator(np.random.PCG64(sequence)))


_normal = NormalDist().inv_cdf


def _between(value: float) -> float:
    """Keep a uniform number off 0, where a normal one would be −∞."""
    return value if value > 1e-12 else 1e-12


def straight(at: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Give the value at a place between points that straight lines join; flat outside.

    Parameters
    ----------
    at : float
    xs, ys : sequence of float, of one length
        `xs` rises.

    Returns
    -------
    float

    Examples
    --------
    >>> straight(1.5, [1, 2], [10, 20])
    15.0
    """
    k = bisect_right(xs, at)
    if k == 0:
        return float(ys[0])
    if k == len(xs):
        return float(ys[-1])
    part = (at - xs[k - 1]) / (xs[k] - xs[k - 1])
    return float(ys[k - 1] + part * (ys[k] - ys[k - 1]))


class _Model:
    """The infant and its caregivers while they live; one SimPy process each."""

    def __init__(
        self,
        turns: list[tuple[float, Policy, str]],
        *,
        weeks: float,
        seed: tuple[int, ...],
        age_weeks: float,
        explanation: Explanation,
        parameters: Parameters,
        start_hour: float,
        keep: bool,
    ) -> None:
        try:
            import simpy
        except ImportError:
            raise HarkenError(
                "the infant–caregiver model needs SimPy: pip install 'harken[simulate]'"
            ) from None
        self.env = simpy.Environment()
        self.end = weeks * 7 * DAY_S
        self.turns, self.keep = turns, keep
        self.explanation = explanation
        self.u = draws(seed, 0)
        self.hidden = draws(seed, 1)
        self.p = parameters
        self.age0 = age_weeks
        self.start_hour = start_hour
        self.spells: list[Spell] = []
        self.care: list[Care] = []
        self.days: list[Day] = []
        self._read(parameters)
        self._begin()

    def _read(self, p: Parameters) -> None:
        """Take from the parameters what is looked up at every turn."""
        night_from, night_to = p["infant.night"]
        self.is_night = [_within(hour, night_from, night_to) for hour in range(24)]
        sleep_from, sleep_to = p["caregiver.sleeps"]
        self.they_sleep = [_within(hour, sleep_from, sleep_to) for hour in range(24)]
        hours = p["infant.hours"]
        mean = sum(hours) / 24
        self.by_hour = [hour / mean for hour in hours]
        longer = p["crying.hours_longer"]
        self.longer = [hour**longer for hour in self.by_hour]
        self.lasts = [float(p["crying.lasts_s"][need]) for need in NEEDS]
        self.least_cries = [float(p["learning.least_cries"][need]) for need in NEEDS]
        self.seen = [float(p["hazard.seen_coming"][need]) for need in NEEDS]
        asleep = p["hazard.asleep"]
        self.a_hunger, self.a_wet = asleep["hunger"], asleep["wet"]
        self.a_pain, self.a_alone = asleep["pain"], asleep["alone"]
        self.loud = [float(p["crying.loud"][need]) for need in NEEDS]
        self.calms = [p["soothing.calms_s"][need] for need in NEEDS]
        self.else_s = float(p["soothing.else_s"])
        self.try_s = float(p["soothing.try_s"])
        self.harder = float(p["soothing.harder"])
        self.louder = p["crying.louder"]
        self.shortest = p["crying.shortest_s"]
        self.longest = max(p["crying.longest_s"], self.shortest)
        self.steepest = p["hazard.steepest"]
        self.wet_gap_s = p["hazard.wet_gap_h"] * 3600
        self.rota_s = p["hazard.rota_h"] * 3600
        self.enough, self.reach = p["learning.enough"], p["learning.reach"]
        self.least_lasts, self.least_reach = p["learning.least_lasts"], p["learning.least_reach"]
        self.rate, self.slow = p["learning.rate"], p["learning.slow_rate"]
        self.fades_s = p["learning.help_fades_s"]
        self.in_arms_s = p["carrying.in_arms_s"]
        self.in_arms = p["carrying.in_arms"]
        self.skill = p["caregiver.skill"]

    def _begin(self) -> None:
        """Draw what this infant is like, and how the first day starts."""
        p, u = self.p, self.u
        spread = p["infant.spread"]
        # A mean of 1 over infants, whatever the spread.
        self.fussy = math.exp(spread * _normal(_between(u())) - spread * spread / 2)
        likes = p["infant.likes"]
        self.likes = {one: math.exp(likes * _normal(_between(u()))) for one in _OTHERS}
        self.fed = -1800.0 * u()
        self.changed = -3600.0 * u()
        self.woke = 0.0
        self.asleep_until = -1.0
        self.slept_from = -1.0
        self.busy_until = 0.0
        self.carried_until = -1.0
        start = p["learning.start"]
        self.expects = [start, start]
        self.reaches = start
        self.fatigue = [0.0, 0.0]
        self.fatigue_at = 0.0
        self.turn = 0
        self.policy = self.turns[0][1]
        self.on_night = 0
        self.quiet: tuple[float, float, int, int] | None = None
        self._tally()

    def _tally(self) -> None:
        """Begin a new day's sums."""
        self.bouts = self.answered = self.feeds = self.nappies = 0
        self.crying = self.evening = self.no_contact = 0.0
        self.distress = self.silent = self.alone = 0.0
        self.alone_cried = 0.0
        self.carried = self.slept = 0.0

    def run(self) -> None:
        """Let them live until the end."""
        self._morning(0.0)
        self.env.process(self._household())
        self.env.process(self._infant())
        self.env.run(until=self.end)
        if self.asleep_until > self.end - 1e-6 and self.slept_from >= 0:
            self._sleep_ends(self.end)
        if len(self.days) * DAY_S < self.end - 1e-6:
            self._evening()

    # The days.

    def _household(self) -> Generator[Any, Any, None]:
        """Go through the days: carrying, duty, fatigue, changes of routine."""
        env = self.env
        day = 0
        while True:
            begin = day * DAY_S
            for since, until in self.blocks:
                if since > env.now:
                    yield env.timeout(since - env.now)
                self._carry(until)
            if begin + DAY_S > env.now:
                yield env.timeout(begin + DAY_S - env.now)
            self._evening()
            day += 1
            self._morning(env.now)

    def _morning(self, now: float) -> None:
        """Set what depends on the day: age, policy, carrying, who has duty."""
        p, u = self.p, self.u
        while self.turn + 1 < len(self.turns) and self.turns[self.turn + 1][0] <= now + 1.0:
            self.turn += 1
            self.policy = self.turns[self.turn][1]
        weeks = self.age0 + now / (7 * DAY_S)
        self.weeks = weeks
        ages = p["age.weeks"]
        fussiness = straight(weeks, ages, p["age.fussiness"])
        spread = p["infant.day_spread"]
        today = self.fussy * math.exp(spread * _normal(_between(u())) - spread * spread / 2)
        power = p["crying.age_longer"]
        self.awake_s = straight(weeks, ages, p["age.awake_h"]) * 3600
        self.nap_s = straight(weeks, ages, p["age.nap_h"]) * 3600
        self.night_s = straight(weeks, ages, p["age.night_h"]) * 3600
        self.gap_s = straight(weeks, ages, p["age.feed_gap_h"]) * 3600
        usual = p["carrying.usual_h"]
        mean = self.policy.carried_h
        noise = p["carrying.day_spread_h"] * _normal(_between(u()))
        self.carried_today = max(0.0, min(20.0, mean + (noise if mean > 0 else 0.0)))
        self._lay_out(now)
        added = 1 - math.exp(-max(0.0, self.carried_today - usual) / p["carrying.half_h"])
        by_day = 1 - p["carrying.calmer"] * added
        by_evening = 1 - p["carrying.calmer_evening"] * added
        scale = today * fussiness**power
        # What carrying does shows out of arms above all: in them, it is there already.
        in_arms = 1 - p["carrying.calmer_in_arms"] * added
        self.scale = [
            scale * longer * (by_evening if hour >= 16 else by_day)
            for hour, longer in enumerate(self.longer)
        ]
        self.in_arms_scale = [scale * longer * in_arms for longer in self.longer]
        often = fussiness ** (1 - power)
        pain = p["hazard.pain_per_day"] / DAY_S * often * (1 - p["carrying.less_pain"] * added)
        alone = p["hazard.alone_per_day"] / DAY_S * often
        self.pain = [pain * hour for hour in self.by_hour]
        self.lonely = [alone * hour for hour in self.by_hour]
        steepest = self.steepest
        self.hungry = 1 / self.gap_s
        self.tired = 1 / self.awake_s
        self.wet = 1 / self.wet_gap_s
        rest = (self.hungry + self.tired + self.wet) * steepest
        self.highest = [rest + a + b for a, b in zip(self.pain, self.lonely, strict=True)]
        share = p["caregiver.by_night"][0]
        self.on_night = 0 if u() < share else 1

    def _lay_out(self, now: float) -> None:
        """Spread the day's carrying over its waking hours."""
        u = self.u
        hours = self.carried_today
        count = max(1, min(12, round(hours / 0.75))) if hours > 0.05 else 0
        self.blocks: list[tuple[float, float]] = []
        if not count:
            return
        length = hours * 3600 / count
        slot = DAY_S / count if hours > 9 else 15 * 3600 / count
        room = max(0.0, slot - length)
        for k in range(count):
            since = now + k * slot + room * u()
            self.blocks.append((since, since + min(length, slot)))

    def _carry(self, until: float) -> None:
        now = self.env.now
        until = min(until, self.end)
        if until - now < 60:
            return
        self.carried_until = until
        self.carried += until - now
        if self.keep:
            who = self._who(now)[0]
            self.care.append(Care("carry", now, until, who))

    def _evening(self) -> None:
        """Write down the day that ends."""
        p = self.p
        self._pass_quiet(self.env.now, over=False)
        alone_min = self.alone / 60
        if alone_min >= p["separation.least_min"]:
            loud = self.alone_cried >= p["separation.protest"] * self.alone
            state = "protest" if loud else "despair"
        elif self.reaches < p["separation.detached"]:
            state = "detachment"
        else:
            state = "calm"
        self.days.append(
            Day(
                len(self.days),
                round(self.age0 + len(self.days) / 7, 4),
                self.policy.name,
                self.bouts,
                self.answered,
                self.crying / 60,
                self.evening / 60,
                self.no_contact / 60,
                self.distress / 60,
                self.silent / 60,
                alone_min,
                self.carried / 3600,
                self.slept / 3600,
                self.feeds,
                self.nappies,
                self.expects[0],
                self.expects[1],
                self.reaches,
                state,
            )
        )
        self._tally()

    # The infant.

    def _infant(self) -> Generator[Any, Any, None]:
        """Live: at each candidate time see which need, if any, has arisen."""
        env, u, log = self.env, self.u, math.log
        timeout = env.timeout
        start_s = self.start_hour * 3600
        while True:
            now = env.now
            clock = start_s + now
            hour = int(clock // 3600 % 24)
            highest = self.highest[hour]
            gap = -log(1.0 - u()) / highest
            left = 3600.0 - clock % 3600.0
            if self.busy_until > now:
                # In somebody's hands: nothing arises until they are done.
                yield timeout(self.busy_until - now)
                continue
            if gap >= left:
                yield timeout(left)
                continue
            yield timeout(gap)
            now += gap
            if self.busy_until > now:
                continue
            need = self._arisen(now, hour, u() * highest)
            if need >= 0:
                yield from self._felt(need, now, hour)

    def _arisen(self, now: float, hour: int, at: float) -> int:
        """Say which need has arisen, by its share of the highest hazard; −1: none."""
        asleep = self.asleep_until > now
        if not asleep and self.slept_from >= 0:
            self._sleep_ends(self.asleep_until)
        steepest = self.steepest
        since = (now - self.fed) / self.gap_s
        if since * self.gap_s >= self.rota_s:
            self._feed(now)
            return -1
        hazard = self.hungry * min(steepest, since * since * since)
        if asleep:
            hazard *= self.a_hunger
        at -= hazard
        if at < 0:
            return 0
        hazard = self.wet * min(steepest, (now - self.changed) / self.wet_gap_s)
        if asleep:
            hazard *= self.a_wet
        at -= hazard
        if at < 0:
            return 1
        if not asleep:
            since = (now - self.woke) / self.awake_s
            if self.is_night[hour]:
                since *= 2.0
            at -= self.tired * min(steepest, since * since)
            if at < 0:
                return 2
        hazard = self.pain[hour]
        if asleep:
            hazard *= self.a_pain
        at -= hazard
        if at < 0:
            return 3
        hazard = self.lonely[hour]
        if self.carried_until > now:
            hazard *= self.in_arms
        if asleep:
            hazard *= self.a_alone
        if self.explanation.learns and self.reaches < self.reach:
            least = self.least_reach
            hazard *= least + (1 - least) * self.reaches / self.reach
        return 4 if at < hazard else -1

    def _felt(self, need: int, now: float, hour: int) -> Generator[Any, Any, None]:
        """Meet a need before it is felt, or let the infant be distressed, and cry or not."""
        u = self.u
        in_arms = self.carried_until > now
        if u() < self.seen[need] * self.policy.sees:
            self._met(need, now, None)
            return
        if self.asleep_until > now:
            self._sleep_ends(now)
        # One distress at a time: a new one takes the place of what was left of another.
        self._pass_quiet(now, over=True)
        night = self.is_night[hour]
        hope = 1.0
        if self.explanation.learns:
            hope = min(1.0, self.expects[night] / self.enough)
        least = self.least_cries[need]
        cries = u() < least + (1 - least) * hope
        scale = (self.in_arms_scale if in_arms else self.scale)[hour]
        lasts = self.lasts[need] * scale * -0.5 * math.log((1 - u()) * (1 - u()))
        lasts = min(max(lasts, self.shortest), self.longest)
        least = self.least_lasts
        cried = lasts * (least + (1 - least) * hope)
        if cried < self.shortest:
            cried = self.shortest
        if not cries:
            if self.explanation.learns:
                # A cry that is not tried teaches nothing of crying, but nobody came all the same.
                self.reaches -= self.slow * self.reaches
            self._count_hidden(need, now, now, lasts, heard=False)
            self.busy_until = now + _GAP_S
            return
        yield from self._cry(need, now, hour, lasts, cried, in_arms, scale)

    def _cry(
        self,
        need: int,
        now: float,
        hour: int,
        lasts: float,
        cried: float,
        in_arms: bool,
        scale: float,
    ) -> Generator[Any, Any, None]:
        """Cry until somebody calms it, or until it stops by itself."""
        env = self.env
        night = self.is_night[hour]
        visits: tuple[float, ...] = ()
        attempts: list[tuple[float, str]] = []
        manner, calmed = "", False
        latency, who, slept = self._answer(now, hour, night, in_arms)
        answered = latency
        checks = self.policy.checks_s
        if checks and (night or not self.policy.night_only):
            length, answered, visits, calmed = self._visited(cried, checks, latency)
            manner = "visit" if answered is not None else ""
            if calmed:
                attempts = [(now + answered_at, "pat") for answered_at in visits[-1:]]
            yield env.timeout(length)
        elif latency is None or latency >= cried:
            answered, length = None, cried
            yield env.timeout(length)
        else:
            manner = "arrived"
            yield env.timeout(latency)
            soothed = self._soothe(need, scale, latency, who, attempts)
            length = min(latency + soothed, max(lasts, latency + self.shortest))
            calmed = length < lasts
            attempts = [one for one in attempts if one[0] < now + length]
            yield env.timeout(length - latency)
        offset = now + length
        intensity = min(1.0, self.loud[need] + self.louder * (answered or length) / 300)
        self._learn(night, answered, manner)
        self._count_cry(now, offset, answered, in_arms, hour)
        until = offset
        if answered is None:
            until = self._count_hidden(need, now, offset, lasts, heard=True)
        else:
            self.distress += length
            if need == 4:
                self.alone += min(length, answered)
                self.alone_cried += min(length, answered)
        came = manner == "arrived"
        if answered is not None and night:
            self._tire(who, now)
        if self.keep:
            self.spells.append(
                Spell(
                    NEEDS[need],
                    now,
                    until,
                    now,
                    offset,
                    None if answered is None else now + answered,
                    manner,
                    who if answered is not None else None,
                    tuple(attempts),
                    tuple(now + one for one in visits),
                    intensity,
                    night,
                    in_arms,
                    slept and answered is not None,
                    calmed,
                )
            )
        self.busy_until = offset + _GAP_S
        if came:
            self._met(need, offset, who)
        elif calmed and need == 2:
            self._fall_asleep(offset, hour)

    def _count_hidden(
        self, need: int, since: float, offset: float, lasts: float, *, heard: bool
    ) -> float:
        """Say until when distress lasts that nobody came to, by the explanation that holds."""
        until = since + lasts
        explanation = self.explanation
        if not explanation.learns:
            settles = False
        elif explanation.gives_up and explanation.learns_to_settle:
            settles = self.hidden() < self.p["learning.mixed"]
        else:
            settles = explanation.learns_to_settle
        if settles or until < offset:
            until = offset
        until = min(until, self.end)
        self.distress += offset - since
        if need == 4:
            self.alone += offset - since
            self.alone_cried += offset - since
        if until > offset:
            # Where its spell will stand in the list, so that what ends it early can say so.
            self.quiet = (offset, until, need, len(self.spells))
        if not heard and self.keep and until > since:
            night = self.is_night[int((self.start_hour + since / 3600) % 24)]
            self.spells.append(
                Spell(
                    NEEDS[need], since, until, since, since, None, "", None, (), (), 0.0,
                    night, False, False, False,
                )
            )  # fmt: skip
        return until

    def _pass_quiet(self, now: float, *, over: bool) -> None:
        """Count silent distress up to now; where it is over, end it."""
        if self.quiet is None:
            return
        since, until, need, index = self.quiet
        end = min(until, now)
        if end > since:
            self.distress += end - since
            self.silent += end - since
            if need == 4:
                self.alone += end - since
        if over and end < until and self.keep:
            self.spells[index] = self.spells[index]._replace(until=end)
        self.quiet = None if over or end >= until else (end, until, need, index)

    def _count_cry(
        self, onset: float, offset: float, answered: float | None, in_arms: bool, hour: int
    ) -> None:
        length = offset - onset
        self.bouts += 1
        self.crying += length
        if hour >= 16:
            self.evening += length
        if answered is not None:
            self.answered += 1
        if not in_arms:
            self.no_contact += length if answered is None else min(length, answered)

    def _learn(self, night: bool, answered: float | None, manner: str) -> None:
        """Move what it expects towards what crying has brought."""
        if not self.explanation.learns:
            return
        help_ = 0.0
        if answered is not None:
            help_ = math.exp(-answered / self.fades_s)
            if manner == "visit":
                help_ *= self.p["learning.visit_counts"]
        self.expects[night] += self.rate * (help_ - self.expects[night])
        self.reaches += self.slow * (help_ - self.reaches)

    # What is done.

    def _met(self, need: int, now: float, who: int | None) -> None:
        """Let a need be met at some time: fed, changed, asleep, carried."""
        if self.quiet is not None and self.quiet[2] == need:
            self._pass_quiet(now, over=True)
        if need == 0:
            self._feed(now, who)
        elif need == 1:
            self._change(now, who)
        elif need == 2:
            if who is None or self.u() < self.p["infant.most_sleep"]:
                hour = int((self.start_hour + now / 3600) % 24)
                self._fall_asleep(now, hour)
        elif who is not None:
            self.busy_until = max(self.busy_until, now + 300.0)

    def _feed(self, now: float, who: int | None = None) -> None:
        asleep = self.asleep_until > now
        if asleep:
            self._sleep_ends(now)
        lasts = 720.0 + 900.0 * self.u()
        if self.quiet is not None and self.quiet[2] == 0:
            self._pass_quiet(now, over=True)
        self.fed = now + lasts
        self.busy_until = max(self.busy_until, now + lasts)
        self.feeds += 1
        if self.keep:
            self._add("feed", now, now + lasts, who)
        if now + lasts - self.changed > self.rota_s:
            self._change(now + lasts, who)
        hour = int((self.start_hour + now / 3600) % 24)
        if self.is_night[hour] and self.u() < 0.75:
            self._fall_asleep(now + lasts, hour)

    def _change(self, now: float, who: int | None = None) -> None:
        self.changed = now
        self.nappies += 1
        self.busy_until = max(self.busy_until, now + 180.0)
        if self.keep:
            self._add("nappy", now, now, who)

    def _add(self, what: str, at: float, until: float, who: int | None) -> None:
        if at < self.end:
            known = self._who(at)[0] if who is None else who
            self.care.append(Care(what, at, min(until, self.end), known))

    def _fall_asleep(self, now: float, hour: int) -> None:
        if self.slept_from >= 0:
            self._sleep_ends(min(now, self.asleep_until))
        mean = self.night_s if self.is_night[hour] else self.nap_s
        u = self.u
        lasts = mean * (0.35 - 0.325 * math.log((1 - u()) * (1 - u())))
        self.slept_from = now
        self.asleep_until = now + min(lasts, 11 * 3600.0)

    def _sleep_ends(self, at: float) -> None:
        since = self.slept_from
        if since < 0:
            return
        at = max(min(at, self.end), since)
        self.slept += at - since
        self.woke = at
        if self.keep and at - since >= 300:
            self._add("sleep", since, at, None)
        self.slept_from = self.asleep_until = -1.0

    # The caregivers.

    def _who(self, now: float) -> tuple[int, bool]:
        """Say who has duty, and whether they sleep."""
        hour = int((self.start_hour + now / 3600) % 24)
        if self.is_night[hour]:
            return self.on_night, self.they_sleep[hour]
        # By day duty goes in blocks of two hours, the same for whoever asks.
        block = int(now // 7200)
        share = (block * 0.6180339887498949) % 1.0
        return (0 if share < self.p["caregiver.by_day"][0] else 1), False

    def _rested(self, who: int, now: float) -> float:
        """Give somebody's fatigue now, 0 to 1."""
        passed = now - self.fatigue_at
        if passed > 0:
            left = 0.5 ** (passed / 3600 / self.p["caregiver.rests_h"])
            self.fatigue = [one * left for one in self.fatigue]
            self.fatigue_at = now
        return self.fatigue[who]

    def _tire(self, who: int, now: float) -> None:
        self.fatigue[who] = min(1.0, self._rested(who, now) + self.p["caregiver.tires"])

    def _answer(
        self, now: float, hour: int, night: bool, in_arms: bool
    ) -> tuple[float | None, int, bool]:
        """Say after how long somebody would come, who, and whether they slept; None: nobody."""
        u, rule = self.u, self.policy
        who, sleeps = self._who(now)
        intends = u() < rule.answers
        z = _normal(_between(u()))
        by_rule = night or not rule.night_only
        measured = rule.night if night else rule.day
        if measured is not None:
            return measured.draw(u()), who, sleeps
        if in_arms and rule.in_arms and rule.answers > 0:
            return self.in_arms_s * math.exp(0.5 * z), who, False
        if not intends and by_rule:
            last = rule.at_last_s
            return None if last is None else last * math.exp(0.35 * z), who, sleeps
        if rule.latency_s is not None and by_rule:
            return rule.wait_s + rule.latency_s * math.exp(rule.spread * z), who, sleeps
        p = self.p
        tired = self._rested(who, now)
        late = 0.0
        if sleeps and u() < p["caregiver.sleeps_on"] * (1 + 2 * tired):
            who, late = 1 - who, p["caregiver.second_s"]
            tired = self._rested(who, now)
        median = p["caregiver.asleep_s" if sleeps else "caregiver.awake_s"][who]
        latency = late + median * (1 + p["caregiver.tired_slower"] * tired) * math.exp(
            p["caregiver.spread"] * z
        )
        if by_rule:
            latency += rule.wait_s
        return latency, who, sleeps

    def _visited(
        self, cried: float, checks: Sequence[float], latency: float | None
    ) -> tuple[float, float | None, tuple[float, ...], bool]:
        """Go through visits without picking up, until one calms it or it stops by itself."""
        walk = min(latency or 0.0, 60.0)
        at = 0.0
        visits: list[float] = []
        while True:
            at += checks[min(len(visits), len(checks) - 1)] + walk
            if at >= cried:
                return cried, (visits[0] if visits else None), tuple(visits), False
            visits.append(at)
            if self.u() < self.p["soothing.visit"]:
                return min(cried, at + 45.0), visits[0], tuple(visits), True

    def _soothe(
        self,
        need: int,
        scale: float,
        latency: float,
        who: int,
        attempts: list[tuple[float, str]],
    ) -> float:
        """Try one thing after another, and give the seconds until it is calm."""
        u = self.u
        begin = self.env.now
        calms = self.calms[need]
        skill = self.skill[who]
        tired = self.fatigue[who]
        if tired:
            skill *= 1 - self.p["caregiver.tired_clumsier"] * tired
        slower = scale * (1 + self.harder * min(latency, 1200.0) / 300)
        total = 0.0
        done: list[str] = []
        while True:
            fits = [one for one in calms if one not in done]
            if fits and u() < skill:
                # Mostly the best of what is left, as a parent learns it.
                fits.sort(key=lambda one: calms[one] * self.likes[one])
                attempt = fits[0] if u() < 0.7 else fits[int(u() * len(fits))]
            else:
                attempt = _OTHERS[int(u() * len(_OTHERS))]
            done.append(attempt)
            attempts.append((begin + total, attempt))
            mean = float(calms.get(attempt, self.else_s)) * self.likes[attempt] * slower
            calm = -mean * math.log(1 - u())
            last = len(done) >= 6
            tries = self.try_s * (0.6 + 0.8 * u())
            if calm < tries or last:
                return total + max(calm, 2.0)
            total += tries


def _within(hour: int, since: float, until: float) -> bool:
    if since <= until:
        return since <= hour < until
    return hour >= since or hour < until


def with_carrying(answering: Policy | str, hours: float) -> Policy:
    """Give a policy with another amount of carrying.

    Parameters
    ----------
    answering : Policy or str
    hours : float, 0 to 20 [h/day]

    Returns
    -------
    Policy

    Examples
    --------
    >>> with_carrying("usual", 4.4).carried_h
    4.4
    """
    first = policy(answering) if isinstance(answering, str) else answering
    return replace(first, carried_h=hours)
