"""The documented one-file set-up equals the migrations."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from boxoffice.cli import migrate
from local_postgres import LocalPostgres
from scripts.make_create_tables import TARGET, schema_of
from tests.conftest import PG_BIN, TEMPLATE, create_tables


@pytest.fixture
def empty(postgres: LocalPostgres) -> Iterator[str]:
    """The name of a database with nothing in it."""
    name = f"empty_{uuid4().hex[:12]}"
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.mark.skipif(PG_BIN is not None, reason="the file is written by the wheel's pg_dump; others word it otherwise")
def test_create_tables_is_what_the_migrations_make(postgres: LocalPostgres, empty: str) -> None:
    migrate.run(postgres.url(empty))
    assert TARGET.read_text() == schema_of(postgres, empty), "run `make schema`"


def test_migrate_finds_nothing_to_do_after_create_tables(
    postgres: LocalPostgres, empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_tables(postgres, empty)
    before = schema_of(postgres, empty)
    migrate.run(postgres.url(empty))
    assert capsys.readouterr().out == "The schema is up to date.\n"
    assert schema_of(postgres, empty) == before


def test_both_ways_make_the_same_tables(postgres: LocalPostgres, empty: str) -> None:
    migrate.run(postgres.url(empty))
    assert schema_of(postgres, empty) == schema_of(postgres, TEMPLATE)


def test_foreign_key_checks_find_orders_by_primary_key_on_a_fresh_database(postgres: LocalPostgres) -> None:
    newest = """SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE indrelid = 'orders'::regclass AND indpred IS NULL
      AND pg_get_indexdef(indexrelid, 1, true) = 'event_id' ORDER BY indexrelid DESC LIMIT 1"""
    assert postgres.psql(newest, TEMPLATE).strip() == "orders_pkey"


def test_the_owner_of_a_database_needs_no_superuser_for_create_tables(postgres: LocalPostgres) -> None:
    postgres.drop_database("owned")
    postgres.psql("DROP ROLE IF EXISTS plain_owner")
    postgres.psql("CREATE ROLE plain_owner NOSUPERUSER NOCREATEDB NOCREATEROLE LOGIN")
    postgres.psql("CREATE DATABASE owned OWNER plain_owner TEMPLATE template0")
    # An editor sends the whole file as one text; a pooler keeps the role for that one connection.
    postgres.psql(f"SET ROLE plain_owner; {TARGET.read_text()}", "owned")
    assert postgres.psql("SELECT folded('Šimůnek & Żółć') ", "owned").strip() == "simunek zolc"
    postgres.drop_database("owned")
    postgres.psql("DROP ROLE plain_owner")
