"""kill -9 between each pair of steps of a purchase: every order still ends in a ticket, a release or a refund.

A program is stopped exactly where a test wants it by what the world outside can do: a row that somebody else has
locked, a network that holds a message back, a Stripe that does not answer.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from uuid import uuid4

import httpx
import pytest

from boxoffice.box import BoxOffice
from boxoffice.foundation.db import Database
from stripe_simulator.core import Core
from tests.nights import NIGHT, load
from tests.orders.conftest import shop_environment, shop_settings
from tests.programs import Program, server, worker
from tests.proxy import Proxy
from tests.shop import CARD, STRIPE_KEY, Json, Shop, session_of, until
from tests.smtp_sink import Sink
from tests.stripe_simulator.seller import free_port

ENDS = {"paid", "refunded", "expired", "released"}
COMPLETED = "checkout.session.completed"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@dataclass
class House:
    """A box office of processes with untrusted networks all around.

    `shop.box` is the worker that comes after the crash: it sees moved clocks, the processes do not.
    """

    shop: Shop
    db: Database
    environment: dict[str, str]
    port: int
    server: Program
    to_stripe: Proxy
    from_stripe: Proxy
    from_buyers: Proxy
    to_mail: Proxy
    sink: Sink
    stack: AsyncExitStack

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
        self.server = await self.stack.enter_async_context(server(self.environment, self.port))

    async def work(self) -> Program:
        """A worker's process."""
        return await self.stack.enter_async_context(worker(self.environment))

    async def refunds(self) -> list[Json]:
        """Every refund that Stripe knows."""
        return (await self.shop.stripe.get("/v1/refunds", auth=(STRIPE_KEY, ""))).json()["data"]

    async def ends_well(self) -> None:
        """Nothing is left open; a session, a charge and a set of tickets an order at most; the books are right."""
        async with self.db.transaction() as connection:
            statuses = [str(row[0]) for row in await connection.fetch("SELECT status FROM orders")]
            undone = await connection.fetch("SELECT name FROM job WHERE done_at IS NULL")
            unhandled = await connection.fetch("SELECT type FROM stripe_event WHERE handled_at IS NULL")
        assert set(statuses) <= ENDS
        assert (undone, unhandled) == ([], [])
        sessions = await self.shop.sessions()
        assert len({session["metadata"]["order_id"] for session in sessions}) == len(sessions)
        assert "open" not in {session["status"] for session in sessions}
        charges = await self.shop.charges()
        assert len({charge["payment_intent"] for charge in charges}) == len(charges)
        assert sum(not charge["refunded"] for charge in charges) == statuses.count("paid")
        await self.shop.sound()


@pytest.fixture
async def house(db: Database, simulator: Core, database_url: str) -> AsyncIterator[House]:
    await simulator.reset()
    stripe_url = simulator.world.settings.base_url
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink().running())
        to_stripe, from_stripe, from_buyers, to_mail = [
            await stack.enter_async_context(Proxy.to("127.0.0.1", one))
            for one in (int(stripe_url.rsplit(":", 1)[1]), port, port, sink.port)
        ]
        mail = {"SMTP_URL": f"smtp://127.0.0.1:{to_mail.port}", "MAIL_FROM": "Tickets <tickets@example.org>"}
        environment = shop_environment(database_url, url, f"http://127.0.0.1:{to_stripe.port}") | mail
        box = BoxOffice.from_settings(shop_settings(database_url, url, stripe_url, **mail))
        stack.push_async_callback(box.close)
        await load(db, NIGHT)
        process = await stack.enter_async_context(server(environment, port))
        buyers_url = f"http://127.0.0.1:{from_buyers.port}"
        web = await stack.enter_async_context(httpx.AsyncClient(base_url=buyers_url, timeout=60, trust_env=False))
        stripe = await stack.enter_async_context(httpx.AsyncClient(base_url=stripe_url, timeout=20, trust_env=False))
        shop = Shop(box, simulator, web, stripe, f"http://127.0.0.1:{from_stripe.port}")
        await shop.listen()
        yield House(shop, db, environment, port, process, to_stripe, from_stripe, from_buyers, to_mail, sink, stack)
        await shop.delivered()


# Buying: each of these lets orders that are placed in its block come to one point, and kills the server there


@asynccontextmanager
async def in_the_batch(house: House) -> AsyncGenerator[None]:
    async with house.holding("SELECT 1 FROM event"):
        yield
        await until(house.waits)
        house.server.kill()
    assert await house.value("SELECT count(*) FROM orders") == 0


@asynccontextmanager
async def held_and_not_paying(house: House) -> AsyncGenerator[None]:
    async with house.holding("SELECT 1 FROM pace"):
        yield
        await until(lambda: orders_are(house, "held"))
        await until(house.waits)
        house.server.kill()
    assert await orders_are(house, "held")


