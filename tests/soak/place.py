"""A box office of two servers and a worker on a PostgreSQL of its own, that can be stopped."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from boxoffice.foundation.db import Database
from local_postgres import LocalPostgres
from stripe_simulator.core import Core
from tests.house import House
from tests.programs import Program, server
from tests.proxy import Proxy
from tests.shop_fixtures import open_house
from tests.stripe_simulator.seller import free_port

ANSWER_SECONDS = 40.0
LARGE = "UPDATE stock SET cap = cap + 100000"


@dataclass
class Place:
    """`servers[n]` is reached by buyers as `doors[n]`; the worker may be dead for a moment, and so may they."""

    house: House
    postgres: LocalPostgres
    ports: tuple[int, int]
    servers: list[Program]
    doors: list[httpx.AsyncClient]
    from_buyers: list[Proxy]
    worker: Program
    kind: str

    async def kill_server(self, number: int) -> None:
        """kill -9, and another one in its place."""
        self.servers[number].kill()
        self.servers[number] = await self.house.stack.enter_async_context(
            server(self.house.environment, self.ports[number])
        )

    async def kill_worker(self) -> None:
        """kill -9, and another one in its place."""
        self.worker.kill()
        self.worker = await self.house.work()

    async def stop_postgres(self, seconds: float) -> None:
        """The plug is pulled out, and put in again after a while."""
        await asyncio.to_thread(lambda: self.postgres.stop(immediate=True))
        await asyncio.sleep(seconds)
        port = self.postgres.port
        await asyncio.to_thread(self.postgres.start)
        assert self.postgres.port == port, "another program took the port of PostgreSQL"


@asynccontextmanager
async def open_place(postgres: LocalPostgres, simulator: Core, database_url: str) -> AsyncGenerator[Place]:
    """A night with room for everybody. The simulator must keep its books in another cluster."""
    db = Database(database_url, size=4)
    try:
        async with open_house(db, simulator, database_url) as house:
            async with db.transaction() as connection:
                await connection.execute(LARGE)
            kind = await house.shop.ticket_type()
            port = free_port()
            second = await house.stack.enter_async_context(server(house.environment, port))
            proxy = await house.stack.enter_async_context(Proxy.to("127.0.0.1", port))
            doors = [await house.stack.enter_async_context(_door(one)) for one in (house.from_buyers, proxy)]
            worker = await house.work()
            proxies = [house.from_buyers, proxy]
            yield Place(house, postgres, (house.port, port), [house.server, second], doors, proxies, worker, kind)
    finally:
        await db.close()


def _door(proxy: Proxy) -> httpx.AsyncClient:
    """Many people go through it, so it keeps no cookie."""
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    url = f"http://127.0.0.1:{proxy.port}"
    return httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS, trust_env=False, cookies=jar)
