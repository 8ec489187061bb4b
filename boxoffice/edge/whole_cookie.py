"""Over HTTP/2 a browser may send each cookie in a header of its own (RFC 9113, section 8.2.3); one is read."""

from litestar.types import ASGIApp, Receive, Scope, Send

COOKIE = b"cookie"


class JoinsCookies:
    """Makes one header of them, as a server should have done."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Changes the scope in place, and only where there is something to join."""
        if scope["type"] == "http":
            headers = list(scope["headers"])
            cookies = [value for name, value in headers if name == COOKIE]
            if len(cookies) > 1:
                others = [(name, value) for name, value in headers if name != COOKIE]
                scope["headers"] = [*others, (COOKIE, b"; ".join(cookies))]
        await self._app(scope, receive, send)
