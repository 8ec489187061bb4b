"""`/`: the nights that are not over."""

from litestar import Response, get
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.catalogue.night import programme
from boxoffice.edge.render import rendered, shared_page

SHARED_BRIEFLY = "public, max-age=5, s-maxage=5, stale-while-revalidate=30"


@get("/", include_in_schema=False)
async def show_programme(box: NamedDependency[BoxOffice]) -> Response[bytes]:
    """Every night, soonest first."""

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            nights = await programme(connection)
        return rendered(box.settings, "programme.html", nights=nights).encode()

    return shared_page(await box.shared_pages.get("programme", make), SHARED_BRIEFLY)
