"""`/events/{slug}`: a night and the ladder of its prices, and its poster.

Everyone is shown the same page, so that it can be kept: no cookie, no key, no form that reserves.
"""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.types import Scope

from boxoffice.box import BoxOffice
from boxoffice.catalogue.night import Night, show_night
from boxoffice.edge.poster import Words, poster, words_of
from boxoffice.edge.render import rendered, shared_page
from boxoffice.web.storefront.calendar import EXTENSION, event_calendar
from boxoffice.web.storefront.json_ld import event_ld

BACK_FROM_CHECKOUT = {
    "nothing": "Choose at least one ticket first.",
    "too-many": "That is more than are left, or than one order can hold. Choose fewer.",
}
POSTER_KEPT = "public, max-age=3600, stale-while-revalidate=86400"


@get("/events/{slug:str}", include_in_schema=False)
async def show_event(
    scope: Scope, box: NamedDependency[BoxOffice], slug: FromPath[str], chosen: FromQuery[str] = ""
) -> Response[bytes]:
    """`chosen` says why a choice led back here."""
    if slug.endswith(EXTENSION):
        return await event_calendar(scope, box, slug.removesuffix(EXTENSION))
    sentence = BACK_FROM_CHECKOUT.get(chosen)

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            night = await show_night(connection, slug)
        about = event_ld(night, box.settings.base_url)
        return rendered(box.settings, "event.html", night=night, sentence=sentence, about=about).encode()

    return shared_page(scope, await box.shared_pages.get(("event", slug, sentence), make))


@get("/events/{slug:str}/poster.svg", include_in_schema=False)
async def show_poster(scope: Scope, box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """The poster as a picture."""

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            night = await show_night(connection, slug)
        return poster(slug, _words(night)).encode()

    drawn = await box.shared_pages.get(("poster", slug), make)
    return shared_page(scope, drawn, POSTER_KEPT, "image/svg+xml")


def _words(night: Night) -> Words:
    row = night.row
    acts = tuple(act.artist for act in night.line_up)
    return words_of(row.title, row.doors_at, row.time_zone, row.venue_name, row.venue_city, acts)
