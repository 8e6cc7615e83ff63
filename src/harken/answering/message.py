"""An alert on its way to a channel: what it says, what it is about, and its times."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from harken.episodes.events import Event, read_time
from harken.errors import ChannelError, ParameterError

GOING = "going"
"""The action of a message by which a caregiver says "I'm going"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is given to hand over.

    Parameters
    ----------
    alert : str
        Id of the alert; a channel that gets it again may drop it.
    about : {'cry', 'unheard', 'heard', 'drill', 'summary', 'push_lost', 'test'}
    title, body : str
        One line, and one or two sentences.
    room, episode, caregiver : str or None
        Ids; `caregiver` is whom it is for, None the whole household.
    url : str
        Path of the page that it leads to, e.g. ``"/"``.
    urgent : bool
        Whether it is meant to wake people.
    onset, detected_at, due : datetime or None
        Onset in the sound, when the hub knew of it, and when this alert was due.
    step : int or None
        Step of the duty ladder; from 2 on somebody was told before.
    actions : tuple of str
        What can be answered with: ``"going"``.
    """

    alert: str
    about: str
    title: str
    body: str
    room: str | None = None
    episode: str | None = None
    caregiver: str | None = None
    url: str = "/"
    urgent: bool = False
    onset: datetime | None = None
    detected_at: datetime | None = None
    due: datetime | None = None
    step: int | None = None
    actions: tuple[str, ...] = ()

    @classmethod
    def from_event(cls, event: Event) -> Self:
        r"""Make the message of an alert that is due.

        Parameters
        ----------
        event : Event
            Of the kind ``alert_due``.

        Returns
        -------
        Message

        Raises
        ------
        ParameterError
            If it is of another kind.

        Examples
        --------
        >>> from datetime import UTC
        >>> from harken.episodes.events import new_id
        >>> due = Event("alert_due", datetime(2026, 1, 1, tzinfo=UTC), room="nursery", data={
        ...     "alert": str(new_id()), "about": "cry", "channel": "page",
        ...     "text": "Mia is crying\nMia has been crying for 4 s. Nursery.", "urgent": True,
        ... })
        >>> Message.from_event(due).title
        'Mia is crying'
        """
        if event.kind != "alert_due":
            raise ParameterError(f"message: a {event.kind} event is no alert")
        data = event.data
        title, _, body = (data.get("text") or "Harken\nPlease look at the page.").partition("\n")
        step, onset, detected_at = (data.get(name) for name in ("step", "onset", "detected_at"))
        crying = data["about"] in ("cry", "drill")
        return cls(
            alert=data["alert"],
            about=data["about"],
            title=title,
            body=body,
            room=event.room,
            episode=data.get("episode"),
            caregiver=data.get("caregiver"),
            urgent=bool(data.get("urgent")),
            due=event.at,
            step=None if step is None else int(step),
            actions=(GOING,) if crying else (),
            onset=read_time(onset) if onset else None,
            detected_at=read_time(detected_at) if detected_at else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form, the same for pages, phones and webhooks.

        Returns
        -------
        dict
            Every field; times as ISO 8601 with offset, `actions` as a list.
        """
        plain: dict[str, Any] = asdict(self)
        for name in ("onset", "detected_at", "due"):
            plain[name] = None if plain[name] is None else plain[name].isoformat()
        plain["actions"] = list(self.actions)
        return plain


class GoneError(ChannelError):
    """The other side is gone for good: trying again is of no use."""


class Sender(Protocol):
    """A channel that can be given messages."""

    async def send(self, message: Message) -> None:
        """Hand a message over; return once the other side has accepted it.

        Raises
        ------
        ChannelError
            If it could not be handed over, with what to do about it.
        """

    async def aclose(self) -> None:
        """Let go of what is held open."""
