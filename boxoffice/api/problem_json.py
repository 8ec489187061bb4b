"""Problems as `application/problem+json` (RFC 9457)."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from boxoffice.edge.crash import RETRY_AFTER_SECONDS
from boxoffice.foundation.problems import FieldError, Problem, TooOften, Unavailable
from boxoffice.orders.place import PriceChanged


class ProblemBody(msgspec.Struct, frozen=True):
    """`type` is stable for programs, `title` the noun, `detail` the sentence."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] | msgspec.UnsetType = msgspec.UNSET
    price: int | msgspec.UnsetType = msgspec.UNSET
    """With `price_changed`: the unit price now, in minor units."""


def answer_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[ProblemBody]:
    """A problem of the trade."""
    body = ProblemBody(
        problem.type,
        problem.title,
        problem.status,
        problem.detail,
        problem.errors or msgspec.UNSET,
        problem.price_minor if isinstance(problem, PriceChanged) else msgspec.UNSET,
    )
    return _answer(body, problem.retry_after_seconds if isinstance(problem, TooOften) else None)


def answer_http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemBody]:
    """What the framework itself refuses: an unknown path, a method that is not offered, a body that is too large."""
    title = {404: "Not found", 405: "Method not allowed", 413: "Too large"}.get(error.status_code, "Bad request")
    detail = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    sentence = detail.get(error.status_code, error.detail)
    return _answer(ProblemBody(title.lower().replace(" ", "_"), title, error.status_code, sentence))


def _answer(body: ProblemBody, wait: int | None = None) -> Response[ProblemBody]:
    wait = wait or (RETRY_AFTER_SECONDS if body.status == Unavailable.status else None)
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Response(body, status_code=body.status, media_type="application/problem+json", headers=headers)
