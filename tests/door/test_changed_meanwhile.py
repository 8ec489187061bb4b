"""What changes while a round of scans is between reading and writing is not overlooked; and that it could be."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from boxoffice.door.book import READ
from boxoffice.door.device import DeviceRevoked
from boxoffice.door.scan import Answer, Asked, Desk
from boxoffice.foundation.db import Connection, Database
from boxoffice.foundation.problems import Problem
from tests.door.conftest import Door, Scanner
from tests.pgbouncer import POOLED
from tests.rewritten import without_the_check

Meanwhile = Callable[[Connection], Awaitable[object]]
NONCE = "nonce-of-this-scan"


@dataclass
class Slow:
    """A connection on which something happens once, after a book was read."""

    connection: Connection
    waiting: list[Meanwhile]

    async def fetch(self, sql: str, *parameters: object) -> list[Any]:
        rows = await self.connection.fetch(sql, *parameters)
        if sql == READ.sql and self.waiting:
            await self.waiting.pop()(self.connection)
        return rows


@dataclass
class SlowDatabase(Database):
    """A database between whose statements there is time; `retries`: how often all of it was done again under lock."""

    url: str
    waiting: list[Meanwhile] = field(default_factory=list[Meanwhile])
    retries: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.url, size=2, pooled=POOLED)

    @asynccontextmanager
    async def statements(self) -> AsyncGenerator[Connection, None]:
        async with super().statements() as connection:
            yield cast("Connection", Slow(connection, self.waiting))

    async def attempt(self, *arguments: Any, **named: Any) -> Any:
        self.retries += 1
        return await super().attempt(*arguments, **named)


@dataclass
class Floor:
    """One ticket shown to one scanner, and another scanner beside it."""

    door: Door
    db: SlowDatabase
    scanner: Scanner
    other: Scanner
    code: str

    async def show(self, scanner: Scanner, nonce: str, db: Database, **changes: Any) -> Answer | Problem:
        asked = Asked(UUID(scanner.id), scanner.token, nonce, self.code, datetime.now(UTC), **changes)
        event_code = await self.door.value("SELECT short_code FROM event")
        return await Desk(db, self.door.event_id, event_code).scan(asked)

    async def answer(self, meanwhile: Meanwhile) -> str:
        """What the scanner hears when this happens while its scan is answered."""
        self.db.waiting.append(meanwhile)
        told = await self.show(self.scanner, NONCE, self.db)
        assert not self.db.waiting
        return told.answer if isinstance(told, Answer) else type(told).__name__


@pytest.fixture
async def floor(door: Door, database_url: str) -> AsyncGenerator[Floor]:
    scanner, other = await door.scanner("East"), await door.scanner("West", "supervisor")
    (code,) = await door.tickets(1)
    door.shop.box.db.moved_clock = None
    await door.execute("UPDATE entry_list SET opens_at = '2020-01-01'")
    db = SlowDatabase(database_url)
    yield Floor(door, db, scanner, other, code)
    await db.close()


async def _is_refunded(floor: Floor) -> None:
    await floor.door.execute("UPDATE ticket SET status = 'refunded' WHERE code = $1", floor.code)


async def _is_blocked(floor: Floor) -> None:
    await floor.door.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", floor.code)


async def _is_reissued(floor: Floor) -> None:
    await floor.door.execute("UPDATE ticket SET revision = revision + 1, code = $2 WHERE code = $1", floor.code, "new")


async def _scanner_is_revoked(floor: Floor) -> None:
    await floor.door.execute("UPDATE device SET revoked_at = clock() WHERE id = $1", UUID(floor.scanner.id))


async def _comes_in_elsewhere(floor: Floor) -> None:
    told = await floor.show(floor.other, "nonce-of-the-other", floor.door.shop.box.db)
    assert isinstance(told, Answer)
    assert told.answer == "admitted"


async def _is_taken_back_beforehand(floor: Floor) -> None:
    undoes = (UUID(floor.scanner.id), NONCE)
    told = await floor.show(
        floor.other, "nonce-of-an-undo", floor.door.shop.box.db, undoes=undoes, reason="wrong person"
    )
    assert isinstance(told, Answer)


CHANGES: dict[Callable[[Floor], Awaitable[None]], str] = {
    _is_refunded: "refunded",
    _is_blocked: "blocked",
    _is_reissued: "unknown",
    _scanner_is_revoked: DeviceRevoked.__name__,
    _comes_in_elsewhere: "already_used",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_changed_is_answered(floor: Floor, change: Callable[[Floor], Awaitable[None]]) -> None:
    assert await floor.answer(lambda _: change(floor)) == CHANGES[change]
    assert floor.db.retries == 1
    assert await floor.door.value("SELECT count(*) FROM entry") == (change is _comes_in_elsewhere)


@pytest.mark.parametrize("change", [_is_refunded, _is_blocked, _is_reissued, _scanner_is_revoked])
async def test_without_the_check_it_is_overlooked(floor: Floor, change: Callable[[Floor], Awaitable[None]]) -> None:
    """The negative control."""
    await floor.door.execute(without_the_check())
    assert await floor.answer(lambda _: change(floor)) == "admitted"


async def test_an_undo_that_is_told_meanwhile_counts(floor: Floor) -> None:
    assert await floor.answer(lambda _: _is_taken_back_beforehand(floor)) == "admitted"
    assert floor.db.retries == 1
    assert await floor.door.value("SELECT count(*) FROM entry") == 0


async def test_without_the_check_somebody_stays_in_who_was_taken_back(floor: Floor) -> None:
    """The negative control."""
    await floor.door.execute(without_the_check())
    await floor.answer(lambda _: _is_taken_back_beforehand(floor))
    assert await floor.door.value("SELECT count(*) FROM entry") == 1


async def test_the_same_scan_answered_by_another_process_meanwhile_has_one_answer(floor: Floor) -> None:
    told: list[Answer | Problem] = []

    async def answers_it(_: Connection) -> None:
        told.append(await floor.show(floor.scanner, NONCE, floor.door.shop.box.db))

    assert await floor.answer(answers_it) == "admitted"
    assert floor.db.retries == 1
    assert isinstance(told[0], Answer)
    assert await floor.door.value("SELECT count(*) FROM scan") == 1


async def test_what_has_nothing_to_do_with_it_is_no_reason_to_do_it_again(floor: Floor) -> None:
    (another,) = await floor.door.tickets(1)

    async def others(_: Connection) -> None:
        await floor.door.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE code = $1", another)
        await floor.door.execute("UPDATE device SET wrong_pins = 1 WHERE id = $1", UUID(floor.other.id))

    assert await floor.answer(others) == "admitted"
    assert floor.db.retries == 0


async def test_a_connection_that_breaks_meanwhile_is_replaced(floor: Floor) -> None:
    async def ends(connection: Connection) -> None:
        backend = await connection.fetch("SELECT pg_backend_pid()")
        await floor.door.execute("SELECT pg_terminate_backend($1)", backend[0][0])

    assert await floor.answer(ends) == "admitted"
    assert floor.db.retries == 1
    assert await floor.door.value("SELECT count(*) FROM entry") == 1
