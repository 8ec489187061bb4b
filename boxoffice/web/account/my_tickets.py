"""`/tickets`: My Tickets. Who is not signed in is asked to, on the same page."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.edge.forms import Typed
from boxoffice.edge.render import page
from boxoffice.edge.visitor import signed_in
from boxoffice.tickets.ticket import tickets_of_person
from boxoffice.tickets.transfer import offered_to, sent_by


@get("/tickets", include_in_schema=False)
async def show_my_tickets(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Everything bought with the person's e-mail or sent to it: what they may take, what is to come, what was, and what
    they sent on."""
    async with box.db.transaction() as connection:
        person = await signed_in(connection, box.settings, request)
        if person is None:
            return page(box.settings, "sign_in.html", fields=Typed(), problem=None)
        cards = await tickets_of_person(connection, person.email)
        offered = await offered_to(connection, person.email)
        sent = await sent_by(connection, person.email)
    coming = [card for card in cards if card.ends_at > card.now]
    past = [card for card in reversed(cards) if card.ends_at <= card.now]
    return page(box.settings, "my_tickets.html", person=person, coming=coming, past=past, offered=offered, sent=sent)
