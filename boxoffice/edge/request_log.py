"""Every request has an id, which its answer carries, and one line in the log."""

import re
import time
from collections.abc import Mapping
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from boxoffice.foundation import logs
from boxoffice.foundation.ids import new_id

HEADER = b"x-request-id"
WELL_FORMED = re.compile(rb"[A-Za-z0-9_-]{8,64}")
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
HARMLESS_PARAMETERS = {"slug", "code", "file_path"}
HARMLESS_SEGMENT = re.compile(r"[A-Za-z0-9._-]{0,24}")
SHOWN_MAX = 200


class RequestLog:
    """Outermost of the application: sees what nobody routes, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Logs method, path, status and milliseconds when the answer is sent or given up."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id
        method = scope["method"]
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, request_id.encode())]
            await send(message)

        began = time.perf_counter()
        with logs.bound(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                logs.error("crash after the answer began", problem=error)
                raise
            finally:
                milliseconds = round((time.perf_counter() - began) * 1000, 1)
                logs.info("request", method=method, path=shown_path(scope), status=status, ms=milliseconds)


def shown_path(scope: Mapping[str, Any]) -> str:
    """The path as the log may show it: never the query, and of a parameter only its name unless it is harmless.

    >>> shown_path({"path": "/x/tok", "path_template": "/x/{token}", "path_params": {"token": "tok"}})
    '/x/{token}'
    """
    template: str | None = scope.get("path_template")
    if template is None:
        segments = str(scope["path"])[:SHOWN_MAX].split("/")
        return "/".join(segment if HARMLESS_SEGMENT.fullmatch(segment) else "..." for segment in segments)
    parameters = scope["path_params"]

    def shown(match: re.Match[str]) -> str:
        return str(parameters.get(match[1]))[:SHOWN_MAX] if match[1] in HARMLESS_PARAMETERS else match[0]

    return PARAMETER.sub(shown, template)


def _request_id(scope: Scope) -> str:
    """The caller's, when it brings one that is safe to repeat."""
    for name, value in scope["headers"]:
        if name == HEADER and WELL_FORMED.fullmatch(value):
            return value.decode()
    return new_id().hex
