"""Migrations run while an earlier version of the code sells: they wait briefly for locks, and break nothing of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from boxoffice.cli import migrate
from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from tests.conftest import ROOT
from tests.nights import load
from tests.orders.test_place import ENTRY, EVENT, WRONG_STOCKS

OLDER = sorted((ROOT / "tests" / "older").glob("2*.json"))
"""Every statement of an earlier version of the code, by name, in a file called after that version's newest migration.
When the oldest version that may still run somewhere changes, its statements take their place."""
SINCE = OLDER[0].stem
FILES = [file for file in sorted(migrate.MIGRATIONS.glob("2*.sql")) if file.name.split("_")[0] > SINCE]
BREAKS = {
    "takes away": r"\bDROP\s+(TABLE|COLUMN|VIEW|SCHEMA|TYPE)\b",
    "renames": r"\bRENAME\b",
    "another type": r"\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b",
    "asks for what old code does not write": r"\bSET\s+NOT\s+NULL\b",
    "a column that old code does not fill": r"\bADD\s+(COLUMN\s+)?(IF\s+NOT\s+EXISTS\s+)?"
    r"(?!CONSTRAINT\b|PRIMARY\b|FOREIGN\b|CHECK\b|UNIQUE\b)\w+(?=[^,;]*\bNOT\s+NULL\b)(?![^,;]*\bDEFAULT\b)[^,;]*",
    "waits for locks as long as it likes": r"\block_timeout\b",
}
REQUIRED = """
SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
  AND attnotnull AND NOT atthasdef AND attidentity = '' AND attgenerated = ''"""
DOWN = "-- migrate:down"
INSERT = re.compile(r"\bINSERT INTO (\w+)(?: AS \w+)? \(([^)]+)\)")
PLACE = "boxoffice.orders.place.PLACE"


def what_breaks(sql: str) -> list[str]:
    """What in a migration stops code that was written before it."""
    up = re.sub(r"--[^\n]*", "", sql.partition(DOWN)[0])
    up = re.sub(r"CREATE TABLE \w+ \(.*?\n\);", "", up, flags=re.DOTALL)  # a new table may ask for what it likes
    return [name for name, pattern in BREAKS.items() if re.search(pattern, up, re.IGNORECASE)]


def older_statements() -> dict[str, str]:
    return json.loads(OLDER[0].read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_migration_takes_nothing_away_from_code_that_runs(file: Path) -> None:
    assert what_breaks(file.read_text()) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_migration_has_no_way_back(file: Path) -> None:
    """Decision 0016. dbmate asks for the part, and would forget a migration that it is empty of."""
    down = file.read_text().partition(DOWN)[2]
    assert down == "\n\nDO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;\n"


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("ALTER TABLE event DROP COLUMN title;", "takes away"),
        ("DROP TABLE hold;", "takes away"),
        ("ALTER TABLE event RENAME title TO name;", "renames"),
        ("ALTER TABLE event ALTER COLUMN title TYPE varchar;", "another type"),
        ("ALTER TABLE event ALTER title SET NOT NULL;", "asks for what old code does not write"),
        ("ALTER TABLE event ADD COLUMN a int, ADD b text NOT NULL;", "a column that old code does not fill"),
        ("SET lock_timeout = 0;", "waits for locks as long as it likes"),
    ],
)
def test_what_would_is_found(sql: str, name: str) -> None:
    assert what_breaks(f"-- migrate:up\n{sql}\n") == [name]
    assert what_breaks(f"-- migrate:up\n-- {sql}\n") == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE event ADD COLUMN a int NOT NULL DEFAULT 0, ADD b text;",
        "CREATE TABLE new (\n  a int NOT NULL\n);",
        "ALTER TABLE event ADD CONSTRAINT a CHECK (b IS NOT NULL);",
    ],
)
def test_what_old_code_can_live_with_is_not(sql: str) -> None:
    assert what_breaks(sql) == []


async def test_every_statement_of_an_earlier_version_fits_the_present_schema(db: Database) -> None:
    assert len(older_statements()) > 200
    assert await misfits(db, older_statements()) == []


async def test_a_statement_that_does_not_fit_is_found(db: Database) -> None:
    """The negative control of the test above."""
    async with db.transaction() as connection:
        await connection.execute("ALTER TABLE event ADD added text NOT NULL; ALTER TABLE ticket RENAME holder TO name")
    found = await misfits(db, older_statements())
    assert any("holder" in one for one in found)
    assert any("does not write added" in one for one in found)


async def misfits(db: Database, statements: dict[str, str]) -> list[str]:
    """Statements that PostgreSQL does not take, and those that leave out what a table asks for."""
    found: list[str] = []
    for name, sql in statements.items():
        try:
            async with db.transaction() as connection:
                await connection.prepare(sql)
                for table, columns in INSERT.findall(sql):
                    written = set(re.findall(r"\w+", columns))
                    required = {row[0] for row in await connection.fetch(REQUIRED, table)}
                    found += [f"{name} does not write {one}" for one in sorted(required - written)]
        except asyncpg.PostgresError as error:
            found.append(f"{name}: {error}")
    return found


async def test_an_earlier_version_places_an_order(db: Database) -> None:
    """Its call of the function has fewer arguments, and reads fewer columns."""
    await load(db)
    sql = older_statements()[PLACE]
    async with db.transaction() as connection:
        event = await EVENT.first(connection)
        entry = await ENTRY.first(connection)
        assert event is not None
        code = with_check(event[1] + random_code(7))
        order = ([new_id()], [code], ["mara@example.org"], [b"k" * 32], [b"f" * 32], [None])
        lines = ([1], [entry], [2], [1200], ["{}"])
        rows = await connection.fetch(sql, event[0], 50, *order, *lines)
        assert [(row["outcome"], row["code"], row["total_minor"]) for row in rows] == [("placed", code, 2400)]
        assert await WRONG_STOCKS.all(connection) == []


@pytest.fixture
async def reader(direct_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who reads a night, for long."""
    connection = await asyncpg.connect(direct_url)
    await connection.execute("BEGIN; LOCK TABLE event IN ACCESS SHARE MODE")
    yield connection
    await connection.close()


