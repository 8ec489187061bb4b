"""A person decides that money goes back: the whole order, some of its tickets, or an amount for goodwill.

A decision has a name that follows from what was asked, so asking twice is one refund.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import read_code
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import NotFound, Problem, Unprocessable
from boxoffice.foundation.written import write_code, write_money
from boxoffice.orders.give_cash_back import keeps_cash
from boxoffice.orders.order import show_order
from boxoffice.orders.refund import OF_DECISION, RefundRow, decide, end_review
from boxoffice.orders.void import follow_tickets, void
from boxoffice.payments.dispute import MONEY_IS_GONE
from boxoffice.payments.ledger import post

NAMES_LENGTH_MAX = 120


class NotRefundable(Problem):
    """There is nothing to give back, or not by us."""

    status, type, title = 409, "not_refundable", "Not refundable"


class MoreThanLeft(Problem):
    """More than is left of what was paid."""

    status, type, title = 409, "more_than_left", "More than is left"


class TicketUsed(Problem):
    """Somebody has come in with this ticket."""

    status, type, title = 409, "ticket_used", "Ticket used"


class Wish(msgspec.Struct, frozen=True):
    """What is asked for. Neither `tickets` (codes) nor `amount_minor`: everything that is left. An amount alone is
    goodwill and leaves the tickets good; with tickets it is what goes back for them, 0 included. `number` tells a
    second goodwill of the same amount from the first asked twice. `reason` is why, in one's own words."""

    tickets: tuple[str, ...] = ()
    amount_minor: int | None = None
    number: int = 1
    reason: str = ""
    override_used: bool = False
    night_cancelled: bool = False


class Plan(msgspec.Struct, frozen=True):
    """What the wish comes to. `known` is the refund of the same decision when it was made before; `void` are ids and
    codes of tickets that stop opening the door, `sent_on` codes and names where somebody else holds one."""

    event_id: UUID
    order_id: UUID
    order_code: str
    currency: str
    decision: str
    amount_minor: int
    left_minor: int
    void: tuple[tuple[UUID, str], ...]
    used: tuple[str, ...]
    sent_on: tuple[tuple[str, str], ...]
    payment_intent_id: str | None
    in_review: bool
    known: RefundRow | None


class Decided(msgspec.Struct, frozen=True):
    """What was decided: `refund_id` is None when no money moves. `first_time` is False when it was decided before."""

    plan: Plan
    refund_id: UUID | None
    first_time: bool


class _Ticket(msgspec.Struct, frozen=True):
    """`code` is the one that the buyer knows; `newest_code` another one when the ticket was sent on."""

    id: UUID
    code: str
    newest_code: str
    sent_to: str | None
    status: str
    used_at: datetime | None
    unit_minor: int


class _Payment(msgspec.Struct, frozen=True):
    payment_intent_id: str
    amount_minor: int
    left_minor: int
    disputed: bool


LOCK_STATUS = Query(str, "SELECT status FROM orders WHERE event_id = $1 AND id = $2 FOR UPDATE")
# By itself, so that what is read then knows of a ticket that was sent on while we waited; by id, as a door locks.
LOCK_TICKETS = Query(int, "SELECT 1 FROM ticket WHERE event_id = $1 AND order_id = $2 ORDER BY id FOR UPDATE")
TICKETS = Query(
    _Ticket,
    """
SELECT ticket.id, coalesce(old_code, ticket.code) AS code, ticket.code AS newest_code, to_name AS sent_to,
  ticket.status,
  ticket.used_at, order_line.unit_minor FROM ticket
JOIN order_line ON order_line.event_id = ticket.event_id AND order_line.order_id = ticket.order_id
  AND order_line.number = ticket.line_number
LEFT JOIN sent_on ON sent_on.event_id = ticket.event_id AND sent_on.ticket_id = ticket.id
WHERE ticket.event_id = $1 AND ticket.order_id = $2 ORDER BY ticket.number
""",
)
# A failed refund is owed still, so it is not left for another.
KEPT = Query(
    _Payment,
    """
SELECT payment_intent_id, amount_minor,
  (amount_minor - coalesce((SELECT sum(refund.amount_minor) FROM refund WHERE refund.event_id = payment.event_id
    AND refund.payment_intent_id = payment.payment_intent_id AND status <> 'dropped'), 0))::bigint AS left_minor,
  EXISTS (SELECT FROM dispute WHERE dispute.event_id = payment.event_id
    AND dispute.payment_intent_id = payment.payment_intent_id AND status = ANY($3::text[])) AS disputed
FROM payment WHERE event_id = $1 AND order_id = $2 AND purpose = 'kept'
""",
)
# What was dropped may be decided anew: its name is taken, so the new one has a number.
DROPPED = Query(
    int,
    """
SELECT count(*)::integer FROM refund WHERE event_id = $1 AND order_id = $2 AND status = 'dropped'
  AND (decision = $3 OR starts_with(decision, $3 || ':anew:'))
""",
)
AGAIN = Query(
    RefundRow,
    """
UPDATE refund SET status = 'decided', attempt = attempt + 1, refund_id = NULL, problem = NULL, settled_at = NULL
WHERE event_id = $1 AND order_id = $2 AND status = 'failed'
RETURNING id, order_id, payment_intent_id, decision, reason, amount_minor, currency, status, refund_id, attempt::integer
""",
)


