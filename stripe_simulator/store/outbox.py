"""The stored deliveries: what still has to be sent, what came of each try, what an event still waits for."""

from collections.abc import Sequence
from typing import Any

import msgspec

from stripe_simulator.deliveries.delivery import Delivery, DeliveryFault
from stripe_simulator.store.database import Database

WAITING = """
SELECT d.id, d.event_id, d.endpoint_id, d.due, d.attempts, d.fault, e.type, e.doc
FROM delivery d JOIN event e ON e.id = d.event_id WHERE d.status = 'pending' ORDER BY d.due, d.seq
"""
RECORD = """
UPDATE delivery SET status = t.status, attempts = t.attempts, due = t.due, last_status = t.last_status,
 last_problem = t.problem, last_attempt = t.moment
FROM unnest($1::text[], $2::text[], $3::int[], $4::float8[], $5::int[], $6::text[], $7::float8[])
 AS t (id, status, attempts, due, last_status, problem, moment)
WHERE delivery.id = t.id
"""
NEWEST = """
SELECT d.id, d.event_id, e.type, d.endpoint_id, d.status, d.attempts, d.due, d.last_status, d.last_problem,
 d.last_attempt
FROM delivery d JOIN event e ON e.id = d.event_id ORDER BY d.seq DESC LIMIT $1
"""


async def waiting(database: Database) -> list[Delivery]:
    """Every delivery that still has to be sent: what a restart takes up again."""
    return [
        Delivery(
            id=row["id"],
            event_id=row["event_id"],
            event_type=row["type"],
            endpoint_id=row["endpoint_id"],
            due=row["due"],
            event=row["doc"].encode(),
            fault=msgspec.json.decode(row["fault"], type=DeliveryFault) if row["fault"] else None,
            attempts=row["attempts"],
        )
        for row in await database.rows(WAITING)
    ]


async def record(database: Database, tried: Sequence[tuple[Delivery, str | None, float]]) -> None:
    """Write what came of tries: the delivery as it is now, the problem met and the moment."""
    await database.run(
        RECORD,
        [delivery.id for delivery, _, _ in tried],
        [delivery.status for delivery, _, _ in tried],
        [delivery.attempts for delivery, _, _ in tried],
        [delivery.due for delivery, _, _ in tried],
        [delivery.last_status for delivery, _, _ in tried],
        [problem for _, problem, _ in tried],
        [moment for _, _, moment in tried],
    )


async def newest(database: Database, count: int) -> list[dict[str, Any]]:
    """The newest deliveries with what came of them."""
    return [dict(row) for row in await database.rows(NEWEST, count)]
