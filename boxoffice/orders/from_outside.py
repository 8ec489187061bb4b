"""Refunds that were made at Stripe, not by us: in its Dashboard, or by its own dispute prevention.

Nobody says which tickets they mean, and an amount is no answer: one that makes the refund whole voids every ticket; a
part of the money leaves the tickets as they are and tells a person.
"""

from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.follow_disputes import follow_disputes
from boxoffice.orders.give_back import give_back_units
from boxoffice.orders.payment import Payment, lock_payment
from boxoffice.orders.refund import DECIDE, DROP, OF_PAYMENT, ORDER_REFUNDED, RefundRow, asking, decide, settle_refund
from boxoffice.orders.void import follow_tickets, void_all
from boxoffice.payments.ledger import post
from boxoffice.payments.stripe_objects import Refund

BESIDE = ":beside:"


MOVE_TICKETS = Command("""
WITH locked AS MATERIALIZED (SELECT id FROM ticket WHERE event_id = $1 AND refund_id = $2 ORDER BY id FOR UPDATE)
UPDATE ticket SET refund_id = $3 WHERE event_id = $1 AND id IN (SELECT id FROM locked)
""")
NOT_IN_REVIEW = Command("""
UPDATE payment SET purpose = 'returned' WHERE event_id = $1 AND payment_intent_id = $2 AND purpose = 'in_review'
""")


async def record_refunds(connection: Connection, event_id: UUID, intent: str, refunds: list[Refund]) -> str:
    """Writes down everything that Stripe says went back of a payment: ours are settled, others recorded. Repeatable."""
    payment = await lock_payment(connection, event_id, intent)
    if payment is None:
        return "unknown_order"
    logs.note(order=payment.order_code, payment_intent=intent)
    rows = await OF_PAYMENT.all(connection, event_id, intent)
    ours = [(next((row for row in rows if _is(row, refund)), None), refund) for refund in refunds]
    outcomes = [await settle_refund(connection, event_id, row.id, refund) for row, refund in ours if row is not None]
    for row, refund in ours:
        if row is None and refund.outcome != "failed":
            outcomes.append(await _record(connection, event_id, payment, refund, refunds))
    return next((one for one in outcomes if one != "known"), "known")


def _is(row: RefundRow, refund: Refund) -> bool:
    return row.refund_id == refund.id or refund.metadata.get("refund_id") == str(row.id)


def _is_asked(row: RefundRow, refund: Refund) -> bool:
    """Whether it is what the last asking made: one that failed may have been asked for again since."""
    return _is(row, refund) and asking(refund) == row.attempt


async def _record(
    connection: Connection, event_id: UUID, payment: Payment, refund: Refund, refunds: list[Refund]
) -> str:
    order = (event_id, payment.order_id)
    amount = (refund.amount_minor, refund.currency)
    await _make_room(connection, event_id, payment, refund, refunds)
    decision, refund_id = f"outside:{refund.id}", new_id()
    row = (event_id, refund_id, payment.order_id, payment.payment_intent_id, decision, "outside", *amount)
    if await DECIDE.first(connection, *row, "pending", "", False, refund.id) is None:
        return "known"  # it failed and was asked for again since Stripe gave this list
    if payment.purpose == "kept":
        await post(connection, f"decided:{decision}", order, amount, debit="refunds", credit="owed_to_buyers")
    await settle_refund(connection, event_id, refund_id, refund)
    rows = await OF_PAYMENT.all(connection, event_id, payment.payment_intent_id)
    whole = _left(payment, [row for row in rows if row.status != "failed"]) == 0
    voided = 0
    if payment.purpose == "kept":
        voided = await void_all(connection, order, "refunded", refund_id=refund_id) if whole else 0
        await follow_tickets(connection, order)
        await follow_disputes(connection, event_id, payment)  # lost disputes of the rest may have waited for this
    elif payment.purpose == "in_review" and whole:
        await NOT_IN_REVIEW.run(connection, event_id, payment.payment_intent_id)
        await give_back_units(connection, *order)
        await ORDER_REFUNDED.run(connection, *order)
    names = {"event_id": str(event_id), "order_id": str(payment.order_id), "refund_id": str(refund_id)}
    await enqueue(connection, "mail_refund", str(refund_id), names)
    text = _told(payment, write_money(*amount), whole=whole, voided=voided)
    await enqueue(connection, "alarm", f"outside:{refund.id}", {"text": text})
    return "refunded_outside"


