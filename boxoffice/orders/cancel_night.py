"""A night is called off: the sale closes at once, then every order is ended or refunded, batch by batch.

What is left to do is seen from the orders themselves, so it goes on after any interruption, by whoever does the next
round: the worker, cron, or the command that asked for it.
"""

from uuid import UUID

import msgspec

from boxoffice.catalogue.events import no_such_event
from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST, Command, Connection, Query
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import Unavailable
from boxoffice.orders.decide_refund import NotRefundable, Wish, decide_refund
from boxoffice.orders.give_back import LOCK_ORDER
from boxoffice.orders.release import end
from boxoffice.orders.till import Till
from boxoffice.orders.void import void_all
from boxoffice.payments.dispute import MONEY_IS_GONE
from boxoffice.payments.stripe import StripeProblem

AT_ONCE = 50
GONE = list(MONEY_IS_GONE)


class Night(msgspec.Struct, frozen=True):
    """A night by its slug; `asked` and `finished` say how far its cancellation has come."""

    id: UUID
    title: str
    status: str
    currency: str
    asked: bool
    finished: bool


class Tally(msgspec.Struct, frozen=True):
    """Orders of one status, with their tickets that open the door, and what is left of the money that they paid.

    `in_cash`: at a door, and it has not gone back. `unfinished` of them are still to be ended, refunded or voided.
    """

    status: str
    in_cash: bool
    orders: int
    unfinished: int
    tickets: int
    left_minor: int
    disputed: int


class Sent(msgspec.Struct, frozen=True):
    """Refunds of a night's cancellation, by how far they have come."""

    status: str
    refunds: int
    amount_minor: int


