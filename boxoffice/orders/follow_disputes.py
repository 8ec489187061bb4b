"""Tickets as the disputes of their payment leave them, whatever is known last: a dispute, or a refund of the rest."""

from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.orders.payment import Payment, lock_payment
from boxoffice.orders.refund import DROP, OF_PAYMENT
from boxoffice.orders.void import OPEN_TICKETS, void_all
from boxoffice.payments.dispute import BLOCKS
from boxoffice.payments.ledger import post
from boxoffice.tickets.end_transfers import tell_holders


class Followed(msgspec.Struct, frozen=True):
    """How many tickets changed, and whether nothing of the payment is left."""

    blocked: int = 0
    good_again: int = 0
    cancelled: int = 0
    all_gone: bool = False


BLOCKED = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM dispute WHERE event_id = $1 AND payment_intent_id = $2 AND status = ANY($3::text[]))
""",
)
# What is gone for good: lost disputes, and refunds, those that are decided and not sent yet too.
GONE = Query(
    int,
    """
SELECT (coalesce((SELECT sum(amount_minor) FROM dispute
    WHERE event_id = $1 AND payment_intent_id = $2 AND status = 'lost'), 0)
  + coalesce((SELECT sum(amount_minor) FROM refund
    WHERE event_id = $1 AND payment_intent_id = $2 AND status NOT IN ('failed', 'dropped')), 0))::bigint
""",
)
BLOCK = Command("""
UPDATE ticket SET blocked_reason = 'disputed'
WHERE event_id = $1 AND order_id = $2 AND status IN ('active', 'used') AND blocked_reason IS NULL
""")
UNBLOCK = Command("""
UPDATE ticket SET blocked_reason = NULL
WHERE event_id = $1 AND order_id = $2 AND status IN ('active', 'used') AND blocked_reason = 'disputed'
""")
ANY_LOST = Query(
    int, "SELECT 1 FROM dispute WHERE event_id = $1 AND payment_intent_id = $2 AND status = 'lost' LIMIT 1"
)


async def follow_disputes(connection: Connection, event_id: UUID, payment: Payment) -> Followed:
    """Lets the tickets of a locked payment's order follow, and the buyer know; none when the payment was not kept."""
    if payment.purpose != "kept":
        return Followed()
    followed = await _follow(connection, event_id, payment)
    states = {"blocked": followed.blocked, "valid": followed.good_again, "cancelled": followed.cancelled}
    for state in (state for state, tickets in states.items() if tickets):
        names = {"event_id": str(event_id), "order_id": str(payment.order_id), "state": state}
        await enqueue(connection, "mail_disputed", f"{payment.order_id}:{new_id()}", names)
        if state != "cancelled":  # voiding them told that
            await tell_holders(connection, (event_id, payment.order_id), state)
    return followed


async def drop_what_a_bank_took(connection: Connection, event_id: UUID, intent: str) -> None:
    """A refund that failed is owed no more once the buyer's bank has taken all that is left of the payment for good."""
    payment = await lock_payment(connection, event_id, intent)
    if payment is not None and payment.purpose == "kept" and await _all_gone(connection, event_id, payment):
        await _drop_failed(connection, event_id, payment)


async def _follow(connection: Connection, event_id: UUID, payment: Payment) -> Followed:
    order, intent = (event_id, payment.order_id), payment.payment_intent_id
    if await _all_gone(connection, event_id, payment):
        await _drop_failed(connection, event_id, payment)
        cancelled = await void_all(connection, order, "cancelled", blocked_reason="dispute_lost")
        return Followed(cancelled=cancelled, all_gone=True)
    await OPEN_TICKETS.all(connection, *order)  # an update locks its rows as they come
    if await BLOCKED.first(connection, event_id, intent, list(BLOCKS)):
        return Followed(blocked=await BLOCK.run(connection, *order))
    return Followed(good_again=await UNBLOCK.run(connection, *order))


async def _all_gone(connection: Connection, event_id: UUID, payment: Payment) -> bool:
    """By a lost dispute at least in part: refunds alone say themselves which tickets they void."""
    if await ANY_LOST.first(connection, event_id, payment.payment_intent_id) is None:
        return False
    gone = await GONE.first(connection, event_id, payment.payment_intent_id)
    assert gone is not None
    return gone >= payment.amount_minor


async def _drop_failed(connection: Connection, event_id: UUID, payment: Payment) -> None:
    for row in await OF_PAYMENT.all(connection, event_id, payment.payment_intent_id):
        if row.status == "failed":
            await DROP.run(connection, event_id, row.id, "The buyer's bank took the payment back.")
            order, amount = (event_id, payment.order_id), (row.amount_minor, row.currency)
            await post(connection, f"dropped:{row.key}", order, amount, debit="owed_to_buyers", credit="refunds")
