"""A few values that outlive a restart: the moved clock, the secret of `stripe listen`."""

from stripe_simulator.store.database import Database

KEEP = "INSERT INTO kept_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
KEPT = "SELECT value FROM kept_setting WHERE name = $1"
EMPTY = "TRUNCATE object, event, delivery, later, idempotent_answer, kept_setting RESTART IDENTITY"


async def value_of(database: Database, name: str) -> str | None:
    """The value, if there is one."""
    rows = await database.rows(KEPT, name)
    return rows[0]["value"] if rows else None


async def keep(database: Database, name: str, value: str) -> None:
    """Keep a value, in place of an older one."""
    await database.run(KEEP, name, value)


async def forget_everything(database: Database) -> None:
    """Empty every table."""
    await database.run(EMPTY)
