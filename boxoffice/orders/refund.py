"""Money that goes back: decided in a transaction, sent after it under a stable key, settled by what Stripe says.

What decides: `decide_refund.py` (a person), `return_in_full` (money that may not be kept), `from_outside.py` (somebody
in Stripe's Dashboard, who has sent it already).
"""

from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.give_back import LOCK_ORDER, give_back_units
from boxoffice.payments.ledger import post
from boxoffice.payments.stripe_objects import Refund


class RefundRow(msgspec.Struct, frozen=True):
    """A refund as it is written down; `attempt` counts the keys under which Stripe was asked for it."""

    id: UUID
    order_id: UUID
    payment_intent_id: str
    decision: str
    reason: str
    amount_minor: int
    currency: str
    status: str
    refund_id: str | None
    attempt: int

    @property
    def key(self) -> str:
        """The idempotency key at Stripe: the decision, made anew only when a person asks again for a failed one, or
        when the key is stuck and nothing was made with it."""
        return self.decision if self.attempt == 1 else f"{self.decision}:again:{self.attempt - 1}"


class _Payment(msgspec.Struct, frozen=True):
    payment_intent_id: str
    amount_minor: int
    currency: str


_ROWS = """
SELECT id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status, refund_id, attempt::integer
FROM refund
"""
DECIDE = Query(
    as_id,
    """
INSERT INTO refund (event_id, id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status,
  decided_at, note, override_used, refund_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock(), $10, $11, $12)
ON CONFLICT (event_id, decision) DO NOTHING RETURNING id
""",
)
ORDER_REFUNDED = Command("""
UPDATE orders SET status = 'refunded' WHERE event_id = $1 AND id = $2 AND status IN ('expired', 'released', 'in_review')
""")
REFUND = Query(RefundRow, f"{_ROWS} WHERE event_id = $1 AND id = $2")
OF_DECISION = Query(RefundRow, f"{_ROWS} WHERE event_id = $1 AND decision = $2")
OF_PAYMENT = Query(RefundRow, f"{_ROWS} WHERE event_id = $1 AND payment_intent_id = $2 ORDER BY decided_at, id")
SETTLE = Query(
    RefundRow,
    """
UPDATE refund SET status = $3, refund_id = $4, problem = $5,
  settled_at = CASE WHEN $3 = 'pending' THEN NULL ELSE clock() END
WHERE event_id = $1 AND id = $2 AND attempt = $6 AND status <> $3 AND status NOT IN ('failed', 'dropped')
  AND NOT (status = 'succeeded' AND $3 = 'pending')
RETURNING id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status, refund_id, attempt::integer
""",
)
IN_REVIEW = Query(
    _Payment,
    """
UPDATE payment SET purpose = 'returned' WHERE event_id = $1 AND order_id = $2 AND purpose = 'in_review'
RETURNING payment_intent_id, amount_minor, currency
""",
)
# Orders are locked before anything of theirs: whoever settles a refund and whoever compares it with Stripe's list would
# else wait for each other.
LOCK_ORDER_OF = Query(
    int,
    """
SELECT 1 FROM orders WHERE event_id = $1
  AND id = (SELECT order_id FROM refund WHERE refund.event_id = $1 AND refund.id = $2) FOR UPDATE
""",
)
DROP = Command("""
UPDATE refund SET status = 'dropped', problem = $3, settled_at = clock() WHERE event_id = $1 AND id = $2
""")
WAS_POSTED = Query(int, "SELECT 1 FROM ledger_entry WHERE event_id = $1 AND posting = $2 LIMIT 1")
CODE = Query(str, "SELECT code FROM orders WHERE event_id = $1 AND id = $2")


async def decide(
    connection: Connection,
    order: tuple[UUID, UUID],
    intent: str,
    amount: tuple[int, str],
    *,
    decision: str,
    reason: str,
    note: str = "",
    override_used: bool = False,
) -> UUID | None:
    """Writes down that `amount` of a payment goes back, and what sends and tells it; None when it is decided already.

    The caller has locked the order. The database refuses more than was paid.
    """
    event_id, order_id = order
    refund_id = new_id()
    row = (event_id, refund_id, order_id, intent, decision, reason, *amount, "decided", note, override_used, None)
    if await DECIDE.first(connection, *row) is None:
        return None
    names = {"event_id": str(event_id), "order_id": str(order_id), "refund_id": str(refund_id)}
    await enqueue(connection, "send_refund", str(refund_id), names)
    await enqueue(connection, "mail_refund", str(refund_id), names)
    return refund_id


