"""Stripe's own command line (npm `@stripe/cli-linux-x64`), spoken to as its documentation says.

Where npm has it not (macOS), the `stripe` of the system serves. A person without one is told that these were left out;
CI fails without it. The package of this platform stands in package.json rather than `@stripe/cli`, which npm can lock
only where it finds the packages of all platforms.
"""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.shop import STRIPE_KEY, until

FROM_NPM = ROOT / "node_modules" / "@stripe" / "cli-linux-x64" / "bin" / "stripe"
STRIPE = str(FROM_NPM) if FROM_NPM.exists() else shutil.which("stripe")
LEFT_OUT = STRIPE is None and "CI" not in os.environ
with_stripe_cli = pytest.mark.skipif(LEFT_OUT, reason="no Stripe CLI on this machine")
READY_SECONDS = 30
DELIVERED = re.compile(r"\[(\d{3})\] POST \S+ \[(evt_\w+)\]")


class StripeCli:
    """One account, at `api_base`; its configuration is kept in `home`."""

    def __init__(self, api_base: str, home: Path) -> None:
        self._at = ("--api-base", api_base, "--api-key", STRIPE_KEY)
        self._environment = {"HOME": str(home), "PATH": os.environ["PATH"], "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
        self.deliveries: list[tuple[int, str]] = []
        """What `listen` printed: the status of each answer, and the event's id."""

    async def run(self, *arguments: str) -> str:
        """What a command prints; it must succeed."""
        process = await self._start(*arguments)
        said, _ = await asyncio.wait_for(process.communicate(), READY_SECONDS)
        assert process.returncode == 0, said.decode()
        return said.decode()

    @asynccontextmanager
    async def listening(self, forward_to: str) -> AsyncGenerator[None]:
        """`stripe listen --forward-to` while the block runs."""
        process = await self._start("listen", "--all-snapshot", "--forward-to", forward_to)
        ready = asyncio.Event()
        reading = asyncio.create_task(self._read(process, ready))
        try:
            await asyncio.wait_for(ready.wait(), READY_SECONDS)
            yield
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), READY_SECONDS)
            await reading

    async def answered(self, event_id: str, times: int = 1) -> int:
        """Waits until an event was delivered so many times, and returns the status of the last answer."""

        async def so_often() -> bool:
            return [event for _, event in self.deliveries].count(event_id) >= times

        await until(so_often)
        return next(status for status, event in reversed(self.deliveries) if event == event_id)

    async def _read(self, process: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode()
            if "Ready!" in text:
                ready.set()
            if found := DELIVERED.search(text):
                self.deliveries.append((int(found[1]), found[2]))

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        assert STRIPE is not None, "`make node_modules/.package-lock.json` brings Stripe's command line"
        return await asyncio.create_subprocess_exec(
            *(STRIPE, *arguments, "--color", "off", *self._at),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
