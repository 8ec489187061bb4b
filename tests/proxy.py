"""A TCP proxy that can be cut, frozen and restored: a network between two programs that is not to be trusted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Mode = Literal["open", "cut", "frozen"]


class Proxy:
    """`cut`: connections end at once, new ones too. `frozen`: they stay, and nothing comes through until it thaws."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.waiting = 0
        """Chunks that were held back since it was frozen."""

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> "AsyncGenerator[Proxy]":
        """A proxy on a free port of this machine."""
        proxy = cls(host, port)
        listener = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = listener.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            listener.close()
            proxy._end_connections()
            proxy._thawed.set()

    def set(self, mode: Mode) -> None:
        """What was held back is let through by `open`, and lost by `cut`."""
        self._cut = mode == "cut"
        if self._cut:
            self._end_connections()
        if mode == "frozen":
            self.waiting = 0
            self._thawed.clear()
        else:
            self._thawed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, target_writer}
        await asyncio.gather(self._pass(reader, target_writer), self._pass(target_reader, writer))
        self._writers -= {writer, target_writer}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                self.waiting += 1
                await self._thawed.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    def _end_connections(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
