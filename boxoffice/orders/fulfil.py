"""The one place where a payment becomes tickets: webhook, success page and repair all come here.

Everything happens in the caller's transaction and depends on facts alone, so it may be repeated in any order.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.jobs import enqueue, enqueue_all
from boxoffice.orders.give_back import end_when_nothing_is_open, give_back_units
from boxoffice.orders.pay import APP
from boxoffice.orders.refund import return_in_full
from boxoffice.orders.till import Till
from boxoffice.payments.ledger import post
from boxoffice.payments.stripe_objects import Session
from boxoffice.tickets.issue import issue

REVIEW_FOR = timedelta(hours=24)
FEE_AFTER = timedelta(seconds=15)
"""Stripe knows its fee some seconds after the payment."""


class _Order(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    status: str
    email: str
    total_minor: int
    currency: str
    called_off: bool


_ORDER = """
SELECT id, code, status, email, total_minor, currency,
  (SELECT event.status = 'cancelled' FROM event WHERE event.id = event_id) AS called_off
FROM orders WHERE event_id = $1 AND """
LOCK = Query(_Order, f"{_ORDER} id = $2 FOR UPDATE")
LOCK_SEVERAL = Query(_Order, f"{_ORDER} id = ANY($2::uuid[]) ORDER BY id FOR UPDATE")
ATTEMPT_COMPLETE = Command("""
UPDATE payment_attempt SET status = 'complete', session_id = coalesce(session_id, $4)
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status IN ('sending', 'open', 'refused')
""")
ATTEMPT_EXPIRED = Command("""
UPDATE payment_attempt SET status = 'expired', session_id = coalesce(session_id, $4)
WHERE event_id = $1 AND order_id = $2 AND number = $3 AND status IN ('sending', 'open')
  AND (session_id IS NULL OR session_id = $4)
""")
SENT_WITH = Query(
    str,
    """
SELECT coalesce(parameters, '{}') FROM payment_attempt WHERE event_id = $1 AND order_id = $2 AND number = $3
""",
)
RECEIVE = Command("""
INSERT INTO payment (event_id, payment_intent_id, order_id, attempt_number, amount_minor, currency, purpose,
  received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock()) ON CONFLICT (event_id, payment_intent_id) DO NOTHING
""")
RECEIVED = Query(str, "SELECT purpose FROM payment WHERE event_id = $1 AND payment_intent_id = $2")
PAID = Command("""
UPDATE orders SET status = 'paid', paid_at = clock(), ended_reason = NULL, settle_until = NULL
WHERE event_id = $1 AND id = ANY($2::uuid[])
""")
SETTLING = Command("""
UPDATE orders SET status = 'settling', ended_reason = NULL,
  settle_until = greatest(clock() + interval '1 hour',
    least(clock() + interval '7 days', event.doors_at - interval '1 day'))
FROM event WHERE event.id = event_id AND event_id = $1 AND orders.id = $2 AND orders.status = 'paying'
""")
IN_REVIEW = Command("""
UPDATE orders SET status = 'in_review', review_reason = $3 WHERE event_id = $1 AND id = $2 AND status <> 'in_review'
""")
FAILED = Command("""
UPDATE orders SET status = 'released', ended_reason = 'payment_failed', settle_until = NULL
WHERE event_id = $1 AND id = $2
""")
CALLED_OFF = Command("""
UPDATE orders SET status = 'released', ended_reason = 'event_cancelled', settle_until = NULL
WHERE event_id = $1 AND id = $2 AND status IN ('held', 'paying', 'settling')
""")
TAKE_AGAIN = Query(bool, "SELECT take_again($1, $2)")


async def fulfil_free(connection: Connection, event_id: UUID, order_id: UUID) -> str:
    """Issues a free order's tickets, once; returns the order's status."""
    order = await LOCK.first(connection, event_id, order_id)
    assert order is not None
    if order.status != "held":
        return order.status
    await _issue_free(connection, event_id, [order])
    return "paid"


async def fulfil_given(connection: Connection, event_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Issues the tickets of free orders that were placed in the same transaction."""
    orders = await LOCK_SEVERAL.all(connection, event_id, order_ids)
    assert len(orders) == len(order_ids)
    await _issue_free(connection, event_id, orders)


async def fulfil_cash(connection: Connection, event_id: UUID, order_id: UUID) -> None:
    """Issues the tickets of an order that was paid by hand as it was placed, in the same transaction."""
    order = await LOCK.first(connection, event_id, order_id)
    assert order is not None
    assert order.status == "held"
    amount = (order.total_minor, order.currency)
    await post(connection, f"cash:{order_id}", (event_id, order_id), amount, debit="cash", credit="sales")
    await _issue(connection, event_id, [order])


async def fulfil(connection: Connection, till: Till, session: Session) -> str:
    """Does what a session's state asks for and says in a word what that was.

    `foreign` and `unknown_order` change nothing. Paid once: tickets. Paid again, or too late with nothing left: the
    money goes back in full. Paid wrongly: `in_review`.
    """
    marker = read_marker(session.metadata)
    if marker is None:
        return "foreign"
    event_id, order_id, attempt = marker
    order = await LOCK.first(connection, event_id, order_id)
    sent_with = await SENT_WITH.first(connection, event_id, order_id, attempt)
    if order is None or sent_with is None:
        return "unknown_order"
    if not _of_this_box_office(session.metadata, till, sent_with):
        return "foreign"
    key = (event_id, order_id, attempt)
    logs.note(order=order.code, session=logs.tail(session.id), payment_intent=session.payment_intent)
    if session.status == "expired":
        await ATTEMPT_EXPIRED.run(connection, *key, session.id)
        return await end_when_nothing_is_open(connection, event_id, order_id)
    if session.status != "complete":
        return "open"
    await ATTEMPT_COMPLETE.run(connection, *key, session.id)
    if session.failed:
        return await _payment_failed(connection, event_id, order)
    if not session.paid:
        if await SETTLING.run(connection, event_id, order_id):
            await enqueue(connection, "mail_settling", str(order_id), _names(event_id, order_id))
        return "settling"
    return await _receive(connection, till, key, order, session)


