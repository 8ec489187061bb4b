"""`/orders/{code}`: an order from its place in line to its tickets, for whoever may see it."""

from typing import Any, Literal, TypeAlias, cast

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.edge.forms import read_form
from boxoffice.edge.render import page, path_part, see_other
from boxoffice.edge.visitor import order_of_visitor, order_with_cookie
from boxoffice.orders.order import OrderView
from boxoffice.orders.pay import advance
from boxoffice.orders.release import give_up
from boxoffice.worker.tick import run_inline

Stage: TypeAlias = Literal[
    "line",
    "away",
    "pay",
    "checking",
    "settling",
    "in_review",
    "paid",
    "part_refunded",
    "refunded",
    "disputed",
    "dispute_lost",
    "night_cancelled",
    "expired",
    "released",
]
CHECK_AGAIN_SECONDS = 3
AWAY_AGAIN_SECONDS = 5


@get("/orders/{code:str}", include_in_schema=False)
async def show_order_page(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    code: FromPath[str],
    t: FromQuery[str] = "",
    waiting: FromQuery[bool] = False,
) -> Response[Any]:
    """The order where it stands. A mailed link's token `t` is swapped for the cookie; `waiting` goes on to the payment
    as soon as there is one."""
    async with box.db.transaction() as connection:
        if t:
            return await order_with_cookie(connection, box.settings, code, t)
        view = await order_of_visitor(connection, box.settings, request, code)
    view = await advance(box.till, view)
    await run_inline(box)
    if waiting and view.checkout_url:
        return see_other(view.checkout_url)
    return order_page(box, view)


@post("/orders/{code:str}/release", include_in_schema=False, status_code=303)
async def release_order(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[str]:
    """The buyer gives up; what was paid meanwhile stays paid."""
    await read_form(request, ())
    async with box.db.transaction() as connection:
        view = await order_of_visitor(connection, box.settings, request, code)
    view = await give_up(box.till, view)
    await run_inline(box)
    return see_other(f"/orders/{path_part(view.order.code)}")


def order_page(box: BoxOffice, view: OrderView, *, mine: bool = True) -> Response[str]:
    """The page of an order. `mine`: the visitor may act on it, not only look."""
    stage = stage_of(view)
    wait = view.retry_after_seconds if stage == "line" else None
    turn_at = view.attempts[-1].turn_at if stage == "line" and view.attempts else None
    place = round((turn_at - view.order.now).total_seconds() * box.till.pace.per_second) if turn_at else 0
    if stage == "line" and box.till.breaker.seems_open:
        stage, wait = "away", AWAY_AGAIN_SECONDS
    if stage in ("checking", "settling"):
        wait = CHECK_AGAIN_SECONDS
    return page(
        box.settings,
        "order.html",
        view=view,
        order=view.order,
        stage=stage,
        place=place,
        mine=mine,
        refresh_seconds=None if wait is None else max(1, round(min(wait, 10))),
        wait_seconds=None if wait is None else max(1, round(wait)),
    )


def stage_of(view: OrderView) -> Stage:
    """What the page is about. An order whose time is over while a payment may still come is being checked: nobody is
    told to buy a second time."""
    order = view.order
    if order.status in ("held", "paying"):
        if order.ended_reason is not None or order.held_until <= order.now or not view.attempts:
            return "checking"
        return "pay" if view.checkout_url else "line"
    if view.tickets and order.event_status == "cancelled":
        return "night_cancelled"
    blocked = {ticket.blocked_reason for ticket in view.tickets}
    if order.status != "refunded" and blocked & {"disputed", "dispute_lost"}:
        return "disputed" if "disputed" in blocked else "dispute_lost"
    return cast("Stage", order.status)  # the other statuses are stages by the same name
