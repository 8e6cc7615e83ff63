"""What is remembered: events, the episodes folded from them, and the household."""

from harken.journal.backup import restore
from harken.journal.care import CareEntry, day_bounds
from harken.journal.household import (
    Caregiver,
    Channel,
    Child,
    Device,
    DutyTurn,
    Household,
    JoinCode,
    Plan,
    PushSubscription,
    Room,
    masked,
    token_hash,
)
from harken.journal.journal import DueAlert, Journal, Revision, default_path
from harken.journal.projection import BACK_OFF
from harken.journal.series import Quantity, Reading, Series, Step

__all__ = [
    "BACK_OFF",
    "CareEntry",
    "Caregiver",
    "Channel",
    "Child",
    "Device",
    "DueAlert",
    "DutyTurn",
    "Household",
    "JoinCode",
    "Journal",
    "Plan",
    "PushSubscription",
    "Quantity",
    "Reading",
    "Revision",
    "Room",
    "Series",
    "Step",
    "day_bounds",
    "default_path",
    "masked",
    "restore",
    "token_hash",
]
