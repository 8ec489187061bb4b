"""A bank takes a payment back, or asks about it; someone wins.

Everything follows from the dispute as Stripe has it now, so its events may come in any order and any number.
"""

from uuid import UUID

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.written import write_money
from boxoffice.orders.follow_disputes import Followed, follow_disputes
from boxoffice.orders.payment import Payment, lock_payment
from boxoffice.payments.dispute import DISPUTE_MOVES
from boxoffice.payments.ledger import post_either_way
from boxoffice.payments.stripe_objects import Dispute

STATUS = Query(str, "SELECT status FROM dispute WHERE event_id = $1 AND id = $2 FOR UPDATE")
PUT = Command("""
INSERT INTO dispute (event_id, id, order_id, payment_intent_id, charge_id, amount_minor, currency, reason, status,
  answer_by, noted_at, moved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock(), clock())
ON CONFLICT (event_id, id) DO UPDATE SET amount_minor = excluded.amount_minor, reason = excluded.reason,
  status = excluded.status, answer_by = excluded.answer_by, moved_at = excluded.moved_at
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
    followed = await follow_disputes(connection, event_id, payment)
    text = _told(payment, dispute, was, followed)
    await enqueue(connection, "alarm", f"dispute:{dispute.id}:{dispute.status}", {"text": text})
    return f"dispute_{dispute.status}"


def _told(payment: Payment, dispute: Dispute, was: str | None, followed: Followed) -> str:
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


def _told_won(payment: Payment, what: str, was: str | None, followed: Followed) -> str:
    if followed.good_again:
        return f"A dispute was won ({what}). Its tickets are good again."
    start = "A lost dispute was won after all" if was == "lost" else "A dispute was won"
    return (
        f"{start} ({what}). The money is with you again; the tickets stay as they are. Refund it if the buyer got "
        f"nothing: `boxoffice refund {payment.order_code}`."
    )


def _told_lost(payment: Payment, what: str, followed: Followed) -> str:
    if followed.all_gone:
        return f"A dispute was lost ({what}). {followed.cancelled} tickets are cancelled and on sale again."
    stand = "are good again" if followed.good_again else "stay as they are"
    return (
        f"A dispute about a part of a payment was lost ({what}). Its tickets {stand}: void those that it meant with "
        f"`boxoffice refund {payment.order_code} --ticket CODE --amount 0`."
    )
