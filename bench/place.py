"""How many orders of one hot ticket type are held in a second, against the same counter without batching.

Durable: commits wait for the disk. Every order writes order, line, two holds and a payment attempt. Clients run in this
process, so their time is in the figures.
"""

import asyncio
import statistics
import time
from pathlib import Path
from uuid import UUID

from bench.cluster import own_cluster
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.problems import Problem
from boxoffice.orders.place import Counter, Line, Placed, Request

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3
ROUNDS = 3
NIGHT = Query(
    lambda event_id, code, type_id: (UUID(str(event_id)), str(code), UUID(str(type_id))),
    "SELECT event.id, short_code, ticket_type.id FROM event JOIN ticket_type ON event_id = event.id\n"
    "WHERE slug = 'kesselhaus-opening' ORDER BY position LIMIT 1",
)


async def rate(database: Database, clients: int, number: int) -> tuple[float, float]:
    """Orders a second and the 99th percentile in milliseconds, with `clients` waiting at the same time."""
    async with database.transaction() as connection:
        night = await NIGHT.first(connection)
    assert night is not None
    event_id, short_code, type_id = night
    batcher: Batcher[Request, Placed | Problem] = Batcher(
        Counter(database, event_id, short_code, 50).flush, crowded="crowded"
    )
    waits: list[float] = []
    end = time.perf_counter() + SECONDS

    async def buyer(place: int) -> None:
        turn = 0
        while time.perf_counter() < end:
            turn += 1
            key = f"round-{number}-clients-{clients}-{place}-{turn}"
            start = time.perf_counter()
            placed = await batcher.submit(Request(key, f"{key}@example.org", (Line(type_id, 1),)))
            assert isinstance(placed, Placed)
            waits.append(time.perf_counter() - start)

    await asyncio.gather(*(buyer(place) for place in range(clients)))
    return len(waits) / SECONDS, sorted(waits)[int(len(waits) * 0.99)] * 1000


async def roomy_night(database: Database) -> None:
    """The demo's first night with room for everyone."""
    text = (ROOT / "nights" / "demo.toml").read_text()
    async with database.transaction() as connection:
        await load_nights(connection, read_nights_file(text, await now(connection)))
        await connection.execute("UPDATE stock SET cap = 900000")


async def measure_place(database: Database) -> float:
    """Medians of three rounds: one client, whose batches are of one, then 64 and 512. Returns the rate with 64."""
    medians: dict[int, float] = {}
    for clients in (1, 64, 512):
        rounds = [await rate(database, clients, number) for number in range(ROUNDS)]
        medians[clients] = statistics.median(orders for orders, _ in rounds)
        p99 = statistics.median(wait for _, wait in rounds)
        one_by_one = medians[clients] / medians[1]
        print(
            f"in process, {clients:3} clients: {medians[clients]:7.0f} orders/s, p99 {p99:6.1f} ms, {one_by_one:5.1f} x"
        )
    return medians[64]


async def _measure(url: str) -> None:
    database = Database(url, size=2)
    await roomy_night(database)
    await measure_place(database)
    await database.close()


def main() -> None:
    """Runs on a cluster of its own under .local/bench."""
    with own_cluster("bench", "bench") as postgres:
        asyncio.run(_measure(postgres.url("bench")))


if __name__ == "__main__":
    main()
