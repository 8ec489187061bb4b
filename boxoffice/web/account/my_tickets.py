"""`/tickets`: My Tickets. Who is not signed in is asked to, on the same page."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.edge.forms import Typed
from boxoffice.edge.render import page
from boxoffice.edge.visitor import signed_in
from boxoffice.tickets.ticket import tickets_of_person


@get("/tickets", include_in_schema=False)
async def show_my_tickets(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Everything bought with the person's e-mail: what is to come, then what was."""
    async with box.db.transaction() as connection:
        person = await signed_in(connection, box.settings, request)
        cards = await tickets_of_person(connection, person.email) if person else []
    if person is None:
        return page(box.settings, "sign_in.html", fields=Typed(), problem=None)
    coming = [card for card in cards if card.ends_at > card.now]
    past = [card for card in reversed(cards) if card.ends_at <= card.now]
    return page(box.settings, "my_tickets.html", person=person, coming=coming, past=past)
