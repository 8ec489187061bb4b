"""That the PgBouncer of `make test-pgbouncer` is one: it shares backends, and what is not meant for that breaks."""

import asyncio

import asyncpg
import pytest

from boxoffice.cli import migrate
from boxoffice.doctor import database
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import Connection, Database, Query
from boxoffice.settings import read_environment
from tests.conftest import SECRET_KEY

BACKEND = Query(int, "SELECT pg_backend_pid()")
SESSION_WIDE = "SELECT set_config('boxoffice.clock', '2031-05-01', false)"
ROUNDS = 12


async def backends_of(db: Database) -> set[int | None]:
    """Which backends serve one client's transactions, while another client's keep the pooler at work."""

    async def backend(connection: Connection) -> int | None:
        return await BACKEND.first(connection)

    async with db.transaction() as connection:
        seen = {await backend(connection)}
        async with db.transaction() as other:
            seen.add(await backend(other))
    for _ in range(ROUNDS):
        async with db.transaction() as connection:
            seen.add(await backend(connection))
    return seen


async def test_one_client_is_served_by_several_backends(database_url: str) -> None:
    db = Database(database_url, size=2, pooled=True)
    assert len(await backends_of(db)) > 1
    alone = Database(database_url, size=1, pooled=True)
    seen = {await _backend(alone) for _ in range(ROUNDS)}
    await db.close()
    await alone.close()
    assert len(seen) > 1


async def test_without_being_told_statements_are_kept_and_fail(database_url: str) -> None:
    """The negative control: what DATABASE_POOLER=transaction is for."""
    db = Database(database_url, size=2)
    with pytest.raises((asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)):
        await backends_of(db)
    await db.close()


async def test_what_a_session_sets_reaches_others(database_url: str) -> None:
    """The negative control of the moved clock, which is set for a transaction alone."""
    one, other = (Database(database_url, size=2, pooled=True) for _ in range(2))
    async with one.transaction() as connection:
        await connection.execute(SESSION_WIDE)
    seen = {await _clock(other) for _ in range(ROUNDS)}
    await asyncio.gather(one.close(), other.close())
    assert "2031-05-01" in seen


@pytest.mark.parametrize(("told", "level"), [({}, "problem"), ({"DATABASE_POOLER": "transaction"}, "ok")])
async def test_the_doctor_sees_it(database_url: str, told: dict[str, str], level: str) -> None:
    busy = Database(database_url, size=2, pooled=True)
    await backends_of(busy)
    patient = Patient.of(read_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY} | told))
    findings = {finding.what: finding for finding in await database.examine(patient)}
    await asyncio.gather(patient.close(), busy.close())
    assert findings["database pooler"].level == level


async def _backend(db: Database) -> int | None:
    async with db.transaction() as connection:
        return await BACKEND.first(connection)


async def _clock(db: Database) -> object:
    async with db.transaction() as connection:
        return await connection.fetchval("SELECT current_setting('boxoffice.clock', true)")


def test_migrations_ask_for_the_way_without_it(database_url: str) -> None:
    with pytest.raises(migrate.MigrationFailed, match="DATABASE_URL_DIRECT"):
        migrate.run(database_url)
