"""What starting and ending a check-in plan asks for, and what it changes.

A plan is started and ended by events, like everything that people do; the kept
plan only remembers since when it is in force.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from harken.answering import ActivePlan, refusal
from harken.episodes.events import Event
from harken.errors import ParameterError
from harken.journal import Child, Household, Plan


def check_start(event: Event, household: Household, now: datetime) -> None:
    """Refuse a plan that may not start for the children of its room.

    Parameters
    ----------
    event : Event
        Of the kind ``plan_started``; others pass.
    household : Household
    now : datetime

    Raises
    ------
    ParameterError
        If it names no room, its waits are out of range, or a child is too young, of
        unknown age, or of an age whose evidence was not read first.
    """
    if event.kind != "plan_started":
        return
    if event.room is None:
        raise ParameterError("plan: room is missing")
    plan = ActivePlan.from_event(event)
    today = now.astimezone(ZoneInfo(event.zone)).date()
    children = household.list(Child, room=event.room)
    refused = refusal(children, today, read_evidence=plan.read_evidence)
    if refused is not None:
        raise ParameterError(refused.says)


def keep_track(events: Iterable[Event], household: Household) -> set[str]:
    """Remember which kept plan is in force after these events.

    Parameters
    ----------
    events : iterable of Event
        That were new.
    household : Household

    Returns
    -------
    set of str
        Rooms whose plans changed.
    """
    touched = set()
    chosen = [one for one in events if one.kind in ("plan_started", "plan_ended") and one.room]
    for event in sorted(chosen, key=lambda one: (one.at, one.id)):
        for plan in household.list(Plan, room=event.room):
            if plan.active_since is not None and plan.active_since > event.at:
                continue  # told late; what is in force began after it
            since = event.at if _starts(event, plan) else None
            if since != plan.active_since:
                household.update(replace(plan, active_since=since))
                touched.add(plan.room)
    return touched


def _starts(event: Event, plan: Plan) -> bool:
    return (
        event.kind == "plan_started"
        and list(event.data["waits"]) == plan.waits
        and event.data.get("caregiver") in (None, plan.caregiver)
    )
