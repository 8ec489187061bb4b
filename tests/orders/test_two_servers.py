"""64 buyers for the last 10 tickets over HTTP, at two server processes on one database, and the proof that this can
fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from boxoffice.foundation.db import Command, Database
from stripe_simulator.core import Core
from tests.nights import load
from tests.orders.test_last_tickets import BUYERS, EMPTY, FULL_AGAIN, LAST, ONE_RELEASE
from tests.plain import NO_TLS
from tests.programs import server
from tests.rewritten import without_the_condition
from tests.shop import SLUG, STRIPE_KEY, Json
from tests.shop_fixtures import shop_environment
from tests.stripe_simulator.seller import free_port

pytestmark = pytest.mark.slow

ROUNDS = 100
WRONG = (
    "SELECT count(*) FROM stock WHERE used <> (SELECT coalesce(sum(quantity), 0) FROM hold WHERE stock_id = stock.id)"
)
# Stripe's line is long, so that an answer is a place in it: what is measured here is the stock.
A_LONG_LINE = Command(
    """INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '1 hour')
  ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at"""
)


class Buyer:
    """A kept connection to one server, with no more HTTP than 6,400 orders need."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def at(cls, port: int) -> "Buyer":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, key: str, body: Json) -> tuple[int, Json]:
        """Status and body of the answer."""
        content = msgspec.json.encode(body)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\nContent-Length: {len(content)}"
        self._writer.write(head.encode() + b"\r\n\r\n" + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.split("content-length: ")[1].split("\r\n")[0])
        return int(answer.split()[1]), msgspec.json.decode(await self._reader.readexactly(length))

    def leave(self) -> None:
        self._writer.close()


@dataclass
class Crowd:
    """64 buyers, every other one at the other server."""

    buyers: list[Buyer]
    ticket_type: str
    orders: int = 0

    async def order(self, buyer: int, key: str | None = None) -> tuple[int, Json]:
        """One ticket, asked for by one of them."""
        self.orders += 1
        body = {
            "email": f"buyer{0 if key else self.orders}@example.org",
            "lines": [{"ticket_type": self.ticket_type, "quantity": 1, "price": 1200}],
        }
        return await self.buyers[buyer].post(f"/api/v1/events/{SLUG}/orders", key or f"key-{self.orders:012}", body)

    async def round(self) -> Counter[tuple[int, str | None]]:
        """All buyers at once: how many got which status and type of problem."""
        answers = await asyncio.gather(*(self.order(buyer) for buyer in range(BUYERS)))
        return Counter((status, body.get("type")) for status, body in answers)


@pytest.fixture
async def crowd(db: Database, simulator: Core, database_url: str) -> AsyncIterator[Crowd]:
    await simulator.reset()
    await load(db, ONE_RELEASE)
    environment = shop_environment(database_url, "http://localhost:3000", simulator.world.settings.base_url)
    ports = [free_port() for _ in range(2)]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(server(environment, port)) for port in ports))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}", verify=NO_TLS) as web:
            event = (await web.get(f"/api/v1/events/{SLUG}")).json()
        buyers = [await Buyer.at(ports[number % 2]) for number in range(BUYERS)]
        yield Crowd(buyers, event["ticket_types"][0]["id"])
        for buyer in buyers:
            buyer.leave()


async def test_ten_are_sold_and_fifty_four_are_told_so(crowd: Crowd, db: Database) -> None:
    for _ in range(ROUNDS):
        async with db.transaction() as connection:
            await EMPTY.run(connection)
            await FULL_AGAIN.run(connection)
            await A_LONG_LINE.run(connection)
        assert await crowd.round() == {(201, None): LAST, (409, "sold_out"): BUYERS - LAST}
        async with db.transaction() as connection:
            assert await connection.fetchval("SELECT count(*) FROM orders") == LAST
            assert await connection.fetchval(WRONG) == 0


async def test_without_the_check_and_the_condition_it_oversells(crowd: Crowd, db: Database) -> None:
    """The negative control of the test above."""
    async with db.transaction() as connection:
        await connection.execute("ALTER TABLE stock DROP CONSTRAINT stock_never_oversold")
        await connection.execute("ALTER TABLE stock DROP CONSTRAINT stock_closed_is_full")
        await connection.execute(without_the_condition())
        await A_LONG_LINE.run(connection)
    sold = (await crowd.round())[201, None]
    assert sold > LAST


async def test_six_posts_under_one_key_at_both_servers_are_one_order_and_one_session(
    crowd: Crowd, simulator: Core, db: Database
) -> None:
    answers = await asyncio.gather(*(crowd.order(buyer, "the-same-key-for-all") for buyer in range(6)))
    assert [status for status, _ in answers] == [201] * 6
    placed = [body for _, body in answers]
    assert len({(one["code"], one["access_token"]) for one in placed}) == 1
    async with httpx.AsyncClient(base_url=simulator.world.settings.base_url, verify=NO_TLS) as stripe:
        sessions = (await stripe.get("/v1/checkout/sessions", auth=(STRIPE_KEY, ""))).json()["data"]
    assert {one["checkout_url"] for one in placed} == {session["url"] for session in sessions}
    assert len(sessions) == 1
    async with db.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders") == 1
        assert await connection.fetchval("SELECT sum(used) FROM stock WHERE cap = 10") == 1
