"""Selling from a scanner: what is paid comes in at once, and the same nonce again is the same sale.

A sale in cash is one transaction: order, tickets, ledger and entry. One by card is placed, paid on the buyer's own
phone, and let in by whichever repetition finds it paid.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.door.cash_up import CashBoxClosed, Seller, cash_up_of, lock_seller, not_open
from boxoffice.door.entry_list import OPENS_BEFORE_DOORS
from boxoffice.door.read import Reader
from boxoffice.door.scan import Answer, Asked, answer_scans
from boxoffice.foundation import logs
from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.problems import FieldError, NotFound, Problem, Unprocessable
from boxoffice.orders.buy import QUANTITY_MAX
from boxoffice.orders.give_cash_back import give_cash_back, read_reason
from boxoffice.orders.look import look
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.pay import advance, open_payment
from boxoffice.orders.place import IdempotencyConflict, Line, Placed, Request
from boxoffice.orders.release import end
from boxoffice.orders.sell_at_door import DoorOffer, PaidBy, door_offers, sell_at_door
from boxoffice.orders.till import Till
from boxoffice.tickets.ticket import OrderTicket

VOID_WITHIN = timedelta(minutes=15)
"""So long a scanner takes back its own sales for cash; a supervisor's until it is cashed up."""


class NotLetIn(Problem):
    """Nobody is let in with such a ticket here and now, so none is sold."""

    status, type, title = 409, "not_let_in", "Not let in here"


class TooLateToVoid(Problem):
    """The sale is too long ago for this scanner."""

    status, type, title = 409, "too_late_to_void", "Too late to take back"


class Wish(msgspec.Struct, frozen=True):
    """What is sold, unchecked: `nonce` is new for each sale and the same when it is asked again; `seen_minor` the price
    of one that the seller saw; `email` may be empty."""

    nonce: str
    ticket_type_id: UUID
    quantity: int
    seen_minor: int
    paid_by: PaidBy
    email: str = ""


class LetIn(msgspec.Struct, frozen=True):
    """A sold ticket, what the door said to it, and what is looked at before its people go in (`age`, `name`)."""

    code: str
    answer: str
    ticket_type: str
    admits: int
    checks: list[str]


class Sale(msgspec.Struct, frozen=True):
    """A sale as it stands. `state`: `paid` (and let in), `voided`, `waiting` for the card, or `ended` unpaid."""

    view: OrderView
    paid_by: str
    state: str
    let_in: tuple[LetIn, ...]


class _Sold(msgspec.Struct, frozen=True):
    order_id: UUID
    code: str
    nonce: str
    paid_by: str
    fingerprint: bytes
    sold_at: datetime
    voided: bool


SOLD = Query(
    _Sold,
    """
SELECT order_id, code, nonce, paid_by, fingerprint, sold_at, voided_at IS NOT NULL AS voided
FROM door_sale JOIN orders ON orders.event_id = door_sale.event_id AND orders.id = order_id
WHERE door_sale.event_id = $1 AND device_id = $2 AND nonce = $3
""",
)
LET_IN_NOW = Query(
    as_id,
    """
SELECT ticket_type_id FROM event JOIN entry_list ON entry_list.event_id = event.id
JOIN list_type ON list_type.event_id = event.id AND list_type.list_id = entry_list.id
WHERE event.id = $1 AND entry_list.id = $2 AND takes AND clock() >= coalesce(opens_at, doors_at - $3::interval)
  AND clock() < coalesce(list_type.last_entry_at, 'infinity')
""",
)
NOTE_SALE = Command("""
INSERT INTO door_sale (event_id, order_id, device_id, nonce, paid_by, sold_at) VALUES ($1, $2, $3, $4, $5, clock())
""")


