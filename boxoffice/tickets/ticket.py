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
    """One ticket of an order. A blocked one reads `cancelled`, with the reason beside it."""

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


class TicketCard(msgspec.Struct, frozen=True):
    """One ticket with its night, for My Tickets and the ticket's own page. `purchased_at` is when it was paid. It lets
    in `admits` people, none for the first time after `last_entry_at`."""

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
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    age_minimum: int
    venue_name: str
    venue_address: str
    venue_city: str
    organiser: str
    now: datetime


OF_ORDER = Query(
    OrderTicket,
    """
SELECT ticket.id, ticket.code, CASE WHEN blocked_reason IS NULL THEN ticket.status ELSE 'cancelled' END AS status,
  ticket.blocked_reason, ticket_type.name AS ticket_type, ticket.holder, ticket.revision, ticket.used_at,
  ticket_type.admits, ticket_type.last_entry_at
FROM ticket JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
WHERE ticket.event_id = $1 AND ticket.order_id = $2 ORDER BY ticket.number
""",
)

_CARD = """
SELECT ticket.event_id, ticket.id, ticket.code,
  CASE WHEN blocked_reason IS NULL THEN ticket.status ELSE 'cancelled' END AS status, ticket.blocked_reason,
  ticket_type.name AS ticket_type, release.name AS release, ticket_type.admits, ticket_type.last_entry_at,
  ticket.holder, ticket.revision, order_line.unit_minor, orders.currency, orders.paid_at AS purchased_at,
  ticket.used_at, orders.code AS order_code, orders.email,
  event.slug AS event_slug, event.title AS event_title, event.status AS event_status, event.doors_at, event.starts_at,
  event.ends_at, event.time_zone, event.age_minimum, venue.name AS venue_name, venue.address AS venue_address,
  venue.city AS venue_city, organisation.name AS organiser, clock() AS now
FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
JOIN order_line ON order_line.event_id = ticket.event_id AND order_line.order_id = ticket.order_id
  AND order_line.number = ticket.line_number
JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN release ON release.event_id = ticket.event_id AND release.id = ticket.release_id
JOIN event ON event.id = ticket.event_id
JOIN venue ON venue.id = event.venue_id
JOIN organisation ON organisation.id = event.organisation_id
"""
OF_PERSON = Query(TicketCard, f"{_CARD} WHERE orders.email = $1 ORDER BY event.starts_at, orders.code, ticket.number")
ONE = Query(TicketCard, f"{_CARD} WHERE event.short_code = $1 AND ticket.code = $2")


async def tickets_of_order(connection: Connection, event_id: UUID, order_id: UUID) -> list[OrderTicket]:
    """In the order of its lines; empty until it is paid."""
    return await OF_ORDER.all(connection, event_id, order_id)


async def tickets_of_person(connection: Connection, email: str) -> list[TicketCard]:
    """Everything bought with this address, soonest night first. Reads across nights."""
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
