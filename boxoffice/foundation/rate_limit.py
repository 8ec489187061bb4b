"""How often something may be done, counted exactly across processes by the database (GCRA: one moment a key)."""

import hashlib
from datetime import timedelta

import msgspec

from boxoffice.foundation.db import Command, Connection, Query, as_seconds


class Limit(msgspec.Struct, frozen=True):
    """`times` at once, then one more every `per_seconds / times` seconds. The name is part of the key."""

    name: str
    times: int
    per_seconds: float

    def __post_init__(self) -> None:
        assert self.times > 0, "a limit of nothing is a refusal"
        assert self.per_seconds > 0, "a limit is over a time"


# The condition is checked on the locked row, so that of many at the same moment exactly as many pass as there is room
# for. Only the wait is read from before: when another took the place meanwhile it is one interval, the most there is.
TAKE = Query(
    as_seconds,
    """
WITH taken AS (
  INSERT INTO rate_limit (key, full_at) VALUES ($1, clock() + $2::interval)
  ON CONFLICT (key) DO UPDATE SET full_at = greatest(rate_limit.full_at, clock()) + $2
  WHERE greatest(rate_limit.full_at, clock()) + $2 <= clock() + $3::interval
  RETURNING key)
SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN interval '0'
  ELSE coalesce((SELECT full_at + $2 - $3 - clock() FROM rate_limit WHERE key = $1 AND full_at + $2 - $3 > clock()), $2)
  END
""",
)

WAIT = Query(
    as_seconds,
    """
SELECT coalesce((SELECT full_at + $2::interval - $3::interval - clock() FROM rate_limit
  WHERE key = $1 AND full_at + $2 - $3 > clock()), interval '0')
""",
)
COUNT = Command("""
INSERT INTO rate_limit (key, full_at) VALUES ($1, clock() + $2::interval)
ON CONFLICT (key) DO UPDATE SET full_at = greatest(rate_limit.full_at, clock()) + $2
""")
DELETE_FULL = Command("DELETE FROM rate_limit WHERE full_at < clock()")


async def allow(connection: Connection, limit: Limit, who: str) -> float:
    """Counts one more for `who` (any text; only its hash is kept): 0 when allowed, else the seconds to wait.

    A refusal counts nothing, and neither does a transaction that is rolled back. Others who ask for the same key wait
    until this transaction ends.
    """
    wait = await TAKE.first(connection, *_values(limit, who))
    assert wait is not None
    return wait


async def wait_for(connection: Connection, limit: Limit, who: str) -> float:
    """Seconds until one more is allowed, 0 when it is; counts nothing. For what counts only when it is known how it
    ended."""
    wait = await WAIT.first(connection, *_values(limit, who))
    assert wait is not None
    return wait


async def count(connection: Connection, limit: Limit, who: str) -> None:
    """Counts one more, above the limit too: what is owed then is waited for."""
    key, interval, _ = _values(limit, who)
    await COUNT.run(connection, key, interval)


def _values(limit: Limit, who: str) -> tuple[str, timedelta, timedelta]:
    key = f"{limit.name}:{hashlib.sha256(who.encode(errors='replace')).hexdigest()}"
    whole = timedelta(seconds=limit.per_seconds)
    return key, whole // limit.times, whole


async def delete_full(connection: Connection) -> int:
    """Deletes the rows that limit nobody any more; returns how many."""
    return await DELETE_FULL.run(connection)
