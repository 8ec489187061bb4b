"""Tickets as their holders see them."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, read_code
from boxoffice.foundation.written import write_time

TICKET_MOVES: dict[str, frozenset[str]] = {
    "active": frozenset(["used", "cancelled", "refunded"]),
    "used": frozenset(["active", "cancelled", "refunded"]),  # back to active: a scan is undone
    "cancelled": frozenset(["refunded"]),
    "refunded": frozenset(),
}
"""From each status of a ticket to those it may move to; the database refuses every other move."""

OPENS_THE_DOOR = ("active", "used")


class OrderTicket(msgspec.Struct, frozen=True):
    """One ticket of an order, as its buyer knows it. A blocked one reads `cancelled`, with the reason beside it; one
    that somebody else holds now reads `sent_on`, with the code that it had, which opens nothing."""

    id: UUID
    code: str
    status: str
    blocked_reason: str | None
    ticket_type: str
    holder: str
    revision: int
    used_at: datetime | None
    admits: int
    last_entry_at: datetime | None
    sent_to: str | None
    sent_at: datetime | None


class TicketCard(msgspec.Struct, frozen=True):
    """One ticket with its night, for My Tickets and the ticket's own page. `purchased_at` is when it was paid; `email`
    is its buyer's, `holder_email` of whoever holds it now. It lets in `admits` people, none for the first time after
    `last_entry_at`; `comes_back`: who has left may come in with it again. `rotates`: its code changes;
    `takes_paper`: the door takes one that stays too. From `watched_from` until the night ends its open page asks
    what became of it."""

    event_id: UUID
    id: UUID
    code: str
    status: str
    blocked_reason: str | None
    ticket_type: str
    release: str
    admits: int
    last_entry_at: datetime | None
    holder: str
    revision: int
    unit_minor: int
    currency: str
    purchased_at: datetime
    used_at: datetime | None
    order_code: str
    email: str
    holder_email: str
    reissued_at: datetime | None
    comes_back: bool
    rotates: bool
    takes_paper: bool
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    watched_from: datetime
    time_zone: str
    age_minimum: int
    venue_name: str
    venue_address: str
    venue_city: str
    organiser: str
    now: datetime

    @property
    def state(self) -> str:
        """What its page shows at a glance: its status, or `cancelled` with its night."""
        return "cancelled" if self.event_status == "cancelled" and self.status in OPENS_THE_DOOR else self.status

    @property
    def is_buyers(self) -> bool:
        """Whether its holder bought it: who was sent a ticket is shown neither its price nor its order."""
        return self.holder_email == self.email


OF_ORDER = Query(
    OrderTicket,
    """
SELECT ticket.id, coalesce(old_code, ticket.code) AS code, CASE WHEN blocked_reason IS NOT NULL THEN 'cancelled'
    WHEN old_code IS NOT NULL AND ticket.status IN ('active', 'used') THEN 'sent_on' ELSE ticket.status END AS status,
  ticket.blocked_reason, ticket_type.name AS ticket_type, coalesce(from_name, ticket.holder) AS holder,
  ticket.revision, CASE WHEN old_code IS NULL THEN ticket.used_at END AS used_at,
  ticket_type.admits, type_entry.last_entry_at, to_name AS sent_to, sent_at
FROM ticket JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN type_entry ON type_entry.event_id = ticket.event_id AND type_entry.ticket_type_id = ticket.ticket_type_id
LEFT JOIN sent_on ON sent_on.event_id = ticket.event_id AND sent_on.ticket_id = ticket.id
WHERE ticket.event_id = $1 AND ticket.order_id = $2 ORDER BY ticket.number
""",
)

_CARD = """
SELECT ticket.event_id, ticket.id, ticket.code,
  CASE WHEN blocked_reason IS NULL THEN ticket.status ELSE 'cancelled' END AS status, ticket.blocked_reason,
  ticket_type.name AS ticket_type, release.name AS release, ticket_type.admits, type_entry.last_entry_at,
  ticket.holder, ticket.revision, order_line.unit_minor, orders.currency, orders.paid_at AS purchased_at,
  ticket.used_at, orders.code AS order_code, orders.email, coalesce(ticket.holder_email, orders.email) AS holder_email,
  ticket.reissued_at, EXISTS (SELECT FROM entry_list JOIN list_type USING (event_id) WHERE event_id = ticket.event_id
    AND list_id = entry_list.id AND re_entry AND takes AND list_type.ticket_type_id = ticket.ticket_type_id)
    AS comes_back, event.code = 'rotating' AS rotates, event.paper AS takes_paper,
  event.slug AS event_slug, event.title AS event_title, event.status AS event_status, event.doors_at, event.starts_at,
  event.ends_at, least(event.doors_at - interval '2 hours', (SELECT min(opens_at) FROM entry_list
    WHERE entry_list.event_id = event.id)) AS watched_from, event.time_zone, event.age_minimum,
  venue.name AS venue_name, venue.address AS venue_address, venue.city AS venue_city,
  organisation.name AS organiser, clock() AS now
FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
JOIN order_line ON order_line.event_id = ticket.event_id AND order_line.order_id = ticket.order_id
  AND order_line.number = ticket.line_number
JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN type_entry ON type_entry.event_id = ticket.event_id AND type_entry.ticket_type_id = ticket.ticket_type_id
JOIN release ON release.event_id = ticket.event_id AND release.id = ticket.release_id
JOIN event ON event.id = ticket.event_id
JOIN venue ON venue.id = event.venue_id
JOIN organisation ON organisation.id = event.organisation_id
"""
_HELD_BY = """
SELECT ticket.event_id, ticket.id FROM orders
JOIN ticket ON ticket.event_id = orders.event_id AND ticket.order_id = orders.id
WHERE orders.email = $1 AND holder_email IS NULL
UNION ALL SELECT event_id, id FROM ticket WHERE holder_email = $1
"""
OF_PERSON = Query(
    TicketCard,
    f"{_CARD} WHERE (ticket.event_id, ticket.id) IN ({_HELD_BY}) ORDER BY event.starts_at, orders.code, ticket.number",
)
ONE = Query(TicketCard, f"{_CARD} WHERE event.short_code = $1 AND ticket.code = $2")


async def tickets_of_order(connection: Connection, event_id: UUID, order_id: UUID) -> list[OrderTicket]:
    """In the order of its lines; empty until it is paid."""
    return await OF_ORDER.all(connection, event_id, order_id)


async def tickets_of_person(connection: Connection, email: str) -> list[TicketCard]:
    """Everything that was bought with this address or sent to it, and is its own still, soonest night first. Reads
    across nights."""
    return await OF_PERSON.all(connection, email)


async def ticket_of_code(connection: Connection, code: str) -> TicketCard | None:
    """The ticket of a code as people type it; None for a code that does not exist. Asks nobody for leave."""
    canonical = read_code(code)
    return await ONE.first(connection, canonical[:EVENT_CODE_LENGTH], canonical) if canonical else None


def rule_words(admits: int, last_entry_at: datetime | None, time_zone: str) -> str:
    """What is special about coming in with a ticket, "For 6 people, entry until 00:30"; empty for most."""
    rules = [f"for {admits} people"] if admits > 1 else []
    if last_entry_at is not None:
        rules.append(f"entry until {write_time(last_entry_at, time_zone)}")
    words = ", ".join(rules)
    return words[:1].upper() + words[1:]
