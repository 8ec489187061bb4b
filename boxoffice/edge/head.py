"""HEAD answers as GET does, without the body (RFC 9110, section 9.3.2), wherever GET is answered."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send


class AnswersHead:
    """Asks the application for GET and keeps the body back; the length of the body stays told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Changes the scope in place: whoever logs the request sees what routing adds to it."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                if message["more_body"]:
                    return
                message["body"] = b""
            await send(message)

        scope["method"] = "GET"
        await self._app(scope, receive, send_without_body)
