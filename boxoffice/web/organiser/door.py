"""`/organiser/events/{slug}/door`: a night's door while it goes on and after it; its scanners and guest lists."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.accounts.organisation import ORGANISER, OrganiserNight
from boxoffice.box import BoxOffice
from boxoffice.door.cash_owed import cash_sales, handed_back, still_owed, sums
from boxoffice.door.cash_up import cash_ups
from boxoffice.door.device import (
    GATE_LENGTH_MAX,
    ROLES,
    device_label,
    devices,
    gate_named,
    make_link,
    revoke,
    unlock,
)
from boxoffice.door.entries import entries_as_csv
from boxoffice.door.entry_list import list_names
from boxoffice.door.report import night_report
from boxoffice.edge.forms import Typed, read_form
from boxoffice.edge.link_code import drawn_link
from boxoffice.edge.night_curve import drawn_curve
from boxoffice.edge.render import NEVER_KEPT, page, see_other
from boxoffice.edge.visitor import night_of_member
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import FieldError, NotFound, Unprocessable
from boxoffice.guests.guest_list import GuestList, guests_of_night, lists_of, revoke_link, share_token

NAMES_MAX = 300
DONE = {
    "revoked": "The scanner is out of service.",
    "unlocked": "The link can be tried again.",
    "relinked": "The list has a new link. Those given out before stopped working.",
}


@get("/organiser/events/{slug:str}/door", include_in_schema=False)
async def show_door(
    request: Request[Any, Any, Any],
    box: NamedDependency[BoxOffice],
    slug: FromPath[str],
    done: FromQuery[str] = "",
    cash: FromQuery[str] = "",
) -> Response[str]:
    """Everything of the night's door as it is known now; `cash`: the order whose cash was just handed back. Raises
    SignInFirst, NotFound."""
    return await _page(request, box, slug, done=DONE.get(done, ""), cash=cash)


@get("/organiser/events/{slug:str}/door/entries.csv", include_in_schema=False)
async def show_entries(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str]
) -> Response[bytes]:
    """Who came in, as a file for spreadsheets; for organisers alone. Raises SignInFirst, NotFound."""
    async with box.db.transaction() as connection:
        night = await night_of_member(connection, box.settings, request, slug, (ORGANISER,))
    async with box.db.transaction(snapshot=True) as connection:
        content = await entries_as_csv(connection, night.id, night.time_zone)
    headers = {"Content-Disposition": f'attachment; filename="{night.slug}-entries.csv"', "Cache-Control": NEVER_KEPT}
    return Response(content, media_type="text/csv", headers=headers)


@post("/organiser/events/{slug:str}/door/scanners", include_in_schema=False, status_code=201)
async def make_scanner(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str]
) -> Response[str]:
    """A link and a PIN for one more scanner, shown this once. Raises SignInFirst, NotFound."""
    fields = await read_form(request, ("gate", "role", "list", "sells"))
    try:
        async with box.db.transaction() as connection:
            night = await night_of_member(connection, box.settings, request, slug)
            gate, role = gate_named(fields["gate"]), _role(fields["role"])
            made = await make_link(
                connection,
                box.settings.secret_key,
                night.id,
                gate,
                role=role,
                list_name=fields["list"],
                sells=fields["sells"] == "yes",
            )
    except Unprocessable as problem:
        return await _page(request, box, slug, fields=fields, problem=problem)
    link = f"{box.settings.base_url}/door/{night.slug}/{made.link}"
    return page(
        box.settings,
        "organiser_scanner.html",
        status=201,
        night=night,
        gate=gate,
        role=role,
        label=device_label(made.device_id),
        link=link,
        pin=made.pin,
        qr=drawn_link(link),
    )


@post("/organiser/events/{slug:str}/door/scanners/{device:uuid}/revoke", include_in_schema=False, status_code=303)
async def revoke_scanner(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], device: FromPath[UUID]
) -> Response[str]:
    """Takes a scanner out of service, once for however many presses. Raises SignInFirst, NotFound."""
    await read_form(request, ())
    async with box.db.transaction() as connection:
        night = await _night_with(connection, request, box, slug, device)
        await revoke(connection, night.id, device)
    return _back(night, "revoked", "scanners")


@post("/organiser/events/{slug:str}/door/scanners/{device:uuid}/unlock", include_in_schema=False, status_code=303)
async def unlock_scanner(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], device: FromPath[UUID]
) -> Response[str]:
    """Lets a link be tried again after wrong PINs. Raises SignInFirst, NotFound."""
    await read_form(request, ())
    async with box.db.transaction() as connection:
        night = await _night_with(connection, request, box, slug, device)
        await unlock(connection, night.id, device)
    return _back(night, "unlocked", "scanners")


@post("/organiser/events/{slug:str}/door/lists/{guest_list:uuid}/link", include_in_schema=False, status_code=303)
async def renew_list_link(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], guest_list: FromPath[UUID]
) -> Response[str]:
    """A new link for a guest list; for organisers alone. Raises SignInFirst, NotFound."""
    await read_form(request, ())
    async with box.db.transaction() as connection:
        night = await night_of_member(connection, box.settings, request, slug, (ORGANISER,))
        found = next((one for one in await lists_of(connection, night.slug) if one.id == guest_list), None)
        if found is None:
            raise NotFound("This night has no such guest list.")
        await revoke_link(connection, found)
    return _back(night, "relinked", "guest-lists")


async def _night_with(
    connection: Connection, request: Request[Any, Any, Any], box: BoxOffice, slug: str, device: UUID
) -> OrganiserNight:
    """The night, which has this scanner."""
    night = await night_of_member(connection, box.settings, request, slug)
    if device not in {one.id for one in await devices(connection, night.id)}:
        raise NotFound("This night has no such scanner.")
    return night


def _role(text: str) -> str:
    if text not in ROLES:
        sentence = "Choose what the scanner may do."
        raise Unprocessable(sentence, (FieldError("role", sentence),))
    return text


def _back(night: OrganiserNight, done: str, part: str) -> Response[str]:
    return see_other(f"/organiser/events/{night.slug}/door?done={done}#{part}")


async def _page(
    request: Request[Any, Any, Any],
    box: BoxOffice,
    slug: str,
    *,
    done: str = "",
    cash: str = "",
    fields: Typed | None = None,
    problem: Unprocessable | None = None,
) -> Response[str]:
    # Two of them: that a session was seen is written, and a snapshot only reads.
    async with box.db.transaction() as connection:
        night = await night_of_member(connection, box.settings, request, slug)
    async with box.db.transaction(snapshot=True) as connection:
        report = await night_report(connection, night.id)
        scanners = await devices(connection, night.id)
        boxes = await cash_ups(connection, night.id)
        sales = await cash_sales(connection, night.id)
        names = await list_names(connection, night.id)
        guests = await guests_of_night(connection, night.id)
        lists = [(one, guests.get(one.id, [])) for one in await lists_of(connection, night.slug)]
    owed, back = still_owed(sales), handed_back(sales)
    return page(
        box.settings,
        "organiser_door.html",
        status=problem.status if problem else 200,
        night=night,
        report=report,
        curve=drawn_curve(report.curve),
        scanners=[one for one in scanners if not one.revoked_at],
        revoked=[one for one in scanners if one.revoked_at],
        cash_ups=boxes,
        owed=owed,
        owed_sums=sums(owed),
        handed_back=back,
        handed_back_sums=sums(back),
        just_handed_back=next((one for one in back if one.code == cash), None),
        list_names=names,
        lists=lists,
        links={one.id: _list_link(box, one) for one, _ in lists} if night.is_organiser else {},
        names_max=NAMES_MAX,
        gate_length_max=GATE_LENGTH_MAX,
        label=device_label,
        fields=fields or Typed(),
        errors=Typed({error.field: error.detail for error in problem.errors}) if problem else Typed(),
        done=done,
    )


def _list_link(box: BoxOffice, guest_list: GuestList) -> str:
    return f"{box.settings.base_url}/guests/{share_token(box.settings.secret_key, guest_list)}"
