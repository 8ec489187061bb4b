import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from boxoffice.foundation.db import Command, Connection, Database, Query
from boxoffice.foundation.rate_limit import Limit, allow, delete_full
from tests.pgbouncer import POOLED

FIVE_AN_HOUR = Limit("test", 5, 3600)
NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)
ALL_TEXT = Query(str, "SELECT coalesce(string_agg(rate_limit::text, ' '), '') FROM rate_limit")
READ = Query(int, "SELECT count(*) FROM rate_limit WHERE starts_with(key, $1)")
WRITE = Command("INSERT INTO rate_limit (key, full_at) SELECT $1 || count(*) || $2, clock() FROM rate_limit")


async def asked(db: Database, limit: Limit, who: str) -> float:
    async with db.transaction() as connection:
        return await allow(connection, limit, who)


async def allowed_of(
    database_url: str, calls: int, ask: Callable[[Connection, int], Awaitable[float]]
) -> tuple[int, list[float]]:
    """Runs `calls` at once over connections of two pools; how many were allowed, and what the others were told."""
    databases = [Database(database_url, size=8, pooled=POOLED) for _ in range(2)]

    async def one(number: int) -> float:
        async with databases[number % 2].transaction() as connection:
            return await ask(connection, number)

    waits = await asyncio.gather(*(one(number) for number in range(calls)))
    for database in databases:
        await database.close()
    return waits.count(0), [wait for wait in waits if wait]


async def test_of_64_at_once_exactly_five_pass(db: Database, database_url: str) -> None:
    passed, waits = await allowed_of(database_url, 64, lambda connection, _: allow(connection, FIVE_AN_HOUR, "anna"))
    assert passed == 5
    assert all(0 < wait <= 720 for wait in waits)


async def test_reading_before_writing_would_let_more_pass(db: Database, database_url: str) -> None:
    async def read_then_write(connection: Connection, number: int) -> float:
        if (await READ.first(connection, "anna") or 0) >= 5:
            return 1
        await WRITE.run(connection, "anna", f"-{number}")
        return 0

    passed, _ = await allowed_of(database_url, 64, read_then_write)
    assert passed > 5


async def test_one_more_passes_each_interval_and_all_after_the_whole_time(db: Database) -> None:
    db.moved_clock = NOON
    assert [await asked(db, FIVE_AN_HOUR, "anna") for _ in range(7)] == [0, 0, 0, 0, 0, 720, 720]
    db.moved_clock = NOON + timedelta(seconds=500)
    assert await asked(db, FIVE_AN_HOUR, "anna") == 220
    db.moved_clock = NOON + timedelta(seconds=720)
    assert [await asked(db, FIVE_AN_HOUR, "anna") for _ in range(2)] == [0, 720]
    db.moved_clock = NOON + timedelta(hours=3)
    assert [await asked(db, FIVE_AN_HOUR, "anna") for _ in range(6)] == [0, 0, 0, 0, 0, 720]


async def test_people_and_limits_are_counted_apart(db: Database) -> None:
    once = Limit("once", 1, 60)
    assert await asked(db, once, "anna") == 0
    assert await asked(db, once, "anna") > 0
    assert await asked(db, once, "bela") == 0
    assert await asked(db, Limit("other", 1, 60), "anna") == 0


async def test_a_refusal_makes_nobody_wait_longer(db: Database) -> None:
    db.moved_clock = NOON
    once = Limit("once", 1, 60)
    assert [await asked(db, once, "anna") for _ in range(10)] == [0] + [60] * 9


async def test_an_interval_that_is_no_whole_microsecond_loses_none(db: Database) -> None:
    db.moved_clock = NOON
    waits = [await asked(db, Limit("odd", 7, 3600), "anna") for _ in range(8)]
    assert waits[:7] == [0] * 7
    assert 514 < waits[7] < 515


async def test_the_table_names_nobody(db: Database) -> None:
    await asked(db, FIVE_AN_HOUR, "anna@example.org")
    async with db.transaction() as connection:
        kept = await ALL_TEXT.first(connection) or ""
    assert hashlib.sha256(b"anna@example.org").hexdigest() in kept
    assert "anna" not in kept


async def test_any_text_can_be_counted(db: Database) -> None:
    for who in ("", "\0", "\ud800", "x" * 100_000):
        assert await asked(db, FIVE_AN_HOUR, who) == 0


async def test_rows_that_limit_nobody_go(db: Database) -> None:
    db.moved_clock = NOON
    await asked(db, Limit("short", 1, 60), "anna")
    await asked(db, FIVE_AN_HOUR, "anna")
    db.moved_clock = NOON + timedelta(seconds=61)
    async with db.transaction() as connection:
        assert await delete_full(connection) == 1
    assert await asked(db, Limit("short", 1, 60), "anna") == 0
