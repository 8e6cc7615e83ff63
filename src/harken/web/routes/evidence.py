"""What studies found, for scripts; and a caregiver's own notes on it."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from harken.evidence import claims, norms, notes_by
from harken.web.access import Carer, Onlooker, Parts, Web
from harken.web.contract import Viewer

router = APIRouter(prefix="/evidence", tags=["evidence"])

Topic = Annotated[
    str | None, Query(pattern=r"^[a-z_]{1,40}$", description="Only on this topic, e.g. carrying.")
]
Measure = Annotated[
    str | None,
    Query(pattern=r"^[a-z0-9_]{1,60}$", description="Only of this, e.g. cry_fuss_min_per_day."),
]
AgeWeeks = Annotated[float | None, Query(ge=0, le=1000, description="Only for this age, in weeks.")]


@router.get("/claims", summary="Claims")
def get_claims(me: Onlooker, topic: Topic = None) -> list[dict[str, Any]]:
    """Give claims with source, design, n, limits, and whether the source could be checked."""
    return [one.as_dict() for one in claims(topic)]


@router.get("/norms", summary="Norms")
def get_norms(
    me: Onlooker, measure: Measure = None, age_weeks: AgeWeeks = None
) -> list[dict[str, Any]]:
    """Give published figures to compare with; what is not `confirmed` is a quotation."""
    return [one.as_dict() for one in norms(measure, age_weeks)]


@router.get("/notes", summary="Your own notes on claims")
async def get_notes(web: Parts, me: Carer) -> list[dict[str, Any]]:
    """Give what you wrote; nobody else's. Write one by a `claim_noted` event."""
    return await run_in_threadpool(own_notes, web, me)


def own_notes(web: Web, me: Viewer) -> list[dict[str, Any]]:
    """Give the notes of who asks; blocks.

    Parameters
    ----------
    web : Web
    me : Viewer

    Returns
    -------
    list of dict
        With claim, at, text, rating and events.
    """
    found = notes_by(me.by, web.hub.journal.standing("claim_noted"))
    return [{**asdict(one), "at": one.at.isoformat()} for one in found.values()]
