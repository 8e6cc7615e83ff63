"""Every threshold by which events become episodes, with its default and the reason for it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Self

from harken.errors import ParameterError

_LIMITS = {
    "calm_after": (0.0, 3600.0, "seconds"),
    "settled_alone_longest": (0.0, 3600.0, "seconds"),
    "settled_alone_loudest": (-120.0, 0.0, "dBFS"),
    "already_there": (0.0, 300.0, "seconds"),
    "tap_delay": (0.0, 300.0, "seconds"),
    "late_notes": (0.0, 86_400.0, "seconds"),
    "voice_shortest": (0.0, 60.0, "seconds"),
    "voice_least": (0.0, 1.0, "(a mean probability)"),
    "voice_before": (0.0, 3600.0, "seconds"),
    "own_voice": (0.0, 600.0, "seconds"),
}
"""Least and largest value of each field, and what it is counted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSettings:
    """What makes events an episode; stored by the journal and changed only by people.

    No study sets any of these numbers. Each is a convention with a reason, and a
    figure that depends on one (the number of episodes above all) can be compared
    only with figures made with the same one.

    Parameters
    ----------
    calm_after : float, 0 to 3600 [s]
        Calm for this long ends an episode. Default 60: a caregiver who lays an
        infant down and has to pick it up again within a minute would call that
        one cry, and the next alert must not wait long for a new one.
    settled_alone_longest : float, 0 to 3600 [s]
        An episode that nobody answered counts as *settled alone* only where the
        infant cried no longer than this in all. Default 60: below the first
        wait of the usual check-in plans (two minutes), so that what a plan
        holds back is never called settled for that reason alone.
    settled_alone_loudest : float or None, −120 to 0 [dBFS]
        … and was at no time louder than this. Default −15: the level at which
        a room's alert rings at once (`ring_at_once_dbfs`), so one sound is never
        both alarming and quiet. None: length alone decides, which is right for
        a microphone whose level means nothing.
    already_there : float, 0 to 300 [s]
        A response tapped at most this long before the onset says that somebody
        was there when the crying began; its latency is 0. Default 15: short
        enough that it is about the same visit.
    tap_delay : float, 0 to 300 [s]
        A response that was *tapped* at most this long after the crying ended
        counts as given during it, with the latency of the tap. Default 20: hands
        are full at first. What was heard or sensed has its own time and gets none.
    late_notes : float, 0 to 86400 [s]
        How long after the end of an episode a tap in its room that names no
        episode still belongs to it. Default 900: "what helped?" is answered when
        the infant sleeps.
    voice_shortest : float, 0 to 60 [s]
        An adult voice is proposed as a response where it overlaps the crying for
        at least this long. Default 1: a word or two; a shorter one is as likely
        to be an error of the detector.
    voice_least : float, 0 to 1
        … and where its mean probability, if it is known, is at least this.
        Default 0.6: clearly above an even chance, as a cry is in the foreground.
    voice_before : float, 0 to 3600 [s]
        … and where it began at most this long before the bout. Default 120: a
        voice that has gone on for longer is a conversation or a radio.
    own_voice : float, 0 to 600 [s]
        For this long after a response by voice from afar a voice in the room is
        not proposed: it may be that voice out of the loudspeaker. Default 30:
        a phrase or the first verse of a song.

    Raises
    ------
    ParameterError
        If a field is not a number or outside its range.

    Examples
    --------
    >>> settings = EpisodeSettings(calm_after=90)
    >>> settings.calm_after
    90.0
    >>> EpisodeSettings.from_dict(settings.as_dict()) == settings
    True
    """

    calm_after: float = 60.0
    settled_alone_longest: float = 60.0
    settled_alone_loudest: float | None = -15.0
    already_there: float = 15.0
    tap_delay: float = 20.0
    late_notes: float = 900.0
    voice_shortest: float = 1.0
    voice_least: float = 0.6
    voice_before: float = 120.0
    own_voice: float = 30.0

    def __post_init__(self) -> None:
        for name, (least, most, unit) in _LIMITS.items():
            value = getattr(self, name)
            if value is None and name == "settled_alone_loudest":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"episode settings: {name}={value!r} is not a number")
            if not (math.isfinite(value) and least <= value <= most):
                raise ParameterError(
                    f"episode settings: {name}={value:g} must be from {least:g} to {most:g} {unit}"
                )
            object.__setattr__(self, name, float(value))

    def as_dict(self) -> dict[str, float | None]:
        """Give every field by name, for storing.

        Returns
        -------
        dict

        Examples
        --------
        >>> EpisodeSettings().as_dict()["calm_after"]
        60.0
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object], *, base: Self | None = None) -> Self:
        """Make settings from named values.

        Parameters
        ----------
        values : mapping of field name to number
        base : EpisodeSettings, optional
            Where the fields come from that `values` does not name; by default
            the defaults.

        Returns
        -------
        EpisodeSettings

        Raises
        ------
        ParameterError
            If a name is unknown or a value is outside its range.

        Examples
        --------
        >>> EpisodeSettings.from_dict({"tap_delay": 5}).tap_delay
        5.0
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ParameterError(
                    f"episode settings: unknown field {name!r}; there are {', '.join(names)}"
                )
        return replace(base or cls(), **values)  # type: ignore[arg-type]
