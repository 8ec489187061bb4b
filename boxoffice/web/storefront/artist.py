"""`/artists/{slug}`: who plays, and where next."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import Scope
from msgspec.structs import replace

from boxoffice.box import BoxOffice
from boxoffice.catalogue.artist import show_artist
from boxoffice.catalogue.search import Wanted, find_nights
from boxoffice.edge.render import rendered, shared_page
from boxoffice.web.storefront.calendar import EXTENSION, artist_calendar
from boxoffice.web.storefront.json_ld import artist_ld


@get("/artists/{slug:str}", include_in_schema=False)
async def show_artist_page(scope: Scope, box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """The artist with the nights to come and the latest past ones."""
    if slug.endswith(EXTENSION):
        return await artist_calendar(scope, box, slug.removesuffix(EXTENSION))

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            artist = await show_artist(connection, slug)
            wanted = Wanted(artist=slug)
            found = await find_nights(connection, wanted)
            past = await find_nights(connection, replace(wanted, past=True), limit=12)
        about = artist_ld(artist, box.settings.base_url)
        return rendered(box.settings, "artist.html", artist=artist, found=found, past=past, about=about).encode()

    return shared_page(scope, await box.shared_pages.get(("artist", slug), make))
