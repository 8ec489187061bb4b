"""One cluster for the whole run, one migrated template, one fresh database for every test that asks for it.

Tests never read DATABASE_URL nor any other variable of a real set-up. `make test PG_BIN=/usr/lib/postgresql/15/bin`
runs them on another PostgreSQL than the wheel's; `PGBOUNCER=1` puts a pooler before what they test.
"""

import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
from filelock import FileLock
from httpx import AsyncClient

from boxoffice.cli import migrate
from boxoffice.foundation import logs
from boxoffice.foundation.db import Database
from boxoffice.settings import Settings
from local_postgres import LocalPostgres
from tests.apps import furnished, transport
from tests.pgbouncer import POOLED, POOLER, pgbouncer, through

pytest_plugins = ["tests.chromium", "tests.shop_fixtures"]

ROOT = Path(__file__).resolve().parent.parent
CREATE_TABLES = ROOT / "migrations" / "create_tables.sql"
PG_BIN = Path(os.environ["PG_BIN"]) if os.environ.get("PG_BIN") else None
CLUSTER = ROOT / ".local" / ("test-postgres" if PG_BIN is None else f"test-postgres{str(PG_BIN).replace('/', '-')}")
TEMPLATE = "boxoffice_template"
# The data of a test run need not survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

SECRET_KEY = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
OF_A_REAL_SET_UP = (
    *("DATABASE_", "STRIPE_", "BASE_URL", "SECRET_KEY", "ALLOW_TEST_MODE", "SMTP_", "MAIL_", "CRON_", "WORKER"),
    *("TRUSTED_", "VERCEL", "APPLE_", "GOOGLE_WALLET_"),
)

hypothesis.settings.register_profile("any machine", deadline=None)  # how fast one example is says nothing here
hypothesis.settings.load_profile("any machine")

for name in [name for name in os.environ if name.startswith(OF_A_REAL_SET_UP)]:
    del os.environ[name]
os.environ.update(POOLER)  # for the programs that tests start

