"""Sensors' numbers: taken from scripts, and given for drawing. Never judged."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from harken.errors import ParameterError
from harken.journal import Child, Reading, Room, Series
from harken.web.access import Carer, Onlooker, Parts, Web
from harken.web.models import From, IdText, Moment, Name, Strict, To
from harken.web.problems import Refusal

router = APIRouter(tags=["what sensors give"])

_AHEAD = timedelta(minutes=2)
_MOST_STEPS = 5000
_USUAL = timedelta(days=1)


class ReadingIn(Strict):
    """One number."""

    at: Moment
    value: float = Field(description="In the unit of what is measured.")


class SeriesIn(Strict):
    """Numbers of one sensor."""

    what: Literal["heart_rate", "oxygen", "room_temperature", "movement"]
    source: Name = Field(description="What measured it, e.g. sock.")
    room: IdText | None = Field(None, description="Where; null: not said.")
    child: IdText | None = Field(None, description="Of whom; null: not said.")
    readings: list[ReadingIn] = Field(min_length=1, max_length=1000)


class RefusedReading(BaseModel):
    """A reading that was not taken."""

    index: int = Field(description="Its place in what was sent, from 0.")
    why: str


class SeriesTaken(BaseModel):
    """What became of the readings."""

    accepted: int = Field(description="How many are new, and on the disk now.")
    known: int = Field(description="How many moments were there before.")
    refused: list[RefusedReading]


class StepOut(BaseModel):
    """The readings of one step of time; a step without any is left out: a gap."""

    at: datetime
    mean: float
    low: float
    high: float
    n: int


class SeriesOut(BaseModel):
    """A series, drawn together in steps."""

    id: str
    what: str
    title: str
    unit: str
    source: str
    room: str | None
    child: str | None
    step_s: int
    steps: list[StepOut]


@router.post("/series", summary="Numbers of a sensor", response_model=SeriesTaken)
async def post_series(given: SeriesIn, web: Parts, me: Carer) -> SeriesTaken:
    """Take up to 1000 readings; one whose moment is known already counts once.

    Heart rate in beats a minute, oxygen in per cent, room temperature in °C, movement
    in whatever the sensor gives. No alarm comes of them.
    """
    series = Series(given.what, given.source, given.room, given.child)
    latest = datetime.now(UTC) + _AHEAD
    readings: list[Reading] = []
    refused: list[RefusedReading] = []
    for index, one in enumerate(given.readings):
        try:
            value = series.check(one.value)
            if one.at > latest:
                raise ParameterError("its time is in the future")
        except ParameterError as error:
            refused.append(RefusedReading(index=index, why=str(error)))
        else:
            readings.append(Reading(one.at, value))
    await run_in_threadpool(_check_whose, web, given)
    new = await run_in_threadpool(web.hub.journal.add_readings, series, readings)
    return SeriesTaken(accepted=new, known=len(readings) - new, refused=refused)


def _check_whose(web: Web, given: SeriesIn) -> None:
    if given.room is not None and web.household.get(Room, given.room) is None:
        raise Refusal(404, "There is no such room.")
    if given.child is not None and web.household.get(Child, given.child) is None:
        raise Refusal(404, "There is no such child.")


@router.get("/series", summary="Sensors' numbers, in steps", response_model=list[SeriesOut])
async def get_series(
    web: Parts,
    me: Onlooker,
    since: From = None,
    to: To = None,
    step: Annotated[
        int, Query(ge=10, le=86_400, description="Seconds that are drawn together.")
    ] = 300,
) -> list[dict[str, Any]]:
    """Give every series with a reading in a stretch: mean, lowest and highest of each step.

    Without `from` it is the last day. A step without a reading is left out.
    """
    until = to or datetime.now(UTC)
    begin = since or until - _USUAL
    if begin >= until:
        raise Refusal(422, "from must come before to.")
    if (until - begin) / timedelta(seconds=step) > _MOST_STEPS:
        raise Refusal(422, f"That is more than {_MOST_STEPS} steps; make step longer.")
    children = await web.people.children_by_room()
    journal = web.hub.journal

    def read() -> list[dict[str, Any]]:
        found = []
        for one in journal.series():
            if not me.sees(one.child, one.room, children.get(one.room or "", ())):
                continue
            steps = journal.reading_steps(
                one, since=begin, until=until, step=timedelta(seconds=step)
            )
            if steps:
                found.append(
                    {
                        "id": one.id,
                        "what": one.what,
                        "title": one.quantity.title,
                        "unit": one.unit,
                        "source": one.source,
                        "room": one.room,
                        "child": one.child,
                        "step_s": step,
                        "steps": [each._asdict() for each in steps],
                    }
                )
        return found

    return await run_in_threadpool(read)
