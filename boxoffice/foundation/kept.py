"""What was made a moment ago serves whoever asks within the next second; one makes it, the others wait for that."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")

KEYS_MAX = 2000


class Kept(Generic[Value]):
    """Values by key, each for `seconds`, at most `keys_max`. What fails is not kept; every waiter gets the failure."""

    def __init__(self, seconds: float, keys_max: int = KEYS_MAX) -> None:
        self.seconds = seconds
        self.keys_max = keys_max
        self._values: dict[Hashable, tuple[float, asyncio.Task[Value]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Value]]) -> Value:
        """The value of `key`, made by `make` when there is none that is young enough."""
        loop = asyncio.get_running_loop()
        known = self._values.get(key)
        if known is not None and (not known[1].done() or known[0] > loop.time()) and known[1].get_loop() is loop:
            return await asyncio.shield(known[1])
        if len(self._values) >= self.keys_max:
            self._values.clear()
        task = loop.create_task(_made(make))
        self._values[key] = (loop.time() + self.seconds, task)
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and self._values.get(key, (0, None))[1] is task:
                del self._values[key]
            raise


async def _made(make: Callable[[], Awaitable[Value]]) -> Value:
    return await make()
