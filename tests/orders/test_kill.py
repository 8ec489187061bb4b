"""kill -9 between each pair of steps of a purchase: every order still ends in a ticket, a release or a refund.

A program is stopped exactly where a test wants it by what the world outside can do: a row that somebody else has
locked, a network that holds a message back, a Stripe that does not answer.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email import message_from_bytes
from random import Random
from uuid import uuid4

import httpx
import pytest

from tests.house import House
from tests.proxy import Proxy
from tests.shop import CARD, Json, Shop, session_of, until

pytestmark = pytest.mark.slow

CROWD, KILLS = 60, 4
COMPLETED = "checkout.session.completed"


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
    """They wait for their turn before Stripe."""
    async with house.db.transaction() as connection:
        await connection.execute("UPDATE pace SET next_at = clock() + interval '1900 milliseconds'")
    yield
    await until(lambda: orders_are(house, "held"))
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
    await asyncio.sleep(0.3)  # a call's body leaves after its head
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
    async with house.db.transaction() as connection:
        kept = await connection.fetchrow("SELECT status, refund_id FROM refund")
    assert kept is not None
    assert tuple(kept) == ("succeeded", refund["id"])
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


async def test_a_worker_that_stood_still_longer_than_its_lease_sends_nothing_under_another_id(house: House) -> None:
    """Stopped with a mail in its hands; another worker sends it meanwhile."""
    shop = house.shop
    house.to_mail.set("frozen")
    await shop.pay(await shop.ordered())
    program = await house.work()
    await until(lambda: house.value("SELECT 1 FROM job WHERE name = 'mail_tickets' AND tries = 1"))
    await until(lambda: holds_back(house.to_mail))
    os.killpg(program.pid, signal.SIGSTOP)
    house.to_mail.set("cut")
    house.to_mail.set("open")
    await shop.pass_time(minutes=1)
    await shop.tick()
    done_at = await house.value("SELECT done_at FROM job WHERE name = 'mail_tickets'")
    assert done_at is not None
    os.killpg(program.pid, signal.SIGCONT)
    await asyncio.sleep(2)
    program.kill()
    assert await house.value("SELECT done_at FROM job WHERE name = 'mail_tickets'") == done_at
    assert len({message_from_bytes(raw)["Message-ID"] for raw in house.sink.messages}) == 1
    assert 1 <= len(house.sink.messages) <= 2
    await house.ends_well()


async def test_the_worker_dies_before_a_mail_is_sent_and_another_one_sends_it_within_a_minute(house: House) -> None:
    shop = house.shop
    house.to_mail.set("frozen")
    await shop.pay(await shop.ordered())
    program = await house.work()
    await until(lambda: house.value("SELECT 1 FROM job WHERE name = 'mail_tickets' AND tries = 1"))
    program.kill()
    house.to_mail.set("cut")
    house.to_mail.set("open")
    await shop.pass_time(seconds=60)
    await shop.tick()
    assert len(house.sink.messages) == 1
    await house.ends_well()


async def test_the_worker_dies_while_it_compares_with_stripe(house: House) -> None:
    shop = house.shop
    await shop.listen("charge.updated")
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD, wait=False)
    house.to_stripe.set("unanswered")
    program = await house.work()
    await until(lambda: holds_back(house.to_stripe))
    program.kill()
    house.to_stripe.set("cut")
    house.to_stripe.set("open")
    assert await house.value("SELECT status FROM orders") == "paying"
    await shop.pass_time(minutes=2)
    await shop.tick()
    assert len((await shop.look(order))["tickets"]) == 1
    await house.ends_well()


async def holds_back(proxy: Proxy) -> bool:
    return proxy.held_back > 0


async def all_expired(shop: Shop) -> bool:
    return {session["status"] for session in await shop.sessions()} == {"expired"}


# Anywhere


async def test_server_and_worker_die_again_and_again_while_a_crowd_buys(house: House) -> None:
    """At moments of chance. Every buyer asks again under the key; two of three pay, and all of those get in."""
    shop, random = house.shop, Random(20261124)
    async with house.db.transaction() as connection:
        await connection.execute("UPDATE stock SET cap = cap + 1000")
    kind = await shop.ticket_type()
    await shop.fault("timeout", "POST /v1/checkout/sessions", seconds=0.3, count=None)  # as slow as Stripe is
    crowd = asyncio.gather(*(buys_whatever_happens(shop, kind, pays=number % 3 > 0) for number in range(CROWD)))
    program = await house.work()
    for _ in range(KILLS):
        await another_session(shop)
        await asyncio.sleep(random.uniform(0, 0.3))
        house.server.kill()
        program.kill()
        await house.restart()
        program = await house.work()
    await shop.stripe.delete("/_control/faults")
    await until(lambda: everybody_has_an_order(house))
    await shop.pass_time(seconds=20)  # what the last ones were killed in the middle of is taken up again
    await shop.tick()
    orders = await crowd
    program.kill()
    await shop.pass_time(minutes=15)
    await shop.tick()
    assert len({order["code"] for order in orders}) == CROWD
    assert await house.value("SELECT count(*) FROM orders WHERE status = 'paid'") == CROWD - (CROWD + 2) // 3
    await house.ends_well()


async def buys_whatever_happens(shop: Shop, kind: str, *, pays: bool) -> Json:
    """Asks until there is an address to pay at."""
    key = f"key-{uuid4()}"
    while True:
        try:
            answer = await shop.order(key=key, ticket_type=kind)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        assert answer.status_code in (201, 503)
        if answer.status_code == 201 and answer.json()["checkout_url"]:
            break
        await asyncio.sleep(0.1)
    order: Json = answer.json()
    if pays:
        await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD, wait=False)
    return order


async def another_session(shop: Shop) -> None:
    """Waits until payments are opened again, if any are left to be."""
    seen = len(await shop.sessions())

    async def more() -> bool:
        return len(await shop.sessions()) > min(seen, CROWD - 1)

    await until(more)


async def everybody_has_an_order(house: House) -> bool:
    return await house.value("SELECT count(*) FROM orders") == CROWD