async def plan_refund(connection: Connection, code: str, wish: Wish) -> Plan:
    """What a wish comes to, with the order and its tickets locked until the transaction ends; writes nothing.

    Raises NotFound, NotRefundable, MoreThanLeft, TicketUsed, Unprocessable.
    """
    if wish.amount_minor is not None and wish.amount_minor < (0 if wish.tickets else 1):
        raise Unprocessable("An amount to refund is above zero; it may be 0 when tickets are named.")
    order = (await show_order(connection, code)).order
    key = (order.event_id, order.id)
    status = await LOCK_STATUS.first(connection, *key)
    if await keeps_cash(connection, key):
        raise NotRefundable(
            f"Order {order.code} was paid in cash at the door, so Stripe has nothing to send back. Hand the cash over, "
            f"and book it: on the scanner that sold it, or by `boxoffice door give-back {order.code} --reason ...`."
        )
    await LOCK_TICKETS.all(connection, *key)
    tickets = await TICKETS.all(connection, *key)
    payment = await KEPT.first(connection, *key, list(MONEY_IS_GONE))
    chosen = _chosen(tickets, wish, order.code)
    if status == "in_review" and (wish.tickets or wish.amount_minor is not None):
        raise NotRefundable(f"Order {order.code} is in review and can only be given back whole.")
    decision = f"refund:{order.id}:{_name(wish, chosen)}"
    if dropped := await DROPPED.first(connection, *key, decision):
        decision = f"{decision}:anew:{dropped}"
    known = await OF_DECISION.first(connection, order.event_id, decision)
    left = payment.left_minor if payment else 0
    amount = known.amount_minor if known else _amount(wish, chosen, left)
    if known is None and status != "in_review":
        _refuse(order.code, order.currency, wish, str(status), chosen, payment, amount)
    return Plan(
        event_id=order.event_id,
        order_id=order.id,
        order_code=order.code,
        currency=order.currency,
        decision=decision,
        amount_minor=amount,
        left_minor=left,
        void=tuple((one.id, one.code) for one in chosen if known is None),
        used=tuple(one.code for one in chosen if one.status == "used"),
        sent_on=tuple((one.code, one.sent_to) for one in chosen if one.sent_to and known is None),
        payment_intent_id=payment.payment_intent_id if payment else None,
        in_review=status == "in_review",
        known=known,
    )


async def decide_refund(connection: Connection, code: str, wish: Wish) -> Decided:
    """Decides it: the tickets are void, their units on sale again, the money owed, its sending and the mail asked for.

    An order in review is given back whole. Raises what `plan_refund` raises.
    """
    plan = await plan_refund(connection, code, wish)
    order = (plan.event_id, plan.order_id)
    if plan.known is not None:
        return Decided(plan, plan.known.id, first_time=False)
    if plan.in_review:
        await end_review(connection, *order, "event_cancelled" if wish.night_cancelled else "not_confirmed")
        return Decided(plan, None, first_time=True)
    logs.info(
        "refund decided",
        order=plan.order_code,
        amount_minor=plan.amount_minor,
        currency=plan.currency,
        tickets=len(plan.void),
        override_used=bool(plan.used),
    )
    refund_id = await _owe(connection, plan, wish) if plan.amount_minor else None
    status = "refunded" if plan.amount_minor else "cancelled"
    await void(connection, order, [one for one, _ in plan.void], status, refund_id=refund_id)
    await follow_tickets(connection, order)
    if refund_id is None:
        names = {"event_id": str(plan.event_id), "order_id": str(plan.order_id)}
        await enqueue(connection, "mail_cancelled", plan.decision, names | {"codes": " ".join(c for _, c in plan.void)})
    return Decided(plan, refund_id, first_time=True)


