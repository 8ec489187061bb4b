"""An event loop whose time stands still until it is moved; the network goes on as it is."""

import asyncio
import heapq
from typing import Any


class SimulationLoop(asyncio.SelectorEventLoop):
    """`time()` is the simulation's; timers are due when it says so."""

    moment = 0.0
    _ready: Any
    _scheduled: list[asyncio.TimerHandle]
    _selector: Any

    def time(self) -> float:
        return self.moment

    def next_timer(self) -> float | None:
        """When the next timer is due."""
        while self._scheduled and self._scheduled[0].cancelled():
            heapq.heappop(self._scheduled)
        return self._scheduled[0].when() if self._scheduled else None

    def begin(self) -> None:
        """Time zero, with no timer left over."""
        self.moment = 0.0
        self._scheduled.clear()

    def network_within(self, seconds: float) -> bool:
        """Waits in real time until something has come in over the network; what that is, is left to be read."""
        return bool(self._selector.select(seconds))

    async def settled(self) -> None:
        """Returns once nothing can go on without the network, a timer or a turn."""
        await asyncio.sleep(0)
        while self._ready:  # noqa: ASYNC110 - this is the loop itself
            await asyncio.sleep(0)
