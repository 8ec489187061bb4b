"""Phones that want to hear of changes to their passes: Apple's web service for passes, as far as the books go."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.wallet.card import PassKey

PUSH_JOB = "push_passes"
COMMITS_WITHIN = timedelta(seconds=60)
"""A change is dated by the beginning of its transaction. What is younger may be followed by something older."""
MADE_WITHIN = timedelta(hours=1)
"""A phone registers soon after it was given a pass; what changed in between was pushed to nobody."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Changed(msgspec.Struct, frozen=True):
    """A pass on a phone, and when what it shows changed last."""

    event_id: UUID
    ticket_id: UUID
    revision: int
    changed_at: datetime


class Phone(msgspec.Struct, frozen=True):
    """Where to push."""

    id: str
    push_token: str


class _State(msgspec.Struct, frozen=True):
    revision: int
    changed_lately: bool


# Shared, so that a change sees the registration, or the registration sees the change; in the order of a nights file.
LOCK = Query(
    _State,
    """
SELECT ticket.revision, greatest(ticket.changed_at, event.updated_at, venue.updated_at) > clock() - $3::interval
  AS changed_lately
FROM ticket JOIN event ON event.id = ticket.event_id JOIN venue ON venue.id = event.venue_id
WHERE ticket.event_id = $1 AND ticket.id = $2 FOR SHARE OF venue, event, ticket
""",
)
PUT_DEVICE = Command("""
INSERT INTO wallet_device (id, push_token, registered_at) VALUES ($1, $2, clock())
ON CONFLICT (id) DO UPDATE SET push_token = excluded.push_token
""")
REGISTER = Command("""
INSERT INTO wallet_registration (event_id, ticket_id, revision, device_id, registered_at)
VALUES ($1, $2, $3, $4, clock()) ON CONFLICT DO NOTHING
""")
UNREGISTER = Command("""
DELETE FROM wallet_registration WHERE event_id = $1 AND ticket_id = $2 AND revision = $3 AND device_id = $4
""")
FORGET_IDLE = Command("""
DELETE FROM wallet_device WHERE id = $1 AND NOT EXISTS (SELECT FROM wallet_registration WHERE device_id = $1)
""")
CHANGED = Query(
    Changed,
    """
SELECT * FROM (
  SELECT pass.event_id, pass.ticket_id, pass.revision,
    greatest(ticket.changed_at, event.updated_at, venue.updated_at) AS changed_at
  FROM wallet_registration AS pass
  JOIN ticket ON ticket.event_id = pass.event_id AND ticket.id = pass.ticket_id
  JOIN event ON event.id = pass.event_id JOIN venue ON venue.id = event.venue_id
  WHERE pass.device_id = $1) AS mine
WHERE changed_at > $2 OR changed_at > clock() - $3::interval ORDER BY changed_at
""",
)
PHONES = Query(
    Phone,
    """
SELECT id, push_token FROM wallet_device WHERE id > $3 AND EXISTS (SELECT FROM wallet_registration
  WHERE event_id = $1 AND ($2::uuid IS NULL OR ticket_id = $2) AND device_id = wallet_device.id)
ORDER BY id LIMIT $4
""",
)
DROP = Command("DELETE FROM wallet_device WHERE id = $1 AND push_token = $2")


async def register(connection: Connection, key: PassKey, device_id: str, push_token: str) -> bool | None:
    """Has changes of the pass pushed to the phone. Whether that is new; None when there is no such pass."""
    state = await LOCK.first(connection, key.event_id, key.ticket_id, MADE_WITHIN)
    if state is None or key.revision > state.revision:
        return None
    await PUT_DEVICE.run(connection, device_id, push_token)
    new = await REGISTER.run(connection, key.event_id, key.ticket_id, key.revision, device_id) == 1
    if new and state.changed_lately:
        arguments = {"event_id": str(key.event_id), "ticket_id": str(key.ticket_id), "after": ""}
        await enqueue(connection, PUSH_JOB, str(new_id()), arguments)
    return new


async def unregister(connection: Connection, key: PassKey, device_id: str) -> None:
    """The pass was taken off the phone."""
    await UNREGISTER.run(connection, key.event_id, key.ticket_id, key.revision, device_id)
    await FORGET_IDLE.run(connection, device_id)


async def changed_since(connection: Connection, device_id: str, tag: str) -> tuple[list[PassKey], str]:
    """The phone's passes that changed since the tag it was given last, and the next tag. Reads across nights."""
    since = _EPOCH + int(tag) * _MICROSECOND if tag.isdecimal() and len(tag) <= len("9" * 16) else _EPOCH
    changed = await CHANGED.all(connection, device_id, since, COMMITS_WITHIN)
    newest = changed[-1].changed_at if changed else since
    return [PassKey(one.event_id, one.ticket_id, one.revision) for one in changed], str(
        (newest - _EPOCH) // _MICROSECOND
    )


async def phones_with(
    connection: Connection, event_id: UUID, ticket_id: UUID | None, after: str, limit: int
) -> list[Phone]:
    """Phones with a pass of the ticket, or of the night, by their ids after `after`."""
    return await PHONES.all(connection, event_id, ticket_id, after, limit)


async def drop_phones(connection: Connection, phones: list[Phone]) -> None:
    """These have no such passes any more: Apple said so of their push tokens."""
    for phone in phones:
        await DROP.run(connection, phone.id, phone.push_token)
