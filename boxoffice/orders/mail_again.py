"""The mail with the tickets once more, for a buyer who does not find it."""

from uuid import UUID

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import Problem
from boxoffice.orders.order import OrderView
from boxoffice.tickets.ticket import OPENS_THE_DOOR

BRING_FORWARD = Command("""
UPDATE job SET run_at = clock(), parked_at = NULL, failures = 0, unreported = 0, retried_at = clock()
WHERE name = 'mail_tickets' AND done_at IS NULL AND (parked_at IS NOT NULL OR problem IS NOT NULL)
  AND (subject = $1 OR subject LIKE $1 || ':%')
""")
WAITING = Query(
    int,
    """
SELECT 1 FROM job WHERE name = 'mail_tickets' AND done_at IS NULL AND (subject = $1 OR subject LIKE $1 || ':%') LIMIT 1
""",
)


class NoTickets(Problem):
    """There is nothing to mail."""

    status, type, title = 409, "no_tickets", "No tickets"


async def mail_tickets_again(connection: Connection, view: OrderView) -> str:
    """Has the tickets mailed again and says in a sentence what comes of it. A mail that has not gone out yet, or was
    given up, is sent now instead of a second one. Raises NoTickets."""
    order = view.order
    if order.status not in ("paid", "part_refunded"):
        raise NoTickets(f"This order has no tickets to mail: it is {order.status.replace('_', ' ')}.")
    if not any(ticket.status in OPENS_THE_DOOR for ticket in view.tickets):
        raise NoTickets("None of this order's tickets opens the door, so there is nothing to mail.")
    if not order.email:
        raise NoTickets("Nobody knows where to mail them: this guest gave no address. The name at the door is enough.")
    subject = str(order.id)
    if await BRING_FORWARD.run(connection, subject):
        return "The mail had not gone out. It is tried again now."
    if await WAITING.first(connection, subject):
        return "The mail is on its way already."
    await _enqueue(connection, order.event_id, order.id)
    return "The tickets are mailed again now."


async def _enqueue(connection: Connection, event_id: UUID, order_id: UUID) -> None:
    names = {"event_id": str(event_id), "order_id": str(order_id)}
    await enqueue(connection, "mail_tickets", f"{order_id}:{new_id()}", names)
