"""The queue of deliveries: sends what is due, several at once per endpoint, and tries again what failed."""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Iterable

from stripe_simulator.clock import Clock
from stripe_simulator.deliveries.delivery import Delivery
from stripe_simulator.deliveries.endpoint import Endpoint
from stripe_simulator.deliveries.message import body_of, headers_of
from stripe_simulator.deliveries.post import Post, Reply
from stripe_simulator.settings import Settings
from stripe_simulator.store import outbox
from stripe_simulator.store.database import Database

LONGEST_SLEEP = 0.5

logger = logging.getLogger(__name__)


class DeliveryQueue:
    """Every pending delivery is in memory and in the database; the database is what a restart reads.

    An outcome is written after the answer came, many in one statement. A crash in between repeats a delivery,
    which receivers must bear anyway.
    """

    def __init__(self, database: Database, clock: Clock, settings: Settings, post: Post) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._database = database
        self._clock = clock
        self._settings = settings
        self._post = post
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._held: dict[str, list[Delivery]] = {}
        self._running: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._outcomes: list[tuple[Delivery, str | None, float]] = []
        self._sends: set[asyncio.Task[None]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def start(self) -> None:
        """Take up what an earlier run left and, unless switched off, send in the background."""
        self.add(await outbox.waiting(self._database))
        if self._settings.delivery:
            self._loop = asyncio.create_task(self._send_for_ever(), name="webhook deliveries")

    async def stop(self) -> None:
        """Stop sending; what is under way is cut off and tried again by the next run."""
        tasks = [task for task in (self._loop, *self._sends) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._write_outcomes()

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """Put deliveries in the queue."""
        for delivery in deliveries:
            heapq.heappush(self._waiting, (delivery.due, next(self._numbers), delivery))
        self._wake.set()

    def clock_moved(self) -> None:
        """Look again at what is due."""
        self._wake.set()

    def forget(self) -> None:
        """Drop everything that waits."""
        self._waiting.clear()
        self._held.clear()

    async def send_due(self) -> int:
        """Send what is due now, one after the other, in order; answers how many were sent."""
        sent = 0
        while (delivery := self._next_due()) is not None:
            await self._send(delivery)
            sent += 1
        await self._write_outcomes()
        return sent

    async def flush(self, timeout: float) -> bool:
        """Wait until nothing due is left unsent and every outcome is written; False when time ran out first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                if not self._settings.delivery:
                    await self.send_due()
                while self._is_busy():
                    await asyncio.sleep(0.005)
                return True
        return False

    def _is_busy(self) -> bool:
        due = bool(self._waiting) and self._waiting[0][0] <= self._clock.now()
        return due or bool(self._held or self._sends or self._outcomes or self._writer)

    async def _send_for_ever(self) -> None:
        while True:
            self._wake.clear()
            while (delivery := self._next_due()) is not None:
                if self._running[delivery.endpoint_id] < self._settings.deliveries_at_once:
                    self._begin(delivery)
                else:
                    self._held.setdefault(delivery.endpoint_id, []).append(delivery)
            pause = self._waiting[0][0] - self._clock.now() if self._waiting else LONGEST_SLEEP
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(pause, 0.001), LONGEST_SLEEP)):
                    await self._wake.wait()

    def _next_due(self) -> Delivery | None:
        if self._waiting and self._waiting[0][0] <= self._clock.now():
            return heapq.heappop(self._waiting)[2]
        return None

    def _begin(self, delivery: Delivery) -> None:
        self._running[delivery.endpoint_id] += 1
        task = asyncio.create_task(self._send(delivery))
        self._sends.add(task)
        task.add_done_callback(lambda done: self._ended(done, delivery.endpoint_id))

    def _ended(self, task: asyncio.Task[None], endpoint_id: str) -> None:
        self._sends.discard(task)
        self._running[endpoint_id] -= 1
        held = self._held.get(endpoint_id)
        if held:
            self._begin(held.pop(0))
            if not held:
                del self._held[endpoint_id]

    async def _send(self, delivery: Delivery) -> None:
        endpoint = self.endpoints.get(delivery.endpoint_id)
        if endpoint is None or not endpoint.enabled:
            self._note(delivery, "canceled", "the endpoint is disabled or deleted")
        elif delivery.fault and delivery.fault.drop:
            self._note(delivery, "dropped", "dropped on purpose")
        else:
            self._heard(delivery, await self._try(delivery, endpoint))

    async def _try(self, delivery: Delivery, endpoint: Endpoint) -> Reply:
        now = self._clock.now()
        body = body_of(delivery, endpoint.api_version)
        headers = headers_of(delivery, endpoint.secrets(now), now, body)
        reply = await self._post(endpoint.url, headers, body, self._settings.delivery_timeout)
        if delivery.fault and delivery.fault.answer_timeout:
            return Reply(None, "the answer was ignored on purpose")
        return reply

    def _heard(self, delivery: Delivery, reply: Reply) -> None:
        delivery.attempts += 1
        delivery.last_status = reply.status
        if reply.accepted:
            self._note(delivery, "succeeded", None)
        elif delivery.attempts > len(self._settings.retry_delays):
            self._note(delivery, "failed", reply.problem)
        else:
            delivery.due = self._clock.now() + self._settings.retry_delays[delivery.attempts - 1]
            self._note(delivery, "pending", reply.problem)
            self.add([delivery])

    def _note(self, delivery: Delivery, status: str, problem: str | None) -> None:
        delivery.status = status
        delivery.answered.set()
        self._outcomes.append((delivery, problem, self._clock.now()))
        if self._writer is None and self._loop is not None:
            self._begin_writing()

    def _begin_writing(self) -> None:
        self._writer = asyncio.create_task(self._write_outcomes())
        self._writer.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        """Outcomes that came in while the last ones were written are written next."""
        self._writer = None
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            logger.error("The outcomes of deliveries were not written.", exc_info=problem)
        if self._outcomes:
            self._begin_writing()

    async def _write_outcomes(self) -> None:
        while self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            await outbox.record(self._database, list({entry[0].id: entry for entry in outcomes}.values()))
