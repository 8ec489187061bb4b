"""The tables of legal moves in the code are the database's own."""

from itertools import product

import asyncpg
import pytest

from boxoffice.foundation.db import Database
from boxoffice.orders.order import ORDER_MOVES
from boxoffice.payments.attempt import ATTEMPT_MOVES
from boxoffice.payments.dispute import DISPUTE_MOVES
from boxoffice.tickets.ticket import TICKET_MOVES
from boxoffice.tickets.transfer import TRANSFER_MOVES

TABLES = {
    "orders": ORDER_MOVES,
    "payment_attempt": ATTEMPT_MOVES,
    "ticket": TICKET_MOVES,
    "dispute": DISPUTE_MOVES,
    "ticket_transfer": TRANSFER_MOVES,
}


@pytest.mark.parametrize("table", TABLES)
async def test_the_database_allows_these_moves_and_no_other(db: Database, table: str) -> None:
    """Every pair of statuses, tried on a bare table that has the real table's trigger."""
    moves = TABLES[table]
    async with db.transaction() as connection:
        trigger = await connection.fetchval(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = $1", f"{table}_legal_move"
        )
        assert isinstance(trigger, str)
        await connection.execute("CREATE TEMP TABLE bare (status text)")
        await connection.execute(trigger.replace(f"ON public.{table}", "ON bare"))
        for old, new in product(moves, repeat=2):
            await connection.execute("DELETE FROM bare")
            await connection.execute("INSERT INTO bare VALUES ($1)", old)
            allowed = True
            try:
                async with connection.transaction():
                    await connection.execute("UPDATE bare SET status = $1", new)
            except asyncpg.CheckViolationError:
                allowed = False
            assert allowed == (old == new or new in moves[old]), f"{table}: {old} to {new}"
