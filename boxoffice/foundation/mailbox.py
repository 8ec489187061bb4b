"""The mailbox of a development machine: what a mail server would have been given."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound


class MessageSummary(msgspec.Struct, frozen=True):
    """A line of the list."""

    id: UUID
    recipient: str
    subject: str
    created_at: datetime


class Message(msgspec.Struct, frozen=True):
    """A whole mail; its attachments are three lists of one length."""

    id: UUID
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    attachment_names: list[str]
    attachment_types: list[str]
    attachment_contents: list[bytes]
    created_at: datetime


NEWEST = Query(
    MessageSummary,
    "SELECT id, recipient, subject, created_at FROM mailbox_message ORDER BY created_at DESC, id DESC LIMIT $1",
)

ONE = Query(
    Message,
    """
SELECT id, sender, recipient, subject, text, html, attachment_names, attachment_types, attachment_contents, created_at
FROM mailbox_message WHERE id = $1
""",
)


async def list_messages(connection: Connection, limit: int) -> list[MessageSummary]:
    """The newest mails first."""
    return await NEWEST.all(connection, limit)


async def read_message(connection: Connection, message_id: UUID) -> Message:
    """One mail. Raises NotFound."""
    message = await ONE.first(connection, message_id)
    if message is None:
        raise NotFound("There is no such mail in this mailbox.")
    return message
