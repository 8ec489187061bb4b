"""Many waiting callers served by one flush: whoever comes while a batch is on its way joins the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from boxoffice.foundation.problems import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

BATCH_MAX = 512


class Batcher(Generic[Item, Answer]):
    """Hands items to `flush` in arrival order, one batch after the other; knows nothing of what they mean.

    There is no timer: a quiet batcher flushes a batch of one at once. `flush` answers each item in order. When a batch
    raises it is halved, so that one bad item fails alone; but what is in `fails_whole` is nobody's fault and every
    caller's answer. `crowded` is what callers are told for whom there is no room, or no turn in time.
    """

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[list[Answer]]],
        *,
        crowded: str,
        queue_max: int = 5000,
        fails_whole: tuple[type[Exception], ...] = (),
    ) -> None:
        self._flush = flush
        self._crowded = crowded
        self._queue_max = queue_max
        self._fails_whole = fails_whole
        self._waiting: deque[tuple[Item, asyncio.Future[Answer], float]] = deque()
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, item: Item, *, within_seconds: float = 10) -> Answer:
        """The answer to `item`. Raises Unavailable when the queue is full, or when its turn came too late."""
        if len(self._waiting) >= self._queue_max:
            raise Unavailable(self._crowded)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, answer, loop.time() + within_seconds))
        if self._flusher is None or self._flusher.done():
            self._flusher = loop.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # whoever is about to ask joins them
            now = asyncio.get_running_loop().time()
            batch: list[tuple[Item, asyncio.Future[Answer]]] = []
            while self._waiting and len(batch) < BATCH_MAX:
                item, answer, deadline = self._waiting.popleft()
                if answer.done():
                    continue  # the caller has gone
                if deadline < now:
                    answer.set_exception(Unavailable(self._crowded))
                else:
                    batch.append((item, answer))
            if batch:
                await self._answer(batch)

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to the caller of the one item that is at fault
            if len(batch) == 1 or isinstance(error, self._fails_whole):
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                return
            half = len(batch) // 2
            await self._answer(batch[:half])
            await self._answer(batch[half:])
            return
        assert len(answers) == len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
