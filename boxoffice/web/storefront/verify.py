"""`/verify`: whether a code is a ticket's, for whoever buys one from a stranger. The code is in no address: it would
stay in histories and logs, and it opens a door."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from boxoffice.box import BoxOffice
from boxoffice.door.verify import GoodFor, verify
from boxoffice.edge.client_address import client_address
from boxoffice.edge.forms import read_form
from boxoffice.edge.render import page
from boxoffice.foundation.rate_limit import Limit, allow

LOOKS = Limit("codes checked from one network", 30, 600)
TEXT_MAX = 400


@get("/verify", include_in_schema=False)
async def show_verify(box: NamedDependency[BoxOffice]) -> Response[str]:
    """Asks for the code."""
    return _page(box)


@post("/verify", include_in_schema=False, status_code=200)
async def verify_code(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """Says whether it is genuine, and for which night: not whose it is, nor whether somebody came in with it."""
    fields = await read_form(request, ("code",))
    async with box.db.transaction() as connection:
        wait = await allow(connection, LOOKS, client_address(box.settings, request))
        night = None if wait else await verify(connection, fields["code"][:TEXT_MAX])
    return _page(box, fields["code"], night, wait=wait)


def _page(box: BoxOffice, code: str = "", night: GoodFor | None = None, *, wait: float = 0) -> Response[str]:
    headers = {"Retry-After": str(round(wait) + 1)} if wait else {}
    status = 429 if wait else 200
    return page(
        box.settings, "verify.html", status=status, headers=headers, code=code, night=night, too_often=bool(wait)
    )
