"""An answer that never arrives: the connection breaks after the first byte."""

from typing import Any

from litestar.response import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send


class _Broken(ASGIResponse):
    """Ends without the rest of its body: the server can only hang up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"65536")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class BrokenResponse(Response[bytes]):
    """Promises a body, sends one byte, breaks the connection."""

    def __init__(self) -> None:
        super().__init__(b"")

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return _Broken()
