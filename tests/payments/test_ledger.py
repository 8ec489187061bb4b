"""The ledger balances because the database says so."""

import asyncpg
import pytest

from boxoffice.foundation.db import Database
from boxoffice.orders.place import Placed
from boxoffice.payments.ledger import post
from tests.orders.test_place import open_desk


async def test_a_posting_is_made_once_and_one_that_does_not_balance_never(db: Database) -> None:
    desk = await open_desk(db)
    (placed,) = await desk.place(desk.request())
    assert isinstance(placed, Placed)
    order = (desk.counter.event_id, placed.id)
    for _ in range(2):
        async with db.transaction() as connection:
            await post(connection, "payment:pi_1", order, (1200, "eur"), debit="stripe", credit="sales")
    async with db.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM ledger_entry") == 2
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        async with db.transaction() as connection:
            await connection.execute(
                """INSERT INTO ledger_entry
                SELECT event_id, 'lost', account, order_id, currency, debit_minor, 0, posted_at
                FROM ledger_entry WHERE debit_minor > 0"""
            )
