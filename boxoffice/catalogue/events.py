"""Published nights and what their tickets cost now."""

import re
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound

LIST_MAX = 200
SLUG = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


class EventSummary(msgspec.Struct, frozen=True):
    """A published or cancelled night; `starts_at` is an instant, `time_zone` the venue's IANA zone."""

    slug: str
    title: str
    starts_at: datetime
    time_zone: str
    status: str


class TicketTypeOnSale(msgspec.Struct, frozen=True):
    """A ticket type at the price of the release on sale; `available` is what one more order could get. One ticket lets
    in `admits` people, none for the first time after `last_entry_at`."""

    id: UUID
    name: str
    price: int
    currency: str
    available: int
    admits: int
    last_entry_at: datetime | None


ONE_EVENT = Query(
    EventSummary,
    "SELECT slug, title, starts_at, time_zone, status FROM event WHERE slug = $1 AND status <> 'draft'",
)

ON_SALE = Query(
    TicketTypeOnSale,
    """
SELECT ticket_type.id, ticket_type.name, on_sale.price_minor, event.currency, on_sale.available,
  ticket_type.admits, type_entry.last_entry_at
FROM event
CROSS JOIN release_on_sale(event.id, 1) AS on_sale
JOIN ticket_type ON ticket_type.event_id = event.id AND ticket_type.id = on_sale.ticket_type_id
JOIN type_entry ON type_entry.event_id = event.id AND type_entry.ticket_type_id = ticket_type.id
WHERE event.slug = $1 AND event.status <> 'draft' ORDER BY ticket_type.position
""",
)


async def event_on_sale(connection: Connection, slug: str) -> tuple[EventSummary, list[TicketTypeOnSale]]:
    """A night and its ticket types in the organiser's order. Raises NotFound for a draft or unknown slug."""
    event = await ONE_EVENT.first(connection, slug) if SLUG.fullmatch(slug) else None
    if event is None:
        raise no_such_event()
    return event, await ON_SALE.all(connection, slug)


def no_such_event() -> NotFound:
    """The answer for an unknown slug and for a draft."""
    return NotFound("There is no night at this address. It may have moved: look through all nights.")
