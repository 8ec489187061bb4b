"""A box office of processes that may be killed, among networks that may break."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from boxoffice.foundation.db import Database
from tests.programs import Program, server, worker
from tests.proxy import Proxy
from tests.shop import STRIPE_KEY, Json, Shop
from tests.smtp_sink import Sink

ENDS = {"paid", "refunded", "expired", "released"}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@dataclass
class House:
    """A box office of processes with untrusted networks all around; `db` and `shop.stripe` have ways of their own.

    `shop.box` is the worker that comes after the crash: it sees moved clocks, the processes do not.
    """

    shop: Shop
    db: Database
    environment: dict[str, str]
    port: int
    server: Program
    to_database: Proxy
    to_stripe: Proxy
    from_stripe: Proxy
    from_buyers: Proxy
    to_mail: Proxy
    sink: Sink
    stack: AsyncExitStack
    application: str

    async def value(self, sql: str) -> Any:
        """One value from the database."""
        async with self.db.transaction() as connection:
            return await connection.fetchval(sql)

    @asynccontextmanager
    async def holding(self, rows: str) -> AsyncGenerator[None]:
        """Somebody else has these rows locked."""
        async with self.db.transaction() as connection:
            assert await connection.fetch(f"{rows} FOR UPDATE")
            yield

    async def waits(self) -> bool:
        """Whether a program waits for a row."""
        return await self.value(WAITING) > 0

    async def restart(self) -> None:
        """The server comes back on its port."""
        self.server = await self.stack.enter_async_context(server(self.environment, self.port, self.application))

    async def work(self) -> Program:
        """A worker's process."""
        return await self.stack.enter_async_context(worker(self.environment))

    def present(self) -> None:
        """Clocks that were moved show the present again."""
        self.shop.box.db.moved_clock = None
        self.shop.core.world.clock.offset = 0.0  # type: ignore[attr-defined]

    async def refunds(self) -> list[Json]:
        """Every refund that Stripe knows."""
        return (await self.shop.stripe.get("/v1/refunds", auth=(STRIPE_KEY, ""))).json()["data"]

    async def ends_well(self) -> None:
        """Nothing is left open; a session, a charge and a set of tickets an order at most; the books are right.

        Only what Stripe keeps of a payment may still be asked for: it is not known at once.
        """
        async with self.db.transaction() as connection:
            statuses = [str(row[0]) for row in await connection.fetch("SELECT status FROM orders")]
            undone = await connection.fetch("SELECT name FROM job WHERE done_at IS NULL AND name <> 'read_fee'")
            unhandled = await connection.fetch("SELECT type FROM stripe_event WHERE handled_at IS NULL")
        assert set(statuses) <= ENDS
        assert (undone, unhandled) == ([], [])
        sessions = await self.shop.sessions()
        assert len({session["metadata"]["order_id"] for session in sessions}) == len(sessions)
        assert "open" not in {session["status"] for session in sessions}
        charges = await self.shop.charges()
        assert len({charge["payment_intent"] for charge in charges}) == len(charges)
        assert sum(not charge["refunded"] for charge in charges) == statuses.count("paid")
        await self.shop.pass_time(minutes=1)
        await self.shop.tick()
        assert await self.value("SELECT count(*) FROM job WHERE done_at IS NULL") == 0
        await self.shop.sound()
