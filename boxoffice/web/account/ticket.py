"""`/tickets/{code}`: the ticket that is held up at the door, its calendar entry, and an order's tickets on paper."""

from base64 import b64encode
from datetime import UTC
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from boxoffice.box import BoxOffice
from boxoffice.edge.render import NEVER_KEPT, page, path_part
from boxoffice.edge.ticket_paper import refuse_paper
from boxoffice.edge.visitor import (
    order_of_visitor,
    sent_by_visitor,
    ticket_of_visitor,
    ticket_with_cookie,
)
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Connection
from boxoffice.tickets.send_on import held, refusal
from boxoffice.tickets.ticket import OPENS_THE_DOOR, TicketCard, ticket_of_code
from boxoffice.tickets.transfer import open_offer

if TYPE_CHECKING:
    from boxoffice.tickets.code import RotatingCode

QUIET_ZONE = 4


@get("/clock", include_in_schema=False)
async def show_clock(box: NamedDependency[BoxOffice]) -> Response[dict[str, int]]:
    """Milliseconds since 1970 by our clock, with which phones compare theirs."""
    async with box.db.transaction() as connection:
        moment = await now(connection)
    return Response({"now": round(moment.timestamp() * 1000)}, headers={"Cache-Control": NEVER_KEPT})


@get("/tickets/{code:str}", include_in_schema=False)
async def show_ticket(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str], t: FromQuery[str] = ""
) -> Response[str]:
    """One ticket, for whoever holds it; to whom it went, for whoever sent it on. The token `t` of the mail to a new
    holder is swapped for a cookie."""
    async with box.db.transaction() as connection:
        if t:
            return await ticket_with_cookie(connection, box.settings, code, t)
        sent = await sent_by_visitor(connection, box.settings, request, code)
        if sent is not None:
            return page(box.settings, "sent.html", sent=sent)
        card = await ticket_of_visitor(connection, box.settings, request, code)
        rotating = await _rotating(connection, box, card)
        drawn = _drawn(rotating.text_at(card.now)) if rotating else await _qr(connection, box, card)
        offered = await open_offer(connection, card.event_id, card.id)
        can_send = refusal(await held(connection, card.event_id, card.id)) is None
    return page(
        box.settings,
        "ticket.html",
        card=card,
        qr=drawn,
        rotating=_for_phone(rotating),
        offered=offered,
        can_send=can_send,
    )


@get("/tickets/{code:str}/state", include_in_schema=False)
async def show_state(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[dict[str, str]]:
    """What an open page of the ticket compares with what it shows; for whoever holds the ticket."""
    async with box.db.transaction() as connection:
        card = await ticket_of_visitor(connection, box.settings, request, code)
    return Response({"state": card.state}, headers={"Cache-Control": NEVER_KEPT})


@get("/orders/{code:str}/print", include_in_schema=False)
async def show_tickets_for_print(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[str]:
    """Every ticket of an order that opens the door, for paper."""
    async with box.db.transaction() as connection:
        view = await order_of_visitor(connection, box.settings, request, code)
        refuse_paper(view.order.takes_paper)
        cards = [await ticket_of_code(connection, ticket.code) for ticket in view.tickets]
        shown = [(card, await _qr(connection, box, card)) for card in cards if card and card.status in OPENS_THE_DOOR]
    return page(box.settings, "print.html", order=view.order, shown=shown)


@get("/tickets/{code:str}/calendar.ics", include_in_schema=False)
async def show_calendar(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[bytes]:
    """The night as a calendar entry with the ticket's address."""
    async with box.db.transaction() as connection:
        card = await ticket_of_visitor(connection, box.settings, request, code)
    headers = {"Content-Disposition": f'attachment; filename="{card.event_slug}.ics"', "Cache-Control": NEVER_KEPT}
    return Response(_calendar(box, card), media_type="text/calendar", headers=headers)


async def _qr(connection: Connection, box: BoxOffice, card: TicketCard) -> Markup | None:
    """The code that stays, as SVG; None for a ticket that opens nothing."""
    if card.status not in OPENS_THE_DOOR:
        return None
    from boxoffice.tickets.code import ticket_payload  # noqa: PLC0415 - so is its cryptography

    return _drawn(await ticket_payload(connection, box.settings.secret_key, card.event_id, card.id, card.revision))


async def _rotating(connection: Connection, box: BoxOffice, card: TicketCard) -> "RotatingCode | None":
    """What makes the codes of a ticket whose code changes; None for all others."""
    if not card.rotates or card.status not in OPENS_THE_DOOR:
        return None
    from boxoffice.tickets.code import rotating_code  # noqa: PLC0415 - its cryptography is slow to load

    return await rotating_code(connection, box.settings.secret_key, card.event_id, card.id, card.revision)


def _for_phone(rotating: "RotatingCode | None") -> dict[str, str] | None:
    """The same in base64, for the module that goes on making them."""
    if rotating is None:
        return None
    return {"fixed": b64encode(rotating.fixed).decode(), "secret": b64encode(rotating.secret).decode()}


def _drawn(text: str) -> Markup:
    """Dark on white, whatever the page's colours are."""
    import segno  # noqa: PLC0415 - slow to load, and only tickets need it

    drawn = segno.make(text, error="m", micro=False)
    svg = drawn.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg.replace("<svg ", '<svg role="img" aria-label="QR code of this ticket" ', 1))  # noqa: S704 - drawn from base32 by the line above


def _calendar(box: BoxOffice, card: TicketCard) -> bytes:
    from icalendar import Calendar, Event  # noqa: PLC0415 - the slowest library of all

    event = Event()
    whose = card.order_code if card.is_buyers else card.id
    event.add("uid", f"{whose}-{card.event_slug}@{box.settings.base_url.partition('://')[2]}")
    event.add("dtstamp", card.now.astimezone(UTC))
    event.add("dtstart", card.doors_at.astimezone(UTC))
    event.add("dtend", card.ends_at.astimezone(UTC))
    event.add("summary", card.event_title)
    event.add("location", f"{card.venue_name}, {card.venue_address}, {card.venue_city}")
    event.add("url", f"{box.settings.base_url}/tickets/{path_part(card.code)}")
    event.add("status", "CANCELLED" if card.event_status == "cancelled" else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//Box office//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return calendar.to_ical()
