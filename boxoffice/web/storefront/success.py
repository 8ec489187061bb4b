"""`/orders/{code}/success`: where Stripe leads back to. A visit proves nothing: what is said comes from the order."""

import hmac
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.edge.render import page
from boxoffice.edge.visitor import order_of_visitor
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound
from boxoffice.orders.look import look
from boxoffice.orders.order import OrderView, no_such_order, show_order
from boxoffice.web.storefront.order import order_page
from boxoffice.worker.tick import run_inline

SESSION_ID_OPENS_FOR = timedelta(hours=1)


@get("/orders/{code:str}/success", include_in_schema=False)
async def show_success(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    code: FromPath[str],
    session_id: FromQuery[str] = "",
) -> Response[Any]:
    """The tickets, or that the payment is being confirmed; Stripe is asked when its call is late."""
    async with box.db.transaction() as connection:
        view, mine = await _seen_by(connection, box, request, code, session_id)
    view = await look(box.till, view, session_id if _is_of(view, session_id) else None)
    await run_inline(box)
    if view.order.status != "paid":
        return order_page(box, view, mine=mine)
    return page(box.settings, "success.html", view=view, order=view.order, mine=mine)


async def _seen_by(
    connection: Connection, box: BoxOffice, request: Request[Any, Any, Any], code: str, session_id: str
) -> tuple[OrderView, bool]:
    """The order, and whether it is the visitor's own: its session id opens it too, in whichever browser the bank's app
    came back, but for an hour only and to look."""
    try:
        return await order_of_visitor(connection, box.settings, request, code), True
    except NotFound:
        view = await show_order(connection, code)
        if not _is_of(view, session_id) or view.order.now > view.order.created_at + SESSION_ID_OPENS_FOR:
            raise no_such_order() from None
        return view, False


def _is_of(view: OrderView, session_id: str) -> bool:
    ids = [attempt.session_id for attempt in view.attempts if attempt.session_id]
    return any(hmac.compare_digest(known.encode(), session_id.encode(errors="replace")) for known in ids)
