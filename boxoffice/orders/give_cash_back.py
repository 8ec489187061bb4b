"""Cash that goes back by hand: booked when somebody hands it over, for Stripe knows nothing of it."""

from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable
from boxoffice.orders.void import void_all
from boxoffice.payments.ledger import post

REASON_LENGTH_MAX = 200


class NotCash(Problem):
    """The order was not paid in cash, or its cash went back before."""

    status, type, title = 409, "not_cash", "No cash to give back"


class WentBackBefore(NotCash):
    """Somebody booked it before, or at this moment."""


class _Sale(msgspec.Struct, frozen=True):
    code: str
    status: str
    total_minor: int
    currency: str
    is_cash: bool


LOCK_SALE = Query(
    _Sale,
    """
SELECT code, status, total_minor, currency, coalesce(paid_by = 'cash', false) AS is_cash
FROM orders LEFT JOIN door_sale ON door_sale.event_id = orders.event_id AND door_sale.order_id = orders.id
WHERE orders.event_id = $1 AND orders.id = $2 FOR UPDATE OF orders
""",
)
WENT_BACK = Command("""
UPDATE door_sale SET voided_at = clock(), void_reason = $3, void_device_id = $4, void_person_id = $5
WHERE event_id = $1 AND order_id = $2 AND voided_at IS NULL
""")
REFUNDED = Command("UPDATE orders SET status = 'refunded' WHERE event_id = $1 AND id = $2")
KEPT_CASH = Query(
    bool,
    """
SELECT EXISTS (SELECT FROM door_sale WHERE event_id = $1 AND order_id = $2 AND paid_by = 'cash' AND voided_at IS NULL)
""",
)


async def keeps_cash(connection: Connection, order: tuple[UUID, UUID]) -> bool:
    """Whether an order was paid in cash that has not gone back."""
    return bool(await KEPT_CASH.first(connection, *order))


def read_reason(text: str) -> str:
    """Why cash goes back, stripped. Raises Unprocessable."""
    reason = text.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or not reason.isprintable():
        sentence = f"The reason is 1 to {REASON_LENGTH_MAX} plain characters."
        raise Unprocessable(sentence, (FieldError("reason", sentence),))
    return reason


async def give_cash_back(
    connection: Connection,
    order: tuple[UUID, UUID],
    reason: str,
    *,
    device_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """All of an order's cash has gone back, once: its tickets open nothing, its units are on sale again.

    `device_id`: out of this scanner's cash box, else the house's own; `person_id`: who of the organisation booked it.
    Raises NotCash, WentBackBefore.
    """
    sale = await LOCK_SALE.first(connection, *order)
    assert sale is not None
    if not sale.is_cash:
        raise NotCash(f"Order {sale.code} was not paid in cash at a door.")
    if await WENT_BACK.run(connection, *order, reason, device_id, person_id) != 1:
        raise WentBackBefore(f"The cash of order {sale.code} went back before.")
    amount = (sale.total_minor, sale.currency)
    await post(connection, f"cash back:{order[1]}", order, amount, debit="refunds", credit="cash")
    await void_all(connection, order, "refunded")
    await REFUNDED.run(connection, *order)
    logs.info("cash went back", order=sale.code, amount_minor=sale.total_minor, currency=sale.currency)
