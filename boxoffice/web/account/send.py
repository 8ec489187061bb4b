"""`/tickets/{code}/send`: a holder sends a ticket on, or takes an offer back. `/tickets/offers/{event}/{offer}`:
whoever got the mail takes it, or declines at `/decline`."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.render import page, path_part, retry_after, see_other
from boxoffice.edge.visitor import signed_in, ticket_cookie, ticket_of_visitor
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import Problem, Unprocessable
from boxoffice.tickets.send_on import (
    AlreadyOffered,
    NothingOffered,
    NotTransferable,
    OfferedTooOften,
    accept,
    decline,
    held,
    offer,
    refusal,
    take_back,
)
from boxoffice.tickets.ticket import TicketCard, ticket_of_code
from boxoffice.tickets.transfer import (
    OfferEnded,
    Transfer,
    no_such_offer,
    offer_ended,
    open_offer,
    taken_by_link,
    transfer_of,
)
from boxoffice.worker.tick import run_inline


class _Desk(msgspec.Struct, frozen=True):
    """A ticket as the page of sending it shows it."""

    card: TicketCard
    offered: Transfer | None
    refusal: str | None


@get("/tickets/{code:str}/send", include_in_schema=False)
async def show_send(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[str]:
    """Asks whom to send it to, shows the offer that stands, or says why it cannot be sent."""
    async with box.db.transaction() as connection:
        desk = await _desk(connection, box, request, code)
    return _send_page(box, desk, Typed(), None)


@post("/tickets/{code:str}/send", include_in_schema=False, status_code=303)
async def send_ticket(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[str]:
    """Offers it, and mails the address."""
    fields = await read_form(request, ("name", "email"))
    try:
        async with box.db.transaction() as connection:
            card = await ticket_of_visitor(connection, box.settings, request, code)
            await offer(connection, card.event_id, card.id, fields["email"], fields["name"])
    except (Unprocessable, NotTransferable, AlreadyOffered, OfferedTooOften) as problem:
        async with box.db.transaction() as connection:
            desk = await _desk(connection, box, request, code)
        return _send_page(box, desk, fields, problem)
    await run_inline(box)
    return see_other(f"/tickets/{path_part(card.code)}/send")


@post("/tickets/{code:str}/take-back", include_in_schema=False, status_code=303)
async def take_ticket_back(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], code: FromPath[str]
) -> Response[str]:
    """Ends the offer. One that was taken a moment before leaves the visitor a ticket that is no longer theirs."""
    await read_form(request, ())
    try:
        async with box.db.transaction() as connection:
            card = await ticket_of_visitor(connection, box.settings, request, code)
            await take_back(connection, card.event_id, card.id, card.holder_email)
    except NothingOffered as problem:
        async with box.db.transaction() as connection:
            desk = await _desk(connection, box, request, code)
        return _send_page(box, desk, Typed(), problem)
    await run_inline(box)
    return see_other(f"/tickets/{path_part(card.code)}")


@get("/tickets/offers/{event_id:uuid}/{offer_id:uuid}", include_in_schema=False)
async def show_offer(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    event_id: FromPath[UUID],
    offer_id: FromPath[UUID],
    t: FromQuery[str] = "",
) -> Response[str]:
    """What is offered, and a button: mail scanners open links too, so looking changes nothing."""
    async with box.db.transaction() as connection:
        sent = await _offer_of_visitor(connection, box, request, (event_id, offer_id), t)
    if sent.status == "accepted":
        return await _opened(box, sent)
    return _offer_page(box, sent, t, None if sent.is_open else offer_ended(sent))


@post("/tickets/offers/{event_id:uuid}/{offer_id:uuid}", include_in_schema=False, status_code=303)
async def accept_offer(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], event_id: FromPath[UUID], offer_id: FromPath[UUID]
) -> Response[str]:
    """Takes the ticket: this browser may see it from now on."""
    fields = await read_form(request, ("t",))
    async with box.db.transaction() as connection:
        sent = await _offer_of_visitor(connection, box, request, (event_id, offer_id), fields["t"])
    try:
        sent = await box.db.attempt(accept, event_id, offer_id)
    except (NotTransferable, OfferEnded) as problem:
        return _offer_page(box, sent, fields["t"], problem)
    await run_inline(box)
    return await _opened(box, sent)


@post("/tickets/offers/{event_id:uuid}/{offer_id:uuid}/decline", include_in_schema=False, status_code=303)
async def decline_offer(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], event_id: FromPath[UUID], offer_id: FromPath[UUID]
) -> Response[str]:
    """Leaves the ticket with its holder; the link says so from now on. One that was taken before stays taken."""
    fields = await read_form(request, ("t",))
    async with box.db.transaction() as connection:
        sent = await _offer_of_visitor(connection, box, request, (event_id, offer_id), fields["t"])
    if sent.status == "accepted":
        return await _opened(box, sent)
    try:
        async with box.db.transaction() as connection:
            await decline(connection, event_id, offer_id)
    except OfferEnded as problem:
        return _offer_page(box, sent, fields["t"], problem)
    await run_inline(box)
    return see_other(f"/tickets/offers/{event_id}/{offer_id}?t={quote(fields['t'])}")


async def _desk(connection: Connection, box: BoxOffice, request: Request[Any, Any, Any], code: str) -> _Desk:
    card = await ticket_of_visitor(connection, box.settings, request, code)
    offered = await open_offer(connection, card.event_id, card.id)
    return _Desk(card, offered, refusal(await held(connection, card.event_id, card.id)))


async def _offer_of_visitor(
    connection: Connection, box: BoxOffice, request: Request[Any, Any, Any], key: tuple[UUID, UUID], token: str
) -> Transfer:
    """For whoever has the mailed link or is signed in with the address that it went to. Raises NotFound."""
    sent = await transfer_of(connection, *key)
    if taken_by_link(box.settings.secret_key, sent, token):
        return sent
    person = await signed_in(connection, box.settings, request)
    if person is None or person.email != sent.to_email:
        raise no_such_offer()
    return sent


async def _opened(box: BoxOffice, sent: Transfer) -> Response[str]:
    """Its ticket, unless it went further meanwhile."""
    async with box.db.transaction() as connection:
        card = await ticket_of_code(connection, sent.code)
    if card is None or card.holder_email != sent.to_email:
        return _offer_page(box, sent, "", offer_ended(sent))
    return see_other(f"/tickets/{path_part(card.code)}", cookies=[ticket_cookie(box.settings, card)])


def _send_page(box: BoxOffice, desk: _Desk, fields: Typed, problem: Problem | None) -> Response[str]:
    wrong = Typed({error.field: error.detail for error in problem.errors}) if problem else Typed()
    return page(
        box.settings,
        "send.html",
        status=problem.status if problem else 200,
        headers=retry_after(problem),
        card=desk.card,
        offered=desk.offered,
        refusal=desk.refusal,
        fields=fields,
        wrong=wrong,
        problem=problem,
    )


def _offer_page(box: BoxOffice, sent: Transfer, token: str, problem: Problem | None) -> Response[str]:
    status = problem.status if problem else 200
    return page(box.settings, "offer.html", status=status, sent=sent, token=token, problem=problem)
