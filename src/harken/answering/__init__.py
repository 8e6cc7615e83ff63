"""Who should come, and when: the duty ladder, check-in plans, alerts and their channels."""

from harken.answering.duty import Turn, night_of, turns_at
from harken.answering.ladder import (
    LADDER_KINDS,
    RECENT_S,
    Decision,
    LadderSettings,
    Situation,
    decide,
)
from harken.answering.plan import ActivePlan, Refusal, refusal

__all__ = [
    "LADDER_KINDS",
    "RECENT_S",
    "ActivePlan",
    "Decision",
    "LadderSettings",
    "Refusal",
    "Situation",
    "Turn",
    "decide",
    "night_of",
    "refusal",
    "turns_at",
]
