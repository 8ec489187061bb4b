"""`/` and `/past`: the nights to come and those that were, found by words, city, date, genre, artist or venue.

The form works by GET and without scripts; the address says what is looked for and nothing else.
"""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.catalogue.artist import show_artist
from boxoffice.catalogue.search import Choice, Wanted, choices, find_nights, read_wanted
from boxoffice.catalogue.venue import show_venue
from boxoffice.edge.render import rendered, see_other, shared_page, with_query
from boxoffice.foundation.db import Connection
from boxoffice.foundation.problems import FieldError, NotFound

PARAMETERS = frozenset(["q", "city", "date", "artist", "venue", "genre", "after"])


@get("/", include_in_schema=False)
async def show_programme(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[Any]:
    """Nights that are not over, soonest first."""
    return await _programme(request, box, "/")


@get("/past", include_in_schema=False)
async def show_past(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[Any]:
    """Nights that are over, latest first."""
    return await _programme(request, box, "/past")


async def _programme(request: Request[Any, Any, Any], box: BoxOffice, path: str) -> Response[Any]:
    asked = {name: text for name, text in request.query_params.items() if name in PARAMETERS}
    wanted, errors = read_wanted(asked, past=path == "/past")
    if not errors and asked != wanted.query():
        return see_other(with_query(path, wanted.query()))

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            found = await find_nights(connection, wanted)
            names, unknown = await _names(connection, wanted)
        told = {"found": found, "names": names, "choices": await box.choices.get("all", make_choices)}
        return rendered(
            box.settings, "programme.html", wanted=wanted, path=path, errors=(*errors, *unknown), **told
        ).encode()

    async def make_choices() -> dict[str, list[Choice]]:
        async with box.db.transaction() as connection:
            return await choices(connection)

    key = ("programme", wanted, errors)
    return shared_page(request.scope, await box.shared_pages.get(key, make))


async def _names(connection: Connection, wanted: Wanted) -> tuple[dict[str, str], tuple[FieldError, ...]]:
    """The names of the artist and the venue that the nights are of."""
    names: dict[str, str] = {}
    unknown: list[FieldError] = []
    for kind, slug, show in (("artist", wanted.artist, show_artist), ("venue", wanted.venue, show_venue)):
        try:
            names[kind] = (await show(connection, slug)).name if slug else ""
        except NotFound as problem:
            names[kind] = slug
            unknown.append(FieldError(kind, problem.detail))
    return names, tuple(unknown)
