"""Writes what nights of a file sell and give: ticket types and guest lists with their releases, stocks, promo codes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from boxoffice.catalogue.planned_night import Night, Release, TicketType
from boxoffice.catalogue.record_set import record_set
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import named_id
from boxoffice.foundation.problems import Unprocessable

GUESTS = "Guest list"
"""What the one release of a guest list is called."""

LOCK_STOCKS = Query(int, "SELECT 1 FROM stock WHERE event_id = ANY($1::uuid[]) ORDER BY event_id, id FOR UPDATE")

ADD_STOCKS = Command("""
INSERT INTO stock (event_id, id, cap)
SELECT event_id, id, cap FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, cap integer)
ON CONFLICT (event_id, id) DO NOTHING
""")

# How many a ticket admits stays once one is held or sold: their holds on the room were counted by it.
PUT_TICKET_TYPES = Command("""
INSERT INTO ticket_type (event_id, id, position, name, description, room_stock_id, admits, last_entry_at, checks,
  for_guests)
SELECT event_id, id, position, name, description, room_stock_id, admits, last_entry_at,
  ARRAY(SELECT jsonb_array_elements_text(checks)), for_guests
FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, position smallint, name text,
  description text, room_stock_id uuid, admits smallint, last_entry_at timestamptz, checks jsonb, for_guests boolean)
ON CONFLICT (event_id, id) DO UPDATE SET position = excluded.position, description = excluded.description,
  room_stock_id = excluded.room_stock_id, last_entry_at = excluded.last_entry_at, checks = excluded.checks,
  admits = CASE WHEN EXISTS (SELECT FROM release JOIN stock ON stock.event_id = release.event_id
      AND stock.id = release.stock_id
    WHERE release.event_id = ticket_type.event_id AND release.ticket_type_id = ticket_type.id AND stock.used > 0)
    THEN ticket_type.admits ELSE excluded.admits END
""")

PUT_RELEASES = Command("""
INSERT INTO release (event_id, id, ticket_type_id, position, name, price_minor, stock_id)
SELECT event_id, id, ticket_type_id, position, name, price_minor, stock_id FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, ticket_type_id uuid, position smallint, name text, price_minor bigint,
  stock_id uuid)
ON CONFLICT (event_id, id) DO UPDATE SET name = excluded.name, price_minor = excluded.price_minor
""")

# A capacity is what the file says and what was inherited, never below what is held and sold: then nothing more is sold.
# What a closed release should sell more or fewer is its heir's, as units are that come back to it.
PLAN_STOCKS = Command("""
WITH planned AS (
  SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, cap integer)),
closed AS (
  SELECT event_id, id, release_heir(event_id, id) AS heir, planned.cap + stock.inherited - stock.cap AS n
  FROM planned JOIN stock USING (event_id, id) WHERE stock.closed),
moved AS (
  SELECT event_id, id, sum(n)::integer AS n FROM (
    SELECT event_id, id, -n AS n FROM closed WHERE heir <> id
    UNION ALL SELECT event_id, heir, n FROM closed WHERE heir <> id) AS each_move
  GROUP BY event_id, id),
wanted AS (
  SELECT event_id, id, stock.inherited + coalesce(moved.n, 0) AS inherited,
    coalesce(planned.cap, stock.cap - stock.inherited) + stock.inherited + coalesce(moved.n, 0) AS cap
  FROM stock LEFT JOIN planned USING (event_id, id) LEFT JOIN moved USING (event_id, id)
  WHERE planned.id IS NOT NULL OR moved.id IS NOT NULL)
UPDATE stock SET inherited = wanted.inherited, cap = greatest(wanted.cap, stock.used),
  closed = stock.closed AND wanted.cap <= stock.used
FROM wanted WHERE stock.event_id = wanted.event_id AND stock.id = wanted.id
  AND (stock.inherited, stock.cap) <> (wanted.inherited, greatest(wanted.cap, stock.used))
""")

# A code that the file no longer has can no longer be used; the orders that used it keep pointing at it.
WITHDRAW_PROMOS = Command("""
UPDATE promo SET code = NULL WHERE event_id = ANY($2::uuid[]) AND NOT EXISTS (
  SELECT FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid)
  WHERE row.event_id = promo.event_id AND row.id = promo.id)