async def return_in_full(
    connection: Connection, order: tuple[UUID, UUID], intent: str, amount: tuple[int, str], reason: str
) -> None:
    """Decides that a whole payment goes back, less what went back already; an order that has no other payment is
    `refunded`. Once per payment."""
    back = sum(
        row.amount_minor for row in await OF_PAYMENT.all(connection, order[0], intent) if row.status != "dropped"
    )
    left = (amount[0] - back, amount[1])
    if left[0] > 0:
        await decide(connection, order, intent, left, decision=f"refund:{intent}:all", reason=reason)
    await ORDER_REFUNDED.run(connection, *order)


async def end_review(connection: Connection, event_id: UUID, order_id: UUID, reason: str = "not_confirmed") -> None:
    """Nobody decided in time, or somebody did: everything that was paid goes back and the units return to sale."""
    order = await LOCK_ORDER.first(connection, event_id, order_id)
    if order is None or order.status != "in_review":
        return
    await give_back_units(connection, event_id, order_id)
    for payment in await IN_REVIEW.all(connection, event_id, order_id):
        amount = (payment.amount_minor, payment.currency)
        await return_in_full(connection, (event_id, order_id), payment.payment_intent_id, amount, reason)


async def settle_refund(connection: Connection, event_id: UUID, refund_id: UUID, refund: Refund) -> str:
    """Keeps what Stripe says of a refund; failed ones raise an alarm, for that money is still with us.

    What is told of an earlier asking (`attempt` in its metadata) than the last changes nothing.
    """
    await LOCK_ORDER_OF.first(connection, event_id, refund_id)
    status = refund.outcome
    asked = asking(refund)
    settled = await SETTLE.first(connection, event_id, refund_id, status, refund.id, refund.failure_reason, asked)
    if settled is None:
        return "known"
    logs.note(order_id=str(settled.order_id), payment_intent=settled.payment_intent_id)
    order = (event_id, settled.order_id)
    amount = (settled.amount_minor, settled.currency)
    if status == "succeeded":
        await post(connection, f"refund:{settled.key}", order, amount, debit="owed_to_buyers", credit="stripe")
    elif status == "failed":
        await _failed(connection, order, settled, refund.failure_reason)
    return status


def asking(refund: Refund) -> int:
    """Which asking for it made this one at Stripe: the first is 1."""
    return int(refund.metadata.get("attempt", "1"))


async def refuse_refund(connection: Connection, event_id: UUID, refund: RefundRow, why: str) -> None:
    """Stripe will not make this refund: it has failed without ever having been sent."""
    await LOCK_ORDER_OF.first(connection, event_id, refund.id)
    row = await SETTLE.first(connection, event_id, refund.id, "failed", None, why, refund.attempt)
    if row is not None:
        await _failed(connection, (event_id, row.order_id), row, why)


async def _failed(connection: Connection, order: tuple[UUID, UUID], refund: RefundRow, why: str | None) -> None:
    """The money is with us and owed, again if it had gone; it stays so until a person asks again."""
    amount = (refund.amount_minor, refund.currency)
    if await WAS_POSTED.first(connection, order[0], f"refund:{refund.key}"):
        posting = f"refund_failed:{refund.key}"
        await post(connection, posting, order, amount, debit="stripe", credit="owed_to_buyers")
    code = await CODE.first(connection, *order)
    text = (
        f"A refund of {write_money(*amount)} for order {code} failed{f': {why}' if why else ''} "
        f"({refund.refund_id or 'never sent'}). The money is with you and owed to the buyer; nothing is tried by "
        f"itself. Ask again with `boxoffice refund {code} --again`, or pay the buyer another way."
    )
    await enqueue(connection, "alarm", f"refund:{refund.id}:{refund.attempt}", {"text": text})
