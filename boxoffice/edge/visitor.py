"""Who is looking: a signed-in person, or whoever holds an order's cookie."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from boxoffice.accounts.organisation import ROLES, OrganiserNight, access_event
from boxoffice.accounts.sessions import Person, person_of
from boxoffice.edge.cookies import cookie, cookie_value
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.orders.access import HasAccess, access_token, may_see
from boxoffice.orders.order import NotYours, OrderView, no_such_order, show_order
from boxoffice.settings import Settings
from boxoffice.tickets.ticket import TicketCard, ticket_of_code

SESSION = "session"
SESSION_SECONDS = 90 * 24 * 3600
ORDER_SECONDS = 400 * 24 * 3600  # browsers keep no cookie longer
Visit = ASGIConnection[Any, Any, Any, Any]


class SignInFirst(Problem):
    """Nobody is signed in. `slug`: the night to whose door they return then; empty: to all their nights."""

    status, type, title = 403, "sign_in_first", "Sign in first"

    def __init__(self, slug: str = "") -> None:
        super().__init__("Sign in first, at /organiser.")
        self.slug = slug


async def signed_in(connection: Connection, settings: Settings, visit: Visit) -> Person | None:
    """The person of the session cookie."""
    token = cookie_value(settings, visit, SESSION)
    return await person_of(connection, token) if token else None


async def night_of_member(
    connection: Connection, settings: Settings, visit: Visit, slug: str, roles: tuple[str, ...] = ROLES
) -> OrganiserNight:
    """The night of a slug, for a member of its organisation in one of `roles`. Raises SignInFirst, NotFound."""
    person = await signed_in(connection, settings, visit)
    if person is None:
        raise SignInFirst(slug)
    return await access_event(connection, person, slug, roles)


async def order_of_visitor(connection: Connection, settings: Settings, visit: Visit, code: str) -> OrderView:
    """The order of a code, for whoever holds its cookie or signed in with its e-mail; NotFound for all others."""
    view = await show_order(connection, code)
    if may_see(settings.secret_key, view.order, cookie_value(settings, visit, _order_cookie_name(view.order.code))):
        return view
    person = await signed_in(connection, settings, visit)
    if person is None or person.email != view.order.email:
        raise no_such_order()
    return view


async def ticket_of_visitor(connection: Connection, settings: Settings, visit: Visit, code: str) -> TicketCard:
    """The ticket of a code, for whoever may see its order; NotFound for all others."""
    card = await ticket_of_code(connection, code)
    try:
        if card is not None:
            await order_of_visitor(connection, settings, visit, card.order_code)
            return card
    except NotFound:
        pass
    raise NotYours("There is no ticket at this address, or it is not yours. Sign in under My tickets to see yours.")


def order_cookie(settings: Settings, order: HasAccess, code: str) -> Cookie:
    """Lets this browser see the order from now on."""
    return cookie(settings, _order_cookie_name(code), access_token(settings.secret_key, order), ORDER_SECONDS)


async def swapped_for_cookie(connection: Connection, settings: Settings, code: str, token: str) -> tuple[str, Cookie]:
    """The order's code as it is written, and the cookie that a mailed link's token is good for; else NotFound."""
    order = (await show_order(connection, code)).order
    if not may_see(settings.secret_key, order, token):
        raise no_such_order()
    return order.code, order_cookie(settings, order, order.code)


def _order_cookie_name(code: str) -> str:
    """Without the check character, which may be one that no cookie's name has."""
    return f"order_{code[:-1]}"
