"""Serves the simulator on loopback: in this process, as a task of the running event loop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from random import Random

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar

from stripe_simulator.app import create_app
from stripe_simulator.clock import Clock
from stripe_simulator.core import Core
from stripe_simulator.settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class NotLoopback(ValueError):
    """The simulator takes test cards from anyone who reaches it, so it listens on this machine only."""


def check_host(host: str) -> None:
    """Refuse every address but loopback."""
    if host != "localhost" and not ip_address(host).is_loopback:
        raise NotLoopback(f"The simulator listens on this machine only, not on {host}.")


@asynccontextmanager
async def serving(
    settings: Settings, port: int, *, clock: Clock | None = None, random: Random | None = None
) -> AsyncGenerator[Core]:
    """Serve while the block runs; gives the core, for whoever wants to look inside."""
    app = create_app(settings, clock=clock, random=random)
    server = Server(app, address=HOST, port=port, interface=Interfaces.ASGI, log_level=LogLevels.error, websockets=True)
    task = asyncio.create_task(server.serve(), name="stripe simulator")
    try:
        yield await _started(app, task)
    finally:
        server.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await task


async def _started(app: Litestar, task: "asyncio.Task[None]") -> Core:
    async with asyncio.timeout(START_SECONDS):
        while getattr(app.state, "core", None) is None:
            if task.done():
                task.result()
                raise RuntimeError("The simulator stopped while it started; its log says why.")
            await asyncio.sleep(0.01)
    return app.state.core
