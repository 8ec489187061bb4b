"""A bank takes a payment back, or asks about it; someone wins.

Everything follows from the dispute as Stripe has it now, so its events may come in any order and any number.
"""

from dataclasses import dataclass
from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.from_outside import DROP, Payment, lock_payment
from boxoffice.orders.refund import OF_PAYMENT
from boxoffice.orders.void import void_all
from boxoffice.payments.dispute import BLOCKS, DISPUTE_MOVES
from boxoffice.payments.ledger import post, post_either_way
from boxoffice.payments.stripe import Dispute


@dataclass(frozen=True, slots=True)
class _Followed:
    """How many tickets changed, and whether nothing of the payment is left."""

    blocked: int = 0
    good_again: int = 0
    cancelled: int = 0
    all_gone: bool = False


STATUS = Query(str, "SELECT status FROM dispute WHERE event_id = $1 AND id = $2 FOR UPDATE")
PUT = Command("""
INSERT INTO dispute (event_id, id, order_id, payment_intent_id, charge_id, amount_minor, currency, reason, status,
  answer_by, noted_at, moved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock(), clock())
ON CONFLICT (event_id, id) DO UPDATE SET amount_minor = excluded.amount_minor, reason = excluded.reason,
  status = excluded.status, answer_by = excluded.answer_by, moved_at = excluded.moved_at
""")
BLOCKED = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM dispute WHERE event_id = $1 AND payment_intent_id = $2 AND status = ANY($3::text[]))
""",
)
# What is gone for good: lost disputes, and refunds that Stripe has made.
GONE = Query(
    int,
    """
SELECT (coalesce((SELECT sum(amount_minor) FROM dispute
    WHERE event_id = $1 AND payment_intent_id = $2 AND status = 'lost'), 0)
  + coalesce((SELECT sum(amount_minor) FROM refund
    WHERE event_id = $1 AND payment_intent_id = $2 AND status IN ('pending', 'succeeded')), 0))::bigint
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


async def record_dispute(connection: Connection, event_id: UUID, intent: str, dispute: Dispute) -> str:
    """Writes down where a dispute stands and lets tickets, books and people follow. Repeatable.

    Blocked while the bank has the money and nobody has won; good again when we win. Lost, and nothing of the payment is
    left: the tickets are cancelled and their units return to sale. An inquiry changes nothing but is told.
    """
    payment = await lock_payment(connection, event_id, intent)
    if payment is None:
        return "unknown_order"
    logs.note(order=payment.order_code, payment_intent=intent)
    order = (event_id, payment.order_id)
    for moved in dispute.movements:
        taken, fee = (-moved.amount_minor, moved.currency), (moved.fee_minor, moved.currency)
        await post_either_way(connection, f"dispute:{moved.id}", order, taken, "disputes")
        await post_either_way(connection, f"dispute_fee:{moved.id}", order, fee, "fees")
    was = await STATUS.first(connection, event_id, dispute.id)
    if dispute.status not in DISPUTE_MOVES:
        words = f"Dispute {dispute.id} of order {payment.order_code} is {dispute.status}, which is not known here."
        await enqueue(connection, "alarm", f"dispute:{dispute.id}:{dispute.status}", {"text": words})
        return "dispute_unknown"
    if was is not None and dispute.status not in DISPUTE_MOVES[was]:
        return "known"
    row = (event_id, dispute.id, payment.order_id, intent, dispute.charge, dispute.amount_minor, dispute.currency)
    await PUT.run(connection, *row, dispute.reason, dispute.status, dispute.answer_by)
    followed = await _follow(connection, event_id, payment) if payment.purpose == "kept" else _Followed()
    await _tell_buyer(connection, order, dispute, followed)
    text = _told(payment, dispute, was, followed)
    await enqueue(connection, "alarm", f"dispute:{dispute.id}:{dispute.status}", {"text": text})
    return f"dispute_{dispute.status}"


async def drop_what_a_bank_took(connection: Connection, event_id: UUID, intent: str) -> None:
    """A refund that failed is owed no more once the buyer's bank has taken all that is left of the payment for good."""
    payment = await lock_payment(connection, event_id, intent)
    if payment is not None and payment.purpose == "kept" and await _all_gone(connection, event_id, payment):
        await _drop_failed(connection, event_id, payment)


