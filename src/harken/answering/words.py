"""What a message says: short, calm, and nothing but what is known. Pure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

_LONGEST_NAME = 60


def spell_seconds(seconds: float) -> str:
    """Write a duration as people say it.

    Parameters
    ----------
    seconds : float, ≥ 0

    Returns
    -------
    str

    Examples
    --------
    >>> [spell_seconds(s) for s in (3.4, 89, 125, 3600, 5000)]
    ['3 s', '89 s', '2 min', '1 h', '1 h 23 min']
    """
    whole = max(0, int(seconds))
    if whole < 90:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def spell_time(at: datetime, zone: str) -> str:
    """Write a time of day in the household's zone.

    Parameters
    ----------
    at : datetime
    zone : str
        IANA name.

    Returns
    -------
    str
        ``"HH:MM"``.
    """
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def spell_names(names: Sequence[str], *, room: str) -> str:
    """Say whose cry it can be.

    Parameters
    ----------
    names : sequence of str
        Of the children in the room.
    room : str
        Its name, for where they are none or many.

    Returns
    -------
    str

    Examples
    --------
    >>> spell_names(["Mia", "Leo"], room="Nursery")
    'Mia or Leo'
    >>> spell_names([], room="Nursery")
    'A baby in Nursery'
    """
    if not 1 <= len(names) <= 3:
        return f"A baby in {short(room)}"
    names = [short(name) for name in names]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def short(name: str) -> str:
    """Cut a name to a length that a lock screen can show, on one line."""
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def cry_text(
    who: str, room: str, cried_s: float, *, again: bool, first: str | None, visit: int | None
) -> str:
    """Write the message for a cry: a title, and a body on the second line.

    Parameters
    ----------
    who : str
        As `spell_names` gives it.
    room : str
    cried_s : float [s]
    again : bool
        Whether all who are on duty have been told of it before.
    first : str, optional
        Who was told before this caregiver.
    visit : int, optional
        Which visit of a check-in plan it is time for.

    Returns
    -------
    str

    Examples
    --------
    >>> print(cry_text("Mia", "Nursery", 40, again=False, first="Ada", visit=None))
    Mia is crying
    Mia has been crying for 40 s. Nursery. Ada was told first.
    """
    title = f"{who} is still crying" if again else f"{who} is crying"
    parts = [f"{who} has been crying for {spell_seconds(cried_s)}.", f"{short(room)}."]
    if visit is not None:
        parts.append(f"Time for visit {visit}.")
    if first is not None:
        parts.append(f"{short(first)} was told first.")
    return f"{title}\n{' '.join(parts)}"


def unheard_text(room: str, since: str, *, again: bool, reason: str | None) -> str:
    """Write the message that a room cannot be heard.

    Examples
    --------
    >>> print(unheard_text("Nursery", "02:10", again=False, reason="no sound arrives"))
    Nursery can't be heard
    Not since 02:10. No sound arrives. Please look at the microphone.
    """
    title = f"{short(room)} still can't be heard" if again else f"{short(room)} can't be heard"
    said = (reason or "").strip().rstrip(".")[:200]
    why = f" {said[0].upper()}{said[1:]}." if said else ""
    return f"{title}\nNot since {since}.{why} Please look at the microphone."


def heard_text(room: str, since: str, until: str) -> str:
    """Write the message that a room is heard again.

    Examples
    --------
    >>> print(heard_text("Nursery", "02:10", "02:14"))
    Nursery is heard again
    It could not be heard from 02:10 to 02:14.
    """
    return f"{short(room)} is heard again\nIt could not be heard from {since} to {until}."


def summary_text(room: str, since: str, cries: int, losses: int) -> str:
    """Write the summary of what was too short and too frequent for a message each.

    Examples
    --------
    >>> print(summary_text("Nursery", "02:10", 3, 1))
    Nursery since 02:10
    3 short cries, and 1 short time when it could not be heard.
    """
    parts = []
    if cries:
        parts.append(f"{cries} short {'cry' if cries == 1 else 'cries'}")
    if losses:
        parts.append(
            f"{losses} short {'time' if losses == 1 else 'times'} when it could not be heard"
        )
    return f"{short(room)} since {since}\n{', and '.join(parts)}."


def push_lost_text(whose: str) -> str:
    """Write the message that a phone fell off.

    Examples
    --------
    >>> print(push_lost_text("Ada"))
    A phone no longer rings
    A phone of Ada can't be reached by push any more. Open Harken on it to turn push on again.
    """
    return (
        f"A phone no longer rings\nA phone of {short(whose)} can't be reached by push any more. "
        "Open Harken on it to turn push on again."
    )


def drill_text(text: str) -> str:
    """Mark a message as a rehearsal.

    Examples
    --------
    >>> print(drill_text(cry_text("Mia", "Nursery", 4, again=False, first=None, visit=None)))
    Drill: Mia is crying
    This is a drill. Mia has been crying for 4 s. Nursery.
    """
    title, _, body = text.partition("\n")
    return f"Drill: {title}\nThis is a drill. {body}"