""")

PUT_PROMOS = Command("""
INSERT INTO promo (event_id, id, code, percent, amount_minor, uses_max)
SELECT event_id, id, code, percent, amount_minor, uses_max FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, code text, percent smallint, amount_minor bigint, uses_max integer)
ON CONFLICT (event_id, id) DO UPDATE SET code = excluded.code, percent = excluded.percent,
  amount_minor = excluded.amount_minor,
  uses_max = CASE WHEN excluded.uses_max < promo.used THEN promo.used ELSE excluded.uses_max END
""")

OTHER_KIND = Query(
    str,
    """
SELECT ticket_type.name FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, for_guests boolean)
JOIN ticket_type ON ticket_type.event_id = row.event_id AND ticket_type.id = row.id
WHERE ticket_type.for_guests <> row.for_guests ORDER BY ticket_type.name LIMIT 1
""",
)


async def load_tickets(connection: Connection, nights: Sequence[tuple[UUID, Night]]) -> None:
    """Creates and updates what the nights sell, each under the id of its event.

    Raises Unprocessable when a ticket type would become a guest list, or the other way round.
    """
    events = [event_id for event_id, _ in nights]
    rows = _Rows()
    for event_id, night in nights:
        rows.add(event_id, night)
    await LOCK_STOCKS.all(connection, events)
    await ADD_STOCKS.run(connection, record_set(rows.stocks))
    if name := await OTHER_KIND.first(connection, record_set(rows.ticket_types)):
        raise Unprocessable(f'"{name}" cannot turn from a ticket type into a guest list, or back: give it a new name.')
    await PUT_TICKET_TYPES.run(connection, record_set(rows.ticket_types))
    await PUT_RELEASES.run(connection, record_set(rows.releases))
    await PLAN_STOCKS.run(connection, record_set(rows.stocks))
    promos = record_set([row for event_id, night in nights for row in _promos(event_id, night)])
    await WITHDRAW_PROMOS.run(connection, promos, events)
    await PUT_PROMOS.run(connection, promos)


def _promos(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "id": named_id("promo", str(event_id), promo.code)} | msgspec.structs.asdict(promo)
        for promo in night.promos
    ]


class _Rows:
    """The stocks, ticket types and releases of several nights."""

    def __init__(self) -> None:
        self.stocks: list[dict[str, Any]] = []
        self.ticket_types: list[dict[str, Any]] = []
        self.releases: list[dict[str, Any]] = []

    def add(self, event_id: UUID, night: Night) -> None:
        """One night: a stock for the room when it has a capacity, and one for each release."""
        room_id = None
        if night.entry.room_capacity is not None:
            room_id = named_id("room", str(event_id))
            self.stocks.append({"event_id": event_id, "id": room_id, "cap": night.entry.room_capacity})
        for position, ticket_type in enumerate(night.ticket_types):
            type_id = self._add_type(event_id, position, ticket_type, room_id)
            self._add_releases(event_id, type_id, ticket_type)
        for position, guest_list in enumerate(night.guest_lists, len(night.ticket_types)):
            places = Release(GUESTS, 0, guest_list.quota)
            ticket_type = TicketType(guest_list.name, "", (places,), 1, guest_list.last_entry_at, guest_list.checks)
            type_id = self._add_type(event_id, position, ticket_type, None, for_guests=True)
            self._add_releases(event_id, type_id, ticket_type)

    def _add_type(
        self,
        event_id: UUID,
        position: int,
        ticket_type: TicketType,
        room_id: UUID | None,
        *,
        for_guests: bool = False,
    ) -> UUID:
        type_id = named_id("ticket type", str(event_id), ticket_type.name)
        self.ticket_types.append(
            {
                "event_id": event_id,
                "id": type_id,
                "position": position,
                "name": ticket_type.name,
                "description": ticket_type.description,
                "room_stock_id": room_id,
                "admits": ticket_type.admits,
                "last_entry_at": ticket_type.last_entry_at,
                "checks": ticket_type.checks,
                "for_guests": for_guests,
            }
        )
        return type_id

    def _add_releases(self, event_id: UUID, type_id: UUID, ticket_type: TicketType) -> None:
        for position, release in enumerate(ticket_type.releases):
            stock_id = named_id("release stock", str(type_id), str(position))
            self.stocks.append({"event_id": event_id, "id": stock_id, "cap": release.quantity})
            self.releases.append(
                {
                    "event_id": event_id,
                    "id": named_id("release", str(type_id), str(position)),
                    "ticket_type_id": type_id,
                    "position": position,
                    "name": release.name,
                    "price_minor": release.price_minor,
                    "stock_id": stock_id,
                }
            )
