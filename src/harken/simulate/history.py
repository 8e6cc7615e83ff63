"""What the infant–caregiver model gives: spells of distress, care and days, hidden things too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from harken.simulate.policy import Policy

DAY_S = 86_400.0

STATES = ("calm", "protest", "despair", "detachment")
"""What a day apart looks like; see `Day.state`."""


class Spell(NamedTuple):
    """A need that was not met before it was felt: what was hidden, heard and done about it.

    All times are seconds from the start of the history.

    Parameters
    ----------
    need : str
        One of `NEEDS`. Hidden.
    since, until : float
        The distress. Hidden.
    onset, offset : float
        The crying; equal where it did not cry.
    answered : float or None
        When somebody reached it, or spoke to it, while it cried.
    manner : str
        ``"arrived"``, ``"visit"`` (a plan's, without picking up) or empty.
    caregiver : int or None
        Who; index of the caregiver.
    attempts : tuple of (float, str)
        What was tried, and when.
    visits : tuple of float
        Visits by a plan, without picking up.
    intensity : float, 0 to 1
        Of the crying at its end.
    night : bool
    in_arms : bool
        It was carried when it began to cry.
    asleep : bool
        Whoever answered had slept.
    calmed : bool
        Calm came by what somebody did.
    """

    need: str
    since: float
    until: float
    onset: float
    offset: float
    answered: float | None
    manner: str
    caregiver: int | None
    attempts: tuple[tuple[float, str], ...]
    visits: tuple[float, ...]
    intensity: float
    night: bool
    in_arms: bool
    asleep: bool
    calmed: bool


class Care(NamedTuple):
    """Care that was given: ``what`` is feed, nappy, sleep or carry; times as in `Spell`."""

    what: str
    at: float
    until: float
    caregiver: int


class Day(NamedTuple):
    """One day of one infant, from its start in steps of 24 hours; the last may be shorter.

    Parameters
    ----------
    day : int
        From 0.
    age_weeks : float
    policy : str
    bouts : int
        Times it cried.
    answered : int
        … that somebody answered.
    crying_min, evening_min, no_contact_min : float [min]
        Crying; from 16 to 24 hours; with nobody there.
    distress_min, silent_min, alone_min : float [min]
        Hidden: distress; without crying; from being alone.
    carried_h, sleep_h : float [h]
    feeds, nappies : int
    expects_day, expects_night, reaches : float, 0 to 1
        Hidden: what it has learned, at the end of the day.
    state : str
        One of `STATES`.
    """

    day: int
    age_weeks: float
    policy: str
    bouts: int
    answered: int
    crying_min: float
    evening_min: float
    no_contact_min: float
    distress_min: float
    silent_min: float
    alone_min: float
    carried_h: float
    sleep_h: float
    feeds: int
    nappies: int
    expects_day: float
    expects_night: float
    reaches: float
    state: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of routine.

    Parameters
    ----------
    week : float, ≥ 0
        Weeks from the start; it holds from the first start of a day after.
    policy : Policy or str
        What holds from then on.
    says : str
        What a caregiver writes down about it.
    """

    week: float
    policy: Policy | str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why crying falls that brings nobody; the switches of the model.

    Parameters
    ----------
    gives_up : bool
        Crying falls and distress stays.
    learns_to_settle : bool
        Distress falls, and crying with it. With both, some quiet is this and some
        that; with neither, nothing is learned and crying does not fall.
    """

    gives_up: bool = True
    learns_to_settle: bool = True

    @property
    def learns(self) -> bool:
        """Whether anything is learned."""
        return self.gives_up or self.learns_to_settle


@dataclass(frozen=True, slots=True)
class History:
    """What happened to one infant, hidden things included.

    Parameters
    ----------
    spells : tuple of Spell
        In order of time.
    care : tuple of Care
        In order of begin.
    days : tuple of Day
    weeks, age_weeks : float
        Length, and age at the start.
    start_hour : float
        Hour of the day at which it starts.
    seed : tuple of int
    policies : tuple of (float, Policy)
        What held from when on, in seconds.
    says : tuple of (float, str)
        Changes of routine in words.
    """

    spells: tuple[Spell, ...]
    care: tuple[Care, ...]
    days: tuple[Day, ...]
    weeks: float
    age_weeks: float
    start_hour: float
    seed: tuple[int, ...]
    policies: tuple[tuple[float, Policy], ...]
    says: tuple[tuple[float, str], ...] = ()

    @property
    def cries(self) -> Iterator[Spell]:
        """Spells that could be heard."""
        return (one for one in self.spells if one.offset > one.onset)
