"""A webhook endpoint of the tests' own: keeps what it hears and answers as told."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

Json = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """One delivery: its headers in lower case, its raw body, and what it says."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Json:
        return msgspec.json.decode(self.body)

    @property
    def type(self) -> str:
        return self.event["type"]

    @property
    def signature(self) -> str:
        return self.headers["stripe-signature"]


@dataclass
class Receiver:
    """`answers` are the statuses of the next answers; 200 once they are used up. 0 hangs up without an answer."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list[Heard])
    answers: deque[int] = field(default_factory=deque[int])
    pause: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.heard]

    def of(self, event_type: str) -> list[Heard]:
        return [one for one in self.heard if one.type == event_type]

    def forget(self) -> None:
        self.heard = []
        self.answers.clear()
        self.pause = 0.0

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        heard = self.heard
        if self.pause:
            await asyncio.sleep(self.pause)
        heard.append(Heard(lines[0].split(" ")[1], headers, body))
        status = self.answers.popleft() if self.answers else 200
        if status == 0:
            return False
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        return True
