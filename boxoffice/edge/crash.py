"""What nobody foresaw: the traceback for us, one sentence and a reference for whoever asked."""

from typing import Any

from litestar import Request, Response

from boxoffice.foundation import logs

SENTENCE = "Something broke on our side. Nothing was charged twice; try again. Reference: "


def answer_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """500: problem+json under /api, else text."""
    request_id = str(request.scope["state"]["request_id"])
    logs.error("crash", problem=error)
    detail = f"{SENTENCE}{request_id}"
    if not request.url.path.startswith("/api/"):
        return Response(detail, status_code=500, media_type="text/plain")
    body = {"type": "crash", "title": "Crash", "status": 500, "detail": detail, "request_id": request_id}
    return Response(body, status_code=500, media_type="application/problem+json")
