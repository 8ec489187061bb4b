"""`/api/v1/.../door/sales`: what scanners sell, and their cash boxes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from boxoffice.api.openapi import DOOR
from boxoffice.api.v1.orders import NEVER_CACHED
from boxoffice.api.v1.scans import Reason, bearer
from boxoffice.box import BoxOffice
from boxoffice.door.cash_up import CashUp, cash_up_of, close_cash_box, lock_seller, open_cash_box
from boxoffice.door.sell import Sale, Wish, offers_at, sell, take_back
from boxoffice.edge.json_body import read_json
from boxoffice.foundation.db import Connection
from boxoffice.foundation.money import exponent
from boxoffice.orders.access import access_token
from boxoffice.worker.tick import run_inline

SaleNonce = Annotated[str, msgspec.Meta(min_length=8, max_length=40, pattern=r"^[A-Za-z0-9_-]+\Z")]


class SaleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sold. `price`: what one costs, in minor units, as the seller saw it: another one now is refused.
    `nonce` is new for each sale, and the same when it is sent again. `email`: where the tickets are mailed to."""

    nonce: SaleNonce
    ticket_type: UUID
    quantity: int
    price: int
    paid_by: Literal["cash", "card"]
    email: str = ""


class VoidBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the sale is taken back."""

    reason: Reason


class FloatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in the cash box before the first sale, in minor units."""

    float: int


class CountedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted in the cash box at the end, in minor units."""

    counted: int


class SoldTicket(msgspec.Struct, frozen=True):
    """A sold ticket; `answer` is what the door said to it, `admitted` unless something speaks against it. `checks`:
    what is looked at before its people go in, `age` and `name`."""

    code: str
    answer: str
    ticket_type: str
    admits: int
    checks: list[str]


class SaleShown(msgspec.Struct, frozen=True):
    """`state`: `paid` and let in, `waiting` for a card, `ended` unpaid, or `voided`. While it waits, the buyer pays at
    `pay_url`; `pay_code` is a QR code of it, a row of modules a string, 1 dark. `total` in minor units."""

    nonce: str
    order: str
    state: str
    paid_by: str
    quantity: int
    total: int
    currency: str
    tickets: list[SoldTicket]
    pay_url: str | None
    pay_code: list[str] | None
    held_until: datetime


class OfferShown(msgspec.Struct, frozen=True):
    """What is sold now; `price` in minor units. A ticket lets in `admits` people; `left` can be had in one order."""

    ticket_type: UUID
    name: str
    price: int
    admits: int
    cash: bool
    card: bool
    left: int


class SoldLineShown(msgspec.Struct, frozen=True):
    """Tickets of a type at a price, paid in one way, and those of them whose cash went back."""

    ticket_type: str
    price: int
    paid_by: str
    sold: int
    total: int
    voided: int
    voided_total: int


class CashUpShown(msgspec.Struct, frozen=True):
    """A cash box, minor units throughout: `expected` is the float and what was sold for cash, less what went back;
    `difference` what was counted beyond it."""

    float: int
    opened_at: datetime
    cash: int
    card: int
    voided: int
    expected: int
    counted: int | None
    difference: int | None
    closed_at: datetime | None
    lines: list[SoldLineShown]


class TillShown(msgspec.Struct, frozen=True):
    """What a scanner sells now, and its cash box; null before that was counted for the first time. `decimals` between
    major and minor units."""

    gate: str
    role: str
    currency: str
    decimals: int
    offers: list[OfferShown]
    cash_up: CashUpShown | None


@get("/api/v1/events/{slug:str}/door/till", tags=[DOOR], summary="Prices and cash box", cache_control=NEVER_CACHED)
async def show_till(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> TillShown:
    """What this scanner sells now at which price, and what it has sold."""
    async with box.db.transaction() as connection:
        return await _till(connection, slug, bearer(authorization))


@post(
    "/api/v1/events/{slug:str}/door/till",
    tags=[DOOR],
    summary="Count the cash box before selling",
    status_code=200,
    cache_control=NEVER_CACHED,
    opt={"body": FloatBody},
)
async def open_till(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    request: Request[Any, Any, Any],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> TillShown:
    """Keeps the opening float, once; nothing is sold before."""
    body = await read_json(request, FloatBody)
    token = bearer(authorization)
    async with box.db.transaction() as connection:
        await open_cash_box(connection, await lock_seller(connection, slug, token), body.float)
        return await _till(connection, slug, token)


@post(
    "/api/v1/events/{slug:str}/door/till/closing",
    tags=[DOOR],
    summary="Cash up",
    status_code=200,
    cache_control=NEVER_CACHED,
    opt={"body": CountedBody},
)
async def close_till(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    request: Request[Any, Any, Any],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> TillShown:
    """Keeps what was counted in the end, once; this scanner sells nothing after it."""
    body = await read_json(request, CountedBody)
    token = bearer(authorization)
    async with box.db.transaction() as connection:
        await close_cash_box(connection, await lock_seller(connection, slug, token), body.counted)
        return await _till(connection, slug, token)


@post(
    "/api/v1/events/{slug:str}/door/sales",
    tags=[DOOR],
    summary="Sell at the door, or ask how a sale stands",
    status_code=200,
    cache_control=NEVER_CACHED,
    opt={"body": SaleBody},
)
async def sell_tickets(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    request: Request[Any, Any, Any],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> SaleShown:
    """Cash is paid, and its people are in, when this answers. A card waits: the same body again says how it stands."""
    body = await read_json(request, SaleBody)
    wish = Wish(body.nonce, body.ticket_type, body.quantity, body.price, body.paid_by, body.email)
    sale = await sell(box.till, slug, bearer(authorization), wish)
    await run_inline(box)
    return _shown(box, body.nonce, sale)


@post(
    "/api/v1/events/{slug:str}/door/sales/{nonce:str}/void",
    tags=[DOOR],
    summary="Take a sale back",
    status_code=200,
    cache_control=NEVER_CACHED,
    opt={"body": VoidBody},
)
async def void_sale(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    nonce: FromPath[str],
    request: Request[Any, Any, Any],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> SaleShown:
    """Books that cash was handed back, within 15 minutes; or gives up a card that was not paid yet."""
    body = await read_json(request, VoidBody)
    sale = await take_back(box.till, slug, bearer(authorization), nonce, body.reason)
    await run_inline(box)
    return _shown(box, nonce, sale)


async def _till(connection: Connection, slug: str, token: str) -> TillShown:
    seller = await lock_seller(connection, slug, token)
    found = await cash_up_of(connection, seller)
    offers = [
        OfferShown(one.ticket_type_id, one.name, one.price_minor, one.admits, one.cash, one.card, one.left)
        for one in await offers_at(connection, seller)
    ]
    shown = None if found is None else _cash_up(found)
    return TillShown(seller.gate, seller.role, seller.currency, exponent(seller.currency), offers, shown)


def _cash_up(found: CashUp) -> CashUpShown:
    return CashUpShown(
        float=found.float_minor,
        opened_at=found.opened_at,
        cash=found.cash_minor,
        card=found.card_minor,
        voided=found.voided_minor,
        expected=found.expected_minor,
        counted=found.counted_minor,
        difference=found.difference_minor,
        closed_at=found.closed_at,
        lines=[
            SoldLineShown(
                one.ticket_type,
                one.price_minor,
                one.paid_by,
                one.sold,
                one.sold_minor,
                one.voided,
                one.voided_minor,
            )
            for one in found.lines
        ],
    )


def _shown(box: BoxOffice, nonce: str, sale: Sale) -> SaleShown:
    order = sale.view.order
    pay_url = None
    if sale.state == "waiting":
        pay_url = f"{box.settings.base_url}/orders/{order.code}?t={access_token(box.settings.secret_key, order)}"
    return SaleShown(
        nonce=nonce,
        order=order.code,
        state=sale.state,
        paid_by=sale.paid_by,
        quantity=order.quantity,
        total=order.total_minor,
        currency=order.currency,
        tickets=[SoldTicket(one.code, one.answer, one.ticket_type, one.admits, one.checks) for one in sale.let_in],
        pay_url=pay_url,
        pay_code=None if pay_url is None else _modules(pay_url),
        held_until=order.held_until,
    )


def _modules(text: str) -> list[str]:
    import segno  # noqa: PLC0415 - slow to load, and only cards need it

    rows = segno.make(text, error="m", micro=False).matrix_iter(border=0)
    return ["".join("1" if module else "0" for module in row) for row in rows]
