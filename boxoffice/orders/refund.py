"""Money that goes back: decided in a transaction, sent after it under a stable key, settled by what Stripe says."""

from dataclasses import dataclass
from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.orders.give_back import LOCK_ORDER, give_back_units
from boxoffice.orders.till import Till
from boxoffice.payments.ledger import post
from boxoffice.payments.stripe import Refund, StripeRefused


@dataclass(frozen=True, slots=True)
class _Decided:
    order_id: UUID
    payment_intent_id: str
    decision: str
    amount_minor: int
    currency: str
    status: str
    refund_id: str | None


@dataclass(frozen=True, slots=True)
class _Payment:
    payment_intent_id: str
    amount_minor: int
    currency: str


def _id(value: UUID) -> UUID:
    return value


DECIDE = Query(
    _id,
    """
INSERT INTO refund (event_id, id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status,
  decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'decided', clock()) ON CONFLICT (event_id, decision) DO NOTHING RETURNING id
""",
)
ORDER_REFUNDED = Command("""
UPDATE orders SET status = 'refunded' WHERE event_id = $1 AND id = $2 AND status IN ('expired', 'released', 'in_review')
""")
DECIDED = Query(
    _Decided,
    """
SELECT order_id, payment_intent_id, decision, amount_minor, currency, status, refund_id FROM refund
WHERE event_id = $1 AND id = $2
""",
)
SETTLE = Query(
    _Decided,
    """
UPDATE refund SET status = $3, refund_id = $4, problem = $5,
  settled_at = CASE WHEN $3 = 'pending' THEN NULL ELSE clock() END
WHERE event_id = $1 AND id = $2 AND status <> $3 AND status <> 'failed'
  AND NOT (status = 'succeeded' AND $3 = 'pending')
RETURNING order_id, payment_intent_id, decision, amount_minor, currency, status, refund_id
""",
)
IN_REVIEW = Query(
    _Payment,
    """
UPDATE payment SET purpose = 'returned' WHERE event_id = $1 AND order_id = $2 AND purpose = 'in_review'
RETURNING payment_intent_id, amount_minor, currency
""",
)

WAS_POSTED = Query(int, "SELECT 1 FROM ledger_entry WHERE event_id = $1 AND posting = $2 LIMIT 1")


async def return_in_full(
    connection: Connection, order: tuple[UUID, UUID], intent: str, amount: tuple[int, str], reason: str
) -> None:
    """Decides that a whole payment goes back; an order that has no other payment is `refunded`. Once per payment."""
    event_id, order_id = order
    refund_id = await DECIDE.first(
        connection, event_id, new_id(), order_id, intent, f"refund:{intent}:all", reason, *amount
    )
    if refund_id is None:
        return
    await ORDER_REFUNDED.run(connection, event_id, order_id)
    names = {"event_id": str(event_id), "order_id": str(order_id), "refund_id": str(refund_id)}
    await enqueue(connection, "send_refund", str(refund_id), names)
    await enqueue(connection, "mail_refund", str(refund_id), names)


async def end_review(connection: Connection, event_id: UUID, order_id: UUID) -> None:
    """Nobody decided in time: everything that was paid goes back and the units return to sale."""
    order = await LOCK_ORDER.first(connection, event_id, order_id)
    if order is None or order.status != "in_review":
        return
    await give_back_units(connection, event_id, order_id)
    for payment in await IN_REVIEW.all(connection, event_id, order_id):
        amount = (payment.amount_minor, payment.currency)
        await return_in_full(connection, (event_id, order_id), payment.payment_intent_id, amount, "not_confirmed")


async def send_refund(till: Till, event_id: UUID, refund_id: UUID) -> None:
    """Asks Stripe for a decided refund, with the decision as key. Raises StripeProblem: try again later."""
    async with till.db.transaction() as connection:
        decided = await DECIDED.first(connection, event_id, refund_id)
    if decided is None or decided.status != "decided":
        return
    logs.note(payment_intent=decided.payment_intent_id)
    stripe = till.stripe_or_closed()
    metadata = {"event_id": str(event_id), "refund_id": str(refund_id), "env": till.base_url}
    try:
        refund = await stripe.refund(decided.payment_intent_id, decided.amount_minor, metadata, decided.decision)
    except StripeRefused as refused:
        if refused.code != "charge_already_refunded":
            raise
        amount = (decided.amount_minor, decided.currency)
        refund = Refund(f"outside:{decided.decision}", "succeeded", None, *amount, metadata)
    await till.db.attempt(settle_refund, event_id, refund_id, refund)


async def settle_refund(connection: Connection, event_id: UUID, refund_id: UUID, refund: Refund) -> str:
    """Keeps what Stripe says of a refund; failed ones raise an alarm, for that money is still with us."""
    status = refund.outcome
    settled = await SETTLE.first(connection, event_id, refund_id, status, refund.id, refund.failure_reason)
    if settled is None:
        return "known"
    logs.note(order_id=str(settled.order_id), payment_intent=settled.payment_intent_id)
    order = (event_id, settled.order_id)
    amount = (settled.amount_minor, settled.currency)
    if status == "succeeded":
        posting = f"refund:{settled.decision}"
        await post(connection, posting, order, amount, debit="owed_to_buyers", credit="stripe")
    elif status == "failed":
        await _undo(connection, order, settled, amount)
        text = f"Refund {refund.id} of {amount[0]} {amount[1]} (minor units) failed: {refund.failure_reason}."
        await enqueue(connection, "alarm", f"refund:{refund_id}", {"text": text})
    return status


async def _undo(connection: Connection, order: tuple[UUID, UUID], settled: _Decided, amount: tuple[int, str]) -> None:
    """A refund that succeeded and failed later: the money is back with us and still owed."""
    if await WAS_POSTED.first(connection, order[0], f"refund:{settled.decision}"):
        posting = f"refund_failed:{settled.decision}"
        await post(connection, posting, order, amount, debit="stripe", credit="owed_to_buyers")
