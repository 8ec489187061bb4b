"""A load generator: keep-alive connections that write prepared HTTP/1.1 requests and read answers, nothing more."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

SETTLE_SECONDS = 0.3


@dataclass
class Load:
    """What came back: answers a second, statuses, and seconds that each answer took."""

    seconds: float = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    waits: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def p99_ms(self) -> float:
        return sorted(self.waits)[int(len(self.waits) * 0.99)] * 1000


async def load(port: int, request: Callable[[], bytes], *, clients: int, seconds: float) -> Load:
    """`clients` connections, each sending the next `request()` when its answer is there, for `seconds`."""
    result = Load(seconds)
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (start := time.perf_counter()) < end:
            writer.write(request())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            result.waits.append(time.perf_counter() - start)
            result.statuses[int(head[9:12])] += 1
        writer.close()

    await asyncio.sleep(SETTLE_SECONDS)
    await asyncio.gather(*(client() for _ in range(clients)))
    return result


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n".encode()


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A POST request with a JSON body; underscores in header names are hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{lines}\r\n"
    )
    return head.encode() + body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError(f"an answer without a length: {head!r}")
