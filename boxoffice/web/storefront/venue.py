"""`/venues/{slug}`: a place, how to get there and in, and what is on."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import Scope
from msgspec.structs import replace

from boxoffice.box import BoxOffice
from boxoffice.catalogue.search import Wanted, find_nights
from boxoffice.catalogue.venue import show_venue
from boxoffice.edge.render import rendered, shared_page
from boxoffice.web.storefront.calendar import EXTENSION, venue_calendar
from boxoffice.web.storefront.json_ld import venue_ld


@get("/venues/{slug:str}", include_in_schema=False)
async def show_venue_page(scope: Scope, box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """The venue with the nights to come and the latest past ones."""
    if slug.endswith(EXTENSION):
        return await venue_calendar(scope, box, slug.removesuffix(EXTENSION))

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            venue = await show_venue(connection, slug)
            wanted = Wanted(venue=slug)
            found = await find_nights(connection, wanted)
            past = await find_nights(connection, replace(wanted, past=True), limit=12)
        about = venue_ld(venue, box.settings.base_url)
        return rendered(box.settings, "venue.html", venue=venue, found=found, past=past, about=about).encode()

    return shared_page(scope, await box.shared_pages.get(("venue", slug), make))
