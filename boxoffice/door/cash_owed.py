"""Cash that a cancelled night owes to those who paid at its door: who has it back, and who has not."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound
from boxoffice.foundation.written import write_code
from boxoffice.orders.give_cash_back import NotCash, give_cash_back, keeps_cash
from boxoffice.orders.order import OrderView, show_order


class CashSale(msgspec.Struct, frozen=True):
    """A sale for cash of a cancelled night. `back_at`: when its cash was handed back, None while it is owed; `back_by`:
    the address of who booked that on the night's page; `from_box`: a scanner took it back out of its own cash box."""

    code: str
    amount_minor: int
    currency: str
    sold_at: datetime
    device_id: UUID
    gate: str
    back_at: datetime | None
    back_reason: str | None
    back_by: str | None
    from_box: bool


class CashSum(msgspec.Struct, frozen=True):
    """What some sales of one currency come to, in minor units."""

    currency: str
    amount_minor: int
    orders: int


SALES = Query(
    CashSale,
    """
SELECT orders.code, total_minor AS amount_minor, orders.currency, sold_at, device_id, gate, voided_at AS back_at,
  void_reason AS back_reason, person.email AS back_by, void_device_id IS NOT NULL AS from_box
FROM door_sale AS sale JOIN orders ON orders.event_id = sale.event_id AND orders.id = sale.order_id
JOIN device ON device.event_id = sale.event_id AND device.id = device_id
JOIN event ON event.id = sale.event_id LEFT JOIN person ON person.id = void_person_id
WHERE sale.event_id = $1 AND event.status = 'cancelled' AND paid_by = 'cash'
ORDER BY sold_at, orders.code
""",
)


async def cash_sales(connection: Connection, event_id: UUID) -> Sequence[CashSale]:
    """Every sale for cash of a cancelled night, the oldest first; none while the night takes place."""
    return await SALES.all(connection, event_id)


def still_owed(sales: Iterable[CashSale]) -> list[CashSale]:
    """What is to be handed back by hand: Stripe has none of it."""
    return [one for one in sales if one.back_at is None]


def handed_back(sales: Iterable[CashSale]) -> list[CashSale]:
    """What the house handed back; what a scanner took back stands in its cash box."""
    return [one for one in sales if one.back_at is not None and not one.from_box]


def sums(sales: Iterable[CashSale]) -> list[CashSum]:
    """What they come to in each currency."""
    amounts: dict[str, list[int]] = {}
    for one in sales:
        amounts.setdefault(one.currency, []).append(one.amount_minor)
    return [CashSum(currency, sum(found), len(found)) for currency, found in sorted(amounts.items())]


async def cash_sale(connection: Connection, event_id: UUID, code: str) -> tuple[CashSale, OrderView]:
    """The sale of an order's code, in whatever spelling, owed or handed back. Raises NotFound, NotCash."""
    try:
        view = await show_order(connection, code)
    except NotFound:
        raise _no_such_order() from None
    order = view.order
    if order.event_id != event_id:
        raise _no_such_order()
    found = next((one for one in await cash_sales(connection, event_id) if one.code == order.code), None)
    if found is None:
        code = write_code(order.code)
        if await keeps_cash(connection, (event_id, order.id)):
            raise NotCash(
                f"Order {code} is not owed its cash: the night takes place. The scanner that sold it takes the sale "
                f"back, and so does `boxoffice door give-back {order.code}`."
            )
        raise NotCash(f"Order {code} was not paid in cash at the door, or its cash went back before.")
    return found, view


async def hand_back(connection: Connection, event_id: UUID, code: str, reason: str, person_id: UUID) -> CashSale:
    """Books that this person handed back the cash of a cancelled night's order, all of it, once; returns the sale as it
    was before. Raises NotFound, NotCash, WentBackBefore."""
    sale, view = await cash_sale(connection, event_id, code)
    await give_cash_back(connection, (event_id, view.order.id), reason, person_id=person_id)
    return sale


def _no_such_order() -> NotFound:
    return NotFound("This night has no such order.")
