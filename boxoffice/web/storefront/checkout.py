"""`/events/{slug}/checkout`: what was chosen, for whom; `POST /events/{slug}/orders` buys it."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.catalogue.night import QUANTITY_MAX, Night, Offer, show_night
from boxoffice.edge.client_address import client_network
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.render import page, path_part, retry_after, see_other
from boxoffice.edge.visitor import order_cookie
from boxoffice.foundation.problems import FieldError, Problem, Unprocessable
from boxoffice.orders.buy import OrderRequest, buy
from boxoffice.orders.guesses import CodesTriedTooOften
from boxoffice.orders.place import (
    IdempotencyConflict,
    Line,
    OrderEnded,
    OrderRefused,
    PriceChanged,
    SaleClosed,
    SoldOut,
)
from boxoffice.worker.tick import run_inline

ANSWERED_ON_THE_FORM = (
    *(SoldOut, PriceChanged, SaleClosed, OrderRefused, CodesTriedTooOften, IdempotencyConflict, OrderEnded),
    Unprocessable,
)
LINE_FIELD = re.compile(r"lines\[(\d+)\]\.(\w+)(?:\[(\d+)\])?")


class Chosen(msgspec.Struct, frozen=True):
    """`quantity` of an offer. `unit_minor` is today's price of one, None where so many are not left; `seen_minor` is
    the price that the form showed."""

    offer: Offer
    quantity: int
    unit_minor: int | None
    seen_minor: int | None
    names: tuple[str, ...]


@get("/events/{slug:str}/checkout", include_in_schema=False)
async def show_checkout(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str]
) -> Response[Any]:
    """The form for a choice made on the event page; an empty or impossible choice leads back there."""
    async with box.db.transaction() as connection:
        night = await show_night(connection, slug)
    chosen = _chosen(night, dict(request.query_params.items()))
    if not chosen:
        return see_other(f"/events/{slug}?chosen=nothing#tickets")
    if any(line.unit_minor is None for line in chosen):
        return see_other(f"/events/{slug}?chosen=too-many#tickets")
    return _form(box, night, chosen, {})


@post("/events/{slug:str}/orders", include_in_schema=False, status_code=303)
async def place_order(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str]
) -> Response[Any]:
    """Buys, and leads to the payment, or to the order's page while it waits for its turn."""
    async with box.db.transaction() as connection:
        night = await show_night(connection, slug)
    fields = await read_form(request, _known(night))
    chosen = _chosen(night, fields)
    try:
        bought = await buy(box.till, slug, _asked_for(chosen, fields, client_network(box.settings, request)))
    except ANSWERED_ON_THE_FORM as problem:
        return await _form_again(box, slug, fields, problem)
    await run_inline(box)
    arrived = "/success" if bought.status == "paid" else ""  # a free order, or the same form sent again
    leads_to = bought.checkout_url or f"/orders/{path_part(bought.code)}{arrived}"
    return see_other(leads_to, cookies=[order_cookie(box.settings, bought, bought.code)])


def _known(night: Night) -> set[str]:
    known = {"key", "email", "promo_code"}
    for offer in night.offers:
        known |= {str(offer.id), f"seen_{offer.id}"}
        known |= {f"name_{offer.id}_{number}" for number in range(1, QUANTITY_MAX + 1)}
    return known


def _chosen(night: Night, fields: Mapping[str, str]) -> tuple[Chosen, ...]:
    """What was chosen, in the order of the offers; a number that is none counts as 0."""
    chosen: list[Chosen] = []
    for offer in night.offers:
        quantity = _number(fields.get(str(offer.id), ""), 999)
        if quantity:
            rung = offer.rung_for(quantity) if quantity <= offer.quantity_max else None
            names = [
                fields.get(f"name_{offer.id}_{number}", "") for number in range(1, min(quantity, QUANTITY_MAX) + 1)
            ]
            seen = _number(fields.get(f"seen_{offer.id}", ""), 99_999_999)
            chosen.append(Chosen(offer, quantity, rung.price_minor if rung else None, seen, tuple(names)))
    return tuple(chosen)


def _number(text: str, largest: int) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,8}", text, re.ASCII) and int(text) <= largest else None


def _asked_for(chosen: tuple[Chosen, ...], fields: Mapping[str, str], client: str) -> OrderRequest:
    lines: list[Line] = []
    for line in chosen:
        # A form without the price that it showed could be charged any price: it is refused as dearer than 0.
        seen_minor = line.seen_minor if line.seen_minor is not None else 0
        lines.append(Line(line.offer.id, line.quantity, seen_minor, line.names if any(line.names) else ()))
    return OrderRequest(fields.get("key", ""), fields.get("email", ""), tuple(lines), fields.get("promo_code"), client)


async def _form_again(box: BoxOffice, slug: str, fields: dict[str, str], problem: Problem) -> Response[str]:
    """The form as it was typed, with what is wrong; prices and what is left are read again."""
    async with box.db.transaction() as connection:
        night = await show_night(connection, slug)
    if isinstance(problem, IdempotencyConflict | OrderEnded):
        fields = {name: value for name, value in fields.items() if name != "key"}
    return _form(box, night, _chosen(night, fields), fields, problem)


def _form(
    box: BoxOffice, night: Night, chosen: tuple[Chosen, ...], fields: dict[str, str], problem: Problem | None = None
) -> Response[str]:
    errors = _errors_by_field(problem.errors, chosen) if problem else Typed()
    prices = [line.unit_minor * line.quantity for line in chosen if line.unit_minor is not None]
    return page(
        box.settings,
        "checkout.html",
        status=problem.status if problem else 200,
        headers=retry_after(problem),
        night=night,
        chosen=chosen,
        total_minor=sum(prices) if chosen and len(prices) == len(chosen) else None,
        fields=Typed(fields),
        key=fields.get("key") or secrets.token_urlsafe(18),
        problem=problem,
        errors=errors,
        names_open=any(name.startswith("name_") and text for name, text in (*fields.items(), *errors.items())),
    )


def _errors_by_field(errors: tuple[FieldError, ...], chosen: tuple[Chosen, ...]) -> Typed:
    """The errors under the names of this form's fields."""
    by_field = Typed()
    for error in errors:
        line = LINE_FIELD.fullmatch(error.field)
        name = error.field
        if line and int(line[1]) < len(chosen):
            offer = chosen[int(line[1])].offer
            name = f"name_{offer.id}_{int(line[3]) + 1}" if line[3] else str(offer.id)
        by_field[name] = error.detail
    return by_field
