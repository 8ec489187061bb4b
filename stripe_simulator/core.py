"""The simulator without HTTP: API calls, the buyer's steps and the clock, in one process with given ports."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from random import Random, SystemRandom
from typing import Any, TypeVar

from stripe_simulator import later
from stripe_simulator.api.answering import Answer, Answering, Request
from stripe_simulator.api.webhook_endpoints import ensure_endpoint
from stripe_simulator.checkout.pay import Paid, Payment, authenticate, pay
from stripe_simulator.clock import Clock, ManualClock, SystemClock
from stripe_simulator.deliveries.address import Addresser
from stripe_simulator.deliveries.endpoint import Endpoint
from stripe_simulator.deliveries.post import HttpPost, Post
from stripe_simulator.deliveries.queue import DeliveryQueue
from stripe_simulator.faults import Faults
from stripe_simulator.ids import Ids
from stripe_simulator.settings import Settings
from stripe_simulator.store import kept, objects
from stripe_simulator.store.database import DATABASE_PROBLEMS, Database
from stripe_simulator.store.unit import Unit
from stripe_simulator.world import World

Json = dict[str, Any]
Result = TypeVar("Result")

CLOCK_OFFSET = "clock_offset"
SHORTEST_TICK = 0.01
LONGEST_TICK = 0.25

logger = logging.getLogger(__name__)


class Core:
    """Open it as `async with Core.open(settings) as core`. Time, chance and the way out are ports."""

    def __init__(self, world: World, post: Post) -> None:
        self.world = world
        self._post = post
        self._answering = Answering(world)
        self._ticking: asyncio.Task[None] | None = None
        self._turning = asyncio.Lock()

    @classmethod
    async def started(
        cls, settings: Settings, *, clock: Clock | None = None, random: Random | None = None, post: Post | None = None
    ) -> "Core":
        """Connect, migrate, take up what an earlier run left. End it with `stop`."""
        database = await Database.open(settings)
        clock = clock or (ManualClock() if settings.manual_clock else SystemClock())
        random = random or SystemRandom()
        post = post or HttpPost()
        ids = Ids(random)
        faults = Faults(random)
        queue = DeliveryQueue(database, clock, settings, post)
        addresser = Addresser(queue.endpoints, faults, clock, ids)
        world = World(settings, database, clock, random, ids, faults, queue, addresser, settings.endpoint_rate_limit)
        core = cls(world, post)
        await core._take_up()
        return core

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: Settings, **ports: Any) -> "AsyncGenerator[Core]":
        """A running simulator for the length of a block."""
        core = await cls.started(settings, **ports)
        try:
            yield core
        finally:
            await core.stop()

    async def stop(self) -> None:
        """Stop sending and ticking, close the database."""
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self.world.queue.stop()
        if isinstance(self._post, HttpPost):
            self._post.close()
        await self.world.database.close()

    def start_ticking(self) -> None:
        """Let what is due happen by itself from now on."""
        self._ticking = asyncio.create_task(self._tick_for_ever(), name="simulator clock")

    async def call(
        self,
        method: str,
        path: str,
        params: Json | None = None,
        *,
        key: str | None,
        idempotency_key: str | None = None,
        version: str | None = None,
        account: str | None = None,
    ) -> Answer:
        """One API call. `params` is a tree of values as `form.parse` gives it; numbers and booleans may be themselves.

        Raises AnswerLost when a fault lets the effect happen and loses the answer.
        """
        request = Request(
            method=method,
            path=path,
            params=params or {},
            key=key,
            idempotency_key=idempotency_key,
            version=version,
            account=account,
            request_id=f"req_{self.world.ids.characters(14)}",
        )
        return await self._answering.answer(request)

    async def pay(self, session_id: str, payment: Payment, *, wait: bool = False) -> Paid:
        """The buyer presses Pay on the session's page."""
        return await self._with_buyer(lambda unit: pay(self.world, unit, session_id, payment), wait=wait)

    async def authenticate(self, session_id: str, *, proved: bool, wait: bool = False) -> Paid:
        """The buyer comes back from 3-D Secure."""
        return await self._with_buyer(lambda unit: authenticate(self.world, unit, session_id, proved=proved), wait=wait)

    async def act(self, verb: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Run a verb that no API request caused in a unit of work, and let its deliveries go out."""
        return await self._committed(self.world.unit(), verb)

    async def advance(self, seconds: float) -> None:
        """Move the clock and let everything happen that becomes due on the way."""
        self.world.clock.advance(seconds)
        if isinstance(self.world.clock, SystemClock):
            await kept.keep(self.world.database, CLOCK_OFFSET, str(self.world.clock.offset))
        await self.turn()
        self.world.queue.clock_moved()

    async def turn(self) -> int:
        """Let everything happen that is due now; answers how much that was."""
        async with self._turning:
            return await later.turn(self.world)

    async def reset(self) -> None:
        """Forget everything: objects, events, endpoints, faults, the moved clock."""
        self.world.queue.forget()
        await self.world.queue.flush(timeout=1.0)
        self.world.faults.remove()
        self.world.queue.endpoints.clear()
        if isinstance(self.world.clock, SystemClock):
            self.world.clock.offset = 0.0
        self.world.endpoint_rate_limit = self.world.settings.endpoint_rate_limit
        self.world.account.clear()
        await kept.forget_everything(self.world.database)
        await self._ensure_default_endpoint()

    async def _with_buyer(self, verb: Callable[[Unit], Awaitable[Paid]], *, wait: bool) -> Paid:
        unit = self.world.unit()
        paid = await self._committed(unit, verb)
        if wait and paid.completed:
            await self._completed_heard(unit)
        return paid

    async def _committed(self, unit: Unit, verb: Callable[[Unit], Awaitable[Result]]) -> Result:
        try:
            result = await verb(unit)
            await self.world.commit(unit)
        except BaseException:
            await unit.rollback()
            raise
        return result

    async def _completed_heard(self, unit: Unit) -> None:
        """Wait until the endpoints answered `checkout.session.completed`, but not for ever."""
        told = [one for one in unit.deliveries if one.event_type == "checkout.session.completed"]
        if told and self.world.settings.delivery:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.world.settings.redirect_wait):
                    await asyncio.gather(*(one.answered.wait() for one in told))

    async def _take_up(self) -> None:
        database = self.world.database
        if isinstance(self.world.clock, SystemClock):
            self.world.clock.offset = float(await kept.value_of(database, CLOCK_OFFSET) or 0)
        for record in await objects.of_kind(database.pool, "webhook_endpoint"):
            self.world.queue.endpoints[record.id] = Endpoint.from_record(record)
        await self._ensure_default_endpoint()
        await self.world.queue.start()

    async def _ensure_default_endpoint(self) -> None:
        chosen = self.world.settings.default_endpoint
        if chosen is None:
            return
        given = {
            "url": chosen.url,
            "enabled_events": list(chosen.enabled_events),
            "api_version": chosen.api_version,
        }
        await self.act(lambda unit: ensure_endpoint(unit, given, chosen.secret))

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self.turn()
                moment = await later.next_moment(self.world)
            except DATABASE_PROBLEMS:
                logger.exception("The clock could not be followed; it goes on in a moment.")
                moment = None
            pause = LONGEST_TICK if moment is None else moment - self.world.clock.now()
            await asyncio.sleep(min(max(pause, SHORTEST_TICK), LONGEST_TICK))