async def ask_again(connection: Connection, code: str) -> list[UUID]:
    """Every failed refund of an order is asked of Stripe once more, under a new key; returns their ids.

    Raises NotFound, and NotRefundable when none has failed.
    """
    order = (await show_order(connection, code)).order
    await LOCK_STATUS.first(connection, order.event_id, order.id)
    refunds = await AGAIN.all(connection, order.event_id, order.id)
    if not refunds:
        raise NotRefundable(f"No refund of order {order.code} has failed.")
    for refund in refunds:
        names = {"event_id": str(order.event_id), "order_id": str(order.id), "refund_id": str(refund.id)}
        await enqueue(connection, "send_refund", f"{refund.id}:{refund.attempt}", names)
        await enqueue(connection, "mail_refund", str(refund.id), names)  # unless it was mailed before
    return [refund.id for refund in refunds]


async def _owe(connection: Connection, plan: Plan, wish: Wish) -> UUID | None:
    assert plan.payment_intent_id is not None
    order, amount = (plan.event_id, plan.order_id), (plan.amount_minor, plan.currency)
    reason = "requested" if plan.void or wish.amount_minor is None else "goodwill"
    refund_id = await decide(
        connection,
        order,
        plan.payment_intent_id,
        amount,
        decision=plan.decision,
        reason="event_cancelled" if wish.night_cancelled else reason,
        note=wish.reason,
        override_used=bool(plan.used),
    )
    await post(connection, f"decided:{plan.decision}", order, amount, debit="refunds", credit="owed_to_buyers")
    return refund_id


def _chosen(tickets: Sequence[_Ticket], wish: Wish, order_code: str) -> list[_Ticket]:
    """The tickets that the wish means; of all, those that still open the door."""
    if not wish.tickets:
        whole = wish.amount_minor is None
        return [one for one in tickets if whole and one.status in ("active", "used")]
    by_code = {code: one for one in tickets for code in (one.newest_code, one.code)}
    wanted = [(written, by_code.get(read_code(written) or "")) for written in wish.tickets]
    missing = [written for written, ticket in wanted if ticket is None]
    if missing:
        raise NotFound(f"Order {order_code} has no ticket {', '.join(missing)}.")
    return sorted({ticket for _, ticket in wanted if ticket is not None}, key=lambda one: one.code)


def _name(wish: Wish, chosen: Sequence[_Ticket]) -> str:
    """What a decision is called; short enough for a key at Stripe."""
    if wish.tickets:
        codes = "+".join(one.code for one in chosen)
        if len(codes) > NAMES_LENGTH_MAX:
            codes = hashlib.sha256(codes.encode()).hexdigest()
        return codes
    if wish.amount_minor is not None:
        return f"amount:{wish.amount_minor}:{wish.number}"
    return "rest"


def _amount(wish: Wish, chosen: Sequence[_Ticket], left: int) -> int:
    if wish.amount_minor is not None:
        return wish.amount_minor
    return sum(one.unit_minor for one in chosen) if wish.tickets else left


def _refuse(
    code: str,
    currency: str,
    wish: Wish,
    status: str,
    chosen: Sequence[_Ticket],
    payment: _Payment | None,
    amount: int,
) -> None:
    left = payment.left_minor if payment else 0
    # The tickets of a refunded order are void, and still a part of its money may be left, or have come back.
    if status not in ("paid", "part_refunded") and not (status == "refunded" and left):
        raise NotRefundable(f"Order {code} is {status.replace('_', ' ')}: there is nothing to refund.")
    void_before = [write_code(one.code) for one in chosen if one.status not in ("active", "used")]
    if void_before:
        raise NotRefundable(f"Already refunded or cancelled: {', '.join(void_before)}.")
    if payment is not None and payment.disputed and amount:
        raise NotRefundable(
            f"The bank took the payment of order {code} back (a dispute), so Stripe refunds nothing of it. "
            "Answer the dispute in Stripe's Dashboard."
        )
    if amount > left:
        raise MoreThanLeft(
            f"{write_money(amount, currency)} is more than the {write_money(left, currency)} left of order {code}."
        )
    if not amount and not chosen:
        raise NotRefundable(f"Nothing of order {code} is left to refund.")
    used = [write_code(one.code) for one in chosen if one.status == "used"]
    if used and not (wish.override_used or wish.night_cancelled):
        raise TicketUsed(
            f"Somebody has come in with {', '.join(used)}. To refund all the same: --override-used; both are kept."
        )
