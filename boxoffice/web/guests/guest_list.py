"""`/guests/{token}`: whoever has a guest list's link names guests, and takes names off again, until it closes."""

import math
import secrets
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.render import page, path_part, see_other
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import Problem, Unprocessable
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.guests.add import GuestListClosed, GuestListFull, add_guest, checked
from boxoffice.guests.guest_list import GuestList, guests_on, list_of_token
from boxoffice.guests.take_off import GuestInside, take_off
from boxoffice.orders.give import Given
from boxoffice.orders.place import IdempotencyConflict
from boxoffice.worker.tick import run_inline

KEY_LENGTH_MIN, KEY_LENGTH_MAX = 16, 64
CHANGES = Limit("changes of a guest list", 200, 3600)
ANSWERED_ON_THE_PAGE = (GuestListClosed, GuestListFull, GuestInside, IdempotencyConflict, Unprocessable)


class TooManyChanges(Problem):
    """More names were added and taken off within an hour than any list needs."""

    status, type, title = 429, "too_many_changes", "Too many changes"

    def __init__(self, detail: str, retry_after_seconds: float) -> None:
        super().__init__(detail)
        self.retry_after_seconds = math.ceil(retry_after_seconds)


@get("/guests/{token:str}", include_in_schema=False)
async def show_guest_list(
    box: NamedDependency[BoxOffice], token: FromPath[str], added: FromQuery[str] = "", off: FromQuery[str] = ""
) -> Response[str]:
    """Who is on the list, and the form for one more. Raises NotFound."""
    return await _page(box, token, added=added, off=off)


@post("/guests/{token:str}", include_in_schema=False, status_code=303)
async def put_on_list(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], token: FromPath[str]
) -> Response[str]:
    """Adds a guest, once for the form's key. Raises NotFound."""
    fields = await read_form(request, ("key", "name", "plus_ones", "email"))
    try:
        given = await box.db.attempt(_add, box.settings.secret_key, token, fields)
    except ANSWERED_ON_THE_PAGE as problem:
        return await _page(box, token, fields, problem)
    await run_inline(box)
    return see_other(f"/guests/{path_part(token)}?added={path_part(given.code)}#guests")


@post("/guests/{token:str}/off", include_in_schema=False, status_code=303)
async def take_off_list(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], token: FromPath[str]
) -> Response[str]:
    """Takes a guest off. Raises NotFound."""
    fields = await read_form(request, ("guest",))
    try:
        await box.db.attempt(_take_off, box.settings.secret_key, token, fields["guest"])
    except ANSWERED_ON_THE_PAGE as problem:
        return await _page(box, token, problem=problem)
    await run_inline(box)
    return see_other(f"/guests/{path_part(token)}?off=1#guests")


async def _add(connection: Connection, secret_key: str, token: str, fields: Typed) -> Given:
    guest_list = await _to_be_changed(connection, secret_key, token)
    key = fields["key"]
    if not (KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise Unprocessable("The form came in broken. Send it once more. Nobody was added yet.")
    text = fields["plus_ones"] or "0"
    plus_ones = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None  # noqa: PLR2004 - more are too many
    guest = checked(guest_list, fields["name"], plus_ones, fields["email"])
    return await add_guest(connection, guest_list, guest, f"link:{key}", "link")


async def _take_off(connection: Connection, secret_key: str, token: str, order_code: str) -> str:
    return await take_off(connection, await _to_be_changed(connection, secret_key, token), order_code)


async def _to_be_changed(connection: Connection, secret_key: str, token: str) -> GuestList:
    guest_list = await list_of_token(connection, secret_key, token)
    if wait := await allow(connection, CHANGES, str(guest_list.id)):
        minutes = math.ceil(wait / 60)
        raise TooManyChanges(f"This list was changed very often. Go on in {minutes} min; what was done stays.", wait)
    return guest_list


async def _page(
    box: BoxOffice,
    token: str,
    fields: Typed | None = None,
    problem: Problem | None = None,
    *,
    added: str = "",
    off: str = "",
) -> Response[str]:
    async with box.db.transaction() as connection:
        guest_list = await list_of_token(connection, box.settings.secret_key, token)
        guests = await guests_on(connection, guest_list)
    errors = Typed({error.field: error.detail for error in problem.errors}) if problem else Typed()
    fields = fields or Typed()
    key = "" if isinstance(problem, IdempotencyConflict) else fields["key"]
    return page(
        box.settings,
        "guest_list.html",
        status=problem.status if problem else 200,
        guest_list=guest_list,
        guests=guests,
        token=token,
        fields=fields,
        key=key or secrets.token_urlsafe(18),
        problem=problem,
        errors=errors,
        added=next((guest for guest in guests if added and guest.order_code == added), None),
        off=bool(off),
    )