async def offers_at(connection: Connection, seller: Seller) -> list[DoorOffer]:
    """What a scanner sells now: of what is sold at the door, whatever its list lets in."""
    let_in = await LET_IN_NOW.all(connection, seller.event_id, seller.list_id, OPENS_BEFORE_DOORS)
    return [offer for offer in await door_offers(connection, seller.event_id) if offer.ticket_type_id in let_in]


async def sell(till: Till, slug: str, token: str, wish: Wish) -> Sale:
    """Sells once for the scanner's nonce; asking again says how it stands, and lets in whoever has paid since.

    Raises Unprocessable, UnknownDevice, DeviceRevoked, NotASeller, CashBoxNotOpen, CashBoxClosed, NotLetIn, SaleClosed,
    PriceChanged, SoldOut, OrderRefused, IdempotencyConflict, and Unavailable while cards cannot be paid.
    """
    wish = _checked(wish)
    if wish.paid_by == "card":
        till.stripe_or_closed()
    event_id, placed, code = await till.db.attempt(_place, till, slug, token, wish)
    if wish.paid_by == "card":
        if placed is not None:
            await open_payment(till, event_id, placed)
        async with till.db.transaction() as connection:
            view = await show_order(connection, code)
        await look(till, await advance(till, view))
    return await till.db.attempt(_as_it_stands, slug, token, wish.nonce)


async def take_back(till: Till, slug: str, token: str, nonce: str, reason: str) -> Sale:
    """Takes a sale back: cash goes back by hand and who came in is out again; a card that was not paid yet is given up.

    The same again changes nothing. Raises Unprocessable, NotFound, UnknownDevice, DeviceRevoked, NotASeller,
    CashBoxClosed, TooLateToVoid, and Unavailable when Stripe does not say whether a card was paid.
    """
    event_id, order_id = await till.db.attempt(_take_back, slug, token, nonce, read_reason(reason))
    await end(till, event_id, order_id, "given_up")
    return await till.db.attempt(_as_it_stands, slug, token, nonce)


async def _place(
    connection: Connection, till: Till, slug: str, token: str, wish: Wish
) -> tuple[UUID, Placed | None, str]:
    """The night, what was placed (None when it was before), and the order's code."""
    seller = await lock_seller(connection, slug, token)
    request = _request(seller, wish)
    known = await SOLD.first(connection, seller.event_id, seller.id, wish.nonce)
    if known is not None:
        if known.fingerprint != request.fingerprint() or known.paid_by != wish.paid_by:
            raise IdempotencyConflict("This sale was sent before with something else in it.")
        return seller.event_id, None, known.code
    box = await cash_up_of(connection, seller)
    if box is None:
        raise not_open()
    if box.closed_at is not None:
        raise CashBoxClosed("This scanner was cashed up: it sells no more tonight.")
    let_in = await LET_IN_NOW.all(connection, seller.event_id, seller.list_id, OPENS_BEFORE_DOORS)
    if wish.ticket_type_id not in let_in:
        raise NotLetIn("Nobody is let in with this ticket here right now. Nothing was taken.")
    placed = await sell_at_door(connection, seller.event_id, request, wish.paid_by, till.pace)
    await NOTE_SALE.run(connection, seller.event_id, placed.id, seller.id, wish.nonce, wish.paid_by)
    logs.info("sold at the door", order=placed.code, paid_by=wish.paid_by, amount_minor=placed.total_minor)
    if wish.paid_by == "cash":
        view = await show_order(connection, placed.code)
        answers = await _let_in(connection, seller, token, wish.nonce, view)
        if any(one.answer != "admitted" for one in answers):
            raise NotLetIn("They cannot be let in here right now. Nothing was taken.")
    return seller.event_id, placed, placed.code


async def _as_it_stands(connection: Connection, slug: str, token: str, nonce: str) -> Sale:
    seller, sold = await _sold(connection, slug, token, nonce)
    view = await show_order(connection, sold.code)
    if sold.voided:
        return Sale(view, sold.paid_by, "voided", ())
    if view.order.status in ("held", "paying", "settling", "in_review"):
        return Sale(view, sold.paid_by, "waiting", ())
    if view.order.status in ("expired", "released") or not view.tickets:
        return Sale(view, sold.paid_by, "ended", ())
    return Sale(view, sold.paid_by, "paid", await _let_in(connection, seller, token, nonce, view))


