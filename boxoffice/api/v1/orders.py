"""`/api/v1/.../orders`: buying, and looking at what was bought."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from boxoffice.api.openapi import ORDERS
from boxoffice.box import BoxOffice
from boxoffice.edge.client_address import client_network
from boxoffice.edge.json_body import read_json
from boxoffice.orders.access import access_token, may_see
from boxoffice.orders.buy import OrderRequest, buy
from boxoffice.orders.order import OrderView, no_such_order, show_order
from boxoffice.orders.pay import advance
from boxoffice.orders.place import Line
from boxoffice.worker.tick import run_inline

NEVER_CACHED = CacheControlHeader(no_store=True)


class LineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`price`: the unit price in minor units that the buyer saw; ours is never higher. `names`: one a ticket."""

    ticket_type: UUID
    quantity: int
    names: list[str] = []
    price: int | None = None


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who buys what."""

    email: str
    lines: list[LineBody]
    promo_code: str | None = None


class PlacedOrder(msgspec.Struct, frozen=True):
    """A placed order; `total` in minor units. Is `checkout_url` null, ask for the order after `retry_after` seconds."""

    code: str
    status: str
    total: int
    currency: str
    checkout_url: str | None
    retry_after: int | None
    hold_expires_at: datetime
    access_token: str


class LineShown(msgspec.Struct, frozen=True):
    """`price` is what one ticket of the line costs, in minor units."""

    ticket_type: UUID
    name: str
    release: str
    quantity: int
    price: int


class TicketShown(msgspec.Struct, frozen=True):
    """`code` is checked at the door; `status` is active, used, cancelled, refunded, or sent_on: somebody else holds it,
    and its code opens nothing."""

    code: str
    status: str
    ticket_type: str
    holder: str


class OrderShown(PlacedOrder, frozen=True):
    """An order with its lines and, once it is paid, its tickets."""

    lines: list[LineShown]
    tickets: list[TicketShown]


@post(
    "/api/v1/events/{slug:str}/orders",
    tags=[ORDERS],
    summary="Hold tickets and open the payment",
    status_code=201,
    cache_control=NEVER_CACHED,
    opt={"body": OrderBody},
)
async def place_order(
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    request: Request[Any, Any, Any],
    key: Annotated[str, HeaderParameter(name="Idempotency-Key")] = "",
) -> PlacedOrder:
    """Holds the tickets and opens the payment. The same key and body again is the same order."""
    data = await read_json(request, OrderBody)
    lines = tuple(Line(line.ticket_type, line.quantity, line.price, tuple(line.names)) for line in data.lines)
    client = client_network(box.settings, request)
    bought = await buy(box.till, slug, OrderRequest(key, data.email, lines, data.promo_code, client))
    await run_inline(box)
    return PlacedOrder(
        code=bought.code,
        status=bought.status,
        total=bought.total_minor,
        currency=bought.currency,
        checkout_url=bought.checkout_url,
        retry_after=_whole(bought.retry_after_seconds),
        hold_expires_at=bought.held_until,
        access_token=access_token(box.settings.secret_key, bought),
    )


@get("/api/v1/orders/{code:str}", tags=[ORDERS], summary="Show an order and its tickets", cache_control=NEVER_CACHED)
async def show(
    box: NamedDependency[BoxOffice],
    code: FromPath[str],
    authorization: Annotated[str, HeaderParameter(name="Authorization")] = "",
) -> OrderShown:
    """The order, for whoever holds its access token; 404 for anyone else."""
    scheme, _, token = authorization.partition(" ")
    async with box.db.transaction() as connection:
        view = await show_order(connection, code)
    if scheme.lower() != "bearer" or not may_see(box.settings.secret_key, view.order, token.strip()):
        raise no_such_order()
    view = await advance(box.till, view)
    await run_inline(box)
    return _shown(view, access_token(box.settings.secret_key, view.order))


def _shown(view: OrderView, token: str) -> OrderShown:
    return OrderShown(
        code=view.order.code,
        status=view.order.status,
        total=view.order.total_minor,
        currency=view.order.currency,
        checkout_url=view.checkout_url,
        retry_after=_whole(view.retry_after_seconds),
        hold_expires_at=view.order.held_until,
        access_token=token,
        lines=[
            LineShown(line.ticket_type_id, line.ticket_type, line.release, line.quantity, line.unit_minor)
            for line in view.lines
        ],
        tickets=[TicketShown(one.code, one.status, one.ticket_type, one.holder) for one in view.tickets],
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds + 0.5))