collect_ignore = [] if POOLED else ["foundation/test_behind_pgbouncer.py"]  # `make test-pgbouncer` runs it


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` makes tests that ask for an `amount` do as much as a night has time for, and leaves out all others."""
    parser.addoption("--soak", action="store_true", help="the long variants alone, with their figures printed")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A soak takes as long as it takes."""
    if config.getoption("--soak"):
        config.option.timeout = 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a soak, what has no long variant has been tested before."""
    if not config.getoption("--soak"):
        return
    long = [item for item in items if "amount" in getattr(item, "fixturenames", ()) and not _is_given_amount(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in long])
    items[:] = long


def _is_given_amount(item: pytest.Item) -> bool:
    """Whether its amount is one of money."""
    return "amount" in getattr(getattr(item, "callspec", None), "params", {})


@dataclass(frozen=True, slots=True)
class Amount:
    """How much a test does: `amount(1_000, soak=1_000_000)`."""

    soaks: bool
    capture: Any

    def __call__(self, usual: int, *, soak: int) -> int:
        """The one or the other."""
        return soak if self.soaks else usual

    def show(self, figures: str) -> None:
        """Says what was done, past pytest's capture in a soak."""
        if not self.soaks:
            return
        with self.capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n    {figures}\n")
            sys.stdout.flush()


@pytest.fixture
def amount(pytestconfig: pytest.Config) -> Amount:
    """As much as CI has time for, or with `--soak` as much as a night has."""
    return Amount(bool(pytestconfig.getoption("--soak")), pytestconfig.pluginmanager.getplugin("capturemanager"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[LocalPostgres]:
    """The run's own cluster. Whichever worker comes first makes it and whichever leaves last stops it."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    cluster = LocalPostgres(CLUSTER, FAST, PG_BIN)
    users = shared / "postgres-users"
    with FileLock(f"{users}.lock"):
        url = cluster.start()
        assert url.startswith("postgresql://")
        if not users.exists():
            _drop_leftovers(cluster)
            cluster.create_database(TEMPLATE)
            create_tables(cluster, TEMPLATE)
            migrate.run(cluster.url(TEMPLATE))  # nothing to do, unless somebody has just written a migration
            cluster.psql("INSERT INTO database_mark VALUES ('test')", TEMPLATE)
        users.write_text(str(int(users.read_text()) + 1 if users.exists() else 1))
    yield cluster
    with FileLock(f"{users}.lock"):
        left = int(users.read_text()) - 1
        users.write_text(str(left))
        if left == 0:
            cluster.stop(immediate=True)


def create_tables(cluster: LocalPostgres, database: str) -> None:
    """The documented set-up of an empty database: one file, by psql."""
    psql = [cluster.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-d", cluster.url(database)]
    subprocess.run([*psql, "-f", str(CREATE_TABLES)], check=True)


def _drop_leftovers(cluster: LocalPostgres) -> None:
    names = cluster.psql("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'").split()
    for name in names:
        cluster.drop_database(name)


@pytest.fixture(scope="session")
def postgres_url(postgres: LocalPostgres) -> str:
    """URL of the cluster's database `postgres`, for tests that make databases of their own."""
    return postgres.url()


@pytest.fixture(scope="session")
def pooler_port(postgres: LocalPostgres) -> Iterator[int | None]:
    """Where this worker's PgBouncer listens, when one was asked for."""
    if not POOLED:
        yield None
        return
    with pgbouncer(postgres.url()) as port:
        yield port


# Every row of a catalogue that a change of the schema writes anew, the database's settings, and what is not emptied.
SHAPE = """
SELECT md5(string_agg(thing || version, ',' ORDER BY thing, version)) FROM (
  SELECT 'class' || oid, xmin::text FROM pg_class
  UNION ALL SELECT 'constraint' || oid, xmin::text FROM pg_constraint
  UNION ALL SELECT 'trigger' || oid, xmin::text FROM pg_trigger
  UNION ALL SELECT 'function' || oid, xmin::text FROM pg_proc
  UNION ALL SELECT 'setting' || setrole, array_to_string(setconfig, ',')
    FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase AND datname = current_database()
  UNION ALL SELECT 'migration' || version, xmin::text FROM public.schema_migrations
  UNION ALL SELECT 'mark' || mark, xmin::text FROM public.database_mark
) AS things (thing, version)
"""
# As superuser past all triggers, those that keep history among them.
EMPTY = """
DO $$ DECLARE one text; has boolean; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('schema_migrations', 'database_mark')
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', one) INTO has;
    IF has THEN EXECUTE format('DELETE FROM %I', one); END IF;
  END LOOP;
END $$
"""
ALONE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Copies:
    """Makes databases after the template, and empties them for the next test: a copy takes 0.3 s, emptying 0.02.

    A database whose schema or settings a test has changed serves no second one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._empty: list[str] = []
        self._shapes: dict[str, str] = {}

    async def take(self) -> str:
        """The name of an empty one."""
        if self._empty:
            return self._empty.pop()
        name = f"test_{uuid4().hex[:12]}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY file_copy')
        connection = await asyncpg.connect(with_database(self._url, name))
        self._shapes[name] = await connection.fetchval(SHAPE)
        await connection.close()
        return name

    async def give_back(self, name: str) -> None:
        """A test has done with it; whoever is still connected no longer is."""
        try:
            connection = await asyncpg.connect(with_database(self._url, name))
        except asyncpg.PostgresError:  # dropped, or closed to everybody
            await self._drop(name)
            return
        try:
            await connection.execute(ALONE)
            as_made = await connection.fetchval(SHAPE) == self._shapes[name]
            if as_made:
                await connection.execute(EMPTY)
        except asyncpg.PostgresError:  # what is asked for is not there any more
            as_made = False
        finally:
            await connection.close()
        if as_made:
            self._empty.append(name)
        else:
            await self._drop(name)

    async def close(self) -> None:
        """No more copies."""
        if self._connection is not None:
            await self._connection.close()

    async def _drop(self, name: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await asyncpg.connect(self._url)
        await connection.execute(statement)


def with_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
async def copies(postgres: LocalPostgres) -> AsyncIterator[Copies]:
    """This worker's copies of the template."""
    copies = Copies(postgres.url())
    yield copies
    await copies.close()


@pytest.fixture
async def direct_url(postgres: LocalPostgres, copies: Copies) -> AsyncIterator[str]:
    """An empty, migrated database of this test's own, by the way without a pooler."""
    name = await copies.take()
    yield postgres.url(name)
    await copies.give_back(name)


@pytest.fixture
def database_url(direct_url: str, pooler_port: int | None) -> str:
    """The same database as the box office reaches it."""
    return through(direct_url, pooler_port) if pooler_port else direct_url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The test's database, opened."""
    database = Database(database_url, size=4, pooled=POOLED)
    yield database
    await database.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings of a development machine on the test's database."""
    return Settings.from_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY} | POOLER)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    """An HTTP client of the whole application."""
    with furnished(settings) as box:
        async with AsyncClient(transport=transport(box), base_url="http://localhost") as http:
            yield http
        await box.db.close()


@pytest.fixture
def logs_of_a_server() -> Iterator[None]:
    """Lines as a server writes them, in JSON; and undone: other tests' lines are theirs."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure(production=True)
    yield
    logs.configure(production=False)
    root.handlers[:] = before
    root.setLevel(level)
