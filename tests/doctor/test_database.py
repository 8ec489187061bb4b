"""What `boxoffice doctor` sees of the database: away, empty, behind, ahead, reached the wrong way."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from boxoffice.doctor import database, worker
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import Command, Database
from boxoffice.settings import read_environment
from local_postgres import LocalPostgres
from tests.conftest import SECRET_KEY
from tests.nights import load

PRODUCTION = {"BASE_URL": "https://tickets.example", "SMTP_URL": "smtp://mail.example", "MAIL_FROM": "a@example.org"}


@pytest.fixture
def empty_url(postgres: LocalPostgres) -> Iterator[str]:
    """A database without tables."""
    name = f"test_{uuid4().hex[:12]}"
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.drop_database(name)


async def findings_of(url: str, **more: str) -> dict[str, Finding]:
    patient = Patient.of(read_environment({"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY} | more))
    try:
        return {finding.what: finding for finding in await database.examine(patient)}
    finally:
        await patient.close()


async def test_all_is_well(db: Database, database_url: str) -> None:
    await load(db)
    findings = await findings_of(database_url)
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert list(findings) == [
        "database version",
        "database encryption",
        "database pooler",
        "idle transactions",
        "migrations",
        "extensions",
        "database clock",
        "nights",
    ]


@pytest.mark.parametrize(
    ("change", "saw"),
    [
        (lambda url: url.replace("127.0.0.1", "127.0.0.2").rpartition(":")[0] + ":1/x", "does not answer"),
        (lambda url: url.rpartition("/")[0] + "/nowhere", "there is no database of this name"),
        (lambda url: url.replace("127.0.0.1", "no-such-host.invalid"), "does not answer"),
    ],
)
async def test_a_database_that_is_not_there_is_one_line(database_url: str, change: object, saw: str) -> None:
    findings = await findings_of(change(database_url))  # type: ignore[operator]
    assert list(findings) == ["database"]
    assert findings["database"].level == "problem"
    assert saw in findings["database"].saw


@pytest.mark.slow
async def test_a_silent_database_is_waited_for_five_seconds() -> None:
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(20)
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    began = asyncio.get_running_loop().time()
    findings = await findings_of(f"postgresql://u:canary@127.0.0.1:{port}/x?sslmode=disable")
    server.close()
    assert asyncio.get_running_loop().time() - began < 7
    assert findings["database"].level == "problem"
    assert "canary" not in str(findings)


async def test_without_tables_it_names_the_file(empty_url: str) -> None:
    findings = await findings_of(empty_url)
    assert "create_tables.sql" in findings["tables"].do


@pytest.mark.parametrize(
    ("sql", "what", "level", "do"),
    [
        (
            "DELETE FROM schema_migrations WHERE version > '20261124120000'",
            "migrations",
            "problem",
            "boxoffice migrate",
        ),
        ("INSERT INTO schema_migrations VALUES ('29990101000000')", "migrations", "warning", "Deploy the version"),
        ("DROP TABLE schema_migrations", "migrations", "problem", "Create the tables anew"),
    ],
)
async def test_what_is_applied(db: Database, database_url: str, sql: str, what: str, level: str, do: str) -> None:
    async with db.transaction() as connection:
        await connection.execute(sql)
    finding = (await findings_of(database_url))[what]
    assert (finding.level, do in finding.do) == (level, True)


async def test_a_test_database_in_production(database_url: str) -> None:
    assert "database_mark" in (await findings_of(database_url, **PRODUCTION))["database mark"].do


async def test_a_clock_that_is_wrong(database_url: str) -> None:
    patient = Patient.of(read_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}))
    assert patient.db is not None
    patient.db.moved_clock = datetime.now(UTC) - timedelta(minutes=2)
    findings = {finding.what: finding for finding in await database.examine(patient)}
    await patient.close()
    assert findings["database clock"].level == "problem"
    assert "behind this machine's clock" in findings["database clock"].saw


@pytest.mark.parametrize(("limit", "saw"), [("0", "never ends them"), ("2h", "after 7200 s only")])
async def test_a_server_that_lets_transactions_lie_idle(db: Database, direct_url: str, limit: str, saw: str) -> None:
    name = direct_url.rpartition("/")[2].partition("?")[0]
    async with db.transaction() as connection:
        await connection.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '{limit}'")
    await db.close()
    finding = (await findings_of(direct_url))["idle transactions"]
    assert (finding.level, saw in finding.saw) == ("warning", True)
    async with db.transaction() as connection:
        await connection.execute(finding.do.partition(": ")[2])
    await db.close()
    assert (await findings_of(direct_url))["idle transactions"].level == "ok"


async def test_both_ways_must_lead_to_one_database(database_url: str, empty_url: str) -> None:
    findings = await findings_of(database_url, DATABASE_URL_DIRECT=empty_url)
    assert "another database" in findings["DATABASE_URL_DIRECT"].saw
    same = await findings_of(database_url, DATABASE_URL_DIRECT=f"{database_url}&application_name=direct")
    assert same["DATABASE_URL_DIRECT"].level == "ok"


async def test_migrations_do_not_go_through_a_pooler(database_url: str) -> None:
    findings = await findings_of(database_url, DATABASE_URL_DIRECT="postgresql://ep-x-pooler.example/boxoffice")
    assert "without `-pooler`" in findings["DATABASE_URL_DIRECT"].do


async def test_keys_that_another_secret_sealed(db: Database, database_url: str) -> None:
    await load(db)
    async with db.transaction() as connection:
        await connection.execute(
            "INSERT INTO event_key SELECT id, 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 60), 'hex'), "
            "clock() FROM event"
        )
    findings = await findings_of(database_url)
    assert "1 of 1 nights' ticket keys" in findings["SECRET_KEY"].saw


async def test_a_pooler_that_nobody_told_us_of(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_backends_in_turn(database_url, monkeypatch):
        findings = await findings_of(database_url)
        assert findings["database pooler"].level == "problem"
        assert "DATABASE_POOLER=transaction" in findings["database pooler"].do
        told = await findings_of(database_url, DATABASE_POOLER="transaction")
        assert told["database pooler"].level == "ok"


@asynccontextmanager
async def two_backends_in_turn(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """What a transaction-mode pooler does to its clients: whoever begins is given the first backend that is free."""
    backends = [Database(url, size=1), Database(url, size=1)]
    busy: set[Database] = set()
    real = Database.transaction

    @asynccontextmanager
    async def pooled(self: Database) -> AsyncGenerator[object]:
        backend = next(one for one in backends if one not in busy)
        busy.add(backend)
        try:
            async with real(backend) as connection:
                yield connection
        finally:
            busy.discard(backend)

    monkeypatch.setattr(Database, "transaction", pooled)
    yield
    monkeypatch.undo()
    for backend in backends:
        await backend.close()


UNDONE = [
    """INSERT INTO job (id, name, subject, arguments, run_at, created_at)
  VALUES (gen_random_uuid(), 'alarm', 'a', '{}', clock() - interval '1 hour', clock())""",
    """INSERT INTO stripe_event (id, type, payload, received_at, next_try_at)
  VALUES ('evt_1', 'x', '{}', clock() - interval '1 hour', clock())""",
    "INSERT INTO heartbeat VALUES ('worker', clock() - interval '1 hour')",
]


async def test_what_lies_undone_is_counted(db: Database, database_url: str) -> None:
    async with db.transaction() as connection:
        for sql in UNDONE:
            await Command(sql).run(connection)
    patient = Patient.of(read_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}))
    findings = {finding.what: finding.saw for finding in await worker.examine(patient)}
    await patient.close()
    assert findings == {
        "worker": "last seen 60 min ago",
        "jobs": "1 should have been done more than 5 minutes ago",
        "events": "1 received and not handled",
    }
