"""A round of scans reads its tickets' scans, not the night's: the plan of an empty night must serve a full one."""

import json
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from boxoffice.door.book import KEEP, LOCK, READ
from boxoffice.door.entry_list import OPENS_BEFORE_DOORS
from boxoffice.foundation.db import Connection, Query
from tests.door.conftest import Door

BEFORE, ROWS_MAX = 3_000, 200
ROWS_READ = Query(int, "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables")
SCANNED = """
INSERT INTO scan (event_id, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at, received_at,
  online, answer, override, reason)
SELECT $1, id, 'nonce-of-' || number, list_id, 'entry', gen_random_uuid(), '', clock(), clock(), clock(),
  true, 'unknown', false, ''
FROM device CROSS JOIN generate_series($3::integer, $4::integer) AS number WHERE id = $2
"""
SOLD = """
INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder, status,
  issued_at)
SELECT event_id, gen_random_uuid(), order_id, 1000 + new, line_number, 'code ' || new, ticket_type_id, release_id, '',
  'active', issued_at
FROM (SELECT * FROM ticket LIMIT 1) AS one, generate_series(1, $1::integer) AS new
"""


@pytest.mark.parametrize("settings", [True, False])
async def test_what_a_round_reads_does_not_grow_with_the_night(
    door: Door, database_url: str, *, settings: bool
) -> None:
    """Without the function's settings the statistics of when the doors opened let it read every ticket and scan: the
    negative control."""
    scanner = await door.scanner()
    codes = await door.tickets(8)
    if not settings:
        for function in ("lock_book", "read_book", "keep_book"):
            await door.execute(f"ALTER FUNCTION {function} RESET ALL")
            await door.execute(f"ALTER FUNCTION {function} SET plan_cache_mode = force_generic_plan")
    connection = await asyncpg.connect(database_url)
    await connection.execute(SCANNED, door.event_id, UUID(scanner.id), 1, 5)
    await connection.execute("VACUUM (FULL, ANALYZE) scan, ticket")  # as small as they look to the planner
    async with connection.transaction():
        await _rows_read(connection, door, scanner.id, codes)  # makes the plan that is kept
        await connection.execute(SCANNED, door.event_id, UUID(scanner.id), 6, BEFORE)
        await connection.execute(SOLD, BEFORE)
        assert (await _rows_read(connection, door, scanner.id, codes) < ROWS_MAX) is settings
    await connection.close()


async def _rows_read(connection: Connection, door: Door, scanner_id: str, codes: list[str]) -> int:
    """How many rows the round looks at, in tables and indexes."""
    before = await ROWS_READ.all(connection)
    devices, nonces = [UUID(scanner_id)], ["nonce-of-now"]
    await LOCK.all(connection, door.event_id, devices, [], codes, devices, nonces)
    book = await READ.all(connection, door.event_id, OPENS_BEFORE_DOORS, devices, [], codes, devices, nonces)
    tickets = [ticket.id for ticket in book[0].tickets]
    used = [{"id": str(ticket_id), "used_at": str(datetime.now(UTC))} for ticket_id in tickets]
    new = json.dumps({"scans": [], "entries": [], "used": used})
    await KEEP.all(connection, door.event_id, devices, tickets, devices, nonces, book[0].version, new)
    after = await ROWS_READ.all(connection)
    return after[0] - before[0]
