"""How a refusal reaches people: one plain sentence, as JSON or as a page, never a traceback."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harken.errors import HarkenError, JournalError, ParameterError

SAYS = {
    400: "This request can't be read.",
    401: "Sign in first.",
    403: "You may not do that.",
    404: "There is nothing here.",
    405: "That can't be done here.",
    408: "The request came too slowly; try again.",
    409: "That can't be done now.",
    413: "That is too large.",
    415: "Send JSON.",
    422: "Something in the request is missing or wrong.",
    429: "Too many tries; wait a little.",
    500: "Something went wrong in the hub; its log says what.",
    503: "The hub can't do that just now; try again.",
}
"""The sentence where nothing better is known."""


class Refusal(HTTPException):
    """The answer is no; `says` is what the person reads.

    Parameters
    ----------
    status : int
        400 to 599.
    says : str, optional
        One sentence.
    headers : dict, optional
    """

    def __init__(
        self, status: int, says: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, says or SAYS.get(status, SAYS[400]), headers)


def problem(
    status: int, says: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Make the JSON answer of a refusal.

    Parameters
    ----------
    status : int
    says : str, optional
        One sentence; by default what the status means.
    headers : dict, optional

    Examples
    --------
    >>> problem(401).body
    b'{"error":"Sign in first."}'
    """
    return JSONResponse({"error": says or SAYS.get(status, SAYS[400])}, status, headers)


def status_of(error: HarkenError) -> int:
    """Give the HTTP status of one of the package's errors.

    Examples
    --------
    >>> status_of(ParameterError("x")), status_of(JournalError("x")), status_of(HarkenError("x"))
    (422, 503, 409)
    """
    if isinstance(error, ParameterError):
        return 422
    return 503 if isinstance(error, JournalError) else 409


def one_sentence(errors: Sequence[Any]) -> str:
    """Put pydantic's first complaint into words.

    Parameters
    ----------
    errors : sequence of dict
        As `RequestValidationError.errors` gives them.

    Examples
    --------
    >>> one_sentence([{"loc": ("body", "name"), "msg": "Field required"}])
    'name: field required.'
    """
    if not errors:
        return SAYS[422]
    first = errors[0]
    where = ".".join(
        str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path")
    )
    what = str(first.get("msg", "")).removeprefix("Value error, ").rstrip(".")
    what = what[:1].lower() + what[1:] if where else what[:1].upper() + what[1:]
    return f"{where}: {what}." if where else f"{what}."


def add_problems(app: FastAPI) -> None:
    """Make an app answer refusals and the package's errors as `answer` does.

    What nobody expected is caught by `Guard`.
    """

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        says = error.detail if isinstance(error, Refusal) else None
        headers = dict(error.headers or {})
        return answer(request, error.status_code, says, headers)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, 422, one_sentence(error.errors()), {})

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, HarkenError)
        return answer(request, status_of(error), str(error), {})

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HarkenError, known)


def answer(
    request: Request,
    status: int,
    says: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Make the answer of a refusal: JSON, or a page where a page was asked for.

    Parameters
    ----------
    request : Request
    status : int
    says : str, optional
        One sentence; by default what the status means.
    headers : dict, optional
    """
    pages = getattr(request.app.state, "pages", None)
    if pages is None or not wants_page(request.url.path, request.headers.get("accept", "")):
        return problem(status, says, headers)
    page: Response = pages.problem(request, status, says)
    page.headers.update(headers or {})
    return page


def wants_page(path: str, accept: str) -> bool:
    """Say whether somebody looks at the answer, rather than a script.

    Examples
    --------
    >>> wants_page("/journal", "text/html"), wants_page("/api/state", "text/html")
    (True, False)
    """
    return not path.startswith(("/api/", "/static/")) and "text/html" in accept
