"""The box office's own programs as people start them, in processes that tests may kill."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import httpx

from boxoffice.cli.serve import command
from tests.conftest import ROOT
from tests.plain import NO_TLS

APPLICATION = "boxoffice.asgi:app"
WORKER = [sys.executable, "-m", "boxoffice", "worker"]


class Program:
    """A running program with everything it started."""

    def __init__(self, line: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            line, cwd=ROOT, env=os.environ | environment, start_new_session=True, stdout=subprocess.DEVNULL
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL for all of it: nothing of it runs on."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int:
        """With which it ended; -9 after SIGKILL."""
        return self._process.wait()


@asynccontextmanager
async def server(environment: Mapping[str, str], port: int, application: str = APPLICATION) -> AsyncGenerator[Program]:
    """`boxoffice serve` on a port; it is killed at the end."""
    line = [*command("127.0.0.1", port, 1)[:-1], application]
    program = Program(line, environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5, verify=NO_TLS) as web:
            await _answering(web, program)
        yield program
    finally:
        program.kill()


@asynccontextmanager
async def worker(environment: Mapping[str, str]) -> AsyncGenerator[Program]:
    """`boxoffice worker`; it is killed at the end."""
    program = Program(WORKER, environment)
    try:
        yield program
    finally:
        program.kill()


async def _answering(web: httpx.AsyncClient, program: Program) -> None:
    for _ in range(1200):
        assert not program.ended(), "the server stopped by itself"
        try:
            if (await web.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.025)
    raise AssertionError("the server did not start")
