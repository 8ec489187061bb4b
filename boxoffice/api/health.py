"""Whether the process lives, and whether it can sell."""

from litestar import get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency

from boxoffice.api.openapi import HEALTH
from boxoffice.box import BoxOffice
from boxoffice.foundation.db import LOST, Query
from boxoffice.foundation.problems import Unavailable

NEVER_CACHED = CacheControlHeader(no_store=True)
ALIVE = Query(int, "SELECT 1")


@get("/healthz", tags=[HEALTH], summary="Does the process answer?", cache_control=NEVER_CACHED)
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "service": "boxoffice"}


@get("/readyz", tags=[HEALTH], summary="Can it sell?", cache_control=NEVER_CACHED)
async def readyz(box: NamedDependency[BoxOffice]) -> dict[str, str]:
    """The database answers too; 503 with the reason while it does not."""
    try:
        async with box.db.transaction() as connection:
            await ALIVE.first(connection)
    except LOST as error:
        raise Unavailable("The database does not answer. Check DATABASE_URL and the database server.") from error
    return {"status": "ok"}
