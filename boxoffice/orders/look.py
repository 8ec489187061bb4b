"""Looking at Stripe ourselves when its webhook is late: the success page asks here."""

from uuid import UUID

from boxoffice.foundation.db import Query
from boxoffice.orders.fulfil import fulfil
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.till import Till
from boxoffice.payments.stripe import StripeProblem

CLAIM_LOOKS = Query(
    str,
    """
UPDATE payment_attempt SET looked_at = clock()
WHERE event_id = $1 AND order_id = $2 AND session_id IS NOT NULL AND status IN ('open', 'complete')
  AND ($3::text IS NULL OR session_id = $3) AND (looked_at IS NULL OR looked_at < clock() - interval '2 seconds')
RETURNING session_id
""",
)


async def look(till: Till, view: OrderView, session_id: str | None = None) -> OrderView:
    """The order after asking Stripe about its sessions (or the named one), at most every two seconds across processes.

    When Stripe does not answer, the order is as it was: the webhook or the repair will tell.
    """
    if view.order.status not in ("paying", "settling") or till.stripe is None:
        return view
    await ask_stripe(till, view.order.event_id, view.order.id, session_id)
    async with till.db.transaction() as connection:
        return await show_order(connection, view.order.code)


async def ask_stripe(till: Till, event_id: UUID, order_id: UUID, session_id: str | None = None) -> None:
    """Retrieves an order's sessions and does what they ask for."""
    async with till.db.transaction() as connection:
        claimed = await CLAIM_LOOKS.all(connection, event_id, order_id, session_id)
    for claimed_session_id in claimed:
        try:
            session = await till.stripe_or_closed().retrieve_session(claimed_session_id)
        except StripeProblem:
            return
        await till.db.attempt(fulfil, till, session)
