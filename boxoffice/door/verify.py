"""Whether a code is a ticket's, for anybody: genuine and good for its night, or not. Nothing else is told of it."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.door.read import Reader, Shown, event_code_of
from boxoffice.foundation.db import Connection, Query


class GoodFor(msgspec.Struct, frozen=True):
    """The night that a ticket is genuine for, whether or not somebody has come in with it, or still may."""

    id: UUID
    short_code: str
    slug: str
    title: str
    doors_at: datetime
    time_zone: str
    takes_paper: bool
    now: datetime
    venue_name: str
    venue_city: str


NIGHT = Query(
    GoodFor,
    """
SELECT event.id, short_code, event.slug, title, doors_at, event.time_zone, paper AS takes_paper, clock() AS now,
  venue.name AS venue_name,
  venue.city AS venue_city
FROM event JOIN venue ON venue.id = venue_id WHERE short_code = $1 AND status = 'published'
""",
)
GOOD = Query(
    int,
    """
SELECT revision FROM ticket
WHERE event_id = $1 AND (id = $2 OR code = $3) AND status IN ('active', 'used') AND blocked_reason IS NULL
  AND NOT EXISTS (SELECT FROM event_key WHERE event_id = $1 AND number = $4 AND retired_at IS NOT NULL)
""",
)


async def verify(connection: Connection, text: str) -> GoodFor | None:
    """The night that a typed code or the text of a QR code is good for; None for all else, whatever it is."""
    event_code = event_code_of(text)
    night = await NIGHT.first(connection, event_code) if event_code else None
    shown = await Reader(night.id, night.short_code).read(connection, text) if night else None
    return night if night and shown and await _is_good(connection, night, shown) else None


async def _is_good(connection: Connection, night: GoodFor, shown: Shown) -> bool:
    revision = await GOOD.first(connection, night.id, shown.ticket_id, shown.code, shown.key_number)
    fresh = shown.is_fresh(night.now)
    in_time = night.takes_paper if fresh is None else fresh
    return revision is not None and in_time and shown.revision in (None, revision)
