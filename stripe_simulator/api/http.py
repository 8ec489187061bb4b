"""The API's way in over HTTP: reads the request, hands it to the core, writes the answer."""

from litestar import HttpMethod, Request, route
from litestar.response import Response

from stripe_simulator.api.answering import AnswerLost
from stripe_simulator.api.authentication import key_from_header
from stripe_simulator.api.form import parse
from stripe_simulator.breaking import BrokenResponse
from stripe_simulator.core import Core


@route(
    "/v1/{rest:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE],
    media_type="application/json",
    include_in_schema=False,
)
async def api(request: "Request[None, None, Core]", core: Core) -> Response[bytes]:
    """Every call under `/v1`."""
    body = (await request.body()).decode("utf-8", "replace")
    query = request.scope["query_string"].decode()
    params = parse("&".join(part for part in (query, body) if part))
    try:
        answer = await core.call(
            request.method,
            request.scope["path"].rstrip("/"),
            params,
            key=key_from_header(request.headers.get("authorization")),
            idempotency_key=request.headers.get("idempotency-key"),
            version=request.headers.get("stripe-version"),
        )
    except AnswerLost:
        return BrokenResponse()
    return Response(answer.body, status_code=answer.status, headers=answer.headers, media_type="application/json")
