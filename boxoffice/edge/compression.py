"""Answers that are text travel compressed. What everyone is given alike is compressed once, not for each of them."""

import gzip
from functools import lru_cache

from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

BYTES_MIN = 860  # a smaller answer fits into one packet either way
QUICKLY, WELL = 5, 9
TEXT = (b"text/", b"application/json", b"application/problem+json", b"image/svg+xml", b"application/manifest+json")


class Compression:
    """Wraps the application: gzip for whoever takes it, where it is worth it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers that come in one piece are compressed; others pass as they are."""
        if scope["type"] != "http" or not _takes_gzip(scope):
            await self.app(scope, receive, send)
            return
        start: HTTPResponseStartEvent | None = None

        async def compressing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    message["body"] = _compressed(start, message["body"])
                opening, start = start, None
                await send(opening)
            await send(message)

        await self.app(scope, receive, compressing)


def _takes_gzip(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])


def _compressed(start: HTTPResponseStartEvent, body: bytes) -> bytes:
    headers = dict(start["headers"])
    if not headers.get(b"content-type", b"").startswith(TEXT) or b"content-encoding" in headers:
        return body
    headers[b"vary"] = b"Accept-Encoding" if b"vary" not in headers else headers[b"vary"] + b", Accept-Encoding"
    if len(body) >= BYTES_MIN:
        shared = headers.get(b"cache-control", b"").startswith(b"public")
        body = _once(body) if shared else gzip.compress(body, QUICKLY, mtime=0)
        headers[b"content-encoding"] = b"gzip"
        headers[b"content-length"] = str(len(body)).encode()
    cookies = [header for header in start["headers"] if header[0] == b"set-cookie"]
    headers.pop(b"set-cookie", None)
    start["headers"] = [*headers.items(), *cookies]
    return body


@lru_cache(maxsize=128)
def _once(body: bytes) -> bytes:
    return gzip.compress(body, WELL, mtime=0)
