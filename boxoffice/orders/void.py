"""Tickets that no longer open the door, and their units back on sale."""

from collections.abc import Sequence
from uuid import UUID

from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.orders.give_back import LOCK_STOCKS
from boxoffice.tickets.end_transfers import end_transfers

# Tickets are locked by id, as a door locks those of a round: neither waits for the other in a circle.
OPEN_TICKETS = Query(
    as_id,
    """
SELECT id FROM ticket WHERE event_id = $1 AND order_id = $2 AND status IN ('active', 'used') ORDER BY id FOR UPDATE
""",
)
VOID = Command("""
UPDATE ticket SET status = $4, refund_id = $5, revision = revision + 1, blocked_reason = $6
WHERE event_id = $1 AND order_id = $2 AND id = ANY($3::uuid[]) AND status IN ('active', 'used')
""")
GIVE_BACK_TICKETS = Query(lambda _nothing: None, "SELECT give_back_tickets($1, $2, $3::uuid[])")
FOLLOW_TICKETS = Command("""
UPDATE orders SET status = CASE WHEN EXISTS (SELECT FROM ticket WHERE ticket.event_id = $1 AND order_id = $2
  AND ticket.status IN ('active', 'used')) THEN 'part_refunded' ELSE 'refunded' END
WHERE event_id = $1 AND id = $2 AND status IN ('paid', 'part_refunded')
""")


async def void(
    connection: Connection,
    order: tuple[UUID, UUID],
    tickets: Sequence[UUID],
    status: str,
    *,
    refund_id: UUID | None = None,
    blocked_reason: str | None = None,
) -> None:
    """Makes tickets of a locked order `refunded` or `cancelled`: their codes are worthless from here on, and their
    units return to sale. Takes the locks of the tickets, of their offers, then of the event's stocks."""
    if not tickets:
        return
    await VOID.run(connection, *order, tickets, status, refund_id, blocked_reason)
    await end_transfers(connection, order[0], tickets)
    await LOCK_STOCKS.all(connection, order[0])
    await GIVE_BACK_TICKETS.first(connection, *order, tickets)


async def void_all(
    connection: Connection,
    order: tuple[UUID, UUID],
    status: str,
    *,
    refund_id: UUID | None = None,
    blocked_reason: str | None = None,
) -> int:
    """The same for every ticket of a locked order that still opens the door; returns their number."""
    tickets = await OPEN_TICKETS.all(connection, *order)
    await void(connection, order, tickets, status, refund_id=refund_id, blocked_reason=blocked_reason)
    return len(tickets)


async def follow_tickets(connection: Connection, order: tuple[UUID, UUID]) -> None:
    """A paid order of which something was refunded: `part_refunded` while a ticket of it is good, then `refunded`."""
    await FOLLOW_TICKETS.run(connection, *order)
