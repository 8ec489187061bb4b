"""Tickets that were sent on, or are offered, when something happens to them: offers end, and their holders are told."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query, as_id
from boxoffice.tickets.transfer import mail_transfer

AT_ONCE = 200


class _Key(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID


END = Query(
    as_id,
    """
UPDATE ticket_transfer SET status = 'ended', ended_at = clock()
WHERE event_id = $1 AND ticket_id = ANY($2::uuid[]) AND status = 'offered' RETURNING id
""",
)
# Who holds a ticket without having bought it: the last transfer of it.
SENT_TO = Query(
    as_id,
    """
SELECT transfer.id FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
CROSS JOIN LATERAL (SELECT id FROM ticket_transfer WHERE ticket_transfer.event_id = ticket.event_id
  AND ticket_id = ticket.id AND ticket_transfer.status = 'accepted' ORDER BY old_revision DESC LIMIT 1) AS transfer
WHERE ticket.event_id = $1 AND ticket.id = ANY($2::uuid[]) AND holder_email <> orders.email
""",
)
OF_ORDER = Query(
    as_id,
    """
SELECT id FROM ticket
WHERE event_id = $1 AND order_id = $2 AND holder_email IS NOT NULL AND status = ANY($3::text[])
""",
)
# Reads across nights: offers whose time is over.
EXPIRE = Query(
    _Key,
    """
UPDATE ticket_transfer AS transfer SET status = 'expired', ended_at = clock()
FROM (SELECT ticket_transfer.event_id, ticket_transfer.id FROM ticket_transfer JOIN event ON event.id = event_id
  WHERE ticket_transfer.status = 'offered' AND coalesce(transfer_until, doors_at) <= clock()
  ORDER BY ticket_transfer.event_id, ticket_transfer.id LIMIT $1
  FOR UPDATE OF ticket_transfer SKIP LOCKED) AS late
WHERE transfer.event_id = late.event_id AND transfer.id = late.id AND transfer.status = 'offered'
RETURNING transfer.event_id, transfer.id
""",
)


async def end_transfers(connection: Connection, event_id: UUID, tickets: Sequence[UUID]) -> None:
    """What follows from tickets that no longer open the door: offers of them end, and who holds one without having
    bought it is told. The caller holds their locks."""
    for transfer_id in await END.all(connection, event_id, tickets):
        await mail_transfer(connection, event_id, transfer_id, "ended")
    for transfer_id in await SENT_TO.all(connection, event_id, tickets):
        await mail_transfer(connection, event_id, transfer_id, "void")


async def tell_holders(connection: Connection, order: tuple[UUID, UUID], state: str) -> None:
    """Tells whoever holds tickets of an order without having bought them that they are `blocked`, or `valid` again."""
    tickets = await OF_ORDER.all(connection, *order, ["active", "used"])
    for transfer_id in await SENT_TO.all(connection, order[0], tickets) if tickets else []:
        await mail_transfer(connection, order[0], transfer_id, state, again=True)


async def expire_offers(connection: Connection) -> int:
    """Ends offers that nobody took in time, and tells who made them; returns how many, at most 200."""
    late = await EXPIRE.all(connection, AT_ONCE)
    for transfer in late:
        await mail_transfer(connection, transfer.event_id, transfer.id, "expired")
    return len(late)