def read_marker(metadata: Mapping[str, str] | None) -> tuple[UUID, UUID, int] | None:
    """Event, order and attempt that our metadata names; None for what another application made."""
    if metadata is None or metadata.get("app") != APP:
        return None
    try:
        return UUID(metadata["event_id"]), UUID(metadata["order_id"]), int(metadata["attempt"])
    except (KeyError, ValueError):
        return None


async def whose(connection: Connection, till: Till, metadata: Mapping[str, str]) -> str | None:
    """`foreign` or `unknown_order` for a payment that carries this metadata; None when an order of ours made it."""
    marker = read_marker(metadata)
    if marker is None:
        return "foreign"
    sent_with = await SENT_WITH.first(connection, *marker)
    if sent_with is None:
        return "unknown_order" if metadata.get("env") == till.base_url else "foreign"
    return None if _of_this_box_office(metadata, till, sent_with) else "foreign"


def _of_this_box_office(metadata: Mapping[str, str], till: Till, sent_with: str) -> bool:
    """Marked with our address, or with the one under which this attempt was sent: an address may change in the middle
    of a sale. A copy of our database at another address is not us."""
    sent_as: dict[str, str] = msgspec.json.decode(sent_with).get("metadata", {})
    return metadata.get("env") in (till.base_url, sent_as.get("env"))


async def _payment_failed(connection: Connection, event_id: UUID, order: _Order) -> str:
    """The bank refused after the session was complete: nothing was paid, the units return to sale."""
    if order.status not in ("paying", "settling"):
        return "payment_failed"
    await give_back_units(connection, event_id, order.id)
    await FAILED.run(connection, event_id, order.id)
    return "payment_failed"


async def _receive(
    connection: Connection, till: Till, key: tuple[UUID, UUID, int], order: _Order, session: Session
) -> str:
    event_id, order_id, attempt = key
    intent = session.payment_intent or session.id
    if await RECEIVED.first(connection, event_id, intent) is not None:
        return "received_before"
    mismatch = _mismatch(till, order, session)
    purpose = await _purpose(connection, event_id, order, mismatch)
    amount = (session.amount_total, session.currency)
    if session.amount_total > 0:
        await RECEIVE.run(connection, event_id, intent, order_id, attempt, *amount, purpose)
        credit = "sales" if purpose == "kept" else "owed_to_buyers"
        await post(connection, f"payment:{intent}", (event_id, order_id), amount, debit="stripe", credit=credit)
        names = {"event_id": str(event_id), "payment_intent": intent}
        await enqueue(connection, "read_fee", intent, names, FEE_AFTER)
    if purpose == "kept":
        await _issue(connection, event_id, [order])
        return "paid"
    if purpose == "in_review":
        await IN_REVIEW.run(connection, event_id, order_id, mismatch)
        names = _names(event_id, order_id)
        await enqueue(connection, "mail_review", str(order_id), names)
        await enqueue(connection, "alarm", f"review:{order_id}", {"text": f"Order {order.code}: {mismatch}"})
        await enqueue(connection, "end_review", str(order_id), names, REVIEW_FOR)
        return "in_review"
    await return_in_full(connection, (event_id, order_id), intent, amount, await _why_returned(connection, key, order))
    return "returned"


async def _why_returned(connection: Connection, key: tuple[UUID, UUID, int], order: _Order) -> str:
    """The night was called off while the buyer was paying, the money came too late, or it was paid before."""
    if order.called_off and order.status in ("held", "paying", "settling", "expired", "released"):
        await give_back_units(connection, key[0], order.id)
        await CALLED_OFF.run(connection, key[0], order.id)
        return "event_cancelled"
    return "came_too_late" if order.status in ("expired", "released") else "paid_twice"


async def _purpose(connection: Connection, event_id: UUID, order: _Order, mismatch: str | None) -> str:
    if order.status in ("paid", "part_refunded", "refunded"):
        return "returned"
    if order.called_off and order.status != "in_review":
        return "returned"
    if mismatch is not None or order.status == "in_review":
        return "in_review"
    if order.status in ("expired", "released") and not await TAKE_AGAIN.first(connection, event_id, order.id):
        return "returned"
    return "kept"


def _mismatch(till: Till, order: _Order, session: Session) -> str | None:
    if session.livemode != till.livemode:
        return "The payment was made in the other mode (test or live)."
    if (session.amount_total, session.currency) != (order.total_minor, order.currency):
        paid = f"{session.amount_total} {session.currency}"
        return f"{paid} was paid, {order.total_minor} {order.currency} was due (minor units)."
    return None


async def _issue_free(connection: Connection, event_id: UUID, orders: Sequence[_Order]) -> None:
    assert all(order.status == "held" and order.total_minor == 0 for order in orders)
    await _issue(connection, event_id, orders)


async def _issue(connection: Connection, event_id: UUID, orders: Sequence[_Order]) -> None:
    await PAID.run(connection, event_id, [order.id for order in orders])
    await issue(connection, event_id, {order.id: order.code for order in orders})
    # A guest may have given no address: the name at the door is enough.
    mails = {str(order.id): _names(event_id, order.id) for order in orders if order.email}
    if mails:
        await enqueue_all(connection, "mail_tickets", mails)


def _names(event_id: UUID, order_id: UUID) -> dict[str, str]:
    return {"event_id": str(event_id), "order_id": str(order_id)}
