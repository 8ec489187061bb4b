"""What is said of a payment before anybody disputes it: the bank's early fraud warnings, reviews by Stripe's checks.

Both are written down and told to a person; neither refunds anything nor touches a ticket. Whoever decides that the
buyer is a thief refunds the order, which voids its tickets.
"""

from typing import Any
from uuid import UUID

from boxoffice.foundation.db import Command, Connection
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.payment import lock_payment
from boxoffice.payments.stripe_objects import Json

KINDS = {"radar.early_fraud_warning": "early_fraud_warning", "review": "review"}

PUT = Command("""
INSERT INTO fraud_sign (event_id, id, order_id, payment_intent_id, kind, words, noted_at) VALUES
  ($1, $2, $3, $4, $5, $6, clock()) ON CONFLICT (event_id, id) DO NOTHING
""")
CLOSE = Command("""
UPDATE fraud_sign SET closed_at = clock(), closed_reason = $3 WHERE event_id = $1 AND id = $2 AND closed_at IS NULL
""")


async def record_fraud_sign(connection: Connection, event_id: UUID, intent: str, sign: Json) -> str:
    """Writes down a warning or a review as its event shows it; a closing may come before the opening. Repeatable."""
    payment = await lock_payment(connection, event_id, intent)
    if payment is None:
        return "unknown_order"
    kind = KINDS[sign["object"]]
    words: Any = sign["fraud_type"] if kind == "early_fraud_warning" else sign["opened_reason"]
    await PUT.run(connection, event_id, sign["id"], payment.order_id, intent, kind, words)
    if kind == "review" and not sign["open"]:
        await CLOSE.run(connection, event_id, sign["id"], sign["closed_reason"] or sign["reason"])
        return "review_closed"
    what = f"order {payment.order_code}, {write_money(payment.amount_minor, payment.currency)}, {sign['id']}"
    if kind == "review":
        text = f"Stripe wants a payment reviewed ({what}). Its tickets are issued and good: decide in its Dashboard."
    else:
        text = (
            f"A bank warns of fraud ({what}, {words}). Nothing was refunded; a refund now may save a dispute: "
            f"`boxoffice refund {payment.order_code}`."
        )
    await enqueue(connection, "alarm", f"fraud_sign:{sign['id']}", {"text": text})
    return kind
