"""Selling at the door: an order at the door's price of the moment, from the web's stock under the same locks.

Cash is paid as the order is placed. A card pays by the order's session, as everywhere.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id, random_code, with_check
from boxoffice.foundation.money import MAXIMUM_MINOR, minimum_minor
from boxoffice.foundation.written import write_money
from boxoffice.orders.fulfil import fulfil_cash
from boxoffice.orders.place import (
    ORDER_CODE_LENGTH,
    Line,
    OrderRefused,
    Placed,
    PriceChanged,
    Request,
    SaleClosed,
    SoldOut,
)
from boxoffice.payments.pacing import Pace

PaidBy = Literal["cash", "card"]


class DoorOffer(msgspec.Struct, frozen=True):
    """A ticket type with its price at the door now; up to `left` of it can be had in one order."""

    ticket_type_id: UUID
    name: str
    admits: int
    price_minor: int
    cash: bool
    card: bool
    left: int


class _Offer(msgspec.Struct, frozen=True):
    name: str
    price_minor: int
    cash: bool
    card: bool
    release_id: UUID
    stock_id: UUID
    room_stock_id: UUID | None
    admits: int
    left: int
    entry_ended: bool
    fits: bool
    currency: str
    short_code: str
    hold_until: datetime


_PRICED = """
FROM event JOIN ticket_type ON ticket_type.event_id = event.id
CROSS JOIN LATERAL (SELECT price_minor, cash, card FROM door_price WHERE door_price.event_id = event.id
  AND door_price.ticket_type_id = ticket_type.id AND from_at <= clock() ORDER BY from_at DESC LIMIT 1) AS price
"""
# Of one release, as everywhere: an order's line is never of two.
_LEFT = """(SELECT greatest(0, max(available)) FROM ladder WHERE ladder.event_id = event.id
  AND ladder.ticket_type_id = ticket_type.id) AS left"""
_ON_SALE = "event.id = $1 AND event.status = 'published' AND event.ends_at > clock()"
OFFERS = Query(
    DoorOffer,
    f"""
SELECT ticket_type.id AS ticket_type_id, ticket_type.name, admits::integer, price.price_minor, cash, card,
  {_LEFT}
{_PRICED} JOIN type_entry ON type_entry.event_id = event.id AND type_entry.ticket_type_id = ticket_type.id
WHERE {_ON_SALE} AND clock() < coalesce(type_entry.last_entry_at, 'infinity') ORDER BY ticket_type.position
""",
)
# The batch with no order in it: what has expired goes back on sale, and the stocks are locked as the batch locks them.
LOCK_STOCKS = Query(
    int,
    """
