"""`GET /api/cron`: one bounded round of work, for hosts that have cron and no worker."""

import hmac
from typing import Annotated

from litestar import get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from boxoffice.box import BoxOffice
from boxoffice.foundation.problems import NotFound
from boxoffice.worker.tick import tick


@get("/api/cron", include_in_schema=False, cache_control=CacheControlHeader(no_store=True))
async def cron(
    box: NamedDependency[BoxOffice], authorization: Annotated[str, HeaderParameter(name="Authorization")] = ""
) -> dict[str, int]:
    """Runs with `Authorization: Bearer CRON_SECRET`; 404 without, and while CRON_SECRET is not set."""
    secret = box.settings.cron_secret
    if not secret or not hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode()):
        raise NotFound("There is nothing at this address.")
    return await tick(box)
