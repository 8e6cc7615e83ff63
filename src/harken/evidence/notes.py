"""A caregiver's own notes and ratings on claims; private to who wrote them.

They are `claim_noted` events: the latest that stands counts, so that taking it
back (`removed`) shows the one before, or none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harken.episodes.events import Event
from harken.episodes.fold import resolve
from harken.errors import ParameterError
from harken.evidence.claims import claim

RATINGS = {
    "convinces": "It convinces me",
    "unsure": "I am not sure",
    "doubtful": "I doubt it",
}
"""How a reader may rate a claim."""


@dataclass(frozen=True, slots=True)
class ClaimNote:
    """What a caregiver wrote about a claim.

    Parameters
    ----------
    claim : str
        Id of the claim.
    at : datetime
        When, in UTC.
    text : str
        Empty where there is only a rating.
    rating : str or None
        A key of `RATINGS`.
    events : tuple of str
        Ids of all their events on this claim that stand; removing them removes the note.
    """

    claim: str
    at: datetime
    text: str
    rating: str | None
    events: tuple[str, ...]


def notes_by(who: str, events: Iterable[Event]) -> dict[str, ClaimNote]:
    """Give the notes of one caregiver, and of nobody else.

    Parameters
    ----------
    who : str
        As `Event.by` has it, e.g. ``"caregiver:anna"``.
    events : iterable of Event
        With what removes or corrects them; others are passed over.

    Returns
    -------
    dict of claim id to ClaimNote

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> mine = Event("claim_noted", at, by="caregiver:a", data={"claim": "S11", "text": "Yes!"})
    >>> notes_by("caregiver:a", [mine])["S11"].text, notes_by("caregiver:b", [mine])
    ('Yes!', {})
    """
    found: dict[str, ClaimNote] = {}
    for event in resolve(events):
        if event.kind != "claim_noted" or event.by != who:
            continue
        id = str(event.data["claim"])
        before = found[id].events if id in found else ()
        text, rating = (event.data.get("text") or "").strip(), event.data.get("rating")
        found[id] = ClaimNote(id, event.at, text, rating, (*before, str(event.id)))
    return {id: one for id, one in found.items() if one.text or one.rating}


def check_note(event: Event) -> None:
    """Refuse a note on a claim that there is not, or with nothing in it.

    Parameters
    ----------
    event : Event
        Of the kind ``claim_noted``; others pass.

    Raises
    ------
    ParameterError
        If the claim is not known, or neither text nor rating is there.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> check_note(Event("claim_noted", at, data={"claim": "S11", "rating": "unsure"}))
    """
    if event.kind != "claim_noted":
        return
    if claim(event.data["claim"]).id != event.data["claim"]:
        raise ParameterError(f"note: write the claim as {claim(event.data['claim']).id}")
    if not (event.data.get("text") or "").strip() and event.data.get("rating") is None:
        raise ParameterError("note: write something, or choose a rating")