class _Order(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID
    code: str
    status: str


NIGHT = Query(
    Night,
    """
SELECT id, title, status, currency, cancellation.event_id IS NOT NULL AS asked,
  cancellation.finished_at IS NOT NULL AS finished
FROM event LEFT JOIN cancellation ON cancellation.event_id = event.id WHERE slug = $1
""",
)
TALLIES = Query(
    Tally,
    """
SELECT status, in_cash, count(*) AS orders, count(*) FILTER (WHERE tickets > 0
    OR status NOT IN ('paid', 'part_refunded') OR NOT in_cash AND NOT disputed) AS unfinished,
  sum(tickets)::bigint AS tickets, sum(CASE WHEN in_cash THEN total_minor ELSE left_minor END)::bigint AS left_minor,
  count(*) FILTER (WHERE disputed) AS disputed
FROM (SELECT orders.status, total_minor,
    EXISTS (SELECT FROM door_sale WHERE door_sale.event_id = $1 AND door_sale.order_id = orders.id
      AND paid_by = 'cash' AND voided_at IS NULL) AS in_cash,
    (SELECT count(*) FROM ticket WHERE ticket.event_id = $1 AND ticket.order_id = orders.id
      AND ticket.status IN ('active', 'used')) AS tickets,
    coalesce((SELECT sum(amount_minor) FROM payment WHERE payment.event_id = $1 AND payment.order_id = orders.id
      AND purpose <> 'returned'), 0)
    - coalesce((SELECT sum(refund.amount_minor) FROM refund JOIN payment USING (event_id, payment_intent_id)
      WHERE refund.event_id = $1 AND refund.order_id = orders.id AND purpose <> 'returned'
      AND refund.status <> 'dropped'), 0) AS left_minor,
    EXISTS (SELECT FROM dispute WHERE dispute.event_id = $1 AND dispute.order_id = orders.id
      AND dispute.status = ANY($2::text[])) AS disputed
  FROM orders WHERE orders.event_id = $1) AS counted
GROUP BY status, in_cash ORDER BY status, in_cash
""",
)
SENT = Query(
    Sent,
    """
SELECT status, count(*) AS refunds, sum(amount_minor)::bigint AS amount_minor FROM refund
WHERE event_id = $1 AND reason = 'event_cancelled' GROUP BY status ORDER BY status
""",
)
ASK = Command("""
INSERT INTO cancellation (event_id, reason, asked_at) VALUES ($1, $2, clock()) ON CONFLICT (event_id) DO NOTHING
""")
CALL_OFF = Command("""
UPDATE event SET status = 'cancelled', cancelled_reason = $2, revision = revision + 1, updated_at = clock()
WHERE id = $1 AND status <> 'cancelled'
""")
# Reads across nights: those whose cancellation is not finished.
LEFT = Query(
    _Order,
    """
SELECT orders.event_id, orders.id, orders.code, orders.status FROM cancellation
JOIN orders ON orders.event_id = cancellation.event_id
WHERE finished_at IS NULL AND (orders.status IN ('held', 'paying', 'in_review')
  OR orders.status IN ('paid', 'part_refunded') AND (
    EXISTS (SELECT FROM ticket WHERE ticket.event_id = orders.event_id AND ticket.order_id = orders.id
      AND ticket.status IN ('active', 'used'))
    OR NOT EXISTS (SELECT FROM dispute WHERE dispute.event_id = orders.event_id AND dispute.order_id = orders.id
        AND dispute.status = ANY($2::text[]))
      AND NOT EXISTS (SELECT FROM door_sale WHERE door_sale.event_id = orders.event_id
        AND door_sale.order_id = orders.id AND paid_by = 'cash')))
ORDER BY orders.event_id, orders.status IN ('held', 'paying'), orders.id LIMIT $1
""",
)
CODES = Query(
    str,
    """
SELECT coalesce(old_code, code) FROM ticket
LEFT JOIN sent_on ON sent_on.event_id = ticket.event_id AND sent_on.ticket_id = ticket.id
WHERE ticket.event_id = $1 AND order_id = $2 AND status IN ('active', 'used') ORDER BY number
""",
)
# An order whose bank takes its time may still be paid; it is refunded then.
FINISH = Query(
    str,
    """
UPDATE cancellation SET finished_at = clock() FROM event
WHERE event.id = event_id AND finished_at IS NULL AND NOT EXISTS (
  SELECT FROM orders WHERE orders.event_id = cancellation.event_id AND orders.status IN ('held', 'paying', 'settling'))
  AND event_id <> ALL($1::uuid[])
RETURNING event.title
""",
)


async def night_to_cancel(connection: Connection, slug: str) -> Night:
    """The night of an address. Raises NotFound."""
    night = await NIGHT.first(connection, slug)
    if night is None:
        raise no_such_event()
    return night


async def tallies(connection: Connection, night: Night) -> list[Tally]:
    """What there is of its orders."""
    return await TALLIES.all(connection, night.id, GONE)


async def sent(connection: Connection, night: Night) -> list[Sent]:
    """How far its refunds have come."""
    return await SENT.all(connection, night.id)


async def call_off(connection: Connection, night: Night, reason: str) -> None:
    """Closes the sale and asks for every order to be ended or refunded. A second asking changes nothing."""
    await ASK.run(connection, night.id, reason)
    await CALL_OFF.run(connection, night.id, reason)
    logs.info("night called off", event_id=str(night.id))


async def cancel_some(till: Till) -> int:
    """One bounded round over all nights that are called off; returns how many orders were dealt with.

    What Stripe does not answer for stays for the next round.
    """
    async with till.db.transaction() as connection:
        orders = await LEFT.all(connection, AT_ONCE, GONE)
    done = 0
    for order in orders:
        with logs.bound(order=order.code):
            try:
                await _end(till, order)
                done += 1
            except LOST:
                raise
            except (StripeProblem, Unavailable) as problem:
                logs.warning("an order of a cancelled night waits for Stripe", problem=type(problem).__name__)
            except Exception as error:  # noqa: BLE001 - one order that fails must not keep the others waiting
                logs.error("an order of a cancelled night was not ended", problem=error)
    if len(orders) < AT_ONCE:
        async with till.db.transaction() as connection:
            for title in await FINISH.all(connection, list({order.event_id for order in orders})):
                logs.info("a cancelled night is finished", night=title)
    return done


async def _end(till: Till, order: _Order) -> None:
    if order.status in ("held", "paying"):
        await end(till, order.event_id, order.id, "event_cancelled")
        await till.db.attempt(_tell_unpaid, order)
        return
    try:
        await till.db.attempt(decide_refund, order.code, Wish(night_cancelled=True))
    except NotRefundable:
        await till.db.attempt(_void_unrefunded, order)


async def _tell_unpaid(connection: Connection, order: _Order) -> None:
    locked = await LOCK_ORDER.first(connection, order.event_id, order.id)
    if locked is not None and locked.status == "released" and locked.ended_reason == "event_cancelled":
        names = {"event_id": str(order.event_id), "order_id": str(order.id), "codes": ""}
        await enqueue(connection, "mail_cancelled", str(order.id), names)


async def _void_unrefunded(connection: Connection, order: _Order) -> None:
    """The bank has the money, or it was paid in cash: the tickets end without a refund of ours."""
    key = (order.event_id, order.id)
    await LOCK_ORDER.first(connection, *key)
    codes = await CODES.all(connection, *key)
    if await void_all(connection, key, "cancelled"):
        names = {"event_id": str(order.event_id), "order_id": str(order.id), "codes": " ".join(codes)}
        await enqueue(connection, "mail_cancelled", str(order.id), names)
