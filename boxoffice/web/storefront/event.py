"""`/events/{slug}`: a night and the ladder of its prices, and its poster.

Everyone is shown the same page, so that it can be kept: no cookie, no key, no form that reserves.
"""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from boxoffice.box import BoxOffice
from boxoffice.catalogue.night import Night, show_night
from boxoffice.edge.poster import Words, poster, words_of
from boxoffice.edge.render import rendered, shared_page
from boxoffice.web.storefront.programme import SHARED_BRIEFLY

BACK_FROM_CHECKOUT = {
    "nothing": "Choose at least one ticket first.",
    "too-many": "There are not that many left. Choose fewer.",
}
POSTER_KEPT = "public, max-age=3600, stale-while-revalidate=86400"


@get("/events/{slug:str}", include_in_schema=False)
async def show_event(
    box: NamedDependency[BoxOffice], slug: FromPath[str], chosen: FromQuery[str] = ""
) -> Response[bytes]:
    """`chosen` says why a choice led back here."""
    sentence = BACK_FROM_CHECKOUT.get(chosen)

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            night = await show_night(connection, slug)
        return rendered(box.settings, "event.html", night=night, sentence=sentence).encode()

    return shared_page(await box.shared_pages.get(("event", slug, sentence), make), SHARED_BRIEFLY)


@get("/events/{slug:str}/poster.svg", include_in_schema=False)
async def show_poster(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """The poster as a picture."""

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            night = await show_night(connection, slug)
        return poster(slug, _words(night)).encode()

    drawn = await box.shared_pages.get(("poster", slug), make)
    return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": POSTER_KEPT})


def _words(night: Night) -> Words:
    row = night.row
    acts = tuple(act.artist for act in night.line_up)
    return words_of(row.title, row.doors_at, row.time_zone, row.venue_name, row.venue_city, acts)
