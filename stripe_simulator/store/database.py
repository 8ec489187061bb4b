"""The connection pool and the migrations; with `unit.py` and its neighbours the only users of asyncpg."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from local_postgres import LocalPostgres
from stripe_simulator.settings import Settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LOCAL_DATABASE = "stripe_simulator"
ONE_SIMULATOR = 0x5374726970655369  # any constant: the key of the lock that one running simulator holds
TAKEOVER_SECONDS = 10

Connection = asyncpg.pool.PoolConnectionProxy
DATABASE_PROBLEMS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class DatabaseInUse(RuntimeError):
    """Another simulator runs on this database; two would deliver every event twice."""


class Database:
    """The simulator's PostgreSQL database. Commits do not wait for the disk: a crash of the machine may cost the last
    moments, a restart of the simulator costs nothing."""

    def __init__(self, pool: asyncpg.Pool, guard: asyncpg.Connection) -> None:
        self.pool = pool
        self._guard = guard

    @classmethod
    async def open(cls, settings: Settings) -> "Database":
        """Connect, take the place of the one running simulator, apply new migrations."""
        url = settings.database_url or await asyncio.to_thread(_local_url, settings.local_directory)
        guard = await asyncpg.connect(url)
        await _take_place(guard)
        await _migrate(guard)
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=settings.pool_size,
            max_inactive_connection_lifetime=0,  # no timers: on a loop whose time is moved they would strike at once
            max_cached_statement_lifetime=0,
            reset=_nothing_to_reset,
            server_settings={
                "application_name": "stripe_simulator",
                "lock_timeout": f"{int(settings.lock_timeout * 1000)}ms",
                "synchronous_commit": "off",
            },
        )
        return cls(pool, guard)

    async def close(self) -> None:
        """Close every connection; the next simulator may start."""
        await self.pool.close()
        await self._guard.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def rows(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """Run one statement and return its rows."""
        return await self.pool.fetch(statement, *values)

    async def run(self, statement: str, *values: Any) -> None:
        """Run one statement for its effect."""
        await self.pool.execute(statement, *values)


async def _nothing_to_reset(_connection: object) -> None:
    """Sessions hold no state that would have to be reset between uses."""


def _local_url(directory: Path) -> str:
    cluster = LocalPostgres(directory)
    cluster.start()
    cluster.create_database(LOCAL_DATABASE)
    return cluster.url(LOCAL_DATABASE)


async def _take_place(guard: asyncpg.Connection) -> None:
    for _ in range(TAKEOVER_SECONDS * 5):
        if await guard.fetchval("SELECT pg_try_advisory_lock($1)", ONE_SIMULATOR):
            return
        await asyncio.sleep(0.2)
    await guard.close()
    raise DatabaseInUse("Another simulator runs on this database. Stop it, or give this one another database.")


async def _migrate(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)")
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM applied_migration")}
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name not in applied:
            async with connection.transaction():
                await connection.execute(path.read_text())
                await connection.execute("INSERT INTO applied_migration (name) VALUES ($1)", path.name)
