"""Late payments, sell-out batches, sweeps and give-ups at once: one order of locks, so nobody waits in a circle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from random import Random
from typing import Any
from uuid import UUID

import pytest

from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import Command, Database, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.fulfil import fulfil
from boxoffice.orders.pay import APP
from boxoffice.orders.place import Counter, Line, Placed, Request
from boxoffice.orders.release import end, end_hold
from boxoffice.orders.till import Till
from boxoffice.payments.breaker import Breaker
from boxoffice.payments.pacing import Pace
from boxoffice.payments.stripe_objects import Session
from tests.nights import NIGHT, load
from tests.orders.test_place import EVENT
from tests.pgbouncer import POOLED
from tests.rewritten import rewritten
from tests.shop import CARD, UNBALANCED, UNPAID_TICKETS, WRONG_STOCKS, Shop, until

ROUNDS = 10
ORDERS_A_ROUND = 60
BASE_URL = "http://localhost:3000"
# Two kinds of tickets with two releases each in one room: five stocks, sold out after some rounds.
SECOND_TYPE = """
[[night.ticket_type]]
name = "Balcony"

[[night.ticket_type.release]]
name = "First rows"
price = "20.00"
quantity = 60

[[night.ticket_type.release]]
name = "All rows"
price = "25.00"
quantity = 240
"""
LARGE = NIGHT.replace("room_capacity = 60", "room_capacity = 500").replace("quantity = 100", "quantity = 240")
TWO_TYPES = LARGE + SECOND_TYPE
TYPES = Query(lambda type_id: UUID(str(type_id)), "SELECT id FROM ticket_type ORDER BY position")
ADD_PROMO = Command(
    "INSERT INTO promo (event_id, id, code, percent, uses_max) SELECT id, id, 'FRIENDS', 10, 15 FROM event"
)
WRONG_PROMOS = Query(
    str,
    """SELECT promo.code FROM promo WHERE used <> (SELECT count(*) FROM orders WHERE orders.promo_id = promo.id
  AND orders.status NOT IN ('expired', 'released', 'refunded'))""",
)
HOLD_IS_OVER = Command("UPDATE orders SET held_until = clock() - interval '1 second' WHERE id = ANY($1::uuid[])")
TAKEN_AGAIN = Query(
    int,
    """SELECT count(*)::integer FROM orders JOIN payment_attempt AS attempt ON attempt.order_id = orders.id
  WHERE orders.status = 'paid' AND attempt.status = 'expired'""",
)
CAME_TOO_LATE = Query(int, "SELECT count(*)::integer FROM refund WHERE reason = 'came_too_late'")
DEADLOCKS = Query(int, "SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()")
END_OTHERS = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle%'"""
WAITING = Query(
    int,
    """SELECT count(*)::integer FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'""",
)
ASCENDING = "PERFORM 1 FROM stock WHERE event_id = p_event ORDER BY id FOR UPDATE"


@dataclass
class Storm:
    """One night, several tills with connections of their own, and every verb that locks."""

    event_id: UUID
    types: list[UUID]
    tills: list[Till]
    counters: list[Batcher[Request, Placed | Problem]]
    random: Random = field(default_factory=lambda: Random(20261124))
    keys: int = 0

    async def round(self, before: list[Placed]) -> list[Placed]:
        """Everything at once with the orders of the round before; returns the orders that this one placed."""
        overdue = [order.id for order in before if self.random.random() < 0.3]
        async with self.tills[0].db.transaction() as connection:
            await HOLD_IS_OVER.run(connection, overdue)
        deeds = list(chain(*([self._deed(order), self._deed(order)] for order in before)))
        sales = [self._sell() for _ in range(ORDERS_A_ROUND)]
        at_once: list[Coroutine[Any, Any, Any]] = [*deeds, *sales, load(self._till().db, TWO_TYPES)]
        self.random.shuffle(at_once)
        done = await asyncio.gather(*at_once)
        return [one for one in done if isinstance(one, Placed)]

    async def late_payments(self, orders: list[Placed]) -> None:
        """Money for every order, whatever became of it."""
        await asyncio.gather(*(self._paid(order) for order in orders))

    def _till(self) -> Till:
        return self.random.choice(self.tills)

    async def _sell(self) -> Placed | Problem:
        self.keys += 1
        kinds = self.random.sample(self.types, self.random.randint(1, 2))
        lines = tuple(Line(kind, self.random.randint(1, 3)) for kind in kinds)
        promo = "FRIENDS" if self.random.random() < 0.2 else None
        request = Request(f"key-{self.keys:012}", f"buyer{self.keys}@example.org", lines, promo)
        return await self.random.choice(self.counters).submit(request)

    def _deed(self, order: Placed) -> Coroutine[Any, Any, Any]:
        verbs: list[Callable[[Placed], Coroutine[Any, Any, Any]]] = [self._paid, self._give_up, self._end_hold]
        return self.random.choice(verbs)(order)

    async def _paid(self, order: Placed) -> None:
        till = self._till()
        await till.db.attempt(fulfil, till, self._session(order))

    async def _give_up(self, order: Placed) -> None:
        await end(self._till(), self.event_id, order.id, "given_up")

    async def _end_hold(self, order: Placed) -> None:
        await end_hold(self._till(), self.event_id, order.id)

    def _session(self, order: Placed) -> Session:
        marker = {"app": APP, "env": BASE_URL, "event_id": str(self.event_id), "order_id": str(order.id)}
        return Session(
            id=f"cs_{order.id}",
            status="complete",
            payment_status="paid",
            url=None,
            expires_at=datetime.now(UTC),
            amount_total=order.total_minor,
            currency="eur",
            livemode=False,
            metadata=marker | {"attempt": "1"},
            payment_intent=f"pi_{order.id}",
            payment_intent_status="succeeded",
        )


