"""A round of scans reads its tickets' scans, not the night's: the plan of an empty night must serve a full one."""

import re
from uuid import UUID

import pytest

from boxoffice.door.book import SCANS
from boxoffice.foundation.db import Connection, Query
from tests.door.conftest import Door

BEFORE, ROWS_MAX = 3_000, 100
OF_THE_TICKETS = re.compile(r"SELECT before\.\* FROM unnest\(\$4.*?OFFSET 0\) AS before", re.DOTALL)
WITHOUT_THE_FENCE = Query(
    tuple, OF_THE_TICKETS.sub("SELECT * FROM scan WHERE event_id = $1 AND ticket_id = ANY($4::uuid[])", SCANS.sql)
)
READ = re.compile(r"actual rows=([\d.]+) loops=(\d+)|Rows Removed by (?:Filter|Index Recheck): (\d+)")
SCANNED = """
INSERT INTO scan (event_id, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at, received_at,
  online, answer, override, reason)
SELECT $1, id, 'nonce-of-' || number, list_id, 'entry', gen_random_uuid(), '', clock(), clock(), clock(),
  true, 'unknown', false, ''
FROM device CROSS JOIN generate_series($3::integer, $4::integer) AS number WHERE id = $2
"""


@pytest.mark.parametrize(("query", "reads_all"), [(SCANS, False), (WITHOUT_THE_FENCE, True)])
async def test_what_a_round_reads_does_not_grow_with_the_night(
    door: Door, query: Query[object], *, reads_all: bool
) -> None:
    """Without the fence the statistics of when the doors opened let it read every scan: the negative control."""
    scanner = await door.scanner()
    codes = await door.tickets(8)
    async with door.shop.box.db.transaction() as connection:
        await connection.execute(SCANNED, door.event_id, UUID(scanner.id), 1, 5)
        await connection.execute("ANALYZE scan")
        await connection.execute(SCANNED, door.event_id, UUID(scanner.id), 6, BEFORE)
        assert (await _rows_read(connection, query, door, codes) > ROWS_MAX) is reads_all


async def _rows_read(connection: Connection, query: Query[object], door: Door, codes: list[str]) -> float:
    """How many rows the nodes of its plan look at."""
    tickets = await connection.fetchval("SELECT array_agg(id) FROM ticket WHERE code = ANY($1::text[])", codes)
    plan = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {query.sql}", door.event_id, [], [], tickets)
    found = READ.findall("\n".join(row[0] for row in plan))
    return sum(float(rows or 0) * int(loops or 0) + int(removed or 0) for rows, loops, removed in found)
