"""What the record adds up to: numbers, pictures, and papers to take along."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from xml.sax.saxutils import quoteattr

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harken.insight.charts import PICTURES
from harken.journal import Child
from harken.web.access import Onlooker, Parts, Web
from harken.web.contract import Viewer
from harken.web.insight import Answer, Asked, Span, today
from harken.web.models import IdText
from harken.web.problems import Refusal

router = APIRouter(tags=["what it adds up to"])

_EARLIEST = date(2000, 1, 1)
_LONGEST = timedelta(days=731)

ChildQuery = Annotated[
    IdText | None, Query(description="Id of a child; by default the first that one may see.")
]
SpanQuery = Annotated[Span, Query(description="How much: a day, 7 days, 30 days, or all.")]
DayQuery = Annotated[
    date | None,
    Query(description="Its last day (YYYY-MM-DD), in the household's days; else today."),
]
CorrectedQuery = Annotated[
    bool, Query(description="Count the age of a child born early from the due date.")
]
FromDay = Annotated[date | None, Query(alias="from", description="The first day (YYYY-MM-DD).")]
ToDay = Annotated[date | None, Query(description="The last day (YYYY-MM-DD); else today.")]
Paper = Annotated[Literal["a4", "letter"], Query(description="Size of the paper.")]
Form = Annotated[Literal["pdf", "html"], Query(alias="format", description="Kind of file.")]


@router.get(
    "/insight",
    summary="What the record adds up to",
    responses={
        200: {"model": dict[str, Any]},
        304: {"description": "As it was: `If-None-Match` names what holds still."},
    },
)
async def get_insight(
    request: Request,
    web: Parts,
    me: Onlooker,
    child: ChildQuery = None,
    span: SpanQuery = "week",
    day: DayQuery = None,
    corrected: CorrectedQuery = False,
) -> Response:
    """Give the measures of a child, as `harken insight --format json` prints them.

    Each number has its n and its interval. They are of the moment in `now`, never older
    than a minute, and never older than the last event.
    """
    asked = await asked_for(web, me, child=child, span=span, day=day, corrected=corrected)
    answer = await web.insight.fresh(asked)
    headers = {"etag": answer.etag}
    if _unchanged(request, answer):
        return Response(status_code=304, headers=headers)
    return JSONResponse(await run_in_threadpool(answer.summary.as_dict), headers=headers)


@router.get(
    "/insight/charts/{name}",
    summary="A picture of it",
    response_class=Response,
    responses={
        200: {"content": {"image/svg+xml": {}}, "description": "The picture."},
        304: {"description": "As it was."},
    },
)
async def get_chart(
    request: Request,
    web: Parts,
    me: Onlooker,
    name: Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$", description="Name of a picture.")],
    child: ChildQuery = None,
    span: SpanQuery = "week",
    day: DayQuery = None,
    corrected: CorrectedQuery = False,
    width: Annotated[int, Query(ge=280, le=1400, description="In pixels.")] = 680,
    change: Annotated[
        IdText | None, Query(description="Of nights: id of the change; by default the last one.")
    ] = None,
    series: Annotated[
        IdText | None,
        Query(description="Of a sensor: id of its series; by default the first one."),
    ] = None,
) -> Response:
    """Draw a picture as SVG.

    Its title says what it shows; where there is nothing to draw yet, it says so in words.
    """
    if name not in PICTURES:
        raise Refusal(404, "There is no such picture.")
    asked = await asked_for(web, me, child=child, span=span, day=day, corrected=corrected)
    answer = await web.insight.fresh(asked)
    headers = {"etag": answer.etag}
    if _unchanged(request, answer):
        return Response(status_code=304, headers=headers)
    drawn = await web.insight.draw(answer, name, width, change=change, series=series)
    svg = drawn.svg or _in_words(drawn.title, width)
    # What is said above and below it; a header holds ASCII in one line only.
    for header, text in (("x-title", drawn.title), ("x-note", drawn.note)):
        headers[header] = " ".join(text.split()).encode("ascii", "xmlcharrefreplace").decode()
    return Response(svg, headers=headers, media_type="image/svg+xml")


@router.get(
    "/report",
    summary="The report for a health visitor or paediatrician",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}, "text/html": {}}, "description": "A file."}
    },
)
async def get_report(
    web: Parts,
    me: Onlooker,
    child: ChildQuery = None,
    since: FromDay = None,
    to: ToDay = None,
    kind: Form = "pdf",
    paper: Paper = "a4",
) -> Response:
    """Download two pages: what was measured and how, crying, sleep, feeds, answers, notes."""
    from harken.insight.report import report

    record, name = await _days(web, me, child, since, to, default=28)
    body = await web.insight.make(lambda: report(record, to=kind, paper=paper))
    return _file(body, f"harken-report-{name}", kind)


@router.get(
    "/sheet",
    summary="The clinic sheet: 14 days on one page",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}, "text/html": {}}, "description": "A file."}
    },
)
async def get_sheet(
    web: Parts,
    me: Onlooker,
    child: ChildQuery = None,
    since: FromDay = None,
    to: ToDay = None,
    kind: Form = "pdf",
    paper: Paper = "a4",
) -> Response:
    """Download a row a day: crying, sleep, feeds and nappies; hours without listening hatched."""
    from harken.insight.sheet import sheet

    record, name = await _days(web, me, child, since, to, default=14)
    body = await web.insight.make(lambda: sheet(record, to=kind, paper=paper))
    return _file(body, f"harken-sheet-{name}", kind)


def children_of(web: Web, me: Viewer) -> list[Child]:
    """Give the children that somebody may see; blocks."""
    return [one for one in web.household.list(Child) if me.cares or one.id in me.children]


async def asked_for(
    web: Web,
    me: Viewer,
    *,
    child: str | None,
    span: Span,
    day: date | None,
    corrected: bool,
) -> Asked:
    """Say what somebody may be shown of what they asked for.

    Parameters
    ----------
    web : Web
    me : Viewer
    child : str or None
        None: the first that they may see.
    span : {'day', 'week', 'month', 'all'}
    day : date or None
        None, or one that is still to come: today.
    corrected : bool

    Returns
    -------
    Asked

    Raises
    ------
    Refusal
        404 where there is no such child, or it isn't theirs to see.
    """

    def look() -> Asked:
        mine = children_of(web, me)
        ids = [one.id for one in mine]
        if (child is not None and child not in ids) or (not ids and not me.cares):
            raise Refusal(404, "There is no such child.")
        until = today(web.hub.journal, datetime.now(UTC))
        # Who was quicker is for those who answer, and only where all of them want it.
        compared = me.cares and bool(web.household.get_setting("compare_caregivers", False))
        chosen = child if child is not None else (ids[0] if ids else None)
        early = any(one.id == chosen and one.due is not None for one in mine)
        return Asked(
            chosen,
            span,
            max(_EARLIEST, min(day or until, until)),
            until,
            corrected=corrected and early,
            caregivers=compared,
            cares=me.cares,
        )

    return await run_in_threadpool(look)


async def _days(
    web: Web,
    me: Viewer,
    child: str | None,
    since: date | None,
    to: date | None,
    *,
    default: int,
) -> tuple[Any, str]:
    asked = await asked_for(web, me, child=child, span="day", day=to, corrected=False)
    first = since or asked.day - timedelta(days=default - 1)
    if first > asked.day:
        raise Refusal(422, "from must not come after to.")
    if asked.day - first > _LONGEST or first < _EARLIEST:
        raise Refusal(422, "from and to must be at most two years apart.")
    record = await web.insight.read(asked.child, first, asked.day)
    return record, f"{first.isoformat()}-to-{asked.day.isoformat()}"


def _unchanged(request: Request, answer: Answer) -> bool:
    named = request.headers.get("if-none-match", "")
    return answer.etag in (one.strip().removeprefix("W/") for one in named.split(","))


def _file(body: bytes, name: str, kind: str) -> Response:
    media_type = "application/pdf" if kind == "pdf" else "text/html; charset=utf-8"
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(body, headers=headers, media_type=media_type)


def _in_words(title: str, width: int) -> str:
    """Make a picture that only says why there is none."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="1" role="img" '
        f'aria-label={quoteattr(title)} data-empty="yes"></svg>'
    )