@pytest.fixture
async def storm(db: Database, database_url: str) -> AsyncIterator[Storm]:
    await load(db, TWO_TYPES)
    async with db.transaction() as connection:
        await ADD_PROMO.run(connection)
        event = await EVENT.first(connection)
        types = await TYPES.all(connection)
        # A circle is found soon, so that a test with many of them ends soon.
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")
    assert event is not None
    databases = [Database(database_url, size=6, pooled=POOLED) for _ in range(4)]
    tills = [
        Till(each, None, Breaker(each), Pace(each, "sessions", 25), Pace(each, "refunds", 10), False, BASE_URL)
        for each in databases
    ]
    counters = [Batcher(Counter(each, *event, minimum_minor=50).flush, crowded="crowded") for each in databases[:2]]
    async with AsyncExitStack() as stack:
        for each in databases:
            stack.push_async_callback(each.close)
        yield Storm(event[0], types, tills, counters)


async def deadlocks(db: Database) -> int:
    """How many this database has seen. A backend hands in its counts when it ends, or is told to; a pooler would keep
    it, and may give us the very one."""
    async with db.transaction() as connection:
        await connection.fetch(END_OTHERS)
        await connection.execute("SELECT pg_stat_force_next_flush()")
    async with db.transaction() as connection:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        number = await DEADLOCKS.first(connection)
    assert number is not None
    return number


@pytest.mark.slow
async def test_nobody_waits_in_a_circle_and_the_stock_is_what_is_held(storm: Storm, db: Database) -> None:
    placed: list[Placed] = []
    everything: list[Placed] = []
    for _ in range(ROUNDS):
        placed = await storm.round(placed)  # raises what any of its deeds raised
        everything += placed
    await storm.late_payments(everything)
    assert len(everything) > 200
    assert await deadlocks(db) == 0
    async with db.transaction() as connection:
        statuses = {str(row[0]) for row in await connection.fetch("SELECT DISTINCT status FROM orders")}
        assert await WRONG_STOCKS.all(connection) == []
        assert await WRONG_PROMOS.all(connection) == []
        assert await UNPAID_TICKETS.all(connection) == []
        assert await UNBALANCED.all(connection) == []
        assert await TAKEN_AGAIN.first(connection) != 0
        assert await CAME_TOO_LATE.first(connection) != 0
    assert statuses == {"paid", "refunded"}


@pytest.mark.slow
async def test_with_stocks_locked_the_other_way_round_they_do_and_everybody_ends_all_the_same(
    storm: Storm, db: Database
) -> None:
    """The negative control of the test above; and whoever was rolled back is tried again."""
    async with db.transaction() as connection:
        descending = ASCENDING.replace("ORDER BY id", "ORDER BY id DESC")
        await connection.execute(rewritten("take_again", (ASCENDING, descending)))
    placed: list[Placed] = []
    async with asyncio.timeout(60):
        while await deadlocks(db) == 0:
            placed = await storm.round(placed)
    async with db.transaction() as connection:
        assert await WRONG_STOCKS.all(connection) == []
        assert await UNPAID_TICKETS.all(connection) == []


async def test_a_webhook_that_is_the_victim_of_a_deadlock_is_worked_by_the_same_delivery(
    shop: Shop, db: Database
) -> None:
    await shop.listen("checkout.session.completed")
    order = await shop.ordered()
    session = order["checkout_url"].split("/c/pay/")[1].split("#")[0]
    async with db.transaction() as connection:
        await connection.execute(
            "UPDATE orders SET status = 'released'"
        )  # its money takes units again: order, then stocks
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'")
    await shop.box.db.close()
    async with db.transaction() as connection:
        await connection.execute("SET LOCAL deadlock_timeout = '20s'")  # the other one finds the circle
        await connection.execute("SELECT 1 FROM stock FOR UPDATE")
        await shop.control(f"checkout/sessions/{session}/pay", card=CARD, wait=False)
        await until(lambda: are_waiting(shop.box.db, 1))
        await connection.execute("SELECT 1 FROM orders FOR UPDATE")
    await shop.delivered()
    deliveries = (await shop.stripe.get("/_control/deliveries")).json()["deliveries"]
    assert [one["attempts"] for one in deliveries] == [1]
    assert (await shop.look(order))["status"] == "paid"
    assert await deadlocks(db) == 1


async def test_a_payment_that_is_heard_of_in_the_moment_of_the_calls_answer(shop: Shop, db: Database) -> None:
    """The webhook takes the order and then its attempt; so does whoever keeps the answer of the call."""
    await shop.listen("checkout.session.completed")
    await shop.fault("timeout", "POST /v1/checkout/sessions", seconds=1)
    buying = asyncio.create_task(shop.order())
    await until(shop.sessions)
    (session,) = await shop.sessions()
    async with db.transaction() as connection:
        await connection.execute("SELECT 1 FROM orders FOR UPDATE")
        await shop.control(f"checkout/sessions/{session['id']}/pay", card=CARD, wait=False)
        await until(lambda: are_waiting(shop.box.db, 1))  # the webhook, for the order
        await until(lambda: are_waiting(shop.box.db, 2))  # and whoever keeps the answer of the call
    bought = await buying
    await shop.delivered()
    assert bought.status_code == 201
    assert (await shop.look(bought.json()))["status"] == "paid"
    deliveries = (await shop.stripe.get("/_control/deliveries")).json()["deliveries"]
    assert [one["status"] for one in deliveries] == ["succeeded"]
    assert await deadlocks(db) == 0
    await shop.sound()


async def are_waiting(db: Database, number: int) -> bool:
    """Whether so many wait for a lock."""
    async with db.transaction() as connection:
        return await WAITING.first(connection) == number
