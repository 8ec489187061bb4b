"""Money that reached an order, and the lock that everything about it takes first."""

from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.orders.give_back import LOCK_ORDER


class Payment(msgspec.Struct, frozen=True):
    """Money that reached an order; `purpose` is `kept`, `returned` or `in_review`."""

    order_id: UUID
    order_code: str
    payment_intent_id: str
    amount_minor: int
    currency: str
    purpose: str


PAYMENT = Query(
    Payment,
    """
SELECT payment.order_id, orders.code AS order_code, payment_intent_id, amount_minor, payment.currency, purpose
FROM payment JOIN orders ON orders.event_id = payment.event_id AND orders.id = payment.order_id
WHERE payment.event_id = $1 AND payment_intent_id = $2
""",
)


async def lock_payment(connection: Connection, event_id: UUID, intent: str) -> Payment | None:
    """A payment whose order this transaction holds from here on; None when it is not ours."""
    payment = await PAYMENT.first(connection, event_id, intent)
    if payment is None:
        return None
    await LOCK_ORDER.first(connection, event_id, payment.order_id)
    return await PAYMENT.first(connection, event_id, intent)