async def _take_back(connection: Connection, slug: str, token: str, nonce: str, reason: str) -> tuple[UUID, UUID]:
    seller, sold = await _sold(connection, slug, token, nonce)
    order = (seller.event_id, sold.order_id)
    if sold.voided:
        return order
    view = await show_order(connection, sold.code)
    if sold.paid_by == "card":
        if view.tickets:
            raise TooLateToVoid("The card was paid, so the money goes back by Stripe: ask whoever runs the door.")
        return order
    box = await cash_up_of(connection, seller)
    if box is None or box.closed_at is not None:
        raise CashBoxClosed("This scanner was cashed up: cash goes back by whoever runs the door.")
    if seller.role != "supervisor" and seller.now > sold.sold_at + VOID_WITHIN:
        minutes = int(VOID_WITHIN / timedelta(minutes=1))
        raise TooLateToVoid(f"A sale is taken back within {minutes} minutes; later only by a supervisor's scanner.")
    await give_cash_back(connection, order, reason, device_id=seller.id)
    undone = [
        Asked(seller.id, token, f"{key}.void", "", seller.now, undoes=(seller.id, key), reason=reason)
        for _, key in _scans(nonce, view)
    ]
    await answer_scans(connection, seller.event_id, Reader(seller.event_id, seller.short_code), undone)
    return order


async def _sold(connection: Connection, slug: str, token: str, nonce: str) -> tuple[Seller, _Sold]:
    seller = await lock_seller(connection, slug, token)
    sold = await SOLD.first(connection, seller.event_id, seller.id, nonce)
    if sold is None:
        raise NotFound("This scanner has sold nothing under that number.")
    return seller, sold


async def _let_in(connection: Connection, seller: Seller, token: str, nonce: str, view: OrderView) -> tuple[LetIn, ...]:
    """Scans what was sold, once: the nonces follow from the sale's."""
    asked = [
        Asked(seller.id, token, key, ticket.code, seller.now, is_found=True) for ticket, key in _scans(nonce, view)
    ]
    answers = await answer_scans(connection, seller.event_id, Reader(seller.event_id, seller.short_code), asked)
    found: list[LetIn] = []
    for ticket, answer in zip(view.tickets, answers, strict=True):
        assert isinstance(answer, Answer)  # the scanner was known when its row was locked
        checks = answer.ticket.checks if answer.ticket else []
        found.append(LetIn(ticket.code, answer.answer, ticket.ticket_type, ticket.admits, checks))
    return tuple(found)


def _scans(nonce: str, view: OrderView) -> list[tuple[OrderTicket, str]]:
    """Each sold ticket with the nonce of the scan that lets it in."""
    return [(ticket, f"{nonce}.{number}") for number, ticket in enumerate(view.tickets, 1)]


def _request(seller: Seller, wish: Wish) -> Request:
    line = Line(wish.ticket_type_id, wish.quantity, wish.seen_minor)
    return Request(f"door:{seller.id}:{wish.nonce}", wish.email, (line,))


def _checked(wish: Wish) -> Wish:
    errors: list[FieldError] = []
    email = wish.email.strip()
    if not 1 <= wish.quantity <= QUANTITY_MAX:
        errors.append(FieldError("quantity", f"A whole number from 1 to {QUANTITY_MAX}."))
    try:
        email = read_email(email) if email else ""
    except ValueError as error:
        errors.append(FieldError("email", str(error)))
    if errors:
        sentences = " ".join(error.detail for error in errors)  # the seller's screen has room for these alone
        raise Unprocessable(f"{sentences} Nothing was taken.", tuple(errors))
    return msgspec.structs.replace(wish, email=email)
