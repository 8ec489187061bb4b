"""The API's way in over HTTP: reads the request, hands it to the core, writes the answer."""

import logging
from email.utils import formatdate
from typing import Any

from litestar import HttpMethod, Request, route
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Response

from stripe_simulator.api.answering import AnswerLost
from stripe_simulator.api.authentication import key_from_header
from stripe_simulator.api.form import parse
from stripe_simulator.breaking import BrokenResponse
from stripe_simulator.core import Core
from stripe_simulator.errors import ServerError, StripeError, encoded

UNANSWERED = "req_unanswered"

logger = logging.getLogger(__name__)


def refused(_request: "Request[Any, Any, Any]", error: StripeError) -> Response[bytes]:
    """A request that could not even be read."""
    return _json(encoded(error.body(UNANSWERED)), error.status, {})


def crashed(request: "Request[Any, Any, Any]", error: Exception) -> Response[bytes]:
    """A mistake of the simulator's own, told as Stripe tells its own."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _json(encoded(ServerError().body(UNANSWERED)), ServerError.status, {})


@route(
    "/v1/{rest:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE],
    exception_handlers={StripeError: refused, Exception: crashed},
    include_in_schema=False,
)
async def api(request: "Request[None, None, State]", core: NamedDependency[Core]) -> Response[bytes]:
    """Every call under `/v1`."""
    body = (await request.body()).decode("utf-8", "replace")
    query = request.scope["query_string"].decode()
    headers = request.headers
    try:
        answer = await core.call(
            request.method,
            request.scope["path"].rstrip("/"),
            parse("&".join(part for part in (query, body) if part)),
            key=key_from_header(headers.get("authorization")),
            idempotency_key=headers.get("idempotency-key"),
            version=headers.get("stripe-version"),
            account=headers.get("stripe-account"),
        )
    except AnswerLost:
        return BrokenResponse()
    # The simulator's clock, not the machine's: callers measure theirs by it.
    date = {"Date": formatdate(core.world.now, usegmt=True)}
    return _json(answer.body, answer.status, answer.headers | date)


def _json(body: bytes, status: int, headers: dict[str, str]) -> Response[bytes]:
    return Response(body, status_code=status, headers=headers, media_type="application/json")
