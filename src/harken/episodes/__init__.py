"""What happened: cry bouts. Pure: no input, no output."""

from harken.episodes.bouts import (
    Bout,
    BoutEnded,
    BoutEvent,
    BoutRule,
    BoutStarted,
    BoutTracker,
    BoutWithdrawn,
    find_bouts,
)

__all__ = [
    "Bout",
    "BoutEnded",
    "BoutEvent",
    "BoutRule",
    "BoutStarted",
    "BoutTracker",
    "BoutWithdrawn",
    "find_bouts",
]
