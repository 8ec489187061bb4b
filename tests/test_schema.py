"""The documented one-file set-up equals the migrations."""

import subprocess

from boxoffice.cli import migrate
from local_postgres import LocalPostgres
from scripts.make_create_tables import TARGET, schema_of
from tests.conftest import TEMPLATE


def test_create_tables_is_what_the_migrations_make(postgres: LocalPostgres) -> None:
    assert TARGET.read_text() == schema_of(postgres, TEMPLATE), "run `make schema`"


def test_migrate_finds_nothing_to_do_after_create_tables(postgres: LocalPostgres, capfd: object) -> None:
    postgres.drop_database("one_file")
    postgres.create_database("one_file")
    url = postgres.url("one_file")
    psql = [postgres.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(TARGET)]
    subprocess.run(psql, check=True)
    migrate.run(url)
    assert schema_of(postgres, "one_file") == TARGET.read_text()
    postgres.drop_database("one_file")


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
