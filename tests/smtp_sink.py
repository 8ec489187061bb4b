"""An SMTP server for tests: it keeps what it is given, or refuses, hangs up or hangs at a chosen command."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MESSAGE_BYTES_MAX = 10_000_000
END = b"\r\n.\r\n"


@dataclass
class Sink:
    """`answers` maps a command (`CONNECT`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `END`, `QUIT`) to what is said instead of
    250; `hang up` and `hang` are done rather than said."""

    answers: dict[str, str] = field(default_factory=dict[str, str])
    extensions: tuple[str, ...] = ("SIZE 10000000",)
    tls: ssl.SSLContext | None = None
    start_tls: ssl.SSLContext | None = None
    port: int = 0
    hang_seconds: float = 2
    heard: list[str] = field(default_factory=list[str])
    messages: list[bytes] = field(default_factory=list[bytes])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Sink", None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls, limit=MESSAGE_BYTES_MAX)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, "CONNECT", "220 sink"):
            return
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            command = line.split()[0].upper()
            usual = {"DATA": "354 go on", "QUIT": "221 bye", "STARTTLS": "220 go on"}.get(command, "250 ok")
            if command == "EHLO":
                lines = ["sink", *self.extensions]
                usual = "\r\n".join(
                    f"250{'-' if number < len(lines) else ' '}{text}" for number, text in enumerate(lines, 1)
                )
            if not await self._say(writer, command, usual) or command == "QUIT":
                return
            if command == "STARTTLS" and self.start_tls:
                await writer.start_tls(self.start_tls)
            if command == "DATA" and self.answers.get("DATA", "354").startswith("354"):
                message = await reader.readuntil(END)
                self.messages.append(message.removesuffix(END) + b"\r\n")
                if not await self._say(writer, "END", "250 taken"):
                    return

    async def _say(self, writer: asyncio.StreamWriter, command: str, usual: str) -> bool:
        answer = self.answers.get(command, usual)
        if answer == "hang up":
            return False
        if answer == "hang":
            await asyncio.sleep(self.hang_seconds)
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True
