"""`/tickets/service-worker.js`: what makes an opened ticket readable without a network, and what is said of others."""

from litestar import Response, get
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.edge.render import page
from boxoffice.edge.static_files import static_files


@get("/tickets/service-worker.js", include_in_schema=False)
async def service_worker() -> Response[bytes]:
    """Served from the folder that it may look after: `/tickets/` and nothing above."""
    file = static_files()["service-worker.js"]
    return Response(file.content, media_type=file.type, headers={"Cache-Control": "no-cache"})


@get("/tickets/offline", include_in_schema=False)
async def show_offline(box: NamedDependency[BoxOffice]) -> Response[str]:
    """What the service worker answers with for a ticket that it does not have; it keeps this page beforehand."""
    return page(box.settings, "offline.html")
