import asyncio
import gc
import warnings
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import pytest

from boxoffice.foundation import db as foundation_db
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import LOST, Command, Connection, ConnectionBroke, Database, DatabaseAway, Query
from local_postgres import LocalPostgres
from tests.nights import load
from tests.pgbouncer import POOLED

FILL = Command("UPDATE stock SET used = cap + 1")
ALIVE = Query(int, "SELECT 1")
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
LIMITS = Query(
    lambda *shown: shown,
    """SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'),
  current_setting('transaction_timeout', true)""",
)
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


@pytest.mark.skipif(POOLED, reason="behind a pooler they are in a transaction")
async def test_statements_commit_by_themselves(db: Database) -> None:
    async def raises() -> None:
        async with db.statements() as connection:
            await UNMARK.run(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await raises()
    db.moved_clock = MOVED  # which an unmarked database ignores
    async with db.transaction() as connection:
        assert await now(connection) != MOVED


async def test_statements_know_the_moved_clock(db: Database) -> None:
    db.moved_clock = MOVED
    async with db.statements() as connection:
        assert await now(connection) == MOVED


async def test_statements_behind_a_pooler_are_a_transaction(database_url: str) -> None:
    database = Database(database_url, size=1, pooled=True)
    async with database.statements() as connection:
        assert connection.is_in_transaction()
    await database.close()


async def test_a_server_that_is_gone_breaks_statements(db: Database) -> None:
    async def ended() -> None:
        async with db.transaction() as other, db.statements() as connection:
            backend = await connection.fetchval("SELECT pg_backend_pid()")
            await other.execute("SELECT pg_terminate_backend($1)", backend)
            await ALIVE.all(connection)

    with pytest.raises(ConnectionBroke):
        await ended()


async def test_first_transactions_at_the_same_moment_open_one_pool(database_url: str) -> None:
    database = Database(database_url, size=3, pooled=POOLED)

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


@pytest.mark.parametrize("arguments", [("not a number",), (), (1, 2)])
async def test_arguments_that_do_not_fit_do_not_read_as_a_database_that_is_away(
    db: Database, arguments: tuple[object, ...]
) -> None:
    with pytest.raises((asyncpg.InterfaceError, asyncpg.DataError)) as wrong:
        async with db.transaction() as connection:
            await connection.fetchval("SELECT $1::integer", *arguments)
    assert not isinstance(wrong.value, LOST)


async def test_a_backend_that_is_shut_down_is_a_database_that_is_away_and_the_next_one_serves(db: Database) -> None:
    async def cut_off() -> None:
        async with db.transaction() as connection, db.transaction() as other:
            await other.execute("SELECT pg_terminate_backend($1)", await connection.fetchval("SELECT pg_backend_pid()"))
            await connection.execute("SELECT pg_sleep(5)")

    with pytest.raises(DatabaseAway):
        await cut_off()
    assert await _value(db, "SELECT 1") == 1


async def test_after_a_fail_over_no_connection_to_the_old_primary_stays(direct_url: str) -> None:
    db = Database(direct_url, size=4)  # which backends a pooler keeps is its own affair
    await load(db)
    name = await _value(db, "SELECT current_database()")
    async with db.transaction() as connection:
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await db.close()
    async with db.transaction(), db.transaction(), db.transaction():
        pass  # three that lead to a server that takes no writes
    async with db.transaction() as connection:
        await connection.execute("SET TRANSACTION READ WRITE")
        await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    with pytest.raises(DatabaseAway, match="ReadOnly"):
        await _write(db)
    await asyncio.gather(*(_write(db) for _ in range(4)))
    await db.close()


async def _write(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute("UPDATE event SET title = title")


async def _value(db: Database, sql: str) -> object:
    async with db.transaction() as connection:
        return await connection.fetchval(sql)


async def test_two_that_lock_the_other_way_round_both_end_and_what_was_rolled_back_counts_once(
    db: Database, database_url: str
) -> None:
    await load(db)
    async with db.transaction() as connection:
        await connection.execute("CREATE TABLE done (name text, tries integer)")
        await connection.execute(f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET deadlock_timeout = '50ms'")
    await db.close()
    both_hold_one = asyncio.Barrier(2)
    tries: dict[str, int] = {"up": 0, "down": 0}

    async def lock(connection: Connection, name: str, order: str) -> None:
        tries[name] += 1
        await connection.execute("INSERT INTO done VALUES ($1, $2)", name, tries[name])
        for number, stock in enumerate(await connection.fetch(f"SELECT id FROM stock ORDER BY id {order} LIMIT 3")):
            await connection.execute("UPDATE stock SET cap = cap + 1 WHERE id = $1", stock["id"])
            if number == 0 and tries[name] == 1:
                await both_hold_one.wait()

    await asyncio.gather(db.attempt(lock, "up", "ASC"), db.attempt(lock, "down", "DESC"))
    assert sorted(tries.values()) == [1, 2]
    async with db.transaction() as connection:
        rows = await connection.fetch("SELECT name, tries FROM done")
    assert {str(row["name"]): row["tries"] for row in rows} == tries
    assert len(rows) == 2


async def test_what_always_clashes_is_given_up_after_six_tries(db: Database) -> None:
    tries = 0

    async def clash(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")

    with pytest.raises(asyncpg.SerializationError):
        await db.attempt(clash)
    assert tries == 6


async def test_what_is_wrong_in_itself_is_not_tried_again(db: Database) -> None:
    tries = 0

    async def divide(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        await connection.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await db.attempt(divide)
    assert tries == 1


async def test_connections_that_the_server_ended_meanwhile_are_replaced(
    postgres: LocalPostgres, database_url: str
) -> None:
    database = Database(database_url, size=3, pooled=POOLED)
    await _three_at_once(database)
    _end_connections(postgres, database_url)  # while this event loop stands still, as in a process that sleeps
    await _three_at_once(database)
    await database.close()


async def test_a_connection_lost_inside_a_transaction_is_not_repeated(
    postgres: LocalPostgres, database_url: str
) -> None:
    database = Database(database_url, size=3, pooled=POOLED)
    begun = 0

    async def lost_inside() -> None:
        nonlocal begun
        async with database.transaction() as connection:
            begun += 1
            _end_connections(postgres, database_url)
            await ALIVE.first(connection)

    with pytest.raises(LOST):
        await lost_inside()
    assert begun == 1
    await database.close()


def test_every_event_loop_has_a_pool_of_its_own(database_url: str) -> None:
    database = Database(database_url, size=2, pooled=POOLED)

    async def one_request() -> int | None:
        async with database.transaction() as connection:
            return await ALIVE.first(connection)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # what a loop leaves open at its end
        assert [asyncio.run(one_request()) for _ in range(3)] == [1, 1, 1]
        asyncio.run(database.close())
        gc.collect()


async def _three_at_once(database: Database) -> None:
    async with database.transaction() as one, database.transaction() as two, database.transaction() as three:
        for connection in (one, two, three):
            assert await ALIVE.first(connection) == 1


def _end_connections(postgres: LocalPostgres, database_url: str) -> None:
    postgres.psql(END_ALL.format(urlsplit(database_url).path[1:]))


async def test_a_snapshot_has_limits_of_its_own_and_leaves_none_behind(database_url: str) -> None:
    database = Database(database_url, size=1, pooled=POOLED)
    async with database.transaction() as connection:
        usual = await LIMITS.first(connection)
        version = await connection.fetchval("SELECT current_setting('server_version_num')::integer")
    async with database.transaction(snapshot=True) as connection:
        assert await LIMITS.first(connection) == ("6s", "30s", "10min" if version and version >= 170_000 else None)
    async with database.transaction() as connection:
        assert await LIMITS.first(connection) == usual
    await database.close()


async def test_a_snapshot_writes_nothing(db: Database) -> None:
    await load(db)
    with pytest.raises(DatabaseAway) as refused:
        async with db.transaction(snapshot=True) as connection:
            await FILL.run(connection)
    assert isinstance(refused.value.__cause__, asyncpg.ReadOnlySQLTransactionError)


@pytest.mark.parametrize("limit", [0.1, 30])
async def test_a_snapshot_that_nobody_asks_anything_is_ended_by_the_server(
    db: Database, monkeypatch: pytest.MonkeyPatch, limit: float
) -> None:
    """With the longer limit it is still there: the negative control."""
    monkeypatch.setattr(foundation_db, "REPORT_IDLE_SECONDS", limit)
    ended = False
    try:
        async with db.transaction(snapshot=True) as connection:
            await asyncio.sleep(0.5)
            await ALIVE.first(connection)
    except DatabaseAway:
        ended = True
    assert ended is (limit < 1)
    async with db.transaction() as connection:
        assert await ALIVE.first(connection) == 1