TITLES = Query(str, "SELECT title FROM event")


@pytest.mark.slow
@pytest.mark.parametrize("limited", [True, False])
async def test_a_migration_that_gets_no_lock_gives_way_and_comes_again(
    db: Database,
    direct_url: str,
    reader: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    limited: bool,
) -> None:
    """Without the limit all who come after it wait behind it, as long as it waits: the negative control."""
    await load(db)
    (tmp_path / "29990101000000_added.sql").write_text(f"-- migrate:up\nALTER TABLE event ADD added int;\n{DOWN}\n")
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.3 if limited else 0)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.5)
    migrating = asyncio.create_task(asyncio.to_thread(migrate.run, direct_url))
    waited: list[float] = []
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < 2.5:
        asked = asyncio.get_running_loop().time()
        async with db.transaction() as connection:
            if not limited:
                await connection.execute("SET LOCAL statement_timeout = '2s'")
            try:
                assert await TITLES.all(connection) == ["Tiefdruck Eins"]
            except asyncpg.QueryCanceledError:
                waited.append(2)
                break
        waited.append(asyncio.get_running_loop().time() - asked)
        await asyncio.sleep(0.02)
    assert (max(waited) < 1.5) is limited
    await reader.execute("COMMIT")
    await migrating
    async with db.transaction() as connection:
        assert await connection.fetchval("SELECT count(added) FROM event") == 0


def test_a_migration_that_never_gets_its_lock_says_so(
    direct_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "29990101000000_waits.sql").write_text(
        "-- migrate:up\nDO $$ BEGIN\n"
        "RAISE lock_not_available USING MESSAGE = 'canceling statement due to lock timeout';\nEND $$;\n"
        f"{DOWN}\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0)
    with pytest.raises(migrate.MigrationFailed, match=r"rolled back: .*lock timeout"):
        migrate.run(direct_url)
