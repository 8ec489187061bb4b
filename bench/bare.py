"""The limit to compare with: the same server, and a handler that does nothing but answer as many bytes."""

import os
from typing import Any

BODY = b"x" * int(os.environ.get("BARE_BYTES", "100"))
HEADERS = [(b"content-type", b"text/html"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A bare ASGI application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
