import asyncio
from datetime import UTC, datetime

import pytest

from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Command, Database
from tests.nights import load

FILL = Command("UPDATE stock SET used = cap + 1")
UNMARK = Command("DELETE FROM database_mark")
MOVED = datetime(2031, 5, 1, tzinfo=UTC)


async def test_stock_is_never_oversold_whatever_the_code_does(db: Database) -> None:
    await load(db)
    with pytest.raises(Exception, match="stock_never_oversold"):
        async with db.transaction() as connection:
            await FILL.run(connection)


async def test_the_clock_moves_in_a_marked_database_only(db: Database) -> None:
    db.moved_clock = MOVED
    async with db.transaction() as connection:
        assert await now(connection) == MOVED
        await UNMARK.run(connection)
        assert await now(connection) != MOVED


async def test_a_moved_clock_ends_with_its_transaction(db: Database) -> None:
    db.moved_clock = MOVED
    async with db.transaction():
        pass
    db.moved_clock = None
    async with db.transaction() as connection:
        assert await now(connection) != MOVED


async def test_first_transactions_at_the_same_moment_open_one_pool(database_url: str) -> None:
    database = Database(database_url, size=3)

    async def at_once() -> None:
        async with database.transaction():
            await asyncio.sleep(0.05)

    await asyncio.gather(*(at_once() for _ in range(8)))
    async with database.transaction() as connection:
        connections = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
    await database.close()
    assert 1 <= int(str(connections)) <= 3
