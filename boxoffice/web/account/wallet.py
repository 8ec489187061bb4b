"""Tickets to keep in Apple Wallet and Google Wallet, for whoever may see their page."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.edge.render import NEVER_KEPT, see_other
from boxoffice.edge.ticket_paper import cards_to_print
from boxoffice.edge.visitor import order_of_visitor, order_with_cookie, ticket_of_visitor, ticket_with_cookie
from boxoffice.edge.wallet_passes import ToKeep, apple_passes, google_save_link, to_keep
from boxoffice.foundation import logs
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import NotFound, Unavailable
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.tickets.ticket import TicketCard
from boxoffice.wallet.card import APPLE_AT_ONCE_MAX, GOOGLE_AT_ONCE_MAX, passes_of
from boxoffice.wallet.google_pass import offer
from boxoffice.wallet.not_told import NotTold

PASSES = Limit("passes for wallets", 30, 600)


class TooManyPasses(Unavailable):
    """Passes of this order were made often enough for now."""


class GoogleAway(Unavailable):
    """Google cannot be told of a ticket now."""

    type = "wallet_not_told"


@get("/tickets/{code:str}/ticket.pkpass", include_in_schema=False)
async def show_apple_pass(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str], t: FromQuery[str] = ""
) -> Response[Any]:
    """One ticket for Apple Wallet; one that opens nothing is void there. A mailed link's token `t` is swapped for the
    cookie."""
    _offered(box.settings.apple_wallet)
    async with box.db.transaction() as connection:
        if t:
            return await ticket_with_cookie(connection, box.settings, code, t, "/ticket.pkpass")
        passes = await _passes_of_ticket(connection, box, request, code)
    return await _apple_answer(box, passes)


@get("/orders/{code:str}/tickets.pkpasses", include_in_schema=False)
async def show_apple_passes(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    code: FromPath[str],
    t: FromQuery[str] = "",
    part: FromQuery[int] = 1,
) -> Response[Any]:
    """An order's tickets for Apple Wallet, ten at a time. A mailed link's token `t` is swapped for the cookie."""
    _offered(box.settings.apple_wallet)
    async with box.db.transaction() as connection:
        if t:
            return await order_with_cookie(connection, box.settings, code, t, f"/tickets.pkpasses?part={part}")
        passes = await _passes_of_order(connection, box, request, code, part)
    return await _apple_answer(box, passes)


@get("/tickets/{code:str}/google-wallet", include_in_schema=False)
async def save_to_google(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str], t: FromQuery[str] = ""
) -> Response[str]:
    """Leads to Google, which asks whether to keep the ticket. A mailed link's token `t` is swapped for the cookie."""
    _offered(box.settings.google_wallet)
    async with box.db.transaction() as connection:
        if t:
            return await ticket_with_cookie(connection, box.settings, code, t, "/google-wallet")
        passes = await _passes_of_ticket(connection, box, request, code, google=True)
    return await _google_answer(box, passes)


@get("/orders/{code:str}/google-wallet", include_in_schema=False)
async def save_order_to_google(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    code: FromPath[str],
    t: FromQuery[str] = "",
    part: FromQuery[int] = 1,
) -> Response[str]:
    """The same for an order's tickets, five at a time. A mailed link's token `t` is swapped for the cookie."""
    _offered(box.settings.google_wallet)
    async with box.db.transaction() as connection:
        if t:
            return await order_with_cookie(connection, box.settings, code, t, f"/google-wallet?part={part}")
        passes = await _passes_of_order(connection, box, request, code, part, google=True)
    return await _google_answer(box, passes)


def _offered(wallet: object | None) -> None:
    if wallet is None:
        raise NotFound("This box office keeps no tickets in that wallet. The ticket's page opens the door.")


async def _passes_of_ticket(
    connection: Connection, box: BoxOffice, request: Request[Any, Any, Any], code: str, *, google: bool = False
) -> list[ToKeep]:
    card = await ticket_of_visitor(connection, box.settings, request, code)
    return await _passes(connection, box, card.order_code, [card], google=google)


async def _passes_of_order(
    connection: Connection,
    box: BoxOffice,
    request: Request[Any, Any, Any],
    code: str,
    part: int,
    *,
    google: bool = False,
) -> list[ToKeep]:
    view = await order_of_visitor(connection, box.settings, request, code)
    cards = await cards_to_print(connection, [ticket.code for ticket in view.tickets])
    size = GOOGLE_AT_ONCE_MAX if google else APPLE_AT_ONCE_MAX
    chosen = cards[(part - 1) * size : part * size] if part > 0 else []
    if not chosen:
        raise NotFound("This order has no such tickets. Its page says where it stands.")
    return await _passes(connection, box, view.order.code, chosen, google=google)


async def _passes(
    connection: Connection, box: BoxOffice, order_code: str, cards: Sequence[TicketCard], *, google: bool
) -> list[ToKeep]:
    event_id, tickets = cards[0].event_id, [card.id for card in cards]
    if google:
        await offer(connection, event_id, tickets)
    if await allow(connection, PASSES, order_code):
        raise TooManyPasses("These tickets were added many times just now. Try again in a few minutes.")
    return await to_keep(connection, box, await passes_of(connection, event_id, tickets))


async def _google_answer(box: BoxOffice, passes: list[ToKeep]) -> Response[str]:
    try:
        return see_other(await google_save_link(box, passes))
    except NotTold as problem:
        logs.warning("a ticket was not saved in Google Wallet", problem=problem.detail)
        raise GoogleAway("Google Wallet does not answer. Try again later: the ticket's page opens the door.") from None


async def _apple_answer(box: BoxOffice, passes: list[ToKeep]) -> Response[bytes]:
    from boxoffice.wallet.apple_pass import PKPASS, PKPASSES, bundle  # noqa: PLC0415 - its cryptography is slow

    made = await apple_passes(box, passes)
    slug = passes[0].shown.card.event_slug
    name = f"ticket-{slug}.pkpass" if len(made) == 1 else f"tickets-{slug}.pkpasses"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": NEVER_KEPT}
    if len(made) == 1:
        return Response(made[0], media_type=PKPASS, headers=headers)
    return Response(bundle(made), media_type=PKPASSES, headers=headers)
