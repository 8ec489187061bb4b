"""Writes what a night's door goes by: entry lists, the rules of guest lists, the prices of what is sold there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from boxoffice.catalogue.planned_night import Night
from boxoffice.catalogue.record_set import record_set
from boxoffice.foundation.db import Command, Connection
from boxoffice.foundation.ids import named_id

# A list that the file no longer has stays: scanners are paired with it, and people came in by it.
PUT_ENTRY_LISTS = Command("""
INSERT INTO entry_list (event_id, id, name, re_entry, opens_at, last_entry_at)
SELECT event_id, id, name, re_entry, opens_at, last_entry_at FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, name text, re_entry boolean, opens_at timestamptz, last_entry_at timestamptz)
ON CONFLICT (event_id, id) DO UPDATE SET re_entry = excluded.re_entry, opens_at = excluded.opens_at,
  last_entry_at = excluded.last_entry_at
""")
CLEAR_ENTRY_LIST_TYPES = Command("""
DELETE FROM entry_list_type USING ticket_type,
  jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, ticket_types jsonb)
WHERE entry_list_type.event_id = row.event_id AND list_id = row.id
  AND ticket_type.event_id = row.event_id AND ticket_type.id = ticket_type_id
  AND NOT row.ticket_types ? ticket_type.name
""")
PUT_ENTRY_LIST_TYPES = Command("""
INSERT INTO entry_list_type (event_id, list_id, ticket_type_id)
SELECT row.event_id, row.id, ticket_type.id
FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, ticket_types jsonb)
JOIN ticket_type ON ticket_type.event_id = row.event_id AND row.ticket_types ? ticket_type.name
ON CONFLICT DO NOTHING
""")

# A guest list that the file no longer has stays too: there are names on it.
PUT_GUEST_LISTS = Command("""
INSERT INTO guest_list (event_id, id, given_by, plus_ones_max, closes_at)
SELECT event_id, id, given_by, plus_ones_max, closes_at FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, given_by text, plus_ones_max smallint, closes_at timestamptz)
ON CONFLICT (event_id, id) DO UPDATE SET given_by = excluded.given_by, plus_ones_max = excluded.plus_ones_max,
  closes_at = excluded.closes_at
""")

# What was sold keeps its price, so the file alone says what is asked from now on.
CLEAR_DOOR_PRICES = Command("DELETE FROM door_price WHERE event_id = ANY($1::uuid[])")
PUT_DOOR_PRICES = Command("""
INSERT INTO door_price (event_id, ticket_type_id, from_at, price_minor, cash, card)
SELECT event_id, ticket_type_id, from_at, price_minor, cash, card FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, ticket_type_id uuid, from_at timestamptz, price_minor bigint, cash boolean, card boolean)
""")


async def load_door(connection: Connection, nights: Sequence[tuple[UUID, Night]]) -> None:
    """Creates and updates it for nights whose ticket types and guests' places are there, each under its event's id."""
    lists = record_set([row for event_id, night in nights for row in _entry_lists(event_id, night)])
    await PUT_ENTRY_LISTS.run(connection, lists)
    await CLEAR_ENTRY_LIST_TYPES.run(connection, lists)
    await PUT_ENTRY_LIST_TYPES.run(connection, lists)
    guest_lists = [row for event_id, night in nights for row in _guest_lists(event_id, night)]
    await PUT_GUEST_LISTS.run(connection, record_set(guest_lists))
    await CLEAR_DOOR_PRICES.run(connection, [event_id for event_id, _ in nights])
    prices = [row for event_id, night in nights for row in _door_prices(event_id, night)]
    await PUT_DOOR_PRICES.run(connection, record_set(prices))


def _entry_lists(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "id": named_id("entry list", str(event_id), one.name)} | msgspec.structs.asdict(one)
        for one in night.entry_lists
    ]


def _guest_lists(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {
            "event_id": event_id,
            "id": named_id("ticket type", str(event_id), one.name),
            "given_by": one.given_by,
            "plus_ones_max": one.plus_ones_max,
            "closes_at": one.closes_at,
        }
        for one in night.guest_lists
    ]


def _door_prices(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "ticket_type_id": named_id("ticket type", str(event_id), price.ticket_type)}
        | msgspec.structs.asdict(price)
        for price in night.door_prices
    ]
