"""How many tickets doors scan in a second, against the database's own rate of single statements.

One server process, then two; eight scanners that wait for each answer; durable commits; all on the same two cores.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from uuid import UUID, uuid4

import asyncpg
import msgspec

from bench.client import load, post
from bench.cluster import own_cluster
from bench.place import roomy_night
from bench.web import PORT, ROUNDS, SECONDS, environment, median, said, server
from boxoffice.cli import serve
from boxoffice.door.device import make_link, pair
from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from boxoffice.foundation.problems import Problem
from boxoffice.orders.place import Counter, Line, Request
from local_postgres import LocalPostgres

SCANNERS = 8
PROCESSES = (1, 2)
TICKETS, CHUNK = 60_000, 2_000
SLUG = "kesselhaus-opening"
SECRET_KEY = "a secret of the bench, long enough for it"
NIGHT = Query(
    lambda event_id, code, type_id: (UUID(str(event_id)), str(code), UUID(str(type_id))),
    f"SELECT event.id, short_code, ticket_type.id FROM event JOIN ticket_type ON event_id = event.id "
    f"WHERE slug = '{SLUG}' ORDER BY position LIMIT 1",
)
# More tickets than a smallint can number stand for one order's line here.
TICKETS_OF_ONE_LINE = """
INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder, status,
  issued_at)
SELECT event_id, new.id, order_id, new.number + $3::integer, order_line.number, new.code, ticket_type_id, release_id,
  '', 'active', clock()
FROM order_line, unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS new (id, code, number)
"""


async def prepare(database: Database) -> tuple[list[tuple[str, str]], Iterator[str]]:
    """Paired scanners, and codes that nobody has scanned."""
    await roomy_night(database)
    async with database.transaction() as connection:
        night = await NIGHT.first(connection)
    assert night is not None
    event_id, short_code, type_id = night
    await Counter(database, event_id, short_code, 50).flush(
        [Request("bench-door-order-1", "a@example.org", (Line(type_id, 1),))]
    )
    codes = [with_check(short_code + random_code(7)) for _ in range(TICKETS)]
    scanners: list[tuple[str, str]] = []
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE ticket ALTER number TYPE integer")
        for some in range(0, TICKETS, CHUNK):
            ids = [new_id() for _ in range(CHUNK)]
            await connection.execute(TICKETS_OF_ONE_LINE, ids, codes[some : some + CHUNK], some)
        for number in range(SCANNERS):
            made = await make_link(connection, SECRET_KEY, event_id, f"Gate {number}")
            paired = await pair(connection, SECRET_KEY, SLUG, made.link, made.pin, None)
            assert not isinstance(paired, Problem)
            scanners.append((str(paired.device_id), paired.token))
        await connection.execute("UPDATE entry_list SET opens_at = '2020-01-01'")
    return scanners, iter(codes)


def scan_request(scanner: tuple[str, str], code: str) -> bytes:
    """One scan of a code that was typed."""
    body = {"device": scanner[0], "nonce": str(uuid4()), "scanned_at": datetime.now(UTC), "code": code}
    return post(f"/api/v1/events/{SLUG}/scans", msgspec.json.encode(body), Authorization=f"Bearer {scanner[1]}")


async def single_statements(url: str) -> float:
    """Rows written a second, each by a statement that commits alone, by as many connections as there are scanners."""
    first = await asyncpg.connect(url)
    await first.execute("CREATE TABLE IF NOT EXISTS probe (device integer, nonce text, PRIMARY KEY (device, nonce))")
    await first.close()
    done = count()
    end = time.perf_counter() + SECONDS

    async def writer(device: int) -> None:
        connection = await asyncpg.connect(url)
        while time.perf_counter() < end:
            await connection.execute("INSERT INTO probe VALUES ($1, $2)", device, str(uuid4()))
            next(done)
        await connection.close()

    await asyncio.gather(*(writer(device) for device in range(SCANNERS)))
    return next(done) / SECONDS


async def measure(postgres: LocalPostgres) -> None:
    """Scans over HTTP, and what the database does with single statements."""
    url = postgres.url("bench_door")
    database = Database(url, size=2)
    scanners, codes = await prepare(database)
    await database.close()
    limit = sorted([await single_statements(url) for _ in range(ROUNDS)])[ROUNDS // 2]
    print(f"single statements of {SCANNERS} connections: {limit:.0f}/s", flush=True)
    turn = count()
    for processes in PROCESSES:
        with server(serve.command("127.0.0.1", PORT, processes), PORT, environment(url, 25), "/readyz"):
            scanned = await median(
                lambda: load(
                    PORT,
                    lambda: scan_request(scanners[next(turn) % SCANNERS], next(codes)),
                    clients=SCANNERS,
                    seconds=SECONDS,
                )
            )
        said(f"scan, {SCANNERS} scanners, {processes} processes", scanned, limit, "single statements")


def main() -> None:
    """Runs on a cluster of its own under .local/bench."""
    with own_cluster("bench", "bench_door") as postgres:
        asyncio.run(measure(postgres))


if __name__ == "__main__":
    main()
