"""`POST /v1/stripecli/sessions`: where the command line is to listen, and the secret that signs what it hears."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.response import Response

from stripe_simulator.api.authentication import check_key, key_from_header
from stripe_simulator.core import Core
from stripe_simulator.errors import StripeError
from stripe_simulator.store import kept

Json = dict[str, Any]

SOCKET_PATH = "/stripecli/socket"
FEATURE = "webhooks"
RECONNECT_SECONDS = 10
SECRET = "listen_secret"  # noqa: S105 (the name under which it is kept)


@post("/v1/stripecli/sessions", status_code=200)
async def begin(request: "Request[None, None, Any]", core: NamedDependency[Core]) -> Response[Json]:
    """A session for one `stripe listen`; the secret stays the same from one to the next."""
    try:
        check_key(key_from_header(request.headers.get("authorization")))
    except StripeError as error:
        return Response(error.body("req_listen"), status_code=error.status)
    settings = core.world.settings
    session: Json = {
        "default_version": settings.default_version,
        "display_connect_filter_warning": False,
        "latest_version": settings.default_version,
        "reconnect_delay": RECONNECT_SECONDS,
        "secret": await secret_of(core),
        "websocket_authorized_feature": FEATURE,
        "websocket_id": f"cliws_{core.world.ids.characters(24)}",
        "websocket_url": settings.base_url.replace("http", "ws", 1) + SOCKET_PATH,
    }
    return Response(session, status_code=200)


async def secret_of(core: Core) -> str:
    """The account's listening secret, made on first use."""
    known = await kept.value_of(core.world.database, SECRET)
    if known is None:
        known = core.world.ids.secret("whsec")
        await kept.keep(core.world.database, SECRET, known)
    return known


HANDLERS = [begin]
