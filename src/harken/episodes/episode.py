"""An episode and its parts: the cry, who was told, who came, what they tried, how it ended."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Self, get_args, get_type_hints

from harken.episodes.course import Course
from harken.episodes.events import read_time
from harken.errors import ParameterError


class Outcome(StrEnum):
    """How an episode ended, in the four words that every page and table uses.

    Examples
    --------
    >>> Outcome("soothed") is Outcome.SOOTHED
    True
    """

    SOOTHED = "soothed"
    """Somebody answered while it cried, and then it was calm."""
    SETTLED_ALONE = "settled_alone"
    """Nobody answered; the crying was short and quiet."""
    STOPPED_UNANSWERED = "stopped_unanswered"
    """Nobody answered; it cried for longer, or loudly, or nobody knows how it went on."""
    STILL_CRYING = "still_crying"
    """Not over yet: it cries, or pauses, or cannot be heard."""


@dataclass(frozen=True, slots=True)
class _Part:
    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form: times as ISO 8601 with offset.

        Returns
        -------
        dict
        """
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the JSON form.

        Returns
        -------
        the same as was given out

        Raises
        ------
        ParameterError
            If it is not the JSON form of this part.
        """
        try:
            readers = _readers(cls)  # type: ignore[arg-type]
            return cls(**{name: read(values[name]) for name, read in readers})
        except ParameterError:
            raise
        except (KeyError, ValueError, TypeError, AttributeError):
            raise ParameterError(
                f"{cls.__name__.lower()}: not as as_dict gives it; rebuild the journal"
            ) from None


@dataclass(frozen=True, slots=True)
class Cried(_Part):
    """A cry bout as an episode holds it.

    Parameters
    ----------
    bout : str
        Id of the bout.
    onset : datetime
        When it began in the sound.
    heard_until : datetime
        The last moment at which crying is known: the offset; the last moment
        that was heard of a lost bout; when an open one was last told of.
    offset : datetime or None
        When it ended in the sound; None where that is not known.
    end : {'ended', 'open', 'withdrawn', 'lost'}
        `open`: it goes on as far as is known. `withdrawn`: it did not last, and
        counts for nothing. `lost`: the room could not be heard any more, or a
        new bout began without an end of this one; nobody knows how it ended.
    detected_at : datetime or None
        When a listener knew of it.
    mean_cry : float or None, 0 to 1
    peak_dbfs : float or None [dBFS]
        Level of its loudest frame, or of its start while it is open.
    course : Course or None
        How it went, against its own start.
    """

    bout: str
    onset: datetime
    heard_until: datetime
    offset: datetime | None
    end: Literal["ended", "open", "withdrawn", "lost"]
    detected_at: datetime | None = None
    mean_cry: float | None = None
    peak_dbfs: float | None = None
    course: Course | None = None

    @property
    def kept(self) -> bool:
        """Whether it counts as crying: everything but a withdrawn bout."""
        return self.end != "withdrawn"


@dataclass(frozen=True, slots=True)
class Alerted(_Part):
    """Somebody was to be told; each moment by the clock of who saw it, None where unknown.

    Parameters
    ----------
    alert : str
        Id of the alert.
    about : str
        As in the event `alert_due`.
    caregiver : str or None
        Who is to be told; None: the household.
    channel : str
        Id of the channel.
    step : float or None
        Step of the duty ladder.
    due, sent, received, shown, clicked : datetime or None
        `sent`: the channel accepted it; only `shown` says that a phone showed it.
    failed : str or None
        What went wrong at the last try, where none has succeeded.
    """

    alert: str
    about: str
    caregiver: str | None
    channel: str
    step: float | None
    due: datetime
    sent: datetime | None = None
    failed: str | None = None
    received: datetime | None = None
    shown: datetime | None = None
    clicked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged(_Part):
    """Somebody said "I'm going". Not a response."""

    event: str
    at: datetime
    caregiver: str | None = None


@dataclass(frozen=True, slots=True)
class Response(_Part):
    """Somebody reached the infant, or may have.

    Parameters
    ----------
    event : str
        Id of the event.
    at : datetime
        When; of a heard voice, when it began.
    manner : {'arrived', 'voice'}
        `voice`: from afar, or heard in the room: nothing shows that arms were there.
    source : {'tapped', 'heard', 'sensor'}
    caregiver : str or None
    inferred : bool
        Nobody has said it; Harken only heard a voice. Never counted.
    confirmed : bool
        It was inferred, and somebody said that it was a response.
    late : bool
        The crying had ended before.
    until : datetime or None
        When the voice that was heard ended.
    """

    event: str
    at: datetime
    manner: Literal["arrived", "voice"]
    source: Literal["tapped", "heard", "sensor"]
    caregiver: str | None = None
    inferred: bool = False
    confirmed: bool = False
    late: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Soothing(_Part):
    """What was tried.

    Parameters
    ----------
    event : str
    at : datetime
    attempt : str
        One of `ATTEMPTS`.
    caregiver, note : str or None
    stopped_s : float or None [s]
        From the attempt until the crying that went on at that moment paused:
        the offset of the bout. None where it was calm at that moment, or the
        bout has no known end. That it stopped after the attempt is not that it
        stopped because of it.
    """

    event: str
    at: datetime
    attempt: str
    caregiver: str | None = None
    note: str | None = None
    stopped_s: float | None = None


@dataclass(frozen=True, slots=True)
class Checked(_Part):
    """A need that was looked at; `found`: whether it was that, None where nobody said."""

    event: str
    at: datetime
    need: str
    found: bool | None = None
    caregiver: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Comment(_Part):
    """A remark."""

    event: str
    at: datetime
    text: str
    caregiver: str | None = None


@dataclass(frozen=True, slots=True)
class Held(_Part):
    """A check-in plan held the alert back, until the next visit."""

    event: str
    at: datetime
    until: datetime
    visit: float | None = None


@dataclass(frozen=True, slots=True)
class Episode(_Part):
    """From the first onset until it has been calm: what was heard, told, done, and how it ended.

    Parameters
    ----------
    id : str
        Id of its first kept bout. It may change when an earlier bout arrives
        late, so look an episode up by any of its bouts.
    room, child : str or None
    onset : datetime
        Of its first kept bout, in the sound.
    ended_at : datetime or None
        When it was known to be calm: `calm_after` past the last offset, or when
        somebody tapped *calm*. It may lie ahead of the clock; see `as_of`.
    bouts : tuple of Cried
        In order of onset; withdrawn ones in its span are among them.
    alerts : tuple of Alerted
    acknowledgements : tuple of Acknowledged
    responses : tuple of Response
        Those that somebody vouches for, in order; late ones are among them.
    proposed : tuple of Response
        Inferred ones that nobody has confirmed; they count for nothing.
    soothing : tuple of Soothing
    checks : tuple of Checked
    comments : tuple of Comment
    reason : str or None
        What it turned out to be, in a caregiver's words; the latest.
    plan : tuple of Held
        Visits for which a check-in plan held the alert back.
    plan_yielded : str or None
        Why the plan gave way; the latest.
    something_wrong : datetime or None
        When somebody first said so.
    false_alarm : bool
        Somebody said that it was no cry, and no bout has begun since.
    drill : bool
        A rehearsal; measures leave it out.
    outcome : Outcome
    latency_s : float or None [s]
        From onset to the first response that counts; 0 where somebody was there.
    censored_s : float or None [s]
        Where there is no latency: how long it is known to have gone unanswered,
        onset to the end of the crying, for survival statistics. Else None.
    calm_at : datetime or None
        When the calm began that lasted, in the sound; None while it is open or
        where nobody heard it.
    time_to_calm_s : float or None [s]
        From the first response to `calm_at`; None where the tap came after it.
    crying_s : float, ≥ 0 [s]
        Union of the bouts, as far as crying is known.
    provisional : bool
        None of its bouts has yet proved long enough: all of them are open.
    """

    id: str
    room: str | None
    child: str | None
    onset: datetime
    ended_at: datetime | None
    bouts: tuple[Cried, ...]
    alerts: tuple[Alerted, ...]
    acknowledgements: tuple[Acknowledged, ...]
    responses: tuple[Response, ...]
    proposed: tuple[Response, ...]
    soothing: tuple[Soothing, ...]
    checks: tuple[Checked, ...]
    comments: tuple[Comment, ...]
    reason: str | None
    plan: tuple[Held, ...]
    plan_yielded: str | None
    something_wrong: datetime | None
    false_alarm: bool
    drill: bool
    outcome: Outcome
    latency_s: float | None
    censored_s: float | None
    calm_at: datetime | None
    time_to_calm_s: float | None
    crying_s: float
    provisional: bool

    @property
    def open(self) -> bool:
        """Whether it is not over yet."""
        return self.outcome is Outcome.STILL_CRYING

    @property
    def answered(self) -> bool:
        """Whether somebody answered before the crying ended."""
        return self.latency_s is not None

    @property
    def counts(self) -> bool:
        """Whether measures may count it: neither a drill nor a false alarm, and over."""
        return not (self.drill or self.false_alarm or self.open)

    @property
    def first_response(self) -> Response | None:
        """The response that the latency is counted to, where there is one."""
        return next((one for one in self.responses if not one.late), None)

    @property
    def helped(self) -> str | None:
        """The last soothing attempt of an episode that ended soothed."""
        soothed = self.outcome is Outcome.SOOTHED and self.soothing
        return self.soothing[-1].attempt if soothed else None

    def as_of(self, now: datetime) -> Self:
        """Give the episode as it stands at a time: not over before it has been calm long enough.

        Parameters
        ----------
        now : datetime
            With a zone.

        Returns
        -------
        Episode
            Itself where `ended_at` has passed; else open, with crying counted up
            to `now` where a bout goes on.

        Raises
        ------
        ParameterError
            If `now` has no zone.
        """
        if now.tzinfo is None:
            raise ParameterError("now must have a zone")
        if self.ended_at is not None and self.ended_at <= now:
            return self
        known = [
            replace(one, heard_until=max(one.heard_until, now)) if one.end == "open" else one
            for one in self.bouts
            if one.kept
        ]
        unanswered = (max(one.heard_until for one in known) - self.onset).total_seconds()
        return replace(
            self,
            ended_at=None,
            outcome=Outcome.STILL_CRYING,
            calm_at=None,
            time_to_calm_s=None,
            crying_s=crying_s(known),
            censored_s=unanswered if self.latency_s is None else None,
        )


def crying_s(bouts: Iterable[Cried]) -> float:
    """Add up crying; where bouts overlap it counts once, and withdrawn ones do not count.

    Parameters
    ----------
    bouts : iterable of Cried

    Returns
    -------
    float [s]

    Examples
    --------
    >>> crying_s([])
    0.0
    """
    total, until = 0.0, datetime.min.replace(tzinfo=UTC)
    for one in sorted((b for b in bouts if b.kept), key=lambda b: b.onset):
        if one.heard_until > until:
            total += (one.heard_until - max(one.onset, until)).total_seconds()
            until = one.heard_until
    return total


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.as_dict() if isinstance(value, _Part | Course) else value


@cache
def _readers(part: type[_Part]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Give the fields of a part, each with what reads it: thousands are read for one page."""
    hints = get_type_hints(part)
    return tuple((field.name, _reader(hints[field.name])) for field in fields(part))


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Give what turns a JSON value into what a field of that type holds."""
    kinds = get_args(hint)
    if kinds and kinds[-1] is Ellipsis:
        parts = kinds[0].from_dict
        return lambda value: tuple([parts(one) for one in value])
    if kinds and type(None) in kinds:
        (given,) = (kind for kind in kinds if kind is not type(None))
        read = _reader(given)
        return lambda value: None if value is None else read(value)
    if hint is datetime:
        return read_time
    if hint is Course:
        return Course.from_dict

    def checked(value: Any) -> Any:
        if type(value) is hint:
            return value
        if kinds:
            if value not in kinds:
                raise ValueError
            return value
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if issubclass(hint, StrEnum):
            return hint(value)
        if not isinstance(value, hint):
            raise ValueError
        return value

    return checked
