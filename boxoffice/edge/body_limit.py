"""Bodies that are too large are refused with an answer that arrives.

A server that answers before it has read the body resets the connection, and many clients then never see the answer; so
the body is read and thrown away first, within bounds.
"""

from typing import TYPE_CHECKING

from litestar.middleware import ASGIMiddleware

from boxoffice.foundation.problems import Problem

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

BODY_BYTES_MAX = 1_000_000
THROWN_AWAY_BYTES_MAX = 64_000_000


class TooLarge(Problem):
    """More than this address takes."""

    status, type, title = 413, "too_large", "Too large"


class BodyLimit(ASGIMiddleware):
    """413 for a body that announces more than a megabyte."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp") -> None:
        """Reads no more than 64 MB of it."""
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not announced.isdigit() or int(announced) <= BODY_BYTES_MAX:
            await next_app(scope, receive, send)
            return
        left = THROWN_AWAY_BYTES_MAX
        while left > 0:
            message = await receive()
            if message["type"] != "http.request" or not message["more_body"]:
                break
            left -= len(message["body"])
        raise TooLarge("The body is larger than one megabyte. Nothing was changed.")
