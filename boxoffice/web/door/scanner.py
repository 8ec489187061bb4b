"""`/door/{slug}/{link}` makes a phone a scanner; `/door/{slug}` is the scanner; `/door` says how to get there."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.door.device import PIN_LENGTH, WrongPin, link_of, night_of, pair
from boxoffice.edge.forms import read_form
from boxoffice.edge.render import page
from boxoffice.edge.vendor_files import vendor_url
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.web.door.policy import VENDOR, door_headers


@get("/door", include_in_schema=False)
async def show_way(box: NamedDependency[BoxOffice]) -> Response[str]:
    """For whoever works at a door and has no link yet, or lost it."""
    return page(box.settings, "door_way.html")


@get("/door/{slug:str}/{link:str}", include_in_schema=False)
async def show_pairing(box: NamedDependency[BoxOffice], slug: FromPath[str], link: FromPath[str]) -> Response[str]:
    """Asks for the PIN. Raises NotFound."""
    async with box.db.transaction() as connection:
        found = await link_of(connection, slug, link)
    return _pairing(box, slug, link, found if isinstance(found, Problem) else None)


@post("/door/{slug:str}/{link:str}", include_in_schema=False, status_code=200)
async def pair_phone(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], slug: FromPath[str], link: FromPath[str]
) -> Response[str]:
    """Pairs, and hands the token to the page's module, which keeps it and leaves. Raises NotFound."""
    fields = await read_form(request, ("pin",))
    pin = "".join(fields["pin"].split())
    async with box.db.transaction() as connection:
        paired = await pair(connection, box.settings.secret_key, slug, link, pin, None)
    if isinstance(paired, NotFound):
        raise paired
    if isinstance(paired, Problem):
        return _pairing(box, slug, link, paired)
    return page(box.settings, "door_paired.html", headers=door_headers(box.settings), paired=paired)


@get("/door/{slug:str}", include_in_schema=False)
async def show_scanner(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[str]:
    """The scanner: the same page for everyone; what it knows comes from the phone's own store. Raises NotFound."""
    async with box.db.transaction() as connection:
        night = await night_of(connection, slug)
    return page(
        box.settings,
        "door.html",
        headers=door_headers(box.settings),
        night=night,
        vendor={name: vendor_url(*file) or "" for name, file in VENDOR.items()},
    )


def _pairing(box: BoxOffice, slug: str, link: str, problem: Problem | None) -> Response[str]:
    return page(
        box.settings,
        "door_pair.html",
        status=problem.status if problem else 200,
        headers=door_headers(box.settings),
        slug=slug,
        link=link,
        problem=problem,
        asks=problem is None or isinstance(problem, WrongPin),
        pin_length=PIN_LENGTH,
    )
