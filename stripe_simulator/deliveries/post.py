"""Sends one HTTP POST and reads the answer, over connections that are kept open for the next one."""

import asyncio
import ssl
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

ANSWER_LIMIT = 1024 * 1024
IDLE_CONNECTIONS = 32
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """The status of an answer, or the problem that kept one from coming."""

    status: int | None
    problem: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Post(Protocol):
    """How deliveries leave the simulator: over HTTP, or into a function of a simulation."""

    async def __call__(self, url: str, headers: dict[str, str], body: bytes, timeout: float) -> Reply: ...


class HttpPost:
    """A small HTTP/1.1 client. A connection that the other side closed while it was idle is not used again."""

    def __init__(self) -> None:
        self._idle: defaultdict[str, deque[Connection]] = defaultdict(deque)

    async def __call__(self, url: str, headers: dict[str, str], body: bytes, timeout: float) -> Reply:
        try:
            async with asyncio.timeout(timeout):
                return Reply(await self._exchange(url, headers, body))
        except TimeoutError:
            return Reply(None, f"no answer within {timeout:g} s")
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            return Reply(None, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close every idle connection."""
        for connections in self._idle.values():
            for _, writer in connections:
                writer.close()
        self._idle.clear()

    async def _exchange(self, url: str, headers: dict[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        request = _request(parts.path or "/", parts.query, parts.netloc, headers, body)
        while self._idle[origin]:
            reader, writer = self._idle[origin].popleft()
            if not reader.at_eof():
                return await self._ask(origin, reader, writer, request)
            writer.close()
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        port = parts.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure, limit=ANSWER_LIMIT)
        return await self._ask(origin, reader, writer, request)

    async def _ask(
        self, origin: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> int:
        kept = False
        try:
            writer.write(request)
            status, headers = await _head(reader)
            kept = await _skip_body(reader, status, headers)
            return status
        finally:
            if kept and len(self._idle[origin]) < IDLE_CONNECTIONS:
                self._idle[origin].append((reader, writer))
            else:
                writer.close()


def _request(path: str, query: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    target = f"{path}?{query}" if query else path
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        if status >= 200:
            break
    fields = (line.partition(":") for line in lines[1:] if line)
    return status, {name.strip().lower(): value.strip() for name, _, value in fields}


async def _skip_body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bool:
    """Read past the body; answers whether the connection can be used again."""
    reusable = headers.get("connection", "").lower() != "close"
    if status in (204, 304):
        return reusable
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        while (await reader.readline()).strip():
            pass
        return reusable
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
        return reusable
    await reader.read(ANSWER_LIMIT)
    return False
