"""What a pass tells: a ticket with its night, and the name of the pass.

A pass is made of one revision of a ticket. When that is reissued, to somebody else perhaps, the pass is void for good
and says nothing of whoever has the ticket now.
"""

import re
import unicodedata
from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.person_name import DIRECTION
from boxoffice.foundation.written import write_time
from boxoffice.tickets.ticket import OPENS_THE_DOOR, rule_words

APPLE_AT_ONCE_MAX = 10
"""Apple's limit for one file of passes."""
GOOGLE_AT_ONCE_MAX = 5
"""So many names of passes fit a link."""
_SERIAL = re.compile(r"([0-9a-f]{32})-([0-9a-f]{32})-(0|[1-9][0-9]{0,5})")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class PassKey(msgspec.Struct, frozen=True):
    """Which pass: a revision of a ticket. Its text is Apple's serial number."""

    event_id: UUID
    ticket_id: UUID
    revision: int

    def __str__(self) -> str:
        return f"{self.event_id.hex}-{self.ticket_id.hex}-{self.revision}"


class PassCard(msgspec.Struct, frozen=True):
    """A ticket as it is now, with its night. `changed_at` is when anything of it changed last; a blocked ticket reads
    `cancelled`. It lets in `admits` people, none for the first time after `last_entry_at`."""

    event_id: UUID
    ticket_id: UUID
    revision: int
    code: str
    status: str
    ticket_type: str
    admits: int
    last_entry_at: datetime | None
    holder: str
    unit_minor: int
    currency: str
    used_at: datetime | None
    event_slug: str
    event_title: str
    event_status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    age_minimum: int
    takes_paper: bool
    venue_name: str
    venue_address: str
    venue_city: str
    latitude: float | None
    longitude: float | None
    organiser: str
    changed_at: datetime
    now: datetime


class ShownPass(msgspec.Struct, frozen=True):
    """A pass as a wallet shows it. Without `code` it opens nothing, and `status` says why."""

    key: PassKey
    card: PassCard
    code: str
    holder: str
    status: str

    @property
    def void(self) -> bool:
        """Whether it opens nothing."""
        return not self.code


_CARD = """
SELECT ticket.event_id, ticket.id AS ticket_id, ticket.revision, ticket.code,
  CASE WHEN blocked_reason IS NULL THEN ticket.status ELSE 'cancelled' END AS status,
  ticket_type.name AS ticket_type, ticket_type.admits, type_entry.last_entry_at, ticket.holder,
  order_line.unit_minor, orders.currency, ticket.used_at,
  event.slug AS event_slug, event.title AS event_title, event.status AS event_status,
  event.doors_at, event.starts_at, event.ends_at, event.time_zone, event.age_minimum,
  event.paper AS takes_paper, venue.name AS venue_name, venue.address AS venue_address, venue.city AS venue_city,
  venue.latitude, venue.longitude,
  organisation.name AS organiser, greatest(ticket.changed_at, event.updated_at, venue.updated_at) AS changed_at,
  clock() AS now
FROM ticket
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
JOIN order_line ON order_line.event_id = ticket.event_id AND order_line.order_id = ticket.order_id
  AND order_line.number = ticket.line_number
JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN type_entry ON type_entry.event_id = ticket.event_id AND type_entry.ticket_type_id = ticket.ticket_type_id
JOIN event ON event.id = ticket.event_id
JOIN venue ON venue.id = event.venue_id
JOIN organisation ON organisation.id = event.organisation_id
WHERE ticket.event_id = $1
"""
ONE = Query(PassCard, f"{_CARD} AND ticket.id = $2")
SEVERAL = Query(PassCard, f"{_CARD} AND ticket.id = ANY($2::uuid[]) ORDER BY orders.code, ticket.number")


def read_serial(text: str) -> PassKey | None:
    """The pass of a serial number; None when it cannot be one of ours."""
    match = _SERIAL.fullmatch(text)
    return PassKey(UUID(match[1]), UUID(match[2]), int(match[3])) if match else None


async def show_pass(connection: Connection, key: PassKey) -> ShownPass | None:
    """The pass as it is now; None when there is no such ticket."""
    card = await ONE.first(connection, key.event_id, key.ticket_id)
    return shown(card, key.revision) if card and key.revision <= card.revision else None


async def passes_of(connection: Connection, event_id: UUID, ticket_ids: list[UUID]) -> list[ShownPass]:
    """A pass of each of these tickets as they are now, in the order of their numbers."""
    cards = await SEVERAL.all(connection, event_id, ticket_ids)
    return [shown(card, card.revision) for card in cards]


def shown(card: PassCard, revision: int) -> ShownPass:
    """What a pass of that revision says of the ticket."""
    key = PassKey(card.event_id, card.ticket_id, revision)
    gone = {"refunded": "Refunded", "cancelled": "Cancelled"}.get(card.status, "")
    if card.event_status == "cancelled":
        gone = gone if card.status == "refunded" else "The night is cancelled"
    if revision != card.revision:
        return ShownPass(key, card, "", "", gone or "Replaced by a newer ticket")
    if gone or card.status not in OPENS_THE_DOOR:
        return ShownPass(key, card, "", said(card.holder), gone or "Not valid")
    if not card.takes_paper:  # a pass has a code that stays, as paper has
        return ShownPass(key, card, "", said(card.holder), "Open the ticket itself: its code changes")
    used = f"Used at {write_time(card.used_at, card.time_zone)}" if card.status == "used" and card.used_at else ""
    return ShownPass(key, card, card.code, said(card.holder), used or ("Used" if card.status == "used" else "Valid"))


def rule_of(card: PassCard) -> str:
    """For how many a ticket is and until when it lets them in; empty for most."""
    return rule_words(card.admits, card.last_entry_at, card.time_zone)


def said(text: str) -> str:
    """Words of people on one line, without what sets a direction."""
    return unicodedata.normalize("NFC", " ".join(_UNPRINTABLE.sub(" ", DIRECTION.sub("", text)).split()))
