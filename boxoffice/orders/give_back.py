"""Units of an ended order go back on sale."""

from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query


class LockedOrder(msgspec.Struct, frozen=True):
    """An order whose row this transaction holds."""

    code: str
    status: str
    ended_reason: str | None
    hold_is_over: bool
    extended: bool


class AttemptState(msgspec.Struct, frozen=True):
    """How far one attempt has come; `session_id` None while no answer of Stripe's is known."""

    number: int
    status: str
    session_id: str | None


LOCK_ORDER = Query(
    LockedOrder,
    """
SELECT code, status, ended_reason, held_until <= clock() AS hold_is_over, extended FROM orders
WHERE event_id = $1 AND id = $2 FOR UPDATE
""",
)
ATTEMPTS = Query(
    AttemptState,
    """
SELECT number::integer, status, session_id FROM payment_attempt WHERE event_id = $1 AND order_id = $2 ORDER BY number
""",
)
LOCK_STOCKS = Query(int, "SELECT 1 FROM stock WHERE event_id = $1 ORDER BY id FOR UPDATE")
# Once: an order that gave its units back before has no hold left, and its promo code is free already.
GIVE_BACK = Query(
    lambda _nothing: None,
    """
SELECT give_back($1, ARRAY[$2::uuid]) WHERE EXISTS (SELECT FROM hold WHERE event_id = $1 AND order_id = $2)
""",
)
END = Command("UPDATE orders SET status = $3, ended_reason = $4 WHERE event_id = $1 AND id = $2")


async def give_back_units(connection: Connection, event_id: UUID, order_id: UUID) -> None:
    """The units of a locked order return to sale; takes the locks of the event's stocks."""
    await LOCK_STOCKS.all(connection, event_id)
    await GIVE_BACK.first(connection, event_id, order_id)


async def end_when_nothing_is_open(connection: Connection, event_id: UUID, order_id: UUID) -> str:
    """Ends an order of which no attempt can be paid any more: `expired` when its time was over, else `released`.

    Returns `ended`, or `waiting` when there is something left to wait for.
    """
    order = await LOCK_ORDER.first(connection, event_id, order_id)
    assert order is not None
    attempts = await ATTEMPTS.all(connection, event_id, order_id)
    finished = all(attempt.status in ("expired", "refused") for attempt in attempts)
    if order.status not in ("held", "paying") or not finished:
        return "waiting"
    reason = order.ended_reason or "hold_ended"
    logs.info("order ended", order=order.code, reason=reason)
    await give_back_units(connection, event_id, order_id)
    await END.run(connection, event_id, order_id, "expired" if reason == "hold_ended" else "released", reason)
    return "ended"
