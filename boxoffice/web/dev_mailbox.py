"""`/dev/mailbox`: what a mail server would have been given, on a development machine only."""

from ipaddress import ip_address
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.edge.render import NEVER_KEPT, page
from boxoffice.foundation.mailbox import list_messages, read_message
from boxoffice.foundation.problems import NotFound

MESSAGES_SHOWN = 100
OURS = "style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'none'; base-uri 'none'"
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-top-navigation-by-user-activation"
)
FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip"}


@get("/dev/mailbox", include_in_schema=False)
async def show_mailbox(request: Request[Any, Any, Any], box: NamedDependency[BoxOffice]) -> Response[str]:
    """The newest mails."""
    _only_in_development(request, box)
    async with box.db.transaction() as connection:
        messages = await list_messages(connection, MESSAGES_SHOWN)
    return page(box.settings, "mailbox.html", messages=messages)


@get("/dev/mailbox/{message_id:uuid}", include_in_schema=False)
async def show_message(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], message_id: FromPath[UUID]
) -> Response[str]:
    """One mail, its text with links that can be followed."""
    _only_in_development(request, box)
    async with box.db.transaction() as connection:
        message = await read_message(connection, message_id)
    headers = {"Content-Security-Policy": f"default-src 'none'; {OURS}; frame-src 'self'; frame-ancestors 'none'"}
    return page(box.settings, "message.html", message=message, headers=headers)


@get("/dev/mailbox/{message_id:uuid}/html", include_in_schema=False)
async def show_message_html(
    request: Request[Any, Any, Any], box: NamedDependency[BoxOffice], message_id: FromPath[UUID]
) -> Response[str]:
    """One mail as a mail program shows it, for the frame on its page: no script runs, nothing is fetched."""
    _only_in_development(request, box)
    async with box.db.transaction() as connection:
        message = await read_message(connection, message_id)
    headers = {"Content-Security-Policy": MAIL_POLICY, "Cache-Control": NEVER_KEPT}
    html = message.html.replace("<head>", '<head><base target="_top">', 1)
    return Response(html, media_type="text/html", headers=headers)


def _only_in_development(request: Request[Any, Any, Any], box: BoxOffice) -> None:
    """Sign-in codes of everybody lie here: nobody who comes from elsewhere sees them, whatever the settings forgot."""
    if box.settings.smtp_url is not None or box.settings.production or not _from_this_machine(request):
        raise NotFound("There is nothing at this address.")


def _from_this_machine(request: Request[Any, Any, Any]) -> bool:
    """Straight from here and asking for here: no proxy, and no page elsewhere whose name leads to this machine."""
    forwarded = FORWARDED & set(request.headers)
    client = request.client.host if request.client else ""
    return not forwarded and _is_loopback(client) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
