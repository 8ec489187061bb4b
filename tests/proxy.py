"""A TCP proxy that can be cut, frozen and restored: a network between two programs that is not to be trusted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

LAST_WORD_SECONDS = 0.05
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
        self._before_cut: int | None = None
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

    def cut_at(self, number: int) -> None:
        """The `number`th chunk to the target from now on is delivered, its answer is lost, and all connections end.
        New ones are as good as ever."""
        self._before_cut = number

    def was_cut(self) -> bool:
        """Whether it came to that; it will not any more."""
        came, self._before_cut = self._before_cut is None, None
        return came

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
            self._pass(reader, target_writer, self._forth, counted=True),
            self._pass(target_reader, writer, self._back),
        )
        self._writers -= {writer, target_writer}

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: asyncio.Event, *, counted: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if not way.is_set():
                    self.held_back += 1
                    await way.wait()
                if sink.is_closing():
                    return
                if counted and self._is_last():
                    await self._cut_after(data, sink)
                    return
                sink.write(data)
                await sink.drain()
        sink.close()

    def _is_last(self) -> bool:
        if self._before_cut is None:
            return False
        self._before_cut -= 1
        if self._before_cut > 0:
            return False
        self._before_cut = None
        return True

    async def _cut_after(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        self.set("unanswered")
        sink.write(data)
        await sink.drain()
        await asyncio.sleep(LAST_WORD_SECONDS)
        self.set("cut")
        self.set("open")
