"""What nobody foresaw: the traceback for us, one sentence and a reference for whoever asked. And a database that is
away, which nobody can help but everybody can wait for."""

from typing import Any

from litestar import Request, Response

from boxoffice.foundation import logs

RETRY_AFTER_SECONDS = 5
AWAY = "The database does not answer right now. Try again in a few seconds: the same order never counts twice."
SENTENCE = "Something broke on our side. Nothing was charged twice; try again. Reference: "


def answer_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """500: problem+json under /api, else text."""
    request_id = str(request.scope["state"]["request_id"])
    logs.error("crash", problem=error)
    detail = f"{SENTENCE}{request_id}"
    return _answer(request, {"type": "crash", "title": "Crash", "status": 500, "detail": detail})


def answer_database_away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """503 for what is in `db.LOST` and `db.CLASHED`, with the moment to ask again."""
    logs.warning("the database is away", problem=type(error.__cause__ or error).__name__)
    answer = _answer(request, {"type": "unavailable", "title": "Unavailable", "status": 503, "detail": AWAY})
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _answer(request: Request[Any, Any, Any], problem: dict[str, Any]) -> Response[Any]:
    status = problem["status"]
    if not request.url.path.startswith("/api/"):
        return Response(problem["detail"], status_code=status, media_type="text/plain")
    body = problem | {"request_id": str(request.scope["state"]["request_id"])}
    return Response(body, status_code=status, media_type="application/problem+json")
