"""64 buyers for the last 10 tickets at two counters with connections of their own, and the proof that this can fail."""

import asyncio

from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import Command, Database
from boxoffice.foundation.problems import Problem
from boxoffice.orders.place import CodeNotValid, Counter, Placed, Request, SoldOut
from tests.nights import NIGHT
from tests.orders.test_place import ADD_PROMO, open_desk
from tests.pgbouncer import POOLED
from tests.rewritten import rewritten, without_the_condition

ROUNDS = 100
BUYERS = 64
LAST = 10
ONE_RELEASE = NIGHT[: NIGHT.rindex("[[night.ticket_type.release]]")]
EMPTY = Command(
    """WITH a AS (DELETE FROM hold), b AS (DELETE FROM order_line), c AS (DELETE FROM payment_attempt)
  DELETE FROM orders"""
)
FULL_AGAIN = Command("UPDATE stock SET used = 0, closed = false")
ROOM_FOR_ALL = NIGHT.replace("room_capacity = 60", "room_capacity = 600")
USED_UP = " OR d_used[d] >= d_max[d]"


async def sold_in_each_round(db: Database, database_url: str, rounds: int) -> list[int]:
    desk = await open_desk(db, ONE_RELEASE)
    databases = [Database(database_url, size=2, pooled=POOLED) for _ in range(2)]
    counters = [Counter(each, desk.counter.event_id, desk.counter.short_code, 50) for each in databases]
    batchers: list[Batcher[Request, Placed | Problem]] = [
        Batcher(counter.flush, crowded="crowded") for counter in counters
    ]
    sold: list[int] = []
    for _ in range(rounds):
        answers = await asyncio.gather(*(batchers[buyer % 2].submit(desk.request(1)) for buyer in range(BUYERS)))
        placed = [answer for answer in answers if isinstance(answer, Placed)]
        assert sum(isinstance(answer, SoldOut) for answer in answers) == BUYERS - len(placed)
        sold.append(len(placed))
        async with db.transaction() as connection:
            await EMPTY.run(connection)
            await FULL_AGAIN.run(connection)
    for each in databases:
        await each.close()
    return sold


async def test_ten_are_sold_and_fifty_four_are_told_so(db: Database, database_url: str) -> None:
    assert await sold_in_each_round(db, database_url, ROUNDS) == [LAST] * ROUNDS


async def test_without_the_check_and_the_condition_it_oversells(db: Database, database_url: str) -> None:
    async with db.transaction() as connection:
        await connection.execute("ALTER TABLE stock DROP CONSTRAINT stock_never_oversold")
        await connection.execute("ALTER TABLE stock DROP CONSTRAINT stock_closed_is_full")
        await connection.execute(without_the_condition())
    (sold,) = await sold_in_each_round(db, database_url, 1)
    assert sold > LAST


async def uses_of_a_code_for_one(db: Database, database_url: str) -> int:
    """64 ask for it at once, at two counters."""
    desk = await open_desk(db, ROOM_FOR_ALL)
    async with db.transaction() as connection:
        await ADD_PROMO.run(connection, 25, 1)
    databases = [Database(database_url, size=2, pooled=POOLED) for _ in range(2)]
    counters = [Counter(each, desk.counter.event_id, desk.counter.short_code, 50) for each in databases]
    requests = [desk.request(1, promo_code="FRIENDS") for _ in range(BUYERS)]
    batches = await asyncio.gather(*(counters[number % 2].flush(requests[number::8]) for number in range(8)))
    answers = [answer for batch in batches for answer in batch]
    await asyncio.gather(*(each.close() for each in databases))
    used = sum(isinstance(answer, Placed) for answer in answers)
    assert sum(isinstance(answer, CodeNotValid) for answer in answers) == BUYERS - used
    return used


async def test_a_code_that_is_good_once_is_used_once_at_two_counters(db: Database, database_url: str) -> None:
    assert await uses_of_a_code_for_one(db, database_url) == 1


async def test_without_the_check_and_the_condition_a_code_is_used_by_all(db: Database, database_url: str) -> None:
    async with db.transaction() as connection:
        await connection.execute("ALTER TABLE promo DROP CONSTRAINT promo_never_overused")
        await connection.execute(rewritten("place_orders", (USED_UP, "")))
    assert await uses_of_a_code_for_one(db, database_url) == BUYERS
