"""How a cry went, against its own start; from level and pitch, without diagnosis.

The words say what the sound did. They do not say why, and none of them is a
need. That they are worth saying: listeners take crying that is higher and less
even in pitch for more distress (Protopapas and Eimas 1997; Gustafson and Green
1989), cries of a hungry infant that is left waiting get louder words from
listeners in their second half, with shorter pauses (University of Connecticut
dissertation of 2002, AAI3076727), and people wait longer with cries that they
judge mild (Wood and Gustafson 2001). None of these shows that a reason can be
told from sound. A level is compared with the same bout's own start only, since
distance and microphone decide the rest.

References
----------
A. Protopapas, P. D. Eimas (1997), Perceptual differences in infant cries
revealed by modifications of acoustic features, Journal of the Acoustical
Society of America 102, 3723-3734.
G. E. Gustafson, J. A. Green (1989), On the importance of fundamental frequency
and other acoustic features in cry perception and infant development, Child
Development 60, 772-780.
R. M. Wood, G. E. Gustafson (2001), Infant crying and adults' anticipated
caregiving responses: acoustic and contextual influences, Child Development 72,
1287-1300.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harken.errors import ParameterError
from harken.hearing.frames import HOP_S

WORDS = ("rising", "waning", "loud and varied", "monotonous")
"""All words, in the order in which they are said."""

_SILENT_DBFS = -120.0
"""Where a level is −inf, so that differences stay finite."""

_LIMITS = {
    "cycle_s": (0.2, 10.0, "seconds"),
    "start_s": (1.0, 60.0, "seconds"),
    "recent_s": (1.0, 60.0, "seconds"),
    "shortest_s": (3.0, 600.0, "seconds"),
    "change_db": (0.1, 40.0, "dB"),
    "change_semitones": (0.1, 24.0, "semitones"),
    "varied_db": (0.1, 40.0, "dB"),
    "varied_semitones": (0.1, 24.0, "semitones"),
    "even_db": (0.0, 40.0, "dB"),
    "even_semitones": (0.0, 24.0, "semitones"),
}
"""Least and largest value of each field, and what it is counted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRule:
    """What the words for a cry's course stand for.

    Level and pitch are first taken by cycles of about a breath: the level of
    its loudest frame, and its median pitch. So breaths change nothing, and what
    is compared is one cry with the next.

    Parameters
    ----------
    cycle_s : float, 0.2 to 10 [s]
        A cycle. Default 1: about one cry and the breath after it.
    start_s, recent_s : float, 1 to 60 [s]
        The bout's own start, and its latest part; each at most a third of it.
        Defaults 5 and 10.
    shortest_s : float, 3 to 600 [s]
        Of a shorter bout no course is told. Default 6: two cycles a third.
    change_db : float, 0.1 to 40 [dB]
        The latest part is louder (*rising*) or quieter (*waning*) than the start
        by at least this, on average. Default 4: as much as one cycle differs from
        the next in real recordings (median 4.0), so that chance alone seldom makes it.
    change_semitones : float, 0.1 to 24 [semitones]
        … or higher (*rising*) by at least this, while not quieter. Default 3, for
        the same reason: about 75 Hz at 400 Hz.
    varied_db, varied_semitones : float [dB, semitones]
        From one cycle to the next the level or the pitch changes by at least this
        on average, and it is not quieter than its start: *loud and varied*.
        Defaults 7 and 4: the most varied quarter, by each, of 97 bouts of the
        project's clips (phone recordings of about 7 s).
    even_db, even_semitones : float [dB, semitones]
        … by at most this, both of them: *monotonous*. Defaults 2.5 and 1.2: the
        most even quarter of the same, by each.

    Raises
    ------
    ParameterError
        If a field is not a number or outside its range, or `even_…` is not below
        `varied_…`.

    Examples
    --------
    >>> CourseRule(change_db=6).change_db
    6.0
    """

    cycle_s: float = 1.0
    start_s: float = 5.0
    recent_s: float = 10.0
    shortest_s: float = 6.0
    change_db: float = 4.0
    change_semitones: float = 3.0
    varied_db: float = 7.0
    varied_semitones: float = 4.0
    even_db: float = 2.5
    even_semitones: float = 1.2

    def __post_init__(self) -> None:
        for name, (least, most, unit) in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"course rule: {name}={value!r} is not a number")
            if not least <= value <= most:
                raise ParameterError(
                    f"course rule: {name}={value:g} must be from {least:g} to {most:g} {unit}"
                )
            object.__setattr__(self, name, float(value))
        for of in ("db", "semitones"):
            if getattr(self, f"even_{of}") >= getattr(self, f"varied_{of}"):
                raise ParameterError(f"course rule: even_{of} must be below varied_{of}")

    def as_dict(self) -> dict[str, float]:
        """Give every field by name, for storing.

        Returns
        -------
        dict[str, float]
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Make a rule from named values; what is not named keeps its default.

        Returns
        -------
        CourseRule

        Raises
        ------
        ParameterError
            If a name is unknown or a value outside its range.

        Examples
        --------
        >>> CourseRule.from_dict(CourseRule().as_dict()) == CourseRule()
        True
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ParameterError(
                    f"course rule: unknown field {name!r}; there are {', '.join(names)}"
                )
        return replace(cls(), **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Course:
    """How a cry went, with the measures that the words come from.

    Parameters
    ----------
    words : tuple of str
        Of `WORDS`; empty where the bout was too short or none applies.
    seconds : float, ≥ 0 [s]
        How much was looked at.
    level_change_db : float or None [dB]
        Latest part against the start; None where the bout was too short.
    level_step_db : float or None [dB]
        Mean change from one cycle to the next, after the start.
    pitch_change_semitones, pitch_step_semitones : float or None [semitones]
        The same for the pitch; None too where no pitch was given or found.
    """

    words: tuple[str, ...]
    seconds: float
    level_change_db: float | None = None
    level_step_db: float | None = None
    pitch_change_semitones: float | None = None
    pitch_step_semitones: float | None = None

    def __str__(self) -> str:
        if self.level_change_db is None:
            return "too short to tell"
        return ", ".join(self.words) or "steady"

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form, for `cry_ended`'s datum `course`.

        Returns
        -------
        dict
        """
        return {**asdict(self), "words": list(self.words)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the JSON form.

        Returns
        -------
        Course

        Raises
        ------
        ParameterError
            If a field is missing, unknown, or of another type.

        Examples
        --------
        >>> course = Course(("rising",), 20.0, 4.5, 2.0)
        >>> Course.from_dict(course.as_dict()) == course
        True
        """
        wrong = ParameterError("course: not as as_dict gives it")
        names = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping) or set(values) != set(names):
            raise wrong
        words = values["words"]
        if not isinstance(words, list | tuple) or not all(word in WORDS for word in words):
            raise wrong
        numbers: dict[str, float | None] = {}
        for name in names[1:]:
            value = values[name]
            if value is None and name != "seconds":
                numbers[name] = None
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise wrong
            if not abs(value) < 1e12:
                raise wrong
            numbers[name] = float(value)
        return cls(tuple(words), **numbers)  # type: ignore[arg-type]


def describe_course(
    levels: ArrayLike,
    f0: ArrayLike | None = None,
    *,
    hop_s: float = HOP_S,
    rule: CourseRule | None = None,
) -> Course:
    """Describe how a cry goes, or went, against its own start.

    Parameters
    ----------
    levels : float[n] [dBFS]
        Level of each frame of the bout, from its onset on; may be −inf.
    f0 : float[n], optional [Hz]
        Fundamental frequency at each frame; NaN or 0 where there is none. Of any
        length: it is taken to span the same stretch evenly.
    hop_s : float > 0 [s]
        Seconds a frame.
    rule : CourseRule, optional

    Returns
    -------
    Course
        Without words where the bout is shorter than `rule.shortest_s`.

    Raises
    ------
    ParameterError
        If an array is not one-dimensional, a level is NaN or +inf, or `hop_s` is
        no time.

    Examples
    --------
    >>> str(describe_course(np.linspace(-40, -20, 250)))
    'rising, monotonous'
    >>> str(describe_course([-30.0] * 20))
    'too short to tell'
    """
    rule = rule or CourseRule()
    level = np.asarray(levels, np.float64)
    if level.ndim != 1 or not (level < np.inf).all():
        raise ParameterError("levels: must be one-dimensional, below +inf, without NaN")
    if not (math.isfinite(hop_s) and hop_s > 0):
        raise ParameterError(f"hop_s={hop_s!r} must be a finite number of seconds above 0")
    seconds = len(level) * hop_s
    cycles = int(seconds / rule.cycle_s + 1e-6)
    if seconds < rule.shortest_s - 1e-6 or cycles < 3 or len(level) < cycles:
        return Course((), seconds)

    loud = _by_cycle(np.maximum(level, _SILENT_DBFS), cycles, np.max)
    third = cycles // 3
    start = max(1, min(third, round(rule.start_s / rule.cycle_s)))
    recent = max(1, min(third, round(rule.recent_s / rule.cycle_s)))
    change, step = _change(loud, start, recent), _step(loud[start:])
    assert change is not None
    pitch_change = pitch_step = None
    if f0 is not None:
        semitones = _semitones(f0, cycles)
        pitch_change, pitch_step = _change(semitones, start, recent), _step(semitones[start:])

    words = []
    higher = pitch_change is not None and pitch_change >= rule.change_semitones
    if change >= rule.change_db or (higher and change >= 0):
        words.append("rising")
    elif change <= -rule.change_db:
        words.append("waning")
    if step is not None:
        moves = step >= rule.varied_db
        moves |= pitch_step is not None and pitch_step >= rule.varied_semitones
        if moves and change > -rule.change_db:
            words.append("loud and varied")
        elif step <= rule.even_db and (pitch_step is None or pitch_step <= rule.even_semitones):
            words.append("monotonous")
    return Course(tuple(words), seconds, change, step, pitch_change, pitch_step)


def _by_cycle(
    values: NDArray[np.float64], cycles: int, take: Callable[[NDArray[np.float64]], float]
) -> NDArray[np.float64]:
    return np.array([take(part) for part in np.array_split(values, cycles)])


def _semitones(f0: ArrayLike, cycles: int) -> NDArray[np.float64]:
    """Median pitch of each cycle, in semitones over 1 Hz; NaN where there is none."""
    hz = np.asarray(f0, np.float64)
    if hz.ndim != 1:
        raise ParameterError("f0: must be one-dimensional")
    found = np.isfinite(hz) & (hz > 0)
    semitones = np.where(found, 12 * np.log2(np.where(found, hz, 1.0)), np.nan)
    return _by_cycle(semitones, cycles, _median)


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _change(values: NDArray[np.float64], start: int, recent: int) -> float | None:
    first, last = _mean(values[:start]), _mean(values[-recent:])
    return None if first is None or last is None else last - first


def _step(values: NDArray[np.float64]) -> float | None:
    return _mean(np.abs(np.diff(values)))


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
