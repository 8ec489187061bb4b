"""`/dev/mailbox`: what a mail server would have been given, on a development machine only."""

from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.edge.render import page
from boxoffice.foundation.mailbox import list_messages, read_message
from boxoffice.foundation.problems import NotFound

MESSAGES_SHOWN = 100


@get("/dev/mailbox", include_in_schema=False)
async def show_mailbox(box: NamedDependency[BoxOffice]) -> Response[str]:
    """The newest mails."""
    _only_in_development(box)
    async with box.db.transaction() as connection:
        messages = await list_messages(connection, MESSAGES_SHOWN)
    return page(box.settings, "mailbox.html", messages=messages)


@get("/dev/mailbox/{message_id:uuid}", include_in_schema=False)
async def show_message(box: NamedDependency[BoxOffice], message_id: FromPath[UUID]) -> Response[str]:
    """One mail, its text with links that can be followed."""
    _only_in_development(box)
    async with box.db.transaction() as connection:
        message = await read_message(connection, message_id)
    return page(box.settings, "message.html", message=message)


def _only_in_development(box: BoxOffice) -> None:
    if box.settings.smtp_url is not None or box.settings.production:
        raise NotFound("There is nothing at this address.")
