"""Buying: the form and the API ask here. Holds the units, then opens the payment, or gives a place in line for it."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation import logs
from boxoffice.foundation.db import LOST, Query
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.person_name import read_name
from boxoffice.foundation.problems import FieldError, Problem, Unavailable, Unprocessable
from boxoffice.orders.fulfil import fulfil_free
from boxoffice.orders.guesses import code_was_wrong, may_try_code
from boxoffice.orders.pay import Checkout, open_payment
from boxoffice.orders.place import CodeNotValid, Line, Request
from boxoffice.orders.release import end
from boxoffice.orders.till import Till

KEY_LENGTH_MIN, KEY_LENGTH_MAX = 16, 255
LINES_MAX = 20
QUANTITY_MAX = 10
SEEN_MINOR_MAX = 99_999_999
PROMO_CODE_LENGTH_MAX = 40


class OrderRequest(msgspec.Struct, frozen=True):
    """What a buyer asks for, unchecked: `key` is the caller's idempotency key. `client` is where it comes from; wrong
    promo codes are counted by it."""

    key: str
    email: str
    lines: tuple[Line, ...]
    promo_code: str | None = None
    client: str = ""


class Bought(msgspec.Struct, frozen=True):
    """A placed order. To pay, go to `checkout_url`; when it is None, ask again after `retry_after_seconds`, unless the
    order needs no payment."""

    event_id: UUID
    id: UUID
    code: str
    revision: int
    status: str
    total_minor: int
    currency: str
    held_until: datetime
    checkout_url: str | None
    retry_after_seconds: float | None


REVISION = Query(int, "SELECT revision FROM orders WHERE event_id = $1 AND id = $2")


async def buy(till: Till, slug: str, request: OrderRequest) -> Bought:
    """Places the order once for its key. Waits at most 2 s for a turn at Stripe.

    Raises Unprocessable with every field's error, NotFound, SoldOut, PriceChanged, SaleClosed, OrderRefused,
    CodesTriedTooOften, IdempotencyConflict, OrderEnded, and Unavailable when it is unknown whether the order was
    placed: asking again with the same key tells.
    """
    checked = _checked(request)
    counter = await till.counter(slug)
    if checked.promo_code is not None:
        await may_try_code(till.db, counter.event_id, request.client, checked)
    try:
        placed = await counter.orders.submit(checked)
    except LOST as error:
        raise Unavailable("The database did not answer. Press the button again: you cannot buy twice by it.") from error
    if isinstance(placed, CodeNotValid):
        await code_was_wrong(till.db, counter.event_id, request.client)
    if isinstance(placed, Problem):
        raise placed
    logs.note(order=placed.code)
    revision = 0 if placed.fresh else await _revision(till, counter.event_id, placed.id)
    status, checkout = placed.status, Checkout(placed.held_until, None, None)
    if status == "held" and placed.total_minor == 0:
        status = await till.db.attempt(fulfil_free, counter.event_id, placed.id)
    elif status in ("held", "paying"):
        if till.stripe is None:
            await end(till, counter.event_id, placed.id, "payment_refused")
        checkout = await open_payment(till, counter.event_id, placed)
        status = checkout.status or status
    return Bought(
        event_id=counter.event_id,
        id=placed.id,
        code=placed.code,
        revision=revision,
        status=status,
        total_minor=placed.total_minor,
        currency=counter.currency,
        held_until=checkout.held_until,
        checkout_url=checkout.url,
        retry_after_seconds=checkout.retry_after_seconds,
    )


async def _revision(till: Till, event_id: UUID, order_id: UUID) -> int:
    async with till.db.transaction() as connection:
        revision = await REVISION.first(connection, event_id, order_id)
    assert revision is not None
    return revision


def _checked(request: OrderRequest) -> Request:
    errors: list[FieldError] = []
    key = request.key
    if not (KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        errors.append(FieldError("Idempotency-Key", "A key of 16 to 255 plain characters, a new one for each order."))
    email = request.email
    try:
        email = read_email(email)
    except ValueError as error:
        errors.append(FieldError("email", str(error)))
    if not 1 <= len(request.lines) <= LINES_MAX:
        errors.append(FieldError("lines", "Choose at least one ticket, and at most 20 kinds."))
    lines = tuple(_line(line, f"lines[{place}]", errors) for place, line in enumerate(request.lines[:LINES_MAX]))
    promo_code = (request.promo_code or "").strip().upper() or None
    if promo_code is not None and (len(promo_code) > PROMO_CODE_LENGTH_MAX or not promo_code.isprintable()):
        errors.append(FieldError("promo_code", "This is not a code."))
    if errors:
        raise Unprocessable("Something is missing or wrong. Nothing was taken.", tuple(errors))
    return Request(key, email, lines, promo_code)


def _line(line: Line, path: str, errors: list[FieldError]) -> Line:
    if not 1 <= line.quantity <= QUANTITY_MAX:
        errors.append(FieldError(f"{path}.quantity", "A whole number from 1 to 10."))
    if line.seen_minor is not None and not 0 <= line.seen_minor <= SEEN_MINOR_MAX:
        errors.append(FieldError(f"{path}.price", "A price in minor units, such as 1850."))
    if len(line.holder_names) > max(line.quantity, 0):
        errors.append(FieldError(f"{path}.names", "There are more names than tickets."))
    names: list[str] = []
    for number, name in enumerate(line.holder_names[:QUANTITY_MAX]):
        try:
            names.append(read_name(name) if name else "")
        except ValueError as error:
            errors.append(FieldError(f"{path}.names[{number}]", str(error)))
    return Line(line.ticket_type_id, line.quantity, line.seen_minor, tuple(names))
