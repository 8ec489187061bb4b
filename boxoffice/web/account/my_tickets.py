"""`/tickets`: My Tickets. Who is not signed in is asked to, on the same page."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from boxoffice.accounts.organisation import is_member
from boxoffice.box import BoxOffice
from boxoffice.edge.cookies import cookie_value, forgotten
from boxoffice.edge.forms import Typed
from boxoffice.edge.render import page
from boxoffice.edge.visitor import signed_in
from boxoffice.tickets.ticket import tickets_of_person
from boxoffice.tickets.transfer import offered_to, sent_by
from boxoffice.web.account.back import BACK


@get("/tickets", include_in_schema=False)
async def show_my_tickets(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Everything bought with the person's e-mail or sent to it: what they may take, what is to come, what was, and what
    they sent on."""
    async with box.db.transaction() as connection:
        person = await signed_in(connection, box.settings, request)
        if person is None:
            used_up = [forgotten(box.settings, BACK)] if cookie_value(box.settings, request, BACK) else None
            return page(box.settings, "sign_in.html", cookies=used_up, fields=Typed(), problem=None, runs_nights=False)
        cards = await tickets_of_person(connection, person.email)
        offered = await offered_to(connection, person.email)
        sent = await sent_by(connection, person.email)
        runs_nights = await is_member(connection, person)
    coming = [card for card in cards if card.ends_at > card.now]
    past = [card for card in reversed(cards) if card.ends_at <= card.now]
    return page(
        box.settings,
        "my_tickets.html",
        person=person,
        coming=coming,
        past=past,
        offered=offered,
        sent=sent,
        runs_nights=runs_nights,
    )