SELECT count(*)::integer
FROM place_orders($1, 0, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')
""",
)
OFFER = Query(
    _Offer,
    f"""
SELECT ticket_type.name, price.price_minor, cash, card, release_id, stock_id, rung.room_stock_id, admits::integer,
  {_LEFT}, entry_ended, available >= $3 AS fits, currency, short_code,
  clock() + hold_minutes * interval '1 minute' AS hold_until
{_PRICED} JOIN release_on_sale($1, $3) AS rung ON rung.ticket_type_id = ticket_type.id
WHERE {_ON_SALE} AND ticket_type.id = $2
""",
)
# Sold out is for good, as the batch has it: the next of the ladder is on sale from there on.
TAKE = Command("""
UPDATE stock SET used = used + taken.units, closed = closed OR taken.closes AND used + taken.units = cap
FROM unnest($2::uuid[], $3::integer[], $4::boolean[]) AS taken (id, units, closes)
WHERE event_id = $1 AND stock.id = taken.id
""")
PLACE = Command("""
WITH placed AS (
  INSERT INTO orders (event_id, id, code, status, email, quantity, total_minor, currency, key_hash, fingerprint,
    created_at, held_until)
  VALUES ($1, $2, $3, 'held', $4, $5, $6, $7, $8, $9, clock(), $10)),
line AS (
  INSERT INTO order_line (event_id, order_id, number, ticket_type_id, release_id, quantity, unit_minor, holder_names)
  VALUES ($1, $2, 1, $11, $12, $5, $13, '{}'))
INSERT INTO hold (event_id, order_id, stock_id, quantity)
SELECT $1, $2, taken.id, taken.units FROM unnest($14::uuid[], $15::integer[]) AS taken (id, units)
""")
TAKE_TURN = Query(lambda at: at, "SELECT take_turns($1, $2, 1)")
QUEUE = Query(
    float,
    """
INSERT INTO payment_attempt (event_id, order_id, number, idempotency_key, status, turn_at, created_at)
VALUES ($1, $2, 1, 'order:' || $2::uuid || ':attempt:1', 'queued', $3, clock())
RETURNING greatest(0, extract(epoch FROM turn_at - clock()))::float8
""",
)
IN_LINE = timedelta(minutes=2)


async def door_offers(connection: Connection, event_id: UUID) -> list[DoorOffer]:
    """What is sold at the door now, in the order of the nights file."""
    return await OFFERS.all(connection, event_id)


async def sell_at_door(
    connection: Connection, event_id: UUID, request: Request, paid_by: PaidBy, pace: Pace | None
) -> Placed:
    """Places an order of the request's one line, which names the price that was seen; paid at once if it is in cash.

    Raises SaleClosed, PriceChanged (dearer or cheaper), SoldOut, OrderRefused.
    """
    (line,) = request.lines
    await LOCK_STOCKS.first(connection, event_id)
    offer = await OFFER.first(connection, event_id, line.ticket_type_id, line.quantity)
    if offer is None:
        raise SaleClosed("This is not sold at the door right now.")
    total_minor = offer.price_minor * line.quantity
    _refuse(offer, line, paid_by, total_minor)
    order_id = new_id()
    code = with_check(offer.short_code + random_code(ORDER_CODE_LENGTH))
    turn: datetime | None = None
    if paid_by == "card" and pace is not None:
        turn = await TAKE_TURN.first(connection, pace.name, pace.interval)
    held_until = max(offer.hold_until, turn + IN_LINE) if turn else offer.hold_until
    stocks, units = [offer.stock_id], [line.quantity]
    if offer.room_stock_id is not None:
        stocks, units = [*stocks, offer.room_stock_id], [*units, line.quantity * offer.admits]
    await TAKE.run(connection, event_id, stocks, units, [stock == offer.stock_id for stock in stocks])
    await PLACE.run(
        connection,
        *(event_id, order_id, code, request.email, line.quantity, total_minor, offer.currency),
        *(request.key_hash(), request.fingerprint(), held_until),
        *(line.ticket_type_id, offer.release_id, offer.price_minor, stocks, units),
    )
    if paid_by == "cash":
        await fulfil_cash(connection, event_id, order_id)
        return Placed(order_id, code, "paid", total_minor, held_until)
    return Placed(
        order_id, code, "held", total_minor, held_until, await QUEUE.first(connection, event_id, order_id, turn)
    )


def _refuse(offer: _Offer, line: Line, paid_by: PaidBy, total_minor: int) -> None:
    if offer.entry_ended:
        raise SaleClosed(f"Entry with {offer.name} has ended, so it is no longer sold. Nothing was taken.")
    if line.seen_minor != offer.price_minor:
        price = write_money(offer.price_minor, offer.currency)
        problem = PriceChanged(f"{offer.name} costs {price} now. Nothing was taken; tell them the new price.")
        problem.price_minor = offer.price_minor
        raise problem
    if not offer.fits:
        left = f"At most {offer.left} of {offer.name} can be had" if offer.left else f"{offer.name} is sold out"
        raise SoldOut(f"{left} now. Nothing was taken.")
    if not (offer.cash if paid_by == "cash" else offer.card):
        raise OrderRefused(f"{offer.name} is not sold for {'cash' if paid_by == 'cash' else 'cards'} at the door.")
    if total_minor > MAXIMUM_MINOR:
        raise OrderRefused("That is more than one payment can carry. Sell fewer at once.")
    if paid_by == "card" and total_minor < minimum_minor(offer.currency):
        raise OrderRefused("That is below the smallest card payment: take cash.")
