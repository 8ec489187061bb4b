"""PostgreSQL: the pool, transactions, and statements that know the rows they answer with."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg


class DatabaseAway(Exception):
    """The database does not answer, takes no connection or takes no writes; the cause says which.

    Whether a commit that was under way took place is unknown.
    """


class ConnectionBroke(DatabaseAway):
    """The connection broke, or none was to be had, within no time: trying once more costs little and may well do."""


LOST = (DatabaseAway,)
"""What a transaction raises when the server is away; a statement that is wrong in itself is never among it."""

CLASHED = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""A transaction that PostgreSQL ended for the sake of another: rolled back, and good to be tried again as a whole."""

DATABASE_PROBLEM = (*LOST, OSError, asyncpg.PostgresError, ValueError)
"""All that a first connection may fail with, a wrong password or name included."""

TRIES_MAX = 6
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 5
"""How long a statement may take; as long again for its cancellation when a silent server leaves that open too."""

REPORT_IDLE_SECONDS = 30
"""How long a report may keep its snapshot without asking anything: it stopped, or nobody waits for it any more."""
REPORT_SECONDS_MAX = 600
"""How old a snapshot may become at all, where the server can say so (PostgreSQL 17): no vacuum takes what it sees."""

# No connection, none left, no room: classes 08, 53 and 57 of PostgreSQL's appendix A. A server that takes no writes is
# a primary of before the fail-over.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,  # the server's farewell came in the middle of it
)
_WRONG_SERVER = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
# What BEGIN raises on a connection that the server, a pooler or a sleeping process lost since its last use.
_STALE = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
)

LIMITS = """
SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true),
  CASE WHEN current_setting('server_version_num')::integer >= 170000
    THEN set_config('transaction_timeout', $3, true) END
"""