@asynccontextmanager
async def paying_and_not_called(house: House) -> AsyncGenerator[None]:
    house.to_stripe.set("frozen")
    yield
    await until(lambda: calls_wait(house))
    house.server.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    assert await house.shop.sessions() == []


@asynccontextmanager
async def called_and_the_call_arrives_later(house: House) -> AsyncGenerator[None]:
    house.to_stripe.set("frozen")
    yield
    await until(lambda: calls_wait(house))
    house.server.kill()
    house.to_stripe.set("open")
    await until(lambda: stripe_has_sessions(house))


@asynccontextmanager
async def made_and_not_stored(house: House) -> AsyncGenerator[None]:
    house.to_stripe.set("unanswered")
    yield
    await until(lambda: stripe_has_sessions(house))
    house.server.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    assert await house.value("SELECT count(*) FROM payment_attempt WHERE status = 'sending'") == 2


@asynccontextmanager
async def stored_and_not_answered(house: House) -> AsyncGenerator[None]:
    yield
    await until(lambda: sessions_are_stored(house))
    house.server.kill()


async def orders_are(house: House, status: str) -> bool:
    return await house.value(f"SELECT count(*) FROM orders WHERE status = '{status}'") == 2


async def calls_wait(house: House) -> bool:
    return await orders_are(house, "paying") and house.to_stripe.held_back >= 2


async def stripe_has_sessions(house: House) -> bool:
    return len(await house.shop.sessions()) == 2


async def sessions_are_stored(house: House) -> bool:
    return await house.value("SELECT count(*) FROM payment_attempt WHERE status = 'open'") == 2


POINTS: list[Callable[[House], AbstractAsyncContextManager[None]]] = [
    in_the_batch,
    held_and_not_paying,
    paying_and_not_called,
    called_and_the_call_arrives_later,
    made_and_not_stored,
    stored_and_not_answered,
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_the_server_dies_while_two_buy(
    house: House, point: Callable[[House], AbstractAsyncContextManager[None]]
) -> None:
    """Of two buyers whose orders are at the same point one comes back and pays; the other is not seen again."""
    shop = house.shop
    await shop.ordered(line={"price": 1200}, email="earlier@example.org")  # everything is warm, there is a pace
    keys = [f"key-{uuid4()}" for _ in range(2)]
    async with house.db.transaction() as connection:
        await connection.execute("TRUNCATE hold, order_line, payment_attempt, orders CASCADE")
        await connection.execute("UPDATE stock SET used = 0")
    await shop.control("reset")
    await shop.listen()
    ticket_type = await shop.ticket_type()
    house.from_buyers.set("unanswered")
    async with point(house):
        buying = [asyncio.create_task(shop.order(2, key=key, ticket_type=ticket_type)) for key in keys]
    house.from_buyers.set("cut")
    house.from_buyers.set("open")
    lost = await asyncio.gather(*buying, return_exceptions=True)
    assert all(isinstance(answer, httpx.TransportError) for answer in lost)

    await house.restart()
    await shop.pass_time(seconds=20)
    await shop.tick()
    order = await shop.ordered(2, key=keys[0])
    await shop.pay(order)
    assert len((await shop.look(order))["tickets"]) == 2
    await shop.pass_time(minutes=15)
    await shop.tick()
    await house.ends_well()
    assert await house.value("SELECT sum(quantity) FROM orders WHERE status = 'paid'") == 2
    assert await house.value("SELECT max(used) FROM stock") == 2


# Stripe's webhook


async def test_the_server_dies_in_the_transaction_of_a_webhook(house: House) -> None:
    shop = house.shop
    order = await shop.ordered(2)
    async with house.holding("SELECT 1 FROM orders"):
        await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD, wait=False)
        await until(house.waits)
        house.server.kill()
    assert await house.value("SELECT status FROM orders") == "paying"
    await house.restart()
    await shop.pass_time(seconds=11)  # Stripe delivers again
    assert len((await shop.look(order))["tickets"]) == 2
    await shop.tick()
    await house.ends_well()


async def test_the_server_dies_when_the_event_is_written_down_and_not_worked(house: House) -> None:
    shop = house.shop
    await shop.listen("payment_intent.succeeded")
    order = await shop.ordered()
    house.to_stripe.set("frozen")
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD, wait=False)
    await until(lambda: house.value("SELECT id FROM stripe_event"))
    house.server.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    house.from_stripe.set("cut")  # it never delivers again
    assert await house.value("SELECT handled_at FROM stripe_event") is None
    await house.restart()
    await shop.pass_time(seconds=31)
    await shop.tick()
    assert len((await shop.look(order))["tickets"]) == 1
    await house.ends_well()


