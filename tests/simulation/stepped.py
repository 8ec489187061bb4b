"""A database whose every statement is a step: the same doors as the real one, on connections of the simulation's."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast

import asyncpg

import boxoffice
from boxoffice.foundation.db import Command, Connection, ConnectionBroke, Database, Query
from tests.simulation.scheduler import Scheduler


class Server(Protocol):
    """What a stepped database needs of the world."""

    @property
    def scheduler(self) -> Scheduler: ...
    @property
    def connections(self) -> list[asyncpg.Connection]: ...

    def moment(self) -> str:
        """The time as `clock()` shall tell it."""
        ...

    def cut(self) -> str | None:
        """Whether the connection is lost `before` or `after` the commit that is to come."""
        ...

    def committed(self) -> None:
        """Something may have changed."""
        ...


class SteppedDatabase(Database):
    """One process's way to the database."""

    def __init__(self, server: Server) -> None:
        super().__init__("postgresql://nobody:none@simulation.invalid/none")
        self._server = server

    async def close(self) -> None:
        """The connections stay for the next seed."""

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncGenerator[Connection, None]:
        """A transaction that begins with its first statement."""
        assert not snapshot, "nothing that is simulated reads a snapshot"
        async with self._connected() as stepped:
            try:
                yield cast("Connection", stepped)
            except Exception:
                await stepped.end("ROLLBACK")
                raise
            await stepped.commit()

    @asynccontextmanager
    async def statements(self) -> AsyncGenerator[Connection, None]:
        """Statements that commit by themselves, each a step before its COMMIT is."""
        async with self._connected() as stepped:
            stepped.alone = True
            yield cast("Connection", stepped)

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator["SteppedConnection", None]:
        raw = self._server.connections.pop()
        stepped = SteppedConnection(raw, self._server)
        try:
            yield stepped
        except BaseException:
            await stepped.roll_back_at_once()
            raise
        finally:
            self._server.connections.append(raw)


@dataclass
class SteppedConnection:
    """As much of a connection as statements use; `alone`: each commits by itself."""

    raw: asyncpg.Connection
    server: Server
    begun: bool = False
    alone: bool = False

    async def fetch(self, sql: str, *parameters: object) -> list[Any]:
        """Rows."""
        return await self._run(sql, lambda: self.raw.fetch(sql, *parameters))

    async def fetchrow(self, sql: str, *parameters: object) -> Any:
        """A row or none."""
        return await self._run(sql, lambda: self.raw.fetchrow(sql, *parameters))

    async def execute(self, sql: str, *parameters: object) -> str:
        """A command's tag."""
        return await self._run(sql, lambda: self.raw.execute(sql, *parameters))

    async def commit(self) -> None:
        """Commits, unless the connection is lost in this very moment."""
        if not self.begun:
            return
        await self.server.scheduler.turn("COMMIT")
        cut = self.server.cut()
        if cut == "before":
            await self.roll_back_at_once()
            raise ConnectionBroke("The database is away: the connection was closed.")
        await self.server.scheduler.statement(self.raw, "COMMIT", lambda: self.raw.execute("COMMIT"), at_once=True)
        self.begun = False
        self.server.committed()
        if cut == "after":
            self.server.scheduler.trace.result("the network", "the answer to COMMIT is lost")
            raise ConnectionBroke("The database is away: the connection was closed.")

    async def end(self, word: str) -> None:
        """Rolls back, as a step."""
        if self.begun:
            await self.server.scheduler.statement(self.raw, word, lambda: self.raw.execute(word))
            self.begun = False

    async def roll_back_at_once(self) -> None:
        """What PostgreSQL does by itself when a process dies or a connection breaks."""
        if self.begun:
            self.begun = False
            await self.server.scheduler.statement(
                self.raw, "ROLLBACK", lambda: self.raw.execute("ROLLBACK"), at_once=True
            )
            await self.server.scheduler.turn("was rolled back")  # of many that end at once none goes on by chance

    async def _run(self, sql: str, call: Any) -> Any:
        async def with_begin() -> Any:
            if not self.begun:
                self.begun = True
                await self.raw.execute(f"BEGIN; SELECT set_config('boxoffice.clock', '{self.server.moment()}', true)")
            return await call()

        try:
            answer = await self.server.scheduler.statement(self.raw, name_of(sql), with_begin)
        except asyncpg.PostgresError:
            if self.alone:
                await self.end("ROLLBACK")
            raise
        if self.alone:
            await self.commit()
        return answer


def name_of(sql: str) -> str:
    """`orders.pay.BEGIN` for the statement that is called so, else its first words."""
    return _names().get(sql) or " ".join(sql.split())[:60]


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for module in pkgutil.walk_packages(boxoffice.__path__, "boxoffice."):
        if module.name not in ("boxoffice.__main__", "boxoffice.asgi"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Query | Command):
                    names.setdefault(value.sql, f"{module.name.removeprefix('boxoffice.')}.{name}")
    return names
