"""A PostgreSQL of the bench's own, with databases made anew."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from boxoffice.cli import migrate
from local_postgres import LocalPostgres

LOCAL = Path(__file__).resolve().parent.parent / ".local"


@contextmanager
def own_cluster(name: str, database: str, *others: str) -> Generator[LocalPostgres]:
    """The cluster under `.local/{name}`, stopped at the end. `database` has our tables, the `others` are empty."""
    postgres = LocalPostgres(LOCAL / name)
    postgres.start()
    try:
        for one in (database, *others):
            postgres.drop_database(one)
            postgres.create_database(one)
        migrate.run(postgres.url(database))
        yield postgres
    finally:
        postgres.stop()
