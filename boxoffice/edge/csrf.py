"""No other site acts in a person's name: the browser says where a request comes from."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from litestar import Request

from boxoffice.foundation.problems import Problem
from boxoffice.settings import Settings

SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
# Stripe's calls carry a signature and no cookie.
SIGNED_PATHS = frozenset(["/api/webhook"])
BeforeRequest: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[None]]


class FromAnotherSite(Problem):
    """A request that changes something and was sent by another site."""

    status, type, title = 403, "from_another_site", "From another site"


def refuse_other_sites(settings: Settings) -> BeforeRequest:
    """A hook for every request; raises FromAnotherSite."""

    async def check(request: Request[Any, Any, Any]) -> None:
        if (
            request.method not in SAFE_METHODS
            and request.scope["path"] not in SIGNED_PATHS
            and not _ours(request, settings)
        ):
            raise FromAnotherSite("This came from another site, so nothing was done. Open the page here and try again.")

    return check


def _ours(request: Request[Any, Any, Any], settings: Settings) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        return origin == settings.base_url
    return "cookie" not in request.headers  # no browser of the last years: a program, which may act but not by a cookie
