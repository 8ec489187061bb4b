"""Who is looking: a signed-in person, or whoever holds the cookie of an order or of a ticket that was sent to them."""

import hmac
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from boxoffice.accounts.organisation import ROLES, OrganiserNight, access_event
from boxoffice.accounts.sessions import Person, person_of
from boxoffice.edge.cookies import cookie, cookie_value
from boxoffice.edge.render import path_part, see_other
from boxoffice.foundation.db import Connection
from boxoffice.foundation.ids import read_code
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.orders.access import HasAccess, access_token, may_see
from boxoffice.orders.order import NotYours, OrderView, no_such_order, show_order
from boxoffice.settings import Settings
from boxoffice.tickets.ticket import TicketCard, ticket_of_code
from boxoffice.tickets.transfer import Transfer, holder_token, transfer_of_old_code

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
    """The ticket of a code, for whoever holds it; NotFound for all others, its buyer among them once it was sent on."""
    card = await ticket_of_code(connection, code)
    if card is None:
        raise no_such_ticket()
    people = _People(card.order_code, card.email, card.holder_email)
    if not await _holds(connection, settings, visit, (card.event_id, card.code), people):
        raise no_such_ticket()
    return card


async def ticket_with_cookie(
    connection: Connection, settings: Settings, code: str, token: str, below: str = ""
) -> Response[str]:
    """The token in the mail to a ticket's new holder is swapped for a cookie: leads to the ticket's page, or what is
    `below` it. Raises NotYours."""
    card = await ticket_of_code(connection, code)
    if card is None or not opens_ticket(settings, card, token):
        raise no_such_ticket()
    return see_other(f"/tickets/{path_part(card.code)}{below}", cookies=[ticket_cookie(settings, card)])


async def sent_by_visitor(connection: Connection, settings: Settings, visit: Visit, code: str) -> Transfer | None:
    """What became of a ticket that the visitor sent on, by the code that it had; None for all others."""
    canonical = read_code(code)
    sent = await transfer_of_old_code(connection, canonical) if canonical else None
    if sent is None:
        return None
    people = _People(sent.order_code, sent.buyer_email, sent.from_email)
    held_it = await _holds(connection, settings, visit, (sent.event_id, sent.old_code), people)
    return sent if held_it else None


def no_such_ticket() -> NotYours:
    """For a ticket."""
    return NotYours("There is no ticket at this address, or it is not yours. Sign in under My tickets to see yours.")


class _People(msgspec.Struct, frozen=True):
    """Whose order a ticket is of, and who holds it, or held it under an earlier code."""

    order_code: str
    buyer_email: str
    holder_email: str


async def _holds(
    connection: Connection, settings: Settings, visit: Visit, ticket: tuple[UUID, str], people: _People
) -> bool:
    """`ticket`: its event and the code that it has, or had."""
    shown = cookie_value(settings, visit, _ticket_cookie_name(ticket[1]))
    if hmac.compare_digest(holder_token(settings.secret_key, *ticket).encode(), shown.encode()):
        return True
    if people.holder_email != people.buyer_email:
        person = await signed_in(connection, settings, visit)
        return person is not None and person.email == people.holder_email
    try:
        await order_of_visitor(connection, settings, visit, people.order_code)
    except NotFound:
        return False
    return True


def order_cookie(settings: Settings, order: HasAccess, code: str) -> Cookie:
    """Lets this browser see the order from now on."""
    return cookie(settings, _order_cookie_name(code), access_token(settings.secret_key, order), ORDER_SECONDS)


def ticket_cookie(settings: Settings, card: TicketCard) -> Cookie:
    """Lets this browser see a ticket that was sent to its holder, until it is sent on again."""
    token = holder_token(settings.secret_key, card.event_id, card.code)
    return cookie(settings, _ticket_cookie_name(card.code), token, ORDER_SECONDS)


def opens_ticket(settings: Settings, card: TicketCard, token: str) -> bool:
    """Whether `token` came with the mail to the ticket's new holder."""
    own = holder_token(settings.secret_key, card.event_id, card.code)
    return card.reissued_at is not None and hmac.compare_digest(own.encode(), token.encode())


def _ticket_cookie_name(code: str) -> str:
    """As that of an order's."""
    return f"ticket_{code[:-1]}"


async def order_with_cookie(
    connection: Connection, settings: Settings, code: str, token: str, below: str = ""
) -> Response[str]:
    """The same of the token in mails about an order."""
    order = (await show_order(connection, code)).order
    if not may_see(settings.secret_key, order, token):
        raise no_such_order()
    return see_other(f"/orders/{path_part(order.code)}{below}", cookies=[order_cookie(settings, order, order.code)])


def _order_cookie_name(code: str) -> str:
    """Without the check character, which may be one that no cookie's name has."""
    return f"order_{code[:-1]}"
