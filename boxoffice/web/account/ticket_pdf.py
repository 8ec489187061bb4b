"""`/orders/{code}/tickets.pdf` and `/tickets/{code}/ticket.pdf`: tickets on paper, for whoever may see their page."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.edge.render import NEVER_KEPT
from boxoffice.edge.ticket_paper import cards_to_print, file_name, printed, refuse_paper, to_print
from boxoffice.edge.visitor import order_of_visitor, ticket_of_visitor
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound, Unavailable
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.tickets.pdf import ToPrint

PRINTS = Limit("tickets on paper", 30, 600)


class TooManyPrints(Unavailable):
    """This order was printed often enough for now."""


@get("/orders/{code:str}/tickets.pdf", include_in_schema=False)
async def show_tickets_pdf(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[bytes]:
    """Every ticket of an order that opens the door, a page each."""
    async with box.db.transaction() as connection:
        view = await order_of_visitor(connection, box.settings, request, code)
        refuse_paper(view.order.takes_paper)
        cards = await cards_to_print(connection, [ticket.code for ticket in view.tickets])
        if not cards:
            raise NotFound("This order has no tickets to print. Its page says where they are.")
        await _take_turn(connection, view.order.code)
        tickets = await to_print(connection, box, cards)
    return await _answer(box, tickets, several=True)


@get("/tickets/{code:str}/ticket.pdf", include_in_schema=False)
async def show_ticket_pdf(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[bytes]:
    """One ticket; one that opens nothing says so and has no code."""
    async with box.db.transaction() as connection:
        card = await ticket_of_visitor(connection, box.settings, request, code)
        refuse_paper(card.takes_paper)
        await _take_turn(connection, card.order_code)
        tickets = await to_print(connection, box, [card])
    return await _answer(box, tickets, several=False)


async def _take_turn(connection: Connection, order_code: str) -> None:
    if await allow(connection, PRINTS, order_code):
        raise TooManyPrints("These tickets were printed many times just now. Try again in a few minutes.")


async def _answer(box: BoxOffice, tickets: list[ToPrint], *, several: bool) -> Response[bytes]:
    headers = {
        "Content-Disposition": f'inline; filename="{file_name(tickets[0].card, several=several)}"',
        "Cache-Control": NEVER_KEPT,
    }
    return Response(await printed(box, tickets), media_type="application/pdf", headers=headers)
