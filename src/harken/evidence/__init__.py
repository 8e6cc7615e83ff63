"""What studies found: claims and norms, with their sources and limits."""

from harken.evidence.claims import (
    SHOWS,
    SIDES,
    Claim,
    Norm,
    claim,
    claims,
    measures,
    norms,
    topics,
)
from harken.evidence.notes import RATINGS, ClaimNote, check_note, notes_by
from harken.evidence.questions import (
    FOUR_QUESTIONS,
    Question,
    SelfQuestion,
    on_waiting,
    question,
    questions,
)

__all__ = [
    "FOUR_QUESTIONS",
    "RATINGS",
    "SHOWS",
    "SIDES",
    "Claim",
    "ClaimNote",
    "Norm",
    "Question",
    "SelfQuestion",
    "check_note",
    "claim",
    "claims",
    "measures",
    "norms",
    "notes_by",
    "on_waiting",
    "question",
    "questions",
    "topics",
]