async def _make_room(
    connection: Connection, event_id: UUID, payment: Payment, refund: Refund, refunds: list[Refund]
) -> None:
    """The same money cannot go back twice: what we decided and Stripe never made gives way to what it did make, by as
    much as it must. A failed one of the same amount was paid by this one, whatever else is left."""
    rows = await OF_PAYMENT.all(connection, event_id, payment.payment_intent_id)
    left = _left(payment, rows)
    for row in _not_sent(rows, refund, refunds):
        paid_by_this = row.status == "failed" and row.amount_minor == refund.amount_minor
        if left >= refund.amount_minor and not paid_by_this:
            return
        left += row.amount_minor
        rest = 0 if paid_by_this else max(0, min(row.amount_minor, left - refund.amount_minor))
        await _give_way(connection, event_id, payment, row, refund, rest)
        left -= rest
        if paid_by_this:
            return


def _not_sent(rows: list[RefundRow], outside: Refund, refunds: list[Refund]) -> list[RefundRow]:
    """What was decided here and moved no money: Stripe's list knows nothing of it, or of an earlier asking alone, or it
    failed. First what failed with the amount of `outside`, then the newest."""
    not_sent = [
        row
        for row in reversed(rows)
        if row.status == "failed" or (row.status == "decided" and not any(_is_asked(row, refund) for refund in refunds))
    ]
    return sorted(not_sent, key=lambda row: (row.status, row.amount_minor) != ("failed", outside.amount_minor))


async def _give_way(
    connection: Connection, event_id: UUID, payment: Payment, row: RefundRow, refund: Refund, rest: int
) -> None:
    """Drops a refund; what of it still fits beside the one that was made is owed anew, for the same reason. Of a failed
    one nothing is tried by itself, as before."""
    order = (event_id, payment.order_id)
    await DROP.run(connection, event_id, row.id, f"The money went back by {refund.id}, made at Stripe.")
    if payment.purpose == "kept":
        gone = (row.amount_minor, row.currency)
        await post(connection, f"dropped:{row.key}", order, gone, debit="owed_to_buyers", credit="refunds")
    if rest == 0:
        return
    decision, amount = f"{row.decision.split(BESIDE)[0]}{BESIDE}{refund.id}", (rest, row.currency)
    if row.status == "failed":
        again: UUID | None = new_id()
        values = (event_id, again, payment.order_id, row.payment_intent_id, decision, row.reason, *amount)
        await DECIDE.first(connection, *values, "failed", "", False, None)
    else:
        again = await decide(connection, order, row.payment_intent_id, amount, decision=decision, reason=row.reason)
    await MOVE_TICKETS.run(connection, event_id, row.id, again)
    if payment.purpose == "kept":
        await post(connection, f"decided:{decision}", order, amount, debit="refunds", credit="owed_to_buyers")


def _left(payment: Payment, rows: list[RefundRow]) -> int:
    return payment.amount_minor - sum(row.amount_minor for row in rows if row.status != "dropped")


def _told(payment: Payment, amount: str, *, whole: bool, voided: int) -> str:
    start = f"A refund of {amount} for order {payment.order_code} was made at Stripe, not here."
    if payment.purpose != "kept":
        return f"{start} That payment was not kept; nothing else changes."
    if whole:
        return (
            f"{start} All of the money is back, so {voided} ticket{'' if voided == 1 else 's'} no longer open the door."
        )
    return (
        f"{start} It is a part of the money, so every ticket stays as it is. To void one without more money: "
        f"boxoffice refund {payment.order_code} --ticket CODE --amount 0"
    )
