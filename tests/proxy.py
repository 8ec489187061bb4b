"""A TCP proxy that can be cut, frozen and restored: a network between two programs that is not to be trusted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Mode = Literal["open", "cut", "frozen", "unanswered"]


class Proxy:
    """`cut`: connections end at once, new ones too, and what was held back is lost. `frozen`: they stay, and nothing
    comes through. `unanswered`: nothing comes back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._cut = False
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.held_back = 0
        """Chunks that wait, since the mode was last set."""
        self.set("open")

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
            proxy.set("cut")

    def set(self, mode: Mode) -> None:
        """How the network is from now on."""
        self._cut = mode == "cut"
        if self._cut:
            for writer in self._writers:
                writer.transport.abort()
        self.held_back = 0
        for way, passes in ((self._forth, mode != "frozen"), (self._back, mode in ("open", "cut"))):
            if passes:
                way.set()
            else:
                way.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, target_writer}
        await asyncio.gather(
            self._pass(reader, target_writer, self._forth), self._pass(target_reader, writer, self._back)
        )
        self._writers -= {writer, target_writer}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if not way.is_set():
                    self.held_back += 1
                    await way.wait()
                if sink.is_closing():
                    return
                sink.write(data)
                await sink.drain()
        sink.close()
