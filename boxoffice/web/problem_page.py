"""Wrong turns as pages: one sentence and a way on. Programs get `application/problem+json` instead."""

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from boxoffice.box import BoxOffice
from boxoffice.edge.crash import RETRY_AFTER_SECONDS, SENTENCE
from boxoffice.edge.render import page
from boxoffice.edge.visitor import SignInFirst
from boxoffice.foundation import logs
from boxoffice.foundation.problems import Problem, Unavailable
from boxoffice.orders.order import NotYours
from boxoffice.web.account.back import sign_in_page
from boxoffice.web.account.wallet import GoogleAway, TooManyPasses

FOR_PROGRAMS = ("/api", "/healthz", "/readyz")
SENTENCES = {
    400: ("Bad request", "Your browser sent something that cannot be read. Go back and try again."),
    404: ("Not found", "There is nothing at this address. The nights are one tap away."),
    405: ("Not possible here", "This address cannot be used like that. Go back and try again."),
    413: ("Too large", "That is more than fits here. Shorten it and try again."),
    422: ("Not understood", "Something in this address or form cannot be meant. Go back and look again."),
}


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person looks at the answer in a browser."""
    return not request.url.path.startswith(FOR_PROGRAMS) and "text/html" in request.headers.get("accept", "")


def problem_page(box: BoxOffice, problem: Problem) -> Response[str]:
    """A problem of the trade."""
    if isinstance(problem, SignInFirst):
        return sign_in_page(box, problem.slug)
    return _page(box, problem.status, problem.title, problem.detail, problem)


def http_error_page(box: BoxOffice, error: HTTPException) -> Response[str]:
    """What the framework itself refuses."""
    title, sentence = SENTENCES.get(error.status_code, SENTENCES[400])
    return _page(box, error.status_code, title, sentence)


def crash_page(box: BoxOffice, request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """What nobody expected: written to the log, and the request's id on the page."""
    logs.error("crash", problem=error)
    return _page(box, 500, "Our fault", f"{SENTENCE}{request.scope['state']['request_id']}")


def database_away_page(box: BoxOffice, error: Exception) -> Response[str]:
    """What is in `db.LOST` and `db.CLASHED`."""
    logs.warning("the database is away", problem=type(error.__cause__ or error).__name__)
    return problem_page(box, Unavailable("The box office cannot reach its books right now. Try again in a moment."))


def _page(box: BoxOffice, status: int, title: str, detail: str, problem: Problem | None = None) -> Response[str]:
    wait = getattr(problem, "retry_after_seconds", RETRY_AFTER_SECONDS if status == 503 else None)  # noqa: PLR2004
    headers = {} if wait is None else {"Retry-After": str(wait)}
    errors = problem.errors if problem else ()
    return page(
        box.settings, "problem.html", status=status, headers=headers, shown_status=status, title=title, detail=detail,
        errors=errors, mine=isinstance(problem, (NotYours, GoogleAway, TooManyPasses)),
    )  # fmt: skip