Row = TypeVar("Row")
Done = TypeVar("Done")
Arguments = ParamSpec("Arguments")
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy | asyncpg.Connection"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Query(Generic[Row]):
    """One SQL statement and the type of its rows: a frozen msgspec struct; for a single column a built-in type, or
    `as_id`, `as_moment` or `as_seconds`.

    A test prepares every one of them against the real schema and compares columns with fields.
    """

    row: Callable[..., Row]
    sql: str

    async def all(self, connection: Connection, *parameters: object) -> list[Row]:
        """Every row."""
        return [self.row(*record) for record in await connection.fetch(self.sql, *parameters)]

    async def first(self, connection: Connection, *parameters: object) -> Row | None:
        """The first row, or None."""
        record = await connection.fetchrow(self.sql, *parameters)
        return None if record is None else self.row(*record)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A statement that changes rows and answers with nothing but their number."""

    sql: str

    async def run(self, connection: Connection, *parameters: object) -> int:
        """Runs it and returns how many rows it changed."""
        tag = cast("str", await connection.execute(self.sql, *parameters))
        return int(tag.rsplit(" ", 1)[1])


def as_id(column: UUID) -> UUID:
    """The row of a Query for a single uuid: `UUID` itself does not take what the driver gives."""
    return column


def as_moment(column: datetime) -> datetime:
    """The row of a Query for a single timestamptz."""
    return column


def as_seconds(column: timedelta) -> float:
    """The row of a Query for a single interval."""
    return column.total_seconds()


class Database:
    """A lazily opened pool for each event loop. Safe behind a transaction-mode pooler: no session state is ever set."""

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        pooled: bool = False,
        idle_seconds: float = 300,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self._url = url
        self._statement_seconds = statement_seconds
        self._size = size
        self._pooled = pooled or names_a_pooler(url)
        self._idle_seconds = idle_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self.moved_clock: datetime | None = None
        """Tests set it; a database that is not marked as test ignores it."""

    async def open(self) -> asyncpg.Pool:
        """The pool of this event loop. Connections are made by the transactions that need them: one lock for all would
        queue them up behind a server that is away."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a host without servers may give every request a loop of its own
            self._loop, self._pool, self._opening = loop, None, asyncio.Lock()
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=self._size,
                    timeout=CONNECT_SECONDS,
                    command_timeout=self._statement_seconds,
                    max_inactive_connection_lifetime=self._idle_seconds,
                    statement_cache_size=0 if self._pooled else 200,
                    reset=_leave_as_it_is,
                )
        return self._pool

    async def close(self) -> None:
        """Closes every connection of this event loop."""
        pool, self._pool = self._pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.close()

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncGenerator[Connection, None]:
        """One connection with one transaction: committed at the end of the block, rolled back when it raises.

        A `snapshot` reads only, and all its statements see the same moment; the server itself ends one that nobody asks
        anything any more.

        Raises DatabaseAway within 15 s when the server is away, or when no connection becomes free.
        """
        async with self._away_told() as pool, AsyncExitStack() as stack:
            connection = await self._begin(pool, stack, snapshot=snapshot)
            if snapshot:
                await connection.execute(LIMITS, *self._limits())
            await self._move_clock(connection)
            yield connection

    @asynccontextmanager
    async def statements(self) -> AsyncGenerator[Connection, None]:
        """One connection whose statements each commit by themselves: two exchanges less than a transaction.

        They are in one all the same behind a pooler, which could lead a statement that was just prepared to another
        server, and where tests move the clock. Raises as `transaction` does.
        """
        if self._pooled or self.moved_clock is not None:
            async with self.transaction() as connection:
                yield connection
            return
        async with self._away_told() as pool, pool.acquire(timeout=CONNECT_SECONDS) as connection:
            with _broken_told(connection):
                yield connection

    @asynccontextmanager
    async def _away_told(self) -> AsyncGenerator[asyncpg.Pool, None]:
        """The pool, and DatabaseAway for all that means it."""
        pool = self._pool if self._loop is asyncio.get_running_loop() else None
        pool = pool or await self.open()
        try:
            yield pool
        except _AWAY as error:
            if isinstance(error, _WRONG_SERVER):
                await pool.expire_connections()  # the others lead to the same server
            away = ConnectionBroke if isinstance(error, _STALE) else DatabaseAway
            raise away(f"The database is away: {type(error).__name__}.") from error

    async def _begin(self, pool: asyncpg.Pool, stack: AsyncExitStack, *, snapshot: bool) -> Connection:
        """A connection in a transaction. One that was lost while it lay idle says so at BEGIN, before anything was
        done, and the next one takes its place."""
        isolation = "repeatable_read" if snapshot else "read_committed"
        for others in reversed(range(self._size + 1)):
            async with AsyncExitStack() as trial:
                connection = await trial.enter_async_context(pool.acquire(timeout=CONNECT_SECONDS))
                trial.enter_context(_broken_told(connection))
                try:
                    await trial.enter_async_context(connection.transaction(isolation=isolation, readonly=snapshot))
                except _STALE:
                    if not others:
                        raise
                    continue
                await stack.enter_async_context(trial.pop_all())
                return connection
        raise AssertionError("the last try returns or raises")

    def _limits(self) -> tuple[str, str, str]:
        """What the server keeps a snapshot to, should this process be gone: until the end of the transaction alone, so
        that no pooler gives it to others."""
        return f"{self._statement_seconds + 1}s", f"{REPORT_IDLE_SECONDS}s", f"{REPORT_SECONDS_MAX}s"

    async def attempt(
        self,
        verb: Callable[Concatenate[Connection, Arguments], Awaitable[Done]],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Done:
        """Does `verb` in one transaction, and again in a new one when it clashed: for verbs that lock much.

        Raises what is in CLASHED only after six tries within about a second, and what `transaction` raises.
        """
        for tried in range(1, TRIES_MAX):
            try:
                async with self.transaction() as connection:
                    return await verb(connection, *arguments, **named)
            except CLASHED:
                await asyncio.sleep(random.uniform(0.5, 1) * 0.02 * 2**tried)  # noqa: S311 - spreads those that clashed
        async with self.transaction() as connection:
            return await verb(connection, *arguments, **named)

    async def _move_clock(self, connection: Connection) -> None:
        if self.moved_clock is not None:
            moment = self.moved_clock.isoformat()
            await connection.execute("SELECT set_config('boxoffice.clock', $1, true)", moment)


@contextmanager
def _broken_told(connection: Connection) -> Generator[None]:
    """The driver says InterfaceError of a connection that broke before, and of arguments that do not fit too."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        if _is_broken(connection):
            raise asyncpg.ConnectionDoesNotExistError(str(error)) from error
        raise


def _is_broken(connection: Connection) -> bool:
    """A connection that breaks is taken from whoever had acquired it, who can then not even ask."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _leave_as_it_is(_connection: Any) -> None:
    """Nothing sets session state, so nothing needs resetting: one round trip less a request."""


def is_encrypted(connection: Connection) -> bool:
    """Whether the connection goes over TLS."""
    return cast("Any", connection)._transport.get_extra_info("ssl_object") is not None


def names_a_pooler(url: str) -> bool:
    """Neon's pooled host is called `...-pooler...`."""
    return "-pooler" in (urlsplit(url).hostname or "")
