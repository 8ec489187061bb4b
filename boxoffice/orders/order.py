"""An order as its buyer sees it: what was chosen, what it costs, where it stands, the tickets it became."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, read_code
from boxoffice.foundation.problems import NotFound
from boxoffice.tickets.ticket import OrderTicket, tickets_of_order

ORDER_MOVES: dict[str, frozenset[str]] = {
    "held": frozenset(["paying", "paid", "expired", "released"]),
    "paying": frozenset(["settling", "paid", "in_review", "expired", "released"]),
    "settling": frozenset(["paid", "in_review", "released"]),
    "expired": frozenset(["paid", "in_review", "refunded"]),
    "released": frozenset(["paid", "in_review", "refunded"]),
    "in_review": frozenset(["paid", "refunded"]),
    "paid": frozenset(["part_refunded", "refunded"]),
    "part_refunded": frozenset(["refunded"]),
    "refunded": frozenset(),
}
"""From each status of an order to those it may move to; the database refuses every other move."""

ASK_AGAIN_SECONDS = 1.0


class Order(msgspec.Struct, frozen=True):
    """An order with what its page needs of the night. `now` is the database's time of reading."""

    event_id: UUID
    id: UUID
    code: str
    status: str
    email: str
    quantity: int
    total_minor: int
    currency: str
    revision: int
    created_at: datetime
    held_until: datetime
    paid_at: datetime | None
    settle_until: datetime | None
    ended_reason: str | None
    now: datetime
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    takes_paper: bool
    venue_name: str
    venue_address: str
    venue_city: str


class OrderedLine(msgspec.Struct, frozen=True):
    """`quantity` tickets of one type at `unit_minor` each, discount included."""

    number: int
    ticket_type_id: UUID
    ticket_type: str
    release: str
    quantity: int
    unit_minor: int
    holder_names: list[str]


class Attempt(msgspec.Struct, frozen=True):
    """One try to be paid: a session at Stripe, or the place in line for one."""

    number: int
    status: str
    turn_at: datetime | None
    session_id: str | None
    session_url: str | None


class Refunded(msgspec.Struct, frozen=True):
    """Money going back, or gone back."""

    reason: str
    amount_minor: int
    status: str
    decided_at: datetime


class OrderView(msgspec.Struct, frozen=True):
    """Everything a page or the API says about one order; `attempts` in the order they were made."""

    order: Order
    lines: list[OrderedLine]
    attempts: list[Attempt]
    tickets: list[OrderTicket]
    refunds: list[Refunded]

    @property
    def checkout_url(self) -> str | None:
        """Where to pay, once the session exists and while the units are held."""
        if self.order.status != "paying" or not self.attempts or self.attempts[-1].status != "open":
            return None
        return self.attempts[-1].session_url

    @property
    def retry_after_seconds(self) -> float | None:
        """When to ask again for the address to pay at; None when there is nothing to wait for."""
        if self.order.status not in ("held", "paying") or self.checkout_url or not self.attempts:
            return None
        turn_at = self.attempts[-1].turn_at
        wait = (turn_at - self.order.now) / timedelta(seconds=1) if turn_at else ASK_AGAIN_SECONDS
        return max(ASK_AGAIN_SECONDS, wait)


ORDER = Query(
    Order,
    """
SELECT orders.event_id, orders.id, orders.code, orders.status, orders.email, orders.quantity, orders.total_minor,
  orders.currency, orders.revision, orders.created_at, orders.held_until, orders.paid_at, orders.settle_until,
  orders.ended_reason, clock() AS now, event.slug AS event_slug, event.title AS event_title,
  event.status AS event_status, event.doors_at, event.starts_at, event.ends_at, event.time_zone,
  event.paper AS takes_paper, venue.name AS venue_name, venue.address AS venue_address, venue.city AS venue_city
FROM event JOIN orders ON orders.event_id = event.id JOIN venue ON venue.id = event.venue_id
WHERE event.short_code = $1 AND orders.code = $2
""",
)

LINES = Query(
    OrderedLine,
    """
SELECT order_line.number, order_line.ticket_type_id, ticket_type.name AS ticket_type, release.name AS release,
  order_line.quantity, order_line.unit_minor, order_line.holder_names
FROM order_line
JOIN ticket_type ON ticket_type.event_id = order_line.event_id AND ticket_type.id = order_line.ticket_type_id
JOIN release ON release.event_id = order_line.event_id AND release.id = order_line.release_id
WHERE order_line.event_id = $1 AND order_line.order_id = $2 ORDER BY order_line.number
""",
)

ATTEMPTS = Query(
    Attempt,
    """
SELECT number, status, turn_at, session_id, session_url FROM payment_attempt
WHERE event_id = $1 AND order_id = $2 ORDER BY number
""",
)

REFUNDS = Query(
    Refunded,
    "SELECT reason, amount_minor, status, decided_at FROM refund WHERE event_id = $1 AND order_id = $2 ORDER BY id",
)


async def show_order(connection: Connection, code: str) -> OrderView:
    """The order of a code as people type it. Raises NotFound; who may see it is `access.py`'s business."""
    canonical = read_code(code)
    order = await ORDER.first(connection, canonical[:EVENT_CODE_LENGTH], canonical) if canonical else None
    if order is None:
        raise no_such_order()
    key = (order.event_id, order.id)
    return OrderView(
        order,
        await LINES.all(connection, *key),
        await ATTEMPTS.all(connection, *key),
        await tickets_of_order(connection, *key),
        await REFUNDS.all(connection, *key),
    )


class NotYours(NotFound):
    """An order or ticket that does not exist, or is another person's: the same answer for both."""


def no_such_order() -> NotYours:
    """For an order."""
    return NotYours(
        "There is no order at this address, or the link is not the one we sent. Open the link in your mail."
    )