async def _follow(connection: Connection, event_id: UUID, payment: Payment) -> _Followed:
    """Tickets as the disputes of their payment leave them."""
    order, intent = (event_id, payment.order_id), payment.payment_intent_id
    if await _all_gone(connection, event_id, payment):
        await _drop_failed(connection, event_id, payment)
        cancelled = await void_all(connection, order, "cancelled", blocked_reason="dispute_lost")
        return _Followed(cancelled=cancelled, all_gone=True)
    if await BLOCKED.first(connection, event_id, intent, list(BLOCKS)):
        return _Followed(blocked=await BLOCK.run(connection, *order))
    return _Followed(good_again=await UNBLOCK.run(connection, *order))


async def _all_gone(connection: Connection, event_id: UUID, payment: Payment) -> bool:
    gone = await GONE.first(connection, event_id, payment.payment_intent_id)
    assert gone is not None
    return gone >= payment.amount_minor


async def _drop_failed(connection: Connection, event_id: UUID, payment: Payment) -> None:
    for row in await OF_PAYMENT.all(connection, event_id, payment.payment_intent_id):
        if row.status == "failed":
            await DROP.run(connection, event_id, row.id, "The buyer's bank took the payment back.")
            order, amount = (event_id, payment.order_id), (row.amount_minor, row.currency)
            await post(connection, f"dropped:{row.key}", order, amount, debit="owed_to_buyers", credit="refunds")


async def _tell_buyer(connection: Connection, order: tuple[UUID, UUID], dispute: Dispute, followed: _Followed) -> None:
    states = {"blocked": followed.blocked, "valid": followed.good_again, "cancelled": followed.cancelled}
    for state, tickets in states.items():
        if tickets:
            names = {"event_id": str(order[0]), "order_id": str(order[1]), "state": state}
            await enqueue(connection, "mail_disputed", f"{dispute.id}:{dispute.status}", names)


def _told(payment: Payment, dispute: Dispute, was: str | None, followed: _Followed) -> str:
    amount = write_money(dispute.amount_minor, dispute.currency)
    what = f"order {payment.order_code}, {amount}, {dispute.reason.replace('_', ' ')}, {dispute.id}"
    by = f" by {dispute.answer_by:%Y-%m-%d %H:%M} UTC" if dispute.answer_by else ""
    if payment.purpose != "kept":
        return f"Dispute is {dispute.status} ({what}). That payment was not kept; tickets do not change."
    match dispute.status:
        case "warning_needs_response":
            return (
                f"A bank asks about a payment ({what}). No money moved and the tickets stay good. Answer{by} in "
                f"Stripe's Dashboard, or refund it: `boxoffice refund {payment.order_code}`."
            )
        case "needs_response":
            return f"A payment is disputed ({what}). Its tickets are blocked. Answer{by} in Stripe's Dashboard."
        case "won":
            return _told_won(payment, what, was, followed)
        case "lost":
            return _told_lost(payment, what, followed)
        case "warning_closed":
            return f"A bank's question about a payment is closed ({what}). Nothing changed."
        case "prevented":
            return f"A dispute was prevented ({what}). A refund made by Stripe for it comes by itself."
        case _:
            return f"A dispute is {dispute.status.replace('_', ' ')} ({what})."


def _told_won(payment: Payment, what: str, was: str | None, followed: _Followed) -> str:
    if followed.good_again:
        return f"A dispute was won ({what}). Its tickets are good again."
    start = "A lost dispute was won after all" if was == "lost" else "A dispute was won"
    return (
        f"{start} ({what}). The money is with you again; the tickets stay as they are. Refund it if the buyer got "
        f"nothing: `boxoffice refund {payment.order_code}`."
    )


def _told_lost(payment: Payment, what: str, followed: _Followed) -> str:
    if followed.all_gone:
        return f"A dispute was lost ({what}). {followed.cancelled} tickets are cancelled and on sale again."
    stand = "are good again" if followed.good_again else "stay as they are"
    return (
        f"A dispute about a part of a payment was lost ({what}). Its tickets {stand}: void those that it meant with "
        f"`boxoffice refund {payment.order_code} --ticket CODE --amount 0`."
    )