async def test_the_server_dies_when_a_webhook_is_worked_and_not_answered(house: House) -> None:
    shop = house.shop
    await shop.listen(COMPLETED)
    order = await shop.ordered()
    house.from_stripe.set("unanswered")
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD, wait=False)
    await until(lambda: house.value("SELECT 1 FROM orders WHERE status = 'paid'"))
    house.server.kill()
    house.from_stripe.set("cut")
    house.from_stripe.set("open")
    await house.restart()
    await shop.pass_time(seconds=11)
    (delivery,) = (await shop.stripe.get("/_control/deliveries")).json()["deliveries"]
    assert (delivery["status"], delivery["attempts"]) == ("succeeded", 2)
    assert len((await shop.look(order))["tickets"]) == 1
    await shop.tick()
    await house.ends_well()


# The worker


async def refund_decided(house: House) -> None:
    """Money came for an order whose units went back to sale and were sold."""
    shop = house.shop
    await shop.listen(COMPLETED)
    order = await shop.ordered()
    async with house.db.transaction() as connection:
        await connection.execute("UPDATE payment_attempt SET status = 'expired'")
        await connection.fetch("SELECT 1 FROM stock ORDER BY id FOR UPDATE")
        await connection.execute("SELECT give_back(event_id, ARRAY[id]) FROM orders")
        await connection.execute("UPDATE orders SET status = 'expired'")
        await connection.execute("UPDATE stock SET cap = 0")
    await shop.pay(order)
    assert await house.value("SELECT status FROM refund") == "decided"


async def refunded_once(house: House) -> None:
    await house.shop.pass_time(minutes=3)
    await house.shop.tick()
    (refund,) = await house.refunds()
    (charge,) = await house.shop.charges()
    assert (refund["amount"], charge["amount_refunded"]) == (1200, 1200)
    assert await house.value("SELECT status FROM refund") == "succeeded"
    assert await house.value("SELECT status FROM orders") == "refunded"
    await house.ends_well()


async def test_the_worker_dies_with_a_refund_decided_and_not_sent(house: House) -> None:
    await refund_decided(house)
    house.to_stripe.set("frozen")
    program = await house.work()
    await until(lambda: house.value("SELECT 1 FROM job WHERE name = 'send_refund' AND tries = 1"))
    await until(lambda: holds_back(house.to_stripe))
    program.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    assert await house.refunds() == []
    await refunded_once(house)


async def test_the_worker_dies_with_a_refund_sent_and_not_settled(house: House) -> None:
    await refund_decided(house)
    house.to_stripe.set("unanswered")
    program = await house.work()
    await until(house.refunds)
    program.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    assert await house.value("SELECT status FROM refund") == "decided"
    await refunded_once(house)


async def test_the_worker_dies_when_stripe_has_ended_a_session_and_the_units_are_still_held(house: House) -> None:
    shop = house.shop
    await shop.listen(COMPLETED)
    await shop.ordered()
    async with house.db.transaction() as connection:
        await connection.execute("UPDATE orders SET held_until = clock()")
    await shop.fault("timeout", "POST /v1/checkout/sessions/*", seconds=5)
    program = await house.work()
    await until(lambda: house.value("SELECT ended_reason FROM orders"))
    await until(lambda: all_expired(shop))
    program.kill()
    assert await house.value("SELECT status FROM orders") == "paying"
    await shop.tick()
    assert await house.value("SELECT status FROM orders") == "expired"
    assert await house.value("SELECT max(used) FROM stock") == 0
    await house.ends_well()


async def test_the_worker_dies_when_a_mail_is_sent_and_not_marked(house: House) -> None:
    """It goes out again under the same Message-ID: twice in a mailbox is better than never."""
    shop = house.shop
    house.to_mail.set("frozen")
    order = await shop.ordered()
    await shop.pay(order)
    program = await house.work()
    await until(lambda: house.value("SELECT 1 FROM job WHERE name = 'mail_tickets' AND tries = 1"))
    async with house.holding("SELECT 1 FROM job WHERE name = 'mail_tickets'"):
        house.to_mail.set("open")
        await until(house.waits)
        program.kill()
    assert len(house.sink.messages) == 1
    assert await house.value("SELECT done_at FROM job WHERE name = 'mail_tickets'") is None
    await shop.pass_time(minutes=3)
    await shop.tick()
    first, second = [message_from_bytes(raw)["Message-ID"] for raw in house.sink.messages]
    assert first == second
    await house.ends_well()


async def holds_back(proxy: Proxy) -> bool:
    return proxy.held_back > 0


async def all_expired(shop: Shop) -> bool:
    return {session["status"] for session in await shop.sessions()} == {"expired"}
